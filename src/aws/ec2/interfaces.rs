use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use aws_sdk_ec2::types::Filter;

use crate::aws::clouds::Cloud;
use crate::aws::error::{AwsError, Call};
use crate::aws::pages::{Page, all_pages};
use crate::model::{Cidr, InstanceId, SecurityGroupId, VpcId};

use super::{Ec2, FILTER_VALUES, PAGE, convert, filter};

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub id: String,
    pub vpc: VpcId,
    pub groups: BTreeSet<SecurityGroupId>,
    /// Private ones, primary and secondary, IPv4 and IPv6.
    pub addresses: BTreeSet<IpAddr>,
    /// Delegated to it: pods have addresses from these that stand in no list.
    pub prefixes: BTreeSet<Cidr>,
    pub instance: Option<InstanceId>,
    /// 0 is the instance's primary interface.
    pub device_index: Option<i32>,
    pub description: String,
    /// Account or service that made it, such as `amazon-elb`.
    pub requester_id: Option<String>,
    pub interface_type: String,
}

impl Interface {
    /// Whether the address is one of its own, or in one of its prefixes.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address) || self.prefixes.iter().any(|prefix| prefix.net().contains(&address))
    }
}

impl Cloud {
    /// All interfaces of these instances that lie in the VPC.
    pub async fn interfaces_of_instances(
        &self,
        vpc: &VpcId,
        instances: &BTreeSet<InstanceId>,
    ) -> Result<Vec<Interface>, AwsError> {
        let ids: Vec<String> = instances.iter().map(|id| id.as_str().to_owned()).collect();
        let call = self.ec2.call("DescribeNetworkInterfaces", format!("interfaces of instances in {vpc}"));
        self.ec2.interfaces_in(&call, vpc, "attachment.instance-id", &ids).await
    }

    /// The interfaces in the VPC that hold these addresses, be it by a delegated prefix.
    pub async fn interfaces_of_addresses(
        &self,
        vpc: &VpcId,
        addresses: &BTreeSet<IpAddr>,
    ) -> Result<Vec<Interface>, AwsError> {
        let call = self.ec2.call("DescribeNetworkInterfaces", format!("interfaces of addresses in {vpc}"));
        let texts =
            |v4: bool| addresses.iter().filter(|ip| ip.is_ipv4() == v4).map(IpAddr::to_string).collect::<Vec<_>>();
        let mut found = self.ec2.interfaces_in(&call, vpc, "addresses.private-ip-address", &texts(true)).await?;
        found.extend(self.ec2.interfaces_in(&call, vpc, "ipv6-addresses.ipv6-address", &texts(false)).await?);
        let unknown: Vec<IpAddr> =
            addresses.iter().copied().filter(|ip| !found.iter().any(|interface| interface.holds(*ip))).collect();
        if !unknown.is_empty() {
            found.extend(self.interfaces_by_prefix(vpc, &unknown).await?);
        }
        found.sort_by(|one, other| one.id.cmp(&other.id));
        found.dedup_by(|one, other| one.id == other.id);
        Ok(found)
    }

    /// `DescribeNetworkInterfaces` has no filter for prefixes, so all interfaces of the VPC are read; reads
    /// that are wanted at the same time share one.
    async fn interfaces_by_prefix(&self, vpc: &VpcId, addresses: &[IpAddr]) -> Result<Vec<Interface>, AwsError> {
        let all = self.interfaces.get(vpc.clone()).await.map_err(|error| (*error).clone())?;
        let holds_any = |interface: &Interface| addresses.iter().any(|ip| interface.holds(*ip));
        Ok(all.unwrap_or_default().iter().filter(|interface| holds_any(interface)).cloned().collect())
    }

    /// All interfaces that carry the group.
    pub async fn interfaces_with_group(&self, group: &SecurityGroupId) -> Result<Vec<Interface>, AwsError> {
        let call = self.ec2.call("DescribeNetworkInterfaces", format!("interfaces with {group}"));
        self.ec2.describe_interfaces(&call, vec![filter("group-id", [group.as_str()])]).await
    }
}

impl Ec2 {
    pub async fn read_interfaces_by_vpc(
        &self,
        vpcs: BTreeSet<VpcId>,
    ) -> Result<BTreeMap<VpcId, Arc<Vec<Interface>>>, AwsError> {
        let call = self.call("DescribeNetworkInterfaces", "interfaces of VPCs");
        let by_vpc = filter("vpc-id", vpcs.iter().map(VpcId::as_str));
        let mut read: BTreeMap<VpcId, Vec<Interface>> = vpcs.into_iter().map(|vpc| (vpc, Vec::new())).collect();
        for interface in self.describe_interfaces(&call, vec![by_vpc]).await? {
            read.entry(interface.vpc.clone()).or_default().push(interface);
        }
        Ok(read.into_iter().map(|(vpc, interfaces)| (vpc, Arc::new(interfaces))).collect())
    }

    async fn interfaces_in(
        &self,
        call: &Call,
        vpc: &VpcId,
        name: &str,
        values: &[String],
    ) -> Result<Vec<Interface>, AwsError> {
        let mut found = Vec::new();
        for values in values.chunks(FILTER_VALUES) {
            let filters = vec![filter("vpc-id", [vpc.as_str()]), filter(name, values)];
            found.extend(self.describe_interfaces(call, filters).await?);
        }
        Ok(found)
    }

    /// Source: `DescribeNetworkInterfaces`. Those that AWS services manage are included, although an account
    /// can hide them: they carry groups like others.
    async fn describe_interfaces(&self, call: &Call, filters: Vec<Filter>) -> Result<Vec<Interface>, AwsError> {
        let pages = self
            .client
            .describe_network_interfaces()
            .set_filters(Some(filters))
            .include_managed_resources(true)
            .max_results(PAGE)
            .into_paginator()
            .send();
        let open = |page: aws_sdk_ec2::operation::describe_network_interfaces::DescribeNetworkInterfacesOutput| Page {
            items: page.network_interfaces,
            next: page.next_token,
        };
        let all = all_pages(call, pages, open).await?;
        all.iter().map(|each| convert::interface(each).map_err(|field| call.malformed(field))).collect()
    }
}
