//! Where a scripted run finds actions and files: in the case's own folder, as wfrun itself looks for them.
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_backend::chain;
use wfrun_engine::{FoundAction, ResolvedAction};
use wfrun_journal::How;
use wfrun_plan::JobKey;
use wfrun_runner::{ActionMode, ActionSettings, Actions};
use wfrun_syntax::Source;
use wfrun_workflow::{Action, ActionRef, RunsKind, StepKind, UsesTarget, lower_action};

use super::case::Case;
use super::place::{WORK, WORKSPACE};

/// Where things are found.
pub(super) struct Found<'a> {
    case: &'a Case,
    finder: Actions,
    /// A workspace before anything is checked out.
    empty: tempfile::TempDir,
    /// The jobs whose workspace has the repository.
    checked_out: RefCell<HashSet<JobKey>>,
}

impl<'a> Found<'a> {
    pub(super) fn new(case: &'a Case) -> Result<Self, String> {
        let empty = tempfile::tempdir().map_err(|err| err.to_string())?;
        let settings = ActionSettings {
            mode: ActionMode::Auto,
            local: case.actions(),
            vendored: None,
            refresh: false,
            mirror: None,
            store: empty.path().join("store"),
            offline: true,
            certificates: None,
        };
        Ok(Self { case, finder: Actions::new(settings), empty, checked_out: RefCell::default() })
    }

    pub(super) fn check_out(&self, job: &JobKey) {
        self.checked_out.borrow_mut().insert(job.clone());
    }

    /// The folder that stands for a job's workspace.
    pub(super) fn workspace(&self, job: &JobKey) -> PathBuf {
        let is_there = self.checked_out.borrow().contains(job);
        if is_there { self.case.folder.join("repository") } else { self.empty.path().join("workspace") }
    }

    /// The actions of repositories, and what these use.
    pub(super) fn actions(&self, wanted: &[ActionRef]) -> Result<IndexMap<ActionRef, ResolvedAction>, String> {
        let findings = self.finder.find(wanted);
        if !findings.missing.is_empty() {
            let lines: Vec<String> = findings.missing.iter().map(|it| chain(&it.err)).collect();
            return Err(lines.join("\n"));
        }
        let resolved = |(action, known): (ActionRef, wfrun_runner::KnownAction)| {
            let path = if action.path.is_empty() { String::new() } else { format!("/{}", action.path) };
            let folder = format!("{WORK}/_actions/{}/{}{path}", action.repository(), action.git_ref);
            let folder = known.content.map(|_| folder);
            (action, ResolvedAction { manifest: known.manifest, how: known.how, folder })
        };
        Ok(findings.found.into_iter().map(resolved).collect())
    }

    /// An action that is looked for when its step begins.
    pub(super) fn find(&self, job: &JobKey, action: &UsesTarget) -> Result<FoundAction, String> {
        let UsesTarget::Local(path) = action else { return Err(format!("a case cannot use `{action}`")) };
        let below = path.trim_start_matches("./").trim_end_matches('/');
        let (folder, shown) = (self.workspace(job).join(below), format!("{WORKSPACE}/{below}"));
        let manifest = manifest(&folder, shown.trim_end_matches('/'))?;
        let actions = self.actions(&used(&manifest))?;
        let action = ResolvedAction { manifest, how: How::Real, folder: Some(format!("{WORKSPACE}/{path}")) };
        Ok(FoundAction { action, actions })
    }

    /// A file that a step names.
    pub(super) fn read(&self, job: &JobKey, path: &str) -> Result<String, String> {
        let inside = Path::new(path).strip_prefix(WORKSPACE).map(|it| self.workspace(job).join(it));
        let text = inside.ok().and_then(|it| fs::read_to_string(it).ok());
        text.ok_or_else(|| format!("Could not find file '{path}'."))
    }
}

/// Source: GitHub: execution rules E1.2, "Manifest lookup" and "Missing (local)".
fn manifest(folder: &Path, shown: &str) -> Result<Arc<Action>, String> {
    let text = ["action.yml", "action.yaml"].iter().find_map(|it| fs::read_to_string(folder.join(it)).ok());
    let file = ["Dockerfile", "dockerfile"].iter().find(|it| folder.join(it).exists());
    let bare = || file.map(|it| format!("name: Dockerfile\nruns: {{using: docker, image: {it}}}\n"));
    let text = text.or_else(bare).ok_or_else(|| {
        format!(
            "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{shown}'. Did you forget to run actions/checkout \
             before running your local action?"
        )
    })?;
    let source = Source::new(format!("{shown}/action.yml"), text);
    let lowered = lower_action(&source, wfrun_syntax::parse(&source).value.as_ref());
    match (lowered.diagnostics.iter().find(|it| it.is_error()), lowered.value) {
        (None, Some(action)) => Ok(Arc::new(action)),
        (bad, _) => Err(bad.map_or_else(|| "it is empty".to_owned(), ToString::to_string)),
    }
}

fn used(action: &Action) -> Vec<ActionRef> {
    let RunsKind::Composite(steps) = &action.runs.kind else { return Vec::new() };
    let used = |it: &wfrun_workflow::Step| match &it.kind {
        StepKind::Uses(uses) => match &uses.target.value {
            UsesTarget::Repository(action) => Some(action.clone()),
            UsesTarget::Local(_) | UsesTarget::Docker(_) | UsesTarget::SelfRepository(_) => None,
        },
        StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => None,
    };
    steps.iter().filter_map(used).collect()
}
