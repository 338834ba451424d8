//! Data types of the API reference, as XML.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::aws::answer::Xml;
use crate::aws::ec2::model::Tags;
use crate::aws::elb::model::{Action, Deed, Listener, LoadBalancer, Rule, TargetGroup, TargetKind};
use crate::aws::elb::{State, TargetKey, Tree};

/// What the beginning of the simulation is told as: 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600;

pub fn members(name: &str, items: impl IntoIterator<Item = Xml>) -> Xml {
    Xml::new().list(name, "member", items)
}

/// A list of texts.
pub fn texts(xml: Xml, name: &str, texts: impl IntoIterator<Item = impl std::fmt::Display>) -> Xml {
    xml.nested(name, texts.into_iter().fold(Xml::new(), |xml, text| xml.text("member", text)))
}

/// `LoadBalancer`.
pub fn load_balancer(balancer: &LoadBalancer) -> Xml {
    let xml = Xml::new()
        .text("LoadBalancerArn", &balancer.arn)
        .maybe("DNSName", Some(&balancer.dns_name).filter(|name| !name.is_empty()))
        .maybe("CanonicalHostedZoneId", Some(&balancer.canonical_hosted_zone).filter(|id| !id.is_empty()))
        .text("CreatedTime", instant(balancer.created))
        .text("LoadBalancerName", &balancer.name)
        .text("Scheme", balancer.scheme.as_str())
        .text("VpcId", &balancer.vpc)
        .nested("State", Xml::new().text("Code", "active"))
        .text("Type", balancer.kind.as_str())
        .list("AvailabilityZones", "member", availability_zones(balancer));
    let xml = if balancer.groups.is_empty() { xml } else { texts(xml, "SecurityGroups", &balancer.groups) };
    let enforce = balancer.enforce_on_private_link.as_ref();
    xml.text("IpAddressType", balancer.ip_address_type.as_str())
        .maybe("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", enforce)
}

/// `AvailabilityZone` of each zone.
pub fn availability_zones(balancer: &LoadBalancer) -> impl Iterator<Item = Xml> {
    balancer.zones.iter().map(|(name, zone)| {
        Xml::new().text("ZoneName", name).text("SubnetId", &zone.subnet).list("LoadBalancerAddresses", "member", [])
    })
}

fn instant(since_beginning: Duration) -> Timestamp {
    let since_beginning = SignedDuration::try_from(since_beginning).unwrap_or(SignedDuration::ZERO);
    let epoch = Timestamp::from_second(EPOCH).unwrap_or(Timestamp::UNIX_EPOCH);
    epoch.checked_add(since_beginning).unwrap_or(epoch)
}

/// `Listener`.
pub fn listener(listener: &Listener) -> Xml {
    let mut xml = Xml::new()
        .text("ListenerArn", &listener.arn)
        .text("LoadBalancerArn", &listener.balancer)
        .maybe("Port", listener.port)
        .maybe("Protocol", listener.protocol.as_ref());
    if !listener.certificates.is_empty() {
        let certificates = listener.certificates.iter().map(|arn| Xml::new().text("CertificateArn", arn));
        xml = xml.list("Certificates", "member", certificates);
    }
    let xml = xml.maybe("SslPolicy", listener.ssl_policy.as_ref()).list(
        "DefaultActions",
        "member",
        listener.actions.iter().map(action),
    );
    if listener.alpn.is_empty() { xml } else { texts(xml, "AlpnPolicy", &listener.alpn) }
}

/// `Rule`.
pub fn rule(priority: u32, rule: &Rule) -> Xml {
    Xml::new()
        .text("RuleArn", &rule.arn)
        .text("Priority", priority)
        .list("Conditions", "member", rule.conditions.iter().map(Tree::inner))
        .list("Actions", "member", rule.actions.iter().map(action))
        .text("IsDefault", false)
}

/// The `Rule` that stands for the default actions.
pub fn default_rule(listener: &Listener) -> Xml {
    Xml::new()
        .text("RuleArn", &listener.default_rule)
        .text("Priority", "default")
        .list("Conditions", "member", [])
        .list("Actions", "member", listener.actions.iter().map(action))
        .text("IsDefault", true)
}

/// `Action`: a forward to one target group in both forms.
fn action(action: &Action) -> Xml {
    let xml = Xml::new();
    match &action.deed {
        Deed::Other { kind, config } => {
            let xml = xml.text("Type", kind.as_str()).maybe("Order", action.order);
            config.write(xml, kind.config_name())
        }
        Deed::Forward(forward) => {
            let tuple = |(arn, weight): &(String, u32)| Xml::new().text("TargetGroupArn", arn).text("Weight", weight);
            let sticky = Xml::new().text("Enabled", forward.sticky.is_some()).maybe("DurationSeconds", forward.sticky);
            let config = Xml::new()
                .list("TargetGroups", "member", forward.target_groups.iter().map(tuple))
                .nested("TargetGroupStickinessConfig", sticky);
            let single = match forward.target_groups.as_slice() {
                [(arn, _)] => Some(arn),
                _ => None,
            };
            xml.text("Type", "forward")
                .maybe("TargetGroupArn", single)
                .maybe("Order", action.order)
                .nested("ForwardConfig", config)
        }
    }
}

/// `TargetGroup`.
pub fn target_group<'a>(group: &TargetGroup, balancers: impl Iterator<Item = &'a str>) -> Xml {
    let check = &group.health_check;
    let port = match (check.port, group.kind) {
        (_, TargetKind::Lambda) => None,
        (Some(port), _) => Some(port.to_string()),
        (None, _) => Some("traffic-port".to_owned()),
    };
    let xml = Xml::new()
        .text("TargetGroupArn", &group.arn)
        .text("TargetGroupName", &group.name)
        .maybe("Protocol", group.protocol.as_ref())
        .maybe("Port", group.port)
        .maybe("VpcId", group.vpc.as_ref())
        .maybe("HealthCheckProtocol", check.protocol.as_ref())
        .maybe("HealthCheckPort", port)
        .text("HealthCheckEnabled", check.is_enabled)
        .text("HealthCheckIntervalSeconds", check.interval.as_secs())
        .text("HealthCheckTimeoutSeconds", check.timeout.as_secs())
        .text("HealthyThresholdCount", check.healthy_threshold)
        .text("UnhealthyThresholdCount", check.unhealthy_threshold)
        .maybe("HealthCheckPath", check.path.as_ref());
    let xml = match &check.matcher {
        Some(matcher) => xml.nested("Matcher", Xml::new().text(matcher.field().0, matcher.field().1)),
        None => xml,
    };
    let family = (group.kind != TargetKind::Lambda).then_some(if group.is_ipv6 { "ipv6" } else { "ipv4" });
    texts(xml, "LoadBalancerArns", balancers)
        .text("TargetType", group.kind.as_str())
        .maybe("ProtocolVersion", group.protocol_version.as_ref())
        .maybe("IpAddressType", family)
        .maybe("TargetControlPort", group.control_port)
}

/// `TargetHealthDescription`.
pub fn target_health(group: &TargetGroup, key: &TargetKey, zone: Option<&str>, state: &State) -> Xml {
    let target = Xml::new().text("Id", &key.id).maybe("Port", key.port).maybe("AvailabilityZone", zone);
    let port = group.health_check.port.or(key.port).filter(|_| group.kind != TargetKind::Lambda);
    let health = Xml::new()
        .text("State", state.state)
        .maybe("Reason", state.reason)
        .maybe("Description", state.description.as_ref());
    Xml::new().nested("Target", target).maybe("HealthCheckPort", port).nested("TargetHealth", health)
}

/// `TagDescription`.
pub fn tags(arn: &str, tags: &Tags) -> Xml {
    let tags = tags.iter().map(|(key, value)| Xml::new().text("Key", key).text("Value", value));
    Xml::new().text("ResourceArn", arn).list("Tags", "member", tags)
}

/// A list of attributes.
pub fn attributes<'a>(attributes: impl IntoIterator<Item = (&'a String, &'a String)>) -> Xml {
    let attribute = |(key, value)| Xml::new().text("Key", key).text("Value", value);
    members("Attributes", attributes.into_iter().map(attribute))
}
