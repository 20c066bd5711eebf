//! Deletions and evictions that do not complete: who still holds on.
//!
//! The object to change is the holder of the finalizer, which for a namespace is one of the
//! objects in it. A deletion that is younger than its grace period is in progress, no fault, unless
//! its replacement has to wait for it.

mod eviction;
mod grace;

use super::health::{affecting, condition_evidence, mounting, newest_event, node_ref};
use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::types::{Condition, Meta, Namespace, Object, Pod, Text, condition};
use crate::cluster::{ClusterState, ObjectRef};
use crate::evidence::{Evidence, duration};
use crate::logs::LogFinding;

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "deletion.blocked",
        about: "the object was asked to go and cannot",
        params: &[
            ("by", "finalizer, child, discovery, in-use, node-dead, kubelet or grace"),
            ("kind", "pod, namespace, claim, volume or object"),
            ("finalizers", "the finalizers in the way"),
            (
                "waiting",
                "seconds since the deletion should have been done or, within the grace period, was asked for",
            ),
            ("grace", "the grace period in seconds, where the pod uses it and its replacement waits"),
            ("hook", "the preStop hook that it may wait for"),
            ("rule", "why no replacement is made meanwhile"),
            ("matters", "if-told where other pods serve meanwhile"),
            ("message", "what a condition or event says"),
            ("children", "what is left in the namespace"),
        ],
        refs: &[
            ("holder", "the object that bears the finalizer"),
            ("pod", "the pod that is stuck"),
            ("user", "the workload that still uses it"),
            ("node", "the node that does not answer"),
            ("namespace", "the namespace"),
        ],
    },
    eviction::FACT,
];

/// Seconds after which a deletion without any holder is stuck at the kubelet.
const KUBELET: i64 = 30;
/// Finalizers that the garbage collector removes by itself.
const OWN: [&str; 2] = ["foregroundDeletion", "orphan"];

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    for pod in &context.state.pods {
        if let Some(fact) = stuck_pod(context, pod, facts) {
            facts.add(fact);
        }
    }
    grace::run(context, facts);
    let turned_away: Vec<&LogFinding> = context
        .logs
        .iter()
        .filter(|one| one.signature == "namespace-terminating" && !one.recovered)
        .collect();
    for namespace in &context.state.namespaces {
        if let Some(fact) = stuck_namespace(context, namespace) {
            let clients = turned_away.iter().filter(|one| one.param("name") == namespace.metadata.name);
            facts.add(
                clients.fold(fact, |fact, one| fact.affects(one.workload.clone()).evidence([net::line(one)])),
            );
        }
    }
    for (meta, object) in deleting(context.state) {
        if let Some(fact) = stuck_object(context, meta, object) {
            facts.add(fact);
        }
    }
    eviction::run(context, facts);
}

/// Seconds since a deletion should have been done; none where none was asked for.
fn overdue(context: &Context<'_>, meta: &Meta) -> Option<i64> {
    context.state.age_seconds(meta.deletion_timestamp).filter(|age| *age >= 0)
}

/// Finalizers that somebody has to remove.
fn held(meta: &Meta) -> Vec<&str> {
    meta.finalizers.iter().map(Text::as_str).filter(|name| !OWN.contains(name)).collect()
}

fn stuck_pod(context: &Context<'_>, pod: &Pod, facts: &Facts) -> Option<Fact> {
    let waiting = overdue(context, &pod.metadata)?;
    let object = pod.object_ref();
    let workload = context.topology.workload_of_pod(pod);
    let base = |by: &'static str| {
        Fact::new("deletion.blocked", object.clone())
            .param("kind", "pod")
            .param("by", by)
            .param("waiting", waiting)
            .object("pod", object.clone())
            .affects(workload.clone())
            .since(pod.metadata.deletion_timestamp.get())
    };
    let finalizers = held(&pod.metadata);
    if !finalizers.is_empty() {
        let evidence = Evidence::spec(object.clone(), "metadata.finalizers", finalizers.join(", "));
        return Some(
            base("finalizer")
                .param("finalizers", finalizers.join(", "))
                .object("holder", object.clone())
                .evidence([evidence]),
        );
    }
    if waiting < KUBELET {
        return None;
    }
    let node = node_ref(&pod.spec.node_name);
    // A silent kubelet stops no pod; that is said of the node, once.
    if facts.about("node.unready", &node).any(|unready| unready.text("by") == "kubelet") {
        return None;
    }
    if facts.holds("node.unready", &node)
        || (!pod.spec.node_name.is_empty()
            && context.state.exists(&node.kind, "", &node.name) == crate::cluster::Truth::False)
    {
        let evidence = Evidence::spec(object.clone(), "spec.nodeName", pod.spec.node_name.clone());
        return Some(base("node-dead").object("node", node).evidence([evidence]));
    }
    let evidence =
        Evidence::status(object.clone(), "metadata.deletionTimestamp", format!("{} ago", duration(waiting)));
    let mut fact = base("kubelet").object("node", node).evidence([evidence]);
    if let Some(event) = newest_event(context, &object, |event| {
        matches!(event.reason.as_str(), "FailedKillPod" | "ExceededGracePeriod" | "FailedPreStopHook")
    }) {
        fact = fact.param("message", event.message.clone()).evidence([Evidence::event(event)]);
    }
    Some(fact)
}

fn stuck_namespace(context: &Context<'_>, namespace: &Namespace) -> Option<Fact> {
    let waiting = overdue(context, &namespace.metadata)?;
    let object = namespace.object_ref();
    let mut fact = Fact::new("deletion.blocked", object.clone())
        .param("kind", "namespace")
        .param("waiting", waiting)
        .object("namespace", object.clone())
        .since(namespace.metadata.deletion_timestamp.get());
    let says = |name| condition(&namespace.status.conditions, name).filter(|found| found.is_true());
    for name in [
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionContentFailure",
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
    ] {
        if let Some(found) = says(name) {
            fact = fact.evidence([condition_evidence(object.clone(), found)]);
        }
    }
    let own = held(&namespace.metadata);
    let children: Vec<(&Meta, ObjectRef)> = in_namespace(context.state, &object.name)
        .into_iter()
        .filter(|(meta, _)| !held(meta).is_empty())
        .collect();
    if let Some((meta, holder)) = children.first() {
        let finalizers = held(meta).join(", ");
        let evidence = Evidence::spec(holder.clone(), "metadata.finalizers", finalizers.clone());
        fact = fact
            .param("by", "child")
            .param("finalizers", finalizers)
            .param(
                "children",
                children.iter().map(|(_, child)| child.to_string()).take(5).collect::<Vec<_>>().join(", "),
            )
            .object("holder", holder.clone())
            .evidence([evidence]);
        return Some(affecting(fact, children.into_iter().map(|(_, child)| child)));
    }
    if let Some(found) = says("NamespaceFinalizersRemaining") {
        return Some(
            fact.param("by", "child")
                .param("message", found.message.clone())
                .param("finalizers", remaining(found)),
        );
    }
    if let Some(found) = says("NamespaceDeletionDiscoveryFailure") {
        return Some(fact.param("by", "discovery").param("message", found.message.clone()));
    }
    if !own.is_empty() {
        let evidence = Evidence::spec(object.clone(), "metadata.finalizers", own.join(", "));
        return Some(
            fact.param("by", "finalizer")
                .param("finalizers", own.join(", "))
                .object("holder", object)
                .evidence([evidence]),
        );
    }
    None
}

/// The finalizers that `… has finalizers remaining: a/b in 1 resource instances` names.
fn remaining(condition: &Condition) -> String {
    let (_, rest) = condition.message.split_once("remaining: ").unwrap_or(("", &condition.message));
    rest.split(", ").filter_map(|part| part.split(" in ").next()).collect::<Vec<_>>().join(", ")
}

fn stuck_object(context: &Context<'_>, meta: &Meta, object: ObjectRef) -> Option<Fact> {
    use crate::cluster::Kind;
    let waiting = overdue(context, meta)?;
    let finalizers = held(meta);
    if finalizers.is_empty() {
        return None;
    }
    let evidence = Evidence::spec(object.clone(), "metadata.finalizers", finalizers.join(", "));
    let fact = Fact::new("deletion.blocked", object.clone())
        .param("waiting", waiting)
        .param("finalizers", finalizers.join(", "))
        .object("holder", object.clone())
        .evidence([evidence])
        .since(meta.deletion_timestamp.get());
    let kind = match object.kind {
        Kind::PersistentVolumeClaim => "claim",
        Kind::PersistentVolume => "volume",
        _ => "object",
    };
    let fact = fact.param("kind", kind);
    if kind == "claim" && finalizers == ["kubernetes.io/pvc-protection"] {
        let user = mounting(context, &object)
            .into_iter()
            .find(|workload| !context.topology.pods_of(workload).is_empty());
        return Some(match user {
            Some(user) => fact.param("by", "in-use").object("user", user),
            None => fact.param("by", "finalizer"),
        });
    }
    if kind == "volume" && finalizers == ["kubernetes.io/pv-protection"] {
        return Some(fact.param("by", "in-use"));
    }
    Some(fact.param("by", "finalizer"))
}

macro_rules! tables {
    ($($table:ident)*) => {
        /// Objects other than pods and namespaces that are being deleted.
        fn deleting(state: &ClusterState) -> Vec<(&Meta, ObjectRef)> {
            let mut found: Vec<(&Meta, ObjectRef)> = Vec::new();
            $(found.extend(state.$table.iter().filter(|item| item.meta().deletion_timestamp.is_some()).map(|item| (item.meta(), item.object_ref())));)*
            found
        }

        /// Objects of a namespace that are being deleted, pods last: their finalizers end with their controllers'.
        fn in_namespace<'a>(state: &'a ClusterState, namespace: &str) -> Vec<(&'a Meta, ObjectRef)> {
            let pods = state.pods.in_namespace(namespace).iter().filter(|pod| pod.is_deleting());
            let mut found: Vec<(&Meta, ObjectRef)> =
                deleting(state).into_iter().filter(|(meta, _)| meta.namespace == namespace).collect();
            found.extend(pods.map(|pod| (&pod.metadata, pod.object_ref())));
            found
        }
    };
}
tables!(workloads services ingresses network_policies claims volumes config_maps secrets service_accounts roles
    role_bindings quotas limit_ranges autoscalers disruption_budgets crds webhooks api_services nodes);
