//! Pure: the differences between what is needed and what is there, as steps and as steps that wait.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{Aspect, ForeignRules};
use crate::model::{
    Action, ActualRule, Claim, Consent, Direction, Farewell, Governance, GroupState, Held, HoldReason, Knowledge,
    Known, Named, Need, ObjectProblem, ObjectRef, Ownership, Peer, Plan, Problem, Reason, RuleSpec, Stance, Standing,
    Step, Traffic, Us, Usage, describe, named,
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
    /// Rules that AWS has just refused to make: not tried again in this pass.
    pub refused: &'a BTreeSet<RuleSpec>,
    /// Objects of other namespaces are not known of: a rule that may name one can't be judged.
    pub only_namespace: Option<&'a str>,
}

/// Plans one group.
pub fn group(input: &Input<'_>) -> Plan {
    let mut planner = Planner::new(input);
    planner.permissions();
    planner.needed();
    planner.ours();
    planner.foreign();
    planner.finish()
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
    steps: Vec<Step>,
    held: Vec<Held>,
    problems: BTreeSet<ObjectProblem>,
    standing: BTreeMap<ObjectRef, Standing>,
}

impl<'a> Planner<'a> {
    fn new(input: &'a Input<'a>) -> Self {
        Self {
            input,
            consent: input.group.consent(input.us),
            permissions: BTreeMap::new(),
            needs: BTreeMap::new(),
            there: input.group.rules.iter().map(|rule| (&rule.spec, rule)).collect(),
            steps: Vec::new(),
            held: Vec::new(),
            problems: BTreeSet::new(),
            standing: input.claims.iter().map(|claim| (claim.object.clone(), Standing::default())).collect(),
        }
    }

    fn finish(mut self) -> Plan {
        self.steps.sort();
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
            if permission == Permission::Refused && !leaving && !claim.rules.is_empty() {
                self.problem(&claim.object, refusal(self.input, &self.consent, &claim.object));
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
        if need.aspect == Aspect::ListenerIngress && self.input.group.is_load_balancer_controllers() {
            let message = format!(
                "security group {} is managed by the AWS Load Balancer Controller (tag elbv2.k8s.aws/cluster), which would undo \
                 changes of its ingress: leave ListenerIngress out of spec.manage, or give the load balancer a security group of \
                 your own",
                self.input.group.key.id
            );
            self.problem(&claim.object, Problem::new(Reason::ManagedByLoadBalancerController, message));
            return false;
        }
        if need.by_default && !self.there.contains_key(spec) && self.foreign_rule_covers(spec) {
            self.standing.entry(claim.object.clone()).or_default().left_to_foreign = true;
            return false;
        }
        true
    }

    fn foreign_rule_covers(&self, spec: &RuleSpec) -> bool {
        let itself = Peer::SecurityGroup(self.input.group.key.id.clone());
        self.input.group.rules.iter().any(|rule| {
            rule.spec.direction == spec.direction
                && rule.spec.traffic.covers(spec.traffic)
                && rule.spec.peer != itself
                && self.input.us.ownership(&rule.tags) == Ownership::Foreign
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
        let needs = std::mem::take(&mut self.needs);
        for (spec, needs) in &needs {
            for (claim, _) in needs {
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
        if self.input.refused.contains(spec) {
            return;
        }
        let writers: Vec<_> = needs.iter().filter(|(claim, _)| self.is_writer(&claim.object)).collect();
        let able: BTreeSet<ObjectRef> =
            writers.iter().filter(|(claim, _)| claim.recorded).map(|(claim, _)| claim.object.clone()).collect();
        let all: BTreeSet<ObjectRef> = needs.iter().map(|(claim, _)| claim.object.clone()).collect();
        let need = writers.first().map_or(needs[0].1, |(_, need)| need);
        let action = Action::Authorize { peer_account: need.peer_account.clone() };
        let mut step = self.step(action, spec, all.clone(), need.reason.clone());
        step.description = describe(&self.input.us.cluster, &all);
        if !able.is_empty() {
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
        let writes = needs.iter().any(|(claim, _)| self.is_writer(&claim.object) && claim.recorded);
        let observed = needs.iter().all(|(claim, _)| claim.stance == Stance::Observe);
        match self.input.us.ownership(&rule.tags) {
            Ownership::Ours { others } => {
                let ours_sorts_first = others.iter().all(|other| self.input.us.cluster.as_str() < other.as_str());
                let description = self.description(&rule.spec, &objects);
                // A leaving object may take its name off a rule that another, observing one needs.
                if ours_sorts_first && self.any_writer() && rule.description != description {
                    let mut step =
                        self.step(Action::Describe { id: rule.id.clone() }, &rule.spec, objects, "description".into());
                    step.description = description;
                    self.steps.push(step);
                }
            }
            Ownership::OtherIdentity { identity } => {
                for object in objects {
                    let message = format!(
                        "rule {} of {} belongs to another cluster that also calls itself {} (identity {identity}): give one of \
                         them another --cluster-name",
                        rule.id, self.input.group.key.id, self.input.us.cluster
                    );
                    self.problem(&object, Problem::new(Reason::IdentityConflict, message));
                }
            }
            Ownership::OtherClusters(_) if writes || observed => {
                let step =
                    self.step(Action::Adopt { id: rule.id.clone() }, &rule.spec, objects, "needed here too".into());
                self.adopt(step, observed);
            }
            Ownership::Foreign if (writes || observed) && self.may_remove_foreign(&rule.spec, observed) => {
                let reason = "a foreign rule that is needed, where foreign rules are removed".to_owned();
                let step = self.step(Action::Adopt { id: rule.id.clone() }, &rule.spec, objects, reason);
                self.adopt(step, observed);
            }
            Ownership::OtherClusters(_) | Ownership::Foreign => {}
        }
    }

    fn adopt(&mut self, step: Step, observed: bool) {
        if observed {
            self.held.push(Held { step, reason: HoldReason::Observe });
        } else {
            self.steps.push(step);
        }
    }

    /// Names everyone who needs the rule, and who needed it until lately.
    fn description(&self, spec: &RuleSpec, objects: &BTreeSet<ObjectRef>) -> String {
        let retaining = self.input.claims.iter().filter(|claim| match &claim.retained {
            crate::model::Retained::These(specs) => specs.contains(spec),
            crate::model::Retained::All => false,
        });
        let all = objects.iter().cloned().chain(retaining.map(|claim| claim.object.clone())).collect();
        describe(&self.input.us.cluster, &all)
    }

    /// Whether all who govern a direction of this group agree that foreign rules go, or, where all who need the
    /// rule only observe, would if they enforced.
    fn may_remove_foreign(&self, spec: &RuleSpec, observed: bool) -> bool {
        let governing = self.governing(spec, Governance::Inside);
        let agrees = |claim: &&Claim| {
            self.wants_removal(claim)
                || (observed && claim.stance == Stance::Observe && claim.foreign_rules == ForeignRules::Remove)
        };
        !governing.is_empty() && governing.iter().all(agrees) && self.is_owned()
    }

    fn is_owned(&self) -> bool {
        matches!(self.consent, Consent::Given { shared: false, .. })
    }

    fn wants_removal(&self, claim: &Claim) -> bool {
        claim.foreign_rules == ForeignRules::Remove && self.is_writer(&claim.object)
    }

    // What is ours and no longer needed.

    fn ours(&mut self) {
        for rule in &self.input.group.rules {
            let Ownership::Ours { others } = self.input.us.ownership(&rule.tags) else {
                continue;
            };
            let named = named(&self.input.us.cluster, &rule.description);
            if self.needs.contains_key(&rule.spec) {
                continue;
            }
            // What is only kept for a while is no surplus yet.
            let retained = self.retaining(&rule.spec, &named);
            for claim in self.input.claims.iter().filter(|claim| !retained && named.may_name(&claim.object)) {
                self.standing.entry(claim.object.clone()).or_default().surplus.insert(rule.spec.clone());
            }
            let retains = named.objects().iter().any(|object| {
                matches!(self.input.known.get(object), Some(Known { stance: Stance::Leaving(Farewell::Retain), .. }))
            });
            let id = rule.id.clone();
            let action = if retains || !others.is_empty() {
                Action::Release { id }
            } else {
                Action::Revoke { id, foreign: false }
            };
            let step = self.step(action, &rule.spec, named.objects().clone(), "no longer needed".into());
            match self.hold_surplus(&rule.spec, &named) {
                None => self.steps.push(step),
                Some(reason) => self.held.push(Held { step, reason }),
            }
        }
    }

    fn hold_surplus(&self, spec: &RuleSpec, named: &Named) -> Option<HoldReason> {
        if let Some(watched) = self.input.only_namespace {
            let elsewhere = named.objects().iter().any(|object| object.namespace != watched);
            if elsewhere || matches!(named, Named::AtLeast(_)) {
                return Some(HoldReason::OutsideWatch);
            }
        }
        let concerned: Vec<(&ObjectRef, &Known)> =
            self.input.known.iter().filter(|(object, _)| named.may_name(object)).collect();
        if matches!(named, Named::Exactly(_)) && concerned.is_empty() {
            return Some(HoldReason::Orphan);
        }
        if let Some(reason) = hold_for_knowledge(concerned.iter().copied()) {
            return Some(reason);
        }
        if self.retaining(spec, named) {
            return Some(HoldReason::RevocationDelay);
        }
        let accountable = |claim: &&Claim| named.may_name(&claim.object) && self.is_writer(&claim.object);
        let writers: Vec<&Claim> = self.input.claims.iter().filter(accountable).collect();
        if writers.is_empty() {
            let observes = concerned.iter().any(|(_, known)| known.stance == Stance::Observe);
            return Some(if observes { HoldReason::Observe } else { HoldReason::NotPermitted });
        }
        let waits = self.input.claims.iter().any(|claim| named.may_name(&claim.object) && self.is_unfinished(claim));
        waits.then_some(HoldReason::Applying)
    }

    /// Whether someone needed the rule until lately, or may have.
    fn retaining(&self, spec: &RuleSpec, named: &Named) -> bool {
        self.input.claims.iter().any(|claim| match &claim.retained {
            crate::model::Retained::These(specs) => specs.contains(spec),
            crate::model::Retained::All => named.may_name(&claim.object),
        })
    }

    /// Whether rules that the object needs are neither there nor about to be made by this plan, so that
    /// what it had before must stay.
    fn is_unfinished(&self, claim: &Claim) -> bool {
        if claim.pending_elsewhere {
            return true;
        }
        self.is_writer(&claim.object)
            && claim.rules.keys().any(|spec| {
                let missing = self.needs.contains_key(spec) && !self.there.contains_key(spec);
                missing && (self.input.refused.contains(spec) || !claim.recorded)
            })
    }

    // What others made.

    fn governing(&self, spec: &RuleSpec, least: Governance) -> Vec<&'a Claim> {
        let itself = spec.peer == Peer::SecurityGroup(self.input.group.key.id.clone());
        let governs = |claim: &&Claim| {
            let extent = match spec.direction {
                Direction::Ingress => &claim.governs.ingress,
                Direction::Egress => &claim.governs.egress,
            };
            !matches!(claim.stance, Stance::Leaving(_))
                && self.permission(&claim.object) != Permission::Refused
                && extent.governance(spec.traffic, itself) >= least
        };
        self.input.claims.iter().filter(governs).collect()
    }

    fn foreign(&mut self) {
        for rule in &self.input.group.rules {
            let foreign = self.input.us.ownership(&rule.tags) == Ownership::Foreign;
            if !foreign || self.needs.contains_key(&rule.spec) {
                continue;
            }
            for claim in self.governing(&rule.spec, Governance::Wider) {
                self.standing.entry(claim.object.clone()).or_default().foreign.insert(rule.spec.clone());
            }
            self.remove_foreign(rule);
        }
    }

    fn remove_foreign(&mut self, rule: &ActualRule) {
        let governing = self.governing(&rule.spec, Governance::Inside);
        let wishes: Vec<&Claim> =
            governing.iter().copied().filter(|claim| claim.foreign_rules == ForeignRules::Remove).collect();
        if wishes.is_empty() {
            return;
        }
        let objects = wishes.iter().map(|claim| claim.object.clone()).collect();
        let action = Action::Revoke { id: rule.id.clone(), foreign: true };
        let mut step = self.step(action, &rule.spec, objects, "a foreign rule".into());
        step.interrupts_untracked = self.interrupts(&rule.spec);
        match self.hold_foreign(&rule.spec, &governing) {
            None => self.steps.push(step),
            Some(reason) => {
                if reason == HoldReason::ForeignRulesKept {
                    for claim in wishes {
                        self.standing.entry(claim.object.clone()).or_default().outvoted = true;
                    }
                }
                self.held.push(Held { step, reason });
            }
        }
    }

    fn hold_foreign(&self, spec: &RuleSpec, governing: &[&Claim]) -> Option<HoldReason> {
        let only_observes = governing.iter().all(|claim| claim.stance == Stance::Observe);
        if only_observes {
            return Some(HoldReason::Observe);
        }
        if !self.is_owned() || !governing.iter().all(|claim| self.wants_removal(claim)) {
            return Some(HoldReason::ForeignRulesKept);
        }
        let known = governing.iter().filter_map(|claim| self.input.known.get_key_value(&claim.object));
        if let Some(reason) = hold_for_knowledge(known) {
            return Some(reason);
        }
        if self.input.claims.iter().any(|claim| claim.retained.contains(spec)) {
            return Some(HoldReason::RevocationDelay);
        }
        if governing.iter().any(|claim| claim.governs.unless_used_elsewhere) {
            match self.input.usage {
                Usage::BoundLoadBalancersOnly => {}
                Usage::Elsewhere(interfaces) => {
                    return Some(HoldReason::GroupUsedElsewhere(interfaces.clone()));
                }
                Usage::Unknown => return Some(HoldReason::UsageUnknown),
            }
        }
        // Whatever foreign rules admit may be needed until all that is declared is there.
        self.input.claims.iter().any(|claim| self.is_unfinished(claim)).then_some(HoldReason::Applying)
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

    /// Whether taking a rule away may cut live connections: flows are not tracked where one direction
    /// admits them from or to anywhere and the other direction admits every port there.
    ///
    /// Source: "Untracked connections" in the EC2 user guide.
    fn interrupts(&self, spec: &RuleSpec) -> bool {
        spec.peer.is_anywhere()
            && self.input.group.rules.iter().any(|other| {
                other.spec.direction != spec.direction
                    && other.spec.peer == spec.peer
                    && (untracked_pair(spec.traffic, other.spec.traffic)
                        || untracked_pair(other.spec.traffic, spec.traffic))
            })
    }
}

/// Whether `wide` admits every port of a protocol with which `narrow` has to do.
fn untracked_pair(wide: Traffic, narrow: Traffic) -> bool {
    use crate::model::PortRange;
    [Traffic::Tcp(PortRange::ALL), Traffic::Udp(PortRange::ALL)]
        .iter()
        .any(|every_port| wide.covers(*every_port) && (narrow.covers(*every_port) || every_port.covers(narrow)))
}

fn hold_for_knowledge<'a>(concerned: impl Iterator<Item = (&'a ObjectRef, &'a Known)> + Clone) -> Option<HoldReason> {
    let incomplete: BTreeSet<ObjectRef> = concerned
        .clone()
        .filter(|(_, known)| known.knowledge == Knowledge::Incomplete)
        .map(|(object, _)| object.clone())
        .collect();
    if !incomplete.is_empty() {
        return Some(HoldReason::Unresolved(incomplete));
    }
    concerned.clone().any(|(_, known)| known.knowledge == Knowledge::Stale).then_some(HoldReason::Applying)
}

fn refusal(input: &Input<'_>, consent: &Consent, object: &ObjectRef) -> Problem {
    let key = &input.group.key;
    let (id, region, tag) = (&key.id, &key.scope.region, input.us.cluster.tag_key());
    let namespaces_tag = crate::api::names::NAMESPACES_TAG;
    let namespace = &object.namespace;
    match consent {
        Consent::Refused => Problem::new(
            Reason::SecurityGroupNotOptedIn,
            format!(
                "security group {id} has not opted in to be written by cluster {}. If it may be: aws ec2 create-tags --region \
                 {region} --resources {id} --tags Key={tag},Value=owned Key={namespaces_tag},Value={namespace}",
                input.us.cluster
            ),
        ),
        Consent::Given { namespaces, .. } => {
            let listed = match namespaces {
                crate::model::Namespaces::All => "*".to_owned(),
                crate::model::Namespaces::These(names) => {
                    names.iter().map(String::as_str).chain([namespace.as_str()]).collect::<Vec<_>>().join(" ")
                }
            };
            Problem::new(
                Reason::NamespaceNotAllowed,
                format!(
                    "security group {id} may not be written for namespace {namespace}. If it may be: aws ec2 create-tags --region \
                     {region} --resources {id} --tags 'Key={namespaces_tag},Value={listed}'"
                ),
            )
        }
    }
}
