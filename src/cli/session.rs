//! Running long work so that Ctrl-C ends it within a second, whatever it is doing.

use std::future::Future;
use std::sync::Arc;

use anyhow::anyhow;

use super::error::{CliError, ErrorKind};
use super::progress::Reporter;
use super::ui::Ui;

/// Conditions are compiled by a recursive parser, which needs room in debug builds.
pub(super) const STACK: usize = 16 << 20;

/// Runs work on a thread of its own and waits for it or for Ctrl-C.
///
/// Work that computes for long reaches no await point, so it is not cancelled but left behind: the
/// program ends, and the thread with it.
pub(super) fn run<T, F>(
    ui: &Ui,
    draws: bool,
    work: impl FnOnce(Arc<Reporter>) -> F + Send + 'static,
) -> Result<T, CliError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, CliError>>,
{
    let reporter = Arc::new(Reporter::new(draws && ui.draws_progress()));
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let given = Arc::clone(&reporter);
    let failed = |what: &'static str| {
        move |error: std::io::Error| CliError::failed(anyhow::Error::new(error).context(what))
    };
    std::thread::Builder::new()
        .name("investigation".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
            let result = runtime
                .map_err(failed("cannot start the runtime"))
                .and_then(|runtime| runtime.block_on(work(given)));
            // Nobody receives after an interruption.
            let _ = sender.send(result);
        })
        .map_err(failed("cannot start a thread"))?;
    let waiting = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed("cannot start the runtime"))?;
    let result = waiting.block_on(async {
        tokio::select! {
            biased;
            result = receiver => result.unwrap_or_else(|_| Err(internal())),
            Ok(()) = tokio::signal::ctrl_c() => Err(interrupted(&reporter)),
        }
    });
    reporter.finish();
    for warning in reporter.take_warnings() {
        ui.warn(&warning);
    }
    result
}

/// The thread ended without an answer: it panicked, and said so on stderr.
fn internal() -> CliError {
    CliError::failed(anyhow!("the investigation ended unexpectedly"))
        .hint("this is a bug in sre-orch; please report it")
}

fn interrupted(reporter: &Reporter) -> CliError {
    CliError::new(
        ErrorKind::Interrupted,
        anyhow!("interrupted: {}; there is no report", reporter.unfinished()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::error::Exit;

    #[test]
    fn results_and_panics_come_back() {
        let ui = Ui::new(None, true);
        assert_eq!(run(&ui, false, |_| async { Ok(7) }).unwrap(), 7);
        let error = run::<(), _>(&ui, false, |_| async { panic!("on purpose") }).unwrap_err();
        assert_eq!(error.exit(), Exit::Failed);
    }
}
