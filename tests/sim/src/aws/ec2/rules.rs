//! Rules are made, changed and taken away: each call whole, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lookup::{absent, invalid, no_group, no_rule};
use super::model::{Ec2, Peer, Rule, RuleTraffic, SecurityGroup, Tags};
use super::{quota, tags, traffic};
use crate::aws::{Changed, Failure, Scope, World};

/// A rule to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    pub traffic: RuleTraffic,
    pub description: Option<String>,
}

impl From<RuleTraffic> for NewRule {
    fn from(traffic: RuleTraffic) -> Self {
        Self { traffic, description: None }
    }
}

/// What became of rules that were to be revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    pub rules: Vec<Rule>,
    /// What the group did not have. Only a default VPC's group answers so; others refuse the call.
    pub unknown: Vec<RuleTraffic>,
}

/// By what a rule of a group is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleName {
    Id(String),
    Traffic(RuleTraffic),
}

/// What a rule is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChange {
    pub id: String,
    pub to: NewRule,
}

impl World {
    /// Makes rules, in whatever form they are written, and answers them as they are held.
    ///
    /// Sources: `AuthorizeSecurityGroupIngress`, `AuthorizeSecurityGroupEgress`; that a refused call makes none of its
    /// rules is unverified.
    pub fn authorize(
        &mut self,
        scope: &Scope,
        group: &str,
        rules: Vec<NewRule>,
        tags: &Tags,
    ) -> Result<Vec<Rule>, Failure> {
        tags::check(tags)?;
        let quota = self.rules_per_group(scope);
        let held = self.region_mut(scope).ec2.group(group)?.clone();
        let rules: Vec<NewRule> = rules.into_iter().map(canonical).collect::<Result<_, _>>()?;
        if rules.iter().map(|rule| &rule.traffic).collect::<BTreeSet<_>>().len() < rules.len() {
            return Err(invalid("The same permission must not appear multiple times"));
        }
        rules.iter().try_for_each(|rule| self.check_peer(scope, &rule.traffic.peer))?;
        let before: BTreeSet<&RuleTraffic> = held.rules.values().map(|rule| &rule.traffic).collect();
        if let Some(twice) = rules.iter().find(|rule| before.contains(&rule.traffic)) {
            return Err(duplicate(&twice.traffic));
        }
        let after = before.iter().copied().chain(rules.iter().map(|rule| &rule.traffic));
        quota::check(&self.region_mut(scope).ec2, quota, before.iter().copied(), after)?;
        let made = |NewRule { traffic, description }| Rule {
            id: self.new_id("sgr"),
            traffic,
            description,
            tags: tags.clone(),
        };
        let made: Vec<Rule> = rules.into_iter().map(made).collect();
        self.change_rules(scope, group, |all| {
            all.extend(made.iter().map(|rule| (rule.id.clone(), rule.clone())));
        });
        Ok(made)
    }

    /// Takes rules away by their ids.
    ///
    /// Sources: `RevokeSecurityGroupIngress`, `RevokeSecurityGroupEgress`.
    pub fn revoke(&mut self, scope: &Scope, group: &str, ids: &[String]) -> Result<Vec<Rule>, Failure> {
        let held = self.region_mut(scope).ec2.group(group)?.clone();
        let distinct: BTreeSet<&String> = ids.iter().collect();
        let find = |id: &String| held.rules.get(id).cloned().ok_or_else(|| no_rule(id));
        let rules: Vec<Rule> = distinct.into_iter().map(find).collect::<Result<_, _>>()?;
        self.take_away(scope, group, &rules);
        Ok(rules)
    }

    /// Takes rules away by what they allow, in whatever form it is written.
    ///
    /// Sources: `RevokeSecurityGroupIngress`, `RevokeSecurityGroupEgress`.
    pub fn revoke_traffic(
        &mut self,
        scope: &Scope,
        group: &str,
        traffic: Vec<RuleTraffic>,
    ) -> Result<Revoked, Failure> {
        let ec2 = &self.region_mut(scope).ec2;
        let held = ec2.group(group)?.clone();
        let in_default_vpc = ec2.vpc(&held.vpc).is_ok_and(|vpc| vpc.is_default);
        let distinct: BTreeSet<RuleTraffic> =
            traffic.into_iter().map(RuleTraffic::canonical).collect::<Result<_, _>>()?;
        let mut revoked = Revoked::default();
        for traffic in distinct {
            match find(&held, &traffic) {
                Some(rule) => revoked.rules.push(rule.clone()),
                None if in_default_vpc => revoked.unknown.push(traffic),
                None => return Err(no_permission()),
            }
        }
        self.take_away(scope, group, &revoked.rules);
        Ok(revoked)
    }

    /// Changes rules in place; each keeps its kind of peer, and its description where none is given (unverified).
    ///
    /// Source: `ModifySecurityGroupRules`.
    pub fn modify_rules(&mut self, scope: &Scope, group: &str, changes: Vec<RuleChange>) -> Result<(), Failure> {
        let quota = self.rules_per_group(scope);
        let held = self.region_mut(scope).ec2.group(group)?.clone();
        let mut rules = held.rules.clone();
        let mut seen = BTreeSet::new();
        for RuleChange { id, to } in changes {
            let to = canonical(to)?;
            self.check_peer(scope, &to.traffic.peer)?;
            if !seen.insert(id.clone()) {
                return Err(invalid(format!("The security group rule '{id}' must not appear multiple times")));
            }
            let rule = rules.get_mut(&id).ok_or_else(|| no_rule(&id))?;
            if kind(&rule.traffic.peer) != kind(&to.traffic.peer) {
                return Err(invalid(format!("The kind of source or destination of {id} can not be changed")));
            }
            rule.traffic = RuleTraffic { egress: rule.traffic.egress, ..to.traffic };
            rule.description = to.description.or_else(|| rule.description.take());
        }
        let mut distinct = BTreeSet::new();
        if let Some(twice) = rules.values().find(|rule| !distinct.insert(&rule.traffic)) {
            return Err(duplicate(&twice.traffic));
        }
        let before = held.rules.values().map(|rule| &rule.traffic);
        let after = rules.values().map(|rule| &rule.traffic);
        quota::check(&self.region_mut(scope).ec2, quota, before, after)?;
        self.change_rules(scope, group, |all| *all = rules);
        Ok(())
    }

    /// Gives rules other descriptions, or none.
    ///
    /// Sources: `UpdateSecurityGroupRuleDescriptionsIngress`, `UpdateSecurityGroupRuleDescriptionsEgress`.
    pub fn describe_rules(
        &mut self,
        scope: &Scope,
        group: &str,
        descriptions: Vec<(RuleName, Option<String>)>,
    ) -> Result<(), Failure> {
        let held = self.region_mut(scope).ec2.group(group)?.clone();
        let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (name, description) in descriptions {
            let rule = match name {
                RuleName::Id(id) => held.rules.get(&id).ok_or_else(|| no_rule(&id))?,
                RuleName::Traffic(traffic) => find(&held, &traffic.canonical()?).ok_or_else(no_permission)?,
            };
            found.insert(rule.id.clone(), traffic::description(description)?);
        }
        self.change_rules(scope, group, |all| {
            for (id, description) in found {
                if let Some(rule) = all.get_mut(&id) {
                    rule.description = description;
                }
            }
        });
        Ok(())
    }

    fn take_away(&mut self, scope: &Scope, group: &str, rules: &[Rule]) {
        self.change_rules(scope, group, |all| rules.iter().for_each(|rule| drop(all.remove(&rule.id))));
    }

    fn change_rules(&mut self, scope: &Scope, group: &str, change: impl FnOnce(&mut BTreeMap<String, Rule>)) {
        let now = self.now;
        self.region_mut(scope).ec2.groups.change(group, now, |group| change(&mut group.rules));
        self.changed.insert(Changed::Group { scope: scope.clone(), id: group.to_owned() });
    }

    /// A peer must be there. Another account's group is looked for in the same Region of that account.
    fn check_peer(&self, scope: &Scope, peer: &Peer) -> Result<(), Failure> {
        let in_scope = |scope: &Scope, is_there: &dyn Fn(&Ec2) -> bool| {
            self.region(scope).is_some_and(|region| is_there(&region.ec2))
        };
        match peer {
            Peer::Cidr(_) => Ok(()),
            Peer::Group { id, account } => {
                let scope = Scope { account: account.clone(), region: scope.region.clone() };
                let found = in_scope(&scope, &|ec2| ec2.groups.get(id).is_some());
                if found { Ok(()) } else { Err(no_group(id)) }
            }
            Peer::PrefixList(id) => {
                let found = in_scope(scope, &|ec2| ec2.prefix_lists.contains_key(id));
                if found { Ok(()) } else { Err(absent("InvalidPrefixListID.NotFound", "prefix list ID", id)) }
            }
        }
    }
}

fn canonical(rule: NewRule) -> Result<NewRule, Failure> {
    let NewRule { traffic, description } = rule;
    Ok(NewRule { traffic: traffic.canonical()?, description: traffic::description(description)? })
}

fn find<'a>(group: &'a Arc<SecurityGroup>, traffic: &RuleTraffic) -> Option<&'a Rule> {
    group.rules.values().find(|rule| rule.traffic == *traffic)
}

/// Which of a rule's four fields for a peer is used.
fn kind(peer: &Peer) -> u8 {
    match peer {
        Peer::Cidr(cidr) if cidr.addr().is_ipv4() => 0,
        Peer::Cidr(_) => 1,
        Peer::Group { .. } => 2,
        Peer::PrefixList(_) => 3,
    }
}

fn duplicate(traffic: &RuleTraffic) -> Failure {
    let message = format!("the specified rule \"{}\" already exists", traffic.in_words());
    Failure::new("InvalidPermission.Duplicate", message)
}

fn no_permission() -> Failure {
    let message = "The specified rule does not exist in this security group.";
    Failure::new("InvalidPermission.NotFound", message)
}
