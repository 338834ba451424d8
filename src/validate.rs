//! Pure: an object as the API server holds it becomes a declaration. All findings are told, not the first.
//!
//! The API server has refused most of what is refused here already; what comes from files has not been there.

mod access;
mod binding;
mod bounds;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use kube::core::{Message, Rule};

use crate::api::names::{ABANDON_ANNOTATION, ALLOW_GAP_ANNOTATION, FINALIZER};
use crate::api::{self, DeletionPolicy, Enforcement, SecurityGroupStatus, rules};
use crate::model::{
    AccountId, Cidr, Declaration, Farewell, GroupKey, GroupSelector, Object, PeerSelector, PrefixListSelector, Region,
    Scope, Stance, Token, Wants,
};

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Finding {
    /// Path of the field, such as `spec.listeners[0].clients[1].cidr`.
    pub field: String,
    /// What is there, what was expected, what to write instead.
    pub message: String,
}

/// Reads an object. `home` is the account and Region that are meant where none is declared.
///
/// # Errors
/// Everything that is wrong with it.
pub fn object(object: &Object, home: &Scope) -> Result<Declaration, Vec<Finding>> {
    let mut reader = Reader::default();
    let (scope, wants) = match object {
        Object::Binding(binding) => {
            reader.bounds(object.kind(), &binding.spec);
            let (scope, binding) = reader.binding(&binding.spec, &object.reference().namespace, home);
            (scope, Wants::Binding(binding))
        }
        Object::Access(access) => {
            let spec = &access.spec;
            reader.bounds(object.kind(), spec);
            let scope = scope(spec.account_id.as_deref(), spec.region.as_deref(), home);
            (scope, Wants::Access(reader.access(spec)))
        }
    };
    let stance = stance(object);
    // What is being deleted needs nothing any more; only where its rules are matters.
    if !reader.findings.is_empty() && !matches!(stance, Stance::Leaving(_)) {
        return Err(reader.findings);
    }
    let metadata = object.metadata();
    Ok(Declaration {
        object: object.reference(),
        uid: metadata.uid.clone().unwrap_or_default(),
        generation: metadata.generation.unwrap_or_default(),
        recorded_groups: recorded_groups(object, &scope),
        scope,
        stance,
        foreign_rules: object.foreign_rules(),
        wants,
        finalizer: object.has_finalizer(FINALIZER),
        allow_gap: allow_gap(object),
    })
}

fn allow_gap(object: &Object) -> Token {
    let acknowledged = object.status().and_then(|status| status.acknowledged.as_ref());
    Token {
        given: object.annotation(ALLOW_GAP_ANNOTATION).map(str::to_owned),
        acknowledged: acknowledged.and_then(|acknowledged| acknowledged.allow_gap.clone()),
    }
}

/// Groups that the object's status names. `scope` is that of those of which the status does not tell.
pub fn recorded_groups(object: &Object, scope: &Scope) -> BTreeSet<GroupKey> {
    let told = |text: &str, fallback: &str| if text.is_empty() { fallback.to_owned() } else { text.to_owned() };
    let key = |group: &SecurityGroupStatus| GroupKey {
        scope: Scope {
            account: AccountId::new(told(&group.account_id, scope.account.as_str())),
            region: Region::new(told(&group.region, scope.region.as_str())),
        },
        id: group.id.as_str().into(),
    };
    object.status().iter().flat_map(|status| &status.security_groups).map(key).collect()
}

/// What an object lets us do, which can be told of a malformed one too.
pub fn stance(object: &Object) -> Stance {
    let observes = object.enforcement() == Enforcement::Observe;
    let abandoned = object.has_annotation(ABANDON_ANNOTATION);
    match (object.metadata().deletion_timestamp.is_some(), object.deletion_policy()) {
        (true, _) if observes || abandoned => Stance::Leaving(Farewell::Abandon),
        (true, DeletionPolicy::Revoke) => Stance::Leaving(Farewell::Revoke),
        (true, DeletionPolicy::Retain) => Stance::Leaving(Farewell::Retain),
        (false, _) if observes => Stance::Observe,
        (false, _) => Stance::Enforce,
    }
}

fn scope(account: Option<&str>, region: Option<&str>, fallback: &Scope) -> Scope {
    Scope {
        account: account.map_or_else(|| fallback.account.clone(), Into::into),
        region: region.map_or_else(|| fallback.region.clone(), Into::into),
    }
}

/// Reads a network as the API server does: leading zeros, which some read as octal, are refused, and IPv4 written as
/// IPv6.
fn network(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    if matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
        return None;
    }
    let net = IpNet::new(address, length.parse().ok()?).ok()?;
    (net.prefix_len().to_string() == length).then_some(net)
}

/// By what a peer is the same as another, of those that one text names.
fn text(
    cidr: &Option<String>,
    group: &Option<api::SecurityGroupRef>,
    list: &Option<api::PrefixListRef>,
    vpc: Option<bool>,
) -> Option<String> {
    let group = group.as_ref().and_then(|group| group.id.clone());
    let list = list.as_ref().and_then(|list| list.id.clone());
    cidr.clone().or(vpc.map(|_| "vpc".into())).or(group).or(list)
}

#[derive(Default)]
struct Reader {
    findings: Vec<Finding>,
}

impl Reader {
    fn find(&mut self, field: &str, message: impl Into<String>) {
        self.findings.push(Finding { field: field.to_owned(), message: message.into() });
    }

    /// Finds what a rule of the API server refuses, in the rule's words.
    fn demand(&mut self, holds: bool, field: &str, rule: fn() -> Rule) {
        if holds {
            return;
        }
        match rule().message {
            Some(Message::Message(words) | Message::Expression(words)) => self.find(field, words),
            None => self.find(field, rule().rule),
        }
    }

    fn not_empty<T>(&mut self, list: &Option<Vec<T>>, field: &str, rule: fn() -> Rule) {
        self.demand(list.as_ref().is_none_or(|list| !list.is_empty()), field, rule);
    }

    fn account_and_region(&mut self, account: Option<&str>, region: Option<&str>) {
        self.demand(account.is_none_or(texts::is_account), "spec.accountID", rules::account_id);
        self.demand(region.is_none_or(texts::is_region), "spec.region", rules::region);
    }

    fn tags(&mut self, field: &str, tags: &Option<BTreeMap<String, String>>) {
        let Some(tags) = tags else { return };
        self.demand(!tags.is_empty(), field, rules::some_tags);
        let is_key = |key: &String| (1..=128).contains(&key.chars().count());
        self.demand(tags.keys().all(is_key), field, rules::tag_keys);
    }

    /// Of a list whose items are told apart by `texts`, as far as they have one.
    fn each_once(&mut self, field: &str, texts: impl Iterator<Item = Option<String>>) {
        let texts: Vec<String> = texts.flatten().collect();
        let is_first = |(index, text): &(usize, &String)| !texts[..*index].contains(text);
        let again: BTreeSet<&String> =
            texts.iter().enumerate().filter(|item| !is_first(item)).map(|(_, text)| text).collect();
        if !again.is_empty() {
            let again = again.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            self.find(field, format!("stands in the list more than once: {again}; leave one of each"));
        }
    }

    /// The one field that is set, of several of which exactly one is to be.
    /// What is set may have been found wrong, and be told of already.
    fn one_of<T>(&mut self, field: &str, candidates: Vec<(&str, Option<Option<T>>)>) -> Option<T> {
        let names: Vec<String> = candidates.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mut set: Vec<(&str, Option<T>)> =
            candidates.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
        if set.len() == 1 {
            return set.pop().and_then(|(_, value)| value);
        }
        let found = if set.is_empty() {
            "none".into()
        } else {
            set.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" and ")
        };
        self.find(field, format!("expected exactly one of {}, found {found}", names.join(", ")));
        None
    }

    fn group(&mut self, field: &str, reference: &api::SecurityGroupRef) -> Option<GroupSelector> {
        if reference.account_id.is_some() && reference.id.is_none() {
            self.find(
                &format!("{field}.accountID"),
                "stands only beside id: name a group of another account by its id, or leave accountID out",
            );
        }
        let account = reference.account_id.as_deref();
        self.demand(account.is_none_or(texts::is_account), &format!("{field}.accountID"), rules::account_id);
        let id = reference.id.as_deref();
        self.demand(id.is_none_or(|id| texts::is_id("sg-", id)), &format!("{field}.id"), rules::security_group_id);
        let name = reference.name.as_deref();
        let is_name = name.is_none_or(|name| !name.starts_with("sg-"));
        self.demand(is_name, &format!("{field}.name"), rules::security_group_name);
        self.tags(&format!("{field}.tags"), &reference.tags);
        let account = account.map(Into::into);
        let id = reference.id.as_deref().map(|id| Some(GroupSelector::Id { id: id.into(), account }));
        self.one_of(
            field,
            vec![
                ("id", id),
                ("name", reference.name.clone().map(GroupSelector::Name).map(Some)),
                ("tags", reference.tags.clone().map(GroupSelector::Tags).map(Some)),
            ],
        )
    }

    /// A group whose rules are written: its account is `account`, which the spec names. That of a peer may be any.
    fn written_group(
        &mut self,
        field: &str,
        reference: &api::SecurityGroupRef,
        account: Option<&str>,
    ) -> Option<GroupSelector> {
        let other = reference.account_id.as_deref().filter(|own| texts::is_account(own) && Some(*own) != account);
        if let Some(other) = other {
            self.find(
                &format!("{field}.accountID"),
                format!(
                    "the account of the security group that is written stands in spec.accountID: write accountID: \"{other}\" \
                     there"
                ),
            );
        }
        self.group(field, reference)
    }

    fn peers(&mut self, field: &str, peers: &[api::Peer]) -> Vec<PeerSelector> {
        self.each_once(
            field,
            peers.iter().map(|peer| text(&peer.cidr, &peer.security_group, &peer.prefix_list, peer.vpc)),
        );
        peers.iter().enumerate().filter_map(|(index, peer)| self.peer(&format!("{field}[{index}]"), peer)).collect()
    }

    fn peer(&mut self, field: &str, peer: &api::Peer) -> Option<PeerSelector> {
        let candidates = self.peer_candidates(field, &peer.cidr, &peer.security_group, &peer.prefix_list, peer.vpc);
        self.one_of(field, candidates)
    }

    /// What may stand in a peer of either kind.
    fn peer_candidates(
        &mut self,
        field: &str,
        cidr: &Option<String>,
        group: &Option<api::SecurityGroupRef>,
        list: &Option<api::PrefixListRef>,
        vpc: Option<bool>,
    ) -> Vec<(&'static str, Option<Option<PeerSelector>>)> {
        let cidr = cidr.as_ref().map(|text| self.cidr(&format!("{field}.cidr"), text).map(PeerSelector::Cidr));
        let group =
            group.as_ref().map(|group| self.group(&format!("{field}.securityGroup"), group).map(PeerSelector::Group));
        let list = list.as_ref().map(|list| {
            self.prefix_list_texts(&format!("{field}.prefixList"), list);
            let id = list.id.as_deref().map(|id| Some(PrefixListSelector::Id(id.into())));
            let name = list.name.clone().map(PrefixListSelector::Name).map(Some);
            let list = self.one_of(&format!("{field}.prefixList"), vec![("id", id), ("name", name)]);
            list.map(PeerSelector::PrefixList)
        });
        if vpc == Some(false) {
            self.find(&format!("{field}.vpc"), "false says nothing: write vpc: true, or leave it out");
        }
        let vpc = vpc.map(|_| Some(PeerSelector::Vpc));
        vec![("cidr", cidr), ("securityGroup", group), ("prefixList", list), ("vpc", vpc)]
    }

    fn prefix_list_texts(&mut self, field: &str, list: &api::PrefixListRef) {
        let is_id = |text: &str| texts::is_id("pl-", text);
        self.demand(list.id.as_deref().is_none_or(is_id), &format!("{field}.id"), rules::prefix_list_id);
        if let Some(id) = list.name.as_deref().filter(|name| is_id(name)) {
            let message = format!("this is the id of a prefix list, not a name: write id: {id}");
            self.find(&format!("{field}.name"), message);
        }
    }

    fn cidr(&mut self, field: &str, text: &str) -> Option<Cidr> {
        let Some(net) = network(text) else {
            let length = text.parse::<IpAddr>().map(|address| if address.is_ipv4() { 32 } else { 128 });
            let message = match length {
                Ok(length) => format!("the prefix length is missing: for this one address write {text}/{length}"),
                Err(_) => format!(
                    "{text:?} is not a network: write one such as 10.0.0.0/8 or 2001:db8::/32 (no leading zeros, no IPv4 behind ::ffff:)"
                ),
            };
            self.find(field, message);
            return None;
        };
        if net != net.trunc() {
            self.find(field, format!("host bits are set in {text}: write {}", net.trunc()));
            return None;
        }
        Some(Cidr::new(net))
    }
}

#[cfg(test)]
mod tests;
