//! The promises.

use sgbind::defect::Defect;

use super::{brake, contested, quota, sharing, stand, tightening, told};

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
    "Tightening without an outage" {
        "Where a healthy target times out after foreign rules were taken away, they are put back, and it is told.":
            real tightening::what_a_target_needed_comes_back, IgnoreHealth;
        "They come back with their traffic, description and tags, and not as ours.":
            real tightening::what_comes_back_is_as_it_was, RestoreBareRules;
        "What goes stands in the status first: after a crash it comes back all the same.":
            virtual tightening::after_a_crash_it_comes_back_all_the_same, TakeUnrecorded;
        "Health is watched for as long as health checks need to notice.":
            virtual tightening::the_watch_lasts_until_checks_have_noticed, WatchTooShort;
        "While the health of targets can't be read, no foreign rule goes.":
            virtual tightening::without_known_health_nothing_goes, TakeInTheDark;
        "What was put back stays, also after a restart.":
            virtual tightening::what_came_back_stays, ForgetRollback;
        "A new value of `sgbind.dev/retry-tightening` tries once more, each value once.":
            virtual tightening::a_token_tries_once_more, IgnoreRetryToken;
        "A change of the spec tries once more.":
            virtual tightening::a_change_of_the_spec_tries_once_more, IgnoreChangedSpec;
        "Of one load balancer one group is tightened at a time.":
            virtual tightening::one_group_at_a_time, TightenAllAtOnce;
    }
    "Quotas and gaps" {
        "The rules that fit into a group are counted before AWS is asked.":
            virtual quota::the_quota_is_counted_beforehand, QuotaNotCounted;
        "Where not all fits, the rules of the newest object are refused, with the numbers.":
            real quota::the_newest_is_refused_first, OldestRefusedFirst;
        "A prefix list counts by its size.":
            real quota::a_prefix_list_counts_by_its_size, ListsCountOnce;
        "IPv4 and IPv6, ingress and egress count apart.":
            real quota::families_and_directions_count_apart, FamiliesCountTogether;
        "Rules that are in place and needed are never given up for others.":
            real quota::rules_in_place_are_never_given_up, RulesInPlaceGivenUp;
        "Where old and new do not fit side by side, surplus that admits nothing needed goes first.":
            real quota::in_a_full_group_surplus_goes_first, SurplusWaitsInFullGroup;
        "What is needed is admitted at each moment of a swap in a full group.":
            virtual quota::a_swap_lets_in_at_each_moment_who_is_needed, SurplusGoesWhateverItAdmits;
        "Where a gap can't be avoided nothing is done before `sgbind.dev/allow-gap` permits it.":
            real quota::a_gap_waits_for_a_persons_word, GapUnasked;
        "Each value of `sgbind.dev/allow-gap` acts once.":
            real quota::a_token_acts_once, TokenActsAgain;
        "The limit is what Service Quotas says, where that is permitted.":
            real quota::the_limit_is_what_service_quotas_says, NoServiceQuotas;
        "One bad rule in a call keeps no other out.":
            real quota::one_bad_rule_keeps_no_other_out, RefusedCallNotSplit;
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
