//! Target groups: made, changed and deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::aws::ec2::model::Tags;
use crate::aws::{Changed, Failure, Scope, World};

use super::balancers::Region;
use super::failures::{check_name, invalid, no_target_group};
use super::health::settle;
use super::model::{Elb, HealthCheck, Matcher, TargetGroup, TargetKind};
use super::{arns, attributes};

/// What `CreateTargetGroup` takes.
#[derive(Clone, Debug)]
pub struct NewTargetGroup {
    pub name: String,
    pub kind: TargetKind,
    pub protocol: Option<String>,
    pub protocol_version: Option<String>,
    pub port: Option<u16>,
    pub vpc: Option<String>,
    pub is_ipv6: bool,
    pub health_check: HealthCheckChange,
    pub control_port: Option<u16>,
    pub tags: Tags,
}

impl NewTargetGroup {
    /// With default health checks.
    pub fn new(kind: TargetKind, name: &str, protocol: &str, port: u16, vpc: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            protocol: Some(protocol.to_owned()),
            protocol_version: None,
            port: Some(port),
            vpc: Some(vpc.to_owned()),
            is_ipv6: false,
            health_check: HealthCheckChange::default(),
            control_port: None,
            tags: Tags::new(),
        }
    }
}

/// What is said about health checks; `None`: the default, or as before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthCheckChange {
    pub is_enabled: Option<bool>,
    pub protocol: Option<String>,
    /// `traffic-port` or a number.
    pub port: Option<String>,
    pub path: Option<String>,
    /// Seconds, 5 to 300.
    pub interval: Option<u64>,
    /// Seconds, 2 to 120.
    pub timeout: Option<u64>,
    /// 2 to 10.
    pub healthy_threshold: Option<u32>,
    /// 2 to 10.
    pub unhealthy_threshold: Option<u32>,
    pub matcher: Option<Matcher>,
}

impl World {
    /// Makes a target group, and says its ARN. The same once more is the one that is there.
    ///
    /// Source: `CreateTargetGroup`.
    pub fn create_target_group(&mut self, scope: &Scope, new: NewTargetGroup) -> Result<String, Failure> {
        check_name(&new.name)?;
        let region = Region::of(self, scope);
        check_shape(&new)?;
        if let Some(vpc) = new.vpc.as_ref().filter(|vpc| !region.ec2.vpcs.contains_key(*vpc)) {
            return Err(invalid(format!("The VPC ID '{vpc}' is not found")));
        }
        let defaults = default_health_check(new.kind, new.protocol.as_deref(), new.protocol_version.as_deref());
        let is_http = matches!(new.protocol.as_deref(), Some("HTTP" | "HTTPS"));
        let mut made = TargetGroup {
            arn: String::new(),
            health_check: changed_health_check(defaults, &new.health_check, new.kind, new.protocol.as_deref())?,
            attributes: attributes::of_target_group(new.kind, new.protocol.as_deref()),
            name: new.name,
            kind: new.kind,
            protocol_version: new.protocol_version.or_else(|| is_http.then(|| "HTTP1".to_owned())),
            protocol: new.protocol,
            port: new.port,
            vpc: new.vpc,
            is_ipv6: new.is_ipv6,
            control_port: new.control_port,
            tags: new.tags,
            targets: BTreeMap::new(),
        };
        if let Some(there) = region.elb.target_group_named(&made.name) {
            let differs = || {
                let message = format!("A target group with the same name '{}' exists, with other settings", made.name);
                Failure::new("DuplicateTargetGroupName", message)
            };
            return if is_same(there, &made) { Ok(there.arn.clone()) } else { Err(differs()) };
        }
        made.arn = arns::target_group(self, scope, &made.name);
        let arn = made.arn.clone();
        let elb = &mut self.region_mut(scope).elb;
        elb.target_group_names.insert(made.name.clone(), arn.clone());
        elb.target_groups.insert(arn.clone(), made);
        self.changed.insert(Changed::TargetGroup { scope: scope.clone(), arn: arn.clone() });
        settle(self);
        Ok(arn)
    }

    /// Source: `ModifyTargetGroup`. What targets have come to by the checks so far stays.
    pub fn modify_target_group(&mut self, scope: &Scope, arn: &str, change: &HealthCheckChange) -> Result<(), Failure> {
        let now = self.now;
        let elb = &mut self.region_mut(scope).elb;
        let group = elb.target_groups.get_mut(arn).ok_or_else(|| no_target_group(arn))?;
        let old = group.health_check.clone();
        let new = changed_health_check(old.clone(), change, group.kind, group.protocol.as_deref())?;
        for history in group.targets.values_mut().filter_map(|target| target.history.as_mut()) {
            history.settle(now, &old);
        }
        group.health_check = new;
        self.changed.insert(Changed::TargetGroup { scope: scope.clone(), arn: arn.to_owned() });
        settle(self);
        Ok(())
    }

    /// Deletes a target group that nothing forwards to. One that is not there is no error.
    ///
    /// Source: `DeleteTargetGroup`.
    pub fn delete_target_group(&mut self, scope: &Scope, arn: &str) -> Result<(), Failure> {
        if arns::kind(arn) != Some(arns::Kind::TargetGroup) {
            return Err(invalid(format!("'{arn}' is not a valid target group ARN")));
        }
        let elb = &mut self.region_mut(scope).elb;
        if elb.forwards.contains_key(arn) {
            let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
            return Err(Failure::new("ResourceInUse", message));
        }
        if let Some(gone) = elb.target_groups.remove(arn) {
            elb.target_group_names.remove(&gone.name);
            elb.index.forget(arn);
        }
        Ok(())
    }
}

impl Elb {
    pub fn target_group_named(&self, name: &str) -> Option<&TargetGroup> {
        self.target_groups.get(self.target_group_names.get(name)?)
    }

    /// ARNs of the load balancers that forward to a target group, from default actions and rules, whatever the weight.
    pub fn balancers_of(&self, target_group: &str) -> impl Iterator<Item = &str> {
        self.forwards.get(target_group).into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }
}

fn is_same(there: &TargetGroup, new: &TargetGroup) -> bool {
    (there.kind, &there.protocol, &there.protocol_version, there.port, &there.vpc)
        == (new.kind, &new.protocol, &new.protocol_version, new.port, &new.vpc)
        && there.is_ipv6 == new.is_ipv6
        && there.health_check == new.health_check
        && there.control_port == new.control_port
}

/// Sources: `Protocol`, `Port`, `VpcId`, `TargetType` of `CreateTargetGroup`.
fn check_shape(new: &NewTargetGroup) -> Result<(), Failure> {
    let protocol = new.protocol.as_deref();
    if new.kind == TargetKind::Lambda {
        let has_none = protocol.is_none() && new.port.is_none() && new.vpc.is_none() && new.control_port.is_none();
        return if has_none {
            Ok(())
        } else {
            Err(invalid("Protocol, port and VPC cannot be specified for target groups with target type lambda"))
        };
    }
    let protocol = protocol.ok_or_else(|| invalid("A protocol must be specified"))?;
    let known = ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC", "GENEVE"];
    if !known.contains(&protocol) {
        return Err(invalid(format!("'{protocol}' is not a protocol")));
    }
    if new.port.is_none_or(|port| port == 0) || new.control_port == Some(0) {
        return Err(invalid("A port between 1 and 65535 must be specified"));
    }
    if new.vpc.is_none() {
        return Err(invalid("A VPC ID must be specified"));
    }
    let is_http = ["HTTP", "HTTPS"].contains(&protocol);
    let version = new.protocol_version.as_deref();
    if version.is_some_and(|version| !is_http || !["HTTP1", "HTTP2", "GRPC"].contains(&version)) {
        return Err(invalid("The protocol version must be HTTP1, HTTP2 or GRPC, of protocol HTTP or HTTPS"));
    }
    if new.control_port.is_some() && !is_http {
        return Err(invalid("A target control port can only be specified for protocol HTTP or HTTPS"));
    }
    match new.kind {
        TargetKind::Alb if protocol != "TCP" => Err(invalid("Target type alb needs protocol TCP")),
        TargetKind::Alb if new.is_ipv6 => Err(invalid("Target type alb can't be ipv6")),
        _ => Ok(()),
    }
}

/// Sources: `CreateTargetGroup`; "Health checks" in the user guides (5 seconds of timeout for HTTP, where the API
/// reference says 6).
fn default_health_check(kind: TargetKind, protocol: Option<&str>, version: Option<&str>) -> HealthCheck {
    let (interval, timeout, healthy, unhealthy) = match (kind, protocol) {
        (TargetKind::Lambda, _) => (35, 30, 5, 5),
        (TargetKind::Alb, _) => (30, 6, 5, 2),
        (_, Some("HTTP" | "HTTPS")) => (30, 5, 5, 2),
        (_, Some("GENEVE")) => (10, 5, 5, 2),
        _ => (30, 10, 5, 2),
    };
    let check_protocol = match (kind, protocol) {
        (TargetKind::Lambda, _) => None,
        (TargetKind::Alb, _) => Some("HTTP"),
        (_, Some(protocol @ ("HTTP" | "HTTPS"))) => Some(protocol),
        _ => Some("TCP"),
    };
    let is_http = check_protocol != Some("TCP");
    let path = if version == Some("GRPC") { "/AWS.ALB/healthcheck" } else { "/" };
    HealthCheck {
        is_enabled: kind != TargetKind::Lambda,
        protocol: check_protocol.map(str::to_owned),
        port: (protocol == Some("GENEVE")).then_some(80),
        path: is_http.then(|| path.to_owned()),
        interval: Duration::from_secs(interval),
        timeout: Duration::from_secs(timeout),
        healthy_threshold: healthy,
        unhealthy_threshold: unhealthy,
        matcher: default_matcher(check_protocol, protocol, version),
    }
}

/// Source: `Matcher`: 200 for an application load balancer, 200-399 for others, 12 for gRPC.
fn default_matcher(check: Option<&str>, protocol: Option<&str>, version: Option<&str>) -> Option<Matcher> {
    match (check, protocol, version) {
        (Some("TCP"), ..) => None,
        (.., Some("GRPC")) => Matcher::grpc("12"),
        (_, Some("HTTP" | "HTTPS") | None, _) => Matcher::http("200"),
        _ => Matcher::http("200-399"),
    }
}

fn changed_health_check(
    mut check: HealthCheck,
    change: &HealthCheckChange,
    kind: TargetKind,
    protocol: Option<&str>,
) -> Result<HealthCheck, Failure> {
    if let Some(to) = &change.protocol {
        let is_for_http = matches!(protocol, Some("HTTP" | "HTTPS"));
        let fits = match to.as_str() {
            "HTTP" | "HTTPS" => kind != TargetKind::Lambda,
            "TCP" => !is_for_http && !matches!(kind, TargetKind::Lambda | TargetKind::Alb),
            _ => false,
        };
        if !fits {
            return Err(invalid(format!("Health check protocol '{to}' is not supported for this target group")));
        }
        if check.protocol.as_ref() != Some(to) {
            check.matcher = check.matcher.take().or_else(|| default_matcher(Some(to), protocol, None));
            check.path = check.path.take().or_else(|| Some("/".to_owned()));
        }
        check.protocol = Some(to.clone());
    }
    match change.port.as_deref() {
        None => {}
        Some("traffic-port") => check.port = None,
        Some(number) => {
            let port: Option<u16> = number.parse().ok().filter(|port| *port != 0);
            check.port = Some(port.ok_or_else(|| invalid(format!("Health check port '{number}' is not valid")))?);
        }
    }
    if let Some(path) = &change.path {
        check.path = Some(path.clone());
    }
    if let Some(matcher) = &change.matcher {
        check.matcher = Some(matcher.clone());
    }
    if check.protocol.as_deref() == Some("TCP") {
        if change.matcher.is_some() || change.path.is_some() {
            return Err(invalid("TCP health checks have neither path nor matcher"));
        }
        (check.matcher, check.path) = (None, None);
    }
    check.is_enabled = change.is_enabled.unwrap_or(check.is_enabled);
    if !check.is_enabled && kind != TargetKind::Lambda {
        return Err(invalid("Health check enabled must be true for target groups with this target type"));
    }
    changed_rhythm(check, change)
}

fn changed_rhythm(mut check: HealthCheck, change: &HealthCheckChange) -> Result<HealthCheck, Failure> {
    let interval = change.interval.unwrap_or(check.interval.as_secs());
    let timeout = change.timeout.unwrap_or(check.timeout.as_secs());
    check.healthy_threshold = change.healthy_threshold.unwrap_or(check.healthy_threshold);
    check.unhealthy_threshold = change.unhealthy_threshold.unwrap_or(check.unhealthy_threshold);
    if !(5..=300).contains(&interval) || !(2..=120).contains(&timeout) || timeout > interval {
        return Err(invalid(
            "Health check interval must be 5 to 300 seconds, timeout 2 to 120 and not above the interval",
        ));
    }
    if [check.healthy_threshold, check.unhealthy_threshold].iter().any(|count| !(2..=10).contains(count)) {
        return Err(invalid("Health check thresholds must be between 2 and 10"));
    }
    (check.interval, check.timeout) = (Duration::from_secs(interval), Duration::from_secs(timeout));
    Ok(check)
}
