//! What happens to every request before and after its handler: an id, the door (host, token,
//! rate), a log line, metrics, security headers, and the body of problems.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::{App, SharedApp};
use super::auth::Caller;
use super::connections::Connection;
use super::problem::{Kind, Problem};

/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Paths that need no token: they tell nothing about the cluster.
const OPEN: [&str; 4] = ["/", "/healthz", "/readyz", "/openapi.json"];
/// Paths that are not counted: whoever probes must not be refused.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Where a request came from, as the listener tells.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    pub(crate) connection: Arc<Connection>,
}

/// Who asks, for handlers.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) caller: Caller,
    pub(crate) request_id: String,
    pub(crate) connection: Option<Arc<Connection>>,
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // The guard puts it there.
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self {
            caller: Caller::Address(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
            request_id: String::new(),
            connection: None,
        }))
    }
}

/// Guards a request.
pub(crate) async fn guard(State(app): State<SharedApp>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let request_id = request_id(request.headers());
    let peer = request.extensions().get::<Peer>().cloned();
    let _busy = peer.as_ref().map(|peer| Arc::clone(&peer.connection).busy());
    let origin = allowed_origin(&app, request.headers());

    let (caller, mut response) = if origin.is_some() && is_preflight(&request) {
        (None, preflight())
    } else {
        match admit(&app, &request, peer.as_ref(), start) {
            Err((caller, problem)) => (Some(caller), problem.into_response()),
            Ok(caller) => {
                let connection = peer.map(|peer| peer.connection);
                let asker = Asker { caller: caller.clone(), request_id: request_id.clone(), connection };
                request.extensions_mut().insert(asker);
                (Some(caller), next.run(request).await)
            }
        }
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        problem.render(&path, &request_id, &mut response);
    }
    secure(&app, response.headers_mut(), origin);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, took) = (response.status().as_u16(), start.elapsed());
    app.metrics.request(known(&method), &route, status, took);
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let client = caller.map(|caller| caller.to_string());
    // The route, not the path: what others put into a path does not belong in logs.
    if PROBES.contains(&path.as_str()) {
        tracing::debug!(request_id, %method, route, status, took_us, client, "request");
    } else {
        tracing::info!(request_id, %method, route, status, took_us, client, "request");
    }
    response
}

/// The method's name, where it is one that a metric may have.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

/// The id that the client gave, where it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    given.filter(harmless).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

/// Lets a request in, or says why not.
fn admit(
    app: &App,
    request: &Request,
    peer: Option<&Peer>,
    now: Instant,
) -> Result<Caller, (Caller, Problem)> {
    let path = request.uri().path();
    let address = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| network(peer.address));
    let token = app.auth.token(request.headers());
    let caller = token.map_or(Caller::Address(address), Caller::Token);
    if !PROBES.contains(&path)
        && let Err(wait) = app.rate.take(&caller, now)
    {
        let seconds = wait.as_secs() + 1;
        let problem =
            Problem::new(Kind::RateLimited, format!("try again after {seconds} s")).retry_after(seconds);
        return Err((caller, problem));
    }
    if app.local_names_only && !is_local_name(request) {
        let detail = "a page of another site may have sent this; use 127.0.0.1 or localhost, or start the server with a token file";
        return Err((caller, Problem::new(Kind::WrongHost, detail)));
    }
    if app.auth.is_required() && token.is_none() && !OPEN.contains(&path) {
        let detail = "send `Authorization: Bearer TOKEN` with a token of the server's token file";
        return Err((caller, Problem::new(Kind::Unauthorized, detail)));
    }
    Ok(caller)
}

/// One host of IPv4; of IPv6 the network, because every host there has as many addresses as it wants.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// Whether a request names this machine as only this machine does. A page of another site can send
/// requests here under a name of its own that resolves to 127.0.0.1, and read the answers.
fn is_local_name(request: &Request) -> bool {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let Some(host) = request.uri().authority().map(|authority| authority.as_str()).or(header) else {
        return true;
    };
    let Ok(authority) = host.parse::<axum::http::uri::Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The request's origin, where its pages may call this.
fn allowed_origin(app: &App, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    app.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

/// Headers that tell browsers what not to do.
fn secure(app: &App, headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    const ALWAYS: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(nothing);
    if app.tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    if !app.origins.is_empty() {
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("Location, Retry-After, X-Request-Id, Idempotency-Replayed");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
    }
}

/// The answer where nothing is served at a path.
pub(crate) async fn not_found() -> Problem {
    Problem::new(Kind::NotFound, "`/openapi.json` lists the paths")
}

/// The answer where a path does not take a method; `Allow` says which ones it takes.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "`Allow` lists the methods of this path")
}

/// The answer where a handler panicked.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::new(Kind::Internal, "please report it, with the request's id").into_response()
}
