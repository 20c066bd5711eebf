//! What happens when there is more than can be done.

use std::sync::atomic::Ordering;

use serde_json::json;
use sre_orch::store::Bounds;

use super::{INCIDENTS, Running, Script, config, header, problem};

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let script = Script::default();
    let bounds = Bounds { pending: 3, ..Bounds::default() };
    let server = Running::start(config(), bounds, script.clone()).await;
    let (one, two) = (server.submit("wait").await, server.submit("wait").await);
    server.until(&one, "running").await;
    server.until(&two, "running").await;
    let mut accepted = vec![one, two];
    for _ in 0..3 {
        accepted.push(server.submit("wait").await);
    }
    let start = std::time::Instant::now();
    let response = server.post(INCIDENTS, &json!({"description": "too many"})).await;
    assert!(start.elapsed().as_secs() < 2);
    assert_eq!(header(&response, "retry-after"), "1");
    problem(response, 503, "queue-full").await;
    script.gate.add_permits(10);
    for path in &accepted {
        server.until(path, "completed").await;
    }
    assert_eq!(script.begun.load(Ordering::SeqCst), accepted.len());
    let next = server.submit("next").await;
    server.until(&next, "completed").await;
}

#[tokio::test]
async fn the_first_finished_goes_first() {
    let bounds = Bounds { incidents: 3, pending: 3, ..Bounds::default() };
    let script = Script::default();
    let server = Running::start(config(), bounds, script.clone()).await;
    let running = server.submit("wait").await;
    server.until(&running, "running").await;
    let mut paths = Vec::new();
    for _ in 0..5 {
        let path = server.submit("web").await;
        server.until(&path, "completed").await;
        paths.push(path);
    }
    assert_eq!(server.json(&running).await["status"], "running");
    for (index, path) in paths.iter().enumerate() {
        assert_eq!(server.get(path).await.status() == 200, index >= 3, "{index}");
    }
}
