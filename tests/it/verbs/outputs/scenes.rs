//! What stands in AWS and what is declared: together these scenes call for every action, on rules of every kind.

use futures::future::BoxFuture;

use super::Played;
use crate::verbs::stage::{binding, document};
use crate::world::{World, estate, group};

#[derive(Clone, Copy)]
pub struct Scene {
    pub before: for<'a> fn(&'a Played) -> BoxFuture<'a, ()>,
    /// With `$NAME` for ids.
    pub documents: fn(&World) -> String,
    pub arguments: &'static [&'static str],
    /// Everything that the plan does.
    pub actions: &'static [&'static str],
    /// With which the plan ends.
    pub code: i32,
}

/// A load balancer whose groups have rules that someone made by hand, needed ones and others.
pub const PATTERN: Scene = Scene {
    before: |played| Box::pin(before_pattern(played)),
    documents: |_| {
        let clients = "clients: [{cidr: 0.0.0.0/0}, {cidr: '::/0'}]";
        binding("shop", &format!("loadBalancer: {{name: shop}}\n{clients}\nforeignRules: Remove"))
    },
    arguments: &["--tightening-watch", "1s"],
    actions: &["adopt", "authorize", "describe", "revoke"],
    code: 2,
};

async fn before_pattern(played: &Played) {
    let alb = group("ALB-SG").with_default_egress().rule("ALB-SG in tcp 22 <- 10.0.0.0/8");
    let app = group("APP-SG").rule("APP-SG in tcp 8000 <- ALB-SG").rule("APP-SG in tcp 8000 <- 10.0.0.0/8");
    let balancer = estate().group(alb).group(app).internet_facing("shop").dual_stack().forward(443, "app");
    played.world.build(balancer.target_group("app", 8000).checked_every(5).instance("APP-SG")).await;
}

/// Every kind of traffic with every kind of peer, a description of all that EC2 takes, and an identity of more.
pub const PEERS: Scene = Scene {
    before: |played| Box::pin(before_peers(played)),
    documents: |world| document("SecurityGroupAccess", "db", &SPEC_OF_PEERS.replace("VPC", world.vpc())),
    arguments: &["--identity", r#"it's "ours": $HOME `id` \ "#],
    actions: &["authorize"],
    code: 2,
};

const SPEC_OF_PEERS: &str = "
vpcID: VPC
securityGroup: {id: $DB-SG}
ingress:
- services: [PostgreSQL, DNS, Ping]
  description: 'a.b_c-d:e/f()#,@[g]+=;{h}!$i* ${j} $${k} $(l) AZ 09'
  from:
  - {cidr: 10.20.0.0/16}
  - {cidr: '2001:db8::/32'}
  - {securityGroup: {id: $APP-SG}}
  - {securityGroup: {id: $PARTNER-SG, accountID: '210987654321'}}
  - {prefixList: {id: $PL-OFFICE}}
  - {prefixList: {name: PL-OFFICE6}}
  - {self: true}
- ports: [{protocol: UDP, port: 4000, endPort: 4010}]
  from: [{cidr: 0.0.0.0/0}, {cidr: '::/0'}]
- ports: [{protocol: ICMP}, {protocol: ICMP, icmpType: 3}]
  from: [{cidr: 0.0.0.0/0}]
egress:
- services: [AllTraffic]
  to: [{vpc: true}, {cidr: '64:ff9b::/96'}]
- services: [AllTCP]
  to: [{cidr: '2001:db8:1:2:3:4:5:6/128'}, {securityGroup: {id: $PARTNER-SG, accountID: '210987654321'}}]";

async fn before_peers(played: &Played) {
    let world = &played.world;
    world.build(estate().group(group("DB-SG")).group(group("APP-SG").without_consent())).await;
    world.prefix_list("PL-OFFICE").await;
    world.prefix_list_of("PL-OFFICE6", "IPv6").await;
    world.group_of_account("PARTNER-SG", "210987654321").await;
}

/// An access's document.
pub fn access(name: &str, spec: &str) -> String {
    document("SecurityGroupAccess", name, spec)
}

/// What was declared before, and what others did since, with all that follows when something else is declared.
pub const LIFE: Scene = Scene {
    before: |played| Box::pin(before_life(played)),
    documents: |_| {
        let rule = "ingress: [{services: [MySQL, NFS, Oracle], from: [{cidr: 10.0.0.0/8}], description: second}]";
        access("db", &format!("securityGroup: {{id: $DB-SG}}\n{rule}\nforeignRules: Remove"))
    },
    arguments: &[],
    actions: &["adopt", "authorize", "describe", "release", "revoke"],
    code: 2,
};

async fn before_life(played: &Played) {
    let world = &played.world;
    world.build(estate().group(group("DB-SG"))).await;
    let services = "MySQL, SSH, PostgreSQL, Oracle, RDP";
    let rule = format!("ingress: [{{services: [{services}], from: [{{cidr: 10.0.0.0/8}}], description: first}}]");
    before(played, &access("db", &format!("securityGroup: {{id: $DB-SG}}\n{rule}"))).await;
    world.tag_rule("DB-SG in tcp 22 <- 10.0.0.0/8", "sgbind.dev/cluster/other", "uid-of-other").await;
    world.revoke(&["DB-SG in tcp 3306 <- 10.0.0.0/8"]).await;
    world.authorize(&["DB-SG in tcp 2049 <- 10.0.0.0/8", "DB-SG in udp 53 <- 0.0.0.0/0"]).await;
}

/// Part of it can be done; the rest waits, or can't be.
pub const PROBLEMS: Scene = Scene {
    before: |played| Box::pin(before_problems(played)),
    documents: |world| {
        let nobody = "{securityGroup: {name: nobody}}";
        let rule = format!("ingress: [{{services: [MySQL], from: [{{cidr: 10.0.0.0/8}}, {nobody}]}}]");
        let db = access("db", &format!("vpcID: {}\nsecurityGroup: {{id: $DB-SG}}\n{rule}", world.vpc()));
        let other = "securityGroup: {id: $OTHER-SG}\negress: [{services: [HTTPS], to: [{cidr: 10.0.0.0/8}]}]";
        format!("{db}---\n{}", access("other", other))
    },
    arguments: &[],
    actions: &["authorize"],
    code: 1,
};

async fn before_problems(played: &Played) {
    let world = &played.world;
    world.build(estate().group(group("DB-SG")).group(group("OTHER-SG").without_consent())).await;
    let rule = "ingress: [{services: [SSH], from: [{cidr: 10.0.0.0/8}]}]";
    before(played, &access("former", &format!("securityGroup: {{id: $DB-SG}}\n{rule}"))).await;
}

/// These were declared, and all was done.
async fn before(played: &Played, documents: &str) {
    played.folder.write("objects.yaml", &played.world.filled_in(documents));
    let run = played.world.verb("apply", &played.folder.path(), &["--yes"]).await;
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
}
