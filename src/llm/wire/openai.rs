//! Chat completions: OpenAI, Azure OpenAI, Gemini's compatible endpoint, Ollama, vLLM, gateways.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Ask, Delta, End, Reader, Structure, malformed, message, stream_error};
use crate::llm::error::LlmError;
use crate::llm::settings::{Provider, Settings};
use crate::llm::sse::Event;

/// The body of a question.
pub(super) fn body(settings: &Settings, ask: &Ask, stream: bool, structure: Structure) -> Value {
    let mut body = json!({
        "model": settings.model,
        "messages": [message("system", &ask.system), message("user", &ask.user)],
    });
    let Some(fields) = body.as_object_mut() else { return body };
    // Newer models know only the new name, most other servers only the old one.
    let newest = settings.is_official && matches!(settings.provider, Provider::OpenAi | Provider::Azure);
    let limit = if newest { "max_completion_tokens" } else { "max_tokens" };
    fields.insert(limit.to_owned(), ask.max_tokens.into());
    if let Some(shape) = ask.shape.as_ref().filter(|_| structure == Structure::Asked) {
        let format = json!({"type": "json_schema", "json_schema": {
            "name": shape.name, "description": shape.about, "strict": true, "schema": shape.schema,
        }});
        fields.insert("response_format".to_owned(), format);
    }
    if stream {
        fields.insert("stream".to_owned(), true.into());
        fields.insert("stream_options".to_owned(), json!({"include_usage": true}));
    }
    body
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "delta")]
    message: Option<Message>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
}

impl Message {
    fn is_refusal(&self) -> bool {
        self.refusal.as_deref().is_some_and(|refusal| !refusal.is_empty())
    }
}

fn end(reason: &str) -> End {
    match reason {
        "length" => End::Length,
        "content_filter" => End::Refused,
        // "stop", and what gateways make of it.
        _ => End::Complete,
    }
}

/// Reads a whole answer.
pub(super) fn answer(body: &[u8]) -> Result<Answer, LlmError> {
    let completion: Completion =
        serde_json::from_slice(body).map_err(|error| malformed("no chat completion", &error))?;
    let usage = completion.usage.unwrap_or_default();
    let tokens = usage.prompt_tokens.unwrap_or(0).saturating_add(usage.completion_tokens.unwrap_or(0));
    if let Some(error) = completion.error.filter(|error| !error.is_null()) {
        return Err(stream_error(&error));
    }
    let Some(choice) = completion.choices.into_iter().next() else {
        return Err(LlmError::Shape("it holds no choice".to_owned()));
    };
    let message = choice.message.unwrap_or_default();
    let ended = choice.finish_reason.as_deref().map_or(End::Complete, end);
    let text = if message.is_refusal() {
        Err(LlmError::Refused)
    } else {
        let content = message.content.filter(|content| !content.trim().is_empty());
        End::check(Some(ended))
            .and_then(|()| content.ok_or_else(|| LlmError::Shape("it holds no text".to_owned())))
    };
    Ok(Answer { text, tokens })
}

/// Reads a piece of an answer.
pub(super) fn event(reader: &mut Reader, event: &Event) -> Result<Option<Delta>, LlmError> {
    if event.data.trim() == "[DONE]" {
        reader.done = true;
        return Ok(None);
    }
    if event.data.trim().is_empty() {
        return Ok(None);
    }
    let chunk: Completion = serde_json::from_str(&event.data)
        .map_err(|error| malformed("no piece of a chat completion", &error))?;
    if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
        return Err(stream_error(&error));
    }
    if let Some(usage) = chunk.usage {
        reader.sent = usage.prompt_tokens.unwrap_or(reader.sent);
        reader.received = usage.completion_tokens.unwrap_or(reader.received);
    }
    let Some(choice) = chunk.choices.into_iter().next() else { return Ok(None) };
    if let Some(reason) = choice.finish_reason.as_deref() {
        reader.end = Some(end(reason));
    }
    let message = choice.message.unwrap_or_default();
    if message.is_refusal() {
        return Err(LlmError::Refused);
    }
    Ok(message.content.filter(|content| !content.is_empty()).map(Delta))
}
