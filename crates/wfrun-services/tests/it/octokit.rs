//! GitHub's own clients of the API, unmodified: `@octokit/rest`, and `@actions/github` as actions have it.
//!
//! The packages are installed below the target folder, once. Where `node`, `npm` or the network is missing, that is said.

use std::path::Path;

use serde_json::{Value, json};
use wfrun_services::ApiNote;

use crate::api::hub::{EVERYTHING, Hub, TOKEN};
use crate::npm::packages;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_clients() {
    let Some(home) = packages("octokit", &["@actions/github@9.1.1", "@octokit/rest@22.0.1"]) else { return };
    let hub = Hub::new(EVERYTHING).await;
    let event = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(event.path(), json!({"pull_request": {"number": 7}}).to_string()).expect("a file");
    let mut node = tokio::process::Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/octokit/client.mjs")).arg(home);
    node.envs([
        ("GITHUB_API_URL", hub.server.services.api_url()),
        ("GITHUB_GRAPHQL_URL", hub.server.services.graphql_url()),
        ("GITHUB_REPOSITORY", "octo/demo".to_owned()),
        ("GITHUB_EVENT_PATH", event.path().display().to_string()),
        ("TOKEN", TOKEN.to_owned()),
    ]);
    let output = match node.output().await {
        Ok(output) => output,
        Err(err) => return println!("skipped: there is no node: {err}"),
    };
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let found: Value = serde_json::from_str(stdout.lines().last().unwrap_or_default()).expect("JSON");
    let expected = json!({
        "repository": "octo/demo", "branch": hub.filled("MAIN"), "content": "a\n", "raw": "a\n",
        "files": ["src/b.txt", "src/c.txt"], "diff": true, "compared": "diverged", "comments": 45,
        "labels": ["bug", "size/S"], "release": "v1.2", "asset": "text of an asset", "status": "success",
        "check": "completed", "committed": "by octokit", "ref": 404, "bad": [401, "Bad credentials"],
        "unserved": [501, true], "graphql": [501, true], "login": "octo", "number": 7,
    });
    assert_eq!(found, expected);
    let is_release = |it: &ApiNote| matches!(it, ApiNote::Would(it) if it.starts_with("create release v1.2"));
    assert_eq!(hub.notes().iter().filter(|it| is_release(it)).count(), 1);
}
