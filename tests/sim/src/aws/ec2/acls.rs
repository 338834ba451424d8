//! Network ACLs.

use std::collections::BTreeSet;

use super::lookup::{absent, invalid};
use super::model::{AclEntry, NetworkAcl};
use super::network;
use crate::aws::{Failure, Scope, World};

/// The number of the entry that denies what no other entry decided; IPv6's has the next number.
pub(super) const LAST: u16 = 32767;

/// Which entry of a network ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryNumber {
    pub egress: bool,
    pub number: u16,
}

impl World {
    /// Makes one that denies everything, and answers its id.
    ///
    /// Source: `CreateNetworkAcl`.
    pub fn create_network_acl(&mut self, scope: &Scope, vpc: &str) -> Result<String, Failure> {
        let entries = network::denying_all(self.region_mut(scope).ec2.vpc(vpc)?);
        let id = self.new_id("acl");
        let vpc = vpc.to_owned();
        let acl = NetworkAcl { id: id.clone(), vpc, is_default: false, subnets: BTreeSet::new(), entries };
        self.region_mut(scope).ec2.network_acls.insert(id.clone(), acl);
        Ok(id)
    }

    /// Source: `CreateNetworkAclEntry`.
    pub fn create_acl_entry(
        &mut self,
        scope: &Scope,
        acl: &str,
        of: EntryNumber,
        entry: AclEntry,
    ) -> Result<(), Failure> {
        let entry = checked(of, entry)?;
        if self.region_mut(scope).ec2.network_acl(acl)?.entries.contains_key(&(of.egress, of.number)) {
            let message = format!("The network acl entry identified by {} already exists.", of.number);
            return Err(Failure::new("NetworkAclEntryAlreadyExists", message));
        }
        self.change_acl(scope, acl, |acl| drop(acl.entries.insert((of.egress, of.number), entry)));
        Ok(())
    }

    /// Source: `ReplaceNetworkAclEntry`.
    pub fn replace_acl_entry(
        &mut self,
        scope: &Scope,
        acl: &str,
        of: EntryNumber,
        entry: AclEntry,
    ) -> Result<(), Failure> {
        let entry = checked(of, entry)?;
        self.find_entry(scope, acl, of)?;
        self.change_acl(scope, acl, |acl| drop(acl.entries.insert((of.egress, of.number), entry)));
        Ok(())
    }

    /// Source: `DeleteNetworkAclEntry`.
    pub fn delete_acl_entry(&mut self, scope: &Scope, acl: &str, of: EntryNumber) -> Result<(), Failure> {
        in_range(of)?;
        self.find_entry(scope, acl, of)?;
        self.change_acl(scope, acl, |acl| drop(acl.entries.remove(&(of.egress, of.number))));
        Ok(())
    }

    /// Gives a subnet another network ACL, by its association with the one that it has, and answers the new
    /// association.
    ///
    /// Source: `ReplaceNetworkAclAssociation`.
    pub fn replace_acl_association(&mut self, scope: &Scope, association: &str, acl: &str) -> Result<String, Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        let mut associations = ec2.acl_associations.iter();
        let subnet = associations.find(|(_, id)| *id == association).map(|(subnet, _)| subnet.clone());
        let subnet = subnet.ok_or_else(|| absent("InvalidAssociationID.NotFound", "association ID", association))?;
        let vpc = ec2.network_acl(acl)?.vpc.clone();
        if ec2.subnet(&subnet)?.vpc != vpc {
            let message = format!("{acl} and {subnet} belong to different networks");
            return Err(Failure::new("InvalidParameterValue", message));
        }
        let id = self.new_id("aclassoc");
        let ec2 = &mut self.region_mut(scope).ec2;
        for each in ec2.network_acls.values_mut() {
            each.subnets.remove(&subnet);
            if each.id == acl {
                each.subnets.insert(subnet.clone());
            }
        }
        ec2.acl_associations.insert(subnet, id.clone());
        self.change_vpc(scope, &vpc);
        Ok(id)
    }

    fn find_entry(&mut self, scope: &Scope, acl: &str, of: EntryNumber) -> Result<(), Failure> {
        let acl = self.region_mut(scope).ec2.network_acl(acl)?;
        let found = acl.entries.contains_key(&(of.egress, of.number)).then_some(());
        found.ok_or_else(|| absent("InvalidNetworkAclEntry.NotFound", "network ACL entry", &of.number.to_string()))
    }

    fn change_acl(&mut self, scope: &Scope, id: &str, change: impl FnOnce(&mut NetworkAcl)) {
        let Some(acl) = self.region_mut(scope).ec2.network_acls.get_mut(id) else { return };
        change(acl);
        let vpc = acl.vpc.clone();
        self.change_vpc(scope, &vpc);
    }
}

fn in_range(of: EntryNumber) -> Result<(), Failure> {
    if (1..LAST).contains(&of.number) {
        return Ok(());
    }
    Err(invalid(format!("Invalid value '{}' for ruleNumber. Must be between 1 and 32766", of.number)))
}

/// As it is held. Source: `CreateNetworkAclEntry`: TCP and UDP need ports, ICMP needs type and code.
fn checked(of: EntryNumber, entry: AclEntry) -> Result<AclEntry, Failure> {
    in_range(of)?;
    let protocol = match entry.protocol.as_str() {
        "tcp" => "6",
        "udp" => "17",
        "icmp" => "1",
        "icmpv6" => "58",
        "all" => "-1",
        other if other == "-1" || other.parse::<u8>().is_ok() => other,
        other => return Err(invalid(format!("Invalid value '{other}' for IP protocol"))),
    };
    let (needs_ports, needs_icmp) = (["6", "17"].contains(&protocol), ["1", "58"].contains(&protocol));
    if needs_ports && entry.ports.is_none_or(|(from, to)| from > to) {
        return Err(invalid("Invalid value for portRange. TCP and UDP need a first and a last port"));
    }
    if needs_icmp && entry.icmp.is_none() {
        return Err(invalid("Invalid value for icmpTypeCode. ICMP needs a type and a code"));
    }
    let (ports, icmp) = (entry.ports.filter(|_| needs_ports), entry.icmp.filter(|_| needs_icmp));
    Ok(AclEntry { protocol: protocol.to_owned(), cidr: entry.cidr.trunc(), allow: entry.allow, ports, icmp })
}
