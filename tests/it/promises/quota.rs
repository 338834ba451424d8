//! Groups in which not everything fits. The quota is made small: what is tried is how it is counted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use sgbind_sim::Simulation;
use sgbind_sim::aws::Scope;
use tokio::time::sleep;

use super::stand::Stand;
use crate::simulation::{in_virtual_time, rules};
use crate::world::{World, aws, estate, group};

/// So long nothing more may happen: some resyncs.
const QUIET: Duration = Duration::from_secs(3);
/// Two objects that are made one after the other differ in age by at least the second that Kubernetes tells.
const SECOND: Duration = Duration::from_millis(1100);

/// From now on so many rules fit into each direction of a group.
fn allow(simulation: &Simulation, rules: u32) {
    let home = Scope { account: aws::ACCOUNT.into(), region: aws::REGION.into() };
    simulation.aws.world().set_rules_per_group(&home, rules);
}

/// The simulated AWS with a group of which so many rules may be.
async fn small(stand: &Stand, rules: u32) -> World {
    let world = stand.served(estate().group(group("DB-SG"))).await;
    allow(world.simulation.as_ref().expect("it is simulated"), rules);
    world
}

/// An access that opens ports of DB-SG to a network.
fn access(ports: &[u16], network: &str) -> String {
    let ports: Vec<String> = ports.iter().map(|port| format!("{{protocol: TCP, port: {port}}}")).collect();
    let ports = ports.join(", ");
    format!("{{securityGroup: {{id: $DB-SG}}, ingress: [{{ports: [{ports}], from: [{{cidr: {network}}}]}}]}}")
}

/// No call that makes rules fails: what does not fit is not asked for.
pub async fn the_quota_is_counted_beforehand(stand: Stand) {
    let stage = stand.simulated(estate().group(group("DB-SG"))).await;
    allow(&stage.simulation, 3);
    let _controller = stage.start("controller");
    stage.world.apply("sga/first", &access(&[1, 2], "10.0.0.0/8")).await;
    stage.world.wait_for("sga/first", "Ready=True InSync").await;
    stand.begins();
    stage.world.apply("sga/second", &access(&[3, 4], "10.0.0.0/8")).await;
    stage.world.wait_for("sga/second", "Ready=False RuleQuotaExceeded").await;
    assert_eq!(stage.rules(), rules::these(&["DB-SG in tcp 1 <- 10.0.0.0/8", "DB-SG in tcp 2 <- 10.0.0.0/8"]));
    let trace = stage.simulation.trace.last();
    let made: Vec<&String> = trace.iter().filter(|line| line.contains("AuthorizeSecurityGroup")).collect();
    assert!(!made.is_empty());
    let failed: Vec<&&String> = made.iter().filter(|line| line.contains(" 400")).collect();
    assert!(failed.is_empty(), "AWS had to refuse: {failed:#?}");
}

/// Both are there before anything is written.
pub async fn the_newest_is_refused_first(stand: Stand) {
    let world = small(&stand, 3).await;
    world.apply("sga/older", &access(&[1, 2], "10.0.0.0/8")).await;
    sleep(SECOND).await;
    world.apply("sga/newer", &access(&[3, 4], "10.0.0.0/8")).await;
    let _controller = world.controller(&[]).await;
    world.status_has("sga/older", "Ready=").await;
    world.status_has("sga/newer", "Ready=").await;
    stand.begins();
    world.wait_for("sga/older", "Ready=True InSync").await;
    let told = world.wait_for("sga/newer", "Ready=False RuleQuotaExceeded").await;
    assert_eq!(
        world.named(told),
        "security group DB-SG has no room for the ingress rules of this object: 2 of 3 IPv4 rules are taken, so 1 more fit, \
         and it needs 2 more. Let it, or others, need fewer rules (a prefix list counts by its size), or have the quota \
         \"Inbound or outbound rules per security group\" (L-0EA8095F) raised"
    );
    world.wait_for("sga/newer", "Stalled=True RuleQuotaExceeded").await;
    world.status_has("sga/newer", "held: authorize DB-SG ingress tcp 3 from 10.0.0.0/8: RuleQuotaExceeded").await;
    world.expect_rules(&["DB-SG in tcp 1 <- 10.0.0.0/8", "DB-SG in tcp 2 <- 10.0.0.0/8"]).await;
}

/// The list may have five entries, and one rule is there.
pub async fn a_prefix_list_counts_by_its_size(stand: Stand) {
    let world = small(&stand, 5).await;
    world.prefix_list("PL-OFFICES").await;
    world.authorize(&["DB-SG in tcp 22 <- 10.0.0.0/8"]).await;
    let _controller = world.controller(&[]).await;
    let spec = "{securityGroup: {id: $DB-SG}, ingress: [{services: [HTTPS], from: [{prefixList: {id: $PL-OFFICES}}]}]}";
    world.apply("sga/db", spec).await;
    world.status_has("sga/db", "Ready=").await;
    stand.begins();
    let told = world.wait_for("sga/db", "Ready=False RuleQuotaExceeded").await;
    assert!(told.contains("1 of 5 IPv4 rules are taken, so 4 more fit, and it needs 5 more"), "{told}");
    world.revoke(&["DB-SG in tcp 22 <- 10.0.0.0/8"]).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.expect_rules(&["DB-SG in tcp 443 <- PL-OFFICES"]).await;
    world.status_has("sga/db", "DB-SG in 5/5 out 0/5").await;
}

/// Two rules of each family fit, and two rules of each direction.
pub async fn families_and_directions_count_apart(stand: Stand) {
    let world = small(&stand, 2).await;
    let _controller = world.controller(&[]).await;
    let spec = "{securityGroup: {id: $DB-SG},
        ingress: [{ports: [{protocol: TCP, port: 1}, {protocol: TCP, port: 2}], from: [{cidr: 10.0.0.0/8}, {cidr: 'fd00::/8'}]}],
        egress: [{ports: [{protocol: TCP, port: 1}, {protocol: TCP, port: 2}], to: [{cidr: 10.0.0.0/8}]}]}";
    world.apply("sga/db", spec).await;
    world.status_has("sga/db", "Ready=").await;
    stand.begins();
    world.wait_for("sga/db", "Ready=True InSync").await;
    let rules = [
        "DB-SG in tcp 1 <- 10.0.0.0/8",
        "DB-SG in tcp 1 <- fd00::/8",
        "DB-SG in tcp 2 <- 10.0.0.0/8",
        "DB-SG in tcp 2 <- fd00::/8",
        "DB-SG out tcp 1 -> 10.0.0.0/8",
        "DB-SG out tcp 2 -> 10.0.0.0/8",
    ];
    world.expect_rules(&rules).await;
    world.status_has("sga/db", "DB-SG in 2/2 out 2/2").await;
}

/// The group holds what a newer object needs, an older one finds no room.
pub async fn rules_in_place_are_never_given_up(stand: Stand) {
    let world = small(&stand, 2).await;
    world
        .apply(
            "sga/older",
            &access(&[1], "10.0.0.0/8").replace("{securityGroup", "{enforcement: Observe, securityGroup"),
        )
        .await;
    let _controller = world.controller(&[]).await;
    sleep(SECOND).await;
    world.apply("sga/newer", &access(&[2, 3], "10.0.0.0/8")).await;
    world.wait_for("sga/newer", "Ready=True InSync").await;
    stand.begins();
    let before = world.rule_ids().await;
    world.apply("sga/older", &access(&[1], "10.0.0.0/8")).await;
    world.wait_for("sga/older", "Ready=False RuleQuotaExceeded").await;
    sleep(QUIET).await;
    world.expect_rules(&["DB-SG in tcp 2 <- 10.0.0.0/8", "DB-SG in tcp 3 <- 10.0.0.0/8"]).await;
    assert_eq!(world.rule_ids().await, before, "rules were taken away in between");
}

/// Old and new ports do not fit side by side.
pub async fn in_a_full_group_surplus_goes_first(stand: Stand) {
    let world = small(&stand, 2).await;
    let _controller = world.controller(&[]).await;
    world.apply("sga/db", &access(&[1, 2], "10.0.0.0/8")).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    stand.begins();
    world.apply("sga/db", &access(&[3, 4], "10.0.0.0/8")).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    world.expect_rules(&["DB-SG in tcp 3 <- 10.0.0.0/8", "DB-SG in tcp 4 <- 10.0.0.0/8"]).await;
}

/// One rule more fits than there are: a narrower network takes its place rule by rule, and whoever is in both is let in
/// all the time.
pub async fn a_swap_lets_in_at_each_moment_who_is_needed(stand: Stand) {
    const PORTS: [u16; 3] = [1, 2, 3];
    let stage = stand.simulated(estate().group(group("DB-SG"))).await;
    allow(&stage.simulation, 4);
    let process = stage.simulation.process("controller");
    let moments: Arc<Mutex<Vec<BTreeSet<String>>>> = Arc::default();
    let (seen, aws, names) = (Arc::clone(&moments), stage.simulation.aws.clone(), stage.world.names());
    process.observe(move |_| {
        let named = |text: String| names.iter().fold(text, |text, (id, name)| text.replace(id, name));
        seen.lock().expect("no panic while it is held").push(rules::all(&aws, &named));
    });
    let _controller = stage.start_as(process, |_| {});
    stage.world.apply("sga/db", &access(&PORTS, "10.0.0.0/8")).await;
    stage.world.wait_for("sga/db", "Ready=True InSync").await;
    stand.begins();
    moments.lock().expect("no panic while it is held").clear();
    stage.world.apply("sga/db", &access(&PORTS, "10.1.0.0/16")).await;
    stage.world.wait_for("sga/db", "Ready=True InSync").await;
    let narrow = |port: &u16| format!("DB-SG in tcp {port} <- 10.1.0.0/16");
    assert_eq!(stage.rules(), PORTS.iter().map(narrow).collect());
    let moments = moments.lock().expect("no panic while it is held").clone();
    for rules in &moments {
        for port in PORTS {
            let lets_in =
                rules.contains(&narrow(&port)) || rules.contains(&format!("DB-SG in tcp {port} <- 10.0.0.0/8"));
            assert!(lets_in, "port {port} is closed: {moments:#?}");
        }
    }
    assert!(moments.iter().any(|rules| rules.len() == 4), "{moments:#?}");
}

const WIDE: &str = "DB-SG in tcp 1 <- 10.0.0.0/8";
const NARROW: &str = "DB-SG in tcp 1 <- 10.1.0.0/16";
const HELD: &str = "held: authorize DB-SG ingress tcp 1 from 10.1.0.0/16: GapUnavoidable";

/// Neither fits beside the other, and the old one lets in who is needed.
pub async fn a_gap_waits_for_a_persons_word(stand: Stand) {
    let world = small(&stand, 1).await;
    let _controller = world.controller(&[]).await;
    world.apply("sga/db", &access(&[1], "10.0.0.0/8")).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    stand.begins();
    let narrow = access(&[1], "10.1.0.0/16");
    world.apply("sga/db", &narrow).await;
    let told = world.status_has("sga/db", HELD).await;
    assert!(told.contains("give the object's annotation sgbind.dev/allow-gap a new value"), "{told}");
    world.wait_for("sga/db", "Ready=False Held").await;
    sleep(QUIET).await;
    world.expect_rules(&[WIDE]).await;
    world.apply_annotated("sga/db", json!({"sgbind.dev/allow-gap": "tonight"}), &narrow).await;
    world.rules_become(&[NARROW]).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    assert_eq!(acknowledged(&world).await.as_deref(), Some("tonight"));
}

/// Another gap, with the same token.
pub async fn a_token_acts_once(stand: Stand) {
    let world = small(&stand, 1).await;
    let _controller = world.controller(&[]).await;
    let word = |value: &str| json!({"sgbind.dev/allow-gap": value});
    let (wide, narrow) = (access(&[1], "10.0.0.0/8"), access(&[1], "10.1.0.0/16"));
    world.apply_annotated("sga/db", word("first"), &wide).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    assert_eq!(acknowledged(&world).await, None, "it has not acted");
    world.apply_annotated("sga/db", word("first"), &narrow).await;
    world.rules_become(&[NARROW]).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    assert_eq!(acknowledged(&world).await.as_deref(), Some("first"));
    stand.begins();
    world.apply_annotated("sga/db", word("first"), &wide).await;
    world.status_has("sga/db", "held: authorize DB-SG ingress tcp 1 from 10.0.0.0/8: GapUnavoidable").await;
    sleep(QUIET).await;
    world.expect_rules(&[NARROW]).await;
    world.apply_annotated("sga/db", word("second"), &wide).await;
    world.rules_become(&[WIDE]).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    assert_eq!(acknowledged(&world).await.as_deref(), Some("second"));
}

async fn acknowledged(world: &World) -> Option<String> {
    world.get("sga/db").await.status()?.acknowledged.as_ref()?.allow_gap.clone()
}

/// It was raised, or lowered, for the account.
pub async fn the_limit_is_what_service_quotas_says(stand: Stand) {
    let world = small(&stand, 7).await;
    let controller = world.controller(&[]).await;
    world.apply("sga/db", &access(&[1, 2], "10.0.0.0/8")).await;
    world.wait_for("sga/db", "Ready=True InSync").await;
    stand.begins();
    world.expect_rules(&["DB-SG in tcp 1 <- 10.0.0.0/8", "DB-SG in tcp 2 <- 10.0.0.0/8"]).await;
    world.status_has("sga/db", "DB-SG in 2/7 out 0/7").await;
    let (_, metrics) = controller.get("/metrics").await;
    let headroom = |line: &&str| line.starts_with("sgbind_quota_headroom") && line.contains("ingress");
    let headroom = metrics.lines().find(headroom).expect("the headroom");
    assert!(headroom.ends_with(" 5"), "{headroom}");
}

/// `--rule-quota` counts, whatever Service Quotas says.
#[test]
fn an_option_overrides_service_quotas() {
    in_virtual_time(async {
        let stage = Stand::default().simulated(estate().group(group("DB-SG"))).await;
        allow(&stage.simulation, 7);
        let _controller = stage.start_with("controller", |settings| settings.rule_quota = Some(1));
        stage.world.apply("sga/db", &access(&[1, 2], "10.0.0.0/8")).await;
        let told = stage.world.wait_for("sga/db", "Ready=False RuleQuotaExceeded").await;
        assert!(told.contains("0 of 1 IPv4 rules are taken, so 1 more fit, and it needs 2 more"), "{told}");
        stage.world.status_has("sga/db", "DB-SG in 0/1 out 0/1").await;
        stage.stays(&[], Duration::from_secs(10 * 60)).await;
    });
}

/// AWS refuses the whole call for a peer that does not exist.
pub async fn one_bad_rule_keeps_no_other_out(stand: Stand) {
    let world = stand.moto(estate().group(group("DB-SG"))).await;
    let _controller = world.controller(&[]).await;
    let spec = "{securityGroup: {id: $DB-SG}, ingress: [{services: [PostgreSQL],
        from: [{cidr: 10.0.0.0/8}, {securityGroup: {id: sg-00000000000000bad}}, {cidr: 192.168.0.0/16}]}]}";
    world.apply("sga/db", spec).await;
    world.status_has("sga/db", "Ready=").await;
    stand.begins();
    world.rules_become(&["DB-SG in tcp 5432 <- 10.0.0.0/8", "DB-SG in tcp 5432 <- 192.168.0.0/16"]).await;
    let told = world.wait_for("sga/db", "Ready=False SecurityGroupNotFound").await;
    assert!(told.contains("sg-00000000000000bad"), "{told}");
}
