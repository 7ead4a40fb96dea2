use std::sync::Arc;

use wfrun_expr::{Availability, Condition, ParseError};
use wfrun_syntax::{Code, Diagnostic, Source, Span};

use crate::report::expression_error;
use crate::{IfField, Token};

/// What is found while a model is made.
#[derive(Debug)]
pub(crate) struct Findings {
    source: Arc<Source>,
    diagnostics: Vec<Diagnostic>,
}

impl Findings {
    pub(crate) fn new(source: &Arc<Source>, diagnostics: Vec<Diagnostic>) -> Self {
        Self { source: Arc::clone(source), diagnostics }
    }

    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn error(&mut self, code: &'static str, message: impl Into<String>, span: Span, help: &str) {
        let found = Diagnostic::error(Code::new(code), message).at(&self.source, span);
        self.push(found.help(help));
    }

    /// An `if:`, none where none was written. One that cannot be read is said and taken as `success()`.
    pub(crate) fn condition(&mut self, token: Option<&Token>, availability: &Availability) -> IfField {
        let text = token.and_then(|it| it.node.scalar_text());
        let parsed = Condition::parse(text.as_deref(), availability);
        self.if_field(parsed, token, availability).unwrap_or_else(IfField::success)
    }

    /// A `pre-if:` or `post-if:` of an action, to which no `success()` is added.
    pub(crate) fn bare_condition(&mut self, token: &Token, availability: &Availability) -> Option<IfField> {
        let parsed = Condition::parse_bare(&token.node.scalar_text()?, availability);
        self.if_field(parsed, Some(token), availability)
    }

    fn if_field(
        &mut self,
        parsed: Result<Condition, ParseError>,
        token: Option<&Token>,
        availability: &Availability,
    ) -> Option<IfField> {
        match parsed {
            Ok(condition) => Some(IfField { condition, node: token.map(|it| it.node.clone()) }),
            Err(error) => {
                if let Some(token) = token {
                    self.push(expression_error(&self.source, &token.node, &error, availability));
                }
                None
            }
        }
    }
}
