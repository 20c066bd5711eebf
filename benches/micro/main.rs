//! What one step costs, at 2,000 healthy pods around one recorded fault: `cargo bench --bench micro`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a program that measures fails by panicking"
)]

#[path = "../../tests/it/load.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod load;

#[path = "../common/mod.rs"]
mod fixture;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use sre_orch::agent::snapshot::{Bounds, Snapshot, SnapshotService};
use sre_orch::agent::table_rows;
use sre_orch::cluster::logs::{Log, LogKey};
use sre_orch::cluster::topology::Topology;
use sre_orch::cluster::{ClusterState, Kind};
use sre_orch::correlate::Focus;
use sre_orch::diagnose::{self, Context};
use sre_orch::knowledge::Graph;
use sre_orch::logs::LogIndex;
use sre_orch::pipeline;

use fixture::{Files, INCIDENT, archive, read};

const PODS: usize = 2000;

fn files() -> Files {
    load::surround(read(Path::new(INCIDENT)), PODS)
}

/// The objects and logs of a snapshot, without the collector.
fn state(files: &Files) -> ClusterState {
    let mut state = ClusterState::default();
    for (path, content) in files {
        let Some(path) = path.strip_prefix("cluster-resources/") else { continue };
        if let Some(log) = path.strip_prefix("pods/logs/") {
            let [namespace, pod, file] = log.split('/').collect::<Vec<_>>()[..] else { continue };
            let stem = file.trim_end_matches(".log");
            let key = LogKey {
                namespace: namespace.to_owned(),
                pod: pod.to_owned(),
                container: stem.trim_end_matches("-previous").to_owned(),
                previous: stem.ends_with("-previous"),
            };
            let text = String::from_utf8_lossy(content).into_owned();
            state.logs.insert(key, Log { text, ..Log::default() });
            continue;
        }
        let plural = path.split(['/', '.']).next().unwrap();
        let Some(kind) = Kind::ALL.iter().find(|kind| kind.plural() == plural) else { continue };
        let list: Value = serde_json::from_slice(content).unwrap_or_default();
        for item in list["items"].as_array().into_iter().flatten() {
            let _ = state.add_json(kind, &item.to_string());
        }
    }
    state.finish();
    state
}

fn reading(criterion: &mut Criterion) {
    let files = files();
    let archived = archive(&files);
    let open = || Snapshot::from_bytes(&archived, Path::new("load"), &Bounds::default()).unwrap();
    let mut group = criterion.benchmark_group("read");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(files.iter().map(|(_, content)| content.len() as u64).sum()));
    group.bench_function("snapshot", |bencher| bencher.iter(|| black_box(open())));
    let service = SnapshotService::new(Arc::new(open()));
    let table = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json";
    let body = service.answer("/api/v1/pods", "includeObject=None", table).body;
    group.throughput(Throughput::Elements(PODS as u64));
    group.bench_function("triage table of pods", |bencher| {
        bencher.iter(|| black_box(table_rows(&Kind::Pod, &body).unwrap()));
    });
    group.finish();
}

fn reasoning(criterion: &mut Criterion) {
    let state = state(&files());
    let graph = Graph::bundled().unwrap();
    let topology = Topology::new(&state);
    let logs = LogIndex::new(&state, &topology, None);
    let context = Context { state: &state, topology: &topology, logs: &logs, now: state.now(), since: None };
    let mut group = criterion.benchmark_group("reason");
    group.sample_size(20);
    group.throughput(Throughput::Elements(PODS as u64));
    group.bench_function("topology", |bencher| {
        bencher.iter(|| black_box(Topology::new(&state).edges().len()));
    });
    group.bench_function("detect", |bencher| bencher.iter(|| black_box(diagnose::diagnose(&context))));
    group.bench_function("correlate", |bencher| {
        bencher.iter(|| black_box(pipeline::analyze(&state, &topology, &graph, &Focus::default(), None)));
    });
    group.finish();
}

fn matching(criterion: &mut Criterion) {
    let lines: String = (0..10_000)
        .map(|number| match number % 100 {
            0 => format!(
                "2026-01-01T00:00:00Z ERROR db: dial tcp 10.0.0.{}:5432: connect: connection refused\n",
                number % 250
            ),
            _ => format!(
                "2026-01-01T00:00:00Z INFO request id={number} path=/api/v1/items status=200 took=3ms\n"
            ),
        })
        .collect();
    let mut state = ClusterState::default();
    let key = LogKey {
        namespace: "shop".to_owned(),
        pod: "checkout".to_owned(),
        container: "server".to_owned(),
        previous: false,
    };
    let size = lines.len() as u64;
    state.logs.insert(key, Log { text: lines, ..Log::default() });
    state.finish();
    let topology = Topology::new(&state);
    let mut group = criterion.benchmark_group("logs");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(size));
    group.bench_function("10,000 lines", |bencher| {
        bencher.iter(|| black_box(LogIndex::new(&state, &topology, None)));
    });
    group.finish();
}

criterion_group!(benches, reading, reasoning, matching);
criterion_main!(benches);
