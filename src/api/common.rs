use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A security group, by exactly one of `id`, `name` or `tags`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecurityGroupRef {
    /// Id of the group, such as `sg-0a1b2c3d4e5f67890`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Group name, unique in the VPC of the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Tags of the group; all of them must match, and they must match exactly one group of the VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Account that owns the group, beside `id`, for a peer in another account.
    #[serde(default, rename = "accountID", skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

/// A managed prefix list, by exactly one of `id` or `name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrefixListRef {
    /// Id of the list, such as `pl-0a1b2c3d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name of the list, such as `com.amazonaws.global.cloudfront.origin-facing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Who may reach a listener: exactly one of `cidr`, `securityGroup`, `prefixList` or `vpc: true`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Peer {
    /// IPv4 or IPv6 network, such as `10.0.0.0/8`, without host bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr: Option<String>,
    /// Security group whose members are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group: Option<SecurityGroupRef>,
    /// Managed prefix list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_list: Option<PrefixListRef>,
    /// All CIDR blocks of the VPC, IPv4 and IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
