//! DNS names of load balancers.
//!
//! An application load balancer is reached under `[internal-]NAME-<digits>.<region>.elb.amazonaws.com`, a network load
//! balancer under `NAME-<hex digits>.elb.<region>.amazonaws.com`, in China with `.cn` at the end. Any may stand behind
//! `dualstack.`. Sources: `DNSName` in the examples of `DescribeLoadBalancers`; "Internal load balancers" in the Elastic
//! Load Balancing user guide; "Values specific for simple alias records" in the Route 53 Developer Guide.

/// The longest name. Source: `CreateLoadBalancer`, also for the characters, and for `internal-` not being part of it.
const LONGEST_NAME: usize = 32;

/// The name of the load balancer that has this DNS name; `None` if it does not look like one's.
pub(super) fn name_in(host: &str) -> Option<&str> {
    let (label, zone) = bare(host).split_once('.')?;
    let is_of_elb = zone.split('.').take(2).any(|label| label.eq_ignore_ascii_case("elb"));
    let (name, id) = label.rsplit_once('-')?;
    let name = match name.split_once('-') {
        Some((first, rest)) if first.eq_ignore_ascii_case("internal") => rest,
        _ => name,
    };
    // A name that AWS could not take would make the call fail.
    let may_be_name = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_of_elb && is_id && may_be_name).then_some(name)
}

/// Whether two DNS names are the same load balancer's.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    bare(one).eq_ignore_ascii_case(bare(other))
}

/// Without a trailing dot and `dualstack.`.
fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.split_once('.') {
        Some((first, rest)) if first.eq_ignore_ascii_case("dualstack") => rest,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_in_the_dns_name() {
        for (host, name) in [
            ("my-alb-1234567890.us-east-2.elb.amazonaws.com", "my-alb"),
            ("internal-my-alb-1234567890.us-east-2.elb.amazonaws.com", "my-alb"),
            ("my-nlb-1234567890abcdef.elb.us-east-2.amazonaws.com", "my-nlb"),
            ("k8s-shop-web-0a1b2c3d4e-1234567890.cn-north-1.elb.amazonaws.com.cn", "k8s-shop-web-0a1b2c3d4e"),
            ("my-nlb-1234567890abcdef.elb.cn-north-1.amazonaws.com.cn", "my-nlb"),
            ("dualstack.my-alb-1234567890.us-east-2.elb.amazonaws.com.", "my-alb"),
            ("DUALSTACK.Internal-My-ALB-1234567890.US-EAST-2.ELB.AMAZONAWS.COM", "My-ALB"),
            ("internal-1234567890.us-east-2.elb.amazonaws.com", "internal"),
            (
                "a-name-of-the-greatest-length-is-1234567890.us-east-2.elb.amazonaws.com",
                "a-name-of-the-greatest-length-is",
            ),
        ] {
            assert_eq!(name_in(host), Some(name), "{host}");
        }
    }

    #[test]
    fn what_is_no_dns_name_of_a_load_balancer_tells_no_name() {
        for host in [
            "",
            ".",
            "dualstack.",
            "shop.example.com",
            "my-alb-1234567890.us-east-2.example.com",
            "my-alb-1234567890.a.b.elb.amazonaws.com",
            "alb.us-east-2.elb.amazonaws.com",
            "-1234567890.us-east-2.elb.amazonaws.com",
            "my-alb-.us-east-2.elb.amazonaws.com",
            "my-alb-xyz.us-east-2.elb.amazonaws.com",
            "my_alb-1234567890.us-east-2.elb.amazonaws.com",
            "an-over-long-name-of-33-character-1234567890.us-east-2.elb.amazonaws.com",
        ] {
            assert_eq!(name_in(host), None, "{host:?}");
        }
    }

    #[test]
    fn case_trailing_dot_and_dualstack_make_no_difference() {
        let name = "my-alb-1234567890.us-east-2.elb.amazonaws.com";
        for same in [
            "My-ALB-1234567890.us-east-2.elb.amazonaws.com",
            "my-alb-1234567890.us-east-2.elb.amazonaws.com.",
            "dualstack.my-alb-1234567890.us-east-2.elb.amazonaws.com",
        ] {
            assert!(is_same(name, same) && is_same(same, name), "{same}");
        }
        for other in
            ["my-alb-1234567891.us-east-2.elb.amazonaws.com", "my-alb-1234567890.us-east-1.elb.amazonaws.com", ""]
        {
            assert!(!is_same(name, other), "{other}");
        }
    }
}
