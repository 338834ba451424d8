//! The network interfaces of load balancers, one a subnet.
//!
//! Source: "Application Load Balancers" in the user guide: `ELB app/NAME/ID`, by `amazon-elb`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::aws::ec2::model::{Attachment, Ec2, Interface, Subnet, Tags};
use crate::aws::walk::has_address;
use crate::aws::{Changed, Failure, Scope, World};

use super::SubnetMapping;
use super::arns;
use super::failures::invalid;
use super::model::{IpAddressType, LoadBalancer, Scheme, Zone};

/// How many addresses at the beginning of a subnet are Amazon's. Source: "Subnet sizing" in the VPC User Guide.
const RESERVED: usize = 4;

/// Addresses for new interfaces, by subnet, the primary one first.
pub type Addresses = BTreeMap<String, Vec<IpAddr>>;

/// The address after the one that was given last, by subnet and whether it is one of IPv6: where looking for a free one
/// begins.
pub type NextAddresses = BTreeMap<(String, bool), IpAddr>;

/// Chooses addresses: those that are asked for, or free ones.
pub fn addresses(
    ec2: &Ec2,
    next: &NextAddresses,
    subnets: &BTreeMap<String, Subnet>,
    mappings: &[SubnetMapping],
    ip_address_type: IpAddressType,
) -> Result<Addresses, Failure> {
    let choose = |subnet: &Subnet| {
        let room = |is_ipv6| Room { ec2, subnet, next: next.get(&(subnet.id.clone(), is_ipv6)).copied() };
        let asked = mappings.iter().find(|mapping| mapping.subnet == subnet.id).and_then(|mapping| mapping.address);
        let mut chosen = vec![room(false).ipv4(asked)?];
        if ip_address_type != IpAddressType::Ipv4 {
            chosen.push(room(true).ipv6()?);
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
            (_, None, Some(subnet)) => Ok((zone.interface.clone(), Some(Room { ec2, subnet, next: None }.ipv6()?))),
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

fn has_public_address(scheme: Scheme, ip_address_type: IpAddressType) -> bool {
    scheme == Scheme::InternetFacing && ip_address_type != IpAddressType::DualstackWithoutPublicIpv4
}

/// Gives interfaces a public address, or none, as it is with this type.
pub fn set_public<'a>(
    world: &mut World,
    scope: &Scope,
    scheme: Scheme,
    ip_address_type: IpAddressType,
    zones: impl Iterator<Item = &'a Zone>,
) {
    let now = world.now;
    let is_wanted = has_public_address(scheme, ip_address_type);
    for zone in zones {
        let current = world.region_mut(scope).ec2.interfaces.get(&zone.interface).map(|each| each.public_address);
        if current.is_some_and(|address| address.is_some() != is_wanted) {
            let address = is_wanted.then(|| public_address(world));
            world.region_mut(scope).ec2.interfaces.change(&zone.interface, now, |each| each.public_address = address);
        }
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
        let has_public_address = has_public_address(balancer.scheme, balancer.ip_address_type);
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
        let region = world.region_mut(scope);
        for address in &interface.addresses {
            let next = after(*address).map(|next| ((subnet.id.clone(), address.is_ipv6()), next));
            region.elb.next_addresses.extend(next);
        }
        region.ec2.interfaces.insert(id.clone(), interface, now);
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

/// What is looked at to find a free address in a subnet.
struct Room<'a> {
    ec2: &'a Ec2,
    subnet: &'a Subnet,
    /// The address after the one that was given last.
    next: Option<IpAddr>,
}

impl Room<'_> {
    fn is_free(&self, address: IpAddr) -> bool {
        let has_it = |each: &Interface| each.subnet == self.subnet.id && has_address(each, address);
        !self.ec2.interfaces.iter().any(|interface| has_it(interface))
    }

    /// The next one if it is free, as it mostly is; else the first free one.
    fn first_free(&self, usable: impl Iterator<Item = IpAddr>, is_usable: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        if let Some(next) = self.next.filter(|next| is_usable(*next) && self.is_free(*next)) {
            return Some(next);
        }
        let of_subnet = self.ec2.interfaces.iter().filter(|each| each.subnet == self.subnet.id);
        let (mut addresses, mut prefixes) = (BTreeSet::<IpAddr>::new(), BTreeSet::<IpNet>::new());
        for interface in of_subnet {
            addresses.extend(&interface.addresses);
            prefixes.extend(&interface.prefixes);
        }
        let is_free =
            |address: &IpAddr| !addresses.contains(address) && !prefixes.iter().any(|prefix| prefix.contains(address));
        usable.into_iter().find(is_free)
    }

    fn ipv4(&self, asked: Option<Ipv4Addr>) -> Result<IpAddr, Failure> {
        let block = self.subnet.cidr;
        // The first of the hosts is the second of the addresses.
        let usable = block.hosts().skip(RESERVED - 1).map(IpAddr::V4);
        let first = block.hosts().nth(RESERVED - 1);
        let is_usable = |address: IpAddr| match (address, first) {
            (IpAddr::V4(address), Some(first)) => (first..block.broadcast()).contains(&address),
            _ => false,
        };
        let id = &self.subnet.id;
        match asked.map(IpAddr::V4) {
            None => self.first_free(usable, is_usable).ok_or_else(|| full(self.subnet)),
            Some(asked) if is_usable(asked) && self.is_free(asked) => Ok(asked),
            Some(asked) => Err(invalid(format!("The address {asked} is not in the subnet {id}, or in use"))),
        }
    }

    fn ipv6(&self) -> Result<IpAddr, Failure> {
        let block = self.subnet.ipv6_cidr.ok_or_else(|| full(self.subnet))?;
        let usable = block.hosts().skip(RESERVED).map(IpAddr::V6);
        let is_usable = |address: IpAddr| matches!(address, IpAddr::V6(address) if block.contains(&address));
        self.first_free(usable, is_usable).ok_or_else(|| full(self.subnet))
    }
}

fn full(subnet: &Subnet) -> Failure {
    Failure::new("InvalidSubnet", format!("Not enough IP space available in {}", subnet.id))
}

fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => address.to_bits().checked_add(1).map(|bits| IpAddr::V4(bits.into())),
        IpAddr::V6(address) => address.to_bits().checked_add(1).map(|bits| IpAddr::V6(bits.into())),
    }
}
