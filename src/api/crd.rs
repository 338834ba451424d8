use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::{ALBTargetBinding, SecurityGroupAccess};

/// The CRDs of the API group, as they are to be installed.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![finished(ALBTargetBinding::crd(), &OF_ACCESSES), finished(SecurityGroupAccess::crd(), &OF_BINDINGS)]
}

/// Fields of the status that only the one kind has, and that the other's schema is spared.
const OF_BINDINGS: [&str; 3] = ["loadBalancer", "targetGroups", "blueGreen"];
const OF_ACCESSES: [&str; 1] = ["securityGroup"];

/// What `sgbind crds` prints, and what the files in `crds/` hold.
pub fn crds_yaml() -> String {
    crds().iter().map(crd_yaml).collect::<Vec<_>>().join("---\n")
}

/// One CRD as a YAML document.
pub fn crd_yaml(crd: &CustomResourceDefinition) -> String {
    let mut value = serde_json::to_value(crd).expect("a CRD is JSON");
    whole_numbers(&mut value);
    serde_saphyr::to_string(&value).expect("JSON is YAML")
}

/// Bounds are floating-point in the schema's Rust type, and would read `65535.0`.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0) {
                *value = json!(float as i64);
            }
        }
        _ => {}
    }
}

/// What the derived schema can't say, and what the API server would warn of.
fn finished(mut crd: CustomResourceDefinition, of_others: &[&str]) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let Some(root) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) else {
            continue;
        };
        for_each_schema(root, &mut |schema| {
            // So a key with nothing behind it counts as absent, and is never stored as null.
            schema.nullable = None;
            // Line breaks of the source are none of the text's.
            schema.description = schema.description.take().map(|text| text.replace('\n', " "));
            schema.format = match schema.format.as_deref() {
                Some("uint8" | "uint16") => Some("int32".into()),
                Some("uint32") => Some("int64".into()),
                _ => schema.format.take(),
            };
        });
        if let Some(status) = root.properties.as_mut().and_then(|properties| properties.get_mut("status")) {
            if let Some(fields) = &mut status.properties {
                fields.retain(|name, _| !of_others.contains(&name.as_str()));
            }
            let observed = status.properties.as_ref().and_then(|fields| fields["observedGeneration"].default.clone());
            // Other defaults are those of the Rust types; they would fill in what was never seen. And what
            // was seen is to be written whatever it is.
            for_each_schema(status, &mut |schema| {
                (schema.default, schema.minimum, schema.maximum) = (None, None, None);
            });
            if let Some(field) = status.properties.as_mut().and_then(|fields| fields.get_mut("observedGeneration")) {
                field.default = observed.clone();
            }
            // Without a default of its own the status of a new object would be absent, its fields' defaults with it.
            status.default = observed.map(|JSON(value)| JSON(json!({"observedGeneration": value})));
        }
    }
    crd
}

fn for_each_schema(schema: &mut JSONSchemaProps, visit: &mut impl FnMut(&mut JSONSchemaProps)) {
    visit(schema);
    for property in schema.properties.iter_mut().flat_map(|properties| properties.values_mut()) {
        for_each_schema(property, visit);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        for_each_schema(values, visit);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => for_each_schema(items, visit),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(|item| for_each_schema(item, visit)),
        None => {}
    }
}
