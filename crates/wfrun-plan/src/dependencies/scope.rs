//! What expressions can ask when nothing has happened yet.
use indexmap::IndexMap;
use wfrun_expr::{Called, Object, Scope, Value};
use wfrun_syntax::eq_ignoring_case;
use wfrun_workflow::EnvMap;

use crate::CallInput;
use crate::outlook::field_if_known;

/// What is known when dependencies are read.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The members of `github` that are known.
    pub github: Object,
    /// `vars`, if they are known.
    pub vars: Option<Object>,
    /// The `inputs` of the workflow itself, if they are known.
    pub inputs: Option<Object>,
}

/// `inputs` as far as they are known.
#[derive(Debug, Clone, Default)]
pub(super) struct Inputs {
    known: Value,
    unknown: Vec<String>,
    /// Whether nothing is known of any.
    is_open: bool,
}

/// The contexts of one job.
#[derive(Debug, Clone)]
pub(super) struct Known<'a> {
    pub(super) github: &'a Value,
    pub(super) vars: Option<&'a Value>,
    pub(super) inputs: &'a Inputs,
    pub(super) strategy: Value,
    pub(super) matrix: Value,
    pub(super) unknown_matrix: bool,
    pub(super) env: IndexMap<String, Option<Value>>,
}

impl Inputs {
    /// Of the workflow itself.
    pub(super) fn given(inputs: Option<&Object>) -> Self {
        let known = Value::Object(inputs.cloned().unwrap_or_default());
        Self { known, unknown: Vec::new(), is_open: inputs.is_none() }
    }

    /// Nothing is known, as of an action's.
    pub(super) fn open() -> Self {
        Self::given(None)
    }

    /// Of a called workflow.
    pub(super) fn of_call(all: &[CallInput]) -> Self {
        let known = all.iter().filter_map(|it| Some((it.name.clone(), it.value.clone()?)));
        let unknown = all.iter().filter(|it| it.value.is_none()).map(|it| it.name.clone()).collect();
        Self { known: Value::Object(known.collect::<Object>()), unknown, is_open: false }
    }

    fn knows(&self, name: Option<&str>) -> bool {
        !self.is_open
            && match name {
                Some(name) => !self.unknown.iter().any(|it| eq_ignoring_case(it, name)),
                None => self.unknown.is_empty(),
            }
    }
}

impl Known<'_> {
    /// With the values of an `env:` laid over those that are there.
    pub(super) fn with_env(mut self, map: &EnvMap) -> Self {
        let values: Vec<_> = map.iter().map(|(name, field)| (name.to_owned(), field_if_known(field, &self))).collect();
        self.env.extend(values);
        self
    }
}

impl Scope for Known<'_> {
    fn context(&self, name: &str) -> Value {
        match name.to_ascii_lowercase().as_str() {
            "github" => self.github.clone(),
            "vars" => self.vars.cloned().unwrap_or_default(),
            "inputs" => self.inputs.known.clone(),
            "strategy" => self.strategy.clone(),
            "matrix" => self.matrix.clone(),
            "env" => {
                let known = self.env.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
                Value::Object(Object::case_sensitive(known))
            }
            _ => Value::Object(Object::default()),
        }
    }

    fn call(&self, _function: &str, _args: &[Value]) -> Called {
        Called::NotYet
    }

    fn knows(&self, path: &[&str]) -> bool {
        let Some((context, rest)) = path.split_first() else { return true };
        let first = rest.first().copied();
        match context.to_ascii_lowercase().as_str() {
            "github" => match (first, self.github) {
                (Some(name), Value::Object(github)) => github.get(name).is_some(),
                _ => false,
            },
            "vars" => self.vars.is_some(),
            "inputs" => self.inputs.knows(first),
            "matrix" | "strategy" => !self.unknown_matrix,
            "env" => first.is_some_and(|it| self.env.get(it).is_some_and(Option::is_some)),
            _ => false,
        }
    }
}
