//! What is known of a request: condition keys and their values.

use std::collections::BTreeMap;

/// Condition keys with their values; the names of keys have no case.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// Sets a key to one value.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<String>) {
        self.list(key, vec![value.into()]);
    }

    /// Sets a key to several values; none is an absent key.
    pub(crate) fn list(&mut self, key: &str, values: Vec<String>) {
        if !values.is_empty() {
            self.0.insert(key.to_ascii_lowercase(), values);
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }

    /// The value of a key that has one value.
    pub(super) fn single(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some([only]) => Some(only),
            Some(_) | None => None,
        }
    }
}
