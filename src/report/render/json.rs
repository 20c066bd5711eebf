//! `-o json`: the report as it is.

use std::io::{self, Write};

use crate::report::model::Report;

pub(super) fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report).map_err(io::Error::other)?;
    writeln!(out, "{}", escape(&text))
}

/// Escapes what JSON allows in strings but a terminal would obey; in JSON text such characters
/// can only stand inside strings, so the value stays the same.
pub(super) fn escape(json: &str) -> String {
    let mut result = String::with_capacity(json.len());
    for char in json.chars() {
        match char {
            '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => {
                result.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            char => result.push(char),
        }
    }
    result
}
