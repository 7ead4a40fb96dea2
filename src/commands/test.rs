//! `wfrun test`: unit tests of workflows.
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

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
    if !args.watch {
        return once(args, &from, output).map(|(exit, _)| exit);
    }
    let mut watched = Vec::new();
    loop {
        // A change while the tests run must not get lost.
        let mut before = state(args, &from, &watched);
        match once(args, &from, output) {
            Ok((_, files)) => watched = files,
            Err(err) => output.error(&err),
        }
        let new = state(args, &from, &watched).into_iter().filter(|(path, _)| !before.iter().any(|it| it.0 == *path));
        before.extend(new.collect::<Vec<_>>());
        before.sort();
        Output::note("\nwaiting for a change; Ctrl-C ends");
        while state(args, &from, &watched) == before {
            thread::sleep(POLL);
        }
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
        let root = find::root_around(from);
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
            let names: Vec<String> =
                wftest::files_below(&find::root_around(from)).iter().map(|it| shown(it, from)).collect();
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

/// A path as one would type it in the folder `from`.
fn shown(path: &Path, from: &Path) -> String {
    let inside = path.strip_prefix(from).unwrap_or(path);
    let parts = inside.components().filter(|it| !matches!(it, Component::CurDir));
    parts.collect::<PathBuf>().display().to_string()
}

/// The files that have a part in it, and when each was changed last.
fn state(args: &TestArgs, from: &Path, watched: &[PathBuf]) -> Vec<(PathBuf, Option<SystemTime>)> {
    let root = find::root_around(from);
    // A file that is invalid does not say which workflow it is about.
    let mut files = find::files_in(&root.join(".github/workflows"));
    files.extend(paths(args, from).unwrap_or_else(|_| args.files.iter().map(|it| from.join(it)).collect()));
    files.extend(watched.iter().cloned());
    files.sort();
    files.dedup();
    let modified = |it: &PathBuf| std::fs::metadata(it).and_then(|it| it.modified()).ok();
    files.into_iter().map(|it| (it.clone(), modified(&it))).collect()
}
