//! Something can't be read: what is known is made, nothing goes, and it is no success.

use rstest::rstest;

use super::operator::Operator;
use crate::simulation::{Stage, in_virtual_time, these};
use crate::world::aws::ACCOUNT;
use crate::world::{Estate, estate, group};

const OLD: &str = "ALB-SG in tcp 443 <- 10.0.0.0/8";
const NEW: &str = "ALB-SG in tcp 443 <- 172.16.0.0/12";
const OUT: &str = "ALB-SG out tcp 8000 -> APP-SG";
const IN: &str = "APP-SG in tcp 8000 <- ALB-SG";
const OFFICE: &str = "DB-SG in tcp 5432 <- 10.0.0.0/8";

fn standard() -> Estate {
    let estate = estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG");
    estate.group(group("DB-SG"))
}

fn shop(client: &str) -> String {
    format!("{{loadBalancer: {{name: shop}}, clients: [{{cidr: {client}}}]}}")
}

fn db(client: &str) -> String {
    format!("{{securityGroup: {{id: $DB-SG}}, ingress: [{{services: [PostgreSQL], from: [{{cidr: {client}}}]}}]}}")
}

/// Both objects admit another network than before while a kind of read is denied.
async fn denied(action: &str) -> (Stage, bool) {
    let stage = Stage::with(1, standard()).await;
    let first = Operator::new(&stage, "first").await;
    let before = [("shop", &*shop("10.0.0.0/8")), ("sga/db", &*db("10.0.0.0/8"))];
    assert!(first.apply(&first.files(&before)).await.is_well());
    stage.simulation.aws.world().deny(ACCOUNT, action);
    let second = Operator::new(&stage, "second").await;
    let after = [("shop", &*shop("172.16.0.0/12")), ("sga/db", &*db("172.16.0.0/12"))];
    let ended = second.apply(&second.files(&after)).await;
    let well = ended.is_well();
    assert!(!ended.left.problems.is_empty(), "{ended:#?}");
    (stage, well)
}

/// What the binding has stays, as it is not known what it needs. Nobody else is held by that.
#[rstest]
#[case::load_balancer("DescribeLoadBalancers", &[])]
#[case::listeners("DescribeListeners", &[])]
#[case::listener_rules("DescribeRules", &[])]
#[case::target_groups("DescribeTargetGroups", &[NEW])]
#[case::targets("DescribeTargetHealth", &[NEW])]
#[case::interfaces("DescribeNetworkInterfaces", &[NEW])]
fn what_a_binding_needs(#[case] action: &str, #[case] made: &[&str]) {
    in_virtual_time(async {
        let (stage, well) = denied(action).await;
        assert!(!well);
        let moved = "DB-SG in tcp 5432 <- 172.16.0.0/12";
        assert_eq!(stage.rules(), these(&[&[OLD, OUT, IN, moved], made].concat()));
    });
}

/// Without groups and their rules nothing can be written at all.
#[rstest]
#[case::groups("DescribeSecurityGroups")]
#[case::rules("DescribeSecurityGroupRules")]
fn what_is_there(#[case] action: &str) {
    in_virtual_time(async {
        let (stage, well) = denied(action).await;
        assert!(!well);
        assert_eq!(stage.rules(), these(&[OLD, OUT, IN, OFFICE]));
    });
}
