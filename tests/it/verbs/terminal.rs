//! A person at a terminal.

use std::env;
use std::io::Write as _;
use std::process::{Command, Stdio};

use tokio::task::spawn_blocking;

use super::stage::Run;
use crate::world::World;

/// Runs a program on a terminal of its own, types what is on standard input, and ends as the program did.
const TERMINAL: &str = "
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
";

/// What a terminal sends when Ctrl-D is pressed on an empty line: the end of input.
pub const END_OF_INPUT: &str = "\u{4}";

impl World {
    /// Runs a command of ours on a terminal on which this is typed. All that is shown there is in `out`.
    pub async fn on_terminal(&self, arguments: &[&str], typed: &str) -> Run {
        let ours = self.command(arguments).await;
        let python = env::var_os("SGBIND_TEST_PYTHON").expect("SGBIND_TEST_PYTHON");
        let mut command = Command::new(python);
        command.args(["-c", TERMINAL]).arg(ours.get_program()).args(ours.get_args()).env_clear();
        command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let typed = typed.to_owned();
        let run = spawn_blocking(move || {
            let mut child = command.spawn().expect("a terminal");
            child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).expect("it is typed");
            child.wait_with_output().expect("it ends")
        });
        let mut output = run.await.expect("no panic");
        output.stdout.retain(|byte| *byte != b'\r');
        self.told(output)
    }
}
