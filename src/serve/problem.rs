//! Errors as `application/problem+json` (RFC 9457), with types that clients can rely on.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! problems {
    ($($variant:ident => $slug:literal, $status:ident, $title:literal;)*) => {
        /// What can go wrong; the word in `type` never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $(#[doc = $title] $variant,)* }

        impl Kind {
            /// The `type` of the problem.
            fn uri(self) -> &'static str {
                match self { $(Self::$variant => concat!("urn:sre-orch:problem:", $slug),)* }
            }

            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

problems! {
    InvalidJson => "invalid-json", BAD_REQUEST, "The body is no JSON";
    InvalidRequest => "invalid-request", UNPROCESSABLE_ENTITY, "The body is not what this takes";
    InvalidQuery => "invalid-query", BAD_REQUEST, "The query is not what this takes";
    InvalidHeader => "invalid-header", BAD_REQUEST, "A header is not what this takes";
    InvalidId => "invalid-id", BAD_REQUEST, "The id is no UUID";
    InvalidCursor => "invalid-cursor", BAD_REQUEST, "The cursor was not given out by this server";
    Unauthorized => "unauthorized", UNAUTHORIZED, "A valid token is needed";
    NotFound => "not-found", NOT_FOUND, "There is nothing at this path";
    NoSuchIncident => "no-such-incident", NOT_FOUND, "There is no such incident";
    MethodNotAllowed => "method-not-allowed", METHOD_NOT_ALLOWED, "This path does not take this method";
    SlowBody => "slow-body", REQUEST_TIMEOUT, "The body did not arrive in time";
    KeyReused => "idempotency-key-reused", CONFLICT, "The Idempotency-Key was used for another request";
    TooLarge => "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    UnsupportedMediaType => "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body must be application/json";
    WrongHost => "wrong-host", MISDIRECTED_REQUEST, "Without a token only this machine's own names are answered";
    RateLimited => "rate-limited", TOO_MANY_REQUESTS, "This client sends more requests than it may";
    Internal => "internal", INTERNAL_SERVER_ERROR, "The server failed; this is a bug";
    QueueFull => "queue-full", SERVICE_UNAVAILABLE, "As many incidents wait as may wait";
    StoreFull => "store-full", SERVICE_UNAVAILABLE, "The store has no room";
    StoreUnavailable => "store-unavailable", SERVICE_UNAVAILABLE, "The store cannot be reached";
    ShuttingDown => "shutting-down", SERVICE_UNAVAILABLE, "The server is about to end";
    NotReady => "not-ready", SERVICE_UNAVAILABLE, "The server cannot investigate now";
    TooManyStreams => "too-many-streams", SERVICE_UNAVAILABLE, "As many event streams are open as may be";
}

/// An error, as RFC 9457 has it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// What went wrong, as a URI that never changes its meaning, such as
    /// `urn:sre-orch:problem:queue-full`.
    r#type: &'a str,
    /// What went wrong, in words; the same for every problem of the type.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time, and what to do.
    detail: &'a str,
    /// The path that was asked for.
    instance: &'a str,
    /// The request's id, which is in the server's log too.
    request_id: &'a str,
}

/// An error on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    retry_after: Option<u64>,
}

impl Problem {
    /// What went wrong this time, and what to do.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), retry_after: None }
    }

    /// Says when to try again.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Writes the body, once path and id of the request are known.
    pub(crate) fn render(&self, instance: &str, request_id: &str, response: &mut Response) {
        let document = Document {
            r#type: self.kind.uri(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            instance,
            request_id,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        *response.body_mut() = Body::from(body);
    }
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Self {
        use crate::store::StoreError;
        let detail = error.to_string();
        match error {
            StoreError::QueueFull(_) => Self::new(Kind::QueueFull, detail + "; try again").retry_after(1),
            StoreError::Unavailable(_) => Self::new(Kind::StoreUnavailable, detail).retry_after(5),
            _ => Self::new(Kind::StoreFull, detail).retry_after(5),
        }
    }
}

impl IntoResponse for Problem {
    /// The body follows in [`Problem::render`]: only the outermost layer knows path and id.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == Kind::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
