//! What providers say: the bodies of their answers, and settings that lead to a test's server.

use std::time::Duration;

use serde_json::{Value, json};
use sre_orch::llm::{Llm, Options, Provider, Settings};

/// The key that no output may show.
pub(crate) const KEY: &str = "hush-0123456789abcdef";

/// Settings of a provider at an address, with little patience.
pub(crate) fn settings(provider: Provider, url: &str, timeout: Duration) -> Settings {
    let env = |name: &str| {
        let value = match name {
            "OPENAI_BASE_URL" | "GEMINI_BASE_URL" => format!("{url}/v1"),
            "AZURE_OPENAI_ENDPOINT" | "ANTHROPIC_BASE_URL" | "OLLAMA_HOST" => url.to_owned(),
            name if name.ends_with("_API_KEY") => KEY.to_owned(),
            _ => return None,
        };
        Some(value)
    };
    let options = Options {
        choice: provider.as_str().parse().unwrap(),
        model: Some("test-model".to_owned()),
        timeout: Some(timeout),
        ..Options::default()
    };
    Settings::resolve(&options, &env).unwrap().unwrap()
}

/// A model at an address.
pub(crate) fn llm(provider: Provider, url: &str, timeout: Duration) -> Llm {
    Llm::new(settings(provider, url, timeout)).unwrap()
}

/// The answer of a model that reads one name.
pub(crate) fn reading(name: &str) -> String {
    json!({"names": [{"text": name, "kind": ""}], "namespaces": [], "symptoms": ["slow"], "time": ""})
        .to_string()
}

/// A whole answer with this text, as a provider gives it.
pub(crate) fn whole(provider: Provider, text: &str, reason: Reason) -> String {
    match provider {
        Provider::Anthropic => {
            let content = match serde_json::from_str::<Value>(text) {
                Ok(input @ Value::Object(_)) => {
                    json!({"type": "tool_use", "id": "toolu_1", "name": "incident_description", "input": input})
                }
                _ => json!({"type": "text", "text": text}),
            };
            let content = if reason == Reason::Refusal { json!([]) } else { json!([content]) };
            json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "test-model",
                "content": content, "stop_reason": reason.anthropic(), "stop_sequence": null,
                "usage": {"input_tokens": 30, "output_tokens": 12}})
        }
        _ => {
            let refusal = (reason == Reason::Refusal).then_some("I cannot help with that");
            let content = (reason != Reason::Refusal).then_some(text);
            json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "test-model",
                "choices": [{"index": 0, "logprobs": null, "finish_reason": reason.openai(),
                    "message": {"role": "assistant", "content": content, "refusal": refusal, "annotations": []}}],
                "usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42}})
        }
    }
    .to_string()
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Done,
    Length,
    Refusal,
}

impl Reason {
    fn openai(self) -> &'static str {
        match self {
            Self::Done | Self::Refusal => "stop",
            Self::Length => "length",
        }
    }

    fn anthropic(self) -> &'static str {
        match self {
            Self::Done => "tool_use",
            Self::Length => "max_tokens",
            Self::Refusal => "refusal",
        }
    }
}

/// A streamed answer, in pieces of a few characters, as a provider sends it.
pub(crate) fn streamed(provider: Provider, text: &str, reason: Reason) -> Vec<u8> {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(23).map(|piece| piece.iter().collect::<String>());
    let mut events = String::new();
    if provider == Provider::Anthropic {
        let mut push = |name: &str, data: Value| events.push_str(&format!("event: {name}\ndata: {data}\n\n"));
        push(
            "message_start",
            json!({"type": "message_start", "message": {"id": "m", "type": "message",
            "role": "assistant", "content": [], "usage": {"input_tokens": 30, "output_tokens": 1}}}),
        );
        push(
            "content_block_start",
            json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "text", "text": ""}}),
        );
        push("ping", json!({"type": "ping"}));
        for piece in pieces {
            push(
                "content_block_delta",
                json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": piece}}),
            );
        }
        push("content_block_stop", json!({"type": "content_block_stop", "index": 0}));
        let stop = if reason == Reason::Done { "end_turn" } else { reason.anthropic() };
        push(
            "message_delta",
            json!({"type": "message_delta", "delta": {"stop_reason": stop,
            "stop_sequence": null}, "usage": {"output_tokens": 12}}),
        );
        push("message_stop", json!({"type": "message_stop"}));
    } else {
        let chunk = |delta: Value, finish: Value| {
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "test-model",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null})
        };
        let mut push = |data: String| events.push_str(&format!("data: {data}\n\n"));
        push(chunk(json!({"role": "assistant", "content": ""}), Value::Null).to_string());
        for piece in pieces {
            push(chunk(json!({"content": piece}), Value::Null).to_string());
        }
        if reason == Reason::Refusal {
            push(chunk(json!({"refusal": "I cannot"}), Value::Null).to_string());
        }
        push(chunk(json!({}), json!(reason.openai())).to_string());
        push(
            json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 12}})
                .to_string(),
        );
        push("[DONE]".to_owned());
    }
    events.into_bytes()
}

/// An error's body, as a provider words it.
pub(crate) fn error(provider: Provider, message: &str) -> String {
    match provider {
        Provider::Anthropic => json!({"type": "error", "error": {"type": "invalid", "message": message}}),
        Provider::Gemini => json!([{"error": {"code": 400, "message": message, "status": "X"}}]),
        Provider::Azure => json!({"error": {"code": "X", "message": message}}),
        _ => json!({"error": {"message": message, "type": "x", "param": null, "code": null}}),
    }
    .to_string()
}
