//! What a call names, or the error with which EC2 says that it is not there.
//!
//! Source of the codes: "Error codes for the Amazon EC2 API" in the EC2 API reference.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{
    Ec2, Instance, Interface, NetworkAcl, PrefixList, RouteTable, Rule, SecurityGroup, Subnet, Tags, Vpc,
};
use crate::aws::Failure;

/// The refusal of a thing that is not there.
pub fn absent(code: &str, what: &str, id: &str) -> Failure {
    Failure::new(code, format!("The {what} '{id}' does not exist"))
}

/// The refusal of a value.
pub fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("InvalidParameterValue", message)
}

/// The refusal to delete what something else needs.
pub fn needed(id: &str) -> Failure {
    Failure::new("DependencyViolation", format!("resource {id} has a dependent object"))
}

pub fn no_group(id: &str) -> Failure {
    if id.starts_with("sg-") {
        return absent("InvalidGroup.NotFound", "security group", id);
    }
    Failure::new("InvalidGroupId.Malformed", format!("Invalid id: \"{id}\" (expecting \"sg-...\")"))
}

pub fn no_rule(id: &str) -> Failure {
    if id.starts_with("sgr-") {
        return absent("InvalidSecurityGroupRuleId.NotFound", "security group rule ID", id);
    }
    Failure::new("InvalidSecurityGroupRuleId.Malformed", format!("Invalid id: \"{id}\" (expecting \"sgr-...\")"))
}

pub fn no_interface(id: &str) -> Failure {
    absent("InvalidNetworkInterfaceID.NotFound", "networkInterface ID", id)
}

pub fn no_instance(id: &str) -> Failure {
    absent("InvalidInstanceID.NotFound", "instance ID", id)
}

pub fn no_vpc(id: &str) -> Failure {
    absent("InvalidVpcID.NotFound", "vpc ID", id)
}

pub fn no_subnet(id: &str) -> Failure {
    absent("InvalidSubnetID.NotFound", "subnet ID", id)
}

pub fn no_prefix_list(id: &str) -> Failure {
    absent("InvalidPrefixListID.NotFound", "prefix list ID", id)
}

pub fn no_network_acl(id: &str) -> Failure {
    absent("InvalidNetworkAclID.NotFound", "networkAcl ID", id)
}

pub fn no_route_table(id: &str) -> Failure {
    absent("InvalidRouteTableID.NotFound", "routeTable ID", id)
}

pub fn no_internet_gateway(id: &str) -> Failure {
    absent("InvalidInternetGatewayID.NotFound", "internetGateway ID", id)
}

/// What is there now: writes never lag.
impl Ec2 {
    pub fn group(&self, id: &str) -> Result<&Arc<SecurityGroup>, Failure> {
        self.groups.get(id).ok_or_else(|| no_group(id))
    }

    /// A rule with the group that it is of.
    pub fn rule(&self, id: &str) -> Result<(&Arc<SecurityGroup>, &Rule), Failure> {
        let mut found = self.groups.holding(id).filter_map(|group| Some((group, group.rules.get(id)?)));
        found.next().ok_or_else(|| no_rule(id))
    }

    pub fn interface(&self, id: &str) -> Result<&Arc<Interface>, Failure> {
        self.interfaces.get(id).ok_or_else(|| no_interface(id))
    }

    pub fn instance(&self, id: &str) -> Result<&Instance, Failure> {
        self.instances.get(id).ok_or_else(|| no_instance(id))
    }

    pub fn vpc(&self, id: &str) -> Result<&Vpc, Failure> {
        self.vpcs.get(id).ok_or_else(|| no_vpc(id))
    }

    pub fn default_vpc(&self) -> Option<&Vpc> {
        self.vpcs.values().find(|vpc| vpc.is_default)
    }

    pub fn subnet(&self, id: &str) -> Result<&Subnet, Failure> {
        self.subnets.get(id).ok_or_else(|| no_subnet(id))
    }

    pub fn prefix_list(&self, id: &str) -> Result<&PrefixList, Failure> {
        self.prefix_lists.get(id).ok_or_else(|| no_prefix_list(id))
    }

    pub fn network_acl(&self, id: &str) -> Result<&NetworkAcl, Failure> {
        self.network_acls.get(id).ok_or_else(|| no_network_acl(id))
    }

    pub fn route_table(&self, id: &str) -> Result<&RouteTable, Failure> {
        self.route_tables.get(id).ok_or_else(|| no_route_table(id))
    }

    /// The group of a VPC with this name.
    pub fn group_named(&self, vpc: &str, name: &str) -> Option<&Arc<SecurityGroup>> {
        let key = SecurityGroup::name_key(vpc, name);
        self.groups.find_holding(&key, |group| group.vpc == vpc && group.name == name)
    }

    /// The tags of what has an id, with the refusal where it is not there or can have none here.
    pub fn tags_of(&self, id: &str) -> Result<&Tags, Failure> {
        let kind = id.split('-').next().unwrap_or_default();
        match kind {
            "sg" => Ok(&self.group(id)?.tags),
            "sgr" => Ok(&self.rule(id)?.1.tags),
            "eni" => Ok(&self.interface(id)?.tags),
            "i" => Ok(&self.instance(id)?.tags),
            "vpc" => Ok(&self.vpc(id)?.tags),
            "subnet" => Ok(&self.subnet(id)?.tags),
            "pl" => Ok(&self.prefix_list(id)?.tags),
            "igw" => Ok(&held(&self.internet_gateways, id, no_internet_gateway)?.tags),
            _ => Err(Failure::new("InvalidID", format!("The ID '{id}' is not valid, or its tags are not simulated"))),
        }
    }
}

fn held<'a, T>(all: &'a BTreeMap<String, T>, id: &str, absent: fn(&str) -> Failure) -> Result<&'a T, Failure> {
    all.get(id).ok_or_else(|| absent(id))
}
