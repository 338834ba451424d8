//! Pure: a load balancer that exists, with the rules of its groups, becomes a binding that declares what they admit.
//!
//! ```text
//! Today ─► draft ─► validate, observe, desired ─► document ─► YAML
//! ```
//!
//! What the comments say follows from the finished binding by the stages that a plan goes through, so that import and
//! plan can't differ.
//!
//! Absent on purpose: any client that no rule of today admits, and any guess of whom a rule may have been meant for.

mod choice;
mod clients;
mod comments;
mod draft;
mod words;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use crate::api::names::CLUSTER_TAG_PREFIX;
use crate::api::{ALBTargetBinding, Enforcement};
use crate::model::{
    ActualRule, GroupState, LoadBalancerFacts, Ownership, PrefixListId, Scope, SecurityGroupId, TargetGroupFacts, Us,
    VpcFacts,
};

pub use comments::document;
pub use draft::draft;

/// What AWS says of a load balancer and of the groups around it.
#[derive(Clone, Debug)]
pub struct Today {
    /// Account and Region of all of it.
    pub scope: Scope,
    /// Whose consent and rules are looked at; `None` where no cluster is named.
    pub us: Option<Us>,
    pub load_balancer: LoadBalancerFacts,
    pub vpc: Option<VpcFacts>,
    pub target_groups: Vec<TargetGroupFacts>,
    /// The load balancer's groups and those of its targets, so far as they could be read.
    pub groups: BTreeMap<SecurityGroupId, Group>,
    /// By target group, of each registered target's interface: its groups.
    pub interfaces: BTreeMap<String, BTreeSet<BTreeSet<SecurityGroupId>>>,
    pub names: Names,
    /// What could not be read.
    pub unknown: Vec<String>,
}

impl Today {
    /// Whether no sgbind made the rule.
    fn is_foreign(&self, rule: &ActualRule) -> bool {
        match &self.us {
            Some(us) => us.ownership(&rule.tags) == Ownership::Foreign,
            None => !rule.tags.keys().any(|key| key.starts_with(CLUSTER_TAG_PREFIX)),
        }
    }
}

/// A security group with its name and rules.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub state: GroupState,
}

/// What peers are called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub groups: BTreeMap<SecurityGroupId, Name>,
    pub prefix_lists: BTreeMap<PrefixListId, Name>,
}

/// A name in AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    /// Whether a binding that gives this name gets just this thing: groups are looked up in the load balancer's VPC.
    pub finds: bool,
}

/// How the binding is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// `metadata.name`.
    pub name: String,
    pub namespace: String,
    /// Account and Region that are meant where the binding names none.
    pub home: Scope,
    pub enforcement: Enforcement,
}

/// A binding, with what is to be said of its fields.
#[derive(Clone, Debug)]
pub struct Draft {
    pub binding: ALBTargetBinding,
    /// The load balancer's group that is written.
    pub group: SecurityGroupId,
    notes: Notes,
}

/// The whole result.
#[derive(Clone, Debug)]
pub struct Document {
    pub binding: ALBTargetBinding,
    notes: Notes,
    /// What could not be read: the comments are not complete, and the binding may not be.
    pub unknown: Vec<String>,
}

impl Document {
    /// The object alone, without what is as it would be by default.
    pub fn object(&self) -> serde_json::Value {
        yaml::small(&self.binding)
    }

    /// With the comments beside the fields that they are about.
    pub fn yaml(&self) -> String {
        yaml::render(&self.binding, &self.notes)
    }

    /// The comments alone, for formats that have none.
    pub fn remarks(&self) -> Vec<String> {
        let Notes { head, above, beside, foot } = &self.notes;
        let above = above.iter().flat_map(|(path, lines)| lines.iter().map(move |line| format!("{path}: {line}")));
        let beside = beside.iter().map(|(path, text)| format!("{path}: {text}"));
        let all = head.iter().cloned().chain(above).chain(beside).chain(foot.iter().cloned());
        all.map(|line| words::in_one_line(&line)).filter(|line| !line.trim().is_empty()).collect()
    }
}

/// Comments, by the place where they stand.
#[derive(Clone, Debug, Default)]
struct Notes {
    head: Vec<String>,
    /// Above a field, or where it would stand.
    above: BTreeMap<String, Vec<String>>,
    beside: BTreeMap<String, String>,
    foot: Vec<String>,
}

impl Notes {
    fn above(&mut self, path: &str, line: impl Into<String>) {
        self.above.entry(path.to_owned()).or_default().push(line.into());
    }

    fn beside(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.beside.insert(path.into(), text.into());
    }
}

/// Why a load balancer can't be described by one binding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error(
        "{load_balancer} has no security group, so rules can't refer to it: create it anew with one, or admit the clients' \
         CIDRs on the targets' security groups"
    )]
    WithoutGroup { load_balancer: String },
    #[error("the rules of {0} could not be read, so it is not known whom they admit")]
    RulesUnknown(SecurityGroupId),
    #[error("{field} would have {count} items, and a binding holds {most} at the most: {remedy}")]
    TooMany { field: String, count: usize, most: usize, remedy: &'static str },
    /// A fault of ours.
    #[error("the imported binding would not admit whom today's rules admit, which is a bug of sgbind: {0}")]
    Differs(String),
}

/// `metadata.name` for a load balancer: its name as a DNS label.
pub fn object_name(load_balancer: &str) -> String {
    let lower = load_balancer.to_ascii_lowercase();
    let label: String = lower.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
    let label: String = label.trim_matches('-').chars().take(63).collect();
    if label.is_empty() { "load-balancer".into() } else { label }
}

#[cfg(test)]
mod tests;
