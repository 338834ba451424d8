"""Mends of load balancers, listeners and their rules."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.utils import random_eni_attach_id
from moto.elbv2 import models as moto_elbv2
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeAction
from moto.elbv2.responses import ELBV2Response

from .registry import around, mend

INTERFACE_TYPES = {"application": "interface", "network": "network_load_balancer", "gateway": "gateway_load_balancer"}


@mend
def address_types() -> None:
    """ELB: a load balancer's addresses are ipv4, dualstack or dualstack-without-public-ipv4.
    Source: Elastic Load Balancing API Reference (2015-12-01), CreateLoadBalancer and SetIpAddressType
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html).
    moto: refuses the third.
    """
    third = "dualstack-without-public-ipv4"

    @around(ELBv2Backend, "create_load_balancer")
    def created(original: Any, self: ELBv2Backend, *args: Any, ip_address_type: str = "ipv4", **kwargs: Any) -> Any:
        known = "dualstack" if ip_address_type == third else ip_address_type
        balancer = original(self, *args, ip_address_type=known, **kwargs)
        balancer.ip_address_type = ip_address_type
        return balancer

    @around(ELBv2Backend, "set_ip_address_type")
    def changed(original: Any, self: ELBv2Backend, arn: str, ip_type: str) -> None:
        original(self, arn, "dualstack" if ip_type == third else ip_type)
        self.load_balancers[arn].ip_address_type = ip_type


@mend
def balancer_groups_checked() -> None:
    """ELB: a load balancer's groups must exist (InvalidSecurityGroup). An Application Load Balancer created without any
    has its VPC's default group.
    Source: Elastic Load Balancing API Reference, CreateLoadBalancer, errors and SecurityGroups
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html); the default
    group: what the console and the API have always done, unverified in the reference.
    moto: takes any id, and none.
    """

    @around(ELBv2Backend, "create_load_balancer")
    def created(original: Any, self: ELBv2Backend, *args: Any, security_groups: list[str], **kwargs: Any) -> Any:
        for group_id in security_groups:
            if self.ec2_backend.get_security_group_from_id(group_id) is None:
                raise ELBClientError("InvalidSecurityGroup", f"Security group '{group_id}' does not exist")
        balancer = original(self, *args, security_groups=security_groups, **kwargs)
        if balancer.type == "application" and not balancer.security_groups:
            balancer.security_groups = [self.ec2_backend.get_default_security_group(balancer.vpc_id).id]
        return balancer


@mend
def balancer_interfaces() -> None:
    """ELB: a load balancer has a network interface in each of its subnets, managed by `amazon-elb`, described as
    `ELB app/NAME/ID` or `ELB net/NAME/ID`, carrying its groups. (RequesterId of a Network Load Balancer's: unverified.)
    Source: User Guide for Application Load Balancers, "Application Load Balancers", subnets
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html), and AWS
    re:Post, which finds a load balancer's addresses by this description
    (https://repost.aws/knowledge-center/elb-find-load-balancer-ip).
    moto: has none.
    """

    for action in ("create_load_balancer", "set_security_groups", "set_subnets", "set_ip_address_type",
                   "delete_load_balancer"):

        @around(ELBv2Backend, action)
        def then_match_interfaces(original: Any, self: ELBv2Backend, *args: Any, **kwargs: Any) -> Any:
            answer = original(self, *args, **kwargs)
            match_interfaces(self)
            return answer

    attachment = NetworkInterface.attachment
    NetworkInterface.attachment = property(
        lambda self: getattr(self, "balancer_attachment", None) or attachment.fget(self))


def match_interfaces(backend: ELBv2Backend) -> None:
    """Give every load balancer the interfaces that it should have, and remove those of none."""
    wanted = {(balancer.arn, subnet.id): (balancer, subnet)
              for balancer in backend.load_balancers.values() for subnet in balancer.subnets}
    present = {interface.of_balancer: interface for interface in backend.ec2_backend.enis.values()
               if hasattr(interface, "of_balancer")}
    for key, interface in present.items():
        if key not in wanted:
            backend.ec2_backend.delete_network_interface(interface.id)
    for key, (balancer, subnet) in wanted.items():
        interface = present.get(key) or new_interface(backend.ec2_backend, balancer, subnet)
        groups = map(backend.ec2_backend.get_security_group_from_id, balancer.security_groups)
        interface._group_set = [group for group in groups if group]


def new_interface(ec2_backend: Any, balancer: Any, subnet: Any) -> NetworkInterface:
    with_ipv6 = balancer.ip_address_type != "ipv4" and bool(subnet.ipv6_cidr_block_associations)
    name = balancer.arn.partition(":loadbalancer/")[2]
    interface = ec2_backend.create_network_interface(subnet, None, description=f"ELB {name}",
                                                     ipv6_address_count=int(with_ipv6))
    interface.of_balancer = (balancer.arn, subnet.id)
    interface.interface_type = INTERFACE_TYPES[balancer.type]
    interface.requester_id = "amazon-elb"
    interface.requester_managed = True
    interface.status = "in-use"
    interface.attachment_id = random_eni_attach_id().replace("eni-attach", "ela-attach")
    interface.balancer_attachment = SimpleNamespace(
        attachment_id=interface.attachment_id, delete_on_termination=False, device_index=1,
        instance_owner_id="amazon-elb", status="attached")
    return interface


@mend
def jwt_validation() -> None:
    """ELB: `jwt-validation` is an action of HTTPS listeners and their rules.
    Source: Elastic Load Balancing API Reference, Action, Type
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html).
    moto: refuses it.
    """
    moto_elbv2.ALLOWED_ACTIONS.append("jwt-validation")

    @around(ELBv2Backend, "_validate_actions")
    def validated(original: Any, self: ELBv2Backend, actions: list[FakeAction]) -> None:
        original(self, [action for action in actions if action.type != "jwt-validation"])


@mend
def forwards_in_both_forms() -> None:
    """ELB: a forward to one target group is described both by TargetGroupArn and by ForwardConfig, however it was
    written; one to several only by ForwardConfig.
    Source: Elastic Load Balancing API Reference, Action, ForwardConfig and TargetGroupArn
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html); CLI examples of
    describe-rules show both.
    moto: answers in the form in which it was written.
    """

    @around(FakeAction, "__init__")
    def built(original: Any, self: FakeAction, data: dict[str, Any]) -> None:
        original(self, in_both_forms(data))


def in_both_forms(action: dict[str, Any]) -> dict[str, Any]:
    named = [group["TargetGroupArn"] for group in action.get("ForwardConfig", {}).get("TargetGroups", [])]
    if len(named) == 1:
        return {"TargetGroupArn": named[0], **action}
    if action.get("Type") == "forward" and "TargetGroupArn" in action and not named:
        return {**action, "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": action["TargetGroupArn"]}]}}
    return action


@mend
def balancers_of_target_groups() -> None:
    """ELB: a target group names the load balancers that use it: through a default action, a rule or a weight, as it
    stands now.
    Source: Elastic Load Balancing API Reference, TargetGroup, LoadBalancerArns
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html).
    moto: only adds to the list, at the creation of listeners and rules, twice if used twice.
    """

    @around(ELBv2Backend, "describe_target_groups")
    def described(original: Any, self: ELBv2Backend, *args: Any, **kwargs: Any) -> Any:
        find_balancers(self)
        return original(self, *args, **kwargs)


def find_balancers(backend: ELBv2Backend) -> None:
    for target_group in backend.target_groups.values():
        target_group.load_balancer_arns = []
    for balancer_arn, group_arn in dict.fromkeys(forwards(backend)):
        if group_arn in backend.target_groups:
            backend.target_groups[group_arn].load_balancer_arns.append(balancer_arn)


def forwards(backend: ELBv2Backend) -> Iterator[tuple[str, str]]:
    """Which load balancer forwards to which target group."""
    for balancer in backend.load_balancers.values():
        for listener in balancer.listeners.values():
            for rule in listener.rules.values():
                for action in rule.actions:
                    for group_arn in backend._get_target_group_arns_from(action.data):
                        yield balancer.arn, group_arn


@mend
def balancer_pages() -> None:
    """ELB: PageSize (1 to 400) and Marker page through listeners and target groups, too; 400 is the default.
    Source: Elastic Load Balancing API Reference, DescribeTargetGroups and DescribeListeners, PageSize
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html).
    moto: answers with all of them. (Load balancers and rules it pages, by 50 unless told.)
    """
    for action, key in (("describe_target_groups", "TargetGroups"), ("describe_listeners", "Listeners")):

        @around(ELBV2Response, action)
        def one_page(original: Any, self: ELBV2Response, key: str = key) -> ActionResult:
            start, size = int(self._get_param("Marker", 0)), self._get_int_param("PageSize", 400)
            found = list(original(self).result[key])
            more = str(start + size) if len(found) > start + size else None
            return ActionResult({key: found[start:start + size], "NextMarker": more})
