//! Instances.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::interfaces::NewInterface;
use super::lookup::invalid;
use super::model::{Attachment, Instance, Interface, Tags};
use super::tags;
use crate::aws::{Failure, Scope, World};

/// An instance to be launched.
#[derive(Clone, Debug)]
pub struct NewInstance {
    pub subnet: String,
    /// Of its primary interface; the VPC's default group, if there are none.
    pub groups: BTreeSet<String>,
    /// The subnet's next free one, if not given.
    pub address: Option<IpAddr>,
    pub tags: Tags,
}

impl NewInstance {
    pub fn in_subnet(subnet: impl Into<String>) -> Self {
        Self { subnet: subnet.into(), groups: BTreeSet::new(), address: None, tags: Tags::new() }
    }
}

impl World {
    /// Launches an instance, which runs at once, with a primary interface. Answers its id.
    ///
    /// Source: `RunInstances`.
    pub fn run_instance(&mut self, scope: &Scope, new: NewInstance) -> Result<String, Failure> {
        tags::check(&new.tags)?;
        let vpc = self.region_mut(scope).ec2.subnet(&new.subnet)?.vpc.clone();
        let id = self.new_id("i");
        let NewInstance { subnet, groups, address, tags } = new;
        let instance = Instance { id: id.clone(), vpc, subnet: subnet.clone(), state: "running".into(), tags };
        self.region_mut(scope).ec2.instances.insert(id.clone(), instance);
        let interface = NewInterface {
            groups,
            addresses: address.into_iter().collect(),
            attachment: Some(Attachment { instance: Some(id.clone()), device_index: 0 }),
            ..NewInterface::in_subnet(subnet)
        };
        if let Err(failure) = self.create_network_interface(scope, interface) {
            self.region_mut(scope).ec2.instances.remove(&id);
            return Err(failure);
        }
        Ok(id)
    }

    /// Ends an instance, with its primary interface; others are detached. It can still be described, as ended.
    /// Answers the state in which it was.
    ///
    /// Sources: `TerminateInstances`; "Delete a network interface" in the EC2 user guide.
    pub fn terminate_instance(&mut self, scope: &Scope, id: &str) -> Result<String, Failure> {
        self.region_mut(scope).ec2.instance(id)?;
        for interface in self.interfaces_of(scope, id) {
            if interface.attachment.as_ref().is_some_and(|at| at.device_index == 0) {
                self.remove_interface(scope, &interface.id)?;
            } else {
                self.change_interface(scope, &interface.id, |interface| interface.attachment = None)?;
            }
        }
        self.set_instance_state(scope, id, "terminated")
    }

    /// Takes back a launch that became part of a refused call.
    pub(super) fn forget_instance(&mut self, scope: &Scope, id: &str) -> Result<(), Failure> {
        for interface in self.interfaces_of(scope, id) {
            self.remove_interface(scope, &interface.id)?;
        }
        self.region_mut(scope).ec2.instances.remove(id);
        Ok(())
    }

    /// Source: `StopInstances`. Answers the state in which it was.
    pub fn stop_instance(&mut self, scope: &Scope, id: &str) -> Result<String, Failure> {
        self.check_not_ended(scope, id)?;
        self.set_instance_state(scope, id, "stopped")
    }

    /// Source: `StartInstances`. Answers the state in which it was.
    pub fn start_instance(&mut self, scope: &Scope, id: &str) -> Result<String, Failure> {
        self.check_not_ended(scope, id)?;
        self.set_instance_state(scope, id, "running")
    }

    pub(super) fn check_not_ended(&mut self, scope: &Scope, id: &str) -> Result<(), Failure> {
        if self.region_mut(scope).ec2.instance(id)?.state == "terminated" {
            let message = format!("This instance '{id}' is not in a state from which it can be started or stopped.");
            return Err(Failure::new("IncorrectInstanceState", message));
        }
        Ok(())
    }

    fn set_instance_state(&mut self, scope: &Scope, id: &str, state: &str) -> Result<String, Failure> {
        let instances = &mut self.region_mut(scope).ec2.instances;
        let instance = instances.get_mut(id).ok_or_else(|| super::lookup::no_instance(id))?;
        let before = std::mem::replace(&mut instance.state, state.to_owned());
        let vpc = instance.vpc.clone();
        self.change_vpc(scope, &vpc);
        Ok(before)
    }

    /// The interfaces that are attached to an instance, the primary one first.
    pub fn interfaces_of(&self, scope: &Scope, instance: &str) -> Vec<std::sync::Arc<Interface>> {
        let index = |interface: &Interface| {
            let at = interface.attachment.as_ref()?;
            (at.instance.as_deref() == Some(instance)).then_some(at.device_index)
        };
        let Some(region) = self.region(scope) else { return Vec::new() };
        let all = region.ec2.interfaces.holding(instance);
        let mut found: Vec<_> = all.filter_map(|each| Some((index(each)?, each.clone()))).collect();
        found.sort_by_key(|(index, _)| *index);
        found.into_iter().map(|(_, interface)| interface).collect()
    }

    /// An instance of the default VPC is launched into one of its subnets, if none is named.
    pub(super) fn default_subnet(&mut self, scope: &Scope) -> Result<String, Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        let vpc = ec2.default_vpc().ok_or_else(|| {
            Failure::new("VPCIdNotSpecified", "No default VPC for this user. GroupName is only supported there.")
        })?;
        let found = ec2.subnets.values().find(|subnet| subnet.vpc == vpc.id).map(|subnet| subnet.id.clone());
        found.ok_or_else(|| invalid("No default subnet for availability zone: 'null'"))
    }
}
