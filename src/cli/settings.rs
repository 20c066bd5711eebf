//! Settling values: flag, then environment, then configuration file, then default.

use std::fmt;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::llm;

use super::args::{AccessArgs, GraphDirArgs, LimitArgs, LlmArgs, ScopeArgs};
use super::config::{Config, ConfigFile};
use super::error::CliError;
use super::values::{Bytes, Period};

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Flag,
    Environment,
    File,
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "configuration file",
            Self::Default => "default",
        })
    }
}

/// A value that was settled, for `doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// Settles values and remembers which source won.
pub(super) struct Resolver<'a> {
    matches: &'a ArgMatches,
    file: &'a ConfigFile,
    /// Everything that was settled, in order.
    pub(super) settled: Vec<Settled>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(matches: &'a ArgMatches, file: &'a ConfigFile) -> Self {
        Self { matches, file, settled: Vec::new() }
    }

    fn config(&self) -> &'a Config {
        &self.file.config
    }

    /// Where the value of an argument came from; none where it was not given.
    fn given(&self, id: &str) -> Option<Origin> {
        match self.matches.try_contains_id(id).ok().and_then(|_| self.matches.value_source(id))? {
            ValueSource::CommandLine => Some(Origin::Flag),
            ValueSource::EnvVariable => Some(Origin::Environment),
            _ => None,
        }
    }

    fn settle<T>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        file: Option<T>,
        show: impl Fn(&T) -> String,
    ) -> Option<T> {
        let id = name.replace('-', "_");
        let (value, origin) = match (given, file) {
            (Some(value), _) => (Some(value), self.given(&id).unwrap_or(Origin::Flag)),
            (None, Some(value)) => (Some(value), Origin::File),
            (None, None) => (None, Origin::Default),
        };
        let shown = value.as_ref().map(show).unwrap_or_default();
        self.settled.push(Settled { name, value: shown, origin });
        value
    }

    /// A value that may be absent.
    pub(super) fn optional<T: fmt::Display>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        file: Option<T>,
    ) -> Option<T> {
        self.settle(name, given, file, T::to_string)
    }

    /// A path that may be absent.
    pub(super) fn path(
        &mut self,
        name: &'static str,
        given: Option<PathBuf>,
        file: Option<PathBuf>,
    ) -> Option<PathBuf> {
        self.settle(name, given, file, |path| path.display().to_string())
    }

    /// A list, empty where it was not given.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        given: Vec<T>,
        file: Option<Vec<T>>,
        show: impl Fn(&T) -> String,
    ) -> Vec<T> {
        let given = Some(given).filter(|given| !given.is_empty());
        let joined = |list: &Vec<T>| list.iter().map(&show).collect::<Vec<_>>().join(", ");
        self.settle(name, given, file, joined).unwrap_or_default()
    }

    /// A value with a default.
    pub(super) fn value<T: fmt::Display>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        file: Option<T>,
        default: T,
    ) -> T {
        match self.optional(name, given, file) {
            Some(value) => value,
            None => {
                if let Some(settled) = self.settled.last_mut() {
                    settled.value = default.to_string();
                }
                default
            }
        }
    }

    /// A switch: on where a flag or variable sets it, else as the file says.
    pub(super) fn switch(&mut self, name: &'static str, given: bool, file: Option<bool>) -> bool {
        // A variable that says no is given too.
        let from_environment = self.given(&name.replace('-', "_")) == Some(Origin::Environment);
        self.value(name, (given || from_environment).then_some(given), file, false)
    }
}

/// Which cluster or snapshot to read, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) context: Option<String>,
    pub(super) impersonate: Option<String>,
    pub(super) bundle: Option<PathBuf>,
}

impl Access {
    pub(super) fn resolve(args: AccessArgs, resolver: &mut Resolver<'_>) -> Self {
        let AccessArgs { kubeconfig, context, as_user, bundle } = args;
        let config = resolver.config();
        Self {
            kubeconfig: resolver.path("kubeconfig", kubeconfig, config.kubeconfig.clone()),
            context: resolver.optional("context", context, config.context.clone()),
            impersonate: resolver.optional("as", as_user, config.r#as.clone()),
            bundle: resolver.path("bundle", bundle, None),
        }
    }
}

/// Where the complaint is.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// Empty: all.
    pub(super) namespaces: Vec<String>,
}

impl Scope {
    /// `-A` and `-n` on one level contradict each other; else the stronger source wins.
    pub(super) fn resolve(args: ScopeArgs, resolver: &mut Resolver<'_>) -> Result<Self, CliError> {
        let ScopeArgs { namespace, all_namespaces } = args;
        let (all, some) = (resolver.given("all_namespaces"), resolver.given("namespace"));
        let file = resolver.config().namespaces.clone();
        let everywhere = all_namespaces
            && match (all, some) {
                (_, None) => true,
                (Some(Origin::Flag), Some(Origin::Environment)) => true,
                (Some(Origin::Environment), Some(Origin::Flag)) => false,
                _ => {
                    return Err(CliError::usage(
                        "-A looks everywhere and -n in one namespace; give one of them",
                    ));
                }
            };
        let name = |name: &String| name.clone();
        if everywhere {
            resolver.settled.push(Settled {
                name: "all-namespaces",
                value: true.to_string(),
                origin: all.unwrap_or(Origin::Flag),
            });
            return Ok(Self { namespaces: Vec::new() });
        }
        let mut namespaces = resolver.list("namespace", namespace, file, name);
        namespaces.sort();
        namespaces.dedup();
        match namespaces.iter().find(|name| !is_label(name)) {
            Some(name) => Err(CliError::usage(format!(
                "`{name}` is no name of a namespace; write lower case letters, digits and hyphens"
            ))),
            None => Ok(Self { namespaces }),
        }
    }
}

/// Whether a text is a DNS label, as names of namespaces are.
fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len())
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// What an investigation may cost, and how far back it looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) since: Period,
    pub(super) timeout: Period,
    pub(super) concurrency: usize,
    pub(super) log_lines: usize,
    pub(super) max_requests: u64,
    pub(super) max_bytes: Bytes,
}

impl Limits {
    pub(super) fn resolve(args: LimitArgs, resolver: &mut Resolver<'_>) -> Result<Self, CliError> {
        let LimitArgs { since, timeout, concurrency, log_lines, max_requests, max_bytes } = args;
        let config = resolver.config();
        let limits = Self {
            since: resolver.value("since", since, config.since, Period::seconds(3600)),
            timeout: resolver.value("timeout", timeout, config.timeout, Period::seconds(60)),
            concurrency: resolver.value("concurrency", concurrency, config.concurrency, 16),
            log_lines: resolver.value("log-lines", log_lines, config.log_lines, 2000),
            max_requests: resolver.value("max-requests", max_requests, config.max_requests, 5000),
            max_bytes: resolver.value("max-bytes", max_bytes, config.max_bytes, Bytes(2 << 30)),
        };
        match limits {
            Self { concurrency: 0, .. } => {
                Err(CliError::usage("concurrency 0 would send no request; give 1 or more"))
            }
            Self { max_requests: 0, .. } => {
                Err(CliError::usage("max-requests 0 would read nothing; give 1 or more"))
            }
            limits => Ok(limits),
        }
    }
}

/// Whether and which LLM may help.
#[derive(Clone, Debug)]
pub(super) struct Llm {
    /// Which and how; none: no LLM.
    pub(super) settings: Option<llm::Settings>,
    /// Whether `auto` was asked for and found none.
    pub(super) found_none: bool,
    pub(super) explain: bool,
    pub(super) show: bool,
}

impl Llm {
    pub(super) fn resolve(args: LlmArgs, resolver: &mut Resolver<'_>) -> Result<Self, CliError> {
        let LlmArgs {
            llm: provider,
            model,
            explain,
            llm_show,
            llm_url,
            llm_key_file,
            llm_ca_file,
            llm_timeout,
            llm_pseudonyms,
        } = args;
        let config = resolver.config();
        let provider = resolver.value("llm", provider, config.llm.clone(), "off".to_owned());
        let choice: llm::Choice =
            provider.parse().map_err(|error: llm::SettingsError| CliError::usage(error.to_string()))?;
        let options = llm::Options {
            choice,
            model: resolver.optional("model", model, config.model.clone()),
            base_url: resolver.optional("llm-url", llm_url, config.llm_url.clone()),
            key_file: resolver.path("llm-key-file", llm_key_file, config.llm_key_file.clone()),
            ca_file: resolver.path("llm-ca-file", llm_ca_file, config.llm_ca_file.clone()),
            timeout: resolver
                .value("llm-timeout", llm_timeout, config.llm_timeout, Period::seconds(10))
                .duration()
                .into(),
            pseudonyms: resolver.switch("llm-pseudonyms", llm_pseudonyms, config.llm_pseudonyms),
        };
        let explain = resolver.switch("explain", explain, config.explain);
        let show = resolver.switch("llm-show", llm_show, None);
        if choice == llm::Choice::Off && (explain || show) {
            let flag = if explain { "--explain asks" } else { "--llm-show shows what is sent to" };
            return Err(CliError::usage(format!(
                "{flag} an LLM, and none is enabled; add --llm auto or a provider"
            )));
        }
        // Providers' settings have names of their own, which people have set already.
        let settings = llm::Settings::resolve(&options, &|name| std::env::var(name).ok())
            .map_err(|error| CliError::config(error).hint("`sre-orch doctor` shows the settings"))?;
        Ok(Self { found_none: choice != llm::Choice::Off && settings.is_none(), settings, explain, show })
    }
}

/// Directories with failure modes of the user's own.
pub(super) fn graph_dirs(args: GraphDirArgs, resolver: &mut Resolver<'_>) -> Vec<PathBuf> {
    let file = resolver.config().graph.clone();
    resolver.list("graph", args.graph, file, |dir| dir.display().to_string())
}
