//! What `documents::read` says of a file is what the real API server says of it: over every document that this
//! repository keeps, over every check of the CRDs, and over documents in which something was changed at random.

use std::{collections::BTreeSet, path::Path};

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use sgbind::documents::{DocumentError, DocumentErrors, Source, read};

use crate::admission::{minimal, trials::trials};

mod kept;
mod mutations;
mod server;

use kept::{Kept, kept};
use server::Server;

/// How many there are today; a search that finds fewer has missed some.
const FEWEST: usize = 210;

/// What is wrong with a text.
fn local(text: &str, namespace: &str) -> Result<(), Vec<DocumentError>> {
    read(&[Source::Stdin], namespace, text.as_bytes()).map(drop).map_err(|DocumentErrors(errors)| errors)
}

#[tokio::test]
async fn every_document_is_judged_as_by_the_api_server() {
    let documents = kept();
    assert!(documents.len() >= FEWEST, "only {}", documents.len());
    let server = Server::new(&documents).await;
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for document in &documents {
        let answer = server.apply(document).await;
        refused += usize::from(answer.is_err());
        let complaint = server::difference(local(&document.text, server.namespace(document)), answer);
        wrong.extend(complaint.map(|complaint| format!("{}: {complaint}", document.name)));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), documents.len(), wrong.join("\n"));
    assert!(refused > 120, "only {refused} were refused");
}

/// A file with everything in it is told of in one run.
#[test]
fn mistakes_of_all_files_come_at_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/admission/mistakes");
    let DocumentErrors(errors) = read(&[Source::Path(folder.clone())], "default", &b""[..]).expect_err("mistakes");
    let told: BTreeSet<_> = errors.iter().filter_map(|error| error.file.clone()).collect();
    let files: BTreeSet<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    assert_eq!(told, files);
    assert!(errors.iter().all(|error| error.line.is_some() && error.object.is_some() && !error.field.is_empty()));
}

/// Those checks are tried on the API server elsewhere, with the same documents.
#[test]
fn every_check_refuses_and_accepts_here_too() {
    for crd in sgbind::api::crds() {
        let (trials, _) = trials(&crd);
        let kind = &crd.spec.names.kind;
        let mut wrong = Vec::new();
        for trial in &trials {
            let judge = |document: &Value| {
                let mut object =
                    json!({"apiVersion": "sgbind.dev/v1alpha1", "kind": kind, "metadata": {"name": "tried"}});
                object["spec"] = minimal(kind);
                object.as_object_mut().expect("an object").extend(document.as_object().expect("an object").clone());
                local(&object.to_string(), "default")
            };
            let name = format!("{}: {}", trial.path, trial.check);
            for accept in &trial.accept {
                wrong.extend(judge(accept).err().map(|errors| format!("{name}: refused: {errors:?}\n    {accept}")));
            }
            match judge(&trial.refuse) {
                Ok(()) => wrong.push(format!("{name}: accepted: {}", trial.refuse)),
                Err(errors) => {
                    let told: BTreeSet<_> = errors.iter().map(|error| server::plain(&error.field)).collect();
                    if told != BTreeSet::from([server::plain(&trial.field)]) {
                        wrong.push(format!(
                            "{name}: refused, but not for {}: {errors:?}\n    {}",
                            trial.field, trial.refuse
                        ));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {} checks:\n{}", wrong.len(), trials.len(), wrong.join("\n"));
    }
}

#[tokio::test]
async fn what_is_changed_at_random_is_judged_as_by_the_api_server() {
    let documents: Vec<Kept> =
        kept().into_iter().filter(|kept| !kept.name.contains("mistakes") && !kept.name.contains("patterns")).collect();
    let changed = mutations::mutations(&documents, 300);
    let server = Server::new(&documents).await;
    let answers: Vec<_> = stream::iter(&changed).map(|changed| server.apply(changed)).buffered(8).collect().await;
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (changed, answer) in changed.iter().zip(answers) {
        refused += usize::from(answer.is_err());
        let complaint = server::difference(local(&changed.text, server.namespace(changed)), answer);
        wrong.extend(complaint.map(|complaint| format!("{}: {complaint}\n    {}", changed.name, changed.text)));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), changed.len(), wrong.join("\n"));
    assert!((100..290).contains(&refused), "{refused} of {} were refused", changed.len());
}
