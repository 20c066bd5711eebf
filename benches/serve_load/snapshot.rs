//! A snapshot of a shop: ten Deployments of five pods, one of which crashes.

use std::path::Path;

use serde_json::{Value, json};

const NAMES: [&str; 10] =
    ["checkout", "cart", "catalog", "search", "web", "orders", "payments", "mail", "stock", "reviews"];
const NAMESPACE: &str = "shop";
const REPLICAS: usize = 5;

fn list(root: &Path, path: &str, kind: &str, items: &[Value]) {
    let file = root.join("cluster-resources").join(format!("{path}.json"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let list = json!({"kind": format!("{kind}List"), "apiVersion": "v1", "items": items});
    std::fs::write(file, list.to_string()).unwrap();
}

fn meta(name: &str, app: &str) -> Value {
    json!({"name": name, "namespace": NAMESPACE, "labels": {"app": app}, "uid": name,
           "creationTimestamp": "2026-03-01T09:00:00Z"})
}

fn template(app: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{
        "name": "app", "image": format!("registry.example/{app}:1.4.2"), "ports": [{"containerPort": 8080}],
        "env": [{"name": "UPSTREAM", "value": "http://catalog:80"}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
    }]}})
}

fn owned(mut metadata: Value, kind: &str, name: &str) -> Value {
    metadata["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true}]);
    metadata
}

fn pod(app: &str, number: usize, crashes: bool) -> Value {
    let name = format!("{app}-7d9f8b6c5d-x{number}");
    let ready = if crashes { "False" } else { "True" };
    let status = if crashes {
        json!({"name": "app", "ready": false, "restartCount": 7,
               "state": {"waiting": {"reason": "CrashLoopBackOff"}},
               "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": "2026-03-01T11:58:00Z",
                             "finishedAt": "2026-03-01T11:58:01Z"}}})
    } else {
        json!({"name": "app", "ready": true, "restartCount": 0, "state": {"running": {"startedAt": "2026-03-01T09:00:10Z"}}})
    };
    let mut spec = template(app)["spec"].clone();
    spec["nodeName"] = json!("node-1");
    json!({"metadata": owned(meta(&name, app), "ReplicaSet", &format!("{app}-7d9f8b6c5d")), "spec": spec,
           "status": {"phase": "Running", "podIP": format!("10.0.0.{number}"), "containerStatuses": [status],
                      "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-03-01T11:50:00Z"}]}})
}

fn workload(app: &str, kind: &str, ready: usize) -> Value {
    let (name, metadata) = match kind {
        "ReplicaSet" => {
            let name = format!("{app}-7d9f8b6c5d");
            let metadata = owned(meta(&name, app), "Deployment", app);
            (name, metadata)
        }
        _ => (app.to_owned(), meta(app, app)),
    };
    json!({"metadata": metadata, "kind": kind, "apiVersion": "apps/v1",
           "spec": {"replicas": REPLICAS, "selector": {"matchLabels": {"app": app}}, "template": template(app)},
           "status": {"replicas": REPLICAS, "readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": REPLICAS, "name": name}})
}

/// Writes the snapshot into a directory.
pub(crate) fn write(root: &Path) {
    std::fs::write(root.join("version.yaml"), "spec:\n  capturedAt: 2026-03-01T12:00:00Z\n").unwrap();
    let cluster = |name: &str| json!({"metadata": {"name": name}});
    list(root, "namespaces", "Namespace", &["kube-system", "shop"].map(cluster));
    let node = json!({"metadata": {"name": "node-1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    list(root, "nodes", "Node", &[node]);
    let mut pods = Vec::new();
    let (mut events, mut endpoints) = (Vec::new(), Vec::new());
    for app in NAMES {
        for number in 0..REPLICAS {
            let crashes = app == "checkout";
            let pod = pod(app, number, crashes);
            let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
            let log = if crashes {
                "starting\nError: Missing required environment variable: PAYMENT_API_KEY\n".to_owned()
            } else {
                "GET /ready 200 1ms\n".repeat(200)
            };
            let logs = root.join(format!("cluster-resources/pods/logs/{NAMESPACE}/{name}"));
            std::fs::create_dir_all(&logs).unwrap();
            std::fs::write(logs.join("app.log"), log).unwrap();
            let reason = if crashes {
                ("Warning", "BackOff", "Back-off restarting failed container app")
            } else {
                ("Normal", "Started", "Started container app")
            };
            events.push(
                json!({"metadata": meta(&format!("{name}.1"), app), "type": reason.0, "reason": reason.1,
                "message": reason.2, "count": 3, "lastTimestamp": "2026-03-01T11:59:00Z",
                "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": name}}),
            );
            pods.push(pod);
        }
        let ready = app != "checkout";
        endpoints.push(json!({"metadata": {"name": format!("{app}-1"), "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": app}},
            "addressType": "IPv4", "ports": [{"port": 8080}],
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}]}));
    }
    let ready = |app: &str| if app == "checkout" { 0 } else { REPLICAS };
    let of = |kind: &str| NAMES.map(|app| workload(app, kind, ready(app)));
    let services = NAMES.map(|app| {
        json!({"metadata": meta(app, app), "spec": {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}]}})
    });
    for (namespace, here) in [(NAMESPACE, true), ("kube-system", false)] {
        let items = |items: &[Value]| if here { items.to_vec() } else { Vec::new() };
        list(root, &format!("pods/{namespace}"), "Pod", &items(&pods));
        list(root, &format!("events/{namespace}"), "Event", &items(&events));
        list(root, &format!("deployments/{namespace}"), "Deployment", &items(&of("Deployment")));
        list(root, &format!("replicasets/{namespace}"), "ReplicaSet", &items(&of("ReplicaSet")));
        list(root, &format!("services/{namespace}"), "Service", &items(&services));
        list(root, &format!("endpointslices/{namespace}"), "EndpointSlice", &items(&endpoints));
        for (plural, kind) in [
            ("configmaps", "ConfigMap"),
            ("secrets", "Secret"),
            ("statefulsets", "StatefulSet"),
            ("jobs", "Job"),
        ] {
            list(root, &format!("{plural}/{namespace}"), kind, &[]);
        }
    }
}
