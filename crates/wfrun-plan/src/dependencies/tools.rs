//! The tools that set-up actions look for in the tool cache.
use wfrun_workflow::{ActionRef, Field, UsesStep};

/// What a set-up action asks for.
pub(super) struct Asked<'a> {
    /// The tool's folder in the tool cache.
    pub(super) name: &'static str,
    /// The input that says which version.
    pub(super) input: &'static str,
    /// Its value.
    pub(super) field: &'a Field,
    /// Whether that is the path of a file with the version; else it is one version a line.
    pub(super) is_file: bool,
}

/// Action, tool, and the inputs for a version and for a file that has it.
///
/// Source: GitHub: execution rules E9.10; `action.yml` of each.
const SET_UPS: [(&str, &str, &str, &str); 3] = [
    ("actions/setup-python", "Python", "python-version", "python-version-file"),
    ("actions/setup-node", "node", "node-version", "node-version-file"),
    ("actions/setup-go", "go", "go-version", "go-version-file"),
];

/// Returns what a step asks for, if its action is one that sets a tool up and it does not take what is there anyway.
///
/// Source: `action.yml` of each: a version goes before a file.
pub(super) fn asked<'a>(action: &ActionRef, step: &'a UsesStep) -> Option<Asked<'a>> {
    let path = action.with_path();
    let (_, name, version, file) = SET_UPS.into_iter().find(|(it, ..)| path.eq_ignore_ascii_case(it))?;
    let given = |input: &'static str, is_file: bool| {
        let (_, field) = step.with.iter().find(|(name, _)| name.eq_ignore_ascii_case(input))?;
        Some(Asked { name, input, field, is_file })
    };
    given(version, false).or_else(|| given(file, true))
}

/// The action that sets a tool up, by the tool's folder in the tool cache.
pub fn set_up_action(tool: &str) -> String {
    format!("actions/setup-{}", tool.to_ascii_lowercase())
}
