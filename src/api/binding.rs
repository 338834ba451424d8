use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DeletionPolicy, Enforcement, ForeignRules, Peer, SecurityGroupRef, Status};

/// Declares how an Application Load Balancer is bound to its targets; the security groups of both
/// are kept at exactly the rules that this needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "sgbind.dev",
    version = "v1alpha1",
    kind = "ALBTargetBinding",
    plural = "albtargetbindings",
    singular = "albtargetbinding",
    shortname = "albtb",
    category = "sgbind",
    namespaced,
    derive = "PartialEq",
    status = "Status"
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ALBTargetBindingSpec {
    /// AWS Region; by default that of the load balancer's ARN, else the controller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// AWS account; by default that of the load balancer's ARN, else the controller's.
    #[serde(default, rename = "accountID", skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The load balancer.
    pub load_balancer: LoadBalancerRef,
    /// Who may reach the listeners that name no clients of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<Vec<Peer>>,
    /// Listeners to open; by default the ports of the load balancer's own listeners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listeners: Option<Vec<Listener>>,
    /// Target groups; by default every group that the listeners and rules forward to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_groups: Option<Vec<TargetGroup>>,
    /// Where the load balancer itself must reach identity providers on 443, if an action authenticates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_providers: Option<Vec<Peer>>,
    /// Admits ICMP "fragmentation needed" (IPv6: "packet too big") from the clients.
    #[serde(default, rename = "pathMTUDiscovery")]
    pub path_mtu_discovery: bool,
    /// Names the two target groups between which traffic is shifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreen>,
    /// Which parts of the pattern are written.
    #[serde(default = "all_aspects")]
    pub manage: Vec<Aspect>,
    /// Whether differences are repaired (`Enforce`) or only shown (`Observe`).
    #[serde(default)]
    pub enforcement: Enforcement,
    /// Whether rules that sgbind did not make are left (`Report`) or removed (`Remove`).
    #[serde(default)]
    pub foreign_rules: ForeignRules,
    /// Whether the rules go with the object (`Revoke`) or stay without ownership (`Retain`).
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// A load balancer, by at most one of `arn`, `name`, `tags`, `ingress`, `gateway` or `service`; none
/// only where `securityGroup` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancerRef {
    /// ARN of the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Name of the load balancer, unique in account and Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Tags of the load balancer; all of them must match, and they must match exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// The load balancer whose DNS name stands in the status of this Ingress of the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<LocalObjectRef>,
    /// The load balancer whose DNS name stands in the status of this Gateway of the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<LocalObjectRef>,
    /// The load balancer whose DNS name stands in the status of this Service of the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<LocalObjectRef>,
    /// Which of its security groups to write; by default its only one, else its only opted-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group: Option<SecurityGroupRef>,
}

/// An object of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalObjectRef {
    /// Name of the object.
    pub name: String,
}

/// A listener's port and who may reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listener {
    /// Port of the listener.
    pub port: u16,
    /// Who may reach it; by default `spec.clients`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<Vec<Peer>>,
}

/// A target group: where traffic goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetGroup {
    /// Name, unique in the binding.
    pub name: String,
    /// The target group in AWS; without it `ports` and `securityGroups` or `addresses` are required.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<TargetGroupRef>,
    /// Traffic ports; by default those of the registered targets, and the group's own where none is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<u16>>,
    /// Health check port; by default the group's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_port: Option<u16>,
    /// Security groups of the targets; by default those of the registered targets' interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<SecurityGroupRef>>,
    /// Addresses outside the VPC; by default the registered ones. Egress only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
}

/// A target group in AWS, by exactly one of `arn` or `name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetGroupRef {
    /// ARN of the target group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Name of the target group, unique in account and Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The two target groups between which traffic is shifted, by their names in the binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlueGreen {
    /// Name of the blue target group.
    pub blue: String,
    /// Name of the green target group.
    pub green: String,
}

/// A part of the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Aspect {
    /// Ingress of the load balancer's group, from its clients.
    ListenerIngress,
    /// Egress of the load balancer's group, to its targets and identity providers.
    TargetEgress,
    /// Ingress of the targets' groups, from the load balancer's group.
    TargetIngress,
}

fn all_aspects() -> Vec<Aspect> {
    vec![Aspect::ListenerIngress, Aspect::TargetEgress, Aspect::TargetIngress]
}
