//! How much memory one evaluation may take, counted as GitHub counts.

use crate::Value;

/// Bytes a string takes besides its characters.
const STRING_OVERHEAD: usize = 26;
/// Bytes any other value takes.
pub(crate) const OBJECT: usize = 24;
/// Bytes a place in a filtered array takes.
pub(crate) const POINTER: usize = 8;

/// Counts the bytes of the values that are alive at each level of an expression.
///
/// Source: GitHub: planning rules P1.1 (`EvaluationMemory` of actions/runner).
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) limit: usize,
    total: usize,
    levels: Vec<usize>,
}

/// The limit is exceeded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exceeded;

impl Memory {
    /// Bytes a bare expression may take.
    pub(crate) const BARE: usize = 1_048_576;
    /// Bytes a value of a workflow file may take.
    pub(crate) const TEMPLATE: usize = 10 * 1_048_576;

    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, total: 0, levels: Vec::new() }
    }

    /// Counts a result at `level` (the root is 0); `settles` means that what its parts took is free again.
    pub(crate) fn add(&mut self, level: usize, bytes: usize, settles: bool) -> Result<(), Exceeded> {
        if settles && self.levels.len() > level + 1 {
            self.total -= self.levels.drain(level + 1..).sum::<usize>();
        }
        if self.levels.len() <= level {
            self.levels.resize(level + 1, 0);
        }
        self.levels[level] += bytes;
        self.total += bytes;
        if self.total > self.limit { Err(Exceeded) } else { Ok(()) }
    }
}

/// Counts what one function makes while it works, apart from everything else and with the same limit.
///
/// Source: GitHub: planning rules P1.1 (`MemoryCounter` of actions/runner).
#[derive(Debug)]
pub(crate) struct Counter {
    limit: usize,
    used: usize,
}

impl Counter {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, used: 0 }
    }

    /// Counts a piece of text.
    pub(crate) fn add_text(&mut self, text: &str) -> Result<(), Exceeded> {
        self.used += of_text(text);
        if self.used > self.limit { Err(Exceeded) } else { Ok(()) }
    }
}

/// Bytes of a text in .NET.
pub(crate) fn of_text(text: &str) -> usize {
    let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
    STRING_OVERHEAD + 2 * units
}

/// Bytes of a value itself, without the items of a collection.
pub(crate) fn of_value(value: &Value) -> usize {
    value.as_str().map_or(OBJECT, of_text)
}
