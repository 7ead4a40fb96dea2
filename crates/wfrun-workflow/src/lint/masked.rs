//! `outputs/masked`: outputs of jobs that GitHub drops because a mask of the AWS account's number hits them.
mod written;

use wfrun_syntax::{Diagnostic, eq_ignoring_case};

use self::written::write_of;
use super::Linting;
use super::domain::step;
use super::flow::flows;
use super::path::{Path, path};
use super::uses::{is_of, versioned};
use crate::{Job, StepKind};

const CONFIGURE: &str = "aws-actions/configure-aws-credentials";
const LOGIN: &str = "aws-actions/amazon-ecr-login";

/// Outputs of jobs that hold the account's number while the job masks it.
///
/// Source: AWS: rules A1.2: versions before v3 mask it unless they are told not to. GitHub: planning rules 4.4.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for written in linting.written.iter().filter(|it| it.key == "outputs" && it.step.is_none()) {
        let Some(job) = written.job else { continue };
        let Some(action) = masks(job) else { continue };
        for flow in flows(written.expr) {
            let Some((path, _)) = path(flow.expr) else { continue };
            let Some((step, output)) = step_output(&path) else { continue };
            let by_script = script_that_writes(job, step, output);
            if by_script.is_none() && !holds_number(job, step, output) {
                continue;
            }
            let message = format!(
                "this output holds the account's number, which `{action}` masks: GitHub drops it, and it is empty"
            );
            let place = linting.warning("outputs/masked", message, written.place());
            let place = place.focus(written.span_of(&path.range));
            let place = match by_script {
                Some(span) => place.label(&linting.workflow.source, span, "written here"),
                None => place,
            };
            let help = "give that step `mask-aws-account-id: false`, which v3 and newer do by themselves";
            found.push(place.help(help));
        }
    }
    found
}

/// The step and the output that `steps.STEP.outputs.OUTPUT` means.
fn step_output<'a>(path: &'a Path<'_>) -> Option<(&'a str, &'a str)> {
    let is_output = eq_ignoring_case(path.context, "steps") && path.name(1) == Some("outputs");
    path.name(0).zip(path.name(2)).filter(|_| is_output)
}

/// The step's action that masks the account's number, if one does.
fn masks(job: &Job) -> Option<String> {
    job.all_steps().find_map(|step| {
        let (uses, version) = versioned(step)?;
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

/// Whether an action's output is, or begins with, the account's number.
fn holds_number(job: &Job, id: &str, output: &str) -> bool {
    let Some(StepKind::Uses(uses)) = step(job, id).map(|it| &it.kind) else { return false };
    let Some(action) = uses.action() else { return false };
    (is_of(action, LOGIN) && eq_ignoring_case(output, "registry"))
        || (is_of(action, CONFIGURE) && eq_ignoring_case(output, "aws-account-id"))
}

/// Where the script of a step writes the account's number into an output.
fn script_that_writes(job: &Job, id: &str, output: &str) -> Option<wfrun_syntax::Span> {
    let step = step(job, id)?;
    let StepKind::Run(run) = &step.kind else { return None };
    let holds = |expr: &wfrun_expr::Expr| {
        flows(expr).iter().any(|flow| {
            let path = path(flow.expr).map(|(path, _)| path);
            path.as_ref().and_then(step_output).is_some_and(|(step, output)| holds_number(job, step, output))
        })
    };
    let of_env = step.env.iter().filter(|(_, field)| field.template.expr().is_some_and(holds));
    let names: Vec<&str> = of_env.map(|(name, _)| name).collect();
    let range = write_of(&run.script.raw(), output, &names, &holds)?;
    Some(run.script.span_of(&range))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

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

    #[test]
    fn numbers_that_a_script_writes() {
        let image = "steps.b.outputs.image";
        let told = format!(
            "outputs/masked `{image}`: give that step `mask-aws-account-id: false`, which v3 and newer do by themselves"
        );
        let workflow = |version: &str, output: &str, script: &str| {
            let script = script.replace('\n', "\n        ");
            format!(
                "on: push\njobs:\n  j:\n    runs-on: x\n    outputs: {{o: '${{{{ {output} }}}}'}}\n    steps:\n    - uses: \
                 aws-actions/configure-aws-credentials@{version}\n      with: {{aws-region: r}}\n    - {{id: l, uses: \
                 aws-actions/amazon-ecr-login@v2}}\n    - {{id: m, uses: docker/metadata-action@v5}}\n    - id: b\n      env: \
                 {{REG: '${{{{ steps.l.outputs.registry }}}}', HOST: 'x/${{{{ steps.l.outputs.registry }}}}', TAG: '${{{{ github.sha \
                 }}}}'}}\n      run: |\n        {script}\n"
            )
        };
        for script in [
            r#"echo "image=$REG/x:1" >> $GITHUB_OUTPUT"#,
            r#"echo "image=${REG}/x:$TAG" >> "$GITHUB_OUTPUT""#,
            r#"echo "image=$HOST/x" | tee -a $GITHUB_OUTPUT"#,
            "echo image=$REG/x >> $GITHUB_OUTPUT",
            r#"docker push "$REG/x" && echo "Image=$REG/x" >>"$GITHUB_OUTPUT""#,
            r#"echo "image=${{ steps.l.outputs.registry }}/x" >> $GITHUB_OUTPUT"#,
            "echo 'image=${{ steps.l.outputs.registry }}/x' >> $GITHUB_OUTPUT",
            r#"echo "image=${{ steps.l.outputs.registry || '}}' }}/x" >> $GITHUB_OUTPUT"#,
            "IMAGE=$REG/x:1\necho \"image=$IMAGE\" >> $GITHUB_OUTPUT",
            "N=$(aws sts get-caller-identity --query Account --output text)\necho \"image=$N.dkr\" >> $GITHUB_OUTPUT",
            "echo \"image=`aws sts get-caller-identity | jq -r .Account`\" >> $GITHUB_OUTPUT",
            "echo \"image=$REG/x\" \\\n  >> \"$GITHUB_OUTPUT\"",
            "if a; then\n  IMAGE=$REG/x\n  echo \"image=$IMAGE\" >> $GITHUB_OUTPUT\nfi",
            "echo \"a=b\nimage=$REG\" >> $GITHUB_OUTPUT",
            r#"printf 'a=%s\nimage=%s\n' b "$REG/x" >> "$GITHUB_OUTPUT""#,
            r#"echo "image=$REG" | sudo tee -a "$GITHUB_OUTPUT" > /dev/null"#,
            r#"echo "image=${{ steps.l.outputs.registry }}" >> $env:GITHUB_OUTPUT"#,
        ] {
            check(&workflow("v2", image, script), &[&told]);
            check(&workflow("v4", image, script), &[]);
        }
        for script in [
            r#"echo "image=$TAG" >> $GITHUB_OUTPUT"#,
            r#"echo "other=$REG" >> $GITHUB_OUTPUT"#,
            r#"echo "my-image=$REG" >> $GITHUB_OUTPUT"#,
            r#"echo "image=$REG""#,
            r#"echo "image=x" >> $GITHUB_OUTPUT; docker push $REG/x"#,
            r#"docker push $REG/x && echo "image=x" >> $GITHUB_OUTPUT"#,
            "echo 'image=$REG' >> $GITHUB_OUTPUT",
            r#"echo "image=${REG#*.}" >> $GITHUB_OUTPUT"#,
            r#"echo "image=$(echo $REG | md5sum)" >> $GITHUB_OUTPUT"#,
            r#"echo "image=$REGION" >> $GITHUB_OUTPUT"#,
            r#"# echo "image=$REG" >> $GITHUB_OUTPUT"#,
            "REG=local\necho \"image=$REG\" >> $GITHUB_OUTPUT",
            "echo \"image=$(aws sts get-caller-identity --query UserId)\" >> $GITHUB_OUTPUT",
            "echo \"image=${{ steps.l.outputs.registry != '' }}\" >> $GITHUB_OUTPUT",
            "echo \"a=$REG\nimage=x\" >> $GITHUB_OUTPUT",
            r#"printf 'a=%s\nimage=%s\n' "$REG" b >> "$GITHUB_OUTPUT""#,
            r#"echo "image=$REG" > $GITHUB_OUTPUT.txt"#,
            r#"echo "image=$REG" | tee x.txt; echo x >> $GITHUB_OUTPUT"#,
            "cat <<'END'\necho \"image=$REG\" >> $GITHUB_OUTPUT\nEND",
        ] {
            check(&workflow("v2", image, script), &[]);
        }
        let writes = r#"echo "image=$REG/x:1" >> $GITHUB_OUTPUT"#;
        for output in
            ["steps.m.outputs.tags", "steps.b.outputs.other", "steps.b.outcome", "steps.b.outputs.image && 'yes'"]
        {
            check(&workflow("v2", &output.replace('\'', "''"), writes), &[]);
        }
    }
}
