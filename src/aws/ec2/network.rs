use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{ManagedPrefixList, PrefixListState, VpcCidrBlockState, VpcCidrBlockStateCode};
use futures::future::try_join_all;

use crate::aws::clouds::Cloud;
use crate::aws::error::{AwsError, Call};
use crate::aws::pages::{Page, all_pages};
use crate::model::{Cidr, Family, PrefixListId, VpcId};

use super::convert::{cidr, present};
use super::{Ec2, FILTER_VALUES, filter};

/// The greatest page of `DescribeManagedPrefixLists`.
const PREFIX_LISTS_PAGE: i32 = 100;

/// How many entries AWS's own prefix lists count as, by the end of their names. Of those AWS tells no
/// `MaxEntries`.
///
/// Source: "AWS-managed prefix lists" in the VPC user guide.
const AWS_WEIGHTS: [(&str, u32); 8] = [
    (".cloudfront.origin-facing", 55),
    (".dynamodb", 1),
    (".ec2-instance-connect", 2),
    (".groundstation", 5),
    (".route53-healthchecks", 25),
    (".s3", 1),
    (".s3express", 6),
    (".vpc-lattice", 10),
];

/// A managed prefix list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixList {
    pub id: PrefixListId,
    pub name: String,
    pub family: Option<Family>,
    /// How many rules a rule with the list counts as; `None` for one of AWS's whose weight is not published.
    pub weight: Option<u32>,
}

impl Cloud {
    /// The managed prefix lists with exactly these names: our own, shared ones and AWS's.
    pub async fn prefix_lists_by_name(&self, names: &BTreeSet<String>) -> Result<Vec<PrefixList>, AwsError> {
        let found = try_join_all(names.iter().map(|name| self.named_prefix_lists.get(name.clone()))).await;
        Ok(found.map_err(|error| (*error).clone())?.into_iter().flatten().flatten().collect())
    }

    /// Lists that are not there are left out.
    pub async fn prefix_lists_by_id(&self, ids: &BTreeSet<PrefixListId>) -> Result<Vec<PrefixList>, AwsError> {
        let found = try_join_all(ids.iter().map(|id| self.prefix_lists.get(id.clone()))).await;
        Ok(found.map_err(|error| (*error).clone())?.into_iter().flatten().collect())
    }

    /// All CIDR blocks that are associated with the VPC, IPv4 and IPv6.
    ///
    /// # Errors
    /// A VPC that is not there is an error, as "no blocks" would mean that nobody is in it.
    pub async fn vpc_cidrs(&self, vpc: &VpcId) -> Result<BTreeSet<Cidr>, AwsError> {
        self.ec2.read_vpc_cidrs(vpc).await
    }
}

/// Source: `ManagedPrefixList`.
fn prefix_list(call: &Call, list: &ManagedPrefixList) -> Result<PrefixList, AwsError> {
    Ok(PrefixList {
        id: present(list.prefix_list_id()).map(PrefixListId::from).ok_or_else(|| call.malformed("prefix list id"))?,
        name: list.prefix_list_name().unwrap_or_default().to_owned(),
        family: match list.address_family() {
            Some("IPv4") => Some(Family::V4),
            Some("IPv6") => Some(Family::V6),
            _ => None,
        },
        weight: weight(list),
    })
}

fn weight(list: &ManagedPrefixList) -> Option<u32> {
    let published =
        |name: &str| AWS_WEIGHTS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, weight)| *weight);
    match list.owner_id() {
        Some("AWS") => list.prefix_list_name().and_then(published),
        _ => list.max_entries().and_then(|most| u32::try_from(most).ok()),
    }
}

impl Ec2 {
    pub(in crate::aws) async fn read_prefix_lists(
        &self,
        ids: BTreeSet<PrefixListId>,
    ) -> Result<BTreeMap<PrefixListId, PrefixList>, AwsError> {
        let call = self.call("DescribeManagedPrefixLists", "prefix lists");
        let ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        let found = self.describe_prefix_lists(&call, "prefix-list-id", &ids).await?;
        Ok(found.into_iter().map(|list| (list.id.clone(), list)).collect())
    }

    pub(in crate::aws) async fn read_named_prefix_lists(
        &self,
        names: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<PrefixList>>, AwsError> {
        let call = self.call("DescribeManagedPrefixLists", "prefix lists by name");
        let asked: Vec<String> = names.iter().cloned().collect();
        let mut read: BTreeMap<String, Vec<PrefixList>> = BTreeMap::new();
        for list in self.describe_prefix_lists(&call, "prefix-list-name", &asked).await? {
            // In a filter * and ? match more than themselves.
            if names.contains(&list.name) {
                read.entry(list.name.clone()).or_default().push(list);
            }
        }
        Ok(read)
    }

    /// Source: `DescribeManagedPrefixLists`. Deleted lists stay in answers for a while.
    async fn describe_prefix_lists(
        &self,
        call: &Call,
        name: &str,
        values: &[String],
    ) -> Result<Vec<PrefixList>, AwsError> {
        let open = |page: aws_sdk_ec2::operation::describe_managed_prefix_lists::DescribeManagedPrefixListsOutput| {
            Page { items: page.prefix_lists, next: page.next_token }
        };
        let mut found: Vec<ManagedPrefixList> = Vec::new();
        for values in values.chunks(FILTER_VALUES) {
            let lists = self.client.describe_managed_prefix_lists().filters(filter(name, values));
            found.extend(all_pages(call, lists.max_results(PREFIX_LISTS_PAGE).into_paginator().send(), open).await?);
        }
        found.retain(|list| list.state() != Some(&PrefixListState::DeleteComplete));
        found.iter().map(|list| prefix_list(call, list)).collect()
    }

    /// Source: `DescribeVpcs`.
    async fn read_vpc_cidrs(&self, vpc: &VpcId) -> Result<BTreeSet<Cidr>, AwsError> {
        let call = self.call("DescribeVpcs", vpc.to_string());
        let answer =
            self.client.describe_vpcs().vpc_ids(vpc.as_str()).send().await.map_err(|error| call.failed(error))?;
        let found = answer.vpcs().iter().find(|found| found.vpc_id() == Some(vpc.as_str()));
        let found = found.ok_or_else(|| call.malformed("VPC"))?;
        let v4 = found.cidr_block_association_set().iter().map(|block| (block.cidr_block(), block.cidr_block_state()));
        let v6 = found
            .ipv6_cidr_block_association_set()
            .iter()
            .map(|block| (block.ipv6_cidr_block(), block.ipv6_cidr_block_state()));
        v4.chain(v6)
            .filter(|(_, state)| state.and_then(VpcCidrBlockState::state) == Some(&VpcCidrBlockStateCode::Associated))
            .map(|(block, _)| block.and_then(cidr).ok_or_else(|| call.malformed("CIDR block of a VPC")))
            .collect()
    }
}
