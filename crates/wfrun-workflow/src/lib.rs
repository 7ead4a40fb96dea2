//! The typed, checked model of `workflow.yml` and `action.yml`.
//!
//! [`read_workflow`] and [`read_action`] take a text through three steps: YAML, the schema (`schema` says what may
//! stand where, `read` walks along it), and `lower`, which makes the model and checks what no schema can express.
//!
//! Invariant: reading never fails: it gives back a model and what is wrong with the text, each with its place.
//! Invariant: every expression is parsed here, so a bad one is a diagnostic before anything runs.
mod action;
mod check;
pub mod contexts;
mod field;
mod id;
mod limits;
mod lint;
mod lower;
mod model;
mod on;
mod pattern;
mod read;
mod references;
mod report;
mod schema;
mod set;
pub mod shell_script;
mod sites;
mod step_id;
mod token;
mod uses;

pub use action::{Action, ActionInput, ActionOutput, Runs, RunsKind, lower_action, read_action};
pub use field::{EnvMap, Field, IfField, MapPart};
pub use id::{EventName, JobId, StepId};
pub use limits::Limits;
pub use lint::{Here, LintSettings, RefusedDefinition, lint, refused_definition};
pub use lower::{lower, read_workflow};
pub use model::{
    CacheMode, CallSecrets, Concurrency, Container, Credentials, Defaults, DeploymentEnvironment, Job, Level,
    Permissions, Queue, RunStep, SCOPES, Service, Services, Snapshot, Step, StepKind, Strategy, UsesStep, Workflow,
    WorkflowCall, name_line,
};
pub use on::{EventConfig, InputKind, InputSpec, On, Patterns, Schedule, SecretSpec};
pub use pattern::{Pattern, PatternError};
pub use read::ReadOptions;
pub use references::{Reference, open_references, references, references_in};
pub use report::explain as explain_expression_error;
pub use schema::EventSpec;
pub use set::{FileRef, Loaded, PermissionsPolicy, RepositoryRef, SetOptions, WorkflowSet, read_set};
pub use sites::{Site, SiteValue, sites, step_sites, token_expressions};
pub use token::{Entry, EntryKey, Token, TokenKind};
pub use uses::{ActionRef, CallTarget, UsesTarget, image_name, is_commit};
