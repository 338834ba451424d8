//! One test's stage: a moto with an estate, the proxy before it, a namespace, and controllers to start and kill.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use sgbind::api::ALBTargetBinding;
use tokio::sync::SemaphorePermit;

use super::aws::{Aws, REGION};
use crate::{
    control_plane,
    proxy::{Proxy, xml},
    world,
};

/// For how long anything is waited for that must come.
pub const PATIENCE: Duration = Duration::from_secs(40);

pub struct Stage {
    pub aws: Arc<Aws>,
    pub proxy: Proxy,
    pub bindings: Api<ALBTargetBinding>,
    pub namespace: String,
    /// Group of the load balancer.
    pub alb: String,
    /// Groups of the targets of `shop` and `web`.
    pub app: String,
    pub web: String,
    pub target_groups: [String; 2],
    pub instances: [String; 2],
    kubeconfig: PathBuf,
    files: tempfile::TempDir,
    _place: SemaphorePermit<'static>,
}

/// A running controller; it is killed when this is dropped.
pub struct Controller {
    process: Child,
    /// Kills it when this process ends, however that ends.
    guard: Child,
    log: PathBuf,
}

impl Controller {
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// SIGKILL, and its end.
    pub fn kill(self) {}

    pub fn signal(&self, signal: &str) {
        signal_process(self.pid(), signal);
    }
}

/// Sends a signal to a process that this test started.
pub fn signal_process(pid: u32, signal: &str) {
    let sent = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status();
    assert!(sent.expect("kill runs").success(), "signal {signal} to {pid}");
}

impl Drop for Controller {
    fn drop(&mut self) {
        // The guard first: it must not kill another process that came by the same id.
        for child in [&mut self.guard, &mut self.process] {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(40)..].join("\n");
            eprintln!("the controller's log ends with:\n{end}");
        }
    }
}

impl Stage {
    /// A load balancer `shop` with a listener on 80, and target groups `shop` (8000) and `web` (9000), each with
    /// one target. All groups have opted in.
    pub async fn new() -> Self {
        let place = world::place().await;
        let (aws, client) = tokio::join!(Aws::start(), control_plane::client());
        let namespace = control_plane::namespace(&client).await;
        let vpc = aws.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await;
        let vpc = field(&vpc, "vpcId");
        let mut subnets = Vec::new();
        for (block, zone) in [("10.0.1.0/24", "a"), ("10.0.2.0/24", "c")] {
            let zone = format!("{REGION}{zone}");
            let answer =
                aws.ec2("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", block), ("AvailabilityZone", &zone)]).await;
            subnets.push(field(&answer, "subnetId"));
        }
        let mut groups = Vec::new();
        for name in ["alb", "app", "web"] {
            groups.push(group(&aws, &vpc, name, &namespace).await);
        }
        let [alb, app, web] = groups.try_into().expect("three groups");
        let answer = aws
            .elb(
                "CreateLoadBalancer",
                &[
                    ("Name", "shop"),
                    ("Subnets.member.1", &subnets[0]),
                    ("Subnets.member.2", &subnets[1]),
                    ("SecurityGroups.member.1", &alb),
                    ("Scheme", "internet-facing"),
                ],
            )
            .await;
        let load_balancer = field(&answer, "LoadBalancerArn");
        let (mut target_groups, mut instances) = (Vec::new(), Vec::new());
        for (name, port, group) in [("shop", "8000", &app), ("web", "9000", &web)] {
            let answer = aws
                .elb("CreateTargetGroup", &[("Name", name), ("Protocol", "HTTP"), ("Port", port), ("VpcId", &vpc)])
                .await;
            let target_group = field(&answer, "TargetGroupArn");
            let answer = aws
                .ec2(
                    "RunInstances",
                    &[
                        ("ImageId", "ami-12345678"),
                        ("MinCount", "1"),
                        ("MaxCount", "1"),
                        ("SubnetId", &subnets[0]),
                        ("SecurityGroupId.1", group),
                    ],
                )
                .await;
            let instance = field(&answer, "instanceId");
            aws.elb("RegisterTargets", &[("TargetGroupArn", &target_group), ("Targets.member.1.Id", &instance)]).await;
            target_groups.push(target_group);
            instances.push(instance);
        }
        let answer = aws
            .elb(
                "CreateListener",
                &[
                    ("LoadBalancerArn", &load_balancer),
                    ("Protocol", "HTTP"),
                    ("Port", "80"),
                    ("DefaultActions.member.1.Type", "forward"),
                    ("DefaultActions.member.1.TargetGroupArn", &target_groups[0]),
                ],
            )
            .await;
        let listener = field(&answer, "ListenerArn");
        aws.elb(
            "CreateRule",
            &[
                ("ListenerArn", &listener),
                ("Priority", "10"),
                ("Conditions.member.1.Field", "path-pattern"),
                ("Conditions.member.1.Values.member.1", "/web/*"),
                ("Actions.member.1.Type", "forward"),
                ("Actions.member.1.TargetGroupArn", &target_groups[1]),
            ],
        )
        .await;
        Self {
            proxy: Proxy::start(&aws.url).await,
            bindings: Api::namespaced(client, &namespace),
            kubeconfig: control_plane::kubeconfig().await,
            files: tempfile::tempdir().expect("a directory"),
            target_groups: target_groups.try_into().expect("two"),
            instances: instances.try_into().expect("two"),
            aws: Arc::new(aws),
            namespace,
            alb,
            app,
            web,
            _place: place,
        }
    }

    /// One more group that has opted in.
    pub async fn group(&self, name: &str) -> String {
        let answer = self.aws.ec2("DescribeSecurityGroups", &[("GroupId.1", &self.alb)]).await;
        group(&self.aws, &field(&answer, "vpcId"), name, &self.namespace).await
    }

    /// The controller with its production defaults, but quick to compare.
    pub fn start(&self) -> Controller {
        self.start_with(&[])
    }

    pub fn start_with(&self, arguments: &[&str]) -> Controller {
        self.start_as("test", arguments)
    }

    /// With an access key by which the recording tells one controller's calls from another's.
    pub fn start_as(&self, key: &str, arguments: &[&str]) -> Controller {
        let number = fs::read_dir(self.files.path()).expect("a directory").count();
        let log = self.files.path().join(format!("{number}.log"));
        let output = File::create(&log).expect("a file");
        let defaults = ["--resync=2s", "--rediscover=3s", "--leader-election=false"];
        let given = |default: &&str| {
            let name = default.split('=').next().unwrap_or_default();
            !arguments.iter().any(|argument| argument.starts_with(name))
        };
        let process = Command::new(env!("CARGO_BIN_EXE_sgbind"))
            .args(["controller", "--http-address=127.0.0.1:0", "--log-format=text"])
            .args([format!("--cluster-name={}", self.namespace), format!("--watch-namespace={}", self.namespace)])
            .args(defaults.iter().filter(|default| given(default)))
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("AWS_ENDPOINT_URL", self.proxy.url())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env_remove("AWS_PROFILE")
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file"))
            .stderr(output)
            .spawn()
            .expect("the controller starts");
        let guard = world::guard(process.id());
        Controller { process, guard, log }
    }

    // Bindings.

    /// The spec of `shop`: one client, target group `shop` on these ports, `web` on 9000.
    pub fn spec(&self, ports: &[u16]) -> Value {
        json!({
            "loadBalancer": {"name": "shop"},
            "listeners": [{"port": 80, "clients": [{"cidr": "10.0.0.0/8"}]}],
            "targetGroups": [
                {"name": "shop", "ref": {"name": "shop"}, "ports": ports},
                {"name": "web", "ref": {"name": "web"}, "ports": [9000]},
            ],
        })
    }

    pub async fn create(&self, name: &str, spec: &Value) {
        let binding = json!({
            "apiVersion": "sgbind.dev/v1alpha1", "kind": "ALBTargetBinding", "metadata": {"name": name}, "spec": spec,
        });
        let binding = serde_json::from_value(binding).expect("a binding");
        self.bindings.create(&PostParams::default(), &binding).await.expect("the binding is accepted");
    }

    /// Changes a part of a spec.
    pub async fn patch(&self, name: &str, spec: &Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.bindings.patch(name, &PatchParams::default(), &patch).await.expect("the change is accepted");
    }

    pub async fn delete(&self, name: &str) {
        self.bindings.delete(name, &DeleteParams::default()).await.expect("the binding can be deleted");
    }

    pub async fn status(&self, name: &str) -> Value {
        let binding = self.bindings.get(name).await.expect("the binding is there");
        json!({"generation": binding.metadata.generation, "status": binding.status, "finalizers": binding.finalizers()})
    }

    /// A condition of the current generation; null if there is none.
    pub async fn condition(&self, name: &str, kind: &str) -> Value {
        let told = self.status(name).await;
        let conditions = told["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let current =
            |condition: &&Value| condition["type"] == kind && condition["observedGeneration"] == told["generation"];
        conditions.iter().find(current).cloned().unwrap_or_default()
    }

    /// Waits for a condition of the current generation: `Ready`, `False`, and a reason where it matters.
    pub async fn until(&self, name: &str, kind: &str, status: &str, reason: Option<&str>) -> Value {
        let began = Instant::now();
        loop {
            let condition = self.condition(name, kind).await;
            if condition["status"] == status && reason.is_none_or(|reason| condition["reason"] == reason) {
                return condition;
            }
            if began.elapsed() > PATIENCE {
                panic!(
                    "{name} does not become {kind}={status} {reason:?}: {:#}\nwrites:\n{}",
                    self.status(name).await,
                    self.proxy.calls().writes()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn until_in_sync(&self, name: &str) {
        self.until(name, "Ready", "True", None).await;
        self.until(name, "InSync", "True", None).await;
    }

    /// The reasons that Ready=False had on the way.
    pub async fn reasons_until_in_sync(&self, name: &str) -> BTreeSet<String> {
        let (began, mut reasons) = (Instant::now(), BTreeSet::new());
        loop {
            let ready = self.condition(name, "Ready").await;
            if ready["status"] == "True" {
                self.until_in_sync(name).await;
                return reasons;
            }
            reasons.extend(ready["reason"].as_str().map(str::to_owned));
            assert!(began.elapsed() < PATIENCE, "{name} does not become ready: {:#}", self.status(name).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Changes the ports of target group `shop`.
    pub async fn set_ports(&self, ports: &[u16]) {
        self.patch("shop", &json!({"targetGroups": self.spec(ports)["targetGroups"]})).await;
    }

    /// Waits until AWS was asked so often after a mark.
    pub async fn until_asked(&self, mark: usize, action: &str, times: usize) {
        let began = Instant::now();
        while self.proxy.since(mark).of(action).len() < times {
            assert!(began.elapsed() < PATIENCE, "{action} was not called {times} times:\n{}", self.proxy.since(mark));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn until_gone(&self, name: &str) {
        let began = Instant::now();
        while self.bindings.get_opt(name).await.expect("an answer").is_some() {
            assert!(
                began.elapsed() < PATIENCE,
                "{name} does not go: {:#}\nwrites:\n{}",
                self.status(name).await,
                self.proxy.calls().writes()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    // Rules.

    /// All rules of all groups but the egress to anywhere that groups are born with, `alb ingress tcp 80 … ours`;
    /// in order, and one that is there twice is here twice.
    pub async fn rules(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (name, id) in [("alb", &self.alb), ("app", &self.app), ("web", &self.web)] {
            for rule in self.aws.rules_of(id).await {
                all.push(format!("{name} {}", self.named(&rule.text)));
            }
        }
        all.retain(|rule| !rule.ends_with("egress -1 -1 0.0.0.0/0") && !rule.ends_with("egress -1  0.0.0.0/0"));
        all
    }

    fn named(&self, text: &str) -> String {
        let groups = [("alb", &self.alb), ("app", &self.app), ("web", &self.web)];
        groups.into_iter().fold(text.to_owned(), |text, (name, id)| text.replace(id.as_str(), name))
    }

    /// What `spec(ports)` comes to.
    pub fn expected(ports: &[u16]) -> Vec<String> {
        let mut rules = vec!["alb ingress tcp 80 10.0.0.0/8 ours".into(), "alb egress tcp 9000 web ours".into()];
        rules.push("web ingress tcp 9000 alb ours".into());
        for port in ports {
            rules.push(format!("alb egress tcp {port} app ours"));
            rules.push(format!("app ingress tcp {port} alb ours"));
        }
        sorted(rules)
    }

    pub async fn assert_rules(&self, expected: Vec<String>, when: &str) {
        let (found, expected) = (sorted(self.rules().await), sorted(expected));
        assert_eq!(found, expected, "{when}; writes:\n{}", self.proxy.calls().writes());
    }

    pub async fn until_rules(&self, expected: Vec<String>, when: &str) {
        let (began, expected) = (Instant::now(), sorted(expected));
        while sorted(self.rules().await) != expected {
            if began.elapsed() > PATIENCE {
                self.assert_rules(expected.clone(), when).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

pub fn sorted(mut rules: Vec<String>) -> Vec<String> {
    rules.sort();
    rules
}

fn field(answer: &str, name: &str) -> String {
    xml::field(answer, name).unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

async fn group(aws: &Aws, vpc: &str, name: &str, namespace: &str) -> String {
    let fields = [("GroupName", name), ("GroupDescription", name), ("VpcId", vpc)];
    let id = field(&aws.ec2("CreateSecurityGroup", &fields).await, "groupId");
    aws.tag(&id, &format!("sgbind.dev/cluster/{namespace}"), "owned").await;
    aws.tag(&id, "sgbind.dev/namespaces", namespace).await;
    id
}
