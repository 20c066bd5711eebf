//! What can go wrong with a language model, in words that help: never a key, never a whole body.

use std::time::Duration;

/// Why a call did not give an answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// No client can be made of the settings.
    #[error("{0}")]
    Settings(String),
    /// No answer within the budget.
    #[error("no answer within {}", seconds(.0))]
    Timeout(Duration),
    /// The answer stopped to come.
    #[error("the answer stalled for {}", seconds(.0))]
    Stalled(Duration),
    /// The connection could not be made or broke.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The key was not accepted (401, 403).
    #[error("it does not accept the key ({status}): {message}")]
    Unauthorized {
        /// HTTP status.
        status: u16,
        /// What the provider said.
        message: String,
    },
    /// The model or address does not exist (404).
    #[error("it knows no such model or address (404): {0}")]
    NotFound(String),
    /// Too many requests, or none left (429).
    #[error("it asks to slow down (429){}", after(.retry_after))]
    RateLimited {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// Any other status.
    #[error("it answered {status}: {message}")]
    Status {
        /// HTTP status.
        status: u16,
        /// What the provider said.
        message: String,
    },
    /// The model declined, or a filter did.
    #[error("it declined to answer")]
    Refused,
    /// The answer was cut at the token limit, or the stream ended early.
    #[error("its answer is cut off")]
    Truncated,
    /// More bytes than an answer can have.
    #[error("its answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The question is larger than may be sent.
    #[error("the question would take about {tokens} tokens, more than the {most} allowed")]
    TooLong {
        /// Estimated tokens.
        tokens: usize,
        /// The cap.
        most: usize,
    },
    /// Not the answer that was asked for.
    #[error("its answer is not of the form asked for: {0}")]
    Shape(String),
    /// Nothing of the answer is supported by the evidence.
    #[error("no sentence of its answer is supported by the evidence")]
    Unsupported,
    /// There is nothing to explain.
    #[error("there is no evidence to explain")]
    NoEvidence,
}

impl LlmError {
    /// Whether the same call may succeed a little later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Connection(_) | Self::RateLimited { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 409 | 425 | 500..=599),
            _ => false,
        }
    }
}

fn seconds(duration: &Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 { format!("{} ms", duration.as_millis()) } else { format!("{} s", seconds.round()) }
}

fn after(retry_after: &Option<Duration>) -> String {
    retry_after.as_ref().map(|wait| format!(" for {}", seconds(wait))).unwrap_or_default()
}
