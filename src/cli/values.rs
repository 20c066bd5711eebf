//! Values of arguments and of the configuration file, read by the same rules.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::FalseyValueParser;
use jiff::{SignedDuration, Span};
use serde::{Deserialize, Deserializer, de};

use crate::cluster::quantity::Quantity;
use crate::report::model::Level;
use crate::report::render::Format;

/// Reads a switch from the environment: unset, empty, `0`, `no`, `off` and `false` are no.
pub(super) fn flag() -> FalseyValueParser {
    FalseyValueParser::new()
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A format of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Output {
    /// The answer on one screen
    Table,
    /// Everything, for a wide terminal
    Wide,
    /// The whole report as JSON
    Json,
    /// The whole report as YAML
    Yaml,
    /// For an incident's channel
    Markdown,
    /// Test cases for CI
    Junit,
}

impl From<Output> for Format {
    fn from(output: Output) -> Self {
        match output {
            Output::Table => Self::Table,
            Output::Wide => Self::Wide,
            Output::Json => Self::Json,
            Output::Yaml => Self::Yaml,
            Output::Markdown => Self::Markdown,
            Output::Junit => Self::Junit,
        }
    }
}

/// A level of confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FailOn {
    /// 0.20 and more
    Low,
    /// 0.60 and more
    Medium,
    /// 0.90 and more
    High,
}

impl From<FailOn> for Level {
    fn from(level: FailOn) -> Self {
        match level {
            FailOn::Low => Self::Low,
            FailOn::Medium => Self::Medium,
            FailOn::High => Self::High,
        }
    }
}

macro_rules! display_as_value {
    ($($type:ty),*) => { $(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
            }
        }
    )* };
}

display_as_value!(Color, Output, FailOn);

/// A length of time above zero, such as `90s`, `1h30m` or `2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period(SignedDuration);

impl Period {
    pub(super) const fn seconds(seconds: i64) -> Self {
        Self(SignedDuration::from_secs(seconds))
    }

    /// For what waits.
    pub(super) fn duration(self) -> std::time::Duration {
        self.0.unsigned_abs()
    }

    /// For what looks back.
    pub(super) fn signed(self) -> SignedDuration {
        self.0
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no length of time; write one such as 30s, 15m, 1h30m or 2d");
        let span: Span = text.trim().parse().map_err(|_| wrong())?;
        // Days have 24 hours here: nobody means a clock change.
        let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
        if duration <= SignedDuration::ZERO { Err(wrong()) } else { Ok(Self(duration)) }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

/// A number of bytes above zero, such as `512Mi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no number of bytes; write one such as 500M or 2Gi");
        let quantity: Quantity = text.trim().parse().map_err(|_| wrong())?;
        let bytes = u64::try_from(quantity.milli() / 1000).map_err(|_| wrong())?;
        if bytes == 0 { Err(wrong()) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
        match UNITS.into_iter().find(|(unit, _)| self.0 % unit == 0) {
            Some((unit, suffix)) => write!(f, "{}{suffix}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

macro_rules! deserialize_from_text {
    ($($type:ty),*) => { $(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )* };
}

deserialize_from_text!(Period, Bytes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in
            [("90s", 90), ("1h", 3600), ("1h30m", 5400), ("2d", 172_800), ("PT1H", 3600), ("1h 5m", 3900)]
        {
            assert_eq!(text.parse::<Period>().unwrap(), Period::seconds(seconds), "{text}");
        }
        for text in ["", "5", "-1h", "0s", "1 month", "soon", "99999999999999d"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
        assert_eq!(Period::seconds(5400).to_string(), "1h 30m");
    }

    #[test]
    fn numbers_of_bytes() {
        for (text, bytes) in [("1", 1), ("2Ki", 2048), ("2Gi", 2 << 30), ("500M", 500_000_000)] {
            assert_eq!(text.parse::<Bytes>().unwrap(), Bytes(bytes), "{text}");
        }
        for text in ["", "0", "-1", "big", "1m"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
        assert_eq!(Bytes(2 << 30).to_string(), "2Gi");
    }
}
