//! Runs the binary's verbs as a person would, against the world of a test.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::control_plane;
use crate::proxy::Proxy;
use crate::world::{World, aws};

/// What a command came to, with names in place of ids.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
    /// Standard output with the ids that AWS has given.
    pub raw: String,
}

impl Run {
    /// What was printed, where the command ended so.
    pub fn printed(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.out
    }
}

/// A folder of a test with files for `-f`.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    pub fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    pub fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.0.path().join(name), text).expect("a file");
        self
    }

    pub fn remove(&self, name: &str) -> &Self {
        fs::remove_file(self.0.path().join(name)).expect("a file that is there");
        self
    }
}

/// A document of ours in no namespace.
pub fn document(kind: &str, name: &str, spec: &str) -> String {
    let spec: String = spec.trim().lines().map(|line| format!("  {line}\n")).collect();
    format!("apiVersion: sgbind.dev/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{spec}")
}

pub fn binding(name: &str, spec: &str) -> String {
    document("ALBTargetBinding", name, spec)
}

impl World {
    /// A command of ours that knows this world's AWS, API server and cluster name. Objects without a namespace are in the
    /// world's.
    pub async fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sgbind"));
        command
            .args(arguments)
            .env_clear()
            .env("KUBECONFIG", control_plane::kubeconfig().await)
            .env("SGBIND_CLUSTER_NAME", self.cluster())
            .env("AWS_ENDPOINT_URL", self.aws.url())
            .env("AWS_ACCESS_KEY_ID", aws::KEY)
            .env("AWS_SECRET_ACCESS_KEY", aws::SECRET)
            .env("AWS_REGION", &self.aws.region)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end, with this on its standard input.
    pub async fn run_with(&self, arguments: &[&str], stdin: &str) -> Run {
        self.ended(self.command(arguments).await, stdin).await
    }

    /// Runs a command to its end.
    pub async fn ended(&self, mut command: Command, stdin: &str) -> Run {
        let stdin = stdin.to_owned();
        let run = spawn_blocking(move || {
            let mut child = command.spawn().expect("the binary starts");
            // Who ends early does not read it.
            let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
            child.wait_with_output().expect("it ends")
        });
        self.told(run.await.expect("no panic"))
    }

    /// What an ended process has told.
    pub fn told(&self, output: Output) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let raw = text(output.stdout);
        let (out, err) = (self.named(raw.clone()), self.named(text(output.stderr)));
        Run { code: output.status.code().unwrap_or(-1), out, err, raw }
    }

    /// Runs it with calls to AWS that pass through a proxy.
    pub async fn through(&self, proxy: &Proxy, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments).await;
        command.env("AWS_ENDPOINT_URL", proxy.url());
        self.ended(command, "").await
    }

    /// Starts it with calls that pass through a proxy.
    pub async fn started(&self, proxy: &Proxy, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments).await;
        command.env("AWS_ENDPOINT_URL", proxy.url()).stdin(Stdio::null()).spawn().expect("the binary starts")
    }

    pub async fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "").await
    }

    /// Runs a verb on objects of the world's namespace, in these files or folders.
    pub async fn verb(&self, verb: &str, path: &str, arguments: &[&str]) -> Run {
        let all = [&[verb, "-f", path, "--namespace", self.namespace()][..], arguments].concat();
        self.run(&all).await
    }
}
