//! The promises.

use sgbind::defect::Defect;

use super::{brake, contested, holding, ownership, quota, sharing, stand, tightening, told};

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
        "A rule that several objects need stays, at every moment, until the last of them needs it no more.":
            virtual sharing::a_rule_goes_with_the_last_that_needs_it, ForgetOtherNeeds;
        "The description of a rule names whoever needs it.":
            virtual sharing::a_description_names_whoever_needs_the_rule, LeaveDescriptions;
        "A rule that another cluster needs too loses only our tag.":
            real sharing::a_rule_of_two_clusters_is_released, RevokeSharedRule;
        "A needed rule of another cluster gets our tag beside theirs, under `Report` too.":
            virtual sharing::a_needed_rule_of_another_cluster_gets_our_tag_beside_theirs, LeaveRulesOfOthersUntagged;
        "Two clusters that share rules write nothing at rest; the one whose tag sorts first keeps the descriptions.":
            virtual sharing::two_clusters_that_share_rules_write_nothing_at_rest, DescribeForOthers;
        "Foreign rules are never removed from a group that is `shared`.":
            virtual sharing::a_shared_group_keeps_its_foreign_rules, RemoveFromSharedGroups;
        "Foreign rules go only if all who govern them say `Remove`; who is outvoted is told.":
            virtual sharing::whoever_says_report_outvotes_all_others, CountOneVote;
        "`Observe` counts as `Report`.":
            virtual sharing::an_observer_counts_as_report, CountVotesOfObservers;
        "A binding removes nothing from its load balancer's group while others use it; they are named.":
            virtual sharing::a_group_that_others_use_keeps_its_foreign_rules, IgnoreOtherUses;
        "On its targets' groups a binding removes foreign ingress within its ports, and spares the group's own members.":
            virtual sharing::a_binding_governs_only_the_ports_of_its_targets, GovernWiderRules;
        "Foreign ingress of a port goes only where its clients are declared, of all ports only where all are.":
            virtual sharing::a_binding_governs_only_ports_with_declared_clients, GovernUndeclaredPorts;
        "An access governs the directions whose field is present; an empty list allows nothing.":
            virtual sharing::an_access_governs_the_directions_that_it_names, GovernAbsentFields;
        "Who moves to another group has its rules there before the old ones go; the old group is cleaned.":
            virtual sharing::a_move_makes_the_new_group_first_and_cleans_the_old, ForgetOtherGroups;
        "Ingress of a group of the AWS Load Balancer Controller is left to it.":
            virtual sharing::ingress_of_the_load_balancer_controller_is_left_to_it, WriteControllersIngress;
    }
    "Whose a rule is" {
        "A foreign rule is never revoked under `Report`.":
            virtual ownership::foreign_rules_stay_under_report, RemoveUnderReport;
        "A needed foreign rule is adopted under `Remove`, never under `Report`.":
            virtual ownership::a_needed_foreign_rule_is_adopted_under_remove_only, AdoptUnderReport;
        "A rule with our cluster's name and another identity is never touched, and told of.":
            virtual ownership::rules_of_another_identity_are_never_touched, MistakeIdentity;
        "Rules of an identity that `--take-over` names become ours, and stay so without the option.":
            virtual ownership::rules_of_a_former_cluster_are_taken_over, IgnoreTakeOver;
        "Rules that no object accounts for are told of, and stay.":
            virtual ownership::orphans_are_reported_and_stay, RevokeReportedOrphans;
        "With `--orphans Revoke` rules that no object accounts for go, wherever they are.":
            virtual ownership::orphans_go_where_they_are_to, OverlookStrays;
        "With `--orphans Revoke` a rule goes only where its group lets the namespace that the rule names write.":
            virtual ownership::orphans_go_only_with_consent, RevokeOrphansWithoutConsent;
        "A group that has not opted in is never written.":
            virtual ownership::a_group_that_has_not_opted_in_is_not_written, WriteWithoutConsent;
        "A group is never written for a namespace that it does not list.":
            virtual ownership::a_group_is_not_written_for_a_namespace_that_it_does_not_list, IgnoreNamespaces;
        "No traffic is allowed that nobody declares: ports are never merged or widened.":
            virtual ownership::nothing_is_opened_that_nobody_declares, WidenPorts;
        "A deleted object goes when its rules are seen to be gone, not before.":
            virtual ownership::an_object_goes_when_its_rules_are_seen_to_be_gone, DropFinalizerEarly;
    }
    "Steps that wait" {
        "What is needed is made and seen before anything is taken away.":
            virtual holding::what_goes_goes_when_what_is_needed_was_seen, TakeFirst;
        "Nothing is revoked that an object may need of which not all could be found.":
            virtual holding::what_an_object_needs_that_is_not_known_stays, RevokeOnPartialKnowledge;
        "An object of which not all could be found holds only what names it: it blocks no closing of anybody else's.":
            virtual holding::an_object_that_is_not_known_blocks_nobody_else, HoldEverything;
        "A step that waits stands in the status, with what it waits for.":
            virtual holding::a_step_that_waits_is_told_with_its_reason, HideHeldSteps;
        "Before a revoke the objects are read from the API server, not from memory.":
            virtual holding::objects_are_read_again_before_a_revoke, TrustCachedObjects;
        "Before a revoke the rules' tags are read again.":
            virtual holding::tags_are_read_again_before_a_revoke, TrustOldTags;
        "A paused leader that wakes up with old knowledge revokes nothing that is needed by now: without its lease it writes \
         nothing.":
            virtual holding::a_leader_without_its_lease_writes_nothing, IgnoreLease;
        "What only AWS no longer asks for goes after two complete reads, `--revocation-delay` apart.":
            virtual holding::what_only_aws_says_waits_for_a_second_read, RevokeDerivedAtOnce;
        "`InSync` is told only when all rules were read back.":
            real holding::in_sync_means_that_all_rules_were_seen, ClaimUnseenRules;
        "Nothing is written where nothing differs.":
            virtual holding::nothing_is_written_where_nothing_differs, WriteAtRest;
    }
    "Tightening without an outage" {
        "Where a healthy target times out after foreign rules were taken away, they are put back, and it is told.":
            real tightening::what_a_target_needed_comes_back, IgnoreHealth;
        "Foreign rules that are put back have the traffic, description and tags that they had, and are not ours.":
            real tightening::what_comes_back_is_as_it_was, RestoreBareRules;
        "A foreign rule that goes stands in the status first: after a crash it comes back all the same.":
            virtual tightening::after_a_crash_it_comes_back_all_the_same, TakeUnrecorded;
        "The targets' health is watched for as long as health checks need to notice.":
            virtual tightening::the_watch_lasts_until_checks_have_noticed, WatchTooShort;
        "While the health of targets can't be read, no foreign rule goes.":
            virtual tightening::without_known_health_nothing_goes, TakeInTheDark;
        "A foreign rule that was put back stays, also after a restart.":
            virtual tightening::what_came_back_stays, ForgetRollback;
        "A new value of `sgbind.dev/retry-tightening` tries once more to remove what was put back, each value once.":
            virtual tightening::a_token_tries_once_more, IgnoreRetryToken;
        "A change of the spec tries once more to remove what was put back.":
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
        "A process that starts anew, again and again, revokes no more of what the brake holds.":
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
        "A rule is contested no more when it has stayed for ten minutes, and the condition says so.":
            virtual contested::it_ends, ContestedForEver;
    }
    "What is told before it is done" {
        "Steps that may cut live connections are marked in status.plan and status.held.":
            virtual told::interruptions, NoInterruptionMark;
        "That a step waits, or that AWS refuses it, is told once by event, not at each pass.":
            virtual told::once, TellAgain;
    }
}
