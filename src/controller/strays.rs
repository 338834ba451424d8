//! Groups that hold rules of ours with which no object has to do (a finalizer was removed by force), found by the rules'
//! tag.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use crate::defect::Defect;
use crate::model::{self, ActualRule, GroupKey, GroupState, HoldReason, Named, Orphans, Ownership, Plan, Scope};

use super::Context;
use super::queue::Priority;

impl Context {
    /// Looks for rules of ours in each account and Region that is in use, again and again.
    pub(super) async fn look_for_strays(&self, term: CancellationToken) {
        let mut ticks = tokio::time::interval(self.settings.rediscover);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while term.run_until_cancelled(ticks.tick()).await.is_some() {
            if Defect::OverlookStrays.is_on() {
                continue;
            }
            for scope in self.scopes_in_use() {
                if term.run_until_cancelled(self.look_for_strays_in(&scope)).await.is_none() {
                    return;
                }
            }
        }
    }

    /// Ours, those of all groups that objects name, and those of accounts for which there is a role.
    fn scopes_in_use(&self) -> BTreeSet<Scope> {
        let home = self.clouds.home();
        let of_roles = self.settings.account_roles.iter().map(|role| {
            let account = role.account().clone();
            Scope { account, region: home.region.clone() }
        });
        let of_groups = self.index().groups().into_iter().map(|key| key.scope);
        of_groups.chain(of_roles).chain([home.clone()]).collect()
    }

    async fn look_for_strays_in(&self, scope: &Scope) {
        let found = match self.clouds.scope(scope) {
            Ok(cloud) => cloud.groups_with_rules_tagged(&self.us.cluster.tag_key(), &self.us.identities()).await,
            Err(error) => Err(error),
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%scope, %error, "rules of ours could not be looked for");
                return;
            }
        };
        let known = self.index().groups();
        let keys = found.into_iter().map(|id| GroupKey { scope: scope.clone(), id });
        for key in keys.filter(|key| !known.contains(key)) {
            self.index().has_rules_of_ours(&key);
            self.groups.push(key, Priority::Routine, std::time::Duration::ZERO);
        }
    }

    /// Whether a group with which no object has to do is to be compared all the same, now and later.
    pub(super) fn keeps_in_mind(&self, state: &GroupState) -> bool {
        let watched = self.settings.watch_namespace.as_deref();
        let is_watched = |rule: &ActualRule| match (watched, model::named(&self.us.cluster, &rule.description)) {
            (None, _) => true,
            (Some(watched), Named::Exactly(objects)) => objects.iter().all(|object| object.namespace == watched),
            (Some(_), Named::AtLeast(_)) => false,
        };
        let holds = state.rules.iter().any(|rule| self.is_ours(rule) && is_watched(rule));
        if holds {
            self.index().has_rules_of_ours(&state.key);
        }
        holds
    }

    /// What becomes of rules that no object accounts for.
    pub(super) fn orphans(&self) -> Orphans {
        if Defect::RevokeReportedOrphans.is_on() { Orphans::Revoke } else { self.settings.orphans }
    }

    /// Whether a rule is ours, or is to be.
    pub(super) fn is_ours(&self, rule: &ActualRule) -> bool {
        matches!(self.us.ownership(&rule.tags), Ownership::Ours { .. } | Ownership::TakenOver)
    }

    /// Says which rules nobody accounts for, when it has changed.
    pub(super) fn tell_of_orphans(&self, plan: &Plan) {
        let before = self.index().plan_of(&plan.group).map(|plan| orphans(&plan)).unwrap_or_default();
        let now = orphans(plan);
        if !now.is_empty() && now != before {
            let rules: Vec<String> = now.into_iter().collect();
            tracing::warn!(
                group = %plan.group, rules = ?rules,
                "rules of ours that name only objects which are not there; with --orphans Revoke they go"
            );
        }
    }
}

fn orphans(plan: &Plan) -> BTreeSet<String> {
    let orphans = plan.held.iter().filter(|held| held.reason == HoldReason::Orphan);
    orphans.map(|held| held.step.spec.to_string()).collect()
}
