use serde_json::{Map, Value};

use crate::aws::snapshot::calls::{Call, Service, named};
use crate::aws::snapshot::json::texts;

use super::{Items, Reason, Taken, Taking, WritingError, unless_gone};

/// The greatest page of the Describe calls.
const PAGE: i32 = 400;

/// How many ARNs `DescribeTags` takes.
const TAGS_OF: usize = 20;

impl Taking<'_> {
    /// Load balancers and all that belongs to them: most of it takes a call for each.
    pub(super) async fn load_balancers(&self, taken: &mut Taken) -> Result<(), WritingError> {
        let (Some(balancers), Some(groups)) = (call("DescribeLoadBalancers"), call("DescribeTargetGroups")) else {
            return Ok(());
        };
        self.tell(balancers, 0, 1);
        let pages = self.elb.describe_load_balancers().page_size(PAGE).into_paginator().send();
        let found = self.pages(balancers, pages, |page| page.next_marker).await.map_err(Reason::Failed);
        let found = self.keep(balancers, found, taken)?;
        let arns = found.as_deref().map(|found| arns(found, "LoadBalancerArn"));
        self.each("DescribeLoadBalancerAttributes", balancers, arns.as_deref(), taken).await?;
        self.each("DescribeTags", balancers, arns.as_deref(), taken).await?;
        let listeners = self.each("DescribeListeners", balancers, arns.as_deref(), taken).await?;
        if let Some(listeners_call) = call("DescribeListeners") {
            let arns = listeners.as_deref().map(with_rules);
            self.each("DescribeRules", listeners_call, arns.as_deref(), taken).await?;
        }
        self.tell(groups, 0, 1);
        let pages = self.elb.describe_target_groups().page_size(PAGE).into_paginator().send();
        let found = self.pages(groups, pages, |page| page.next_marker).await.map_err(Reason::Failed);
        let found = self.keep(groups, found, taken)?;
        let arns = found.as_deref().map(|found| self::arns(found, "TargetGroupArn"));
        self.each("DescribeTargetHealth", groups, arns.as_deref(), taken).await?;
        Ok(())
    }

    /// Makes a call for each of these ARNs, which another call has told; `None` if that one failed.
    async fn each(
        &self,
        action: &'static str,
        told_by: &'static Call,
        arns: Option<&[String]>,
        taken: &mut Taken,
    ) -> Result<Option<Vec<Value>>, WritingError> {
        let Some(call) = call(action) else { return Ok(None) };
        let items = match arns {
            Some(arns) => self.of_each(call, arns).await,
            None => Err(Reason::Needs(told_by.file())),
        };
        self.keep(call, items, taken)
    }

    async fn of_each(&self, call: &Call, arns: &[String]) -> Items {
        let at_once = if call.action == "DescribeTags" { TAGS_OF } else { 1 };
        let mut items = Vec::new();
        for (done, some) in arns.chunks(at_once).enumerate() {
            self.tell(call, done * at_once, arns.len());
            match unless_gone(self.of_these(call, some).await)? {
                Some(found) => items.extend(found),
                // One of them has gone: the others are asked for one by one.
                None if some.len() > 1 => {
                    for arn in some {
                        let alone = self.of_these(call, std::slice::from_ref(arn)).await;
                        items.extend(unless_gone(alone)?.unwrap_or_default());
                    }
                }
                None => {}
            }
        }
        Ok(items)
    }

    async fn of_these(&self, call: &Call, arns: &[String]) -> Result<Vec<Value>, crate::aws::AwsError> {
        let arn = arns.first().cloned().unwrap_or_default();
        let elb = &self.elb;
        match call.action {
            "DescribeListeners" => {
                let pages = elb.describe_listeners().load_balancer_arn(arn).page_size(PAGE).into_paginator().send();
                self.pages(call, pages, |page| page.next_marker).await
            }
            "DescribeRules" => {
                let pages = elb.describe_rules().listener_arn(arn).page_size(PAGE).into_paginator().send();
                self.pages(call, pages, |page| page.next_marker).await
            }
            "DescribeTags" => {
                self.answer(call, elb.describe_tags().set_resource_arns(Some(arns.to_vec())).send()).await
            }
            "DescribeLoadBalancerAttributes" => {
                let sent = elb.describe_load_balancer_attributes().load_balancer_arn(&arn).send();
                self.answer(call, sent).await.map(|list| beside(call, &arn, list))
            }
            _ => {
                let sent = elb.describe_target_health().target_group_arn(&arn).send();
                self.answer(call, sent).await.map(|list| beside(call, &arn, list))
            }
        }
    }
}

fn call(action: &str) -> Option<&'static Call> {
    named(Service::Elb, action)
}

fn arns(items: &[Value], field: &str) -> Vec<String> {
    items.iter().flat_map(|item| texts(item, field)).collect()
}

/// Only listeners of application load balancers have rules.
fn with_rules(listeners: &[Value]) -> Vec<String> {
    let all = arns(listeners, "ListenerArn");
    all.into_iter().filter(|arn| arn.contains(":listener/app/")).collect()
}

/// An output with what it was asked about.
fn beside(call: &Call, arn: &str, list: Vec<Value>) -> Vec<Value> {
    let named = call.beside.map(|name| (name.to_owned(), Value::String(arn.to_owned())));
    vec![Value::Object(Map::from_iter(named.into_iter().chain([(call.list.json.to_owned(), Value::Array(list))])))]
}
