//! `sgbind snapshot`: files to work from without AWS.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use crate::aws::pacing::{Pacer, Share};
use crate::aws::{Clouds, LeftOut, Progress, Source, Taken, holds_snapshot, take_snapshot};
use crate::model::AccountRoles;
use crate::telemetry::metrics::Metrics;

use super::plan::write;

/// Arguments of `sgbind snapshot`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder for the files: a new or empty one, or that of an earlier snapshot, which is replaced.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// AWS Region [default: as AWS's tools are configured].
    #[arg(long, env = "SGBIND_REGION", help_heading = "AWS")]
    region: Option<String>,
}

/// The name of a role's session; no role is assumed here.
const SESSION: &str = "snapshot";

/// # Errors
/// AWS does not say who we are, or the folder can't be written.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let region = arguments.region.as_deref().map(Into::into);
    let pacer = Pacer::new(Share::default(), Arc::new(Metrics::new()));
    let (roles, session) = (AccountRoles::default(), SESSION.parse()?);
    let clouds = Clouds::connect(&Source::Environment, region, &roles, &session, pacer).await;
    let clouds = clouds.context("AWS can't be asked")?;
    let dir = arguments.dir.display();
    if holds_snapshot(&arguments.dir) {
        eprintln!("sgbind: the snapshot in {dir} is replaced");
    }
    let on_terminal = std::io::stderr().is_terminal();
    let taken = take_snapshot(&clouds, &arguments.dir, |progress| show(on_terminal, progress)).await;
    if on_terminal {
        eprint!("\r\x1b[K");
    }
    let taken = taken?;
    tell(&taken)?;
    match taken.left_out.len() {
        0 => Ok(ExitCode::SUCCESS),
        count => {
            eprintln!("sgbind: the snapshot in {dir} lacks {count} of {} files", count + taken.files.len());
            Ok(ExitCode::FAILURE)
        }
    }
}

/// How far it has come, in the last line of a terminal.
fn show(on_terminal: bool, Progress { file, done, of }: Progress<'_>) {
    if on_terminal {
        eprint!("\r\x1b[K{file} {done}/{of}");
        let _ = std::io::stderr().flush();
    }
}

fn tell(taken: &Taken) -> anyhow::Result<()> {
    let lines: Vec<String> = taken.files.iter().map(|(file, count)| format!("{count:>6}  {file}\n")).collect();
    write(&lines.concat())?;
    for LeftOut { file, permission, reason } in &taken.left_out {
        eprintln!("sgbind: {file} is left out (it takes {permission}): {reason}");
    }
    Ok(())
}
