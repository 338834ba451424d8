//! How long it takes to foresee what would be done. Bound: a thousand bindings that share groups take less than a second, not
//! optimised.
//!
//! `cargo bench --bench foresee` measures it optimised; `cargo bench --bench foresee --profile dev` as the tests run it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use divan::Bencher;
use serde_json::json;
use sgbind::desired;
use sgbind::model::{
    ElbArn, ElbProtocol, Facts, GroupKey, GroupState, ListenerFacts, LoadBalancerFacts, LoadBalancerKind,
    LoadBalancerScheme, Object, Orphans, PeerFacts, Quota, Resolution, Scope, SecurityGroupId, Tags, TargetGroupFacts,
    Us, Usage, VpcFacts,
};
use sgbind::once::{ObjectScope, Survey, Surveyed, SurveyedGroup, Terms, foresee};
use sgbind::validate;

const BINDINGS: usize = 1_000;
/// So many load balancers' groups, and so many of targets.
const SHARED: usize = 20;

fn main() {
    divan::main();
}

fn scope() -> Scope {
    Scope { account: "123456789012".into(), region: "eu-central-1".into() }
}

/// Each binding has a load balancer with a listener, and a target group; groups are shared by fifty of them.
fn surveyed(number: usize) -> Surveyed {
    let object: Object = Object::Binding(
        serde_json::from_value(json!({
            "apiVersion": "sgbind.dev/v1alpha1",
            "kind": "ALBTargetBinding",
            "metadata": {"name": format!("app-{number}"), "namespace": "team"},
            "spec": {"loadBalancer": {"name": format!("lb-{number}")}, "clients": [{"cidr": "0.0.0.0/0"}]},
        }))
        .expect("a binding"),
    );
    let declaration = validate::object(&object, &scope()).expect("a declaration");
    let facts = facts(number);
    let desired = desired::of(&declaration.wants, &facts);
    let resolution = Resolution { facts, problems: Vec::new(), complete: true, absent: BTreeSet::new() };
    Surveyed { declaration, created: None, resolution, desired, rolled_back: None }
}

fn facts(number: usize) -> Facts {
    let (balancer, targets) = (id("alb", number % SHARED), id("app", number % SHARED));
    let port = 8000 + u16::try_from(number % 40).expect("a small number");
    let arn = format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/lb-{number}/0123");
    let listener = ListenerFacts { protocol: ElbProtocol("HTTPS".into()), authenticates: false };
    Facts {
        load_balancer: Some(LoadBalancerFacts {
            arn: ElbArn::parse(&arn).expect("an ARN"),
            name: format!("lb-{number}"),
            dns_name: format!("lb-{number}.eu-central-1.elb.amazonaws.com"),
            kind: LoadBalancerKind::Application,
            scheme: LoadBalancerScheme::InternetFacing,
            ip_address_type: "ipv4".into(),
            groups: BTreeSet::from([balancer.clone()]),
            listeners: BTreeMap::from([(443, listener)]),
        }),
        vpc: Some(VpcFacts { id: "vpc-1".into(), cidrs: BTreeSet::new() }),
        group: Some(balancer),
        target_groups: vec![TargetGroupFacts {
            name: format!("app-{number}"),
            arn: None,
            protocol: ElbProtocol("HTTP".into()),
            weight: None,
            ports: BTreeSet::from([port]),
            health_check_port: None,
            control_port: None,
            groups: BTreeSet::from([targets]),
            addresses: BTreeSet::new(),
        }],
        peers: PeerFacts::default(),
    }
}

fn id(kind: &str, number: usize) -> SecurityGroupId {
    format!("sg-{kind}-{number}").as_str().into()
}

fn survey() -> Survey {
    let tags = Tags::from([
        ("sgbind.dev/cluster/prod".to_owned(), "owned".to_owned()),
        ("sgbind.dev/namespaces".to_owned(), "*".to_owned()),
    ]);
    let group = |id: SecurityGroupId| {
        let key = GroupKey { scope: scope(), id };
        let state = GroupState {
            key: key.clone(),
            name: "shared".into(),
            tags: tags.clone(),
            rules: Vec::new(),
            unreadable: Default::default(),
        };
        (key, SurveyedGroup { state, usage: Usage::BoundLoadBalancersOnly, quota: Quota::default() })
    };
    let ids = (0..SHARED).flat_map(|number| [id("alb", number), id("app", number)]);
    let objects = (0..BINDINGS).map(surveyed);
    Survey {
        us: Us { cluster: "prod".parse().expect("a name"), identity: "pipeline".into(), take_over: BTreeSet::new() },
        objects: objects.map(|surveyed| (surveyed.declaration.object.clone(), surveyed)).collect(),
        groups: ids.map(group).collect(),
        problems: BTreeSet::new(),
        unknown: Vec::new(),
    }
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_thousand_bindings_that_share_groups(bencher: Bencher) {
    let survey = survey();
    let terms = Terms {
        scope: ObjectScope::Given,
        orphans: Orphans::Report,
        brake: None,
        rule_quota: None,
        tightening_watch: Duration::ZERO,
        malformed: Vec::new(),
    };
    bencher.bench_local(|| {
        let forecast = foresee(&survey, &terms).expect("a plan");
        assert!(forecast.problems.is_empty() && !forecast.steps.is_empty());
        forecast
    });
}
