//! Rules of Region and account, where they are said in more than one place: by an ARN, or beside a group that is written.
//! What is no ARN or account id at all is refused by its own rule only.

use kube::core::Rule;

use super::explained;

pub fn region_agrees() -> Rule {
    explained(
        "!has(self.region) || !has(self.loadBalancer.arn) || !self.loadBalancer.arn.contains(':loadbalancer/') \
         || self.loadBalancer.arn.contains(':elasticloadbalancing:' + self.region + ':')",
        "'%s is not the Region of the load balancer %s: correct one of them, or omit region'.format([self.region, self.loadBalancer.arn])",
    )
    .field_path(".region")
}

pub fn account_agrees() -> Rule {
    explained(
        "!has(self.accountID) || !has(self.loadBalancer.arn) || !self.loadBalancer.arn.contains(':loadbalancer/') \
         || self.loadBalancer.arn.contains(':' + self.accountID + ':loadbalancer/')",
        "'%s is not the account of the load balancer %s: correct one of them, or omit accountID'.format([self.accountID, self.loadBalancer.arn])",
    )
    .field_path(".accountID")
}

/// The account of a group that is written, at `group` of the spec. That of a peer may be any.
pub fn group_in_own_account(group: &str) -> Rule {
    let group_of_spec = format!("self.{group}");
    explained(
        format!("!has({group_of_spec}) || !{}", of_other_account(&group_of_spec)),
        format!(
            "'the account of the security group that is written stands in spec.accountID: write accountID: \"%s\" there'\
             .format([{group_of_spec}.accountID])"
        ),
    )
    .field_path(format!(".{group}.accountID"))
}

pub fn target_groups_in_own_account() -> Rule {
    let others =
        format!("has(target.securityGroups) && target.securityGroups.exists(group, {})", of_other_account("group"));
    explained(
        format!("!has(self.targetGroups) || !self.targetGroups.exists(target, {others})"),
        format!(
            "'the account of security groups that are written stands in spec.accountID: write it there, and leave it out of \
             securityGroups in %s'.format([self.targetGroups.filter(target, {others}).map(target, target.name)])"
        ),
    )
    .field_path(".targetGroups")
}

/// CEL: the group names an account that is not that of the spec. What is no account id is refused by its own rule only.
fn of_other_account(group: &str) -> String {
    format!(
        "(has({group}.accountID) && {group}.accountID.matches('^[0-9]{{12}}$') \
         && !(has(self.accountID) && self.accountID == {group}.accountID))"
    )
}

/// Where the load balancer's ARN is given, it says more than `region` and `accountID` could.
pub fn target_groups_beside_load_balancer() -> Rule {
    let beside = "group.ref.arn.startsWith(self.loadBalancer.arn.split(':loadbalancer/')[0] + ':targetgroup/')";
    explained(
        format!(
            "!has(self.loadBalancer.arn) || !self.loadBalancer.arn.contains(':loadbalancer/') || {}",
            each_target_group_arn(beside)
        ),
        format!(
            "'not of the Region and account of the load balancer %s: %s; correct one of them'.format([self.loadBalancer.arn, {}])",
            other_target_group_arns(beside)
        ),
    )
    .field_path(".targetGroups")
}

pub fn target_groups_in_region() -> Rule {
    let within = "group.ref.arn.contains(':elasticloadbalancing:' + self.region + ':')";
    explained(
        format!("!has(self.region) || has(self.loadBalancer.arn) || {}", each_target_group_arn(within)),
        format!(
            "'not of the Region %s, which spec.region names: %s; correct one of them'.format([self.region, {}])",
            other_target_group_arns(within)
        ),
    )
    .field_path(".targetGroups")
}

pub fn target_groups_in_account() -> Rule {
    let within = "group.ref.arn.contains(':' + self.accountID + ':targetgroup/')";
    explained(
        format!("!has(self.accountID) || has(self.loadBalancer.arn) || {}", each_target_group_arn(within)),
        format!(
            "'not of the account %s, which spec.accountID names: %s; correct one of them'.format([self.accountID, {}])",
            other_target_group_arns(within)
        ),
    )
    .field_path(".targetGroups")
}

const HAS_ARN: &str = "has(group.ref) && has(group.ref.arn) && group.ref.arn.contains(':targetgroup/')";

fn each_target_group_arn(holds: &str) -> String {
    format!("!has(self.targetGroups) || self.targetGroups.all(group, !({HAS_ARN}) || {holds})")
}

fn other_target_group_arns(holds: &str) -> String {
    format!("self.targetGroups.filter(group, {HAS_ARN} && !{holds}).map(group, group.ref.arn)")
}
