use std::collections::BTreeSet;

use crate::aws::{AwsError, Cloud, Interface, PrefixList};
use crate::model::{
    ElbArn, GroupSelector, PeerGroup, PeerList, PeerSelector, PrefixListSelector, Reason, SecurityGroupId, Usage, VpcId,
};

use super::Resolving;
use super::load_balancer::list;

impl Resolving<'_> {
    /// Looks up every group and prefix list that the object names: as peers, and besides. Names and tags of groups
    /// hold in the VPC.
    pub(super) async fn named_peers(
        &mut self,
        peers: &[&PeerSelector],
        besides: &[&GroupSelector],
        vpc: Option<&VpcId>,
    ) {
        let of_peers = peers.iter().filter_map(|peer| match peer {
            PeerSelector::Group(selector) => Some(selector),
            _ => None,
        });
        let groups: BTreeSet<&GroupSelector> = of_peers.chain(besides.iter().copied()).collect();
        for selector in groups {
            if let Some(found) = self.peer_group(selector, vpc).await {
                self.facts.peers.groups.insert(selector.clone(), found);
            } else if let Some(known) = self.previous.peers.groups.get(selector) {
                self.facts.peers.groups.insert(selector.clone(), known.clone());
            }
        }
        let lists: BTreeSet<&PrefixListSelector> = peers
            .iter()
            .filter_map(|peer| match peer {
                PeerSelector::PrefixList(selector) => Some(selector),
                _ => None,
            })
            .collect();
        self.prefix_lists(&lists).await;
    }

    async fn peer_group(&mut self, selector: &GroupSelector, vpc: Option<&VpcId>) -> Option<PeerGroup> {
        match (selector, vpc) {
            (GroupSelector::Id { id, account }, _) => Some(PeerGroup { id: id.clone(), account: account.clone() }),
            (_, Some(vpc)) => {
                let id = self.select_group("a security group", selector, vpc).await?;
                Some(PeerGroup { id, account: None })
            }
            // That nothing is known of the VPC has been told.
            (_, None) => None,
        }
    }

    /// The one group that a selector matches.
    pub(super) async fn select_group(
        &mut self,
        what: &str,
        selector: &GroupSelector,
        vpc: &VpcId,
    ) -> Option<SecurityGroupId> {
        let answer = match selector {
            GroupSelector::Id { id, .. } => return Some(id.clone()),
            GroupSelector::Name(name) => self.cloud.groups_named(vpc, name).await,
            GroupSelector::Tags(tags) => self.cloud.groups_tagged(vpc, tags).await,
        };
        let mut found: BTreeSet<SecurityGroupId> = self.answer(answer)?.into_iter().map(|group| group.key.id).collect();
        match found.len() {
            1 => found.pop_first(),
            0 => {
                let selected_by = match selector {
                    GroupSelector::Tags(_) => "its tags",
                    _ => "its spelling",
                };
                let message = format!(
                    "{what} {selector} is not in {vpc}: check {selected_by} and {}, which says the VPC, or name it by its id",
                    self.vpc_by
                );
                self.unknown(Reason::SecurityGroupNotFound, message);
                None
            }
            _ => {
                let message = format!("{what} {selector}: {vpc} has several ({}). Name one by its id", list(&found));
                self.unknown(Reason::SecurityGroupAmbiguous, message);
                None
            }
        }
    }

    /// One call for all that are named by their ids, and one for all that are named by name.
    async fn prefix_lists(&mut self, selectors: &BTreeSet<&PrefixListSelector>) {
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for selector in selectors {
            match selector {
                PrefixListSelector::Id(id) => drop(ids.insert(id.clone())),
                PrefixListSelector::Name(name) => drop(names.insert(name.clone())),
            }
        }
        let by_id = self.cloud.prefix_lists_by_id(&ids).await;
        let by_name = self.cloud.prefix_lists_by_name(&names).await;
        let (by_id, by_name) = (self.answer(by_id), self.answer(by_name));
        for selector in selectors {
            let found = match selector {
                PrefixListSelector::Id(id) => by_id.as_ref().and_then(|lists| {
                    let found = lists.iter().filter(|list| list.id == *id).collect();
                    self.only_list(&format!("a prefix list {id}"), found)
                }),
                PrefixListSelector::Name(name) => by_name.as_ref().and_then(|lists| {
                    let found = lists.iter().filter(|list| list.name == *name).collect();
                    self.only_list(&format!("a prefix list named {name:?}"), found)
                }),
            };
            let known = found.or_else(|| self.previous.peers.prefix_lists.get(*selector).cloned());
            if let Some(list) = known {
                self.facts.peers.prefix_lists.insert((*selector).clone(), list);
            }
        }
    }

    fn only_list(&mut self, what: &str, found: Vec<&PrefixList>) -> Option<PeerList> {
        match found[..] {
            [list] => Some(PeerList { id: list.id.clone(), family: list.family }),
            [] => {
                let message = format!(
                    "{what} is not in {}: check its spelling, and that it is shared with this account",
                    self.cloud.scope()
                );
                self.unknown(Reason::PrefixListNotFound, message);
                None
            }
            _ => {
                let ids: Vec<&str> = found.iter().map(|list| list.id.as_str()).collect();
                let message =
                    format!("{what}: {} has several ({}). Name one by its id", self.cloud.scope(), ids.join(", "));
                self.unknown(Reason::PrefixListNotFound, message);
                None
            }
        }
    }
}

/// Who uses a group: only the interfaces of these load balancers, or others too.
///
/// The interfaces of a load balancer are told by their description, `ELB app/NAME/ID`.
/// Source: "Find the network interfaces of your load balancer" in AWS's knowledge centre.
///
/// # Errors
/// The interfaces could not be read.
pub async fn usage(
    cloud: &Cloud,
    group: &SecurityGroupId,
    load_balancers: &BTreeSet<ElbArn>,
) -> Result<Usage, AwsError> {
    let descriptions: BTreeSet<String> = load_balancers
        .iter()
        .filter_map(|arn| arn.as_str().split_once(":loadbalancer/"))
        .map(|(_, path)| format!("ELB {path}"))
        .collect();
    let elsewhere: BTreeSet<String> = cloud
        .interfaces_with_group(group)
        .await?
        .into_iter()
        .filter(|interface| !descriptions.contains(&interface.description))
        .map(name)
        .collect();
    Ok(if elsewhere.is_empty() { Usage::BoundLoadBalancersOnly } else { Usage::Elsewhere(elsewhere) })
}

fn name(interface: Interface) -> String {
    if interface.description.is_empty() {
        interface.id
    } else {
        format!("{} ({})", interface.id, interface.description)
    }
}
