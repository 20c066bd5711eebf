//! What to read for a complaint beyond the inventory: whose logs, configuration and usage may tell why.

use std::collections::BTreeSet;

use super::{Analysis, Request, reach};
use crate::agent::{self, Want};
use crate::cluster::address::Target;
use crate::cluster::topology::{Relation, Topology};
use crate::cluster::types::{ContainerStatus, LimitRange, Object, Pod, PolicyRule, Text, Workload};
use crate::cluster::{ClusterState, Kind, ObjectRef};
use crate::correlate::Focus;
use crate::report::model::Hypothesis;

/// Logs of what looks wrong, of what the description names, and of what that calls; and the
/// ConfigMaps that these use.
pub(super) fn first_logs(topology: &Topology<'_>, focus: &Focus, request: &Request) -> Vec<Want> {
    let state = topology.state();
    let mut wants = agent::suspect_logs(state, &focus.namespaces);
    let mut workloads: BTreeSet<ObjectRef> = focus.closure(topology);
    for object in workloads.clone() {
        for edge in topology
            .from(&object)
            .filter(|edge| matches!(edge.relation, Relation::Calls | Relation::Routes | Relation::Selects))
        {
            workloads.insert(edge.to.clone());
            workloads.extend(topology.workloads_behind(&edge.to).cloned());
        }
    }
    workloads.extend(callers_in_doubt(state, topology, focus));
    workloads.extend(makers(state));
    // One component of the control plane fails for another.
    let components = control_plane(state);
    if components.iter().any(|component| workloads.contains(component)) {
        workloads.extend(components);
    }
    let named: Vec<ObjectRef> = workloads.into_iter().collect();
    wants.extend(agent::log_wants(state, &named));
    wants.extend(agent::suspect_logs(state, &[SYSTEM.to_owned()]));
    let mut readers = named;
    readers.extend(in_scope(state, focus, request));
    wants.extend(agent::config_wants(state, &readers));
    wants
}

/// Most workloads whose logs are read because of what they are configured to call.
const MAX_DOUBTFUL: usize = 20;

/// Workloads configured to call a name that no Service has, one that stands for another name, or
/// one with nothing behind it: whether they fail for it, only their logs say.
fn callers_in_doubt(state: &ClusterState, topology: &Topology<'_>, focus: &Focus) -> BTreeSet<ObjectRef> {
    let doubtful = |target: &Target| match target {
        Target::Missing(_) => true,
        Target::Service(service) => {
            topology.workloads_behind(service).next().is_none()
                && state.services.get(service.ns(), &service.name).is_some_and(|service| {
                    service.spec.r#type == "ExternalName" || !service.spec.selector.is_empty()
                })
        }
        Target::Pod(_) | Target::External | Target::Loopback | Target::Unknown => false,
    };
    let callers = topology.calls().iter().filter(|call| doubtful(&call.target)).map(|call| &call.caller);
    callers.filter(|caller| focus.in_scope(caller)).take(MAX_DOUBTFUL).cloned().collect()
}

/// Most workloads whose logs are read because they make Secrets and ConfigMaps.
const MAX_MAKERS: usize = 10;

/// Workloads that may make the Secrets and ConfigMaps which pods miss: those whose service accounts may
/// write such objects. Why they did not, only their logs say.
fn makers(state: &ClusterState) -> Vec<ObjectRef> {
    let told = |message: &str| {
        let message = message.to_ascii_lowercase();
        (message.contains("secret \"") || message.contains("configmap \"")) && message.contains("not found")
    };
    let waits =
        |status: &ContainerStatus| status.state.waiting.as_ref().is_some_and(|one| told(&one.message));
    let missed = state.pods.iter().any(|pod| pod.status.all_containers().any(waits))
        || state.events.iter().any(|event| event.reason == "FailedMount" && told(&event.message));
    if !missed {
        return Vec::new();
    }
    let writes = |rule: &PolicyRule| {
        let has = |list: &[Text], wanted: &[&str]| list.iter().any(|one| wanted.contains(&one.as_str()));
        has(&rule.verbs, &["*", "create", "update", "patch"])
            && has(&rule.resources, &["*", "secrets", "configmaps"])
    };
    let roles: BTreeSet<ObjectRef> = state
        .roles
        .iter()
        .filter(|role| role.body.rules.iter().any(writes))
        .map(Object::object_ref)
        .collect();
    let accounts: BTreeSet<(&str, &str)> = state
        .role_bindings
        .iter()
        .filter(|binding| {
            let role = &binding.body.role_ref;
            let kind = Kind::from(role.kind.as_str());
            let namespace = if kind == Kind::Role { binding.meta().namespace.as_str() } else { "" };
            roles.contains(&ObjectRef::new(kind, namespace, &role.name))
        })
        .flat_map(|binding| &binding.body.subjects)
        .filter(|subject| subject.kind == "ServiceAccount" && subject.namespace != "kube-system")
        .map(|subject| (subject.namespace.as_str(), subject.name.as_str()))
        .collect();
    let runs_as = |workload: &&Workload| {
        let account = workload.template().spec.service_account();
        workload.kind != Kind::ReplicaSet
            && accounts.contains(&(workload.metadata.namespace.as_str(), account))
    };
    state.workloads.iter().filter(runs_as).take(MAX_MAKERS).map(Object::object_ref).collect()
}

/// Most gateways beyond the complaint's namespaces that are read.
const MAX_GATEWAYS: usize = 10;

/// Route tables and logs of gateways elsewhere: who is in front of what the complaint is about, only
/// their own configuration says.
pub(super) fn gateways(state: &ClusterState, focus: &Focus) -> Vec<Want> {
    const NAMES: [&str; 6] = ["gateway", "proxy", "edge", "router", "ingress", "nginx"];
    let elsewhere = state.workloads.iter().filter(|workload| {
        let meta = &workload.metadata;
        let named = meta.name.split('-').any(|part| NAMES.contains(&part));
        named
            && meta.controller().is_none()
            && meta.namespace != SYSTEM
            && !focus.in_scope(&workload.object_ref())
    });
    let found: Vec<ObjectRef> = elsewhere.map(Object::object_ref).take(MAX_GATEWAYS).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let mut wants = agent::config_wants(state, &found);
    wants.extend(agent::log_wants(state, &found));
    wants
}

/// What containers use, in namespaces that give them a limit on CPU which nobody stated: whether
/// that slows them down, only measuring tells.
pub(super) fn usage(state: &ClusterState) -> Vec<Want> {
    let gives = |range: &&LimitRange| {
        range.spec.limits.iter().any(|item| item.default.get("cpu").or(item.max.get("cpu")).is_some())
    };
    let namespaces: BTreeSet<&str> =
        state.limit_ranges.iter().filter(gives).map(|range| range.metadata.namespace.as_str()).collect();
    namespaces
        .into_iter()
        .take(reach::MAX_NAMESPACES)
        .map(|namespace| Want::Kind { kind: Kind::PodMetrics, namespace: Some(namespace.to_owned()) })
        .collect()
}

/// Logs of everything in focus, of the cluster's DNS, and of the control plane where it is visible.
pub(super) fn more_logs(state: &ClusterState, focus: &Focus) -> Vec<Want> {
    let mut wants = agent::namespace_logs(state, &focus.namespaces);
    let dns: Vec<ObjectRef> = state
        .workloads
        .in_namespace(SYSTEM)
        .iter()
        .filter(|workload| workload.metadata.labels.get("k8s-app").is_some_and(|app| app == "kube-dns"))
        .map(Object::object_ref)
        .collect();
    wants.extend(agent::log_wants(state, &dns));
    wants.extend(agent::log_wants(state, &control_plane(state)));
    wants
}

/// Most workloads whose logs are read because a word of the description, or what it means,
/// is in their names.
const MAX_ECHOING: usize = 10;

/// Workloads that a description which names none may mean by its words, where the cause that was
/// found is of another: what runs and fails shows in logs alone.
pub(super) fn echoing(state: &ClusterState, focus: &Focus, analysis: &Analysis) -> Vec<ObjectRef> {
    let meant = |hypothesis: &Hypothesis| {
        let mut objects = hypothesis.chain.iter().map(|link| &link.object).chain([&hypothesis.object]);
        objects.any(|object| focus.hints_at(object))
    };
    if focus.names_something() || analysis.hypotheses.first().is_none_or(meant) {
        return Vec::new();
    }
    let own = |workload: &&Workload| workload.metadata.controller().is_none();
    let objects = state.workloads.iter().filter(own).map(Object::object_ref);
    objects.filter(|object| focus.in_scope(object) && focus.hints_at(object)).take(MAX_ECHOING).collect()
}

/// Logs of the workload that the first cause blames by the word of others alone: what it says itself
/// may tell why.
pub(super) fn accused(state: &ClusterState, analysis: &Analysis) -> Vec<Want> {
    let objects = analysis.hypotheses.iter().take(1).map(|first| first.object.clone());
    let workloads: Vec<ObjectRef> = objects.filter(|object| object.kind.is_workload()).collect();
    if workloads.is_empty() {
        return Vec::new();
    }
    let mut wants = agent::log_wants(state, &workloads);
    wants.retain(|want| matches!(want, Want::Logs(key) if !key.previous && !state.logs.contains(key)));
    wants
}

/// The static pods of the control plane, where it is visible.
fn control_plane(state: &ClusterState) -> Vec<ObjectRef> {
    let belongs = |pod: &&Pod| pod.metadata.labels.get("tier").is_some_and(|tier| tier == "control-plane");
    state.pods.in_namespace(SYSTEM).iter().filter(belongs).map(Object::object_ref).collect()
}

/// The namespace of the cluster's own components.
const SYSTEM: &str = "kube-system";

/// Workloads in the namespaces of the complaint.
fn in_scope(state: &ClusterState, focus: &Focus, request: &Request) -> Vec<ObjectRef> {
    let everywhere = focus.namespaces.is_empty() && request.namespaces.is_empty();
    let chosen = |namespace: &str| {
        everywhere || focus.namespaces.iter().chain(&request.namespaces).any(|own| own == namespace)
    };
    state
        .workloads
        .iter()
        .filter(|workload| workload.kind != Kind::ReplicaSet && chosen(&workload.metadata.namespace))
        .map(Object::object_ref)
        .collect()
}
