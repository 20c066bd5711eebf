//! Time words of a description. They only rank: nothing is cut off by them.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::text::Token;

/// A time as the description puts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeMention {
    /// The words, as typed.
    pub text: String,
    /// What they mean.
    pub when: When,
    /// Whether it goes on since then, rather than having happened then.
    pub since: bool,
}

/// What time words mean, before a clock is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// So many seconds before now.
    Ago(i64),
    /// A time of day, the last one before now, or of a day so many days back.
    Clock {
        /// 0 to 23.
        hour: i8,
        /// 0 to 59.
        minute: i8,
        /// Days back, where the description says which.
        days_back: Option<i32>,
    },
    /// From one time of day to another, both as minutes since midnight.
    Between(i32, i32),
    /// Hours of a day so many days back; the second may pass 24.
    Hours {
        /// Days back from today.
        days_back: i32,
        /// First hour.
        from: i32,
        /// Last hour, exclusive.
        until: i32,
    },
    /// The last such day, Monday being 1.
    Weekday(i8),
    /// A point in time.
    At(Timestamp),
    /// After something was changed, such as a deployment.
    AfterChange,
}

/// The time a description mentions; the first that a clock can place, else "after" a change.
pub(super) fn find(tokens: &[Token]) -> Option<TimeMention> {
    let mut change = None;
    for index in 0..tokens.len() {
        let Some(rest) = tokens.get(index..) else { break };
        // "every half a minute" is a rate, not a time.
        let before = tokens.get(index.saturating_sub(2)..index).unwrap_or_default();
        if before
            .iter()
            .any(|token| matches!(token.folded.as_str(), "every" | "each" | "per" | "jede" | "cada"))
        {
            continue;
        }
        let Some((when, length)) = read(rest) else { continue };
        let mut begin = index;
        // "since", "after", "for" and the like stand within three words before.
        let clause = rest.first().map(|token| token.clause);
        let before = tokens.get(index.saturating_sub(3)..index).unwrap_or_default();
        let mut since = matches!(when, When::Ago(_));
        for (offset, token) in before.iter().enumerate().filter(|(_, token)| Some(token.clause) == clause) {
            let opens = matches!(
                token.folded.as_str(),
                "since" | "after" | "from" | "seit" | "desde" | "depuis" | "nach" | "for" | "last" | "past"
            );
            if opens {
                since = true;
                begin = begin.min(index.saturating_sub(before.len() - offset));
            }
        }
        let words = tokens.get(begin..index + length).unwrap_or_default();
        let text = words.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        let mention = TimeMention { text, when, since };
        if mention.when != When::AfterChange {
            return Some(mention);
        }
        change = change.or(Some(mention));
    }
    change
}

/// Reads a time at the first token; the meaning and how many tokens it took.
fn read(tokens: &[Token]) -> Option<(When, usize)> {
    let word = |index: usize| tokens.get(index).map_or("", |token| token.folded.as_str());
    let first = word(0);
    if let Ok(at) = tokens.first()?.text.parse::<Timestamp>() {
        return Some((When::At(at), 1));
    }
    if let Ok(date) = first.parse::<Date>() {
        let (time, length) = match clock(word(1), "") {
            Some((hour, minute)) => (Time::new(hour, minute, 0, 0).ok()?, 2),
            None => (Time::midnight(), 1),
        };
        return Some((When::At(date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp()), length));
    }
    if matches!(first, "between" | "zwischen" | "entre") {
        let (from, until) = (clock(word(1), "")?, clock(word(3), word(4))?);
        let minutes = |(hour, minute): (i8, i8)| i32::from(hour) * 60 + i32::from(minute);
        return Some((When::Between(minutes(from), minutes(until)), 4));
    }
    amount(tokens).or_else(|| day(&word)).or_else(|| time_of_day(&word)).or_else(|| change(&word))
}

/// `30 minutes`, `2h`, `half an hour`, `a few days`, `days`.
fn amount(tokens: &[Token]) -> Option<(When, usize)> {
    let word = |index: usize| tokens.get(index).map_or("", |token| token.folded.as_str());
    let first = word(0).trim_end_matches('+');
    let digits: String = first.chars().take_while(char::is_ascii_digit).collect();
    if !digits.is_empty() {
        let number: i64 = digits.parse().ok()?;
        let attached: String = first.chars().skip(digits.len()).collect();
        if !attached.is_empty() {
            let seconds = unit(&attached)?;
            // A bare `20s` or `p99 > 500ms` is a measurement, not an age.
            return (seconds >= 60).then_some((When::Ago(number.checked_mul(seconds)?), 1));
        }
        let seconds = unit(word(1)).filter(|seconds| *seconds >= 60)?;
        return Some((When::Ago(number.checked_mul(seconds)?), 2));
    }
    let (number, skip) = match (first, word(1)) {
        ("half", "an" | "a") => {
            let seconds = unit(word(2))? / 2;
            return (seconds >= 60).then_some((When::Ago(seconds), 3));
        }
        ("a" | "some", "few") | ("a", "couple") => (3, 2),
        ("for", "hours" | "days" | "weeks") => (3, 1),
        ("few" | "several" | "couple" | "some", _) => (3, 1),
        ("a" | "an" | "one" | "einer" | "una" | "une" | "uma" | "past" | "last", _) => (1, 1),
        ("two" | "zwei" | "dos" | "deux", _) => (2, 1),
        ("three" | "drei" | "tres" | "trois", _) => (3, 1),
        ("ten", _) => (10, 1),
        _ => return None,
    };
    let skip = if word(skip) == "of" { skip + 1 } else { skip };
    let seconds = unit(word(skip)).filter(|seconds| *seconds >= 60)?;
    // "every hour" and "half a minute" are rates; "a minute ago" is a time.
    Some((When::Ago(number * seconds), skip + 1))
}

/// Seconds of a unit of time.
fn unit(word: &str) -> Option<i64> {
    Some(match word {
        "s" | "sec" | "secs" | "second" | "seconds" | "sekunden" | "segundos" | "secondes" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" | "minuten" | "minutos" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" | "stunde" | "stunden" | "hora" | "horas" | "heure"
        | "heures" => 3600,
        "d" | "day" | "days" | "tag" | "tage" | "tagen" | "dia" | "dias" | "jour" | "jours" => 86_400,
        "w" | "week" | "weeks" | "woche" | "wochen" | "semana" | "semanas" | "semaine" | "semaines" => {
            604_800
        }
        _ => return None,
    })
}

/// Days and parts of days, perhaps with a time of day.
fn day<'t>(word: &dyn Fn(usize) -> &'t str) -> Option<(When, usize)> {
    let hours = |days_back, from, until| When::Hours { days_back, from, until };
    let found = match (word(0), word(1)) {
        ("last" | "yesterday", "night" | "nights") => (hours(1, 18, 32), 2),
        ("this", "morning") => (hours(0, 0, 12), 2),
        ("this", "afternoon") => (hours(0, 12, 18), 2),
        ("this", "week") => (When::Ago(604_800), 2),
        ("yesterday" | "yesterdays" | "gestern" | "ayer" | "hier" | "ontem", _) => {
            let at = usize::from(word(1) == "at") + 1;
            match clock(word(at), word(at + 1)) {
                Some((hour, minute)) => (When::Clock { hour, minute, days_back: Some(1) }, at + 1),
                None => (hours(1, 0, 24), 1),
            }
        }
        ("today" | "todays" | "heute" | "hoy" | "aujourdhui" | "hoje", _) => (hours(0, 0, 24), 1),
        ("tonight" | "overnight", _) => (hours(1, 18, 32), 1),
        ("lunch" | "lunchtime", _) => (hours(0, 11, 14), 1),
        ("noon", _) => (When::Clock { hour: 12, minute: 0, days_back: None }, 1),
        ("midnight", _) => (When::Clock { hour: 0, minute: 0, days_back: None }, 1),
        (name, _) => (When::Weekday(weekday(name)?), 1),
    };
    Some(found)
}

fn weekday(word: &str) -> Option<i8> {
    Some(match word {
        "monday" | "montag" | "lunes" | "lundi" => 1,
        "tuesday" | "dienstag" | "martes" | "mardi" => 2,
        "wednesday" | "mittwoch" | "miercoles" | "mercredi" => 3,
        "thursday" | "donnerstag" | "jueves" | "jeudi" => 4,
        "friday" | "freitag" | "viernes" | "vendredi" => 5,
        "saturday" | "samstag" | "sabado" | "samedi" => 6,
        "sunday" | "sonntag" | "domingo" | "dimanche" => 7,
        _ => return None,
    })
}

/// A time of day that stands after a word which makes it one, or that cannot be anything else.
fn time_of_day<'t>(word: &dyn Fn(usize) -> &'t str) -> Option<(When, usize)> {
    let (hour, minute) = clock(word(0), word(1))?;
    let taken = if matches!(word(1), "am" | "pm" | "uhr" | "utc") { 2 } else { 1 };
    Some((When::Clock { hour, minute, days_back: None }, taken))
}

/// `14:00`, `14:00:05`, `2pm`, `2 pm`, `14h30`, `14 uhr`.
fn clock(word: &str, next: &str) -> Option<(i8, i8)> {
    let word = word.strip_suffix("utc").or_else(|| word.strip_suffix('z')).unwrap_or(word);
    let (body, half) = match word.strip_suffix("am").or_else(|| word.strip_suffix("pm")) {
        Some(body) => (body, if word.ends_with("pm") { "pm" } else { "am" }),
        None => (word, next),
    };
    let (hour, minute) = match body.split_once([':', 'h']) {
        Some((hour, rest)) => (hour, rest.split(':').next().unwrap_or_default()),
        None if matches!(half, "am" | "pm" | "uhr") => (body, "0"),
        None => return None,
    };
    // Two digits of minutes, else `3:1` or an image tag would be a time.
    if !hour.bytes().all(|b| b.is_ascii_digit()) || (minute != "0" && minute.len() != 2) {
        return None;
    }
    let (hour, minute): (i8, i8) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match half {
        "pm" if hour < 12 => hour + 12,
        "am" if hour == 12 => 0,
        _ => hour,
    };
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some((hour, minute))
}

/// "after the deploy", "since we rotated the credentials".
fn change<'t>(word: &dyn Fn(usize) -> &'t str) -> Option<(When, usize)> {
    const CHANGES: &[&str] = &[
        "deploy",
        "deployed",
        "deploying",
        "deployment",
        "deployments",
        "release",
        "released",
        "releasing",
        "rollout",
        "update",
        "updated",
        "updating",
        "upgrade",
        "upgraded",
        "upgrading",
        "migration",
        "migrated",
        "migrating",
        "change",
        "changed",
        "changing",
        "changes",
        "maintenance",
        "restart",
        "restarted",
        "merge",
        "merged",
        "merging",
        "patch",
        "patched",
        "patching",
        "rotating",
        "rotated",
        "rotation",
        "applied",
        "hardened",
        "made",
        "moved",
        "moving",
        "switched",
        "switching",
        "enabled",
        "enabling",
        "baseline",
        "config",
        "configuration",
        "scaled",
        "scaling",
        "added",
        "adding",
        "removed",
        "removing",
        "renamed",
        "aktualisierung",
        "actualizacion",
        "despliegue",
        "deploiement",
        "atualizacao",
    ];
    if !matches!(
        word(0),
        "after" | "since" | "following" | "seit" | "nach" | "desde" | "depuis" | "apres" | "despues" | "tras"
    ) {
        return None;
    }
    let at = (1..=5).find(|index| CHANGES.contains(&word(*index)))?;
    Some((When::AfterChange, at + 1))
}

/// Places a mention on the clock: from, until. None where it cannot be placed.
pub(super) fn window(
    mention: &TimeMention,
    now: Timestamp,
) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
    let today = now.to_zoned(TimeZone::UTC).start_of_day().ok()?;
    let at = |day: &Zoned, minutes: i64| -> Option<Timestamp> {
        day.timestamp().checked_add(SignedDuration::from_mins(minutes)).ok()
    };
    let back = |days: i32| today.checked_sub(Span::new().try_days(days).ok()?).ok();
    let (from, until) = match mention.when {
        When::Ago(seconds) => {
            // People round: what began "an hour ago" may have begun 75 minutes ago.
            let seconds = seconds.checked_add(seconds / 4)?;
            (now.checked_sub(SignedDuration::from_secs(seconds)).ok()?, None)
        }
        When::Clock { hour, minute, days_back } => {
            let minutes = i64::from(hour) * 60 + i64::from(minute);
            let mut moment = at(&back(days_back.unwrap_or(0))?, minutes)?;
            if days_back.is_none() && moment > now {
                moment = at(&back(1)?, minutes)?;
            }
            let slack = SignedDuration::from_mins(15);
            (moment.checked_sub(slack).ok()?, moment.checked_add(slack).ok())
        }
        When::Between(from, until) => {
            let day = if at(&today, i64::from(from))? > now { back(1)? } else { today };
            (at(&day, i64::from(from))?, at(&day, i64::from(until)))
        }
        When::Hours { days_back, from, until } => {
            let day = back(days_back)?;
            (at(&day, i64::from(from) * 60)?, at(&day, i64::from(until) * 60))
        }
        When::Weekday(number) => {
            let wanted = Weekday::from_monday_one_offset(number).ok()?;
            let day = back(i32::from(today.weekday().since(wanted)))?;
            (day.timestamp(), at(&day, 24 * 60))
        }
        When::At(moment) => (moment, moment.checked_add(SignedDuration::from_hours(1)).ok()),
        When::AfterChange => return None,
    };
    Some((Some(from), if mention.since { None } else { until.map(|until| until.min(now)) }))
}
