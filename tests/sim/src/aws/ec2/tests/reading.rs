//! Filters, pages, and reads that lag.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Stage, permissions};

/// Names of the groups that match these filters.
fn matching(stage: &mut Stage, filters: &[(&str, &[&str])]) -> Vec<String> {
    let mut form = "DescribeSecurityGroups".to_owned();
    for (number, (name, values)) in filters.iter().enumerate() {
        form += &format!("&Filter.{}.Name={name}", number + 1);
        for (at, value) in values.iter().enumerate() {
            form += &format!("&Filter.{}.Value.{}={value}", number + 1, at + 1);
        }
    }
    let mut names = stage.told(&form, "groupName");
    names.sort();
    names
}

#[test]
fn filters_must_all_match_each_by_one_of_its_values() {
    let mut stage = Stage::new();
    stage.ask("CreateTags&ResourceId.1=sg-1&Tag.1.Key=team&Tag.1.Value=shop");
    stage.ask(&format!("AuthorizeSecurityGroupIngress&GroupId=sg-2{}", permissions(&["tcp 1 1 CidrIp=10.0.0.0/8"])));
    type Table<'a> = [(&'a [(&'a str, &'a [&'a str])], &'a [&'a str])];
    let table: &Table<'_> = &[
        (&[("vpc-id", &["vpc-1"])], &["alb", "app", "default"]),
        (&[("group-name", &["app", "alb"])], &["alb", "app"]),
        (&[("group-name", &["app", "alb"]), ("group-id", &["sg-1"])], &["app"]),
        (&[("group-id", &["sg-2", "sg-9"])], &["alb"]),
        (&[("group-name", &["a*"])], &["alb", "app"]),
        (&[("group-name", &["a?p"])], &["app"]),
        (&[("group-name", &["*a*b"])], &["alb"]),
        (&[("group-name", &["ap"])], &[]),
        (&[("group-name", &["A*"])], &[]),
        (&[("group-name", &["a%5C*"])], &[]),
        (&[("group-name", &["a.p"])], &[]),
        (&[("group-id", &["sg-*"])], &["alb", "app", "default"]),
        (&[("tag:team", &["s*"])], &["app"]),
        (&[("tag:team", &["x"])], &[]),
        (&[("tag-key", &["team"])], &["app"]),
        (&[("ip-permission.cidr", &["10.0.0.0/8"])], &["alb"]),
    ];
    for (filters, names) in table {
        assert_eq!(matching(&mut stage, filters), *names, "{filters:?}");
    }
}

#[test]
fn a_backslash_takes_a_wildcards_meaning_away() {
    let mut stage = Stage::new();
    for name in ["x*", "xy"] {
        stage.ask(&format!("CreateSecurityGroup&VpcId=vpc-1&GroupName={name}&GroupDescription=x"));
    }
    assert_eq!(matching(&mut stage, &[("group-name", &["x*"])]), ["x*", "xy"]);
    assert_eq!(matching(&mut stage, &[("group-name", &["x%5C*"])]), ["x*"]);
}

#[test]
fn filters_that_make_no_sense_are_refused() {
    let mut stage = Stage::new();
    let values = |count: usize| (1..=count).map(|at| format!("&Filter.1.Value.{at}=sg-{at}")).collect::<String>();
    let filter = |name: &str, count: usize| format!("DescribeSecurityGroupRules&Filter.1.Name={name}{}", values(count));
    assert_eq!(stage.ask(&filter("group-id", 200)), "<securityGroupRuleSet></securityGroupRuleSet>");
    assert_eq!(
        [stage.ask(&filter("group-id", 201)), stage.ask(&filter("colour", 1)), stage.ask(&filter("group-id", 0))],
        [
            "400 FilterLimitExceeded: The maximum number of filter values was exceeded",
            "400 InvalidParameterValue: The filter 'colour' is invalid, or not simulated",
            "400 InvalidParameterValue: The filter 'group-id' has no values",
        ]
    );
}

#[test]
fn ids_that_are_not_there_are_no_error_in_filters_but_are_as_parameters() {
    let mut stage = Stage::new();
    assert_eq!(
        [stage.ask("DescribeSecurityGroups&GroupId.1=sg-1&GroupId.2=sg-9"), stage.ask("DescribeVpcs&VpcId.1=vpc-9")],
        [
            "400 InvalidGroup.NotFound: The security group 'sg-9' does not exist",
            "400 InvalidVpcID.NotFound: The vpc ID 'vpc-9' does not exist",
        ]
    );
    assert_eq!(
        stage.ask("DescribeSecurityGroupRules&SecurityGroupRuleId.1=sgr-9"),
        "400 InvalidSecurityGroupRuleId.NotFound: The security group rule ID 'sgr-9' does not exist"
    );
}

/// Thirteen rules in two groups.
fn thirteen() -> Stage {
    let mut stage = Stage::new();
    let rules = |from: u16, to: u16| {
        let all: Vec<String> = (from..to).map(|port| format!("tcp {port} {port} CidrIp=10.0.0.0/8")).collect();
        permissions(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    stage.ask(&format!("AuthorizeSecurityGroupIngress&GroupId=sg-1{}", rules(0, 6)));
    stage.ask(&format!("AuthorizeSecurityGroupEgress&GroupId=sg-2{}", rules(6, 13)));
    stage
}

/// The ports on a page, and the token of the next.
fn page(stage: &mut Stage, token: Option<&str>) -> (BTreeSet<String>, Option<String>) {
    let token = token.map(|token| format!("&NextToken={token}")).unwrap_or_default();
    let form = format!(
        "DescribeSecurityGroupRules&MaxResults=5{token}&Filter.1.Name=group-id\
                        &Filter.1.Value.1=sg-1&Filter.1.Value.2=sg-2"
    );
    let answer = stage.ask(&form);
    let next = answer.split_once("<nextToken>").and_then(|(_, rest)| rest.split_once('<')).map(|(it, _)| it.to_owned());
    let ports = answer.split("<fromPort>").skip(1).filter_map(|rest| Some(rest.split_once('<')?.0.to_owned()));
    (ports.collect(), next)
}

#[test]
fn pages_are_disjoint_and_together_whole_although_rules_come_and_go() {
    let mut stage = thirteen();
    let (first, next) = page(&mut stage, None);
    stage.now += Duration::from_secs(1);
    stage.ask(&format!("AuthorizeSecurityGroupIngress&GroupId=sg-1{}", permissions(&["tcp 99 99 CidrIp=10.0.0.0/8"])));
    let ids: String = (1..=6).map(|at| format!("&SecurityGroupRuleId.{at}=sgr-{at}")).collect();
    stage.ask(&format!("RevokeSecurityGroupIngress&GroupId=sg-1{ids}"));
    let (second, next) = page(&mut stage, next.as_deref());
    let (third, next) = page(&mut stage, next.as_deref());
    assert_eq!((first.len(), second.len(), third.len(), next), (5, 5, 3, None));
    let all: BTreeSet<String> = [first, second, third].into_iter().flatten().collect();
    assert_eq!(all, (0..13).map(|port| port.to_string()).collect());
}

#[test]
fn a_token_is_of_one_call_and_expires() {
    let mut stage = thirteen();
    let next = page(&mut stage, None).1.unwrap();
    let refused =
        |token: &str| format!("400 InvalidPaginationToken: The pagination token '{token}' is invalid or has expired");
    assert_eq!(stage.ask(&format!("DescribeSecurityGroups&NextToken={next}")), refused(&next));
    assert_eq!(stage.ask("DescribeSecurityGroupRules&NextToken=zz"), refused("zz"));
    stage.now += Duration::from_secs(601);
    assert_eq!(stage.ask(&format!("DescribeSecurityGroupRules&NextToken={next}")), refused(&next));
    let small = "DescribeSecurityGroupRules&MaxResults=";
    let range = "is invalid. Expecting a value between 5 and 1000.";
    for size in [4, 1001] {
        let expected = format!("400 InvalidParameterValue: Value ( {size} ) for parameter maxResults {range}");
        assert_eq!(stage.ask(&format!("{small}{size}")), expected);
    }
}

#[test]
fn reads_lag_at_most_as_far_as_is_set_and_writes_never() {
    let mut stage = thirteen();
    stage.now += Duration::from_secs(100);
    stage.world.dials.lag = Duration::from_secs(10);
    stage.ask("DeleteTags&ResourceId.1=sg-1");
    let ids: String = (1..=6).map(|at| format!("&SecurityGroupRuleId.{at}=sgr-{at}")).collect();
    stage.ask(&format!("RevokeSecurityGroupIngress&GroupId=sg-1{ids}"));
    let again = stage.ask(&format!("RevokeSecurityGroupIngress&GroupId=sg-1{ids}"));
    assert!(again.starts_with("400 InvalidSecurityGroupRuleId.NotFound"), "{again}");
    let seen = |stage: &mut Stage| {
        let rules = "DescribeSecurityGroupRules&Filter.1.Name=group-id&Filter.1.Value.1=sg-1";
        (0..40).map(|_| stage.told(rules, "fromPort").len()).collect::<BTreeSet<_>>()
    };
    assert_eq!(seen(&mut stage), BTreeSet::from([6]), "nobody can know yet");
    stage.now += Duration::from_secs(5);
    assert_eq!(seen(&mut stage), BTreeSet::from([0, 6]), "each read lags for itself");
    stage.now += Duration::from_secs(5);
    assert_eq!(seen(&mut stage), BTreeSet::from([0]), "all must know");
}

#[test]
fn a_new_group_and_interface_may_not_be_seen_yet() {
    let mut stage = Stage::new();
    stage.now += Duration::from_secs(1);
    stage.world.dials.lag = Duration::from_nanos(1);
    stage.ask("CreateSecurityGroup&VpcId=vpc-1&GroupName=new&GroupDescription=new");
    stage.ask("CreateNetworkInterface&SubnetId=subnet-1&SecurityGroupId.1=sg-3");
    let read = |stage: &mut Stage| {
        let group = stage.ask("DescribeSecurityGroups&GroupId.1=sg-3").starts_with('<');
        (group, stage.told("DescribeNetworkInterfaces", "subnetId").len())
    };
    let reads: BTreeSet<(bool, usize)> = (0..40).map(|_| read(&mut stage)).collect();
    assert_eq!(reads, BTreeSet::from([(false, 0), (false, 1), (true, 0), (true, 1)]));
    let made = stage.ask("CreateTags&ResourceId.1=sg-3&Tag.1.Key=k");
    assert_eq!(made, "<return>true</return>");
}
