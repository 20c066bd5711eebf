//! The right port, but refused or silent: killed before it was up, too slow, or hung.

use super::super::container::{Instance, seconds_between};
use super::super::crash::last_kill;
use super::super::fact::Fact;
use super::super::probe_port::{PortVerdict, listening, loopback, resolve};
use super::super::{Context, net};
use super::Subject;
use crate::cluster::types::{Terminated, condition};

/// Seconds within which a process that does not hang ends when it is told to.
const PROMPT: i64 = 5;

/// Ports of well-known protocols that are not gRPC.
const NOT_GRPC: [i64; 12] = [1433, 1521, 2181, 3306, 4222, 5432, 5672, 6379, 9042, 11211, 26379, 27017];

/// What the failures of a probe that asks the right port say of the time that it gives.
pub(super) fn explain(
    context: &Context<'_>,
    instance: &Instance<'_>,
    subject: Subject<'_>,
    mut fact: Fact,
    class: &'static str,
    port_known: bool,
) -> Option<Fact> {
    let probe = subject.probe;
    let kills_after =
        probe.initial_delay_seconds + probe.period() * (probe.failures() - 1).max(0) + probe.timeout();
    let lived = lived(context, instance, subject.kind);
    if let Some(lived) = lived {
        fact = fact.param("lived", lived);
    }
    let unreached = |fact: Fact| {
        let port = subject.probe.port().and_then(|port| resolve(instance, port))?;
        let (bound, line) = loopback(context, instance, port).filter(|_| class == "refused")?;
        let fact = fact.param("class", "loopback").param("bound", bound).evidence([net::line(line)]);
        Some(fact.param("certainty", "computed"))
    };
    if subject.kind == "readiness" {
        let never = never_ready(instance).then(|| unreached(fact.clone())).flatten();
        if never.is_some() {
            return never;
        }
        return Some(match class {
            "timeout" => fact.param("class", "slow").param("certainty", "computed"),
            "refused" => fact.param("class", "not-listening"),
            _ => fact.param("class", "unknown").param("certainty", "suggestive"),
        });
    }
    let needs = start_seconds(context, instance).filter(|needs| *needs >= kills_after);
    if let Some(needs) = needs {
        fact = fact.param("needs", needs);
    }
    // Time in which a probe may have succeeded: beyond the earliest kill plus one round of failures.
    let answered_for = lived.map(|lived| lived - kills_after - probe.period());
    let answered = answered_for.is_some_and(|seconds| seconds > probe.period());
    // One late answer is no hang; several in a row are, even of a process that still heeds signals.
    let late = class == "timeout" && subject.kind == "liveness" && probe.failures() == 1;
    if late && answered && obeyed(context, instance) {
        let fact = fact.param("class", "timing").param("certainty", "computed");
        return Some(fact.param("misses", "one"));
    }
    let up = port_known || !listening(context, instance).is_empty() || worked(context, instance);
    let hangs = subject.kind == "liveness"
        && match class {
            "timeout" if needs.is_some() => false,
            "timeout" => answered || up && probe.patience() > 10,
            "refused" => answered_for.is_some_and(|seconds| seconds > 2 * probe.period() + 10),
            _ => false,
        };
    if hangs {
        return Some(fact.param("class", "hang").param("certainty", "computed"));
    }
    if let Some(unreached) = unreached(fact.clone()) {
        return Some(unreached);
    }
    let certainty = if needs.is_some() { "decisive" } else { "computed" };
    Some(fact.param("class", "timing").param("certainty", certainty).param("kills_after", kills_after))
}

/// Whether the process came to its own end as soon as it was told to stop, which one that hangs does not.
fn obeyed(context: &Context<'_>, instance: &Instance<'_>) -> bool {
    let Some(ended) = instance.ended() else { return false };
    let prompt = killed_at(context, instance, "liveness", ended)
        .zip(ended.finished_at.get())
        .is_none_or(|(told, end)| seconds_between(told, end) <= PROMPT);
    matches!(ended.exit_code, 0 | 143) && prompt
}

/// When the kubelet decided to end the run that ended so, where the event is that run's.
fn killed_at(
    context: &Context<'_>,
    instance: &Instance<'_>,
    kind: &str,
    ended: &Terminated,
) -> Option<jiff::Timestamp> {
    let killed = last_kill(context, instance, kind)?.last().get()?;
    let (start, end) = (ended.started_at.get()?, ended.finished_at.get()?);
    (start <= killed && killed <= end).then_some(killed)
}

/// How long the last run lasted until it was told to end: without the grace that it was given.
fn lived(context: &Context<'_>, instance: &Instance<'_>, kind: &str) -> Option<i64> {
    let ended = instance.ended()?;
    let start = ended.started_at.get()?;
    let seconds = seconds_between(start, ended.finished_at.get()?);
    let grace = instance.pod.spec.termination_grace_period_seconds.unwrap_or(30);
    let without = match killed_at(context, instance, kind, ended) {
        Some(killed) => seconds_between(start, killed),
        None if ended.exit_code == 137 => seconds - grace,
        None => seconds,
    };
    (0..=10 * 365 * 86_400).contains(&seconds).then_some(without.max(0))
}

/// Seconds that a start takes: as the log says, or as a replica that became ready shows.
fn start_seconds(context: &Context<'_>, instance: &Instance<'_>) -> Option<i64> {
    let logged = context
        .logs
        .of(instance.workload)
        .filter(|finding| finding.key.container == instance.name() && finding.class == "start")
        .filter_map(|finding| finding.params.get("seconds")?.parse::<f64>().ok())
        .fold(None, |longest: Option<f64>, seconds| {
            Some(longest.map_or(seconds, |known| known.max(seconds)))
        });
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a start-up fit, and casts saturate")]
    logged.map(|seconds| seconds.ceil() as i64)
}

/// Whether the log shows that the process served requests or finished its start.
fn worked(context: &Context<'_>, instance: &Instance<'_>) -> bool {
    context.logs.of(instance.workload).any(|finding| {
        finding.key.container == instance.name()
            && matches!(finding.signature, "listening" | "started" | "probe-request" | "request")
    })
}

/// Whether a gRPC probe asks a port that speaks something else.
///
/// The kubelet waits until HTTP/2 is up, so that it reports the same time-out for any other protocol
/// as for a process that hangs. The port decides: it is another protocol's, or it is known to be open
/// while the probe has never once succeeded.
pub(super) fn no_grpc(
    instance: &Instance<'_>,
    subject: Subject<'_>,
    message: &str,
    port: Option<i64>,
    verdict: &PortVerdict,
) -> bool {
    let blocked = message.contains("failed to connect service") && !message.contains("connection refused");
    let other = port.is_some_and(|port| NOT_GRPC.contains(&port));
    let open = *verdict == PortVerdict::Right && subject.kind == "readiness" && never_ready(instance);
    subject.probe.grpc.is_some() && blocked && (other || open)
}

/// Whether the pod has not been Ready since its container started.
fn never_ready(instance: &Instance<'_>) -> bool {
    let running = instance.status.state.running.as_ref().and_then(|running| running.started_at.get());
    let turned = condition(&instance.pod.status.conditions, "Ready")
        .and_then(|ready| ready.last_transition_time.get());
    running.zip(turned).is_none_or(|(start, turned)| turned <= start)
}
