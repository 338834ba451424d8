mod answers;
mod example;
mod files;
mod shapes;
mod taking;

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::aws::pacing::Pacer;
use crate::aws::{Cloud, Clouds, Source};
use crate::model::AccountRoles;
use crate::telemetry::metrics::Metrics;

const BALANCER: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188";
const IDLE: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/idle/50dc6c495c0c9189";
const LISTENER: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2";
const RULE: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/shop/50dc6c495c0c9188/\
                    f2f7dc8efc522ab2/9683b2d02a6cabee";
const TARGETS: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/73e2d6bc24d8a067";

/// A folder with these files.
fn folder(files: &[(&str, Value)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (command, content) in files {
        std::fs::write(dir.path().join(format!("{command}.json")), content.to_string()).unwrap();
    }
    dir
}

/// The account and Region that these files are of.
async fn cloud(files: &[(&str, Value)]) -> Arc<Cloud> {
    asking(Snapshot::read(folder(files).path()).unwrap()).await
}

async fn asking(snapshot: Snapshot) -> Arc<Cloud> {
    let source = Source::Given(Box::new(snapshot.config(None).unwrap()));
    let pacer = Pacer::without_limits(Arc::new(Metrics::new()));
    let (roles, cluster) = (AccountRoles::default(), "test".parse().unwrap());
    let clouds = Clouds::connect(&source, None, &roles, &cluster, pacer).await.unwrap();
    clouds.scope(clouds.home()).unwrap()
}

/// One load balancer with a listener, a rule and a target group.
fn estate() -> Vec<(&'static str, Value)> {
    let balancer = |arn: &str, name: &str| {
        json!({
            "LoadBalancerArn": arn, "LoadBalancerName": name, "DNSName": format!("{name}-1.eu-central-1.elb.amazonaws.com"),
            "Scheme": "internal", "Type": "application", "IpAddressType": "ipv4", "VpcId": "vpc-1",
            "SecurityGroups": ["sg-1"], "State": {"Code": "active"}, "NewField": {"of": ["next", 1, null, true]},
        })
    };
    let forward = json!([{"Type": "forward", "TargetGroupArn": TARGETS}]);
    vec![
        ("describe-load-balancers", json!({"LoadBalancers": [balancer(BALANCER, "shop"), balancer(IDLE, "idle")]})),
        (
            "describe-listeners",
            json!({"Listeners": [{
                "ListenerArn": LISTENER, "LoadBalancerArn": BALANCER, "Port": 80, "Protocol": "HTTP",
                "DefaultActions": forward,
            }]}),
        ),
        (
            "describe-rules",
            json!({"Rules": [{"RuleArn": RULE, "Priority": "1", "Actions": forward, "IsDefault": false}]}),
        ),
        (
            "describe-target-groups",
            json!({"TargetGroups": [{
                "TargetGroupArn": TARGETS, "TargetGroupName": "app", "Protocol": "HTTP", "Port": 8080, "VpcId": "vpc-1",
                "TargetType": "instance", "LoadBalancerArns": [BALANCER],
            }]}),
        ),
    ]
}
