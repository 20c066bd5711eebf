//! Routes, and the layers around them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::SharedApp;
use super::{alerts, events, guard, incidents, openapi, ops, page};

/// The routes that the document lists, and the document.
pub(crate) fn documented(with_tokens: bool) -> serde_json::Result<(Router<SharedApp>, Bytes)> {
    let (router, api) = OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(incidents::create, incidents::list))
        .routes(routes!(incidents::read, incidents::delete))
        .routes(routes!(events::follow))
        .routes(routes!(incidents::feedback))
        .routes(routes!(alerts::receive))
        .routes(routes!(ops::health))
        .routes(routes!(ops::ready))
        .routes(routes!(ops::read_metrics))
        .split_for_parts();
    Ok((router, openapi::render(api, with_tokens)?))
}

/// Everything that the server answers.
pub(crate) fn finish(documented: Router<SharedApp>, app: SharedApp) -> Router {
    documented
        .route("/openapi.json", axum::routing::get(document))
        .route("/", axum::routing::get(page::show))
        .fallback(guard::not_found)
        .method_not_allowed_fallback(guard::method_not_allowed)
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::guard))
        .with_state(app)
}

async fn document(State(app): State<SharedApp>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], app.openapi.clone())
}
