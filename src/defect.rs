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
