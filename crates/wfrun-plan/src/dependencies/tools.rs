//! The tools that set-up actions look for in the tool cache.
use wfrun_workflow::{ActionRef, Field, UsesStep};

/// What a set-up action asks for.
pub(super) enum Asked<'a> {
    /// The value of its input, one version a line.
    Version(&'static str, &'a Field),
    /// A file, or what is there anyway.
    Elsewhere,
}

/// Source: GitHub: execution rules E9.10; `action.yml` of each.
const SET_UPS: [(&str, &str, &str); 3] = [
    ("actions/setup-python", "python-version", "Python"),
    ("actions/setup-node", "node-version", "node"),
    ("actions/setup-go", "go-version", "go"),
];

/// Returns what a step asks for, if its action is one that sets a tool up.
pub(super) fn asked<'a>(action: &ActionRef, step: &'a UsesStep) -> Option<Asked<'a>> {
    let is = |name: &str| action.with_path().eq_ignore_ascii_case(name);
    let (_, input, tool) = SET_UPS.iter().find(|(name, ..)| is(name))?;
    let field = step.with.iter().find(|(name, _)| name.eq_ignore_ascii_case(input)).map(|(_, field)| field);
    Some(field.map_or(Asked::Elsewhere, |it| Asked::Version(tool, it)))
}
