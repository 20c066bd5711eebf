//! Init containers that do not come to an end, and what they wait for.

use super::container::{Instance, instances, state};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Object, Text};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::{Evidence, Source, duration};

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "init.waits",
    about: "an init container runs without an end, so that the pod's containers do not start",
    params: &[
        ("container", "the init container"),
        ("native_sidecar", "whether it is a sidecar (restartPolicy Always) that has not started"),
        ("seconds", "how long it has been running"),
        ("target", "what its log, command or variables name"),
        ("exists", "yes, no or unknown: whether that exists"),
        ("line", "the last line of its log"),
    ],
    refs: &[("waits_for", "the object that it waits for")],
}];

/// Seconds that any init container may take.
const PATIENCE: i64 = 15;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for instance in instances(context).into_iter().filter(|instance| instance.init) {
        let Some(running) = &instance.status.state.running else { continue };
        let native = instance.spec.is_some_and(|spec| spec.restart_policy == "Always");
        if native && (instance.status.started != Some(false) || instance.status.ready) {
            continue;
        }
        let seconds = context.state.age_seconds(running.started_at).unwrap_or(i64::MAX);
        if seconds >= PATIENCE {
            state(facts, explain(context, &instance, native, seconds));
        }
    }
}

fn explain(context: &Context<'_>, instance: &Instance<'_>, native: bool, seconds: i64) -> Fact {
    let line = last_line(context, instance);
    let mut fact = Fact::new("init.waits", instance.workload.clone())
        .param("container", instance.name())
        .param("native_sidecar", native)
        .evidence([Evidence::status(
            instance.pod_ref(),
            instance.path("state"),
            format!("running for {}", duration(seconds)),
        )])
        .since(instance.status.state.running.as_ref().and_then(|running| running.started_at.get()));
    if seconds < i64::MAX {
        fact = fact.param("seconds", seconds);
    }
    if let Some(line) = &line {
        fact = fact.param("line", line.clone()).evidence([Evidence::new(
            Source::Log,
            instance.pod_ref(),
            format!("log of {}", instance.name()),
            "last line",
        )
        .excerpt(line.clone())]);
    }
    match target(context, instance, line.as_deref().unwrap_or_default()) {
        Some(target) => {
            let exists = match context.state.exists(&target.kind, target.ns(), &target.name) {
                crate::cluster::Truth::True => "yes",
                crate::cluster::Truth::False => "no",
                crate::cluster::Truth::Unknown => "unknown",
            };
            fact.param("target", target.to_string()).param("exists", exists).object("waits_for", target)
        }
        None => fact,
    }
}

/// The last line with any text, stripped of control characters.
fn last_line(context: &Context<'_>, instance: &Instance<'_>) -> Option<String> {
    let log =
        context.state.logs.get(instance.namespace(), &instance.pod.metadata.name, instance.name(), false)?;
    let line = log.text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(200).collect())
}

/// What the init container waits for: an object of its namespace that its log, command or
/// variables name; a Service's workload is left to the relations.
fn target(context: &Context<'_>, instance: &Instance<'_>, line: &str) -> Option<ObjectRef> {
    let spec = instance.spec;
    let values = spec.into_iter().flat_map(|spec| &spec.env).filter_map(|variable| variable.value.as_deref());
    let words = spec.into_iter().flat_map(|spec| spec.command.iter().chain(&spec.args)).map(Text::as_str);
    let texts: Vec<&str> = std::iter::once(line).chain(words).chain(values).collect();
    let namespace = instance.namespace();
    let own = |name: &str| *instance.workload.name == *name;
    let named = |name: &str| texts.iter().any(|text| names(text, name));
    let jobs =
        context.state.workloads.in_namespace(namespace).iter().filter(|workload| workload.kind == Kind::Job);
    let services = context.state.services.in_namespace(namespace).iter();
    let workloads = context
        .state
        .workloads
        .in_namespace(namespace)
        .iter()
        .filter(|workload| matches!(workload.kind, Kind::Deployment | Kind::StatefulSet));
    let best = |found: Vec<ObjectRef>| {
        // The longest name: `db-migrate` rather than `db`.
        found
            .into_iter()
            .filter(|object| !own(&object.name) && named(&object.name))
            .max_by_key(|object| object.name.len())
    };
    best(jobs.map(Object::object_ref).collect())
        .or_else(|| best(services.map(Object::object_ref).collect()))
        .or_else(|| best(workloads.map(Object::object_ref).collect()))
        .or_else(|| absent_service(context, instance))
}

/// A Service that the configured call of the init container names and that does not exist.
fn absent_service(context: &Context<'_>, instance: &Instance<'_>) -> Option<ObjectRef> {
    context.topology.calls_of(instance.workload).find_map(|call| match &call.target {
        crate::cluster::address::Target::Missing(service) if call.container == instance.name() => {
            Some(service.clone())
        }
        _ => None,
    })
}

/// Whether a text names an object as a word of its own; short names must stand as hosts or `kind/name`.
fn names(text: &str, name: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    text.match_indices(name).any(|(start, found)| {
        let before = text.get(..start).and_then(|head| head.chars().next_back());
        let after = text.get(start + found.len()..).and_then(|tail| tail.chars().next());
        edge(before) && edge(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_words() {
        assert!(names("until nc -z ledger-db 5432; do sleep 1; done", "ledger-db"));
        assert!(names("waiting for job/migrate to complete", "migrate"));
        assert!(!names("until nc -z ledger-db-0 5432", "ledger-db"));
        assert!(!names("ledger-db", "db"));
    }
}
