use super::*;
use crate::aws::elb::model::{Action, BalancerKind, Matcher, TargetKind};
use crate::aws::elb::testing::{
    VPC, add_instance, add_interface, network, result, rule, scope, seconds, set_rules, text_of,
};
use crate::aws::elb::{HealthCheckChange, NewBalancer, NewListener, NewTarget, NewTargetGroup};

/// A load balancer in two zones that forwards to one group of instances, of which `i-1` is registered and may be
/// reached.
struct Stage {
    world: World,
    balancer: String,
    listener: String,
    group: String,
}

fn open() -> Vec<crate::aws::ec2::model::RuleTraffic> {
    vec![rule(false, "tcp", 8000, "sg-lb")]
}

impl Stage {
    fn new() -> Self {
        let mut stage = Self::of(TargetKind::Instance);
        add_instance(&mut stage.world, "i-1", "subnet-a", "10.0.0.100", "sg-app");
        set_rules(&mut stage.world, "sg-app", open());
        stage.register("i-1");
        stage
    }

    fn of(kind: TargetKind) -> Self {
        let mut world = network();
        let new = NewBalancer::new(BalancerKind::Application, "shop", &["subnet-a", "subnet-b"], &["sg-lb"]);
        let balancer = world.create_load_balancer(&scope(), new).unwrap();
        let new = NewTargetGroup::new(kind, "app", "HTTP", 8000, VPC);
        let group = world.create_target_group(&scope(), new).unwrap();
        let new = NewListener::new("HTTP", 80, vec![Action::forward(&group)]);
        let listener = world.create_listener(&scope(), &balancer, new).unwrap();
        Self { world, balancer, listener, group }
    }

    fn register(&mut self, id: &str) {
        self.world.register_targets(&scope(), &self.group, &[NewTarget::new(id)]).unwrap();
    }

    /// State, or reason if there is one, of the only target after so many seconds from the beginning.
    fn at(&mut self, after: u64) -> String {
        self.world.pass_time(seconds(after));
        let health = self.world.target_health(&scope(), &self.group).unwrap();
        assert!(health.len() < 2, "{health:?}");
        health.values().next().map_or("gone".to_owned(), |state| match state.reason {
            Some(reason) => format!("{} {reason}", state.state),
            None => state.state.to_owned(),
        })
    }
}

const HEALTHY: &str = "healthy";
const TIMEOUT: &str = "unhealthy Target.Timeout";
const REGISTERING: &str = "initial Elb.RegistrationInProgress";

#[test]
fn a_target_that_is_reached_is_healthy_after_its_first_check() {
    let mut stage = Stage::new();
    assert_eq!(stage.at(0), REGISTERING);
    assert_eq!(stage.at(29), REGISTERING);
    assert_eq!(stage.at(30), HEALTHY);
}

#[test]
fn a_target_that_is_never_reached_is_checked_as_often_as_it_takes() {
    let mut stage = Stage::new();
    set_rules(&mut stage.world, "sg-app", vec![]);
    assert_eq!(
        [29, 30, 59, 60].map(|after| stage.at(after)),
        [REGISTERING, "initial Elb.InitialHealthChecking", "initial Elb.InitialHealthChecking", TIMEOUT]
    );
}

#[test]
fn revoking_makes_a_target_unhealthy_and_authorizing_makes_it_healthy_again() {
    let mut stage = Stage::new();
    stage.at(100);
    set_rules(&mut stage.world, "sg-app", vec![]);
    assert_eq!([100, 159, 160].map(|after| stage.at(after)), [HEALTHY, HEALTHY, TIMEOUT]);
    stage.at(1000);
    set_rules(&mut stage.world, "sg-app", open());
    assert_eq!([1000, 1149, 1150].map(|after| stage.at(after)), [TIMEOUT, TIMEOUT, HEALTHY]);
}

#[test]
fn what_is_mended_in_time_was_never_unhealthy() {
    let mut stage = Stage::new();
    stage.at(100);
    set_rules(&mut stage.world, "sg-app", vec![]);
    stage.at(159);
    set_rules(&mut stage.world, "sg-app", open());
    assert_eq!(stage.at(10_000), HEALTHY);
    stage.at(10_001);
    set_rules(&mut stage.world, "sg-app", vec![]);
    assert_eq!([10_060, 10_061].map(|after| stage.at(after)), [HEALTHY, TIMEOUT], "counted anew");
}

#[test]
fn every_interface_of_the_load_balancer_must_reach_a_target() {
    let mut stage = Stage::new();
    let zones = stage.world.region(&scope()).unwrap().elb.balancers[&stage.balancer].zones.clone();
    let interfaces = &stage.world.region(&scope()).unwrap().ec2.interfaces;
    let address = |zone: &str| interfaces.get(&zones[zone].interface).unwrap().addresses[0];
    let near = format!("{}/32", address("eu-central-1a"));
    let far = format!("{}/32", address("eu-central-1b"));
    set_rules(&mut stage.world, "sg-app", vec![rule(false, "tcp", 8000, &near)]);
    assert_eq!(stage.at(60), TIMEOUT);
    set_rules(&mut stage.world, "sg-app", vec![rule(false, "tcp", 8000, &near), rule(false, "tcp", 8000, &far)]);
    assert_eq!(stage.at(60 + 150), HEALTHY);
}

#[test]
fn acls_and_routes_count_once_the_change_is_told() {
    let mut stage = Stage::new();
    stage.at(100);
    stage.world.region_mut(&scope()).ec2.network_acls.clear();
    stage.world.settle_at(seconds(200));
    assert_eq!([259, 260].map(|after| stage.at(after)), [HEALTHY, TIMEOUT]);
}

#[test]
fn hosts_refuse_drop_and_answer_with_other_codes() {
    let mut stage = Stage::new();
    for (after, host, expected) in [
        (100, Host::Drops, TIMEOUT),
        (200, Host::Refuses, "unhealthy Target.FailedHealthChecks"),
        (300, Host::Answers(503), "unhealthy Target.ResponseCodeMismatch"),
        (400, Host::Answers(204), "unhealthy Target.ResponseCodeMismatch"),
        (500, Host::Answers(200), "unhealthy Target.ResponseCodeMismatch"),
    ] {
        stage.at(after);
        stage.world.set_host(&scope(), "i-1", 8000, host);
        assert_eq!(stage.at(after + 60), expected, "{host:?}");
    }
    assert_eq!(stage.at(500 + 150), HEALTHY);
    stage.world.set_host(&scope(), "i-1", 8001, Host::Drops);
    assert_eq!(stage.at(1000), HEALTHY, "another port");
}

#[test]
fn failing_in_another_way_is_failing_still() {
    let mut stage = Stage::new();
    stage.at(100);
    stage.world.set_host(&scope(), "i-1", 8000, Host::Drops);
    stage.at(130);
    stage.world.set_host(&scope(), "i-1", 8000, Host::Answers(503));
    assert_eq!([159, 160].map(|after| stage.at(after)), [HEALTHY, "unhealthy Target.ResponseCodeMismatch"]);
    let health = stage.world.target_health(&scope(), &stage.group).unwrap();
    let description = health.values().next().unwrap().description.as_deref();
    assert_eq!(description, Some("Health checks failed with these codes: [503]"));
}

#[test]
fn other_health_checks_do_not_undo_what_the_former_came_to() {
    let mut stage = Stage::new();
    stage.at(100);
    set_rules(&mut stage.world, "sg-app", vec![]);
    assert_eq!(stage.at(165), TIMEOUT);
    let change = HealthCheckChange { interval: Some(300), ..Default::default() };
    stage.world.modify_target_group(&scope(), &stage.group, &change).unwrap();
    assert_eq!(stage.at(166), TIMEOUT);
}

#[test]
fn a_matcher_says_which_codes_pass() {
    let passes = |text: &str, code| Matcher::http(text).unwrap().passes(code);
    assert_eq!([200, 204].map(|code| passes("200", code)), [true, false]);
    assert_eq!([200, 299, 300].map(|code| passes("200-299", code)), [true, true, false]);
    assert_eq!([200, 301, 302].map(|code| passes("200,302", code)), [true, false, true]);
    assert!(["", "x", "200-", "299-200", "99", "600"].iter().all(|text| Matcher::http(text).is_none()));
}

#[test]
fn tcp_checks_need_no_more_than_the_connection() {
    let mut world = network();
    add_instance(&mut world, "i-1", "subnet-a", "10.0.0.100", "sg-app");
    let new = NewBalancer::new(BalancerKind::Network, "net", &["subnet-a"], &[]);
    let balancer = world.create_load_balancer(&scope(), new).unwrap();
    let new = NewTargetGroup::new(TargetKind::Instance, "tcp", "TCP", 8000, VPC);
    let group = world.create_target_group(&scope(), new).unwrap();
    let new = NewListener::new("TCP", 80, vec![Action::forward(&group)]);
    let listener = world.create_listener(&scope(), &balancer, new).unwrap();
    world.register_targets(&scope(), &group, &[NewTarget::new("i-1")]).unwrap();
    world.set_host(&scope(), "i-1", 8000, Host::Answers(503));
    set_rules(&mut world, "sg-app", vec![rule(false, "tcp", 8000, "sg-lb")]);
    let mut stage = Stage { world, balancer, listener, group };
    assert_eq!(stage.at(60), TIMEOUT, "a load balancer without groups is none of a group");
    set_rules(&mut stage.world, "sg-app", vec![rule(false, "tcp", 8000, "10.0.0.0/18")]);
    assert_eq!(stage.at(60 + 150), HEALTHY);
    stage.world.set_host(&scope(), "i-1", 8000, Host::Refuses);
    assert_eq!(stage.at(60 + 150 + 60), "unhealthy Target.FailedHealthChecks");
}

#[test]
fn the_health_check_port_may_be_another() {
    let mut stage = Stage::new();
    assert_eq!(stage.at(100), HEALTHY);
    let change = HealthCheckChange { port: Some("9000".to_owned()), interval: Some(10), ..Default::default() };
    stage.world.modify_target_group(&scope(), &stage.group, &change).unwrap();
    assert_eq!([119, 120].map(|after| stage.at(after)), [HEALTHY, TIMEOUT], "with the new interval");
    set_rules(&mut stage.world, "sg-app", vec![rule(false, "tcp", 9000, "sg-lb")]);
    assert_eq!([169, 170].map(|after| stage.at(after)), [TIMEOUT, HEALTHY]);
}

#[test]
fn targets_are_unused_without_listener_zone_or_running_instance() {
    let mut stage = Stage::new();
    stage.at(100);
    stage.world.delete_listener(&scope(), &stage.listener).unwrap();
    assert_eq!(stage.at(100), "unused Target.NotInUse");
    let listener = NewListener::new("HTTP", 80, vec![Action::forward(&stage.group)]);
    stage.world.create_listener(&scope(), &stage.balancer, listener).unwrap();
    assert_eq!([100, 129, 130].map(|after| stage.at(after)), [REGISTERING, REGISTERING, HEALTHY]);
    let set_state = |stage: &mut Stage, state: &str| {
        let ec2 = &mut stage.world.region_mut(&scope()).ec2;
        ec2.instances.get_mut("i-1").unwrap().state = state.to_owned();
        let now = stage.world.now();
        stage.world.settle_at(now);
    };
    set_state(&mut stage, "stopped");
    assert_eq!(stage.at(200), "unused Target.InvalidState");
    set_state(&mut stage, "running");
    assert_eq!([200, 230].map(|after| stage.at(after)), [REGISTERING, HEALTHY]);
    stage.world.deregister_targets(&scope(), &stage.group, &[NewTarget::new("i-1")]).unwrap();
    stage.at(600);
    add_instance(&mut stage.world, "i-2", "subnet-c", "10.0.128.100", "sg-app");
    stage.register("i-2");
    assert_eq!(stage.at(600), "unused Target.NotInUse");
    let all = ["subnet-a", "subnet-b", "subnet-c"].map(crate::aws::elb::SubnetMapping::any_address);
    stage.world.set_subnets(&scope(), &stage.balancer, &all, None).unwrap();
    assert_eq!([600, 630].map(|after| stage.at(after)), [REGISTERING, HEALTHY]);
}

#[test]
fn a_deregistered_target_drains_and_is_gone() {
    let mut stage = Stage::new();
    stage.at(100);
    let target = [NewTarget::new("i-1")];
    stage.world.deregister_targets(&scope(), &stage.group, &target).unwrap();
    let draining = "draining Target.DeregistrationInProgress";
    assert_eq!([100, 399, 400].map(|after| stage.at(after)), [draining, draining, "gone"]);
    stage.register("i-1");
    assert_eq!([400, 430].map(|after| stage.at(after)), [REGISTERING, HEALTHY]);
    let attributes = "Attributes.member.1.Key=deregistration_delay.timeout_seconds&Attributes.member.1.Value=10";
    let form = format!("Action=ModifyTargetGroupAttributes&TargetGroupArn={}&{attributes}", stage.group);
    result(&mut stage.world, &form);
    stage.world.deregister_targets(&scope(), &stage.group, &target).unwrap();
    assert_eq!(stage.at(435), draining);
    stage.register("i-1");
    assert_eq!([435, 465].map(|after| stage.at(after)), [REGISTERING, HEALTHY], "registered while it drains");
}

#[test]
fn a_target_that_is_not_in_use_does_not_drain() {
    let mut stage = Stage::new();
    stage.world.delete_listener(&scope(), &stage.listener).unwrap();
    stage.world.deregister_targets(&scope(), &stage.group, &[NewTarget::new("i-1")]).unwrap();
    assert_eq!(stage.at(0), "gone");
}

#[test]
fn addresses_belong_to_whichever_interface_has_them() {
    let mut stage = Stage::of(TargetKind::Ip);
    set_rules(&mut stage.world, "sg-app", open());
    stage.register("10.0.0.100");
    assert_eq!(stage.at(60), TIMEOUT, "nobody has it");
    add_interface(&mut stage.world, "eni-1", "subnet-a", "10.0.0.101", "sg-app", None);
    let now = stage.world.now();
    stage.world.region_mut(&scope()).ec2.interfaces.change("eni-1", now, |each| {
        each.prefixes.insert("10.0.0.96/28".parse().unwrap());
    });
    stage.world.changed.insert(Changed::Interface { scope: scope(), id: "eni-1".to_owned() });
    settle(&mut stage.world);
    assert_eq!([209, 210].map(|after| stage.at(after)), [TIMEOUT, HEALTHY], "by a prefix");
    stage.world.region_mut(&scope()).ec2.interfaces.remove("eni-1", seconds(210));
    stage.world.changed.insert(Changed::Interface { scope: scope(), id: "eni-1".to_owned() });
    settle(&mut stage.world);
    assert_eq!([269, 270].map(|after| stage.at(after)), [HEALTHY, TIMEOUT], "nobody has it again");
}

#[test]
fn functions_are_unavailable_unless_they_are_checked() {
    let mut world = network();
    let new = NewBalancer::new(BalancerKind::Application, "shop", &["subnet-a", "subnet-b"], &["sg-lb"]);
    let balancer = world.create_load_balancer(&scope(), new).unwrap();
    let mut new = NewTargetGroup::new(TargetKind::Lambda, "fn", "", 1, VPC);
    (new.protocol, new.port, new.vpc) = (None, None, None);
    let group = world.create_target_group(&scope(), new).unwrap();
    let new = NewListener::new("HTTP", 80, vec![Action::forward(&group)]);
    let listener = world.create_listener(&scope(), &balancer, new).unwrap();
    let mut stage = Stage { world, balancer, listener, group };
    let function = "arn:aws:lambda:eu-central-1:123456789012:function:fn";
    stage.register(function);
    assert_eq!(stage.at(100), "unavailable Target.HealthCheckDisabled");
    let change = HealthCheckChange { is_enabled: Some(true), ..Default::default() };
    stage.world.modify_target_group(&scope(), &stage.group, &change).unwrap();
    assert_eq!([134, 135].map(|after| stage.at(after)), [REGISTERING, HEALTHY]);
    stage.world.set_host(&scope(), function, 0, Host::Answers(502));
    assert_eq!(stage.at(135 + 5 * 35), "unhealthy Target.ResponseCodeMismatch");
}

#[test]
fn a_load_balancer_may_be_the_target_of_another() {
    let mut stage = Stage::of(TargetKind::Instance);
    let new = NewBalancer::new(BalancerKind::Network, "net", &["subnet-a", "subnet-b"], &["sg-app"]);
    let network = stage.world.create_load_balancer(&scope(), new).unwrap();
    let new = NewTargetGroup::new(TargetKind::Alb, "alb", "TCP", 80, VPC);
    let group = stage.world.create_target_group(&scope(), new).unwrap();
    let new = NewListener::new("TCP", 80, vec![Action::forward(&group)]);
    stage.world.create_listener(&scope(), &network, new).unwrap();
    let target = [NewTarget::new(&stage.balancer)];
    stage.world.register_targets(&scope(), &group, &target).unwrap();
    stage.group = group;
    assert_eq!(stage.at(60), TIMEOUT);
    set_rules(&mut stage.world, "sg-app", vec![rule(true, "tcp", 80, "sg-lb")]);
    set_rules(&mut stage.world, "sg-lb", vec![rule(false, "tcp", 80, "sg-app")]);
    assert_eq!([209, 210].map(|after| stage.at(after)), [TIMEOUT, HEALTHY]);
    let refused = stage.world.delete_load_balancer(&scope(), &stage.balancer).unwrap_err();
    assert_eq!(refused.code, "ResourceInUse");
    stage.world.delete_listener(&scope(), &stage.listener).unwrap();
    assert_eq!(stage.at(270), "unhealthy Target.FailedHealthChecks");
}

#[test]
fn what_is_described_follows_a_call_that_changes_groups() {
    let mut stage = Stage::new();
    let form = format!("Action=DescribeTargetHealth&TargetGroupArn={}", stage.group);
    stage.at(100);
    assert_eq!(
        result(&mut stage.world, &form),
        "<TargetHealthDescriptions><member><Target><Id>i-1</Id><Port>8000</Port></Target>\
         <HealthCheckPort>8000</HealthCheckPort><TargetHealth><State>healthy</State></TargetHealth></member>\
         </TargetHealthDescriptions>"
    );
    let set = format!("Action=SetSecurityGroups&LoadBalancerArn={}&SecurityGroups.member.1=sg-default", stage.balancer);
    result(&mut stage.world, &set);
    assert_eq!(stage.at(160), TIMEOUT);
    let told = result(&mut stage.world, &form);
    let health = "<State>unhealthy</State><Reason>Target.Timeout</Reason><Description>Request timed out</Description>";
    assert_eq!(text_of(&told, "TargetHealth").unwrap(), health);
    let other = format!("{form}&Targets.member.1.Id=i-9");
    assert_eq!(
        result(&mut stage.world, &other),
        "<TargetHealthDescriptions><member><Target><Id>i-9</Id><Port>8000</Port></Target>\
         <HealthCheckPort>8000</HealthCheckPort><TargetHealth><State>unused</State><Reason>Target.NotRegistered</Reason>\
         <Description>Target is not registered to the target group</Description></TargetHealth></member>\
         </TargetHealthDescriptions>"
    );
}

/// At the size of the greatest estate: 3,000 load balancers with a target group each.
#[test]
fn a_change_of_one_group_looks_at_the_target_groups_that_it_concerns_and_no_others() {
    let mut world = network();
    for number in 0..3000_u32 {
        let group = format!("sg-app{number}");
        set_rules(&mut world, &group, open());
        let address = format!("10.0.{}.{}", number / 250, number % 250 + 5);
        add_instance(&mut world, &format!("i-{number}"), "subnet-a", &address, &group);
        let new = NewBalancer::new(BalancerKind::Network, &format!("lb{number}"), &["subnet-a"], &["sg-lb"]);
        let balancer = world.create_load_balancer(&scope(), new).unwrap();
        let new = NewTargetGroup::new(TargetKind::Instance, &format!("app{number}"), "TCP", 8000, VPC);
        let group = world.create_target_group(&scope(), new).unwrap();
        let new = NewListener::new("TCP", 80, vec![Action::forward(&group)]);
        world.create_listener(&scope(), &balancer, new).unwrap();
        world.register_targets(&scope(), &group, &[NewTarget::new(&format!("i-{number}"))]).unwrap();
    }
    let before = world.target_groups_looked_at();
    assert_eq!(before, 3 * 3000, "made, forwarded to, and registered with");
    set_rules(&mut world, "sg-app7", vec![]);
    assert_eq!(world.target_groups_looked_at() - before, 1);
    set_rules(&mut world, "sg-lb", vec![]);
    assert_eq!(world.target_groups_looked_at() - before, 1 + 3000);
    world.pass_time(seconds(60));
    let groups: Vec<String> = world.region(&scope()).unwrap().elb.target_groups.keys().cloned().collect();
    let timed_out = |arn: &&String| {
        world.target_health(&scope(), arn).unwrap().values().all(|state| state.reason == Some("Target.Timeout"))
    };
    assert_eq!(groups.iter().filter(timed_out).count(), 3000);
}
