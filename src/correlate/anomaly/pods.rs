//! What is wrong with pods and their containers.

use crate::cluster::types::*;
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::node::eviction::recurring;
use crate::diagnose::still_starting;
use crate::evidence::Evidence;
use crate::symptom::Symptom;

use super::{RESTART_RECENT, STARTING, Scan};

impl Scan<'_, '_> {
    pub(super) fn pods(&mut self) {
        for (workload, pods) in self.context.topology.pods_by_workload() {
            for pod in pods {
                self.pod(workload, pod);
            }
        }
    }

    fn pod(&mut self, workload: &ObjectRef, pod: &Pod) {
        let me = pod.object_ref();
        self.deletion(&pod.metadata, workload.clone());
        if pod.status.phase == "Failed" {
            self.ended(workload, pod);
            return;
        }
        if pod.status.phase == "Succeeded" || pod.is_deleting() {
            return;
        }
        let created = pod.metadata.creation_timestamp;
        if pod.spec.node_name.is_empty() {
            let scheduled = condition(&pod.status.conditions, "PodScheduled");
            let refused = scheduled.is_some_and(|condition| condition.status == "False");
            if refused || self.age(created) > STARTING {
                let reason = scheduled.map_or("", |condition| condition.reason.as_str());
                let message = scheduled.map_or("", |condition| condition.message.as_str());
                let evidence = Evidence::status(
                    me,
                    "status.conditions[PodScheduled]",
                    if reason.is_empty() { "not scheduled" } else { reason },
                )
                .excerpt(message)
                .at(created.get());
                self.add(
                    Symptom::Pending,
                    workload.clone(),
                    created,
                    format!("pod {} is not scheduled", pod.metadata.name),
                    vec![evidence],
                );
            }
            return;
        }
        self.init_containers(workload, pod);
        for status in &pod.status.container_statuses {
            self.container(workload, pod, status);
        }
        self.readiness(workload, pod);
    }

    fn ended(&mut self, workload: &ObjectRef, pod: &Pod) {
        let replaced = workload.kind != Kind::Pod
            && workload.kind != Kind::Job
            && self.context.topology.pods_of(workload).iter().any(|other| other.is_ready());
        let lost = !replaced && workload.kind != Kind::Job;
        let finished = pod
            .status
            .container_statuses
            .iter()
            .filter_map(|status| status.state.terminated.as_ref())
            .map(|end| end.finished_at)
            .max();
        let since = finished.filter(|time| time.is_some()).unwrap_or(pod.metadata.creation_timestamp);
        let recent = self.context.since.is_none_or(|window| since.get().is_none_or(|time| time >= window));
        let evidence = Evidence::status(pod.object_ref(), "status.reason", pod.status.reason.clone())
            .excerpt(pod.status.message.clone())
            .at(since.get());
        match pod.status.reason.as_str() {
            // That it was evicted holds for as long as the pod is there; it is over once a replacement
            // runs, unless the replacements go the same way.
            "Evicted" if recent || recurring(self.context, workload).is_some() || lost => {
                let finding = format!("pod {} was evicted", pod.metadata.name);
                self.add(Symptom::Evicted, workload.clone(), since, finding, vec![evidence]);
            }
            "Preempting" | "NodeShutdown" | "Terminated" if recent => {
                let finding = format!("pod {} was evicted", pod.metadata.name);
                self.add(Symptom::Evicted, workload.clone(), since, finding, vec![evidence]);
            }
            // A bare pod or a Job's pod that failed; a Job's own verdict is raised on the Job.
            _ if workload.kind == Kind::Pod && !replaced => {
                let finding = format!("pod {} failed: {}", pod.metadata.name, pod.status.reason);
                self.add(Symptom::Crashing, workload.clone(), since, finding, vec![evidence]);
            }
            reason if !replaced && workload.kind != Kind::Job && !reason.is_empty() => {
                let finding = format!("pod {} was rejected: {reason}", pod.metadata.name);
                self.add(Symptom::NotStarted, workload.clone(), since, finding, vec![evidence]);
            }
            _ => {}
        }
    }

    fn init_containers(&mut self, workload: &ObjectRef, pod: &Pod) {
        for status in &pod.status.init_container_statuses {
            let sidecar = pod
                .spec
                .init_containers
                .iter()
                .any(|own| own.name == status.name && own.restart_policy == "Always");
            if sidecar {
                self.container(workload, pod, status);
                continue;
            }
            let done = status.state.terminated.as_ref().is_some_and(|end| end.exit_code == 0);
            if done {
                continue;
            }
            let path = format!("status.initContainerStatuses[{}]", status.name);
            let (value, text) = state_text(status);
            let failed =
                status.restart_count > 0 || status.state.terminated.is_some() || bad_wait(status).is_some();
            let old = self.age(pod.metadata.creation_timestamp) > STARTING;
            if failed
                || (old && status.state.running.is_some())
                || (old
                    && status
                        .state
                        .waiting
                        .as_ref()
                        .is_some_and(|waiting| waiting.reason != "PodInitializing"))
            {
                let evidence = Evidence::status(pod.object_ref(), path, value)
                    .excerpt(text)
                    .times(status.restart_count.max(1));
                let finding = format!("init container {} does not complete", status.name);
                self.add(
                    Symptom::Initializing,
                    workload.clone(),
                    pod.metadata.creation_timestamp,
                    finding.clone(),
                    vec![evidence.clone()],
                );
                if let Some(true) = bad_wait(status) {
                    self.add(
                        Symptom::NotStarted,
                        workload.clone(),
                        pod.metadata.creation_timestamp,
                        finding.clone(),
                        vec![evidence.clone()],
                    );
                }
                if status.restart_count > 0 || status.state.terminated.is_some() {
                    self.add(
                        Symptom::Crashing,
                        workload.clone(),
                        pod.metadata.creation_timestamp,
                        finding,
                        vec![evidence],
                    );
                }
            }
            // Later containers wait for this one.
            return;
        }
    }

    fn container(&mut self, workload: &ObjectRef, pod: &Pod, status: &ContainerStatus) {
        let path = format!("status.containerStatuses[{}].state", status.name);
        let (value, text) = state_text(status);
        let evidence = || {
            Evidence::status(pod.object_ref(), path.clone(), value.clone())
                .excerpt(text.clone())
                .times(status.restart_count.max(1))
        };
        let created = pod.metadata.creation_timestamp;
        let last_end = status.last_state.terminated.as_ref().or(status.state.terminated.as_ref());
        let since =
            last_end.map_or(created, |end| if end.finished_at.is_some() { end.finished_at } else { created });
        if bad_wait(status) == Some(true) {
            let finding = format!("container {} does not start: {value}", status.name);
            self.add(Symptom::NotStarted, workload.clone(), created, finding, vec![evidence()]);
            return;
        }
        let creating = status
            .state
            .waiting
            .as_ref()
            .is_some_and(|waiting| matches!(waiting.reason.as_str(), "ContainerCreating" | ""));
        if creating
            && status.restart_count == 0
            && pod
                .status
                .init_container_statuses
                .iter()
                .all(|init| init.state.terminated.as_ref().is_some_and(|end| end.exit_code == 0))
        {
            let blocked = self
                .state()
                .events_of(&pod.object_ref())
                .iter()
                .any(|event| event.is_warning() && event.reason.starts_with("Failed"));
            if blocked || self.age(created) > 2 * STARTING {
                let finding = format!(
                    "container {} has not been created for {}",
                    status.name,
                    crate::evidence::duration(self.age(created))
                );
                self.add(Symptom::NotStarted, workload.clone(), created, finding, vec![evidence()]);
            }
            return;
        }
        let in_backoff =
            status.state.waiting.as_ref().is_some_and(|waiting| waiting.reason == "CrashLoopBackOff");
        let ended = status
            .state
            .terminated
            .as_ref()
            .is_some_and(|_| pod.spec.restart_policy != "Never" && workload.kind != Kind::Job)
            || status.state.terminated.as_ref().is_some_and(|end| end.exit_code != 0);
        let unstable = status.restart_count > 0 && !status.ready && self.age(since) < 2 * RESTART_RECENT;
        if in_backoff || ended || unstable {
            let finding = format!("container {} ended {} times", status.name, status.restart_count.max(1));
            self.add(Symptom::Crashing, workload.clone(), since, finding, vec![evidence()]);
        } else if status.restart_count >= 2 && self.restarts_go_on(pod, status) {
            let finding = format!("container {} was restarted {} times", status.name, status.restart_count);
            self.add(Symptom::Restarting, workload.clone(), since, finding, vec![evidence()]);
        }
    }

    /// Whether the next restart is to be expected, from the pace of those before.
    fn restarts_go_on(&self, pod: &Pod, status: &ContainerStatus) -> bool {
        let Some(end) = &status.last_state.terminated else { return false };
        let quiet = self.age(end.finished_at);
        let pace = self.age(pod.metadata.creation_timestamp) / status.restart_count.max(1);
        quiet < RESTART_RECENT.max(2 * pace)
    }

    fn readiness(&mut self, workload: &ObjectRef, pod: &Pod) {
        if pod.status.phase != "Running" && pod.status.phase != "Unknown" || pod.is_ready() {
            return;
        }
        let ready = condition(&pod.status.conditions, "Ready");
        let Some(ready) = ready else { return };
        let started = pod
            .status
            .container_statuses
            .iter()
            .filter_map(|status| status.state.running.as_ref())
            .map(|run| run.started_at)
            .max()
            .unwrap_or_default();
        let failing = self.state().events_of(&pod.object_ref()).iter().any(|event| {
            // Refused is what every process answers until it is up.
            event.reason == "Unhealthy"
                && !(event.message.contains("connection refused") && self.age(started) <= STARTING)
        });
        if self.age(started) <= STARTING && !failing && ready.reason == "ContainersNotReady" {
            return;
        }
        if still_starting(self.context, pod) {
            return;
        }
        let evidence = Evidence::status(pod.object_ref(), "status.conditions[Ready]", ready.reason.clone())
            .excerpt(ready.message.clone())
            .at(ready.last_transition_time.get());
        let finding = format!("pod {} runs but is not Ready", pod.metadata.name);
        self.add(Symptom::NotReady, workload.clone(), ready.last_transition_time, finding, vec![evidence]);
    }
}

/// Whether a waiting reason means that the container cannot start (true), that it ended before
/// (false), or nothing.
fn bad_wait(status: &ContainerStatus) -> Option<bool> {
    let reason = status.state.waiting.as_ref()?.reason.as_str();
    match reason {
        "CrashLoopBackOff" => Some(false),
        "" | "ContainerCreating" | "PodInitializing" => None,
        _ => Some(true),
    }
}

/// A container's state in a word, and the message with it.
fn state_text(status: &ContainerStatus) -> (String, String) {
    if let Some(waiting) = &status.state.waiting {
        return (waiting.reason.to_string(), waiting.message.to_string());
    }
    match (&status.state.terminated, &status.state.running) {
        (Some(end), _) => {
            (format!("terminated {} (exit code {})", end.reason, end.exit_code), end.message.to_string())
        }
        (None, Some(_)) => ("running".to_owned(), String::new()),
        (None, None) => ("unknown".to_owned(), String::new()),
    }
}
