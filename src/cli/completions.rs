use std::io::Write as _;

use anyhow::Context as _;
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

/// Arguments of `sgbind completions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// For which shell; kubectl: the program by which kubectl completes `kubectl sgbind …`.
    #[arg(value_enum)]
    shell: For,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
    Kubectl,
}

/// What kubectl runs to complete a plug-in's arguments: it hands them over, the last of them incomplete, and reads a
/// candidate a line, then `:4`: no file names.
///
/// Source: "kubectl Plugins", and `ShellCompDirectiveNoFileComp` of cobra, which reads that.
const KUBECTL: &str = r#"
compopt() { :; }
COMP_WORDS=(sgbind "$@")
COMP_CWORD=$#
COMPREPLY=()
_sgbind sgbind "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
echo :4
"#;

/// # Errors
/// Nothing can be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let script = match arguments.shell {
        For::Bash => generated(Shell::Bash),
        For::Elvish => generated(Shell::Elvish),
        For::Fish => generated(Shell::Fish),
        For::PowerShell => generated(Shell::PowerShell),
        For::Zsh => generated(Shell::Zsh),
        For::Kubectl => [b"#!/usr/bin/env bash\n", &generated(Shell::Bash)[..], KUBECTL.as_bytes()].concat(),
    };
    anstream::stdout().lock().write_all(&script).context("the script could not be written")
}

fn generated(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::Cli::command(), "sgbind", &mut script);
    script
}
