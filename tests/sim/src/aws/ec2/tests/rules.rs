//! Rules are made, changed and taken away.

use super::{Stage, permissions};
use crate::aws::{Changed, Scope};

fn authorize(stage: &mut Stage, direction: &str, rules: &[&str]) -> String {
    stage.ask(&format!("AuthorizeSecurityGroup{direction}&GroupId=sg-1{}", permissions(rules)))
}

#[test]
fn rules_are_held_in_canonical_form() {
    let mut stage = Stage::new();
    let written = [
        "6 80 81 CidrIp=100.68.0.18/18",
        "17 53 53 CidrIpv6=2001:db8::1/32",
        "1 _ _ CidrIp=10.0.0.0/8",
        "icmp 3 _ CidrIp=10.0.0.0/8",
        "58 128 0 CidrIpv6=::/0",
        "-1 1 2 CidrIp=10.0.0.0/8",
        "50 1 2 GroupId=sg-2",
    ];
    authorize(&mut stage, "Ingress", &written);
    assert_eq!(
        stage.rules("sg-1"),
        [
            "in -1 -1 -1 10.0.0.0/8",
            "in 50 -1 -1 sg-2",
            "in icmp -1 -1 10.0.0.0/8",
            "in icmp 3 -1 10.0.0.0/8",
            "in icmpv6 128 0 ::/0",
            "in tcp 80 81 100.68.0.0/18",
            "in udp 53 53 2001:db8::/32",
        ]
    );
}

#[test]
fn authorize_answers_all_new_rules_with_ids_and_tags() {
    let mut stage = Stage::new();
    let rules = permissions(&["tcp 80 80 CidrIp=10.0.0.0/8 Description=a", "tcp 443 443 GroupId=sg-2"]);
    let tags = "&TagSpecification.1.ResourceType=security-group-rule&TagSpecification.1.Tag.1.Key=k\
                &TagSpecification.1.Tag.1.Value=v";
    let answer = stage.ask(&format!("AuthorizeSecurityGroupEgress&GroupId=sg-1{rules}{tags}"));
    let arn = "arn:aws:ec2:eu-central-1:123456789012:security-group-rule";
    let item = |id: &str, port: u16, peer: &str| {
        format!(
            "<item><securityGroupRuleId>{id}</securityGroupRuleId><groupId>sg-1</groupId><groupOwnerId>123456789012\
             </groupOwnerId><isEgress>true</isEgress><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort><toPort>\
             {port}</toPort>{peer}<tagSet><item><key>k</key><value>v</value></item></tagSet><securityGroupRuleArn>\
             {arn}/{id}</securityGroupRuleArn></item>"
        )
    };
    let cidr = item("sgr-1", 80, "<cidrIpv4>10.0.0.0/8</cidrIpv4><description>a</description>");
    let group = "<referencedGroupInfo><groupId>sg-2</groupId><userId>123456789012</userId></referencedGroupInfo>";
    let group = item("sgr-2", 443, group);
    assert_eq!(answer, format!("<return>true</return><securityGroupRuleSet>{cidr}{group}</securityGroupRuleSet>"));
    assert_eq!(stage.rules("sg-1"), ["out tcp 443 443 sg-2 k=v", "out tcp 80 80 10.0.0.0/8 \"a\" k=v"]);
}

#[test]
fn a_refused_call_makes_none_of_its_rules() {
    let mut stage = Stage::new();
    authorize(&mut stage, "Ingress", &["tcp 80 80 CidrIp=10.0.0.0/8 Description=first"]);
    let long = format!("tcp 1 1 CidrIp=10.0.0.0/8 Description={}", "x".repeat(256));
    let table = [
        ("tcp 80 80 CidrIp=10.1.2.3/8 Description=other", "400 InvalidPermission.Duplicate"),
        ("tcp 1 1 CidrIp=172.16.0.1/12", "400 InvalidParameterValue"),
        ("tcp _ _ CidrIp=10.0.0.0/8", "400 InvalidParameterValue"),
        ("udp 53 _ CidrIp=10.0.0.0/8", "400 InvalidParameterValue"),
        ("tcp 2 1 CidrIp=10.0.0.0/8", "400 InvalidParameterValue"),
        ("tcp 1 65536 CidrIp=10.0.0.0/8", "400 InvalidParameterValue"),
        ("tcp x 1 CidrIp=10.0.0.0/8", "400 InvalidParameterValue"),
        ("icmp -1 1 CidrIp=10.0.0.0/8", "400 InvalidParameterValue"),
        ("sctp 1 1 CidrIp=10.0.0.0/8", "400 InvalidParameterValue"),
        ("256 1 1 CidrIp=10.0.0.0/8", "400 InvalidParameterValue"),
        ("tcp 1 1 CidrIp=10.0.0.0", "400 InvalidParameterValue"),
        ("tcp 1 1 CidrIp=::/0", "400 InvalidParameterValue"),
        ("tcp 1 1 CidrIpv6=10.0.0.0/8", "400 InvalidParameterValue"),
        ("tcp 1 1 CidrIp=10.0.0.0/8 Description=it's", "400 InvalidParameterValue"),
        (&long, "400 InvalidParameterValue"),
        ("tcp 1 1 GroupId=sg-00000000000000000", "400 InvalidGroup.NotFound"),
        ("tcp 1 1 GroupId=app", "400 InvalidGroupId.Malformed"),
        ("tcp 1 1 GroupId=sg-2 UserId=444455556666", "400 InvalidGroup.NotFound"),
        ("tcp 1 1 PrefixListId=pl-0", "400 InvalidPrefixListID.NotFound"),
        ("tcp 1 1 GroupId=sg-2 GroupName=alb", "400 UnknownParameter"),
    ];
    for (rule, code) in table {
        let answer = authorize(&mut stage, "Ingress", &["tcp 1 1 CidrIp=172.16.0.0/12", rule]);
        assert_eq!(answer.split_once(':').unwrap().0, code, "{rule}");
        assert_eq!(stage.rules("sg-1"), ["in tcp 80 80 10.0.0.0/8 \"first\""], "{rule}");
    }
    authorize(&mut stage, "Egress", &["tcp 80 80 CidrIp=10.0.0.0/8"]);
    assert_eq!(stage.rules("sg-1"), ["in tcp 80 80 10.0.0.0/8 \"first\"", "out tcp 80 80 10.0.0.0/8"]);
}

#[test]
fn errors_say_what_aws_says() {
    let mut stage = Stage::new();
    authorize(&mut stage, "Ingress", &["tcp 80 80 CidrIp=10.0.0.0/8"]);
    let twice = "tcp 1 1 CidrIp=10.0.0.0/8";
    assert_eq!(
        [
            authorize(&mut stage, "Ingress", &["tcp 80 80 CidrIp=10.0.0.0/8"]),
            authorize(&mut stage, "Ingress", &[twice, twice]),
            authorize(&mut stage, "Ingress", &[]),
            stage.ask("AuthorizeSecurityGroupIngress&GroupId=sg-1&IpPermissions.1.IpProtocol=-1"),
        ],
        [
            "400 InvalidPermission.Duplicate: the specified rule \"peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, \
             ALLOW\" already exists",
            "400 InvalidParameterValue: The same permission must not appear multiple times",
            "400 MissingParameter: The request must contain the parameter IpPermissions",
            "400 MissingParameter: IpPermissions.1 has no source or destination",
        ]
    );
}

#[test]
fn a_peer_may_be_a_group_of_another_account_in_the_same_region() {
    let mut stage = Stage::new();
    let other = Scope { account: "444455556666".into(), region: "eu-central-1".into() };
    stage.ask_in(&other, "CreateVpc&CidrBlock=10.0.0.0/16");
    stage.ask_in(&other, "CreateSecurityGroup&VpcId=vpc-2&GroupName=other&GroupDescription=other");
    assert_eq!(
        authorize(&mut stage, "Ingress", &["tcp 1 1 GroupId=sg-3"]),
        "400 InvalidGroup.NotFound: The security group 'sg-3' does not exist"
    );
    authorize(&mut stage, "Ingress", &["tcp 1 1 GroupId=sg-3 UserId=444455556666"]);
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 444455556666/sg-3"]);
}

#[test]
fn the_quota_counts_each_direction_and_family_apart() {
    let mut stage = Stage::new();
    stage.world.set_rules_per_group(&stage.scope.clone(), 2);
    let full = "400 RulesPerSecurityGroupLimitExceeded: The maximum number of rules per security group has been \
                reached.";
    authorize(&mut stage, "Ingress", &["tcp 1 1 CidrIp=10.0.0.0/8", "tcp 2 2 CidrIp=10.0.0.0/8"]);
    assert_eq!(authorize(&mut stage, "Ingress", &["tcp 3 3 CidrIp=10.0.0.0/8"]), full);
    assert_eq!(authorize(&mut stage, "Ingress", &["tcp 3 3 GroupId=sg-2"]), full, "a group counts in both");
    authorize(&mut stage, "Ingress", &["tcp 3 3 CidrIpv6=::/0"]);
    authorize(&mut stage, "Egress", &["tcp 3 3 GroupId=sg-2", "tcp 4 4 CidrIp=10.0.0.0/8"]);
    assert_eq!(authorize(&mut stage, "Egress", &["tcp 5 5 CidrIp=10.0.0.0/8"]), full);
    authorize(&mut stage, "Egress", &["tcp 5 5 CidrIpv6=::/0"]);
    assert_eq!(authorize(&mut stage, "Egress", &["tcp 6 6 CidrIpv6=::/0"]), full, "a group counts in both");
    assert_eq!(stage.rules("sg-1").len(), 6);
}

#[test]
fn by_default_a_group_takes_sixty_rules() {
    let mut stage = Stage::new();
    let rules: Vec<String> = (1..=61).map(|port| format!("tcp {port} {port} CidrIp=10.0.0.0/8")).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    assert!(authorize(&mut stage, "Ingress", &rules).starts_with("400 RulesPerSecurityGroupLimitExceeded"));
    assert!(authorize(&mut stage, "Ingress", &rules[..60]).starts_with("<return>true</return>"));
    assert!(authorize(&mut stage, "Ingress", &rules[60..]).starts_with("400 RulesPerSecurityGroupLimitExceeded"));
}

#[test]
fn a_prefix_list_counts_its_most_entries_or_its_weight() {
    let mut stage = Stage::new();
    stage.ask("CreateManagedPrefixList&PrefixListName=ours&MaxEntries=6&AddressFamily=IPv4");
    let of_aws = "tcp 1 1 PrefixListId=pl-0c10fd00000000004";
    authorize(&mut stage, "Ingress", &[of_aws]);
    let more = authorize(&mut stage, "Ingress", &["tcp 1 1 PrefixListId=pl-1"]);
    assert!(more.starts_with("400 RulesPerSecurityGroupLimitExceeded"), "55 + 6 are more than 60");
    authorize(&mut stage, "Egress", &["tcp 1 1 PrefixListId=pl-1"]);
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 pl-0c10fd00000000004", "out tcp 1 1 pl-1"]);
}

#[test]
fn rules_are_revoked_by_id_all_or_none() {
    let mut stage = Stage::new();
    authorize(&mut stage, "Ingress", &["tcp 1 1 CidrIp=10.0.0.0/8", "tcp 2 2 GroupId=sg-2 Description=b"]);
    authorize(&mut stage, "Egress", &["tcp 3 3 CidrIpv6=::/0"]);
    let revoke = "RevokeSecurityGroupIngress&GroupId=sg-1&SecurityGroupRuleId.1=sgr-2&SecurityGroupRuleId.2=";
    let absent = "400 InvalidSecurityGroupRuleId.NotFound: The security group rule ID";
    assert_eq!(stage.ask(&format!("{revoke}sgr-0")), format!("{absent} 'sgr-0' does not exist"));
    assert_eq!(stage.ask(&format!("{revoke}sgr-3")), format!("{absent} 'sgr-3' does not exist"));
    assert_eq!(
        stage.ask("RevokeSecurityGroupIngress&GroupId=sg-1&SecurityGroupRuleId.1=sgr-2"),
        "<return>true</return><unknownIpPermissionSet></unknownIpPermissionSet><revokedSecurityGroupRuleSet><item>\
         <securityGroupRuleId>sgr-2</securityGroupRuleId><groupId>sg-1</groupId><isEgress>false</isEgress><ipProtocol>\
         tcp</ipProtocol><fromPort>2</fromPort><toPort>2</toPort><referencedGroupId>sg-2</referencedGroupId>\
         <description>b</description></item></revokedSecurityGroupRuleSet>"
    );
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8", "out tcp 3 3 ::/0"]);
}

#[test]
fn rules_are_revoked_by_what_they_allow_all_or_none() {
    let mut stage = Stage::new();
    authorize(&mut stage, "Ingress", &["tcp 1 1 CidrIp=10.0.0.0/8 Description=a", "-1 _ _ GroupId=sg-2"]);
    let revoke = |rules: &[&str]| format!("RevokeSecurityGroupIngress&GroupId=sg-1{}", permissions(rules));
    let same = "6 1 1 CidrIp=10.9.9.9/8 Description=other";
    assert_eq!(
        stage.ask(&revoke(&[same, "tcp 2 2 CidrIp=10.0.0.0/8"])),
        "400 InvalidPermission.NotFound: The specified rule does not exist in this security group."
    );
    assert_eq!(stage.rules("sg-1"), ["in -1 -1 -1 sg-2", "in tcp 1 1 10.0.0.0/8 \"a\""]);
    stage.ask(&revoke(&[same, "-1 _ _ GroupId=sg-2"]));
    assert!(stage.rules("sg-1").is_empty());
}

#[test]
fn in_a_default_vpc_revoke_answers_with_what_is_not_there() {
    let mut stage = Stage::empty();
    let cidr = "172.31.0.0/16".parse::<ipnet::Ipv4Net>().unwrap();
    let vpc = crate::aws::ec2::NewVpc { is_default: true, ..cidr.into() };
    stage.world.create_vpc(&stage.scope.clone(), vpc).unwrap();
    stage.ask("DescribeVpcs");
    stage.add_groups();
    authorize(&mut stage, "Ingress", &["tcp 1 1 CidrIp=10.0.0.0/8"]);
    let rules = permissions(&["tcp 1 1 CidrIp=10.0.0.0/8", "tcp 2 2 CidrIp=10.0.0.0/8"]);
    assert_eq!(
        stage.ask(&format!("RevokeSecurityGroupIngress&GroupId=sg-1{rules}")),
        "<return>true</return><unknownIpPermissionSet><item><ipProtocol>tcp</ipProtocol><fromPort>2</fromPort><toPort>2\
         </toPort><groups></groups><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges><ipv6Ranges>\
         </ipv6Ranges><prefixListIds></prefixListIds></item></unknownIpPermissionSet><revokedSecurityGroupRuleSet>\
         <item><securityGroupRuleId>sgr-3</securityGroupRuleId><groupId>sg-1</groupId><isEgress>false</isEgress>\
         <ipProtocol>tcp</ipProtocol><fromPort>1</fromPort><toPort>1</toPort><cidrIpv4>10.0.0.0/8</cidrIpv4></item>\
         </revokedSecurityGroupRuleSet>"
            .replace("sgr-3", "sgr-1")
    );
    assert!(stage.rules("sg-1").is_empty());
}

#[test]
fn rules_are_modified_in_place_and_keep_their_kind_of_peer() {
    let mut stage = Stage::new();
    authorize(&mut stage, "Ingress", &["tcp 1 1 CidrIp=10.0.0.0/8 Description=a", "tcp 2 2 GroupId=sg-2"]);
    let modify = |fields: &str| {
        let start = "SecurityGroupRule.1.SecurityGroupRule.";
        let fields: String = fields.split(' ').map(|field| format!("&{start}{field}")).collect();
        format!("ModifySecurityGroupRules&GroupId=sg-1&SecurityGroupRule.1.SecurityGroupRuleId=sgr-1{fields}")
    };
    let table = [
        ("IpProtocol=tcp FromPort=1 ToPort=1 CidrIpv6=::/0", "400 InvalidParameterValue"),
        ("IpProtocol=tcp FromPort=1 ToPort=1", "400 InvalidParameterValue"),
        ("IpProtocol=tcp CidrIpv4=10.0.0.0/8", "400 InvalidParameterValue"),
        ("FromPort=1 ToPort=1 CidrIpv4=10.0.0.0/8", "400 MissingParameter"),
    ];
    for (fields, code) in table {
        assert_eq!(stage.ask(&modify(fields)).split_once(':').unwrap().0, code, "{fields}");
    }
    let fields = "IpProtocol=6 FromPort=5 ToPort=6 CidrIpv4=10.1.1.1/16";
    assert_eq!(stage.ask(&modify(fields)), "<return>true</return>");
    assert_eq!(stage.rules("sg-1"), ["in tcp 2 2 sg-2", "in tcp 5 6 10.1.0.0/16 \"a\""]);
    authorize(&mut stage, "Ingress", &["tcp 7 7 CidrIp=10.0.0.0/8"]);
    let clash = "IpProtocol=tcp FromPort=7 ToPort=7 CidrIpv4=10.0.0.0/8";
    assert!(stage.ask(&modify(clash)).starts_with("400 InvalidPermission.Duplicate"));
    stage.ask(&modify(&format!("{fields} Description=b")));
    assert_eq!(stage.rules("sg-1"), ["in tcp 2 2 sg-2", "in tcp 5 6 10.1.0.0/16 \"b\"", "in tcp 7 7 10.0.0.0/8"]);
}

#[test]
fn descriptions_are_updated_by_id_and_by_permission_and_removed_if_left_out() {
    let mut stage = Stage::new();
    authorize(&mut stage, "Ingress", &["tcp 1 1 CidrIp=10.0.0.0/8 Description=a", "tcp 2 2 GroupId=sg-2"]);
    let by_id = "UpdateSecurityGroupRuleDescriptionsIngress&GroupId=sg-1\
                 &SecurityGroupRuleDescription.1.SecurityGroupRuleId=sgr-1\
                 &SecurityGroupRuleDescription.2.SecurityGroupRuleId=sgr-2\
                 &SecurityGroupRuleDescription.2.Description=";
    assert!(stage.ask(&format!("{by_id}it|is")).starts_with("400 InvalidParameterValue"));
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8 \"a\"", "in tcp 2 2 sg-2"]);
    assert_eq!(stage.ask(&format!("{by_id}b")), "<return>true</return>");
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8", "in tcp 2 2 sg-2 \"b\""]);
    let by_permission = |direction: &str, rule: &str| {
        format!("UpdateSecurityGroupRuleDescriptions{direction}&GroupId=sg-1{}", permissions(&[rule]))
    };
    stage.ask(&by_permission("Ingress", "6 1 1 CidrIp=10.0.0.0/8 Description=c"));
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8 \"c\"", "in tcp 2 2 sg-2 \"b\""]);
    let other = stage.ask(&by_permission("Egress", "tcp 1 1 CidrIp=10.0.0.0/8"));
    assert_eq!(other, "400 InvalidPermission.NotFound: The specified rule does not exist in this security group.");
}

#[test]
fn a_change_of_rules_is_recorded_for_the_group() {
    let mut stage = Stage::new();
    let (scope, id) = (stage.scope.clone(), stage.id("sg-1").to_owned());
    stage.world.changed.clear();
    let cidr = super::super::model::Peer::Cidr("10.0.0.0/8".parse().unwrap());
    let rule = super::super::model::RuleTraffic::ingress("tcp", (1, 1), cidr);
    stage.world.authorize(&scope, &id, vec![rule.clone().into()], &Default::default()).unwrap();
    let expected = std::collections::BTreeSet::from([Changed::Group { scope: scope.clone(), id: id.clone() }]);
    assert_eq!(stage.world.changed, expected);
    stage.world.changed.clear();
    stage.world.authorize(&scope, &id, vec![rule.into()], &Default::default()).unwrap_err();
    assert!(stage.world.changed.is_empty());
}
