//! Arguments that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::values::{Bytes, Period, flag};

/// Which cluster or snapshot to read.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct AccessArgs {
    /// Read this kubeconfig [default: as kubectl does]
    #[arg(long, value_name = "FILE", env = "SRE_ORCH_KUBECONFIG", value_hint = ValueHint::FilePath)]
    pub(super) kubeconfig: Option<PathBuf>,

    /// Use this context of the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME", env = "SRE_ORCH_CONTEXT")]
    pub(super) context: Option<String>,

    /// Read as this user
    #[arg(id = "as", long = "as", value_name = "USER", env = "SRE_ORCH_AS")]
    pub(super) as_user: Option<String>,

    /// Read a snapshot (directory, .tar or .tar.gz) instead of a cluster
    #[arg(long, value_name = "PATH", env = "SRE_ORCH_BUNDLE", value_hint = ValueHint::AnyPath)]
    pub(super) bundle: Option<PathBuf>,
}

/// Where to look.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct ScopeArgs {
    /// Look in this namespace (can be repeated)
    #[arg(short, long, value_name = "NS", env = "SRE_ORCH_NAMESPACE", value_delimiter = ',')]
    pub(super) namespace: Vec<String>,

    /// Look in all namespaces, which is the default
    #[arg(short = 'A', long, env = "SRE_ORCH_ALL_NAMESPACES", value_parser = flag())]
    pub(super) all_namespaces: bool,
}

/// How far back to look and what it may cost.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Count events, log lines and changes since this long before the capture [default: 1h]
    #[arg(long, value_name = "DURATION", env = "SRE_ORCH_SINCE")]
    pub(super) since: Option<Period>,

    /// Stop reading after this long, and say what was not read [default: 60s]
    #[arg(long, value_name = "DURATION", env = "SRE_ORCH_TIMEOUT")]
    pub(super) timeout: Option<Period>,

    /// Send at most this many requests at a time [default: 16]
    #[arg(long, value_name = "N", env = "SRE_ORCH_CONCURRENCY")]
    pub(super) concurrency: Option<usize>,

    /// Read at most this many lines of a container's log, from its end [default: 2000]
    #[arg(long, value_name = "N", env = "SRE_ORCH_LOG_LINES")]
    pub(super) log_lines: Option<usize>,

    /// Send at most this many requests [default: 5000]
    #[arg(long, value_name = "N", env = "SRE_ORCH_MAX_REQUESTS")]
    pub(super) max_requests: Option<u64>,

    /// Receive at most this much, such as 500M [default: 2Gi]
    #[arg(long, value_name = "BYTES", env = "SRE_ORCH_MAX_BYTES")]
    pub(super) max_bytes: Option<Bytes>,
}

/// Whether an LLM may help.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "LLM")]
pub(super) struct LlmArgs {
    /// Let an LLM help to read the description: auto, off or a provider [default: off]
    #[arg(long, value_name = "PROVIDER", env = "SRE_ORCH_LLM")]
    pub(super) llm: Option<String>,

    /// Ask this model [default: the provider's]
    #[arg(long, value_name = "NAME", env = "SRE_ORCH_MODEL")]
    pub(super) model: Option<String>,

    /// Let the LLM explain the evidence too
    #[arg(long, env = "SRE_ORCH_EXPLAIN", value_parser = flag())]
    pub(super) explain: bool,

    /// Show on stderr what would be sent to the LLM, and send nothing
    #[arg(long, env = "SRE_ORCH_LLM_SHOW", value_parser = flag())]
    pub(super) llm_show: bool,

    /// Ask the LLM at this address, such as a gateway's [default: the provider's]
    #[arg(long, value_name = "URL", env = "SRE_ORCH_LLM_URL", value_hint = ValueHint::Url)]
    pub(super) llm_url: Option<String>,

    /// Read the LLM's key from this file [default: the provider's own variable, such as OPENAI_API_KEY]
    #[arg(long, value_name = "FILE", env = "SRE_ORCH_LLM_KEY_FILE", value_hint = ValueHint::FilePath)]
    pub(super) llm_key_file: Option<PathBuf>,

    /// Trust the certificates of this file (PEM) for the LLM, beside the system's
    #[arg(long, value_name = "FILE", env = "SRE_ORCH_LLM_CA_FILE", value_hint = ValueHint::FilePath)]
    pub(super) llm_ca_file: Option<PathBuf>,

    /// Go on without the LLM after this long [default: 10s; six times that for --explain]
    #[arg(long, value_name = "DURATION", env = "SRE_ORCH_LLM_TIMEOUT")]
    pub(super) llm_timeout: Option<Period>,

    /// Send the LLM other names for namespaces, objects, hosts and addresses
    #[arg(long, env = "SRE_ORCH_LLM_PSEUDONYMS", value_parser = flag())]
    pub(super) llm_pseudonyms: bool,
}

/// Failure modes of the user's own.
#[derive(Clone, Debug, Args)]
pub(super) struct GraphDirArgs {
    /// Merge the failure modes of this directory over the bundled ones (can be repeated)
    #[arg(long, value_name = "DIR", env = "SRE_ORCH_GRAPH", value_delimiter = ',', value_hint = ValueHint::DirPath)]
    pub(super) graph: Vec<PathBuf>,
}
