//! The security group of a SecurityGroupAccess, and its peers.

use crate::model::{Access, GroupSelector, PeerSelector, Reason, SecurityGroupId, VpcFacts};

use super::Resolving;

impl Resolving<'_> {
    /// Finds the group that is written and the groups and lists that the rules name.
    pub(super) async fn access(&mut self, access: &Access) {
        let found = self.own_group(access).await;
        if found.is_none() {
            // What was last known of it stays in force.
            self.facts.group = self.previous.group.clone();
            self.facts.vpc = self.previous.vpc.clone();
        }
        let peers: Vec<&PeerSelector> = access.peers().collect();
        self.named_peers(&peers, &[], access.vpc.as_ref()).await;
    }

    async fn own_group(&mut self, access: &Access) -> Option<()> {
        let id = self.group_to_write(access).await?;
        let answer = self.cloud.group(&id).await;
        let Some(group) = self.answer(answer)? else {
            let message = format!(
                "no security group {id} in {}: check spec.securityGroup, spec.region and spec.accountID",
                self.cloud.scope()
            );
            self.unknown(Reason::SecurityGroupNotFound, message);
            return None;
        };
        match (&access.vpc, &group.vpc) {
            (Some(declared), Some(vpc)) if declared != vpc => {
                let message =
                    format!("security group {id} is in {vpc}, and spec.vpcID is {declared}: correct one of them");
                self.unknown(Reason::SecurityGroupNotFound, message);
                return None;
            }
            (_, Some(vpc)) if access.peers().any(|peer| *peer == PeerSelector::Vpc) => self.vpc(vpc).await,
            (_, vpc) => self.facts.vpc = vpc.clone().map(|id| VpcFacts { id, cidrs: Default::default() }),
        }
        self.facts.group = Some(id);
        Some(())
    }

    async fn group_to_write(&mut self, access: &Access) -> Option<SecurityGroupId> {
        match (&access.group, &access.vpc) {
            (Some(GroupSelector::Id { id, .. }), _) => Some(id.clone()),
            (Some(selector), Some(vpc)) => self.select_group("spec.securityGroup", selector, vpc).await,
            // Validation has refused it.
            (None, _) | (Some(_), None) => None,
        }
    }
}
