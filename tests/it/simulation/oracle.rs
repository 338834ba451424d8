//! Looks at the world after each write of a controller, and says what must never be so. It knows the scenario, and
//! nothing of the code under test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sgbind::api::names::FINALIZER;
use sgbind_sim::{Aws, CallSite, Kubernetes, Process};

use super::rules;
use super::scenarios::Scenario;
use super::stage::Stage;

/// The kinds, by the words for them in descriptions.
const PLURALS: [(&str, &str); 2] = [("alb", "albtargetbindings"), ("sga", "securitygroupaccesses")];

/// What was found to be so that must not.
#[derive(Clone, Default)]
pub struct Violations(Arc<Mutex<Vec<String>>>);

impl Violations {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().expect("no panic while it is held").clone()
    }

    fn add(&self, site: &CallSite, what: String) {
        let mut all = self.0.lock().expect("no panic while it is held");
        all.push(format!("after call {} ({}): {what}", site.number, site.what));
    }
}

/// What a scenario allows, from the moment in which somebody has acted.
#[derive(Clone)]
pub struct Oracle {
    violations: Violations,
    writes: Arc<Mutex<Vec<CallSite>>>,
    aws: Aws,
    kubernetes: Kubernetes,
    /// Names by ids.
    names: BTreeMap<String, String>,
    namespace: String,
    before: BTreeSet<String>,
    after: BTreeSet<String>,
    /// Whether a status of the present generation can only be of the rules that are to come.
    is_declared: bool,
}

impl Oracle {
    /// For a scenario in which somebody has just acted.
    pub fn new(stage: &Stage, scenario: &Scenario) -> Self {
        Self {
            violations: Violations::default(),
            writes: Arc::default(),
            aws: stage.simulation.aws.clone(),
            kubernetes: stage.simulation.kubernetes.clone(),
            names: stage.world.names(),
            namespace: stage.world.namespace().to_owned(),
            before: stage.rules(),
            after: rules::these(scenario.after),
            is_declared: scenario.act.is_declared(),
        }
    }

    /// From now on looks at every write of this process.
    pub fn watch(&self, process: &Process) {
        let oracle = self.clone();
        process.observe(move |site| oracle.look(site));
    }

    pub fn violations(&self) -> Vec<String> {
        self.violations.all()
    }

    /// How often something was written so far, but for the lease.
    pub fn writes(&self) -> usize {
        self.writes.lock().expect("no panic while it is held").len()
    }

    /// What was written from that on.
    pub fn writes_from(&self, number: usize) -> Vec<CallSite> {
        self.writes.lock().expect("no panic while it is held").split_off(number)
    }

    fn look(&self, site: &CallSite) {
        // The lease says nothing of rules and objects.
        if site.what.contains("/leases") {
            return;
        }
        self.writes.lock().expect("no panic while it is held").push(site.clone());
        let named = |text: String| self.names.iter().fold(text, |text, (id, name)| text.replace(id, name));
        let rules = rules::all(&self.aws, &named);
        self.rules_are_safe(site, &rules);
        self.what_is_written_is_remembered(site);
        if self.is_declared {
            self.no_status_claims_too_much(site, &rules);
        }
    }

    fn rules_are_safe(&self, site: &CallSite, rules: &BTreeSet<String>) {
        let lacking = |these: &BTreeSet<String>, of: &BTreeSet<String>| -> Vec<String> {
            these.iter().filter(|rule| !of.contains(*rule)).cloned().collect()
        };
        let kept: BTreeSet<String> = self.before.intersection(&self.after).cloned().collect();
        let possible: BTreeSet<String> = self.before.union(&self.after).cloned().collect();
        let absent = lacking(&kept, rules);
        if !absent.is_empty() {
            self.violations.add(site, format!("still needed, and absent: {absent:?}"));
        }
        let extra = lacking(rules, &possible);
        if !extra.is_empty() {
            self.violations.add(site, format!("never asked for: {extra:?}"));
        }
        let (unmade, taken) = (lacking(&self.after, rules), lacking(&self.before, rules));
        if !unmade.is_empty() && !taken.is_empty() {
            self.violations.add(site, format!("taken away: {taken:?}, before it was made: {unmade:?}"));
        }
    }

    /// Objects that a rule names have the finalizer, and their status names the rule's group. One that is gone may
    /// still be named where another needs the rule: then only its description is behind.
    fn what_is_written_is_remembered(&self, site: &CallSite) {
        let world = self.aws.world();
        for group in world.regions().flat_map(|region| region.ec2.groups.iter()) {
            for rule in group.rules.values().filter(|rule| is_ours(&rule.tags)) {
                let description = rule.description.as_deref().unwrap_or_default();
                let named = objects_named(description, &self.namespace);
                let find = |(plural, name): &(&str, &str)| self.kubernetes.object(plural, &self.namespace, name);
                let there: Vec<Value> = named.iter().filter_map(find).collect();
                if there.is_empty() {
                    self.violations.add(site, format!("{} has {description:?}, and nobody remembers it", group.name));
                }
                let remembers = |object: &Value| {
                    lists(&object["metadata"]["finalizers"], |each| each == FINALIZER)
                        && lists(&object["status"]["securityGroups"], |each| each["id"] == group.id.as_str())
                };
                for object in there.iter().filter(|object| !remembers(object)) {
                    let name = &object["metadata"]["name"];
                    self.violations
                        .add(site, format!("{} has {description:?}, and {name} does not say so", group.name));
                }
            }
        }
    }

    fn no_status_claims_too_much(&self, site: &CallSite, rules: &BTreeSet<String>) {
        for object in PLURALS.into_iter().flat_map(|(_, plural)| self.kubernetes.objects(plural)) {
            let generation = &object["metadata"]["generation"];
            let in_sync = lists(&object["status"]["conditions"], |each| {
                each["type"] == "InSync" && each["status"] == "True" && each["observedGeneration"] == *generation
            });
            let unmade: Vec<&String> = self.after.difference(rules).collect();
            if in_sync && !unmade.is_empty() {
                let name = &object["metadata"]["name"];
                self.violations.add(site, format!("{name} claims to be in sync, and {unmade:?} are not there"));
            }
        }
    }
}

fn lists(list: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    list.as_array().is_some_and(|all| all.iter().any(holds))
}

fn is_ours(tags: &BTreeMap<String, String>) -> bool {
    tags.keys().any(|key| key.starts_with("sgbind.dev/cluster/"))
}

/// Objects of this namespace, with the plurals of their kinds, in `sgbind CLUSTER: alb/NAMESPACE/NAME, … - TEXT`.
fn objects_named<'a>(description: &'a str, namespace: &str) -> Vec<(&'static str, &'a str)> {
    let Some((_, names)) = description.split_once(": ") else { return Vec::new() };
    let names = names.split_once(" - ").map_or(names, |(names, _)| names);
    let parsed = names.split(", ").filter_map(|name| {
        let (kind, of_kind) = name.split_once('/')?;
        let name = of_kind.strip_prefix(namespace)?.strip_prefix('/')?;
        let (_, plural) = PLURALS.into_iter().find(|(word, _)| *word == kind)?;
        Some((plural, name))
    });
    parsed.collect()
}
