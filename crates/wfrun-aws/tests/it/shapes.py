# Load balancers and logs as boto3 sees them. Every answer is held against botocore's model: no unknown key, no null, no wrong type.
import os
import sys
import time
import urllib.error
import urllib.request

import boto3
import botocore.exceptions
import botocore.session

sys.dont_write_bytecode = True
from models import checked, problems, watch

core = botocore.session.get_session()
watch(core)
session = boto3.Session(botocore_session=core)
elb, logs, ec2 = session.client("elbv2"), session.client("logs"), session.client("ec2")


def refused(call, code, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as err:
        modelled = [shape.metadata.get("error", {}).get("code", shape.name) for shape in call.__self__.meta.service_model.operation_model(err.operation_name).error_shapes]
        assert err.response["Error"]["Code"] == code, err
        assert code in modelled or code == "ValidationError", (code, modelled)
        return
    raise AssertionError(f"not refused: {code}")


vpc = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "availability-zone", "Values": ["*a", "*c"]}])["Subnets"]
assert [subnet["AvailabilityZone"] for subnet in subnets] == ["us-east-1a", "us-east-1c"]
assert subnets[0]["MapPublicIpOnLaunch"] is True
assert len(ec2.describe_subnets(SubnetIds=[subnets[1]["SubnetId"]])["Subnets"]) == 1
security = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"][0]["GroupId"]
try:
    ec2.describe_subnets(SubnetIds=["subnet-nope"])
    raise AssertionError("not refused")
except botocore.exceptions.ClientError as err:
    assert err.response["Error"]["Code"] == "InvalidSubnetID.NotFound", err
balancer = elb.create_load_balancer(Name="web", Subnets=[subnet["SubnetId"] for subnet in subnets], SecurityGroups=[security])["LoadBalancers"][0]
assert [zone["ZoneName"] for zone in balancer["AvailabilityZones"]] == ["us-east-1a", "us-east-1c"]
arn = balancer["LoadBalancerArn"]
assert balancer["CreatedTime"].year > 2020
elb.get_waiter("load_balancer_available").wait(Names=["web"])
group = elb.create_target_group(Name="web-tg", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip", HealthCheckPath="/health", Matcher={"HttpCode": "200"})["TargetGroups"][0]["TargetGroupArn"]
listener = elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])["Listeners"][0]["ListenerArn"]
elb.create_listener(LoadBalancerArn=arn, Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": "arn:aws:acm:x"}], DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "x"}}])
assert [it["Port"] for page in elb.get_paginator("describe_listeners").paginate(LoadBalancerArn=arn, PageSize=1) for it in page["Listeners"]] == [80, 443]
assert elb.describe_target_groups(LoadBalancerArn=arn)["TargetGroups"][0]["LoadBalancerArns"] == [arn]
target = {"Id": "127.0.0.1", "Port": int(os.environ["APP_PORT"])}
elb.register_targets(TargetGroupArn=group, Targets=[target])
elb.describe_target_health(TargetGroupArn=group)
deadline = time.time() + 60
while elb.describe_target_health(TargetGroupArn=group, Targets=[target])["TargetHealthDescriptions"][0]["TargetHealth"]["State"] != "healthy":
    assert time.time() < deadline
    time.sleep(0.05)
url = f"http://{balancer['DNSName']}/docs"
assert urllib.request.urlopen(url).read() == b"app /docs", url
elb.get_waiter("target_in_service").wait(TargetGroupArn=group)
elb.deregister_targets(TargetGroupArn=group, Targets=[target])
elb.get_waiter("target_deregistered").wait(TargetGroupArn=group, Targets=[target])
try:
    urllib.request.urlopen(url)
    raise AssertionError("nobody is left")
except urllib.error.HTTPError as err:
    assert err.code == 503, err
elb.add_tags(ResourceArns=[arn, group, listener], Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
elb.remove_tags(ResourceArns=[arn], TagKeys=["a"])
assert elb.describe_tags(ResourceArns=[arn, listener])["TagDescriptions"][0]["Tags"] == [{"Key": "c", "Value": "d"}]
elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "30"}])
elb.describe_load_balancer_attributes(LoadBalancerArn=arn)
elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}])
elb.describe_target_group_attributes(TargetGroupArn=group)
elb.modify_target_group(TargetGroupArn=group, HealthCheckIntervalSeconds=10)
elb.modify_listener(ListenerArn=listener, Port=8080)
refused(elb.describe_load_balancers, "LoadBalancerNotFound", Names=["nope"])
refused(elb.describe_target_groups, "TargetGroupNotFound", Names=["nope"])
refused(elb.delete_target_group, "ResourceInUse", TargetGroupArn=group)
refused(elb.deregister_targets, "InvalidTarget", TargetGroupArn=group, Targets=[target])
elb.delete_listener(ListenerArn=listener)
elb.delete_load_balancer(LoadBalancerArn=arn)
elb.get_waiter("load_balancers_deleted").wait(Names=["web"])
elb.delete_target_group(TargetGroupArn=group)

name = {"logGroupName": "/ecs/web"}
stream = {**name, "logStreamName": "ecs/web/1"}
logs.create_log_group(**name, tags={"a": "b"})
logs.create_log_stream(**stream)
now = int(time.time() * 1000)
logs.put_log_events(**stream, logEvents=[{"timestamp": now + at, "message": f"line {at}"} for at in range(5)])
got = logs.get_log_events(**stream, startFromHead=True)
assert [event["message"] for event in got["events"]] == [f"line {at}" for at in range(5)]
assert logs.get_log_events(**stream, nextToken=got["nextForwardToken"])["nextForwardToken"] == got["nextForwardToken"]
pages = logs.get_paginator("filter_log_events").paginate(**name, filterPattern="line -3", PaginationConfig={"PageSize": 2})
assert len([event for page in pages for event in page["events"]]) == 4
assert logs.describe_log_streams(**name, orderBy="LastEventTime")["logStreams"][0]["lastEventTimestamp"] == now + 4
logs.put_retention_policy(**name, retentionInDays=14)
found = logs.describe_log_groups(logGroupNamePrefix="/ecs")["logGroups"][0]
assert found["retentionInDays"] == 14
logs.tag_resource(resourceArn=found["logGroupArn"], tags={"c": "d"})
assert logs.list_tags_for_resource(resourceArn=found["logGroupArn"])["tags"] == {"a": "b", "c": "d"}
logs.untag_resource(resourceArn=found["logGroupArn"], tagKeys=["a"])
logs.tag_log_group(**name, tags={"e": "f"})
logs.untag_log_group(**name, tags=["c"])
assert logs.list_tags_log_group(**name)["tags"] == {"e": "f"}
refused(logs.get_log_events, "ResourceNotFoundException", logGroupName="/ecs/web", logStreamName="nope")
refused(logs.create_log_group, "ResourceAlreadyExistsException", **name)
logs.delete_retention_policy(**name)
logs.delete_log_stream(**stream)
logs.delete_log_group(**name)
assert not problems, problems
print("done", len(checked))
