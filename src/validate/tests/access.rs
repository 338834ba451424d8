//! What is refused of a SecurityGroupAccess.

use super::super::object;
use crate::model::Wants;
use crate::testing::{scope as home, texts, written_access};

const GROUP: &str = "securityGroup: {id: sg-0a1b2c3d}";

fn findings(spec: &str) -> Vec<String> {
    texts(object(&written_access(spec).into(), &home()).err().unwrap_or_default())
}

/// Of one entry of `ingress` for the VPC.
fn findings_of_traffic(traffic: &str) -> Vec<String> {
    findings(&format!("{{{GROUP}, ingress: [{{{traffic}, from: [{{vpc: true}}]}}]}}"))
}

/// Of one entry of `egress` for SSH.
fn findings_of_peers(peers: &str) -> Vec<String> {
    findings(&format!("{{{GROUP}, egress: [{{services: [SSH], to: [{peers}]}}]}}"))
}

#[test]
fn a_direction_is_declared() {
    assert_eq!(findings(&format!("{{{GROUP}, ingress: []}}")), [""; 0]);
    assert_eq!(
        findings(GROUP),
        ["spec: nothing is declared: write ingress, egress or both (an empty list means that nothing is allowed)"]
    );
}

#[test]
fn the_group_and_where_it_is() {
    assert_eq!(
        findings(
            "{securityGroup: {name: sg-0a1b2c3d, accountID: '123'}, vpcID: prod, region: Seoul, accountID: '123', ingress: []}"
        ),
        [
            "spec.accountID: not an AWS account id: write its 12 digits, in quotes",
            "spec.region: not the name of an AWS Region: write one such as ap-northeast-2",
            "spec.vpcID: not the id of a VPC: write one such as vpc-0a1b2c3d4e5f67890 (a VPC's name is a tag, and need not be unique)",
            "spec.securityGroup.accountID: stands only beside id: name a group of another account by its id, or leave accountID out",
            "spec.securityGroup.accountID: not an AWS account id: write its 12 digits, in quotes",
            "spec.securityGroup.name: no group name begins with sg-: give the id of a security group as id",
        ]
    );
    let own = "securityGroup: {id: sg-0a1b2c3d, accountID: '210987654321'}, ingress: []";
    assert_eq!(findings(&format!("{{accountID: '210987654321', {own}}}")), [""; 0]);
    assert_eq!(
        findings(&format!("{{{own}}}")),
        [
            "spec.securityGroup.accountID: the account of the security group that is written stands in spec.accountID: write \
          accountID: \"210987654321\" there"
        ]
    );
}

#[test]
fn names_and_tags_are_looked_up_in_a_vpc() {
    let wrong = "spec.vpcID: security groups that are named by name or tags are looked up in this VPC: write its id, or give \
                 the id of each group";
    for spec in [
        "{securityGroup: {name: db}, ingress: []}",
        "{securityGroup: {id: sg-0a1b2c3d}, egress: [{services: [SSH], to: [{securityGroup: {tags: {team: shop}}}]}]}",
    ] {
        assert_eq!(findings(spec), [wrong], "{spec}");
        assert_eq!(findings(&spec.replacen('{', "{vpcID: vpc-0a1b2c3d, ", 1)), [""; 0], "{spec}");
    }
}

#[test]
fn traffic() {
    for (traffic, wrong) in [
        ("description: x", ": no traffic is named: write services, ports or both"),
        ("services: []", ".services: no service is named: name at least one, or omit services and write ports"),
        ("ports: []", ".ports: no port is named: name at least one, or omit ports and write services"),
        ("services: [DNS, SSH, DNS]", ".services[2]: \"DNS\" stands in the list already: leave it out"),
        (
            "ports: [{protocol: TCP, port: 443, endPort: 80}]",
            ".ports[0]: the range is reversed: write port: 80, endPort: 443",
        ),
        (
            "ports: [{protocol: ICMP, icmpCode: 4}]",
            ".ports[0]: a code belongs to a type: write icmpType too, or leave icmpCode out for any",
        ),
        ("ports: [{protocol: All, port: 0}]", ".ports[0]: this protocol has no ports: leave port and endPort out"),
        (
            "ports: [{protocol: UDP, port: 53, icmpType: 8}]",
            ".ports[0]: this protocol has no ICMP type or code: leave icmpType and icmpCode out",
        ),
        (
            "ports: [{protocol: UDP}]",
            ".ports[0]: TCP and UDP need a port: write port, with endPort for a range, or the service AllTCP or AllUDP",
        ),
    ] {
        assert_eq!(findings_of_traffic(traffic), [format!("spec.ingress[0]{wrong}")], "{traffic}");
    }
    assert_eq!(findings_of_traffic("ports: [{protocol: TCP, port: 0, endPort: 65535}, {protocol: ICMP}]"), [""; 0]);
}

#[test]
fn spaces_around_descriptions() {
    let of = |text: &str| findings_of_traffic(&format!("services: [SSH], description: '{text}'"));
    assert_eq!(of("reports - daily"), [""; 0]);
    for (text, wrong) in [
        (" reports", "a description begins and ends with no space: write \"reports\""),
        ("reports  ", "a description begins and ends with no space: write \"reports\""),
        (" ", "spaces alone say nothing: leave description out"),
    ] {
        assert_eq!(of(text), [format!("spec.ingress[0].description: {wrong}")], "{text:?}");
    }
}

#[test]
fn peers() {
    for (peers, wrong) in [
        ("", ": nobody is named: name at least one peer, or leave this entry out"),
        ("{self: false}", "[0].self: false says nothing: write self: true, or leave it out"),
        ("{self: true}, {self: true}", ": stands in the list more than once: self; leave one of each"),
        (
            "{self: true, vpc: true}",
            "[0]: expected exactly one of cidr, securityGroup, prefixList, vpc, self, found vpc and self",
        ),
        (
            "{prefixList: {name: pl-0a1b2c3d}}",
            "[0].prefixList.name: this is the id of a prefix list, not a name: write id: pl-0a1b2c3d",
        ),
        (
            "{prefixList: {id: offices}}",
            "[0].prefixList.id: not the id of a prefix list: write one such as pl-0a1b2c3d, or give the list's name as name",
        ),
    ] {
        assert_eq!(findings_of_peers(peers), [format!("spec.egress[0].to{wrong}")], "{peers}");
    }
    assert_eq!(findings_of_peers("{prefixList: {name: pl-offices}}, {self: true}"), [""; 0]);
}

#[test]
fn icmp_is_of_the_family_of_its_peers() {
    let entry = |protocol: &str, network: &str| {
        findings(&format!(
            "{{{GROUP}, ingress: [{{ports: [{{protocol: {protocol}}}], from: [{{cidr: '{network}'}}]}}]}}"
        ))
    };
    let service = "or the service Ping, PathMTUDiscovery or AllICMP, which follow the family";
    assert_eq!(entry("ICMP", "10.0.0.0/8"), [""; 0]);
    assert_eq!(entry("ICMPv6", "2001:db8::/32"), [""; 0]);
    assert_eq!(
        entry("ICMPv6", "10.0.0.0/8"),
        [format!(
            "spec.ingress[0].from[0].cidr: 10.0.0.0/8 is IPv4, for which the protocol is ICMP: write an entry of its own with \
             ICMP for it, {service}"
        )]
    );
    assert_eq!(
        entry("ICMP", "2001:db8::/32"),
        [format!(
            "spec.ingress[0].from[0].cidr: 2001:db8::/32 is IPv6, for which the protocol is ICMPv6: write an entry of its own \
             with ICMPv6 for it, {service}"
        )]
    );
}

#[test]
fn descriptions() {
    let of = |text: &str| findings_of_traffic(&format!("services: [SSH], description: \"{text}\""));
    assert_eq!(of("by VPN (#7) ._-:/()#,@[]+=;{}!$*"), [""; 0]);
    assert_eq!(of("a & b").len(), 1);
    assert_eq!(of("a\\nb").len(), 1);
    assert_eq!(
        of(&"x".repeat(151)),
        ["spec.ingress[0].description: has 151 characters, and at most 150 are possible: shorten it"]
    );
    assert_eq!(of(""), ["spec.ingress[0].description: is empty: write something, or leave it out"]);
}

/// The reference says which traffic a service is.
#[test]
fn services_are_what_the_reference_says() {
    let reference = include_str!("../../../docs/reference/securitygroupaccess.md");
    let (_, section) = reference.split_once("### Service\n").expect("a section");
    let (section, _) = section.split_once("\n### ").expect("another one");
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), 17);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let service = cells[0].trim_matches('`');
        let spec = format!("{{{GROUP}, ingress: [{{services: [{service}], from: [{{vpc: true}}]}}]}}");
        let declaration = object(&written_access(&spec).into(), &home()).expect(service);
        let Wants::Access(access) = declaration.wants else { panic!("{service} is of an access") };
        let named = &access.ingress.expect("ingress")[0].traffic[0];
        assert_eq!(named.name, service);
        assert_eq!([texts(named.v4.clone()).join(", "), texts(named.v6.clone()).join(", ")], cells[1..], "{service}");
    }
}
