//! The controller as a process: the real binary, with its own log.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{World, aws};
use crate::role;

/// So short that tests are quick, and so long that what is to be kept is seen to be kept.
const RESYNC: Duration = Duration::from_secs(1);
pub const REVOCATION_DELAY: Duration = Duration::from_secs(8);

/// A running controller. It is killed when this is dropped, or when the tests are.
pub struct Controller {
    child: Child,
    /// Kills the controller when its standard input ends: with this process.
    guard: Child,
    address: SocketAddr,
}

/// Kills a process when the guard's standard input ends.
pub fn guard(process: u32) -> Child {
    Command::new("sh")
        .args(["-c", "read -r _; kill -9 \"$1\"", "guard", &process.to_string()])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts")
}

/// As whom the controller asks the API server: as the service account that `deploy/` gives it, so that a missing
/// permission fails a test.
async fn controller_kubeconfig(namespace: &str) -> PathBuf {
    role::service_account_kubeconfig(namespace).await
}

impl World {
    /// Starts the controller, with these arguments beside the usual ones, or in their place.
    pub async fn controller(&self, arguments: &[&str]) -> Controller {
        let log = self.new_log();
        let file = File::create(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let seconds = |duration: Duration| format!("{}s", duration.as_secs());
        let (resync, delay) = (seconds(RESYNC), seconds(REVOCATION_DELAY));
        let usual = [
            ("--cluster-name", self.cluster()),
            ("--watch-namespace", self.namespace()),
            ("--namespace", self.namespace()),
            ("--http-address", "127.0.0.1:0"),
            ("--resync", &resync),
            ("--rediscover", "2s"),
            ("--revocation-delay", &delay),
            ("--gone-after", "5s"),
            ("--log-format", "text"),
            ("--log-level", "info,sgbind=debug"),
        ];
        let usual = usual.into_iter().filter(|(name, _)| !arguments.contains(name));
        let mut child = Command::new(env!("CARGO_BIN_EXE_sgbind"))
            .arg("controller")
            .args(usual.flat_map(|(name, value)| [name, value]))
            .args(arguments)
            .env_clear()
            .env("KUBECONFIG", controller_kubeconfig(self.namespace()).await)
            .env("AWS_ENDPOINT_URL", self.aws.url())
            .env("AWS_ACCESS_KEY_ID", aws::KEY)
            .env("AWS_SECRET_ACCESS_KEY", aws::SECRET)
            .env("AWS_REGION", aws::REGION)
            .envs(self.defect.iter().map(|defect| ("SGBIND_DEFECT", &defect.name)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the controller starts");
        let guard = guard(child.id());
        let deadline = self.deadline();
        while deadline.is_ahead().await {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let line = text.lines().find_map(|line| line.split_once("address=127.0.0.1:"));
            let port = line.and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
            if let Some(port) = port {
                return Controller { child, guard, address: SocketAddr::from(([127, 0, 0, 1], port)) };
            }
            if let Some(status) = child.try_wait().expect("a child") {
                panic!("the controller ended ({status}): {text}");
            }
        }
        panic!("the controller did not start")
    }
}

impl Controller {
    /// SIGTERM, and how it ended.
    pub async fn terminate(mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        for _ in 0..300 {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the controller did not stop within 30 s of SIGTERM")
    }

    /// SIGKILL.
    pub fn kill(self) {}

    /// Status code and body of what its endpoint answers.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.expect("the endpoint accepts");
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        (code, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        // The guard first: it must not kill another process that came by the same id.
        for child in [&mut self.guard, &mut self.child] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
