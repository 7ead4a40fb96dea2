//! `uses/broken` and `uses/artifact-name`: versions of actions that cannot work, or not more than once.
use wfrun_syntax::{Diagnostic, Spanned};

use super::Linting;
use super::matrix;
use crate::{ActionRef, Job, Step, StepKind, TokenKind, UsesStep, UsesTarget};

/// Versions of an action that fail on github.com whatever the workflow says.
struct Broken {
    /// `owner/repo`, with the folders in it.
    action: &'static str,
    /// Which versions.
    versions: fn(Version) -> bool,
    why: &'static str,
    instead: &'static str,
}

/// A version as far as it is written: `v4` is 4, `v4.1.2` is 4, 1, 2.
#[derive(Clone, Copy)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) minor: Option<u32>,
    patch: Option<u32>,
}

const BROKEN: &[Broken] = &[
    // Source: <https://github.blog/changelog/2024-04-16-deprecation-notice-v3-of-the-artifact-actions/>
    Broken {
        action: "actions/upload-artifact",
        versions: |it| it.major < 4,
        why: "GitHub has switched off the service that it uses",
        instead: "v4 or newer, and `actions/download-artifact@v4` or newer with it",
    },
    // Source: <https://github.blog/changelog/2024-04-16-deprecation-notice-v3-of-the-artifact-actions/>
    Broken {
        action: "actions/download-artifact",
        versions: |it| it.major < 4,
        why: "GitHub has switched off the service that it uses",
        instead: "v4 or newer, and `actions/upload-artifact@v4` or newer with it",
    },
    // Source: <https://github.com/actions/upload-pages-artifact/pull/80>: v3 is the first with artifacts v4
    Broken {
        action: "actions/upload-pages-artifact",
        versions: |it| it.major < 3,
        why: "it uses `actions/upload-artifact@v3`, which GitHub has switched off",
        instead: "v3 or newer, and `actions/deploy-pages@v4` or newer with it",
    },
    // Source: <https://github.com/actions/deploy-pages/pull/251>: v4 is the first with artifacts v4
    Broken {
        action: "actions/deploy-pages",
        versions: |it| it.major < 4,
        why: "it finds only artifacts of `actions/upload-artifact@v3`, which GitHub has switched off",
        instead: "v4 or newer, and `actions/upload-pages-artifact@v3` or newer with it",
    },
    // Source: <https://github.com/actions/cache/discussions/1510>: 3.4.0 and 4.2.0 are the first for the new service
    Broken {
        action: "actions/cache",
        versions: |it| it.major < 3 || it.is_before(3, 4) || it.is_before(4, 2),
        why: "GitHub has switched off the service that it uses, and fails the job",
        instead: "v4 or newer",
    },
];

impl Version {
    /// Reads `v4`, `4` or `v4.1.2`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.').map(str::parse);
        // A long number is the start of a commit.
        let major = parts.next()?.ok().filter(|it| *it < 1000)?;
        let (minor, patch) = (parts.next().and_then(Result::ok), parts.next().and_then(Result::ok));
        Some(Self { major, minor, patch })
    }

    /// Whether it is exact, of this major version, and older than that minor one.
    fn is_before(self, major: u32, minor: u32) -> bool {
        self.major == major && self.minor.is_some_and(|it| it < minor)
    }

    /// Whether it is exact, of this major version, and older than that minor one's patch.
    pub(super) fn is_before_patch(self, major: u32, minor: u32, patch: u32) -> bool {
        let is_older = || self.minor == Some(minor) && self.patch.is_some_and(|it| it < patch);
        self.is_before(major, minor) || (self.major == major && is_older())
    }
}

/// Looks at the actions whose versions are named by a tag.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for job in linting.workflow.jobs.values() {
        for step in job.all_steps() {
            let StepKind::Uses(uses) = &step.kind else { continue };
            let Spanned { value: UsesTarget::Repository(action), span } = &uses.target else { continue };
            let Some(version) = Version::parse(action.release()) else { continue };
            if let Some(it) = BROKEN.iter().find(|it| is_of(action, it.action) && (it.versions)(version)) {
                let message = format!("`{action}` does not work any more: {}", it.why);
                let help = format!("take {}", it.instead);
                found.push(linting.warning("uses/broken", message, *span).help(help));
            }
            found.extend(artifact_name(linting, job, step, uses, version));
        }
    }
    found
}

/// The action that a step uses, if its version is named by a tag.
pub(super) fn versioned(step: &Step) -> Option<(&UsesStep, Version)> {
    let StepKind::Uses(uses) = &step.kind else { return None };
    Some((uses, Version::parse(uses.action()?.release())?))
}

/// `actions/cache` means `actions/cache/save` as well.
pub(super) fn is_of(action: &ActionRef, name: &str) -> bool {
    action.repository().eq_ignore_ascii_case(name)
}

/// The same artifact from each job of a matrix, of which only the first can upload it.
///
/// Source: <https://github.com/actions/upload-artifact/blob/main/docs/MIGRATION.md>, "Multiple uploads to the same named Artifact"
fn artifact_name(
    linting: &Linting<'_>,
    job: &Job,
    step: &Step,
    uses: &UsesStep,
    version: Version,
) -> Option<Diagnostic> {
    let is_upload = uses.action().is_some_and(|it| is_of(it, "actions/upload-artifact"));
    let is_guarded =
        step.condition.node.is_some() || job.condition.condition.expr.contexts_used().contains(&"matrix".to_owned());
    let overwrites = uses.with.get("overwrite").is_some_and(|it| it.template.as_literal() != Some("false"));
    if !is_upload || version.major < 4 || is_guarded || overwrites || uses.with.computed().is_some() {
        return None;
    }
    let name = uses.with.get("name");
    let text = match name {
        Some(it) => it.template.as_literal()?,
        None => "artifact",
    };
    let vectors = many(job)?;
    let message =
        format!("each job of the matrix uploads the artifact `{text}`, and only the first can: the others fail");
    let place = name.map_or(uses.target.span, |it| it.node.place());
    let help = format!("give each its own name: `name: {text}-${{{{ matrix.{vectors} }}}}`");
    Some(linting.warning("uses/artifact-name", message, place).help(help))
}

/// A key by which the jobs of a matrix differ, if there are several for certain.
fn many(job: &Job) -> Option<&str> {
    let matrix = job.strategy.as_ref()?.matrix.as_ref()?;
    let TokenKind::Mapping(_) = &matrix.kind else { return None };
    let mut vectors = matrix.pairs().filter(|(key, _)| !matches!(key.value.as_str(), "include" | "exclude"));
    // What is left out may be all but one.
    if matrix.get("exclude").is_some() {
        return None;
    }
    vectors
        .find(|(key, value)| value.items().len() > 1 && matrix::tokens(matrix, &key.value).is_some())
        .map(|(key, _)| key.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, steps};

    #[test]
    fn versions_that_do_not_work() {
        for (action, instead) in [
            ("actions/upload-artifact@v3", "v4 or newer, and `actions/download-artifact@v4` or newer with it"),
            ("Actions/Download-Artifact@v2.1", "v4 or newer, and `actions/upload-artifact@v4` or newer with it"),
            ("actions/cache/restore@v3.3.1", "v4 or newer"),
            ("actions/cache@v4.1.2", "v4 or newer"),
            ("actions/cache@2", "v4 or newer"),
            ("actions/deploy-pages@v2", "v4 or newer, and `actions/upload-pages-artifact@v3` or newer with it"),
        ] {
            check(&steps(&format!("{{uses: {action}}}")), &[&format!("uses/broken `{action}`: take {instead}")]);
        }
        for action in [
            "actions/upload-artifact@v4",
            "actions/cache@v3",
            "actions/cache@v4.2.0",
            "actions/cache@6849a6489940f00c2f30c0fb92c6274307ccb58a",
            "actions/cache@1234567",
            "other/cache@v1",
            "actions/upload-artifact@main",
        ] {
            check(&steps(&format!("{{uses: {action}}}")), &[]);
        }
    }

    #[test]
    fn one_artifact_from_many_jobs() {
        let job = |matrix: &str, step: &str| {
            format!(
                "on: push\njobs: {{j: {{runs-on: x, strategy: {{matrix: {matrix}}}, steps: [{{uses: actions/upload-artifact@v4{step}}}]}}}}\n"
            )
        };
        let two = "{os: [a, b]}";
        check(
            &job(two, ", with: {name: logs}"),
            &["uses/artifact-name `logs`: give each its own name: `name: logs-${{ matrix.os }}`"],
        );
        check(
            &job(two, ""),
            &[
                "uses/artifact-name `actions/upload-artifact@v4`: give each its own name: `name: artifact-${{ matrix.os }}`",
            ],
        );
        for (matrix, step) in [
            ("{os: [a]}", ", with: {name: logs}"),
            (two, ", with: {name: 'logs-${{ matrix.os }}'}"),
            (two, ", with: {name: logs, overwrite: true}"),
            (two, ", if: matrix.os == 'a', with: {name: logs}"),
            ("{os: [a, b], exclude: [{os: a}]}", ", with: {name: logs}"),
        ] {
            check(&job(matrix, step), &[]);
        }
    }
}
