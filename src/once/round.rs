//! Pure: the plans of all groups at one moment, as the controller would come to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{self, Checked, Phase, Violation};
use crate::model::{
    Allowance, Claim, Elsewhere, GroupKey, GroupState, Known, ObjectRef, Plan, Retained, RuleSpec, Step, Tightening,
    revocation_limit_of,
};
use crate::plan;

use super::{Survey, Surveyed, Terms};

/// How many rules may be revoked in a run.
pub fn revocation_limit(survey: &Survey, terms: &Terms) -> u32 {
    let ours = survey.groups.values().flat_map(|group| &group.state.rules);
    let ours = ours.filter(|rule| survey.us.ownership(&rule.tags).is_ours()).count();
    terms.brake.unwrap_or_else(|| revocation_limit_of(u32::try_from(ours).unwrap_or(u32::MAX)))
}

/// How many rules may still be revoked in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Brake {
    limit: u32,
    left: u32,
}

impl Brake {
    pub(super) fn new(survey: &Survey, terms: &Terms) -> Self {
        let limit = revocation_limit(survey, terms);
        Self { limit, left: limit }
    }

    /// Counts the rules that these steps revoke.
    pub(super) fn count<'a>(&mut self, steps: impl IntoIterator<Item = &'a Step>) {
        let revoked = steps.into_iter().filter(|step| step.action.revokes()).count();
        self.left = self.left.saturating_sub(u32::try_from(revoked).unwrap_or(u32::MAX));
    }

    fn allowance(self) -> Allowance {
        Allowance { left: self.left, limit: self.limit, counted: BTreeSet::new() }
    }
}

/// Groups at some moment, with rules that AWS has refused to make there.
pub(super) type States = BTreeMap<GroupKey, GroupState>;
pub(super) type Refused = BTreeMap<GroupKey, BTreeSet<RuleSpec>>;

/// What every plan of a run depends on, at whatever moment.
pub(super) struct Planning<'a> {
    survey: &'a Survey,
    terms: &'a Terms,
    known: BTreeMap<ObjectRef, Known>,
    /// Who needs or governs something in a group, or has written it.
    claimants: BTreeMap<GroupKey, BTreeSet<&'a ObjectRef>>,
}

/// How things stand at one moment.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) states: &'a States,
    pub(super) refused: &'a Refused,
    pub(super) brake: Brake,
}

impl<'a> Planning<'a> {
    pub(super) fn new(survey: &'a Survey, terms: &'a Terms) -> Self {
        let malformed = terms.malformed.iter().map(|malformed| (malformed.object.clone(), malformed.known()));
        let known = survey.objects.iter().map(|(object, surveyed)| (object.clone(), surveyed.known())).chain(malformed);
        Self { survey, terms, known: known.collect(), claimants: survey.claimants() }
    }

    /// The plans of all groups as if no object waited for what it needs elsewhere: they tell how that stands.
    pub(super) fn standings(&self, moment: Moment<'_>, tightening: &TighteningOf<'_>) -> Result<Standings, Violation> {
        let plan = |key: &GroupKey| {
            let checked = self.plan(key, &Standings::default(), moment, tightening)?;
            Ok((key.clone(), checked.plan().clone()))
        };
        Ok(Standings { plans: moment.states.keys().map(plan).collect::<Result<_, Violation>>()? })
    }

    /// The plan of one group.
    pub(super) fn plan(
        &self,
        key: &GroupKey,
        standings: &Standings,
        moment: Moment<'_>,
        tightening: &TighteningOf<'_>,
    ) -> Result<Checked, Violation> {
        let (group, state) = (&self.survey.groups[key], &moment.states[key]);
        let refused = moment.refused.get(key).cloned().unwrap_or_default();
        let input = plan::Input {
            us: &self.survey.us,
            group: state,
            claims: &self.claims(state, standings),
            known: &self.known,
            usage: &group.usage,
            quota: &group.quota,
            unheard: false,
            refused: &refused,
            tightening: &tightening(state),
            allowance: &moment.brake.allowance(),
            contested: &BTreeSet::new(),
            selection: self.terms.scope.selection(),
            orphans: self.terms.orphans,
        };
        check::plan(&input, plan::group(&input))
    }

    fn claims(&self, state: &GroupState, standings: &Standings) -> Vec<Claim> {
        let concerned = self.survey.concerned(&self.claimants, state).into_iter();
        concerned.map(|(object, surveyed)| claim(object, surveyed, state, standings)).collect()
    }
}

/// What may become of a group's foreign rules.
pub(super) type TighteningOf<'a> = dyn Fn(&GroupState) -> Tightening + 'a;

fn claim(object: &ObjectRef, surveyed: &Surveyed, state: &GroupState, standings: &Standings) -> Claim {
    let declaration = &surveyed.declaration;
    let here = state.key.scope == declaration.scope;
    let needs = surveyed.desired.groups.get(&state.key.id).filter(|_| here).cloned().unwrap_or_default();
    let token = &declaration.allow_gap;
    Claim {
        object: object.clone(),
        created: surveyed.created,
        stance: declaration.stance,
        rules: needs.rules,
        retained: Retained::These(BTreeSet::new()),
        recorded: true,
        elsewhere: standings.elsewhere(object, surveyed, &state.key),
        gap_permitted: token.given.is_some() && token.given != token.acknowledged,
        governs: needs.governs,
        foreign_rules: declaration.foreign_rules,
    }
}

/// How objects stand to all groups.
#[derive(Default)]
pub(super) struct Standings {
    plans: BTreeMap<GroupKey, Plan>,
}

impl Standings {
    fn elsewhere(&self, object: &ObjectRef, surveyed: &Surveyed, here: &GroupKey) -> Elsewhere {
        if self.plans.is_empty() {
            return Elsewhere::Made;
        }
        let needed = surveyed.desired.groups.iter().filter(|(_, needs)| !needs.rules.is_empty());
        let keys = needed.map(|(id, _)| surveyed.declaration.key(id));
        let others = keys.filter(|key| key != here);
        // A group that could not be read is one of which nothing is known.
        let stands = |key: GroupKey| self.plans.get(&key).map_or(Elsewhere::Pending, |plan| plan.stands(object));
        others.map(stands).max().unwrap_or_default()
    }
}

impl Survey {
    /// The objects that have to do with each group, whatever is there.
    pub(super) fn claimants(&self) -> BTreeMap<GroupKey, BTreeSet<&ObjectRef>> {
        let mut claimants = BTreeMap::<_, BTreeSet<_>>::new();
        for (object, Surveyed { declaration, desired, .. }) in &self.objects {
            let needed = desired.groups.keys().map(|id| declaration.key(id));
            for key in needed.chain(declaration.recorded_groups.iter().cloned()) {
                claimants.entry(key).or_default().insert(object);
            }
        }
        claimants
    }
}

/// The steps of a plan that come next, in an order that does not depend on ids.
pub(super) fn next_steps(checked: &Checked) -> Vec<Step> {
    let mut steps: Vec<Step> = match checked.next_phase() {
        Phase::Make(steps) | Phase::Take(steps) => steps.into_iter().cloned().collect(),
    };
    // Those of one kind stay together, and in the order in which the plan has them.
    let kinds: Vec<&str> = steps.iter().map(|step| step.action.word()).collect();
    let first = |step: &Step| kinds.iter().position(|kind| *kind == step.action.word());
    let mut order: Vec<(Option<usize>, Step)> = steps.drain(..).map(|step| (first(&step), step)).collect();
    order.sort_by(|(one, a), (other, b)| (one, &a.spec).cmp(&(other, &b.spec)));
    order.into_iter().map(|(_, step)| step).collect()
}
