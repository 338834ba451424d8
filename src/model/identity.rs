use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::api::names::CLUSTER_TAG_PREFIX;
use crate::defect::Defect;

/// Tags of an AWS resource.
pub type Tags = BTreeMap<String, String>;

/// Name under which groups opt in: at most 63 characters of `a-z 0-9 - .`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

/// Why a text is not a cluster name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a cluster name: expected 1 to 63 characters of a-z, 0-9, '-' and '.', such as prod-eu")]
pub struct NotAClusterName(String);

impl std::str::FromStr for ClusterName {
    type Err = NotAClusterName;

    fn from_str(text: &str) -> Result<Self, NotAClusterName> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        if (1..=63).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAClusterName(text.to_owned()))
        }
    }
}

impl ClusterName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Key of the tag by which groups opt in, and by which rules say whose they are.
    pub fn tag_key(&self) -> String {
        format!("{CLUSTER_TAG_PREFIX}{}", self.0)
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who we are: the cluster's name and, because names can clash, an identity that can't (the UID of
/// the namespace kube-system).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Us {
    pub cluster: ClusterName,
    pub identity: String,
    /// Identities of former clusters of our name, whose rules we take over.
    pub take_over: BTreeSet<String>,
}

/// Whose a rule is, by its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Ours; `others` are the clusters that need it too.
    Ours { others: BTreeSet<String> },
    /// It carries our cluster's name with an identity that we take over: ours as soon as it is tagged anew.
    TakenOver,
    /// It carries our cluster's name with another identity: another's, never touched.
    OtherIdentity { identity: String },
    /// Other clusters made it.
    OtherClusters(BTreeSet<String>),
    /// No sgbind made it.
    Foreign,
}

impl Ownership {
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Ours { .. })
    }
}

impl Us {
    /// The values of our tag by which rules are found that are ours, or that we take over.
    pub fn identities(&self) -> BTreeSet<String> {
        self.take_over.iter().chain([&self.identity]).cloned().collect()
    }

    pub fn ownership(&self, tags: &Tags) -> Ownership {
        let ours = self.cluster.tag_key();
        let others: BTreeSet<String> = tags
            .keys()
            .filter(|key| **key != ours)
            .filter_map(|key| key.strip_prefix(CLUSTER_TAG_PREFIX))
            .map(str::to_owned)
            .collect();
        match tags.get(&ours) {
            Some(identity) if *identity == self.identity || Defect::MistakeIdentity.is_on() => {
                Ownership::Ours { others }
            }
            Some(identity) if self.take_over.contains(identity) && !Defect::IgnoreTakeOver.is_on() => {
                Ownership::TakenOver
            }
            Some(identity) => Ownership::OtherIdentity { identity: identity.clone() },
            None if others.is_empty() => Ownership::Foreign,
            None => Ownership::OtherClusters(others),
        }
    }
}
