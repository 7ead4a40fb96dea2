//! The APIs: dispatch, credentials, errors, and the operations on ECR.

use serde_json::json;

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
