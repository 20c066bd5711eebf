//! The server: incidents behind REST, for a team and its automation.
//!
//! It takes questions, has the pipeline answer them, and keeps the answers in a store. It knows
//! HTTP and nothing about how a cause is found; the pipeline knows nothing about it. Requests are
//! answered on one runtime and investigations run on another, so that neither waits for the other.

mod alerts;
mod api;
mod app;
mod auth;
mod cache;
mod config;
mod connections;
mod desk;
mod events;
mod extract;
mod files;
mod guard;
mod incidents;
mod investigator;
mod listener;
mod metrics;
mod openapi;
mod ops;
mod page;
mod problem;
mod progress;
mod rate;
mod router;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use cache::ClusterCache;
pub use config::{Config, TlsFiles};
pub use investigator::{Defaults, Investigator, PipelineInvestigator};
pub use metrics::Metrics;

use crate::store::IncidentRepository;
use app::App;
use auth::Auth;
use connections::Connections;
use desk::Desk;
use listener::Listener;
use tls::Tls;

/// How often files are looked at for changes.
const WATCH: Duration = Duration::from_secs(5);
/// How long answers that are under way may take after the work has ended.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It would be open to others without a token.
    #[error("{0} can be reached from other machines; give --token-file, or --insecure to let everybody in")]
    Open(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The token file cannot be used.
    #[error("cannot use token file {path}: {why}")]
    Tokens {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Certificate or key cannot be used.
    #[error("cannot use {path} for TLS: {why}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The OpenAPI document cannot be written.
    #[error("cannot write the OpenAPI document: {0}")]
    Document(#[from] serde_json::Error),
}

/// A server that listens.
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    config: Config,
    listener: Listener,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Binds and checks everything that can be wrong with the settings. `investigations` is where
    /// investigations run.
    ///
    /// # Errors
    /// Where the address, the tokens or the certificate cannot be used, or the server would be open
    /// to everybody without having been told so.
    pub async fn bind(
        config: Config,
        store: Arc<dyn IncidentRepository>,
        investigator: Arc<dyn Investigator>,
        metrics: Arc<Metrics>,
        investigations: Handle,
    ) -> Result<Self, ServeError> {
        // Patterns are compiled when they are first used; let no request wait for that.
        let _ = crate::redact::clean("token=none");
        let auth = Auth::load(config.token_file.as_deref())?;
        let loopback = config.listen.ip().to_canonical().is_loopback();
        if !loopback && !auth.is_required() && !config.insecure {
            return Err(ServeError::Open(config.listen));
        }
        let tls = config.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
        let failed = |source| ServeError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (routes, openapi) = router::documented(auth.is_required())?;
        let ending = CancellationToken::new();
        let app = Arc::new(App {
            desk: Desk::new(
                Arc::clone(&store),
                Arc::clone(&investigator),
                Arc::clone(&metrics),
                investigations,
            ),
            store,
            investigator,
            rate: rate::RateLimiter::new(config.rate_limit),
            streams: Arc::new(Semaphore::new(app::MOST_STREAMS)),
            ending: ending.clone(),
            readiness: Mutex::default(),
            patience: config.patience,
            local_names_only: loopback && !auth.is_required() && !config.insecure,
            tls: tls.is_some(),
            origins: config.origins.clone(),
            auth,
            openapi,
            page: page::Page::new(),
            metrics: Arc::clone(&metrics),
        });
        let listener = Listener {
            listener,
            router: router::finish(routes, Arc::clone(&app)),
            connections: Connections::new(room(config.connections), metrics),
            tls,
            patience: config.patience,
            ending,
            tasks: TaskTracker::new(),
        };
        Ok(Self { address, app, config, listener })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.app.tls { "https" } else { "http" }, self.address)
    }

    /// Serves until `end` is cancelled, then ends: takes nothing more, lets what was accepted
    /// finish within the drain time, and cancels the rest.
    pub async fn run(self, end: CancellationToken) {
        let Self { app, config, listener, .. } = self;
        let workers: Vec<_> =
            (0..config.workers.max(1)).map(|_| tokio::spawn(Arc::clone(&app.desk).work())).collect();
        let watcher = tokio::spawn(watch(Arc::clone(&app), listener.tls.clone()));
        let tasks = listener.tasks.clone();
        let accepting = tokio::spawn(listener.run());
        end.cancelled().await;
        tracing::info!(drain_s = config.drain.as_secs(), "ending: no more connections are accepted");
        // Not ready first: whoever asks on an open connection shall know.
        app.ending.cancel();
        app.desk.drain(Instant::now() + config.drain).await;
        tasks.close();
        if tokio::time::timeout(FAREWELL, tasks.wait()).await.is_err() {
            tracing::info!(connections = tasks.len(), "closing connections that did not end");
        }
        watcher.abort();
        accepting.abort();
        workers.iter().for_each(tokio::task::JoinHandle::abort);
        tracing::info!("ended");
    }
}

/// Connections there is room for: the cluster and files need some of what may be open.
fn room(wanted: usize) -> usize {
    files::most_open().map_or(wanted, |most| wanted.min(most.saturating_sub(most / 4).saturating_sub(32)))
}

/// Reads tokens and certificates again when their files change.
async fn watch(app: Arc<App>, tls: Option<Arc<Tls>>) {
    let mut told = [String::new(), String::new()];
    let mut tell = |index: usize, what: &str, result: Result<bool, ServeError>| {
        let Some(last) = told.get_mut(index) else { return };
        match result {
            Ok(changed) => {
                last.clear();
                if changed {
                    tracing::info!("{what} read again");
                }
            }
            // Once for each trouble, not every few seconds.
            Err(error) => {
                let error = error.to_string();
                if *last != error {
                    tracing::warn!(error, "{what} changed, and the old ones stay in use");
                    *last = error;
                }
            }
        }
    };
    loop {
        tokio::time::sleep(WATCH).await;
        tell(0, "tokens", app.auth.reload());
        if let Some(tls) = &tls {
            tell(1, "certificates", tls.reload());
        }
    }
}
