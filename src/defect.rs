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
    /// What an object that is being deleted needed is revoked, whoever else needs it.
    ForgetOtherNeeds = 2,
    /// Descriptions stay as they were made.
    LeaveDescriptions = 3,
    /// A description that another cluster keeps true is written by us too.
    DescribeForOthers = 4,
    /// A rule of another cluster that is needed here too does not get our tag.
    LeaveRulesOfOthersUntagged = 5,
    /// Foreign rules are removed from groups that are `shared`.
    RemoveFromSharedGroups = 6,
    /// Foreign rules are removed if any of those who govern them says so.
    CountOneVote = 7,
    /// `Remove` counts although the object only observes.
    CountVotesOfObservers = 8,
    /// Foreign rules are removed whoever else uses the group.
    IgnoreOtherUses = 9,
    /// Foreign rules that reach beyond what is governed are removed too.
    GovernWiderRules = 10,
    /// A binding governs ports whose clients nobody declared.
    GovernUndeclaredPorts = 11,
    /// An access governs a direction whose field is absent.
    GovernAbsentFields = 12,
    /// An object's old rules go before its rules in other groups are there.
    ForgetOtherGroups = 13,
    /// Ingress is written on a group of the AWS Load Balancer Controller.
    WriteControllersIngress = 14,
    /// Foreign rules are removed although the objects say `Report`.
    RemoveUnderReport = 15,
    /// Needed foreign rules are adopted although the objects say `Report`.
    AdoptUnderReport = 16,
    /// Rules with our cluster's name and another identity count as ours.
    MistakeIdentity = 17,
    /// Identities that are to be taken over are not.
    IgnoreTakeOver = 18,
    /// Rules that no object accounts for are revoked although they are only to be reported.
    RevokeReportedOrphans = 19,
    /// Groups with which no object has to do are not looked for.
    OverlookStrays = 20,
    /// Rules that no object accounts for are revoked whatever the group's tags say.
    RevokeOrphansWithoutConsent = 21,
    /// Groups are written that have not opted in.
    WriteWithoutConsent = 22,
    /// Groups are written for namespaces that they do not list.
    IgnoreNamespaces = 23,
    /// A deleted object goes before its rules do.
    DropFinalizerEarly = 24,
    /// One port more is opened than is declared.
    WidenPorts = 25,
    /// What goes is taken away before what is needed is made.
    TakeFirst = 26,
    /// What an object needs that could not be looked up is revoked.
    RevokeOnPartialKnowledge = 27,
    /// An object that could not be looked up holds the revokes of all.
    HoldEverything = 28,
    /// Objects are not read again before a revoke.
    TrustCachedObjects = 29,
    /// A leader goes on when its lease has ended.
    IgnoreLease = 30,
    /// Rules are not read again before a revoke.
    TrustOldTags = 31,
    /// What only AWS no longer asks for is revoked at the first read.
    RevokeDerivedAtOnce = 32,
    /// Rules count as in place before they were seen.
    ClaimUnseenRules = 33,
    /// Descriptions are written that are true already.
    WriteAtRest = 34,
    /// Steps that wait are not told of.
    HideHeldSteps = 35,
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
