use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use futures::future::join_all;
use ipnet::IpNet;

use crate::aws::{AwsError, Cloud, FoundLoadBalancer, Interface, Target, TargetGroup, TargetKind};
use crate::model::{
    Binding, Cidr, ElbArn, ElbProtocol, InstanceId, Reason, SecurityGroupId, TargetGroupDeclaration, TargetGroupFacts,
    TargetGroupSelector, Thing,
};

use super::Resolving;
use super::load_balancer::Forwards;

/// A target group with its targets and whatever their groups follow from.
struct Found {
    group: TargetGroup,
    targets: Vec<Target>,
    homes: Homes,
}

/// Where targets live.
#[derive(Default)]
struct Homes {
    /// Groups of each target's interface.
    groups: BTreeMap<String, BTreeSet<SecurityGroupId>>,
    outside: BTreeSet<Cidr>,
    /// Targets whose interface is not to be seen.
    lost: BTreeSet<String>,
}

impl Resolving<'_> {
    /// Finds the target groups, their targets and the groups of these.
    pub(super) async fn target_groups(&mut self, binding: &Binding, forwards: &Forwards) {
        match &binding.target_groups {
            Some(declared) => {
                for group in declared {
                    self.declared(group, forwards).await;
                }
            }
            None => self.derived(forwards).await,
        }
        self.facts.target_groups.sort_by(|one, other| one.name.cmp(&other.name));
    }

    async fn declared(&mut self, declared: &TargetGroupDeclaration, forwards: &Forwards) {
        let (answer, wanted) = match &declared.selector {
            // Everything is declared; there is nothing to look up.
            None => return,
            Some(TargetGroupSelector::Arn(arn)) => {
                (self.cloud.target_group_by_arn(arn).await, format!("with ARN {arn}"))
            }
            Some(TargetGroupSelector::Name(name)) => {
                (self.cloud.target_group_by_name(name).await, format!("named {name:?}"))
            }
        };
        let Some(found) = self.answer(answer) else { return self.keep(&declared.name) };
        let Some(group) = found else {
            let thing = Thing::TargetGroup(declared.name.clone());
            if !self.gone.contains(&thing) {
                self.keep(&declared.name);
            }
            let message = format!("no target group {wanted} in {}: check spec.targetGroups", self.cloud.scope());
            return self.absent(thing, Reason::TargetGroupNotFound, message);
        };
        let found = find(self.cloud, group).await;
        self.take(&declared.name, Some(declared), found, forwards).await;
    }

    /// Every group that the load balancer forwards to, and those that it forwarded to before and that still have targets.
    async fn derived(&mut self, forwards: &Forwards) {
        let previous: Vec<TargetGroupFacts> = self.previous.target_groups.clone();
        let Some(arn) = self.facts.load_balancer.as_ref().map(|found| found.arn.clone()) else { return };
        if !self.complete && forwards.is_empty() {
            // The listeners could not be read: what was last known of the targets stays in force too.
            self.facts.target_groups = previous;
            return;
        }
        let answer = self.cloud.target_groups_of(&arn).await;
        let Some(mut groups) = self.answer(answer) else {
            self.facts.target_groups = previous;
            return;
        };
        groups.retain(|group| forwards.contains_key(&group.arn));
        let found = join_all(groups.into_iter().map(|group| find(self.cloud, group))).await;
        for found in found {
            let name = match &found {
                Ok(found) => found.group.name.clone(),
                Err((arn, _)) => arn.name().to_owned(),
            };
            self.take(&name, None, found, forwards).await;
        }
        // What another load balancer forwarded to is none of this one's business.
        let is_same = self.previous.load_balancer.as_ref().is_some_and(|known| known.arn == arn);
        for left in previous.into_iter().filter(|_| is_same) {
            if self.facts.target_group(&left.name).is_none() {
                self.keep_while_registered(left).await;
            }
        }
    }

    /// Deployment tools swap groups out of listeners and in again: a group keeps its rules while it has targets.
    async fn keep_while_registered(&mut self, left: TargetGroupFacts) {
        let Some(arn) = left.arn.clone() else { return };
        let answer = self.cloud.target_group_by_arn(&arn).await;
        match self.answer(answer) {
            Some(None) => return,
            Some(Some(_)) => {
                let answer = self.cloud.targets(&arn).await;
                if self.answer(answer).is_some_and(|targets| targets.is_empty()) {
                    return;
                }
            }
            None => {}
        }
        self.facts.target_groups.push(TargetGroupFacts { weight: Some(0), ..left });
    }

    /// What was last known of a target group stays in force.
    fn keep(&mut self, name: &str) {
        self.facts.target_groups.extend(self.previous.target_group(name).cloned());
    }

    async fn take(
        &mut self,
        name: &str,
        declared: Option<&TargetGroupDeclaration>,
        found: Result<Found, (ElbArn, AwsError)>,
        forwards: &Forwards,
    ) {
        let Some(Found { group, targets, homes }) = self.answer(found.map_err(|(_, error)| error)) else {
            return self.keep(name);
        };
        let last_known =
            self.previous.target_group(name).filter(|known| known.arn.as_ref() == Some(&group.arn)).cloned();
        let mut facts = TargetGroupFacts {
            name: name.to_owned(),
            weight: forwards.get(&group.arn).copied(),
            // Lambda functions are invoked, by no protocol.
            protocol: group.protocol.clone().unwrap_or_else(|| ElbProtocol(String::new())),
            ports: ports(&group, &targets),
            health_check_port: group.health_check_port,
            control_port: group.control_port,
            groups: BTreeSet::new(),
            addresses: homes.outside.clone(),
            arn: Some(group.arn.clone()),
        };
        if group.kind == TargetKind::Lambda {
            facts.ports.clear();
            facts.health_check_port = None;
        } else if targets.is_empty() {
            self.without_targets(&mut facts, declared, last_known);
        } else if declared.is_none_or(|declared| declared.groups.is_none()) {
            self.groups_of_targets(&mut facts, &homes, last_known).await;
        }
        self.facts.target_groups.push(facts);
    }

    /// Targets at zero change nothing.
    fn without_targets(
        &mut self,
        facts: &mut TargetGroupFacts,
        declared: Option<&TargetGroupDeclaration>,
        last_known: Option<TargetGroupFacts>,
    ) {
        let declared_homes = declared.is_some_and(|declared| declared.groups.is_some() || declared.addresses.is_some());
        match last_known {
            Some(known) if !known.groups.is_empty() || !known.addresses.is_empty() => {
                *facts = TargetGroupFacts {
                    ports: known.ports,
                    groups: known.groups,
                    addresses: known.addresses,
                    ..facts.clone()
                };
            }
            _ if declared_homes => {}
            _ => {
                let message = format!(
                    "target group {} has no registered target, so the security groups of its targets are not known: register \
                     one, or declare securityGroups and ports",
                    facts.name
                );
                self.unknown(Reason::NoTargetsRegistered, message);
            }
        }
    }

    async fn groups_of_targets(
        &mut self,
        facts: &mut TargetGroupFacts,
        homes: &Homes,
        last_known: Option<TargetGroupFacts>,
    ) {
        let complete = self.complete;
        for (target, groups) in &homes.groups {
            let what = format!("the interface of target {target} in target group {}", facts.name);
            let chosen = self.only_opted_in(&what, groups, "spec.targetGroups[].securityGroups").await;
            facts.groups.extend(chosen);
        }
        if !homes.lost.is_empty() {
            let lost: Vec<&str> = homes.lost.iter().map(String::as_str).collect();
            let message = format!(
                "no network interface is to be seen for target {} of target group {}: deregister it if it is gone, or declare \
                 securityGroups",
                lost.join(", "),
                facts.name
            );
            self.unknown(Reason::TargetInterfaceNotFound, message);
        }
        if complete && !self.complete {
            facts.groups.extend(last_known.into_iter().flat_map(|known| known.groups));
        }
    }
}

/// The registered ports, and the group's own where none is registered.
fn ports(group: &TargetGroup, targets: &[Target]) -> BTreeSet<u16> {
    let registered: BTreeSet<u16> = targets.iter().filter_map(|target| target.port).collect();
    if registered.is_empty() { group.port.into_iter().collect() } else { registered }
}

/// Of each registered target's interface, its groups; none for a target group that is not there.
///
/// # Errors
/// The targets or their interfaces could not be read.
pub async fn groups_of_interfaces(
    cloud: &Cloud,
    target_group: &ElbArn,
) -> Result<BTreeSet<BTreeSet<SecurityGroupId>>, AwsError> {
    let Some(group) = cloud.target_group_by_arn(target_group).await? else { return Ok(BTreeSet::new()) };
    let found = find(cloud, group).await.map_err(|(_, error)| error)?;
    Ok(found.homes.groups.into_values().collect())
}

/// What a target group looks like to which no load balancer forwards; `None` if it has no registered target.
///
/// # Errors
/// The targets or their interfaces could not be read.
pub async fn while_registered(cloud: &Cloud, group: TargetGroup) -> Result<Option<TargetGroupFacts>, AwsError> {
    let Found { group, targets, homes } = find(cloud, group).await.map_err(|(_, error)| error)?;
    let facts = TargetGroupFacts {
        name: group.name.clone(),
        ports: ports(&group, &targets),
        weight: Some(0),
        protocol: group.protocol.unwrap_or_else(|| ElbProtocol(String::new())),
        health_check_port: group.health_check_port,
        control_port: group.control_port,
        groups: homes.groups.into_values().flatten().collect(),
        addresses: homes.outside,
        arn: Some(group.arn),
    };
    Ok((!targets.is_empty()).then_some(facts))
}

async fn find(cloud: &Cloud, group: TargetGroup) -> Result<Found, (ElbArn, AwsError)> {
    let arn = group.arn.clone();
    let read = async {
        let targets = cloud.targets(&group.arn).await?;
        let homes = homes(cloud, &group, &targets).await?;
        Ok(Found { group, targets, homes })
    };
    read.await.map_err(|error| (arn, error))
}

async fn homes(cloud: &Cloud, group: &TargetGroup, targets: &[Target]) -> Result<Homes, AwsError> {
    let ids: BTreeSet<&str> = targets.iter().map(|target| target.id.as_str()).collect();
    match (group.kind, &group.vpc) {
        (_, _) if ids.is_empty() => Ok(Homes::default()),
        (TargetKind::Instance, Some(vpc)) => {
            let instances: BTreeSet<InstanceId> = ids.iter().map(|id| (*id).into()).collect();
            let interfaces = cloud.interfaces_of_instances(vpc, &instances).await?;
            Ok(assign(&ids, |id| {
                interfaces.iter().find(|interface| {
                    interface.device_index == Some(0)
                        && interface.instance.as_ref().is_some_and(|instance| instance.as_str() == id)
                })
            }))
        }
        (TargetKind::Ip, Some(vpc)) => {
            let blocks = cloud.vpc_cidrs(vpc).await?;
            let parsed = ids.iter().filter_map(|id| id.parse::<IpAddr>().ok());
            let (inside, outside): (BTreeSet<IpAddr>, BTreeSet<IpAddr>) =
                parsed.partition(|address| blocks.iter().any(|block| block.net().contains(address)));
            let interfaces =
                if inside.is_empty() { Vec::new() } else { cloud.interfaces_of_addresses(vpc, &inside).await? };
            let texts: Vec<String> = inside.iter().map(IpAddr::to_string).collect();
            let ids = texts.iter().map(String::as_str).collect();
            let mut homes = assign(&ids, |id| {
                let address: IpAddr = id.parse().ok()?;
                interfaces.iter().find(|interface| interface.holds(address))
            });
            homes.outside = outside.into_iter().map(|address| Cidr::new(IpNet::from(address))).collect();
            Ok(homes)
        }
        (TargetKind::Alb, _) => {
            let mut homes = Homes::default();
            for id in ids {
                let found = match ElbArn::parse(id) {
                    Some(arn) => cloud.load_balancer_by_arn(&arn).await?,
                    None => None,
                };
                match found {
                    Some(FoundLoadBalancer::Usable(found)) => drop(homes.groups.insert(id.to_owned(), found.groups)),
                    Some(FoundLoadBalancer::WithoutGroups { .. }) | None => drop(homes.lost.insert(id.to_owned())),
                }
            }
            Ok(homes)
        }
        (TargetKind::Lambda, _) => Ok(Homes::default()),
        (TargetKind::Instance | TargetKind::Ip, None) => {
            Ok(Homes { lost: ids.into_iter().map(str::to_owned).collect(), ..Homes::default() })
        }
    }
}

fn assign<'a>(ids: &BTreeSet<&str>, interface_of: impl Fn(&str) -> Option<&'a Interface>) -> Homes {
    let mut homes = Homes::default();
    for id in ids {
        match interface_of(id) {
            Some(interface) => drop(homes.groups.insert((*id).to_owned(), interface.groups.clone())),
            None => drop(homes.lost.insert((*id).to_owned())),
        }
    }
    homes
}
