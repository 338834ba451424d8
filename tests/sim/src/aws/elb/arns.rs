//! ARNs as Elastic Load Balancing forms them.
//!
//! Source: "Resource types defined by AWS Elastic Load Balancing V2" in the Service Authorization Reference.

use crate::aws::{Scope, World};

use super::model::BalancerKind;

/// `arn:aws:elasticloadbalancing:REGION:ACCOUNT:`.
fn prefix(scope: &Scope) -> String {
    let partition = match scope.region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if scope.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    format!("arn:{partition}:elasticloadbalancing:{}:{}:", scope.region, scope.account)
}

/// `…:loadbalancer/app/NAME/ID`.
pub fn load_balancer(world: &mut World, scope: &Scope, kind: BalancerKind, name: &str) -> String {
    format!("{}loadbalancer/{}/{name}/{}", prefix(scope), kind.short(), id(world))
}

/// `…:targetgroup/NAME/ID`.
pub fn target_group(world: &mut World, scope: &Scope, name: &str) -> String {
    format!("{}targetgroup/{name}/{}", prefix(scope), id(world))
}

/// `…:listener/app/NAME/LOAD-BALANCER-ID/ID`.
pub fn listener(world: &mut World, balancer: &str) -> String {
    format!("{}{}", listeners_of(balancer), id(world))
}

/// What the ARNs of all listeners of a load balancer, and of no others, begin with.
pub fn listeners_of(balancer: &str) -> String {
    format!("{}/", balancer.replacen(":loadbalancer/", ":listener/", 1))
}

/// `…:listener-rule/app/NAME/LOAD-BALANCER-ID/LISTENER-ID/ID`.
pub fn rule(world: &mut World, listener: &str) -> String {
    format!("{}/{}", listener.replacen(":listener/", ":listener-rule/", 1), id(world))
}

/// The listener that a rule belongs to.
pub fn listener_of_rule(rule: &str) -> Option<String> {
    let (listener, _) = rule.rsplit_once('/')?;
    listener.contains(":listener-rule/").then(|| listener.replacen(":listener-rule/", ":listener/", 1))
}

/// `app/NAME/ID` of a load balancer.
pub fn path(balancer: &str) -> &str {
    balancer.split_once(":loadbalancer/").map_or(balancer, |(_, path)| path)
}

/// What an ARN is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    LoadBalancer,
    TargetGroup,
    Listener,
    Rule,
}

pub fn kind(arn: &str) -> Option<Kind> {
    match arn.splitn(6, ':').nth(5)?.split('/').next()? {
        "loadbalancer" => Some(Kind::LoadBalancer),
        "targetgroup" => Some(Kind::TargetGroup),
        "listener" => Some(Kind::Listener),
        "listener-rule" => Some(Kind::Rule),
        _ => None,
    }
}

fn id(world: &mut World) -> String {
    format!("{:016x}", world.chance.u64(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arns_of_a_load_balancer_and_what_it_has() {
        let mut world = World::new(1);
        let scope = Scope { account: "123456789012".into(), region: "eu-central-1".into() };
        let balancer = load_balancer(&mut world, &scope, BalancerKind::Application, "shop");
        let listener = listener(&mut world, &balancer);
        let rule = rule(&mut world, &listener);
        let start = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:";
        let id = path(&balancer).strip_prefix("app/shop/").unwrap();
        assert_eq!((id.len(), balancer.clone()), (16, format!("{start}loadbalancer/app/shop/{id}")));
        assert!(listener.starts_with(&format!("{start}listener/app/shop/{id}/")), "{listener}");
        assert_eq!(rule.rsplit_once('/').unwrap().0, listener.replace("listener/", "listener-rule/"));
        assert_eq!(listener_of_rule(&rule), Some(listener.clone()));
        assert_eq!(listener_of_rule(&listener), None);
        let kinds = [Some(Kind::LoadBalancer), Some(Kind::Listener), Some(Kind::Rule), None];
        assert_eq!([kind(&balancer), kind(&listener), kind(&rule), kind("web")], kinds);
    }
}
