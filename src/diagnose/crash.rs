//! How containers that end again and again end: by whom, with what, and what they said last.
//!
//! The exit code alone is never the answer. A kill by the kernel, by a probe and by the process itself
//! look alike in it, so status, events and the last log lines are read together.

use super::container::{Instance, instances, state};
use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::event::Event;
use crate::cluster::types::Terminated;
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "container.crash",
        about: "a container ends again and again, and this is how it ended last",
        params: &[
            ("class", "oom, node-oom, heap, probe, killed, signal, terminated, completed or exit"),
            ("container", "the container"),
            ("init", "whether it is an init container"),
            ("sidecar", "whether it is not the pod's main container, which runs well"),
            ("probe", "liveness or startup, where a probe's failure killed it"),
            ("exit_code", "the exit code"),
            ("signal", "the signal's name"),
            ("limit", "its memory limit"),
            ("request", "its memory request"),
            ("seconds", "how long the last run lasted"),
            ("signature", "the meaning of the last telling log line"),
            ("log_class", "that meaning's class"),
            ("line", "that line"),
            ("told", "yes where its log says that it was told to stop before it ended"),
        ],
        refs: &[("node", "the node that it runs on")],
    },
    FactSpec {
        name: "child.killed",
        about: "a process killed another of its container, or the kernel did: the container has a memory limit and runs on",
        params: &[
            ("container", "the container"),
            ("limit", "its memory limit"),
            ("percent", "its memory usage in percent of the limit, where it was measured"),
            ("line", "the log line"),
            ("count", "how often"),
            ("certainty", "suggestive where it happened once and the usage is low"),
        ],
        refs: &[],
    },
];

/// Percent of the memory limit from which a kill is the kernel's.
const NEAR_LIMIT: i128 = 75;

/// Signatures that say that something went wrong but not what.
const GENERIC: [&str; 6] =
    ["unknown-error", "uncaught-exception", "go-panic", "erlang-crash", "panic", "fatal-error"];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for instance in instances(context) {
        if let Some(fact) = child_killed(context, &instance) {
            state(facts, fact);
        }
        let oom_before = was_oom_killed(context, &instance);
        if !oom_before && !instance.is_crashing(context) {
            continue;
        }
        let Some(ended) = instance.ended() else { continue };
        if starts_nothing(ended) {
            continue;
        }
        state(facts, explain(context, &instance, ended));
    }
}

/// A process of the container that SIGKILL ended while the first one went on: the kernel's choice
/// when the memory limit is reached, which the container's status does not show.
fn child_killed(context: &Context<'_>, instance: &Instance<'_>) -> Option<Fact> {
    let own = |finding: &&LogFinding| {
        finding.key.container == instance.name() && finding.key.pod == instance.pod.metadata.name
    };
    let findings: Vec<&LogFinding> = context.logs.of(instance.workload).filter(own).collect();
    let killed = findings.iter().find(|one| one.signature == "child-killed" && !one.recovered)?;
    // A master that waits in vain for its worker kills it as well, and says so first.
    if findings.iter().any(|one| one.signature == "hang") {
        return None;
    }
    let limit = instance.spec?.resources.limits.get("memory")?;
    let percent = super::usage::memory_percent(context, instance);
    let doubtful = killed.count < 2 && !killed.at_end && percent.is_none_or(|percent| percent < NEAR_LIMIT);
    let fact = Fact::new("child.killed", instance.workload.clone())
        .param("container", instance.name())
        .param("limit", limit.to_string())
        .param("line", killed.excerpt.clone())
        .param("count", killed.count)
        .param("certainty", if doubtful { "suggestive" } else { "computed" })
        .evidence([net::line(killed)])
        .since(killed.first);
    Some(match percent.and_then(|percent| i64::try_from(percent).ok()) {
        Some(percent) => fact.param("percent", percent),
        None => fact,
    })
}

/// Start errors are another diagnoser's matter.
fn starts_nothing(ended: &Terminated) -> bool {
    matches!(
        ended.reason.as_str(),
        "StartError" | "ContainerCannotRun" | "RunContainerError" | "ContainerStatusUnknown"
    )
}

/// A single OOM kill counts even where the container runs again, as long as it was lately.
fn was_oom_killed(context: &Context<'_>, instance: &Instance<'_>) -> bool {
    instance.ended().is_some_and(|ended| {
        ended.reason == "OOMKilled"
            && context.state.age_seconds(ended.finished_at).is_none_or(|seconds| seconds <= 3600)
    })
}

fn explain(context: &Context<'_>, instance: &Instance<'_>, ended: &Terminated) -> Fact {
    let finding = last_words(context, instance);
    let killing = probe_kill(context, instance, ended);
    let node = ObjectRef::cluster(Kind::Node, &instance.pod.spec.node_name);
    let node_oom = (ended.exit_code == 137).then(|| node_oom(context, &node)).flatten();
    let class = classify(instance, ended, finding, killing.is_some(), node_oom.is_some());
    let mut fact = Fact::new("container.crash", instance.workload.clone())
        .param("class", class)
        .param("container", instance.name())
        .param("init", instance.init && !instance.native)
        .param("sidecar", is_sidecar(context, instance))
        .param("exit_code", ended.exit_code)
        .evidence(instance.ended_evidence())
        .since(ended.finished_at.get());
    if let Some(name) = signal_name(ended) {
        fact = fact.param("signal", name);
    }
    if let Some((probe, event)) = killing {
        fact = fact.param("probe", probe).evidence([Evidence::event(event)]);
    }
    if let Some(event) = node_oom.filter(|_| class == "node-oom") {
        fact = fact.evidence([Evidence::event(event)]).object("node", node);
    }
    for (name, list) in [("limit", true), ("request", false)] {
        let resources =
            instance.spec.map(|spec| if list { &spec.resources.limits } else { &spec.resources.requests });
        if let Some(amount) = resources.and_then(|resources| resources.get("memory")) {
            fact = fact.param(name, amount.to_string());
        }
    }
    if let Some(seconds) = lifetime(ended) {
        fact = fact.param("seconds", seconds);
    }
    if was_told(context, instance) {
        fact = fact.param("told", "yes");
    }
    let Some(finding) = finding else { return fact };
    let evidence = net::line(finding);
    fact.param("signature", finding.signature)
        .param("log_class", finding.class)
        .param("line", finding.excerpt.clone())
        .evidence([evidence])
}

/// Whether the log of the last run acknowledges a SIGTERM and does not say that the shutdown was done.
fn was_told(context: &Context<'_>, instance: &Instance<'_>) -> bool {
    let said = |signature: &str| {
        context.logs.of(instance.workload).any(|finding| {
            finding.key.container == instance.name() && finding.signature == signature && finding.at_end
        })
    };
    said("sigterm-received") && !said("shutdown-complete")
}

fn classify(
    instance: &Instance<'_>,
    ended: &Terminated,
    finding: Option<&LogFinding>,
    by_probe: bool,
    node_oom: bool,
) -> &'static str {
    let heap = finding.is_some_and(|finding| finding.signature == "heap-exhausted");
    match ended.exit_code {
        _ if ended.reason == "OOMKilled" => "oom",
        _ if heap => "heap",
        _ if by_probe => "probe",
        137 if node_oom => "node-oom",
        137 => "killed",
        143 => "terminated",
        // A launcher may swallow the exit code of the server that gave up.
        0 if (!instance.init || instance.native) && !gave_up(finding) => "completed",
        code if (129..=165).contains(&code) || ended.signal != 0 => "signal",
        _ => "exit",
    }
}

/// Whether the process ended over a call that failed: it says so last.
fn gave_up(finding: Option<&LogFinding>) -> bool {
    finding.is_some_and(|finding| matches!(finding.class, "call" | "dependency"))
}

/// The last telling log line before the container ended: a named reason rather than a bare stack trace.
fn last_words<'a>(context: &Context<'a>, instance: &Instance<'_>) -> Option<&'a LogFinding> {
    let logs: &'a crate::logs::LogIndex = context.logs;
    logs.iter()
        .filter(|finding| finding.workload == *instance.workload && finding.key.container == instance.name())
        .filter(|finding| finding.at_end && !finding.recovered && finding.class != "start")
        .max_by_key(|finding| (!GENERIC.contains(&finding.signature), finding.line))
}

/// The event that says that a probe had the container killed, if that is how it ended last.
fn probe_kill<'a>(
    context: &Context<'a>,
    instance: &Instance<'a>,
    ended: &Terminated,
) -> Option<(&'static str, &'a Event)> {
    instance.events(context.state).into_iter().filter(|event| event.reason == "Killing").find_map(|event| {
        let probe = if event.message.contains("failed liveness probe")
            || event.message.contains("Liveness probe failed")
        {
            "liveness"
        } else if event.message.contains("failed startup probe")
            || event.message.contains("Startup probe failed")
        {
            "startup"
        } else {
            return None;
        };
        // A kill long before the last end was another run's.
        let gap = match (event.last().get(), ended.finished_at.get()) {
            (Some(kill), Some(end)) => end.as_second() - kill.as_second(),
            _ => 0,
        };
        let grace = instance.pod.spec.termination_grace_period_seconds.unwrap_or(30);
        (gap <= grace + 30).then_some((probe, event))
    })
}

/// The event that says that this kind of probe had the container killed, whichever run it was.
pub(super) fn last_kill<'a>(context: &Context<'a>, instance: &Instance<'a>, kind: &str) -> Option<&'a Event> {
    let word = format!("failed {kind} probe");
    let events = instance.events(context.state);
    events.into_iter().find(|event| event.reason == "Killing" && event.message.contains(&word))
}

/// The kernel's or kubelet's word that the node ran out of memory.
fn node_oom<'a>(context: &Context<'a>, node: &ObjectRef) -> Option<&'a Event> {
    let events: &'a [Event] = context.state.events_of(node);
    events.iter().rev().find(|event| matches!(event.reason.as_str(), "SystemOOM" | "OOMKilling"))
}

/// Whether the container crashes beside a main container that runs well.
///
/// The main container is the one named after the workload, else the one that the pod's Services
/// send to, else the first.
fn is_sidecar(context: &Context<'_>, instance: &Instance<'_>) -> bool {
    let containers = &instance.pod.spec.containers;
    if instance.native {
        return true;
    }
    if instance.init || containers.len() < 2 {
        return false;
    }
    let named = containers.iter().find(|container| *container.name == *instance.workload.name);
    let served = || {
        let services = context.topology.services_of(instance.workload).collect::<Vec<_>>();
        containers.iter().find(|container| {
            services.iter().filter_map(|object| context.state.services.get(object.ns(), &object.name)).any(
                |service| {
                    service.spec.ports.iter().any(|port| {
                        let target = port
                            .target_port
                            .clone()
                            .unwrap_or(crate::cluster::types::IntOrString::Int(port.port));
                        container.ports.iter().any(|own| {
                            target.as_int() == Some(own.container_port)
                                || target.as_name().is_some_and(|name| name == own.name)
                        })
                    })
                },
            )
        })
    };
    let Some(main) = named.or_else(served).or(containers.first()) else { return false };
    let main_runs = instance.pod.status.container_statuses.iter().any(|status| {
        status.name == main.name && status.state.running.is_some() && status.restart_count <= 1
    });
    main.name != instance.name() && main_runs
}

fn lifetime(ended: &Terminated) -> Option<i64> {
    let seconds = ended.finished_at.get()?.as_second() - ended.started_at.get()?.as_second();
    // A process that never started carries the Unix epoch as its start.
    (0..=10 * 365 * 86_400).contains(&seconds).then_some(seconds)
}

/// The signal behind an exit code above 128.
pub(super) fn signal_name(ended: &Terminated) -> Option<&'static str> {
    let number = if ended.signal > 0 { ended.signal } else { ended.exit_code - 128 };
    Some(match number {
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => return None,
    })
}
