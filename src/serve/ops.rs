//! For whoever runs the server: health, readiness, metrics.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::{App, SharedApp};
use super::metrics;
use super::problem::{Kind, Problem};

/// How long an answer about readiness holds, so that probes do not become load on the cluster.
const READY_FRESH: Duration = Duration::from_secs(2);

/// The state of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
    /// Version of sre-orch.
    version: &'static str,
}

const OK: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Whether the process answers
#[utoipa::path(get, path = "/healthz", operation_id = "getHealth", tag = "operations", security(()),
    responses((status = 200, description = "It does", body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(OK)
}

/// Whether it can investigate: the cluster is reachable, the knowledge graph loaded, and the server
/// is not about to end
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "operations", security(()),
    responses((status = 200, description = "It can", body = Health)))]
pub(crate) async fn ready(State(app): State<SharedApp>) -> Result<Json<Health>, Problem> {
    match readiness(&app).await {
        Ok(()) => Ok(Json(OK)),
        Err(why) => Err(Problem::new(Kind::NotReady, why).retry_after(5)),
    }
}

async fn readiness(app: &App) -> Result<(), String> {
    if app.ending.is_cancelled() {
        return Err("the server is about to end".to_owned());
    }
    let known = app.readiness.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((at, known)) = known
        && at.elapsed() < READY_FRESH
    {
        return known;
    }
    let fresh = app.investigator.ready().await;
    *app.readiness.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), fresh.clone()));
    fresh
}

/// What Prometheus reads
#[utoipa::path(get, path = "/metrics", operation_id = "getMetrics", tag = "operations",
    responses((status = 200, description = "Metrics in OpenMetrics text", content_type = "application/openmetrics-text", body = String)))]
pub(crate) async fn read_metrics(State(app): State<SharedApp>) -> Result<impl IntoResponse, Problem> {
    let counts = app.store.counts().await?;
    let ready = readiness(&app).await.is_ok();
    let text = app.metrics.render(counts, ready);
    let text = text.map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text))
}
