//! What is known before a run: variables, outputs of steps, region and account.
use std::collections::{HashMap, HashSet};
use std::path::Path;

use indexmap::IndexMap;
use wfrun_aws::{RequestTarget, UNKNOWN};
use wfrun_expr::{ExprKind, Piece, parse_in, pieces};
use wfrun_workflow::{EnvMap, Field, Job, Step, StepKind, Workflow};

use super::definition::Definition;

/// What is known of a job, up to a step. Texts have [`UNKNOWN`] for what is not.
pub(super) struct Known<'a> {
    /// The repository's folder.
    pub(super) root: &'a Path,
    /// Variables of the workflow and of the job, and those that actions export.
    env: IndexMap<String, String>,
    /// Outputs by id of the step and name, both in lower case.
    outputs: HashMap<(String, String), String>,
    /// Inputs of the composite action that the steps are in, in lower case.
    inputs: IndexMap<String, String>,
    /// The task definitions that steps hand on, by the text that stands for their file.
    pub(super) definitions: HashMap<String, Definition>,
    /// Files that commands of the job write, so that they are not those of the repository.
    pub(super) written: HashSet<String>,
    /// Commands write files that are somewhere else, so that none is sure to be the repository's.
    pub(super) is_lost: bool,
    /// The account of the role that was assumed.
    pub(super) account: String,
    /// Somebody has given the job keys.
    pub(super) has_keys: bool,
}

/// What is known around a composite action.
pub(super) struct Outside {
    env: IndexMap<String, String>,
    /// The variables with which the action begins.
    entered: IndexMap<String, String>,
    outputs: HashMap<(String, String), String>,
    inputs: IndexMap<String, String>,
}

impl<'a> Known<'a> {
    pub(super) fn of(workflow: &Workflow, job: &Job, root: &'a Path) -> Self {
        let mut known = Self {
            root,
            env: IndexMap::new(),
            outputs: HashMap::new(),
            inputs: IndexMap::new(),
            definitions: HashMap::new(),
            written: HashSet::new(),
            is_lost: false,
            account: UNKNOWN.to_string(),
            has_keys: false,
        };
        for map in [&workflow.env, &job.env] {
            known.env = known.with(map);
        }
        known.forget_exported(&job.steps);
        known
    }

    /// What a step writes into the environment file is there for those behind it.
    fn forget_exported(&mut self, steps: &[Step]) {
        let all = steps.iter().flat_map(|it| std::iter::once(it).chain(it.grouped()));
        for name in all.flat_map(exported) {
            self.env.insert(name, UNKNOWN.to_string());
        }
    }

    /// Goes into a composite action; what is known outside is handed back.
    pub(super) fn enter(
        &mut self,
        env: IndexMap<String, String>,
        inputs: IndexMap<String, String>,
        steps: &[Step],
    ) -> Outside {
        let outside = Outside {
            env: std::mem::replace(&mut self.env, env.clone()),
            entered: env,
            outputs: std::mem::take(&mut self.outputs),
            inputs: std::mem::replace(&mut self.inputs, inputs),
        };
        self.forget_exported(steps);
        outside
    }

    /// Comes out of it, with the variables that its steps exported.
    pub(super) fn leave(&mut self, outside: Outside) {
        let Outside { env, entered, outputs, inputs } = outside;
        let inside = std::mem::replace(&mut self.env, env);
        self.env.extend(inside.into_iter().filter(|(name, value)| entered.get(name) != Some(value)));
        (self.outputs, self.inputs) = (outputs, inputs);
    }

    /// The variables, with those of one more `env:`.
    fn with(&self, map: &EnvMap) -> IndexMap<String, String> {
        let mut env = self.env.clone();
        for (name, field) in map.iter() {
            env.insert(name.to_owned(), self.text(field));
        }
        if map.computed().is_some() {
            // Any of them may be another one.
            env.values_mut().for_each(|it| *it = UNKNOWN.to_string());
        }
        env
    }

    /// The variables of a step.
    pub(super) fn env_of(&self, step: &Step) -> IndexMap<String, String> {
        self.with(&step.env)
    }

    /// Sets a variable for the steps to come.
    pub(super) fn export(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn set_output(&mut self, step: &Step, name: &str, value: impl Into<String>) {
        self.outputs.insert((step.id.as_str().to_ascii_lowercase(), name.to_owned()), value.into());
    }

    /// Whether a variable says that keys are there.
    pub(super) fn sees_keys(&self, env: &IndexMap<String, String>) -> bool {
        const KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN"];
        self.has_keys || KEYS.iter().any(|it| env.contains_key(*it))
    }

    /// Where requests go by variables.
    pub(super) fn target(&self, env: &IndexMap<String, String>) -> RequestTarget {
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|it| env.get(*it));
        RequestTarget { account: self.account.clone(), region: region.cloned().unwrap_or_else(|| UNKNOWN.to_string()) }
    }

    /// The text of a value, its expressions replaced.
    pub(super) fn text(&self, field: &Field) -> String {
        self.text_with(field, &self.env)
    }

    /// The text of a value of a step with those variables.
    pub(super) fn text_with(&self, field: &Field, env: &IndexMap<String, String>) -> String {
        if let Some(literal) = field.template.as_literal() {
            return literal.to_owned();
        }
        let raw = field.raw();
        let values = pieces(&raw).map(|it| match it {
            Piece::Text(it) => it.to_owned(),
            Piece::Expression { inner, .. } => self.expression(inner.trim(), env),
            Piece::Open(_) => UNKNOWN.to_string(),
        });
        values.collect()
    }

    /// What an expression comes to: that of a variable, of a known output, or of a constant.
    pub(super) fn expression(&self, inner: &str, env: &IndexMap<String, String>) -> String {
        self.looked_up(inner, env).unwrap_or_else(|| UNKNOWN.to_string())
    }

    fn looked_up(&self, inner: &str, env: &IndexMap<String, String>) -> Option<String> {
        let expr = parse_in(inner, &["env", "inputs", "steps"], &[]).ok()?;
        if let ExprKind::Literal(value) = &expr.kind {
            return Some(value.to_text());
        }
        match expr.path()?.as_slice() {
            [context, name] if context.eq_ignore_ascii_case("env") => env.get(*name).cloned(),
            [context, name] if context.eq_ignore_ascii_case("inputs") => {
                self.inputs.get(&name.to_ascii_lowercase()).cloned()
            }
            [context, id, outputs, name]
                if context.eq_ignore_ascii_case("steps") && outputs.eq_ignore_ascii_case("outputs") =>
            {
                self.outputs.get(&(id.to_ascii_lowercase(), name.to_ascii_lowercase())).cloned()
            }
            _ => None,
        }
    }
}

/// The names that a script may write into `GITHUB_ENV`: all that it assigns, where it speaks of that file.
fn exported(step: &Step) -> Vec<String> {
    let StepKind::Run(run) = &step.kind else { return Vec::new() };
    let script = run.script.raw();
    if !script.contains("GITHUB_ENV") {
        return Vec::new();
    }
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let ends = script.match_indices('=').chain(script.match_indices("<<"));
    let names = ends.map(|(at, _)| {
        let start = script[..at].rfind(|it| !is_name(it)).map_or(0, |it| it + 1);
        script[start..at].to_owned()
    });
    names.filter(|it| !it.is_empty()).collect()
}
