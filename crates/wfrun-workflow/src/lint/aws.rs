//! `uses/hidden-rollback`: versions of the deploy action that hide a roll-back.
use wfrun_syntax::{Diagnostic, eq_ignoring_case};

use super::Linting;
use super::uses::{is_of, versioned};
use crate::{Job, Step};

const DEPLOY: &str = "aws-actions/amazon-ecs-deploy-task-definition";

/// Looks at the actions whose versions are named by a tag.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let jobs = linting.workflow.jobs.values();
    jobs.flat_map(Job::all_steps).filter_map(|it| hidden_rollback(linting, it)).collect()
}

/// A roll-back by the deployment circuit breaker leaves the service stable, which old versions take for success.
///
/// Source: AWS: rules A0.4; <https://github.com/aws-actions/amazon-ecs-deploy-task-definition/pull/860>: 2.6.2 is the first that
/// looks whether the deployment is still there.
fn hidden_rollback(linting: &Linting<'_>, step: &Step) -> Option<Diagnostic> {
    let (uses, version) = versioned(step)?;
    let action = uses.action().filter(|it| is_of(it, DEPLOY))?;
    let waits = uses.with.get("wait-for-service-stability")?.template.as_literal()?;
    if !eq_ignoring_case(waits, "true") || !(version.major < 2 || version.is_before_patch(2, 6, 2)) {
        return None;
    }
    let message = format!("`{action}` ends with success where ECS rolls the service back");
    let help = "take v2, of which 2.6.2 and newer look whether the deployment is still there";
    Some(linting.warning("uses/hidden-rollback", message, uses.target.span).help(help))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, steps};

    #[test]
    fn rollbacks_that_look_like_success() {
        let told = |action: &str| {
            format!(
                "uses/hidden-rollback `{action}`: take v2, of which 2.6.2 and newer look whether the deployment is still there"
            )
        };
        let step = |version: &str, waits: &str| {
            steps(&format!("{{uses: aws-actions/amazon-ecs-deploy-task-definition@{version}, with: {{{waits}}}}}"))
        };
        let waits = "wait-for-service-stability: true";
        for version in ["v1", "v1.6.0", "v2.6.1", "v2.0"] {
            let action = format!("aws-actions/amazon-ecs-deploy-task-definition@{version}");
            check(&step(version, waits), &[&told(&action)]);
        }
        let grouped = format!("{{uses: aws-actions/amazon-ecs-deploy-task-definition@v1, with: {{{waits}}}}}");
        check(
            &steps(&format!("{{parallel: [{grouped}]}}")),
            &[&told("aws-actions/amazon-ecs-deploy-task-definition@v1")],
        );
        for version in ["v2", "v2.6", "v2.6.2", "v2.7.0", "v3", "main"] {
            check(&step(version, waits), &[]);
        }
        // As bots pin actions: the comment says which release a commit is.
        let commit = "df9643053eda01f169e64a0e60233aacca83799a";
        let pinned = |comment: &str| {
            format!(
                "on: push\njobs:\n  j:\n    runs-on: x\n    steps:\n    - uses: aws-actions/amazon-ecs-deploy-task-definition@{commit}{comment}\n      with: {{{waits}}}\n"
            )
        };
        check(&pinned(" # v1.4.11"), &[&told(&format!("aws-actions/amazon-ecs-deploy-task-definition@{commit}"))]);
        check(&pinned(" # v2.6.3"), &[]);
        check(&pinned(""), &[]);
        for waits in ["service: s", "wait-for-service-stability: false", "wait-for-service-stability: '${{ vars.W }}'"]
        {
            check(&step("v1", waits), &[]);
        }
    }
}
