//! `sre-orch serve`: the incident API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum, ValueHint};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::serve::{Config, Defaults, Metrics, PipelineInvestigator, Server, TlsFiles};
use crate::store::{Bounds, MemoryRepository};

use super::args::{AccessArgs, GraphDirArgs, LimitArgs, ScopeArgs};
use super::error::{CliError, Exit};
use super::settings::{Access, Limits, Resolver, Scope, graph_dirs};
use super::values::{Bytes, Period, flag};
use super::{Context, session, wiring};

/// Serve investigations to a team, over HTTP
///
/// POST /api/v1/incidents takes a description, POST /api/v1/alerts what Alertmanager sends; `/` is
/// a page for people and /openapi.json says the rest. It reads one cluster, or with --bundle one
/// snapshot, and keeps incidents in memory. Logs are JSON on stderr.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  sre-orch serve --bundle snapshot.tar.gz
  sre-orch serve --listen 0.0.0.0:8443 --token-file tokens --tls-cert tls.crt --tls-key tls.key")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    work: WorkArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    graph: GraphDirArgs,
}

/// Who may connect, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
struct ServerArgs {
    /// Listen here [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "SRE_ORCH_LISTEN")]
    listen: Option<SocketAddr>,

    /// Ask for a token of this file (one a line; read again when it changes)
    #[arg(long, value_name = "FILE", env = "SRE_ORCH_TOKEN_FILE", value_hint = ValueHint::FilePath)]
    token_file: Option<PathBuf>,

    /// Let everybody in who can reach the address
    #[arg(long, env = "SRE_ORCH_INSECURE", value_parser = flag())]
    insecure: bool,

    /// Speak TLS with this certificate chain (PEM; read again when it changes)
    #[arg(long, value_name = "FILE", env = "SRE_ORCH_TLS_CERT", requires = "tls_key", value_hint = ValueHint::FilePath)]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", env = "SRE_ORCH_TLS_KEY", requires = "tls_cert", value_hint = ValueHint::FilePath)]
    tls_key: Option<PathBuf>,

    /// Let pages of this origin call the API from a browser (can be repeated)
    #[arg(long, value_name = "ORIGIN", env = "SRE_ORCH_ALLOW_ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<String>,

    /// Take so many requests a second from one client, twice that at once; 0: any number [default: 100]
    #[arg(long, value_name = "N", env = "SRE_ORCH_RATE_LIMIT")]
    rate_limit: Option<u32>,

    /// Keep so many connections open, and close the longest idle beyond that [default: 1024]
    #[arg(long, value_name = "N", env = "SRE_ORCH_MAX_CONNECTIONS")]
    max_connections: Option<usize>,

    /// Write logs in this format [default: json]
    #[arg(long, value_name = "FORMAT", env = "SRE_ORCH_LOG_FORMAT")]
    pub(super) log_format: Option<LogFormat>,
}

/// How much work is taken and kept.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Work")]
struct WorkArgs {
    /// Run so many investigations at a time [default: one for each processor]
    #[arg(long, value_name = "N", env = "SRE_ORCH_WORKERS")]
    workers: Option<usize>,

    /// Let so many incidents wait, and refuse more [default: 256]
    #[arg(long, value_name = "N", env = "SRE_ORCH_QUEUE")]
    queue: Option<usize>,

    /// Keep so many incidents; the first finished go first [default: 10000]
    #[arg(long, value_name = "N", env = "SRE_ORCH_KEEP")]
    keep: Option<usize>,

    /// Keep incidents of so many bytes [default: 256Mi]
    #[arg(long, value_name = "BYTES", env = "SRE_ORCH_KEEP_BYTES")]
    keep_bytes: Option<Bytes>,

    /// Let investigations share what the cluster answered for so long [default: 5s]
    #[arg(long, value_name = "DURATION", env = "SRE_ORCH_CACHE")]
    cache: Option<Period>,

    /// After SIGTERM let accepted incidents finish for so long, then cancel them [default: 20s]
    #[arg(long, value_name = "DURATION", env = "SRE_ORCH_DRAIN")]
    drain: Option<Period>,

    /// Report what is bad practice but no fault, too
    #[arg(long, env = "SRE_ORCH_HYGIENE", value_parser = flag())]
    hygiene: bool,
}

/// A format of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    /// An object a line
    Json,
    /// For people
    Text,
}

/// Settings of `serve` in the configuration file; names are those of the flags.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct FileSettings {
    listen: Option<SocketAddr>,
    token_file: Option<PathBuf>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    allow_origin: Option<Vec<String>>,
    rate_limit: Option<u32>,
    max_connections: Option<usize>,
    workers: Option<usize>,
    queue: Option<usize>,
    keep: Option<usize>,
    keep_bytes: Option<Bytes>,
    cache: Option<Period>,
    drain: Option<Period>,
}

/// Everything that a server needs, all sources of settings settled.
struct Settings {
    config: Config,
    bounds: Bounds,
    cache: Period,
    defaults: Defaults,
    access: Access,
    graph: Vec<PathBuf>,
}

impl ServeArgs {
    /// The format of logs; the configuration file is read too late for it.
    pub(super) fn log_format(&self) -> LogFormat {
        self.server.log_format.unwrap_or(LogFormat::Json)
    }
}

pub(super) fn run(args: ServeArgs, context: &Context) -> Result<Exit, CliError> {
    let settings = resolve(args, context)?;
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        let what = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(at, what, "panic");
    }));
    let failed =
        |error: std::io::Error| CliError::failed(anyhow::Error::new(error).context("cannot start a thread"));
    std::thread::spawn(crate::logs::prepare);
    // Failure modes are compiled by a recursive parser, which needs room in debug builds.
    let server = std::thread::Builder::new()
        .name("server".to_owned())
        .stack_size(session::STACK)
        .spawn(move || serve(settings))
        .map_err(failed)?;
    server.join().unwrap_or_else(|_| Err(CliError::failed(anyhow!("the server ended unexpectedly"))))
}

fn resolve(args: ServeArgs, context: &Context) -> Result<Settings, CliError> {
    let ServeArgs { server, work, scope, access, limits, graph } = args;
    let file = &context.config().serve;
    let resolver = &mut context.resolver();
    let scope = Scope::resolve(scope, resolver)?;
    let access = Access::resolve(access, resolver);
    let limits = Limits::resolve(limits, resolver)?;
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let workers = resolver.value("workers", work.workers, file.workers, processors);
    let default = Bounds::default();
    let bytes = Bytes(u64::try_from(default.bytes).unwrap_or(u64::MAX));
    let bytes = resolver.value("keep-bytes", work.keep_bytes, file.keep_bytes, bytes);
    let bounds = Bounds {
        pending: resolver.value("queue", work.queue, file.queue, default.pending),
        incidents: resolver.value("keep", work.keep, file.keep, default.incidents),
        bytes: usize::try_from(bytes.0).unwrap_or(usize::MAX),
    };
    if workers == 0 || bounds.pending == 0 || bounds.incidents < bounds.pending {
        return Err(CliError::usage(
            "--workers and --queue must be 1 or more, and --keep no less than --queue",
        ));
    }
    let cache = resolver.value("cache", work.cache, file.cache, Period::seconds(5));
    let drain = resolver.value("drain", work.drain, file.drain, Period::seconds(20));
    let defaults = Defaults {
        namespaces: scope.namespaces,
        since: limits.since.signed(),
        limits: wiring::bounds(limits),
        hygiene: resolver.switch("hygiene", work.hygiene, context.config().hygiene),
    };
    let config = Config { workers, drain: drain.duration(), ..network(server, file, resolver)? };
    let settings = Settings { config, bounds, cache, defaults, access, graph: graph_dirs(graph, resolver) };
    for settled in &resolver.settled {
        tracing::debug!("{} = {:?} ({})", settled.name, settled.value, settled.origin);
    }
    Ok(settings)
}

/// Who may connect, and how.
fn network(args: ServerArgs, file: &FileSettings, resolver: &mut Resolver<'_>) -> Result<Config, CliError> {
    let default = Config::default();
    let certificate = resolver.path("tls-cert", args.tls_cert, file.tls_cert.clone());
    let key = resolver.path("tls-key", args.tls_key, file.tls_key.clone());
    let tls = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        _ => return Err(CliError::usage("--tls-cert and --tls-key belong together; give both")),
    };
    let origins =
        resolver.list("allow-origin", args.allow_origin, file.allow_origin.clone(), |origin| origin.clone());
    if let Some(wrong) = origins.iter().find(|origin| !is_origin(origin)) {
        return Err(CliError::usage(format!(
            "`{wrong}` is no origin; write one such as https://runbooks.example.com"
        )));
    }
    Ok(Config {
        listen: resolver.value("listen", args.listen, file.listen, default.listen),
        token_file: resolver.path("token-file", args.token_file, file.token_file.clone()),
        insecure: resolver.switch("insecure", args.insecure, None),
        tls,
        rate_limit: resolver.value("rate-limit", args.rate_limit, file.rate_limit, default.rate_limit),
        connections: resolver.value(
            "max-connections",
            args.max_connections,
            file.max_connections,
            default.connections,
        ),
        origins,
        ..default
    })
}

/// Whether a text is an origin as browsers send it: scheme, host, perhaps a port, and nothing more.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@*".contains(&byte))
            && !rest.bytes().any(|byte| byte.is_ascii_uppercase())
    })
}

/// Serves until a signal says that it is enough.
fn serve(settings: Settings) -> Result<Exit, CliError> {
    let failed = |error: std::io::Error| {
        CliError::failed(anyhow::Error::new(error).context("cannot start the runtime"))
    };
    let threads = settings.config.workers;
    let investigations = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("investigation")
        .thread_stack_size(session::STACK)
        .on_thread_start(yield_to_others)
        .enable_all()
        .build()
        .map_err(failed)?;
    let answers = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("http")
        .enable_all()
        .build()
        .map_err(failed)?;
    let result = answers.block_on(serve_on(settings, investigations.handle().clone()));
    // What still computes was told to stop, and reaches no place where it could.
    investigations.shutdown_background();
    answers.shutdown_background();
    result
}

/// Lowers the priority of the calling thread: whoever waits for an answer goes before whoever waits
/// for an investigation.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(10) {
        tracing::debug!(%error, "investigations keep their priority");
    }
}

async fn serve_on(settings: Settings, investigations: tokio::runtime::Handle) -> Result<Exit, CliError> {
    let Settings { config, bounds, cache, defaults, access, graph } = settings;
    let graph = Arc::new(wiring::load_untested(&graph)?);
    let metrics: Arc<Metrics> = Arc::default();
    // The client's connections live where investigations run.
    let opened = investigations.spawn(async move { wiring::open(&access).await }).await;
    let source = opened.context("cannot open the cluster").map_err(CliError::failed)??;
    let reads = if source.is_snapshot() {
        source.address.clone()
    } else {
        format!("{} at {}", source.context, source.address)
    };
    let investigator = {
        let _in_runtime = investigations.enter();
        PipelineInvestigator::new(source, graph, defaults, cache.duration(), Arc::clone(&metrics))
    };
    let store = Arc::new(MemoryRepository::new(bounds));
    // Before the address is told, so that no signal is missed.
    let end = end_on_signal().context("cannot wait for signals").map_err(CliError::failed)?;
    let server = Server::bind(config, store, Arc::new(investigator), metrics, investigations).await;
    let server = server.map_err(CliError::config)?;
    tracing::info!(url = server.url(), reads, version = env!("CARGO_PKG_VERSION"), "serving");
    server.run(end).await;
    Ok(Exit::Done)
}

/// Is cancelled by SIGTERM or SIGINT; the second one ends the process at once.
fn end_on_signal() -> std::io::Result<CancellationToken> {
    let end = CancellationToken::new();
    let mut signals = Signals::new()?;
    let told = end.clone();
    tokio::spawn(async move {
        signals.next().await;
        told.cancel();
        signals.next().await;
        abandon();
    });
    Ok(end)
}

/// The signals that end a server.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ctrl-C, which is all that other systems have.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Ends the process at once, with incidents unfinished.
#[expect(clippy::exit, reason = "the user insists, and nothing else is to be waited for")]
fn abandon() {
    tracing::warn!("ended by a second signal; what was not finished is lost");
    std::process::exit(130);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        for right in ["https://a.example", "http://localhost:3000"] {
            assert!(is_origin(right), "{right}");
        }
        for wrong in
            ["*", "null", "a.example", "https://", "https://a.example/", "https://A.example", "ftp://a"]
        {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
