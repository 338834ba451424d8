//! AWS's error codes and their classes.

use super::ErrorClass;

/// The one table of error codes. A code that is not here is judged by its ending, then by the status.
///
/// Sources: "Error codes for the Amazon EC2 API" in the EC2 API reference, "Common Errors" in the
/// Elastic Load Balancing API reference (version 2015-12-01) and in the STS API reference; `GetServiceQuota` in the
/// Service Quotas API reference.
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
    (ErrorClass::NotFound, &["NoSuchEntity", "NoSuchResourceException", "ResourceNotFoundException"]),
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

/// What follows from an answer of this HTTP status, with this code.
pub(super) fn classify(status: u16, code: Option<&str>) -> ErrorClass {
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
