"""Mends of network interfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidNetworkInterfaceIdError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.instances import Instance
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces

from .describing import matcher
from .registry import around, instead, mend


@mend
def groups_of_each_interface() -> None:
    """EC2: groups belong to interfaces. An instance's groups are those of its primary one (device index 0); an
    interface attached to it keeps its own.
    Source: EC2 API Reference, ModifyNetworkInterfaceAttribute ("The new set of groups you specify replaces the current
    set"; https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html), and
    ModifyInstanceAttribute, GroupId.N.
    moto: gives every interface of an instance the groups of its launch too, and so can never take them away.
    """

    def groups(self: Instance) -> list[Any]:
        primary = self.__dict__.get("nics", {}).get(0)
        return list(primary.group_set) if primary else self.launch_groups

    def set_groups(self: Instance, groups: list[Any]) -> None:
        self.launch_groups = groups
        primary = self.__dict__.get("nics", {}).get(0)
        if primary:
            primary._group_set = list(groups)

    Instance.security_groups = property(groups, set_groups)
    NetworkInterface.group_set = property(lambda self: list(dict.fromkeys(self._group_set)))


@mend
def interface_filters() -> None:
    """EC2: an interface matches a filter if any of its values is among the filter's: any group, any private address,
    secondary ones included.
    Source: EC2 API Reference, DescribeNetworkInterfaces, Filter.N
    (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html).
    moto: looks at the primary address only; of several groups, all must be among the filter's.
    """

    @instead(NetworkInterfaceBackend, "get_all_network_interfaces")
    def chosen(self: Any, eni_ids: list[str] | None = None, filters: dict[str, list[str]] | None = None) -> list[Any]:
        interfaces = interfaces_named(self, eni_ids)
        for name, values in (filters or {}).items():
            matches = matcher(values)
            interfaces = [interface for interface in interfaces if any(map(matches, filtered_values(interface, name)))]
        return interfaces


def interfaces_named(backend: Any, eni_ids: list[str] | None) -> list[Any]:
    for eni_id in eni_ids or []:
        if eni_id not in backend.enis:
            raise InvalidNetworkInterfaceIdError(eni_id)
    return [backend.enis[eni_id] for eni_id in dict.fromkeys(eni_ids or backend.enis)]


def filtered_values(interface: Any, name: str) -> list[str]:
    """The values that an interface offers to a filter."""
    own = INTERFACE_VALUES.get(name)
    found = own(interface) if own else interface.get_filter_value(name)
    if isinstance(found, bool):
        return [str(found).lower()]
    if found is None or isinstance(found, (str, int)):
        return [] if found is None else [str(found)]
    return [str(value) for value in found]


def private_addresses(interface: Any) -> list[str]:
    return [address["PrivateIpAddress"] for address in interface.private_ip_addresses]


INTERFACE_VALUES: dict[str, Callable[[Any], Any]] = {
    "addresses.private-ip-address": private_addresses,
    "private-ip-address": private_addresses,
    "ipv6-addresses.ipv6-address": lambda interface: interface.ipv6_addresses,
    "group-id": lambda interface: [group.id for group in interface.group_set],
    "group-name": lambda interface: [group.name for group in interface.group_set],
    "attachment.device-index": lambda interface: interface.attachment and interface.attachment.device_index,
    "attachment.status": lambda interface: interface.attachment and interface.attachment.status,
}


@mend
def delegated_prefixes() -> None:
    """EC2: an interface may hold delegated prefixes (IPv4 /28, IPv6 /80), given at its creation or later. Only those
    named are handled here, not counts of them.
    Source: Amazon EC2 User Guide, "Prefix delegation for Amazon EC2 network interfaces"
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-prefix-eni.html).
    moto: drops them.
    """

    @around(ElasticNetworkInterfaces, "create_network_interface")
    def created(original: Any, self: ElasticNetworkInterfaces) -> ActionResult:
        answer = original(self)
        interface = answer.result["NetworkInterface"]
        for family in ("Ipv4", "Ipv6"):
            given = self._get_param(f"{family}Prefixes", [])
            setattr(interface, f"{family.lower()}_prefixes", [dict(prefix) for prefix in given])
        return answer

    for action, family in (("assign_private_ip_addresses", "Ipv4"), ("assign_ipv6_addresses", "Ipv6")):

        @around(ElasticNetworkInterfaces, action)
        def assigned(original: Any, self: ElasticNetworkInterfaces, family: str = family) -> ActionResult:
            answer = original(self)
            interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
            given = [{f"{family}Prefix": prefix} for prefix in self._get_param(f"{family}Prefixes", [])]
            attribute = f"{family.lower()}_prefixes"
            setattr(interface, attribute, getattr(interface, attribute, []) + given)
            return answer


@mend
def launched_interfaces_end_with_instances() -> None:
    """EC2: an interface that a launch creates is deleted with its instance, unless the launch says otherwise.
    Source: EC2 API Reference, InstanceNetworkInterfaceSpecification, DeleteOnTermination, and the Amazon EC2 User
    Guide, "Delete a network interface" (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/delete_eni.html).
    moto: keeps it, so that the group of a terminated instance would be in use for ever.
    """

    @around(Instance, "prep_nics")
    def prepared(original: Any, self: Any, nic_spec: list[dict[str, Any]], *args: Any, **kwargs: Any) -> None:
        spoken_for = {int(spec.get("DeviceIndex", 0)) for spec in nic_spec
                      if "DeleteOnTermination" in spec or "NetworkInterfaceId" in spec}
        original(self, nic_spec, *args, **kwargs)
        for device_index, interface in self.nics.items():
            if device_index not in spoken_for:
                interface.delete_on_termination = True


@mend
def addresses_used_once() -> None:
    """EC2: an address of a subnet belongs to one interface at a time.
    Source: Amazon VPC User Guide, "IP addressing for your VPCs and subnets"
    (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-ip-addressing.html).
    moto: draws the address of an interface by lot, and gives instances addresses that interfaces already have.
    """

    @around(NetworkInterfaceBackend, "create_network_interface")
    def created(original: Any, self: Any, subnet: Any, private_ip_address: Any = None,
                private_ip_addresses: Any = None, *args: Any, **kwargs: Any) -> NetworkInterface:
        subnet = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        if not private_ip_address and not private_ip_addresses:
            private_ip_address = subnet.get_available_subnet_ip(None)
        interface = original(self, subnet, private_ip_address, private_ip_addresses, *args, **kwargs)
        take_addresses(interface)
        return interface

    @around(NetworkInterfaceBackend, "delete_network_interface")
    def deleted(original: Any, self: Any, eni_id: str) -> None:
        interface = self.enis.get(eni_id)
        original(self, eni_id)
        for address in private_addresses(interface):
            interface.subnet.del_subnet_ip(address)


def take_addresses(interface: NetworkInterface) -> None:
    for address in private_addresses(interface):
        interface.subnet._unused_ips.discard(address)
        interface.subnet._subnet_ips[address] = interface
