//! The actions that a run needs, looked for before anything runs.
use wfrun_backend::chain;
use wfrun_plan::When;
use wfrun_runner::{ActionError, Actions, BuiltinActions, Inventory, Item, Lack, Place, RefError};
use wfrun_syntax::{Diagnostic, Severity, Source};
use wfrun_workflow::{ActionRef, FileRef, Loaded, RepositoryRef, UsesTarget};

/// The file of a called workflow, from the repository that it is in; or why that could not be had.
pub(crate) fn called(finder: &Actions, repository: &RepositoryRef, file: &FileRef) -> Result<Loaded, Diagnostic> {
    match finder.repository(&repository.name, &repository.git_ref) {
        Ok(None) => Ok(Loaded::Elsewhere),
        Ok(Some(content)) => {
            let text = content.text(&file.path);
            Ok(text.map_or(Loaded::Missing, |it| Loaded::Source(Source::new(file.to_string(), it))))
        }
        Err(err) => Err(Diagnostic::error(err.code(), chain(&err)).help(way_out(&err))),
    }
}

/// What is wrong with what a workflow needs, all of it at once.
pub(crate) fn missing(inventory: &Inventory) -> Vec<Diagnostic> {
    inventory.items.iter().filter_map(lacking).collect()
}

fn lacking(item: &Item) -> Option<Diagnostic> {
    let needed = &item.needed;
    let mut found = match item.lack()? {
        Lack::Action(err) => Diagnostic::error(err.code(), message(needed.target.as_ref(), err)).help(way_out(err)),
        // A step may put an action there; called workflows are told when they are read.
        Lack::Own | Lack::Workflow | Lack::Image(_) => return None,
    };
    // GitHub looks for these when the step's turn comes, and that may never be.
    if needed.when == When::Step {
        found.severity = Severity::Warning;
    }
    Some(found.at(&needed.source, needed.span))
}

/// What is wrong, with its causes, and who needs it, if that is not what the workflow names.
fn message(target: Option<&UsesTarget>, err: &ActionError) -> String {
    let text = chain(err);
    match target {
        Some(UsesTarget::Repository(action)) if err.action() == action => text,
        Some(target) => format!("{text} (`{target}` needs it)"),
        None => text,
    }
}

/// What to do where an action is not to be had.
pub(crate) fn way_out(err: &ActionError) -> String {
    match err {
        ActionError::NotFound { action, asked } => not_found(action, asked),
        ActionError::Version { reason: RefError::Unknown { .. }, at, .. } => {
            format!("{at} has no such branch, tag or commit: is it spelt right, and is the repository up to date?")
        }
        ActionError::Version { reason: RefError::Short { .. }, .. } => "write the whole id behind the `@`".to_owned(),
        ActionError::Moved { .. } => {
            "`wfrun vendor --update` takes what it names now; without `--mirror` the locked commit is used".to_owned()
        }
        ActionError::NoManifest { .. } => {
            "is the folder behind the repository's name right? Its case counts, too".to_owned()
        }
        ActionError::Manifest { builtin: true, .. } => "this is a fault of wfrun: please report it".to_owned(),
        ActionError::Manifest { builtin: false, .. } => {
            "GitHub does not load it either: take another version of the action".to_owned()
        }
        ActionError::TooDeep { .. } => "does an action use itself, perhaps through another?".to_owned(),
        ActionError::Fetch { .. } => {
            "is the network there? Otherwise give the action by `--mirror DIR` or `--local-repository OWNER/NAME=DIR`"
                .to_owned()
        }
        ActionError::Files { .. } => {
            "is the repository whole? `git fsck` in it says; a partial clone is not enough".to_owned()
        }
        ActionError::Store { .. } => {
            "is the disk full, or the folder read-only? `--action-store DIR` takes another".to_owned()
        }
    }
}

fn not_found(action: &ActionRef, asked: &[Place]) -> String {
    let names = BuiltinActions.names();
    if let Some(near) = wfrun_syntax::closest(&action.repository(), names.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    if asked.len() == 1 && asked.contains(&Place::Builtin) {
        return format!("`--actions builtin` has these only: {}", names.join(", "));
    }
    let here = format!("give it by `--mirror DIR` or `--local-repository {}=DIR`", action.repository());
    if asked.contains(&Place::Network) {
        here
    } else {
        format!("{here}, or let it be fetched: `wfrun vendor` does, or a run without `--offline`")
    }
}
