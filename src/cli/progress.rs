//! Progress on stderr, and what to say when the work is interrupted.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Knows what is being done; draws it where it may.
#[derive(Debug)]
pub(super) struct Reporter {
    bar: Option<ProgressBar>,
    phases: Mutex<Vec<String>>,
    warnings: Mutex<Vec<String>>,
}

impl Reporter {
    pub(super) fn new(draws: bool) -> Self {
        let bar = draws.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { bar, phases: Mutex::default(), warnings: Mutex::default() }
    }

    /// A phase begins, such as `reading the cluster`; the one before is done.
    pub(super) fn phase(&self, name: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(name.to_owned());
        }
        self.phases.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    }

    /// Something did not work; told when the work is done.
    pub(super) fn warn(&self, message: &str) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
    }

    /// What did not work, once.
    pub(super) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Removes what was drawn.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// What was not finished, and what was.
    pub(super) fn unfinished(&self) -> String {
        let phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        match phases.split_last() {
            None => "nothing was done yet".to_owned(),
            Some((current, [])) => format!("{current} was not finished"),
            Some((current, done)) => format!("{current} was not finished (done: {})", done.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_says_what_is_missing() {
        let reporter = Reporter::new(false);
        assert_eq!(reporter.unfinished(), "nothing was done yet");
        reporter.phase("reading");
        reporter.phase("reasoning");
        assert_eq!(reporter.unfinished(), "reasoning was not finished (done: reading)");
    }
}
