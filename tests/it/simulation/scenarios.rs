//! What is played with faults: what stands, what somebody does, and the whole rule set before and after.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::world::{Estate, World, estate, group};

pub struct Scenario {
    pub name: &'static str,
    pub estate: fn() -> Estate,
    /// Bindings that are in sync when it begins: names and specs.
    pub given: &'static [(&'static str, &'static str)],
    /// All rules when it begins.
    pub before: &'static [&'static str],
    pub act: Act,
    /// All rules when it has ended.
    pub after: &'static [&'static str],
    /// How long it goes on at the least: what changes nothing that can be seen would end at once.
    pub lasts: Duration,
    /// Bindings and their conditions when it has ended; all others are gone.
    pub told: &'static [(&'static str, &'static str)],
}

/// What somebody does.
pub enum Act {
    /// Nothing but to look: the controller starts anew.
    Restart,
    Apply(&'static str, &'static str),
    Delete(&'static str),
    /// In AWS, or of other objects of the cluster, by other hands.
    Aws(for<'a> fn(&'a World) -> BoxFuture<'a, ()>),
}

impl Act {
    pub async fn carry_out(&self, world: &World) {
        match self {
            Self::Restart => {}
            Self::Apply(name, spec) => world.apply(name, spec).await,
            Self::Delete(name) => world.begin_to_delete(name).await,
            Self::Aws(act) => act(world).await,
        }
    }

    /// Whether what is to come follows from the spec alone, and not from what AWS says.
    pub fn is_declared(&self) -> bool {
        matches!(self, Self::Apply(..) | Self::Delete(_))
    }
}

const CLIENTS: &str = "ALB-SG in tcp 443 <- 0.0.0.0/0";
const OUT: &str = "ALB-SG out tcp 8000 -> APP-SG";
const IN: &str = "APP-SG in tcp 8000 <- ALB-SG";
const STANDARD: &[&str] = &[CLIENTS, OUT, IN];
const SPEC: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const IN_SYNC: &[(&str, &str)] = &[("shop", "Ready=True InSync")];

/// An internet-facing load balancer that listens on 443, and an app on 8000.
fn standard() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

pub const CREATION: Scenario = Scenario {
    name: "creation",
    estate: standard,
    given: &[],
    before: &[],
    act: Act::Apply("shop", SPEC),
    after: STANDARD,
    lasts: Duration::ZERO,
    told: IN_SYNC,
};

pub const RESTART: Scenario = Scenario {
    name: "restart",
    estate: standard,
    given: &[("shop", SPEC)],
    before: STANDARD,
    act: Act::Restart,
    after: STANDARD,
    lasts: Duration::from_secs(5),
    told: IN_SYNC,
};

pub const CHANGE_OF_PORTS: Scenario = Scenario {
    name: "change of ports",
    estate: standard,
    given: &[("shop", SPEC)],
    before: STANDARD,
    act: Act::Apply(
        "shop",
        "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}],
          targetGroups: [{name: app, ref: {name: app}, ports: [8001], healthCheckPort: 9000}]}",
    ),
    after: &[
        CLIENTS,
        "ALB-SG out tcp 8001 -> APP-SG",
        "ALB-SG out tcp 9000 -> APP-SG",
        "APP-SG in tcp 8001 <- ALB-SG",
        "APP-SG in tcp 9000 <- ALB-SG",
    ],
    lasts: Duration::ZERO,
    told: IN_SYNC,
};

pub const FEWER_CLIENTS: Scenario = Scenario {
    name: "fewer clients",
    estate: standard,
    given: &[("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}, {cidr: 192.0.2.0/24}]}")],
    before: &["ALB-SG in tcp 443 <- 10.0.0.0/8", "ALB-SG in tcp 443 <- 192.0.2.0/24", OUT, IN],
    act: Act::Apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}"),
    after: &["ALB-SG in tcp 443 <- 10.0.0.0/8", OUT, IN],
    lasts: Duration::ZERO,
    told: IN_SYNC,
};

pub const MOVE_BETWEEN_GROUPS: Scenario = Scenario {
    name: "move between groups",
    estate: || standard().group(group("NEW-SG")),
    given: &[(
        "shop",
        "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}],
          targetGroups: [{name: app, ref: {name: app}, ports: [8000], securityGroups: [{id: $APP-SG}]}]}",
    )],
    before: STANDARD,
    act: Act::Apply(
        "shop",
        "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}],
          targetGroups: [{name: app, ref: {name: app}, ports: [8000], securityGroups: [{id: $NEW-SG}]}]}",
    ),
    after: &[CLIENTS, "ALB-SG out tcp 8000 -> NEW-SG", "NEW-SG in tcp 8000 <- ALB-SG"],
    lasts: Duration::ZERO,
    told: IN_SYNC,
};

pub const DELETION: Scenario = Scenario {
    name: "deletion",
    estate: standard,
    given: &[("shop", SPEC)],
    before: STANDARD,
    act: Act::Delete("shop"),
    after: &[],
    lasts: Duration::ZERO,
    told: &[],
};

pub const DELETION_OF_ONE_OF_TWO: Scenario = Scenario {
    name: "deletion of one of two",
    estate: || standard().forward(8443, "api").target_group("api", 9000).instance("API-SG"),
    given: &[
        ("shop", "{loadBalancer: {name: shop}, listeners: [{port: 443, clients: [{cidr: 0.0.0.0/0}]}]}"),
        (
            "other",
            "{loadBalancer: {name: shop}, listeners: [{port: 443, clients: [{cidr: 0.0.0.0/0}]}, {port: 8443, clients: \
             [{cidr: 10.0.0.0/8}]}], targetGroups: [{name: api, ref: {name: api}}]}",
        ),
    ],
    before: &[
        CLIENTS,
        "ALB-SG in tcp 8443 <- 10.0.0.0/8",
        OUT,
        IN,
        "ALB-SG out tcp 9000 -> API-SG",
        "API-SG in tcp 9000 <- ALB-SG",
    ],
    act: Act::Delete("shop"),
    after: &[
        CLIENTS,
        "ALB-SG in tcp 8443 <- 10.0.0.0/8",
        "ALB-SG out tcp 9000 -> API-SG",
        "API-SG in tcp 9000 <- ALB-SG",
    ],
    lasts: Duration::ZERO,
    told: &[("other", "Ready=True InSync")],
};

pub const OBSERVED_THEN_ENFORCED: Scenario = Scenario {
    name: "observed, then enforced",
    estate: standard,
    given: &[("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], enforcement: Observe}")],
    before: &[],
    act: Act::Apply("shop", SPEC),
    after: STANDARD,
    lasts: Duration::ZERO,
    told: IN_SYNC,
};

pub const FOREIGN_RULES_TAKEN_AWAY: Scenario = Scenario {
    name: "foreign rules taken away",
    estate: || {
        let balancer = group("ALB-SG").with_default_egress().rule("ALB-SG in tcp 22 <- 10.0.0.0/8");
        standard().checked_every(5).group(balancer).group(group("APP-SG").rule("APP-SG in tcp 8000 <- 0.0.0.0/0"))
    },
    given: &[("shop", SPEC)],
    before: &[
        CLIENTS,
        OUT,
        IN,
        "ALB-SG in tcp 22 <- 10.0.0.0/8",
        "ALB-SG out all -> 0.0.0.0/0",
        "ALB-SG out all -> ::/0",
        "APP-SG in tcp 8000 <- 0.0.0.0/0",
    ],
    act: Act::Apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove}"),
    after: STANDARD,
    lasts: Duration::ZERO,
    told: IN_SYNC,
};

pub const DRIFT: Scenario = Scenario {
    name: "drift",
    estate: standard,
    given: &[("shop", SPEC)],
    before: STANDARD,
    act: Act::Aws(|world| async { world.revoke(&[IN, CLIENTS]).await }.boxed()),
    after: STANDARD,
    lasts: Duration::ZERO,
    told: IN_SYNC,
};

pub const TARGETS_MOVE: Scenario = Scenario {
    name: "targets move",
    estate: || standard().group(group("NEW-SG")),
    given: &[("shop", SPEC)],
    before: STANDARD,
    act: Act::Aws(|world| {
        async {
            world.deregister_all("app").await;
            world.register_instance("app", "NEW-SG").await;
        }
        .boxed()
    }),
    after: &[CLIENTS, "ALB-SG out tcp 8000 -> NEW-SG", "NEW-SG in tcp 8000 <- ALB-SG"],
    lasts: Duration::ZERO,
    told: IN_SYNC,
};

pub const LOAD_BALANCER_OF_AN_INGRESS_REPLACED: Scenario = Scenario {
    name: "load balancer of an ingress replaced",
    estate: || {
        let old = standard().named_by_ingress("web");
        let both = old.internet_facing("new").in_groups(&["NEW-SG"]).forward(443, "new");
        both.target_group("new", 8000).instance("APP-SG")
    },
    given: &[("shop", "{loadBalancer: {ingress: {name: web}}, clients: [{cidr: 0.0.0.0/0}]}")],
    before: STANDARD,
    act: Act::Aws(|world| async { world.ingress("web", &[&world.dns_name("new").await]).await }.boxed()),
    after: &["NEW-SG in tcp 443 <- 0.0.0.0/0", "NEW-SG out tcp 8000 -> APP-SG", "APP-SG in tcp 8000 <- NEW-SG"],
    lasts: Duration::ZERO,
    told: IN_SYNC,
};

/// Other traffic in another group: what was in the old one goes last.
pub const ACCESS_MOVES: Scenario = Scenario {
    name: "access moves",
    estate: || estate().group(group("DB-SG").rule("DB-SG in tcp 22 <- 0.0.0.0/0")).group(group("NEW-SG")),
    given: &[(
        "sga/db",
        "{securityGroup: {id: $DB-SG}, foreignRules: Remove,
          ingress: [{services: [MySQL, Ping], from: [{cidr: 10.0.0.0/8}, {self: true}], description: orders}]}",
    )],
    before: &[
        "DB-SG in tcp 3306 <- 10.0.0.0/8",
        "DB-SG in tcp 3306 <- DB-SG",
        "DB-SG in icmp 8/-1 <- 10.0.0.0/8",
        "DB-SG in icmp 8/-1 <- DB-SG",
        "DB-SG in icmpv6 128/0 <- DB-SG",
    ],
    act: Act::Apply(
        "sga/db",
        "{securityGroup: {id: $NEW-SG}, foreignRules: Remove,
          ingress: [{services: [PostgreSQL], from: [{cidr: 10.0.0.0/8}], description: reports}], egress: []}",
    ),
    after: &["NEW-SG in tcp 5432 <- 10.0.0.0/8"],
    lasts: Duration::ZERO,
    told: &[("sga/db", "Ready=True InSync")],
};

/// Of two objects that need a rule, one of each kind, the one that remains keeps it.
pub const BINDING_LEAVES_AN_ACCESS: Scenario = Scenario {
    name: "binding leaves an access",
    estate: standard,
    given: &[
        ("shop", SPEC),
        (
            "sga/app",
            "{securityGroup: {id: $APP-SG}, ingress: [{ports: [{protocol: TCP, port: 8000}],
              from: [{securityGroup: {id: $ALB-SG}}, {cidr: 10.0.0.0/8}], description: the app}]}",
        ),
    ],
    before: &[CLIENTS, OUT, IN, "APP-SG in tcp 8000 <- 10.0.0.0/8"],
    act: Act::Delete("shop"),
    after: &[IN, "APP-SG in tcp 8000 <- 10.0.0.0/8"],
    lasts: Duration::ZERO,
    told: &[("sga/app", "Ready=True InSync")],
};

pub const WEIGHTS_SHIFT: Scenario = Scenario {
    name: "weights shift",
    estate: || {
        let two = estate().internet_facing("shop").weighted(443, &[("blue", 100), ("green", 0)]);
        two.target_group("blue", 8000).instance("BLUE-SG").target_group("green", 8000).instance("GREEN-SG")
    },
    given: &[("shop", SPEC)],
    before: &[
        CLIENTS,
        "ALB-SG out tcp 8000 -> BLUE-SG",
        "ALB-SG out tcp 8000 -> GREEN-SG",
        "BLUE-SG in tcp 8000 <- ALB-SG",
        "GREEN-SG in tcp 8000 <- ALB-SG",
    ],
    act: Act::Aws(|world| async { world.forward_to("shop:443", &[("blue", 0), ("green", 100)]).await }.boxed()),
    after: &[
        CLIENTS,
        "ALB-SG out tcp 8000 -> BLUE-SG",
        "ALB-SG out tcp 8000 -> GREEN-SG",
        "BLUE-SG in tcp 8000 <- ALB-SG",
        "GREEN-SG in tcp 8000 <- ALB-SG",
    ],
    lasts: Duration::from_secs(6 * 60),
    told: IN_SYNC,
};
