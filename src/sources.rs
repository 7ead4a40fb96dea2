//! Where what a workflow uses comes from, and reading it with all that it calls.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wfrun_backend::Outbound;
use wfrun_runner::{ActionMode, ActionSettings, Actions, TOOLS, Vendored};
use wfrun_syntax::{Checked, Diagnostic, Severity};
use wfrun_workflow::{FileRef, Loaded, SetOptions, WorkflowSet};

use crate::cli::{ActionsChoice, RunArgs, SourceArgs};
use crate::environment::Environment;
use crate::find::Found;
use crate::repositories::Repositories;
use crate::{actions, outbound};

/// What the options say of where things come from.
pub(crate) struct Sources {
    pub(crate) repositories: Repositories,
    pub(crate) actions: Actions,
    pub(crate) outbound: Outbound,
}

/// A workflow that was read with all that it calls.
pub(crate) struct ReadSet {
    pub(crate) set: WorkflowSet,
    /// What is wrong with the texts.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The called workflows that are not to be had; errors, all of them.
    pub(crate) missing: Vec<Diagnostic>,
}

/// The options of a run that are about it.
pub(crate) fn of_run(run: &RunArgs) -> SourceArgs {
    SourceArgs {
        local_repository: run.foresee.local_repository.clone(),
        mirror: run.foresee.mirror.clone(),
        actions: Some(run.actions),
        action_store: run.action_store.clone(),
        offline: run.offline,
        ca_file: run.ca_file.clone(),
        tool_cache: None,
        platform: run.platform.clone(),
    }
}

impl Sources {
    /// Reads the options; relative paths of folders with repositories are `from`'s.
    pub(crate) fn new(
        args: &SourceArgs,
        vendored: Option<Arc<Vendored>>,
        environment: &Environment,
        from: &Path,
    ) -> anyhow::Result<Self> {
        let outbound = outbound::read(args.ca_file.as_deref(), environment)?;
        let mut repositories = Repositories::new(&args.local_repository, args.mirror.as_deref(), from)?;
        // A mirror that is a vendored folder was named by somebody.
        repositories.vendored = repositories.vendored.or(vendored);
        let actions = Actions::new(settings(args, environment, &repositories, &outbound));
        Ok(Self { repositories, actions, outbound })
    }

    /// Reads a workflow and all that it calls, wherever that has to be fetched from.
    pub(crate) fn read(&self, found: &Found) -> ReadSet {
        let mut not_fetched = Vec::new();
        let mut load = |wanted: &FileRef| {
            let loaded = self.repositories.load(&found.root, wanted);
            let (Loaded::Elsewhere, Some(repository)) = (&loaded, &wanted.repository) else { return loaded };
            actions::called(&self.actions, repository, wanted).unwrap_or_else(|diagnostic| {
                not_fetched.push(diagnostic);
                Loaded::Elsewhere
            })
        };
        let Checked { value: set, diagnostics } =
            wfrun_workflow::read_set(&found.source, SetOptions::default(), &mut load);
        let is_away = |it: &Diagnostic| it.code.as_str() == "workflow/call-elsewhere";
        let (mut missing, diagnostics): (Vec<_>, Vec<_>) = diagnostics.into_iter().partition(is_away);
        // What is not here cannot run; those who only look can do without.
        for it in &mut missing {
            it.severity = Severity::Error;
            it.message = it.message.trim_end_matches(", so the call is not checked").to_owned();
            if let Some(help) = &mut it.help {
                help.push_str("; `wfrun vendor` fetches it");
            }
        }
        missing.extend(not_fetched);
        ReadSet { set, diagnostics, missing }
    }
}

/// The tool caches in which tools are looked for: what was vendored, then the machine's.
pub(crate) fn tool_caches(args: &SourceArgs, vendored: Option<&Vendored>) -> Vec<PathBuf> {
    const MACHINE: &str = "/opt/hostedtoolcache";
    let machine = args.tool_cache.clone().unwrap_or_else(|| PathBuf::from(MACHINE));
    vendored.map(|it| it.folder.join(TOOLS)).into_iter().chain([machine]).collect()
}

/// What the options say to the finder of actions.
pub(crate) fn settings(
    args: &SourceArgs,
    environment: &Environment,
    repositories: &Repositories,
    outbound: &Outbound,
) -> ActionSettings {
    let here = std::env::current_dir().unwrap_or_default();
    ActionSettings {
        mode: match args.actions.unwrap_or(ActionsChoice::Auto) {
            ActionsChoice::Auto => ActionMode::Auto,
            ActionsChoice::Real => ActionMode::Real,
            ActionsChoice::Builtin => ActionMode::Builtin,
        },
        local: repositories.local.clone(),
        vendored: repositories.vendored.clone(),
        mirror: repositories.mirror.clone(),
        store: args.action_store.as_ref().map_or_else(|| environment.cache.join("actions"), |it| here.join(it)),
        offline: args.offline,
        refresh: false,
        // Else git goes by its own settings.
        certificates: args.ca_file.as_ref().and(outbound.git_certificates()).map(Path::to_owned),
    }
}
