//! The status of a binding in situations that the specification names. Groups are planned for real.

use jiff::ToSpan;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use proptest::prelude::*;

use super::*;
use crate::model::*;
use crate::testing::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const SHOP: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}";
const LISTENER: &str = "ingress tcp 443 from 10.0.0.0/8";
const TO_APP: &str = "egress tcp 8000 to sg-app";
const FROM_ALB: &str = "ingress tcp 8000 from sg-alb";

/// A binding and what there is in AWS.
struct World {
    object: Object,
    resolution: Option<Resolution>,
    groups: Vec<GroupState>,
    /// Groups of which the last pass did not know what the object needs now.
    outdated: bool,
    problems: Vec<Problem>,
    now: Timestamp,
}

fn group_of(id: &str, rules: &[ActualRule]) -> GroupState {
    GroupState { key: key(id), tags: opted_in("owned", "*"), rules: rules.to_vec() }
}

fn mine(text: &str) -> ActualRule {
    ours(text, &["shop"])
}

fn resolution(facts: Facts) -> Resolution {
    Resolution { facts, problems: Vec::new(), complete: true, absent: BTreeSet::new() }
}

/// Everything is in place.
fn settled(spec: &str) -> World {
    World {
        object: written(spec),
        resolution: Some(resolution(facts(alb(&[443]), &[target_group("app", 8000, "sg-app")]))),
        groups: vec![group_of("sg-alb", &[mine(LISTENER), mine(TO_APP)]), group_of("sg-app", &[mine(FROM_ALB)])],
        outdated: false,
        problems: Vec::new(),
        now: NOW,
    }
}

impl World {
    fn status(&self) -> Status {
        let reference = self.object.reference();
        let declared = crate::validate::object(&self.object, &scope());
        let facts = self.resolution.as_ref().map(|resolution| resolution.facts.clone()).unwrap_or_default();
        let desired = declared.as_ref().map(|declared| desired::of(&declared.wants, &facts)).unwrap_or_default();
        let stance = crate::validate::stance(&self.object);
        let plans: Vec<(SecurityGroupId, Plan)> =
            self.groups.iter().map(|group| (group.key.id.clone(), self.plan(group, &desired, stance))).collect();
        let report = |(id, plan): &'_ (SecurityGroupId, Plan)| {
            let own = plan.problems.iter().filter(|each| each.object == reference);
            let problems = own.map(|each| each.problem.clone()).chain(self.problems.iter().cloned()).collect();
            (id.clone(), problems)
        };
        let usage = RuleUsage { used: 1, limit: 60 };
        let groups: BTreeMap<SecurityGroupId, GroupReport<'_>> = plans
            .iter()
            .map(|each| {
                let (id, problems) = report(each);
                let current = !self.outdated;
                (id, GroupReport { plan: &each.1, problems, ingress: usage, egress: usage, current, shows_all: true })
            })
            .collect();
        let recorded = crate::validate::recorded_groups(&self.object, &scope());
        of(&Input {
            recorded: &recorded,
            object: &self.object,
            reference: &reference,
            declaration: declared.as_ref().map_err(Vec::as_slice),
            resolution: self.resolution.as_ref(),
            desired: &desired,
            groups: &groups,
            drift: None,
            now: self.now,
        })
    }

    fn plan(&self, group: &GroupState, desired: &Desired, stance: Stance) -> Plan {
        let needs = desired.groups.get(&group.key.id).cloned().unwrap_or_default();
        let foreign_rules = self.object.foreign_rules();
        let one = Claim { stance, rules: needs.rules, governs: needs.governs, foreign_rules, ..claim("shop", &[]) };
        let scene = Scene { group: group.clone(), ..Scene::new(vec![one], vec![]) };
        scene.plan()
    }
}

/// Such as `Ready=False NoTargetsRegistered`.
fn conditions(status: &Status) -> Vec<String> {
    status.conditions.iter().map(|each| format!("{}={} {}", each.type_, each.status, each.reason)).collect()
}

fn condition<'a>(status: &'a Status, kind: &str) -> &'a Condition {
    status.conditions.iter().find(|each| each.type_ == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[track_caller]
fn assert_conditions(world: &World, expected: &[&str]) {
    assert_eq!(conditions(&world.status()), expected);
}

#[test]
fn in_sync() {
    let status = settled(SHOP).status();
    assert_eq!(
        conditions(&status),
        [
            "Ready=True InSync",
            "Reconciling=False Settled",
            "Stalled=False NotStalled",
            "Resolved=True Resolved",
            "InSync=True InSync"
        ]
    );
    assert_eq!(status.observed_generation, 3);
    assert!(status.conditions.iter().all(|each| each.observed_generation == Some(3)));
    let rules = status.rules.expect("counts");
    assert_eq!((rules.desired, rules.in_sync, rules.missing, rules.surplus, rules.foreign), (3, 3, 0, 0, 0));
    assert_eq!(rules.summary, "3/3");
    assert_eq!(texts(&status.plan), [""; 0]);
    assert_eq!(status.security_groups.iter().map(|group| group.id.as_str()).collect::<Vec<_>>(), ["sg-alb", "sg-app"]);
}

#[test]
fn applying() {
    let mut world = settled(SHOP);
    world.groups[0].rules.pop();
    world.groups[1].rules.push(mine("ingress tcp 9000 from sg-alb"));
    let status = world.status();
    assert_eq!(
        conditions(&status),
        [
            "Ready=False Applying",
            "Reconciling=True Applying",
            "Stalled=False NotStalled",
            "Resolved=True Resolved",
            "InSync=False Applying"
        ]
    );
    assert_eq!(
        status.plan,
        ["authorize sg-alb egress tcp 8000 to sg-app", "revoke sg-app ingress tcp 9000 from sg-alb"]
    );
    let rules = status.rules.expect("counts");
    assert_eq!((rules.desired, rules.in_sync, rules.missing, rules.surplus), (3, 2, 1, 1));
    assert_eq!(rules.summary, "2/3");
}

#[test]
fn owned_surplus_alone_is_not_in_sync() {
    let mut world = settled(SHOP);
    world.groups[1].rules.push(mine("ingress tcp 9000 from sg-alb"));
    assert_eq!(condition(&world.status(), "InSync").status, "False");
}

#[test]
fn never_in_sync_without_having_read_the_groups_at_this_generation() {
    let outdated = World { outdated: true, ..settled(SHOP) };
    assert_eq!(condition(&outdated.status(), "InSync").status, "False");
    let mut unread = settled(SHOP);
    unread.groups.pop();
    assert_eq!(condition(&unread.status(), "InSync").status, "False");
    let mut incomplete = settled(SHOP);
    incomplete.resolution.as_mut().expect("a resolution").complete = false;
    assert_eq!(condition(&incomplete.status(), "InSync").status, "False");
    let unresolved = World { resolution: None, groups: vec![], ..settled(SHOP) };
    assert_conditions(
        &unresolved,
        &[
            "Ready=False Applying",
            "Reconciling=True Applying",
            "Stalled=False NotStalled",
            "Resolved=Unknown Applying",
            "InSync=False Applying",
        ],
    );
}

#[test]
fn observe_that_finds_differences_did_what_it_was_asked_to() {
    let mut world = settled("{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}], enforcement: Observe}");
    assert_eq!(condition(&world.status(), "InSync").reason, "InSync");
    world.groups[0].rules.clear();
    let status = world.status();
    assert_eq!(
        conditions(&status),
        [
            "Ready=True Planned",
            "Reconciling=False Settled",
            "Stalled=False NotStalled",
            "Resolved=True Resolved",
            "InSync=False Planned"
        ]
    );
    assert_eq!(
        status.plan,
        ["authorize sg-alb ingress tcp 443 from 10.0.0.0/8", "authorize sg-alb egress tcp 8000 to sg-app"]
    );
    assert_eq!(status.held, []);
}

#[test]
fn every_reason_stands_on_its_conditions() {
    use Reason::*;
    let resolution_reasons = [
        LoadBalancerNotFound,
        LoadBalancerAmbiguous,
        LoadBalancerPending,
        ClientsRequired,
        TargetGroupNotFound,
        SecurityGroupNotFound,
        SecurityGroupAmbiguous,
        PrefixListNotFound,
        TargetInterfaceNotFound,
        NoTargetsRegistered,
    ];
    let stalling = [
        SecurityGroupNotOptedIn,
        NamespaceNotAllowed,
        NetworkLoadBalancerWithoutSecurityGroup,
        ManagedByLoadBalancerController,
        IdentityConflict,
        RuleQuotaExceeded,
        AccessDenied,
    ];
    let passing = [Throttled, AwsUnavailable, Applying, Held];
    for reason in resolution_reasons.into_iter().chain(stalling).chain(passing) {
        let problem = Problem::new(reason, "what, expected, to do");
        let status = World { problems: vec![problem], ..settled(SHOP) }.status();
        let word = reason.word();
        let ready = condition(&status, "Ready");
        assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", word));
        assert_eq!(ready.message, "what, expected, to do");
        let resolved = condition(&status, "Resolved");
        let about = resolution_reasons.contains(&reason);
        assert_eq!((resolved.status == "False", resolved.reason == word), (about, about), "{word}");
        let stalled = condition(&status, "Stalled");
        let stalls = stalling.contains(&reason);
        assert_eq!((stalled.status == "True", stalled.reason == word), (stalls, stalls), "{word}");
        assert_eq!(condition(&status, "Reconciling").status == "True", !stalls, "{word}");
    }
}

#[test]
fn what_a_person_must_do_is_told_beside_what_may_pass() {
    let problems = vec![
        Problem::new(Reason::NoTargetsRegistered, "no target"),
        Problem::new(Reason::SecurityGroupNotOptedIn, "opt in"),
    ];
    let status = World { problems, ..settled(SHOP) }.status();
    let stalled = condition(&status, "Stalled");
    assert_eq!((stalled.status.as_str(), stalled.reason.as_str()), ("True", "SecurityGroupNotOptedIn"));
    assert_eq!(condition(&status, "Ready").message, "no target; opt in");
}

#[test]
fn without_consent() {
    let mut world = settled(SHOP);
    world.groups[1] = GroupState { tags: Tags::new(), ..group_of("sg-app", &[]) };
    assert_conditions(
        &world,
        &[
            "Ready=False SecurityGroupNotOptedIn",
            "Reconciling=False Settled",
            "Stalled=True SecurityGroupNotOptedIn",
            "Resolved=True Resolved",
            "InSync=False SecurityGroupNotOptedIn",
        ],
    );
    let message = world.status().conditions[0].message.clone();
    assert!(message.contains("aws ec2 create-tags --region ap-northeast-2 --resources sg-app"), "{message}");
}

#[test]
fn a_malformed_object_is_told_in_its_conditions() {
    let world = World { resolution: None, groups: vec![], ..settled("loadBalancer: {}") };
    assert_conditions(
        &world,
        &[
            "Ready=False Invalid",
            "Reconciling=False Settled",
            "Stalled=True Invalid",
            "Resolved=False Invalid",
            "InSync=Unknown Invalid",
        ],
    );
}

#[test]
fn reasons_of_being_in_sync() {
    let mut outside = settled(SHOP);
    let target = &mut outside.resolution.as_mut().expect("a resolution").facts.target_groups[0];
    target.addresses = BTreeSet::from([cidr("10.200.0.7/32")]);
    outside.groups[0].rules.push(mine("egress tcp 8000 to 10.200.0.7/32"));
    assert_eq!(condition(&outside.status(), "InSync").reason, "TargetsOutsideVpc");
    assert_eq!(condition(&outside.status(), "Ready").status, "True");

    let mut silent = settled("loadBalancer: {name: shop}");
    silent.groups[0].rules[0] = mine("ingress tcp 443 from 0.0.0.0/0");
    assert_eq!(condition(&silent.status(), "InSync").reason, "ClientsNotDeclared");
    silent.groups[0].rules[0] = foreign("ingress tcp 443 from pl-cloudfront");
    assert_eq!(condition(&silent.status(), "InSync").reason, "ClientsNotDeclared");
    assert_eq!(condition(&silent.status(), "InSync").status, "True");

    let mut shared = settled("{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}], foreignRules: Remove}");
    shared.groups[0].tags = opted_in("shared", "*");
    shared.groups[0].rules.push(foreign("egress all to 0.0.0.0/0"));
    let status = shared.status();
    assert_eq!(condition(&status, "InSync").reason, "ForeignRulesKept");
    assert_eq!(status.foreign_rules, ["sg-alb egress all to 0.0.0.0/0"]);
    assert_eq!(status.held[0].reason, "ForeignRulesKept");
}

#[test]
fn at_most_twenty_foreign_rules_the_widest_first() {
    let mut world = settled(SHOP);
    for port in 1..=25 {
        world.groups[0].rules.push(foreign(&format!("ingress tcp {port} from 192.0.2.0/24")));
    }
    world.groups[0].rules.push(foreign("egress all to 0.0.0.0/0"));
    let status = world.status();
    assert_eq!(status.foreign_rules.len(), 20);
    assert_eq!(status.foreign_rules[0], "sg-alb egress all to 0.0.0.0/0");
    assert_eq!(status.rules.expect("counts").foreign, 26);
}

#[test]
fn at_most_fifty_pending_steps() {
    let mut world = settled(SHOP);
    for port in 1..=60 {
        world.groups[0].rules.push(mine(&format!("ingress tcp {port} from 192.0.2.0/24")));
    }
    assert_eq!(world.status().plan.len(), 50);
}

#[test]
fn conditions_keep_the_time_of_their_last_transition() {
    let mut world = settled(SHOP);
    let status = world.status();
    set_status(&mut world.object, status);
    world.now = NOW + 1.hour();
    let rule = world.groups[1].rules.pop().expect("a rule");
    let changed = world.status();
    let time = |status: &Status, kind: &str| condition(status, kind).last_transition_time.0;
    assert_eq!(time(&changed, "Ready"), NOW + 1.hour());
    assert_eq!(time(&changed, "InSync"), NOW + 1.hour());
    assert_eq!(time(&changed, "Resolved"), NOW);
    assert_eq!(time(&changed, "Stalled"), NOW);

    world.groups[1].rules.push(rule);
    assert_eq!(world.status(), world.object.status().cloned().expect("a status"));
}

#[test]
fn a_group_that_was_left_stands_in_the_status_until_it_is_clean() {
    let mut world = settled(SHOP);
    let left = SecurityGroupStatus { id: "sg-old".into(), ..SecurityGroupStatus::default() };
    set_status(&mut world.object, Status { security_groups: vec![left], ..Status::default() });
    let ids =
        |world: &World| -> Vec<String> { world.status().security_groups.into_iter().map(|group| group.id).collect() };
    assert_eq!(ids(&world), ["sg-alb", "sg-app", "sg-old"]);
    world.groups.push(group_of("sg-old", &[mine(FROM_ALB)]));
    assert_eq!(ids(&world), ["sg-alb", "sg-app", "sg-old"]);
    world.groups[2].rules.clear();
    assert_eq!(ids(&world), ["sg-alb", "sg-app"]);
}

const BLUE_GREEN: &str =
    "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}], blueGreen: {blue: blue, green: green}}";

fn blue_green_world(weights: (i32, i32)) -> World {
    let blue = TargetGroupFacts { weight: Some(weights.0), ..target_group("blue", 8000, "sg-blue") };
    let green = TargetGroupFacts { weight: Some(weights.1), ..target_group("green", 8000, "sg-green") };
    let to = |group| mine(&format!("egress tcp 8000 to {group}"));
    World {
        resolution: Some(resolution(facts(alb(&[443]), &[blue, green]))),
        groups: vec![
            group_of("sg-alb", &[mine(LISTENER), to("sg-blue"), to("sg-green")]),
            group_of("sg-blue", &[mine(FROM_ALB)]),
            group_of("sg-green", &[mine(FROM_ALB)]),
        ],
        ..settled(BLUE_GREEN)
    }
}

#[test]
fn blue_green_is_ready_when_the_rules_of_both_groups_were_observed() {
    let ready = |world: &World| condition(&world.status(), "BlueGreenReady").status == "True";
    assert!(ready(&blue_green_world((0, 100))));
    for (group, rule) in [(0, 1), (0, 2), (1, 0), (2, 0)] {
        let mut world = blue_green_world((0, 100));
        world.groups[group].rules.remove(rule);
        assert!(!ready(&world), "without rule {rule} of group {group}");
    }
    // What has nothing to do with the two groups does not matter.
    let mut without_listener = blue_green_world((0, 100));
    without_listener.groups[0].rules.remove(0);
    assert!(ready(&without_listener));
    assert!(!ready(&World { outdated: true, ..blue_green_world((0, 100)) }));
    assert!(!ready(&World { resolution: None, ..blue_green_world((0, 100)) }));
    let mut not_all_known = blue_green_world((0, 100));
    not_all_known.resolution.as_mut().expect("it has one").complete = false;
    assert!(!ready(&not_all_known), "a target of theirs may be among what is not known");
}

#[test]
fn where_traffic_goes() {
    let of = |weights| blue_green_world(weights).status().blue_green.expect("blue and green");
    assert_eq!(of((0, 100)).active, Some("green".into()));
    assert_eq!(of((90, 10)).active, Some("blue".into()));
    assert_eq!(of((50, 50)).active, None);
    assert_eq!(of((90, 10)).weights, BTreeMap::from([("blue".into(), 90), ("green".into(), 10)]));
    assert_eq!(settled(SHOP).status().blue_green, None);
    assert!(settled(SHOP).status().conditions.iter().all(|each| each.type_ != "BlueGreenReady"));
}

#[test]
fn how_full_a_group_is() {
    let rules = || {
        [
            "ingress tcp 443 from 10.0.0.0/8",
            "ingress tcp 443 from 192.0.2.0/24",
            "ingress tcp 443 from ::/0",
            "ingress tcp 443 from sg-1",
            "ingress tcp 443 from pl-1",
            "egress all to 0.0.0.0/0",
        ]
        .into_iter()
        .map(spec)
    };
    let weights = BTreeMap::from([("pl-1".into(), 55)]);
    assert_eq!(usage(rules(), Direction::Ingress, 60, &weights), RuleUsage { used: 58, limit: 60 });
    assert_eq!(usage(rules(), Direction::Egress, 60, &weights), RuleUsage { used: 1, limit: 60 });
}

// What was last known

fn an_id(prefix: &'static str) -> impl Strategy<Value = String> {
    "[0-9a-f]{8}".prop_map(move |id| format!("{prefix}-{id}"))
}

fn group_ids() -> impl Strategy<Value = BTreeSet<SecurityGroupId>> {
    prop::collection::btree_set(an_id("sg").prop_map(SecurityGroupId::new), 0..4)
}

fn cidrs() -> impl Strategy<Value = BTreeSet<Cidr>> {
    let v4 = (any::<[u8; 4]>(), 0..=32u8).prop_map(|(address, length)| (std::net::IpAddr::from(address), length));
    let v6 = (any::<[u8; 16]>(), 0..=128u8).prop_map(|(address, length)| (std::net::IpAddr::from(address), length));
    let net = |(address, length)| Cidr::new(ipnet::IpNet::new(address, length).expect("a network"));
    prop::collection::btree_set(prop_oneof![v4, v6].prop_map(net), 0..4)
}

prop_compose! {
    fn a_target_group(index: usize)(
        arn in any::<bool>(),
        protocol in "HTTP|HTTPS|TCP|UDP|TCP_UDP",
        weight in prop::option::of(0..999i32),
        ports in prop::collection::btree_set(1..=u16::MAX, 0..3),
        health_check_port in prop::option::of(1..=u16::MAX),
        control_port in prop::option::of(1..=u16::MAX),
        groups in group_ids(),
        addresses in cidrs(),
    ) -> TargetGroupFacts {
        let text = format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/g{index}/1");
        let arn = if arn { ElbArn::parse(&text) } else { None };
        let (name, protocol) = (format!("g{index}"), ElbProtocol(protocol));
        TargetGroupFacts { name, arn, protocol, weight, ports, health_check_port, control_port, groups, addresses }
    }
}

prop_compose! {
    fn some_facts()(
        network in any::<bool>(),
        internal in any::<bool>(),
        ip_address_type in "ipv4|dualstack|dualstack-without-public-ipv4",
        groups in group_ids(),
        listeners in prop::collection::btree_map(1..=u16::MAX, ("HTTP|TLS|UDP", any::<bool>()), 0..4),
        group in prop::option::of(an_id("sg").prop_map(SecurityGroupId::new)),
        vpc in prop::option::of((an_id("vpc"), cidrs())),
        target_groups in (a_target_group(0), a_target_group(1), a_target_group(2)),
        count in 0..=3usize,
    ) -> Facts {
        let listener = |(protocol, authenticates)| ListenerFacts { protocol: ElbProtocol(protocol), authenticates };
        let load_balancer = LoadBalancerFacts {
            kind: if network { LoadBalancerKind::Network } else { LoadBalancerKind::Application },
            scheme: if internal { LoadBalancerScheme::Internal } else { LoadBalancerScheme::InternetFacing },
            ip_address_type,
            groups,
            listeners: listeners.into_iter().map(|(port, facts)| (port, listener(facts))).collect(),
            ..alb(&[])
        };
        Facts {
            load_balancer: Some(load_balancer),
            vpc: vpc.map(|(id, cidrs)| VpcFacts { id: VpcId::new(id), cidrs }),
            group,
            target_groups: [target_groups.0, target_groups.1, target_groups.2].into_iter().take(count).collect(),
            peers: PeerFacts::default(),
        }
    }
}

proptest! {
    #[test]
    fn facts_are_read_back_as_they_were_written(facts in some_facts()) {
        let world = World { resolution: Some(resolution(facts.clone())), ..settled("loadBalancer: {name: shop}") };
        let text = serde_json::to_string(&world.status()).expect("JSON");
        let status: Status = serde_json::from_str(&text).expect("a status");
        prop_assert_eq!(facts_of(&status), Some(facts));
    }
}

#[test]
fn a_status_that_holds_no_facts_or_none_that_are_understood() {
    assert_eq!(facts_of(&Status::default()), None);
    let mut status = settled(SHOP).status();
    status.load_balancer.as_mut().expect("a load balancer").kind = "gateway".into();
    assert_eq!(facts_of(&status), None);
}

#[test]
fn the_last_facts_stay_while_nothing_was_looked_for() {
    let mut world = settled(SHOP);
    let before = world.status();
    set_status(&mut world.object, before.clone());
    world.resolution = None;
    let after = world.status();
    assert_eq!((after.load_balancer, after.target_groups), (before.load_balancer, before.target_groups));
}
