use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was seen and done. Written only when it changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// Generation of the spec that this status speaks of; -1 before the first.
    #[schemars(default = "unobserved")]
    pub observed_generation: i64,
    /// `Ready`, `Reconciling`, `Stalled`, `Resolved`, `InSync`, `BlueGreenReady`, `Contested`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The load balancer as it was last read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerStatus>,
    /// The security group that a SecurityGroupAccess writes, as it was last read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group: Option<AccessGroupStatus>,
    /// The target groups as they were last read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub target_groups: Vec<TargetGroupStatus>,
    /// Where traffic goes, of the two groups that `spec.blueGreen` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreenStatus>,
    /// Security groups that this object writes, or has yet to clean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub security_groups: Vec<SecurityGroupStatus>,
    /// Counts of this object's rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<RuleCounts>,
    /// Rules that sgbind did not make, in what this object governs; the widest first, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub foreign_rules: Vec<String>,
    /// Pending steps, at most 50; for `Observe` all that would be done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub plan: Vec<String>,
    /// Steps that wait, and for what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub held: Vec<HeldStatus>,
    /// Foreign rules that are being taken away, or were put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tightening: Option<TighteningStatus>,
    /// The last repair of a change that someone else made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drift: Option<DriftStatus>,
    /// Annotations that permit something once: the values that were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<AcknowledgedStatus>,
}

/// Values of annotations that permit something once. A new value acts again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AcknowledgedStatus {
    /// Of `sgbind.dev/allow-gap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_gap: Option<String>,
    /// Of `sgbind.dev/retry-tightening`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_tightening: Option<String>,
}

/// Value of `observedGeneration` before the controller has seen the object, so that kstatus counts
/// a new object as in progress.
fn unobserved() -> i64 {
    -1
}

/// A load balancer as it was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancerStatus {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// DNS name.
    pub dns_name: String,
    /// `application` or `network`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    /// `ipv4`, `dualstack` or `dualstack-without-public-ipv4`.
    pub ip_address_type: String,
    /// Id of its VPC.
    #[serde(rename = "vpcID")]
    pub vpc_id: String,
    /// CIDR blocks of the VPC.
    #[serde(rename = "vpcCIDRs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub vpc_cidrs: Vec<String>,
    /// Ids of its security groups.
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub security_groups: Vec<String>,
    /// The one of its security groups that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group: Option<String>,
    /// Its listeners.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub listeners: Vec<ListenerStatus>,
}

/// A listener as it was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ListenerStatus {
    /// Port.
    pub port: u16,
    /// `HTTP`, `HTTPS`, `TCP`, `TLS`, `UDP`, `TCP_UDP`, …
    pub protocol: String,
    /// An action of the listener or of one of its rules authenticates.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub authenticates: bool,
}

/// A target group as it was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetGroupStatus {
    /// Name in the binding; for a derived group its name in AWS.
    pub name: String,
    /// ARN; absent for a group that is declared without `ref`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub arn: String,
    /// Share of the traffic that the listeners and rules send to it, 0 to 999 summed over them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Protocol of the traffic, `HTTP`, `HTTPS`, `TCP`, …
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// Traffic ports.
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub ports: Vec<u16>,
    /// Health check port; absent where it is the traffic port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_port: Option<u16>,
    /// Target control port, where the group has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_port: Option<u16>,
    /// Ids of the security groups of its targets.
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub security_groups: Vec<String>,
    /// Addresses of targets outside the VPC.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub addresses: Vec<String>,
}

/// The security group of a SecurityGroupAccess as it was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessGroupStatus {
    /// Id.
    pub id: String,
    /// Id of its VPC.
    #[serde(rename = "vpcID")]
    pub vpc_id: String,
    /// CIDR blocks of the VPC, where a peer is `vpc: true`.
    #[serde(rename = "vpcCIDRs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub vpc_cidrs: Vec<String>,
}

/// Where traffic goes, of two groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreenStatus {
    /// Name of the group that has the greater weight; absent where both are equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// Weights by name.
    pub weights: BTreeMap<String, i32>,
}

/// A security group that the object writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecurityGroupStatus {
    /// Id.
    pub id: String,
    /// Account that owns it.
    #[serde(rename = "accountID", skip_serializing_if = "String::is_empty")]
    pub account_id: String,
    /// Region that it is in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// How full its ingress is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<RuleUsage>,
    /// How full its egress is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<RuleUsage>,
}

/// How full one direction of a group is, of the fuller address family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleUsage {
    /// Rules that are there; a prefix list counts its weight.
    pub used: u32,
    /// Rules that fit.
    pub limit: u32,
}

/// Counts of one object's rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleCounts {
    /// Rules that the object needs.
    pub desired: u32,
    /// Those of them that were seen in AWS.
    pub in_sync: u32,
    /// Those of them that were not.
    pub missing: u32,
    /// Rules made for this object that nothing needs any more.
    pub surplus: u32,
    /// Foreign rules in what this object governs.
    pub foreign: u32,
    /// `inSync/desired`, for the printer column.
    pub summary: String,
}

/// A step that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HeldStatus {
    /// The step, as in `plan`.
    pub step: String,
    /// What it waits for.
    pub reason: String,
}

/// A repair of a change that someone else made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DriftStatus {
    /// When, in RFC 3339.
    pub time: String,
    /// The rules that were put right.
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub repaired: Vec<String>,
}

/// Foreign rules that are taken away from one group. It stands here before the first of them goes, and is enough to put
/// them back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TighteningStatus {
    /// Id of the group.
    pub security_group: String,
    /// Account that owns it.
    #[serde(rename = "accountID")]
    pub account_id: String,
    /// Region that it is in.
    pub region: String,
    /// Generation of the spec by which they go.
    pub generation: i64,
    /// The rules.
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub removed: Vec<RemovedRuleStatus>,
    /// Until when the health of targets is watched, in RFC 3339; absent before the rules were seen to be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch_until: Option<String>,
    /// Targets that timed out before: they say nothing about the rules. At most 200.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub timed_out_before: Vec<TargetStatus>,
    /// The rules were put back, because targets became unhealthy.
    pub rolled_back: bool,
    /// Targets that became unhealthy with `Target.Timeout`. At most 200.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub unhealthy: Vec<TargetStatus>,
}

/// A foreign rule that was taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RemovedRuleStatus {
    /// The rule in words.
    pub rule: String,
    /// `ingress` or `egress`.
    pub direction: String,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub protocol: String,
    /// First port, or ICMP type; absent where the protocol has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_port: Option<i32>,
    /// Last port, or ICMP code; absent where the protocol has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_port: Option<i32>,
    /// A network, or the id of a security group or prefix list.
    pub peer: String,
    /// Account of the peer group, where it is another one.
    #[serde(rename = "peerAccountID", skip_serializing_if = "Option::is_none")]
    pub peer_account_id: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Tags, but for those of AWS's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A registered target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetStatus {
    /// ARN of the target group.
    pub target_group: String,
    /// Instance id, address, or ARN.
    pub id: String,
    /// Port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}
