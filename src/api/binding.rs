use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DeletionPolicy, Enforcement, ForeignRules, Peer, SecurityGroupRef, Status, rules};

/// What is wanted. Only the load balancer must be named; the rest is derived from it.
#[allow(clippy::duplicated_attributes, reason = "each printer column has a type")]
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
    status = "Status",
    doc = "Declares how an Application Load Balancer (or a Network Load Balancer with security groups) is bound to its targets. The security groups of both are kept at exactly the rules that this needs.",
    printcolumn(name = "Load-Balancer", type_ = "string", json_path = ".status.loadBalancer.name"),
    printcolumn(name = "Enforcement", type_ = "string", json_path = ".spec.enforcement"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(
        name = "Rules",
        type_ = "string",
        json_path = ".status.rules.summary",
        description = "Rules of this object that were seen in AWS, of those that it needs."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::region_agrees(), validation = rules::account_agrees())]
#[x_kube(validation = rules::target_groups_beside_load_balancer())]
#[x_kube(validation = rules::target_groups_in_region(), validation = rules::target_groups_in_account())]
#[x_kube(validation = rules::group_in_own_account("loadBalancer.securityGroup"))]
#[x_kube(validation = rules::target_groups_in_own_account())]
#[x_kube(validation = rules::something_to_do(), validation = rules::clients_without_load_balancer())]
#[x_kube(validation = rules::blue_green_member("blue"), validation = rules::blue_green_member("green"))]
pub struct ALBTargetBindingSpec {
    /// AWS Region; by default that of the load balancer's ARN, else the controller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::region())]
    pub region: Option<String>,
    /// AWS account; by default that of the load balancer's ARN, else the controller's.
    #[serde(default, rename = "accountID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    #[x_kube(validation = rules::account_id())]
    pub account_id: Option<String>,
    /// The load balancer, by at most one of `arn`, `name`, `tags`, `ingress`, `gateway` or `service`.
    /// With none of them only `securityGroup` is written, to what `listeners` and `targetGroups`
    /// declare.
    pub load_balancer: LoadBalancerRef,
    /// Who may reach the listeners that name no clients of their own. By default, for an Application
    /// Load Balancer: the VPC if it is internal; anywhere, on ports 80 and 443, if it faces the
    /// internet. A Network Load Balancer has no default. An empty list is refused: to keep a port
    /// closed, leave it out of `listeners`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[x_kube(validation = rules::some_clients(), validation = rules::no_peer_twice())]
    pub clients: Option<Vec<Peer>>,
    /// Listeners to open; by default the ports of the load balancer's own listeners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["port".into()]))]
    #[x_kube(validation = rules::some_listeners())]
    pub listeners: Option<Vec<Listener>>,
    /// Target groups; by default every group that the listeners and rules forward to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[x_kube(validation = rules::some_target_groups())]
    pub target_groups: Option<Vec<TargetGroup>>,
    /// Where the load balancer itself must reach identity providers on 443, if an action
    /// authenticates; by default anywhere (0.0.0.0/0). An empty list means nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[x_kube(validation = rules::no_peer_twice())]
    pub identity_providers: Option<Vec<Peer>>,
    /// Admits ICMP "fragmentation needed" (IPv6: "packet too big") from the clients.
    #[serde(default, rename = "pathMTUDiscovery")]
    pub path_mtu_discovery: bool,
    /// The two target groups between which traffic is shifted; adds `status.blueGreen` and the
    /// condition `BlueGreenReady`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreen>,
    /// Which parts of the pattern are written: ingress of the load balancer's group from its clients
    /// (`ListenerIngress`), its egress to targets and identity providers (`TargetEgress`), ingress of
    /// the targets' groups from it (`TargetIngress`). All three by default.
    // Atomic: with a set, the items of the default would stay, as nobody who applies owns them.
    #[serde(default = "all_aspects")]
    #[schemars(length(max = 3))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[x_kube(validation = rules::some_aspects())]
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
#[x_kube(validation = rules::at_most_one_load_balancer(), validation = rules::load_balancer_or_group())]
#[x_kube(validation = rules::group_id_without_load_balancer())]
pub struct LoadBalancerRef {
    /// ARN of the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = rules::load_balancer_arn())]
    pub arn: Option<String>,
    /// Name of the load balancer, unique in account and Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::load_balancer_name())]
    pub name: Option<String>,
    /// Tags of the load balancer; all of them must match, and they must match exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::bound_tags)]
    #[x_kube(validation = rules::some_tags(), validation = rules::tag_keys())]
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
    #[schemars(length(max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// A listener's port and who may reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listener {
    /// Port of the listener.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// Who may reach it; by default `spec.clients`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[x_kube(validation = rules::some_clients(), validation = rules::no_peer_twice())]
    pub clients: Option<Vec<Peer>>,
}

/// A target group: where traffic goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::target_group_without_ref())]
pub struct TargetGroup {
    /// Name, unique in the binding.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rules::target_group_label())]
    pub name: String,
    /// The target group in AWS; without it `ports` and `securityGroups` or `addresses` are required.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<TargetGroupRef>,
    /// Traffic ports; by default those of the registered targets, and the group's own where none is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60), inner(range(min = 1, max = 65535)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = rules::some_ports())]
    pub ports: Option<Vec<u16>>,
    /// Health check port; by default the group's own (`traffic-port` there means `ports`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub health_check_port: Option<u16>,
    /// Security groups of the targets; by default those of the registered targets' interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[x_kube(validation = rules::some_security_groups(), validation = rules::no_group_twice())]
    pub security_groups: Option<Vec<SecurityGroupRef>>,
    /// Addresses outside the VPC, as networks such as `10.200.0.7/32`; by default the registered ones.
    /// Egress only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60), inner(length(max = 43)), transform = rules::each_a_network)]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = rules::some_addresses())]
    pub addresses: Option<Vec<String>>,
}

/// A target group in AWS, by exactly one of `arn` or `name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::exactly_one("a target group", &["arn", "name"]))]
pub struct TargetGroupRef {
    /// ARN of the target group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = rules::target_group_arn())]
    pub arn: Option<String>,
    /// Name of the target group, unique in account and Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::target_group_name())]
    pub name: Option<String>,
}

/// The two target groups between which traffic is shifted, by their names in the binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::two_groups())]
pub struct BlueGreen {
    /// Name of the blue target group: one of `targetGroups`, or its name in AWS where none are declared.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rules::target_group_label())]
    pub blue: String,
    /// Name of the green target group: one of `targetGroups`, or its name in AWS where none are declared.
    #[schemars(length(max = 63))]
    #[x_kube(validation = rules::target_group_label())]
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
