//! Who may call, what is tried only, and what is not known.

use std::time::Duration;

use super::{Stage, permissions};

fn authorize() -> String {
    format!("AuthorizeSecurityGroupIngress&GroupId=sg-1{}", permissions(&["tcp 1 1 CidrIp=10.0.0.0/8"]))
}

#[test]
fn a_dry_run_says_that_it_would_have_worked_and_does_nothing() {
    let mut stage = Stage::new();
    let dry = "412 DryRunOperation: Request would have succeeded, but DryRun flag is set.";
    let calls = [
        authorize(),
        "RevokeSecurityGroupIngress&GroupId=sg-1&SecurityGroupRuleId.1=sgr-9".into(),
        "ModifySecurityGroupRules&GroupId=sg-1".into(),
        "UpdateSecurityGroupRuleDescriptionsEgress&GroupId=sg-1".into(),
        "CreateTags&ResourceId.1=sg-1&Tag.1.Key=k".into(),
        "DeleteTags&ResourceId.1=sg-1".into(),
        "DescribeSecurityGroups".into(),
        "DescribeSecurityGroupRules".into(),
    ];
    for call in calls {
        assert_eq!(stage.ask(&format!("{call}&DryRun=true")), dry, "{call}");
    }
    assert!(stage.rules("sg-1").is_empty());
}

#[test]
fn what_is_denied_is_denied_in_dry_runs_too_until_it_is_allowed() {
    let mut stage = Stage::new();
    stage.world.deny("123456789012", "AuthorizeSecurityGroupIngress");
    let denied = "403 UnauthorizedOperation: You are not authorized to perform this operation. User: \
                  arn:aws:iam::123456789012:user/simulated is not authorized to perform: \
                  ec2:AuthorizeSecurityGroupIngress because no identity-based policy allows the \
                  ec2:AuthorizeSecurityGroupIngress action";
    assert_eq!(stage.ask(&authorize()), denied);
    assert_eq!(stage.ask(&format!("{}&DryRun=true", authorize())), denied);
    assert!(stage.rules("sg-1").is_empty());
    stage.world.allow("123456789012", "AuthorizeSecurityGroupIngress");
    stage.ask(&authorize());
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8"]);
}

#[test]
fn to_tag_what_is_made_needs_the_permission_to_tag() {
    let mut stage = Stage::new();
    stage.world.deny("123456789012", "CreateTags");
    let tags = "&TagSpecification.1.ResourceType=security-group-rule&TagSpecification.1.Tag.1.Key=k";
    let answer = stage.ask(&format!("{}{tags}", authorize()));
    assert!(answer.contains("not authorized to perform: ec2:CreateTags "), "{answer}");
    assert!(stage.rules("sg-1").is_empty());
    stage.ask(&authorize());
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8"]);
}

#[test]
fn elbv2_denies_in_its_own_way() {
    let mut stage = Stage::new();
    stage.world.deny("123456789012", "DescribeListeners");
    let call = crate::aws::Call::read(b"Action=DescribeListeners&Version=2015-12-01", stage.scope.clone());
    let answer = stage.world.answer(&call, Duration::ZERO);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: \
             arn:aws:iam::123456789012:user/simulated is not authorized to perform: \
             elasticloadbalancing:DescribeListeners because no identity-based policy allows the \
             elasticloadbalancing:DescribeListeners action</Message></Error><RequestId>simulated</RequestId>\
             </ErrorResponse>"
        )
    );
}

#[test]
fn calls_are_throttled_in_virtual_time_where_that_is_set() {
    let mut stage = Stage::new();
    let tag = "CreateTags&ResourceId.1=sg-1&Tag.1.Key=k";
    let passed = |stage: &mut Stage| (0..60).filter(|_| stage.ask(tag) == "<return>true</return>").count();
    assert_eq!(passed(&mut stage), 60);
    stage.world.dials.throttling = true;
    assert_eq!(passed(&mut stage), 50);
    assert_eq!(stage.ask(tag), "503 RequestLimitExceeded: Request limit exceeded.");
    stage.now += Duration::from_secs(2);
    assert_eq!(passed(&mut stage), 10);
}

#[test]
fn unknown_actions_and_parameters_are_refused_by_name() {
    let mut stage = Stage::new();
    assert_eq!(
        [stage.ask("DescribeKeyPairs"), stage.ask("DescribeVpcs&Colour.1.Of=x")],
        [
            "400 InvalidAction: The action DescribeKeyPairs is not simulated",
            "400 UnknownParameter: The parameter Colour.1.Of of DescribeVpcs is not recognized, or not simulated",
        ]
    );
}

#[test]
fn accounts_and_regions_have_nothing_in_common() {
    let mut stage = Stage::new();
    for (account, region) in [("123456789012", "us-east-1"), ("444455556666", "eu-central-1")] {
        let scope = crate::aws::Scope { account: account.into(), region: region.into() };
        assert_eq!(stage.ask_in(&scope, "DescribeSecurityGroups"), "<securityGroupInfo></securityGroupInfo>");
    }
    assert_eq!(stage.told("DescribeSecurityGroups", "vpcId").len(), 3);
}
