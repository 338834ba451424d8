//! What is foreseen is what apply does, and what the controller does: three roads to the same rules.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};
use rstest::rstest;
use sgbind::once::ObjectScope;

use super::operator::{Objects, Operator};
use crate::simulation::{Stage, in_virtual_time};
use crate::world::{Estate, estate, group};

/// Targets are healthy by then, and the controller has settled.
const LONG: Duration = Duration::from_secs(20 * 60);

/// Objects, and what stands in AWS before they come.
type Case = (fn() -> Estate, Objects<'static>);

const ALL: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";

fn standard() -> Estate {
    estate().internet_facing("shop").forward(443, "app").target_group("app", 8000).instance("APP-SG")
}

const SMALLEST: Case = (standard, &[("shop", "{loadBalancer: {name: shop}}")]);
const DOOR_OF_SOMEONE_ELSE: Case = (
    || standard().group(group("ALB-SG").rule("ALB-SG in tcp 443 <- 192.0.2.0/24")),
    &[("shop", "{loadBalancer: {name: shop}}")],
);
const TWO_BINDINGS_SHARE_TARGETS: Case = (
    || {
        let api = standard().internet_facing("api").in_groups(&["API-SG"]).forward(443, "api");
        api.target_group("api", 8000).instance("APP-SG")
    },
    &[("shop", ALL), ("api", "{loadBalancer: {name: api}, clients: [{cidr: 10.0.0.0/8}]}")],
);
const FOREIGN_RULES_GO: Case = (
    || {
        let balancer = group("ALB-SG").with_default_egress().rule("ALB-SG in tcp 22 <- 10.0.0.0/8");
        let targets = group("APP-SG").rule("APP-SG in tcp 8000 <- 0.0.0.0/0").rule("APP-SG in tcp 8000 <- ALB-SG");
        standard().checked_every(5).group(balancer).group(targets)
    },
    &[("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove}")],
);
const FOREIGN_RULES_OF_A_SHARED_GROUP: Case = (
    || standard().group(group("ALB-SG").shared().rule("ALB-SG in tcp 22 <- 10.0.0.0/8")),
    &[("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], foreignRules: Remove}")],
);
const ONE_GROUP_WITHOUT_CONSENT: Case = (|| standard().group(group("APP-SG").without_consent()), &[("shop", ALL)]);
const OBSERVED: Case =
    (standard, &[("shop", "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}], enforcement: Observe}")]);
const ACCESS_BESIDE_A_BINDING: Case = (
    standard,
    &[
        ("shop", ALL),
        (
            "sga/app",
            "{securityGroup: {id: $APP-SG}, foreignRules: Remove, egress: [{services: [HTTPS], to: [{cidr: 0.0.0.0/0}]}],
              ingress: [{services: [SSH], from: [{cidr: 10.0.0.0/8}, {self: true}], description: admins}]}",
        ),
    ],
);
const LOAD_BALANCER_THAT_IS_NOT_THERE: Case =
    (standard, &[("shop", ALL), ("other", "{loadBalancer: {name: missing}, clients: [{cidr: 0.0.0.0/0}]}")]);

#[rstest]
#[case::smallest(SMALLEST)]
#[case::door_of_someone_else(DOOR_OF_SOMEONE_ELSE)]
#[case::two_bindings_share_targets(TWO_BINDINGS_SHARE_TARGETS)]
#[case::foreign_rules_go(FOREIGN_RULES_GO)]
#[case::foreign_rules_of_a_shared_group(FOREIGN_RULES_OF_A_SHARED_GROUP)]
#[case::one_group_without_consent(ONE_GROUP_WITHOUT_CONSENT)]
#[case::observed(OBSERVED)]
#[case::access_beside_a_binding(ACCESS_BESIDE_A_BINDING)]
#[case::load_balancer_that_is_not_there(LOAD_BALANCER_THAT_IS_NOT_THERE)]
fn foreseen_applied_and_controlled_are_the_same(#[case] (estate, objects): Case) {
    let (foreseen, applied) = in_virtual_time(by_apply(estate, objects));
    assert_eq!(applied, foreseen, "what apply has done is what was foreseen");
    let controlled = in_virtual_time(by_controller(estate, objects));
    assert_eq!(controlled, applied, "what the controller has done is what apply has done");
}

async fn by_apply(estate: fn() -> Estate, objects: Objects<'static>) -> (BTreeSet<String>, BTreeSet<String>) {
    let stage = Stage::with(1, estate()).await;
    tokio::time::sleep(LONG).await;
    let operator = Operator::new(&stage, "pipeline").await;
    let before = stage.rules();
    let files = operator.files(objects);
    let ended = operator.apply(&files).await;
    assert!(ended.report.is_well(), "{ended:#?}");
    assert_eq!(ended.left.steps, [], "plan after apply is empty");
    assert_eq!(ended.left.problems, ended.shown.problems, "what apply can't mend stays told");
    (operator.model(&before, &ended.shown.steps), stage.rules())
}

/// Lets a controller settle. To whoever plans for its objects then, with its identity, nothing is left to do.
async fn by_controller(estate: fn() -> Estate, objects: Objects<'static>) -> BTreeSet<String> {
    let stage = Stage::with(1, estate()).await;
    tokio::time::sleep(LONG).await;
    let controller = stage.start("controller");
    for (name, spec) in objects {
        stage.world.apply(name, spec).await;
    }
    tokio::time::sleep(LONG).await;
    controller.stop().await;
    let mut operator = Operator::new(&stage, "person").await;
    let namespaces: Api<Namespace> = Api::all(stage.world.client.clone());
    operator.us.identity = namespaces.get("kube-system").await.expect("a namespace").uid().expect("a UID");
    operator.terms.scope = ObjectScope::Everything;
    let names: Vec<&str> = objects.iter().map(|(name, _)| *name).collect();
    let forecast = operator.plan(&operator.of_cluster(&names).await).await;
    assert_eq!(operator.words(&forecast.steps), [""; 0], "{forecast:#?}");
    stage.rules()
}
