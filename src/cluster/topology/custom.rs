//! Relations that custom resources state: what they refer to, own, and deploy.

use super::{Edge, Relation, Topology};
use crate::cluster::ClusterState;
use crate::cluster::object::{Kind, ObjectRef};
use crate::cluster::types::*;

/// Labels under which deployers write which object of theirs made another: kind, name, namespace.
const MADE_BY: &[(&str, &str, &str)] = &[
    ("Kustomization", "kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace"),
    ("HelmRelease", "helm.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/namespace"),
];

/// Every relation that custom resources state, unordered.
pub(super) fn edges(topology: &Topology<'_>) -> Vec<Edge> {
    let state = topology.state();
    if state.custom_resources.is_empty() {
        return Vec::new();
    }
    let mut edges = Vec::new();
    for resource in &state.custom_resources {
        let from = resource.object_ref();
        for reference in &resource.references {
            let relation = match (reference.field, &reference.object.kind) {
                ("spec.rules[].backendRefs", _) => Relation::Routes,
                ("spec.scaleTargetRef", _) => Relation::Scales,
                _ => Relation::References,
            };
            let (to, stated_in) = (reference.object.clone(), reference.field.into());
            edges.push(Edge { from: from.clone(), to, relation, stated_in });
        }
        let parts = resource.parts.iter().filter(|part| part.kind != Kind::Pod).cloned();
        let made = makers(state, &resource.metadata).into_iter().map(|maker| (maker, from.clone()));
        for (from, to) in parts.map(|part| (from.clone(), part)).chain(made) {
            edges.push(Edge { from, to, relation: Relation::Owns, stated_in: Text::default() });
        }
    }
    for workload in &state.workloads {
        let to = workload.object_ref();
        for from in makers(state, &workload.metadata) {
            edges.push(Edge { from, to: to.clone(), relation: Relation::Owns, stated_in: Text::default() });
        }
    }
    edges
}

/// The custom resources that made an object, by its owner references and labels.
fn makers(state: &ClusterState, meta: &Meta) -> Vec<ObjectRef> {
    let owners = meta.owner_references.iter().map(|owner| {
        let kind = Kind::from(owner.kind.as_str());
        let namespace = if kind.namespaced() { meta.namespace.as_str() } else { "" };
        ObjectRef::new(kind, namespace, &owner.name)
    });
    let labelled = MADE_BY.iter().filter_map(|(kind, name, namespace)| {
        let namespace = meta.labels.get(*namespace)?;
        Some(ObjectRef::new(Kind::from(*kind), namespace, meta.labels.get(*name)?))
    });
    owners.chain(labelled).filter(|maker| state.custom_resource(maker).is_some()).collect()
}

/// What a custom resource made, of what was read.
pub fn managed_by<'t>(topology: &'t Topology<'_>, object: &ObjectRef) -> impl Iterator<Item = &'t ObjectRef> {
    topology.from(object).filter(|edge| edge.relation == Relation::Owns).map(|edge| &edge.to)
}
