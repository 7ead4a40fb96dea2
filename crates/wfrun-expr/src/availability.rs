use crate::parser::WELL_KNOWN;

/// What an expression may use at one key of a workflow.
///
/// The well-known functions (`case`, `contains`, `endsWith`, `format`, `fromJSON`, `join`, `startsWith`, `toJSON`) are
/// available wherever an expression is and need not be listed.
/// Source: GitHub: planning rules P1.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Availability {
    /// Names of contexts, in any case.
    pub contexts: &'static [&'static str],
    /// Further functions, which the [`Scope`](crate::Scope) answers: status functions and `hashFiles`.
    pub functions: &'static [FunctionSpec],
}

/// A function and how many arguments it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionSpec {
    /// The name, in the case GitHub's documentation uses.
    pub name: &'static str,
    /// The least number of arguments.
    pub min: usize,
    /// The greatest number of arguments; `usize::MAX` for any number.
    pub max: usize,
}

impl Availability {
    /// Nothing but the well-known functions.
    pub const NONE: Self = Self { contexts: &[], functions: &[] };

    /// Tells whether a context is available; case is ignored.
    pub fn has_context(&self, name: &str) -> bool {
        self.contexts.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    /// Returns the names of all functions, for "did you mean …".
    pub fn function_names(&self) -> impl Iterator<Item = &'static str> {
        WELL_KNOWN.iter().chain(self.functions).map(|it| it.name)
    }
}
