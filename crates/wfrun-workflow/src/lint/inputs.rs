//! `inputs/undeclared`: inputs that no event of the workflow declares.
use wfrun_syntax::{Diagnostic, eq_ignoring_case};

use super::path::{Part, Path};
use super::written::Written;
use super::{Linting, names_help};

/// Looks for `inputs.NAME` and `github.event.inputs.NAME` that are declared nowhere.
///
/// Source: GitHub: planning rules 2.6 and 2.7.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let both = ["workflow_dispatch", "workflow_call"];
    let mut found = Vec::new();
    for written in &linting.written {
        for path in written.paths("inputs") {
            if let Some(part) = path.parts.first() {
                found.extend(undeclared(linting, written, part, &both));
            }
        }
        // In a called workflow the event is the caller's.
        if !linting.workflow.on.is_callable() {
            let is_input = |it: &Path<'_>| it.starts_with(&["event", "inputs"]);
            for path in written.paths("github").into_iter().filter(is_input) {
                if let Some(part) = path.parts.get(2) {
                    found.extend(undeclared(linting, written, part, &both[..1]));
                }
            }
        }
    }
    found
}

fn undeclared(linting: &Linting<'_>, written: &Written<'_>, part: &Part<'_>, events: &[&str]) -> Option<Diagnostic> {
    let name = part.name?;
    let on = &linting.workflow.on;
    let configs: Vec<_> = events.iter().filter_map(|it| on.event(it)).collect();
    let mut names: Vec<&str> = configs.iter().flat_map(|it| it.inputs.keys()).map(String::as_str).collect();
    names.dedup();
    if names.iter().any(|it| eq_ignoring_case(it, name)) {
        return None;
    }
    let message = format!("the workflow declares no input `{name}`, so this is empty");
    let event = if on.is_callable() { "workflow_call" } else { "workflow_dispatch" };
    let none = format!("declare it below `on.{event}.inputs`");
    let help = names_help(name, names, "it declares", &none);
    let found = linting.warning("inputs/undeclared", message, written.place());
    Some(found.focus(written.span_of(&part.range)).help(help))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    fn workflow(on: &str, path: &str) -> String {
        format!("on: {on}\njobs: {{j: {{runs-on: x, steps: [{{run: 'echo ${{{{ {path} }}}}'}}]}}}}\n")
    }

    #[test]
    fn inputs() {
        let dispatch = "{workflow_dispatch: {inputs: {version: {}}}}";
        let call = "{workflow_call: {inputs: {version: {type: string}}}}";
        for (on, path, expected) in [
            (dispatch, "inputs.verison", "inputs/undeclared `verison`: did you mean `version`?"),
            (call, "inputs.x", "inputs/undeclared `x`: it declares: version"),
            (dispatch, "github.event.inputs.x", "inputs/undeclared `x`: it declares: version"),
            ("push", "inputs.x", "inputs/undeclared `x`: declare it below `on.workflow_dispatch.inputs`"),
        ] {
            check(&workflow(on, path), &[expected]);
        }
        for (on, path) in [
            (dispatch, "inputs.Version"),
            (call, "inputs.version"),
            (dispatch, "github.event.inputs.version"),
            (call, "github.event.inputs.x"),
            (dispatch, "toJSON(inputs)"),
            (dispatch, "inputs[github.ref]"),
        ] {
            check(&workflow(on, path), &[]);
        }
    }
}
