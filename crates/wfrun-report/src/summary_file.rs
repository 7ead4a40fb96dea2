use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use wfrun_journal::{RunEvent, RunEventKind, RunRecord, Sink, SinkError, StepSummary};
use wfrun_plan::JobKey;

/// Keeps the summaries of a run's steps as one Markdown file, those of a job below its name, as on a run's page.
///
/// There is no file until a step has written a summary.
#[derive(Debug)]
pub struct SummaryFile {
    path: PathBuf,
    file: Option<File>,
    job: Option<JobKey>,
}

impl SummaryFile {
    /// Will write to `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, job: None }
    }

    fn write(&mut self, it: &StepSummary, so_far: &RunRecord) -> io::Result<()> {
        let Self { path, file, job } = self;
        let file = match file {
            Some(file) => file,
            None => file.insert(File::create(path)?),
        };
        let mut text = String::new();
        if job.as_ref() == Some(&it.job) {
            text.push('\n');
        } else {
            let name = so_far.jobs.get(&it.job).map_or(it.job.as_str(), |it| it.name.as_str());
            text = format!("{}## {name} summary\n\n", if job.is_some() { "\n" } else { "" });
            *job = Some(it.job.clone());
        }
        text.push_str(it.text.as_str().trim_end());
        text.push('\n');
        file.write_all(text.as_bytes())
    }
}

impl Sink for SummaryFile {
    fn accept(&mut self, event: &RunEvent, so_far: &RunRecord) -> Result<(), SinkError> {
        let RunEventKind::StepSummary(it) = &event.kind else { return Ok(()) };
        self.write(it, so_far).map_err(|err| SinkError { path: Some(self.path.clone()), err })
    }
}
