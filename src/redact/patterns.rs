//! Credentials that their own shape gives away, whatever stands before them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Captures;

use crate::patterns::{Patterns, Reading};

/// A pattern whose group `v` is the credential, and a further test of that group.
struct Pattern {
    regex: &'static str,
    test: fn(text: &str, value: Range<usize>) -> bool,
}

/// No pattern may scan far beyond the match it returns: that keeps a whole pass linear.
const PATTERNS: &[Pattern] = &[
    // User and password of a URL.
    always(r"(?i)[a-z][a-z0-9+.\-]*://(?<v>[^\s/?#\x22'<>`\\]*)@"),
    // The same where the password holds a slash, which is no port then.
    Pattern { regex: r"(?i)[a-z][a-z0-9+.\-]*://(?<v>[^\s/:@\x22'<>]*:[^\s@\x22'<>\\]+)@", test: is_no_port },
    // `user:password@tcp(host:3306)/db`, the DSN of Go's MySQL driver.
    always(r"(?<v>[\w.\-]+:[^\s@\x22'<>/]+)@(?:tcp|unix|udp)\("),
    always(r"\b(?<v>eyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]{5,}(?:\.[A-Za-z0-9_\-]*)*)"),
    always(r"\b(?<v>(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ABIA|ACCA)[A-Z0-9]{16})\b"),
    always(r"\b(?<v>AIza[0-9A-Za-z_\-]{30,})"),
    always(r"\b(?<v>ya29\.[0-9A-Za-z_\-]{10,})"),
    always(r"\b(?<v>gh[pousr]_[A-Za-z0-9]{16,})"),
    always(r"\b(?<v>github_pat_[A-Za-z0-9_]{16,})"),
    always(r"\b(?<v>gl(?:pat|rt|dt|cbt)-[A-Za-z0-9_\-]{16,})"),
    always(r"\b(?<v>xox[abeoprs]-[A-Za-z0-9\-]{8,})"),
    Pattern { regex: r"\b(?<v>sk-[A-Za-z0-9_\-]{16,})", test: is_mixed },
    always(r"\b(?<v>[srp]k_(?:live|test)_[A-Za-z0-9]{10,})"),
    always(r"\b(?<v>SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,})"),
    always(r"\b(?<v>npm_[A-Za-z0-9]{30,})"),
    always(r"\b(?<v>do[opr]_v1_[a-f0-9]{32,})"),
    always(r"\b(?<v>hv[sbr]\.[A-Za-z0-9_\-]{20,})"),
    always(r"\b(?<v>\d{8,10}:AA[A-Za-z0-9_\-]{33})"),
    always(r"hooks\.slack\.com/services/(?<v>[A-Za-z0-9/]+)"),
    always(r"(?i)\b(?:Shared)?(?:AccessKey|AccountKey|AccessSignature)=(?<v>[^\s;\x22'<>]+)"),
    always(
        r"(?i)[?&](?:sig|signature|key|code|auth|x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential))=(?<v>[^\s&#\x22'<>\\]+)",
    ),
    Pattern { regex: r"(?i)\b(?:bearer|basic)\s+(?<v>[A-Za-z0-9._~+/\-]{8,}=*)", test: is_no_word },
    Pattern { regex: r"(?i)\b(?:identified\s+by|password)\s+'(?<v>[^'\n]+)'", test: is_no_revision },
    Pattern {
        regex: r#"(?i)(?:^|[\s"'\[])--?(?<n>[a-z0-9\-]+)(?:[ \t]+|["'][,\s]+)["']?(?<v>[^\s"',\]\-][^\s"',\]]*)"#,
        test: is_argument,
    },
    Pattern {
        regex: r#"(?:^|[\s"'\[])-p(?:[ \t]+|["'][,\s]+)["']?(?<v>[^\s"',\]]+)"#,
        test: is_password_argument,
    },
    Pattern { regex: r"\b(?:mysql\w*|mariadb\w*)\b[^\n|;]*?\s-p(?<v>[^\s\x22']+)", test: |_, _| true },
    // Long random text that stands alone: lines of a PEM block cut apart, secret access keys.
    Pattern { regex: r"(?:^|[^A-Za-z0-9+/_.\-])(?<v>[A-Za-z0-9+/]{40,}={0,2})", test: is_random },
];

/// SQL gives a user's password so, Alembic the number of a migration.
fn is_no_revision(text: &str, value: Range<usize>) -> bool {
    let before = text.get(..value.start).unwrap_or_default();
    !before.ends_with("revision identified by '")
}

const fn always(regex: &'static str) -> Pattern {
    Pattern { regex, test: |_, _| true }
}

static COMPILED: LazyLock<Patterns> =
    LazyLock::new(|| Patterns::new(PATTERNS.iter().map(|pattern| pattern.regex), Reading::Plain));

/// Adds the spans of all credentials that their shape gives away.
pub(super) fn find(text: &str, spans: &mut Vec<Range<usize>>) {
    pem_blocks(text, spans);
    for index in COMPILED.candidates(text) {
        let (Some(regex), Some(pattern)) = (COMPILED.regex(index), PATTERNS.get(index)) else { continue };
        let found = regex.captures_iter(text.as_bytes());
        let values = found.filter(is_sensitive_argument).filter_map(|found| found.name("v"));
        spans.extend(values.map(|value| value.range()).filter(|range| (pattern.test)(text, range.clone())));
    }
}

/// Where a pattern captures the name of an argument, the name has to be that of a credential.
fn is_sensitive_argument(found: &Captures<'_>) -> bool {
    let name = found.name("n").and_then(|name| std::str::from_utf8(name.as_bytes()).ok());
    name.is_none_or(super::sensitive_name)
}

/// `-----BEGIN X-----` up to its end; without one, as far as it looks like base64.
fn pem_blocks(text: &str, spans: &mut Vec<Range<usize>>) {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    // A block without an end must not swallow the rest of a log.
    const LONGEST: usize = 32 * 1024;
    let ends: Vec<usize> = text.match_indices(END).map(|(at, _)| at).collect();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find(BEGIN)).map(|at| from + at) {
        let body = label_end(text, start + BEGIN.len());
        let end = ends.get(ends.partition_point(|end| *end < body)).copied();
        let stop = match end.filter(|end| end - start <= LONGEST) {
            Some(end) => label_end(text, end + END.len()),
            None => body + base64_length(text.get(body..).unwrap_or_default()),
        };
        spans.push(start..stop);
        from = stop;
    }
}

/// Behind the dashes that close a label such as `RSA PRIVATE KEY-----`.
fn label_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let label = rest
        .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' '))
        .unwrap_or(rest.len());
    let dashes = rest.get(label..).unwrap_or_default();
    from + label + (dashes.len() - dashes.trim_start_matches('-').len())
}

fn base64_length(rest: &str) -> usize {
    let body = |c: char| c.is_ascii_alphanumeric() || "+/=\\\r\n".contains(c);
    let end = rest.find(|c| !body(c)).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().trim_end().len()
}

fn value(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}

/// `host:8080/path?mail=a@b` is no user and password.
fn is_no_port(text: &str, range: Range<usize>) -> bool {
    let (_, password) = value(text, range).split_once(':').unwrap_or_default();
    let digits = password.trim_start_matches(|c: char| c.is_ascii_digit());
    !(digits.starts_with(['/', '?', '#']) || digits.is_empty())
}

/// Not a lower case name such as `sk-frontend-service-account`.
fn is_mixed(text: &str, range: Range<usize>) -> bool {
    let value = value(text, range);
    value.chars().any(|c| c.is_ascii_uppercase()) || value.chars().filter(char::is_ascii_digit).count() > 3
}

/// Not the next word of a sentence about authentication.
fn is_no_word(text: &str, range: Range<usize>) -> bool {
    let after = text.get(range.end..).unwrap_or_default();
    let value = value(text, range);
    let parameter = value.ends_with('=') && after.starts_with(['"', '\\']);
    let word = value.trim_end_matches(['.', '-']).chars().all(|c| c.is_ascii_lowercase() || "-/".contains(c));
    let capitalized = value.chars().skip(1).all(|c| c.is_ascii_lowercase());
    !parameter && !word && !capitalized
}

/// The value of `--token x`, not the sentence after `--token`.
fn is_argument(text: &str, range: Range<usize>) -> bool {
    let value = value(text, range);
    !value.starts_with(['-', '$', '<', '=', '|', '&']) && !super::pairs::is_prose(value)
}

/// The value of `-p x`, not a port, a path, a patch or a number, and not that of `mkdir -p`.
fn is_password_argument(text: &str, range: Range<usize>) -> bool {
    let start = range.start;
    let before = text.get(..start).unwrap_or_default().trim_end_matches(['"', '\'', ' ', ',', '\t', '[']);
    let command = before.trim_end_matches("-p").trim_end_matches(['"', '\'', ' ', ',', '\t', '[', '\n']);
    let other = ["mkdir", "cp", "ps", "install", "rmdir", "kill", "top", "read"]
        .iter()
        .any(|name| command.ends_with(name));
    let value = value(text, range.clone());
    let port = value.chars().all(|c| c.is_ascii_digit() || ".:-/tcpud".contains(c))
        && value.starts_with(|c: char| c.is_ascii_digit());
    // A patch of kubectl is JSON, in which pairs are judged one by one.
    !other && !port && !value.starts_with(['/', '.', '~', '{', '[']) && is_argument(text, range)
}

/// Upper and lower case and digits all mixed, and not a path.
fn is_random(text: &str, range: Range<usize>) -> bool {
    let joined = text.get(range.end..).is_some_and(|rest| rest.starts_with(['.', '-', '_']));
    let value = value(text, range);
    let count = |test: fn(&char) -> bool| value.chars().filter(test).count();
    let slashes = count(|c| *c == '/');
    !joined
        && count(char::is_ascii_uppercase) >= 4
        && count(char::is_ascii_lowercase) >= 4
        && count(char::is_ascii_digit) >= 2
        && slashes * 12 <= value.len()
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_pattern_is_passed_over_where_it_matches() {
        assert_eq!(super::COMPILED.missed(), [""; 0]);
    }
}
