//! Logs of the program itself, on stderr.

use tracing_subscriber::EnvFilter;

/// Starts logging: warnings, with `-v` what is done, with `-vv` every detail.
pub(super) fn init(verbose: u8, quiet: bool, color: bool) {
    let filter = match (quiet, verbose) {
        (true, _) => "off",
        (_, 0) => "warn",
        (_, 1) => "warn,sre_orch=debug",
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
