use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::once::{self, Forecast, Survey};
use crate::show::{self, Width};

use super::arguments::SnapshotArgument;
use super::objects::{Gathered, ObjectArguments};
use super::waiting::waiting_for;

/// What is said while AWS is asked.
pub(super) const READING: &str = "reading objects and AWS";
/// Exit code where something is to be done.
const CHANGES: u8 = 2;

/// Arguments of `sgbind plan`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 nothing to do; 2 changes; 1 errors, or any problem with an object.")]
pub struct Arguments {
    /// How the plan is printed.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,
    #[command(flatten)]
    objects: ObjectArguments,
    #[command(flatten)]
    snapshot: SnapshotArgument,
}

/// Forms of a plan.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people, by security group.
    Table,
    /// For machines.
    Json,
    /// The commands that a person would type.
    AwsCli,
    /// What is to be authorized as resources of Terraform's AWS provider.
    Terraform,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let waiting = waiting_for(READING);
    let Gathered { clouds, cluster, us, asked, terms } =
        arguments.objects.gather(arguments.snapshot.snapshot.as_deref()).await?;
    let survey = once::look(&clouds, &cluster, &us, &asked, &terms).await;
    drop(waiting);
    let forecast = once::foresee(&survey, &terms).context("a plan was refused, which is a bug in sgbind")?;
    print(&survey, &forecast, arguments.output)?;
    if !matches!(arguments.output, Format::Table) && !io::stdout().is_terminal() {
        tell_of_problems(&survey, &forecast);
    }
    Ok(exit_code(&survey, &forecast))
}

/// What is unknown stands where problems stand: nobody should take it for "nothing to do".
pub(super) fn exit_code(survey: &Survey, forecast: &Forecast) -> ExitCode {
    match (forecast.problems.is_empty() && survey.unknown.is_empty(), forecast.steps.is_empty()) {
        (false, _) => ExitCode::FAILURE,
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(CHANGES),
    }
}

fn print(survey: &Survey, forecast: &Forecast, format: Format) -> anyhow::Result<()> {
    let text = match format {
        Format::Table => table(survey, forecast),
        Format::Json => return write_json(&show::json(survey, forecast)),
        Format::AwsCli => show::aws_cli(survey, forecast),
        Format::Terraform => show::terraform(survey, forecast),
    };
    write(&text)
}

/// To stdout, with styles on a terminal only.
pub(super) fn write(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the result could not be written"),
    }
}

/// To stdout, as JSON.
pub(super) fn write_json(document: &impl Serialize) -> anyhow::Result<()> {
    write(&(serde_json::to_string_pretty(document).context("the result as JSON")? + "\n"))
}

/// The plan for people, as wide as their terminal.
pub(super) fn table(survey: &Survey, forecast: &Forecast) -> String {
    let terminal = if io::stdout().is_terminal() { terminal_size::terminal_size() } else { None };
    show::table(survey, forecast, terminal.map(|(width, _)| Width(width.0.into())))
}

/// To standard error: problems stand in a result as well, but who reads only what is on the screen should see them too.
pub(super) fn tell_of_problems(survey: &Survey, forecast: &Forecast) {
    for problem in &forecast.problems {
        let (object, problem) = (problem.object.to_string(), &problem.problem);
        let words = show::tame(&format!("{object}: {}: {}", problem.reason.word(), problem.message));
        anstream::eprintln!("{words}");
    }
    for unknown in &survey.unknown {
        anstream::eprintln!("not known: {}", show::tame(unknown));
    }
}
