//! `outputs/secret`: outputs of jobs that GitHub drops because they carry a secret.
use wfrun_syntax::Diagnostic;

use super::Linting;
use super::flow::flows;
use super::path::{Path, path};
use crate::{EnvMap, Job};

/// Looks for secrets in the outputs of jobs, directly or by an `env` of the job or the workflow.
///
/// Source: GitHub: planning rules 4.4.
pub(super) fn lint(linting: &Linting<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let outputs = linting.written.iter().filter(|it| it.key == "outputs" && it.step.is_none());
    for written in outputs {
        let Some(job) = written.job else { continue };
        for flow in flows(written.expr) {
            let Some((path, _)) = path(flow.expr) else { continue };
            let Some(secret) = secret(linting, job, &path) else { continue };
            let message = format!("this output holds the secret `{secret}`: GitHub drops it, and it is empty");
            let help = format!("give `secrets.{secret}` to the job that needs it, in its own `env`");
            let place = linting.warning("outputs/secret", message, written.place());
            found.push(place.focus(written.span_of(&path.range)).help(help));
        }
    }
    found
}

/// The secret that a look-up gives.
fn secret(linting: &Linting<'_>, job: &Job, wanted: &Path<'_>) -> Option<String> {
    if wanted.context.eq_ignore_ascii_case("secrets") {
        return Some(wanted.name(0)?.to_owned());
    }
    if !wanted.context.eq_ignore_ascii_case("env") {
        return None;
    }
    let name = wanted.name(0)?;
    let entry = |map: &'_ EnvMap| map.get(name).and_then(|it| it.template.expr().cloned());
    let expr = entry(&job.env).or_else(|| entry(&linting.workflow.env))?;
    flows(&expr).into_iter().find_map(|it| {
        let (path, _) = path(it.expr)?;
        let is_secret = path.context.eq_ignore_ascii_case("secrets");
        if is_secret { path.name(0).map(str::to_owned) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn secrets_in_outputs() {
        let job = |output: &str| {
            format!(
                "on: push\nenv: {{T: 'x-${{{{ secrets.TOKEN }}}}'}}\njobs: {{j: {{runs-on: x, outputs: {{o: '${{{{ {output} }}}}'}}, steps: [{{run: a}}]}}}}\n"
            )
        };
        let help = "give `secrets.TOKEN` to the job that needs it, in its own `env`";
        check(&job("secrets.TOKEN"), &[&format!("outputs/secret `secrets.TOKEN`: {help}")]);
        check(&job("format(''{0}'', env.T)"), &[&format!("outputs/secret `env.T`: {help}")]);
        for output in ["secrets.TOKEN != ''''", "secrets.TOKEN && ''yes'' || ''no''", "env.OTHER", "github.sha"] {
            check(&job(output), &[]);
        }
    }
}
