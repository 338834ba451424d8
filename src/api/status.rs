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
    pub conditions: Vec<Condition>,
    /// The load balancer as it was last read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerStatus>,
    /// The target groups as they were last read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_groups: Vec<TargetGroupStatus>,
    /// Where traffic goes, of the two groups that `spec.blueGreen` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreenStatus>,
    /// Security groups that this object writes, or has yet to clean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<SecurityGroupStatus>,
    /// Counts of this object's rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<RuleCounts>,
    /// Rules that sgbind did not make, in what this object governs; the widest first, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign_rules: Vec<String>,
    /// Pending steps, at most 50; for `Observe` all that would be done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<String>,
    /// Steps that wait, and for what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldStatus>,
    /// The last repair of a change that someone else made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drift: Option<DriftStatus>,
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
    pub name: String,
    pub arn: String,
    pub dns_name: String,
    /// `application` or `network`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    /// `ipv4`, `dualstack` or `dualstack-without-public-ipv4`.
    pub ip_address_type: String,
    #[serde(rename = "vpcID")]
    pub vpc_id: String,
    /// CIDR blocks of the VPC.
    #[serde(rename = "vpcCIDRs", skip_serializing_if = "Vec::is_empty")]
    pub vpc_cidrs: Vec<String>,
    pub security_groups: Vec<String>,
    /// The one of its security groups that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<ListenerStatus>,
}

/// A listener as it was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ListenerStatus {
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
    #[serde(skip_serializing_if = "String::is_empty")]
    pub arn: String,
    /// Share of the traffic that the listeners and rules send to it, 0 to 999 summed over them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Protocol of the traffic, `HTTP`, `HTTPS`, `TCP`, …
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    pub ports: Vec<u16>,
    /// Absent where it is the traffic port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_port: Option<u16>,
    /// Target control port, where the group has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_port: Option<u16>,
    pub security_groups: Vec<String>,
    /// Addresses of targets outside the VPC.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
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
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<RuleUsage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<RuleUsage>,
}

/// How full one direction of a group is, of the fuller address family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleUsage {
    pub used: u32,
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
    pub step: String,
    pub reason: String,
}

/// A repair of a change that someone else made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DriftStatus {
    /// RFC 3339.
    pub time: String,
    pub repaired: Vec<String>,
}
