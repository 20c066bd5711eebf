//! What the state says about an object *now*, as several diagnosers ask it.
//!
//! Events are history as soon as later state contradicts them; these helpers hold that rule
//! in one place. Nothing here states a fact.

use super::Context;
use crate::cluster::event::Event;
use crate::cluster::types::{Condition, ContainerStatus, Object, Pod, Probe, Workload, condition};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// The newest event about an object that fits; events are ordered oldest first.
pub(super) fn newest_event<'a>(
    context: &Context<'a>,
    object: &ObjectRef,
    fits: impl Fn(&Event) -> bool,
) -> Option<&'a Event> {
    context.state.events_of(object).iter().rev().find(|event| fits(event))
}

/// A condition as evidence.
pub(super) fn condition_evidence(object: ObjectRef, condition: &Condition) -> Evidence {
    Evidence::status(
        object,
        format!("status.conditions[{}]", condition.r#type),
        format!("{} {}", condition.status, condition.reason).trim_end(),
    )
    .excerpt(condition.message.clone())
    .at(condition.last_transition_time.get())
}

/// A creating controller that has fewer pods than it wants: how many it wants and has.
///
/// None where it has what it wants, is done, or was not read.
pub(super) fn creation_gap(context: &Context<'_>, owner: &ObjectRef) -> Option<(i64, i64)> {
    let workload = context.state.workload_of(owner)?;
    if finished(workload) {
        return None;
    }
    let wanted = workload.desired();
    let have = match owner.kind {
        Kind::Deployment => workload.status.replicas.max(count(context.topology.pods_of(owner))),
        Kind::DaemonSet => workload.status.current_number_scheduled,
        Kind::Job => workload.status.active.count + workload.status.succeeded,
        _ => controlled(context, owner),
    };
    (have < wanted).then_some((wanted, have))
}

/// Whether a Job has ended, or a workload is suspended on purpose.
fn finished(workload: &Workload) -> bool {
    let ended = |name| condition(&workload.status.conditions, name).is_some_and(Condition::is_true);
    workload.kind == Kind::Job && (workload.spec.suspend || ended("Complete") || ended("Failed"))
}

fn count(pods: &[&Pod]) -> i64 {
    i64::try_from(pods.iter().filter(|pod| counts(pod)).count()).unwrap_or(i64::MAX)
}

fn counts(pod: &Pod) -> bool {
    !pod.is_finished() && !pod.is_deleting()
}

/// Live pods whose controller is exactly this object.
fn controlled(context: &Context<'_>, owner: &ObjectRef) -> i64 {
    let pods = context.topology.controlled_pods(owner).filter(|pod| counts(pod));
    i64::try_from(pods.count()).unwrap_or(i64::MAX)
}

/// Whether a workload (or a bare pod) has fewer ready pods than it wants.
pub(super) fn lacks_ready(context: &Context<'_>, workload: &ObjectRef) -> bool {
    let ready = context.topology.pods_of(workload).iter().filter(|pod| pod.is_ready()).count();
    match context.state.workload_of(workload) {
        Some(found) if found.kind == Kind::Job => !finished(found),
        Some(found) => i64::try_from(ready).unwrap_or(i64::MAX) < found.desired(),
        None => ready == 0,
    }
}

/// Whether a pod that is not ready yet only takes the time that its probes give it: a startup probe
/// that says how long, or another pod of the same revision that shows that the revision works. A
/// rollout or a scale-up that goes on.
pub fn still_starting(context: &Context<'_>, pod: &Pod) -> bool {
    let time = |probe: &Option<Box<Probe>>| probe.as_ref().map_or(0, |probe| probe.patience());
    let given =
        pod.spec.containers.iter().map(|one| time(&one.startup_probe) + time(&one.readiness_probe)).max();
    let first_run = |status: &ContainerStatus| {
        let running = status.state.running.as_ref();
        status.restart_count == 0
            && running.is_some_and(|run| {
                context.state.age_seconds(run.started_at).is_some_and(|age| age < given.unwrap_or(0))
            })
    };
    let runs = !pod.status.container_statuses.is_empty();
    if !runs || !pod.status.container_statuses.iter().all(|status| status.ready || first_run(status)) {
        return false;
    }
    let revision = |pod: &Pod| {
        let labels = &pod.metadata.labels;
        labels.get("pod-template-hash").or(labels.get("controller-revision-hash")).cloned()
    };
    if within_startup_probe(context, pod) {
        return true;
    }
    let own = revision(pod);
    let workload = context.topology.workload_of_pod(pod);
    let works = |other: &&&Pod| other.is_ready() && revision(other) == own;
    own.is_some() && context.topology.pods_of(&workload).iter().any(|other| works(&other))
}

/// Whether each container that is not ready has a startup probe whose time is not up, and the process
/// has given it no answer that more time would not change.
fn within_startup_probe(context: &Context<'_>, pod: &Pod) -> bool {
    let waits = |status: &ContainerStatus| {
        let own = pod.spec.containers.iter().find(|container| container.name == status.name);
        let probe = own.and_then(|container| container.startup_probe.as_ref());
        let age = status.state.running.as_ref().and_then(|run| context.state.age_seconds(run.started_at));
        status.started != Some(true) && probe.zip(age).is_some_and(|(probe, age)| age < probe.patience())
    };
    let fails = |event: &Event| {
        event.reason == "Unhealthy"
            && !["refused", "deadline exceeded", "Client.Timeout", "statuscode: 503", "timed out"]
                .iter()
                .any(|word| event.message.contains(word))
    };
    let statuses = &pod.status.container_statuses;
    statuses.iter().any(|status| !status.ready)
        && statuses.iter().all(|status| status.ready || waits(status))
        && !context.state.events_of(&pod.object_ref()).iter().any(fails)
}

/// Workloads with pods on a node (finished pods aside), in order.
pub(super) fn workloads_on(context: &Context<'_>, node: &str) -> Vec<ObjectRef> {
    let mut found: Vec<ObjectRef> = context
        .state
        .pods
        .iter()
        .filter(|pod| pod.spec.node_name == node && !pod.is_finished())
        .map(|pod| context.topology.workload_of_pod(pod))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Workloads whose pods mount a claim, in order.
pub(super) fn mounting(context: &Context<'_>, claim: &ObjectRef) -> Vec<ObjectRef> {
    let mut found: Vec<ObjectRef> = context
        .topology
        .to(claim)
        .filter(|edge| edge.relation == crate::cluster::topology::Relation::Mounts)
        .map(|edge| edge.from.clone())
        .filter(|object| object.kind.is_workload() || object.kind == Kind::Pod)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Whether anything ready stands behind a Service; none where that was not read.
pub(super) fn service_ready(context: &Context<'_>, service: &ObjectRef) -> Option<bool> {
    let slices: Vec<_> = context.topology.slices_of(service.ns(), &service.name).collect();
    if !slices.is_empty() {
        return Some(slices.iter().flat_map(|slice| &slice.endpoints).any(|endpoint| endpoint.is_ready()));
    }
    if !context.state.was_read(&Kind::Pod, service.ns()) {
        return None;
    }
    Some(
        context
            .topology
            .workloads_behind(service)
            .flat_map(|workload| context.topology.pods_of(workload))
            .any(|pod| pod.is_ready()),
    )
}

/// Adds every object to what a fact affects.
pub(super) fn affecting(fact: super::Fact, objects: impl IntoIterator<Item = ObjectRef>) -> super::Fact {
    objects.into_iter().fold(fact, super::Fact::affects)
}

/// The node's name as an object.
pub(super) fn node_ref(name: &str) -> ObjectRef {
    ObjectRef::cluster(Kind::Node, name)
}

/// Names an object from its parts where only the pod is at hand.
pub(super) fn pod_ref(pod: &Pod) -> ObjectRef {
    pod.object_ref()
}
