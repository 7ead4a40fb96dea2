use std::ops::Range;

use wfrun_expr::{Condition, Template};
use wfrun_syntax::{Node, Span};

/// A value that may hold expressions, and where it stands.
#[derive(Debug, Clone)]
pub struct Field {
    /// The text, its expressions parsed.
    pub template: Template,
    /// The scalar it was read from.
    pub node: Node,
}

impl Field {
    /// Where it stands.
    pub fn span(&self) -> Span {
        self.node.span
    }

    /// The text as written, after YAML: what GitHub would show if it cannot be evaluated.
    pub fn raw(&self) -> String {
        self.node.scalar_text().unwrap_or_default()
    }
}

/// An `if:`, written or implied.
#[derive(Debug, Clone)]
pub struct IfField {
    /// What is evaluated.
    pub condition: Condition,
    /// The scalar it was read from; none where no `if:` was written.
    pub node: Option<Node>,
}

impl IfField {
    /// Where it stands, if it was written.
    pub fn span(&self) -> Option<Span> {
        self.node.as_ref().map(|it| it.span)
    }

    /// Where a range of the condition's text stands in the file.
    pub fn span_of(&self, range: &Range<u32>) -> Option<Span> {
        self.node.as_ref().map(|it| span_in(it, range))
    }
}

/// Where a byte range of a scalar's value stands in the file.
pub(crate) fn span_in(node: &Node, range: &Range<u32>) -> Span {
    match node.as_text() {
        Some(text) => text.span_of(range.start as usize..range.end as usize),
        None => node.span,
    }
}
