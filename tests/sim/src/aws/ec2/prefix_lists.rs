//! Managed prefix lists: customers', and AWS's own.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::lookup::{invalid, needed};
use super::model::{Peer, PrefixList, Tags};
use super::tags;
use crate::aws::{Failure, Scope, World};

/// A customer's prefix list to be made.
#[derive(Clone, Debug)]
pub struct NewPrefixList {
    pub name: String,
    pub is_ipv6: bool,
    pub max_entries: u32,
    pub entries: BTreeSet<IpNet>,
    pub tags: Tags,
}

/// The lists that AWS has in every Region, with some of their entries.
///
/// Source: "AWS-managed prefix lists" in the VPC user guide.
pub(super) fn of_aws() -> BTreeMap<String, PrefixList> {
    let list = |id: &str, name: &str, is_ipv6: bool, entries: &[&str]| PrefixList {
        id: id.to_owned(),
        name: name.to_owned(),
        owner: "AWS".into(),
        is_ipv6,
        max_entries: 55,
        weight: 55,
        entries: entries.iter().filter_map(|text| text.parse().ok()).collect(),
        tags: Tags::new(),
    };
    let (v4, v6) =
        ("com.amazonaws.global.cloudfront.origin-facing", "com.amazonaws.global.ipv6.cloudfront.origin-facing");
    let lists = [
        list("pl-0c10fd00000000004", v4, false, &["130.176.0.0/17", "15.158.0.0/16", "64.252.64.0/18"]),
        list("pl-0c10fd00000000006", v6, true, &["2600:9000:1000::/36", "2600:9000:3000::/36"]),
    ];
    lists.into_iter().map(|list| (list.id.clone(), list)).collect()
}

impl World {
    /// Makes a list and answers its id.
    ///
    /// Source: `CreateManagedPrefixList`.
    pub fn create_prefix_list(&mut self, scope: &Scope, new: NewPrefixList) -> Result<String, Failure> {
        tags::check(&new.tags)?;
        if new.name.is_empty() || new.name.len() > 255 || new.name.starts_with("com.amazonaws") {
            return Err(invalid(format!("Value ({}) for parameter PrefixListName is invalid.", new.name)));
        }
        if !(1..=1000).contains(&new.max_entries) {
            return Err(invalid(format!("Value ({}) for parameter MaxEntries is invalid.", new.max_entries)));
        }
        let entries: BTreeSet<IpNet> = new.entries.iter().map(IpNet::trunc).collect();
        if let Some(other) = entries.iter().find(|entry| entry.addr().is_ipv6() != new.is_ipv6) {
            return Err(invalid(format!("{other} is not of the list's address family")));
        }
        if entries.len() > usize::try_from(new.max_entries).unwrap_or(usize::MAX) {
            let message = "You've reached the maximum number of entries for the prefix list.";
            return Err(Failure::new("PrefixListMaxEntriesExceeded", message));
        }
        let id = self.new_id("pl");
        let list = PrefixList {
            id: id.clone(),
            name: new.name,
            owner: scope.account.clone(),
            is_ipv6: new.is_ipv6,
            max_entries: new.max_entries,
            weight: new.max_entries,
            entries: entries.into_iter().collect(),
            tags: new.tags,
        };
        self.region_mut(scope).ec2.prefix_lists.insert(id.clone(), list);
        Ok(id)
    }

    /// Deletes a list to which no rule refers, and answers what it was.
    ///
    /// Source: `DeleteManagedPrefixList`.
    pub fn delete_prefix_list(&mut self, scope: &Scope, id: &str) -> Result<PrefixList, Failure> {
        let ec2 = &mut self.region_mut(scope).ec2;
        let list = ec2.prefix_list(id)?.clone();
        if list.owner != scope.account {
            let message = format!("You are not authorized to delete the prefix list {id}");
            return Err(Failure::new("UnauthorizedOperation", message).with_status(403));
        }
        let is_it = |peer: &Peer| matches!(peer, Peer::PrefixList(named) if named == id);
        if ec2.groups.holding(id).any(|group| group.rules.values().any(|rule| is_it(&rule.traffic.peer))) {
            return Err(needed(id));
        }
        ec2.prefix_lists.remove(id);
        Ok(list)
    }
}
