//! An API server on a real socket that answers from a snapshot and keeps its answers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use sre_orch::agent::snapshot::{Bounds, Snapshot, SnapshotService};

use crate::fixture::{Files, archive};

/// A request: path with query, and `Accept`.
pub(crate) type Asked = (String, String);

struct Shared {
    service: SnapshotService,
    kept: Mutex<HashMap<Asked, (u16, &'static str, Bytes)>>,
    asked: Mutex<Vec<Asked>>,
    delay: Duration,
    /// Every so many requests one is refused with 429; none where 0.
    refuses: usize,
    count: AtomicUsize,
}

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    directory: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start(files: &Files, delay: Duration, refuses: usize) -> Self {
        let snapshot = Snapshot::from_bytes(&archive(files), Path::new("load"), &Bounds::default()).unwrap();
        let shared = Arc::new(Shared {
            service: SnapshotService::new(Arc::new(snapshot)),
            kept: Mutex::default(),
            asked: Mutex::default(),
            delay,
            refuses,
            count: AtomicUsize::new(0),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&shared));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, app).await.unwrap();
            });
        });
        Self { address, shared, directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        let path = self.directory.path().join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: load\n\
             clusters: [{{name: c, cluster: {{server: '{}'}}}}]\n\
             contexts: [{{name: load, context: {{cluster: c, user: u}}}}]\n\
             users: [{{name: u, user: {{token: t}}}}]\n",
            self.url()
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Forgets what was asked so far.
    pub(crate) fn forget(&self) {
        self.shared.asked.lock().unwrap().clear();
    }

    /// What was asked since.
    pub(crate) fn requests(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let uri = request.uri().to_string();
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let asked = (uri, accept.unwrap_or_default().to_owned());
    shared.asked.lock().unwrap().push(asked.clone());
    tokio::time::sleep(shared.delay).await;
    let number = shared.count.fetch_add(1, Ordering::Relaxed) + 1;
    if shared.refuses > 0 && number % shared.refuses == 0 {
        let mut response = Response::new(Body::from("slow down"));
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(1));
        return response;
    }
    let kept = shared.kept.lock().unwrap().get(&asked).cloned();
    let (status, content_type, body) = kept.unwrap_or_else(|| {
        let (path, query) = asked.0.split_once('?').unwrap_or((&asked.0, ""));
        let answer = shared.service.answer(path, query, &asked.1);
        let answer = (answer.status, answer.content_type, Bytes::from(answer.body));
        shared.kept.lock().unwrap().insert(asked, answer.clone());
        answer
    });
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(time) = shared.service.captured_at() {
        let date = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        headers.insert(header::DATE, HeaderValue::from_str(&date).unwrap());
    }
    response
}
