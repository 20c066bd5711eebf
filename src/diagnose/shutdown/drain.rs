//! The time that a process takes to stop against the time that its pod gives it.
//!
//! At the end of the grace period the process is killed, whatever it still has in hand. How long it
//! means to take is told by its log when it is told to stop, by its settings, or by its preStop hook.

use super::super::Context;
use super::base;
use crate::cluster::types::{Container, Object, Pod};
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::Fact;
use crate::evidence::{Evidence, Source};

/// How long a container means to take, and what says so.
struct Drain {
    seconds: i64,
    known_by: String,
    evidence: Evidence,
}

/// Containers of a pod under deletion that need longer than they have.
pub(super) fn too_long(context: &Context<'_>, workload: &ObjectRef, pod: &Pod) -> Vec<Fact> {
    let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or_else(|| grace(pod));
    let longer = |container: &&Container| {
        let said = said(context, workload, pod, container);
        let drain = said.or_else(|| configured(pod, container)).filter(|drain| drain.seconds > grace);
        drain.map(|drain| fact(context, workload, container, grace, drain))
    };
    pod.spec.containers.iter().filter_map(|container| longer(&container)).collect()
}

/// Containers whose settings ask for longer than the grace period, where pods of the workload were
/// stopped lately and are gone.
pub(super) fn asks_too_long(context: &Context<'_>, workload: &ObjectRef) -> Option<Fact> {
    let pods = context.topology.pods_of(workload);
    let pod = pods.iter().find(|pod| !pod.is_deleting() && !pod.is_finished())?;
    let longer = grace(pod);
    let asks = |container: &Container| configured(pod, container).is_some_and(|drain| drain.seconds > longer);
    // Few ask: events are looked through for those alone.
    if !pod.spec.containers.iter().any(asks) {
        return None;
    }
    let stopped = context.state.events.iter().rev().find(|event| {
        let stops = event.reason == "Killing" && event.message.starts_with("Stopping container");
        let object = if stops { event.object() } else { return false };
        object.kind == Kind::Pod
            && context.state.pods.get(object.ns(), &object.name).is_none()
            && context.since.is_none_or(|since| event.last().get().is_none_or(|last| last >= since))
            && super::workload_of(context, &object).as_ref() == Some(workload)
    })?;
    let grace = grace(pod);
    pod.spec.containers.iter().find_map(|container| {
        let drain = configured(pod, container).filter(|drain| drain.seconds > grace)?;
        let fact = fact(context, workload, container, grace, drain);
        Some(fact.param("certainty", "suggestive").evidence([Evidence::event(stopped)]))
    })
}

fn grace(pod: &Pod) -> i64 {
    pod.spec.termination_grace_period_seconds.unwrap_or(30)
}

fn fact(
    context: &Context<'_>,
    workload: &ObjectRef,
    container: &Container,
    grace: i64,
    drain: Drain,
) -> Fact {
    base(context, workload, "grace")
        .param("container", container.name.clone())
        .param("grace", grace)
        .param("drain", drain.seconds)
        .param("known_by", drain.known_by)
        .evidence([drain.evidence])
}

/// What the log says when the process is told to stop: `draining, will wait up to 120s`.
fn said(context: &Context<'_>, workload: &ObjectRef, pod: &Pod, container: &Container) -> Option<Drain> {
    let mut told = context.logs.with(workload, "sigterm-received");
    let line = told.find(|finding| {
        finding.key.container == container.name
            && finding.key.pod == pod.metadata.name
            && !finding.key.previous
    })?;
    let words: Vec<&str> = line.excerpt.split_whitespace().collect();
    let pairs = words.iter().zip(words.iter().skip(1).chain(std::iter::once(&"")));
    let seconds = pairs.filter_map(|(word, next)| {
        let word = word.trim_matches(['(', ')', ',', '.', ';', ':']);
        duration(word).or_else(|| duration(&format!("{word}{}", next.trim_matches([',', '.', ')']))))
    });
    Some(Drain {
        seconds: seconds.max()?,
        known_by: "its log".to_owned(),
        evidence: Evidence::new(
            Source::Log,
            pod.object_ref(),
            format!("log of {}", container.name),
            line.signature,
        )
        .excerpt(line.excerpt.clone())
        .at(line.last),
    })
}

/// What the container's settings or its preStop hook ask for.
fn configured(pod: &Pod, container: &Container) -> Option<Drain> {
    let path = format!("spec.containers[{}]", container.name);
    let variables = container.env.iter().filter_map(|variable| {
        let value = variable.value.as_deref()?;
        let seconds = about_stopping(&variable.name).then(|| setting(&variable.name, value))??;
        let text = format!("{}={value}", variable.name);
        Some(Drain {
            seconds,
            known_by: variable.name.to_string(),
            evidence: Evidence::spec(pod.object_ref(), format!("{path}.env"), text),
        })
    });
    let hook = container.lifecycle.pre_stop.as_ref().and_then(|hook| {
        let command = hook.exec.as_ref().map(|exec| exec.command.join(" "))?;
        let (_, rest) = command.split_once("sleep ")?;
        let word = rest.split([' ', ';', '&', '"']).next()?;
        Some(Drain {
            seconds: word.parse().ok().or_else(|| duration(word))?,
            known_by: "its preStop hook".to_owned(),
            evidence: Evidence::spec(pod.object_ref(), format!("{path}.lifecycle.preStop"), command),
        })
    });
    variables.chain(hook).max_by_key(|drain| drain.seconds)
}

/// Whether a variable's name says that it is about how long stopping may take.
fn about_stopping(name: &str) -> bool {
    let name = name.to_uppercase();
    let stops =
        ["DRAIN", "SHUTDOWN", "GRACEFUL", "STOP_", "TERMINATION"].iter().any(|word| name.contains(word));
    stops
        && [
            "TIMEOUT", "PERIOD", "SECONDS", "SECS", "_MS", "MILLIS", "DURATION", "WAIT", "GRACE", "DEADLINE",
            "TIME",
        ]
        .iter()
        .any(|word| name.contains(word))
}

/// The seconds of a setting: a bare number is in the unit that the name says, else in seconds where
/// that can be meant.
fn setting(name: &str, value: &str) -> Option<i64> {
    let Ok(number) = value.parse::<i64>() else { return duration(value) };
    let name = name.to_uppercase();
    if name.ends_with("_MS") || name.contains("MILLI") {
        return Some(number / 1000);
    }
    (number < 1000 || name.contains("SEC")).then_some(number)
}

/// A duration with its unit, as Go and people write it: `120s`, `2m30s`, `90 seconds` joined.
fn duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0_i64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let milliseconds = match unit.to_lowercase().as_str() {
            "ms" | "millis" | "milliseconds" => 1,
            "s" | "sec" | "secs" | "second" | "seconds" => 1000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
            "h" | "hour" | "hours" => 3_600_000,
            _ => return None,
        };
        total = total.saturating_add(number.parse::<i64>().ok()?.saturating_mul(milliseconds));
        rest = tail;
    }
    (total > 0).then_some(total / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_logs_and_settings() {
        assert_eq!(duration("120s"), Some(120));
        assert_eq!(duration("2m30s"), Some(150));
        assert_eq!(duration("90seconds"), Some(90));
        assert_eq!(duration("6jobs"), None);
        assert_eq!(duration("2026-11-23"), None);
        assert_eq!(setting("DRAIN_TIMEOUT", "120"), Some(120));
        assert_eq!(setting("SHUTDOWN_TIMEOUT_MS", "45000"), Some(45));
        assert_eq!(setting("SHUTDOWN_TIMEOUT", "45000"), None);
        assert!(about_stopping("DRAIN_TIMEOUT"));
        assert!(about_stopping("GRACEFUL_SHUTDOWN_PERIOD"));
        assert!(!about_stopping("DB_TIMEOUT"));
        assert!(!about_stopping("SHUTDOWN_HOOK_URL"));
    }
}
