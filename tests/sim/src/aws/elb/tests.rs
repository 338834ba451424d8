//! Whole answers to calls, as they come and go on the wire.

use super::testing::{VPC, add_instance, all_told, ask, network, refusal, result, scope, seconds, text_of, texts_of};
use crate::aws::World;

const TARGET_GROUP: &str = "Action=CreateTargetGroup&Name=app&Protocol=HTTP&Port=8000&VpcId=vpc-1";
const BALANCER: &str = "Action=CreateLoadBalancer&Name=shop&Subnets.member.1=subnet-a&Subnets.member.2=subnet-b\
     &SecurityGroups.member.1=sg-lb&Tags.member.1.Key=team&Tags.member.1.Value=shop";

fn made(world: &mut World, form: &str) -> String {
    let told = result(world, form);
    let names = ["RuleArn", "ListenerArn", "TargetGroupArn", "LoadBalancerArn"];
    names.iter().find_map(|name| text_of(&told, name)).unwrap_or_else(|| panic!("{told}"))
}

fn forward(list: &str, groups: &[(&str, u32)]) -> String {
    let tuple = |(number, (arn, weight)): (usize, &(&str, u32))| {
        let tuple = format!("{list}.member.1.ForwardConfig.TargetGroups.member.{}", number + 1);
        format!("&{tuple}.TargetGroupArn={arn}&{tuple}.Weight={weight}")
    };
    let tuples: String = groups.iter().enumerate().map(tuple).collect();
    format!("{list}.member.1.Type=forward{tuples}")
}

fn listen(balancer: &str, port: u16, actions: &str) -> String {
    format!("Action=CreateListener&LoadBalancerArn={balancer}&Protocol=HTTP&Port={port}&{actions}")
}

#[test]
fn a_load_balancer_as_it_is_told() {
    let mut world = network();
    world.pass_time(seconds(90));
    let arn = made(&mut world, BALANCER);
    let (path, id) = (arn.split_once(":loadbalancer/").unwrap().1, arn.rsplit('/').next().unwrap());
    assert_eq!(path, format!("app/shop/{id}"));
    let number = u64::from_str_radix(id, 16).unwrap() % 1_000_000_000;
    let zone = |letter: &str| {
        format!(
            "<member><ZoneName>eu-central-1{letter}</ZoneName><SubnetId>subnet-{letter}</SubnetId>\
             <LoadBalancerAddresses></LoadBalancerAddresses></member>"
        )
    };
    let told = format!(
        "<LoadBalancers><member><LoadBalancerArn>{arn}</LoadBalancerArn>\
         <DNSName>shop-{number}.eu-central-1.elb.amazonaws.com</DNSName>\
         <CanonicalHostedZoneId>Z215JYRZR1TBD5</CanonicalHostedZoneId><CreatedTime>2026-01-01T00:01:30Z</CreatedTime>\
         <LoadBalancerName>shop</LoadBalancerName><Scheme>internet-facing</Scheme><VpcId>vpc-1</VpcId>\
         <State><Code>active</Code></State><Type>application</Type><AvailabilityZones>{}{}</AvailabilityZones>\
         <SecurityGroups><member>sg-lb</member></SecurityGroups><IpAddressType>ipv4</IpAddressType></member>\
         </LoadBalancers>",
        zone("a"),
        zone("b")
    );
    for form in ["", "&Names.member.1=shop", &format!("&LoadBalancerArns.member.1={arn}")] {
        assert_eq!(result(&mut world, &format!("Action=DescribeLoadBalancers{form}")), told);
    }
    assert_eq!(result(&mut world, BALANCER), told, "the same once more is the one that is there");
    assert_eq!(
        ask(&mut world, "Action=DescribeLoadBalancers&Names.member.1=other"),
        "<ErrorResponse><Error><Type>Sender</Type><Code>LoadBalancerNotFound</Code>\
         <Message>Load balancer 'other' not found</Message></Error><RequestId>simulated</RequestId></ErrorResponse>"
    );
    assert_eq!(
        result(&mut world, &format!("Action=DescribeTags&ResourceArns.member.1={arn}")),
        format!(
            "<TagDescriptions><member><ResourceArn>{arn}</ResourceArn><Tags><member><Key>team</Key><Value>shop</Value>\
             </member></Tags></member></TagDescriptions>"
        )
    );
}

/// Subnet, groups, description, requester, type, addresses and whether there is a public one.
fn interfaces(world: &World) -> Vec<String> {
    let all = world.region(&scope()).unwrap().ec2.interfaces.iter();
    let told = all.map(|each| {
        let groups: Vec<&str> = each.groups.iter().map(String::as_str).collect();
        let (requester, public) = (each.requester.as_deref().unwrap_or("none"), each.public_address.is_some());
        let description = each.description.rsplit_once('/').map_or("", |(start, _)| start);
        format!("{} {groups:?} {description} {requester} {} {:?} {public}", each.subnet, each.kind, each.addresses)
    });
    let mut told: Vec<String> = told.collect();
    told.sort();
    told
}

#[test]
fn interfaces_come_change_and_go_with_their_load_balancer() {
    let mut world = network();
    let alb = made(&mut world, &format!("{BALANCER}&IpAddressType=dualstack&Scheme=internal"));
    let nlb = "Action=CreateLoadBalancer&Name=net&Type=network&Scheme=internet-facing&Subnets.member.1=subnet-a";
    let nlb = made(&mut world, nlb);
    assert_eq!(
        interfaces(&world),
        [
            r#"subnet-a ["sg-lb"] ELB app/shop amazon-elb interface [10.0.0.4, 2a05::4] false"#,
            r#"subnet-a [] ELB net/net amazon-elb network_load_balancer [10.0.0.5] true"#,
            r#"subnet-b ["sg-lb"] ELB app/shop amazon-elb interface [10.0.64.4, 2a05:0:0:1::4] false"#,
        ]
    );
    let set = |arn: &str| format!("Action=SetSecurityGroups&LoadBalancerArn={arn}&SecurityGroups.member.1=sg-app");
    let told = result(&mut world, &set(&alb));
    assert_eq!(told, "<SecurityGroupIds><member>sg-app</member></SecurityGroupIds>");
    assert_eq!(refusal(&mut world, &set(&nlb)), "InvalidConfigurationRequest", "made without, for ever without");
    let to = format!("Action=SetSubnets&LoadBalancerArn={alb}&IpAddressType=ipv4&Subnets.member.1=subnet-b");
    let told = result(&mut world, &format!("{to}&Subnets.member.2=subnet-c"));
    assert_eq!(texts_of(&told, "SubnetId"), ["subnet-b", "subnet-c"]);
    result(&mut world, &format!("Action=DeleteLoadBalancer&LoadBalancerArn={nlb}"));
    result(&mut world, &format!("Action=DeleteLoadBalancer&LoadBalancerArn={nlb}"));
    assert_eq!(
        interfaces(&world),
        [
            r#"subnet-b ["sg-app"] ELB app/shop amazon-elb interface [10.0.64.4] false"#,
            r#"subnet-c ["sg-app"] ELB app/shop amazon-elb interface [10.0.128.4] false"#,
        ]
    );
    assert_eq!(
        refusal(&mut world, &format!("Action=SetIpAddressType&LoadBalancerArn={alb}&IpAddressType=dualstack")),
        "InvalidConfigurationRequest",
        "subnet-c has no IPv6"
    );
}

#[test]
fn addresses_may_be_asked_for_and_public_ones_given_up() {
    let mut world = network();
    let form = |address: &str| {
        format!(
            "Action=CreateLoadBalancer&Name=net&Type=network&SubnetMappings.member.1.SubnetId=subnet-a\
             &SubnetMappings.member.1.PrivateIPv4Address={address}"
        )
    };
    for refused in ["10.0.0.3", "10.0.63.255", "10.0.64.9", "nonsense"] {
        assert_eq!(refusal(&mut world, &form(refused)), "ValidationError", "{refused}");
    }
    made(&mut world, &form("10.0.0.77"));
    let alb = made(&mut world, BALANCER);
    let to = "dualstack-without-public-ipv4";
    result(&mut world, &format!("Action=SetIpAddressType&LoadBalancerArn={alb}&IpAddressType={to}"));
    assert_eq!(
        interfaces(&world),
        [
            r#"subnet-a ["sg-lb"] ELB app/shop amazon-elb interface [10.0.0.78, 2a05::4] false"#,
            r#"subnet-a [] ELB net/net amazon-elb network_load_balancer [10.0.0.77] true"#,
            r#"subnet-b ["sg-lb"] ELB app/shop amazon-elb interface [10.0.64.4, 2a05:0:0:1::4] false"#,
        ]
    );
}

#[test]
fn an_application_load_balancer_without_groups_has_the_default_one() {
    let mut world = network();
    let form = BALANCER.replace("&SecurityGroups.member.1=sg-lb", "");
    let told = result(&mut world, &form);
    assert_eq!(text_of(&told, "SecurityGroups").unwrap(), "<member>sg-default</member>");
}

#[test]
fn a_target_group_as_it_is_told() {
    let mut world = network();
    let form = format!("{TARGET_GROUP}&HealthCheckPort=9000&TargetControlPort=3000&Matcher.HttpCode=200-299");
    let arn = made(&mut world, &form);
    let balancer = made(&mut world, BALANCER);
    made(&mut world, &listen(&balancer, 80, &forward("DefaultActions", &[(&arn, 0)])));
    let told = format!(
        "<TargetGroups><member><TargetGroupArn>{arn}</TargetGroupArn><TargetGroupName>app</TargetGroupName>\
         <Protocol>HTTP</Protocol><Port>8000</Port><VpcId>{VPC}</VpcId><HealthCheckProtocol>HTTP</HealthCheckProtocol>\
         <HealthCheckPort>9000</HealthCheckPort><HealthCheckEnabled>true</HealthCheckEnabled>\
         <HealthCheckIntervalSeconds>30</HealthCheckIntervalSeconds>\
         <HealthCheckTimeoutSeconds>5</HealthCheckTimeoutSeconds><HealthyThresholdCount>5</HealthyThresholdCount>\
         <UnhealthyThresholdCount>2</UnhealthyThresholdCount><HealthCheckPath>/</HealthCheckPath>\
         <Matcher><HttpCode>200-299</HttpCode></Matcher><LoadBalancerArns><member>{balancer}</member></LoadBalancerArns>\
         <TargetType>instance</TargetType><ProtocolVersion>HTTP1</ProtocolVersion><IpAddressType>ipv4</IpAddressType>\
         <TargetControlPort>3000</TargetControlPort></member></TargetGroups>"
    );
    let by_balancer = format!("&LoadBalancerArn={balancer}");
    for form in ["", "&Names.member.1=app", &format!("&TargetGroupArns.member.1={arn}"), &by_balancer] {
        assert_eq!(result(&mut world, &format!("Action=DescribeTargetGroups{form}")), told);
    }
    let tcp = "Action=CreateTargetGroup&Name=tcp&Protocol=TCP&Port=80&VpcId=vpc-1&TargetType=ip&IpAddressType=ipv6";
    let arn = made(&mut world, tcp);
    assert_eq!(
        result(&mut world, "Action=DescribeTargetGroups&Names.member.1=tcp"),
        format!(
            "<TargetGroups><member><TargetGroupArn>{arn}</TargetGroupArn><TargetGroupName>tcp</TargetGroupName>\
             <Protocol>TCP</Protocol><Port>80</Port><VpcId>vpc-1</VpcId><HealthCheckProtocol>TCP</HealthCheckProtocol>\
             <HealthCheckPort>traffic-port</HealthCheckPort><HealthCheckEnabled>true</HealthCheckEnabled>\
             <HealthCheckIntervalSeconds>30</HealthCheckIntervalSeconds>\
             <HealthCheckTimeoutSeconds>10</HealthCheckTimeoutSeconds><HealthyThresholdCount>5</HealthyThresholdCount>\
             <UnhealthyThresholdCount>2</UnhealthyThresholdCount><LoadBalancerArns></LoadBalancerArns>\
             <TargetType>ip</TargetType><IpAddressType>ipv6</IpAddressType></member></TargetGroups>"
        )
    );
}

#[test]
fn listeners_and_rules_as_they_are_told() {
    let mut world = network();
    let (blue, green) = (made(&mut world, TARGET_GROUP), made(&mut world, &TARGET_GROUP.replace("app", "green")));
    let balancer = made(&mut world, BALANCER);
    let listener = made(
        &mut world,
        &listen(
            &balancer,
            80,
            &format!("DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={blue}"),
        ),
    );
    let both = forward("Actions", &[(&blue, 0), (&green, 999)]);
    let condition = "Conditions.member.1.Field=path-pattern&Conditions.member.1.PathPatternConfig.Values.member.1=/a/*";
    let create =
        |priority: u32| format!("Action=CreateRule&ListenerArn={listener}&Priority={priority}&{condition}&{both}");
    let rule = made(&mut world, &create(7));
    assert_eq!(refusal(&mut world, &create(7)), "PriorityInUse");

    let tuple = |arn: &str, weight: u32| {
        format!("<member><TargetGroupArn>{arn}</TargetGroupArn><Weight>{weight}</Weight></member>")
    };
    let config = |tuples: String| {
        format!(
            "<ForwardConfig><TargetGroups>{tuples}</TargetGroups><TargetGroupStickinessConfig><Enabled>false</Enabled>\
             </TargetGroupStickinessConfig></ForwardConfig>"
        )
    };
    let single = format!(
        "<member><Type>forward</Type><TargetGroupArn>{blue}</TargetGroupArn>{}</member>",
        config(tuple(&blue, 1))
    );
    let several = format!("<member><Type>forward</Type>{}</member>", config(tuple(&blue, 0) + &tuple(&green, 999)));
    let told = format!(
        "<Listeners><member><ListenerArn>{listener}</ListenerArn><LoadBalancerArn>{balancer}</LoadBalancerArn>\
         <Port>80</Port><Protocol>HTTP</Protocol><DefaultActions>{single}</DefaultActions></member></Listeners>"
    );
    for form in [format!("LoadBalancerArn={balancer}"), format!("ListenerArns.member.1={listener}")] {
        assert_eq!(result(&mut world, &format!("Action=DescribeListeners&{form}")), told);
    }
    let rules = result(&mut world, &format!("Action=DescribeRules&ListenerArn={listener}"));
    let default = texts_of(&rules, "RuleArn").remove(1);
    assert_eq!(
        rules,
        format!(
            "<Rules><member><RuleArn>{rule}</RuleArn><Priority>7</Priority><Conditions><member><Field>path-pattern</Field>\
             <PathPatternConfig><Values><member>/a/*</member></Values></PathPatternConfig></member></Conditions>\
             <Actions>{several}</Actions><IsDefault>false</IsDefault></member><member><RuleArn>{default}</RuleArn>\
             <Priority>default</Priority><Conditions></Conditions><Actions>{single}</Actions>\
             <IsDefault>true</IsDefault></member></Rules>"
        )
    );
    let delete = |arn: &str| format!("Action=DeleteRule&RuleArn={arn}");
    assert_eq!(refusal(&mut world, &delete(&default)), "OperationNotPermitted");
    result(&mut world, &delete(&rule));
    assert_eq!(refusal(&mut world, &delete(&rule)), "RuleNotFound");
}

#[test]
fn load_balancers_of_a_target_group_are_those_of_now() {
    let mut world = network();
    let (blue, green) = (made(&mut world, TARGET_GROUP), made(&mut world, &TARGET_GROUP.replace("app", "green")));
    let balancer = made(&mut world, BALANCER);
    let listener = made(&mut world, &listen(&balancer, 80, &forward("DefaultActions", &[(&blue, 1), (&green, 0)])));
    let users = |world: &mut World, arn: &str| {
        let told = result(world, &format!("Action=DescribeTargetGroups&TargetGroupArns.member.1={arn}"));
        text_of(&told, "LoadBalancerArns").unwrap()
    };
    let used = format!("<member>{balancer}</member>");
    assert_eq!((users(&mut world, &blue), users(&mut world, &green)), (used.clone(), used.clone()));
    let delete = |arn: &str| format!("Action=DeleteTargetGroup&TargetGroupArn={arn}");
    assert_eq!(refusal(&mut world, &delete(&green)), "ResourceInUse");
    let modify = format!("Action=ModifyListener&ListenerArn={listener}&{}", forward("DefaultActions", &[(&blue, 1)]));
    result(&mut world, &modify);
    assert_eq!((users(&mut world, &blue), users(&mut world, &green)), (used, String::new()));
    result(&mut world, &delete(&green));
    let other = made(&mut world, &BALANCER.replace("shop", "other"));
    let second = listen(&other, 80, &forward("DefaultActions", &[(&blue, 1)]));
    assert_eq!(refusal(&mut world, &second), "TargetGroupAssociationLimit");
    result(&mut world, &format!("Action=DeleteLoadBalancer&LoadBalancerArn={balancer}"));
    assert_eq!(users(&mut world, &blue), "");
    made(&mut world, &second);
}

#[test]
fn other_actions_keep_their_fields_and_no_secret() {
    let mut world = network();
    let balancer = made(&mut world, BALANCER);
    let group = made(&mut world, TARGET_GROUP);
    let start = "DefaultActions.member.1";
    let redirect =
        format!("{start}.Type=redirect&{start}.RedirectConfig.StatusCode=HTTP_301&{start}.RedirectConfig.Port=443");
    let told = result(&mut world, &listen(&balancer, 80, &redirect));
    assert_eq!(
        text_of(&told, "DefaultActions").unwrap(),
        "<member><Type>redirect</Type><RedirectConfig><Host>#{host}</Host><Path>/#{path}</Path><Port>443</Port>\
         <Protocol>#{protocol}</Protocol><Query>#{query}</Query><StatusCode>HTTP_301</StatusCode></RedirectConfig></member>"
    );
    let oidc = format!(
        "{start}.Order=1&{start}.Type=authenticate-oidc&{start}.AuthenticateOidcConfig.Issuer=https://id\
         &{start}.AuthenticateOidcConfig.AuthorizationEndpoint=https://id/a\
         &{start}.AuthenticateOidcConfig.TokenEndpoint=https://id/t\
         &{start}.AuthenticateOidcConfig.UserInfoEndpoint=https://id/u&{start}.AuthenticateOidcConfig.ClientId=shop\
         &{start}.AuthenticateOidcConfig.ClientSecret=hush&DefaultActions.member.2.Type=forward\
         &DefaultActions.member.2.Order=2&DefaultActions.member.2.TargetGroupArn={group}"
    );
    assert_eq!(refusal(&mut world, &listen(&balancer, 443, &oidc)), "InvalidLoadBalancerAction", "HTTPS only");
    let https = listen(&balancer, 443, &oidc).replace("Protocol=HTTP&", "Protocol=HTTPS&");
    assert_eq!(refusal(&mut world, &https), "ValidationError", "a certificate is needed");
    let told = result(&mut world, &format!("{https}&Certificates.member.1.CertificateArn=arn:aws:acm:x"));
    assert_eq!(
        text_of(&told, "AuthenticateOidcConfig").unwrap(),
        "<AuthorizationEndpoint>https://id/a</AuthorizationEndpoint><ClientId>shop</ClientId><Issuer>https://id</Issuer>\
         <OnUnauthenticatedRequest>authenticate</OnUnauthenticatedRequest><Scope>openid</Scope>\
         <SessionCookieName>AWSELBAuthSessionCookie</SessionCookieName><SessionTimeout>604800</SessionTimeout>\
         <TokenEndpoint>https://id/t</TokenEndpoint><UserInfoEndpoint>https://id/u</UserInfoEndpoint>"
    );
    assert_eq!(texts_of(&told, "Type"), ["authenticate-oidc", "forward"]);
}

#[test]
fn pages_end_where_they_are_full_and_go_on_at_the_marker() {
    let mut world = network();
    for number in 0..5 {
        made(&mut world, &BALANCER.replace("shop", &format!("lb{number}")));
        made(&mut world, &TARGET_GROUP.replace("Name=app", &format!("Name=tg{number}")));
    }
    for (action, name) in [("DescribeLoadBalancers", "LoadBalancerName"), ("DescribeTargetGroups", "TargetGroupName")] {
        let mut pages = Vec::new();
        let mut marker = String::new();
        loop {
            let page = result(&mut world, &format!("Action={action}&PageSize=2{marker}"));
            pages.push(texts_of(&page, name));
            let Some(next) = text_of(&page, "NextMarker") else { break };
            marker = format!("&Marker={next}");
        }
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1], "{action}");
        assert_eq!(pages.concat(), texts_of(&result(&mut world, &format!("Action={action}")), name));
    }
    assert_eq!(refusal(&mut world, "Action=DescribeLoadBalancers&PageSize=401"), "ValidationError");
}

#[test]
fn targets_are_checked_before_they_are_registered() {
    let mut world = network();
    add_instance(&mut world, "i-1", "subnet-a", "10.0.0.100", "sg-app");
    let instances = made(&mut world, TARGET_GROUP);
    let addresses = made(&mut world, &format!("{}&TargetType=ip", TARGET_GROUP.replace("app", "ip")));
    let mut register = |group: &str, targets: &[&str]| {
        let target = |(number, target): (usize, &&str)| format!("&Targets.member.{}.{target}", number + 1);
        let targets: String = targets.iter().enumerate().map(target).collect();
        let body = ask(&mut world, &format!("Action=RegisterTargets&TargetGroupArn={group}{targets}"));
        text_of(&body, "Code").unwrap_or_default()
    };
    assert_eq!(register(&instances, &["Id=i-9"]), "InvalidTarget");
    assert_eq!(register(&instances, &["Id=i-1", "Id=i-9"]), "InvalidTarget", "and none is registered");
    assert_eq!(register(&addresses, &["Id=8.8.8.8&Targets.member.1.AvailabilityZone=all"]), "InvalidTarget");
    assert_eq!(register(&addresses, &["Id=192.168.0.1"]), "ValidationError", "outside the VPC: all zones");
    assert_eq!(register(&addresses, &["Id=192.168.0.1&Targets.member.1.AvailabilityZone=all", "Id=10.0.64.9"]), "");
    assert_eq!(register("arn:x", &["Id=i-1"]), "TargetGroupNotFound");
    let told =
        |world: &mut World, group: &str| result(world, &format!("Action=DescribeTargetHealth&TargetGroupArn={group}"));
    assert_eq!(told(&mut world, &instances), "<TargetHealthDescriptions></TargetHealthDescriptions>");
    let addresses = told(&mut world, &addresses);
    assert_eq!(texts_of(&addresses, "AvailabilityZone"), ["eu-central-1b", "all"]);
    assert_eq!(texts_of(&addresses, "Reason"), ["Target.NotInUse", "Target.NotInUse"]);
}

#[test]
fn a_refused_call_says_why_and_changes_nothing() {
    let mut world = network();
    let (group, balancer) = (made(&mut world, TARGET_GROUP), made(&mut world, BALANCER));
    made(&mut world, &listen(&balancer, 80, &forward("DefaultActions", &[(&group, 1)])));
    let before = all_told(&mut world);
    let tcp = format!(
        "Action=CreateListener&LoadBalancerArn={balancer}&Protocol=TCP&Port=81&{}",
        forward("DefaultActions", &[(&group, 1)])
    );
    let cases = [
        (BALANCER.replace("Subnets.member.2=subnet-b", "Subnets.member.2=subnet-c"), "DuplicateLoadBalancerName"),
        (BALANCER.replace("shop", "new").replace("subnet-b", "subnet-x"), "SubnetNotFound"),
        (BALANCER.replace("shop", "new").replace("&Subnets.member.2=subnet-b", ""), "ValidationError"),
        (BALANCER.replace("shop", "new").replace("sg-lb", "sg-x"), "InvalidSecurityGroup"),
        (BALANCER.replace("shop", "-new"), "ValidationError"),
        (format!("{BALANCER}&CustomerOwnedIpv4Pool=p"), "ValidationError"),
        (TARGET_GROUP.replace("8000", "8001"), "DuplicateTargetGroupName"),
        (TARGET_GROUP.replace("app", "new").replace("HTTP", "GOPHER"), "ValidationError"),
        (listen(&balancer, 80, &forward("DefaultActions", &[(&group, 0)])), "DuplicateListener"),
        (listen(&balancer, 81, &forward("DefaultActions", &[("arn:x", 1)])), "TargetGroupNotFound"),
        (listen("arn:x", 81, &forward("DefaultActions", &[(&group, 1)])), "LoadBalancerNotFound"),
        (tcp, "UnsupportedProtocol"),
        ("Action=DescribeTags&ResourceArns.member.1=web".to_owned(), "ValidationError"),
        (format!("Action=DescribeTags&ResourceArns.member.1={balancer}0"), "LoadBalancerNotFound"),
        ("Action=DescribeRules&ListenerArn=arn:x".to_owned(), "ListenerNotFound"),
        ("Action=DescribeTrustStores".to_owned(), "InvalidAction"),
    ];
    for (form, code) in cases {
        assert_eq!(refusal(&mut world, &form), code, "{form}");
        assert_eq!(all_told(&mut world), before, "{form}");
    }
}

#[test]
fn attributes_and_tags_are_kept() {
    let mut world = network();
    let balancer = made(&mut world, BALANCER);
    let attribute = |key: &str, value: &str| {
        format!(
            "Action=ModifyLoadBalancerAttributes&LoadBalancerArn={balancer}&Attributes.member.1.Key={key}\
             &Attributes.member.1.Value={value}"
        )
    };
    let protection = "<member><Key>deletion_protection.enabled</Key><Value>true</Value></member>";
    result(&mut world, &attribute("deletion_protection.enabled", "true"));
    let told = result(&mut world, &format!("Action=DescribeLoadBalancerAttributes&LoadBalancerArn={balancer}"));
    assert!(told.contains(protection), "{told}");
    let delete = format!("Action=DeleteLoadBalancer&LoadBalancerArn={balancer}");
    assert_eq!(refusal(&mut world, &delete), "OperationNotPermitted");
    assert_eq!(refusal(&mut world, &attribute("deletion_protection.enabled", "maybe")), "ValidationError");
    assert_eq!(refusal(&mut world, &attribute("nonsense", "1")), "ValidationError");
    let add = format!("Action=AddTags&ResourceArns.member.1={balancer}&Tags.member.1.Key=b&Tags.member.1.Value=2");
    assert_eq!(refusal(&mut world, &format!("{add}&ResourceArns.member.2={balancer}0")), "LoadBalancerNotFound");
    result(&mut world, &add);
    result(&mut world, &format!("Action=RemoveTags&ResourceArns.member.1={balancer}&TagKeys.member.1=team"));
    let told = result(&mut world, &format!("Action=DescribeTags&ResourceArns.member.1={balancer}"));
    assert_eq!(text_of(&told, "Tags").unwrap(), "<member><Key>b</Key><Value>2</Value></member>");
}
