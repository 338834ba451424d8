//! Our objects: applied, waited for, and their status in words.
//!
//! `shop` is the ALBTargetBinding of this name, `sga/db` the SecurityGroupAccess `db`.

use k8s_openapi::api::events::v1::Event;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};
use sgbind::api::{ALBTargetBinding, SecurityGroupAccess, Status};
use sgbind::model::{Kind, Object};

use super::World;

impl World {
    pub fn bindings(&self) -> Api<ALBTargetBinding> {
        Api::namespaced(self.client.clone(), self.namespace())
    }

    pub fn accesses(&self) -> Api<SecurityGroupAccess> {
        Api::namespaced(self.client.clone(), self.namespace())
    }

    /// Applies an object with this spec, in YAML; `$NAME` stands for the id of what the test calls so.
    pub async fn apply(&self, name: &str, spec: &str) {
        self.apply_annotated(name, json!({}), spec).await;
    }

    pub async fn apply_annotated(&self, name: &str, annotations: Value, spec: &str) {
        let spec: Value =
            serde_saphyr::from_str(&self.filled_in(spec)).unwrap_or_else(|error| panic!("{spec}: {error}"));
        let (kind, name) = kind_and_name(name);
        let object = json!({
            "apiVersion": "sgbind.dev/v1alpha1",
            "kind": kind.name(),
            "metadata": {"name": name, "annotations": annotations},
            "spec": spec,
        });
        self.apply_object(object).await;
    }

    /// Applies a whole document of any of our kinds, in the test's own namespace whatever it says; `$NAME` stands for
    /// the id of what the test calls so.
    pub async fn apply_document(&self, text: &str) {
        let mut object: Value =
            serde_saphyr::from_str(&self.filled_in(text)).unwrap_or_else(|error| panic!("{text}: {error}"));
        object["metadata"]["namespace"] = self.namespace().into();
        self.apply_object(object).await;
    }

    async fn apply_object(&self, object: Value) {
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        let types = object.types.as_ref().expect("apiVersion and kind");
        let kind = GroupVersionKind::try_from(types).expect("a kind");
        let resource = ApiResource::from_gvk(&kind);
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), self.namespace(), &resource);
        let mut params = PatchParams::apply("person").force();
        params.field_validation = Some(kube::api::ValidationDirective::Strict);
        let name = object.name_any();
        let applied = api.patch(&name, &params, &Patch::Apply(object)).await;
        applied.unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    pub async fn get(&self, name: &str) -> Object {
        self.get_opt(name).await.unwrap_or_else(|| panic!("{name} is not there"))
    }

    async fn get_opt(&self, name: &str) -> Option<Object> {
        let found = match kind_and_name(name) {
            (Kind::AlbTargetBinding, name) => self.bindings().get_opt(name).await.map(|found| found.map(Object::from)),
            (Kind::SecurityGroupAccess, name) => {
                self.accesses().get_opt(name).await.map(|found| found.map(Object::from))
            }
        };
        found.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Deletes an object, and waits until it is gone.
    pub async fn delete(&self, name: &str) {
        self.begin_to_delete(name).await;
        self.gone(name).await;
    }

    pub async fn begin_to_delete(&self, name: &str) {
        let now = DeleteParams::default();
        let deleted = match kind_and_name(name) {
            (Kind::AlbTargetBinding, name) => self.bindings().delete(name, &now).await.map(drop),
            (Kind::SecurityGroupAccess, name) => self.accesses().delete(name, &now).await.map(drop),
        };
        deleted.unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    pub async fn gone(&self, name: &str) {
        let deadline = self.deadline();
        while self.get_opt(name).await.is_some() {
            assert!(deadline.is_ahead().await, "{name} stays, with {:#?}", self.status(name).await);
        }
    }

    /// Waits for a condition, such as `Ready=True InSync`, of the generation that the binding has now. Gives its
    /// message back.
    pub async fn wait_for(&self, name: &str, condition: &str) -> String {
        let deadline = self.deadline();
        while deadline.is_ahead().await {
            let object = self.get(name).await;
            let (generation, status) = (object.metadata().generation, object.status().cloned().unwrap_or_default());
            let current = generation == Some(status.observed_generation);
            let found = status.conditions.iter().find(|found| {
                found.observed_generation == generation
                    && format!("{}={} {}", found.type_, found.status, found.reason) == condition
            });
            if let Some(found) = found.filter(|_| current) {
                return found.message.clone();
            }
        }
        let object = self.get(name).await;
        let conditions = object.status().into_iter().flat_map(|status| &status.conditions);
        let messages: Vec<&str> = conditions.map(|each| each.message.as_str()).collect();
        panic!("{name} has no {condition}: {:#?}\n{messages:#?}", self.status(name).await)
    }

    /// The whole status in words, with names in place of ids. Messages and times are left out.
    pub async fn status(&self, name: &str) -> Vec<String> {
        let object = self.get(name).await;
        let Some(status) = object.status() else { return vec!["no status".into()] };
        let lines = in_words(status, object.metadata().generation.unwrap_or_default());
        lines.into_iter().map(|line| self.named(line)).collect()
    }

    /// Waits for a line of the status that begins so.
    pub async fn status_has(&self, name: &str, beginning: &str) -> String {
        let deadline = self.deadline();
        while deadline.is_ahead().await {
            if let Some(line) = self.status(name).await.into_iter().find(|line| line.starts_with(beginning)) {
                return line;
            }
        }
        panic!("{name} has no {beginning:?}: {:#?}", self.status(name).await)
    }

    /// Waits until no line of the status speaks of this.
    pub async fn status_lacks(&self, name: &str, text: &str) {
        let deadline = self.deadline();
        while self.status(name).await.iter().any(|line| line.contains(text)) {
            assert!(deadline.is_ahead().await, "{name} still speaks of {text}: {:#?}", self.status(name).await);
        }
    }

    /// The status says exactly this, beside the conditions of a binding that is all well for this reason.
    pub async fn expect_settled(&self, name: &str, reason: &str, expected: &[&str]) {
        let conditions = [
            &format!("Ready=True {reason}"),
            &format!("InSync=True {reason}"),
            "Reconciling=False Settled",
            "Resolved=True Resolved",
            "Stalled=False NotStalled",
        ];
        let expected: Vec<&str> = conditions.into_iter().chain(expected.iter().copied()).collect();
        self.expect_status(name, &expected).await;
    }

    pub async fn expect_status(&self, name: &str, expected: &[&str]) {
        super::expect_lines("lines of the status", &self.status(name).await, expected);
    }

    /// Events of an object as `Reason: note`, with names in place of ids, in the order in which they were written.
    pub async fn events(&self, name: &str) -> Vec<String> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), self.namespace());
        let mut events = api.list(&ListParams::default()).await.expect("events").items;
        let version = |event: &Event| event.metadata.resource_version.as_ref().and_then(|version| version.parse().ok());
        events.sort_by_key(|event| version(event).unwrap_or(u64::MAX));
        let (kind, name) = kind_and_name(name);
        let of_object = |event: &Event| {
            event.regarding.as_ref().is_some_and(|object| {
                object.kind.as_deref() == Some(kind.name()) && object.name.as_deref() == Some(name)
            })
        };
        let in_words = |event: Event| {
            self.named(format!("{}: {}", event.reason.unwrap_or_default(), event.note.unwrap_or_default()))
        };
        events.into_iter().filter(of_object).map(in_words).collect()
    }

    /// Waits for an event that begins so.
    pub async fn event(&self, name: &str, beginning: &str) -> String {
        let deadline = self.deadline();
        while deadline.is_ahead().await {
            if let Some(event) = self.events(name).await.into_iter().find(|event| event.starts_with(beginning)) {
                return event;
            }
        }
        panic!("no event {beginning:?} of {name}: {:#?}", self.events(name).await)
    }

    /// A number that changes with every write of the binding.
    pub async fn version(&self, name: &str) -> String {
        self.get(name).await.metadata().resource_version.clone().expect("a version")
    }
}

fn kind_and_name(name: &str) -> (Kind, &str) {
    match name.strip_prefix("sga/") {
        Some(name) => (Kind::SecurityGroupAccess, name),
        None => (Kind::AlbTargetBinding, name),
    }
}

fn in_words(status: &Status, generation: i64) -> Vec<String> {
    let mut lines = Vec::new();
    if status.observed_generation != generation {
        lines.push(format!("of generation {} while {generation} is current", status.observed_generation));
    }
    for condition in &status.conditions {
        let stale = if condition.observed_generation == Some(generation) { "" } else { " (stale)" };
        lines.push(format!("{}={} {}{stale}", condition.type_, condition.status, condition.reason));
    }
    if let Some(group) = &status.security_group {
        lines.push(format!("writes {}", group.id));
    }
    if let Some(balancer) = &status.load_balancer {
        lines.push(format!(
            "load balancer {}: {} {} {} {}",
            balancer.name,
            balancer.kind,
            balancer.scheme,
            balancer.ip_address_type,
            balancer.security_groups.join(" ")
        ));
    }
    for group in &status.target_groups {
        let mut line = format!("target group {}: ports {:?}", group.name, group.ports);
        if let Some(port) = group.health_check_port {
            line += &format!(" health {port}");
        }
        if let Some(port) = group.control_port {
            line += &format!(" control {port}");
        }
        line += &format!(" weight {} in", group.weight.map_or("none".into(), |weight| weight.to_string()));
        for place in group.security_groups.iter().chain(&group.addresses) {
            line += &format!(" {place}");
        }
        lines.push(line);
    }
    if let Some(blue_green) = &status.blue_green {
        lines.push(format!("active {} of {:?}", blue_green.active.as_deref().unwrap_or("none"), blue_green.weights));
    }
    for group in &status.security_groups {
        let used = |usage: Option<sgbind::api::RuleUsage>| {
            usage.map_or("?".into(), |usage| format!("{}/{}", usage.used, usage.limit))
        };
        lines.push(format!("{} in {} out {}", group.id, used(group.ingress), used(group.egress)));
    }
    if let Some(rules) = &status.rules {
        assert_eq!(rules.summary, format!("{}/{}", rules.in_sync, rules.desired));
        lines.push(format!(
            "rules {}, {} missing, {} surplus, {} foreign",
            rules.summary, rules.missing, rules.surplus, rules.foreign
        ));
    }
    lines.extend(status.foreign_rules.iter().map(|rule| format!("foreign: {rule}")));
    lines.extend(status.plan.iter().map(|step| format!("plan: {step}")));
    lines.extend(status.held.iter().map(|held| format!("held: {}: {}", held.step, held.reason)));
    lines.extend(status.last_drift.iter().map(|drift| format!("repaired: {}", drift.repaired.join("; "))));
    lines
}
