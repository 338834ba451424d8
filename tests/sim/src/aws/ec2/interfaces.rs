//! Network interfaces, with the addresses and prefixes that are theirs alone.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::lookup::{invalid, no_group};
use super::model::{Attachment, Ec2, Interface, Subnet, Tags, delegable};
use super::tags;
use crate::aws::{Failure, Scope, World};

/// Groups an interface can carry. Source: "Security groups" in "Amazon VPC quotas".
const GROUPS_PER_INTERFACE: usize = 5;

/// An interface to be made.
#[derive(Clone, Debug)]
pub struct NewInterface {
    pub subnet: String,
    /// The VPC's default group, if there are none.
    pub groups: BTreeSet<String>,
    /// The primary one first. If none is IPv4, the subnet's next free one is the primary one.
    pub addresses: Vec<IpAddr>,
    /// Of length 28 or 80.
    pub prefixes: BTreeSet<IpNet>,
    pub attachment: Option<Attachment>,
    pub description: String,
    /// Such as `amazon-elb`: nobody else can delete the interface.
    pub requester: Option<String>,
    /// Such as `interface`, `network_load_balancer`, `branch`.
    pub kind: String,
    pub public_address: Option<IpAddr>,
    pub tags: Tags,
}

impl NewInterface {
    /// An ordinary one, with nothing but what EC2 gives it.
    pub fn in_subnet(subnet: impl Into<String>) -> Self {
        Self {
            subnet: subnet.into(),
            groups: BTreeSet::new(),
            addresses: Vec::new(),
            prefixes: BTreeSet::new(),
            attachment: None,
            description: String::new(),
            requester: None,
            kind: "interface".into(),
            public_address: None,
            tags: Tags::new(),
        }
    }
}

impl World {
    /// Makes an interface and answers its id.
    ///
    /// Source: `CreateNetworkInterface`.
    pub fn create_network_interface(&mut self, scope: &Scope, new: NewInterface) -> Result<String, Failure> {
        tags::check(&new.tags)?;
        let ec2 = &self.region_mut(scope).ec2;
        let subnet = ec2.subnet(&new.subnet)?.clone();
        if let Some(instance) = new.attachment.as_ref().and_then(|at| at.instance.as_ref()) {
            ec2.instance(instance)?;
        }
        let default = || ec2.group_named(&subnet.vpc, "default").map(|group| group.id.clone());
        let groups = if new.groups.is_empty() { default().into_iter().collect() } else { new.groups };
        check_groups(ec2, &subnet.vpc, &groups)?;
        check_blocks(ec2, &subnet, &new.addresses, &new.prefixes)?;
        let mut addresses = new.addresses;
        let mut next = None;
        if !addresses.iter().any(IpAddr::is_ipv4) {
            let free = free_address(ec2, &subnet, &new.prefixes)?;
            addresses.insert(0, IpAddr::V4(free));
            next = Some(u32::from(free).wrapping_add(1));
        }
        let id = self.new_id("eni");
        let now = self.now;
        let ec2 = &mut self.region_mut(scope).ec2;
        if let Some(next) = next {
            ec2.next_addresses.insert(subnet.id.clone(), next);
        }
        let interface = Interface {
            id: id.clone(),
            vpc: subnet.vpc.clone(),
            subnet: subnet.id,
            groups,
            addresses,
            prefixes: new.prefixes,
            attachment: new.attachment,
            description: new.description,
            requester: new.requester,
            kind: new.kind,
            public_address: new.public_address,
            tags: new.tags,
        };
        ec2.interfaces.insert(id.clone(), interface, now);
        self.change_vpc(scope, &subnet.vpc);
        Ok(id)
    }

    /// Deletes an interface, whoever has it.
    pub fn remove_interface(&mut self, scope: &Scope, id: &str) -> Result<(), Failure> {
        let now = self.now;
        let ec2 = &mut self.region_mut(scope).ec2;
        let vpc = ec2.interface(id)?.vpc.clone();
        ec2.interfaces.remove(id, now);
        self.change_vpc(scope, &vpc);
        Ok(())
    }

    /// Deletes an interface that nobody uses, as a customer can. Which code refuses those of a service is unverified.
    ///
    /// Source: `DeleteNetworkInterface`.
    pub fn delete_network_interface(&mut self, scope: &Scope, id: &str) -> Result<(), Failure> {
        let interface = self.region_mut(scope).ec2.interface(id)?;
        check_manageable(interface)?;
        if interface.attachment.is_some() {
            return Err(invalid(format!("Network interface '{id}' is currently in use.")));
        }
        self.remove_interface(scope, id)
    }

    /// Gives an interface other groups.
    ///
    /// Source: `ModifyNetworkInterfaceAttribute`.
    pub fn set_interface_groups(&mut self, scope: &Scope, id: &str, groups: BTreeSet<String>) -> Result<(), Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        check_groups(ec2, &ec2.interface(id)?.vpc, &groups)?;
        self.change_interface(scope, id, |interface| interface.groups = groups)
    }

    /// Attaches an interface that is attached to nothing.
    ///
    /// Source: `AttachNetworkInterface`.
    pub fn attach_network_interface(
        &mut self,
        scope: &Scope,
        id: &str,
        instance: &str,
        device_index: i32,
    ) -> Result<(), Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        let (interface, of) = (ec2.interface(id)?, ec2.instance(instance)?);
        if interface.attachment.is_some() {
            return Err(invalid(format!("Interface: [{id}] in use.")));
        }
        if interface.vpc != of.vpc || of.state == "terminated" {
            return Err(invalid(format!("{id} can not be attached to {instance}")));
        }
        let at = Attachment { instance: Some(instance.to_owned()), device_index };
        let taken = |other: &Interface| other.attachment.as_ref() == Some(&at);
        if device_index < 0 || ec2.interfaces.holding(instance).any(|other| taken(other)) {
            return Err(invalid(format!(
                "Instance '{instance}' already has an interface at device index {device_index}"
            )));
        }
        self.change_interface(scope, id, |interface| interface.attachment = Some(at))
    }

    /// Changes an interface in whatever way.
    pub fn change_interface(
        &mut self,
        scope: &Scope,
        id: &str,
        change: impl FnOnce(&mut Interface),
    ) -> Result<(), Failure> {
        let now = self.now;
        let ec2 = &mut self.region_mut(scope).ec2;
        let vpc = ec2.interface(id)?.vpc.clone();
        ec2.interfaces.change(id, now, change);
        self.change_vpc(scope, &vpc);
        Ok(())
    }
}

/// Whether a customer may change it.
pub(super) fn check_manageable(interface: &Interface) -> Result<(), Failure> {
    let Some(requester) = &interface.requester else { return Ok(()) };
    let message = format!("{} is managed by {requester}", interface.id);
    Err(Failure::new("OperationNotPermitted", message))
}

/// Groups of an interface exist, in its VPC, and are not too many.
pub(super) fn check_groups(ec2: &Ec2, vpc: &str, groups: &BTreeSet<String>) -> Result<(), Failure> {
    for id in groups {
        let group = ec2.groups.get(id).ok_or_else(|| no_group(id))?;
        if group.vpc != vpc {
            let message = format!("Security group {id} and the subnet belong to different networks.");
            return Err(Failure::new("InvalidParameter", message));
        }
    }
    if groups.len() > GROUPS_PER_INTERFACE {
        let message = "The maximum number of security groups per interface has been reached.";
        return Err(Failure::new("SecurityGroupsPerInterfaceLimitExceeded", message));
    }
    Ok(())
}

/// Addresses and prefixes lie in the subnet, and nobody has them.
fn check_blocks(ec2: &Ec2, subnet: &Subnet, addresses: &[IpAddr], prefixes: &BTreeSet<IpNet>) -> Result<(), Failure> {
    let outside = |text: String| invalid(format!("{text} does not fall within the subnet's address range"));
    let mut seen = BTreeSet::new();
    for address in addresses {
        if !is_usable(subnet, *address) {
            return Err(outside(address.to_string()));
        }
        let in_own = prefixes.iter().any(|prefix| prefix.contains(address));
        if !seen.insert(address) || in_own || is_taken(ec2, &subnet.vpc, *address) {
            return Err(Failure::new("InvalidIPAddress.InUse", format!("Address {address} is in use.")));
        }
    }
    for prefix in prefixes {
        if *prefix != delegable(prefix.addr()) {
            return Err(invalid(format!("{prefix} is not a prefix that can be delegated")));
        }
        let inside = match prefix {
            IpNet::V4(prefix) => subnet.cidr.contains(prefix),
            IpNet::V6(prefix) => subnet.ipv6_cidr.is_some_and(|cidr| cidr.contains(prefix)),
        };
        if !inside {
            return Err(outside(prefix.to_string()));
        }
        let uses = |interface: &Interface| {
            interface.prefixes.contains(prefix) || interface.addresses.iter().any(|address| prefix.contains(address))
        };
        let block = prefix.to_string();
        let mut near = ec2.interfaces.holding(&block);
        if near.any(|interface| interface.vpc == subnet.vpc && uses(interface)) {
            return Err(Failure::new("InvalidIPAddress.InUse", format!("Prefix {prefix} is in use.")));
        }
    }
    Ok(())
}

/// In each subnet AWS keeps the first four addresses, and IPv4's last.
///
/// Source: "Subnet CIDR blocks" in the VPC user guide.
fn is_usable(subnet: &Subnet, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => hosts(subnet).contains(&u32::from(address)),
        IpAddr::V6(address) => {
            let first = subnet.ipv6_cidr.filter(|cidr| cidr.contains(&address)).map(|cidr| u128::from(cidr.network()));
            first.is_some_and(|first| u128::from(address) - first >= 4)
        }
    }
}

fn hosts(subnet: &Subnet) -> std::ops::Range<u32> {
    u32::from(subnet.cidr.network()) + 4..u32::from(subnet.cidr.broadcast())
}

fn is_taken(ec2: &Ec2, vpc: &str, address: IpAddr) -> bool {
    let own = ec2.interfaces.holding(&address.to_string()).any(|it| it.vpc == vpc && it.addresses.contains(&address));
    let block = delegable(address);
    own || ec2.interfaces.holding(&block.to_string()).any(|it| it.vpc == vpc && it.prefixes.contains(&block))
}

/// The next free one behind the one that was given out last, beginning anew at the end.
fn free_address(ec2: &Ec2, subnet: &Subnet, own: &BTreeSet<IpNet>) -> Result<Ipv4Addr, Failure> {
    let hosts = hosts(subnet);
    let next = ec2.next_addresses.get(&subnet.id).copied().filter(|next| hosts.contains(next)).unwrap_or(hosts.start);
    let free = |address: &Ipv4Addr| {
        let address = IpAddr::V4(*address);
        !own.iter().any(|prefix| prefix.contains(&address)) && !is_taken(ec2, &subnet.vpc, address)
    };
    let full = || {
        let message = format!("There are not enough free addresses in subnet '{}'", subnet.id);
        Failure::new("InsufficientFreeAddressesInSubnet", message)
    };
    (next..hosts.end).chain(hosts.start..next).map(Ipv4Addr::from).find(free).ok_or_else(full)
}
