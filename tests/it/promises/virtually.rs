//! What scenarios in virtual time have in common.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::simulation::{Controller, Stage, rules};
use crate::world::{Estate, World, estate};

/// An internet-facing load balancer that listens on 443, and an app on 8000.
pub fn standard() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

pub const SPEC: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
pub const CLIENTS: &str = "ALB-SG in tcp 443 <- 0.0.0.0/0";
pub const OUT: &str = "ALB-SG out tcp 8000 -> APP-SG";
pub const IN: &str = "APP-SG in tcp 8000 <- ALB-SG";
pub const RULES: [&str; 3] = [CLIENTS, OUT, IN];
/// What the app needs too.
pub const ACCESS: &str = "{securityGroup: {id: $APP-SG}, ingress: [{ports: [{protocol: TCP, port: 8000}], from: \
                          [{securityGroup: {id: $ALB-SG}}]}]}";
pub const IN_SYNC: &str = "Ready=True InSync";

/// Long enough for all that would be done to be done, and shorter than the time after which things count as gone.
pub const LONG: Duration = Duration::from_secs(12 * 60);

/// Exactly these rules are there, as soon as it is so, and for long.
pub async fn stay(stage: &Stage, expected: &[&str]) {
    stage.until_rules(expected).await;
    stage.stays(expected, LONG).await;
}

/// Waits until these rules, at the least, are there.
pub async fn made(stage: &Stage, needed: &[&str]) {
    let needed = rules::these(needed);
    let came = stage.until(LONG, |stage| needed.is_subset(&stage.rules())).await;
    assert!(came.is_some(), "{needed:#?} is not made, there is {:#?}", stage.rules());
}

/// What was found wrong after writes of a controller.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<String>>>);

impl Faults {
    #[track_caller]
    pub fn are_none(&self) {
        assert_eq!(*self.0.lock().expect("no panic while it is held"), Vec::<String>::new());
    }
}

/// From now on looks after each write of the controller at all rules, and notes what is wrong with them.
pub fn watch(
    stage: &Stage,
    controller: &Controller,
    fault: impl Fn(&BTreeSet<String>) -> Option<String> + Send + Sync + 'static,
) -> Faults {
    let (aws, names, faults) = (stage.simulation.aws.clone(), stage.world.names(), Faults::default());
    let found = faults.clone();
    controller.process.observe(move |site| {
        let named = |text: String| names.iter().fold(text, |text, (id, name)| text.replace(id, name));
        if let Some(fault) = fault(&rules::all(&aws, &named)) {
            let mut faults = found.0.lock().expect("no panic while it is held");
            faults.push(format!("after call {} ({}): {fault}", site.number, site.what));
        }
    });
    faults
}

/// Notes when one of these rules is absent.
pub fn watch_that_stay(stage: &Stage, controller: &Controller, rules: &[&'static str]) -> Faults {
    let rules = rules.to_vec();
    watch(stage, controller, move |there| {
        rules.iter().find(|rule| !there.contains(**rule)).map(|rule| format!("{rule} is absent"))
    })
}

/// Notes when one of the old rules is absent before all of the new ones are there.
pub fn watch_order(stage: &Stage, controller: &Controller, old: &[&'static str], new: &[&'static str]) -> Faults {
    let (old, new) = (old.to_vec(), new.to_vec());
    watch(stage, controller, move |there| {
        let unmade = new.iter().find(|rule| !there.contains(**rule))?;
        let taken = old.iter().find(|rule| !there.contains(**rule))?;
        Some(format!("{taken} is gone, and {unmade} is not there"))
    })
}

/// What the controllers have written so far, to AWS and to the API server, but for the lease.
pub fn writes(controllers: &[&Controller]) -> Vec<String> {
    let sites = controllers.iter().flat_map(|controller| controller.process.sites());
    sites.filter(|site| site.changes && !site.what.contains("/leases")).map(|site| site.what).collect()
}

/// What they have written to AWS so far.
pub fn writes_to_aws(controllers: &[&Controller]) -> Vec<String> {
    writes(controllers).into_iter().filter(|what| what.starts_with("ec2 ")).collect()
}

/// By what all rules of the cluster's controllers are told.
pub async fn identity(world: &World) -> String {
    let namespace = Api::<Namespace>::all(world.client.clone()).get("kube-system").await.expect("a namespace");
    namespace.metadata.uid.expect("a uid")
}

/// The tag that consents to a cluster, or says that a rule is of it.
pub fn tag_of(world: &World) -> String {
    format!("sgbind.dev/cluster/{}", world.cluster())
}

/// Somebody removes the finalizer by force and deletes the binding, while no controller runs.
pub async fn remove_by_force(world: &World, name: &str) {
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    world.bindings().patch(name, &PatchParams::default(), &free).await.expect("patched");
    world.delete(name).await;
}
