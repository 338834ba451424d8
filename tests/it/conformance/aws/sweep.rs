//! Removes all that runs of this suite have made: what carries [`RUN_TAG`], and nothing else.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_ec2::{
    error::ProvideErrorMetadata,
    types::{Filter, SecurityGroupRule},
};
use tokio::time::sleep;

use super::{
    RUN_TAG,
    cloud::Cloud,
    scene::{filter, must},
};

/// Groups are in use until the interfaces of a deleted load balancer are gone, which takes minutes.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(10);

/// `Err`: what is still there.
pub async fn sweep(cloud: &Cloud) -> Result<(), String> {
    load_balancers(cloud).await;
    for _ in 0..TRIES {
        target_groups(cloud).await;
        interfaces(cloud).await;
        groups(cloud).await;
        prefix_lists(cloud).await;
        if left(cloud).await.is_empty() {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(format!("still there, remove it by hand: {}", left(cloud).await.join(", ")))
}

/// What carries our tag in the VPC.
fn ours(cloud: &Cloud) -> Vec<Filter> {
    vec![filter("vpc-id", &[&cloud.estate.vpc]), filter("tag-key", &[RUN_TAG])]
}

async fn left(cloud: &Cloud) -> Vec<String> {
    let mut left = group_ids(cloud).await;
    left.extend(interface_ids(cloud).await);
    left.extend(prefix_list_ids(cloud).await);
    left.extend(target_group_arns(cloud).await);
    left.extend(load_balancer_arns(cloud).await);
    left
}

/// Those of these ARNs whose tags say that they are ours.
async fn tagged(cloud: &Cloud, arns: Vec<String>) -> Vec<String> {
    let mut ours = Vec::new();
    for arns in arns.chunks(20) {
        let told = must("tags", cloud.elb.describe_tags().set_resource_arns(Some(arns.to_vec())).send().await);
        for each in told.tag_descriptions() {
            if each.tags().iter().any(|tag| tag.key() == Some(RUN_TAG)) {
                ours.extend(each.resource_arn.clone());
            }
        }
    }
    ours
}

async fn load_balancer_arns(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.elb.describe_load_balancers().into_paginator().items().send();
    let all = must("load balancers", pages.collect::<Result<Vec<_>, _>>().await);
    let here = all.into_iter().filter(|each| each.vpc_id() == Some(&cloud.estate.vpc));
    tagged(cloud, here.filter_map(|each| each.load_balancer_arn).collect()).await
}

async fn target_group_arns(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.elb.describe_target_groups().into_paginator().items().send();
    let all = must("target groups", pages.collect::<Result<Vec<_>, _>>().await);
    let here = all.into_iter().filter(|each| each.vpc_id() == Some(&cloud.estate.vpc));
    tagged(cloud, here.filter_map(|each| each.target_group_arn).collect()).await
}

async fn group_ids(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.ec2.describe_security_groups().set_filters(Some(ours(cloud))).into_paginator().items().send();
    let found = must("groups", pages.collect::<Result<Vec<_>, _>>().await);
    found.into_iter().filter_map(|group| group.group_id).collect()
}

async fn interface_ids(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.ec2.describe_network_interfaces().set_filters(Some(ours(cloud))).into_paginator().items().send();
    let found = must("interfaces", pages.collect::<Result<Vec<_>, _>>().await);
    found.into_iter().filter_map(|interface| interface.network_interface_id).collect()
}

/// Prefix lists belong to no VPC.
async fn prefix_list_ids(cloud: &Cloud) -> Vec<String> {
    let pages = cloud.ec2.describe_managed_prefix_lists().into_paginator().items().send();
    let found = must("prefix lists", pages.collect::<Result<Vec<_>, _>>().await).into_iter();
    let ours = found.filter(|list| list.tags().iter().any(|tag| tag.key() == Some(RUN_TAG)));
    let there = ours.filter(|list| list.state().is_none_or(|state| !state.as_str().starts_with("delete-complete")));
    there.filter_map(|list| list.prefix_list_id).collect()
}

/// With their listeners and rules.
async fn load_balancers(cloud: &Cloud) {
    for arn in load_balancer_arns(cloud).await {
        told(&arn, cloud.elb.delete_load_balancer().load_balancer_arn(&arn).send().await);
    }
}

async fn target_groups(cloud: &Cloud) {
    for arn in target_group_arns(cloud).await {
        told(&arn, cloud.elb.delete_target_group().target_group_arn(&arn).send().await);
    }
}

async fn interfaces(cloud: &Cloud) {
    for id in interface_ids(cloud).await {
        told(&id, cloud.ec2.delete_network_interface().network_interface_id(&id).send().await);
    }
}

async fn prefix_lists(cloud: &Cloud) {
    for id in prefix_list_ids(cloud).await {
        told(&id, cloud.ec2.delete_managed_prefix_list().prefix_list_id(&id).send().await);
    }
}

/// First the rules that name groups, and then the groups.
async fn groups(cloud: &Cloud) {
    let ids = group_ids(cloud).await;
    for ids in ids.chunks(200) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let pages = cloud.ec2.describe_security_group_rules().filters(filter("group-id", &ids));
        let rules = must("rules", pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await);
        for id in &ids {
            revoke_references(cloud, id, &rules).await;
        }
    }
    for id in &ids {
        told(id, cloud.ec2.delete_security_group().group_id(id).send().await);
    }
}

async fn revoke_references(cloud: &Cloud, group: &str, rules: &[SecurityGroupRule]) {
    let naming = |rule: &&SecurityGroupRule| rule.group_id() == Some(group) && rule.referenced_group_info().is_some();
    let ids = |egress: bool| -> BTreeSet<String> {
        let named = rules.iter().filter(naming).filter(|rule| rule.is_egress() == Some(egress));
        named.filter_map(|rule| rule.security_group_rule_id.clone()).collect()
    };
    let (ingress, egress) = (ids(false), ids(true));
    if !ingress.is_empty() {
        let call = cloud.ec2.revoke_security_group_ingress().group_id(group);
        told(group, call.set_security_group_rule_ids(Some(ingress.into_iter().collect())).send().await);
    }
    if !egress.is_empty() {
        let call = cloud.ec2.revoke_security_group_egress().group_id(group);
        told(group, call.set_security_group_rule_ids(Some(egress.into_iter().collect())).send().await);
    }
}

/// What can't be removed now may be removable at the next try.
fn told<T, E: ProvideErrorMetadata>(what: &str, result: Result<T, E>) {
    if let Err(error) = result {
        eprintln!("{what}: {}: {}", error.code().unwrap_or("no code"), error.message().unwrap_or_default());
    }
}
