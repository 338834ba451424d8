//! What a CRD's schema does to objects, and the words in which they are refused.

use http::Method;
use serde_json::{Value, json};

use super::{
    super::{Behaviour, behaviour, behaviour::Source::Page},
    SIMULATION,
    stage::{Ask, BINDINGS, SHOP, Stage, binding, outcome},
};

const CRD: &str = "Extend the Kubernetes API with CustomResourceDefinitions";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/NAMESPACE/events";

pub fn behaviours() -> Vec<Behaviour<Stage>> {
    vec![
        defaults_are_set(),
        unknown_fields_are_pruned(),
        enums_are_checked(),
        bounds_are_checked(),
        types_and_requirements_are_checked(),
        rules_are_checked(),
        names_are_checked(),
        keys_of_a_list_are_unique(),
        items_of_a_map_are_merged(),
        events_are_kept(),
    ]
}

fn with(spec: &Value) -> Value {
    let mut object = binding("shop");
    for (field, value) in spec.as_object().into_iter().flatten() {
        object["spec"][field] = value.clone();
    }
    object
}

async fn create(stage: &Stage, what: &str, spec: Value) {
    let answer = stage.ask(Ask::new(Method::POST, BINDINGS).body(with(&spec))).await;
    stage.say(format!("{what} -> {}", outcome(&answer)));
    let causes = answer.err().and_then(|status| status.details).map(|details| details.causes).unwrap_or_default();
    causes.iter().for_each(|cause| stage.say(format!("  {} {}: {}", cause.reason, cause.field, cause.message)));
}

fn defaults_are_set() -> Behaviour<Stage> {
    behaviour(
        "defaults-are-set",
        "What is left out has its default, in the status too.",
        Page("Extend the Kubernetes API with CustomResourceDefinitions, Defaulting"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let made = stage.create("shop").await;
        stage.show(&made, &["/spec", "/status", "/metadata/generation"]);
        stage.show_owners(&made);
    })
    .expect(&[
        "  spec = {\"deletionPolicy\":\"Revoke\",\"enforcement\":\"Enforce\",\
         \"foreignRules\":\"Report\",\"loadBalancer\":{\"name\":\"shop\"},\
         \"manage\":[\"ListenerIngress\",\"TargetEgress\",\"TargetIngress\"],\
         \"pathMTUDiscovery\":false}",
        "  status = {\"observedGeneration\":-1}",
        "  metadata.generation = 1",
        "  unknown by Update: \
         {\"f:spec\":{\".\":{},\"f:deletionPolicy\":{},\"f:enforcement\":{},\
         \"f:foreignRules\":{},\"f:loadBalancer\":{\".\":{},\"f:name\":{}},\"f:manage\":{},\
         \"f:pathMTUDiscovery\":{}}}",
    ])
}

fn unknown_fields_are_pruned() -> Behaviour<Stage> {
    behaviour(
        "unknown-fields-are-pruned",
        "Unknown fields are dropped, with a warning, and refused by fieldValidation=Strict; \
         apply refuses them in any case.",
        Page(
            "Extend the Kubernetes API with CustomResourceDefinitions, Field pruning; \
             Kubernetes API Concepts, Field validation",
        ),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let object = with(&json!({"misspelt": 1}));
        let path = format!("{BINDINGS}?fieldValidation=Strict");
        let strict = stage.ask(Ask::new(Method::POST, &path).body(object.clone())).await;
        stage.say(format!("strict -> {}", outcome(&strict)));
        let applied = stage.apply(SHOP, "a", "", object.clone()).await;
        stage.say(format!("apply -> {}", outcome(&applied)));
        let pruned = stage.ask(Ask::new(Method::POST, BINDINGS).body(object)).await;
        stage.say(format!("create -> {}", outcome(&pruned)));
        stage.show(&pruned.unwrap_or_default(), &["/spec/misspelt"]);
    })
    .expect(&[
        "strict -> 400 BadRequest: ALBTargetBinding in version \"v1alpha1\" cannot be \
         handled as a ALBTargetBinding: strict decoding error: unknown field \
         \"spec.misspelt\"",
        "apply -> 500 : failed to create typed patch object (/shop; sgbind.dev/v1alpha1, \
         Kind=ALBTargetBinding): .spec.misspelt: field not declared in schema",
        "create -> ok",
        "  spec.misspelt is absent",
    ])
}

fn enums_are_checked() -> Behaviour<Stage> {
    behaviour("enums-are-checked", "A value that is none of an enum's is refused.", Page(CRD))
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            create(&stage, "enforcement", json!({"enforcement": "Maybe"})).await;
        })
        .expect(&[
            "enforcement -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
             [spec.enforcement: Unsupported value: \"Maybe\": supported values: \"Enforce\", \
             \"Observe\", <nil>: Invalid value: null: some validation rules were not checked \
             because the object was invalid; correct the existing errors to complete validation]",
            "  FieldValueNotSupported spec.enforcement: Unsupported value: \"Maybe\": supported \
             values: \"Enforce\", \"Observe\"",
            "  FieldValueInvalid <nil>: Invalid value: null: some validation rules were not \
             checked because the object was invalid; correct the existing errors to complete \
             validation",
        ])
}

fn bounds_are_checked() -> Behaviour<Stage> {
    behaviour("bounds-are-checked", "Lengths, sizes and numbers are bounded.", Page(CRD))
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            create(&stage, "a long region", json!({"region": "eu-central-1".repeat(10)})).await;
            create(&stage, "port 0", json!({"listeners": [{"port": 0}]})).await;
            create(&stage, "port 65536", json!({"listeners": [{"port": 65536}]})).await;
            let many: Vec<_> = (1..=61).map(|port| json!({"port": port})).collect();
            create(&stage, "61 listeners", json!({"listeners": many})).await;
        })
        .expect(&[
            "a long region -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
             [spec.region: Too long: may not be more than 32 bytes, <nil>: Invalid value: null: \
             some validation rules were not checked because the object was invalid; correct the \
             existing errors to complete validation]",
            "  FieldValueTooLong spec.region: Too long: may not be more than 32 bytes",
            "  FieldValueInvalid <nil>: Invalid value: null: some validation rules were not \
             checked because the object was invalid; correct the existing errors to complete \
             validation",
            "port 0 -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
             spec.listeners[0].port: Invalid value: 0: spec.listeners[0].port in body should be \
             greater than or equal to 1",
            "  FieldValueInvalid spec.listeners[0].port: Invalid value: 0: \
             spec.listeners[0].port in body should be greater than or equal to 1",
            "port 65536 -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
             spec.listeners[0].port: Invalid value: 65536: spec.listeners[0].port in body should \
             be less than or equal to 65535",
            "  FieldValueInvalid spec.listeners[0].port: Invalid value: 65536: \
             spec.listeners[0].port in body should be less than or equal to 65535",
            "61 listeners -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
             [spec.listeners: Too many: 61: must have at most 60 items, <nil>: Invalid value: \
             null: some validation rules were not checked because the object was invalid; \
             correct the existing errors to complete validation]",
            "  FieldValueTooMany spec.listeners: Too many: 61: must have at most 60 items",
            "  FieldValueInvalid <nil>: Invalid value: null: some validation rules were not \
             checked because the object was invalid; correct the existing errors to complete \
             validation",
        ])
}

fn types_and_requirements_are_checked() -> Behaviour<Stage> {
    behaviour(
        "types-and-requirements-are-checked",
        "Values of another type are refused, and so are missing ones.",
        Page(CRD),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        create(&stage, "a number as region", json!({"region": 1})).await;
        create(&stage, "a listener without a port", json!({"listeners": [{}]})).await;
        create(&stage, "no load balancer", json!({"loadBalancer": null})).await;
        create(&stage, "nothing named", json!({"loadBalancer": {}})).await;
    })
    .expect(&[
        "a number as region -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is \
         invalid: [spec.region: Invalid value: \"integer\": spec.region in body must be of \
         type string: \"integer\", <nil>: Invalid value: null: some validation rules were \
         not checked because the object was invalid; correct the existing errors to complete \
         validation]",
        "  FieldValueTypeInvalid spec.region: Invalid value: \"integer\": spec.region in \
         body must be of type string: \"integer\"",
        "  FieldValueInvalid <nil>: Invalid value: null: some validation rules were not \
         checked because the object was invalid; correct the existing errors to complete \
         validation",
        "a listener without a port -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is \
         invalid: [spec.listeners[0].port: Required value, <nil>: Invalid value: null: some \
         validation rules were not checked because the object was invalid; correct the \
         existing errors to complete validation]",
        "  FieldValueRequired spec.listeners[0].port: Required value",
        "  FieldValueInvalid <nil>: Invalid value: null: some validation rules were not \
         checked because the object was invalid; correct the existing errors to complete \
         validation",
        "no load balancer -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
         [spec.loadBalancer: Required value, <nil>: Invalid value: null: some validation \
         rules were not checked because the object was invalid; correct the existing errors \
         to complete validation]",
        "  FieldValueRequired spec.loadBalancer: Required value",
        "  FieldValueInvalid <nil>: Invalid value: null: some validation rules were not \
         checked because the object was invalid; correct the existing errors to complete \
         validation",
        "nothing named -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
         [spec: Invalid value: without a load balancer nothing can be derived: declare \
         listeners or targetGroups, or name the load balancer, spec.loadBalancer: Invalid \
         value: no load balancer is named: write one of arn, name, tags, ingress, gateway or \
         service, or only the securityGroup to write]",
        "  FieldValueInvalid spec: Invalid value: without a load balancer nothing can be \
         derived: declare listeners or targetGroups, or name the load balancer",
        "  FieldValueInvalid spec.loadBalancer: Invalid value: no load balancer is named: \
         write one of arn, name, tags, ingress, gateway or service, or only the \
         securityGroup to write",
    ])
}

fn rules_are_checked() -> Behaviour<Stage> {
    behaviour(
        "rules-are-checked",
        "CEL rules refuse with their message, or with the one that they compute.",
        Page("Extend the Kubernetes API with CustomResourceDefinitions, Validation rules"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        create(&stage, "message", json!({"region": "Frankfurt"})).await;
        create(&stage, "computed message", json!({"clients": [{"cidr": "10.1.2.3/8"}]})).await;
        // Of items the order is certain; of fields it is not.
        create(&stage, "two", json!({"clients": [{"cidr": "10.0.0.0/8", "vpc": true}, {"cidr": "10.1.2.3/8"}]})).await;
    })
    .expect(&[
        "message -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
         spec.region: Invalid value: \"Frankfurt\": not the name of an AWS Region: write one \
         such as ap-northeast-2",
        "  FieldValueInvalid spec.region: Invalid value: \"Frankfurt\": not the name of an \
         AWS Region: write one such as ap-northeast-2",
        "computed message -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
         spec.clients[0].cidr: Invalid value: \"10.1.2.3/8\": host bits are set in \
         10.1.2.3/8: write 10.0.0.0/8",
        "  FieldValueInvalid spec.clients[0].cidr: Invalid value: \"10.1.2.3/8\": host bits \
         are set in 10.1.2.3/8: write 10.0.0.0/8",
        "two -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
         [spec.clients[0]: Invalid value: a peer is named by exactly one of cidr, \
         securityGroup, prefixList or vpc, but given are [\"cidr\", \"vpc\"], \
         spec.clients[1].cidr: Invalid value: \"10.1.2.3/8\": host bits are set in 10.1.2.3/8: write 10.0.0.0/8]",
        "  FieldValueInvalid spec.clients[0]: Invalid value: a peer is named by exactly one \
         of cidr, securityGroup, prefixList or vpc, but given are [\"cidr\", \"vpc\"]",
        "  FieldValueInvalid spec.clients[1].cidr: Invalid value: \"10.1.2.3/8\": host bits \
         are set in 10.1.2.3/8: write 10.0.0.0/8",
    ])
}

fn names_are_checked() -> Behaviour<Stage> {
    behaviour("names-are-checked", "Names are DNS subdomains.", Page("Object Names and IDs"))
        .observe(|stage: Stage| async move {
            stage.namespace().await;
            let answer = stage.ask(Ask::new(Method::POST, BINDINGS).body(binding("Shop"))).await;
            stage.say(outcome(&answer));
            let answer = stage.ask(Ask::new(Method::POST, BINDINGS).body(binding(""))).await;
            stage.say(outcome(&answer));
        })
        .expect(&[
            "422 Invalid: ALBTargetBinding.sgbind.dev \"Shop\" is invalid: metadata.name: \
             Invalid value: \"Shop\": a lowercase RFC 1123 subdomain must consist of lower case \
             alphanumeric characters, '-' or '.', and must start and end with an alphanumeric \
             character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            "422 Invalid: ALBTargetBinding.sgbind.dev \"\" is invalid: [metadata.name: Required \
             value: name or generateName is required, <nil>: Invalid value: null: some \
             validation rules were not checked because the object was invalid; correct the \
             existing errors to complete validation]",
        ])
}

fn keys_of_a_list_are_unique() -> Behaviour<Stage> {
    behaviour(
        "keys-of-a-list-are-unique",
        "Two items of one key are refused, at create and at apply, in different words.",
        Page("Server-Side Apply, Merge strategy"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let twins = json!({"listeners": [{"port": 80}, {"port": 80}]});
        create(&stage, "create", twins.clone()).await;
        let applied = stage.apply(SHOP, "a", "", with(&twins)).await;
        stage.say(format!("apply -> {}", outcome(&applied)));
    })
    .expect(&[
        "create -> 422 Invalid: ALBTargetBinding.sgbind.dev \"shop\" is invalid: \
         spec.listeners[1]: Duplicate value: {\"port\":80}",
        "  FieldValueDuplicate spec.listeners[1]: Duplicate value: {\"port\":80}",
        "apply -> 500 : failed to create typed patch object (/shop; sgbind.dev/v1alpha1, \
         Kind=ALBTargetBinding): .spec.listeners: duplicate entries for key [port=80]",
    ])
}

fn items_of_a_map_are_merged() -> Behaviour<Stage> {
    behaviour(
        "items-of-a-map-are-merged",
        "Managers own items of a keyed list apart.",
        Page("Server-Side Apply, Merge strategy"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        stage.create("shop").await;
        let item = |port: i32| json!({"spec": {"listeners": [{"port": port}]}});
        stage.apply(SHOP, "a", "", item(80)).await.expect("applied");
        let both = stage.apply(SHOP, "b", "", item(443)).await.expect("applied");
        stage.show(&both, &["/spec/listeners"]);
        stage.show_owners(&both);
        let one = stage.apply(SHOP, "a", "", json!({})).await.expect("applied");
        stage.show(&one, &["/spec/listeners"]);
    })
    .expect(&[
        "  spec.listeners = [{\"port\":80},{\"port\":443}]",
        "  a by Apply: {\"f:spec\":{\"f:listeners\":{\"k:{\\\"port\\\":80}\":{\".\":{},\
         \"f:port\":{}}}}}",
        "  b by Apply: {\"f:spec\":{\"f:listeners\":{\"k:{\\\"port\\\":443}\":{\".\":{},\
         \"f:port\":{}}}}}",
        "  unknown by Update: \
         {\"f:spec\":{\".\":{},\"f:deletionPolicy\":{},\"f:enforcement\":{},\
         \"f:foreignRules\":{},\"f:loadBalancer\":{\".\":{},\"f:name\":{}},\"f:manage\":{},\
         \"f:pathMTUDiscovery\":{}}}",
        "  spec.listeners = [{\"port\":443}]",
    ])
}

fn events_are_kept() -> Behaviour<Stage> {
    behaviour(
        "events-are-kept",
        "Events of events.k8s.io/v1 are made, and found by what they regard; what they lack \
         is refused.",
        Page("Kubernetes API reference, Event v1 events.k8s.io"),
    )
    .observe(|stage: Stage| async move {
        stage.namespace().await;
        let event = |name: &str| {
            json!({
                "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": name},
                "eventTime": "2026-01-01T00:00:00.000000Z", "type": "Normal", "reason": "Tested", "action": "Test",
                "note": "a note", "reportingController": "sgbind.dev/controller", "reportingInstance": "one",
                "regarding": {
                    "apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding", "name": "shop",
                    "namespace": stage.transcript.id("NAMESPACE"),
                },
            })
        };
        let made = stage.ask(Ask::new(Method::POST, EVENTS).body(event("one"))).await;
        stage.say(format!("create -> {}", outcome(&made)));
        let mut without = event("two");
        without["reportingController"] = Value::Null;
        let refused = stage.ask(Ask::new(Method::POST, EVENTS).body(without)).await;
        stage.say(format!("without reportingController -> {}", outcome(&refused)));
        let list = stage.get(EVENTS).await.expect("a list");
        stage.show(&list, &["/items/0/reason", "/items/0/note", "/items/1/metadata/name"]);
        let path = format!("{EVENTS}/one");
        let series = json!({"series": {"count": 2, "lastObservedTime": "2026-01-01T00:01:00.000000Z"}});
        let patched = stage.ask(Ask::new(Method::PATCH, &path).merge(series)).await;
        stage.say(format!("series -> {}", outcome(&patched)));
        stage.show(&patched.unwrap_or_default(), &["/series/count"]);
    })
    .expect(&[
        "create -> ok",
        "without reportingController -> 422 Invalid: Event \"two\" is invalid: \
         [reportingController: Required value, reportingController: Invalid value: \"\": \
         name part must be non-empty, reportingController: Invalid value: \"\": name part \
         must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
         with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex \
         used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')]",
        "  items.0.reason = \"Tested\"",
        "  items.0.note = \"a note\"",
        "  items.1.metadata.name is absent",
        "series -> ok",
        "  series.count = 2",
    ])
    .differs(
        SIMULATION,
        "the API server is right: the simulation does not look into events",
        &[
            "create -> ok",
            "without reportingController -> ok",
            "  items.0.reason = \"Tested\"",
            "  items.0.note = \"a note\"",
            "  items.1.metadata.name = \"two\"",
            "series -> ok",
            "  series.count = 2",
        ],
    )
}
