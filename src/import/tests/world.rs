//! AWS for a test of import: what is not said is as everyday has it.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Enforcement;
use crate::import::{Document, Group, Name, Names, Today, Unfit, Wanted, document, draft};
use crate::model::*;
use crate::testing::{cidr, foreign, scope, spec, tags, us};

pub struct World {
    pub today: Today,
    wanted: Wanted,
    usage: Usage,
}

impl World {
    /// The load balancer's group is sg-0b000000, named `alb`; others are named after their ids.
    pub fn new(facts: Facts) -> Self {
        let mut load_balancer = facts.load_balancer.expect("a load balancer");
        if load_balancer.groups.remove(&"sg-alb".into()) {
            load_balancer.groups.insert("sg-0b000000".into());
        }
        let today = Today {
            scope: scope(),
            us: None,
            load_balancer,
            vpc: facts.vpc,
            target_groups: facts.target_groups,
            groups: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            names: Names::default(),
            unknown: Vec::new(),
        };
        let mut world = Self {
            today,
            wanted: Wanted {
                name: "shop".into(),
                namespace: "team-shop".into(),
                home: scope(),
                enforcement: Enforcement::Enforce,
            },
            usage: Usage::BoundLoadBalancersOnly,
        };
        let of_targets: Vec<SecurityGroupId> =
            world.today.target_groups.iter().flat_map(|group| group.groups.clone()).collect();
        for id in world.today.load_balancer.groups.clone().into_iter().chain(of_targets) {
            world.group(id.as_str());
        }
        world
    }

    fn group(&mut self, id: &str) -> &mut Group {
        let name = if id == "sg-0b000000" { "alb".to_owned() } else { format!("name-of-{}", &id[3..]) };
        self.today.names.groups.entry(id.into()).or_insert(Name { text: name.clone(), finds: true });
        let state = GroupState {
            key: GroupKey { scope: scope(), id: id.into() },
            name: name.clone(),
            tags: Tags::new(),
            rules: Vec::new(),
            unreadable: Unreadable::default(),
        };
        self.today.groups.entry(id.into()).or_insert(Group { name, state })
    }

    /// Made by hand; their ids are numbers.
    pub fn rules(mut self, id: &str, texts: &[&str]) -> Self {
        let rule = |(number, text): (usize, &&str)| ActualRule {
            id: RuleId::new(format!("sgr-{}{number}", &id[4..5])),
            description: String::new(),
            ..foreign(text)
        };
        self.group(id).state.rules = texts.iter().enumerate().map(rule).collect();
        self
    }

    pub fn described(mut self, text: &str, description: &str) -> Self {
        let rules = self.today.groups.values_mut().flat_map(|group| &mut group.state.rules);
        rules.filter(|rule| rule.spec == spec(text)).for_each(|rule| rule.description = description.into());
        self
    }

    pub fn tags(mut self, id: &str, pairs: &[(&str, &str)]) -> Self {
        self.group(id).state.tags = tags(pairs);
        self
    }

    pub fn group_named(mut self, id: &str, name: &str, finds: bool) -> Self {
        if let Some(group) = self.today.groups.get_mut(&id.into()) {
            group.name = name.into();
        }
        self.today.names.groups.insert(id.into(), Name { text: name.into(), finds });
        self
    }

    pub fn list_named(mut self, id: &str, name: &str, finds: bool) -> Self {
        self.today.names.prefix_lists.insert(id.into(), Name { text: name.into(), finds });
        self
    }

    /// Rules name this group with its account.
    pub fn of_account(mut self, id: &str, account: &str) -> Self {
        let rules = self.today.groups.values_mut().flat_map(|group| &mut group.state.rules);
        let of_group = rules.filter(|rule| rule.spec.peer == Peer::SecurityGroup(id.into()));
        of_group.for_each(|rule| rule.peer_account = Some(account.into()));
        self
    }

    pub fn interface(mut self, target_group: &str, groups: &[&str]) -> Self {
        for id in groups {
            self.group(id);
        }
        let groups = groups.iter().map(|id| (*id).into()).collect();
        self.today.interfaces.entry(target_group.into()).or_default().insert(groups);
        self
    }

    pub fn in_cluster(mut self) -> Self {
        self.today.us = Some(us());
        self
    }

    pub fn with_home(mut self, region: &str, account: &str) -> Self {
        self.wanted.home = Scope { account: account.into(), region: region.into() };
        self
    }

    pub fn used(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    pub fn unknown(mut self, what: &str) -> Self {
        self.today.unknown.push(what.into());
        self
    }

    pub fn refused(&self) -> Unfit {
        draft(&self.today, &self.wanted).expect_err("it does not fit")
    }

    /// The declaration of what is imported, and what its names lead to.
    pub fn resolved(&self) -> (Declaration, Resolution) {
        let drafted = draft(&self.today, &self.wanted).expect("it fits");
        let declaration = crate::validate::object(&drafted.binding.clone().into(), &self.wanted.home);
        let declaration = declaration.unwrap_or_else(|findings| panic!("{findings:?}"));
        let binding = declaration.wants.binding().expect("a binding").clone();
        let mut facts = Facts {
            load_balancer: Some(self.today.load_balancer.clone()),
            vpc: self.today.vpc.clone(),
            group: Some(drafted.group),
            target_groups: self.today.target_groups.clone(),
            peers: PeerFacts::default(),
        };
        let of_targets = binding.target_groups.iter().flatten().flat_map(|group| group.groups.iter().flatten());
        let of_peers = binding.peers().filter_map(|peer| match peer {
            PeerSelector::Group(selector) => Some(selector),
            _ => None,
        });
        for selector in of_targets.chain(of_peers) {
            facts.peers.groups.insert(selector.clone(), self.look_up(selector));
        }
        for peer in binding.peers() {
            if let PeerSelector::PrefixList(selector) = peer {
                facts.peers.prefix_lists.insert(selector.clone(), self.look_up_list(selector));
            }
        }
        let resolution = Resolution { facts, problems: Vec::new(), complete: true, absent: BTreeSet::new() };
        (declaration, resolution)
    }

    fn look_up(&self, selector: &GroupSelector) -> PeerGroup {
        match selector {
            GroupSelector::Id { id, account } => PeerGroup { id: id.clone(), account: account.clone() },
            GroupSelector::Name(name) => {
                let mut found = self.today.names.groups.iter().filter(|(_, known)| known.finds && known.text == *name);
                let (id, _) = found.next().expect("a group of this name");
                PeerGroup { id: id.clone(), account: None }
            }
            GroupSelector::Tags(_) => panic!("no tags are written"),
        }
    }

    fn look_up_list(&self, selector: &PrefixListSelector) -> PeerList {
        let id = match selector {
            PrefixListSelector::Id(id) => id.clone(),
            PrefixListSelector::Name(name) => {
                let mut found = self.today.names.prefix_lists.iter().filter(|(_, known)| known.text == *name);
                found.next().expect("a list of this name").0.clone()
            }
        };
        PeerList { id, family: None }
    }

    pub fn document(&self) -> Document {
        let drafted = draft(&self.today, &self.wanted).expect("it fits");
        let (declaration, resolution) = self.resolved();
        document(&self.today, drafted, &declaration, &resolution, &self.usage).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The text, after it was read back.
    pub fn yaml(&self) -> String {
        let document = self.document();
        let text = document.yaml();
        let read: crate::api::ALBTargetBinding =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read, document.binding, "{text}");
        text
    }

    pub fn spec(&self) -> serde_json::Value {
        self.document().object()["spec"].clone()
    }
}

/// What stands below the object.
pub fn foot(yaml: &str) -> String {
    let lines: Vec<&str> = yaml.lines().collect();
    let last = lines.iter().rposition(|line| !line.starts_with('#')).expect("an object");
    lines[last + 1..].join("\n")
}

#[test]
fn blocks_of_the_vpc() {
    // Tests count on it.
    let blocks = crate::testing::facts(crate::testing::alb(&[]), &[]).vpc.expect("a VPC").cidrs;
    assert_eq!(blocks, BTreeSet::from([cidr("10.1.0.0/16"), cidr("2001:db8:1::/56")]));
}
