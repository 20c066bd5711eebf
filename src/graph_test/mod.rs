//! Runs the inline tests of failure modes: small clusters, through the whole analysis.

pub mod incident;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cluster::logs::{Log, LogKey};
use crate::cluster::state::Coverage;
use crate::cluster::topology::Topology;
use crate::cluster::{ClusterState, Kind, ObjectRef, custom};
use crate::correlate::Focus;
use crate::knowledge::Graph;
use crate::knowledge::load::Compiled;
use crate::knowledge::schema::{InlineTest, TestEvent};
use crate::pipeline::{self, Analysis};
use crate::report::model::{Hypothesis, Level};

/// The capture time of every inline test.
const NOW: &str = "2026-01-15T12:00:00Z";
/// The namespace of objects that name none.
const NAMESPACE: &str = "shop";
/// Age of objects that state none, in seconds.
const AGE: i64 = 600;

/// The result of one inline test.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// The failure mode's id.
    pub id: String,
    /// The case's name.
    pub name: String,
    /// Why it failed; none: it passed.
    pub failure: Option<String>,
}

/// Runs every inline test of the failure modes that `select` picks.
pub fn run(graph: &Graph, select: impl Fn(&str) -> bool) -> Vec<TestResult> {
    let mut results = Vec::new();
    for compiled in graph.modes().filter(|compiled| select(&compiled.mode.id)) {
        for test in &compiled.mode.tests {
            let failure = check(graph, compiled, test).err();
            results.push(TestResult { id: compiled.mode.id.clone(), name: test.name.clone(), failure });
        }
    }
    results
}

/// Runs cases that stand in a file of their own: variants of a fault, and healthy clusters
/// (`cause: none`). Every case must name its cause.
pub fn run_cases(graph: &Graph, cases: &[InlineTest]) -> Vec<TestResult> {
    let run = |case: &InlineTest| {
        let id = case.expect.cause.clone().unwrap_or_default();
        let failure = analyze(graph, case).and_then(|analysis| compare(&analysis, &id, case)).err();
        TestResult { id, name: case.name.clone(), failure }
    };
    cases.iter().map(run).collect()
}

fn check(graph: &Graph, compiled: &Compiled, test: &InlineTest) -> Result<(), String> {
    let analysis = analyze(graph, test)?;
    let wanted = test.expect.cause.as_deref().unwrap_or(&compiled.mode.id);
    if test.near_miss {
        return compare_near_miss(&analysis, &compiled.mode.id, test);
    }
    if compiled.mode.role == crate::knowledge::Role::Hygiene {
        let found = analysis.hygiene.iter().any(|finding| finding.cause == wanted);
        return if found { Ok(()) } else { Err("wanted it among the hygiene findings".to_owned()) };
    }
    compare(&analysis, wanted, test)
}

fn analyze(graph: &Graph, test: &InlineTest) -> Result<Analysis, String> {
    let state = build(test)?;
    let topology = Topology::new(&state);
    let grounded =
        crate::intent::ground(&crate::intent::parse(&test.description), &topology, &[], state.now());
    let focus = Focus { namespaces: Vec::new(), not_found: false, ..pipeline::pointed_at(&grounded) };
    Ok(pipeline::analyze(&state, &topology, graph, &focus, None))
}

fn compare_near_miss(analysis: &Analysis, id: &str, test: &InlineTest) -> Result<(), String> {
    let found = analysis.hypotheses.iter().any(|one| one.cause == id)
        || analysis.hygiene.iter().any(|finding| finding.cause == id)
        || analysis.other_findings.iter().any(|one| one.cause == id && one.confidence.level >= Level::Medium);
    if found {
        return Err(format!("must not be found, but got {}", show(analysis)));
    }
    match (&test.expect.cause, analysis.hypotheses.first()) {
        (Some(cause), Some(first)) if first.cause == *cause => Ok(()),
        (Some(cause), _) => Err(format!("wanted {cause} instead, got {}", show(analysis))),
        (None, _) => Ok(()),
    }
}

fn compare(analysis: &Analysis, wanted: &str, test: &InlineTest) -> Result<(), String> {
    let sure = analysis
        .hypotheses
        .iter()
        .filter(|one| one.confidence.level >= Level::Medium)
        .map(|one| one.cause.as_str())
        .chain(
            analysis
                .other_findings
                .iter()
                .filter(|one| one.confidence.level >= Level::Medium)
                .map(|one| one.cause.as_str()),
        )
        .collect::<Vec<_>>();
    if wanted == "none" {
        return if sure.is_empty() { Ok(()) } else { Err(format!("wanted nothing, got {}", show(analysis))) };
    }
    let Some(first) = analysis.hypotheses.first().filter(|first| first.cause == wanted) else {
        return Err(format!("wanted {wanted} first, got {}", show(analysis)));
    };
    if let Some(object) = &test.expect.object {
        let have = format!("{}/{}", first.object.kind, first.object.name);
        if have != *object {
            return Err(format!("wanted it on {object}, got {have}"));
        }
    }
    if let Some(missing) = test.expect.also.iter().find(|cause| !sure.contains(&cause.as_str())) {
        return Err(format!("wanted {missing} as well, got {}", show(analysis)));
    }
    match &test.expect.level {
        Some(level) if first.confidence.level.as_str() != level => {
            Err(format!("wanted {level}, got {}", describe(first)))
        }
        _ => Ok(()),
    }
}

/// What was found, for the message of a test that failed.
fn show(analysis: &Analysis) -> String {
    let others = analysis
        .other_findings
        .iter()
        .map(|one| format!("other {} on {} ({})", one.cause, one.object, one.confidence.level.as_str()));
    let all: Vec<String> = analysis.hypotheses.iter().map(describe).chain(others).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

fn describe(hypothesis: &Hypothesis) -> String {
    format!(
        "{} on {} ({} {})",
        hypothesis.cause,
        hypothesis.object,
        hypothesis.confidence.level.as_str(),
        hypothesis.confidence.score
    )
}

/// Builds the state of an inline test.
///
/// # Errors
/// Says which object is not of its kind's shape.
pub fn build(test: &InlineTest) -> Result<ClusterState, String> {
    let now: Timestamp = NOW.parse().map_err(|_| "bad capture time")?;
    let mut state =
        ClusterState { now: Some(now), server_version: "v1.36.0".to_owned(), ..ClusterState::default() };
    let mut objects: Vec<Value> = Vec::new();
    for object in &test.objects {
        objects.push(complete(object, now)?);
    }
    add_defaults(&mut objects, now);
    for object in &objects {
        let kind = Kind::from(object.get("kind").and_then(Value::as_str).unwrap_or_default());
        if matches!(kind, Kind::Other(_)) && kind.custom().is_none() {
            return Err(format!("`{kind}` is no kind that sre-orch reads"));
        }
        state.add_json(&kind, &object.to_string()).map_err(|error| format!("{kind}: {error}"))?;
    }
    for (index, event) in test.events.iter().enumerate() {
        let json = event_json(event, index, now)?;
        state.add_json(&Kind::Event, &json.to_string()).map_err(|error| format!("event: {error}"))?;
    }
    for (name, text) in &test.logs {
        let parts: Vec<&str> = name.split('/').collect();
        let (pod, container, previous) = match *parts.as_slice() {
            [pod, container] => (pod, container, false),
            [pod, container, "previous"] => (pod, container, true),
            _ => return Err(format!("log `{name}`: write pod/container or pod/container/previous")),
        };
        let namespace = namespace_of(&objects, pod);
        let key = LogKey { namespace, pod: pod.to_owned(), container: container.to_owned(), previous };
        state.logs.insert(key, Log { text: text.clone(), ..Log::default() });
    }
    for alert in &test.alerts {
        let json = serde_json::to_value(alert).map_err(|error| format!("alert: {error}"))?;
        state.alerts.push(serde_json::from_value(json).map_err(|error| format!("alert: {error}"))?);
    }
    let kinds = Kind::ALL.iter().cloned().chain(custom::kinds());
    for kind in kinds.filter(|kind| !test.unread.iter().any(|unread| unread == kind.as_str())) {
        state.coverage.insert(kind, Coverage { cluster: true, ..Coverage::default() });
    }
    state.finish();
    Ok(state)
}

fn namespace_of(objects: &[Value], pod: &str) -> String {
    let found = objects.iter().find(|object| {
        object.get("kind").and_then(Value::as_str) == Some("Pod")
            && object.pointer("/metadata/name").and_then(Value::as_str) == Some(pod)
    });
    let namespace = found.and_then(|object| object.pointer("/metadata/namespace")).and_then(Value::as_str);
    namespace.unwrap_or(NAMESPACE).to_owned()
}

/// Expands the shorthands of a test object.
fn complete(object: &BTreeMap<String, Value>, now: Timestamp) -> Result<Value, String> {
    let mut body: Map<String, Value> = object.clone().into_iter().collect();
    let kind_name = body.get("kind").and_then(Value::as_str).ok_or("an object has no kind")?.to_owned();
    let kind = Kind::from(kind_name.as_str());
    let mut meta = match body.remove("metadata") {
        Some(Value::Object(meta)) => meta,
        _ => Map::new(),
    };
    for key in [
        "name",
        "namespace",
        "labels",
        "annotations",
        "deletionTimestamp",
        "finalizers",
        "generation",
        "managedFields",
    ] {
        if let Some(value) = body.remove(key) {
            meta.insert(key.to_owned(), value);
        }
    }
    if kind.namespaced() {
        meta.entry("namespace").or_insert_with(|| json!(NAMESPACE));
    }
    let age = body.remove("age").and_then(|age| age.as_i64()).unwrap_or(AGE);
    meta.entry("creationTimestamp").or_insert_with(|| json!(before(now, age)));
    if let Some(owner) = body.remove("of") {
        let text = owner.as_str().ok_or("`of` needs Kind/name")?;
        let (owner_kind, name) = text.split_once('/').ok_or("`of` needs Kind/name")?;
        meta.insert(
            "ownerReferences".to_owned(),
            json!([{"kind": owner_kind, "name": name, "controller": true}]),
        );
    }
    body.insert("metadata".to_owned(), Value::Object(meta));
    if kind == Kind::Pod {
        complete_pod(&mut body, now);
    }
    Ok(Value::Object(body))
}

/// Gives a pod the node, phase and Ready condition that its container statuses imply.
fn complete_pod(body: &mut Map<String, Value>, now: Timestamp) {
    let Value::Object(status) = body.entry("status").or_insert_with(|| json!({})) else { return };
    let phase = status.entry("phase").or_insert_with(|| json!("Running")).clone();
    let statuses = status.get("containerStatuses").and_then(Value::as_array).cloned();
    if status.get("conditions").is_none()
        && let Some(statuses) = statuses
        && phase == "Running"
    {
        let ready = !statuses.is_empty() && statuses.iter().all(|one| one.get("ready") == Some(&json!(true)));
        let (value, reason) = if ready { ("True", "") } else { ("False", "ContainersNotReady") };
        let time = before(now, AGE - 60);
        status.insert(
            "conditions".to_owned(),
            json!([{"type": "Ready", "status": value, "reason": reason, "lastTransitionTime": time}]),
        );
    }
    let Value::Object(spec) = body.entry("spec").or_insert_with(|| json!({})) else { return };
    if phase != "Pending" {
        spec.entry("nodeName").or_insert_with(|| json!("node-1"));
    }
}

/// Adds what every cluster has, where the test does not state it.
fn add_defaults(objects: &mut Vec<Value>, now: Timestamp) {
    let has = |objects: &[Value], kind: &str| {
        objects.iter().any(|object| object.get("kind").and_then(Value::as_str) == Some(kind))
    };
    let time = before(now, 86_400);
    if !has(objects, "Node") {
        let amount = json!({"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "100Gi"});
        objects.push(json!({
            "kind": "Node",
            "metadata": {"name": "node-1", "creationTimestamp": time, "labels": {"kubernetes.io/hostname": "node-1", "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}},
            "status": {"capacity": amount, "allocatable": amount, "nodeInfo": {"architecture": "amd64"},
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": before(now, 20)}]},
        }));
    }
    let mut namespaces: Vec<String> = objects
        .iter()
        .filter_map(|object| object.pointer("/metadata/namespace").and_then(Value::as_str))
        .chain([NAMESPACE])
        .map(str::to_owned)
        .collect();
    namespaces.sort();
    namespaces.dedup();
    for namespace in namespaces {
        let stated = |kind: &str, space: &str, name: &str| {
            objects.iter().any(|object| {
                object.get("kind").and_then(Value::as_str) == Some(kind)
                    && object.pointer("/metadata/name").and_then(Value::as_str) == Some(name)
                    && (space.is_empty()
                        || object.pointer("/metadata/namespace").and_then(Value::as_str) == Some(space))
            })
        };
        let (space, account) =
            (stated("Namespace", "", &namespace), stated("ServiceAccount", &namespace, "default"));
        if !space {
            objects.push(json!({"kind": "Namespace", "metadata": {"name": namespace, "creationTimestamp": time}, "status": {"phase": "Active"}}));
        }
        if !account {
            objects.push(json!({"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace, "creationTimestamp": time}}));
        }
    }
}

fn event_json(event: &TestEvent, index: usize, now: Timestamp) -> Result<Value, String> {
    let parts: Vec<&str> = event.on.split('/').collect();
    let (kind, namespace, name) = match *parts.as_slice() {
        [kind, name] => (kind, NAMESPACE, name),
        [kind, namespace, name] => (kind, namespace, name),
        _ => return Err(format!("event on `{}`: write Kind/name or Kind/namespace/name", event.on)),
    };
    let object =
        ObjectRef::new(Kind::from(kind), if Kind::from(kind).namespaced() { namespace } else { "" }, name);
    let last = event.age.unwrap_or(30);
    let count = event.count.unwrap_or(1);
    let field_path =
        event.container.as_ref().map(|name| format!("spec.containers{{{name}}}")).unwrap_or_default();
    Ok(json!({
        "metadata": {"name": format!("event-{index}"), "namespace": namespace},
        "type": event.r#type.as_deref().unwrap_or("Warning"),
        "reason": event.reason,
        "message": event.message,
        "count": count,
        "firstTimestamp": before(now, last + 10 * (count - 1)),
        "lastTimestamp": before(now, last),
        "involvedObject": {"kind": kind, "namespace": object.ns(), "name": name, "fieldPath": field_path},
    }))
}

fn before(now: Timestamp, seconds: i64) -> String {
    let time = now.checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now);
    time.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_graph_is_clean_and_its_tests_pass() {
        let graph = Graph::bundled().unwrap();
        let problems = crate::knowledge::lint::lint(&graph);
        assert!(
            problems.is_empty(),
            "{}",
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        );
        let results = run(&graph, |id| std::env::var("GRAPH_TEST").map_or(true, |only| id.contains(&only)));
        let failed: Vec<String> = results
            .iter()
            .filter_map(|one| Some(format!("{}: {}: {}", one.id, one.name, one.failure.as_ref()?)))
            .collect();
        assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), results.len(), failed.join("\n"));
    }
}
