use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::Span;

/// One file's text, with the path people know it by.
///
/// Always used as `Arc<Source>`, so that a finding can carry the text it points into.
pub struct Source {
    path: String,
    text: String,
    line_starts: Vec<u32>,
}

/// A place for people: line and column count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in Unicode scalar values. A byte order mark at the start of the file is not counted.
    pub col: u32,
}

impl Source {
    /// Keeps `text` under the name `path`, which is only shown and never opened.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let mut line_starts = vec![0];
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            // A lone carriage return ends a line too, in YAML.
            let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if ends && let Ok(start) = u32::try_from(at + 1) {
                line_starts.push(start);
            }
        }
        Arc::new(Self { path: path.into(), text, line_starts })
    }

    /// Returns the path as shown to people.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the whole text, with a byte order mark if it has one.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns line and column of a byte offset; an offset behind the end is taken as the end, and one inside a
    /// character as that character.
    pub fn location(&self, offset: u32) -> Location {
        let at = self.floor(offset);
        let index = self.line_starts.partition_point(|start| *start as usize <= at).saturating_sub(1);
        let start = self.line_starts.get(index).copied().unwrap_or_default() as usize;
        let before = &self.text[start..at];
        let before = if start == 0 { before.strip_prefix('\u{feff}').unwrap_or(before) } else { before };
        Location { line: to_u32(index) + 1, col: to_u32(before.chars().count()) + 1 }
    }

    /// Returns the text of a span; a span that does not fit is cut to whole characters inside the text.
    pub fn slice(&self, span: Span) -> &str {
        let start = self.floor(span.start);
        let end = self.floor(span.end).max(start);
        &self.text[start..end]
    }

    /// Returns the number of lines; an empty text has one.
    pub fn line_count(&self) -> u32 {
        to_u32(self.line_starts.len())
    }

    /// Returns the span of a line (from 1) without its line break, or `None` if there is no such line.
    pub fn line_span(&self, line: u32) -> Option<Span> {
        let index = line.checked_sub(1)? as usize;
        let start = *self.line_starts.get(index)?;
        let end = self.line_starts.get(index + 1).copied().unwrap_or_else(|| to_u32(self.text.len()));
        let text = self.slice(Span::new(start, end));
        Some(Span::new(start, start + to_u32(text.trim_end_matches(['\r', '\n']).len())))
    }

    fn floor(&self, offset: u32) -> usize {
        self.text.floor_char_boundary((offset as usize).min(self.text.len()))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.text == other.text
    }
}

impl Eq for Source {}

/// Offsets are 32 bits wide: a larger text is refused before anything counts in it.
pub(crate) fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_counts_characters_not_bytes() {
        let source = Source::new("a.yml", "\u{feff}é: x\r\n😀: y\rz\n");
        let at = |needle: &str| {
            let offset = source.text().find(needle).unwrap();
            let Location { line, col } = source.location(to_u32(offset));
            (line, col)
        };
        assert_eq!(at("é"), (1, 1));
        assert_eq!(at("x"), (1, 4));
        assert_eq!(at("y"), (2, 4));
        assert_eq!(at("z"), (3, 1));
        assert_eq!(source.location(u32::MAX), Location { line: 4, col: 1 });
        assert_eq!(source.location(4), Location { line: 1, col: 1 }, "inside the two bytes of é");
    }

    #[test]
    fn slices_and_lines_never_panic() {
        let source = Source::new("a.yml", "é\r\nb");
        assert_eq!(source.slice(Span::new(0, 2)), "é");
        assert_eq!(source.slice(Span::new(1, 99)), "é\r\nb");
        assert_eq!(source.slice(Span::new(9, 1)), "");
        assert_eq!(source.line_span(1), Some(Span::new(0, 2)));
        assert_eq!(source.line_span(2), Some(Span::new(4, 5)));
        assert_eq!(source.line_span(3), None);
        assert_eq!(source.line_span(0), None);
    }
}
