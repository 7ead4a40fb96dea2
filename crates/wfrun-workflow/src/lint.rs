//! Warnings beyond GitHub's own checks: what a workflow can hardly mean.
//!
//! One lint per file, its cases below it; `LINTS` lists them. A lint looks at a workflow without errors and answers
//! with warnings, or with notes where it is about this machine. Where it cannot be sure it says nothing.
mod always_true;
mod aws;
mod commands;
mod conditions;
mod domain;
mod events;
mod fault_injection;
mod flow;
mod fold;
mod id_token;
mod inputs;
mod jobs;
mod labels;
mod masked;
mod matrix;
mod members;
mod needs;
mod path;
mod results;
mod secret_outputs;
mod shells;
mod steps;
mod untrusted;
mod uses;
mod written;

use wfrun_syntax::{Code, Diagnostic, Span, closest};

pub use fault_injection::{RefusedDefinition, refused_definition};

use crate::{Workflow, WorkflowSet};
use written::Written;

/// What lints take into account besides the workflow.
#[derive(Debug, Clone, Default)]
pub struct LintSettings {
    /// The machine on which jobs would run; none if that does not matter.
    pub here: Option<Here>,
}

/// A machine that runs jobs; its system is Linux.
#[derive(Debug, Clone, Default)]
pub struct Here {
    /// Whether its processor is of the kind that GitHub calls `arm64`; else it is `x64`.
    pub is_arm: bool,
    /// Which of the shells (`bash`, `sh`, `python`, `pwsh`, `powershell`, `cmd`) are on it.
    pub shells: Vec<String>,
}

/// All lints.
const LINTS: &[fn(&Linting<'_>) -> Vec<Diagnostic>] = &[
    always_true::lint,
    aws::lint,
    commands::lint,
    conditions::lint,
    events::lint,
    fault_injection::lint,
    id_token::lint,
    inputs::lint,
    jobs::lint,
    labels::lint,
    masked::lint,
    matrix::lint,
    members::lint,
    needs::lint,
    results::lint,
    secret_outputs::lint,
    shells::lint,
    steps::lint,
    untrusted::lint,
    uses::lint,
];

/// Looks for what the root of a set can hardly mean; what it calls is only asked for its outputs.
///
/// `set` must be without errors.
pub fn lint(set: &WorkflowSet, settings: &LintSettings) -> Vec<Diagnostic> {
    let linting = Linting { set, workflow: &set.root, settings, written: written::all(&set.root) };
    LINTS.iter().flat_map(|lint| lint(&linting)).collect()
}

/// What a lint is given.
struct Linting<'a> {
    set: &'a WorkflowSet,
    workflow: &'a Workflow,
    settings: &'a LintSettings,
    /// Every expression of the workflow.
    written: Vec<Written<'a>>,
}

impl Linting<'_> {
    /// Starts a warning about the value at `place`.
    fn warning(&self, code: &'static str, message: impl Into<String>, place: Span) -> Diagnostic {
        Diagnostic::warning(Code::new(code), message).at(&self.workflow.source, place)
    }

    /// Starts a note about the value at `place`.
    fn note(&self, code: &'static str, message: impl Into<String>, place: Span) -> Diagnostic {
        Diagnostic::note(Code::new(code), message).at(&self.workflow.source, place)
    }
}

/// "did you mean", or else which names there are; `none` where there are no names.
fn names_help<'n>(name: &str, names: impl IntoIterator<Item = &'n str>, what: &str, none: &str) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match closest(name, names.iter().copied()) {
        Some(it) => format!("did you mean `{it}`?"),
        None if names.is_empty() => none.to_owned(),
        None => format!("{what}: {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use wfrun_syntax::Source;

    use super::*;
    use crate::{Loaded, SetOptions, read_set};

    /// Lints a workflow, with `callee` as what every call means.
    #[track_caller]
    fn found(text: &str, callee: &str, settings: &LintSettings) -> Vec<Diagnostic> {
        let source = Source::new("w.yml", text);
        let mut load = |_: &crate::FileRef| match callee {
            "" => Loaded::Elsewhere,
            text => Loaded::Source(Source::new("callee.yml", text)),
        };
        let set = read_set(&source, SetOptions::default(), &mut load);
        assert!(!set.has_errors(), "{:#?}\n{text}", set.diagnostics);
        let mut found = lint(&set.value, settings);
        found.sort_by_key(|it| it.exact().map(|it| it.span.start));
        found
    }

    fn told(found: &[Diagnostic]) -> Vec<String> {
        let one = |it: &Diagnostic| {
            let exact = it.exact().expect("a lint has a place");
            format!("{} `{}`: {}", it.code, exact.text(), it.help.as_deref().expect("a lint has a way out"))
        };
        found.iter().map(one).collect()
    }

    /// What lints tell of a workflow: `code `what is pointed at`: way out`.
    #[track_caller]
    pub(super) fn check(text: &str, expected: &[&str]) {
        assert_eq!(told(&found(text, "", &LintSettings::default())), expected, "{text}");
    }

    /// As [`check`], for a workflow that calls `callee`.
    #[track_caller]
    pub(super) fn check_call(text: &str, callee: &str, expected: &[&str]) {
        assert_eq!(told(&found(text, callee, &LintSettings::default())), expected, "{text}");
    }

    /// As [`check`], on a machine with an x64 processor, `bash` and `sh`.
    #[track_caller]
    pub(super) fn check_here(text: &str, expected: &[&str]) {
        let here = Here { is_arm: false, shells: vec!["bash".to_owned(), "sh".to_owned()] };
        assert_eq!(told(&found(text, "", &LintSettings { here: Some(here) })), expected, "{text}");
    }

    /// A job's steps in a workflow that says nothing else.
    pub(super) fn steps(steps: &str) -> String {
        format!("on: push\njobs: {{j: {{runs-on: ubuntu-latest, steps: [{steps}]}}}}\n")
    }

    /// A job whose `if` is `condition`, in a workflow for `on`.
    pub(super) fn job_if(on: &str, condition: &str) -> String {
        format!(
            "on: {on}\njobs:\n  j:\n    if: {condition}\n    runs-on: ubuntu-latest\n    steps: [{{run: 'true'}}]\n"
        )
    }

    #[test]
    fn an_ordinary_workflow() {
        let text = "name: CI\non:\n  push: {branches: [main]}\n  pull_request:\nenv: {A: '${{ github.ref }}'}\njobs:\n  build:\n    runs-on: ${{ matrix.os }}\n    strategy: {matrix: {os: [ubuntu-latest, macos-latest]}}\n    outputs: {v: '${{ steps.v.outputs.v }}'}\n    steps:\n    - uses: actions/checkout@v4\n    - {id: v, run: 'echo v=1 >> $GITHUB_OUTPUT'}\n    - {if: 'failure() && steps.v.outcome == ''failure''', run: 'true'}\n  deploy:\n    needs: build\n    if: github.event_name == 'push' && needs.build.outputs.v != ''\n    runs-on: ubuntu-latest\n    steps: [{run: 'echo ${{ github.sha }}'}]\n";
        check(text, &[]);
    }
}
