"""Calls every emulated operation of IAM and STS with boto3 and holds each answer against botocore's model.

An element that the model does not have, a required member that is missing, an empty or wrong value: each is a line of the output.
"""

import json
import xml.etree.ElementTree as ET

import boto3
from botocore.validate import ParamValidator

found, seen = [], []


def walk(shape, element, path):
    kind, text = shape.type_name, (element.text or "").strip()
    if kind == "structure":
        for child in element:
            name = child.tag.split("}")[1]
            if name not in shape.members:
                found.append(f"{path}.{name}: unknown")
            else:
                walk(shape.members[name], child, f"{path}.{name}")
    elif kind == "list":
        for child in element:
            if child.tag.split("}")[1] != "member":
                found.append(f"{path}: {child.tag} in a list")
            walk(shape.member, child, f"{path}[]")
    elif kind in ("integer", "long"):
        int(text)
    elif kind == "boolean":
        if text not in ("true", "false"):
            found.append(f"{path}: {text!r} is no boolean")
    elif kind == "timestamp":
        if not (text.endswith("Z") and "T" in text):
            found.append(f"{path}: {text!r} is no time")
    elif kind == "string" and getattr(shape, "enum", None) and text not in shape.enum:
        found.append(f"{path}: {text!r} is not one of {shape.enum}")


def as_sent(value):
    """boto3 reads policy documents; the model has texts."""
    if isinstance(value, dict) and "Statement" in value:
        return json.dumps(value)
    if isinstance(value, dict):
        return {name: as_sent(member) for name, member in value.items()}
    return [as_sent(item) for item in value] if isinstance(value, list) else value


def check(http_response, parsed, model, **_):
    if http_response.status_code >= 300:
        return
    seen.append(model.name)
    root = ET.fromstring(http_response.content)
    if model.output_shape is None:
        if len(root) != 1:
            found.append(f"{model.name}: a result where none should be")
        return
    result = root[0]
    if not result.tag.endswith(f"}}{model.output_shape.serialization['resultWrapper']}"):
        found.append(f"{model.name}: {result.tag}")
    walk(model.output_shape, result, model.name)
    members = {name: as_sent(value) for name, value in parsed.items() if name != "ResponseMetadata"}
    report = ParamValidator().validate(members, model.output_shape)
    if report.has_errors():
        found.append(f"{model.name}: {report.generate_report()}")


iam, sts = boto3.client("iam"), boto3.client("sts")
for client in (iam, sts):
    client.meta.events.register(f"after-call.{client.meta.service_model.service_name}", check)

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
    found.append("a user with keys was deleted")
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
for line in found:
    print(line)
print(f"{len(set(seen))} operations, {len(found)} findings")
