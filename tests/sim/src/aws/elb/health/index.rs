//! Which target groups a change can concern.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::aws::ec2::model::Ec2;
use crate::aws::elb::model::{Elb, LoadBalancer, TargetGroup, TargetKind};

/// What the health of target groups was reckoned from.
#[derive(Default)]
pub struct Index {
    groups: BTreeMap<Key, BTreeSet<String>>,
    keys: BTreeMap<String, BTreeSet<Key>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A security group of an interface at either end.
    Group(String),
    Vpc(String),
    /// An interface at either end.
    Interface(String),
    /// An address of a VPC that is registered.
    Address(String, IpAddr),
    /// An id that is registered.
    Target(String),
}

impl Index {
    /// ARNs of target groups at one end of which an interface carries a security group.
    pub fn on_group(&self, id: &str) -> impl Iterator<Item = String> + use<'_> {
        self.with(&Key::Group(id.to_owned()))
    }

    pub fn in_vpc(&self, id: &str) -> impl Iterator<Item = String> + use<'_> {
        self.with(&Key::Vpc(id.to_owned()))
    }

    /// Those that an interface was an end of, and those of which it is one now.
    pub fn on_interface(&self, ec2: &Ec2, id: &str) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = self.with(&Key::Interface(id.to_owned())).collect();
        let Some(interface) = ec2.interfaces.get(id) else { return all };
        let key = |address: IpAddr| Key::Address(interface.vpc.clone(), address);
        for address in &interface.addresses {
            all.extend(self.with(&key(*address)));
        }
        for prefix in &interface.prefixes {
            let delegated = key(prefix.network())..=key(prefix.broadcast());
            all.extend(self.groups.range(delegated).flat_map(|(_, groups)| groups).cloned());
        }
        if let Some(instance) = interface.attachment.as_ref().and_then(|attachment| attachment.instance.as_ref()) {
            all.extend(self.with(&Key::Target(instance.clone())));
        }
        all
    }

    fn with<'a>(&'a self, key: &Key) -> impl Iterator<Item = String> + use<'a> {
        self.groups.get(key).into_iter().flatten().cloned()
    }

    /// From now on a target group depends on these, and on nothing else.
    pub fn set(&mut self, group: &str, keys: BTreeSet<Key>) {
        if self.keys.get(group) == Some(&keys) {
            return;
        }
        self.forget(group);
        for key in &keys {
            self.groups.entry(key.clone()).or_default().insert(group.to_owned());
        }
        self.keys.insert(group.to_owned(), keys);
    }

    pub fn forget(&mut self, group: &str) {
        for key in self.keys.remove(group).unwrap_or_default() {
            if let Some(groups) = self.groups.get_mut(&key) {
                groups.remove(group);
                if groups.is_empty() {
                    self.groups.remove(&key);
                }
            }
        }
    }
}

impl Elb {
    /// ARNs of the target groups that an instance, address or load balancer is registered with, or was until now.
    pub fn groups_with_target(&self, id: &str) -> impl Iterator<Item = &str> {
        let arns = self.index.groups.get(&Key::Target(id.to_owned())).into_iter().flatten();
        let has_it = |arn: &&String| {
            self.target_groups.get(*arn).is_some_and(|group| group.targets.keys().any(|target| target.id == id))
        };
        arns.filter(has_it).map(String::as_str).collect::<Vec<_>>().into_iter()
    }
}

/// What the group's health depends on, whatever stands in it: its VPC, its targets' ids, and its load balancers'
/// interfaces with their security groups.
pub fn keys_of(ec2: &Ec2, group: &TargetGroup, balancers: &[&LoadBalancer]) -> BTreeSet<Key> {
    let mut keys: BTreeSet<Key> = group.vpc.iter().cloned().map(Key::Vpc).collect();
    for target in group.targets.keys() {
        keys.insert(Key::Target(target.id.clone()));
        if let (TargetKind::Ip, Some(vpc), Ok(address)) = (group.kind, &group.vpc, target.id.parse()) {
            keys.insert(Key::Address(vpc.clone(), address));
        }
    }
    for zone in balancers.iter().flat_map(|balancer| balancer.zones.values()) {
        keys.extend(keys_of_interface(ec2, &zone.interface));
    }
    keys
}

/// An interface and its security groups.
pub fn keys_of_interface(ec2: &Ec2, id: &str) -> impl Iterator<Item = Key> {
    let groups = ec2.interfaces.get(id).map(|interface| interface.groups.clone()).unwrap_or_default();
    groups.into_iter().map(Key::Group).chain([Key::Interface(id.to_owned())])
}
