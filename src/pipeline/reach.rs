//! What a complaint leads to beyond the chosen namespaces: the calls of the workloads it is about, and of
//! those that they call.
//!
//! `-n` says where the complaint is; it is no wall.

use std::collections::BTreeSet;

use crate::agent::{self, Collector, Want};
use crate::cluster::address::{self, Target};
use crate::cluster::topology::{Relation, Topology};
use crate::cluster::types::{Health, Object};
use crate::cluster::{ClusterState, Kind, ObjectRef, Truth};
use crate::correlate::Focus;
use crate::logs::LogIndex;

/// Kinds that tell whether a Service of another namespace works.
const BACKEND: [Kind; 11] = [
    Kind::Service,
    Kind::NetworkPolicy,
    Kind::EndpointSlice,
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Event,
    Kind::PersistentVolumeClaim,
    Kind::ResourceQuota,
];
/// Most namespaces beyond the chosen ones that are read.
pub(super) const MAX_NAMESPACES: usize = 8;
/// Most calls followed, one after the other.
const MAX_HOPS: usize = 4;
/// Most workloads whose logs and ConfigMaps are read for it.
const MAX_WORKLOADS: usize = 40;

/// What the chosen namespaces lead to: namespaces that what is named calls, and those of the webhooks
/// that refuse their objects.
pub(super) fn related(topology: &Topology<'_>, chosen: &[String], focus: &Focus) -> Vec<Want> {
    if chosen.is_empty() {
        return Vec::new();
    }
    let webhooks =
        topology.state().events.iter().any(|event| event.is_warning() && event.message.contains("webhook"));
    let leads =
        |relation: Relation| relation == Relation::Calls || (webhooks && relation == Relation::Admits);
    let edges = topology.edges().iter().filter(|edge| {
        leads(edge.relation) || (edge.relation == Relation::Routes && edge.from.kind.custom().is_some())
    });
    // What a custom resource that is not well, or that steers requests, is about.
    let custom = topology.state().custom_resources.iter().filter(|resource| {
        !resource.destinations.is_empty()
            || resource.worst().is_some_and(|worst| worst.health >= Health::Slow)
    });
    let named = focus.closure(topology);
    let called = Reach::from(topology, named.iter().cloned()).unread;
    let namespaces: BTreeSet<&str> = edges
        .map(|edge| edge.to.ns())
        .chain(custom.map(|resource| resource.metadata.namespace.as_str()))
        .chain(called.iter().map(String::as_str))
        .filter(|namespace| !namespace.is_empty() && !chosen.iter().any(|own| own == namespace))
        .collect();
    backends(namespaces.into_iter())
}

/// Reads, call by call, what the workloads of a complaint lead to where it lies in some namespaces
/// only: whether what they call works, and what that logs.
pub(super) async fn follow(collector: &mut Collector, chosen: &[String], focus: &Focus) {
    if chosen.is_empty() && focus.namespaces.is_empty() {
        // All logs are read then.
        return;
    }
    follow_calls(collector, focus, &[]).await;
    if chosen.is_empty() {
        return;
    }
    let told = told(collector.state(), chosen);
    if !told.is_empty() {
        let namespaces: BTreeSet<&str> = told.iter().map(ObjectRef::ns).collect();
        let wants = backends(namespaces.into_iter());
        collector.read(&wants).await;
        follow_calls(collector, focus, &told).await;
    }
}

async fn follow_calls(collector: &mut Collector, focus: &Focus, services: &[ObjectRef]) {
    let mut before = Vec::new();
    for _ in 0..MAX_HOPS {
        let wants = called(collector.state(), focus, services);
        if wants == before {
            return;
        }
        collector.read(&wants).await;
        before = wants;
    }
}

/// What to read of the workloads that calls lead to, as far as it is known yet.
fn called(state: &ClusterState, focus: &Focus, services: &[ObjectRef]) -> Vec<Want> {
    let topology = Topology::new(state);
    let mut start = focus.closure(&topology);
    if !focus.names_something() {
        let workloads = state.workloads.iter().map(Object::object_ref);
        start.extend(workloads.filter(|workload| focus.in_scope(workload)));
    }
    start.extend(services.iter().cloned());
    let reach = Reach::from(&topology, start.into_iter());
    let mut wants = backends(reach.unread.iter().map(String::as_str));
    wants.extend(agent::log_wants(state, &reach.workloads));
    wants.extend(agent::config_wants(state, &reach.workloads));
    wants
}

/// The Services of other namespaces that logs say cannot be reached.
fn told(state: &ClusterState, chosen: &[String]) -> Vec<ObjectRef> {
    let logs = LogIndex::new(state, &Topology::new(state), None);
    let hosts = logs.iter().filter_map(|finding| finding.target.as_ref()).map(|target| target.host.as_str());
    let named: BTreeSet<ObjectRef> = hosts
        .filter_map(address::namespaced)
        .filter(|(_, namespace)| !chosen.iter().any(|own| own == namespace))
        .filter(|(_, namespace)| state.namespaces.get("", namespace).is_some())
        .map(|(name, namespace)| ObjectRef::new(Kind::Service, namespace, name))
        .collect();
    named.into_iter().collect()
}

/// What tells whether the Services of some namespaces work.
fn backends<'n>(namespaces: impl Iterator<Item = &'n str>) -> Vec<Want> {
    let kinds = |namespace: &str| {
        let namespace = namespace.to_owned();
        BACKEND.iter().map(move |kind| Want::Kind { kind: kind.clone(), namespace: Some(namespace.clone()) })
    };
    namespaces.take(MAX_NAMESPACES).flat_map(kinds).collect()
}

/// What calls lead to from some objects.
struct Reach {
    /// Workloads that are called, nearest first.
    workloads: Vec<ObjectRef>,
    /// Namespaces that are called and were not read.
    unread: BTreeSet<String>,
}

impl Reach {
    fn from(topology: &Topology<'_>, start: impl Iterator<Item = ObjectRef>) -> Self {
        let mut seen: BTreeSet<ObjectRef> = BTreeSet::new();
        let mut reach = Self { workloads: Vec::new(), unread: BTreeSet::new() };
        let mut front: Vec<ObjectRef> = start.collect();
        // A Service and the workload behind it are two steps.
        for _ in 0..=2 * MAX_HOPS {
            let mut next = Vec::new();
            for object in front {
                if seen.len() >= MAX_WORKLOADS * 4 || !seen.insert(object.clone()) {
                    continue;
                }
                let leads = |relation: Relation| {
                    matches!(relation, Relation::Calls | Relation::Routes | Relation::Selects)
                };
                next.extend(
                    topology.from(&object).filter(|edge| leads(edge.relation)).map(|edge| edge.to.clone()),
                );
                reach.unread.extend(unread(topology, &object));
                if (object.kind.is_workload() || object.kind == Kind::Pod)
                    && reach.workloads.len() < MAX_WORKLOADS
                {
                    reach.workloads.push(object);
                }
            }
            front = next;
        }
        reach
    }
}

/// Namespaces that exist and are called by an object, and whose Services were not read.
fn unread(topology: &Topology<'_>, caller: &ObjectRef) -> BTreeSet<String> {
    let state = topology.state();
    topology
        .calls_of(caller)
        .filter(|call| call.target == Target::Unknown)
        .filter_map(|call| address::namespaced(&call.address.host))
        .map(|(_, namespace)| namespace)
        .filter(|namespace| state.exists(&Kind::Namespace, "", namespace) == Truth::True)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add_app(state: &mut ClusterState, namespace: &str, name: &str, calls: &str) {
        let deployment = format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}"}},"spec":{{"selector":{{"matchLabels":{{"app":"{name}"}}}},"template":{{"metadata":{{"labels":{{"app":"{name}"}}}},"spec":{{"containers":[{{"name":"app","env":[{{"name":"URL","value":"{calls}"}}]}}]}}}}}}}}"#
        );
        let service = format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}"}},"spec":{{"selector":{{"app":"{name}"}},"ports":[{{"port":80}}]}}}}"#
        );
        state.add_json(&Kind::Deployment, &deployment).unwrap();
        state.add_json(&Kind::Service, &service).unwrap();
        state.coverage.entry(Kind::Service).or_default().namespaces.insert(namespace.to_owned());
        state.finish();
    }

    fn reach(state: &ClusterState) -> (Vec<String>, Vec<String>) {
        let start = ObjectRef::new(Kind::Deployment, "front", "web");
        let found = Reach::from(&Topology::new(state), std::iter::once(start));
        let names = found.workloads.iter().map(|workload| workload.name.to_string()).collect();
        (names, found.unread.into_iter().collect())
    }

    #[test]
    fn calls_are_followed_from_namespace_to_namespace() {
        let mut state = ClusterState::default();
        for namespace in ["front", "middle", "back", "aside"] {
            let json = format!(r#"{{"metadata":{{"name":"{namespace}"}}}}"#);
            state.add_json(&Kind::Namespace, &json).unwrap();
        }
        add_app(&mut state, "front", "web", "http://orders.middle:80");
        add_app(&mut state, "front", "other", "http://thing.aside:80");
        assert_eq!(reach(&state), (vec!["web".to_owned()], vec!["middle".to_owned()]));
        add_app(&mut state, "middle", "orders", "http://stock.back.svc.cluster.local, http://shop.io:80");
        let expected = vec!["web".to_owned(), "orders".to_owned()];
        assert_eq!(reach(&state), (expected, vec!["back".to_owned()]));
    }
}
