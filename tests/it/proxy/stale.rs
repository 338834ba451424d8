//! Reads that lag: EC2 answers with what was so a while ago.

use super::{Call, Effect, xml};

const RULES: &str = "securityGroupRuleSet";

impl Effect {
    /// Answers DescribeSecurityGroupRules from an earlier answer about all rules.
    pub fn rules_as_in(all: String) -> Self {
        Self::rewrite(move |call, _| only_groups_of(call, &all))
    }
}

fn only_groups_of(call: &Call, all: &str) -> String {
    let asked = call.values("Filter.1.Value.");
    xml::retain(all, RULES, "item", |rule| group_of(rule).is_some_and(|group| asked.contains(group)))
}

/// The group that a rule is of, not the one that it names.
pub fn group_of(rule: &str) -> Option<&str> {
    let peer = xml::element(rule, "referencedGroupInfo").unwrap_or_default();
    let groups = rule.match_indices("<groupId>").map(|(at, _)| &rule[at..]);
    groups.filter(|rest| peer.is_empty() || !is_within(rest, peer)).find_map(|rest| xml::field(rest, "groupId"))
}

fn is_within(part: &str, whole: &str) -> bool {
    let (start, end) = (whole.as_ptr() as usize, whole.as_ptr() as usize + whole.len());
    (start..end).contains(&(part.as_ptr() as usize))
}
