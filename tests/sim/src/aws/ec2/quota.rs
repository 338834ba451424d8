//! How many rules a group may have.

use std::collections::BTreeMap;

use super::model::{Ec2, Peer, RuleTraffic};
use crate::aws::{Failure, Scope, World};

/// Rules a group may have in a direction for IPv4, and as many for IPv6.
///
/// Source: "Security groups" in "Amazon VPC quotas".
pub const RULES_PER_GROUP: u32 = 60;

/// A direction (egress) and family (IPv6) counts for itself.
type Counts = BTreeMap<(bool, bool), u32>;

impl World {
    /// Sets the quota of rules per group in a direction and family.
    pub fn set_rules_per_group(&mut self, scope: &Scope, quota: u32) {
        self.rules_per_group.insert(scope.clone(), quota);
    }

    pub fn rules_per_group(&self, scope: &Scope) -> u32 {
        self.rules_per_group.get(scope).copied().unwrap_or(RULES_PER_GROUP)
    }
}

/// Refuses what would exceed the quota by growing. Of what exceeds it already, as the quota was lowered, the rest can
/// still be changed.
pub fn check<'a>(
    ec2: &Ec2,
    quota: u32,
    before: impl Iterator<Item = &'a RuleTraffic>,
    after: impl Iterator<Item = &'a RuleTraffic>,
) -> Result<(), Failure> {
    let before = counts(ec2, before);
    let grown = |(of, count): (&(bool, bool), &u32)| *count > before.get(of).copied().unwrap_or_default();
    if counts(ec2, after).iter().any(|(of, count)| *count > quota && grown((of, count))) {
        let code = "RulesPerSecurityGroupLimitExceeded";
        return Err(Failure::new(code, "The maximum number of rules per security group has been reached."));
    }
    Ok(())
}

/// Source: "Amazon VPC quotas"; "AWS-managed prefix lists" for weights. That a group counts in both families is
/// unverified.
fn counts<'a>(ec2: &Ec2, rules: impl Iterator<Item = &'a RuleTraffic>) -> Counts {
    let mut counts = Counts::new();
    let mut add = |egress: bool, is_ipv6: bool, weight: u32| *counts.entry((egress, is_ipv6)).or_default() += weight;
    for rule in rules {
        match &rule.peer {
            Peer::Cidr(cidr) => add(rule.egress, cidr.addr().is_ipv6(), 1),
            Peer::Group { .. } => {
                add(rule.egress, false, 1);
                add(rule.egress, true, 1);
            }
            Peer::PrefixList(id) => {
                if let Some(list) = ec2.prefix_lists.get(id) {
                    add(rule.egress, list.is_ipv6, list.weight);
                }
            }
        }
    }
    counts
}
