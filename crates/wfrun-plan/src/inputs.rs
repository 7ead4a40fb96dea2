//! The inputs of a run by hand, checked by their types.
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};
use thiserror::Error;
use wfrun_expr::{Object, Value};
use wfrun_workflow::{InputKind, InputSpec};

/// What a workflow gets to see of its inputs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inputs {
    /// `inputs`: booleans are booleans.
    pub context: Object,
    /// `github.event.inputs` of `workflow_dispatch`: texts, all of them.
    pub event: Map<String, Json>,
}

/// Why GitHub would not start the run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InputError {
    /// Nothing of that name is declared.
    #[error("the workflow has no input `{name}`")]
    Unknown {
        /// What was given.
        name: String,
        /// What is declared.
        known: Vec<String>,
    },
    /// It is required, and neither given nor by default.
    #[error("input `{name}` is required")]
    Required {
        /// The input.
        name: String,
    },
    /// A boolean input is something else.
    #[error("input `{name}` is `{text}`")]
    NotABoolean {
        /// The input.
        name: String,
        /// What it is.
        text: String,
    },
    /// A number input is something else.
    #[error("input `{name}` is `{text}`")]
    NotANumber {
        /// The input.
        name: String,
        /// What it is.
        text: String,
    },
    /// A choice input is none of its options.
    #[error("input `{name}` is `{text}`")]
    NoOption {
        /// The input.
        name: String,
        /// What it is.
        text: String,
        /// What it could be.
        options: Vec<String>,
    },
}

/// Puts together the inputs of `workflow_dispatch`: given ones, and defaults. Names are the same in any case.
///
/// A number stays the text that was given, as GitHub has it; without one it is empty, which is 0 to every comparison.
/// Source: GitHub: planning rules 2.6.
pub fn dispatch_inputs(
    specs: &IndexMap<String, InputSpec>,
    given: &IndexMap<String, String>,
) -> Result<Inputs, InputError> {
    inputs(specs, given, false)
}

/// Puts together the inputs of a `workflow_call`, as if a caller had given texts: numbers are numbers.
///
/// Source: GitHub: planning rules 2.7.
pub fn call_inputs(
    specs: &IndexMap<String, InputSpec>,
    given: &IndexMap<String, String>,
) -> Result<Inputs, InputError> {
    inputs(specs, given, true)
}

fn inputs(
    specs: &IndexMap<String, InputSpec>,
    given: &IndexMap<String, String>,
    is_call: bool,
) -> Result<Inputs, InputError> {
    let unknown = given.keys().find(|name| !specs.keys().any(|it| it.eq_ignore_ascii_case(name)));
    if let Some(name) = unknown {
        return Err(InputError::Unknown { name: name.clone(), known: specs.keys().cloned().collect() });
    }
    let (mut members, mut event) = (Vec::new(), Map::new());
    for (name, spec) in specs {
        // The last wins.
        let given = given.iter().rev().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| it.as_str());
        let value = match given.or_else(|| spec.default_text()) {
            Some(text) => typed(name, spec, text, is_call)?,
            None if spec.required => return Err(InputError::Required { name: name.clone() }),
            None => absent(spec, is_call),
        };
        event.insert(name.clone(), Json::String(value.to_text()));
        members.push((name.clone(), value));
    }
    Ok(Inputs { context: members.into_iter().collect(), event })
}

fn typed(name: &str, spec: &InputSpec, text: &str, is_call: bool) -> Result<Value, InputError> {
    let (name, owned) = (name.to_owned(), text.to_owned());
    match spec.kind {
        InputKind::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(InputError::NotABoolean { name, text: owned }),
        },
        InputKind::Number => match Value::string(text).to_number() {
            number if number.is_nan() => Err(InputError::NotANumber { name, text: owned }),
            number if is_call => Ok(Value::Number(number)),
            _ => Ok(Value::string(text)),
        },
        InputKind::Choice if !spec.options.contains(&owned) => {
            Err(InputError::NoOption { name, text: owned, options: spec.options.clone() })
        }
        InputKind::Choice | InputKind::String | InputKind::Environment => Ok(Value::string(text)),
    }
}

/// What an input has that nobody gave and that has no default.
pub(crate) fn absent(spec: &InputSpec, is_call: bool) -> Value {
    match spec.kind {
        InputKind::Boolean => Value::Bool(false),
        InputKind::Number if is_call => Value::Number(0.0),
        // What the form on the page has selected.
        InputKind::Choice => Value::string(spec.options.first().map_or("", String::as_str)),
        InputKind::Number | InputKind::String | InputKind::Environment => Value::string(""),
    }
}
