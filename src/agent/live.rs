//! Connects to the user's cluster by kubectl's rules: `--kubeconfig`, else the files of
//! `KUBECONFIG` merged, else `~/.kube/config`, else the pod's service account.
//!
//! Credentials, plugins and proxies are the Kubernetes client's business; time limits are ours,
//! because its defaults let one request stall for minutes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::error::AgentError;
use super::fetch::{Failure, chain};
use super::source::Source;
use super::unreachable;

/// Which cluster, and as whom.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The only kubeconfig to read; none: kubectl's rules.
    pub kubeconfig: Option<PathBuf>,
    /// The context; none: the current one.
    pub context: Option<String>,
    /// The user to impersonate.
    pub impersonate: Option<String>,
    /// How long connecting, and a credential plugin, may take.
    pub connect_timeout: Option<Duration>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IO_TIMEOUT: Duration = Duration::from_secs(30);

/// Connects; sends no request yet. Call within a tokio runtime.
///
/// # Errors
/// Where there is no kubeconfig, no such context, or the credentials cannot be had.
pub async fn connect(access: &Access) -> Result<Source, AgentError> {
    // An error means that somebody installed a provider before; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (mut config, context) = configure(access).await?;
    config.connect_timeout = Some(access.connect_timeout.unwrap_or(CONNECT_TIMEOUT));
    config.read_timeout = Some(IO_TIMEOUT);
    config.write_timeout = Some(IO_TIMEOUT);
    // The read timeout shall count from the request, not from when the connection fell idle.
    config.reset_reader_on_write = true;
    config.default_retry = false;
    if let Some(user) = &access.impersonate {
        config.auth_info.impersonate = Some(user.clone());
    }
    let address = address(&config);
    let timeout = access.connect_timeout.unwrap_or(IO_TIMEOUT);
    // Building the client runs the credential plugin, which blocks.
    let built = tokio::task::spawn_blocking(move || Client::try_from(config));
    let failed = |what: String| unreachable::cluster(&address, &context, &Failure::Connection(what));
    let client = match tokio::time::timeout(timeout, built).await {
        Ok(Ok(Ok(client))) => client,
        Ok(Ok(Err(error))) => return Err(failed(chain(&error))),
        Ok(Err(_)) => return Err(failed("the client could not be built".to_owned())),
        Err(_) => return Err(failed("the credential plugin did not end: exec plugin timed out".to_owned())),
    };
    Ok(Source::cluster(client, context, address))
}

/// The configuration and the name of its context.
async fn configure(access: &Access) -> Result<(Config, String), AgentError> {
    let files = kubeconfig_files(access)?;
    let shown = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let kubeconfig = read(&files, &shown)?;
    let empty = kubeconfig.contexts.is_empty() && kubeconfig.clusters.is_empty();
    if files.is_empty() || (empty && access.context.is_none() && access.kubeconfig.is_none()) {
        return in_cluster(&shown);
    }
    let context = access.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    if !known.contains(&context.as_str()) {
        let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
        return Err(match context.as_str() {
            "" => AgentError::NoContext { known },
            _ => AgentError::UnknownContext { name: context, known },
        });
    }
    let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|source| unusable(&shown, source))?;
    Ok((config, context))
}

fn unusable(path: &str, source: KubeconfigError) -> AgentError {
    AgentError::Kubeconfig { path: path.to_owned(), source: Box::new(source) }
}

/// The files to read, in order of precedence. Missing files of a list are skipped, as kubectl does.
fn kubeconfig_files(access: &Access) -> Result<Vec<PathBuf>, AgentError> {
    if let Some(path) = &access.kubeconfig {
        if !path.is_file() {
            return Err(AgentError::NoKubeconfig { tried: format!("{} is no file", path.display()) });
        }
        return Ok(vec![path.clone()]);
    }
    let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let listed: Vec<PathBuf> =
        std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()).collect();
    let candidates = if listed.is_empty() {
        dirs::home_dir().map(|home| home.join(".kube").join("config")).into_iter().collect()
    } else {
        listed
    };
    Ok(candidates.into_iter().filter(|path| path.is_file()).collect())
}

fn read(files: &[PathBuf], shown: &str) -> Result<Kubeconfig, AgentError> {
    let merge = |merged: Kubeconfig, path: &PathBuf| {
        Kubeconfig::read_from::<&Path>(path).and_then(|next| merged.merge(next))
    };
    files.iter().try_fold(Kubeconfig::default(), merge).map_err(|source| unusable(shown, source))
}

fn in_cluster(shown: &str) -> Result<(Config, String), AgentError> {
    let tried = match shown {
        "" => "no kubeconfig and no service account".to_owned(),
        files => format!("{files} names no cluster, and there is no service account"),
    };
    let config = Config::incluster().map_err(|_| AgentError::NoKubeconfig { tried })?;
    Ok((config, "in-cluster".to_owned()))
}

/// The server's URL without credentials.
fn address(config: &Config) -> String {
    let url = &config.cluster_url;
    let host = url.host().unwrap_or("unknown");
    match url.port_u16() {
        Some(port) => format!("{}://{host}:{port}", url.scheme_str().unwrap_or("https")),
        None => format!("{}://{host}", url.scheme_str().unwrap_or("https")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: blue\n\
        clusters: [{name: c, cluster: {server: 'http://user:pw@127.0.0.1:1'}}]\n\
        contexts: [{name: blue, context: {cluster: c, user: u, namespace: shop}}, {name: red, context: {cluster: c, user: u}}]\n\
        users: [{name: u, user: {token: t}}]\n";

    fn access(text: &str, context: Option<&str>) -> (tempfile::TempDir, Access) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("config");
        std::fs::write(&path, text).expect("written");
        let context = context.map(str::to_owned);
        (directory, Access { kubeconfig: Some(path), context, ..Access::default() })
    }

    #[tokio::test]
    async fn the_context_decides() {
        let (_directory, access) = access(KUBECONFIG, None);
        let source = connect(&access).await.expect("a client");
        assert_eq!((source.context.as_str(), source.default_namespace.as_str()), ("blue", "shop"));
        assert_eq!(source.address, "http://127.0.0.1:1");
    }

    #[tokio::test]
    async fn errors_say_what_to_try() {
        let (_one, unknown) = access(KUBECONFIG, Some("green"));
        let message = connect(&unknown).await.expect_err("unknown").to_string();
        assert!(message.contains("`green`") && message.contains("blue, red"), "{message}");

        let (_two, broken) = access("clusters: 7\n", None);
        assert!(matches!(connect(&broken).await, Err(AgentError::Kubeconfig { .. })));

        let (_three, empty) = access("apiVersion: v1\n", None);
        assert!(matches!(connect(&empty).await, Err(AgentError::NoContext { .. })));

        let missing = Access { kubeconfig: Some("no/such/file".into()), ..Access::default() };
        assert!(matches!(connect(&missing).await, Err(AgentError::NoKubeconfig { .. })));
    }
}
