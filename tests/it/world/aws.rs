//! An AWS of one test's own: a moto process, and the SDK's clients onto it.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use tokio::task::spawn_blocking;

/// The Region of everything.
pub const REGION: &str = "eu-central-1";
/// Any credentials do.
pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "secret";

/// Ends with this process however that ends, because its standard input does.
pub struct Aws {
    server: Child,
    pub url: String,
    pub ec2: aws_sdk_ec2::Client,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
}

impl Aws {
    pub async fn start() -> Self {
        let (server, url) = spawn_blocking(launch).await.expect("the AWS stand-in starts");
        let ec2 = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new(KEY, SECRET, None, None, "tests"))
            .endpoint_url(&url)
            .build();
        let elb = aws_sdk_elasticloadbalancingv2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new(KEY, SECRET, None, None, "tests"))
            .endpoint_url(&url)
            .build();
        Self {
            server,
            url,
            ec2: aws_sdk_ec2::Client::from_conf(ec2),
            elb: aws_sdk_elasticloadbalancingv2::Client::from_conf(elb),
        }
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The AWS stand-in as a process, and where it answers.
pub fn launch() -> (Child, String) {
    let python = env::var_os("SGBIND_TEST_PYTHON").unwrap_or_else(|| {
        panic!(
            "this test needs the AWS stand-in: run `make test`, or set SGBIND_TEST_PYTHON to bin/python of the virtual \
             environment that tests/moto/setup.sh makes"
        )
    });
    let mut child = Command::new(&python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/launch.py"))
        .arg("--exit-on-stdin-eof")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("SGBIND_TEST_PYTHON={}: {error}", python.display()));
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line of text");
    let url = line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("the AWS stand-in did not start: {line:?}"));
    (child, url.to_owned())
}
