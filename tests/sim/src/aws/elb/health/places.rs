//! Which interface has an address, or is an instance's.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::aws::ec2::model::{Ec2, Interface};
use crate::aws::walk::has_address;

/// From how many lookups on it is cheaper to go through all interfaces once.
const WORTH_A_TABLE: usize = 16;

/// Looks interfaces up: one after the other for few lookups, in tables for many.
pub struct Places<'a> {
    ec2: &'a Ec2,
    tables: Option<Tables<'a>>,
}

#[derive(Default)]
struct Tables<'a> {
    /// By VPC.
    addresses: BTreeMap<(&'a str, IpAddr), &'a Arc<Interface>>,
    prefixes: BTreeMap<&'a str, Vec<(IpNet, &'a Arc<Interface>)>>,
    instances: BTreeMap<&'a str, &'a Arc<Interface>>,
}

impl<'a> Places<'a> {
    pub fn for_lookups(ec2: &'a Ec2, lookups: usize) -> Self {
        Self { ec2, tables: (lookups >= WORTH_A_TABLE).then(|| Tables::of(ec2)) }
    }

    /// The interface that has an address in a VPC, or to which a prefix with it is delegated. `hint`: the id of the
    /// one that had it last.
    pub fn with_address(&self, vpc: &str, address: IpAddr, hint: Option<&str>) -> Option<&'a Arc<Interface>> {
        let has_it = |each: &&'a Arc<Interface>| each.vpc == vpc && has_address(each, address);
        if let Some(same) = hint.and_then(|id| self.ec2.interfaces.get(id)).filter(has_it) {
            return Some(same);
        }
        let Some(tables) = &self.tables else { return self.ec2.interfaces.iter().find(has_it) };
        let delegated = || {
            let prefixes = tables.prefixes.get(vpc)?;
            prefixes.iter().find(|(prefix, _)| prefix.contains(&address)).map(|(_, interface)| *interface)
        };
        tables.addresses.get(&(vpc, address)).copied().or_else(delegated)
    }

    /// The interface of an instance that has device index 0.
    pub fn of_instance(&self, instance: &str, hint: Option<&str>) -> Option<&'a Arc<Interface>> {
        let is_its = |each: &&'a Arc<Interface>| primary_of(each) == Some(instance);
        if let Some(same) = hint.and_then(|id| self.ec2.interfaces.get(id)).filter(is_its) {
            return Some(same);
        }
        match &self.tables {
            Some(tables) => tables.instances.get(instance).copied(),
            None => self.ec2.interfaces.iter().find(is_its),
        }
    }
}

impl<'a> Tables<'a> {
    fn of(ec2: &'a Ec2) -> Self {
        let mut tables = Self::default();
        for interface in ec2.interfaces.iter() {
            let vpc = interface.vpc.as_str();
            for address in &interface.addresses {
                tables.addresses.insert((vpc, *address), interface);
            }
            let prefixes = interface.prefixes.iter().map(|prefix| (*prefix, interface));
            if !interface.prefixes.is_empty() {
                tables.prefixes.entry(vpc).or_default().extend(prefixes);
            }
            if let Some(instance) = primary_of(interface) {
                tables.instances.insert(instance, interface);
            }
        }
        tables
    }
}

/// The instance of which it is the primary interface.
fn primary_of(interface: &Interface) -> Option<&str> {
    let attachment = interface.attachment.as_ref().filter(|attachment| attachment.device_index == 0)?;
    attachment.instance.as_deref()
}
