//! The inputs of a run by hand or by a call, from options, files and the payload.
use indexmap::IndexMap;
use serde_json::Value as Json;
use wfrun_expr::Value;
use wfrun_plan::{Event, InputError, Inputs, call_inputs, dispatch_inputs};
use wfrun_syntax::{Checked, closest};
use wfrun_workflow::Workflow;

use super::Making;
use crate::cli::EventArgs;
use crate::key_values;
use crate::output::Help;

/// What the options and their files give, as it was written.
pub(crate) fn given(args: &EventArgs) -> anyhow::Result<IndexMap<String, String>> {
    let Checked { value, diagnostics } = key_values::collect(None, &args.input_file, &args.input, "--input")?;
    match diagnostics.into_iter().next() {
        None => Ok(value),
        Some(found) => {
            let place = found.place.as_ref().map(|it| format!("{it}: ")).unwrap_or_default();
            let help = found.help.clone().unwrap_or_default();
            Err(Help::error("file/broken-line", format!("{place}{}", found.message), help))
        }
    }
}

/// What act's `.input` gives to a workflow: of the inputs of all workflows in it, those that this one declares.
fn of_default(making: &mut Making<'_>, event: &str) -> anyhow::Result<IndexMap<String, String>> {
    let path = making.asked.args.defaults.input.as_deref();
    let Checked { value, diagnostics } = key_values::read_default(path)?;
    making.notices.extend(diagnostics.iter().map(ToString::to_string));
    let declared = making.workflow.on.event(event).map(|it| &it.inputs);
    let is_declared = |name: &str| declared.is_some_and(|it| it.keys().any(|known| name.eq_ignore_ascii_case(known)));
    let (known, others): (Vec<_>, Vec<_>) = value.into_iter().partition(|it| is_declared(&it.name));
    if let (Some(path), false) = (path, others.is_empty()) {
        let names: Vec<_> = others.iter().map(|it| format!("`{}`", it.name)).collect();
        let path = path.display();
        making.notices.push(format!("{} of {path}: no inputs of this workflow", names.join(", ")));
    }
    Ok(known.into_iter().map(|it| (it.name, it.value)).collect())
}

/// Checks what was given against what the workflow declares. Events that have no inputs leave them alone, and say so.
pub(super) fn inputs(making: &mut Making<'_>, event: &Event) -> anyhow::Result<Inputs> {
    let given = given(making.asked.args)?;
    if !matches!(event.name.as_str(), "workflow_dispatch" | "workflow_call") {
        if let Some(name) = given.keys().next() {
            let instead = "`--event workflow_dispatch` has inputs";
            making.notices.push(format!("input `{name}` has no effect: `{}` has no inputs; {instead}", event.name));
        }
        return Ok(Inputs::default());
    }
    // An option wins over the payload, whatever the case of the name.
    let told = making.asked.member("/inputs").and_then(Json::as_object).cloned().unwrap_or_default();
    let told = told.into_iter().filter(|(_, value)| !value.is_null());
    let mut all = of_default(making, &event.name)?;
    let told = told.map(|(name, value)| (name, Value::from(value).to_text()));
    for (name, value) in told.chain(given) {
        all.retain(|it, _| !it.eq_ignore_ascii_case(&name));
        all.insert(name, value);
    }
    checked_inputs(making.workflow, &event.name, &all)
}

/// What the workflow gets to see of the inputs; none, where the event has no inputs.
pub(crate) fn checked_inputs(
    workflow: &Workflow,
    event: &str,
    all: &IndexMap<String, String>,
) -> anyhow::Result<Inputs> {
    let is_call = event == "workflow_call";
    if event != "workflow_dispatch" && !is_call {
        return Ok(Inputs::default());
    }
    let Some(config) = workflow.on.event(event) else {
        // It is not triggered, which is said elsewhere; an expression may still ask.
        let context = all.iter().map(|(name, value)| (name.clone(), Value::string(value))).collect();
        let event = all.iter().map(|(name, value)| (name.clone(), Json::String(value.clone()))).collect();
        return Ok(Inputs { context, event });
    };
    let made = if is_call { call_inputs(&config.inputs, all) } else { dispatch_inputs(&config.inputs, all) };
    made.map_err(|err| refused(&err))
}

fn refused(err: &InputError) -> anyhow::Error {
    let (code, help) = match err {
        InputError::Unknown { known, .. } if known.is_empty() => ("input/unknown", "it has no inputs".to_owned()),
        InputError::Unknown { name, known } => {
            let near = closest(name, known.iter().map(String::as_str));
            let near = near.map(|it| format!("did you mean `{it}`? ")).unwrap_or_default();
            ("input/unknown", format!("{near}its inputs are: {}", known.join(", ")))
        }
        InputError::Required { name } => ("input/required", format!("give it by `--input {name}=…`")),
        InputError::NotABoolean { .. } => ("input/not-a-boolean", "write `true` or `false`".to_owned()),
        InputError::NotANumber { .. } => ("input/not-a-number", "write a number, for example `1.5`".to_owned()),
        InputError::NoOption { options, .. } => ("input/no-option", format!("its options are: {}", options.join(", "))),
    };
    Help::error(code, err.to_string(), help)
}
