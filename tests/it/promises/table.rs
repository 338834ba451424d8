//! The promises.

use sgbind::defect::Defect;

use super::{sharing, stand};

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
}
