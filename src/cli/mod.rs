//! The command line: arguments, configuration, output and exit codes.
//!
//! The only module that knows terminals, environment variables and clap. Each command resolves its
//! arguments to settings, calls the library through [`wiring`], and writes the result; it decides
//! nothing about clusters. Results go to stdout, everything else to stderr.

mod args;
mod assistant;
mod completions;
mod config;
mod doctor;
mod error;
mod graph;
mod investigate;
mod logging;
mod progress;
mod rbac;
mod serve;
mod session;
mod settings;
mod snapshot;
mod ui;
mod values;
mod wiring;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use config::{Config, ConfigFile};
use error::{CliError, Exit};
use settings::Resolver;
use ui::Ui;
use values::Color;

/// Finds the root cause of Kubernetes incidents, with evidence
///
/// Describe what is wrong in a sentence; sre-orch reads the cluster (or a snapshot of one) and
/// answers with the cause, the evidence for it and what to do next. It only ever reads, and needs
/// neither an LLM nor anything installed in the cluster.
#[derive(Debug, Parser)]
#[command(name = "sre-orch", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 completed; 1 could not, or a problem was found; 2 usage or configuration; \
                        3 --fail-on reached; 130 interrupted."
)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
struct GlobalArgs {
    /// Log what is done; twice for every detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count, env = "SRE_ORCH_VERBOSE")]
    verbose: u8,

    /// Print results and errors only
    #[arg(short, long, global = true, env = "SRE_ORCH_QUIET", value_parser = values::flag())]
    quiet: bool,

    /// When to use colours [default: auto]
    #[arg(long, global = true, value_name = "WHEN", env = "SRE_ORCH_COLOR")]
    color: Option<Color>,

    /// Read this configuration file [default: sre-orch/config.yaml in the user's configuration directory]
    #[arg(long, global = true, value_name = "FILE", env = "SRE_ORCH_CONFIG", value_hint = clap::ValueHint::FilePath)]
    config: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Investigate(investigate::InvestigateArgs),
    Serve(Box<serve::ServeArgs>),
    Snapshot(snapshot::SnapshotArgs),
    Graph(graph::GraphArgs),
    Doctor(doctor::DoctorArgs),
    Rbac(rbac::RbacArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

/// What a command works with beside its own arguments.
struct Context {
    ui: Ui,
    file: ConfigFile,
    /// The matches of the command, which know where each value came from.
    matches: ArgMatches,
}

impl Context {
    /// Settles values of this command's arguments.
    fn resolver(&self) -> Resolver<'_> {
        Resolver::new(&self.matches, &self.file)
    }

    /// The configuration file's values.
    fn config(&self) -> &Config {
        &self.file.config
    }
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    run(std::env::args_os()).into()
}

fn run(arguments: impl Iterator<Item = OsString>) -> Exit {
    let parsed = Cli::command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return help_or_usage(&error),
    };
    let file = match ConfigFile::load(cli.global.config.as_deref()) {
        Ok(file) => file,
        Err(error) => return Ui::new(cli.global.color, false).fail(&error),
    };
    let ui = Ui::new(cli.global.color.or(file.config.color), cli.global.quiet);
    match &cli.command {
        Command::Serve(args) => logging::init_server(cli.global.verbose, cli.global.quiet, args.log_format()),
        _ => logging::init(cli.global.verbose, cli.global.quiet, ui.color_err),
    }
    let ui = ui.verbose(cli.global.verbose > 0);
    let context = Context { ui, file, matches: innermost(matches) };
    dispatch(cli.command, &context).unwrap_or_else(|error| context.ui.fail(&error))
}

fn dispatch(command: Command, context: &Context) -> Result<Exit, CliError> {
    match command {
        Command::Investigate(args) => investigate::run(args, context),
        Command::Serve(args) => serve::run(*args, context),
        Command::Snapshot(args) => snapshot::run(args, context),
        Command::Graph(args) => graph::run(args, context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Rbac(args) => rbac::run(args, context),
        Command::Completions(args) => completions::completions(args, context),
        Command::Man(args) => completions::man(args, context),
    }
}

/// The matches of the command that was named; global arguments are in each of them.
fn innermost(matches: ArgMatches) -> ArgMatches {
    let mut matches = matches;
    while let Some((_, inner)) = matches.remove_subcommand() {
        matches = inner;
    }
    matches
}

/// Help and version are results; anything else clap has to say is a usage error.
fn help_or_usage(error: &clap::Error) -> Exit {
    // A closed pipe is no error, and clap picks the stream.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Calls a function for every command but the root.
    fn each(command: &clap::Command, test: &mut dyn FnMut(&clap::Command)) {
        for inner in command.get_subcommands() {
            test(inner);
            each(inner, test);
        }
    }

    #[test]
    fn help_reads_well() {
        each(&Cli::command(), &mut |command| {
            let texts = command
                .get_arguments()
                .map(|argument| (argument.get_id().to_string(), argument.get_help().map(ToString::to_string)))
                .chain([(command.get_name().to_owned(), command.get_about().map(ToString::to_string))]);
            for (name, text) in texts.filter(|(name, _)| name != "help") {
                let text = text.unwrap_or_default();
                let first = text.lines().next().unwrap_or_default();
                assert!(!first.is_empty(), "{} {name} has no help", command.get_name());
                assert!(!first.ends_with('.'), "{} {name}: {first}", command.get_name());
            }
        });
    }

    #[test]
    fn every_flag_has_a_variable() {
        each(&Cli::command(), &mut |command| {
            for argument in command.get_arguments().filter(|argument| !argument.is_positional()) {
                let id = argument.get_id().as_str();
                // These belong to one call, not to an environment.
                if ["help", "version", "file", "force", "report"].contains(&id) {
                    continue;
                }
                let variable = argument.get_env().and_then(|name| name.to_str()).unwrap_or_default();
                assert!(variable.starts_with("SRE_ORCH_"), "{} --{id}", command.get_name());
            }
        });
    }
}
