//! Reads that lag: EC2 answers with what was so a while ago.

use std::collections::BTreeSet;

use super::{Answer, Call, Effect, Proxy};

const RULE_SET: &str = "securityGroupRuleSet";

impl Proxy {
    /// The answers of DescribeSecurityGroupRules as of now, for a fault that repeats them. Something must have
    /// called it before: its headers are used again.
    pub async fn rules_as_of_now(&self, aws: impl AsyncFn(&[(&str, &str)]) -> Answer) -> Effect {
        let now = aws(&[("Action", "DescribeSecurityGroupRules"), ("Version", "2016-11-15")]).await;
        assert!(now.is_success(), "{}", now.body);
        Effect::rewrite(move |call, _| only_groups_of(call, &now.body))
    }
}

/// An answer about all rules, cut down to the groups that a call asks for.
fn only_groups_of(call: &Call, all: &str) -> String {
    let asked: BTreeSet<&str> = call.values("Filter.1.Value.");
    let (head, rest) = all.split_once(&format!("<{RULE_SET}>")).unwrap_or((all, ""));
    let (set, tail) = rest.split_once(&format!("</{RULE_SET}>")).unwrap_or(("", ""));
    let of_asked = |item: &&str| asked.iter().any(|id| item.contains(&format!("<groupId>{id}</groupId><groupOwnerId>")));
    let rules: String = items(set).into_iter().filter(of_asked).collect();
    format!("{head}<{RULE_SET}>{rules}</{RULE_SET}>{tail}")
}

/// The outermost items of a list.
fn items(set: &str) -> Vec<&str> {
    let (mut found, mut depth, mut start, mut at) = (Vec::new(), 0, 0, 0);
    while let Some(next) = set[at..].find('<').map(|offset| at + offset) {
        if set[next..].starts_with("<item>") {
            if depth == 0 {
                start = next;
            }
            depth += 1;
        } else if set[next..].starts_with("</item>") {
            depth -= 1;
            if depth == 0 {
                found.push(&set[start..next + "</item>".len()]);
            }
        }
        at = next + 1;
    }
    found
}
