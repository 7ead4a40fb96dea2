//! Which contexts and functions an expression may use, key by key.
//!
//! The rows carry the letters of the table they were taken from.
//! Source: GitHub: planning rules 1.8; <https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-availability>
use wfrun_expr::{Availability, FunctionSpec};

const fn function(name: &'static str, min: usize, max: usize) -> FunctionSpec {
    FunctionSpec { name, min, max }
}

const JOB_STATUS: &[FunctionSpec] = &[
    function("always", 0, 0),
    function("cancelled", 0, 0),
    function("success", 0, usize::MAX),
    function("failure", 0, usize::MAX),
];
const STEP_STATUS: &[FunctionSpec] = &[
    function("always", 0, 0),
    function("cancelled", 0, 0),
    function("success", 0, 0),
    function("failure", 0, 0),
    function("hashFiles", 1, 255),
];
const HASH_FILES: &[FunctionSpec] = &[function("hashFiles", 1, 255)];

macro_rules! row {
    ($(#[$doc:meta])* $name:ident: [$($context:literal),*], $functions:expr) => {
        $(#[$doc])*
        pub const $name: Availability = Availability { contexts: &[$($context),*], functions: $functions };
    };
}

row! {
    /// Where no expression may use a context.
    NONE: [], &[]
}
row! {
    /// A: `run-name`, root `concurrency`, defaults of `workflow_call` inputs.
    RUN_NAME: ["github", "inputs", "vars"], &[]
}
row! {
    /// B: root `env`.
    ROOT_ENV: ["github", "inputs", "vars", "secrets"], &[]
}
row! {
    /// C: `jobs.<job_id>.if`.
    JOB_IF: ["github", "inputs", "vars", "needs"], JOB_STATUS
}
row! {
    /// D: `jobs.<job_id>.strategy`.
    STRATEGY: ["github", "inputs", "vars", "needs"], &[]
}
row! {
    /// E: most keys of a job.
    JOB: ["github", "inputs", "vars", "needs", "strategy", "matrix"], &[]
}
row! {
    /// E and secrets: `jobs.<job_id>.env`.
    JOB_ENV: ["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets"], &[]
}
row! {
    /// E and env: `jobs.<job_id>.defaults.run`.
    JOB_DEFAULTS: ["github", "inputs", "vars", "needs", "strategy", "matrix", "env"], &[]
}
row! {
    /// F: `jobs.<job_id>.outputs`.
    JOB_OUTPUTS: ["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "steps", "job", "runner", "env"], &[]
}
row! {
    /// I: `jobs.<job_id>.steps[*].if`.
    STEP_IF: ["github", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job", "runner", "env"], STEP_STATUS
}
row! {
    /// J: the other keys of a step.
    STEP: ["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "steps", "job", "runner", "env"], HASH_FILES
}
row! {
    /// G: `jobs.<job_id>.environment.url`.
    ENVIRONMENT_URL: ["github", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job", "runner", "env"], &[]
}
row! {
    /// H: `credentials` of containers and services, with what their definitions around them have.
    CREDENTIALS: ["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "env"], &[]
}
row! {
    /// K: `value` of the outputs of `workflow_call`.
    CALL_OUTPUT: ["github", "inputs", "vars", "jobs"], &[]
}
row! {
    /// `if` of a snapshot, written without `${{ }}`.
    SNAPSHOT_IF: ["github", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job", "runner", "env"], STEP_STATUS
}
row! {
    /// `pre-if` and `post-if` of an action.
    ACTION_IF: ["runner", "github", "job", "strategy", "matrix", "env", "inputs"], STEP_STATUS
}
row! {
    /// Defaults of an action's inputs.
    ACTION_INPUT: ["github", "strategy", "matrix", "job", "runner"], HASH_FILES
}
row! {
    /// Outputs of a composite action.
    ACTION_OUTPUT: ["github", "strategy", "matrix", "steps", "inputs", "job", "runner", "env"], &[]
}
row! {
    /// `args` and `env` of a container action.
    ACTION_CONTAINER: ["inputs"], &[]
}
row! {
    /// Steps of a composite action.
    COMPOSITE: ["github", "inputs", "strategy", "matrix", "steps", "job", "runner", "env"], HASH_FILES
}
row! {
    /// `if` of a composite action's steps.
    COMPOSITE_IF: ["github", "inputs", "strategy", "matrix", "steps", "job", "runner", "env"], STEP_STATUS
}

/// The members of the `github` context, and whether processes get each as `GITHUB_…`, too.
///
/// Source: GitHub: planning rules 1.8, execution rules E6.1.
pub const GITHUB_MEMBERS: &[(&str, bool)] = &[
    ("action", true),
    ("action_path", true),
    ("action_ref", true),
    ("action_repository", true),
    ("action_status", false),
    ("actor", true),
    ("actor_id", true),
    ("api_url", true),
    ("artifact_cache_size_limit", false),
    ("base_ref", true),
    ("env", true),
    ("event", false),
    ("event_name", true),
    ("event_path", true),
    ("graphql_url", true),
    ("head_ref", true),
    ("job", true),
    ("output", true),
    ("path", true),
    ("ref", true),
    ("ref_name", true),
    ("ref_protected", true),
    ("ref_type", true),
    ("repository", true),
    ("repository_id", true),
    ("repository_owner", true),
    ("repository_owner_id", true),
    ("repository_visibility", false),
    ("repositoryUrl", false),
    ("retention_days", true),
    ("run_attempt", true),
    ("run_id", true),
    ("run_number", true),
    ("secret_source", false),
    ("server_url", true),
    ("sha", true),
    ("state", true),
    ("step_summary", true),
    ("token", false),
    ("triggering_actor", true),
    ("workflow", true),
    ("workflow_ref", true),
    ("workflow_sha", true),
    ("workspace", true),
];
