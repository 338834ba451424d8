//! The same stages as in the controller, once: for a person or a pipeline that looks, plans or applies.
//!
//! ```text
//! objects ─► survey (AWS, cluster) ─► foresee ─► what a person is shown
//!                I/O                   pure  └──► carry out (AWS), round by round
//! ```
//!
//! Nothing is remembered between two runs: no status, no finalizer, no history. So a fact of AWS counts at once, where the
//! controller waits for a second read, and what is not given can't be known of ([`Selection`]).

mod carry_out;
mod foresee;
mod report;
mod round;
mod survey;
mod swapped;
mod tighten;

pub use carry_out::carry_out;
pub use foresee::{Forecast, foresee};
pub use report::{Halt, Progress, Report};
pub use round::revocation_limit;
pub use survey::{look, look_also};

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::api::names::RETRY_TIGHTENING_ANNOTATION;
use crate::apply::VISIBLE_AFTER;
use crate::aws::Clouds;
use crate::check::Violation;
use crate::desired::Desired;
use crate::model::{
    Declaration, Facts, GroupKey, GroupState, Knowledge, Known, Object, ObjectProblem, ObjectRef, Orphans, Problem,
    Quota, Reason, Resolution, Stance, Step, Us, Usage,
};
use crate::observe::Cluster;
use crate::plan::Selection;
use crate::status::{TighteningReport, facts_of};
use crate::validate::recorded_groups;

/// Looks at what is left to be done after a run. What the run has done, and an old answer shows as not done, is looked at
/// again.
///
/// # Errors
/// A plan that must never be carried out: a bug.
pub async fn what_is_left(
    clouds: &Clouds,
    cluster: &Cluster,
    us: &Us,
    asked: &[Asked],
    terms: &Terms,
    report: &Report,
) -> Result<(Survey, Forecast), Violation> {
    let mut waits = VISIBLE_AFTER.into_iter();
    loop {
        let survey = look(clouds, cluster, us, asked, terms).await;
        let left = foresee(&survey, terms)?;
        let was_done = |step: &Step| {
            let same = |done: &Step| done.action == step.action && done.group == step.group && done.spec == step.spec;
            report.done.iter().any(same)
        };
        match waits.next().filter(|_| left.steps.iter().any(was_done)) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return Ok((survey, left)),
        }
    }
}

/// What a person decides about a run.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Which objects there are beside the given ones.
    pub scope: ObjectScope,
    /// What becomes of rules of ours of which no object is known.
    pub orphans: Orphans,
    /// Rules that may be revoked; `None`: 100, or a fifth of ours if that is more.
    pub brake: Option<u32>,
    /// Rules that fit into one direction of a group; `None`: as Service Quotas says.
    pub rule_quota: Option<u32>,
    /// How long, at the least, health is watched after foreign rules were taken away.
    pub tightening_watch: Duration,
    /// Objects that there are and that nobody can understand.
    pub malformed: Vec<Malformed>,
}

/// An object of the cluster that nobody can understand: what its rules are for is not known.
#[derive(Clone, Debug)]
pub struct Malformed {
    pub object: ObjectRef,
    pub stance: Stance,
    /// What is wrong with it.
    pub messages: Vec<String>,
}

/// Which objects are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectScope {
    /// All that exist.
    Everything,
    /// Some: those of files, or of one namespace.
    Given,
}

impl ObjectScope {
    fn selection(&self) -> Selection<'static> {
        match self {
            Self::Everything => Selection::Everything,
            Self::Given => Selection::Given,
        }
    }
}

impl Malformed {
    fn problems(&self) -> impl Iterator<Item = ObjectProblem> {
        let problem = |message: &String| Problem::new(Reason::Invalid, format!("in the cluster: {message}"));
        self.messages
            .iter()
            .map(move |message| ObjectProblem { object: self.object.clone(), problem: problem(message) })
    }

    fn known(&self) -> Known {
        Known { stance: self.stance, knowledge: Knowledge::Incomplete }
    }
}

/// An object, and what was last known of it, which stands in for what can't be read now.
#[derive(Clone, Debug)]
pub struct Asked {
    pub declaration: Declaration,
    /// When the object was made; `None` for what comes from a file.
    pub created: Option<jiff::Timestamp>,
    pub previous: Facts,
    /// The group whose foreign rules were put back, as the object's status tells, so that none of them goes before a person
    /// says so.
    pub rolled_back: Option<GroupKey>,
}

impl Asked {
    /// `in_cluster` is the same object as the cluster has it: its status tells what was last known and done.
    pub fn new(mut declaration: Declaration, in_cluster: Option<&Object>) -> Self {
        let status = in_cluster.and_then(Object::status);
        declaration.recorded_groups = in_cluster.map(|it| recorded_groups(it, &declaration.scope)).unwrap_or_default();
        let acknowledged = status.and_then(|status| status.acknowledged.as_ref());
        declaration.allow_gap.acknowledged = acknowledged.and_then(|it| it.allow_gap.clone());
        Self {
            created: in_cluster.and_then(|it| it.metadata().creation_timestamp.as_ref()).map(|time| time.0),
            previous: status.and_then(facts_of).unwrap_or_default(),
            rolled_back: in_cluster.and_then(rolled_back),
            declaration,
        }
    }
}

/// The group of which an object's status says that foreign rules were put back, and nobody has said since that they may go.
fn rolled_back(object: &Object) -> Option<GroupKey> {
    let status = object.status()?;
    let report = TighteningReport::read(status.tightening.as_ref()?)?;
    let retried = object.annotation(RETRY_TIGHTENING_ANNOTATION);
    let acknowledged = status.acknowledged.as_ref().and_then(|it| it.retry_tightening.as_deref());
    let stands =
        object.metadata().generation == Some(report.generation) && (retried.is_none() || retried == acknowledged);
    ((report.rolled_back || !report.fallen.is_empty()) && stands).then_some(report.group)
}

/// All that is known at one time.
#[derive(Clone, Debug)]
pub struct Survey {
    pub us: Us,
    pub objects: BTreeMap<ObjectRef, Surveyed>,
    pub groups: BTreeMap<GroupKey, SurveyedGroup>,
    /// What is wrong with groups as a whole.
    pub problems: BTreeSet<ObjectProblem>,
    /// What could not be found out, and what depends on it.
    pub unknown: Vec<String>,
}

/// An object with all that follows from what was looked up for it.
#[derive(Clone, Debug)]
pub struct Surveyed {
    pub declaration: Declaration,
    pub created: Option<jiff::Timestamp>,
    pub resolution: Resolution,
    pub desired: Desired,
    /// As [`Asked::rolled_back`].
    pub rolled_back: Option<GroupKey>,
}

/// A group with its rules.
#[derive(Clone, Debug)]
pub struct SurveyedGroup {
    pub state: GroupState,
    pub usage: Usage,
    pub quota: Quota,
}

impl Surveyed {
    fn known(&self) -> Known {
        let stance = self.declaration.stance;
        let complete = self.resolution.complete || matches!(stance, Stance::Leaving(_));
        Known { stance, knowledge: if complete { Knowledge::Fresh } else { Knowledge::Incomplete } }
    }
}

impl Survey {
    /// Where nobody says who we are: who has made the rules that carry our cluster's name, if that is only one.
    pub fn take_on_identity(&mut self) {
        let tag = self.us.cluster.tag_key();
        let rules = self.groups.values().flat_map(|group| &group.state.rules);
        let identities: BTreeSet<&String> = rules.filter_map(|rule| rule.tags.get(&tag)).collect();
        if let [only] = identities.into_iter().collect::<Vec<_>>()[..] {
            self.us.identity = only.clone();
        }
    }

    /// Everything that stops an object, but for what a plan says of a group.
    fn problems_of_objects(&self) -> BTreeSet<ObjectProblem> {
        let of_object = |(object, surveyed): (&ObjectRef, &Surveyed)| {
            let problems = surveyed.resolution.problems.iter().chain(&surveyed.desired.problems);
            problems
                .map(|problem| ObjectProblem { object: object.clone(), problem: problem.clone() })
                .collect::<Vec<_>>()
        };
        self.objects.iter().flat_map(of_object).chain(self.problems.iter().cloned()).collect()
    }

    /// Whether foreign rules of a group were put back, and none may go before a person says so.
    fn is_rolled_back(&self, key: &GroupKey) -> bool {
        self.objects.values().any(|surveyed| surveyed.rolled_back.as_ref() == Some(key))
    }
}

#[cfg(test)]
mod tests;
