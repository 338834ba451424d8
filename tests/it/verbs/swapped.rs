//! A deployment tool swaps target groups out of a listener, and perhaps in again.

use sgbind_sim::Fault;

use super::operator::Operator;
use crate::simulation::{Stage, in_virtual_time, these};
use crate::world::{Estate, estate};

const SPEC: &str = "{loadBalancer: {name: shop}, clients: [{cidr: 0.0.0.0/0}]}";
const CLIENTS: &str = "ALB-SG in tcp 443 <- 0.0.0.0/0";
const BLUE: [&str; 4] = [
    "ALB-SG out tcp 8000 -> BLUE-SG",
    "BLUE-SG in tcp 8000 <- ALB-SG",
    "ALB-SG out tcp 9000 -> BLUE-SG",
    "BLUE-SG in tcp 9000 <- ALB-SG",
];
const GREEN: [&str; 2] = ["ALB-SG out tcp 8000 -> GREEN-SG", "GREEN-SG in tcp 8000 <- ALB-SG"];

/// Blue is served, green has its targets and belongs to no listener.
fn blue_is_served() -> Estate {
    let blue = estate().internet_facing("shop").forward(443, "blue").target_group("blue", 8000).health_port(9000);
    blue.instance("BLUE-SG").target_group("green", 8000).instance("GREEN-SG")
}

fn with(more: &[&'static str]) -> std::collections::BTreeSet<String> {
    these(&[&[CLIENTS][..], more].concat())
}

#[test]
fn what_was_swapped_out_keeps_its_rules_while_targets_are_registered() {
    in_virtual_time(async {
        let stage = Stage::with(1, blue_is_served()).await;
        let operator = Operator::new(&stage, "pipeline").await;
        let files = operator.files(&[("shop", SPEC)]);
        assert!(operator.apply(&files).await.is_well());
        // Green was never served: nothing is made for it.
        assert_eq!(stage.rules(), with(&BLUE));
        stage.world.forward_to("shop:443", &[("green", 1)]).await;
        assert!(operator.apply(&files).await.is_well());
        assert_eq!(stage.rules(), with(&[&BLUE[..], &GREEN].concat()));
        // Nothing is left to do, whoever looks.
        assert_eq!(operator.plan(&files).await.steps, []);
        stage.world.deregister_all("blue").await;
        assert!(operator.apply(&files).await.is_well());
        assert_eq!(stage.rules(), with(&GREEN));
    });
}

/// Whether it has targets can't be read: nothing of it goes.
#[test]
fn what_can_not_be_read_of_it_holds_its_rules() {
    in_virtual_time(async {
        let stage = Stage::with(1, blue_is_served()).await;
        let operator = Operator::new(&stage, "pipeline").await;
        let files = operator.files(&[("shop", SPEC)]);
        assert!(operator.apply(&files).await.is_well());
        stage.world.forward_to("shop:443", &[("green", 1)]).await;
        stage.world.deregister_all("blue").await;
        let before = stage.rules();
        // The same calls again: the last that asks for targets asks for those of blue.
        let first = operator.process.sites().len();
        operator.plan(&files).await;
        let sites = operator.process.sites();
        let asks = |site: &&sgbind_sim::CallSite| site.what.contains("DescribeTargetHealth");
        assert_eq!(sites[first..].iter().filter(asks).count(), 2, "those of green, then those of blue");
        let last = sites.iter().rposition(|site| asks(&site)).expect("a call");
        operator.process.inject(sites.len() + last - first, Fault::Refused);
        let planned = operator.plan(&files).await;
        let revokes: Vec<String> =
            operator.words(&planned.steps).into_iter().filter(|it| it.starts_with('-')).collect();
        assert_eq!(revokes, [""; 0]);
        let held: Vec<&str> = planned.held.iter().map(|held| held.reason.word()).collect();
        assert_eq!(held, ["Unresolved"; 4]);
        assert_eq!(stage.rules(), before);
    });
}
