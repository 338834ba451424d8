use std::collections::BTreeSet;

use crate::aws::testing::{Answer, Form, cloud};
use crate::aws::{ErrorClass, FoundLoadBalancer, TargetKind};
use crate::model::{ElbArn, LoadBalancerKind, Tags};

fn arn(resource: &str) -> ElbArn {
    ElbArn::parse(&text(resource)).unwrap()
}

fn text(resource: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:{resource}")
}

fn balancer(number: usize, kind: &str) -> String {
    format!(
        "<member><LoadBalancerArn>{}</LoadBalancerArn><LoadBalancerName>lb{number}</LoadBalancerName>\
         <DNSName>lb{number}.example</DNSName><Type>{kind}</Type><Scheme>internal</Scheme>\
         <IpAddressType>ipv4</IpAddressType><VpcId>vpc-1</VpcId>\
         <SecurityGroups><member>sg-1</member></SecurityGroups></member>",
        text(&format!("loadbalancer/app/lb{number}/{number}"))
    )
}

fn balancers(numbers: impl Iterator<Item = usize>, marker: &str) -> Answer {
    let members: String = numbers.map(|number| balancer(number, "application")).collect();
    let set = format!("<LoadBalancers>{members}</LoadBalancers><NextMarker>{marker}</NextMarker>");
    Answer::elb("DescribeLoadBalancers", &set)
}

fn arns_in(form: &Form) -> Vec<&String> {
    form.iter().filter(|(key, _)| key.starts_with("ResourceArns.member.")).map(|(_, value)| value).collect()
}

fn tags_of(form: &Form) -> Answer {
    let team = |arn: &str| if arn.ends_with("/7") || arn.ends_with("/44") { "shop" } else { "other" };
    let described: String = arns_in(form)
        .iter()
        .map(|arn| {
            let tag = format!("<member><Key>team</Key><Value>{}</Value></member>", team(arn));
            format!("<member><ResourceArn>{arn}</ResourceArn><Tags>{tag}</Tags></member>")
        })
        .collect();
    Answer::elb("DescribeTags", &format!("<TagDescriptions>{described}</TagDescriptions>"))
}

#[tokio::test]
async fn load_balancers_by_tags_are_looked_for_on_all_pages() {
    let (cloud, seen) = cloud(|form| match (form["Action"].as_str(), form.get("Marker")) {
        ("DescribeTags", _) => tags_of(form),
        (_, None) => balancers(0..30, "m1"),
        (_, Some(_)) => balancers(30..45, ""),
    });
    let found = cloud.load_balancers_tagged(&Tags::from([("team".into(), "shop".into())])).await.unwrap();
    let names: Vec<&str> = found.iter().map(|found| found.arn().name()).collect();
    assert_eq!(names, ["lb7", "lb44"]);
    let tag_calls: Vec<usize> =
        seen.all().iter().filter(|form| form["Action"] == "DescribeTags").map(|form| arns_in(form).len()).collect();
    assert_eq!(tag_calls, [20, 20, 5]);
    assert_eq!(seen.all()[1]["Marker"], "m1");
}

#[tokio::test]
async fn a_load_balancer_that_goes_meanwhile_hides_no_other() {
    let (cloud, _) = cloud(|form| match form["Action"].as_str() {
        "DescribeTags" if arns_in(form).iter().any(|arn| arn.ends_with("/3")) => {
            Answer::elb_error("LoadBalancerNotFound")
        }
        "DescribeTags" => tags_of(form),
        _ => balancers(0..10, ""),
    });
    let found = cloud.load_balancers_tagged(&Tags::from([("team".into(), "shop".into())])).await.unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn absence_is_an_answer_and_other_errors_are_errors() {
    let (cloud, seen) = cloud(|form| match form["Action"].as_str() {
        "DescribeLoadBalancers" if form.contains_key("Names.member.1") => Answer::elb_error("LoadBalancerNotFound"),
        "DescribeTargetGroups" => Answer::elb_error("TargetGroupNotFound"),
        _ => Answer::elb_error("AccessDenied"),
    });
    assert_eq!(cloud.load_balancer_by_name("shop").await.unwrap(), None);
    assert_eq!(cloud.target_group_by_name("shop").await.unwrap(), None);
    assert_eq!(cloud.target_group_by_arn(&arn("targetgroup/a/1")).await.unwrap(), None);
    let error = cloud.load_balancer_by_arn(&arn("loadbalancer/app/a/1")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Denied);
    assert!(error.to_string().contains("lacks the IAM action elasticloadbalancing:DescribeLoadBalancers"), "{error}");
    let error = cloud.target_groups_of(&arn("loadbalancer/app/a/1")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);
    assert_eq!(seen.actions().len(), 5, "none of these is tried again");
}

#[tokio::test]
async fn types_without_groups_are_told_apart() {
    let members = balancer(1, "network") + &balancer(2, "gateway");
    let (cloud, _) =
        cloud(move |_| Answer::elb("DescribeLoadBalancers", &format!("<LoadBalancers>{members}</LoadBalancers>")));
    let found = cloud.load_balancer_by_arn(&arn("loadbalancer/app/lb1/1")).await.unwrap().unwrap();
    assert!(matches!(found, FoundLoadBalancer::Usable(balancer) if balancer.kind == LoadBalancerKind::Network));
    let found = cloud.load_balancer_by_arn(&arn("loadbalancer/app/lb2/2")).await.unwrap().unwrap();
    assert!(matches!(found, FoundLoadBalancer::WithoutGroups { kind, .. } if kind == "gateway"));
}

/// An account with `lb0` to `lb8`, whose DNS names are `lbN.example`, and `Shop-Web`.
fn by_dns_name(form: &Form) -> Answer {
    let web = balancer(9, "application").replace("lb9.example", "Shop-Web-1.eu-central-1.elb.amazonaws.com");
    match form.get("Names.member.1").map(String::as_str) {
        Some("Shop-Web") => Answer::elb("DescribeLoadBalancers", &format!("<LoadBalancers>{web}</LoadBalancers>")),
        Some(_) => Answer::elb_error("LoadBalancerNotFound"),
        None => {
            let all: String = (0..9).map(|number| balancer(number, "application")).collect();
            Answer::elb("DescribeLoadBalancers", &format!("<LoadBalancers>{all}{web}</LoadBalancers>"))
        }
    }
}

#[tokio::test]
async fn a_dns_name_leads_to_its_load_balancer_by_one_call_where_it_tells_the_name() {
    for (hosts, found, names_asked) in [
        (&["Shop-Web-1.eu-central-1.elb.amazonaws.com"][..], &["lb9"][..], &["Shop-Web"][..]),
        (&["dualstack.Shop-Web-1.eu-central-1.elb.amazonaws.com."], &["lb9"], &["Shop-Web"]),
        // In another case, which AWS does not know; another of the same name; not one's DNS name at all.
        (&["shop-web-1.eu-central-1.elb.amazonaws.com"], &["lb9"], &["shop-web", "all"]),
        (&["Shop-Web-2.eu-central-1.elb.amazonaws.com"], &[], &["Shop-Web", "all"]),
        (&["lb3.example", "lb5.example", "shop.example"], &["lb3", "lb5"], &["all"]),
        (
            &["Shop-Web-1.eu-central-1.elb.amazonaws.com", "dualstack.shop-web-1.eu-central-1.elb.amazonaws.com"],
            &["lb9"],
            &["Shop-Web", "shop-web", "all"],
        ),
    ] {
        let (cloud, seen) = cloud(by_dns_name);
        let wanted = hosts.iter().map(|host| (*host).to_owned()).collect();
        let balancers = cloud.load_balancers_at(&wanted).await.unwrap();
        let names: Vec<&str> = balancers.iter().map(|found| found.arn.name()).collect();
        assert_eq!(names, found, "{hosts:?}");
        let asked: Vec<String> =
            seen.all().iter().map(|form| form.get("Names.member.1").cloned().unwrap_or_else(|| "all".into())).collect();
        assert_eq!(asked, names_asked, "{hosts:?}");
        assert!(seen.actions().iter().all(|action| action == "DescribeLoadBalancers"), "no tags are read");
    }
}

fn forward(group: &str) -> String {
    let arn = text(&format!("targetgroup/{group}/1"));
    format!("<member><Type>forward</Type><TargetGroupArn>{arn}</TargetGroupArn></member>")
}

#[tokio::test]
async fn listeners_and_rules_with_their_actions() {
    let listener = format!(
        "<Listeners><member><ListenerArn>{}</ListenerArn><Port>443</Port><Protocol>HTTPS</Protocol>\
         <DefaultActions>{}</DefaultActions></member></Listeners>",
        text("listener/app/lb/1/2"),
        forward("blue")
    );
    let rules = format!(
        "<Rules><member><IsDefault>false</IsDefault><Actions><member><Type>authenticate-oidc</Type></member>{}</Actions>\
         </member><member><IsDefault>false</IsDefault><Actions>{}</Actions></member>\
         <member><IsDefault>true</IsDefault><Actions>{}</Actions></member></Rules>",
        forward("green"),
        forward("green"),
        forward("blue")
    );
    let (cloud, _) = cloud(move |form| match form["Action"].as_str() {
        "DescribeListeners" => Answer::elb("DescribeListeners", &listener),
        action => Answer::elb(action, &rules),
    });
    let listeners = cloud.listeners(&arn("loadbalancer/app/lb/1")).await.unwrap();
    assert_eq!((listeners[0].port, listeners[0].protocol.0.as_str()), (443, "HTTPS"));
    assert_eq!(listeners[0].default_actions.forwards, [(arn("targetgroup/blue/1"), 1)].into());
    let rules = cloud.rules_of_listener(&listeners[0].arn).await.unwrap();
    assert_eq!(rules.iter().map(|rule| rule.authenticates).collect::<Vec<_>>(), [true, false], "without the default");
    assert!(rules.iter().all(|rule| rule.forwards == [(arn("targetgroup/green/1"), 1)].into()));
}

#[tokio::test]
async fn target_groups_and_targets() {
    let group = format!(
        "<TargetGroups><member><TargetGroupArn>{}</TargetGroupArn><TargetGroupName>web</TargetGroupName>\
         <Protocol>HTTP</Protocol><Port>8000</Port><VpcId>vpc-1</VpcId><HealthCheckPort>traffic-port</HealthCheckPort>\
         <HealthCheckEnabled>true</HealthCheckEnabled><TargetType>ip</TargetType><TargetControlPort>3000</TargetControlPort>\
         <LoadBalancerArns><member>{}</member></LoadBalancerArns></member>\
         <member><TargetGroupArn>{}</TargetGroupArn><TargetGroupName>fn</TargetGroupName><TargetType>lambda</TargetType>\
         <HealthCheckPort>9000</HealthCheckPort><HealthCheckEnabled>false</HealthCheckEnabled></member></TargetGroups>",
        text("targetgroup/web/1"),
        text("loadbalancer/app/lb/1"),
        text("targetgroup/fn/2")
    );
    let health = "<TargetHealthDescriptions><member><Target><Id>10.0.0.5</Id><Port>8000</Port>\
        <AvailabilityZone>all</AvailabilityZone></Target><TargetHealth><State>draining</State>\
        <Reason>Target.DeregistrationInProgress</Reason></TargetHealth></member></TargetHealthDescriptions>";
    let (cloud, _) = cloud(move |form| match form["Action"].as_str() {
        "DescribeTargetHealth" => Answer::elb("DescribeTargetHealth", health),
        action => Answer::elb(action, &group),
    });
    let groups = cloud.target_groups_of(&arn("loadbalancer/app/lb/1")).await.unwrap();
    let web = &groups[0];
    assert_eq!((web.port, web.health_check_port, web.control_port), (Some(8000), None, Some(3000)));
    assert_eq!(web.load_balancers, BTreeSet::from([arn("loadbalancer/app/lb/1")]));
    let function = &groups[1];
    assert_eq!((function.kind, function.protocol.clone(), function.vpc.clone()), (TargetKind::Lambda, None, None));
    assert_eq!((function.health_check_port, function.health_check_enabled), (Some(9000), false));
    let targets = cloud.targets(&web.arn).await.unwrap();
    assert_eq!((targets[0].state.as_str(), targets[0].port), ("draining", Some(8000)));
    assert_eq!(targets[0].reason.as_deref(), Some("Target.DeregistrationInProgress"));
    assert_eq!(targets[0].availability_zone.as_deref(), Some("all"));
}
