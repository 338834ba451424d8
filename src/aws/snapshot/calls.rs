//! The calls whose answers a snapshot holds, a file each.

use super::shapes::{Field, Shape, ec2, elb};

/// Whose API a call is of: that says how requests and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Ec2,
    Elb,
}

impl Service {
    /// The XML element that holds an item of a list.
    pub fn item(self) -> &'static str {
        match self {
            Self::Ec2 => "item",
            Self::Elb => "member",
        }
    }

    /// The name that the AWS CLI calls it by.
    pub fn command(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Elb => "elbv2",
        }
    }

    /// The prefix of its IAM actions.
    pub fn iam(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Elb => "elasticloadbalancing",
        }
    }
}

/// A call of AWS, and what a snapshot knows of it.
#[derive(Debug)]
pub struct Call {
    pub service: Service,
    pub action: &'static str,
    /// The list that the answer holds. Its items are what requests select from.
    pub list: Field,
    /// The field that tells the items apart. It may stand beside the list: see `beside`.
    pub id: &'static str,
    /// The answer does not say what it was asked about: this stands beside it.
    pub beside: Option<&'static str>,
    /// Fields of a request that select items.
    pub parameters: &'static [Parameter],
    /// Names of filters, and the fields that they look at.
    pub filters: &'static [(&'static str, &'static str)],
    /// The field that holds tags, for the filters `tag:KEY` and `tag-key`.
    pub tags: Option<&'static str>,
}

/// A field of a request that selects items.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    /// Of the items.
    pub field: &'static str,
    pub missing: Missing,
}

/// What it means that no item has the value that was asked for.
#[derive(Clone, Copy, Debug)]
pub enum Missing {
    /// AWS refuses the call with this error.
    Refused(&'static str),
    /// There are none.
    None,
    /// The snapshot was not taken of it.
    Unknown,
}

impl Call {
    /// `describe-target-health`: the AWS CLI's word.
    pub fn command(&self) -> String {
        let mut command = String::new();
        for letter in self.action.chars() {
            if letter.is_ascii_uppercase() && !command.is_empty() {
                command.push('-');
            }
            command.push(letter.to_ascii_lowercase());
        }
        command
    }

    /// `describe-target-health.json`.
    pub fn file(&self) -> String {
        format!("{}.json", self.command())
    }
}

/// The call of this action. Only one of its name is among them of either service.
pub fn named(service: Service, action: &str) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.service == service && call.action == action)
}

const fn list(json: &'static str, xml: &'static str, item: &'static Shape) -> Field {
    Field { json, xml, shape: Shape::List(item) }
}

const fn refused(name: &'static str, field: &'static str, code: &'static str) -> Parameter {
    Parameter { name, field, missing: Missing::Refused(code) }
}

const fn none(name: &'static str, field: &'static str) -> Parameter {
    Parameter { name, field, missing: Missing::None }
}

const fn unknown(name: &'static str, field: &'static str) -> Parameter {
    Parameter { name, field, missing: Missing::Unknown }
}

/// Where the listener of a rule is put that does not name it.
pub const LISTENER_OF_RULE: &str = "ListenerArn";

/// What has no tags, filters or anything beside its answers.
const PLAIN: Call = Call {
    service: Service::Ec2,
    action: "",
    list: list("", "", &Shape::Text),
    id: "",
    beside: None,
    parameters: &[],
    filters: &[],
    tags: None,
};

const ELB: Call = Call { service: Service::Elb, ..PLAIN };

/// Every call. Sources: the page of each in the EC2 and Elastic Load Balancing API references.
pub static CALLS: [Call; 16] = [
    Call {
        action: "DescribeSecurityGroups",
        list: list("SecurityGroups", "securityGroupInfo", &ec2::SECURITY_GROUP),
        id: "GroupId",
        parameters: &[refused("GroupId", "GroupId", "InvalidGroup.NotFound")],
        filters: &[("group-id", "GroupId"), ("group-name", "GroupName"), ("owner-id", "OwnerId"), ("vpc-id", "VpcId")],
        tags: Some("Tags"),
        ..PLAIN
    },
    Call {
        action: "DescribeSecurityGroupRules",
        list: list("SecurityGroupRules", "securityGroupRuleSet", &ec2::SECURITY_GROUP_RULE),
        id: "SecurityGroupRuleId",
        parameters: &[refused("SecurityGroupRuleId", "SecurityGroupRuleId", "InvalidSecurityGroupRuleId.NotFound")],
        filters: &[("group-id", "GroupId"), ("security-group-rule-id", "SecurityGroupRuleId")],
        tags: Some("Tags"),
        ..PLAIN
    },
    Call {
        action: "DescribeNetworkInterfaces",
        list: list("NetworkInterfaces", "networkInterfaceSet", &ec2::NETWORK_INTERFACE),
        id: "NetworkInterfaceId",
        parameters: &[refused("NetworkInterfaceId", "NetworkInterfaceId", "InvalidNetworkInterfaceID.NotFound")],
        filters: &[
            ("addresses.private-ip-address", "PrivateIpAddresses.PrivateIpAddress"),
            ("attachment.instance-id", "Attachment.InstanceId"),
            ("description", "Description"),
            ("group-id", "Groups.GroupId"),
            ("ipv6-addresses.ipv6-address", "Ipv6Addresses.Ipv6Address"),
            ("network-interface-id", "NetworkInterfaceId"),
            ("subnet-id", "SubnetId"),
            ("vpc-id", "VpcId"),
        ],
        tags: Some("TagSet"),
        ..PLAIN
    },
    Call {
        action: "DescribeInstances",
        list: list("Reservations", "reservationSet", &ec2::RESERVATION),
        id: "Instances.InstanceId",
        parameters: &[refused("InstanceId", "Instances.InstanceId", "InvalidInstanceID.NotFound")],
        filters: &[
            ("instance-id", "Instances.InstanceId"),
            ("instance-state-name", "Instances.State.Name"),
            ("subnet-id", "Instances.SubnetId"),
            ("vpc-id", "Instances.VpcId"),
        ],
        tags: Some("Instances.Tags"),
        ..PLAIN
    },
    Call {
        action: "DescribeSubnets",
        list: list("Subnets", "subnetSet", &ec2::SUBNET),
        id: "SubnetId",
        parameters: &[refused("SubnetId", "SubnetId", "InvalidSubnetID.NotFound")],
        filters: &[("availability-zone", "AvailabilityZone"), ("subnet-id", "SubnetId"), ("vpc-id", "VpcId")],
        tags: Some("Tags"),
        ..PLAIN
    },
    Call {
        action: "DescribeVpcs",
        list: list("Vpcs", "vpcSet", &ec2::VPC),
        id: "VpcId",
        parameters: &[refused("VpcId", "VpcId", "InvalidVpcID.NotFound")],
        filters: &[("vpc-id", "VpcId")],
        tags: Some("Tags"),
        ..PLAIN
    },
    Call {
        action: "DescribeNetworkAcls",
        list: list("NetworkAcls", "networkAclSet", &ec2::NETWORK_ACL),
        id: "NetworkAclId",
        parameters: &[refused("NetworkAclId", "NetworkAclId", "InvalidNetworkAclID.NotFound")],
        filters: &[
            ("association.subnet-id", "Associations.SubnetId"),
            ("default", "IsDefault"),
            ("network-acl-id", "NetworkAclId"),
            ("vpc-id", "VpcId"),
        ],
        tags: Some("Tags"),
        ..PLAIN
    },
    Call {
        action: "DescribeRouteTables",
        list: list("RouteTables", "routeTableSet", &ec2::ROUTE_TABLE),
        id: "RouteTableId",
        parameters: &[refused("RouteTableId", "RouteTableId", "InvalidRouteTableID.NotFound")],
        filters: &[
            ("association.main", "Associations.Main"),
            ("association.subnet-id", "Associations.SubnetId"),
            ("route-table-id", "RouteTableId"),
            ("vpc-id", "VpcId"),
        ],
        tags: Some("Tags"),
        ..PLAIN
    },
    Call {
        action: "DescribeManagedPrefixLists",
        list: list("PrefixLists", "prefixListSet", &ec2::MANAGED_PREFIX_LIST),
        id: "PrefixListId",
        parameters: &[refused("PrefixListId", "PrefixListId", "InvalidPrefixListID.NotFound")],
        filters: &[("owner-id", "OwnerId"), ("prefix-list-id", "PrefixListId"), ("prefix-list-name", "PrefixListName")],
        tags: Some("Tags"),
        ..PLAIN
    },
    Call {
        action: "DescribeLoadBalancers",
        list: list("LoadBalancers", "LoadBalancers", &elb::LOAD_BALANCER),
        id: "LoadBalancerArn",
        parameters: &[
            refused("LoadBalancerArns", "LoadBalancerArn", "LoadBalancerNotFound"),
            refused("Names", "LoadBalancerName", "LoadBalancerNotFound"),
        ],
        ..ELB
    },
    Call {
        action: "DescribeListeners",
        list: list("Listeners", "Listeners", &elb::LISTENER),
        id: "ListenerArn",
        parameters: &[
            none("LoadBalancerArn", "LoadBalancerArn"),
            refused("ListenerArns", "ListenerArn", "ListenerNotFound"),
        ],
        ..ELB
    },
    Call {
        action: "DescribeRules",
        list: list("Rules", "Rules", &elb::RULE),
        id: "RuleArn",
        // A listener has a default rule at least.
        parameters: &[unknown("ListenerArn", LISTENER_OF_RULE), refused("RuleArns", "RuleArn", "RuleNotFound")],
        ..ELB
    },
    Call {
        action: "DescribeTargetGroups",
        list: list("TargetGroups", "TargetGroups", &elb::TARGET_GROUP),
        id: "TargetGroupArn",
        parameters: &[
            none("LoadBalancerArn", "LoadBalancerArns"),
            refused("TargetGroupArns", "TargetGroupArn", "TargetGroupNotFound"),
            refused("Names", "TargetGroupName", "TargetGroupNotFound"),
        ],
        ..ELB
    },
    Call {
        action: "DescribeTargetHealth",
        list: list("TargetHealthDescriptions", "TargetHealthDescriptions", &elb::TARGET_HEALTH_DESCRIPTION),
        id: "TargetGroupArn",
        beside: Some("TargetGroupArn"),
        parameters: &[unknown("TargetGroupArn", "TargetGroupArn")],
        ..ELB
    },
    Call {
        action: "DescribeLoadBalancerAttributes",
        list: list("Attributes", "Attributes", &elb::LOAD_BALANCER_ATTRIBUTE),
        id: "LoadBalancerArn",
        beside: Some("LoadBalancerArn"),
        parameters: &[unknown("LoadBalancerArn", "LoadBalancerArn")],
        ..ELB
    },
    Call {
        action: "DescribeTags",
        list: list("TagDescriptions", "TagDescriptions", &elb::TAG_DESCRIPTION),
        id: "ResourceArn",
        parameters: &[unknown("ResourceArns", "ResourceArn")],
        ..ELB
    },
];
