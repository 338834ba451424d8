//! EC2, version 2016-11-15.

use super::{ec2_structures, shape};

ec2_structures! {
    USER_ID_GROUP_PAIR {
        GroupId groupId: text, GroupName groupName: text, UserId userId: text, VpcId vpcId: text,
        VpcPeeringConnectionId vpcPeeringConnectionId: text, PeeringStatus peeringStatus: text,
        Description description: text,
    }
    IP_RANGE { CidrIp cidrIp: text, Description description: text }
    IPV6_RANGE { CidrIpv6 cidrIpv6: text, Description description: text }
    PREFIX_LIST_ID { PrefixListId prefixListId: text, Description description: text }
    IP_PERMISSION {
        IpProtocol ipProtocol: text, FromPort fromPort: number, ToPort toPort: number,
        UserIdGroupPairs groups: [USER_ID_GROUP_PAIR], IpRanges ipRanges: [IP_RANGE],
        Ipv6Ranges ipv6Ranges: [IPV6_RANGE], PrefixListIds prefixListIds: [PREFIX_LIST_ID],
    }
    TAG { Key key: text, Value value: text }
    SECURITY_GROUP {
        GroupId groupId: text, GroupName groupName: text, SecurityGroupArn securityGroupArn: text,
        Description groupDescription: text, OwnerId ownerId: text, VpcId vpcId: text,
        IpPermissions ipPermissions: [IP_PERMISSION], IpPermissionsEgress ipPermissionsEgress: [IP_PERMISSION],
        Tags tagSet: [TAG],
    }
    REFERENCED_SECURITY_GROUP {
        GroupId groupId: text, PeeringStatus peeringStatus: text, UserId userId: text, VpcId vpcId: text,
        VpcPeeringConnectionId vpcPeeringConnectionId: text,
    }
    SECURITY_GROUP_RULE {
        SecurityGroupRuleId securityGroupRuleId: text, GroupId groupId: text, GroupOwnerId groupOwnerId: text,
        IsEgress isEgress: truth, IpProtocol ipProtocol: text, FromPort fromPort: number, ToPort toPort: number,
        CidrIpv4 cidrIpv4: text, CidrIpv6 cidrIpv6: text, PrefixListId prefixListId: text,
        ReferencedGroupInfo referencedGroupInfo: REFERENCED_SECURITY_GROUP, Description description: text,
        Tags tagSet: [TAG], SecurityGroupRuleArn securityGroupRuleArn: text,
    }
    NETWORK_INTERFACE_ATTACHMENT {
        AttachmentId attachmentId: text, AttachTime attachTime: text, DeviceIndex deviceIndex: number,
        NetworkCardIndex networkCardIndex: number, DeleteOnTermination deleteOnTermination: truth,
        InstanceId instanceId: text, InstanceOwnerId instanceOwnerId: text, Status status: text,
    }
    NETWORK_INTERFACE_ASSOCIATION {
        AllocationId allocationId: text, AssociationId associationId: text, IpOwnerId ipOwnerId: text,
        PublicDnsName publicDnsName: text, PublicIp publicIp: text, CustomerOwnedIp customerOwnedIp: text,
        CarrierIp carrierIp: text,
    }
    GROUP_IDENTIFIER { GroupId groupId: text, GroupName groupName: text }
    NETWORK_INTERFACE_PRIVATE_IP_ADDRESS {
        Association association: NETWORK_INTERFACE_ASSOCIATION, Primary primary: truth,
        PrivateDnsName privateDnsName: text, PrivateIpAddress privateIpAddress: text,
    }
    NETWORK_INTERFACE_IPV6_ADDRESS { Ipv6Address ipv6Address: text, IsPrimaryIpv6 isPrimaryIpv6: truth }
    IPV4_PREFIX_SPECIFICATION { Ipv4Prefix ipv4Prefix: text }
    IPV6_PREFIX_SPECIFICATION { Ipv6Prefix ipv6Prefix: text }
    CONNECTION_TRACKING_CONFIGURATION {
        TcpEstablishedTimeout tcpEstablishedTimeout: number, UdpStreamTimeout udpStreamTimeout: number,
        UdpTimeout udpTimeout: number,
    }
    OPERATOR_RESPONSE { Managed managed: truth, Principal principal: text }
    NETWORK_INTERFACE {
        NetworkInterfaceId networkInterfaceId: text, Description description: text,
        InterfaceType interfaceType: text, Attachment attachment: NETWORK_INTERFACE_ATTACHMENT,
        Association association: NETWORK_INTERFACE_ASSOCIATION, Groups groupSet: [GROUP_IDENTIFIER],
        PrivateIpAddress privateIpAddress: text,
        PrivateIpAddresses privateIpAddressesSet: [NETWORK_INTERFACE_PRIVATE_IP_ADDRESS],
        PrivateDnsName privateDnsName: text, Ipv6Address ipv6Address: text,
        Ipv6Addresses ipv6AddressesSet: [NETWORK_INTERFACE_IPV6_ADDRESS],
        Ipv4Prefixes ipv4PrefixSet: [IPV4_PREFIX_SPECIFICATION],
        Ipv6Prefixes ipv6PrefixSet: [IPV6_PREFIX_SPECIFICATION], AvailabilityZone availabilityZone: text,
        AvailabilityZoneId availabilityZoneId: text,
        ConnectionTrackingConfiguration connectionTrackingConfiguration: CONNECTION_TRACKING_CONFIGURATION,
        MacAddress macAddress: text, Operator operator: OPERATOR_RESPONSE, OutpostArn outpostArn: text,
        OwnerId ownerId: text, RequesterId requesterId: text, RequesterManaged requesterManaged: truth,
        SourceDestCheck sourceDestCheck: truth, Status status: text, SubnetId subnetId: text, VpcId vpcId: text,
        TagSet tagSet: [TAG],
    }
    INSTANCE_STATE { Code code: number, Name name: text }
    STATE_REASON { Code code: text, Message message: text }
    PLACEMENT {
        AvailabilityZone availabilityZone: text, AvailabilityZoneId availabilityZoneId: text, Tenancy tenancy: text,
    }
    INSTANCE_NETWORK_INTERFACE_ATTACHMENT {
        AttachmentId attachmentId: text, AttachTime attachTime: text, DeviceIndex deviceIndex: number,
        NetworkCardIndex networkCardIndex: number, DeleteOnTermination deleteOnTermination: truth,
        Status status: text,
    }
    INSTANCE_NETWORK_INTERFACE_ASSOCIATION {
        CarrierIp carrierIp: text, CustomerOwnedIp customerOwnedIp: text, IpOwnerId ipOwnerId: text,
        PublicDnsName publicDnsName: text, PublicIp publicIp: text,
    }
    INSTANCE_PRIVATE_IP_ADDRESS {
        Association association: INSTANCE_NETWORK_INTERFACE_ASSOCIATION, Primary primary: truth,
        PrivateDnsName privateDnsName: text, PrivateIpAddress privateIpAddress: text,
    }
    INSTANCE_IPV6_ADDRESS { Ipv6Address ipv6Address: text, IsPrimaryIpv6 isPrimaryIpv6: truth }
    INSTANCE_IPV4_PREFIX { Ipv4Prefix ipv4Prefix: text }
    INSTANCE_IPV6_PREFIX { Ipv6Prefix ipv6Prefix: text }
    INSTANCE_NETWORK_INTERFACE {
        NetworkInterfaceId networkInterfaceId: text, Description description: text,
        Attachment attachment: INSTANCE_NETWORK_INTERFACE_ATTACHMENT,
        Association association: INSTANCE_NETWORK_INTERFACE_ASSOCIATION, Groups groupSet: [GROUP_IDENTIFIER],
        PrivateIpAddress privateIpAddress: text,
        PrivateIpAddresses privateIpAddressesSet: [INSTANCE_PRIVATE_IP_ADDRESS], PrivateDnsName privateDnsName: text,
        Ipv6Addresses ipv6AddressesSet: [INSTANCE_IPV6_ADDRESS], Ipv4Prefixes ipv4PrefixSet: [INSTANCE_IPV4_PREFIX],
        Ipv6Prefixes ipv6PrefixSet: [INSTANCE_IPV6_PREFIX], MacAddress macAddress: text, OwnerId ownerId: text,
        InterfaceType interfaceType: text, SourceDestCheck sourceDestCheck: truth, Status status: text,
        SubnetId subnetId: text, VpcId vpcId: text,
    }
    INSTANCE {
        InstanceId instanceId: text, ImageId imageId: text, InstanceType instanceType: text,
        State instanceState: INSTANCE_STATE, StateReason stateReason: STATE_REASON,
        StateTransitionReason reason: text, LaunchTime launchTime: text, Placement placement: PLACEMENT,
        Platform platform: text, PlatformDetails platformDetails: text, PrivateDnsName privateDnsName: text,
        PublicDnsName dnsName: text, PrivateIpAddress privateIpAddress: text, PublicIpAddress ipAddress: text,
        Ipv6Address ipv6Address: text, SubnetId subnetId: text, VpcId vpcId: text,
        SecurityGroups groupSet: [GROUP_IDENTIFIER],
        NetworkInterfaces networkInterfaceSet: [INSTANCE_NETWORK_INTERFACE], SourceDestCheck sourceDestCheck: truth,
        Tags tagSet: [TAG],
    }
    RESERVATION {
        ReservationId reservationId: text, OwnerId ownerId: text, RequesterId requesterId: text,
        Instances instancesSet: [INSTANCE],
    }
    SUBNET_CIDR_BLOCK_STATE { State state: text, StatusMessage statusMessage: text }
    SUBNET_IPV6_CIDR_BLOCK_ASSOCIATION {
        AssociationId associationId: text, Ipv6CidrBlock ipv6CidrBlock: text,
        Ipv6CidrBlockState ipv6CidrBlockState: SUBNET_CIDR_BLOCK_STATE,
    }
    SUBNET {
        SubnetId subnetId: text, SubnetArn subnetArn: text, VpcId vpcId: text, CidrBlock cidrBlock: text,
        Ipv6CidrBlockAssociationSet ipv6CidrBlockAssociationSet: [SUBNET_IPV6_CIDR_BLOCK_ASSOCIATION],
        Ipv6Native ipv6Native: truth, AssignIpv6AddressOnCreation assignIpv6AddressOnCreation: truth,
        AvailabilityZone availabilityZone: text, AvailabilityZoneId availabilityZoneId: text,
        AvailableIpAddressCount availableIpAddressCount: number, DefaultForAz defaultForAz: truth,
        MapPublicIpOnLaunch mapPublicIpOnLaunch: truth, EnableDns64 enableDns64: truth, OutpostArn outpostArn: text,
        OwnerId ownerId: text, State state: text, Tags tagSet: [TAG],
    }
    VPC_CIDR_BLOCK_STATE { State state: text, StatusMessage statusMessage: text }
    VPC_CIDR_BLOCK_ASSOCIATION {
        AssociationId associationId: text, CidrBlock cidrBlock: text,
        CidrBlockState cidrBlockState: VPC_CIDR_BLOCK_STATE,
    }
    VPC_IPV6_CIDR_BLOCK_ASSOCIATION {
        AssociationId associationId: text, Ipv6CidrBlock ipv6CidrBlock: text,
        Ipv6CidrBlockState ipv6CidrBlockState: VPC_CIDR_BLOCK_STATE, NetworkBorderGroup networkBorderGroup: text,
        Ipv6Pool ipv6Pool: text,
    }
    VPC {
        VpcId vpcId: text, CidrBlock cidrBlock: text,
        CidrBlockAssociationSet cidrBlockAssociationSet: [VPC_CIDR_BLOCK_ASSOCIATION],
        Ipv6CidrBlockAssociationSet ipv6CidrBlockAssociationSet: [VPC_IPV6_CIDR_BLOCK_ASSOCIATION],
        DhcpOptionsId dhcpOptionsId: text, InstanceTenancy instanceTenancy: text, IsDefault isDefault: truth,
        OwnerId ownerId: text, State state: text, Tags tagSet: [TAG],
    }
    NETWORK_ACL_ASSOCIATION {
        NetworkAclAssociationId networkAclAssociationId: text, NetworkAclId networkAclId: text,
        SubnetId subnetId: text,
    }
    ICMP_TYPE_CODE { Code code: number, Type type: number }
    PORT_RANGE { From from: number, To to: number }
    NETWORK_ACL_ENTRY {
        CidrBlock cidrBlock: text, Egress egress: truth, IcmpTypeCode icmpTypeCode: ICMP_TYPE_CODE,
        Ipv6CidrBlock ipv6CidrBlock: text, PortRange portRange: PORT_RANGE, Protocol protocol: text,
        RuleAction ruleAction: text, RuleNumber ruleNumber: number,
    }
    NETWORK_ACL {
        NetworkAclId networkAclId: text, Associations associationSet: [NETWORK_ACL_ASSOCIATION],
        Entries entrySet: [NETWORK_ACL_ENTRY], IsDefault default: truth, OwnerId ownerId: text, VpcId vpcId: text,
        Tags tagSet: [TAG],
    }
    ROUTE_TABLE_ASSOCIATION_STATE { State state: text, StatusMessage statusMessage: text }
    ROUTE_TABLE_ASSOCIATION {
        Main main: truth, RouteTableAssociationId routeTableAssociationId: text, RouteTableId routeTableId: text,
        SubnetId subnetId: text, GatewayId gatewayId: text, PublicIpv4Pool publicIpv4Pool: text,
        AssociationState associationState: ROUTE_TABLE_ASSOCIATION_STATE,
    }
    ROUTE {
        DestinationCidrBlock destinationCidrBlock: text, DestinationIpv6CidrBlock destinationIpv6CidrBlock: text,
        DestinationPrefixListId destinationPrefixListId: text,
        EgressOnlyInternetGatewayId egressOnlyInternetGatewayId: text, GatewayId gatewayId: text,
        InstanceId instanceId: text, InstanceOwnerId instanceOwnerId: text, NatGatewayId natGatewayId: text,
        TransitGatewayId transitGatewayId: text, LocalGatewayId localGatewayId: text,
        CarrierGatewayId carrierGatewayId: text, NetworkInterfaceId networkInterfaceId: text, Origin origin: text,
        State state: text, VpcPeeringConnectionId vpcPeeringConnectionId: text, CoreNetworkArn coreNetworkArn: text,
        OdbNetworkArn odbNetworkArn: text, IpAddress ipAddress: text,
    }
    PROPAGATING_VGW { GatewayId gatewayId: text }
    ROUTE_TABLE {
        RouteTableId routeTableId: text, Associations associationSet: [ROUTE_TABLE_ASSOCIATION],
        Routes routeSet: [ROUTE], PropagatingVgws propagatingVgwSet: [PROPAGATING_VGW], OwnerId ownerId: text,
        VpcId vpcId: text, Tags tagSet: [TAG],
    }
    MANAGED_PREFIX_LIST {
        PrefixListId prefixListId: text, PrefixListArn prefixListArn: text, PrefixListName prefixListName: text,
        AddressFamily addressFamily: text, MaxEntries maxEntries: number, OwnerId ownerId: text, State state: text,
        StateMessage stateMessage: text, Version version: number, Tags tagSet: [TAG],
    }
}
