use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that has been through a [`Masker`](crate::Masker), and so may be written down.
///
/// There is no other way to make one, but for reading a journal that was written with them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Masked(String);

impl Masked {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn empty() -> Self {
        Self(String::new())
    }

    /// Puts a line behind it.
    pub(crate) fn push_line(&mut self, line: &Self) {
        self.0.push('\n');
        self.0.push_str(&line.0);
    }

    /// Makes it equal to a part of masked text; keeps its memory.
    pub(crate) fn set(&mut self, part: &str) {
        part.clone_into(&mut self.0);
    }

    /// Its beginning: at most so many characters as .NET counts them, which is in units of UTF-16.
    #[must_use]
    pub fn cut(mut self, characters: usize) -> Self {
        let mut units = 0;
        let end = self.0.char_indices().find(|(_, it)| {
            units += it.len_utf16();
            units > characters
        });
        if let Some((end, _)) = end {
            self.0.truncate(end);
        }
        self
    }

    /// Each of its lines.
    pub fn lines(&self) -> impl Iterator<Item = Self> {
        self.0.lines().map(|it| Self(it.to_owned()))
    }

    /// Both, one behind the other.
    #[must_use]
    pub fn behind(&self, marker: &'static str) -> Self {
        Self([marker, &self.0].concat())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Masked {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_where_dotnet_cuts() {
        let cut = |text: &str, at| Masked::new(text.to_owned()).cut(at).0;
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc");
        assert_eq!(cut("äöü", 2), "äö");
        // A pair of surrogates is two.
        assert_eq!(cut("a😀b", 3), "a😀");
        assert_eq!(cut("a😀b", 2), "a");
    }
}
