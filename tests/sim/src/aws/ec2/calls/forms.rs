//! What forms of several calls have in common.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::super::lookup::invalid;
use super::super::model::{Peer, RuleTraffic, Tags};
use super::super::rules::NewRule;
use super::super::traffic;
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure};

/// What an `IpPermission` can hold here.
pub const PERMISSIONS: &[&str] = &[
    "IpPermissions.IpProtocol",
    "IpPermissions.FromPort",
    "IpPermissions.ToPort",
    "IpPermissions.IpRanges.CidrIp",
    "IpPermissions.IpRanges.Description",
    "IpPermissions.Ipv6Ranges.CidrIpv6",
    "IpPermissions.Ipv6Ranges.Description",
    "IpPermissions.PrefixListIds.PrefixListId",
    "IpPermissions.PrefixListIds.Description",
    "IpPermissions.Groups.GroupId",
    "IpPermissions.Groups.UserId",
    "IpPermissions.Groups.VpcId",
    "IpPermissions.Groups.PeeringStatus",
    "IpPermissions.Groups.Description",
];

/// All rules of all permissions. Which is ingress and which egress, the call's name says.
pub fn permissions(call: &Call) -> Result<Vec<NewRule>, Failure> {
    let egress = call.action.ends_with("Egress");
    let mut rules = Vec::new();
    for item in call.items("IpPermissions") {
        let protocol = call.required(&format!("{item}.IpProtocol"))?.to_owned();
        let (from, to) = ports(call, &item)?;
        let before = rules.len();
        for (list, field) in LISTS {
            for peer in call.items(&format!("{item}.{list}")) {
                let description = call.text(&format!("{peer}.Description")).map(str::to_owned);
                let peer = self::peer(call, field, call.required(&format!("{peer}.{field}"))?, &peer)?;
                let traffic = RuleTraffic { egress, protocol: protocol.clone(), from, to, peer };
                rules.push(NewRule { traffic, description });
            }
        }
        if rules.len() == before {
            return Err(Failure::new("MissingParameter", format!("{item} has no source or destination")));
        }
    }
    Ok(rules)
}

/// The lists of a permission, and what names the peer in their items.
const LISTS: [(&str, &str); 4] =
    [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("PrefixListIds", "PrefixListId"), ("Groups", "GroupId")];

/// Reads a peer that stands in this field. `item` may hold the account of a group.
pub fn peer(call: &Call, field: &str, text: &str, item: &str) -> Result<Peer, Failure> {
    match field {
        "CidrIp" | "CidrIpv4" => Ok(Peer::Cidr(v4(text)?.into())),
        "CidrIpv6" => Ok(Peer::Cidr(v6(text)?.into())),
        "PrefixListId" => Ok(Peer::PrefixList(text.to_owned())),
        _ => {
            let account = call.text(&format!("{item}.UserId")).unwrap_or(&call.scope.account).to_owned();
            Ok(Peer::Group { id: text.to_owned(), account })
        }
    }
}

/// FromPort and ToPort; -1 where there are none.
pub fn ports(call: &Call, item: &str) -> Result<(i32, i32), Failure> {
    let port = |name: &str| call.number(&format!("{item}.{name}")).map(|port| port.unwrap_or(-1));
    Ok((port("FromPort")?, port("ToPort")?))
}

pub fn v4(text: &str) -> Result<Ipv4Net, Failure> {
    match traffic::cidr(text)? {
        IpNet::V4(cidr) => Ok(cidr),
        IpNet::V6(_) => Err(invalid(format!("CIDR block {text} is not IPv4"))),
    }
}

pub fn v6(text: &str) -> Result<Ipv6Net, Failure> {
    match traffic::cidr(text)? {
        IpNet::V6(cidr) => Ok(cidr),
        IpNet::V4(_) => Err(invalid(format!("CIDR block {text} is not IPv6"))),
    }
}

/// A network that stands in one of two fields.
pub fn either(call: &Call, v4_field: &str, v6_field: &str) -> Result<IpNet, Failure> {
    match (call.text(v4_field), call.text(v6_field)) {
        (Some(text), None) => v4(text).map(IpNet::from),
        (None, Some(text)) => v6(text).map(IpNet::from),
        _ => Err(Failure::new("MissingParameter", format!("Either {v4_field} or {v6_field} is required"))),
    }
}

/// Tags for what a call makes, which is of this kind. Source: `TagSpecification`.
pub fn tag_specifications(call: &Call, kind: &str) -> Result<Tags, Failure> {
    let mut tags = Tags::new();
    for item in call.items("TagSpecification") {
        let of = call.required(&format!("{item}.ResourceType"))?;
        if of != kind {
            return Err(invalid(format!("'{of}' is not a valid taggable resource type for this operation.")));
        }
        let given = self::tags(call, &format!("{item}.Tag"))?;
        if given.is_empty() {
            return Err(invalid("Tag specification must have at least one tag"));
        }
        tags.extend(given);
    }
    Ok(tags)
}

/// A list of tags. A key can stand there once.
pub fn tags(call: &Call, list: &str) -> Result<Tags, Failure> {
    let mut tags = Tags::new();
    for item in call.items(list) {
        let key = call.required(&format!("{item}.Key"))?.to_owned();
        let value = call.text(&format!("{item}.Value")).unwrap_or_default().to_owned();
        if tags.insert(key, value).is_some() {
            return Err(invalid("Duplicate tag key specified."));
        }
    }
    Ok(tags)
}

/// A list, of which there must be an item.
pub fn some(call: &Call, list: &str) -> Result<Vec<String>, Failure> {
    let items: Vec<String> = call.list(list).into_iter().map(str::to_owned).collect();
    if items.is_empty() {
        return Err(Failure::new("MissingParameter", format!("The request must contain the parameter {list}")));
    }
    Ok(items)
}

/// `<tagSet>`
pub fn tag_set(xml: Xml, tags: &Tags) -> Xml {
    let item = |(key, value)| Xml::new().text("key", key).text("value", value);
    xml.list("tagSet", "item", tags.iter().map(item))
}

/// The answer of calls that say no more than that it is done.
pub fn done() -> Xml {
    Xml::new().text("return", true)
}

/// `<item>` for each, and the token of the next page.
pub fn page(name: &str, (items, next): (Vec<Xml>, Option<String>)) -> Xml {
    Xml::new().list(name, "item", items).maybe("nextToken", next)
}
