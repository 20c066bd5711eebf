//! Chaos experiments that inject a fault now, and into which workloads.

use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::ObjectRef;
use crate::cluster::types::Object;
use crate::evidence::Evidence;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[FactSpec {
    name: "chaos.active",
    about: "a chaos experiment injects a fault into pods now",
    params: &[
        ("kind", "the kind of fault, such as NetworkChaos"),
        ("action", "what it does, such as delay"),
        ("targets", "the workloads whose pods it injects the fault into"),
    ],
    refs: &[("target", "the first of these workloads")],
}];

/// Faults that are over once they are injected.
const AT_ONCE: &[&str] = &["pod-kill", "container-kill"];
/// Seconds for which these count.
const LATELY: i64 = 600;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for experiment in context.state.custom_resources.iter().filter(|one| {
        let chaos = one.kind.custom().is_some_and(|known| known.family == "chaos-mesh");
        chaos && !one.paused && one.metadata.deletion_timestamp.is_none()
    }) {
        let created = experiment.metadata.creation_timestamp;
        let age = context.state.age_seconds(created).unwrap_or_default();
        if experiment.parts.is_empty() || (AT_ONCE.contains(&experiment.action.as_str()) && age > LATELY) {
            continue;
        }
        let mut targets: Vec<ObjectRef> =
            experiment.parts.iter().map(|pod| context.topology.workload_of(pod)).collect();
        targets.sort();
        targets.dedup();
        let Some(first) = targets.first().cloned() else { continue };
        let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
        let path = "status.experiment.containerRecords";
        let value = format!("injected into {} pods", experiment.parts.len());
        let mut fact = Fact::new("chaos.active", experiment.object_ref())
            .param("kind", experiment.kind.to_string())
            .param("targets", names)
            .object("target", first)
            .since(created.get())
            .evidence([Evidence::status(experiment.object_ref(), path, value).at(created.get())]);
        if !experiment.action.is_empty() {
            fact = fact.param("action", experiment.action.clone());
        }
        facts.add(targets.into_iter().fold(fact, Fact::affects));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::test_state::{facts_of, state};
    use super::*;

    fn active(action: &str, phase: &str, desired: &str, annotation: &str) -> usize {
        let experiment = json!({
            "kind": "NetworkChaos",
            "metadata": {"name": "delay", "creationTimestamp": "2026-03-01T10:00:00Z",
                "annotations": {"experiment.chaos-mesh.org/pause": annotation}},
            "spec": {"action": action},
            "status": {"experiment": {"desiredPhase": desired, "containerRecords": [{"id": "shop/web-1/app", "phase": phase}]}},
        });
        facts_of(run, &state(&[experiment])).named("chaos.active").count()
    }

    #[test]
    fn only_faults_that_are_injected_now_count() {
        assert_eq!(active("delay", "Injected", "Run", ""), 1);
        assert_eq!(active("delay", "Not Injected", "Run", ""), 0);
        assert_eq!(active("delay", "Injected", "Stop", ""), 0);
        assert_eq!(active("delay", "Injected", "Run", "true"), 0);
        assert_eq!(active("pod-kill", "Injected", "Run", ""), 0);
    }
}
