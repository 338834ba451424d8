//! VPCs, subnets and internet gateways.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::lookup::{needed, no_internet_gateway};
use super::model::{AclEntry, InternetGateway, NetworkAcl, Route, RouteTable, Subnet, Tags, Vpc};
use super::tags;
use crate::aws::{Changed, Failure, Scope, World};

/// A VPC to be made.
#[derive(Clone, Debug)]
pub struct NewVpc {
    pub cidr: Ipv4Net,
    /// With a /56 of Amazon's.
    pub has_ipv6: bool,
    pub is_default: bool,
    pub tags: Tags,
}

impl From<Ipv4Net> for NewVpc {
    fn from(cidr: Ipv4Net) -> Self {
        Self { cidr, has_ipv6: false, is_default: false, tags: Tags::new() }
    }
}

/// A subnet to be made.
#[derive(Clone, Debug)]
pub struct NewSubnet {
    pub vpc: String,
    pub cidr: Ipv4Net,
    pub ipv6_cidr: Option<Ipv6Net>,
    /// The Region's first, if not given.
    pub availability_zone: Option<String>,
    pub tags: Tags,
}

impl World {
    /// Makes a VPC with its main route table, default network ACL and default security group, and answers its id.
    ///
    /// Source: `CreateVpc`.
    pub fn create_vpc(&mut self, scope: &Scope, new: NewVpc) -> Result<String, Failure> {
        tags::check(&new.tags)?;
        let cidr = new.cidr.trunc();
        if !(16..=28).contains(&cidr.prefix_len()) {
            return Err(Failure::new("InvalidVpc.Range", format!("The CIDR '{cidr}' is invalid.")));
        }
        if new.is_default && self.region_mut(scope).ec2.default_vpc().is_some() {
            let message = "A Default VPC already exists for this account in this region.";
            return Err(Failure::new("DefaultVpcAlreadyExists", message));
        }
        let id = self.new_id("vpc");
        let ipv6_cidrs = if new.has_ipv6 { vec![self.new_ipv6_block(scope)] } else { Vec::new() };
        let vpc = Vpc { id: id.clone(), is_default: new.is_default, cidrs: vec![cidr], ipv6_cidrs, tags: new.tags };
        let table = RouteTable {
            id: self.new_id("rtb"),
            vpc: id.clone(),
            is_main: true,
            subnets: BTreeSet::new(),
            routes: local_routes(&vpc),
        };
        let acl = NetworkAcl {
            id: self.new_id("acl"),
            vpc: id.clone(),
            is_default: true,
            subnets: BTreeSet::new(),
            entries: allowing_all(&vpc),
        };
        let ec2 = &mut self.region_mut(scope).ec2;
        ec2.vpcs.insert(id.clone(), vpc);
        ec2.route_tables.insert(table.id.clone(), table);
        ec2.network_acls.insert(acl.id.clone(), acl);
        self.create_default_group(scope, &id)?;
        self.change_vpc(scope, &id);
        Ok(id)
    }

    /// Deletes a VPC that holds nothing but what it was made with.
    ///
    /// Source: `DeleteVpc`.
    pub fn delete_vpc(&mut self, scope: &Scope, id: &str) -> Result<(), Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        ec2.vpc(id)?;
        let groups: Vec<_> = ec2.groups.holding(id).filter(|group| group.vpc == id).cloned().collect();
        let is_used = ec2.subnets.values().any(|subnet| subnet.vpc == id)
            || groups.iter().any(|group| group.name != "default")
            || ec2.route_tables.values().any(|table| table.vpc == id && !table.is_main)
            || ec2.network_acls.values().any(|acl| acl.vpc == id && !acl.is_default)
            || ec2.internet_gateways.values().any(|gateway| gateway.vpc.as_deref() == Some(id));
        if is_used {
            return Err(Failure::new("DependencyViolation", format!("The vpc '{id}' has dependencies")));
        }
        let ec2 = &mut self.region_mut(scope).ec2;
        ec2.vpcs.remove(id);
        ec2.route_tables.retain(|_, table| table.vpc != id);
        ec2.network_acls.retain(|_, acl| acl.vpc != id);
        groups.iter().for_each(|group| self.forget_group(scope, &group.id));
        self.change_vpc(scope, id);
        Ok(())
    }

    /// Makes a subnet with the VPC's default network ACL and its main route table, and answers its id.
    ///
    /// Source: `CreateSubnet`.
    pub fn create_subnet(&mut self, scope: &Scope, new: NewSubnet) -> Result<String, Failure> {
        tags::check(&new.tags)?;
        let ec2 = &self.region_mut(scope).ec2;
        let vpc = ec2.vpc(&new.vpc)?;
        let cidr = new.cidr.trunc();
        let in_range = |cidr: IpNet| Failure::new("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid."));
        if !(16..=28).contains(&cidr.prefix_len()) || !vpc.cidrs.iter().any(|block| block.contains(&cidr)) {
            return Err(in_range(cidr.into()));
        }
        if let Some(ipv6) = new.ipv6_cidr
            && (ipv6.prefix_len() != 64 || !vpc.ipv6_cidrs.iter().any(|block| block.contains(&ipv6)))
        {
            return Err(in_range(ipv6.into()));
        }
        let overlaps = |one: IpNet, other: IpNet| one.contains(&other) || other.contains(&one);
        for other in ec2.subnets.values().filter(|other| other.vpc == new.vpc) {
            let same = new.ipv6_cidr.zip(other.ipv6_cidr).is_some_and(|(one, other)| one == other);
            if same || overlaps(cidr.into(), other.cidr.into()) {
                let message = format!("The CIDR '{cidr}' conflicts with another subnet");
                return Err(Failure::new("InvalidSubnet.Conflict", message));
            }
        }
        let zone = new.availability_zone.unwrap_or_else(|| format!("{}a", scope.region));
        if !zone.starts_with(&scope.region) {
            let message = format!("Value ({zone}) for parameter availabilityZone is invalid.");
            return Err(Failure::new("InvalidParameterValue", message));
        }
        let acl = ec2.network_acls.values().find(|acl| acl.vpc == new.vpc && acl.is_default).map(|acl| acl.id.clone());
        let (id, association) = (self.new_id("subnet"), self.new_id("aclassoc"));
        let ec2 = &mut self.region_mut(scope).ec2;
        if let Some(acl) = acl.and_then(|acl| ec2.network_acls.get_mut(&acl)) {
            acl.subnets.insert(id.clone());
            ec2.acl_associations.insert(id.clone(), association);
        }
        let NewSubnet { vpc, ipv6_cidr, tags, .. } = new;
        let subnet = Subnet { id: id.clone(), vpc: vpc.clone(), availability_zone: zone, cidr, ipv6_cidr, tags };
        ec2.subnets.insert(id.clone(), subnet);
        self.change_vpc(scope, &vpc);
        Ok(id)
    }

    /// Source: `DeleteSubnet`.
    pub fn delete_subnet(&mut self, scope: &Scope, id: &str) -> Result<(), Failure> {
        let ec2 = &mut self.region_mut(scope).ec2;
        let vpc = ec2.subnet(id)?.vpc.clone();
        if ec2.interfaces.holding(id).any(|interface| interface.subnet == id) {
            return Err(needed(id));
        }
        ec2.subnets.remove(id);
        for acl in ec2.network_acls.values_mut() {
            acl.subnets.remove(id);
        }
        for table in ec2.route_tables.values_mut() {
            table.subnets.remove(id);
        }
        ec2.acl_associations.remove(id);
        ec2.table_associations.remove(id);
        ec2.next_addresses.remove(id);
        self.change_vpc(scope, &vpc);
        Ok(())
    }

    /// Source: `CreateInternetGateway`.
    pub fn create_internet_gateway(&mut self, scope: &Scope, tags: Tags) -> Result<String, Failure> {
        tags::check(&tags)?;
        let id = self.new_id("igw");
        let gateway = InternetGateway { id: id.clone(), vpc: None, tags };
        self.region_mut(scope).ec2.internet_gateways.insert(id.clone(), gateway);
        Ok(id)
    }

    /// Source: `AttachInternetGateway`.
    pub fn attach_internet_gateway(&mut self, scope: &Scope, id: &str, vpc: &str) -> Result<(), Failure> {
        let ec2 = &mut self.region_mut(scope).ec2;
        ec2.vpc(vpc)?;
        let taken = ec2.internet_gateways.values().any(|gateway| gateway.vpc.as_deref() == Some(vpc));
        let gateway = ec2.internet_gateways.get_mut(id).ok_or_else(|| no_internet_gateway(id))?;
        if taken || gateway.vpc.is_some() {
            return Err(Failure::new("Resource.AlreadyAssociated", format!("{id} or {vpc} is already attached")));
        }
        gateway.vpc = Some(vpc.to_owned());
        self.change_vpc(scope, vpc);
        Ok(())
    }

    pub(super) fn change_vpc(&mut self, scope: &Scope, id: &str) {
        self.changed.insert(Changed::Vpc { scope: scope.clone(), id: id.to_owned() });
    }

    /// A /56 that no other VPC of the Region has.
    fn new_ipv6_block(&mut self, scope: &Scope) -> Ipv6Net {
        loop {
            let drawn = self.chance.u32(..);
            let segments = [0x2a05, 0xd014, (drawn >> 16) as u16, (drawn as u16) & 0xff00, 0, 0, 0, 0];
            let block = Ipv6Net::new_assert(segments.into(), 56);
            if !self.region_mut(scope).ec2.vpcs.values().any(|vpc| vpc.ipv6_cidrs.contains(&block)) {
                return block;
            }
        }
    }
}

/// The blocks of a VPC, IPv4 and IPv6.
pub(super) fn blocks(vpc: &Vpc) -> impl Iterator<Item = IpNet> {
    let v4 = vpc.cidrs.iter().map(|block| IpNet::from(*block));
    v4.chain(vpc.ipv6_cidrs.iter().map(|block| IpNet::from(*block)))
}

/// Every route table has these. Source: "Route tables" in the VPC user guide.
pub(super) fn local_routes(vpc: &Vpc) -> Vec<Route> {
    blocks(vpc).map(|destination| Route { destination, target: "local".into(), is_blackhole: false }).collect()
}

/// Source: "Default network ACL for a VPC" in the VPC user guide.
fn allowing_all(vpc: &Vpc) -> BTreeMap<(bool, u16), AclEntry> {
    let mut entries = denying_all(vpc);
    for (egress, number) in entries.clone().into_keys() {
        let family = number - super::acls::LAST;
        let allowing = entries.get(&(egress, number)).cloned().map(|entry| AclEntry { allow: true, ..entry });
        entries.extend(allowing.map(|entry| ((egress, 100 + family), entry)));
    }
    entries
}

/// What every network ACL ends with: for IPv4, and for IPv6 where the VPC has it.
pub(super) fn denying_all(vpc: &Vpc) -> BTreeMap<(bool, u16), AclEntry> {
    let all = [IpNet::from(Ipv4Net::default()), IpNet::from(Ipv6Net::default())];
    let families = all.into_iter().take(if vpc.ipv6_cidrs.is_empty() { 1 } else { 2 });
    let entry = |cidr| AclEntry { protocol: "-1".into(), cidr, allow: false, ports: None, icmp: None };
    let numbered = families.zip(super::acls::LAST..);
    numbered.flat_map(|(cidr, number)| [false, true].map(|egress| ((egress, number), entry(cidr)))).collect()
}
