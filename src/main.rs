//! The binary: parses, dispatches, and turns the result into an exit code.

use std::process::ExitCode;

use sgbind::documents::DocumentErrors;

fn main() -> ExitCode {
    match sgbind::cli::run(sgbind::cli::Cli::from_command_line(std::env::args_os())) {
        Ok(code) => code,
        Err(error) => {
            // Mistakes in files stand as compilers tell theirs, for tools that lead to the line.
            match error.downcast_ref::<DocumentErrors>() {
                Some(errors) => eprintln!("{errors}"),
                None => eprintln!("sgbind: {error:#}"),
            }
            ExitCode::FAILURE
        }
    }
}
