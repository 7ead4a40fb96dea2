//! The runs of a repository, by their journals below `.wfrun/runs`.
use std::fs::File;
use std::io::BufReader;
use std::path::{Component, Path, PathBuf};

use wfrun_journal::{Fault, RunEventKind, RunRecord};
use wfrun_report::{JournalError, read_journal};

use crate::find;
use crate::output::Help;

/// What a run writes down below its folder.
pub(crate) const JOURNAL: &str = "journal.ndjson";
/// The word for the youngest run.
pub(crate) const LATEST: &str = "latest";

/// The journal of the run with this id, or of the youngest one.
pub(crate) fn journal_of(wanted: &str, from: &Path) -> Option<PathBuf> {
    let runs = folder(from).filter(|it| it.is_dir())?;
    if wanted == LATEST {
        let entries = std::fs::read_dir(runs).ok()?.flatten();
        let numbered = entries.filter_map(|it| Some((it.file_name().to_str()?.parse::<u64>().ok()?, it.path())));
        let journals = numbered.map(|(id, path)| (id, path.join(JOURNAL))).filter(|(_, it)| it.is_file());
        return journals.max().map(|(_, it)| it);
    }
    let mut parts = Path::new(wanted).components();
    let (Some(Component::Normal(id)), None) = (parts.next(), parts.next()) else { return None };
    Some(runs.join(id).join(JOURNAL)).filter(|it| it.is_file())
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
    let help = format!("runs are the folders of {folder}; `{LATEST}` is the youngest. {other}");
    Help::error(code, format!("there is no run `{wanted}`"), help)
}

/// Reads a journal: its fold, and the faults of wfrun itself that it tells of.
pub(crate) fn read(journal: &Path) -> anyhow::Result<(RunRecord, Vec<Fault>)> {
    let file = File::open(journal).map_err(|err| unreadable(journal, &err.to_string()))?;
    let events = read_journal(BufReader::new(file)).map_err(|err| {
        let cause = match &err {
            JournalError::Read { err, .. } => format!(": {err}"),
            JournalError::NotAnEvent { err, .. } => format!(": {err}"),
            JournalError::Schema { .. } => String::new(),
        };
        unreadable(journal, &format!("{err}{cause}"))
    })?;
    let mut record = RunRecord::default();
    let mut faults = Vec::new();
    for event in &events {
        record.apply(event);
        if let RunEventKind::Fault(it) = &event.kind {
            faults.push(it.clone());
        }
    }
    Ok((record, faults))
}

/// Says that a journal is none.
pub(crate) fn unreadable(journal: &Path, what: &str) -> anyhow::Error {
    let help = "a run's journal is `.wfrun/runs/<id>/journal.ndjson`";
    Help::error("file/run", format!("failed to read {}: {what}", journal.display()), help)
}
