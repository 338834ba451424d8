//! What befalls a controller that is neither a refused nor a lost call: two leaders, old knowledge, reads that lag, and
//! calls that arrive when the world has moved on.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use sgbind_sim::Fault;
use tokio::time::sleep;

use super::oracle::Oracle;
use super::run::{begin, in_virtual_time};
use super::scenarios::{CHANGE_OF_PORTS, LOAD_BALANCER_OF_AN_INGRESS_REPLACED, Scenario};
use super::stage::{Controller, Stage};

const HOUR: Duration = Duration::from_secs(3600);

/// A world in which the scenario's bindings are in sync, and the controller that has made them so.
async fn begun(scenario: &Scenario, seed: u64) -> (Stage, Controller) {
    let stage = Stage::with(seed, (scenario.estate)()).await;
    let controller = begin(&stage, scenario).await.unwrap_or_else(|what| panic!("seed {seed}: {what}"));
    (stage, controller)
}

async fn until_in_sync(stage: &Stage) {
    let in_sync = |stage: &Stage| stage.condition("shop", "Ready").as_deref() == Some("Ready=True InSync");
    assert!(stage.until(HOUR, in_sync).await.is_some(), "{:#?}", stage.object("shop"));
}

/// Somebody acts; whatever these processes do then is safe, leads to the rules that must result, and stays so for an hour.
async fn ends_well(stage: &Stage, scenario: &Scenario, controllers: &[&Controller]) -> Oracle {
    scenario.act.carry_out(&stage.world).await;
    let oracle = Oracle::new(stage, scenario);
    controllers.iter().for_each(|controller| oracle.watch(&controller.process));
    stage.until_rules(scenario.after).await;
    until_in_sync(stage).await;
    stays_well(stage, scenario, &oracle).await;
    oracle
}

async fn stays_well(stage: &Stage, scenario: &Scenario, oracle: &Oracle) {
    sleep(HOUR).await;
    stage.until_rules(scenario.after).await;
    assert_eq!(oracle.violations(), Vec::<String>::new());
}

#[test]
fn a_leader_that_wakes_with_old_knowledge_takes_nothing_away_that_is_needed_by_now() {
    in_virtual_time(async {
        let scenario = &CHANGE_OF_PORTS;
        let (stage, first) = begun(scenario, 3).await;
        // It hears of nothing any more, and its calls to renew the lease go nowhere: another leads.
        first.process.hold_events();
        (0..30).for_each(|_| first.process.inject_into("/leases/", Fault::Hung));
        let second = stage.start("second");
        let oracle = ends_well(&stage, scenario, &[&first, &second]).await;
        first.process.release_events();
        stays_well(&stage, scenario, &oracle).await;
    });
}

#[test]
fn two_controllers_that_both_believe_to_lead_do_no_harm() {
    in_virtual_time(async {
        let (stage, first) = begun(&CHANGE_OF_PORTS, 4).await;
        let second = stage.start_with("second", |settings| settings.leader_election = false);
        ends_well(&stage, &CHANGE_OF_PORTS, &[&first, &second]).await;
    });
}

#[test]
fn reads_that_lag_by_up_to_ten_seconds_lead_to_the_same_rules() {
    for seed in 0..5 {
        in_virtual_time(async move {
            let (stage, first) = begun(&CHANGE_OF_PORTS, seed).await;
            // Reads may also be of a time when the groups were not there yet.
            stage.simulation.aws.world().dials.lag = Duration::from_secs(10);
            ends_well(&stage, &CHANGE_OF_PORTS, &[&first]).await;
        });
    }
}

#[test]
fn aws_throttles_and_the_rules_come_all_the_same() {
    in_virtual_time(async {
        let (stage, first) = begun(&CHANGE_OF_PORTS, 5).await;
        stage.simulation.aws.world().dials.throttling = true;
        ends_well(&stage, &CHANGE_OF_PORTS, &[&first]).await;
    });
}

#[test]
fn a_late_status_does_not_come_upon_a_namesake() {
    in_virtual_time(async {
        let scenario = &CHANGE_OF_PORTS;
        let (stage, first) = begun(scenario, 6).await;
        first.process.inject_into("/shop/status", Fault::Late);
        scenario.act.carry_out(&stage.world).await;
        sleep(Duration::from_secs(5)).await;
        // Somebody removes the finalizer by force, and makes a binding of the same name.
        let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        stage.world.bindings().patch("shop", &PatchParams::default(), &free).await.expect("patched");
        stage.world.delete("shop").await;
        stage.world.apply("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 10.0.0.0/8}]}").await;
        // The late call arrives; until the next look the controller has nothing to say of the new binding.
        first.kill();
        sleep(Duration::from_secs(40)).await;
        let conditions = stage.object("shop").map(|binding| binding["status"]["conditions"].clone());
        assert_eq!(conditions, Some(Value::Null), "{:#?}", stage.object("shop"));
    });
}

#[test]
fn a_load_balancer_that_is_replaced_is_followed_at_once_where_it_is_watched_and_found_where_it_is_not() {
    for unwatched in [false, true] {
        in_virtual_time(async move {
            let scenario = &LOAD_BALANCER_OF_AN_INGRESS_REPLACED;
            let (stage, first) = begun(scenario, 8).await;
            if unwatched {
                // Ingresses can't be listed nor watched any more; what is watched by now ends within five minutes.
                (0..1000).for_each(|_| first.process.inject_into("/ingresses?", Fault::Refused));
                sleep(Duration::from_secs(600)).await;
            }
            scenario.act.carry_out(&stage.world).await;
            let made = |stage: &Stage| scenario.after.iter().all(|rule| stage.rules().contains(*rule));
            let took = stage.until(HOUR, made).await.expect("the new rules come");
            // Everything is looked up again every five minutes, and a tenth more.
            let regular = Duration::from_secs(330);
            let limit = if unwatched { regular } else { Duration::from_secs(15) };
            assert!(took <= limit, "unwatched {unwatched}: {took:?}");
            stage.until_rules(scenario.after).await;
        });
    }
}

#[test]
fn an_ingress_that_cannot_be_read_takes_no_rule_away() {
    in_virtual_time(async {
        let scenario = &LOAD_BALANCER_OF_AN_INGRESS_REPLACED;
        let (stage, first) = begun(scenario, 9).await;
        (0..1000).for_each(|_| first.process.inject_into("/ingresses/web", Fault::Refused));
        stage.world.remove("Ingress", "web").await;
        sleep(HOUR).await;
        stage.until_rules(scenario.before).await;
        let told = stage.condition("shop", "Resolved");
        assert_eq!(told.as_deref(), Some("Resolved=False LoadBalancerPending"));
        // It can be read again, and is gone. Its load balancer serves on; when that is gone too, the rules may go.
        first.kill();
        let _second = stage.start("second");
        sleep(HOUR).await;
        stage.until_rules(scenario.before).await;
        stage.world.remove_load_balancer("shop").await;
        stage.until_rules(&[]).await;
    });
}
