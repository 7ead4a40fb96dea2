//! The actions that a run needs, looked for before anything runs.
use wfrun_backend::chain;
use wfrun_plan::{Dependency, When};
use wfrun_report::Absence;
use wfrun_runner::{ActionError, Actions, BuiltinActions, Inventory, Item, Lack, Place, RefError};
use wfrun_syntax::{Diagnostic, Severity, Source};
use wfrun_workflow::{ActionRef, FileRef, Loaded, RepositoryRef, UsesTarget};

use crate::dependencies::absence;

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

/// The tools that are missing.
pub(crate) fn missing_tools(inventory: &Inventory) -> Vec<Diagnostic> {
    let is_tool = |it: &&Item| matches!(it.needed.dependency, Dependency::Tool { .. } | Dependency::Node(_));
    inventory.items.iter().filter(is_tool).filter_map(lacking).collect()
}

/// The images that are missing, and what only the run can tell: that it is here cannot be shown.
pub(crate) fn missing_images(inventory: &Inventory) -> Vec<Diagnostic> {
    let is_image = |it: &&Item| matches!(it.needed.dependency, Dependency::Image(_) | Dependency::Runner(_));
    let missing = inventory.items.iter().filter(is_image).filter_map(lacking);
    let not_known = inventory.not_known.iter().filter(|it| it.kind == "image").map(|it| {
        let parts = it.parts.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
        let message =
            format!("whether the image of {} is here cannot be told before the run: it depends on {parts}", it.what);
        let help = "nothing, if it is; `docker pull` fetches it beforehand";
        Diagnostic::warning("backend/unknown-image", message).at(&it.source, it.span).help(help)
    });
    missing.chain(not_known).collect()
}

fn lacking(item: &Item) -> Option<Diagnostic> {
    let needed = &item.needed;
    let mut found = match item.lack()? {
        Lack::Action(err) => Diagnostic::error(err.code(), message(needed.target.as_ref(), err)).help(way_out(err)),
        // A step may put an action there; called workflows are told when they are read.
        Lack::Own | Lack::Workflow => return None,
        Lack::Tool(_) | Lack::Node => {
            let Absence { message, way_out, .. } = absence(&needed.dependency, needed.when, item.lack()?);
            // Its step cannot do without.
            let found = Diagnostic::error("action/no-tool", message).at(&needed.source, needed.span);
            return Some(found.help(way_out));
        }
        Lack::Image(_) | Lack::NotPulled(_) | Lack::NoEngine(_) => {
            let Absence { message, way_out, .. } = absence(&needed.dependency, needed.when, item.lack()?);
            let message = format!("{message}, of {}", needed.role);
            Diagnostic::error("backend/no-image", message).help(way_out)
        }
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
