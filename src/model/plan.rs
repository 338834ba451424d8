use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::api::names::ALLOW_GAP_ANNOTATION;

use super::{AccountId, Elsewhere, GroupKey, ObjectProblem, ObjectRef, RuleId, RuleSpec, Tags};

/// What is to be done with a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Make it, tagged as ours.
    Authorize { peer_account: Option<AccountId> },
    /// Make a foreign rule again that was taken away, with these tags, and not as ours.
    Restore { peer_account: Option<AccountId>, tags: Tags },
    /// Tag as ours one that is there.
    Adopt { id: RuleId },
    /// Bring its description up to date.
    Describe { id: RuleId },
    /// Drop our tag, leave the rule.
    Release { id: RuleId },
    /// Take it away.
    Revoke { id: RuleId, foreign: bool },
}

impl Action {
    /// The rule that is there already.
    pub fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::Authorize { .. } | Self::Restore { .. } => None,
            Self::Adopt { id } | Self::Describe { id } | Self::Release { id } | Self::Revoke { id, .. } => Some(id),
        }
    }

    /// Whether it makes a rule.
    pub fn makes(&self) -> bool {
        matches!(self, Self::Authorize { .. } | Self::Restore { .. })
    }

    /// Whether it takes traffic away.
    pub fn revokes(&self) -> bool {
        matches!(self, Self::Revoke { .. })
    }

    /// Whether it takes anything away: traffic, or our hold on a rule.
    pub fn removes(&self) -> bool {
        matches!(self, Self::Revoke { .. } | Self::Release { .. })
    }

    /// The word in `plan`, status and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Authorize { .. } => "authorize",
            Self::Restore { .. } => "restore",
            Self::Adopt { .. } => "adopt",
            Self::Describe { .. } => "describe",
            Self::Release { .. } => "release",
            Self::Revoke { .. } => "revoke",
        }
    }
}

/// One change of one rule. Its `Display` is `authorize sg-… ingress tcp 8000 from sg-…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    pub action: Action,
    pub group: GroupKey,
    pub spec: RuleSpec,
    /// The objects on whose account it is done.
    pub objects: BTreeSet<ObjectRef>,
    pub reason: String,
    /// What the rule's description is to be, for `Authorize`, `Restore` and `Describe`.
    pub description: String,
    /// Live connections may be cut, because they are not tracked.
    pub interrupts_untracked: bool,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.action.word(), self.group.id, self.spec)?;
        if self.interrupts_untracked { write!(f, " (interrupts untracked connections)") } else { Ok(()) }
    }
}

/// A step that waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    pub step: Step,
    pub reason: HoldReason,
}

/// For what a step waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldReason {
    /// For status and finalizer to be written, for the object's other groups, or for room that this very plan makes.
    Applying,
    /// For a second complete read: the need follows from AWS alone, and such facts flap.
    RevocationDelay,
    /// For what these objects need to be known.
    Unresolved(BTreeSet<ObjectRef>),
    /// An object without whom the rule can't be judged lets nothing be written.
    NotPermitted,
    /// The rule names only objects that are not there.
    Orphan,
    /// The rule may name an object of a namespace that is not watched.
    OutsideWatch,
    /// The rule may name an object that is none of those that were given.
    OutsideSelection,
    /// Interfaces that are not a bound load balancer's carry the group.
    GroupUsedElsewhere(BTreeSet<String>),
    /// Who uses the group is not known.
    UsageUnknown,
    /// These objects say `Report`, or the group is `shared`.
    ForeignRulesKept,
    /// There is no room for it in the group: the condition has the numbers.
    RuleQuotaExceeded,
    /// New and old do not fit side by side: a rule that is needed would be absent for a moment, which a person must allow.
    GapUnavoidable,
    /// Within ten minutes no more than this many rules are revoked, and a person must see to the rest.
    MassRevocation { limit: u32 },
    /// Someone keeps undoing it.
    Contested,
    /// Foreign rules go one group at a time, after they were written to the status, and while health is watched.
    Tightening,
    /// It was done, a target became unhealthy, and it was taken back.
    TighteningRolledBack,
    /// `--read-only`.
    ReadOnly,
    /// The object only observes.
    Observe,
}

impl HoldReason {
    /// The CamelCase word in the status and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Applying => "Applying",
            Self::RevocationDelay => "RevocationDelay",
            Self::Unresolved(_) => "Unresolved",
            Self::NotPermitted => "NotPermitted",
            Self::Orphan => "Orphan",
            Self::OutsideWatch => "OutsideWatch",
            Self::OutsideSelection => "OutsideSelection",
            Self::GroupUsedElsewhere(_) => "GroupUsedElsewhere",
            Self::UsageUnknown => "UsageUnknown",
            Self::ForeignRulesKept => "ForeignRulesKept",
            Self::RuleQuotaExceeded => "RuleQuotaExceeded",
            Self::GapUnavoidable => "GapUnavoidable",
            Self::MassRevocation { .. } => "MassRevocation",
            Self::Contested => "Contested",
            Self::Tightening => "Tightening",
            Self::TighteningRolledBack => "TighteningRolledBack",
            Self::ReadOnly => "ReadOnly",
            Self::Observe => "Observe",
        }
    }
}

/// What stands around the limit in the text of [`HoldReason::MassRevocation`].
const BRAKE_BEFORE: &str = ": at most ";
const BRAKE_AFTER: &str = " rules are revoked within ten minutes";

impl HoldReason {
    /// Reads back the limit from what [`HoldReason::MassRevocation`] is written as; `None` for other reasons.
    pub fn limit_of_mass_revocation(text: &str) -> Option<u32> {
        let rest = text.strip_prefix(Self::MassRevocation { limit: 0 }.word())?.strip_prefix(BRAKE_BEFORE)?;
        rest.split_once(BRAKE_AFTER)?.0.parse().ok()
    }

    /// What the step waits for, in words for who reads a plan.
    pub fn meaning(&self) -> String {
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        match self {
            Self::Applying => "something else comes first, which is refused or not made yet".into(),
            Self::RevocationDelay => {
                "AWS's answers no longer ask for it, and such facts flap: it goes after the delay".into()
            }
            Self::Unresolved(objects) => {
                let names = list(&objects.iter().map(ToString::to_string).collect());
                format!("not all is known of {names}, which may need it: see the problems")
            }
            Self::NotPermitted => "the group does not let the objects in question write it: see the problems".into(),
            Self::Orphan => {
                "it names only objects that are not there; to revoke such rules takes --prune or --orphans Revoke"
                    .into()
            }
            Self::OutsideWatch => "it may name an object of a namespace that is not looked at".into(),
            Self::OutsideSelection => {
                "it may name an object that is not among the given ones; if they are all that there are, say --prune"
                    .into()
            }
            Self::GroupUsedElsewhere(interfaces) => {
                format!("interfaces that are no bound load balancer's carry the group: {}", list(interfaces))
            }
            Self::UsageUnknown => "who uses the group could not be read".into(),
            Self::ForeignRulesKept => {
                "an object that has a say here reports foreign rules, or the group is shared".into()
            }
            Self::RuleQuotaExceeded => "there is no room for it in the group: see the problems".into(),
            Self::Contested => "someone keeps undoing it".into(),
            Self::Tightening => "foreign rules go one group at a time, while the health of targets is watched".into(),
            Self::TighteningRolledBack => "targets became unhealthy without it, so it was put back".into(),
            Self::ReadOnly => "nothing may be written (--read-only)".into(),
            Self::Observe => "the object only observes (spec.enforcement)".into(),
            Self::MassRevocation { limit } => format!(
                "no more than {limit} rules are revoked in one run, or within ten minutes by a controller: if the rest is to go too, \
                 raise --revocation-brake"
            ),
            Self::GapUnavoidable => {
                let text = self.to_string();
                text.split_once(": ").map_or(text.clone(), |(_, words)| words.to_owned())
            }
        }
    }

    /// Whether the step waits for a person or for time: not for what is under way, nor because nobody wants it to be done.
    pub fn is_news(&self) -> bool {
        !matches!(self, Self::Applying | Self::Observe | Self::Tightening | Self::TighteningRolledBack)
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        f.write_str(self.word())?;
        match self {
            Self::Unresolved(objects) => {
                write!(f, ": {}", join(&objects.iter().map(ObjectRef::to_string).collect()))
            }
            Self::GroupUsedElsewhere(interfaces) => write!(f, ": {}", join(interfaces)),
            Self::GapUnavoidable => write!(
                f,
                ": the group is full, and what would have to go admits traffic that is needed. To permit that it is refused \
                 for a moment, give the object's annotation {ALLOW_GAP_ANNOTATION} a new value, such as the time of day"
            ),
            Self::MassRevocation { limit } => write!(
                f,
                "{BRAKE_BEFORE}{limit}{BRAKE_AFTER}, and this is one more. Nothing goes on by itself. If the rest is to go too, \
                 raise --revocation-brake; if not, declare again what needs these rules"
            ),
            _ => Ok(()),
        }
    }
}

/// The limit of revoked rules where none is given: so many, or the share of ours if that is more.
const LEAST_REVOKED: u32 = 100;
const SHARE_REVOKED: u32 = 5;

/// How many of so many rules of ours may be revoked where no limit is given.
pub fn revocation_limit_of(ours: u32) -> u32 {
    LEAST_REVOKED.max(ours / SHARE_REVOKED)
}

/// How many rules may be revoked now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// What is left of the limit.
    pub left: u32,
    /// Rules that may be revoked within ten minutes.
    pub limit: u32,
    /// Rules that have just been revoked and count already, though a read that lags may still show them.
    pub counted: BTreeSet<RuleId>,
}

/// What becomes of rules of ours that no object accounts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Orphans {
    /// They stay, and are told of.
    #[value(name = "Report")]
    Report,
    /// They are revoked.
    #[value(name = "Revoke")]
    Revoke,
}

/// What is to be done to one group. It leaves no choice to whoever carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub group: GroupKey,
    /// In the order of [`Action`]: what lets traffic in comes before what takes it away.
    pub steps: Vec<Step>,
    pub held: Vec<Held>,
    pub problems: Vec<ObjectProblem>,
    /// How each object stands.
    pub standing: BTreeMap<ObjectRef, Standing>,
}

/// How an object stands to one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub desired: BTreeSet<RuleSpec>,
    pub in_place: BTreeSet<RuleSpec>,
    /// Our rules that may have been made for the object and that nobody needs any more.
    pub surplus: BTreeSet<RuleSpec>,
    pub foreign: BTreeSet<RuleSpec>,
    /// Foreign rules stay against this object's wish.
    pub outvoted: bool,
    /// A port without declared clients was left as a foreign rule has it.
    pub left_to_foreign: bool,
}

impl Plan {
    /// How the rules stand here that an object needs, for what it gives up elsewhere. What nobody consented to is not
    /// waited for. What AWS refused is: without it the way that the old rules admit is the only one.
    pub fn stands(&self, object: &ObjectRef) -> Elsewhere {
        let Some(standing) = self.standing.get(object) else { return Elsewhere::Pending };
        let held = |spec: &RuleSpec, reason: fn(&HoldReason) -> bool| {
            self.held.iter().any(|held| held.step.spec == *spec && reason(&held.reason))
        };
        let unwanted = |reason: &HoldReason| matches!(reason, HoldReason::NotPermitted | HoldReason::Observe);
        let missing: Vec<RuleSpec> = standing.missing().into_iter().filter(|spec| !held(spec, unwanted)).collect();
        let awaits_room = |spec: &RuleSpec| held(spec, |reason| *reason == HoldReason::Applying);
        match missing.as_slice() {
            [] => Elsewhere::Made,
            missing if missing.iter().all(awaits_room) => Elsewhere::AwaitRoom,
            _ => Elsewhere::Pending,
        }
    }

    /// Whether rules wait for room that others leave.
    pub fn makes_room(&self) -> bool {
        let waits =
            |held: &Held| matches!(held.step.action, Action::Authorize { .. }) && held.reason == HoldReason::Applying;
        self.held.iter().any(waits)
    }
}

impl Standing {
    pub fn missing(&self) -> BTreeSet<RuleSpec> {
        self.desired.difference(&self.in_place).cloned().collect()
    }
}
