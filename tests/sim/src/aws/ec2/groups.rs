//! Security groups come and go.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::lookup::{invalid, needed};
use super::model::{Peer, Rule, RuleTraffic, SecurityGroup, Tags};
use super::{tags, traffic};
use crate::aws::{Changed, Failure, Scope, World};

/// A group to be made.
#[derive(Clone, Debug, Default)]
pub struct NewGroup {
    pub name: String,
    pub description: String,
    pub vpc: String,
    pub tags: Tags,
}

impl World {
    /// Makes a group that lets everything out, as EC2 does, and answers its id.
    ///
    /// Source: `CreateSecurityGroup`; "Default security groups" in the VPC user guide for the reserved name.
    pub fn create_security_group(&mut self, scope: &Scope, new: NewGroup) -> Result<String, Failure> {
        tags::check(&new.tags)?;
        let plain = |text: &str| !text.is_empty() && traffic::is_plain(text);
        if !plain(&new.name) || new.name.starts_with("sg-") {
            return Err(invalid(format!("Value ({}) for parameter GroupName is invalid.", new.name)));
        }
        if !plain(&new.description) {
            return Err(invalid(format!("Value ({}) for parameter GroupDescription is invalid.", new.description)));
        }
        if new.name == "default" {
            return Err(Failure::new("InvalidGroup.Reserved", "The security group 'default' is reserved"));
        }
        let ec2 = &self.region_mut(scope).ec2;
        ec2.vpc(&new.vpc)?;
        if ec2.group_named(&new.vpc, &new.name).is_some() {
            let message = format!("The security group '{}' already exists for VPC '{}'", new.name, new.vpc);
            return Err(Failure::new("InvalidGroup.Duplicate", message));
        }
        self.insert_group(scope, new)
    }

    /// Makes a VPC's default group. Its rules are from itself, and to everywhere.
    pub(super) fn create_default_group(&mut self, scope: &Scope, vpc: &str) -> Result<String, Failure> {
        let description = "default VPC security group".to_owned();
        let group = NewGroup { name: "default".into(), description, vpc: vpc.to_owned(), ..NewGroup::default() };
        let id = self.insert_group(scope, group)?;
        let peer = Peer::Group { id: id.clone(), account: scope.account.clone() };
        let rule = self.new_rule(RuleTraffic::ingress("-1", (-1, -1), peer));
        let now = self.now;
        self.region_mut(scope).ec2.groups.change(&id, now, |group| drop(group.rules.insert(rule.id.clone(), rule)));
        Ok(id)
    }

    fn insert_group(&mut self, scope: &Scope, new: NewGroup) -> Result<String, Failure> {
        let has_ipv6 = !self.region_mut(scope).ec2.vpc(&new.vpc)?.ipv6_cidrs.is_empty();
        let anywhere = [Some("0.0.0.0/0"), has_ipv6.then_some("::/0")].into_iter().flatten();
        let anywhere = anywhere.filter_map(|text| text.parse::<IpNet>().ok());
        let rules = anywhere.map(|all| self.new_rule(RuleTraffic::egress("-1", (-1, -1), Peer::Cidr(all))));
        let rules: BTreeMap<String, Rule> = rules.map(|rule| (rule.id.clone(), rule)).collect();
        let NewGroup { name, description, vpc, tags } = new;
        let id = self.new_id("sg");
        let now = self.now;
        let group = SecurityGroup { id: id.clone(), name, description, vpc, tags, rules };
        self.region_mut(scope).ec2.groups.insert(id.clone(), group, now);
        self.changed.insert(Changed::Group { scope: scope.clone(), id: id.clone() });
        Ok(id)
    }

    fn new_rule(&mut self, traffic: RuleTraffic) -> Rule {
        Rule { id: self.new_id("sgr"), traffic, description: None, tags: Tags::new() }
    }

    /// Source: `DeleteSecurityGroup`.
    pub fn delete_security_group(&mut self, scope: &Scope, id: &str) -> Result<(), Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        let group = ec2.group(id)?.clone();
        if group.name == "default" {
            let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
            return Err(Failure::new("CannotDelete", message));
        }
        let is_named_by = |other: &SecurityGroup| other.id != id && other.rules.values().any(|rule| is_of(rule, id));
        let carried = ec2.interfaces.holding(id).any(|interface| interface.groups.contains(id));
        if carried || ec2.groups.holding(id).any(|other| is_named_by(other)) {
            return Err(needed(id));
        }
        self.forget_group(scope, id);
        Ok(())
    }

    pub(super) fn forget_group(&mut self, scope: &Scope, id: &str) {
        let now = self.now;
        self.region_mut(scope).ec2.groups.remove(id, now);
        self.changed.insert(Changed::Group { scope: scope.clone(), id: id.to_owned() });
    }
}

fn is_of(rule: &Rule, group: &str) -> bool {
    matches!(&rule.traffic.peer, Peer::Group { id, .. } if id == group)
}
