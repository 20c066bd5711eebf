//! Excerpts and templates: what of an entry is quoted, and what makes two messages the same.

use super::format::Level;
use super::trace::Entry;

/// Longest excerpt, in characters.
pub(super) const MAX_EXCERPT: usize = 400;

/// Lines after a banner that belong to it.
const BANNER_LINES: usize = 3;

/// The line that was logged, with the cause where that is another line.
pub(super) fn excerpt(entry: &Entry, statement: usize) -> String {
    let after = entry.statements.iter().skip(statement + 1).map(String::as_str);
    let root = entry.statements.get(statement).map_or("", String::as_str);
    let root = &with_announced(root.trim(), after);
    match entry.statements.get(entry.head).map(|head| head.trim()) {
        Some(head) if entry.head != statement && !head.contains(root) => {
            let head = short(head, MAX_EXCERPT / 3);
            short(&format!("{head} | {root}"), MAX_EXCERPT)
        }
        _ => short(root, MAX_EXCERPT),
    }
}

/// An excerpt with what it announces, where that is in the entries after it: `…unmarshal errors:`,
/// `thread 'main' panicked at src/main.rs:3:5:` and `*** FATAL CONFIG FILE ERROR ***` alone say nothing.
pub(super) fn completed(excerpt: &str, after: &[Entry]) -> String {
    let plain = |entry: &&Entry| entry.level == Level::Unknown && entry.fields.is_empty() && !entry.uncaught;
    let said = after.iter().take_while(plain).filter_map(|entry| entry.statements.get(entry.head));
    short(&with_announced(excerpt, said.map(String::as_str)), MAX_EXCERPT)
}

/// A line with the lines that it announces.
fn with_announced<'a>(line: &'a str, after: impl Iterator<Item = &'a str>) -> String {
    let most = match line {
        line if line.ends_with(':') => 1,
        line if line.starts_with("***") && line.ends_with("***") => BANNER_LINES,
        _ => 0,
    };
    let announced = after.take(most).map(str::trim).filter(|next| !line.contains(next));
    std::iter::once(line).chain(announced).collect::<Vec<_>>().join(" ")
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

#[cfg(test)]
mod tests {
    use super::super::scan::{Scanning, scan};

    fn excerpts(text: &str) -> Vec<String> {
        scan(text, Scanning::default()).into_iter().map(|found| found.excerpt).collect()
    }

    #[test]
    fn what_a_line_announces_is_quoted_with_it() {
        let rust = "up\n\nthread 'main' panicked at src/a.rs:2:3:\nindex out of bounds: the len is 4\nnote: run with `RUST_BACKTRACE=1`\n";
        assert_eq!(
            excerpts(rust),
            ["thread 'main' panicked at src/a.rs:2:3: index out of bounds: the len is 4"]
        );
        let redis = "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nReading the configuration file, at line 4\n>>> 'maxmemori 1'\nBad directive\nbye\n";
        assert_eq!(
            excerpts(redis)[0],
            "*** FATAL CONFIG FILE ERROR (Redis 7.2.4) *** Reading the configuration file, at line 4 >>> 'maxmemori 1' Bad directive"
        );
        let yaml = "level=ERROR msg=\"Error loading config\" err=\"yaml: unmarshal errors:\\n  line 11: field x not found\"\n";
        assert!(
            excerpts(yaml)[0].ends_with("unmarshal errors: line 11: field x not found"),
            "{:?}",
            excerpts(yaml)
        );
    }

    #[test]
    fn the_next_statement_of_its_own_is_not_quoted() {
        let text = "2026-01-01T00:00:00Z ERROR cannot connect to db:\n2026-01-01T00:00:01Z INFO done\n";
        assert!(excerpts(text)[0].ends_with("db:"), "{:?}", excerpts(text));
    }
}
