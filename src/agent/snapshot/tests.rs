use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn open(files: &[(&str, &[u8])]) -> Result<Snapshot, SnapshotError> {
    let files: Files =
        files.iter().map(|(path, bytes)| ((*path).to_owned(), Content::Bytes(bytes.to_vec()))).collect();
    Snapshot::from_files(files, Path::new("test"))
}

fn service(files: &[(&str, &[u8])]) -> SnapshotService {
    SnapshotService::new(std::sync::Arc::new(open(files).expect("opens")))
}

fn get(service: &SnapshotService, uri: &str) -> (u16, Value, String) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let answer = service.answer(path, query, "application/json");
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    (answer.status, serde_json::from_str(&text).unwrap_or_default(), text)
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.pointer("/metadata/name")?.as_str()).collect()
}

const PODS: &[u8] = br#"{"kind":"PodList","items":[
    {"metadata":{"name":"web-1","namespace":"shop","labels":{"app":"web"}},
     "spec":{"nodeName":"n1","containers":[{"name":"app"}]},
     "status":{"phase":"Running","containerStatuses":[{"name":"app","state":{"running":{}},"containerID":"containerd://abc"}]}},
    {"metadata":{"name":"web-2","namespace":"shop","labels":{"app":"web"}},
     "spec":{"containers":[{"name":"app"}]},
     "status":{"phase":"Pending","containerStatuses":[{"name":"app","state":{"waiting":{"reason":"ErrImagePull"}}}]}},
    {"metadata":{"name":"db","namespace":"shop"},"spec":{"containers":[{"name":"a"},{"name":"b"}]},"status":{"phase":"Running"}}
]}"#;

fn shop() -> SnapshotService {
    service(&[
        ("bundle/version.yaml", b"spec:\n  capturedAt: 2026-01-02T03:04:05Z\n"),
        ("bundle/cluster-info/cluster_version.json", br#"{"info":{"gitVersion":"v1.36.2"}}"#),
        ("bundle/cluster-resources/namespaces.json", br#"{"items":[{"metadata":{"name":"shop"}},{"metadata":{"name":"dark"}}]}"#),
        ("bundle/cluster-resources/pods/shop.json", PODS),
        ("bundle/cluster-resources/pods/logs/shop/web-1/app.log", b"one\ntwo\nthree\n"),
        ("bundle/cluster-resources/secrets/shop.json",
         br#"{"items":[{"metadata":{"name":"s","namespace":"shop"},"type":"Opaque","data":{"password":"aGk="}}]}"#),
        ("bundle/cluster-resources/secrets-errors.json", br#"{"dark":"secrets is forbidden: no"}"#),
    ])
}

#[test]
fn lists_select_page_and_tell_the_rest() {
    let service = shop();
    let pods = "/api/v1/namespaces/shop/pods";
    assert_eq!(names(&get(&service, pods).1), ["web-1", "web-2", "db"]);
    assert_eq!(names(&get(&service, &format!("{pods}?labelSelector=app%3Dweb")).1), ["web-1", "web-2"]);
    let not_running = format!("{pods}?fieldSelector=status.phase%21%3DRunning%2Cspec.nodeName%3D");
    assert_eq!(names(&get(&service, &not_running).1), ["web-2"]);

    let first = get(&service, &format!("{pods}?limit=2")).1;
    assert_eq!(names(&first), ["web-1", "web-2"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    let token = first["metadata"]["continue"].as_str().expect("a token");
    let rest = get(&service, &format!("{pods}?limit=2&continue={token}")).1;
    assert_eq!(names(&rest), ["db"]);
    assert!(rest["metadata"].get("continue").is_none());
    assert_eq!(names(&get(&service, &format!("{pods}?limit=1&resourceVersion=0")).1).len(), 3);
    assert_eq!(get(&service, &format!("{pods}?limit=1&continue=stale")).0, 410);
}

#[test]
fn what_is_not_there_is_refused_as_a_server_would() {
    let service = shop();
    let (status, body, _) = get(&service, "/api/v1/namespaces/shop/pods/nosuch");
    assert_eq!((status, body["message"].as_str()), (404, Some("pods \"nosuch\" not found")));
    assert_eq!(names(&get(&service, "/api/v1/namespaces/nosuch/pods").1), Vec::<&str>::new());
    assert_eq!(get(&service, "/api/v1/namespaces/nosuch/pods").0, 200);
    let (status, _, text) = get(&service, "/apis/metrics.k8s.io/v1beta1/pods");
    assert_eq!((status, text.as_str()), (404, "404 page not found\n"));
    assert_eq!(get(&service, "/api/v1/namespaces/dark/secrets").0, 403);
    // Not captured, which is not the same as empty.
    assert_eq!(get(&service, "/api/v1/namespaces/dark/pods").0, 404);
    assert_eq!(get(&service, "/api/v1/pods").0, 403);
}

#[test]
fn metadata_only_hides_values_and_keeps_key_names() {
    let answer = shop().answer(
        "/api/v1/namespaces/shop/secrets",
        "",
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    );
    let text = String::from_utf8(answer.body).expect("UTF-8");
    assert!(!text.contains("aGk="), "{text}");
    assert!(text.contains("f:password") && text.contains("PartialObjectMetadataList"), "{text}");
}

#[test]
fn logs_are_answered_like_a_kubelet_does() {
    let service = shop();
    let log = |rest: &str| {
        let (status, body, text) = get(&service, &format!("/api/v1/namespaces/shop/pods/{rest}"));
        (status, body["message"].as_str().map_or(text, str::to_owned))
    };
    assert_eq!(log("web-1/log?container=app&tailLines=2"), (200, "two\nthree\n".into()));
    assert_eq!(log("web-1/log"), (200, "one\ntwo\nthree\n".into()));
    assert_eq!(log("web-1/log?container=no"), (400, "container no is not valid for pod web-1".into()));
    assert_eq!(
        log("web-1/log?previous=true"),
        (400, "previous terminated container \"app\" in pod \"web-1\" not found".into())
    );
    assert_eq!(
        log("web-2/log"),
        (400, "container \"app\" in pod \"web-2\" is waiting to start: ErrImagePull".into())
    );
    assert_eq!(log("nosuch/log"), (404, "pods \"nosuch\" not found".into()));
    assert!(log("db/log").1.starts_with("a container name must be specified for pod db, choose one of:"));
}

#[test]
fn a_log_that_was_not_captured_is_no_empty_log() {
    let service = service(&[("cluster-resources/pods/shop.json", PODS)]);
    let (status, _, text) = get(&service, "/api/v1/namespaces/shop/pods/web-1/log");
    assert_eq!((status, text.as_str()), (200, "unable to retrieve container logs for containerd://abc"));
}

#[test]
fn the_time_comes_from_the_newest_status_where_nothing_states_it() {
    let nodes = br#"{"items":[{"metadata":{"name":"n"},"status":{"conditions":[{"lastHeartbeatTime":"2026-01-01T00:00:00Z"}]}}]}"#;
    let leases =
        br#"{"items":[{"metadata":{"name":"n"},"spec":{"renewTime":"2026-01-01T00:00:09.000000Z"}}]}"#;
    let alerts = br#"[{"labels":{"alertname":"A"},"endsAt":"2027-01-01T00:00:00Z"}]"#;
    let snapshot = open(&[
        ("cluster-resources/nodes.json", nodes),
        ("cluster-resources/leases/kube-node-lease.json", leases),
        ("alerts/alerts.json", alerts),
    ]);
    let snapshot = snapshot.expect("opens");
    assert_eq!(snapshot.captured_at(), "2026-01-01T00:00:09Z".parse().ok());
    assert_eq!(snapshot.alerts().len(), 1);
}

#[test]
fn yaml_lists_and_other_names_are_known() {
    let pods = b"items:\n- metadata:\n    name: web\n";
    let service = service(&[
        ("top/cluster-resources/pods/shop.yaml", pods),
        ("top/cluster-resources/persistent-volume-claims/shop.json", br#"[{"metadata":{"name":"data"}}]"#),
    ]);
    assert_eq!(names(&get(&service, "/api/v1/namespaces/shop/pods").1), ["web"]);
    assert_eq!(names(&get(&service, "/api/v1/namespaces/shop/persistentvolumeclaims").1), ["data"]);
}

#[test]
fn a_broken_file_costs_only_itself() {
    let snapshot = open(&[
        ("version.yaml", b"spec:\n  capturedAt: yesterday\n"),
        ("metrics/range.json", b"{"),
        ("cluster-resources/nodes.json", br#"{"items":["#),
        ("cluster-resources/namespaces.json", b"\xff\xfe{}"),
    ]);
    let snapshot = snapshot.expect("opens");
    assert_eq!(snapshot.unreadable().len(), 2, "{:?}", snapshot.unreadable());
    let service = SnapshotService::new(std::sync::Arc::new(snapshot));
    let (status, body, _) = get(&service, "/api/v1/nodes");
    assert_eq!(status, 400);
    assert!(body["message"].as_str().is_some_and(|message| message.contains("unreadable")));
}

#[test]
fn what_is_no_snapshot_is_said_to_be_none() {
    let why = |files: &[(&str, &[u8])]| open(files).expect_err("no snapshot").to_string();
    assert!(why(&[]).contains("no files"));
    assert!(why(&[("readme.txt", b"hi")]).contains("no `cluster-resources`"));
    assert!(why(&[("cluster-resources/readme.txt", b"hi")]).contains("no list"));
    let two: &[(&str, &[u8])] =
        &[("a/cluster-resources/nodes.json", b"[]"), ("b/cluster-resources/nodes.json", b"[]")];
    assert!(why(two).contains("2 snapshots"));
}

proptest! {
    #[test]
    fn any_content_is_answered(content in ".{0,200}", path in "[a-z./?%=&]{0,40}", pod in "[a-z]{1,5}") {
        let files: &[(&str, &[u8])] = &[
            ("cluster-resources/pods/shop.json", content.as_bytes()),
            ("cluster-resources/pods/shop.yaml", content.as_bytes()),
            ("cluster-resources/pods-errors.json", content.as_bytes()),
            ("version.yaml", content.as_bytes()),
            ("alerts/alerts.json", content.as_bytes()),
        ];
        let service = service(files);
        get(&service, "/api/v1/namespaces/shop/pods?labelSelector=a%3Db");
        get(&service, &format!("/api/v1/namespaces/shop/pods/{pod}/log?{path}"));
        get(&service, &format!("/{path}"));
    }

    #[test]
    fn any_json_is_answered(item in r#"\{"metadata":(\{"name":("a"|7|null)\}|null|\[\])(,"status":("x"|\{\}|1))?\}"#) {
        let list = format!(r#"{{"items":[{item}]}}"#);
        let service = service(&[("cluster-resources/pods/shop.json", list.as_bytes())]);
        prop_assert_eq!(get(&service, "/api/v1/namespaces/shop/pods").0, 200);
    }
}
