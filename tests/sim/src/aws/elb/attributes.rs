//! Attributes of load balancers and target groups: names with what they are by default.
//!
//! Sources: `LoadBalancerAttribute` and `TargetGroupAttribute` in the API reference.

use std::collections::BTreeMap;
use std::time::Duration;

use super::model::{BalancerKind, TargetGroup, TargetKind};

type Attributes = BTreeMap<String, String>;

pub fn of_balancer(kind: BalancerKind) -> Attributes {
    let mut all = vec![("deletion_protection.enabled", "false")];
    if kind != BalancerKind::Gateway {
        all.extend([("access_logs.s3.enabled", "false"), ("access_logs.s3.bucket", ""), ("access_logs.s3.prefix", "")]);
        all.push(("ipv6.deny_all_igw_traffic", "false"));
        all.push(("zonal_shift.config.enabled", "false"));
    }
    match kind {
        BalancerKind::Application => all.extend([
            ("load_balancing.cross_zone.enabled", "true"),
            ("client_keep_alive.seconds", "3600"),
            ("connection_logs.s3.enabled", "false"),
            ("connection_logs.s3.bucket", ""),
            ("connection_logs.s3.prefix", ""),
            ("health_check_logs.s3.enabled", "false"),
            ("health_check_logs.s3.bucket", ""),
            ("health_check_logs.s3.prefix", ""),
            ("idle_timeout.timeout_seconds", "60"),
            ("routing.http.desync_mitigation_mode", "defensive"),
            ("routing.http.drop_invalid_header_fields.enabled", "false"),
            ("routing.http.preserve_host_header.enabled", "false"),
            ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
            ("routing.http.xff_client_port.enabled", "false"),
            ("routing.http.xff_header_processing.mode", "append"),
            ("routing.http2.enabled", "true"),
            ("waf.fail_open.enabled", "false"),
        ]),
        BalancerKind::Network => all.extend([
            ("load_balancing.cross_zone.enabled", "false"),
            ("dns_record.client_routing_policy", "any_availability_zone"),
        ]),
        BalancerKind::Gateway => all.push(("load_balancing.cross_zone.enabled", "false")),
    }
    owned(&all)
}

/// How long a target drains, in seconds, among them.
pub fn of_target_group(kind: TargetKind, protocol: Option<&str>) -> Attributes {
    if kind == TargetKind::Lambda {
        return owned(&[("lambda.multi_value_headers.enabled", "false")]);
    }
    let mut all = vec![(DEREGISTRATION_DELAY, "300"), ("stickiness.enabled", "false")];
    all.push(("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"));
    if matches!(protocol, Some("HTTP" | "HTTPS")) {
        all.extend([
            ("load_balancing.algorithm.type", "round_robin"),
            ("slow_start.duration_seconds", "0"),
            ("stickiness.type", "lb_cookie"),
            ("stickiness.lb_cookie.duration_seconds", "86400"),
            ("stickiness.app_cookie.cookie_name", ""),
            ("stickiness.app_cookie.duration_seconds", "86400"),
        ]);
    } else {
        let keeps_client =
            if kind == TargetKind::Ip && matches!(protocol, Some("TCP" | "TLS")) { "false" } else { "true" };
        all.extend([
            ("deregistration_delay.connection_termination.enabled", "false"),
            ("preserve_client_ip.enabled", keeps_client),
            ("proxy_protocol_v2.enabled", "false"),
            ("stickiness.type", "source_ip"),
        ]);
    }
    owned(&all)
}

const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";

/// How long targets drain.
pub fn deregistration_delay(group: &TargetGroup) -> Duration {
    let seconds = group.attributes.get(DEREGISTRATION_DELAY).and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

/// Why an attribute can't have a value; `None`: it can.
pub fn refusal(known: &Attributes, key: &str, value: &str) -> Option<String> {
    let Some(default) = known.get(key) else { return Some(format!("Key '{key}' not recognized")) };
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    let is_flag = |text: &str| ["true", "false"].contains(&text);
    let fits = match default.as_str() {
        _ if key == DEREGISTRATION_DELAY => value.parse().is_ok_and(|seconds: u32| seconds <= 3600),
        text if is_flag(text) => is_flag(value),
        text if is_number(text) => is_number(value),
        _ => true,
    };
    (!fits).then(|| format!("'{value}' is not a valid value for '{key}'"))
}

fn owned(all: &[(&str, &str)]) -> Attributes {
    all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
