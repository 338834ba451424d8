//! How long it takes to load an estate and to read it. Bound: 10,000 groups load in under a second.
//!
//! `cargo bench -p sgbind-sim` measures it optimised; `cargo bench -p sgbind-sim --profile dev` as the tests run it.

use std::time::Duration;

use divan::Bencher;
use ipnet::Ipv4Net;
use sgbind_sim::aws::ec2::model::{Peer, RuleTraffic, Tags};
use sgbind_sim::aws::ec2::{NewGroup, NewRule, NewVpc};
use sgbind_sim::aws::{Call, Scope, World};

const GROUPS: usize = 10_000;
/// How many groups one filter can name.
const OF_A_CALL: usize = 200;

fn main() {
    divan::main();
}

fn scope() -> Scope {
    Scope { account: "123456789012".into(), region: "eu-central-1".into() }
}

/// Each group has three rules of its own beside the egress that it is born with.
fn estate() -> (World, Vec<String>) {
    let (mut world, scope) = (World::new(1), scope());
    let cidr: Ipv4Net = "10.0.0.0/16".parse().expect("a network");
    let vpc = world.create_vpc(&scope, NewVpc::from(cidr)).expect("a VPC");
    let groups = (0..GROUPS).map(|number| {
        let (name, description) = (format!("group-{number}"), "one of many".to_owned());
        let group = NewGroup { name, description, vpc: vpc.clone(), tags: Tags::new() };
        let id = world.create_security_group(&scope, group).expect("a group");
        let rule = |port: i32| {
            let peer = Peer::Cidr("10.0.0.0/8".parse().expect("a network"));
            NewRule::from(RuleTraffic::ingress("tcp", (port, port), peer))
        };
        world.authorize(&scope, &id, (1..=3).map(rule).collect(), &Tags::new()).expect("rules");
        id
    });
    let groups = groups.collect();
    (world, groups)
}

#[divan::bench(sample_count = 10)]
fn ten_thousand_groups_load() -> (World, Vec<String>) {
    estate()
}

#[divan::bench(sample_count = 10)]
fn all_their_rules_are_read_in_calls_of_200_groups(bencher: Bencher) {
    let (mut world, groups) = estate();
    bencher.bench_local(|| {
        for ids in groups.chunks(OF_A_CALL) {
            let values: String = ids.iter().enumerate().map(|(at, id)| format!("&Filter.1.Value.{at}={id}")).collect();
            let form = format!(
                "Version=2016-11-15&Action=DescribeSecurityGroupRules&MaxResults=1000&Filter.1.Name=group-id{values}"
            );
            let answer = world.answer(&Call::read(form.as_bytes(), scope()), Duration::ZERO);
            assert_eq!(answer.status, 200);
        }
    });
}
