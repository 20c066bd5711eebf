//! What all requests share.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::auth::Auth;
use super::desk::Desk;
use super::investigator::Investigator;
use super::metrics::Metrics;
use super::page::Page;
use super::rate::RateLimiter;
use crate::store::IncidentRepository;

/// Event streams open at a time.
pub(crate) const MOST_STREAMS: usize = 256;

/// The server's state.
pub(crate) struct App {
    pub(crate) store: Arc<dyn IncidentRepository>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) investigator: Arc<dyn Investigator>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) auth: Auth,
    pub(crate) rate: RateLimiter,
    pub(crate) streams: Arc<Semaphore>,
    /// Cancelled when the server is about to end.
    pub(crate) ending: CancellationToken,
    /// What the last question for readiness was answered, and when.
    pub(crate) readiness: Mutex<Option<(Instant, Result<(), String>)>>,
    /// How long a body may take to arrive.
    pub(crate) patience: Duration,
    /// Whether only requests to this machine's own names are answered.
    pub(crate) local_names_only: bool,
    /// Whether clients come over TLS.
    pub(crate) tls: bool,
    /// Origins whose pages may call this from a browser.
    pub(crate) origins: Vec<String>,
    pub(crate) openapi: Bytes,
    pub(crate) page: Page,
}

/// How handlers get it.
pub(crate) type SharedApp = Arc<App>;
