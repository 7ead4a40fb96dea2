use serde_json::{Value, json};

use super::register;
use crate::ecs::Ecs;
use crate::ids::Arns;

const ARNS: Arns<'_> = Arns { account: "123456789012", region: "us-east-1" };

fn fargate() -> Value {
    json!({
        "family": "news-api-task",
        "containerDefinitions": [{
            "name": "news-api",
            "image": "127.0.0.1:5000/news-api:abc123",
            "portMappings": [{ "containerPort": 8000 }],
            "environment": [{ "name": "LOG_LEVEL", "value": "info" }],
            "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/news-api" } },
            "healthCheck": { "command": ["CMD-SHELL", "true"] },
        }],
        "executionRoleArn": "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
        "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "tags": [{ "key": "a", "value": "b" }],
    })
}

fn try_register(ecs: &mut Ecs, input: &Value) -> Result<(u32, Value), String> {
    let input = input.as_object().expect("the tests register objects");
    register(ecs, input, ARNS, "arn:aws:iam::123456789012:user/admin", 1_795_419_990_250)
        .map(|found| (found.revision, Value::Object(found.body.clone())))
        .map_err(|err| format!("{}: {}", err.code, err.message))
}

#[test]
fn defaults_are_filled() {
    let (revision, body) = try_register(&mut Ecs::default(), &fargate()).unwrap();
    assert_eq!(revision, 1);
    insta::assert_json_snapshot!(body);
}

#[test]
fn revisions_grow_and_what_aws_writes_is_not_taken_over() {
    let mut ecs = Ecs::default();
    let (_, mut first) = try_register(&mut ecs, &fargate()).unwrap();
    first["tags"] = json!([]);
    first["enableFaultInjection"] = json!(false);
    let (revision, second) = try_register(&mut ecs, &first).unwrap();
    assert_eq!(revision, 2);
    assert_eq!(second["taskDefinitionArn"], "arn:aws:ecs:us-east-1:123456789012:task-definition/news-api-task:2");
    assert_eq!(second["enableFaultInjection"], json!(false), "what the caller sets stays");
    assert!(second.get("tags").is_none());
    for name in
        ["news-api-task", "news-api-task:2", "arn:aws:ecs:us-east-1:123456789012:task-definition/news-api-task:2"]
    {
        assert_eq!(ecs.task_definition(name).map(|found| found.revision), Some(2), "{name}");
    }
    assert_eq!(ecs.task_definition("news-api-task:1").map(|found| found.revision), Some(1));
    for name in ["news-api-task:3", "other", "news-api-task:x"] {
        assert!(ecs.task_definition(name).is_none(), "{name}");
    }
}

#[test]
fn what_ecs_refuses() {
    let with = |path: &str, value: Value| {
        let mut input = fargate();
        *input.pointer_mut(path).expect("the member exists") = value;
        input
    };
    let container = || fargate()["containerDefinitions"][0].clone();
    let cases = [
        (with("/family", json!("")), "Family contains invalid characters or is empty."),
        (with("/family", json!("a b")), "Family contains invalid characters."),
        (with("/containerDefinitions", json!([])), "Container list cannot be empty."),
        (
            with("/containerDefinitions", json!([container(), container()])),
            "Container names should be unique: news-api",
        ),
        (with("/containerDefinitions/0/image", json!("")), "Container.image should not be null or empty."),
        (with("/containerDefinitions/0/portMappings/0/containerPort", json!(70000)), "must be between 1 and 65535."),
        (with("/containerDefinitions/0/environment/0/name", json!("")), "Environment variable name"),
        (with("/networkMode", json!("bridge")), "Fargate only supports network mode 'awsvpc'."),
        (with("/memory", json!("511")), "No Fargate configuration exists for given values."),
        (with("/cpu", json!("")), "Fargate requires that 'cpu' be defined at the task level."),
        (with("/executionRoleArn", json!("")), "execution role ARN to support ECR images."),
        (with("/requiresCompatibilities", json!("FARGATE")), "is not of type list"),
    ];
    for (input, want) in cases {
        let message = try_register(&mut Ecs::default(), &input).unwrap_err();
        assert!(message.contains(want), "{message} | {want}");
    }
    let mut not_essential = fargate();
    not_essential["containerDefinitions"][0]["essential"] = json!(false);
    let message = try_register(&mut Ecs::default(), &not_essential).unwrap_err();
    assert_eq!(message, "ClientException: At least one container must be marked as essential.");
    let mut ec2 = fargate();
    ec2["requiresCompatibilities"] = json!(["EC2"]);
    ec2["memory"] = json!(null);
    let message = try_register(&mut Ecs::default(), &ec2).unwrap_err();
    assert!(message.contains("'memory' or 'memoryReservation'"), "{message}");
}

#[test]
fn fargate_sizes() {
    for (cpu, memory, good) in [
        ("256", "512", true),
        ("256", "2048", true),
        ("256", "3072", false),
        ("512", "1024", true),
        ("512", "512", false),
        (".25 vCPU", "0.5 GB", true),
        ("1 vCPU", "2GB", true),
        ("4096", "30720", true),
        ("8192", "16384", true),
        ("8192", "17408", false),
        ("16384", "122880", true),
        ("300", "512", false),
    ] {
        let mut input = fargate();
        input["cpu"] = json!(cpu);
        input["memory"] = json!(memory);
        assert_eq!(try_register(&mut Ecs::default(), &input).is_ok(), good, "{cpu} {memory}");
    }
}
