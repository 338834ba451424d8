//! The plan for people, as a diff: by security group, with what each rule is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::model::{Action, Held, HoldReason, Step};
use crate::once::{Forecast, Survey};

use super::{groups, tame, title};

const MADE: Style = AnsiColor::Green.on_default();
const TAKEN: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Beyond this width of a rule the columns behind it are not aligned.
const WIDEST: usize = 56;

/// How wide lines may be, where somebody knows it: what doesn't fit goes into a second line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width(pub usize);

/// The plan, with ANSI styles that the stream takes away where nobody would see them.
pub fn table(survey: &Survey, forecast: &Forecast, width: Option<Width>) -> String {
    let mut text = String::new();
    for (key, (steps, held)) in groups(forecast) {
        let consent = survey.groups.get(key).map(|group| consent(survey, &group.state)).unwrap_or_default();
        let _ = writeln!(text, "{BOLD}{}{BOLD:#} {FAINT}({}{consent}){FAINT:#}", title(survey, key), key.scope);
        let mut steps = with_one_line_a_rule(steps);
        steps.sort_by_key(|step| (sign(step).0 == '-', &step.spec));
        let columns = columns(steps.iter().copied().chain(held.iter().map(|held| &held.step)), width);
        for step in &steps {
            line(&mut text, step, columns);
        }
        of_one_reason(&mut text, &held, steps.is_empty(), columns);
        text.push('\n');
    }
    problems(&mut text, survey, forecast);
    text.push_str(&total(survey, forecast));
    text.push('\n');
    text
}

/// What becomes ours is described as well, which the one line tells.
fn with_one_line_a_rule(mut steps: Vec<&Step>) -> Vec<&Step> {
    let adopts = |step: &&&Step| matches!(step.action, Action::Adopt { .. });
    let adopted: BTreeSet<_> = steps.iter().filter(adopts).filter_map(|step| step.action.rule()).cloned().collect();
    let described = |step: &Step| matches!(&step.action, Action::Describe { id } if adopted.contains(id));
    steps.retain(|step| !described(step));
    steps
}

/// Where the reason of a rule stands.
#[derive(Clone, Copy)]
enum Columns {
    /// Behind rules of this width.
    Beside(usize),
    Below,
}

fn columns<'a>(steps: impl Iterator<Item = &'a Step> + Clone, width: Option<Width>) -> Columns {
    let beside = steps.clone().map(|step| step.spec.to_string().len()).max().unwrap_or_default().min(WIDEST);
    let longest = steps.map(|step| beside.max(step.spec.to_string().len()) + plain(&why(step)) + 6).max();
    match (width, longest) {
        (Some(Width(width)), Some(longest)) if longest > width => Columns::Below,
        _ => Columns::Beside(beside),
    }
}

/// How many characters are seen of a text with styles.
fn plain(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}

/// Steps that wait, by what they wait for. In a group with which the given objects have nothing to do they are only counted.
fn of_one_reason(text: &mut String, held: &[&Held], alone: bool, columns: Columns) {
    let mut reasons: BTreeMap<&HoldReason, Vec<&Step>> = BTreeMap::new();
    for held in held {
        reasons.entry(&held.reason).or_default().push(&held.step);
    }
    let outside = alone && reasons.keys().all(|reason| **reason == HoldReason::OutsideSelection);
    for (reason, mut steps) in reasons {
        steps.sort_by_key(|step| &step.spec);
        let (word, meaning) = (reason.word(), tame(&reason.meaning()));
        if outside {
            let rules = if steps.len() == 1 { "1 rule".to_owned() } else { format!("{} rules", steps.len()) };
            let _ = writeln!(text, "  {CHANGED}held, {word}:{CHANGED:#} {rules} of ours: {meaning}");
            continue;
        }
        let _ = writeln!(text, "  {CHANGED}held, {word}:{CHANGED:#} {meaning}");
        for step in steps {
            rule(text, step, FAINT, columns, "    ");
        }
    }
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

fn line(text: &mut String, step: &Step, columns: Columns) {
    rule(text, step, sign(step).1, columns, "  ");
    if step.interrupts_untracked {
        let _ = writeln!(text, "      {TAKEN}its connections are not tracked: they may be cut at once{TAKEN:#}");
    }
}

fn rule(text: &mut String, step: &Step, style: Style, columns: Columns, indent: &str) {
    let (sign, spec, why) = (sign(step).0, step.spec.to_string(), why(step));
    let _ = match columns {
        Columns::Beside(width) => writeln!(text, "{indent}{style}{sign} {spec:width$}{style:#}  {why}"),
        Columns::Below => writeln!(text, "{indent}{style}{sign} {spec}{style:#}\n{indent}    {why}"),
    };
}

/// Why, and for whom.
fn why(step: &Step) -> String {
    let objects: Vec<String> = step.objects.iter().map(|object| tame(&object.to_string())).collect();
    let what = match &step.action {
        Action::Authorize { .. } | Action::Restore { .. } | Action::Revoke { .. } => tame(&step.reason),
        Action::Adopt { .. } => format!("tagged as ours, and described so: {}", tame(&step.reason)),
        Action::Describe { .. } => format!("described as \"{}\"", tame(&step.description)),
        Action::Release { .. } => "our tag goes, the rule stays".to_owned(),
    };
    if objects.is_empty() {
        return what;
    }
    format!("{what}{FAINT}, for {}{FAINT:#}", objects.join(", "))
}

fn problems(text: &mut String, survey: &Survey, forecast: &Forecast) {
    for problem in &forecast.problems {
        let reason = problem.problem.reason.word();
        let _ = writeln!(
            text,
            "{TAKEN}× {}: {reason}{TAKEN:#}\n    {}",
            tame(&problem.object.to_string()),
            tame(&problem.problem.message)
        );
    }
    for unknown in &survey.unknown {
        let _ = writeln!(text, "{CHANGED}? not known:{CHANGED:#} {}", tame(unknown));
    }
    if !forecast.problems.is_empty() || !survey.unknown.is_empty() {
        text.push('\n');
    }
}

/// All of it in one line.
fn total(survey: &Survey, forecast: &Forecast) -> String {
    let count = |word: &str| forecast.steps.iter().filter(|step| step.action.word() == word).count();
    let (authorize, revoke) = (count("authorize"), count("revoke"));
    let other = forecast.steps.len() - authorize - revoke;
    let mut parts = Vec::new();
    if forecast.steps.is_empty() {
        let well = forecast.problems.is_empty() && survey.unknown.is_empty();
        let words = match (well, forecast.held.is_empty()) {
            (true, true) => "nothing to do",
            (true, false) => "nothing to do now",
            (false, _) => "nothing can be done yet",
        };
        parts.push(words.to_owned());
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
