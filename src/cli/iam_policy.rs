use std::io::Write as _;

use anyhow::Context as _;
use clap::Args;

use crate::model::{AccountRole, AccountRoles, ClusterName};

/// As `deploy/` ships them.
const POLICY: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/iam-policy.json"));
const ACCOUNTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/iam-policy-accounts.json"));
/// What stands there for the cluster's name.
const CLUSTER: &str = "CLUSTER_NAME";
/// What every ARN there begins with.
const PARTITION: &str = "\"arn:aws:";

/// Arguments of `sgbind iam-policy`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Name of the cluster [default: CLUSTER_NAME stands in its place, for sed].
    #[arg(long, env = "SGBIND_CLUSTER_NAME", value_name = "NAME")]
    cluster_name: Option<ClusterName>,
    /// Role that may be assumed to work in an account: permits to assume it; may be repeated, or several separated by
    /// commas.
    #[arg(long, env = "SGBIND_ACCOUNT_ROLE", value_name = "ACCOUNT=ROLE-ARN", value_delimiter = ',')]
    account_role: Vec<AccountRole>,
    /// Partition of the ARNs: aws, aws-cn, aws-us-gov.
    #[arg(long, value_name = "PARTITION", default_value = "aws", value_parser = partition)]
    partition: String,
}

fn partition(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("aws").filter(|rest| rest.is_empty() || rest.starts_with('-'));
    let is_word = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    rest.filter(|rest| is_word(rest)).map(|_| text.to_owned()).ok_or_else(|| "expected one such as aws-cn".into())
}

/// Prints the least policy of the controller's role, and with it, if there are any, the roles that may be assumed.
///
/// # Errors
/// The roles contradict each other, or nothing can be written.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let cluster = arguments.cluster_name.as_ref().map_or(CLUSTER, ClusterName::as_str);
    let roles = AccountRoles::new(arguments.account_role).context("--account-role")?;
    let filled_in = POLICY.replace(CLUSTER, cluster).replace(PARTITION, &format!("\"arn:{}:", arguments.partition));
    let policy = match assuming(&roles) {
        Some(statement) => with_statement(&filled_in, &statement).context("the policy in this sgbind is malformed")?,
        None => filled_in,
    };
    anstream::stdout().lock().write_all(policy.as_bytes()).context("the policy could not be written")
}

/// The statement by which the roles may be assumed, as it stands in `deploy/`; `None` without roles.
fn assuming(roles: &AccountRoles) -> Option<String> {
    let arns: Vec<String> = roles.iter().map(|role| format!("\"{}\"", role.arn())).collect();
    let (_, rest) = ACCOUNTS.split_once("\"Statement\": [")?;
    let (statement, _) = rest.rsplit_once(']')?;
    let (before, after) = statement.split_once("\"Resource\": [")?;
    let (_, after) = after.split_once(']')?;
    (!arns.is_empty()).then(|| format!("{}\"Resource\": [{}]{}", before, arns.join(", "), after.trim_end()))
}

/// The policy with one statement more at its end, in the same layout.
fn with_statement(policy: &str, statement: &str) -> Option<String> {
    let (statements, end) = policy.rsplit_once("\n  ]")?;
    Some(format!("{statements},{statement}\n  ]{end}"))
}
