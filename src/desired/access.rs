//! What a SecurityGroupAccess comes to: each of its traffic, with each of its peers, exactly.

use std::collections::BTreeSet;

use crate::model::{Access, AccessRule, Direction, Extent, Facts, Family, NamedTraffic, Need, RuleSpec, Traffic};

use super::peers::{FoundPeer, peers};
use super::{Desired, GroupNeeds};

/// The rules that an access needs, so far as the facts are known.
pub fn access(access: &Access, facts: &Facts) -> Desired {
    let mut desired = Desired::default();
    let Some(group) = &facts.group else { return desired };
    let needs = desired.groups.entry(group.clone()).or_default();
    for (direction, rules) in [(Direction::Ingress, &access.ingress), (Direction::Egress, &access.egress)] {
        let Some(rules) = rules else { continue };
        for rule in rules {
            add(needs, direction, rule, facts);
        }
        match direction {
            Direction::Ingress => needs.governs.ingress = Extent::Everything,
            Direction::Egress => needs.governs.egress = Extent::Everything,
        }
    }
    desired
}

fn add(needs: &mut GroupNeeds, direction: Direction, rule: &AccessRule, facts: &Facts) {
    let found: Vec<FoundPeer> = rule.peers.iter().flat_map(|peer| peers(facts, peer)).collect();
    for named in &rule.traffic {
        for found in &found {
            for traffic in with(named, found.family) {
                let need = needs.rules.entry(RuleSpec { direction, traffic, peer: found.peer.clone() });
                // Several entries may come to one rule; the first says why, and all that they say is told.
                let need = need.or_insert_with(|| Need {
                    reason: format!("{direction}: {}", named.name),
                    aspect: None,
                    peer_account: found.account.clone(),
                    by_default: false,
                    texts: BTreeSet::new(),
                });
                need.texts.extend(rule.text.clone());
            }
        }
    }
}

/// The traffic with peers of a family; with those that have none, that of both.
fn with(named: &NamedTraffic, family: Option<Family>) -> BTreeSet<Traffic> {
    let v4 = named.v4.iter().filter(|_| family != Some(Family::V6));
    let v6 = named.v6.iter().filter(|_| family != Some(Family::V4));
    v4.chain(v6).copied().collect()
}
