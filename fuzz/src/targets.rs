use wfrun_syntax::Source;

use crate::{checks, workflow_checks};

/// Parses an expression, a template and a condition.
pub fn expr_parse(text: &str) {
    checks::parsed(text);
}

/// Evaluates them, and gives the text to the functions that read texts.
pub fn expr_eval(text: &str) {
    checks::evaluated(text);
}

/// Reads a file as YAML; every finding has a place in it.
pub fn yaml(text: &str) {
    let source = Source::new("fuzz.yml", text);
    for found in wfrun_syntax::parse(&source).diagnostics {
        if let Some(place) = found.place {
            assert!(place.span.end as usize <= text.len(), "{}: {:?}", found.message, place.span);
        }
    }
}

/// Reads a file as a workflow with its lints, and as an action.
pub fn workflow(text: &str) {
    workflow_checks::workflow(text);
    workflow_checks::action(text);
}
