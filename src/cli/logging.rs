//! Logs of the program itself, on stderr.

use tracing_subscriber::EnvFilter;

use super::serve::LogFormat;

/// Starts logging: warnings, with `-v` what is done, with `-vv` every detail.
pub(super) fn init(verbose: u8, quiet: bool, color: bool) {
    let filter = match (quiet, verbose) {
        (true, _) => "off",
        // Libraries log every failed request, which the agent retries and reports itself.
        (_, 0) => "off,sre_orch=warn",
        (_, 1) => "off,sre_orch=debug",
        // Bodies and headers stay out of logs at any level.
        _ => "info,sre_orch=trace,hyper=warn,h2=warn,rustls=warn",
    };
    // A second subscriber is refused, which only happens in tests.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(color)
        .with_target(verbose > 1)
        .try_init();
}

/// Starts logging of the server: requests and incidents, with `-v` what is done, with `-q` trouble
/// only.
pub(super) fn init_server(verbose: u8, quiet: bool, format: LogFormat) {
    let filter = match (quiet, verbose) {
        (true, _) => "warn",
        (_, 0) => "warn,sre_orch=info,kube_client=off",
        (_, 1) => "warn,sre_orch=debug,kube_client=off",
        _ => "info,sre_orch=trace,hyper=warn,h2=warn,rustls=warn",
    };
    let logs = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_target(verbose > 1);
    // A second subscriber is refused, which only happens in tests.
    let _ = match format {
        LogFormat::Json => {
            logs.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
        LogFormat::Text => logs.with_ansi(false).try_init(),
    };
}
