use wfrun_expr::{Object, Value};
use wfrun_workflow::Workflow;

use crate::Event;

/// What tells this run from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunIdentity {
    /// `github.run_id`: digits.
    pub run_id: String,
    /// `github.run_number`
    pub run_number: u64,
    /// `github.run_attempt`
    pub run_attempt: u64,
    /// `github.token`; of no worth outside this machine.
    pub token: String,
    /// The commit the workflow file was read from.
    pub workflow_sha: String,
    /// Where GitHub's API is asked.
    pub api: ApiUrls,
}

/// Where GitHub's API is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrls {
    /// `github.api_url`, without `/` at its end.
    pub rest: String,
    /// `github.graphql_url`
    pub graphql: String,
}

impl Default for ApiUrls {
    /// GitHub's own.
    fn default() -> Self {
        Self { rest: "https://api.github.com".to_owned(), graphql: "https://api.github.com/graphql".to_owned() }
    }
}

/// The members of the `github` context that are the same for every job of a run.
///
/// Source: GitHub: planning rules 1.8 and 2.3, execution rules E6.1.
pub fn github_context(workflow: &Workflow, event: &Event, run: &RunIdentity) -> Object {
    let (owner, name) = event.repository.split_once('/').unwrap_or(("", &event.repository));
    let path = workflow.source.path();
    let server = "https://github.com";
    let text = |it: &str| Value::from(it.to_owned());
    let ref_type = if event.is_tag() { "tag" } else { "branch" };
    let members = [
        ("token", text(&run.token)),
        ("job", text("")),
        ("ref", text(&event.git_ref)),
        ("sha", text(&event.sha)),
        ("repository", text(&event.repository)),
        ("repository_owner", text(owner)),
        ("repository_owner_id", text(&stable_id(owner).to_string())),
        ("repositoryUrl", text(&format!("git://github.com/{owner}/{name}.git"))),
        ("run_id", text(&run.run_id)),
        ("run_number", text(&run.run_number.to_string())),
        ("retention_days", text("90")),
        ("run_attempt", text(&run.run_attempt.to_string())),
        ("artifact_cache_size_limit", text("10")),
        ("repository_visibility", text("private")),
        ("repository_id", text(&stable_id(&event.repository).to_string())),
        ("actor_id", text(&stable_id(&event.actor).to_string())),
        ("actor", text(&event.actor)),
        ("triggering_actor", text(&event.actor)),
        ("workflow", text(workflow.display_name())),
        ("head_ref", text(event.head_ref.as_deref().unwrap_or_default())),
        ("base_ref", text(event.base_ref.as_deref().unwrap_or_default())),
        ("event_name", text(&event.name)),
        ("event", Value::from(event.payload.clone())),
        ("server_url", text(server)),
        ("api_url", text(&run.api.rest)),
        ("graphql_url", text(&run.api.graphql)),
        ("ref_name", text(event.ref_name())),
        ("ref_protected", Value::Bool(false)),
        ("ref_type", text(ref_type)),
        ("secret_source", text("Actions")),
        ("workflow_ref", text(&format!("{}/{path}@{}", event.repository, event.git_ref))),
        ("workflow_sha", text(&run.workflow_sha)),
    ];
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A number of nine digits that stays the same for the same name, whatever its case, where GitHub has a database id.
pub fn stable_id(name: &str) -> u64 {
    let hash = name
        .to_ascii_lowercase()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash % 900_000_000 + 100_000_000
}
