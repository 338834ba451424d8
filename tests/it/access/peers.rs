//! Who is meant: networks, groups by id, name and tags, prefix lists, the VPC, the group itself.

use super::{applied, groups};
use crate::world::{World, estate, group};

#[tokio::test]
async fn peers_of_every_kind() {
    let found = groups(&["DB-SG"]);
    let peers = [group("APP-SG"), group("JOBS-SG"), group("REPORTS-SG").tag("role", "reports").tag("stage", "prod")];
    let found = peers.into_iter().fold(found, |found, peer| found.group(peer.without_consent()));
    let found = found.group(group("OLD-REPORTS-SG").tag("role", "reports").without_consent());
    let world = World::with(found).await;
    world.prefix_list("PL-OFFICE").await;
    world.prefix_list_of("PL-OFFICE6", "IPv6").await;
    world.group_of_account("PARTNER-SG", "210987654321").await;
    let _controller = world.controller(&[]).await;
    let spec = format!(
        "
        vpcID: {}
        securityGroup: {{name: DB-SG}}
        ingress:
        - services: [PostgreSQL, Ping]
          from:
          - {{cidr: 10.20.0.0/16}}
          - {{cidr: '2001:db8::/32'}}
          - {{securityGroup: {{id: $APP-SG}}}}
          - {{securityGroup: {{name: JOBS-SG}}}}
          - {{securityGroup: {{tags: {{role: reports, stage: prod}}}}}}
          - {{securityGroup: {{id: $PARTNER-SG, accountID: '210987654321'}}}}
          - {{prefixList: {{id: $PL-OFFICE}}}}
          - {{prefixList: {{name: PL-OFFICE6}}}}
          - {{vpc: true}}
          - {{self: true}}",
        world.vpc()
    );
    world.apply("sga/db", &spec).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    let with = |traffic: &str, peers: &[&str]| -> Vec<String> {
        peers.iter().map(|peer| format!("DB-SG in {traffic} <- {peer}")).collect()
    };
    let v4 = ["10.20.0.0/16", "10.0.0.0/16", "PL-OFFICE"];
    let v6 = ["2001:db8::/32", "VPC-IPv6", "PL-OFFICE6"];
    let of_both = ["APP-SG", "JOBS-SG", "REPORTS-SG", "210987654321/PARTNER-SG", "DB-SG"];
    let every_peer = [&v4[..], &v6, &of_both].concat();
    let expected = [
        with("tcp 5432", &every_peer),
        with("icmp 8/-1", &[&v4[..], &of_both].concat()),
        with("icmpv6 128/0", &[&v6[..], &of_both].concat()),
    ]
    .concat();
    world.expect_rules(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_peer_that_is_not_there_or_not_alone_keeps_no_other_out() {
    let twins = groups(&["DB-SG"]).group(group("ONE-SG").tag("role", "app")).group(group("TWO-SG").tag("role", "app"));
    let world = World::with(twins).await;
    let _controller = world.controller(&[]).await;
    let spec = |peer: &str| {
        format!(
            "
            vpcID: {}
            securityGroup: {{id: $DB-SG}}
            ingress: [{{services: [MySQL], from: [{{cidr: 10.0.0.0/8}}, {peer}]}}]",
            world.vpc()
        )
    };
    for (peer, reason, message) in [
        (
            "{securityGroup: {name: nobody}}",
            "SecurityGroupNotFound",
            "a security group named \"nobody\" is not in VPC: check its spelling and spec.vpcID, which says the VPC, or name it \
             by its id",
        ),
        (
            "{securityGroup: {tags: {role: none}}}",
            "SecurityGroupNotFound",
            "a security group with tags role=none is not in VPC: check its tags and spec.vpcID, which says the VPC, or name it \
             by its id",
        ),
        (
            "{securityGroup: {tags: {role: app}}}",
            "SecurityGroupAmbiguous",
            "a security group with tags role=app: VPC has several (ONE-SG, TWO-SG). Name one by its id",
        ),
        (
            "{prefixList: {name: nowhere}}",
            "PrefixListNotFound",
            "a prefix list named \"nowhere\" is not in 123456789012/eu-central-1: check its spelling, and that it is shared \
             with this account",
        ),
        (
            "{prefixList: {id: pl-0123456789abcdef0}}",
            "PrefixListNotFound",
            "a prefix list pl-0123456789abcdef0 is not in",
        ),
    ] {
        world.apply("sga/db", &spec(peer)).await;
        let told = world.wait_for("sga/db", &format!("Resolved=False {reason}")).await;
        // They come in the order of their ids.
        let told = world.named(told).replace(world.vpc(), "VPC").replace("TWO-SG, ONE-SG", "ONE-SG, TWO-SG");
        assert!(told.contains(message), "{told}");
        world.wait_for("sga/db", &format!("Ready=False {reason}")).await;
        world.rules_become(&["DB-SG in tcp 3306 <- 10.0.0.0/8"]).await;
    }
}

#[tokio::test]
async fn the_group_itself_is_found_by_name_or_tags_in_its_vpc() {
    let found = estate().group(group("DB-SG").tag("role", "db")).group(group("OTHER-SG").tag("role", "other"));
    let world = World::with(found).await;
    let _controller = world.controller(&[]).await;
    let spec = |own: &str, vpc: &str| {
        format!("{{vpcID: {vpc}, securityGroup: {own}, ingress: [{{services: [SSH], from: [{{cidr: 10.0.0.0/8}}]}}]}}")
    };
    for own in ["{name: DB-SG}", "{tags: {role: db}}", "{id: $DB-SG}"] {
        world.apply("sga/db", &spec(own, world.vpc())).await;
        world.wait_for("sga/db", "Ready=True InSync").await;
        world.expect_rules(&["DB-SG in tcp 22 <- 10.0.0.0/8"]).await;
    }
    world.apply("sga/db", &spec("{id: $DB-SG}", "vpc-0123456789abcdef0")).await;
    let message = world.wait_for("sga/db", "Resolved=False SecurityGroupNotFound").await;
    let message = world.named(message).replace(world.vpc(), "VPC");
    assert_eq!(message, "security group DB-SG is in VPC, and spec.vpcID is vpc-0123456789abcdef0: correct one of them");
    world.expect_rules(&["DB-SG in tcp 22 <- 10.0.0.0/8"]).await;
    world.apply("sga/db", &spec("{id: sg-0123456789abcdef0}", world.vpc())).await;
    let message = world.wait_for("sga/db", "Ready=False SecurityGroupNotFound").await;
    assert_eq!(
        message,
        "no security group sg-0123456789abcdef0 in 123456789012/eu-central-1: check spec.securityGroup, spec.region and \
         spec.accountID"
    );
}

#[tokio::test]
async fn what_moves_to_another_group_cleans_the_old_one() {
    let spec = |group: &str| {
        format!("{{securityGroup: {{id: ${group}}}, ingress: [{{services: [SSH], from: [{{cidr: 10.0.0.0/8}}]}}]}}")
    };
    let (world, _controller) = applied(groups(&["DB-SG", "NEW-SG"]), &spec("DB-SG")).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.apply("sga/db", &spec("NEW-SG")).await;
    world.rules_become(&["NEW-SG in tcp 22 <- 10.0.0.0/8"]).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.status_lacks("sga/db", "DB-SG").await;
}
