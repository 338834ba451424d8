//! What is refused of an ALBTargetBinding: names, bounds, and what contradicts itself.

use super::{findings, findings_with};

#[test]
fn what_arns_say_agrees_with_what_is_declared() {
    let arn = |partition: &str, place: &str, resource: &str| {
        format!("{{arn: 'arn:{partition}:elasticloadbalancing:{place}:{resource}/73e2d6bc24d8a067'}}")
    };
    let balancer = arn("aws", "eu-west-1:123456789012", "loadbalancer/app/shop");
    let spec = |more: &str| format!("{{loadBalancer: {balancer}, {more}}}");
    let plain = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/73e2d6bc24d8a067";
    assert_eq!(findings(&spec("region: eu-west-1, accountID: '123456789012'")), [""; 0]);
    assert_eq!(
        findings(&spec("region: eu-west-2, accountID: '210987654321'")),
        [
            format!(
                "spec.region: eu-west-2 is not the Region of the load balancer {plain}: correct one of them, or omit region"
            ),
            format!(
                "spec.accountID: 210987654321 is not the account of the load balancer {plain}: correct one of them, or omit \
                 accountID"
            ),
        ]
    );
    let group = |partition: &str, place: &str| {
        format!("targetGroups: [{{name: a, ref: {}}}]", arn(partition, place, "targetgroup/shop"))
    };
    let wrong = |partition: &str, place: &str| {
        vec![format!(
            "spec.targetGroups[0].ref.arn: arn:{partition}:elasticloadbalancing:{place}:targetgroup/shop/73e2d6bc24d8a067 is \
             not of the Region and account that the binding names: correct one of them"
        )]
    };
    for (partition, place, agrees) in [
        ("aws", "eu-west-1:123456789012", true),
        ("aws-cn", "eu-west-1:123456789012", false),
        ("aws", "eu-west-2:123456789012", false),
        ("aws", "eu-west-1:210987654321", false),
    ] {
        let expected = if agrees { Vec::new() } else { wrong(partition, place) };
        assert_eq!(findings(&spec(&group(partition, place))), expected, "{partition} {place}");
    }
    for declared in ["region: eu-west-2", "accountID: '210987654321'"] {
        let group = group("aws", "eu-west-1:123456789012");
        assert_eq!(
            findings_with(&format!("{declared}, {group}")),
            wrong("aws", "eu-west-1:123456789012"),
            "{declared}"
        );
    }
}

#[test]
fn names() {
    assert_eq!(findings("loadBalancer: {name: internal-shop}").len(), 1);
    assert_eq!(findings("loadBalancer: {ingress: {name: Shop}}").len(), 1);
    assert_eq!(findings("loadBalancer: {tags: {}}").len(), 1);
    assert_eq!(findings_with("region: Seoul").len(), 1);
    assert_eq!(
        findings_with("targetGroups: [{name: a_b, ref: {name: a_b}}]"),
        [
            "spec.targetGroups[0].name: not a name for a target group: write letters, digits and inner hyphens only",
            "spec.targetGroups[0].ref.name: not the name of a target group in AWS: write letters, digits and inner hyphens only",
        ]
    );
}

#[test]
fn lists_that_would_be_silently_empty() {
    for list in ["clients: []", "listeners: []", "listeners: [{port: 80, clients: []}]", "targetGroups: []"] {
        assert_eq!(findings_with(list).len(), 1, "{list}");
    }
    for list in ["ports: []", "securityGroups: []", "addresses: []"] {
        assert_eq!(findings_with(&format!("targetGroups: [{{name: a, ref: {{name: x}}, {list}}}]")).len(), 1, "{list}");
    }
    assert_eq!(findings_with("identityProviders: []"), [""; 0]);
}

#[test]
fn the_bounds_of_the_schema() {
    let clients: Vec<_> = (0..61).map(|n| format!("{{cidr: 10.{n}.0.0/16}}")).collect();
    assert_eq!(
        findings_with(&format!("clients: [{}]", clients.join(", "))),
        ["spec.clients: has 61 items, and at most 60 are possible: leave some out"]
    );
    assert_eq!(
        findings_with("targetGroups: [{name: a, ref: {name: x}, ports: [80, 443, 80]}]"),
        ["spec.targetGroups[0].ports[2]: 80 stands in the list already: leave it out"]
    );
    assert_eq!(
        findings_with(&format!("clients: [{{prefixList: {{name: {}}}}}]", "ü".repeat(256))),
        ["spec.clients[0].prefixList.name: has 256 characters, and at most 255 are possible: shorten it"]
    );
    assert_eq!(
        findings_with("clients: [{prefixList: {name: ''}}]"),
        ["spec.clients[0].prefixList.name: is empty: write something, or leave it out"]
    );
    let tags: Vec<_> = (0..21).map(|n| format!("key-{n}: value")).collect();
    assert_eq!(
        findings_with(&format!("clients: [{{securityGroup: {{tags: {{{}}}}}}}]", tags.join(", "))),
        ["spec.clients[0].securityGroup.tags: has 21 keys, and at most 20 are possible: leave some out"]
    );
}

#[test]
fn peers_that_one_text_names_stand_once() {
    assert_eq!(
        findings_with("clients: [{vpc: true}, {cidr: 10.0.0.0/8}, {vpc: true}, {cidr: 10.0.0.0/8}]"),
        ["spec.clients: stands in the list more than once: 10.0.0.0/8, vpc; leave one of each"]
    );
    assert_eq!(findings_with("clients: [{prefixList: {name: a}}, {securityGroup: {name: a}}]"), [""; 0]);
    assert_eq!(
        findings_with("targetGroups: [{name: a, ref: {name: x}, securityGroups: [{name: shop}, {name: shop}]}]"),
        ["spec.targetGroups[0].securityGroups: stands in the list more than once: shop; leave one of each"]
    );
}
