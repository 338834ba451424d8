"""Mends of the calls that read: filters and pages."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.responses import ActionResult, BaseResponse
from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidGroupIdMalformedError,
    InvalidParameterValue,
    InvalidSecurityGroupRuleIdNotFoundError,
)
from moto.ec2.models import security_groups as moto_security_groups
from moto.ec2.responses._base_response import EC2BaseResponse
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.utils import is_valid_security_group_id

from .calls import rule_answer
from .registry import around, instead, mend

Matches = Callable[[str], bool]


@mend
def filters_match_literally() -> None:
    """EC2: in a filter's value only * and ? are special; at most 200 values.
    Source: Amazon EC2 User Guide, "List and filter using the CLI and API"
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html).
    moto: takes it for a regular expression, at a cost of values × groups; sets no limit.
    """
    moto_security_groups.aws_api_matches = lambda pattern, value: matcher([pattern])(str(value))

    @around(EC2BaseResponse, "_filters_from_querystring")
    def limited(original: Any, self: EC2BaseResponse) -> dict[str, Any]:
        filters = original(self)
        if any(len(values) > 200 for values in filters.values()):
            raise EC2ClientError("FilterLimitExceeded", "The maximum number of filter values, 200, is exceeded.")
        return filters


def matcher(values: Iterable[str]) -> Matches:
    """Whether a string matches any of a filter's values."""
    literal = frozenset(value for value in values if not set(value) & set("*?\\"))
    patterns = [re.compile(as_regex(value), re.DOTALL) for value in values if value not in literal]
    return lambda string: string in literal or any(pattern.fullmatch(string) for pattern in patterns)


def as_regex(value: str) -> str:
    """An AWS wildcard pattern as a regular expression. A backslash takes a wildcard's meaning away."""
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    return "".join({"*": ".*", "?": "."}.get(part, re.escape(part[-1])) for part in parts)


@mend
def dry_runs() -> None:
    """EC2: DescribeSecurityGroups takes DryRun, like the others.
    Source: EC2 API Reference, DescribeSecurityGroups, DryRun
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html).
    moto: answers as if it weren't there.
    """

    @around(SecurityGroups, "describe_security_groups")
    def describe(original: Any, self: SecurityGroups) -> ActionResult:
        self.error_on_dryrun()
        return original(self)


@mend
def rules_read() -> None:
    """EC2: DescribeSecurityGroupRules filters by group-id, security-group-rule-id, tag:KEY and tag-key, and answers
    with each rule's description and tags. Any other filter is InvalidParameterValue.
    Source: EC2 API Reference, DescribeSecurityGroupRules
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html).
    moto: copies every rule of the account first, answers 500 to an unknown filter, leaves out the rule's ARN.
    """

    @instead(SecurityGroups, "describe_security_group_rules")
    def describe(self: SecurityGroups) -> ActionResult:
        self.error_on_dryrun()
        rules = rules_named(all_rules(self.ec2_backend), self._get_param("SecurityGroupRuleIds", []))
        for name, values in self._filters_from_querystring().items():
            wanted = rule_filter(name, values)
            rules = [rule for rule in rules if wanted(rule)]
        return ActionResult({"SecurityGroupRules": [rule_answer(rule) for rule in rules]})


def all_rules(backend: Any) -> list[Any]:
    groups = (group for of_vpc in backend.groups.values() for group in of_vpc.values())
    return [rule for group in groups for rule in (*group.egress_rules, *group.ingress_rules)]


def rules_named(rules: list[Any], ids: list[str]) -> list[Any]:
    if not ids:
        return rules
    by_id = {rule.id: rule for rule in rules}
    for rule_id in ids:
        if rule_id not in by_id:
            raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
    return [by_id[rule_id] for rule_id in dict.fromkeys(ids)]


def rule_filter(name: str, values: list[str]) -> Callable[[Any], bool]:
    matches = matcher(values)
    if name == "group-id":
        check_group_ids(values)
        return lambda rule: matches(rule.group_id)
    if name == "security-group-rule-id":
        return lambda rule: matches(rule.id)
    if name == "tag-key":
        return lambda rule: any(matches(tag["key"]) for tag in rule.get_tags())
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda rule: any(tag["key"] == key and matches(tag["value"]) for tag in rule.get_tags())
    raise InvalidParameterValue(f"The filter '{name}' is invalid")


def check_group_ids(ids: list[str]) -> None:
    for group_id in ids:
        if not is_valid_security_group_id(group_id):
            raise InvalidGroupIdMalformedError(group_id)


@mend
def pages() -> None:
    """EC2: MaxResults (5 to 1,000) and NextToken page through an answer.
    Source: EC2 API Reference, DescribeSecurityGroupRules, DescribeSecurityGroups and DescribeNetworkInterfaces
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html).
    moto: ignores both and answers with all. Pages are in the order of ids, so that a page stays right when things
    come or go between two.
    """
    page_answers(SecurityGroups, "describe_security_group_rules", "SecurityGroupRules",
                 lambda rule: rule["SecurityGroupRuleId"])
    page_answers(SecurityGroups, "describe_security_groups", "SecurityGroups", lambda group: group.id)
    page_answers(ElasticNetworkInterfaces, "describe_network_interfaces", "NetworkInterfaces", lambda eni: eni.id)


def page_answers(owner: type[BaseResponse], action: str, key: str, identify: Callable[[Any], str]) -> None:
    @around(owner, action)
    def one_page(original: Any, self: BaseResponse) -> ActionResult:
        answer: Any = original(self).result
        limit, token = self._get_int_param("MaxResults"), self._get_param("NextToken")
        if limit is None and token is None:
            return ActionResult(answer)
        if limit is not None and not 5 <= limit <= 1000:
            raise InvalidParameterValue(f"Value ( {limit} ) for parameter maxResults is invalid. "
                                        "Expecting a value between 5 and 1000.")
        shown, next_token = page_after(answer[key], identify, token, limit or 1000)
        return ActionResult({**answer, key: shown, "NextToken": next_token})


def page_after(items: Iterable[Any], identify: Callable[[Any], str], token: str | None,
               limit: int) -> tuple[list[Any], str | None]:
    last_seen = decoded(token) if token else ""
    rest = sorted((item for item in items if identify(item) > last_seen), key=identify)
    more = len(rest) > limit
    return rest[:limit], encoded(identify(rest[limit - 1])) if more else None


def encoded(last_seen: str) -> str:
    return base64.urlsafe_b64encode(last_seen.encode()).decode()


def decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        raise EC2ClientError("InvalidPaginationToken", "The specified pagination token is not valid.") from None
