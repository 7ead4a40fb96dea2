//! What a call gives, against what the callee declares.
use wfrun_syntax::{Code, Diagnostic, NodeKind, Span, closest, eq_ignoring_case};

use super::CallSite;
use crate::{CallSecrets, EventConfig, Field, InputKind};

/// Checks `with:`: types, inputs that are required, and inputs that do not exist.
pub(super) fn check(call: &CallSite<'_>, trigger: &EventConfig) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let with = &call.call.with;
    for (name, spec) in &trigger.inputs {
        let given = with.iter().find(|(key, _)| eq_ignoring_case(key, name));
        match given {
            Some((_, field)) => found.extend(mistyped(call, field, spec.kind)),
            None if spec.required && with.computed().is_none() => {
                let message = format!("Input {name} is required, but not provided while calling.");
                found.push(at(
                    call,
                    "workflow/call-input",
                    message,
                    call.call.target.span,
                    format!("add `{name}:` below `with:`"),
                ));
            }
            None => {}
        }
    }
    for (name, field) in with.entries() {
        if !trigger.inputs.keys().any(|it| eq_ignoring_case(it, &name.value)) {
            let message = format!("Invalid input, {} is not defined in the referenced workflow.", name.value);
            let help = declared(&name.value, trigger.inputs.keys().map(String::as_str));
            found.push(at(call, "workflow/call-input", message, field.node.place(), help).focus(name.span));
        }
    }
    found
}

/// Checks `secrets:`; with `inherit` there is nothing to compare.
pub(super) fn check_secrets(call: &CallSite<'_>, trigger: &EventConfig) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let CallSecrets::Named(given) = &call.call.secrets else { return found };
    for (name, spec) in &trigger.secrets {
        let is_given = given.iter().any(|(key, _)| eq_ignoring_case(key, name)) || given.computed().is_some();
        if spec.required && !is_given {
            let message = format!("Secret {name} is required, but not provided while calling.");
            let help = format!("add `{name}:` below `secrets:`, or write `secrets: inherit`");
            found.push(at(call, "workflow/call-secret", message, call.call.target.span, help));
        }
    }
    for (name, field) in given.entries() {
        if !trigger.secrets.keys().any(|it| eq_ignoring_case(it, &name.value)) {
            let message = format!("Invalid secret, {} is not defined in the referenced workflow.", name.value);
            let help = declared(&name.value, trigger.secrets.keys().map(String::as_str));
            found.push(at(call, "workflow/call-secret", message, field.node.place(), help).focus(name.span));
        }
    }
    found
}

/// A literal of another type than the input's; expressions are checked when they have a value.
fn mistyped(call: &CallSite<'_>, field: &Field, kind: InputKind) -> Option<Diagnostic> {
    field.template.as_literal()?;
    let (fits, expected) = match kind {
        InputKind::Boolean => (matches!(&*field.node.kind, NodeKind::Bool(_)), "`true` or `false`, without quotes"),
        InputKind::Number => (matches!(&*field.node.kind, NodeKind::Number(_)), "a number, without quotes"),
        InputKind::String | InputKind::Choice | InputKind::Environment => (true, ""),
    };
    let message = format!("Unexpected value '{}'", field.raw());
    let help = format!("the input is a {}: write {expected}", kind.word());
    (!fits).then(|| at(call, "workflow/call-input", message, field.node.place(), help))
}

fn at(call: &CallSite<'_>, code: &'static str, message: String, span: Span, help: String) -> Diagnostic {
    Diagnostic::error(Code::new(code), message).at(call.source, span).help(help)
}

fn declared<'a>(name: &str, all: impl Iterator<Item = &'a str> + Clone) -> String {
    match closest(name, all.clone()) {
        Some(it) => format!("did you mean `{it}`?"),
        None => match all.collect::<Vec<_>>().join(", ") {
            names if names.is_empty() => "the called workflow declares none: take it away".to_owned(),
            names => format!("the called workflow declares: {names}"),
        },
    }
}
