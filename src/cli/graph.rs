use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::api::ALBTargetBinding;
use crate::graph::{self, Drawing, Estate};
use crate::model::{Object, ObjectProblem, Reason, Scope};
use crate::once::{self, Asked, Forecast, Survey};
use crate::validate;

use super::arguments::nobody;
use super::objects::{Gathered, ViewArguments};
use super::plan::{READING, tell_of_problems, write};
use super::waiting::waiting_for;

/// Arguments of `sgbind graph`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0, or 1 on errors and where the picture lacks something.")]
pub struct Arguments {
    /// Draws a load balancer that need not be bound yet, by its name or ARN, as the smallest binding would have it.
    #[arg(long, value_name = "NAME|ARN", conflicts_with_all = ["files", "from_cluster"])]
    load_balancer: Option<String>,
    /// How it is drawn.
    #[arg(short = 'o', long, visible_alias = "output", value_enum, value_name = "FORMAT", default_value = "mermaid")]
    format: Format,
    #[command(flatten)]
    view: ViewArguments,
}

/// Forms of a picture.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For Markdown, as GitHub and GitLab draw it.
    Mermaid,
    /// For Graphviz.
    Dot,
    /// For browsers, drawn without another program.
    Svg,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let waiting = waiting_for(READING);
    let snapshot = arguments.view.snapshot.snapshot.as_deref();
    let objects = arguments.view.objects(match &arguments.view.cluster_name {
        Some(name) => name.clone(),
        None => nobody()?,
    });
    let Gathered { clouds, cluster, us, asked, terms } = match &arguments.load_balancer {
        None => objects.gather(snapshot).await?,
        Some(load_balancer) => {
            let clouds = arguments.view.aws.connect(&objects.cluster_name, snapshot).await?;
            let asked = smallest(load_balancer, clouds.home())?;
            Gathered { asked: vec![asked], ..objects.nothing(clouds) }
        }
    };
    let mut survey = once::look(&clouds, &cluster, &us, &asked, &terms).await;
    drop(waiting);
    if !arguments.view.knows_identity() {
        survey.take_on_identity();
    }
    let forecast = once::foresee(&survey, &terms).context("a plan was refused, which is a bug in sgbind")?;
    if let Some(text) = &arguments.load_balancer
        && survey.objects.values().all(|surveyed| surveyed.resolution.facts.load_balancer.is_none())
    {
        let why: Vec<&str> = forecast.problems.iter().map(|problem| problem.problem.message.as_str()).collect();
        bail!("--load-balancer {text}: {}", why.join("; "));
    }
    let drawing = draw(&survey, &forecast);
    write(&match arguments.format {
        Format::Mermaid => graph::mermaid(&drawing),
        Format::Dot => graph::dot(&drawing),
        Format::Svg => graph::svg(&drawing),
    })?;
    // What could not be looked up is missing in the picture.
    let lookups = forecast.problems.iter().filter(|it| it.problem.reason.is_about_resolution() || is_about_reading(it));
    let whole = lookups.count() == 0 && survey.unknown.is_empty();
    if !whole {
        tell_of_problems(&survey, &forecast);
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_about_reading(problem: &ObjectProblem) -> bool {
    matches!(problem.problem.reason, Reason::AccessDenied | Reason::AwsUnavailable | Reason::Throttled)
}

fn draw(survey: &Survey, forecast: &Forecast) -> Drawing {
    let objects: BTreeMap<_, _> =
        survey.objects.iter().map(|(object, it)| (object.clone(), (&it.declaration, &it.resolution))).collect();
    let groups: BTreeMap<_, _> = survey.groups.iter().map(|(key, group)| (key.clone(), &group.state)).collect();
    Drawing::of(&Estate {
        us: &survey.us,
        objects: &objects,
        groups: &groups,
        steps: &forecast.steps,
        held: &forecast.held,
    })
}

/// The smallest binding of a load balancer, which only looks.
fn smallest(load_balancer: &str, home: &Scope) -> anyhow::Result<Asked> {
    let named_by = if load_balancer.starts_with("arn:") { "arn" } else { "name" };
    let spec = json!({"loadBalancer": {named_by: load_balancer}, "enforcement": "Observe"});
    let spec = serde_json::from_value(spec).context("--load-balancer")?;
    let name: String = load_balancer.rsplit('/').next().unwrap_or(load_balancer).to_owned();
    let object = Object::from(ALBTargetBinding::new(&name, spec));
    let declaration = validate::object(&object, home).map_err(|findings| {
        let findings: Vec<String> = findings.into_iter().map(|finding| finding.message).collect();
        anyhow!("--load-balancer {load_balancer}: {}", findings.join("; "))
    })?;
    Ok(Asked::new(declaration, None))
}
