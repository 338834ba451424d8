use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// A security group, by exactly one of `id`, `name` or `tags`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::exactly_one("a security group", &["id", "name", "tags"]))]
#[x_kube(validation = rules::account_beside_id())]
pub struct SecurityGroupRef {
    /// Id of the group, such as `sg-0a1b2c3d4e5f67890`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = rules::security_group_id())]
    pub id: Option<String>,
    /// Group name, unique in its VPC: that of the load balancer, or `spec.vpcID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = rules::security_group_name())]
    pub name: Option<String>,
    /// Tags of the group; all of them must match, and they must match exactly one group of the VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::bound_tags)]
    #[x_kube(validation = rules::some_tags(), validation = rules::tag_keys())]
    pub tags: Option<BTreeMap<String, String>>,
    /// Account that owns the group, beside `id`, for a group in another account.
    #[serde(default, rename = "accountID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    #[x_kube(validation = rules::account_id())]
    pub account_id: Option<String>,
}

/// A managed prefix list, by exactly one of `id` or `name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::exactly_one("a prefix list", &["id", "name"]))]
pub struct PrefixListRef {
    /// Id of the list, such as `pl-0a1b2c3d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = rules::prefix_list_id())]
    pub id: Option<String>,
    /// Name of the list, such as `com.amazonaws.global.cloudfront.origin-facing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[x_kube(validation = rules::prefix_list_name())]
    pub name: Option<String>,
}

/// The other side of a rule: exactly one of `cidr`, `securityGroup`, `prefixList` or `vpc: true`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::exactly_one("a peer", &["cidr", "securityGroup", "prefixList", "vpc"]))]
pub struct Peer {
    /// IPv4 or IPv6 network, such as `10.0.0.0/8` or `2001:db8::/32`, without host bits. A single
    /// address has the length 32 (IPv6: 128).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 43))]
    #[x_kube(validation = rules::network(), validation = rules::no_host_bits())]
    pub cidr: Option<String>,
    /// Security group whose members are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group: Option<SecurityGroupRef>,
    /// Managed prefix list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_list: Option<PrefixListRef>,
    /// `true` for all CIDR blocks of the VPC, IPv4 and IPv6; `false` is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::vpc_true())]
    pub vpc: Option<bool>,
}

/// Whether differences are repaired or only shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Enforcement {
    /// Differences are repaired.
    #[default]
    Enforce,
    /// Differences are shown in the status; nothing is written.
    Observe,
}

/// What happens to rules that sgbind did not make, in what the object governs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ForeignRules {
    /// They are listed in the status and left as they are.
    #[default]
    Report,
    /// They are removed from groups that are `owned`.
    Remove,
}

/// What happens to the rules when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// The rules are revoked.
    #[default]
    Revoke,
    /// The rules stay; only the ownership tags are dropped.
    Retain,
}
