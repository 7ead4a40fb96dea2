"""Calls every emulated operation of IAM and STS with boto3 and holds each answer against botocore's model.

What does not fit is a line of the output.
"""

import json
import sys

import boto3

sys.dont_write_bytecode = True
from models import checked, problems, watch

iam, sts = boto3.client("iam"), boto3.client("sts")
for client in (iam, sts):
    watch(client.meta.events)

allow = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}})
trust = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}})
tags = [{"Key": "team", "Value": "a & b"}]

iam.create_user(UserName="ann", Path="/team/", Tags=tags)
assert iam.get_user(UserName="ann")["User"]["Tags"] == tags
assert [it["UserName"] for page in iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 1}) for it in page["Users"]]
key = iam.create_access_key(UserName="ann")["AccessKey"]
iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
assert iam.list_access_keys(UserName="ann")["AccessKeyMetadata"][0]["Status"] == "Inactive"
policy = iam.create_policy(PolicyName="p", PolicyDocument=allow, Description="d", Tags=tags)["Policy"]["Arn"]
iam.get_policy(PolicyArn=policy)
iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
iam.list_policies()
iam.create_policy_version(PolicyArn=policy, PolicyDocument=allow)
iam.set_default_policy_version(PolicyArn=policy, VersionId="v2")
assert iam.get_policy_version(PolicyArn=policy, VersionId="v2")["PolicyVersion"]["Document"] == json.loads(allow)
iam.list_policy_versions(PolicyArn=policy)
iam.delete_policy_version(PolicyArn=policy, VersionId="v1")
iam.attach_user_policy(UserName="ann", PolicyArn=policy)
iam.list_attached_user_policies(UserName="ann")
iam.list_entities_for_policy(PolicyArn=policy)
iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=allow)
assert iam.get_user_policy(UserName="ann", PolicyName="own")["PolicyDocument"] == json.loads(allow)
iam.list_user_policies(UserName="ann")
role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust, Description="d", Tags=tags, MaxSessionDuration=7200)["Role"]["Arn"]
assert iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == json.loads(trust)
iam.list_roles()
iam.update_role(RoleName="r", Description="e")
iam.update_assume_role_policy(RoleName="r", PolicyDocument=trust)
iam.attach_role_policy(RoleName="r", PolicyArn=policy)
iam.list_attached_role_policies(RoleName="r")
iam.put_role_policy(RoleName="r", PolicyName="own", PolicyDocument=allow)
iam.get_role_policy(RoleName="r", PolicyName="own")
iam.list_role_policies(RoleName="r")
iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com", Description="d")
other = [{"Key": "TEAM", "Value": "c"}, {"Key": "app", "Value": "d"}]
for kind, named in (("user", {"UserName": "ann"}), ("role", {"RoleName": "r"}), ("policy", {"PolicyArn": policy})):
    getattr(iam, f"tag_{kind}")(Tags=other, **named)
    assert getattr(iam, f"list_{kind}_tags")(**named)["Tags"] == other
    getattr(iam, f"untag_{kind}")(TagKeys=["team"], **named)
    assert getattr(iam, f"list_{kind}_tags")(**named)["Tags"] == other[1:]
url = "https://token.actions.githubusercontent.com"
provider = iam.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["f" * 40], Tags=tags)
provider = provider["OpenIDConnectProviderArn"]
iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)
iam.list_open_id_connect_providers()
user = "arn:aws:iam::123456789012:user/team/ann"
told = iam.simulate_principal_policy(PolicySourceArn=user, ActionNames=["ecs:RunTask", "ecr:PutImage"])
assert [it["EvalDecision"] for it in told["EvaluationResults"]] == ["allowed", "implicitDeny"]
iam.simulate_custom_policy(PolicyInputList=[allow], ActionNames=["ecs:RunTask"])
sts.get_caller_identity()
sts.get_session_token()
session = sts.assume_role(RoleArn=role, RoleSessionName="ci", Policy=allow, Tags=tags)["Credentials"]
mine = boto3.client(
    "sts",
    aws_access_key_id=session["AccessKeyId"],
    aws_secret_access_key=session["SecretAccessKey"],
    aws_session_token=session["SessionToken"],
)
assert mine.get_caller_identity()["Arn"] == "arn:aws:sts::123456789012:assumed-role/r/ci"
try:
    iam.delete_user(UserName="ann")
    problems.append("a user with keys was deleted")
except iam.exceptions.DeleteConflictException:
    pass
iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
iam.detach_role_policy(RoleName="r", PolicyArn=policy)
iam.delete_role_policy(RoleName="r", PolicyName="own")
iam.delete_role(RoleName="r")
iam.detach_user_policy(UserName="ann", PolicyArn=policy)
iam.delete_user_policy(UserName="ann", PolicyName="own")
iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
iam.delete_policy(PolicyArn=policy)
iam.delete_user(UserName="ann")
for line in problems:
    print(line)
print(f"{len(checked)} operations, {len(problems)} findings")
