//! Which provider, where, and with which key: by the names that people already have set.
//!
//! Keys come from the environment or from a file that a setting names, never from an argument;
//! they are held as secrets and appear in no error.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

/// How long reading a description may take where nothing else is set.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// A key file longer than this holds no key.
const LONGEST_KEY: u64 = 64 << 10;
/// A bundle of certificates longer than this is none.
const LONGEST_CA: u64 = 4 << 20;
/// The API version of Azure OpenAI where none is set; the first with JSON-schema output.
const AZURE_VERSION: &str = "2024-10-21";

/// Reads a variable of the environment; empty ones count as not set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// OpenAI, and whatever speaks its chat completions: vLLM, LiteLLM, other gateways.
    OpenAi,
    /// Azure OpenAI.
    Azure,
    /// Anthropic.
    Anthropic,
    /// Gemini, by its OpenAI-compatible endpoint.
    Gemini,
    /// Ollama.
    Ollama,
}

impl Provider {
    /// Every provider, in the order in which `auto` tries them.
    pub const ALL: [Self; 5] = [Self::OpenAi, Self::Azure, Self::Anthropic, Self::Gemini, Self::Ollama];

    /// The word for it on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Azure => "azure",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    fn key_variable(self) -> &'static str {
        match self {
            Self::OpenAi => "OPENAI_API_KEY",
            Self::Azure => "AZURE_OPENAI_API_KEY",
            Self::Anthropic => "ANTHROPIC_API_KEY",
            Self::Gemini => "GEMINI_API_KEY",
            Self::Ollama => "OLLAMA_API_KEY",
        }
    }

    /// The variable that says where it is.
    fn address_variable(self) -> &'static str {
        match self {
            Self::OpenAi => "OPENAI_BASE_URL",
            Self::Azure => "AZURE_OPENAI_ENDPOINT",
            Self::Anthropic => "ANTHROPIC_BASE_URL",
            Self::Gemini => "GEMINI_BASE_URL",
            Self::Ollama => "OLLAMA_HOST",
        }
    }

    fn default_address(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::Azure => None,
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta/openai"),
            Self::Ollama => Some("http://127.0.0.1:11434"),
        }
    }

    /// A small model does: the task is reading one sentence.
    fn default_model(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("gpt-5-mini"),
            Self::Anthropic => Some("claude-haiku-4-5"),
            Self::Gemini => Some("gemini-2.5-flash"),
            // A deployment's name, and whatever was pulled.
            Self::Azure | Self::Ollama => None,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What `--llm` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// None: the default.
    #[default]
    Off,
    /// The first provider whose settings are present.
    Auto,
    /// This one.
    One(Provider),
}

impl FromStr for Choice {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        match text.to_ascii_lowercase().as_str() {
            "off" => Ok(Self::Off),
            "auto" => Ok(Self::Auto),
            name => Provider::ALL
                .into_iter()
                .find(|provider| provider.as_str() == name)
                .map(Self::One)
                .ok_or_else(|| SettingsError::Unknown(text.to_owned())),
        }
    }
}

/// What is set by flags, sre-orch's variables and the configuration file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which provider.
    pub choice: Choice,
    /// Which model.
    pub model: Option<String>,
    /// Where it is, such as a gateway; wins over the provider's own variable.
    pub base_url: Option<String>,
    /// A file that holds the key.
    pub key_file: Option<PathBuf>,
    /// Certificates (PEM) trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long reading a description may take.
    pub timeout: Option<Duration>,
    /// Whether namespaces, objects, hosts and IP addresses leave under other names.
    pub pseudonyms: bool,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No such provider.
    #[error("`{0}` is no LLM provider; write off, auto, openai, azure, anthropic, gemini or ollama")]
    Unknown(String),
    /// A provider's setting is missing.
    #[error("--llm {provider} needs {missing}")]
    Missing {
        /// Which provider.
        provider: Provider,
        /// What is missing, and how to set it.
        missing: String,
    },
    /// An address that is none.
    #[error("`{0}` is no address of an LLM; write one such as https://llm.example.com/v1")]
    Address(String),
    /// A file that cannot be used.
    #[error("cannot read {what} {}", path.display())]
    File {
        /// What it should hold.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// How a request says who sends it.
#[derive(Clone, Debug)]
pub(super) enum Auth {
    /// Not at all.
    None,
    /// `Authorization: Bearer`.
    Bearer(SecretString),
    /// A header of its own.
    Header(&'static str, SecretString),
}

/// Everything that a call needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who answers.
    pub provider: Provider,
    /// Which model.
    pub model: String,
    /// Where requests go.
    pub url: reqwest::Url,
    pub(super) auth: Auth,
    /// Further headers, none of them secret.
    pub(super) headers: Vec<(&'static str, String)>,
    /// Whether the provider's own endpoint is asked, which knows the newest names of parameters.
    pub(super) is_official: bool,
    pub(super) ca: Option<Vec<u8>>,
    /// How long reading a description may take.
    pub timeout: Duration,
    /// Whether names leave as pseudonyms.
    pub pseudonyms: bool,
}

impl Settings {
    /// Settles what is set; none where no LLM is wanted, or `auto` finds no provider.
    ///
    /// # Errors
    /// Where the chosen provider lacks a setting, or a file that is named cannot be read.
    pub fn resolve(options: &Options, env: Environment<'_>) -> Result<Option<Self>, SettingsError> {
        let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let provider = match options.choice {
            Choice::Off => return Ok(None),
            Choice::One(provider) => provider,
            Choice::Auto => match Provider::ALL.into_iter().find(|provider| is_present(*provider, &set)) {
                Some(provider) => provider,
                None => return Ok(None),
            },
        };
        Resolver { provider, options, env: &set }.resolve().map(Some)
    }

    /// Provider, model and host, for people.
    pub fn about(&self) -> String {
        let host = self.url.host_str().unwrap_or("?");
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{} {} at {}://{host}{port}", self.provider, self.model, self.url.scheme())
    }

    /// The headers of a request, a line each; the key is left out.
    pub(super) fn shown_headers(&self) -> String {
        let key = match &self.auth {
            Auth::None => None,
            Auth::Bearer(_) => Some(format!("authorization: Bearer {}", crate::redact::MARKER)),
            Auth::Header(name, _) => Some(format!("{name}: {}", crate::redact::MARKER)),
        };
        let others = self.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        others.chain(key).collect::<Vec<_>>().join("\n")
    }

    /// Whether what is sent can be read on the way: plain HTTP to another machine.
    pub fn is_readable_on_the_way(&self) -> bool {
        let local = |host: &str| {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        };
        self.url.scheme() == "http" && !self.url.host_str().is_some_and(local)
    }
}

/// Whether the settings that a provider cannot do without are in the environment.
fn is_present(provider: Provider, env: Environment<'_>) -> bool {
    let key = || env(provider.key_variable()).or_else(|| env(&format!("{}_FILE", provider.key_variable())));
    match provider {
        Provider::Azure => env(provider.address_variable()).is_some(),
        Provider::OpenAi => key().or_else(|| env(provider.address_variable())).is_some(),
        Provider::Anthropic => key().or_else(|| env("ANTHROPIC_AUTH_TOKEN")).is_some(),
        Provider::Gemini => key().is_some(),
        Provider::Ollama => env(provider.address_variable()).is_some(),
    }
}

struct Resolver<'a> {
    provider: Provider,
    options: &'a Options,
    env: Environment<'a>,
}

impl Resolver<'_> {
    fn env(&self, name: &str) -> Option<String> {
        (self.env)(name)
    }

    fn missing(&self, missing: impl Into<String>) -> SettingsError {
        SettingsError::Missing { provider: self.provider, missing: missing.into() }
    }

    fn resolve(&self) -> Result<Settings, SettingsError> {
        let given = self.options.base_url.clone().or_else(|| self.env(self.provider.address_variable()));
        let official = self.provider.default_address();
        let address = match given.as_deref().or(official) {
            Some(address) => address.trim().to_owned(),
            None => return Err(self.missing(format!("{} to be set", self.provider.address_variable()))),
        };
        let model = self.model()?;
        let is_official = self.provider == Provider::Azure || given.is_none() || given.as_deref() == official;
        let ca = match &self.options.ca_file {
            Some(path) => Some(read_file("the certificates", path, LONGEST_CA)?),
            None => None,
        };
        Ok(Settings {
            provider: self.provider,
            url: self.url(&address, &model)?,
            model,
            auth: self.auth(given.is_none())?,
            headers: self.headers(),
            is_official,
            ca,
            timeout: self.options.timeout.unwrap_or(DEFAULT_TIMEOUT),
            pseudonyms: self.options.pseudonyms,
        })
    }

    fn model(&self) -> Result<String, SettingsError> {
        let deployment = || {
            let names = ["AZURE_OPENAI_DEPLOYMENT", "AZURE_OPENAI_DEPLOYMENT_NAME"];
            names.iter().find_map(|name| self.env(name)).filter(|_| self.provider == Provider::Azure)
        };
        let model = self.options.model.clone().or_else(deployment);
        let default = || self.provider.default_model().map(str::to_owned);
        model
            .map(|model| model.trim().to_owned())
            .filter(|model| !model.is_empty())
            .or_else(default)
            .ok_or_else(|| match self.provider {
                Provider::Azure => self.missing("--model or AZURE_OPENAI_DEPLOYMENT: the deployment's name"),
                _ => self.missing("--model: one that `ollama list` shows"),
            })
    }

    /// The key: a file that a setting names, else the environment, else a file that it names.
    fn key(&self) -> Result<Option<SecretString>, SettingsError> {
        if let Some(path) = &self.options.key_file {
            return read_key(path).map(Some);
        }
        let variable = self.provider.key_variable();
        if let Some(key) = self.env(variable) {
            return Ok(Some(key.trim().to_owned().into()));
        }
        match self.env(&format!("{variable}_FILE")) {
            Some(path) => read_key(Path::new(&path)).map(Some),
            None => Ok(None),
        }
    }

    fn auth(&self, needs_key: bool) -> Result<Auth, SettingsError> {
        let token = |name: &str| self.env(name).map(|token| Auth::Bearer(token.trim().to_owned().into()));
        let auth = match (self.provider, self.key()?) {
            (Provider::Azure, Some(key)) => Auth::Header("api-key", key),
            (Provider::Anthropic, Some(key)) => Auth::Header("x-api-key", key),
            (_, Some(key)) => Auth::Bearer(key),
            (Provider::Azure, None) => token("AZURE_OPENAI_AD_TOKEN").unwrap_or(Auth::None),
            (Provider::Anthropic, None) => token("ANTHROPIC_AUTH_TOKEN").unwrap_or(Auth::None),
            (_, None) => Auth::None,
        };
        // A gateway may want none; the providers themselves do.
        let needs_key = self.provider != Provider::Ollama && (needs_key || self.provider == Provider::Azure);
        if needs_key && matches!(auth, Auth::None) {
            return Err(self.missing(format!("{} to be set", self.provider.key_variable())));
        }
        Ok(auth)
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let optional = |header, name| Some((header, self.env(name)?));
        match self.provider {
            Provider::Anthropic => vec![("anthropic-version", "2023-06-01".to_owned())],
            Provider::OpenAi => [
                optional("openai-organization", "OPENAI_ORG_ID"),
                optional("openai-project", "OPENAI_PROJECT_ID"),
            ]
            .into_iter()
            .flatten()
            .collect(),
            _ => Vec::new(),
        }
    }

    fn url(&self, address: &str, model: &str) -> Result<reqwest::Url, SettingsError> {
        let address = match self.provider {
            Provider::Ollama => ollama_address(address),
            _ => address.to_owned(),
        };
        let wrong = || SettingsError::Address(without_credentials(&address));
        let mut url: reqwest::Url = address.parse().map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong());
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let ends = |end: &str| path.ends_with(end);
        match self.provider {
            Provider::Anthropic if ends("/v1") => url.set_path(&format!("{path}/messages")),
            Provider::Anthropic => url.set_path(&format!("{path}/v1/messages")),
            Provider::Azure => {
                // The segment is encoded: a deployment's name is no path.
                url.set_path(&format!("{path}/openai/deployments/"));
                url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend([
                    model,
                    "chat",
                    "completions",
                ]);
                let version = self.env("AZURE_OPENAI_API_VERSION").or_else(|| self.env("OPENAI_API_VERSION"));
                let version = version.unwrap_or_else(|| AZURE_VERSION.to_owned());
                url.query_pairs_mut().append_pair("api-version", version.trim());
            }
            Provider::Ollama if !ends("/v1") => url.set_path(&format!("{path}/v1/chat/completions")),
            _ => url.set_path(&format!("{path}/chat/completions")),
        }
        Ok(url)
    }
}

/// OLLAMA_HOST as Ollama reads it: scheme, port and even the host may be left out.
fn ollama_address(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let bracketed = authority.rsplit_once(']');
    let (host, port) = match (bracketed, authority.rsplit_once(':')) {
        (Some((host, port)), _) => (format!("{host}]"), port.trim_start_matches(':')),
        (None, Some((host, port))) => (host.to_owned(), port),
        (None, None) => (authority.to_owned(), ""),
    };
    // What a server listens on is no address to call.
    let host = match host.as_str() {
        "" | "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    let port = match (port, scheme) {
        ("", "https") => "443",
        ("", _) if address.contains("://") => "80",
        ("", _) => "11434",
        (port, _) => port,
    };
    format!("{scheme}://{host}:{port}/{path}")
}

fn without_credentials(address: &str) -> String {
    crate::redact::clean(address).into_owned()
}

fn read_key(path: &Path) -> Result<SecretString, SettingsError> {
    let bytes = read_file("the key", path, LONGEST_KEY)?;
    let wrong = |why: &str| SettingsError::File {
        what: "the key",
        path: path.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, why.to_owned()),
    };
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is no text"))?;
    match text.trim() {
        "" => Err(wrong("it is empty")),
        key => Ok(key.to_owned().into()),
    }
}

fn read_file(what: &'static str, path: &Path, most: u64) -> Result<Vec<u8>, SettingsError> {
    let read = || {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > most {
            true => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "it is too large")),
            false => Ok(bytes),
        }
    };
    read().map_err(|source| SettingsError::File { what, path: path.to_owned(), source })
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
