//! Snapshots made for tests: a small shop with one pod that crashes.

use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// Path and content of a file of a snapshot.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// The time at which the shop was captured.
pub(crate) const CAPTURED_AT: &str = "2026-03-01T12:00:00Z";

fn meta(namespace: &str, name: &str) -> Value {
    match namespace {
        "" => json!({"name": name}),
        namespace => json!({"name": name, "namespace": namespace, "labels": {"app": name}}),
    }
}

/// A pod of one container.
pub(crate) fn pod(namespace: &str, name: &str, ready: bool, restarts: i64) -> Value {
    let state = match ready {
        true => json!({"running": {"startedAt": "2026-03-01T11:00:00Z"}}),
        false => json!({"waiting": {"reason": "CrashLoopBackOff"}}),
    };
    let ended =
        json!({"terminated": {"exitCode": 2, "reason": "Error", "finishedAt": "2026-03-01T11:58:00Z"}});
    let last = if restarts > 0 { ended } else { json!({}) };
    json!({
        "metadata": meta(namespace, name),
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "app:1"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "app", "ready": ready, "restartCount": restarts, "state": state,
             "lastState": last}
        ]},
    })
}

fn list(kind: &str, items: &[Value]) -> Vec<u8> {
    json!({"kind": format!("{kind}List"), "apiVersion": "v1", "items": items}).to_string().into_bytes()
}

/// The shop: two namespaces, two pods, a Secret, a ConfigMap, an event, logs.
pub(crate) fn shop() -> Files {
    let mut files: Files = vec![
        ("version.yaml".into(), format!("spec:\n  capturedAt: {CAPTURED_AT}\n").into_bytes()),
        ("cluster-info/cluster_version.json".into(), br#"{"info":{"gitVersion":"v1.36.2"}}"#.to_vec()),
    ];
    let mut add = |path: &str, kind: &str, items: &[Value]| {
        files.push((format!("cluster-resources/{path}.json"), list(kind, items)));
    };
    add(
        "namespaces",
        "Namespace",
        &[json!({"metadata": meta("", "kube-system")}), json!({"metadata": meta("", "shop")})],
    );
    add("nodes", "Node", &[json!({"metadata": meta("", "node-1")})]);
    for namespace in ["shop", "kube-system"] {
        let items = |items: &[Value]| if namespace == "shop" { items.to_vec() } else { Vec::new() };
        let in_shop = |name: &str, more: Value| {
            let mut object = json!({"metadata": meta("shop", name)});
            for (key, value) in more.as_object().into_iter().flatten() {
                object[key] = value.clone();
            }
            object
        };
        add(
            &format!("pods/{namespace}"),
            "Pod",
            &items(&[pod("shop", "cart", true, 0), pod("shop", "web", false, 4)]),
        );
        add(
            &format!("deployments/{namespace}"),
            "Deployment",
            &items(&[in_shop("web", json!({"spec": {"replicas": 1}}))]),
        );
        add(
            &format!("services/{namespace}"),
            "Service",
            &items(&[in_shop("web", json!({"spec": {"ports": [{"port": 80}]}}))]),
        );
        add(
            &format!("secrets/{namespace}"),
            "Secret",
            &items(&[in_shop("db", json!({"type": "Opaque", "data": {"password": ""}}))]),
        );
        add(
            &format!("configmaps/{namespace}"),
            "ConfigMap",
            &items(&[in_shop(
                "settings",
                json!({"data": {"url": "http://cart:80", "api_token": "tok-123456"}}),
            )]),
        );
        add(
            &format!("events/{namespace}"),
            "Event",
            &items(&[in_shop(
                "web.1",
                json!({"type": "Warning", "reason": "BackOff", "message": "restarting",
                       "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web"},
                       "lastTimestamp": "2026-03-01T11:59:00Z"}),
            )]),
        );
        add(
            &format!("endpoints/{namespace}"),
            "Endpoints",
            &items(&[in_shop("web", json!({"subsets": []}))]),
        );
    }
    files.push((
        "cluster-resources/pods/logs/shop/web/app.log".into(),
        b"starting\npanic: no route\n".to_vec(),
    ));
    files.push(("cluster-resources/pods/logs/shop/web/app-previous.log".into(), b"old\xff run\n".to_vec()));
    files.push(("cluster-resources/pods/logs/shop/cart/app.log".into(), b"ready\n".to_vec()));
    files
}

/// The files as a gzipped tar with one top directory.
pub(crate) fn archive(files: &Files) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        builder.append_data(&mut header, format!("bundle/{path}"), content.as_slice()).expect("appended");
    }
    builder.into_inner().expect("tar").finish().expect("gzip")
}

/// Writes the files as an archive into a directory; gives its path.
pub(crate) fn write(directory: &Path, files: &Files) -> PathBuf {
    let path = directory.join("bundle.tar.gz");
    std::fs::write(&path, archive(files)).expect("written");
    path
}
