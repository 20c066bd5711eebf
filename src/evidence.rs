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
            value: event.reason.clone(),
            excerpt: event.message.clone(),
            time: event.last().0,
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
