//! `wfrun download`: the artifacts of a run, unpacked; in the shape of `gh run download`.
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use wfrun_services::Artifact;
use zip::ZipArchive;

use crate::cli::DownloadArgs;
use crate::exit::Exit;
use crate::find;
use crate::output::{Help, Output};
use crate::runs;

/// Unpacks what is asked for; nothing is written if a part of it is not there.
pub(crate) fn download(args: &DownloadArgs) -> anyhow::Result<Exit> {
    let from = find::directory(args.directory.as_deref())?;
    let run = run_folder(&args.run, &from)?;
    let chosen = choose(&run, &args.name)?;
    let alone = args.name.len() == 1;
    for artifact in &chosen {
        let folder = if alone { args.dir.clone() } else { args.dir.join(&artifact.name) };
        let files = unpack(artifact, &run, &folder)?;
        let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
        Output::note(&format!("{}: {files} in {}", artifact.name, folder.display()));
    }
    Ok(Exit::Success)
}

fn run_folder(wanted: &str, from: &Path) -> anyhow::Result<PathBuf> {
    let journal = runs::journal_of(wanted, from);
    let folder = journal.and_then(|it| it.parent().map(Path::to_owned));
    folder.ok_or_else(|| runs::none(wanted, "file/artifact", from))
}

/// The artifacts of these names, or all that can still be had.
fn choose(run: &Path, names: &[String]) -> anyhow::Result<Vec<Artifact>> {
    let artifacts = Artifact::of_run(run).map_err(|err| broken("the run's artifacts", &err))?;
    let now = jiff::Timestamp::now();
    let (expired, there): (Vec<_>, Vec<_>) = artifacts.into_iter().partition(|it| it.is_expired(now));
    let run = run.file_name().unwrap_or_default().to_string_lossy();
    if names.is_empty() {
        return match (there.is_empty(), expired.is_empty()) {
            (false, _) => Ok(there),
            (true, true) => {
                let help = "a job makes one with `actions/upload-artifact`";
                Err(Help::error("file/artifact", format!("run {run} has no artifacts"), help))
            }
            (true, false) => Err(gone(&format!("all artifacts of run {run} have"), &expired)),
        };
    }
    let mut chosen = Vec::new();
    for name in names {
        match there.iter().find(|it| it.name == *name) {
            Some(it) => chosen.push(it.clone()),
            None if expired.iter().any(|it| it.name == *name) => {
                return Err(gone(&format!("the artifact `{name}` has"), &expired));
            }
            None => {
                let near = wfrun_syntax::closest(name, there.iter().map(|it| it.name.as_str()));
                let names: Vec<&str> = there.iter().map(|it| it.name.as_str()).collect();
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if names.is_empty() => "it has none".to_owned(),
                    None => format!("it has: {}", names.join(", ")),
                };
                return Err(Help::error("file/artifact", format!("run {run} has no artifact `{name}`"), help));
            }
        }
    }
    Ok(chosen)
}

fn gone(what: &str, expired: &[Artifact]) -> anyhow::Error {
    let last = expired.iter().map(|it| it.expires_at).max();
    let when = last.map(|it| format!(" on {}", it.strftime("%F"))).unwrap_or_default();
    let help = "`retention-days` of `actions/upload-artifact` says how long one is kept";
    Help::error("file/artifact", format!("{what} expired{when}"), help)
}

/// Gives back how many files were written.
fn unpack(artifact: &Artifact, run: &Path, folder: &Path) -> anyhow::Result<usize> {
    let name = &artifact.name;
    let failed = |err: &dyn std::fmt::Display| broken(&format!("the artifact `{name}`"), err);
    if !artifact.is_intact(run).map_err(|err| failed(&err))? {
        return Err(failed(&"it is not what was uploaded: its digest is another"));
    }
    let mut content = File::open(artifact.content(run)).map_err(|err| failed(&err))?;
    if !artifact.is_archive() {
        // The service takes no name that is not one of a file.
        write(&mut content, &folder.join(name), false).map_err(|err| not_written(&folder.join(name), &err))?;
        return Ok(1);
    }
    let mut archive = ZipArchive::new(content).map_err(|err| failed(&err))?;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|err| failed(&err))?;
        let Some(relative) = entry.enclosed_name() else {
            return Err(failed(&"one of its files leads out of the folder"));
        };
        if !entry.is_dir() {
            files.push((index, folder.join(relative), entry.unix_mode().is_some_and(|it| it & 0o111 != 0)));
        }
    }
    // Before the first is written, so that a second download leaves no half of itself.
    if let Some((_, there, _)) = files.iter().find(|(_, path, _)| path.symlink_metadata().is_ok()) {
        return Err(not_written(there, &io::ErrorKind::AlreadyExists.into()));
    }
    for (index, path, is_executable) in &files {
        let mut entry = archive.by_index(*index).map_err(|err| failed(&err))?;
        write(&mut entry, path, *is_executable).map_err(|err| not_written(path, &err))?;
    }
    Ok(files.len())
}

/// Writes a new file, readable for all; whether it can be run is all that is left of its mode, as with `gh`.
fn write(from: &mut impl io::Read, path: &Path, is_executable: bool) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mode = if is_executable { 0o755 } else { 0o644 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    io::copy(from, &mut file).map(drop)
}

fn broken(what: &str, err: &dyn std::fmt::Display) -> anyhow::Error {
    let help = "was something in `.wfrun/runs` changed by hand, or by another program?";
    Help::error("file/artifact", format!("failed to read {what}: {err}"), help)
}

fn not_written(path: &Path, err: &io::Error) -> anyhow::Error {
    let path = path.display();
    if err.kind() == io::ErrorKind::AlreadyExists {
        return Help::error("file/artifact", format!("{path} is there already"), "name another folder with `-D`");
    }
    Help::error(
        "file/artifact",
        format!("failed to write {path}: {err}"),
        "name a folder that can be written with `-D`",
    )
}
