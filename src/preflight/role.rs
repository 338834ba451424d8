//! What the controller's service account must be allowed to do: the rules that `deploy/` gives it.

use std::fmt;

use serde::Deserialize;
use thiserror::Error;

const ROLES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/role.yaml"));

/// A rule of a role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    #[serde(default)]
    resource_names: Vec<String>,
    verbs: Vec<String>,
    /// Whether only the controller's own namespace is meant.
    #[serde(skip)]
    pub reach: Reach,
}

/// Where a rule holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    #[default]
    Everywhere,
    OwnNamespace,
}

/// One thing that a rule permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub subresource: Option<String>,
    pub name: Option<String>,
}

/// The roles that came with this binary can't be read.
#[derive(Debug, Error)]
#[error("the roles in this sgbind can't be read: {0}")]
pub struct Unreadable(#[from] serde_saphyr::Error);

#[derive(Deserialize)]
struct Document {
    kind: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

/// The rules of all roles, in their order.
///
/// # Errors
/// None that a test would not have found.
pub fn rules() -> Result<Vec<Rule>, Unreadable> {
    let documents: Vec<Document> = serde_saphyr::from_multiple(ROLES)?;
    let of_document = |document: Document| {
        let reach = if document.kind == "Role" { Reach::OwnNamespace } else { Reach::Everywhere };
        document.rules.into_iter().map(move |rule| Rule { reach, ..rule })
    };
    Ok(documents.into_iter().flat_map(of_document).collect())
}

impl Rule {
    pub fn rights(&self) -> Vec<Right> {
        let names: Vec<Option<String>> = match &self.resource_names[..] {
            [] => vec![None],
            names => names.iter().cloned().map(Some).collect(),
        };
        let mut rights = Vec::new();
        for group in &self.api_groups {
            for resource in &self.resources {
                let (resource, subresource) = match resource.split_once('/') {
                    Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
                    None => (resource.as_str(), None),
                };
                for (verb, name) in self.verbs.iter().flat_map(|verb| names.iter().map(move |name| (verb, name))) {
                    rights.push(Right {
                        verb: verb.clone(),
                        group: group.clone(),
                        resource: resource.to_owned(),
                        subresource: subresource.clone(),
                        name: name.clone(),
                    });
                }
            }
        }
        rights
    }

    /// Within all rules only this one's: `patch/albtargetbindings/status`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.verbs.join(","), self.resources.join(","))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verbs.join(", "), self.resources.join(", "))?;
        if !self.resource_names.is_empty() {
            write!(f, " {}", self.resource_names.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        match &self.name {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rules_of_both_roles_are_read_with_their_reach() {
        let rules = rules().unwrap();
        let told: Vec<String> = rules.iter().map(|rule| format!("{rule} ({:?})", rule.reach)).collect();
        assert_eq!(
            told,
            [
                "list, watch, patch albtargetbindings, securitygroupaccesses (Everywhere)",
                "patch albtargetbindings/status, securitygroupaccesses/status (Everywhere)",
                "get, list, watch ingresses (Everywhere)",
                "get, list, watch gateways (Everywhere)",
                "get, list, watch services (Everywhere)",
                "create events (Everywhere)",
                "get namespaces kube-system (Everywhere)",
                "create leases (OwnNamespace)",
                "get, update leases sgbind-controller (OwnNamespace)",
            ]
        );
        let names: BTreeSet<String> = rules.iter().map(Rule::name).collect();
        assert_eq!(names.len(), rules.len());
    }

    #[test]
    fn a_rule_is_all_of_its_combinations() {
        let of = |at: usize| rules().unwrap()[at].rights().iter().map(Right::to_string).collect::<Vec<_>>();
        assert_eq!(of(1), ["patch albtargetbindings/status", "patch securitygroupaccesses/status"]);
        assert_eq!(of(8), ["get leases sgbind-controller", "update leases sgbind-controller"]);
        assert_eq!(rules().unwrap()[2].rights()[0].group, "networking.k8s.io");
    }
}
