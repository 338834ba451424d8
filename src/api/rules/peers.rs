//! Rules of networks, and of peers in their lists.

use kube::core::Rule;
use schemars::Schema;
use serde_json::json;

use super::{explained, rule};

pub fn network() -> Rule {
    explained(
        "isCIDR(self)",
        "isIP(self) \
         ? 'the prefix length is missing: for this one address write %s/%d'.format([self, ip(self).family() == 4 ? 32 : 128]) \
         : self.startsWith('sg-') || self.startsWith('pl-') \
         ? 'an id, not a network: a security group is named by securityGroup, a prefix list by prefixList' \
         : 'not an IPv4 or IPv6 network: write one such as 10.0.0.0/8 or 2001:db8::/32 (no leading zeros, no IPv4 behind ::ffff:)'",
    )
}

pub fn no_host_bits() -> Rule {
    explained(
        "!isCIDR(self) || cidr(self) == cidr(self).masked()",
        "'host bits are set in %s: write %s'.format([self, string(cidr(self).masked())])",
    )
}

/// The rules of [`network`] and [`no_host_bits`] on each item of a list of strings.
pub fn each_a_network(list: &mut Schema) {
    if let Some(items) = list.get_mut("items") {
        items["x-kubernetes-validations"] = json!([network(), no_host_bits()]);
    }
}

/// Peers that one text names are compared: networks and ids. Comparing whole peers would fit the budget
/// too, but costs the API server seconds for 60 lists of 60; `indexOf` doesn't.
pub fn no_peer_twice() -> Rule {
    no_text_twice("")
}

pub fn no_access_peer_twice() -> Rule {
    no_text_twice("has(a.self) ? 'self' : ")
}

fn no_text_twice(more: &str) -> Rule {
    let texts = format!(
        "[self.map(a, has(a.cidr) ? a.cidr : has(a.vpc) ? 'vpc' : {more}\
         has(a.securityGroup) && has(a.securityGroup.id) ? a.securityGroup.id \
         : has(a.prefixList) && has(a.prefixList.id) ? a.prefixList.id : '').filter(text, text != '')]"
    );
    explained(
        format!("{texts}.all(texts, texts.all(text, texts.indexOf(text) == texts.lastIndexOf(text)))"),
        format!(
            "'stands in the list more than once: %s; leave one of each'\
             .format([{texts}.map(texts, texts.filter(text, texts.indexOf(text) != texts.lastIndexOf(text)))[0]])"
        ),
    )
}

pub fn no_group_twice() -> Rule {
    explained(
        "self.all(a, self.exists_one(b, b == a))",
        "'stands in the list more than once: %s; leave one of each'.format([self.filter(a, !self.exists_one(b, b == a)).map(a, \
         has(a.id) ? a.id : has(a.name) ? a.name : 'tags')])",
    )
}

pub fn vpc_true() -> Rule {
    rule("self", "write vpc: true for all CIDR blocks of the VPC, or leave this peer out")
}

pub fn self_true() -> Rule {
    rule("self", "write self: true for the members of the group itself, or leave this peer out")
}
