//! Server-sent events out of bytes, however they are cut.

/// A line longer than this is no event of a language model.
const LONGEST_LINE: usize = 1 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its type; empty where it has none.
    pub name: String,
    /// Its data, lines joined.
    pub data: String,
}

/// An event or a line without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Decodes a stream of bytes; whole lines are decoded, so characters may be cut anywhere.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    /// The last byte was a carriage return: a line feed after it belongs to it.
    returned: bool,
    begun: bool,
}

impl Decoder {
    /// Takes bytes, gives the events that they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            let after_return = std::mem::take(&mut self.returned);
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    self.returned = *byte == b'\r';
                    events.extend(self.end_line());
                }
                _ if self.line.len() >= LONGEST_LINE || self.event.data.len() >= LONGEST_LINE => {
                    return Err(TooLong);
                }
                byte => self.line.push(*byte),
            }
        }
        Ok(events)
    }

    /// The stream ended: some servers leave out the last empty line.
    pub(super) fn finish(mut self) -> Option<Event> {
        let last = self.end_line();
        last.or_else(|| self.has_data.then_some(self.event))
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let mut line: &str = &text;
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // Comments, ids and retry times say nothing here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            events.extend(decoder.push(piece).unwrap());
        }
        events.extend(decoder.finish());
        events
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn lines_events_and_comments() {
        let text = "\u{feff}: hello\r\nevent: ping\ndata: {}\n\ndata:a\rdata: b\r\n\r\nid: 7\n\ndata: [DONE]";
        assert_eq!(decode([text.as_bytes()]), [event("ping", "{}"), event("", "a\nb"), event("", "[DONE]")]);
    }

    #[test]
    fn every_cut_gives_the_same() {
        let text = "event: x\r\ndata: größer → 🙂\r\n\r\ndata: 2\n\n".as_bytes();
        let whole = decode([text]);
        assert_eq!(whole.len(), 2);
        for at in 0..=text.len() {
            let (a, b) = text.split_at(at);
            assert_eq!(decode([a, b]), whole, "{at}");
        }
        assert_eq!(decode(text.chunks(1)), whole);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut decoder = Decoder::default();
        assert!(decoder.push(&vec![b'x'; LONGEST_LINE + 1]).is_err());
        let mut decoder = Decoder::default();
        assert!(decoder.push("data: 0123456789\n".repeat(LONGEST_LINE / 8).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_decode(bytes in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>()) {
            let (a, b) = bytes.split_at(at.index(bytes.len() + 1));
            prop_assert_eq!(decode([a, b]), decode([bytes.as_slice()]));
        }
    }
}
