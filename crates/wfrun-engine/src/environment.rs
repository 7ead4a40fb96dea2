//! The environment of a step's process, layer by layer.
//!
//! Source: GitHub: execution rules E2.6.
use indexmap::IndexMap;
use wfrun_expr::{Object, Value};
use wfrun_workflow::contexts::GITHUB_MEMBERS;

use crate::{FilePaths, JobEnvironment, Program, keep_loopback_direct};

/// What the layers are made of.
pub(crate) struct Layers<'a> {
    pub(crate) job: &'a JobEnvironment,
    /// `env` of workflow, job and step, and what `GITHUB_ENV` added.
    pub(crate) env: &'a IndexMap<String, String>,
    /// What `GITHUB_PATH` added, the newest last.
    pub(crate) added_paths: &'a [String],
    pub(crate) state: Option<&'a IndexMap<String, String>>,
    /// `with:` and defaults by input name; none for `run` steps.
    pub(crate) inputs: Option<&'a IndexMap<String, String>>,
    pub(crate) github: &'a Object,
    pub(crate) runner: &'a Object,
    pub(crate) files: &'a FilePaths,
    pub(crate) kind: Kind,
}

/// What the environment is for: layers differ a little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A script of a `run` step.
    Script,
    /// A JavaScript action, or a stand-in.
    Action,
    /// A container of its own, which keeps its image's search path.
    Container,
}

impl Kind {
    /// The kind of a program.
    pub(crate) const fn of(program: &Program) -> Self {
        match program {
            Program::Script { .. } => Self::Script,
            Program::StandIn { .. } | Program::Node { .. } => Self::Action,
            Program::Container { .. } => Self::Container,
        }
    }
}

/// Puts the layers together; the later wins.
pub(crate) fn environment(layers: &Layers<'_>) -> IndexMap<String, String> {
    let mut all = layers.job.base_env.clone();
    all.insert("HOME".to_owned(), layers.job.layout.home.clone());
    all.extend(layers.env.clone());
    for (name, value) in layers.state.into_iter().flatten() {
        all.insert(format!("STATE_{name}"), value.clone());
    }
    for (name, value) in layers.inputs.into_iter().flatten() {
        all.insert(input_variable(name), value.clone());
    }
    if layers.kind == Kind::Container {
        if layers.env.get("PATH").is_none() {
            all.shift_remove("PATH");
        }
    } else {
        let base_path = layers.env.get("PATH").unwrap_or(&layers.job.path);
        all.insert("PATH".to_owned(), search_path(layers.added_paths, base_path));
    }
    for (name, _) in GITHUB_MEMBERS.iter().filter(|(_, is_exported)| *is_exported) {
        if let Some(value @ (Value::String(_) | Value::Bool(_))) = layers.github.get(name) {
            all.insert(format!("GITHUB_{}", name.to_ascii_uppercase()), value.to_text());
        }
    }
    for (name, value) in layers.runner.iter() {
        all.insert(format!("RUNNER_{}", name.to_ascii_uppercase()), value.to_text());
    }
    if layers.inputs.is_some() {
        all.extend(layers.job.action_env.clone());
        if layers.kind == Kind::Container {
            all.shift_remove("ACTIONS_CACHE_SERVICE_V2");
        }
    }
    all.extend(layers.job.step_env.clone());
    keep_loopback_direct(&mut all);
    all.insert("WFRUN_DECLARATIONS".to_owned(), layers.files.declarations.clone());
    all.insert("GITHUB_ACTIONS".to_owned(), "true".to_owned());
    all.entry("CI".to_owned()).or_insert_with(|| "true".to_owned());
    all
}

/// `foo bar` is `INPUT_FOO_BAR`; nothing but the space is changed. Source: GitHub: execution rules E7.2.
fn input_variable(name: &str) -> String {
    format!("INPUT_{}", name.replace(' ', "_").to_uppercase())
}

/// The newest addition first, the base last.
pub(crate) fn search_path(added: &[String], base: &str) -> String {
    let newest_first = added.iter().rev().map(String::as_str);
    let all: Vec<&str> = newest_first.chain([base]).filter(|it| !it.is_empty()).collect();
    all.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: GitHub: execution rules E7.2.
    #[test]
    fn input_names() {
        assert_eq!(input_variable("foo-bar"), "INPUT_FOO-BAR");
        assert_eq!(input_variable("foo.bar"), "INPUT_FOO.BAR");
        assert_eq!(input_variable("my key"), "INPUT_MY_KEY");
    }

    /// Source: GitHub: execution rules E2.7.
    #[test]
    fn newest_path_first() {
        assert_eq!(search_path(&["/a".to_owned(), "/b".to_owned()], "/bin"), "/b:/a:/bin");
        assert_eq!(search_path(&[], "/bin"), "/bin");
    }
}
