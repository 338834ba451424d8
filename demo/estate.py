"""A web shop as it is found in the wild: it works, and it is far too open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rules import Rule, written

CLUSTER, NAMESPACE = "demo", "team-shop"

GROUPS = {
    "shop-alb": "on the load balancer",
    "shop-blue": "on the blue instance: app and health check on 8000",
    "shop-green": "on the green instance: app on 8000, health check on 9000",
}

AS_FOUND: set[Rule] = written("""
    shop-alb    in   tcp  80    0.0.0.0/0    foreign
    shop-alb    in   tcp  443   0.0.0.0/0    foreign
    shop-alb    in   tcp  8080  0.0.0.0/0    foreign
    shop-alb    out  all  all   0.0.0.0/0    foreign
    shop-blue   in   tcp  22    10.0.0.0/16  foreign
    shop-blue   in   tcp  8000  0.0.0.0/0    foreign
    shop-blue   out  all  all   0.0.0.0/0    foreign
    shop-green  in   tcp  22    10.0.0.0/16  foreign
    shop-green  out  all  all   0.0.0.0/0    foreign
""")


@dataclass
class Estate:
    names: dict[str, str]
    """Of the security groups, by id."""
    listener: str
    target_groups: dict[str, str]
    """ARNs by colour."""

    def id(self, name: str) -> str:
        return next(id for id, each in self.names.items() if each == name)

    def forward(self, blue: int, green: int) -> list[dict[str, Any]]:
        weights = {"blue": blue, "green": green}
        groups = [{"TargetGroupArn": arn, "Weight": weights[name]} for name, arn in self.target_groups.items()]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def build(ec2: Any, elb: Any, acm: Any) -> Estate:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"][:2]]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones)
    ]
    # New groups have the default rule that allows all egress.
    ids = {
        name: ec2.create_security_group(GroupName=name, Description=purpose, VpcId=vpc)["GroupId"]
        for name, purpose in GROUPS.items()
    }
    for rule in AS_FOUND:
        if rule.direction == "in":
            ec2.authorize_security_group_ingress(GroupId=ids[rule.group], IpPermissions=[permission(rule)])

    balancer = elb.create_load_balancer(Name="shop", Type="application", Scheme="internet-facing", Subnets=subnets,
                                        SecurityGroups=[ids["shop-alb"]])["LoadBalancers"][0]["LoadBalancerArn"]
    target_groups = {}
    for number, (colour, health_check_port) in enumerate({"blue": "traffic-port", "green": "9000"}.items()):
        instance = ec2.run_instances(ImageId="ami-00000000000000000", MinCount=1, MaxCount=1, SubnetId=subnets[number],
                                     SecurityGroupIds=[ids[f"shop-{colour}"]])["Instances"][0]["InstanceId"]
        target_groups[colour] = elb.create_target_group(
            Name=f"shop-{colour}", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="instance",
            HealthCheckPort=health_check_port, HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
            UnhealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=target_groups[colour], Targets=[{"Id": instance}])

    estate = Estate({id: name for name, id in ids.items()}, "", target_groups)
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[
        {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}])
    certificate = acm.request_certificate(DomainName="shop.example.com")["CertificateArn"]
    estate.listener = elb.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": certificate}],
        DefaultActions=estate.forward(blue=100, green=0))["Listeners"][0]["ListenerArn"]
    return estate


def consent(estate: Estate) -> list[dict[str, str]]:
    """The tags by which the groups' owner lets the controller write them."""
    return [{"Key": f"sgbind.dev/cluster/{CLUSTER}", "Value": "owned"},
            {"Key": "sgbind.dev/namespaces", "Value": NAMESPACE}]


def permission(rule: Rule) -> dict[str, Any]:
    """A rule with a CIDR as its peer, as EC2 takes it."""
    port = int(rule.ports)
    return {"IpProtocol": rule.protocol, "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": rule.peer}]}
