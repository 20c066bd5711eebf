//! Evidence: one observation, where it was made, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cluster::ObjectRef;

/// What kind of observation a piece of evidence is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A field of an object's `status`.
    Status,
    /// A field of an object's `spec`.
    Spec,
    /// An Event.
    Event,
    /// A container log line.
    Log,
    /// A metric.
    Metric,
    /// An alert.
    Alert,
    /// A change between two revisions or moments.
    Change,
    /// Something that is not there although its list was read.
    Absence,
}

/// Ends the path of what the log of a container's run before the current one says.
pub const PREVIOUS_RUN: &str = ", previous run";

/// One observation. Values and excerpts are redacted when the report is built.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What kind of observation this is.
    pub source: Source,
    /// The object it was made on.
    pub object: ObjectRef,
    /// The field's path, or the log's name; empty where neither fits.
    pub path: String,
    /// The field's value, the event's reason, or the signature's name.
    pub value: String,
    /// A message or log line; empty where the value says it all.
    pub excerpt: String,
    /// When it was observed.
    pub time: Option<Timestamp>,
    /// How often.
    pub count: i64,
}

/// A text cut to about so many characters: of a long message the beginning says what failed, the end why.
pub fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    // The dots and the blanks around them count as well.
    let tail = most * 2 / 5;
    let head: String = text.chars().take(most.saturating_sub(tail + 3)).collect();
    let tail: String = text.chars().skip(length - tail).collect();
    // Not in the middle of a word, unless there is nothing but one.
    let head = head.rsplit_once(' ').map_or(&*head, |(head, _)| head);
    let tail = tail.split_once(' ').map_or(&*tail, |(_, tail)| tail);
    format!("{head} … {tail}")
}

/// Seconds as people say them, in one unit.
pub fn duration(seconds: i64) -> String {
    let (count, unit) = match seconds.unsigned_abs() {
        count @ 0..=119 => (count, "second"),
        count @ 120..=7_199 => (count / 60, "minute"),
        count @ 7_200..=172_799 => (count / 3_600, "hour"),
        count => (count / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

impl Evidence {
    /// An observation of one value at a path.
    pub fn new(source: Source, object: ObjectRef, path: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            source,
            object,
            path: path.into(),
            value: value.into(),
            excerpt: String::new(),
            time: None,
            count: 1,
        }
    }

    /// A status field.
    pub fn status(object: ObjectRef, path: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(Source::Status, object, path, value)
    }

    /// A spec field.
    pub fn spec(object: ObjectRef, path: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(Source::Spec, object, path, value)
    }

    /// Something absent from a list that was read.
    pub fn absence(object: ObjectRef, what: impl Into<String>) -> Self {
        Self::new(Source::Absence, object, "", what)
    }

    /// An event.
    pub fn event(event: &crate::cluster::event::Event) -> Self {
        Self {
            source: Source::Event,
            object: event.object(),
            path: String::new(),
            value: event.reason.to_string(),
            excerpt: event.message.to_string(),
            time: event.last().get(),
            count: event.times(),
        }
    }

    /// Adds a message or log line.
    #[must_use]
    pub fn excerpt(mut self, excerpt: impl Into<String>) -> Self {
        self.excerpt = excerpt.into();
        self
    }

    /// Adds the time.
    #[must_use]
    pub fn at(mut self, time: impl Into<Option<Timestamp>>) -> Self {
        self.time = time.into();
        self
    }

    /// Adds how often it was observed.
    #[must_use]
    pub fn times(mut self, count: i64) -> Self {
        self.count = count;
        self
    }
}
