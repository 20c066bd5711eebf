//! An investigation's work grows with the cluster, not with its square. Counted, not timed.

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;

use super::{Request, Silent, investigate};
use crate::agent::snapshot::{Bounds, Snapshot};
use crate::agent::{Limits, Source};
use crate::cluster::work;
use crate::knowledge::Graph;

#[path = "../../benches/common/mod.rs"]
mod fixture;
#[path = "../../tests/it/load.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod load;

/// Objects gone through to investigate the incident among so many more pods, some of which crash.
async fn work_among(pods: usize, broken: usize, description: &str) -> usize {
    let incident = fixture::read(Path::new(fixture::INCIDENT));
    let archive = fixture::archive(&load::surround_with(incident, pods, broken));
    let snapshot = Snapshot::from_bytes(&archive, Path::new("load"), &Bounds::default()).unwrap();
    let source = Source::of_snapshot(Arc::new(snapshot), "load".to_owned(), "load".to_owned());
    let request = Request {
        description: description.to_owned(),
        namespaces: Vec::new(),
        selector: None,
        since: SignedDuration::from_hours(1),
        limits: Limits::default(),
        hygiene: true,
        triage: false,
    };
    let graph = Graph::bundled().unwrap();
    work::gone_through();
    let report = investigate(source, &graph, &request, &Silent).await.unwrap();
    assert!(!report.hypotheses.is_empty(), "an incident is found among {pods} pods");
    work::gone_through()
}

#[tokio::test]
async fn work_grows_with_the_number_of_healthy_pods() {
    for description in ["checkout pods crashing", "something is wrong"] {
        let small = work_among(400, 0, description).await;
        let large = work_among(1600, 0, description).await;
        assert!(large < 5 * small, "{description}: {small} objects at 400 pods, {large} at 1,600");
    }
}

#[tokio::test]
async fn work_grows_with_the_number_of_faults() {
    let healthy = work_among(1000, 0, "something is wrong").await;
    let few = work_among(1000, 50, "something is wrong").await - healthy;
    let many = work_among(1000, 200, "something is wrong").await - healthy;
    assert!(many < 5 * few, "{few} objects more for 50 broken Deployments, {many} for 200");
}
