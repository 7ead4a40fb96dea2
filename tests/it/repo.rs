//! A git repository to run workflows of, and what came of a run.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

/// The executable under test.
pub(crate) const WFRUN: &str = env!("CARGO_BIN_EXE_wfrun");

/// A repository in a temporary folder, with a cache of its own.
pub(crate) struct Repo {
    dir: TempDir,
    /// The folder of `.github`, relative to the git work tree.
    prefix: &'static str,
}

/// What a run printed and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Repo {
    /// A repository with one workflow `w.yml` and more files, all committed on `main`.
    pub(crate) fn new(workflow: &str, files: &[(&str, &str)]) -> Self {
        Self::below("", workflow, files)
    }

    /// A repository with these files, all committed on `main`.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let repo = Self { dir: tempfile::tempdir().expect("a temporary folder"), prefix: "" };
        fs::create_dir_all(repo.root()).expect("folders");
        for (path, text) in files {
            repo.write(path, text);
        }
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.commit("start");
        repo
    }

    /// The same, with its root in a folder of a larger repository.
    pub(crate) fn below(prefix: &'static str, workflow: &str, files: &[(&str, &str)]) -> Self {
        let repo = Self { dir: tempfile::tempdir().expect("a temporary folder"), prefix };
        fs::create_dir_all(repo.root()).expect("folders");
        repo.write(".github/workflows/w.yml", workflow);
        for (path, text) in files {
            repo.write(path, text);
        }
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.commit("start");
        repo
    }

    /// The example of the README, in a larger repository as it is in ours.
    pub(crate) fn example() -> Self {
        let repo = Self { dir: tempfile::tempdir().expect("a temporary folder"), prefix: "examples/news-api" };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/news-api"), &repo.root());
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.commit("start");
        repo
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("repo").join(self.prefix)
    }

    /// A folder beside the repository, for what is no part of it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// wfrun's cache folder.
    pub(crate) fn cache(&self) -> PathBuf {
        self.dir.path().join("cache/wfrun")
    }

    /// The home folder of whoever starts `wfrun`: empty, unless a test or a step writes into it.
    pub(crate) fn home(&self) -> PathBuf {
        self.beside("home")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).expect("a file")
    }

    /// Changes a file: `from` must be in it.
    pub(crate) fn change(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from:?}");
        self.write(path, &text.replace(from, to));
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]);
        // A test may have given it to another user.
        git.args(["-c", "safe.directory=*"]);
        let output = git.args(arguments).current_dir(self.dir.path().join("repo")).output().expect("git");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A command in the repository with an environment of its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        fs::create_dir_all(self.home()).expect("a home folder");
        let mut command = Command::new(WFRUN);
        command.args(arguments).current_dir(self.root()).stdin(Stdio::null());
        command.env("XDG_CACHE_HOME", self.dir.path().join("cache")).env("NO_COLOR", "1");
        // act may have been used on this machine, and steps on the host write into their home folder.
        command.env("XDG_CONFIG_HOME", self.dir.path().join("config")).env("HOME", self.home());
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command
    }

    /// Runs `wfrun` to its end.
    pub(crate) fn wfrun(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().expect("wfrun starts"))
    }

    /// Runs `w.yml` in the sandbox and gives back its events.
    pub(crate) fn sandbox(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["w.yml", "--backend", "sandbox", "--json"];
        all.extend(arguments);
        self.wfrun(&all)
    }

    /// What a run left in the cache folder that should be gone.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let work = self.dir.path().join("cache/wfrun/work");
        fs::read_dir(work).into_iter().flatten().flatten().map(|it| it.path()).collect()
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The codes of the errors that were told, in order.
    pub(crate) fn errors(&self) -> Vec<String> {
        let codes = self.stderr.lines().filter_map(|it| it.strip_prefix("error[")?.split(']').next());
        codes.map(str::to_owned).collect()
    }

    /// The events of a `--json` run.
    pub(crate) fn events(&self) -> Vec<Json> {
        self.stdout.lines().map(|it| serde_json::from_str(it).expect("an event a line")).collect()
    }

    pub(crate) fn of_type(&self, kind: &str) -> Vec<Json> {
        self.events().into_iter().filter(|it| it["type"] == kind).collect()
    }

    /// All lines that steps wrote; not the one with which post parts begin.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.of_type("line");
        let texts = lines.iter().filter_map(|it| it["text"].as_str());
        texts.filter(|it| *it != "Post job cleanup.").map(str::to_owned).collect()
    }

    /// How each step ended, `skipped` where it did not begin: `name: conclusion`.
    pub(crate) fn steps(&self) -> Vec<String> {
        let line = |it: &Json, result: &str| format!("{}: {result}", it["name"].as_str().unwrap_or_default());
        let events = self.events();
        let told = events.iter().filter_map(|it| match it["type"].as_str()? {
            "step-finished" => Some(line(it, it["conclusion"].as_str()?)),
            "step-skipped" => Some(line(it, "skipped")),
            _ => None,
        });
        told.collect()
    }

    /// How each job ended.
    pub(crate) fn results(&self) -> Json {
        self.of_type("run-finished").first().map_or(Json::Null, |it| it["jobs"].clone())
    }
}

/// Whether the sandbox works here; says so where not.
pub(crate) fn can_sandbox() -> bool {
    match wfrun_backend::probe_sandbox(Path::new(WFRUN)) {
        Ok(()) => true,
        Err(err) => {
            println!("skipped: {err}");
            false
        }
    }
}

/// All that is below a folder; links are not followed.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            all.extend(files_below(&entry.path()));
        }
        all.push(entry.path());
    }
    all
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folders");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let name = entry.file_name();
        if name == ".wfrun" || name == "__pycache__" || name == ".pytest_cache" {
            continue;
        }
        let target = to.join(&name);
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
