//! Accepts connections and speaks HTTP on them, whatever clients do with their end.
//!
//! Every wait has an end: for the handshake, for headers, for a connection that is idle. The
//! protocol is chosen by TLS, never by sniffing, which would wait for bytes without an end.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tower::util::Oneshot;

use super::connections::{Connections, Place};
use super::guard::Peer;
use super::tls::Tls;

/// Headers of one request at most.
const MOST_HEADERS: usize = 64;
/// Bytes of all headers of one request at most.
const MOST_HEADER_BYTES: usize = 16 << 10;
/// Requests at a time on one HTTP/2 connection.
const MOST_STREAMS: u32 = 64;
/// How long to wait where the system has no room for a connection.
const BREATH: Duration = Duration::from_millis(50);

/// What every connection needs.
pub(crate) struct Listener {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) connections: Arc<Connections>,
    pub(crate) tls: Option<Arc<Tls>>,
    /// How long headers may take, and a connection may be idle.
    pub(crate) patience: Duration,
    /// Cancelled: accept nothing more, finish what has begun.
    pub(crate) ending: CancellationToken,
    /// The connections' tasks.
    pub(crate) tasks: TaskTracker,
}

impl Listener {
    /// Accepts until the end.
    pub(crate) async fn run(self) {
        let Self { listener, router, connections, tls, patience, ending, tasks } = self;
        loop {
            let accepted = tokio::select! {
                biased;
                () = ending.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // One connection broke, or there is no room for more: neither ends the server.
                    if !matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(BREATH).await;
                    }
                    continue;
                }
            };
            let Some(place) = connections.enter() else {
                tracing::warn!(client = %peer.ip(), "refused a connection: all are busy");
                continue;
            };
            // Answers are written at once; waiting to fill a packet only delays them.
            let _ = stream.set_nodelay(true);
            let peer = Peer { address: peer.ip(), connection: Arc::clone(&place.connection) };
            let conversation =
                Conversation { router: router.clone(), peer, patience, ending: ending.clone() };
            let tls = tls.as_ref().map(|tls| TlsAcceptor::from(tls.config()));
            tasks.spawn(conversation.hold(stream, tls, place));
        }
    }
}

/// One connection.
struct Conversation {
    router: Router,
    peer: Peer,
    patience: Duration,
    ending: CancellationToken,
}

impl Conversation {
    async fn hold(self, stream: TcpStream, tls: Option<TlsAcceptor>, place: Place) {
        let close = place.connection.close.clone();
        let speak = async {
            match tls {
                None => self.http1(stream).await,
                Some(acceptor) => {
                    let Ok(Ok(stream)) = tokio::time::timeout(self.patience, acceptor.accept(stream)).await
                    else {
                        return;
                    };
                    let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    if two { self.http2(stream).await } else { self.http1(stream).await }
                }
            }
        };
        tokio::select! {
            () = speak => {}
            () = close.cancelled() => {}
        }
        drop(place);
    }

    async fn http1(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience)
            .max_headers(MOST_HEADERS)
            .max_buf_size(MOST_HEADER_BYTES)
            // A client that has said all it wants to say still gets its answer.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), self.service());
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => note(ended),
            () = self.ending.cancelled() => {
                connection.as_mut().graceful_shutdown();
                note(connection.await);
            }
        }
    }

    async fn http2(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(self.patience)
            .keep_alive_timeout(self.patience)
            .max_concurrent_streams(MOST_STREAMS)
            .max_header_list_size(u32::try_from(MOST_HEADER_BYTES).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(stream), self.service());
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => note(ended),
            () = self.ending.cancelled() => {
                connection.as_mut().graceful_shutdown();
                note(connection.await);
            }
        }
    }

    fn service(&self) -> Answers {
        Answers { router: self.router.clone(), peer: self.peer.clone() }
    }
}

/// The router, which is told whom each request is from.
struct Answers {
    router: Router,
    peer: Peer,
}

impl hyper::service::Service<hyper::Request<Incoming>> for Answers {
    type Response = Response;
    type Error = Infallible;
    type Future = Oneshot<Router, Request>;

    fn call(&self, request: hyper::Request<Incoming>) -> Self::Future {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(self.peer.clone());
        self.router.clone().oneshot(request)
    }
}

/// Clients break connections all the time; that is worth a word to whoever looks closely.
fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
