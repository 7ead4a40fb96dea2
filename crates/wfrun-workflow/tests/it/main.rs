//! From text to the model.
#![expect(clippy::print_stdout, reason = "what is skipped must be seen")]
mod checks;
mod conformance;
mod lowering;
mod properties;
mod schema;
mod set;

use std::sync::Arc;

use wfrun_syntax::{Checked, Source};
use wfrun_workflow::{Workflow, lower};

/// Reads a workflow, the findings of both readers together.
fn read(text: &str) -> Checked<Workflow> {
    let source: Arc<Source> = Source::new("w.yml", text);
    let parsed = wfrun_syntax::parse(&source);
    let mut lowered = lower(&source, parsed.value.as_ref());
    lowered.diagnostics.splice(0..0, parsed.diagnostics);
    lowered
}
