//! The registry row by row: what a request is answered, in a table; and what a push leaves when it does not end.

use serde_json::{Value, json};
use sha2::Digest as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use wfrun_aws::Clock;

use crate::support::{Answer, DOCKER_MANIFEST, World, digest, manifest};

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux"}"#;

/// What is sent below `/v2/news-api/`, and the status and code that come back; no code is a success.
struct Row<'a> {
    method: &'a str,
    path: String,
    headers: Vec<(&'a str, &'a str)>,
    body: Vec<u8>,
    status: u16,
    code: &'a str,
}

fn row<'a>(method: &'a str, path: impl Into<String>, body: &[u8], status: u16, code: &'a str) -> Row<'a> {
    Row { method, path: path.into(), headers: Vec::new(), body: body.to_vec(), status, code }
}

impl<'a> Row<'a> {
    fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }
}

async fn send(world: &World, authorization: &str, row: &Row<'_>) -> Answer {
    let mut headers = row.headers.clone();
    headers.push(("Authorization", authorization));
    world.send(row.method, &format!("/v2/{}", row.path), &headers, &row.body).await
}

async fn check(world: &World, rows: &[Row<'_>]) {
    let authorization = world.docker_login().await;
    for row in rows {
        let answer = send(world, &authorization, row).await;
        let place = format!("{} {}", row.method, row.path);
        assert_eq!(answer.status, row.status, "{place}: {}", answer.text());
        assert_eq!(answer.header("docker-distribution-api-version"), Some("registry/2.0"), "{place}");
        assert_eq!(answer.header("www-authenticate"), None, "{place}");
        if !row.code.is_empty() && row.method != "HEAD" {
            assert_eq!(answer.json()["errors"][0]["code"], row.code, "{place}: {}", answer.text());
        }
    }
}

/// Source: OCI distribution specification 1.1.
#[tokio::test]
async fn requests_and_answers() {
    let (world, folder) = World::new().await;
    let image = world.push("news-api", "v1", b"layer").await;
    let of = digest(b"layer");
    let sha512 = format!("sha512:{}", hex::encode(sha2::Sha512::digest(b"bytes")));
    let index = json!({ "schemaVersion": 2, "manifests": [{ "digest": image, "size": 1 }] }).to_string();
    let nested =
        json!({ "schemaVersion": 2, "manifests": [{ "digest": digest(index.as_bytes()), "size": 1 }] }).to_string();
    let text = manifest(CONFIG, b"layer");
    let mut foreign: Value = serde_json::from_str(&text).unwrap();
    foreign["layers"][0] = json!({ "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "size": 1, "digest": digest(b"away") });
    let (foreign, uploads) = (foreign.to_string(), "news-api/blobs/uploads/");
    let broken =
        json!({ "schemaVersion": 2, "config": { "digest": digest(CONFIG) }, "layers": [{ "size": 1 }] }).to_string();
    let huge = text.replace(&format!("\"size\":{}", b"layer".len()), &format!("\"size\":{}", u64::MAX));
    assert_ne!(huge, text);
    let rows = [
        row("GET", "", b"", 200, ""),
        row("HEAD", "", b"", 200, ""),
        row("DELETE", "", b"", 405, "UNSUPPORTED"),
        row("GET", "nope", b"", 404, "NAME_INVALID"),
        // Names.
        row("GET", "nope/tags/list", b"", 404, "NAME_UNKNOWN"),
        row("GET", "No/tags/list", b"", 400, "NAME_INVALID"),
        row("POST", "../../x/blobs/uploads/", b"", 400, "NAME_INVALID"),
        row("POST", "a%2f..%2fb/blobs/uploads/", b"", 400, "NAME_INVALID"),
        // Blobs.
        row("HEAD", format!("news-api/blobs/{of}"), b"", 200, ""),
        row("GET", format!("news-api/blobs/{}", digest(b"x")), b"", 404, "BLOB_UNKNOWN"),
        row("GET", "news-api/blobs/sha256:../../../etc/passwd", b"", 404, "NAME_INVALID"),
        row("GET", "news-api/blobs/sha256:..", b"", 404, "BLOB_UNKNOWN"),
        row("GET", format!("news-api/blobs/{of}"), b"", 206, "").with("Range", "bytes=1-2"),
        row("GET", format!("news-api/blobs/{of}"), b"", 416, "SIZE_INVALID").with("Range", "bytes=9-"),
        row("DELETE", format!("news-api/blobs/{of}"), b"", 405, "UNSUPPORTED"),
        // Uploads in one piece.
        row("POST", format!("{uploads}?digest={}", digest(b"bytes")), b"bytes", 201, ""),
        row("POST", format!("{uploads}?digest={}", digest(b"")), b"", 201, ""),
        row("POST", format!("{uploads}?digest={sha512}"), b"bytes", 201, ""),
        row("POST", format!("{uploads}?digest={sha512}"), b"other", 400, "DIGEST_INVALID"),
        row("POST", format!("{uploads}?digest={}", digest(b"x")), b"bytes", 400, "DIGEST_INVALID"),
        row("POST", format!("{uploads}?digest=sha256:12"), b"bytes", 400, "DIGEST_INVALID"),
        row("GET", format!("news-api/blobs/{sha512}"), b"", 200, ""),
        row("PATCH", format!("{uploads}none"), b"x", 404, "BLOB_UPLOAD_UNKNOWN"),
        row("PUT", format!("{uploads}none"), b"x", 400, "DIGEST_INVALID"),
        row("DELETE", format!("{uploads}none"), b"", 404, "BLOB_UPLOAD_UNKNOWN"),
        // Manifests.
        row("PUT", "news-api/manifests/v2", text.as_bytes(), 201, "").with("Content-Type", DOCKER_MANIFEST),
        row("PUT", "news-api/manifests/oci", text.as_bytes(), 400, "MANIFEST_INVALID").with("Content-Type", OCI),
        row("PUT", format!("news-api/manifests/{image}"), text.as_bytes(), 201, "")
            .with("Content-Type", DOCKER_MANIFEST),
        row("PUT", format!("news-api/manifests/{}", digest(b"x")), text.as_bytes(), 400, "DIGEST_INVALID"),
        row("PUT", "news-api/manifests/a%20b", text.as_bytes(), 400, "TAG_INVALID"),
        row("PUT", "news-api/manifests/foreign", foreign.as_bytes(), 201, ""),
        row("PUT", "news-api/manifests/broken", broken.as_bytes(), 400, "MANIFEST_INVALID").with("Content-Type", OCI),
        row("PUT", "news-api/manifests/huge", huge.as_bytes(), 201, ""),
        row("PUT", "news-api/manifests/absent", manifest(CONFIG, b"no").as_bytes(), 400, "MANIFEST_BLOB_UNKNOWN"),
        row("PUT", "news-api/manifests/early", nested.as_bytes(), 400, "MANIFEST_BLOB_UNKNOWN")
            .with("Content-Type", INDEX),
        row("PUT", "news-api/manifests/index", index.as_bytes(), 201, "").with("Content-Type", INDEX),
        row("PUT", "news-api/manifests/list", index.as_bytes(), 201, "").with("Content-Type", LIST),
        row("PUT", "news-api/manifests/nested", nested.as_bytes(), 201, "").with("Content-Type", INDEX),
        row("PUT", "news-api/manifests/old", b"{}", 400, "MANIFEST_INVALID")
            .with("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        row("PUT", "news-api/manifests/large", &vec![b' '; (4 << 20) + 1], 413, "SIZE_INVALID"),
        row("PUT", "news-api/manifests/larger", &vec![b' '; 20 << 20], 413, "SIZE_INVALID"),
        row("HEAD", "news-api/manifests/v1", b"", 200, "")
            .with("Accept", "application/json")
            .with("Accept", DOCKER_MANIFEST),
        row("GET", "news-api/manifests/v1", b"", 200, "").with("Accept", "text/plain"),
        row("HEAD", "news-api/manifests/v9", b"", 404, ""),
        row("GET", "news-api/manifests/v9", b"", 404, "MANIFEST_UNKNOWN"),
        row("DELETE", format!("news-api/manifests/{image}"), b"", 403, "DENIED"),
        row("DELETE", "news-api/manifests/nested", b"", 202, ""),
        row("DELETE", "news-api/manifests/v2", b"", 202, ""),
        row("DELETE", "news-api/manifests/v2", b"", 404, "MANIFEST_UNKNOWN"),
        // Lists.
        row("GET", "news-api/tags/list", b"", 200, ""),
        row("GET", format!("news-api/referrers/{image}"), b"", 200, ""),
        row("GET", "news-api/referrers/x", b"", 400, "DIGEST_INVALID"),
        row("GET", "_catalog", b"", 200, ""),
    ];
    check(&world, &rows).await;
    assert_eq!(std::fs::read_dir(folder.path().join("aws/ecr/uploads")).unwrap().count(), 0, "nothing half is left");
    let listed = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(listed, 1, "nothing is written outside of the state folder");
}

#[tokio::test]
async fn chunks_come_in_order_and_in_their_length() {
    let (world, _folder) = World::new().await;
    let authorization = world.docker_login().await;
    let auth = ("Authorization", authorization.as_str());
    let begun = world.send("POST", "/v2/news-api/blobs/uploads/", &[auth], b"").await;
    let place = begun.header("location").unwrap().to_owned();
    for (range, body, status, code, reached) in [
        ("5-9", "hello", 416, "BLOB_UPLOAD_INVALID", "0-0"),
        ("0-4", "hello", 202, "", "0-4"),
        ("0-4", "hello", 416, "BLOB_UPLOAD_INVALID", "0-4"),
        ("5-99", " layer", 400, "SIZE_INVALID", "0-4"),
        ("5-2", " layer", 400, "SIZE_INVALID", "0-4"),
        ("x", " layer", 400, "BLOB_UPLOAD_INVALID", "0-4"),
        ("5-10", " layer", 202, "", "0-10"),
    ] {
        let answer = world.send("PATCH", &place, &[auth, ("Content-Range", range)], body.as_bytes()).await;
        assert_eq!(answer.status, status, "{range}: {}", answer.text());
        if !code.is_empty() {
            assert_eq!(answer.json()["errors"][0]["code"], code, "{range}");
        }
        let progress = world.send("GET", &place, &[auth], b"").await;
        assert_eq!((progress.status, progress.header("range")), (204, Some(reached)), "{range}");
    }
    let last = format!("{place}?digest={}", digest(b"hello layer!"));
    let done = world.send("PUT", &last, &[auth, ("Content-Range", "11-11")], b"!").await;
    assert_eq!(done.status, 201, "{}", done.text());
}

/// Source: AWS ECR user guide, "Blob mounting in Amazon ECR".
#[tokio::test]
async fn mounting_is_a_setting_of_the_account() {
    let (world, _folder) = World::with_file("ecr: { repositories: [base] }").await;
    world.push("base", "v1", b"layer").await;
    let setting = json!({ "name": "BLOB_MOUNTING" });
    assert_eq!(world.ok("ecr", "GetAccountSetting", &setting).await["value"], "DISABLED");
    let mount = |from: &str, layer: &[u8]| format!("news-api/blobs/uploads/?mount={}&from={from}", digest(layer));
    check(&world, &[row("POST", mount("base", b"layer"), b"", 202, "")]).await;
    world.ok("ecr", "PutAccountSetting", &json!({ "name": "BLOB_MOUNTING", "value": "ENABLED" })).await;
    assert_eq!(world.ok("ecr", "GetAccountSetting", &setting).await["value"], "ENABLED");
    let rows = [
        row("POST", mount("base", b"absent"), b"", 202, ""),
        row("POST", mount("nope", b"layer"), b"", 202, ""),
        row("POST", format!("news-api/blobs/uploads/?mount={}", digest(b"layer")), b"", 202, ""),
        row("HEAD", format!("news-api/blobs/{}", digest(b"layer")), b"", 404, ""),
        row("POST", mount("base", b"layer"), b"", 201, ""),
        row("HEAD", format!("news-api/blobs/{}", digest(b"layer")), b"", 200, ""),
    ];
    check(&world, &rows).await;
}

#[tokio::test]
async fn referrers_are_descriptors() {
    let (world, _folder) = World::new().await;
    let image = world.push("news-api", "v1", b"layer").await;
    let authorization = world.docker_login().await;
    let about = |kind: &str| {
        json!({
            "schemaVersion": 2, "mediaType": OCI, "artifactType": kind, "annotations": { "made": "by hand" },
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "size": CONFIG.len(), "digest": digest(CONFIG) },
            "layers": [], "subject": { "mediaType": DOCKER_MANIFEST, "size": 1, "digest": image },
        })
        .to_string()
    };
    for kind in ["example/sbom", "example/signature"] {
        let body = about(kind);
        let put = row("PUT", format!("news-api/manifests/{}", digest(body.as_bytes())), body.as_bytes(), 201, "");
        let answer = send(&world, &authorization, &put.with("Content-Type", OCI)).await;
        assert_eq!((answer.status, answer.header("oci-subject")), (201, Some(image.as_str())), "{}", answer.text());
    }
    let all = send(&world, &authorization, &row("GET", format!("news-api/referrers/{image}"), b"", 200, "")).await;
    assert_eq!(all.header("content-type"), Some(INDEX));
    let body = about("example/sbom");
    let sbom = json!({
        "mediaType": OCI, "digest": digest(body.as_bytes()), "size": body.len(), "artifactType": "example/sbom",
        "annotations": { "made": "by hand" },
    });
    assert_eq!((all.json()["manifests"].as_array().unwrap().len(), &all.json()["manifests"][0]), (2, &sbom));
    let path = format!("news-api/referrers/{image}?artifactType=example%2Fsbom");
    let some = send(&world, &authorization, &row("GET", path, b"", 200, "")).await;
    assert_eq!(some.header("oci-filters-applied"), Some("artifactType"));
    assert_eq!(some.json()["manifests"], json!([sbom]));
}

#[tokio::test]
async fn a_push_that_breaks_off_leaves_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path(), "", Clock::system()).await;
    let authorization = world.docker_login().await;
    let begun = send(&world, &authorization, &row("POST", "news-api/blobs/uploads/", b"", 202, "")).await;
    let place = begun.header("location").unwrap().to_owned();
    let mut stream = TcpStream::connect(world.host()).await.unwrap();
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    // The upload goes on from where it broke off.
    let progress = async || world.send("GET", &place, &[("Authorization", &authorization)], b"").await;
    let reached = async {
        while progress().await.header("range") != Some("0-4") {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), reached).await.expect("five bytes were received");
    // A process that is killed now leaves a file in `uploads`, and one that is killed after moving a blob leaves the blob.
    let uploads = folder.path().join("aws/ecr/uploads");
    assert_eq!(std::fs::read_dir(&uploads).unwrap().count(), 1);
    let orphan = folder.path().join("aws/ecr/blobs/sha256/aa");
    std::fs::create_dir_all(&orphan).unwrap();
    std::fs::write(orphan.join("aa".repeat(32)), b"x").unwrap();
    let kept = world.push("news-api", "v1", b"layer").await;
    let left = uploads.join("left");
    let World { account, endpoint, .. } = world;
    endpoint.stop().await;
    drop(account);
    std::fs::write(&left, b"half").unwrap();
    let world = World::open(folder.path(), "", Clock::system()).await;
    assert_eq!(std::fs::read_dir(&uploads).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(&orphan).unwrap().count(), 0);
    let authorization = world.docker_login().await;
    for path in [format!("news-api/manifests/{kept}"), format!("news-api/blobs/{}", digest(b"layer"))] {
        assert_eq!(send(&world, &authorization, &row("GET", path, b"", 200, "")).await.status, 200);
    }
}

#[tokio::test]
async fn thousands_of_open_uploads_hold_nothing_open() {
    let (world, folder) = World::new().await;
    let authorization = world.docker_login().await;
    let mut last = String::new();
    for _ in 0..2_000 {
        let begun = send(&world, &authorization, &row("POST", "news-api/blobs/uploads/", b"", 202, "")).await;
        begun.header("location").unwrap().clone_into(&mut last);
    }
    let patched = world.send("PATCH", &last, &[("Authorization", &authorization)], b"x").await;
    assert_eq!(patched.status, 202);
    let uploads = folder.path().join("aws/ecr/uploads");
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let open = open.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path.starts_with(&uploads))).count();
    assert_eq!((open, std::fs::read_dir(&uploads).unwrap().count()), (0, 1));
}
