//! Runs the cases of many files, side by side.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use wfrun_report::{TestCaseReport, TestFileReport};
use wfrun_syntax::{Checked, Diagnostic, Source};

use super::judge::judge;
use super::model::TestFile;
use super::read::read;
use crate::output::Output;

/// What came of test files.
#[derive(Debug)]
pub(crate) struct Tested {
    /// The files, also those that are invalid.
    pub(crate) files: Vec<TestFileReport>,
    /// What is wrong with them.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// All files that had a part in it.
    pub(crate) watched: Vec<PathBuf>,
}

/// Reads and runs test files, whose paths people see as `shown` says.
pub(crate) fn run(paths: &[PathBuf], shown: &(dyn Fn(&Path) -> String + Sync)) -> Tested {
    let results = side_by_side(paths.len(), &|index| paths.get(index).map(|it| file(it, &shown(it))));
    let mut tested = Tested { files: Vec::new(), diagnostics: Vec::new(), watched: paths.to_vec() };
    let mut read = Vec::new();
    // Where the report of each file that was read is.
    let mut places = Vec::new();
    for ((Checked { value, diagnostics }, took), path) in results.into_iter().zip(paths) {
        let errors = value.as_ref().map_or(diagnostics.as_slice(), TestFile::errors);
        let errors: Vec<Diagnostic> = errors.iter().filter(|it| it.is_error()).cloned().collect();
        tested.diagnostics.extend(value.iter().flat_map(|it| it.errors().to_vec()));
        tested.files.push(TestFileReport {
            path: shown(path),
            workflow: value.as_ref().map(|it| it.set.root.source.path().to_owned()),
            cases: Vec::new(),
            errors,
            took,
        });
        tested.diagnostics.extend(diagnostics);
        if let Some(file) = value {
            places.push(tested.files.len() - 1);
            read.push(file);
        }
    }
    let cases: Vec<(usize, usize)> =
        read.iter().enumerate().flat_map(|(file, it)| (0..it.cases.len()).map(move |case| (file, case))).collect();
    let reports = side_by_side(cases.len(), &|index| {
        let (at, case) = *cases.get(index)?;
        let file = read.get(at)?;
        let started = Instant::now();
        let case = file.cases.get(case)?;
        let failures = judge(file, case);
        Some((*places.get(at)?, TestCaseReport { name: case.name.clone(), failures, took: started.elapsed() }))
    });
    tested.watched.extend(read.iter().flat_map(|it| it.files.iter().cloned()));
    for (at, case) in reports {
        if let Some(file) = tested.files.get_mut(at) {
            file.took += case.took;
            file.cases.push(case);
        }
    }
    tested.watched.sort();
    tested.watched.dedup();
    tested
}

fn file(path: &Path, shown: &str) -> (Checked<Option<TestFile>>, Duration) {
    let started = Instant::now();
    let read = match std::fs::read_to_string(path) {
        Ok(text) => {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let source: Arc<Source> = Source::new(shown, text);
            read(&source, path, &crate::find::root_of(&absolute))
        }
        Err(err) => {
            let help = "a test file is a YAML file, UTF-8";
            let err = crate::output::Help::error("wftest/unreadable", format!("failed to read {shown}: {err}"), help);
            Checked { value: None, diagnostics: vec![Output::finding(&err)] }
        }
    };
    (read, started.elapsed())
}

/// Does all of a number of things on all processors; what comes of them stays in order.
fn side_by_side<T: Send>(count: usize, one: &(dyn Fn(usize) -> Option<T> + Sync)) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from).min(count).max(1);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return done;
            }
            done.extend(one(index).map(|it| (index, it)));
        }
    };
    let mut all: Vec<(usize, T)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        // A case must not get lost: a fault of wfrun in one ends all.
        workers.into_iter().flat_map(|it| it.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault))).collect()
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, it)| it).collect()
}
