//! `sre-orch graph`: look at, check and test failure modes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use comfy_table::{ContentArrangement, Table, presets};

use super::args::GraphDirArgs;
use crate::knowledge::Role;

use super::error::{CliError, Exit};
use super::settings::graph_dirs;
use super::ui::Ui;
use super::{Context, session, wiring};

/// Look at, check and test failure modes
///
/// Failure modes are YAML files that map facts to causes. The bundled ones are part of the program;
/// --graph merges a directory of your own over them, by id.
#[derive(Clone, Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct GraphArgs {
    #[command(subcommand)]
    command: GraphCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum GraphCommand {
    /// Check every failure mode; exit with 1 where one has a problem
    Lint(GraphDirArgs),
    /// List the failure modes
    List(GraphDirArgs),
    /// Print one failure mode
    Show {
        /// The failure mode's id
        id: String,
        #[command(flatten)]
        dirs: GraphDirArgs,
    },
    /// Run the tests of failure modes, and of labelled snapshots; exit with 1 where one fails
    Test {
        /// Directories of failure modes, and snapshots with an expected.yaml
        #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        dirs: GraphDirArgs,
    },
    /// Print the JSON Schema of failure modes, or of reports
    Schema {
        /// Print the schema of what `investigate -o json` prints instead
        #[arg(long)]
        report: bool,
    },
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked {
    /// How many were checked.
    pub(super) checked: usize,
    /// A line for each problem.
    pub(super) problems: Vec<String>,
}

/// One line of the list.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) category: String,
    pub(super) role: Role,
    pub(super) title: String,
}

pub(super) fn run(args: GraphArgs, context: &Context) -> Result<Exit, CliError> {
    let ui = &context.ui;
    let resolver = &mut context.resolver();
    match args.command {
        GraphCommand::Lint(dirs) => {
            let dirs = graph_dirs(dirs, resolver);
            let checked = session::run(ui, false, |_| async move { wiring::lint(&dirs) })?;
            report(&checked, "failure modes checked", ui)
        }
        GraphCommand::List(dirs) => {
            let dirs = graph_dirs(dirs, resolver);
            let modes = session::run(ui, false, |_| async move { wiring::list(&dirs) })?;
            ui.print(list(&modes)).map(|()| Exit::Done)
        }
        GraphCommand::Show { id, dirs } => {
            let dirs = graph_dirs(dirs, resolver);
            let text = session::run(ui, false, |_| async move { wiring::show(&id, &dirs) })?;
            ui.print(text).map(|()| Exit::Done)
        }
        GraphCommand::Test { paths, dirs } => {
            let dirs = graph_dirs(dirs, resolver);
            let tested = session::run(ui, true, |reporter| wiring::test(paths, dirs, reporter))?;
            report(&tested, "tests run", ui)
        }
        GraphCommand::Schema { report } => {
            let schema = if report { crate::report::schema() } else { wiring::schema() };
            ui.print(format!("{schema:#}\n")).map(|()| Exit::Done)
        }
    }
}

/// Problems, then how much was checked.
fn report(checked: &Checked, what: &str, ui: &Ui) -> Result<Exit, CliError> {
    let mut text = String::new();
    for problem in &checked.problems {
        let _ = writeln!(text, "{problem}");
    }
    let _ = writeln!(text, "{} {what}, {} problems", checked.checked, checked.problems.len());
    ui.print(text)?;
    Ok(if checked.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Columns as wide as their widest entry, then how many there are by category and role.
fn list(modes: &[Listed]) -> String {
    let widest = |part: fn(&Listed) -> &str| modes.iter().map(|mode| part(mode).len()).max().unwrap_or(0);
    let (ids, categories) = (widest(|mode| &mode.id), widest(|mode| &mode.category));
    let mut text = modes.iter().fold(String::new(), |mut text, mode| {
        let role = mode.role.as_str();
        let _ =
            writeln!(text, "{:<ids$}  {:<categories$}  {role:<7}  {}", mode.id, mode.category, mode.title);
        text
    });
    let _ = writeln!(text, "\n{} failure modes by category and role", modes.len());
    text.push_str(&counts(modes));
    text
}

/// How many there are by category and role.
fn counts(modes: &[Listed]) -> String {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let roles: BTreeSet<&str> = modes.iter().map(|mode| mode.role.as_str()).collect();
    for mode in modes {
        for category in [mode.category.as_str(), "total"] {
            *counts.entry(category).or_default().entry(mode.role.as_str()).or_insert(0) += 1;
        }
    }
    let total = counts.remove_entry("total");
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["category"].into_iter().chain(roles.iter().copied()));
    for (category, of) in counts.into_iter().chain(total) {
        let cells = roles.iter().map(|role| of.get(role).map(usize::to_string).unwrap_or_default());
        table.add_row([category.to_owned()].into_iter().chain(cells));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
