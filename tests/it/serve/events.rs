//! Server-sent events.

use reqwest::Method;

use super::{Running, Script, header};

#[tokio::test]
async fn events_tell_what_happens_until_the_end() {
    let script = Script::default();
    let server = Running::scripted(&script).await;
    let path = server.submit("wait").await;
    server.until(&path, "running").await;
    let mut response = server.get(&format!("{path}/events")).await;
    assert_eq!(response.status(), 200);
    assert!(header(&response, "content-type").starts_with("text/event-stream"));
    let mut text = String::new();
    while !text.contains("Looking") {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(!text.contains("completed"));
    script.gate.add_permits(1);
    text.push_str(&response.text().await.unwrap());
    let events: Vec<&str> = text.split("\n\n").filter(|event| !event.is_empty()).collect();
    assert_eq!(
        events,
        [
            "id: 0\nevent: status\ndata: {\"status\":\"pending\"}",
            "id: 1\nevent: status\ndata: {\"status\":\"running\"}",
            "id: 2\nevent: phase\ndata: {\"phase\":\"Looking\"}",
            "id: 3\nevent: status\ndata: {\"status\":\"completed\"}",
        ]
    );
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed() {
    let script = Script::default();
    let server = Running::scripted(&script).await;
    let path = server.submit("wait").await;
    server.until(&path, "running").await;
    script.gate.add_permits(1);
    let request = server.request(Method::GET, &format!("{path}/events")).header("last-event-id", "1");
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(!text.contains("pending") && text.contains("completed"), "{text}");
}

#[tokio::test]
async fn of_a_finished_incident_only_the_end_is_told() {
    let server = Running::scripted(&Script::default()).await;
    for (description, status) in [("web", "completed"), ("fail", "failed")] {
        let path = server.submit(description).await;
        server.until(&path, status).await;
        let text = server.get(&format!("{path}/events")).await.text().await.unwrap();
        assert_eq!(text, format!("id: 0\nevent: status\ndata: {{\"status\":\"{status}\"}}\n\n"));
    }
}

#[tokio::test]
async fn a_cancelled_incident_ends_its_events() {
    let server = Running::scripted(&Script::default()).await;
    let path = server.submit("wait").await;
    server.until(&path, "running").await;
    let response = server.get(&format!("{path}/events")).await;
    server.request(Method::DELETE, &path).send().await.unwrap();
    let text = response.text().await.unwrap();
    assert!(text.ends_with("data: {\"status\":\"cancelled\"}\n\n"), "{text}");
}
