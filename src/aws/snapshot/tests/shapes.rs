//! The table of shapes against itself, and against the SDK's own deserialisers.

use std::fmt::Debug;

use aws_sdk_ec2::Client as Ec2;
use aws_sdk_elasticloadbalancingv2::Client as Elb;

use super::*;
use crate::aws::snapshot::calls::{CALLS, Call};
use crate::aws::snapshot::json::{items, texts};
use crate::aws::snapshot::shapes::Shape;

/// A value with every field, each with a text or number of its own.
struct Sample {
    count: i64,
    /// How each leaf shows in what the SDK read.
    leaves: Vec<String>,
}

impl Sample {
    fn of(call: &Call) -> (Value, Vec<String>) {
        let mut sample = Self { count: 1000, leaves: Vec::new() };
        let list = sample.value(call.list.json, &call.list.shape);
        (list, sample.leaves)
    }

    fn value(&mut self, name: &str, shape: &Shape) -> Value {
        self.count += 1;
        match shape {
            // The SDK reads times; what it shows of them has another form.
            Shape::Text if name.ends_with("Time") => json!("2026-01-01T00:00:00Z"),
            // By its ARN an item is told to be of the snapshot's Region.
            Shape::Text if name.ends_with("Arn") || name.ends_with("Arns") => {
                self.leaf(format!("{BALANCER}{}", self.count), "")
            }
            Shape::Text => self.leaf(format!("{name}-{}", self.count), "\""),
            Shape::Number => {
                self.leaves.push(format!("Some({})", self.count));
                json!(self.count)
            }
            Shape::Truth => json!(true),
            Shape::List(item) => json!([self.value(name, item)]),
            Shape::Structure(fields) => {
                fields.iter().map(|field| (field.json.to_owned(), self.value(field.json, &field.shape))).collect()
            }
        }
    }

    fn leaf(&mut self, text: String, quote: &str) -> Value {
        self.leaves.push(format!("{text}{quote}"));
        Value::String(text)
    }
}

#[test]
fn what_is_written_as_xml_is_read_again() {
    for call in &CALLS {
        let (list, _) = Sample::of(call);
        assert_eq!(xml::list(call, &xml::answer(call, &list)).unwrap(), list, "{}", call.action);
    }
}

#[test]
fn names_of_files_are_those_of_the_cli() {
    let files: Vec<String> = CALLS.iter().map(Call::file).collect();
    assert_eq!(
        files,
        [
            "describe-security-groups.json",
            "describe-security-group-rules.json",
            "describe-network-interfaces.json",
            "describe-instances.json",
            "describe-subnets.json",
            "describe-vpcs.json",
            "describe-network-acls.json",
            "describe-route-tables.json",
            "describe-managed-prefix-lists.json",
            "describe-load-balancers.json",
            "describe-listeners.json",
            "describe-rules.json",
            "describe-target-groups.json",
            "describe-target-health.json",
            "describe-load-balancer-attributes.json",
            "describe-tags.json",
        ]
    );
}

/// What the SDK makes of the answer.
async fn read_by_sdk(call: &Call, ec2: &Ec2, elb: &Elb, id: &str) -> String {
    fn shown<T: Debug, E: Debug>(answer: Result<T, E>) -> String {
        format!("{:?}", answer.unwrap())
    }
    match call.action {
        "DescribeSecurityGroups" => shown(ec2.describe_security_groups().send().await),
        "DescribeSecurityGroupRules" => shown(ec2.describe_security_group_rules().send().await),
        "DescribeNetworkInterfaces" => shown(ec2.describe_network_interfaces().send().await),
        "DescribeInstances" => shown(ec2.describe_instances().send().await),
        "DescribeSubnets" => shown(ec2.describe_subnets().send().await),
        "DescribeVpcs" => shown(ec2.describe_vpcs().send().await),
        "DescribeNetworkAcls" => shown(ec2.describe_network_acls().send().await),
        "DescribeRouteTables" => shown(ec2.describe_route_tables().send().await),
        "DescribeManagedPrefixLists" => shown(ec2.describe_managed_prefix_lists().send().await),
        "DescribeLoadBalancers" => shown(elb.describe_load_balancers().send().await),
        "DescribeListeners" => shown(elb.describe_listeners().send().await),
        "DescribeRules" => shown(elb.describe_rules().send().await),
        "DescribeTargetGroups" => shown(elb.describe_target_groups().send().await),
        "DescribeTargetHealth" => shown(elb.describe_target_health().target_group_arn(id).send().await),
        "DescribeLoadBalancerAttributes" => {
            shown(elb.describe_load_balancer_attributes().load_balancer_arn(id).send().await)
        }
        "DescribeTags" => shown(elb.describe_tags().resource_arns(id).send().await),
        other => panic!("{other} is not read here"),
    }
}

#[tokio::test]
async fn the_sdk_finds_every_field_where_the_table_puts_it() {
    for call in &CALLS {
        let (list, leaves) = Sample::of(call);
        let file = match call.beside {
            Some(beside) => json!([{beside: BALANCER, call.list.json: list}]),
            None => json!({call.list.json: list}),
        };
        let id = texts(&items(call, file.clone()).unwrap()[0], call.id).remove(0);
        let account = ("describe-load-balancers", estate().remove(0).1);
        let command = call.command();
        let files =
            if command == account.0 { vec![(command.as_str(), file)] } else { vec![(command.as_str(), file), account] };
        let config = Snapshot::read(folder(&files).path()).unwrap().config(Some("eu-central-1".into())).unwrap();
        let read = read_by_sdk(call, &Ec2::new(&config), &Elb::new(&config), &id).await;
        let lost: Vec<&String> = leaves.iter().filter(|leaf| !read.contains(*leaf)).collect();
        assert!(lost.is_empty(), "{}: the SDK did not read {lost:?} of {read}", call.action);
    }
}
