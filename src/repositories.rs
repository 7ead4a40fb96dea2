//! Where the files of other repositories are on this machine.
use std::path::Path;
use std::sync::Arc;

use wfrun_runner::{LocalRepository, Mirror, Vendored, commit_of};
use wfrun_syntax::Source;
use wfrun_workflow::{FileRef, Loaded, RepositoryRef};

use crate::output::Help;
use crate::vendored;

/// Folders that stand for repositories, and a folder of mirrored ones.
#[derive(Debug, Default)]
pub(crate) struct Repositories {
    pub(crate) local: Vec<LocalRepository>,
    /// What was vendored; a mirror that has a lock is one, too.
    pub(crate) vendored: Option<Arc<Vendored>>,
    pub(crate) mirror: Option<Mirror>,
}

impl Repositories {
    /// Reads `--local-repository OWNER/REPO[@REF]=DIR` and `--mirror URL_OR_DIR`; relative folders are `from`'s.
    pub(crate) fn new(local: &[String], mirror: Option<&str>, from: &Path) -> anyhow::Result<Self> {
        let local = local.iter().map(|it| local_repository(it, from)).collect::<Result<_, _>>()?;
        let mirror = mirror.map(|it| Mirror::read(it, from).map_err(|err| (it, err))).transpose();
        let mirror = mirror.map_err(|(text, err)| {
            let help = "a mirror is a folder that holds git repositories as OWNER/NAME or OWNER/NAME.git, or the URL of a \
                        server that does";
            Help::error("cli/mirror", format!("`--mirror {text}`: {err}"), help)
        })?;
        match mirror {
            Some(Mirror::Folder(folder)) if Vendored::is_at(&folder) => {
                Ok(Self { local, vendored: Some(vendored::open(&folder)?), mirror: None })
            }
            mirror => Ok(Self { local, vendored: None, mirror }),
        }
    }

    /// Looks for a file that a workflow in `root` names.
    pub(crate) fn load(&self, root: &Path, file: &FileRef) -> Loaded {
        let Some(repository) = &file.repository else { return read(&root.join(&file.path), &shown(root, &file.path)) };
        if let Some(folder) = LocalRepository::find(&self.local, &repository.name, &repository.git_ref) {
            return read(&folder.join(&file.path), &file.to_string());
        }
        if let Some(content) =
            self.vendored.as_ref().and_then(|it| it.repository(&repository.name, &repository.git_ref))
        {
            let text = content.text(&file.path);
            return text.map_or(Loaded::Missing, |it| Loaded::Source(Source::new(file.to_string(), it)));
        }
        match &self.mirror {
            Some(mirror) => from_mirror(mirror, repository, file),
            None => Loaded::Elsewhere,
        }
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
    let name = without_host(name);
    if name.split('/').filter(|it| !it.is_empty()).count() != 2 {
        return Err(wrong(format!("`{name}` is no OWNER/REPO")));
    }
    let folder = from.join(folder);
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    if !folder.is_dir() {
        return Err(wrong(format!("there is no folder {}", folder.display())));
    }
    Ok(LocalRepository { name: name.to_owned(), git_ref, folder })
}

/// `OWNER/REPO`, also where it is written with its server, as act takes it: `https://github.com/OWNER/REPO`.
fn without_host(name: &str) -> &str {
    let behind = ["https://", "http://"].iter().find_map(|it| name.strip_prefix(it)?.split_once('/'));
    behind.map_or(name, |(_, name)| name.strip_suffix(".git").unwrap_or(name))
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
fn from_mirror(mirror: &Mirror, repository: &RepositoryRef, file: &FileRef) -> Loaded {
    let Some(git) = mirror.repository(&repository.name) else { return Loaded::Elsewhere };
    let Ok(commit) = commit_of(&git, &repository.git_ref) else { return Loaded::Missing };
    match git.ask(&["cat-file", "blob", &format!("{commit}:{}", file.path)]) {
        Ok(text) => Loaded::Source(Source::new(file.to_string(), text + "\n")),
        Err(_) => Loaded::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_may_be_named_with_its_server() {
        let here = Path::new("/");
        for (text, expected) in [
            ("o/r=.", Some(("o/r", None))),
            ("o/r@v1=.", Some(("o/r", Some("v1")))),
            ("https://github.com/o/r@v1=.", Some(("o/r", Some("v1")))),
            ("https://ghe.lan/o/r.git=.", Some(("o/r", None))),
            ("https://github.com/o=.", None),
            ("o=.", None),
        ] {
            let found = local_repository(text, here).ok();
            assert_eq!(found.as_ref().map(|it| (it.name.as_str(), it.git_ref.as_deref())), expected, "{text}");
        }
    }
}
