//! Whether an event sets a workflow off, and what decided.
use serde::Serialize;
use wfrun_syntax::Span;
use wfrun_workflow::{EventConfig, Workflow};

use crate::filter::{judge, judge_paths};
use crate::{ChangedPaths, Event, Verdict, skip_marker};

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
            | Self::RefKind { span, .. }
            | Self::Paths { span, .. } => Some(*span),
            Self::Ref { verdict, .. } => Some(verdict.span),
            Self::SkipMarker { .. } => None,
        }
    }
}

/// GitHub looks at no more changed files than these.
const CHANGED_LIMIT: usize = 300;

/// Decides whether `event` triggers `workflow`.
///
/// Source: GitHub: planning rules 2.1 to 2.5.
pub fn trigger(workflow: &Workflow, event: &Event) -> Result<(), NotTriggered> {
    let found = workflow.on.events.iter().find(|(name, _)| name.as_str() == event.name);
    let Some((_, config)) = found else {
        let listens_to = workflow.on.events.keys().map(ToString::to_string).collect();
        return Err(NotTriggered::Event { event: event.name.clone(), listens_to, span: workflow.on.span });
    };
    activity(config, event)?;
    refs(config, event)?;
    paths(config, event)?;
    let skippable = matches!(event.name.as_str(), "push" | "pull_request");
    match event.head_message.as_deref().and_then(skip_marker) {
        Some(marker) if skippable => Err(NotTriggered::SkipMarker { marker: marker.to_owned() }),
        _ => Ok(()),
    }
}

fn activity(config: &EventConfig, event: &Event) -> Result<(), NotTriggered> {
    let Some(activity) = &event.activity else { return Ok(()) };
    let types: Vec<String> = match &config.types {
        Some(types) => types.iter().map(|it| it.value.clone()).collect(),
        None if event.is_pull_request() => ["opened", "synchronize", "reopened"].map(str::to_owned).to_vec(),
        None => return Ok(()),
    };
    if types.contains(activity) {
        return Ok(());
    }
    let span = config.types.as_ref().and_then(|it| it.first()).map_or(config.span, |it| it.span);
    Err(NotTriggered::Activity { activity: activity.clone(), types, span })
}

fn refs(config: &EventConfig, event: &Event) -> Result<(), NotTriggered> {
    let (filter, other, name) = if event.is_pull_request() {
        (&config.branches, &None, event.base_ref.as_deref().unwrap_or_default())
    } else if event.name != "push" {
        return Ok(());
    } else if event.is_tag() {
        (&config.tags, &config.branches, event.ref_name())
    } else {
        (&config.branches, &config.tags, event.ref_name())
    };
    match (filter, other) {
        (Some(patterns), _) => {
            let verdict = judge(patterns, name);
            if verdict.passes {
                return Ok(());
            }
            let list = patterns.list.iter().map(|it| it.value.clone()).collect();
            let (filter, name) = (patterns.key.to_owned(), name.to_owned());
            Err(NotTriggered::Ref { filter, name, patterns: list, verdict })
        }
        (None, Some(other)) => {
            let found = if event.is_tag() { "tag" } else { "branch" };
            Err(NotTriggered::RefKind { found: found.to_owned(), filter: other.key.to_owned(), span: other.span })
        }
        (None, None) => Ok(()),
    }
}

fn paths(config: &EventConfig, event: &Event) -> Result<(), NotTriggered> {
    let Some(patterns) = &config.paths else { return Ok(()) };
    // Path filters are not evaluated for pushes of tags.
    if event.is_tag() {
        return Ok(());
    }
    let ChangedPaths::Known(changed) = &event.changed else { return Ok(()) };
    let looked_at = changed.get(..CHANGED_LIMIT).unwrap_or(changed);
    if judge_paths(patterns, looked_at).is_some() {
        return Ok(());
    }
    let list = patterns.list.iter().map(|it| it.value.clone()).collect();
    let (filter, changed) = (patterns.key.to_owned(), looked_at.to_vec());
    Err(NotTriggered::Paths { filter, changed, patterns: list, span: patterns.span })
}
