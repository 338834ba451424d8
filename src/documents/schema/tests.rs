use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::documents::yaml;

/// What is found in a spec, each as `field: message`.
fn found(kind: Kind, spec: &str) -> Vec<String> {
    let part = yaml::parts(spec);
    let trees = part[0].trees().expect("it is YAML");
    let mut object = json!({"apiVersion": "sgbind.dev/v1alpha1", "kind": kind.name(), "metadata": {"name": "a"}});
    object["spec"] = trees[0].root.to_json();
    findings(kind, &mut object).iter().map(ToString::to_string).collect()
}

#[rstest]
#[case::nothing("{loadBalancer: {name: shop}}", &[])]
#[case::missing("{}", &["spec.loadBalancer: is missing: write an object with fields such as arn, gateway, ingress, name, securityGroup, service or tags"])]
#[case::misspelt_and_so_missing("{loadbalancer: {name: shop}}", &["spec.loadbalancer: unknown field; did you mean loadBalancer?"])]
#[case::unlike_any("{loadBalancer: {name: shop, dns: x}}", &["spec.loadBalancer.dns: unknown field: here may stand arn, gateway, ingress, name, securityGroup, service or tags"])]
#[case::text_for_object("{loadBalancer: shop}", &["spec.loadBalancer: expected an object with fields such as arn, gateway, ingress, name, securityGroup, service or tags, found the text \"shop\""])]
#[case::number_for_text("{loadBalancer: {name: shop}, accountID: 123456789012}", &["spec.accountID: expected a text, found the number 123456789012: write it in quotes"])]
#[case::text_for_number("{loadBalancer: {name: shop}, listeners: [{port: '443'}, {port: https}]}", &[
    "spec.listeners[0].port: expected a whole number, found the text \"443\": write it without quotes",
    "spec.listeners[1].port: expected a whole number, found the text \"https\"",
])]
#[case::object_for_list("{loadBalancer: {name: shop}, clients: {vpc: true}}", &["spec.clients: expected a list, found an object: write a hyphen before each item"])]
#[case::text_for_list("{loadBalancer: {name: shop}, manage: TargetEgress}", &["spec.manage: expected a list, found the text \"TargetEgress\": for this one alone write [\"TargetEgress\"]"])]
#[case::number_for_choice("{loadBalancer: {name: shop}, enforcement: 1}", &["spec.enforcement: expected Enforce or Observe, found the number 1"])]
#[case::null_in_a_list("{loadBalancer: {name: shop}, clients: [null]}", &["spec.clients[0]: expected an object with fields such as cidr, prefixList, securityGroup or vpc, found nothing"])]
#[case::null_for_a_field("{loadBalancer: {name: shop}, clients: null, enforcement: null}", &[])]
#[case::out_of_bounds("{loadBalancer: {name: shop}, listeners: [{port: 0}, {port: 65536}]}", &[
    "spec.listeners[0].port: 0 is not within 1 to 65535",
    "spec.listeners[1].port: 65536 is not within 1 to 65535",
])]
#[case::fraction("{loadBalancer: {name: shop}, listeners: [{port: 8.5}]}", &["spec.listeners[0].port: expected a whole number, found the number 8.5"])]
#[case::choice("{loadBalancer: {name: shop}, enforcement: Nonsense}", &["spec.enforcement: \"Nonsense\" is not Enforce or Observe"])]
#[case::twice("{loadBalancer: {name: shop}, listeners: [{port: 443}, {port: 80}, {port: 443}]}", &["spec.listeners[2]: stands twice, first as spec.listeners[0] (port: 443): leave one of them"])]
#[case::empty_text("{loadBalancer: {securityGroup: {name: ''}}}", &["spec.loadBalancer.securityGroup.name: is empty: write a text, or leave the field out"])]
#[case::rule("{loadBalancer: {name: shop, arn: x}}", &[
    "spec.loadBalancer.arn: not the ARN of an Application or Network Load Balancer: write one such as arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188",
    "spec.loadBalancer: a load balancer is named by only one of arn, name, tags, ingress, gateway or service, but given are [\"arn\", \"name\"]",
])]
#[case::rule_of_another_field("{loadBalancer: {name: shop}, targetGroups: [{name: a}], blueGreen: {blue: a, green: b}}", &[
    "spec.blueGreen.green: no target group named b stands in targetGroups: write one of [\"a\"]",
    "spec.targetGroups[0]: without ref nothing can be derived: give ports, and securityGroups or addresses, or name the target group by ref",
])]
fn bindings_are_judged_as_in_the_cluster(#[case] spec: &str, #[case] expected: &[&str]) {
    let mut found = found(Kind::AlbTargetBinding, spec);
    found.sort();
    assert_eq!(found, expected);
}

/// A rule that sees what is wrong otherwise would complain of the same; all others are asked.
#[test]
fn rules_are_asked_of_all_that_is_not_wrong_otherwise() {
    let spec = "{securityGroup: {ids: sg-0a1b2c3d}, ingress: [{services: [SSH], from: [{cidr: 10.0.0.1/8}]}, \
                {services: [Ssh], from: [{cidr: 010.0.0.0/8}]}]}";
    let expected = [
        "spec.ingress[1].services[0]: \"Ssh\" is not HTTP, HTTPS, SSH, RDP, MSSQL, MySQL, Redshift, PostgreSQL, Oracle, NFS, \
         DNS, Ping, PathMTUDiscovery, AllTraffic, AllTCP, AllUDP or AllICMP; did you mean SSH?",
        "spec.securityGroup.ids: unknown field; did you mean id?",
        "spec.ingress[0].from[0].cidr: host bits are set in 10.0.0.1/8: write 10.0.0.0/8",
        "spec.ingress[1].from[0].cidr: not an IPv4 or IPv6 network: write one such as 10.0.0.0/8 or 2001:db8::/32 (no leading \
         zeros, no IPv4 behind ::ffff:)",
    ];
    assert_eq!(found(Kind::SecurityGroupAccess, spec), expected);
}

#[test]
fn defaults_are_filled_in() {
    let mut object =
        json!({"spec": {"loadBalancer": {"name": "shop"}, "enforcement": null, "manage": ["TargetEgress"]}});
    assert_eq!(findings(Kind::AlbTargetBinding, &mut object), []);
    let expected = json!({
        "spec": {
            "loadBalancer": {"name": "shop"}, "enforcement": "Enforce", "foreignRules": "Report",
            "deletionPolicy": "Revoke", "pathMTUDiscovery": false, "manage": ["TargetEgress"],
        },
        "status": {"observedGeneration": -1},
    });
    assert_eq!(object, expected);
}

/// What could be written in a CRD, and is not judged here.
#[test]
fn our_schemas_use_nothing_that_is_not_judged() {
    fn unjudged(value: &Value, found: &mut Vec<String>) {
        const UNJUDGED: [&str; 15] = [
            "allOf",
            "anyOf",
            "oneOf",
            "not",
            "pattern",
            "multipleOf",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "minProperties",
            "x-kubernetes-int-or-string",
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-embedded-resource",
            "uniqueItems",
            "optionalOldSelf",
            "$ref",
        ];
        match value {
            Value::Object(fields) => {
                found.extend(fields.keys().filter(|name| UNJUDGED.contains(&name.as_str())).cloned());
                fields.values().for_each(|value| unjudged(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| unjudged(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for crd in crate::api::crds() {
        assert_eq!(crd.spec.versions.len(), 1);
        unjudged(&serde_json::to_value(&crd.spec.versions[0].schema).expect("JSON"), &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn lists_without_end_end_soon() {
    let peers: String = (0..20_000).map(|_| "{cidr: 10.0.0.0/8}, ").collect();
    let found = found(Kind::AlbTargetBinding, &format!("{{loadBalancer: {{name: shop}}, clients: [{peers}]}}"));
    assert_eq!(found, ["spec.clients: has 20000 items, of which at most 60 are taken"]);
}

/// As large as bounds allow, with the peers that cost most to compare.
#[test]
fn largest_binding_is_judged() {
    let networks = || (0..60).map(|n| format!("2001:db8:0:0:0:{n:04x}:0:0/128"));
    let peers: Vec<Value> = networks().map(|network| json!({"cidr": network})).collect();
    let group = |n: usize| {
        let groups: Vec<Value> = (0..16).map(|n| json!({"id": format!("sg-{n:017x}")})).collect();
        json!({
            "name": format!("group-{n}"), "ref": {"name": format!("shop-{n}")}, "ports": (1..=60).collect::<Vec<_>>(),
            "securityGroups": groups, "addresses": networks().collect::<Vec<_>>(),
        })
    };
    let mut object = json!({"spec": {
        "loadBalancer": {"name": "shop"}, "clients": peers, "identityProviders": peers,
        "listeners": (1..=60).map(|port| json!({"port": port, "clients": peers})).collect::<Vec<_>>(),
        "targetGroups": (0..50).map(group).collect::<Vec<_>>(),
    }});
    assert_eq!(findings(Kind::AlbTargetBinding, &mut object), []);
}
