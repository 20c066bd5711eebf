//! Nodes that do not work: the kubelet, the runtime, the network plugin, resources, a component.
//!
//! A node's own conditions are authoritative where the kubelet still speaks; where it fell
//! silent, its lease is compared with the other nodes' leases, not with a clock. Conditions
//! whose polarity is not known are never faults.

pub(crate) mod eviction;
mod problem;

use std::collections::BTreeSet;

use super::health::{affecting, condition_evidence, newest_event, node_ref, workloads_on};
use super::{Context, Fact, FactSpec, Facts};
use crate::cluster::types::{Condition, Node, Object, Pod, Text, Time, condition};
use crate::cluster::{Kind, ObjectRef};
use crate::evidence::{Evidence, duration};

/// See [`super::Diagnoser::facts`].
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "node.unready",
        about: "the node is not Ready, and this part of it does not work",
        params: &[
            ("by", "kubelet, runtime, network-plugin, shutdown, uninitialized or unknown"),
            ("reason", "the Ready condition's reason"),
            ("message", "the Ready condition's message"),
            ("silent", "seconds since the kubelet's last sign of life"),
            ("workloads", "how many workloads have pods there"),
            ("together", "how many nodes fell silent together"),
            ("certainty", "decisive from the condition, computed from the lease alone"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "node.pressure",
        about: "the node lacks a resource and reports pressure",
        params: &[
            ("by", "memory, disk or pid"),
            ("message", "the condition's message"),
            ("evicted", "how many pods it evicted"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "node.problem",
        about: "a condition of known meaning says that something on the node is broken",
        params: &[
            ("condition", "the condition's type or the event's reason"),
            ("message", "its message"),
            ("certainty", "computed where only an event says so"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "node.component-down",
        about: "the node is Ready, but the pod that serves it with a cluster component is not",
        params: &[
            ("component", "kube-proxy or network"),
            ("by", "not-ready or absent"),
            ("reason", "the container's state"),
            ("pod", "the component's pod"),
            ("certainty", "computed where the pod is absent"),
        ],
        refs: &[("pod", "the component's pod"), ("workload", "the component's workload")],
    },
    FactSpec {
        name: "node.terminating",
        about: "the node is about to go away: its provider or an autoscaler has marked it",
        params: &[("taint", "the mark"), ("workloads", "how many workloads have pods there")],
        refs: &[],
    },
    FactSpec {
        name: "node.saturated",
        about: "usage of the node is close to what it can give",
        params: &[
            ("resource", "cpu or memory"),
            ("used", "usage"),
            ("allocatable", "what pods may use"),
            ("percent", "usage as a share"),
        ],
        refs: &[],
    },
    FactSpec {
        name: "node.device-gone",
        about: "the node has devices that it no longer offers to pods",
        params: &[("resource", "the extended resource"), ("capacity", "how many there are")],
        refs: &[],
    },
    eviction::FACT,
];

/// Where the leases of nodes are.
const NODE_LEASES: &str = "kube-node-lease";
/// Seconds a lease may lag behind the newest before the kubelet counts as silent.
const LEASE_LAG: i64 = 60;
/// Seconds a new node gets to become Ready.
const NEW_NODE: i64 = 120;
/// Share of allocatable from which on a node is saturated, in percent.
const SATURATED: f64 = 95.0;

/// See [`super::Diagnoser::run`].
pub fn run(context: &Context<'_>, facts: &mut Facts) {
    let silent = context.state.nodes.iter().filter(|node| is_silent(context, node)).count();
    for node in &context.state.nodes {
        if let Some(fact) = unready(context, node, silent) {
            facts.add(blocking(fact, facts));
        }
        pressure(context, node, facts);
        problem::run(context, node, facts);
        terminating(context, node, facts);
        saturated(context, node, facts);
        device_gone(context, node, facts);
    }
    components(context, facts);
    eviction::run(context, facts);
}

fn is_silent(context: &Context<'_>, node: &Node) -> bool {
    condition(&node.status.conditions, "Ready").is_some_and(|ready| ready.status == "Unknown")
        || lease_lag(context, node).is_some_and(|lag| lag > LEASE_LAG)
}

/// Seconds that a node's lease lags behind the newest node lease.
fn lease_lag(context: &Context<'_>, node: &Node) -> Option<i64> {
    let leases = context.state.leases.in_namespace(NODE_LEASES);
    let newest = leases.iter().filter_map(|lease| lease.spec.renew_time.get()).max()?;
    Some(newest.as_second() - renewed(context, node).get()?.as_second())
}

/// When a kubelet last renewed its lease, which is its heartbeat.
fn renewed(context: &Context<'_>, node: &Node) -> Time {
    let lease = context.state.leases.get(NODE_LEASES, &node.metadata.name);
    lease.map(|lease| lease.spec.renew_time).unwrap_or_default()
}

fn unready(context: &Context<'_>, node: &Node, silent_nodes: usize) -> Option<Fact> {
    let ready = condition(&node.status.conditions, "Ready");
    let object = node.object_ref();
    let uninitialized =
        node.spec.taints.iter().any(|taint| taint.key == "node.cloudprovider.kubernetes.io/uninitialized");
    let young = context.state.age_seconds(node.metadata.creation_timestamp).is_some_and(|age| age < NEW_NODE);
    let by = match ready {
        Some(ready) if ready.is_true() && !is_silent(context, node) => {
            if !uninitialized || young {
                return None;
            }
            "uninitialized"
        }
        Some(ready) if ready.status == "False" => match class(&ready.message) {
            "unknown" => from_events(context, &object),
            by => by,
        },
        Some(_) => "kubelet",
        None => return None,
    };
    if young && by == "network-plugin" {
        return None;
    }
    let workloads = workloads_on(context, &node.metadata.name);
    let certain = ready.is_some_and(|ready| !ready.is_true()) || by == "uninitialized";
    let mut fact = Fact::new("node.unready", object.clone())
        .param("by", by)
        .param("workloads", workloads.len())
        .param("certainty", if certain { "decisive" } else { "computed" });
    if let Some(ready) = ready {
        fact = fact
            .param("reason", ready.reason.clone())
            .param("message", ready.message.clone())
            .evidence([condition_evidence(object.clone(), ready)])
            .since(ready.last_transition_time.get());
        if by == "kubelet"
            // The status is posted less often than the lease is renewed.
            && let Some(seconds) =
                context.state.age_seconds(renewed(context, node).max(ready.last_heartbeat_time))
        {
            fact = fact.param("silent", seconds);
        }
    }
    if by == "kubelet" && silent_nodes > 1 {
        fact = fact.param("together", silent_nodes);
    }
    if let Some(lag) = lease_lag(context, node).filter(|lag| *lag > LEASE_LAG) {
        let lease = ObjectRef::new(Kind::Lease, NODE_LEASES, &node.metadata.name);
        fact = fact.evidence([Evidence::spec(
            lease,
            "spec.renewTime",
            format!("{} behind the other nodes", duration(lag)),
        )]);
    }
    if let Some(event) =
        newest_event(context, &object, |event| event.is_warning() && class(&event.message) == by)
    {
        fact = fact.evidence([Evidence::event(event)]);
    }
    Some(affecting(fact, workloads))
}

/// What a Ready condition's or event's message is about.
fn class(message: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["NetworkReady=false", "network plugin", "cni plugin", "cni config"]) {
        "network-plugin"
    } else if has(&[
        "container runtime is down",
        "PLEG is not healthy",
        "RuntimeReady=false",
        "container runtime",
        "containerd.sock",
        "crio.sock",
        "cri-dockerd.sock",
    ]) {
        "runtime"
    } else if has(&["shutting down", "shutdown"]) {
        "shutdown"
    } else {
        "unknown"
    }
}

/// What the node's warnings say where its condition says nothing.
fn from_events(context: &Context<'_>, node: &ObjectRef) -> &'static str {
    let events = context.state.events_of(node).iter().rev().filter(|event| event.is_warning());
    events.map(|event| class(&event.message)).find(|class| *class != "unknown").unwrap_or("unknown")
}

/// Adds the workloads that stay unscheduled because the node is down.
fn blocking(fact: Fact, facts: &Facts) -> Fact {
    let waiting = |blocked: &&Fact| {
        blocked.text("by") == "node-unhealthy" && blocked.refs.get("node") == Some(&fact.subject)
    };
    let waiting: Vec<ObjectRef> =
        facts.named("scheduling.blocked").filter(waiting).map(|blocked| blocked.subject.clone()).collect();
    affecting(fact, waiting)
}

fn pressure(context: &Context<'_>, node: &Node, facts: &mut Facts) {
    for (name, by) in [("MemoryPressure", "memory"), ("DiskPressure", "disk"), ("PIDPressure", "pid")] {
        let Some(found) = condition(&node.status.conditions, name).filter(|found| found.is_true()) else {
            continue;
        };
        let evicted: Vec<&Pod> = context
            .state
            .pods
            .iter()
            .filter(|pod| pod.status.reason == "Evicted" && pod.spec.node_name == node.metadata.name)
            .collect();
        let fact = Fact::new("node.pressure", node.object_ref())
            .param("by", by)
            .param("message", found.message.clone())
            .param("evicted", evicted.len())
            .evidence([condition_evidence(node.object_ref(), found)])
            .since(found.last_transition_time.get());
        let workloads = evicted.iter().map(|pod| context.topology.workload_of_pod(pod));
        facts.add(blocking(affecting(fact, workloads), facts));
    }
}

fn terminating(context: &Context<'_>, node: &Node, facts: &mut Facts) {
    const MARKS: [&str; 5] = [
        "aws-node-termination-handler/",
        "cloud.google.com/impending-node-termination",
        "node.kubernetes.io/out-of-service",
        "ToBeDeletedByClusterAutoscaler",
        "karpenter.sh/disrupt",
    ];
    let marked = node.spec.taints.iter().find(|taint| MARKS.iter().any(|mark| taint.key.starts_with(mark)));
    let Some(taint) = marked else { return };
    let workloads = workloads_on(context, &node.metadata.name);
    let fact = Fact::new("node.terminating", node.object_ref())
        .param("taint", taint.key.clone())
        .param("workloads", workloads.len())
        .evidence([Evidence::spec(
            node.object_ref(),
            "spec.taints",
            format!("{}:{}", taint.key, taint.effect),
        )])
        .since(taint.time_added.get());
    facts.add(affecting(fact, workloads));
}

fn saturated(context: &Context<'_>, node: &Node, facts: &mut Facts) {
    let Some(metrics) = context.state.node_metrics.get("", &node.metadata.name) else { return };
    for resource in ["cpu", "memory"] {
        let (Some(used), Some(allocatable)) =
            (metrics.usage.get(resource), node.status.allocatable.get(resource))
        else {
            continue;
        };
        let percent = 100.0 * used.as_f64() / allocatable.as_f64().max(f64::MIN_POSITIVE);
        if percent < SATURATED {
            continue;
        }
        let fact = Fact::new("node.saturated", node.object_ref())
            .param("resource", resource)
            .param("used", used.to_string())
            .param("allocatable", allocatable.to_string())
            .param("percent", format!("{percent:.0}"))
            .evidence([Evidence::new(
                crate::evidence::Source::Metric,
                node.object_ref(),
                format!("usage.{resource}"),
                used.to_string(),
            )]);
        facts.add(affecting(fact, workloads_on(context, &node.metadata.name)));
    }
}

fn device_gone(context: &Context<'_>, node: &Node, facts: &mut Facts) {
    for (resource, capacity) in &node.status.capacity {
        let offered = node.status.allocatable.get(resource).copied().unwrap_or_default();
        let device = resource.contains('/')
            && !resource.starts_with("hugepages-")
            && !resource.contains("attachable-volumes");
        if !device || capacity.milli() == 0 || offered.milli() != 0 || node.status.allocatable.is_empty() {
            continue;
        }
        let wants = |blocked: &&Fact| blocked.text("resource") == resource.as_str();
        let waiting: Vec<ObjectRef> =
            facts.named("scheduling.blocked").filter(wants).map(|blocked| blocked.subject.clone()).collect();
        if waiting.is_empty() {
            continue;
        }
        let fact = Fact::new("node.device-gone", node.object_ref())
            .param("resource", resource.clone())
            .param("capacity", capacity.to_string())
            .evidence([Evidence::status(
                node.object_ref(),
                format!("status.allocatable.{resource}"),
                format!("0 of {capacity}"),
            )]);
        facts.add(affecting(fact, waiting));
    }
    let _ = context;
}

/// Names by which the DaemonSets of node components go.
const NETWORK: [&str; 9] = [
    "calico-node",
    "canal",
    "cilium",
    "flannel",
    "weave-net",
    "kube-router",
    "aws-node",
    "antrea-agent",
    "kindnet",
];

/// Which component of a node a system pod is.
fn component(pod: &Pod) -> Option<&'static str> {
    if pod.metadata.controller().is_none_or(|owner| owner.kind != "DaemonSet") {
        return None;
    }
    let label = |key: &str| pod.metadata.labels.get(key).map(Text::as_str).unwrap_or_default();
    let names = [label("k8s-app"), label("app"), label("app.kubernetes.io/name"), pod.metadata.name.as_str()];
    if names.iter().any(|name| name.starts_with("kube-proxy")) {
        return Some("kube-proxy");
    }
    let network = |name: &&str| {
        NETWORK.iter().any(|plugin| name.starts_with(plugin) || name.starts_with(&format!("kube-{plugin}")))
    };
    names.iter().any(network).then_some("network")
}

fn components(context: &Context<'_>, facts: &mut Facts) {
    let system = || {
        context
            .state
            .pods
            .iter()
            .filter(|pod| !pod.is_deleting())
            .filter_map(|pod| Some((component(pod)?, pod)))
    };
    for (component, pod) in system() {
        let Some(reason) = broken(pod) else { continue };
        let node = node_ref(&pod.spec.node_name);
        if pod.spec.node_name.is_empty() || facts.holds("node.unready", &node) {
            continue;
        }
        let fact = down(context, component, "not-ready", &node)
            .param("reason", reason.clone())
            .param("pod", pod.metadata.name.clone())
            .param("certainty", "decisive")
            .object("pod", pod.object_ref())
            .object("workload", context.topology.workload_of_pod(pod))
            .affects(context.topology.workload_of_pod(pod))
            .evidence([Evidence::status(pod.object_ref(), "status.containerStatuses", reason)]);
        facts.add(fact);
    }
    let proxied: BTreeSet<&str> = system()
        .filter(|(component, pod)| *component == "kube-proxy" && !pod.spec.node_name.is_empty())
        .map(|(_, pod)| pod.spec.node_name.as_str())
        .collect();
    let lacking: Vec<_> =
        context.state.nodes.iter().filter(|node| !proxied.contains(node.metadata.name.as_str())).collect();
    // Where several lack it, some kinds of nodes do without.
    if let ([node], false) = (lacking.as_slice(), proxied.is_empty()) {
        let object = node.object_ref();
        let young =
            context.state.age_seconds(node.metadata.creation_timestamp).is_some_and(|age| age < NEW_NODE);
        let virtual_node = node.metadata.labels.get("type").is_some_and(|kind| kind == "virtual-kubelet");
        if !young && !virtual_node && !facts.holds("node.unready", &object) {
            let fact =
                down(context, "kube-proxy", "absent", &object).param("certainty", "computed").evidence([
                    Evidence::absence(object, "no kube-proxy pod on this node, every other node has one"),
                ]);
            facts.add(fact);
        }
    }
}

fn down(context: &Context<'_>, component: &'static str, by: &'static str, node: &ObjectRef) -> Fact {
    let fact = Fact::new("node.component-down", node.clone()).param("component", component).param("by", by);
    affecting(fact, workloads_on(context, &node.name))
}

/// Why a pod does not work now; none where it does or nothing says so.
pub(super) fn broken(pod: &Pod) -> Option<String> {
    let status = pod.status.all_containers().find(|status| {
        !status.ready && status.state.terminated.as_ref().is_none_or(|ended| ended.exit_code != 0)
    });
    if let Some(status) = status {
        let waiting = status.state.waiting.as_ref().map(|waiting| waiting.reason.to_string());
        let ended = status
            .state
            .terminated
            .as_ref()
            .map(|ended| format!("{} (exit code {})", ended.reason, ended.exit_code));
        let ready = condition(&pod.status.conditions, "Ready");
        if ready.is_some_and(Condition::is_true) {
            return None;
        }
        return waiting.or(ended).or_else(|| ready.map(|_| "not ready".to_owned()));
    }
    let failed = pod.status.phase == "Failed";
    failed.then(|| {
        if pod.status.reason.is_empty() { "Failed".to_owned() } else { pod.status.reason.to_string() }
    })
}
