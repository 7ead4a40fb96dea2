//! Programs that ask registries by themselves, past `docker` and its engine.
use wfrun_workflow::{EnvMap, StepKind, WorkflowSet};

/// Commands that look a registry's name up.
///
/// Source: their own documentation.
const CLIENTS: [&str; 18] = [
    "buildah", "buildctl", "cosign", "crane", "gcrane", "grype", "helm", "jib", "kaniko", "ko", "nerdctl", "notation",
    "oras", "podman", "regctl", "skopeo", "syft", "trivy",
];

/// What makes `docker` itself build by a program that does.
const BUILDERS: [&str; 2] = ["buildx", "DOCKER_BUILDKIT"];

/// A program that workflows call which asks registries by itself, as far as their texts tell: in scripts, and in the names of actions.
///
/// `builds_itself`: whether `docker` is a program that needs none.
pub fn registry_client(set: &WorkflowSet, builds_itself: bool) -> Option<String> {
    let is_client = |word: &&str| CLIENTS.contains(word) || (!builds_itself && BUILDERS.contains(word));
    let find = |text: &str, parts: &[char]| {
        let is_end = |it: char| !it.is_ascii_alphanumeric() && it != '_' && !parts.contains(&it);
        text.split(is_end).find(is_client).map(str::to_owned)
    };
    let jobs = set.workflows().flat_map(|it| it.jobs.values().map(move |job| (it, job)));
    jobs.into_iter().find_map(|(workflow, job)| {
        let envs = [&workflow.env, &job.env].into_iter().chain(job.all_steps().map(|it| &it.env));
        let by_variable = || {
            let mut names = envs.flat_map(EnvMap::iter).map(|(name, _)| name);
            names.find(|it| is_client(it)).map(ToString::to_string)
        };
        let by_step = job.all_steps().find_map(|step| match &step.kind {
            StepKind::Run(run) => find(&run.script.raw(), &['-']),
            // The stand-ins of Docker's own actions need no builder.
            StepKind::Uses(uses) => {
                let action = uses.action().filter(|it| !it.owner.eq_ignore_ascii_case("docker"))?;
                find(&action.repo, &[])
            }
            StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => None,
        });
        by_step.or_else(by_variable)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(env: &str, step: &str, builds_itself: bool) -> Option<String> {
        let text = format!("on: push\nenv: {env}\njobs: {{j: {{runs-on: x, steps: [{step}]}}}}\n");
        let source = wfrun_syntax::Source::new("w.yml", text);
        let parsed = wfrun_syntax::parse(&source);
        let lowered = wfrun_workflow::lower(&source, parsed.value.as_ref());
        assert!(!lowered.has_errors(), "{:?}", lowered.diagnostics);
        registry_client(&WorkflowSet::alone(std::sync::Arc::new(lowered.value)), builds_itself)
    }

    #[test]
    fn who_asks_registries_by_itself() {
        for (env, step, is_found) in [
            ("{}", "{run: docker build -t a . && docker push a}", None),
            ("{}", "{run: 'crane push a.tar $R/a'}", Some("crane")),
            ("{}", "{run: 'x=$(skopeo inspect docker://$R/a)'}", Some("skopeo")),
            ("{}", "{run: echo crane-less}", None),
            ("{}", "{uses: aquasecurity/trivy-action@v1}", Some("trivy")),
            ("{}", "{uses: docker/setup-buildx-action@v3}", None),
            ("{}", "{run: docker buildx build --push .}", Some("buildx")),
            ("{}", "{run: DOCKER_BUILDKIT=1 docker build .}", Some("DOCKER_BUILDKIT")),
            ("{}", "{parallel: [{run: crane ls a}, {run: b}]}", Some("crane")),
            ("{DOCKER_BUILDKIT: 1}", "{run: docker build .}", Some("DOCKER_BUILDKIT")),
        ] {
            assert_eq!(found(env, step, false).as_deref(), is_found, "{env} {step}");
            let without_builders = is_found.filter(|it| !BUILDERS.contains(it));
            assert_eq!(found(env, step, true).as_deref(), without_builders, "{env} {step}");
        }
    }
}
