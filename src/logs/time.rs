//! Timestamps at the head of log lines and in structured fields.
//!
//! Reads the forms that common runtimes write; a time without a zone is UTC, one without a
//! year is taken from the capture time. May not read a local clock.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use regex::{Captures, Regex};

use super::pattern::constant;

/// `2026-11-24T03:31:53.123Z`, `2026/11/24 03:31:53`, `[2026-11-24 03:31:53,123 +0000]`.
static ISO: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"^[\[(]?([0-9]{4})[-/.]([0-9]{2})[-/.]([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9})[0-9]*)? ?(Z\b|UTC\b|GMT\b|[+-][0-9]{2}:?[0-9]{2}\b)?[\])]?",
    )
});

/// `1:M 24 Nov 2026 03:31:53.123 *` without the process part.
static DAY_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"^\[?([0-9]{1,2})[ /-]([A-Z][a-z]{2})[ /-]([0-9]{4})[: ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))? ?([+-][0-9]{4}\b)?\]?",
    )
});

/// `Nov 24 03:31:53` and `Nov 24, 2026 3:31:53 AM`.
static MONTH_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"^([A-Z][a-z]{2}) +([0-9]{1,2})(?:, ([0-9]{4}))? ([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?: (AM|PM))?\b",
    )
});

/// `1795491113`, `1795491113.123`, `1795491113123`, maybe in brackets.
static EPOCH: LazyLock<Regex> =
    LazyLock::new(|| constant(r"^\[?([0-9]{10}(?:\.[0-9]{1,9})?|[0-9]{13})\]?(?: |\t)"));

/// `03:31:53.123` alone, as zap and Quarkus write it.
static CLOCK: LazyLock<Regex> =
    LazyLock::new(|| constant(r"^\[?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?\]?(?: |\t)"));

/// Takes a time off the head of a line: the time, where it can be placed, and the rest.
///
/// None where the line does not begin with a time.
pub(super) fn take(line: &str, now: Option<Timestamp>) -> Option<(Option<Timestamp>, &str)> {
    let (time, end) = leading(line, now)?;
    let rest = line.get(end..)?;
    Some((time, rest.trim_start_matches([' ', '\t', '|', '-', ':'])))
}

fn leading(line: &str, now: Option<Timestamp>) -> Option<(Option<Timestamp>, usize)> {
    let first = *line.as_bytes().first()?;
    if first.is_ascii_digit() || first == b'[' || first == b'(' {
        if let Some(found) = ISO.captures(line) {
            return Some((iso(&found), end(&found)));
        }
        if let Some(found) = DAY_FIRST.captures(line) {
            return Some((day_first(&found), end(&found)));
        }
        if let Some(found) = EPOCH.captures(line) {
            return Some((number(part(&found, 1).parse().ok()?), end(&found)));
        }
        return CLOCK.find(line).map(|found| (None, found.end()));
    }
    if first.is_ascii_uppercase() {
        let found = MONTH_FIRST.captures(line)?;
        return Some((month_first(&found, now), end(&found)));
    }
    None
}

/// A time in a structured field's text.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(found) = ISO.captures(text) {
        return iso(&found);
    }
    if let Some(found) = DAY_FIRST.captures(text) {
        return day_first(&found);
    }
    number(text.parse().ok()?)
}

/// A time since the epoch in seconds, milliseconds, microseconds or nanoseconds, by its size.
pub(super) fn number(value: f64) -> Option<Timestamp> {
    let seconds = match value {
        value if value >= 1e17 => value / 1e9,
        value if value >= 1e14 => value / 1e6,
        value if value >= 1e11 => value / 1e3,
        value if value >= 1e8 => value,
        _ => return None,
    };
    let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(duration).ok()
}

/// The time of klog's `MMDD hh:mm:ss.ffffff` in the year that puts it closest before `now`.
pub(super) fn without_year(
    month: i8,
    day: i8,
    clock: (i8, i8, i8, i32),
    now: Option<Timestamp>,
) -> Option<Timestamp> {
    let now = now?;
    let year = Offset::UTC.to_datetime(now).year();
    let at = |year| utc(DateTime::new(year, month, day, clock.0, clock.1, clock.2, clock.3).ok()?);
    let limit = now.checked_add(SignedDuration::from_hours(24)).ok()?;
    at(year).filter(|time| *time <= limit).or_else(|| at(year - 1))
}

fn part<'t>(captures: &Captures<'t>, index: usize) -> &'t str {
    captures.get(index).map_or("", |part| part.as_str())
}

fn end(captures: &Captures<'_>) -> usize {
    captures.get(0).map_or(0, |all| all.end())
}

fn utc(time: DateTime) -> Option<Timestamp> {
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn iso(found: &Captures<'_>) -> Option<Timestamp> {
    let field = |index| part(found, index).parse::<i8>().ok();
    let time = DateTime::new(
        part(found, 1).parse().ok()?,
        field(2)?,
        field(3)?,
        field(4)?,
        field(5)?,
        field(6)?.min(59),
        nanoseconds(part(found, 7)),
    )
    .ok()?;
    at_offset(time, part(found, 8))
}

fn day_first(found: &Captures<'_>) -> Option<Timestamp> {
    let field = |index| part(found, index).parse::<i8>().ok();
    let time = DateTime::new(
        part(found, 3).parse().ok()?,
        month(part(found, 2))?,
        field(1)?,
        field(4)?,
        field(5)?,
        field(6)?.min(59),
        nanoseconds(part(found, 7)),
    )
    .ok()?;
    at_offset(time, part(found, 8))
}

fn month_first(found: &Captures<'_>, now: Option<Timestamp>) -> Option<Timestamp> {
    let field = |index| part(found, index).parse::<i8>().ok();
    let (month, day) = (month(part(found, 1))?, field(2)?);
    let hour = match (field(4)?, part(found, 7)) {
        (12, "AM") => 0,
        (hour, "PM") if hour < 12 => hour + 12,
        (hour, _) => hour,
    };
    let clock = (hour, field(5)?, field(6)?.min(59), 0);
    match part(found, 3).parse() {
        Ok(year) => utc(DateTime::new(year, month, day, clock.0, clock.1, clock.2, 0).ok()?),
        Err(_) => without_year(month, day, clock, now),
    }
}

fn month(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let index = MONTHS.iter().position(|month| *month == name)?;
    i8::try_from(index + 1).ok()
}

/// Nanoseconds of a fraction's digits.
pub(super) fn nanoseconds(digits: &str) -> i32 {
    let padded: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
    padded.parse().unwrap_or(0)
}

/// The time at an offset such as `+02:00`; without one it is UTC.
fn at_offset(time: DateTime, offset: &str) -> Option<Timestamp> {
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let seconds = match digits.parse::<i32>() {
        Ok(number) if digits.len() == 4 => (number / 100) * 3600 + (number % 100) * 60,
        _ => 0,
    };
    let seconds = if offset.starts_with('-') { -seconds } else { seconds };
    Offset::from_seconds(seconds).ok()?.to_timestamp(time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(line: &str) -> String {
        let now = "2026-11-24T12:00:00Z".parse().ok();
        let (time, rest) = take(line, now).unwrap();
        format!("{}|{rest}", time.map_or_else(|| "-".to_owned(), |time| time.to_string()))
    }

    #[test]
    fn common_heads() {
        assert_eq!(taken("2026-11-24T03:31:53.5Z up"), "2026-11-24T03:31:53.5Z|up");
        assert_eq!(taken("2026-11-24T03:31:53+02:00 up"), "2026-11-24T01:31:53Z|up");
        assert_eq!(taken("2026-11-24 03:31:53,250 INFO up"), "2026-11-24T03:31:53.25Z|INFO up");
        assert_eq!(taken("[2026-11-24 03:31:53 +0000] [7] up"), "2026-11-24T03:31:53Z|[7] up");
        assert_eq!(taken("2026/11/24 03:31:53 [error] 7#7: x"), "2026-11-24T03:31:53Z|[error] 7#7: x");
        assert_eq!(taken("24 Nov 2026 03:31:53.123 * up"), "2026-11-24T03:31:53.123Z|* up");
        assert_eq!(taken("24/Nov/2026:03:31:53 +0000 x"), "2026-11-24T03:31:53Z|x");
        assert_eq!(taken("Nov 24 03:31:53 host x"), "2026-11-24T03:31:53Z|host x");
        assert_eq!(taken("Nov 24, 2026 3:31:53 PM org.x"), "2026-11-24T15:31:53Z|org.x");
        assert_eq!(taken("1795491113.5 up"), "2026-11-24T03:31:53.5Z|up");
        assert_eq!(taken("03:31:53.120 [main] up"), "-|[main] up");
    }

    #[test]
    fn a_time_without_a_year_is_not_in_the_future() {
        assert_eq!(taken("Dec 30 03:31:53 x"), "2025-12-30T03:31:53Z|x");
    }

    #[test]
    fn numbers_by_size() {
        for value in [1_795_491_113.0, 1_795_491_113_000.0, 1_795_491_113_000_000.0] {
            assert_eq!(number(value).unwrap().to_string(), "2026-11-24T03:31:53Z");
        }
        assert_eq!(number(42.0), None);
        assert_eq!(parse("8080"), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(line in "[0-9A-Za-z:/., +\\[\\]-]{0,60}") {
            let _ = take(&line, None);
            let _ = parse(&line);
        }
    }
}
