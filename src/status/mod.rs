//! Pure: what was seen and done, as the status that people and tools read.

mod conditions;
mod facts;
mod tightening;

pub use facts::facts_of;
pub use tightening::{MOST_TARGETS, Tightened, TighteningReport};

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::api::{BlueGreenStatus, DriftStatus, HeldStatus, RuleCounts, RuleUsage, SecurityGroupStatus, Status};
use crate::defect::Defect;
use crate::desired::{self, Desired};
use crate::model::{
    Declaration, Direction, Facts, GroupKey, GroupState, HoldReason, Object, ObjectRef, Plan, Problem, Quota,
    Resolution, RuleSpec, SecurityGroupId, Stance, Standing,
};
use crate::validate::Finding;

/// As many foreign rules as a status lists.
const MOST_FOREIGN_RULES: usize = 20;
/// As many pending steps as a status lists.
const MOST_STEPS: usize = 50;

/// Everything that a status depends on.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    pub object: &'a Object,
    pub reference: &'a ObjectRef,
    pub declaration: Result<&'a Declaration, &'a [Finding]>,
    /// What was found at this generation; `None` before it was looked for.
    pub resolution: Option<&'a Resolution>,
    pub desired: &'a Desired,
    /// Groups that the object's status names already.
    pub recorded: &'a BTreeSet<GroupKey>,
    /// How the groups stand that this object needs or has written.
    pub groups: &'a BTreeMap<SecurityGroupId, GroupReport<'a>>,
    pub tightening: Tightened,
    /// A repair since the last status.
    pub drift: Option<&'a DriftStatus>,
    /// The token for a gap that was taken since the last status.
    pub gap_token: Option<&'a str>,
    pub now: Timestamp,
}

/// How one group stood after the last pass over it.
#[derive(Clone, Debug)]
pub struct GroupReport<'a> {
    /// What is still to be done.
    pub plan: &'a Plan,
    /// What went wrong for this object.
    pub problems: Vec<Problem>,
    pub ingress: RuleUsage,
    pub egress: RuleUsage,
    /// What to tell of rules that someone keeps undoing.
    pub contested: Vec<String>,
    /// Whether the pass knew what this object needs now.
    pub current: bool,
    /// Whether every rule was to be seen that was made: what was not seen is not there.
    pub shows_all: bool,
}

/// Writes the status.
pub fn of(input: &Input<'_>) -> Status {
    let summary = Summary::new(input);
    let mut status = input.object.status().cloned().unwrap_or_default();
    status.observed_generation = input.object.metadata().generation.unwrap_or_default();
    if let (Some(resolution), Ok(declaration)) = (input.resolution, input.declaration) {
        facts::write(&mut status, declaration, &resolution.facts);
        status.blue_green = blue_green(declaration, &resolution.facts);
    }
    status.security_groups = security_groups(input);
    status.rules = Some(summary.counts());
    status.foreign_rules = summary.foreign_rules();
    status.plan = summary.pending.iter().take(MOST_STEPS).cloned().collect();
    status.held = summary.held.clone();
    tightening::write(&mut status, &input.tightening);
    if let Some(drift) = input.drift {
        status.last_drift = Some(drift.clone());
    }
    if let Some(token) = input.gap_token {
        status.acknowledged.get_or_insert_default().allow_gap = Some(token.to_owned());
    }
    status.conditions = conditions::write(input, &summary);
    status
}

/// What all groups together come to, for one object.
struct Summary {
    standing: BTreeMap<SecurityGroupId, Standing>,
    problems: BTreeSet<Problem>,
    /// Steps that are still to be done on this object's account.
    pending: Vec<String>,
    held: Vec<HeldStatus>,
    /// Whether every group was looked at with what the object needs now.
    current: bool,
}

impl Summary {
    fn new(input: &Input<'_>) -> Self {
        let mut summary = Self {
            standing: BTreeMap::new(),
            problems: BTreeSet::new(),
            pending: Vec::new(),
            held: Vec::new(),
            current: input.desired.groups.keys().all(|id| input.groups.contains_key(id)),
        };
        summary.problems.extend(input.resolution.iter().flat_map(|resolution| resolution.problems.iter().cloned()));
        summary.problems.extend(input.desired.problems.iter().cloned());
        summary.problems.extend(input.tightening.problem());
        for (id, report) in input.groups {
            summary.current &= report.current;
            summary.problems.extend(report.problems.iter().cloned());
            summary.standing.insert(id.clone(), report.plan.standing.get(input.reference).cloned().unwrap_or_default());
            let mine = |objects: &BTreeSet<ObjectRef>| objects.contains(input.reference);
            for step in report.plan.steps.iter().filter(|step| mine(&step.objects)) {
                summary.pending.push(step.to_string());
            }
            for held in report.plan.held.iter().filter(|held| mine(&held.step.objects)) {
                summary.pending.push(held.step.to_string());
                if held.reason != HoldReason::Observe && !Defect::HideHeldSteps.is_on() {
                    let (step, reason) = (held.step.to_string(), held.reason.to_string());
                    summary.held.push(HeldStatus { step, reason });
                }
            }
        }
        summary
    }

    /// Of the steps for which the object waits, one that waits for a person to release the brake, else the first. Rules
    /// that no object accounts for are only told of.
    fn weightiest_held(&self) -> Option<&HeldStatus> {
        let mut waits = self.held.iter().filter(|held| held.reason != HoldReason::Orphan.word());
        let braked = |held: &&HeldStatus| HoldReason::limit_of_mass_revocation(&held.reason).is_some();
        waits.clone().find(braked).or_else(|| waits.next())
    }

    fn all(&self, of: impl Fn(&Standing) -> BTreeSet<RuleSpec>) -> Vec<(&SecurityGroupId, RuleSpec)> {
        let rules = |(id, standing)| of(standing).into_iter().map(move |spec| (id, spec));
        self.standing.iter().flat_map(rules).collect()
    }

    fn counts(&self) -> RuleCounts {
        let count = |rules: Vec<_>| u32::try_from(rules.len()).unwrap_or(u32::MAX);
        let desired = count(self.all(|standing| standing.desired.clone()));
        let in_sync = count(self.all(|standing| standing.in_place.clone()));
        RuleCounts {
            desired,
            in_sync,
            missing: count(self.all(Standing::missing)),
            surplus: count(self.all(|standing| standing.surplus.clone())),
            foreign: count(self.all(|standing| standing.foreign.clone())),
            summary: format!("{in_sync}/{desired}"),
        }
    }

    fn foreign_rules(&self) -> Vec<String> {
        let mut rules = self.all(|standing| standing.foreign.clone());
        rules.sort_by_key(|(_, spec)| std::cmp::Reverse(spec.width()));
        rules.into_iter().take(MOST_FOREIGN_RULES).map(|(id, spec)| format!("{id} {spec}")).collect()
    }

    fn is_in_place(&self) -> bool {
        self.current
            && self.standing.values().all(|standing| standing.missing().is_empty() && standing.surplus.is_empty())
    }

    fn any(&self, of: impl Fn(&Standing) -> bool) -> bool {
        self.standing.values().any(of)
    }
}

/// The groups that the object needs, and those that still hold rules made for it.
fn security_groups(input: &Input<'_>) -> Vec<SecurityGroupStatus> {
    let uncleaned = input.recorded.iter().filter(|key| match input.groups.get(&key.id) {
        Some(report) if report.current && report.shows_all => {
            report.plan.standing.get(input.reference).is_some_and(|standing| !standing.surplus.is_empty())
                || is_retained(report.plan, input.reference)
        }
        _ => true,
    });
    let needed = input.desired.groups.keys().filter_map(|id| {
        let scope = input.declaration.ok()?.scope.clone();
        Some(GroupKey { scope, id: id.clone() })
    });
    let keys: BTreeSet<GroupKey> = needed.chain(uncleaned.cloned()).collect();
    keys.into_iter()
        .map(|GroupKey { scope, id }| {
            let report = input.groups.get(&id);
            SecurityGroupStatus {
                id: id.to_string(),
                account_id: scope.account.to_string(),
                region: scope.region.to_string(),
                ingress: report.map(|report| report.ingress),
                egress: report.map(|report| report.egress),
            }
        })
        .collect()
}

/// Whether steps wait on the object's account, so that the group is not done with.
fn is_retained(plan: &Plan, object: &ObjectRef) -> bool {
    plan.held.iter().any(|held| held.step.objects.contains(object))
}

fn blue_green(declaration: &Declaration, facts: &Facts) -> Option<BlueGreenStatus> {
    let pair = declaration.wants.binding()?.blue_green.as_ref()?;
    let weight = |name: &str| facts.target_group(name).and_then(|group| group.weight).unwrap_or(0);
    let (blue, green) = (weight(&pair.blue), weight(&pair.green));
    let active = match blue.cmp(&green) {
        std::cmp::Ordering::Greater => Some(pair.blue.clone()),
        std::cmp::Ordering::Less => Some(pair.green.clone()),
        std::cmp::Ordering::Equal => None,
    };
    let weights = BTreeMap::from([(pair.blue.clone(), blue), (pair.green.clone(), green)]);
    Some(BlueGreenStatus { active, weights })
}

/// Whether all rules of both groups were seen, so that traffic may be shifted.
fn blue_green_is_ready(input: &Input<'_>, declaration: &Declaration, summary: &Summary) -> Option<bool> {
    let binding = declaration.wants.binding()?;
    let pair = binding.blue_green.as_ref()?;
    let Some(resolution) = input.resolution else { return Some(false) };
    let ready = |name: &str| {
        let rules = desired::of_target_group(binding, &resolution.facts, name);
        !rules.is_empty()
            && rules.iter().all(|(id, rules)| {
                let seen = summary.standing.get(id).map(|standing| &standing.in_place);
                let report = input.groups.get(id);
                report.is_some_and(|report| report.current) && seen.is_some_and(|seen| rules.is_subset(seen))
            })
    };
    // Where something could not be told, it may be a target that no rule admits the load balancer to.
    Some(resolution.complete && ready(&pair.blue) && ready(&pair.green))
}

/// Whether an object only observes, or did when it was deleted.
fn observes(input: &Input<'_>) -> bool {
    input.declaration.is_ok_and(|declaration| declaration.stance == Stance::Observe)
}

/// How full one direction of a group is, of the fuller address family.
pub fn usage(group: &GroupState, quota: &Quota, direction: Direction) -> RuleUsage {
    let rules = quota.count(direction, group.rules.iter().map(|rule| &rule.spec));
    RuleUsage { used: (rules + group.unreadable.count(direction)).fuller(), limit: quota.limit }
}

#[cfg(test)]
mod tests;
