//! Finds the workflow file and the repository around it.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wfrun_syntax::{Source, closest};

use crate::output::Help;

/// A workflow file and its repository.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The file, with its path relative to the root.
    pub(crate) source: Arc<Source>,
    /// The folder that holds `.github/`; without one, the folder of the file.
    pub(crate) root: PathBuf,
}

/// Where a repository has its workflows.
pub(crate) const WORKFLOWS: &str = ".github/workflows";

/// Finds `wanted`: a path, or the name of a file or of a workflow below `.github/workflows` of the repository around `from`.
pub(crate) fn workflow(wanted: &str, from: &Path) -> anyhow::Result<Found> {
    read(&path_of(wanted, from)?)
}

/// The folder that `-C` names, or the one wfrun was started in.
pub(crate) fn directory(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let from = given.unwrap_or(Path::new("."));
    if from.is_dir() {
        return Ok(from.to_owned());
    }
    let help = "give a folder that is there";
    Err(Help::error("cli/directory", format!("there is no folder {}", from.display()), help))
}

/// Finds the path of a workflow as [`workflow`] does.
pub(crate) fn path_of(wanted: &str, from: &Path) -> anyhow::Result<PathBuf> {
    let from = &directory(Some(from))?;
    let direct = from.join(wanted);
    if direct.is_dir() {
        let help = "name a workflow file in it";
        return Err(Help::error("workflow/not-a-file", format!("`{wanted}` is a folder"), help));
    }
    if direct.is_file() {
        return Ok(direct);
    }
    let Some(folder) = around(from) else {
        let help = format!("there is no `{WORKFLOWS}` here or above: give a path, or a folder with `-C`");
        return Err(Help::error("workflow/not-found", format!("there is no workflow `{wanted}`"), help));
    };
    let files = files_in(&folder);
    let named = files.iter().find(|it| {
        let name = it.file_name().unwrap_or_default().to_string_lossy();
        name == wanted || name.rsplit_once('.').is_some_and(|(stem, _)| stem == wanted)
    });
    if let Some(path) = named.or_else(|| files.iter().find(|it| title(it).as_deref() == Some(wanted))) {
        return Ok(path.clone());
    }
    let names: Vec<String> =
        files.iter().map(|it| it.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    let help = match closest(wanted, names.iter().map(String::as_str)) {
        Some(it) => format!("did you mean `{it}`?"),
        None if names.is_empty() => format!("{} is empty", folder.display()),
        None => format!("the workflows here are: {}", names.join(", ")),
    };
    Err(Help::error("workflow/not-found", format!("there is no workflow `{wanted}`"), help))
}

/// Reads a workflow file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Found> {
    let text = text_of(path)?;
    let path = std::path::absolute(path)?;
    let root = root_of(&path);
    let shown = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
    Ok(Found { source: Source::new(shown, text), root })
}

/// The text of a workflow or action file.
pub(crate) fn text_of(path: &Path) -> anyhow::Result<String> {
    let failed = |err: &std::io::Error| {
        let help = "a workflow is a YAML file, UTF-8";
        Help::error("workflow/unreadable", format!("failed to read {}: {err}", path.display()), help)
    };
    let bytes = std::fs::read(path).map_err(|err| failed(&err))?;
    String::from_utf8(bytes)
        .map_err(|err| failed(&std::io::Error::new(std::io::ErrorKind::InvalidData, err.utf8_error())))
}

/// The root of the repository of an absolute path: the nearest folder with `.github/`, else the file's own.
pub(crate) fn root_of(path: &Path) -> PathBuf {
    let root = path.ancestors().skip(1).find(|it| it.join(".github").is_dir());
    root.or(path.parent()).unwrap_or(Path::new("/")).to_owned()
}

/// The root of the repository around a folder, written relative to it.
pub(crate) fn root_around(from: &Path) -> PathBuf {
    let is_root = |it: &PathBuf| it.join(".github").is_dir() || it.join(".git").exists();
    above(from).find(is_root).unwrap_or_else(|| from.to_owned())
}

/// The workflows folder of the repository around `from`.
pub(crate) fn around(from: &Path) -> Option<PathBuf> {
    above(from).map(|it| it.join(WORKFLOWS)).find(|it| it.is_dir())
}

/// A folder and those above it, written relative to it.
pub(crate) fn above(from: &Path) -> impl Iterator<Item = PathBuf> {
    let depth = std::path::absolute(from).map_or(1, |it| it.ancestors().count());
    (0..depth).map(move |up| vec![".."; up].iter().fold(from.to_owned(), |it, part| it.join(part)))
}

/// The YAML files of a folder, in order of their names.
pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path());
    let is_yaml = |it: &PathBuf| it.extension().is_some_and(|it| it == "yml" || it == "yaml");
    let mut files: Vec<_> = entries.filter(is_yaml).collect();
    files.sort();
    files
}

/// The `name:` of a workflow file.
fn title(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let source = Source::new(path.display().to_string(), text);
    wfrun_syntax::parse(&source).value?.as_mapping()?.get("name")?.scalar_text()
}
