"""Shows what the controller does, on real parts: `make demo`. Exits with 1 if anything is not as it should be."""

from __future__ import annotations

import argparse
import json
import pathlib
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

import estate as shop
import rules
import show
from estate import AS_FOUND, CLUSTER, GROUPS, NAMESPACE
from rules import Rule, written
from stage import ROOT, Failed, Stage, ends_in_order

# What least privilege comes to here: clients may reach the listeners' ports, and the load balancer may reach each
# target's own ports. One exact rule for each port and peer, on both sides.
NEEDED = written("""
    shop-alb    out  tcp  8000  shop-blue    sgbind
    shop-alb    out  tcp  8000  shop-green   sgbind
    shop-alb    out  tcp  9000  shop-green   sgbind
    shop-blue   in   tcp  8000  shop-alb     sgbind
    shop-green  in   tcp  8000  shop-alb     sgbind
    shop-green  in   tcp  9000  shop-alb     sgbind
""")
# Foreign rules that the binding needs too. They count as in place, and are adopted where foreign rules go.
NEEDED_AND_THERE = written("""
    shop-alb    in   tcp  80    0.0.0.0/0    foreign
    shop-alb    in   tcp  443   0.0.0.0/0    foreign
""")
ADOPTED = written("""
    shop-alb    in   tcp  80    0.0.0.0/0    sgbind
    shop-alb    in   tcp  443   0.0.0.0/0    sgbind
""")
# Nobody needs these, and the binding governs what they are about.
TOO_OPEN = written("""
    shop-alb    in   tcp  8080  0.0.0.0/0    foreign
    shop-alb    out  all  all   0.0.0.0/0    foreign
    shop-blue   in   tcp  8000  0.0.0.0/0    foreign
""")
TIGHT = AS_FOUND - NEEDED_AND_THERE - TOO_OPEN | ADOPTED | NEEDED
# What the second kind asks for, beside.
BY_ROLE = written("""
    shop-green  in   tcp  22    203.0.113.7/32  sgbind
    shop-green  in   tcp  2049  shop-green      sgbind
""")
SETTLES_WITHIN = 150


class Demo:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.before: set[Rule] = set()

    def run(self) -> None:
        for number, step in enumerate((self.as_found, self.observe, self.enforce, self.tighten, self.repair,
                                       self.switch, self.access, self.delete), start=1):
            show.heading(number, (step.__doc__ or "").strip())
            step()
            show.pause(3)

    # The steps.

    def prepare(self) -> None:
        show.say("""
            Nothing here needs an account or a cluster: a real kube-apiserver with etcd, an AWS stand-in (moto, mended
            where it differs from EC2), and the controller as a process of its own, all on this machine.""")
        started = time.monotonic()
        self.stage.start_world()
        self.ec2, self.elb = self.stage.client("ec2"), self.stage.client("elbv2")
        self.estate = shop.build(self.ec2, self.elb, self.stage.client("acm"))
        self.ec2.create_tags(Resources=list(self.estate.names), Tags=shop.consent(self.estate))
        for file in sorted((ROOT / "crds").glob("*.sgbind.dev.yaml")):
            self.stage.kubectl("apply", "--server-side", "-f", str(file))
            self.stage.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(file))
        self.stage.kubectl("create", "namespace", NAMESPACE)
        self.identity = self.stage.get("namespace", "kube-system")["metadata"]["uid"]
        self.stage.start_controller("--cluster-name", CLUSTER, "--resync=2s", "--rediscover=3s",
                                    "--revocation-delay=5s", "--tightening-watch=10s")
        show.checked(f"API server, AWS, CRDs and controller are up ({time.monotonic() - started:.0f} s)")

    def as_found(self) -> None:
        """A shop as it is found in the wild"""
        show.say("""
            An internet-facing load balancer: port 80 redirects to 443, and 443 forwards to two target groups, blue
            (weight 100) and green (0). It works. But anyone on the internet can go round the load balancer to the
            blue instance, port 8080 was left open after some test, and the load balancer may talk to everything.""")
        print()
        self.expect(AS_FOUND)
        rules.table(self.before, GROUPS)
        print()
        show.say("The groups' owner has opted in, by two tags on each; without them nothing would ever be written:")
        tags = " ".join(f"Key={tag['Key']},Value={tag['Value']}" for tag in shop.consent(self.estate))
        show.block(f"aws ec2 create-tags --resources sg-…\n  --tags {tags}", "dim")

    def observe(self) -> None:
        """Look first: enforcement: Observe"""
        show.say("This is all that a team writes. Ports and security groups are found by the load balancer's name.")
        show.command("kubectl apply -f demo/binding.yaml")
        show.block((ROOT / "demo" / "binding.yaml").read_text(), "dim")
        self.stage.kubectl("apply", "-f", "demo/binding.yaml")
        self.settled("Planned")
        print()
        show.say("The status holds the plan: what would be done. (Ids of groups are shown as names here.)")
        self.tells("plan", {f"authorize {phrase(self.estate, rule)}" for rule in NEEDED})
        written_to_aws = self.stage.writes()
        self.expect(AS_FOUND)
        if written_to_aws:
            raise Failed(f"{written_to_aws} writes to AWS while observing")
        show.checked("nothing was written: all rules are as they were, and no call that changes something was made")

    def enforce(self) -> None:
        """Let it work: enforcement: Enforce"""
        self.patch(enforcement="Enforce")
        self.settled("InSync")
        self.change(AS_FOUND | NEEDED)
        print()
        show.say("""
            The rules carry the cluster's identity as a tag: that, and no description, says whose a rule is. What is
            not ours is reported, and left alone:""")
        self.tells("foreignRules", {phrase(self.estate, rule) for rule in TOO_OPEN})
        self.get_binding()

    def tighten(self) -> None:
        """Close what is too open: foreignRules: Remove"""
        show.say("""
            Everything needed is in place and was read back, so what is too open may go. Before that, look once more:
            the plan says what will be taken away, and where connections may be cut because they are not tracked.""")
        self.patch(enforcement="Observe", foreignRules="Remove")
        self.settled("InSync")
        cut = "(interrupts untracked connections)"
        self.tells("plan", {f"revoke {phrase(self.estate, rule)} {cut}" for rule in TOO_OPEN}
                   | {f"adopt {phrase(self.estate, rule)}" for rule in NEEDED_AND_THERE})
        self.patch(enforcement="Enforce")
        show.say("""
            One security group at a time: what goes is written to the status first, and the health of the targets is
            watched afterwards, here for 40 seconds (two checks, five seconds apart, and thirty seconds for answers
            that lag). Would a healthy target time out, the rules would come back.""")
        self.wait("a watch", lambda: "watchUntil" in self.status().get("tightening", {}))
        watched = '{.status.tightening.securityGroup} {.status.tightening.watchUntil}'
        show.command(f"kubectl -n {NAMESPACE} get albtb shop -o jsonpath='{watched}'")
        tightening = self.status()["tightening"]
        show.block(f"{tightening['securityGroup']} {tightening['watchUntil']}", "dim")
        self.change(TIGHT)
        self.settled("InSync")
        print()
        show.say("""
            The load balancer now reaches the targets' ports and nothing else, and the blue instance can only be
            reached through it. SSH from the VPC and the targets' own egress are none of the binding's business: they
            stay. (~ marks rules that were needed and there: they are ours from now on.)""")

    def repair(self) -> None:
        """Someone changes rules by hand"""
        show.say("An operator revokes the rule that green needs, and opens blue's port to the world again.")
        green, world = self.estate.id("shop-green"), next(rule for rule in TOO_OPEN if rule.group == "shop-blue")
        needed = next(rule for rule in NEEDED if rule.group == "shop-green" and rule.ports == "8000")
        show.command("aws ec2 revoke-security-group-ingress …; aws ec2 authorize-security-group-ingress …")
        now = self.read()
        started = time.monotonic()
        self.ec2.authorize_security_group_ingress(GroupId=self.estate.id(world.group),
                                                  IpPermissions=[shop.permission(world)])
        self.ec2.revoke_security_group_ingress(GroupId=green, SecurityGroupRuleIds=[now[needed]])
        rules.difference(TIGHT, TIGHT - {needed} | {world}, GROUPS)
        self.expect(TIGHT)
        print()
        show.say(f"""
            After {time.monotonic() - started:.0f} s both are undone: the needed rule at the next comparison (every 2 s here,
            every minute by default), the open port when the watch of its group was over:""")
        show.checked(f"both are undone; exactly these {len(TIGHT)} rules are there again")
        events: list[tuple[str, str]] = []

        def told() -> bool:
            # The events are written on the side; those of the steps before are there already.
            events[:] = self.events("DriftRepaired", "RulesRevoked")
            wanted = {("DriftRepaired", phrase(self.estate, needed)), ("RulesRevoked", phrase(self.estate, world))}
            return wanted <= set(events)

        self.wait("events that tell of it", told)
        show.command(f"kubectl -n {NAMESPACE} get events -o custom-columns=REASON:.reason,RULE:.message | tail -2")
        show.block("\n".join(f"{reason:<15} {note}" for reason, note in events[-2:]), "dim")

    def switch(self) -> None:
        """A blue/green switch"""
        show.say("""
            Traffic may be shifted once the rules of both groups were seen in AWS. A pipeline waits for just that,
            and then moves all the weight from blue to green:""")
        show.command(f"kubectl -n {NAMESPACE} wait albtb/shop --for=condition=BlueGreenReady")
        show.block(self.stage.kubectl("-n", NAMESPACE, "wait", "albtb/shop", "--for=condition=BlueGreenReady",
                                      "--timeout=30s"), "dim")
        show.command("aws elbv2 modify-listener … (blue 0, green 100)")
        writes, ids = self.stage.writes(), self.read()
        self.elb.modify_listener(ListenerArn=self.estate.listener,
                                 DefaultActions=self.estate.forward(blue=0, green=100))
        self.wait("status.blueGreen to follow", lambda: self.status().get("blueGreen", {}).get("active") == "green")
        self.settled("InSync", also={"BlueGreenReady"})
        seen = self.status()["blueGreen"]
        weights = ", ".join(f"{name} {weight}" for name, weight in sorted(seen["weights"].items()))
        show.block(f"status.blueGreen: active {seen['active']}; weights: {weights}", "dim")
        self.expect(TIGHT)
        if self.read() != ids or self.stage.writes() != writes:
            raise Failed("rules were written although only weights changed")
        show.checked(f"the very same {len(TIGHT)} rules: both groups stay open, so the way back is open too")

    def access(self) -> None:
        """Access by role: a second kind"""
        show.say("""
            Whatever else may reach the members of a group is declared by role: here SSH for an administrator, and a
            file system that the green instances share. The group holds the union of what all objects need.""")
        text = (ROOT / "demo" / "access.yaml").read_text()
        show.command("kubectl apply -f demo/access.yaml")
        show.block(text, "dim")
        self.stage.kubectl("apply", "-f", "-", text=text.replace("SHOP-GREEN", self.estate.id("shop-green")))
        self.change(TIGHT | BY_ROLE)
        show.command(f"kubectl -n {NAMESPACE} get sga")
        self.stage.kubectl("-n", NAMESPACE, "wait", "sga/administration", "--for=condition=Ready", "--timeout=30s")
        show.block(self.stage.kubectl("-n", NAMESPACE, "get", "sga"), "dim")

    def delete(self) -> None:
        """Deletion"""
        show.command(f"kubectl -n {NAMESPACE} delete albtb/shop sga/administration")
        self.stage.kubectl("-n", NAMESPACE, "delete", "albtb/shop", "sga/administration", "--wait=true",
                           "--timeout=60s")
        left = self.stage.get("-n", NAMESPACE, "albtb,sga")["items"]
        if left:
            raise Failed("an object is still there")
        self.change({rule for rule in TIGHT if rule.owner != rules.OURS}, at_once=True)
        show.say("""
            What was made for the two is gone, and the objects went only after that was seen. Foreign rules that
            were taken away are not put back. (deletionPolicy: Retain would have left the rules.)""")

    # What a step is checked by.

    def read(self) -> dict[Rule, str]:
        return rules.read(self.ec2, self.estate.names, f"sgbind.dev/cluster/{CLUSTER}", self.identity)

    def expect(self, wanted: set[Rule], at_once: bool = False) -> None:
        """The whole set of rules, of all groups, is `wanted`: soon, or at once."""
        if not at_once:
            try:
                self.stage.until("the rules", lambda: set(self.read()) == wanted, SETTLES_WITHIN)
            except Failed:
                pass  # What is not as it should be is told below.
        found = set(self.read())
        if found != wanted:
            print()
            show.line("The rules are not as they should be. From what should be to what is:", "red")
            rules.difference(wanted, found, GROUPS)
            raise Failed("wrong rules")
        self.before = found

    def change(self, wanted: set[Rule], at_once: bool = False) -> None:
        before = self.before
        self.expect(wanted, at_once)
        rules.difference(before, self.before, GROUPS)
        show.checked(f"checked: exactly the {len(wanted)} rules that must be there, nothing missing, nothing else")

    def tells(self, field: str, wanted: set[str]) -> None:
        """Shows a list in the status, which soon says just what is wanted."""
        found: list[str] = []

        def told() -> bool:
            found[:] = self.status().get(field, [])
            return set(found) == wanted

        try:
            self.stage.until(f"status.{field}", told, SETTLES_WITHIN)
        except Failed as failed:
            missing, more = sorted(wanted - set(found)), sorted(set(found) - wanted)
            raise Failed("\n".join([str(failed), *(f"  missing: {each}" for each in missing),
                                    *(f"  too much: {each}" for each in more)])) from None
        each = '{range .status.%s[*]}{@}{"\\n"}{end}' % field
        show.command(f"kubectl -n {NAMESPACE} get albtb shop -o jsonpath='{each}'")
        show.block("\n".join(found), "dim")

    def status(self) -> dict[str, Any]:
        return self.named(self.stage.get("-n", NAMESPACE, "albtb", "shop").get("status", {}))

    def named(self, value: Any) -> Any:
        """The same with names for ids of groups."""
        if isinstance(value, dict):
            return {key: self.named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.named(each) for each in value]
        if isinstance(value, str):
            for id, name in self.estate.names.items():
                value = value.replace(id, name)
        return value

    def settled(self, reason: str, also: frozenset[str] | set[str] = frozenset()) -> None:
        """The binding is Ready for this reason, at its present generation."""

        def reached() -> bool:
            binding = self.stage.get("-n", NAMESPACE, "albtb", "shop")
            generation = binding["metadata"]["generation"]
            held = {each["type"]: each for each in binding.get("status", {}).get("conditions", [])
                    if each["observedGeneration"] == generation}
            true = {kind for kind, each in held.items() if each["status"] == "True"}
            return {"Ready", "Resolved"} | also <= true and held["Ready"]["reason"] == reason

        self.wait(f"Ready with reason {reason}", reached)

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        try:
            self.stage.until(what, condition, SETTLES_WITHIN)
        except Failed as failed:
            conditions = self.status().get("conditions", [])
            told = [f"  {each['type']}={each['status']} {each['reason']}: {each['message']}" for each in conditions]
            raise Failed("\n".join([str(failed), *told])) from None

    def events(self, *reasons: str) -> list[tuple[str, str]]:
        """Events of these kinds, each rule by itself, in the order of their times."""
        items = self.stage.get("-n", NAMESPACE, "events.events.k8s.io")["items"]
        told = sorted((item for item in items if item["reason"] in reasons), key=lambda item: item["eventTime"])
        return [(item["reason"], self.named(rule)) for item in told for rule in item["note"].split("; ")]

    # What is shown.

    def patch(self, **fields: str) -> None:
        patch = json.dumps({"spec": fields}, separators=(",", ":"))
        show.command(f"kubectl -n {NAMESPACE} patch albtb shop --type=merge \\\n    -p '{patch}'")
        self.stage.kubectl("-n", NAMESPACE, "patch", "albtb", "shop", "--type=merge", "--patch", patch)

    def get_binding(self) -> None:
        show.command(f"kubectl -n {NAMESPACE} get albtb")
        show.block(self.stage.kubectl("-n", NAMESPACE, "get", "albtb"), "dim")


def phrase(estate: shop.Estate, rule: Rule) -> str:
    """A rule in the words of the status."""
    direction, link = ("ingress", "from") if rule.direction == "in" else ("egress", "to")
    traffic = "all" if rule.protocol == "all" else f"{rule.protocol} {rule.ports}"
    return f"{rule.group} {direction} {traffic} {link} {rule.peer}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sgbind", type=pathlib.Path, required=True, help="the controller's binary")
    parser.add_argument("--controlplane", type=pathlib.Path, required=True, help="what tests/controlplane builds")
    parser.add_argument("--dir", type=pathlib.Path, required=True, help="for all that a run writes; emptied first")
    asked = parser.parse_args()
    ends_in_order()
    stage = Stage(asked.sgbind.resolve(), asked.controlplane.resolve(), asked.dir.resolve())
    started = time.monotonic()
    try:
        demo = Demo(stage)
        demo.prepare()
        demo.run()
    except Failed as failed:
        print()
        show.line("✗ The demo failed.", "red")
        print(failed)
        print(f"Logs are in {stage.folder}; the controller's last lines:")
        if (stage.folder / "controller.log").exists():
            show.block("\n".join(stage.log().splitlines()[-12:]), "dim")
        return 1
    finally:
        stage.stop()
    shutil.rmtree(stage.folder)
    print()
    show.checked(f"All eight steps were as they should be ({time.monotonic() - started:.0f} s). Everything started "
                 "here has been stopped.")
    print("  Next: README.md, \"On a real cluster\".")
    return 0


if __name__ == "__main__":
    sys.exit(main())
