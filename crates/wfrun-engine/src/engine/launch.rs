//! What a step starts: its script and shell, or its action and inputs.
use std::cell::LazyCell;

use indexmap::IndexMap;
use wfrun_expr::EvalError;
use wfrun_journal::{AnnotationLevel, How, Phase, StepKindName};
use wfrun_plan::JobKey;
use wfrun_workflow::{
    Action, RefusedDefinition, RunStep, RunsKind, UsesStep, UsesTarget, image_name, refused_definition,
};

use super::Engine;
use super::contexts::runner_object;
use super::job::{evaluate_map, evaluate_text};
use super::parts::has_part;
use super::prepare::Prepared;
use super::step::{Beginning, Hindrance};
use crate::environment::{Kind, Layers, environment, search_path};
use crate::scope::{At, Contexts, Named, Status, text_object};
use crate::state::JobState;
use crate::strand::Waits;
use crate::{ContainerImage, FilePaths, Program, ResolvedAction, ShellCommand, ShellSearch, split_words};

/// A step's process before it is started.
pub(super) struct ToLaunch {
    pub(super) program: Program,
    pub(super) env: IndexMap<String, String>,
    pub(super) cwd: String,
    pub(super) files: FilePaths,
    pub(super) how: How,
    pub(super) kind: StepKindName,
    /// What the log shows of it.
    pub(super) header: Vec<String>,
}

impl Engine {
    pub(super) fn script(&self, it: &Beginning<'_>, run: &RunStep, prepared: &Prepared) -> Result<ToLaunch, Hindrance> {
        let state = self.open_state(it)?;
        let files = self.file_paths(state);
        let contexts =
            LazyCell::new(|| self.step_contexts(it.key, &it.stage.path, it.step, &prepared.env, Some(&files)));
        let at = At { contexts: &contexts, status: Status::None, hashes: state.strand().map(|it| &it.hashes) };
        let script = run.script.template.evaluate(&at)?.value().to_text();
        let (shell, directory) = Self::shell_and_directory(it, state, run, &at)?;
        let containers = state.environment.as_ref().and_then(|it| it.containers.as_ref());
        let in_container = containers.is_some_and(|it| it.container.is_some());
        let shell =
            ShellCommand::of(shell.as_deref(), in_container).map_err(|err| Hindrance::Failed(err.to_string()))?;
        let layout = state.environment.as_ref().map(|it| &it.layout);
        let (workspace, temp) = layout.map_or(("", ""), |it| (it.workspace.as_str(), it.temp.as_str()));
        let cwd = working_directory(workspace, directory.as_deref().unwrap_or_default());
        let path = format!("{temp}/{}{}", self.unique(state), shell.extension);
        let mut header: Vec<String> = script.lines().map(str::to_owned).collect();
        let script = match shell.wrap {
            Some((before, after)) => format!("{before}{script}{after}"),
            None => script,
        };
        let ShellCommand { command, arguments, fallback, format, .. } = shell;
        // In a job container the container's own search path decides when the process starts.
        let command = if in_container { command } else { Self::found_shell(state, command, fallback)? };
        header.push(format!("shell: {command} {format}"));
        let program = Program::Script { command, arguments, script, path };
        let env = self.step_environment(it, state, prepared, None, &files, Kind::Script);
        Ok(ToLaunch { program, env, cwd, files, how: How::Real, kind: StepKindName::Run, header })
    }

    /// Where a shell is; the name of one that is not there, which starting it will say. It is looked for anew for each
    /// step: the one before may have installed it.
    ///
    /// Source: GitHub: execution rules E2.1, "Lookup".
    fn found_shell(state: &JobState, command: String, fallback: Option<&'static str>) -> Result<String, Hindrance> {
        let base_path = state.environment.as_ref().map_or("", |it| it.path.as_str());
        let search = ShellSearch { command, fallback, path: search_path(&added_paths(state), base_path) };
        match state.strand().and_then(|it| it.shells.get(&search)) {
            Some(Some(found)) => Ok(found.clone()),
            Some(None) => Ok(search.fallback.map_or(search.command, str::to_owned)),
            None => Err(Hindrance::Waits(Waits::Shell(search))),
        }
    }

    pub(super) fn shell_found(&mut self, key: &JobKey, search: &ShellSearch, found: Option<&str>) {
        let Some(state) = self.jobs.get_mut(key) else { return };
        let waits = Some(Waits::Shell(search.clone()));
        for strand in state.strands.iter_mut().filter(|it| it.waits == waits) {
            strand.waits = None;
            strand.shells.insert(search.clone(), found.map(str::to_owned));
        }
    }

    /// `shell` and `working-directory`: of the step, else the defaults, which steps of composite actions do not have. An
    /// empty shell is none, an empty folder is the workspace.
    ///
    /// Source: GitHub: execution rules E2.1.
    fn shell_and_directory(
        it: &Beginning<'_>,
        state: &JobState,
        run: &RunStep,
        at: &At<'_>,
    ) -> Result<(Option<String>, Option<String>), EvalError> {
        let shell = evaluate_text(run.shell.as_ref(), at)?.filter(|it| !it.is_empty());
        let directory = evaluate_text(run.working_directory.as_ref(), at)?;
        if state.composite_of(&it.stage.path).is_some() {
            return Ok((shell, directory));
        }
        let (default_shell, default_directory) = &state.defaults;
        Ok((shell.or_else(|| default_shell.clone()), directory.or_else(|| default_directory.clone())))
    }

    /// What an action that is no composite one starts; `found` is none for an image by its name.
    pub(super) fn action(
        &self,
        it: &Beginning<'_>,
        uses: &UsesStep,
        found: Option<&ResolvedAction>,
        prepared: &Prepared,
    ) -> Result<ToLaunch, Hindrance> {
        let state = self.open_state(it)?;
        let files = self.file_paths(state);
        let contexts = self.step_contexts(it.key, &it.stage.path, it.step, &prepared.env, Some(&files));
        let inputs = Self::inputs(state, uses, found.map(|it| &*it.manifest), &contexts)?;
        let program = program(it, uses, found, &inputs)?;
        let (kind, how) = match &program {
            Program::StandIn { .. } | Program::Script { .. } => (StepKindName::Builtin, How::StandIn),
            Program::Node { .. } => (StepKindName::Javascript, How::Real),
            Program::Container { .. } => (StepKindName::Docker, How::Real),
        };
        let own = Kind::of(&program);
        let mut env = self.step_environment(it, state, prepared, Some(&inputs), &files, own);
        if let Some(RunsKind::Container { env: more, .. }) = found.map(|it| &it.manifest.runs.kind) {
            let at = At { contexts: &only_inputs(&inputs), status: Status::None, hashes: None };
            for (name, value) in evaluate_map(more, &at)? {
                env.entry(name).or_insert(value);
            }
        }
        let cwd = state.environment.as_ref().map(|it| it.layout.workspace.clone()).unwrap_or_default();
        let header = shown_inputs(&inputs);
        Ok(ToLaunch { program, env, cwd, files, how, kind, header })
    }

    fn open_state(&self, it: &Beginning<'_>) -> Result<&JobState, Hindrance> {
        let state = self.jobs.get(it.key).filter(|it| it.environment.is_some());
        state.ok_or_else(|| Hindrance::Failed("the job has no environment".to_owned()))
    }

    /// `with:`, and the defaults of what it does not say.
    ///
    /// Source: GitHub: execution rules E7.2.
    pub(super) fn inputs(
        state: &JobState,
        uses: &UsesStep,
        manifest: Option<&Action>,
        contexts: &dyn Named,
    ) -> Result<IndexMap<String, String>, Hindrance> {
        let at = At { contexts, status: Status::None, hashes: state.strand().map(|it| &it.hashes) };
        let mut inputs = evaluate_map(&uses.with, &at)?;
        for (name, input) in manifest.into_iter().flat_map(|it| &it.inputs) {
            if !inputs.keys().any(|it| it.eq_ignore_ascii_case(name)) {
                let default = evaluate_text(input.default.as_ref(), &at)?.unwrap_or_default();
                inputs.insert(name.clone(), default);
            }
        }
        Ok(inputs)
    }

    /// Inputs that the action does not have, and those that it asks not to use.
    pub(super) fn warn_of_inputs(&mut self, it: &Beginning<'_>, uses: &UsesStep, manifest: Option<&Action>) {
        let (Some(manifest), Phase::Main) = (manifest, it.stage.phase) else { return };
        let is_container = matches!(manifest.runs.kind, RunsKind::Container { .. });
        let is_its_own =
            |name: &str| is_container && ["entrypoint", "args"].iter().any(|it| it.eq_ignore_ascii_case(name));
        let given = || uses.with.iter().map(|(name, _)| name);
        let unexpected: Vec<String> =
            given().filter(|it| manifest.input(it).is_none() && !is_its_own(it)).map(|it| format!("'{it}'")).collect();
        if !unexpected.is_empty() {
            let mut valid: Vec<String> = manifest.inputs.keys().map(|it| format!("'{it}'")).collect();
            if is_container {
                valid.extend(["entryPoint", "args"].map(|it| format!("'{it}'")));
            }
            let (unexpected, valid) = (unexpected.join(", "), valid.join(", "));
            let message = format!("Unexpected input(s) {unexpected}, valid inputs are [{valid}]");
            self.annotate(it.key, AnnotationLevel::Warning, &message);
        }
        let deprecated: Vec<String> = given()
            .filter_map(|name| Some((name, manifest.input(name)?.deprecation.as_ref()?)))
            .map(|(name, text)| format!("Input '{name}' has been deprecated with message: {text}"))
            .collect();
        for message in &deprecated {
            self.annotate(it.key, AnnotationLevel::Warning, message);
        }
    }

    /// What would fail on github.com, and does not here: the AWS account leaves out what the action does not know.
    pub(super) fn warn_of_definition(&mut self, it: &Beginning<'_>, uses: &UsesStep) {
        if !self.settings.omits_fault_injection || it.stage.phase != Phase::Main {
            return;
        }
        let Some(refused) = self.model(it.key).and_then(|job| refused_definition(job, uses)) else { return };
        let RefusedDefinition { message, help, .. } = refused;
        let message = format!(
            "{message}: on GitHub this step fails. The AWS account of this run leaves it out (`--aws-era today` puts it in); {help}"
        );
        self.annotate(it.key, AnnotationLevel::Warning, &message);
    }

    /// The pre part of an action of the workspace, which is not there yet when pre parts run.
    ///
    /// Source: GitHub: execution rules E1.7.
    pub(super) fn warn_of_pre(&mut self, it: &Beginning<'_>, uses: &UsesStep, manifest: Option<&Action>) {
        let (target @ UsesTarget::Local(_), Phase::Main, Some(manifest), Some(state)) =
            (&uses.target.value, it.stage.phase, manifest, self.jobs.get(it.key))
        else {
            return;
        };
        if has_part(state, manifest, target, Phase::Pre) {
            let message = format!("`pre` execution is not supported for local action from '{}'", uses.target.value);
            self.annotate(it.key, AnnotationLevel::Warning, &message);
        }
    }

    fn step_environment(
        &self,
        it: &Beginning<'_>,
        state: &JobState,
        prepared: &Prepared,
        inputs: Option<&IndexMap<String, String>>,
        files: &FilePaths,
        kind: Kind,
    ) -> IndexMap<String, String> {
        let Some(job) = &state.environment else { return IndexMap::new() };
        let mut github = self.step_github(state, &it.stage.path, it.step, Some(files));
        if kind == Kind::Script {
            // Source: GitHub: execution rules E6.4.
            for name in ["action_repository", "action_ref"] {
                github = github.with(name, wfrun_expr::Value::from(""));
            }
        }
        environment(&Layers {
            job,
            env: &prepared.env,
            added_paths: &added_paths(state),
            state: state.saved.get(&it.stage.path),
            inputs,
            github: &github,
            runner: &runner_object(state),
            files,
            kind,
        })
    }
}

/// What `GITHUB_PATH` added to the job, and in the strand whose turn it is; the newest last.
fn added_paths(state: &JobState) -> Vec<String> {
    let own = state.strand().into_iter().flat_map(|it| &it.added_paths);
    state.added_paths.iter().chain(own).cloned().collect()
}

/// What runs, of an action or an image.
///
/// Source: GitHub: execution rules E7.3 and E7.4.
fn program(
    it: &Beginning<'_>,
    uses: &UsesStep,
    found: Option<&ResolvedAction>,
    inputs: &IndexMap<String, String>,
) -> Result<Program, Hindrance> {
    let phase = it.stage.phase;
    let Some(found) = found else {
        let UsesTarget::Docker(image) = &uses.target.value else {
            return Err(Hindrance::Failed(format!("action `{}` was not found", uses.target.value)));
        };
        let entrypoint = input(inputs, "entrypoint").filter(|it| !it.is_empty()).cloned();
        let arguments = input(inputs, "args").map(|it| split_words(it)).unwrap_or_default();
        return Ok(Program::Container { image: ContainerImage::Named(image.clone()), entrypoint, arguments });
    };
    let folder = match (&found.folder, &uses.target.value) {
        (Some(folder), _) => folder,
        (None, UsesTarget::Repository(action)) => {
            return Ok(Program::StandIn { action: action.clone(), phase });
        }
        (None, UsesTarget::Local(_) | UsesTarget::Docker(_) | UsesTarget::SelfRepository(_)) => {
            return Err(Hindrance::Failed(format!("action `{}` has no folder", uses.target.value)));
        }
    };
    match &found.manifest.runs.kind {
        RunsKind::Node { main, pre, post } => {
            let script = match phase {
                Phase::Pre => pre,
                Phase::Main => main,
                Phase::Post => post,
            };
            let script = format!("{folder}/{}", script.as_deref().unwrap_or_default());
            Ok(Program::Node { using: found.manifest.runs.using.value.clone(), script })
        }
        RunsKind::Container { image, entrypoint, args, pre_entrypoint, post_entrypoint, .. } => {
            let image = match image_name(image) {
                Some(name) => ContainerImage::Named(name.to_owned()),
                None => ContainerImage::Built { dockerfile: format!("{folder}/{image}") },
            };
            let given = || input(inputs, "entrypoint").filter(|it| !it.is_empty()).cloned();
            let entrypoint = match phase {
                Phase::Pre => pre_entrypoint.clone(),
                // What `with` says is for images without a manifest of their own.
                Phase::Main => entrypoint.clone().filter(|it| !it.is_empty()).or_else(given),
                Phase::Post => post_entrypoint.clone(),
            };
            Ok(Program::Container { image, entrypoint, arguments: arguments(args, inputs)? })
        }
        RunsKind::Composite(_) => Err(Hindrance::Failed("a composite action has no process".to_owned())),
    }
}

/// `args` of the manifest, else those of `with:`.
fn arguments(args: &[wfrun_workflow::Field], inputs: &IndexMap<String, String>) -> Result<Vec<String>, Hindrance> {
    if args.is_empty() {
        return Ok(input(inputs, "args").map(|it| split_words(it)).unwrap_or_default());
    }
    let contexts = only_inputs(inputs);
    let at = At { contexts: &contexts, status: Status::None, hashes: None };
    let evaluate = |it: &wfrun_workflow::Field| Ok(it.template.evaluate(&at)?.value().to_text());
    args.iter().map(evaluate).collect()
}

fn only_inputs(inputs: &IndexMap<String, String>) -> Contexts {
    let mut contexts = Contexts::default();
    contexts.set("inputs", text_object(inputs));
    contexts
}

fn input<'a>(inputs: &'a IndexMap<String, String>, name: &str) -> Option<&'a String> {
    inputs.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// What the log shows of inputs: those that are not empty.
pub(super) fn shown_inputs(inputs: &IndexMap<String, String>) -> Vec<String> {
    let given = inputs.iter().filter(|(_, value)| !value.is_empty());
    let with: Vec<String> = given.map(|(name, value)| format!("  {name}: {value}")).collect();
    if with.is_empty() { with } else { std::iter::once("with:".to_owned()).chain(with).collect() }
}

/// Source: GitHub: execution rules E2.3.
fn working_directory(workspace: &str, directory: &str) -> String {
    match directory {
        "" => workspace.to_owned(),
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => format!("{workspace}/{relative}"),
    }
}
