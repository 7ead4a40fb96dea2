//! `wfrun why JOB`: the workflow need not be named where only one has the job.
use std::path::PathBuf;

use wfrun_workflow::{ReadOptions, read_workflow};

use crate::cli::WhyArgs;
use crate::find;
use crate::output::Help;

/// The same question with the workflow named, if what stands in its place is no workflow but a job.
///
/// A job of the same id in several workflows is an error: one of them has to be named.
pub(super) fn named(args: &WhyArgs) -> anyhow::Result<Option<WhyArgs>> {
    let job = args.situation.workflow.as_str();
    let from = find::directory(args.situation.directory.as_deref())?;
    if args.wanted.is_some() || find::path_of(job, &from).is_ok() {
        return Ok(None);
    }
    let files = find::around(&from).map(|it| find::files_in(&it)).unwrap_or_default();
    let having: Vec<PathBuf> = files.into_iter().filter(|it| has(it, job)).collect();
    let names: Vec<String> =
        having.iter().map(|it| it.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    match names.as_slice() {
        [] => Ok(None),
        [only] => {
            let mut args = args.clone();
            args.wanted = Some(std::mem::replace(&mut args.situation.workflow, only.clone()));
            Ok(Some(args))
        }
        [first, ..] => {
            let message = format!("several workflows have a job `{job}`: {}", names.join(", "));
            Err(Help::error("workflow/not-found", message, format!("name one of them: `wfrun why {first} {job}`")))
        }
    }
}

fn has(path: &std::path::Path, job: &str) -> bool {
    // Of `test (20)` and `caller / callee` the workflow has `test` and `caller`.
    let first = job.split(" / ").next().unwrap_or_default();
    let job = first.split(" (").next().unwrap_or_default();
    let read = find::read(path).map(|it| read_workflow(&it.source, ReadOptions::default()).value);
    read.is_ok_and(|it| it.job(job).is_some())
}
