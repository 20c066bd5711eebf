//! The binary with a language model: consent, warnings, exit codes, what is shown and what is kept.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use sre_orch::llm::Provider;

use super::server::{Provider as Server, Script, Step, json, stream_head};
use super::voice::{KEY, Reason, error, reading, streamed, whole};

struct Output {
    code: i32,
    out: String,
    err: String,
}

impl Output {
    fn report(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|problem| panic!("{problem}: {}", self.err))
    }
}

fn bundle() -> String {
    format!("{}/tests/fixtures/checkout-missing-env/bundle.tar.gz", env!("CARGO_MANIFEST_DIR"))
}

/// Investigates the recorded incident; `home` holds the configuration.
fn investigate(home: &Path, server: Option<&Server>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sre-orch"));
    command.env_clear().env("HOME", home).env("XDG_CONFIG_HOME", home).env("OPENAI_API_KEY", KEY);
    if let Some(server) = server {
        command.env("OPENAI_BASE_URL", format!("{}/v1", server.url()));
    }
    let first = arguments.first().copied().unwrap_or_default();
    let command = command.args([first, "--bundle", &bundle()]).args(&arguments[1..]);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let output = Output {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    };
    assert!(!output.out.contains(KEY) && !output.err.contains(KEY), "{}", output.err);
    output
}

fn run(scripts: Vec<Script>, arguments: &[&str]) -> (Output, Server) {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(scripts);
    (investigate(home.path(), Some(&server), arguments), server)
}

fn good() -> Script {
    json(200, &whole(Provider::OpenAi, &reading("checkout"), Reason::Done))
}

const VAGUE: &str = "die Kasse spinnt";

#[test]
fn a_key_in_the_environment_is_no_consent() {
    let (output, server) = run(vec![good()], &["investigate", VAGUE, "-o", "json"]);
    assert_eq!((output.code, server.received().len()), (0, 0));
    assert_eq!(output.report()["stats"]["llm"], Value::Null);
}

#[test]
fn the_report_says_who_read_what() {
    let (output, server) = run(vec![good()], &["investigate", VAGUE, "--llm", "openai", "-o", "json"]);
    assert_eq!((output.code, output.err.as_str(), server.received().len()), (0, "", 1));
    let report = output.report();
    assert_eq!(report["intent"]["parser"], "llm");
    assert_eq!(report["intent"]["given_by"]["objects"], "llm");
    assert_eq!(report["stats"]["llm"]["calls"], 1);
    assert_eq!(report["stats"]["llm"]["tokens"], 42);
    let (output, _server) = run(vec![good()], &["investigate", VAGUE, "--llm", "auto", "-o", "wide"]);
    assert!(output.out.contains("llm: objects, symptoms"), "{}", output.out);
}

#[test]
fn a_failure_is_one_warning_and_the_same_status() {
    for script in [
        json(401, &error(Provider::OpenAi, KEY)),
        json(404, &error(Provider::OpenAi, "no such model")),
        json(200, &whole(Provider::OpenAi, "", Reason::Refusal)),
        json(200, "{"),
        vec![Step::Wait(std::time::Duration::from_secs(60))],
    ] {
        let arguments = ["investigate", VAGUE, "-o", "json", "--fail-on", "high"];
        let home = tempfile::tempdir().unwrap();
        let off = investigate(home.path(), None, &arguments);
        let with = [&arguments[..], &["--llm", "openai", "--llm-timeout", "1s"]].concat();
        let (on, _server) = run(vec![script], &with);
        assert_eq!(on.code, off.code, "{}", on.err);
        assert_eq!(on.err.matches("warning:").count(), 1, "{}", on.err);
        assert_eq!(on.err.lines().count(), 1, "{}", on.err);
        let (on, off) = (on.report(), off.report());
        assert_eq!(on["hypotheses"], off["hypotheses"]);
        assert_eq!(on["intent"], off["intent"]);
        assert!(on["stats"]["llm"]["problem"].is_string(), "{}", on["stats"]);
    }
}

#[test]
fn what_the_built_in_parser_grounds_is_not_sent() {
    let (output, server) =
        run(vec![good()], &["investigate", "checkout crashes", "--llm", "openai", "-o", "json"]);
    assert_eq!((output.code, server.received().len()), (0, 0));
    assert_eq!(output.report()["intent"]["parser"], "builtin");
    assert_eq!(output.report()["stats"]["llm"]["calls"], 0);
}

#[test]
fn showing_sends_nothing_and_shows_what_would_be_sent() {
    let show = ["investigate", VAGUE, "--llm", "openai", "--explain", "-o", "json"];
    let (shown, server) = run(vec![good()], &[&show[..], &["--llm-show"]].concat());
    assert_eq!((shown.code, server.received().len()), (0, 0));
    assert_eq!(shown.report()["narrative"], Value::Null);
    let (_, server) = run(vec![good()], &show);
    let bodies: Vec<Value> = shown
        .err
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(bodies.len(), 2, "{}", shown.err);
    assert_eq!(bodies[0], server.received()[0].body);
    assert!(shown.err.contains("authorization: Bearer [redacted]"), "{}", shown.err);
}

#[test]
fn an_explanation_is_in_the_report_and_falls_back() {
    let told = "Deployment checkout ends because a variable is missing [e1]. Unproven words. The mailer is broken [e1].";
    let tell = vec![Step::Send(stream_head()), Step::Send(streamed(Provider::OpenAi, told, Reason::Done))];
    let explain = ["investigate", "checkout crashes", "--llm", "openai", "--explain"];
    let (output, server) = run(vec![tell.clone()], &[&explain[..], &["-o", "json"]].concat());
    assert_eq!((output.code, output.err.as_str()), (0, ""));
    assert_eq!(output.report()["narrative"], "Deployment checkout ends because a variable is missing [e1].");
    assert!(server.received()[0].body["stream"].as_bool().unwrap());
    let (output, _server) = run(vec![tell], &[&explain[..], &["-o", "markdown"]].concat());
    assert!(
        output.out.contains("In words") && output.out.contains("a variable is missing"),
        "{}",
        output.out
    );
    // The built-in narrator where the model is not there: the report is as good, and says so once.
    let (output, _server) = run(vec![json(401, "{}")], &[&explain[..], &["-o", "json"]].concat());
    assert_eq!((output.code, output.err.matches("warning:").count()), (0, 1), "{}", output.err);
    assert!(output.report()["narrative"].as_str().unwrap().contains("PAYMENT_API_KEY"));
}

#[test]
fn pseudonyms_leave_and_names_come_back() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("sre-orch")).unwrap();
    std::fs::write(
        home.path().join("sre-orch/config.yaml"),
        "llm: openai\nllm-pseudonyms: true\nexplain: true\n",
    )
    .unwrap();
    let told = "Deployment object-1 ends because a variable is missing [e1].";
    let tell = vec![Step::Send(stream_head()), Step::Send(streamed(Provider::OpenAi, told, Reason::Done))];
    let server = Server::start(vec![tell]);
    let output = investigate(home.path(), Some(&server), &["investigate", "checkout crashes", "-o", "json"]);
    let sent = server.received()[0].body.to_string();
    for name in ["checkout", "shop-apac"] {
        let around = sent.find(name).map(|at| &sent[at.saturating_sub(200)..(at + 100).min(sent.len())]);
        assert_eq!(around, None);
    }
    assert_eq!(output.report()["narrative"], "Deployment checkout ends because a variable is missing [e1].");
}

#[test]
fn keys_come_from_files_and_settings_from_the_configuration() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(vec![good()]);
    std::fs::create_dir(home.path().join("sre-orch")).unwrap();
    std::fs::write(home.path().join("key"), "from-a-file\n").unwrap();
    let config = format!(
        "llm: anthropic\nmodel: my-model\nllm-url: {}\nllm-key-file: {}\n",
        server.url(),
        home.path().join("key").display()
    );
    std::fs::write(home.path().join("sre-orch/config.yaml"), config).unwrap();
    investigate(home.path(), None, &["investigate", VAGUE]);
    let received = server.received();
    assert!(received[0].head.contains("x-api-key: from-a-file"), "{}", received[0].head);
    assert_eq!(received[0].body["model"], "my-model");
}

#[test]
fn a_proxy_is_honoured() {
    let home = tempfile::tempdir().unwrap();
    let proxy = Server::start(vec![good()]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sre-orch"));
    command
        .env_clear()
        .env("HOME", home.path())
        .env("HTTP_PROXY", proxy.url())
        .env("http_proxy", proxy.url());
    command.env("OPENAI_BASE_URL", "http://llm.example:4000/v1");
    command.args(["investigate", "--bundle", &bundle(), "--llm", "openai", VAGUE]).assert().success();
    let head = proxy.received()[0].head.clone();
    assert!(head.starts_with("post http://llm.example:4000/v1/chat/completions "), "{head}");
}

#[test]
fn wrong_settings_are_two() {
    let home = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        (&["--llm", "gpt"][..], "no LLM provider"),
        (&["--llm", "anthropic"], "ANTHROPIC_API_KEY"),
        (&["--llm", "ollama"], "ollama list"),
        (&["--llm", "openai", "--llm-url", "llm"], "no address"),
        (&["--llm", "openai", "--llm-key-file", "no/such"], "no/such"),
        (&["--llm", "openai", "--llm-ca-file", "no/such"], "no/such"),
        (&["--llm-show"], "none is enabled"),
    ] {
        let output = investigate(home.path(), None, &[&["investigate", "x"], arguments].concat());
        assert_eq!(output.code, 2, "{arguments:?}: {}", output.err);
        assert!(output.err.contains(says), "{arguments:?}: {}", output.err);
    }
}

#[test]
fn auto_without_a_provider_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sre-orch"));
    command.env_clear().env("HOME", home.path());
    let output =
        command.args(["investigate", "--bundle", &bundle(), "--llm", "auto", VAGUE]).output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("finds no provider"));
}

#[test]
fn the_doctor_asks_once() {
    let ok = json(200, &whole(Provider::OpenAi, "ok", Reason::Done));
    let (output, server) = run(vec![ok], &["doctor", "--llm", "openai"]);
    assert_eq!((output.code, server.received().len()), (0, 1), "{}", output.out);
    assert!(output.out.contains("LLM: openai gpt-5-mini at http://127.0.0.1"), "{}", output.out);
    let (output, _server) =
        run(vec![json(404, &error(Provider::OpenAi, "no model"))], &["doctor", "--llm", "openai"]);
    assert_eq!(output.code, 1);
    assert!(output.out.contains("problem  LLM") && output.out.contains("no model"), "{}", output.out);
}
