//! Every rule of one group: whose it is, who needs it and why, and what would become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::model::{
    ActualRule, Consent, Direction, GroupKey, GroupState, Named, Namespaces, ObjectRef, Ownership, RuleSpec, Us, named,
};
use crate::once::{Forecast, Survey};

use super::json::RuleDocument;
use super::tame;

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const OURS: Style = AnsiColor::Green.on_default();
const OTHERS: Style = AnsiColor::Cyan.on_default();
const FOREIGN: Style = AnsiColor::Yellow.on_default();
const TAKEN: Style = AnsiColor::Red.on_default();

/// What `explain -o json` prints.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainDocument {
    pub security_group: String,
    pub name: String,
    pub account: String,
    pub region: String,
    /// Clusters to which the group has opted in.
    pub clusters: BTreeMap<String, String>,
    /// In the order of EC2's console: ingress first.
    pub rules: Vec<ExplainedRule>,
    /// Rules that are needed and not there.
    pub missing: Vec<ExplainedRule>,
}

/// One rule.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRule {
    #[serde(flatten)]
    pub rule: RuleDocument,
    /// Absent where the rule is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// `ours`, `foreign` or `cluster:NAME`.
    pub owner: String,
    /// Who needs it; where no objects were given, whom its description names.
    #[serde(rename = "for")]
    pub objects: Vec<String>,
    pub reason: String,
    pub description: String,
    /// What would be done with it, and for what that waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<String>,
    #[serde(skip)]
    spec: Option<RuleSpec>,
}

/// Explains a group of a survey; `None` if it is not there.
pub fn explain(survey: &Survey, forecast: &Forecast, key: &GroupKey) -> Option<ExplainDocument> {
    let state = &survey.groups.get(key)?.state;
    let explaining = Explaining { survey, forecast, state };
    let mut there: Vec<&ActualRule> = state.rules.iter().collect();
    there.sort_by_key(|rule| &rule.spec);
    let specs: BTreeSet<&RuleSpec> = there.iter().map(|rule| &rule.spec).collect();
    let needed = explaining.needed();
    Some(ExplainDocument {
        security_group: key.id.to_string(),
        name: state.name.clone(),
        account: key.scope.account.to_string(),
        region: key.scope.region.to_string(),
        clusters: clusters(state),
        rules: there.iter().map(|rule| explaining.rule(rule, &needed)).collect(),
        missing: needed
            .iter()
            .filter(|(spec, _)| !specs.contains(*spec) && explaining.is_to_be_there(spec))
            .map(|(spec, why)| explaining.missing(spec, why))
            .collect(),
    })
}

/// By rule, who needs it, and why.
type Needed<'a> = BTreeMap<&'a RuleSpec, Vec<(&'a ObjectRef, &'a str)>>;

struct Explaining<'a> {
    survey: &'a Survey,
    forecast: &'a Forecast,
    state: &'a GroupState,
}

impl<'a> Explaining<'a> {
    fn needed(&self) -> Needed<'a> {
        let mut needed = Needed::new();
        for (object, surveyed) in &self.survey.objects {
            if surveyed.declaration.scope != self.state.key.scope {
                continue;
            }
            let rules = surveyed.desired.groups.get(&self.state.key.id).into_iter().flat_map(|needs| &needs.rules);
            for (spec, need) in rules {
                needed.entry(spec).or_default().push((object, &need.reason));
            }
        }
        needed
    }

    /// Whether a rule that is declared is to be there: what is only derived may be left as a foreign rule has it, and some
    /// ingress is the AWS Load Balancer Controller's.
    fn is_to_be_there(&self, spec: &RuleSpec) -> bool {
        self.forecast.needed.contains(&(self.state.key.clone(), spec.clone()))
    }

    fn rule(&self, rule: &ActualRule, needed: &Needed<'_>) -> ExplainedRule {
        let ownership = self.survey.us.ownership(&rule.tags);
        let why = needed.get(&rule.spec).map(Vec::as_slice).unwrap_or_default();
        let named = named(&self.survey.us.cluster, &rule.description);
        let objects: BTreeSet<&ObjectRef> = match (why.is_empty(), &ownership) {
            (true, Ownership::Foreign) => BTreeSet::new(),
            (true, _) => named.objects().iter().collect(),
            (false, _) => why.iter().map(|(object, _)| *object).collect(),
        };
        ExplainedRule {
            rule: RuleDocument::new(&self.state.key.id, &rule.spec),
            rule_id: Some(rule.id.to_string()),
            owner: self.owner(&ownership),
            objects: objects.into_iter().map(ToString::to_string).collect(),
            reason: self.reason(&ownership, why, rule, &named),
            description: rule.description.clone(),
            planned: self.planned(&rule.spec),
            spec: Some(rule.spec.clone()),
        }
    }

    fn missing(&self, spec: &RuleSpec, why: &[(&ObjectRef, &str)]) -> ExplainedRule {
        ExplainedRule {
            rule: RuleDocument::new(&self.state.key.id, spec),
            rule_id: None,
            owner: "ours".into(),
            objects: why.iter().map(|(object, _)| object.to_string()).collect(),
            reason: reasons(why),
            description: String::new(),
            planned: self.planned(spec),
            spec: Some(spec.clone()),
        }
    }

    fn owner(&self, ownership: &Ownership) -> String {
        match ownership {
            Ownership::Ours { .. } | Ownership::TakenOver => "ours".into(),
            Ownership::OtherIdentity { .. } => format!("cluster:{}", self.survey.us.cluster),
            Ownership::OtherClusters(names) => {
                format!("cluster:{}", names.iter().cloned().collect::<Vec<_>>().join(","))
            }
            Ownership::Foreign => "foreign".into(),
        }
    }

    fn reason(&self, ownership: &Ownership, why: &[(&ObjectRef, &str)], rule: &ActualRule, named: &Named) -> String {
        let are_given = |objects: &BTreeSet<ObjectRef>| objects.iter().all(|it| self.survey.objects.contains_key(it));
        let objects_are_known = matches!(named, Named::Exactly(objects) if are_given(objects));
        match ownership {
            Ownership::Foreign if !why.is_empty() => format!("no sgbind made it, and it is needed: {}", reasons(why)),
            _ if !why.is_empty() => reasons(why),
            Ownership::Foreign if rule.description.is_empty() => "no sgbind made it".into(),
            Ownership::Foreign => format!("no sgbind made it; it says \"{}\"", rule.description),
            Ownership::OtherIdentity { identity } => {
                format!("made by another sgbind of this cluster name, whose identity is {identity}")
            }
            Ownership::OtherClusters(_) if rule.description.is_empty() => "another cluster's".into(),
            Ownership::OtherClusters(_) => format!("another cluster's; it says \"{}\"", rule.description),
            _ if objects_are_known => "none of the objects needs it any more".into(),
            _ => format!("as its description says: \"{}\"", rule.description),
        }
    }

    /// What would be done with a rule; where no objects were given that can't be said.
    fn planned(&self, spec: &RuleSpec) -> Option<String> {
        if self.survey.objects.is_empty() {
            return None;
        }
        let here = |group: &GroupKey, other: &RuleSpec| *group == self.state.key && other == spec;
        let mut steps = self.forecast.steps.iter().filter(|step| here(&step.group, &step.spec));
        let held = || self.forecast.held.iter().find(|held| here(&held.step.group, &held.step.spec));
        steps.next().map(|step| step.action.word().to_owned()).or_else(|| {
            held().map(|held| {
                format!("{} is held, {}: {}", held.step.action.word(), held.reason.word(), held.reason.meaning())
            })
        })
    }
}

fn reasons(why: &[(&ObjectRef, &str)]) -> String {
    let reasons: BTreeSet<&str> = why.iter().map(|(_, reason)| *reason).collect();
    reasons.into_iter().collect::<Vec<_>>().join("; ")
}

/// Which clusters may write the group, and for whom: `owned, namespaces team-shop`.
fn clusters(state: &GroupState) -> BTreeMap<String, String> {
    let prefix = crate::api::names::CLUSTER_TAG_PREFIX;
    let names = state.tags.keys().filter_map(|key| key.strip_prefix(prefix));
    let consent = |name: &str| {
        let cluster = name.parse().ok()?;
        let us = Us { cluster, identity: String::new(), take_over: BTreeSet::new() };
        let Consent::Given { shared, namespaces } = Consent::read(&us, &state.tags) else { return None };
        let namespaces = match namespaces {
            Namespaces::All => "all namespaces".to_owned(),
            Namespaces::These(names) if names.is_empty() => "no namespace".to_owned(),
            Namespaces::These(names) => format!("namespaces {}", names.into_iter().collect::<Vec<_>>().join(" ")),
        };
        Some((name.to_owned(), format!("{}, {namespaces}", if shared { "shared" } else { "owned" })))
    };
    names.filter_map(consent).collect()
}

/// The same for people.
pub fn explained(document: &ExplainDocument) -> String {
    let mut text = String::new();
    let place = format!("{}/{}", document.account, document.region);
    let _ =
        writeln!(text, "{BOLD}{} {}{BOLD:#} {FAINT}({place}){FAINT:#}", document.security_group, tame(&document.name));
    for (cluster, consent) in &document.clusters {
        let _ = writeln!(text, "  opted in to cluster {}: {}", tame(cluster), tame(consent));
    }
    if document.clusters.is_empty() {
        text.push_str("  opted in to no cluster: no sgbind writes it\n");
    }
    let width = document.rules.iter().map(|rule| whose(rule).len()).max().unwrap_or_default().max("missing".len());
    for (direction, title) in [(Direction::Ingress, "Ingress"), (Direction::Egress, "Egress")] {
        let of = |rule: &&ExplainedRule| rule.spec.as_ref().is_some_and(|spec| spec.direction == direction);
        let rules: Vec<&ExplainedRule> = document.rules.iter().filter(of).collect();
        let missing: Vec<&ExplainedRule> = document.missing.iter().filter(of).collect();
        let _ = writeln!(text, "\n{BOLD}{title}{BOLD:#}");
        if rules.is_empty() && missing.is_empty() {
            text.push_str("  no rule: nothing is admitted\n");
        }
        rules.iter().chain(&missing).for_each(|rule| line(&mut text, rule, width));
    }
    text
}

fn line(text: &mut String, rule: &ExplainedRule, width: usize) {
    let style = match rule.owner.as_str() {
        _ if rule.rule_id.is_none() => TAKEN,
        "ours" => OURS,
        "foreign" => FOREIGN,
        _ => OTHERS,
    };
    let spec = rule.spec.as_ref().map(short).unwrap_or_default();
    let _ = write!(text, "  {style}{:width$}{style:#}  {BOLD}{spec}{BOLD:#}", whose(rule));
    if let Some(id) = &rule.rule_id {
        let _ = write!(text, "  {FAINT}{}{FAINT:#}", tame(id));
    }
    let objects = tame(&rule.objects.join(", "));
    let objects = if objects.is_empty() { objects } else { format!("  {FAINT}{objects}{FAINT:#}") };
    let _ = writeln!(text, "\n  {:width$}  {}{objects}", "", tame(&rule.reason));
    if let Some(planned) = &rule.planned {
        let _ = writeln!(text, "  {:width$}  {TAKEN}plan: {}{TAKEN:#}", "", tame(planned));
    }
}

/// The word before a rule.
fn whose(rule: &ExplainedRule) -> String {
    if rule.rule_id.is_none() { "missing".to_owned() } else { tame(&rule.owner) }
}

/// Without the direction, under whose title it stands.
fn short(spec: &RuleSpec) -> String {
    let text = spec.to_string();
    text.split_once(' ').map_or(text.clone(), |(_, rest)| rest.to_owned())
}
