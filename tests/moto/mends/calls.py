"""Mends of the calls that change rules: Authorize, Revoke, Modify, UpdateSecurityGroupRuleDescriptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    InvalidParameterValue,
    InvalidPermissionDuplicateError,
    InvalidPermissionNotFoundError,
    InvalidSecurityGroupNotFoundError,
    InvalidSecurityGroupRuleIdNotFoundError,
    RulesPerSecurityGroupLimitExceededError,
)
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend, SecurityGroupRule
from moto.ec2.responses.security_groups import SecurityGroups

from .registry import around, instead, mend
from .rules import check_description, identity, peer_of, set_description

RULE_QUOTA = 60
# AWS's own lists count with these weights:
# https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html
AWS_LIST_WEIGHTS = {"cloudfront.origin-facing": 55, "groundstation": 5, "vpc-lattice": 10, "s3": 1, "dynamodb": 1}
PEER_KINDS = ("CidrIpv4", "CidrIpv6", "ReferencedGroupId", "PrefixListId")


@dataclass(frozen=True)
class Direction:
    name: str
    is_egress: bool

    def rules(self, group: SecurityGroup) -> list[Any]:
        return group.egress_rules if self.is_egress else group.ingress_rules

    def hold(self, group: SecurityGroup, rules: list[Any]) -> None:
        setattr(group, f"{self.name}_rules", rules)


DIRECTIONS = (Direction("ingress", is_egress=False), Direction("egress", is_egress=True))


def called_group(response: SecurityGroups) -> SecurityGroup:
    """The group that a call names, by id or name."""
    named = response._get_param("GroupId") or response._get_param("GroupName")
    group = response.ec2_backend.get_security_group_by_name_or_id(named)
    if group is None:
        raise InvalidSecurityGroupNotFoundError(named)
    return group


def called_rules(response: SecurityGroups, direction: Direction) -> list[Any]:
    """The rules that a call spells out as permissions, built but not put in place."""
    backend = response.ec2_backend
    group = called_group(response)
    rules: list[Any] = []
    for permission in response._process_rules_from_querystring():
        if permission["ip_protocol"] is None:
            continue
        peers = (permission["ip_ranges"], backend._add_source_group(permission["source_groups"], None),
                 permission["prefix_list_ids"])
        rules += backend._iterate_security_rules(permission["ip_protocol"], group.id, permission["from_port"],
                                                 permission["to_port"], *peers, is_egress=direction.is_egress)
    return rules


def rule_answer(rule: Any) -> dict[str, Any]:
    """A rule as the API's SecurityGroupRule. Where there are no ports, that type has -1."""
    peer = {key: rule.source_group.get(key) for key in ("GroupId", "UserId", "VpcId") if rule.source_group.get(key)}
    backend = rule.ec2_backend
    return {
        "SecurityGroupRuleId": rule.id,
        "SecurityGroupRuleArn": f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:security-group-rule/{rule.id}",
        "GroupId": rule.group_id,
        "GroupOwnerId": backend.account_id,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.ip_protocol,
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        "CidrIpv4": rule.cidr_ipv4,
        "CidrIpv6": rule.cidr_ipv6,
        "PrefixListId": rule.prefix_list_id,
        "ReferencedGroupInfo": peer or None,
        "ReferencedGroupId": peer.get("GroupId"),  # in RevokedSecurityGroupRule, which lacks the Info
        "Description": rule.description,
        "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in rule.get_tags()],
    }


@mend
def authorize_answers_all() -> None:
    """EC2: Authorize answers with every rule that it added.
    Source: EC2 API Reference, AuthorizeSecurityGroupIngress, SecurityGroupRules
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html).
    moto: answers with those of the last permission.
    """
    for direction in DIRECTIONS:
        instead(SecurityGroups, f"authorize_security_group_{direction.name}")(authorizer(direction))


def authorizer(direction: Direction) -> Any:
    def authorize(self: SecurityGroups) -> ActionResult:
        self.error_on_dryrun()
        call = getattr(self.ec2_backend, f"authorize_security_group_{direction.name}")
        added = [rule for permission in self._process_rules_from_querystring() for rule in call(**permission)[0]]
        return ActionResult({"Return": True, "SecurityGroupRules": [rule_answer(rule) for rule in added]})

    return authorize


@mend
def rule_quota() -> None:
    """EC2: 60 rules for each direction, counted apart for IPv4 and IPv6. A customer's prefix list counts its most
    entries, one of AWS's its weight. A peer group counts once (that it counts for IPv4 and for IPv6 is unverified).
    Source: Amazon VPC User Guide, "Amazon VPC quotas", security groups
    (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
    moto: counts all rules of a direction together, and no prefix lists.
    """
    instead(SecurityGroupBackend, "_verify_group_will_respect_rule_count_limit")(lambda *_, **__: None)

    for direction in DIRECTIONS:

        @around(SecurityGroups, f"authorize_security_group_{direction.name}")
        def within_quota(original: Any, self: SecurityGroups, direction: Direction = direction) -> ActionResult:
            answer = original(self)
            if max(rule_counts(self.ec2_backend, direction.rules(called_group(self)))) > RULE_QUOTA:
                raise RulesPerSecurityGroupLimitExceededError
            return answer


def rule_counts(backend: Any, rules: Iterable[Any]) -> tuple[int, int]:
    """What rules count for IPv4 and for IPv6."""
    weights = [rule_weight(backend, rule) for rule in rules]
    return sum(weight[0] for weight in weights), sum(weight[1] for weight in weights)


def rule_weight(backend: Any, rule: Any) -> tuple[int, int]:
    if rule.prefix_list_id:
        weight, family = prefix_list_weight(backend.managed_prefix_lists.get(rule.prefix_list_id))
        return (weight, 0) if family == "IPv4" else (0, weight)
    return (0 if rule.cidr_ipv6 else 1, 0 if rule.cidr_ipv4 else 1)


def prefix_list_weight(prefix_list: Any) -> tuple[int, str]:
    if prefix_list is None:
        return 1, "IPv4"
    if prefix_list.max_entries:
        return int(prefix_list.max_entries), prefix_list.address_family
    of_name = (weight for name, weight in AWS_LIST_WEIGHTS.items() if prefix_list.prefix_list_name.endswith(name))
    return next(of_name, 1), prefix_list.address_family


@mend
def same_rule_twice_refused() -> None:
    """EC2: the same rule twice in one call is InvalidParameterValue, after canonicalising.
    Source: shared fact of this project, `facts/aws.md`; the public reference names no code.
    moto: InvalidPermission.Duplicate.
    """
    for direction in DIRECTIONS:

        @around(SecurityGroups, f"authorize_security_group_{direction.name}")
        def no_twins(original: Any, self: SecurityGroups, direction: Direction = direction) -> ActionResult:
            wanted = [identity(rule) for rule in called_rules(self, direction)]
            if len(set(wanted)) < len(wanted):
                raise InvalidParameterValue("The same permission must not appear multiple times")
            return original(self)


@mend
def all_or_nothing() -> None:
    """EC2: an Authorize that fails changes nothing. AWS's documents do not say so: unverified.
    Source: none; Revoke says so for itself (RevokeSecurityGroupIngress, "no rules are revoked").
    moto: the permissions before the one that failed stay.
    """
    for direction in DIRECTIONS:

        @around(SecurityGroups, f"authorize_security_group_{direction.name}")
        def undone_if_refused(original: Any, self: SecurityGroups, direction: Direction = direction) -> ActionResult:
            group, tags = called_group(self), self.ec2_backend.tags
            before, tagged_before = list(direction.rules(group)), set(tags)
            try:
                return original(self)
            except ServiceException:
                direction.hold(group, before)
                for resource_id in set(tags) - tagged_before:
                    del tags[resource_id]
                raise


def take_away(group: SecurityGroup, direction: Direction, rules: list[Any]) -> None:
    """Remove rules and their tags."""
    gone = {rule.id for rule in rules}
    direction.hold(group, [rule for rule in direction.rules(group) if rule.id not in gone])
    for rule_id in gone:
        group.ec2_backend.tags.pop(rule_id, None)


@mend
def revoke_whole_calls() -> None:
    """EC2: an unknown rule id is InvalidSecurityGroupRuleId.NotFound. A permission that matches no rule is, in a
    default VPC, answered in UnknownIpPermissions, and the others go; elsewhere InvalidPermission.NotFound, and none go.
    Source: EC2 API Reference, RevokeSecurityGroupIngress
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html).
    moto: InvalidPermission.NotFound in all cases, earlier permissions revoked; ignores IPv6 rules of egress in a VPC
    without IPv6; keeps a revoked rule's tags.
    """
    for direction in DIRECTIONS:
        instead(SecurityGroups, f"revoke_security_group_{direction.name}")(revoker(direction))


def revoker(direction: Direction) -> Any:
    def revoke(self: SecurityGroups) -> ActionResult:
        self.error_on_dryrun()
        group = called_group(self)
        ids = self._get_param("SecurityGroupRuleIds", [])
        found = [rule_by_id(group, direction, rule_id) for rule_id in ids]
        wanted = called_rules(self, direction)
        in_place = direction.rules(group)
        unknown = [rule for rule in wanted if rule not in in_place]
        if unknown and not self.ec2_backend.vpcs[group.vpc_id].is_default:
            raise InvalidPermissionNotFoundError
        found += [rule for rule in in_place if rule in wanted]
        answer = [rule_answer(rule) for rule in found]
        take_away(group, direction, found)
        return ActionResult({"Return": True, "RevokedSecurityGroupRules": answer,
                             "UnknownIpPermissions": group._flattened_rules(unknown)})

    return revoke


def rule_by_id(group: SecurityGroup, direction: Direction, rule_id: str) -> Any:
    for rule in direction.rules(group):
        if rule.id == rule_id:
            return rule
    raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)


@mend
def descriptions_updated() -> None:
    """EC2: UpdateSecurityGroupRuleDescriptions names rules by id or by permission, whatever their peer; leaving the
    description out removes it. (That an unknown permission is InvalidPermission.NotFound is unverified.)
    Source: EC2 API Reference, UpdateSecurityGroupRuleDescriptionsIngress
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html).
    moto: does nothing by id, nothing for prefix lists, never removes one, and acts on a dry run.
    """
    for direction in DIRECTIONS:
        instead(SecurityGroups, f"update_security_group_rule_descriptions_{direction.name}")(describer(direction))


def describer(direction: Direction) -> Any:
    def update(self: SecurityGroups) -> ActionResult:
        self.error_on_dryrun()
        group = called_group(self)
        by_id = self._get_param("SecurityGroupRuleDescriptions", [])
        changes = [(rule_by_id(group, direction, named["SecurityGroupRuleId"]), named.get("Description"))
                   for named in by_id]
        changes += [(rule_alike(group, direction, wanted), wanted.description)
                    for wanted in called_rules(self, direction)]
        for _, description in changes:
            check_description(description)
        for rule, description in changes:
            set_description(rule, description)
        return ActionResult({"Return": True})

    return update


def rule_alike(group: SecurityGroup, direction: Direction, wanted: Any) -> Any:
    for rule in direction.rules(group):
        if rule == wanted:
            return rule
    raise InvalidPermissionNotFoundError


@mend
def rules_modified_in_place() -> None:
    """EC2: ModifySecurityGroupRules replaces protocol, ports, peer and description of a rule, keeping its id and its
    kind of peer. (A description left out stays, and a clash is InvalidPermission.Duplicate: both unverified.)
    Source: EC2 API Reference, ModifySecurityGroupRules and SecurityGroupRuleRequest
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySecurityGroupRules.html).
    moto: changes the peer of IPv4 rules only, keeps raw protocols and CIDRs, sees no clash, modifies in part.
    """

    @instead(SecurityGroupBackend, "modify_security_group_rules")
    def modify(self: Any, group_id: str, rules: dict[str, dict[str, Any]]) -> None:
        group = self.get_security_group_from_id(group_id)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(group_id)
        changes = [(group.get_rule(rule_id), modified(group, rule_id, request)) for rule_id, request in rules.items()]
        for rule, replacement in changes:
            for part in ("ip_protocol", "from_port", "to_port", "ip_range", "source_group", "prefix_list_id",
                         "prefix_list"):
                setattr(rule, part, getattr(replacement, part))


def modified(group: SecurityGroup, rule_id: str, request: dict[str, Any]) -> SecurityGroupRule:
    """The rule that a SecurityGroupRuleRequest makes of an existing one."""
    rule = group.get_rule(rule_id)
    if rule is None:
        raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
    named = [kind for kind in PEER_KINDS if request.get(kind)]
    if len(named) != 1:
        raise InvalidParameterValue("The request must contain exactly one of: " + ", ".join(PEER_KINDS))
    replacement = requested_rule(group, request, named[0], request.get("Description", rule.description), rule.is_egress)
    if [part is None for part in peer_of(replacement)] != [part is None for part in peer_of(rule)]:
        raise InvalidParameterValue(f"Invalid rule type for security group rule '{rule_id}'. "
                                    f"You may not specify {named[0]} for an existing rule of another type.")
    in_place = group.egress_rules if rule.is_egress else group.ingress_rules
    if any(other == replacement for other in in_place if other.id != rule_id):
        raise InvalidPermissionDuplicateError
    return replacement


def requested_rule(group: SecurityGroup, request: dict[str, Any], kind: str, description: str | None,
                   is_egress: bool) -> SecurityGroupRule:
    backend = group.ec2_backend
    described = {"Description": description} if description else {}
    ranges = {"CidrIpv4": "CidrIp", "CidrIpv6": "CidrIpv6"}
    ip_range = {ranges[kind]: request[kind], **described} if kind in ranges else None
    pairs = [{"GroupId": request[kind], **described}] if kind == "ReferencedGroupId" else []
    source_group = next(iter(backend._add_source_group(pairs, None)), None)
    prefix_list = {"PrefixListId": request[kind], **described} if kind == "PrefixListId" else None
    return SecurityGroupRule(backend, request.get("IpProtocol"), group.id, request.get("FromPort"),
                             request.get("ToPort"), ip_range, source_group, prefix_list, is_egress=is_egress)
