//! Calls: what is read from a form, carried out, and answered in XML.

mod actions;
mod balancers;
mod listeners;
mod read;
mod tags;
mod target_groups;
mod write;

use crate::aws::answer::Xml;
use crate::aws::{Call, Failure, World};

use super::failures::not_simulated;

type Handler = fn(&mut World, &Call) -> Result<Xml, Failure>;

/// Each call with the parameters that it may have.
const CALLS: &[(&str, Handler, &[&str])] = &[
    ("AddTags", tags::add, &["ResourceArns", "Tags"]),
    (
        "CreateListener",
        listeners::create,
        &["LoadBalancerArn", "Protocol", "Port", "SslPolicy", "Certificates", "DefaultActions", "AlpnPolicy", "Tags"],
    ),
    (
        "CreateLoadBalancer",
        balancers::create,
        &["Name", "Subnets", "SubnetMappings", "SecurityGroups", "Scheme", "Tags", "Type", "IpAddressType"],
    ),
    ("CreateRule", listeners::create_rule, &["ListenerArn", "Conditions", "Priority", "Actions", "Tags"]),
    (
        "CreateTargetGroup",
        target_groups::create,
        &[
            "Name",
            "Protocol",
            "ProtocolVersion",
            "Port",
            "VpcId",
            "HealthCheckProtocol",
            "HealthCheckPort",
            "HealthCheckEnabled",
            "HealthCheckPath",
            "HealthCheckIntervalSeconds",
            "HealthCheckTimeoutSeconds",
            "HealthyThresholdCount",
            "UnhealthyThresholdCount",
            "Matcher",
            "TargetType",
            "Tags",
            "IpAddressType",
            "TargetControlPort",
        ],
    ),
    ("DeleteListener", listeners::delete, &["ListenerArn"]),
    ("DeleteLoadBalancer", balancers::delete, &["LoadBalancerArn"]),
    ("DeleteRule", listeners::delete_rule, &["RuleArn"]),
    ("DeleteTargetGroup", target_groups::delete, &["TargetGroupArn"]),
    ("DeregisterTargets", target_groups::deregister, &["TargetGroupArn", "Targets"]),
    ("DescribeListeners", listeners::describe, &["LoadBalancerArn", "ListenerArns", "Marker", "PageSize"]),
    ("DescribeLoadBalancerAttributes", balancers::describe_attributes, &["LoadBalancerArn"]),
    ("DescribeLoadBalancers", balancers::describe, &["LoadBalancerArns", "Names", "Marker", "PageSize"]),
    ("DescribeRules", listeners::describe_rules, &["ListenerArn", "RuleArns", "Marker", "PageSize"]),
    ("DescribeTags", tags::describe, &["ResourceArns"]),
    ("DescribeTargetGroupAttributes", target_groups::describe_attributes, &["TargetGroupArn"]),
    (
        "DescribeTargetGroups",
        target_groups::describe,
        &["LoadBalancerArn", "TargetGroupArns", "Names", "Marker", "PageSize"],
    ),
    ("DescribeTargetHealth", target_groups::describe_health, &["TargetGroupArn", "Targets"]),
    (
        "ModifyListener",
        listeners::modify,
        &["ListenerArn", "Port", "Protocol", "SslPolicy", "Certificates", "DefaultActions", "AlpnPolicy"],
    ),
    ("ModifyLoadBalancerAttributes", balancers::modify_attributes, &["LoadBalancerArn", "Attributes"]),
    ("ModifyRule", listeners::modify_rule, &["RuleArn", "Conditions", "Actions"]),
    (
        "ModifyTargetGroup",
        target_groups::modify,
        &[
            "TargetGroupArn",
            "HealthCheckProtocol",
            "HealthCheckPort",
            "HealthCheckPath",
            "HealthCheckEnabled",
            "HealthCheckIntervalSeconds",
            "HealthCheckTimeoutSeconds",
            "HealthyThresholdCount",
            "UnhealthyThresholdCount",
            "Matcher",
        ],
    ),
    ("ModifyTargetGroupAttributes", target_groups::modify_attributes, &["TargetGroupArn", "Attributes"]),
    ("RegisterTargets", target_groups::register, &["TargetGroupArn", "Targets"]),
    ("RemoveTags", tags::remove, &["ResourceArns", "TagKeys"]),
    ("SetIpAddressType", balancers::set_ip_address_type, &["LoadBalancerArn", "IpAddressType"]),
    (
        "SetSecurityGroups",
        balancers::set_security_groups,
        &["LoadBalancerArn", "SecurityGroups", "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"],
    ),
    ("SetSubnets", balancers::set_subnets, &["LoadBalancerArn", "Subnets", "SubnetMappings", "IpAddressType"]),
];

/// Carries out one call.
pub fn handle(world: &mut World, call: &Call) -> Result<Xml, Failure> {
    let Some((_, handler, parameters)) = CALLS.iter().find(|(action, ..)| *action == call.action) else {
        return Err(Failure::new("InvalidAction", format!("{} is not simulated", call.action)));
    };
    for name in call.parameters.keys() {
        let top = name.split('.').next().unwrap_or_default();
        if !parameters.contains(&top) {
            return Err(not_simulated(format_args!("{top} of {}", call.action)));
        }
    }
    handler(world, call)
}
