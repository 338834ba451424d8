"""Writes what the AWS CLI would print: boto3 reads answers by the same models, and gives them the same names.

dump.py URL DIR
"""

import datetime
import json
import pathlib
import sys

import boto3

url, dir = sys.argv[1], pathlib.Path(sys.argv[2])
settings = {
    "endpoint_url": url,
    "region_name": "eu-central-1",
    "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key": "secret",
}
ec2, elb = boto3.client("ec2", **settings), boto3.client("elbv2", **settings)


def plain(value):
    # As the AWS CLI prints times.
    assert isinstance(value, datetime.datetime), value
    return value.isoformat()


def output(call, **asked):
    answer = call(**asked)
    del answer["ResponseMetadata"]
    return answer


def write(name, content):
    (dir / f"describe-{name}.json").write_text(json.dumps(content, indent=4, default=plain))
    return content


write("security-groups", output(ec2.describe_security_groups))
write("security-group-rules", output(ec2.describe_security_group_rules))
write("network-interfaces", output(ec2.describe_network_interfaces))
write("instances", output(ec2.describe_instances))
write("subnets", output(ec2.describe_subnets))
write("vpcs", output(ec2.describe_vpcs))
write("network-acls", output(ec2.describe_network_acls))
write("route-tables", output(ec2.describe_route_tables))
write("managed-prefix-lists", output(ec2.describe_managed_prefix_lists))
balancers = write("load-balancers", output(elb.describe_load_balancers))["LoadBalancers"]
arns = [balancer["LoadBalancerArn"] for balancer in balancers]
listeners = write("listeners", [output(elb.describe_listeners, LoadBalancerArn=arn) for arn in arns])
listeners = [listener["ListenerArn"] for each in listeners for listener in each["Listeners"]]
write("rules", [output(elb.describe_rules, ListenerArn=arn) for arn in listeners])
write(
    "load-balancer-attributes",
    [{"LoadBalancerArn": arn, **output(elb.describe_load_balancer_attributes, LoadBalancerArn=arn)} for arn in arns],
)
write("tags", output(elb.describe_tags, ResourceArns=arns))
groups = write("target-groups", output(elb.describe_target_groups))["TargetGroups"]
groups = [group["TargetGroupArn"] for group in groups]
write("target-health", [{"TargetGroupArn": arn, **output(elb.describe_target_health, TargetGroupArn=arn)} for arn in groups])
