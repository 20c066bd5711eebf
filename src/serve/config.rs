//! What a server is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0: any.
    pub listen: SocketAddr,
    /// A file with a token in each line; none: no token is asked for.
    pub token_file: Option<PathBuf>,
    /// Listen beyond this machine without a token all the same.
    pub insecure: bool,
    /// Certificate chain and key, PEM; none: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Investigations at a time.
    pub workers: usize,
    /// Requests a second from one client, with twice that at once; 0: any number.
    pub rate_limit: u32,
    /// Connections at a time; beyond that the one that is idle for longest is closed.
    pub connections: usize,
    /// How long what was accepted may take to finish after SIGTERM.
    pub drain: Duration,
    /// How long headers or a body may take to arrive, and a connection may be idle.
    pub patience: Duration,
    /// Origins whose pages may call this API from a browser.
    pub origins: Vec<String>,
}

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            token_file: None,
            insecure: false,
            tls: None,
            workers: 2,
            rate_limit: 100,
            connections: 1024,
            drain: Duration::from_secs(20),
            patience: Duration::from_secs(10),
            origins: Vec::new(),
        }
    }
}
