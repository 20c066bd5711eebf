//! The `sre-orch` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Both HTTP clients need one; an error only says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    sre_orch::cli::main()
}
