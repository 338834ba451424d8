use std::io::Write as _;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use clap::{Args, ValueEnum};

use crate::clock::Clock;
use crate::model::{AccountRoles, ClusterName};
use crate::preflight::{self, Check, Report, Section, Stage, Status, Subject, Summary};

use super::arguments::{AwsArguments, ClusterArguments};

/// Arguments of `sgbind check`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Name of the cluster: groups opt in to it by the tag sgbind.dev/cluster/NAME.
    #[arg(long, env = "SGBIND_CLUSTER_NAME", value_name = "NAME")]
    cluster_name: ClusterName,
    /// Before the installation: what is not there yet is no failure.
    #[arg(long)]
    pre: bool,
    /// How the result is written.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Namespace of the controller.
    #[arg(
        short,
        long,
        env = "SGBIND_NAMESPACE",
        value_name = "NAMESPACE",
        default_value = "sgbind-system",
        help_heading = "Kubernetes"
    )]
    namespace: String,
    #[command(flatten)]
    aws: AwsArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each check, with what to do.
    Table,
    Json,
}

/// Exit code 0 if no check failed, else 1.
///
/// # Errors
/// The roles contradict each other, or nothing can be written.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let subject = Subject {
        cluster: arguments.cluster_name,
        region: arguments.aws.region.as_deref().map(Into::into),
        account_roles: AccountRoles::new(arguments.aws.account_role).context("--account-role")?,
        namespace: arguments.namespace,
        stage: if arguments.pre { Stage::BeforeInstallation } else { Stage::Installed },
        kubernetes: arguments.cluster.config().await.map_err(|error| preflight::chain(error.as_ref())),
        clock: Clock::system(),
    };
    let mut written = Ok(());
    let mut tell = |section: &Section| {
        if arguments.output == Format::Table && written.is_ok() {
            written = print_section(section);
        }
    };
    let report = preflight::check(&subject, &mut tell).await;
    written.and_then(|()| print_end(arguments.output, &report)).context("the result could not be written")?;
    Ok(if report.summary.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const TITLE: Style = Style::new().bold();
const HINT: Style = Style::new().dimmed();

fn sign(status: Status) -> (&'static str, Style) {
    let (sign, color) = match status {
        Status::Ok => ("√", AnsiColor::Green),
        Status::Warning => ("!", AnsiColor::Yellow),
        Status::Failed => ("×", AnsiColor::Red),
    };
    (sign, Style::new().fg_color(Some(color.into())).bold())
}

fn print_section(section: &Section) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    let title = &section.title;
    writeln!(out, "{TITLE}{title}{TITLE:#}\n{}", "-".repeat(title.chars().count()))?;
    for Check { status, message, hint, .. } in &section.checks {
        let (sign, style) = sign(*status);
        writeln!(out, "{style}{sign}{style:#} {message}")?;
        for line in hint.iter().flat_map(|hint| hint.lines()) {
            writeln!(out, "    {HINT}{line}{HINT:#}")?;
        }
    }
    writeln!(out)?;
    out.flush()
}

fn print_end(format: Format, report: &Report) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    match format {
        Format::Table => {
            let Summary { ok, warning, failed } = report.summary;
            let worst = report.checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok);
            let (sign, style) = sign(worst);
            let total = ok + warning + failed;
            writeln!(out, "{style}{sign}{style:#} {total} checks: {ok} √, {warning} !, {failed} ×")?;
        }
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(report)?)?,
    }
    out.flush()
}
