//! `uses/hidden-rollback` and `outputs/masked`: what versions of AWS's actions hide.
use wfrun_syntax::{Diagnostic, eq_ignoring_case};

use super::Linting;
use super::flow::flows;
use super::path::path;
use super::uses::{Version, is_of};
use crate::{Job, Step, StepKind, UsesStep};

const DEPLOY: &str = "aws-actions/amazon-ecs-deploy-task-definition";
const CONFIGURE: &str = "aws-actions/configure-aws-credentials";
const LOGIN: &str = "aws-actions/amazon-ecr-login";

/// Looks at the actions whose versions are named by a tag.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let jobs = linting.workflow.jobs.values();
    let deployments = jobs.clone().flat_map(Job::all_steps).filter_map(|it| hidden_rollback(linting, it));
    deployments.chain(masked(linting)).collect()
}

fn uses(step: &Step) -> Option<(&UsesStep, Version)> {
    let StepKind::Uses(uses) = &step.kind else { return None };
    Some((uses, Version::parse(&uses.action()?.git_ref)?))
}

/// A roll-back by the deployment circuit breaker leaves the service stable, which old versions take for success.
///
/// Source: AWS: rules A0.4; <https://github.com/aws-actions/amazon-ecs-deploy-task-definition/pull/860>: 2.6.2 is the first that
/// looks whether the deployment is still there.
fn hidden_rollback(linting: &Linting<'_>, step: &Step) -> Option<Diagnostic> {
    let (uses, version) = uses(step)?;
    let action = uses.action().filter(|it| is_of(it, DEPLOY))?;
    let waits = uses.with.get("wait-for-service-stability")?.template.as_literal()?;
    if !eq_ignoring_case(waits, "true") || !(version.major < 2 || version.is_before_patch(2, 6, 2)) {
        return None;
    }
    let message = format!("`{action}` ends with success where ECS rolls the service back");
    let help = "take v2, of which 2.6.2 and newer look whether the deployment is still there";
    Some(linting.warning("uses/hidden-rollback", message, uses.target.span).help(help))
}

/// Outputs of jobs that hold the account's number while the job masks it.
///
/// Source: AWS: rules A1.2: versions before v3 mask it unless they are told not to. GitHub: planning rules 4.4.
fn masked(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for written in linting.written.iter().filter(|it| it.key == "outputs" && it.step.is_none()) {
        let Some(job) = written.job else { continue };
        let Some(action) = masks(job) else { continue };
        for flow in flows(written.expr) {
            let Some((path, _)) = path(flow.expr) else { continue };
            let (step, output) = (path.name(0), path.name(2));
            let is_output = eq_ignoring_case(path.context, "steps") && path.name(1) == Some("outputs");
            let (Some(step), Some(output), true) = (step, output, is_output) else { continue };
            if !holds_number(job, step, output) {
                continue;
            }
            let message = format!(
                "this output holds the account's number, which `{action}` masks: GitHub drops it, and it is empty"
            );
            let place = linting.warning("outputs/masked", message, written.place());
            let help = "give that step `mask-aws-account-id: false`, which v3 and newer do by themselves";
            found.push(place.focus(written.span_of(&path.range)).help(help));
        }
    }
    found
}

/// The step's action that masks the account's number, if one does.
fn masks(job: &Job) -> Option<String> {
    job.all_steps().find_map(|step| {
        let (uses, version) = uses(step)?;
        let action = uses.action().filter(|it| is_of(it, CONFIGURE))?;
        let asked = match uses.with.get("mask-aws-account-id") {
            Some(it) => it.template.as_literal()?,
            None => "",
        };
        let is_masked = match asked {
            "" => version.major < 3,
            text => !eq_ignoring_case(text, "false"),
        };
        is_masked.then(|| action.to_string())
    })
}

/// Whether a step's output is, or begins with, the account's number.
fn holds_number(job: &Job, id: &str, output: &str) -> bool {
    let step = job.all_steps().find(|it| it.id.is(id));
    let Some(action) = step.and_then(uses).and_then(|(uses, _)| uses.action()) else { return false };
    (is_of(action, LOGIN) && eq_ignoring_case(output, "registry"))
        || (is_of(action, CONFIGURE) && eq_ignoring_case(output, "aws-account-id"))
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
        for waits in ["service: s", "wait-for-service-stability: false", "wait-for-service-stability: '${{ vars.W }}'"]
        {
            check(&step("v1", waits), &[]);
        }
    }

    #[test]
    fn numbers_that_are_masked() {
        let job = |version: &str, with: &str, output: &str| {
            format!(
                "on: push\njobs: {{j: {{runs-on: x, outputs: {{o: '${{{{ {output} }}}}'}}, steps: [{{id: c, uses: \
                 aws-actions/configure-aws-credentials@{version}, with: {{aws-region: r{with}}}}}, {{id: l, uses: \
                 aws-actions/amazon-ecr-login@v2}}]}}}}\n"
            )
        };
        let told = |what: &str| {
            format!(
                "outputs/masked `{what}`: give that step `mask-aws-account-id: false`, which v3 and newer do by themselves"
            )
        };
        let (registry, number) = ("steps.l.outputs.registry", "steps.c.outputs.aws-account-id");
        for (version, with) in
            [("v2", ""), ("v1", ", mask-aws-account-id: true"), ("v4", ", mask-aws-account-id: true")]
        {
            check(&job(version, with, registry), &[&told(registry)]);
            check(&job(version, with, number), &[&told(number)]);
        }
        for (version, with, output) in [
            ("v4", "", registry),
            ("v2", ", mask-aws-account-id: false", registry),
            ("v2", ", mask-aws-account-id: '${{ vars.M }}'", registry),
            ("v2", "", "steps.l.outputs.docker_username_x"),
            ("v2", "", "steps.l.outputs.registry != ''''"),
        ] {
            check(&job(version, with, output), &[]);
        }
    }
}
