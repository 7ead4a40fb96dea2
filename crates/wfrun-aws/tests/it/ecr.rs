//! The operations of ECR that change repositories, images and layers, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{DOCKER_MANIFEST, World, digest, manifest};

const IN_NEWS_API: &str = "with name 'news-api' in the registry with id '123456789012'";

#[tokio::test]
async fn a_repository_lives_and_dies() {
    let (world, _folder) = World::new().await;
    let name = json!({ "repositoryName": "news-api" });
    world.push("news-api", "v1", b"layer").await;
    let (code, message) = world.refused("ecr", "DeleteRepository", &name).await;
    assert_eq!(code, "RepositoryNotEmptyException");
    let full = "The repository with name 'news-api' in registry with id '123456789012' cannot be deleted because it still contains images";
    assert_eq!(message, full);
    let gone = world.ok("ecr", "DeleteRepository", &json!({ "repositoryName": "news-api", "force": true })).await;
    assert_eq!(gone["repository"]["repositoryName"], "news-api");
    assert_eq!(world.refused("ecr", "DeleteRepository", &name).await.0, "RepositoryNotFoundException");
    let other = json!({ "repositoryName": "news-api", "registryId": "210987654321" });
    let (_, message) = world.refused("ecr", "DescribeImages", &other).await;
    assert!(message.ends_with("does not exist in the registry with id '210987654321'"), "{message}");

    let settings = json!({
        "repositoryName": "kept", "imageScanningConfiguration": { "scanOnPush": true },
        "encryptionConfiguration": { "encryptionType": "KMS" }, "tags": [{ "Key": "team", "Value": "news" }],
    });
    let created = world.ok("ecr", "CreateRepository", &settings).await["repository"].clone();
    assert_eq!(created["imageScanningConfiguration"], json!({ "scanOnPush": true }));
    assert_eq!(created["encryptionConfiguration"], json!({ "encryptionType": "KMS" }));
    let arn = &created["repositoryArn"];
    let more = json!({ "resourceArn": arn, "tags": [{ "Key": "env", "Value": "x" }, { "Key": "team", "Value": "y" }] });
    assert_eq!(world.ok("ecr", "TagResource", &more).await, json!({}));
    world.ok("ecr", "UntagResource", &json!({ "resourceArn": arn, "tagKeys": ["env"] })).await;
    let tags = world.ok("ecr", "ListTagsForResource", &json!({ "resourceArn": arn })).await;
    assert_eq!(tags, json!({ "tags": [{ "Key": "team", "Value": "y" }] }));
    let scanning = json!({ "repositoryName": "kept", "imageScanningConfiguration": { "scanOnPush": false } });
    let put = world.ok("ecr", "PutImageScanningConfiguration", &scanning).await;
    assert_eq!(put["imageScanningConfiguration"], json!({ "scanOnPush": false }));
}

#[tokio::test]
async fn a_tag_that_moves_leaves_its_image_untagged() {
    let (world, _folder) = World::new().await;
    let old = world.push("news-api", "latest", b"one").await;
    let new = world.push("news-api", "latest", b"two").await;
    let images = world.ok("ecr", "DescribeImages", &json!({ "repositoryName": "news-api" })).await;
    let seen: Vec<_> =
        images["imageDetails"].as_array().unwrap().iter().map(|it| (&it["imageDigest"], it.get("imageTags"))).collect();
    assert_eq!(seen, [(&json!(old), None), (&json!(new), Some(&json!(["latest"])))]);
    assert_eq!(images["imageDetails"][0]["imageStatus"], "ACTIVE");
    let untagged = json!({ "repositoryName": "news-api", "filter": { "tagStatus": "UNTAGGED" } });
    assert_eq!(world.ok("ecr", "ListImages", &untagged).await["imageIds"], json!([{ "imageDigest": old }]));
    let authorization = world.docker_login().await;
    world.send("GET", "/v2/news-api/manifests/latest", &[("Authorization", &authorization)], b"").await;
    let images = world.ok("ecr", "DescribeImages", &json!({ "repositoryName": "news-api" })).await;
    let pulled = |at: usize| images["imageDetails"][at]["lastRecordedPullTime"].is_number();
    assert_eq!((pulled(0), pulled(1)), (false, true));
}

#[tokio::test]
async fn images_are_put_and_deleted() {
    let (world, _folder) = World::new().await;
    let config = br#"{"architecture":"amd64","os":"linux"}"#;
    let text = manifest(config, b"layer");
    let put = async |change: Value| {
        let mut input = json!({ "repositoryName": "news-api", "imageManifest": text, "imageTag": "v1" });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        world.call("ecr", "PutImage", &input).await
    };
    let refused = async |change: Value| {
        let answer = put(change).await.json();
        (
            answer["__type"].as_str().unwrap_or_default().to_owned(),
            answer["message"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let (code, message) = refused(json!({})).await;
    assert_eq!(code, "LayersNotFoundException");
    let absent = format!(
        "Layers with digests '[{}, {}]' required for pushing image into repository {IN_NEWS_API} do not exist",
        digest(config),
        digest(b"layer")
    );
    assert_eq!(message, absent);
    world.push("news-api", "v0", b"layer").await;
    let done = put(json!({})).await.json();
    let of = digest(text.as_bytes());
    assert_eq!(done["image"]["imageId"], json!({ "imageDigest": of, "imageTag": "v1" }), "{done}");
    assert_eq!(done["image"]["imageManifestMediaType"], DOCKER_MANIFEST);
    let again = format!(
        "Image with digest '{of}' and tag 'v1' already exists in the repository with name 'news-api' in registry with id '123456789012'"
    );
    assert_eq!(refused(json!({})).await, ("ImageAlreadyExistsException".to_owned(), again));
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "digest": digest(b"x"), "size": 1 }],
    });
    for (change, code) in [
        (json!({ "imageDigest": digest(b"x") }), "ImageDigestDoesNotMatchException"),
        (json!({ "imageManifest": "{" }), "InvalidParameterException"),
        (json!({ "imageManifest": "{}" }), "InvalidParameterException"),
        (json!({ "imageTag": "a b" }), "InvalidParameterException"),
        (json!({ "imageManifest": index.to_string() }), "ReferencedImagesNotFoundException"),
        (json!({ "repositoryName": "nope" }), "RepositoryNotFoundException"),
    ] {
        let (found, message) = refused(change.clone()).await;
        assert_eq!(found, code, "{change}: {message}");
    }

    let delete = async |ids: Value| {
        world.ok("ecr", "BatchDeleteImage", &json!({ "repositoryName": "news-api", "imageIds": ids })).await
    };
    let deleted = delete(json!([
        { "imageTag": "v0" }, { "imageTag": "nope" }, {}, { "imageDigest": "x" }, { "imageTag": "v1", "imageDigest": digest(b"x") },
    ]))
    .await;
    assert_eq!(deleted["imageIds"], json!([{ "imageDigest": of, "imageTag": "v0" }]));
    let failures = deleted["failures"].as_array().unwrap().iter();
    let failures: Vec<_> = failures.map(|it| it["failureCode"].as_str().unwrap().to_owned()).collect();
    assert_eq!(failures, ["ImageNotFound", "MissingDigestAndTag", "InvalidImageDigest", "ImageTagDoesNotMatchDigest"]);
    assert_eq!(deleted["failures"][0]["failureReason"], "Requested image not found");
    let deleted = delete(json!([{ "imageDigest": of }])).await;
    assert_eq!(deleted["imageIds"], json!([{ "imageDigest": of, "imageTag": "v1" }]));
    let none = json!({ "repositoryName": "news-api" });
    assert_eq!(world.ok("ecr", "DescribeImages", &none).await["imageDetails"], json!([]));
    let layers = json!({ "repositoryName": "news-api", "layerDigests": [digest(b"layer")] });
    let checked = world.ok("ecr", "BatchCheckLayerAvailability", &layers).await;
    assert_eq!(checked["layers"][0]["layerAvailability"], "UNAVAILABLE", "the layers go with their last image");
}

#[tokio::test]
async fn layers_are_uploaded_in_parts_and_downloaded_by_a_link() {
    let (world, folder) = World::new().await;
    let name = |more: Value| {
        let mut input = json!({ "repositoryName": "news-api" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let begun = world.ok("ecr", "InitiateLayerUpload", &name(json!({}))).await;
    assert_eq!(begun["partSize"], 10_485_760);
    let id = begun["uploadId"].clone();
    let part = |first: u64, last: u64, bytes: &[u8]| {
        let blob = STANDARD.encode(bytes);
        name(json!({ "uploadId": id, "partFirstByte": first, "partLastByte": last, "layerPartBlob": blob }))
    };
    let complete = |digests: Value| name(json!({ "uploadId": id, "layerDigests": digests }));
    let of = digest(b"hello layer");
    let empty = complete(json!([of]));
    assert_eq!(world.refused("ecr", "CompleteLayerUpload", &empty).await.0, "EmptyUploadException");
    let done = world.ok("ecr", "UploadLayerPart", &part(0, 4, b"hello")).await;
    assert_eq!((&done["lastByteReceived"], &done["uploadId"]), (&json!(4), &id));
    for wrong in [part(0, 4, b"again"), part(5, 99, b" layer"), part(7, 12, b" layer")] {
        let (code, message) = world.refused("ecr", "UploadLayerPart", &wrong).await;
        assert_eq!(code, "InvalidLayerPartException");
        assert!(message.ends_with(&format!("in the repository {IN_NEWS_API}")), "{message}");
    }
    world.ok("ecr", "UploadLayerPart", &part(5, 10, b" layer")).await;
    let done = world.ok("ecr", "CompleteLayerUpload", &complete(json!([of]))).await;
    assert_eq!(done["layerDigest"], json!(of));
    assert_eq!(world.refused("ecr", "CompleteLayerUpload", &complete(json!([of]))).await.0, "UploadNotFoundException");

    let digests = json!({ "layerDigests": [of, digest(b"absent"), "garbage"] });
    let checked = world.ok("ecr", "BatchCheckLayerAvailability", &name(digests)).await;
    assert_eq!(
        checked["layers"],
        json!([
            { "layerDigest": of, "layerAvailability": "AVAILABLE", "layerSize": 11 },
            { "layerDigest": digest(b"absent"), "layerAvailability": "UNAVAILABLE" },
        ])
    );
    assert_eq!(checked["failures"][0]["failureCode"], "InvalidLayerDigest");
    let absent = name(json!({ "layerDigest": digest(b"absent") }));
    assert_eq!(world.refused("ecr", "GetDownloadUrlForLayer", &absent).await.0, "LayersNotFoundException");
    let link = world.ok("ecr", "GetDownloadUrlForLayer", &name(json!({ "layerDigest": of }))).await;
    let path = link["downloadUrl"].as_str().unwrap().strip_prefix(world.endpoint.url().as_str()).unwrap().to_owned();
    assert_eq!(world.send("GET", &path, &[], b"").await.body, b"hello layer");
    assert_eq!(world.send("GET", &path, &[("Range", "bytes=0-4")], b"").await.text(), "hello");
    assert_eq!(world.send("PUT", &path, &[], b"").await.status, 403);
    let forged = format!("{}0", &path[..path.len() - 1]);
    assert_eq!(world.send("GET", &format!("{forged}1"), &[], b"").await.status, 403);

    let begun = world.ok("ecr", "InitiateLayerUpload", &name(json!({}))).await;
    let other = name(json!({ "uploadId": begun["uploadId"], "layerDigests": [digest(b"other")] }));
    let bytes = STANDARD.encode(b"bytes");
    let part = json!({ "uploadId": begun["uploadId"], "partFirstByte": 0, "partLastByte": 4, "layerPartBlob": bytes });
    world.ok("ecr", "UploadLayerPart", &name(part)).await;
    assert_eq!(world.refused("ecr", "CompleteLayerUpload", &other).await.0, "InvalidLayerException");
    assert_eq!(std::fs::read_dir(folder.path().join("aws/ecr/uploads")).unwrap().count(), 0, "nothing half is left");
}

#[tokio::test]
async fn policies_are_kept_and_checked() {
    let (world, _folder) = World::new().await;
    let name = json!({ "repositoryName": "news-api" });
    let policy = json!({ "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "ecr:*" }] }).to_string();
    let lifecycle = json!({ "rules": [{
        "rulePriority": 1, "action": { "type": "expire" },
        "selection": { "tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1 },
    }]})
    .to_string();
    for (kind, set, member, text, absent, code) in [
        ("RepositoryPolicy", "Set", "policyText", policy, "Repository policy", "RepositoryPolicyNotFoundException"),
        (
            "LifecyclePolicy",
            "Put",
            "lifecyclePolicyText",
            lifecycle,
            "Lifecycle policy",
            "LifecyclePolicyNotFoundException",
        ),
    ] {
        let operation = |verb: &str| format!("{verb}{kind}");
        let missing = format!("{absent} does not exist for the repository {IN_NEWS_API}");
        for verb in ["Get", "Delete"] {
            assert_eq!(world.refused("ecr", &operation(verb), &name).await, (code.to_owned(), missing.clone()));
        }
        let with = |text: &str| json!({ "repositoryName": "news-api", member: text });
        assert_eq!(world.refused("ecr", &operation(set), &with("{}")).await.0, "InvalidParameterException");
        for (verb, input) in [(set, with(&text)), ("Get", name.clone()), ("Delete", name.clone())] {
            assert_eq!(world.ok("ecr", &operation(verb), &input).await[member], json!(text), "{verb}{kind}");
        }
        assert_eq!(world.refused("ecr", &operation("Get"), &name).await.0, code);
    }
}

/// Promise 1: a gate that looks for vulnerabilities must not pass because nobody looked.
#[tokio::test]
async fn nothing_is_scanned_and_that_is_said() {
    let (world, _folder) = World::new().await;
    world.push("news-api", "v1", b"layer").await;
    let image = |tag: &str| json!({ "repositoryName": "news-api", "imageId": { "imageTag": tag } });
    for (operation, code) in
        [("StartImageScan", "ValidationException"), ("DescribeImageScanFindings", "ScanNotFoundException")]
    {
        let (found, message) = world.refused("ecr", operation, &image("v1")).await;
        assert_eq!(found, code);
        assert!(message.contains("images are not scanned"), "{message}");
        assert_eq!(world.refused("ecr", operation, &image("nope")).await.0, "ImageNotFoundException");
    }
}

#[tokio::test]
async fn tags_that_must_not_move_and_their_exceptions() {
    let file = "ecr: { repositories: [{ name: release, imageTagMutability: IMMUTABLE_WITH_EXCLUSION, imageTagMutabilityExclusionFilters: [latest] }] }";
    let (world, _folder) = World::with_file(file).await;
    let described = world.ok("ecr", "DescribeRepositories", &json!({ "repositoryNames": ["release"] })).await;
    let filters = json!([{ "filterType": "WILDCARD", "filter": "latest" }]);
    assert_eq!(described["repositories"][0]["imageTagMutabilityExclusionFilters"], filters);
    for tag in ["v1", "latest"] {
        world.push("release", tag, b"one").await;
    }
    world.push("release", "latest", b"two").await;
    let config = br#"{"architecture":"amd64","os":"linux"}"#;
    let input = json!({ "repositoryName": "release", "imageTag": "v1", "imageManifest": manifest(config, b"two") });
    let taken = "The image tag 'v1' already exists in the 'release' repository and cannot be overwritten because the tag is immutable.";
    let refused = world.refused("ecr", "PutImage", &input).await;
    assert_eq!(refused, ("ImageTagAlreadyExistsException".to_owned(), taken.to_owned()));
    let set = async |mutability: &str, filters: Value| {
        let input = json!({
            "repositoryName": "release", "imageTagMutability": mutability, "imageTagMutabilityExclusionFilters": filters,
        });
        world.call("ecr", "PutImageTagMutability", &input).await
    };
    let star = |filter: &str| json!([{ "filterType": "WILDCARD", "filter": filter }]);
    for (mutability, filters) in [
        ("MUTABLE", star("a")),
        ("IMMUTABLE_WITH_EXCLUSION", json!([])),
        ("MUTABLE_WITH_EXCLUSION", star("a b")),
        ("MUTABLE_WITH_EXCLUSION", json!([{ "filterType": "REGEX", "filter": "a" }])),
        ("SOMETIMES", json!([])),
    ] {
        let answer = set(mutability, filters).await;
        assert_eq!(
            (answer.status, &answer.json()["__type"]),
            (400, &json!("InvalidParameterException")),
            "{mutability}"
        );
    }
    let answer = set("MUTABLE_WITH_EXCLUSION", star("lat*")).await.json();
    assert_eq!(answer["imageTagMutability"], "MUTABLE_WITH_EXCLUSION");
    world.ok("ecr", "PutImage", &input).await;
}

#[tokio::test]
async fn a_push_makes_the_repository_where_a_template_says_so() {
    let (world, _folder) = World::new().await;
    let template = |prefix: &str, more: Value| {
        let mut input = json!({ "prefix": prefix, "appliedFor": ["CREATE_ON_PUSH"] });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let create = "CreateRepositoryCreationTemplate";
    world.ok("ecr", create, &template("team", json!({ "imageTagMutability": "IMMUTABLE", "description": "x" }))).await;
    world.ok("ecr", create, &template("team/tools/", json!({ "resourceTags": [{ "Key": "k", "Value": "v" }] }))).await;
    world.ok("ecr", create, &template("cache", json!({ "appliedFor": ["PULL_THROUGH_CACHE"] }))).await;
    let (code, _) = world.refused("ecr", create, &template("team", json!({}))).await;
    assert_eq!(code, "TemplateAlreadyExistsException");
    for (input, _why) in
        [(template("No", json!({})), "prefix"), (template("x", json!({ "appliedFor": ["X"] })), "kind")]
    {
        assert_eq!(world.refused("ecr", create, &input).await.0, "InvalidParameterException", "{input}");
    }
    world.push("team/a", "v1", b"layer").await;
    world.push("team/tools/b", "v1", b"layer").await;
    let names = json!({ "repositoryNames": ["team/a", "team/tools/b"] });
    let made = world.ok("ecr", "DescribeRepositories", &names).await;
    assert_eq!(made["repositories"][0]["imageTagMutability"], "IMMUTABLE");
    assert_eq!(made["repositories"][1]["imageTagMutability"], "MUTABLE");
    let arn = &made["repositories"][1]["repositoryArn"];
    let tags = world.ok("ecr", "ListTagsForResource", &json!({ "resourceArn": arn })).await;
    assert_eq!(tags["tags"], json!([{ "Key": "k", "Value": "v" }]));
    let authorization = world.docker_login().await;
    for name in ["teams/a", "team", "cache/a", "other"] {
        let path = format!("/v2/{name}/blobs/uploads/");
        assert_eq!(world.send("POST", &path, &[("Authorization", &authorization)], b"").await.status, 404, "{name}");
    }
    let update = json!({ "prefix": "team", "imageTagMutability": "MUTABLE" });
    let changed = world.ok("ecr", "UpdateRepositoryCreationTemplate", &update).await;
    let changed = &changed["repositoryCreationTemplate"];
    assert_eq!((&changed["imageTagMutability"], &changed["description"]), (&json!("MUTABLE"), &json!("x")));
    let page = world.ok("ecr", "DescribeRepositoryCreationTemplates", &json!({ "maxResults": 2 })).await;
    assert_eq!(page["repositoryCreationTemplates"].as_array().unwrap().len(), 2);
    world.ok("ecr", "DeleteRepositoryCreationTemplate", &json!({ "prefix": "team" })).await;
    let gone = world.refused("ecr", "DeleteRepositoryCreationTemplate", &json!({ "prefix": "team" })).await;
    assert_eq!(gone.0, "TemplateNotFoundException");
}

#[tokio::test]
async fn what_is_wrong_with_inputs() {
    let (world, _folder) = World::new().await;
    let arn = "arn:aws:ecr:us-east-1:123456789012:repository/news-api";
    let many: Vec<_> = (0..51).map(|at| json!({ "Key": format!("k{at}"), "Value": "" })).collect();
    let rows = [
        ("DescribeRepositories", json!({ "maxResults": 0 }), "InvalidParameterException"),
        ("DescribeRepositories", json!({ "maxResults": 1001 }), "InvalidParameterException"),
        ("DescribeRepositories", json!({ "nextToken": "18446744073709551615" }), "InvalidParameterException"),
        ("DescribeRepositories", json!({ "nextToken": "x" }), "InvalidParameterException"),
        ("BatchGetImage", json!({ "repositoryName": "news-api", "imageIds": [] }), "InvalidParameterException"),
        (
            "DescribeImages",
            json!({ "repositoryName": "news-api", "imageIds": vec![json!({}); 101] }),
            "InvalidParameterException",
        ),
        ("DescribeImages", json!({ "repositoryName": "news-api", "imageIds": [1] }), "SerializationException"),
        ("CreateRepository", json!({ "repositoryName": "../x" }), "InvalidParameterException"),
        (
            "CreateRepository",
            json!({ "repositoryName": "ok", "encryptionConfiguration": { "encryptionType": "X" } }),
            "InvalidParameterException",
        ),
        ("TagResource", json!({ "resourceArn": "arn:x", "tags": [] }), "InvalidParameterException"),
        ("TagResource", json!({ "resourceArn": format!("{arn}x"), "tags": [] }), "RepositoryNotFoundException"),
        (
            "TagResource",
            json!({ "resourceArn": arn, "tags": [{ "Key": "aws:x", "Value": "" }] }),
            "InvalidTagParameterException",
        ),
        (
            "TagResource",
            json!({ "resourceArn": arn, "tags": [{ "Key": "k".repeat(129), "Value": "" }] }),
            "InvalidTagParameterException",
        ),
        ("TagResource", json!({ "resourceArn": arn, "tags": many }), "TooManyTagsException"),
        ("GetAccountSetting", json!({ "name": "X" }), "InvalidParameterException"),
        ("PutAccountSetting", json!({ "name": "BLOB_MOUNTING", "value": "MAYBE" }), "InvalidParameterException"),
        (
            "UploadLayerPart",
            json!({ "repositoryName": "news-api", "uploadId": "x", "partFirstByte": 0, "partLastByte": 0, "layerPartBlob": "AA==" }),
            "UploadNotFoundException",
        ),
        ("GetLifecyclePolicyPreview", json!({ "repositoryName": "news-api" }), "UnknownOperationException"),
    ];
    for (operation, input, code) in rows {
        let (found, message) = world.refused("ecr", operation, &input).await;
        assert_eq!(found, code, "{operation} {input}: {message}");
    }
    let tags = world.ok("ecr", "ListTagsForResource", &json!({ "resourceArn": arn })).await;
    assert_eq!(tags, json!({ "tags": [] }), "what was refused left nothing");
    let registry = world.ok("ecr", "DescribeRegistry", &json!({})).await;
    assert_eq!(registry, json!({ "registryId": "123456789012", "replicationConfiguration": { "rules": [] } }));
}

/// Source: AWS ECR Public API reference, `GetAuthorizationToken`.
#[tokio::test]
async fn a_login_to_the_public_registry() {
    let (world, _folder) = World::new().await;
    let data = world.ok("ecr-public", "GetAuthorizationToken", &json!({})).await["authorizationData"].clone();
    assert_eq!(
        data.as_object().map(|it| it.keys().map(String::as_str).collect()),
        Some(vec!["authorizationToken", "expiresAt"])
    );
    let token = data["authorizationToken"].as_str().expect("a token");
    let decoded = STANDARD.decode(token).expect("base64");
    let parts: Vec<&[u8]> = decoded.split(|it| *it == b':').collect();
    assert!(parts.len() == 2 && parts[0] == b"AWS" && !parts[1].is_empty(), "{data}");
    assert!(data["expiresAt"].is_number(), "{data}");
    let registries = world.ok("ecr-public", "DescribeRegistries", &json!({})).await;
    assert_eq!(registries["registries"][0]["registryArn"], "arn:aws:ecr-public::123456789012:registry/123456789012");
    let (code, message) = world.refused("ecr-public", "CreateRepository", &json!({})).await;
    assert_eq!(
        (&*code, &*message),
        ("UnknownOperationException", "wfrun: ecr-public:CreateRepository is not emulated")
    );
}

/// Source: AWS ECR Public user guide, "Registry authentication in Amazon ECR public".
#[tokio::test]
async fn a_login_to_the_public_registry_needs_two_permissions() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = |actions: &str| format!(r#"{{"Statement":{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}}}"#);
    let (one, both) = (r#""ecr-public:*""#, r#""ecr-public:*","sts:GetServiceBearerToken""#);
    for (actions, status) in [(one, 400), (both, 200)] {
        std::fs::write(folder.path().join("policy.json"), policy(actions)).expect("a file");
        let file = "iam: { mode: enforce, users: { github-actions-deploy: { policies: [policy.json] } } }";
        let world = World::open(folder.path(), file, wfrun_aws::Clock::system()).await;
        let answer = world.call("ecr-public", "GetAuthorizationToken", &json!({})).await;
        assert_eq!(answer.status, status, "{actions}: {}", answer.text());
        assert!(status == 200 || answer.text().contains("sts:GetServiceBearerToken"), "{}", answer.text());
        world.endpoint.stop().await;
    }
}
