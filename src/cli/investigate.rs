//! `sre-orch investigate`: find the root cause.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueHint};

use crate::report::ignore::IgnoreList;
use crate::report::model::{Level, Report, Verdict};
use crate::report::render::{Format, Options, render};

use super::args::{AccessArgs, GraphDirArgs, LimitArgs, LlmArgs, ScopeArgs};
use super::assistant::{self, Assistant};
use super::error::{CliError, Exit};
use super::settings::{Access, Limits, Llm, Scope, graph_dirs};
use super::ui::Ui;
use super::values::{FailOn, Output, flag};
use super::{Context, config, session, wiring};

/// A description longer than this is no sentence.
const LONGEST_DESCRIPTION: u64 = 64 << 10;

/// Find the root cause of what is described
///
/// Say what is wrong in a sentence: names of workloads, services, nodes or namespaces, and what
/// they do or do not do. Without a description the question is whether anything is wrong at all.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  sre-orch investigate \"checkout keeps restarting since the release\" -n shop
  sre-orch investigate --bundle snapshot.tar.gz -o markdown \"web cannot reach its database\"
  sre-orch investigate -A --fail-on medium -o junit > report.xml")]
pub(super) struct InvestigateArgs {
    /// What is wrong, in a sentence; `-` reads it from stdin
    description: Option<String>,

    #[command(flatten)]
    scope: ScopeArgs,

    /// Look only at what has these labels, and what it leads to
    #[arg(short = 'l', long, value_name = "LABELS", env = "SRE_ORCH_SELECTOR", help_heading = "Cluster")]
    selector: Option<String>,

    #[command(flatten)]
    access: AccessArgs,

    /// Print the report in this format [default: table]
    #[arg(short, long, value_name = "FORMAT", env = "SRE_ORCH_OUTPUT", help_heading = "Report")]
    output: Option<Output>,

    /// Show at most this many hypotheses in table, wide and markdown [default: 3]
    #[arg(long, value_name = "N", env = "SRE_ORCH_TOP", help_heading = "Report")]
    top: Option<usize>,

    /// Report what is bad practice but no fault, too
    #[arg(long, env = "SRE_ORCH_HYGIENE", value_parser = flag(), help_heading = "Report")]
    hygiene: bool,

    /// Exit with 3 when a hypothesis or other finding has this confidence, and with 1 when it cannot be told
    #[arg(long, value_name = "LEVEL", env = "SRE_ORCH_FAIL_ON", help_heading = "Report")]
    fail_on: Option<FailOn>,

    /// Report the known findings of this file as ignored (YAML: cause, object, reason, expires)
    #[arg(long, value_name = "FILE", env = "SRE_ORCH_IGNORE", value_hint = ValueHint::FilePath, help_heading = "Report")]
    ignore: Option<PathBuf>,

    #[command(flatten)]
    limits: LimitArgs,

    /// Show what would be read, and stop
    #[arg(long, env = "SRE_ORCH_PLAN", value_parser = flag(), help_heading = "Limits")]
    plan: bool,

    /// Read a large cluster in full instead of only where something stands out
    #[arg(long, env = "SRE_ORCH_NO_TRIAGE", value_parser = flag(), help_heading = "Limits")]
    no_triage: bool,

    #[command(flatten)]
    llm: LlmArgs,

    #[command(flatten)]
    graph: GraphDirArgs,
}

/// What is to be investigated, all sources of settings settled.
#[derive(Clone, Debug)]
pub(super) struct Investigation {
    /// Empty: is anything wrong?
    pub(super) description: String,
    pub(super) scope: Scope,
    pub(super) selector: Option<String>,
    pub(super) access: Access,
    pub(super) limits: Limits,
    pub(super) hygiene: bool,
    pub(super) triage: bool,
    pub(super) llm: Llm,
    pub(super) graph: Vec<PathBuf>,
}

/// How the report is to be shown and judged.
#[derive(Clone, Debug)]
pub(super) struct Presentation {
    output: Output,
    top: usize,
    fail_on: Option<FailOn>,
    ignore: IgnoreList,
    plan: bool,
}

pub(super) fn run(args: InvestigateArgs, context: &Context) -> Result<Exit, CliError> {
    let (investigation, presentation) = resolve(args, context)?;
    if presentation.plan {
        context.ui.print(wiring::plan(&investigation)?)?;
        return Ok(Exit::Done);
    }
    // Ready by the time the first log arrives.
    std::thread::spawn(crate::logs::prepare);
    let format = Format::from(presentation.output);
    let for_people = matches!(format, Format::Table | Format::Wide | Format::Markdown);
    let assistant = Assistant::new(&investigation.llm, &context.ui)?;
    let Llm { explain, show, .. } = investigation.llm;
    let helper = assistant.clone();
    let mut found = session::run(&context.ui, for_people && !show, |reporter| {
        wiring::investigate(investigation, helper, reporter)
    })?;
    let when = found.report.source.captured_at.unwrap_or(found.report.generated_at);
    let today = when.to_zoned(jiff::tz::TimeZone::UTC).date();
    for warning in presentation.ignore.apply(&mut found.report, today) {
        context.ui.warn(&warning);
    }
    // On a terminal the report does not wait for its explanation.
    let streams = explain && for_people && std::io::stdout().is_terminal();
    if streams {
        context.ui.print(rendered(&found.report, &presentation, &context.ui)?)?;
    }
    let explained = match explain {
        true => assistant::explain(&mut found, assistant, streams, &context.ui)?,
        false => Exit::Done,
    };
    let report = found.report;
    if !streams {
        context.ui.print(rendered(&report, &presentation, &context.ui)?)?;
    }
    match explained {
        Exit::Done => Ok(exit(levels(&report), report.verdict, presentation.fail_on.map(Level::from))),
        interrupted => Ok(interrupted),
    }
}

fn resolve(args: InvestigateArgs, context: &Context) -> Result<(Investigation, Presentation), CliError> {
    let InvestigateArgs {
        description,
        scope,
        selector,
        access,
        output,
        top,
        hygiene,
        fail_on,
        ignore,
        limits,
        plan,
        no_triage,
        llm,
        graph,
    } = args;
    let config = context.config();
    let resolver = &mut context.resolver();
    let presentation = Presentation {
        output: resolver.value("output", output, config.output, Output::Table),
        top: resolver.value("top", top, config.top, 3),
        fail_on: resolver.optional("fail-on", fail_on, config.fail_on),
        ignore: ignore_list(resolver.path("ignore", ignore, config.ignore.clone()))?,
        plan,
    };
    let investigation = Investigation {
        scope: Scope::resolve(scope, resolver)?,
        selector,
        access: Access::resolve(access, resolver),
        limits: Limits::resolve(limits, resolver)?,
        hygiene: resolver.switch("hygiene", hygiene, config.hygiene),
        triage: !resolver.switch("no-triage", no_triage, config.no_triage),
        llm: Llm::resolve(llm, resolver)?,
        graph: graph_dirs(graph, resolver),
        // Last, because it may wait for stdin.
        description: describe(description, &context.ui)?,
    };
    for settled in &resolver.settled {
        tracing::debug!("{} = {:?} ({})", settled.name, settled.value, settled.origin);
    }
    Ok((investigation, presentation))
}

/// The description as typed, or what stdin holds.
fn describe(description: Option<String>, ui: &Ui) -> Result<String, CliError> {
    let text = match description.as_deref() {
        Some("-") => {
            let mut bytes = Vec::new();
            std::io::stdin()
                .lock()
                .take(LONGEST_DESCRIPTION + 1)
                .read_to_end(&mut bytes)
                .context("cannot read the description from stdin")
                .map_err(CliError::failed)?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => description.unwrap_or_default(),
    };
    let end = text.floor_char_boundary(usize::try_from(LONGEST_DESCRIPTION).unwrap_or(usize::MAX));
    if end < text.len() {
        ui.warn(&format!("the description is longer than {LONGEST_DESCRIPTION} bytes; the rest is left out"));
    }
    Ok(text.get(..end).unwrap_or_default().trim().to_owned())
}

fn ignore_list(path: Option<PathBuf>) -> Result<IgnoreList, CliError> {
    let Some(path) = path else { return Ok(IgnoreList::default()) };
    let failed = |what: &str, error: anyhow::Error| {
        CliError::config(error.context(format!("{what} {}", path.display())))
    };
    let yaml = config::read(&path).map_err(|error| failed("cannot read the known findings of", error))?;
    IgnoreList::parse(&yaml).map_err(|error| failed("cannot use the known findings of", error.into()))
}

fn rendered(report: &Report, presentation: &Presentation, ui: &Ui) -> Result<Vec<u8>, CliError> {
    let options = Options {
        width: Ui::width(),
        color: ui.color_out,
        top: presentation.top,
        fail_on: presentation.fail_on.map_or(Level::Medium, Level::from),
    };
    let mut out = Vec::new();
    render(report, presentation.output.into(), &options, &mut out)
        .context("cannot render the report")
        .map_err(CliError::failed)?;
    Ok(out)
}

/// The confidence of everything that was found and is not ignored.
fn levels(report: &Report) -> impl Iterator<Item = Level> {
    let hypotheses = report.hypotheses.iter().map(|found| found.confidence.level);
    hypotheses.chain(report.other_findings.iter().map(|found| found.confidence.level))
}

/// With `--fail-on` what was found decides, else an investigation that completed is a success.
fn exit(mut levels: impl Iterator<Item = Level>, verdict: Verdict, fail_on: Option<Level>) -> Exit {
    match fail_on {
        Some(least) if levels.any(|found| found >= least) => Exit::Findings,
        Some(_) if verdict == Verdict::Inconclusive => Exit::Failed,
        _ => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_decides_the_exit_code() {
        let exit = |found: &[Level], verdict, fail_on| exit(found.iter().copied(), verdict, fail_on);
        assert_eq!(exit(&[Level::High], Verdict::RootCause, None), Exit::Done);
        assert_eq!(exit(&[], Verdict::Inconclusive, None), Exit::Done);
        assert_eq!(exit(&[], Verdict::Inconclusive, Some(Level::High)), Exit::Failed);
        assert_eq!(exit(&[Level::Low, Level::Medium], Verdict::NoFault, Some(Level::Medium)), Exit::Findings);
        assert_eq!(exit(&[Level::Medium], Verdict::NoFault, Some(Level::High)), Exit::Done);
    }
}
