//! VPCs, subnets, network ACLs, routes and prefix lists.

use super::Stage;

#[test]
fn a_vpc_has_all_that_it_is_made_with() {
    let mut stage = Stage::empty();
    let answer = stage.ask("CreateVpc&CidrBlock=10.0.0.5/16");
    let vpc = "<vpcId>vpc-1</vpcId><ownerId>123456789012</ownerId><state>available</state><cidrBlock>10.0.0.0/16\
               </cidrBlock><instanceTenancy>default</instanceTenancy><isDefault>false</isDefault>\
               <cidrBlockAssociationSet><item><associationId>";
    let behind = "</associationId><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockState><state>associated</state>\
                  </cidrBlockState></item></cidrBlockAssociationSet><ipv6CidrBlockAssociationSet>\
                  </ipv6CidrBlockAssociationSet><tagSet></tagSet>";
    assert!(answer.starts_with(&format!("<vpc>{vpc}")) && answer.ends_with(&format!("{behind}</vpc>")), "{answer}");
    let listed = stage.ask("DescribeVpcs&VpcId.1=vpc-1");
    assert_eq!(listed, answer.replace("<vpc>", "<vpcSet><item>").replace("</vpc>", "</item></vpcSet>"));
    assert_eq!(stage.told("DescribeSecurityGroups", "groupName"), ["default"]);
    assert_eq!(
        stage.ask("DescribeRouteTables&Filter.1.Name=association.main&Filter.1.Value.1=true"),
        "<routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><ownerId>123456789012</ownerId>\
         <routeSet><item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><state>\
         active</state><origin>CreateRouteTable</origin></item></routeSet><associationSet><item>\
         <routeTableAssociationId>rtbassoc-1</routeTableAssociationId><routeTableId>rtb-1</routeTableId><main>true\
         </main><associationState><state>associated</state></associationState></item></associationSet>\
         <propagatingVgwSet></propagatingVgwSet><tagSet></tagSet></item></routeTableSet>"
    );
    let entry = |number: u32, action: &str, egress: bool| {
        format!(
            "<item><ruleNumber>{number}</ruleNumber><protocol>-1</protocol><ruleAction>{action}</ruleAction><egress>\
             {egress}</egress><cidrBlock>0.0.0.0/0</cidrBlock></item>"
        )
    };
    let entries = [false, true].map(|egress| entry(100, "allow", egress) + &entry(32767, "deny", egress)).concat();
    assert_eq!(
        stage.ask("DescribeNetworkAcls"),
        format!(
            "<networkAclSet><item><networkAclId>acl-1</networkAclId><vpcId>vpc-1</vpcId><ownerId>123456789012</ownerId>\
             <default>true</default><entrySet>{entries}</entrySet><associationSet></associationSet><tagSet></tagSet>\
             </item></networkAclSet>"
        )
    );
}

#[test]
fn with_ipv6_a_vpc_has_a_block_of_amazons() {
    let mut stage = Stage::empty();
    let block =
        stage.told("CreateVpc&CidrBlock=10.0.0.0/16&AmazonProvidedIpv6CidrBlock=true", "ipv6CidrBlock").remove(0);
    let block: ipnet::Ipv6Net = block.parse().unwrap();
    assert_eq!(block.prefix_len(), 56);
    let subnet = ipnet::Ipv6Net::new_assert(block.network(), 64);
    let create = "CreateSubnet&VpcId=vpc-1&CidrBlock=10.0.0.0/24&Ipv6CidrBlock=";
    assert_eq!(stage.told(&format!("{create}{subnet}"), "ipv6CidrBlock"), [subnet.to_string()]);
    let destinations = stage.told("DescribeRouteTables", "destinationIpv6CidrBlock");
    assert_eq!(destinations, [block.to_string()]);
    let numbers = ["100", "101", "32767", "32768", "100", "101", "32767", "32768"];
    assert_eq!(stage.told("DescribeNetworkAcls", "ruleNumber"), numbers);
}

#[test]
fn subnets_lie_in_their_vpc_and_apart() {
    let mut stage = Stage::new();
    let create = |rest: &str| format!("CreateSubnet&VpcId=vpc-1&{rest}");
    let table = [
        ("CidrBlock=10.1.0.0/24", "400 InvalidSubnet.Range"),
        ("CidrBlock=10.0.0.0/29", "400 InvalidSubnet.Range"),
        ("CidrBlock=10.0.0.128/25", "400 InvalidSubnet.Conflict"),
        ("CidrBlock=10.0.0.0/23", "400 InvalidSubnet.Conflict"),
        ("CidrBlock=10.0.1.0/24&Ipv6CidrBlock=2001:db8::/64", "400 InvalidSubnet.Range"),
        ("CidrBlock=10.0.1.0/24&AvailabilityZone=us-east-1a", "400 InvalidParameterValue"),
        ("CidrBlock=10.0.1.0/24&VpcId=vpc-9", "400 InvalidVpcID.NotFound"),
    ];
    for (rest, code) in table {
        assert_eq!(stage.ask(&create(rest)).split_once(':').unwrap().0, code, "{rest}");
    }
    assert_eq!(
        stage.ask(&create("CidrBlock=10.0.1.0/24&AvailabilityZone=eu-central-1b")),
        "<subnet><subnetId>subnet-2</subnetId><subnetArn>arn:aws:ec2:eu-central-1:123456789012:subnet/subnet-2\
         </subnetArn><ownerId>123456789012</ownerId><state>available</state><vpcId>vpc-1</vpcId><cidrBlock>10.0.1.0/24\
         </cidrBlock><availabilityZone>eu-central-1b</availabilityZone><ipv6CidrBlockAssociationSet>\
         </ipv6CidrBlockAssociationSet><tagSet></tagSet></subnet>"
    );
}

#[test]
fn a_vpc_goes_when_it_is_empty() {
    let mut stage = Stage::new();
    stage.ask("CreateNetworkInterface&SubnetId=subnet-1");
    let used = "400 DependencyViolation: The vpc 'vpc-1' has dependencies";
    assert_eq!(stage.ask("DeleteVpc&VpcId=vpc-1"), used);
    assert_eq!(
        stage.ask("DeleteSubnet&SubnetId=subnet-1"),
        "400 DependencyViolation: resource subnet-1 has a dependent object"
    );
    stage.ask("DeleteNetworkInterface&NetworkInterfaceId=eni-1");
    assert_eq!(stage.ask("DeleteSubnet&SubnetId=subnet-1"), "<return>true</return>");
    assert_eq!(stage.ask("DeleteVpc&VpcId=vpc-1"), used);
    stage.ask("DeleteSecurityGroup&GroupId=sg-1");
    stage.ask("DeleteSecurityGroup&GroupId=sg-2");
    assert_eq!(stage.ask("DeleteVpc&VpcId=vpc-1"), "<return>true</return>");
    let left = ["DescribeVpcs", "DescribeSecurityGroups", "DescribeRouteTables", "DescribeNetworkAcls"];
    let left = left.map(|action| stage.told(action, "item").len());
    assert_eq!(left, [0, 0, 0, 0]);
}

#[test]
fn network_acls_have_entries_and_subnets() {
    let mut stage = Stage::new();
    stage.ask("CreateNetworkAcl&VpcId=vpc-1&ClientToken=t");
    let of = "NetworkAclId=acl-1&RuleNumber=10&Egress=false";
    let tcp = "&Protocol=tcp&RuleAction=deny&CidrBlock=10.0.0.9/8&PortRange.From=80&PortRange.To=90";
    assert_eq!(stage.ask(&format!("CreateNetworkAclEntry&{of}{tcp}")), "<return>true</return>");
    assert!(stage.ask(&format!("CreateNetworkAclEntry&{of}{tcp}")).starts_with("400 NetworkAclEntryAlreadyExists"));
    let icmp = "NetworkAclId=acl-1&RuleNumber=20&Egress=true&Protocol=58&RuleAction=allow&Ipv6CidrBlock=::/0";
    assert!(stage.ask(&format!("CreateNetworkAclEntry&{icmp}")).starts_with("400 InvalidParameterValue"));
    stage.ask(&format!("CreateNetworkAclEntry&{icmp}&Icmp.Type=-1&Icmp.Code=-1"));
    let deny = |egress: bool| {
        format!(
            "<item><ruleNumber>32767</ruleNumber><protocol>-1</protocol><ruleAction>deny</ruleAction><egress>{egress}\
             </egress><cidrBlock>0.0.0.0/0</cidrBlock></item>"
        )
    };
    let entries = format!(
        "<item><ruleNumber>10</ruleNumber><protocol>6</protocol><ruleAction>deny</ruleAction><egress>false</egress>\
         <cidrBlock>10.0.0.0/8</cidrBlock><portRange><from>80</from><to>90</to></portRange></item>{}<item><ruleNumber>\
         20</ruleNumber><protocol>58</protocol><ruleAction>allow</ruleAction><egress>true</egress><ipv6CidrBlock>::/0\
         </ipv6CidrBlock><icmpTypeCode><type>-1</type><code>-1</code></icmpTypeCode></item>{}",
        deny(false),
        deny(true)
    );
    assert_eq!(stage.told("DescribeNetworkAcls&NetworkAclId.1=acl-1", "entrySet"), [entries]);
    stage.ask(&format!("ReplaceNetworkAclEntry&{of}&Protocol=-1&RuleAction=allow&CidrBlock=0.0.0.0/0"));
    stage.ask("DeleteNetworkAclEntry&NetworkAclId=acl-1&RuleNumber=20&Egress=true");
    let actions = stage.told("DescribeNetworkAcls&NetworkAclId.1=acl-1", "ruleAction");
    assert_eq!(actions, ["allow", "deny", "deny"]);
    let gone = stage.ask("DeleteNetworkAclEntry&NetworkAclId=acl-1&RuleNumber=20&Egress=true");
    assert!(gone.starts_with("400 InvalidNetworkAclEntry.NotFound"), "{gone}");
    let last = stage.ask("DeleteNetworkAclEntry&NetworkAclId=acl-1&RuleNumber=32767&Egress=true");
    assert!(last.starts_with("400 InvalidParameterValue"), "{last}");
    let of_subnet = "DescribeNetworkAcls&Filter.1.Name=association.subnet-id&Filter.1.Value.1=subnet-1";
    let before = stage.told(of_subnet, "networkAclAssociationId").remove(0);
    let replace = format!("ReplaceNetworkAclAssociation&AssociationId={before}&NetworkAclId=acl-1");
    let after = stage.told(&replace, "newAssociationId");
    assert_eq!(stage.told(of_subnet, "networkAclAssociationId"), after);
    assert_eq!(stage.told(of_subnet, "default"), ["false"]);
    assert!(stage.ask(&replace).starts_with("400 InvalidAssociationID.NotFound"));
}

#[test]
fn routes_lead_to_gateways() {
    let mut stage = Stage::new();
    stage.ask("CreateRouteTable&VpcId=vpc-1");
    stage.ask("CreateInternetGateway");
    let route = "CreateRoute&RouteTableId=rtb-1&DestinationCidrBlock=0.0.0.0/0&GatewayId=igw-1";
    assert!(stage.ask(route).starts_with("400 InvalidParameterValue"), "it is attached to nothing");
    stage.ask("AttachInternetGateway&InternetGatewayId=igw-1&VpcId=vpc-1");
    assert_eq!(stage.ask(route), "<return>true</return>");
    assert_eq!(stage.ask(route), "400 RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists.");
    stage.ask("CreateRoute&RouteTableId=rtb-1&DestinationIpv6CidrBlock=::/0&EgressOnlyInternetGatewayId=eigw-1");
    stage.ask("AssociateRouteTable&RouteTableId=rtb-1&SubnetId=subnet-1");
    let again = stage.ask("AssociateRouteTable&RouteTableId=rtb-1&SubnetId=subnet-1");
    assert!(again.starts_with("400 Resource.AlreadyAssociated"), "{again}");
    let of_subnet = "DescribeRouteTables&Filter.1.Name=association.subnet-id&Filter.1.Value.1=subnet-1";
    assert_eq!(stage.told(of_subnet, "gatewayId"), ["local", "igw-1"]);
    assert_eq!(stage.told(of_subnet, "egressOnlyInternetGatewayId"), ["eigw-1"]);
    stage.ask("DeleteRoute&RouteTableId=rtb-1&DestinationCidrBlock=0.0.0.0/0");
    let delete = "DeleteRoute&RouteTableId=rtb-1&DestinationCidrBlock=";
    assert!(stage.ask(&format!("{delete}0.0.0.0/0")).starts_with("400 InvalidRoute.NotFound"));
    assert!(stage.ask(&format!("{delete}10.0.0.0/16")).starts_with("400 InvalidParameterValue"));
    assert_eq!(stage.told(of_subnet, "gatewayId"), ["local"]);
}

#[test]
fn prefix_lists_are_aws_s_and_ours() {
    let mut stage = Stage::new();
    let named =
        |name: &str| format!("DescribeManagedPrefixLists&Filter.1.Name=prefix-list-name&Filter.1.Value.1={name}");
    assert_eq!(
        stage.ask(&named("com.amazonaws.global.cloudfront.origin-facing")),
        "<prefixListSet><item><prefixListId>pl-0c10fd00000000004</prefixListId><prefixListName>\
         com.amazonaws.global.cloudfront.origin-facing</prefixListName><prefixListArn>arn:aws:ec2:eu-central-1:aws:\
         prefix-list/pl-0c10fd00000000004</prefixListArn><addressFamily>IPv4</addressFamily><state>create-complete\
         </state><ownerId>AWS</ownerId><tagSet></tagSet></item></prefixListSet>"
    );
    stage
        .ask("CreateManagedPrefixList&PrefixListName=ours&MaxEntries=2&AddressFamily=IPv6&Entry.1.Cidr=2001:db8::1/32");
    assert_eq!(
        stage.ask(&named("ours")),
        "<prefixListSet><item><prefixListId>pl-1</prefixListId><prefixListName>ours</prefixListName><prefixListArn>\
         arn:aws:ec2:eu-central-1:123456789012:prefix-list/pl-1</prefixListArn><addressFamily>IPv6</addressFamily>\
         <state>create-complete</state><ownerId>123456789012</ownerId><maxEntries>2</maxEntries><version>1</version>\
         <tagSet></tagSet></item></prefixListSet>"
    );
    assert_eq!(
        stage.ask("GetManagedPrefixListEntries&PrefixListId=pl-1"),
        "<entrySet><item><cidr>2001:db8::/32</cidr></item></entrySet>"
    );
    let rule = super::permissions(&["tcp 1 1 PrefixListId=pl-1"]);
    stage.ask(&format!("AuthorizeSecurityGroupIngress&GroupId=sg-1{rule}"));
    let delete = "DeleteManagedPrefixList&PrefixListId=";
    assert!(stage.ask(&format!("{delete}pl-1")).starts_with("400 DependencyViolation"));
    assert!(stage.ask(&format!("{delete}pl-0c10fd00000000004")).starts_with("403 UnauthorizedOperation"));
    stage.ask(&format!("RevokeSecurityGroupIngress&GroupId=sg-1{rule}"));
    assert_eq!(stage.told(&format!("{delete}pl-1"), "state"), ["delete-complete"]);
    assert_eq!(stage.ask(&named("ours")), "<prefixListSet></prefixListSet>");
}
