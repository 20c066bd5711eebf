//! Evictions that disruption budgets refuse while a node is to be emptied.

use std::collections::BTreeMap;

use super::super::health::{newest_event, node_ref};
use super::super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Node, Object, Pod, PodDisruptionBudget};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::Evidence;

/// What this file states.
pub(super) const FACT: FactSpec = FactSpec {
    name: "deletion.eviction-blocked",
    about: "a disruption budget allows no eviction while one is wanted",
    params: &[
        (
            "by",
            "always where the budget never allows one, unhealthy where pods are not ready, several where another budget selects the same pods",
        ),
        ("wanted_by", "drain or event"),
        ("healthy", "how many pods are healthy"),
        ("desired", "how many must be"),
        ("expected", "how many there are"),
        ("rule", "the budget's rule"),
        (
            "certainty",
            "decisive from an event, computed from a node to be emptied with the budget's pods on it",
        ),
    ],
    refs: &[
        ("node", "the node that is drained"),
        ("workload", "the workload that the budget protects"),
        ("other", "the older budget that selects the same pods"),
    ],
};

/// States the budgets that refuse evictions which somebody wants.
pub(super) fn run(context: &Context<'_>, facts: &mut Facts) {
    let emptied: BTreeMap<&str, Evidence> = context
        .state
        .nodes
        .iter()
        .filter_map(|node| Some((node.metadata.name.as_str(), is_emptied(node, facts)?)))
        .collect();
    for budget in &context.state.disruption_budgets {
        if let Some(fact) = refused(context, budget, &emptied) {
            facts.add(fact);
        }
    }
    let leaving = context.state.pods.iter().filter(|pod| is_evictable(pod));
    for pod in leaving {
        if let Some(stated) = emptied.get(pod.spec.node_name.as_str())
            && let Some(fact) = contested(context, pod, stated)
        {
            facts.add(fact);
        }
    }
}

/// What says that the pods of a node are to go elsewhere.
fn is_emptied(node: &Node, facts: &Facts) -> Option<Evidence> {
    let object = node.object_ref();
    if node.spec.unschedulable {
        return Some(Evidence::spec(object, "spec.unschedulable", "true"));
    }
    if let Some(asked) = node.metadata.deletion_timestamp.get() {
        return Some(Evidence::status(object, "metadata.deletionTimestamp", asked.to_string()).at(asked));
    }
    let marked = facts.about("node.terminating", &object).next()?;
    Some(Evidence::spec(object, "spec.taints", marked.text("taint")))
}

/// Whether a budget has a say in a pod's eviction.
fn is_evictable(pod: &Pod) -> bool {
    let daemon = pod.metadata.controller().is_some_and(|owner| owner.kind == Kind::DaemonSet.as_str());
    !pod.is_finished() && !pod.is_deleting() && pod.status.phase != "Pending" && !daemon
}

/// A pod that several budgets select: the eviction API refuses it, whatever they allow.
fn contested(context: &Context<'_>, pod: &Pod, stated: &Evidence) -> Option<Fact> {
    let budgets = context.state.disruption_budgets.in_namespace(&pod.metadata.namespace);
    let selects = |budget: &&PodDisruptionBudget| {
        budget.spec.selector.as_ref().is_some_and(|selector| selector.matches(&pod.metadata.labels))
    };
    let mut selecting: Vec<&PodDisruptionBudget> = budgets.iter().filter(selects).collect();
    // The one that came last broke it.
    selecting.sort_by_key(|budget| (budget.metadata.creation_timestamp, &budget.metadata.name));
    let (newest, older) = selecting.split_last()?;
    let other = older.last()?.object_ref();
    let workload = context.topology.workload_of_pod(pod);
    let selects = |object: ObjectRef| Evidence::spec(object, "spec.selector", format!("selects {workload}"));
    let fact = Fact::new("deletion.eviction-blocked", newest.object_ref())
        .param("by", "several")
        .param("wanted_by", "drain")
        .param("certainty", "computed")
        .evidence([selects(newest.object_ref()), selects(other.clone())])
        .object("other", other);
    Some(drained(fact, workload, &pod.spec.node_name, stated))
}

/// Adds the node that waits for the eviction.
fn drained(fact: Fact, workload: ObjectRef, node: &str, stated: &Evidence) -> Fact {
    let node = node_ref(node);
    fact.object("node", node.clone()).object("workload", workload).affects(node).evidence([stated.clone()])
}

fn refused(
    context: &Context<'_>,
    budget: &PodDisruptionBudget,
    emptied: &BTreeMap<&str, Evidence>,
) -> Option<Fact> {
    let status = &budget.status;
    if status.disruptions_allowed > 0 || status.expected_pods == 0 {
        return None;
    }
    let selector = budget.spec.selector.as_ref()?;
    let object = budget.object_ref();
    let pods = context
        .state
        .pods
        .in_namespace(object.ns())
        .iter()
        .filter(|pod| !pod.is_finished() && selector.matches(&pod.metadata.labels));
    let mut waiting: Option<(&Pod, &Evidence)> = None;
    let mut event = None;
    for pod in pods {
        let stated = emptied.get(pod.spec.node_name.as_str());
        waiting = waiting.or(stated.map(|stated| (pod, stated)));
        event = event.or_else(|| {
            newest_event(context, &pod.object_ref(), |event| event.message.contains("disruption budget"))
        });
    }
    if waiting.is_none() && event.is_none() {
        return None;
    }
    let always = status.desired_healthy >= status.expected_pods;
    let rule = match (&budget.spec.min_available, &budget.spec.max_unavailable) {
        (Some(least), _) => format!("minAvailable {least}"),
        (None, Some(most)) => format!("maxUnavailable {most}"),
        (None, None) => String::new(),
    };
    let fact = Fact::new("deletion.eviction-blocked", object.clone())
        .param("by", if always { "always" } else { "unhealthy" })
        .param("wanted_by", if event.is_some() { "event" } else { "drain" })
        .param("healthy", status.current_healthy)
        .param("desired", status.desired_healthy)
        .param("expected", status.expected_pods)
        .param("rule", rule.clone())
        .param("certainty", if event.is_some() { "decisive" } else { "computed" })
        .evidence([
            Evidence::status(object.clone(), "status.disruptionsAllowed", "0"),
            Evidence::spec(object, "spec", rule),
        ]);
    let fact = match waiting {
        Some((pod, stated)) => {
            drained(fact, context.topology.workload_of_pod(pod), &pod.spec.node_name, stated)
        }
        None => fact,
    };
    Some(fact.evidence(event.map(Evidence::event)))
}
