//! How many calls to AWS a plan costs.

use std::collections::BTreeMap;

use super::operator::Operator;
use crate::simulation::{Stage, in_virtual_time};
use crate::world::{Estate, estate};

/// Of one account and Region, with one VPC.
const BINDINGS: usize = 50;

/// Each binding has a load balancer with one listener and one target group; all share ALB-SG and APP-SG.
fn many() -> Estate {
    (0..BINDINGS).fold(estate(), |estate, number| {
        let (name, target_group) = (format!("lb-{number}"), format!("app-{number}"));
        let estate = estate.internet_facing(&name).forward(443, &target_group);
        estate.target_group(&target_group, 8000).instance("APP-SG")
    })
}

/// A binding costs a call each for its load balancer, that one's listeners and target groups, each listener's rules, each target
/// group's health, and the VPC and the interfaces of its targets. The groups and their rules are read for all bindings
/// together, 200 in a call.
#[test]
fn a_plan_costs_seven_calls_for_a_binding_and_a_few_for_all() {
    in_virtual_time(async {
        let stage = Stage::with(1, many()).await;
        let operator = Operator::new(&stage, "person").await;
        let names: Vec<(String, String)> = (0..BINDINGS)
            .map(|number| {
                (
                    format!("b-{number}"),
                    format!("{{loadBalancer: {{name: lb-{number}}}, clients: [{{cidr: 0.0.0.0/0}}]}}"),
                )
            })
            .collect();
        let objects: Vec<(&str, &str)> = names.iter().map(|(name, spec)| (name.as_str(), spec.as_str())).collect();
        let files = operator.files(&objects);
        let forecast = operator.plan(&files).await;
        assert_eq!(operator.words(&forecast.steps).len(), 3, "all need the same three rules");
        let mut calls = BTreeMap::<String, usize>::new();
        for site in operator.process.sites() {
            *calls.entry(site.what).or_default() += 1;
        }
        let total: usize = calls.values().sum();
        assert!(total <= 7 * BINDINGS + 5, "{total}: {calls:#?}");
        println!("{total} calls: {calls:?}");
    });
}
