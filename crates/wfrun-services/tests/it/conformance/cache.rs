//! GitHub's own client of the cache, unmodified, with entries as large as a workflow's.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::client::{Job, MAIN, Server};
use crate::npm::packages;

/// The newest, and the one before it with another interface.
const CLIENTS: [&str; 2] = ["@actions/cache@6.3.0", "@actions/cache@5.3.0"];
const FEATURE: &str = "refs/heads/feature";
/// What the services' process may take, in kB, whatever goes through it.
const MEMORY: u64 = 80_000;

/// The client as jobs have it, and a folder below which each job has a workspace of its own.
struct Client {
    home: PathBuf,
    state: tempfile::TempDir,
}

impl Client {
    /// `None` where it cannot be had here.
    fn new(package: &str) -> Option<Self> {
        let home = packages(&package.replace('/', "+"), &[package])?;
        // `/tmp` may be memory, and this is several times the entry.
        let state = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        Some(Self { home, state })
    }

    /// Saves or restores `data` in the workspace of that name, and says what came of it.
    async fn run(&self, workspace: &str, job: &Job, arguments: &[&str]) -> Value {
        let folder = self.state.path().join(workspace);
        std::fs::create_dir_all(folder.join("temp")).expect("a folder");
        let mut node = tokio::process::Command::new("node");
        node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance/cache.mjs"));
        node.arg(&self.home).args(arguments).current_dir(&folder);
        node.env("ACTIONS_RESULTS_URL", &job.url).env("ACTIONS_RUNTIME_TOKEN", &job.token);
        node.env("ACTIONS_CACHE_SERVICE_V2", "True").env("GITHUB_SERVER_URL", "https://github.com");
        node.env("GITHUB_WORKSPACE", &folder).env("RUNNER_TEMP", folder.join("temp"));
        let output = node.output().await.expect("node starts");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{stdout}\n{stderr}");
        // What goes wrong with a cache is a warning to a client, and no error.
        assert!(!stdout.contains("::warning"), "{stdout}");
        serde_json::from_str(stdout.lines().last().unwrap_or_default()).expect("JSON")
    }
}

/// Saves so much on the default branch and restores it on a feature branch, by a prefix.
async fn conform(client: &Client, megabytes: u32) {
    let server = Server::start(&client.state.path().join("store")).await;
    let main = server.job("main", &[MAIN]);
    let feature = server.job("feature", &[FEATURE, MAIN]);
    let stranger = server.job("stranger", &["refs/heads/stranger"]);

    let saved = client.run("main", &main, &["save", "deps-1", &megabytes.to_string()]).await;
    assert!(saved["got"].as_u64().is_some_and(|it| it > 0), "an entry's number: {saved}");
    assert_eq!(saved["sums"].as_object().map(serde_json::Map::len), Some(33));
    std::fs::remove_dir_all(client.state.path().join("main")).expect("it is there");
    if megabytes > 128 {
        assert!(server.calls().iter().any(|it| it == "cache main Put Block 201"), "{:#?}", server.calls());
    }

    let restored = client.run("feature", &feature, &["restore", "deps-2", "deps-"]).await;
    assert_eq!(restored["got"], "deps-1");
    assert_eq!(restored["sums"], saved["sums"], "each file has its content back");
    println!("{}: saved {megabytes} MB in {} ms, restored in {} ms", saved["version"], saved["ms"], restored["ms"]);

    // Neither a ref that is not the entry's, nor the default branch what a feature branch saves.
    let nothing = json!([null, {}]);
    let got = |it: &Value| json!([it["got"], it["sums"]]);
    assert_eq!(got(&client.run("stranger", &stranger, &["restore", "deps-1", "deps-"]).await), nothing);
    let own = client.run("own", &feature, &["save", "own-1", "32"]).await;
    assert!(own["got"].as_u64().is_some_and(|it| it > 0), "{own}");
    assert_eq!(got(&client.run("main", &main, &["restore", "own-1", "own-"]).await), nothing);
    server.services.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cache_s_clients() {
    for package in CLIENTS {
        let Some(client) = Client::new(package) else { return };
        conform(&client, 64).await;
    }
}

/// By hand, for its size: `cargo nextest run -p wfrun-services --run-ignored only two_gigabytes --no-capture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute or two, and 8 GB of disk"]
async fn two_gigabytes() {
    for package in CLIENTS {
        let Some(client) = Client::new(package) else { return };
        conform(&client, 2048).await;
        // The services are this process.
        let most = most_memory();
        println!("{package}: the services' process took at most {most} kB");
        assert!(most < MEMORY, "{most} kB: bodies belong on disk");
    }
}

/// The most memory that this process has taken, in kB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process of Linux");
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).expect("it is there");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
