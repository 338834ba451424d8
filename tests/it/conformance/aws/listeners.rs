//! Listeners, their rules and actions.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, AuthenticateOidcActionConfig, ForwardActionConfig, Listener, PathPatternConditionConfig,
    ProtocolEnum, RuleCondition, TargetGroupTuple,
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
    scene::{Scene, must, outcome},
};

const ACTION: &str = "Elastic Load Balancing API Reference, Action";

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    let all = vec![
        listeners_have_ports_of_their_own(),
        listeners_and_rules_come_in_pages(),
        forwards_are_told_in_both_forms(),
        authenticating_needs_https(),
        target_groups_name_their_load_balancers(),
    ];
    all.into_iter().map(|behaviour| behaviour.needs(Need::LoadBalancers)).collect()
}

impl Scene {
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
        let line = |listener: &Listener| {
            let actions = listener.default_actions().iter().map(|action| self.action_in_words(action));
            format!("listener {}: {}", listener.port().unwrap_or_default(), actions.collect::<Vec<_>>().join("; "))
        };
        let mut lines: Vec<_> = must("listeners", found).listeners().iter().map(line).collect();
        lines.sort();
        lines.iter().for_each(|line| self.say(line));
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

fn listeners_have_ports_of_their_own() -> Behaviour<Scene> {
    behaviour(
        "listeners-have-ports-of-their-own",
        "A listener made again with the same settings is the one that is there; with \
         others, it is DuplicateListener.",
        Page("Elastic Load Balancing API Reference, CreateListener"),
    )
    .observe(|scene: Scene| async move {
        scene.application("dup-listener").await;
        scene.target_group("TARGETS", "dup-targets").await;
        scene.target_group("OTHERS", "dup-others").await;
        scene.listener("LISTENER", 80, vec![scene.forward(&[("TARGETS", 1)])]).await;
        for name in ["TARGETS", "OTHERS"] {
            let call = scene.cloud.elb.create_listener().load_balancer_arn(scene.id("ALB")).port(80);
            let call = call.protocol(ProtocolEnum::Http).default_actions(scene.forward(&[(name, 1)]));
            scene.say(format!("80 to {name} -> {}", outcome(&call.tags(scene.elb_tag()).send().await)));
        }
        scene.say_listeners().await;
    })
    .expect(&[
        "80 to TARGETS -> ok",
        "80 to OTHERS -> error DuplicateListener",
        "listener 80: forward to TARGETS among TARGETS",
    ])
    .differs(
        MOTO,
        "moto makes another one each time; CreateListener is idempotent, and lists the \
         error",
        &[
            "80 to TARGETS -> ok",
            "80 to OTHERS -> ok",
            "listener 80: forward to OTHERS among OTHERS",
            "listener 80: forward to TARGETS among TARGETS",
            "listener 80: forward to TARGETS among TARGETS",
        ],
    )
}

fn listeners_and_rules_come_in_pages() -> Behaviour<Scene> {
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
    .expect(&["listeners [80, 81, 82] in pages of [2, 1]", "rules 1, 2, default in pages of [2, 1]"])
}

fn forwards_are_told_in_both_forms() -> Behaviour<Scene> {
    behaviour(
        "forwards-are-told-in-both-forms",
        "A forward to one target group is told as TargetGroupArn and as ForwardConfig, to \
         several as ForwardConfig.",
        Page(ACTION),
    )
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
    ])
}

fn authenticating_needs_https() -> Behaviour<Scene> {
    behaviour(
        "authenticating-needs-https",
        "Only listeners of HTTPS have actions that authenticate.",
        Unverified(
            "that it is so is documented at Action; the code InvalidLoadBalancerAction is \
             assumed",
        ),
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
    .expect(&["rule on HTTP -> error InvalidLoadBalancerAction", "rule default: forward to TARGETS among TARGETS"])
    .differs(
        MOTO,
        "moto does not ask for the listener's protocol; Action says so",
        &[
            "rule on HTTP -> ok",
            "rule 1: authenticate-oidc; forward to TARGETS among TARGETS",
            "rule default: forward to TARGETS among TARGETS",
        ],
    )
}

fn target_groups_name_their_load_balancers() -> Behaviour<Scene> {
    behaviour(
        "target-groups-name-their-load-balancers",
        "LoadBalancerArns names load balancers that use a target group: by a default \
         action, a rule, or a weight of 0, as it stands now.",
        Unverified("the field is documented; that a weight of 0 counts is assumed"),
    )
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
        "DEFAULT: ALB",
        "ZERO: ALB",
        "RULE: ALB",
        "NONE: ",
        "after the default action is another:",
        "DEFAULT: ",
        "ZERO: ",
        "RULE: ALB",
        "NONE: ALB",
    ])
}
