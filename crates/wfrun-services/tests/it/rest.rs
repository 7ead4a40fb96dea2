//! The first protocol of the cache, as `@actions/cache` 3 speaks it.

use serde_json::{Value, json};

use crate::client::{Answer, Job, MAIN, PULL, Server, send};

impl Job {
    pub(crate) async fn rest(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        all.extend(headers);
        send(method, &format!("{}_apis/artifactcache/{path}", self.url), &all, body).await
    }

    pub(crate) async fn reserve(&self, key: &str, size: usize) -> Answer {
        let body = json!({"key": key, "version": "v", "cacheSize": size}).to_string();
        self.rest("POST", "caches", &[], Some(body.as_bytes())).await
    }

    pub(crate) async fn part(&self, id: &Value, start: usize, content: &[u8]) -> Answer {
        let range = format!("bytes {start}-{}/*", start + content.len() - 1);
        self.rest("PATCH", &format!("caches/{id}"), &[("content-range", &range)], Some(content)).await
    }

    pub(crate) async fn commit(&self, id: &Value, size: usize) -> Answer {
        let body = json!({"size": size}).to_string();
        self.rest("POST", &format!("caches/{id}"), &[], Some(body.as_bytes())).await
    }
}

/// Source: GitHub: execution rules E9.3.
#[tokio::test]
async fn save_in_parts_then_restore() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::start(store.path()).await;
    let job = server.job("test", &[PULL, MAIN]);
    assert_eq!(job.rest("GET", "cache?keys=a-1%2Ca-&version=v", &[], None).await.status, 204);
    let reserved = job.reserve("a-1", 9).await;
    assert_eq!(reserved.status, 201, "{}", reserved.text());
    let id = reserved.json()["cacheId"].clone();
    // In any order, as four are on the way at once.
    for (start, part) in [(6, &b"ghi"[..]), (0, b"abc"), (3, b"def")] {
        assert_eq!(job.part(&id, start, part).await.status, 204);
    }
    assert_eq!(job.commit(&id, 9).await.status, 204);
    let found = job.rest("GET", "cache?keys=a-2%2Ca-&version=v", &[], None).await;
    assert_eq!(found.status, 200);
    let entry = found.json();
    assert_eq!(
        (&entry["cacheKey"], &entry["scope"], &entry["cacheVersion"]),
        (&json!("a-1"), &json!(PULL), &json!("v"))
    );
    let url = entry["archiveLocation"].as_str().expect("an address");
    assert_eq!(send("GET", url, &[], None).await.body, b"abcdefghi", "without a token");
    // Both protocols have the same entries, and the same rules.
    assert_eq!(job.find("a-1", &[]).await.map(|it| it.0).as_deref(), Some("a-1"));
    let of_main = server.job("other", &[MAIN]);
    assert_eq!(of_main.rest("GET", "cache?keys=a-&version=v", &[], None).await.status, 204, "another scope");
    let all = job.rest("GET", "caches?key=a", &[], None).await.json();
    assert_eq!((&all["totalCount"], &all["artifactCaches"][0]["cacheKey"]), (&json!(1), &json!("a-1")));
    let told = server.calls();
    assert_eq!(told[0], "cache test GetCacheEntry 204 miss");
    assert_eq!(told[6], "cache test GetCacheEntry 200 hit");
}

#[tokio::test]
async fn what_is_refused() {
    let store = tempfile::tempdir().expect("a folder");
    let server = Server::with_limit(store.path(), 100).await;
    let (job, other) = (server.job("test", &[MAIN]), server.job("other", &[MAIN]));
    let id = job.reserve("a", 6).await.json()["cacheId"].clone();
    let taken = other.reserve("a", 6).await;
    assert_eq!(taken.status, 409);
    assert_eq!(taken.json()["message"], "Cache already exists. Scope: refs/heads/main, Key: a, Version: v");
    assert_eq!(other.part(&id, 0, b"xyz").await.status, 404, "only the job that reserved writes");
    assert_eq!(job.commit(&id, 6).await.status, 400, "nothing was uploaded");
    assert_eq!(job.part(&id, 3, b"def").await.status, 204);
    assert_eq!(job.commit(&id, 3).await.status, 400, "the beginning is missing");
    assert_eq!(job.part(&id, 0, b"abc").await.status, 204);
    assert_eq!(job.commit(&id, 7).await.status, 400, "another size");
    assert_eq!(job.commit(&id, 6).await.status, 204);
    assert_eq!(job.reserve("a", 6).await.status, 409, "entries never change");
    let large = job.reserve("b", 101).await;
    assert_eq!((large.status, large.json()["message"].is_string()), (400, true));
    let id = job.reserve("b", 1).await.json()["cacheId"].clone();
    assert_eq!(job.part(&id, 0, &[b'x'; 101]).await.status, 204, "how much comes is known at the end");
    let large = job.commit(&id, 101).await;
    assert!(large.status == 400 && large.text().contains("over the limit"), "{} {}", large.status, large.text());
    let range = [("content-range", "bytes 5-2/*")];
    let id = job.reserve("c", 1).await.json()["cacheId"].clone();
    assert_eq!(job.rest("PATCH", &format!("caches/{id}"), &range, Some(b"x")).await.status, 400);
    let range = [("content-range", "bytes 0-9/*")];
    assert_eq!(job.rest("PATCH", &format!("caches/{id}"), &range, Some(b"x")).await.status, 400, "cut short");
    for path in ["cache?version=v", "cache?keys=a", "cache?keys=1,2,3,4,5,6,7,8,9,10,11&version=v"] {
        assert_eq!(job.rest("GET", path, &[], None).await.status, 400, "{path}");
    }
    let nobody = Job { url: job.url.clone(), token: "x".to_owned() };
    assert_eq!(nobody.reserve("d", 1).await.status, 401);
    assert_eq!(nobody.rest("GET", "cache?keys=a&version=v", &[], None).await.status, 401);
}
