use serde_json::{Value, json};

use super::super::test_state::{facts_of, state};
use super::*;

fn node(name: &str, labels: Value, spec: Value) -> Value {
    json!({"kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec,
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}})
}

fn pending(spec: Value, message: &str) -> Value {
    json!({"kind": "Pod", "metadata": {"name": "web", "creationTimestamp": "2026-03-01T11:50:00Z", "labels": {"app": "web"}},
        "spec": spec, "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]}})
}

fn blocked_by(objects: &[Value]) -> Option<Fact> {
    let state = state(objects);
    let facts = facts_of(run, &state);
    facts.named("scheduling.blocked").next().cloned()
}

fn control_plane() -> Value {
    node("control", json!({"node-role.kubernetes.io/control-plane": ""}), json!({"unschedulable": true}))
}

#[test]
fn a_cordoned_control_plane_is_background_where_the_selector_matches_nothing() {
    let fact = blocked_by(&[
        control_plane(),
        node("worker", json!({"disk": "hdd"}), json!({})),
        pending(
            json!({"nodeSelector": {"disk": "ssd"}}),
            "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable.",
        ),
    ])
    .unwrap();
    assert_eq!((fact.text("by"), fact.text("wanted")), ("node-selector", "disk=ssd"));
    assert_eq!(fact.text("nearest"), "nodes have disk=hdd");
    assert_eq!(fact.text("certainty"), "decisive");
}

#[test]
fn a_cordon_is_the_fault_where_lifting_it_lets_the_pod_fit() {
    let fact = blocked_by(&[
        control_plane(),
        node("a", json!({"disk": "ssd"}), json!({"unschedulable": true})),
        node("b", json!({}), json!({})),
        pending(
            json!({"nodeSelector": {"disk": "ssd"}}),
            "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 2 node(s) were unschedulable.",
        ),
    ])
    .unwrap();
    assert_eq!(fact.text("by"), "cordon");
    assert_eq!(&*fact.refs["node"].name, "a");
}

#[test]
fn a_cordon_is_not_the_fault_where_the_request_fits_no_node() {
    let request = json!({"containers": [{"name": "app", "resources": {"requests": {"cpu": "16"}}}]});
    let fact = blocked_by(&[
        node("a", json!({}), json!({"unschedulable": true})),
        node("b", json!({}), json!({})),
        pending(request, "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable."),
    ])
    .unwrap();
    assert_eq!((fact.text("by"), fact.text("shortage")), ("cpu", "exceeds-every-node"));
}

#[test]
fn full_nodes_are_told_from_too_large_requests() {
    let running = json!({"kind": "Pod", "metadata": {"name": "other"}, "spec": {"nodeName": "a",
        "containers": [{"name": "app", "resources": {"requests": {"memory": "7Gi"}}}]}, "status": {"phase": "Running"}});
    let request = json!({"containers": [{"name": "app", "resources": {"requests": {"memory": "2Gi"}}}]});
    let fact = blocked_by(&[
        node("a", json!({}), json!({})),
        running,
        pending(request, "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1"),
    ])
    .unwrap();
    assert_eq!((fact.text("by"), fact.text("shortage"), fact.text("free")), ("memory", "full", "1Gi"));
}

#[test]
fn the_message_decides_where_requests_of_other_pods_were_not_read() {
    let fact = blocked_by(&[
        node("a", json!({}), json!({})),
        pending(
            json!({"containers": [{"name": "app", "resources": {"requests": {"cpu": "1"}}}]}),
            "0/1 nodes are available: 1 Insufficient cpu.",
        ),
    ])
    .unwrap();
    assert_eq!((fact.text("by"), fact.text("certainty")), ("cpu", "computed"));
}

#[test]
fn anti_affinity_names_the_workload_in_the_way() {
    let term = json!([{"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "host"}]);
    let running = json!({"kind": "Pod", "metadata": {"name": "first", "labels": {"app": "web"}},
        "spec": {"nodeName": "a"}, "status": {"phase": "Running"}});
    let fact = blocked_by(&[
        node("a", json!({"host": "a"}), json!({})),
        running,
        pending(
            json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}}}),
            "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
        ),
    ])
    .unwrap();
    assert_eq!((fact.text("by"), &*fact.refs["blocker"].name), ("pod-anti-affinity", "first"));
}

#[test]
fn spread_over_a_label_that_no_node_has() {
    let spread = json!([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}}}]);
    let fact = blocked_by(&[
        node("a", json!({}), json!({})),
        pending(
            json!({"topologySpreadConstraints": spread}),
            "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label).",
        ),
    ])
    .unwrap();
    assert_eq!((fact.text("by"), fact.text("have")), ("topology-spread", "no label zone"));
}

#[test]
fn a_pod_that_fits_and_was_only_just_created_is_not_blocked() {
    let fresh = json!({"kind": "Pod", "metadata": {"name": "web", "creationTimestamp": "2026-03-01T11:59:58Z"},
        "spec": {"schedulerName": "elsewhere"}, "status": {"phase": "Pending"}});
    assert_eq!(blocked_by(&[node("a", json!({}), json!({})), fresh]), None);
}

#[test]
fn a_scheduler_that_nobody_runs() {
    let old = json!({"kind": "Pod", "metadata": {"name": "web", "creationTimestamp": "2026-03-01T11:55:00Z"},
        "spec": {"schedulerName": "elsewhere"}, "status": {"phase": "Pending"}});
    let served = json!({"kind": "Pod", "metadata": {"name": "api"}, "spec": {"nodeName": "a"}, "status": {"phase": "Running"}});
    let fact = blocked_by(&[node("a", json!({}), json!({})), old, served]).unwrap();
    assert_eq!((fact.text("by"), fact.text("certainty")), ("scheduler-name", "decisive"));
}
