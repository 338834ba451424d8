use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares a text newtype: a name of AWS's that is passed on as it was read.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text!(
    /// A twelve-digit AWS account id.
    AccountId
);
text!(
    /// An AWS Region, such as `eu-central-1`.
    Region
);
text!(
    /// Id of a security group, `sg-…`; unique over all accounts and Regions.
    SecurityGroupId
);
text!(
    /// Id of a security group rule, `sgr-…`.
    RuleId
);
text!(
    /// Id of a managed prefix list, `pl-…`.
    PrefixListId
);
text!(
    /// Id of a VPC, `vpc-…`.
    VpcId
);
text!(
    /// Id of an EC2 instance, `i-…`.
    InstanceId
);

/// Whether a text is the id of an AWS account: twelve digits.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where an AWS resource lives. Every key carries it: ids, names and rates hold within one scope only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    pub account: AccountId,
    pub region: Region,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// The unit that is planned and written: one security group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    pub scope: Scope,
    pub id: SecurityGroupId,
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope, self.id)
    }
}

/// ARN of a load balancer or target group:
/// `arn:PARTITION:elasticloadbalancing:REGION:ACCOUNT:RESOURCE`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElbArn {
    text: String,
    region: Region,
    account: AccountId,
}

impl ElbArn {
    /// `None` if the text is not such an ARN.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [arn, _partition, "elasticloadbalancing", region, account, resource] = parts[..] else {
            return None;
        };
        if arn != "arn" || region.is_empty() || !is_account(account) || !resource.contains('/') {
            return None;
        }
        Some(Self { text: text.to_owned(), region: region.into(), account: account.into() })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn scope(&self) -> Scope {
        Scope { account: self.account.clone(), region: self.region.clone() }
    }

    /// Name of the load balancer or target group: the part before the trailing id.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').nth(1).unwrap_or(&self.text)
    }
}

impl fmt::Display for ElbArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
