//! Cuts text that comes in pieces into sentences, each with the ids that it cites.

/// Bytes after which a sentence is given up on.
const LONGEST: usize = 2_000;

/// Words that end in a full stop without ending a sentence.
const ABBREVIATIONS: [&str; 6] = ["e.g", "i.e", "vs", "approx", "resp", "cf"];

/// Collects text until a sentence is whole.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    buffer: String,
}

impl Splitter {
    /// Takes text, gives the sentences that it completes.
    pub(super) fn push(&mut self, text: &str) -> Vec<String> {
        self.buffer.push_str(text);
        let mut sentences = Vec::new();
        while let Some(end) = boundary(&self.buffer) {
            let rest = self.buffer.split_off(end);
            let sentence = std::mem::replace(&mut self.buffer, rest);
            sentences.extend(Some(sentence.trim().to_owned()).filter(|sentence| !sentence.is_empty()));
        }
        sentences
    }

    /// What is left when nothing more comes.
    pub(super) fn finish(self) -> Option<String> {
        Some(self.buffer.trim().to_owned()).filter(|rest| !rest.is_empty())
    }
}

/// Where the first sentence ends; none while what follows could belong to it.
fn boundary(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        match character {
            '\n' => return Some(end),
            '`' => quoted = !quoted,
            '.' | '!' | '?' if !quoted && !is_inner_stop(text, at) => {
                if let Some(end) = after_stop(text, end)? {
                    return Some(end);
                }
            }
            _ if end >= LONGEST => return Some(end),
            _ => {}
        }
    }
    None
}

/// A stop after an abbreviation or after the number of a list.
fn is_inner_stop(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    ABBREVIATIONS.contains(&word.to_lowercase().as_str())
        || !before.trim().is_empty() && before.trim().bytes().all(|byte| byte.is_ascii_digit())
}

/// The end of a sentence after its stop: closing marks and citations belong to it.
///
/// None: what comes decides. Some(None): the stop is inside a word.
#[expect(clippy::option_option, reason = "undecided, no end, and an end are three answers")]
fn after_stop(text: &str, from: usize) -> Option<Option<usize>> {
    let mut end = from;
    let rest = |end: usize| text.get(end..).unwrap_or_default();
    let closers = rest(end).chars().take_while(|c| matches!(c, '"' | ')' | '*' | '\'' | '.' | '!' | '?'));
    end += closers.map(char::len_utf8).sum::<usize>();
    match rest(end).chars().next()? {
        '[' => {}
        next if next.is_whitespace() => {}
        _ => return Some(None),
    }
    loop {
        let blank = rest(end).len() - rest(end).trim_start_matches([' ', '\t']).len();
        match rest(end + blank).chars().next()? {
            '[' => end += blank + rest(end + blank).find(']')? + 1,
            '.' if blank == 0 => end += 1,
            _ => return Some(Some(end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&str]) -> Vec<String> {
        let mut splitter = Splitter::default();
        let mut sentences: Vec<String> = pieces.iter().flat_map(|piece| splitter.push(piece)).collect();
        sentences.extend(splitter.finish());
        sentences
    }

    const TEXT: &str = "It was killed 1.5 times, e.g. at 14:02 [e1]. Image web:1.4.2 is new. [e2] [e3]. \
        Run `kubectl get po. -n a` now! [e4]\n- A list [e5]\n1. First thing [e6]. The end";

    #[test]
    fn sentences_keep_their_citations() {
        assert_eq!(
            split(&[TEXT]),
            [
                "It was killed 1.5 times, e.g. at 14:02 [e1].",
                "Image web:1.4.2 is new. [e2] [e3].",
                "Run `kubectl get po. -n a` now! [e4]",
                "- A list [e5]",
                "1. First thing [e6].",
                "The end"
            ]
        );
    }

    #[test]
    fn cuts_do_not_matter() {
        for at in 0..=TEXT.len() {
            let (a, b) = TEXT.split_at(at);
            assert_eq!(split(&[a, b]), split(&[TEXT]), "{at}");
        }
    }

    #[test]
    fn text_without_end_is_cut() {
        assert!(split(&[&"word ".repeat(10_000)]).iter().all(|sentence| sentence.len() <= LONGEST + 4));
    }
}
