//! A real gateway: LiteLLM's proxy with answers that it makes up itself, without any network.
//! Skipped where it is not installed; `.ci/run` installs it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sre_orch::intent::{IntentParser, Names, Question};
use sre_orch::llm::{Llm, Options, Provider, Settings};
use sre_orch::report::narrate::{Material, Narrator};

use super::voice::reading;
use crate::samples;

const KEY: &str = "sk-test-0123456789abcdef0123456789abcdef";
/// Its first start compiles a great deal of Python.
const START: Duration = Duration::from_secs(120);

/// Where CI installs the Python tools of these tests.
pub(crate) fn tools() -> Option<PathBuf> {
    std::env::var_os("SRE_ORCH_TEST_TOOLS").map(|tools| PathBuf::from(tools).join("bin"))
}

/// A running proxy; stops when it is dropped.
struct Proxy {
    child: Child,
    port: u16,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Proxy {
    async fn start(directory: &Path) -> Option<Self> {
        let name = "litellm";
        let program = tools().map(|tools| tools.join(name)).filter(|path| path.exists());
        let program = program.unwrap_or_else(|| PathBuf::from(name));
        let config = directory.join("config.yaml");
        let told = "Deployment checkout is the one to look at [e1].";
        let model = |name: &str, answer: &str| {
            let parameters =
                serde_json::json!({"model": "openai/test", "api_key": "none", "mock_response": answer});
            serde_json::json!({"model_name": name, "litellm_params": parameters})
        };
        let models = [
            model("reads", &reading("checkout")),
            model("tells", told),
            model("fails", "litellm.RateLimitError"),
        ];
        let text = serde_json::json!({"model_list": models, "general_settings": {"master_key": KEY}});
        std::fs::write(&config, text.to_string()).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--config"])
            .arg(&config)
            .current_dir(directory)
            // Prices would be fetched from the network.
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut proxy = Self { child, port };
        let started = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(proxy.child.try_wait().unwrap().is_none(), "the proxy ended");
            assert!(started.elapsed() < START, "the proxy does not start");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Some(proxy)
    }

    fn llm(&self, provider: Provider, model: &str) -> Llm {
        let path = if provider == Provider::Anthropic { "" } else { "/v1" };
        let options = Options {
            choice: provider.as_str().parse().unwrap(),
            model: Some(model.to_owned()),
            base_url: Some(format!("http://127.0.0.1:{}{path}", self.port)),
            timeout: Some(Duration::from_secs(30)),
            ..Options::default()
        };
        let env = |name: &str| name.ends_with("_API_KEY").then(|| KEY.to_owned());
        Llm::new(Settings::resolve(&options, &env).unwrap().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_gateway_answers_in_both_formats() {
    let directory = tempfile::tempdir().unwrap();
    let Some(proxy) = Proxy::start(directory.path()).await else {
        eprintln!("skipped: the gateway `litellm` is not installed");
        return;
    };
    let (report, names) = (samples::root_cause(), Names::default());
    for provider in [Provider::OpenAi, Provider::Anthropic] {
        let question = Question { description: "die Kasse ist langsam", names: &names };
        let llm = proxy.llm(provider, "reads");
        let parsed = llm.parse(question).await.unwrap().unwrap();
        assert_eq!(parsed.names[0].text, "checkout", "{provider}");
        assert!(IntentParser::usage(&llm).unwrap().tokens > 0, "{provider}");
        let mut told = Vec::new();
        let material = Material { report: &report, names: &names };
        let mut keep = |sentence: &str| told.push(sentence.to_owned());
        proxy.llm(provider, "tells").narrate(material, &mut keep).await.unwrap();
        assert_eq!(told, ["Deployment checkout is the one to look at [e1]."], "{provider}");
        let took = proxy.llm(provider, "reads").check().await;
        assert!(took.is_ok(), "{provider}: {took:?}");
        let problem = proxy.llm(provider, "no-such-model").parse(question).await.unwrap_err();
        assert!(problem.contains("could not help"), "{provider}: {problem}");
    }
}
