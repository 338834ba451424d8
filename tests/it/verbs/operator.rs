//! Somebody who plans and applies, in this process and in virtual time: the stages of the verbs on the simulated AWS.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sgbind::aws::Clouds;
use sgbind::aws::pacing::{Pacer, Share};
use sgbind::model::{AccountRoles, Object, Orphans, Step, Us};
use sgbind::observe::Cluster;
use sgbind::once::{self, Asked, Forecast, ObjectScope, Progress, Report, Survey, Terms};
use sgbind::telemetry::metrics::Metrics;
use sgbind::{show, validate};
use sgbind_sim::Process;
use tokio_util::sync::CancellationToken;

use crate::simulation::Stage;

/// Objects by their names, `shop` or `sga/db`, with their specs.
pub type Objects<'a> = &'a [(&'a str, &'a str)];

pub struct Operator<'a> {
    stage: &'a Stage,
    pub process: Process,
    clouds: Clouds,
    cluster: Cluster,
    pub us: Us,
    pub terms: Terms,
    /// Fired, it interrupts.
    pub stop: CancellationToken,
    said: RefCell<Vec<String>>,
}

/// How an apply ended.
#[derive(Debug)]
pub struct Ended {
    pub shown: Forecast,
    /// What had changed by the time of the confirmation, so that nothing was done.
    pub news: Vec<String>,
    pub report: Report,
    pub left: Forecast,
    pub unknown: Vec<String>,
}

impl Ended {
    /// Exit code 0.
    pub fn is_well(&self) -> bool {
        self.news.is_empty()
            && self.left.waiting_for_a_person().next().is_none()
            && self.report.is_well()
            && self.left.steps.is_empty()
            && self.left.problems.is_empty()
            && self.unknown.is_empty()
    }
}

impl<'a> Operator<'a> {
    pub async fn new(stage: &'a Stage, name: &str) -> Self {
        let process = stage.simulation.process(name);
        let cluster = stage.world.cluster().parse().expect("a cluster name");
        let pacer = Pacer::new(Share::default(), Arc::new(Metrics::new()));
        let aws = stage.aws_of(&process);
        let clouds = Clouds::connect(&aws, None, &AccountRoles::default(), &cluster, pacer).await.expect("an AWS");
        let client = kube::Client::new(stage.simulation.kubernetes.service_of(&process), "default");
        Self {
            stage,
            clouds,
            cluster: Cluster::new(sgbind::controller::with_time_limit(client)),
            us: Us { cluster, identity: "pipeline".into(), take_over: BTreeSet::new() },
            terms: Terms {
                scope: ObjectScope::Given,
                orphans: Orphans::Report,
                brake: None,
                rule_quota: None,
                tightening_watch: Duration::ZERO,
                malformed: Vec::new(),
            },
            stop: CancellationToken::new(),
            said: RefCell::default(),
            process,
        }
    }

    /// As with `--prune`.
    pub fn pruning(mut self) -> Self {
        (self.terms.scope, self.terms.orphans) = (ObjectScope::Everything, Orphans::Revoke);
        self
    }

    /// Objects as files have them.
    pub fn files(&self, objects: Objects<'_>) -> Vec<Asked> {
        objects.iter().map(|(name, spec)| self.file(name, json!({}), spec)).collect()
    }

    pub fn file(&self, name: &str, annotations: Value, spec: &str) -> Asked {
        let spec: Value = serde_saphyr::from_str(&self.stage.world.filled_in(spec)).expect("YAML");
        let (kind, name) =
            name.split_once('/').map_or(("ALBTargetBinding", name), |(_, name)| ("SecurityGroupAccess", name));
        let metadata = json!({"name": name, "namespace": self.stage.world.namespace(), "annotations": annotations});
        let document = json!({"apiVersion": "sgbind.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec});
        let object = match kind {
            "ALBTargetBinding" => Object::Binding(serde_json::from_value(document).expect("a binding")),
            _ => Object::Access(serde_json::from_value(document).expect("an access")),
        };
        let declaration = validate::object(&object, self.clouds.home()).expect("a declaration");
        Asked::new(declaration, None)
    }

    /// Objects as the cluster has them.
    pub async fn of_cluster(&self, names: &[&str]) -> Vec<Asked> {
        let mut asked = Vec::new();
        for name in names {
            let object = self.stage.world.get(name).await;
            let declaration = validate::object(&object, self.clouds.home()).expect("a declaration");
            asked.push(Asked::new(declaration, Some(&object)));
        }
        asked
    }

    pub async fn look(&self, asked: &[Asked]) -> Survey {
        once::look(&self.clouds, &self.cluster, &self.us, asked, &self.terms).await
    }

    pub async fn plan(&self, asked: &[Asked]) -> Forecast {
        once::foresee(&self.look(asked).await, &self.terms).expect("a plan that may be carried out")
    }

    /// Plans, and carries out what the plan shows, as after "yes": if nothing has changed by then.
    pub async fn apply(&self, asked: &[Asked]) -> Ended {
        let shown = self.plan(asked).await;
        let survey = self.look(asked).await;
        let now = once::foresee(&survey, &self.terms).expect("a plan that may be carried out");
        let news = now.news_since(&shown);
        if !news.is_empty() {
            return Ended { shown, news, report: Report::default(), left: now, unknown: survey.unknown };
        }
        self.carry_out_as(asked, &survey, shown).await
    }

    /// Carries out a plan that was confirmed, whatever has changed since.
    pub async fn carry_out(&self, asked: &[Asked], shown: Forecast) -> Ended {
        let survey = self.look(asked).await;
        self.carry_out_as(asked, &survey, shown).await
    }

    async fn carry_out_as(&self, asked: &[Asked], survey: &Survey, shown: Forecast) -> Ended {
        let tell = |progress: Progress<'_>| self.said.borrow_mut().push(self.stage.world.named(in_words(&progress)));
        let mut report = once::carry_out(&self.clouds, survey, &shown, &self.terms, &self.stop, &tell).await;
        while report.is_well() && report.goes_on {
            let survey = self.look(asked).await;
            let more = once::carry_out(&self.clouds, &survey, &shown, &self.terms, &self.stop, &tell).await;
            report = report.and(more);
        }
        let left = once::what_is_left(&self.clouds, &self.cluster, &self.us, asked, &self.terms, &report);
        let (survey, left) = left.await.expect("a plan that may be carried out");
        Ended { shown, news: Vec::new(), report, left, unknown: survey.unknown }
    }

    /// What was told on the way.
    pub fn said(&self) -> Vec<String> {
        self.said.borrow().clone()
    }

    /// What steps come to, in words of a test: `+ALB-SG in tcp 443 <- 0.0.0.0/0`.
    pub fn words(&self, steps: &[Step]) -> Vec<String> {
        steps.iter().map(|step| self.stage.world.named(step_in_words(step))).collect()
    }

    /// The rules that are to be there when these steps are done, from those that are there.
    pub fn model(&self, before: &BTreeSet<String>, steps: &[Step]) -> BTreeSet<String> {
        let mut rules = before.clone();
        for step in self.words(steps) {
            match step.split_at(1) {
                ("+", rule) => assert!(rules.insert(rule.to_owned()), "{rule} is there already"),
                ("-", rule) => assert!(rules.remove(rule), "{rule} is not there"),
                _ => {}
            }
        }
        rules
    }
}

fn step_in_words(step: &Step) -> String {
    let sign = if step.action.makes() {
        '+'
    } else if step.action.revokes() {
        '-'
    } else {
        '~'
    };
    let rule = format!("{} {}", step.group.id, step.spec);
    let rule = rule.replace(" ingress ", " in ").replace(" egress ", " out ").replace(" from ", " <- ");
    format!("{sign}{}", rule.replace(" to ", " -> "))
}

/// In a word for what happens, with the rules in question.
fn in_words(progress: &Progress<'_>) -> String {
    match progress {
        Progress::Done(step) => step_in_words(step),
        Progress::Refused(steps, error) => {
            format!("refused {}: {error}", steps.iter().map(step_in_words).collect::<Vec<_>>().join(", "))
        }
        Progress::Waiting => "waiting".into(),
        Progress::Takes(key, rules) => format!("takes\n{}", show::put_back(key, rules)),
        Progress::Watches(_, lasts) => format!("watches for {} s", lasts.as_secs()),
        Progress::Fallen(_, targets) => format!("{} fallen", targets.len()),
        Progress::HealthUnknown(_, error) => format!("health unknown: {error}"),
        Progress::Unwatched(key, rules) => format!("unwatched\n{}", show::put_back(key, rules)),
        Progress::Lost(key, rules) => format!("lost\n{}", show::put_back(key, rules)),
    }
}
