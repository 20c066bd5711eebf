//! The two formats that providers speak: what a question looks like and how an answer is read.
//!
//! Pure: no I/O. Everything in an answer is optional until it is needed, because gateways differ.

mod anthropic;
mod openai;

use serde_json::{Value, json};

use super::error::LlmError;
use super::settings::{Provider, Settings};
use super::sse::Event;

/// Bytes of text that make a token, at the least: code and identifiers are dense.
const BYTES_PER_TOKEN: usize = 3;

/// A question.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// What the model is to do.
    pub system: String,
    /// The data, delimited.
    pub user: String,
    /// The form of the answer; none: text.
    pub shape: Option<Shape>,
    /// Most tokens of an answer.
    pub max_tokens: u32,
}

/// The form of an answer.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its JSON Schema.
    pub schema: Value,
}

impl Ask {
    /// Tokens that the question takes, rather too many than too few.
    pub(super) fn estimated_tokens(&self) -> usize {
        let schema = self.shape.as_ref().map_or(0, |shape| shape.schema.to_string().len());
        (self.system.len() + self.user.len() + schema) / BYTES_PER_TOKEN
    }
}

/// Whether the form is asked for by the provider's own means or in words alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Structure {
    Asked,
    Described,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its text; an error where the model gave none.
    pub text: Result<String, LlmError>,
    /// Tokens of question and answer.
    pub tokens: u64,
}

/// A piece of an answer's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Delta(pub String);

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// Chat completions.
    OpenAi,
    /// Messages.
    Anthropic,
}

impl Wire {
    /// The format that a provider speaks.
    pub(super) fn of(provider: Provider) -> Self {
        match provider {
            Provider::Anthropic => Self::Anthropic,
            _ => Self::OpenAi,
        }
    }

    /// The body of a question.
    pub(super) fn body(self, settings: &Settings, ask: &Ask, stream: bool, structure: Structure) -> Value {
        match self {
            Self::OpenAi => openai::body(settings, ask, stream, structure),
            Self::Anthropic => anthropic::body(settings, ask, stream, structure),
        }
    }

    /// Reads a whole answer.
    pub(super) fn answer(self, body: &[u8]) -> Result<Answer, LlmError> {
        match self {
            Self::OpenAi => openai::answer(body),
            Self::Anthropic => anthropic::answer(body),
        }
    }

    /// Reads an answer that comes in pieces.
    pub(super) fn reader(self) -> Reader {
        Reader { wire: self, ..Reader::default() }
    }
}

/// What of a streamed answer was read so far.
#[derive(Debug)]
pub(super) struct Reader {
    wire: Wire,
    /// How it ended; none: it has not.
    end: Option<End>,
    done: bool,
    sent: u64,
    received: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self { wire: Wire::OpenAi, end: None, done: false, sent: 0, received: 0 }
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete,
    Length,
    Refused,
}

impl End {
    fn check(end: Option<Self>) -> Result<(), LlmError> {
        match end {
            Some(Self::Complete) => Ok(()),
            Some(Self::Refused) => Err(LlmError::Refused),
            Some(Self::Length) | None => Err(LlmError::Truncated),
        }
    }
}

impl Reader {
    /// Takes an event, gives the text it brings.
    pub(super) fn event(&mut self, event: &Event) -> Result<Option<Delta>, LlmError> {
        match self.wire {
            Wire::OpenAi => openai::event(self, event),
            Wire::Anthropic => anthropic::event(self, event),
        }
    }

    /// Whether nothing more comes.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Tokens of question and answer, as far as they were told.
    pub(super) fn tokens(&self) -> u64 {
        self.sent.saturating_add(self.received)
    }

    /// Whether the answer is whole.
    pub(super) fn finish(self) -> Result<(), LlmError> {
        End::check(self.end)
    }
}

/// An error that comes inside a stream.
fn stream_error(error: &Value) -> LlmError {
    let message = error.get("message").and_then(Value::as_str).unwrap_or("an error inside the answer");
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = code.unwrap_or(match error.get("type").and_then(Value::as_str) {
        Some("overloaded_error") => 529,
        Some("rate_limit_error") => 429,
        _ => 500,
    });
    LlmError::Status { status, message: message.to_owned() }
}

fn malformed(what: &str, error: &serde_json::Error) -> LlmError {
    // Where it went wrong, not the text around it.
    LlmError::Shape(format!("{what} (line {}, column {})", error.line(), error.column()))
}

/// A message of a conversation.
fn message(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}
