//! The server over real sockets.

mod abuse;
mod alerts;
mod cache;
mod conformance;
mod deploy;
mod events;
mod incidents;
mod lifecycle;
mod load_shed;
mod operations;
mod page;
mod security;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::SignedDuration;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use sre_orch::agent::{Limits, Source};
use sre_orch::knowledge::Graph;
use sre_orch::pipeline::Progress;
use sre_orch::report::model::Report;
use sre_orch::serve::{Config, Defaults, Investigator, Metrics, PipelineInvestigator, Server};
use sre_orch::store::{Bounds, Failure, IncidentRepository, MemoryRepository, Question};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// A running server; ends when it is dropped.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) store: Arc<dyn IncidentRepository>,
    end: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// A configuration for tests: any port, no rate limit.
pub(crate) fn config() -> Config {
    Config { listen: "127.0.0.1:0".parse().unwrap(), rate_limit: 0, ..Config::default() }
}

impl Running {
    /// Starts a server with an investigator and a store of these bounds.
    pub(crate) async fn start(config: Config, bounds: Bounds, investigator: impl Investigator) -> Self {
        Self::start_with(config, bounds, investigator, Arc::default()).await
    }

    /// The same, with metrics that the investigator has too.
    pub(crate) async fn start_with(
        config: Config,
        bounds: Bounds,
        investigator: impl Investigator,
        metrics: Arc<Metrics>,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store: Arc<dyn IncidentRepository> = Arc::new(MemoryRepository::new(bounds));
        let here = tokio::runtime::Handle::current();
        let server = Server::bind(config, Arc::clone(&store), Arc::new(investigator), metrics, here);
        let server = server.await.unwrap();
        let url = server.url();
        let end = CancellationToken::new();
        let task = tokio::spawn(server.run(end.clone()));
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(true)
            .no_proxy()
            .build()
            .unwrap();
        Self { url, client, store, end, task: Some(task) }
    }

    /// Starts a server whose investigations are told by a script.
    pub(crate) async fn scripted(script: &Script) -> Self {
        Self::start(config(), Bounds::default(), script.clone()).await
    }

    /// Starts a server that investigates a recorded incident.
    pub(crate) async fn recorded(name: &str) -> Self {
        let bundle = format!("{}/tests/fixtures/{name}/bundle.tar.gz", env!("CARGO_MANIFEST_DIR"));
        let source = Source::snapshot(bundle.as_ref()).unwrap();
        let metrics: Arc<Metrics> = Arc::default();
        let investigator = pipeline(source, Duration::from_secs(5), Arc::clone(&metrics));
        Self::start_with(config(), Bounds::default(), investigator, metrics).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    /// Submits a description; gives the incident's path.
    pub(crate) async fn submit(&self, description: &str) -> String {
        let response = self.post(INCIDENTS, &serde_json::json!({"description": description})).await;
        assert_eq!(response.status(), 202);
        header(&response, "location")
    }

    /// Waits until an incident has this status.
    pub(crate) async fn until(&self, path: &str, status: &str) -> Value {
        for _ in 0..1000 {
            let incident = self.json(path).await;
            if incident["status"] == status {
                return incident;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} did not become {status}: {}", self.json(path).await);
    }

    /// Tells the server to end.
    pub(crate) fn end(&self) {
        self.end.cancel();
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) {
        self.task.take().unwrap().await.unwrap();
    }
}

pub(crate) const INCIDENTS: &str = "/api/v1/incidents";

/// A header's value; empty where it is missing.
pub(crate) fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Checks that a response is a problem of this type, and gives it.
pub(crate) async fn problem(response: Response, status: u16, kind: &str) -> Value {
    let (own, media) = (response.status(), header(&response, "content-type"));
    let request_id = header(&response, "x-request-id");
    let problem: Value = response.json().await.unwrap();
    assert_eq!((own.as_u16(), media.as_str()), (status, "application/problem+json"), "{problem}");
    assert_eq!(problem["type"], format!("urn:sre-orch:problem:{kind}"), "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["request_id"], request_id);
    for field in ["title", "detail", "instance"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
    }
    problem
}

/// The real pipeline over a source.
pub(crate) fn pipeline(source: Source, fresh: Duration, metrics: Arc<Metrics>) -> PipelineInvestigator {
    let defaults = Defaults {
        namespaces: Vec::new(),
        since: SignedDuration::from_hours(1),
        limits: Limits::default(),
        hygiene: false,
    };
    // Compiling conditions needs more room than a test's thread has.
    let graph = std::thread::Builder::new().stack_size(16 << 20).spawn(|| Graph::bundled().unwrap()).unwrap();
    PipelineInvestigator::new(source, Arc::new(graph.join().unwrap()), defaults, fresh, metrics)
}

/// Investigations that do what their description says: `panic`, `fail`, `wait` (for a permit of
/// the gate), anything else gives a small report.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) begun: Arc<AtomicUsize>,
    pub(crate) ready: Result<(), String>,
}

impl Default for Script {
    fn default() -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), begun: Arc::default(), ready: Ok(()) }
    }
}

/// A small report.
pub(crate) fn report(description: &str) -> Report {
    let mut report =
        if description == "hostile" { crate::samples::hostile() } else { crate::samples::root_cause() };
    report.description = description.to_owned();
    report
}

impl Investigator for Script {
    fn investigate(
        &self,
        question: Question,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Result<Report, Failure>> {
        let gate = Arc::clone(&self.gate);
        self.begun.fetch_add(1, Ordering::SeqCst);
        async move {
            progress.phase("Looking");
            match question.description.as_str() {
                "panic" => panic!("on purpose"),
                "fail" => return Err(Failure { code: "nothing-readable", detail: "on purpose".to_owned() }),
                "wait" => drop(gate.acquire().await.unwrap()),
                _ => {}
            }
            Ok(report(&question.description))
        }
        .boxed()
    }

    fn ready(&self) -> BoxFuture<'static, Result<(), String>> {
        futures::future::ready(self.ready.clone()).boxed()
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(30)
    }
}
