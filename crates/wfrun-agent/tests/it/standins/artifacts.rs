use std::io::Cursor;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::server::Server;
use super::uploads::Uploads;
use super::{Job, Step};

/// `{"scp":"Actions.Results:run:job"}`
const TOKEN: &str = "e30.eyJzY3AiOiJBY3Rpb25zLlJlc3VsdHM6cnVuOmpvYiJ9.x";

/// An artifact service with one artifact, `kept`, as it is; whose digest it may tell wrongly.
fn service(content: &'static str, digest: &'static str) -> Server {
    Server::start(move |request, own| {
        if request.path.starts_with("/blob") {
            assert_eq!(request.method, "GET", "content is sent another way");
            return (200, content.as_bytes().to_vec());
        }
        let answer = match request.path.rsplit('/').next() {
            Some("CreateArtifact") => json!({"ok": true, "signed_upload_url": format!("{own}/blob?sig=upload-secret")}),
            Some("FinalizeArtifact") => json!({"ok": true, "artifact_id": "7"}),
            Some("ListArtifacts") => {
                let entry = |id: &str| {
                    json!({
                        "workflow_run_backend_id": "run", "workflow_job_run_backend_id": "maker", "database_id": id,
                        "name": "kept", "size": "4", "digest": digest,
                    })
                };
                json!({"artifacts": [entry("5"), entry("6")]})
            }
            Some("GetSignedArtifactURL") => json!({"signed_url": format!("{own}/blob?sig=download-secret")}),
            other => panic!("unexpected call {other:?}"),
        };
        (200, answer.to_string().into_bytes())
    })
}

fn refusing(status: u16, body: &'static str) -> Server {
    Server::start(move |_, _| (status, body.as_bytes().to_vec()))
}

fn step<'a>(job: &'a Job, server: &Server, arguments: &str) -> Step<'a> {
    let step = job.step(arguments).env("ACTIONS_RESULTS_URL", format!("{}/a/path/", server.url));
    let step = step.env("ACTIONS_RUNTIME_TOKEN", TOKEN).env("GITHUB_RUN_ID", "17");
    let defaults = [
        ("merge-multiple", "false"),
        ("skip-decompress", "false"),
        ("overwrite", "false"),
        ("include-hidden-files", "false"),
        ("archive", "true"),
        ("if-no-files-found", "warn"),
        ("compression-level", "6"),
    ];
    defaults.iter().fold(step, |step, (name, value)| step.input(name, value))
}

fn calls(server: &Server) -> Vec<(String, Value)> {
    let all = server.requests().into_iter().filter(|it| it.path.starts_with("/twirp/"));
    let service = "/twirp/github.actions.results.api.v1.ArtifactService/";
    all.map(|it| (it.path.strip_prefix(service).expect("the service").to_owned(), it.json())).collect()
}

#[test]
fn files_are_handed_over_and_all_else_is_sent() {
    let (job, server) = (Job::new(), service("", ""));
    let uploads = Uploads::taking(&job.path("uploads"));
    // Of the same letter throughout: stored, it is as large as it is.
    let large = "x".repeat(20 * 1024 * 1024);
    job.write("work/repo/d/large", &large);
    for number in 0..3000 {
        job.write(&format!("work/repo/d/{number}"), "small");
    }
    let done = step(&job, &server, "actions/upload-artifact main v7")
        .env("WFRUN_UPLOADS", &uploads.path)
        .input("name", "a")
        .input("path", "d")
        .input("compression-level", "0")
        .input("retention-days", "3")
        .run();
    done.assert_success();
    done.assert_line("::add-mask::upload-secret");
    let taken = uploads.taken();
    assert_eq!(taken.hello, format!("wfrun-upload 1\n{TOKEN}\n{}/blob?sig=upload-secret", server.url));
    assert_eq!(taken.files, 1, "what is small is sooner sent");
    assert!(taken.packets < 30, "{} packets", taken.packets);
    let whole = taken.content;
    let mut archive = zip::ZipArchive::new(Cursor::new(&whole)).expect("an archive");
    let mut read = |name: &str| std::io::read_to_string(archive.by_name(name).expect("a file")).expect("is whole");
    assert!(read("large") == large && read("2999") == "small");
    let digest = hex::encode(Sha256::digest(&whole));
    let calls = calls(&server);
    let [(create, created), (finalize, finalized)] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((create.as_str(), finalize.as_str()), ("CreateArtifact", "FinalizeArtifact"));
    assert_eq!((&created["version"], &created["mime_type"]), (&json!(7), &json!("application/zip")));
    assert_eq!(created["workflow_run_backend_id"], "run");
    let expires: jiff::Timestamp = created["expires_at"].as_str().expect("text").parse().expect("a time");
    let days = (expires - jiff::Timestamp::now()).total(jiff::Unit::Hour).expect("hours") / 24.0;
    assert!((2.9..=3.0).contains(&days), "{days}");
    assert_eq!(
        (&finalized["size"], &finalized["hash"]),
        (&json!(whole.len().to_string()), &json!(format!("sha256:{digest}")))
    );
    assert_eq!((done.output("artifact-id"), done.output("artifact-digest")), (Some("7"), Some(digest.as_str())));
    assert_eq!(done.output("artifact-url"), Some("https://github.com/octo/news/actions/runs/17/artifacts/7"));
    for size in [8 << 20, 16 << 20, whole.len()] {
        done.assert_line(&format!("Uploaded bytes {size}"));
    }
}

/// How an upload ends whose content is refused in its middle, or whose service is gone.
#[test]
fn what_becomes_of_the_content_is_told() {
    let (job, server) = (Job::new(), service("", ""));
    // Of which little becomes less.
    let random: Vec<u8> =
        (0..2_000_000_u64).flat_map(|it| it.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
    std::fs::write(job.path("work/repo/f"), random).expect("a file");
    let run = |uploads: &Path, level: &str| {
        let step = step(&job, &server, "actions/upload-artifact main v4").env("WFRUN_UPLOADS", uploads);
        step.input("name", "a").input("path", "f").input("compression-level", level).run()
    };
    for level in ["0", "1"] {
        let refused = "the artifact service refused the upload: the store failed: No space left on device";
        let uploads = Uploads::refusing(&job.path("full"), "the store failed: No space left on device");
        run(&uploads.path, level).assert_failure(refused);
        let uploads = Uploads::refusing(&job.path("gone"), "");
        let done = run(&uploads.path, level);
        assert_eq!(done.code, 1);
        assert!(done.lines.iter().any(|it| it.starts_with("::error::the upload broke off")), "{done:?}");
    }
    let nowhere = job.path("nowhere");
    let done = run(&nowhere, "0");
    let words = format!("::error::failed to connect to `{}`: No such file", nowhere.display());
    assert!(done.lines.iter().any(|it| it.starts_with(&words)), "{done:?}");
}

#[test]
fn a_digest_that_does_not_fit() {
    let (job, server) = (Job::new(), service("text", "sha256:0"));
    let warning = "::warning::Artifact 'kept' digest validation failed. Please verify the integrity of the artifact.";
    let run = |version: &str, mismatch: &str| {
        let step = step(&job, &server, &format!("actions/download-artifact main {version}")).input("name", "kept");
        step.input("digest-mismatch", mismatch).run()
    };
    for (version, mismatch, line) in [("v4", "error", warning), ("v8", "warn", warning), ("v8", "info", &warning[11..])]
    {
        let done = run(version, mismatch);
        done.assert_success();
        done.assert_line(line);
        done.assert_line("::add-mask::download-secret");
    }
    let done = run("v8", "ignore");
    done.assert_success();
    assert!(!done.lines.iter().any(|it| it.contains("digest validation")), "{:?}", done.lines);
    for mismatch in ["", "error"] {
        run("v8", mismatch).assert_failure(
            "Unable to download artifact(s): Digest validation failed for artifact(s): kept. Use 'digest-mismatch: warn' to \
             continue on mismatch.",
        );
    }
    // What is there is compared; it is also what is left.
    assert_eq!(std::fs::read_to_string(job.path("work/repo/artifact")).expect("a file"), "text");
    let asked = calls(&server);
    assert!(
        asked
            .iter()
            .all(|(method, it)| method != "GetSignedArtifactURL" || it["workflow_job_run_backend_id"] == "maker")
    );
}

#[test]
fn of_artifacts_with_one_name_the_newest_counts() {
    let (job, server) = (Job::new(), service("text", ""));
    let by_ids = |ids: &str| step(&job, &server, "actions/download-artifact main v8").input("artifact-ids", ids).run();
    by_ids("5").assert_failure("Unable to download artifact(s): None of the provided artifact IDs were found");
    let done = by_ids("6, 9").lines;
    assert!(done.contains(&"::warning::Could not find the following artifact IDs: 9".to_owned()), "{done:?}");
}

#[test]
fn other_runs_are_not_reached() {
    let (job, server) = (Job::new(), service("text", ""));
    let with = |repository: &str, run: &str| {
        let step = step(&job, &server, "actions/download-artifact main v4").input("name", "kept");
        step.input("github-token", "ghs_x").input("repository", repository).input("run-id", run).run()
    };
    let own = with("octo/news", "17");
    assert_eq!(own.declarations[0]["subject"], "actions/download-artifact", "{own:?}");
    for (repository, run) in [("octo/other", "17"), ("octo/news", "16")] {
        with(repository, run).assert_failure(&format!("an artifact of run {run} of {repository} is not supported yet"));
    }
}

#[test]
fn old_versions_fail_as_on_github() {
    let (job, server) = (Job::new(), service("", ""));
    job.write("work/repo/a", "");
    for (action, major) in [("upload", 1), ("upload", 2), ("upload", 3), ("download", 3)] {
        let done = step(&job, &server, &format!("actions/{action}-artifact main v{major}")).input("path", "a").run();
        assert_eq!(
            done.lines,
            [format!(
                "::error::This request has been automatically failed because it uses a deprecated version of \
                 `actions/{action}-artifact: v{major}`. Learn more: \
                 https://github.blog/changelog/2024-04-16-deprecation-notice-v3-of-the-artifact-actions/"
            )]
        );
        assert_eq!(done.code, 1);
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn what_the_service_refuses_is_told_in_githubs_words() {
    let job = Job::new();
    job.write("work/repo/a", "");
    for (status, body, words) in [
        (409, r#"{"code":"x","msg":"taken"}"#, "Received non-retryable error: Failed request: (409) Conflict: taken"),
        (403, r#"{"msg":"no"}"#, "Received non-retryable error: Failed request: (403) Forbidden: no"),
        (
            500,
            r#"{"msg":"broken"}"#,
            "Failed to make request after 1 attempts: Failed request: (500) Internal Server Error: broken",
        ),
        (200, "<html>", "Failed to make request after 1 attempts: the answer is no JSON"),
    ] {
        let server = refusing(status, body);
        let upload = step(&job, &server, "actions/upload-artifact main v4").input("name", "a").input("path", "a").run();
        upload.assert_failure(&format!("Failed to CreateArtifact: {words}"));
        let download = step(&job, &server, "actions/download-artifact main v4").run();
        download.assert_failure(&format!("Unable to download artifact(s): Failed to ListArtifacts: {words}"));
    }
    let server = refusing(200, "{}");
    for (token, words) in [
        ("", "Unable to get the ACTIONS_RUNTIME_TOKEN env variable"),
        ("a.b.c", "Failed to get backend IDs: The provided JWT token is invalid and/or missing claims"),
    ] {
        let step = step(&job, &server, "actions/upload-artifact main v4").input("name", "a").input("path", "a");
        step.env("ACTIONS_RUNTIME_TOKEN", token).run().assert_failure(words);
    }
}
