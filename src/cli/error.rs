//! Errors as the user sees them, and exit codes.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Completed; also a closed pipe.
    Done,
    /// Could not, or a check found a problem.
    Failed,
    /// Usage or configuration.
    Usage,
    /// `--fail-on` was reached.
    Findings,
    /// Interrupted by the user.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Findings => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// What kind of error it is, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorKind {
    /// The command line is wrong.
    Usage,
    /// The configuration, or a file named on the command line as one, is wrong.
    Config,
    /// The work could not be done.
    Failed,
    /// The user interrupted it.
    Interrupted,
    /// Whoever read our output has gone.
    ClosedPipe,
}

/// An error that ends the program.
#[derive(Debug)]
pub(super) struct CliError {
    pub(super) kind: ErrorKind,
    /// What failed, on what; its sources are the causes.
    pub(super) source: anyhow::Error,
    /// What to try.
    pub(super) hints: Vec<String>,
}

impl CliError {
    pub(super) fn new(kind: ErrorKind, source: impl Into<anyhow::Error>) -> Self {
        Self { kind, source: source.into(), hints: Vec::new() }
    }

    /// A wrong command line.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, anyhow::Error::msg(message.into()))
    }

    /// A wrong configuration.
    pub(super) fn config(source: impl Into<anyhow::Error>) -> Self {
        Self::new(ErrorKind::Config, source)
    }

    /// Work that could not be done.
    pub(super) fn failed(source: impl Into<anyhow::Error>) -> Self {
        Self::new(ErrorKind::Failed, source)
    }

    /// Adds what to try.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit code's meaning.
    pub(super) fn exit(&self) -> Exit {
        match self.kind {
            ErrorKind::Usage | ErrorKind::Config => Exit::Usage,
            ErrorKind::Failed => Exit::Failed,
            ErrorKind::Interrupted => Exit::Interrupted,
            ErrorKind::ClosedPipe => Exit::Done,
        }
    }

    /// One line that says what failed and what to try, then a line for each cause.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut message = self.source.to_string();
        for hint in &self.hints {
            message = format!("{message}; {hint}");
        }
        let causes = self.source.chain().skip(1).map(|cause| format!("  caused by: {cause}"));
        // Messages quote what servers and files said.
        let clean = |line: String| crate::redact::clean(&line).trim_end().replace('\n', "\n    ");
        std::iter::once(message).chain(causes).map(clean).collect()
    }
}

impl From<std::io::Error> for CliError {
    /// Errors of writing results.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::new(ErrorKind::ClosedPipe, error)
        } else {
            Self::failed(anyhow::Error::new(error).context("cannot write the result"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_to_try_and_why() {
        let source = anyhow::anyhow!("no such file").context("cannot open snapshot a.tar.gz");
        let error = CliError::failed(source).hint("check the path");
        assert_eq!(
            error.lines(),
            ["cannot open snapshot a.tar.gz; check the path", "  caused by: no such file"]
        );
        assert_eq!(error.exit(), Exit::Failed);
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let error = CliError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(error.exit(), Exit::Done);
    }
}
