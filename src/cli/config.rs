//! The configuration file: YAML, every field optional, unknown ones refused.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use super::error::CliError;
use super::serve::FileSettings;
use super::values::{Bytes, Color, FailOn, Output, Period};

/// A file longer than this is no configuration.
const LONGEST: u64 = 1 << 20;

/// What the file may set; names are those of the flags.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Config {
    pub(super) color: Option<Color>,
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) context: Option<String>,
    pub(super) r#as: Option<String>,
    pub(super) namespaces: Option<Vec<String>>,
    pub(super) output: Option<Output>,
    pub(super) top: Option<usize>,
    pub(super) hygiene: Option<bool>,
    pub(super) since: Option<Period>,
    pub(super) fail_on: Option<FailOn>,
    pub(super) ignore: Option<PathBuf>,
    pub(super) timeout: Option<Period>,
    pub(super) concurrency: Option<usize>,
    pub(super) log_lines: Option<usize>,
    pub(super) max_requests: Option<u64>,
    pub(super) max_bytes: Option<Bytes>,
    pub(super) no_triage: Option<bool>,
    pub(super) llm: Option<String>,
    pub(super) model: Option<String>,
    pub(super) explain: Option<bool>,
    pub(super) llm_url: Option<String>,
    pub(super) llm_key_file: Option<PathBuf>,
    pub(super) llm_ca_file: Option<PathBuf>,
    pub(super) llm_timeout: Option<Period>,
    pub(super) llm_pseudonyms: Option<bool>,
    pub(super) graph: Option<Vec<PathBuf>>,
    pub(super) serve: FileSettings,
}

/// The configuration and where it came from.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfigFile {
    /// The file that was read; none where there is none.
    pub(super) path: Option<PathBuf>,
    pub(super) config: Config,
}

impl ConfigFile {
    /// Reads the file named, or the user's own where there is one.
    pub(super) fn load(named: Option<&Path>) -> Result<Self, CliError> {
        let own = || {
            dirs::config_dir()
                .map(|dir| dir.join("sre-orch").join("config.yaml"))
                .filter(|path| path.is_file())
        };
        let Some(path) = named.map(Path::to_owned).or_else(own) else { return Ok(Self::default()) };
        let text = read(&path).map_err(|error| {
            CliError::config(error.context(format!("cannot read configuration {}", path.display())))
                .hint("check the path, or leave --config and SRE_ORCH_CONFIG out")
        })?;
        let config: Option<Config> = serde_yaml::from_str(&text)
            .with_context(|| format!("configuration {} is not valid", path.display()))
            .map_err(|error| {
                CliError::config(error).hint("`sre-orch investigate --help` lists the settings")
            })?;
        Ok(Self { path: Some(path), config: config.unwrap_or_default() })
    }
}

/// Reads a text file of bounded size.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    anyhow::ensure!(text.len() as u64 <= LONGEST, "the file is larger than {LONGEST} bytes");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read() {
        let yaml = "context: prod\nsince: 2h\nmax-bytes: 1Gi\noutput: wide\ngraph: [team]\nfail-on: high\n\
                    serve: {listen: '127.0.0.1:9090', keep: 100, drain: 5s}\n";
        let config: Config = serde_yaml::from_str(yaml).unwrap();
        assert_eq!(config.context.as_deref(), Some("prod"));
        assert_eq!(config.since, Some(Period::seconds(7200)));
        assert_eq!(config.max_bytes, Some(Bytes(1 << 30)));
        assert_eq!((config.output, config.fail_on), (Some(Output::Wide), Some(FailOn::High)));
    }

    #[test]
    fn mistakes_are_errors() {
        for yaml in
            ["contxt: prod", "since: soon", "output: pdf", "top: many", "- context", "serve: {port: 80}"]
        {
            assert!(serde_yaml::from_str::<Config>(yaml).is_err(), "{yaml}");
        }
    }
}
