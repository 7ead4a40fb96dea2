//! The stand-ins, run as real processes in a step's environment.

mod against_real;
mod artifacts;
mod aws;
mod cache;
mod checkout;
mod dependency_cache;
mod docker;
mod docker_build_push;
mod docker_login;
mod docker_setup_buildx;
mod server;
mod setup_dotnet;
mod setup_go;
mod setup_java;
mod setup_node;
mod setup_python;
mod uploads;
mod web_identity;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use serde_json::Value;
use tempfile::TempDir;

const ARGUMENTS: &str = "WFRUN_TEST_STANDIN";

/// Not a test of its own: started with [`ARGUMENTS`] set, the test binary is the stand-in.
#[test]
fn entry() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let code = wfrun_agent::standins::main(arguments.split(' ').map(str::to_owned));
    let number = [(ExitCode::SUCCESS, 0), (ExitCode::FAILURE, 1)].into_iter().find(|(known, _)| *known == code);
    #[expect(clippy::exit, reason = "the harness would turn the code into its own")]
    std::process::exit(number.map_or(2, |(_, number)| number));
}

/// The folders of a job.
pub(crate) struct Job {
    root: TempDir,
}

impl Job {
    pub(crate) fn new() -> Self {
        let job = Self { root: tempfile::tempdir().expect("a temporary folder") };
        for folder in ["work/repo", "temp", "tools", "home"] {
            fs::create_dir_all(job.path(folder)).expect("can create");
        }
        job
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.path("work/repo")
    }

    pub(crate) fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("has a parent")).expect("can create");
        fs::write(path, text).expect("can write");
    }

    /// A start of a stand-in: `arguments` as in `actions/cache main v3`.
    pub(crate) fn step(&self, arguments: &str) -> Step<'_> {
        let mut command = Command::new(std::env::current_exe().expect("has a path"));
        command.args(["--exact", "standins::entry", "--nocapture", "--test-threads=2"]);
        command.env_clear().env(ARGUMENTS, arguments).current_dir(self.workspace());
        Step { job: self, command }.with_job_environment()
    }
}

/// A stand-in about to be started.
pub(crate) struct Step<'a> {
    job: &'a Job,
    command: Command,
}

impl Step<'_> {
    /// Sets the variables that each step of the job has.
    fn with_job_environment(mut self) -> Self {
        let (job, command) = (self.job, &mut self.command);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", job.path("home")).env("RUNNER_TEMP", job.path("temp"));
        command.env("RUNNER_TOOL_CACHE", job.path("tools")).env("GITHUB_WORKSPACE", job.workspace());
        command.env("GITHUB_REPOSITORY", "octo/news").env("GITHUB_SERVER_URL", "https://github.com");
        command.env("GITHUB_REF", "refs/heads/main").env("GITHUB_EVENT_NAME", "push");
        self
    }

    pub(crate) fn input(self, name: &str, value: &str) -> Self {
        let name = format!("INPUT_{}", name.to_uppercase());
        self.env(&name, value)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn run(mut self) -> Outcome {
        let files = ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STATE", "GITHUB_PATH", "WFRUN_DECLARATIONS"];
        let files = files.map(|name| (name, self.job.path(&format!("temp/{name}"))));
        for (name, path) in &files {
            fs::write(path, "").expect("can write");
            self.command.env(name, path);
        }
        let output = self.command.output().expect("the test binary starts");
        let [outputs, env, state, path, declarations] =
            files.map(|(_, path)| fs::read_to_string(path).expect("can read"));
        Outcome {
            code: output.status.code().expect("ends by itself"),
            lines: lines_of(&output),
            outputs: entries(&outputs),
            env: entries(&env),
            state: entries(&state),
            path: path.lines().map(str::to_owned).collect(),
            declarations: declarations.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect(),
        }
    }
}

/// What a stand-in left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) lines: Vec<String>,
    pub(crate) outputs: Vec<(String, String)>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) state: Vec<(String, String)>,
    pub(crate) path: Vec<String>,
    pub(crate) declarations: Vec<Value>,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert_eq!(self.code, 0, "{self:#?}");
    }

    /// The step failed with an error annotation that holds the text.
    #[track_caller]
    pub(crate) fn assert_failure(&self, text: &str) {
        assert_eq!(self.code, 1, "{self:#?}");
        let last = self.lines.iter().rev().find(|line| line.starts_with("::error::"));
        assert!(last.is_some_and(|line| line.contains(text)), "{text}: {self:#?}");
    }

    #[track_caller]
    pub(crate) fn assert_line(&self, line: &str) {
        assert!(self.lines.iter().any(|it| it == line), "{line}: {:#?}", self.lines);
    }

    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        last(&self.outputs, name)
    }

    pub(crate) fn exported(&self, name: &str) -> Option<&str> {
        last(&self.env, name)
    }

    pub(crate) fn saved(&self, name: &str) -> Option<&str> {
        last(&self.state, name)
    }
}

fn last<'a>(entries: &'a [(String, String)], name: &str) -> Option<&'a str> {
    entries.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Without what the test harness prints before the stand-in starts.
fn lines_of(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let own = text.strip_prefix("\nrunning 1 test\n").unwrap_or(&text);
    own.lines().map(str::to_owned).collect()
}

fn entries(text: &str) -> Vec<(String, String)> {
    let mut lines = text.split_inclusive('\n');
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.trim_end().split_once("<<").expect("is a heredoc");
        let body: String = lines.by_ref().take_while(|line| line.trim_end() != delimiter).collect();
        found.push((name.to_owned(), body.strip_suffix('\n').expect("ends with a newline").to_owned()));
    }
    found
}

/// Whether a program is on this machine; says so visibly where it is not.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        skip(&format!("there is no `{program}` on this machine"));
    }
    found
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub(crate) fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// An executable script in a folder of its own, to be put in front of `PATH`.
pub(crate) fn script(job: &Job, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    job.write(&format!("bin/{name}"), text);
    let path = job.path(&format!("bin/{name}"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("can set");
    job.path("bin")
}

/// `folder` in front of the `PATH` of the tests.
pub(crate) fn in_front(folder: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(folder.to_path_buf()).chain(std::env::split_paths(&path)))
        .expect("no colon in the path")
}

#[test]
fn arguments_are_checked() {
    let job = Job::new();
    for (arguments, text) in [
        ("actions/checkout", "expected `<owner/repo> <main|post> [ref]`"),
        ("actions/checkout pre v4", "the phase is `main` or `post`"),
        ("octo/unknown main v1", "there is no stand-in for `octo/unknown`"),
    ] {
        let outcome = job.step(arguments).run();
        assert_eq!(outcome.code, 2, "{outcome:#?}");
        assert!(outcome.lines.iter().any(|line| line.contains(text)), "{outcome:#?}");
    }
}

#[test]
fn an_unknown_version_is_declared() {
    let job = Job::new();
    let outcome = job.step("actions/cache main 0123456789abcdef0123456789abcdef01234567").run();
    let subject = "actions/cache@0123456789abcdef0123456789abcdef01234567";
    assert_eq!(outcome.declarations[0]["subject"], subject, "{outcome:#?}");
    assert!(outcome.declarations[0]["detail"].as_str().is_some_and(|it| it.starts_with("behaves as v5")));
}
