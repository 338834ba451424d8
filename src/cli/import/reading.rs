//! I/O: everything that AWS says of a load balancer and of the groups around it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use futures::future::join_all;

use crate::api::ALBTargetBinding;
use crate::aws::{AwsError, Cloud, LoadBalancer};
use crate::import::{Group, Name, Names, Today, Unfit};
use crate::model::{Facts, GroupState, Peer, PrefixListId, SecurityGroupId, TargetGroupFacts, Us, VpcId};
use crate::observe::{self, Cluster};
use crate::validate;

/// The longest group name that a binding takes.
const LONGEST_NAME: usize = 255;

/// Bindings that import makes name no objects of a cluster, so none is asked.
pub const NO_CLUSTER: &str = "no cluster is asked";

/// Reads all of it. What can't be read stands in `unknown`.
///
/// # Errors
/// The load balancer has no group, or its listeners can't be read.
pub async fn today(cloud: &Cloud, us: &Us, found: &LoadBalancer) -> anyhow::Result<Today> {
    let Some(first) = found.groups.first() else {
        return Err(Unfit::WithoutGroup { load_balancer: found.name.clone() }.into());
    };
    let spec = serde_json::from_value(serde_json::json!({
        "loadBalancer": {"name": found.name, "securityGroup": {"id": first}}
    }))?;
    let binding = ALBTargetBinding::new("import", spec);
    let declaration = validate::object(&binding.into(), cloud.scope()).map_err(|findings| {
        anyhow::anyhow!("{}", findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let resolution = observe::object(
        cloud,
        &Cluster::out_of_reach(NO_CLUSTER),
        us,
        &declaration,
        &Facts::default(),
        &BTreeSet::new(),
    )
    .await;
    let Facts { load_balancer: Some(load_balancer), vpc, target_groups, .. } = resolution.facts else {
        let problems: Vec<String> = resolution.problems.into_iter().map(|problem| problem.message).collect();
        bail!("{}", problems.join("; "));
    };
    let mut reading = Reading { cloud, unknown: Vec::new() };
    let interfaces = reading.interfaces(&target_groups).await;
    let of_targets = target_groups.iter().flat_map(|group| &group.groups);
    let ids: BTreeSet<SecurityGroupId> =
        found.groups.iter().chain(of_targets).chain(interfaces.values().flatten().flatten()).cloned().collect();
    let groups = reading.groups(&ids).await;
    let names = reading.names(&found.vpc, &groups).await;
    Ok(Today {
        scope: cloud.scope().clone(),
        us: Some(us.clone()),
        load_balancer,
        vpc,
        target_groups,
        groups,
        interfaces,
        names,
        unknown: reading.unknown,
    })
}

struct Reading<'a> {
    cloud: &'a Cloud,
    unknown: Vec<String>,
}

impl Reading<'_> {
    fn answer<T>(&mut self, result: Result<T, AwsError>) -> Option<T> {
        let told = |error: AwsError| {
            let error = error.to_string();
            if !self.unknown.contains(&error) {
                self.unknown.push(error);
            }
        };
        result.map_err(told).ok()
    }

    async fn interfaces(
        &mut self,
        target_groups: &[TargetGroupFacts],
    ) -> BTreeMap<String, BTreeSet<BTreeSet<SecurityGroupId>>> {
        let known = target_groups.iter().filter_map(|group| Some((&group.name, group.arn.as_ref()?)));
        let read = known.map(async |(name, arn)| (name, observe::groups_of_interfaces(self.cloud, arn).await));
        let read = join_all(read.collect::<Vec<_>>()).await;
        read.into_iter().filter_map(|(name, answer)| Some((name.clone(), self.answer(answer)?))).collect()
    }

    async fn groups(&mut self, ids: &BTreeSet<SecurityGroupId>) -> BTreeMap<SecurityGroupId, Group> {
        let read = ids.iter().map(async |id| (id, self.cloud.group(id).await, self.cloud.rules(id).await));
        let mut groups = BTreeMap::new();
        for (id, group, rules) in join_all(read.collect::<Vec<_>>()).await {
            let (group, rules) = (self.answer(group), self.answer(rules));
            let (Some(group), Some(rules)) = (group, rules) else { continue };
            let Some(group) = group else {
                self.unknown.push(format!("security group {id} is not to be seen in {}", self.cloud.scope()));
                continue;
            };
            let state = GroupState {
                key: group.key,
                name: group.name.clone(),
                tags: group.tags,
                rules: rules.rules,
                unreadable: rules.unreadable,
            };
            groups.insert(id.clone(), Group { name: group.name, state });
        }
        groups
    }

    /// What all peers are called, and the groups themselves.
    async fn names(&mut self, vpc: &VpcId, groups: &BTreeMap<SecurityGroupId, Group>) -> Names {
        let peers = || groups.values().flat_map(|group| &group.state.rules).map(|rule| &rule.spec.peer);
        let of_peers = peers().filter_map(|peer| match peer {
            Peer::SecurityGroup(id) => Some(id),
            Peer::Cidr(_) | Peer::PrefixList(_) => None,
        });
        let ids: BTreeSet<&SecurityGroupId> = of_peers.chain(groups.keys()).collect();
        let lists: BTreeSet<PrefixListId> = peers()
            .filter_map(|peer| match peer {
                Peer::PrefixList(id) => Some(id.clone()),
                Peer::Cidr(_) | Peer::SecurityGroup(_) => None,
            })
            .collect();
        let read = ids.into_iter().map(async |id| (id, group_name(self.cloud, vpc, id).await));
        let read = join_all(read.collect::<Vec<_>>()).await;
        let named = read.into_iter().filter_map(|(id, answer)| Some((id.clone(), self.answer(answer)??)));
        let groups = named.collect();
        let lists = list_names(self.cloud, &lists).await;
        Names { groups, prefix_lists: self.answer(lists).unwrap_or_default() }
    }
}

/// `None` where the group is another account's, or gone.
async fn group_name(cloud: &Cloud, vpc: &VpcId, id: &SecurityGroupId) -> Result<Option<Name>, AwsError> {
    let Some(group) = cloud.group(id).await? else { return Ok(None) };
    let text = group.name;
    let can_be_written = !text.starts_with("sg-") && (1..=LONGEST_NAME).contains(&text.chars().count());
    let finds = can_be_written && group.vpc.as_ref() == Some(vpc) && {
        let found = cloud.groups_named(vpc, &text).await?;
        found.len() == 1 && found.iter().all(|found| found.key.id == *id)
    };
    Ok(Some(Name { text, finds }))
}

/// Lists of which AWS tells nothing are left out.
async fn list_names(cloud: &Cloud, ids: &BTreeSet<PrefixListId>) -> Result<BTreeMap<PrefixListId, Name>, AwsError> {
    let lists = cloud.prefix_lists_by_id(ids).await?;
    let texts: BTreeSet<String> = lists.iter().map(|list| list.name.clone()).filter(|name| !name.is_empty()).collect();
    let named = cloud.prefix_lists_by_name(&texts).await?;
    let finds = |text: &str| named.iter().filter(|list| list.name == text).count() == 1 && !text.starts_with("pl-");
    let name = |text: String| Name { finds: finds(&text), text };
    Ok(lists.into_iter().map(|list| (list.id.clone(), name(list.name))).collect())
}
