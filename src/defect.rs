//! Deliberate defects. The test of each promise that the project makes (`docs/promises.md`) also runs with one of them
//! switched on, and must fail: so it is known that the test would notice.
//!
//! They are in debug builds only. In a release build none can be switched on, and their code is not there.

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering};

/// One way to break a promise, named after what then happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[repr(u8)]
pub enum Defect {
    /// A rule that other clusters need too is revoked, not released.
    RevokeSharedRule = 1,
    /// Foreign rules go before the status tells of them.
    TakeUnrecorded,
    /// Targets that fall while foreign rules are taken away are not looked at.
    IgnoreHealth,
    /// Health is watched for as long as the option says, be it shorter than the health checks need.
    WatchTooShort,
    /// Foreign rules go though the health of the targets is not known.
    TakeInTheDark,
    /// Foreign rules come back without their descriptions and tags.
    RestoreBareRules,
    /// What was put back is taken away again.
    ForgetRollback,
    /// A new value of the annotation changes nothing.
    IgnoreRetryToken,
    /// A change of the spec lets nothing go that was put back.
    IgnoreChangedSpec,
    /// Several groups of one load balancer are tightened at once.
    TightenAllAtOnce,
    /// The limit is AWS's default, whatever Service Quotas says.
    NoServiceQuotas,
    /// A prefix list counts as one rule.
    ListsCountOnce,
    /// AWS is asked without counting.
    QuotaNotCounted,
    /// Where not all fits, the oldest object is refused first.
    OldestRefusedFirst,
    /// IPv4 and IPv6 count together.
    FamiliesCountTogether,
    /// Where not all fits, rules go that are in place.
    RulesInPlaceGivenUp,
    /// In a full group surplus waits until all is made.
    SurplusWaitsInFullGroup,
    /// In a full group surplus goes whatever it admits.
    SurplusGoesWhateverItAdmits,
    /// A gap is made without a person's word.
    GapUnasked,
    /// A token permits gaps again and again.
    TokenActsAgain,
    /// A call that AWS refuses for one of its rules is not split.
    RefusedCallNotSplit,
    /// There is no brake on mass revocation.
    NoRevocationBrake,
    /// What the brake holds goes on after ten minutes.
    BrakeThawsByItself,
    /// The brake holds on when nothing is to go any more.
    NeverReleaseBrake,
    /// A new process knows nothing of what the brake of the last one held.
    ForgetBrakeAtStart,
    /// `--revocation-brake` has no effect.
    IgnoreRevocationBrake,
    /// A deleted object goes while its rules are still there.
    LetGoWhileHeld,
    /// Two clusters of one name count as one.
    IdentityIsTheName,
    /// A group's consent to one cluster counts for all.
    AnyClustersConsent,
    /// `--read-only` writes.
    WriteReadOnly,
    /// What someone keeps undoing is repaired for ever, at once.
    RepairForEver,
    /// A removed foreign rule that comes back counts as a new one.
    ForgetWhatWasRemoved,
    /// What was contested once stays so.
    ContestedForEver,
    /// Nobody is told that a rule is contested, nor by whom.
    KeepContestSecret,
    /// No step is said to interrupt untracked connections.
    NoInterruptionMark,
    /// That a step waits, or was refused, is told again at each pass.
    TellAgain,
    /// What an object that is being deleted needed is revoked, whoever else needs it.
    ForgetOtherNeeds,
    /// Descriptions stay as they were made.
    LeaveDescriptions,
    /// A description that another cluster keeps true is written by us too.
    DescribeForOthers,
    /// A rule of another cluster that is needed here too does not get our tag.
    LeaveRulesOfOthersUntagged,
    /// Foreign rules are removed from groups that are `shared`.
    RemoveFromSharedGroups,
    /// Foreign rules are removed if any of those who govern them says so.
    CountOneVote,
    /// `Remove` counts although the object only observes.
    CountVotesOfObservers,
    /// Foreign rules are removed whoever else uses the group.
    IgnoreOtherUses,
    /// Foreign rules that reach beyond what is governed are removed too.
    GovernWiderRules,
    /// A binding governs ports whose clients nobody declared.
    GovernUndeclaredPorts,
    /// An access governs a direction whose field is absent.
    GovernAbsentFields,
    /// An object's old rules go before its rules in other groups are there.
    ForgetOtherGroups,
    /// Ingress is written on a group of the AWS Load Balancer Controller.
    WriteControllersIngress,
    /// Foreign rules are removed although the objects say `Report`.
    RemoveUnderReport,
    /// Needed foreign rules are adopted although the objects say `Report`.
    AdoptUnderReport,
    /// Rules with our cluster's name and another identity count as ours.
    MistakeIdentity,
    /// Identities that are to be taken over are not.
    IgnoreTakeOver,
    /// Rules that no object accounts for are revoked although they are only to be reported.
    RevokeReportedOrphans,
    /// Groups with which no object has to do are not looked for.
    OverlookStrays,
    /// Rules that no object accounts for are revoked whatever the group's tags say.
    RevokeOrphansWithoutConsent,
    /// Groups are written that have not opted in.
    WriteWithoutConsent,
    /// Groups are written for namespaces that they do not list.
    IgnoreNamespaces,
    /// A deleted object goes before its rules do.
    DropFinalizerEarly,
    /// One port more is opened than is declared.
    WidenPorts,
    /// What goes is taken away before what is needed is made.
    TakeFirst,
    /// What an object needs that could not be looked up is revoked.
    RevokeOnPartialKnowledge,
    /// An object that could not be looked up holds the revokes of all.
    HoldEverything,
    /// Objects are not read again before a revoke.
    TrustCachedObjects,
    /// A leader goes on when its lease has ended.
    IgnoreLease,
    /// Rules are not read again before a revoke.
    TrustOldTags,
    /// What only AWS no longer asks for is revoked at the first read.
    RevokeDerivedAtOnce,
    /// Rules count as in place before they were seen.
    ClaimUnseenRules,
    /// Descriptions are written that are true already.
    WriteAtRest,
    /// Steps that wait are not told of.
    HideHeldSteps,
}

/// What is switched on in this process; 0: nothing.
static IN_PROCESS: AtomicU8 = AtomicU8::new(0);

thread_local! {
    /// What is switched on for this thread only: several simulations run in one process.
    static IN_THREAD: Cell<u8> = const { Cell::new(0) };
}

impl Defect {
    /// Whether the code is to do the wrong thing. Always `false` in a release build.
    pub fn is_on(self) -> bool {
        cfg!(debug_assertions)
            && (IN_PROCESS.load(Ordering::Relaxed) == self as u8 || IN_THREAD.with(Cell::get) == self as u8)
    }

    /// Switches it on in the whole process, for good.
    pub fn switch_on(self) {
        IN_PROCESS.store(self as u8, Ordering::Relaxed);
    }

    /// Switches it on in this thread until the guard is dropped.
    pub fn in_this_thread(self) -> InThread {
        InThread(IN_THREAD.replace(self as u8))
    }
}

/// Keeps a defect on in one thread.
#[must_use]
pub struct InThread(u8);

impl Drop for InThread {
    fn drop(&mut self) {
        IN_THREAD.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_is_on_in_its_thread_until_the_guard_is_dropped() {
        assert!(!Defect::RevokeSharedRule.is_on());
        let guard = Defect::RevokeSharedRule.in_this_thread();
        assert!(Defect::RevokeSharedRule.is_on());
        assert!(!std::thread::spawn(|| Defect::RevokeSharedRule.is_on()).join().expect("no panic"));
        drop(guard);
        assert!(!Defect::RevokeSharedRule.is_on());
    }
}
