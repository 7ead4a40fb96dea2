//! Foresees a run: does the event trigger the workflow, and which jobs in which order.
//!
//! Invariant: nothing here knows time, processes, git or files; an [`Event`] carries all that was asked of them.
mod event;
mod filter;
mod github;
mod job_name;
mod key;
mod matrix;
mod not_yet;
mod plan;
mod skip_marker;
mod token_value;
mod trigger;

pub use event::{ChangedPaths, Event};
pub use filter::Verdict;
pub use github::{RunIdentity, github_context};
pub use job_name::{JobKeys, called_name, job_name};
pub use key::{JobKey, StepPath};
pub use matrix::{Combination, ExpandError, Expansion, MAX_LEGS, StrategyError, StrategyErrorKind, expand};
pub use not_yet::not_yet;
pub use plan::{Plan, PlanError, PlannedJob, plan};
pub use skip_marker::skip_marker;
pub use token_value::{TokenError, TokenErrorKind, token_value};
pub use trigger::{NotTriggered, trigger};
pub use wfrun_workflow::{Pattern, PatternError};
