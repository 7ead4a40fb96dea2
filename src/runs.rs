//! The runs of a repository, by their journals below `.wfrun/runs`.
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use wfrun_journal::{Fault, JobRun, RunEvent, RunEventKind, RunRecord};
use wfrun_plan::{JobKey, PlanError};
use wfrun_report::{JournalError, JournalReader};

use crate::find;
use crate::output::Help;

/// What a run writes down below its folder.
pub(crate) const JOURNAL: &str = "journal.ndjson";
/// The word for the youngest run.
pub(crate) const LATEST: &str = "latest";

/// The journal of the run with this id, or of the youngest one.
pub(crate) fn journal_of(wanted: &str, from: &Path) -> Option<PathBuf> {
    if wanted == LATEST {
        return all(from).into_iter().next();
    }
    let runs = folder(from).filter(|it| it.is_dir())?;
    let mut parts = Path::new(wanted).components();
    let (Some(Component::Normal(id)), None) = (parts.next(), parts.next()) else { return None };
    Some(runs.join(id).join(JOURNAL)).filter(|it| it.is_file())
}

/// The journals of all runs of the repository around a folder, the youngest first.
pub(crate) fn all(from: &Path) -> Vec<PathBuf> {
    let entries = folder(from).and_then(|it| std::fs::read_dir(it).ok()).into_iter().flatten().flatten();
    let numbered = entries.filter_map(|it| Some((it.file_name().to_str()?.parse::<u64>().ok()?, it.path())));
    let journals = numbered.map(|(id, path)| (id, path.join(JOURNAL))).filter(|(_, it)| it.is_file());
    let mut all: Vec<_> = journals.collect();
    all.sort_by(|a, b| b.cmp(a));
    all.into_iter().map(|(_, it)| it).collect()
}

/// The journal that a person names: a run as [`journal_of`] finds it, the file itself, or its folder.
pub(crate) fn find(wanted: &str, from: &Path) -> Option<PathBuf> {
    let direct = from.join(wanted);
    let in_folder = direct.join(JOURNAL);
    if direct.is_file() && direct.extension().is_some_and(|it| it == "ndjson") {
        return Some(direct);
    }
    if direct.is_dir() && in_folder.is_file() {
        return Some(in_folder);
    }
    journal_of(wanted, from)
}

/// Where the repository around a folder keeps its runs; it may not be there yet.
fn folder(from: &Path) -> Option<PathBuf> {
    let root = find::above(from).find(|it| it.join(".github").is_dir() || it.join(".wfrun/runs").is_dir())?;
    Some(root.join(".wfrun/runs"))
}

/// The same as a person can look for it from anywhere.
fn shown(folder: &Path, from: &Path) -> String {
    let root = folder.ancestors().nth(2).unwrap_or(from);
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    root.join(".wfrun/runs").display().to_string()
}

/// Why there is no run at all, with the folder in which they would be; nothing where there is one.
pub(crate) fn why_none(from: &Path) -> Option<String> {
    if journal_of(LATEST, from).is_some() {
        return None;
    }
    let Some(folder) = folder(from) else {
        let from = from.canonicalize().unwrap_or_else(|_| from.to_owned());
        return Some(format!("there is no repository with runs: no `.github` in {} or above", from.display()));
    };
    Some(format!("there is no run in {} yet", shown(&folder, from)))
}

/// Says that a run is not there, and where it was looked for.
pub(crate) fn none(wanted: &str, code: &'static str, from: &Path) -> anyhow::Error {
    let other = "`-C` names another repository";
    if let Some(why) = why_none(from) {
        return Help::error(code, why, format!("`wfrun run` makes one, or {other}"));
    }
    let folder = folder(from).map(|it| shown(&it, from)).unwrap_or_default();
    let help = format!("`wfrun runs` lists those of {folder}; `{LATEST}` is the youngest. {other}");
    Help::error(code, format!("there is no run `{wanted}`"), help)
}

/// Reads a journal event by event.
pub(crate) fn events(journal: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<RunEvent>>> {
    let file = File::open(journal).map_err(|err| unreadable(journal, &err.to_string()))?;
    let journal = journal.to_owned();
    Ok(JournalReader::new(BufReader::new(file)).map(move |it| it.map_err(|err| broken(&journal, &err))))
}

/// Reads a journal: its fold, and the faults of wfrun itself that it tells of.
pub(crate) fn read(journal: &Path) -> anyhow::Result<(RunRecord, Vec<Fault>)> {
    let mut record = RunRecord::default();
    let mut faults = Vec::new();
    for event in events(journal)? {
        let event = event?;
        record.apply(&event);
        if let RunEventKind::Fault(it) = event.kind {
            faults.push(it);
        }
    }
    Ok((record, faults))
}

/// What the first and the last events of a journal say, however long it is: which run it is of, and how it ended.
pub(crate) fn ends(journal: &Path) -> anyhow::Result<RunRecord> {
    /// More than the last event of any run takes.
    const TAIL: u64 = 256 * 1024;
    let failed = |err: std::io::Error| unreadable(journal, &err.to_string());
    let mut file = BufReader::new(File::open(journal).map_err(failed)?);
    let mut first = Vec::new();
    file.read_until(b'\n', &mut first).map_err(failed)?;
    let (begin, length) = (first.len() as u64, file.get_ref().metadata().map_err(failed)?.len());
    let from = length.saturating_sub(TAIL).max(begin);
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    if from > begin {
        // Most likely in the middle of a line.
        file.skip_until(b'\n').map_err(failed)?;
    }
    let mut record = RunRecord::default();
    for event in JournalReader::new(first.chain(file)) {
        record.apply(&event.map_err(|err| broken(journal, &err))?);
    }
    Ok(record)
}

fn broken(journal: &Path, err: &JournalError) -> anyhow::Error {
    let cause = match err {
        JournalError::Read { err, .. } => format!(": {err}"),
        JournalError::NotAnEvent { err, .. } => format!(": {err}"),
        JournalError::Schema { .. } => String::new(),
    };
    unreadable(journal, &format!("{err}{cause}"))
}

/// The jobs that a person asks for by key, id or name, in any case.
pub(crate) fn jobs_of<'r>(record: &'r RunRecord, asked: &str) -> anyhow::Result<Vec<(&'r JobKey, &'r JobRun)>> {
    let is = |it: &str| it.eq_ignore_ascii_case(asked);
    let jobs: Vec<_> = record.jobs.iter().filter(|(key, _)| is(key.as_str())).collect();
    if !jobs.is_empty() {
        return Ok(jobs);
    }
    let jobs: Vec<_> = record.jobs.iter().filter(|(_, job)| is(&job.id) || is(&job.name)).collect();
    if !jobs.is_empty() {
        return Ok(jobs);
    }
    let jobs = record.jobs.keys().map(ToString::to_string).collect();
    Err(crate::commands::plan_error(&PlanError::UnknownJob { id: asked.to_owned(), jobs }))
}

/// Says that a journal is none.
pub(crate) fn unreadable(journal: &Path, what: &str) -> anyhow::Error {
    let help = "a run's journal is `.wfrun/runs/<id>/journal.ndjson`";
    Help::error("file/run", format!("failed to read {}: {what}", journal.display()), help)
}
