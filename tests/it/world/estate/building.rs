//! Makes an estate in AWS, and changes it as its owners do.

use aws_sdk_ec2::types::{Filter, Ipv4PrefixSpecificationRequest, ResourceType, Tag, TagSpecification};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, AuthenticateCognitoActionConfig, AuthenticateOidcActionConfig, ForwardActionConfig,
    JwtValidationActionConfig, PathPatternConditionConfig, RedirectActionConfig, RedirectActionStatusCodeEnum,
    RuleCondition, Tag as ElbTag, TargetDescription, TargetGroupTuple, TargetHealthDescription, TargetTypeEnum,
};
use ipnet::Ipv6Net;

use super::{Balancer, Does, Estate, Group, Held, Listener, Network, Target, TargetGroup};
use crate::world::{
    World,
    aws::{ACCOUNT, Aws, REGION},
};

/// Makes the VPC, whose default group is emptied, so that it says nothing where all rules are compared.
pub async fn network(aws: &Aws) -> Network {
    let made = aws.ec2.create_vpc().cidr_block("10.0.0.0/16").amazon_provided_ipv6_cidr_block(true).send().await;
    let made = made.expect("a VPC").vpc.expect("a VPC");
    let vpc = made.vpc_id().expect("an id").to_owned();
    let ipv6 = made.ipv6_cidr_block_association_set()[0].ipv6_cidr_block().expect("a block").to_owned();
    let mut subnets = Vec::new();
    for (block, zone) in [("10.0.0.0/20", "a"), ("10.0.16.0/20", "b")] {
        let zone = format!("{}{zone}", aws.region);
        let subnet = aws.ec2.create_subnet().vpc_id(&vpc).cidr_block(block).availability_zone(zone).send().await;
        subnets.push(subnet.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id).expect("an id"));
    }
    let of_vpc = Filter::builder().name("vpc-id").values(&vpc).build();
    let default = aws.ec2.describe_security_groups().filters(of_vpc).send().await.expect("groups");
    let default = &default.security_groups()[0];
    let (id, ingress, egress) = (default.group_id(), default.ip_permissions(), default.ip_permissions_egress());
    if !ingress.is_empty() {
        let call = aws.ec2.revoke_security_group_ingress().set_group_id(id.map(str::to_owned));
        call.set_ip_permissions(Some(ingress.to_vec())).send().await.expect("its ingress goes");
    }
    let call = aws.ec2.revoke_security_group_egress().set_group_id(id.map(str::to_owned));
    call.set_ip_permissions(Some(egress.to_vec())).send().await.expect("its egress goes");
    Network { vpc, ipv6: as_rules_have_it(&ipv6), subnets }
}

/// A network as EC2 has it in a rule (RFC 5952). moto makes up the blocks of VPCs with leading zeros, one in eight times.
fn as_rules_have_it(block: &str) -> String {
    block.parse::<Ipv6Net>().expect("a network").to_string()
}

#[test]
fn a_block_is_named_as_rules_have_it() {
    assert_eq!(as_rules_have_it("2400:6500:0a1b:0c00::/56"), "2400:6500:a1b:c00::/56");
    assert_eq!(as_rules_have_it("2400:6500:0000:ff00::/56"), "2400:6500:0:ff00::/56");
}

impl World {
    /// Adds this to what is there. What it names may be there already.
    pub async fn build(&self, mut estate: Estate) {
        for group in estate.mentioned() {
            if !self.ids().contains_key(&group.name) {
                self.make_group(group).await;
            }
        }
        for group in &estate.target_groups {
            self.make_target_group(group).await;
        }
        for balancer in &estate.balancers {
            self.make_balancer(balancer).await;
        }
        // A target may be one of the load balancers.
        for group in &estate.target_groups {
            for target in &group.targets {
                self.register(&group.name, target).await;
            }
        }
    }

    async fn make_group(&self, group: Group) {
        let name = &group.name;
        let mut tags = group.tags.clone();
        let key = format!("sgbind.dev/cluster/{}", self.cluster());
        if let Some(value) = group.cluster {
            tags.push((&key, value));
            tags.push(("sgbind.dev/namespaces", group.namespaces.unwrap_or(self.namespace())));
        }
        let tags: Vec<Tag> = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
        // An empty specification is refused.
        let specification = (!tags.is_empty()).then(|| {
            let kind = ResourceType::SecurityGroup;
            vec![TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()]
        });
        let call = self.aws.ec2.create_security_group().group_name(name).description(name).vpc_id(self.vpc());
        let made = call.set_tag_specifications(specification).send().await;
        let id = made.unwrap_or_else(|error| panic!("{name}: {error:?}")).group_id.expect("an id");
        if !group.default_egress {
            // In a VPC with IPv6 there are two.
            let made = self.aws.ec2.describe_security_groups().group_ids(&id).send().await.expect("the group");
            let all = made.security_groups()[0].ip_permissions_egress().to_vec();
            let call = self.aws.ec2.revoke_security_group_egress().group_id(&id).set_ip_permissions(Some(all));
            call.send().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
        self.ids().insert(name.clone(), id);
        self.authorize(&group.rules).await;
    }

    async fn make_target_group(&self, group: &TargetGroup) {
        let kind = match group.targets.first() {
            Some(Target::Instance(..)) | None => TargetTypeEnum::Instance,
            Some(Target::Interface(..) | Target::Address(_)) => TargetTypeEnum::Ip,
            Some(Target::Balancer(_)) => TargetTypeEnum::Alb,
            Some(Target::Function(_)) => TargetTypeEnum::Lambda,
        };
        let mut call = self.aws.elb.create_target_group().name(&group.name).target_type(kind.clone());
        // A function is invoked, by no protocol and on no port.
        if kind != TargetTypeEnum::Lambda {
            let health = group.health_port.map_or("traffic-port".to_owned(), |port| port.to_string());
            call = call.protocol(group.protocol.clone()).port(group.port.into()).vpc_id(self.vpc());
            call = call.health_check_port(health).set_target_control_port(group.control_port.map(i32::from));
        }
        if let Some(seconds) = group.checked_every {
            call = call.health_check_interval_seconds(seconds).health_check_timeout_seconds(seconds.min(5) - 1);
            call = call.healthy_threshold_count(2).unhealthy_threshold_count(2);
        }
        let made = call.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", group.name));
        let arn = made.target_groups()[0].target_group_arn().expect("an ARN").to_owned();
        self.ids().insert(group.name.clone(), arn);
    }

    async fn register(&self, target_group: &str, target: &Target) {
        let description = match target {
            Target::Instance(groups, port) => {
                let id = self.launch(groups).await;
                TargetDescription::builder().id(id).set_port(port.map(i32::from))
            }
            Target::Interface(address, held, group) => {
                self.make_interface(address, *held, group).await;
                TargetDescription::builder().id(*address)
            }
            Target::Address(address) => TargetDescription::builder().id(*address).availability_zone("all"),
            Target::Balancer(name) => TargetDescription::builder().id(self.id(&format!("lb {name}"))),
            Target::Function(name) => {
                TargetDescription::builder().id(format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"))
            }
        };
        let call = self.aws.elb.register_targets().target_group_arn(self.id(target_group)).targets(description.build());
        call.send().await.unwrap_or_else(|error| panic!("{target_group}: {error:?}"));
    }

    async fn make_interface(&self, address: &str, held: Held, group: &str) {
        let call = self.aws.ec2.create_network_interface().subnet_id(&self.network.subnets[0]).groups(self.id(group));
        let call = match held {
            Held::Primary => call.private_ip_address(address),
            Held::Secondary => call,
            Held::Delegated(prefix) => {
                call.ipv4_prefixes(Ipv4PrefixSpecificationRequest::builder().ipv4_prefix(prefix).build())
            }
        };
        let made = call.send().await.unwrap_or_else(|error| panic!("{address}: {error:?}"));
        if let Held::Secondary = held {
            let id = made.network_interface.and_then(|made| made.network_interface_id).expect("an id");
            let call =
                self.aws.ec2.assign_private_ip_addresses().network_interface_id(id).private_ip_addresses(address);
            call.send().await.unwrap_or_else(|error| panic!("{address}: {error:?}"));
        }
    }

    async fn launch(&self, groups: &[&str]) -> String {
        let ids = groups.iter().map(|group| self.id(group)).collect();
        let call = self.aws.ec2.run_instances().image_id("ami-12345678").min_count(1).max_count(1);
        let call = call.subnet_id(&self.network.subnets[0]).set_security_group_ids(Some(ids));
        let made = call.send().await.unwrap_or_else(|error| panic!("{groups:?}: {error:?}"));
        made.instances()[0].instance_id().expect("an id").to_owned()
    }

    /// Registers one more instance, in this group.
    pub async fn register_instance(&self, target_group: &str, group: &'static str) {
        self.register(target_group, &Target::Instance(vec![group], None)).await;
    }

    /// Registers one more instance, in this group and on this port.
    pub async fn register_instance_on(&self, target_group: &str, group: &'static str, port: u16) {
        self.register(target_group, &Target::Instance(vec![group], Some(port))).await;
    }

    /// Deregisters the targets on this port.
    /// The health of all targets, sorted: `healthy`, `unhealthy Target.Timeout`, …
    pub async fn health(&self, target_group: &str) -> Vec<String> {
        let call = self.aws.elb.describe_target_health().target_group_arn(self.id(target_group));
        let answer = call.send().await.unwrap_or_else(|error| panic!("{target_group}: {error:?}"));
        let in_words = |target: &TargetHealthDescription| {
            let health = target.target_health().expect("the health of a target");
            let state = health.state().map(|state| state.as_str()).unwrap_or_default();
            health.reason().map_or(state.to_owned(), |reason| format!("{state} {}", reason.as_str()))
        };
        let mut states: Vec<String> = answer.target_health_descriptions().iter().map(in_words).collect();
        states.sort();
        states
    }

    pub async fn deregister_port(&self, target_group: &str, port: u16) {
        self.deregister(target_group, |target| target.port() == Some(port.into())).await;
    }

    /// Deregisters all targets.
    pub async fn deregister_all(&self, target_group: &str) {
        self.deregister(target_group, |_| true).await;
    }

    async fn deregister(&self, target_group: &str, leaves: impl Fn(&TargetDescription) -> bool) {
        let arn = self.id(target_group);
        let health = self.aws.elb.describe_target_health().target_group_arn(&arn).send().await.expect("targets");
        let targets = health.target_health_descriptions().iter().filter_map(|each| each.target().cloned());
        let targets = targets.filter(leaves).collect();
        let call = self.aws.elb.deregister_targets().target_group_arn(&arn).set_targets(Some(targets));
        call.send().await.unwrap_or_else(|error| panic!("{target_group}: {error:?}"));
    }

    async fn make_balancer(&self, balancer: &Balancer) {
        let name = &balancer.name;
        let groups = balancer.groups.iter().map(|group| self.id(group)).collect();
        let tags: Vec<ElbTag> =
            balancer.tags.iter().map(|(key, value)| ElbTag::builder().key(*key).value(*value).build()).collect();
        let call = self.aws.elb.create_load_balancer().name(name).r#type(balancer.kind.clone());
        let call = call.scheme(balancer.scheme.clone()).ip_address_type(balancer.addresses.clone());
        let call = call.set_subnets(Some(self.network.subnets.clone())).set_security_groups(Some(groups));
        let made = call.set_tags((!tags.is_empty()).then_some(tags)).send().await;
        let made = made.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let arn = made.load_balancers()[0].load_balancer_arn().expect("an ARN").to_owned();
        self.ids().insert(format!("lb {name}"), arn);
        for listener in &balancer.listeners {
            self.make_listener(balancer, listener).await;
        }
        if let Some(ingress) = balancer.ingress {
            self.ingress(ingress, &[&self.dns_name(name).await]).await;
        }
    }

    async fn make_listener(&self, balancer: &Balancer, listener: &Listener) {
        let name = format!("{}:{}", balancer.name, listener.port);
        let actions = Some(self.actions(&listener.does));
        if let Some(pattern) = listener.path {
            let paths = PathPatternConditionConfig::builder().values(pattern).build();
            let condition = RuleCondition::builder().field("path-pattern").path_pattern_config(paths).build();
            let priority = i32::try_from(self.ids().len()).expect("few");
            let call = self.aws.elb.create_rule().listener_arn(self.id(&name)).conditions(condition);
            let made = call.priority(priority).set_actions(actions).send().await;
            let made = made.unwrap_or_else(|error| panic!("{name}{pattern}: {error:?}"));
            let arn = made.rules()[0].rule_arn().expect("an ARN").to_owned();
            self.ids().insert(format!("{name}{pattern}"), arn);
            return;
        }
        let call = self.aws.elb.create_listener().load_balancer_arn(self.id(&format!("lb {}", balancer.name)));
        let call = call.port(listener.port.into()).protocol(listener.protocol.clone()).set_default_actions(actions);
        let made = call.send().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let arn = made.listeners()[0].listener_arn().expect("an ARN").to_owned();
        self.ids().insert(name, arn);
    }

    fn actions(&self, does: &Does) -> Vec<Action> {
        match does {
            Does::Forward(target_groups) => vec![self.forward_action(target_groups)],
            Does::Redirect => {
                let to = RedirectActionConfig::builder().protocol("HTTPS").port("443");
                let to = to.status_code(RedirectActionStatusCodeEnum::Http301).build();
                vec![Action::builder().r#type(ActionTypeEnum::Redirect).redirect_config(to).build()]
            }
            Does::Authenticate(action, target_group) => {
                let mut forward = self.forward_action(&[(target_group.clone(), 1)]);
                forward.order = Some(2);
                vec![authentication(action), forward]
            }
        }
    }

    fn forward_action(&self, target_groups: &[(String, i32)]) -> Action {
        let tuple = |(name, weight): &(String, i32)| {
            TargetGroupTuple::builder().target_group_arn(self.id(name)).weight(*weight).build()
        };
        let tuples = target_groups.iter().map(tuple).collect();
        let forward = ForwardActionConfig::builder().set_target_groups(Some(tuples)).build();
        Action::builder().r#type(ActionTypeEnum::Forward).forward_config(forward).build()
    }

    /// Sends a listener's traffic elsewhere; the listener is named `LOADBALANCER:PORT`.
    pub async fn forward_to(&self, listener: &str, target_groups: &[(&str, i32)]) {
        let call = self.aws.elb.modify_listener().listener_arn(self.id(listener));
        let call = call.default_actions(self.forward_action(&super::owned(target_groups)));
        call.send().await.unwrap_or_else(|error| panic!("{listener}: {error:?}"));
    }

    /// Sends a rule's traffic elsewhere; the rule is named `LOADBALANCER:PORT/PATTERN`.
    pub async fn forward_path_to(&self, rule: &str, target_groups: &[(&str, i32)]) {
        let call = self.aws.elb.modify_rule().rule_arn(self.id(rule));
        let call = call.actions(self.forward_action(&super::owned(target_groups)));
        call.send().await.unwrap_or_else(|error| panic!("{rule}: {error:?}"));
    }

    pub async fn remove_load_balancer(&self, name: &str) {
        let call = self.aws.elb.delete_load_balancer().load_balancer_arn(self.id(&format!("lb {name}")));
        call.send().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }

    /// Tags a security group, as its owner would.
    pub async fn tag_group(&self, group: &str, tags: &[(&str, &str)]) {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
        let call = self.aws.ec2.create_tags().resources(self.id(group)).set_tags(Some(tags));
        call.send().await.unwrap_or_else(|error| panic!("{group}: {error:?}"));
    }

    /// Takes a security group's consent back.
    pub async fn withdraw_consent(&self, group: &str) {
        let key = Tag::builder().key(format!("sgbind.dev/cluster/{}", self.cluster())).build();
        let call = self.aws.ec2.delete_tags().resources(self.id(group)).tags(key);
        call.send().await.unwrap_or_else(|error| panic!("{group}: {error:?}"));
    }

    /// Makes a security group that the test calls so in a VPC of another account.
    pub async fn group_of_account(&self, name: &str, account: &str) {
        let ec2 = self.aws.assuming(&format!("arn:aws:iam::{account}:role/partner")).await.ec2;
        let vpc = ec2.create_vpc().cidr_block("10.8.0.0/16").send().await.expect("a VPC").vpc.expect("a VPC");
        let call = ec2.create_security_group().group_name(name).description(name).set_vpc_id(vpc.vpc_id);
        let made = call.send().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        self.ids().insert(name.into(), made.group_id.expect("an id"));
    }

    /// Makes a customer's prefix list that the test calls so, for five IPv4 networks at most.
    pub async fn prefix_list(&self, name: &str) {
        self.prefix_list_of(name, "IPv4").await;
    }

    /// The same, of this address family.
    pub async fn prefix_list_of(&self, name: &str, family: &str) {
        let call = self.aws.ec2.create_managed_prefix_list().prefix_list_name(name).max_entries(5);
        let made = call.address_family(family).send().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let id = made.prefix_list.and_then(|list| list.prefix_list_id).expect("an id");
        self.ids().insert(name.into(), id);
    }
}

fn authentication(action: &ActionTypeEnum) -> Action {
    let oidc = AuthenticateOidcActionConfig::builder()
        .issuer("https://id.example")
        .authorization_endpoint("https://id.example/authorize")
        .token_endpoint("https://id.example/token")
        .user_info_endpoint("https://id.example/userinfo")
        .client_id("shop")
        .client_secret("secret");
    let cognito = AuthenticateCognitoActionConfig::builder()
        .user_pool_arn(format!("arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/shop"))
        .user_pool_client_id("shop")
        .user_pool_domain("shop");
    let tokens =
        JwtValidationActionConfig::builder().jwks_endpoint("https://id.example/keys").issuer("https://id.example");
    let built = Action::builder().r#type(action.clone()).order(1);
    match action {
        ActionTypeEnum::AuthenticateOidc => built.authenticate_oidc_config(oidc.build()),
        ActionTypeEnum::AuthenticateCognito => built.authenticate_cognito_config(cognito.build()),
        ActionTypeEnum::JwtValidation => built.jwt_validation_config(tokens.build()),
        _ => panic!("{action} does not authenticate"),
    }
    .build()
}
