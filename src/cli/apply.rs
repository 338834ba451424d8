use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::model::{Action, Step};
use crate::once::{self, Forecast, Halt, Progress, Report, Survey, Terms};
use crate::show;

use super::objects::{Gathered, ObjectArguments};
use super::plan;
use super::waiting::waiting_for;

/// For how long an interrupted run looks where it stands.
const FAREWELL: Duration = Duration::from_secs(10);

/// Arguments of `sgbind apply`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code: 0 if all was done that the plan shows, and nothing waits for a person; 1 otherwise."
)]
pub struct Arguments {
    /// Does not ask.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    objects: ObjectArguments,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.objects.from_cluster {
        bail!(
            "apply works without a cluster: what a cluster's objects need is done by its controller, which keeps what it does in \
             their statuses. Name files by -f, or look at what the controller would do by sgbind plan --from-cluster"
        );
    }
    if !arguments.yes && !io::stdin().is_terminal() {
        bail!(
            "nobody can be asked, as stdin is no terminal: look at the plan (sgbind plan), then run apply with --yes"
        );
    }
    let waiting = waiting_for(plan::READING);
    let Gathered { clouds, cluster, us, asked, terms } = arguments.objects.gather(None).await?;
    let survey = once::look(&clouds, &cluster, &us, &asked, &terms).await;
    drop(waiting);
    let shown = foresee(&survey, &terms)?;
    plan::write(&plan::table(&survey, &shown))?;
    let unknown_then = survey.unknown.clone();
    if shown.steps.is_empty() {
        return Ok(if is_well(&survey, &shown) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if !arguments.yes && !confirmed(&shown)? {
        bail!("not confirmed: nothing was changed");
    }
    let stop = CancellationToken::new();
    tokio::spawn(super::controller::signalled(stop.clone())?);
    // A terminal that is closed must not end what was confirmed, least of all while targets are watched.
    let _hangup = signal(SignalKind::hangup()).context("SIGHUP can't be waited for")?;
    let mut report = Report::default();
    while report.is_well() {
        // Minutes may have passed, and pass while targets are watched: nothing is revoked by what was known before.
        let waiting = waiting_for("looking at AWS once more");
        let survey = once::look(&clouds, &cluster, &us, &asked, &terms).await;
        drop(waiting);
        let now = foresee(&survey, &terms)?;
        unchanged(now.news_since(&shown), survey.unknown.iter().filter(|unknown| !unknown_then.contains(unknown)))
            .with_context(|| format!("after {}", counted(report.done.len())))?;
        let more = once::carry_out(&clouds, &survey, &shown, &terms, &stop, &tell).await;
        report = report.and(more);
        if !report.goes_on {
            break;
        }
    }
    conclude(&report, &shown)?;
    if matches!(report.halt, Some(Halt::Interrupted)) {
        // Whoever interrupts does not want to wait.
        let look = async { once::look(&clouds, &cluster, &us, &asked, &terms).await };
        if let Ok(survey) = tokio::time::timeout(FAREWELL, look).await {
            tell_what_is_left(&survey, &foresee(&survey, &terms)?);
        }
        return Ok(ExitCode::FAILURE);
    }
    // What is there now says whether all is done.
    let (survey, left) = once::what_is_left(&clouds, &cluster, &us, &asked, &terms, &report)
        .await
        .context("a plan was refused, which is a bug in sgbind")?;
    tell_what_is_left(&survey, &left);
    Ok(if report.is_well() && left.steps.is_empty() && is_well(&survey, &left) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn foresee(survey: &Survey, terms: &Terms) -> anyhow::Result<Forecast> {
    once::foresee(survey, terms).context("a plan was refused, which is a bug in sgbind: nothing was changed")
}

fn is_well(survey: &Survey, forecast: &Forecast) -> bool {
    forecast.problems.is_empty() && survey.unknown.is_empty() && forecast.waiting_for_a_person().next().is_none()
}

fn confirmed(shown: &Forecast) -> anyhow::Result<bool> {
    let revokes = shown.steps.iter().filter(|step| step.action.revokes()).count();
    let what = if revokes == 0 { String::new() } else { format!(", {revokes} of them to revoke rules") };
    let mut terminal = anstream::stderr();
    write!(terminal, "Carry out {}{what}? Only yes is taken for it: ", counted(shown.steps.len()))
        .and_then(|()| terminal.flush())
        .context("the question could not be asked")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("the answer could not be read")?;
    Ok(answer.trim() == "yes")
}

fn counted(steps: usize) -> String {
    if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") }
}

/// What was confirmed is done, or nothing.
fn unchanged<'a>(news: Vec<String>, unknown: impl Iterator<Item = &'a String>) -> anyhow::Result<()> {
    let unknown = unknown.map(|what| format!("not known any more: {what}"));
    let news: Vec<String> = news.into_iter().chain(unknown).map(|line| format!("  {line}")).collect();
    if news.is_empty() {
        return Ok(());
    }
    bail!("something has changed since the plan was made:\n{}\nNothing was changed: run apply again", news.join("\n"))
}

/// To stderr. That nobody can read it must not end what is under way: rules may have to be put back.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

fn tell(progress: Progress<'_>) {
    match progress {
        Progress::Done(step) => {
            let (sign, style) = show::sign(step);
            say(format_args!("{style}{sign}{style:#} {step}"));
        }
        Progress::Refused(steps, error) => steps.iter().for_each(|step| say(format_args!("× {step}: {error}"))),
        Progress::Waiting => {}
        Progress::Takes(key, rules) => say(format_args!(
            "Foreign rules of {key} are taken away. To put them back by hand:\n{}",
            show::put_back(key, rules)
        )),
        Progress::Watches(key, lasts) => say(format_args!(
            "The health of targets is watched for {} because of {key}.",
            humantime::format_duration(std::time::Duration::from_secs(lasts.as_secs()))
        )),
        Progress::Fallen(key, targets) => {
            let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
            say(format_args!("× targets became unhealthy, so the rules of {key} are put back: {}", names.join("; ")));
        }
        Progress::HealthUnknown(key, error) => say(format_args!(
            "× the health of targets could not be read, so foreign rules of {key} stay or are put back: {error}"
        )),
        Progress::Unwatched(key, rules) => say(format_args!(
            "× the watch ended early, and what was taken from {key} stays away. To put it back:\n{}",
            show::put_back(key, rules)
        )),
        Progress::Lost(key, rules) => say(format_args!(
            "× what was taken from {key} could not be put back, and is missing. To put it back:\n{}",
            show::put_back(key, rules)
        )),
    }
}

/// What was done.
fn conclude(report: &Report, shown: &Forecast) -> anyhow::Result<()> {
    let mut text = format!(
        "{} of {} done.\n",
        report.done.iter().filter(|step| was_planned(step)).count(),
        counted(shown.steps.len())
    );
    for key in &report.rolled_back {
        text.push_str(&format!(
            "Foreign rules of {key} were taken away and put back: targets became unhealthy without them, or their health could \
             not be read.\n"
        ));
    }
    for key in report.lost.keys() {
        text.push_str(&format!("Foreign rules of {key} were taken away, and could not be put back: see above.\n"));
    }
    match &report.halt {
        Some(Halt::Interrupted) => {
            text.push_str(
                "Interrupted: nothing more is begun. What was done stays done, and apply goes on from there.\n",
            );
        }
        Some(halt) => {
            text.push_str(&format!("Stopped: {halt}. What was done stays done, and apply goes on from there.\n"))
        }
        None => {}
    }
    plan::write(&text)
}

/// What comes back was not planned.
fn was_planned(step: &Step) -> bool {
    !matches!(step.action, Action::Restore { .. })
}

fn tell_what_is_left(survey: &Survey, left: &Forecast) {
    if !left.steps.is_empty() {
        say("Still to be done:");
        left.steps.iter().for_each(|step| say(format_args!("  {step}")));
    }
    for held in left.waiting_for_a_person() {
        say(format_args!("held: {}: {}", held.step, held.reason));
    }
    for problem in &left.problems {
        say(format_args!("× {}: {}: {}", problem.object, problem.problem.reason.word(), problem.problem.message));
    }
    survey.unknown.iter().for_each(|unknown| say(format_args!("? not known: {unknown}")));
}
