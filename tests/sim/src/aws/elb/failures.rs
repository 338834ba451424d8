//! Elastic Load Balancing's errors. Sources: "Errors" of the calls in the API reference; where a page names none for a
//! case, `ValidationError` of "Common Errors".

use crate::aws::Failure;

pub fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("ValidationError", message)
}

pub fn not_simulated(what: impl std::fmt::Display) -> Failure {
    invalid(format!("{what} is not simulated"))
}

pub fn configuration(message: impl Into<String>) -> Failure {
    Failure::new("InvalidConfigurationRequest", message)
}

pub fn no_balancer(arn: &str) -> Failure {
    Failure::new("LoadBalancerNotFound", format!("Load balancer '{arn}' not found"))
}

pub fn no_target_group(arn: &str) -> Failure {
    Failure::new("TargetGroupNotFound", format!("Target group '{arn}' not found"))
}

pub fn no_listener(arn: &str) -> Failure {
    Failure::new("ListenerNotFound", format!("Listener '{arn}' not found"))
}

pub fn no_rule(arn: &str) -> Failure {
    Failure::new("RuleNotFound", format!("Rule '{arn}' not found"))
}

/// Source: `Name` of `CreateLoadBalancer` and `CreateTargetGroup`.
pub fn check_name(name: &str) -> Result<(), Failure> {
    let is_valid = (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_valid {
        Ok(())
    } else {
        Err(invalid(format!(
            "The name '{name}' must have at most 32 letters, digits and hyphens, and neither begin nor end with a hyphen"
        )))
    }
}
