//! Pure: what was seen and done, as the status that people and tools read.

mod conditions;
mod facts;

pub use facts::facts_of;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::api::{BlueGreenStatus, DriftStatus, HeldStatus, RuleCounts, RuleUsage, SecurityGroupStatus, Status};
use crate::defect::Defect;
use crate::desired::{self, Desired};
use crate::model::{
    Declaration, Direction, Facts, GroupKey, HoldReason, Object, ObjectRef, Plan, Problem, Resolution, RuleSpec,
    SecurityGroupId, Stance, Standing,
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
    /// A repair since the last status.
    pub drift: Option<&'a DriftStatus>,
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
    if let Some(drift) = input.drift {
        status.last_drift = Some(drift.clone());
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
    /// The first of the held steps for which the object itself waits: rules that no object accounts for are only told of.
    waits_for: Option<String>,
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
            waits_for: None,
            current: input.desired.groups.keys().all(|id| input.groups.contains_key(id)),
        };
        summary.problems.extend(input.resolution.iter().flat_map(|resolution| resolution.problems.iter().cloned()));
        summary.problems.extend(input.desired.problems.iter().cloned());
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
                    if held.reason != HoldReason::Orphan {
                        summary.waits_for.get_or_insert_with(|| format!("{step}: {reason}"));
                    }
                    summary.held.push(HeldStatus { step, reason });
                }
            }
        }
        summary
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

/// How many of EC2's rules one direction of a group holds, of the fuller address family.
///
/// A reference to a group counts in both families; a prefix list by its weight, or once where that is not
/// known. Source: "Amazon VPC quotas" in the VPC user guide.
pub fn usage(
    rules: impl Iterator<Item = RuleSpec>,
    direction: Direction,
    limit: u32,
    weights: &BTreeMap<crate::model::PrefixListId, u32>,
) -> RuleUsage {
    use crate::model::Peer;
    let (mut v4, mut v6) = (0u32, 0u32);
    for spec in rules.filter(|spec| spec.direction == direction) {
        match &spec.peer {
            Peer::Cidr(cidr) if matches!(cidr.net(), ipnet::IpNet::V4(_)) => v4 += 1,
            Peer::Cidr(_) => v6 += 1,
            Peer::SecurityGroup(_) => (v4, v6) = (v4 + 1, v6 + 1),
            Peer::PrefixList(id) => {
                let weight = weights.get(id).copied().unwrap_or(1);
                (v4, v6) = (v4 + weight, v6 + weight);
            }
        }
    }
    RuleUsage { used: v4.max(v6), limit }
}

#[cfg(test)]
mod tests;
