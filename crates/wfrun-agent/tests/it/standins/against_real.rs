//! Set-up actions: the stand-in and the real action, run side by side on the same cases.
//!
//! `WFRUN_TEST_MIRROR` names a folder of git repositories, `actions/setup-node` and so on, as for `--mirror`. Without it
//! each test prints `skipped`.

mod dotnet;
mod go;
mod java;
mod node;
mod python;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use wfrun_agent::standins;

use super::{Job, Outcome, skip};

/// Where the real actions are.
const MIRROR: &str = "WFRUN_TEST_MIRROR";

/// Beginnings of lines that only one of both has: those that are not seen, what an install script says, and what takes its
/// place.
const NOT_COMPARED: &[&str] =
    &["::debug::", "dotnet-install: ", ".NET SDK ", "::warning title=Another version of .NET::"];

/// One start of an action.
#[derive(Debug, Default, Clone, Copy)]
struct Case {
    name: &'static str,
    /// Files below the job's folders (`work/repo`, `tools`, `temp`, `home`, `bin`); one that begins with `#!` is a program.
    files: &'static [(&'static str, &'static str)],
    inputs: &'static [(&'static str, &'static str)],
    env: &'static [(&'static str, &'static str)],
    /// The major versions that it is for; all where it is empty.
    majors: &'static [u32],
    /// The real one starts programs side by side, so their lines come as they come.
    is_unordered: bool,
}

/// A real action at a version, unpacked.
struct Real {
    folder: TempDir,
    manifest: serde_yaml::Value,
}

impl Real {
    /// Says why where it cannot be had.
    fn unpack(repository: &str, tag: &str) -> Option<Self> {
        let Some(mirror) = std::env::var_os(MIRROR).map(PathBuf::from) else {
            skip(&format!("{MIRROR} names no folder with the git repository of {repository}"));
            return None;
        };
        let found = [repository.to_owned(), format!("{repository}.git")]
            .map(|it| mirror.join(it))
            .into_iter()
            .find(|it| it.exists());
        let Some(source) = found else {
            skip(&format!("{} has no {repository}", mirror.display()));
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut git = Command::new("git");
        git.arg("-C").arg(&source).args(["archive", tag]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut git = git.spawn().expect("git starts");
        let mut tar = Command::new("tar");
        tar.args(["-x", "-C"]).arg(folder.path()).stdin(git.stdout.take().expect("a pipe"));
        let unpacked = tar.stderr(Stdio::null()).status().expect("tar starts").success();
        if !(git.wait().expect("it ends").success() && unpacked) {
            skip(&format!("{} has no whole {tag} of {repository}", source.display()));
            return None;
        }
        let text = fs::read_to_string(folder.path().join("action.yml")).expect("has a manifest");
        Some(Self { folder, manifest: serde_yaml::from_str(&text).expect("is YAML") })
    }

    fn program(&self, phase: &str) -> PathBuf {
        self.folder.path().join(self.manifest["runs"][phase].as_str().expect("has a program"))
    }
}

/// Runs all cases with both, at each major version, and reports all that differs.
#[track_caller]
fn compare(repository: &str, majors: &[u32], cases: &[Case]) {
    compare_prepared(repository, majors, cases, |_| {});
}

/// As [`compare`]; `prepare` gets the folder of each real action before it runs.
#[track_caller]
fn compare_prepared(repository: &str, majors: &[u32], cases: &[Case], prepare: impl Fn(&Path)) {
    let mut differences = String::new();
    let mut count = 0;
    for major in majors {
        let tag = format!("v{major}");
        let Some(real) = Real::unpack(repository, &tag) else { continue };
        prepare(real.folder.path());
        compare_manifests(repository, &tag, &real, &mut differences);
        for case in cases.iter().filter(|it| it.majors.is_empty() || it.majors.contains(major)) {
            let ours = told(repository, &tag, &real.manifest, case, None);
            let theirs = told(repository, &tag, &real.manifest, case, Some(&real));
            count += 1;
            if ours != theirs {
                writeln!(differences, "\n{repository}@{tag}: {}", case.name).expect("a String takes any text");
                differences.push_str(&difference(&ours, &theirs));
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
    #[expect(clippy::print_stderr, reason = "what was compared shall be seen")]
    if count > 0 {
        eprintln!("{repository}: {count} cases do the same");
    }
}

/// What differs, part by part: what one has and the other has not.
fn difference(ours: &BTreeMap<String, Vec<String>>, theirs: &BTreeMap<String, Vec<String>>) -> String {
    let mut text = String::new();
    let none = Vec::new();
    for key in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        let (one, other) = (ours.get(key).unwrap_or(&none), theirs.get(key).unwrap_or(&none));
        if ours.get(key) == theirs.get(key) {
            continue;
        }
        let only = |these: &Vec<String>, others: &Vec<String>| -> Vec<String> {
            these.iter().filter(|it| !others.contains(it)).cloned().collect()
        };
        writeln!(text, "  {key}\n    only stand-in {:#?}\n    only real {:#?}", only(one, other), only(other, one))
            .expect("a String takes any text");
        if only(one, other).is_empty() && only(other, one).is_empty() {
            writeln!(text, "    in another order or number: {one:?} {other:?}").expect("a String takes any text");
        }
    }
    text
}

/// The stand-in's manifest against the real one: inputs and defaults, outputs, programs.
fn compare_manifests(repository: &str, tag: &str, real: &Real, differences: &mut String) {
    let stand_in = standins::find(repository).expect("has a stand-in");
    let ours: serde_yaml::Value = serde_yaml::from_str(stand_in.manifest(tag)).expect("is YAML");
    let inputs = |manifest: &serde_yaml::Value| -> BTreeMap<String, String> {
        let all = manifest["inputs"].as_mapping().into_iter().flatten();
        all.map(|(name, it)| (name.as_str().unwrap_or_default().to_owned(), default_of(it))).collect()
    };
    let names = |manifest: &serde_yaml::Value| -> Vec<String> {
        let all = manifest["outputs"].as_mapping().into_iter().flatten();
        let mut names: Vec<String> = all.filter_map(|(name, _)| Some(name.as_str()?.to_owned())).collect();
        names.sort();
        names
    };
    let text = |value: &serde_yaml::Value| serde_yaml::to_string(value).expect("is YAML").replace('\'', "");
    let all = [
        (format!("{:?}", inputs(&ours)), format!("{:?}", inputs(&real.manifest))),
        (format!("{:?}", names(&ours)), format!("{:?}", names(&real.manifest))),
        (text(&ours["runs"]), text(&real.manifest["runs"])),
        (text(&ours["name"]), text(&real.manifest["name"])),
    ];
    for (one, other) in all.iter().filter(|(one, other)| one != other) {
        writeln!(differences, "\n{repository}@{tag}: manifest\n  stand-in {one}\n  real     {other}")
            .expect("a String takes any text");
    }
}

/// What one of both did, main and post step: lines, files, exit codes.
fn told(
    repository: &str,
    tag: &str,
    manifest: &serde_yaml::Value,
    case: &Case,
    real: Option<&Real>,
) -> BTreeMap<String, Vec<String>> {
    let job = Job::new();
    for (path, text) in case.files {
        let text = text.replace("ROOT", job.path("").to_string_lossy().trim_end_matches('/'));
        job.write(path, &text);
        if text.starts_with("#!") {
            fs::set_permissions(job.path(path), fs::Permissions::from_mode(0o755)).expect("can set");
        }
    }
    let start = |phase: &str, state: &[(String, String)]| -> Outcome {
        let mut step = job.step(&format!("{repository} {phase} {tag}"));
        if let Some(real) = real {
            step.command = Command::new(node());
            step.command.arg(real.program(phase)).env_clear().current_dir(job.workspace());
            step = step.with_job_environment();
        }
        let folders = [job.path("bin"), PathBuf::from("/usr/bin"), PathBuf::from("/bin")];
        step = step.env("PATH", std::env::join_paths(folders).expect("no colon")).env("RUNNER_OS", "Linux");
        for (name, default) in manifest["inputs"].as_mapping().into_iter().flatten() {
            // The token is nobody's here.
            let default = Some(default_of(default)).filter(|it| !it.contains("${{")).unwrap_or_default();
            step = step.input(&name.as_str().unwrap_or_default().replace(' ', "_"), &default);
        }
        for (name, value) in case.inputs {
            step = step.input(name, value);
        }
        for (name, value) in case.env {
            step = step.env(name, value.replace("ROOT", job.path("").to_string_lossy().trim_end_matches('/')));
        }
        for (name, value) in state {
            step = step.env(&format!("STATE_{name}"), value);
        }
        step.run()
    };
    let main = start("main", &[]);
    let mut all = BTreeMap::new();
    describe("main", &main, &job, &mut all);

    if main.code == 0 && manifest["runs"]["post"].is_string() {
        describe("post", &start("post", &main.state), &job, &mut all);
    }
    if case.is_unordered {
        all.iter_mut().filter(|(name, _)| name.ends_with("lines")).for_each(|(_, lines)| lines.sort());
    }
    for folder in ["work", "temp", "home"] {
        files_below(&job.path(folder), &mut |path, text| {
            let name = path.to_string_lossy().into_owned();
            let is_of_the_step = ["GITHUB_", "WFRUN_", "_"].iter().any(|it| folder == "temp" && name.starts_with(it));
            if !is_of_the_step {
                all.insert(format!("file {folder}/{name}"), vec![plain(&text, &job)]);
            }
        });
    }
    all
}

/// The text of an input's default.
fn default_of(input: &serde_yaml::Value) -> String {
    match input["default"].as_str() {
        Some(text) => text.to_owned(),
        None if input["default"].is_null() => String::new(),
        None => serde_yaml::to_string(&input["default"]).expect("is YAML").trim().to_owned(),
    }
}

fn describe(phase: &str, outcome: &Outcome, job: &Job, all: &mut BTreeMap<String, Vec<String>>) {
    let mut lines = Vec::new();
    for line in &outcome.lines {
        if let Some(file) = line.strip_prefix("##[add-matcher]") {
            lines.push(format!("matcher {}", matcher(file)));
        } else if !NOT_COMPARED.iter().any(|it| line.starts_with(it)) && !line.contains("/install-dotnet.sh") {
            lines.push(plain(line, job));
        }
    }
    // The one line that both may have or not have: an empty one.
    lines.retain(|it| !it.is_empty());
    let last = |entries: &[(String, String)]| -> Vec<String> {
        let map: BTreeMap<&String, &String> = entries.iter().map(|(name, value)| (name, value)).collect();
        map.into_iter().map(|(name, value)| format!("{name}={}", plain(value, job))).collect()
    };
    all.insert(format!("{phase} 1 lines"), lines);
    all.insert(format!("{phase} 2 outputs"), last(&outcome.outputs));
    all.insert(format!("{phase} 3 env"), last(&outcome.env));
    all.insert(format!("{phase} 4 path"), outcome.path.iter().map(|it| plain(it, job)).collect());
    all.insert(format!("{phase} 5 state"), last(&outcome.state));
    all.insert(format!("{phase} 6 code"), vec![outcome.code.to_string()]);
}

/// A matcher file without what says the same in other words.
fn matcher(file: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_else(|err| format!("{file}: {err}"));
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let text = value.to_string();
    text.replace(r"[^\\s]", r"\\S").replace(r"[\\(:]", "[(:]").replace(r"\\\'", "'").replace("\\\\\\\"", "\\\"")
}

/// Without what differs from run to run.
fn plain(text: &str, job: &Job) -> String {
    text.replace(job.path("").to_string_lossy().trim_end_matches('/'), "ROOT")
}

fn files_below(root: &Path, see: &mut impl FnMut(&Path, String)) {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                see(path.strip_prefix(root).expect("is below"), text);
            }
        }
    }
}

/// This machine's Node.js, which runs the real actions.
fn node() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|it| it.join("node")).find(|it| it.is_file());
    found.unwrap_or_else(|| PathBuf::from("node"))
}
