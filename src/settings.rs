//! What the options mean: files read, conflicts decided, paths absolute.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;
use wfrun_expr::{Object, Value};
use wfrun_journal::Outcome;
use wfrun_report::ColorChoice;
use wfrun_syntax::{Checked, Diagnostic};
use wfrun_workflow::{EventName, InputKind, ReadOptions, Workflow};

use crate::cli::{Color, EventArgs, RunArgs, SituationArgs};
use crate::environment::Environment;
use crate::find::{self, Found};
use crate::key_values;
use crate::output::Help;
use crate::secrets::{self, Secrets};
use crate::situation::{Situation, situation};

/// A workflow that was read, and what it is to be run for.
pub(crate) struct Loaded {
    /// The workflow.
    pub(crate) workflow: Arc<Workflow>,
    /// The folder that holds `.github/`.
    pub(crate) root: PathBuf,
    /// What happened.
    pub(crate) situation: Situation,
    /// `secrets`
    pub(crate) secrets: Secrets,
    /// `vars`
    pub(crate) vars: IndexMap<String, String>,
    /// Variables below the workflow's own `env`.
    pub(crate) env: IndexMap<String, String>,
    /// `inputs`
    pub(crate) inputs: Value,
    /// What is wrong with any of it.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// Reads the workflow; its findings may hold errors.
pub(crate) fn read_workflow(args: &SituationArgs) -> anyhow::Result<(Found, Arc<Workflow>, Vec<Diagnostic>)> {
    let from = args.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let found = find::workflow(&args.workflow, &from)?;
    let Checked { value: workflow, mut diagnostics } =
        wfrun_workflow::read_workflow(&found.source, ReadOptions::default());
    diagnostics.extend(wfrun_plan::not_yet(&workflow));
    Ok((found, Arc::new(workflow), diagnostics))
}

/// Reads all that `run` and `plan` share; stops at the first thing without which nothing makes sense.
pub(crate) fn load(args: &SituationArgs, environment: &Environment) -> anyhow::Result<Result<Loaded, Vec<Diagnostic>>> {
    let (found, workflow, mut diagnostics) = read_workflow(args)?;
    let secrets = secrets::given(args)?;
    let vars = key_values::collect(&args.var_file, &args.var, "--var")?;
    let env = key_values::collect(&args.env_file, &args.env, "--env")?;
    diagnostics.extend(secrets.diagnostics);
    diagnostics.extend(vars.diagnostics);
    diagnostics.extend(env.diagnostics);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Ok(Err(diagnostics));
    }
    let situation = situation(&workflow, &found.root, args, environment)?;
    let inputs = inputs(&workflow, args)?;
    Ok(Ok(Loaded {
        workflow,
        root: found.root,
        situation,
        secrets: secrets.value,
        vars: vars.value,
        env: env.value,
        inputs,
        diagnostics,
    }))
}

/// `inputs` of `workflow_dispatch`: given ones and defaults, booleans as booleans.
///
/// Source: GitHub: planning rules 2.6.
fn inputs(workflow: &Workflow, args: &EventArgs) -> anyhow::Result<Value> {
    checked_inputs(workflow, "workflow_dispatch", &crate::situation::inputs(args)?)
}

/// The same of inputs that were given in another way, as texts, to an event that takes inputs.
pub(crate) fn checked_inputs(
    workflow: &Workflow,
    event: &str,
    given: &serde_json::Map<String, Json>,
) -> anyhow::Result<Value> {
    let Some(config) = workflow.on.events.get(&EventName::new(event)) else {
        return Ok(Value::Object(Object::default()));
    };
    for name in given.keys() {
        if !config.inputs.keys().any(|it| it.eq_ignore_ascii_case(name)) {
            let known = config.inputs.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let help = format!("its inputs are: {known}");
            return Err(Help::error("input/unknown", format!("the workflow has no input `{name}`"), help));
        }
    }
    let mut members = Vec::new();
    for (name, spec) in &config.inputs {
        let value = given.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).and_then(|(_, it)| it.as_str());
        let value = value.map(str::to_owned).or_else(|| spec.default_text().map(str::to_owned));
        if value.is_none() && spec.required {
            let help = format!("give it by `--input {name}=…`");
            return Err(Help::error("input/required", format!("input `{name}` is required"), help));
        }
        let value = match (spec.kind, value) {
            (InputKind::Boolean, Some(text)) if !matches!(text.as_str(), "true" | "false") => {
                let help = "write `true` or `false`";
                return Err(Help::error("input/not-a-boolean", format!("input `{name}` is `{text}`"), help));
            }
            (InputKind::Boolean, value) => Value::Bool(value.as_deref() == Some("true")),
            (InputKind::Choice, Some(text)) if !spec.options.contains(&text) => {
                let help = format!("its options are: {}", spec.options.join(", "));
                return Err(Help::error("input/no-option", format!("input `{name}` is `{text}`"), help));
            }
            (InputKind::Choice, None) => Value::string(spec.options.first().map_or("", String::as_str)),
            // A dispatch gives texts only.
            (InputKind::Number, value) if event == "workflow_call" => {
                Value::Number(value.map_or(0.0, |it| wfrun_expr::parse_number(&it)))
            }
            (InputKind::String | InputKind::Number | InputKind::Environment | InputKind::Choice, value) => {
                Value::string(value.unwrap_or_default())
            }
        };
        members.push((name.clone(), value));
    }
    Ok(Value::Object(members.into_iter().collect()))
}

/// The results that `--expect` asserts, by job.
pub(crate) fn expectations(args: &RunArgs) -> anyhow::Result<Vec<(String, Outcome)>> {
    let outcomes = [Outcome::Success, Outcome::Failure, Outcome::Cancelled, Outcome::Skipped];
    let parse = |text: &String| {
        let (job, result) = key_values::pair(text, "--expect")?;
        let outcome = outcomes.into_iter().find(|it| it.as_str() == result);
        let help = "results are: success, failure, cancelled, skipped";
        let outcome =
            outcome.ok_or_else(|| Help::error("cli/expect", format!("`--expect {text}`: no such result"), help))?;
        Ok((job, outcome))
    };
    args.expect.iter().map(parse).collect()
}

/// Where a repository keeps its runs, caches and accounts; ignored by git.
pub(crate) fn state_dir(root: &Path) -> anyhow::Result<PathBuf> {
    let dir = root.join(".wfrun");
    let failed = |err: std::io::Error| not_written(&dir, &err);
    std::fs::create_dir_all(&dir).map_err(failed)?;
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        // The account file is the user's own; all else is the machine's.
        std::fs::write(&ignore, "*\n!aws.yml\n").map_err(failed)?;
    }
    Ok(dir)
}

/// A place of wfrun's own could not be written.
pub(crate) fn not_written(path: &Path, err: &std::io::Error) -> anyhow::Error {
    let help = "wfrun keeps its runs there: is the disk full, the folder read-only, or another user's?";
    Help::error("wfrun/state", format!("failed to write {}: {err}", path.display()), help)
}
