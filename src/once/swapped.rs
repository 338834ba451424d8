//! I/O: target groups that deployment tools swap out of listeners, and in again. Such a group keeps its rules while it has
//! registered targets. The controller knows it from the object's status; here the rules that are there lead to it.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;

use crate::aws::{AwsError, Clouds};
use crate::desired;
use crate::model::{
    Direction, GroupKey, GroupState, ObjectRef, Peer, RuleSpec, SecurityGroupId, Stance, TargetGroupFacts, Traffic,
    named,
};
use crate::observe;

use super::{Survey, Surveyed};

/// A port on which the load balancer reached a security group of targets.
type Way = (SecurityGroupId, u16);

/// Adds what is left of target groups to the needs of bindings whose rules are there and not needed any more. Where that
/// can't be read, these bindings count as not known.
pub(super) async fn keep(clouds: &Clouds, survey: &mut Survey, states: &BTreeMap<GroupKey, GroupState>) {
    let left: Vec<(ObjectRef, BTreeSet<Way>)> = survey
        .objects
        .iter()
        .filter_map(|(object, surveyed)| Some((object.clone(), ways(survey, object, surveyed, states)?)))
        .collect();
    for (object, ways) in left {
        let Some(surveyed) = survey.objects.get_mut(&object) else { continue };
        match registered(clouds, surveyed, &ways).await {
            Ok(found) => {
                surveyed.resolution.facts.target_groups.extend(found);
                surveyed.desired = desired::of(&surveyed.declaration.wants, &surveyed.resolution.facts);
            }
            Err(error) => {
                surveyed.resolution.complete = false;
                survey.unknown.push(format!("which target groups {object} forwarded to before: {error}"));
            }
        }
    }
}

/// Where rules of ours that name a binding lead, and that it does not need; `None` where target groups are declared, or
/// nothing is left.
fn ways(
    survey: &Survey,
    object: &ObjectRef,
    surveyed: &Surveyed,
    states: &BTreeMap<GroupKey, GroupState>,
) -> Option<BTreeSet<Way>> {
    let declaration = &surveyed.declaration;
    let derives = declaration.wants.binding()?.target_groups.is_none();
    let lives = !matches!(declaration.stance, Stance::Leaving(_));
    let (balancer, facts) = (surveyed.resolution.facts.group.as_ref()?, &surveyed.resolution.facts);
    facts.load_balancer.as_ref().filter(|_| derives && lives)?;
    let of_scope = states.iter().filter(|(key, _)| key.scope == declaration.scope);
    let mut left = BTreeSet::new();
    for (key, state) in of_scope {
        let needed = surveyed.desired.groups.get(&key.id);
        for rule in state.rules.iter().filter(|rule| survey.us.ownership(&rule.tags).is_ours()) {
            let is_needed = needed.is_some_and(|needed| needed.rules.contains_key(&rule.spec));
            if !is_needed && named(&survey.us.cluster, &rule.description).objects().contains(object) {
                left.extend(way(&key.id, &rule.spec, balancer));
            }
        }
    }
    (!left.is_empty()).then_some(left)
}

/// Where a rule between the load balancer's group and one of targets leads.
fn way(group: &SecurityGroupId, spec: &RuleSpec, balancer: &SecurityGroupId) -> Option<Way> {
    let Peer::SecurityGroup(peer) = &spec.peer else { return None };
    let (Traffic::Tcp(ports) | Traffic::Udp(ports)) = spec.traffic else { return None };
    let targets = match spec.direction {
        Direction::Egress if group == balancer => peer,
        Direction::Ingress if peer == balancer => group,
        Direction::Egress | Direction::Ingress => return None,
    };
    Some((targets.clone(), ports.from()))
}

/// Target groups that belong to no load balancer now, with targets registered that these ways lead to.
async fn registered(
    clouds: &Clouds,
    surveyed: &Surveyed,
    ways: &BTreeSet<Way>,
) -> Result<Vec<TargetGroupFacts>, AwsError> {
    let Some(vpc) = &surveyed.resolution.facts.vpc else { return Ok(Vec::new()) };
    let cloud = clouds.scope(&surveyed.declaration.scope)?;
    let detached = cloud.target_groups_without_load_balancer(&vpc.id).await?;
    let found = try_join_all(detached.into_iter().map(|group| observe::while_registered(&cloud, group))).await?;
    let led_to = |mut facts: TargetGroupFacts| {
        let ports: BTreeSet<u16> = facts.ports.iter().copied().chain(facts.health_check_port).collect();
        facts.groups.retain(|group| ports.iter().any(|port| ways.contains(&(group.clone(), *port))));
        (!facts.groups.is_empty()).then_some(facts)
    };
    Ok(found.into_iter().flatten().filter_map(led_to).collect())
}
