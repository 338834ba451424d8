//! Calls about tags.

use crate::aws::answer::Xml;
use crate::aws::ec2::model::Tags;
use crate::aws::elb::arns::{self, Kind};
use crate::aws::elb::failures::{invalid, no_balancer, no_listener, no_rule, no_target_group};
use crate::aws::elb::model::Elb;
use crate::aws::{Call, Failure, World};

use super::{read, write};

/// How many ARNs a call takes. Source: `DescribeTags`.
const ARNS: usize = 20;

pub fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let elb = &mut world.region_mut(&call.scope).elb;
    let mut told = Vec::new();
    for arn in arns_of(call)? {
        told.push(write::tags(arn, tags_of(elb, arn)?));
    }
    Ok(write::members("TagDescriptions", told))
}

pub fn add(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let tags = read::tags(call)?;
    if tags.is_empty() {
        return Err(invalid("At least one tag must be specified"));
    }
    change(world, call, |of| of.extend(tags.clone()))
}

pub fn remove(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let keys: Vec<String> = read::texts(call, "TagKeys");
    if keys.is_empty() {
        return Err(invalid("At least one tag key must be specified"));
    }
    change(world, call, |of| of.retain(|key, _| !keys.contains(key)))
}

fn change(world: &mut World, call: &Call, change: impl Fn(&mut Tags)) -> Result<Xml, Failure> {
    let elb = &mut world.region_mut(&call.scope).elb;
    let mut changed = Vec::new();
    for arn in arns_of(call)? {
        let mut tags = tags_of(elb, arn)?.clone();
        change(&mut tags);
        read::check_number_of_tags(&tags)?;
        changed.push((arn, tags));
    }
    for (arn, tags) in changed {
        *tags_of(elb, arn)? = tags;
    }
    Ok(Xml::new())
}

fn arns_of(call: &Call) -> Result<Vec<&str>, Failure> {
    let arns = call.list("ResourceArns");
    if (1..=ARNS).contains(&arns.len()) {
        Ok(arns)
    } else {
        Err(invalid(format!("One to {ARNS} resource ARNs must be specified")))
    }
}

fn tags_of<'a>(elb: &'a mut Elb, arn: &str) -> Result<&'a mut Tags, Failure> {
    match arns::kind(arn) {
        Some(Kind::LoadBalancer) => {
            elb.balancers.get_mut(arn).map(|found| &mut found.tags).ok_or_else(|| no_balancer(arn))
        }
        Some(Kind::TargetGroup) => {
            elb.target_groups.get_mut(arn).map(|found| &mut found.tags).ok_or_else(|| no_target_group(arn))
        }
        Some(Kind::Listener) => elb.listeners.get_mut(arn).map(|found| &mut found.tags).ok_or_else(|| no_listener(arn)),
        Some(Kind::Rule) => {
            let listener = arns::listener_of_rule(arn).and_then(|listener| elb.listeners.get_mut(&listener));
            let mut rules = listener.into_iter().flat_map(|listener| listener.rules.values_mut());
            rules.find(|rule| rule.arn == arn).map(|rule| &mut rule.tags).ok_or_else(|| no_rule(arn))
        }
        None => Err(invalid(format!("'{arn}' is not a valid ARN"))),
    }
}
