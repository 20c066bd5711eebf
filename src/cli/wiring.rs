//! Where the command line meets the library: one function for each thing a command asks for.
//!
//! It translates settings to requests and errors to [`CliError`], and does nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::agent::snapshot_write::{Written, write_snapshot as write};
use crate::agent::{self, AgentError, Collector, Source, access, live};
use crate::cluster::selector::ParseSelectorError;
use crate::graph_test::{self, TestResult, incident};
use crate::knowledge::{FailureMode, Graph, LoadError, lint as linter};
use crate::pipeline::{self, Progress, Request};
use crate::report::model::BlindSpot;
use crate::report::render::write_yaml;

use super::assistant::Assistant;
use super::doctor::{Check, Health};
use super::error::CliError;
use super::graph::{Checked, Listed};
use super::investigate::Investigation;
use super::progress::Reporter;
use super::settings::{Access, Limits, Scope};
use super::snapshot::Capture;

impl Progress for Reporter {
    fn phase(&self, name: &str) {
        Self::phase(self, name);
    }

    fn warn(&self, message: &str) {
        Self::warn(self, message);
    }
}

/// Runs an investigation.
pub(super) async fn investigate(
    investigation: Investigation,
    assistant: Option<Arc<Assistant>>,
    reporter: Arc<Reporter>,
) -> Result<pipeline::Investigation, CliError> {
    tracing::debug!(triage = investigation.triage, "investigating");
    let request = request(&investigation)?;
    reporter.phase("Loading the knowledge graph");
    let graph = load_untested(&investigation.graph)?;
    reporter.phase("Connecting");
    let source = open(&investigation.access).await?;
    let parser = assistant.as_deref().map(Assistant::parser);
    pipeline::investigate_with(source, &graph, &request, parser, &*reporter).await.map_err(CliError::failed)
}

fn request(investigation: &Investigation) -> Result<Request, CliError> {
    let selector = investigation.selector.as_deref().map(str::parse).transpose();
    let selector =
        selector.map_err(|error: ParseSelectorError| CliError::usage(format!("--selector: {error}")))?;
    Ok(Request {
        description: investigation.description.clone(),
        namespaces: investigation.scope.namespaces.clone(),
        selector,
        since: investigation.limits.since.signed(),
        limits: bounds(investigation.limits),
        hygiene: investigation.hygiene,
        triage: investigation.triage,
    })
}

/// What an investigation would read, and where.
pub(super) fn plan(investigation: &Investigation) -> Result<String, CliError> {
    let access = &investigation.access;
    let from = match (&access.bundle, &access.context) {
        (Some(bundle), _) => format!("snapshot {}", bundle.display()),
        (None, Some(context)) => format!("context {context}"),
        (None, None) => "the current context".to_owned(),
    };
    Ok(format!("Reads {from}\n{}", pipeline::plan(&request(investigation)?)))
}

/// Writes a snapshot.
pub(super) async fn write_snapshot(capture: Capture, reporter: Arc<Reporter>) -> Result<Written, CliError> {
    let Capture { file, scope, access, limits } = capture;
    reporter.phase("Connecting");
    let source = open(&access).await?;
    reporter.phase("Writing the snapshot");
    let request = agent::Request { namespaces: scope.namespaces, limits: bounds(limits) };
    write(&source, &request, &file).await.map_err(CliError::failed)
}

/// Reaches the cluster and reads what an investigation starts with.
pub(super) async fn check_access(
    access: Access,
    scope: Scope,
    limits: Limits,
    reporter: Arc<Reporter>,
) -> Result<Vec<Check>, CliError> {
    reporter.phase("Connecting");
    let source = open(&access).await?;
    reporter.phase("Asking what may be read");
    let allowed =
        access::check(&source, &scope.namespaces, bounds(limits)).await.map_err(CliError::failed)?;
    reporter.phase("Reading the inventory");
    let request = agent::Request { namespaces: scope.namespaces, limits: bounds(limits) };
    let mut collector = Collector::new(source, request);
    collector.inventory().await.map_err(CliError::failed)?;
    let collected = collector.finish();
    let info = &collected.source;
    let reached = Check {
        name: info.r#type.clone(),
        health: Health::Good,
        detail: format!("{} {}, {} objects read", info.context, info.server_version, collected.stats.objects),
    };
    let permissions = allowed.permissions.iter().map(permission);
    Ok(std::iter::once(reached).chain(permissions).chain(collected.blind_spots.iter().map(limited)).collect())
}

/// What the user may read of all that an investigation can use.
fn permission(permission: &access::Permission) -> Check {
    let (health, detail) = match permission.missing.as_slice() {
        [] => (Health::Good, "everything that an investigation can use".to_owned()),
        missing => {
            let missing = missing.join(", ");
            (Health::Limited, format!("not allowed: {missing}; `sre-orch rbac` prints what to grant"))
        }
    };
    Check { name: format!("permissions in {}", permission.place), health, detail }
}

fn limited(spot: &BlindSpot) -> Check {
    let grant = if spot.rbac.is_some() { "; `sre-orch rbac` prints what to grant" } else { "" };
    let detail = format!("{}; {}{grant}", spot.why, spot.effect);
    Check { name: spot.what.clone(), health: Health::Limited, detail }
}

/// Checks failure modes.
pub(super) fn lint(dirs: &[PathBuf]) -> Result<Checked, CliError> {
    let graph = load(dirs)?;
    let problems = linter::lint(&graph).iter().map(ToString::to_string).collect();
    Ok(Checked { checked: graph.modes().count(), problems })
}

/// Lists failure modes.
pub(super) fn list(dirs: &[PathBuf]) -> Result<Vec<Listed>, CliError> {
    let listed = |mode: &FailureMode| Listed {
        id: mode.id.clone(),
        category: mode.category.clone(),
        role: mode.role,
        title: mode.title.clone(),
    };
    Ok(load(dirs)?.modes().map(|compiled| listed(&compiled.mode)).collect())
}

/// One failure mode as YAML, without the fields that say nothing.
pub(super) fn show(id: &str, dirs: &[PathBuf]) -> Result<String, CliError> {
    let graph = load(dirs)?;
    let Some(compiled) = graph.get(id) else {
        let similar = |known: &str| strsim::jaro_winkler(id, known);
        let nearest =
            graph.modes().map(|mode| mode.mode.id.as_str()).max_by(|a, b| similar(a).total_cmp(&similar(b)));
        let hint = nearest.map(|nearest| format!("did you mean `{nearest}`? ")).unwrap_or_default();
        let error = anyhow::anyhow!("there is no failure mode `{id}`");
        return Err(CliError::failed(error).hint(format!("{hint}`sre-orch graph list` lists them")));
    };
    let mut value =
        serde_yaml::to_value(&compiled.mode).context("cannot show it").map_err(CliError::failed)?;
    prune(&mut value);
    let mut text = format!("# {}\n", compiled.file).into_bytes();
    write_yaml(&value, &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Removes what is empty from mappings, at any depth.
fn prune(value: &mut serde_yaml::Value) {
    use serde_yaml::Value;
    match value {
        Value::Mapping(mapping) => {
            mapping.iter_mut().for_each(|(_, value)| prune(value));
            mapping.retain(|_, value| match value {
                Value::Null => false,
                Value::String(text) => !text.is_empty(),
                Value::Sequence(items) => !items.is_empty(),
                Value::Mapping(inner) => !inner.is_empty(),
                _ => true,
            });
        }
        Value::Sequence(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

/// Runs the tests of failure modes; with paths only of those there, and of incidents there.
pub(super) async fn test(
    paths: Vec<PathBuf>,
    dirs: Vec<PathBuf>,
    reporter: Arc<Reporter>,
) -> Result<Checked, CliError> {
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        return Err(CliError::usage(format!(
            "{} does not exist; give failure modes or incidents",
            missing.display()
        )));
    }
    let (incidents, modes): (Vec<_>, Vec<_>) =
        paths.into_iter().map(|path| (incident::find(&path), path)).partition(|(found, _)| !found.is_empty());
    let own: Vec<PathBuf> = modes.into_iter().map(|(_, path)| path).collect();
    let graph = load(&[dirs, own.clone()].concat())?;
    let files: Vec<PathBuf> = incidents.into_iter().flat_map(|(files, _)| files).collect();
    reporter.phase("Testing failure modes");
    let everything = own.is_empty() && files.is_empty();
    let of_own = |id: &str| {
        graph.get(id).is_some_and(|mode| own.iter().any(|path| Path::new(&mode.file).starts_with(path)))
    };
    let mut results = graph_test::run(&graph, |id| everything || of_own(id));
    reporter.phase("Testing incidents");
    for file in files {
        results.push(incident::run(&graph, &file).await);
    }
    let problems = results.iter().filter_map(failed).collect();
    Ok(Checked { checked: results.len(), problems })
}

fn failed(result: &TestResult) -> Option<String> {
    result.failure.as_ref().map(|failure| format!("{}: {}: {failure}", result.id, result.name))
}

/// The JSON Schema of failure modes.
pub(super) fn schema() -> serde_json::Value {
    schemars::schema_for!(FailureMode).to_value()
}

/// Loads the knowledge graph: the bundled one, with the user's over it.
fn load(dirs: &[PathBuf]) -> Result<Graph, CliError> {
    Graph::load(dirs).map_err(unusable)
}

/// As [`load`], for investigating alone.
pub(super) fn load_untested(dirs: &[PathBuf]) -> Result<Graph, CliError> {
    Graph::load_untested(dirs).map_err(unusable)
}

fn unusable(error: LoadError) -> CliError {
    match error {
        // What the user wrote is configuration; `graph lint` is the tool for it.
        LoadError::Read { path, source } => CliError::config(
            anyhow::Error::new(source).context(format!("cannot read failure modes of {}", path.display())),
        ),
        parse => CliError::failed(anyhow::Error::new(parse).context("cannot load the failure modes")),
    }
}

/// Opens the cluster or snapshot. Call within the runtime that is to read it.
pub(super) async fn open(access: &Access) -> Result<Source, CliError> {
    let opened: Result<Source, AgentError> = match &access.bundle {
        Some(bundle) => Source::snapshot(bundle),
        None => {
            let Access { kubeconfig, context, impersonate, .. } = access.clone();
            live::connect(&live::Access { kubeconfig, context, impersonate, connect_timeout: None }).await
        }
    };
    opened.map_err(CliError::failed)
}

/// What reading may cost.
pub(super) fn bounds(limits: Limits) -> agent::Limits {
    let Limits { since: _, timeout, concurrency, log_lines, max_requests, max_bytes } = limits;
    agent::Limits {
        timeout: timeout.duration(),
        concurrency,
        log_lines,
        max_requests,
        max_bytes: max_bytes.0,
        ..agent::Limits::default()
    }
}
