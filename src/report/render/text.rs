//! Plain text: cleaning, measuring, shortening and wrapping.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::redact::strip_escapes;

/// One line without escapes, every run of white space a single blank.
pub(super) fn oneline(text: &str) -> String {
    let plain = strip_escapes(text);
    let mut result = String::with_capacity(plain.len());
    for word in plain.split_whitespace() {
        if !result.is_empty() {
            result.push(' ');
        }
        result.push_str(word);
    }
    result
}

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// Shortens at the end, by words where that leaves most of the text.
pub(super) fn elide(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let head = take_columns(text.chars(), width.saturating_sub(1));
    let at_word = head.rfind(' ').filter(|at| at * 3 > head.len() * 2).and_then(|at| head.get(..at));
    let cut = at_word.unwrap_or(&head).trim_end_matches([' ', ',', ';', ':', '.', '(']);
    format!("{cut}…")
}

/// Shortens in the middle, because names differ at both ends.
pub(super) fn elide_middle(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let tail_width = width.saturating_sub(1) / 2;
    let head = take_columns(text.chars(), width.saturating_sub(1 + tail_width));
    let tail: String = take_columns(text.chars().rev(), tail_width).chars().rev().collect();
    format!("{head}…{tail}")
}

fn take_columns(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|char| {
            used += char.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

/// Wraps between words; a word longer than a line is broken after a separator, else shortened.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').flat_map(|word| pieces(word, width)) {
        let (word, glued) = word;
        let gap = usize::from(!line.is_empty() && !glued);
        if !line.is_empty() && columns(&line) + gap + columns(&word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() && !glued {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A word, or where it is wider than a line its parts, and whether a part continues the one before.
fn pieces(word: &str, width: usize) -> Vec<(String, bool)> {
    if columns(word) <= width {
        return vec![(word.to_owned(), false)];
    }
    let parts = word.split_inclusive(['/', '.', ',', '-', '_', '=', ':', '&', '?', '@', ';', '|']);
    parts.enumerate().map(|(index, part)| (elide_middle(part, width), index > 0)).collect()
}

/// Wraps into at most so many lines; what does not fit is shown to be missing.
pub(super) fn wrap_at_most(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = wrap(text, width);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(elide(&rest, width.max(8)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_plain_line() {
        assert_eq!(oneline(" a\n\tb \u{1b}[1mc\r\n"), "a b c");
    }

    #[test]
    fn long_text_is_shortened() {
        assert_eq!(elide("short", 5), "short");
        assert_eq!(elide("several words, that are long", 16), "several words…");
        assert_eq!(elide("onelongword", 5), "onel…");
        assert_eq!(elide_middle("checkout-7d9f8b6c5d-x2x1z", 11), "check…x2x1z");
        assert_eq!(columns(&elide("日本語のログ", 5)), 5);
        assert_eq!(elide("abc", 0), "…");
    }

    #[test]
    fn text_wraps_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("see a/very/long/path/name", 10), ["see a/", "very/long/", "path/name"]);
        assert_eq!(wrap("", 10), [""]);
        assert!(wrap(&"x".repeat(100), 20).iter().all(|line| columns(line) <= 20));
    }

    #[test]
    fn lines_are_limited() {
        assert_eq!(wrap_at_most("one two three four five six", 9, 2), ["one two", "three fo…"]);
        assert_eq!(wrap_at_most("one two", 9, 2), ["one two"]);
    }
}
