use wfrun_syntax::Source;

use crate::checks;

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

/// Reads a file as a workflow.
pub fn workflow(text: &str) {
    let source = Source::new(".github/workflows/fuzz.yml", text);
    let parsed = wfrun_syntax::parse(&source);
    let lowered = wfrun_workflow::lower(&source, parsed.value.as_ref());
    for found in lowered.diagnostics {
        assert!(!found.message.is_empty());
    }
}
