//! `-o yaml`: the report as it is.
//!
//! The emitter of `serde_yaml` leaves words such as `yes` and `0x1` plain, which parsers of YAML 1.1
//! read as booleans and numbers. So the tree comes from `serde_yaml` and the text from here: a string
//! is plain only where no parser can take it for anything else, else it is a JSON string.

use std::io::{self, Write};

use serde::Serialize;
use serde_yaml::Value;

use crate::report::model::Report;

pub(super) fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write(report, out)
}

/// Writes anything as YAML that every parser reads alike.
pub(super) fn write(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let value = serde_yaml::to_value(value).map_err(io::Error::other)?;
    block(&value, 0, out)
}

/// A value in block style, its lines indented, ending with a line feed.
fn block(value: &Value, indent: usize, out: &mut dyn Write) -> io::Result<()> {
    match value {
        Value::Mapping(mapping) if !mapping.is_empty() => {
            for (index, (key, value)) in mapping.iter().enumerate() {
                // The first key of a list's item stands behind its dash.
                let margin = if index == 0 { 0 } else { indent };
                write!(out, "{:margin$}{}:", "", scalar(key)?)?;
                match value {
                    Value::Mapping(inner) if !inner.is_empty() => {
                        write!(out, "\n{:1$}", "", indent + 2)?;
                        block(value, indent + 2, out)?;
                    }
                    Value::Sequence(items) if !items.is_empty() => {
                        write!(out, "\n{:1$}", "", indent)?;
                        block(value, indent, out)?;
                    }
                    value => writeln!(out, " {}", scalar(value)?)?,
                }
            }
            Ok(())
        }
        Value::Sequence(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let margin = if index == 0 { 0 } else { indent };
                write!(out, "{:margin$}- ", "")?;
                block(item, indent + 2, out)?;
            }
            Ok(())
        }
        value => writeln!(out, "{}", scalar(value)?),
    }
}

fn scalar(value: &Value) -> io::Result<String> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Mapping(_) => "{}".to_owned(),
        Value::Sequence(_) => "[]".to_owned(),
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => super::json::escape(&serde_json::to_string(text).map_err(io::Error::other)?),
        Value::Tagged(_) => return Err(io::Error::other("a report has no tagged values")),
    })
}

/// Whether every parser reads the text as the string it is.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    let inner = |c: char| c.is_ascii_alphanumeric() || " _./-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(inner)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certain_strings_are_plain() {
        for text in ["Deployment", "web-1", "a b", "apps/v1", "status.phase"] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "",
            "yes",
            "No",
            "ON",
            "y",
            "null",
            "~",
            "0x1f",
            "1e3",
            "1:20",
            "-",
            "a: b",
            "a #b",
            "2026-01-01",
            ".inf",
            "a ",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn any_tree_reads_back() {
        let json = serde_json::json!({
            "yes": "yes", "list": [[], [1, [2.5]], {"a": {"b": [{"c": null}], "d": {}}}],
            "text": "a\n- b: \u{1b}[0m\u{9b}\u{202e}\t\"'", "empty": "", "big": -12, "on": true,
        });
        let value = serde_yaml::to_value(&json).unwrap();
        let mut text = Vec::new();
        block(&value, 0, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(serde_yaml::from_str::<serde_json::Value>(&text).unwrap(), json, "{text}");
        assert!(text.is_ascii(), "{text}");
    }
}
