use serde_json::{Value, json};
use wfrun_services::CacheScope;

use crate::client::{Answer, MAIN, PULL, Server, put, send, settings};

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn save_then_restore() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    assert_eq!(job.find("pip-1", &["pip-"]).await, None);
    job.save("pip-1", b"archive").await;
    let (key, url) = job.find("pip-1", &[]).await.expect("a hit");
    assert_eq!(key, "pip-1");
    assert_eq!(send("GET", &url, &[], None).await.body, b"archive");
    assert_eq!(job.find("pip-2", &["pip-"]).await.map(|it| it.0).as_deref(), Some("pip-1"));
    assert_eq!(
        server.calls(),
        [
            "cache test GetCacheEntryDownloadURL 200 miss",
            "cache test CreateCacheEntry 200",
            "cache test Put Blob 201",
            "cache test FinalizeCacheEntryUpload 200",
            "cache test GetCacheEntryDownloadURL 200 hit",
            "cache test Get Blob 200",
            "cache test GetCacheEntryDownloadURL 200 hit",
        ]
    );
    server.services.stop().await;
}

#[tokio::test]
async fn messages_in_the_other_spelling() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    let url = job.create("a-1").await;
    put(&url, b"xyz").await;
    // BuildKit sends numbers, newer clients unknown fields.
    let done = job
        .call(
            "FinalizeCacheEntryUpload",
            json!({"key": "a-1", "version": "v", "sizeBytes": 3, "metadata": {"repository_id": "1"}}),
        )
        .await;
    assert!(done.json()["entry_id"].as_str().is_some_and(|id| id.parse::<u64>().is_ok()), "{}", done.text());
    let found = job.call("GetCacheEntryDownloadURL", json!({"key": "b", "restoreKeys": ["a-"], "version": "v"})).await;
    assert_eq!(found.json()["matched_key"], "a-1");
}

#[tokio::test]
async fn signed_urls_are_what_clients_can_take_apart() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let url = server.job("test", &[MAIN]).create("a").await;
    let signature = url.rsplit_once("sig=").expect("a signature").1;
    assert!(signature.len() >= 32 && signature.bytes().all(|it| it.is_ascii_hexdigit()), "{url}");
    assert!(url.starts_with("http://127.0.0.1:") && url.contains('?'), "{url}");
}

#[tokio::test]
async fn an_entry_is_reserved_and_written_once() {
    let store = tempfile::tempdir().expect("a folder");
    let (server, other_process) = (Server::start(store.path()).await, Server::start(store.path()).await);
    let jobs = [server.job("a", &[MAIN]), server.job("b", &[MAIN]), other_process.job("c", &[MAIN])];
    let url = jobs[0].create("k").await;
    for written in [false, true] {
        if written {
            put(&url, b"x").await;
            assert_eq!(jobs[0].finalize("k", 1).await.status, 200);
        }
        for job in &jobs {
            let answer = job.call("CreateCacheEntry", json!({"key": "k", "version": "v"})).await;
            assert_eq!(answer.status, 409);
            assert_eq!(
                answer.json(),
                json!({"code": "already_exists", "msg": "cache entry with the same key, version, and scope already exists"})
            );
        }
    }
    assert_eq!(other_process.job("d", &[PULL, MAIN]).find("k", &[]).await.map(|it| it.0).as_deref(), Some("k"));
    // The same key in another scope or version is another entry.
    server.job("e", &[PULL, MAIN]).save("k", b"y").await;
    assert_eq!(jobs[0].call("CreateCacheEntry", json!({"key": "k", "version": "w"})).await.status, 200);
}

#[tokio::test]
async fn what_a_pull_request_saves_is_its_own() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let (pull, main) = (server.job("pull", &[PULL, MAIN]), server.job("main", &[MAIN]));
    pull.save("k-pull", b"x").await;
    assert_eq!(main.find("k-pull", &["k-"]).await, None);
    main.save("k-main", b"y").await;
    assert_eq!(pull.find("k-main", &[]).await.map(|it| it.0).as_deref(), Some("k-main"));
    assert_eq!(
        pull.find("k-", &[]).await.map(|it| it.0).as_deref(),
        Some("k-pull"),
        "its own scope first, though older"
    );
}

#[tokio::test]
async fn a_job_that_may_not_write_is_told_so() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job_with("fork", vec![CacheScope { git_ref: MAIN.to_owned(), read: true, write: false }]);
    let answer = job.call("CreateCacheEntry", json!({"key": "k", "version": "v"})).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"ok": false, "message": "cache write denied: token has no writable scopes"}))
    );
}

/// What `cache-mode: write-only` and `none` make of a job.
///
/// Source: `@actions/cache` 6.2.0, which takes a refusal with these words for a miss.
#[tokio::test]
async fn a_job_that_may_not_read_is_told_so() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let scope = CacheScope { git_ref: MAIN.to_owned(), read: false, write: true };
    let (writer, none) = (server.job_with("writer", vec![scope]), server.job_with("none", Vec::new()));
    writer.save("k", b"x").await;
    for job in [writer, none] {
        let body = json!({"key": "k", "version": "v", "restore_keys": []});
        let answer = job.call("GetCacheEntryDownloadURL", body).await;
        assert_eq!(refusal(&answer), (403, "permission_denied".into()));
        assert_eq!(answer.json()["msg"], "cache read denied: token has no readable scopes");
    }
    assert!(server.job("reader", &[MAIN]).find("k", &[]).await.is_some(), "what was saved is there for others");
}

#[tokio::test]
async fn only_the_job_that_reserved_finalizes() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let (owner, thief) = (server.job("owner", &[MAIN]), server.job("thief", &[MAIN]));
    let url = owner.create("k").await;
    assert_eq!(refusal(&owner.finalize("k", 0).await), (412, "failed_precondition".into()), "nothing uploaded");
    put(&url, b"abc").await;
    assert_eq!(refusal(&thief.finalize("k", 3).await), (404, "not_found".into()));
    assert_eq!(refusal(&owner.finalize("other", 3).await), (404, "not_found".into()));
    assert_eq!(refusal(&owner.finalize("k", 4).await), (412, "failed_precondition".into()), "another size");
    assert_eq!(owner.find("k", &[]).await, None, "not yet an entry");
    assert_eq!(owner.finalize("k", 3).await.status, 200);
    assert_eq!(refusal(&owner.finalize("k", 3).await), (404, "not_found".into()), "done already");
    assert_eq!(put(&url, b"other").await.status, 403, "an entry never changes");
}

#[tokio::test]
async fn callers_without_a_token_of_this_run_are_refused() {
    let store = tempfile::tempdir().expect("a folder");
    let (server, another) = (Server::start(store.path()).await, tempfile::tempdir().expect("a folder"));
    let stranger = Server::start(another.path()).await.job("test", &[MAIN]);
    let url = format!("{}twirp/github.actions.results.api.v1.CacheService/CreateCacheEntry", server.services.url());
    let bearer = format!("Bearer {}", stranger.token);
    for headers in [vec![], vec![("authorization", "Bearer a.b.c")], vec![("authorization", bearer.as_str())]] {
        let answer = send("POST", &url, &headers, Some(b"{}")).await;
        assert_eq!(refusal(&answer), (401, "unauthenticated".into()), "{headers:?}");
    }
    assert_eq!(server.calls(), ["cache  CreateCacheEntry 401"; 3]);
}

#[tokio::test]
async fn what_is_not_served_is_said_in_json() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    assert_eq!(refusal(&job.call("DeleteCacheEntry", json!({})).await), (501, "unimplemented".into()));
    let other = job.twirp("github.actions.results.api.v1.LogService", "GetStepLogsSignedBlobURL", "{}").await;
    assert_eq!(refusal(&other), (501, "unimplemented".into()));
    assert_eq!(
        refusal(&send("GET", &format!("{}_apis/pipelines/workflows/1/artifacts", job.url), &[], None).await),
        (404, "bad_route".into())
    );
    assert_eq!(server.calls(), ["cache test DeleteCacheEntry 501", "results test GetStepLogsSignedBlobURL 501"]);
}

#[tokio::test]
async fn bad_requests() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    let long = |length| "k".repeat(length);
    let keys = |count: usize| json!({"key": "k", "version": "v", "restore_keys": vec!["r"; count]});
    let rows: [(&str, Value, u16); 13] = [
        ("CreateCacheEntry", json!({"version": "v"}), 400),
        ("CreateCacheEntry", json!({"key": "k"}), 400),
        ("CreateCacheEntry", json!({"key": "", "version": "v"}), 400),
        ("CreateCacheEntry", json!({"key": 7, "version": "v"}), 400),
        ("CreateCacheEntry", json!({"key": "a,b", "version": "v"}), 400),
        ("CreateCacheEntry", json!({"key": long(513), "version": "v"}), 400),
        ("CreateCacheEntry", json!({"key": long(512), "version": "v"}), 200),
        ("CreateCacheEntry", json!([]), 400),
        ("FinalizeCacheEntryUpload", json!({"key": "k", "version": "v", "size_bytes": "many"}), 400),
        ("GetCacheEntryDownloadURL", json!({"key": "k", "version": "v", "restore_keys": "r"}), 400),
        ("GetCacheEntryDownloadURL", json!({"key": "k", "version": "v", "restore_keys": ["a,b"]}), 400),
        ("GetCacheEntryDownloadURL", keys(10), 400),
        ("GetCacheEntryDownloadURL", keys(9), 200),
    ];
    for (method, body, status) in rows {
        let answer = job.call(method, body.clone()).await;
        assert_eq!(answer.status, status, "{method} {body}: {}", answer.text());
        assert!(answer.json().is_object());
    }
}

#[tokio::test]
async fn entries_outlive_the_services_and_the_unfinished_does_not() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[MAIN]);
    job.save("done", b"x").await;
    put(&job.create("half").await, b"y").await;
    let url = server.services.url();
    server.services.stop().await;
    assert!(
        tokio::net::TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/')).await.is_err(),
        "the port is closed"
    );
    for folder in ["uploads", "reserved"] {
        let left: Vec<_> = std::fs::read_dir(store.path().join(folder)).expect("a folder").collect();
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
    let job = Server::start(store.path()).await;
    let job = (job.job("later", &[MAIN]), job);
    assert!(job.0.find("done", &[]).await.is_some());
    assert!(job.0.find("half", &[]).await.is_none());
    job.0.save("half", b"z").await;
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, b"").expect("room");
    let settings = wfrun_services::ServicesSettings { store: file.clone(), ..settings(folder.path()) };
    let err = wfrun_services::Services::start(settings, |_| {}).await.err().expect("a file is no folder");
    assert!(err.to_string().contains(&*file.to_string_lossy()), "{err}");
}
