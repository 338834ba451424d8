//! What is asked for is answered exactly, and what is not known is said to be unknown.

use std::collections::BTreeSet;

use super::*;
use crate::aws::{AwsError, ErrorClass};
use crate::model::{ElbArn, Scope, SecurityGroupId, VpcId};

fn arn(text: &str) -> ElbArn {
    ElbArn::parse(text).unwrap()
}

/// Why it is unknown; for its caller that is no transient trouble, and nothing that AWS said is missing.
fn unknown<T: std::fmt::Debug>(result: Result<T, AwsError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Invalid, "{error}");
    match error {
        AwsError::Unanswered { source: Unanswered::NoFile { file, .. }, .. } => format!("no {file}"),
        AwsError::Unanswered { source: Unanswered::NotIn { file, about, .. }, .. } => {
            format!("{file}: nothing of {}", about.rsplit(':').next().unwrap_or_default())
        }
        other => other.to_string(),
    }
}

#[tokio::test]
async fn load_balancers_and_what_belongs_to_them_are_found() {
    let cloud = cloud(&estate()).await;
    let scope = Scope { account: "123456789012".into(), region: "eu-central-1".into() };
    assert_eq!(cloud.scope(), &scope);
    let by_arn = cloud.load_balancer_by_arn(&arn(BALANCER)).await.unwrap();
    assert_eq!(by_arn, cloud.load_balancer_by_name("shop").await.unwrap());
    assert_eq!(by_arn.unwrap().arn(), &arn(BALANCER));
    assert_eq!(cloud.load_balancer_by_name("other").await.unwrap(), None);
    let listeners = cloud.listeners(&arn(BALANCER)).await.unwrap();
    assert_eq!(listeners.iter().map(|each| each.arn.as_str()).collect::<Vec<_>>(), [LISTENER]);
    let rules = cloud.rules_of_listener(&arn(LISTENER)).await.unwrap();
    assert_eq!(rules.iter().flat_map(|rule| rule.forwards.keys()).collect::<Vec<_>>(), [&arn(TARGETS)]);
    let groups = cloud.target_groups_of(&arn(BALANCER)).await.unwrap();
    assert_eq!(groups.iter().map(|each| &each.arn).collect::<Vec<_>>(), [&arn(TARGETS)]);
    assert_eq!(cloud.target_groups_of(&arn(IDLE)).await.unwrap(), []);
    assert_eq!(cloud.target_group_by_name("other").await.unwrap(), None);
}

#[tokio::test]
async fn what_no_file_says_is_unknown() {
    let mut files = estate();
    let health = json!([{"TargetGroupArn": IDLE, "TargetHealthDescriptions": []}]);
    files.push(("describe-tags", json!({"TagDescriptions": [{"ResourceArn": BALANCER, "Tags": []}]})));
    let lone = cloud(&files).await;
    let told = lone.targets(&arn(TARGETS)).await.unwrap_err().to_string();
    let how = "take it by `sgbind snapshot`, or by `aws elbv2 describe-target-health --target-group-arn ARN` for each, as a \
               list of the outputs with TargetGroupArn beside each";
    assert!(told.ends_with(how), "{told}");
    let told = lone.vpc_cidrs(&"vpc-1".into()).await.unwrap_err().to_string();
    assert!(
        told.ends_with("take it by `sgbind snapshot`, or by `aws ec2 describe-vpcs > describe-vpcs.json`"),
        "{told}"
    );
    assert_eq!(unknown(lone.targets(&arn(TARGETS)).await), "no describe-target-health.json");
    assert_eq!(unknown(lone.group(&"sg-1".into()).await), "no describe-security-groups.json");
    assert_eq!(unknown(lone.rules(&"sg-1".into()).await), "no describe-security-group-rules.json");
    assert_eq!(unknown(lone.vpc_cidrs(&"vpc-1".into()).await), "no describe-vpcs.json");
    // Without its tags it is not known whether `idle` is meant.
    let tagged = lone.load_balancers_tagged(&[("app".to_owned(), "shop".to_owned())].into()).await;
    assert_eq!(unknown(tagged), "describe-tags.json: nothing of loadbalancer/app/idle/50dc6c495c0c9189");

    files.push(("describe-target-health", health));
    let other = cloud(&files).await;
    let of_targets = "describe-target-health.json: nothing of targetgroup/app/73e2d6bc24d8a067";
    assert_eq!(unknown(other.targets(&arn(TARGETS)).await), of_targets);
    assert_eq!(other.targets(&arn(IDLE)).await.unwrap(), [], "asked, and none registered");
}

#[tokio::test]
async fn that_there_is_nothing_is_not_believed_where_another_file_says_otherwise() {
    let mut files = estate();
    files[1].1 = json!({"Listeners": []});
    files[2].1 = json!({"Rules": []});
    let group = |id: &str, permissions: Value| json!({"GroupId": id, "GroupName": id, "OwnerId": "123456789012", "VpcId": "vpc-1", "IpPermissions": permissions});
    let open = json!([{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    let groups = json!({"SecurityGroups": [group("sg-1", open), group("sg-2", json!([]))]});
    files.push(("describe-security-groups", groups));
    files.push(("describe-security-group-rules", json!({"SecurityGroupRules": []})));
    let forwards_to_unknown = {
        let mut files = estate();
        files[3].1 = json!({"TargetGroups": []});
        cloud(&files).await.target_groups_of(&arn(BALANCER)).await
    };
    assert_eq!(
        unknown(forwards_to_unknown),
        "describe-target-groups.json: nothing of targetgroup/app/73e2d6bc24d8a067"
    );
    let cloud = cloud(&files).await;
    let nothing = "describe-listeners.json: nothing of loadbalancer/app/shop/50dc6c495c0c9188";
    assert_eq!(unknown(cloud.listeners(&arn(BALANCER)).await), nothing);
    assert_eq!(cloud.listeners(&arn(IDLE)).await.unwrap(), []);
    let nothing = "describe-rules.json: nothing of listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2";
    assert_eq!(unknown(cloud.rules_of_listener(&arn(LISTENER)).await), nothing);
    assert_eq!(unknown(cloud.rules(&"sg-1".into()).await), "describe-security-group-rules.json: nothing of sg-1");
    assert_eq!(cloud.rules(&"sg-2".into()).await.unwrap(), Default::default());
}

fn named(id: &str, vpc: &str, tags: &[(&str, &str)]) -> Value {
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    json!({"GroupId": id, "GroupName": format!("name-{id}"), "VpcId": vpc, "OwnerId": "123456789012", "Tags": tags})
}

#[tokio::test]
async fn filters_select_by_each_of_their_values_and_all_together() {
    let all = [
        named("sg-1", "vpc-1", &[("app", "shop"), ("tier", "web")]),
        named("sg-2", "vpc-1", &[("app", "shop")]),
        named("sg-3", "vpc-2", &[("app", "shop"), ("tier", "web")]),
        named("sg-4", "vpc-1", &[("tier", "shop"), ("app", "web")]),
    ];
    let mut files = estate();
    // Two calls' outputs; the second says again what the first does.
    let pages = json!([
        {"SecurityGroups": [all[0], all[1]], "NextToken": "more"}, {"SecurityGroups": [all[1], all[2], all[3]]}
    ]);
    files.push(("describe-security-groups", pages));
    let cloud = cloud(&files).await;
    let ids = |found: Vec<crate::aws::SecurityGroup>| -> Vec<String> {
        found.iter().map(|group| group.key.id.to_string()).collect()
    };
    let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let vpc = VpcId::from("vpc-1");
    assert_eq!(ids(cloud.groups_tagged(&vpc, &tags(&[("app", "shop")])).await.unwrap()), ["sg-1", "sg-2"]);
    assert_eq!(ids(cloud.groups_tagged(&vpc, &tags(&[("app", "shop"), ("tier", "web")])).await.unwrap()), ["sg-1"]);
    assert_eq!(ids(cloud.groups_named(&vpc, "name-sg-2").await.unwrap()), ["sg-2"]);
    assert_eq!(ids(cloud.groups_named(&vpc, "name-sg-3").await.unwrap()), [""; 0]);
    assert!(cloud.group(&"sg-3".into()).await.unwrap().is_some());
    assert_eq!(cloud.group(&"sg-9".into()).await.unwrap(), None);
}

#[tokio::test]
async fn interfaces_are_found_by_any_address_instance_and_group() {
    let interface = |id: &str, address: &str, instance: &str, group: &str| {
        json!({
            "NetworkInterfaceId": id, "VpcId": "vpc-1", "Groups": [{"GroupId": group}, {"GroupId": "sg-0"}],
            "PrivateIpAddresses": [{"PrivateIpAddress": address}, {"PrivateIpAddress": format!("{address}9")}],
            "Attachment": {"InstanceId": instance, "DeviceIndex": 0}, "OwnerId": "123456789012",
        })
    };
    let mut files = estate();
    let interfaces = [interface("eni-1", "10.0.0.1", "i-1", "sg-1"), interface("eni-2", "10.0.0.2", "i-2", "sg-2")];
    files.push(("describe-network-interfaces", json!({"NetworkInterfaces": interfaces})));
    let cloud = cloud(&files).await;
    let ids = |found: Result<Vec<crate::aws::Interface>, AwsError>| -> Vec<String> {
        found.unwrap().into_iter().map(|interface| interface.id).collect()
    };
    let vpc = VpcId::from("vpc-1");
    assert_eq!(ids(cloud.interfaces_of_addresses(&vpc, &["10.0.0.29".parse().unwrap()].into()).await), ["eni-2"]);
    assert_eq!(ids(cloud.interfaces_of_instances(&vpc, &["i-1".into()].into()).await), ["eni-1"]);
    assert_eq!(ids(cloud.interfaces_of_instances(&"vpc-2".into(), &["i-1".into()].into()).await), [""; 0]);
    assert_eq!(ids(cloud.interfaces_with_group(&"sg-0".into()).await), ["eni-1", "eni-2"]);
}

#[tokio::test]
async fn a_request_that_is_not_understood_is_not_answered() {
    let config = Snapshot::read(folder(&estate()).path()).unwrap().config(None).unwrap();
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let filter = aws_sdk_ec2::types::Filter::builder().name("ip-permission.cidr").values("0.0.0.0/0").build();
    let error = |text: String| text.split("Unanswered").next().unwrap_or_default().to_owned();
    let asked = ec2.describe_security_groups().filters(filter).send().await.unwrap_err();
    let shown = error(format!("{}", aws_sdk_ec2::error::DisplayErrorContext(asked)));
    assert!(
        shown.contains("a snapshot can't answer DescribeSecurityGroups with the filter ip-permission.cidr"),
        "{shown}"
    );
    let asked = ec2.create_security_group().group_name("a").description("b").send().await.unwrap_err();
    let shown = error(format!("{}", aws_sdk_ec2::error::DisplayErrorContext(asked)));
    assert!(shown.contains("a snapshot can't answer CreateSecurityGroup"), "{shown}");
    let elsewhere = config.to_builder().region(aws_config::Region::new("eu-west-1")).build();
    let asked = aws_sdk_ec2::Client::new(&elsewhere).describe_vpcs().send().await.unwrap_err();
    let shown = error(format!("{}", aws_sdk_ec2::error::DisplayErrorContext(asked)));
    assert!(shown.contains("is of eu-central-1, and says nothing of eu-west-1"), "{shown}");
}

#[tokio::test]
async fn without_the_file_of_rules_they_come_from_the_groups_and_have_no_ids() {
    let permission = json!({
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 444, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "net"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}], "PrefixListIds": [{"PrefixListId": "pl-1"}],
        "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": "210987654321", "Description": "peer"}, {"GroupId": "sg-3"}],
    });
    let mut group = named("sg-1", "vpc-1", &[]);
    group["IpPermissions"] = json!([permission]);
    group["IpPermissionsEgress"] = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    let mut files = estate();
    files.push(("describe-security-groups", json!({"SecurityGroups": [group]})));
    let cloud = cloud(&files).await;
    let read = cloud.rules(&"sg-1".into()).await.unwrap();
    assert_eq!(read.unreadable, Default::default());
    let shown: Vec<String> = read
        .rules
        .iter()
        .map(|rule| {
            let account = rule.peer_account.as_ref().map(|account| format!(" of {account}")).unwrap_or_default();
            assert!(has_no_id(&rule.id), "{}", rule.id);
            assert!(rule.tags.is_empty());
            format!("{}{account} {:?}", rule.spec, rule.description)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "ingress tcp 443-444 from 10.0.0.0/8 \"net\"",
            "ingress tcp 443-444 from ::/0 \"\"",
            "ingress tcp 443-444 from pl-1 \"\"",
            "ingress tcp 443-444 from sg-2 of 210987654321 \"peer\"",
            "ingress tcp 443-444 from sg-3 \"\"",
            "egress all to 0.0.0.0/0 \"\"",
        ]
    );
    let ids: BTreeSet<&str> = read.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids.len(), 6, "{ids:?}");
    assert!(ids.contains("no-id:sg-1/ingress/tcp/443-444/10.0.0.0/8"), "{ids:?}");
    let tagged = cloud.groups_with_rules_tagged("sgbind.dev/cluster/a", &["x".to_owned()].into()).await.unwrap();
    assert_eq!(tagged, BTreeSet::<SecurityGroupId>::new());
}
