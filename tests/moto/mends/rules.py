"""Mends of what a security group rule is: how it is held, and what tells it from another."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidParameterValue, InvalidSecurityGroupNotFoundError
from moto.ec2.models import ec2_backends
from moto.ec2.models.security_groups import (
    GroupedSecurityRuleView,
    SecurityGroup,
    SecurityGroupBackend,
    SecurityGroupRule,
)

from .registry import around, instead, mend

PROTOCOL_NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
VALID_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")


@mend
def canonical_rules() -> None:
    """EC2: holds 6, 17, 1 and 58 as tcp, udp, icmp and icmpv6, and clears the host bits of a CIDR: 100.68.0.18/18
    becomes 100.68.0.0/18. TCP and UDP need ports; ICMP's default to -1; other protocols have none.
    Source: EC2 API Reference, AuthorizeSecurityGroupIngress (CidrIp, IpProtocol) and IpPermission
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html).
    moto: keeps `58` and host bits as they came, and answers 500 to a rule without ports.
    """

    @around(SecurityGroupRule, "__init__")
    def built(original: Any, self: Any, backend: Any, ip_protocol: str, group_id: str, from_port: Any, to_port: Any,
              ip_range: Any, *args: Any, **kwargs: Any) -> None:
        protocol = canonical_protocol(ip_protocol)
        ports = canonical_ports(protocol, from_port, to_port)
        original(self, backend, protocol, group_id, *ports, canonical_range(ip_range), *args, **kwargs)
        if protocol not in ("tcp", "udp", "icmp", "icmpv6"):
            self.from_port = self.to_port = None


def canonical_protocol(protocol: str | None) -> str:
    if not protocol:
        raise InvalidParameterValue("Invalid value 'null' for protocol. "
                                    "VPC security group rules must specify protocols explicitly.")
    lower = str(protocol).lower()
    return PROTOCOL_NAMES.get(lower, lower)


def canonical_ports(protocol: str, from_port: Any, to_port: Any) -> tuple[int, int]:
    if protocol in ("tcp", "udp") and None in (from_port, to_port):
        raise InvalidParameterValue("Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")
    return (-1 if from_port is None else int(from_port), -1 if to_port is None else int(to_port))


def canonical_range(ip_range: Any) -> Any:
    if not isinstance(ip_range, dict):
        return ip_range
    return {key: canonical_cidr(value) if key in ("CidrIp", "CidrIpv6") else value for key, value in ip_range.items()}


def canonical_cidr(cidr: str) -> str:
    try:
        return str(ipaddress.ip_network(cidr, strict=False))
    except ValueError:
        raise InvalidParameterValue(f"CIDR block {cidr} is malformed") from None


@mend
def rule_identity() -> None:
    """EC2: a rule is its protocol, ports and peer. An existing rule with another description is a duplicate, and so
    is one whose peer group is named with its VPC.
    Source: EC2 API Reference, RevokeSecurityGroupIngress ("Each rule has a protocol, from and to ports, and source …
    you do not need to specify the description to revoke the rule";
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html).
    moto: compares the peer group's description, VPC and owner too.
    """

    @instead(SecurityGroupRule, "__eq__")
    def same(self: SecurityGroupRule, other: object) -> bool:
        return isinstance(other, SecurityGroupRule) and identity(self) == identity(other)


def identity(rule: SecurityGroupRule) -> tuple[Any, ...]:
    return (rule.ip_protocol, rule.from_port, rule.to_port, *peer_of(rule))


def peer_of(rule: SecurityGroupRule) -> tuple[str | None, ...]:
    return (rule.cidr_ipv4, rule.cidr_ipv6, rule.source_group.get("GroupId"), rule.prefix_list_id)


@mend
def described_peers() -> None:
    """EC2: a rule has a description whatever its peer is.
    Source: EC2 API Reference, SecurityGroupRule, UserIdGroupPair and PrefixListId
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html).
    moto: DescribeSecurityGroupRules reads it from CIDR rules only; a prefix list's is dropped at once.
    """

    @around(SecurityGroupRule, "__init__")
    def built(original: Any, self: Any, backend: Any, ip_protocol: str, group_id: str, from_port: Any, to_port: Any,
              ip_range: Any, source_group: Any = None, prefix_list_id: Any = None, **kwargs: Any) -> None:
        original(self, backend, ip_protocol, group_id, from_port, to_port, ip_range, source_group, prefix_list_id,
                 **kwargs)
        self.prefix_list = dict(prefix_list_id or {})

    SecurityGroupRule.description = property(lambda self: described_part(self).get("Description"))
    instead(SecurityGroup, "_flattened_rules")(grouped_permissions)


def described_part(rule: Any) -> dict[str, str]:
    """The part of a rule that carries its description, as in IpPermission."""
    if rule.prefix_list_id:
        return rule.prefix_list
    return rule.source_group or rule.ip_range


def set_description(rule: Any, description: str | None) -> None:
    if description:
        described_part(rule)["Description"] = description
    else:
        described_part(rule).pop("Description", None)


def grouped_permissions(_group: Any, rules: Sequence[Any]) -> list[GroupedSecurityRuleView]:
    """Rules as IpPermissions: one for each protocol and ports."""
    views: dict[tuple[Any, ...], GroupedSecurityRuleView] = {}
    for rule in rules:
        ports = (rule.from_port, rule.to_port, rule.ip_protocol)
        view = views.setdefault(ports, GroupedSecurityRuleView(*ports))
        if rule.prefix_list_id:
            view.prefix_list_ids.append(rule.prefix_list)
        elif rule.source_group:
            view.source_groups.append(rule.source_group)
        else:
            view.all_ip_ranges.append(rule.ip_range)
    return list(views.values())


@mend
def descriptions_checked() -> None:
    """EC2: a description has at most 255 characters of a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*
    Source: EC2 API Reference, IpRange, Description (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html).
    moto: takes any.
    """

    @around(SecurityGroupRule, "__init__")
    def built(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        check_description(self.description)


def check_description(description: str | None) -> None:
    if description and not VALID_DESCRIPTION.fullmatch(description):
        raise InvalidParameterValue("Invalid rule description. Valid descriptions are strings less than 256 characters "
                                    "from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*")


@mend
def peers_of_other_accounts() -> None:
    """EC2: a peer group may belong to another account, named by UserId.
    Source: EC2 API Reference, UserIdGroupPair (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UserIdGroupPair.html).
    moto: looks for it in the caller's account only. (Neither asks whether the VPCs are peered; EC2 does.)
    """

    @instead(SecurityGroupBackend, "_add_source_group")
    def resolved(self: Any, source_groups: list[dict[str, Any]] | None, vpc_id: str | None) -> list[dict[str, Any]]:
        return [resolved_peer(self, dict(pair), vpc_id) for pair in source_groups or []]


def resolved_peer(backend: Any, pair: dict[str, Any], vpc_id: str | None) -> dict[str, Any]:
    owner = pair.setdefault("UserId", backend.account_id)
    home = backend if owner == backend.account_id else ec2_backends[owner][backend.region_name]
    wanted = pair.get("GroupId") or pair.pop("GroupName", None)
    group = home.get_security_group_by_name_or_id(wanted, vpc_id)
    if group is None:
        raise InvalidSecurityGroupNotFoundError(wanted)
    return {**pair, "GroupId": group.id}


@mend
def prefix_lists_must_exist() -> None:
    """EC2: a rule's prefix list must exist.
    Source: "Error codes for the Amazon EC2 API", InvalidPrefixListID.NotFound
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html).
    moto: takes any id.
    """

    def refuse_unknown(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        for prefix_list in kwargs.get("prefix_list_ids") or []:
            listed = prefix_list.get("PrefixListId")
            if listed not in self.managed_prefix_lists:
                raise EC2ClientError("InvalidPrefixListID.NotFound", f"The prefix list ID '{listed}' does not exist")
        return original(self, *args, **kwargs)

    for action in ("authorize_security_group_ingress", "authorize_security_group_egress"):
        around(SecurityGroupBackend, action)(refuse_unknown)
