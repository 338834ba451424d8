//! The promises.

use sgbind::defect::Defect;

use super::{sharing, stand, tightening};

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
}
