//! Cluster responses shared by investigations: fifty alerts at once read the cluster once.
//!
//! A service in front of the Kubernetes client. Requests with the same URL and `Accept` share one
//! answer while it is on its way and for a short time after; everything that is no plain GET goes
//! straight through. Only answers that say something about the cluster are kept, and refusals that
//! hold; an answer that failed is shared with those who waited for it and then forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use tower::{BoxError, Service};

use super::metrics::Metrics;

/// Bytes kept at most; an answer that finds no room is not kept.
const MOST_BYTES: usize = 256 << 20;
/// A longer answer is refused: investigations have a bound of their own below this.
const LONGEST_ANSWER: usize = 2 << 30;

type Key = (String, Vec<u8>);
type Outcome = Result<Arc<Answer>, Arc<str>>;
type Pending = Shared<BoxFuture<'static, Outcome>>;

/// A response that was read to its end.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// Whether it holds for a while: it is a success or a refusal, and no passing trouble.
    fn keeps(&self) -> bool {
        self.status.is_success() || matches!(self.status.as_u16(), 403 | 404)
    }

    fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

enum Slot {
    /// On its way.
    Coming { number: u64, answer: Pending },
    /// Here since then.
    Kept { at: Instant, answer: Arc<Answer> },
}

#[derive(Default)]
struct Slots {
    slots: HashMap<Key, Slot>,
    bytes: usize,
    /// Counts requests sent, to tell one from the next with the same key.
    sent: u64,
}

struct Shelf {
    client: Client,
    fresh: Duration,
    slots: Mutex<Slots>,
    metrics: Arc<Metrics>,
}

/// The service; cheap to clone, and all clones share.
#[derive(Clone)]
pub struct ClusterCache {
    shelf: Arc<Shelf>,
}

impl std::fmt::Debug for ClusterCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterCache").field("fresh", &self.shelf.fresh).finish_non_exhaustive()
    }
}

impl ClusterCache {
    /// Shares the client's answers for so long after they came; zero: not at all.
    pub fn new(client: Client, fresh: Duration, metrics: Arc<Metrics>) -> Self {
        Self { shelf: Arc::new(Shelf { client, fresh, slots: Mutex::default(), metrics }) }
    }
}

impl Shelf {
    /// The answer for a key: kept, on its way, or asked for now.
    fn answer(self: &Arc<Self>, key: Key, request: Request<Body>) -> Pending {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        match slots.slots.get(&key) {
            Some(Slot::Coming { answer, .. }) => {
                self.metrics.cluster_request(true);
                return answer.clone();
            }
            Some(Slot::Kept { at, answer }) if at.elapsed() < self.fresh => {
                self.metrics.cluster_request(true);
                let answer = Arc::clone(answer);
                return async move { Ok(answer) }.boxed().shared();
            }
            _ => {}
        }
        self.metrics.cluster_request(false);
        slots.sent += 1;
        let number = slots.sent;
        let shelf = Arc::clone(self);
        let kept_as = key.clone();
        // A task of its own: whoever asked first may give up, the others still wait.
        let task = tokio::spawn(async move {
            let mut unkept = Unkept { shelf: &shelf, key: &kept_as, number, armed: true };
            let outcome = fetch(&shelf.client, request).await;
            unkept.armed = false;
            shelf.keep(&kept_as, number, &outcome);
            outcome
        });
        let answer = async move { task.await.unwrap_or_else(|_| Err("the request was given up".into())) };
        let answer = answer.boxed().shared();
        slots.forget(&key);
        slots.slots.insert(key, Slot::Coming { number, answer: answer.clone() });
        answer
    }

    fn keep(&self, key: &Key, number: u64, outcome: &Outcome) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(slots.slots.get(key), Some(Slot::Coming { number: own, .. }) if *own == number) {
            return;
        }
        slots.slots.remove(key);
        slots.drop_stale(self.fresh);
        if let Ok(answer) = outcome
            && answer.keeps()
            && slots.bytes + answer.body.len() <= MOST_BYTES
        {
            slots.bytes += answer.body.len();
            slots.slots.insert(key.clone(), Slot::Kept { at: Instant::now(), answer: Arc::clone(answer) });
        }
    }
}

/// Makes room for the next request where this one ends without an answer: a panic, or the end of
/// the runtime.
struct Unkept<'a> {
    shelf: &'a Shelf,
    key: &'a Key,
    number: u64,
    armed: bool,
}

impl Drop for Unkept<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.shelf.keep(self.key, self.number, &Err("given up".into()));
        }
    }
}

impl Slots {
    fn forget(&mut self, key: &Key) {
        if let Some(Slot::Kept { answer, .. }) = self.slots.remove(key) {
            self.bytes = self.bytes.saturating_sub(answer.body.len());
        }
    }

    fn drop_stale(&mut self, fresh: Duration) {
        let bytes = &mut self.bytes;
        self.slots.retain(|_, slot| match slot {
            Slot::Kept { at, answer } if at.elapsed() >= fresh => {
                *bytes = bytes.saturating_sub(answer.body.len());
                false
            }
            _ => true,
        });
    }
}

async fn fetch(client: &Client, request: Request<Body>) -> Outcome {
    let failed = |error: &(dyn std::error::Error + 'static)| -> Arc<str> { causes(error).into() };
    let response = client.send(request).await.map_err(|error| failed(&error))?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|error| failed(&*error))?;
    Ok(Arc::new(Answer { status: head.status, headers: head.headers, body: body.to_bytes() }))
}

/// An error with its causes on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}

/// What answers are shared by; none for what is no plain read.
fn key(head: &Parts) -> Option<Key> {
    let watches = head.uri.query().is_some_and(|query| query.contains("watch=") || query.contains("follow="));
    let accept = head.headers.get(header::ACCEPT).map(|accept| accept.as_bytes().to_vec());
    let plain = head.method == Method::GET && !watches;
    plain.then(|| (head.uri.to_string(), accept.unwrap_or_default()))
}

impl Service<Request<Body>> for ClusterCache {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (head, body) = request.into_parts();
        let key = key(&head).filter(|_| !self.shelf.fresh.is_zero());
        let request = Request::from_parts(head, body);
        let Some(key) = key else {
            self.shelf.metrics.cluster_request(false);
            let client = self.shelf.client.clone();
            return async move { client.send(request).await.map_err(BoxError::from) }.boxed();
        };
        let answer = self.shelf.answer(key, request);
        async move {
            match answer.await {
                Ok(answer) => Ok(answer.response()),
                Err(why) => Err(BoxError::from(why.to_string())),
            }
        }
        .boxed()
    }
}
