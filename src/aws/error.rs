use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_ec2::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_types::request_id::RequestId;

use crate::model::{AccountId, Scope};

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
    #[error("no role is configured for account {account}: the controller works in its own account {home}")]
    NoRole { account: AccountId, home: AccountId },
    #[error("no AWS Region is configured: set AWS_REGION, or a region in the AWS profile")]
    NoRegion,
}

impl AwsError {
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Refused { refusal, .. } => classify(refusal.status, refusal.code.as_deref()),
            Self::NoCredentials { .. } | Self::NoRole { .. } => ErrorClass::Denied,
            Self::Unsent { .. } | Self::NoRegion => ErrorClass::Invalid,
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

    /// Makes an error of ours of the SDK's.
    pub(super) fn failed<E>(&self, error: SdkError<E>) -> AwsError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let call = Box::new(self.clone());
        if find_credentials_error(&error) {
            return AwsError::NoCredentials { call, source: Arc::new(error) };
        }
        match &error {
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                if (200..300).contains(&status) {
                    return AwsError::Unreadable { call, status, source: Arc::new(error) };
                }
                let refusal = Box::new(Refusal {
                    status,
                    code: answer.err().code().map(str::to_owned),
                    message: answer.err().message().map(str::to_owned),
                    request_id: answer.err().meta().request_id().or(error.request_id()).map(str::to_owned),
                });
                AwsError::Refused { call, refusal, source: Arc::new(error) }
            }
            SdkError::ResponseError(answer) => {
                let status = answer.raw().status().as_u16();
                AwsError::Unreadable { call, status, source: Arc::new(error) }
            }
            SdkError::TimeoutError(_) => AwsError::TimedOut { call, source: Arc::new(error) },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                AwsError::TimedOut { call, source: Arc::new(error) }
            }
            SdkError::ConstructionFailure(_) => AwsError::Unsent { call, source: Arc::new(error) },
            _ => AwsError::Unreachable { call, source: Arc::new(error) },
        }
    }
}

/// The one table of error codes. A code that is not here is judged by its ending, then by the status.
///
/// Sources: "Error codes for the Amazon EC2 API" in the EC2 API reference, "Common Errors" in the
/// Elastic Load Balancing API reference (version 2015-12-01) and in the STS API reference.
const CODES: [(ErrorClass, &[&str]); 6] = [
    (
        ErrorClass::Throttled,
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "RequestLimitExceeded",
            "TooManyRequestsException",
            "EC2ThrottledException",
            "BandwidthLimitExceeded",
            "SlowDown",
        ],
    ),
    (
        ErrorClass::Denied,
        &[
            "UnauthorizedOperation",
            "AccessDenied",
            "AccessDeniedException",
            "NotAuthorized",
            "AuthFailure",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "ExpiredToken",
            "ExpiredTokenException",
            "TokenRefreshRequired",
            "MissingAuthenticationToken",
            "IncompleteSignature",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "RequestExpired",
            "OptInRequired",
            "PendingVerification",
            "Blocked",
            "RegionDisabledException",
        ],
    ),
    (ErrorClass::Quota, &["TooManyTags", "TooManyRules", "TooManyTargets", "ResourceLimitExceeded"]),
    (ErrorClass::NotFound, &["NoSuchEntity", "ResourceNotFoundException"]),
    (
        ErrorClass::Invalid,
        &["InvalidParameterValue", "InvalidParameterCombination", "ValidationError", "MalformedQueryString"],
    ),
    (
        ErrorClass::Transient,
        &[
            "ServiceUnavailable",
            "Unavailable",
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "ServerInternal",
            "RequestTimeout",
            "RequestTimeoutException",
            "IncorrectState",
            "PriorRequestNotComplete",
            "ConcurrentTagAccess",
        ],
    ),
];

/// Endings that families of codes share, such as `InvalidGroup.NotFound` and `TargetGroupNotFound`.
const ENDINGS: [(&str, ErrorClass); 3] =
    [("LimitExceeded", ErrorClass::Quota), ("NotFound", ErrorClass::NotFound), (".Duplicate", ErrorClass::Duplicate)];

fn classify(status: u16, code: Option<&str>) -> ErrorClass {
    let known = |code: &str| {
        let listed = CODES.iter().find(|(_, codes)| codes.contains(&code)).map(|(class, _)| *class);
        listed.or_else(|| ENDINGS.iter().find(|(ending, _)| code.ends_with(ending)).map(|(_, class)| *class))
    };
    code.and_then(known).unwrap_or(match (status, code) {
        (429, _) => ErrorClass::Throttled,
        (401 | 403, _) => ErrorClass::Denied,
        (400..500, Some(_)) => ErrorClass::Invalid,
        // Without a code it was not AWS that answered, but something on the way.
        _ => ErrorClass::Transient,
    })
}

/// Codes that mean that the role may not do it, unlike those that mean that nobody is logged in.
const UNPERMITTED: [&str; 3] = ["UnauthorizedOperation", "AccessDenied", "AccessDeniedException"];

/// What to do about a denial.
fn lacking(call: &Call, refusal: &Refusal) -> String {
    match (classify(refusal.status, refusal.code.as_deref()), refusal.code.as_deref()) {
        (ErrorClass::Denied, Some(code)) if UNPERMITTED.contains(&code) => {
            let own = format!("{}:{}", call.service, call.action);
            let named = refusal.message.as_deref().and_then(action_in).unwrap_or(&own);
            format!(" (the controller's role lacks the IAM action {named})")
        }
        (ErrorClass::Denied, _) => " (AWS does not accept the controller's credentials)".to_owned(),
        _ => String::new(),
    }
}

/// The action in AWS's "… is not authorized to perform: ec2:CreateTags on resource: …": with tags given,
/// Authorize needs a second one.
fn action_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    rest.split_whitespace().next().filter(|action| action.contains(':'))
}

/// An error's causes in a line. The SDK's own `Display` names the outermost only.
fn chain(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = cause.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

/// Whether a call failed because no credentials could be had.
fn find_credentials_error(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if came_from(|provider: &'static SharedCredentialsProvider| provider.provide_credentials(), cause) {
            return true;
        }
        next = cause.source();
    }
    false
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_by_code_ending_and_status() {
        use ErrorClass::{Denied, Duplicate, Invalid, NotFound, Quota, Throttled, Transient};
        let table = [
            (503, Some("RequestLimitExceeded"), Throttled),
            (400, Some("Throttling"), Throttled),
            (429, None, Throttled),
            (403, Some("UnauthorizedOperation"), Denied),
            (401, Some("AuthFailure"), Denied),
            (400, Some("ExpiredToken"), Denied),
            (400, Some("OptInRequired"), Denied),
            (403, None, Denied),
            (400, Some("RulesPerSecurityGroupLimitExceeded"), Quota),
            (400, Some("SecurityGroupsPerInterfaceLimitExceeded"), Quota),
            (400, Some("InvalidGroup.NotFound"), NotFound),
            (400, Some("InvalidPermission.NotFound"), NotFound),
            (400, Some("InvalidSecurityGroupRuleId.NotFound"), NotFound),
            (400, Some("LoadBalancerNotFound"), NotFound),
            (400, Some("TargetGroupNotFound"), NotFound),
            (400, Some("InvalidPermission.Duplicate"), Duplicate),
            (400, Some("InvalidParameterValue"), Invalid),
            (400, Some("InvalidGroupId.Malformed"), Invalid),
            (400, Some("DependencyViolation"), Invalid),
            (503, Some("ServiceUnavailable"), Transient),
            (500, Some("InternalError"), Transient),
            (502, None, Transient),
            // A proxy's page must not read as "it is gone".
            (404, None, Transient),
            (400, None, Transient),
        ];
        for (status, code, class) in table {
            assert_eq!(classify(status, code), class, "{status} {code:?}");
        }
    }

    #[test]
    fn no_code_is_listed_twice() {
        let all: Vec<&str> = CODES.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        let distinct: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), distinct.len());
    }
}
