"""The programs that play: the control plane, the AWS stand-in, the controller and kubectl."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGION = "eu-central-1"
STARTS_WITHIN, STOPS_WITHIN = 90, 10


class Failed(Exception):
    """The demo can't go on, or something is not as it must be."""


class Stage:
    def __init__(self, sgbind: pathlib.Path, controlplane: pathlib.Path, folder: pathlib.Path) -> None:
        self.sgbind, self.controlplane, self.folder = sgbind, controlplane, folder
        self.running: list[subprocess.Popen[str]] = []
        self.endpoint = ""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SGBIND_"))}
        self.environment = {
            **kept,
            "KUBECONFIG": str(folder / "controlplane" / "kubeconfig"),
            "KUBECACHEDIR": str(folder / "kubectl"),
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    # Programs come and go.

    def start_world(self) -> None:
        """A Kubernetes API server and an AWS, both on free ports of this machine. Each run begins anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        kubernetes = self.spawn("controlplane", [self.controlplane, "serve", "--dir", self.folder / "controlplane",
                                                 "--exit-on-stdin-eof"])
        aws = self.spawn("aws", [sys.executable, ROOT / "tests" / "moto" / "launch.py", "--exit-on-stdin-eof"])
        self.ready(kubernetes, "the control plane", self.folder / "controlplane" / "log")
        self.endpoint = self.ready(aws, "the AWS stand-in", self.folder / "aws.log")
        self.environment["AWS_ENDPOINT_URL"] = self.endpoint

    def start_controller(self, *flags: str) -> None:
        self.controller = self.spawn("controller", [self.sgbind, "controller", "--http-address", "127.0.0.1:0",
                                                    "--log-format", "text", *flags])
        self.until("the controller to be ready", self.is_ready, STARTS_WITHIN)

    def spawn(self, name: str, arguments: list[Any]) -> subprocess.Popen[str]:
        # A session of its own: Ctrl-C reaches this program only, which ends the others in order.
        with open(self.folder / f"{name}.log", "w") as log:
            process = subprocess.Popen([str(each) for each in arguments], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE if name != "controller" else log, stderr=log, text=True,
                                       cwd=self.folder, env=self.environment, start_new_session=True)
        self.running.append(process)
        return process

    def ready(self, process: subprocess.Popen[str], what: str, log: pathlib.Path) -> str:
        """The address that a program tells once it is ready."""
        line = process.stdout.readline()
        if not line.startswith("ready "):
            raise Failed(f"{what} did not start: see {log}")
        return line.split()[1]

    def is_ready(self) -> bool:
        address = re.search(r"address=(\S+)", self.log())
        if self.controller.poll() is not None:
            raise Failed(f"the controller ended:\n{self.log()}")
        if not address:
            return False
        self.address = address[1]
        try:
            return self.fetch("/readyz") == "ok\n"
        except OSError:
            return False

    def stop(self) -> None:
        """Ends what was started here, last first, each by its own process id."""
        for process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()

    # What is asked of them.

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id="demo",
                            aws_secret_access_key="demo", config=Config(proxies={}))

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """`text` is what it reads from its standard input."""
        result = subprocess.run([self.controlplane, "kubectl", *arguments], env=self.environment, cwd=ROOT,
                                input=text, capture_output=True, text=True, start_new_session=True)
        if result.returncode:
            raise Failed(f"kubectl {' '.join(arguments)}:\n{result.stderr.strip()}")
        return result.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def fetch(self, path: str) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.address}{path}", timeout=5) as answer:
            return answer.read().decode()

    def writes(self) -> int:
        """How many requests that change something the controller has sent to AWS, by its own metrics."""
        calls = re.findall(r'^sgbind_aws_calls_total\{action="(\w+)".*\} (\d+)$', self.fetch("/metrics"), re.MULTILINE)
        reads = ("Describe", "Get", "List", "AssumeRole")
        return sum(int(count) for action, count in calls if not action.startswith(reads))

    def log(self) -> str:
        return (self.folder / "controller.log").read_text(errors="replace")

    def until(self, what: str, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if self.running and (ended := next((each for each in self.running if each.poll() is not None), None)):
                raise Failed(f"{pathlib.Path(ended.args[0]).name} ended with {ended.returncode} while waiting for {what}")
            if time.monotonic() > deadline:
                raise Failed(f"waited {seconds:g} s for {what}")
            time.sleep(0.2)


def ends_in_order() -> None:
    """Makes of the usual ways to end a program an exception, so that what was started is stopped."""

    def end(number: int, _: Any) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, end)
