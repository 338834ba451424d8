//! The load balancer that is meant, and what to say where there is none.

use std::cmp::Reverse;

use anyhow::{Context as _, bail};

use crate::aws::{Cloud, FoundLoadBalancer, LoadBalancer};
use crate::model::{ElbArn, Scope};

/// How many names are listed.
const LISTED: usize = 10;

/// How a load balancer is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Arn(ElbArn),
    Name(String),
}

impl Named {
    /// Where it is, if that is said.
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Self::Arn(arn) => Some(arn.scope()),
            Self::Name(_) => None,
        }
    }
}

/// # Errors
/// It is the ARN of something else.
pub fn parse(text: &str) -> anyhow::Result<Named> {
    if text.trim().is_empty() {
        bail!("expected the name or ARN of a load balancer, found nothing");
    }
    if !text.starts_with("arn:") {
        return Ok(Named::Name(text.to_owned()));
    }
    let expected = "expected the name of a load balancer, or an ARN such as \
                    arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID";
    let Some((prefix, resource)) = text.split_once(":elasticloadbalancing:").and_then(|(_, rest)| {
        let (place, resource) = rest.rsplit_once(':')?;
        text.strip_suffix(resource).filter(|_| place.contains(':')).map(|prefix| (prefix, resource))
    }) else {
        bail!("this is no ARN of Elastic Load Balancing: {expected}");
    };
    let parts: Vec<&str> = resource.split('/').collect();
    match parts[..] {
        ["loadbalancer", "app" | "net" | "gwy", ..] => {
            ElbArn::parse(text).map(Named::Arn).with_context(|| format!("this ARN is not whole: {expected}"))
        }
        ["loadbalancer", ..] => {
            bail!("this is a Classic Load Balancer, which can't be bound: {expected}")
        }
        ["targetgroup", ..] => {
            bail!(
                "this is the ARN of a target group: {expected}. DescribeTargetGroups tells which load balancers use it"
            )
        }
        ["listener" | "listener-rule", kind, name, id, ..] => {
            bail!(
                "this is the ARN of a listener or rule: write that of its load balancer, {prefix}loadbalancer/{kind}/{name}/{id}"
            )
        }
        _ => bail!("this is the ARN of something else: {expected}"),
    }
}

/// The load balancer, which has security groups.
///
/// # Errors
/// It is not there, is of a type without security groups, or has none.
pub async fn find(cloud: &Cloud, named: &Named) -> anyhow::Result<LoadBalancer> {
    let found = match named {
        Named::Arn(arn) => cloud.load_balancer_by_arn(arn).await?,
        Named::Name(name) => cloud.load_balancer_by_name(name).await?,
    };
    match found {
        Some(FoundLoadBalancer::Usable(found)) => Ok(found),
        Some(FoundLoadBalancer::WithoutGroups { arn, kind }) => {
            bail!(
                "{arn} is a {kind} load balancer, which has no security groups: expected an application or network load balancer"
            )
        }
        None => {
            let wanted = match named {
                Named::Arn(arn) => arn.name(),
                Named::Name(name) => name,
            };
            let others =
                cloud.load_balancers().await.context("no such load balancer, and the others can't be listed")?;
            let names = others.iter().map(|found| found.arn().name().to_owned()).collect();
            bail!("there is no such load balancer in {}{}", cloud.scope(), instead(wanted, names))
        }
    }
}

/// What may have been meant, the likeliest first, else what there is.
fn instead(wanted: &str, mut names: Vec<String>) -> String {
    if names.is_empty() {
        return ", nor any other: check --region and the account".into();
    }
    names.sort();
    let near = |name: &&String| {
        let (name, wanted) = (name.to_lowercase(), wanted.to_lowercase());
        let part = name.contains(&wanted) || wanted.contains(&name);
        part || strsim::jaro_winkler(&name, &wanted) > 0.8
    };
    let mut likely: Vec<String> = names.iter().filter(near).cloned().collect();
    // Names that are as near stay in order.
    likely.sort_by_key(|name| Reverse((strsim::jaro_winkler(name, wanted) * 1000.0) as u32));
    if likely.is_empty() {
        format!(". There are {}. Check --region and the account, too", listed(&names))
    } else {
        format!(". Did you mean {}?", listed(&likely))
    }
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(LISTED);
    let first = names[..names.len() - more].join(", ");
    if more == 0 { first } else { format!("{first}, and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse(text).expect_err("it is refused").to_string()
    }

    #[test]
    fn names_and_arns_of_load_balancers_are_taken() {
        assert_eq!(parse("shop").unwrap(), Named::Name("shop".into()));
        for kind in ["app", "net", "gwy"] {
            let text = format!(
                "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/{kind}/shop/50dc6c495c0c9188"
            );
            assert_eq!(parse(&text).unwrap(), Named::Arn(ElbArn::parse(&text).unwrap()));
        }
    }

    #[test]
    fn other_arns_are_told_from_them() {
        let elb = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:";
        let expected = "expected the name of a load balancer, or an ARN such as \
                        arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID";
        assert_eq!(
            refused(&format!("{elb}targetgroup/app/73e2d6bc24d8a067")),
            format!(
                "this is the ARN of a target group: {expected}. DescribeTargetGroups tells which load balancers use it"
            )
        );
        assert_eq!(
            refused(&format!("{elb}listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2")),
            format!(
                "this is the ARN of a listener or rule: write that of its load balancer, \
                 {elb}loadbalancer/app/shop/50dc6c495c0c9188"
            )
        );
        assert_eq!(
            refused(&format!("{elb}loadbalancer/shop")),
            format!("this is a Classic Load Balancer, which can't be bound: {expected}")
        );
        assert_eq!(
            refused("arn:aws:ec2:eu-central-1:123456789012:security-group/sg-1"),
            format!("this is no ARN of Elastic Load Balancing: {expected}")
        );
        assert_eq!(
            refused("arn:aws:elasticloadbalancing:eu-central-1:12:loadbalancer/app/shop/50dc6c495c0c9188"),
            format!("this ARN is not whole: {expected}")
        );
        assert_eq!(refused(" "), "expected the name or ARN of a load balancer, found nothing");
    }

    #[test]
    fn near_names_are_told_before_others() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(instead("shp", names(&["orders", "shop", "shop-blue"])), ". Did you mean shop, shop-blue?");
        assert_eq!(instead("Shop", names(&["shop"])), ". Did you mean shop?");
        assert_eq!(
            instead("zzz", names(&["shop", "orders"])),
            ". There are orders, shop. Check --region and the account, too"
        );
        assert_eq!(instead("shop", Vec::new()), ", nor any other: check --region and the account");
        let many: Vec<String> = (10..25).map(|number| format!("lb-{number}")).collect();
        assert_eq!(
            instead("zzz", many),
            ". There are lb-10, lb-11, lb-12, lb-13, lb-14, lb-15, lb-16, lb-17, lb-18, lb-19, and 5 more. Check --region \
             and the account, too"
        );
    }
}
