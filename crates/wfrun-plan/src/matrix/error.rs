use std::sync::Arc;

use thiserror::Error;
use wfrun_expr::EvalError;
use wfrun_syntax::{Source, Span};

use crate::{TokenError, TokenErrorKind};

use super::MAX_LEGS;

/// Most errors that GitHub keeps of one evaluation.
///
/// Source: actions/runner: `MaxErrors` in `WorkflowTemplateEvaluator.cs`.
const MAX_ERRORS: usize = 10;
/// Most UTF-16 units of a message that are shown.
const MAX_MESSAGE: usize = 500;

/// Why a `strategy:` does not come to legs.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ExpandError {
    /// An expression asks for what is not known yet: evaluate again when it is.
    #[error("the legs are not known yet")]
    NotYet(#[source] TokenError),
    /// It is wrong; the job fails. In the order of the file, 1 to 10.
    #[error("{}", texts(.0))]
    Wrong(Vec<StrategyError>),
    /// There are more than [`MAX_LEGS`] legs; the job fails.
    #[error("there are more than {MAX_LEGS} legs")]
    TooManyLegs {
        /// The place of the strategy.
        span: Span,
        /// How many there are; less than that where `at_least`.
        legs: usize,
        /// Whether counting was given up.
        at_least: bool,
    },
    /// Looking for the combinations that `exclude` leaves was given up.
    #[error("the matrix has too many combinations to go through")]
    TooMuchWork {
        /// The place of the strategy.
        span: Span,
    },
}

/// What is wrong with a `strategy:` once its expressions have values.
///
/// Displayed in GitHub's words.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{kind}")]
pub struct StrategyError {
    /// Where GitHub says it stands.
    pub span: Span,
    /// What is wrong.
    pub kind: StrategyErrorKind,
}

/// What a [`StrategyError`] is about.
///
/// Source: GitHub: planning rules P4.5.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StrategyErrorKind {
    /// An expression has no value, or its value has the wrong shape.
    #[error("{0}")]
    Token(TokenErrorKind),
    /// `matrix:` has neither a vector nor an `include` with items.
    #[error("Matrix must define at least one vector")]
    NoVector,
    /// A vector is empty.
    #[error("Matrix vector '{name}' does not contain any values")]
    EmptyVector {
        /// Its key.
        name: String,
    },
    /// An item of `exclude` has a key that is no vector.
    #[error("Matrix exclude key '{key}' does not match any key within the matrix")]
    UnknownExcludeKey {
        /// As written.
        key: String,
    },
    /// An item of `exclude` is `{}`.
    #[error("Matrix exclude filter must not be empty")]
    EmptyExclude,
    /// An item of `include` is `{}`.
    #[error("Matrix include mapping does not contain any values")]
    EmptyInclude,
}

impl From<TokenError> for StrategyError {
    fn from(TokenError { span, kind }: TokenError) -> Self {
        Self { span, kind: StrategyErrorKind::Token(kind) }
    }
}

impl ExpandError {
    /// What GitHub shows at the job that fails; none where nothing is wrong yet.
    ///
    /// Source: GitHub: planning rules P4.2, and for too many legs the annotation quoted in
    /// <https://github.com/NVIDIA/aicr/issues/1171>.
    pub fn github_text(&self, job: &str, source: &Arc<Source>) -> Option<String> {
        let place = |span: Span| {
            let at = source.location(span.start);
            format!("{} (Line: {}, Col: {})", source.path(), at.line, at.col)
        };
        match self {
            Self::NotYet(_) => None,
            Self::Wrong(errors) => {
                let texts = errors.iter().flat_map(|err| err.texts().map(|it| format!("{}: {it}", place(err.span))));
                let each: Vec<String> = texts.take(MAX_ERRORS).map(shortened).collect();
                Some(format!("Error when evaluating 'strategy' for job '{job}'. {}", each.join(",")))
            }
            Self::TooManyLegs { span, legs, at_least } => {
                let about = if *at_least { "at least " } else { "" };
                let what = format!("produced {about}{legs} configurations which exceeds the maximum of {MAX_LEGS}");
                Some(format!("{}: Strategy for job '{job}' {what} configurations", place(*span)))
            }
            Self::TooMuchWork { span } => Some(format!("{}: {self}", place(*span))),
        }
    }

    /// Where it stands; of several places the first.
    pub fn span(&self) -> Span {
        match self {
            Self::NotYet(err) => err.span,
            Self::Wrong(errors) => errors.first().map(|it| it.span).unwrap_or_default(),
            Self::TooManyLegs { span, .. } | Self::TooMuchWork { span } => *span,
        }
    }
}

impl StrategyError {
    /// GitHub tells an exception and the one inside it apart, and `fromJSON` makes two.
    ///
    /// Source: actions/runner: `TemplateValidationErrors.cs` and `FromJson.cs`.
    fn texts(&self) -> impl Iterator<Item = String> {
        let is_json = matches!(&self.kind, StrategyErrorKind::Token(TokenErrorKind::Eval(EvalError::Json { .. })));
        is_json.then(|| "Error parsing fromJson".to_owned()).into_iter().chain([self.to_string()])
    }
}

/// At most 500 UTF-16 units of a message are kept.
///
/// Source: actions/runner: `MaxErrorMessageLength` in `WorkflowTemplateEvaluator.cs`.
fn shortened(message: String) -> String {
    if message.encode_utf16().nth(MAX_MESSAGE).is_none() {
        return message;
    }
    let units: Vec<u16> = message.encode_utf16().take(MAX_MESSAGE).collect();
    String::from_utf16_lossy(&units) + "[...]"
}

/// Puts errors in the order of the file; fails where there is one.
pub(super) fn check(mut errors: Vec<StrategyError>) -> Result<(), ExpandError> {
    if errors.is_empty() {
        return Ok(());
    }
    errors.sort_by_key(|it| it.span.start);
    errors.truncate(MAX_ERRORS);
    Err(ExpandError::Wrong(errors))
}

fn texts(errors: &[StrategyError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
