//! What the tests of this module draw: objects, what was found for them, and groups, planned as the controller plans.

use std::collections::{BTreeMap, BTreeSet};

use crate::desired;
use crate::model::*;
use crate::plan;
use crate::testing::{
    Scene, alb, cidr, declaration, facts, foreign, key, of_cluster, opted_in, ours, scope, target_group, us,
    written_access,
};

use super::{Drawing, Estate};

#[derive(Default)]
pub struct Sketch {
    pub objects: BTreeMap<ObjectRef, (Declaration, Resolution)>,
    pub groups: BTreeMap<GroupKey, GroupState>,
    pub contested: BTreeSet<RuleSpec>,
}

impl Sketch {
    pub fn object(mut self, name: &str, declaration: Declaration, facts: Facts) -> Self {
        let mut declaration = declaration;
        declaration.object.name = name.into();
        let resolution = Resolution { facts, problems: Vec::new(), complete: true, absent: BTreeSet::new() };
        self.objects.insert(declaration.object.clone(), (declaration, resolution));
        self
    }

    pub fn group(mut self, id: &str, name: &str, rules: Vec<ActualRule>) -> Self {
        let mut tags = opted_in("owned", "*");
        tags.insert("Name".into(), name.into());
        self.groups.insert(
            key(id),
            GroupState { key: key(id), name: String::new(), tags, rules, unreadable: Unreadable::default() },
        );
        self
    }

    fn claims(&self, group: &GroupKey) -> Vec<Claim> {
        let claim = |(object, (declaration, resolution)): (&ObjectRef, &(Declaration, Resolution))| {
            let needs = desired::of(&declaration.wants, &resolution.facts).groups.remove(&group.id)?;
            Some(Claim {
                object: object.clone(),
                stance: declaration.stance,
                rules: needs.rules,
                governs: needs.governs,
                foreign_rules: declaration.foreign_rules,
                ..crate::testing::claim("any", &[])
            })
        };
        self.objects.iter().filter_map(claim).collect()
    }

    pub fn draw(&self) -> Drawing {
        let (mut steps, mut held) = (Vec::new(), Vec::new());
        for (key, group) in &self.groups {
            let mut scene = Scene::new(self.claims(key), group.rules.clone());
            scene.group = group.clone();
            scene.contested = self.contested.clone();
            let plan = plan::group(&scene.input());
            steps.extend(plan.steps);
            held.extend(plan.held);
        }
        let objects = self.objects.iter().map(|(object, (one, other))| (object.clone(), (one, other))).collect();
        let groups = self.groups.iter().map(|(key, group)| (key.clone(), group)).collect();
        Drawing::of(&Estate { us: &us(), objects: &objects, groups: &groups, steps: &steps, held: &held })
    }
}

const ALB: &str = "sg-0a1b2c3d4e5f60718";
const NODES: &str = "sg-0b2c3d4e5f6071829";
const PAYMENTS: &str = "sg-0c3d4e5f60718293a";
const SEARCH: &str = "sg-0d4e5f60718293a4b";

fn behind(group: &str, load_balancer: LoadBalancerFacts, target_groups: &[TargetGroupFacts]) -> Facts {
    Facts { group: Some(group.into()), ..facts(load_balancer, target_groups) }
}

/// One target group; everything is in place.
pub fn small() -> Sketch {
    let facts = behind(ALB, alb(&[443]), &[target_group("web", 8080, NODES)]);
    Sketch::default()
        .object("shop", declaration("{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}"), facts)
        .group(
            ALB,
            "shop-alb",
            vec![
                ours("ingress tcp 443 from 0.0.0.0/0", &["shop"]),
                ours(&format!("egress tcp 8080 to {NODES}"), &["shop"]),
            ],
        )
        .group(NODES, "shop-web", vec![ours(&format!("ingress tcp 8080 from {ALB}"), &["shop"])])
}

fn health(port: u16, target: TargetGroupFacts) -> TargetGroupFacts {
    TargetGroupFacts { health_check_port: Some(port), ..target }
}

/// Ten target groups, two of them blue and green; rules in every state.
pub fn ten() -> Sketch {
    let weight = |weight, target| TargetGroupFacts { weight: Some(weight), ..target };
    let outside = |target| TargetGroupFacts {
        groups: BTreeSet::new(),
        addresses: [cidr("10.20.0.11/32"), cidr("10.20.0.12/32")].into(),
        ..target
    };
    let targets = [
        weight(90, health(8081, target_group("web-blue", 8080, NODES))),
        weight(10, health(9091, target_group("web-green", 9090, NODES))),
        target_group("accounts", 7000, NODES),
        health(7101, target_group("cart", 7100, NODES)),
        target_group("catalogue", 7200, NODES),
        health(7301, target_group("checkout", 7300, NODES)),
        target_group("payments", 8443, PAYMENTS),
        health(7601, target_group("reviews", 7600, NODES)),
        health(9300, target_group("search", 9200, SEARCH)),
        outside(target_group("warehouse", 8000, NODES)),
    ];
    let mut load_balancer = alb(&[80, 443]);
    if let Some(listener) = load_balancer.listeners.get_mut(&443) {
        listener.authenticates = true;
    }
    let spec = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], identityProviders: [{cidr: 198.51.100.0/24}], \
        blueGreen: {blue: web-blue, green: web-green}}";
    let made = |text: &str| ours(text, &["shop"]);
    let to_nodes = [7000, 7100, 7101, 7200, 7300, 7301, 7600, 7601, 8080, 8081, 9090];
    let mut alb_rules: Vec<ActualRule> =
        to_nodes.iter().map(|port| made(&format!("egress tcp {port} to {NODES}"))).collect();
    alb_rules.extend([
        made("ingress tcp 80 from 0.0.0.0/0"),
        made("ingress tcp 443 from 0.0.0.0/0"),
        made(&format!("egress tcp 8443 to {PAYMENTS}")),
        made(&format!("egress tcp 9200 to {SEARCH}")),
        made(&format!("egress tcp 9300 to {SEARCH}")),
        made("egress tcp 8000 to 10.20.0.11/32"),
        made("egress tcp 8000 to 10.20.0.12/32"),
        made("egress tcp 443 to 198.51.100.0/24"),
        made(&format!("egress tcp 6000 to {SEARCH}")),
        foreign("egress all to 0.0.0.0/0"),
        foreign("ingress tcp 22 from 203.0.113.0/24"),
    ]);
    let mut node_rules: Vec<ActualRule> =
        to_nodes.iter().map(|port| made(&format!("ingress tcp {port} from {ALB}"))).collect();
    node_rules.push(foreign(&format!("ingress all from {NODES}")));
    node_rules.push(of_cluster("staging", "ingress tcp 10250 from 10.1.0.0/16"));
    let facts = behind(ALB, load_balancer, &targets);
    let mut sketch = Sketch::default()
        .object("shop", declaration(spec), facts)
        .group(ALB, "shop-alb", alb_rules)
        .group(NODES, "eks-nodes", node_rules)
        .group(PAYMENTS, "payments", vec![])
        .group(
            SEARCH,
            "search",
            [9200, 9300, 6000].map(|port| made(&format!("ingress tcp {port} from {ALB}"))).to_vec(),
        );
    sketch.contested.insert(crate::testing::spec(&format!("ingress tcp 8443 from {ALB}")));
    sketch
}

fn access(spec: &str) -> Declaration {
    let object = Object::from(written_access(spec));
    crate::validate::object(&object, &scope()).unwrap_or_else(|findings| panic!("{findings:?}"))
}

/// A database with twelve networks that may reach it, and with peers that were there before.
pub fn database() -> Sketch {
    const DATABASE: &str = "sg-0f60718293a4b5c6d";
    let networks: Vec<String> = (1..=12).map(|number| format!("{{cidr: 10.{number}.0.0/16}}")).collect();
    let spec = format!(
        "{{securityGroup: {{id: {DATABASE}}}, ingress: [{{services: [PostgreSQL], from: [{}]}}, \
         {{services: [SSH], from: [{{prefixList: {{id: pl-0123456789abcdef0}}}}]}}], egress: [{{services: [HTTPS], to: [{{cidr: 192.0.2.0/24}}]}}]}}",
        networks.join(", ")
    );
    let mut facts = Facts { group: Some(DATABASE.into()), ..Facts::default() };
    let list = PeerList { id: "pl-0123456789abcdef0".into(), family: Some(Family::V4) };
    facts.peers.prefix_lists.insert(PrefixListSelector::Id("pl-0123456789abcdef0".into()), list);
    let mut rules: Vec<ActualRule> = (1..=9)
        .map(|number| {
            let mut rule = ours(&format!("ingress tcp 5432 from 10.{number}.0.0/16"), &[]);
            rule.description = "sgbind prod: sga/team-shop/orders-db".into();
            rule
        })
        .collect();
    rules.push(foreign("ingress all from 10.99.0.0/16"));
    rules.push(foreign(&format!("ingress tcp 5432 from {DATABASE}")));
    Sketch::default().object("orders-db", access(&spec), facts).group(DATABASE, "orders-db", rules)
}

/// The database behind the targets of the shop, and a load balancer whose group is not known.
pub fn chain() -> Sketch {
    const DATABASE: &str = "sg-0f60718293a4b5c6d";
    let spec = format!(
        "{{securityGroup: {{id: {DATABASE}}}, ingress: [{{services: [PostgreSQL], from: [{{securityGroup: {{id: {NODES}}}}}]}}]}}"
    );
    let mut facts = Facts { group: Some(DATABASE.into()), ..Facts::default() };
    let selector = GroupSelector::Id { id: NODES.into(), account: None };
    facts.peers.groups.insert(selector, PeerGroup { id: NODES.into(), account: None });
    let mut sketch = small();
    if let Some(web) = sketch.groups.get_mut(&key(NODES)) {
        web.rules.push(foreign(&format!("egress tcp 5432 to {DATABASE}")));
    }
    let lost =
        Facts { load_balancer: None, group: None, ..behind(ALB, alb(&[443]), &[target_group("api", 9000, NODES)]) };
    sketch
        .object("orders-db", access(&spec), facts)
        .object("lost", declaration("{loadBalancer: {name: not-there}, clients: [{cidr: 0.0.0.0/0}]}"), lost)
        .group(DATABASE, "orders-db", vec![])
}

/// Sixty rules with as many peers and ports.
pub fn crowded() -> Sketch {
    let mut sketch = small();
    if let Some(group) = sketch.groups.get_mut(&key(ALB)) {
        let rule = |number: u16| foreign(&format!("ingress tcp {} from 10.0.{number}.0/24", 2000 + number));
        group.rules.extend((1..=30).map(rule));
        group.rules.extend((1..=100).map(|number| foreign(&format!("ingress tcp 443 from 172.16.{number}.0/24"))));
    }
    sketch
}

/// Texts that want to be more than texts.
pub const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "]]></style><svg onload=alert(1)>",
    "\"; rm -rf / #\\",
    "\\\" shape=none] evil [label=\"",
    "end\"] --> x; click n0 href \"javascript:alert(1)\"",
    "&lt;b&gt; &#60; #60; #quot;",
    "`**bold** _x_ [a](b)`\n1. list",
    "\u{202e}gnp.exe\u{202c}\u{200f}",
    "line one\r\nline two\0\u{7}\u{1b}[31m",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} ﷽ 👩‍👩‍👧 日本語のとても長い名前はどこまでも続くのだろうか、いやそうでもない",
    "\u{fffe}\u{ffff}--> <!-- %% {init: {}} %%{init}%%",
    "a-very-long-name-without-any-space-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-to-the-end",
];

/// Every name is hostile.
pub fn hostile() -> Sketch {
    let targets: Vec<TargetGroupFacts> = HOSTILE
        .iter()
        .zip(8000..)
        .map(|(name, port)| target_group(name, port, &format!("sg-0000000000000{port}")))
        .collect();
    let load_balancer = LoadBalancerFacts { name: HOSTILE[0].into(), ..alb(&[443]) };
    let spec = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
    let sketch = Sketch::default().object("shop", declaration(spec), behind(ALB, load_balancer, &targets)).group(
        ALB,
        HOSTILE[1],
        Vec::new(),
    );
    let named = HOSTILE.iter().zip(8000..);
    named.fold(sketch, |sketch, (name, port)| sketch.group(&format!("sg-0000000000000{port}"), name, Vec::new()))
}

/// Every estate, with its name.
pub fn all() -> [(&'static str, Sketch); 6] {
    [
        ("small", small()),
        ("ten", ten()),
        ("database", database()),
        ("chain", chain()),
        ("crowded", crowded()),
        ("hostile", hostile()),
    ]
}
