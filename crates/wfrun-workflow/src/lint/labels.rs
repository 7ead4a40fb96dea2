//! `runs-on/unknown-label` and `runs-on/not-here`: runners that there are not, or not on this machine.
use wfrun_syntax::{Diagnostic, Span, closest};

use super::{Linting, matrix};
use crate::{Field, Job, TokenKind};

/// The systems of GitHub's own runners.
const SYSTEMS: [&str; 3] = ["ubuntu", "windows", "macos"];

/// GitHub's own runners.
///
/// Source: <https://github.com/actions/runner-images#available-images>
const HOSTED: &[&str] = &[
    "ubuntu-latest",
    "ubuntu-26.04",
    "ubuntu-24.04",
    "ubuntu-22.04",
    "ubuntu-slim",
    "ubuntu-26.04-arm",
    "ubuntu-24.04-arm",
    "ubuntu-22.04-arm",
    "windows-latest",
    "windows-2025",
    "windows-2025-vs2026",
    "windows-2022",
    "windows-11-arm",
    "macos-latest",
    "macos-latest-large",
    "macos-latest-xlarge",
    "macos-26",
    "macos-26-intel",
    "macos-26-large",
    "macos-26-xlarge",
    "macos-15",
    "macos-15-intel",
    "macos-15-large",
    "macos-15-xlarge",
    "macos-14",
    "macos-14-large",
    "macos-14-xlarge",
];

/// Images that GitHub has taken away, and what to take.
///
/// Source: <https://github.com/actions/runner-images/issues/6002> (Ubuntu 18.04)
/// Source: <https://github.com/actions/runner-images/issues/11101> (Ubuntu 20.04)
/// Source: <https://github.com/actions/runner-images/issues/12045> (Windows Server 2019)
/// Source: <https://github.com/actions/runner-images/issues/5583> (macOS 10.15)
/// Source: <https://github.com/actions/runner-images/issues/13046> (macOS 13; those before it went earlier)
const REMOVED: &[(&str, &str)] = &[
    ("ubuntu-16.04", "ubuntu-24.04"),
    ("ubuntu-18.04", "ubuntu-24.04"),
    ("ubuntu-20.04", "ubuntu-24.04"),
    ("windows-2016", "windows-2025"),
    ("windows-2019", "windows-2025"),
    ("macos-10.15", "macos-15"),
    ("macos-11", "macos-15"),
    ("macos-12", "macos-15"),
    ("macos-13", "macos-15-intel"),
];

/// Looks at the literal labels of `runs-on`, and at those of a matrix that it names.
///
/// Where more than a label is asked for (`self-hosted`, a group), any other label can be somebody's own.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for job in linting.workflow.jobs.values() {
        let labels = labels(job);
        let is_hosted = job.runs_on.len() == 1 && job.runner_group.is_none();
        for (label, place) in labels.into_iter().flatten() {
            let one = if is_hosted { unknown(linting, &label, place) } else { None };
            let one = one.or_else(|| elsewhere(linting, &label, place));
            // What many jobs ask for is spoken of once.
            found.extend(one.filter(|it| !found.iter().any(|other| other.message == it.message)));
        }
    }
    found
}

/// The labels of a job and where they stand; `None` for those that an expression makes.
fn labels(job: &Job) -> Vec<Option<(String, Span)>> {
    job.runs_on.iter().flat_map(|field| labels_of(job, field)).collect()
}

fn labels_of(job: &Job, field: &Field) -> Vec<Option<(String, Span)>> {
    if let Some(text) = field.template.as_literal() {
        return vec![Some((text.to_owned(), field.node.place()))];
    }
    let values = || {
        let (path, _) = super::path::path(field.template.expr()?)?;
        let is_key = path.context.eq_ignore_ascii_case("matrix") && path.parts.len() == 1;
        let key = path.name(0).filter(|_| is_key && field.template.contexts_used().len() == 1)?;
        matrix::tokens(job.strategy.as_ref()?.matrix.as_ref()?, key)
    };
    let Some(tokens) = values() else { return vec![None] };
    let text = |token: &crate::Token| match &token.kind {
        TokenKind::Text(text) => Some((text.clone(), token.place())),
        TokenKind::Null
        | TokenKind::Bool(_)
        | TokenKind::Number(_)
        | TokenKind::Expression(_)
        | TokenKind::Sequence(_)
        | TokenKind::Mapping(_) => None,
    };
    tokens.into_iter().map(|it| it.and_then(text)).collect()
}

/// Whether the job surely runs on one of GitHub's own runners.
pub(super) fn is_hosted(job: &Job) -> bool {
    let labels = labels(job);
    let is_known = |label: &String| HOSTED.contains(&label.to_ascii_lowercase().as_str());
    job.runner_group.is_none() && labels.iter().all(|it| it.as_ref().is_some_and(|(label, _)| is_known(label)))
}

/// Whether this machine cannot run a job, or that is not known.
pub(super) fn is_or_may_be_elsewhere(job: &Job, is_arm: bool) -> bool {
    labels(job).iter().any(|it| it.as_ref().is_none_or(|(label, _)| reason(label, is_arm).is_some()))
}

fn unknown(linting: &Linting<'_>, label: &str, place: Span) -> Option<Diagnostic> {
    let lower = label.to_ascii_lowercase();
    if HOSTED.contains(&lower.as_str()) {
        return None;
    }
    if let Some((_, instead)) = REMOVED.iter().find(|(it, _)| *it == lower) {
        let message = format!("GitHub has no runner `{label}` any more, so the job waits in vain");
        let help = format!("take `{instead}`; if the label is one of your own runners, allow it by a comment");
        return Some(linting.warning("runs-on/unknown-label", message, place).help(help));
    }
    let near = slip_of(&lower)?;
    let message = format!("there is no runner `{label}`, so the job waits in vain");
    Some(linting.warning("runs-on/unknown-label", message, place).help(format!("did you mean `{near}`?")))
}

/// The label that is misspelt, if it looks like one of GitHub's at all.
fn slip_of(label: &str) -> Option<&'static str> {
    let (system, version) = label.split_once(['-', '_', ' ']).unwrap_or((label, ""));
    if SYSTEMS.contains(&label) {
        return HOSTED.iter().copied().find(|it| *it == format!("{label}-latest"));
    }
    let system = closest(system, SYSTEMS)?;
    let is_version = version.starts_with(|it: char| it.is_ascii_digit()) && !version.contains('-');
    let latest = closest(version, ["latest"]).is_some();
    let known = HOSTED.iter().copied().filter(|it| it.starts_with(system));
    if latest {
        return known.into_iter().find(|it| it.ends_with("-latest"));
    }
    // `ubuntu-22.4`, `ubuntu_24.04`, `ubunut-24.04`; a number that is not known can be newer than this list.
    let digits = |text: &str| text.chars().filter(|it| it.is_ascii_digit() && *it != '0').collect::<String>();
    let same = known.into_iter().find(|it| !it.contains("arm") && digits(it) == digits(version));
    same.filter(|_| is_version)
}

fn elsewhere(linting: &Linting<'_>, label: &str, place: Span) -> Option<Diagnostic> {
    let here = linting.settings.here.as_ref()?;
    let reason = reason(label, here.is_arm)?;
    let message = format!("a job for `{label}` is not run on this machine: {reason}");
    let help = "GitHub runs it; here a run leaves the job out and says so";
    Some(linting.note("runs-on/not-here", message, place).help(help))
}

/// Why a machine with Linux cannot be what a label asks for.
fn reason(label: &str, is_arm: bool) -> Option<&'static str> {
    let label = label.to_ascii_lowercase();
    let is = |system: &str| label == system || label.starts_with(&format!("{system}-"));
    if is("windows") {
        return Some("it is not Windows");
    }
    if is("macos") {
        return Some("it is not macOS");
    }
    let wants_arm = matches!(label.as_str(), "arm64" | "arm") || label.ends_with("-arm") || label.ends_with("-arm64");
    match (is_arm, wants_arm) {
        (false, true) => Some("its processor is not ARM"),
        (true, false) if label == "x64" => Some("its processor is ARM"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_here};

    fn job(runs_on: &str) -> String {
        format!("on: push\njobs: {{j: {{runs-on: {runs_on}, steps: [{{run: a}}]}}}}\n")
    }

    #[test]
    fn labels_of_no_runner() {
        for (label, near) in [
            ("ubuntu-lastest", "ubuntu-latest"),
            ("ubunut-latest", "ubuntu-latest"),
            ("ubuntu", "ubuntu-latest"),
            ("ubuntu-22.4", "ubuntu-22.04"),
            ("ubuntu_24.04", "ubuntu-24.04"),
            ("mac-os-latest", ""),
            ("macOS_latest", "macos-latest"),
        ] {
            let told = format!("runs-on/unknown-label `{label}`: did you mean `{near}`?");
            check(
                &job(label),
                if near.is_empty() { &[] } else { std::slice::from_ref(&told) }
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .as_slice(),
            );
        }
        check(
            &job("ubuntu-18.04"),
            &[
                "runs-on/unknown-label `ubuntu-18.04`: take `ubuntu-24.04`; if the label is one of your own runners, allow it by a comment",
            ],
        );
    }

    #[test]
    fn labels_that_somebody_may_have() {
        for label in [
            "[self-hosted, ubuntu-18.04]",
            "{group: g, labels: ubuntu-20.04}",
            "ubuntu-latest-4-cores",
            "ubuntu-28.04",
            "linux-latest",
            "depot-ubuntu-22.04",
            "macos-14-xlarge",
            "ubuntu-large",
            "windows-11-arm",
            "'${{ vars.RUNNER }}'",
        ] {
            check(&job(label), &[]);
        }
    }

    #[test]
    fn machines_that_this_is_not() {
        let help = "GitHub runs it; here a run leaves the job out and says so";
        for label in ["windows-latest", "macos-14", "ubuntu-24.04-arm"] {
            check_here(&job(label), &[&format!("runs-on/not-here `{label}`: {help}")]);
        }
        check_here(&job("[self-hosted, linux, x64, gpu]"), &[]);
        check_here(
            "on: push\njobs: {j: {runs-on: '${{ matrix.os }}', strategy: {matrix: {os: [ubuntu-latest, macos-15]}}, steps: [{run: a}]}}\n",
            &[&format!("runs-on/not-here `macos-15`: {help}")],
        );
    }
}
