//! Load balancers, listeners, their rules and tags.

use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerTypeEnum, ProtocolEnum, TargetTypeEnum};

use super::{
    super::{
        Behaviour, behaviour,
        behaviour::{
            Need,
            Source::{Page, Unverified},
        },
    },
    MOTO,
    scene::{Scene, filter, must, outcome},
};

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    let all = vec![
        load_balancers_have_interfaces(),
        network_load_balancers_may_lack_groups(),
        group_of_a_load_balancer_is_not_deleted(),
        load_balancers_need_groups_that_exist(),
        unknown_load_balancers_are_errors(),
        tags_of_20_are_told(),
    ];
    all.into_iter().map(|behaviour| behaviour.needs(Need::LoadBalancers)).collect()
}

impl Scene {
    /// A new internal load balancer with these groups, called so.
    pub async fn balancer(&self, name: &str, short: &str, kind: LoadBalancerTypeEnum, groups: &[&str]) {
        let groups: Vec<_> = groups.iter().map(|group| self.id(group)).collect();
        let call = self.cloud.elb.create_load_balancer().name(self.short(short)).r#type(kind);
        let call = call.scheme(aws_sdk_elasticloadbalancingv2::types::LoadBalancerSchemeEnum::Internal);
        let call = call.set_subnets(Some(self.cloud.subnet_ids())).tags(self.elb_tag());
        let call = call.set_security_groups((!groups.is_empty()).then_some(groups));
        let made = must(name, call.send().await).load_balancers.unwrap_or_default();
        self.transcript.name(name, made.first().and_then(|made| made.load_balancer_arn()).unwrap_or_default());
    }

    /// An Application Load Balancer with a group of its own.
    pub async fn application(&self, short: &str) {
        self.group("GROUP").await;
        self.balancer("ALB", short, LoadBalancerTypeEnum::Application, &["GROUP"]).await;
    }

    pub async fn target_group(&self, name: &str, short: &str) {
        let call = self.cloud.elb.create_target_group().name(self.short(short)).protocol(ProtocolEnum::Http).port(8000);
        let call = call.vpc_id(&self.cloud.estate.vpc).target_type(TargetTypeEnum::Ip).tags(self.elb_tag());
        let made = must(name, call.send().await).target_groups.unwrap_or_default();
        self.transcript.name(name, made.first().and_then(|made| made.target_group_arn()).unwrap_or_default());
    }
}

fn load_balancers_have_interfaces() -> Behaviour<Scene> {
    behaviour(
        "load-balancers-have-interfaces",
        "A load balancer has an interface in each of its subnets, with its groups, \
             described as ELB app/NAME/ID.",
        Page(
            "User Guide for Application Load Balancers, Application Load Balancers, Subnets; \
             AWS re:Post, Find the IP addresses of a load balancer",
        ),
    )
    .observe(|scene: Scene| async move {
        scene.application("interfaces").await;
        scene.transcript.name("NAME/ID", scene.id("ALB").split_once(":loadbalancer/app/").map_or("none", |(_, id)| id));
        for interface in scene.interfaces(vec![filter("group-id", &[&scene.id("GROUP")])]).await {
            let (by, what) = (interface.requester_id(), interface.description());
            scene.say(format!("{} by {}", what.unwrap_or_default(), by.unwrap_or("nobody")));
        }
        let description = scene.id("ALB").split_once(":loadbalancer/").map(|(_, name)| format!("ELB {name}"));
        let found = scene.interfaces(vec![filter("description", &[&description.unwrap_or_default()])]).await;
        scene.say(format!("{} by description", found.len()));
    })
    .expect(&["ELB app/NAME/ID by amazon-elb", "ELB app/NAME/ID by amazon-elb", "2 by description"])
}

fn network_load_balancers_may_lack_groups() -> Behaviour<Scene> {
    behaviour(
        "network-load-balancers-may-lack-groups",
        "A Network Load Balancer made without groups has none.",
        Page(
            "User Guide for Network Load Balancers, Update the security groups for your Network \
             Load Balancer",
        ),
    )
    .observe(|scene: Scene| async move {
        scene.balancer("NLB", "without", LoadBalancerTypeEnum::Network, &[]).await;
        scene.group("GROUP").await;
        scene.balancer("NLB2", "with", LoadBalancerTypeEnum::Network, &["GROUP"]).await;
        for name in ["NLB", "NLB2"] {
            let found = scene.cloud.elb.describe_load_balancers().load_balancer_arns(scene.id(name)).send().await;
            let found = must(name, found).load_balancers.unwrap_or_default();
            let groups = found.first().map(|found| found.security_groups().join(", ")).unwrap_or_default();
            scene.say(format!("{name} has groups: {groups}"));
        }
    })
    .expect(&["NLB has groups: ", "NLB2 has groups: GROUP"])
}

fn group_of_a_load_balancer_is_not_deleted() -> Behaviour<Scene> {
    behaviour(
        "group-of-a-load-balancer-is-not-deleted",
        "A group of a load balancer can't be deleted.",
        Page("EC2 API Reference, DeleteSecurityGroup"),
    )
    .observe(|scene: Scene| async move {
        scene.application("in-use").await;
        scene.delete_group("GROUP").await;
    })
    .expect(&["delete GROUP -> error DependencyViolation"])
}

fn load_balancers_need_groups_that_exist() -> Behaviour<Scene> {
    behaviour(
        "load-balancers-need-groups-that-exist",
        "An unknown group is InvalidSecurityGroup.",
        Page("Elastic Load Balancing API Reference, CreateLoadBalancer, Errors"),
    )
    .observe(|scene: Scene| async move {
        let call = scene.cloud.elb.create_load_balancer().name(scene.short("unknown-group")).tags(scene.elb_tag());
        let call = call.set_subnets(Some(scene.cloud.subnet_ids())).security_groups("sg-0000000000000abcd");
        scene.say(format!("create -> {}", outcome(&call.send().await)));
    })
    .expect(&["create -> error InvalidSecurityGroup"])
}

fn unknown_load_balancers_are_errors() -> Behaviour<Scene> {
    behaviour(
        "unknown-load-balancers-are-errors",
        "A load balancer that does not exist is LoadBalancerNotFound, by name and by ARN.",
        Page("Elastic Load Balancing API Reference, DescribeLoadBalancers, Errors"),
    )
    .observe(|scene: Scene| async move {
        scene.application("known").await;
        let elb = &scene.cloud.elb;
        let call = elb.describe_load_balancers().names(scene.short("known"));
        scene.say(format!("known name -> {}", outcome(&call.send().await)));
        let call = elb.describe_load_balancers().names(scene.short("absent"));
        scene.say(format!("unknown name -> {}", outcome(&call.send().await)));
        let arn = scene.id("ALB");
        let unknown = format!("{}0123456789abcdef", &arn[..arn.len() - 16]);
        let call = elb.describe_load_balancers().load_balancer_arns(&unknown);
        scene.say(format!("unknown ARN -> {}", outcome(&call.send().await)));
        let call = elb.describe_listeners().load_balancer_arn(&unknown);
        scene.say(format!("its listeners -> {}", outcome(&call.send().await)));
        let call = elb.describe_target_groups().load_balancer_arn(&unknown);
        scene.say(format!("its target groups -> {}", outcome(&call.send().await)));
    })
    .expect(&[
        "known name -> ok",
        "unknown name -> error LoadBalancerNotFound",
        "unknown ARN -> error LoadBalancerNotFound",
        "its listeners -> error LoadBalancerNotFound",
        "its target groups -> error LoadBalancerNotFound",
    ])
}

fn tags_of_20_are_told() -> Behaviour<Scene> {
    behaviour(
        "tags-of-20-are-told",
        "DescribeTags takes up to 20 ARNs.",
        Unverified(
            "the limit and LoadBalancerNotFound are documented at DescribeTags; the code \
             ValidationError is assumed",
        ),
    )
    .observe(|scene: Scene| async move {
        scene.application("tags").await;
        let arn = scene.id("ALB");
        let answer = must("tags", scene.cloud.elb.describe_tags().resource_arns(&arn).send().await);
        for tagged in answer.tag_descriptions() {
            let keys: Vec<_> = tagged.tags().iter().filter_map(|tag| tag.key()).collect();
            scene.say(format!("{}: {}", tagged.resource_arn().unwrap_or_default(), keys.join(", ")));
        }
        let unknown = |n: usize| format!("{}{n:016x}", &arn[..arn.len() - 16]);
        let arns: Vec<String> = (0..21).map(unknown).collect();
        let call = scene.cloud.elb.describe_tags().set_resource_arns(Some(arns));
        scene.say(format!("21 -> {}", outcome(&call.send().await)));
        let call = scene.cloud.elb.describe_tags().resource_arns(unknown(0));
        scene.say(format!("unknown -> {}", outcome(&call.send().await)));
    })
    .expect(&[
        "ALB: sgbind.dev/conformance-run",
        "21 -> error ValidationError",
        "unknown -> error LoadBalancerNotFound",
    ])
    .differs(
        MOTO,
        "moto counts no ARNs, and has no tags for any ARN; DescribeTags lists the limit and \
             the errors",
        &["ALB: sgbind.dev/conformance-run", "21 -> ok", "unknown -> ok"],
    )
}
