//! `sre-orch completions` and `sre-orch man`: generated from the command line itself.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::error::{CliError, Exit};
use super::{Cli, Context};

/// Print a shell's completions
///
/// For bash: `source <(sre-orch completions bash)`.
#[derive(Clone, Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Print the manual page
///
/// In roff: `sre-orch man | man -l -`.
#[derive(Clone, Debug, Args)]
pub(super) struct ManArgs {
    /// The command to describe, such as `investigate` or `graph test` [default: sre-orch itself]
    command: Vec<String>,
}

pub(super) fn completions(args: CompletionsArgs, context: &Context) -> Result<Exit, CliError> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sre-orch", &mut out);
    context.ui.print(out)?;
    Ok(Exit::Done)
}

pub(super) fn man(args: ManArgs, context: &Context) -> Result<Exit, CliError> {
    let mut command = Cli::command();
    command.build();
    for name in &args.command {
        let found = command.find_subcommand(name).cloned();
        command = found.ok_or_else(|| {
            CliError::usage(format!("there is no command `{name}`; `sre-orch --help` lists them"))
        })?;
    }
    let mut out = Vec::new();
    clap_mangen::Man::new(command).render(&mut out)?;
    context.ui.print(out)?;
    Ok(Exit::Done)
}
