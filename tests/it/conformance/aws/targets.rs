//! Target groups, targets and their health.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, TargetDescription, TargetTypeEnum};
use tokio::time::sleep;

use super::{
    super::{
        Behaviour, behaviour,
        behaviour::{
            Need,
            Source::{Page, Unverified},
        },
    },
    MOTO,
    scene::{Scene, must, outcome},
};

const HEALTH: &str = "Elastic Load Balancing API Reference, TargetHealth";
const CREATE: &str = "Elastic Load Balancing API Reference, CreateTargetGroup";

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    let all = vec![
        target_groups_keep_their_ports(),
        unknown_target_groups_are_errors(),
        target_groups_come_in_pages(),
        target_groups_in_use_are_not_deleted(),
        a_target_is_an_id_and_a_port(),
        ip_targets_are_private(),
        targets_without_a_load_balancer_are_unused(),
        health_follows_from_the_rules(),
    ];
    all.into_iter().map(|behaviour| behaviour.needs(Need::LoadBalancers)).collect()
}

impl Scene {
    /// Says which load balancers target groups name.
    pub async fn say_balancers(&self, target_groups: &[&str]) {
        for name in target_groups {
            let found = self.cloud.elb.describe_target_groups().target_group_arns(self.id(name)).send().await;
            let found = must(name, found).target_groups.unwrap_or_default();
            let arns = found.first().map(|found| found.load_balancer_arns().join(", ")).unwrap_or_default();
            self.say(format!("{name}: {arns}"));
        }
    }

    async fn register(&self, target_group: &str, address: &str, port: Option<i32>) {
        let target = TargetDescription::builder().id(address).set_port(port).build();
        let call = self.cloud.elb.register_targets().target_group_arn(self.id(target_group)).targets(target);
        let words = port.map_or_else(|| address.to_owned(), |port| format!("{address}:{port}"));
        self.say(format!("register {words} -> {}", outcome(&call.send().await)));
    }

    /// Says the health of all targets; `-` in place of what is not told.
    async fn health(&self, target_group: &str) {
        let call = self.cloud.elb.describe_target_health().target_group_arn(self.id(target_group));
        let mut lines = Vec::new();
        for told in must(target_group, call.send().await).target_health_descriptions() {
            let target = told.target();
            let health = told.target_health();
            lines.push(self.transcript.named(&format!(
                "  {}:{} {} {} (checked on {})",
                target.and_then(|target| target.id()).unwrap_or("-"),
                target.and_then(|target| target.port()).unwrap_or_default(),
                health.and_then(|health| health.state()).map_or("-", |state| state.as_str()),
                health.and_then(|health| health.reason()).map_or("-", |reason| reason.as_str()),
                told.health_check_port().unwrap_or("-"),
            )));
        }
        lines.sort();
        lines.iter().for_each(|line| self.say(line));
    }

    /// Waits until no target is in this state any more, but not for ever.
    async fn while_state(&self, target_group: &str, state: &str) {
        for _ in 0..60 {
            let call = self.cloud.elb.describe_target_health().target_group_arn(self.id(target_group));
            let answer = must(target_group, call.send().await);
            let states = answer.target_health_descriptions().iter().filter_map(|told| told.target_health()?.state());
            if !states.into_iter().any(|each| each.as_str() == state) {
                return;
            }
            sleep(Duration::from_secs(5)).await;
        }
    }
}

fn target_groups_keep_their_ports() -> Behaviour<Scene> {
    behaviour(
        "target-groups-keep-their-ports",
        "A target group tells its port, its health check port and its target control port.",
        Page(CREATE),
    )
    .observe(|scene: Scene| async move {
        let call = scene.cloud.elb.create_target_group().name(scene.short("ports")).port(8000);
        let call = call.protocol(ProtocolEnum::Http).vpc_id(&scene.cloud.estate.vpc).tags(scene.elb_tag());
        let call = call.target_type(TargetTypeEnum::Ip).health_check_port("9000").target_control_port(3000);
        let made = must("a target group", call.send().await).target_groups.unwrap_or_default();
        scene.transcript.name("PORTS", made.first().and_then(|made| made.target_group_arn()).unwrap_or_default());
        scene.target_group("DEFAULTS", "ports-defaults").await;
        for name in ["PORTS", "DEFAULTS"] {
            let found = scene.cloud.elb.describe_target_groups().target_group_arns(scene.id(name)).send().await;
            for found in must(name, found).target_groups() {
                let control = found.target_control_port().map_or("none".into(), |port| port.to_string());
                let (port, health) = (found.port().unwrap_or_default(), found.health_check_port());
                scene.say(format!("{name}: {port}, health {}, control {control}", health.unwrap_or("none")));
            }
        }
    })
    .expect(&["PORTS: 8000, health 9000, control 3000", "DEFAULTS: 8000, health traffic-port, control none"])
}

fn unknown_target_groups_are_errors() -> Behaviour<Scene> {
    behaviour(
        "unknown-target-groups-are-errors",
        "A target group that does not exist is TargetGroupNotFound, by name and by ARN.",
        Page("Elastic Load Balancing API Reference, DescribeTargetGroups, Errors"),
    )
    .observe(|scene: Scene| async move {
        scene.target_group("TARGETS", "known-targets").await;
        let call = scene.cloud.elb.describe_target_groups().names(scene.short("absent"));
        scene.say(format!("name -> {}", outcome(&call.send().await)));
        let arn = scene.id("TARGETS");
        let unknown = format!("{}0123456789abcdef", &arn[..arn.len() - 16]);
        let call = scene.cloud.elb.describe_target_groups().target_group_arns(&unknown);
        scene.say(format!("ARN -> {}", outcome(&call.send().await)));
        let call = scene.cloud.elb.describe_target_health().target_group_arn(&unknown);
        scene.say(format!("health -> {}", outcome(&call.send().await)));
    })
    .expect(&[
        "name -> error TargetGroupNotFound",
        "ARN -> error TargetGroupNotFound",
        "health -> error TargetGroupNotFound",
    ])
}

fn target_groups_come_in_pages() -> Behaviour<Scene> {
    behaviour(
        "target-groups-come-in-pages",
        "PageSize limits a page, and Marker leads on until all were told once.",
        Page("Elastic Load Balancing API Reference, DescribeTargetGroups"),
    )
    .observe(|scene: Scene| async move {
        scene.application("tg-pages").await;
        for (n, name) in ["A", "B", "C"].iter().enumerate() {
            scene.target_group(name, &format!("tg-pages-{n}")).await;
        }
        scene.listener("LISTENER", 80, vec![scene.forward(&[("A", 1), ("B", 1), ("C", 1)])]).await;
        let (mut marker, mut names, mut sizes) = (None, vec![], vec![]);
        loop {
            let call = scene.cloud.elb.describe_target_groups().load_balancer_arn(scene.id("ALB"));
            let page = must("target groups", call.page_size(2).set_marker(marker).send().await);
            sizes.push(page.target_groups().len());
            let arns = page.target_groups().iter().filter_map(|group| group.target_group_arn());
            names.extend(arns.map(|arn| scene.transcript.named(arn)));
            marker = page.next_marker;
            if marker.is_none() {
                break;
            }
        }
        names.sort();
        scene.say(format!("{} in pages of {sizes:?}", names.join(", ")));
    })
    .expect(&["A, B, C in pages of [2, 1]"])
}

fn target_groups_in_use_are_not_deleted() -> Behaviour<Scene> {
    behaviour(
        "target-groups-in-use-are-not-deleted",
        "A target group that a listener or rule names can't be deleted.",
        Page("Elastic Load Balancing API Reference, DeleteTargetGroup"),
    )
    .observe(|scene: Scene| async move {
        scene.application("tg-in-use").await;
        scene.target_group("TARGETS", "tg-in-use").await;
        scene.listener("LISTENER", 80, vec![scene.forward(&[("TARGETS", 1)])]).await;
        let call = scene.cloud.elb.delete_target_group().target_group_arn(scene.id("TARGETS"));
        scene.say(format!("delete -> {}", outcome(&call.send().await)));
    })
    .expect(&["delete -> error ResourceInUse"])
}

fn a_target_is_an_id_and_a_port() -> Behaviour<Scene> {
    behaviour(
        "a-target-is-an-id-and-a-port",
        "An address may be registered with several ports, and deregistering one that is not \
         there succeeds.",
        Page("Elastic Load Balancing API Reference, RegisterTargets and DeregisterTargets"),
    )
    .observe(|scene: Scene| async move {
        scene.target_group("TARGETS", "several-ports").await;
        let address = scene.address("ADDRESS", 8);
        scene.register("TARGETS", &address, None).await;
        scene.register("TARGETS", &address, Some(8001)).await;
        scene.health("TARGETS").await;
        let absent = TargetDescription::builder().id(&address).port(8002).build();
        let call = scene.cloud.elb.deregister_targets().target_group_arn(scene.id("TARGETS")).targets(absent);
        scene.say(format!("deregister ADDRESS:8002 -> {}", outcome(&call.send().await)));
    })
    .expect(&[
        "register ADDRESS -> ok",
        "register ADDRESS:8001 -> ok",
        "  ADDRESS:8000 unused Target.NotInUse (checked on 8000)",
        "  ADDRESS:8001 unused Target.NotInUse (checked on 8001)",
        "deregister ADDRESS:8002 -> ok",
    ])
}

fn ip_targets_are_private() -> Behaviour<Scene> {
    behaviour(
        "ip-targets-are-private",
        "An address that is not private, or outside of the VPC without saying so, is \
         refused.",
        Page("Elastic Load Balancing API Reference, TargetDescription"),
    )
    .observe(|scene: Scene| async move {
        scene.target_group("TARGETS", "private").await;
        scene.register("TARGETS", "8.8.8.8", None).await;
    })
    .expect(&["register 8.8.8.8 -> error InvalidTarget"])
    .differs(
        MOTO,
        "moto checks no addresses; RegisterTargets lists the error InvalidTarget",
        &["register 8.8.8.8 -> ok"],
    )
}

fn targets_without_a_load_balancer_are_unused() -> Behaviour<Scene> {
    behaviour(
        "targets-without-a-load-balancer-are-unused",
        "Targets of a group that no load balancer uses are unused, Target.NotInUse.",
        Page(HEALTH),
    )
    .observe(|scene: Scene| async move {
        scene.target_group("TARGETS", "unused").await;
        let address = scene.address("ADDRESS", 9);
        scene.register("TARGETS", &address, None).await;
        scene.health("TARGETS").await;
    })
    .expect(&["register ADDRESS -> ok", "  ADDRESS:8000 unused Target.NotInUse (checked on 8000)"])
}

fn health_follows_from_the_rules() -> Behaviour<Scene> {
    behaviour(
        "health-follows-from-the-rules",
        "A target is unhealthy, Target.Timeout, while rules drop the checks, and healthy \
         when they let them pass and it answers.",
        Unverified(
            "that a target answers is assumed of the simulation's; on a real account nothing \
             listens",
        ),
    )
    .observe(|scene: Scene| async move {
        scene.application("health").await;
        scene.group("APP").await;
        scene.target_group("TARGETS", "health").await;
        scene.listener("LISTENER", 80, vec![scene.forward(&[("TARGETS", 1)])]).await;
        let address = scene.address("ADDRESS", 10);
        scene.interface("INTERFACE", &["APP"], std::slice::from_ref(&address)).await;
        scene.register("TARGETS", &address, None).await;
        scene.health("TARGETS").await;
        scene.while_state("TARGETS", "initial").await;
        scene.health("TARGETS").await;
        scene.authorize("APP", &["ingress tcp 8000 from GROUP"]).await;
        scene.while_state("TARGETS", "unhealthy").await;
        scene.health("TARGETS").await;
    })
    .expect(&[
        "register ADDRESS -> ok",
        "  ADDRESS:8000 initial Elb.RegistrationInProgress (checked on 8000)",
        "  ADDRESS:8000 unhealthy Target.Timeout (checked on 8000)",
        "authorize ingress tcp 8000 from GROUP -> ok",
        "  ADDRESS:8000 healthy - (checked on 8000)",
    ])
    .differs(
        MOTO,
        "moto knows no packets: targets of a load balancer are healthy at once; \
         TargetHealth documents initial and Target.Timeout",
        &[
            "register ADDRESS -> ok",
            "  ADDRESS:8000 healthy - (checked on 8000)",
            "  ADDRESS:8000 healthy - (checked on 8000)",
            "authorize ingress tcp 8000 from GROUP -> ok",
            "  ADDRESS:8000 healthy - (checked on 8000)",
        ],
    )
}
