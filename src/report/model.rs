//! The report's model, `sre-orch/v1`: what `-o json` prints and REST embeds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::ObjectRef;
use crate::evidence::Source;
use crate::symptom::Symptom;

/// The `apiVersion` of every report.
pub const API_VERSION: &str = "sre-orch/v1";

/// The result of one investigation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `sre-orch/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// Always `Report`.
    pub kind: String,
    /// Unique id of this report (UUID version 7).
    pub id: String,
    /// When the report was made (RFC 3339).
    #[schemars(with = "String")]
    pub generated_at: Timestamp,
    /// The description as typed, redacted; empty where there was none.
    pub description: String,
    /// What made the report.
    pub tool: Tool,
    /// What was investigated.
    pub source: SourceInfo,
    /// How the description was understood.
    pub intent: IntentInfo,
    /// The answer in one word.
    pub verdict: Verdict,
    /// Causes of what was described, most probable first.
    pub hypotheses: Vec<Hypothesis>,
    /// Real faults that do not explain what was described.
    pub other_findings: Vec<Finding>,
    /// Hypotheses and findings that the ignore file lists.
    pub ignored: Vec<Ignored>,
    /// Hygiene findings, only where asked for.
    pub hygiene: Vec<Finding>,
    /// What was looked at.
    pub examined: Examined,
    /// What could not be seen, and what that hides.
    pub blind_spots: Vec<BlindSpot>,
    /// The LLM's explanation of the evidence; null without one.
    pub narrative: Option<String>,
    /// Effort.
    pub stats: Stats,
}

/// The tool and the knowledge graph that made a report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Version of sre-orch.
    pub version: String,
    /// Digest of the merged knowledge graph, `sha256:…`.
    pub graph: String,
}

/// Where the state came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceInfo {
    /// `cluster` or `snapshot`.
    pub r#type: String,
    /// The kubeconfig context, or the snapshot's file name.
    pub context: String,
    /// The API server's version; empty where unknown.
    pub server_version: String,
    /// The time that ages count back from.
    #[schemars(with = "Option<String>")]
    pub captured_at: Option<Timestamp>,
}

/// How the description was understood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntentInfo {
    /// `builtin`, `llm` or `merged`.
    pub parser: String,
    /// Which of the fields below the LLM gave, by its name; absent where it gave none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given_by: BTreeMap<String, String>,
    /// Names that the LLM gave and nothing in the cluster has; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// Namespaces the complaint is about; empty: all.
    pub namespaces: Vec<String>,
    /// Objects the description names, as found in the cluster.
    pub objects: Vec<IntentObject>,
    /// Names that nothing in the cluster has.
    pub not_found: Vec<NotFound>,
    /// Names that several objects have; all are investigated.
    pub ambiguous: Vec<Ambiguous>,
    /// Symptoms the description mentions.
    pub symptoms: Vec<Symptom>,
    /// How far back events, logs and changes count (ISO 8601 duration).
    pub since: String,
}

/// An object the description names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntentObject {
    /// Kind.
    pub kind: String,
    /// Namespace; null for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// The words of the description that named it.
    pub matched: String,
}

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotFound {
    /// The name as typed.
    pub text: String,
    /// The closest names that exist, best first.
    pub closest: Vec<String>,
}

/// A name that several objects have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ambiguous {
    /// The name as typed.
    pub text: String,
    /// The objects that have it.
    pub matches: Vec<ObjectRef>,
}

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The first hypothesis is medium or high.
    RootCause,
    /// What the description points at was read and is as desired.
    NoFault,
    /// Neither.
    Inconclusive,
}

/// Levels of confidence, ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// 0.20 to 0.60.
    Low,
    /// 0.60 to 0.90.
    Medium,
    /// 0.90 and more.
    High,
}

impl Level {
    /// The level of a score; none below 0.20, where it is no hypothesis.
    pub fn of(score: f64) -> Option<Self> {
        match score {
            score if score >= 0.90 => Some(Self::High),
            score if score >= 0.60 => Some(Self::Medium),
            score if score >= 0.20 => Some(Self::Low),
            _ => None,
        }
    }

    /// The level's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The calibrated probability that a hypothesis is the cause of what was described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Confidence {
    /// The score's level.
    pub level: Level,
    /// 0 to 1.
    pub score: f64,
    /// What raised and what capped it.
    pub why: String,
}

/// A cause of what was described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hypothesis {
    /// The failure mode's id.
    pub cause: String,
    /// The failure mode's title.
    pub title: String,
    /// The failure mode's category.
    pub category: String,
    /// The object a person changes first.
    pub object: ObjectRef,
    /// How sure.
    pub confidence: Confidence,
    /// Two sentences: the object, the number, the time.
    pub summary: String,
    /// From the root to the symptom described.
    pub chain: Vec<Link>,
    /// What proves it.
    pub evidence: Vec<EvidenceItem>,
    /// What changed before it began.
    pub changes: Vec<Change>,
    /// What to do.
    pub remediation: Vec<Step>,
    /// What to look at to be sure.
    pub checks: Vec<Step>,
}

/// One link of a causal chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// The object this link is about.
    pub object: ObjectRef,
    /// What was found on it.
    pub finding: String,
    /// Ids of the evidence for it.
    pub evidence: Vec<String>,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceItem {
    /// Unique in the report, such as `e1`.
    pub id: String,
    /// What kind of observation this is.
    pub source: Source,
    /// The object it was made on.
    pub object: ObjectRef,
    /// The field's path or the log's name.
    pub path: String,
    /// The value found.
    pub value: String,
    /// A message or log line, redacted.
    pub excerpt: String,
    /// When.
    #[schemars(with = "Option<String>")]
    pub time: Option<Timestamp>,
    /// How often.
    pub count: i64,
}

/// A change that may have started it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The object that changed.
    pub object: ObjectRef,
    /// When.
    #[schemars(with = "Option<String>")]
    pub when: Option<Timestamp>,
    /// What changed, such as `image 1.4.1 → 1.4.2`.
    pub what: String,
}

/// Something to do or to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// In words.
    pub text: String,
    /// As a command; null where there is none.
    pub command: Option<String>,
}

/// A fault in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The failure mode's id.
    pub cause: String,
    /// The object a person changes first.
    pub object: ObjectRef,
    /// How sure that it is real.
    pub confidence: Confidence,
    /// Two sentences.
    pub summary: String,
}

/// A fault that the ignore file lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ignored {
    /// The failure mode's id.
    pub cause: String,
    /// The object a person changes first.
    pub object: ObjectRef,
    /// How sure.
    pub confidence: Confidence,
    /// Two sentences.
    pub summary: String,
    /// Why it is ignored.
    pub reason: String,
    /// The last day it is ignored (ISO 8601); null: until the entry is removed.
    pub expires: Option<String>,
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Examined {
    /// Namespaces that were read; empty: all.
    pub namespaces: Vec<String>,
    /// How many objects, by plural name.
    pub counts: BTreeMap<String, usize>,
}

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlindSpot {
    /// What was not read.
    pub what: String,
    /// Why.
    pub why: String,
    /// What cannot be told without it.
    pub effect: String,
    /// The smallest RBAC rule that would remove it; null where RBAC is not the reason.
    pub rbac: Option<RbacRule>,
}

/// A rule of a Role or ClusterRole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RbacRule {
    /// API groups; the empty string is the core group.
    #[serde(rename = "apiGroups")]
    pub api_groups: Vec<String>,
    /// Resources, such as `pods/log`.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
    /// The namespace a Role would need; null: a ClusterRole.
    pub namespace: Option<String>,
}

/// Effort of one investigation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Milliseconds by phase.
    pub phases_ms: BTreeMap<String, u64>,
    /// Requests to the API server or snapshot.
    pub api_requests: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Objects decoded.
    pub objects: u64,
    /// Bytes of logs read.
    pub log_bytes: u64,
    /// LLM use; null without one.
    pub llm: Option<LlmStats>,
}

/// LLM use of one investigation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LlmStats {
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Calls made.
    pub calls: u64,
    /// Tokens in and out, as the provider counts them.
    pub tokens: u64,
    /// Milliseconds spent waiting.
    pub ms: u64,
    /// Why it could not help; absent where it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
