//! Where the command line meets the library: one function for each thing a command asks for.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;

use crate::report::model::Report;

use super::doctor::Check;
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

/// Runs an investigation.
pub(super) async fn investigate(
    investigation: Investigation,
    reporter: Arc<Reporter>,
) -> Result<Report, CliError> {
    let Investigation { description, scope, selector, access, limits, hygiene, triage, llm, graph } =
        investigation;
    reporter.phase("investigating");
    tracing::debug!(?description, ?scope, ?selector, ?access, ?limits, hygiene, triage, ?llm, ?graph);
    let _ = (limits.since.signed(), limits.timeout.duration());
    Err(unwired("investigate"))
}

/// What an investigation would read.
pub(super) fn plan(_investigation: &Investigation) -> Result<String, CliError> {
    Err(unwired("plan"))
}

/// Writes a snapshot.
pub(super) async fn write_snapshot(capture: Capture, reporter: Arc<Reporter>) -> Result<Written, CliError> {
    let Capture { file, scope, access, limits } = capture;
    reporter.phase("reading the cluster");
    tracing::debug!(?file, ?scope, ?access, ?limits);
    Err(unwired("snapshot"))
}

/// Checks the cluster and what it permits.
pub(super) async fn check_access(
    access: Access,
    scope: Scope,
    limits: Limits,
) -> Result<Vec<Check>, CliError> {
    tracing::debug!(?access, ?scope, ?limits);
    Err(unwired("doctor"))
}

/// Checks failure modes.
pub(super) fn lint(_dirs: Vec<PathBuf>) -> Result<Checked, CliError> {
    Err(unwired("graph lint"))
}

/// Lists failure modes.
pub(super) fn list(_dirs: Vec<PathBuf>) -> Result<Vec<Listed>, CliError> {
    Err(unwired("graph list"))
}

/// One failure mode as YAML.
pub(super) fn show(_id: &str, _dirs: Vec<PathBuf>) -> Result<String, CliError> {
    Err(unwired("graph show"))
}

/// Runs the tests of failure modes and snapshots.
pub(super) fn test(_paths: Vec<PathBuf>, _dirs: Vec<PathBuf>) -> Result<Checked, CliError> {
    Err(unwired("graph test"))
}

/// The JSON Schema of failure modes.
pub(super) fn schema() -> Result<serde_json::Value, CliError> {
    Err(unwired("graph schema"))
}

/// Stands in until the pipeline is merged.
fn unwired(what: &str) -> CliError {
    CliError::failed(anyhow!("`{what}` is not part of this build"))
}
