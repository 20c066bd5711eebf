//! Containers of pods that exist now, as the runtime diagnosers look at them.
//!
//! A shared reading of spec, status and events; states no facts of its own.

use jiff::Timestamp;

use super::{Context, Fact, Facts};
use crate::cluster::event::Event;
use crate::cluster::types::{Container, ContainerStatus, Object, Pod, Terminated, condition};
use crate::cluster::{ClusterState, Kind, ObjectRef};
use crate::evidence::Evidence;

/// Seconds after which a container that restarted and runs again is no longer crashing.
const RECENT: i64 = 600;
/// Pieces of evidence kept for one fact: ten replicas that fail alike prove no more than three.
const MAX_EVIDENCE: usize = 6;

/// One container of one pod, with the workload that a person would edit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instance<'a> {
    pub(super) workload: &'a ObjectRef,
    pub(super) pod: &'a Pod,
    pub(super) status: &'a ContainerStatus,
    /// Absent only where the snapshot's pod carries no such container.
    pub(super) spec: Option<&'a Container>,
    pub(super) init: bool,
    /// Whether it is a native sidecar, which stands among the init containers.
    pub(super) native: bool,
}

impl<'a> Instance<'a> {
    pub(super) fn name(&self) -> &'a str {
        &self.status.name
    }

    pub(super) fn namespace(&self) -> &'a str {
        &self.pod.metadata.namespace
    }

    pub(super) fn pod_ref(&self) -> ObjectRef {
        self.pod.object_ref()
    }

    /// The image as the spec names it; the status names what was resolved.
    pub(super) fn image(&self) -> &'a str {
        self.spec
            .map(|spec| spec.image.as_str())
            .filter(|image| !image.is_empty())
            .unwrap_or(&self.status.image)
    }

    pub(super) fn waiting(&self) -> &'a str {
        self.status.state.waiting.as_ref().map_or("", |waiting| waiting.reason.as_str())
    }

    pub(super) fn waiting_message(&self) -> &'a str {
        self.status.state.waiting.as_ref().map_or("", |waiting| waiting.message.as_str())
    }

    /// How the container ended last, if it ever did.
    pub(super) fn ended(&self) -> Option<&'a Terminated> {
        self.status.state.terminated.as_deref().or(self.status.last_state.terminated.as_deref())
    }

    /// Whether the container ends again and again, or ended just now: not one restart long ago.
    pub(super) fn is_crashing(&self, context: &Context<'_>) -> bool {
        if self.waiting() == "CrashLoopBackOff" {
            return true;
        }
        if let Some(ended) = &self.status.state.terminated {
            return ended.exit_code != 0 || (!self.init && self.pod.spec.restart_policy == "Always");
        }
        let ended = self.status.last_state.terminated.as_ref();
        let seconds = ended.and_then(|ended| context.state.age_seconds(ended.finished_at));
        let recent = ended.is_some() && seconds.is_none_or(|seconds| seconds <= RECENT);
        recent && (self.status.restart_count >= 2 || (self.status.restart_count >= 1 && !self.status.ready))
    }

    /// Events about this container, newest first. Events without a `fieldPath` count where the
    /// message names the container, or nothing else could be meant.
    pub(super) fn events(&self, state: &'a ClusterState) -> Vec<&'a Event> {
        let alone = self.pod.spec.containers.len() + self.pod.spec.init_containers.len() <= 1;
        pod_events(state, self.pod)
            .into_iter()
            .filter(|event| match event.container() {
                Some(name) => name == self.name(),
                None => alone || event.message.contains(self.name()) || !self.init,
            })
            .collect()
    }

    /// Where in the pod's status this container is, for evidence.
    pub(super) fn path(&self, field: &str) -> String {
        let list = if self.init { "initContainerStatuses" } else { "containerStatuses" };
        format!("status.{list}[{}].{field}", self.name())
    }

    /// What the status says of waiting, as evidence.
    pub(super) fn waiting_evidence(&self) -> Evidence {
        Evidence::status(self.pod_ref(), self.path("state.waiting.reason"), self.waiting())
            .excerpt(self.waiting_message())
    }

    /// How the container ended last, as evidence.
    pub(super) fn ended_evidence(&self) -> Option<Evidence> {
        let ended = self.ended()?;
        let state = if self.status.state.terminated.is_some() { "state" } else { "lastState" };
        let reason = if ended.reason.is_empty() { "terminated" } else { &ended.reason };
        Some(
            Evidence::status(
                self.pod_ref(),
                self.path(&format!("{state}.terminated")),
                format!("{reason}, exit code {}", ended.exit_code),
            )
            .excerpt(ended.message.clone())
            .at(ended.finished_at.get())
            .times(self.status.restart_count.max(1)),
        )
    }
}

/// Every container of every pod that is not being deleted, in a fixed order.
///
/// Pods that ended for good count only under a Job that failed or goes on.
pub(super) fn instances<'a>(context: &Context<'a>) -> Vec<Instance<'a>> {
    let mut found = Vec::new();
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods.iter().copied().filter(|pod| counts(context.state, workload, pod)) {
            let init = pod.status.init_container_statuses.iter().map(|status| (status, true));
            let main = pod.status.container_statuses.iter().map(|status| (status, false));
            found.extend(init.chain(main).map(|(status, init)| {
                let list = if init { &pod.spec.init_containers } else { &pod.spec.containers };
                let spec = list.iter().find(|spec| spec.name == status.name);
                // An init container that always restarts is a sidecar: it runs beside the others.
                let native = init && spec.is_some_and(|spec| spec.restart_policy == "Always");
                Instance { workload, pod, status, spec, init, native }
            }));
        }
    }
    found
}

fn counts(state: &ClusterState, workload: &ObjectRef, pod: &Pod) -> bool {
    if pod.is_deleting() {
        return false;
    }
    match workload.kind {
        Kind::Job => state.workload_of(workload).is_none_or(|job| {
            condition(&job.status.conditions, "Complete").is_none_or(|complete| !complete.is_true())
        }),
        Kind::Pod => pod.status.phase != "Succeeded",
        _ => !pod.is_finished(),
    }
}

/// Events about a pod, newest first.
pub(super) fn pod_events<'a>(state: &'a ClusterState, pod: &Pod) -> Vec<&'a Event> {
    state.events_of(&pod.object_ref()).iter().rev().collect()
}

/// Adds a fact unless enough replicas said the same already.
pub(super) fn state(facts: &mut Facts, fact: Fact) {
    let known = facts.about(fact.name, &fact.subject).any(|known| {
        known.params == fact.params && known.truth == fact.truth && known.evidence.len() >= MAX_EVIDENCE
    });
    if known {
        facts.add(Fact { evidence: Vec::new(), ..fact });
    } else {
        facts.add(fact);
    }
}

/// The text between a pair of delimiters, such as the first quoted name of a message.
pub(super) fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner)
}

/// Whether a text contains any of the words, given in lower case.
pub(super) fn mentions(lower: &str, words: &[&str]) -> bool {
    words.iter().any(|word| lower.contains(word))
}

/// The nearest of the candidates to a name that does not exist, if it is near at all.
pub(super) fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates.filter(|candidate| *candidate != name) {
        let score = strsim::jaro_winkler(name, candidate);
        let shares = candidate.contains(name) || name.contains(candidate);
        if (score >= 0.88 || (shares && score >= 0.75)) && best.is_none_or(|(known, _)| score > known) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, name)| name)
}

/// Seconds from one time to a later one.
pub(super) fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second() - from.as_second()
}
