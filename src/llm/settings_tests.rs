//! Settings by flag, environment and file.

use secrecy::ExposeSecret;

use super::*;

fn resolve(
    choice: &str,
    model: Option<&str>,
    env: &[(&str, &str)],
) -> Result<Option<Settings>, SettingsError> {
    let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let options = Options { choice: choice.parse()?, model: model.map(str::to_owned), ..Options::default() };
    Settings::resolve(&options, &env)
}

fn settled(choice: &str, model: Option<&str>, env: &[(&str, &str)]) -> Settings {
    resolve(choice, model, env).unwrap().unwrap()
}

#[test]
fn a_key_alone_is_no_consent() {
    let env = [("OPENAI_API_KEY", "sk-1"), ("ANTHROPIC_API_KEY", "sk-2")];
    assert!(resolve("off", None, &env).unwrap().is_none());
    assert!(resolve("auto", None, &[]).unwrap().is_none());
    assert!(resolve("auto", None, &[("OPENAI_API_KEY", " ")]).unwrap().is_none());
}

#[test]
fn auto_takes_the_first_that_is_there() {
    for (env, provider) in [
        (&[("OPENAI_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k")][..], Provider::OpenAi),
        (&[("OPENAI_BASE_URL", "http://vllm:8000/v1")], Provider::OpenAi),
        (&[("GEMINI_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k")], Provider::Anthropic),
        (&[("GEMINI_API_KEY", "k"), ("OLLAMA_HOST", "x")], Provider::Gemini),
    ] {
        assert_eq!(settled("auto", None, env).provider, provider, "{env:?}");
    }
}

#[test]
fn addresses() {
    let azure = [
        ("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com/"),
        ("AZURE_OPENAI_API_KEY", "k"),
        ("AZURE_OPENAI_DEPLOYMENT", "my deployment"),
    ];
    let key = ("OPENAI_API_KEY", "k");
    for (choice, model, env, url) in [
        ("openai", None, &[key][..], "https://api.openai.com/v1/chat/completions"),
        (
            "openai",
            None,
            &[("OPENAI_BASE_URL", "http://litellm:4000/")],
            "http://litellm:4000/chat/completions",
        ),
        (
            "azure",
            None,
            &azure,
            "https://x.openai.azure.com/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21",
        ),
        ("anthropic", None, &[("ANTHROPIC_API_KEY", "k")], "https://api.anthropic.com/v1/messages"),
        ("anthropic", None, &[("ANTHROPIC_BASE_URL", "http://gw/v1")], "http://gw/v1/messages"),
        (
            "gemini",
            None,
            &[("GEMINI_API_KEY", "k")],
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        ),
        ("ollama", Some("m"), &[], "http://127.0.0.1:11434/v1/chat/completions"),
        ("ollama", Some("m"), &[("OLLAMA_HOST", "0.0.0.0")], "http://127.0.0.1:11434/v1/chat/completions"),
        ("ollama", Some("m"), &[("OLLAMA_HOST", ":9000")], "http://127.0.0.1:9000/v1/chat/completions"),
        ("ollama", Some("m"), &[("OLLAMA_HOST", "gpu-1")], "http://gpu-1:11434/v1/chat/completions"),
        ("ollama", Some("m"), &[("OLLAMA_HOST", "[::1]:9")], "http://[::1]:9/v1/chat/completions"),
        (
            "ollama",
            Some("m"),
            &[("OLLAMA_HOST", "https://o.example")],
            "https://o.example/v1/chat/completions",
        ),
    ] {
        assert_eq!(settled(choice, model, env).url.as_str(), url, "{choice} {env:?}");
    }
}

#[test]
fn keys_go_where_each_provider_looks_and_never_into_debug_output() {
    let header = |settings: &Settings| match &settings.auth {
        Auth::None => "none".to_owned(),
        Auth::Bearer(key) => format!("bearer {}", key.expose_secret()),
        Auth::Header(name, key) => format!("{name} {}", key.expose_secret()),
    };
    for (choice, env, expected) in [
        ("openai", &[("OPENAI_API_KEY", "hush-1\n")][..], "bearer hush-1"),
        ("anthropic", &[("ANTHROPIC_API_KEY", "hush-1")], "x-api-key hush-1"),
        ("anthropic", &[("ANTHROPIC_AUTH_TOKEN", "hush-1")], "bearer hush-1"),
        ("gemini", &[("GEMINI_API_KEY", "hush-1")], "bearer hush-1"),
        (
            "azure",
            &[("AZURE_OPENAI_ENDPOINT", "https://a"), ("AZURE_OPENAI_API_KEY", "hush-1")],
            "api-key hush-1",
        ),
    ] {
        let settings = settled(choice, Some("m"), env);
        assert_eq!(header(&settings), expected);
        assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from-file\n").unwrap();
    let path = file.path().to_string_lossy().into_owned();
    assert_eq!(header(&settled("openai", None, &[("OPENAI_API_KEY_FILE", &path)])), "bearer from-file");
}

#[test]
fn what_is_missing_is_said() {
    for (choice, model, env, says) in [
        ("openai", None, &[][..], "OPENAI_API_KEY"),
        ("anthropic", None, &[], "ANTHROPIC_API_KEY"),
        ("azure", None, &[], "AZURE_OPENAI_ENDPOINT"),
        ("azure", None, &[("AZURE_OPENAI_ENDPOINT", "https://a")], "deployment"),
        ("azure", Some("m"), &[("AZURE_OPENAI_ENDPOINT", "https://a")], "AZURE_OPENAI_API_KEY"),
        ("ollama", None, &[], "ollama list"),
        ("openai", None, &[("OPENAI_BASE_URL", "ftp://a")], "no address"),
        ("openai", None, &[("OPENAI_API_KEY_FILE", "no/such/file")], "no/such/file"),
        ("gpt", None, &[], "no LLM provider"),
    ] {
        let error = resolve(choice, model, env).unwrap_err().to_string();
        assert!(error.contains(says), "{choice}: {error}");
    }
}

#[test]
fn plain_http_to_another_machine_is_known() {
    let at = |url| settled("openai", None, &[("OPENAI_BASE_URL", url)]).is_readable_on_the_way();
    assert!(at("http://llm.example.com/v1"));
    assert!(!at("https://llm.example.com/v1"));
    assert!(!at("http://127.0.0.1:4000") && !at("http://localhost:4000") && !at("http://[::1]:4000"));
}
