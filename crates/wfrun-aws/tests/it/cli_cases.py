# The commands of deploy guides with version 1 of the AWS CLI, in its own process so that every answer is held against botocore's models.
import contextlib
import io
import json
import os
import re
import sys
import tempfile
import time

from awscli.clidriver import create_clidriver

sys.dont_write_bytecode = True
import models

DRIVER = create_clidriver()
models.watch(DRIVER.session)
os.chdir(tempfile.mkdtemp())
done = 0


def aws(line, code=0, has="", **more):
    """Runs a command and gives back what it prints; words of `more` stand for themselves."""
    global done
    words = [more.get(word, word) for word in line.split()]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = DRIVER.main(words)
    text = out.getvalue().strip() if ended == 0 else err.getvalue().strip()
    assert ended == code, f"{line}: {ended}, not {code}: {text}"
    assert re.search(has, text), f"{line}: no {has!r} in {text}"
    done += 1
    return text


def write(name, value):
    with open(name, "w") as file:
        file.write(value if isinstance(value, str) else json.dumps(value))
    return f"file://{os.path.abspath(name)}"


def identities():
    aws("sts get-caller-identity --query Account --output text", has=r"^\d{12}$")
    aws("iam create-user --user-name deployer", has=r'"UserId": "AIDA')
    refused = r"\(EntityAlreadyExists\) when calling the CreateUser operation: User with name deployer already exists\."
    aws("iam create-user --user-name deployer", 255, refused)
    key = aws("iam create-access-key --user-name deployer --query AccessKey.AccessKeyId --output text", has="^AKIA")
    aws("iam create-access-key --user-name deployer")
    aws("iam create-access-key --user-name deployer", 255, r"\(LimitExceeded\).*Cannot exceed quota for AccessKeysPerUser: 2")
    aws("iam list-access-keys --user-name deployer --query AccessKeyMetadata[].AccessKeyId --output text", has=key)
    policy = write("policy.json", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]})
    create = "iam create-policy --policy-name GitHubActionsDeployPolicy --policy-document DOCUMENT --query Policy.Arn --output text"
    arn = aws(create, DOCUMENT=policy, has=":policy/GitHubActionsDeployPolicy$")
    aws("iam create-policy --policy-name other --policy-document DOCUMENT", 255, r"\(MalformedPolicyDocument\)", DOCUMENT=write("broken.json", "{"))
    aws("iam attach-user-policy --user-name deployer --policy-arn ARN", ARN=arn)
    attached = "iam list-attached-user-policies --user-name deployer --query AttachedPolicies[0].PolicyName --output text"
    aws(attached, has="^GitHubActionsDeployPolicy$")
    aws("iam attach-user-policy --user-name deployer --policy-arn ARN", 255, r"\(NoSuchEntity\)", ARN=f"{arn}None")


def images():
    host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    aws("ecr create-repository --repository-name other --query repository.repositoryUri --output text", has=f"^{host}/other$")
    aws("ecr create-repository --repository-name other", 255, r"\(RepositoryAlreadyExistsException\)")
    aws("ecr get-login-password", has="^[^:]{20,}$")
    aws("ecr describe-images --repository-name cases --query imageDetails[].imageTags[] --output text", has="good")
    aws("ecr describe-images --repository-name none", 255, r"\(RepositoryNotFoundException\).*'none' does not exist in the registry")
    return f"{host}/cases"


def definition(image):
    return write("definition.json", {
        "family": "cases", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
        "containerDefinitions": [{"name": "app", "image": image, "essential": True, "portMappings": [{"containerPort": 8000}]}],
    })


SERVICE = "--cluster cases --service web"
DESCRIBE = "ecs describe-services --cluster cases --services web --output text --query"
STABLE = "ecs wait services-stable --cluster cases --services web"


def rollouts(repository):
    aws("ecs create-cluster --cluster-name cases", has='"status": "ACTIVE"')
    register = "ecs register-task-definition --cli-input-json FILE --query taskDefinition.revision"
    for revision, tag in enumerate(("good", "better", "missing"), 1):
        aws(register, FILE=definition(f"{repository}:{tag}"), has=f"^{revision}$")
    image = "ecs describe-task-definition --task-definition cases:1 --output text --query taskDefinition.containerDefinitions[0].image"
    aws(image, has=f"^{repository}:good$")
    rolling = "deploymentCircuitBreaker={enable=true,rollback=ROLLBACK},maximumPercent=200,minimumHealthyPercent=100"
    create = "ecs create-service --cluster cases --service-name web --task-definition cases:1 --desired-count 2 --launch-type FARGATE"
    aws(f"{create} --network-configuration NET --deployment-configuration HOW", NET="awsvpcConfiguration={subnets=[subnet-1]}", HOW=rolling.replace("ROLLBACK", "true"))
    aws(STABLE)
    aws(f"{DESCRIBE} services[0].[runningCount,length(deployments),deployments[0].rolloutState]", has="^2\t1\tCOMPLETED$")
    aws(f"ecs update-service {SERVICE} --task-definition cases:2 --query length(service.deployments)", has="^2$")
    running = aws(f"{DESCRIBE} services[0].runningCount")
    assert int(running) >= 2, running
    aws(STABLE)
    old = aws(f"{DESCRIBE} services[0].deployments[].id")
    aws(f"ecs update-service {SERVICE} --task-definition cases:3")
    aws(STABLE)
    aws(f"{DESCRIBE} services[0].deployments[].id", has=f"^{old}$")
    aws(f"{DESCRIBE} services[0].taskDefinition", has=":task-definition/cases:2$")
    events = aws(f"{DESCRIBE} services[0].events[].message")
    told = [events.index(it) for it in ("deployment completed.", "rolling back to deployment", "deployment failed: tasks failed to start.")]
    assert told == sorted(told), events
    stopped = aws("ecs list-tasks --cluster cases --desired-status STOPPED --output text --query taskArns").split()
    assert len(stopped) >= 3, stopped
    codes = aws("ecs describe-tasks --cluster cases --output text --query tasks[].stopCode --tasks " + " ".join(stopped))
    assert "TaskFailedToStart" in codes, codes
    one = aws("ecs list-service-deployments --cluster cases --service web --output text --query serviceDeployments[].serviceDeploymentArn")
    aws(f"ecs describe-service-deployments --output text --query serviceDeployments[].status --service-deployment-arns {one}", has="ROLLBACK_SUCCESSFUL")
    aws(f"ecs update-service {SERVICE} --task-definition cases:3 --deployment-configuration HOW", HOW=rolling.replace("ROLLBACK", "false"))
    deadline = time.time() + 60
    while "FAILED" not in aws(f"{DESCRIBE} services[0].deployments[].rolloutState"):
        assert time.time() < deadline
        time.sleep(0.05)
    aws(f"ecs update-service {SERVICE} --task-definition cases:2 --desired-count 0 --query service.desiredCount", has="^0$")
    aws(STABLE)
    before = aws(f"{DESCRIBE} services[0].deployments[0].id")
    same = f"ecs update-service {SERVICE} --task-definition cases:2 --output text --query service.deployments[0].id"
    aws(same, has=f"^{before}$")
    aws("ecs describe-services --cluster none --services web", 255, r"\(ClusterNotFoundException\).*Cluster not found\.")
    aws("ecs describe-services --cluster cases --services none --query failures[0].reason --output text", has="^MISSING$")


identities()
rollouts(images())
assert not models.problems, models.problems
print("done", done, len(models.checked))
