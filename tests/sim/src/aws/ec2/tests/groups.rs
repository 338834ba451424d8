//! Security groups come and go.

use super::{Stage, permissions};

#[test]
fn a_new_group_lets_everything_out() {
    let mut stage = Stage::empty();
    stage.ask("CreateVpc&CidrBlock=10.0.0.0/16");
    stage.ask("CreateVpc&CidrBlock=10.1.0.0/16&AmazonProvidedIpv6CidrBlock=true");
    stage.ask("CreateSecurityGroup&VpcId=vpc-1&GroupName=a&GroupDescription=a");
    stage.ask("CreateSecurityGroup&VpcId=vpc-2&GroupName=a&GroupDescription=a");
    assert_eq!(stage.rules("sg-1"), ["out -1 -1 -1 0.0.0.0/0"]);
    assert_eq!(stage.rules("sg-2"), ["out -1 -1 -1 0.0.0.0/0", "out -1 -1 -1 ::/0"]);
}

#[test]
fn a_vpc_has_a_default_group_that_takes_from_itself_and_stays() {
    let mut stage = Stage::empty();
    stage.ask("CreateVpc&CidrBlock=10.0.0.0/16");
    let arn = "arn:aws:ec2:eu-central-1:123456789012:security-group/sg-1";
    let unlisted = "<ipRanges></ipRanges><ipv6Ranges></ipv6Ranges><prefixListIds></prefixListIds>";
    assert_eq!(
        stage.ask("DescribeSecurityGroups&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1"),
        format!(
            "<securityGroupInfo><item><ownerId>123456789012</ownerId><groupId>sg-1</groupId><groupName>default\
             </groupName><groupDescription>default VPC security group</groupDescription><vpcId>vpc-1</vpcId>\
             <securityGroupArn>{arn}</securityGroupArn><ipPermissions><item><ipProtocol>-1</ipProtocol><groups><item>\
             <userId>123456789012</userId><groupId>sg-1</groupId></item></groups>{unlisted}</item></ipPermissions>\
             <ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><groups></groups><ipRanges><item><cidrIp>0.0.0.0/0\
             </cidrIp></item></ipRanges><ipv6Ranges></ipv6Ranges><prefixListIds></prefixListIds></item>\
             </ipPermissionsEgress><tagSet></tagSet></item></securityGroupInfo>"
        )
    );
    assert_eq!(
        stage.ask("DeleteSecurityGroup&GroupId=sg-1"),
        "400 CannotDelete: the specified group: \"sg-1\" name: \"default\" cannot be deleted by a user"
    );
}

#[test]
fn names_and_descriptions_are_checked() {
    let mut stage = Stage::new();
    let create = |rest: &str| format!("CreateSecurityGroup&VpcId=vpc-1&{rest}");
    let table = [
        ("GroupName=app&GroupDescription=x", "400 InvalidGroup.Duplicate"),
        ("GroupName=default&GroupDescription=x", "400 InvalidGroup.Reserved"),
        ("GroupName=sg-app&GroupDescription=x", "400 InvalidParameterValue"),
        ("GroupName=a|b&GroupDescription=x", "400 InvalidParameterValue"),
        ("GroupName=a&GroupDescription=it's", "400 InvalidParameterValue"),
        ("GroupName=a", "400 MissingParameter"),
        ("GroupName=a&GroupDescription=x&VpcId=vpc-9", "400 InvalidVpcID.NotFound"),
    ];
    for (rest, code) in table {
        assert_eq!(stage.ask(&create(rest)).split_once(':').unwrap().0, code, "{rest}");
    }
    let without = stage.ask("CreateSecurityGroup&GroupName=a&GroupDescription=x");
    assert_eq!(without, "400 VPCIdNotSpecified: No default VPC for this user.");
}

#[test]
fn a_group_that_is_used_stays() {
    let mut stage = Stage::new();
    let delete = "DeleteSecurityGroup&GroupId=sg-1";
    stage.ask(&format!("AuthorizeSecurityGroupIngress&GroupId=sg-2{}", permissions(&["tcp 1 1 GroupId=sg-1"])));
    assert_eq!(stage.ask(delete), "400 DependencyViolation: resource sg-1 has a dependent object");
    stage.ask("RevokeSecurityGroupIngress&GroupId=sg-2&SecurityGroupRuleId.1=sgr-1");
    stage.ask("CreateNetworkInterface&SubnetId=subnet-1&SecurityGroupId.1=sg-1");
    assert_eq!(stage.ask(delete), "400 DependencyViolation: resource sg-1 has a dependent object");
    stage.ask("ModifyNetworkInterfaceAttribute&NetworkInterfaceId=eni-1&SecurityGroupId.1=sg-2");
    stage.ask(&format!("AuthorizeSecurityGroupIngress&GroupId=sg-1{}", permissions(&["tcp 1 1 GroupId=sg-1"])));
    assert_eq!(stage.ask(delete), "<return>true</return><groupId>sg-1</groupId>");
    assert_eq!(stage.ask(delete), "400 InvalidGroup.NotFound: The security group 'sg-1' does not exist");
    assert_eq!(stage.told("DescribeSecurityGroups", "groupName"), ["alb", "default"].map(str::to_owned));
}

#[test]
fn permissions_are_joined_by_protocol_and_ports() {
    let mut stage = Stage::new();
    let rules =
        permissions(&["tcp 1 2 CidrIp=10.0.0.0/8 Description=a", "tcp 1 2 GroupId=sg-2", "1 _ _ CidrIp=0.0.0.0/0"]);
    stage.ask(&format!("AuthorizeSecurityGroupIngress&GroupId=sg-1{rules}"));
    let empty = "<ipv6Ranges></ipv6Ranges><prefixListIds></prefixListIds>";
    assert_eq!(
        stage.told("DescribeSecurityGroups&GroupId.1=sg-1", "ipPermissions"),
        [format!(
            "<item><ipProtocol>icmp</ipProtocol><fromPort>-1</fromPort><toPort>-1</toPort><groups></groups><ipRanges>\
             <item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>{empty}</item><item><ipProtocol>tcp</ipProtocol>\
             <fromPort>1</fromPort><toPort>2</toPort><groups><item><userId>123456789012</userId><groupId>sg-2</groupId>\
             </item></groups><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp><description>a</description></item></ipRanges>\
             {empty}</item>"
        )]
    );
}
