//! Structured log lines: JSON objects and logfmt.
//!
//! Splits a line into what it says (message and error texts), how bad it is, when it was, and
//! the other fields. May not judge what a message means.

use jiff::Timestamp;
use serde_json::Value;

use super::format::Level;
use super::time;

/// Nested fields deeper than this are left out.
const MAX_DEPTH: usize = 6;
/// Words before the first pair of logfmt; more are a sentence.
const MAX_PROSE: usize = 6;
/// Fields beyond this many are left out.
const MAX_FIELDS: usize = 64;

const LEVELS: [&str; 8] = ["level", "severity", "lvl", "log.level", "levelname", "loglevel", "@l", "@level"];
const TIMES: [&str; 9] = ["time", "ts", "timestamp", "@timestamp", "t", "date", "datetime", "asctime", "@t"];
const MESSAGES: [&str; 9] =
    ["msg", "message", "event", "short_message", "@m", "@mt", "log", "text", "textpayload"];
const ERRORS: [&str; 17] = [
    "err",
    "error",
    "exception",
    "cause",
    "reason",
    "detail",
    "details",
    "errmsg",
    "errormessage",
    "exc_info",
    "@x",
    "stack",
    "stacktrace",
    "stack_trace",
    "trace",
    "error_message",
    "traceback",
];

/// The parts of a structured line.
#[derive(Debug, Default)]
pub(super) struct Structured {
    /// When it was written.
    pub(super) time: Option<Timestamp>,
    /// Its level, where it states one.
    pub(super) level: Option<Level>,
    /// The message; empty where there is none.
    pub(super) message: String,
    /// Error texts, in the order of the line.
    pub(super) errors: Vec<String>,
    /// Everything else, as `key=value`.
    pub(super) fields: Vec<String>,
}

impl Structured {
    fn put(&mut self, key: &str, value: &str) {
        let lower = key.to_ascii_lowercase();
        let last = lower.rsplit('.').next().unwrap_or_default();
        if value.is_empty() {
            return;
        }
        let is_level = LEVELS.contains(&lower.as_str()) || lower == "s" && value.len() == 1;
        if let Some(level) = Level::named(value).filter(|_| is_level) {
            self.level.get_or_insert(level);
            return;
        }
        let is_time = TIMES.contains(&lower.as_str()) || lower == "t.$date";
        if is_time && let Some(time) = time::parse(value) {
            self.time.get_or_insert(time);
            return;
        }
        if MESSAGES.contains(&lower.as_str()) && self.message.is_empty() {
            value.trim().clone_into(&mut self.message);
        } else if (ERRORS.contains(&lower.as_str()) || nested_error(&lower, last)) && !is_nothing(value) {
            self.errors.push(value.trim().to_owned());
        } else if self.fields.len() < MAX_FIELDS {
            self.fields.push(format!("{key}={value}"));
        }
    }
}

/// `error=false`, `err=<nil>`: fields that say that nothing is wrong.
fn is_nothing(value: &str) -> bool {
    matches!(
        value.trim().to_ascii_lowercase().as_str(),
        "" | "0" | "false" | "true" | "null" | "nil" | "<nil>" | "none" | "ok" | "undefined" | "-"
    )
}

/// Words of a nested field that holds an error's text or name.
const TEXTS: [&str; 6] = ["message", "msg", "error_str", "error_string", "what", "codename"];

/// `err.message`, `attr.message.error_str`, `response.body.error.reason` and the like, at any depth.
fn nested_error(key: &str, last: &str) -> bool {
    let Some((parents, _)) = key.rsplit_once('.') else { return false };
    let inside = parents.split('.').any(|part| ERRORS.contains(&part) || part.starts_with("error"));
    let said = ERRORS.contains(&last) || TEXTS.contains(&last);
    // Beside what is called an error, only what can be nothing else.
    said && (inside || last.starts_with("err") || parents.ends_with("message") && TEXTS.contains(&last))
}

/// What the API server answered, where a line quotes its `Status`: the line with the answer's
/// message in the object's place.
pub(super) fn status(line: &str) -> Option<String> {
    let at = line.find("{\"").or_else(|| line.find("{\\\""))?;
    if !line.contains("kind") || !line.contains("Status") {
        return None;
    }
    let (before, object) = line.split_at_checked(at)?;
    let read = |text: &str| serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok();
    let escaped = || {
        serde_json::from_str::<String>(&format!("\"{}\"", object.rsplit_once('}')?.0.to_owned() + "}")).ok()
    };
    let value = read(object).or_else(|| read(&escaped()?))?;
    let message = value.get("message")?.as_str()?;
    (value.get("kind")?.as_str()? == "Status").then(|| format!("{before}{message}"))
}

/// Reads a JSON object; none where the line is no whole object.
pub(super) fn json(line: &str) -> Option<Structured> {
    json_at(line, 2)
}

/// Reads a JSON object, unwrapping at most `depth` objects in its `log` field.
fn json_at(line: &str, depth: usize) -> Option<Structured> {
    if !line.starts_with('{') {
        return None;
    }
    let Value::Object(object) = serde_json::from_str(line).ok()? else { return None };
    let mut found = Structured::default();
    // Beside its own process id, a logger names its own host (pino, bunyan): no peer.
    let own_host = |key: &str| key == "hostname" && object.contains_key("pid");
    for (key, value) in object.iter().filter(|(key, _)| !own_host(key)) {
        flatten(&mut found, key, value, 0);
    }
    // Docker's own wrapping: the log's line is text in `log`.
    let wrapped = object.contains_key("log") && object.len() <= 4;
    if wrapped
        && depth > 0
        && let Some(inner) = json_at(&found.message, depth - 1)
    {
        return Some(Structured { time: inner.time.or(found.time), ..inner });
    }
    Some(found)
}

fn flatten(found: &mut Structured, key: &str, value: &Value, depth: usize) {
    match value {
        Value::Null => {}
        Value::String(text) => found.put(key, text),
        Value::Bool(flag) => found.put(key, if *flag { "true" } else { "false" }),
        Value::Number(number) => found.put(key, &number.to_string()),
        Value::Array(items) => {
            for item in items.iter().take(8) {
                if depth < MAX_DEPTH {
                    flatten(found, key, item, depth + 1);
                }
            }
        }
        Value::Object(object) => {
            for (inner, value) in object.iter().take(MAX_FIELDS) {
                if depth < MAX_DEPTH {
                    flatten(found, &format!("{key}.{inner}"), value, depth + 1);
                }
            }
        }
    }
}

/// Reads `key=value` pairs; none where the line has neither a level nor a message among them.
///
/// An unquoted value may hold spaces: it ends where the next `key=` begins.
pub(super) fn logfmt(line: &str) -> Option<Structured> {
    let has = |keys: &[&str]| {
        keys.iter()
            .any(|key| line.find(key).is_some_and(|at| at == 0 || line.as_bytes().get(at - 1) == Some(&b' ')))
    };
    if !has(&["level=", "lvl=", "severity=", "msg=", "message=", "loglevel="]) {
        return None;
    }
    let mut found = Structured::default();
    let mut rest = line.trim_start();
    // A sentence that quotes a pair or two is none.
    if rest.split_whitespace().take_while(|word| key_at(word).is_none()).nth(MAX_PROSE).is_some() {
        return None;
    }
    let mut prose = String::new();
    while !rest.is_empty() {
        match key_at(rest) {
            Some((key, after)) => {
                let (value, next) = value_at(after);
                found.put(key, &value);
                rest = next.trim_start();
            }
            None => {
                let (word, next) = rest.split_once(' ').unwrap_or((rest, ""));
                prose.push_str(word);
                prose.push(' ');
                rest = next.trim_start();
            }
        }
    }
    if found.message.is_empty() {
        prose.trim().clone_into(&mut found.message);
    } else if !prose.trim().is_empty() {
        found.fields.push(prose.trim().to_owned());
    }
    Some(found)
}

/// A `key=` at the start of the text: the key and what follows.
fn key_at(text: &str) -> Option<(&str, &str)> {
    let end =
        text.bytes().take(48).position(|byte| !(byte.is_ascii_alphanumeric() || b"_.@-/".contains(&byte)))?;
    let (key, rest) = text.split_at_checked(end)?;
    let rest = rest.strip_prefix('=')?;
    (key.bytes().next()?.is_ascii_alphabetic() || key.starts_with(['_', '@'])).then_some((key, rest))
}

fn value_at(text: &str) -> (String, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut escaped = false;
        for (at, character) in quoted.char_indices() {
            match character {
                _ if escaped => {
                    value.push(match character {
                        'n' => '\n',
                        't' => '\t',
                        other => other,
                    });
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
                other => value.push(other),
            }
        }
        return (value, "");
    }
    let mut from = 0;
    while let Some(space) = text.get(from..).and_then(|rest| rest.find(' ')) {
        let at = from + space;
        let next = text.get(at + 1..).unwrap_or_default();
        if key_at(next).is_some() {
            return (text.get(..at).unwrap_or_default().trim_end().to_owned(), next);
        }
        from = at + 1;
    }
    (text.trim_end().to_owned(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_common_loggers() {
        let zap = json(r#"{"level":"error","ts":1795491113.1,"msg":"charge failed","err":"EOF","url":"http://pay:80/x"}"#)
            .unwrap();
        assert_eq!((zap.message.as_str(), zap.level), ("charge failed", Some(Level::Error)));
        assert_eq!(zap.errors, ["EOF"]);
        assert_eq!(zap.fields, ["url=http://pay:80/x"]);
        assert!(zap.time.is_some());
        let pino = json(r#"{"level":50,"time":1795491113000,"msg":"x","err":{"type":"Error","message":"boom","stack":"Error: boom\n  at a"}}"#)
            .unwrap();
        assert_eq!(pino.level, Some(Level::Error));
        assert_eq!(pino.errors, ["boom", "Error: boom\n  at a"]);
        let mongo = json(r#"{"t":{"$date":"2026-11-24T03:31:53.000+00:00"},"s":"E","c":"NETWORK","msg":"Error","attr":{"error":{"codeName":"NotYetInitialized","errmsg":"no config"}}}"#)
            .unwrap();
        assert_eq!(mongo.level, Some(Level::Error));
        assert!(mongo.errors.contains(&"no config".to_owned()), "{mongo:?}");
    }

    #[test]
    fn logfmt_with_and_without_quotes() {
        let found = logfmt(r#"time="2026-11-24T03:31:53Z" level=error msg="sync \"a\"" err=dial tcp: lookup x on 10.0.0.1:53: no such host attempts=3"#)
            .unwrap();
        assert_eq!(found.message, "sync \"a\"");
        assert_eq!(found.errors, ["dial tcp: lookup x on 10.0.0.1:53: no such host"]);
        assert_eq!(found.fields, ["attempts=3"]);
        assert!(logfmt("GET /x?level=1 took=3ms").is_none());
        assert!(logfmt("starting with timeout=30s").is_none());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(line in "\\PC{0,200}") {
            let _ = json(&line);
            let _ = logfmt(&format!("level=info {line}"));
        }
    }
}
