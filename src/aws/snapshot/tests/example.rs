//! The example that people can try.

use std::time::Duration;

use super::*;
use crate::model::ElbArn;

#[tokio::test]
async fn the_example_is_a_load_balancer_with_two_target_groups() {
    let snapshot = Snapshot::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/snapshot"))).unwrap();
    assert_eq!(snapshot.items.len(), 16, "{:?}", snapshot.items.keys());
    let cloud = asking(snapshot).await;
    assert_eq!(cloud.scope().to_string(), "123456789012/eu-central-1");
    let found = cloud.load_balancers_tagged(&[("app".to_owned(), "shop".to_owned())].into()).await.unwrap();
    let [balancer] = &found[..] else { panic!("{found:?}") };
    let listeners = cloud.listeners(balancer.arn()).await.unwrap();
    let [listener] = &listeners[..] else { panic!("{listeners:?}") };
    assert_eq!(listener.port, 80);
    let mut forwards: Vec<ElbArn> = listener.default_actions.forwards.keys().cloned().collect();
    let rules = cloud.rules_of_listener(&listener.arn).await.unwrap();
    forwards.extend(rules.iter().flat_map(|rule| rule.forwards.keys().cloned()));
    let mut lines = Vec::new();
    for group in cloud.target_groups_of(balancer.arn()).await.unwrap() {
        assert!(forwards.contains(&group.arn));
        let vpc = group.vpc.unwrap();
        for target in cloud.targets(&group.arn).await.unwrap() {
            let interfaces = cloud.interfaces_of_instances(&vpc, &[target.id.as_str().into()].into()).await.unwrap();
            let [interface] = &interfaces[..] else { panic!("{interfaces:?}") };
            let id = interface.groups.first().unwrap();
            let (group_of, read) = (cloud.group(id).await.unwrap().unwrap(), cloud.rules(id).await.unwrap());
            let ingress = read.rules.iter().filter(|rule| rule.spec.to_string().starts_with("ingress")).count();
            let line = format!("{} {} {}: {} ingress rules", group.name, target.state, group_of.name, ingress);
            lines.push(line);
        }
    }
    lines.sort();
    assert_eq!(lines, ["shop-api unhealthy shop-api: 0 ingress rules", "shop-app healthy shop-app: 1 ingress rules"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_turn() {
    let cloud = cloud(&estate()).await;
    let began = tokio::time::Instant::now();
    for _ in 0..1000 {
        cloud.listeners(&ElbArn::parse(BALANCER).unwrap()).await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn tags_of_ec2_say_nothing_of_load_balancers() {
    let mut files = estate();
    let tags = json!({"Tags": [{"Key": "app", "Value": "shop", "ResourceId": "i-1", "ResourceType": "instance"}]});
    files.push(("describe-tags", tags));
    let error = cloud(&files).await.load_balancers_tagged(&Default::default()).await.unwrap_err().to_string();
    assert!(error.contains("describe-tags.json in the snapshot"), "{error}");
    assert!(error.contains("add it by `aws elbv2 describe-tags --resource-arns ARN…`"), "{error}");
}
