//! What the description asks: names, symptoms and times, grounded in what is in the cluster.

use crate::cluster::topology::Topology;
use crate::cluster::types::Object;
use crate::cluster::{Kind, ObjectRef};
use crate::report::model::{Ambiguous, IntentInfo, NotFound};
use crate::symptom::Symptom;
use jiff::Timestamp;

/// Shim.
#[derive(Clone, Debug, Default)]
pub struct ParsedIntent {
    /// Words.
    pub words: Vec<String>,
}
/// Shim.
#[derive(Clone, Debug)]
pub struct GroundedObject {
    /// Object.
    pub object: ObjectRef,
    /// Words.
    pub matched: String,
}
/// Shim.
#[derive(Clone, Debug, Default)]
pub struct GroundedIntent {
    /// Objects.
    pub objects: Vec<GroundedObject>,
    /// Namespaces.
    pub namespaces: Vec<String>,
    /// Not found.
    pub not_found: Vec<NotFound>,
    /// Ambiguous.
    pub ambiguous: Vec<Ambiguous>,
    /// Symptoms.
    pub symptoms: Vec<Symptom>,
    /// Nothing.
    pub names_nothing: bool,
}
/// Shim.
pub fn parse(description: &str) -> ParsedIntent {
    ParsedIntent { words: description.split_whitespace().map(str::to_lowercase).collect() }
}
/// Shim.
pub fn ground(
    parsed: &ParsedIntent,
    topology: &Topology<'_>,
    scope: &[String],
    _: Timestamp,
) -> GroundedIntent {
    let mut g = GroundedIntent::default();
    for w in &parsed.words {
        for o in topology
            .state()
            .workloads
            .iter()
            .filter(|o| scope.is_empty() || scope.contains(&o.metadata.namespace))
        {
            if o.metadata.name == *w && o.kind != Kind::ReplicaSet {
                g.objects.push(GroundedObject { object: o.object_ref(), matched: w.clone() });
            }
        }
    }
    g
}
impl GroundedIntent {
    /// Shim.
    pub fn info(&self, _since: &str) -> IntentInfo {
        IntentInfo::default()
    }
}
