//! The place in which jobs run, and the actions that are there.
use std::sync::Arc;

use indexmap::IndexMap;
use wfrun_engine::{JobEnvironment, Layout, ResolvedAction, ShellSearch};
use wfrun_journal::How;
use wfrun_syntax::Source;
use wfrun_workflow::{Action, ActionRef, RunsKind, StepKind, UsesTarget, lower_action};

pub(super) const MANIFEST: &str = "
name: Demo
inputs:
  greeting: {default: hello}
  token: {default: '${{ github.token }}'}
runs: {using: node20, main: main.js, post: post.js, post-if: success()}
";

pub(super) fn manifest(text: &str) -> Arc<Action> {
    let source = Source::new("action.yml", text);
    let node = wfrun_syntax::parse(&source).value;
    let lowered = lower_action(&source, node.as_ref());
    assert!(!lowered.has_errors(), "{:?}", lowered.diagnostics);
    Arc::new(lowered.value.expect("a good manifest"))
}

pub(super) fn resolved(uses: &str, text: &str) -> ResolvedAction {
    let folder = format!("/actions/{}", uses.trim_start_matches("./").replace('@', "/"));
    ResolvedAction { manifest: manifest(text), how: How::Real, folder: Some(folder) }
}

pub(super) fn used(action: &Action, own: Option<&ActionRef>) -> Vec<ActionRef> {
    let RunsKind::Composite(steps) = &action.runs.kind else { return Vec::new() };
    let uses = steps.iter().filter_map(|it| match &it.kind {
        StepKind::Uses(uses) => match &uses.target.value {
            UsesTarget::Repository(action) => Some(action.clone()),
            UsesTarget::SelfRepository(path) => Some(own?.sibling(path)),
            UsesTarget::Local(_) | UsesTarget::Docker(_) => None,
        },
        StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => None,
    });
    uses.collect()
}

/// All shells are there but one.
pub(super) fn where_is(search: &ShellSearch) -> Option<String> {
    (search.command != "missing").then(|| format!("/usr/bin/{}", search.command))
}

pub(super) fn environment() -> JobEnvironment {
    JobEnvironment {
        image: None,
        workspace: "files",
        os: "Linux".to_owned(),
        arch: "X64".to_owned(),
        name: "wfrun".to_owned(),
        layout: Layout::below("/home/runner/work", "demo", "/opt/hostedtoolcache", "/home/runner"),
        path: "/usr/bin:/bin".to_owned(),
        base_env: [("LANG".to_owned(), "C.UTF-8".to_owned())].into(),
        step_env: IndexMap::new(),
        action_env: [("ACTIONS_RUNTIME_TOKEN", "runtime-token"), ("ACTIONS_CACHE_SERVICE_V2", "True")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        actions: IndexMap::new(),
        secrets: vec!["runtime-token".to_owned()],
        containers: None,
        absent: None,
    }
}
