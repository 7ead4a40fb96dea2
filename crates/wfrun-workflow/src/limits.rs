/// What GitHub's server limits; the defaults are those of github.com.
///
/// Source: GitHub: planning rules 1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest file, in UTF-16 units.
    pub length: usize,
    /// Most levels of collections.
    pub depth: usize,
    /// Most bytes that the values of a workflow and of all that it calls may take together in GitHub's count: 24 each, and 26
    /// and two a character for text. A file that is called twice counts twice.
    pub size: usize,
    /// Most jobs in a workflow with all that it calls, before matrices; none if it is not limited.
    pub jobs: Option<usize>,
    /// Most levels of reusable workflows below the one that is run.
    pub nesting: usize,
    /// Most files: the workflow and those it calls.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { length: wfrun_syntax::MAX_LENGTH, depth: 50, size: 10 * 1_048_576, jobs: None, nesting: 9, files: 51 }
    }
}
