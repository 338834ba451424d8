use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::aws::testing::{Answer, Form, cloud};

const POLICY: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/iam-policy.json"));

fn specimen() -> Specimen {
    Specimen {
        group: "sg-1".into(),
        ingress: Some("sgr-in".into()),
        egress: Some("sgr-out".into()),
        tag: ("sgbind.dev/cluster/prod".into(), "uid".into()),
    }
}

/// Of one who may do it all.
fn dry(form: &Form) -> Answer {
    match form.get("DryRun") {
        Some(_) => Answer::ec2_error(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
        None => Answer::elb_error("LoadBalancerNotFound"),
    }
}

#[test]
fn they_are_those_of_the_policy() {
    let policy: Value = serde_json::from_str(POLICY).unwrap();
    let actions = policy["Statement"].as_array().unwrap().iter().flat_map(|statement| match &statement["Action"] {
        Value::Array(actions) => actions.clone(),
        action => vec![action.clone()],
    });
    let permitted: BTreeSet<String> = actions.map(|action| action.as_str().unwrap().to_owned()).collect();
    assert_eq!(Permission::all().map(Permission::action).collect::<BTreeSet<_>>(), permitted);
    assert_eq!(Permission::all().count(), permitted.len());
}

/// Each is tried by the call that it permits, and nothing that changes anything is more than a dry run.
#[tokio::test]
async fn each_is_tried_by_one_call_that_changes_nothing() {
    for permission in Permission::all().filter(|permission| *permission != Permission::ReadQuota) {
        let (cloud, seen) = cloud(dry);
        let verdict = cloud.try_permission(permission, Some(&specimen())).await;
        assert!(matches!(verdict, Verdict::Permitted), "{permission:?}: {verdict:?}");
        let form = seen.only();
        assert!(permission.action().ends_with(&format!(":{}", form["Action"])), "{permission:?}: {form:?}");
        let is_dry = form.get("DryRun").is_some_and(|flag| flag == "true");
        assert_eq!(is_dry, !matches!(permission, Permission::ReadElb(_)), "{permission:?}: {form:?}");
    }
}

#[tokio::test]
async fn writes_are_tried_as_the_controller_makes_them() {
    let asked = async |write, specimen: Specimen| {
        let (cloud, seen) = cloud(dry);
        cloud.try_permission(Permission::Write(write), Some(&specimen)).await;
        let mut form = seen.only();
        form.retain(|name, _| name != "Action" && name != "DryRun");
        form.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let bare = || Specimen { ingress: None, egress: None, ..specimen() };
    let traffic = [
        "IpPermissions.1.FromPort=1",
        "IpPermissions.1.IpProtocol=tcp",
        "IpPermissions.1.IpRanges.1.CidrIp=192.0.2.1/32",
        "IpPermissions.1.IpRanges.1.Description=sgbind check",
        "IpPermissions.1.ToPort=1",
    ];
    let tagged = [
        "TagSpecification.1.ResourceType=security-group-rule",
        "TagSpecification.1.Tag.1.Key=sgbind.dev/cluster/prod",
        "TagSpecification.1.Tag.1.Value=uid",
    ];
    let authorized = [&["GroupId=sg-1"][..], &traffic, &tagged].concat();
    assert_eq!(asked(Write::Authorize(Direction::Ingress), specimen()).await, authorized);
    assert_eq!(
        asked(Write::Revoke(Direction::Egress), specimen()).await,
        ["GroupId=sg-1", "SecurityGroupRuleId.1=sgr-out"]
    );
    assert_eq!(asked(Write::Revoke(Direction::Ingress), bare()).await, [&["GroupId=sg-1"][..], &traffic].concat());
    let tag = ["ResourceId.1=sgr-in", "Tag.1.Key=sgbind.dev/cluster/prod", "Tag.1.Value=uid"];
    assert_eq!(asked(Write::Tag, specimen()).await, tag);
    assert_eq!(asked(Write::Untag, specimen()).await, tag);
}

#[tokio::test]
async fn without_a_group_or_a_rule_there_is_nothing_to_try_it_on() {
    let (cloud, seen) = cloud(dry);
    let bare = Specimen { ingress: None, egress: None, ..specimen() };
    for verdict in [
        cloud.try_permission(Permission::Write(Write::Revoke(Direction::Ingress)), None).await,
        cloud.try_permission(Permission::Write(Write::Tag), Some(&bare)).await,
    ] {
        assert!(matches!(verdict, Verdict::Untried), "{verdict:?}");
    }
    assert_eq!(seen.actions(), [""; 0]);
}

#[tokio::test]
async fn what_aws_says_decides() {
    let revoke = Permission::Write(Write::Revoke(Direction::Ingress));
    let health = Permission::ReadElb(ElbRead::TargetHealth);
    let verdict = async |permission, answer: fn(&Form) -> Answer| {
        let (cloud, _) = cloud(answer);
        match cloud.try_permission(permission, Some(&specimen())).await {
            Verdict::Permitted => "permitted".to_owned(),
            Verdict::Untried => "untried".to_owned(),
            Verdict::Denied(error) => format!("denied: {}", error.code().unwrap_or_default()),
            Verdict::Unknown(error) => format!("unknown: {error}"),
        }
    };
    let denied = |_: &Form| Answer::ec2_error(403, "UnauthorizedOperation", "no");
    assert_eq!(verdict(revoke, denied).await, "denied: UnauthorizedOperation");
    assert_eq!(verdict(health, |_| Answer::elb_error("AccessDenied")).await, "denied: AccessDenied");
    assert_eq!(verdict(health, |_| Answer::elb_error("TargetGroupNotFound")).await, "permitted");
    let done = verdict(revoke, |_| Answer::ec2("RevokeSecurityGroupIngress", "<return>true</return>")).await;
    assert!(done.ends_with("the answer has no usable word on the dry run"), "{done}");
    let gone = verdict(revoke, |_| Answer::ec2_error(400, "InvalidGroup.NotFound", "where?")).await;
    assert!(gone.starts_with("unknown: ec2:RevokeSecurityGroupIngress for sg-1"), "{gone}");
    let unknown = verdict(revoke, |_| Answer::ec2_error(400, "InvalidParameterValue", "what?")).await;
    assert!(unknown.starts_with("unknown: ec2:RevokeSecurityGroupIngress for sg-1"), "{unknown}");
}
