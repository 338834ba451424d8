//! Whether we may make the calls that the controller makes, found out without changing anything.

use crate::model::{Direction, RuleId, SecurityGroupId};

use super::clouds::Cloud;
use super::error::{AwsError, ErrorClass};

/// A permission that the controller needs; the IAM policy in `deploy/` grants these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    ReadEc2(Ec2Read),
    ReadElb(ElbRead),
    /// Optional: without it AWS's default counts, or what an option says.
    ReadQuota,
    Write(Write),
}

/// Calls of EC2 that change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ec2Read {
    ManagedPrefixLists,
    NetworkInterfaces,
    SecurityGroupRules,
    SecurityGroups,
    Vpcs,
}

/// Calls of Elastic Load Balancing; the controller makes none that changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElbRead {
    Listeners,
    LoadBalancers,
    Rules,
    Tags,
    TargetGroups,
    TargetHealth,
}

/// Calls of EC2 that change rules or their tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Authorize(Direction),
    Revoke(Direction),
    Describe(Direction),
    Tag,
    Untag,
}

/// What a permission to write is tried on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specimen {
    /// A group that opted in: the policy permits to write no other.
    pub group: SecurityGroupId,
    /// A rule of the group, if it has one of that direction.
    pub ingress: Option<RuleId>,
    pub egress: Option<RuleId>,
    /// Key and value of the tag that the controller writes: the policy permits no other key on rules that are there.
    pub tag: (String, String),
}

impl Specimen {
    pub(super) fn rule(&self, direction: Direction) -> Option<&RuleId> {
        match direction {
            Direction::Ingress => self.ingress.as_ref(),
            Direction::Egress => self.egress.as_ref(),
        }
    }
}

/// How AWS took a trial.
#[derive(Clone, Debug)]
pub enum Verdict {
    Permitted,
    Denied(AwsError),
    /// Something else went wrong.
    Unknown(AwsError),
    /// There is nothing on which it could be tried.
    Untried,
}

/// Says that a call with `DryRun` is permitted. Source: "Error codes for the Amazon EC2 API".
const WOULD_HAVE_SUCCEEDED: &str = "DryRunOperation";

impl Verdict {
    /// AWS looks at permissions first: who is told that there is no such thing may ask.
    pub(super) fn of_read<T>(answer: Result<T, AwsError>) -> Self {
        match answer {
            Ok(_) => Self::Permitted,
            Err(error) if error.class() == ErrorClass::NotFound => Self::Permitted,
            Err(error) => Self::of_dry_run(error),
        }
    }

    /// Of a write only AWS's word counts that it would have been done.
    pub(super) fn of_dry_run(error: AwsError) -> Self {
        match error.class() {
            _ if error.code() == Some(WOULD_HAVE_SUCCEEDED) => Self::Permitted,
            ErrorClass::Denied => Self::Denied(error),
            _ => Self::Unknown(error),
        }
    }
}

impl Permission {
    /// All of them, in the order of the policy.
    pub fn all() -> impl Iterator<Item = Self> {
        use Direction::{Egress, Ingress};
        let ec2 = [
            Ec2Read::ManagedPrefixLists,
            Ec2Read::NetworkInterfaces,
            Ec2Read::SecurityGroupRules,
            Ec2Read::SecurityGroups,
            Ec2Read::Vpcs,
        ];
        let elb = [
            ElbRead::Listeners,
            ElbRead::LoadBalancers,
            ElbRead::Rules,
            ElbRead::Tags,
            ElbRead::TargetGroups,
            ElbRead::TargetHealth,
        ];
        let of_direction =
            |direction| [Write::Authorize(direction), Write::Revoke(direction), Write::Describe(direction)];
        let writes = [Egress, Ingress].into_iter().flat_map(of_direction).chain([Write::Tag, Write::Untag]);
        let reads = ec2.map(Self::ReadEc2).into_iter().chain(elb.map(Self::ReadElb));
        reads.chain([Self::ReadQuota]).chain(writes.map(Self::Write))
    }

    /// The IAM action, such as `ec2:DescribeVpcs`.
    pub fn action(self) -> String {
        match self {
            Self::ReadEc2(read) => format!("ec2:{}", read.call()),
            Self::ReadElb(read) => format!("elasticloadbalancing:{}", read.call()),
            Self::ReadQuota => "servicequotas:GetServiceQuota".into(),
            Self::Write(write) => format!("ec2:{}", write.call()),
        }
    }
}

impl Ec2Read {
    fn call(self) -> &'static str {
        match self {
            Self::ManagedPrefixLists => "DescribeManagedPrefixLists",
            Self::NetworkInterfaces => "DescribeNetworkInterfaces",
            Self::SecurityGroupRules => "DescribeSecurityGroupRules",
            Self::SecurityGroups => "DescribeSecurityGroups",
            Self::Vpcs => "DescribeVpcs",
        }
    }
}

impl ElbRead {
    fn call(self) -> &'static str {
        match self {
            Self::Listeners => "DescribeListeners",
            Self::LoadBalancers => "DescribeLoadBalancers",
            Self::Rules => "DescribeRules",
            Self::Tags => "DescribeTags",
            Self::TargetGroups => "DescribeTargetGroups",
            Self::TargetHealth => "DescribeTargetHealth",
        }
    }
}

impl Write {
    fn call(self) -> &'static str {
        use Direction::{Egress, Ingress};
        match self {
            Self::Authorize(Ingress) => "AuthorizeSecurityGroupIngress",
            Self::Authorize(Egress) => "AuthorizeSecurityGroupEgress",
            Self::Revoke(Ingress) => "RevokeSecurityGroupIngress",
            Self::Revoke(Egress) => "RevokeSecurityGroupEgress",
            Self::Describe(Ingress) => "UpdateSecurityGroupRuleDescriptionsIngress",
            Self::Describe(Egress) => "UpdateSecurityGroupRuleDescriptionsEgress",
            Self::Tag => "CreateTags",
            Self::Untag => "DeleteTags",
        }
    }
}

impl Cloud {
    /// Whether we have the permission. Nothing is changed by asking; to write is tried on `specimen`.
    pub async fn try_permission(&self, permission: Permission, specimen: Option<&Specimen>) -> Verdict {
        match (permission, specimen) {
            (Permission::ReadEc2(read), _) => self.ec2.try_read(read).await,
            (Permission::ReadElb(read), _) => self.elb.try_read(read).await,
            (Permission::ReadQuota, _) => Verdict::of_read(self.quotas.read().await),
            (Permission::Write(write), Some(specimen)) => self.ec2.try_write(write, specimen).await,
            (Permission::Write(_), None) => Verdict::Untried,
        }
    }
}

#[cfg(test)]
mod tests;
