//! Of which account and Region a snapshot is, as its files say.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::{AccountId, Region, Scope, is_account};

use super::calls::{CALLS, Service};
use super::files::SnapshotError;
use super::{Snapshot, json};

/// Fields of EC2's that hold the owner; those first that are hardly ever another's: a VPC may be shared.
const OWNERS: [(&str, &str); 8] = [
    ("DescribeSecurityGroups", "OwnerId"),
    ("DescribeSecurityGroupRules", "GroupOwnerId"),
    ("DescribeInstances", "OwnerId"),
    ("DescribeNetworkInterfaces", "OwnerId"),
    ("DescribeNetworkAcls", "OwnerId"),
    ("DescribeRouteTables", "OwnerId"),
    ("DescribeVpcs", "OwnerId"),
    ("DescribeSubnets", "OwnerId"),
];

/// Fields of EC2's that hold an ARN.
const ARNS: [(&str, &str); 4] = [
    ("DescribeSecurityGroups", "SecurityGroupArn"),
    ("DescribeSecurityGroupRules", "SecurityGroupRuleArn"),
    ("DescribeSubnets", "SubnetArn"),
    ("DescribeManagedPrefixLists", "PrefixListArn"),
];

impl Snapshot {
    /// Whose it is, and where. `region` is what a person gave.
    ///
    /// # Errors
    /// The files don't say, or contradict each other or what was given.
    pub fn scope(&self, region: Option<Region>) -> Result<Scope, SnapshotError> {
        Ok(Scope { account: self.account()?, region: self.region(region)? })
    }

    fn region(&self, asked: Option<Region>) -> Result<Region, SnapshotError> {
        let of_ec2 = ARNS.iter().flat_map(|(action, field)| self.texts(action, field));
        let regions: BTreeSet<String> = self.elb_arns().chain(of_ec2).filter_map(|arn| part(&arn, REGION)).collect();
        let (dir, mut regions) = (self.dir.clone(), regions.into_iter().collect::<Vec<_>>());
        match (asked, regions.len()) {
            (Some(asked), 0) => Ok(asked),
            (Some(asked), _) if regions.iter().any(|region| region == asked.as_str()) => Ok(asked),
            (Some(asked), _) => Err(SnapshotError::OtherRegion { dir, asked, regions }),
            (None, 0) => Err(SnapshotError::NoRegion { dir }),
            (None, 1) => Ok(Region::new(regions.remove(0))),
            (None, _) => Err(SnapshotError::SeveralRegions { dir, regions }),
        }
    }

    fn account(&self) -> Result<AccountId, SnapshotError> {
        let dir = self.dir.clone();
        let by_arn: BTreeSet<String> = self.elb_arns().filter_map(|arn| part(&arn, ACCOUNT)).collect();
        let by_owner = OWNERS.iter().map(|(action, field)| self.texts(action, field).collect::<BTreeSet<String>>());
        let first = std::iter::once(by_arn).chain(by_owner).find(|accounts| !accounts.is_empty()).unwrap_or_default();
        let mut accounts: Vec<String> = first.into_iter().filter(|account| is_account(account)).collect();
        match accounts.len() {
            0 => Err(SnapshotError::NoAccount { dir }),
            1 => Ok(AccountId::new(accounts.remove(0))),
            _ => Err(SnapshotError::SeveralAccounts { dir, accounts }),
        }
    }

    /// By which load balancers and what belongs to them are told apart.
    fn elb_arns(&self) -> impl Iterator<Item = String> {
        let calls = CALLS.iter().filter(|call| call.service == Service::Elb);
        calls.flat_map(|call| self.texts(call.action, call.id))
    }

    fn texts<'a>(&'a self, action: &str, field: &'a str) -> impl Iterator<Item = String> + use<'a> {
        let items: &[Value] = self.items.get(action).map(Vec::as_slice).unwrap_or_default();
        items.iter().flat_map(move |item| json::texts(item, field))
    }
}

/// Places in an ARN, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
pub const REGION: usize = 3;
const ACCOUNT: usize = 4;

/// A part of an ARN that is not empty.
pub fn part(arn: &str, index: usize) -> Option<String> {
    let is_arn = arn.starts_with("arn:");
    arn.split(':').nth(index).filter(|part| is_arn && !part.is_empty()).map(str::to_owned)
}
