//! The promises.

use sgbind::defect::Defect;

use super::{brake, contested, sharing, stand, told};

/// What belongs together.
pub struct Section {
    pub title: &'static str,
    pub promises: &'static [Promise],
}

/// One promise.
pub struct Promise {
    pub says: &'static str,
    /// Module of its tests: `promises::table::TEST::holds`.
    pub test: &'static str,
    pub defect: Defect,
}

/// The table, and for each promise the tests `holds` and `notices`. `real` scenarios run on real parts, `virtual` ones
/// in virtual time.
macro_rules! promises {
    ($($title:literal { $($says:literal: $kind:tt $module:ident::$test:ident, $defect:ident;)+ })+) => {
        pub const SECTIONS: &[Section] = &[$(Section {
            title: $title,
            promises: &[$(Promise { says: $says, test: stringify!($test), defect: Defect::$defect }),+],
        }),+];
        $($(mod $test {
            #[test]
            fn holds() {
                super::stand::holds(paused!($kind), super::$module::$test);
            }

            #[test]
            fn notices() {
                super::stand::notices(paused!($kind), super::$module::$test, super::Defect::$defect);
            }
        })+)+
    };
}

macro_rules! paused {
    (real) => {
        false
    };
    (virtual) => {
        true
    };
}

promises! {
    "Groups shared by many objects and clusters" {
        "A rule that another cluster needs too loses only our tag.":
            real sharing::a_rule_of_two_clusters_is_released, RevokeSharedRule;
    }
    "When much is to go at once" {
        "Of 300 rules whose objects are all deleted, a hundred go; the others stay, each object says why, and it is told once.":
            virtual brake::an_emptied_folder, NoRevocationBrake;
        "What the brake holds does not go on by itself, however long nobody looks.":
            virtual brake::hours_pass, BrakeThawsByItself;
        "A process that starts anew, again and again, revokes no more of it.":
            virtual brake::restarts, ForgetBrakeAtStart;
        "A greater --revocation-brake lets so many more go, and the objects with them.":
            virtual brake::a_raised_flag, IgnoreRevocationBrake;
        "Who lets the deleted objects go by sgbind.dev/abandon and applies them again has every rule again, and an ordinary \
         brake.": virtual brake::applied_again, NeverReleaseBrake;
        "A deleted CRD waits for 300 rules as its objects do, and goes with them.":
            real brake::a_deleted_crd, LetGoWhileHeld;
        "A second cluster that was started with our name touches none of our 300 rules, and says so.":
            virtual brake::our_name_elsewhere, IdentityIsTheName;
        "Under a name to which no group has opted in nothing is written, and the objects say so.":
            virtual brake::another_name, AnyClustersConsent;
        "--read-only stops all writes to AWS at once, and the objects say what would be done.":
            virtual brake::read_only, WriteReadOnly;
    }
    "When someone else has it otherwise" {
        "A rule that is undone five times in ten minutes waits before it is made again; all other rules go on.":
            virtual contested::a_rule_is_undone, RepairForEver;
        "A removed foreign rule that comes back five times in ten minutes waits before it is removed again.":
            virtual contested::a_foreign_rule_comes_back, ForgetWhatWasRemoved;
        "Which rule is contested, and who may be doing it, is told by event and condition.":
            virtual contested::who_does_it, KeepContestSecret;
        "It ends when the rule has stayed for ten minutes, and the condition says so.":
            virtual contested::it_ends, ContestedForEver;
    }
    "What is told before it is done" {
        "Steps that may cut live connections are marked in status.plan and status.held.":
            virtual told::interruptions, NoInterruptionMark;
        "That a step waits, or that AWS refuses it, is told once by event, not at each pass.":
            virtual told::once, TellAgain;
    }
}
