use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::client::{Answer, Job, Server, put, send};

const SERVICE: &str = "github.actions.results.api.v1.ArtifactService";

/// The ids that clients take from their token.
fn ids(job: &Job) -> (String, String) {
    let claims = job.token.split('.').nth(1).expect("three parts");
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON");
    let parts: Vec<&str> = claims["scp"].as_str().expect("text").split(':').collect();
    (parts[1].to_owned(), parts[2].to_owned())
}

/// Calls a method as the job; `fields` win over its ids.
pub(crate) async fn call(job: &Job, method: &str, fields: Value) -> Answer {
    let (run_id, job_id) = ids(job);
    let mut message = json!({"workflow_run_backend_id": run_id, "workflow_job_run_backend_id": job_id});
    let all = message.as_object_mut().expect("an object");
    all.extend(fields.as_object().expect("an object").clone());
    job.twirp(SERVICE, method, &message.to_string()).await
}

fn refusal(answer: &Answer) -> (u16, String, String) {
    let it = answer.json();
    let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("code"), text("msg"))
}

pub(crate) async fn create(job: &Job, name: &str) -> String {
    let answer = call(job, "CreateArtifact", json!({"name": name, "version": 4})).await;
    assert_eq!((answer.status, &answer.json()["ok"]), (200, &json!(true)), "{}", answer.text());
    answer.json()["signed_upload_url"].as_str().expect("a URL").to_owned()
}

/// Uploads as the toolkit does, and gives back the artifact's number.
pub(crate) async fn upload(job: &Job, name: &str, content: &[u8]) -> String {
    let url = create(job, name).await;
    let ids = ["block-0", "block-1"].map(|it| STANDARD.encode(it));
    let (first, second) = content.split_at(content.len() / 2);
    // The second one comes first, as it may with five at a time.
    for (id, block) in [(&ids[1], second), (&ids[0], first)] {
        let url = format!("{url}&comp=block&blockid={}", id.replace('=', "%3D"));
        assert_eq!(send("PUT", &url, &[], Some(block)).await.status, 201);
    }
    let [first, second] = &ids;
    let list =
        format!("<?xml version=\"1.0\"?><BlockList><Latest>{first}</Latest><Latest>{second}</Latest></BlockList>");
    assert_eq!(send("PUT", &format!("{url}&comp=blocklist"), &[], Some(list.as_bytes())).await.status, 201);
    let hash = format!("sha256:{}", digest(content));
    let answer =
        call(job, "FinalizeArtifact", json!({"name": name, "size": content.len().to_string(), "hash": hash})).await;
    assert_eq!((answer.status, &answer.json()["ok"]), (200, &json!(true)), "{}", answer.text());
    answer.json()["artifact_id"].as_str().expect("text, as JSON has 64-bit numbers").to_owned()
}

fn digest(content: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(content))
}

pub(crate) async fn list(job: &Job, filter: Value) -> Vec<Value> {
    let answer = call(job, "ListArtifacts", filter).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["artifacts"].as_array().expect("a list").clone()
}

fn names(artifacts: &[Value]) -> Vec<&str> {
    artifacts.iter().map(|it| it["name"].as_str().expect("text")).collect()
}

/// Asks for the URL of a listed artifact, as the toolkit does: with the ids of the job that made it.
pub(crate) async fn url_of(job: &Job, entry: &Value) -> String {
    let answer = call(
        job,
        "GetSignedArtifactURL",
        json!({"workflow_job_run_backend_id": entry["workflow_job_run_backend_id"], "name": entry["name"]}),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["signed_url"].as_str().expect("a URL").to_owned()
}

#[tokio::test]
async fn one_job_uploads_and_another_downloads() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let (build, deploy) = (server.job("build", &[]), server.job("deploy", &[]));
    let id = upload(&build, "site", b"PK content").await;
    upload(&build, "logs", b"other").await;

    let found = list(&deploy, json!({"name_filter": "site"})).await;
    assert_eq!(found.len(), 1);
    let entry = &found[0];
    assert_eq!(
        (&entry["database_id"], &entry["size"], &entry["digest"]),
        (&json!(id), &json!("10"), &json!(format!("sha256:{}", digest(b"PK content"))))
    );
    assert_eq!(entry["workflow_run_backend_id"], ids(&deploy).0);
    assert_eq!(entry["workflow_job_run_backend_id"], ids(&build).1, "the job that made it");
    let created = entry["created_at"].as_str().expect("text");
    assert!(created.len() == 24 && created.ends_with('Z'), "{created}: clients take no single digit of a second");
    assert_eq!(names(&list(&deploy, json!({})).await), ["site", "logs"]);
    assert_eq!(names(&list(&deploy, json!({"id_filter": id})).await), ["site"]);
    assert_eq!(names(&list(&deploy, json!({"idFilter": "1"})).await), [""; 0]);

    let url = url_of(&deploy, entry).await;
    assert_eq!(url_of(&deploy, entry).await, url, "asking again costs nothing");
    let answer = send("GET", &url, &[], None).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "PK content"));
    assert_eq!(answer.header("content-type"), Some("application/zip"));
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"site.zip\"; filename*=UTF-8''site.zip")
    );
    let part = send("GET", &url, &[("range", "bytes=3-5")], None).await;
    assert_eq!((part.status, part.text().as_str()), (206, "con"));

    let calls = server.calls();
    for call in [
        "build CreateArtifact 200",
        "build Put Block 201",
        "build Put Block List 201",
        "build FinalizeArtifact 200",
        "deploy ListArtifacts 200",
        "deploy GetSignedArtifactURL 200",
        "deploy Get Blob 200",
    ] {
        assert!(calls.contains(&format!("artifact {call}")), "{call}: {calls:?}");
    }
}

#[tokio::test]
async fn what_is_uploaded_as_it_is_keeps_its_type_and_name() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("build", &[]);
    let answer =
        call(&job, "CreateArtifact", json!({"name": "réport 1.html", "version": 7, "mime_type": "text/html"})).await;
    let url = answer.json()["signed_upload_url"].as_str().expect("a URL").to_owned();
    assert_eq!(put(&url, b"<p>").await.status, 201);
    assert_eq!(call(&job, "FinalizeArtifact", json!({"name": "réport 1.html", "size": "3"})).await.status, 200);
    let url = url_of(&job, &list(&job, json!({})).await[0]).await;
    assert!(!url.contains(".zip"), "{url}: clients would unpack it");
    let answer = send("GET", &url, &[], None).await;
    assert_eq!(answer.header("content-type"), Some("text/html"));
    let name = "attachment; filename=\"r_port_1.html\"; filename*=UTF-8''r%C3%A9port%201.html";
    assert_eq!(answer.header("content-disposition"), Some(name));
    let bad = call(&job, "CreateArtifact", json!({"name": "x", "version": 7, "mime_type": "a\r\nx: y"})).await;
    assert_eq!(bad.status, 400);
}

#[tokio::test]
async fn a_name_is_taken_once_in_a_run() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let (one, other) = (server.job("one", &[]), server.job("other", &[]));
    create(&one, "a").await;
    upload(&one, "b", b"1").await;
    let taken = "an artifact with this name already exists on the workflow run";
    for (job, name) in [(&one, "a"), (&other, "a"), (&one, "b"), (&other, "b")] {
        let answer = call(job, "CreateArtifact", json!({"name": name, "version": 7})).await;
        assert_eq!(refusal(&answer), (409, "already_exists".into(), taken.into()), "{name}");
    }
    let stranger = server.job_of("2", "one", Vec::new());
    create(&stranger, "a").await;
}

#[tokio::test]
async fn deleted_artifacts_make_room_for_others() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let (one, other) = (server.job("one", &[]), server.job("other", &[]));
    let id = upload(&one, "a", b"first").await;
    let entry = list(&other, json!({})).await.remove(0);
    let url = url_of(&other, &entry).await;
    let wrong = call(&other, "DeleteArtifact", json!({"name": "a"})).await;
    assert_eq!(refusal(&wrong).1, "not_found", "made by another job than the one named");
    let job_id = &entry["workflow_job_run_backend_id"];
    let answer = call(&other, "DeleteArtifact", json!({"name": "a", "workflow_job_run_backend_id": job_id})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"ok": true, "artifact_id": id})));
    assert_eq!(list(&one, json!({})).await, [json!(null); 0]);
    let gone = send("GET", &url, &[], None).await;
    assert_eq!((gone.status, gone.header("x-ms-error-code")), (404, Some("BlobNotFound")));
    let again = call(&other, "DeleteArtifact", json!({"name": "a", "workflow_job_run_backend_id": job_id})).await;
    assert_eq!(again.status, 404);
    let newer = upload(&other, "a", b"second").await;
    assert!(newer.parse::<u64>().expect("a number") > id.parse().expect("a number"));
    let url = url_of(&one, &list(&one, json!({})).await[0]).await;
    assert_eq!(send("GET", &url, &[], None).await.text(), "second");
}

#[tokio::test]
async fn only_what_is_finished_can_be_seen() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("build", &[]);
    let url = create(&job, "a").await;
    let finalize = |fields: Value| {
        let mut all = json!({"name": "a"});
        all.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        call(&job, "FinalizeArtifact", all)
    };
    assert_eq!(refusal(&finalize(json!({"size": "3"})).await).1, "failed_precondition", "nothing is there");
    assert_eq!(put(&url, b"abc").await.status, 201);
    assert_eq!(list(&job, json!({})).await, [json!(null); 0]);
    assert_eq!(refusal(&call(&job, "GetSignedArtifactURL", json!({"name": "a"})).await).0, 404);
    let wrong = digest(b"abd");
    for fields in [json!({"size": "4"}), json!({"size": 3, "hash": format!("sha256:{wrong}")})] {
        assert_eq!(refusal(&finalize(fields.clone()).await).0, 412, "{fields}");
    }
    assert_eq!(refusal(&finalize(json!({"size": 3, "hash": "md5:1"})).await).0, 400);
    let first = finalize(json!({"size": 3, "hash": format!("sha256:{}", digest(b"abc"))})).await;
    assert_eq!(first.status, 200, "{}", first.text());
    // A client that has not heard the answer asks again.
    assert_eq!(finalize(json!({"size": "3"})).await.json(), first.json());
    assert_eq!(finalize(json!({"size": "4"})).await.status, 404);
    assert_eq!(put(&url, b"xyz").await.status, 403, "the URL is used up");
}

#[tokio::test]
async fn artifacts_outlive_the_services_and_half_ones_do_not() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("build", &[]);
    upload(&job, "whole", b"content").await;
    let url = create(&job, "half").await;
    assert_eq!(put(&url, b"half").await.status, 201);
    server.services.stop().await;

    let server = Server::start(state.path()).await;
    let job = server.job("deploy", &[]);
    let found = list(&job, json!({})).await;
    assert_eq!(names(&found), ["whole"]);
    assert_eq!(send("GET", &url_of(&job, &found[0]).await, &[], None).await.text(), "content");
    let kept = wfrun_services::Artifact::of_run(&state.path().join("runs/1")).expect("a folder");
    assert_eq!(kept.iter().map(|it| (it.name.as_str(), it.job.as_str())).collect::<Vec<_>>(), [("whole", "build")]);
}

#[tokio::test]
async fn retention_is_what_the_job_asks_for() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("build", &[]);
    let over =
        call(&job, "CreateArtifact", json!({"name": "a", "version": 4, "expires_at": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(refusal(&over).0, 400);
    let nonsense = call(&job, "CreateArtifact", json!({"name": "a", "version": 4, "expires_at": "soon"})).await;
    assert_eq!(refusal(&nonsense).0, 400);
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48);
    let answer = call(&job, "CreateArtifact", json!({"name": "a", "version": 4, "expires_at": soon.to_string()})).await;
    put(answer.json()["signed_upload_url"].as_str().expect("a URL"), b"x").await;
    assert_eq!(call(&job, "FinalizeArtifact", json!({"name": "a", "size": "1"})).await.status, 200);
    let kept = wfrun_services::Artifact::of_run(&state.path().join("runs/1")).expect("a folder");
    assert_eq!(kept[0].expires_at, soon);
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("build", &[]);
    let (invalid, malformed) =
        (|it: &Answer| refusal(it).1 == "invalid_argument", |it: &Answer| refusal(it).1 == "malformed");
    for name in ["", "../../etc/cron.d/x", "..", ".", "a/b", "a\\b", "a:b", "a\0", "a\nb"] {
        let answer = call(&job, "CreateArtifact", json!({"name": name, "version": 4})).await;
        assert!(invalid(&answer), "{name:?}: {}", answer.text());
    }
    for version in [json!(null), json!(3)] {
        assert!(invalid(&call(&job, "CreateArtifact", json!({"name": "a", "version": version})).await));
    }
    assert!(malformed(&call(&job, "CreateArtifact", json!({"name": 7, "version": 4})).await));
    assert!(malformed(&job.twirp(SERVICE, "CreateArtifact", "[").await));
    let long = json!({"name": "a".repeat(2_000_000)});
    assert!(malformed(&call(&job, "CreateArtifact", long).await));
    assert_eq!(refusal(&call(&job, "MigrateArtifact", json!({})).await).0, 501);
    assert_eq!(list(&job, json!({})).await, [json!(null); 0]);
}

#[tokio::test]
async fn a_token_opens_its_own_run_only() {
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let (job, stranger) = (server.job("build", &[]), server.job_of("2", "build", Vec::new()));
    upload(&job, "secret", b"x").await;
    let open = create(&job, "open").await;
    assert_eq!(list(&stranger, json!({})).await, [json!(null); 0]);
    let (run_id, job_id) = ids(&job);
    let theirs = json!({"workflow_run_backend_id": run_id, "workflow_job_run_backend_id": job_id, "name": "secret"});
    for method in ["ListArtifacts", "GetSignedArtifactURL", "DeleteArtifact", "FinalizeArtifact", "CreateArtifact"] {
        let answer = call(&stranger, method, theirs.clone()).await;
        assert_eq!(refusal(&answer).1, "permission_denied", "{method}");
    }
    // Of the same run, and still not in another job's name.
    let other = server.job("test", &[]);
    for (method, fields) in [("CreateArtifact", json!({"version": 4})), ("FinalizeArtifact", json!({"size": "1"}))] {
        let mut fields = fields;
        fields["name"] = json!("open");
        fields["workflow_job_run_backend_id"] = json!(job_id);
        assert_eq!(refusal(&call(&other, method, fields).await).1, "permission_denied", "{method}");
    }
    assert_eq!(put(&open, b"x").await.status, 201);
    let forged = Job { token: format!("{}x", job.token), ..server.job("build", &[]) };
    let answer = forged.twirp(SERVICE, "ListArtifacts", "{}").await;
    assert_eq!(refusal(&answer).0, 401);
}
