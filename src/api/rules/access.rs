//! Rules of access by role.

use kube::core::{Reason, Rule};
use schemars::Schema;

use super::{explained, not_empty, rule};

pub fn some_direction() -> Rule {
    rule(
        "has(self.ingress) || has(self.egress)",
        "nothing is declared: write ingress, egress or both (an empty list means that nothing is allowed)",
    )
}

/// Which ones are meant is not said: a message that looks for them exceeds the cost limit.
pub fn vpc_beside_names() -> Rule {
    let by_id = |group: &str| format!("!(has({group}.name) || has({group}.tags))");
    let each_by_id = |direction: &str, peers: &str| {
        let by_id = by_id("peer.securityGroup");
        format!(
            "(!has(self.{direction}) \
             || self.{direction}.all(entry, entry.{peers}.all(peer, !has(peer.securityGroup) || {by_id})))"
        )
    };
    rule(
        format!(
            "has(self.vpcID) || ({} && {} && {})",
            by_id("self.securityGroup"),
            each_by_id("ingress", "from"),
            each_by_id("egress", "to")
        ),
        "security groups that are named by name or tags are looked up in this VPC: write its id, or give the id of each group",
    )
    .field_path(".vpcID")
    .reason(Reason::FieldValueRequired)
}

pub fn some_traffic() -> Rule {
    rule("has(self.services) || has(self.ports)", "no traffic is named: write services, ports or both")
}

pub fn some_services() -> Rule {
    not_empty("no service is named: name at least one, or omit services and write ports")
}

pub fn some_access_ports() -> Rule {
    not_empty("no port is named: name at least one, or omit ports and write services")
}

pub fn some_peers() -> Rule {
    not_empty("nobody is named: name at least one peer, or leave this entry out")
}

/// ICMP and ICMPv6 as protocols are of one family each, and EC2 takes them with networks of that family only.
pub fn icmp_family(peers: &str, protocol: &str, family: u8) -> Rule {
    let (other_family, other) = if family == 4 { (6, "ICMPv6") } else { (4, "ICMP") };
    let of_other = format!("has(peer.cidr) && isCIDR(peer.cidr) && cidr(peer.cidr).ip().family() == {other_family}");
    explained(
        format!(
            "!has(self.ports) || !self.ports.exists(port, port.protocol == '{protocol}') \
             || !self.{peers}.exists(peer, {of_other})"
        ),
        format!(
            "'{protocol} is for IPv{family}, and %s is not: write an entry of its own with {other} for it, or the service \
             Ping, PathMTUDiscovery or AllICMP, which follow the family'\
             .format([self.{peers}.filter(peer, {of_other}).map(peer, peer.cidr)])"
        ),
    )
    .field_path(format!(".{peers}"))
}

/// Source: `IpRange` in the EC2 API reference, without `&`, which comes back escaped. A message with a line break in it
/// would be dropped.
pub fn rule_description() -> Rule {
    explained(
        r"self.matches('^[a-zA-Z0-9 ._:/()#,@+=;{}!$*\\[\\]-]*$')",
        r"'EC2 takes only a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=;{}!$* in a description, and this has %s: leave it out'.format([self.find('[^a-zA-Z0-9 ._:/()#,@+=;{}!$*\\[\\]-]').replace('\n', 'a line break')])",
    )
}

/// EC2 may trim them, and what it gives back would never be what was written.
pub fn description_is_trimmed() -> Rule {
    explained(
        "!self.startsWith(' ') && !self.endsWith(' ')",
        "self.trim() == '' ? 'spaces alone say nothing: leave description out' \
         : 'a description begins and ends with no space: write \"%s\"'.format([self.trim()])",
    )
}

pub fn port_of_transport() -> Rule {
    explained(
        "!(self.protocol in ['TCP', 'UDP']) || has(self.port)",
        "'%s needs a port: write port, with endPort for a range; for every port write the service All%s'\
         .format([self.protocol, self.protocol])",
    )
}

pub fn no_port_of_others() -> Rule {
    explained(
        "self.protocol in ['TCP', 'UDP'] || !(has(self.port) || has(self.endPort))",
        "'protocol %s has no ports: leave port and endPort out%s'\
         .format([self.protocol, self.protocol == 'All' ? '' : ' (a type is written as icmpType)'])",
    )
}

/// What is no port at all is refused by its bounds only.
pub fn ports_in_order() -> Rule {
    explained(
        "!has(self.port) || !has(self.endPort) || self.port <= self.endPort || self.endPort < 0 || self.port > 65535",
        "'the range is reversed: write port: %d and endPort: %d'.format([self.endPort, self.port])",
    )
}

pub fn icmp_fields() -> Rule {
    explained(
        "self.protocol in ['ICMP', 'ICMPv6'] || !(has(self.icmpType) || has(self.icmpCode))",
        "'protocol %s has no ICMP type or code: leave them out, or write the protocol ICMP or ICMPv6'.format([self.protocol])",
    )
}

pub fn icmp_type() -> Rule {
    icmp_number("type", "icmpType")
}

pub fn icmp_code() -> Rule {
    icmp_number("code", "icmpCode")
}

fn icmp_number(what: &str, field: &str) -> Rule {
    explained(
        "self >= 0 && self <= 255",
        format!("'%d is not an ICMP {what}: write 0 to 255, or leave {field} out for any'.format([self])"),
    )
}

/// For a number whose bounds are a rule with a better message: EC2's own -1 for any is a likely mistake.
pub fn unbounded(number: &mut Schema) {
    number.remove("minimum");
    number.remove("maximum");
}

pub fn code_beside_type() -> Rule {
    rule(
        "!has(self.icmpCode) || has(self.icmpType)",
        "a code belongs to a type: write icmpType too, or leave icmpCode out for any",
    )
}
