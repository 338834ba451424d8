//! What tests of the pure stages share: inputs from short, readable texts, and results as such texts.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::api::{ALBTargetBinding, ForeignRules, SecurityGroupAccess, Status};
use crate::desired::Desired;
use crate::model::*;
use crate::plan;

pub const NAMESPACE: &str = "team-shop";

pub fn us() -> Us {
    Us { cluster: "prod".parse().expect("a cluster name"), identity: "uid-of-prod".into(), take_over: BTreeSet::new() }
}

pub fn scope() -> Scope {
    Scope { account: "123456789012".into(), region: "ap-northeast-2".into() }
}

pub fn key(id: &str) -> GroupKey {
    GroupKey { scope: scope(), id: id.into() }
}

/// `shop` is `team-shop/shop`; another namespace is named before a slash.
pub fn object(name: &str) -> ObjectRef {
    let (namespace, name) = name.split_once('/').unwrap_or((NAMESPACE, name));
    ObjectRef { kind: Kind::AlbTargetBinding, namespace: namespace.into(), name: name.into() }
}

pub fn objects(names: &[&str]) -> BTreeSet<ObjectRef> {
    names.iter().map(|name| object(name)).collect()
}

pub fn cidr(text: &str) -> Cidr {
    Cidr::new(text.parse().unwrap_or_else(|_| panic!("{text} is no network")))
}

pub fn peer(text: &str) -> Peer {
    match text {
        _ if text.starts_with("sg-") => Peer::SecurityGroup(text.into()),
        _ if text.starts_with("pl-") => Peer::PrefixList(text.into()),
        _ => Peer::Cidr(cidr(text)),
    }
}

/// Reads what `Display` of a rule writes: `ingress tcp 443 from 0.0.0.0/0`.
pub fn spec(text: &str) -> RuleSpec {
    let words: Vec<&str> = text.split(' ').collect();
    let (direction, preposition) = match words[0] {
        "ingress" => (Direction::Ingress, "from"),
        "egress" => (Direction::Egress, "to"),
        other => panic!("{other} is no direction"),
    };
    assert_eq!(words[words.len() - 2], preposition, "{text}");
    RuleSpec { direction, traffic: traffic(&words[1..words.len() - 2]), peer: peer(words[words.len() - 1]) }
}

pub fn specs(texts: &[&str]) -> BTreeSet<RuleSpec> {
    texts.iter().map(|text| spec(text)).collect()
}

fn traffic(words: &[&str]) -> Traffic {
    let number = |text: &str| text.parse().expect("a number");
    let ports = |text: &str| {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        PortRange::new(from.parse().expect("a port"), to.parse().expect("a port")).expect("a range")
    };
    match words {
        ["all"] => Traffic::All,
        ["tcp", text] => Traffic::Tcp(ports(text)),
        ["udp", text] => Traffic::Udp(ports(text)),
        ["icmp", "all"] => Traffic::Icmp(None, None),
        ["icmp", "type", kind, "code", code] => Traffic::Icmp(Some(number(kind)), Some(number(code))),
        ["icmpv6", "type", kind, "code", code] => Traffic::IcmpV6(Some(number(kind)), Some(number(code))),
        _ => panic!("{words:?} is no traffic"),
    }
}

// Objects

/// A binding `team-shop/shop` from the YAML of its spec.
pub fn written(spec: &str) -> Object {
    written_binding(spec).into()
}

pub fn written_binding(spec: &str) -> ALBTargetBinding {
    let spec = serde_saphyr::from_str(spec).unwrap_or_else(|error| panic!("{error}\n{spec}"));
    ALBTargetBinding { metadata: metadata_of_shop(), ..ALBTargetBinding::new("shop", spec) }
}

fn metadata_of_shop() -> ObjectMeta {
    ObjectMeta {
        name: Some("shop".into()),
        namespace: Some(NAMESPACE.into()),
        uid: Some("uid-of-shop".into()),
        generation: Some(3),
        ..ObjectMeta::default()
    }
}

/// As if the status had been written.
pub fn set_status(object: &mut Object, status: Status) {
    match object {
        Object::Binding(binding) => binding.status = Some(status),
        Object::Access(access) => access.status = Some(status),
    }
}

/// What such a binding declares.
pub fn declaration(spec: &str) -> Declaration {
    crate::validate::object(&written(spec), &scope()).unwrap_or_else(|findings| panic!("{findings:?}"))
}

/// An access `team-shop/shop` from the YAML of its spec.
pub fn written_access(spec: &str) -> SecurityGroupAccess {
    let spec = serde_saphyr::from_str(spec).unwrap_or_else(|error| panic!("{error}\n{spec}"));
    SecurityGroupAccess { metadata: metadata_of_shop(), ..SecurityGroupAccess::new("shop", spec) }
}

// What AWS says

pub const LOAD_BALANCER_ARN: &str =
    "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/shop/50dc6c495c0c9188";

/// An internet-facing IPv4 ALB with listeners on these ports and the group `sg-alb`.
pub fn alb(ports: &[u16]) -> LoadBalancerFacts {
    let listener = |protocol: &str| ListenerFacts { protocol: ElbProtocol(protocol.into()), authenticates: false };
    let protocol = |port: &u16| if *port == 80 { "HTTP" } else { "HTTPS" };
    LoadBalancerFacts {
        arn: ElbArn::parse(LOAD_BALANCER_ARN).expect("an ARN"),
        name: "shop".into(),
        dns_name: "shop-1.ap-northeast-2.elb.amazonaws.com".into(),
        kind: LoadBalancerKind::Application,
        scheme: LoadBalancerScheme::InternetFacing,
        ip_address_type: "ipv4".into(),
        groups: BTreeSet::from(["sg-alb".into()]),
        listeners: ports.iter().map(|port| (*port, listener(protocol(port)))).collect(),
    }
}

pub fn internal_alb(ports: &[u16]) -> LoadBalancerFacts {
    LoadBalancerFacts { scheme: LoadBalancerScheme::Internal, ..alb(ports) }
}

/// An NLB that has the group `sg-alb`, with listeners by port and protocol.
pub fn nlb(listeners: &[(u16, &str)]) -> LoadBalancerFacts {
    let listener = |protocol: &str| ListenerFacts { protocol: ElbProtocol(protocol.into()), authenticates: false };
    LoadBalancerFacts {
        kind: LoadBalancerKind::Network,
        listeners: listeners.iter().map(|(port, protocol)| (*port, listener(protocol))).collect(),
        ..alb(&[])
    }
}

/// A target group HTTP with targets on one port, health checks on the traffic port.
pub fn target_group(name: &str, port: u16, group: &str) -> TargetGroupFacts {
    TargetGroupFacts {
        name: name.into(),
        arn: None,
        protocol: ElbProtocol("HTTP".into()),
        weight: None,
        ports: BTreeSet::from([port]),
        health_check_port: None,
        control_port: None,
        groups: BTreeSet::from([group.into()]),
        addresses: BTreeSet::new(),
    }
}

/// In a VPC with the blocks 10.1.0.0/16 and 2001:db8:1::/56.
pub fn facts(load_balancer: LoadBalancerFacts, target_groups: &[TargetGroupFacts]) -> Facts {
    let cidrs = BTreeSet::from([cidr("10.1.0.0/16"), cidr("2001:db8:1::/56")]);
    Facts {
        load_balancer: Some(load_balancer),
        vpc: Some(VpcFacts { id: "vpc-1".into(), cidrs }),
        group: Some("sg-alb".into()),
        target_groups: target_groups.to_vec(),
        peers: PeerFacts::default(),
    }
}

pub fn group_by_id(id: &str) -> GroupSelector {
    GroupSelector::Id { id: id.into(), account: None }
}

pub fn with_peer_group(mut facts: Facts, id: &str) -> Facts {
    let group = PeerGroup { id: id.into(), account: None };
    facts.peers.groups.insert(group_by_id(id), group);
    facts
}

// Groups, rules and claims

/// The group `sg-1`, opted in for all namespaces.
pub fn group(rules: Vec<ActualRule>) -> GroupState {
    GroupState {
        key: key("sg-1"),
        name: "one".into(),
        tags: opted_in("owned", "*"),
        rules,
        unreadable: Unreadable::default(),
    }
}

pub fn opted_in(value: &str, namespaces: &str) -> Tags {
    tags(&[("sgbind.dev/cluster/prod", value), ("sgbind.dev/namespaces", namespaces)])
}

pub fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn rule(text: &str, description: String, tags: Tags) -> ActualRule {
    let id: String = text.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
    let id = RuleId::new(format!("sgr-{id}"));
    ActualRule { id, spec: spec(text), peer_account: None, description, tags }
}

/// A rule of ours that names these objects.
pub fn ours(text: &str, names: &[&str]) -> ActualRule {
    rule(
        text,
        describe(&us().cluster, &objects(names), &BTreeSet::new()),
        tags(&[("sgbind.dev/cluster/prod", "uid-of-prod")]),
    )
}

/// A rule of ours and of other clusters; the description is ours.
pub fn ours_and(others: &[&str], text: &str, names: &[&str]) -> ActualRule {
    let mut rule = ours(text, names);
    rule.tags.extend(others.iter().map(|other| (format!("sgbind.dev/cluster/{other}"), "their-uid".to_owned())));
    rule
}

pub fn of_cluster(other: &str, text: &str) -> ActualRule {
    let key = format!("sgbind.dev/cluster/{other}");
    rule(text, format!("sgbind {other}: alb/theirs/app"), tags(&[(&key, "their-uid")]))
}

pub fn of_other_identity(text: &str) -> ActualRule {
    rule(text, "sgbind prod: alb/theirs/app".into(), tags(&[("sgbind.dev/cluster/prod", "another-uid")]))
}

/// A rule of a former cluster of our name, whose identity [`taking_over`] takes over.
pub fn of_former(text: &str, names: &[&str]) -> ActualRule {
    ActualRule { tags: tags(&[("sgbind.dev/cluster/prod", "uid-of-former")]), ..ours(text, names) }
}

/// As if the operator had named the former cluster.
pub fn taking_over(scene: Scene) -> Scene {
    Scene { us: Us { take_over: BTreeSet::from(["uid-of-former".into()]), ..us() }, ..scene }
}

pub fn foreign(text: &str) -> ActualRule {
    rule(text, "made by hand".into(), Tags::new())
}

pub fn need(aspect: crate::api::Aspect) -> Need {
    Need {
        reason: "a test".into(),
        aspect: Some(aspect),
        peer_account: None,
        by_default: false,
        texts: BTreeSet::new(),
    }
}

/// An object that enforces, is recorded, reports foreign rules, and governs nothing.
pub fn claim(name: &str, needs: &[&str]) -> Claim {
    let rules = needs.iter().map(|text| (spec(text), need(crate::api::Aspect::TargetIngress))).collect();
    Claim {
        object: object(name),
        created: None,
        stance: Stance::Enforce,
        rules,
        retained: Retained::These(BTreeSet::new()),
        recorded: true,
        elsewhere: Elsewhere::Made,
        gap_permitted: false,
        governs: Governed::default(),
        foreign_rules: ForeignRules::Report,
    }
}

pub fn governing(ingress: Extent, egress: Extent) -> Governed {
    Governed { ingress, egress, unless_used_elsewhere: false }
}

pub fn within(ports: &[u16]) -> Extent {
    Extent::Within { traffic: ports.iter().map(|port| Traffic::tcp(*port)).collect(), spare_self: true }
}

/// Everything that a plan for one group depends on.
#[derive(Clone, Debug)]
pub struct Scene {
    pub us: Us,
    pub group: GroupState,
    pub claims: Vec<Claim>,
    pub known: BTreeMap<ObjectRef, Known>,
    pub usage: Usage,
    pub quota: Quota,
    pub refused: BTreeSet<RuleSpec>,
    pub unheard: bool,
    pub tightening: Tightening,
    pub allowance: Allowance,
    pub contested: BTreeSet<RuleSpec>,
    pub orphans: Orphans,
    pub selection: plan::Selection<'static>,
}

/// So many rules may be revoked.
pub fn allowance(left: u32, limit: u32) -> Allowance {
    Allowance { left, limit, counted: BTreeSet::new() }
}

impl Scene {
    /// Every claim's object is known and freshly read; nothing else uses the group; what goes was written down.
    pub fn new(claims: Vec<Claim>, rules: Vec<ActualRule>) -> Self {
        let known = |claim: &Claim| (claim.object.clone(), Known { stance: claim.stance, knowledge: Knowledge::Fresh });
        let all = rules.iter().map(|rule| rule.spec.clone()).collect();
        Self {
            us: us(),
            group: group(rules),
            known: claims.iter().map(known).collect(),
            claims,
            usage: Usage::BoundLoadBalancersOnly,
            quota: Quota::default(),
            refused: BTreeSet::new(),
            unheard: false,
            tightening: Tightening::WrittenDown(all),
            allowance: allowance(u32::MAX, u32::MAX),
            contested: BTreeSet::new(),
            orphans: Orphans::Report,
            selection: plan::Selection::Everything,
        }
    }

    pub fn tagged(mut self, tags: Tags) -> Self {
        self.group.tags = tags;
        self
    }

    pub fn knowing(mut self, name: &str, knowledge: Knowledge) -> Self {
        let stance = self.known.get(&object(name)).map_or(Stance::Enforce, |known| known.stance);
        self.known.insert(object(name), Known { stance, knowledge });
        self
    }

    pub fn input(&self) -> plan::Input<'_> {
        plan::Input {
            us: &self.us,
            group: &self.group,
            claims: &self.claims,
            known: &self.known,
            usage: &self.usage,
            quota: &self.quota,
            unheard: self.unheard,
            refused: &self.refused,
            tightening: &self.tightening,
            allowance: &self.allowance,
            contested: &self.contested,
            selection: self.selection,
            orphans: self.orphans,
        }
    }

    pub fn plan(&self) -> Plan {
        plan::group(&self.input())
    }
}

// Results as texts

pub fn texts<T: ToString>(things: impl IntoIterator<Item = T>) -> Vec<String> {
    things.into_iter().map(|thing| thing.to_string()).collect()
}

/// The rules of all groups, such as `sg-alb ingress tcp 443 from 0.0.0.0/0`.
pub fn rules(desired: &Desired) -> Vec<String> {
    let of_group = |(id, needs): (&SecurityGroupId, &crate::desired::GroupNeeds)| {
        needs.rules.keys().map(|spec| format!("{id} {spec}")).collect::<Vec<_>>()
    };
    let mut rules: Vec<String> = desired.groups.iter().flat_map(of_group).collect();
    rules.sort();
    rules
}

/// Everything that a plan comes to: its steps, and what waits for what.
pub fn outline(plan: &Plan) -> Vec<String> {
    let held = |held: &Held| format!("held, {}: {}", held.reason, held.step);
    plan.steps.iter().map(ToString::to_string).chain(plan.held.iter().map(held)).collect()
}

pub fn problems(plan: &Plan) -> Vec<String> {
    plan.problems.iter().map(|each| format!("{}: {}", each.object, each.problem.reason.word())).collect()
}

pub fn extent(extent: &Extent) -> String {
    match extent {
        Extent::Nothing => "nothing".into(),
        Extent::Everything => "everything".into(),
        Extent::Within { traffic, spare_self } => {
            let self_too = if *spare_self { ", but self" } else { "" };
            format!("[{}]{self_too}", texts(traffic).join(", "))
        }
    }
}
