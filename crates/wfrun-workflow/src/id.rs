use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name as written.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether it is the same name, as GitHub compares them: ignoring case.
            pub fn is(&self, other: &str) -> bool {
                self.0.eq_ignore_ascii_case(other)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type! {
    /// A key under `jobs:`.
    JobId
}
name_type! {
    /// A step's `id:`, or the one GitHub makes up for it (which starts with `__`).
    StepId
}
name_type! {
    /// A key under `on:`. Case-sensitive.
    EventName
}

/// Whether `id` may name a job or a step: a letter or `_`, then letters, digits, `_`, `-`; fewer than 100.
///
/// Source: GitHub: planning rules 1.6.
pub(crate) fn is_valid(id: &str) -> bool {
    let mut chars = id.chars();
    let first = chars.next().is_some_and(|it| it.is_ascii_alphabetic() || it == '_');
    first && id.len() < 100 && chars.all(|it| it.is_ascii_alphanumeric() || it == '_' || it == '-')
}
