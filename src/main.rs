//! The binary: parses, dispatches, and turns the result into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    match sgbind::cli::run(sgbind::cli::Cli::from_command_line(std::env::args_os())) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sgbind: {error:#}");
            ExitCode::FAILURE
        }
    }
}
