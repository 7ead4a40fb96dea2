//! `run/untrusted-text`: text that anyone may write, put into a script.
use wfrun_syntax::Diagnostic;

use super::Linting;
use super::flow::{Flow, flows};
use super::path::{Path, path};
use crate::{Field, Job, Step, StepKind};

/// What others than those who may push can write; `*` stands for any one part.
///
/// Source: <https://docs.github.com/en/actions/concepts/security/script-injections>
/// Source: <https://securitylab.github.com/resources/github-actions-untrusted-input/>
const UNTRUSTED: &[&str] = &[
    "github.head_ref",
    "github.event.issue.title",
    "github.event.issue.body",
    "github.event.pull_request.title",
    "github.event.pull_request.body",
    "github.event.pull_request.head.ref",
    "github.event.pull_request.head.label",
    "github.event.pull_request.head.repo.default_branch",
    "github.event.comment.body",
    "github.event.review.body",
    "github.event.review_comment.body",
    "github.event.discussion.title",
    "github.event.discussion.body",
    "github.event.pages.*.page_name",
    "github.event.pages.*.title",
    "github.event.commits.*.message",
    "github.event.commits.*.author.email",
    "github.event.commits.*.author.name",
    "github.event.commits.*.committer.email",
    "github.event.commits.*.committer.name",
    "github.event.head_commit.message",
    "github.event.head_commit.author.email",
    "github.event.head_commit.author.name",
    "github.event.head_commit.committer.email",
    "github.event.head_commit.committer.name",
    "github.event.workflow_run.head_branch",
    "github.event.workflow_run.display_title",
    "github.event.workflow_run.head_commit.message",
    "github.event.workflow_run.head_commit.author.email",
    "github.event.workflow_run.head_commit.author.name",
    "github.event.workflow_run.pull_requests.*.head.ref",
];

/// Looks for such text in `run:` and in the script of `actions/github-script`.
///
/// What is only compared is harmless, and so is what goes through `env`.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for step in linting.workflow.jobs.values().flat_map(Job::all_steps) {
        look(linting, step, &mut found);
    }
    found
}

fn look(linting: &Linting<'_>, step: &Step, found: &mut Vec<Diagnostic>) {
    let Some((script, language)) = script(step) else { return };
    let mut seen = Vec::new();
    for flow in script.template.expr().into_iter().flat_map(flows) {
        let Some((path, _)) = path(flow.expr) else { continue };
        let name = path.normal();
        if !is_untrusted(&path, flow) || seen.contains(&name) {
            continue;
        }
        let written = linting.workflow.source.slice(script.span_of(&path.range)).to_owned();
        let variable = variable(&path);
        let message = format!("anyone can choose the text of `{written}`, and here it becomes part of the script");
        let used = language.use_of(&variable);
        let value = if flow.is_json { format!("toJSON({written})") } else { written };
        let help =
            format!("give it as data: `env: {{{variable}: \"${{{{ {value} }}}}\"}}`, and write {used} in the script");
        let place = linting.warning("run/untrusted-text", message, script.node.place());
        found.push(place.focus(script.span_of(&path.range)).help(help));
        seen.push(name);
    }
}

/// What a script is written in.
#[derive(Clone, Copy)]
enum Language {
    Shell,
    PowerShell,
    Python,
    JavaScript,
}

impl Language {
    fn use_of(self, variable: &str) -> String {
        match self {
            Self::Shell => format!("`\"${variable}\"`"),
            Self::PowerShell => format!("`$env:{variable}`"),
            Self::Python => format!("`os.environ[\"{variable}\"]`"),
            Self::JavaScript => format!("`process.env.{variable}`"),
        }
    }
}

fn script(step: &Step) -> Option<(&Field, Language)> {
    match &step.kind {
        StepKind::Run(run) => {
            let shell = run.shell.as_ref().and_then(|it| it.template.as_literal()).unwrap_or_default();
            let language = match shell.split(' ').next().unwrap_or_default() {
                "pwsh" | "powershell" => Language::PowerShell,
                "python" | "python3" => Language::Python,
                _ => Language::Shell,
            };
            Some((&run.script, language))
        }
        StepKind::Uses(uses) => {
            let action = uses.action()?;
            let is_script = action.repository().eq_ignore_ascii_case("actions/github-script");
            is_script.then(|| uses.with.get("script"))?.map(|it| (it, Language::JavaScript))
        }
        StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => None,
    }
}

fn is_untrusted(path: &Path<'_>, flow: Flow<'_>) -> bool {
    let name = path.normal();
    let parts: Vec<_> = name.split('.').collect();
    UNTRUSTED.iter().any(|pattern| {
        let pattern: Vec<_> = pattern.split('.').collect();
        // What is computed may be anything, and is taken for nothing here.
        let fits = pattern.iter().zip(&parts).all(|(a, b)| a == b || *a == "*");
        fits && (parts.len() == pattern.len() || (parts.len() < pattern.len() && flow.is_json))
    })
}

/// A name for the variable: `PULL_REQUEST_TITLE`, `HEAD_REF`.
fn variable(path: &Path<'_>) -> String {
    let names: Vec<_> = path.parts.iter().filter_map(|it| it.name).filter(|it| *it != "event").collect();
    let last = &names[names.len().saturating_sub(2)..];
    let name = last.join("_").to_ascii_uppercase().replace('-', "_");
    match (name.as_str(), path.parts.is_empty()) {
        ("", true) => "GITHUB_CONTEXT".to_owned(),
        ("", false) => "EVENT".to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, steps};

    #[test]
    fn text_of_others() {
        for (expression, expected) in [
            (
                "github.event.issue.title",
                "run/untrusted-text `github.event.issue.title`: give it as data: `env: {ISSUE_TITLE: \"${{ github.event.issue.title }}\"}`, and write `\"$ISSUE_TITLE\"` in the script",
            ),
            (
                "github.event.commits[0].Message",
                "run/untrusted-text `github.event.commits[0].Message`: give it as data: `env: {COMMITS_MESSAGE: \"${{ github.event.commits[0].Message }}\"}`, and write `\"$COMMITS_MESSAGE\"` in the script",
            ),
            (
                "github.head_ref || github.ref_name",
                "run/untrusted-text `github.head_ref`: give it as data: `env: {HEAD_REF: \"${{ github.head_ref }}\"}`, and write `\"$HEAD_REF\"` in the script",
            ),
            (
                "toJSON(github.event)",
                "run/untrusted-text `github.event`: give it as data: `env: {EVENT: \"${{ toJSON(github.event) }}\"}`, and write `\"$EVENT\"` in the script",
            ),
        ] {
            check(&steps(&format!("{{run: 'echo ${{{{ {expression} }}}}'}}")), &[expected]);
        }
        check(
            &steps("{uses: actions/github-script@v7, with: {script: 'f(\"${{ github.event.comment.body }}\")'}}"),
            &[
                "run/untrusted-text `github.event.comment.body`: give it as data: `env: {COMMENT_BODY: \"${{ github.event.comment.body }}\"}`, and write `process.env.COMMENT_BODY` in the script",
            ],
        );
    }

    #[test]
    fn harmless_text() {
        for step in [
            "{run: 'echo ${{ github.event.issue.number }} ${{ github.sha }} ${{ github.event.pull_request.head.sha }}'}",
            "{run: 'echo ${{ github.head_ref == ''main'' }} ${{ contains(github.event.issue.title, ''x'') }}'}",
            "{run: 'echo \"$T\"', env: {T: '${{ github.event.issue.title }}'}}",
            "{uses: a/b@v1, with: {title: '${{ github.event.issue.title }}'}}",
            "{run: 'echo ${{ github.event.issue.title && ''yes'' }} ${{ toJSON(github.event.sender) }} ${{ github.event }}'}",
        ] {
            check(&steps(step), &[]);
        }
    }
}
