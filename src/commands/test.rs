//! `wfrun test`: unit tests of workflows.
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use wfrun_report::{TestReport, test_json, test_junit, test_text};
use wfrun_syntax::{Diagnostic, closest};

use crate::cli::TestArgs;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::find;
use crate::output::{Help, Output};
use crate::wftest;

/// How often `--watch` looks.
const POLL: Duration = Duration::from_millis(200);

/// Runs test files once, or again at every change.
pub(crate) fn test(args: &TestArgs, _: &Environment, output: &Output) -> anyhow::Result<Exit> {
    let from = find::directory(args.directory.as_deref())?;
    loop {
        let (exit, watched) = match once(args, &from, output) {
            Ok(done) => done,
            Err(err) if args.watch => {
                output.error(&err);
                (Output::exit_of(&err), Vec::new())
            }
            Err(err) => return Err(err),
        };
        if !args.watch {
            return Ok(exit);
        }
        Output::note("\nwaiting for a change; Ctrl-C ends");
        wait(args, &from, &watched);
    }
}

fn once(args: &TestArgs, from: &Path, output: &Output) -> anyhow::Result<(Exit, Vec<PathBuf>)> {
    let started = Instant::now();
    let paths = paths(args, from)?;
    let tested = wftest::run(&paths, &|path| shown(path, from));
    output.diagnostics(&tested.diagnostics);
    let report = TestReport { files: tested.files, took: started.elapsed() };
    if args.json {
        Output::data(&format!("{}\n", test_json(&report)));
    } else {
        Output::data(&test_text(&report, &output.stdout));
    }
    if let Some(path) = &args.junit {
        std::fs::write(path, test_junit(&report)).map_err(|err| {
            let message = format!("failed to write {}: {err}", path.display());
            Help::error("wfrun/report", message, "give `--junit` a path in a folder that is there and can be written")
        })?;
    }
    let exit = match (tested.diagnostics.iter().any(Diagnostic::is_error), report.failed()) {
        (true, _) => Exit::Invalid,
        (false, 0) => Exit::Success,
        (false, _) => Exit::Failure,
    };
    Ok((exit, tested.watched))
}

/// The files that are given, or all below the repository.
fn paths(args: &TestArgs, from: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if args.files.is_empty() {
        let root = around(from);
        let found = wftest::files_below(&root);
        if found.is_empty() {
            let message = "there are no test files in this repository";
            let help = "write one, `deploy.wftest.yml`: a `workflow` and `cases`";
            return Err(Help::error("wftest/nothing", message, help));
        }
        return Ok(found);
    }
    let mut all = Vec::new();
    for wanted in &args.files {
        let path = from.join(wanted);
        if path.is_dir() {
            all.extend(wftest::files_below(&path));
        } else if path.is_file() {
            all.push(path);
        } else {
            let names: Vec<String> = wftest::files_below(&around(from)).iter().map(|it| shown(it, from)).collect();
            let help = match closest(&wanted.to_string_lossy(), names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "give the path of a test file, `deploy.wftest.yml`".to_owned(),
                None => format!("the test files here are: {}", names.join(", ")),
            };
            return Err(Help::error("wftest/nothing", format!("there is no file `{}`", wanted.display()), help));
        }
    }
    Ok(all)
}

/// The root of the repository around a folder.
fn around(from: &Path) -> PathBuf {
    let is_root = |it: &PathBuf| it.join(".github").is_dir() || it.join(".git").exists();
    find::above(from).find(is_root).unwrap_or_else(|| from.to_owned())
}

/// A path as one would type it in the folder `from`.
fn shown(path: &Path, from: &Path) -> String {
    let inside = path.strip_prefix(from).unwrap_or(path);
    let parts = inside.components().filter(|it| !matches!(it, Component::CurDir));
    parts.collect::<PathBuf>().display().to_string()
}

/// Returns once a file is changed, gone or new.
fn wait(args: &TestArgs, from: &Path, watched: &[PathBuf]) {
    let found = || if args.files.is_empty() { wftest::files_below(&around(from)) } else { Vec::new() };
    let state = || (found(), wftest::modified(watched));
    let before = state();
    while state() == before {
        thread::sleep(POLL);
    }
}
