//! A repository, its pull request, and a job that asks the API about them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use wfrun_services::{Access, ApiGrant, ApiNote, ApiSettings};

use crate::client::{Answer, Server, open, read, send};

/// A token that may do all.
pub(crate) const EVERYTHING: &[(&str, Access)] = &[
    ("actions", Access::Write),
    ("checks", Access::Write),
    ("contents", Access::Write),
    ("issues", Access::Write),
    ("pull-requests", Access::Write),
    ("statuses", Access::Write),
];

pub(crate) const TOKEN: &str = "ghs_of_the_job";

pub(crate) struct Hub {
    folder: tempfile::TempDir,
    pub(crate) server: Server,
    /// What stands for what in calls and answers.
    ids: Vec<(&'static str, String)>,
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(folder);
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), "Mona").env(format!("GIT_{role}_EMAIL"), "mona@example.com");
    }
    let output = git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").output().expect("git");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// `main` with two commits, `feature/x` with one of its own, an annotated and a plain tag.
fn make_repository(folder: &Path) -> Vec<(&'static str, String)> {
    let work = folder.join("work");
    fs::create_dir_all(work.join("src")).expect("a folder");
    let write = |name: &str, text: &str| fs::write(work.join(name), text).expect("a file");
    let commit = |message: &str| {
        git(&work, &["add", "--all"]);
        git(&work, &["commit", "--quiet", "--message", message]);
        git(&work, &["rev-parse", "HEAD"])
    };
    git(&work, &["init", "--quiet", "--initial-branch", "main"]);
    write("README.md", "# demo\n");
    write("src/a.txt", "a\n");
    std::os::unix::fs::symlink("../../etc/passwd", work.join("link")).expect("a link");
    let first = commit("first");
    git(&work, &["tag", "--annotate", "v1.0", "--message", "the first"]);
    git(&work, &["checkout", "--quiet", "-b", "feature/x"]);
    write("src/b.txt", "b\nb\n");
    git(&work, &["mv", "src/a.txt", "src/c.txt"]);
    let feature = commit("add b");
    git(&work, &["checkout", "--quiet", "main"]);
    write("README.md", "# demo\nmore\n");
    let main = commit("second");
    git(&work, &["tag", "v1.1"]);
    let ids = [("TREE", git(&work, &["rev-parse", "HEAD^{tree}"])), ("TAG", git(&work, &["rev-parse", "v1.0"]))];
    git(folder, &["clone", "--quiet", "--bare", "work", "repository.git"]);
    let ours = [("FIRST", first), ("FEATURE", feature), ("MAIN", main)];
    ours.into_iter().chain(ids).collect()
}

fn payload(id: &dyn Fn(&str) -> String) -> Value {
    let side = |name: &str, sha: String| json!({"ref": name, "sha": sha, "label": format!("octo:{name}")});
    json!({
        "number": 7,
        "repository": {"id": 7, "full_name": "octo/demo", "private": true},
        "pull_request": {
            "number": 7, "title": "Add b", "body": null, "state": "open", "labels": [{"id": 1, "name": "bug"}],
            "user": {"login": "mona"}, "head": side("feature/x", id("FEATURE")), "base": side("main", id("MAIN")),
        },
        "issue": {"number": 3, "title": "A plain one"},
    })
}

impl Hub {
    /// A job of a pull request's run.
    pub(crate) async fn new(scopes: &[(&str, Access)]) -> Self {
        Self::of("pull_request", scopes, payload).await
    }

    /// A job of another event's run.
    pub(crate) async fn of(
        event: &str,
        scopes: &[(&str, Access)],
        payload: impl FnOnce(&dyn Fn(&str) -> String) -> Value,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ids = make_repository(folder.path());
        fs::create_dir(folder.path().join("scratch")).expect("a folder");
        let server = Server::start(&folder.path().join("state")).await;
        let hub = Self { folder, server, ids };
        hub.server.services.serve_api(ApiSettings {
            repository: "octo/demo".to_owned(),
            git: hub.folder.path().join("repository.git"),
            default_branch: "main".to_owned(),
            git_ref: "refs/pull/7/merge".to_owned(),
            sha: hub.filled("MAIN"),
            actor: "mona".to_owned(),
            event: event.to_owned(),
            payload: payload(&|it| hub.filled(it)),
            run_id: "17".to_owned(),
            run_number: 3,
            workflow: "ci".to_owned(),
            workflow_path: ".github/workflows/ci.yml".to_owned(),
            scratch: hub.folder.path().join("scratch"),
        });
        let scopes = scopes.iter().map(|(name, access)| ((*name).to_owned(), *access)).collect();
        hub.server.services.allow_api(TOKEN, ApiGrant { job: "j".to_owned(), scopes });
        hub
    }

    /// A text with ids in the place of their names.
    pub(crate) fn filled(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }

    pub(crate) fn origin(&self) -> String {
        self.server.services.url()
    }

    /// The address of something of the repository; with `//`, of something else of the API.
    pub(crate) fn url(&self, path: &str) -> String {
        let api = self.server.services.api_url();
        match path.strip_prefix("//") {
            Some(path) => format!("{api}/{path}"),
            None => format!("{api}/repos/octo/demo{path}"),
        }
    }

    /// `METHOD /path` with a body of JSON, if it is not null; ids are filled in there, too.
    pub(crate) async fn ask(&self, call: &str, body: &Value) -> Answer {
        let (method, path) = call.split_once(' ').expect("a method and a path");
        let body = (!body.is_null()).then(|| self.filled(&body.to_string()));
        self.send(method, &self.url(path), &[], body.as_deref().map(str::as_bytes)).await
    }

    /// A request with the job's token; a body that is announced in the headers is not sent.
    pub(crate) async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let authorization = format!("token {TOKEN}");
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend(headers);
        if headers.iter().any(|(name, _)| *name == "content-length") {
            return read(open(method, url, &all).await).await;
        }
        send(method, url, &all, body).await
    }

    /// What was to be said so far.
    pub(crate) fn notes(&self) -> Vec<ApiNote> {
        self.server.notes()
    }

    /// The same, and it is not said again.
    pub(crate) fn take_notes(&self) -> Vec<ApiNote> {
        let notes = self.server.notes();
        self.server.forget();
        notes
    }

    /// git in the repository that jobs fetch from.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.folder.path().join("repository.git"), arguments)
    }

    pub(crate) fn files_in_scratch(&self) -> usize {
        fs::read_dir(self.folder.path().join("scratch")).expect("a folder").count()
    }

    /// Whether a file of this name came to be where git runs.
    pub(crate) fn is_there(&self, name: &str) -> bool {
        self.folder.path().join("repository.git").join(name).exists()
    }
}
