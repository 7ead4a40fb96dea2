//! What steps give to actions, against what the actions' manifests say.
use std::path::Path;
use std::sync::Arc;

use wfrun_runner::BuiltinActions;
use wfrun_syntax::{Diagnostic, Source, closest, eq_ignoring_case};
use wfrun_workflow::{
    Action, ActionRef, FileRef, Loaded, ReadOptions, RepositoryRef, RunsKind, Step, StepKind, UsesStep, UsesTarget,
    Workflow, lower_action, read_action,
};

use super::CheckSettings;

/// The names a manifest can have, in the order in which GitHub looks for them.
const MANIFESTS: [&str; 2] = ["action.yml", "action.yaml"];

/// Checks what a workflow's steps use: actions of its own repository are there and sound, and inputs exist.
pub(crate) fn check(workflow: &Workflow, root: &Path, settings: &CheckSettings) -> Vec<Diagnostic> {
    let mut checker = Checker { root, settings, found: Vec::new(), seen: Vec::new() };
    for job in workflow.jobs.values() {
        checker.steps(&job.steps, &workflow.source);
    }
    checker.found
}

struct Checker<'a> {
    root: &'a Path,
    settings: &'a CheckSettings,
    found: Vec<Diagnostic>,
    /// Local actions that were looked at.
    seen: Vec<String>,
}

impl Checker<'_> {
    fn steps(&mut self, steps: &[Step], source: &Arc<Source>) {
        for step in steps {
            match &step.kind {
                StepKind::Uses(uses) => self.uses(uses, source),
                StepKind::Parallel(steps) => self.steps(steps, source),
                StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) => {}
            }
        }
    }

    fn uses(&mut self, uses: &UsesStep, source: &Arc<Source>) {
        let manifest = match &uses.target.value {
            UsesTarget::Repository(action) => self.elsewhere(action),
            UsesTarget::Local(path) | UsesTarget::SelfRepository(path) => self.local(path, uses, source),
            UsesTarget::Docker(_) => None,
        };
        if let Some(manifest) = manifest {
            self.inputs(uses, &manifest, source);
        }
    }

    /// The manifest of an action in another repository, if this machine has it.
    fn elsewhere(&self, action: &ActionRef) -> Option<Action> {
        if let Some(source) = manifest_elsewhere(action, self.root, self.settings) {
            return lower_action(&source, wfrun_syntax::parse(&source).value.as_ref()).value;
        }
        let builtin = BuiltinActions.find(action)?.ok()?;
        Some(builtin.as_ref().clone())
    }

    /// The manifest of an action of this repository; it is checked, too, the first time it is used.
    fn local(&mut self, path: &str, uses: &UsesStep, source: &Arc<Source>) -> Option<Action> {
        let folder = folder_of(path);
        let place = self.root.join(folder);
        let Some(manifest) = own_manifest(path, self.root, self.settings) else {
            if !place.join("Dockerfile").is_file() {
                self.found.push(missing(&place, uses, source));
            }
            return None;
        };
        if !self.seen.iter().any(|it| it == folder) {
            self.seen.push(folder.to_owned());
            let options = ReadOptions { allow_unknown: self.settings.allow_unknown, ..ReadOptions::default() };
            let checked = read_action(&manifest, options);
            self.found.extend(checked.diagnostics);
            if let Some(Action { runs, .. }) = &checked.value
                && let RunsKind::Composite(steps) = &runs.kind
            {
                self.steps(steps, &manifest);
            }
        }
        lower_action(&manifest, wfrun_syntax::parse(&manifest).value.as_ref()).value
    }

    /// Inputs that the action does not know, and inputs that it wants.
    ///
    /// Source: GitHub: execution rules E7.2: the runner warns about the first, and does not look at the second.
    fn inputs(&mut self, uses: &UsesStep, action: &Action, source: &Arc<Source>) {
        let known = || action.inputs.keys().map(String::as_str);
        let is_container = matches!(action.runs.kind, RunsKind::Container { .. });
        for (name, _) in uses.with.entries() {
            let always = is_container && ["entrypoint", "args"].iter().any(|it| name.value.eq_ignore_ascii_case(it));
            if always || known().any(|it| eq_ignoring_case(it, &name.value)) {
                continue;
            }
            let help = match closest(&name.value, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if action.inputs.is_empty() => "the action has no inputs".to_owned(),
                None => format!("its inputs are: {}", known().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("`{}` has no input `{}`", uses.target.value, name.value);
            let found = Diagnostic::warning("uses/unknown-input", message).at(source, name.span);
            self.found.push(found.help(help));
        }
        for (name, input) in &action.inputs {
            let given = uses.with.iter().any(|(it, _)| eq_ignoring_case(it, name)) || uses.with.computed().is_some();
            if input.required && input.default.is_none() && !given {
                let message = format!("`{}` wants the input `{name}`, which is not given", uses.target.value);
                let found = Diagnostic::warning("uses/missing-input", message).at(source, uses.target.span);
                self.found.push(found.help(format!("add `{name}:` below `with:`")));
            }
        }
    }
}

/// The text of the manifest of an action in another repository, if this machine has it.
pub(super) fn manifest_elsewhere(action: &ActionRef, root: &Path, settings: &CheckSettings) -> Option<Arc<Source>> {
    let repository = RepositoryRef { name: action.repository(), git_ref: action.git_ref.clone() };
    MANIFESTS.iter().find_map(|name| {
        let path = if action.path.is_empty() { (*name).to_owned() } else { format!("{}/{name}", action.path) };
        source(settings.repositories.load(root, &FileRef { repository: Some(repository.clone()), path }))
    })
}

/// The text of the manifest of an action of this repository.
pub(super) fn own_manifest(path: &str, root: &Path, settings: &CheckSettings) -> Option<Arc<Source>> {
    MANIFESTS.iter().find_map(|name| source(settings.repositories.load(root, &in_folder(folder_of(path), name))))
}

fn source(loaded: Loaded) -> Option<Arc<Source>> {
    match loaded {
        Loaded::Source(source) => Some(source),
        Loaded::Missing | Loaded::Elsewhere => None,
    }
}

fn folder_of(path: &str) -> &str {
    path.trim_start_matches("$/").trim_start_matches("./").trim_start_matches(".\\").trim_end_matches('/')
}

fn in_folder(folder: &str, name: &str) -> FileRef {
    let path = if folder.is_empty() || folder == "." { name.to_owned() } else { format!("{folder}/{name}") };
    FileRef { repository: None, path }
}

fn missing(place: &Path, uses: &UsesStep, source: &Arc<Source>) -> Diagnostic {
    let message = format!("there is no action at `{}`", uses.target.value);
    let help = if place.is_dir() {
        "the folder has no action.yml, action.yaml or Dockerfile"
    } else {
        "the path starts at the repository's root; an action that a step puts there is fine"
    };
    Diagnostic::warning("uses/not-here", message).at(source, uses.target.span).help(help)
}
