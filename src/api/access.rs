use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DeletionPolicy, Enforcement, ForeignRules, PrefixListRef, SecurityGroupRef, Status, rules};

/// What is wanted: the rules of one security group, by who may reach its members (`ingress`) and whom
/// they may reach (`egress`). Where one of the two is absent, that direction is none of this object's
/// business; an empty list means that nothing is allowed there.
#[allow(clippy::duplicated_attributes, reason = "each printer column has a type")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "sgbind.dev",
    version = "v1alpha1",
    kind = "SecurityGroupAccess",
    plural = "securitygroupaccesses",
    singular = "securitygroupaccess",
    shortname = "sga",
    category = "sgbind",
    namespaced,
    derive = "PartialEq",
    status = "Status",
    doc = "Declares who may reach the members of a security group, and whom they may reach, by role: web servers, databases, SSH, ICMP, DNS, EFS and so on. The security group is kept at exactly the rules that this needs.",
    printcolumn(name = "Security-Group", type_ = "string", json_path = ".status.securityGroup.id"),
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
#[x_kube(validation = rules::some_direction(), validation = rules::group_in_own_account("securityGroup"))]
#[x_kube(validation = rules::vpc_beside_names())]
pub struct SecurityGroupAccessSpec {
    /// AWS Region; by default the controller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::region())]
    pub region: Option<String>,
    /// AWS account; by default the controller's.
    #[serde(default, rename = "accountID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    #[x_kube(validation = rules::account_id())]
    pub account_id: Option<String>,
    /// VPC in which security groups are looked up by name or tags; needed where one is.
    #[serde(default, rename = "vpcID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 21))]
    #[x_kube(validation = rules::vpc_id())]
    pub vpc_id: Option<String>,
    /// The security group whose rules are written.
    pub security_group: SecurityGroupRef,
    /// Who may reach the group's members, and how. Absent: ingress is not governed. Empty: nobody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub ingress: Option<Vec<IngressAccess>>,
    /// Whom the group's members may reach, and how. Absent: egress is not governed. Empty: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub egress: Option<Vec<EgressAccess>>,
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

/// Traffic that peers may send to the group's members: every service and port, from every peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::some_traffic())]
#[x_kube(validation = rules::icmp_family("from", "ICMP", 4), validation = rules::icmp_family("from", "ICMPv6", 6))]
pub struct IngressAccess {
    /// Services, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = rules::some_services())]
    pub services: Option<Vec<Service>>,
    /// Ports and ICMP types that no service names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[x_kube(validation = rules::some_access_ports())]
    pub ports: Option<Vec<AccessPort>>,
    /// Who may send it.
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[x_kube(validation = rules::some_peers(), validation = rules::no_access_peer_twice())]
    pub from: Vec<AccessPeer>,
    /// Goes into the descriptions of the rules in EC2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 150))]
    #[x_kube(validation = rules::rule_description(), validation = rules::description_is_trimmed())]
    pub description: Option<String>,
}

/// Traffic that the group's members may send to peers: every service and port, to every peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::some_traffic())]
#[x_kube(validation = rules::icmp_family("to", "ICMP", 4), validation = rules::icmp_family("to", "ICMPv6", 6))]
pub struct EgressAccess {
    /// Services, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = rules::some_services())]
    pub services: Option<Vec<Service>>,
    /// Ports and ICMP types that no service names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[x_kube(validation = rules::some_access_ports())]
    pub ports: Option<Vec<AccessPort>>,
    /// To whom it may go.
    #[schemars(length(max = 60))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[x_kube(validation = rules::some_peers(), validation = rules::no_access_peer_twice())]
    pub to: Vec<AccessPeer>,
    /// Goes into the descriptions of the rules in EC2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 150))]
    #[x_kube(validation = rules::rule_description(), validation = rules::description_is_trimmed())]
    pub description: Option<String>,
}

/// The other side of a rule: exactly one of `cidr`, `securityGroup`, `prefixList`, `vpc: true` or
/// `self: true`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::exactly_one("a peer", &["cidr", "securityGroup", "prefixList", "vpc", "self"]))]
pub struct AccessPeer {
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
    /// `true` for all CIDR blocks of the group's VPC, IPv4 and IPv6; `false` is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::vpc_true())]
    pub vpc: Option<bool>,
    /// `true` for the members of the group itself; `false` is refused.
    #[serde(default, rename = "self", skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rules::self_true())]
    pub itself: Option<bool>,
}

/// A port, a range of ports, or an ICMP type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = rules::port_of_transport(), validation = rules::no_port_of_others())]
#[x_kube(validation = rules::ports_in_order(), validation = rules::icmp_fields(), validation = rules::code_beside_type())]
pub struct AccessPort {
    /// `TCP` or `UDP` with `port`, `ICMP` or `ICMPv6` with or without `icmpType`, or `All`.
    pub protocol: Protocol,
    /// The port, or the first of a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub port: Option<u16>,
    /// The last port of a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub end_port: Option<u16>,
    /// ICMP type, 0 to 255; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::unbounded)]
    #[x_kube(validation = rules::icmp_type())]
    pub icmp_type: Option<u8>,
    /// ICMP code, 0 to 255; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::unbounded)]
    #[x_kube(validation = rules::icmp_code())]
    pub icmp_code: Option<u8>,
}

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// TCP; `port` is required.
    #[serde(rename = "TCP")]
    Tcp,
    /// UDP; `port` is required.
    #[serde(rename = "UDP")]
    Udp,
    /// ICMP over IPv4.
    #[serde(rename = "ICMP")]
    Icmp,
    /// ICMP over IPv6.
    #[serde(rename = "ICMPv6")]
    IcmpV6,
    /// Every protocol and port.
    All,
}

/// Traffic that has a name. Port numbers are IANA's, or those of the security group rules that the EC2 user guide
/// gives for different use cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Service {
    /// tcp 80.
    #[serde(rename = "HTTP")]
    Http,
    /// tcp 443.
    #[serde(rename = "HTTPS")]
    Https,
    /// tcp 22.
    #[serde(rename = "SSH")]
    Ssh,
    /// tcp 3389.
    #[serde(rename = "RDP")]
    Rdp,
    /// tcp 1433.
    #[serde(rename = "MSSQL")]
    Mssql,
    /// tcp 3306.
    MySQL,
    /// tcp 5439.
    Redshift,
    /// tcp 5432.
    PostgreSQL,
    /// tcp 1521.
    Oracle,
    /// tcp 2049.
    #[serde(rename = "NFS")]
    Nfs,
    /// tcp 53 and udp 53.
    #[serde(rename = "DNS")]
    Dns,
    /// Echo requests: icmp type 8, icmpv6 type 128.
    Ping,
    /// icmp type 3 code 4, icmpv6 type 2 code 0.
    #[serde(rename = "PathMTUDiscovery")]
    PathMtuDiscovery,
    /// Every protocol and port.
    AllTraffic,
    /// Every port of tcp.
    #[serde(rename = "AllTCP")]
    AllTcp,
    /// Every port of udp.
    #[serde(rename = "AllUDP")]
    AllUdp,
    /// Every type of icmp, icmpv6.
    #[serde(rename = "AllICMP")]
    AllIcmp,
}
