//! Foresees a run: does the event trigger the workflow, and which jobs in which order.
//!
//! Invariant: nothing here knows time, processes, git or files; an [`Event`] carries all that was asked of them.
mod because;
mod called;
mod cron_times;
mod dependencies;
mod event;
mod filter;
mod gate;
mod github;
mod group_name;
mod inputs;
mod job_name;
mod key;
mod matrix;
mod needs;
mod not_yet;
mod outlook;
mod permissions;
mod plan;
mod selection;
mod skip_marker;
mod token_value;
mod trigger;
mod what_if;

pub use because::{Because, Operand};
pub use called::called_inputs;
pub use cron_times::{CivilMinute, CronTimes};
pub use dependencies::{
    ActionPlace, ActionVisit, Dependencies, Dependency, Dockerfile, Given, LoadedAction, MAX_DEPTH, Needed, NotKnown,
    TooDeep, Used, UsedTarget, When, dependencies, set_up_action, used_by, walk,
};
pub use event::{ChangedPaths, Event};
pub use filter::{Filtered, PatternStep, Verdict};
pub use gate::{Gate, GateKind, RefKind, gates};
pub use github::{ApiUrls, RunIdentity, github_context, stable_id};
pub use group_name::group_name;
pub use inputs::{InputError, Inputs, call_inputs, dispatch_inputs};
pub use job_name::{JobKeys, called_name, job_name};
pub use key::{JobKey, StepPath};
pub use matrix::{Combination, ExpandError, Expansion, MAX_LEGS, StrategyError, StrategyErrorKind, expand};
pub use needs::{Needs, needs};
pub use not_yet::not_yet;
pub use outlook::{
    Call, CallInput, Group, HandedSecrets, JobOutlook, Leg, Outlook, Prospect, Reason, RunDefaults, StepEnd,
    StepOutlook, World, outlook,
};
pub use permissions::effective_permissions;
pub use plan::{Plan, PlanError, plan};
pub use selection::Selection;
pub use skip_marker::skip_marker;
pub use token_value::{TokenError, TokenErrorKind, token_value};
pub use trigger::{NotTriggered, trigger};
pub use wfrun_workflow::{Pattern, PatternError};
pub use what_if::{Change, candidates, directed, search};
