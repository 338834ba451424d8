//! Whether an installed CRD is the one that this binary has.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceConversion, CustomResourceDefinition,
};
use kube::ResourceExt;
use serde_json::Value;

use super::Stage;
use super::report::Section;

/// What installs them, and what brings them up to date.
const INSTALL: &str = "sgbind crds | kubectl apply --server-side -f -";

/// Judges what the API server has under the name of `ours`.
pub fn judge(
    section: &mut Section,
    stage: Stage,
    ours: &CustomResourceDefinition,
    installed: Option<&CustomResourceDefinition>,
) {
    let (name, line) = (ours.name_any(), format!("crd/{}", ours.name_any()));
    let Some(installed) = installed else {
        section.missing(stage, line, format!("CRD {name} is not there"), INSTALL);
        return;
    };
    let version = &ours.spec.versions[0].name;
    if !installed.spec.versions.iter().any(|served| served.served && served.name == *version) {
        section.fail(line, format!("CRD {name} does not serve {version}"), INSTALL);
    } else if let Err(why) = established(installed) {
        section.fail(line, format!("CRD {name} is not established: {why}"), format!("kubectl describe crd {name}"));
    } else if let Some(path) = difference(ours, installed) {
        let message = format!("CRD {name} is not the one of this sgbind: {path} differs");
        section.warn(line, message, INSTALL);
    } else {
        section.ok(line, format!("CRD {name} is installed and current"));
    }
}

fn established(crd: &CustomResourceDefinition) -> Result<(), String> {
    let conditions = crd.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut about = conditions.filter(|condition| condition.type_ == "Established");
    match about.next() {
        Some(condition) if condition.status == "True" => Ok(()),
        Some(condition) => Err(condition.message.clone().unwrap_or_else(|| "the API server does not say why".into())),
        None => Err("the API server has not looked at it yet".into()),
    }
}

/// Where the specs differ first, if they do.
fn difference(ours: &CustomResourceDefinition, installed: &CustomResourceDefinition) -> Option<String> {
    let spec = |crd: &CustomResourceDefinition| serde_json::to_value(with_defaults(crd).spec).unwrap_or_default();
    first_difference("spec".into(), &spec(ours), &spec(installed))
}

/// As the API server stores it. Source: the defaults of `apiextensions.k8s.io/v1`, "CustomResourceDefinitionSpec".
fn with_defaults(crd: &CustomResourceDefinition) -> CustomResourceDefinition {
    let mut crd = crd.clone();
    let spec = &mut crd.spec;
    spec.conversion.get_or_insert_with(|| CustomResourceConversion { strategy: "None".into(), webhook: None });
    spec.preserve_unknown_fields = spec.preserve_unknown_fields.filter(|preserve| *preserve);
    let kind = spec.names.kind.clone();
    spec.names.list_kind.get_or_insert_with(|| format!("{kind}List"));
    spec.names.singular.get_or_insert_with(|| kind.to_lowercase());
    crd
}

fn first_difference(path: String, ours: &Value, installed: &Value) -> Option<String> {
    match (ours, installed) {
        (Value::Object(ours), Value::Object(installed)) => {
            let lacking = installed.keys().find(|name| !ours.contains_key(*name));
            let differing = ours.iter().find_map(|(name, value)| {
                let path = format!("{path}.{name}");
                installed.get(name).map_or(Some(path.clone()), |other| first_difference(path, value, other))
            });
            differing.or_else(|| lacking.map(|name| format!("{path}.{name}")))
        }
        (Value::Array(ours), Value::Array(installed)) => {
            let pairs = ours.iter().zip(installed).enumerate();
            let differing = pairs.map(|(at, (value, other))| first_difference(format!("{path}[{at}]"), value, other));
            let shorter = ours.len().min(installed.len());
            let longer = (ours.len() != installed.len()).then(|| format!("{path}[{shorter}]"));
            differing.flatten().next().or(longer)
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        (one, other) => (one != other).then_some(path),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        CustomResourceDefinitionCondition, CustomResourceDefinitionStatus, JSONSchemaProps,
    };

    use super::*;
    use crate::preflight::Status;

    /// As the API server has it once it is established.
    fn stored() -> CustomResourceDefinition {
        let mut crd = with_defaults(&crate::api::crds()[0]);
        let established = CustomResourceDefinitionCondition {
            type_: "Established".into(),
            status: "True".into(),
            ..CustomResourceDefinitionCondition::default()
        };
        crd.status = Some(CustomResourceDefinitionStatus {
            conditions: Some(vec![established]),
            ..CustomResourceDefinitionStatus::default()
        });
        crd
    }

    fn judged(stage: Stage, installed: Option<&CustomResourceDefinition>) -> (Status, String) {
        let mut section = Section::new("Kubernetes");
        judge(&mut section, stage, &crate::api::crds()[0], installed);
        let [check] = &section.checks[..] else { panic!("{section:?}") };
        (check.status, check.message.replace("albtargetbindings.sgbind.dev", "NAME"))
    }

    fn root(crd: &mut CustomResourceDefinition) -> &mut JSONSchemaProps {
        crd.spec.versions[0].schema.as_mut().unwrap().open_api_v3_schema.as_mut().unwrap()
    }

    fn changed(change: impl FnOnce(&mut CustomResourceDefinition)) -> (Status, String) {
        let mut crd = stored();
        change(&mut crd);
        judged(Stage::Installed, Some(&crd))
    }

    #[test]
    fn what_is_stored_is_current() {
        let current = (Status::Ok, "CRD NAME is installed and current".to_owned());
        assert_eq!(judged(Stage::Installed, Some(&stored())), current);
    }

    #[test]
    fn what_is_absent_is_a_failure_only_of_an_installation() {
        assert_eq!(judged(Stage::Installed, None), (Status::Failed, "CRD NAME is not there".into()));
        let message = "not installed yet: CRD NAME is not there".to_owned();
        assert_eq!(judged(Stage::BeforeInstallation, None), (Status::Warning, message));
    }

    #[test]
    fn the_first_difference_is_named() {
        let differs = |path: &str| (Status::Warning, format!("CRD NAME is not the one of this sgbind: {path} differs"));
        let fields = "spec.versions[0].schema.openAPIV3Schema.properties";
        assert_eq!(
            changed(|crd| {
                root(crd).properties.as_mut().unwrap().remove("status");
            }),
            differs(&format!("{fields}.status"))
        );
        assert_eq!(
            changed(|crd| {
                root(crd).properties.as_mut().unwrap().insert("old".into(), JSONSchemaProps::default());
            }),
            differs(&format!("{fields}.old"))
        );
        assert_eq!(
            changed(|crd| crd.spec.names.short_names.as_mut().unwrap().push("alb".into())),
            differs("spec.names.shortNames[1]")
        );
    }

    #[test]
    fn what_is_not_served_or_not_established_fails() {
        let failed = |message: &str| (Status::Failed, message.to_owned());
        assert_eq!(changed(|crd| crd.spec.versions[0].served = false), failed("CRD NAME does not serve v1alpha1"));
        let why = "CRD NAME is not established: the names are taken";
        let refused = |crd: &mut CustomResourceDefinition| {
            let condition = &mut crd.status.as_mut().unwrap().conditions.as_mut().unwrap()[0];
            (condition.status, condition.message) = ("False".into(), Some("the names are taken".into()));
        };
        assert_eq!(changed(refused), failed(why));
    }
}
