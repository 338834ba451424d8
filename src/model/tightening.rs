use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::api::names::CLUSTER_TAG_PREFIX;

use super::{AccountId, ElbArn, GroupState, ObjectRef, RuleSpec, Step, Tags};

/// A foreign rule that is taken away, with all that it takes to make it again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TakenRule {
    pub spec: RuleSpec,
    /// Account of the peer group, where it is another one.
    pub peer_account: Option<AccountId>,
    pub description: String,
    /// Without those of AWS's own, which can't be given.
    pub tags: Tags,
}

impl TakenRule {
    /// Whoever made the rule, it comes back as nobody's: tags by which a cluster says that a rule is its own are dropped.
    pub fn tags_to_restore(&self) -> Tags {
        let kept = self.tags.iter().filter(|(key, _)| !key.starts_with(CLUSTER_TAG_PREFIX));
        kept.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// All that it takes to make the rule again that a step takes away.
pub fn taken(group: &GroupState, step: &Step) -> Option<TakenRule> {
    let rule = group.rules.iter().find(|rule| Some(&rule.id) == step.action.rule())?;
    let given = rule.tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
    Some(TakenRule {
        spec: rule.spec.clone(),
        peer_account: rule.peer_account.clone(),
        description: rule.description.clone(),
        tags: given.map(|(key, value)| (key.clone(), value.clone())).collect(),
    })
}

/// What may become of a group's foreign rules at this moment, when all else is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tightening {
    /// None may go yet: it must be written down first, or others are being watched.
    NotYet,
    /// These were written down, and may go.
    WrittenDown(BTreeSet<RuleSpec>),
    /// These were taken, and are to be there again, on account of these objects.
    Return { rules: Vec<TakenRule>, objects: BTreeSet<ObjectRef> },
    /// None may go before a person says so.
    RolledBack,
}

/// A registered target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetRef {
    pub target_group: ElbArn,
    /// Instance id, address, or ARN.
    pub id: String,
    pub port: Option<u16>,
}

impl fmt::Display for TargetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of target group {}", self.id, self.target_group.name())?;
        self.port.map_or(Ok(()), |port| write!(f, " (port {port})"))
    }
}

/// Health of a target, as far as it says something about rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Healthy,
    /// Unhealthy with `Target.Timeout`: checks are not answered, as when a rule is missing.
    ///
    /// Source: `TargetHealth`, `Reason`, in the ELBv2 API reference.
    TimesOut,
    /// Anything else: initial, draining, unused, or unhealthy for another reason.
    Other,
}

/// Whose health is watched, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    pub target_groups: BTreeSet<ElbArn>,
    pub lasts: Duration,
}

/// Health of all targets at one time.
pub type HealthRead = BTreeMap<TargetRef, Health>;

/// The health of targets over the time in which rules are taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthWatch {
    /// They timed out before anything was taken: that says nothing about what was.
    before: BTreeSet<TargetRef>,
    /// `None` after a restart: whoever did not time out before counts as healthy then.
    healthy: Option<BTreeSet<TargetRef>>,
}

impl HealthWatch {
    /// Begins with this health.
    pub fn begun(read: &HealthRead) -> Self {
        Self { before: with(read, Health::TimesOut), healthy: Some(with(read, Health::Healthy)) }
    }

    /// Goes on with what a status tells of its beginning.
    pub fn resumed(timed_out_before: BTreeSet<TargetRef>) -> Self {
        Self { before: timed_out_before, healthy: None }
    }

    /// Those who timed out at the beginning.
    pub fn timed_out_before(&self) -> &BTreeSet<TargetRef> {
        &self.before
    }

    /// Takes in a later read. Tells which targets were healthy, and time out now.
    pub fn read(&mut self, read: &HealthRead) -> BTreeSet<TargetRef> {
        let time_out = with(read, Health::TimesOut);
        let fallen: BTreeSet<TargetRef> = match &self.healthy {
            Some(healthy) => time_out.intersection(healthy).cloned().collect(),
            None => time_out.difference(&self.before).cloned().collect(),
        };
        self.healthy.get_or_insert_default().extend(with(read, Health::Healthy));
        fallen
    }
}

fn with(read: &HealthRead, wanted: Health) -> BTreeSet<TargetRef> {
    read.iter().filter(|(_, health)| **health == wanted).map(|(target, _)| target.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(id: &str) -> TargetRef {
        let arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/0123";
        TargetRef { target_group: ElbArn::parse(arn).expect("an ARN"), id: id.into(), port: Some(8000) }
    }

    fn read(states: &[(&str, Health)]) -> HealthRead {
        states.iter().map(|(id, health)| (target(id), *health)).collect()
    }

    fn fallen(watch: &mut HealthWatch, states: &[(&str, Health)]) -> Vec<String> {
        watch.read(&read(states)).into_iter().map(|target| target.id).collect()
    }

    use Health::{Healthy, Other, TimesOut};

    #[test]
    fn a_target_that_was_healthy_and_times_out_has_fallen() {
        let mut watch = HealthWatch::begun(&read(&[("a", Healthy), ("b", TimesOut), ("c", Other)]));
        assert!(fallen(&mut watch, &[("a", Healthy), ("b", TimesOut), ("c", TimesOut)]).is_empty(), "never healthy");
        assert!(fallen(&mut watch, &[("a", Other), ("new", TimesOut)]).is_empty(), "for another reason, or new");
        assert!(fallen(&mut watch, &[("a", Healthy), ("new", Healthy)]).is_empty());
        assert_eq!(fallen(&mut watch, &[("a", TimesOut), ("new", TimesOut)]), ["a", "new"]);
    }

    #[test]
    fn after_a_restart_whoever_times_out_and_did_not_before_has_fallen() {
        let mut watch = HealthWatch::resumed([target("b")].into());
        assert_eq!(fallen(&mut watch, &[("a", TimesOut), ("b", TimesOut), ("c", Healthy)]), ["a"]);
    }
}
