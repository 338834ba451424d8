//! Tags.

use super::{Stage, permissions};

fn stage() -> Stage {
    let mut stage = Stage::new();
    let rules = permissions(&["tcp 1 1 CidrIp=10.0.0.0/8", "tcp 2 2 CidrIp=10.0.0.0/8"]);
    stage.ask(&format!("AuthorizeSecurityGroupIngress&GroupId=sg-1{rules}"));
    stage
}

const BOTH: &str = "&ResourceId.1=sgr-1&ResourceId.2=sgr-2";

#[test]
fn tags_are_put_on_and_taken_off_where_the_value_is_equal() {
    let mut stage = stage();
    assert_eq!(stage.ask(&format!("CreateTags{BOTH}&Tag.1.Key=k&Tag.1.Value=v")), "<return>true</return>");
    stage.ask("CreateTags&ResourceId.1=sgr-2&Tag.1.Key=k&Tag.1.Value=w&Tag.2.Key=e&Tag.2.Value=");
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8 k=v", "in tcp 2 2 10.0.0.0/8 e= k=w"]);
    assert_eq!(stage.ask(&format!("DeleteTags{BOTH}&Tag.1.Key=k&Tag.1.Value=v")), "<return>true</return>");
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8", "in tcp 2 2 10.0.0.0/8 e= k=w"]);
    stage.ask(&format!("DeleteTags{BOTH}&Tag.1.Key=k&Tag.1.Value="));
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8", "in tcp 2 2 10.0.0.0/8 e= k=w"]);
    stage.ask(&format!("DeleteTags{BOTH}&Tag.1.Key=k"));
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8", "in tcp 2 2 10.0.0.0/8 e="]);
    stage.ask(&format!("DeleteTags{BOTH}"));
    assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8", "in tcp 2 2 10.0.0.0/8"]);
}

#[test]
fn a_refused_call_tags_nothing() {
    let mut stage = stage();
    let table = [
        ("CreateTags&ResourceId.1=sgr-1&ResourceId.2=sgr-9", "Tag.1.Key=k", "400 InvalidSecurityGroupRuleId.NotFound"),
        ("CreateTags&ResourceId.1=sgr-1&ResourceId.2=sg-9", "Tag.1.Key=k", "400 InvalidGroup.NotFound"),
        ("CreateTags&ResourceId.1=sgr-1&ResourceId.2=acl-9", "Tag.1.Key=k", "400 InvalidID"),
        ("CreateTags&ResourceId.1=sgr-1", "Tag.1.Key=k&Tag.2.Key=aws:k", "400 InvalidParameterValue"),
        ("CreateTags&ResourceId.1=sgr-1", "Tag.1.Key=k&Tag.2.Key=k", "400 InvalidParameterValue"),
        ("DeleteTags&ResourceId.1=sgr-1&ResourceId.2=sgr-9", "Tag.1.Key=k", "400 InvalidSecurityGroupRuleId.NotFound"),
        ("DeleteTags&ResourceId.1=sgr-1", "Tag.1.Key=aws:k", "400 InvalidParameterValue"),
    ];
    for (start, rest, code) in table {
        assert_eq!(stage.ask(&format!("{start}&{rest}")).split_once(':').unwrap().0, code, "{start} {rest}");
        assert_eq!(stage.rules("sg-1"), ["in tcp 1 1 10.0.0.0/8", "in tcp 2 2 10.0.0.0/8"], "{start} {rest}");
    }
    let many: String = (1..=51).map(|number| format!("&Tag.{number}.Key=k{number}")).collect();
    assert!(stage.ask(&format!("CreateTags&ResourceId.1=sgr-1{many}")).starts_with("400 TagLimitExceeded"));
}

#[test]
fn what_is_made_can_be_tagged_in_the_same_call() {
    let mut stage = Stage::new();
    let tags = |kind: &str| {
        format!(
            "&TagSpecification.1.ResourceType={kind}&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"
        )
    };
    let create = "CreateSecurityGroup&VpcId=vpc-1&GroupName=x&GroupDescription=x";
    assert_eq!(
        stage.ask(&format!("{create}{}", tags("vpc"))),
        "400 InvalidParameterValue: 'vpc' is not a valid taggable resource type for this operation."
    );
    assert_eq!(
        stage.ask(&format!("{create}&TagSpecification.1.ResourceType=security-group")),
        "400 InvalidParameterValue: Tag specification must have at least one tag"
    );
    assert_eq!(
        stage.ask(&format!("{create}{}", tags("security-group"))),
        "<return>true</return><groupId>sg-3</groupId><securityGroupArn>arn:aws:ec2:eu-central-1:123456789012:\
         security-group/sg-3</securityGroupArn><tagSet><item><key>k</key><value>v</value></item></tagSet>"
    );
    let tagged = "DescribeSecurityGroups&Filter.1.Name=tag:k&Filter.1.Value.1=v";
    assert_eq!(stage.told(tagged, "groupName"), ["x"]);
    stage.ask("DeleteSecurityGroup&GroupId=sg-3");
    assert_eq!(stage.told(tagged, "groupName"), [""; 0], "tags go with what carried them");
}

#[test]
fn everything_with_tags_can_be_tagged() {
    let mut stage = Stage::new();
    stage.ask("RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&SubnetId=subnet-1");
    stage.ask("CreateManagedPrefixList&PrefixListName=ours&MaxEntries=6&AddressFamily=IPv4");
    let table = [
        ("sg-1", "DescribeSecurityGroups", "groupId"),
        ("vpc-1", "DescribeVpcs", "vpcId"),
        ("subnet-1", "DescribeSubnets", "subnetId"),
        ("eni-1", "DescribeNetworkInterfaces", "networkInterfaceId"),
        ("i-1", "DescribeInstances", "instanceId"),
        ("pl-1", "DescribeManagedPrefixLists", "prefixListId"),
    ];
    for (id, action, element) in table {
        stage.ask(&format!("CreateTags&ResourceId.1={id}&Tag.1.Key=of&Tag.1.Value={id}"));
        let found = stage.told(&format!("{action}&Filter.1.Name=tag-key&Filter.1.Value.1=of"), element);
        assert_eq!(found, [id], "{action}");
    }
}
