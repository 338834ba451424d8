mod codes;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_ec2::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_types::request_id::RequestId;

use crate::model::{AccountId, AccountRole, Scope};

use super::snapshot::Unanswered;

use codes::classify;

/// What follows from an error. This alone decides about requeue, reason and metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    /// Too many calls.
    Throttled,
    /// A permission or a usable credential is missing: a person must act.
    Denied,
    /// A limit of the account is reached.
    Quota,
    /// What the call names is not there.
    NotFound,
    /// What was to be made is there already.
    Duplicate,
    /// The call can't succeed as it is.
    Invalid,
    /// It may succeed later: no answer, one that can't be read, or trouble at AWS.
    Transient,
}

impl ErrorClass {
    /// The word in logs and metric labels.
    pub fn word(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Quota => "quota",
            Self::NotFound => "not-found",
            Self::Duplicate => "duplicate",
            Self::Invalid => "invalid",
            Self::Transient => "transient",
        }
    }
}

/// A call to AWS, as errors tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service's prefix in IAM actions.
    pub service: &'static str,
    pub action: &'static str,
    /// `None` before the own account is known.
    pub scope: Option<Scope>,
    /// The role that is assumed to make it; `None` if it is made as whom the controller runs.
    pub role: Option<AccountRole>,
    /// What the call is about, for people.
    pub resource: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.action)?;
        if !self.resource.is_empty() {
            write!(f, " for {}", self.resource)?;
        }
        self.scope.as_ref().map_or(Ok(()), |scope| write!(f, " in {scope}"))
    }
}

/// What AWS answered when it refused a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: Option<String>,
    pub message: Option<String>,
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}")?,
            None => write!(f, "HTTP status {}", self.status)?,
        }
        match self.message.as_deref().map(own_words) {
            None | Some("") => Ok(()),
            Some(message) => write!(f, ": {message}"),
        }
    }
}

/// AWS's message without what differs from call to call, as conditions must not change without need.
fn own_words(message: &str) -> &str {
    message.split("Encoded authorization failure message").next().unwrap_or_default().trim()
}

type Cause = Arc<dyn Error + Send + Sync>;

/// Why something could not be read from AWS, or done there. Its `Display` does not change when the
/// same call fails again in the same way; the request id is for logs.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AwsError {
    /// AWS answered with an error.
    #[error("{call} failed: {refusal}{}", lacking(.call, .refusal))]
    Refused { call: Box<Call>, refusal: Box<Refusal>, source: Cause },
    /// An answer came that can't be read.
    #[error("{call} failed: the answer (HTTP status {status}) could not be read: {}", chain(.source.as_ref()))]
    Unreadable { call: Box<Call>, status: u16, source: Cause },
    /// The answer lacks a field, or holds one that makes no sense.
    #[error("{call} failed: the answer has no usable {field}")]
    Malformed { call: Box<Call>, field: &'static str },
    #[error("{call} failed: no answer in time: {}", chain(.source.as_ref()))]
    TimedOut { call: Box<Call>, source: Cause },
    #[error("{call} failed: AWS could not be reached: {}", chain(.source.as_ref()))]
    Unreachable { call: Box<Call>, source: Cause },
    /// The SDK could not make a request of it.
    #[error("{call} failed: the request could not be made: {}", chain(.source.as_ref()))]
    Unsent { call: Box<Call>, source: Cause },
    #[error("{call} failed: no usable AWS credentials, give the controller a role: {}", chain(.source.as_ref()))]
    NoCredentials { call: Box<Call>, source: Cause },
    /// There is no AWS, but a snapshot of it that does not say.
    #[error("{call} failed: {source}")]
    Unanswered { call: Box<Call>, source: Unanswered },
    #[error(
        "no role is configured for account {account}: the controller works in its own account {home}; start it with \
         --account-role {account}=arn:aws:iam::{account}:role/NAME, or with this in SGBIND_ACCOUNT_ROLE"
    )]
    NoRole { account: AccountId, home: AccountId },
    #[error("no AWS Region is configured: set AWS_REGION, or a region in the AWS profile")]
    NoRegion,
}

impl AwsError {
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Refused { refusal, .. } => classify(refusal.status, refusal.code.as_deref()),
            Self::NoCredentials { .. } | Self::NoRole { .. } => ErrorClass::Denied,
            Self::Unsent { .. } | Self::Unanswered { .. } | Self::NoRegion => ErrorClass::Invalid,
            Self::Unreadable { .. } | Self::Malformed { .. } | Self::TimedOut { .. } | Self::Unreachable { .. } => {
                ErrorClass::Transient
            }
        }
    }

    /// The call that failed, if one was made.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Refused { call, .. }
            | Self::Unreadable { call, .. }
            | Self::Malformed { call, .. }
            | Self::TimedOut { call, .. }
            | Self::Unreachable { call, .. }
            | Self::Unsent { call, .. }
            | Self::Unanswered { call, .. }
            | Self::NoCredentials { call, .. } => Some(call),
            Self::NoRole { .. } | Self::NoRegion => None,
        }
    }

    /// AWS's error code.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { refusal, .. } => refusal.code.as_deref(),
            _ => None,
        }
    }

    /// By which AWS's support finds the call.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused { refusal, .. } => refusal.request_id.as_deref(),
            _ => None,
        }
    }
}

impl Call {
    pub(super) fn malformed(&self, field: &'static str) -> AwsError {
        AwsError::Malformed { call: Box::new(self.clone()), field }
    }

    /// The call by which a role is assumed.
    fn assuming(role: &AccountRole) -> Self {
        let resource = format!("account {} with the role {}", role.account(), role.arn());
        Self { service: "sts", action: ASSUME_ROLE, scope: None, role: None, resource }
    }

    /// Makes an error of ours of the SDK's.
    pub(super) fn failed<E>(&self, error: SdkError<E>) -> AwsError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let error = Arc::new(error);
        self.judge(&error, error.clone())
    }

    /// `source` is the error, or one that was caused by it.
    fn judge<E>(&self, error: &SdkError<E>, source: Cause) -> AwsError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        if let Some(source) = causes(error).find_map(|cause| cause.downcast_ref::<Unanswered>()) {
            return AwsError::Unanswered { call: Box::new(self.clone()), source: source.clone() };
        }
        // The call was not made, for want of credentials. Why a role could not be assumed is told as of any call.
        match (has_credentials_error(error), &self.role, assume_role_error(error)) {
            (true, Some(role), Some(cause)) => return Self::assuming(role).judge(cause, source),
            (true, ..) => return AwsError::NoCredentials { call: Box::new(self.clone()), source },
            (false, ..) => {}
        }
        let call = Box::new(self.clone());
        match error {
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                if (200..300).contains(&status) {
                    return AwsError::Unreadable { call, status, source };
                }
                let refusal = Box::new(Refusal {
                    status,
                    code: answer.err().code().map(str::to_owned),
                    message: answer.err().message().map(str::to_owned),
                    request_id: answer.err().meta().request_id().or(error.request_id()).map(str::to_owned),
                });
                AwsError::Refused { call, refusal, source }
            }
            SdkError::ResponseError(answer) => {
                let status = answer.raw().status().as_u16();
                AwsError::Unreadable { call, status, source }
            }
            SdkError::TimeoutError(_) => AwsError::TimedOut { call, source },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => AwsError::TimedOut { call, source },
            SdkError::ConstructionFailure(_) => AwsError::Unsent { call, source },
            _ => AwsError::Unreachable { call, source },
        }
    }
}

/// Codes that mean that the role may not do it, unlike those that mean that nobody is logged in.
const UNPERMITTED: [&str; 3] = ["UnauthorizedOperation", "AccessDenied", "AccessDeniedException"];

const ASSUME_ROLE: &str = "AssumeRole";

/// What to do about a denial.
fn lacking(call: &Call, refusal: &Refusal) -> String {
    let who = call.role.as_ref().map_or("the controller's role".to_owned(), |role| format!("the role {}", role.arn()));
    match (classify(refusal.status, refusal.code.as_deref()), refusal.code.as_deref()) {
        (ErrorClass::Denied, Some(code)) if UNPERMITTED.contains(&code) && call.action == ASSUME_ROLE => {
            " (check that the role's trust policy names the controller's role, and that the controller's role may call \
             sts:AssumeRole on it)"
                .to_owned()
        }
        (ErrorClass::Denied, Some(code)) if UNPERMITTED.contains(&code) => {
            let own = format!("{}:{}", call.service, call.action);
            let named = refusal.message.as_deref().and_then(action_in).unwrap_or(&own);
            format!(" ({who} lacks the IAM action {named})")
        }
        (ErrorClass::Denied, _) => match &call.role {
            Some(role) => format!(" (AWS does not accept the credentials of the role {})", role.arn()),
            None => " (AWS does not accept the controller's credentials)".to_owned(),
        },
        _ => String::new(),
    }
}

/// The action in AWS's "… is not authorized to perform: ec2:CreateTags on resource: …": with tags given,
/// Authorize needs a second one.
fn action_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    rest.split_whitespace().next().filter(|action| action.contains(':'))
}

/// An error's causes in a line. The SDK's own `Display` names the outermost only. Where a role could not be assumed, the
/// causes of that.
fn chain(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = assume_role_error(error).map_or(error.source(), Error::source);
    while let Some(cause) = next {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = cause.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

/// An error and its causes, the outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Whether a call failed because no credentials could be had.
fn has_credentials_error(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .any(|cause| came_from(|provider: &'static SharedCredentialsProvider| provider.provide_credentials(), cause))
}

/// Why a role could not be assumed, for which a call lacked credentials.
fn assume_role_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a SdkError<AssumeRoleError>> {
    causes(error).skip(1).find_map(|cause| cause.downcast_ref())
}

/// Whether an error is of the type with which credential providers fail. The SDK exports the providers'
/// trait but not the error's name, so it is inferred.
fn came_from<F, E>(_provide: impl Fn(&'static SharedCredentialsProvider) -> F, error: &(dyn Error + 'static)) -> bool
where
    F: Future<Output = Result<Credentials, E>>,
    E: Error + 'static,
{
    error.is::<E>()
}
