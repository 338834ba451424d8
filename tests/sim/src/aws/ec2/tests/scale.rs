//! An estate of a size that only the operations can build in time.

use std::net::IpAddr;

use ipnet::Ipv4Net;

use super::Stage;
use crate::aws::ec2::model::{Peer, RuleTraffic, Tags};
use crate::aws::ec2::{NewGroup, NewInterface, NewRule, NewSubnet, NewVpc};

fn estate(stage: &mut Stage, groups: usize, interfaces: usize) -> Vec<String> {
    let scope = stage.scope.clone();
    let cidr: Ipv4Net = "10.0.0.0/16".parse().unwrap();
    let vpc = stage.world.create_vpc(&scope, NewVpc::from(cidr)).unwrap();
    let subnet = NewSubnet { vpc: vpc.clone(), cidr, ipv6_cidr: None, availability_zone: None, tags: Tags::new() };
    let subnet = stage.world.create_subnet(&scope, subnet).unwrap();
    let mut made = Vec::new();
    for number in 0..groups {
        let (name, description) = (format!("g{number}"), "one of many".to_owned());
        let group = NewGroup { name, description, vpc: vpc.clone(), tags: Tags::new() };
        let id = stage.world.create_security_group(&scope, group).unwrap();
        let rule = |port: i32| {
            let peer = Peer::Cidr("10.0.0.0/8".parse().unwrap());
            NewRule::from(RuleTraffic::ingress("tcp", (port, port), peer))
        };
        stage.world.authorize(&scope, &id, (1..=3).map(rule).collect(), &Tags::new()).unwrap();
        made.push(id);
    }
    for number in 0..interfaces {
        let groups = [made[number % made.len()].clone()].into();
        let interface = NewInterface { groups, ..NewInterface::in_subnet(&subnet) };
        stage.world.create_network_interface(&scope, interface).unwrap();
    }
    made
}

#[test]
fn ten_thousand_groups_can_be_built_and_read_in_pages() {
    let mut stage = Stage::empty();
    let groups = estate(&mut stage, 10_000, 20_000);
    let scope = stage.scope.clone();
    let ask = |stage: &mut Stage, form: &str| {
        let form = format!("Version=2016-11-15&Action={form}");
        stage.world.answer(&crate::aws::Call::read(form.as_bytes(), scope.clone()), stage.now).body
    };
    let mut rules = 0;
    for ids in groups.chunks(200) {
        let values: String = ids.iter().enumerate().map(|(at, id)| format!("&Filter.1.Value.{at}={id}")).collect();
        let form = format!("DescribeSecurityGroupRules&MaxResults=1000&Filter.1.Name=group-id{values}");
        rules += ask(&mut stage, &form).matches("<securityGroupRuleId>").count();
    }
    assert_eq!(rules, 40_000, "three of each, and its egress");
    let addresses: Vec<IpAddr> = (10..210).map(|last| IpAddr::from([10, 0, 7, last])).collect();
    let values: String = addresses.iter().enumerate().map(|(at, ip)| format!("&Filter.1.Value.{at}={ip}")).collect();
    let form = format!("DescribeNetworkInterfaces&Filter.1.Name=addresses.private-ip-address{values}");
    for _ in 0..10 {
        assert_eq!(ask(&mut stage, &form).matches("<networkInterfaceId>").count(), 200);
    }
}
