//! The command line, one file a verb.

mod apply;
mod arguments;
mod check;
mod completions;
mod controller;
mod explain;
mod graph;
mod iam_policy;
mod import;
mod objects;
mod plan;
mod snapshot;
mod waiting;

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
    /// Shows what the controller would do, and changes nothing.
    Plan(Box<plan::Arguments>),
    /// Does what plan shows, once, without a controller.
    Apply(Box<apply::Arguments>),
    /// Says of every rule of a security group whose it is, and who needs it.
    Explain(Box<explain::Arguments>),
    /// Draws who may reach whom: Mermaid, DOT or SVG.
    Graph(Box<graph::Arguments>),
    /// Writes the ALBTargetBinding for a load balancer that exists, as YAML.
    Import(Box<import::Arguments>),
    /// Prints the CustomResourceDefinitions, for kubectl apply.
    Crds,
    /// Takes a snapshot of an AWS account and Region, to work from without AWS.
    Snapshot(snapshot::Arguments),
    /// Looks whether all is there that sgbind needs, and whether the controller works: a line for each check.
    Check(Box<check::Arguments>),
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
        let parsed = command.try_get_matches_from(words).and_then(|matches| Self::from_arg_matches(&matches));
        parsed.unwrap_or_else(|told| {
            // Help is no error. A mistake is 1, as all errors: 2 means that there are changes, or findings.
            let _ = told.print();
            std::process::exit(i32::from(told.use_stderr()))
        })
    }
}

/// Does what the command line asks for, and tells the exit code.
///
/// # Errors
/// What a person is told, with exit code 1.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.verb {
        Verb::Controller(arguments) => controller::run(*arguments)?,
        Verb::Plan(arguments) => return once(plan::run(*arguments)),
        Verb::Apply(arguments) => return once(apply::run(*arguments)),
        Verb::Explain(arguments) => return once(explain::run(*arguments)),
        Verb::Graph(arguments) => return once(graph::run(*arguments)),
        Verb::Import(arguments) => return import::run(*arguments),
        Verb::Crds => plan::write(&crate::api::crds_yaml())?,
        Verb::Snapshot(arguments) => return once(snapshot::run(arguments)),
        Verb::Check(arguments) => return once(check::run(*arguments)),
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
