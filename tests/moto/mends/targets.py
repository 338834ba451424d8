"""Mends of target groups and their targets."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.elbv2.exceptions import TargetNotRunning
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup
from moto.elbv2.responses import ELBV2Response

from .balancers import find_balancers
from .registry import around, instead, mend


@mend
def target_control_port() -> None:
    """ELB: a target group keeps its TargetControlPort.
    Source: Elastic Load Balancing API Reference, CreateTargetGroup and TargetGroup, TargetControlPort
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html).
    moto: drops it.
    """

    @around(ELBV2Response, "create_target_group")
    def created(original: Any, self: ELBV2Response) -> ActionResult:
        answer = original(self)
        answer.result["TargetGroups"][0].target_control_port = self._get_param("TargetControlPort")
        return answer


@mend
def targets_of_several_ports() -> None:
    """ELB: a target is an id and a port: one instance may be registered with several. Deregistering one that isn't
    registered succeeds.
    Source: Elastic Load Balancing API Reference, RegisterTargets ("You can register … the same EC2 instance or IP
    address with the same target group multiple times using different ports";
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html), DeregisterTargets.
    moto: keeps the last port of each id; fails to deregister an unknown one.
    """

    @instead(FakeTargetGroup, "register")
    def register(self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
        for target in targets:
            instance = self.ec2_backend.get_instance_by_id(target["Id"])
            if instance and instance.state != "running":
                raise TargetNotRunning(instance_id=target["Id"])
        for target in targets:
            self.targets[target_key(self, target)] = {"Port": self.port, **target}
            self.deregistered_targets.pop(target["Id"], None)

    @instead(FakeTargetGroup, "deregister")
    def deregister(self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
        for target in targets:
            gone = self.targets.pop(target_key(self, target), None)
            if gone:
                self.deregistered_targets[target["Id"]] = gone

    @instead(FakeTargetGroup, "deregister_terminated_instances")
    def deregister_terminated(self: FakeTargetGroup, instance_ids: list[str]) -> None:
        for key, target in list(self.targets.items()):
            if target["Id"] in instance_ids:
                self.terminated_targets[target["Id"]] = self.targets.pop(key)

    @around(FakeTargetGroup, "health_for")
    def health_for(original: Any, self: FakeTargetGroup, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
        registered = self.targets.get(target_key(self, target))
        if registered is None:
            return original(self, target, ec2_backend)
        return registered_health(self, registered, ec2_backend)

    FakeHealthStatus.target = property(lambda self: {"Id": self.instance_id, "Port": self.port,
                                                     "AvailabilityZone": getattr(self, "zone", None)})


def target_key(target_group: FakeTargetGroup, target: dict[str, Any]) -> Any:
    return (target["Id"], int(target.get("Port") or target_group.port or 0))


def registered_health(target_group: FakeTargetGroup, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
    state: tuple[str, ...] = ("healthy",)
    instance = ec2_backend.get_instance_by_id(target["Id"])
    if instance and instance.state == "stopped":
        state = ("unused", "Target.InvalidState", "Target is in the stopped state")
    status = FakeHealthStatus(target["Id"], target["Port"], target_group.health_check_port, *state)
    status.zone = target.get("AvailabilityZone")
    return status


@mend
def health_checks_told() -> None:
    """ELB: targets of a group that no load balancer uses are `unused`, Target.NotInUse; HealthCheckPort is a number.
    Source: Elastic Load Balancing API Reference, TargetHealth, Reason, and TargetHealthDescription
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html).
    moto: calls them healthy, and the port `traffic-port`.
    """

    @around(ELBv2Backend, "describe_target_health")
    def described(original: Any, self: ELBv2Backend, target_group_arn: str, targets: Any) -> list[FakeHealthStatus]:
        statuses = original(self, target_group_arn, targets)
        find_balancers(self)
        in_use = bool(self.target_groups[target_group_arn].load_balancer_arns)
        for status in statuses:
            if status.health_check_port == "traffic-port":
                status.health_check_port = str(status.port)
            if status.status == "healthy" and not in_use:
                status.status, status.reason = "unused", "Target.NotInUse"
                status.description = "Target group is not configured to receive traffic from the load balancer"
        return statuses
