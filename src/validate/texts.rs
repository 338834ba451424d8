//! What names and ids of AWS and Kubernetes look like, as the patterns in `api::rules` have it.

pub use crate::model::is_account;

fn all(text: &str, is: impl Fn(&u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(|byte| is(&byte))
}

/// Whether it is `prefix` and 8 to 17 hexadecimal digits.
pub fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| (8..=17).contains(&digits.len()) && is_hexadecimal(digits))
}

pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [area, places @ .., number] = &parts[..] else { return false };
    let are_letters = [&[*area], places].concat().iter().all(|part| all(part, u8::is_ascii_lowercase));
    let is_number = number.len() <= 2 && all(number, u8::is_ascii_digit);
    (2..=5).contains(&area.len()) && !places.is_empty() && are_letters && is_number
}

/// Letters, digits and inner hyphens: names of load balancers and target groups.
pub fn is_hyphenated(text: &str) -> bool {
    all(text, |byte| byte.is_ascii_alphanumeric() || *byte == b'-') && !text.starts_with('-') && !text.ends_with('-')
}

/// The name of a Kubernetes object, a DNS subdomain.
pub fn is_object_name(text: &str) -> bool {
    text.split('.').all(|label| is_hyphenated(label) && !label.bytes().any(|byte| byte.is_ascii_uppercase()))
}

pub fn is_load_balancer_name(text: &str) -> bool {
    is_hyphenated(text) && !text.starts_with("internal-")
}

pub fn is_load_balancer_arn(text: &str) -> bool {
    is_arn(text, &["loadbalancer/app/", "loadbalancer/net/"])
}

pub fn is_target_group_arn(text: &str) -> bool {
    is_arn(text, &["targetgroup/"])
}

fn is_arn(text: &str, resources: &[&str]) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", partition, "elasticloadbalancing", region, account, resource] = parts[..] else { return false };
    let is_partition =
        partition == "aws" || partition.strip_prefix("aws-").is_some_and(|rest| rest.split('-').all(is_lower_case));
    let named = resources.iter().find_map(|prefix| resource.strip_prefix(prefix)?.split_once('/'));
    let is_named = named.is_some_and(|(name, id)| {
        name.len() <= 32 && all(name, |byte| byte.is_ascii_alphanumeric() || *byte == b'-') && is_hexadecimal(id)
    });
    let is_place = all(region, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-');
    is_partition && is_place && is_account(account) && is_named
}

fn is_lower_case(text: &str) -> bool {
    all(text, u8::is_ascii_lowercase)
}

fn is_hexadecimal(text: &str) -> bool {
    all(text, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
