//! What a plain word of YAML is.
//!
//! kubectl and the API server read YAML 1.1: `yes` and `on` are true, 010 is eight, 1_000 a thousand. What is read here
//! must be the same. Source: `resolve` of sigs.k8s.io/yaml, package goyaml.v2.

use serde_json::Number;

use super::tree::Value;

/// What the word means where it stands without quotes and without a tag.
pub(super) fn resolve(word: &str) -> Value {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    number(word).map_or_else(|| Value::Text(word.to_owned()), Value::Number)
}

/// The number that the word is.
fn number(word: &str) -> Option<Number> {
    if !word.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return None;
    }
    let plain = word.replace('_', "");
    whole(&plain).or_else(|| {
        let fraction = is_fraction(&plain).then(|| plain.parse::<f64>().ok()).flatten()?;
        // Written as JSON, 8.0 is 8.
        if fraction.fract() == 0.0 && fraction.abs() < 1e15 {
            return Some((fraction as i64).into());
        }
        Number::from_f64(fraction)
    })
}

/// With a sign, and the prefixes for other bases; a leading zero means octal.
fn whole(plain: &str) -> Option<Number> {
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    // A second sign is none of a number.
    if !digits.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let value = u64::from_str_radix(digits, base).ok()?;
    match negative {
        false => Some(value.into()),
        true => 0_i64.checked_sub_unsigned(value).map(Number::from),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_fraction(plain: &str) -> bool {
    let plain = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (plain, None),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = |text: &str| !text.is_empty() && are_digits(text);
    let is_number = match mantissa.split_once('.') {
        Some(("", after)) => has_digits(after),
        Some((before, after)) => are_digits(before) && are_digits(after),
        None => has_digits(mantissa),
    };
    is_number && exponent.is_none_or(has_digits)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value as Json, json};

    use super::super::tree::Node;
    use super::*;

    #[rstest]
    #[case("yes", json!(true))]
    #[case("off", json!(false))]
    #[case("No", json!(false))]
    #[case("yEs", json!("yEs"))]
    #[case("~", json!(null))]
    #[case("", json!(null))]
    #[case("443", json!(443))]
    #[case("+443", json!(443))]
    #[case("-1", json!(-1))]
    #[case("- 1", json!("- 1"))]
    #[case("-", json!("-"))]
    #[case("--1", json!("--1"))]
    #[case("010", json!(8))]
    #[case("0o10", json!(8))]
    #[case("08", json!(8))]
    #[case("0x1F", json!(31))]
    #[case("0b11", json!(3))]
    #[case("0", json!(0))]
    #[case("1_000", json!(1000))]
    #[case("123456789012", json!(123_456_789_012_i64))]
    #[case("18446744073709551615", json!(18_446_744_073_709_551_615_u64))]
    #[case("-9223372036854775808", json!(i64::MIN))]
    #[case("8.5", json!(8.5))]
    #[case("8.0", json!(8))]
    #[case(".5", json!(0.5))]
    #[case("8.", json!(8))]
    #[case("1e3", json!(1000))]
    #[case("1e", json!("1e"))]
    #[case(".", json!("."))]
    #[case("10.0.0.0/8", json!("10.0.0.0/8"))]
    #[case("8000-8100", json!("8000-8100"))]
    #[case("2026-11-27", json!("2026-11-27"))]
    #[case("0xsg", json!("0xsg"))]
    #[case("sg-0a1b2c3d", json!("sg-0a1b2c3d"))]
    fn words_mean_what_kubectl_takes_them_for(#[case] word: &str, #[case] meant: Json) {
        assert_eq!(Node { line: 1, value: resolve(word) }.to_json(), meant);
    }
}
