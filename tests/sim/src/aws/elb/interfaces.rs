//! The network interfaces of load balancers, one a subnet.
//!
//! Source: "Application Load Balancers" in the user guide: `ELB app/NAME/ID`, by `amazon-elb`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::aws::ec2::model::{Attachment, Ec2, Interface, Subnet, Tags};
use crate::aws::{Changed, Failure, Scope, World};

use super::SubnetMapping;
use super::arns;
use super::failures::invalid;
use super::model::{IpAddressType, LoadBalancer, Scheme, Zone};

/// How many addresses at the beginning of a subnet are Amazon's. Source: "Subnet sizing" in the VPC User Guide.
const RESERVED: usize = 4;

/// Addresses for new interfaces, by subnet, the primary one first.
pub type Addresses = BTreeMap<String, Vec<IpAddr>>;

/// Chooses addresses: those that are asked for, or the first free ones.
pub fn addresses(
    ec2: &Ec2,
    subnets: &BTreeMap<String, Subnet>,
    mappings: &[SubnetMapping],
    ip_address_type: IpAddressType,
) -> Result<Addresses, Failure> {
    let taken = Taken::of(ec2, subnets.values().map(|subnet| subnet.id.as_str()));
    let choose = |subnet: &Subnet| {
        let asked = mappings.iter().find(|mapping| mapping.subnet == subnet.id).and_then(|mapping| mapping.address);
        let mut chosen = vec![ipv4(subnet, asked, &taken)?];
        if ip_address_type != IpAddressType::Ipv4 {
            chosen.push(ipv6(subnet, &taken)?);
        }
        Ok((subnet.id.clone(), chosen))
    };
    subnets.values().map(choose).collect()
}

/// The IPv6 addresses that interfaces, by id, are to have when a load balancer is of this type: none for IPv4.
pub fn families<'a>(
    ec2: &Ec2,
    zones: impl Iterator<Item = &'a Zone>,
    ip_address_type: IpAddressType,
) -> Result<BTreeMap<String, Option<IpAddr>>, Failure> {
    let address = |zone: &Zone| {
        let has = ec2.interfaces.get(&zone.interface).and_then(|each| each.addresses.iter().find(|a| a.is_ipv6()));
        match (ip_address_type, has, ec2.subnets.get(&zone.subnet)) {
            (IpAddressType::Ipv4, ..) | (_, None, None) => Ok((zone.interface.clone(), None)),
            (_, Some(address), _) => Ok((zone.interface.clone(), Some(*address))),
            (_, None, Some(subnet)) => {
                let taken = Taken::of(ec2, [subnet.id.as_str()].into_iter());
                Ok((zone.interface.clone(), Some(ipv6(subnet, &taken)?)))
            }
        }
    };
    zones.map(address).collect()
}

/// Gives interfaces these IPv6 addresses and no others.
pub fn set_ipv6(world: &mut World, scope: &Scope, of: BTreeMap<String, Option<IpAddr>>) {
    let now = world.now;
    for (id, address) in of {
        let interfaces = &mut world.region_mut(scope).ec2.interfaces;
        let is_so =
            interfaces.get(&id).is_some_and(|each| each.addresses.iter().copied().filter(IpAddr::is_ipv6).eq(address));
        if is_so {
            continue;
        }
        interfaces.change(&id, now, |each| {
            each.addresses.retain(IpAddr::is_ipv4);
            each.addresses.extend(address);
        });
        world.changed.insert(Changed::Interface { scope: scope.clone(), id });
    }
}

/// Makes an interface in each of these subnets.
pub fn make(
    world: &mut World,
    scope: &Scope,
    balancer: &LoadBalancer,
    subnets: &[Subnet],
    mut addresses: Addresses,
) -> BTreeMap<String, Zone> {
    let mut zones = BTreeMap::new();
    for subnet in subnets {
        let id = world.new_id("eni");
        let has_public_address = balancer.scheme == Scheme::InternetFacing
            && balancer.ip_address_type != IpAddressType::DualstackWithoutPublicIpv4;
        let interface = Interface {
            id: id.clone(),
            vpc: subnet.vpc.clone(),
            subnet: subnet.id.clone(),
            groups: balancer.groups.clone(),
            addresses: addresses.remove(&subnet.id).unwrap_or_default(),
            prefixes: BTreeSet::new(),
            attachment: Some(Attachment { instance: None, device_index: 1 }),
            description: format!("ELB {}", arns::path(&balancer.arn)),
            requester: Some("amazon-elb".to_owned()),
            kind: balancer.kind.interface_type().to_owned(),
            public_address: has_public_address.then(|| public_address(world)),
            tags: Tags::new(),
        };
        let now = world.now;
        world.region_mut(scope).ec2.interfaces.insert(id.clone(), interface, now);
        world.changed.insert(Changed::Interface { scope: scope.clone(), id: id.clone() });
        zones.insert(subnet.availability_zone.clone(), Zone { subnet: subnet.id.clone(), interface: id });
    }
    zones
}

pub fn remove<'a>(world: &mut World, scope: &Scope, zones: impl Iterator<Item = &'a Zone>) {
    for zone in zones {
        let now = world.now;
        world.region_mut(scope).ec2.interfaces.remove(&zone.interface, now);
        world.changed.insert(Changed::Interface { scope: scope.clone(), id: zone.interface.clone() });
    }
}

/// In 3.120.0.0/14, which is EC2's in eu-central-1. Source: `ip-ranges.json`.
fn public_address(world: &mut World) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(Ipv4Addr::new(3, 120, 0, 0).to_bits() | world.chance.u32(..0x0004_0000)))
}

/// What interfaces of some subnets have.
struct Taken {
    addresses: BTreeSet<IpAddr>,
    prefixes: BTreeSet<IpNet>,
}

impl Taken {
    fn of<'a>(ec2: &Ec2, subnets: impl Iterator<Item = &'a str>) -> Self {
        let subnets: Vec<&str> = subnets.collect();
        let mut taken = Self { addresses: BTreeSet::new(), prefixes: BTreeSet::new() };
        for interface in ec2.interfaces.iter().filter(|each| subnets.contains(&each.subnet.as_str())) {
            taken.addresses.extend(&interface.addresses);
            taken.prefixes.extend(&interface.prefixes);
        }
        taken
    }

    fn is_free(&self, address: IpAddr) -> bool {
        !self.addresses.contains(&address) && !self.prefixes.iter().any(|prefix| prefix.contains(&address))
    }
}

fn ipv4(subnet: &Subnet, asked: Option<Ipv4Addr>, taken: &Taken) -> Result<IpAddr, Failure> {
    let full = || Failure::new("InvalidSubnet", format!("Not enough IP space available in {}", subnet.id));
    // The first of the hosts is the second of the addresses.
    let mut usable = subnet.cidr.hosts().skip(RESERVED - 1).map(IpAddr::V4);
    match asked {
        None => usable.find(|address| taken.is_free(*address)).ok_or_else(full),
        Some(asked) if !subnet.cidr.contains(&asked) || !taken.is_free(IpAddr::V4(asked)) => {
            Err(invalid(format!("The address {asked} is not in the subnet {}, or in use", subnet.id)))
        }
        Some(asked) => Ok(IpAddr::V4(asked)),
    }
}

fn ipv6(subnet: &Subnet, taken: &Taken) -> Result<IpAddr, Failure> {
    let full = || Failure::new("InvalidSubnet", format!("No IPv6 address is left in {}", subnet.id));
    let block = subnet.ipv6_cidr.ok_or_else(full)?;
    block.hosts().skip(RESERVED).map(IpAddr::V6).find(|address| taken.is_free(*address)).ok_or_else(full)
}
