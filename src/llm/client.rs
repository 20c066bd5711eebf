//! Calls a provider over HTTP: within a budget, with retries inside it, and with bounds on what
//! goes out and what comes in. Keys and bodies never reach a log or an error.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::error::LlmError;
use super::settings::{Auth, Settings};
use super::sse::Decoder;
use super::wire::{Ask, Delta, Structure, Wire};
use crate::report::model::LlmStats;

/// Bytes of an answer that are read; a sentence has hundreds.
const MOST_BYTES: usize = 2 << 20;
/// Bytes of an error that are read.
const MOST_ERROR_BYTES: usize = 64 << 10;
/// Characters of an error that are shown.
const MOST_ERROR_CHARACTERS: usize = 200;
/// Calls of one question, retries included.
const MOST_ATTEMPTS: u32 = 3;
/// The first wait before a retry; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_millis(300);
/// Between two pieces of an answer so many times the time for reading a description may pass.
const STALL_BUDGETS: u32 = 2;
/// Estimated tokens of a question.
const MOST_TOKENS: usize = 24_000;

/// A provider, ready to be asked.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    settings: Settings,
    wire: Wire,
    usage: Mutex<LlmStats>,
}

impl Client {
    /// A client by these settings.
    ///
    /// # Errors
    /// Where certificates cannot be used, or the system has none.
    pub fn new(settings: Settings) -> Result<Self, LlmError> {
        // reqwest panics without one; an error only says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |what: &str| {
            let what = what.to_owned();
            move |error: reqwest::Error| LlmError::Settings(format!("{what}: {}", causes(&error)))
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sre-orch/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry the key and the incident to another host.
            .redirect(reqwest::redirect::Policy::none())
            // A handful of calls, maybe on different runtimes: nothing to keep connections for.
            .pool_max_idle_per_host(0)
            // Retries are counted here, inside the budget.
            .retry(reqwest::retry::never())
            .default_headers(headers(&settings)?);
        if let Some(pem) = &settings.ca {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(failed("the certificates of the LLM cannot be read"))?;
            if certificates.is_empty() {
                return Err(LlmError::Settings("the file of certificates for the LLM holds none".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(failed("no HTTP client for the LLM can be made"))?;
        let usage = LlmStats {
            provider: settings.provider.to_string(),
            model: settings.model.clone(),
            ..LlmStats::default()
        };
        Ok(Self { http, wire: Wire::of(settings.provider), settings, usage: Mutex::new(usage) })
    }

    /// The settings it was made by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What all calls together cost so far.
    pub fn usage(&self) -> LlmStats {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, change: impl FnOnce(&mut LlmStats)) {
        change(&mut self.usage.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The body of a question, as it is sent.
    pub(super) fn body(&self, ask: &Ask, stream: bool) -> Value {
        self.wire.body(&self.settings, ask, stream, Structure::Asked)
    }

    /// Asks and waits for the whole answer.
    ///
    /// # Errors
    /// Whatever kept it from answering within the budget.
    pub(super) async fn ask(&self, ask: &Ask, budget: Duration) -> Result<String, LlmError> {
        self.within(budget, self.attempts(ask, budget, None)).await
    }

    /// Asks and passes on text as it comes.
    ///
    /// # Errors
    /// As [`Client::ask`]; text passed on before stays passed on.
    pub(super) async fn stream(
        &self,
        ask: &Ask,
        budget: Duration,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), LlmError> {
        self.within(budget, self.attempts(ask, budget, Some(on_text))).await.map(drop)
    }

    async fn within(
        &self,
        budget: Duration,
        work: impl Future<Output = Result<String, LlmError>>,
    ) -> Result<String, LlmError> {
        let started = Instant::now();
        let result = timeout(budget, work).await.unwrap_or(Err(LlmError::Timeout(budget)));
        let spent = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.count(|usage| usage.ms = usage.ms.saturating_add(spent));
        result.inspect_err(|error| self.note(error))
    }

    /// Notes what kept an answer from being of use.
    pub(super) fn note(&self, error: &LlmError) {
        self.count(|usage| usage.problem = Some(error.to_string()));
    }

    async fn attempts(
        &self,
        ask: &Ask,
        budget: Duration,
        mut on_text: Option<&mut (dyn FnMut(&str) + Send)>,
    ) -> Result<String, LlmError> {
        let tokens = ask.estimated_tokens();
        if tokens > MOST_TOKENS {
            return Err(LlmError::TooLong { tokens, most: MOST_TOKENS });
        }
        let deadline = Instant::now() + budget;
        let mut structure = Structure::Asked;
        let mut attempt = 1;
        loop {
            let mut said = false;
            let result = match &mut on_text {
                None => self.once(ask, structure).await,
                Some(on_text) => {
                    let mut pass = |text: &str| {
                        said = true;
                        on_text(text);
                    };
                    self.once_streaming(ask, &mut pass).await
                }
            };
            let Err(error) = result else { return result };
            tracing::debug!(attempt, %error, "the LLM did not answer");
            // Old servers and gateways know no JSON schema: the question says the form as well.
            if structure == Structure::Asked && ask.shape.is_some() && is_about_structure(&error) {
                structure = Structure::Described;
                continue;
            }
            let wait = wait_before(attempt, &error);
            let in_time = Instant::now() + wait < deadline;
            if said || !error.is_transient() || attempt >= MOST_ATTEMPTS || !in_time {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn once(&self, ask: &Ask, structure: Structure) -> Result<String, LlmError> {
        let body = self.wire.body(&self.settings, ask, false, structure);
        let mut response = self.send(&body).await?;
        self.whole(&mut response).await
    }

    async fn whole(&self, response: &mut reqwest::Response) -> Result<String, LlmError> {
        let bytes = self.collect(response, MOST_BYTES).await?;
        let answer = self.wire.answer(&bytes).map_err(|error| self.scrubbed(error))?;
        self.count(|usage| usage.tokens = usage.tokens.saturating_add(answer.tokens));
        answer.text
    }

    async fn once_streaming(
        &self,
        ask: &Ask,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<String, LlmError> {
        let body = self.wire.body(&self.settings, ask, true, Structure::Asked);
        let mut response = self.send(&body).await?;
        let content_type = response.headers().get(reqwest::header::CONTENT_TYPE);
        if content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
            // A gateway that does not stream answers as a whole.
            let text = self.whole(&mut response).await?;
            on_text(&text);
            return Ok(text);
        }
        let mut reader = self.wire.reader();
        let mut decoder = Decoder::default();
        let mut received = 0;
        let too_large = |_| LlmError::TooLarge(MOST_BYTES);
        while let Some(bytes) = self.chunk(&mut response).await? {
            received += bytes.len();
            if received > MOST_BYTES {
                return Err(LlmError::TooLarge(MOST_BYTES));
            }
            for event in decoder.push(&bytes).map_err(too_large)? {
                if let Some(Delta(text)) = reader.event(&event).map_err(|error| self.scrubbed(error))? {
                    on_text(&text);
                }
            }
            if reader.is_done() {
                break;
            }
        }
        // What the end cuts in two is lost, and that it was cut is what the reader says.
        if let Some(event) = decoder.finish()
            && let Ok(Some(Delta(text))) = reader.event(&event)
        {
            on_text(&text);
        }
        self.count(|usage| usage.tokens = usage.tokens.saturating_add(reader.tokens()));
        reader.finish().map(|()| String::new())
    }

    /// Sends a body; a response that is no success becomes an error.
    async fn send(&self, body: &Value) -> Result<reqwest::Response, LlmError> {
        self.count(|usage| usage.calls += 1);
        let sent = self.http.post(self.settings.url.clone()).json(body).send();
        // A model may think for long before the first byte: only the budget bounds that.
        let mut response = sent.await.map_err(|error| self.connection(&error))?;
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(response);
        }
        let retry_after = retry_after(response.headers());
        // What the provider says helps, but the status says enough where nothing comes.
        let body = self.collect(&mut response, MOST_ERROR_BYTES).await.unwrap_or_default();
        let message = self.clean(&error_message(&body));
        Err(match status {
            401 | 403 => LlmError::Unauthorized { status, message },
            404 => LlmError::NotFound(message),
            429 => LlmError::RateLimited { retry_after },
            _ => LlmError::Status { status, message },
        })
    }

    async fn collect(&self, response: &mut reqwest::Response, most: usize) -> Result<Vec<u8>, LlmError> {
        let mut body = Vec::new();
        while let Some(bytes) = self.chunk(response).await? {
            if body.len() + bytes.len() > most {
                return Err(LlmError::TooLarge(most));
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    async fn chunk(&self, response: &mut reqwest::Response) -> Result<Option<Vec<u8>>, LlmError> {
        let stall = self.settings.timeout * STALL_BUDGETS;
        match timeout(stall, response.chunk()).await {
            Ok(chunk) => {
                let chunk = chunk.map_err(|error| self.connection(&error))?;
                Ok(chunk.map(|bytes| bytes.to_vec()))
            }
            Err(_) => Err(LlmError::Stalled(stall)),
        }
    }

    fn connection(&self, error: &reqwest::Error) -> LlmError {
        LlmError::Connection(self.clean(&causes(error)))
    }

    /// What a server said, short, without escapes, credentials and the key.
    fn clean(&self, text: &str) -> String {
        let key = match &self.settings.auth {
            Auth::None => "",
            Auth::Bearer(key) | Auth::Header(_, key) => key.expose_secret(),
        };
        let text = match key {
            "" => text.to_owned(),
            key => text.replace(key, crate::redact::MARKER),
        };
        let text = crate::redact::clean(&text).split_whitespace().collect::<Vec<_>>().join(" ");
        text.chars().take(MOST_ERROR_CHARACTERS).collect()
    }

    fn scrubbed(&self, error: LlmError) -> LlmError {
        match error {
            LlmError::Status { status, message } => {
                LlmError::Status { status, message: self.clean(&message) }
            }
            other => other,
        }
    }
}

fn headers(settings: &Settings) -> Result<HeaderMap, LlmError> {
    let wrong = |what: &str| LlmError::Settings(format!("{what} cannot stand in a header"));
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let value = HeaderValue::from_str(value).map_err(|_| wrong(name))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    let (name, value) = match &settings.auth {
        Auth::None => return Ok(headers),
        Auth::Bearer(key) => ("authorization", format!("Bearer {}", key.expose_secret())),
        Auth::Header(name, key) => (*name, key.expose_secret().to_owned()),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| wrong("the key"))?;
    value.set_sensitive(true);
    headers.insert(HeaderName::from_static(name), value);
    Ok(headers)
}

/// An error with its causes; the address is left out, it may hold credentials.
fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        // Layers repeat one another.
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        source = cause.source();
    }
    match texts.is_empty() {
        true if error.is_connect() => "it could not be made".to_owned(),
        true => "it broke".to_owned(),
        false => texts.join(": "),
    }
}

/// The words in an error's body, whatever its form.
fn error_message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return text.into_owned() };
    // Some gateways answer with a list of one.
    let value = value.get(0).unwrap_or(&value);
    let error = value.get("error").unwrap_or(value);
    [error.get("message"), value.get("message"), value.get("detail"), Some(error)]
        .into_iter()
        .flatten()
        .find_map(Value::as_str)
        .map_or_else(|| error.to_string(), str::to_owned)
}

/// Whether a server refuses the way in which the form was asked for.
fn is_about_structure(error: &LlmError) -> bool {
    let LlmError::Status { status: 400 | 422 | 501, message } = error else { return false };
    let message = message.to_lowercase();
    ["response_format", "json_schema", "schema", "structured", "tool"]
        .iter()
        .any(|word| message.contains(word))
}

/// Seconds or a date, as a wait from now.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Duration::try_from(date.duration_since(jiff::Timestamp::now())).ok()
}

/// What the server asks for, else a doubling wait; both with jitter, so that many do not return at once.
fn wait_before(attempt: u32, error: &LlmError) -> Duration {
    let wait = match error {
        LlmError::RateLimited { retry_after: Some(wait) } => *wait,
        _ => FIRST_WAIT * 2_u32.saturating_pow(attempt.saturating_sub(1)),
    };
    // Half of the first wait at most. The only random thing here, and no answer depends on it.
    let [.., random] = uuid::Uuid::now_v7().into_bytes();
    wait + FIRST_WAIT * u32::from(random) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_bodies_of_all_forms() {
        for (body, message) in [
            (r#"{"error":{"message":"no such model","type":"x"}}"#, "no such model"),
            (r#"{"type":"error","error":{"type":"x","message":"overloaded"}}"#, "overloaded"),
            (r#"{"error":"model not found"}"#, "model not found"),
            (r#"[{"error":{"code":400,"message":"bad key"}}]"#, "bad key"),
            (r#"{"detail":"nope"}"#, "nope"),
            ("<html>oops", "<html>oops"),
        ] {
            assert_eq!(error_message(body.as_bytes()), message);
        }
    }

    #[test]
    fn waits_grow_and_follow_the_server() {
        let transient = LlmError::Connection(String::new());
        assert!(wait_before(1, &transient) >= FIRST_WAIT);
        assert!(wait_before(3, &transient) >= FIRST_WAIT * 4);
        let told = LlmError::RateLimited { retry_after: Some(Duration::from_secs(3)) };
        let wait = wait_before(1, &told);
        assert!(wait >= Duration::from_secs(3) && wait < Duration::from_secs(4));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
            retry_after(&headers)
        };
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert!(of("Fri, 31 Dec 2100 23:59:59 GMT").is_some_and(|wait| wait > Duration::from_secs(3600)));
        assert_eq!(of("Fri, 31 Dec 1999 23:59:59 GMT"), None);
        assert_eq!(of("soon"), None);
    }
}
