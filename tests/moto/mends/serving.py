"""Mends of how moto serves, whatever the call."""

from __future__ import annotations

import functools
import threading
from typing import Any

from moto.core import responses as core_responses
from moto.core.responses import BaseResponse
from moto.ec2.exceptions import InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models import validate_resource_ids
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.responses.tags import TagResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from .registry import around, instead, mend


@mend
def one_call_at_a_time() -> None:
    """AWS: a call is applied as a whole; two calls don't see each other's halves.
    Source: nothing states it; needed so that "nothing changed" holds in the mends below.
    moto: its threads share the state unlocked.
    """
    lock = threading.RLock()

    @around(BaseResponse, "call_action")
    def locked(original: Any, self: BaseResponse) -> Any:
        with lock:
            return original(self)


@mend
def lookups_kept() -> None:
    """No AWS behaviour. moto: at every call lists the several hundred methods of its EC2 class, and the folders of all
    its services, anew: more than half the time of a small call."""
    core_responses.method_names_from_class = functools.cache(core_responses.method_names_from_class)
    find_service = DomainDispatcherApplication.get_backend_for_host
    DomainDispatcherApplication.get_backend_for_host = functools.cache(find_service)


@mend
def tags_found_by_id() -> None:
    """No AWS behaviour. moto: matches the id of a resource as a pattern against every tag of the account, so reading n
    tagged rules takes n² steps."""

    @instead(TaggedEC2Resource, "get_tags")
    def get_tags(self: Any) -> list[dict[str, str]]:
        held = self.ec2_backend.tags.get(self.id, {})
        return [{"key": key, "value": value, "resource_id": self.id} for key, value in held.items()]


@mend
def tagged_rules_must_exist() -> None:
    """EC2: tagging, or untagging, a security group rule that does not exist is refused.
    Source: "Error codes for the Amazon EC2 API", InvalidSecurityGroupRuleId.NotFound
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html); that CreateTags answers with this
    very code is unverified.
    moto: accepts any `sgr-` id.
    """

    def refuse_unknown_rules(original: Any, self: TagResponse) -> Any:
        ids = self._get_param("Resources", [])
        validate_resource_ids(ids)
        for rule_id in ids:
            if rule_id.startswith("sgr-") and not rule_exists(self.ec2_backend, rule_id):
                raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
        return original(self)

    for action in ("create_tags", "delete_tags"):
        around(TagResponse, action)(refuse_unknown_rules)


def rule_exists(backend: SecurityGroupBackend, rule_id: str) -> bool:
    groups = (group for of_vpc in backend.groups.values() for group in of_vpc.values())
    return any(group.get_rule(rule_id) for group in groups)
