//! Actions that can be found only when their step's turn comes.
use indexmap::IndexMap;
use wfrun_backend::chain;
use wfrun_engine::{FoundAction, ResolvedAction};
use wfrun_journal::How;
use wfrun_workflow::{ActionRef, UsesTarget};

use crate::actions::{KnownAction, find_in_repository, find_in_workspace, used_by};
use crate::job::OpenJob;
use crate::{Findings, RunSettings};

/// What was found, and what to tell people of it.
pub(crate) struct Told {
    pub(crate) found: Box<FoundAction>,
    pub(crate) notices: Vec<String>,
}

/// Finds an action for an open job, and puts what it uses into the job's work folder.
pub(crate) fn find_action(open: &OpenJob, settings: &RunSettings, action: &UsesTarget) -> Result<Told, String> {
    match action {
        UsesTarget::Local(path) => in_workspace(open, settings, path),
        UsesTarget::SelfRepository(path) => in_own_repository(open, settings, path),
        UsesTarget::Repository(action) => {
            let (actions, notices) = place(open, settings, std::slice::from_ref(action))?;
            let own = actions.get(action).cloned().ok_or_else(|| format!("action `{action}` was not found"))?;
            Ok(Told { found: Box::new(FoundAction { action: own, actions }), notices })
        }
        UsesTarget::Docker(image) => Err(format!("`docker://{image}` is an image, and no action to be found")),
    }
}

fn in_workspace(open: &OpenJob, settings: &RunSettings, path: &str) -> Result<Told, String> {
    let shown = open.layout.workspace.as_str();
    let workspace = open.relative(shown).ok_or("the workspace is not in the work folder")?;
    let manifest = find_in_workspace(&open.files, workspace, shown, path)?;
    let (actions, notices) = place(open, settings, &used_by(&manifest))?;
    // Source: GITHUB_ACTION_PATH of `uses: ./` ends with `/./` (actions/runner#1363).
    let folder = Some(format!("{shown}/{path}"));
    let action = ResolvedAction { manifest, how: How::Real, folder };
    Ok(Told { found: Box::new(FoundAction { action, actions }), notices })
}

fn in_own_repository(open: &OpenJob, settings: &RunSettings, path: &str) -> Result<Told, String> {
    let (owner, repo) = settings.repository.split_once('/').unwrap_or(("", &settings.repository));
    let action = ActionRef {
        owner: owner.to_owned(),
        repo: repo.to_owned(),
        path: path.trim_start_matches("$/").trim_end_matches('/').to_owned(),
        git_ref: settings.snapshot.sha.clone(),
        said_tag: None,
    };
    let folder = settings.work_root.join(&settings.run_id).join("own");
    let (manifest, content) = find_in_repository(&settings.snapshot, &folder, &action).map_err(|err| chain(&err))?;
    let used = used_by(&manifest);
    let known = KnownAction { manifest, how: How::Real, content: Some(content) };
    let mut own = put(open, IndexMap::from([(action.clone(), known)]))?;
    let (actions, notices) = place(open, settings, &used)?;
    let action = own.swap_remove(&action).ok_or_else(|| format!("action `{action}` was not found"))?;
    Ok(Told { found: Box::new(FoundAction { action, actions }), notices })
}

type Placed = (IndexMap<ActionRef, ResolvedAction>, Vec<String>);

/// Finds actions of repositories with all that they use, and puts them into the job.
fn place(open: &OpenJob, settings: &RunSettings, wanted: &[ActionRef]) -> Result<Placed, String> {
    let findings = settings.actions.find(wanted);
    if !findings.missing.is_empty() {
        let lines: Vec<String> = findings.missing.iter().map(|it| chain(&it.err)).collect();
        return Err(lines.join("\n"));
    }
    let notices = settings.actions.news(&findings.found);
    let Findings { found, missing: _ } = findings;
    Ok((put(open, found)?, notices))
}

fn put(open: &OpenJob, found: IndexMap<ActionRef, KnownAction>) -> Result<IndexMap<ActionRef, ResolvedAction>, String> {
    open.actions.place(&open.files, &open.work_inside, found).map_err(|err| chain(&err))
}
