use std::{fmt, ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text of a part of an expression; it shares the text of the whole, so that a trace costs little.
#[derive(Clone)]
pub struct PartText {
    whole: Arc<str>,
    start: u32,
    end: u32,
}

impl PartText {
    /// Takes the bytes from `start` to `end` of `whole`.
    pub(crate) fn new(whole: &Arc<str>, start: u32, end: u32) -> Self {
        Self { whole: Arc::clone(whole), start, end }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        self.whole.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl Deref for PartText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for PartText {
    fn from(text: &str) -> Self {
        Self { whole: Arc::from(text), start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) }
    }
}

impl From<String> for PartText {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<PartText> for String {
    fn from(text: PartText) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq for PartText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for PartText {}

impl PartialEq<str> for PartText {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for PartText {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for PartText {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<PartText> for String {
    fn eq(&self, other: &PartText) -> bool {
        self == other.as_str()
    }
}

impl fmt::Display for PartText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for PartText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for PartText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for PartText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
