//! From what the schema has taken to the model, with the checks that no schema can express.
mod container;
mod cron;
mod findings;
mod job;
mod matrix;
mod on;
mod root;
mod step;
mod strategy;

use std::sync::Arc;

use wfrun_syntax::{Checked, Code, Diagnostic, Node, Source, Span};

use crate::schema::WORKFLOW;
use crate::{ReadOptions, Workflow, check, read};
pub(crate) use findings::Findings;
pub(crate) use step::composite_steps;

/// Reads the text of a workflow: YAML, schema, expressions and what they mean together.
///
/// Where the text does not fit the schema, its other rules are not asked, as on GitHub.
pub fn read_workflow(source: &Arc<Source>, options: ReadOptions) -> Checked<Workflow> {
    let Checked { value: node, mut diagnostics } = wfrun_syntax::parse_up_to(source, options.limits.length);
    if node.is_none() {
        return Checked { value: Workflow::empty(source), diagnostics };
    }
    let is_sound = !diagnostics.iter().any(Diagnostic::is_error);
    let lowered = lower_with(source, node.as_ref(), options, is_sound);
    diagnostics.extend(lowered.diagnostics);
    Checked { value: lowered.value, diagnostics }
}

/// Reads a workflow from its YAML tree.
///
/// `node` is none where the YAML could not be read at all; that was said before.
pub fn lower(source: &Arc<Source>, node: Option<&Node>) -> Checked<Workflow> {
    lower_with(source, node, ReadOptions::default(), true)
}

/// Reads a workflow; `is_sound` is false where the YAML has errors, and only the schema is asked then.
fn lower_with(source: &Arc<Source>, node: Option<&Node>, options: ReadOptions, is_sound: bool) -> Checked<Workflow> {
    let Some(node) = node else { return Checked::clean(Workflow::empty(source)) };
    if node.is_null() {
        let found = Diagnostic::error(Code::new("workflow/empty"), "the file is empty");
        let found = found.at(source, Span::default()).help("a workflow needs at least `on:` and `jobs:`");
        return Checked { value: Workflow::empty(source), diagnostics: vec![found] };
    }
    let Checked { value: read::Tree { token, size }, diagnostics } = read::read(source, node, &WORKFLOW, options);
    let mut findings = Findings::new(source, diagnostics);
    let Some(token) = token.filter(|_| is_sound && !findings.has_errors()) else {
        return Checked { value: Workflow::empty(source), diagnostics: findings.finish() };
    };
    let workflow = Workflow { size, ..root::workflow(&mut findings, &token) };
    if !findings.has_errors() {
        check::needs(&workflow, &token, &mut findings);
    }
    Checked { value: workflow, diagnostics: findings.finish() }
}
