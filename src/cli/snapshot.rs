//! `sre-orch snapshot`: write what an investigation reads into a file.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::args::{AccessArgs, LimitArgs, ScopeArgs};
use super::error::{CliError, Exit};
use super::settings::{Access, Limits, Scope};
use super::{Context, session, wiring};

/// Write a snapshot of the cluster for a later investigation
///
/// Objects, events and logs are redacted; of Secrets only names, and of ConfigMaps redacted values
/// are written. `sre-orch investigate --bundle FILE` reads the snapshot.
#[derive(Clone, Debug, Args)]
pub(super) struct SnapshotArgs {
    /// Write the snapshot to this file (.tar.gz)
    #[arg(short, long, value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Replace the file where it exists
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    scope: ScopeArgs,

    #[command(flatten)]
    access: AccessArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

/// What to write, all sources of settings settled.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    pub(super) file: PathBuf,
    pub(super) scope: Scope,
    pub(super) access: Access,
    pub(super) limits: Limits,
}

pub(super) fn run(args: SnapshotArgs, context: &Context) -> Result<Exit, CliError> {
    let SnapshotArgs { file, force, scope, access, limits } = args;
    if !force && file.exists() {
        return Err(CliError::usage(format!(
            "{} exists; choose another name or add --force",
            file.display()
        )));
    }
    let resolver = &mut context.resolver();
    let capture = Capture {
        file,
        scope: Scope::resolve(scope, resolver)?,
        access: Access::resolve(access, resolver),
        limits: Limits::resolve(limits, resolver)?,
    };
    let file = capture.file.display().to_string();
    let written = session::run(&context.ui, true, |reporter| wiring::write_snapshot(capture, reporter))?;
    for (what, why) in &written.unread {
        context.ui.warn(&format!("not in the snapshot: {what}: {why}"));
    }
    context.ui.note(&format!("{file}: {} objects, {} logs", written.objects, written.logs));
    Ok(Exit::Done)
}
