use std::collections::BTreeSet;

use crate::aws::{AwsError, Cloud, Interface};
use crate::model::{
    ElbArn, GroupSelector, PeerGroup, PeerSelector, PrefixListSelector, Reason, SecurityGroupId, Usage, VpcId,
};

use super::Resolving;
use super::load_balancer::list;

impl Resolving<'_> {
    /// Looks up every group and prefix list that the binding names.
    pub(super) async fn named_peers(&mut self) {
        let binding = self.binding;
        let Some(vpc) = self.facts.vpc.as_ref().map(|vpc| vpc.id.clone()) else { return };
        let of_targets = binding.target_groups.iter().flatten().flat_map(|group| group.groups.iter().flatten());
        let groups: BTreeSet<&GroupSelector> = binding
            .peers()
            .filter_map(|peer| match peer {
                PeerSelector::Group(selector) => Some(selector),
                _ => None,
            })
            .chain(of_targets)
            .collect();
        for selector in groups {
            if let Some(id) = self.select_group("a security group", selector, &vpc).await {
                let account = match selector {
                    GroupSelector::Id { account, .. } => account.clone(),
                    _ => None,
                };
                self.facts.peers.groups.insert(selector.clone(), PeerGroup { id, account });
            } else if let Some(known) = self.previous.peers.groups.get(selector) {
                self.facts.peers.groups.insert(selector.clone(), known.clone());
            }
        }
        let lists: BTreeSet<&PrefixListSelector> = binding
            .peers()
            .filter_map(|peer| match peer {
                PeerSelector::PrefixList(selector) => Some(selector),
                _ => None,
            })
            .collect();
        for selector in lists {
            self.prefix_list(selector).await;
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
                self.unknown(Reason::SecurityGroupNotFound, format!("{what} {selector} is not in {vpc}"));
                None
            }
            _ => {
                let message = format!("{what} {selector}: {vpc} has several ({}). Name one by its id", list(&found));
                self.unknown(Reason::SecurityGroupAmbiguous, message);
                None
            }
        }
    }

    async fn prefix_list(&mut self, selector: &PrefixListSelector) {
        let found = match selector {
            PrefixListSelector::Id(id) => Some(id.clone()),
            PrefixListSelector::Name(name) => {
                let answer = self.cloud.prefix_lists_named(name).await;
                let mut found = self.answer(answer);
                if found.as_ref().is_some_and(|found| found.len() != 1) {
                    let count = found.as_ref().map_or(0, Vec::len);
                    let message =
                        format!("{count} prefix lists named {name:?} in {}, expected one", self.cloud.scope());
                    self.unknown(Reason::PrefixListNotFound, message);
                    found = None;
                }
                found.and_then(|mut found| found.pop())
            }
        };
        let known = found.or_else(|| self.previous.peers.prefix_lists.get(selector).cloned());
        if let Some(id) = known {
            self.facts.peers.prefix_lists.insert(selector.clone(), id);
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
