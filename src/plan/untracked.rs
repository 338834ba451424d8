//! Which revokes may cut live connections.
//!
//! A security group does not track a flow of TCP or UDP that one direction admits from or to anywhere, where the other
//! direction admits every port from or to anywhere. Such a flow lasts only as long as both rules: when one goes, it is
//! cut at once. All other flows go on until they end by themselves.
//! Source: "Untracked connections" in the EC2 user guide.

use crate::defect::Defect;
use crate::model::{PortRange, RuleSpec, Traffic};

use super::Planner;

impl Planner<'_> {
    /// Whether taking a rule away may cut live connections.
    pub(super) fn interrupts(&self, spec: &RuleSpec) -> bool {
        // What is about to be made counts: it is there before anything is taken away.
        let there = self.input.group.rules.iter().map(|rule| &rule.spec).chain(self.needs.keys().copied());
        !Defect::NoInterruptionMark.is_on() && interrupts(spec, there)
    }
}

/// Whether flows are untracked by this rule together with one of the others. Each address family is for itself: a flow
/// of IPv6 is admitted by rules of IPv6 both ways.
fn interrupts<'a>(spec: &RuleSpec, mut others: impl Iterator<Item = &'a RuleSpec>) -> bool {
    spec.peer.is_anywhere()
        && others.any(|other| {
            other.direction != spec.direction
                && other.peer == spec.peer
                && (untracked_pair(spec.traffic, other.traffic) || untracked_pair(other.traffic, spec.traffic))
        })
}

/// Whether `wide` admits every port of a protocol with which `narrow` has to do. ICMP is always tracked.
fn untracked_pair(wide: Traffic, narrow: Traffic) -> bool {
    [Traffic::Tcp(PortRange::ALL), Traffic::Udp(PortRange::ALL)]
        .iter()
        .any(|every_port| wide.covers(*every_port) && (narrow.covers(*every_port) || every_port.covers(narrow)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{spec, specs};

    /// What is taken away, what else is there, and whether live connections may be cut.
    const TABLE: &[(&str, &[&str], bool)] = &[
        // The default egress of a group with a world-open listener, and the listener's rule.
        ("egress all to 0.0.0.0/0", &["ingress tcp 443 from 0.0.0.0/0"], true),
        ("ingress tcp 443 from 0.0.0.0/0", &["egress all to 0.0.0.0/0"], true),
        ("egress tcp 0-65535 to 0.0.0.0/0", &["ingress tcp 443 from 0.0.0.0/0"], true),
        ("ingress tcp 443 from 0.0.0.0/0", &["egress tcp 0-65535 to 0.0.0.0/0"], true),
        // Flows that begin inside.
        ("egress tcp 443 to 0.0.0.0/0", &["ingress all from 0.0.0.0/0"], true),
        ("ingress all from 0.0.0.0/0", &["egress udp 53 to 0.0.0.0/0"], true),
        // Ranges, and everything both ways.
        ("ingress tcp 8000-8010 from 0.0.0.0/0", &["egress all to 0.0.0.0/0"], true),
        ("ingress all from 0.0.0.0/0", &["egress all to 0.0.0.0/0"], true),
        ("ingress udp 0-65535 from 0.0.0.0/0", &["egress udp 0-65535 to 0.0.0.0/0"], true),
        // One of many is enough.
        ("egress all to 0.0.0.0/0", &["ingress tcp 22 from 10.0.0.0/8", "ingress udp 53 from 0.0.0.0/0"], true),
        // IPv6, and each family for itself.
        ("egress all to ::/0", &["ingress tcp 443 from ::/0"], true),
        ("ingress tcp 443 from ::/0", &["egress all to 0.0.0.0/0"], false),
        ("egress all to ::/0", &["ingress tcp 443 from 0.0.0.0/0"], false),
        // The way back admits some ports only.
        ("egress tcp 1024-65535 to 0.0.0.0/0", &["ingress tcp 443 from 0.0.0.0/0"], false),
        ("ingress tcp 443 from 0.0.0.0/0", &["egress tcp 443 to 0.0.0.0/0"], false),
        // Another protocol.
        ("egress udp 0-65535 to 0.0.0.0/0", &["ingress tcp 443 from 0.0.0.0/0"], false),
        ("ingress tcp 443 from 0.0.0.0/0", &["egress udp 0-65535 to 0.0.0.0/0"], false),
        // ICMP is always tracked.
        ("ingress icmp all from 0.0.0.0/0", &["egress all to 0.0.0.0/0"], false),
        ("egress all to 0.0.0.0/0", &["ingress icmp type 3 code 4 from 0.0.0.0/0"], false),
        // Not open to anywhere.
        ("egress all to 0.0.0.0/0", &["ingress tcp 443 from 10.0.0.0/8"], false),
        ("egress all to 0.0.0.0/0", &["ingress tcp 443 from sg-alb", "ingress tcp 443 from pl-cloudfront"], false),
        ("ingress tcp 443 from 10.0.0.0/8", &["egress all to 0.0.0.0/0"], false),
        ("ingress tcp 443 from 0.0.0.0/1", &["egress all to 0.0.0.0/0"], false),
        // The same direction, or nothing at all.
        ("ingress tcp 443 from 0.0.0.0/0", &["ingress all from 0.0.0.0/0"], false),
        ("ingress tcp 443 from 0.0.0.0/0", &[], false),
    ];

    #[test]
    fn flows_are_untracked_where_both_ways_are_open_to_anywhere_and_one_of_them_on_every_port() {
        for (taken, others, cut) in TABLE {
            assert_eq!(interrupts(&spec(taken), specs(others).iter()), *cut, "{taken} beside {others:?}");
        }
    }
}
