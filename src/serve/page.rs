//! The page at `/`: one document, nothing from elsewhere, and a policy that allows its own style
//! and script only, by their digests.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::app::SharedApp;

const HTML: &str = include_str!("page.html");

/// The page and its policy.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    policy: HeaderValue,
}

impl Page {
    pub(crate) fn new() -> Self {
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; img-src data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'",
            digest("<style>", "</style>"),
            digest("<script>", "</script>"),
        );
        let nothing = || HeaderValue::from_static("default-src 'none'");
        Self { policy: HeaderValue::from_str(&policy).unwrap_or_else(|_| nothing()) }
    }
}

/// The digest of what stands between two tags.
fn digest(open: &str, close: &str) -> String {
    let inner = HTML.split_once(open).and_then(|(_, rest)| rest.split_once(close));
    let text = inner.map(|(text, _)| text).unwrap_or_default();
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// Answers with the page.
pub(crate) async fn show(State(app): State<SharedApp>) -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, app.page.policy.clone())], Html(HTML))
}
