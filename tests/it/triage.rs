//! In a large cluster most is left unread, and the answer is that of reading everything.

use std::path::Path;

use serde_json::Value;
use sre_orch::graph_test::incident;

use crate::api_server::ApiServer;
use crate::binary::run_in;
use crate::fixture::Files;
use crate::incidents::fixtures;
use crate::{load, renaming};

const PODS: usize = 1000;

/// Hypotheses as cause, object and level, in order; and what it cost.
fn investigate(kubeconfig: &Path, description: &str, more: &[&str]) -> (Vec<String>, Value) {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["investigate", "-o", "json", "--kubeconfig", kubeconfig.to_str().unwrap(), description];
    let (code, out, err) = run_in(home.path(), &[&arguments[..], more].concat());
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let ranked = report["hypotheses"].as_array().unwrap().iter().map(|one| {
        let object = &one["object"];
        format!(
            "{} {} {}/{} {}",
            one["cause"], object["kind"], object["namespace"], object["name"], one["confidence"]["level"]
        )
    });
    (ranked.collect(), report["stats"].clone())
}

fn surrounded(bundle: &Path) -> Files {
    load::surround(renaming::read(bundle), PODS)
}

#[test]
fn triage_and_a_full_read_give_the_same_hypotheses() {
    same_hypotheses(0);
}

#[test]
fn triage_and_a_full_read_give_the_same_hypotheses_of_the_others() {
    same_hypotheses(1);
}

/// Of every other fixture, so that two tests share the work.
fn same_hypotheses(first: usize) {
    let mut cheap = 0;
    let mut total = 0;
    for file in incident::find(&fixtures()).into_iter().skip(first).step_by(2) {
        let expected: incident::Expected =
            serde_yaml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let bundle = file.parent().unwrap().join("bundle.tar.gz");
        let server = ApiServer::start(&surrounded(&bundle), Vec::new());
        let kubeconfig = server.kubeconfig();
        for description in [expected.description.as_str(), "something is wrong"] {
            let (triaged, few) = investigate(&kubeconfig, description, &[]);
            let (full, all) = investigate(&kubeconfig, description, &["--no-triage"]);
            assert_eq!(triaged, full, "{}: {description}", file.display());
            total += 1;
            cheap += usize::from(few["bytes"].as_u64() < all["bytes"].as_u64().map(|bytes| bytes / 2));
        }
    }
    // The healthy ones and those without a proven cause are read in full in the end.
    assert!(cheap * 2 > total, "only {cheap} of {total} were cheaper");
}

#[test]
fn one_fault_among_many_pods_costs_few_requests() {
    let bundle = fixtures().join("checkout-missing-env/bundle.tar.gz");
    let server = ApiServer::start(&surrounded(&bundle), Vec::new());
    let kubeconfig = server.kubeconfig();
    let (hypotheses, stats) = investigate(&kubeconfig, "checkout pods crashing", &[]);
    assert!(hypotheses[0].contains("application-panic-missing-env"), "{hypotheses:?}");
    assert!(stats["api_requests"].as_u64().unwrap() <= 80, "{stats}");
    let lists: Vec<_> =
        server.requests().into_iter().filter(|(path, _)| path.starts_with("/api/v1/pods?")).collect();
    assert!(
        lists.iter().all(|(path, accept)| accept.contains("as=Table") || path.contains("fieldSelector")),
        "{lists:?}"
    );
    let (_, stats) = investigate(&kubeconfig, "checkout pods crashing", &["-n", "shop-apac"]);
    assert!(stats["api_requests"].as_u64().unwrap() <= 40, "{stats}");
}
