//! The files in `crds/` are what the code says.

use std::{collections::BTreeSet, fs, path::Path};

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
