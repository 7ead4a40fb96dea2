//! The contexts of `wfrun eval`.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_backend::chain;
use wfrun_expr::{Called, Expr, Object, Scope, Value};
use wfrun_journal::Masker;
use wfrun_plan::{RunIdentity, github_context};
use wfrun_runner::HashedFolder;
use wfrun_syntax::{Diagnostic, Source};
use wfrun_workflow::{Workflow, lower};

use crate::cli::{EvalArgs, EventArgs};
use crate::environment::Environment;
use crate::key_values;
use crate::output::{Help, Output};
use crate::secrets::{self, Secrets};
use crate::situation::{Situation, given_inputs, situation};

/// Contexts that are made of the options.
const MADE: &[&str] = &["github", "inputs", "vars", "secrets", "env"];

/// Contexts that exist within a job only.
const WITHIN_JOBS: &[&str] = &["job", "jobs", "matrix", "needs", "runner", "steps", "strategy"];

/// What the options and files give.
pub(crate) struct Contexts {
    given: Object,
    secrets: Secrets,
    vars: IndexMap<String, String>,
    env: IndexMap<String, String>,
    inputs: IndexMap<String, String>,
    folder: PathBuf,
}

impl Contexts {
    /// Reads the files that the options name; nothing if one of them is broken, which is said.
    pub(crate) fn read(args: &EvalArgs, output: &Output) -> anyhow::Result<Option<Self>> {
        let given = match &args.context {
            Some(path) => object(path)?,
            None => Object::default(),
        };
        let secrets = secrets::given(&args.happening)?;
        let happening = &args.happening;
        let default = happening.defaults.vars.as_deref();
        let vars = key_values::collect(default, &happening.var_file, &happening.var, "--var")?;
        let env = key_values::environment(happening)?;
        let diagnostics: Vec<Diagnostic> =
            [secrets.diagnostics, vars.diagnostics, env.diagnostics].into_iter().flatten().collect();
        output.diagnostics(&diagnostics);
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Ok(None);
        }
        // There is no workflow that could declare some of them.
        let mut inputs: IndexMap<String, String> = key_values::read_default(happening.defaults.input.as_deref())?
            .value
            .into_iter()
            .map(|it| (it.name, it.value))
            .collect();
        inputs.extend(given_inputs(happening)?);
        Ok(Some(Self {
            given,
            secrets: secrets.value,
            vars: vars.value,
            env: env.value,
            inputs,
            folder: args.happening.directory.clone().unwrap_or_else(|| PathBuf::from(".")),
        }))
    }

    /// The names of all contexts.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.given.keys().chain(MADE.iter().copied()).collect()
    }

    /// Why there is no context of this name.
    pub(crate) fn missing(&self, name: &str) -> String {
        if let Some(name) = WITHIN_JOBS.iter().find(|it| it.eq_ignore_ascii_case(name)) {
            return format!("`{name}` exists within a job only: give it by `--context FILE`, as {{\"{name}\": {{…}}}}");
        }
        format!("the contexts here are: {}; others are given by `--context FILE`", self.names().join(", "))
    }

    /// Makes what the expression asks for, and no more.
    pub(crate) fn scope(
        &self,
        expr: &Expr,
        args: &EvalArgs,
        environment: &Environment,
        masker: &mut Masker,
    ) -> anyhow::Result<Made> {
        let mut all = self.given.clone();
        for name in expr.contexts_used() {
            if all.get(&name).is_some() {
                continue;
            }
            let texts = |map: &IndexMap<String, String>| {
                map.iter().map(|(key, value)| (key.clone(), Value::string(value))).collect::<Vec<_>>()
            };
            let value = match name.as_str() {
                "github" => github(&args.happening, &self.folder, environment)?,
                "inputs" => texts(&self.inputs).into_iter().collect(),
                "vars" => texts(&self.vars).into_iter().collect(),
                "env" => Object::case_sensitive(texts(&self.env)),
                _ => {
                    let token = ("GITHUB_TOKEN".to_owned(), Value::string(TOKEN));
                    let given = self.secrets.iter().map(|(key, value)| (key.clone(), Value::string(value.expose())));
                    std::iter::once(token).chain(given).collect()
                }
            };
            all = all.with(name, Value::Object(value));
        }
        for secret in self.secrets.values() {
            masker.learn(secret);
        }
        Ok(Made { contexts: all, folder: self.folder.clone(), home: environment.home.clone() })
    }
}

/// A token of no worth, of the same form on every call.
const TOKEN: &str = "ghs_000000000000000000000000000000000000";

/// `github` of a run for this event; where there is no repository, of one that is made up.
fn github(args: &EventArgs, folder: &Path, environment: &Environment) -> anyhow::Result<Object> {
    let workflow = no_workflow();
    let Situation { event, notices, .. } = situation(&workflow, folder, args, environment)?;
    for notice in &notices {
        Output::note(notice);
    }
    let identity = RunIdentity {
        run_id: "1".to_owned(),
        run_number: args.run_number.unwrap_or(1),
        run_attempt: 1,
        token: TOKEN.to_owned(),
        workflow_sha: event.sha.clone(),
        api: wfrun_plan::ApiUrls::default(),
    };
    Ok(github_context(&workflow, &event, &identity))
}

/// A workflow without jobs, as which the expression counts.
fn no_workflow() -> Arc<Workflow> {
    let source = Source::new(".github/workflows/eval.yml", "name: eval\non: push\njobs: {}\n");
    let parsed = wfrun_syntax::parse(&source);
    Arc::new(lower(&source, parsed.value.as_ref()).value)
}

/// A file of contexts.
fn object(path: &Path) -> anyhow::Result<Object> {
    let help = "give a file with a JSON object: {\"github\": {…}, …}";
    let failed = |what: String| Help::error("file/context", format!("failed to read {}: {what}", path.display()), help);
    let text = std::fs::read_to_string(path).map_err(|err| failed(err.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|err| failed(err.to_string()))?;
    value.as_object().cloned().ok_or_else(|| failed(format!("it holds {}", value.kind())))
}

/// Contexts and functions of one expression.
pub(crate) struct Made {
    contexts: Object,
    folder: PathBuf,
    home: PathBuf,
}

impl Made {
    /// The folder as the workspace; absolute patterns are of `github.workspace` where a file of contexts says it.
    fn hashed_folder(&self) -> HashedFolder {
        let here = std::fs::canonicalize(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let github = self.context("github");
        let said = github.as_object().and_then(|it| it.get("workspace")).map(Value::to_text);
        let said = said.map(PathBuf::from).filter(|it| it.is_absolute());
        HashedFolder { shown: said.unwrap_or_else(|| here.clone()), here, home: self.home.clone() }
    }
}

impl Scope for Made {
    fn context(&self, name: &str) -> Value {
        self.contexts.get(name).cloned().unwrap_or_default()
    }

    /// `hashFiles` hashes what is in the folder.
    fn call(&self, function: &str, args: &[Value]) -> Called {
        if !function.eq_ignore_ascii_case("hashFiles") {
            return super::called(function);
        }
        let patterns: Vec<String> = args.iter().map(Value::to_text).collect();
        match wfrun_runner::hash_files(&self.hashed_folder(), &patterns) {
            Ok(digest) => Called::Value(Value::from(digest)),
            Err(err) => {
                Output::note(&chain(&err));
                Called::NotYet
            }
        }
    }
}
