//! Foresees a run: does the event trigger the workflow, and which jobs in which order.
//!
//! Invariant: nothing here knows time, processes, git or files; an [`Event`] carries all that was asked of them.
mod because;
mod event;
mod filter;
mod github;
mod key;
mod not_yet;
mod outlook;
mod plan;
mod skip_marker;
mod trigger;
mod what_if;

pub use because::{Because, Operand};
pub use event::{ChangedPaths, Event};
pub use filter::Verdict;
pub use github::{RunIdentity, github_context};
pub use key::{JobKey, StepPath};
pub use not_yet::not_yet;
pub use outlook::{JobOutlook, Leg, Outlook, Prospect, Reason, StepOutlook, World, outlook};
pub use plan::{Plan, PlanError, PlannedJob, plan};
pub use skip_marker::skip_marker;
pub use trigger::{NotTriggered, trigger};
pub use wfrun_workflow::{Pattern, PatternError};
pub use what_if::{Change, MOST_TRIED, candidates, search};
