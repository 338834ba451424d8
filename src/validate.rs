//! Pure: an object as the API server holds it becomes a declaration. All findings are told, not the first.
//!
//! The API server has refused most of what is refused here already; what comes from files has not been there.

mod access;
mod binding;

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::api::names::{ABANDON_ANNOTATION, FINALIZER};
use crate::api::{self, DeletionPolicy, Enforcement, SecurityGroupStatus};
use crate::model::{
    AccountId, Cidr, Declaration, Farewell, GroupKey, GroupSelector, Object, PeerSelector, PrefixListSelector, Region,
    Scope, Stance, Wants,
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
            let (scope, binding) = reader.binding(&binding.spec, &object.reference().namespace, home);
            (scope, Some(Wants::Binding(binding)))
        }
        Object::Access(access) => {
            let spec = &access.spec;
            let scope = scope(spec.account_id.as_deref(), spec.region.as_deref(), home);
            (scope, reader.access(spec).map(Wants::Access))
        }
    };
    let stance = stance(object);
    // What is being deleted needs nothing any more; only where its rules are matters.
    let leaves = matches!(stance, Stance::Leaving(_));
    let wants = match wants {
        Some(wants) if reader.findings.is_empty() || leaves => wants,
        _ => return Err(reader.findings),
    };
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
    })
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

/// Reads a network as the API server does: leading zeros, which some read as octal, are refused.
fn network(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let net = IpNet::new(address.parse::<std::net::IpAddr>().ok()?, length.parse().ok()?).ok()?;
    (net.prefix_len().to_string() == length).then_some(net)
}

#[derive(Default)]
struct Reader {
    findings: Vec<Finding>,
}

impl Reader {
    fn find(&mut self, field: &str, message: impl Into<String>) {
        self.findings.push(Finding { field: field.to_owned(), message: message.into() });
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
        let account = reference.account_id.as_deref().map(Into::into);
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

    fn peers(&mut self, field: &str, peers: &[api::Peer]) -> Vec<PeerSelector> {
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

    fn cidr(&mut self, field: &str, text: &str) -> Option<Cidr> {
        let Some(net) = network(text) else {
            self.find(field, format!("{text:?} is not a network: expected one such as 10.0.0.0/8 or 2001:db8::/32"));
            return None;
        };
        if net != net.trunc() {
            self.find(field, format!("host bits are set in {text}: write {}", net.trunc()));
            return None;
        }
        Some(Cidr::new(net))
    }

    fn port(&mut self, field: &str, port: u16) {
        if port == 0 {
            self.find(field, "0 is not a port: expected 1 to 65535");
        }
    }
}

#[cfg(test)]
mod tests;
