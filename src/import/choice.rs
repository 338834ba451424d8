//! Which of several groups is written.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::model::{Consent, Direction, Peer, SecurityGroupId, TargetGroupFacts, Traffic};

use super::Today;
use super::clients::listener_traffic;

/// A group, and why this one.
pub(super) struct Chosen {
    pub id: SecurityGroupId,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There is no other.
    Only,
    /// No other has opted in: a binding that names none means this one.
    OptedIn,
    /// Its rules carry more of the traffic of today than those of the others.
    Rules,
}

/// The load balancer's group that the binding is to write.
pub(super) fn of_load_balancer(today: &Today) -> Option<Chosen> {
    let admits = |id: &SecurityGroupId| {
        let listeners = today.load_balancer.listeners.iter();
        let traffic: Vec<Traffic> = listeners.flat_map(|(port, facts)| listener_traffic(*port, facts)).collect();
        covering(today, id, Direction::Ingress, &traffic, None)
    };
    let sends = |id: &SecurityGroupId| {
        let traffic: Vec<Traffic> = today.target_groups.iter().flat_map(target_traffic).collect();
        covering(today, id, Direction::Egress, &traffic, None)
    };
    choose(today, &today.load_balancer.groups, |id| (admits(id), sends(id)))
}

/// The groups of a target group's targets, if the binding must name them: where an interface carries several, and not
/// exactly one of them has opted in.
pub(super) fn of_targets(
    today: &Today,
    target_group: &TargetGroupFacts,
    load_balancer: &SecurityGroupId,
) -> Option<BTreeSet<SecurityGroupId>> {
    let traffic: Vec<Traffic> = target_traffic(target_group).collect();
    let from_balancer = Peer::SecurityGroup(load_balancer.clone());
    let admits = |id: &SecurityGroupId| {
        let count = |peer| covering(today, id, Direction::Ingress, &traffic, peer);
        (count(Some(&from_balancer)), count(None))
    };
    let interfaces = today.interfaces.get(&target_group.name)?;
    let chosen: Vec<Chosen> = interfaces.iter().filter_map(|groups| choose(today, groups, admits)).collect();
    let must_be_named = chosen.iter().any(|chosen| chosen.why == Why::Rules);
    must_be_named.then(|| chosen.into_iter().map(|chosen| chosen.id).collect())
}

fn choose<Score: Ord>(
    today: &Today,
    groups: &BTreeSet<SecurityGroupId>,
    score: impl Fn(&SecurityGroupId) -> Score,
) -> Option<Chosen> {
    if let (1, Some(only)) = (groups.len(), groups.first()) {
        return Some(Chosen { id: only.clone(), why: Why::Only });
    }
    let mut opted_in = groups.iter().filter(|id| has_opted_in(today, id));
    if let (Some(only), None) = (opted_in.next(), opted_in.next()) {
        return Some(Chosen { id: only.clone(), why: Why::OptedIn });
    }
    let best = groups.iter().max_by_key(|id| (score(id), Reverse(*id)))?;
    Some(Chosen { id: best.clone(), why: Why::Rules })
}

fn has_opted_in(today: &Today, id: &SecurityGroupId) -> bool {
    let (Some(us), Some(group)) = (&today.us, today.groups.get(id)) else { return false };
    group.state.consent(us) != Consent::Refused
}

/// How many pieces of traffic the group's rules admit, with this peer or with anyone.
fn covering(
    today: &Today,
    id: &SecurityGroupId,
    direction: Direction,
    traffic: &[Traffic],
    peer: Option<&Peer>,
) -> usize {
    let rules = || today.groups.get(id).into_iter().flat_map(|group| &group.state.rules);
    let covers = |wanted: &&Traffic| {
        rules().any(|rule| {
            let with_peer = peer.is_none_or(|peer| rule.spec.peer == *peer);
            rule.spec.direction == direction && with_peer && rule.spec.traffic.covers(**wanted)
        })
    };
    traffic.iter().filter(covers).count()
}

fn target_traffic(group: &TargetGroupFacts) -> impl Iterator<Item = Traffic> + '_ {
    let transports = group.protocol.transports();
    group.ports.iter().flat_map(move |port| transports.iter().map(move |transport| transport.port(*port)))
}
