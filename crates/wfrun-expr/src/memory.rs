//! How much memory one evaluation may take, counted as GitHub counts.

/// Bytes a string takes besides its characters.
const STRING_OVERHEAD: usize = 26;
/// Bytes any other value takes.
const OBJECT: usize = 24;

/// Counts the bytes of the values that are alive at each level of an expression.
///
/// Differs: what a function takes up while it works, besides its result, is not counted, so an expression just above
/// GitHub's limit may have a value here.
/// Source: GitHub: planning rules P1.1 (`EvaluationMemory` of actions/runner).
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
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
        self.check(0)
    }

    /// Tells whether `more` bytes would fit, before they are made.
    pub(crate) const fn check(&self, more: usize) -> Result<(), Exceeded> {
        if self.total + more > self.limit { Err(Exceeded) } else { Ok(()) }
    }
}

/// Bytes of a text in .NET.
pub(crate) fn of_text(text: &str) -> usize {
    STRING_OVERHEAD + 2 * text.encode_utf16().count()
}

/// Bytes of a value itself, without the items of a collection.
pub(crate) fn of_value(value: &crate::Value) -> usize {
    value.as_str().map_or(OBJECT, of_text)
}

/// Bytes of a value with everything in it.
pub(crate) fn of_tree(value: &crate::Value) -> usize {
    match value {
        crate::Value::Array(items) => OBJECT + items.iter().map(of_tree).sum::<usize>(),
        crate::Value::Object(members) => {
            OBJECT + members.iter().map(|(key, value)| of_text(key) + of_tree(value)).sum::<usize>()
        }
        crate::Value::Null | crate::Value::Bool(_) | crate::Value::Number(_) | crate::Value::String(_) => {
            of_value(value)
        }
    }
}
