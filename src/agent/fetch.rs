//! One request: bounded in time, tries, count and bytes, whatever the server does.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, DATE, RETRY_AFTER};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often a request is repeated after 429, 5xx or a broken connection.
const RETRIES: u32 = 3;
/// The longest that `Retry-After` is honoured for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);
/// One try may not take longer, so that one stall leaves time for the rest.
const TRY_TIMEOUT: Duration = Duration::from_secs(20);
/// Stands in for a timeout too long for the clock.
const FOREVER: Duration = Duration::from_secs(24 * 3600);

/// What an investigation may cost the API server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Everything together.
    pub timeout: Duration,
    /// Requests at a time.
    pub concurrency: usize,
    /// Lines of one log, counted from its end.
    pub log_lines: usize,
    /// Bytes of one log.
    pub log_bytes: usize,
    /// Containers whose logs are read.
    pub log_containers: usize,
    /// Requests in all.
    pub max_requests: u64,
    /// Bytes in all.
    pub max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            concurrency: 16,
            log_lines: 2000,
            log_bytes: 2 << 20,
            log_containers: 200,
            max_requests: 5000,
            max_bytes: 2 << 30,
        }
    }
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// 401.
    Unauthorized(String),
    /// 403.
    Forbidden(String),
    /// 404 of an object, or of an API that is not served.
    NotFound(String),
    /// 400.
    BadRequest(String),
    /// 410: the list must begin again.
    Expired,
    /// Any other status that retries did not cure.
    Status(u16, String),
    /// No usable answer at all.
    Connection(String),
    /// Our own bound, or an interruption.
    Unreached(String),
}

impl Failure {
    /// Why, for a blind spot.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Unauthorized(message) => format!("unauthorized: {message}"),
            Self::Forbidden(message) => format!("forbidden: {message}"),
            Self::NotFound(message) => format!("not available: {message}"),
            Self::BadRequest(message) => message.clone(),
            Self::Expired => "the list changed too fast to be read in one piece (410)".to_owned(),
            Self::Status(code, message) => format!("the API server answered {code}: {message}"),
            Self::Connection(what) => what.clone(),
            Self::Unreached(what) => what.clone(),
        }
    }
}

/// Sends requests and counts them.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: ClientDebug,
    limits: Limits,
    deadline: Instant,
    permits: Semaphore,
    requests: AtomicU64,
    bytes: AtomicU64,
    date: OnceLock<Timestamp>,
    cancel: CancellationToken,
}

/// A client, which has no `Debug` of its own.
struct ClientDebug(Client);

impl std::fmt::Debug for ClientDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// How one try ended.
enum Outcome {
    Done,
    Failed(Failure),
    /// To be tried again, at the earliest after this time.
    Again(Failure, Option<Duration>),
}

impl Fetcher {
    /// The deadline starts to run now.
    pub(super) fn new(client: Client, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            client: ClientDebug(client),
            limits,
            deadline: now.checked_add(limits.timeout).unwrap_or(now + FOREVER),
            permits: Semaphore::new(limits.concurrency.clamp(1, 256)),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            date: OnceLock::new(),
            cancel: CancellationToken::new(),
        }
    }

    /// Requests sent so far, retries included.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes received so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The `Date` of the first answer that had one.
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.date.get().copied()
    }

    /// Ends reading early: whoever cancels it makes every request fail at once.
    pub(super) fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Gets a path. Fails at the deadline at the latest.
    pub(super) async fn get(&self, uri: &str, accept: &str) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        self.get_into(uri, accept, &mut body).await?;
        Ok(body)
    }

    /// As [`Fetcher::get`], into a buffer in place of what it held: whoever reads page after page
    /// asks for the memory once.
    pub(super) async fn get_into(&self, uri: &str, accept: &str, body: &mut Vec<u8>) -> Result<(), Failure> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::Unreached("interrupted".to_owned())),
            answer = self.try_get(uri, accept, body) => answer,
        }
    }

    async fn try_get(&self, uri: &str, accept: &str, body: &mut Vec<u8>) -> Result<(), Failure> {
        let timed_out = || Failure::Unreached(format!("not reached within {:?}", self.limits.timeout));
        let _permit = tokio::time::timeout_at(self.deadline, self.permits.acquire())
            .await
            .map_err(|_| timed_out())?
            .map_err(|_| timed_out())?;
        let mut backoff = Duration::from_millis(100);
        let mut tries = 0;
        loop {
            self.check_bounds()?;
            if Instant::now() >= self.deadline {
                return Err(timed_out());
            }
            let end = self.deadline.min(Instant::now() + TRY_TIMEOUT);
            let outcome =
                tokio::time::timeout_at(end, self.once(uri, accept, body)).await.unwrap_or_else(|_| {
                    Outcome::Again(
                        Failure::Connection("the API server did not answer in time".to_owned()),
                        None,
                    )
                });
            let (failure, pause) = match outcome {
                Outcome::Done => return Ok(()),
                Outcome::Failed(failure) => return Err(failure),
                Outcome::Again(failure, pause) => (failure, pause),
            };
            tries += 1;
            let pause = pause.map_or(backoff, |pause| pause.min(MAX_RETRY_AFTER));
            if tries > RETRIES || Instant::now() + pause >= self.deadline {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            backoff *= 3;
        }
    }

    fn check_bounds(&self) -> Result<(), Failure> {
        if self.requests() >= self.limits.max_requests {
            return Err(Failure::Unreached(format!(
                "--max-requests {} is reached",
                self.limits.max_requests
            )));
        }
        if self.bytes() >= self.limits.max_bytes {
            return Err(Failure::Unreached(format!("--max-bytes {} is reached", self.limits.max_bytes)));
        }
        Ok(())
    }

    async fn once(&self, uri: &str, accept: &str, bytes: &mut Vec<u8>) -> Outcome {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let request = match Request::get(uri).header(ACCEPT, accept).body(Body::empty()) {
            Ok(request) => request,
            Err(error) => return Outcome::Failed(Failure::BadRequest(error.to_string())),
        };
        let response = match self.client.0.send(request).await {
            Ok(response) => response,
            Err(error) => return Outcome::Again(Failure::Connection(chain(&error)), None),
        };
        let (head, body) = response.into_parts();
        if let Some(date) = date(&head.headers) {
            self.date.get_or_init(|| date);
        }
        match self.body(body, bytes).await {
            Ok(()) if head.status.is_success() => Outcome::Done,
            Ok(()) => refused(head.status.as_u16(), &head.headers, bytes),
            Err(outcome) => outcome,
        }
    }

    async fn body(&self, mut body: Body, bytes: &mut Vec<u8>) -> Result<(), Outcome> {
        bytes.clear();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Outcome::Again(Failure::Connection(format!("the answer broke off: {}", chain(&error))), None)
            })?;
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
                self.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
                self.check_bounds().map_err(Outcome::Failed).or_else(|outcome| match outcome {
                    // The request being read is within the count; only bytes may stop it.
                    Outcome::Failed(_) if self.bytes() < self.limits.max_bytes => Ok(()),
                    outcome => Err(outcome),
                })?;
            }
        }
        Ok(())
    }
}

/// Sorts a refusal by what can be done about it.
fn refused(code: u16, headers: &HeaderMap, body: &[u8]) -> Outcome {
    let message = message(body);
    match code {
        401 => Outcome::Failed(Failure::Unauthorized(message)),
        403 => Outcome::Failed(Failure::Forbidden(message)),
        404 => Outcome::Failed(Failure::NotFound(message)),
        400 => Outcome::Failed(Failure::BadRequest(message)),
        410 => Outcome::Failed(Failure::Expired),
        429 | 500..=599 => Outcome::Again(Failure::Status(code, message), retry_after(headers)),
        code => Outcome::Failed(Failure::Status(code, message)),
    }
}

/// The message of a Status, or the first line of whatever else it is.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Status {
        #[serde(default)]
        message: String,
    }
    const MAX: usize = 500;
    let text = match serde_json::from_slice::<Status>(body) {
        Ok(status) if !status.message.is_empty() => status.message,
        _ => String::from_utf8_lossy(body).lines().next().unwrap_or_default().trim().to_owned(),
    };
    text.chars().filter(|letter| !letter.is_control()).take(MAX).collect()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The `Date` header; answers of a cluster and of a snapshot have one.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(time.timestamp())
}

/// An error with its causes on one line, each said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    // The client puts the name of its type before what happened.
    let mut text = text.strip_prefix("ServiceError: ").unwrap_or(&text).to_owned();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text.chars().filter(|letter| !letter.is_control()).take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_from_a_status_or_its_first_line() {
        assert_eq!(message(br#"{"kind":"Status","message":"pods is forbidden"}"#), "pods is forbidden");
        assert_eq!(message(b"404 page not found\n"), "404 page not found");
        assert_eq!(message(b"\xff\x1b[31mred"), "\u{fffd}[31mred");
    }

    #[test]
    fn an_http_date_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Mon, 23 Nov 2026 20:03:55 GMT".parse().expect("a header"));
        assert_eq!(date(&headers), "2026-11-23T20:03:55Z".parse().ok());
    }
}
