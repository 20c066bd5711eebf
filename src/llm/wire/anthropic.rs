//! Messages: Anthropic, and gateways that speak it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Ask, Delta, End, Reader, Structure, malformed, message, stream_error};
use crate::llm::error::LlmError;
use crate::llm::settings::Settings;
use crate::llm::sse::Event;

/// The body of a question; a form is asked for as the input of a tool that must be used.
pub(super) fn body(settings: &Settings, ask: &Ask, stream: bool, structure: Structure) -> Value {
    let mut body = json!({
        "model": settings.model,
        "max_tokens": ask.max_tokens,
        "system": ask.system,
        "messages": [message("user", &ask.user)],
    });
    let Some(fields) = body.as_object_mut() else { return body };
    if let Some(shape) = ask.shape.as_ref().filter(|_| structure == Structure::Asked) {
        let tool = json!({"name": shape.name, "description": shape.about, "input_schema": shape.schema});
        fields.insert("tools".to_owned(), json!([tool]));
        fields.insert("tool_choice".to_owned(), json!({"type": "tool", "name": shape.name}));
    }
    if stream {
        fields.insert("stream".to_owned(), true.into());
    }
    body
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Vec<Block>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    input: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
}

fn end(reason: &str) -> End {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => End::Length,
        "refusal" => End::Refused,
        // "end_turn", "tool_use", "stop_sequence".
        _ => End::Complete,
    }
}

/// Reads a whole answer: the tool's input, else the text.
pub(super) fn answer(body: &[u8]) -> Result<Answer, LlmError> {
    let answer: Message = serde_json::from_slice(body).map_err(|error| malformed("no message", &error))?;
    if let Some(error) = answer.error.filter(|error| !error.is_null()) {
        return Err(stream_error(&error));
    }
    let usage = answer.usage.unwrap_or_default();
    let tokens = usage.input_tokens.unwrap_or(0).saturating_add(usage.output_tokens.unwrap_or(0));
    let input = answer
        .content
        .iter()
        .find_map(|block| block.input.as_ref().filter(|_| block.r#type == "tool_use"))
        .map(Value::to_string);
    let text = || {
        let text: String = answer.content.iter().filter_map(|block| block.text.as_deref()).collect();
        Some(text).filter(|text| !text.trim().is_empty())
    };
    let ended = answer.stop_reason.as_deref().map_or(End::Complete, end);
    let text = End::check(Some(ended)).and_then(|()| {
        input.or_else(text).ok_or_else(|| LlmError::Shape("it holds neither text nor input".to_owned()))
    });
    Ok(Answer { text, tokens })
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    message: Option<Started>,
    #[serde(default)]
    delta: Option<Change>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Reads a piece of an answer.
pub(super) fn event(reader: &mut Reader, event: &Event) -> Result<Option<Delta>, LlmError> {
    if event.data.trim().is_empty() || event.data.trim() == "[DONE]" {
        return Ok(None);
    }
    let piece: Piece =
        serde_json::from_str(&event.data).map_err(|error| malformed("no piece of a message", &error))?;
    if let Some(error) = piece.error.filter(|error| !error.is_null()) {
        return Err(stream_error(&error));
    }
    let started = piece.message.and_then(|message| message.usage);
    for usage in [started, piece.usage].into_iter().flatten() {
        reader.sent = usage.input_tokens.unwrap_or(reader.sent);
        reader.received = usage.output_tokens.unwrap_or(reader.received);
    }
    if piece.r#type == "message_stop" {
        reader.done = true;
    }
    let Some(change) = piece.delta else { return Ok(None) };
    if let Some(reason) = change.stop_reason.as_deref() {
        reader.end = Some(end(reason));
    }
    Ok(change.text.filter(|text| !text.is_empty()).map(Delta))
}
