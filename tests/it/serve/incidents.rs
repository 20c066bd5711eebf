//! Incidents: every route, and everything that can be wrong with a request.

use reqwest::Method;
use serde_json::json;

use super::{INCIDENTS, Running, Script, header, problem};

#[tokio::test(flavor = "multi_thread")]
async fn a_description_becomes_a_report() {
    let server = Running::recorded("checkout-missing-env").await;
    let response = server.post(INCIDENTS, &json!({"description": "checkout pods are crashing"})).await;
    assert_eq!(response.status(), 202);
    let path = header(&response, "location");
    let request_id = header(&response, "x-request-id");
    let accepted: serde_json::Value = response.json().await.unwrap();
    assert_eq!(path, format!("{INCIDENTS}/{}", accepted["incident_id"].as_str().unwrap()));
    assert_eq!(accepted["request_id"], request_id);

    let incident = server.until(&path, "completed").await;
    assert_eq!(incident["id"], accepted["incident_id"]);
    assert_eq!(incident["request_id"], request_id);
    let report = &incident["report"];
    assert_eq!((&report["apiVersion"], &report["kind"]), (&json!("sre-orch/v1"), &json!("Report")));
    assert_eq!(incident["extracted_entities"], report["intent"]);
    assert_eq!(incident["evidence"], report["hypotheses"][0]["evidence"]);
    assert_eq!(incident["suggested_root_cause"], report["hypotheses"][0]["summary"]);
    assert_eq!(incident["confidence_score"], report["hypotheses"][0]["confidence"]["level"]);
    assert_eq!(incident["error"], json!(null));
    for time in ["created_at", "started_at", "completed_at"] {
        assert!(incident[time].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{time}");
    }
}

#[tokio::test]
async fn what_is_not_known_yet_is_null() {
    let script = Script::default();
    let server = Running::scripted(&script).await;
    let path = server.submit("wait").await;
    let incident = server.until(&path, "running").await;
    for field in [
        "completed_at",
        "report",
        "extracted_entities",
        "suggested_root_cause",
        "confidence_score",
        "error",
        "alert",
    ] {
        assert_eq!(incident.get(field), Some(&json!(null)), "{field}");
    }
    assert_eq!(incident["evidence"], json!([]));
    script.gate.add_permits(1);
    server.until(&path, "completed").await;
}

#[tokio::test]
async fn wrong_bodies_are_refused_with_the_reason() {
    let server = Running::scripted(&Script::default()).await;
    let send = |body: String, media: &'static str| {
        server.request(Method::POST, INCIDENTS).header("content-type", media).body(body).send()
    };
    let json = "application/json";
    for body in ["", "{", "{\"description\": \"a\"} x", "\u{0}", "{\"description\": \"\\ud800\"}"] {
        problem(send(body.to_owned(), json).await.unwrap(), 400, "invalid-json").await;
    }
    for (body, reason) in [
        (json!({}), "description"),
        (json!({"description": 7}), "string"),
        (json!({"description": null}), "string"),
        (json!(["web"]), "expected"),
        (json!({"description": "a", "severity": "high"}), "severity"),
        (json!({"description": "a", "namespace": "Not A Name"}), "namespace"),
        (json!({"description": "a", "since": "soon"}), "since"),
        (json!({"description": "a", "labels": {"app": 7}}), "string"),
        (json!({"description": "a", "labels": {"a b": "c"}}), "labels"),
        (json!({"description": "a".repeat(4097)}), "4096"),
    ] {
        let problem = problem(send(body.to_string(), json).await.unwrap(), 422, "invalid-request").await;
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{body}: {problem}");
    }
    problem(
        send("{\"description\": \"a\", \"description\": \"b\"}".to_owned(), json).await.unwrap(),
        422,
        "invalid-request",
    )
    .await;
    let large = json!({"description": "a", "labels": {"app": "a".repeat(70_000)}}).to_string();
    problem(send(large, json).await.unwrap(), 413, "too-large").await;
    let right = json!({"description": "a"}).to_string();
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        problem(send(right.clone(), media).await.unwrap(), 415, "unsupported-media-type").await;
    }
    assert_eq!(send(right, "Application/JSON; charset=utf-8").await.unwrap().status(), 202);
    let all = server.json(INCIDENTS).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "only the right one is stored");
}

#[tokio::test]
async fn wrong_paths_and_methods_are_problems() {
    let server = Running::scripted(&Script::default()).await;
    for id in ["7", "not-a-uuid", "01a20ca5fef77463bce489a1967b3c74", "%7B01a20ca5%7D", "%00"] {
        for (method, rest) in [(Method::GET, ""), (Method::DELETE, ""), (Method::GET, "/events")] {
            let response = server.request(method, &format!("{INCIDENTS}/{id}{rest}")).send().await.unwrap();
            problem(response, 400, "invalid-id").await;
        }
    }
    let unknown = format!("{INCIDENTS}/01a20ca5-fef7-7463-bce4-89a1967b3c74");
    problem(server.get(&unknown).await, 404, "no-such-incident").await;
    problem(server.get(&format!("{unknown}/events")).await, 404, "no-such-incident").await;
    problem(server.post(&format!("{unknown}/feedback"), &json!({})).await, 404, "no-such-incident").await;
    problem(server.request(Method::DELETE, &unknown).send().await.unwrap(), 404, "no-such-incident").await;
    problem(server.get("/api/v2/incidents").await, 404, "not-found").await;
    for (method, path, allowed) in
        [(Method::PUT, INCIDENTS, "POST"), (Method::DELETE, "/healthz", "GET"), (Method::POST, "/", "GET")]
    {
        let response = server.request(method, path).send().await.unwrap();
        assert!(header(&response, "allow").contains(allowed), "{path}");
        problem(response, 405, "method-not-allowed").await;
    }
}

#[tokio::test]
async fn lists_go_on_by_cursor_and_are_filtered() {
    let server = Running::scripted(&Script::default()).await;
    let mut paths = Vec::new();
    for number in 0..5 {
        paths.push(server.submit(&format!("number {number}")).await);
    }
    let failed = server.submit("fail").await;
    server.until(&failed, "failed").await;
    for path in &paths {
        server.until(path, "completed").await;
    }
    let mut seen = Vec::new();
    let mut next = format!("{INCIDENTS}?limit=2");
    loop {
        let piece = server.json(&next).await;
        let items = piece["items"].as_array().unwrap();
        assert!(!items.is_empty() && items.len() <= 2);
        seen.extend(items.iter().map(|item| item["description"].as_str().unwrap().to_owned()));
        let Some(cursor) = piece["next_cursor"].as_str() else { break };
        next = format!("{INCIDENTS}?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["fail", "number 4", "number 3", "number 2", "number 1", "number 0"]);

    let count = async |query: &str| {
        server.json(&format!("{INCIDENTS}?{query}")).await["items"].as_array().unwrap().len()
    };
    assert_eq!(count("status=failed").await, 1);
    assert_eq!(count("status=completed").await, 5);
    assert_eq!(count("status=pending").await, 0);
    let sample = super::report("");
    assert_eq!(count(&format!("cause={}", sample.hypotheses[0].cause)).await, 5);
    assert_eq!(count("cause=something-else").await, 0);
    assert_eq!(count(&format!("namespace={}", sample.hypotheses[0].object.ns())).await, 5);
    assert_eq!(count("namespace=nowhere").await, 0);
    assert_eq!(count("created_after=2000-01-01T00:00:00Z").await, 6);
    assert_eq!(count("created_before=2000-01-01T00:00:00Z").await, 0);
}

#[tokio::test]
async fn wrong_queries_are_refused() {
    let server = Running::scripted(&Script::default()).await;
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=many",
        "limit=",
        "status=open",
        "status=failed&status=failed",
        "colour=red",
        "namespace=A",
        "cause=A%20b",
        "created_after=yesterday",
    ] {
        problem(server.get(&format!("{INCIDENTS}?{query}")).await, 400, "invalid-query").await;
    }
    for cursor in
        ["", "x", "c", "c0", "czzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "01a20ca5-fef7-7463-bce4-89a1967b3c74"]
    {
        problem(server.get(&format!("{INCIDENTS}?cursor={cursor}")).await, 400, "invalid-cursor").await;
    }
}

#[tokio::test]
async fn deletion_cancels_then_removes() {
    let script = Script::default();
    let server = Running::scripted(&script).await;
    let running = server.submit("wait").await;
    server.until(&running, "running").await;
    let response = server.request(Method::DELETE, &running).send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "location")), (303, running.clone()));
    let cancelled: serde_json::Value = response.json().await.unwrap();
    assert_eq!((&cancelled["status"], &cancelled["report"]), (&json!("cancelled"), &json!(null)));
    // The worker is free again.
    let next = server.submit("next").await;
    server.until(&next, "completed").await;
    assert_eq!(server.json(&running).await["status"], "cancelled");
    let response = server.request(Method::DELETE, &running).send().await.unwrap();
    assert_eq!(response.status(), 204);
    problem(server.get(&running).await, 404, "no-such-incident").await;
    problem(server.request(Method::DELETE, &running).send().await.unwrap(), 404, "no-such-incident").await;
}

#[tokio::test]
async fn what_waits_can_be_cancelled_too() {
    let script = Script::default();
    let server = Running::scripted(&script).await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(server.submit("wait").await);
    }
    let last = waiting.last().unwrap();
    assert_eq!(server.json(last).await["status"], "pending");
    let response = server.request(Method::DELETE, last).send().await.unwrap();
    assert_eq!(response.status(), 303);
    script.gate.add_permits(10);
    for path in &waiting[..4] {
        server.until(path, "completed").await;
    }
    assert_eq!(server.json(last).await["status"], "cancelled");
}

#[tokio::test]
async fn a_failure_and_a_panic_fail_one_incident_alone() {
    let server = Running::scripted(&Script::default()).await;
    let (failed, panicked) = (server.submit("fail").await, server.submit("panic").await);
    let well = server.submit("well").await;
    let failed = server.until(&failed, "failed").await;
    assert_eq!(failed["error"], json!({"code": "nothing-readable", "detail": "on purpose"}));
    let panicked = server.until(&panicked, "failed").await;
    assert_eq!(panicked["error"]["code"], "internal");
    assert!(!panicked.to_string().contains("on purpose"));
    server.until(&well, "completed").await;
}

#[tokio::test]
async fn feedback_stays_with_the_incident() {
    let server = Running::scripted(&Script::default()).await;
    let path = server.submit("web").await;
    server.until(&path, "completed").await;
    let feedback = format!("{path}/feedback");
    let body = json!({"confirmed_cause": "oom-killed", "note": "it was; password=hunter22 leaked"});
    let response = server.post(&feedback, &body).await;
    assert_eq!(response.status(), 200);
    let incident = server.json(&path).await;
    let said = &incident["feedback"][0];
    assert_eq!(said["confirmed_cause"], "oom-killed");
    assert!(!said["note"].as_str().unwrap().contains("hunter22"));
    for wrong in [
        json!({"confirmed_cause": "Not An Id"}),
        json!({"cause": "oom-killed"}),
        json!({"note": "n".repeat(4097)}),
    ] {
        problem(server.post(&feedback, &wrong).await, 422, "invalid-request").await;
    }
}

#[tokio::test]
async fn an_idempotency_key_makes_one_incident() {
    let server = Running::scripted(&Script::default()).await;
    let send = |key: &str, description: &str| {
        server
            .request(Method::POST, INCIDENTS)
            .header("idempotency-key", key)
            .json(&json!({"description": description}))
            .send()
    };
    let first = send("key-1", "web").await.unwrap();
    assert_eq!((first.status().as_u16(), header(&first, "idempotency-replayed")), (202, String::new()));
    let again = send("key-1", "web").await.unwrap();
    assert_eq!(header(&again, "location"), header(&first, "location"));
    assert_eq!(header(&again, "idempotency-replayed"), "true");
    problem(send("key-1", "another").await.unwrap(), 409, "idempotency-key-reused").await;
    let other = send("key-2", "web").await.unwrap();
    assert_ne!(header(&other, "location"), header(&first, "location"));
    let long = "k".repeat(256);
    for wrong in ["", "two words", long.as_str()] {
        problem(send(wrong, "web").await.unwrap(), 400, "invalid-header").await;
    }
}

#[tokio::test]
async fn one_key_at_once_makes_one_incident() {
    let server = Running::scripted(&Script::default()).await;
    let send = || async {
        let request = server.request(Method::POST, INCIDENTS).header("idempotency-key", "same");
        let response = request.json(&json!({"description": "web"})).send().await.unwrap();
        header(&response, "location")
    };
    let mut paths = futures::future::join_all((0..20).map(|_| send())).await;
    paths.dedup();
    assert_eq!(paths.len(), 1, "{paths:?}");
}

#[tokio::test]
async fn credentials_in_a_description_are_not_stored() {
    let server = Running::scripted(&Script::default()).await;
    let path = server.submit("web cannot log in with password=hunter22 any more").await;
    let text = server.get(&path).await.text().await.unwrap();
    assert!(text.contains("cannot log in") && !text.contains("hunter22"), "{text}");
}
