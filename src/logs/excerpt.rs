//! Excerpts and templates: what of an entry is quoted, and what makes two messages the same.

use super::trace::Entry;

/// Longest excerpt, in characters.
pub(super) const MAX_EXCERPT: usize = 400;

/// The line that was logged, with the cause where that is another line.
pub(super) fn excerpt(entry: &Entry, statement: usize) -> String {
    let root = entry.statements.get(statement).map_or("", String::as_str).trim();
    match entry.statements.get(entry.head).map(|head| head.trim()) {
        Some(head) if entry.head != statement && !head.contains(root) => {
            let head = short(head, MAX_EXCERPT / 3);
            short(&format!("{head} | {root}"), MAX_EXCERPT)
        }
        _ => short(root, MAX_EXCERPT),
    }
}

/// The text on one line, cut to so many characters.
pub(super) fn short(text: &str, limit: usize) -> String {
    let text = text.replace('\t', " ");
    if text.chars().count() <= limit {
        return text;
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// A message with what varies taken out, so that repetitions are one finding.
pub(super) fn template(text: &str) -> String {
    let mut template = String::new();
    for word in text.split_whitespace().take(40) {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let varies = digits > 3 || digits > 0 && digits * 3 >= word.len();
        if varies && template.ends_with('#') {
            continue;
        }
        if !template.is_empty() {
            template.push(' ');
        }
        template.push_str(if varies { "#" } else { word });
    }
    short(&template, 160)
}
