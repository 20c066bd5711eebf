//! Redaction: credentials never reach a report, a log, a snapshot or an LLM.
//!
//! [`text`] replaces credentials in any text by [`MARKER`], [`strip_escapes`] removes what a
//! terminal would obey, and [`clean`] does both. All are pure, idempotent and linear in the length
//! of the input. This module decides by shape and by name only: it never looks a value up, and it
//! leaves names of credentials alone, because "key `DB_PASSWORD` is missing" is a diagnosis.

mod names;
mod pairs;
mod patterns;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub use names::sensitive_name;

/// What stands in the place of a credential.
pub const MARKER: &str = "[redacted]";

/// Bounds the passes over one text; the second hardly ever finds anything.
const MOST_PASSES: usize = 4;

/// Replaces credentials in a text by [`MARKER`]; borrowed where there is none.
pub fn text(text: &str) -> Cow<'_, str> {
    let Some(mut result) = once(text) else { return Cow::Borrowed(text) };
    // A marker can give what stood beside the credential another meaning, so look again.
    for _ in 0..MOST_PASSES {
        match once(&result) {
            Some(next) => result = next,
            None => break,
        }
    }
    Cow::Owned(result)
}

fn once(text: &str) -> Option<String> {
    let mut spans = Vec::new();
    patterns::find(text, &mut spans);
    pairs::find(text, &mut spans);
    spans.retain(|span| !span.is_empty() && !is_marker(text, span));
    (!spans.is_empty()).then(|| replace(text, spans))
}

/// Whether a span is redacted already.
fn is_marker(text: &str, span: &Range<usize>) -> bool {
    span.len() <= MARKER.len() && text.get(span.start..).is_some_and(|rest| rest.starts_with(MARKER))
}

/// Strips escapes, then redacts: what any text from a cluster goes through before it is shown.
pub fn clean(input: &str) -> Cow<'_, str> {
    match strip_escapes(input) {
        Cow::Borrowed(plain) => text(plain),
        Cow::Owned(plain) => Cow::Owned(text(&plain).into_owned()),
    }
}

/// Replaces every span, overlapping ones together.
fn replace(text: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    let mut merged: Option<Range<usize>> = None;
    let mut flush = |span: Range<usize>| {
        result.push_str(text.get(done..span.start).unwrap_or_default());
        result.push_str(MARKER);
        done = span.end;
    };
    for span in spans {
        match &mut merged {
            // Spans that touch would otherwise print the marker twice in a row.
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => {
                if let Some(last) = merged.replace(span) {
                    flush(last);
                }
            }
        }
    }
    if let Some(last) = merged {
        flush(last);
    }
    result.push_str(text.get(done..).unwrap_or_default());
    result
}

/// Removes terminal escape sequences, control characters other than line feed and tab, and the
/// invisible characters that reorder text; borrowed where there is none.
pub fn strip_escapes(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unwanted) {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            char if is_unwanted(char) => {}
            char => result.push(char),
        }
    }
    Cow::Owned(result)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn is_unwanted(char: char) -> bool {
    (char.is_control() && char != '\n' && char != '\t')
        || matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What follows ESC: a control sequence, a string, or one character with its intermediates.
fn skip_escape(chars: &mut Chars<'_>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        _ => {
            while chars.next_if(|char| matches!(char, ' '..='/')).is_some() {}
            let _ = chars.next_if(|char| matches!(char, '0'..='~'));
        }
    }
}

/// Parameters and intermediates, then one final character.
fn skip_control_sequence(chars: &mut Chars<'_>) {
    while chars.next_if(|char| matches!(char, ' '..='?')).is_some() {}
    let _ = chars.next_if(|char| matches!(char, '@'..='~'));
}

/// Up to BEL or ST; a string that is not terminated ends with its line.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(char) = chars.next_if(|char| *char != '\n') {
        match char {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if chars.next_if_eq(&'\\').is_some() => return,
            _ => {}
        }
    }
}
