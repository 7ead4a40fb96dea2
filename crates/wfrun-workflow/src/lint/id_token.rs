//! `uses/no-id-token`: a role that is taken by an ID token which the job may not ask for.
use wfrun_syntax::{Diagnostic, eq_ignoring_case};

use super::uses::is_of;
use super::{Linting, labels};
use crate::{EnvMap, Level, Step, StepKind, UsesStep};

const CONFIGURE: &str = "aws-actions/configure-aws-credentials";
/// Inputs by which a role is taken without an ID token of GitHub's.
///
/// Source: <https://github.com/aws-actions/configure-aws-credentials>, `src/index.ts`, `useGitHubOIDCProvider`.
const OTHERWISE: [&str; 4] = ["aws-access-key-id", "web-identity-token-file", "role-chaining", "force-skip-oidc"];
const KEY: &str = "AWS_ACCESS_KEY_ID";

/// Looks at the first step of each job that takes a role of AWS's; what comes after it may go on from there.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let workflow = linting.workflow;
    let mut found = Vec::new();
    for job in workflow.jobs.values() {
        let written = job.permissions.as_ref().or(workflow.permissions.as_ref());
        // Who calls a workflow that writes none gives its own.
        let may_ask = written.map_or(workflow.on.is_callable(), |it| it.value.level("id-token") == Level::Write);
        // A runner of one's own may have keys itself.
        if may_ask || !labels::is_hosted(job) || has_key(&workflow.env) || has_key(&job.env) {
            continue;
        }
        let Some((step, uses)) = job.all_steps().find_map(configures) else { continue };
        let mut before = job.all_steps().take_while(|it| !std::ptr::eq(*it, step));
        let Some(role) = uses.with.get("role-to-assume") else { continue };
        let is_otherwise = OTHERWISE.iter().any(|it| uses.with.get(it).is_some()) || uses.with.computed().is_some();
        if is_otherwise || has_key(&step.env) || before.any(may_export_key) {
            continue;
        }
        let message =
            "the role is taken with an ID token of GitHub's, and the job may not ask for one: no credentials are found";
        let help = "write `permissions: {id-token: write, contents: read}` at the job; what is not named there is none";
        found.push(linting.warning("uses/no-id-token", message, role.span()).help(help));
    }
    found
}

fn configures(step: &Step) -> Option<(&Step, &UsesStep)> {
    let StepKind::Uses(uses) = &step.kind else { return None };
    uses.action().filter(|it| is_of(it, CONFIGURE)).map(|_| (step, uses))
}

fn has_key(env: &EnvMap) -> bool {
    env.computed().is_some() || env.iter().any(|(name, _)| eq_ignoring_case(name, KEY))
}

/// Whether a step may make a key known to the steps behind it: a script that speaks of one, and an action of which nothing is known.
fn may_export_key(step: &Step) -> bool {
    match &step.kind {
        StepKind::Run(run) => run.script.raw().contains(KEY),
        StepKind::Uses(uses) => !uses.action().is_some_and(|it| {
            ["actions", "aws-actions", "docker"].iter().any(|owner| eq_ignoring_case(&it.owner, owner))
        }),
        StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_call};
    use super::OTHERWISE;

    const CONFIGURE: &str =
        "{uses: aws-actions/configure-aws-credentials@v4, with: {aws-region: r, role-to-assume: ROLE}}";

    fn workflow(top: &str, job: &str, steps: &str) -> String {
        format!("on: push\n{top}\njobs: {{j: {{runs-on: ubuntu-latest, {job}steps: [{steps}]}}}}\n")
    }

    #[test]
    fn roles_without_a_token() {
        let told = "uses/no-id-token `ROLE`: write `permissions: {id-token: write, contents: read}` at the job; what is not named there \
                    is none";
        for (top, job) in [
            ("", ""),
            ("permissions: {contents: read}", ""),
            ("permissions: read-all", ""),
            ("permissions: {id-token: write}", "permissions: {contents: read}, "),
            ("permissions: {id-token: none}", ""),
        ] {
            check(&workflow(top, job, CONFIGURE), &[told]);
        }
        check(&workflow("", "", &format!("{{run: a}}, {{parallel: [{CONFIGURE}]}}")), &[told]);
        check(&workflow("", "", &format!("{{uses: actions/checkout@v4}}, {CONFIGURE}, {{uses: octo/a@v1}}")), &[told]);
    }

    #[test]
    fn where_there_may_be_one_or_none_is_needed() {
        for (top, job) in [
            ("permissions: {id-token: write}", ""),
            ("permissions: write-all", ""),
            ("permissions: {}", "permissions: {id-token: write}, "),
            ("env: {AWS_ACCESS_KEY_ID: a}", ""),
            ("", "env: {AWS_ACCESS_KEY_ID: a}, "),
            ("", "env: '${{ fromJSON(vars.E) }}', "),
        ] {
            check(&workflow(top, job, CONFIGURE), &[]);
        }
        for more in OTHERWISE {
            check(&workflow("", "", &CONFIGURE.replace("aws-region: r", &format!("aws-region: r, {more}: x"))), &[]);
        }
        let by_key = CONFIGURE.replace("role-to-assume: ROLE", "aws-access-key-id: x");
        check(&workflow("", "", &format!("{by_key}, {CONFIGURE}")), &[]);
        check(&workflow("", "", &format!("{{uses: hashicorp/vault-action@v3}}, {CONFIGURE}")), &[]);
        check(&workflow("", "", &format!("{{run: 'echo AWS_ACCESS_KEY_ID=x >> $GITHUB_ENV'}}, {CONFIGURE}")), &[]);
        check(&workflow("", "", CONFIGURE).replace("ubuntu-latest", "[self-hosted, x]"), &[]);
        check(&workflow("", "", CONFIGURE).replace("ubuntu-latest", "'${{ vars.R }}'"), &[]);
        check(&workflow("", "", CONFIGURE).replace("on: push", "on: {push: , workflow_call: }"), &[]);
        let caller = "on: push\njobs: {j: {uses: ./.github/workflows/callee.yml}}\n";
        check_call(caller, &workflow("", "", CONFIGURE).replace("on: push", "on: workflow_call"), &[]);
    }
}
