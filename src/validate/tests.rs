//! What is refused, each with the message that says what to write instead.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::*;
use crate::api::{ForeignRules, SecurityGroupStatus};
use crate::model::{Binding, LoadBalancerSelector};
use crate::testing::{declaration, object, scope as home, texts, written, written_binding};

mod access;
mod binding;
mod texts;

fn findings(spec: &str) -> Vec<String> {
    texts(super::object(&written(spec), &home()).err().unwrap_or_default())
}

/// Of a binding that is right but for what is added.
fn findings_with(addition: &str) -> Vec<String> {
    findings(&format!("{{loadBalancer: {{name: shop}}, {addition}}}"))
}

#[test]
fn the_smallest_binding() {
    let declaration = declaration("loadBalancer: {name: shop}");
    assert_eq!(declaration.object, object("shop"));
    assert_eq!(declaration.uid, "uid-of-shop");
    assert_eq!(declaration.generation, 3);
    assert_eq!(declaration.scope, home());
    assert_eq!(declaration.stance, Stance::Enforce);
    assert_eq!(declaration.foreign_rules, ForeignRules::Report);
    assert!(!declaration.finalizer);
    assert_eq!(declaration.recorded_groups, BTreeSet::new());
    let all = BTreeSet::from([api::Aspect::ListenerIngress, api::Aspect::TargetEgress, api::Aspect::TargetIngress]);
    assert_eq!(
        declaration.wants,
        Wants::Binding(Binding {
            load_balancer: Some(LoadBalancerSelector::Name("shop".into())),
            group: None,
            clients: None,
            listeners: None,
            target_groups: None,
            identity_providers: None,
            path_mtu_discovery: false,
            blue_green: None,
            manage: all,
        })
    );
}

#[test]
fn one_load_balancer_or_a_security_group() {
    assert_eq!(
        findings("loadBalancer: {}"),
        [
            "spec.loadBalancer: names neither a load balancer nor a security group: write one of arn, name, tags, ingress, \
          gateway, service or securityGroup"
        ]
    );
    assert_eq!(
        findings("loadBalancer: {name: shop, ingress: {name: shop}}"),
        [
            "spec.loadBalancer: expected exactly one of arn, name, tags, ingress, gateway, service, found name and ingress"
        ]
    );
    let alone = "loadBalancer: {securityGroup: {id: sg-0a1b2c3d}}";
    assert_eq!(findings(&format!("{{{alone}, listeners: [{{port: 443}}], clients: [{{vpc: true}}]}}")), [""; 0]);
    assert_eq!(
        findings(alone),
        [
            "spec: without a load balancer nothing can be derived: declare listeners or targetGroups, or name the load balancer"
        ]
    );
    assert_eq!(
        findings(&format!("{{{alone}, listeners: [{{port: 443}}]}}")),
        [
            "spec: without a load balancer no clients can be derived: give clients, or clients of each listener, or name the \
          load balancer"
        ]
    );
    assert_eq!(
        findings("{loadBalancer: {securityGroup: {name: shop}}, targetGroups: [{name: a, ref: {name: x}}]}"),
        ["spec.loadBalancer: without a load balancer there is no VPC to look a security group up in: give \
          securityGroup.id, or name the load balancer"]
    );
    for reference in ["name: a", "tags: {a: b}", "ingress: {name: a}", "gateway: {name: a}", "service: {name: a}"] {
        assert_eq!(findings(&format!("loadBalancer: {{{reference}}}")), [""; 0], "{reference}");
    }
}

#[test]
fn arns() {
    let example = "write one such as arn:aws:elasticloadbalancing:ap-northeast-2:123456789012";
    assert_eq!(
        findings("loadBalancer: {arn: shop}"),
        [format!(
            "spec.loadBalancer.arn: not the ARN of an Application or Network Load Balancer: \
             {example}:loadbalancer/app/shop/50dc6c495c0c9188"
        )]
    );
    assert_eq!(
        findings_with("targetGroups: [{name: a, ref: {arn: shop}}]"),
        [format!(
            "spec.targetGroups[0].ref.arn: not the ARN of a target group: {example}:targetgroup/shop-blue/73e2d6bc24d8a067"
        )]
    );
}

#[test]
fn account_and_region_are_those_of_the_arn_unless_declared() {
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:210987654321:loadbalancer/app/shop/50dc6c495c0c9188";
    let of = |spec: &str| declaration(spec).scope.to_string();
    assert_eq!(of(&format!("loadBalancer: {{arn: '{arn}'}}")), "210987654321/eu-west-1");
    assert_eq!(of("{loadBalancer: {name: shop}, region: eu-central-1}"), "123456789012/eu-central-1");
    assert_eq!(of("{loadBalancer: {name: shop}, accountID: '111122223333'}"), "111122223333/ap-northeast-2");
}

#[test]
fn security_groups() {
    assert_eq!(
        findings("loadBalancer: {name: shop, securityGroup: {id: sg-0a1b2c3d, name: shop}}"),
        ["spec.loadBalancer.securityGroup: expected exactly one of id, name, tags, found id and name"]
    );
    assert_eq!(
        findings_with("clients: [{securityGroup: {}}]"),
        ["spec.clients[0].securityGroup: expected exactly one of id, name, tags, found none"]
    );
    assert_eq!(
        findings_with("clients: [{securityGroup: {name: gateway, accountID: '210987654321'}}]"),
        [
            "spec.clients[0].securityGroup.accountID: stands only beside id: name a group of another account by its id, or \
          leave accountID out"
        ]
    );
    let foreign = "securityGroup: {id: sg-0a1b2c3d, accountID: '210987654321'}";
    assert_eq!(findings_with(&format!("clients: [{{{foreign}}}]")), [""; 0]);
    let written = format!(
        "loadBalancer: {{name: shop, {foreign}}}, \
         targetGroups: [{{name: blue, ref: {{name: blue}}, securityGroups: [{{id: sg-0f9e8d7c, accountID: '210987654321'}}]}}]"
    );
    assert_eq!(findings(&format!("{{accountID: '210987654321', {written}}}")), [""; 0]);
    let wrong = "the account of the security group that is written stands in spec.accountID: write accountID: \
                 \"210987654321\" there";
    for elsewhere in ["", "accountID: '123456789012', "] {
        assert_eq!(
            findings(&format!("{{{elsewhere}{written}}}")),
            [
                format!("spec.loadBalancer.securityGroup.accountID: {wrong}"),
                format!("spec.targetGroups[0].securityGroups[0].accountID: {wrong}"),
            ]
        );
    }
}

#[test]
fn peers() {
    let one = "expected exactly one of cidr, securityGroup, prefixList, vpc, found";
    assert_eq!(findings_with("clients: [{}]"), [format!("spec.clients[0]: {one} none")]);
    assert_eq!(
        findings_with("clients: [{cidr: 10.0.0.0/8, vpc: true}]"),
        [format!("spec.clients[0]: {one} cidr and vpc")]
    );
    assert_eq!(
        findings_with("clients: [{vpc: false}]"),
        ["spec.clients[0].vpc: false says nothing: write vpc: true, or leave it out"]
    );
    assert_eq!(
        findings_with("clients: [{prefixList: {id: pl-0a1b2c3d, name: one}}]"),
        ["spec.clients[0].prefixList: expected exactly one of id, name, found id and name"]
    );
    assert_eq!(findings_with("identityProviders: [{}]"), [format!("spec.identityProviders[0]: {one} none")]);
}

#[test]
fn networks() {
    let not = |text: &str| {
        vec![format!(
            "spec.clients[0].cidr: \"{text}\" is not a network: write one such as 10.0.0.0/8 or 2001:db8::/32 (no leading \
          zeros, no IPv4 behind ::ffff:)"
        )]
    };
    for text in ["010.0.0.0/8", "10.0.0.0/33", "2001:db8::/129", "::ffff:10.0.0.0/104", "anywhere", ""] {
        assert_eq!(findings_with(&format!("clients: [{{cidr: '{text}'}}]")), not(text));
    }
    for (text, right) in [("10.0.0.1", "10.0.0.1/32"), ("2001:db8::1", "2001:db8::1/128")] {
        assert_eq!(
            findings_with(&format!("clients: [{{cidr: '{text}'}}]")),
            [format!("spec.clients[0].cidr: the prefix length is missing: for this one address write {right}")]
        );
    }
    assert_eq!(
        findings_with("clients: [{cidr: 100.68.0.18/18}]"),
        ["spec.clients[0].cidr: host bits are set in 100.68.0.18/18: write 100.68.0.0/18"]
    );
    assert_eq!(
        findings_with("clients: [{cidr: '2001:db8::1/32'}]"),
        ["spec.clients[0].cidr: host bits are set in 2001:db8::1/32: write 2001:db8::/32"]
    );
}

#[test]
fn listeners() {
    assert_eq!(
        findings_with("listeners: [{port: 443}, {port: 443}]"),
        ["spec.listeners[1].port: 443 is declared twice: put all its clients in one listener"]
    );
    assert_eq!(
        findings_with("listeners: [{port: 0}]"),
        ["spec.listeners[0].port: 0 is out of range: expected 1 to 65535"]
    );
    assert_eq!(
        findings_with("listeners: [{port: 443, clients: [{cidr: 10.0.0.0/8}, {cidr: 10.1.0.0/8}]}]"),
        ["spec.listeners[0].clients[1].cidr: host bits are set in 10.1.0.0/8: write 10.0.0.0/8"]
    );
}

#[test]
fn target_groups() {
    assert_eq!(
        findings_with("targetGroups: [{name: a, ref: {name: x}}, {name: a, ref: {name: y}}]"),
        ["spec.targetGroups[1].name: \"a\" is declared twice: names are unique in a binding"]
    );
    assert_eq!(
        findings_with("targetGroups: [{name: a, ref: {}}]"),
        ["spec.targetGroups[0].ref: expected exactly one of arn, name, found none"]
    );
    let without_ref = "spec.targetGroups[0]: without ref, ports and one of securityGroups or addresses are required";
    for group in ["name: a", "name: a, ports: [80]", "name: a, securityGroups: [{id: sg-0a1b2c3d}]"] {
        assert_eq!(findings_with(&format!("targetGroups: [{{{group}}}]")), [without_ref], "{group}");
    }
    for group in ["ports: [80], securityGroups: [{id: sg-0a1b2c3d}]", "ports: [80], addresses: [10.200.0.7/32]"] {
        assert_eq!(findings_with(&format!("targetGroups: [{{name: a, {group}}}]")), [""; 0], "{group}");
    }
    assert_eq!(
        findings_with("targetGroups: [{name: a, ref: {name: x}, ports: [80, 0]}]"),
        ["spec.targetGroups[0].ports[1]: 0 is out of range: expected 1 to 65535"]
    );
    assert_eq!(
        findings_with("targetGroups: [{name: a, ref: {name: x}, healthCheckPort: 0}]"),
        ["spec.targetGroups[0].healthCheckPort: 0 is out of range: expected 1 to 65535"]
    );
    assert_eq!(
        findings_with("targetGroups: [{name: a, ref: {name: x}, securityGroups: [{id: sg-0a1b2c3d}, {}]}]"),
        ["spec.targetGroups[0].securityGroups[1]: expected exactly one of id, name, tags, found none"]
    );
    assert_eq!(
        findings_with("targetGroups: [{name: a, ref: {name: x}, addresses: [10.200.0.7/24]}]"),
        ["spec.targetGroups[0].addresses[0]: host bits are set in 10.200.0.7/24: write 10.200.0.0/24"]
    );
}

#[test]
fn something_must_be_managed() {
    assert_eq!(
        findings_with("manage: []"),
        [
            "spec.manage: nothing would be managed: name at least one of ListenerIngress, TargetEgress or TargetIngress, or \
          write enforcement: Observe to change nothing"
        ]
    );
}

#[test]
fn blue_and_green_name_two_declared_target_groups() {
    let groups = "targetGroups: [{name: blue, ref: {name: x}}, {name: green, ref: {name: y}}]";
    assert_eq!(findings_with(&format!("{groups}, blueGreen: {{blue: blue, green: green}}")), [""; 0]);
    assert_eq!(
        findings_with(&format!("{groups}, blueGreen: {{blue: blue, green: red}}")),
        ["spec.blueGreen.green: no target group named \"red\" stands in targetGroups: write one of blue, green"]
    );
    assert_eq!(
        findings_with("blueGreen: {blue: one, green: one}"),
        ["spec.blueGreen: blue and green are both \"one\": name two different target groups"]
    );
    // Where none are declared the derived ones are meant, whose names only AWS knows.
    assert_eq!(findings_with("blueGreen: {blue: shop-blue, green: shop-green}"), [""; 0]);
}

#[test]
fn all_findings_are_told_at_once() {
    assert_eq!(
        findings(
            "{loadBalancer: {name: shop, arn: shop}, clients: [{cidr: 10.0.0.1/8}, {vpc: false}], manage: [], \
              listeners: [{port: 0}], targetGroups: [{name: a}]}"
        )
        .len(),
        7
    );
}

#[test]
fn unknown_fields_are_refused() {
    let parsed: Result<api::ALBTargetBindingSpec, _> =
        serde_saphyr::from_str("{loadBalancer: {name: shop}, foreignRule: Remove}");
    assert!(parsed.is_err());
}

fn stance_of(spec: &str, deleted: bool, abandoned: bool) -> Stance {
    let mut object = written_binding(&format!("{{loadBalancer: {{name: shop}}, {spec}}}"));
    if deleted {
        object.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
    }
    if abandoned {
        object.annotations_mut().insert("sgbind.dev/abandon".into(), "true".into());
    }
    stance(&object.into())
}

#[test]
fn what_an_object_lets_us_do() {
    assert_eq!(stance_of("enforcement: Enforce", false, false), Stance::Enforce);
    assert_eq!(stance_of("enforcement: Observe", false, false), Stance::Observe);
    assert_eq!(stance_of("enforcement: Enforce", true, false), Stance::Leaving(Farewell::Revoke));
    assert_eq!(stance_of("deletionPolicy: Retain", true, false), Stance::Leaving(Farewell::Retain));
    assert_eq!(stance_of("enforcement: Observe", true, false), Stance::Leaving(Farewell::Abandon));
    assert_eq!(stance_of("enforcement: Enforce", true, true), Stance::Leaving(Farewell::Abandon));
    assert_eq!(stance_of("deletionPolicy: Retain", true, true), Stance::Leaving(Farewell::Abandon));
    // The annotation is for the deletion only.
    assert_eq!(stance_of("enforcement: Enforce", false, true), Stance::Enforce);
}

#[test]
fn the_finalizer_and_the_recorded_groups_are_read() {
    let mut object = written_binding("loadBalancer: {name: shop}");
    object.metadata.finalizers = Some(vec!["another.example/rules".into(), "sgbind.dev/rules".into()]);
    let group = |id: &str| SecurityGroupStatus { id: id.into(), ..SecurityGroupStatus::default() };
    let elsewhere =
        SecurityGroupStatus { account_id: "210987654321".into(), region: "eu-west-1".into(), ..group("sg-far") };
    let groups = vec![group("sg-alb"), group("sg-app"), elsewhere];
    object.status = Some(api::Status { security_groups: groups, ..api::Status::default() });
    let declaration = super::object(&object.into(), &home()).expect("a declaration");
    assert!(declaration.finalizer);
    let here = home();
    assert_eq!(
        texts(declaration.recorded_groups),
        [format!("{here}/sg-alb"), format!("{here}/sg-app"), "210987654321/eu-west-1/sg-far".to_owned()]
    );
}
