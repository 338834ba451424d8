//! Whom the rules of today admit, and how a binding names them.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{self, PrefixListRef, SecurityGroupRef};
use crate::model::{ActualRule, Cidr, Direction, ListenerFacts, LoadBalancerFacts, Peer, SecurityGroupId, Traffic};

use super::{Today, words};

/// What a listener's clients send.
pub(super) fn listener_traffic(port: u16, facts: &ListenerFacts) -> Vec<Traffic> {
    facts.protocol.transports().iter().map(|transport| transport.port(port)).collect()
}

/// Whom the rules admit at one port.
pub(super) struct Admission<'a> {
    pub port: u16,
    /// Whoever is admitted with all transport protocols of the listener, by which rules.
    pub clients: BTreeMap<Peer, Vec<&'a ActualRule>>,
    /// Rules that admit someone with one of several transport protocols only, which no binding can declare.
    pub partly: Vec<&'a ActualRule>,
    traffic: Vec<Traffic>,
}

impl<'a> Admission<'a> {
    fn of(port: u16, facts: &ListenerFacts, rules: &'a [ActualRule]) -> Self {
        let traffic = listener_traffic(port, facts);
        let ingress = |rule: &&ActualRule| rule.spec.direction == Direction::Ingress;
        let mut by_peer: BTreeMap<Peer, Vec<&ActualRule>> = BTreeMap::new();
        for rule in rules.iter().filter(ingress) {
            if traffic.iter().any(|wanted| rule.spec.traffic.covers(*wanted)) {
                by_peer.entry(rule.spec.peer.clone()).or_default().push(rule);
            }
        }
        let whole = |rules: &Vec<&ActualRule>| {
            traffic.iter().all(|wanted| rules.iter().any(|rule| rule.spec.traffic.covers(*wanted)))
        };
        let (clients, partly): (BTreeMap<_, _>, BTreeMap<_, _>) =
            by_peer.into_iter().partition(|(_, rules)| whole(rules));
        Self { port, clients, partly: partly.into_values().flatten().collect(), traffic }
    }

    /// Whether some of it is admitted only by rules that admit more.
    fn is_by_wider(&self, peer: &Peer) -> bool {
        let rules = self.clients.get(peer).map(Vec::as_slice).unwrap_or_default();
        let exact = |wanted: &Traffic| rules.iter().any(|rule| rule.spec.traffic == *wanted);
        !rules.is_empty() && !self.traffic.iter().all(exact)
    }
}

/// Whom a group's rules admit at each of the load balancer's ports.
pub(super) fn admissions<'a>(load_balancer: &LoadBalancerFacts, rules: &'a [ActualRule]) -> Vec<Admission<'a>> {
    load_balancer.listeners.iter().map(|(port, facts)| Admission::of(*port, facts, rules)).collect()
}

/// What the rules of today admit, so far as a binding can declare it.
pub(super) fn admitted(admissions: &[Admission<'_>]) -> BTreeSet<(Traffic, Peer)> {
    let of_port = |admission: &Admission<'_>| {
        let each = |peer: &Peer| admission.traffic.iter().map(|traffic| (*traffic, peer.clone())).collect::<Vec<_>>();
        admission.clients.keys().flat_map(each).collect::<Vec<_>>()
    };
    admissions.iter().flat_map(of_port).collect()
}

/// A client as the binding names it, and what is to be said of it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub peer: api::Peer,
    pub comment: Option<String>,
}

/// The clients of ports that all admit the same ones.
pub(super) fn clients(today: &Today, group: &SecurityGroupId, ports: &[&Admission<'_>]) -> Vec<Client> {
    let Some(first) = ports.first() else { return Vec::new() };
    let mut peers: BTreeSet<&Peer> = first.clients.keys().collect();
    let mut clients = Vec::new();
    if let Some(blocks) = whole_vpc(today, &peers) {
        let of_vpc: Vec<Peer> = blocks.iter().map(|cidr| Peer::Cidr(*cidr)).collect();
        let comment = comment(today, &of_vpc.iter().collect::<Vec<_>>(), ports, vpc_words(today, blocks));
        clients.push(Client { peer: api::Peer { vpc: Some(true), ..api::Peer::default() }, comment });
        peers.retain(|peer| !of_vpc.contains(peer));
    }
    for peer in peers {
        let rule = first.clients.get(peer).and_then(|rules| rules.first());
        let (named, words) = named(today, group, peer, rule.and_then(|rule| rule.peer_account.as_ref()));
        clients.push(Client { peer: named, comment: comment(today, &[peer], ports, words) });
    }
    clients
}

/// All blocks of the VPC, if they are all admitted.
fn whole_vpc<'a>(today: &'a Today, peers: &BTreeSet<&Peer>) -> Option<&'a BTreeSet<Cidr>> {
    let blocks = &today.vpc.as_ref()?.cidrs;
    let all = !blocks.is_empty() && blocks.iter().all(|block| peers.contains(&Peer::Cidr(*block)));
    all.then_some(blocks)
}

fn vpc_words(today: &Today, blocks: &BTreeSet<Cidr>) -> Option<String> {
    let blocks: Vec<String> = blocks.iter().map(Cidr::to_string).collect();
    today.vpc.as_ref().map(|vpc| format!("{}: {}", vpc.id, blocks.join(", ")))
}

/// The peer in the binding's words, and what else it is called.
pub(super) fn named(
    today: &Today,
    written: &SecurityGroupId,
    peer: &Peer,
    account: Option<&crate::model::AccountId>,
) -> (api::Peer, Option<String>) {
    let nothing = api::Peer::default();
    match peer {
        Peer::Cidr(cidr) => (api::Peer { cidr: Some(cidr.to_string()), ..nothing }, None),
        Peer::SecurityGroup(id) => {
            let (group, mut words) = match account {
                // A group of another account is named by id alone.
                Some(account) => {
                    let account_id = Some(account.to_string());
                    let by_id =
                        SecurityGroupRef { id: Some(id.to_string()), account_id, ..SecurityGroupRef::default() };
                    (by_id, words::name_of(today, id).map(words::shortened))
                }
                None => group_ref(today, id),
            };
            if words.is_none() && account.is_none() {
                words = Some("not to be seen: it is gone, or of another account".into());
            }
            if id == written {
                words = Some(words.map_or("the group itself".into(), |words| format!("{words}, the group itself")));
            }
            (api::Peer { security_group: Some(group), ..nothing }, words)
        }
        Peer::PrefixList(id) => {
            let name = today.names.prefix_lists.get(id);
            let (list, words) = match name {
                Some(name) if name.finds => {
                    (PrefixListRef { name: Some(name.text.clone()), id: None }, Some(id.to_string()))
                }
                _ => {
                    let words = name.map(|name| words::shortened(&name.text)).filter(|name| !name.is_empty());
                    (PrefixListRef { id: Some(id.to_string()), name: None }, words)
                }
            };
            (api::Peer { prefix_list: Some(list), ..nothing }, words)
        }
    }
}

/// A group by its name where that finds it, else by its id, and the other of the two.
pub(super) fn group_ref(today: &Today, id: &SecurityGroupId) -> (SecurityGroupRef, Option<String>) {
    match today.names.groups.get(id) {
        Some(name) if name.finds => {
            (SecurityGroupRef { name: Some(name.text.clone()), ..SecurityGroupRef::default() }, Some(id.to_string()))
        }
        _ => {
            let words = words::name_of(today, id).map(words::shortened);
            (SecurityGroupRef { id: Some(id.to_string()), ..SecurityGroupRef::default() }, words)
        }
    }
}

/// What is said of a client: what else it is called, what its rules say, and where only a wider rule admits it.
fn comment(today: &Today, peers: &[&Peer], ports: &[&Admission<'_>], named: Option<String>) -> Option<String> {
    let mut parts: Vec<String> = named.into_iter().collect();
    let rules = ports.iter().flat_map(|port| peers.iter().filter_map(|peer| port.clients.get(*peer))).flatten();
    let mut said = BTreeSet::new();
    for rule in rules {
        if today.is_foreign(rule) && !rule.description.is_empty() && said.insert(&rule.description) {
            parts.push(format!("\"{}\"", words::shortened(&rule.description)));
        }
    }
    let wide: Vec<&&Admission<'_>> =
        ports.iter().filter(|port| peers.iter().any(|peer| port.is_by_wider(peer))).collect();
    if !wide.is_empty() {
        let by: BTreeSet<String> = wide
            .iter()
            .flat_map(|port| peers.iter().filter_map(|peer| port.clients.get(*peer)))
            .flatten()
            .map(|rule| format!("{} ({})", rule.id, rule.spec.traffic))
            .collect();
        parts.push(format!("admitted by {}", by.into_iter().collect::<Vec<_>>().join(", ")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
