//! The actions that a run needs, looked for before anything runs.
use std::path::Path;

use wfrun_backend::{Outbound, chain};
use wfrun_runner::{
    ActionError, ActionMode, ActionSettings, Actions, BuiltinActions, Findings, Missing, Place, RefError,
};
use wfrun_syntax::{Diagnostic, Severity, Source};
use wfrun_workflow::{
    Action, ActionRef, FileRef, Loaded, RepositoryRef, RunsKind, Step, StepKind, UsesStep, UsesTarget, Workflow,
    WorkflowSet, lower_action,
};

use crate::cli::{ActionsChoice, RunArgs};
use crate::environment::Environment;
use crate::repositories::Repositories;

/// What the options say of where actions come from.
pub(crate) fn finder(
    args: &RunArgs,
    environment: &Environment,
    repositories: &Repositories,
    outbound: &Outbound,
) -> Actions {
    let store = args.action_store.as_ref();
    let here = std::env::current_dir().unwrap_or_default();
    Actions::new(ActionSettings {
        mode: match args.actions {
            ActionsChoice::Auto => ActionMode::Auto,
            ActionsChoice::Real => ActionMode::Real,
            ActionsChoice::Builtin => ActionMode::Builtin,
        },
        local: repositories.local.clone(),
        mirror: repositories.mirror.clone(),
        store: store.map_or_else(|| environment.cache.join("actions"), |it| here.join(it)),
        offline: args.offline,
        // Else git goes by its own settings.
        certificates: args.ca_file.as_ref().and(outbound.git_certificates()).map(Path::to_owned),
    })
}

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

/// What is wrong with the actions of workflows, all of it at once; and what people should know of where they come from.
pub(crate) fn check(set: &WorkflowSet, root: &Path, finder: &Actions) -> (Vec<Diagnostic>, Vec<String>) {
    let mut checker = Checker { root, finder, seen: Vec::new(), diagnostics: Vec::new(), notices: Vec::new() };
    for workflow in set.workflows() {
        for job in workflow.jobs.values() {
            checker.steps(workflow, &job.steps);
        }
    }
    (checker.diagnostics, checker.notices)
}

struct Checker<'a> {
    root: &'a Path,
    finder: &'a Actions,
    /// What was looked at: each is told at the first place that uses it.
    seen: Vec<UsesTarget>,
    diagnostics: Vec<Diagnostic>,
    notices: Vec<String>,
}

impl Checker<'_> {
    fn steps(&mut self, workflow: &Workflow, steps: &[Step]) {
        for step in steps {
            match &step.kind {
                StepKind::Uses(uses) => self.uses(workflow, uses),
                StepKind::Parallel(steps) => self.steps(workflow, steps),
                StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => {}
            }
        }
    }

    fn uses(&mut self, workflow: &Workflow, uses: &UsesStep) {
        let target = &uses.target.value;
        if self.seen.contains(target) {
            return;
        }
        self.seen.push(target.clone());
        let (wanted, severity) = match target {
            UsesTarget::Repository(action) => (vec![action.clone()], Severity::Error),
            // GitHub looks for these when the step's turn comes, and that may never be.
            UsesTarget::Local(path) | UsesTarget::SelfRepository(path) => (self.used_by(path), Severity::Warning),
            // An image is looked for when its step begins: a step before may have built it.
            UsesTarget::Docker(_) => return,
        };
        let findings = self.finder.find(&wanted);
        self.notices.extend(self.finder.news(&findings));
        let Findings { found: _, missing } = findings;
        for missing in missing {
            let message = message(target, &missing);
            let mut found = Diagnostic::error(missing.err.code(), message).at(&workflow.source, uses.target.span);
            found.severity = severity;
            self.diagnostics.push(found.help(way_out(&missing.err)));
        }
    }

    /// The actions of repositories that an action of the work tree needs, as far as it can be told.
    fn used_by(&mut self, path: &str) -> Vec<ActionRef> {
        let Some(Action { runs, .. }) = local(self.root, path) else { return Vec::new() };
        let RunsKind::Composite(steps) = runs.kind else { return Vec::new() };
        let mut wanted = Vec::new();
        for step in &steps {
            let StepKind::Uses(uses) = &step.kind else { continue };
            match &uses.target.value {
                UsesTarget::Repository(action) => wanted.push(action.clone()),
                target @ (UsesTarget::Local(path) | UsesTarget::SelfRepository(path)) => {
                    if !self.seen.contains(target) {
                        self.seen.push(target.clone());
                        wanted.extend(self.used_by(path));
                    }
                }
                UsesTarget::Docker(_) => {}
            }
        }
        wanted
    }
}

/// The manifest of an action in the work tree, if it is there and sound.
fn local(root: &Path, path: &str) -> Option<Action> {
    let folder = path.trim_start_matches("$/").trim_start_matches("./").trim_end_matches('/');
    let load = |name: &str| {
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        match Repositories::default().load(root, &FileRef { repository: None, path }) {
            Loaded::Source(source) => Some(source),
            Loaded::Missing | Loaded::Elsewhere => None,
        }
    };
    let source = ["action.yml", "action.yaml"].into_iter().find_map(load)?;
    lower_action(&source, wfrun_syntax::parse(&source).value.as_ref()).value
}

/// What is wrong, with its causes, and who needs it, if that is not what the workflow names.
fn message(target: &UsesTarget, missing: &Missing) -> String {
    let text = chain(&missing.err);
    let is_asked = matches!(target, UsesTarget::Repository(action) if missing.err.action() == action);
    if is_asked { text } else { format!("{text} (`{target}` needs it)") }
}

fn way_out(err: &ActionError) -> String {
    match err {
        ActionError::NotFound { action, asked } => not_found(action, asked),
        ActionError::Version { reason: RefError::Unknown { .. }, at, .. } => {
            format!("{at} has no such branch, tag or commit: is it spelt right, and is the repository up to date?")
        }
        ActionError::Version { reason: RefError::Short { .. }, .. } => "write the whole id behind the `@`".to_owned(),
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
    if asked.contains(&Place::Network) { here } else { format!("{here}, or let it be fetched, without `--offline`") }
}
