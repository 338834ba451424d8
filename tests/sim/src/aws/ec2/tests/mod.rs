//! EC2 as its callers see it. Each call is a form, in which things stand by the names that answers gave them: `sg-1` is
//! the first group that an answer named.

mod access;
mod groups;
mod interfaces;
mod network;
mod reading;
mod rules;
mod scale;
mod tags;

use std::collections::BTreeMap;
use std::time::Duration;

use super::model::{Peer, Rule};
use crate::aws::{Call, Scope, World};

/// A world with `vpc-1` (10.0.0.0/16), `subnet-1` (10.0.0.0/24), and the groups `sg-1`, called app, and `sg-2`, called
/// alb, both without rules.
pub struct Stage {
    pub world: World,
    pub scope: Scope,
    pub now: Duration,
    /// Ids by name.
    ids: BTreeMap<String, String>,
}

impl Stage {
    pub fn new() -> Self {
        let mut stage = Self::empty();
        stage.ask("CreateVpc&CidrBlock=10.0.0.0/16");
        stage.ask("CreateSubnet&VpcId=vpc-1&CidrBlock=10.0.0.0/24");
        stage.add_groups();
        stage
    }

    pub fn empty() -> Self {
        let scope = Scope { account: "123456789012".into(), region: "eu-central-1".into() };
        Self { world: World::new(7), scope, now: Duration::from_secs(1000), ids: BTreeMap::new() }
    }

    pub fn add_groups(&mut self) {
        for name in ["app", "alb"] {
            let form = format!("CreateSecurityGroup&VpcId=vpc-1&GroupName={name}&GroupDescription={name}");
            self.ask(&form);
        }
        for group in ["sg-1", "sg-2"] {
            let all = self.held(group).iter().map(|rule| rule.id.clone()).collect::<Vec<_>>();
            self.world.revoke(&self.scope, &self.ids[group], &all).expect("its egress goes");
        }
    }

    /// What is inside an answer, or `STATUS CODE: MESSAGE`; with names.
    pub fn ask(&mut self, form: &str) -> String {
        self.ask_in(&self.scope.clone(), form)
    }

    pub fn ask_in(&mut self, scope: &Scope, form: &str) -> String {
        let form = replaced(form, |word| self.ids.get(word).cloned());
        let form = format!("Version=2016-11-15&Action={}", form.replace('+', "%2B"));
        let call = Call::read(form.as_bytes(), scope.clone());
        let answer = self.world.answer(&call, self.now);
        let body = self.named(&answer.body);
        if answer.status == 200 {
            let action = &call.action;
            let opening = format!("<{action}Response><requestId>simulated</requestId>");
            let inner = body.strip_prefix(&opening).and_then(|rest| rest.strip_suffix(&format!("</{action}Response>")));
            return inner.expect("the form of success").to_owned();
        }
        let within = |from: &str, to: &str| body.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0;
        let (code, message) = (within("<Code>", "</Code>"), within("<Message>", "</Message>"));
        format!("{} {code}: {message}", answer.status)
    }

    /// What is between two texts, each time.
    pub fn told(&mut self, form: &str, element: &str) -> Vec<String> {
        let (opening, closing) = (format!("<{element}>"), format!("</{element}>"));
        let answer = self.ask(form);
        assert!(answer.starts_with('<'), "{answer}");
        answer
            .split(&opening)
            .skip(1)
            .filter_map(|rest| rest.split_once(&closing))
            .map(|(it, _)| it.to_owned())
            .collect()
    }

    /// Names ids by their kind and the order in which they appear.
    fn named(&mut self, body: &str) -> String {
        replaced(body, |word| {
            let (kind, rest) = word.rsplit_once('-')?;
            let is_id = rest.len() == 17 && rest.bytes().all(|digit| digit.is_ascii_hexdigit());
            if !is_id || rest.starts_with("0c10fd") {
                return None;
            }
            if let Some((name, _)) = self.ids.iter().find(|(_, id)| *id == word) {
                return Some(name.clone());
            }
            let known = self.ids.keys().filter(|name| name.rsplit_once('-').is_some_and(|(of, _)| of == kind)).count();
            let name = format!("{kind}-{}", known + 1);
            self.ids.insert(name.clone(), word.to_owned());
            Some(name)
        })
    }

    pub fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    /// The rules of a group, by what they allow.
    pub fn rules(&mut self, group: &str) -> Vec<String> {
        let mut rules: Vec<String> = self.held(group).iter().map(|rule| self.in_words(rule)).collect();
        rules.sort();
        rules
    }

    fn held(&self, group: &str) -> Vec<Rule> {
        let ec2 = &self.world.region(&self.scope).expect("a Region").ec2;
        ec2.groups.get(&self.ids[group]).expect("a group").rules.values().cloned().collect()
    }

    fn in_words(&mut self, rule: &Rule) -> String {
        let traffic = &rule.traffic;
        let peer = match &traffic.peer {
            Peer::Cidr(cidr) => cidr.to_string(),
            Peer::Group { id, account } if *account == self.scope.account => self.named(id),
            Peer::Group { id, account } => format!("{account}/{}", self.named(id)),
            Peer::PrefixList(id) => self.named(id),
        };
        let direction = if traffic.egress { "out" } else { "in" };
        let mut text = format!("{direction} {} {} {} {peer}", traffic.protocol, traffic.from, traffic.to);
        if let Some(description) = &rule.description {
            text += &format!(" {description:?}");
        }
        for (key, value) in &rule.tags {
            text += &format!(" {key}={value}");
        }
        text
    }
}

/// Replaces words of letters, digits and dashes.
fn replaced(text: &str, mut word: impl FnMut(&str) -> Option<String>) -> String {
    let is_inside = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_inside) {
        let (before, from) = rest.split_at(start);
        let (found, behind) = from.split_at(from.find(|it| !is_inside(it)).unwrap_or(from.len()));
        result += before;
        result += &word(found).unwrap_or_else(|| found.to_owned());
        rest = behind;
    }
    result + rest
}

/// A permission as form fields: `tcp 80 80 CidrIp=10.0.0.0/8`.
pub fn permission(number: usize, text: &str) -> String {
    let [protocol, from, to, peer] = text.splitn(4, ' ').collect::<Vec<_>>()[..] else { panic!("{text:?}") };
    let fields: Vec<(&str, &str)> = peer.split(' ').filter_map(|field| field.split_once('=')).collect();
    let list = match fields[0].0 {
        "CidrIp" => "IpRanges",
        "CidrIpv6" => "Ipv6Ranges",
        "GroupId" => "Groups",
        _ => "PrefixListIds",
    };
    let start = format!("&IpPermissions.{number}");
    let mut form = format!("{start}.IpProtocol={protocol}");
    for (name, port) in [("FromPort", from), ("ToPort", to)] {
        if port != "_" {
            form += &format!("{start}.{name}={port}");
        }
    }
    fields.iter().fold(form, |form, (name, value)| form + &format!("{start}.{list}.1.{name}={value}"))
}

/// Permissions as form fields.
pub fn permissions(all: &[&str]) -> String {
    all.iter().enumerate().map(|(number, text)| permission(number + 1, text)).collect()
}
