//! `sre-orch graph`: look at, check and test failure modes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::args::GraphDirArgs;
use crate::knowledge::Role;

use super::error::{CliError, Exit};
use super::settings::graph_dirs;
use super::{Context, wiring};

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
        /// Whose schema
        #[arg(value_enum, default_value_t = SchemaOf::FailureMode)]
        of: SchemaOf,
    },
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SchemaOf {
    /// A file of the knowledge graph
    FailureMode,
    /// What `investigate -o json` prints
    Report,
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
    let resolver = &mut context.resolver();
    match args.command {
        GraphCommand::Lint(dirs) => {
            report(&wiring::lint(graph_dirs(dirs, resolver))?, "failure modes", "checked", context)
        }
        GraphCommand::List(dirs) => {
            context.ui.print(list(&wiring::list(graph_dirs(dirs, resolver))?)).map(|()| Exit::Done)
        }
        GraphCommand::Show { id, dirs } => {
            context.ui.print(wiring::show(&id, graph_dirs(dirs, resolver))?).map(|()| Exit::Done)
        }
        GraphCommand::Test { paths, dirs } => {
            report(&wiring::test(paths, graph_dirs(dirs, resolver))?, "tests", "run", context)
        }
        GraphCommand::Schema { of } => {
            let schema = match of {
                SchemaOf::FailureMode => wiring::schema()?,
                SchemaOf::Report => crate::report::schema(),
            };
            context.ui.print(format!("{schema:#}\n")).map(|()| Exit::Done)
        }
    }
}

/// Problems, then how much was checked.
fn report(checked: &Checked, what: &str, done: &str, context: &Context) -> Result<Exit, CliError> {
    let mut text = String::new();
    for problem in &checked.problems {
        let _ = writeln!(text, "{problem}");
    }
    let _ = writeln!(text, "{} {what} {done}, {} problems", checked.checked, checked.problems.len());
    context.ui.print(text)?;
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
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for mode in modes {
        *counts.entry((&mode.category, mode.role.as_str())).or_insert(0) += 1;
    }
    let counted = counts.iter().map(|((category, role), count)| format!("{category} {role} {count}"));
    let _ = writeln!(text, "{} failure modes: {}", modes.len(), counted.collect::<Vec<_>>().join(", "));
    text
}
