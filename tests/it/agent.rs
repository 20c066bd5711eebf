//! The agent on both transports, with everything that can go wrong between.

use std::path::Path;
use std::time::{Duration, Instant};

use sre_orch::agent::live::{Access, connect};
use sre_orch::agent::snapshot_write::write_snapshot;
use sre_orch::agent::{
    AgentError, Collected, Collector, Limits, Request, Source, Want, config_wants, default_wants,
    namespace_logs,
};
use sre_orch::cluster::types::Object;
use sre_orch::cluster::{Kind, Truth};

use crate::api_server::{ApiServer, Fault, Rule};
use crate::fixture::{self, Files, shop};

/// Reads everything, as an investigation of the whole cluster would.
async fn collect(source: Source, request: Request) -> Result<Collected, AgentError> {
    let namespaces = request.namespaces.clone();
    let mut collector = Collector::new(source, request);
    collector.inventory().await?;
    let wants = default_wants(collector.state(), &namespaces, namespaces.is_empty());
    collector.read(&wants).await;
    let state = collector.state();
    let workloads: Vec<_> = state.workloads.iter().map(Object::object_ref).collect();
    let mut wants = namespace_logs(state, &namespaces);
    wants.extend(config_wants(state, &workloads));
    wants.push(Want::ConfigMapValues { namespace: "shop".into(), name: "settings".into() });
    collector.read(&wants).await;
    Ok(collector.finish())
}

async fn from_snapshot(files: &Files, request: Request) -> Result<Collected, AgentError> {
    let directory = tempfile::tempdir().expect("a directory");
    collect(Source::snapshot(&fixture::write(directory.path(), files))?, request).await
}

async fn from_server(server: &ApiServer, request: Request) -> Result<Collected, AgentError> {
    let access = Access { kubeconfig: Some(server.kubeconfig()), ..Access::default() };
    collect(connect(&access).await?, request).await
}

/// A request that gives up soon.
fn hasty() -> Request {
    Request { limits: Limits { timeout: Duration::from_secs(4), ..Limits::default() }, ..Request::default() }
}

fn log(collected: &Collected, pod: &str, previous: bool) -> String {
    let log = collected.state.logs.get("shop", pod, "app", previous);
    log.map(|log| log.text.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_snapshot_and_a_server_give_the_same_state() {
    let snapshot = from_snapshot(&shop(), Request::default()).await.expect("read");
    let server = ApiServer::start(&shop(), Vec::new());
    let cluster = from_server(&server, Request::default()).await.expect("read");

    assert_eq!(snapshot.state.counts(), cluster.state.counts());
    assert_eq!(snapshot.state.counts()["pods"], 2);
    assert_eq!(snapshot.state.now, cluster.state.now);
    assert_eq!(snapshot.state.now, fixture::CAPTURED_AT.parse().ok());
    assert_eq!(snapshot.state.server_version, "v1.36.2");
    assert_eq!(cluster.state.server_version, "v1.36.2");
    assert_eq!(log(&snapshot, "web", false), "starting\npanic: no route\n");
    assert_eq!(log(&cluster, "web", true), "old\u{fffd} run\n");
    assert_eq!(snapshot.source.r#type, "snapshot");
    assert_eq!(cluster.source.context, "test");
    assert!(cluster.stats.api_requests > 0 && cluster.stats.bytes > 0);
}

#[tokio::test]
async fn the_value_of_a_secret_is_never_asked_for() {
    let server = ApiServer::start(&shop(), Vec::new());
    let collected = from_server(&server, Request::default()).await.expect("read");
    let secret = collected.state.secrets.get("shop", "db").expect("the Secret");
    assert_eq!(secret.has_key("password"), Some(true));
    let requests = server.requests();
    let secrets: Vec<_> = requests.iter().filter(|(path, _)| path.contains("/secrets")).collect();
    assert!(!secrets.is_empty());
    assert!(secrets.iter().all(|(_, accept)| accept.contains("as=PartialObjectMetadataList")), "{secrets:?}");
    assert!(secrets.iter().all(|(_, accept)| !accept.ends_with(",application/json")), "{secrets:?}");
}

#[tokio::test]
async fn config_map_values_come_one_by_one() {
    let server = ApiServer::start(&shop(), Vec::new());
    let collected = from_server(&server, Request::default()).await.expect("read");
    let config = collected.state.config_maps.get("shop", "settings").expect("the ConfigMap");
    assert_eq!(config.data.get("url").unwrap(), "http://cart:80");
    assert_eq!(collected.state.config_maps.len(), 1);
}

#[tokio::test]
async fn endpoints_stand_in_for_slices() {
    let collected = from_snapshot(&shop(), Request::default()).await.expect("read");
    assert_eq!(collected.state.endpoint_slices.in_namespace("shop").len(), 1);
    assert!(collected.state.was_read(&Kind::EndpointSlice, "shop"));
}

#[tokio::test]
async fn absence_is_claimed_only_where_a_list_was_read() {
    let collected = from_snapshot(&shop(), Request::default()).await.expect("read");
    let exists = |kind: Kind| collected.state.exists(&kind, "shop", "nothing");
    assert_eq!(exists(Kind::Service), Truth::False);
    assert_eq!(exists(Kind::NetworkPolicy), Truth::Unknown);
    assert!(collected.state.coverage[&Kind::Pod].cluster);
}

#[tokio::test]
async fn only_pods_are_allowed() {
    let rules = vec![Rule::always("!/pods", Fault::Forbidden), Rule::always("/log?", Fault::Forbidden)];
    let server = ApiServer::start(&shop(), rules);
    let collected = from_server(&server, Request::default()).await.expect("pods are readable");
    assert_eq!(collected.state.pods.len(), 2);
    assert_eq!(collected.state.exists(&Kind::Secret, "shop", "db"), Truth::Unknown);
    let spot = |what: &str| collected.blind_spots.iter().find(|spot| spot.what.starts_with(what));
    let secrets = spot("secrets").expect("a blind spot").rbac.as_ref().expect("a rule");
    assert_eq!(
        (&secrets.resources[..], &secrets.verbs[..]),
        (&["secrets".to_owned()][..], &["list".to_owned()][..])
    );
    let logs = spot("logs in namespace shop").expect("a blind spot").rbac.as_ref().expect("a rule");
    assert_eq!((logs.resources[0].as_str(), logs.verbs[0].as_str()), ("pods/log", "get"));
    assert!(spot("namespaces").is_some());
}

#[tokio::test]
async fn without_namespaces_the_context_decides_where_to_look() {
    // As a namespaced Role does: nothing of the whole cluster, everything of one namespace.
    let server = ApiServer::start(&shop(), vec![Rule::always("!/namespaces/shop/", Fault::Forbidden)]);
    let collected = from_server(&server, Request::default()).await.expect("one namespace is readable");
    assert_eq!(collected.state.pods.len(), 2);
    assert!(collected.state.was_read(&Kind::Pod, "shop"));
    assert!(!collected.state.was_read(&Kind::Pod, ""));
    assert!(collected.blind_spots.iter().any(|spot| spot.what == "namespaces"));
}

#[tokio::test]
async fn passing_faults_are_cured() {
    let rules = vec![
        Rule::times("/deployments", Fault::TooMany(0), 2),
        Rule::times("/services", Fault::Broken, 1),
        Rule::times("/pods?", Fault::Gone, 1),
        Rule::times("/nodes", Fault::Cut, 1),
    ];
    let server = ApiServer::start(&shop(), rules);
    let collected = from_server(&server, Request::default()).await.expect("read");
    let clean = from_snapshot(&shop(), Request::default()).await.expect("read");
    assert_eq!(collected.state.counts(), clean.state.counts());
    assert_eq!(collected.blind_spots, clean.blind_spots);
}

#[tokio::test]
async fn lasting_faults_are_blind_spots() {
    let rules = vec![
        Rule::always("/deployments", Fault::Broken),
        Rule::always("/services", Fault::Gone),
        Rule::always("/statefulsets", Fault::Cut),
        Rule::always("/daemonsets", Fault::CutSilently),
        Rule::always("/jobs", Fault::Nonsense),
        Rule::always("/replicasets", Fault::TooMany(3600)),
    ];
    let server = ApiServer::start(&shop(), rules);
    let began = Instant::now();
    let request = Request {
        limits: Limits { timeout: Duration::from_secs(8), ..Limits::default() },
        ..Request::default()
    };
    let collected = from_server(&server, request).await.expect("the rest is readable");
    assert!(began.elapsed() < Duration::from_secs(12));
    assert_eq!(collected.state.pods.len(), 2);
    for what in ["deployments", "services", "statefulsets", "daemonsets", "jobs", "replicasets"] {
        assert!(
            collected.blind_spots.iter().any(|spot| spot.what == what),
            "{what}: {:?}",
            collected.blind_spots
        );
        assert!(collected.blind_spots.iter().all(|spot| spot.rbac.is_none()));
    }
}

#[tokio::test]
async fn a_stall_ends_at_the_deadline() {
    let server = ApiServer::start(&shop(), vec![Rule::always("/services", Fault::Stall)]);
    let began = Instant::now();
    let collected = from_server(&server, hasty()).await.expect("the rest is readable");
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    assert_eq!(collected.state.pods.len(), 2);
    assert!(collected.blind_spots.iter().any(|spot| spot.what == "services"));
}

#[tokio::test]
async fn an_interruption_ends_at_once_and_keeps_what_was_read() {
    let server = ApiServer::start(&shop(), vec![Rule::always("/secrets", Fault::Stall)]);
    let access = Access { kubeconfig: Some(server.kubeconfig()), ..Access::default() };
    let mut collector = Collector::new(connect(&access).await.expect("a client"), Request::default());
    collector.inventory().await.expect("read");
    let cancellation = collector.cancellation();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancellation.cancel();
    });
    let began = Instant::now();
    let wants = default_wants(collector.state(), &[], true);
    collector.read(&wants).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let collected = collector.finish();
    assert_eq!(collected.state.pods.len(), 2);
    assert!(
        collected.blind_spots.iter().any(|spot| spot.what.contains("secrets") && spot.why == "interrupted")
    );
}

#[tokio::test]
async fn a_server_that_never_answers_is_one_error() {
    let server = ApiServer::start(&shop(), vec![Rule::always("/", Fault::Stall)]);
    let error = from_server(&server, hasty()).await.expect_err("nothing readable");
    assert!(matches!(error, AgentError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn refusals_of_everything_are_told_apart() {
    let unauthorized = ApiServer::start(&shop(), vec![Rule::always("/", Fault::Unauthorized)]);
    let error = from_server(&unauthorized, hasty()).await.expect_err("refused");
    assert!(matches!(error, AgentError::Unauthorized { .. }), "{error}");

    let forbidden = ApiServer::start(&shop(), vec![Rule::always("/", Fault::Forbidden)]);
    let error = from_server(&forbidden, hasty()).await.expect_err("refused");
    assert!(matches!(error, AgentError::NothingReadable { .. }), "{error}");

    let gone = Access { kubeconfig: Some(unauthorized.kubeconfig()), ..Access::default() };
    drop(unauthorized.requests());
    let source = connect(&gone).await.expect("a client");
    drop(unauthorized);
    let error = collect(source, hasty()).await.expect_err("nobody listens");
    assert!(error.to_string().contains("connection refused"), "{error}");
    assert!(!error.to_string().contains('\n'));
}

#[tokio::test]
async fn a_namespace_that_does_not_exist_is_an_error() {
    let request = Request { namespaces: vec!["shp".into()], ..Request::default() };
    let error = from_snapshot(&shop(), request).await.expect_err("no such namespace");
    assert!(error.to_string().contains("`shp`") && error.to_string().contains("shop"), "{error}");
}

#[tokio::test]
async fn bounds_on_requests_and_bytes_hold() {
    let server = ApiServer::start(&shop(), Vec::new());
    let limits = Limits { max_requests: 5, ..Limits::default() };
    let collected = from_server(&server, Request { limits, ..Request::default() }).await;
    assert!(server.requests().len() <= 5);
    if let Ok(collected) = collected {
        assert!(collected.blind_spots.iter().any(|spot| spot.why.contains("--max-requests")));
    }
}

#[tokio::test]
async fn long_lists_are_read_in_pages() {
    let mut files = shop();
    let pods: Vec<_> =
        (0..1200).map(|number| fixture::pod("shop", &format!("p{number:04}"), true, 0)).collect();
    let list = serde_json::json!({"items": pods}).to_string().into_bytes();
    for (path, content) in &mut files {
        if path == "cluster-resources/pods/shop.json" {
            *content = list.clone();
        }
    }
    let server = ApiServer::start(&files, vec![Rule::times("continue=500", Fault::Gone, 1)]);
    let collected = from_server(&server, Request::default()).await.expect("read");
    assert_eq!(collected.state.pods.len(), 1200);
    let pages = server.requests().iter().filter(|(path, _)| path.starts_with("/api/v1/pods?")).count();
    assert_eq!(pages, 5, "two pages, a restart, three pages");
}

#[tokio::test]
async fn errors_beside_lists_are_blind_spots() {
    let mut files = shop();
    files.retain(|(path, _)| !path.contains("/secrets/") && !path.contains("/services/shop"));
    let error = br#"["secrets is forbidden: User \"x\" cannot list resource \"secrets\""]"#;
    files.push(("cluster-resources/secrets-errors.json".into(), error.to_vec()));
    files.push(("cluster-resources/services-errors.json".into(), br#"{"shop": "timed out"}"#.to_vec()));
    let collected = from_snapshot(&files, Request::default()).await.expect("read");
    let spots: Vec<_> = collected.blind_spots.iter().map(|spot| spot.what.as_str()).collect();
    assert!(spots.iter().any(|what| what.starts_with("secrets")), "{spots:?}");
    assert!(spots.contains(&"services in namespace shop"), "{spots:?}");
}

#[tokio::test]
async fn a_written_snapshot_reads_like_the_cluster_without_its_secrets() {
    let server = ApiServer::start(&shop(), vec![Rule::always("/jobs", Fault::Forbidden)]);
    let access = Access { kubeconfig: Some(server.kubeconfig()), ..Access::default() };
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("out.tar.gz");
    let source = connect(&access).await.expect("a client");
    let written = write_snapshot(&source, &Request::default(), &path).await.expect("written");
    assert!(written.objects > 0 && written.logs == 3, "{written:?}");
    assert!(written.unread.iter().any(|(what, _)| what.starts_with("jobs")), "{written:?}");
    assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 1, "nothing temporary stays");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    let again = collect(Source::snapshot(&path).expect("opens"), Request::default()).await.expect("read");
    let direct = from_snapshot(&shop(), Request::default()).await.expect("read");
    assert_eq!(again.state.counts(), direct.state.counts());
    assert_eq!(again.state.now, direct.state.now);
    assert_eq!(again.state.server_version, "v1.36.2");
    assert_eq!(
        again.state.secrets.get("shop", "db").and_then(|secret| secret.has_key("password")),
        Some(true)
    );
    let data = &again.state.config_maps.get("shop", "settings").expect("there").data;
    assert_eq!(data.get("url").unwrap(), "http://cart:80");
    assert_eq!(data.get("api_token").unwrap(), sre_orch::redact::MARKER);
    assert!(again.blind_spots.iter().any(|spot| spot.what.starts_with("jobs")), "{:?}", again.blind_spots);
}

#[tokio::test]
async fn an_unreachable_cluster_leaves_no_file() {
    let server = ApiServer::start(&shop(), vec![Rule::always("/", Fault::Unauthorized)]);
    let access = Access { kubeconfig: Some(server.kubeconfig()), ..Access::default() };
    let directory = tempfile::tempdir().expect("a directory");
    let source = connect(&access).await.expect("a client");
    let error =
        write_snapshot(&source, &hasty(), &directory.path().join("out.tar.gz")).await.expect_err("refused");
    assert!(matches!(error, AgentError::Unauthorized { .. }), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 0);
}

#[test]
fn a_missing_snapshot_is_one_line() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    let error = Source::snapshot(Path::new("no/such/bundle")).expect_err("missing");
    assert!(!error.to_string().contains('\n'));
}
