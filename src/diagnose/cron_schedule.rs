//! Cron schedules as Kubernetes reads them: five fields, names, steps, `@hourly` and its like.
//!
//! Only what the CronJob diagnoser asks: is it valid, and when was it due before a moment.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// A parsed schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether day and weekday are both restricted, in which case either may match.
    either_day: bool,
    /// A fixed interval in seconds (`@every`), instead of fields.
    every: Option<i64>,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Minutes looked back for a due time: a little over four years, so that 29 February is found.
const MAX_DAYS_BACK: usize = 1500;

impl Schedule {
    /// Parses a schedule; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(interval) = text.strip_prefix("@every ") {
            let duration: jiff::SignedDuration =
                interval.trim().parse().map_err(|_| format!("`{interval}` is no interval"))?;
            let every = Some(duration.as_secs()).filter(|seconds| *seconds > 0);
            return every.map(Self::every).ok_or_else(|| format!("`{interval}` is not above zero"));
        }
        let expanded = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = expanded.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!("expected 5 fields, found {}", fields.len()));
        };
        let free = |field: &str| field.starts_with('*') || field.starts_with('?');
        let weekdays = field(weekday, 0, 7, &WEEKDAYS, "weekday")?;
        Ok(Self {
            minutes: field(minute, 0, 59, &[], "minute")?,
            hours: field(hour, 0, 23, &[], "hour")?,
            days: field(day, 1, 31, &[], "day")?,
            months: field(month, 1, 12, &MONTHS, "month")?,
            // Sunday is 0 and 7.
            weekdays: (weekdays | (weekdays >> 7)) & 0x7f,
            either_day: !free(day) && !free(weekday),
            every: None,
        })
    }

    fn every(seconds: i64) -> Self {
        Self {
            minutes: 0,
            hours: 0,
            days: 0,
            months: 0,
            weekdays: 0,
            either_day: false,
            every: Some(seconds),
        }
    }

    /// The latest due time at or before a moment; none where it is never due.
    pub(super) fn due_before(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if let Some(every) = self.every {
            return Timestamp::from_second(moment.as_second() - moment.as_second().rem_euclid(every)).ok();
        }
        let start = moment.to_zoned(zone.clone());
        let mut day = start.clone();
        for back in 0..MAX_DAYS_BACK {
            if self.has_day(&day) {
                let latest = if back == 0 {
                    i32::from(start.hour()) * 60 + i32::from(start.minute())
                } else {
                    24 * 60 - 1
                };
                if let Some(minute) = (0..=latest).rev().find(|minute| self.has_minute(*minute)) {
                    let midnight = day.start_of_day().ok()?;
                    return Some(midnight.checked_add(minute.minutes()).ok()?.timestamp());
                }
            }
            day = day.checked_sub(1.day()).ok()?;
        }
        None
    }

    /// Seconds between the last two due times before a moment.
    pub(super) fn period(&self, moment: Timestamp, zone: &TimeZone) -> Option<i64> {
        let last = self.due_before(moment, zone)?;
        let before = self.due_before(last.checked_sub(1.second()).ok()?, zone)?;
        Some(last.as_second() - before.as_second())
    }

    fn has_day(&self, day: &Zoned) -> bool {
        let bit = |set: u64, value: i8| u32::try_from(value).is_ok_and(|value| set & (1_u64 << value) != 0);
        let of_month = bit(self.days, day.day());
        let of_week = bit(self.weekdays, day.weekday().to_sunday_zero_offset());
        bit(self.months, day.month())
            && if self.either_day { of_month || of_week } else { of_month && of_week }
    }

    fn has_minute(&self, minute: i32) -> bool {
        let bit = |set: u64, value: i32| u32::try_from(value).is_ok_and(|value| set & (1_u64 << value) != 0);
        bit(self.hours, minute / 60) && bit(self.minutes, minute % 60)
    }
}

/// One field as a set of bits: lists of values, ranges and steps.
fn field(text: &str, low: u32, high: u32, names: &[&str], what: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no {what} ({low} to {high})");
    let value = |word: &str| -> Result<u32, String> {
        let lower = word.to_lowercase();
        let offset = u32::from(names.len() == 12);
        let named = names.iter().position(|name| *name == lower).and_then(|index| u32::try_from(index).ok());
        let number = named.map(|index| index + offset).or(word.parse().ok()).ok_or_else(wrong)?;
        if (low..=high).contains(&number) { Ok(number) } else { Err(wrong()) }
    };
    let mut set = 0_u64;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                (range, step.parse::<u32>().ok().filter(|step| *step > 0).ok_or_else(wrong)?)
            }
            None => (part, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (low, high.min(if names.len() == 7 { 6 } else { high })),
            Some((first, last)) => (value(first)?, value(last)?),
            None if part.contains('/') => (value(range)?, high),
            None => (value(range)?, value(range)?),
        };
        if first > last {
            return Err(wrong());
        }
        let mut number = first;
        while number <= last {
            set |= 1 << number;
            number = number.saturating_add(step);
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(schedule: &str, moment: &str) -> String {
        let moment: Timestamp = moment.parse().unwrap();
        Schedule::parse(schedule).unwrap().due_before(moment, &TimeZone::UTC).unwrap().to_string()
    }

    #[test]
    fn due_times() {
        assert_eq!(due("* * * * *", "2026-03-01T10:20:30Z"), "2026-03-01T10:20:00Z");
        assert_eq!(due("*/15 * * * *", "2026-03-01T10:20:30Z"), "2026-03-01T10:15:00Z");
        assert_eq!(due("0 2 * * *", "2026-03-01T01:20:30Z"), "2026-02-28T02:00:00Z");
        assert_eq!(due("30 6 * * mon-fri", "2026-03-01T10:00:00Z"), "2026-02-27T06:30:00Z");
        assert_eq!(due("0 0 1 jan *", "2026-03-01T10:00:00Z"), "2026-01-01T00:00:00Z");
        assert_eq!(due("0 0 29 2 *", "2026-03-01T10:00:00Z"), "2024-02-29T00:00:00Z");
        assert_eq!(due("@hourly", "2026-03-01T10:59:59Z"), "2026-03-01T10:00:00Z");
        assert_eq!(due("0 12 13 * 5", "2026-03-07T00:00:00Z"), "2026-03-06T12:00:00Z");
        assert_eq!(due("0 0 * * 7", "2026-03-03T00:00:00Z"), "2026-03-01T00:00:00Z");
    }

    #[test]
    fn invalid_schedules() {
        for text in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "x * * * *",
            "*/0 * * * *",
            "5-1 * * * *",
            "@sometimes",
            "@every -5m",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn periods() {
        let moment: Timestamp = "2026-03-01T10:20:30Z".parse().unwrap();
        let period = |text: &str| Schedule::parse(text).unwrap().period(moment, &TimeZone::UTC);
        assert_eq!(period("*/5 * * * *"), Some(300));
        assert_eq!(period("@daily"), Some(86_400));
        assert_eq!(period("@every 90s"), Some(90));
        assert_eq!(period("0 0 30 2 *"), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[-*/,0-9a-z@ ]{0,24}") {
            if let Ok(schedule) = Schedule::parse(&text) {
                let _ = schedule.due_before(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
            }
        }
    }
}
