use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::testing::*;

fn a_traffic() -> impl Strategy<Value = Traffic> {
    let ports = || (any::<u16>(), any::<u16>()).prop_map(|(a, b)| PortRange::new(a.min(b), a.max(b)).expect("a range"));
    let icmp = || (any::<Option<u8>>(), any::<Option<u8>>());
    let other = any::<u8>().prop_filter("has a name", |number| ![1, 6, 17, 58].contains(number));
    prop_oneof![
        ports().prop_map(Traffic::Tcp),
        ports().prop_map(Traffic::Udp),
        icmp().prop_map(|(kind, code)| Traffic::Icmp(kind, code)),
        icmp().prop_map(|(kind, code)| Traffic::IcmpV6(kind, code)),
        other.prop_map(Traffic::Other),
        Just(Traffic::All),
    ]
}

#[test]
fn the_limit_of_the_brake_can_be_read_from_what_it_says() {
    for limit in [0, 100, u32::MAX] {
        let text = HoldReason::MassRevocation { limit }.to_string();
        assert_eq!(HoldReason::limit_of_mass_revocation(&text), Some(limit), "{text}");
    }
    for other in ["MassRevocation", "Contested", "MassRevocation: at most all rules are revoked within ten minutes"] {
        assert_eq!(HoldReason::limit_of_mass_revocation(other), None, "{other}");
    }
}

fn a_name() -> impl Strategy<Value = String> {
    "[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?"
}

fn some_objects() -> impl Strategy<Value = BTreeSet<ObjectRef>> {
    let kind = prop_oneof![Just(Kind::AlbTargetBinding), Just(Kind::SecurityGroupAccess)];
    let one = (kind, a_name(), a_name()).prop_map(|(kind, namespace, name)| ObjectRef { kind, namespace, name });
    prop::collection::btree_set(one, 1..9)
}

/// What objects say of a rule, in the characters that EC2 takes: dots at the end, commas and dashes among them.
fn some_texts() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[a-zA-Z0-9 ._:/()#,@+=;{}!$*-]{1,60}(\\.\\.\\.)?", 0..4)
}

proptest! {
    #[test]
    fn traffic_is_read_as_it_is_told(traffic in a_traffic()) {
        let ports = traffic.ports();
        let read = Traffic::from_ec2(&traffic.protocol(), ports.map(|ports| ports.0), ports.map(|ports| ports.1));
        prop_assert_eq!(read, Ok(traffic));
    }

    #[test]
    fn traffic_covers_itself_and_all_covers_everything(traffic in a_traffic(), other in a_traffic()) {
        prop_assert!(traffic.covers(traffic));
        prop_assert!(Traffic::All.covers(traffic));
        prop_assert!(!(traffic.covers(other) && other.covers(traffic)) || traffic == other);
        prop_assert!(!traffic.covers(other) || traffic.width() >= other.width());
    }

    #[test]
    fn whom_a_description_names_is_read_back(objects in some_objects(), texts in some_texts()) {
        let text = describe(&us().cluster, &objects, &texts);
        prop_assert!(text.len() <= 255);
        match named(&us().cluster, &text) {
            Named::Exactly(read) => prop_assert_eq!(read, objects),
            Named::AtLeast(read) => {
                prop_assert!(text.len() == 255 && text.ends_with("..."), "{}", text);
                prop_assert!(read.is_subset(&objects), "{:?}", read);
            }
        }
    }

    /// EC2 may give back less white space than it was given.
    #[test]
    fn whom_a_trimmed_description_names_is_read_back_or_unknown(
        objects in some_objects(),
        texts in prop::collection::btree_set("[ .-]{1,3}", 0..3),
    ) {
        let text = describe(&us().cluster, &objects, &texts);
        let read = named(&us().cluster, text.trim_end());
        prop_assert!(read.objects().is_subset(&objects), "{:?}", read);
        prop_assert!(!matches!(&read, Named::Exactly(read) if *read != objects), "{:?}", read);
    }
}

#[test]
fn traffic_as_ec2_tells_it() {
    let read = |protocol, from, to| Traffic::from_ec2(protocol, from, to).map(|traffic| traffic.to_string());
    assert_eq!(read("tcp", Some(443), Some(443)), Ok("tcp 443".into()));
    assert_eq!(read("6", Some(80), Some(90)), Ok("tcp 80-90".into()));
    assert_eq!(read("17", Some(53), Some(53)), Ok("udp 53".into()));
    assert_eq!(read("icmp", Some(3), Some(4)), Ok("icmp type 3 code 4".into()));
    assert_eq!(read("icmp", Some(8), Some(-1)), Ok("icmp type 8".into()));
    assert_eq!(read("58", Some(128), Some(0)), Ok("icmpv6 type 128 code 0".into()));
    assert_eq!(read("icmp", Some(-1), Some(-1)), Ok("icmp all".into()));
    assert_eq!(read("-1", Some(-1), Some(-1)), Ok("all".into()));
    assert_eq!(read("-1", None, None), Ok("all".into()));
    assert_eq!(read("50", None, None), Ok("protocol 50".into()));
    assert_eq!(read("tcp", Some(-1), Some(-1)), Ok("tcp 0-65535".into()));
    for (protocol, from, to) in [
        ("tcp", Some(90), Some(80)),
        ("tcp", Some(80), Some(65536)),
        ("tcp", Some(80), None),
        ("icmp", Some(256), None),
    ] {
        assert!(Traffic::from_ec2(protocol, from, to).is_err(), "{protocol} {from:?} {to:?}");
    }
    assert!(Traffic::from_ec2("gre?", None, None).is_err());
    assert!(Traffic::from_ec2("256", None, None).is_err());
}

#[test]
fn what_covers_what() {
    let covers = |wide: &str, narrow: &str| {
        let traffic = |text: &str| spec(&format!("ingress {text} from sg-1")).traffic;
        traffic(wide).covers(traffic(narrow))
    };
    assert!(covers("tcp 8000-9000", "tcp 8080"));
    assert!(covers("icmp all", "icmp type 3 code 4"));
    assert!(covers("all", "icmpv6 type 2 code 0"));
    assert!(!covers("tcp 8080", "tcp 8080-8081"));
    assert!(!covers("udp 8000-9000", "tcp 8080"));
    assert!(!covers("icmp all", "icmpv6 type 2 code 0"));
    assert!(!covers("icmp type 3 code 4", "icmp all"));
    assert!(!covers("tcp 0-65535", "all"));
}

#[test]
fn what_overlaps_what() {
    let overlaps = |one: &str, other: &str| {
        let (one, other) = (spec(&format!("ingress {one}")), spec(&format!("ingress {other}")));
        assert_eq!(one.may_cover(&other), other.may_cover(&one), "{one}, {other}");
        one.may_cover(&other)
    };
    assert!(overlaps("tcp 443 from 10.0.0.0/8", "tcp 443 from 10.1.0.0/16"));
    assert!(overlaps("tcp 400-500 from 10.0.0.0/8", "tcp 500-600 from 10.0.0.0/8"));
    assert!(overlaps("all from ::/0", "icmpv6 type 2 code 0 from 2001:db8::/32"));
    assert!(overlaps("icmp all from 10.0.0.0/8", "icmp type 3 code 4 from 10.0.0.0/8"));
    for peer in ["sg-1", "sg-2", "pl-1", "10.0.0.0/8", "::/0"] {
        assert!(overlaps("tcp 443 from sg-1", &format!("tcp 443 from {peer}")), "{peer}");
        assert!(overlaps("tcp 443 from pl-1", &format!("tcp 443 from {peer}")), "{peer}");
    }
    assert!(!overlaps("tcp 443 from 10.0.0.0/8", "tcp 443 from 11.0.0.0/8"));
    assert!(!overlaps("tcp 443 from 0.0.0.0/0", "tcp 443 from ::/0"));
    assert!(!overlaps("tcp 443 from sg-1", "tcp 444 from sg-1"));
    assert!(!overlaps("tcp 443 from sg-1", "udp 443 from sg-1"));
    assert!(!overlaps("icmp all from sg-1", "icmpv6 type 2 code 0 from sg-1"));
    assert!(!spec("ingress all from sg-1").may_cover(&spec("egress all to sg-1")));
}

#[test]
fn networks_are_held_as_ec2_stores_them() {
    assert_eq!(cidr("100.68.0.18/18").to_string(), "100.68.0.0/18");
    assert!(peer("0.0.0.0/0").is_anywhere() && peer("::/0").is_anywhere());
    assert!(!peer("10.0.0.0/8").is_anywhere() && !peer("sg-1").is_anywhere());
}

#[test]
fn a_description_is_sorted() {
    assert_eq!(
        describe(&us().cluster, &objects(&["team-b/app", "team-a/web", "team-a/api"]), &BTreeSet::new()),
        "sgbind prod: alb/team-a/api, alb/team-a/web, alb/team-b/app"
    );
}

#[test]
fn a_description_ends_with_what_the_objects_say() {
    let access = ObjectRef { kind: Kind::SecurityGroupAccess, namespace: "team-a".into(), name: "db".into() };
    let both: BTreeSet<ObjectRef> = objects(&["team-a/db"]).into_iter().chain([access]).collect();
    let said = ["reports - daily, hourly", "app..."].map(str::to_owned).into();
    let text = describe(&us().cluster, &both, &said);
    assert_eq!(text, "sgbind prod: alb/team-a/db, sga/team-a/db - app...; reports - daily, hourly");
    assert_eq!(named(&us().cluster, &text), Named::Exactly(both.clone()));
    let text = describe(&us().cluster, &both, &["dots at the end...".to_owned()].into());
    assert_eq!(named(&us().cluster, &text), Named::Exactly(both.clone()));
    // Where the texts are cut, whoever made the rule may have been cut off too.
    let text = describe(&us().cluster, &both, &["long".repeat(60)].into());
    assert_eq!(named(&us().cluster, &text), Named::AtLeast(both));
}

#[test]
fn a_description_is_cut_at_255_characters() {
    let names: Vec<String> = (0..20).map(|index| format!("team-shop/application-{index:02}")).collect();
    let many: BTreeSet<ObjectRef> = names.iter().map(|name| object(name)).collect();
    let text = describe(&us().cluster, &many, &BTreeSet::new());
    assert_eq!(text.len(), 255);
    assert!(text.ends_with("..."));
    let Named::AtLeast(read) = named(&us().cluster, &text) else { panic!("{text}") };
    assert!(read.len() == 7 && read.is_subset(&many), "{read:?}");
    assert!(named(&us().cluster, &text).may_name(&object("whoever/it-is")));

    // One that just fits is whole.
    let last = "n".repeat(255 - "sgbind prod: alb/a/".len());
    let fits = describe(&us().cluster, &objects(&[&format!("a/{last}")]), &BTreeSet::new());
    assert_eq!(fits.len(), 255);
    assert_eq!(named(&us().cluster, &fits), Named::Exactly(objects(&[&format!("a/{last}")])));
}

#[test]
fn whom_other_descriptions_name() {
    let read = |text| named(&us().cluster, text);
    assert_eq!(read("sgbind prod: alb/a/b - for the shop, from port 80"), Named::Exactly(objects(&["a/b"])));
    assert_eq!(read("sgbind prod: alb/a/b, alb/c..."), Named::AtLeast(objects(&["a/b"])));
    // The text was trimmed away, or someone wrote more.
    assert_eq!(read("sgbind prod: alb/a/b, alb/a/c -"), Named::AtLeast(objects(&["a/b"])));
    assert_eq!(read("sgbind prod: alb/a/b by hand"), Named::AtLeast(BTreeSet::new()));
    for text in
        ["", "made by hand", "sgbind stage: alb/a/b", "sgbind prod: ", "sgbind prod: alb/a", "sgbind prod: xyz/a/b"]
    {
        assert_eq!(read(text), Named::AtLeast(BTreeSet::new()), "{text}");
    }
}

#[test]
fn whose_a_rule_is() {
    let of = |pairs: &[(&str, &str)]| us().ownership(&tags(pairs));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let (prod, stage) = ("sgbind.dev/cluster/prod", "sgbind.dev/cluster/stage");
    assert_eq!(of(&[]), Ownership::Foreign);
    assert_eq!(of(&[("Name", "x"), ("sgbind.dev/namespaces", "*")]), Ownership::Foreign);
    assert_eq!(of(&[(prod, "uid-of-prod")]), Ownership::Ours { others: names(&[]) });
    assert_eq!(of(&[(prod, "uid-of-prod"), (stage, "x")]), Ownership::Ours { others: names(&["stage"]) });
    assert_eq!(of(&[(stage, "x")]), Ownership::OtherClusters(names(&["stage"])));
    assert_eq!(of(&[(prod, "x")]), Ownership::OtherIdentity { identity: "x".into() });
    assert_eq!(of(&[(prod, "x"), (stage, "y")]), Ownership::OtherIdentity { identity: "x".into() });
    assert_eq!(of(&[("sgbind.dev/cluster/prod-2", "uid-of-prod")]), Ownership::OtherClusters(names(&["prod-2"])));
}

#[test]
fn cluster_names() {
    let is_name = |text: &str| text.parse::<ClusterName>().is_ok();
    assert!(is_name("prod-eu.1") && is_name(&"a".repeat(63)));
    for text in ["", "Prod", "prod_eu", "prod/eu", "prod eu", &"a".repeat(64)] {
        assert!(!is_name(text), "{text}");
    }
}

#[test]
fn arns_of_load_balancers_and_target_groups() {
    let balancer = ElbArn::parse(LOAD_BALANCER_ARN).expect("an ARN");
    assert_eq!((balancer.name(), balancer.scope()), ("shop", scope()));
    let blue = "arn:aws-cn:elasticloadbalancing:cn-north-1:210987654321:targetgroup/shop-blue/73e2d6bc24d8a067";
    let blue = ElbArn::parse(blue).expect("an ARN");
    assert_eq!((blue.name(), blue.scope().to_string()), ("shop-blue", "210987654321/cn-north-1".into()));
    for text in [
        "",
        "shop",
        "arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1",
        "arn:aws:elasticloadbalancing::123456789012:loadbalancer/app/shop/1",
        "arn:aws:elasticloadbalancing:eu-west-1:12345:loadbalancer/app/shop/1",
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:shop",
        "urn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/1",
    ] {
        assert_eq!(ElbArn::parse(text), None, "{text}");
    }
}

#[test]
fn the_widest_rules_come_first() {
    let mut rules = texts([
        "ingress tcp 443 from sg-1",
        "ingress tcp 22 from 0.0.0.0/0",
        "ingress tcp 8000-8010 from 10.0.0.0/8",
        "ingress all from 0.0.0.0/0",
        "ingress tcp 443 from 10.0.0.0/8",
        "ingress tcp 443 from 10.1.0.0/16",
    ]);
    rules.sort_by_key(|text| std::cmp::Reverse(spec(text).width()));
    assert_eq!(
        rules,
        [
            "ingress all from 0.0.0.0/0",
            "ingress tcp 22 from 0.0.0.0/0",
            "ingress tcp 8000-8010 from 10.0.0.0/8",
            "ingress tcp 443 from 10.0.0.0/8",
            "ingress tcp 443 from 10.1.0.0/16",
            "ingress tcp 443 from sg-1",
        ]
    );
}

#[test]
fn what_lies_within_an_extent() {
    let at = |extent: &Extent, text: &str, itself| {
        extent.governance(spec(&format!("ingress {text} from sg-1")).traffic, itself)
    };
    let ports = within(&[8000, 8001]);
    assert_eq!(at(&ports, "tcp 8000", false), Governance::Inside);
    assert_eq!(at(&ports, "tcp 8000-8001", false), Governance::Inside);
    assert_eq!(at(&ports, "tcp 8000-8002", false), Governance::Wider);
    assert_eq!(at(&ports, "all", false), Governance::Wider);
    assert_eq!(at(&ports, "tcp 22", false), Governance::Outside);
    assert_eq!(at(&ports, "udp 8000", false), Governance::Outside);
    assert_eq!(at(&ports, "tcp 8000", true), Governance::Outside);
    assert_eq!(at(&Extent::Everything, "all", true), Governance::Inside);
    assert_eq!(at(&Extent::Nothing, "tcp 8000", false), Governance::Outside);
}

#[test]
fn rules_that_are_taken_over_name_objects_as_ours_do() {
    let rules = vec![
        ours("ingress tcp 1 from sg-alb", &["shop"]),
        of_former("ingress tcp 2 from sg-alb", &["frozen"]),
        of_other_identity("ingress tcp 3 from sg-alb"),
        foreign("ingress tcp 4 from sg-alb"),
    ];
    let scene = taking_over(Scene::new(vec![], rules));
    let named = [["shop"], ["frozen"]].map(|names| Named::Exactly(objects(&names)));
    assert_eq!(scene.group.named(&scene.us), named);
}
