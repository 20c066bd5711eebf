//! Each provider, reading a description: what it is sent, and everything that can go wrong.

use std::time::Duration;

use sre_orch::intent::{IntentParser, Names, ParsedIntent, Question};
use sre_orch::llm::Provider;
use sre_orch::report::model::LlmStats;

use super::server::{Provider as Server, Script, Step, json, response};
use super::voice::{KEY, Reason, error, llm, reading, whole};

/// How long a test waits for an answer that should come.
const PATIENT: Duration = Duration::from_secs(10);
/// How long for one that does not.
const HASTY: Duration = Duration::from_millis(500);

/// What came of one question.
struct Outcome {
    read: Result<Option<ParsedIntent>, String>,
    usage: LlmStats,
    calls: usize,
}

async fn ask(provider: Provider, scripts: Vec<Script>, timeout: Duration) -> Outcome {
    let server = Server::start(scripts);
    let llm = llm(provider, &server.url(), timeout);
    let names = Names::default();
    let question = Question { description: "die Kasse ist langsam", names: &names };
    let read = llm.parse(question).await;
    let usage = IntentParser::usage(&llm).unwrap();
    if let Err(problem) = &read {
        assert!(!problem.contains(KEY), "{problem}");
        assert!(!problem.contains('\n') && !problem.contains('\u{1b}') && problem.len() < 500, "{problem}");
    }
    Outcome { read, usage, calls: server.received().len() }
}

/// Asks and expects a warning that says this, after so many calls.
async fn fails(provider: Provider, scripts: Vec<Script>, timeout: Duration, says: &str, calls: usize) {
    let outcome = ask(provider, scripts, timeout).await;
    let problem = outcome.read.expect_err(says);
    assert!(problem.contains(says), "{provider}: {problem}");
    assert!(problem.ends_with("the built-in parser did"), "{provider}: {problem}");
    assert_eq!(outcome.calls, calls, "{provider}: {problem}");
    assert!(outcome.usage.problem.is_some(), "{provider}");
}

fn good(provider: Provider) -> Script {
    json(200, &whole(provider, &reading("checkout"), Reason::Done))
}

#[tokio::test]
async fn success_and_usage() {
    for provider in Provider::ALL {
        let outcome = ask(provider, vec![good(provider)], PATIENT).await;
        let parsed = outcome.read.unwrap().unwrap();
        assert_eq!(parsed.names[0].text, "checkout", "{provider}");
        assert_eq!(parsed.symptoms, [sre_orch::symptom::Symptom::Slow], "{provider}");
        let LlmStats { provider: name, model, calls, tokens, problem, .. } = outcome.usage;
        assert_eq!((name.as_str(), model.as_str(), calls, tokens), (provider.as_str(), "test-model", 1, 42));
        assert_eq!(problem, None);
    }
}

#[tokio::test]
async fn requests_go_where_each_provider_listens() {
    for (provider, line, key) in [
        (Provider::OpenAi, "post /v1/chat/completions http/1.1", "authorization: bearer "),
        (
            Provider::Azure,
            "post /openai/deployments/test-model/chat/completions?api-version=2024-10-21 http/1.1",
            "api-key: ",
        ),
        (Provider::Anthropic, "post /v1/messages http/1.1", "x-api-key: "),
        (Provider::Gemini, "post /v1/chat/completions http/1.1", "authorization: bearer "),
        (Provider::Ollama, "post /v1/chat/completions http/1.1", "authorization: bearer "),
    ] {
        let server = Server::start(vec![good(provider)]);
        let names = Names::default();
        let question = Question { description: "password=hunter2secret is slow", names: &names };
        llm(provider, &server.url(), PATIENT).parse(question).await.unwrap();
        let received = server.received();
        let head = &received[0].head;
        assert_eq!(head.lines().next(), Some(line), "{provider}");
        assert!(head.contains(&format!("{key}{KEY}")), "{provider}: {head}");
        assert!(!received[0].body.to_string().contains("hunter2"), "{provider}");
        assert!(!received[0].body.to_string().contains(KEY), "{provider}");
    }
}

#[tokio::test]
async fn no_answer_that_can_be_used() {
    for provider in Provider::ALL {
        let one = |text: &str, reason| vec![json(200, &whole(provider, text, reason))];
        fails(provider, one("", Reason::Refusal), PATIENT, "declined", 1).await;
        fails(provider, one(&reading("x")[..20], Reason::Length), PATIENT, "cut off", 1).await;
        fails(provider, one("The shop is slow.", Reason::Done), PATIENT, "JSON of another form", 1).await;
        fails(provider, one(r#"{"verdict":"no_fault"}"#, Reason::Done), PATIENT, "JSON of another form", 1)
            .await;
        for body in ["", "<html>", "[1]", "{}", r#"{"choices":7,"content":7}"#] {
            fails(provider, vec![json(200, body)], PATIENT, "not of the form", 1).await;
        }
        let large = vec![b' '; 10 << 20];
        let script = vec![Step::Send(response(200, "content-type: application/json\r\n", &large))];
        fails(provider, vec![script], PATIENT, "larger than", 1).await;
    }
}

#[tokio::test]
async fn statuses() {
    for provider in Provider::ALL {
        let with = |status, message: &str| vec![json(status, &error(provider, message))];
        // A server that repeats the key to whoever asks.
        let leak = format!("bad key {KEY} \u{1b}[31m");
        fails(provider, with(401, &leak), PATIENT, "does not accept the key (401)", 1).await;
        fails(provider, with(403, "no"), PATIENT, "does not accept the key (403): no", 1).await;
        fails(provider, with(404, "no model `test-model`"), PATIENT, "no model `test-model`", 1).await;
        fails(provider, with(400, "bad"), PATIENT, "answered 400: bad", 1).await;
        fails(provider, with(302, "moved"), PATIENT, "answered 302", 1).await;
        fails(provider, with(500, "oops"), PATIENT, "answered 500: oops", 3).await;
    }
}

#[tokio::test]
async fn transient_trouble_is_tried_again() {
    for provider in Provider::ALL {
        let busy = json(503, &error(provider, "busy"));
        let outcome = ask(provider, vec![busy, vec![Step::Reset], good(provider)], PATIENT).await;
        assert!(outcome.read.unwrap().is_some(), "{provider}");
        assert_eq!((outcome.calls, outcome.usage.calls), (3, 3), "{provider}");
    }
}

#[tokio::test]
async fn too_many_requests_wait_as_long_as_told_or_not_at_all() {
    for provider in Provider::ALL {
        let slow_down = |seconds: u32| {
            let headers = format!("content-type: application/json\r\nretry-after: {seconds}\r\n");
            vec![Step::Send(response(429, &headers, error(provider, "slow down").as_bytes()))]
        };
        let started = std::time::Instant::now();
        let outcome = ask(provider, vec![slow_down(1), good(provider)], PATIENT).await;
        assert!(outcome.read.unwrap().is_some() && outcome.calls == 2, "{provider}");
        assert!(started.elapsed() >= Duration::from_secs(1), "{provider}");
        // Longer than the budget: there is no use in waiting.
        let started = std::time::Instant::now();
        fails(provider, vec![slow_down(600)], PATIENT, "slow down (429) for 600 s", 1).await;
        assert!(started.elapsed() < Duration::from_secs(5), "{provider}");
    }
}

#[tokio::test]
async fn time_runs_out() {
    let wait = || Step::Wait(Duration::from_secs(60));
    for provider in Provider::ALL {
        fails(provider, vec![vec![wait()]], HASTY, "no answer within 500 ms", 1).await;
        let half = response(200, "", whole(provider, &reading("x"), Reason::Done).as_bytes());
        let half = half[..half.len() / 2].to_vec();
        fails(provider, vec![vec![Step::Send(half.clone()), wait()]], HASTY, "no answer within", 1).await;
        fails(provider, vec![vec![Step::Send(half.clone()), Step::Reset]], PATIENT, "connection failed", 3)
            .await;
        fails(provider, vec![vec![Step::Send(half)]], PATIENT, "connection failed", 3).await;
    }
}

#[tokio::test]
async fn nobody_listens() {
    // A port that was free a moment ago.
    let url = Server::start(Vec::new()).url();
    let names = Names::default();
    let question = Question { description: "slow", names: &names };
    let problem = llm(Provider::OpenAi, &url, PATIENT).parse(question).await.unwrap_err();
    assert!(problem.contains("connection failed"), "{problem}");
}

#[tokio::test]
async fn a_server_without_json_schema_is_asked_in_words() {
    let refuses = json(400, &error(Provider::OpenAi, "response_format json_schema is not supported"));
    let server = Server::start(vec![refuses, good(Provider::OpenAi)]);
    let names = Names::default();
    let question = Question { description: "slow", names: &names };
    let read = llm(Provider::OpenAi, &server.url(), PATIENT).parse(question).await;
    assert!(read.unwrap().is_some());
    let bodies: Vec<bool> =
        server.received().iter().map(|one| one.body.get("response_format").is_some()).collect();
    assert_eq!(bodies, [true, false]);
}

#[tokio::test]
async fn a_check_is_cheap_and_says_what_is_wrong() {
    for provider in Provider::ALL {
        let server = Server::start(vec![json(200, &whole(provider, "ok", Reason::Done))]);
        assert!(llm(provider, &server.url(), PATIENT).check().await.is_ok(), "{provider}");
        assert!(server.received()[0].body.to_string().len() < 300, "{provider}");
        // It is there, but thinks for longer than a few tokens.
        let server = Server::start(vec![json(200, &whole(provider, "", Reason::Length))]);
        assert!(llm(provider, &server.url(), PATIENT).check().await.is_ok(), "{provider}");
        let server = Server::start(vec![json(401, &error(provider, "bad key"))]);
        let problem = llm(provider, &server.url(), PATIENT).check().await.unwrap_err();
        assert!(problem.to_string().contains("bad key"), "{provider}: {problem}");
    }
}
