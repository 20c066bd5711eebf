//! Alerts and range metrics: who got slow on its own, which node loses packets.
//!
//! Telemetry shows effects: callers of a slow service are slow too. So only the outlier is stated,
//! and never that something delays it, which no metric read here can show.

mod node_delay;
mod role;

use std::collections::BTreeMap;

use super::{Context, Fact, FactSpec, Facts, net};
use crate::cluster::selector::Labels;
use crate::cluster::types::{Object, Text};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::{Evidence, Source};
use role::{Change, Role};

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "latency.outlier",
        about: "a workload's latency rose more than that of any other, and its CPU did not",
        params: &[
            ("baseline", "latency before"),
            ("current", "latency now"),
            ("ratio", "how many times the one is of the other"),
            ("others", "other workloads whose latency rose, as callers' does"),
            ("mechanism", "inferred: nothing read here shows what delays it"),
            ("certainty", "computed, suggestive where another rose nearly as much"),
        ],
        refs: &[],
    },
    node_delay::FACT,
    FactSpec {
        name: "node.retransmission",
        about: "TCP retransmissions rose on one node far more than on the others",
        params: &[
            ("baseline", "rate before"),
            ("current", "rate now"),
            ("others", "the highest rate of another node"),
        ],
        refs: &[],
    },
];

/// Rises below this factor are everyday.
const RISE: f64 = 2.0;
/// CPU rises below this factor come with load.
const CPU_RISE: f64 = 3.0;
/// Retransmissions per second that no healthy network has.
const RETRANSMISSIONS: f64 = 1.0;

/// What is known of one object's behaviour.
#[derive(Debug, Default)]
struct Behaviour {
    changes: BTreeMap<Role, Change>,
    evidence: Vec<Evidence>,
}

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    if context.state.alerts.is_empty() && context.state.series.is_empty() {
        return;
    }
    let behaviours = behaviours(context);
    nodes(&behaviours, facts);
    if !saturated(&behaviours) {
        latency(context, &behaviours, facts);
        node_delay::run(context, &behaviours, facts);
    }
}

/// Alerts first: they state what was normal. Series only fill in what no alert covers.
fn behaviours(context: &Context<'_>) -> BTreeMap<ObjectRef, Behaviour> {
    let mut all: BTreeMap<ObjectRef, Behaviour> = BTreeMap::new();
    for alert in context.state.alerts.iter().filter(|alert| alert.status.state != "suppressed") {
        let Some(object) = object_of(context, &alert.labels) else { continue };
        let text = role::text_of(alert);
        for (role, change) in role::of_alert(&text) {
            let behaviour = all.entry(object.clone()).or_default();
            let known = behaviour.changes.get(&role);
            if known.is_none_or(|known| change.ratio() > known.ratio()) {
                behaviour.changes.insert(role, change);
            }
        }
        if let Some(behaviour) = all.get_mut(&object) {
            let name = alert.labels.get("alertname").cloned().unwrap_or_default();
            let evidence = Evidence::new(Source::Alert, object, "alert", name)
                .excerpt(role::said_by(alert))
                .at(alert.starts_at.get());
            behaviour.evidence.push(evidence);
        }
    }
    // With alerts, what raised none is within bounds.
    if all.values().all(|behaviour| !behaviour.changes.contains_key(&Role::Latency)) {
        for series in &context.state.series {
            let name = series.metric.get("__name__").map_or("", Text::as_str);
            let (Some(object), Some(role)) = (object_of(context, &series.metric), role::of_metric(name))
            else {
                continue;
            };
            let Some(change) = role::change_of(&series.values) else { continue };
            if change.ratio() < RISE {
                continue;
            }
            let behaviour = all.entry(object.clone()).or_default();
            let known = behaviour.changes.get(&role);
            if known.is_none_or(|known| change.ratio() > known.ratio()) {
                let value = format!("{:.2} → {:.2}", change.before, change.now);
                behaviour.evidence.push(Evidence::new(Source::Metric, object, name, value));
                behaviour.changes.insert(role, change);
            }
        }
    }
    all
}

/// Labels by which exporters, meshes and rules name a workload, the most specific first.
const WORKLOAD_LABELS: [&str; 16] = [
    "deployment",
    "statefulset",
    "daemonset",
    "workload",
    "destination_workload",
    "destination_canonical_service",
    "service",
    "service_name",
    "destination_service_name",
    "kubernetes_name",
    "app",
    "app_kubernetes_io_name",
    "component",
    "exported_service",
    "container",
    "pod",
];
const NODE_LABELS: [&str; 4] = ["node", "kubernetes_node", "nodename", "instance"];
const NAMESPACE_LABELS: [&str; 5] = [
    "namespace",
    "kubernetes_namespace",
    "destination_workload_namespace",
    "exported_namespace",
    "k8s_namespace_name",
];

/// The workload or node that labels name.
fn object_of(context: &Context<'_>, labels: &Labels) -> Option<ObjectRef> {
    let namespace = NAMESPACE_LABELS.iter().find_map(|key| labels.get(*key)).map_or("", Text::as_str);
    for name in WORKLOAD_LABELS.iter().filter_map(|key| labels.get(*key)) {
        let name = name.split('.').next().unwrap_or(name);
        if let Some(workload) = net::namesake(context, namespace, name) {
            return Some(workload);
        }
        let service = ObjectRef::new(Kind::Service, namespace, name);
        if let Some(workload) = net::behind(context, &service).into_iter().next() {
            return Some(workload);
        }
        if let Some(pod) = context.state.pods.get(namespace, name) {
            return Some(context.topology.workload_of_pod(pod));
        }
    }
    NODE_LABELS.iter().filter_map(|key| labels.get(*key)).find_map(|name| {
        let bare = name.rsplit_once(':').map_or(name.as_str(), |(host, _)| host);
        let is = |node: &&crate::cluster::types::Node| {
            node.metadata.name == bare || node.status.addresses.iter().any(|address| address.address == bare)
        };
        context.state.nodes.iter().find(is).map(Object::object_ref)
    })
}

fn nodes(behaviours: &BTreeMap<ObjectRef, Behaviour>, facts: &mut Facts) {
    let mut rates: Vec<(&ObjectRef, &Change)> = behaviours
        .iter()
        .filter(|(object, _)| object.kind == Kind::Node)
        .filter_map(|(object, behaviour)| Some((object, behaviour.changes.get(&Role::Retransmission)?)))
        .collect();
    rates.sort_by(|a, b| b.1.now.total_cmp(&a.1.now).then_with(|| a.0.cmp(b.0)));
    let Some((node, change)) = rates.first().copied() else { return };
    let next = rates.get(1).map_or(0.0, |(_, change)| change.now);
    if change.now < RETRANSMISSIONS || change.now < 5.0 * next {
        return;
    }
    let evidence = behaviours.get(node).map(|behaviour| behaviour.evidence.clone()).unwrap_or_default();
    facts.add(
        Fact::new("node.retransmission", node.clone())
            .param("baseline", round(change.before))
            .param("current", round(change.now))
            .param("others", round(next))
            .evidence(evidence),
    );
}

/// Whether some workload's CPU is what makes it slow: then nothing is delayed.
fn saturated(behaviours: &BTreeMap<ObjectRef, Behaviour>) -> bool {
    behaviours.iter().filter(|(object, _)| object.kind != Kind::Node).any(|(_, behaviour)| {
        let changes = &behaviour.changes;
        changes.get(&Role::Cpu).is_some_and(|cpu| cpu.ratio() >= CPU_RISE)
            && changes.contains_key(&Role::Throttling)
            && changes.contains_key(&Role::Latency)
    })
}

/// The workload whose latency rose the most, relative to what was normal: a delay of a few
/// milliseconds is much to a fast callee and little to its slow callers.
fn latency(context: &Context<'_>, behaviours: &BTreeMap<ObjectRef, Behaviour>, facts: &mut Facts) {
    let slow: Vec<(&ObjectRef, &Change, &Behaviour)> = behaviours
        .iter()
        .filter(|(object, _)| object.kind != Kind::Node)
        .filter_map(|(object, behaviour)| Some((object, behaviour.changes.get(&Role::Latency)?, behaviour)))
        .filter(|(_, change, _)| change.ratio() >= RISE)
        .collect();
    // Without a baseline the rise is not known; then the least slow is the deepest.
    let measured = slow.iter().any(|(_, change, _)| change.before > 0.0);
    let mut ranked: Vec<_> = slow.iter().filter(|(_, change, _)| !measured || change.before > 0.0).collect();
    ranked.sort_by(|a, b| {
        let order = if measured { b.1.ratio().total_cmp(&a.1.ratio()) } else { a.1.now.total_cmp(&b.1.now) };
        order.then_with(|| a.0.cmp(b.0))
    });
    // A callee that is in the list itself explains its caller better than the caller's own rise.
    let calls = |caller: &ObjectRef, callee: &ObjectRef| {
        context.topology.services_of(callee).any(|service| net::users_of(context, service).contains(caller))
    };
    let deepest =
        |object: &ObjectRef| !ranked.iter().any(|(other, ..)| *other != object && calls(object, other));
    let Some((object, change, behaviour)) =
        ranked.iter().find(|(object, ..)| deepest(object)).or(ranked.first())
    else {
        return;
    };
    let runner_up = ranked
        .iter()
        .filter(|(other, ..)| other != object)
        .map(|(_, other, _)| other.ratio())
        .fold(1.0, f64::max);
    let clear = measured && change.ratio() >= 1.05 * runner_up;
    // Alone with a baseline it needs no comparison; alone without one there is nothing to compare.
    let alone = ranked.len() == 1;
    let certain = if measured { clear || alone } else { !alone };
    let mut fact = Fact::new("latency.outlier", (*object).clone())
        .param("baseline", round(change.before))
        .param("current", round(change.now))
        .param("ratio", change.ratio().min(1e6).round())
        .param(
            "others",
            slow.iter()
                .filter(|(other, ..)| other != object)
                .map(|(other, ..)| other.name.to_string())
                .collect::<Vec<_>>(),
        )
        .param("mechanism", "inferred")
        .param("certainty", if certain { "computed" } else { "suggestive" })
        .evidence(behaviour.evidence.clone());
    for (other, ..) in slow.iter().filter(|(other, ..)| other != object) {
        fact = fact.affects((*other).clone());
    }
    facts.add(fact);
}

/// Two decimals, so that a report does not change with the last digit.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
