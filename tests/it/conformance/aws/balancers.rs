//! Load balancers, listeners, their rules and tags.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, AuthenticateOidcActionConfig, ForwardActionConfig, LoadBalancerTypeEnum,
    PathPatternConditionConfig, ProtocolEnum, RuleCondition, TargetGroupTuple, TargetTypeEnum,
};

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

const ACTION: &str = "Elastic Load Balancing API Reference, Action";

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    [balancers(), naming(), listeners(), actions()]
        .into_iter()
        .flatten()
        .map(|behaviour| behaviour.needs(Need::LoadBalancers))
        .collect()
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

    /// A listener of `ALB`, called so.
    pub async fn listener(&self, name: &str, port: i32, actions: Vec<Action>) {
        let call = self.cloud.elb.create_listener().load_balancer_arn(self.id("ALB")).protocol(ProtocolEnum::Http);
        let call = call.port(port).set_default_actions(Some(actions)).tags(self.elb_tag());
        let made = must(name, call.send().await).listeners.unwrap_or_default();
        self.transcript.name(name, made.first().and_then(|made| made.listener_arn()).unwrap_or_default());
    }

    /// A rule of `LISTENER`.
    pub async fn listener_rule(&self, priority: i32, actions: Vec<Action>) {
        let paths = PathPatternConditionConfig::builder().values(format!("/{priority}")).build();
        let condition = RuleCondition::builder().field("path-pattern").path_pattern_config(paths).build();
        let call = self.cloud.elb.create_rule().listener_arn(self.id("LISTENER")).priority(priority);
        let call = call.conditions(condition).set_actions(Some(actions)).tags(self.elb_tag());
        must(format!("rule {priority}"), call.send().await);
    }

    /// A forward to target groups with weights.
    pub fn forward(&self, target_groups: &[(&str, i32)]) -> Action {
        let tuple = |(name, weight): &(&str, i32)| {
            TargetGroupTuple::builder().target_group_arn(self.id(name)).weight(*weight).build()
        };
        let tuples = target_groups.iter().map(tuple).collect();
        let forward = ForwardActionConfig::builder().set_target_groups(Some(tuples)).build();
        Action::builder().r#type(ActionTypeEnum::Forward).forward_config(forward).build()
    }

    /// An action in words: its kind, and both forms of a forward.
    fn action_in_words(&self, action: &Action) -> String {
        let kind = action.r#type().map_or("none", ActionTypeEnum::as_str);
        let alone = action.target_group_arn().map(|arn| format!(" to {arn}")).unwrap_or_default();
        let tuples = action.forward_config().map(|forward| forward.target_groups()).unwrap_or_default();
        let tuples: Vec<_> = tuples.iter().filter_map(|tuple| tuple.target_group_arn()).collect();
        let among = if tuples.is_empty() { String::new() } else { format!(" among {}", tuples.join(", ")) };
        self.transcript.named(&format!("{kind}{alone}{among}"))
    }

    async fn say_listeners(&self) {
        let found = self.cloud.elb.describe_listeners().load_balancer_arn(self.id("ALB")).send().await;
        for listener in must("listeners", found).listeners() {
            let actions: Vec<_> =
                listener.default_actions().iter().map(|action| self.action_in_words(action)).collect();
            self.say(format!("listener {}: {}", listener.port().unwrap_or_default(), actions.join("; ")));
        }
    }
}

fn authenticate(order: i32) -> Action {
    let provider = AuthenticateOidcActionConfig::builder()
        .issuer("https://id.example")
        .authorization_endpoint("https://id.example/authorize")
        .token_endpoint("https://id.example/token")
        .user_info_endpoint("https://id.example/userinfo")
        .client_id("shop")
        .client_secret("secret");
    let action = Action::builder().r#type(ActionTypeEnum::AuthenticateOidc).order(order);
    action.authenticate_oidc_config(provider.build()).build()
}

fn balancers() -> Vec<Behaviour<Scene>> {
    vec![
        behaviour("load-balancers-have-interfaces", "A load balancer has an interface in each of its subnets, with its groups, described as ELB app/NAME/ID.", Page("User Guide for Application Load Balancers, Application Load Balancers, Subnets; AWS re:Post, Find the IP addresses of a load balancer"))
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
            .expect(&["ELB app/NAME/ID by amazon-elb", "ELB app/NAME/ID by amazon-elb", "2 by description"]),
        behaviour("network-load-balancers-may-lack-groups", "A Network Load Balancer made without groups has none.", Page("User Guide for Network Load Balancers, Update the security groups for your Network Load Balancer"))
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
            .expect(&["NLB has groups: ", "NLB2 has groups: GROUP"]),
        behaviour("group-of-a-load-balancer-is-not-deleted", "A group of a load balancer can't be deleted.", Page("EC2 API Reference, DeleteSecurityGroup"))
            .observe(|scene: Scene| async move {
                scene.application("in-use").await;
                scene.delete_group("GROUP").await;
            })
            .expect(&["delete GROUP -> error DependencyViolation"]),
        behaviour("load-balancers-need-groups-that-exist", "An unknown group is InvalidSecurityGroup.", Page("Elastic Load Balancing API Reference, CreateLoadBalancer, Errors"))
            .observe(|scene: Scene| async move {
                let call = scene.cloud.elb.create_load_balancer().name(scene.short("unknown-group")).tags(scene.elb_tag());
                let call = call.set_subnets(Some(scene.cloud.subnet_ids())).security_groups("sg-0000000000000abcd");
                scene.say(format!("create -> {}", outcome(&call.send().await)));
            })
            .expect(&["create -> error InvalidSecurityGroup"]),
    ]
}

fn naming() -> Vec<Behaviour<Scene>> {
    vec![
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
        ]),
        behaviour(
            "tags-of-20-are-told",
            "DescribeTags takes up to 20 ARNs.",
            Page("Elastic Load Balancing API Reference, DescribeTags, ResourceArns"),
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
            "moto counts no ARNs, and has no tags for any ARN; DescribeTags lists the limit and the errors",
            &["ALB: sgbind.dev/conformance-run", "21 -> ok", "unknown -> ok"],
        ),
    ]
}

fn listeners() -> Vec<Behaviour<Scene>> {
    vec![
        behaviour(
            "listeners-have-ports-of-their-own",
            "A second listener on a port is DuplicateListener.",
            Page("Elastic Load Balancing API Reference, CreateListener, Errors"),
        )
        .observe(|scene: Scene| async move {
            scene.application("dup-listener").await;
            scene.target_group("TARGETS", "dup-targets").await;
            scene.listener("LISTENER", 80, vec![scene.forward(&[("TARGETS", 1)])]).await;
            let call = scene.cloud.elb.create_listener().load_balancer_arn(scene.id("ALB")).port(80);
            let call = call.protocol(ProtocolEnum::Http).default_actions(scene.forward(&[("TARGETS", 1)]));
            scene.say(format!("another on 80 -> {}", outcome(&call.tags(scene.elb_tag()).send().await)));
            scene.say_listeners().await;
        })
        .expect(&["another on 80 -> error DuplicateListener", "listener 80: forward to TARGETS among TARGETS"])
        .differs(
            MOTO,
            "moto makes a second one; CreateListener lists the error",
            &[
                "another on 80 -> ok",
                "listener 80: forward to TARGETS among TARGETS",
                "listener 80: forward to TARGETS among TARGETS",
            ],
        ),
        behaviour(
            "listeners-and-rules-come-in-pages",
            "PageSize limits a page, and Marker leads on until all were told once.",
            Page("Elastic Load Balancing API Reference, DescribeListeners and DescribeRules"),
        )
        .observe(|scene: Scene| async move {
            scene.application("pages").await;
            scene.target_group("TARGETS", "pages-targets").await;
            let to = || vec![scene.forward(&[("TARGETS", 1)])];
            scene.listener("LISTENER", 80, to()).await;
            for n in 1..3 {
                scene.listener(&format!("LISTENER{n}"), 80 + n, to()).await;
                scene.listener_rule(n, to()).await;
            }
            let (mut marker, mut ports, mut sizes) = (None, vec![], vec![]);
            loop {
                let call = scene.cloud.elb.describe_listeners().load_balancer_arn(scene.id("ALB"));
                let page = must("listeners", call.page_size(2).set_marker(marker).send().await);
                sizes.push(page.listeners().len());
                ports.extend(page.listeners().iter().filter_map(|listener| listener.port()));
                marker = page.next_marker;
                if marker.is_none() {
                    break;
                }
            }
            ports.sort_unstable();
            scene.say(format!("listeners {ports:?} in pages of {sizes:?}"));
            let (mut marker, mut priorities, mut sizes) = (None, vec![], vec![]);
            loop {
                let call = scene.cloud.elb.describe_rules().listener_arn(scene.id("LISTENER"));
                let page = must("rules", call.page_size(2).set_marker(marker).send().await);
                sizes.push(page.rules().len());
                priorities.extend(page.rules().iter().filter_map(|rule| rule.priority.clone()));
                marker = page.next_marker;
                if marker.is_none() {
                    break;
                }
            }
            priorities.sort();
            scene.say(format!("rules {} in pages of {sizes:?}", priorities.join(", ")));
        })
        .expect(&["listeners [80, 81, 82] in pages of [2, 1]", "rules 1, 2, default in pages of [2, 1]"]),
    ]
}

fn actions() -> Vec<Behaviour<Scene>> {
    vec![
        behaviour("forwards-are-told-in-both-forms", "A forward to one target group is told as TargetGroupArn and as ForwardConfig, to several as ForwardConfig.", Page(ACTION))
            .observe(|scene: Scene| async move {
                scene.application("forms").await;
                scene.target_group("ONE", "forms-1").await;
                scene.target_group("TWO", "forms-2").await;
                let alone = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(scene.id("ONE")).build();
                scene.listener("LISTENER", 80, vec![alone]).await;
                scene.listener("LISTENER1", 81, vec![scene.forward(&[("ONE", 1)])]).await;
                scene.listener("LISTENER2", 82, vec![scene.forward(&[("ONE", 1), ("TWO", 0)])]).await;
                scene.say_listeners().await;
            })
            .expect(&[
                "listener 80: forward to ONE among ONE",
                "listener 81: forward to ONE among ONE",
                "listener 82: forward among ONE, TWO",
            ]),
        behaviour(
            "authenticating-needs-https",
            "Only listeners of HTTPS have actions that authenticate.",
            Unverified("that it is so is documented at Action; the code InvalidLoadBalancerAction is assumed"),
        )
            .observe(|scene: Scene| async move {
                scene.application("oidc").await;
                scene.target_group("TARGETS", "oidc-targets").await;
                let mut forward = scene.forward(&[("TARGETS", 1)]);
                scene.listener("LISTENER", 80, vec![forward.clone()]).await;
                forward.order = Some(2);
                let paths = PathPatternConditionConfig::builder().values("/login").build();
                let condition = RuleCondition::builder().field("path-pattern").path_pattern_config(paths).build();
                let call = scene.cloud.elb.create_rule().listener_arn(scene.id("LISTENER")).priority(1);
                let call = call.conditions(condition).set_actions(Some(vec![authenticate(1), forward]));
                scene.say(format!("rule on HTTP -> {}", outcome(&call.tags(scene.elb_tag()).send().await)));
                let rules = scene.cloud.elb.describe_rules().listener_arn(scene.id("LISTENER")).send().await;
                for rule in must("rules", rules).rules() {
                    let actions: Vec<_> = rule.actions().iter().map(|action| scene.action_in_words(action)).collect();
                    scene.say(format!("rule {}: {}", rule.priority().unwrap_or_default(), actions.join("; ")));
                }
            })
            .expect(&[
                "rule on HTTP -> error InvalidLoadBalancerAction",
                "rule default: forward to TARGETS among TARGETS",
            ])
            .differs(MOTO, "moto does not ask for the listener's protocol; Action says so", &[
                "rule on HTTP -> ok",
                "rule 1: authenticate-oidc; forward to TARGETS among TARGETS",
                "rule default: forward to TARGETS among TARGETS",
            ]),
        behaviour("target-groups-name-their-load-balancers", "LoadBalancerArns names load balancers that use a target group: by a default action, a rule, or a weight of 0, as it stands now.", Unverified("the field is documented; that a weight of 0 counts is assumed"))
            .observe(|scene: Scene| async move {
                scene.application("arns").await;
                for (name, short) in [("DEFAULT", "arns-1"), ("ZERO", "arns-2"), ("RULE", "arns-3"), ("NONE", "arns-4")] {
                    scene.target_group(name, short).await;
                }
                scene.listener("LISTENER", 80, vec![scene.forward(&[("DEFAULT", 1), ("ZERO", 0)])]).await;
                scene.listener_rule(1, vec![scene.forward(&[("RULE", 1)])]).await;
                scene.say_balancers(&["DEFAULT", "ZERO", "RULE", "NONE"]).await;
                let call = scene.cloud.elb.modify_listener().listener_arn(scene.id("LISTENER"));
                must("the listener", call.default_actions(scene.forward(&[("NONE", 1)])).send().await);
                scene.say("after the default action is another:");
                scene.say_balancers(&["DEFAULT", "ZERO", "RULE", "NONE"]).await;
            })
            .expect(&[
                "DEFAULT: ALB", "ZERO: ALB", "RULE: ALB", "NONE: ",
                "after the default action is another:",
                "DEFAULT: ", "ZERO: ", "RULE: ALB", "NONE: ALB",
            ]),
    ]
}
