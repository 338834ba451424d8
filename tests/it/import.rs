//! `sgbind import`: the real binary on estates in moto. What it prints is compared whole, accepted by the real API server,
//! and admits whom the rules of today admit.

use std::{
    collections::BTreeSet,
    process::{Command, Output},
};

use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;
use tokio::task::spawn_blocking;

use crate::proxy::{Effect, Fault, Proxy};
use crate::world::{Estate, World, aws, estate, expect_lines, group};

mod estates;

/// What the command printed, and how it ended.
struct Printed {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs the command for this load balancer, for the test's own cluster and namespace.
async fn import(world: &World, load_balancer: &str, more: &[&str]) -> Printed {
    let cluster = [
        "--cluster-name".to_owned(),
        world.cluster().to_owned(),
        "--namespace".to_owned(),
        world.namespace().to_owned(),
    ];
    let more: Vec<String> = more.iter().map(|text| (*text).to_owned()).collect();
    run(&world.aws.url(), load_balancer, [&cluster[..], &more].concat()).await
}

/// The same, where AWS is asked there.
async fn run(url: &str, load_balancer: &str, arguments: Vec<String>) -> Printed {
    let (url, load_balancer) = (url.to_owned(), load_balancer.to_owned());
    let command = move || {
        Command::new(env!("CARGO_BIN_EXE_sgbind"))
            .args(["import", "--load-balancer", &load_balancer])
            .args(arguments)
            .env_clear()
            .env("AWS_ENDPOINT_URL", url)
            .env("AWS_ACCESS_KEY_ID", aws::KEY)
            .env("AWS_SECRET_ACCESS_KEY", aws::SECRET)
            .env("AWS_REGION", aws::REGION)
            .output()
    };
    let Output { status, stdout, stderr } = spawn_blocking(command).await.expect("no panic").expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Printed { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// The text as a person would write it down: names in place of ids.
fn in_names(world: &World, text: &str) -> String {
    let named = world.named(text).replace(world.vpc(), "vpc-1").replace(aws::ACCOUNT, "ACCOUNT");
    let mut text = String::new();
    let mut rest = named.as_str();
    while let Some(at) = rest.find("sgr-") {
        let id = rest[at + 4..].find(|char: char| !char.is_ascii_hexdigit()).map_or(rest.len(), |end| at + 4 + end);
        text = text + &rest[..at] + "sgr";
        rest = &rest[id..];
    }
    text + rest
}

/// A world with this in AWS, what is printed of its load balancer `shop`, and the same with names for ids. The API server
/// has accepted it.
async fn imported(estate: Estate) -> (World, String) {
    let world = World::with(estate).await;
    let printed = import(&world, "shop", &[]).await;
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{}", printed.out);
    world.apply_document(&printed.out).await;
    let text = in_names(&world, &printed.out);
    (world, text)
}

/// The rules of the load balancer's group that are there for clients when all that is declared was made, and nothing else.
async fn expect_clients(world: &World, expected: &[&str]) {
    let before: BTreeSet<String> = world.rules().await.into_iter().collect();
    let _controller = world.controller(&[]).await;
    world.wait_for("shop", "Ready=True InSync").await;
    let after = world.rules().await;
    let gone: Vec<&String> = before.iter().filter(|rule| !after.contains(rule)).collect();
    assert_eq!(gone, Vec::<&String>::new(), "nothing is revoked");
    let made: Vec<String> = after.into_iter().filter(|rule| !before.contains(rule)).collect();
    expect_lines("rules that are made", &made, expected);
}

#[tokio::test]
async fn what_is_there_under_another_name_is_told() {
    let estate = estate().internet_facing("shop-public").forward(443, "app").target_group("app", 8000);
    let world = World::with(estate.instance("APP-SG")).await;
    let near = import(&world, "shop", &[]).await;
    let region = aws::REGION;
    assert_eq!(near.code, Some(1));
    assert_eq!(near.out, "");
    assert_eq!(
        near.err,
        format!(
            "sgbind: shop: there is no such load balancer in {}/{region}. Did you mean shop-public?\n",
            aws::ACCOUNT
        )
    );
    let of_target_group = import(&world, &world.id("app"), &[]).await;
    assert_eq!(of_target_group.code, Some(1));
    assert!(of_target_group.err.contains("this is the ARN of a target group"), "{}", of_target_group.err);
}

#[tokio::test]
async fn a_network_load_balancer_without_groups_can_not_be_bound() {
    let estate = estate().network("shop").in_groups(&[]).forward(443, "app");
    let world = World::with(estate.target_group("app", 8000).over("TCP").instance("APP-SG")).await;
    let printed = import(&world, "shop", &[]).await;
    assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""));
    assert_eq!(
        printed.err,
        "sgbind: shop: shop has no security group, so rules can't refer to it: create it anew with one, or admit the clients' \
         CIDRs on the targets' security groups\n"
    );
}

#[tokio::test]
async fn json_is_the_object_alone_and_the_comments_go_elsewhere() {
    let estate = estate()
        .group(group("ALB-SG").rule("ALB-SG in tcp 443 <- 10.9.0.0/16"))
        .internet_facing("shop")
        .forward(443, "app")
        .target_group("app", 8000)
        .instance("APP-SG");
    let world = World::with(estate).await;
    let printed = import(&world, &world.id("lb shop"), &["-o", "json", "--enforcement", "observe"]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    let object: serde_json::Value = serde_json::from_str(&printed.out).expect("JSON");
    let expected = serde_json::json!({
        "apiVersion": "sgbind.dev/v1alpha1",
        "kind": "ALBTargetBinding",
        "metadata": {"name": "shop", "namespace": world.namespace()},
        "spec": {
            "loadBalancer": {"name": "shop"},
            "clients": [{"cidr": "10.9.0.0/16"}],
            "enforcement": "Observe",
            "foreignRules": "Report",
        },
    });
    assert_eq!(object, expected);
    assert!(printed.err.contains("No rule of today would be reported as foreign."), "{}", printed.err);
}

#[tokio::test]
async fn several_load_balancers_make_several_documents() {
    let estate = estate()
        .internet_facing("shop")
        .forward(443, "app")
        .internal("orders")
        .in_groups(&["ORDERS-SG"])
        .forward(443, "app-2")
        .target_group("app", 8000)
        .instance("APP-SG")
        .target_group("app-2", 8000)
        .instance("APP-SG");
    let world = World::with(estate).await;
    let printed = import(&world, "shop,orders", &["--load-balancer", "none"]).await;
    // What is whole is printed, and that not all is there is told.
    assert_eq!(printed.code, Some(1), "{}", printed.err);
    let read: Vec<serde_json::Value> = serde_saphyr::from_multiple(&printed.out).expect("YAML");
    let names: Vec<&str> = read.iter().filter_map(|each| each["metadata"]["name"].as_str()).collect();
    assert_eq!(names, ["shop", "orders"]);
    let said: Vec<&str> = printed.err.lines().collect();
    assert_eq!(said.len(), 1, "{}", printed.err);
    assert!(said[0].starts_with("sgbind: none: there is no such load balancer"), "{}", said[0]);
}

#[tokio::test]
async fn a_gateway_load_balancer_can_not_be_bound() {
    let world = World::new().await;
    let subnet = world.aws.ec2.describe_subnets().send().await.expect("subnets").subnets()[0].clone();
    let call = world.aws.elb.create_load_balancer().name("edge").r#type(LoadBalancerTypeEnum::Gateway);
    call.subnets(subnet.subnet_id.expect("an id")).send().await.expect("a gateway load balancer");
    let printed = import(&world, "edge", &[]).await;
    assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""));
    let said =
        "a gateway load balancer, which has no security groups: expected an application or network load balancer\n";
    assert!(printed.err.ends_with(said), "{}", printed.err);
}

#[tokio::test]
async fn what_can_not_be_read_is_told_and_not_taken_for_nothing() {
    let estate = estate()
        .group(group("ALB-SG").rule("ALB-SG in tcp 443 <- 10.9.0.0/16"))
        .internet_facing("shop")
        .forward(443, "app")
        .target_group("app", 8000)
        .instance("APP-SG");
    let world = World::with(estate).await;
    let denied = |action| {
        let refusal = Effect::Refuse { status: 403, code: "AccessDenied".into(), message: "not authorized".into() };
        Fault::on(action, refusal)
    };
    let proxy = Proxy::start(&world.aws.url()).await;

    // Whose the targets are does not matter for who the clients are.
    let fault = proxy.inject(denied("DescribeTargetHealth"));
    let printed = run(&proxy.url(), "shop", Vec::new()).await;
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    assert!(
        printed.out.contains("\n# NOT COMPLETE. Not known:\n#   elasticloadbalancing:DescribeTargetHealth"),
        "{}",
        printed.out
    );
    assert!(printed.out.contains("\n  - cidr: 10.9.0.0/16\n"), "{}", printed.out);
    assert!(
        printed.err.starts_with("sgbind: shop: not known: elasticloadbalancing:DescribeTargetHealth"),
        "{}",
        printed.err
    );
    assert!(proxy.lift(fault) > 0);

    // Without the rules nothing is known of the clients.
    for action in ["DescribeSecurityGroupRules", "DescribeListeners"] {
        let fault = proxy.inject(denied(action));
        let printed = run(&proxy.url(), "shop", Vec::new()).await;
        assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""), "{action}");
        assert!(printed.err.contains(action), "{}", printed.err);
        assert!(proxy.lift(fault) > 0);
    }
}

#[tokio::test]
async fn a_load_balancer_of_an_account_without_a_role_is_told() {
    let world = World::new().await;
    let arn = "arn:aws:elasticloadbalancing:eu-west-1:210987654321:loadbalancer/app/shop/50dc6c495c0c9188";
    let printed = import(&world, arn, &[]).await;
    assert_eq!((printed.code, printed.out.as_str()), (Some(1), ""));
    assert!(printed.err.contains("210987654321"), "{}", printed.err);
}
