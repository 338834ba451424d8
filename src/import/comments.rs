//! The document: what follows from the finished binding, as comments.

use std::collections::BTreeSet;

use crate::api::Aspect;
use crate::desired::{self, Desired, GroupNeeds};
use crate::model::{
    ActualRule, Binding, Consent, Declaration, Direction, Extent, Facts, Governance, Peer, Reason, Resolution,
    RuleSpec, SecurityGroupId, TargetGroupFacts, Traffic, Us, Usage, Wants,
};
use crate::plan;

use super::{Document, Draft, Group, Today, Unfit, clients, words};

/// Completes a draft by what it comes to: `declaration` is the draft's, `resolution` what it names in AWS, `usage` who
/// uses the load balancer's group.
///
/// # Errors
/// The binding would admit others than today's rules do, which is a bug.
pub fn document(
    today: &Today,
    draft: Draft,
    declaration: &Declaration,
    resolution: &Resolution,
    usage: &Usage,
) -> Result<Document, Unfit> {
    let mut commenting = Commenting { today, draft, usage, unknown: Vec::new() };
    let Wants::Binding(binding) = &declaration.wants else {
        return Err(Unfit::Differs("it is no binding".into()));
    };
    let mut binding = binding.clone();
    binding.path_mtu_discovery = commenting.path_mtu(&binding, &resolution.facts);
    commenting.draft.binding.spec.path_mtu_discovery = binding.path_mtu_discovery;
    let desired = desired::binding(&binding, &resolution.facts);
    commenting.admits_the_same(&desired)?;
    today.unknown.iter().for_each(|what| commenting.do_not_know(what.clone()));
    commenting.problems(resolution);
    commenting.targets(&resolution.facts);
    commenting.foreign(&desired);
    commenting.consent(&desired, &declaration.object.namespace);
    commenting.head();
    let Commenting { draft, unknown, .. } = commenting;
    Ok(Document { binding: draft.binding, notes: draft.notes, unknown })
}

struct Commenting<'a> {
    today: &'a Today,
    draft: Draft,
    usage: &'a Usage,
    unknown: Vec<String>,
}

impl Commenting<'_> {
    fn written(&self) -> Option<&Group> {
        self.today.groups.get(&self.draft.group)
    }

    /// Declared only if all that it needs is there today, as rules for just that.
    fn path_mtu(&self, binding: &Binding, facts: &Facts) -> bool {
        let specs = |path_mtu_discovery: bool| -> BTreeSet<RuleSpec> {
            let binding = Binding { path_mtu_discovery, ..binding.clone() };
            let mut desired = desired::binding(&binding, facts);
            desired.groups.remove(&self.draft.group).map(|needs| needs.rules.into_keys().collect()).unwrap_or_default()
        };
        let more = &specs(true) - &specs(false);
        let rules = self.written().map(|group| group.state.rules.as_slice()).unwrap_or_default();
        !more.is_empty() && more.iter().all(|spec| rules.iter().any(|rule| rule.spec == *spec))
    }

    /// Nobody who is admitted at a listener today is missing, and nobody is new.
    fn admits_the_same(&self, desired: &Desired) -> Result<(), Unfit> {
        let aspect = Aspect::ListenerIngress;
        if !self.draft.binding.spec.manage.contains(&aspect) {
            return Ok(());
        }
        let rules = self.written().map(|group| group.state.rules.as_slice()).unwrap_or_default();
        let admitted = clients::admitted(&clients::admissions(&self.today.load_balancer, rules));
        let needs = desired.groups.get(&self.draft.group).into_iter().flat_map(|needs| &needs.rules);
        // Path MTU discovery is no listener's traffic.
        let is_transport = |traffic: Traffic| matches!(traffic, Traffic::Tcp(_) | Traffic::Udp(_));
        let declared: BTreeSet<_> = needs
            .filter(|(spec, need)| need.aspect == Some(aspect) && is_transport(spec.traffic))
            .map(|(spec, _)| (spec.traffic, spec.peer.clone()))
            .collect();
        if admitted == declared {
            return Ok(());
        }
        let told = |(traffic, peer): &(Traffic, Peer)| format!("{traffic} from {peer}");
        let differing: Vec<String> = admitted.symmetric_difference(&declared).map(told).collect();
        Err(Unfit::Differs(differing.join(", ")))
    }

    fn do_not_know(&mut self, what: String) {
        if !self.unknown.contains(&what) {
            self.unknown.push(what);
        }
    }

    /// What was not found is as it is; what could not be read is not known.
    fn problems(&mut self, resolution: &Resolution) {
        for problem in &resolution.problems {
            match problem.reason {
                Reason::NoTargetsRegistered | Reason::TargetInterfaceNotFound => {
                    self.draft.notes.above("spec.targetGroups", format!("Not known yet: {}.", problem.message));
                }
                _ => self.do_not_know(problem.message.clone()),
            }
        }
        for (id, group) in &self.today.groups {
            let count = group.state.unreadable.ingress + group.state.unreadable.egress;
            if count > 0 {
                let count = words::counted(count as usize, "rule");
                self.unknown.push(format!("{count} of {} can't be understood", words::group(self.today, id)));
            }
        }
    }

    /// What is derived, as it is today.
    fn targets(&mut self, facts: &Facts) {
        let mut lines = Vec::new();
        if facts.target_groups.is_empty() {
            lines.push("Target groups: no listener forwards to any today.".to_owned());
        } else if self.draft.binding.spec.target_groups.is_none() {
            lines.push("Target groups are derived: all that listeners and their rules forward to. Today:".to_owned());
        } else {
            lines.push(
                "Target groups: all that listeners and their rules forward to today. Derived of them:".to_owned(),
            );
        }
        lines.extend(facts.target_groups.iter().map(|group| format!("  {}", self.target_group(group))));
        lines.extend(blue_green(facts));
        let above = self.draft.notes.above.entry("spec.targetGroups".into()).or_default();
        above.splice(0..0, lines);
    }

    fn target_group(&self, group: &TargetGroupFacts) -> String {
        let name = words::shortened(&group.name);
        if group.ports.is_empty() && group.protocol.0.is_empty() {
            return format!("{name}: a Lambda function, which needs no rule");
        }
        let list = |ports: &BTreeSet<u16>| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        let mut parts = vec![format!("{} {}", words::shortened(&group.protocol.0), list(&group.ports))];
        parts.extend(group.health_check_port.map(|port| format!("health checks on {port}")));
        parts.extend(group.control_port.map(|port| format!("target control on {port}")));
        let homes = group.groups.iter().map(|id| words::group(self.today, id));
        let homes: Vec<String> = homes.chain(group.addresses.iter().map(ToString::to_string)).collect();
        if !homes.is_empty() {
            parts.push(format!("in {}", homes.join(", ")));
        }
        format!("{name}: {}", parts.join("; "))
    }

    /// Every rule that would be reported as foreign, by the plan's own measure.
    fn foreign(&mut self, desired: &Desired) {
        let mut lines = Vec::new();
        let own = desired.groups.get_key_value(&self.draft.group);
        let others = desired.groups.iter().filter(|(id, _)| **id != self.draft.group);
        for (id, needs) in own.into_iter().chain(others) {
            match self.today.groups.get(id) {
                Some(group) => {
                    let rules = group.state.rules.iter().filter(|rule| self.is_foreign(rule, needs));
                    let mut told: Vec<String> =
                        rules.filter_map(|rule| self.foreign_rule(id, group, needs, rule)).collect();
                    told.sort();
                    lines.append(&mut told);
                }
                None => self.unknown.push(format!("the rules of {id}")),
            }
        }
        let foot = &mut self.draft.notes.foot;
        if lines.is_empty() {
            foot.push("No rule of today would be reported as foreign.".into());
        } else {
            foot.push("Rules of today that would be reported as foreign:".into());
            foot.extend(lines.into_iter().map(|line| format!("  {line}")));
            let above = "Report leaves foreign rules as they are, see below. Remove takes them away, when all else is in place.";
            self.draft.notes.above("spec.foreignRules", above);
        }
    }

    fn is_foreign(&self, rule: &ActualRule, needs: &GroupNeeds) -> bool {
        self.today.is_foreign(rule) && !needs.rules.contains_key(&rule.spec)
    }

    fn foreign_rule(
        &self,
        id: &SecurityGroupId,
        group: &Group,
        needs: &GroupNeeds,
        rule: &ActualRule,
    ) -> Option<String> {
        let extent: &Extent = match rule.spec.direction {
            Direction::Ingress => &needs.governs.ingress,
            Direction::Egress => &needs.governs.egress,
        };
        let itself = rule.spec.peer == Peer::SecurityGroup(id.clone());
        let governance = extent.governance(rule.spec.traffic, itself);
        let serves = needs.rules.keys().any(|spec| rule.spec.may_cover(spec));
        let judged = if serves { "wider than needed" } else { "not needed" };
        let kept = match governance {
            Governance::Outside => return None,
            Governance::Wider => "; Remove leaves it, as it reaches beyond the target groups' ports".to_owned(),
            Governance::Inside => self.kept(id, group, needs),
        };
        Some(format!("{}: {judged}{kept}", words::rule(self.today, id, rule)))
    }

    /// What keeps a rule in question from being taken away.
    fn kept(&self, id: &SecurityGroupId, group: &Group, needs: &GroupNeeds) -> String {
        let shared = |us: &Us| matches!(group.state.consent(us), Consent::Given { shared: true, .. });
        if self.today.us.as_ref().is_some_and(shared) {
            return format!("; Remove leaves it, as {id} is shared");
        }
        match self.usage {
            Usage::Elsewhere(interfaces) if needs.governs.unless_used_elsewhere => {
                let interfaces: Vec<String> = interfaces.iter().map(|name| words::shortened(name)).collect();
                format!("; Remove leaves it while {id} is used elsewhere ({})", interfaces.join(", "))
            }
            _ => String::new(),
        }
    }

    /// The commands by which the groups let the binding write them.
    fn consent(&mut self, desired: &Desired, namespace: &str) {
        let Some(us) = &self.today.us else { return };
        let command = |(id, needs): (&SecurityGroupId, &GroupNeeds)| {
            let state = &self.today.groups.get(id)?.state;
            let asks = !needs.rules.is_empty();
            asks.then(|| plan::opt_in(us, &state.key, &state.tags, namespace)).flatten()
        };
        let commands: Vec<String> = desired.groups.iter().filter_map(command).collect();
        let foot = &mut self.draft.notes.foot;
        if !commands.is_empty() {
            let cluster = &us.cluster;
            foot.push(format!(
                "Groups that may not be written yet by cluster {cluster} for namespace {namespace}. If they may be:"
            ));
            foot.extend(commands.into_iter().map(|command| format!("  {command}")));
        }
    }

    fn head(&mut self) {
        let balancer = &self.today.load_balancer;
        let (kind, scheme) = (balancer.kind.word(), balancer.scheme.word());
        let head = &mut self.draft.notes.head;
        head.push(format!("Imported from {}", words::in_one_line(balancer.arn.as_str())));
        head.push(format!("({kind}, {scheme}, {}).", words::shortened(&balancer.ip_address_type)));
        if !self.unknown.is_empty() {
            head.push("NOT COMPLETE. Not known:".into());
            head.extend(self.unknown.iter().map(|what| format!("  {what}")));
        }
    }
}

/// A pair of target groups whose names differ in their color alone could be told apart in the status.
fn blue_green(facts: &Facts) -> Option<String> {
    let names: BTreeSet<&str> = facts.target_groups.iter().map(|group| group.name.as_str()).collect();
    let green_of = |blue: &str| names.get(blue.replace("blue", "green").as_str()).copied();
    let pair = names.iter().find_map(|blue| Some((*blue, green_of(blue)?)).filter(|(blue, green)| blue != green));
    pair.map(|(blue, green)| {
        format!(
            "For status.blueGreen write blueGreen: {{blue: {}, green: {}}}",
            words::shortened(blue),
            words::shortened(green)
        )
    })
}
