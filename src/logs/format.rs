//! One physical log line: escapes stripped, time, level and message told apart.
//!
//! Knows the line formats of common loggers (JSON, logfmt, klog, log4j and logback, Python,
//! nginx, PostgreSQL, MySQL, Redis, Rails, Envoy, .NET). May not judge what a message means.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::pattern::constant;
use super::structured::{self, Structured};
use super::time;

/// Bytes of a line beyond this are cut.
pub(super) const MAX_LINE: usize = 8 * 1024;

/// How bad the writer of a line thought it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Trace and debug.
    Debug,
    /// Info, notice, log.
    Info,
    /// The line states no level.
    #[default]
    Unknown,
    /// Warning.
    Warn,
    /// Error.
    Error,
    /// The process, or its session, ends.
    Fatal,
}

impl Level {
    /// The level of a word, or of a number as pino and bunyan write it.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "trace" | "debug" | "fine" | "finer" | "finest" | "verbose" | "dbug" | "trce" | "d" | "t"
            | "10" | "20" | "v" => Self::Debug,
            "info" | "information" | "informational" | "notice" | "note" | "log" | "config" | "hint"
            | "detail" | "statement" | "context" | "i" | "n" | "30" | "default" | "system" => Self::Info,
            "warn" | "warning" | "w" | "40" => Self::Warn,
            "error" | "err" | "severe" | "e" | "50" | "fail" => Self::Error,
            "fatal" | "critical" | "crit" | "panic" | "emerg" | "emergency" | "alert" | "dpanic" | "f"
            | "60" | "c" => Self::Fatal,
            _ => return None,
        })
    }
}

/// A physical line, told apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// When it was written.
    pub(super) time: Option<Timestamp>,
    /// The level it states.
    pub(super) level: Level,
    /// The message, error texts after it; leading white space kept on plain lines.
    pub(super) text: String,
    /// Further lines inside the message or a stack field.
    pub(super) more: Vec<String>,
    /// Other fields as `key=value`, separated by spaces.
    pub(super) fields: String,
    /// Whether the line has a head of its own (time, level, structure), so that it begins an entry.
    pub(super) headed: bool,
}

/// klog: `E1124 03:31:53.000000       1 reflector.go:138] message`.
static KLOG: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"^([IWEF])([0-9]{2})([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]+) +[0-9]+ [^\] ]+\] ?")
});
/// Redis: `1:M ` before its time.
static REDIS: LazyLock<Regex> = LazyLock::new(|| constant(r"^[0-9]+:[MSCX] "));
/// Rails: `E, [2026-11-24T03:31:53.123456 #1] ERROR -- : `.
static RAILS: LazyLock<Regex> =
    LazyLock::new(|| constant(r"^([DIWEFA]), \[([^ \]]+) #[0-9]+\] +([A-Z]+) -- [^:]*: ?"));
/// A container runtime's own head: `stdout F `.
static RUNTIME: LazyLock<Regex> = LazyLock::new(|| constant(r"^(?:stdout|stderr) [FP] "));
/// A level in capitals near the start of a line.
static CAPITAL: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?:^|[\s\[<(|/])(TRACE|DEBUG|INFO|NOTICE|NOTE|WARN|WARNING|ERROR|ERR|FATAL|CRITICAL|CRIT|SEVERE|PANIC|EMERG|ALERT|LOG|HINT|DETAIL|STATEMENT|CONTEXT)(?:[\s\]>):|,]|$)",
    )
});
/// A level in small or mixed letters at the start of a line, or in brackets.
static SMALL: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"^(?:(?:\[[^\]]{0,40}\]|<[^>]{0,40}>|[0-9#:]+|[A-Za-z_.-]{1,24}\[[0-9]+\]:|[A-Za-z0-9_./-]{1,60}\.(?:sh|py|pl|rb|envsh):)\s*){0,3}\[?(trace|debug|info|Info|notice|note|Note|warn|warning|Warning|error|Error|err|fatal|Fatal|critical|crit|emerg|alert|panic|fail|dbug|trce|System)(?:\]|:|\t|\s\s)",
    )
});
/// `[error]` or `|error|` a little later.
static BRACKETED: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"^[^\n]{0,60}?(?:[\[<|\t]|\]\s)(trace|debug|info|notice|Note|warn|warning|Warning|error|Error|fatal|critical|crit|emerg|alert)[\]>|\t]",
    )
});
/// A plain line that is an exception's own text.
static EXCEPTION: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"^(?:[A-Za-z_$][\w$]*[.:\\]{1,2})*[A-Z][\w$]*(?:Error|Exception)\b[^=]{0,80}(?::|$)|^(?:Exception in thread|Unhandled exception|Unhandled Exception|Uncaught|PHP Fatal error|Fatal error|panic: |fatal error: |thread '[^']*' (?:\([0-9]+\) )?panicked|\[FATAL|FATAL|terminate called)",
    )
});

/// Strips terminal escapes and control characters; cuts the line to [`MAX_LINE`] bytes.
pub(super) fn clean(line: &str) -> String {
    let mut cut = line.len().min(MAX_LINE);
    while !line.is_char_boundary(cut) {
        cut -= 1;
    }
    let line = line.get(..cut).unwrap_or_default().trim_end();
    if !line.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f) {
        return line.to_owned();
    }
    let mut clean = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_escape(&mut characters),
            '\t' => clean.push('\t'),
            other if other.is_control() => {}
            other => clean.push(other),
        }
    }
    clean
}

/// Skips the rest of an escape sequence: CSI, OSC, or one character.
fn skip_escape(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match characters.next() {
        Some('[') => {
            for character in characters.by_ref() {
                if ('@'..='~').contains(&character) {
                    break;
                }
            }
        }
        Some(']') => {
            while let Some(character) = characters.next() {
                if character == '\u{7}' {
                    break;
                }
                if character == '\u{1b}' {
                    characters.next();
                    break;
                }
            }
        }
        _ => {}
    }
}

/// Tells a line apart. `now` is the capture time, for times without a year.
pub(super) fn parse(raw: &str, now: Option<Timestamp>) -> Line {
    let line = clean(raw);
    let (kept, rest) = match runtime_head(&line, now) {
        Some((time, rest)) => (time, rest),
        None => (None, line.as_str()),
    };
    let mut parsed = body(rest, now);
    // The runtime's clock knows its zone; the program's often does not.
    parsed.time = kept.or(parsed.time);
    parsed.text = parsed.text.replace("\\\"", "\"");
    parsed
}

/// The head that the container runtime or `kubectl logs --timestamps` puts before a line.
fn runtime_head(line: &str, now: Option<Timestamp>) -> Option<(Option<Timestamp>, &str)> {
    let (head, rest) = line.split_once(' ').unwrap_or((line, ""));
    // Only the runtime writes nanoseconds with a zone; a program's own time is read later.
    let fraction = head.split_once('.')?.1;
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if !head.contains('T') || digits < 7 || fraction.len() == digits {
        return None;
    }
    let (time, left) = time::take(head, now)?;
    if !left.is_empty() {
        return None;
    }
    let rest = RUNTIME.find(rest).and_then(|found| rest.get(found.end()..)).unwrap_or(rest);
    Some((time, rest))
}

fn body(line: &str, now: Option<Timestamp>) -> Line {
    if line.starts_with([' ', '\t']) || line.is_empty() {
        return Line { text: line.to_owned(), ..Line::default() };
    }
    if let Some(found) = klog(line, now).or_else(|| rails(line)) {
        return found;
    }
    if let Some(found) = structured::json(line) {
        return from_structured(found);
    }
    let unprefixed = REDIS.find(line).and_then(|found| line.get(found.end()..));
    let (time, rest, timed) = match time::take(unprefixed.unwrap_or(line), now) {
        Some((time, rest)) => (time, rest, true),
        None => (None, line, false),
    };
    if let Some(found) = structured::json(rest).or_else(|| structured::logfmt(rest)) {
        let line = from_structured(found);
        return Line { time: line.time.or(time), ..line };
    }
    if unprefixed.is_some() && timed {
        return redis(rest, time);
    }
    let answer = structured::status(rest);
    let rest = answer.as_deref().unwrap_or(rest);
    let (level, headed) = plain_level(rest, timed);
    Line { time, level, text: rest.to_owned(), headed: headed || timed, ..Line::default() }
}

/// The level of a plain line, and whether the line states it as its head.
fn plain_level(line: &str, timed: bool) -> (Level, bool) {
    let mut window = line.len().min(120);
    while !line.is_char_boundary(window) {
        window -= 1;
    }
    let head = line.get(..window).unwrap_or_default();
    let found = |regex: &Regex| {
        let word = regex.captures(head)?.get(1)?;
        Some((word.start(), Level::named(word.as_str())?))
    };
    let capital = found(&CAPITAL);
    let small = found(&SMALL).or_else(|| found(&BRACKETED));
    let first = match (capital, small) {
        (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
        (a, b) => a.or(b),
    };
    match first {
        Some((_, level)) => (level, !line.starts_with("Error: ") || timed),
        None if EXCEPTION.is_match(head) => (Level::Error, false),
        None => (Level::Unknown, false),
    }
}

fn klog(line: &str, now: Option<Timestamp>) -> Option<Line> {
    let found = KLOG.captures(line)?;
    let field = |index| found.get(index).and_then(|part| part.as_str().parse::<i8>().ok());
    let fraction = found.get(7).map_or("", |part| part.as_str());
    let time = time::without_year(
        field(2)?,
        field(3)?,
        (field(4)?, field(5)?, field(6)?.min(59), time::nanoseconds(fraction)),
        now,
    );
    let level = Level::named(found.get(1)?.as_str())?;
    let text = line.get(found.get(0)?.end()..)?.to_owned();
    Some(Line { time, level, text, headed: true, ..Line::default() })
}

fn rails(line: &str) -> Option<Line> {
    let found = RAILS.captures(line)?;
    Some(Line {
        time: time::parse(found.get(2)?.as_str()),
        level: Level::named(found.get(3)?.as_str()).unwrap_or_default(),
        text: line.get(found.get(0)?.end()..)?.to_owned(),
        headed: true,
        ..Line::default()
    })
}

/// Redis marks the level with one character.
fn redis(rest: &str, time: Option<Timestamp>) -> Line {
    let (level, text) = match rest.split_once(' ') {
        Some(("#", text)) => (Level::Warn, text),
        Some(("*", text)) => (Level::Info, text),
        Some(("." | "-", text)) => (Level::Debug, text),
        _ => (Level::Unknown, rest),
    };
    Line { time, level, text: text.to_owned(), headed: true, ..Line::default() }
}

fn from_structured(found: Structured) -> Line {
    let mut text = found.message;
    for error in &found.errors {
        if !text.contains(error.as_str()) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(error);
        }
    }
    let mut lines = text.lines().map(str::trim_end);
    let first = lines.next().unwrap_or_default().to_owned();
    let more = lines.filter(|line| !line.is_empty()).take(200).map(str::to_owned).collect();
    Line {
        time: found.time,
        level: found.level.unwrap_or_default(),
        text: first,
        more,
        fields: found.fields.join(" "),
        headed: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(raw: &str) -> Line {
        parse(raw, "2026-11-24T12:00:00Z".parse().ok())
    }

    #[track_caller]
    fn check(raw: &str, level: Level, text: &str) {
        let line = line(raw);
        assert_eq!((line.level, line.text.as_str()), (level, text), "{raw}");
        assert!(line.time.is_some() && line.headed, "{raw}");
    }

    #[test]
    fn loggers() {
        check("E1124 03:31:53.000000       1 reflector.go:138] watch failed", Level::Error, "watch failed");
        check("1:M 24 Nov 2026 03:31:53.123 # out of memory", Level::Warn, "out of memory");
        check("2026-11-24 03:31:53.120 UTC [71] FATAL:  no", Level::Fatal, "[71] FATAL:  no");
        check(
            "2026-11-24T03:31:53.1Z 0 [ERROR] [MY-010119] [Server] Aborting",
            Level::Error,
            "0 [ERROR] [MY-010119] [Server] Aborting",
        );
        check("2026/11/24 03:31:53 [emerg] 1#1: bad", Level::Fatal, "[emerg] 1#1: bad");
        check("E, [2026-11-24T03:31:53.123456 #1] ERROR -- : boom", Level::Error, "boom");
        check("[2026-11-24 03:31:53.100][1][critical][main] bad", Level::Fatal, "[1][critical][main] bad");
        check("2026-11-24 03:31:53,120 WARNING [app] slow", Level::Warn, "WARNING [app] slow");
        check(
            "2026-11-24T03:31:53.120Z  INFO 1 --- [main] c.x.Y : ERROR page on",
            Level::Info,
            "INFO 1 --- [main] c.x.Y : ERROR page on",
        );
        check("2026-11-24 03:31:53.1 [error] <0.9.0> down", Level::Error, "[error] <0.9.0> down");
    }

    #[test]
    fn kubelet_times_precede_the_programs_own() {
        let found = line("2026-11-24T03:31:53.123456789+08:00 2026-11-24 03:31:53.120 ERROR x");
        assert_eq!(found.time.unwrap().to_string(), "2026-11-23T19:31:53.123456789Z");
        assert_eq!((found.level, found.text.as_str()), (Level::Error, "ERROR x"));
        assert_eq!(line("2026-11-24T03:31:53.123456789Z stderr F panic: x").text, "panic: x");
    }

    #[test]
    fn escapes_go_and_lines_are_bounded() {
        assert_eq!(line("\u{1b}[31mERROR\u{1b}[0m \u{1b}]0;title\u{7}bad\u{0}").text, "ERROR bad");
        assert!(line(&"é".repeat(9000)).text.len() <= MAX_LINE);
    }

    #[test]
    fn plain_exceptions_are_errors() {
        assert_eq!(line("TypeError: x is undefined").level, Level::Error);
        assert_eq!(line("java.lang.IllegalStateException: no").level, Level::Error);
        assert_eq!(line("Error: connect ECONNREFUSED 10.0.0.1:80").level, Level::Error);
        assert_eq!(line("ready in 3s").level, Level::Unknown);
        assert_eq!(line("no error so far").level, Level::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = line(&String::from_utf8_lossy(&raw));
        }
    }
}
