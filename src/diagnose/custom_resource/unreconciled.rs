//! Custom resources that no controller acts on.

use std::collections::BTreeMap;

use super::{AT_WORK, age, dangling, is_idle};
use crate::cluster::custom::Resource;
use crate::cluster::types::{CustomResource, Object};
use crate::cluster::{ClusterState, Kind, ObjectRef};
use crate::diagnose::{Context, Fact, Facts};
use crate::evidence::Evidence;

/// States the first resource of every kind that its controller leaves alone.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    let mut found: BTreeMap<(Kind, &str), Vec<&CustomResource>> = BTreeMap::new();
    for resource in &context.state.custom_resources {
        if let Some(by) = left_alone(context, resource) {
            found.entry((resource.kind.clone(), by)).or_default().push(resource);
        }
    }
    for ((kind, by), resources) in found {
        let (Some(first), Some(known)) = (resources.first(), kind.custom()) else { continue };
        let object = first.object_ref();
        let evidence = match first.observed_generation {
            Some(seen) => Evidence::status(object.clone(), "status.observedGeneration", seen.to_string())
                .excerpt(format!("metadata.generation: {}", first.metadata.generation.unwrap_or_default())),
            None => Evidence::absence(object.clone(), "it has no status"),
        };
        let mut fact = Fact::new("custom.unreconciled", object)
            .param("kind", kind.to_string())
            .param("family", known.family)
            .param("by", by)
            .param("count", resources.len())
            .evidence([evidence]);
        if let Some(controller) = controller(context.state, known, &first.status_manager) {
            fact = fact.param("controller", controller.to_string()).object("dependency", controller);
        }
        facts.add(fact);
    }
}

/// How a controller leaves a resource alone, where it has done so for long.
fn left_alone(context: &Context<'_>, resource: &CustomResource) -> Option<&'static str> {
    let speaks = resource.kind.custom().is_some_and(|known| !known.good.is_empty());
    if !speaks || is_idle(resource) || dangling(context, resource).is_some() {
        return None;
    }
    if !resource.has_status {
        return (age(context, resource.metadata.creation_timestamp) > AT_WORK).then_some("never");
    }
    let behind = resource.observed_generation? < resource.metadata.generation?;
    let written = resource.metadata.last_write()?.time;
    (behind && age(context, written) > AT_WORK).then_some("behind")
}

/// The workload that acts on a kind: named as usual, perhaps after a release, or as the writer of a status.
fn controller(state: &ClusterState, known: &Resource, manager: &str) -> Option<ObjectRef> {
    let is_named = |name: &str, wanted: &str| {
        !wanted.is_empty()
            && name.strip_suffix(wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
    };
    let editable = || state.workloads.iter().filter(|workload| workload.metadata.owner_references.is_empty());
    let found = editable().find(|workload| is_named(&workload.metadata.name, known.controller));
    found.or_else(|| editable().find(|workload| workload.metadata.name == manager)).map(Object::object_ref)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::diagnose::test_state::{facts_of, state};

    fn certificate(created: &str, more: Value) -> Value {
        let mut object = more;
        object["kind"] = "Certificate".into();
        object["metadata"]["name"] = "web".into();
        object["metadata"]["creationTimestamp"] = created.into();
        object
    }

    fn by(object: Value) -> Option<String> {
        let controller =
            json!({"kind": "Deployment", "metadata": {"name": "prod-cert-manager"}, "spec": {"replicas": 1}});
        let facts = facts_of(super::super::run, &state(&[object, controller]));
        let fact = facts.named("custom.unreconciled").next()?;
        assert_eq!(fact.refs["dependency"].to_string(), "Deployment shop/prod-cert-manager");
        Some(fact.text("by").to_owned())
    }

    #[test]
    fn a_resource_without_a_status_for_long_was_never_seen() {
        assert_eq!(by(certificate("2026-03-01T11:00:00Z", json!({}))).as_deref(), Some("never"));
        assert_eq!(by(certificate("2026-03-01T11:59:00Z", json!({}))), None);
    }

    #[test]
    fn a_status_of_an_older_generation_is_behind() {
        let written = |time: &str, seen: i64| {
            certificate(
                "2026-02-01T11:00:00Z",
                json!({
                "metadata": {"generation": 3, "managedFields": [{"manager": "kubectl", "time": time}]},
                "status": {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": seen}]}}),
            )
        };
        assert_eq!(by(written("2026-03-01T11:00:00Z", 2)).as_deref(), Some("behind"));
        assert_eq!(by(written("2026-03-01T11:58:00Z", 2)), None);
        assert_eq!(by(written("2026-03-01T11:00:00Z", 3)), None);
    }
}
