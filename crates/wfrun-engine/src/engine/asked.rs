//! What a job asks of its machine and of its environment.
use indexmap::IndexSet;
use wfrun_workflow::{ActionRef, Field, Job, Step, StepKind};

use super::planning::PlanningError;
use crate::scope::{At, Named, Status, texts};

/// What `runs-on` asks for.
pub(super) fn labels_of<'a>(model: &'a Job, contexts: &dyn Named) -> Result<Vec<String>, PlanningError<'a>> {
    let at = At { contexts, status: Status::None, hashes: None };
    let mut labels = Vec::new();
    for field in &model.runs_on {
        let trace = field.template.evaluate(&at).map_err(|err| ("runs-on", field, err))?;
        labels.extend(texts(trace.value()));
    }
    Ok(labels)
}

/// The actions that a job's steps use, each once.
pub(super) fn actions_of(model: &Job) -> Vec<ActionRef> {
    let used = model.all_steps().filter_map(|it| match &it.kind {
        StepKind::Uses(uses) => uses.action().cloned(),
        StepKind::Run(_) | StepKind::Wait(_) | StepKind::WaitAll | StepKind::Cancel(_) | StepKind::Parallel(_) => None,
    });
    used.collect::<IndexSet<_>>().into_iter().collect()
}

/// The images that a job's steps run, each once.
pub(super) fn images_of(model: &Job) -> Vec<String> {
    let used: IndexSet<&str> = model.all_steps().filter_map(Step::image).collect();
    used.into_iter().map(str::to_owned).collect()
}

/// Whether the first step is a plain `actions/checkout`, whatever happens before.
pub(super) fn checks_out_first(model: &Job) -> bool {
    /// Inputs that change nothing about the files.
    const PLAIN: [&str; 6] =
        ["clean", "persist-credentials", "show-progress", "set-safe-directory", "ssh-strict", "token"];
    // Steps of a group begin together, so that none of them is first.
    let Some(step) = model.steps.first() else { return false };
    let StepKind::Uses(uses) = &step.kind else { return false };
    let is_checkout = uses.action().is_some_and(|it| {
        let is = |own: &str, name: &str| own.eq_ignore_ascii_case(name);
        is(&it.owner, "actions") && is(&it.repo, "checkout") && it.path.is_empty()
    });
    let is_plain = |(name, field): (&str, &Field)| {
        PLAIN.iter().any(|it| it.eq_ignore_ascii_case(name))
            || (name.eq_ignore_ascii_case("fetch-depth") && field.template.as_literal() == Some("1"))
    };
    let is_bare = step.condition.node.is_none() && !step.background && step.env.iter().next().is_none();
    is_checkout && is_bare && uses.with.iter().all(is_plain) && uses.with.computed().is_none()
}

/// Whether a `runs-on` label asks for a machine that this one cannot be.
pub(super) fn is_elsewhere(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    let wants_arm = label == "arm64" || label == "arm" || label.ends_with("-arm") || label.ends_with("-arm64");
    if wants_arm != cfg!(target_arch = "aarch64") && (wants_arm || label == "x64") {
        return true;
    }
    ["windows", "macos"].iter().any(|it| label == *it || label.starts_with(&format!("{it}-")))
}

/// Whether a `runs-on` label asks for no more than a Linux machine of the usual kind.
pub(super) fn is_served(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    let plain = ["ubuntu", "linux", "self-hosted", "x64", "arm64"];
    plain.contains(&label.as_str()) || label.starts_with("ubuntu-")
}
