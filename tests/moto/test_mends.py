"""Each mend of the stand-in, seen from outside: `VENV/bin/python -m unittest test_mends` in this folder.

`VENV/bin/python test_mends.py --leaving-out` runs each mend's test against a server that lacks the mend, and fails if
one passes there all the same: it takes a few minutes.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import pathlib
import subprocess
import sys
import time
import unittest
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

HERE = pathlib.Path(__file__).parent
# These make the server quick or its calls whole; no single call from outside shows them.
NOT_TESTED_ALONE = {"one_call_at_a_time", "lookups_kept"}
LEFT_OUT = os.environ.get("MEND_LEFT_OUT", "")
OTHER_ACCOUNT = "222222222222"
serial = itertools.count()


class Server:
    """The launched stand-in. Ends with this process, whatever becomes of it: its standard input closes."""

    def __init__(self) -> None:
        without = ["--without", LEFT_OUT] if LEFT_OUT else []
        self.process = subprocess.Popen([sys.executable, HERE / "launch.py", "--exit-on-stdin-eof", *without],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().removeprefix("ready ").strip()

    def client(self, service: str, key: str = "AKIAIOSFODNN7EXAMPLE", token: str | None = None) -> Any:
        return boto3.client(service, endpoint_url=self.url, region_name="eu-west-1", aws_access_key_id=key,
                            aws_secret_access_key="secret", aws_session_token=token,
                            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False))

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate()


server: Server
ec2: Any
elb: Any


def setUpModule() -> None:
    global server, ec2, elb
    server = Server()
    unittest.addModuleCleanup(server.stop)
    ec2, elb = server.client("ec2"), server.client("elbv2")


def name() -> str:
    return f"it-{next(serial)}"


def tcp(port: int, *cidrs: str, **peers: Any) -> dict[str, Any]:
    ranges = [{"CidrIp": cidr} for cidr in cidrs]
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges, **peers}


def tagged(**tags: str) -> list[dict[str, Any]]:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"ResourceType": "security-group-rule", "Tags": pairs}]


def filtered(**values: Any) -> list[dict[str, Any]]:
    return [{"Name": name.replace("_", "-"), "Values": listed} for name, listed in values.items()]


class Case(unittest.TestCase):
    @functools.cached_property
    def vpc(self) -> str:
        return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    @functools.cached_property
    def subnets(self) -> list[str]:
        return [ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{nr}.0/24", AvailabilityZone=f"eu-west-1{zone}")
                ["Subnet"]["SubnetId"] for nr, zone in enumerate("ab", start=1)]

    def group(self, vpc: str | None = None) -> str:
        return ec2.create_security_group(GroupName=name(), Description="for a test", VpcId=vpc or self.vpc)["GroupId"]

    def allow(self, group: str, *permissions: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        return ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permissions, **more)[
            "SecurityGroupRules"]

    def rules(self, group: str, egress: bool = False) -> list[dict[str, Any]]:
        found = ec2.describe_security_group_rules(Filters=filtered(group_id=[group]))["SecurityGroupRules"]
        return [rule for rule in found if rule["IsEgress"] == egress]

    def balancer(self, groups: list[str], **more: Any) -> dict[str, Any]:
        return elb.create_load_balancer(Name=name(), Subnets=self.subnets, SecurityGroups=groups, **more)[
            "LoadBalancers"][0]

    def target_group(self, **more: Any) -> dict[str, Any]:
        return elb.create_target_group(Name=name(), Protocol="HTTP", Port=8080, VpcId=self.vpc, **more)[
            "TargetGroups"][0]

    def listener(self, balancer: dict[str, Any], action: dict[str, Any], port: int = 80) -> str:
        return elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=port,
                                   DefaultActions=[action])["Listeners"][0]["ListenerArn"]

    def instance(self, **more: Any) -> str:
        return ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **more)["Instances"][0]["InstanceId"]

    def interface(self, eni_id: str) -> dict[str, Any]:
        return ec2.describe_network_interfaces(NetworkInterfaceIds=[eni_id])["NetworkInterfaces"][0]

    def interfaces(self, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]

    @contextlib.contextmanager
    def refused(self, code: str) -> Iterator[None]:
        with self.assertRaises(ClientError) as caught:
            yield
        self.assertEqual(caught.exception.response["Error"]["Code"], code)


def forward(*groups: dict[str, Any]) -> dict[str, Any]:
    weighted = [{"TargetGroupArn": group["TargetGroupArn"], "Weight": 1} for group in groups]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}


def group_ids(interface: dict[str, Any]) -> set[str]:
    return {group["GroupId"] for group in interface["Groups"]}


class Rules(Case):
    def test_canonical_rules(self) -> None:
        group = self.group()
        added = self.allow(group, tcp(80, "100.68.0.18/18"), {"IpProtocol": "58", "Ipv6Ranges": [
            {"CidrIpv6": "2001:DB8::1/64"}]}, {"IpProtocol": "17", "FromPort": 53, "ToPort": 53,
                                               "IpRanges": [{"CidrIp": "10.0.0.0/8"}]})
        held = {(rule["IpProtocol"], rule["FromPort"], rule.get("CidrIpv4") or rule.get("CidrIpv6")) for rule in added}
        self.assertEqual(held, {("tcp", 80, "100.68.0.0/18"), ("icmpv6", -1, "2001:db8::/64"),
                                ("udp", 53, "10.0.0.0/8")})
        with self.refused("InvalidPermission.Duplicate"):
            self.allow(group, {**tcp(80, "100.68.0.0/18"), "IpProtocol": "6"})

    def test_rule_identity(self) -> None:
        group, peer = self.group(), self.group()
        self.allow(group, tcp(80, UserIdGroupPairs=[{"GroupId": peer, "Description": "one"}]))
        for pair in ({"GroupId": peer, "Description": "two"}, {"GroupId": peer, "VpcId": self.vpc}):
            with self.refused("InvalidPermission.Duplicate"):
                self.allow(group, tcp(80, UserIdGroupPairs=[pair]))
        self.allow(group, tcp(81, UserIdGroupPairs=[{"GroupId": peer}]))

    def test_described_peers(self) -> None:
        group, peer = self.group(), self.group()
        listed = ec2.create_managed_prefix_list(PrefixListName=name(), MaxEntries=1, AddressFamily="IPv4")[
            "PrefixList"]["PrefixListId"]
        self.allow(group, tcp(80, UserIdGroupPairs=[{"GroupId": peer, "Description": "of group"}],
                              PrefixListIds=[{"PrefixListId": listed, "Description": "of list"}]))
        self.assertEqual({rule["Description"] for rule in self.rules(group)}, {"of group", "of list"})
        inline = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"][0]
        self.assertEqual(inline["PrefixListIds"], [{"PrefixListId": listed, "Description": "of list"}])

    def test_descriptions_checked(self) -> None:
        group = self.group()
        for bad in ("it's", "a|b", "x" * 256):
            with self.refused("InvalidParameterValue"):
                self.allow(group, tcp(80, IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": bad}]))
        good = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        self.allow(group, tcp(80, IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": good}]))

    def test_peers_of_other_accounts(self) -> None:
        theirs = other_account()
        vpc = theirs.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        peer = theirs.create_security_group(GroupName=name(), Description="theirs", VpcId=vpc)["GroupId"]
        group = self.group()
        with self.refused("InvalidGroup.NotFound"):
            self.allow(group, tcp(80, UserIdGroupPairs=[{"GroupId": peer}]))
        [rule] = self.allow(group, tcp(80, UserIdGroupPairs=[{"GroupId": peer, "UserId": OTHER_ACCOUNT}]))
        self.assertEqual(rule["ReferencedGroupInfo"], {"GroupId": peer, "UserId": OTHER_ACCOUNT})

    def test_prefix_lists_must_exist(self) -> None:
        group = self.group()
        with self.refused("InvalidPrefixListID.NotFound"):
            self.allow(group, tcp(80, PrefixListIds=[{"PrefixListId": "pl-00000000000000000"}]))

    def test_default_egress(self) -> None:
        [rule] = self.rules(self.group(), egress=True)
        self.assertRegex(rule["SecurityGroupRuleId"], "^sgr-[0-9a-f]{17}$")
        self.assertEqual((rule["IpProtocol"], rule["CidrIpv4"], rule["FromPort"], rule["Tags"]),
                         ("-1", "0.0.0.0/0", -1, []))


def other_account() -> Any:
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/stand-in"
    held = server.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return server.client("ec2", held["AccessKeyId"], held["SessionToken"])


class Calls(Case):
    def test_authorize_answers_all(self) -> None:
        added = self.allow(self.group(), tcp(80, "10.0.0.0/8", "10.1.0.0/16"), tcp(81, "10.0.0.0/8"),
                           TagSpecifications=tagged(owner="us"))
        self.assertEqual([rule["FromPort"] for rule in added], [80, 80, 81])
        self.assertEqual(len({rule["SecurityGroupRuleId"] for rule in added}), 3)
        self.assertTrue(all(rule["Tags"] == [{"Key": "owner", "Value": "us"}] for rule in added))

    def test_rule_quota(self) -> None:
        group = self.group()
        self.allow(group, *(tcp(port, "10.0.0.0/8") for port in range(60)))
        six = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}]}
        self.allow(group, six)
        with self.refused("RulesPerSecurityGroupLimitExceeded"):
            self.allow(group, tcp(60, "10.0.0.0/8"))
        cloudfront = ec2.describe_managed_prefix_lists(Filters=filtered(prefix_list_name=[
            "com.amazonaws.global.cloudfront.origin-facing"]))["PrefixLists"][0]["PrefixListId"]
        weighty = self.group()
        self.allow(weighty, tcp(80, PrefixListIds=[{"PrefixListId": cloudfront}]))
        with self.refused("RulesPerSecurityGroupLimitExceeded"):
            self.allow(weighty, tcp(443, PrefixListIds=[{"PrefixListId": cloudfront}]))
        self.assertEqual((len(self.rules(group)), len(self.rules(weighty))), (61, 1))

    def test_same_rule_twice_refused(self) -> None:
        group = self.group()
        with self.refused("InvalidParameterValue"):
            self.allow(group, tcp(80, "10.0.0.1/8"), tcp(80, "10.0.0.2/8"))
        self.assertEqual(self.rules(group), [])

    def test_all_or_nothing(self) -> None:
        group = self.group()
        self.allow(group, tcp(80, "10.0.0.0/8"))
        with self.refused("InvalidPermission.Duplicate"):
            self.allow(group, tcp(81, "10.0.0.0/8"), tcp(80, "10.0.0.0/8"), TagSpecifications=tagged(owner=group))
        with self.refused("RulesPerSecurityGroupLimitExceeded"):
            self.allow(group, *(tcp(port, "10.1.0.0/16") for port in range(60)))
        self.assertEqual([rule["FromPort"] for rule in self.rules(group)], [80])
        self.assertEqual(ec2.describe_tags(Filters=filtered(value=[group]))["Tags"], [])

    def test_revoke_whole_calls(self) -> None:
        group = self.group()
        first, _ = self.allow(group, tcp(80, "10.0.0.0/8"), tcp(81, "10.0.0.0/8"), TagSpecifications=tagged(o=group))
        revoke = functools.partial(ec2.revoke_security_group_ingress, GroupId=group)
        with self.refused("InvalidSecurityGroupRuleId.NotFound"):
            revoke(SecurityGroupRuleIds=[first["SecurityGroupRuleId"], "sgr-00000000000000000"])
        with self.refused("InvalidPermission.NotFound"):
            revoke(IpPermissions=[tcp(80, "10.0.0.0/8"), tcp(99, "10.0.0.0/8")])
        self.assertEqual(len(self.rules(group)), 2)
        answer = revoke(SecurityGroupRuleIds=[first["SecurityGroupRuleId"]])
        self.assertEqual(answer["RevokedSecurityGroupRules"][0]["SecurityGroupRuleId"], first["SecurityGroupRuleId"])
        self.assertEqual(len(ec2.describe_tags(Filters=filtered(value=[group]))["Tags"]), 1)

    def test_revoke_in_the_default_vpc(self) -> None:
        default = ec2.describe_vpcs(Filters=filtered(is_default=["true"]))["Vpcs"][0]["VpcId"]
        group = self.group(default)
        self.allow(group, tcp(80, "10.0.0.0/8"))
        answer = ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[tcp(99, "10.0.0.0/8"),
                                                                                 tcp(80, "10.0.0.0/8")])
        self.assertEqual([unknown["FromPort"] for unknown in answer["UnknownIpPermissions"]], [99])
        self.assertEqual(self.rules(group), [])

    def test_descriptions_updated(self) -> None:
        group, peer = self.group(), self.group()
        [rule] = self.allow(group, tcp(80, UserIdGroupPairs=[{"GroupId": peer, "Description": "old"}]))
        update = functools.partial(ec2.update_security_group_rule_descriptions_ingress, GroupId=group)
        named = {"SecurityGroupRuleId": rule["SecurityGroupRuleId"]}
        update(SecurityGroupRuleDescriptions=[{**named, "Description": "new"}])
        self.assertEqual(self.rules(group)[0]["Description"], "new")
        update(SecurityGroupRuleDescriptions=[named])
        self.assertNotIn("Description", self.rules(group)[0])
        with self.refused("InvalidSecurityGroupRuleId.NotFound"):
            update(SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": "sgr-00000000000000000"}])
        with self.refused("DryRunOperation"):
            update(SecurityGroupRuleDescriptions=[{**named, "Description": "dry"}], DryRun=True)
        [egress] = self.rules(group, egress=True)
        ec2.update_security_group_rule_descriptions_egress(GroupId=group, SecurityGroupRuleDescriptions=[
            {"SecurityGroupRuleId": egress["SecurityGroupRuleId"], "Description": "out"}])
        self.assertEqual(self.rules(group, egress=True)[0]["Description"], "out")

    def test_rules_modified_in_place(self) -> None:
        group, one, two = self.group(), self.group(), self.group()
        [rule] = self.allow(group, tcp(80, UserIdGroupPairs=[{"GroupId": one, "Description": "old"}]))
        rule_id = rule["SecurityGroupRuleId"]

        def modify(**request: Any) -> None:
            ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[
                {"SecurityGroupRuleId": rule_id, "SecurityGroupRule": {"IpProtocol": "6", "FromPort": 81,
                                                                       "ToPort": 81, **request}}])

        modify(ReferencedGroupId=two, Description="new")
        [held] = self.rules(group)
        self.assertEqual((held["SecurityGroupRuleId"], held["IpProtocol"], held["FromPort"], held["Description"],
                          held["ReferencedGroupInfo"]["GroupId"]), (rule_id, "tcp", 81, "new", two))
        with self.refused("InvalidParameterValue"):
            modify(CidrIpv4="10.0.0.0/8")
        self.allow(group, tcp(81, UserIdGroupPairs=[{"GroupId": one}]))
        with self.refused("InvalidPermission.Duplicate"):
            modify(ReferencedGroupId=one)

    def test_dry_runs(self) -> None:
        group = self.group()
        for call in (ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress,
                     ec2.authorize_security_group_egress, ec2.revoke_security_group_egress):
            with self.refused("DryRunOperation"):
                call(GroupId=group, IpPermissions=[tcp(80, "10.0.0.0/8")], DryRun=True)
        for describe in (ec2.describe_security_groups, ec2.describe_security_group_rules,
                         ec2.describe_network_interfaces):
            with self.refused("DryRunOperation"):
                describe(DryRun=True)
        self.assertEqual(self.rules(group), [])


class Tags(Case):
    def test_tagged_rules_must_exist(self) -> None:
        group = self.group()
        [rule] = self.allow(group, tcp(80, "10.0.0.0/8"))
        rule_id, tag = rule["SecurityGroupRuleId"], {"Key": "owner", "Value": group}
        ec2.create_tags(Resources=[rule_id], Tags=[tag])
        self.assertEqual(self.rules(group)[0]["Tags"], [tag])
        ec2.delete_tags(Resources=[rule_id], Tags=[tag])
        self.assertEqual(self.rules(group)[0]["Tags"], [])
        with self.refused("InvalidSecurityGroupRuleId.NotFound"):
            ec2.create_tags(Resources=[rule_id, "sgr-00000000000000000"], Tags=[tag])
        self.assertEqual(self.rules(group)[0]["Tags"], [])

    def test_tags_found_by_id(self) -> None:
        groups = [self.group() for _ in range(10)]
        for group in groups:
            added = self.allow(group, *(tcp(port, "10.0.0.0/8") for port in range(60)))
            ec2.create_tags(Resources=[rule["SecurityGroupRuleId"] for rule in added],
                            Tags=[{"Key": f"key-{nr}", "Value": "held"} for nr in range(5)])
        self.assertLess(min(self.seconds_to_find_none(groups) for _ in range(3)), 0.5)

    def seconds_to_find_none(self, groups: list[str]) -> float:
        """The time to look at the tags of all rules of the groups; with an empty answer, little else takes time."""
        started = time.monotonic()
        found = ec2.describe_security_group_rules(Filters=filtered(group_id=groups, tag_key=["absent"]))
        self.assertEqual(found["SecurityGroupRules"], [])
        return time.monotonic() - started

    def test_tags_go_with_groups(self) -> None:
        group = self.group()
        ec2.create_tags(Resources=[group], Tags=[{"Key": "owner", "Value": group}])
        self.allow(group, tcp(80, "10.0.0.0/8"), TagSpecifications=tagged(owner=group))
        self.assertEqual(len(ec2.describe_tags(Filters=filtered(value=[group]))["Tags"]), 2)
        ec2.delete_security_group(GroupId=group)
        self.assertEqual(ec2.describe_tags(Filters=filtered(value=[group]))["Tags"], [])


class Describing(Case):
    def test_filters_match_literally(self) -> None:
        mark = name()
        group = ec2.create_security_group(GroupName=f"{mark}.x", Description="d", VpcId=self.vpc)["GroupId"]
        ec2.create_security_group(GroupName=f"{mark}-x", Description="d", VpcId=self.vpc)

        def named(pattern: str) -> list[str]:
            found = ec2.describe_security_groups(Filters=filtered(group_name=[pattern]))["SecurityGroups"]
            return [each["GroupId"] for each in found]

        self.assertEqual(named(f"{mark}.x"), [group])
        self.assertEqual((len(named(f"{mark}?x")), len(named(f"{mark}*")), named(f"{mark}[.]x")), (2, 2, []))
        padding = [f"sg-{nr:017x}" for nr in range(199)]
        found = ec2.describe_security_groups(Filters=filtered(group_id=[*padding, group]))["SecurityGroups"]
        self.assertEqual([each["GroupId"] for each in found], [group])
        with self.refused("FilterLimitExceeded"):
            ec2.describe_security_groups(Filters=filtered(group_id=[*padding, group, group]))

    def test_rules_read(self) -> None:
        group, mark = self.group(), name()
        rule = self.allow(group, tcp(80, "10.0.0.0/8"), TagSpecifications=tagged(**{"sgbind.dev/o": mark}))[0]
        self.allow(group, tcp(81, "10.0.0.0/8"))
        found = functools.partial(ec2.describe_security_group_rules)
        for filters in ({"tag:sgbind.dev/o": [mark]}, {"tag:sgbind.dev/o": [f"{mark[:-1]}?"], "group-id": [group]},
                        {"tag-key": ["sgbind.dev/*"], "group-id": [group]},
                        {"security-group-rule-id": [rule["SecurityGroupRuleId"]]}):
            [only] = found(Filters=filtered(**filters))["SecurityGroupRules"]
            self.assertEqual(only, rule)
        with self.refused("InvalidSecurityGroupRuleId.NotFound"):
            found(SecurityGroupRuleIds=["sgr-00000000000000000"])
        with self.refused("InvalidParameterValue"):
            found(Filters=filtered(vpc_id=[self.vpc]))

    def test_pages(self) -> None:
        group = self.group()
        self.allow(group, *(tcp(port, "10.0.0.0/8") for port in range(11)))
        of_group = {"Filters": filtered(group_id=[group])}
        first = ec2.describe_security_group_rules(**of_group, MaxResults=5)
        self.assertEqual(len(first["SecurityGroupRules"]), 5)
        pages = ec2.get_paginator("describe_security_group_rules").paginate(
            **of_group, PaginationConfig={"PageSize": 5})
        seen = [rule["SecurityGroupRuleId"] for page in pages for rule in page["SecurityGroupRules"]]
        self.assertEqual((len(seen), len(set(seen))), (12, 12))
        self.assertEqual(len(ec2.describe_security_groups(MaxResults=5, Filters=filtered(vpc_id=[
            self.vpc, *(Case("run").vpc for _ in range(5))]))["SecurityGroups"]), 5)
        for size in (4, 1001):
            with self.refused("InvalidParameterValue"):
                ec2.describe_security_group_rules(MaxResults=size)
        with self.refused("InvalidPaginationToken"):
            ec2.describe_security_group_rules(MaxResults=5, NextToken="\xff?")


class Groups(Case):
    def test_groups_in_use_stay(self) -> None:
        named, carried, free = self.group(), self.group(), self.group()
        self.allow(free, tcp(80, UserIdGroupPairs=[{"GroupId": named}]), tcp(81, UserIdGroupPairs=[{"GroupId": free}]))
        eni = ec2.create_network_interface(SubnetId=self.subnets[0], Groups=[carried])["NetworkInterface"]
        for group in (named, carried):
            with self.refused("DependencyViolation"):
                ec2.delete_security_group(GroupId=group)
        with self.refused("CannotDelete"):
            ec2.delete_security_group(GroupId=self.default_group())
        ec2.delete_security_group(GroupId=free)
        ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
        for group in (named, carried):
            ec2.delete_security_group(GroupId=group)

    def default_group(self) -> str:
        found = ec2.describe_security_groups(Filters=filtered(vpc_id=[self.vpc], group_name=["default"]))
        return found["SecurityGroups"][0]["GroupId"]


class Interfaces(Case):
    def test_groups_of_each_interface(self) -> None:
        launch, other = self.group(), self.group()
        instance = self.instance(SubnetId=self.subnets[0], SecurityGroupIds=[launch])
        second = ec2.create_network_interface(SubnetId=self.subnets[0], Groups=[other])["NetworkInterface"]
        ec2.attach_network_interface(NetworkInterfaceId=second["NetworkInterfaceId"], InstanceId=instance,
                                     DeviceIndex=1)
        attached = self.interfaces([{"Name": "attachment.instance-id", "Values": [instance]}])
        by_index = {eni["Attachment"]["DeviceIndex"]: eni for eni in attached}
        self.assertEqual((group_ids(by_index[0]), group_ids(by_index[1])), ({launch}, {other}))
        self.assertEqual(by_index[0]["Description"], "Primary network interface")
        ec2.modify_network_interface_attribute(NetworkInterfaceId=by_index[0]["NetworkInterfaceId"], Groups=[other])
        self.assertEqual(group_ids(self.interface(by_index[0]["NetworkInterfaceId"])), {other})
        described = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        self.assertEqual([group["GroupId"] for group in described["SecurityGroups"]], [other])

    def test_interface_filters(self) -> None:
        one, two, three = self.group(), self.group(), self.group()
        eni = ec2.create_network_interface(SubnetId=self.subnets[0], Groups=[one, two], PrivateIpAddresses=[
            {"PrivateIpAddress": "10.0.1.100", "Primary": True},
            {"PrivateIpAddress": "10.0.1.101", "Primary": False}], Description="of a test")["NetworkInterface"]
        for named, values in (("group-id", [one, three]), ("addresses.private-ip-address", ["10.0.1.101"]),
                              ("addresses.private-ip-address", ["10.0.1.100", "10.9.9.9"])):
            found = self.interfaces([{"Name": named, "Values": values}, *filtered(vpc_id=[self.vpc])])
            self.assertEqual([each["NetworkInterfaceId"] for each in found], [eni["NetworkInterfaceId"]])
        self.assertEqual(found[0]["Description"], "of a test")
        self.assertEqual(self.interfaces(filtered(group_id=[three])), [])

    def test_delegated_prefixes(self) -> None:
        eni = ec2.create_network_interface(SubnetId=self.subnets[0], Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.16/28"}])[
            "NetworkInterface"]
        ec2.assign_private_ip_addresses(NetworkInterfaceId=eni["NetworkInterfaceId"], Ipv4Prefixes=["10.0.1.32/28"])
        ec2.assign_ipv6_addresses(NetworkInterfaceId=eni["NetworkInterfaceId"], Ipv6Prefixes=["2001:db8::/80"])
        held = self.interface(eni["NetworkInterfaceId"])
        self.assertEqual([each["Ipv4Prefix"] for each in held["Ipv4Prefixes"]], ["10.0.1.16/28", "10.0.1.32/28"])
        self.assertEqual(held["Ipv6Prefixes"], [{"Ipv6Prefix": "2001:db8::/80"}])

    def test_launched_interfaces_end_with_instances(self) -> None:
        group = self.group()
        instance = self.instance(SubnetId=self.subnets[0], SecurityGroupIds=[group])
        with self.refused("DependencyViolation"):
            ec2.delete_security_group(GroupId=group)
        ec2.terminate_instances(InstanceIds=[instance])
        self.assertEqual(self.interfaces(filtered(group_id=[group])), [])
        ec2.delete_security_group(GroupId=group)

    def test_addresses_used_once(self) -> None:
        subnet = self.subnets[0]
        ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.0.1.4")
        ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.0.1.5")
        for _ in range(3):
            self.instance(SubnetId=subnet)
            ec2.create_network_interface(SubnetId=subnet)
        used = [eni["PrivateIpAddress"] for eni in self.interfaces(filtered(vpc_id=[self.vpc]))]
        self.assertEqual((len(used), len(set(used))), (8, 8))


class Balancers(Case):
    def test_address_types(self) -> None:
        third = "dualstack-without-public-ipv4"
        balancer = self.balancer([self.group()], IpAddressType=third)

        def described() -> str:
            return elb.describe_load_balancers(LoadBalancerArns=[balancer["LoadBalancerArn"]])["LoadBalancers"][0][
                "IpAddressType"]

        self.assertEqual(described(), third)
        for wanted in ("dualstack", third, "ipv4"):
            elb.set_ip_address_type(LoadBalancerArn=balancer["LoadBalancerArn"], IpAddressType=wanted)
            self.assertEqual(described(), wanted)

    def test_balancer_groups_checked(self) -> None:
        with self.refused("InvalidSecurityGroup"):
            self.balancer(["sg-00000000000000000"])
        [default] = self.balancer([])["SecurityGroups"]
        self.assertEqual(ec2.describe_security_groups(GroupIds=[default])["SecurityGroups"][0]["GroupName"], "default")
        self.assertEqual(self.balancer([], Type="network").get("SecurityGroups", []), [])

    def test_balancer_interfaces(self) -> None:
        group, other = self.group(), self.group()
        alb, nlb = self.balancer([group]), self.balancer([group], Type="network")
        bare = self.balancer([], Type="network")
        for balancer, kind, groups in ((alb, "interface", {group}), (nlb, "network_load_balancer", {group}),
                                       (bare, "network_load_balancer", set())):
            found = self.interfaces_of(balancer)
            self.assertEqual({eni["SubnetId"] for eni in found}, set(self.subnets))
            for eni in found:
                self.assertEqual((eni["InterfaceType"], eni["RequesterId"], group_ids(eni), eni["RequesterManaged"],
                                  "InstanceId" in eni["Attachment"]), (kind, "amazon-elb", groups, True, False))
        self.assertTrue(self.description_of(alb).startswith("ELB app/it-"))
        elb.set_security_groups(LoadBalancerArn=alb["LoadBalancerArn"], SecurityGroups=[other])
        self.assertEqual([group_ids(eni) for eni in self.interfaces_of(alb)], [{other}, {other}])
        with self.refused("DependencyViolation"):
            ec2.delete_security_group(GroupId=other)
        elb.delete_load_balancer(LoadBalancerArn=alb["LoadBalancerArn"])
        self.assertEqual(self.interfaces_of(alb), [])
        ec2.delete_security_group(GroupId=other)

    def interfaces_of(self, balancer: dict[str, Any]) -> list[dict[str, Any]]:
        return self.interfaces(filtered(description=[self.description_of(balancer)]))

    def description_of(self, balancer: dict[str, Any]) -> str:
        return "ELB " + balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]

    def test_jwt_validation(self) -> None:
        balancer, group = self.balancer([self.group()]), self.target_group()
        jwt = {"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": {
            "JwksEndpoint": "https://id.example/jwks", "Issuer": "https://id.example"}}
        listener = self.listener(balancer, forward(group))
        elb.create_rule(ListenerArn=listener, Priority=1, Actions=[jwt, {**forward(group), "Order": 2}],
                        Conditions=[{"Field": "path-pattern", "Values": ["/a"]}])
        first = elb.describe_rules(ListenerArn=listener)["Rules"][0]["Actions"][0]
        self.assertEqual(first["JwtValidationConfig"]["Issuer"], "https://id.example")

    def test_forwards_in_both_forms(self) -> None:
        balancer, one, two = self.balancer([self.group()]), self.target_group(), self.target_group()
        plain = self.listener(balancer, {"Type": "forward", "TargetGroupArn": one["TargetGroupArn"]}, port=80)
        weighted = self.listener(balancer, forward(one, two), port=81)
        [default] = elb.describe_rules(ListenerArn=plain)["Rules"]
        self.assertTrue(default["IsDefault"])
        [action] = default["Actions"]
        self.assertEqual(action["ForwardConfig"]["TargetGroups"], [{"TargetGroupArn": one["TargetGroupArn"],
                                                                    "Weight": 1}])
        [action] = elb.describe_rules(ListenerArn=weighted)["Rules"][0]["Actions"]
        self.assertEqual(len(action["ForwardConfig"]["TargetGroups"]), 2)
        self.assertNotIn("TargetGroupArn", action)

    def test_balancers_of_target_groups(self) -> None:
        balancer = self.balancer([self.group()])
        default, by_rule, later = self.target_group(), self.target_group(), self.target_group()
        listener = self.listener(balancer, forward(default))
        rule = elb.create_rule(ListenerArn=listener, Priority=1, Actions=[forward(default, by_rule)],
                               Conditions=[{"Field": "path-pattern", "Values": ["/a"]}])["Rules"][0]["RuleArn"]
        arn = balancer["LoadBalancerArn"]
        self.assertEqual([self.used_by(group) for group in (default, by_rule, later)], [[arn], [arn], []])
        elb.modify_rule(RuleArn=rule, Actions=[forward(later)])
        self.assertEqual([self.used_by(group) for group in (default, by_rule, later)], [[arn], [], [arn]])
        elb.delete_load_balancer(LoadBalancerArn=arn)
        self.assertEqual(self.used_by(default), [])

    def used_by(self, group: dict[str, Any]) -> list[str]:
        return elb.describe_target_groups(TargetGroupArns=[group["TargetGroupArn"]])["TargetGroups"][0].get(
            "LoadBalancerArns", [])

    def test_balancer_pages(self) -> None:
        arns = {self.target_group()["TargetGroupArn"] for _ in range(3)}
        first = elb.describe_target_groups(PageSize=2)
        self.assertEqual(len(first["TargetGroups"]), 2)
        pages = elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 2})
        seen = [group["TargetGroupArn"] for page in pages for group in page["TargetGroups"]]
        self.assertTrue(arns <= set(seen) and len(seen) == len(set(seen)))


class Targets(Case):
    def test_target_control_port(self) -> None:
        group = self.target_group(TargetControlPort=3000)
        described = elb.describe_target_groups(TargetGroupArns=[group["TargetGroupArn"]])["TargetGroups"][0]
        self.assertEqual((group["TargetControlPort"], described["TargetControlPort"]), (3000, 3000))
        self.assertNotIn("TargetControlPort", self.target_group())

    def test_targets_of_several_ports(self) -> None:
        arn = self.target_group(TargetType="ip")["TargetGroupArn"]
        one = {"Id": "10.0.1.50"}
        elb.register_targets(TargetGroupArn=arn, Targets=[one, {**one, "Port": 9090}])
        self.assertEqual(self.ports(arn), [8080, 9090])
        elb.deregister_targets(TargetGroupArn=arn, Targets=[{**one, "Port": 9090}, {"Id": "10.0.1.99"}])
        self.assertEqual(self.ports(arn), [8080])

    def ports(self, arn: str) -> list[int]:
        return sorted(each["Target"]["Port"] for each in self.health(arn))

    def health(self, arn: str) -> list[dict[str, Any]]:
        return elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]

    def test_health_checks_told(self) -> None:
        group = self.target_group(TargetType="ip")
        arn = group["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.0.1.50", "Port": 9090}])
        [unused] = self.health(arn)
        self.assertEqual((unused["HealthCheckPort"], unused["TargetHealth"]["Reason"]), ("9090", "Target.NotInUse"))
        self.listener(self.balancer([self.group()]), forward(group))
        self.assertEqual(self.health(arn)[0]["TargetHealth"], {"State": "healthy"})


class Completeness(unittest.TestCase):
    def test_every_mend_is_tested_and_documented(self) -> None:
        tests = {test.removeprefix("test_") for case in cases() for test in vars(case)}
        readme = (HERE / "README.md").read_text()
        for mend in mends():
            self.assertTrue(mend in tests or mend in NOT_TESTED_ALONE, f"{mend} has no test")
            self.assertIn(f"| `{mend}` |", readme)


def cases() -> list[type[Case]]:
    return [Rules, Calls, Tags, Describing, Groups, Interfaces, Balancers, Targets]


def mends() -> list[str]:
    return subprocess.check_output([sys.executable, HERE / "launch.py", "--list-mends"], text=True).split()


def passes_left_out(mend: str) -> bool:
    """Whether a mend's test passes against a server that lacks the mend."""
    case = next(case for case in cases() if f"test_{mend}" in vars(case))
    run = subprocess.run([sys.executable, "-m", "unittest", f"test_mends.{case.__name__}.test_{mend}"], cwd=HERE,
                         env={**os.environ, "MEND_LEFT_OUT": mend}, capture_output=True)
    return run.returncode == 0


def leave_each_out() -> int:
    idle = [mend for mend in mends() if mend not in NOT_TESTED_ALONE and passes_left_out(mend)]
    print("every test fails without its mend" if not idle else f"pass without their mend: {', '.join(idle)}")
    return 1 if idle else 0


if __name__ == "__main__":
    if "--leaving-out" in sys.argv:
        sys.exit(leave_each_out())
    unittest.main()
