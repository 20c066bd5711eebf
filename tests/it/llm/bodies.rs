//! Bodies that are sent, against the types that the providers publish for Python; skipped where
//! these are not installed.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sre_orch::intent::{IntentParser, Names, Question};
use sre_orch::llm::{Llm, Provider};
use sre_orch::report::narrate::{Material, Narrator};

use super::server::{Provider as Server, json};
use super::voice::settings;
use crate::samples;

const CHECK: &str = r#"
import json, sys, typing
from pydantic import TypeAdapter
kind, body = sys.argv[1], json.load(sys.stdin)
streams = body.get("stream", False)
if kind == "anthropic":
    from anthropic.types import message_create_params as params
    form = params.MessageCreateParamsStreaming if streams else params.MessageCreateParamsNonStreaming
else:
    from openai.types.chat import completion_create_params as params
    form = params.CompletionCreateParamsStreaming if streams else params.CompletionCreateParamsNonStreaming
unknown = set(body) - set(typing.get_type_hints(form))
assert not unknown, f"unknown fields: {unknown}"
TypeAdapter(form).validate_python(body)
"#;

/// A Python with both packages: the one that CI makes, or whatever is on the path.
fn python() -> Option<PathBuf> {
    let own = super::gateway::tools().map(|tools| tools.join("python"));
    [own, Some(PathBuf::from("python3"))].into_iter().flatten().find(|python| {
        let check = Command::new(python).args(["-c", "import openai, anthropic, pydantic"]).output();
        check.is_ok_and(|output| output.status.success())
    })
}

#[tokio::test]
async fn bodies_are_what_the_providers_publish() {
    let Some(python) = python() else {
        eprintln!("skipped: the Python packages openai and anthropic are not installed");
        return;
    };
    let (report, names) = (samples::root_cause(), Names::default());
    for provider in Provider::ALL {
        // The answers do not matter here.
        let server = Server::start(vec![json(401, "{}")]);
        let llm = Llm::new(settings(provider, &server.url(), Duration::from_secs(10))).unwrap();
        let _ = llm.parse(Question { description: "web is slow", names: &names }).await;
        let _ = llm.narrate(Material { report: &report, names: &names }, &mut |_| {}).await;
        let _ = llm.check().await;
        let received = server.received();
        assert_eq!(received.len(), 3);
        for one in received {
            let kind = if provider == Provider::Anthropic { "anthropic" } else { "openai" };
            let mut check = assert_cmd::Command::new(&python);
            check.args(["-c", CHECK, kind]).write_stdin(one.body.to_string()).assert().success();
        }
    }
}
