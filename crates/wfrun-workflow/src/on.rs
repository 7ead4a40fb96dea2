//! What a workflow listens to.
use indexmap::IndexMap;
use wfrun_syntax::{Span, Spanned};

use crate::EventName;

/// `on:`
#[derive(Debug, Clone, Default)]
pub struct On {
    /// Its place.
    pub span: Span,
    /// The events, in file order.
    pub events: IndexMap<EventName, EventConfig>,
}

/// One event under `on:` and its filters.
#[derive(Debug, Clone, Default)]
pub struct EventConfig {
    /// The event's name, or its whole entry.
    pub span: Span,
    /// `types:`; none means the event's default types.
    pub types: Option<Vec<Spanned<String>>>,
    /// `branches:` or `branches-ignore:`
    pub branches: Option<Patterns>,
    /// `tags:` or `tags-ignore:`
    pub tags: Option<Patterns>,
    /// `paths:` or `paths-ignore:`
    pub paths: Option<Patterns>,
    /// `inputs:` of `workflow_dispatch` and `workflow_call`.
    pub inputs: IndexMap<String, InputSpec>,
    /// `cron:` lines of `schedule`.
    pub cron: Vec<Spanned<String>>,
}

/// A list of filter patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns {
    /// The key, for messages: `branches`, `paths-ignore`.
    pub key: &'static str,
    /// Whether what matches is left out (`…-ignore`).
    pub ignore: bool,
    /// The patterns, in file order.
    pub list: Vec<Spanned<String>>,
    /// The place of the whole list.
    pub span: Span,
}

/// One input of `workflow_dispatch` or `workflow_call`.
#[derive(Debug, Clone, PartialEq)]
pub struct InputSpec {
    /// Its place.
    pub span: Span,
    /// `type:`
    pub kind: InputKind,
    /// `required:`
    pub required: bool,
    /// `default:`, in its string form.
    pub default: Option<String>,
    /// `options:` of a choice.
    pub options: Vec<String>,
}

/// The type of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// `string`, the default.
    String,
    /// `boolean`
    Boolean,
    /// `number`
    Number,
    /// `choice`
    Choice,
    /// `environment`
    Environment,
}
