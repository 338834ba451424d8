//! The command line, one file a verb.

mod arguments;
mod check;
mod completions;
mod controller;
mod iam_policy;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Keeps the security groups between load balancers and their targets at exactly the least-privilege rules.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Runs the loop: keeps the security groups of all ALBTargetBindings as they should be.
    Controller(Box<controller::Arguments>),
    /// Looks whether all is there that sgbind needs, and whether the controller works: a line for each check.
    Check(Box<check::Arguments>),
    /// Prints the CustomResourceDefinitions, for kubectl apply.
    Crds,
    /// Prints the least IAM policy for the controller's role.
    IamPolicy(iam_policy::Arguments),
    /// Prints the completions for a shell.
    Completions(completions::Arguments),
}

/// Under this name kubectl finds its plug-in `sgbind`.
const PLUG_IN: &str = "kubectl-sgbind";

impl Cli {
    /// Reads the command line, the name of the program first. Ends the process where that can't be understood, or asks
    /// for help only.
    pub fn from_command_line(words: impl IntoIterator<Item = OsString>) -> Self {
        let words: Vec<OsString> = words.into_iter().collect();
        let name = words.first().and_then(|program| Path::new(program).file_stem());
        let command = Self::command();
        let command = if name == Some(OsStr::new(PLUG_IN)) { command.bin_name("kubectl sgbind") } else { command };
        let matches = command.get_matches_from(words);
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// Does what the command line asks for, and tells the exit code.
///
/// # Errors
/// What a person is told, with exit code 1.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.verb {
        Verb::Controller(arguments) => controller::run(*arguments)?,
        Verb::Check(arguments) => return once(check::run(*arguments)),
        Verb::Crds => print!("{}", crate::api::crds_yaml()),
        Verb::IamPolicy(arguments) => iam_policy::run(arguments)?,
        Verb::Completions(arguments) => completions::run(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a verb that works once: one thread is enough for what waits for answers.
fn once<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the runtime could not be started")?.block_on(work)
}
