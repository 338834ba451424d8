//! Interfaces and instances.

use super::Stage;

const CREATE: &str = "CreateNetworkInterface&SubnetId=subnet-1";

#[test]
fn an_interface_has_groups_addresses_and_prefixes() {
    let mut stage = Stage::new();
    let form = "&SecurityGroupId.1=sg-1&PrivateIpAddresses.1.PrivateIpAddress=10.0.0.11\
                &PrivateIpAddresses.2.PrivateIpAddress=10.0.0.10&PrivateIpAddresses.2.Primary=true\
                &Ipv4Prefix.1.Ipv4Prefix=10.0.0.32/28&Description=web";
    let answer = stage.ask(&format!("{CREATE}{form}"));
    let inner = "<networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>\
                 <availabilityZone>eu-central-1a</availabilityZone><description>web</description><ownerId>123456789012\
                 </ownerId><requesterManaged>false</requesterManaged><status>available</status><interfaceType>interface\
                 </interfaceType><sourceDestCheck>true</sourceDestCheck><groupSet><item><groupId>sg-1</groupId>\
                 <groupName>app</groupName></item></groupSet><privateIpAddress>10.0.0.10</privateIpAddress>\
                 <privateIpAddressesSet><item><privateIpAddress>10.0.0.10</privateIpAddress><primary>true</primary>\
                 </item><item><privateIpAddress>10.0.0.11</privateIpAddress><primary>false</primary></item>\
                 </privateIpAddressesSet><ipv6AddressesSet></ipv6AddressesSet><ipv4PrefixSet><item><ipv4Prefix>\
                 10.0.0.32/28</ipv4Prefix></item></ipv4PrefixSet><ipv6PrefixSet></ipv6PrefixSet><tagSet></tagSet>";
    assert_eq!(answer, format!("<networkInterface>{inner}</networkInterface>"));
    let listed = stage.ask("DescribeNetworkInterfaces&IncludeManagedResources=true&MaxResults=5");
    assert_eq!(listed, format!("<networkInterfaceSet><item>{inner}</item></networkInterfaceSet>"));
}

#[test]
fn an_address_or_prefix_has_one_interface() {
    let mut stage = Stage::new();
    stage.ask(&format!("{CREATE}&PrivateIpAddress=10.0.0.10&Ipv4Prefix.1.Ipv4Prefix=10.0.0.32/28"));
    let table = [
        ("PrivateIpAddress=10.0.0.10", "400 InvalidIPAddress.InUse"),
        ("PrivateIpAddress=10.0.0.33", "400 InvalidIPAddress.InUse"),
        ("Ipv4Prefix.1.Ipv4Prefix=10.0.0.32/28", "400 InvalidIPAddress.InUse"),
        ("Ipv4Prefix.1.Ipv4Prefix=10.0.0.0/28", "400 InvalidIPAddress.InUse"),
        ("Ipv4Prefix.1.Ipv4Prefix=10.0.0.64/27", "400 InvalidParameterValue"),
        ("Ipv4Prefix.1.Ipv4Prefix=10.0.1.0/28", "400 InvalidParameterValue"),
        ("PrivateIpAddress=10.0.0.3", "400 InvalidParameterValue"),
        ("PrivateIpAddress=10.0.0.255", "400 InvalidParameterValue"),
        ("PrivateIpAddress=10.0.1.10", "400 InvalidParameterValue"),
        ("Ipv6Addresses.1.Ipv6Address=2001:db8::9", "400 InvalidParameterValue"),
        ("SecurityGroupId.1=sg-9", "400 InvalidGroup.NotFound"),
        ("Ipv4PrefixCount=1", "400 UnknownParameter"),
    ];
    for (rest, code) in table {
        assert_eq!(stage.ask(&format!("{CREATE}&{rest}")).split_once(':').unwrap().0, code, "{rest}");
    }
    assert_eq!(stage.told("DescribeNetworkInterfaces", "networkInterfaceId"), ["eni-1"]);
}

#[test]
fn addresses_that_are_not_named_are_the_next_free_ones() {
    let mut stage = Stage::empty();
    stage.ask("CreateVpc&CidrBlock=10.0.0.0/16");
    stage.ask("CreateSubnet&VpcId=vpc-1&CidrBlock=10.0.0.0/28");
    stage.ask(&format!("{CREATE}&PrivateIpAddress=10.0.0.5"));
    let mut next = || stage.ask(CREATE);
    let first = next();
    assert!(first.contains("<privateIpAddress>10.0.0.4</privateIpAddress>"), "{first}");
    let second = next();
    assert!(second.contains("<privateIpAddress>10.0.0.6</privateIpAddress>"), "{second}");
    let rest: Vec<String> = (0..9).map(|_| next()).collect();
    assert!(rest[7].contains("<privateIpAddress>10.0.0.14</privateIpAddress>"), "{}", rest[7]);
    let full = "400 InsufficientFreeAddressesInSubnet: There are not enough free addresses in subnet 'subnet-1'";
    assert_eq!(rest[8], full);
}

#[test]
fn an_interface_carries_groups_of_its_vpc_and_not_too_many() {
    let mut stage = Stage::new();
    stage.ask("CreateVpc&CidrBlock=10.0.0.0/16");
    stage.ask("CreateSecurityGroup&VpcId=vpc-2&GroupName=other&GroupDescription=other");
    assert_eq!(
        stage.ask(&format!("{CREATE}&SecurityGroupId.1=sg-3")),
        "400 InvalidParameter: Security group sg-3 and the subnet belong to different networks."
    );
    for name in ["a", "b", "c", "d"] {
        stage.ask(&format!("CreateSecurityGroup&VpcId=vpc-1&GroupName={name}&GroupDescription=x"));
    }
    let groups = ["sg-1", "sg-2", "sg-4", "sg-5", "sg-6", "sg-7"];
    let many: String = groups.iter().enumerate().map(|(at, id)| format!("&SecurityGroupId.{at}={id}")).collect();
    let refused = stage.ask(&format!("{CREATE}{many}"));
    assert!(refused.starts_with("400 SecurityGroupsPerInterfaceLimitExceeded"), "{refused}");
}

#[test]
fn interfaces_are_found_by_what_the_controller_asks_for() {
    let mut stage = Stage::new();
    stage.ask("RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&SubnetId=subnet-1&SecurityGroupId.1=sg-1");
    stage.ask(&format!(
        "{CREATE}&SecurityGroupId.1=sg-1&SecurityGroupId.2=sg-2&PrivateIpAddress=10.0.0.10\
         &PrivateIpAddresses.1.PrivateIpAddress=10.0.0.11"
    ));
    let found = |stage: &mut Stage, name: &str, value: &str| {
        let form = format!(
            "DescribeNetworkInterfaces&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.2.Name={name}\
             &Filter.2.Value.1={value}"
        );
        let mut found = stage.told(&form, "networkInterfaceId");
        found.sort();
        found
    };
    assert_eq!(found(&mut stage, "attachment.instance-id", "i-1"), ["eni-1"]);
    assert_eq!(found(&mut stage, "addresses.private-ip-address", "10.0.0.11"), ["eni-2"]);
    assert_eq!(found(&mut stage, "addresses.private-ip-address", "10.0.0.*"), ["eni-1", "eni-2"]);
    assert_eq!(found(&mut stage, "ipv6-addresses.ipv6-address", "2001:db8::9"), [""; 0]);
    assert_eq!(found(&mut stage, "group-id", "sg-1"), ["eni-1", "eni-2"]);
    assert_eq!(found(&mut stage, "group-id", "sg-2"), ["eni-2"]);
    stage.ask("ModifyNetworkInterfaceAttribute&NetworkInterfaceId=eni-2&SecurityGroupId.1=sg-1");
    assert_eq!(found(&mut stage, "group-id", "sg-2"), [""; 0]);
}

#[test]
fn an_instance_ends_with_its_primary_interface_only() {
    let mut stage = Stage::new();
    stage.ask("RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&SubnetId=subnet-1&SecurityGroupId.1=sg-1");
    stage.ask(CREATE);
    let attach = "AttachNetworkInterface&NetworkInterfaceId=eni-2&InstanceId=i-1&DeviceIndex=";
    assert!(stage.ask(&format!("{attach}0")).starts_with("400 InvalidParameterValue"));
    stage.ask(&format!("{attach}1"));
    assert_eq!(stage.told("DescribeInstances", "deviceIndex"), ["0", "1"]);
    let used = "400 InvalidParameterValue: Network interface 'eni-2' is currently in use.";
    assert_eq!(stage.ask("DeleteNetworkInterface&NetworkInterfaceId=eni-2"), used);
    assert_eq!(
        stage.ask("TerminateInstances&InstanceId.1=i-1"),
        "<instancesSet><item><instanceId>i-1</instanceId><currentState><code>48</code><name>terminated</name>\
         </currentState><previousState><code>16</code><name>running</name></previousState></item></instancesSet>"
    );
    assert_eq!(stage.told("DescribeNetworkInterfaces", "networkInterfaceId"), ["eni-2"]);
    assert_eq!(stage.told("DescribeNetworkInterfaces", "status"), ["available"]);
    assert_eq!(stage.told("DescribeInstances", "name"), ["terminated"]);
    assert!(stage.ask("StartInstances&InstanceId.1=i-1").starts_with("400 IncorrectInstanceState"));
}

#[test]
fn an_instance_is_described_with_its_interfaces() {
    let mut stage = Stage::new();
    let launched =
        stage.ask("RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&SubnetId=subnet-1&SecurityGroupId.1=sg-1");
    let groups = "<groupSet><item><groupId>sg-1</groupId><groupName>app</groupName></item></groupSet>";
    let instance = format!(
        "<item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState><placement>\
         <availabilityZone>eu-central-1a</availabilityZone></placement><vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId>\
         <privateIpAddress>10.0.0.4</privateIpAddress>{groups}<networkInterfaceSet><item><networkInterfaceId>eni-1\
         </networkInterfaceId><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><ownerId>123456789012</ownerId><status>\
         in-use</status><interfaceType>interface</interfaceType><attachment><attachmentId>eni-attach-1</attachmentId>\
         <deviceIndex>0</deviceIndex><status>attached</status></attachment>{groups}<privateIpAddress>10.0.0.4\
         </privateIpAddress><privateIpAddressesSet><item><privateIpAddress>10.0.0.4</privateIpAddress><primary>true\
         </primary></item></privateIpAddressesSet><ipv6AddressesSet></ipv6AddressesSet><ipv4PrefixSet></ipv4PrefixSet>\
         <ipv6PrefixSet></ipv6PrefixSet></item></networkInterfaceSet><tagSet></tagSet></item>"
    );
    let reservation = format!(
        "<reservationId>r-1</reservationId><ownerId>123456789012</ownerId><groupSet></groupSet><instancesSet>{instance}\
         </instancesSet>"
    );
    assert_eq!(launched, reservation);
    let listed = stage.ask("DescribeInstances&InstanceId.1=i-1");
    assert_eq!(listed, format!("<reservationSet><item>{reservation}</item></reservationSet>"));
}

#[test]
fn a_call_that_comes_again_with_its_token_makes_nothing_twice() {
    let mut stage = Stage::new();
    let run = "RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&SubnetId=subnet-1&ClientToken=t";
    let (first, again) = (stage.ask(run), stage.ask(run));
    assert_eq!(first, again);
    assert_eq!(stage.told("DescribeInstances", "instanceId"), ["i-1"]);
    assert!(stage.ask(&format!("{run}&InstanceType=m5.large")).starts_with("400 IdempotentParameterMismatch"));
}
