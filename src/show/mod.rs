//! Pure: a forecast as people and machines are shown it.

mod applied;
mod aws_cli;
mod explain;
mod json;
mod table;
mod terraform;

pub use applied::{AppliedDocument, applied};
pub use aws_cli::{aws_cli, put_back};
pub use explain::{ExplainDocument, explain, explained};
pub use json::{PlanDocument, StepDocument, json};
pub use table::{Width, sign, table};
pub use terraform::terraform;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{GroupKey, Scope, Step};
use crate::once::{Forecast, Survey};

/// Steps that go into one call, in their order.
fn calls(steps: &[Step]) -> Vec<&[Step]> {
    let same = |one: &Step, other: &Step| {
        (&one.group, one.action.word(), one.spec.direction) == (&other.group, other.action.word(), other.spec.direction)
    };
    steps.chunk_by(same).collect()
}

/// The groups with which a forecast has to do, in the order in which they are shown.
fn groups(forecast: &Forecast) -> BTreeMap<&GroupKey, (Vec<&Step>, Vec<&crate::model::Held>)> {
    let mut groups = BTreeMap::<_, (Vec<_>, Vec<_>)>::new();
    for step in &forecast.steps {
        groups.entry(&step.group).or_default().0.push(step);
    }
    for held in &forecast.held {
        groups.entry(&held.step.group).or_default().1.push(held);
    }
    groups
}

/// A comment of a shell or of HCL, which nothing in these words can leave.
fn comment(words: &str) -> String {
    format!("# {}", tame(words))
}

/// What is not done, as comments: what waits, what is wrong, what is not known.
fn remarks(survey: &Survey, forecast: &Forecast) -> Vec<String> {
    let held = forecast.held.iter().map(|held| {
        let (reason, meaning) = (held.reason.word(), held.reason.meaning());
        format!("held, {reason}: {}: {meaning}", held.step)
    });
    let problems = forecast.problems.iter().map(|problem| {
        let (object, problem) = (&problem.object, &problem.problem);
        format!("{object}: {}: {}", problem.reason.word(), problem.message)
    });
    let unknown = survey.unknown.iter().map(|unknown| format!("not known: {unknown}"));
    let nothing = forecast.steps.is_empty().then(|| "nothing to do".to_owned());
    held.chain(problems).chain(unknown).chain(nothing).map(|words| comment(&words)).collect()
}

/// The accounts and Regions in which something is to be done.
fn scopes<'a>(steps: impl IntoIterator<Item = &'a Step>) -> BTreeSet<&'a Scope> {
    steps.into_iter().map(|step| &step.group.scope).collect()
}

/// A text from AWS on one line, without what a terminal or a shell would take for something else.
pub fn tame(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_bidi(c) { '?' } else { c }).collect()
}

/// Characters that reorder what is shown around them. Source: "Bidirectional Character Types" in Unicode's annex 9.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A group as people know it: its id and its name.
fn title(survey: &Survey, key: &GroupKey) -> String {
    let name = survey.groups.get(key).map(|group| tame(&group.state.name)).unwrap_or_default();
    format!("{} {name}", key.id).trim_end().to_owned()
}

#[cfg(test)]
mod tests;
