//! The APIs: dispatch, credentials, errors, and the operations on ECR.

use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::support::World;

#[tokio::test]
async fn who_am_i() {
    let (world, _folder) = World::new().await;
    let form = b"Action=GetCallerIdentity&Version=2011-06-15";
    let authorization = world.authorization("sts");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let answer = world.send("POST", "/", &headers, form).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/xml")));
    let text = answer.text();
    let start = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                 <Arn>arn:aws:iam::123456789012:user/github-actions-deploy</Arn><UserId>AIDA";
    assert!(text.starts_with(start), "{text}");
    assert!(
        text.contains("<Account>123456789012</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>"),
        "{text}"
    );

    let root = authorization.replace(&world.keys.access_key_id, "AKIAUNKNOWN");
    let answer = world.send("POST", "/", &[("Authorization", &root)], form).await;
    assert!(
        answer.text().contains("<Arn>arn:aws:iam::123456789012:root</Arn><UserId>123456789012</UserId>"),
        "{}",
        answer.text()
    );

    let answer = world.send("POST", "/", &[], form).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("<Code>MissingAuthenticationToken</Code>"), "{}", answer.text());

    let calls = world.calls.lock().unwrap();
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.status, call.allowed, call.principal.as_deref(), call.iam_action.clone()))
        .collect();
    assert_eq!(
        seen,
        [
            (200, true, Some("arn:aws:iam::123456789012:user/github-actions-deploy"), None),
            (200, true, Some("arn:aws:iam::123456789012:root (unknown access key)"), None),
            (403, false, None, None),
        ]
    );
    assert_eq!((&*calls[0].service, &*calls[0].operation), ("sts", "GetCallerIdentity"));
}

#[tokio::test]
async fn what_is_not_emulated_says_so() {
    let (world, _folder) = World::new().await;
    let (code, message) = world.refused("ecs", "Foo", &json!({})).await;
    assert_eq!((&*code, &*message), ("UnknownOperationException", "wfrun: ecs:Foo is not emulated"));
    let (code, message) = world.refused("DynamoDB_20120810", "PutItem", &json!({})).await;
    assert_eq!((&*code, &*message), ("UnknownOperationException", "wfrun: DynamoDB_20120810:PutItem is not emulated"));

    let authorization = world.authorization("iam");
    let signed = [("Authorization", authorization.as_str())];
    let answer = world.send("POST", "/", &signed, b"Action=CreateGroup&Version=2010-05-08&GroupName=x").await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.text().contains("<Code>InvalidAction</Code><Message>wfrun: iam:CreateGroup is not emulated"),
        "{}",
        answer.text()
    );

    let s3 = world.authorization("s3");
    let answer = world.send("PUT", "/bucket/key", &[("Authorization", &s3)], b"x").await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().starts_with("<Error><Code>NotImplemented</Code>"), "{}", answer.text());

    let answer =
        world.send("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", &signed, b"").await;
    assert_eq!((answer.status, answer.header("smithy-protocol")), (400, Some("rpc-v2-cbor")));
    assert!(answer.text().contains("PutMetricData is not emulated"), "{}", answer.text());

    let answer = world.send("GET", "/", &[], b"").await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test]
async fn garbled_requests_are_errors_of_the_client() {
    let (world, _folder) = World::new().await;
    let target = ("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices");
    let answer = world.send("POST", "/", &[target], b"{}").await;
    assert_eq!((answer.status, answer.json()["__type"].as_str()), (400, Some("MissingAuthenticationTokenException")));
    let authorization = world.authorization("ecs");
    for body in ["{", "[]", "\"x\""] {
        let answer = world.send("POST", "/", &[target, ("Authorization", &authorization)], body.as_bytes()).await;
        assert_eq!((answer.status, answer.json()["__type"].as_str()), (400, Some("SerializationException")), "{body}");
    }
    let cases = [
        ("DescribeServices", json!({ "services": "x" }), "SerializationException"),
        ("DescribeServices", json!({ "services": [1], "cluster": "news-api-cluster" }), "SerializationException"),
        ("DescribeServices", json!({ "services": [] }), "InvalidParameterException"),
        ("DescribeServices", json!({ "services": vec!["x"; 11] }), "InvalidParameterException"),
        ("DescribeServices", json!({ "services": ["x"], "cluster": "nope" }), "ClusterNotFoundException"),
        ("DescribeTaskDefinition", json!({}), "InvalidParameterException"),
        ("DescribeTaskDefinition", json!({ "taskDefinition": "nope" }), "ClientException"),
        ("UpdateService", json!({ "service": "nope", "cluster": "news-api-cluster" }), "ServiceNotFoundException"),
        ("UpdateService", json!({ "service": "x", "cluster": "nope" }), "ClusterNotFoundException"),
        (
            "UpdateService",
            json!({ "service": "news-api-service", "cluster": "news-api-cluster", "taskDefinition": "no" }),
            "ClientException",
        ),
        (
            "UpdateService",
            json!({ "service": "news-api-service", "cluster": "news-api-cluster", "desiredCount": -1 }),
            "SerializationException",
        ),
        ("ListTasks", json!({ "cluster": "nope" }), "ClusterNotFoundException"),
    ];
    for (operation, input, want) in cases {
        let (code, message) = world.refused("ecs", operation, &input).await;
        assert_eq!(code, want, "{operation} {input}: {message}");
    }
}

#[tokio::test]
async fn repositories() {
    let (world, _folder) = World::new().await;
    let created = world
        .ok("ecr", "CreateRepository", &json!({ "repositoryName": "team/tools", "imageTagMutability": "IMMUTABLE" }))
        .await;
    let repository = &created["repository"];
    assert_eq!(repository["repositoryUri"], format!("{}/team/tools", world.host()));
    assert_eq!(repository["repositoryArn"], "arn:aws:ecr:us-east-1:123456789012:repository/team/tools");
    assert_eq!(repository["imageTagMutability"], "IMMUTABLE");
    assert!(repository["createdAt"].is_number());

    let endpoint = async || {
        let token = world.ok("ecr", "GetAuthorizationToken", &json!({})).await;
        token["authorizationData"][0]["proxyEndpoint"].clone()
    };
    assert_eq!(endpoint().await, world.endpoint.url());
    world.account.call_registry_by_amazons_name();
    let amazon = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
    assert_eq!(endpoint().await, format!("https://{amazon}"));
    let all = world.ok("ecr", "DescribeRepositories", &json!({ "maxResults": 1 })).await;
    assert_eq!(all["repositories"][0]["repositoryUri"], format!("{amazon}/news-api"));
    assert_eq!(all["repositories"][0]["repositoryName"], "news-api");
    let rest = world.ok("ecr", "DescribeRepositories", &json!({ "nextToken": all["nextToken"] })).await;
    assert_eq!(rest["repositories"][0]["repositoryName"], "team/tools");
    assert!(rest.get("nextToken").is_none(), "absent members are left out: {rest}");

    let missing = "The repository with name 'nope' does not exist in the registry with id '123456789012'";
    let cases = [
        (
            "CreateRepository",
            json!({ "repositoryName": "team/tools" }),
            "RepositoryAlreadyExistsException",
            "already exists in the registry",
        ),
        (
            "CreateRepository",
            json!({ "repositoryName": "No" }),
            "InvalidParameterException",
            "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '[a-z0-9]+(",
        ),
        (
            "CreateRepository",
            json!({ "repositoryName": "ok", "imageTagMutability": "?" }),
            "InvalidParameterException",
            "Member must satisfy enum value set",
        ),
        ("DescribeRepositories", json!({ "repositoryNames": ["nope"] }), "RepositoryNotFoundException", missing),
        ("DescribeImages", json!({ "repositoryName": "nope" }), "RepositoryNotFoundException", missing),
        (
            "GetAuthorizationToken",
            json!({ "registryIds": ["210987654321"] }),
            "InvalidParameterException",
            "is not emulated",
        ),
    ];
    for (operation, input, code, message) in cases {
        let found = world.refused("ecr", operation, &input).await;
        assert_eq!(found.0, code, "{operation} {input}: {}", found.1);
        assert!(found.1.contains(message), "{operation} {input}: {}", found.1);
    }
}

#[tokio::test]
async fn images() {
    let (world, _folder) = World::new().await;
    let first = world.push("news-api", "abc", b"layer").await;
    world.push("news-api", "latest", b"layer").await;
    let second = world.push("news-api", "latest", b"other layer").await;
    assert_ne!(first, second);

    let images = world.ok("ecr", "DescribeImages", &json!({ "repositoryName": "news-api" })).await;
    let details = images["imageDetails"].as_array().unwrap();
    assert_eq!(details.len(), 2);
    assert_eq!((&details[0]["imageTags"], &details[1]["imageTags"]), (&json!(["abc"]), &json!(["latest"])));
    let config = br#"{"architecture":"amd64","os":"linux"}"#.len();
    assert_eq!(
        details[0]["imageSizeInBytes"],
        json!(config + b"layer".len()),
        "layers and configuration, not the manifest"
    );

    let listed = world.ok("ecr", "ListImages", &json!({ "repositoryName": "news-api" })).await;
    assert_eq!(
        listed["imageIds"],
        json!([{ "imageDigest": first, "imageTag": "abc" }, { "imageDigest": second, "imageTag": "latest" }])
    );

    let ids = json!([{ "imageTag": "abc" }, { "imageTag": "nope" }, { "imageTag": "abc", "imageDigest": second }]);
    let got = world.ok("ecr", "BatchGetImage", &json!({ "repositoryName": "news-api", "imageIds": ids })).await;
    assert_eq!(got["images"][0]["imageId"], json!({ "imageDigest": first, "imageTag": "abc" }));
    assert!(got["images"][0]["imageManifest"].as_str().unwrap().contains("schemaVersion"));
    assert_eq!(got["failures"].as_array().unwrap().len(), 2);
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");

    let absent = json!({ "repositoryName": "news-api", "imageIds": [{ "imageTag": "nope" }] });
    assert_eq!(world.refused("ecr", "DescribeImages", &absent).await.0, "ImageNotFoundException");
}

#[tokio::test]
async fn an_answer_has_one_request_id() {
    let (world, _folder) = World::new().await;
    let cases = [
        (world.query("sts", "GetCallerIdentity", "").await, 200, "RequestId"),
        (world.query("iam", "GetUser", "&UserName=nobody").await, 404, "RequestId"),
        (world.versioned("ec2", ("DescribeVpcs", "2016-11-15"), "").await, 200, "requestId"),
        (world.versioned("ec2", ("DescribeNothing", "2016-11-15"), "").await, 400, "RequestID"),
    ];
    for (answer, status, element) in cases {
        assert_eq!(answer.status, status, "{}", answer.text());
        let id = answer.header("x-amzn-requestid").expect("an id").to_owned();
        assert!(answer.text().contains(&format!("<{element}>{id}</{element}>")), "{id}: {}", answer.text());
    }
}

fn json<'a>(authorization: &'a str, target: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("Authorization", authorization), ("X-Amz-Target", target)]
}

#[tokio::test]
async fn bodies_that_are_too_large_are_said_to_be() {
    let (world, _folder) = World::new().await;
    let (ecs, ecr, iam) = (world.authorization("ecs"), world.authorization("ecr"), world.authorization("iam"));
    let (task, part) =
        ("AmazonEC2ContainerServiceV20141113.ListTasks", "AmazonEC2ContainerRegistry_V20150921.UploadLayerPart");
    let form =
        vec![("Authorization", iam.as_str()), ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
    let (large, largest) = (2 * 1024 * 1024 + 1, 28 * 1024 * 1024 + 1);
    let cases = [
        (json(&ecs, task), large, 413, "{\"__type\":\"RequestEntityTooLargeException\""),
        (json(&ecr, part), largest, 413, "{\"__type\":\"RequestEntityTooLargeException\""),
        (
            form,
            large,
            413,
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>RequestEntityTooLarge</Code>",
        ),
        // Nobody is asked for the body of what is refused without it.
        (vec![("X-Amz-Target", part)], largest, 400, "{\"__type\":\"MissingAuthenticationTokenException\""),
        (vec![], large, 413, "{\"__type\":\"RequestEntityTooLargeException\""),
    ];
    for (headers, size, status, start) in cases {
        let answer = world.send("POST", "/", &headers, &vec![b'x'; size]).await;
        assert_eq!(answer.status, status, "{headers:?} {}", answer.text());
        assert!(answer.text().starts_with(start), "{headers:?} {}", answer.text());
    }
    // The largest that is allowed is read to its end.
    let answer = world.send("POST", "/", &json(&ecr, part), &vec![b' '; largest - 1]).await;
    assert!(answer.text().contains("SerializationException"), "{}", answer.text());
}

#[tokio::test]
async fn what_nobody_signed_is_not_kept() {
    const MIB: usize = 1024 * 1024;
    let (world, _folder) = World::new().await;
    let part = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 29000000\r\n\
        X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.UploadLayerPart\r\n\r\n";
    let before = resident();
    let mut open = Vec::new();
    for _ in 0..12 {
        let mut stream = tokio::net::TcpStream::connect(world.host()).await.unwrap();
        stream.write_all(part).await.unwrap();
        // What is refused meanwhile is no matter.
        drop(stream.write_all(&vec![b'x'; 27 * MIB]).await);
        open.push(stream);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 100 * MIB, "{} MiB", grown / MIB);
    let answer = world.query("sts", "GetCallerIdentity", "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Bytes of memory that this process has.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|it| it.split(' ').nth(1)?.parse::<usize>().ok());
    pages.expect("Linux tells how many pages a process has") * 4096
}

/// Once, and only of a version that GitHub's machines do not have.
#[tokio::test]
async fn an_old_cli_is_told_of() {
    let (world, _folder) = World::new().await;
    for agent in ["aws-cli/2.31.0 md/x", "Boto3/1.43", "aws-cli/1.46.3 md/x", "aws-cli/1.46.3 md/y"] {
        let authorization = world.authorization("sts");
        let headers = [
            ("Authorization", authorization.as_str()),
            ("User-Agent", agent),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let body = b"Action=GetCallerIdentity&Version=2011-06-15";
        assert_eq!(world.send("POST", "/", &headers, body).await.status, 200, "{agent}");
    }
    let calls = world.calls.lock().unwrap();
    let told: Vec<usize> = calls.iter().map(|it| it.notices.len()).collect();
    assert_eq!(told, [0, 0, 1, 0]);
    assert!(calls[2].notices[0].message.starts_with("AWS CLI 1.46.3 of this machine"), "{:?}", calls[2].notices);
}
