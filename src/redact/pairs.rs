//! Credentials behind a name: `KEY=value`, `key: value`, JSON, YAML, headers and `name`/`value` pairs.
//!
//! The scan visits every `=` and `:`, looks back over a bounded name and forward over one value, so
//! that it stays linear and finds the pair in `error: password=…`, where a pattern would have taken
//! `password` for the value of `error`.

use std::ops::Range;

use super::MARKER;
use super::names::{ends_with_key, sensitive_name, weak_name};

/// No name is longer, and looking back stays cheap.
const LONGEST_NAME: usize = 128;
/// Values that are exempted for what they say are shorter.
const LONGEST_EXEMPT: usize = 128;
/// How far a value may be looked at that need not be redacted in the end.
const LONGEST_LOOK: usize = 1024;

/// Values that say there is no value, or what is wrong with it.
const STATES: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "nil",
    "undefined",
    "empty",
    "missing",
    "required",
    "unset",
    "invalid",
    "expired",
    "denied",
    "unauthorized",
    "forbidden",
    "eof",
    "optional",
    "unknown",
    "<nil>",
    "<none>",
    "<unset>",
    "<empty>",
    "<value>",
    "not",
    "yes",
    "no",
];

/// First words of a sentence after `token:` and the like.
const PROSE: &[&str] = &[
    "a",
    "access",
    "an",
    "and",
    "authentication",
    "be",
    "but",
    "can",
    "cannot",
    "connection",
    "context",
    "could",
    "dial",
    "does",
    "error",
    "expected",
    "failed",
    "failure",
    "flag",
    "for",
    "from",
    "get",
    "has",
    "have",
    "if",
    "in",
    "is",
    "it",
    "malformed",
    "must",
    "no",
    "object",
    "of",
    "on",
    "open",
    "option",
    "or",
    "parameter",
    "permission",
    "post",
    "provided",
    "read",
    "request",
    "rpc",
    "secrets",
    "should",
    "signature",
    "stat",
    "than",
    "that",
    "the",
    "this",
    "timed",
    "timeout",
    "to",
    "unable",
    "unexpected",
    "verification",
    "was",
    "when",
    "will",
    "with",
    "you",
    "your",
    "x509:",
    "argument",
    "after",
    "before",
    "found",
    "configmaps",
    "serviceaccount",
    "unrecognized",
    "asn1:",
    "crypto/rsa:",
    "jwt:",
];

/// Adds the spans of all values behind sensitive names.
pub(super) fn find(text: &str, spans: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(['=', ':'])).map(|at| from + at) {
        from = at + 1;
        let Some(name) = name_before(text, at) else { continue };
        let span = match name.to_ascii_lowercase().as_str() {
            "authorization" | "proxy-authorization" => header(text, at),
            "cookie" | "set-cookie" => cookie(text, at),
            "name" => named_value(text, at),
            _ => pair(text, name, at).filter(|_| !is_host_and_port(text, name, at) && !is_volume(text, at)),
        };
        if let Some(span) = span {
            from = span.end.max(from);
            spans.push(span);
        }
    }
}

/// The name that ends before a separator, quotes and blanks between them skipped.
fn name_before(text: &str, at: usize) -> Option<&str> {
    let start = text.floor_char_boundary(at.saturating_sub(LONGEST_NAME));
    let head = text.get(start..at)?.trim_end_matches([' ', '\t']).trim_end_matches(['"', '\'', '\\', '`']);
    let name = head.rsplit(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c))).next()?;
    (!name.is_empty()).then_some(name)
}

/// Whether a name and what follows are a host and its port: `token-vault:443`, `secrets.prod.svc:80`.
///
/// A host that is named after its purpose only in the middle; what ends with `token` may be a key.
fn is_host_and_port(text: &str, name: &str, at: usize) -> bool {
    let host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let last = name.rsplit(['-', '.']).next().unwrap_or(name);
    let after = text.get(at + 1..).unwrap_or_default();
    let port = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let ends = after.get(port..).and_then(|rest| rest.chars().next());
    text.get(at..=at) == Some(":")
        && text.get(..at).is_some_and(|head| head.ends_with(name))
        && (2..=5).contains(&port)
        && ends.is_none_or(|c| {
            c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '`' | ')' | ']' | ',' | ';' | ':' | '?' | '.')
        })
        && name.contains(['-', '.'])
        && name.chars().all(host)
        && !sensitive_name(last)
}

/// Whether the name is that of a volume in a message of the kubelet: `for volume "db-secret" : …`.
fn is_volume(text: &str, at: usize) -> bool {
    let head = text.get(..at).unwrap_or_default();
    let Some(named) = head.strip_suffix("\" ").or_else(|| head.strip_suffix("\\\" ")) else { return false };
    named.rsplit('"').nth(1).is_some_and(|before| before.trim_end_matches('\\').ends_with(" volume "))
}

/// A value: where it is and whether it stood in quotes.
struct Value {
    range: Range<usize>,
    quoted: bool,
}

/// The value after a separator at `at`, on the same line.
fn value_after(text: &str, at: usize) -> Option<Value> {
    let after = text.get(at + 1..)?;
    // `=>` of Ruby and PHP, `:=` of Go and Make, `==` of comparisons.
    let rest = after.strip_prefix(['>', '=']).unwrap_or(after).trim_start_matches([' ', '\t']);
    let open = rest.len() - rest.trim_start_matches('\\').len();
    let body = rest.get(open..)?;
    let quote = body.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
    match quote {
        Some(quote) => {
            let start = text.len() - body.len() + quote.len_utf8();
            let inner = text.get(start..)?;
            Some(Value { range: start..start + quoted_length(inner, quote, open), quoted: true })
        }
        None => {
            let start = text.len() - rest.len();
            Some(Value { range: start..start + bare_length(rest), quoted: false })
        }
    }
}

/// Up to the closing quote, which has as many backslashes as the opening one; else to the line's end.
fn quoted_length(inner: &str, quote: char, depth: usize) -> usize {
    let mut slashes = 0;
    for (at, char) in inner.char_indices() {
        match char {
            '\\' => slashes += 1,
            '\n' => return at,
            char if char == quote && slashes <= depth => return at - slashes,
            _ => slashes = 0,
        }
    }
    inner.len()
}

/// Up to white space, a quote or the next pair; closing punctuation is not part of it.
fn bare_length(rest: &str) -> usize {
    if rest.starts_with('<') {
        return angle_length(rest);
    }
    let ends = |(at, char): (usize, char)| match char {
        '"' | '\'' | '`' | '<' => true,
        ',' | ';' | '&' => begins_pair(rest, at + 1),
        char => char.is_whitespace(),
    };
    let end = rest.char_indices().find(|found| ends(*found)).map_or(rest.len(), |(at, _)| at);
    let token = rest.get(..end).unwrap_or_default();
    let unmarked = token.strip_prefix(MARKER).unwrap_or(token);
    // A bracket that the value opened is its own.
    let closes = |c: char| match c {
        ')' => !unmarked.contains('('),
        '}' => !unmarked.contains('{'),
        ']' => !unmarked.contains('['),
        c => matches!(c, ',' | ';' | '\\'),
    };
    token.len() - unmarked.len() + unmarked.trim_end_matches(closes).len()
}

/// `<set to the key 'x' in secret 'y'>` and `<none>` are judged whole.
fn angle_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().take(LONGEST_EXEMPT).take_while(|(_, c)| *c != '\n');
    match chars.find(|(_, c)| *c == '>') {
        Some((at, _)) => at + 1,
        None => rest.find(char::is_whitespace).unwrap_or(rest.len()),
    }
}

/// Whether `name=` or `name:` begins here.
fn begins_pair(token: &str, at: usize) -> bool {
    let rest = token.get(at..).unwrap_or_default();
    let mut chars = rest.chars().take(LONGEST_NAME);
    let mut length = 0;
    let end = chars.find(|c| {
        length += 1;
        !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    });
    length > 1 && matches!(end, Some('=' | ':'))
}

/// The value of an ordinary pair, where it is a credential.
fn pair(text: &str, name: &str, at: usize) -> Option<Range<usize>> {
    let strong = sensitive_name(name);
    if !strong && !weak_name(name) {
        return None;
    }
    let seen = if strong { text } else { look(text, at) };
    let Value { range, quoted } = value_after(seen, at)?;
    let value = text.get(range.clone()).filter(|value| !value.is_empty())?;
    if matches!(value, "|" | "|-" | "|+" | ">" | ">-" | ">+") && strong && !quoted {
        return block(text, range.end);
    }
    let colon = text.get(at..=at) == Some(":");
    let secret = if strong { !is_exempt(name, value, colon && !quoted) } else { looks_random(value) };
    secret.then_some(range)
}

/// The text up to a bounded distance behind a position.
fn look(text: &str, at: usize) -> &str {
    text.get(..text.floor_char_boundary(at.saturating_add(LONGEST_LOOK))).unwrap_or(text)
}

/// The indented lines of a YAML block scalar whose `|` or `>` ends here.
fn block(text: &str, end: usize) -> Option<Range<usize>> {
    let body = text.get(end..)?.strip_prefix('\n')?;
    let indent = indentation(text.get(..end)?.rsplit('\n').next()?);
    let lines =
        body.split_inclusive('\n').take_while(|line| line.trim().is_empty() || indentation(line) > indent);
    let block = body.get(..lines.map(str::len).sum())?;
    let start = end + 1 + (block.len() - block.trim_start().len());
    (!block.trim().is_empty()).then(|| start..end + 1 + block.trim_end().len())
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

/// Whether a value behind a sensitive name is a reference, a state or prose, and so no credential.
fn is_exempt(name: &str, value: &str, prose_possible: bool) -> bool {
    if value.len() > LONGEST_EXEMPT {
        return false;
    }
    let word = value.trim_end_matches(['.', ',', ';', '!']).to_ascii_lowercase();
    STATES.contains(&word.as_str())
        || (prose_possible && is_prose(value))
        || is_reference(value)
        || !value.chars().any(char::is_alphanumeric)
        || (ends_with_key(name) && is_path(value))
}

/// Whether a word begins a sentence rather than being a credential.
pub(super) fn is_prose(value: &str) -> bool {
    let word = value.trim_end_matches(['.', ',', ';', '!']).to_ascii_lowercase();
    PROSE.contains(&word.as_str()) || STATES.contains(&word.as_str())
}

/// `$(VAR)`, `${VAR}`, `$VAR`, `{{ … }}` and kubectl's `<set to the key …>`.
fn is_reference(value: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    let inner = |open: &str, close: &str| value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    inner("$(", ")").or_else(|| inner("${", "}")).or_else(|| value.strip_prefix('$')).is_some_and(name)
        || value.starts_with("{{")
        || value.starts_with("<set to ")
        || is_placeholder(value)
}

/// `<token>`, as commands ask for a value.
fn is_placeholder(value: &str) -> bool {
    let inner = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    inner.is_some_and(|word| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || " -".contains(c))
    })
}

/// An absolute path in lower case, as file names in configuration are.
fn is_path(value: &str) -> bool {
    value.starts_with('/')
        && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "/._-".contains(c))
}

/// Random by its alphabet: mixed cases and digits, or many hex digits; a name, a UUID or a digest is not.
fn looks_random(value: &str) -> bool {
    let alphabet = value.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_-".contains(c));
    if value.len() < 16 || !alphabet {
        return false;
    }
    let has = |test: fn(&char) -> bool| value.chars().any(|c| test(&c));
    let mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit);
    let hex = value.len() >= 32 && value.chars().all(|c| c.is_ascii_hexdigit());
    mixed || hex
}

/// The credential of an `Authorization` header: after the scheme one token, or all of the line.
fn header(text: &str, at: usize) -> Option<Range<usize>> {
    let start = header_start(text, at)?;
    let rest = text.get(start..)?;
    let scheme = rest.get(..rest.find(|c: char| !is_token(c)).unwrap_or(rest.len()))?;
    let token = rest.get(scheme.len()..)?.trim_start_matches([' ', '\t']);
    let from = text.len() - token.len();
    match scheme.to_ascii_lowercase().as_str() {
        "basic" | "bearer" | "token" | "apikey" | "negotiate" | "ntlm" => {
            let length = token.find(|c: char| !is_token(c)).unwrap_or(token.len());
            (length > 0 && !is_prose(token.get(..length)?)).then_some(from..from + length)
        }
        "digest" | "hawk" | "oauth" | "aws4-hmac-sha256" => {
            let line = token.lines().next().unwrap_or_default().trim_end();
            (!line.is_empty()).then_some(from..from + line.len())
        }
        opaque if opaque.len() >= 8 && opaque.chars().any(|c| c.is_ascii_digit()) => {
            Some(start..start + opaque.len())
        }
        _ => None,
    }
}

/// What schemes and their tokens consist of.
fn is_token(char: char) -> bool {
    char.is_ascii_alphanumeric() || "+/=-._~".contains(char)
}

/// All cookies of a header: `name=value` up to the end of the line or of its quotes.
fn cookie(text: &str, at: usize) -> Option<Range<usize>> {
    let start = header_start(text, at)?;
    if !begins_pair(text, start) {
        return None;
    }
    let line = text.get(start..)?.lines().next()?;
    let end = line.find(['"', '\'']).unwrap_or(line.len());
    let cookies = line.get(..end)?.trim_end_matches(['\\', ' ', '\t']);
    Some(start..start + cookies.len())
}

/// Where a header's value begins, quotes and a list's bracket skipped.
fn header_start(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at + 1..)?;
    Some(text.len() - rest.trim_start_matches([' ', '\t', '"', '\'', '\\', '[']).len())
}

/// The value of `name: DB_PASSWORD`, `value: …`, as environment variables are written in a spec.
fn named_value(text: &str, at: usize) -> Option<Range<usize>> {
    let Value { range, .. } = value_after(look(text, at), at)?;
    let name = text.get(range.clone())?;
    if name.len() > LONGEST_NAME || !sensitive_name(name) {
        return None;
    }
    let gap: &[char] = &['"', '\'', '\\', ',', ' ', '\t', '\n', '\r'];
    let rest = text.get(range.end..)?.trim_start_matches(gap);
    let after = rest.strip_prefix("value").or_else(|| rest.strip_prefix("Value"))?;
    let separator = after.trim_start_matches(['"', '\'', '\\', ' ']);
    separator.starts_with([':', '=']).then_some(())?;
    let Value { range, .. } = value_after(text, text.len() - separator.len())?;
    let value = text.get(range.clone())?;
    (!value.is_empty() && !is_exempt(name, value, false)).then_some(range)
}
