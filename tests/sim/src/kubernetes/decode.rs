//! Objects from the bodies of requests, and whether they belong where they are sent.

use bytes::Bytes;
use serde_json::Value;

use super::failure::{Failure, FieldError};
use super::metadata;
use super::resources::{Origin, Resource};
use super::route::Parameters;
use super::store::Key;

/// An object from a request's body, of the resource that it is sent to.
pub fn decode(resource: &Resource, body: &Bytes) -> Result<Value, Failure> {
    let text = String::from_utf8_lossy(body);
    let unrecognized = |why: String| {
        let kind = &resource.kind;
        Failure::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({text})"))
    };
    let mut object: Value = serde_json::from_slice(body)
        .map_err(|error| unrecognized(format!("couldn't get version/kind; json parse error: {error}")))?;
    if !object.is_object() {
        return Err(unrecognized("couldn't get version/kind; json parse error: not an object".into()));
    }
    let (api_version, kind) = (resource.api_version(), resource.kind.as_str());
    if resource.origin == Origin::BuiltIn {
        for (field, value) in [("apiVersion", api_version.as_str()), ("kind", kind)] {
            if object[field].as_str().unwrap_or_default().is_empty() {
                object[field] = value.into();
            }
        }
    } else if object["kind"].as_str().unwrap_or_default().is_empty() {
        return Err(unrecognized(format!("Object 'Kind' is missing in '{text}'")));
    }
    check_type(resource, &object)?;
    Ok(object)
}

/// That an object is of the kind of the resource.
pub fn check_type(resource: &Resource, object: &Value) -> Result<(), Failure> {
    let api_version = resource.api_version();
    let given = object["apiVersion"].as_str().unwrap_or_default();
    if given != api_version {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({given}) does not match the expected API version ({api_version})"
        )));
    }
    let kind = object["kind"].as_str().unwrap_or_default();
    if kind != resource.kind {
        let error = FieldError::invalid("kind", &kind.into(), format!("must be {}", resource.kind));
        return Err(Failure::invalid(&resource.group, kind, metadata::text(object, "name"), &[error]));
    }
    Ok(())
}

/// That an object's name and namespace, if it has them, are those of the path.
pub fn check_names(object: &Value, key: &Key) -> Result<(), Failure> {
    let (namespace, name) = (metadata::text(object, "namespace"), metadata::text(object, "name"));
    if !name.is_empty() && name != key.1 {
        let message = format!("the name of the object ({name}) does not match the name on the URL ({})", key.1);
        return Err(Failure::bad_request(message));
    }
    if !namespace.is_empty() && namespace != key.0 {
        let message =
            format!("the namespace of the object ({namespace}) does not match the namespace on the URL ({})", key.0);
        return Err(Failure::bad_request(message));
    }
    Ok(())
}

/// Takes away what the schema does not declare, and refuses or warns about it as the request asks.
pub fn undeclared(resource: &Resource, object: &mut Value, parameters: &Parameters) -> Result<Vec<String>, Failure> {
    let unknown = resource.schema.prune(object);
    let unknown: Vec<_> = unknown.into_iter().map(|field| format!("unknown field {field:?}")).collect();
    match parameters.get("fieldValidation") {
        "Ignore" => Ok(Vec::new()),
        "" | "Warn" => Ok(unknown),
        "Strict" if unknown.is_empty() => Ok(unknown),
        "Strict" => Err(Failure::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {kind}: strict decoding error: {}",
            resource.version,
            unknown.join(", "),
            kind = resource.kind,
        ))),
        other => Err(Failure::bad_request(format!("fieldValidation: Unsupported value: {other:?}"))),
    }
}
