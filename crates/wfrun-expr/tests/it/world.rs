//! A scope made of JSON, for tests.

use std::collections::HashMap;

use serde_json::json;
use wfrun_expr::{Called, EvalError, Expr, FunctionSpec, ParseError, Scope, Trace, Value, evaluate, parse_in};

/// Contexts by lower-case name, and status functions that answer by what is in them.
pub(crate) struct World {
    contexts: HashMap<String, Value>,
    /// What `success()` is.
    pub(crate) success: bool,
}

pub(crate) const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec { name: "success", min: 0, max: usize::MAX },
    FunctionSpec { name: "failure", min: 0, max: usize::MAX },
    FunctionSpec { name: "always", min: 0, max: 0 },
    FunctionSpec { name: "cancelled", min: 0, max: 0 },
    FunctionSpec { name: "hashFiles", min: 1, max: 255 },
];

impl World {
    pub(crate) fn new(contexts: &serde_json::Value) -> Self {
        let members = contexts.as_object().cloned().unwrap_or_default();
        let contexts = members.into_iter().map(|(name, value)| (name.to_lowercase(), Value::from(value))).collect();
        Self { contexts, success: true }
    }

    pub(crate) fn empty() -> Self {
        Self::new(&json!({}))
    }

    pub(crate) fn parse(&self, text: &str) -> Result<Expr, ParseError> {
        let names: Vec<&str> = self.contexts.keys().map(String::as_str).collect();
        parse_in(text, &names, FUNCTIONS)
    }

    pub(crate) fn eval(&self, text: &str) -> Result<Trace, EvalError> {
        let expr = self.parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        evaluate(&expr, self)
    }

    pub(crate) fn value(&self, text: &str) -> Value {
        self.eval(text).unwrap_or_else(|error| panic!("{text}: {error}")).value().clone()
    }
}

impl Scope for World {
    fn context(&self, name: &str) -> Value {
        self.contexts.get(&name.to_lowercase()).cloned().unwrap_or_default()
    }

    fn call(&self, function: &str, _: &[Value]) -> Called {
        match function.to_lowercase().as_str() {
            "success" => Called::Value(self.success.into()),
            "failure" => Called::Value((!self.success).into()),
            "always" => Called::Value(true.into()),
            "cancelled" => Called::Value(false.into()),
            _ => Called::NotYet,
        }
    }
}
