//! What a failure mode looks like in YAML. One failure mode a file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::symptom::Symptom;

/// What a failure mode can be in a causal chain.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A mechanism that a person can change.
    #[default]
    Cause,
    /// A symptom with a name: yields to a known mechanism beneath it.
    Effect,
    /// Bad practice: never explains anything, shown only where asked for.
    Hygiene,
}

impl Role {
    /// The role's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Effect => "effect",
            Self::Hygiene => "hygiene",
        }
    }
}

/// How strongly the facts prove the failure mode.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// Fits, but other causes would look the same.
    Suggestive,
    /// Follows from several objects taken together, or from a log line.
    #[default]
    Computed,
    /// A component of the cluster states it, or nothing else could look so.
    Decisive,
}

/// A failure mode: which facts mean what, what it explains, and what to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FailureMode {
    /// Kebab-case id of the mechanism, never of a product or object.
    pub id: String,
    /// One line, as a heading.
    pub title: String,
    /// The directory it is in, such as `scheduling`.
    pub category: String,
    /// Lines of the failure-condition taxonomy that it covers, such as `C02`.
    #[serde(default)]
    pub taxonomy: Vec<String>,
    /// What it can be in a causal chain.
    #[serde(default)]
    pub role: Role,
    /// Kinds whose objects `when.cel` is tried on where `when` names no fact.
    #[serde(default)]
    pub entity: Vec<String>,
    /// When it holds.
    pub when: When,
    /// Symptoms of the subject (and of what the fact affects) that it accounts for.
    #[serde(default)]
    pub explains: Vec<Symptom>,
    /// A symptom that the facts themselves show, which no general anomaly would.
    #[serde(default)]
    pub manifests: Option<Symptom>,
    /// How strongly the facts prove it. A fact's own `certainty` can only lower this.
    #[serde(default)]
    pub proof: Proof,
    /// Which object to change first: names of the fact's objects, or `subject`; the first present counts.
    #[serde(default)]
    pub blame: Vec<String>,
    /// Facts about the subject that raise confidence.
    #[serde(default)]
    pub supports: Vec<Match>,
    /// Facts about the subject that lower confidence.
    #[serde(default)]
    pub contradicts: Vec<Match>,
    /// Ids of failure modes that, on the same subject, say the same more precisely.
    #[serde(default)]
    pub yields_to: Vec<String>,
    /// What templates say instead of a parameter's value: `words: {by: {deadline: "it took too long"}}`.
    #[serde(default)]
    pub words: BTreeMap<String, BTreeMap<String, String>>,
    /// Two sentences a tired person understands. `{{name}}` inserts a parameter, `[[…]]` is left
    /// out where a parameter inside is absent.
    pub summary: String,
    /// What to do.
    #[serde(default)]
    pub remediation: Vec<StepTemplate>,
    /// What to look at to be sure.
    #[serde(default)]
    pub checks: Vec<StepTemplate>,
    /// Where it is documented.
    #[serde(default)]
    pub references: Vec<String>,
    /// Inline tests: at least one where it must be found, one where it must not.
    #[serde(default)]
    pub tests: Vec<InlineTest>,
}

/// A condition over facts about one subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct When {
    /// All must match facts about the same subject; the first supplies the templates' values.
    #[serde(default)]
    pub all: Vec<Match>,
    /// At least one must match, where any is given.
    #[serde(default)]
    pub any: Vec<Match>,
    /// None may match.
    #[serde(default)]
    pub none: Vec<Match>,
    /// Parameters that must be equal in every matched fact, such as `container`.
    #[serde(default)]
    pub join: Vec<String>,
    /// A CEL expression over `object`, `fact` and `now` that must be true as well.
    #[serde(default)]
    pub cel: String,
}

/// One fact, by name and parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The fact's name, such as `image.pull`.
    pub fact: String,
    /// Parameters: a value, a list of alternatives, or `{not, gt, lt, exists, matches}`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Value>")]
    pub r#where: BTreeMap<String, Value>,
}

/// A step with templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepTemplate {
    /// In words.
    pub text: String,
    /// As a command.
    #[serde(default)]
    pub command: Option<String>,
}

/// A test of a failure mode: a small cluster, and what must be found in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InlineTest {
    /// What the case is.
    pub name: String,
    /// The description to investigate; empty: "is anything wrong?".
    #[serde(default)]
    pub description: String,
    /// Objects as Kubernetes spells them; `name`, `namespace`, `labels`, `of` (owner) and `age`
    /// may stand at the top. A ready node, the namespace `shop` and its default ServiceAccount exist.
    #[serde(default)]
    pub objects: Vec<BTreeMap<String, Value>>,
    /// Events.
    #[serde(default)]
    pub events: Vec<TestEvent>,
    /// Logs by `pod/container`, or `pod/container/previous`.
    #[serde(default)]
    pub logs: BTreeMap<String, String>,
    /// Alerts as Alertmanager's API v2 sends them.
    #[serde(default)]
    pub alerts: Vec<BTreeMap<String, Value>>,
    /// Kinds that could not be read.
    #[serde(default)]
    pub unread: Vec<String>,
    /// Whether this failure mode must not be found.
    #[serde(default)]
    pub near_miss: bool,
    /// What must be found first; the id is this failure mode's unless given.
    #[serde(default)]
    pub expect: Expectation,
}

/// An event of an inline test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestEvent {
    /// The object it is about: `Pod/web-1`.
    pub on: String,
    /// Reason.
    pub reason: String,
    /// Message.
    #[serde(default)]
    pub message: String,
    /// `Warning` unless given.
    #[serde(default)]
    pub r#type: Option<String>,
    /// How often.
    #[serde(default)]
    pub count: Option<i64>,
    /// Seconds before the capture that it was last seen; 30 unless given.
    #[serde(default)]
    pub age: Option<i64>,
    /// The container that it is about.
    #[serde(default)]
    pub container: Option<String>,
}

/// What a test expects of the first hypothesis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The cause's id; `none` in a file of cases: nothing of medium confidence may be found.
    #[serde(default)]
    pub cause: Option<String>,
    /// The blamed object: `Deployment/web`, `Node/node-1`.
    #[serde(default)]
    pub object: Option<String>,
    /// The level of confidence.
    #[serde(default)]
    pub level: Option<String>,
    /// Further causes of at least medium confidence, where several faults hold at once.
    #[serde(default)]
    pub also: Vec<String>,
}

/// A file that states a team's own services and what they depend on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ComponentFile {
    /// The components.
    pub components: Vec<Component>,
}

/// One service of a team.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Component {
    /// The workload: `Deployment/shop/checkout`.
    pub name: String,
    /// What it calls: `Service/shop/payments`, `Deployment/…`.
    #[serde(default)]
    pub depends_on: Vec<String>,
}
