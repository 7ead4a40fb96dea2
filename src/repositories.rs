//! Where the files of other repositories are on this machine.
use std::path::{Path, PathBuf};
use std::process::Command;

use wfrun_syntax::Source;
use wfrun_workflow::{FileRef, Loaded, RepositoryRef};

use crate::output::Help;

/// Folders that stand for repositories, and a folder of mirrored ones.
#[derive(Debug, Default)]
pub(crate) struct Repositories {
    local: Vec<LocalRepository>,
    mirror: Option<PathBuf>,
}

#[derive(Debug)]
struct LocalRepository {
    name: String,
    /// None stands for every ref.
    git_ref: Option<String>,
    folder: PathBuf,
}

impl Repositories {
    /// Reads `--local-repository OWNER/REPO[@REF]=DIR` and `--mirror DIR`; relative folders are `from`'s.
    pub(crate) fn new(local: &[String], mirror: Option<&str>, from: &Path) -> anyhow::Result<Self> {
        let local = local.iter().map(|it| local_repository(it, from)).collect::<Result<_, _>>()?;
        let mirror = mirror.map(|it| from.join(it));
        if let Some(folder) = mirror.as_ref().filter(|it| !it.is_dir()) {
            let message = format!("`--mirror {}`: there is no such folder", folder.display());
            let help = "a mirror is a folder that holds git repositories as OWNER/NAME or OWNER/NAME.git";
            return Err(Help::error("cli/mirror", message, help));
        }
        Ok(Self { local, mirror })
    }

    /// Looks for a file that a workflow in `root` names.
    pub(crate) fn load(&self, root: &Path, file: &FileRef) -> Loaded {
        let Some(repository) = &file.repository else { return read(&root.join(&file.path), &shown(root, &file.path)) };
        if let Some(folder) = self.folder(repository) {
            return read(&folder.join(&file.path), &file.to_string());
        }
        match self.mirrored(repository) {
            Some(mirrored) => from_git(&mirrored, repository, file),
            None => Loaded::Elsewhere,
        }
    }

    /// One for this very ref goes before one for all refs.
    fn folder(&self, repository: &RepositoryRef) -> Option<&Path> {
        let named = || self.local.iter().filter(|it| it.name.eq_ignore_ascii_case(&repository.name));
        let exact = named().find(|it| it.git_ref.as_deref() == Some(repository.git_ref.as_str()));
        exact.or_else(|| named().find(|it| it.git_ref.is_none())).map(|it| it.folder.as_path())
    }

    fn mirrored(&self, repository: &RepositoryRef) -> Option<PathBuf> {
        let mirror = self.mirror.as_ref()?;
        // A name must not lead out of the mirror.
        if repository.name.split('/').any(|it| it.is_empty() || it == "." || it == "..") {
            return None;
        }
        let names = [repository.name.clone(), format!("{}.git", repository.name)];
        names.into_iter().map(|it| mirror.join(it)).find(|it| it.is_dir())
    }
}

fn local_repository(text: &str, from: &Path) -> anyhow::Result<LocalRepository> {
    let wrong = |why: String| {
        let help = "write `--local-repository OWNER/REPO=DIR` or `--local-repository OWNER/REPO@REF=DIR`";
        Help::error("cli/local-repository", format!("`--local-repository {text}`: {why}"), help)
    };
    let (name, folder) = text.split_once('=').ok_or_else(|| wrong("there is no `=`".to_owned()))?;
    let (name, git_ref) = match name.split_once('@') {
        Some((name, git_ref)) => (name, Some(git_ref.to_owned())),
        None => (name, None),
    };
    if name.split('/').filter(|it| !it.is_empty()).count() != 2 {
        return Err(wrong(format!("`{name}` is no OWNER/REPO")));
    }
    let folder = from.join(folder);
    if !folder.is_dir() {
        return Err(wrong(format!("there is no folder {}", folder.display())));
    }
    Ok(LocalRepository { name: name.to_owned(), git_ref, folder })
}

/// A path in a repository as one would type it where one stands.
fn shown(root: &Path, path: &str) -> String {
    let whole = root.join(path);
    let here = std::env::current_dir().ok().and_then(|it| whole.strip_prefix(it).ok().map(Path::to_owned));
    here.unwrap_or(whole).display().to_string()
}

fn read(path: &Path, shown: &str) -> Loaded {
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Loaded::Source(Source::new(shown, text)),
        // What is there and no text is said when it is read as YAML.
        Ok(Err(err)) => Loaded::Source(Source::new(shown, String::from_utf8_lossy(err.as_bytes()))),
        Err(_) => Loaded::Missing,
    }
}

/// Takes a file of a mirrored repository at its ref.
fn from_git(folder: &Path, repository: &RepositoryRef, file: &FileRef) -> Loaded {
    let object = format!("{}:{}", repository.git_ref, file.path);
    let output = Command::new("git").arg("-C").arg(folder).args(["cat-file", "blob", &object]).output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Loaded::Source(Source::new(file.to_string(), text))
        }
        Ok(_) => Loaded::Missing,
        Err(_) => Loaded::Elsewhere,
    }
}
