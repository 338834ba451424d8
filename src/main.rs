//! The binary: parses, dispatches, and turns the result into an exit code.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match sgbind::cli::run(sgbind::cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sgbind: {error:#}");
            ExitCode::FAILURE
        }
    }
}
