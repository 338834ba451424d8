//! What a SecurityGroupAccess comes to: each of its traffic, with each of its peers, exactly.

use std::collections::BTreeSet;

use crate::defect::Defect;
use crate::model::{
    Access, AccessRule, Direction, Extent, Facts, Family, NamedTraffic, Need, Peer, Problem, Reason, RuleSpec, Traffic,
};

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
            desired.problems.extend(add(needs, direction, rule, facts));
        }
        match direction {
            Direction::Ingress => needs.governs.ingress = Extent::Everything,
            Direction::Egress => needs.governs.egress = Extent::Everything,
        }
    }
    if Defect::GovernAbsentFields.is_on() {
        (needs.governs.ingress, needs.governs.egress) = (Extent::Everything, Extent::Everything);
    }
    desired
}

/// Tells what can't be.
fn add(needs: &mut GroupNeeds, direction: Direction, rule: &AccessRule, facts: &Facts) -> Vec<Problem> {
    let mut problems = Vec::new();
    let found: Vec<FoundPeer> = rule.peers.iter().flat_map(|peer| peers(facts, peer)).collect();
    for named in &rule.traffic {
        for found in &found {
            let traffic = with(named, found.family);
            if traffic.is_empty() && matches!(found.peer, Peer::PrefixList(_)) {
                problems.push(of_other_family(direction, named, found));
            }
            for traffic in traffic {
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
    problems
}

/// Networks of the other family are refused when they are written; the family of a list is known only now.
fn of_other_family(direction: Direction, named: &NamedTraffic, found: &FoundPeer) -> Problem {
    let (family, protocol) = match found.family {
        Some(Family::V6) => ("IPv6", "ICMPv6"),
        Some(Family::V4) | None => ("IPv4", "ICMP"),
    };
    let message = format!(
        "spec.{direction}: the entries of prefix list {} are {family}, with which {} can't be: write the protocol {protocol}, or the \
         service Ping, PathMTUDiscovery or AllICMP, which follow the family",
        found.peer, named.name
    );
    Problem::new(Reason::Invalid, message)
}

/// The traffic with peers of a family; with those that have none, that of both.
fn with(named: &NamedTraffic, family: Option<Family>) -> BTreeSet<Traffic> {
    let v4 = named.v4.iter().filter(|_| family != Some(Family::V6));
    let v6 = named.v6.iter().filter(|_| family != Some(Family::V4));
    v4.chain(v6).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Cidr, GroupSelector, Object, PeerGroup, PeerList, PrefixListSelector, SecurityGroupId, VpcFacts, Wants,
    };
    use crate::testing::{cidr, extent, rules, scope, texts, written_access};

    fn declared(spec: &str) -> Access {
        let object = Object::from(written_access(spec));
        let declaration = crate::validate::object(&object, &scope()).unwrap_or_else(|findings| panic!("{findings:?}"));
        let Wants::Access(access) = declaration.wants else { panic!("an access") };
        access
    }

    /// The group is found, in a VPC with these blocks.
    fn found(blocks: &[&str]) -> Facts {
        let cidrs: BTreeSet<Cidr> = blocks.iter().map(|block| cidr(block)).collect();
        Facts { group: Some("sg-db".into()), vpc: Some(VpcFacts { id: "vpc-1".into(), cidrs }), ..Facts::default() }
    }

    fn needs(spec: &str, facts: &Facts) -> Desired {
        access(&declared(&format!("{{securityGroup: {{id: sg-0123456789abcdef0}}, {spec}}}")), facts)
    }

    #[test]
    fn traffic_follows_the_address_family_of_each_peer() {
        let mut facts = found(&["10.0.0.0/16", "2001:db8::/56"]);
        let lists = [("pl-four", Some(Family::V4)), ("pl-six", Some(Family::V6)), ("pl-any", None)];
        for (id, family) in lists {
            facts.peers.prefix_lists.insert(PrefixListSelector::Name(id.into()), PeerList { id: id.into(), family });
        }
        let peers = "[{vpc: true}, {self: true}, {prefixList: {name: pl-four}}, {prefixList: {name: pl-six}}, \
            {prefixList: {name: pl-any}}]";
        assert_eq!(
            rules(&needs(&format!("ingress: [{{services: [PathMTUDiscovery], from: {peers}}}]"), &facts)),
            [
                "sg-db ingress icmp type 3 code 4 from 10.0.0.0/16",
                "sg-db ingress icmp type 3 code 4 from pl-any",
                "sg-db ingress icmp type 3 code 4 from pl-four",
                "sg-db ingress icmp type 3 code 4 from sg-db",
                "sg-db ingress icmpv6 type 2 code 0 from 2001:db8::/56",
                "sg-db ingress icmpv6 type 2 code 0 from pl-any",
                "sg-db ingress icmpv6 type 2 code 0 from pl-six",
                "sg-db ingress icmpv6 type 2 code 0 from sg-db",
            ]
        );
    }

    #[test]
    fn a_protocol_of_one_family_is_only_for_the_blocks_of_that_family() {
        let facts = found(&["10.0.0.0/16", "2001:db8::/56"]);
        let spec = "egress: [{ports: [{protocol: ICMP, icmpType: 8}], to: [{vpc: true}]}, \
            {ports: [{protocol: ICMPv6}], to: [{vpc: true}]}]";
        assert_eq!(
            rules(&needs(spec, &facts)),
            ["sg-db egress icmp type 8 to 10.0.0.0/16", "sg-db egress icmpv6 all to 2001:db8::/56"]
        );
    }

    #[test]
    fn a_protocol_that_a_prefix_list_cannot_have_is_told() {
        let mut facts = found(&[]);
        let list = PeerList { id: "pl-four".into(), family: Some(Family::V4) };
        facts.peers.prefix_lists.insert(PrefixListSelector::Name("office".into()), list);
        let spec = "ingress: [{services: [SSH], ports: [{protocol: ICMPv6}], from: [{prefixList: {name: office}}]}]";
        let desired = needs(spec, &facts);
        assert_eq!(rules(&desired), ["sg-db ingress tcp 22 from pl-four"]);
        let [problem] = &desired.problems[..] else { panic!("{:?}", desired.problems) };
        assert_eq!(problem.reason, Reason::Invalid);
        assert_eq!(
            problem.message,
            "spec.ingress: the entries of prefix list pl-four are IPv4, with which icmpv6 all can't be: write the protocol ICMP, \
             or the service Ping, PathMTUDiscovery or AllICMP, which follow the family"
        );
    }

    #[test]
    fn what_is_not_found_opens_nothing() {
        let spec = "ingress: [{services: [SSH], from: [{cidr: 10.0.0.0/8}, {prefixList: {name: office}}]}]";
        assert_eq!(rules(&needs(spec, &found(&[]))), ["sg-db ingress tcp 22 from 10.0.0.0/8"]);
        assert_eq!(needs(spec, &Facts::default()), Desired::default());
    }

    #[test]
    fn a_direction_is_governed_if_it_is_there() {
        let governs = |spec: &str| {
            let desired = needs(spec, &found(&[]));
            let needs = &desired.groups[&SecurityGroupId::from("sg-db")];
            assert!(!needs.governs.unless_used_elsewhere);
            (extent(&needs.governs.ingress), extent(&needs.governs.egress))
        };
        let everything = || "everything".to_owned();
        let nothing = || "nothing".to_owned();
        assert_eq!(governs("ingress: []"), (everything(), nothing()));
        assert_eq!(governs("egress: []"), (nothing(), everything()));
        assert_eq!(governs("ingress: [], egress: []"), (everything(), everything()));
    }

    #[test]
    fn a_rule_says_why_it_is_there_and_what_its_entries_say_of_it() {
        let mut facts = found(&[]);
        let selector = GroupSelector::Id { id: "sg-00000000".into(), account: Some("210987654321".into()) };
        let far = PeerGroup { id: "sg-00000000".into(), account: Some("210987654321".into()) };
        facts.peers.groups.insert(selector, far);
        let from = "from: [{securityGroup: {id: sg-00000000, accountID: '210987654321'}}]";
        let desired = needs(
            &format!(
                "ingress: [{{services: [MySQL], {from}, description: app}}, \
                 {{ports: [{{protocol: TCP, port: 3306}}], {from}, description: reports}}]"
            ),
            &facts,
        );
        let rules = &desired.groups[&SecurityGroupId::from("sg-db")].rules;
        let [(spec, need)] = &rules.iter().collect::<Vec<_>>()[..] else { panic!("{rules:?}") };
        assert_eq!(spec.to_string(), "ingress tcp 3306 from sg-00000000");
        assert_eq!(need.reason, "ingress: MySQL");
        assert_eq!(need.peer_account, Some("210987654321".into()));
        assert_eq!(texts(&need.texts), ["app", "reports"]);
        assert!(!need.by_default && need.aspect.is_none());
    }
}
