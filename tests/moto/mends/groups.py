"""Mends of security groups as a whole."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.responses.security_groups import SecurityGroups

from .calls import called_group
from .describing import all_rules
from .registry import around, mend


@mend
def groups_in_use_stay() -> None:
    """EC2: a group that an interface (an instance's, a load balancer's) carries, or that another group's rule names,
    can't be deleted: DependencyViolation. Nor can a VPC's default group: CannotDelete.
    Source: EC2 API Reference, DeleteSecurityGroup
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html).
    moto: deletes any group.
    """

    @around(SecurityGroups, "delete_security_group")
    def unless_in_use(original: Any, self: SecurityGroups) -> ActionResult:
        self.error_on_dryrun()
        group = called_group(self)
        if group.name == "default":
            raise EC2ClientError("CannotDelete", f"the specified group: \"{group.id}\" name: \"default\" "
                                                 "cannot be deleted by a user")
        if is_carried(group) or is_named(group):
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
        return original(self)


def is_carried(group: SecurityGroup) -> bool:
    return any(group in interface.group_set for interface in group.ec2_backend.enis.values())


def is_named(group: SecurityGroup) -> bool:
    return any(rule.source_group.get("GroupId") == group.id
               for rule in all_rules(group.ec2_backend) if rule.group_id != group.id)


@mend
def tags_go_with_groups() -> None:
    """EC2: what is deleted has no tags.
    Source: Amazon EC2 User Guide, "Tag your Amazon EC2 resources" ("If you delete a resource, any tags for the
    resource are also deleted"; https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html).
    moto: DescribeTags goes on listing them.
    """

    @around(SecurityGroups, "delete_security_group")
    def with_tags(original: Any, self: SecurityGroups) -> ActionResult:
        self.error_on_dryrun()
        group = called_group(self)
        original(self)
        forget_tags_of(self.ec2_backend, group)
        return EmptyResult()


def forget_tags_of(backend: Any, group: SecurityGroup) -> None:
    for gone in (group, *group.ingress_rules, *group.egress_rules):
        backend.tags.pop(gone.id, None)
