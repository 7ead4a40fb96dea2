use std::collections::HashMap;
use std::fs;
use std::sync::Mutex;

use serde_json::json;

use super::server::Server;
use super::{Job, Outcome, Step};

/// An entry: key, version, archive, and whether it is finalized.
type Entries = HashMap<String, (String, Vec<u8>, bool)>;

/// A cache service that knows exact keys and prefixes.
pub(crate) fn service() -> Server {
    let entries: Mutex<Entries> = Mutex::new(HashMap::new());
    Server::start(move |request, own| {
        let mut entries = entries.lock().expect("no thread panicked");
        if let Some(key) = request.path.strip_prefix("/blob/").and_then(|path| path.split('?').next()) {
            let entry = entries.get_mut(key).expect("was reserved");
            if request.method == "GET" {
                return (200, entry.1.clone());
            }
            entry.1.clone_from(&request.body);
            return (201, Vec::new());
        }
        let body = request.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let answer = match request.path.rsplit('/').next() {
            Some("CreateCacheEntry") if entries.contains_key(&text("key")) => json!({ "ok": false }),
            Some("CreateCacheEntry") => {
                entries.insert(text("key"), (text("version"), Vec::new(), false));
                json!({ "ok": true, "signed_upload_url": format!("{own}/blob/{}?sig=upload-secret", text("key")) })
            }
            Some("FinalizeCacheEntryUpload") => {
                let entry = entries.get_mut(&text("key")).expect("was reserved");
                assert_eq!(text("size_bytes"), entry.1.len().to_string(), "sizes are text");
                entry.2 = true;
                json!({ "ok": true, "entry_id": "1" })
            }
            Some("GetCacheEntryDownloadURL") => {
                let restore_keys = body["restore_keys"].as_array().cloned().unwrap_or_default();
                let mut prefixes = vec![text("key")];
                prefixes.extend(restore_keys.iter().filter_map(|key| key.as_str().map(str::to_owned)));
                let found = prefixes.iter().find_map(|prefix| {
                    let fits = |(key, entry): &(&String, &(String, Vec<u8>, bool))| {
                        key.starts_with(prefix.as_str()) && entry.2 && entry.0 == text("version")
                    };
                    entries.iter().find(fits).map(|(key, _)| key.clone())
                });
                match found {
                    Some(key) => json!({
                        "ok": true, "matched_key": key, "signed_download_url": format!("{own}/blob/{key}?sig=download-secret"),
                    }),
                    None => json!({ "ok": false }),
                }
            }
            other => panic!("unexpected call {other:?}"),
        };
        (200, answer.to_string().into_bytes())
    })
}

fn step<'a>(job: &'a Job, server: &Server, arguments: &str, key: &str) -> Step<'a> {
    job.step(arguments)
        .env("ACTIONS_RESULTS_URL", format!("{}/", server.url))
        .env("ACTIONS_RUNTIME_TOKEN", "runtime-token")
        .input("path", "~/.cache/pip\nbuild")
        .input("key", key)
}

/// A main step and, with its state, the post step of the same action.
fn main_and_post(job: &Job, server: &Server, key: &str, restore_keys: &str) -> (Outcome, Outcome) {
    let main = step(job, server, "actions/cache main v3", key).input("restore-keys", restore_keys).run();
    main.assert_success();
    let mut post = step(job, server, "actions/cache post v3", key);
    for (name, value) in &main.state {
        post = post.env(&format!("STATE_{name}"), value);
    }
    (main, post.run())
}

#[test]
fn what_is_saved_is_restored() {
    let (job, server) = (Job::new(), service());
    job.write("home/.cache/pip/wheel", "bytes");
    job.write("work/repo/build/out", "built");

    let (main, post) = main_and_post(&job, &server, "Linux-pip-1", "");
    main.assert_line("Cache not found for input keys: Linux-pip-1");
    assert_eq!(main.output("cache-hit"), None, "on a miss the output is not set at all");
    assert_eq!((main.saved("CACHE_KEY"), main.saved("CACHE_RESULT")), (Some("Linux-pip-1"), None));
    post.assert_success();
    post.assert_line("Cache saved with key: Linux-pip-1");
    post.assert_line("::add-mask::upload-secret");

    fs::remove_dir_all(job.path("home/.cache")).expect("can delete");
    fs::remove_dir_all(job.path("work/repo/build")).expect("can delete");
    let (main, post) = main_and_post(&job, &server, "Linux-pip-1", "");
    main.assert_line("Cache restored from key: Linux-pip-1");
    main.assert_line("::add-mask::download-secret");
    assert_eq!(main.output("cache-hit"), Some("true"));
    assert_eq!(main.saved("CACHE_RESULT"), Some("Linux-pip-1"));
    assert_eq!(fs::read_to_string(job.path("home/.cache/pip/wheel")).expect("is back"), "bytes");
    assert_eq!(fs::read_to_string(job.path("work/repo/build/out")).expect("is back"), "built");
    assert_eq!(post.lines, ["Cache hit occurred on the primary key Linux-pip-1, not saving cache."]);

    let (main, post) = main_and_post(&job, &server, "Linux-pip-2", "Linux-npm-\nLinux-pip-");
    main.assert_line("Cache restored from key: Linux-pip-1");
    assert_eq!(main.output("cache-hit"), Some("false"));
    post.assert_line("Cache saved with key: Linux-pip-2");

    for request in server.requests().iter().filter(|request| request.path.starts_with("/twirp/")) {
        assert_eq!(request.header("authorization"), "Bearer runtime-token");
        assert!(request.path.starts_with("/twirp/github.actions.results.api.v1.CacheService/"), "{}", request.path);
    }
    let versions: Vec<String> = server
        .requests()
        .iter()
        .filter(|request| request.path.starts_with("/twirp/"))
        .map(|request| request.json()["version"].as_str().expect("is text").to_owned())
        .collect();
    // sha256 of `~/.cache/pip|build|zstd-without-long|1.0`.
    assert!(
        versions.iter().all(|it| it == "1d2c85b63d2804665a4ccebb61212284aa81b17eb7beb764e3acde6a69df54d8"),
        "{versions:?}"
    );
    let upload = server.requests().into_iter().find(|request| request.method == "PUT").expect("was uploaded");
    assert_eq!(upload.header("x-ms-blob-type"), "BlockBlob");
}

#[test]
fn options_and_limits() {
    let (job, server) = (Job::new(), service());
    job.write("work/repo/build/out", "built");
    main_and_post(&job, &server, "k", "").1.assert_success();
    fs::remove_dir_all(job.path("work/repo/build")).expect("can delete");

    let outcome = step(&job, &server, "actions/cache main v4", "k").input("lookup-only", "true").run();
    outcome.assert_line("Cache found and can be restored from key: k");
    assert!(!job.path("work/repo/build").exists(), "nothing is restored");
    step(&job, &server, "actions/cache main v4", "other")
        .input("fail-on-cache-miss", "true")
        .run()
        .assert_failure("Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: other");
    step(&job, &server, "actions/cache main v4", "a,b").run().assert_failure("a,b cannot contain commas.");
    step(&job, &server, "actions/cache main v4", &"k".repeat(513)).run().assert_failure("larger than 512");
    let ten = ["x"; 10].join("\n");
    let many = step(&job, &server, "actions/cache main v4", "k").input("restore-keys", &ten);
    many.run().assert_failure("Keys are limited to a maximum of 10.");
    step(&job, &server, "actions/cache main v4", "").run().assert_failure("Input required and not supplied: key");

    // Saving never fails the step.
    let outcome = step(&job, &server, "actions/cache post v4", "new").run();
    outcome.assert_success();
    assert!(outcome.lines[0].starts_with("[warning]Path Validation Error: Path(s) specified"), "{outcome:#?}");
    job.write("work/repo/build/out", "built");
    let outcome = step(&job, &server, "actions/cache post v4", "k").run();
    outcome.assert_success();
    outcome.assert_line("Failed to save: Unable to reserve cache with key k, another job may be creating this cache.");
}

/// Where the job's `cache-mode` forbids it, the log says so, and no other job is blamed.
///
/// Source: `cache write denied:` and `cache read denied:` of `@actions/cache` 6.2.0.
#[test]
fn a_service_that_refuses() {
    let job = Job::new();
    let server = Server::start(|request, _| {
        let (status, answer) = if request.path.ends_with("CreateCacheEntry") {
            (200, json!({ "ok": false, "message": "cache write denied: token has no writable scopes" }))
        } else {
            (403, json!({ "code": "permission_denied", "msg": "cache read denied: token has no readable scopes" }))
        };
        (status, answer.to_string().into_bytes())
    });
    job.write("work/repo/build/out", "built");
    let (main, post) = main_and_post(&job, &server, "k", "");
    assert!(main.lines.iter().any(|it| it.contains("cache read denied: token has no readable scopes")), "{main:#?}");
    assert_eq!(main.output("cache-hit"), None);
    post.assert_success();
    post.assert_line("[warning]Failed to save: cache write denied: token has no writable scopes");
}

#[test]
fn the_parts_alone() {
    let (job, server) = (Job::new(), service());
    job.write("work/repo/build/out", "built");
    let outcome = step(&job, &server, "actions/cache/save main v4", "k").run();
    outcome.assert_line("Cache saved with key: k");
    let outcome = step(&job, &server, "actions/cache/restore main v4", "k").run();
    assert_eq!(outcome.output("cache-primary-key"), Some("k"));
    assert_eq!(outcome.output("cache-matched-key"), Some("k"));
    assert!(outcome.state.is_empty());
    let outcome = step(&job, &server, "actions/cache/save main v4", "k").run();
    outcome.assert_success();
    outcome.assert_line("::warning::Cache save failed.");
}

#[test]
fn without_a_service_the_step_succeeds() {
    let job = Job::new();
    let outcome = job.step("actions/cache main v3").input("path", "x").input("key", "k").run();
    outcome.assert_success();
    assert_eq!(outcome.output("cache-hit"), Some("false"));
    assert_eq!(outcome.declarations[0]["how"], "not run");

    let broken = Server::start(|_, _| (500, b"oops".to_vec()));
    let outcome = step(&job, &broken, "actions/cache main v3", "k").run();
    outcome.assert_success();
    assert!(outcome.lines.iter().any(|line| line.starts_with("::warning::Failed to restore: ")), "{outcome:#?}");
    outcome.assert_line("Cache not found for input keys: k");
}
