//! Calls about managed prefix lists.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::super::lookup::{invalid, no_prefix_list};
use super::super::model::PrefixList;
use super::super::prefix_lists::NewPrefixList;
use super::super::reading::Reading;
use super::super::traffic;
use super::network::Listing;
use super::{FILTERS, Operation, PAGES, TAGS, forms};
use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, Scope, World};

const CREATE: &[&str] =
    &["PrefixListName", "MaxEntries", "AddressFamily", "Entry.Cidr", "Entry.Description", "ClientToken"];

pub const OPERATIONS: &[Operation] = &[
    Operation { action: "DescribeManagedPrefixLists", parameters: &[FILTERS, PAGES, &["PrefixListId"]], run: describe },
    Operation { action: "GetManagedPrefixListEntries", parameters: &[PAGES, &["PrefixListId"]], run: entries },
    Operation { action: "CreateManagedPrefixList", parameters: &[TAGS, CREATE], run: create },
    Operation { action: "DeleteManagedPrefixList", parameters: &[&["PrefixListId"]], run: delete },
];

fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let reading = Reading::begin(world, call, &(1..=100))?;
    let listing = Listing {
        ids: "PrefixListId",
        known_filters: &["prefix-list-id", "prefix-list-name", "owner-id"],
        absent: no_prefix_list,
        all: &world.region_mut(&call.scope).ec2.prefix_lists,
    };
    let field = |list: &PrefixList, name: &str| {
        vec![match name {
            "prefix-list-id" => list.id.clone(),
            "prefix-list-name" => list.name.clone(),
            _ => list.owner.clone(),
        }]
    };
    let (found, next) = listing.read(&reading, call, |list| &list.tags, field)?;
    let written = found.into_iter().map(|list| xml(&call.scope, list, "create-complete")).collect();
    Ok(forms::page("prefixListSet", (written, next)))
}

/// Source: `ManagedPrefixList`. Of its own lists AWS tells no most entries.
fn xml(scope: &Scope, list: &PrefixList, state: &str) -> Xml {
    let is_of_aws = list.owner == "AWS";
    let account = if is_of_aws { "aws" } else { &list.owner };
    let xml = Xml::new()
        .text("prefixListId", &list.id)
        .text("prefixListName", &list.name)
        .text("prefixListArn", format!("arn:aws:ec2:{}:{account}:prefix-list/{}", scope.region, list.id))
        .text("addressFamily", if list.is_ipv6 { "IPv6" } else { "IPv4" })
        .text("state", state)
        .text("ownerId", &list.owner)
        .maybe("maxEntries", (!is_of_aws).then_some(list.max_entries))
        .maybe("version", (!is_of_aws).then_some(1));
    forms::tag_set(xml, &list.tags)
}

fn entries(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let reading = Reading::begin(world, call, &(1..=100))?;
    let list = world.region_mut(&call.scope).ec2.prefix_list(call.required("PrefixListId")?)?;
    let numbered = list.entries.iter().enumerate().map(|(number, entry)| (format!("{number:06}"), entry));
    let (found, next) = reading.page(numbered);
    let written = found.into_iter().map(|entry| Xml::new().text("cidr", entry)).collect();
    Ok(forms::page("entrySet", (written, next)))
}

fn create(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let family = call.required("AddressFamily")?;
    if !["IPv4", "IPv6"].contains(&family) {
        return Err(invalid(format!("Value ({family}) for parameter AddressFamily is invalid.")));
    }
    call.required("MaxEntries")?;
    let mut entries: BTreeSet<IpNet> = BTreeSet::new();
    for item in call.items("Entry") {
        entries.insert(traffic::cidr(call.required(&format!("{item}.Cidr"))?)?);
    }
    let new = NewPrefixList {
        name: call.required("PrefixListName")?.to_owned(),
        is_ipv6: family == "IPv6",
        max_entries: call.number("MaxEntries")?.unwrap_or_default(),
        entries,
        tags: forms::tag_specifications(call, "prefix-list")?,
    };
    let id = world.create_prefix_list(&call.scope, new)?;
    let list = world.region_mut(&call.scope).ec2.prefix_list(&id)?;
    Ok(Xml::new().nested("prefixList", xml(&call.scope, list, "create-complete")))
}

fn delete(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let list = world.delete_prefix_list(&call.scope, call.required("PrefixListId")?)?;
    Ok(Xml::new().nested("prefixList", xml(&call.scope, &list, "delete-complete")))
}
