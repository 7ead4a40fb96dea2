//! What ID tokens would say of a job, and whether it may have any.
use wfrun_expr::Value;
use wfrun_plan::{Event, effective_permissions};
use wfrun_workflow::{CacheMode, Level, Permissions};

use super::Engine;
use crate::IdTokenClaims;
use crate::frame::Place;
use crate::state::JobState;

/// The members of `github` that are claims of the same name.
///
/// Source: GitHub: execution rules E9.8.
const OF_GITHUB: [&str; 22] = [
    "ref",
    "sha",
    "repository",
    "repository_owner",
    "repository_owner_id",
    "run_id",
    "run_number",
    "run_attempt",
    "repository_visibility",
    "repository_id",
    "actor_id",
    "actor",
    "workflow",
    "head_ref",
    "base_ref",
    "event_name",
    "ref_protected",
    "ref_type",
    "workflow_ref",
    "workflow_sha",
    "job_workflow_ref",
    "job_workflow_sha",
];

impl Engine {
    /// The claims of a job with `id-token: write`, but for those that the issuer adds; nothing for other jobs.
    pub(super) fn id_token(&self, state: &JobState, environment: Option<&str>) -> Option<IdTokenClaims> {
        let granted = self.permissions(&state.place).is_some_and(|it| it.level("id-token") == Level::Write);
        if !granted || is_from_fork(&self.plan.event) {
            return None;
        }
        let workflow_ref = self.frames.get(state.place.frame).map(|it| self.workflow_ref(it)).unwrap_or_default();
        let of_github = |name: &str| match name {
            "job_workflow_ref" => workflow_ref.clone(),
            "job_workflow_sha" => self.settings.identity.workflow_sha.clone(),
            _ => self.github.get(name).map(Value::to_text).unwrap_or_default(),
        };
        let mut claims = IdTokenClaims::default();
        claims.insert("sub".to_owned(), subject(&self.plan.event, environment));
        claims.extend(OF_GITHUB.map(|name| (name.to_owned(), of_github(name))));
        claims.extend(environment.map(|it| ("environment".to_owned(), it.to_owned())));
        // As `runner.environment` has it.
        claims.insert("runner_environment".to_owned(), "self-hosted".to_owned());
        Some(claims)
    }

    /// What the job may do with caches, through all calls above it: the job's word, or else its workflow's, and no more than the
    /// caller has.
    ///
    /// Source: <https://github.blog/changelog/2026-09-10-control-github-actions-cache-access-with-cache-mode>
    /// Differs: where no workflow has `cache-mode`, each job may restore and save caches; on GitHub jobs for `pull_request_target` and
    /// other events that outsiders cause may only restore them.
    /// Differs: a `cache-mode` that lets such a job save caches gets no warning.
    pub(super) fn cache_mode(&self, place: &Place) -> Option<CacheMode> {
        let frame = self.frames.get(place.frame)?;
        let asked = frame.model(&place.id)?.cache_mode.or(frame.workflow.cache_mode);
        let most = frame.caller.as_ref().and_then(|it| self.cache_mode(&self.jobs.get(&it.key)?.place));
        match (asked, most) {
            (Some(asked), Some(most)) => Some(asked.within(most)),
            (one, other) => one.or(other),
        }
    }

    /// What the job's token may do, through all calls above it.
    pub(super) fn permissions(&self, place: &Place) -> Option<Permissions> {
        let frame = self.frames.get(place.frame)?;
        let job = frame.model(&place.id)?;
        let caller = frame.caller.as_ref().and_then(|it| self.permissions(&self.jobs.get(&it.key)?.place));
        effective_permissions(&frame.workflow, job, caller.as_ref())
    }
}

/// Whether a pull request comes from another repository: its jobs read at most.
///
/// Source: GitHub: "Workflow syntax", "How permissions are calculated for a workflow job": the last adjustment is for
/// forks.
pub(super) fn is_from_fork(event: &Event) -> bool {
    let head = event.payload.pointer("/pull_request/head/repo/full_name").and_then(serde_json::Value::as_str);
    event.name == "pull_request" && head.is_some_and(|it| !it.eq_ignore_ascii_case(&event.repository))
}

/// Source: GitHub: execution rules E9.8. A colon in a name is written `%3A`, as it would end the part.
fn subject(event: &Event, environment: Option<&str>) -> String {
    let what = match environment {
        Some(name) => format!("environment:{}", name.replace(':', "%3A")),
        None if event.name == "pull_request" => "pull_request".to_owned(),
        None => format!("ref:{}", event.git_ref),
    };
    format!("repo:{}:{what}", event.repository)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wfrun_plan::ChangedPaths;

    use super::*;

    fn event(name: &str, git_ref: &str, head: &str) -> Event {
        Event {
            name: name.to_owned(),
            activity: None,
            git_ref: git_ref.to_owned(),
            sha: "1".repeat(40),
            base_ref: None,
            head_ref: None,
            head_message: None,
            changed: ChangedPaths::Known(vec![]),
            repository: "octo/demo".to_owned(),
            actor: "octocat".to_owned(),
            default_branch: "main".to_owned(),
            payload: json!({"pull_request": {"head": {"repo": {"full_name": head}}}}),
        }
    }

    /// Source: GitHub: execution rules E9.8.
    #[test]
    fn subjects() {
        let of = |name, git_ref, environment| subject(&event(name, git_ref, "octo/demo"), environment);
        assert_eq!(of("push", "refs/heads/main", None), "repo:octo/demo:ref:refs/heads/main");
        assert_eq!(of("push", "refs/tags/v1", None), "repo:octo/demo:ref:refs/tags/v1");
        assert_eq!(of("pull_request", "refs/pull/7/merge", None), "repo:octo/demo:pull_request");
        assert_eq!(of("pull_request", "refs/pull/7/merge", Some("prod")), "repo:octo/demo:environment:prod");
        assert_eq!(of("push", "refs/heads/main", Some("eu:1")), "repo:octo/demo:environment:eu%3A1");
    }

    #[test]
    fn forks() {
        let from = |name, head| is_from_fork(&event(name, "refs/pull/7/merge", head));
        assert!(from("pull_request", "someone/demo"));
        assert!(!from("pull_request", "Octo/Demo"), "its own repository, whatever the case");
        assert!(!from("pull_request_target", "someone/demo"), "it runs what the base has");
        assert!(!from("push", "someone/demo"));
    }
}
