//! Pure: the differences between what is needed and what is there, as steps and as steps that wait.

mod brake;
mod consent;
mod describing;
mod foreign;
mod identities;
mod orphans;
mod quota;
mod selection;
mod surplus;
mod untracked;

use std::collections::{BTreeMap, BTreeSet};

pub use consent::opt_in;
pub use selection::Selection;
use surplus::Unfinished;

use crate::api::Aspect;
use crate::defect::Defect;
use crate::model::{
    Action, ActualRule, Allowance, Claim, Consent, Direction, Extent, Farewell, GroupState, Held, HoldReason, Kind,
    Known, Need, ObjectProblem, ObjectRef, Orphans, Ownership, Peer, Plan, Problem, Quota, Reason, RuleSpec, Stance,
    Standing, Step, TakenRule, Tightening, Us, Usage, describe, named,
};

/// Everything that the plan for one group depends on.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    pub us: &'a Us,
    pub group: &'a GroupState,
    /// What each object needs that has anything to do with this group.
    pub claims: &'a [Claim],
    /// Every object that exists.
    pub known: &'a BTreeMap<ObjectRef, Known>,
    pub usage: &'a Usage,
    /// How many rules fit into each direction.
    pub quota: &'a Quota,
    /// Objects have come, or name other things now, that nobody has looked up yet: they may need or govern anything.
    pub unheard: bool,
    /// Rules that AWS has just refused to make: not tried again in this pass.
    pub refused: &'a BTreeSet<RuleSpec>,
    /// How far the removal of foreign rules is.
    pub tightening: &'a Tightening,
    /// How many rules may be revoked.
    pub allowance: &'a Allowance,
    /// Rules that someone keeps undoing: they are not put right yet.
    pub contested: &'a BTreeSet<RuleSpec>,
    /// Which objects can be known of: a rule that may name another can't be judged.
    pub selection: Selection<'a>,
    pub orphans: Orphans,
}

/// Plans one group.
pub fn group(input: &Input<'_>) -> Plan {
    let mut crowded_out = BTreeSet::new();
    loop {
        let mut planner = Planner::new(input, crowded_out);
        planner.permissions();
        planner.needed();
        planner.identities();
        planner.ours();
        planner.foreign();
        let more = planner.without_room();
        if more.is_empty() {
            planner.make_room();
            return planner.finish();
        }
        // What belongs to rules that are refused stays: that may leave less room for others.
        crowded_out = planner.crowded_out.union(&more).cloned().collect();
    }
}

/// What a claim may do to this group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permission {
    Write,
    Observe,
    Refused,
}

struct Planner<'a> {
    input: &'a Input<'a>,
    consent: Consent,
    permissions: BTreeMap<&'a ObjectRef, Permission>,
    /// Rules that somebody needs now, with who does.
    needs: BTreeMap<&'a RuleSpec, Vec<(&'a Claim, &'a Need)>>,
    there: BTreeMap<&'a RuleSpec, &'a ActualRule>,
    /// Rules that are declared, and are not ours to make: the AWS Load Balancer Controller's ingress.
    declined: BTreeSet<RuleSpec>,
    /// Rules that would be derived, did foreign ones not admit such traffic already.
    left_to_foreign: BTreeSet<RuleSpec>,
    /// Missing rules for which there is no room in the group.
    crowded_out: BTreeSet<RuleSpec>,
    /// Rules that would be taken away, did they not wait for what somebody needs.
    in_turn: BTreeMap<RuleSpec, Unfinished>,
    /// Rules that go for a gap, in each direction: all of them, or none.
    gaps: Vec<BTreeSet<RuleSpec>>,
    steps: Vec<Step>,
    held: Vec<Held>,
    problems: BTreeSet<ObjectProblem>,
    standing: BTreeMap<ObjectRef, Standing>,
}

impl<'a> Planner<'a> {
    fn new(input: &'a Input<'a>, crowded_out: BTreeSet<RuleSpec>) -> Self {
        Self {
            input,
            consent: input.group.consent(input.us),
            permissions: BTreeMap::new(),
            needs: BTreeMap::new(),
            there: input.group.rules.iter().map(|rule| (&rule.spec, rule)).collect(),
            declined: BTreeSet::new(),
            left_to_foreign: BTreeSet::new(),
            crowded_out,
            in_turn: BTreeMap::new(),
            gaps: Vec::new(),
            steps: Vec::new(),
            held: Vec::new(),
            problems: BTreeSet::new(),
            standing: input.claims.iter().map(|claim| (claim.object.clone(), Standing::default())).collect(),
        }
    }

    fn finish(mut self) -> Plan {
        self.steps.sort();
        self.brake();
        self.held.sort();
        Plan {
            group: self.input.group.key.clone(),
            steps: self.steps,
            held: self.held,
            problems: self.problems.into_iter().collect(),
            standing: self.standing,
        }
    }

    // Who may write, and who needs what.

    fn permissions(&mut self) {
        for claim in self.input.claims {
            let allowed = self.consent.allows(&claim.object.namespace);
            let permission = match claim.stance {
                Stance::Observe | Stance::Leaving(Farewell::Abandon) => Permission::Observe,
                Stance::Enforce | Stance::Leaving(_) if allowed => Permission::Write,
                Stance::Enforce | Stance::Leaving(_) => Permission::Refused,
            };
            self.permissions.insert(&claim.object, permission);
            let leaving = matches!(claim.stance, Stance::Leaving(_));
            if permission == Permission::Refused && !leaving && asks(claim) {
                self.problem(&claim.object, consent::refusal(self.input, &self.consent, &claim.object));
            }
            if !leaving && self.is_controllers_ingress(claim) && claim.governs.ingress != Extent::Nothing {
                self.problem(&claim.object, controllers_ingress(self.input, claim));
            }
            for (spec, need) in &claim.rules {
                if !leaving && self.is_wanted(claim, spec, need) {
                    self.needs.entry(spec).or_default().push((claim, need));
                }
            }
        }
    }

    /// Whether a rule that an object declares is to be there.
    fn is_wanted(&mut self, claim: &Claim, spec: &RuleSpec, need: &Need) -> bool {
        let undone = spec.direction == Direction::Ingress && need.aspect != Some(Aspect::TargetIngress);
        let kept = self.input.group.is_load_balancer_controllers() && !Defect::WriteControllersIngress.is_on();
        if undone && kept {
            self.problem(&claim.object, controllers_ingress(self.input, claim));
            self.declined.insert(spec.clone());
            return false;
        }
        if need.by_default && !self.is_settled(claim, spec) && self.foreign_rule_covers(spec) {
            self.standing.entry(claim.object.clone()).or_default().left_to_foreign = true;
            self.left_to_foreign.insert(spec.clone());
            return false;
        }
        true
    }

    /// Whether the rule is there, either a foreign one or made by us for the object.
    fn is_settled(&self, claim: &Claim, spec: &RuleSpec) -> bool {
        self.there.get(spec).is_some_and(|rule| match self.input.us.ownership(&rule.tags) {
            Ownership::Ours { .. } | Ownership::TakenOver => {
                named(&self.input.us.cluster, &rule.description).may_name(&claim.object)
            }
            Ownership::Foreign => true,
            Ownership::OtherIdentity { .. } | Ownership::OtherClusters(_) => false,
        })
    }

    fn foreign_rule_covers(&self, spec: &RuleSpec) -> bool {
        let itself = Peer::SecurityGroup(self.input.group.key.id.clone());
        let foreign = |rule: &&ActualRule| self.input.us.ownership(&rule.tags) == Ownership::Foreign;
        let there = self.input.group.rules.iter().filter(foreign).map(|rule| &rule.spec);
        // What is put back was there all the time, but for a moment.
        let back: &[TakenRule] = match self.input.tightening {
            Tightening::Return { rules, .. } => rules,
            _ => &[],
        };
        there.chain(back.iter().map(|rule| &rule.spec)).any(|foreign| {
            foreign.direction == spec.direction && foreign.traffic.covers(spec.traffic) && foreign.peer != itself
        })
    }

    fn problem(&mut self, object: &ObjectRef, problem: Problem) {
        self.problems.insert(ObjectProblem { object: object.clone(), problem });
    }

    fn permission(&self, object: &ObjectRef) -> Permission {
        self.permissions.get(object).copied().unwrap_or(Permission::Observe)
    }

    fn is_writer(&self, object: &ObjectRef) -> bool {
        self.permission(object) == Permission::Write
    }

    fn any_writer(&self) -> bool {
        self.permissions.values().any(|permission| *permission == Permission::Write)
    }

    // What is needed.

    fn needed(&mut self) {
        let mut needs = std::mem::take(&mut self.needs);
        for (spec, needs) in &mut needs {
            // Of several reasons that of the first object is told, in whatever order they came.
            needs.sort_by_key(|(claim, _)| &claim.object);
            for (claim, _) in needs.iter() {
                self.standing.entry(claim.object.clone()).or_default().desired.insert((*spec).clone());
            }
            match self.there.get(spec).copied() {
                None => self.missing(spec, needs),
                Some(rule) => self.in_place(rule, needs),
            }
        }
        self.needs = needs;
    }

    fn missing(&mut self, spec: &RuleSpec, needs: &[(&Claim, &Need)]) {
        if Defect::ClaimUnseenRules.is_on() {
            for (claim, _) in needs {
                self.standing.entry(claim.object.clone()).or_default().in_place.insert(spec.clone());
            }
        }
        if self.input.refused.contains(spec) {
            return;
        }
        let writers: Vec<_> = needs.iter().filter(|(claim, _)| self.is_writer(&claim.object)).collect();
        let able: BTreeSet<ObjectRef> =
            writers.iter().filter(|(claim, _)| claim.recorded).map(|(claim, _)| claim.object.clone()).collect();
        let all: BTreeSet<ObjectRef> = needs.iter().map(|(claim, _)| claim.object.clone()).collect();
        let need = writers.first().map_or(needs[0].1, |(_, need)| need);
        // One object may know the account of the peer, and another may not say it.
        let peer_account = writers.iter().find_map(|(_, need)| need.peer_account.clone());
        let action = Action::Authorize { peer_account };
        let mut step = self.step(action, spec, all.clone(), need.reason.clone());
        step.description = describe(&self.input.us.cluster, &all, &said_of(needs));
        if self.crowded_out.contains(spec) {
            self.held.push(Held { step, reason: HoldReason::RuleQuotaExceeded });
        } else if !able.is_empty() && self.input.contested.contains(spec) {
            self.held.push(Held { step, reason: HoldReason::Contested });
        } else if !able.is_empty() {
            self.steps.push(step);
        } else if !writers.is_empty() {
            self.held.push(Held { step, reason: HoldReason::Applying });
        } else {
            let observed = needs.iter().any(|(claim, _)| claim.stance == Stance::Observe);
            let reason = if observed { HoldReason::Observe } else { HoldReason::NotPermitted };
            self.held.push(Held { step, reason });
        }
    }

    fn in_place(&mut self, rule: &ActualRule, needs: &[(&Claim, &Need)]) {
        for (claim, _) in needs {
            self.standing.entry(claim.object.clone()).or_default().in_place.insert(rule.spec.clone());
        }
        let objects: BTreeSet<ObjectRef> = needs.iter().map(|(claim, _)| claim.object.clone()).collect();
        let observed = needs.iter().all(|(claim, _)| claim.stance == Stance::Observe);
        let writes = needs.iter().any(|(claim, _)| self.is_writer(&claim.object) && claim.recorded);
        match self.input.us.ownership(&rule.tags) {
            Ownership::Ours { others } => {
                let ours_sorts_first = others.iter().all(|other| self.input.us.cluster.as_str() < other.as_str());
                // A leaving object may take its name off a rule that another, observing one needs.
                if (ours_sorts_first || Defect::DescribeForOthers.is_on()) && self.any_writer() {
                    self.describe(rule, objects, &said_of(needs));
                }
            }
            Ownership::OtherClusters(_) if (writes || observed) && !Defect::LeaveRulesOfOthersUntagged.is_on() => {
                let step =
                    self.step(Action::Adopt { id: rule.id.clone() }, &rule.spec, objects, "needed here too".into());
                self.adopt(step, observed);
            }
            // What is only derived stays as whoever made it left it.
            Ownership::Foreign
                if (writes || observed)
                    && needs.iter().any(|(_, need)| !need.by_default)
                    && self.may_adopt_foreign(&rule.spec, observed) =>
            {
                let reason = "a foreign rule that is needed, where foreign rules are removed".to_owned();
                let step = self.step(Action::Adopt { id: rule.id.clone() }, &rule.spec, objects, reason);
                self.adopt(step, observed);
            }
            Ownership::OtherClusters(_)
            | Ownership::Foreign
            | Ownership::TakenOver
            | Ownership::OtherIdentity { .. } => {}
        }
    }

    fn adopt(&mut self, step: Step, observed: bool) {
        if observed {
            self.held.push(Held { step, reason: HoldReason::Observe });
        } else {
            self.steps.push(step);
        }
    }

    // Steps.

    fn step(&self, action: Action, spec: &RuleSpec, objects: BTreeSet<ObjectRef>, reason: String) -> Step {
        let interrupts_untracked = matches!(action, Action::Revoke { .. }) && self.interrupts(spec);
        Step {
            action,
            group: self.input.group.key.clone(),
            spec: spec.clone(),
            objects,
            reason,
            description: String::new(),
            interrupts_untracked,
        }
    }
}

/// Whether an object needs or governs anything here.
fn asks(claim: &Claim) -> bool {
    let governs = [&claim.governs.ingress, &claim.governs.egress].iter().any(|each| **each != Extent::Nothing);
    !claim.rules.is_empty() || governs
}

/// What to tell whoever would write ingress that the AWS Load Balancer Controller keeps.
fn controllers_ingress(input: &Input<'_>, claim: &Claim) -> Problem {
    let instead = match claim.object.kind {
        Kind::AlbTargetBinding => "leave ListenerIngress out of spec.manage",
        Kind::SecurityGroupAccess => "leave spec.ingress out",
    };
    let message = format!(
        "security group {} is managed by the AWS Load Balancer Controller (tag elbv2.k8s.aws/cluster), which would undo changes \
         of its ingress: {instead}, or give the load balancer a security group of your own",
        input.group.key.id
    );
    Problem::new(Reason::ManagedByLoadBalancerController, message)
}

/// What the objects want to be said of a rule that they need.
fn said_of(needs: &[(&Claim, &Need)]) -> BTreeSet<String> {
    needs.iter().flat_map(|(_, need)| need.texts.iter().cloned()).collect()
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
