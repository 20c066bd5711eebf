//! Every incident under `tests/fixtures`, through the whole pipeline.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use sre_orch::agent::{Limits, Source};
use sre_orch::graph_test::incident;
use sre_orch::knowledge::Graph;
use sre_orch::pipeline::{self, Request, Silent};
use sre_orch::report::model::Report;

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub(crate) fn request(description: &str) -> Request {
    Request {
        description: description.to_owned(),
        namespaces: Vec::new(),
        selector: None,
        since: SignedDuration::from_hours(1),
        limits: Limits::default(),
        hygiene: false,
        triage: true,
    }
}

async fn investigate(name: &str, description: &str) -> Report {
    let bundle = fixtures().join(name).join("bundle.tar.gz");
    let graph = Graph::bundled().unwrap();
    let source = Source::snapshot(&bundle).unwrap();
    pipeline::investigate(source, &graph, &request(description), &Silent).await.unwrap()
}

#[tokio::test]
async fn every_incident_gets_its_cause() {
    let graph = Graph::bundled().unwrap();
    let files = incident::find(&fixtures());
    assert!(files.len() >= 12, "only {} incidents", files.len());
    let mut failed = Vec::new();
    for file in &files {
        let result = incident::run(&graph, file).await;
        failed.extend(result.failure.map(|failure| format!("{}: {failure}", result.name)));
    }
    assert!(
        failed.is_empty(),
        "{} of {} incidents failed:\n{}",
        failed.len(),
        files.len(),
        failed.join("\n")
    );
}

/// What must be the same for the same input: everything but id, time and effort.
pub(crate) fn comparable(mut report: Report) -> String {
    report.id.clear();
    report.generated_at = jiff::Timestamp::UNIX_EPOCH;
    report.stats = sre_orch::report::model::Stats::default();
    serde_json::to_string(&report).unwrap()
}

#[tokio::test]
async fn the_same_input_gives_the_same_report() {
    for name in ["checkout-missing-env", "webhook-backend-down", "healthy-redis"] {
        let first = comparable(investigate(name, "something is wrong").await);
        let second = comparable(investigate(name, "something is wrong").await);
        assert_eq!(first, second, "{name}");
    }
}

#[tokio::test]
async fn evidence_ids_are_unique_and_every_chain_cites_known_ones() {
    for file in incident::find(&fixtures()) {
        let name = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let report = investigate(&name, "").await;
        let ids: Vec<&str> =
            report.hypotheses.iter().flat_map(|one| &one.evidence).map(|one| one.id.as_str()).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(ids.len(), unique.len(), "{name}");
        for hypothesis in &report.hypotheses {
            let own: Vec<&str> = hypothesis.evidence.iter().map(|one| one.id.as_str()).collect();
            for cited in hypothesis.chain.iter().flat_map(|link| &link.evidence) {
                assert!(own.contains(&cited.as_str()), "{name}: {} cites {cited}", hypothesis.cause);
            }
        }
    }
}
