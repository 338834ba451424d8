//! The plan for people, as a diff: by security group, with what each rule is for.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::model::{Action, Held, Step};
use crate::once::{Forecast, Survey};

use super::{groups, tame, title};

const MADE: Style = AnsiColor::Green.on_default();
const TAKEN: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Beyond this width of a rule the columns behind it are not aligned.
const WIDEST: usize = 56;

/// The plan, with ANSI styles that the stream takes away where nobody would see them.
pub fn table(survey: &Survey, forecast: &Forecast) -> String {
    let mut text = String::new();
    for (key, (steps, held)) in groups(forecast) {
        let consent = survey.groups.get(key).map(|group| consent(survey, &group.state)).unwrap_or_default();
        let _ = writeln!(text, "{BOLD}{}{BOLD:#} {FAINT}({}{consent}){FAINT:#}", title(survey, key), key.scope);
        let rules = steps.iter().copied().chain(held.iter().map(|held| &held.step));
        let width = rules.map(|step| step.spec.to_string().len()).max().unwrap_or_default().min(WIDEST);
        for step in &steps {
            line(&mut text, step, width);
        }
        for held in &held {
            waiting(&mut text, held, width);
        }
        text.push('\n');
    }
    problems(&mut text, survey, forecast);
    text.push_str(&total(forecast));
    text.push('\n');
    text
}

fn consent(survey: &Survey, state: &crate::model::GroupState) -> &'static str {
    match state.consent(&survey.us) {
        crate::model::Consent::Refused => ", not opted in",
        crate::model::Consent::Given { shared: true, .. } => ", shared",
        crate::model::Consent::Given { shared: false, .. } => "",
    }
}

/// The sign before a step, as in a diff, with its colour.
pub fn sign(step: &Step) -> (char, Style) {
    match step.action {
        Action::Authorize { .. } | Action::Restore { .. } => ('+', MADE),
        Action::Revoke { .. } => ('-', TAKEN),
        Action::Adopt { .. } | Action::Describe { .. } | Action::Release { .. } => ('~', CHANGED),
    }
}

fn line(text: &mut String, step: &Step, width: usize) {
    let (sign, style) = sign(step);
    let _ = writeln!(text, "  {style}{sign} {:width$}{style:#}  {}", step.spec.to_string(), why(step));
    if step.interrupts_untracked {
        let _ = writeln!(text, "      {TAKEN}live connections may be cut at once: they are not tracked{TAKEN:#}");
    }
}

fn waiting(text: &mut String, held: &Held, width: usize) {
    let (sign, style) = sign(&held.step);
    let step = &held.step;
    let _ = writeln!(text, "  {style}{sign}{style:#} {:width$}  {}", step.spec.to_string(), why(step));
    let (word, meaning) = (held.reason.word(), tame(&held.reason.meaning()));
    let _ = writeln!(text, "      {CHANGED}held, {word}:{CHANGED:#} {meaning}");
}

/// Why, and for whom.
fn why(step: &Step) -> String {
    let objects: Vec<String> = step.objects.iter().map(ToString::to_string).collect();
    let what = match &step.action {
        Action::Authorize { .. } | Action::Restore { .. } | Action::Revoke { .. } => tame(&step.reason),
        Action::Adopt { .. } => format!("tagged as ours: {}", tame(&step.reason)),
        Action::Describe { .. } => format!("described as \"{}\"", tame(&step.description)),
        Action::Release { .. } => "our tag goes, the rule stays".to_owned(),
    };
    format!("{what} {FAINT}{}{FAINT:#}", objects.join(", "))
}

fn problems(text: &mut String, survey: &Survey, forecast: &Forecast) {
    for problem in &forecast.problems {
        let reason = problem.problem.reason.word();
        let _ =
            writeln!(text, "{TAKEN}× {}: {reason}{TAKEN:#}\n    {}", problem.object, tame(&problem.problem.message));
    }
    for unknown in &survey.unknown {
        let _ = writeln!(text, "{CHANGED}? not known:{CHANGED:#} {}", tame(unknown));
    }
    if !forecast.problems.is_empty() || !survey.unknown.is_empty() {
        text.push('\n');
    }
}

/// All of it in one line.
fn total(forecast: &Forecast) -> String {
    let count = |word: &str| forecast.steps.iter().filter(|step| step.action.word() == word).count();
    let (authorize, revoke) = (count("authorize"), count("revoke"));
    let other = forecast.steps.len() - authorize - revoke;
    let mut parts = Vec::new();
    if forecast.steps.is_empty() {
        parts.push("nothing to do".to_owned());
    } else {
        parts.push(format!("{MADE}{authorize} to authorize{MADE:#}, {TAKEN}{revoke} to revoke{TAKEN:#}"));
        if other > 0 {
            parts.push(format!("{CHANGED}{other} to tag or describe{CHANGED:#}"));
        }
    }
    parts.push(format!("{} in sync", forecast.in_sync.len()));
    parts.push(format!("{} foreign", forecast.foreign.len()));
    if !forecast.held.is_empty() {
        parts.push(format!("{} held", forecast.held.len()));
    }
    match forecast.problems.len() {
        0 => {}
        1 => parts.push(format!("{TAKEN}1 problem{TAKEN:#}")),
        problems => parts.push(format!("{TAKEN}{problems} problems{TAKEN:#}")),
    }
    format!("{BOLD}Plan:{BOLD:#} {}", parts.join(", "))
}
