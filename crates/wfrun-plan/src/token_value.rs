//! What a part of a workflow file comes to once its expressions have values.
mod limits;

use std::collections::HashSet;

use thiserror::Error;
use wfrun_expr::{Array, EvalError, Object, Scope, Template, Value};
use wfrun_syntax::{Span, Spanned, upper_ordinal};
use wfrun_workflow::{Entry, EntryKey, Token, TokenKind};

pub(crate) use self::limits::{Limits, size, text_size};

/// What is wrong with a value of a workflow file, found when its expressions were evaluated.
///
/// Displayed in GitHub's words.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{kind}")]
pub struct TokenError {
    /// Where GitHub says it stands: what an expression made stands where the expression does.
    pub span: Span,
    /// What is wrong.
    pub kind: TokenErrorKind,
}

/// What a [`TokenError`] is about.
///
/// Source: actions/runner: `TemplateStrings.resx`, `TemplateEvaluator.cs` and `TemplateToken.cs` of its
/// `WorkflowParser`.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum TokenErrorKind {
    /// An expression has no value, or none yet.
    #[error("{0}")]
    Eval(EvalError),
    /// An expression that makes up a key gives a collection.
    #[error("Expected a string")]
    NotAString,
    /// What `${{ insert }}` has beside it is no mapping.
    #[error("Expected a mapping")]
    NotAMapping,
    /// A key comes twice, ignoring case.
    #[error("'{key}' is already defined")]
    AlreadyDefined {
        /// The later one.
        key: String,
    },
    /// A scalar, or a key, that may not stand there.
    #[error("Unexpected value '{value}'")]
    UnexpectedValue {
        /// As text.
        value: String,
    },
    /// A sequence where something else belongs.
    #[error("A sequence was not expected")]
    UnexpectedSequence,
    /// A mapping where something else belongs.
    #[error("A mapping was not expected")]
    UnexpectedMapping,
    /// More than 50 levels.
    #[error("Maximum object depth exceeded")]
    TooDeep,
    /// More than 10 MB in GitHub's count.
    #[error("Maximum object size exceeded")]
    TooLarge,
}

impl TokenError {
    pub(crate) const fn new(span: Span, kind: TokenErrorKind) -> Self {
        Self { span, kind }
    }

    /// Tells whether the value is merely not known yet.
    pub const fn is_not_yet(&self) -> bool {
        matches!(self.kind, TokenErrorKind::Eval(EvalError::NotYet { .. } | EvalError::Unknown { .. }))
    }
}

/// Returns the value of a part of a workflow file.
///
/// Kinds stay as they are. A sequence that an expression gives as an item of a sequence is spliced into it, expressions
/// may make up keys, and the entries of the mapping beside `${{ insert }}` stand for themselves. Of several errors the
/// first is returned, except that what is not known yet comes before all else.
/// Source: GitHub: planning rules P1.4 (`TemplateUnraveler` of actions/runner).
pub fn token_value(token: &Token, scope: &dyn Scope) -> Result<Value, TokenError> {
    let (placed, mut errors) = evaluate(token, scope);
    if errors.is_empty() {
        return Ok(placed.into_value());
    }
    let first = errors.iter().position(TokenError::is_not_yet).unwrap_or_default();
    Err(errors.swap_remove(first))
}

/// A value each part of which knows its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed {
    pub(crate) kind: PlacedKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PlacedKind {
    /// Never a collection.
    Scalar(Value),
    Sequence(Vec<Placed>),
    /// No two keys are equal ignoring case.
    Mapping(Vec<(Spanned<String>, Placed)>),
}

impl Placed {
    pub(crate) fn into_value(self) -> Value {
        match self.kind {
            PlacedKind::Scalar(value) => value,
            PlacedKind::Sequence(items) => Value::from(items.into_iter().map(Self::into_value).collect::<Array>()),
            PlacedKind::Mapping(entries) => {
                let members = entries.into_iter().map(|(key, value)| (key.value, value.into_value()));
                Value::from(members.collect::<Object>())
            }
        }
    }

    fn empty(span: Span) -> Self {
        Self { kind: PlacedKind::Scalar(Value::from("")), span }
    }
}

/// Evaluates all expressions of a token; what goes wrong is an empty string, or not there at all, as on GitHub.
pub(crate) fn evaluate(token: &Token, scope: &dyn Scope) -> (Placed, Vec<TokenError>) {
    let mut evaluation = Evaluation { scope, limits: Limits::default(), errors: Vec::new() };
    let placed = evaluation.token(token, 1);
    (placed, evaluation.errors)
}

struct Evaluation<'a> {
    scope: &'a dyn Scope,
    limits: Limits,
    errors: Vec<TokenError>,
}

type Entries = Vec<(Spanned<String>, Placed)>;

impl Evaluation<'_> {
    /// Levels count from 1, and an expression is a level above its value.
    fn token(&mut self, token: &Token, level: usize) -> Placed {
        let span = token.place();
        let kind = match &token.kind {
            TokenKind::Expression(template) => {
                let Some(value) = self.expression(template, span, level) else { return Placed::empty(span) };
                return self.place(&value, span, level + 1);
            }
            TokenKind::Null => PlacedKind::Scalar(Value::Null),
            TokenKind::Bool(it) => PlacedKind::Scalar(Value::Bool(*it)),
            TokenKind::Number(it) => PlacedKind::Scalar(Value::Number(*it)),
            TokenKind::Text(it) => PlacedKind::Scalar(Value::from(it.as_str())),
            TokenKind::Sequence(items) => {
                let mut all = Vec::with_capacity(items.len());
                if self.admits(None, span, level) {
                    for item in items {
                        self.item(item, level + 1, &mut all);
                    }
                }
                PlacedKind::Sequence(all)
            }
            TokenKind::Mapping(entries) => {
                let mut all = Vec::with_capacity(entries.len());
                if self.admits(None, span, level) {
                    self.entries(entries, level + 1, &mut all, &mut HashSet::new());
                }
                PlacedKind::Mapping(all)
            }
        };
        if let PlacedKind::Scalar(value) = &kind {
            self.admits(value.as_str(), span, level);
        }
        Placed { kind, span }
    }

    /// An expression that gives a sequence stands for its items.
    fn item(&mut self, token: &Token, level: usize, all: &mut Vec<Placed>) {
        let TokenKind::Expression(template) = &token.kind else {
            all.push(self.token(token, level));
            return;
        };
        let span = token.place();
        let Some(value) = self.expression(template, span, level) else { return };
        match value.as_array() {
            Some(items) => all.extend(items.iter().map(|it| self.place(it, span, level + 2))),
            None => all.push(self.place(&value, span, level + 1)),
        }
    }

    fn entries(&mut self, entries: &[Entry], level: usize, all: &mut Entries, seen: &mut HashSet<String>) {
        for entry in entries {
            match &entry.key {
                EntryKey::Text(key) => {
                    if self.is_new(key, level, seen) {
                        let value = self.token(&entry.value, level);
                        all.push((key.clone(), value));
                    }
                }
                EntryKey::Expression(key) => {
                    let Some(value) = self.expression(&key.value, key.span, level) else { continue };
                    if !value.is_primitive() {
                        self.wrong(key.span, TokenErrorKind::NotAString);
                        continue;
                    }
                    let key = Spanned::new(value.to_text(), key.span);
                    if self.is_new(&key, level + 1, seen) {
                        let value = self.token(&entry.value, level);
                        all.push((key, value));
                    }
                }
                EntryKey::Insert(_) => self.insert(&entry.value, level, all, seen),
            }
        }
    }

    fn insert(&mut self, token: &Token, level: usize, all: &mut Entries, seen: &mut HashSet<String>) {
        let span = token.place();
        match &token.kind {
            TokenKind::Mapping(entries) => self.entries(entries, level + 2, all, seen),
            TokenKind::Expression(template) => {
                let Some(value) = self.expression(template, span, level) else { return };
                match value.as_object() {
                    Some(members) => self.members(members, span, level + 2, all, seen),
                    None => self.wrong(span, TokenErrorKind::NotAMapping),
                }
            }
            TokenKind::Null
            | TokenKind::Bool(_)
            | TokenKind::Number(_)
            | TokenKind::Text(_)
            | TokenKind::Sequence(_) => self.wrong(span, TokenErrorKind::NotAMapping),
        }
    }

    fn members(&mut self, object: &Object, span: Span, level: usize, all: &mut Entries, seen: &mut HashSet<String>) {
        for (key, value) in object.iter() {
            let key = Spanned::new(key.to_owned(), span);
            if self.is_new(&key, level, seen) {
                let value = self.place(value, span, level);
                all.push((key, value));
            }
        }
    }

    fn is_new(&mut self, key: &Spanned<String>, level: usize, seen: &mut HashSet<String>) -> bool {
        if !self.admits(Some(&key.value), key.span, level) {
            return false;
        }
        let is_new = seen.insert(upper_ordinal(&key.value));
        if !is_new {
            self.wrong(key.span, TokenErrorKind::AlreadyDefined { key: key.value.clone() });
        }
        is_new
    }

    fn expression(&mut self, template: &Template, span: Span, level: usize) -> Option<Value> {
        if !self.admits(None, span, level) {
            return None;
        }
        match template.foresee(self.scope) {
            Ok(trace) => Some(trace.value().clone()),
            Err(err) => {
                self.wrong(span, TokenErrorKind::Eval(err));
                None
            }
        }
    }

    /// Gives all parts of what an expression made the place of the expression.
    fn place(&mut self, value: &Value, span: Span, level: usize) -> Placed {
        if !self.admits(value.as_str(), span, level) {
            return Placed::empty(span);
        }
        let kind = match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => PlacedKind::Scalar(value.clone()),
            Value::Array(items) => {
                PlacedKind::Sequence(items.iter().map(|it| self.place(it, span, level + 1)).collect())
            }
            Value::Object(members) => {
                let mut all = Vec::new();
                self.members(members, span, level + 1, &mut all, &mut HashSet::new());
                PlacedKind::Mapping(all)
            }
        };
        Placed { kind, span }
    }

    /// Counts a value; none is taken any more once there are too many of them.
    fn admits(&mut self, text: Option<&str>, span: Span, level: usize) -> bool {
        match self.limits.admit(text, level) {
            Ok(()) => true,
            Err(kind) => {
                self.errors.extend(kind.map(|it| TokenError::new(span, it)));
                false
            }
        }
    }

    fn wrong(&mut self, span: Span, kind: TokenErrorKind) {
        self.errors.push(TokenError::new(span, kind));
    }
}

#[cfg(test)]
mod tests;
