//! Target health: what follows from rules, network ACLs, routes and hosts, in virtual time.
//!
//! ```text
//! changed ─► index: which target groups ─► assess: where does each target stand ─► state: since when
//!                                                                DescribeTargetHealth(now) ◄─┘
//! ```
//!
//! Nothing is polled: how a target stands is written down when it changes, and what health checks have come to by an
//! instant is reckoned from that.

mod assess;
mod index;
mod places;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::aws::{Changed, Scope, World};

use super::model::TargetGroup;
use super::targets::{Target, TargetKey};
use places::Places;

pub use index::Index;
pub use state::{Ailment, History, Standing, State, Unused};

/// What a host does with a connection that reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Accepts it, and answers with this code if it is asked by HTTP. [`Host::default`] is 200.
    Answers(u16),
    /// Nothing listens.
    Refuses,
    /// As a host's firewall may.
    Drops,
}

impl Default for Host {
    fn default() -> Self {
        Self::Answers(200)
    }
}

impl World {
    /// Says what the host behind a target does on a port, from now on: at [`World::now`]. Functions have port 0.
    pub fn set_host(&mut self, scope: &Scope, target: &str, port: u16, host: Host) {
        let elb = &mut self.region_mut(scope).elb;
        elb.hosts.insert((target.to_owned(), port), host);
        let groups: Vec<String> = elb.groups_with_target(target).map(str::to_owned).collect();
        for arn in groups {
            self.changed.insert(Changed::TargetGroup { scope: scope.clone(), arn });
        }
        settle(self);
    }

    /// Lets time pass up to an instant in which nothing else happens. It never goes back.
    pub fn pass_time(&mut self, until: Duration) {
        self.now = self.now.max(until);
    }

    /// Lets health follow from whatever was changed in the model by hand, at an instant: all target groups are looked
    /// at.
    pub fn settle_at(&mut self, now: Duration) {
        self.pass_time(now);
        for (scope, region) in &self.regions {
            let all = region.elb.target_groups.keys();
            self.changed.extend(all.map(|arn| Changed::TargetGroup { scope: scope.clone(), arn: arn.clone() }));
        }
        settle(self);
    }

    /// The health of everything that is registered with a target group or drains; `None` if there is no such group.
    pub fn target_health(&self, scope: &Scope, group: &str) -> Option<BTreeMap<TargetKey, State>> {
        let group = self.regions.get(scope)?.elb.target_groups.get(group)?;
        let states = group
            .targets
            .iter()
            .filter_map(|(key, target)| Some((key.clone(), target_state(group, target, self.now)?)));
        Some(states.collect())
    }

    /// How many target groups were looked at so far: what changes cost.
    pub fn target_groups_looked_at(&self) -> u64 {
        self.regions.values().map(|region| region.elb.looked_at).sum()
    }
}

/// `None`: it has drained.
pub fn target_state(group: &TargetGroup, target: &Target, now: Duration) -> Option<State> {
    match (target.draining_until, &target.history) {
        (Some(until), _) => (until > now).then(State::draining),
        (None, Some(history)) => Some(history.state(now, &group.health_check)),
        (None, None) => Some(State::registering()),
    }
}

/// Lets target health follow from what has changed.
pub fn settle(world: &mut World) {
    let mut concerned: BTreeMap<Scope, BTreeSet<String>> = BTreeMap::new();
    for changed in std::mem::take(&mut world.changed) {
        let scope = match &changed {
            Changed::Group { scope, .. }
            | Changed::Vpc { scope, .. }
            | Changed::Interface { scope, .. }
            | Changed::TargetGroup { scope, .. } => scope,
        };
        let Some(region) = world.regions.get(scope) else { continue };
        let groups = concerned.entry(scope.clone()).or_default();
        match &changed {
            Changed::Group { id, .. } => groups.extend(region.elb.index.on_group(id)),
            Changed::Vpc { id, .. } => groups.extend(region.elb.index.in_vpc(id)),
            Changed::Interface { id, .. } => groups.extend(region.elb.index.on_interface(&region.ec2, id)),
            Changed::TargetGroup { arn, .. } => {
                groups.insert(arn.clone());
            }
        }
    }
    for (scope, groups) in concerned {
        let now = world.now;
        let Some(region) = world.regions.get_mut(&scope) else { continue };
        let (ec2, elb) = (&region.ec2, &mut region.elb);
        let targets = groups.iter().filter_map(|arn| elb.target_groups.get(arn)).map(|group| group.targets.len()).sum();
        let places = Places::for_lookups(ec2, targets);
        for arn in &groups {
            assess::look_at(ec2, elb, &places, arn, now);
        }
    }
}

#[cfg(test)]
mod tests;
