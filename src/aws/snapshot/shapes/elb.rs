//! Elastic Load Balancing, version 2015-12-01.

use super::{ec2_structures, elb_structures, shape};

elb_structures! {
    LOAD_BALANCER_STATE { Code: text, Reason: text }
    LOAD_BALANCER_ADDRESS { IpAddress: text, AllocationId: text, PrivateIPv4Address: text, IPv6Address: text }
    AVAILABILITY_ZONE {
        ZoneName: text, SubnetId: text, OutpostId: text, LoadBalancerAddresses: [LOAD_BALANCER_ADDRESS],
        SourceNatIpv6Prefixes: [text],
    }
    IPAM_POOLS { Ipv4IpamPoolId: text }
    LOAD_BALANCER {
        LoadBalancerArn: text, DNSName: text, CanonicalHostedZoneId: text, CreatedTime: text, LoadBalancerName: text,
        Scheme: text, VpcId: text, State: LOAD_BALANCER_STATE, Type: text, AvailabilityZones: [AVAILABILITY_ZONE],
        SecurityGroups: [text], IpAddressType: text, CustomerOwnedIpv4Pool: text,
        EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: text, EnablePrefixForIpv6SourceNat: text,
        IpamPools: IPAM_POOLS,
    }
    CERTIFICATE { CertificateArn: text, IsDefault: truth }
    AUTHENTICATE_OIDC_ACTION_CONFIG {
        Issuer: text, AuthorizationEndpoint: text, TokenEndpoint: text, UserInfoEndpoint: text, ClientId: text,
        SessionCookieName: text, Scope: text, SessionTimeout: number, OnUnauthenticatedRequest: text,
    }
    AUTHENTICATE_COGNITO_ACTION_CONFIG {
        UserPoolArn: text, UserPoolClientId: text, UserPoolDomain: text, SessionCookieName: text, Scope: text,
        SessionTimeout: number, OnUnauthenticatedRequest: text,
    }
    REDIRECT_ACTION_CONFIG { Protocol: text, Port: text, Host: text, Path: text, Query: text, StatusCode: text }
    FIXED_RESPONSE_ACTION_CONFIG { StatusCode: text, ContentType: text, MessageBody: text }
    TARGET_GROUP_TUPLE { TargetGroupArn: text, Weight: number }
    TARGET_GROUP_STICKINESS_CONFIG { Enabled: truth, DurationSeconds: number }
    FORWARD_ACTION_CONFIG {
        TargetGroups: [TARGET_GROUP_TUPLE], TargetGroupStickinessConfig: TARGET_GROUP_STICKINESS_CONFIG,
    }
    JWT_VALIDATION_ACTION_ADDITIONAL_CLAIM { Format: text, Name: text, Values: [text] }
    JWT_VALIDATION_ACTION_CONFIG {
        JwksEndpoint: text, Issuer: text, AdditionalClaims: [JWT_VALIDATION_ACTION_ADDITIONAL_CLAIM],
    }
    ACTION {
        Type: text, TargetGroupArn: text, AuthenticateOidcConfig: AUTHENTICATE_OIDC_ACTION_CONFIG,
        AuthenticateCognitoConfig: AUTHENTICATE_COGNITO_ACTION_CONFIG, Order: number,
        RedirectConfig: REDIRECT_ACTION_CONFIG, FixedResponseConfig: FIXED_RESPONSE_ACTION_CONFIG,
        ForwardConfig: FORWARD_ACTION_CONFIG, JwtValidationConfig: JWT_VALIDATION_ACTION_CONFIG,
    }
    MUTUAL_AUTHENTICATION_ATTRIBUTES {
        Mode: text, TrustStoreArn: text, IgnoreClientCertificateExpiry: truth, TrustStoreAssociationStatus: text,
        AdvertiseTrustStoreCaNames: text,
    }
    LISTENER {
        ListenerArn: text, LoadBalancerArn: text, Port: number, Protocol: text, Certificates: [CERTIFICATE],
        SslPolicy: text, DefaultActions: [ACTION], AlpnPolicy: [text],
        MutualAuthentication: MUTUAL_AUTHENTICATION_ATTRIBUTES,
    }
    HOST_HEADER_CONDITION_CONFIG { Values: [text], RegexValues: [text] }
    PATH_PATTERN_CONDITION_CONFIG { Values: [text], RegexValues: [text] }
    HTTP_HEADER_CONDITION_CONFIG { HttpHeaderName: text, Values: [text], RegexValues: [text] }
    QUERY_STRING_KEY_VALUE_PAIR { Key: text, Value: text }
    QUERY_STRING_CONDITION_CONFIG { Values: [QUERY_STRING_KEY_VALUE_PAIR] }
    HTTP_REQUEST_METHOD_CONDITION_CONFIG { Values: [text] }
    SOURCE_IP_CONDITION_CONFIG { Values: [text], IpAddressType: text }
    RULE_CONDITION {
        Field: text, Values: [text], HostHeaderConfig: HOST_HEADER_CONDITION_CONFIG,
        PathPatternConfig: PATH_PATTERN_CONDITION_CONFIG, HttpHeaderConfig: HTTP_HEADER_CONDITION_CONFIG,
        QueryStringConfig: QUERY_STRING_CONDITION_CONFIG,
        HttpRequestMethodConfig: HTTP_REQUEST_METHOD_CONDITION_CONFIG, SourceIpConfig: SOURCE_IP_CONDITION_CONFIG,
        RegexValues: [text],
    }
    RULE { RuleArn: text, Priority: text, Conditions: [RULE_CONDITION], Actions: [ACTION], IsDefault: truth }
    MATCHER { HttpCode: text, GrpcCode: text }
    TARGET_GROUP {
        TargetGroupArn: text, TargetGroupName: text, Protocol: text, Port: number, VpcId: text,
        HealthCheckProtocol: text, HealthCheckPort: text, HealthCheckEnabled: truth,
        HealthCheckIntervalSeconds: number, HealthCheckTimeoutSeconds: number, HealthyThresholdCount: number,
        UnhealthyThresholdCount: number, HealthCheckPath: text, Matcher: MATCHER, LoadBalancerArns: [text],
        TargetType: text, ProtocolVersion: text, IpAddressType: text, TargetControlPort: number,
    }
    TARGET_DESCRIPTION { Id: text, Port: number, AvailabilityZone: text, QuicServerId: text }
    TARGET_HEALTH { State: text, Reason: text, Description: text }
    ANOMALY_DETECTION { Result: text, MitigationInEffect: text }
    ADMINISTRATIVE_OVERRIDE { State: text, Reason: text, Description: text }
    TARGET_HEALTH_DESCRIPTION {
        Target: TARGET_DESCRIPTION, HealthCheckPort: text, TargetHealth: TARGET_HEALTH,
        AnomalyDetection: ANOMALY_DETECTION, AdministrativeOverride: ADMINISTRATIVE_OVERRIDE,
    }
    LOAD_BALANCER_ATTRIBUTE { Key: text, Value: text }
    TAG { Key: text, Value: text }
    TAG_DESCRIPTION { ResourceArn: text, Tags: [TAG] }
}
