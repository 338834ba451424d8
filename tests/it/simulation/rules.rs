//! Rules of the simulated EC2 in the words of [`crate::world`]: `ALB-SG in tcp 443 <- 0.0.0.0/0`.

use std::collections::BTreeSet;

use sgbind_sim::Aws;
use sgbind_sim::aws::ec2::model::{Peer, Rule, SecurityGroup};

/// All rules of all groups but those of VPCs' default groups. `named` puts names in place of ids.
pub fn all(aws: &Aws, named: &dyn Fn(String) -> String) -> BTreeSet<String> {
    let world = aws.world();
    let groups = world.regions().flat_map(|region| region.ec2.groups.iter());
    let of_tests = groups.filter(|group| group.name != "default");
    of_tests
        .flat_map(|group| group.rules.values().map(|rule| named(in_words(group, rule))).collect::<Vec<_>>())
        .collect()
}

/// Rules that a test expects.
pub fn these(rules: &[&str]) -> BTreeSet<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

fn in_words(group: &SecurityGroup, rule: &Rule) -> String {
    let traffic = &rule.traffic;
    let ports = match (traffic.protocol.as_str(), traffic.from, traffic.to) {
        ("-1", ..) => "all".to_owned(),
        (icmp @ ("icmp" | "icmpv6"), kind, code) => format!("{icmp} {kind}/{code}"),
        (protocol, from, to) if from == to => format!("{protocol} {from}"),
        (protocol, from, to) => format!("{protocol} {from}-{to}"),
    };
    let peer = match &traffic.peer {
        Peer::Cidr(network) => network.to_string(),
        Peer::Group { id, .. } => id.clone(),
        Peer::PrefixList(id) => id.clone(),
    };
    let (direction, arrow) = if traffic.egress { ("out", "->") } else { ("in", "<-") };
    format!("{} {direction} {ports} {arrow} {peer}", group.id)
}
