//! An incident as it is stored.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::PackedReport;
use crate::report::model::{Level, Report, Verdict};

/// Where an incident is in its life: pending, running, then one of the final states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for a worker.
    Pending,
    /// Is being investigated.
    Running,
    /// Has a report.
    Completed,
    /// The investigation could not be done; `error` says why.
    Failed,
    /// Somebody, or the end of the server, stopped it.
    Cancelled,
}

impl Status {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it never changes again.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What is to be investigated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The description, redacted; empty: is anything wrong?
    pub description: String,
    /// Where the complaint is.
    pub namespace: Option<String>,
    /// How far back events, logs and changes count.
    pub since: Option<Since>,
    /// Labels of the workloads that the complaint is about.
    pub labels: BTreeMap<String, String>,
}

impl Question {
    fn size(&self) -> usize {
        let labels: usize = self.labels.iter().map(|(key, value)| key.len() + value.len() + 64).sum();
        self.description.len() + self.namespace.as_ref().map_or(0, String::len) + labels
    }
}

/// A length of time such as `90s`, `15m`, `2h` or `7d`, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Since(String);

/// A text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a length of time such as 90s, 15m, 2h or 7d")]
pub struct SinceError;

impl Since {
    /// What it must look like, as a regular expression.
    pub const PATTERN: &str = "^[1-9][0-9]{0,4}[smhd]$";

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How long it is.
    pub fn duration(&self) -> SignedDuration {
        parse_since(&self.0).unwrap_or(SignedDuration::ZERO)
    }
}

impl FromStr for Since {
    type Err = SinceError;

    fn from_str(text: &str) -> Result<Self, SinceError> {
        parse_since(text).map(|_| Self(text.to_owned())).ok_or(SinceError)
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn parse_since(text: &str) -> Option<SignedDuration> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = text.get(..text.len() - 1)?;
    let plain = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || digits.starts_with('0') {
        return None;
    }
    Some(SignedDuration::from_secs(digits.parse::<i64>().ok()? * unit))
}

/// What a list says about a finished investigation.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The answer in one word.
    pub verdict: Verdict,
    /// Failure modes of the hypotheses, the most probable first.
    pub causes: Vec<String>,
    /// The first hypothesis's confidence.
    pub confidence: Option<Level>,
    /// The first hypothesis's summary.
    pub summary: Option<String>,
    /// Namespaces of the description and of what is to blame.
    pub namespaces: Vec<String>,
}

impl From<&Report> for Finding {
    fn from(report: &Report) -> Self {
        let first = report.hypotheses.first();
        let blamed = report.hypotheses.iter().filter_map(|one| one.object.namespace.as_deref());
        let mut namespaces: Vec<String> = report.intent.namespaces.clone();
        namespaces.extend(blamed.map(str::to_owned));
        namespaces.sort();
        namespaces.dedup();
        Self {
            verdict: report.verdict,
            causes: report.hypotheses.iter().map(|one| one.cause.clone()).collect(),
            confidence: first.map(|one| one.confidence.level),
            summary: first.map(|one| one.summary.clone()),
            namespaces,
        }
    }
}

impl Finding {
    fn size(&self) -> usize {
        let lists = self.causes.iter().chain(&self.namespaces).map(|text| text.len() + 24).sum::<usize>();
        lists + self.summary.as_ref().map_or(0, String::len)
    }
}

/// Why an investigation could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A stable word, such as `namespace-not-found`.
    pub code: &'static str,
    /// What happened and what to try.
    pub detail: String,
}

/// What a person says about a report afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The failure mode that it was after all.
    pub confirmed_cause: Option<String>,
    /// In words.
    pub note: Option<String>,
    /// When it was said.
    pub at: Timestamp,
}

/// The alerts that an incident was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertGroup {
    /// Alertmanager's key of the group.
    pub key: String,
    /// Alerts that fire, as last told.
    pub firing: usize,
    /// Notifications folded into the incident, the first one included.
    pub notifications: u64,
    /// When it was last told.
    pub last_at: Timestamp,
    /// When it was told that none fires any more.
    pub resolved_at: Option<Timestamp>,
}

/// An incident: what was asked, where the work is, and what came of it.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Unique; ids order by time.
    pub id: Uuid,
    /// What is asked.
    pub question: Question,
    /// The HTTP request that brought it.
    pub request_id: String,
    /// Where it is in its life.
    pub status: Status,
    /// When it came.
    pub created_at: Timestamp,
    /// When a worker claimed it.
    pub started_at: Option<Timestamp>,
    /// When it reached a final state.
    pub completed_at: Option<Timestamp>,
    /// What was found; only where completed.
    pub finding: Option<Finding>,
    /// The whole report; only where completed.
    pub report: Option<PackedReport>,
    /// Why it failed; only where failed.
    pub error: Option<Failure>,
    /// What people said about it, oldest first.
    pub feedback: Vec<Feedback>,
    /// The alerts it was made of.
    pub alert: Option<AlertGroup>,
}

impl Incident {
    /// Most feedback kept with one incident.
    pub const MOST_FEEDBACK: usize = 20;

    /// Whether it was asked about, or found in, a namespace.
    pub fn is_about(&self, namespace: &str) -> bool {
        let found = self.finding.iter().flat_map(|finding| &finding.namespaces);
        self.question.namespace.iter().chain(found).any(|own| own == namespace)
    }

    /// Whether a hypothesis is of a failure mode.
    pub fn has_cause(&self, cause: &str) -> bool {
        self.finding.iter().flat_map(|finding| &finding.causes).any(|own| own == cause)
    }

    /// Bytes it takes in memory, about.
    pub fn size(&self) -> usize {
        let said = |one: &Feedback| {
            64 + one.confirmed_cause.as_ref().map_or(0, String::len)
                + one.note.as_ref().map_or(0, String::len)
        };
        512 + self.question.size()
            + self.request_id.len()
            + self.finding.as_ref().map_or(0, Finding::size)
            + self.report.as_ref().map_or(0, PackedReport::size)
            + self.error.as_ref().map_or(0, |error| error.detail.len())
            + self.feedback.iter().map(said).sum::<usize>()
            + self.alert.as_ref().map_or(0, |alert| alert.key.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800)] {
            assert_eq!(text.parse::<Since>().unwrap().duration().as_secs(), seconds, "{text}");
        }
        let pattern = regex::Regex::new(Since::PATTERN).unwrap();
        for text in ["", "h", "0h", "01h", "1", "-1h", "1.5h", "123456s", "1h30m", "1H", "1é"] {
            assert_eq!(text.parse::<Since>(), Err(SinceError), "{text}");
            assert!(!pattern.is_match(text), "{text}");
        }
    }
}
