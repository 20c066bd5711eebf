//! Where the command line meets the library: one function for each thing a command asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};

use crate::agent::{self, Source, access, live, snapshot_write};
use crate::graph_test::{self, TestResult, incident};
use crate::knowledge::{Graph, lint as linter, schema as graph_schema};
use crate::pipeline::{self, Progress};
use crate::report::model::Report;

use super::doctor::{Check, Health};
use super::error::CliError;
use super::graph::{Checked, Listed};
use super::investigate::Investigation;
use super::progress::Reporter;
use super::settings::{Access, Limits, Scope};
use super::snapshot::Capture;

/// What `snapshot` wrote.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    pub(super) objects: usize,
    pub(super) logs: usize,
    /// What could not be read, and why.
    pub(super) unread: Vec<(String, String)>,
}

impl Progress for Reporter {
    fn phase(&self, name: &str) {
        Reporter::phase(self, name);
    }
}

/// Runs an investigation.
pub(super) async fn investigate(
    investigation: Investigation,
    reporter: Arc<Reporter>,
) -> Result<Report, CliError> {
    let graph = load(&investigation.graph)?;
    reporter.phase("connecting");
    let source = open(&investigation.access).await?;
    let request = request(&investigation)?;
    pipeline::investigate(source, &graph, &request, reporter.as_ref()).await.map_err(CliError::failed)
}

/// What an investigation would read.
pub(super) fn plan(investigation: &Investigation) -> Result<String, CliError> {
    Ok(pipeline::plan(&request(investigation)?))
}

fn request(investigation: &Investigation) -> Result<pipeline::Request, CliError> {
    let selector = investigation.selector.as_deref().map(str::parse).transpose().map_err(
        |error: crate::cluster::selector::ParseSelectorError| CliError::usage(format!("--selector: {error}")),
    )?;
    Ok(pipeline::Request {
        description: investigation.description.clone(),
        namespaces: investigation.scope.namespaces.clone(),
        selector,
        since: investigation.limits.since.signed(),
        limits: limits(&investigation.limits),
        hygiene: investigation.hygiene,
    })
}

/// Writes a snapshot.
pub(super) async fn write_snapshot(capture: Capture, reporter: Arc<Reporter>) -> Result<Written, CliError> {
    let Capture { file, scope, access, limits: bounds } = capture;
    reporter.phase("connecting");
    let source = open(&access).await?;
    reporter.phase("reading the cluster");
    let request = agent::Request { namespaces: scope.namespaces, limits: limits(&bounds) };
    let written = snapshot_write::write_snapshot(&source, &request, &file).await.map_err(CliError::failed)?;
    Ok(Written { objects: written.objects, logs: written.logs, unread: written.unread })
}

/// Checks the cluster and what it permits.
pub(super) async fn check_access(
    access: Access,
    scope: Scope,
    bounds: Limits,
) -> Result<Vec<Check>, CliError> {
    let source = open(&access).await?;
    let name = if source.is_snapshot() { "snapshot" } else { "cluster" };
    let found = access::check(&source, &scope.namespaces, limits(&bounds)).await.map_err(CliError::failed)?;
    let version = Check {
        name: name.to_owned(),
        health: Health::Good,
        detail: format!("{} answers, version {}", source.context, found.server_version),
    };
    let permissions = found.permissions.into_iter().map(|permission| Check {
        name: format!("access {}", permission.place),
        health: if permission.missing.is_empty() { Health::Good } else { Health::Limited },
        detail: match permission.missing.as_slice() {
            [] => "everything that sre-orch reads".to_owned(),
            missing => format!("missing: {}; `sre-orch rbac` prints the rules", missing.join(", ")),
        },
    });
    Ok(std::iter::once(version).chain(permissions).collect())
}

/// Checks failure modes.
pub(super) fn lint(dirs: Vec<PathBuf>) -> Result<Checked, CliError> {
    let graph = load(&dirs)?;
    let problems = linter::lint(&graph).iter().map(ToString::to_string).collect();
    Ok(Checked { checked: graph.modes().count(), problems })
}

/// Lists failure modes.
pub(super) fn list(dirs: Vec<PathBuf>) -> Result<Vec<Listed>, CliError> {
    let graph = load(&dirs)?;
    let listed = graph.modes().map(|compiled| Listed {
        id: compiled.mode.id.clone(),
        category: compiled.mode.category.clone(),
        role: compiled.mode.role,
        title: compiled.mode.title.clone(),
    });
    Ok(listed.collect())
}

/// One failure mode as YAML.
pub(super) fn show(id: &str, dirs: Vec<PathBuf>) -> Result<String, CliError> {
    let graph = load(&dirs)?;
    let Some(compiled) = graph.get(id) else {
        let closest = graph
            .modes()
            .map(|other| &other.mode.id)
            .max_by(|a, b| strsim::jaro_winkler(a, id).total_cmp(&strsim::jaro_winkler(b, id)));
        let error = CliError::usage(format!("no failure mode `{id}`"));
        return Err(match closest {
            Some(closest) => error.hint(format!("did you mean `{closest}`?")),
            None => error,
        });
    };
    serde_yaml::to_string(&compiled.mode).context("cannot print the failure mode").map_err(CliError::failed)
}

/// Runs the tests of failure modes and snapshots.
pub(super) fn test(paths: Vec<PathBuf>, dirs: Vec<PathBuf>) -> Result<Checked, CliError> {
    let graph = load(&dirs)?;
    let mut results: Vec<TestResult> = Vec::new();
    if paths.is_empty() {
        results = graph_test::run(&graph, |_| true);
    }
    for path in &paths {
        results.extend(test_path(&graph, path)?);
    }
    let describe = |result: &TestResult| {
        let failure = result.failure.as_ref()?;
        Some(format!("{}: {}: {failure}", result.id, result.name))
    };
    Ok(Checked { checked: results.len(), problems: results.iter().filter_map(describe).collect() })
}

/// Tests of one path: incidents below it, else the failure modes that its files hold.
fn test_path(graph: &Graph, path: &Path) -> Result<Vec<TestResult>, CliError> {
    if !path.exists() {
        return Err(CliError::usage(format!("{} does not exist", path.display())));
    }
    let incidents = incident::find(path);
    if incidents.is_empty() {
        let own = Graph::only(path).map_err(CliError::config)?;
        let merged = load(&[path.to_owned()])?;
        return Ok(graph_test::run(&merged, |id| own.get(id).is_some()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .map_err(CliError::failed)?;
    Ok(runtime.block_on(async {
        let mut results = Vec::new();
        for file in &incidents {
            results.push(incident::run(graph, file).await);
        }
        results
    }))
}

/// The JSON Schema of failure modes.
pub(super) fn schema() -> Result<serde_json::Value, CliError> {
    let schema = schemars::schema_for!(graph_schema::FailureMode);
    serde_json::to_value(schema).context("cannot print the schema").map_err(CliError::failed)
}

fn load(directories: &[PathBuf]) -> Result<Graph, CliError> {
    Graph::load(directories).map_err(|error| {
        CliError::config(anyhow!("cannot load the knowledge graph: {error}"))
            .hint("see knowledge-graph/README.md")
    })
}

async fn open(access: &Access) -> Result<Source, CliError> {
    match &access.bundle {
        Some(path) => Source::snapshot(path).map_err(CliError::failed),
        None => live::connect(&live::Access {
            kubeconfig: access.kubeconfig.clone(),
            context: access.context.clone(),
            impersonate: access.impersonate.clone(),
            connect_timeout: None,
        })
        .await
        .map_err(CliError::failed),
    }
}

fn limits(bounds: &Limits) -> agent::Limits {
    agent::Limits {
        timeout: bounds.timeout.duration(),
        concurrency: bounds.concurrency,
        log_lines: bounds.log_lines,
        max_requests: bounds.max_requests,
        max_bytes: bounds.max_bytes.0,
        ..agent::Limits::default()
    }
}
