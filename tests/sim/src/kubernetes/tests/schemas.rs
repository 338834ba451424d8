//! What schemas refuse, on small CRDs: what the project's own does not use.

use serde_json::{Value, json};

use super::*;

const THINGS: &str = "/apis/example.com/v1/things";

fn crd_of(spec: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "spec": {
            "group": "example.com", "scope": "Cluster", "names": {"plural": "things", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": spec},
            }}}],
        },
    })
}

fn thing(spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": spec})
}

/// What is said of a spec, each with its field; nothing if it is accepted.
async fn verdict(schema: &Value, spec: Value) -> Vec<String> {
    causes(&Client::new(&server_with(vec![crd_of(schema)])).post(THINGS, &thing(spec)).await)
}

fn causes(answer: &(u16, Value)) -> Vec<String> {
    let causes = answer.1["details"]["causes"].as_array().cloned().unwrap_or_default();
    assert_eq!(causes.is_empty(), answer.0 < 300, "{}", answer.1);
    let texts = causes.iter().map(|cause| format!("{}: {}", text(&cause["field"]), text(&cause["message"])));
    texts.filter(|text| !text.contains("some validation rules were not checked")).collect()
}

#[tokio::test(start_paused = true)]
async fn bounds_are_told_by_field_and_value() {
    let field = |schema: Value| json!({"type": "object", "properties": {"x": schema}});
    for (schema, accepted, refused, says) in [
        (
            json!({"type": "string", "pattern": "^a+$"}),
            json!("aa"),
            json!("b"),
            "Invalid value: \"b\": spec.x in body should match '^a+$'",
        ),
        (
            json!({"type": "string", "minLength": 2}),
            json!("éé"),
            json!("é"),
            "Invalid value: \"é\": spec.x in body should be at least 2 chars long",
        ),
        (
            json!({"type": "string", "maxLength": 2}),
            json!("éé"),
            json!("abc"),
            "Too long: may not be more than 2 bytes",
        ),
        (
            json!({"type": "string", "format": "date-time"}),
            json!("2024-01-01T00:00:00.5+02:00"),
            json!("2024-01-01"),
            "Invalid value: \"2024-01-01\": spec.x in body must be of type date-time: \"2024-01-01\"",
        ),
        (
            json!({"type": "string"}),
            json!("x"),
            json!(5),
            "Invalid value: \"integer\": spec.x in body must be of type string: \"integer\"",
        ),
        (
            json!({"type": "boolean"}),
            json!(true),
            json!("x"),
            "Invalid value: \"string\": spec.x in body must be of type boolean: \"string\"",
        ),
        (
            json!({"type": "integer", "minimum": 1}),
            json!(1),
            json!(0),
            "Invalid value: 0: spec.x in body should be greater than or equal to 1",
        ),
        (
            json!({"type": "integer", "maximum": 3}),
            json!(3),
            json!(4),
            "Invalid value: 4: spec.x in body should be less than or equal to 3",
        ),
        (
            json!({"type": "number", "minimum": 0, "exclusiveMinimum": true}),
            json!(0.1),
            json!(0),
            "Invalid value: 0: spec.x in body should be greater than 0",
        ),
        (
            json!({"type": "integer", "multipleOf": 3}),
            json!(9),
            json!(10),
            "Invalid value: 10: spec.x in body should be a multiple of 3",
        ),
        (
            json!({"type": "integer"}),
            json!(2.0),
            json!(2.5),
            "Invalid value: \"float64\": spec.x in body must be of type integer: \"float64\"",
        ),
        (
            json!({"type": "string", "enum": ["a", "b"]}),
            json!("b"),
            json!("c"),
            "Unsupported value: \"c\": supported values: \"a\", \"b\"",
        ),
        (
            json!({"type": "array", "items": {"type": "integer"}, "maxItems": 1}),
            json!([1]),
            json!([1, 2]),
            "Too many: 2: must have at most 1 items",
        ),
        (
            json!({"type": "array", "items": {"type": "integer"}, "minItems": 1}),
            json!([1]),
            json!([]),
            "Invalid value: 0: spec.x in body should have at least 1 items",
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 1}),
            json!({"a": 1}),
            json!({"a": 1, "b": 2}),
            "Too many: 2: must have at most 1 items",
        ),
        (
            json!({"x-kubernetes-int-or-string": true}),
            json!("http"),
            json!(true),
            "Invalid value: \"boolean\": spec.x in body must be of type integer,string: \"boolean\"",
        ),
    ] {
        let schema = field(schema);
        assert_eq!(verdict(&schema, json!({"x": accepted})).await, Vec::<String>::new(), "{schema} {accepted}");
        assert_eq!(verdict(&schema, json!({"x": refused})).await, [format!("spec.x: {says}")], "{schema} {refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn items_of_sets_and_maps_are_different() {
    let set = json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"});
    assert_eq!(verdict(&set, json!(["a", "b", "a"])).await, ["spec[2]: Duplicate value: \"a\""]);
    let map = json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n", "p"],
        "items": {"type": "object", "properties": {"n": {"type": "string"}, "p": {"type": "integer"}, "v": {"type": "integer"}}},
    });
    assert_eq!(verdict(&map, json!([{"n": "a", "p": 1}, {"n": "a", "p": 2}])).await, Vec::<String>::new());
    let twice = json!([{"n": "a", "p": 1, "v": 1}, {"n": "a", "p": 1, "v": 2}]);
    assert_eq!(verdict(&map, twice).await, ["spec[1]: Duplicate value: {\"n\":\"a\",\"p\":1}"]);
}

#[tokio::test(start_paused = true)]
async fn defaults_are_filled_in_below_and_nulls_count_as_left_out() {
    let schema = json!({
        "type": "object",
        "properties": {
            "a": {"type": "object", "default": {}, "properties": {"b": {"type": "integer", "default": 5}}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"c": {"type": "string", "default": "d"}}}},
            "gone": {"type": "string"},
            "null": {"type": "string", "nullable": true},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        },
    });
    let server = server_with(vec![crd_of(&schema)]);
    let spec = json!({"list": [{}, {"c": "e"}], "gone": null, "null": null, "free": {"x": null}, "unknown": 1});
    let (_, created) = Client::new(&server).post(THINGS, &thing(spec)).await;
    let expected = json!({"a": {"b": 5}, "list": [{"c": "d"}, {"c": "e"}], "null": null, "free": {"x": null}});
    assert_eq!(created["spec"], expected);
}

#[tokio::test(start_paused = true)]
async fn rules_speak_of_values_times_and_escaped_names() {
    let schema = json!({
        "type": "object",
        "properties": {
            "at": {"type": "string", "format": "date-time"},
            "namespace": {"type": "string"},
            "some-name": {"type": "integer"},
            "half": {"type": "number"},
            "map": {
                "type": "object",
                "additionalProperties": {
                    "type": "integer",
                    "x-kubernetes-validations": [{"rule": "self > 0", "message": "more"}],
                },
            },
        },
        "x-kubernetes-validations": [
            {"rule": "!has(self.at) || self.at < timestamp('2024-01-01T00:00:00Z')", "message": "too late"},
            {"rule": "!has(self.__namespace__) || self.__namespace__ == 'a'", "fieldPath": ".namespace", "reason": "FieldValueForbidden", "message": "only a"},
            {"rule": "!has(self.some__dash__name) || self.some__dash__name == 1"},
            {"rule": "!has(self.half) || self.half * 2.0 == 1.0", "messageExpression": "'not half: ' + string(self.half)"},
        ],
    });
    let good = json!({"at": "2023-01-01T00:00:00Z", "namespace": "a", "some-name": 1, "half": 0.5, "map": {"a-b": 1}});
    assert_eq!(verdict(&schema, good).await, Vec::<String>::new());
    let bad = json!({"at": "2025-01-01T00:00:00Z", "namespace": "b", "some-name": 2, "half": 1, "map": {"a-b": 0}});
    let expected = [
        "spec: Invalid value: too late",
        "spec.namespace: Forbidden: only a",
        "spec: Invalid value: failed rule: !has(self.some__dash__name) || self.some__dash__name == 1",
        "spec: Invalid value: not half: 1",
        "spec.map[a-b]: Invalid value: 0: more",
    ];
    assert_eq!(verdict(&schema, bad).await, expected);
}

#[tokio::test(start_paused = true)]
async fn rules_of_transitions_compare_with_what_was_there() {
    let schema = json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "size": {
                    "type": "integer",
                    "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "it can only grow"}],
                },
            },
        },
    });
    let mut client = Client::new(&server_with(vec![crd_of(&schema)]));
    let path = format!("{THINGS}/one");
    client.post(THINGS, &thing(json!([{"name": "a", "size": 5}, {"name": "b", "size": 1}]))).await;
    let grown = json!([{"name": "b", "size": 2}, {"name": "a", "size": 6}, {"name": "new", "size": 0}]);
    assert_eq!(client.merge(&path, &json!({"spec": grown})).await.0, 200);
    let shrunk = client.merge(&path, &json!({"spec": [{"name": "b", "size": 2}, {"name": "a", "size": 5}]})).await;
    assert_eq!(causes(&shrunk), ["spec[1].size: Invalid value: 5: it can only grow"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_simulated_is_refused_with_the_crd() {
    for (schema, says) in [
        (json!({"type": "object", "oneOf": []}), "things: openAPIV3Schema.spec: oneOf is not simulated"),
        (json!({"type": "string", "format": "ipv4"}), "things: openAPIV3Schema.spec: the format ipv4 is not simulated"),
    ] {
        let refused = Kinds::new(&[crd_of(&schema)]).err();
        assert_eq!(refused.as_deref(), Some(says));
    }
    let broken = json!({"type": "object", "x-kubernetes-validations": [{"rule": "self.("}]});
    let refused = Kinds::new(&[crd_of(&broken)]).err().unwrap();
    assert!(refused.starts_with("things: openAPIV3Schema.spec: self.(: "), "{refused}");
}
