use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::operation::describe_load_balancers::DescribeLoadBalancersOutput;
use aws_sdk_elasticloadbalancingv2::operation::describe_load_balancers::builders::DescribeLoadBalancersFluentBuilder;
use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::aws::clouds::Cloud;
use crate::aws::error::{AwsError, Call, ErrorClass};
use crate::aws::pages::{Page, all_pages};
use crate::model::{ElbArn, LoadBalancerKind, LoadBalancerScheme, SecurityGroupId, Tags, VpcId};

use super::{Elb, PAGE, arn, dns, none_if_not_found};

/// How many ARNs `DescribeTags` takes.
const TAGS_OF: usize = 20;

/// A load balancer that can have security groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    pub arn: ElbArn,
    pub name: String,
    pub dns_name: String,
    pub kind: LoadBalancerKind,
    pub scheme: LoadBalancerScheme,
    pub ip_address_type: String,
    pub vpc: VpcId,
    /// Empty for a network load balancer that was made without.
    pub groups: BTreeSet<SecurityGroupId>,
}

/// What was found where a load balancer was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundLoadBalancer {
    Usable(LoadBalancer),
    /// Of a type that has no security groups, such as `gateway`.
    WithoutGroups {
        arn: ElbArn,
        kind: String,
    },
}

impl FoundLoadBalancer {
    pub fn arn(&self) -> &ElbArn {
        match self {
            Self::Usable(balancer) => &balancer.arn,
            Self::WithoutGroups { arn, .. } => arn,
        }
    }

    /// The load balancer, if this is its DNS name. One without groups has none.
    fn at(&self, host: &str) -> Option<&LoadBalancer> {
        match self {
            Self::Usable(balancer) if dns::is_same(&balancer.dns_name, host) => Some(balancer),
            Self::Usable(_) | Self::WithoutGroups { .. } => None,
        }
    }
}

/// A load balancer with its tags.
#[derive(Clone, Debug)]
pub struct TaggedLoadBalancer {
    found: FoundLoadBalancer,
    tags: Tags,
}

impl Cloud {
    /// `None` if there is none.
    pub async fn load_balancer_by_arn(&self, arn: &ElbArn) -> Result<Option<FoundLoadBalancer>, AwsError> {
        let call = self.elb.call("DescribeLoadBalancers", arn.to_string());
        let request = self.elb.client.describe_load_balancers().load_balancer_arns(arn.as_str());
        let found = none_if_not_found(describe(&call, request).await)?;
        Ok(found.into_iter().find(|found| found.arn() == arn))
    }

    /// `None` if there is none. Names are unique in an account and Region.
    pub async fn load_balancer_by_name(&self, name: &str) -> Result<Option<FoundLoadBalancer>, AwsError> {
        let call = self.elb.call("DescribeLoadBalancers", format!("load balancer {name:?}"));
        let request = self.elb.client.describe_load_balancers().names(name);
        Ok(none_if_not_found(describe(&call, request).await)?.into_iter().next())
    }

    /// All load balancers; reads that are wanted at the same time share one.
    pub async fn load_balancers(&self) -> Result<Vec<FoundLoadBalancer>, AwsError> {
        let all = self.load_balancers.get(()).await.map_err(|error| (*error).clone())?.unwrap_or_default();
        Ok(all.to_vec())
    }

    /// The load balancers that carry all these tags. All load balancers and their tags are read for it, as
    /// there is no filter; reads that are wanted at the same time share one.
    pub async fn load_balancers_tagged(&self, tags: &Tags) -> Result<Vec<FoundLoadBalancer>, AwsError> {
        let all = self.tagged_load_balancers.get(()).await.map_err(|error| (*error).clone())?.unwrap_or_default();
        let carries_all = |each: &TaggedLoadBalancer| tags.iter().all(|(key, value)| each.tags.get(key) == Some(value));
        Ok(all.iter().filter(|each| carries_all(each)).map(|each| each.found.clone()).collect())
    }

    /// The load balancers that have one of these DNS names. The DNS names tell the names that are asked for; only
    /// where one does not, all load balancers are read, and reads that are wanted at the same time share one.
    pub async fn load_balancers_at(&self, hosts: &BTreeSet<String>) -> Result<Vec<LoadBalancer>, AwsError> {
        let mut found = BTreeMap::new();
        let mut left = Vec::new();
        for host in hosts {
            let named = match dns::name_in(host) {
                Some(name) => self.load_balancer_by_name(name).await?,
                None => None,
            };
            match named.as_ref().and_then(|named| named.at(host)) {
                Some(at) => drop(found.insert(at.arn.clone(), at.clone())),
                None => left.push(host),
            }
        }
        if !left.is_empty() {
            let all = self.load_balancers.get(()).await.map_err(|error| (*error).clone())?.unwrap_or_default();
            let at_any = all.iter().filter_map(|each| left.iter().find_map(|host| each.at(host)));
            found.extend(at_any.map(|at| (at.arn.clone(), at.clone())));
        }
        Ok(found.into_values().collect())
    }
}

/// Source: `DescribeLoadBalancers`.
async fn describe(
    call: &Call,
    request: DescribeLoadBalancersFluentBuilder,
) -> Result<Vec<FoundLoadBalancer>, AwsError> {
    let open = |page: DescribeLoadBalancersOutput| Page { items: page.load_balancers, next: page.next_marker };
    let all = all_pages(call, request.into_paginator().send(), open).await?;
    all.iter().map(|each| load_balancer(call, each)).collect()
}

impl Elb {
    pub async fn read_load_balancers(&self) -> Result<Vec<FoundLoadBalancer>, AwsError> {
        let call = self.call("DescribeLoadBalancers", "load balancers by DNS name");
        describe(&call, self.client.describe_load_balancers().page_size(PAGE)).await
    }

    pub async fn read_tagged_load_balancers(&self) -> Result<Vec<TaggedLoadBalancer>, AwsError> {
        let call = self.call("DescribeLoadBalancers", "load balancers by tags");
        let all = describe(&call, self.client.describe_load_balancers().page_size(PAGE)).await?;
        let arns: Vec<&ElbArn> = all.iter().map(FoundLoadBalancer::arn).collect();
        let mut tags = BTreeMap::new();
        for arns in arns.chunks(TAGS_OF) {
            tags.extend(self.tags_of_those_left(arns).await?);
        }
        let with_tags =
            |found: FoundLoadBalancer| tags.remove(found.arn()).map(|tags| TaggedLoadBalancer { found, tags });
        Ok(all.into_iter().filter_map(with_tags).collect())
    }

    /// The tags of those that are still there: one that has gone makes the whole call fail.
    async fn tags_of_those_left(&self, arns: &[&ElbArn]) -> Result<Vec<(ElbArn, Tags)>, AwsError> {
        match self.tags_of(arns).await {
            Err(error) if error.class() == ErrorClass::NotFound => {}
            other => return other,
        }
        let mut left = Vec::new();
        for arn in arns {
            left.extend(none_if_not_found(self.tags_of(&[arn]).await)?);
        }
        Ok(left)
    }

    /// Source: `DescribeTags`.
    async fn tags_of(&self, arns: &[&ElbArn]) -> Result<Vec<(ElbArn, Tags)>, AwsError> {
        let call = self.call("DescribeTags", "load balancers");
        let texts = arns.iter().map(|arn| arn.as_str().to_owned()).collect();
        let answer = self.client.describe_tags().set_resource_arns(Some(texts)).send().await;
        let described = answer.map_err(|error| call.failed(error))?.tag_descriptions;
        let described = described.ok_or_else(|| call.malformed("list of tags"))?;
        let tags: Vec<(ElbArn, Tags)> = described
            .iter()
            .map(|each| Ok((arn(&call, each.resource_arn())?, tags(each.tags()))))
            .collect::<Result<_, AwsError>>()?;
        let answered: BTreeSet<&ElbArn> = tags.iter().map(|(arn, _)| arn).collect();
        if arns.iter().all(|arn| answered.contains(arn)) {
            Ok(tags)
        } else {
            Err(call.malformed("tags of a load balancer"))
        }
    }
}

fn tags(tags: &[sdk::Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))).collect()
}

/// Source: `LoadBalancer`.
fn load_balancer(call: &Call, from: &sdk::LoadBalancer) -> Result<FoundLoadBalancer, AwsError> {
    let lacks = |field| call.malformed(field);
    let arn = arn(call, from.load_balancer_arn())?;
    let kind = match from.r#type().ok_or_else(|| lacks("load balancer type"))? {
        sdk::LoadBalancerTypeEnum::Application => LoadBalancerKind::Application,
        sdk::LoadBalancerTypeEnum::Network => LoadBalancerKind::Network,
        other => return Ok(FoundLoadBalancer::WithoutGroups { arn, kind: other.as_str().to_owned() }),
    };
    let scheme = match from.scheme() {
        Some(sdk::LoadBalancerSchemeEnum::InternetFacing) => LoadBalancerScheme::InternetFacing,
        Some(sdk::LoadBalancerSchemeEnum::Internal) => LoadBalancerScheme::Internal,
        _ => return Err(lacks("scheme")),
    };
    Ok(FoundLoadBalancer::Usable(LoadBalancer {
        arn,
        name: from.load_balancer_name().ok_or_else(|| lacks("load balancer name"))?.to_owned(),
        dns_name: from.dns_name().ok_or_else(|| lacks("DNS name"))?.to_owned(),
        kind,
        scheme,
        ip_address_type: from.ip_address_type().ok_or_else(|| lacks("IP address type"))?.as_str().to_owned(),
        vpc: from.vpc_id().ok_or_else(|| lacks("VPC id"))?.into(),
        groups: from.security_groups().iter().map(|id| SecurityGroupId::new(id.as_str())).collect(),
    }))
}
