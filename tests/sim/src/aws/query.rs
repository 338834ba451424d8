//! The query protocols of EC2 and ELBv2: a form comes in. And the JSON protocol of Service Quotas.
//!
//! Sources: "Query requests" in the EC2 API reference (lists as `Name.N`), "Query requests" in the Elastic Load
//! Balancing one (lists as `Name.member.N`); "Signature Version 4" for the scope of a credential.

use std::collections::BTreeMap;

use super::{Failure, Scope};

/// One request, decoded.
#[derive(Clone, Debug)]
pub struct Call {
    pub action: String,
    /// Tells the APIs apart: see [`Api`].
    pub version: String,
    pub scope: Scope,
    /// All fields but Action and Version.
    pub parameters: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    Ec2,
    Elb,
    Sts,
    Quotas,
}

/// The prefix of the header `X-Amz-Target` by which requests of Service Quotas name their action.
const QUOTAS: &str = "ServiceQuotasV20190624";

impl Call {
    /// Reads the form of a request that is answered for this account and Region.
    pub fn read(form: &[u8], scope: Scope) -> Self {
        let mut parameters: BTreeMap<String, String> = form_urlencoded::parse(form).into_owned().collect();
        let mut take = |name: &str| parameters.remove(name).unwrap_or_default();
        let (action, version) = (take("Action"), take("Version"));
        Self { action, version, scope, parameters }
    }

    /// Reads a request of which nobody knows yet for whom it is answered.
    pub fn read_unsigned(target: Option<&str>, body: &[u8]) -> Self {
        Self::read_any(target, body, Scope { account: String::new(), region: String::new() })
    }

    /// Reads the body of a request by a JSON protocol, whose header `X-Amz-Target` is this. Only texts count.
    pub fn read_json(target: &str, body: &[u8], scope: Scope) -> Self {
        let (version, action) = target.split_once('.').unwrap_or_default();
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).unwrap_or_default();
        let text = |(name, value): (String, serde_json::Value)| Some((name, value.as_str()?.to_owned()));
        let parameters = fields.into_iter().filter_map(text).collect();
        Self { action: action.into(), version: version.into(), scope, parameters }
    }

    /// Reads a request by whichever protocol it is.
    pub fn read_any(target: Option<&str>, body: &[u8], scope: Scope) -> Self {
        match target {
            Some(target) => Self::read_json(target, body, scope),
            None => Self::read(body, scope),
        }
    }

    pub fn api(&self) -> Option<Api> {
        match self.version.as_str() {
            "2016-11-15" => Some(Api::Ec2),
            "2015-12-01" => Some(Api::Elb),
            "2011-06-15" => Some(Api::Sts),
            QUOTAS => Some(Api::Quotas),
            _ => None,
        }
    }

    /// Whether it changes nothing. To assume a role is no change, either.
    pub fn is_read(&self) -> bool {
        ["AssumeRole", "Describe", "Get", "List"].iter().any(|prefix| self.action.starts_with(prefix))
    }

    /// A parameter that is there and says something.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A parameter without which the call makes no sense.
    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        let missing = || Failure::new("MissingParameter", format!("The request must contain the parameter {name}"));
        self.text(name).ok_or_else(missing)
    }

    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let invalid = |text| Failure::new("InvalidParameterValue", format!("Invalid value '{text}' for {name}"));
        self.text(name).map(|text| text.parse().map_err(|_| invalid(text))).transpose()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// The values of a list, by number: `Name.1`, `Name.2`, or `Name.member.1`, ….
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.items(name).iter().filter_map(|item| self.parameters.get(item)).map(String::as_str).collect()
    }

    /// The names under which the items of a list stand, in the list's order: `IpPermissions.1`, `IpPermissions.2`.
    /// Fields of an item are at `{item}.Field`.
    pub fn items(&self, name: &str) -> Vec<String> {
        let of_list = |key: &str, prefix: &str| -> Option<u32> {
            key.strip_prefix(prefix)?.split('.').next().and_then(|number| number.parse().ok())
        };
        let (plain, member) = (format!("{name}."), format!("{name}.member."));
        let mut found: BTreeMap<u32, String> = BTreeMap::new();
        for key in self.parameters.range(plain.clone()..).map(|(key, _)| key).take_while(|key| key.starts_with(&plain))
        {
            if let Some(number) = of_list(key, &member) {
                found.entry(number).or_insert_with(|| format!("{member}{number}"));
            } else if let Some(number) = of_list(key, &plain) {
                found.entry(number).or_insert_with(|| format!("{plain}{number}"));
            }
        }
        found.into_values().collect()
    }

    /// EC2's filters: names with their values, of which one must match.
    pub fn filters(&self) -> Vec<(String, Vec<String>)> {
        let filter = |item: String| {
            let values = self.list(&format!("{item}.Value")).into_iter().map(str::to_owned).collect();
            (self.text(&format!("{item}.Name")).unwrap_or_default().to_owned(), values)
        };
        self.items("Filter").into_iter().map(filter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(form: &str) -> Call {
        Call::read(form.as_bytes(), Scope { account: "1".into(), region: "r".into() })
    }

    #[test]
    fn lists_are_in_the_order_of_their_numbers() {
        let call = call("Action=A&Version=2016-11-15&L.10=k&L.2=b&L.1=a%20b&Lo.1=no&M.member.2=y&M.member.1=x");
        assert_eq!(call.list("L"), ["a b", "b", "k"]);
        assert_eq!(call.list("M"), ["x", "y"]);
        assert_eq!((call.action.as_str(), call.api()), ("A", Some(Api::Ec2)));
    }

    #[test]
    fn items_and_filters_have_fields() {
        let call = call("P.1.From=1&P.2.From=2&Filter.1.Name=group-id&Filter.1.Value.1=sg-1&Filter.1.Value.2=sg-2");
        assert_eq!(call.items("P"), ["P.1", "P.2"]);
        assert_eq!(call.text("P.2.From"), Some("2"));
        assert_eq!(call.filters(), [("group-id".to_owned(), vec!["sg-1".to_owned(), "sg-2".to_owned()])]);
    }
}
