# One script of operations on the account and on moto. `beside_moto.py`, with AWS_ENDPOINT_URL and keys as for any client,
# starts moto's server for itself and prints a line for each operation: service, operation, how the two compare.
# Answers are compared by shape: the keys of botocore's parsed answer and the types of what they hold.
import base64
import hashlib
import json
import os
import sys
import time

import boto3
import botocore.config
import botocore.exceptions
import botocore.session
from moto.server import ThreadedMotoServer

sys.dont_write_bytecode = True
import models

# What is refused here on purpose; why is in docs/aws.md.
REFUSED_HERE = {"ExecuteCommand", "StartImageScan", "DescribeImageScanFindings", "AssumeRoleWithWebIdentity"}
# Keys that only moto's answers have, and why ours have not.
ONLY_MOTO = json.load(open(os.path.join(os.path.dirname(__file__), "beside_moto.json")))
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]})
LIFECYCLE = json.dumps({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}, "action": {"type": "expire"}}]})
REPOSITORY_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "ecr:GetDownloadUrlForLayer"}]})


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def shape_of(value, at, found):
    """Every path of an answer with the type that is there."""
    if isinstance(value, dict):
        for key, member in value.items():
            shape_of(member, f"{at}.{key}", found)
    elif isinstance(value, list):
        for member in value:
            shape_of(member, f"{at}[]", found)
    found.setdefault(at, type(value).__name__)


class World:
    def __init__(self, url, keys, judged):
        core = botocore.session.get_session()
        if judged:
            models.watch(core)
        core.set_config_variable("region", "us-east-1")
        config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=30)
        self.session, self.how = boto3.Session(botocore_session=core), {"endpoint_url": url, "config": config, **keys}
        self.clients, self.answers = {}, {}

    def __call__(self, service, operation, /, **arguments):
        if service not in self.clients:
            self.clients[service] = self.session.client(service, **self.how)
        client = self.clients[service]
        method = next(name for name, it in client.meta.method_to_api_mapping.items() if it == operation)
        key = (service, operation)
        try:
            answer = getattr(client, method)(**arguments)
            answer.pop("ResponseMetadata")
            self.answers.setdefault(key, {})
            if not isinstance(self.answers[key], dict):
                self.answers[key] = {}
            shape_of(answer, "", self.answers[key])
            return Answer(answer)
        except botocore.exceptions.ClientError as err:
            self.answers.setdefault(key, f"{err.response['Error']['Code']}: {err.response['Error'].get('Message', '')}")
        except Exception as err:  # moto answers some with what botocore cannot read
            self.answers.setdefault(key, f"{type(err).__name__}: {err}")
        return Answer({})


class Answer(dict):
    """An answer in which nothing is missing: the script goes on where an operation is not there."""

    def at(self, *path, default="missing-where-it-was-not-made"):
        value = self
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError):
                return default
        return value


def who_and_whom(call):
    call("sts", "GetCallerIdentity")
    call("sts", "GetSessionToken")
    call("iam", "CreateUser", UserName="u", Path="/team/", Tags=[{"Key": "a", "Value": "b"}])
    call("iam", "GetUser", UserName="u")
    call("iam", "ListUsers")
    key = call("iam", "CreateAccessKey", UserName="u").at("AccessKey", "AccessKeyId")
    call("iam", "UpdateAccessKey", UserName="u", AccessKeyId=key, Status="Inactive")
    call("iam", "ListAccessKeys", UserName="u")
    call("iam", "DeleteAccessKey", UserName="u", AccessKeyId=key)
    role = call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST, Description="d", Tags=[{"Key": "a", "Value": "b"}]).at("Role", "Arn")
    call("iam", "GetRole", RoleName="r")
    call("iam", "ListRoles")
    call("iam", "UpdateRole", RoleName="r", Description="e", MaxSessionDuration=7200)
    call("iam", "UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=TRUST)
    call("sts", "AssumeRole", RoleArn=role, RoleSessionName="se")
    call("sts", "AssumeRoleWithWebIdentity", RoleArn=role, RoleSessionName="se", WebIdentityToken="a.b.c")
    policy = call("iam", "CreatePolicy", PolicyName="p", PolicyDocument=POLICY, Description="d").at("Policy", "Arn")
    call("iam", "GetPolicy", PolicyArn=policy)
    call("iam", "ListPolicies", Scope="Local")
    call("iam", "CreatePolicyVersion", PolicyArn=policy, PolicyDocument=POLICY)
    call("iam", "GetPolicyVersion", PolicyArn=policy, VersionId="v1")
    call("iam", "ListPolicyVersions", PolicyArn=policy)
    call("iam", "SetDefaultPolicyVersion", PolicyArn=policy, VersionId="v2")
    call("iam", "DeletePolicyVersion", PolicyArn=policy, VersionId="v1")
    for kind, name in (("User", "u"), ("Role", "r")):
        own = {f"{kind}Name": name}
        call("iam", f"Attach{kind}Policy", PolicyArn=policy, **own)
        call("iam", f"ListAttached{kind}Policies", **own)
        call("iam", f"Put{kind}Policy", PolicyName="in", PolicyDocument=POLICY, **own)
        call("iam", f"Get{kind}Policy", PolicyName="in", **own)
        call("iam", f"List{kind}Policies", **own)
    for kind, named in (("User", {"UserName": "u"}), ("Role", {"RoleName": "r"}), ("Policy", {"PolicyArn": policy})):
        call("iam", f"Tag{kind}", Tags=[{"Key": "c", "Value": "d"}], **named)
        call("iam", f"List{kind}Tags", **named)
        call("iam", f"Untag{kind}", TagKeys=["c"], **named)
    call("iam", "CreateServiceLinkedRole", AWSServiceName="ecs.amazonaws.com")
    user = call("iam", "GetUser", UserName="u").at("User", "Arn")
    call("iam", "SimulatePrincipalPolicy", PolicySourceArn=user, ActionNames=["ecs:UpdateService", "s3:GetObject"])
    call("iam", "SimulateCustomPolicy", PolicyInputList=[POLICY], ActionNames=["ecs:UpdateService"])
    call("iam", "ListEntitiesForPolicy", PolicyArn=policy)
    for kind, name in (("User", "u"), ("Role", "r")):
        own = {f"{kind}Name": name}
        call("iam", f"Detach{kind}Policy", PolicyArn=policy, **own)
        call("iam", f"Delete{kind}Policy", PolicyName="in", **own)
    provider = call("iam", "CreateOpenIDConnectProvider", Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["6938fd4d98bab03faadb97b34396831e3780aea1"])
    provider = provider.at("OpenIDConnectProviderArn")
    call("iam", "GetOpenIDConnectProvider", OpenIDConnectProviderArn=provider)
    call("iam", "ListOpenIDConnectProviders")
    call("iam", "DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=provider)
    call("iam", "DeletePolicy", PolicyArn=policy)
    call("iam", "DeleteRole", RoleName="r")
    call("iam", "DeleteUser", UserName="u")


def images(call):
    made = call("ecr", "CreateRepository", repositoryName="beside", tags=[{"Key": "a", "Value": "b"}])
    arn, uri = made.at("repository", "repositoryArn"), made.at("repository", "repositoryUri")
    name = {"repositoryName": "beside"}
    call("ecr", "GetAuthorizationToken")
    call("ecr", "DescribeRegistry")
    call("ecr", "DescribeRepositories")
    layer, config = b"layer", b'{"architecture":"amd64","os":"linux"}'
    for blob in (layer, config):
        upload = call("ecr", "InitiateLayerUpload", **name).at("uploadId")
        call("ecr", "UploadLayerPart", uploadId=upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob, **name)
        call("ecr", "CompleteLayerUpload", uploadId=upload, layerDigests=[digest(blob)], **name)
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": kind,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": digest(config)},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(layer), "digest": digest(layer)}],
    })
    for tag in ("one", "two"):
        call("ecr", "PutImage", imageManifest=manifest, imageManifestMediaType=kind, imageTag=tag, **name)
    call("ecr", "BatchCheckLayerAvailability", layerDigests=[digest(layer), digest(b"other")], **name)
    call("ecr", "GetDownloadUrlForLayer", layerDigest=digest(layer), **name)
    call("ecr", "DescribeImages", **name)
    call("ecr", "ListImages", **name)
    call("ecr", "BatchGetImage", imageIds=[{"imageTag": "one"}, {"imageTag": "none"}], **name)
    call("ecr", "StartImageScan", imageId={"imageTag": "one"}, **name)
    call("ecr", "DescribeImageScanFindings", imageId={"imageTag": "one"}, **name)
    call("ecr", "BatchDeleteImage", imageIds=[{"imageTag": "two"}, {"imageTag": "none"}], **name)
    call("ecr", "PutImageTagMutability", imageTagMutability="IMMUTABLE", **name)
    call("ecr", "PutImageScanningConfiguration", imageScanningConfiguration={"scanOnPush": False}, **name)
    call("ecr", "SetRepositoryPolicy", policyText=REPOSITORY_POLICY, **name)
    call("ecr", "GetRepositoryPolicy", **name)
    call("ecr", "DeleteRepositoryPolicy", **name)
    call("ecr", "PutLifecyclePolicy", lifecyclePolicyText=LIFECYCLE, **name)
    call("ecr", "GetLifecyclePolicy", **name)
    call("ecr", "DeleteLifecyclePolicy", **name)
    call("ecr", "TagResource", resourceArn=arn, tags=[{"Key": "c", "Value": "d"}])
    call("ecr", "ListTagsForResource", resourceArn=arn)
    call("ecr", "UntagResource", resourceArn=arn, tagKeys=["c"])
    call("ecr", "PutAccountSetting", name="BLOB_MOUNTING", value="ENABLED")
    call("ecr", "GetAccountSetting", name="BLOB_MOUNTING")
    template = {"prefix": "team"}
    call("ecr", "CreateRepositoryCreationTemplate", appliedFor=["CREATE_ON_PUSH"], **template)
    call("ecr", "UpdateRepositoryCreationTemplate", description="d", **template)
    call("ecr", "DescribeRepositoryCreationTemplates")
    call("ecr", "DeleteRepositoryCreationTemplate", **template)
    call("ecr-public", "GetAuthorizationToken")
    call("ecr-public", "DescribeRegistries")
    return f"{uri}:one"


def network(call):
    vpc = call("ec2", "DescribeVpcs").at("Vpcs", 0, "VpcId")
    subnets = [it["SubnetId"] for it in call("ec2", "DescribeSubnets").get("Subnets", [])][:2]
    group = call("ec2", "DescribeSecurityGroups").at("SecurityGroups", 0, "GroupId")
    return vpc, subnets, group


def services(call, image, subnets, group):
    cluster = {"cluster": "beside"}
    arn = call("ecs", "CreateCluster", clusterName="beside", tags=[{"key": "a", "value": "b"}]).at("cluster", "clusterArn")
    call("ecs", "ListClusters")
    call("ecs", "DescribeClusters", clusters=["beside"], include=["TAGS"])
    call("ecs", "PutAccountSetting", name="containerInsights", value="enabled")
    call("ecs", "PutAccountSettingDefault", name="containerInsights", value="enabled")
    call("ecs", "ListAccountSettings")
    definition = {
        "family": "beside", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
        "containerDefinitions": [{"name": "app", "image": image, "memory": 256, "essential": True, "portMappings": [{"containerPort": 8000}], "environment": [{"name": "A", "value": "b"}]}],
    }
    first = call("ecs", "RegisterTaskDefinition", **definition).at("taskDefinition", "taskDefinitionArn")
    call("ecs", "RegisterTaskDefinition", **definition)
    call("ecs", "DescribeTaskDefinition", taskDefinition="beside:1", include=["TAGS"])
    call("ecs", "ListTaskDefinitions")
    call("ecs", "ListTaskDefinitionFamilies")
    vpc = {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group], "assignPublicIp": "ENABLED"}}
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "maximumPercent": 200, "minimumHealthyPercent": 100}
    service = {**cluster, "service": "web"}
    call("ecs", "CreateService", serviceName="web", taskDefinition="beside:1", desiredCount=2, launchType="FARGATE", networkConfiguration=vpc, deploymentConfiguration=breaker, **cluster)
    call("ecs", "ListServices", **cluster)
    call("ecs", "DescribeServices", services=["web", "none"], include=["TAGS"], **cluster)
    updated = call("ecs", "UpdateService", taskDefinition="beside:2", **service)
    call.deployments = len(updated.at("service", "deployments", default=[]))
    call("ecs", "DescribeServices", services=["web"], **cluster)
    one = call("ecs", "ListServiceDeployments", **service).at("serviceDeployments", 0)
    one = one if isinstance(one, dict) else {"serviceDeploymentArn": "missing", "targetServiceRevisionArn": "missing"}
    call("ecs", "DescribeServiceDeployments", serviceDeploymentArns=[one["serviceDeploymentArn"]])
    call("ecs", "DescribeServiceRevisions", serviceRevisionArns=[one["targetServiceRevisionArn"]])
    call("ecs", "UpdateService", forceNewDeployment=True, **service)
    one = call("ecs", "ListServiceDeployments", **service).at("serviceDeployments", 0, "serviceDeploymentArn")
    call("ecs", "StopServiceDeployment", serviceDeploymentArn=one)
    task = call("ecs", "RunTask", taskDefinition="beside:1", launchType="FARGATE", networkConfiguration=vpc, **cluster).at("tasks", 0, "taskArn")
    call("ecs", "ListTasks", **cluster)
    call("ecs", "DescribeTasks", tasks=[task, arn.replace("cluster/", "task/") + "/none"], include=["TAGS"], **cluster)
    call("ecs", "ExecuteCommand", task=task, command="sh", interactive=True, **cluster)
    call("ecs", "StopTask", task=task, reason="done", **cluster)
    call("ecs", "TagResource", resourceArn=arn, tags=[{"key": "c", "value": "d"}])
    call("ecs", "ListTagsForResource", resourceArn=arn)
    call("ecs", "UntagResource", resourceArn=arn, tagKeys=["c"])
    call("ecs", "UpdateService", desiredCount=0, **service)
    call("ecs", "DeleteService", force=True, **service)
    call("ecs", "DeregisterTaskDefinition", taskDefinition=first)
    call("ecs", "DeleteTaskDefinitions", taskDefinitions=[first])


def balancers(call, vpc, subnets, group):
    arn = call("elbv2", "CreateLoadBalancer", Name="beside", Subnets=subnets, SecurityGroups=[group]).at("LoadBalancers", 0, "LoadBalancerArn")
    call("elbv2", "DescribeLoadBalancers", Names=["beside"])
    made = call("elbv2", "CreateTargetGroup", Name="beside", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip", HealthCheckPath="/health", Matcher={"HttpCode": "200"})
    target_group = made.at("TargetGroups", 0, "TargetGroupArn")
    own, balancer = {"TargetGroupArn": target_group}, {"LoadBalancerArn": arn}
    call("elbv2", "DescribeTargetGroups", Names=["beside"])
    call("elbv2", "ModifyTargetGroup", HealthCheckIntervalSeconds=10, **own)
    listener = call("elbv2", "CreateListener", Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}], **balancer)
    listener = listener.at("Listeners", 0, "ListenerArn")
    call("elbv2", "DescribeListeners", **balancer)
    call("elbv2", "ModifyListener", ListenerArn=listener, Port=8080)
    targets = [{"Id": "127.0.0.1", "Port": 9}]
    call("elbv2", "RegisterTargets", Targets=targets, **own)
    call("elbv2", "DescribeTargetHealth", **own)
    call("elbv2", "DeregisterTargets", Targets=targets, **own)
    call("elbv2", "ModifyLoadBalancerAttributes", Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "30"}], **balancer)
    call("elbv2", "DescribeLoadBalancerAttributes", **balancer)
    call("elbv2", "ModifyTargetGroupAttributes", Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}], **own)
    call("elbv2", "DescribeTargetGroupAttributes", **own)
    call("elbv2", "AddTags", ResourceArns=[arn], Tags=[{"Key": "a", "Value": "b"}])
    call("elbv2", "DescribeTags", ResourceArns=[arn])
    call("elbv2", "RemoveTags", ResourceArns=[arn], TagKeys=["a"])
    call("elbv2", "DeleteListener", ListenerArn=listener)
    call("elbv2", "DeleteLoadBalancer", **balancer)
    call("elbv2", "DeleteTargetGroup", **own)


def logs(call):
    name = {"logGroupName": "/beside"}
    stream = {**name, "logStreamName": "one"}
    call("logs", "CreateLogGroup", tags={"a": "b"}, **name)
    call("logs", "CreateLogStream", **stream)
    now = now_ms()
    call("logs", "PutLogEvents", logEvents=[{"timestamp": now + at, "message": f"line {at}"} for at in range(3)], **stream)
    call("logs", "GetLogEvents", startFromHead=True, **stream)
    call("logs", "FilterLogEvents", filterPattern="line", **name)
    call("logs", "DescribeLogStreams", **name)
    call("logs", "PutRetentionPolicy", retentionInDays=14, **name)
    found = call("logs", "DescribeLogGroups", logGroupNamePrefix="/beside").at("logGroups", 0)
    arn = found["arn"].removesuffix(":*") if isinstance(found, dict) else "missing"
    call("logs", "DeleteRetentionPolicy", **name)
    call("logs", "TagResource", resourceArn=arn, tags={"c": "d"})
    call("logs", "ListTagsForResource", resourceArn=arn)
    call("logs", "UntagResource", resourceArn=arn, tagKeys=["c"])
    call("logs", "TagLogGroup", tags={"e": "f"}, **name)
    call("logs", "ListTagsLogGroup", **name)
    call("logs", "UntagLogGroup", tags=["e"], **name)
    call("logs", "DeleteLogStream", **stream)
    call("logs", "DeleteLogGroup", **name)


def now_ms():
    return int(time.time() * 1000)


def all_of_it(call):
    who_and_whom(call)
    image = images(call)
    vpc, subnets, group = network(call)
    services(call, image, subnets, group)
    balancers(call, vpc, subnets, group)
    logs(call)
    call("ecr", "DeleteRepository", repositoryName="beside", force=True)
    call("ecs", "DeleteCluster", cluster="beside")


def compared(key, ours, theirs):
    name = f"{key[0]}.{key[1]}"
    if isinstance(ours, str):
        if key[1] not in REFUSED_HERE:
            return f"WRONG: refused here: {ours}"
        return "refused here" + (", not in moto" if isinstance(theirs, str) else "")
    if isinstance(theirs, str):
        return f"not in moto ({theirs.split(':')[0]})"
    wrong = [f"{path}: {ours[path]} here, {theirs[path]} in moto" for path in ours.keys() & theirs.keys() if ours[path] != theirs[path]]
    if wrong:
        return f"WRONG: {'; '.join(sorted(wrong))}"
    known = ONLY_MOTO.get(name, {})
    missing = [it for it in sorted(theirs.keys() - ours.keys()) if not any(it == one or it.startswith((f"{one}.", f"{one}[]")) for one in known)]
    if missing:
        return f"WRONG: only in moto: {', '.join(missing)}"
    more = sorted(ours.keys() - theirs.keys())
    more = [it for it in more if not any(it.startswith((f"{one}.", f"{one}[]")) for one in more)]
    return "both" + (f"; only here: {', '.join(it.lstrip('.') for it in more)}" if more else "")


def main():
    for name in ("AWS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        os.environ.pop(name, None)
    # moto says on standard output what it does not know.
    told, sys.stdout = sys.stdout, sys.stderr
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    own = {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"]}
    here = World(os.environ.pop("AWS_ENDPOINT_URL"), own, True)
    there = World(f"http://{host}:{port}", {"aws_access_key_id": "test", "aws_secret_access_key": "test"}, False)
    all_of_it(here)
    all_of_it(there)
    moto.stop()
    for key, ours in here.answers.items():
        print(*key, compared(key, ours, there.answers.get(key, "not asked")), sep="\t", file=told)
    print("deployments", "UpdateService", f"{here.deployments} here, {there.deployments} in moto", sep="\t", file=told)
    for problem in models.problems:
        print("model", problem, "WRONG: not of botocore's model", sep="\t", file=told)
    return any("WRONG" in compared(key, ours, there.answers.get(key, "")) for key, ours in here.answers.items()) or bool(models.problems)


if __name__ == "__main__":
    sys.exit(main())
