"""Drives the account with boto3 and holds every raw answer against botocore's models: no unknown, missing or null member, no wrong type.

Prints a line `done`, or what does not fit; times of the waiters go to standard error.
"""

import sys
import time

import boto3

sys.dont_write_bytecode = True
from models import check_error, checked, problems, watch

ecs = boto3.client("ecs")
watch(ecs.meta.events)
ecs.meta.events.register("after-call", check_error)


def expect(what, want):
    if what != want:
        problems.append(f"expected {want!r}, got {what!r}")


def refused(code, call, **arguments):
    try:
        call(**arguments)
        problems.append(f"{code} was expected")
    except ecs.exceptions.ClientError as err:
        expect(err.response["Error"]["Code"], code)


def timed(waiter, **arguments):
    before = time.monotonic()
    ecs.get_waiter(waiter).wait(**arguments)
    took = time.monotonic() - before
    print(f"waiter {waiter}: {took:.2f} s", file=sys.stderr)
    if took > 3:
        problems.append(f"{waiter} took {took:.2f} s")


# T10, T11: a cluster, a task definition in two revisions.
ecs.create_cluster(clusterName="c", tags=[{"key": "team", "value": "news"}], settings=[{"name": "containerInsights", "value": "disabled"}])
definition = dict(
    family="app",
    networkMode="awsvpc",
    requiresCompatibilities=["FARGATE"],
    cpu="256",
    memory="512",
    executionRoleArn="arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
    containerDefinitions=[
        dict(
            name="app",
            image=sys.argv[1] + "/news-api:good",
            portMappings=[dict(containerPort=8000)],
            environment=[dict(name="LOG_LEVEL", value="info")],
            healthCheck=dict(command=["CMD-SHELL", "true"]),
            logConfiguration=dict(logDriver="awslogs", options={"awslogs-group": "/ecs/app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"}),
        )
    ],
)
for revision in (1, 2):
    expect(ecs.register_task_definition(**definition, tags=[{"key": "a", "value": "b"}])["taskDefinition"]["revision"], revision)
expect(len(ecs.describe_task_definition(taskDefinition="app", include=["TAGS"])["tags"]), 1)

# T12: a service.
network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}}
breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "maximumPercent": 200, "minimumHealthyPercent": 100}
names = dict(cluster="c", service="s")
looked = dict(cluster="c", services=["s"])
elb = boto3.client("elbv2")
group = elb.create_target_group(Name="t", Protocol="HTTP", Port=8000, VpcId="vpc-1", TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
balancer = elb.create_load_balancer(Name="b", Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0]["LoadBalancerArn"]
elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
ecs.create_service(
    cluster="c", serviceName="s", taskDefinition="app:1", desiredCount=2, launchType="FARGATE", networkConfiguration=network,
    deploymentConfiguration=breaker, tags=[{"key": "a", "value": "b"}],
    loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8000}],
)
timed("services_stable", **looked)
service = ecs.describe_services(**looked, include=["TAGS"])["services"][0]
expect((service["desiredCount"], service["runningCount"], service["status"]), (2, 2, "ACTIVE"))
good = service["deployments"][0]["id"]

# T13: a good revision.
updated = ecs.update_service(**names, taskDefinition="app:2", forceNewDeployment=False)["service"]
expect([(d["status"], d["rolloutState"]) for d in updated["deployments"]], [("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "COMPLETED")])
timed("services_stable", **looked)
second = ecs.describe_services(**looked)["services"][0]["deployments"]
expect(len(second), 1)

# T14: a broken one is rolled back to the old deployment.
definition["containerDefinitions"][0]["image"] = sys.argv[1] + "/news-api:broken"
broken = ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]
ecs.update_service(**names, taskDefinition=broken)
timed("services_stable", **looked)
service = ecs.describe_services(**looked)["services"][0]
expect([d["id"] for d in service["deployments"]], [second[0]["id"]])
expect(service["taskDefinition"].rsplit("/")[-1], "app:2")
messages = [event["message"] for event in service["events"]]
lines = ["deployment failed: tasks failed to start.", "rolling back to deployment " + second[0]["id"], "deployment completed."]
at = [next((n for n, m in enumerate(messages) if line in m), None) for line in lines]
if None in at or not at[0] > at[1] > at[2]:
    problems.append(f"the breaker's three lines are not there in order: {messages}")
stopped = ecs.list_tasks(cluster="c", desiredStatus="STOPPED")["taskArns"]
failed = [t for t in ecs.describe_tasks(cluster="c", tasks=stopped)["tasks"] if t["taskDefinitionArn"] == broken]
expect((len(failed) >= 3, {t["stopCode"] for t in failed}), (True, {"EssentialContainerExited"}))
deployments = ecs.list_service_deployments(**names)["serviceDeployments"]
expect([d["status"] for d in deployments], ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL"])
arns = [d["serviceDeploymentArn"] for d in deployments]
described = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
ecs.describe_service_revisions(serviceRevisionArns=[d["targetServiceRevision"]["arn"] for d in described])
refused("ConflictException", ecs.stop_service_deployment, serviceDeploymentArn=arns[0])

# T15: without rollback the failed deployment stays beside the old one.
ecs.update_service(**names, taskDefinition=broken, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}})
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    service = ecs.describe_services(**looked)["services"][0]
    if service["deployments"][0]["rolloutState"] == "FAILED":
        break
    time.sleep(0.05)
expect([d["rolloutState"] for d in service["deployments"]], ["FAILED", "COMPLETED"])
ecs.update_service(**names, taskDefinition="app:2", deploymentConfiguration=breaker)
timed("services_stable", **looked)

# T16, T17: none desired; and an update that changes nothing.
before = ecs.describe_services(**looked)["services"][0]["deployments"][0]["id"]
expect(ecs.update_service(**names, taskDefinition="app:2")["service"]["deployments"][0]["id"], before)
ecs.update_service(**names, desiredCount=0)
timed("services_stable", **looked)

# Tasks.
task = ecs.run_task(cluster="c", taskDefinition="app:2", launchType="FARGATE", networkConfiguration=network, startedBy="me")["tasks"][0]["taskArn"]
timed("tasks_running", cluster="c", tasks=[task])
ecs.stop_task(cluster="c", task=task, reason="enough")
timed("tasks_stopped", cluster="c", tasks=[task])
refused("InvalidParameterException", ecs.execute_command, cluster="c", task=task, command="sh", interactive=True)
expect(len(ecs.get_paginator("list_tasks").paginate(cluster="c", desiredStatus="STOPPED", PaginationConfig={"PageSize": 2}).build_full_result()["taskArns"]) > 4, True)

# The rest.
for arn in ("arn:aws:ecs:us-east-1:123456789012:cluster/c", service["serviceArn"]):
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "k", "value": "v"}])
    ecs.list_tags_for_resource(resourceArn=arn)
    ecs.untag_resource(resourceArn=arn, tagKeys=["k"])
ecs.put_account_setting(name="containerInsights", value="enabled")
ecs.list_account_settings()
ecs.list_clusters()
ecs.describe_clusters(clusters=["c", "nope"])
ecs.list_services(cluster="c")
ecs.list_task_definitions(familyPrefix="app", sort="DESC")
ecs.list_task_definition_families()
ecs.delete_service(**names)
timed("services_inactive", **looked)
ecs.deregister_task_definition(taskDefinition="app:1")
ecs.delete_task_definitions(taskDefinitions=["app:1", "app:2"])
ecs.delete_cluster(cluster="c")

# T20: names that are not there.
refused("ClusterNotFoundException", ecs.describe_services, cluster="nope", services=["s"])
refused("ServiceNotFoundException", ecs.update_service, cluster="news-api-cluster", service="nope")
refused("ClientException", ecs.describe_task_definition, taskDefinition="nope")
refused("ClientException", ecs.update_service, cluster="news-api-cluster", service="news-api-service", taskDefinition="nope")
expect(ecs.describe_services(cluster="news-api-cluster", services=["nope"])["failures"][0]["reason"], "MISSING")

print(f"{len(checked)} operations", file=sys.stderr)
print("\n".join(sorted(set(problems))) or "done")
