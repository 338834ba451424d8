//! The files in `crds/` are what the code says.

use std::{collections::BTreeSet, fs, path::Path};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, JSONSchemaPropsOrArray};
use kube::ResourceExt;
use sgbind::api::{crd_yaml, crds};

#[test]
fn files_match_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let mut expected = BTreeSet::from(["kustomization.yaml".to_owned()]);
    let kustomization = fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
    for crd in crds() {
        let file = format!("{}.yaml", crd.name_any());
        let written = fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(
            written == crd_yaml(&crd),
            "crds/{file} is not what the code says: run `cargo run -- crds > crds/{file}`"
        );
        assert!(kustomization.contains(&format!("- {file}\n")), "crds/kustomization.yaml names {file}");
        expected.insert(file);
    }
    let present: BTreeSet<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(present, expected, "crds/ holds one file for each kind, and the list of them");
}

#[test]
fn yaml_says_what_the_crd_says() {
    for crd in crds() {
        let read: serde_json::Value = serde_saphyr::from_str(&crd_yaml(&crd)).unwrap();
        let again = serde_json::from_value(read).unwrap();
        assert_eq!(crd, again);
    }
}

/// `kubectl explain` shows what is written there, and the reference has the same words. What the status of both kinds has
/// stands on one page.
#[test]
fn each_field_is_described_and_in_the_reference() {
    let page = |kind: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/reference/{kind}.md"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    for crd in crds() {
        let kind = crd.spec.names.singular.as_deref().unwrap();
        let own = page(kind);
        let mut of_status = own.clone();
        if own.contains("(albtargetbinding.md#status)") {
            of_status += &page("albtargetbinding");
        }
        let schema = crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
        let mut missing = Vec::new();
        for (part, reference) in [("spec", own), ("status", of_status)] {
            for_each_field(&schema.properties.as_ref().unwrap()[part], &mut |name, field| match &field.description {
                None => missing.push(format!("{name} has no description")),
                Some(text) if !reference.contains(text.trim_end_matches('.')) => {
                    missing.push(format!("{kind}.md: {part}: {name}: {text}"));
                }
                Some(_) => {}
            });
        }
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }
}

fn for_each_field(schema: &JSONSchemaProps, visit: &mut impl FnMut(&str, &JSONSchemaProps)) {
    for (name, field) in schema.properties.iter().flatten() {
        visit(name, field);
        for_each_field(field, visit);
        if let Some(JSONSchemaPropsOrArray::Schema(items)) = &field.items {
            for_each_field(items, visit);
        }
    }
}
