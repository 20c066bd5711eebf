//! `sre-orch doctor`: which settings hold, and whether sre-orch can work with them.

use std::fmt::Write as _;

use clap::Args;

use super::args::{AccessArgs, GraphDirArgs, LimitArgs, LlmArgs, ScopeArgs};
use super::error::{CliError, ErrorKind, Exit};
use super::settings::{Access, Limits, Llm, Scope, Settled, graph_dirs};
use super::{Context, assistant, session, wiring};

/// Check settings, access and permissions
///
/// Shows each setting with where it came from (flag, environment, configuration file or default),
/// then checks the failure modes, reaches the cluster, and tries to read what an investigation starts
/// with.
#[derive(Clone, Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    llm: LlmArgs,
    #[command(flatten)]
    graph: GraphDirArgs,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Good,
    /// Works, but not all of it.
    Limited,
    Bad,
}

/// One check.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) health: Health,
    pub(super) detail: String,
}

pub(super) fn run(args: DoctorArgs, context: &Context) -> Result<Exit, CliError> {
    let DoctorArgs { scope, access, limits, llm, graph } = args;
    let resolver = &mut context.resolver();
    let scope = Scope::resolve(scope, resolver)?;
    let access = Access::resolve(access, resolver);
    let limits = Limits::resolve(limits, resolver)?;
    let llm = Llm::resolve(llm, resolver)?;
    let dirs = graph_dirs(graph, resolver);

    let linted = session::run(&context.ui, false, move |_| async move { wiring::lint(&dirs) });
    let mut checks = vec![graph_check(linted)];
    match session::run(&context.ui, true, move |reporter| {
        wiring::check_access(access, scope, limits, reporter)
    }) {
        Ok(found) => checks.extend(found),
        // The settings above are what helps to find out why.
        Err(error) if error.kind == ErrorKind::Failed => {
            checks.push(Check {
                name: "cluster".to_owned(),
                health: Health::Bad,
                detail: error.lines().join("\n"),
            });
        }
        Err(error) => return Err(error),
    }
    checks.extend(session::run(&context.ui, true, move |reporter| async move {
        reporter.phase("Asking the LLM");
        assistant::check(llm).await
    })?);
    let file = context.file.path.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
    let mut text =
        format!("sre-orch {}\nconfiguration file: {file}\n\nSettings\n", env!("CARGO_PKG_VERSION"));
    text.push_str(&settings(&resolver.settled));
    text.push_str("\nChecks\n");
    for Check { name, health, detail } in &checks {
        let mark = match health {
            Health::Good => "ok",
            Health::Limited => "limited",
            Health::Bad => "problem",
        };
        let _ = writeln!(text, "  {mark:<8} {name}: {detail}");
    }
    context.ui.print(crate::redact::clean(&text).as_bytes())?;
    let bad = checks.iter().any(|check| check.health == Health::Bad);
    Ok(if bad { Exit::Failed } else { Exit::Done })
}

/// A line each: name, value, and which source won.
fn settings(settled: &[Settled]) -> String {
    settled.iter().fold(String::new(), |mut text, Settled { name, value, origin }| {
        let value = if value.is_empty() { "-" } else { value };
        let _ = writeln!(text, "  {name:<15} {value:<20} {origin}");
        text
    })
}

fn graph_check(linted: Result<super::graph::Checked, CliError>) -> Check {
    let (health, detail) = match linted {
        Ok(checked) if checked.problems.is_empty() => {
            (Health::Good, format!("{} failure modes", checked.checked))
        }
        Ok(checked) => {
            (Health::Bad, format!("{} problems; see `sre-orch graph lint`", checked.problems.len()))
        }
        Err(error) => (Health::Bad, error.lines().join("\n")),
    };
    Check { name: "knowledge graph".to_owned(), health, detail }
}
