//! Calls about listeners and rules.

use crate::aws::answer::Xml;
use crate::aws::elb::failures::{invalid, no_balancer, no_listener, no_rule};
use crate::aws::elb::model::{Elb, Listener};
use crate::aws::elb::{ListenerChange, NewListener, arns};
use crate::aws::{Call, Failure, World};

use super::actions::{actions, conditions, maybe_actions};
use super::{read, write};

pub fn create(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let new = NewListener {
        port: read::number(call, "Port")?,
        protocol: call.text("Protocol").map(str::to_owned),
        certificates: certificates(call)?,
        ssl_policy: call.text("SslPolicy").map(str::to_owned),
        alpn: read::texts(call, "AlpnPolicy"),
        actions: actions(call, "DefaultActions")?,
        tags: read::tags(call)?,
    };
    let arn = world.create_listener(&call.scope, read::required(call, "LoadBalancerArn")?, new)?;
    told(world, call, &arn)
}

fn certificates(call: &Call) -> Result<Vec<String>, Failure> {
    let arn = |item: String| read::required(call, &format!("{item}.CertificateArn")).map(str::to_owned);
    let arns: Vec<String> = call.items("Certificates").into_iter().map(arn).collect::<Result<_, _>>()?;
    if arns.len() > 1 {
        return Err(Failure::new("TooManyCertificates", "Exactly one certificate can be specified"));
    }
    if let Some(unknown) = arns.iter().find(|arn| !arn.starts_with("arn:")) {
        return Err(Failure::new("CertificateNotFound", format!("Certificate '{unknown}' not found")));
    }
    Ok(arns)
}

fn told(world: &mut World, call: &Call, arn: &str) -> Result<Xml, Failure> {
    let elb = &world.region_mut(&call.scope).elb;
    Ok(write::members("Listeners", elb.listeners.get(arn).map(write::listener)))
}

pub fn modify(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "ListenerArn")?;
    let change = ListenerChange {
        port: read::number(call, "Port")?,
        protocol: call.text("Protocol").map(str::to_owned),
        certificates: Some(certificates(call)?).filter(|arns| !arns.is_empty()),
        ssl_policy: call.text("SslPolicy").map(str::to_owned),
        alpn: read::maybe_texts(call, "AlpnPolicy"),
        actions: maybe_actions(call, "DefaultActions")?,
    };
    world.modify_listener(&call.scope, arn, change)?;
    told(world, call, arn)
}

pub fn delete(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    world.delete_listener(&call.scope, read::required(call, "ListenerArn")?).map(|()| Xml::new())
}

pub fn describe(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let elb = &world.region_mut(&call.scope).elb;
    let arns = call.list("ListenerArns");
    let found: Vec<&Listener> = match (call.text("LoadBalancerArn"), arns.as_slice()) {
        (Some(balancer), []) => {
            elb.balancers.get(balancer).ok_or_else(|| no_balancer(balancer))?;
            elb.listeners_of(balancer).collect()
        }
        (None, [_, ..]) => {
            let mut found: Vec<&Listener> = arns
                .iter()
                .map(|arn| elb.listeners.get(*arn).ok_or_else(|| no_listener(arn)))
                .collect::<Result<_, _>>()?;
            found.sort_by_key(|listener| &listener.arn);
            found.dedup_by_key(|listener| &listener.arn);
            found
        }
        _ => return Err(invalid("You must specify either listener ARNs or a load balancer ARN")),
    };
    let (page, next) = read::page(call, found.into_iter().map(|listener| (listener.arn.clone(), listener)))?;
    Ok(write::members("Listeners", page.into_iter().map(write::listener)).maybe("NextMarker", next))
}

pub fn create_rule(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let listener = read::required(call, "ListenerArn")?;
    let priority = read::number(call, "Priority")?.ok_or_else(|| invalid("Priority must be specified"))?;
    let (conditions, actions) = (conditions(call)?, actions(call, "Actions")?);
    if conditions.is_empty() {
        return Err(invalid("At least one condition must be specified"));
    }
    let arn = world.create_rule(&call.scope, listener, priority, conditions, actions, read::tags(call)?)?;
    told_rule(world, call, &arn)
}

pub fn modify_rule(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let arn = read::required(call, "RuleArn")?;
    let conditions = Some(conditions(call)?).filter(|conditions| !conditions.is_empty());
    world.modify_rule(&call.scope, arn, conditions, maybe_actions(call, "Actions")?)?;
    told_rule(world, call, arn)
}

fn told_rule(world: &mut World, call: &Call, arn: &str) -> Result<Xml, Failure> {
    let (_, rule) = rule(&world.region_mut(&call.scope).elb, arn)?;
    Ok(write::members("Rules", [rule]))
}

pub fn delete_rule(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    world.delete_rule(&call.scope, read::required(call, "RuleArn")?).map(|()| Xml::new())
}

/// By priority; the default rule is the last.
pub fn describe_rules(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let elb = &world.region_mut(&call.scope).elb;
    let arns = call.list("RuleArns");
    let found: Vec<(String, Xml)> = match (call.text("ListenerArn"), arns.as_slice()) {
        (Some(arn), []) => rules_of(elb.listeners.get(arn).ok_or_else(|| no_listener(arn))?),
        (None, [_, ..]) => arns.iter().map(|arn| rule(elb, arn)).collect::<Result<_, _>>()?,
        _ => return Err(invalid("You must specify either listener rule ARNs or a listener ARN")),
    };
    let (page, next) = read::page(call, found.into_iter())?;
    Ok(write::members("Rules", page).maybe("NextMarker", next))
}

/// With keys that sort as the rules count.
fn rules_of(listener: &Listener) -> Vec<(String, Xml)> {
    let rules = listener.rules.iter().map(|(priority, rule)| (format!("{priority:05}"), write::rule(*priority, rule)));
    rules.chain([("default".to_owned(), write::default_rule(listener))]).collect()
}

fn rule(elb: &Elb, arn: &str) -> Result<(String, Xml), Failure> {
    let listener = arns::listener_of_rule(arn).and_then(|listener| elb.listeners.get(&listener));
    let listener = listener.ok_or_else(|| no_rule(arn))?;
    if listener.default_rule == arn {
        return Ok((arn.to_owned(), write::default_rule(listener)));
    }
    let found = listener.rules.iter().find(|(_, rule)| rule.arn == arn);
    found.map(|(priority, rule)| (arn.to_owned(), write::rule(*priority, rule))).ok_or_else(|| no_rule(arn))
}
