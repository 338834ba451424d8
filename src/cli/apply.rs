use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::model::Step;
use crate::once::{self, Forecast, Halt, Progress, Report, Survey, Terms};
use crate::show;

use super::objects::{Gathered, ObjectArguments};
use super::plan;

/// Arguments of `sgbind apply`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 if all was done that the plan shows; 1 otherwise.")]
pub struct Arguments {
    #[command(flatten)]
    objects: ObjectArguments,
    /// Does not ask.
    #[arg(short, long)]
    yes: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.yes && !io::stdin().is_terminal() {
        bail!(
            "nobody can be asked, as stdin is no terminal: look at the plan (sgbind plan), then run apply with --yes"
        );
    }
    let Gathered { clouds, cluster, us, asked, terms } = arguments.objects.gather(None).await?;
    let survey = once::look(&clouds, &cluster, &us, &asked, &terms).await;
    let shown = foresee(&survey, &terms)?;
    plan::write(&show::table(&survey, &shown))?;
    if shown.steps.is_empty() {
        return Ok(if is_well(&survey, &shown) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if !arguments.yes && !confirmed(&shown)? {
        bail!("not confirmed: nothing was changed");
    }
    let stop = CancellationToken::new();
    tokio::spawn(super::controller::signalled(stop.clone())?);
    // A revoke that follows from AWS's answers needs two of them, and minutes may have passed.
    let survey = once::look(&clouds, &cluster, &us, &asked, &terms).await;
    unchanged(&shown, &foresee(&survey, &terms)?)?;
    let report = once::carry_out(&clouds, &survey, &shown, &terms, &stop, &tell).await;
    conclude(&report, &shown)?;
    // What is there now says whether all is done.
    let well = report.halt.is_none() && report.refused.is_empty() && report.rolled_back.is_empty();
    let survey = once::look(&clouds, &cluster, &us, &asked, &terms).await;
    let left = foresee(&survey, &terms)?;
    tell_what_is_left(&left);
    Ok(if well && left.steps.is_empty() && is_well(&survey, &left) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn foresee(survey: &Survey, terms: &Terms) -> anyhow::Result<Forecast> {
    once::foresee(survey, terms).context("a plan was refused, which is a bug in sgbind: nothing was changed")
}

fn is_well(survey: &Survey, forecast: &Forecast) -> bool {
    forecast.problems.is_empty() && survey.unknown.is_empty()
}

fn confirmed(shown: &Forecast) -> anyhow::Result<bool> {
    let revokes = shown.steps.iter().filter(|step| step.action.revokes()).count();
    let what = if revokes == 0 { String::new() } else { format!(", {revokes} of them to revoke rules") };
    eprint!("Carry out these {} steps{what}? Only yes is taken for it: ", shown.steps.len());
    io::stderr().flush().context("the question could not be asked")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("the answer could not be read")?;
    Ok(answer.trim() == "yes")
}

/// What was confirmed is done, or nothing.
fn unchanged(shown: &Forecast, now: &Forecast) -> anyhow::Result<()> {
    let was_shown = |step: &&Step| {
        !shown
            .steps
            .iter()
            .any(|other| other.action == step.action && other.group == step.group && other.spec == step.spec)
    };
    let news: Vec<String> = now.steps.iter().filter(was_shown).map(|step| format!("  {step}")).collect();
    if news.is_empty() {
        return Ok(());
    }
    bail!(
        "AWS has changed since the plan was made, and by now this would be done too:\n{}\nNothing was changed: run apply again",
        news.join("\n")
    )
}

fn tell(progress: Progress<'_>) {
    match progress {
        Progress::Done(step) => {
            let (sign, style) = show::sign(step);
            anstream::eprintln!("{style}{sign}{style:#} {step}");
        }
        Progress::Refused(steps, error) => {
            for step in steps {
                anstream::eprintln!("× {step}: {error}");
            }
        }
        Progress::Waiting => {}
        Progress::Takes(key, rules) => anstream::eprintln!(
            "Foreign rules of {key} are taken away. To put them back by hand:\n{}",
            show::put_back(key, rules)
        ),
        Progress::Watches(key, lasts) => anstream::eprintln!(
            "The health of targets is watched for {} because of {key}.",
            humantime::format_duration(std::time::Duration::from_secs(lasts.as_secs()))
        ),
        Progress::Fallen(key, targets) => {
            let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
            anstream::eprintln!("× targets became unhealthy, so the rules of {key} are put back: {}", names.join("; "));
        }
        Progress::HealthUnknown(key, error) => anstream::eprintln!(
            "× the health of targets could not be read, so foreign rules of {key} stay or are put back: {error}"
        ),
        Progress::Unwatched(key, rules) => anstream::eprintln!(
            "× the watch ended early. To put back what was taken from {key}:\n{}",
            show::put_back(key, rules)
        ),
    }
}

/// What was done.
fn conclude(report: &Report, shown: &Forecast) -> anyhow::Result<()> {
    let mut text = format!("{} of {} steps were done.\n", report.done.len(), shown.steps.len());
    for key in &report.rolled_back {
        text.push_str(&format!(
            "Foreign rules of {key} were taken away and put back: targets became unhealthy without them.\n"
        ));
    }
    match &report.halt {
        Some(Halt::Interrupted) => text
            .push_str("Interrupted: nothing more is begun. What was done stays done, and apply goes on from there.\n"),
        Some(halt) => {
            text.push_str(&format!("Stopped: {halt}. What was done stays done, and apply goes on from there.\n"))
        }
        None => {}
    }
    plan::write(&text)
}

fn tell_what_is_left(left: &Forecast) {
    if left.steps.is_empty() {
        return;
    }
    anstream::eprintln!("Still to be done:");
    for step in &left.steps {
        anstream::eprintln!("  {step}");
    }
}
