use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use wfrun_agent::standins;
use wfrun_workflow::ActionRef;

use super::content::{Content, Origin};
use super::error::Place;
use super::refs::is_full_id;
use super::remote::{self, RemoteError};
use super::store::{Store, StoreError};
use super::{ActionError, RefError, commit_of};
use crate::Git;
use crate::vendor::Vendored;

/// Where actions may come from, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionMode {
    /// Folders, what is vendored, mirror, stand-ins, store, network.
    Auto,
    /// The same without stand-ins.
    Real,
    /// Stand-ins only.
    Builtin,
}

/// What finding actions needs to know. All paths are absolute.
#[derive(Debug, Clone)]
pub struct ActionSettings {
    /// The order.
    pub mode: ActionMode,
    /// Folders that stand for repositories.
    pub local: Vec<LocalRepository>,
    /// A folder of what was vendored; its files are as its lock says.
    pub vendored: Option<Arc<Vendored>>,
    /// Where else repositories are.
    pub mirror: Option<Mirror>,
    /// Where what was fetched is kept.
    pub store: PathBuf,
    /// Whether nothing may be fetched from a network.
    pub offline: bool,
    /// Whether servers are asked what branches and tags name now, though an earlier run has asked; not while `offline`.
    pub refresh: bool,
    /// The file of certificates by which git trusts servers, where it is not git's own.
    pub certificates: Option<PathBuf>,
}

/// A folder that stands for a repository: `--local-repository`.
#[derive(Debug, Clone)]
pub struct LocalRepository {
    /// `owner/name`
    pub name: String,
    /// For which ref; none stands for every one.
    pub git_ref: Option<String>,
    /// Where it is.
    pub folder: PathBuf,
}

impl LocalRepository {
    /// The folder for a repository at a ref: one for this very ref goes before one for all.
    pub fn find<'a>(all: &'a [Self], name: &str, git_ref: &str) -> Option<&'a Path> {
        let named = || all.iter().filter(|it| it.name.eq_ignore_ascii_case(name));
        let exact = named().find(|it| it.git_ref.as_deref() == Some(git_ref));
        exact.or_else(|| named().find(|it| it.git_ref.is_none())).map(|it| it.folder.as_path())
    }
}

/// Where repositories are besides github.com.
#[derive(Debug, Clone)]
pub enum Mirror {
    /// A folder that holds them as `OWNER/NAME` or `OWNER/NAME.git`, bare or not.
    Folder(PathBuf),
    /// A git server that has them below this URL; without a slash at its end.
    Server(String),
}

/// A mirror is not there.
#[derive(Debug, Error)]
#[error("there is no folder {}", .0.display())]
pub struct MirrorError(PathBuf);

impl Mirror {
    /// Reads a folder's path, relative to `from`, or a URL.
    pub fn read(text: &str, from: &Path) -> Result<Self, MirrorError> {
        if text.contains("://") {
            return Ok(Self::Server(text.trim_end_matches('/').to_owned()));
        }
        let folder = from.join(text);
        match std::path::absolute(&folder) {
            Ok(folder) if folder.is_dir() => Ok(Self::Folder(folder)),
            Ok(_) | Err(_) => Err(MirrorError(folder)),
        }
    }

    /// The repository `owner/name` of a folder, asked without anything that it or this machine configures.
    pub fn repository(&self, name: &str) -> Option<Git> {
        let Self::Folder(root) = self else { return None };
        let (owner, name) = name.split_once('/').filter(|(owner, name)| is_part(owner) && is_part(name))?;
        let folder = entry(root, &[owner]).into_iter().find_map(|owner| {
            entry(&owner, &[name, &format!("{name}.git")]).into_iter().find_map(|it| git_dir(&it).map(|git| (it, git)))
        });
        let (folder, git_dir) = folder?;
        // Commits are what their ids say: nothing takes their place, and nothing missing is fetched.
        let git = Git::at(folder).with_env("GIT_DIR", git_dir.display().to_string());
        Some(git.with_env("GIT_NO_REPLACE_OBJECTS", "1").with_env("GIT_NO_LAZY_FETCH", "1"))
    }

    /// Whether asking it means to use a network.
    pub(super) fn is_network(&self) -> bool {
        matches!(self, Self::Server(url) if !url.starts_with("file://"))
    }
}

fn is_part(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains('/')
}

/// What a folder has of these names: as written first, then whatever the case.
fn entry(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    let exact: Vec<PathBuf> = names.iter().map(|it| folder.join(it)).filter(|it| it.is_dir()).collect();
    let mut alike: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|it| it.file_name().to_str().is_some_and(|it| names.iter().any(|name| name.eq_ignore_ascii_case(it))))
        .map(|it| it.path())
        .filter(|it| it.is_dir() && !exact.contains(it))
        .collect();
    alike.sort();
    exact.into_iter().chain(alike).collect()
}

/// The repository in a folder: not one that is around it.
fn git_dir(folder: &Path) -> Option<PathBuf> {
    if folder.join("objects").is_dir() && folder.join("HEAD").is_file() {
        return Some(folder.to_owned());
    }
    let inner = folder.join(".git");
    inner.exists().then_some(inner)
}

/// Source: `GITHUB_SERVER_URL` of github.com.
pub(super) const GITHUB: &str = "https://github.com";

/// Finds actions; the same one twice gives the same answer, also when a branch moves meanwhile.
#[derive(Debug, Clone)]
pub struct Actions {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: ActionSettings,
    pub(super) store: Store,
    /// By repository in small letters, and ref.
    known: Mutex<HashMap<(String, String), Arc<Content>>>,
    /// `owner/repo@ref` of what people were told of.
    told: Mutex<HashSet<String>>,
}

/// Where an action is.
#[derive(Debug, Clone)]
pub(super) enum Whereabouts {
    StandIn,
    Content(Arc<Content>),
}

impl Actions {
    /// Makes a finder.
    pub fn new(settings: ActionSettings) -> Self {
        let store = Store::at(settings.store.clone());
        Self { shared: Arc::new(Shared { settings, store, known: Mutex::default(), told: Mutex::default() }) }
    }

    /// A repository that is on this machine anyway, with git in it: a local one, or one of a mirror's folder.
    pub fn here(&self, name: &str) -> Option<Git> {
        let ActionSettings { local, mirror, .. } = &self.shared.settings;
        let folder = local.iter().find(|it| it.name.eq_ignore_ascii_case(name)).map(|it| it.folder.as_path());
        let own = folder.filter(|it| git_dir(it).is_some()).map(Git::at);
        own.or_else(|| mirror.as_ref()?.repository(name))
    }

    pub(super) fn told(&self) -> MutexGuard<'_, HashSet<String>> {
        self.shared.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds a repository that is no action's, as for a called workflow: no stand-in takes its place.
    ///
    /// None where nobody who was asked has it, and where stand-ins only are wanted.
    pub fn repository(&self, name: &str, git_ref: &str) -> Result<Option<Arc<Content>>, ActionError> {
        let (owner, repo) = name.split_once('/').unwrap_or((name, ""));
        let [owner, repo, git_ref] = [owner, repo, git_ref].map(str::to_owned);
        // No stand-in has such a path.
        let anything = ActionRef { owner, repo, path: ".github".to_owned(), git_ref, said_tag: None };
        match self.locate(&anything) {
            Ok(Whereabouts::Content(content)) => Ok(Some(content)),
            Ok(Whereabouts::StandIn) | Err(ActionError::NotFound { .. }) => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// Finds the repository of an action, and has its files written where they are not yet.
    pub(super) fn locate(&self, action: &ActionRef) -> Result<Whereabouts, ActionError> {
        let key = (action.repository().to_lowercase(), action.git_ref.clone());
        // Held all the while: what two jobs want is fetched once.
        let mut known = self.shared.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = known.get(&key) {
            return Ok(Whereabouts::Content(Arc::clone(content)));
        }
        let found = self.shared.look(action)?;
        if let Whereabouts::Content(content) = &found {
            known.insert(key, Arc::clone(content));
        }
        Ok(found)
    }
}

impl Shared {
    fn look(&self, action: &ActionRef) -> Result<Whereabouts, ActionError> {
        let ActionSettings { mode, local, vendored, mirror, store: _, offline, refresh: _, certificates: _ } =
            &self.settings;
        let mut asked = Vec::new();
        let not_found = |asked| ActionError::NotFound { action: Box::new(action.clone()), asked };
        let is_named = is_part(&action.owner) && is_part(&action.repo);
        if *mode != ActionMode::Builtin && is_named {
            if let Some(folder) = LocalRepository::find(local, &action.repository(), &action.git_ref) {
                return Ok(whole_folder(folder));
            }
            if !local.is_empty() {
                asked.push(Place::Folders);
            }
            if let Some(vendored) = vendored {
                if let Some(content) = self.vendored(vendored, action)? {
                    return Ok(content);
                }
                asked.push(Place::Vendored(vendored.folder.clone()));
            }
            if let Some(mirror) = mirror {
                if let Some(content) = self.mirrored(mirror, action)? {
                    return Ok(content);
                }
                asked.push(Place::Mirror(mirror.to_string()));
            }
        }
        if *mode != ActionMode::Real {
            if standins::find(&action.with_path()).is_some() {
                return Ok(Whereabouts::StandIn);
            }
            asked.push(Place::Builtin);
        }
        if *mode == ActionMode::Builtin || !is_named {
            return Err(not_found(asked));
        }
        if let Some(content) = self.remembered(GITHUB, action) {
            return Ok(content);
        }
        asked.push(Place::Store);
        if !*offline {
            if let Some(content) = self.fetched(GITHUB, action)? {
                return Ok(content);
            }
            asked.push(Place::Network);
        }
        Err(not_found(asked))
    }

    /// What was vendored. A mirror on this machine that says otherwise of the ref is heard.
    fn vendored(&self, vendored: &Vendored, action: &ActionRef) -> Result<Option<Whereabouts>, ActionError> {
        let Some(content) = vendored.repository(&action.repository(), &action.git_ref) else { return Ok(None) };
        // Who refreshes looks at what has moved for himself.
        let mirror = self.settings.mirror.as_ref().filter(|_| !self.settings.refresh);
        let mirrored = mirror.and_then(|it| it.repository(&action.repository()));
        let now = mirrored.as_ref().and_then(|it| Some((it, commit_of(it, &action.git_ref).ok()?)));
        if let (Some(locked), Some((git, now))) = (&content.commit, now)
            && *locked != now
        {
            let (action, at) = (Box::new(action.clone()), git.folder().display().to_string());
            return Err(ActionError::Moved { action, locked: locked.clone(), now, at });
        }
        Ok(Some(Whereabouts::Content(Arc::new(content))))
    }

    fn mirrored(&self, mirror: &Mirror, action: &ActionRef) -> Result<Option<Whereabouts>, ActionError> {
        match mirror {
            Mirror::Folder(_) => {
                let Some(git) = mirror.repository(&action.repository()) else { return Ok(None) };
                let at = git.folder().display().to_string();
                let commit = commit_of(&git, &action.git_ref).map_err(|reason| version(action, reason, at))?;
                let kept = self.store.keep(&git, &action.repository(), &commit);
                let folder = kept.map_err(|err| store_error(action, err))?;
                Ok(Some(content(folder, commit, Origin::Mirror(git.folder().to_owned()))))
            }
            Mirror::Server(url) => match self.remembered(url, action) {
                Some(content) => Ok(Some(content)),
                None if self.settings.offline && mirror.is_network() => Ok(None),
                None => self.fetched(url, action),
            },
        }
    }

    /// What was fetched from a server before.
    fn remembered(&self, server: &str, action: &ActionRef) -> Option<Whereabouts> {
        let repository = action.repository();
        let ActionSettings { refresh, offline, .. } = &self.settings;
        if *refresh && !*offline && !is_full_id(&action.git_ref) {
            return None;
        }
        let commit = self.store.remembered(server, &repository, &action.git_ref)?;
        let folder = self.store.kept(&repository, &commit)?;
        Some(content(folder, commit, Origin::Kept(format!("{server}/{repository}"))))
    }

    fn fetched(&self, server: &str, action: &ActionRef) -> Result<Option<Whereabouts>, ActionError> {
        let repository = action.repository();
        let certificates = self.settings.certificates.as_deref();
        let answer =
            remote::fetch(server, &repository, &action.git_ref, &self.store, certificates).map_err(
                |err| match err {
                    RemoteError::Git(err) => ActionError::Fetch { action: Box::new(action.clone()), err },
                    RemoteError::Store(err) => store_error(action, err),
                },
            )?;
        match answer {
            remote::Answer::Commit(commit) => {
                let remembered = self.store.remember(server, &repository, &action.git_ref, &commit);
                remembered.map_err(|err| store_error(action, err))?;
                let folder = self.store.kept(&repository, &commit);
                Ok(folder.map(|it| content(it, commit, Origin::Server(format!("{server}/{repository}")))))
            }
            remote::Answer::NoRepository => Ok(None),
            remote::Answer::NoRef(reason) => Err(version(action, reason, format!("{server}/{repository}"))),
        }
    }
}

impl std::fmt::Display for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Server(url) => f.write_str(url),
        }
    }
}

fn whole_folder(folder: &Path) -> Whereabouts {
    let origin = Origin::Folder(folder.to_owned());
    Whereabouts::Content(Arc::new(Content { folder: folder.to_owned(), commit: None, origin }))
}

fn content(folder: PathBuf, commit: String, origin: Origin) -> Whereabouts {
    Whereabouts::Content(Arc::new(Content { folder, commit: Some(commit), origin }))
}

fn version(action: &ActionRef, reason: RefError, at: String) -> ActionError {
    ActionError::Version { action: Box::new(action.clone()), reason, at }
}

pub(super) fn store_error(action: &ActionRef, err: StoreError) -> ActionError {
    let action = Box::new(action.clone());
    match err {
        StoreError::Git(err) => ActionError::Files { action, err },
        StoreError::Write(path, err) => ActionError::Store { action, path, err },
    }
}
