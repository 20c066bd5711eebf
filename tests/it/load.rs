//! Healthy load around an incident: namespaces of Deployments in which nothing is wrong.

use serde_json::{Value, json};

use super::fixture::Files;

/// Pods of one Deployment, and Deployments of one namespace.
const REPLICAS: usize = 4;
const DEPLOYMENTS: usize = 25;

/// Started long before any capture.
const STARTED: &str = "2020-01-01T00:00:00Z";

fn list(kind: &str, items: Vec<Value>) -> Vec<u8> {
    json!({"kind": format!("{kind}List"), "apiVersion": "v1", "items": items}).to_string().into_bytes()
}

/// Adds so many healthy pods to the files of a snapshot.
pub(crate) fn surround(files: Files, pods: usize) -> Files {
    surround_with(files, pods, 0)
}

/// As [`surround`]; the pods of so many of the Deployments crash.
pub(crate) fn surround_with(mut files: Files, pods: usize, mut broken: usize) -> Files {
    let namespaces = pods.div_ceil(REPLICAS * DEPLOYMENTS);
    for number in 0..namespaces {
        add(&mut files, &format!("load-{number:03}"), broken.min(DEPLOYMENTS));
        broken = broken.saturating_sub(DEPLOYMENTS);
    }
    for (path, content) in &mut files {
        let kind = match path.as_str() {
            "cluster-resources/namespaces.json" => "Namespace",
            "cluster-resources/nodes.json" => "Node",
            _ => continue,
        };
        let mut known: Value = serde_json::from_slice(content).unwrap();
        let items = known["items"].as_array_mut().unwrap();
        for number in 0..namespaces {
            let name = format!("load-{number:03}");
            items.push(match kind {
                "Namespace" => json!({"metadata": {"name": name}, "status": {"phase": "Active"}}),
                _ => json!({
                    "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
                    "spec": {"taints": [{"key": "load", "value": "true", "effect": "NoSchedule"}]},
                    "status": {
                        "conditions": [{"type": "Ready", "status": "True"}],
                        "allocatable": {"cpu": "64", "memory": "256Gi", "pods": "250"},
                    },
                }),
            });
        }
        *content = known.to_string().into_bytes();
    }
    files
}

/// What an API server adds to every object, in its usual size.
fn managed(fields: usize) -> Value {
    let field =
        |number: usize| (format!("f:field-{number:02}"), json!({".": {}, "f:name": {}, "f:value": {}}));
    let owned: serde_json::Map<String, Value> = (0..fields).map(field).collect();
    json!([{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": STARTED,
        "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": owned}}}])
}

/// What the scheduler and the kubelet say of a pod that starts.
fn started(pod: &str, namespace: &str) -> impl Iterator<Item = Value> {
    let steps = [
        ("Scheduled", format!("Successfully assigned {namespace}/{pod} to {namespace}")),
        ("Pulled", "Container image \"registry.example/app:1\" already present on machine".to_owned()),
        ("Created", "Container created".to_owned()),
        ("Started", "Container started".to_owned()),
    ];
    let object = json!({"kind": "Pod", "apiVersion": "v1", "namespace": namespace, "name": pod});
    let (pod, namespace) = (pod.to_owned(), namespace.to_owned());
    steps.into_iter().map(move |(reason, message)| {
        json!({
            "metadata": {"name": format!("{pod}.{reason}"), "namespace": namespace, "creationTimestamp": STARTED},
            "involvedObject": object, "type": "Normal", "reason": reason, "message": message, "count": 1,
            "firstTimestamp": STARTED, "lastTimestamp": STARTED, "source": {"component": "kubelet"},
        })
    })
}

fn add(files: &mut Files, namespace: &str, broken: usize) {
    let mut objects: [Vec<Value>; 6] = Default::default();
    let [deployments, sets, pods, services, slices, events] = &mut objects;
    for number in 0..DEPLOYMENTS {
        let name = format!("app-{number:02}");
        let labels = json!({"app": name});
        let meta = |name: &str, owner: Option<(&str, &str)>| {
            let owners = owner.map(|(kind, name)| {
                json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true}])
            });
            json!({
                "name": name, "namespace": namespace, "labels": labels, "creationTimestamp": STARTED,
                "generation": 1, "ownerReferences": owners.unwrap_or(json!([])),
                "uid": format!("{namespace}-{name}"), "managedFields": managed(40),
            })
        };
        let spec = json!({
            "containers": [{"name": "main", "image": "registry.example/app:1", "ports": [{"containerPort": 8080}]}],
            "tolerations": [{"key": "load", "operator": "Exists"}],
        });
        let template = json!({"metadata": {"labels": labels}, "spec": spec});
        let workload =
            json!({"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template});
        let crashes = number < broken;
        let ready = if crashes { 0 } else { REPLICAS };
        let status = json!({
            "observedGeneration": 1, "replicas": REPLICAS, "readyReplicas": ready,
            "updatedReplicas": REPLICAS, "availableReplicas": ready,
            "conditions": [{"type": "Available", "status": if crashes { "False" } else { "True" }}],
        });
        let set = format!("{name}-7c9d8b6f5d");
        deployments.push(json!({"metadata": meta(&name, None), "spec": workload, "status": status}));
        let owner = Some(("Deployment", name.as_str()));
        sets.push(json!({"metadata": meta(&set, owner), "spec": workload, "status": status}));
        let mut addresses = Vec::new();
        for replica in 0..REPLICAS {
            let pod = format!("{set}-{namespace}{replica}");
            let mut spec = spec.clone();
            spec["nodeName"] = json!(namespace);
            let state = match crashes {
                true => json!({"waiting": {"reason": "CrashLoopBackOff"}}),
                false => json!({"running": {"startedAt": STARTED}}),
            };
            let last = match crashes {
                true => json!({"terminated": {"exitCode": 1, "reason": "Error"}}),
                false => json!({}),
            };
            let status = json!({
                "phase": "Running", "podIP": "10.0.0.1",
                "conditions": [{"type": "Ready", "status": if crashes { "False" } else { "True" }}],
                "containerStatuses": [{"name": "main", "ready": !crashes, "state": state,
                    "lastState": last, "restartCount": if crashes { 7 } else { 0 }}],
            });
            pods.push(
                json!({"metadata": meta(&pod, Some(("ReplicaSet", &set))), "spec": spec, "status": status}),
            );
            addresses.push(json!({"addresses": ["10.0.0.1"], "conditions": {"ready": !crashes}}));
            events.extend(started(&pod, namespace));
        }
        let ports = json!([{"port": 80, "targetPort": 8080}]);
        let service =
            json!({"selector": labels, "ports": ports, "clusterIP": "10.1.0.1", "type": "ClusterIP"});
        services.push(json!({"metadata": meta(&name, None), "spec": service}));
        let mut slice = meta(&format!("{name}-x7k2p"), Some(("Service", &name)));
        slice["labels"]["kubernetes.io/service-name"] = json!(name);
        slices.push(json!({"metadata": slice, "addressType": "IPv4", "endpoints": addresses, "ports": [{"port": 8080}]}));
    }
    let kinds = ["Deployment", "ReplicaSet", "Pod", "Service", "EndpointSlice", "Event"];
    for (kind, items) in kinds.into_iter().zip(objects) {
        let plural = format!("{}s", kind.to_lowercase());
        files.push((format!("cluster-resources/{plural}/{namespace}.json"), list(kind, items)));
    }
    for plural in
        ["serviceaccounts", "configmaps", "secrets", "statefulsets", "daemonsets", "jobs", "cronjobs"]
    {
        files.push((format!("cluster-resources/{plural}/{namespace}.json"), list("Empty", Vec::new())));
    }
}
