//! What the API takes and gives, as JSON.
//!
//! Incoming types refuse unknown fields; what they must look like is checked with the patterns
//! that the OpenAPI document states.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::problem::{Kind, Problem};
use crate::redact;
use crate::report::model::{EvidenceItem, IntentInfo, Level, Report, Verdict};
use crate::store::{self, Question, Since, Status};

/// Longest description, in characters.
pub(crate) const LONGEST_DESCRIPTION: usize = 4096;
/// Longest note of feedback, in characters.
const LONGEST_NOTE: usize = 4096;
/// Most labels of one question.
pub(crate) const MOST_LABELS: usize = 32;
/// A name of a namespace.
pub(crate) const NAMESPACE: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
/// The key of a label.
pub(crate) const LABEL_KEY: &str =
    "^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
/// The value of a label.
pub(crate) const LABEL_VALUE: &str = "^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$";
/// The id of a failure mode.
pub(crate) const CAUSE: &str = "^[a-z0-9][-a-z0-9]{0,99}$";

/// Compiled patterns.
struct Patterns {
    namespace: Regex,
    label_key: Regex,
    label_value: Regex,
    cause: Regex,
}

#[expect(clippy::expect_used, reason = "constant patterns, compiled by a test")]
static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let compile = |pattern: &str| Regex::new(pattern).expect("a pattern");
    Patterns {
        namespace: compile(NAMESPACE),
        label_key: compile(LABEL_KEY),
        label_value: compile(LABEL_VALUE),
        cause: compile(CAUSE),
    }
});

/// A question to investigate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentRequest {
    /// What is wrong, in a sentence; empty: is anything wrong? Credentials in it are redacted
    /// before it is stored.
    #[schema(max_length = 4096, example = "checkout pods are crashing since the release")]
    description: String,
    /// The namespace that the complaint is about; null: the server's, else all.
    #[serde(default)]
    #[schema(pattern = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", example = "shop")]
    namespace: Option<String>,
    /// How far back events, log lines and changes count; null: the server's, else an hour.
    #[serde(default)]
    #[schema(pattern = "^[1-9][0-9]{0,4}[smhd]$", example = "2h")]
    since: Option<String>,
    /// Labels of the workloads that the complaint is about, where the description names none.
    #[serde(default)]
    #[schema(schema_with = super::openapi::labels)]
    labels: Option<BTreeMap<String, String>>,
}

fn invalid(field: &str, why: impl std::fmt::Display) -> Problem {
    Problem::new(Kind::InvalidRequest, format!("`{field}`: {why}"))
}

fn check_length(field: &str, text: &str, most: usize) -> Result<(), Problem> {
    let length = text.chars().count();
    if length <= most {
        return Ok(());
    }
    Err(invalid(field, format!("it has {length} characters, and may have {most}")))
}

/// Whether a text is a name of a namespace.
pub(crate) fn is_namespace(text: &str) -> bool {
    PATTERNS.namespace.is_match(text)
}

/// Whether a text may be the id of a failure mode.
pub(crate) fn is_cause(text: &str) -> bool {
    PATTERNS.cause.is_match(text)
}

impl IncidentRequest {
    /// The question, checked and redacted.
    pub(crate) fn question(self) -> Result<Question, Problem> {
        let Self { description, namespace, since, labels } = self;
        check_length("description", &description, LONGEST_DESCRIPTION)?;
        if namespace.as_deref().is_some_and(|name| !is_namespace(name)) {
            return Err(invalid("namespace", "write lower case letters, digits and hyphens, at most 63"));
        }
        let since = since.map(|text| text.parse::<Since>()).transpose();
        let since = since.map_err(|error| invalid("since", error))?;
        let labels = labels.unwrap_or_default();
        if labels.len() > MOST_LABELS {
            return Err(invalid("labels", format!("at most {MOST_LABELS}")));
        }
        for (key, value) in &labels {
            if !PATTERNS.label_key.is_match(key) || !PATTERNS.label_value.is_match(value) {
                return Err(invalid("labels", "one is no label as Kubernetes has them"));
            }
        }
        let description = redact::clean(description.trim()).into_owned();
        Ok(Question { description, namespace, since, labels })
    }
}

/// The answer to a question that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The incident's id; its path is in `Location`.
    pub(crate) incident_id: Uuid,
    /// Its status now.
    #[schema(value_type = ApiStatus)]
    pub(crate) status: Status,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    /// The request that brought it; every log line about it has this id.
    pub(crate) request_id: String,
}

impl From<&store::Incident> for Accepted {
    fn from(incident: &store::Incident) -> Self {
        let store::Incident { id, status, created_at, request_id, .. } = incident;
        Self { incident_id: *id, status: *status, created_at: *created_at, request_id: request_id.clone() }
    }
}

/// Where an incident is: `pending` waits, `running` is worked on; `completed` has a report, `failed`
/// an error, `cancelled` neither, and these three never change again.
#[derive(ToSchema)]
#[schema(as = Status, rename_all = "lowercase")]
#[expect(dead_code, reason = "the schema of store::Status, which knows no API")]
pub(crate) enum ApiStatus {
    /// Waits for a worker.
    Pending,
    /// Is being investigated.
    Running,
    /// Has a report.
    Completed,
    /// Could not be investigated.
    Failed,
    /// Was stopped.
    Cancelled,
}

/// An incident with all that is known about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Incident {
    /// Its id.
    id: Uuid,
    /// The description, redacted; empty: is anything wrong?
    description: String,
    /// The namespace that was given; null where none was.
    namespace: Option<String>,
    /// The length of time that was given; null where none was.
    since: Option<String>,
    /// The labels that were given.
    labels: BTreeMap<String, String>,
    /// Where it is in its life.
    #[schema(value_type = ApiStatus)]
    status: Status,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its investigation began; null until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it reached its final state; null until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    /// The request that brought it; every log line about it has this id.
    request_id: String,
    /// How the description was understood: the report's `intent`. Null until completed.
    #[schema(schema_with = super::openapi::intent)]
    extracted_entities: Option<IntentInfo>,
    /// What proves the first hypothesis; empty until completed, and where there is none.
    #[schema(schema_with = super::openapi::evidence)]
    evidence: Vec<EvidenceItem>,
    /// The first hypothesis in two sentences; null until completed, and where there is none.
    suggested_root_cause: Option<String>,
    /// How sure the first hypothesis is; null until completed, and where there is none.
    #[schema(schema_with = super::openapi::level)]
    confidence_score: Option<Level>,
    /// The answer in one word; null until completed.
    #[schema(schema_with = super::openapi::verdict)]
    verdict: Option<Verdict>,
    /// The whole report, as `sre-orch investigate -o json` prints it; null until completed.
    #[schema(schema_with = super::openapi::report)]
    report: Option<Report>,
    /// Why it failed; null unless it did.
    #[schema(schema_with = super::openapi::error)]
    error: Option<IncidentError>,
    /// What people said about it, oldest first; the newest 20 are kept.
    feedback: Vec<Feedback>,
    /// The alerts that it was made of; null where it was made of a description.
    #[schema(schema_with = super::openapi::alert)]
    alert: Option<Alert>,
}

/// Why an investigation failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentError {
    /// A word that never changes its meaning: `namespace-not-found`, `cluster-unreachable`,
    /// `cluster-unauthorized`, `nothing-readable`, `investigation-failed`, `deadline`,
    /// `report-too-large` or `internal`.
    code: String,
    /// What happened and what to try.
    detail: String,
}

/// What a person said about a report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Feedback {
    /// The failure mode that it was after all; null where that was not said.
    confirmed_cause: Option<String>,
    /// In words; null where nothing was said.
    note: Option<String>,
    /// When it was said.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// The alerts that an incident was made of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alert {
    /// Alertmanager's key of the group.
    group_key: String,
    /// How many of its alerts fire, as last told.
    firing: usize,
    /// Notifications so far.
    notifications: u64,
    /// When it was last told.
    #[schema(value_type = String, format = DateTime)]
    last_at: Timestamp,
    /// When it was told that none fires any more; null until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    resolved_at: Option<Timestamp>,
}

impl From<&store::AlertGroup> for Alert {
    fn from(group: &store::AlertGroup) -> Self {
        let store::AlertGroup { key, firing, notifications, last_at, resolved_at } = group.clone();
        Self { group_key: key, firing, notifications, last_at, resolved_at }
    }
}

impl From<&store::Feedback> for Feedback {
    fn from(feedback: &store::Feedback) -> Self {
        let store::Feedback { confirmed_cause, note, at } = feedback.clone();
        Self { confirmed_cause, note, at }
    }
}

impl TryFrom<&store::Incident> for Incident {
    type Error = Problem;

    fn try_from(incident: &store::Incident) -> Result<Self, Problem> {
        let unpacked = incident.report.as_ref().map(store::PackedReport::unpack).transpose();
        let report = unpacked.map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
        let first = report.as_ref().and_then(|report| report.hypotheses.first());
        let question = incident.question.clone();
        Ok(Self {
            id: incident.id,
            description: question.description,
            namespace: question.namespace,
            since: question.since.map(|since| since.to_string()),
            labels: question.labels,
            status: incident.status,
            created_at: incident.created_at,
            started_at: incident.started_at,
            completed_at: incident.completed_at,
            request_id: incident.request_id.clone(),
            extracted_entities: report.as_ref().map(|report| report.intent.clone()),
            evidence: first.map(|first| first.evidence.clone()).unwrap_or_default(),
            suggested_root_cause: first.map(|first| first.summary.clone()),
            confidence_score: first.map(|first| first.confidence.level),
            verdict: report.as_ref().map(|report| report.verdict),
            error: incident
                .error
                .as_ref()
                .map(|error| IncidentError { code: error.code.to_owned(), detail: error.detail.clone() }),
            feedback: incident.feedback.iter().map(Feedback::from).collect(),
            alert: incident.alert.as_ref().map(Alert::from),
            report,
        })
    }
}

/// An incident in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentSummary {
    /// Its id.
    id: Uuid,
    /// The description, redacted.
    description: String,
    /// The namespace that was given; null where none was.
    namespace: Option<String>,
    /// Where it is in its life.
    #[schema(value_type = ApiStatus)]
    status: Status,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its investigation began; null until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it reached its final state; null until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    /// The answer in one word; null until completed.
    #[schema(schema_with = super::openapi::verdict)]
    verdict: Option<Verdict>,
    /// The first hypothesis's failure mode; null until completed, and where there is none.
    cause: Option<String>,
    /// The first hypothesis in two sentences; null until completed, and where there is none.
    suggested_root_cause: Option<String>,
    /// How sure the first hypothesis is; null until completed, and where there is none.
    #[schema(schema_with = super::openapi::level)]
    confidence_score: Option<Level>,
}

impl From<&store::Incident> for IncidentSummary {
    fn from(incident: &store::Incident) -> Self {
        let finding = incident.finding.as_ref();
        Self {
            id: incident.id,
            description: incident.question.description.clone(),
            namespace: incident.question.namespace.clone(),
            status: incident.status,
            created_at: incident.created_at,
            started_at: incident.started_at,
            completed_at: incident.completed_at,
            verdict: finding.map(|finding| finding.verdict),
            cause: finding.and_then(|finding| finding.causes.first().cloned()),
            suggested_root_cause: finding.and_then(|finding| finding.summary.clone()),
            confidence_score: finding.and_then(|finding| finding.confidence),
        }
    }
}

/// A piece of the list of incidents, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentList {
    /// The incidents.
    pub(crate) items: Vec<IncidentSummary>,
    /// What to give as `cursor` for the next piece; null at the end.
    pub(crate) next_cursor: Option<String>,
}

/// Which incidents to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<u32>,
    /// Where to go on: `next_cursor` of the piece before.
    #[param(pattern = "^c[0-9a-f]{32}$")]
    pub(crate) cursor: Option<String>,
    /// Only with this status.
    #[param(value_type = Option<ApiStatus>, inline)]
    pub(crate) status: Option<Status>,
    /// Only asked about, or found in, this namespace.
    #[param(pattern = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
    pub(crate) namespace: Option<String>,
    /// Only with a hypothesis of this failure mode.
    #[param(pattern = "^[a-z0-9][-a-z0-9]{0,99}$")]
    pub(crate) cause: Option<String>,
    /// Only taken at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) created_after: Option<Timestamp>,
    /// Only taken before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) created_before: Option<Timestamp>,
}

/// What a person says about a report: the cause, a note, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedbackRequest {
    /// The failure mode that it was after all, as `sre-orch graph list` names it.
    #[serde(default)]
    #[schema(pattern = "^[a-z0-9][-a-z0-9]{0,99}$", example = "oom-killed")]
    confirmed_cause: Option<String>,
    /// In words. Credentials in it are redacted before it is stored.
    #[serde(default)]
    #[schema(max_length = 4096)]
    note: Option<String>,
}

impl FeedbackRequest {
    /// The feedback, checked and redacted.
    pub(crate) fn feedback(self, at: Timestamp) -> Result<store::Feedback, Problem> {
        let Self { confirmed_cause, note } = self;
        if confirmed_cause.as_deref().is_some_and(|cause| !is_cause(cause)) {
            return Err(invalid("confirmed_cause", "write the id of a failure mode, such as oom-killed"));
        }
        check_length("note", note.as_deref().unwrap_or_default(), LONGEST_NOTE)?;
        let note = note.map(|note| redact::clean(&note).into_owned());
        Ok(store::Feedback { confirmed_cause, note, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(json: serde_json::Value) -> Result<Question, Problem> {
        serde_json::from_value::<IncidentRequest>(json).unwrap().question()
    }

    #[test]
    fn questions_are_checked_and_redacted() {
        let long = "é".repeat(LONGEST_DESCRIPTION);
        assert!(question(serde_json::json!({"description": long})).is_ok());
        for wrong in [
            serde_json::json!({"description": long + "x"}),
            serde_json::json!({"description": "", "namespace": "Not A Name"}),
            serde_json::json!({"description": "", "since": "soon"}),
            serde_json::json!({"description": "", "labels": {"app": "no spaces"}}),
            serde_json::json!({"description": "", "labels": {"": "web"}}),
        ] {
            assert!(question(wrong.clone()).is_err(), "{wrong}");
        }
        let asked =
            question(serde_json::json!({"description": "web fails with password=hunter22 now"})).unwrap();
        assert!(!asked.description.contains("hunter22"), "{}", asked.description);
    }
}
