//! What a person is told of steps before they are carried out, and of those that are not.

use std::time::Duration;

use super::stand::Stand;
use super::virtually::{RULES, made};
use crate::world::{estate, group};

const MINUTE: Duration = Duration::from_secs(60);

/// A world-open listener and the default egress: flows are not tracked.
pub async fn interruptions(stand: Stand) {
    let shared = group("ALB-SG").shared().with_default_egress();
    let shop = estate().group(shared).internet_facing("shop").forward(443, "app");
    let stage = stand.simulated(shop.target_group("app", 8000).instance("APP-SG")).await;
    let _controller = stage.start("controller");
    let spec = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove}";
    stage.world.apply("shop", spec).await;
    stage.world.wait_for("shop", "Ready=True ForeignRulesKept").await;
    stand.begins();
    let steps = || async {
        let lines = stage.world.status("shop").await;
        lines.into_iter().filter(|line| line.starts_with("plan: ") || line.starts_with("held: ")).collect::<Vec<_>>()
    };
    const EGRESS: &str = "revoke ALB-SG egress all to 0.0.0.0/0";
    const MARK: &str = "(interrupts untracked connections)";
    // No listener's rule admits flows of IPv6.
    const EGRESS_V6: &str = "revoke ALB-SG egress all to ::/0";
    let expected = [
        format!("plan: {EGRESS_V6}"),
        format!("plan: {EGRESS} {MARK}"),
        format!("held: {EGRESS_V6}: ForeignRulesKept"),
        format!("held: {EGRESS} {MARK}: ForeignRulesKept"),
    ];
    assert_eq!(steps().await, expected);
    // And the listener's own rule, when it is to go.
    let observed = spec.replace("foreignRules: Remove", "enforcement: Observe").replace("0.0.0.0/0", "10.0.0.0/8");
    stage.world.apply("shop", &observed).await;
    stage.world.wait_for("shop", "Ready=True Planned").await;
    let plan = steps().await;
    assert!(plan.contains(&format!("plan: revoke ALB-SG ingress tcp 443 from 0.0.0.0/0 {MARK}")), "{plan:#?}");
}

pub async fn once(stand: Stand) {
    let kept = group("ALB-SG").shared().rule("ALB-SG in tcp 22 <- 10.0.0.0/8");
    let shop = estate().group(kept).internet_facing("shop").forward(443, "app");
    let stage = stand.simulated(shop.target_group("app", 8000).instance("APP-SG")).await;
    let _controller = stage.start("controller");
    // No such peer: AWS refuses the rule.
    let clients = "[{cidr: 0.0.0.0/0}, {securityGroup: {id: sg-0123456789abcdef0}}]";
    stage
        .world
        .apply("shop", &format!("{{loadBalancer: {{name: shop}}, clients: {clients}, foreignRules: Remove}}"))
        .await;
    made(&stage, &RULES).await;
    stand.begins();
    tokio::time::sleep(20 * MINUTE).await;
    let events = stage.world.events("shop").await;
    let of = |beginning: &str| events.iter().filter(|event| event.starts_with(beginning)).count();
    assert_eq!(of("Held: ForeignRulesKept: revoke ALB-SG ingress tcp 22 from 10.0.0.0/8"), 1, "{events:#?}");
    assert_eq!(of("Refused: "), 1, "{events:#?}");
    let refused = events.iter().find(|event| event.starts_with("Refused: ")).expect("counted above");
    assert!(refused.contains("authorize ALB-SG ingress tcp 443 from sg-0123456789abcdef0"), "{refused}");
    assert_eq!(stage.condition("shop", "Ready").map(|ready| ready.starts_with("Ready=False")), Some(true));
}
