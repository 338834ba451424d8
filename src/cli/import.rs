mod finding;
mod reading;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::arguments::{AwsArguments, SnapshotArgument, nobody};
use crate::api::{ALBTargetBinding, Enforcement};
use crate::aws::Clouds;
use crate::import::{self, Document, Unfit, Wanted};
use crate::model::{ClusterName, Declaration, Facts, Object, Scope, Us, Usage};
use crate::observe::{self, Cluster};
use crate::validate;

/// Arguments of `sgbind import`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Name or ARN of the load balancer; may be repeated, or several separated by commas.
    #[arg(long, value_name = "NAME|ARN", required = true, value_delimiter = ',')]
    load_balancer: Vec<String>,
    /// Namespace of the binding.
    #[arg(short, long, default_value = "default", value_parser = super::arguments::namespace)]
    namespace: String,
    /// Cluster that is to write the groups: comments say how they opt in, and of several groups the one that has is
    /// chosen.
    #[arg(long, env = "SGBIND_CLUSTER_NAME", value_name = "NAME")]
    cluster_name: Option<ClusterName>,
    /// What the binding begins with: Enforce, or Observe, which only plans.
    #[arg(long, value_name = "WHAT", value_enum, ignore_case = true, default_value = "Enforce")]
    enforcement: First,
    /// yaml with comments, or json, whose comments go to standard error.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "yaml")]
    output: Output,
    #[command(flatten)]
    aws: AwsArguments,
    #[command(flatten)]
    snapshot: SnapshotArgument,
}

/// `spec.enforcement` of the binding.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum First {
    #[value(name = "Enforce")]
    Enforce,
    #[value(name = "Observe")]
    Observe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Yaml,
    Json,
}

pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    super::once(all(arguments))
}

async fn all(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let cluster = arguments.cluster_name.clone();
    let cluster = cluster.map_or_else(nobody, Ok)?;
    let clouds = arguments.aws.connect(&cluster, arguments.snapshot.snapshot.as_deref()).await?;
    let us = Us { cluster, identity: String::new(), take_over: BTreeSet::new() };
    let mut importing = Importing { arguments: &arguments, clouds: &clouds, us, names: BTreeSet::new() };
    let (mut documents, mut complete) = (Vec::new(), true);
    for text in &arguments.load_balancer {
        match importing.one(text).await {
            Ok(document) => {
                for what in &document.unknown {
                    anstream::eprintln!("sgbind: {text}: not known: {what}");
                }
                complete &= document.unknown.is_empty();
                documents.push(document);
            }
            Err(error) => {
                anstream::eprintln!("sgbind: {text}: {error:#}");
                complete = false;
            }
        }
    }
    print(&documents, arguments.output)?;
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(documents: &[Document], output: Output) -> anyhow::Result<()> {
    if output == Output::Yaml {
        let texts: Vec<String> = documents.iter().map(Document::yaml).collect();
        super::plan::write(&texts.join("---\n"))?;
        return Ok(());
    }
    for line in documents.iter().flat_map(Document::remarks) {
        anstream::eprintln!("{line}");
    }
    let mut objects: Vec<serde_json::Value> = documents.iter().map(Document::object).collect();
    let whole = match objects.len() {
        0 => return Ok(()),
        1 => objects.remove(0),
        _ => serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects}),
    };
    super::plan::write_json(&whole)?;
    Ok(())
}

struct Importing<'a> {
    arguments: &'a Arguments,
    clouds: &'a Clouds,
    us: Us,
    /// Names of bindings that are taken.
    names: BTreeSet<String>,
}

impl Importing<'_> {
    async fn one(&mut self, text: &str) -> anyhow::Result<Document> {
        let named = finding::parse(text)?;
        let home = self.clouds.home();
        let cloud = self.clouds.scope(&named.scope().unwrap_or_else(|| home.clone()))?;
        let found = finding::find(&cloud, &named).await?;
        let name = self.name(&found.name);
        let known = self.arguments.cluster_name.is_some();
        let today = reading::today(&cloud, &self.us, &found).await?;
        let mut today = import::Today { us: today.us.filter(|_| known), ..today };
        let wanted = Wanted {
            name,
            namespace: self.arguments.namespace.clone(),
            home: home.clone(),
            enforcement: match self.arguments.enforcement {
                First::Enforce => Enforcement::Enforce,
                First::Observe => Enforcement::Observe,
            },
        };
        let draft = import::draft(&today, &wanted).map_err(|unfit| match unfit {
            Unfit::RulesUnknown(_) => anyhow::anyhow!("{unfit}: {}", today.unknown.join("; ")),
            other => other.into(),
        })?;
        let declaration = declared(&draft.binding, home)?;
        let cluster = Cluster::out_of_reach(reading::NO_CLUSTER);
        let nothing = (Facts::default(), BTreeSet::new());
        let resolution = observe::object(&cloud, &cluster, &self.us, &declaration, &nothing.0, &nothing.1).await;
        let usage = observe::usage(&cloud, &draft.group, &BTreeSet::from([found.arn])).await;
        let usage = usage.unwrap_or_else(|error| {
            today.unknown.push(error.to_string());
            Usage::Unknown
        });
        let document = import::document(&today, draft, &declaration, &resolution, &usage)?;
        declared(&document.binding, home)?;
        reads_back(&document)?;
        Ok(document)
    }

    /// Load balancers of several Regions may have one name.
    fn name(&mut self, load_balancer: &str) -> String {
        let name = import::object_name(load_balancer);
        let further = (2..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone()).chain(further).find(|name| !self.names.contains(name));
        let free = free.unwrap_or(name);
        self.names.insert(free.clone());
        free
    }
}

/// What the binding declares, which the API server accepts.
fn declared(binding: &ALBTargetBinding, home: &Scope) -> anyhow::Result<Declaration> {
    validate::object(&Object::from(binding.clone()), home).map_err(|findings| {
        let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the imported binding is not valid, which is a bug of sgbind: {}", findings.join("; "))
    })
}

/// Whether the text says what it is meant to say.
fn reads_back(document: &Document) -> anyhow::Result<()> {
    match serde_saphyr::from_str::<ALBTargetBinding>(&document.yaml()) {
        Ok(read) if read == document.binding => Ok(()),
        Ok(_) => bail!("the imported binding reads back as another one, which is a bug of sgbind"),
        Err(error) => bail!("the imported binding can't be read back, which is a bug of sgbind: {error}"),
    }
}
