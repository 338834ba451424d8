//! What is said beside the fields.

use super::standard;
use super::world::{World, foot};
use crate::import::object_name;
use crate::model::Usage;

/// The page shows what is printed.
#[test]
fn the_example_of_the_docs() {
    let world = World::new(standard())
        .rules(
            "sg-0b000000",
            &[
                "ingress tcp 80 from 0.0.0.0/0",
                "ingress tcp 443 from 0.0.0.0/0",
                "ingress tcp 443 from sg-0f000000",
                "egress all to 0.0.0.0/0",
            ],
        )
        .rules("sg-0a000000", &["ingress tcp 0-65535 from 10.0.0.0/8"])
        .described("ingress tcp 443 from sg-0f000000", "smoke tests")
        .described("ingress tcp 0-65535 from 10.0.0.0/8", "temporary")
        .group_named("sg-0b000000", "shop-alb", true)
        .group_named("sg-0a000000", "shop-app", true)
        .group_named("sg-0f000000", "ci-runners", true)
        .tags("sg-0b000000", &[("sgbind.dev/cluster/prod", "owned"), ("sgbind.dev/namespaces", "team-shop")])
        .in_cluster();
    let page = include_str!("../../../docs/cli/import.md");
    assert!(page.contains(&format!("```yaml\n{}```\n", world.yaml())), "docs/cli/import.md lacks\n{}", world.yaml());
}

#[test]
fn names_from_aws_say_nothing_that_a_reader_could_mistake() {
    let world = World::new(standard())
        .rules("sg-0b000000", &["ingress tcp 80 from sg-0f000000", "ingress tcp 443 from 10.0.0.0/8"])
        .described("ingress tcp 443 from 10.0.0.0/8", "office\nclients: [{cidr: 0.0.0.0/0}]\u{2028}\u{202e}x")
        .group_named("sg-0f000000", "a: [b], {c} #d\n\"e\\\u{85}", true)
        .group_named("sg-0a000000", "app\r\n  - cidr: ::/0", false);
    insta::assert_snapshot!(world.yaml(), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    apiVersion: sgbind.dev/v1alpha1
    kind: ALBTargetBinding
    metadata: {name: shop, namespace: team-shop}
    spec:
      loadBalancer: {name: shop} # its group sg-0b000000 (alb) is written
      # Clients: those whom the rules of sg-0b000000 (alb) admit today.
      listeners:
      - port: 80
        clients:
        - securityGroup: {name: "a: [b], {c} #d\u000a\"e\\\u0085"} # sg-0f000000
      - port: 443
        clients:
        - cidr: 10.0.0.0/8 # "office clients: [{cidr: 0.0.0.0/0}] ?x"
      # Target groups are derived: all that listeners and their rules forward to. Today:
      #   app: HTTP 8000; in sg-0a000000 (app    - cidr: ::/0)
      foreignRules: Report
    # No rule of today would be reported as foreign.
    "#);
}

#[test]
fn elsewhere_region_and_account_are_written() {
    let world = World::new(standard())
        .rules("sg-0b000000", &["ingress all from 10.0.0.0/8"])
        .with_home("us-east-1", "210987654321");
    let spec = world.spec();
    assert_eq!((&spec["region"], &spec["accountID"]), (&"ap-northeast-2".into(), &"123456789012".into()));
    assert!(world.yaml().contains("  accountID: \"123456789012\"\n"), "{}", world.yaml());
}

#[test]
fn what_could_not_be_read_stands_first() {
    let world = World::new(standard())
        .rules("sg-0b000000", &["ingress all from 10.0.0.0/8"])
        .unknown("ec2:DescribeNetworkInterfaces failed: UnauthorizedOperation");
    let document = world.document();
    assert_eq!(document.unknown, ["ec2:DescribeNetworkInterfaces failed: UnauthorizedOperation"]);
    insta::assert_snapshot!(document.yaml().lines().take(4).collect::<Vec<_>>().join("\n"), @r#"
    # Imported from arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188
    # (application, internet-facing, ipv4).
    # NOT COMPLETE. Not known:
    #   ec2:DescribeNetworkInterfaces failed: UnauthorizedOperation
    "#);
}

#[test]
fn what_keeps_rules_from_being_removed_is_told() {
    let rules = ["ingress tcp 22 from 10.0.0.0/8", "ingress tcp 443 from 10.0.0.0/8", "ingress tcp 80 from 10.0.0.0/8"];
    let world = || World::new(standard()).rules("sg-0b000000", &rules).in_cluster();
    let shared = [("sgbind.dev/cluster/prod", "shared"), ("sgbind.dev/namespaces", "*")];
    insta::assert_snapshot!(foot(&world().tags("sg-0b000000", &shared).yaml()), @r#"
    # Rules of today that would be reported as foreign:
    #   sg-0b000000 (alb) ingress tcp 22 from 10.0.0.0/8 (sgr-b0): not needed; Remove leaves it, as sg-0b000000 is shared
    # Groups that may not be written yet by cluster prod for namespace team-shop. If they may be:
    #   aws ec2 create-tags --region ap-northeast-2 --resources sg-0a000000 --tags Key=sgbind.dev/cluster/prod,Value=owned Key=sgbind.dev/namespaces,Value=team-shop
    "#);
    let elsewhere = Usage::Elsewhere(["eni-1 (RDS\nx)".to_owned()].into());
    insta::assert_snapshot!(foot(&world().used(elsewhere).yaml()), @r#"
    # Rules of today that would be reported as foreign:
    #   sg-0b000000 (alb) ingress tcp 22 from 10.0.0.0/8 (sgr-b0): not needed; Remove leaves it while sg-0b000000 is used elsewhere (eni-1 (RDS x))
    # Groups that may not be written yet by cluster prod for namespace team-shop. If they may be:
    #   aws ec2 create-tags --region ap-northeast-2 --resources sg-0a000000 --tags Key=sgbind.dev/cluster/prod,Value=owned Key=sgbind.dev/namespaces,Value=team-shop
    #   aws ec2 create-tags --region ap-northeast-2 --resources sg-0b000000 --tags Key=sgbind.dev/cluster/prod,Value=owned Key=sgbind.dev/namespaces,Value=team-shop
    "#);
}

#[test]
fn an_object_is_named_as_kubernetes_has_it() {
    assert_eq!(object_name("Shop-Public"), "shop-public");
    assert_eq!(object_name("--x_y.z-"), "x-y-z");
    assert_eq!(object_name("---"), "load-balancer");
}
