//! "There are none" is not believed where another file says that there are some: the calls may have been limited to other
//! groups or load balancers.

use serde_json::Value;

use super::calls::{Call, LISTENER_OF_RULE};
use super::requests::Request;
use super::{Snapshot, json, without_ids};

impl Snapshot {
    /// Of what that is asked for the call's file says too little.
    pub fn silent_about(&self, call: &Call, request: &Request) -> Option<String> {
        let balancers = || request.fields.get("LoadBalancerArn").into_iter().flatten();
        match call.action {
            "DescribeListeners" => balancers().find(|arn| self.lacks_listeners(arn)).cloned(),
            "DescribeTargetGroups" => balancers().find_map(|arn| self.unknown_target_group(arn)),
            "DescribeSecurityGroupRules" => {
                let by_group = request.filters.iter().filter(|(name, _)| name == "group-id");
                by_group.flat_map(|(_, ids)| ids).find(|id| self.lacks_rules(id)).cloned()
            }
            _ => None,
        }
    }

    /// A load balancer without listeners, to which target groups belong all the same, or of which no file says that none do:
    /// nobody may have asked for its listeners.
    fn lacks_listeners(&self, balancer: &str) -> bool {
        let unheard = !self.items.contains_key("DescribeTargetGroups");
        let mut groups = self.of("DescribeTargetGroups").iter();
        !self.of("DescribeListeners").iter().any(|listener| has(listener, "LoadBalancerArn", balancer))
            && (unheard || groups.any(|group| has(group, "LoadBalancerArns", balancer)))
    }

    /// A target group to which the load balancer forwards, and of which nothing is known.
    fn unknown_target_group(&self, balancer: &str) -> Option<String> {
        let listeners =
            self.of("DescribeListeners").iter().filter(|listener| has(listener, "LoadBalancerArn", balancer));
        let forwards = listeners.flat_map(|listener| {
            let arns = json::texts(listener, "ListenerArn");
            let rules = self.of("DescribeRules").iter();
            let rules = rules.filter(move |rule| arns.iter().any(|arn| has(rule, LISTENER_OF_RULE, arn)));
            targets(listener, "DefaultActions").into_iter().chain(rules.flat_map(|rule| targets(rule, "Actions")))
        });
        let is_known =
            |arn: &String| self.of("DescribeTargetGroups").iter().any(|group| has(group, "TargetGroupArn", arn));
        forwards.into_iter().find(|arn| !is_known(arn))
    }

    /// A group without rules, of which its own description lists some.
    fn lacks_rules(&self, id: &str) -> bool {
        let mut groups = self.of("DescribeSecurityGroups").iter();
        !self.of("DescribeSecurityGroupRules").iter().any(|rule| has(rule, "GroupId", id))
            && groups.any(|group| has(group, "GroupId", id) && !without_ids::rules_of(group).is_empty())
    }

    fn of(&self, action: &str) -> &[Value] {
        self.items.get(action).map(Vec::as_slice).unwrap_or_default()
    }
}

fn has(item: &Value, field: &str, text: &str) -> bool {
    json::texts(item, field).iter().any(|found| found == text)
}

/// The target groups that actions forward to, in either form.
fn targets(item: &Value, actions: &str) -> Vec<String> {
    let forms = ["TargetGroupArn", "ForwardConfig.TargetGroups.TargetGroupArn"];
    forms.iter().flat_map(|form| json::texts(item, &format!("{actions}.{form}"))).collect()
}
