//! The commands are run as they stand, by the AWS CLI of the stand-in's virtual environment.

use std::env;
use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::world::{World, aws};

/// Runs a script to its end, as a person with this world's credentials would.
pub async fn run(world: &World, script: &str) {
    let python = env::var("SGBIND_TEST_PYTHON").expect("make test says which");
    let tools = Path::new(&python).parent().expect("it is in a folder").display().to_string();
    let mut child = Command::new("sh")
        .arg("-eu")
        .env_clear()
        .env("PATH", format!("{tools}:/usr/bin:/bin"))
        .env("AWS_ENDPOINT_URL", world.aws.url())
        .env("AWS_ACCESS_KEY_ID", aws::KEY)
        .env("AWS_SECRET_ACCESS_KEY", aws::SECRET)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).await.expect("it is read");
    let output = child.wait_with_output().await.expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", world.named(script));
}
