//! Which parts an evaluated `strategy:` has; the schema is asked again, because expressions may give anything.
//!
//! Source: actions/runner: `workflow-v1.0.json` (`strategy`, `matrix`, `matrix-filter`) and `TemplateEvaluator.cs`.
use wfrun_expr::Value;
use wfrun_syntax::{Span, Spanned};

use crate::token_value::{Placed, PlacedKind};
use crate::{TokenError, TokenErrorKind};

/// A `strategy:`, read.
pub(super) struct Shape<'a> {
    pub(super) fail_fast: bool,
    /// None where it sets no limit.
    pub(super) max_parallel: Option<usize>,
    pub(super) matrix: Option<MatrixShape<'a>>,
}

/// A `matrix:`, read.
pub(super) struct MatrixShape<'a> {
    pub(super) span: Span,
    pub(super) vectors: Vec<Vector<'a>>,
    pub(super) include: Vec<Item<'a>>,
    pub(super) exclude: Vec<Item<'a>>,
}

/// A key of a matrix and its values.
pub(super) struct Vector<'a> {
    pub(super) name: &'a str,
    /// The place of the sequence.
    pub(super) span: Span,
    pub(super) values: &'a [Placed],
}

/// An item of `include` or `exclude`.
pub(super) struct Item<'a> {
    pub(super) span: Span,
    pub(super) entries: &'a [(Spanned<String>, Placed)],
}

/// Reads a `strategy:`; the result is of use where no error was added.
pub(super) fn read<'a>(strategy: &'a Placed, errors: &mut Vec<TokenError>) -> Shape<'a> {
    let mut reader = Reader { errors };
    let mut shape = Shape { fail_fast: true, max_parallel: None, matrix: None };
    for (key, value) in reader.mapping(strategy) {
        match key.value.as_str() {
            "fail-fast" => shape.fail_fast = reader.boolean(value),
            "max-parallel" => shape.max_parallel = limit(reader.number(value)),
            "matrix" => shape.matrix = Some(reader.matrix(value)),
            _ => reader.unexpected(key.span, key.value.clone()),
        }
    }
    shape
}

struct Reader<'e> {
    errors: &'e mut Vec<TokenError>,
}

impl Reader<'_> {
    fn matrix<'a>(&mut self, matrix: &'a Placed) -> MatrixShape<'a> {
        let mut shape =
            MatrixShape { span: matrix.span, vectors: Vec::new(), include: Vec::new(), exclude: Vec::new() };
        for (key, value) in self.mapping(matrix) {
            match key.value.as_str() {
                "include" => shape.include = self.filters(value),
                "exclude" => shape.exclude = self.filters(value),
                name => {
                    self.key(key);
                    shape.vectors.push(Vector { name, span: value.span, values: self.sequence(value) });
                }
            }
        }
        shape
    }

    fn filters<'a>(&mut self, filters: &'a Placed) -> Vec<Item<'a>> {
        let mut all = Vec::new();
        for item in self.sequence(filters) {
            let entries = self.mapping(item);
            for (key, _) in entries {
                self.key(key);
            }
            all.push(Item { span: item.span, entries });
        }
        all
    }

    /// A key may be anything but empty.
    fn key(&mut self, key: &Spanned<String>) {
        if key.value.is_empty() {
            self.unexpected(key.span, String::new());
        }
    }

    fn mapping<'a>(&mut self, value: &'a Placed) -> &'a [(Spanned<String>, Placed)] {
        if let PlacedKind::Mapping(entries) = &value.kind {
            return entries;
        }
        self.misfit(value);
        &[]
    }

    fn sequence<'a>(&mut self, value: &'a Placed) -> &'a [Placed] {
        if let PlacedKind::Sequence(items) = &value.kind {
            return items;
        }
        self.misfit(value);
        &[]
    }

    fn boolean(&mut self, value: &Placed) -> bool {
        if let PlacedKind::Scalar(Value::Bool(it)) = &value.kind {
            return *it;
        }
        self.misfit(value);
        false
    }

    fn number(&mut self, value: &Placed) -> f64 {
        if let PlacedKind::Scalar(Value::Number(it)) = &value.kind {
            return *it;
        }
        self.misfit(value);
        0.0
    }

    fn misfit(&mut self, value: &Placed) {
        match &value.kind {
            PlacedKind::Scalar(it) => self.unexpected(value.span, it.to_text()),
            PlacedKind::Sequence(_) => self.wrong(value.span, TokenErrorKind::UnexpectedSequence),
            PlacedKind::Mapping(_) => self.wrong(value.span, TokenErrorKind::UnexpectedMapping),
        }
    }

    fn unexpected(&mut self, span: Span, value: String) {
        self.wrong(span, TokenErrorKind::UnexpectedValue { value });
    }

    fn wrong(&mut self, span: Span, kind: TokenErrorKind) {
        self.errors.push(TokenError::new(span, kind));
    }
}

/// The whole part of a number counts, and only if it is more than nothing.
#[expect(clippy::cast_possible_truncation, reason = "as GitHub casts it")]
fn limit(number: f64) -> Option<usize> {
    usize::try_from(number as i32).ok().filter(|it| *it > 0)
}
