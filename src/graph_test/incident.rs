//! Whole incidents as tests: a directory with an `expected.yaml` and a snapshot.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;

use crate::agent::{Limits, Source};
use crate::knowledge::Graph;
use crate::knowledge::component::parse_reference;
use crate::pipeline::{self, Request, Silent};
use crate::report::model::{Level, Report, Verdict};

use super::TestResult;

/// What an incident's investigation must find.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Expected {
    /// The snapshot, relative to this file.
    pub bundle: PathBuf,
    /// The description as typed.
    #[serde(default)]
    pub description: String,
    /// `-n`.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// The first hypothesis' cause; `none`: nothing of medium confidence may be found.
    pub cause: String,
    /// The blamed object: `Deployment/shop/checkout`, `Node/node-1`.
    #[serde(default)]
    pub object: Option<String>,
    /// The least level of confidence.
    #[serde(default)]
    pub level: Option<String>,
    /// What a change of the first hypothesis must say.
    #[serde(default)]
    pub change: Option<String>,
}

/// Finds the `expected.yaml` files at or below a path, in order.
pub fn find(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return if path.file_name().is_some_and(|name| name == "expected.yaml") {
            vec![path.to_owned()]
        } else {
            Vec::new()
        };
    }
    let own = path.join("expected.yaml");
    if own.is_file() {
        return vec![own];
    }
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    let mut directories: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    directories.sort();
    directories.iter().flat_map(|directory| find(directory)).collect()
}

/// Investigates one incident and compares.
pub async fn run(graph: &Graph, file: &Path) -> TestResult {
    let name = file
        .parent()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let failure = check(graph, file).await.err();
    TestResult { id: "incident".to_owned(), name, failure }
}

async fn check(graph: &Graph, file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let expected: Expected = serde_yaml::from_str(&text).map_err(|error| error.to_string())?;
    let bundle = file.parent().unwrap_or(Path::new(".")).join(&expected.bundle);
    let source = Source::snapshot(&bundle).map_err(|error| error.to_string())?;
    let request = Request {
        description: expected.description.clone(),
        namespaces: expected.namespaces.clone(),
        selector: None,
        since: SignedDuration::from_hours(1),
        limits: Limits::default(),
        hygiene: false,
        triage: true,
    };
    let report =
        pipeline::investigate(source, graph, &request, &Silent).await.map_err(|error| error.to_string())?;
    compare(&expected, &report)
}

fn compare(expected: &Expected, report: &Report) -> Result<(), String> {
    let first = report.hypotheses.first();
    let got = first.map_or("nothing".to_owned(), |first| {
        format!("{} on {} ({})", first.cause, first.object, first.confidence.level.as_str())
    });
    if expected.cause == "none" {
        let quiet = report.verdict != Verdict::RootCause
            && report.hypotheses.iter().all(|one| one.confidence.level < Level::Medium);
        return if quiet { Ok(()) } else { Err(format!("wanted nothing, got {got}")) };
    }
    let Some(first) = first.filter(|first| first.cause == expected.cause) else {
        return Err(format!("wanted {}, got {got}", expected.cause));
    };
    if let Some(object) = &expected.object
        && parse_reference(object)? != first.object
    {
        return Err(format!("wanted it on {object}, got {got}"));
    }
    if let Some(level) = &expected.level
        && first.confidence.level.as_str() != level
    {
        return Err(format!("wanted {level}, got {got}"));
    }
    match &expected.change {
        Some(change) if !first.changes.iter().any(|one| one.what.contains(change.as_str())) => {
            Err(format!("no change says `{change}`; got {:?}", first.changes))
        }
        _ => Ok(()),
    }
}
