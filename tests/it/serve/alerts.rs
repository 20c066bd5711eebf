//! Alertmanager's webhook.

use serde_json::{Value, json};

use super::{Running, Script, header, problem};

const ALERTS: &str = "/api/v1/alerts";

/// A notification as Alertmanager 0.28 sends it.
fn notification(group: &str, status: &str) -> Value {
    json!({
        "receiver": "sre-orch", "status": status, "version": "4", "groupKey": group, "truncatedAlerts": 0,
        "groupLabels": {"alertname": "KubePodCrashLooping"},
        "commonLabels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "severity": "warning"},
        "commonAnnotations": {"summary": "Pod is crash looping."},
        "externalURL": "http://alertmanager:9093",
        "alerts": [{
            "status": status, "startsAt": "2026-03-01T11:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "", "fingerprint": "c0ffee",
            "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": "web-7d9f8b6c5d-x2x1z"},
            "annotations": {"summary": "Pod is crash looping."},
        }],
    })
}

#[tokio::test]
async fn a_group_is_one_incident_until_it_is_resolved() {
    let server = Running::scripted(&Script::default()).await;
    let first = server.post(ALERTS, &notification("{}:{a}", "firing")).await;
    assert_eq!(first.status(), 202);
    let path = header(&first, "location");
    let noted: Value = first.json().await.unwrap();
    assert_eq!(noted["outcome"], "created");
    let incident = server.until(&path, "completed").await;
    assert_eq!(incident["id"], noted["incident_id"]);
    let description = incident["description"].as_str().unwrap();
    for word in ["KubePodCrashLooping", "namespace=shop", "web-7d9f8b6c5d-x2x1z"] {
        assert!(description.contains(word), "{description}");
    }

    let repeat = server.post(ALERTS, &notification("{}:{a}", "firing")).await;
    assert_eq!(repeat.status(), 200);
    let repeat: Value = repeat.json().await.unwrap();
    assert_eq!((&repeat["outcome"], &repeat["incident_id"]), (&json!("folded"), &noted["incident_id"]));
    let other: Value = server.post(ALERTS, &notification("{}:{b}", "firing")).await.json().await.unwrap();
    assert_eq!(other["outcome"], "created");

    let resolved: Value =
        server.post(ALERTS, &notification("{}:{a}", "resolved")).await.json().await.unwrap();
    assert_eq!((&resolved["outcome"], &resolved["incident_id"]), (&json!("resolved"), &noted["incident_id"]));
    let alert = &server.json(&path).await["alert"];
    assert_eq!((&alert["notifications"], &alert["firing"]), (&json!(3), &json!(0)));
    assert!(alert["resolved_at"].is_string());

    let again: Value = server.post(ALERTS, &notification("{}:{a}", "firing")).await.json().await.unwrap();
    assert_eq!(again["outcome"], "created");
    assert_ne!(again["incident_id"], noted["incident_id"]);
}

#[tokio::test]
async fn fifty_repeats_at_once_are_one_incident() {
    let server = Running::scripted(&Script::default()).await;
    let send = || async { server.post(ALERTS, &notification("{}:{a}", "firing")).await.status().as_u16() };
    let statuses = futures::future::join_all((0..50).map(|_| send())).await;
    assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 49);
}

#[tokio::test]
async fn what_never_fired_is_ignored() {
    let server = Running::scripted(&Script::default()).await;
    let noted: Value = server.post(ALERTS, &notification("{}:{a}", "resolved")).await.json().await.unwrap();
    assert_eq!((&noted["outcome"], &noted["incident_id"]), (&json!("ignored"), &json!(null)));
}

#[tokio::test]
async fn what_is_no_notification_is_refused() {
    let server = Running::scripted(&Script::default()).await;
    let with = |field: &str, value: Value| {
        let mut notification = notification("{}:{a}", "firing");
        notification[field] = value;
        notification
    };
    for wrong in [
        json!({}),
        with("version", json!("3")),
        with("version", json!(4)),
        with("groupKey", json!("")),
        with("status", json!("broken")),
        with("alerts", json!([{"labels": {}}])),
    ] {
        problem(server.post(ALERTS, &wrong).await, 422, "invalid-request").await;
    }
    let large = with("externalURL", json!("x".repeat(2 << 20)));
    problem(server.post(ALERTS, &large).await, 413, "too-large").await;
}
