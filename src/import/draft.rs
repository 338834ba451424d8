//! The binding itself: minimal where derivation is right, explicit where today's rules say more.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{
    self, ALBTargetBinding, ALBTargetBindingSpec, Aspect, DeletionPolicy, ForeignRules, Listener, LoadBalancerRef,
    SecurityGroupRef, TargetGroup, TargetGroupRef,
};
use crate::model::{ActualRule, Direction, Peer, SecurityGroupId, Traffic};

use super::choice::{self, Chosen, Why};
use super::clients::{self, Admission, Client};
use super::{Draft, Notes, Today, Unfit, Wanted, words};

/// What the lists of a binding hold at the most, as the schema says.
const MOST_PEERS: usize = 60;
const MOST_LISTENERS: usize = 60;
const MOST_TARGET_GROUPS: usize = 50;
const MOST_GROUPS: usize = 16;

/// The binding that admits whom the load balancer's rules admit today, and nobody else.
///
/// # Errors
/// One binding can't say it.
pub fn draft(today: &Today, wanted: &Wanted) -> Result<Draft, Unfit> {
    let Some(chosen) = choice::of_load_balancer(today) else {
        return Err(Unfit::WithoutGroup { load_balancer: today.load_balancer.name.clone() });
    };
    let Some(group) = today.groups.get(&chosen.id) else { return Err(Unfit::RulesUnknown(chosen.id)) };
    let mut drafting = Drafting { today, spec: smallest(today, wanted), notes: Notes::default(), written: &chosen.id };
    drafting.load_balancer(&chosen);
    let admissions = clients::admissions(&today.load_balancer, &group.state.rules);
    drafting.clients(&admissions)?;
    drafting.others();
    drafting.target_groups()?;
    drafting.identity_providers(&group.state.rules)?;
    let Drafting { spec, notes, .. } = drafting;
    let mut binding = ALBTargetBinding::new(&wanted.name, spec);
    binding.metadata.namespace = Some(wanted.namespace.clone());
    Ok(Draft { binding, group: chosen.id, notes })
}

/// Names the load balancer, by name: names are unique in an account and Region.
fn smallest(today: &Today, wanted: &Wanted) -> ALBTargetBindingSpec {
    let elsewhere = |there: &str, home: &str| (there != home).then(|| there.to_owned());
    ALBTargetBindingSpec {
        region: elsewhere(today.scope.region.as_str(), wanted.home.region.as_str()),
        account_id: elsewhere(today.scope.account.as_str(), wanted.home.account.as_str()),
        load_balancer: LoadBalancerRef { name: Some(today.load_balancer.name.clone()), ..Default::default() },
        clients: None,
        listeners: None,
        target_groups: None,
        identity_providers: None,
        path_mtu_discovery: false,
        blue_green: None,
        manage: vec![Aspect::ListenerIngress, Aspect::TargetEgress, Aspect::TargetIngress],
        enforcement: wanted.enforcement,
        foreign_rules: ForeignRules::Report,
        deletion_policy: DeletionPolicy::Revoke,
    }
}

struct Drafting<'a> {
    today: &'a Today,
    spec: ALBTargetBindingSpec,
    notes: Notes,
    /// The load balancer's group that is written.
    written: &'a SecurityGroupId,
}

impl Drafting<'_> {
    fn load_balancer(&mut self, chosen: &Chosen) {
        let groups = &self.today.load_balancer.groups;
        let all: Vec<String> = groups.iter().map(|id| words::group(self.today, id)).collect();
        let (all, this) = (all.join(", "), words::group(self.today, &chosen.id));
        match chosen.why {
            Why::Only => self.notes.beside("spec.loadBalancer", format!("its group {this} is written")),
            Why::OptedIn => {
                let note = format!("Of its groups {all} only {} has opted in: that one is written.", chosen.id);
                self.notes.above("spec.loadBalancer", note);
            }
            Why::Rules => {
                let path = "spec.loadBalancer.securityGroup";
                self.notes.above(path, format!("It carries several groups: {all}."));
                self.notes.above(
                    path,
                    "This one's rules serve today's traffic best. Name another if that one is to be written, or",
                );
                self.notes.above(path, "name none, and let exactly one of them opt in.");
                let (reference, other_name) = clients::group_ref(self.today, &chosen.id);
                self.spec.load_balancer.security_group = Some(reference);
                if let Some(other_name) = other_name {
                    self.notes.beside(path, other_name);
                }
            }
        }
    }

    /// Declares whom the written group admits at each port.
    fn clients(&mut self, admissions: &[Admission<'_>]) -> Result<(), Unfit> {
        let managed =
            self.today.groups.get(self.written).is_some_and(|group| group.state.is_load_balancer_controllers());
        let (open, closed): (Vec<&Admission<'_>>, Vec<_>) =
            admissions.iter().partition(|admission| !admission.clients.is_empty());
        if managed || open.is_empty() {
            self.leave_ingress_out(managed, &closed);
            self.partly(admissions);
            return Ok(());
        }
        let each: Vec<Vec<Client>> =
            open.iter().map(|admission| clients::clients(self.today, self.written, &[admission])).collect();
        let peers = |clients: &[Client]| clients.iter().map(|client| client.peer.clone()).collect::<Vec<api::Peer>>();
        let group = words::group(self.today, self.written);
        let said = format!("Clients: those whom the rules of {group} admit today.");
        if each.iter().all(|clients| peers(clients) == peers(&each[0])) {
            let all = clients::clients(self.today, self.written, &open);
            self.notes.above("spec.clients", said);
            self.spec.clients = Some(self.peers("spec.clients", all)?);
            if !closed.is_empty() {
                let listener = |admission: &&Admission<'_>| Listener { port: admission.port, clients: None };
                self.spec.listeners = Some(open.iter().map(listener).collect());
            }
        } else {
            self.notes.above("spec.listeners", said);
            let mut listeners = Vec::new();
            for (index, (admission, clients)) in open.iter().zip(each).enumerate() {
                let clients = self.peers(&format!("spec.listeners[{index}].clients"), clients)?;
                listeners.push(Listener { port: admission.port, clients: Some(clients) });
            }
            self.spec.listeners = Some(listeners);
        }
        let listeners = self.spec.listeners.as_ref().map_or(0, Vec::len);
        at_most(MOST_LISTENERS, listeners, "spec.listeners", "make a binding for some of its ports by hand")?;
        for admission in closed {
            let note = format!("Port {}: the group admits nobody there today, so it is left out.", admission.port);
            self.notes.above("spec.listeners", note);
        }
        self.partly(admissions);
        Ok(())
    }

    /// Nothing is opened, so nothing is declared: an empty list of clients is refused, and silence would open the
    /// default.
    fn leave_ingress_out(&mut self, managed: bool, closed: &[&Admission<'_>]) {
        let group = words::group(self.today, self.written);
        self.spec.manage = vec![Aspect::TargetEgress, Aspect::TargetIngress];
        if managed {
            let note = format!(
                "The AWS Load Balancer Controller keeps the ingress of {group}, so ListenerIngress is left out."
            );
            return self.notes.above("spec.manage", note);
        }
        let why = if closed.is_empty() {
            "The load balancer has no listener".to_owned()
        } else {
            let ports: Vec<String> = closed.iter().map(|admission| admission.port.to_string()).collect();
            format!("Nobody is admitted today by the rules of {group} at the listeners' ports ({})", ports.join(", "))
        };
        self.notes.above("spec.manage", format!("{why}, so ListenerIngress is left out:"));
        self.notes.above("spec.manage", "declare clients, and take manage out.");
    }

    fn partly(&mut self, admissions: &[Admission<'_>]) {
        for admission in admissions {
            for rule in &admission.partly {
                let (peer, traffic) = (words::peer(self.today, &rule.spec.peer), rule.spec.traffic);
                let note = format!(
                    "Port {}: {peer} is admitted by {traffic} only ({}). As a client it would be admitted by tcp and udp, so it is \
                     not declared.",
                    admission.port, rule.id
                );
                self.notes.above("spec.listeners", note);
            }
        }
    }

    fn peers(&mut self, field: &str, clients: Vec<Client>) -> Result<Vec<api::Peer>, Unfit> {
        at_most(MOST_PEERS, clients.len(), field, "put the networks into a managed prefix list, and admit that")?;
        let mut peers = Vec::new();
        for (index, Client { peer, comment }) in clients.into_iter().enumerate() {
            if let Some(comment) = comment {
                self.notes.beside(format!("{field}[{index}]"), comment);
            }
            peers.push(peer);
        }
        Ok(peers)
    }

    /// Rules of the load balancer's other groups admit on, whatever the binding says.
    fn others(&mut self) {
        for id in self.today.load_balancer.groups.iter().filter(|id| *id != self.written) {
            let Some(group) = self.today.groups.get(id) else { continue };
            let admissions = clients::admissions(&self.today.load_balancer, &group.state.rules);
            let at_port = |admission: &Admission<'_>| {
                let peers: Vec<String> = admission.clients.keys().map(|peer| words::peer(self.today, peer)).collect();
                (!peers.is_empty()).then(|| format!("{} from {}", admission.port, peers.join(", ")))
            };
            let admitted: Vec<String> = admissions.iter().filter_map(at_port).collect();
            if !admitted.is_empty() {
                let group = words::group(self.today, id);
                let note = format!("{group} is not written, and admits too: {}.", admitted.join("; "));
                self.notes.above(if self.spec.clients.is_some() { "spec.clients" } else { "spec.listeners" }, note);
            }
        }
    }

    /// Left to derivation, unless a target's interface carries several groups.
    fn target_groups(&mut self) -> Result<(), Unfit> {
        let found = &self.today.target_groups;
        let named: Vec<_> =
            found.iter().map(|group| (group, choice::of_targets(self.today, group, self.written))).collect();
        if named.iter().all(|(_, groups)| groups.is_none()) {
            return Ok(());
        }
        at_most(
            MOST_TARGET_GROUPS,
            named.len(),
            "spec.targetGroups",
            "make a second binding for some of them by hand",
        )?;
        let mut declared = Vec::new();
        for (index, (group, groups)) in named.into_iter().enumerate() {
            let path = format!("spec.targetGroups[{index}].securityGroups");
            let security_groups = groups.map(|ids| self.groups_of_targets(&path, &group.name, &ids)).transpose()?;
            let reference = TargetGroupRef { name: Some(group.name.clone()), arn: None };
            declared.push(TargetGroup {
                name: group.name.clone(),
                reference: Some(reference),
                ports: None,
                health_check_port: None,
                security_groups,
                addresses: None,
            });
        }
        self.spec.target_groups = Some(declared);
        Ok(())
    }

    fn groups_of_targets(
        &mut self,
        path: &str,
        target_group: &str,
        ids: &BTreeSet<SecurityGroupId>,
    ) -> Result<Vec<SecurityGroupRef>, Unfit> {
        at_most(MOST_GROUPS, ids.len(), path, "give the targets a group in common")?;
        let sets = self.today.interfaces.get(target_group).into_iter().flatten();
        let carried: BTreeSet<&SecurityGroupId> = sets.flatten().collect();
        let carried: Vec<String> = carried.into_iter().map(|id| words::group(self.today, id)).collect();
        self.notes.above(path, format!("Interfaces of the targets carry several groups: {}.", carried.join(", ")));
        self.notes.above(path, "Named are those whose rules serve today's traffic best.");
        let mut references = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            let (reference, other_name) = clients::group_ref(self.today, id);
            references.push(reference);
            if let Some(other_name) = other_name {
                self.notes.beside(format!("{path}[{index}]"), other_name);
            }
        }
        Ok(references)
    }

    /// Where an action authenticates: whom egress on 443 reaches today, but for targets. The default is anywhere.
    fn identity_providers(&mut self, rules: &[ActualRule]) -> Result<(), Unfit> {
        let path = "spec.identityProviders";
        if !self.today.load_balancer.listeners.values().any(|listener| listener.authenticates) {
            return Ok(());
        }
        let reached = |rule: &&ActualRule| {
            let is_out = rule.spec.direction == Direction::Egress && rule.spec.traffic.covers(Traffic::tcp(443));
            is_out && !self.is_target(&rule.spec.peer)
        };
        let mut peers = BTreeMap::new();
        for rule in rules.iter().filter(reached) {
            peers.entry(&rule.spec.peer).or_insert(rule);
        }
        if peers.keys().copied().eq([&Peer::anywhere_v4()]) {
            self.notes.above(
                path,
                "An action authenticates: identity providers are reached anywhere on 443, by default, as today.",
            );
            return Ok(());
        }
        self.notes.above(path, "An action authenticates. Reached on 443 today, beside targets:");
        if peers.is_empty() {
            self.notes.above(path, "nobody, so that logins can't work. Write the identity provider's networks here.");
        }
        let of_rule = |(peer, rule): (&&Peer, &&ActualRule)| {
            let (peer, comment) = clients::named(self.today, self.written, peer, rule.peer_account.as_ref());
            Client { peer, comment }
        };
        let providers = peers.iter().map(of_rule).collect();
        self.spec.identity_providers = Some(self.peers(path, providers)?);
        Ok(())
    }

    fn is_target(&self, peer: &Peer) -> bool {
        self.today.target_groups.iter().any(|group| match peer {
            Peer::SecurityGroup(id) => group.groups.contains(id),
            Peer::Cidr(cidr) => group.addresses.contains(cidr),
            Peer::PrefixList(_) => false,
        })
    }
}

fn at_most(most: usize, count: usize, field: &str, remedy: &'static str) -> Result<(), Unfit> {
    if count <= most { Ok(()) } else { Err(Unfit::TooMany { field: field.to_owned(), count, most, remedy }) }
}
