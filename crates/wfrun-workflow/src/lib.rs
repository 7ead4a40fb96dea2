//! The typed, checked model of `workflow.yml` and `action.yml`.
//!
//! Invariant: lowering never fails: it gives back a model and what is wrong with the text, each with its place.
//! Invariant: every expression is parsed here, so a bad one is a diagnostic before anything runs.
mod action;
mod check;
pub mod contexts;
mod field;
mod id;
mod lower;
mod model;
mod on;
mod references;
mod step_id;
mod uses;

pub use action::{Action, ActionInput, ActionOutput, Runs, lower_action};
pub use field::{Field, IfField};
pub use id::{EventName, JobId, StepId};
pub use lower::lower;
pub use model::{Defaults, EnvMap, Job, RunStep, Step, StepKind, UsesStep, Workflow};
pub use on::{EventConfig, InputKind, InputSpec, On, Patterns};
pub use references::{Reference, references, references_in};
pub use uses::{ActionRef, UsesTarget};
