//! What is on disk and is not what was saved: bytes that changed, and files that somebody else has put there.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wfrun_services::ServicesSettings;

use crate::artifacts;
use crate::client::{Job, MAIN, Server, put, send, settings};

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { all.extend(files(&entry.path())) } else { all.push(entry.path()) }
    }
    all
}

/// Changes one byte in the middle, so that the length stays.
fn change(file: &Path) {
    let mut bytes = std::fs::read(file).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).expect("room");
}

#[tokio::test]
async fn a_changed_archive_is_a_miss_that_is_told() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    for first_protocol in [false, true] {
        job.save("k", b"what was saved").await;
        let blob = files(&store.path().join("blobs")).remove(0);
        change(&blob);
        let is_there = async || {
            if first_protocol {
                return job.rest("GET", "cache?keys=k&version=v", &[], None).await.status == 200;
            }
            job.find("k", &[]).await.is_some()
        };
        server.forget();
        assert!(!is_there().await, "{first_protocol}");
        let told = server.notices();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("cache entry `k` of refs/heads/main is not what was saved on 20")
                && told[0].ends_with("so it is not restored but removed, and can be saved anew"),
            "{told:?}"
        );
        assert!(!blob.exists(), "{first_protocol}");
        assert!(!is_there().await, "{first_protocol}");
        assert_eq!(server.notices().len(), 1, "once");
    }
}

#[tokio::test]
async fn a_changed_artifact_is_not_given_out() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    artifacts::upload(&job, "site", b"what was uploaded").await;
    let ask = async || artifacts::call(&job, "GetSignedArtifactURL", json!({"name": "site"})).await;
    assert_eq!(ask().await.status, 200);
    let content =
        files(&store.path().join("runs")).into_iter().find(|it| it.extension().is_some_and(|it| it == "content"));
    change(&content.expect("a content"));
    let answer = ask().await;
    assert_eq!((answer.status, &answer.json()["code"]), (412, &json!("failed_precondition")));
    let why = "artifact site is damaged: its content was changed on disk, and is not what was uploaded";
    assert_eq!(answer.json()["msg"], why);
}

/// An entry's digest becomes a path, and what is not what its name says is removed.
#[tokio::test]
async fn files_that_lead_out_of_the_store_are_no_entries() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let server = Server::start(&store).await;
    let job = server.job("test", &[MAIN]);
    let precious = folder.path().join("precious");
    std::fs::write(&precious, b"precious").expect("room");
    job.save("k", b"precious").await;
    let entry = files(&store.join("entries")).remove(0);
    let saved: Value = serde_json::from_slice(&std::fs::read(&entry).expect("a file")).expect("JSON");
    let below = "../../../precious";
    for lie in [precious.to_str().expect("text"), below, "..", "", "é"] {
        let mut changed = saved.clone();
        changed["sha256"] = json!(lie);
        std::fs::write(&entry, changed.to_string()).expect("room");
        assert_eq!(job.find("k", &[]).await, None, "{lie}");
        let list = job.rest("GET", "caches?key=k", &[], None).await.json();
        assert_eq!(list["totalCount"], 0, "{lie}");
        assert_eq!(std::fs::read(&precious).expect("it stays"), b"precious", "{lie}");
    }
    assert_eq!(
        job.call("CreateCacheEntry", json!({"key": "k", "version": "v"})).await.status,
        200,
        "can be saved anew"
    );
}

/// Of an artifact the name becomes a folder where people unpack it.
#[tokio::test]
async fn an_artifact_that_somebody_has_renamed_on_disk() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    artifacts::upload(&job, "site", b"x").await;
    let run = store.path().join("runs/1");
    let file = files(&run).into_iter().find(|it| it.extension().is_some_and(|it| it == "json")).expect("an entry");
    let names =
        || wfrun_services::Artifact::of_run(&run).expect("a folder").into_iter().map(|it| it.name).collect::<Vec<_>>();
    assert_eq!(names(), ["site"]);
    let mut entry: Value = serde_json::from_slice(&std::fs::read(&file).expect("a file")).expect("JSON");
    entry["name"] = json!("../../site");
    std::fs::write(&file, entry.to_string()).expect("room");
    assert!(names().is_empty());
}

/// Whatever keys, versions and names a job makes up, all that is written is in its place.
#[tokio::test]
async fn nothing_is_written_outside() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("a/b/store");
    let work = tempfile::tempdir().expect("a folder");
    let server = Server::with(ServicesSettings { work: work.path().to_owned(), ..settings(&store) }).await;
    let job = server.job("test", &[MAIN]);
    let wild = ["../../../../out", "/out", "..", "a/../../out", "a\0b", "%2e%2e%2fout", "C:\\out"];
    for name in wild {
        for version in ["v", name] {
            let answer = job.call("CreateCacheEntry", json!({"key": name, "version": version})).await;
            assert_eq!(answer.status, 200, "{name:?}: {}", answer.text());
            let url = answer.json()["signed_upload_url"].as_str().expect("a URL").to_owned();
            assert_eq!(put(&url, name.as_bytes()).await.status, 201);
            let size = json!({"key": name, "version": version, "size_bytes": name.len()});
            assert_eq!(job.call("FinalizeCacheEntryUpload", size).await.status, 200, "{name:?}");
        }
        let key = format!("first {name}");
        let number = job.reserve(&key, 1).await.json()["cacheId"].clone();
        assert_eq!(job.part(&number, 0, b"x").await.status, 204, "{name:?}");
        assert_eq!(job.commit(&number, 1).await.status, 204, "{name:?}");
        let answer = artifacts::call(&job, "CreateArtifact", json!({"name": name, "version": 4})).await;
        assert_eq!(answer.status, if name.starts_with('%') { 200 } else { 400 }, "{name:?}");
        // Paths are taken apart before anything is looked for: no way out of the folder of uploads.
        for path in
            [format!("_apis/artifactcache/caches/{}", encoded(name)), format!("blobs/{}?sig=../../x", encoded(name))]
        {
            assert!(wild_request(&job, &path).await >= 400, "{path}");
        }
    }
    let known = ["entries", "blobs", "used", "reserved", "uploads", "runs", "oidc", "opening.lock", "changing.lock"];
    let strays: Vec<_> = files(folder.path())
        .into_iter()
        .filter(|it| !known.iter().any(|known| it.starts_with(store.join(known))))
        .collect();
    assert!(strays.is_empty(), "{strays:?}");
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |all, it| all + &format!("%{it:02X}"))
}

async fn wild_request(job: &Job, path: &str) -> u16 {
    let authorization = format!("Bearer {}", job.token);
    let headers =
        [("authorization", authorization.as_str()), ("x-ms-blob-type", "BlockBlob"), ("content-range", "bytes 0-0/*")];
    let method = if path.starts_with("blobs") { "PUT" } else { "PATCH" };
    send(method, &format!("{}{path}", job.url), &headers, Some(b"x")).await.status
}
