//! Triage: where in a large cluster to look.
//!
//! The API server prints tables without the objects: fifty times smaller, and enough to tell which
//! rows are not as they should be. A table has no namespaces, so that what stands out is placed by
//! warnings, by the objects of the pods that do not run, or by its name. It judges nothing: it only
//! says which namespaces are worth reading in full.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::path;
use crate::cluster::types::{
    Condition, HorizontalPodAutoscaler, Ingress, Meta, PersistentVolumeClaim, Pod, Service, Workload,
    WorkloadBody, condition,
};
use crate::cluster::{ClusterState, Kind};

/// The form that tables are asked for in; a server that cannot do it may answer with the list.
pub(super) const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json";

/// The kinds whose tables are read.
pub(super) const TABLES: &[Kind] = &[
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::Ingress,
    Kind::PersistentVolumeClaim,
    Kind::HorizontalPodAutoscaler,
];

/// Paths of the requests that a look over the cluster begins with.
pub fn triage_paths() -> Vec<String> {
    let list = |kind: &Kind, query: &[(&str, &str)]| path::with_query(&path::list(kind, None), query);
    let mut paths = vec![
        list(&Kind::Event, &[("fieldSelector", "type!=Normal")]),
        list(&Kind::Pod, &[("fieldSelector", STUCK)]),
    ];
    paths.extend(TABLES.iter().map(|kind| list(kind, &[("includeObject", "None")])));
    paths
}

/// Selects pods that neither run nor have succeeded.
pub(super) const STUCK: &str = "status.phase!=Running,status.phase!=Succeeded";

/// Below so many pods, reading everything costs no more than finding out what to read.
const FEW_PODS: usize = 400;
/// Most names that are looked up across namespaces.
const MAX_LOOKUPS: usize = 24;
/// Most namespaces that are read one by one; more are read at once, with the whole cluster.
const MAX_NAMESPACES: usize = 8;
/// A restart longer ago than this is history, as for the anomalies.
const LATELY_SECONDS: i64 = 3600;

/// What is kept of one printed row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    name: String,
    /// The node of a pod, where the table tells it.
    node: String,
    /// Whether the row is not as it should be, or cannot be read.
    stands_out: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed<'a> {
    column_definitions: Vec<Column>,
    #[serde(default, borrow)]
    rows: Option<Vec<Cells<'a>>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

#[derive(Deserialize)]
struct Cells<'a> {
    #[serde(default, borrow)]
    cells: Vec<&'a RawValue>,
}

/// Reads the table of a kind; none where the body is something else, such as a plain list.
pub fn rows(kind: &Kind, body: &[u8]) -> Option<Vec<Row>> {
    let printed: Printed<'_> = serde_json::from_slice(body).ok()?;
    let columns: Vec<&str> = printed.column_definitions.iter().map(|column| column.name.as_str()).collect();
    let read = |cells: Cells<'_>| {
        let line = Line { columns: &columns, cells: &cells.cells };
        Row {
            name: line.cell("Name").into_owned(),
            node: line.cell("Node").into_owned(),
            stands_out: line.stands_out(kind),
        }
    };
    columns.contains(&"Name").then(|| printed.rows.into_iter().flatten().map(read).collect())
}

/// A row as printed.
struct Line<'a> {
    columns: &'a [&'a str],
    cells: &'a [&'a RawValue],
}

impl<'a> Line<'a> {
    fn find(&self, name: &str) -> Option<&'a RawValue> {
        let at = self.columns.iter().position(|column| *column == name)?;
        self.cells.get(at).copied()
    }

    /// The text of a cell, a number as it is written; empty where there is none.
    fn cell(&self, name: &str) -> Cow<'a, str> {
        let raw = self.find(name).map_or("", RawValue::get);
        match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(text) if !text.contains('\\') => Cow::Borrowed(text),
            Some(_) => Cow::Owned(serde_json::from_str(raw).unwrap_or_default()),
            None => Cow::Borrowed(raw),
        }
    }

    fn number(&self, name: &str) -> i64 {
        self.cell(name).parse().unwrap_or(0)
    }

    /// READY as counts: those that are, and those that should be.
    fn ready(&self) -> Option<(i64, i64)> {
        let cell = self.cell("Ready");
        let (ready, of) = cell.split_once('/')?;
        Some((ready.parse().ok()?, of.parse().ok()?))
    }

    fn stands_out(&self, kind: &Kind) -> bool {
        let unready = || self.ready().is_none_or(|(ready, of)| ready < of);
        let fewer = |name: &str, of: i64| self.find(name).is_some() && self.number(name) < of;
        match kind {
            Kind::Pod => match &*self.cell("Status") {
                "Completed" | "Succeeded" => false,
                "Running" => unready() || self.restarted_lately(),
                _ => true,
            },
            Kind::Deployment | Kind::StatefulSet => {
                let of = self.ready().map_or(i64::MAX, |(_, of)| of);
                unready() || fewer("Up-to-date", of) || fewer("Available", of)
            }
            Kind::DaemonSet => {
                let of = self.number("Desired");
                fewer("Ready", of) || fewer("Up-to-date", of) || fewer("Available", of)
            }
            Kind::Job => !matches!(&*self.cell("Status"), "Complete" | "Suspended"),
            Kind::EndpointSlice => matches!(&*self.cell("Endpoints"), "<unset>" | "<none>" | ""),
            Kind::PersistentVolumeClaim => self.cell("Status") != "Bound",
            _ => false,
        }
    }

    /// RESTARTS as in `3 (4m30s ago)`.
    fn restarted_lately(&self) -> bool {
        let restarts = self.cell("Restarts");
        let (count, ago) = restarts.split_once(" (").unwrap_or((&restarts, ""));
        match count.trim().parse::<i64>() {
            Ok(0) => false,
            Ok(_) => seconds(ago.trim_end_matches(" ago)")).is_none_or(|seconds| seconds <= LATELY_SECONDS),
            Err(_) => true,
        }
    }
}

/// Seconds of `2d3h` or `4m30s`.
fn seconds(text: &str) -> Option<i64> {
    let mut total = 0;
    let mut number = String::new();
    for letter in text.chars() {
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'y' => 31_536_000,
            digit if digit.is_ascii_digit() => {
                number.push(digit);
                continue;
            }
            _ => return None,
        };
        total += number.parse::<i64>().ok()?.checked_mul(unit)?;
        number.clear();
    }
    (total > 0 || text == "0s").then_some(total)
}

/// A name that stands out in the table of a kind.
pub(super) type Suspect = (Kind, String);

/// What the tables say.
#[derive(Debug, Default)]
pub struct Scout {
    rows: BTreeMap<Kind, Vec<Row>>,
}

impl Scout {
    pub(super) fn add(&mut self, kind: Kind, rows: Vec<Row>) {
        self.rows.insert(kind, rows);
    }

    fn rows_of(&self, kind: &Kind) -> &[Row] {
        self.rows.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Whether there is enough in the cluster that leaving some unread is worth the trouble.
    pub(super) fn is_large(&self) -> bool {
        self.rows_of(&Kind::Pod).len() > FEW_PODS
    }

    /// How many objects the tables hold, by plural name.
    pub(super) fn counts(&self) -> impl Iterator<Item = (String, usize)> {
        let told = self.rows.iter().filter(|(kind, rows)| **kind != Kind::EndpointSlice && !rows.is_empty());
        told.map(|(kind, rows)| (kind.plural().to_owned(), rows.len()))
    }

    /// The names of the tables' objects, in a namespace without a name: what the words of a
    /// description can mean. Pods are known by their workloads.
    pub fn names(&self, cluster: &ClusterState) -> ClusterState {
        let mut state = ClusterState { now: cluster.now, ..ClusterState::default() };
        cluster.namespaces.iter().for_each(|namespace| state.namespaces.push(namespace.clone()));
        cluster.nodes.iter().for_each(|node| state.nodes.push(node.clone()));
        let workloads: HashSet<&str> = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Job]
            .iter()
            .flat_map(|kind| self.rows_of(kind))
            .map(|row| row.name.as_str())
            .collect();
        let is_replica = |pod: &str| {
            pod.rmatch_indices('-')
                .take(2)
                .any(|(at, _)| pod.get(..at).is_some_and(|stem| workloads.contains(stem)))
        };
        for (kind, rows) in self.rows.iter().filter(|(kind, _)| **kind != Kind::EndpointSlice) {
            for name in rows.iter().map(|row| row.name.as_str()) {
                if *kind == Kind::Pod && is_replica(name) {
                    continue;
                }
                add_name(&mut state, kind, name);
            }
        }
        state.finish();
        state
    }

    /// What stands out.
    fn suspects(&self, cluster: &ClusterState) -> BTreeSet<Suspect> {
        let unwell: BTreeSet<&str> = cluster
            .nodes
            .iter()
            .filter(|node| !condition(&node.status.conditions, "Ready").is_some_and(Condition::is_true))
            .map(|node| node.metadata.name.as_str())
            .collect();
        let mut suspects = BTreeSet::new();
        for (kind, rows) in &self.rows {
            for row in rows {
                if row.stands_out || (*kind == Kind::Pod && unwell.contains(row.node.as_str())) {
                    suspects.insert((kind.clone(), row.name.clone()));
                }
            }
        }
        suspects
    }

    /// The namespaces that what was read already places, and the names that are to be looked up.
    pub(super) fn place(&self, cluster: &ClusterState, named: &[Suspect]) -> Places {
        let suspects = self.suspects(cluster);
        let pods: BTreeSet<&str> = self.rows_of(&Kind::Pod).iter().map(|row| row.name.as_str()).collect();
        let mut places = Places::default();
        let mut placed: BTreeSet<Suspect> = BTreeSet::new();
        for pod in &cluster.pods {
            places.namespaces.insert(pod.metadata.namespace.to_string());
            placed.insert((Kind::Pod, pod.metadata.name.to_string()));
        }
        for namespace in &cluster.namespaces {
            if namespace.status.phase == "Terminating" {
                places.namespaces.insert(namespace.metadata.name.to_string());
            }
        }
        for event in &cluster.events {
            let object = event.object();
            let suspect = (object.kind.clone(), object.name.to_string());
            // A pod that is well again was warned about before; one that is gone may be missed.
            let healed =
                object.kind == Kind::Pod && pods.contains(&*object.name) && !suspects.contains(&suspect);
            if !healed && !object.ns().is_empty() {
                places.namespaces.insert(object.ns().to_owned());
                placed.insert(suspect);
            }
        }
        let of_placed = |name: &str| {
            placed.iter().any(|(_, known)| {
                known.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
                    || name.strip_prefix(known.as_str()).is_some_and(|rest| rest.starts_with('-'))
            })
        };
        let open = suspects.iter().filter(|suspect| !placed.contains(*suspect) && !of_placed(&suspect.1));
        let mut lookups: Vec<Suspect> = named.to_vec();
        for (kind, name) in open {
            // A pod is where its workload is, which stands out as well.
            let covered = *kind == Kind::Pod
                && lookups.iter().any(|(_, known)| {
                    name.strip_prefix(known.as_str()).is_some_and(|rest| rest.starts_with('-'))
                });
            if !covered {
                lookups.push((kind.clone(), name.clone()));
            }
        }
        places.too_many = lookups.len() > MAX_LOOKUPS;
        lookups.truncate(MAX_LOOKUPS);
        places.lookups = lookups;
        places
    }
}

fn add_name(state: &mut ClusterState, kind: &Kind, name: &str) {
    let metadata = Meta { name: name.into(), ..Meta::default() };
    match kind {
        Kind::Pod => state.pods.push(Pod { metadata, ..Pod::default() }),
        Kind::Service => state.services.push(Service { metadata, ..Service::default() }),
        Kind::Ingress => state.ingresses.push(Ingress { metadata, ..Ingress::default() }),
        Kind::PersistentVolumeClaim => {
            state.claims.push(PersistentVolumeClaim { metadata, ..PersistentVolumeClaim::default() });
        }
        Kind::HorizontalPodAutoscaler => {
            state
                .autoscalers
                .push(HorizontalPodAutoscaler { metadata, ..HorizontalPodAutoscaler::default() });
        }
        kind if kind.is_workload() => {
            let body = WorkloadBody { metadata, ..WorkloadBody::default() };
            state.workloads.push(Workload::new(kind.clone(), body));
        }
        _ => {}
    }
}

/// Where to look.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) namespaces: BTreeSet<String>,
    pub(super) lookups: Vec<Suspect>,
    too_many: bool,
}

impl Places {
    /// The namespaces to read one by one; none where the whole cluster is to be read.
    pub(super) fn chosen(self) -> Option<Vec<String>> {
        let some = !self.namespaces.is_empty() && self.namespaces.len() <= MAX_NAMESPACES && !self.too_many;
        some.then(|| self.namespaces.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn table(kind: &Kind, columns: &[&str], cells: &[&[&str]]) -> Vec<Row> {
        let columns: Vec<Value> = columns.iter().map(|name| serde_json::json!({"name": name})).collect();
        let lines: Vec<Value> = cells.iter().map(|cells| serde_json::json!({"cells": cells})).collect();
        let table = serde_json::json!({"kind": "Table", "columnDefinitions": columns, "rows": lines});
        rows(kind, table.to_string().as_bytes()).unwrap()
    }

    fn pods(cells: &[&[&str]]) -> Vec<Row> {
        table(&Kind::Pod, &["Name", "Ready", "Status", "Restarts"], cells)
    }

    #[test]
    fn rows_that_are_not_as_they_should_be_stand_out() {
        let stands_out = |cells: &[&str]| pods(&[cells])[0].stands_out;
        assert!(!stands_out(&["a", "2/2", "Running", "0"]));
        assert!(!stands_out(&["a", "2/2", "Running", "3 (5d2h ago)"]));
        assert!(!stands_out(&["a", "0/1", "Completed", "0"]));
        assert!(stands_out(&["a", "1/2", "Running", "0"]));
        assert!(stands_out(&["a", "2/2", "Running", "3 (5m10s ago)"]));
        assert!(stands_out(&["a", "0/1", "CrashLoopBackOff", "0"]));
        let deployment = ["Name", "Ready", "Up-to-date", "Available"];
        let stands_out = |cells: &[&str]| table(&Kind::Deployment, &deployment, &[cells])[0].stands_out;
        assert!(!stands_out(&["a", "3/3", "3", "3"]));
        assert!(stands_out(&["a", "3/3", "1", "3"]));
    }

    #[test]
    fn cells_are_numbers_or_text_with_escapes_and_may_be_missing() {
        let columns =
            r#""columnDefinitions":[{"name":"Name"},{"name":"Ready"},{"name":"Status"},{"name":"Restarts"}]"#;
        let body = format!(
            r#"{{{columns},"rows":[{{"cells":["a\u002db","1/1","Running",0]}},{{"cells":["c"]}},{{"cells":[]}}]}}"#
        );
        let read = rows(&Kind::Pod, body.as_bytes()).unwrap();
        let row = |name: &str, stands_out| Row { name: name.to_owned(), node: String::new(), stands_out };
        assert_eq!(read, [row("a-b", false), row("c", true), row("", true)]);
    }

    #[test]
    fn a_list_is_no_table() {
        assert!(rows(&Kind::Pod, br#"{"kind":"PodList","items":[]}"#).is_none());
        assert!(rows(&Kind::Pod, b"404 page not found").is_none());
    }

    #[test]
    fn what_stands_out_is_placed_by_warnings_else_looked_up() {
        let mut scout = Scout::default();
        let unready = ["web-7d9f8b6c5d-x2x1z", "0/1", "CrashLoopBackOff", "0"];
        let lost = ["mail-7d9f8b6c5d-x2x1z", "0/1", "Running", "0"];
        scout.add(Kind::Pod, pods(&[&unready, &lost, &["fine-1", "1/1", "Running", "0"]]));
        let columns = ["Name", "Ready", "Up-to-date", "Available"];
        scout.add(
            Kind::Deployment,
            table(&Kind::Deployment, &columns, &[&["web", "0/1", "1", "0"], &["mail", "0/1", "1", "0"]]),
        );
        let mut state = ClusterState::default();
        for (name, namespace) in [("web-7d9f8b6c5d-x2x1z", "shop"), ("fine-1", "calm")] {
            let event = serde_json::json!({"metadata": {"name": name}, "type": "Warning",
                "involvedObject": {"kind": "Pod", "namespace": namespace, "name": name}});
            state.add_json(&Kind::Event, &event.to_string()).unwrap();
        }
        state.finish();
        let places = scout.place(&state, &[]);
        assert_eq!(places.lookups, [(Kind::Deployment, "mail".to_owned())]);
        assert_eq!(places.chosen(), Some(vec!["shop".to_owned()]));
    }
}
