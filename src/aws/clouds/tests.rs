use super::*;
use crate::aws::ErrorClass;
use crate::aws::pacing::Share;
use crate::aws::testing::{Answer, Form, Seen, configured, nobody};
use crate::telemetry::metrics::Metrics;

const HOME: &str = "111111111111";
const OTHER: &str = "222222222222";
const ROLE: &str = "arn:aws:iam::222222222222:role/teams/sgbind";

fn scope(account: &str, region: &str) -> Scope {
    Scope { account: account.into(), region: region.into() }
}

fn roles(roles: &[&str]) -> AccountRoles {
    AccountRoles::new(roles.iter().map(|role| role.parse().unwrap())).unwrap()
}

fn pacer() -> Pacer {
    Pacer::new(Share::default(), Arc::new(Metrics::new()))
}

async fn clouds_of(config: SdkConfig, given: &[&str]) -> Clouds {
    let clouds = Clouds::new(config, scope(HOME, "eu-central-1"), pacer());
    clouds.with_roles(&roles(given), &"prod".parse().unwrap()).await
}

async fn clouds(answer: impl Fn(&Form) -> Answer + Send + Sync + 'static, given: &[&str]) -> (Clouds, Seen) {
    let (config, seen) = configured(answer);
    (clouds_of(config, given).await, seen)
}

/// What STS answers to one whom a role's trust policy names.
fn assumed(key: &str) -> Answer {
    let credentials = format!(
        "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
         <SessionToken>token</SessionToken><Expiration>2099-12-31T23:59:59Z</Expiration></Credentials>"
    );
    let user = "<AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId>\
                <Arn>arn:aws:sts::222222222222:assumed-role/sgbind/s</Arn></AssumedRoleUser>";
    Answer::elb("AssumeRole", &format!("{credentials}{user}"))
}

fn sts_error(status: u16, code: &str, message: &str) -> Answer {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    Answer::Body(status, format!("<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>"))
}

fn nothing(form: &Form) -> Answer {
    match form["Action"].as_str() {
        "DescribeManagedPrefixLists" => Answer::ec2("DescribeManagedPrefixLists", "<prefixListSet/>"),
        other => Answer::elb(other, "<LoadBalancers/>"),
    }
}

/// Asks EC2 something.
async fn ask(clouds: &Clouds, account: &str, region: &str) -> Result<(), AwsError> {
    clouds.scope(&scope(account, region))?.prefix_lists_by_id(&["pl-1".into()].into()).await.map(drop)
}

#[tokio::test]
async fn one_cloud_for_each_scope_of_the_own_account() {
    let (clouds, _) = clouds(nothing, &[]).await;
    let home = clouds.scope(clouds.home()).unwrap();
    assert!(Arc::ptr_eq(&home, &clouds.scope(clouds.home()).unwrap()));
    let away = scope(HOME, "us-east-1");
    assert_eq!(*clouds.scope(&away).unwrap().scope(), away);
}

#[tokio::test]
async fn an_account_without_a_role_is_refused_and_the_flag_named() {
    let (clouds, seen) = clouds(nothing, &["333333333333=arn:aws:iam::333333333333:role/sgbind"]).await;
    let error = clouds.scope(&scope(OTHER, "us-east-1")).err().unwrap();
    assert_eq!(error.class(), ErrorClass::Denied);
    assert_eq!(
        error.to_string(),
        "no role is configured for account 222222222222: the controller works in its own account 111111111111; start it \
         with --account-role 222222222222=arn:aws:iam::222222222222:role/NAME, or with this in SGBIND_ACCOUNT_ROLE"
    );
    assert_eq!(seen.signed(), [""; 0]);
}

#[tokio::test]
async fn a_role_is_assumed_once_for_all_regions_and_services_when_it_is_needed() {
    let answer = |form: &Form| if form["Action"] == "AssumeRole" { assumed("ASIA2") } else { nothing(form) };
    let (clouds, seen) = clouds(answer, &[&format!("{OTHER}={ROLE}")]).await;
    let abroad = clouds.scope(&scope(OTHER, "us-east-1")).unwrap();
    ask(&clouds, HOME, "eu-central-1").await.unwrap();
    assert_eq!(seen.signed(), ["DescribeManagedPrefixLists AKIDEXAMPLE eu-central-1"]);
    ask(&clouds, OTHER, "us-east-1").await.unwrap();
    ask(&clouds, OTHER, "eu-west-1").await.unwrap();
    abroad.load_balancer_by_name("shop").await.unwrap();
    assert_eq!(
        seen.signed()[1..],
        [
            "AssumeRole AKIDEXAMPLE eu-central-1",
            "DescribeManagedPrefixLists ASIA2 us-east-1",
            "DescribeManagedPrefixLists ASIA2 eu-west-1",
            "DescribeLoadBalancers ASIA2 us-east-1",
        ]
    );
    let asked = &seen.all()[1];
    assert_eq!((asked["RoleArn"].as_str(), asked["RoleSessionName"].as_str()), (ROLE, "sgbind-prod"));
}

#[tokio::test]
async fn a_role_for_the_own_account_is_assumed_too() {
    let answer = |form: &Form| if form["Action"] == "AssumeRole" { assumed("ASIA1") } else { nothing(form) };
    let (clouds, seen) = clouds(answer, &["111111111111=arn:aws:iam::111111111111:role/sgbind"]).await;
    ask(&clouds, HOME, "eu-central-1").await.unwrap();
    assert_eq!(seen.signed(), ["AssumeRole AKIDEXAMPLE eu-central-1", "DescribeManagedPrefixLists ASIA1 eu-central-1"]);
}

#[tokio::test]
async fn a_session_is_called_after_the_cluster_as_far_as_sts_takes_it() {
    let answer = |form: &Form| if form["Action"] == "AssumeRole" { assumed("ASIA2") } else { nothing(form) };
    let (config, seen) = configured(answer);
    let cluster = "a".repeat(63).parse().unwrap();
    let clouds = Clouds::new(config, scope(HOME, "eu-central-1"), pacer());
    let clouds = clouds.with_roles(&roles(&[&format!("{OTHER}={ROLE}")]), &cluster).await;
    ask(&clouds, OTHER, "us-east-1").await.unwrap();
    assert_eq!(seen.all()[0]["RoleSessionName"], format!("sgbind-{}", "a".repeat(57)));
}

type Case = (fn() -> Answer, ErrorClass, &'static str, usize);

#[tokio::test]
async fn why_a_role_is_not_assumed_is_told_and_disturbs_no_other_account() {
    let cases: [Case; 6] = [
        (
            || {
                sts_error(
                    403,
                    "AccessDenied",
                    "User: one is not authorized to perform: sts:AssumeRole on resource: two",
                )
            },
            ErrorClass::Denied,
            "AccessDenied: User: one is not authorized to perform: sts:AssumeRole on resource: two (check that the role's \
             trust policy names the controller's role, and that the controller's role may call sts:AssumeRole on it)",
            1,
        ),
        (|| sts_error(400, "Throttling", "Rate exceeded"), ErrorClass::Throttled, "Throttling: Rate exceeded", 3),
        (
            || sts_error(403, "RegionDisabledException", "STS is not activated in this region"),
            ErrorClass::Denied,
            "RegionDisabledException: STS is not activated in this region (AWS does not accept the controller's \
             credentials)",
            1,
        ),
        (|| Answer::Timeout, ErrorClass::Transient, "no answer in time: timeout: too slow", 3),
        (
            || Answer::ConnectionRefused,
            ErrorClass::Transient,
            "AWS could not be reached: io error: connection refused",
            3,
        ),
        (|| Answer::Body(502, "<html>".into()), ErrorClass::Transient, "HTTP status 502", 3),
    ];
    for (answer, class, words, attempts) in cases {
        let answer = move |form: &Form| if form["Action"] == "AssumeRole" { answer() } else { nothing(form) };
        let (clouds, seen) = clouds(answer, &[&format!("{OTHER}={ROLE}")]).await;
        let error = ask(&clouds, OTHER, "us-east-1").await.unwrap_err();
        let start = "sts:AssumeRole for account 222222222222 with the role arn:aws:iam::222222222222:role/teams/sgbind failed: ";
        assert_eq!((error.class(), error.to_string()), (class, format!("{start}{words}")));
        assert_eq!(seen.signed(), vec!["AssumeRole AKIDEXAMPLE eu-central-1"; attempts]);
        ask(&clouds, HOME, "eu-central-1").await.unwrap();
    }
}

#[tokio::test]
async fn what_a_role_lacks_is_said_of_that_role() {
    let refused = |code: &'static str| {
        move |form: &Form| match form["Action"].as_str() {
            "AssumeRole" => assumed("ASIA2"),
            _ => Answer::ec2_error(403, code, "no"),
        }
    };
    for (code, words) in [
        (
            "UnauthorizedOperation",
            "(the role arn:aws:iam::222222222222:role/teams/sgbind lacks the IAM action ec2:DescribeManagedPrefixLists)",
        ),
        (
            "AuthFailure",
            "(AWS does not accept the credentials of the role arn:aws:iam::222222222222:role/teams/sgbind)",
        ),
    ] {
        let (clouds, _) = clouds(refused(code), &[&format!("{OTHER}={ROLE}")]).await;
        let error = ask(&clouds, OTHER, "us-east-1").await.unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "ec2:DescribeManagedPrefixLists for prefix lists in 222222222222/us-east-1 failed: {code}: no {words}"
            )
        );
    }
}

#[tokio::test]
async fn a_role_is_not_assumed_by_nobody() {
    let (config, seen) = configured(nothing);
    let config = config.to_builder().credentials_provider(nobody()).build();
    let clouds = clouds_of(config, &[&format!("{OTHER}={ROLE}")]).await;
    let error = ask(&clouds, OTHER, "us-east-1").await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Denied);
    let start = "sts:AssumeRole for account 222222222222 with the role arn:aws:iam::222222222222:role/teams/sgbind failed: \
                 no usable AWS credentials, give the controller a role: ";
    assert!(error.to_string().starts_with(start), "{error}");
    assert_eq!(seen.signed(), [""; 0]);
}
