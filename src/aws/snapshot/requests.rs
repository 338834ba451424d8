//! What the SDK asks for, out of the form that it sends.

use std::collections::BTreeMap;

use super::calls::Service;

/// A request of a query protocol.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub api: Api,
    pub action: String,
    /// Values by the field's name without its numbers: `VpcId` of `VpcId.1`, `Names` of `Names.member.1`.
    pub fields: BTreeMap<String, Vec<String>>,
    /// Filters with their values: any of a filter's values will do, and all filters must hold.
    pub filters: Vec<(String, Vec<String>)>,
}

/// Which of AWS's APIs a request is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Described(Service),
    Sts,
    Other,
}

/// What each request has, and what only says how the answer is cut.
const OF_NO_MATTER: [&str; 5] = ["Action", "Version", "MaxResults", "PageSize", "IncludeManagedResources"];

impl Request {
    pub fn read(body: &[u8]) -> Self {
        let mut plain: BTreeMap<String, String> = BTreeMap::new();
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut filters: BTreeMap<u32, (String, Vec<String>)> = BTreeMap::new();
        for (key, value) in form_urlencoded::parse(body) {
            let parts: Vec<&str> = key.split('.').collect();
            match parts[..] {
                ["Filter", number, "Name"] => filters.entry(place(number)).or_default().0 = value.into_owned(),
                ["Filter", number, "Value", _] => filters.entry(place(number)).or_default().1.push(value.into_owned()),
                [name] => drop(plain.insert(name.to_owned(), value.into_owned())),
                [name, _] | [name, "member", _] => fields.entry(name.to_owned()).or_default().push(value.into_owned()),
                _ => fields.entry(key.into_owned()).or_default().push(value.into_owned()),
            }
        }
        // Sources: the versions of the APIs, as their references give them.
        let api = match plain.get("Version").map(String::as_str) {
            Some("2016-11-15") => Api::Described(Service::Ec2),
            Some("2015-12-01") => Api::Described(Service::Elb),
            Some("2011-06-15") => Api::Sts,
            _ => Api::Other,
        };
        let action = plain.get("Action").cloned().unwrap_or_default();
        let rest = plain.into_iter().filter(|(name, _)| !OF_NO_MATTER.contains(&name.as_str()));
        fields.extend(rest.map(|(name, value)| (name, vec![value])));
        Self { api, action, fields, filters: filters.into_values().collect() }
    }
}

fn place(number: &str) -> u32 {
    number.parse().unwrap_or_default()
}

/// The Region that a request was signed for.
///
/// Source: "Create a signed AWS API request" in the IAM user guide: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
pub fn region(authorization: &str) -> Option<&str> {
    authorization.split_once("Credential=")?.1.split('/').nth(2)
}
