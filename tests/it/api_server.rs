//! An API server on a real socket: answers from a snapshot, with faults where a test wants them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use sre_orch::agent::snapshot::{Bounds, Snapshot, SnapshotService};

use crate::fixture::{Files, archive};

/// How a request fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// 401 with a Status.
    Unauthorized,
    /// 403 with a Status.
    Forbidden,
    /// 410 with a Status.
    Gone,
    /// 429 with `Retry-After` in seconds.
    TooMany(u64),
    /// 500 with a body that is no Status.
    Broken,
    /// No answer at all.
    Stall,
    /// The body ends half-way, the connection with it.
    Cut,
    /// A body that ends half-way but claims to be whole.
    CutSilently,
    /// A 200 with something that is not a list.
    Nonsense,
}

/// When a request fails.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// What the path and query contain; a leading `!`: do not contain.
    pub(crate) path: &'static str,
    /// How.
    pub(crate) fault: Fault,
    /// How often; none: always.
    pub(crate) times: Option<usize>,
}

impl Rule {
    /// Fails every request whose path contains the text.
    pub(crate) fn always(path: &'static str, fault: Fault) -> Self {
        Self { path, fault, times: None }
    }

    /// Fails the first requests of each path that contains the text.
    pub(crate) fn times(path: &'static str, fault: Fault, times: usize) -> Self {
        Self { path, fault, times: Some(times) }
    }

    fn covers(&self, uri: &str) -> bool {
        match self.path.strip_prefix('!') {
            Some(path) => !uri.contains(path),
            None => uri.contains(self.path),
        }
    }
}

struct Shared {
    service: SnapshotService,
    rules: Vec<Rule>,
    hits: Mutex<HashMap<(usize, String), usize>>,
    requests: Mutex<Vec<(String, String)>>,
}

/// A running server; stops when it is dropped.
pub(crate) struct ApiServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    directory: tempfile::TempDir,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl ApiServer {
    /// Serves files of a snapshot.
    pub(crate) fn start(files: &Files, rules: Vec<Rule>) -> Self {
        let snapshot = Snapshot::from_bytes(&archive(files), Path::new("test"), &Bounds::default());
        Self::serve(snapshot.expect("a snapshot"), rules)
    }

    /// Serves a snapshot on disk.
    pub(crate) fn of(bundle: &Path, rules: Vec<Rule>) -> Self {
        Self::serve(Snapshot::open(bundle, &Bounds::default()).expect("a snapshot"), rules)
    }

    fn serve(snapshot: Snapshot, rules: Vec<Rule>) -> Self {
        let shared = Arc::new(Shared {
            service: SnapshotService::new(Arc::new(snapshot)),
            rules,
            hits: Mutex::default(),
            requests: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&shared));
        // Its own thread and runtime, so that tests of the binary can use it too.
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    served = async { axum::serve(listener, app).await } => served.expect("served"),
                    _ = stopped => {}
                }
            });
        });
        let directory = tempfile::tempdir().expect("a directory");
        Self { address, shared, directory, stop: Some(stop), thread: Some(thread) }
    }

    /// Writes a kubeconfig for it; its context is `test`, its namespace `shop`.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        let path = self.directory.path().join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{name: c, cluster: {{server: 'http://{}'}}}}]\n\
             contexts: [{{name: test, context: {{cluster: c, user: u, namespace: shop}}}}]\n\
             users: [{{name: u, user: {{token: t}}}}]\n",
            self.address
        );
        std::fs::write(&path, text).expect("written");
        path
    }

    /// The requests so far: path with query, and `Accept`.
    pub(crate) fn requests(&self) -> Vec<(String, String)> {
        self.shared.requests.lock().expect("not poisoned").clone()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let uri = request.uri().to_string();
    let accept =
        request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    shared.requests.lock().expect("not poisoned").push((uri.clone(), accept.to_owned()));
    let answer =
        shared.service.answer(request.uri().path(), request.uri().query().unwrap_or_default(), accept);
    let fault = shared.rules.iter().enumerate().find(|(index, rule)| {
        let mut hits = shared.hits.lock().expect("not poisoned");
        let hits = hits.entry((*index, uri.clone())).or_default();
        rule.covers(&uri) && rule.times.is_none_or(|times| *hits < times) && {
            *hits += 1;
            true
        }
    });
    match fault {
        None => dated(&shared, respond(answer.status, answer.content_type, answer.body.into())),
        Some((_, rule)) => dated(&shared, fail(rule.fault, &uri, answer.body).await),
    }
}

/// An API server dates its answers; this one with the time of its snapshot.
fn dated(shared: &Shared, mut response: Response) -> Response {
    if let Some(time) = shared.service.captured_at() {
        let date = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().insert(header::DATE, HeaderValue::from_str(&date).expect("a date"));
    }
    response
}

async fn fail(fault: Fault, uri: &str, body: Vec<u8>) -> Response {
    let status = |code: u16, reason: &str, message: String| {
        let body = serde_json::json!({"kind": "Status", "message": message, "reason": reason, "code": code});
        respond(code, "application/json", body.to_string().into())
    };
    match fault {
        Fault::Unauthorized => status(401, "Unauthorized", "Unauthorized".into()),
        Fault::Forbidden => {
            status(403, "Forbidden", format!("{uri} is forbidden: User \"test\" cannot do this"))
        }
        Fault::Gone => status(410, "Expired", "The provided continue parameter is too old".into()),
        Fault::TooMany(seconds) => {
            let mut response = status(429, "TooManyRequests", "slow down".into());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        Fault::Broken => respond(500, "text/html", "<html>oops".into()),
        Fault::Stall => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            respond(200, "text/plain", Body::empty())
        }
        Fault::Cut => {
            let half = body.get(..body.len() / 2).unwrap_or_default().to_vec();
            let parts = [Ok(half), Err(std::io::Error::other("cut"))];
            let parts = futures::stream::iter(parts);
            let mut response = respond(200, "application/json", Body::from_stream(parts));
            let length = HeaderValue::from(body.len());
            response.headers_mut().insert(header::CONTENT_LENGTH, length);
            response
        }
        Fault::CutSilently => {
            let half = body.get(..body.len() / 2).unwrap_or_default().to_vec();
            respond(200, "application/json", half.into())
        }
        Fault::Nonsense => respond(200, "application/json", "[\"not a list\", 7".into()),
    }
}

fn respond(status: u16, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
