//! What `documents::read` says of a file is what the real API server says of it: over every document that this
//! repository keeps, over every check of the CRDs, and over documents in which something was changed at random.

use std::{collections::BTreeSet, path::Path};

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use sgbind::documents::{Document, DocumentError, DocumentErrors, Source, read};

use crate::admission::{
    minimal,
    trials::{Check, trials},
};

mod kept;
mod mutations;
mod server;
mod texts;

use kept::{Kept, kept};
use server::Server;
use texts::texts;

/// How many there are today; a search that finds fewer has missed some.
const FEWEST: usize = 207;

/// The objects of a text, or what is wrong with it.
fn local(text: &str, namespace: &str) -> Result<Vec<Document>, Vec<DocumentError>> {
    read(&[Source::Stdin], namespace, text.as_bytes()).map_err(|DocumentErrors(errors)| errors)
}

#[tokio::test]
async fn every_document_is_judged_as_by_the_api_server() {
    let documents = kept();
    assert!(documents.len() >= FEWEST, "only {}", documents.len());
    let verdicts = compare(&documents).await;
    assert_eq!(verdicts.wrong, Vec::<String>::new());
    assert!(verdicts.refused >= 132, "only {} were refused", verdicts.refused);
}

#[tokio::test]
async fn peculiar_texts_are_read_as_by_the_api_server() {
    let texts = texts();
    let verdicts = compare(&texts).await;
    assert_eq!(verdicts.wrong, Vec::<String>::new());
    assert_eq!(verdicts.refused, 19);
}

#[tokio::test]
async fn what_is_changed_at_random_is_judged_as_by_the_api_server() {
    let right = |kept: &Kept| !kept.name.contains("mistakes") && !kept.name.contains("patterns");
    let originals: Vec<Kept> = kept().into_iter().filter(right).collect();
    let verdicts = compare(&mutations::mutations(&originals, 300)).await;
    assert_eq!(verdicts.wrong, Vec::<String>::new());
    assert!((150..290).contains(&verdicts.refused), "{} were refused", verdicts.refused);
}

struct Verdicts {
    /// Where they differ.
    wrong: Vec<String>,
    /// How many documents both refuse, or one.
    refused: usize,
}

/// Asks the API server of each document, as one that is created, and as one that is applied on the server's side.
async fn compare(documents: &[Kept]) -> Verdicts {
    let server = Server::new(documents).await;
    let answers = stream::iter(documents).map(async |kept| (server.create(kept).await, server.apply(kept).await));
    let answers: Vec<_> = answers.buffered(8).collect().await;
    let mut verdicts = Verdicts { wrong: Vec::new(), refused: 0 };
    for (kept, (created, applied)) in documents.iter().zip(answers) {
        let here = local(&kept.text, server.namespace(kept));
        verdicts.refused += usize::from(here.is_err() || created.is_err());
        let mut complaints = vec![server::difference(&here, &created)];
        // Where a field is null, only a server-side apply takes that for a value of the wrong type.
        let null_alone = created.is_ok() && applied.as_ref().is_err_and(|status| status.message.contains("\"null\""));
        if !null_alone {
            complaints.push(server::difference(&here, &applied));
        }
        let wrong = complaints.into_iter().flatten().map(|wrong| format!("{}: {wrong}\n    {}", kept.name, kept.text));
        verdicts.wrong.extend(wrong);
    }
    verdicts
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
                // A status stands in an object that is there.
                if document.get("status").is_some() {
                    object["spec"] = minimal(kind);
                }
                object.as_object_mut().expect("an object").extend(document.as_object().expect("an object").clone());
                local(&object.to_string(), "default")
            };
            let name = format!("{}: {}", trial.path, trial.check);
            for accept in &trial.accept {
                wrong.extend(judge(accept).err().map(|errors| format!("{name}: refused: {errors:?}\n    {accept}")));
            }
            match judge(&trial.refuse) {
                Ok(_) => wrong.push(format!("{name}: accepted: {}", trial.refuse)),
                Err(errors) => {
                    let told: BTreeSet<_> = errors.iter().map(|error| server::plain(&error.field)).collect();
                    let mut field = server::plain(&trial.field);
                    // An item without its key is told of as the list by a server-side apply.
                    if let Check::Required(key) = &trial.check
                        && !field.ends_with(key)
                    {
                        field = format!("{field}.{key}");
                    }
                    if told != BTreeSet::from([field]) {
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
