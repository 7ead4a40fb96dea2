//! Whether an event sets a workflow off, and what decided.
use serde::Serialize;
use wfrun_syntax::Span;
use wfrun_workflow::Workflow;

use crate::{Event, Filtered, Gate, GateKind, Verdict, gates};

/// Why an event does not trigger a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NotTriggered {
    /// The workflow does not listen to it.
    Event {
        /// The event.
        event: String,
        /// What it does listen to.
        listens_to: Vec<String>,
        /// Where `on:` stands.
        span: Span,
    },
    /// The activity type is not among the wanted ones.
    Activity {
        /// The type.
        activity: String,
        /// The wanted ones.
        types: Vec<String>,
        /// Where they stand.
        span: Span,
    },
    /// What the event is about exists for people only: a draft release, an inactive deployment.
    State {
        /// The member of the payload that says so.
        member: String,
        /// What it says, as JSON.
        value: String,
    },
    /// It is none of the named workflows, images or versions.
    Name {
        /// `workflows`, `names` or `versions`.
        filter: String,
        /// The name.
        name: String,
        /// The wanted ones, in order.
        patterns: Vec<String>,
        /// Where they stand.
        span: Span,
    },
    /// The branch or tag does not pass the filter.
    Ref {
        /// `branches`, `tags-ignore` …
        filter: String,
        /// The name that was put through it.
        name: String,
        /// The patterns, in order.
        patterns: Vec<String>,
        /// What the filter said.
        verdict: Verdict,
    },
    /// Only tags are listened to and it is a branch, or the other way round.
    RefKind {
        /// `branch` or `tag`: what it is.
        found: String,
        /// The one filter there is.
        filter: String,
        /// Where it stands.
        span: Span,
    },
    /// No changed file passes the filter.
    Paths {
        /// `paths` or `paths-ignore`.
        filter: String,
        /// The changed files.
        changed: Vec<String>,
        /// The patterns, in order.
        patterns: Vec<String>,
        /// Where they stand.
        span: Span,
    },
    /// The head commit's message says so.
    SkipMarker {
        /// What it says.
        marker: String,
    },
}

impl NotTriggered {
    /// Where in the workflow file the reason stands, if it stands there.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Event { span, .. }
            | Self::Activity { span, .. }
            | Self::Name { span, .. }
            | Self::RefKind { span, .. }
            | Self::Paths { span, .. } => Some(*span),
            Self::Ref { verdict, .. } => Some(verdict.span),
            Self::State { .. } | Self::SkipMarker { .. } => None,
        }
    }
}

/// Decides whether `event` triggers `workflow`: the first of its gates that does not pass says no.
///
/// Source: GitHub: planning rules 2.1 to 2.5.
pub fn trigger(workflow: &Workflow, event: &Event) -> Result<(), NotTriggered> {
    gates(workflow, event).into_iter().find_map(Gate::refusal).map_or(Ok(()), Err)
}

impl Gate {
    /// What a gate that is not passed has to say.
    pub fn refusal(self) -> Option<NotTriggered> {
        if self.passed {
            return None;
        }
        let span = self.span.unwrap_or_default();
        match self.kind {
            GateKind::Event { event, listens_to } => Some(NotTriggered::Event { event, listens_to, span }),
            GateKind::Type { activity, types, .. } => {
                Some(NotTriggered::Activity { activity: activity.unwrap_or_default(), types, span })
            }
            GateKind::State { member, value } => Some(NotTriggered::State { member, value }),
            GateKind::Name { filtered, .. } => {
                let (Filtered { filter, name, .. }, patterns) = with_patterns(filtered?);
                Some(NotTriggered::Name { filter, name, patterns, span })
            }
            GateKind::Ref { filtered: Some(filtered), .. } => {
                let (Filtered { filter, name, verdict, .. }, patterns) = with_patterns(filtered);
                Some(NotTriggered::Ref { filter, name, patterns, verdict })
            }
            GateKind::Ref { ref_kind, only, .. } => {
                Some(NotTriggered::RefKind { found: ref_kind.word().to_owned(), filter: only?, span })
            }
            GateKind::Paths { filter, changed, patterns, .. } => {
                Some(NotTriggered::Paths { filter, changed, patterns, span })
            }
            GateKind::SkipMarker { marker } => Some(NotTriggered::SkipMarker { marker: marker? }),
        }
    }
}

fn with_patterns(filtered: Filtered) -> (Filtered, Vec<String>) {
    let patterns = filtered.patterns.iter().map(|it| it.pattern.clone()).collect();
    (filtered, patterns)
}
