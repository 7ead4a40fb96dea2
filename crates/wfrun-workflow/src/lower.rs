//! From a YAML tree to the model.
mod cursor;
mod job;
mod on;
mod root;
mod step;

use std::sync::Arc;

use wfrun_syntax::{Checked, Node, Source};

use crate::{Workflow, check};
pub(crate) use cursor::{Cursor, Key};

/// Reads a workflow from its YAML tree.
///
/// The model holds what could be read; it may be run only if no diagnostic is an error.
pub fn lower(source: &Arc<Source>, node: Option<&Node>) -> Checked<Workflow> {
    let mut cursor = Cursor::new(source);
    let workflow = root::workflow(&mut cursor, node);
    // The graph is only worth a look once the jobs themselves could be read.
    if !cursor.has_errors() {
        check::needs(&workflow, &mut cursor);
    }
    Checked { value: workflow, diagnostics: cursor.finish() }
}
