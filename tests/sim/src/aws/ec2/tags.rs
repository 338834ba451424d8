//! Tags, and to what they are put.
//!
//! Sources: `CreateTags`, `DeleteTags` in the EC2 API reference; "Tag restrictions" in the EC2 user guide.

use super::lookup::invalid;
use super::model::{Ec2, Tags};
use crate::aws::{Failure, Scope, World};

const TAGS_PER_RESOURCE: usize = 50;

/// A tag to be taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untag {
    pub key: String,
    /// Only where it has this value; an empty one is a value.
    pub value: Option<String>,
}

impl World {
    pub fn create_tags(&mut self, scope: &Scope, resources: &[String], tags: &Tags) -> Result<(), Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        for id in resources {
            let mut all = ec2.tags_of(id)?.clone();
            all.extend(tags.clone());
            check(&all).and(check(tags))?;
        }
        self.change_tags(scope, resources, |held| held.extend(tags.clone()));
        Ok(())
    }

    /// Takes off these, or all where none is named.
    pub fn delete_tags(&mut self, scope: &Scope, resources: &[String], untag: &[Untag]) -> Result<(), Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        resources.iter().try_for_each(|id| ec2.tags_of(id).map(drop))?;
        untag.iter().try_for_each(|tag| check_key(&tag.key))?;
        let named = |key: &String, value: &String| {
            let same = |tag: &Untag| tag.key == *key && tag.value.as_ref().is_none_or(|only| only == value);
            untag.is_empty() || untag.iter().any(same)
        };
        self.change_tags(scope, resources, |held| held.retain(|key, value| !named(key, value)));
        Ok(())
    }

    fn change_tags(&mut self, scope: &Scope, resources: &[String], change: impl Fn(&mut Tags)) {
        let now = self.now;
        let ec2 = &mut self.region_mut(scope).ec2;
        for id in resources {
            ec2.change_tags(id, now, &change);
        }
    }
}

impl Ec2 {
    fn change_tags(&mut self, id: &str, now: std::time::Duration, change: &impl Fn(&mut Tags)) {
        let Ok(before) = self.tags_of(id) else { return };
        let mut after = before.clone();
        change(&mut after);
        if after == *before {
            return;
        }
        let of_group = self.rule(id).map(|(group, _)| group.id.clone()).ok();
        if let Some(group) = of_group {
            self.groups.change(&group, now, |group| {
                if let Some(rule) = group.rules.get_mut(id) {
                    rule.tags = after;
                }
            });
        } else if self.groups.get(id).is_some() {
            self.groups.change(id, now, |group| group.tags = after);
        } else if self.interfaces.get(id).is_some() {
            self.interfaces.change(id, now, |interface| interface.tags = after);
        } else if let Some(instance) = self.instances.get_mut(id) {
            instance.tags = after;
        } else if let Some(vpc) = self.vpcs.get_mut(id) {
            vpc.tags = after;
        } else if let Some(subnet) = self.subnets.get_mut(id) {
            subnet.tags = after;
        } else if let Some(list) = self.prefix_lists.get_mut(id) {
            list.tags = after;
        } else if let Some(gateway) = self.internet_gateways.get_mut(id) {
            gateway.tags = after;
        }
    }
}

/// Whether these can be the tags of something.
pub fn check(tags: &Tags) -> Result<(), Failure> {
    if tags.len() > TAGS_PER_RESOURCE {
        return Err(Failure::new("TagLimitExceeded", "The maximum number of Tags for a resource has been reached."));
    }
    if let Some(value) = tags.values().find(|value| value.chars().count() > 256) {
        return Err(invalid(format!("Tag value exceeds the maximum length of 256 characters: {value}")));
    }
    tags.keys().try_for_each(|key| check_key(key))
}

fn check_key(key: &str) -> Result<(), Failure> {
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid("Tag keys starting with 'aws:' are reserved for internal use"));
    }
    if key.is_empty() || key.chars().count() > 128 {
        return Err(invalid("Tag keys must have 1 to 128 characters"));
    }
    Ok(())
}
