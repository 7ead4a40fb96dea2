//! What a workflow listens to.
use indexmap::IndexMap;
use wfrun_syntax::{Span, Spanned};

use crate::{EnvMap, EventName, Field, Pattern, PatternError};

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
    /// `workflows:` of `workflow_run`.
    pub workflows: Vec<Spanned<String>>,
    /// `names:` of `image_version`.
    pub names: Vec<Spanned<String>>,
    /// `versions:` of `image_version`.
    pub versions: Vec<Spanned<String>>,
    /// `inputs:` of `workflow_dispatch` and `workflow_call`.
    pub inputs: IndexMap<String, InputSpec>,
    /// `secrets:` of `workflow_call`.
    pub secrets: IndexMap<String, SecretSpec>,
    /// `outputs:` of `workflow_call`.
    pub outputs: EnvMap,
    /// The entries of `schedule`.
    pub schedule: Vec<Schedule>,
}

/// One entry of `schedule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// `cron:`
    pub cron: Spanned<String>,
    /// `timezone:`, an IANA name; UTC without.
    pub timezone: Option<Spanned<String>>,
}

/// One secret of `workflow_call`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSpec {
    /// Its key.
    pub span: Span,
    /// `required:`
    pub required: bool,
}

/// A list of filter patterns, each read once.
#[derive(Debug, Clone)]
pub struct Patterns {
    /// The key, for messages: `branches`, `paths-ignore`.
    pub key: &'static str,
    /// Whether what matches is left out (`…-ignore`).
    pub ignore: bool,
    /// The patterns, in file order.
    pub list: Vec<Spanned<String>>,
    /// The place of the whole list.
    pub span: Span,
    /// What [`Self::list`] says, one for one.
    read: Vec<Result<Pattern, PatternError>>,
}

impl Patterns {
    /// Reads a list of patterns.
    pub fn new(key: &'static str, ignore: bool, list: Vec<Spanned<String>>, span: Span) -> Self {
        let read = list.iter().map(|it| Pattern::parse(&it.value)).collect();
        Self { key, ignore, list, span, read }
    }

    /// Each pattern as written, and what it says; one that GitHub refuses is an error, and a finding of its own.
    pub fn each(&self) -> impl Iterator<Item = (&Spanned<String>, &Result<Pattern, PatternError>)> {
        self.list.iter().zip(&self.read)
    }
}

/// One input of `workflow_dispatch` or `workflow_call`.
#[derive(Debug, Clone)]
pub struct InputSpec {
    /// Its place.
    pub span: Span,
    /// `type:`
    pub kind: InputKind,
    /// `required:`
    pub required: bool,
    /// `default:`; in `workflow_call` it may be an expression.
    pub default: Option<Field>,
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

impl InputSpec {
    /// A literal default, in its string form.
    pub fn default_text(&self) -> Option<&str> {
        self.default.as_ref().and_then(|it| it.template.as_literal())
    }
}

impl InputKind {
    /// The word for it in a workflow file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Choice => "choice",
            Self::Environment => "environment",
        }
    }
}

impl On {
    /// Tells whether the workflow can be called by others.
    pub fn is_callable(&self) -> bool {
        self.event("workflow_call").is_some()
    }

    /// Returns what is said about an event; case counts.
    pub fn event(&self, name: &str) -> Option<&EventConfig> {
        self.events.iter().find(|(event, _)| event.as_str() == name).map(|(_, config)| config)
    }
}
