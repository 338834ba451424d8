//! Security groups as a whole, and the network interfaces that carry them.

use aws_sdk_ec2::types::{
    Filter, Ipv4PrefixSpecificationRequest, NetworkInterface, PrivateIpAddressSpecification, ResourceType,
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
    rule::permission_in_words,
    scene::{Scene, filter, must, outcome},
};

const DELETE: &str = "EC2 API Reference, DeleteSecurityGroup";
const INTERFACES: &str = "EC2 API Reference, DescribeNetworkInterfaces";

pub fn behaviours() -> Vec<Behaviour<Scene>> {
    vec![
        new_groups_allow_egress(),
        group_names_are_unique(),
        group_names_do_not_begin_with_sg(),
        group_named_by_a_rule_is_not_deleted(),
        group_of_an_interface_is_not_deleted(),
        default_groups_are_not_deleted(),
        interfaces_have_secondary_addresses(),
        addresses_are_used_once(),
        delegated_prefixes_are_no_addresses(),
        interfaces_are_filtered(),
        unknown_interfaces_are_errors(),
    ]
}

impl Scene {
    pub async fn delete_group(&self, name: &str) {
        let result = self.cloud.ec2.delete_security_group().group_id(self.id(name)).send().await;
        self.say(format!("delete {name} -> {}", outcome(&result)));
    }

    /// Says the ingress rules of a group as DescribeSecurityGroups tells them.
    pub async fn inline(&self, group: &str) {
        self.settle().await;
        let found = self.cloud.ec2.describe_security_groups().group_ids(self.id(group)).send().await;
        let found = must(group, found).security_groups.unwrap_or_default();
        let permissions = found.iter().flat_map(|group| group.ip_permissions());
        let lines = permissions.flat_map(|permission| permission_in_words("ingress", permission));
        let mut lines: Vec<_> = lines.map(|line| self.transcript.named(&line)).collect();
        lines.sort();
        lines.iter().for_each(|line| self.say(format!("  {line}")));
    }

    /// A new interface, called so, with these groups and addresses; the first one is the primary one.
    pub async fn interface(&self, name: &str, groups: &[&str], addresses: &[String]) {
        let call = self.cloud.ec2.create_network_interface().subnet_id(&self.cloud.estate.subnets[0].id);
        let call =
            call.set_groups(Some(groups.iter().map(|group| self.id(group)).collect())).description(self.unique(name));
        let address = |(n, address): (usize, &String)| {
            PrivateIpAddressSpecification::builder().primary(n == 0).private_ip_address(address).build()
        };
        let addresses: Vec<_> = addresses.iter().enumerate().map(address).collect();
        let call = call.set_private_ip_addresses((!addresses.is_empty()).then_some(addresses));
        let made = must(name, call.tag_specifications(self.tags(ResourceType::NetworkInterface)).send().await);
        let made = made.network_interface.unwrap_or_else(|| panic!("{name} is not in the answer"));
        self.transcript.name(name, made.network_interface_id().unwrap_or_default());
    }

    /// The n-th address from the end of the first subnet, called so.
    pub fn address(&self, name: &str, from_end: u32) -> String {
        let address = self.cloud.estate.subnets[0].address(from_end);
        self.transcript.name(name, &address);
        address
    }

    /// What a read of interfaces of the VPC with these filters finds.
    pub async fn interfaces(&self, mut filters: Vec<Filter>) -> Vec<NetworkInterface> {
        self.settle().await;
        filters.push(filter("vpc-id", &[&self.cloud.estate.vpc]));
        let call = self.cloud.ec2.describe_network_interfaces().set_filters(Some(filters));
        must("interfaces", call.send().await).network_interfaces.unwrap_or_default()
    }

    async fn say_interfaces(&self, words: &str, filters: Vec<Filter>) {
        let found = self.interfaces(filters).await;
        let ids = found.iter().map(|each| self.transcript.named(each.network_interface_id().unwrap_or_default()));
        let mut ids: Vec<_> = ids.collect();
        ids.sort();
        self.say(format!("{words}: {}", ids.join(", ")));
    }
}

fn new_groups_allow_egress() -> Behaviour<Scene> {
    behaviour(
        "new-groups-allow-egress",
        "A new group has no ingress rule, and allows all egress: to IPv4, and to IPv6 where \
             its VPC has it.",
        Page(
            "EC2 API Reference, AuthorizeSecurityGroupEgress; Amazon VPC User Guide, Default \
             and custom security groups",
        ),
    )
    .needs(Need::Ipv6)
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.ingress("GROUP").await;
        scene.egress("GROUP").await;
    })
    .expect(&["  no ingress rules", "  egress -1 -1:-1 to 0.0.0.0/0", "  egress -1 -1:-1 to ::/0"])
}

fn group_names_are_unique() -> Behaviour<Scene> {
    behaviour(
        "group-names-are-unique",
        "A VPC has one group of a name.",
        Page("EC2 API Reference, Error codes, InvalidGroup.Duplicate"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        let call = scene.cloud.ec2.create_security_group().group_name(scene.unique("GROUP")).description("twin");
        let call = call.vpc_id(&scene.cloud.estate.vpc).tag_specifications(scene.tags(ResourceType::SecurityGroup));
        scene.say(format!("create GROUP again -> {}", outcome(&call.send().await)));
    })
    .expect(&["create GROUP again -> error InvalidGroup.Duplicate"])
}

fn group_names_do_not_begin_with_sg() -> Behaviour<Scene> {
    behaviour(
        "group-names-do-not-begin-with-sg",
        "A group's name can't begin with sg-.",
        Unverified(
            "that it is so is documented at CreateSecurityGroup; the code InvalidParameterValue \
             is assumed",
        ),
    )
    .observe(|scene: Scene| async move {
        let call = scene.cloud.ec2.create_security_group().group_name("sg-name").description("conformance");
        let call = call.vpc_id(&scene.cloud.estate.vpc).tag_specifications(scene.tags(ResourceType::SecurityGroup));
        scene.say(format!("create sg-name -> {}", outcome(&call.send().await)));
    })
    .expect(&["create sg-name -> error InvalidParameterValue"])
    .differs(
        MOTO,
        "moto takes any name; CreateSecurityGroup says that it can't begin with sg-",
        &["create sg-name -> ok"],
    )
}

fn group_named_by_a_rule_is_not_deleted() -> Behaviour<Scene> {
    behaviour(
        "group-named-by-a-rule-is-not-deleted",
        "A group that a rule of another one names can't be deleted.",
        Page(DELETE),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.group("PEER").await;
        scene.made("RULE", "GROUP", "ingress tcp 80 from PEER", &[]).await;
        scene.delete_group("PEER").await;
        scene.revoke_by_id("GROUP", &["RULE"]).await;
        scene.settle().await;
        scene.delete_group("PEER").await;
        scene.delete_group("PEER").await;
    })
    .expect(&[
        "delete PEER -> error DependencyViolation",
        "revoke RULE -> ok",
        "delete PEER -> ok",
        "delete PEER -> error InvalidGroup.NotFound",
    ])
}

fn group_of_an_interface_is_not_deleted() -> Behaviour<Scene> {
    behaviour(
        "group-of-an-interface-is-not-deleted",
        "A group that an interface carries can't be deleted.",
        Page(DELETE),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        scene.interface("INTERFACE", &["GROUP"], &[]).await;
        scene.delete_group("GROUP").await;
        let call = scene.cloud.ec2.delete_network_interface().network_interface_id(scene.id("INTERFACE"));
        scene.say(format!("delete INTERFACE -> {}", outcome(&call.send().await)));
        scene.settle().await;
        scene.delete_group("GROUP").await;
    })
    .expect(&["delete GROUP -> error DependencyViolation", "delete INTERFACE -> ok", "delete GROUP -> ok"])
}

fn default_groups_are_not_deleted() -> Behaviour<Scene> {
    behaviour("default-groups-are-not-deleted", "A VPC's default group can't be deleted.", Page(DELETE))
        .observe(|scene: Scene| async move {
            let filters = [filter("group-name", &["default"]), filter("vpc-id", &[&scene.cloud.estate.vpc])];
            let found = scene.cloud.ec2.describe_security_groups().set_filters(Some(filters.to_vec())).send().await;
            let found = must("the default group", found).security_groups.unwrap_or_default();
            scene.transcript.name("DEFAULT", found.first().and_then(|group| group.group_id()).unwrap_or("none"));
            scene.delete_group("DEFAULT").await;
        })
        .expect(&["delete DEFAULT -> error CannotDelete"])
}

fn interfaces_have_secondary_addresses() -> Behaviour<Scene> {
    behaviour(
        "interfaces-have-secondary-addresses",
        "An interface tells all its private addresses, and which one is primary; each of \
             them finds it.",
        Page(INTERFACES),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        let addresses = [scene.address("PRIMARY", 2), scene.address("SECONDARY", 3)];
        scene.interface("INTERFACE", &["GROUP"], &addresses).await;
        for interface in scene.interfaces(vec![filter("group-id", &[&scene.id("GROUP")])]).await {
            scene.say(format!("address {}", interface.private_ip_address().unwrap_or_default()));
            for address in interface.private_ip_addresses() {
                let word = if address.primary() == Some(true) { "primary" } else { "secondary" };
                scene.say(format!("  {} ({word})", address.private_ip_address().unwrap_or_default()));
            }
        }
        for address in &addresses {
            scene.say_interfaces(address, vec![filter("addresses.private-ip-address", &[address])]).await;
        }
    })
    .expect(&[
        "address PRIMARY",
        "  PRIMARY (primary)",
        "  SECONDARY (secondary)",
        "PRIMARY: INTERFACE",
        "SECONDARY: INTERFACE",
    ])
}

fn addresses_are_used_once() -> Behaviour<Scene> {
    behaviour(
        "addresses-are-used-once",
        "An address belongs to one interface at a time.",
        Unverified(
            "that it is so is documented in the Amazon VPC User Guide; the code \
             InvalidIPAddress.InUse is assumed",
        ),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        let address = scene.address("ADDRESS", 4);
        scene.interface("INTERFACE", &["GROUP"], std::slice::from_ref(&address)).await;
        let call = scene.cloud.ec2.create_network_interface().subnet_id(&scene.cloud.estate.subnets[0].id);
        let call = call.groups(scene.id("GROUP")).private_ip_address(address);
        let call = call.tag_specifications(scene.tags(ResourceType::NetworkInterface));
        scene.say(format!("another with ADDRESS -> {}", outcome(&call.send().await)));
    })
    .expect(&["another with ADDRESS -> error InvalidIPAddress.InUse"])
    .differs(
        MOTO,
        "moto gives an address that was asked for to anyone; the Amazon VPC User Guide \
             gives it to one interface",
        &["another with ADDRESS -> ok"],
    )
}

fn delegated_prefixes_are_no_addresses() -> Behaviour<Scene> {
    behaviour(
        "delegated-prefixes-are-no-addresses",
        "A prefix delegated to an interface stands in Ipv4Prefixes, and its addresses in no \
             list and no filter.",
        Page("Amazon EC2 User Guide, Prefix delegation for Amazon EC2 network interfaces"),
    )
    .observe(|scene: Scene| async move {
        scene.group("GROUP").await;
        let subnet = &scene.cloud.estate.subnets[0];
        let prefix = subnet.delegated(0);
        scene.transcript.name("PREFIX", &prefix);
        let primary = scene.address("PRIMARY", 5);
        let call = scene.cloud.ec2.create_network_interface().subnet_id(&subnet.id).groups(scene.id("GROUP"));
        let call = call.private_ip_address(primary).tag_specifications(scene.tags(ResourceType::NetworkInterface));
        let delegated = Ipv4PrefixSpecificationRequest::builder().ipv4_prefix(&prefix).build();
        must("an interface", call.ipv4_prefixes(delegated).send().await);
        for interface in scene.interfaces(vec![filter("group-id", &[&scene.id("GROUP")])]).await {
            for prefix in interface.ipv4_prefixes() {
                scene.say(format!("delegated: {}", prefix.ipv4_prefix().unwrap_or_default()));
            }
            for address in interface.private_ip_addresses() {
                scene.say(format!("address: {}", address.private_ip_address().unwrap_or_default()));
            }
        }
        let first = prefix.trim_end_matches("/28").to_owned();
        scene.say_interfaces("one of its addresses", vec![filter("addresses.private-ip-address", &[&first])]).await;
    })
    .expect(&["delegated: PREFIX", "address: PRIMARY", "one of its addresses: "])
}

fn interfaces_are_filtered() -> Behaviour<Scene> {
    behaviour(
        "interfaces-are-filtered",
        "Interfaces are found by any group that they carry, by address, by description with \
             wildcards.",
        Page(INTERFACES),
    )
    .observe(|scene: Scene| async move {
        for name in ["ONE", "TWO"] {
            scene.group(name).await;
        }
        let addresses = [scene.address("A", 6), scene.address("B", 7)];
        scene.interface("FIRST", &["ONE", "TWO"], &addresses[..1]).await;
        scene.interface("SECOND", &["TWO"], &addresses[1..]).await;
        let (one, two) = (scene.id("ONE"), scene.id("TWO"));
        scene.say_interfaces("group-id ONE", vec![filter("group-id", &[&one])]).await;
        scene.say_interfaces("group-id TWO", vec![filter("group-id", &[&two])]).await;
        scene.say_interfaces("group-id ONE, TWO", vec![filter("group-id", &[&one, &two])]).await;
        let both = [addresses[0].as_str(), addresses[1].as_str()];
        scene.say_interfaces("addresses", vec![filter("addresses.private-ip-address", &both)]).await;
        let any = scene.unique("*");
        scene.say_interfaces("description", vec![filter("description", &[&any])]).await;
        let first = scene.unique("F?RST");
        scene.say_interfaces("description F?RST", vec![filter("description", &[&first])]).await;
    })
    .expect(&[
        "group-id ONE: FIRST",
        "group-id TWO: FIRST, SECOND",
        "group-id ONE, TWO: FIRST, SECOND",
        "addresses: FIRST, SECOND",
        "description: FIRST, SECOND",
        "description F?RST: FIRST",
    ])
}

fn unknown_interfaces_are_errors() -> Behaviour<Scene> {
    behaviour(
        "unknown-interfaces-are-errors",
        "An unknown interface id fails the call; in a filter it finds nothing.",
        Page("EC2 API Reference, Error codes, InvalidNetworkInterfaceID.NotFound"),
    )
    .observe(|scene: Scene| async move {
        let call = scene.cloud.ec2.describe_network_interfaces().network_interface_ids("eni-0000000000000abcd");
        scene.say(format!("NetworkInterfaceIds -> {}", outcome(&call.send().await)));
        let unknown = filter("network-interface-id", &["eni-0000000000000abcd"]);
        scene.say_interfaces("filter", vec![unknown]).await;
    })
    .expect(&["NetworkInterfaceIds -> error InvalidNetworkInterfaceID.NotFound", "filter: "])
}
