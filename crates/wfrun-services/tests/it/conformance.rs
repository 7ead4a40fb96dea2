//! GitHub's own clients, unmodified, as actions have them: that of artifacts here, that of the cache below.
//!
//! The packages are installed below the target folder, once. Where `node`, `npm` or the network is missing, that is said.

mod cache;

use std::path::Path;

use serde_json::{Value, json};

use crate::client::Server;
use crate::npm::packages;

/// The newest, and the one before it with another interface.
const NEWEST: &str = "@actions/artifact@6.2.1";
const BEFORE: &str = "@actions/artifact@5.0.3";

/// Runs the script with as many small files as said; `None` where it cannot be run here.
async fn conform(package: &str, files: u32) -> Option<Value> {
    let home = packages(&package.replace('/', "+"), &[package])?;
    let state = tempfile::tempdir().expect("a folder");
    let server = Server::start(state.path()).await;
    let job = server.job("build", &[]);
    let mut node = tokio::process::Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance/artifact.mjs"));
    node.arg(home).arg(files.to_string());
    node.envs([
        ("ACTIONS_RESULTS_URL", server.services.url()),
        ("ACTIONS_RUNTIME_TOKEN", job.token.clone()),
        ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
        ("GITHUB_WORKSPACE", state.path().display().to_string()),
        ("GITHUB_RETENTION_DAYS", "90".to_owned()),
        ("RUNNER_TEMP", state.path().display().to_string()),
    ]);
    let output = node.output().await.expect("node starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}\n{:#?}", server.calls());
    Some(serde_json::from_str(stdout.lines().last().unwrap_or_default()).expect("JSON"))
}

#[track_caller]
fn check(found: &Value, files: u32) {
    println!("{}: up {} ms, down {} ms", found["version"], found["uploadMs"], found["downloadMs"]);
    assert_eq!(found["uploaded"]["idIsNumber"], true);
    assert_eq!(found["found"]["sameId"], true);
    assert_eq!(found["found"]["dated"], true);
    assert_eq!(found["found"]["size"], found["uploaded"]["size"]);
    let digest = found["uploaded"]["digest"].as_str().expect("text");
    assert_eq!(found["found"]["digest"], format!("sha256:{digest}"));
    assert_eq!(found["listed"], json!(["other", "site"]));
    assert_eq!(
        found["duplicate"],
        "Error: Failed to CreateArtifact: Received non-retryable error: Failed request: (409) Conflict: an artifact with \
         this name already exists on the workflow run"
    );
    for (name, words) in [("missing", "nothing"), ("gone", "other")] {
        let text = found[name].as_str().expect("text");
        assert!(text.starts_with(&format!("ArtifactNotFoundError: Artifact not found for name: {words}")), "{text}");
    }
    let nobody = found["nobody"].as_str().expect("text");
    assert!(nobody.starts_with("ArtifactNotFoundError: No artifacts found for ID: 1\n"), "{nobody}");
    assert_eq!(found["files"], files + 2);
    assert_eq!(found["same"], true, "each file has its content back");
    assert_eq!(found["mismatch"], json!([false, true]), "a digest is compared with what came");
    assert_eq!(found["deletedSameId"], true);
    assert_eq!(found["newerId"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_client() {
    let Some(found) = conform(NEWEST, 200).await else { return };
    check(&found, 200);
    assert_eq!(found["asItIs"], true, "a file that is not packed comes back as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_before_it() {
    let Some(found) = conform(BEFORE, 200).await else { return };
    check(&found, 200);
}

/// By hand, for its time: `cargo nextest run -p wfrun-services --run-ignored only ten_thousand_files --no-capture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "half a minute"]
async fn ten_thousand_files() {
    let Some(found) = conform(NEWEST, 10_000).await else { return };
    check(&found, 10_000);
}
