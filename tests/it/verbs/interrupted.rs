//! A run that is killed or interrupted: the next one goes on from there.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::apply::given;
use super::stage::{Folder, Run, binding};
use crate::proxy::{Call, Effect, Fault, Proxy};
use crate::world::World;

const CLIENTS: &str = "ALB-SG in tcp 443 <- 0.0.0.0/0";

/// A run whose process gets a signal at a call.
struct Struck {
    pid: Arc<AtomicU32>,
    signal: &'static str,
}

impl Struck {
    fn by(signal: &'static str) -> Self {
        Self { pid: Arc::default(), signal }
    }

    /// Sends the signal, as soon as it is known to which process.
    fn hook(&self) -> Arc<dyn Fn(&Call) + Send + Sync> {
        let (pid, signal) = (Arc::clone(&self.pid), self.signal);
        Arc::new(move |_| {
            while pid.load(Ordering::SeqCst) == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            let pid = pid.load(Ordering::SeqCst).to_string();
            let sent = Command::new("kill").args(["-s", signal, &pid]).status();
            assert!(sent.expect("kill runs").success());
            // Until it has arrived.
            std::thread::sleep(Duration::from_millis(200));
        })
    }

    async fn run(&self, world: &World, proxy: &Proxy, folder: &Folder) -> (Run, Option<i32>) {
        let arguments = ["apply", "--yes", "-f", &folder.path(), "--namespace", world.namespace()];
        let child: Child = world.started(proxy, &arguments).await;
        self.pid.store(child.id(), Ordering::SeqCst);
        let output = spawn_blocking(move || child.wait_with_output().expect("it ends")).await.expect("no panic");
        let signal = output.status.signal();
        (world.told(output), signal)
    }
}

fn on_port(port: u16) -> String {
    let target_group = format!("{{name: app, ref: {{name: app}}, ports: [{port}], healthCheckPort: {port}}}");
    binding(
        "shop",
        &format!("loadBalancer: {{name: shop}}\nclients: [{{cidr: 0.0.0.0/0}}]\ntargetGroups: [{target_group}]"),
    )
}

async fn expect_port(world: &World, port: u16) {
    let (out, back) = (format!("ALB-SG out tcp {port} -> APP-SG"), format!("APP-SG in tcp {port} <- ALB-SG"));
    world.expect_rules(&[CLIENTS, &out, &back]).await;
}

/// At each call that changes something, before it and after it: the rule that is always needed is never absent, and the next
/// run ends what was begun.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_write() {
    let (world, folder) = given().await;
    folder.write("shop.yaml", &on_port(8000));
    world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
    let (mut port, mut other, mut points) = (8000, 9000, 0);
    type Severing = fn(Arc<dyn Fn(&Call) + Send + Sync>) -> Effect;
    let (before, after): (Severing, Severing) = (Effect::SeverBefore, Effect::SeverAfter);
    for when in [before, after] {
        for write in 0.. {
            folder.write("shop.yaml", &on_port(other));
            let proxy = Proxy::start(&world.aws.url()).await;
            let struck = Struck::by("KILL");
            proxy.inject(Fault::on_writes(when(struck.hook())).after(write).times(1));
            let (_, signal) = struck.run(&world, &proxy, &folder).await;
            let rules = world.rules().await;
            assert!(rules.contains(&CLIENTS.to_owned()), "{rules:#?}");
            let is_open = |port: u16| rules.contains(&format!("ALB-SG out tcp {port} -> APP-SG"));
            assert!(is_open(port) || is_open(other), "no way to the targets: {rules:#?}");
            let again = Proxy::start(&world.aws.url()).await;
            let arguments = ["apply", "--yes", "-f", &folder.path(), "--namespace", world.namespace()];
            world.through(&again, &arguments).await.printed(0);
            again.calls().assert_made_before_taken();
            expect_port(&world, other).await;
            (port, other) = (other, port);
            points += usize::from(signal.is_some());
            if signal.is_none() {
                break;
            }
        }
    }
    assert_eq!(points, 8, "two calls make and two take, and each has a before and an after");
}

/// What is under way ends, nothing more is begun, and it is told where that is.
#[tokio::test(flavor = "multi_thread")]
async fn interrupted_between_two_steps() {
    let (world, folder) = given().await;
    folder.write("shop.yaml", &on_port(8000));
    world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
    for (signal, port) in [("INT", 9000), ("TERM", 8000)] {
        folder.write("shop.yaml", &on_port(port));
        let proxy = Proxy::start(&world.aws.url()).await;
        let struck = Struck::by(signal);
        proxy.inject(Fault::on_writes(Effect::After(struck.hook())).times(1));
        let (run, killed) = struck.run(&world, &proxy, &folder).await;
        assert_eq!((run.code, killed), (1, None), "{} {}", run.out, run.err);
        let told = "Interrupted: nothing more is begun. What was done stays done, and apply goes on from there.\n";
        assert!(run.out.ends_with(told), "{}", run.out);
        assert!(run.err.contains("Still to be done:\n"), "{}", run.err);
        assert_eq!(proxy.calls().revokes().len(), 0, "{}", proxy.calls().writes());
        world.verb("apply", &folder.path(), &["--yes"]).await.printed(0);
        expect_port(&world, port).await;
    }
}

/// A terminal that is closed does not end what was confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_terminal_does_not_end_it() {
    let (world, folder) = given().await;
    folder.write("shop.yaml", &on_port(8000));
    let proxy = Proxy::start(&world.aws.url()).await;
    let struck = Struck::by("HUP");
    proxy.inject(Fault::on_writes(Effect::After(struck.hook())).times(1));
    let (run, killed) = struck.run(&world, &proxy, &folder).await;
    assert_eq!((run.code, killed), (0, None), "{} {}", run.out, run.err);
    expect_port(&world, 8000).await;
}

/// Nor does it that nobody reads what is told any more.
#[tokio::test(flavor = "multi_thread")]
async fn that_nobody_reads_what_is_told_does_not_end_it() {
    let (world, folder) = given().await;
    folder.write("shop.yaml", &on_port(8000));
    let proxy = Proxy::start(&world.aws.url()).await;
    let arguments = ["apply", "--yes", "-f", &folder.path(), "--namespace", world.namespace()];
    let mut child = world.started(&proxy, &arguments).await;
    drop(child.stderr.take());
    let output = spawn_blocking(move || child.wait_with_output().expect("it ends")).await.expect("no panic");
    assert_eq!(world.told(output).printed(0).lines().last(), Some("3 of 3 steps done."));
    expect_port(&world, 8000).await;
}
