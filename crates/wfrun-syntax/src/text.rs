mod places;

use std::ops::Range;

use crate::{Span, node::Written, source::to_u32};

/// A string and where each of its characters stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The string after unescaping and folding.
    pub value: String,
    pub(crate) span: Span,
    pub(crate) scalar: Option<Written>,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScalarStyle {
    /// `a`
    Plain,
    /// `'a'`
    SingleQuoted,
    /// `"a"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

impl Text {
    /// Makes a text that stands for nothing in detail: every part of it is at `span`.
    pub fn synthetic(value: impl Into<String>, span: Span) -> Self {
        Self { value: value.into(), span, scalar: None }
    }

    /// Returns the place of the whole scalar, quotes and block header included.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Returns how it was written; a made-up text counts as plain.
    pub fn style(&self) -> ScalarStyle {
        self.scalar.as_ref().map_or(ScalarStyle::Plain, |it| it.style)
    }

    /// Returns where a part of the value (a range of its bytes) stands in the file.
    ///
    /// Exact for every style, escapes and folded lines included; an empty range gives the place before that character.
    /// If the part does not lie in the value, or the text was made up, it is the place of the whole.
    pub fn span_of(&self, range: Range<usize>) -> Span {
        self.place(range).unwrap_or(self.span)
    }

    fn place(&self, range: Range<usize>) -> Option<Span> {
        let written = self.scalar.as_ref()?;
        let places = places::align(written.raw(), &self.value, written.style)?;
        let (start, end) = if range.start < range.end {
            (places.get(range.start)?.0, places.get(range.end - 1)?.1)
        } else if let Some((start, _)) = places.get(range.start) {
            (*start, *start)
        } else {
            let (_, end) = places.last().filter(|_| range.start == places.len())?;
            (*end, *end)
        };
        Some(Span::new(self.span.start + to_u32(start), self.span.start + to_u32(end)))
    }
}
