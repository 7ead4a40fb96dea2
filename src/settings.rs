//! What the options mean: files read, conflicts decided, paths absolute.
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use wfrun_backend::Outbound;
use wfrun_expr::Value;
use wfrun_journal::Outcome;
use wfrun_report::ColorChoice;
use wfrun_runner::Actions;
use wfrun_syntax::{Checked, Diagnostic, Severity};
use wfrun_workflow::{FileRef, Loaded as FileLoaded, SetOptions, WorkflowSet};

use crate::actions;
use crate::cli::{Color, RunArgs};
use crate::environment::Environment;
use crate::find::{self, Found};
use crate::key_values;
use crate::outbound;
use crate::output::Help;
use crate::repositories::Repositories;
use crate::secrets::{self, Secrets};
use crate::situation::{Situation, situation};

/// A workflow that was read, and what it is to be run for.
pub(crate) struct Loaded {
    /// The workflow and all it calls.
    pub(crate) set: WorkflowSet,
    /// The folder that holds `.github/`.
    pub(crate) root: PathBuf,
    /// Where actions come from.
    pub(crate) actions: Actions,
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
    /// What steps need to get out to the network.
    pub(crate) outbound: Outbound,
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

/// Reads the workflow and all it calls; its findings may hold errors.
fn read_set(
    args: &RunArgs,
    environment: &Environment,
    outbound: &Outbound,
) -> anyhow::Result<(Found, Actions, WorkflowSet, Vec<Diagnostic>)> {
    let situation = &args.situation;
    let from = find::directory(situation.directory.as_deref())?;
    let found = find::workflow(&situation.workflow, &from)?;
    let repositories = Repositories::new(&args.foresee.local_repository, args.foresee.mirror.as_deref(), &from)?;
    let finder = actions::finder(args, environment, &repositories, outbound);
    let mut not_fetched = Vec::new();
    let mut load = |wanted: &FileRef| {
        let loaded = repositories.load(&found.root, wanted);
        let (FileLoaded::Elsewhere, Some(repository)) = (&loaded, &wanted.repository) else { return loaded };
        actions::called(&finder, repository, wanted).unwrap_or_else(|diagnostic| {
            not_fetched.push(diagnostic);
            FileLoaded::Elsewhere
        })
    };
    let Checked { value: set, mut diagnostics } =
        wfrun_workflow::read_set(&found.source, SetOptions::default(), &mut load);
    diagnostics.extend(not_fetched);
    // What is not here cannot run; those who only look can do without.
    for it in diagnostics.iter_mut().filter(|it| it.code.as_str() == "workflow/call-elsewhere") {
        it.severity = Severity::Error;
        it.message = it.message.trim_end_matches(", so the call is not checked").to_owned();
    }
    diagnostics.extend(set.workflows().flat_map(|it| wfrun_plan::not_yet(it)));
    Ok((found, finder, set, diagnostics))
}

/// Reads all that a run takes; stops at the first thing without which nothing makes sense.
pub(crate) fn load(run: &RunArgs, environment: &Environment) -> anyhow::Result<Result<Loaded, Vec<Diagnostic>>> {
    let args = &run.situation;
    let outbound = outbound::read(run.ca_file.as_deref(), environment)?;
    let (found, actions, set, mut diagnostics) = read_set(run, environment, &outbound)?;
    let secrets = secrets::given(args)?;
    let vars = key_values::collect(args.defaults.vars.as_deref(), &args.var_file, &args.var, "--var")?;
    let env = key_values::environment(args)?;
    diagnostics.extend(secrets.diagnostics);
    diagnostics.extend(vars.diagnostics);
    diagnostics.extend(env.diagnostics);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Ok(Err(diagnostics));
    }
    let mut situation = situation(&set.root, &found.root, &args.happening, environment)?;
    if secrets.value.contains_key("GITHUB_TOKEN") {
        situation.notices.push(format!("the secret `GITHUB_TOKEN` has no effect: {}", secrets::NO_TOKEN));
    }
    let inputs = Value::Object(situation.inputs.clone());
    Ok(Ok(Loaded {
        set,
        root: found.root,
        actions,
        situation,
        secrets: secrets.value,
        vars: vars.value,
        env: env.value,
        inputs,
        outbound,
        diagnostics,
    }))
}

/// The results that `--expect` asserts, by job.
pub(crate) fn expectations(args: &RunArgs) -> anyhow::Result<Vec<(String, Outcome)>> {
    let parse = |text: &String| {
        let (job, result) = key_values::pair(text, "--expect")?;
        let outcome = Outcome::parse(&result);
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
