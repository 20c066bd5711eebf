//! How pods stop: a hook before stop that fails, a process that is killed at the end of its grace period.
//!
//! The pods concerned are mostly gone, so events of pods that no longer exist count here. A workload
//! whose replicas run well is not broken by it: such facts matter where the description points there.

mod drain;

use std::collections::BTreeMap;

use super::container::{between, seconds_between, state};
use super::health::lacks_ready;
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::event::Event;
use crate::cluster::topology::owner_by_name;
use crate::cluster::types::{Object, Pod, PodSpec};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "stop.fails",
    about: "pods of the workload do not stop as they should",
    params: &[
        ("by", "hook, or grace where the process was killed at the end of its grace period"),
        ("container", "the container"),
        ("command", "what the hook runs"),
        ("message", "what the kubelet said"),
        ("exit_code", "the hook's or the process' exit code"),
        ("grace", "terminationGracePeriodSeconds"),
        ("drain", "seconds that the process means to take to stop, where that is longer"),
        ("known_by", "its log, its preStop hook or a variable: what says so"),
        ("matters", "if-described where the replicas run well"),
        ("certainty", "suggestive where only settings say so"),
    ],
    refs: &[],
}];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let mut newest: BTreeMap<(ObjectRef, &str), &Event> = BTreeMap::new();
    for event in &context.state.events {
        let by = match event.reason.as_str() {
            "FailedPreStopHook" => "hook",
            "ExceededGracePeriod" => "grace",
            _ => continue,
        };
        if let Some(workload) = workload_of(context, &event.object()) {
            newest.insert((workload, by), event);
        }
    }
    for ((workload, by), event) in newest {
        let fact = match by {
            "hook" => hook(context, &workload, event),
            _ => base(context, &workload, by).param("message", event.message.clone()),
        };
        facts.add(fact.evidence([Evidence::event(event)]).since(event.first().get()));
    }
    for (workload, pods) in context.topology.pods_by_workload() {
        for pod in pods.iter().filter(|pod| pod.is_deleting()) {
            let killed = killed(context, workload, pod);
            let stated = if killed.is_empty() { drain::too_long(context, workload, pod) } else { killed };
            for fact in stated {
                state(facts, fact);
            }
        }
        if !facts.holds("stop.fails", workload)
            && let Some(fact) = drain::asks_too_long(context, workload)
        {
            facts.add(fact);
        }
    }
}

/// The workload of a pod that may no longer exist.
fn workload_of(context: &Context<'_>, pod: &ObjectRef) -> Option<ObjectRef> {
    if pod.kind != Kind::Pod {
        return None;
    }
    match context.state.pods.get(pod.ns(), &pod.name) {
        Some(found) => Some(context.topology.workload_of_pod(found)),
        None => owner_by_name(context.state, pod.ns(), &pod.name),
    }
}

fn base(context: &Context<'_>, workload: &ObjectRef, by: &'static str) -> Fact {
    let fact = Fact::new("stop.fails", workload.clone()).param("by", by);
    let fact = match spec_of(context, workload).and_then(|spec| spec.termination_grace_period_seconds) {
        Some(seconds) => fact.param("grace", seconds),
        None => fact,
    };
    if lacks_ready(context, workload) { fact } else { fact.param("matters", "if-described") }
}

/// The pods' spec: as a pod has it that exists, else as the template does.
fn spec_of<'a>(context: &Context<'a>, workload: &ObjectRef) -> Option<&'a PodSpec> {
    let pod = context.topology.pods_of(workload).first().map(|pod| &pod.spec);
    pod.or_else(|| context.state.workload_of(workload).map(|found| &*found.template().spec))
}

fn hook(context: &Context<'_>, workload: &ObjectRef, event: &Event) -> Fact {
    let mut fact = base(context, workload, "hook").param("message", event.message.clone());
    let spec = spec_of(context, workload);
    let named = event.container();
    let container = spec.and_then(|spec| {
        spec.containers.iter().find(|container| match named {
            Some(name) => container.name == name,
            None => container.lifecycle.pre_stop.is_some(),
        })
    });
    if let Some(name) = container.map(|container| container.name.as_str()).or(named) {
        fact = fact.param("container", name);
    }
    let command = container
        .and_then(|container| container.lifecycle.pre_stop.as_ref()?.exec.as_ref())
        .map(|exec| exec.command.join(" "));
    if let Some(command) = command {
        fact = fact.param("command", command);
    }
    match between(&event.message, "exited with ", ":").and_then(|code| code.trim().parse::<i64>().ok()) {
        Some(code) => fact.param("exit_code", code),
        None => fact,
    }
}

/// Containers of a pod under deletion that were killed: they acknowledged the signal, or they lasted
/// until the very end of the grace period.
fn killed(context: &Context<'_>, workload: &ObjectRef, pod: &Pod) -> Vec<Fact> {
    let told = |container: &str| {
        context.logs.of(workload).any(|finding| {
            finding.key.pod == pod.metadata.name
                && finding.key.container == container
                && finding.signature == "sigterm-received"
                && finding.at_end
        })
    };
    let ended = pod.status.container_statuses.iter().filter_map(|status| {
        let ended = status.state.terminated.as_ref()?;
        let end = pod.metadata.deletion_timestamp.get().zip(ended.finished_at.get());
        let lasted = end.is_some_and(|(due, end)| (-1..=3).contains(&seconds_between(due, end)));
        let killed = ended.exit_code == 137 && ended.reason != "OOMKilled";
        (killed && (lasted || told(&status.name))).then_some((status, ended))
    });
    ended
        .map(|(status, ended)| {
            let path = format!("status.containerStatuses[{}].state.terminated", status.name);
            base(context, workload, "grace")
                .param("container", status.name.clone())
                .param("exit_code", ended.exit_code)
                .evidence([
                    Evidence::status(pod.object_ref(), path, "exit code 137").at(ended.finished_at.get())
                ])
                .since(ended.finished_at.get())
        })
        .collect()
}
