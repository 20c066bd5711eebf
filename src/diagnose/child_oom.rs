//! Processes that the kernel killed at a container's memory limit while the container went on.
//!
//! Where the victim is not the container's first process, its status says nothing: only the node's
//! kernel log does (as node-problem-detector reports it), and the log of who started the process.

use jiff::Timestamp;

use super::container::{Instance, between, instances, mentions, seconds_between, state};
use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::event::Event;
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "process.oom-killed",
    about: "the kernel killed a process of the container at its memory limit, and the container runs on",
    params: &[
        ("process", "the process"),
        ("container", "the container"),
        ("limit", "its memory limit"),
        ("line", "what the container's log says of it"),
        ("certainty", "computed where no log or control group says whose process it was"),
    ],
    refs: &[("node", "the node")],
}];

/// Seconds between the kernel's word and the log line of who waited for the process.
const TOGETHER: i64 = 10;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let kills: Vec<(&Event, &str)> =
        context.state.events.iter().filter_map(|event| kill(context, event)).collect();
    if kills.is_empty() {
        return;
    }
    let all = instances(context);
    for (event, process) in kills {
        let node = event.object();
        let there: Vec<&Instance<'_>> =
            all.iter().filter(|instance| outlived(instance, &node.name, event.last().get())).collect();
        let by_group = there.iter().find(|instance| of_pod(&event.message, &instance.pod.metadata.uid));
        let by_log = || {
            there
                .iter()
                .find_map(|instance| Some((instance, said(context, instance, process, event.last().get())?)))
        };
        let stated = match by_group {
            Some(instance) => {
                Some(fact(instance, process, said(context, instance, process, event.last().get())))
            }
            None => by_log().map(|(instance, line)| fact(instance, process, Some(line))),
        };
        let stated = stated.or_else(|| {
            let named: Vec<&&Instance<'_>> =
                there.iter().filter(|instance| runs(instance, process)).collect();
            let first = named.first()?;
            let only = named.iter().all(|other| other.workload == first.workload);
            only.then(|| fact(first, process, None).param("certainty", "computed"))
        });
        if let Some(stated) = stated {
            state(
                facts,
                stated.object("node", node).evidence([Evidence::event(event)]).since(event.first().get()),
            );
        }
    }
}

/// The process that a node's event says was killed at the limit of a control group, lately.
fn kill<'e>(context: &Context<'_>, event: &'e Event) -> Option<(&'e Event, &'e str)> {
    let recent = context.since.is_none_or(|since| event.last().get().is_none_or(|last| last >= since));
    let limited =
        mentions(&event.message.to_lowercase(), &["memory cgroup out of memory", "constraint_memcg"]);
    if event.reason != "OOMKilling" || event.object().kind != Kind::Node || !recent || !limited {
        return None;
    }
    let (_, rest) = event.message.split_once("ill")?;
    Some((event, between(rest, "(", ")")?))
}

/// Whether a container of the node has a memory limit and was running before and after a time.
fn outlived(instance: &Instance<'_>, node: &str, at: Option<Timestamp>) -> bool {
    let started = instance.status.state.running.as_ref().map(|running| running.started_at.get());
    let limited = instance.spec.is_some_and(|spec| spec.resources.limits.get("memory").is_some());
    let before = started.is_some_and(|started| started.zip(at).is_none_or(|(started, at)| started < at));
    instance.pod.spec.node_name == node && limited && before
}

/// Whether a control group's path is of this pod; systemd writes its uid with underscores.
fn of_pod(message: &str, uid: &str) -> bool {
    uid.len() > 8 && (message.contains(uid) || message.contains(&uid.replace('-', "_")))
}

/// The log line that says at that time that this process was killed.
fn said<'a>(
    context: &Context<'a>,
    instance: &Instance<'_>,
    process: &str,
    at: Option<Timestamp>,
) -> Option<&'a LogFinding> {
    let logs: &'a crate::logs::LogIndex = context.logs;
    logs.iter().filter(|finding| finding.workload == *instance.workload).find(|finding| {
        let text = finding.excerpt.to_lowercase();
        let near = |time: Option<Timestamp>| {
            at.zip(time).is_none_or(|(at, time)| seconds_between(at, time).abs() <= TOGETHER)
        };
        finding.key.container == instance.name()
            && finding.key.pod == instance.pod.metadata.name
            && text.contains(&process.to_lowercase())
            && mentions(&text, &["signal 9", "sigkill", "signal: killed", "killed", "137", "-9"])
            && (near(finding.first) || near(finding.last))
    })
}

/// Whether a container is named after a program or runs it.
fn runs(instance: &Instance<'_>, process: &str) -> bool {
    let Some(spec) = instance.spec else { return false };
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let image = base(spec.image.split(['@', ':']).next().unwrap_or_default());
    let words = spec.command.iter().chain(&spec.args).flat_map(|word| word.split_whitespace());
    spec.name == process || image == process || words.into_iter().any(|word| base(word) == process)
}

fn fact(instance: &Instance<'_>, process: &str, line: Option<&LogFinding>) -> Fact {
    let workload: ObjectRef = instance.workload.clone();
    let mut fact = Fact::new("process.oom-killed", workload)
        .param("process", process)
        .param("container", instance.name());
    if let Some(limit) = instance.spec.and_then(|spec| spec.resources.limits.get("memory")) {
        fact = fact.param("limit", limit.to_string());
    }
    match line {
        Some(line) => fact.param("line", line.excerpt.clone()).evidence([net::line(line)]),
        None => fact,
    }
}
