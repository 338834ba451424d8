//! The form in which EC2 holds a rule.

use ipnet::IpNet;

use super::lookup::invalid;
use super::model::{Peer, RuleTraffic};
use crate::aws::Failure;

impl RuleTraffic {
    /// Ports, or ICMP's type and code; -1 where there are none.
    pub fn ingress(protocol: &str, ports: (i32, i32), peer: Peer) -> Self {
        Self { egress: false, protocol: protocol.to_owned(), from: ports.0, to: ports.1, peer }
    }

    /// Ports, or ICMP's type and code; -1 where there are none.
    pub fn egress(protocol: &str, ports: (i32, i32), peer: Peer) -> Self {
        Self { egress: true, ..Self::ingress(protocol, ports, peer) }
    }

    /// As EC2 holds it: protocols that have names by their names, no ports where a protocol has none, host bits
    /// cleared.
    ///
    /// Source: `IpPermission` and `AuthorizeSecurityGroupIngress` in the EC2 API reference.
    pub fn canonical(self) -> Result<Self, Failure> {
        let protocol = protocol(&self.protocol)?;
        let (from, to) = match protocol {
            "tcp" | "udp" => ports(self.from, self.to)?,
            "icmp" | "icmpv6" => type_and_code(self.from, self.to)?,
            _ => (-1, -1),
        };
        let peer = match self.peer {
            Peer::Cidr(cidr) => Peer::Cidr(cidr.trunc()),
            other => other,
        };
        Ok(Self { egress: self.egress, protocol: protocol.to_owned(), from, to, peer })
    }

    /// For error messages.
    pub fn in_words(&self) -> String {
        let peer = match &self.peer {
            Peer::Cidr(cidr) => cidr.to_string(),
            Peer::Group { id, .. } | Peer::PrefixList(id) => id.clone(),
        };
        let Self { protocol, from, to, .. } = self;
        format!("peer: {peer}, {}, from port: {from}, to port: {to}, ALLOW", protocol.to_uppercase())
    }
}

/// A network as a call writes it. Source: `IpRange`.
pub fn cidr(text: &str) -> Result<IpNet, Failure> {
    text.parse::<IpNet>().map_err(|_| invalid(format!("CIDR block {text} is malformed")))
}

/// What may be said of a rule: at most 255 characters of a set. Empty text says nothing.
///
/// Source: `IpRange` in the EC2 API reference.
pub fn description(text: Option<String>) -> Result<Option<String>, Failure> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if is_plain(&text) {
        return Ok(Some(text));
    }
    Err(invalid(format!(
        "Invalid rule description {text:?}. Valid descriptions are strings less than 256 characters from the \
         following set: a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$*"
    )))
}

/// The characters and length that names and descriptions of groups and rules may have.
pub fn is_plain(text: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(character);
    text.len() <= 255 && text.chars().all(plain)
}

fn protocol(text: &str) -> Result<&str, Failure> {
    match text {
        "-1" => Ok("-1"),
        "tcp" | "6" => Ok("tcp"),
        "udp" | "17" => Ok("udp"),
        "icmp" | "1" => Ok("icmp"),
        "icmpv6" | "58" => Ok("icmpv6"),
        number if number.parse::<u8>().is_ok_and(|parsed| parsed.to_string() == number) => Ok(number),
        other => Err(invalid(format!("Invalid value '{other}' for IP protocol. Unknown protocol."))),
    }
}

fn ports(from: i32, to: i32) -> Result<(i32, i32), Failure> {
    if from == -1 || to == -1 {
        return Err(invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."));
    }
    if let Some(port) = [from, to].into_iter().find(|port| !(0..=65535).contains(port)) {
        return Err(invalid(format!("TCP/UDP port ({port}) out of range")));
    }
    if from > to {
        return Err(invalid("Invalid TCP/UDP port range. The 'to' port must not be less than the 'from' port"));
    }
    Ok((from, to))
}

fn type_and_code(kind: i32, code: i32) -> Result<(i32, i32), Failure> {
    if let Some(number) = [kind, code].into_iter().find(|number| !(-1..=255).contains(number)) {
        return Err(invalid(format!("ICMP type or code ({number}) out of range")));
    }
    if kind == -1 && code != -1 {
        return Err(invalid("ICMP code must be -1 if the type is -1"));
    }
    Ok((kind, code))
}
