//! The registry: what pushes and pulls do, and what they are told when they cannot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use sha2::Digest as _;
use wfrun_aws::Clock;

use crate::support::{Answer, DOCKER_MANIFEST, World, basic, digest, manifest};

#[track_caller]
fn check_error(answer: &Answer, status: u16, code: &str, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["errors"][0]["code"], code, "{body}");
    assert!(body["errors"][0]["message"].as_str().unwrap_or_default().contains(message), "{body}");
}

#[tokio::test]
async fn login() {
    let (world, _folder) = World::new().await;
    let answer = world.send("GET", "/v2/", &[], b"").await;
    check_error(&answer, 401, "UNAUTHORIZED", "Not Authorized");
    let challenge = format!("Basic realm=\"https://{}/\",service=\"ecr.amazonaws.com\"", world.host());
    assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
    assert_eq!(answer.header("docker-distribution-api-version"), Some("registry/2.0"));
    for (user, password) in [("AWS", "x"), ("root", "x")] {
        let wrong = basic(user, password);
        assert_eq!(world.send("GET", "/v2/", &[("Authorization", &wrong)], b"").await.status, 401);
    }
    let authorization = world.docker_login().await;
    assert_eq!(world.send("GET", "/v2/", &[("Authorization", &authorization)], b"").await.status, 200);
}

#[tokio::test]
async fn a_token_expires_after_twelve_hours() {
    let folder = tempfile::tempdir().unwrap();
    let now_ms = Arc::new(AtomicU64::new(1_795_425_600_000));
    let read = Arc::clone(&now_ms);
    let world = World::open(folder.path(), "", Clock::from_fn(move || read.load(Ordering::Relaxed))).await;
    let authorization = world.docker_login().await;
    let hours = |hours: u64| hours * 3600 * 1000;
    now_ms.fetch_add(hours(12) - 1, Ordering::Relaxed);
    assert_eq!(world.send("GET", "/v2/", &[("Authorization", &authorization)], b"").await.status, 200);
    now_ms.fetch_add(1, Ordering::Relaxed);
    let answer = world.send("GET", "/v2/", &[("Authorization", &authorization)], b"").await;
    check_error(&answer, 403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.");
}

/// As `docker push` does it: POST, PATCH chunked, PUT with the digest.
#[tokio::test]
async fn push_in_chunks() {
    let (world, _folder) = World::with_file("ecr: { repositories: [neighbour] }").await;
    let authorization = world.docker_login().await;
    let auth = ("Authorization", authorization.as_str());
    let (layer, config) = (b"hello layer".as_slice(), b"{}".as_slice());
    let of = digest(layer);
    check_error_head(&world.send("HEAD", &format!("/v2/news-api/blobs/{of}"), &[auth], b"").await, 404);
    let begun = world.send("POST", "/v2/news-api/blobs/uploads/", &[auth], b"").await;
    assert_eq!((begun.status, begun.header("range")), (202, Some("0-0")));
    assert!(begun.header("docker-upload-uuid").is_some());
    let place = begun.header("location").unwrap().to_owned();
    let chunked = b"5\r\nhello\r\n6\r\n layer\r\n0\r\n\r\n";
    let patched = world.send("PATCH", &place, &[auth, ("Transfer-Encoding", "chunked")], chunked).await;
    assert_eq!((patched.status, patched.header("range")), (202, Some("0-10")), "{}", patched.text());
    let progress = world.send("GET", &place, &[auth], b"").await;
    assert_eq!((progress.status, progress.header("range")), (204, Some("0-10")));
    let late = world.send("PATCH", &place, &[auth, ("Content-Range", "99-100")], b"xx").await;
    check_error(&late, 416, "BLOB_UPLOAD_INVALID", "does not follow");
    for (method, body) in [("GET", ""), ("PATCH", "x"), ("PUT", ""), ("DELETE", "")] {
        let elsewhere = format!("{}?digest={of}", place.replace("/news-api/", "/neighbour/"));
        let answer = world.send(method, &elsewhere, &[auth], body.as_bytes()).await;
        check_error(&answer, 404, "BLOB_UPLOAD_UNKNOWN", "");
    }
    let cancelled = world.send("POST", "/v2/news-api/blobs/uploads/", &[auth], b"").await;
    let cancelled = cancelled.header("location").unwrap().to_owned();
    for status in [204, 404] {
        assert_eq!(world.send("DELETE", &cancelled, &[auth], b"").await.status, status);
    }
    let elsewhere = place.replace("/news-api/", "/other/");
    check_error(&world.send("PATCH", &elsewhere, &[auth], b"x").await, 404, "NAME_UNKNOWN", "'other'");
    let done = world.send("PUT", &format!("{place}?digest={}", of.replace(':', "%3A")), &[auth], b"").await;
    assert_eq!((done.status, done.header("docker-content-digest")), (201, Some(of.as_str())), "{}", done.text());
    check_error(&world.send("PATCH", &place, &[auth], b"x").await, 404, "BLOB_UPLOAD_UNKNOWN", "");

    let manifest = manifest(config, layer);
    let typed = [auth, ("Content-Type", DOCKER_MANIFEST)];
    let early = world.send("PUT", "/v2/news-api/manifests/v1", &typed, manifest.as_bytes()).await;
    check_error(&early, 400, "MANIFEST_BLOB_UNKNOWN", &digest(config));
    let path = format!("/v2/news-api/blobs/uploads/?digest={}", digest(config));
    assert_eq!(world.send("POST", &path, &[auth], config).await.status, 201);
    let pushed = world.send("PUT", "/v2/news-api/manifests/v1", &typed, manifest.as_bytes()).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text());

    let head = world.send("HEAD", "/v2/news-api/manifests/v1", &[auth], b"").await;
    let size = manifest.len().to_string();
    assert_eq!(
        (head.status, head.header("content-length"), head.header("content-type")),
        (200, Some(&*size), Some(DOCKER_MANIFEST))
    );
    assert!(head.body.is_empty());
    let by_digest = format!("/v2/news-api/manifests/{}", digest(manifest.as_bytes()));
    assert_eq!(world.send("GET", &by_digest, &[auth], b"").await.text(), manifest);
    let pulled = world.send("GET", &format!("/v2/news-api/blobs/{of}"), &[auth], b"").await;
    assert_eq!((pulled.status, pulled.body.as_slice()), (200, layer));
    let part = world.send("GET", &format!("/v2/news-api/blobs/{of}"), &[auth, ("Range", "bytes=6-")], b"").await;
    assert_eq!(
        (part.status, part.text().as_str(), part.header("content-range")),
        (206, "layer", Some("bytes 6-10/11"))
    );

    let calls = world.calls.lock().unwrap();
    let pushes: Vec<_> = calls.iter().filter_map(|call| call.iam_action.as_deref()).collect();
    for action in [
        "ecr:BatchCheckLayerAvailability",
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
        "ecr:PutImage",
    ] {
        assert!(pushes.contains(&action), "{action}: {pushes:?}");
    }
    let principal = calls.last().and_then(|call| call.principal.clone());
    assert_eq!(principal.as_deref(), Some("arn:aws:iam::123456789012:user/github-actions-deploy"));
}

#[track_caller]
fn check_error_head(answer: &Answer, status: u16) {
    assert_eq!((answer.status, answer.body.len()), (status, 0));
}

#[tokio::test]
async fn pushes_that_are_refused() {
    let (world, _folder) =
        World::with_file("ecr: { repositories: [{ name: immut, imageTagMutability: IMMUTABLE }] }").await;
    let authorization = world.docker_login().await;
    let auth = ("Authorization", authorization.as_str());
    let typed = [auth, ("Content-Type", DOCKER_MANIFEST)];
    let missing = world.send("POST", "/v2/nope/blobs/uploads/", &[auth], b"").await;
    check_error(
        &missing,
        404,
        "NAME_UNKNOWN",
        "The repository with name 'nope' does not exist in the registry with id '123456789012'",
    );
    let path = |digest: &str| format!("/v2/news-api/blobs/uploads/?digest={digest}");
    for wrong in [digest(b"other"), "sha256:12".to_owned(), "md5:12".to_owned()] {
        check_error(&world.send("POST", &path(&wrong), &[auth], b"bytes").await, 400, "DIGEST_INVALID", "");
    }
    let sha512 = format!("sha512:{}", hex::encode(sha2::Sha512::digest(b"bytes")));
    assert_eq!(world.send("POST", &path(&sha512), &[auth], b"bytes").await.status, 201);
    assert_eq!(world.send("POST", &path(&digest(b"")), &[auth], b"").await.status, 201, "an empty blob");
    let mount = format!("/v2/news-api/blobs/uploads/?mount={}&from=immut", digest(b""));
    assert_eq!(world.send("POST", &mount, &[auth], b"").await.status, 202, "mounting is off, so an upload begins");

    world.push("immut", "v1", b"one").await;
    world.push("immut", "v1", b"one").await;
    let path = format!("/v2/immut/blobs/uploads/?digest={}", digest(b"two"));
    assert_eq!(world.send("POST", &path, &[auth], b"two").await.status, 201);
    let moved = manifest(br#"{"architecture":"amd64","os":"linux"}"#, b"two");
    let answer = world.send("PUT", "/v2/immut/manifests/v1", &typed, moved.as_bytes()).await;
    let message = "The image tag 'v1' already exists in the 'immut' repository and cannot be overwritten because the tag is immutable.";
    check_error(&answer, 400, "TAG_INVALID", message);
    assert_eq!(world.send("PUT", "/v2/immut/manifests/v2", &typed, moved.as_bytes()).await.status, 201);

    let other = digest(b"something else");
    let cases: [(&str, Vec<u8>, u16, &str); 5] = [
        ("v3", b"{".to_vec(), 400, "MANIFEST_INVALID"),
        ("v3", b"{}".to_vec(), 400, "MANIFEST_INVALID"),
        (".bad", moved.clone().into_bytes(), 400, "TAG_INVALID"),
        (&other, moved.clone().into_bytes(), 400, "DIGEST_INVALID"),
        ("v3", vec![b' '; 5 << 20], 413, "SIZE_INVALID"),
    ];
    for (reference, body, status, code) in cases {
        let answer = world.send("PUT", &format!("/v2/immut/manifests/{reference}"), &typed, &body).await;
        check_error(&answer, status, code, "");
    }
    let schema1 = [auth, ("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws")];
    let answer = world.send("PUT", "/v2/immut/manifests/v3", &schema1, b"{}").await;
    check_error(&answer, 400, "MANIFEST_INVALID", "is not supported");
    check_error(
        &world.send("GET", "/v2/immut/manifests/v9", &[auth], b"").await,
        404,
        "MANIFEST_UNKNOWN",
        "Requested image not found",
    );
    check_error(&world.send("POST", "/v2/immut/manifests/v9", &[auth], b"").await, 405, "UNSUPPORTED", "");
}

#[tokio::test]
async fn indexes_tags_and_referrers() {
    let (world, _folder) = World::new().await;
    let authorization = world.docker_login().await;
    let auth = ("Authorization", authorization.as_str());
    let image = world.push("news-api", "amd64", b"layer").await;
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = |child: &str| {
        json!({ "schemaVersion": 2, "mediaType": kind, "manifests": [{ "digest": child, "size": 1 }], "subject": { "digest": image } }).to_string()
    };
    let put = async |tag: &str, body: String| {
        world
            .send("PUT", &format!("/v2/news-api/manifests/{tag}"), &[auth, ("Content-Type", kind)], body.as_bytes())
            .await
    };
    check_error(&put("multi", index(&digest(b"absent"))).await, 400, "MANIFEST_BLOB_UNKNOWN", "");
    let pushed = put("multi", index(&image)).await;
    assert_eq!((pushed.status, pushed.header("oci-subject")), (201, Some(image.as_str())));
    let referrers = world.send("GET", &format!("/v2/news-api/referrers/{image}"), &[auth], b"").await.json();
    assert_eq!(referrers["manifests"][0]["digest"], json!(digest(index(&image).as_bytes())));

    let tags = async |query: &str| world.send("GET", &format!("/v2/news-api/tags/list{query}"), &[auth], b"").await;
    assert_eq!(tags("").await.json(), json!({ "name": "news-api", "tags": ["amd64", "multi"] }));
    let first = tags("?n=1").await;
    assert_eq!(
        (first.json()["tags"].clone(), first.header("link")),
        (json!(["amd64"]), Some("</v2/news-api/tags/list?n=1&last=amd64>; rel=\"next\""))
    );
    assert_eq!(tags("?n=1&last=amd64").await.json()["tags"], json!(["multi"]));

    assert_eq!(world.send("DELETE", "/v2/news-api/manifests/amd64", &[auth], b"").await.status, 202);
    assert_eq!(tags("").await.json()["tags"], json!(["multi"]));
    let catalog: Value = world.send("GET", "/v2/_catalog", &[auth], b"").await.json();
    assert_eq!(catalog, json!({ "repositories": ["news-api"] }));
}

#[tokio::test]
async fn a_blob_whose_file_is_gone_is_pushed_again() {
    let (world, folder) = World::new().await;
    world.push("news-api", "v1", b"layer").await;
    let authorization = world.docker_login().await;
    let path = format!("/v2/news-api/blobs/{}", digest(b"layer"));
    let head = async || world.send("HEAD", &path, &[("Authorization", &authorization)], b"").await.status;
    assert_eq!(head().await, 200);
    std::fs::remove_dir_all(folder.path().join("aws/ecr/blobs")).unwrap();
    assert_eq!(head().await, 404);
    world.push("news-api", "v1", b"layer").await;
    assert_eq!(head().await, 200);
}

#[tokio::test]
async fn the_same_blob_may_be_pushed_at_once() {
    let (world, _folder) = World::new().await;
    let world = Arc::new(world);
    let layer = Arc::new(vec![7_u8; 3 << 20]);
    let pushes = (0..8).map(|at| {
        let (world, layer) = (Arc::clone(&world), Arc::clone(&layer));
        tokio::spawn(async move { world.push("news-api", &format!("t{at}"), &layer).await })
    });
    let mut digests = Vec::new();
    for push in pushes.collect::<Vec<_>>() {
        digests.push(push.await.unwrap());
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
}

/// Source: the AWS rules 3.5.
#[tokio::test]
async fn a_push_to_no_repository_is_told_with_the_way_out() {
    let (world, _folder) = World::new().await;
    let authorization = world.docker_login().await;
    let headers = [("Authorization", authorization.as_str())];
    let digest = digest(b"layer");
    for (method, path, status) in [
        // Pulls are not told.
        ("GET", "/v2/nope/manifests/latest".to_owned(), 404),
        ("HEAD", "/v2/nope/manifests/latest".to_owned(), 404),
        ("GET", "/v2/nope/tags/list".to_owned(), 404),
        ("GET", format!("/v2/nope/blobs/{digest}"), 404),
    ] {
        assert_eq!(world.send(method, &path, &headers, b"").await.status, status, "{method} {path}");
    }
    assert_eq!(world.told(), [""; 0]);
    for (method, path) in [
        ("HEAD", format!("/v2/nope/blobs/{digest}")),
        ("POST", "/v2/nope/blobs/uploads/".to_owned()),
        ("PUT", "/v2/nope/manifests/latest".to_owned()),
    ] {
        assert_eq!(world.send(method, &path, &headers, b"").await.status, 404, "{method} {path}");
    }
    let told = world.told();
    let [once] = &told[..] else { panic!("{told:?}") };
    assert!(once.contains("create it with `aws ecr create-repository --repository-name nope`"), "{once}");
    world.send("POST", "/v2/team/other/blobs/uploads/", &headers, b"").await;
    assert!(world.told()[1].contains("--repository-name team/other`"), "{:?}", world.told());
    let answer = world.send("POST", "/v2/news-api/blobs/uploads/", &headers, b"").await;
    assert_eq!((answer.status, world.told().len()), (202, 2));
}
