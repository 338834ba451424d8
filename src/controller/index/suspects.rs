//! Pure: who may be undoing what we do to a security group, so far as tags and descriptions tell.

use crate::api::names::{CLUSTER_TAG_PREFIX, LOAD_BALANCER_CONTROLLER_TAG};
use crate::model::{Direction, Tags, Us};

/// What someone does to a rule of whom we would have it otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undoing {
    /// They take away what is needed.
    Revoked,
    /// They make again what was removed.
    Authorized,
}

impl Undoing {
    /// The name of the event in CloudTrail: that of the API action.
    pub(super) fn event(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Revoked, Direction::Ingress) => "RevokeSecurityGroupIngress",
            (Self::Revoked, Direction::Egress) => "RevokeSecurityGroupEgress",
            (Self::Authorized, Direction::Ingress) => "AuthorizeSecurityGroupIngress",
            (Self::Authorized, Direction::Egress) => "AuthorizeSecurityGroupEgress",
        }
    }
}

/// Tags by which tools mark what they keep, each with what to say of its value.
///
/// Sources: "Resource tags" in the CloudFormation user guide; the AWS Load Balancer Controller's and the AWS cloud
/// provider's documents on tags; "Security group requirements" in the EKS user guide; Karpenter's `EC2NodeClass`.
const KEEPERS: [(&str, &str); 7] = [
    ("aws:cloudformation:stack-name", "the CloudFormation stack"),
    (LOAD_BALANCER_CONTROLLER_TAG, "the AWS Load Balancer Controller of the cluster"),
    ("aws:eks:cluster-name", "EKS, for the cluster"),
    ("eks:cluster-name", "EKS, for the cluster"),
    ("eks:eks-cluster-name", "EKS, for the cluster"),
    ("karpenter.sh/nodepool", "Karpenter, for the node pool"),
    ("karpenter.sh/discovery", "Karpenter, or what set it up for the cluster"),
];
/// Tags of the cloud provider: `kubernetes.io/cluster/NAME`.
const CLOUD_PROVIDER_PREFIX: &str = "kubernetes.io/cluster/";
/// Tags by which people say what tool keeps something, in whatever case and with whatever sign between the words.
const MANAGED_BY: [&str; 4] = ["managedby", "createdby", "provisionedby", "provisioner"];
/// As much of a description as is told.
const MOST_CHARACTERS: usize = 80;

/// In words, each of them by which tag or description that is told; empty where nothing tells. `rule_tags` and
/// `description` are those of a rule that came back.
pub(super) fn suspects(us: &Us, group_tags: &Tags, rule_tags: &Tags, description: &str) -> Vec<String> {
    let mut who = Vec::new();
    for (tags, of) in [(rule_tags, "the rule"), (group_tags, "the group")] {
        for (key, keeper) in KEEPERS {
            if let Some(value) = tags.get(key) {
                who.push(format!("{keeper} {value} (tag {key} of {of})"));
            }
        }
        for (key, value) in tags {
            if let Some(cluster) = key.strip_prefix(CLOUD_PROVIDER_PREFIX) {
                who.push(format!("the cloud provider of the cluster {cluster} (tag {key} of {of})"));
            }
            if let Some(cluster) = key.strip_prefix(CLUSTER_TAG_PREFIX).filter(|name| *name != us.cluster.as_str()) {
                who.push(format!("sgbind in the cluster {cluster} (tag {key} of {of})"));
            }
            let word: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
            if MANAGED_BY.contains(&word.to_ascii_lowercase().as_str()) {
                who.push(format!("{value} (tag {key} of {of})"));
            }
        }
    }
    if !description.is_empty() {
        let said: String = description.chars().take(MOST_CHARACTERS).collect();
        who.push(format!("who describes the rule as {said:?}"));
    }
    who
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{tags, us};

    /// Tags of the group, tags and description of the rule that came back, and who it may be.
    type Row = (
        &'static [(&'static str, &'static str)],
        &'static [(&'static str, &'static str)],
        &'static str,
        &'static [&'static str],
    );
    const TABLE: &[Row] = &[
        (&[], &[], "", &[]),
        (&[("Name", "shop"), ("sgbind.dev/cluster/prod", "owned"), ("sgbind.dev/namespaces", "*")], &[], "", &[]),
        (
            &[("aws:cloudformation:stack-name", "network")],
            &[],
            "",
            &["the CloudFormation stack network (tag aws:cloudformation:stack-name of the group)"],
        ),
        (
            &[("elbv2.k8s.aws/cluster", "prod")],
            &[],
            "",
            &["the AWS Load Balancer Controller of the cluster prod (tag elbv2.k8s.aws/cluster of the group)"],
        ),
        (
            &[("kubernetes.io/cluster/prod", "owned")],
            &[],
            "",
            &["the cloud provider of the cluster prod (tag kubernetes.io/cluster/prod of the group)"],
        ),
        (
            &[("aws:eks:cluster-name", "prod"), ("karpenter.sh/discovery", "prod")],
            &[],
            "",
            &[
                "EKS, for the cluster prod (tag aws:eks:cluster-name of the group)",
                "Karpenter, or what set it up for the cluster prod (tag karpenter.sh/discovery of the group)",
            ],
        ),
        (&[("managed-by", "Terraform")], &[], "", &["Terraform (tag managed-by of the group)"]),
        (&[("ManagedBy", "pulumi")], &[], "", &["pulumi (tag ManagedBy of the group)"]),
        (
            &[("sgbind.dev/cluster/stage", "owned"), ("sgbind.dev/cluster/prod", "owned")],
            &[],
            "",
            &["sgbind in the cluster stage (tag sgbind.dev/cluster/stage of the group)"],
        ),
        (
            &[("managed_by", "terraform")],
            &[("Provisioner", "ansible")],
            "office VPN",
            &[
                "ansible (tag Provisioner of the rule)",
                "terraform (tag managed_by of the group)",
                "who describes the rule as \"office VPN\"",
            ],
        ),
    ];

    #[test]
    fn tags_and_descriptions_tell_who_it_may_be() {
        for (group, rule, description, expected) in TABLE {
            assert_eq!(suspects(&us(), &tags(group), &tags(rule), description), *expected);
        }
    }

    #[test]
    fn a_long_description_is_cut() {
        let told = suspects(&us(), &Tags::new(), &Tags::new(), &"x".repeat(255));
        assert_eq!(told, [format!("who describes the rule as \"{}\"", "x".repeat(80))]);
    }
}
