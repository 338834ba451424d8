//! Which group stands left of which.

use std::collections::{BTreeMap, BTreeSet};

use crate::desired;
use crate::model::{Direction, Peer, SecurityGroupId};

use super::compose::Composer;

/// How many groups traffic passes at most on its way to each group that is drawn. Where traffic may go in a circle, what
/// would close it is left out; bindings come first.
pub(super) fn of(composer: &Composer<'_>) -> BTreeMap<SecurityGroupId, usize> {
    let mut groups: BTreeSet<SecurityGroupId> = composer.states.keys().map(|id| (*id).clone()).collect();
    let mut bound = BTreeSet::new();
    for (_, declaration, resolution) in composer.objects() {
        groups.extend(resolution.facts.group.clone());
        let targets = declaration.wants.binding().map(|binding| desired::target_groups(binding, &resolution.facts));
        for target in targets.iter().flatten() {
            groups.extend(target.groups.iter().cloned());
            bound.extend(
                resolution
                    .facts
                    .group
                    .iter()
                    .flat_map(|from| target.groups.iter().map(|to| (from.clone(), to.clone()))),
            );
        }
    }
    let admitted: BTreeSet<_> = groups.iter().flat_map(|id| neighbours(composer, id)).collect();
    let mut ways = Ways::default();
    for (from, to) in bound.into_iter().chain(admitted) {
        if groups.contains(&from) && groups.contains(&to) {
            ways.add(from, to);
        }
    }
    groups.into_iter().map(|id| (ways.depth(&id), id)).map(|(depth, id)| (id, depth)).collect()
}

/// The pairs of groups between which rules of this one admit traffic, in its direction.
fn neighbours(composer: &Composer<'_>, id: &SecurityGroupId) -> Vec<(SecurityGroupId, SecurityGroupId)> {
    let pair = |(direction, peer): (Direction, Peer)| match (direction, peer) {
        (Direction::Ingress, Peer::SecurityGroup(peer)) => Some((peer, id.clone())),
        (Direction::Egress, Peer::SecurityGroup(peer)) => Some((id.clone(), peer)),
        _ => None,
    };
    composer.rules_of(id).into_keys().map(|spec| (spec.direction, spec.peer)).filter_map(pair).collect()
}

/// Ways without a circle, by where they lead to.
#[derive(Default)]
struct Ways {
    into: BTreeMap<SecurityGroupId, BTreeSet<SecurityGroupId>>,
}

impl Ways {
    fn add(&mut self, from: SecurityGroupId, to: SecurityGroupId) {
        if from != to && !self.before(&from).contains(&to) {
            self.into.entry(to).or_default().insert(from);
        }
    }

    /// All groups from which this one is reached.
    fn before(&self, id: &SecurityGroupId) -> BTreeSet<SecurityGroupId> {
        let mut found = BTreeSet::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            for from in self.into.get(id).into_iter().flatten() {
                if found.insert(from.clone()) {
                    open.push(from);
                }
            }
        }
        found
    }

    fn depth(&self, id: &SecurityGroupId) -> usize {
        let before = self.into.get(id).into_iter().flatten();
        before.map(|from| self.depth(from) + 1).max().unwrap_or_default()
    }
}
