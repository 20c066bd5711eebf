//! Investigations share what the cluster answered.

use std::time::Duration;

use serde_json::Value;
use sre_orch::agent::live;
use sre_orch::store::Bounds;

use super::{Running, config, pipeline};
use crate::api_server::{ApiServer, Fault, Rule};
use crate::fixture::shop;

async fn server(api: &ApiServer, fresh: Duration) -> Running {
    let access = live::Access { kubeconfig: Some(api.kubeconfig()), ..live::Access::default() };
    let source = live::connect(&access).await.unwrap();
    let config = sre_orch::serve::Config { workers: 8, ..config() };
    Running::start(config, Bounds::default(), pipeline(source, fresh, std::sync::Arc::default())).await
}

async fn investigate(server: &Running, times: usize) -> Vec<Value> {
    let mut paths = Vec::new();
    for _ in 0..times {
        paths.push(server.submit("web is crashing").await);
    }
    let mut incidents = Vec::new();
    for path in paths {
        incidents.push(server.until(&path, "completed").await);
    }
    incidents
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_read_the_cluster_once() {
    let api = ApiServer::start(&shop(), Vec::new());
    let server = server(&api, Duration::from_secs(60)).await;
    let incidents = investigate(&server, 50).await;
    let mut requests = api.requests();
    let sent = requests.len();
    requests.sort();
    requests.dedup();
    assert_eq!(sent, requests.len(), "something was read twice");
    let alike = |incident: &Value| incident["report"]["hypotheses"].clone();
    assert!(incidents.iter().all(|incident| alike(incident) == alike(&incidents[0])));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_shared_for_a_while_only() {
    let api = ApiServer::start(&shop(), Vec::new());
    let server = server(&api, Duration::from_millis(200)).await;
    investigate(&server, 1).await;
    let once = api.requests().len();
    tokio::time::sleep(Duration::from_millis(300)).await;
    investigate(&server, 1).await;
    assert_eq!(api.requests().len(), 2 * once);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_is_not_kept() {
    let api = ApiServer::start(&shop(), vec![Rule::times("/pods", Fault::Broken, 1)]);
    let server = server(&api, Duration::from_secs(60)).await;
    let incidents = investigate(&server, 1).await;
    // The first answer was a 500; the next try did not get it from the cache.
    assert_eq!(incidents[0]["report"]["blind_spots"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_the_cluster() {
    let api = ApiServer::start(&shop(), Vec::new());
    let running = server(&api, Duration::from_secs(5)).await;
    assert_eq!(running.get("/readyz").await.status(), 200);
    drop(api);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    super::problem(running.get("/readyz").await, 503, "not-ready").await;
    assert_eq!(running.get("/healthz").await.status(), 200);
}
