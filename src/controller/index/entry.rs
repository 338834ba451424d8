//! One object, as the index remembers it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::DriftStatus;
use crate::controller::history::History;
use crate::desired::{self, Desired};
use crate::model::{
    Declaration, Facts, GroupKey, GroupSelector, HoldReason, Kind, Knowledge, Known, Object, PeerSelector,
    PrefixListSelector, Referent, Resolution, RuleSpec, Scope, SecurityGroupId, Stance, Wants,
};
use crate::status;
use crate::validate::{self, Finding};

use super::{Touched, tightening};

/// How old facts may be for a rule to be revoked by them.
pub(super) const FRESH: Duration = Duration::from_secs(30);

pub(super) struct Entry {
    pub(super) object: Arc<Object>,
    pub(super) declaration: Result<Declaration, Vec<Finding>>,
    pub(super) history: History,
    pub(super) resolution: Option<Resolved>,
    pub(super) desired: Desired,
    /// By group; only where the history is settled.
    pub(super) retained: BTreeMap<SecurityGroupId, BTreeSet<RuleSpec>>,
    pub(super) drift: Option<DriftStatus>,
    /// The token by which a gap is permitted that is pending.
    pub(super) gap_token: Option<String>,
    /// Whether all was looked at once since the start.
    pub(super) caught_up: bool,
    /// Every group that the object needs, needed lately or has written.
    pub(super) groups: BTreeSet<GroupKey>,
    /// Goes up whenever what the object needs may have changed.
    pub(super) revision: u64,
    /// About how many calls it takes to look the object up.
    pub(super) calls: usize,
}

pub(super) struct Resolved {
    pub(super) generation: i64,
    pub(super) resolution: Resolution,
    pub(super) read_at: Instant,
}

impl Entry {
    pub(super) fn new(object: Arc<Object>, declaration: Result<Declaration, Vec<Finding>>) -> Self {
        let history = seed(&object, &declaration);
        Self {
            object,
            declaration,
            history,
            resolution: None,
            desired: Desired::default(),
            retained: BTreeMap::new(),
            drift: None,
            gap_token: None,
            caught_up: false,
            groups: BTreeSet::new(),
            revision: 0,
            calls: 0,
        }
    }

    /// Takes the same object in as it is now.
    pub(super) fn update(&mut self, object: Arc<Object>, declaration: Result<Declaration, Vec<Finding>>) -> Touched {
        let changed = self.declaration != declaration;
        let resolve = self.object.metadata().generation != object.metadata().generation;
        if selection(&self.declaration) != selection(&declaration) {
            // Other things are meant: that they differ from those of before follows from the spec.
            self.history = History::default();
            self.resolution = None;
        }
        // What was seen for another spec does not count for this one, be it that the same rules follow.
        let stance = |declaration: &Result<Declaration, _>| declaration.as_ref().map(|it| it.stance).ok();
        self.revision += u64::from(resolve || stance(&self.declaration) != stance(&declaration));
        let groups = tightening::groups_to_go_on(self, &object);
        self.object = object;
        self.declaration = declaration;
        Touched { changed, resolve, groups }
    }

    pub(super) fn generation(&self) -> Option<i64> {
        self.declaration.as_ref().ok().map(|declaration| declaration.generation)
    }

    /// What the object refers to in the cluster.
    pub(super) fn referent(&self) -> Option<Referent> {
        self.declaration.as_ref().ok()?.wants.binding()?.referent().cloned()
    }

    /// The facts that count now: the last answer, filled up with what was known before.
    pub(super) fn facts(&self) -> Option<&Facts> {
        self.resolution.as_ref().map(|resolved| &resolved.resolution.facts).or_else(|| self.history.latest())
    }

    pub(super) fn recompute(&mut self) {
        let (desired, retained) = self.needs();
        let changed = desired != self.desired || retained != self.retained;
        (self.desired, self.retained) = (desired, retained);
        let recorded = self.declaration.iter().flat_map(|declaration| declaration.recorded_groups.iter().cloned());
        self.groups = self.keys(self.desired.groups.keys().chain(self.retained.keys())).chain(recorded).collect();
        self.revision += u64::from(changed || self.revision == 0);
        self.calls = self.calls_to_look_up();
    }

    /// The load balancer, its target groups and interfaces; each listener's rules, each target group's targets. A
    /// SecurityGroupAccess asks nothing of ELBv2, whose rate is the lowest.
    fn calls_to_look_up(&self) -> usize {
        if self.object.kind() == Kind::SecurityGroupAccess {
            return 0;
        }
        let facts = self.facts();
        let listeners = facts.and_then(|facts| facts.load_balancer.as_ref()).map_or(0, |found| found.listeners.len());
        3 + listeners + facts.map_or(0, |facts| facts.target_groups.len())
    }

    /// What the object needs by the facts that count now, and what it needed by those that held lately.
    fn needs(&self) -> (Desired, BTreeMap<SecurityGroupId, BTreeSet<RuleSpec>>) {
        let mut retained = BTreeMap::<_, BTreeSet<RuleSpec>>::new();
        let live = |declaration: &&Declaration| !matches!(declaration.stance, Stance::Leaving(_));
        let Some(declaration) = self.declaration.as_ref().ok().filter(live) else { return Default::default() };
        let needs = |facts| desired::of(&declaration.wants, facts);
        let desired = self.facts().map(needs).unwrap_or_default();
        for earlier in self.history.earlier().map(needs) {
            for (group, needs) in earlier.groups {
                // What is needed now is not merely kept: other weights alone change nothing.
                let now = desired.groups.get(&group);
                let past = |spec: &RuleSpec| now.is_none_or(|now| !now.rules.contains_key(spec));
                let rules: BTreeSet<RuleSpec> = needs.rules.into_keys().filter(past).collect();
                if !rules.is_empty() {
                    retained.entry(group).or_default().extend(rules);
                }
            }
        }
        (desired, retained)
    }

    pub(super) fn keys<'a>(&self, ids: impl Iterator<Item = &'a SecurityGroupId>) -> impl Iterator<Item = GroupKey> {
        let scope = self.declaration.as_ref().ok().map(|declaration| declaration.scope.clone());
        ids.filter_map(move |id| Some(GroupKey { scope: scope.clone()?, id: id.clone() }))
    }

    /// Groups that the object's status names, of a malformed object too. `home` is where they are if nothing else
    /// is said.
    pub(super) fn recorded(&self, home: &Scope) -> BTreeSet<GroupKey> {
        match &self.declaration {
            Ok(declaration) => declaration.recorded_groups.clone(),
            Err(_) => validate::recorded_groups(&self.object, home),
        }
    }

    /// Whether nothing was looked up for what the object names now, and something will be.
    pub(super) fn is_unheard(&self) -> bool {
        let live = |declaration: &Declaration| !matches!(declaration.stance, Stance::Leaving(_));
        self.resolution.is_none() && self.declaration.as_ref().is_ok_and(live)
    }

    /// Whether the object was looked up as it is declared now.
    pub(super) fn is_looked_up(&self) -> bool {
        self.resolution.as_ref().is_some_and(|resolved| Some(resolved.generation) == self.generation())
    }

    pub(super) fn known(&self, now: Instant) -> Known {
        let stance = validate::stance(&self.object);
        let knowledge = match (&stance, &self.resolution) {
            (Stance::Leaving(_), _) if self.declaration.is_ok() => Knowledge::Fresh,
            (_, Some(resolved)) if resolved.resolution.complete && self.generation() == Some(resolved.generation) => {
                if now.saturating_duration_since(resolved.read_at) <= FRESH {
                    Knowledge::Fresh
                } else {
                    Knowledge::Stale
                }
            }
            _ => Knowledge::Incomplete,
        };
        Known { stance, knowledge }
    }
}

/// The part of a declaration that says which things in AWS are meant.
fn selection(declaration: &Result<Declaration, Vec<Finding>>) -> Option<impl PartialEq + '_> {
    let declaration = declaration.as_ref().ok()?;
    let of_kind = match &declaration.wants {
        Wants::Binding(binding) => {
            let targets: Option<Vec<_>> = binding
                .target_groups
                .as_ref()
                .map(|groups| groups.iter().map(|group| (&group.name, &group.selector)).collect());
            (Some((&binding.load_balancer, &binding.group, targets)), None)
        }
        Wants::Access(access) => (None, Some((&access.group, &access.vpc))),
    };
    Some((&declaration.scope, of_kind))
}

/// After a restart the status tells what was last known. It is all that can be in force unless the status
/// says that something was only kept for a while, or the spec names peers that the status does not tell.
fn seed(object: &Object, declaration: &Result<Declaration, Vec<Finding>>) -> History {
    let Some(status) = object.status().filter(|status| status.observed_generation >= 0) else {
        return History::default();
    };
    let facts = status::facts_of(status);
    let delayed = status.held.iter().any(|held| held.reason == HoldReason::RevocationDelay.word());
    let named_peers = declaration.as_ref().is_ok_and(|declaration| {
        declaration.wants.peers().into_iter().any(|peer| match peer {
            PeerSelector::Group(selector) => !matches!(selector, GroupSelector::Id { .. }),
            PeerSelector::PrefixList(selector) => !matches!(selector, PrefixListSelector::Id(_)),
            PeerSelector::Cidr(_) | PeerSelector::Vpc | PeerSelector::Itself => false,
        })
    });
    let exact = !delayed && !named_peers && (facts.is_some() || status.security_groups.is_empty());
    History::seeded(facts, exact)
}
