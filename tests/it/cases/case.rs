//! A case: a folder below `testdata/cases`. Its README says what may be in it.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use indexmap::IndexMap;
use serde::Deserialize;

/// The folder of all cases.
pub(crate) fn cases_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases")
}

/// A case as it was read.
pub(crate) struct Case {
    /// `SECTION/CASE`
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) workflow: String,
    /// `event.json`, where there is one.
    pub(crate) payload: Option<serde_json::Value>,
    pub(crate) script: Script,
}

/// `script.toml`: what the case is for, what happens, and what processes do when they are not really started.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// The rules, by their names in `testdata/cases/rules.md`.
    pub(crate) rules: Vec<String>,
    /// One sentence.
    pub(crate) about: String,
    /// Where the same journal must come of real processes.
    #[serde(default)]
    pub(crate) also: Vec<Real>,
    /// Real processes need Node for it.
    #[serde(default)]
    pub(crate) needs_node: bool,
    #[serde(default)]
    pub(crate) event: Option<String>,
    #[serde(default)]
    pub(crate) inputs: IndexMap<String, serde_json::Value>,
    #[serde(default)]
    pub(crate) secrets: IndexMap<String, String>,
    #[serde(default)]
    pub(crate) vars: IndexMap<String, String>,
    /// Which pull request it is about; scripted only.
    #[serde(default)]
    pub(crate) pull_request: Option<PullRequest>,
    /// Cancels the run when a step prints this line.
    #[serde(default)]
    pub(crate) cancel: Option<String>,
    /// What is wrong with the containers of jobs.
    #[serde(default)]
    pub(crate) container_errors: Vec<String>,
    /// What is wrong with images of container actions, by their entries of the log.
    #[serde(default)]
    pub(crate) image_errors: IndexMap<String, String>,
    /// What processes do, by the step: see [`Script::process`].
    #[serde(default)]
    process: IndexMap<String, Process>,
}

/// A pull request of the repository itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PullRequest {
    pub(crate) number: u64,
    pub(crate) base: String,
    pub(crate) head: String,
}

/// A backend with real processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Real {
    Sandbox,
    Docker,
}

/// What a process does.
///
/// In all texts `${NAME}` is the variable of that name as the process got it, and `${NAME-else}` is `else` where it got none;
/// so a journal shows what the engine gave. `${PWD}` is its folder, `${x*5000}` are 5000 times `x`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Process {
    /// How it must have been started: program and arguments, `{0}` for the script.
    pub(crate) command: Option<String>,
    /// It cannot be started, and this is why.
    pub(crate) not_started: Option<String>,
    #[serde(default)]
    pub(crate) exit: i32,
    #[serde(default)]
    pub(crate) stdout: String,
    #[serde(default)]
    pub(crate) stderr: String,
    /// What it leaves in its files.
    #[serde(default)]
    pub(crate) output: String,
    #[serde(default)]
    pub(crate) env: String,
    #[serde(default)]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) summary: String,
    /// How long it takes, in seconds of a clock that costs nothing.
    #[serde(default)]
    pub(crate) seconds: u64,
    /// It ends with this when it gets SIGINT; without, it goes on.
    pub(crate) on_interrupt: Option<i32>,
    /// It goes on when it gets SIGTERM, too.
    #[serde(default)]
    pub(crate) ignores_terminate: bool,
    /// Whether it was started.
    #[serde(skip)]
    used: AtomicBool,
}

impl Case {
    /// Reads the folder of a case.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|err| format!("failed to read {}: {err}", path.display()))
        };
        let script: Script = toml::from_str(&read("script.toml")?).map_err(|err| format!("script.toml: {err}"))?;
        let payload = if folder.join("event.json").exists() {
            Some(serde_json::from_str(&read("event.json")?).map_err(|err| format!("event.json: {err}"))?)
        } else {
            None
        };
        let name = folder.strip_prefix(cases_folder()).unwrap_or(folder).display().to_string();
        Ok(Self { name, folder: folder.to_owned(), workflow: read("workflow.yml")?, payload, script })
    }

    /// All cases, in order of their names.
    pub(crate) fn all() -> Result<Vec<Self>, String> {
        let folders = |path: &Path| {
            let entries = fs::read_dir(path).map_err(|err| format!("failed to read {}: {err}", path.display()))?;
            let mut folders: Vec<PathBuf> = entries.flatten().map(|it| it.path()).filter(|it| it.is_dir()).collect();
            folders.sort();
            Ok::<_, String>(folders)
        };
        let mut cases = Vec::new();
        for section in folders(&cases_folder())? {
            for folder in folders(&section)? {
                cases.push(Self::read(&folder).map_err(|err| format!("{}: {err}", folder.display()))?);
            }
        }
        Ok(cases)
    }

    /// The files of the case's repository besides the workflow: relative path and text.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let root = self.folder.join("repository");
        let mut files = Vec::new();
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()) {
                if path.is_dir() {
                    open.push(path);
                } else if let (Ok(relative), Ok(text)) = (path.strip_prefix(&root), fs::read_to_string(&path)) {
                    files.push((relative.display().to_string(), text));
                }
            }
        }
        files.sort();
        files
    }

    /// The repositories of actions that the case brings: `actions/OWNER/NAME@REF`.
    pub(crate) fn actions(&self) -> Vec<wfrun_runner::LocalRepository> {
        let below = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().collect::<Vec<_>>();
        let mut all = Vec::new();
        for owner in below(&self.folder.join("actions")) {
            for entry in below(&owner.path()) {
                let (owner, name) = (owner.file_name(), entry.file_name());
                let (owner, name) = (owner.to_string_lossy(), name.to_string_lossy());
                let (name, git_ref) = name.split_once('@').unwrap_or((&name, "v1"));
                let (name, git_ref) = (format!("{owner}/{name}"), Some(git_ref.to_owned()));
                all.push(wfrun_runner::LocalRepository { name, git_ref, folder: entry.path() });
            }
        }
        all.sort_by(|a, b| (&a.name, &a.git_ref).cmp(&(&b.name, &b.git_ref)));
        all
    }

    /// What the journal must be.
    pub(crate) fn expected(&self) -> String {
        let text = fs::read_to_string(self.folder.join("journal.snap")).unwrap_or_default();
        let body = text.strip_prefix("---\n").and_then(|it| it.split_once("\n---\n"));
        body.map_or(text.as_str(), |(_, body)| body).trim_end().to_owned()
    }
}

impl Script {
    /// What a process does: the one entry for it.
    ///
    /// A key is a step, by its `id`, its number in the journal or its name; `pre ` or `post ` before it stands for that part
    /// of it, and `JOB: ` before that for the step of one job alone.
    pub(crate) fn process(&self, job: &str, part: &str, labels: &[&str]) -> Result<&Process, String> {
        let is = |key: &str| {
            let key = key.strip_prefix(job).and_then(|it| it.strip_prefix(": ")).unwrap_or(key);
            let key =
                if part == "main" { Some(key) } else { key.strip_prefix(part).and_then(|it| it.strip_prefix(' ')) };
            key.is_some_and(|it| labels.contains(&it))
        };
        let mut entries = self.process.iter().filter(|(key, _)| is(key));
        let who = format!("{part} of {labels:?} in job `{job}`");
        match (entries.next(), entries.next()) {
            (Some((_, process)), None) => {
                process.used.store(true, Ordering::Relaxed);
                Ok(process)
            }
            (Some((one, _)), Some((other, _))) => Err(format!("{who} has two entries: {one:?} and {other:?}")),
            (None, _) => Err(format!("{who} was started, and the script does not say what it does")),
        }
    }

    /// The entries that no process was started for.
    pub(crate) fn unused(&self) -> Vec<&str> {
        self.process.iter().filter(|(_, it)| !it.used.load(Ordering::Relaxed)).map(|(key, _)| key.as_str()).collect()
    }
}
