use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::{Location, Source, Span};

/// A value and everything that was found on the way to it.
///
/// Reading a text never fails: what is wrong stands in `diagnostics`, and `value` is what could be made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked<T> {
    /// What could be read.
    pub value: T,
    /// What was found, in the order of the text where possible.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Checked<T> {
    /// Wraps a value nothing was found about.
    pub const fn clean(value: T) -> Self {
        Self { value, diagnostics: Vec::new() }
    }

    /// Replaces the value and keeps the findings.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Checked<U> {
        Checked { value: change(self.value), diagnostics: self.diagnostics }
    }

    /// Tells whether one of the findings is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// One finding about a text: data, rendered elsewhere.
///
/// ```
/// use wfrun_syntax::{Diagnostic, Source, Span};
///
/// let source = Source::new("ci.yml", "on: psuh\n");
/// let found = Diagnostic::error("workflow/unknown-event", "there is no event `psuh`")
///     .at(&source, Span::new(4, 8))
///     .help("did you mean `push`?");
/// assert_eq!(found.to_string(), "error[workflow/unknown-event]: there is no event `psuh` (ci.yml:1:5)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of finding it is; stable, for search and suppression.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence without full stop.
    pub message: String,
    /// Where, if there is one place: what GitHub points at in its own message, a whole scalar or key.
    pub place: Option<Place>,
    /// The exact part of the place's file that is meant, such as one word of a script.
    pub focus: Option<Span>,
    /// Other places that matter, each with a few words.
    pub labels: Vec<Label>,
    /// The way out.
    pub help: Option<String>,
}

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The workflow is invalid: GitHub would refuse it.
    Error,
    /// GitHub accepts it, but it hardly does what is meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// A span and the text it points into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// Where in it.
    pub span: Span,
}

/// A place with a few words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What is there, for example `first defined here`.
    pub text: String,
}

/// What is known of a kind of finding without one at hand: what its page in `docs/diagnostics/` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// The code, `area/name`.
    pub name: &'static str,
    /// How bad a finding of the kind is.
    pub severity: Severity,
    /// What it means, in one sentence; empty without a page.
    pub sentence: &'static str,
    /// What to do about it; empty without a page.
    pub advice: &'static str,
}

/// The stable name of a kind of finding, `area/name` in kebab case: `yaml/tab-indentation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Code(&'static str);

impl Code {
    /// Names a kind of finding.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<&'static str> for Code {
    fn from(name: &'static str) -> Self {
        Self(name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

impl Diagnostic {
    /// Starts a finding that makes the workflow invalid.
    pub fn error(code: impl Into<Code>, message: impl Into<String>) -> Self {
        Self::new(code.into(), Severity::Error, message.into())
    }

    /// Starts a finding GitHub would let pass.
    pub fn warning(code: impl Into<Code>, message: impl Into<String>) -> Self {
        Self::new(code.into(), Severity::Warning, message.into())
    }

    /// Starts a remark.
    pub fn note(code: impl Into<Code>, message: impl Into<String>) -> Self {
        Self::new(code.into(), Severity::Note, message.into())
    }

    const fn new(code: Code, severity: Severity, message: String) -> Self {
        Self { code, severity, message, place: None, focus: None, labels: Vec::new(), help: None }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, span: Span) -> Self {
        self.place = Some(Place { source: Arc::clone(source), span });
        self
    }

    /// Narrows the place down to the part that is meant, in the same file.
    ///
    /// ```
    /// use wfrun_syntax::{Diagnostic, Source, Span};
    ///
    /// let source = Source::new("ci.yml", "if: github.reff == 'x'\n");
    /// let found = Diagnostic::warning("expr/example", "there is no `reff`").at(&source, Span::new(4, 22));
    /// assert_eq!(found.focus(Span::new(11, 15)).exact().expect("it has a place").text(), "reff");
    /// ```
    #[must_use]
    pub fn focus(mut self, span: Span) -> Self {
        self.focus = Some(span);
        self
    }

    /// Points at another place that matters.
    #[must_use]
    pub fn label(mut self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { place: Place { source: Arc::clone(source), span }, text: text.into() });
        self
    }

    /// Says the way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Returns where a person should look: the focus, else the place.
    pub fn exact(&self) -> Option<Place> {
        let place = self.place.as_ref()?;
        Some(Place { source: Arc::clone(&place.source), span: self.focus.unwrap_or(place.span) })
    }

    /// Tells whether it makes the workflow invalid.
    pub const fn is_error(&self) -> bool {
        matches!(self.severity, Severity::Error)
    }
}

/// One line for logs and tests; people see what `wfrun-report` draws.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity, self.code, self.message)?;
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

impl Place {
    /// Returns line and column of the first byte.
    pub fn start(&self) -> Location {
        self.source.location(self.span.start)
    }

    /// Returns line and column after the last byte.
    pub fn end(&self) -> Location {
        self.source.location(self.span.end)
    }

    /// Returns the text that is pointed at.
    pub fn text(&self) -> &str {
        self.source.slice(self.span)
    }
}

/// `path:line:column`, as editors and terminals make a link of it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { line, col } = self.start();
        write!(f, "{}:{line}:{col}", self.source.path())
    }
}
