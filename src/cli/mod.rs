//! The command line, one file a verb.

mod controller;

use clap::{Parser, Subcommand};

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
    /// Prints the CustomResourceDefinitions, for kubectl apply.
    Crds,
}

/// Does what the command line asks for.
///
/// # Errors
/// What a person is told, with exit code 1.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.verb {
        Verb::Controller(arguments) => controller::run(*arguments),
        Verb::Crds => {
            print!("{}", crate::api::crds_yaml());
            Ok(())
        }
    }
}
