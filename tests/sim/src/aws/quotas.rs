//! Service Quotas, by its protocol of JSON: the one quota that the simulation enforces.
//!
//! Sources: `GetServiceQuota` and "Common errors" in the Service Quotas API reference; "AWS JSON 1.1 protocol" of Smithy.

use serde_json::{Value, json};

use super::{Call, Failure, World};

/// Quota of rules in a direction of a security group. Source: "Amazon VPC quotas", Service Quotas.
const RULES_PER_GROUP: (&str, &str) = ("vpc", "L-0EA8095F");

pub fn handle(world: &World, call: &Call) -> Result<Value, Failure> {
    if call.action != "GetServiceQuota" {
        return Err(Failure::new("UnknownOperationException", format!("{} is not simulated", call.action)));
    }
    let asked = (call.text("ServiceCode").unwrap_or_default(), call.text("QuotaCode").unwrap_or_default());
    if asked != RULES_PER_GROUP {
        return Err(Failure::new(
            "NoSuchResourceException",
            "The request failed because the specified quota does not exist.",
        ));
    }
    Ok(json!({"Quota": {
        "ServiceCode": asked.0,
        "QuotaCode": asked.1,
        "QuotaName": "Inbound or outbound rules per security group",
        "Value": f64::from(world.rules_per_group(&call.scope)),
        "Adjustable": true,
        "GlobalQuota": false,
    }}))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::aws::Scope;

    const TARGET: &str = "ServiceQuotasV20190624.GetServiceQuota";

    fn ask(world: &mut World, body: &str) -> (u16, Value) {
        let scope = Scope { account: "123456789012".into(), region: "eu-central-1".into() };
        let answer = world.answer(&Call::read_json(TARGET, body.as_bytes(), scope), Duration::ZERO);
        (answer.status, serde_json::from_str(&answer.body).expect("JSON"))
    }

    #[test]
    fn the_quota_that_is_told_is_the_one_that_is_enforced() {
        let mut world = World::new(1);
        let body = r#"{"ServiceCode": "vpc", "QuotaCode": "L-0EA8095F"}"#;
        let (status, answer) = ask(&mut world, body);
        assert_eq!((status, &answer["Quota"]["Value"]), (200, &json!(60.0)));
        let scope = Scope { account: "123456789012".into(), region: "eu-central-1".into() };
        world.set_rules_per_group(&scope, 4);
        assert_eq!(ask(&mut world, body).1["Quota"]["Value"], json!(4.0));
    }

    #[test]
    fn other_quotas_do_not_exist_and_denied_is_denied() {
        let mut world = World::new(1);
        let (status, answer) = ask(&mut world, r#"{"ServiceCode": "vpc", "QuotaCode": "L-1"}"#);
        assert_eq!((status, &answer["__type"]), (400, &json!("NoSuchResourceException")));
        world.deny("123456789012", "GetServiceQuota");
        let (status, answer) = ask(&mut world, "{}");
        assert_eq!((status, &answer["__type"]), (400, &json!("AccessDeniedException")));
    }
}
