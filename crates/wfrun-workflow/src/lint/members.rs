//! `context/no-member`: members of contexts that there are not.
use wfrun_syntax::{Diagnostic, eq_ignoring_case};

use super::path::{Part, Path};
use super::written::Written;
use super::{Linting, names_help};
use crate::contexts::GITHUB_MEMBERS;

/// The contexts whose members are always the same, and these; those of `github` are in [`GITHUB_MEMBERS`].
///
/// Source: GitHub: planning rules 1.8.
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/contexts>
const CONTEXTS: &[(&str, &[&str])] = &[
    ("runner", &["name", "os", "arch", "temp", "tool_cache", "debug", "environment", "workspace"]),
    ("strategy", &["fail-fast", "job-index", "job-total", "max-parallel"]),
    (
        "job",
        &[
            "status",
            "container",
            "services",
            "check_run_id",
            "workflow_ref",
            "workflow_sha",
            "workflow_repository",
            "workflow_file_path",
        ],
    ),
];

/// Looks for look-ups in contexts with fixed members, and for services and results that are not there.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let github: Vec<&str> = GITHUB_MEMBERS.iter().map(|(name, _)| *name).collect();
    let mut found = Vec::new();
    for written in &linting.written {
        for (context, members) in CONTEXTS.iter().copied().chain([("github", github.as_slice())]) {
            for path in written.paths(context) {
                found.extend(missing(linting, written, path.parts.first(), context, members));
                found.extend(service(linting, written, &path));
            }
        }
        for path in written.paths("needs") {
            found.extend(missing(linting, written, path.parts.get(1), "needs", &["result", "outputs"]));
        }
    }
    found
}

fn missing(
    linting: &Linting<'_>,
    written: &Written<'_>,
    part: Option<&Part<'_>>,
    context: &str,
    members: &[&str],
) -> Option<Diagnostic> {
    let part = part?;
    let name = part.name?;
    if members.iter().any(|it| eq_ignoring_case(it, name)) {
        return None;
    }
    let of = if context == "needs" { "a job in `needs`".to_owned() } else { format!("the context `{context}`") };
    let message = format!("{of} has no `{name}`, so this is empty");
    let help = match (context, name) {
        ("github", "branch" | "tag") => "did you mean `ref_name`?".to_owned(),
        ("github", "commit") => "did you mean `sha`?".to_owned(),
        ("github", "pull_request" | "issue" | "release" | "head_commit" | "inputs") => {
            format!("did you mean `github.event.{name}`?")
        }
        ("needs", "outcome" | "conclusion" | "status") => "did you mean `result`?".to_owned(),
        ("github", _) => names_help(name, members.iter().copied(), "", "").replace(": action, ", ""),
        _ => names_help(name, members.iter().copied(), "it has", ""),
    };
    let help = if help.starts_with("did you") || context != "github" {
        help
    } else {
        "the event's own data is below `github.event`; the other members are in GitHub's documentation of contexts"
            .to_owned()
    };
    let found = linting.warning("context/no-member", message, written.place());
    Some(found.focus(written.span_of(&part.range)).help(help))
}

/// `job.services.ID` that the job does not declare.
fn service(linting: &Linting<'_>, written: &Written<'_>, path: &Path<'_>) -> Option<Diagnostic> {
    let services = &written.job?.services;
    if !path.context.eq_ignore_ascii_case("job") || !path.starts_with(&["services"]) || services.whole.is_some() {
        return None;
    }
    let part = path.parts.get(1)?;
    let name = part.name?;
    let mut names = services.list.iter().map(|it| it.id.value.as_str());
    if names.clone().any(|it| eq_ignoring_case(it, name)) {
        return None;
    }
    let message = format!("the job has no service `{name}`, so this is empty");
    let help = names_help(name, names.by_ref(), "its services are", "declare it below `services`");
    let found = linting.warning("context/no-member", message, written.place());
    Some(found.focus(written.span_of(&part.range)).help(help))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, steps};

    #[test]
    fn members() {
        let docs =
            "the event's own data is below `github.event`; the other members are in GitHub's documentation of contexts";
        for (path, expected) in [
            ("github.refname", "context/no-member `refname`: did you mean `ref_name`?".to_owned()),
            ("github.branch", "context/no-member `branch`: did you mean `ref_name`?".to_owned()),
            (
                "github.pull_request.title",
                "context/no-member `pull_request`: did you mean `github.event.pull_request`?".to_owned(),
            ),
            ("github['x']", format!("context/no-member `x`: {docs}")),
            ("runner.osx", "context/no-member `osx`: did you mean `os`?".to_owned()),
            ("strategy.job_index", "context/no-member `job_index`: did you mean `job-index`?".to_owned()),
            ("job.services.db.id", "context/no-member `db`: declare it below `services`".to_owned()),
        ] {
            let text = format!(
                "on: push\njobs:\n  j:\n    runs-on: x\n    steps:\n    - run: |\n        echo ${{{{ {path} }}}}\n"
            );
            let expected = expected.replace("`x`", "`'x'`");
            check(&text, &[&expected]);
        }
        check(
            &steps(
                "{run: 'echo ${{ github.SHA }} ${{ github.event.x.y }} ${{ runner[env.A] }} ${{ job.container.id }} ${{ \
                 github.artifact_cache_size_limit }}'}",
            ),
            &[],
        );
        check(
            "on: push\njobs:\n  a: {runs-on: x, steps: [{run: a}]}\n  b: {runs-on: x, needs: a, steps: [{run: 'echo ${{ needs.a.outcome }}'}]}\n",
            &["context/no-member `outcome`: did you mean `result`?"],
        );
    }
}
