use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{AwsError, Cloud, PrefixList, RulesRead};
use crate::model::{GroupKey, GroupState, ListWeight, Peer, PrefixListId, RuleSpec};

/// What a read of a group came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    There(GroupState),
    Gone,
    /// Rules without their group: EC2's answers lag, and one of them is old.
    Unclear,
}

/// Reads a group with its rules.
///
/// # Errors
/// One of them could not be read.
pub async fn security_group(cloud: &Cloud, key: &GroupKey) -> Result<Found, AwsError> {
    let (group, rules) = futures::try_join!(cloud.group(&key.id), cloud.rules(&key.id))?;
    Ok(match group {
        Some(group) => Found::There(GroupState {
            key: key.clone(),
            name: group.name,
            tags: group.tags,
            rules: rules.rules,
            unreadable: rules.unreadable,
        }),
        None if rules == RulesRead::default() => Found::Gone,
        None => Found::Unclear,
    })
}

/// The prefix lists that rules name.
pub fn lists_of<'a>(rules: impl Iterator<Item = &'a RuleSpec>) -> BTreeSet<PrefixListId> {
    let list = |spec: &RuleSpec| match &spec.peer {
        Peer::PrefixList(id) => Some(id.clone()),
        Peer::Cidr(_) | Peer::SecurityGroup(_) => None,
    };
    rules.filter_map(list).collect()
}

/// What prefix lists count as in a group's quota; `None` for those of which AWS does not say it.
///
/// # Errors
/// They could not be read.
pub async fn list_weights(
    cloud: &Cloud,
    ids: &BTreeSet<PrefixListId>,
) -> Result<BTreeMap<PrefixListId, Option<ListWeight>>, AwsError> {
    let mut weights: BTreeMap<PrefixListId, Option<ListWeight>> = ids.iter().map(|id| (id.clone(), None)).collect();
    if ids.is_empty() {
        return Ok(weights);
    }
    let found = cloud.prefix_lists_by_id(ids).await?;
    let weight = |list: PrefixList| (list.id, list.weight.map(|rules| ListWeight { family: list.family, rules }));
    weights.extend(found.into_iter().map(weight));
    Ok(weights)
}
