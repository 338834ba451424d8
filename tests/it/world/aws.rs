//! An AWS of one test's own, and the SDK's clients onto it: a moto process, or the simulation.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use aws_config::SdkConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_sts::Client as Sts;
use sgbind_sim::Simulation;
use sgbind_sim::serve::Server;
use tokio::task::spawn_blocking;

/// The Region of everything.
pub const REGION: &str = "eu-central-1";
/// Whose everything is.
pub const ACCOUNT: &str = "123456789012";
/// Any credentials do.
pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "secret";

pub struct Aws {
    process: Option<Moto>,
    server: Option<Server>,
    pub ec2: aws_sdk_ec2::Client,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    pub region: String,
    config: SdkConfig,
}

/// Ends with this process however that ends, because its standard input does.
struct Moto {
    server: Child,
    url: String,
}

impl Aws {
    /// A moto of its own that lacks these mends.
    pub async fn start_without(mends: &'static [&'static str]) -> Self {
        let (server, url) = spawn_blocking(|| launch_without(mends)).await.expect("the AWS stand-in starts");
        let config = config().endpoint_url(&url).build();
        Self { process: Some(Moto { server, url }), ..Self::configured(&config) }
    }

    /// The simulation, as the runtime of this test serves it.
    pub async fn served(simulation: &Simulation) -> Self {
        let server = simulation.aws.serve().await.expect("a port");
        let config = config().http_client(simulation.aws.http_client()).build();
        Self { server: Some(server), ..Self::configured(&config) }
    }

    /// Wherever the configuration leads.
    pub fn configured(config: &SdkConfig) -> Self {
        Self {
            process: None,
            server: None,
            ec2: aws_sdk_ec2::Client::new(config),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(config),
            region: config.region().map_or(REGION.into(), |region| region.as_ref().to_owned()),
            config: config.clone(),
        }
    }

    /// The same AWS in another Region.
    pub fn in_region(&self, region: &'static str) -> Self {
        Self::configured(&self.config.to_builder().region(Region::new(region)).build())
    }

    /// The same AWS, as whom this role is.
    pub async fn assuming(&self, role: &str) -> Self {
        let assumed = Sts::new(&self.config).assume_role().role_arn(role).role_session_name("tests").send().await;
        let given = assumed.expect("the role is assumed").credentials.expect("credentials");
        self.with_key(given.access_key_id, given.secret_access_key, Some(given.session_token))
    }

    /// The same AWS, as whom this key is.
    pub fn with_key(&self, key: String, secret: String, token: Option<String>) -> Self {
        let provider = SharedCredentialsProvider::new(Credentials::new(key, secret, token, None, "tests"));
        Self::configured(&self.config.to_builder().credentials_provider(provider).build())
    }

    /// Where a process of its own finds it.
    pub fn url(&self) -> String {
        let moto = self.process.as_ref().map(|moto| moto.url.clone());
        moto.or(self.server.as_ref().map(Server::url)).expect("an AWS that is served")
    }
}

/// Region and credentials that every stand-in takes.
pub fn config() -> aws_types::sdk_config::Builder {
    let credentials = Credentials::new(KEY, SECRET, None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The AWS stand-in as a process, and where it answers.
pub fn launch() -> (Child, String) {
    launch_without(&[])
}

fn launch_without(mends: &[&str]) -> (Child, String) {
    let python = env::var_os("SGBIND_TEST_PYTHON").unwrap_or_else(|| {
        panic!(
            "this test needs the AWS stand-in: run `make test`, or set SGBIND_TEST_PYTHON to bin/python of the virtual \
             environment that tests/moto/setup.sh makes"
        )
    });
    let mut child = Command::new(&python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/launch.py"))
        .arg("--exit-on-stdin-eof")
        .args(mends.iter().flat_map(|mend| ["--without", mend]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("SGBIND_TEST_PYTHON={}: {error}", python.display()));
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line of text");
    let url = line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("the AWS stand-in did not start: {line:?}"));
    (child, url.to_owned())
}
