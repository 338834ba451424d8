use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
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
    /// How it is told what was done: with json the plan goes to standard error.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,
    #[command(flatten)]
    objects: ObjectArguments,
}

/// Forms of what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For machines.
    Json,
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
    let gathered = arguments.objects.gather(None).await?;
    let survey = gathered.look().await;
    drop(waiting);
    let shown = foresee(&survey, &gathered.terms)?;
    match arguments.output {
        Format::Table => plan::write(&plan::table(&survey, &shown))?,
        Format::Json => say(plan::table(&survey, &shown).trim_end()),
    }
    if shown.steps.is_empty() {
        if arguments.output == Format::Json {
            tell_machines(&Report::default(), Some((&survey, &shown)))?;
        }
        return Ok(if is_well(&survey, &shown) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if !arguments.yes && !confirmed(&shown)? {
        bail!("not confirmed: nothing was changed");
    }
    let report = carry_out(&gathered, &survey, &shown).await?;
    if arguments.output == Format::Table {
        conclude(&report, &shown)?;
    }
    let left = what_is_left(&gathered, &report).await?;
    if let Some((survey, left)) = &left {
        tell_what_is_left(survey, left);
    }
    if arguments.output == Format::Json {
        tell_machines(&report, left.as_ref().map(|(survey, left)| (survey, left)))?;
    }
    let done = left.is_some_and(|(survey, left)| left.steps.is_empty() && is_well(&survey, &left));
    Ok(if report.is_well() && done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Does what was shown, and looks anew before the foreign rules of another group go.
async fn carry_out(gathered: &Gathered, then: &Survey, shown: &Forecast) -> anyhow::Result<Report> {
    let stop = CancellationToken::new();
    tokio::spawn(super::controller::signalled(stop.clone())?);
    // A terminal that is closed must not end what was confirmed, least of all while targets are watched.
    let _hangup = signal(SignalKind::hangup()).context("SIGHUP can't be waited for")?;
    let limit = once::revocation_limit(then, &gathered.terms);
    let mut report = Report::default();
    loop {
        // Minutes may have passed, and pass while targets are watched: nothing is revoked by what was known before.
        let waiting = waiting_for("looking at AWS once more");
        let survey = gathered.look().await;
        drop(waiting);
        let revoked = report.done.iter().filter(|step| step.action.revokes()).count();
        let left = limit.saturating_sub(u32::try_from(revoked).unwrap_or(u32::MAX));
        let terms = Terms { brake: Some(left), ..gathered.terms.clone() };
        let now = foresee(&survey, &terms)?;
        let unknown = survey.unknown.iter().filter(|unknown| !then.unknown.contains(unknown));
        let news = now.news_since(shown).into_iter().chain(unknown.map(|what| format!("not known any more: {what}")));
        let news: Vec<String> = news.map(|line| format!("  {line}")).collect();
        match (news.is_empty(), report.done.is_empty()) {
            (false, true) => bail!(
                "something has changed since the plan was made:\n{}\nNothing was changed: run apply again",
                news.join("\n")
            ),
            (false, false) => return Ok(Report { halt: Some(Halt::Changed(news.join("\n"))), ..report }),
            (true, _) => {}
        }
        report = report.and(once::carry_out(&gathered.clouds, &survey, shown, &terms, &stop, &tell).await);
        if !report.is_well() || !report.goes_on {
            return Ok(report);
        }
    }
}

/// What is there now says whether all is done. Whoever interrupts does not want to wait for that.
async fn what_is_left(gathered: &Gathered, report: &Report) -> anyhow::Result<Option<(Survey, Forecast)>> {
    let Gathered { clouds, cluster, us, asked, terms } = gathered;
    let look = once::what_is_left(clouds, cluster, us, asked, terms, report);
    let left = match report.halt {
        Some(Halt::Interrupted) => tokio::time::timeout(FAREWELL, look).await.ok(),
        _ => Some(look.await),
    };
    left.transpose().context("a plan was refused, which is a bug in sgbind")
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

fn tell_machines(report: &Report, left: Option<(&Survey, &Forecast)>) -> anyhow::Result<()> {
    plan::write_json(&show::applied(report, left))
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
