//! Why an event does not trigger a workflow, as a finding with its place and the way out (exit code 4).
use wfrun_plan::{Event, NotTriggered, Pattern};
use wfrun_syntax::{Code, Diagnostic, Span};
use wfrun_workflow::Workflow;

use crate::text::quoted;

/// So many changed files are named.
const MOST_FILES: usize = 5;

/// Says which event and ref it was, which filter at which place said no, and what would pass it; other filters may still say no.
pub fn not_triggered(reason: &NotTriggered, workflow: &Workflow, event: &Event) -> Diagnostic {
    let found = Diagnostic::note(cause(reason).0, occasion_and_cause(reason, workflow, event));
    let found = match (reason.span(), at_place(reason)) {
        // The key `on` cannot be pointed at where it was not written.
        (Some(span), _) if span == Span::default() => found,
        (Some(span), text) => found.at(&workflow.source, span).label(&workflow.source, span, text),
        (None, _) => found,
    };
    found.help(way_out(reason, event))
}

/// The same in one sentence.
pub fn occasion_and_cause(reason: &NotTriggered, workflow: &Workflow, event: &Event) -> String {
    format!("{} does not trigger `{}`: {}", occasion(event), workflow.display_name(), cause(reason).1)
}

/// ``push of branch `dev` ``
fn occasion(event: &Event) -> String {
    let activity = event.activity.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    if event.is_pull_request() {
        let base = event.base_ref.as_deref().unwrap_or_default();
        return format!("`{}`{activity} into `{base}`", event.name);
    }
    if let ("merge_group" | "workflow_run", Some(name)) = (event.name.as_str(), event.filtered_ref()) {
        let word = if event.name == "merge_group" { "into" } else { "after a run on" };
        return format!("`{}`{activity} {word} `{name}`", event.name);
    }
    let kind = if event.is_tag() { "tag" } else { "branch" };
    format!("`{}`{activity} of {kind} `{}`", event.name, event.ref_name())
}

fn cause(reason: &NotTriggered) -> (Code, String) {
    match reason {
        NotTriggered::Event { event, .. } => (Code::new("trigger/event"), format!("it does not listen to `{event}`")),
        NotTriggered::Activity { activity, .. } => {
            (Code::new("trigger/activity"), format!("`types` does not have `{activity}`"))
        }
        NotTriggered::State { member, value } => {
            (Code::new("trigger/state"), format!("GitHub starts nothing where `{member}` is {value}"))
        }
        NotTriggered::Name { filter, name, .. } => {
            (Code::new("trigger/name"), format!("`{filter}` does not have `{name}`"))
        }
        NotTriggered::Ref { filter, name, .. } => {
            (Code::new("trigger/ref"), format!("`{filter}` does not let `{name}` through"))
        }
        NotTriggered::RefKind { found, filter, .. } => {
            (Code::new("trigger/ref-kind"), format!("there is a filter for `{filter}` only, and this is a {found}"))
        }
        NotTriggered::Paths { filter, .. } => {
            (Code::new("trigger/paths"), format!("`{filter}` lets no changed file through"))
        }
        NotTriggered::SkipMarker { marker } => {
            (Code::new("trigger/skip-marker"), format!("the head commit's message says `{marker}`"))
        }
    }
}

/// What stands below the carets.
fn at_place(reason: &NotTriggered) -> String {
    match reason {
        NotTriggered::Event { listens_to, .. } => format!("listens to {}", quoted(listens_to)),
        NotTriggered::Activity { types, .. } => format!("listens to {}", quoted(types)),
        NotTriggered::Name { patterns, .. } => format!("wants {}", quoted(patterns)),
        NotTriggered::Ref { filter, name, patterns, verdict } => match &verdict.pattern {
            Some(pattern) => format!("`{name}` is left out by `{pattern}`, the last pattern that matches it"),
            None if filter.ends_with("-ignore") => format!("`{name}` is left out"),
            None => format!("`{name}` matches none of {}", quoted(patterns)),
        },
        NotTriggered::RefKind { filter, .. } => format!("only `{filter}`"),
        NotTriggered::Paths { changed, .. } if changed.is_empty() => "no file was changed".to_owned(),
        NotTriggered::Paths { changed, .. } => {
            let named = quoted(changed.get(..MOST_FILES).unwrap_or(changed));
            let rest = changed.len().saturating_sub(MOST_FILES);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("changed: {named}{more}")
        }
        NotTriggered::State { .. } | NotTriggered::SkipMarker { .. } => String::new(),
    }
}

fn way_out(reason: &NotTriggered, event: &Event) -> String {
    match reason {
        NotTriggered::Event { listens_to, .. } => match listens_to.first() {
            Some(first) => format!("it listens to `--event {first}`"),
            None => "nothing triggers it: name events under `on`".to_owned(),
        },
        NotTriggered::Activity { types, .. } => match types.first() {
            Some(first) => format!("it listens to `--type {first}`"),
            None => "nothing triggers it: `types` is empty".to_owned(),
        },
        NotTriggered::State { member, .. } if member == "pull_request.mergeable" => {
            "the head conflicts with the base: merge the base into it, or rebase it".to_owned()
        }
        NotTriggered::State { member, .. } => format!("give another `{member}` by `--event-path FILE`"),
        NotTriggered::Name { filter, patterns, .. } => {
            let member = match filter.as_str() {
                "workflows" => "workflow_run.name",
                "names" => "image_version.image_name",
                _ => "image_version.version",
            };
            format!("{} would pass: give it as `{member}` by `--event-path FILE`", quoted(patterns))
        }
        NotTriggered::Ref { filter, patterns, .. } => would_pass(filter, patterns, event),
        NotTriggered::RefKind { filter, .. } if filter.starts_with("tags") => {
            "a push of a tag would pass: `--ref refs/tags/NAME`".to_owned()
        }
        NotTriggered::RefKind { .. } => "a push of a branch would pass: `--ref refs/heads/NAME`".to_owned(),
        NotTriggered::Paths { filter, patterns, .. } if filter.ends_with("-ignore") => {
            format!("a changed file that {} does not leave out would pass: `--changed PATH`", quoted(patterns))
        }
        NotTriggered::Paths { patterns, .. } => {
            format!("a changed file that matches {} would pass: `--changed PATH`", quoted(patterns))
        }
        NotTriggered::SkipMarker { .. } => "a head commit without it would pass".to_owned(),
    }
}

fn would_pass(filter: &str, patterns: &[String], event: &Event) -> String {
    let option = if event.is_pull_request() || event.name == "merge_group" { "--base" } else { "--ref" };
    let prefix = if filter.starts_with("tags") { "refs/tags/" } else { "" };
    if filter.ends_with("-ignore") {
        return format!("a name that {} does not leave out would pass: `{option} {prefix}NAME`", quoted(patterns));
    }
    let is_taken_out = |name: &String| {
        let taken = patterns.iter().filter_map(|it| Pattern::parse(it).ok()).filter(|it| it.negated);
        taken.into_iter().any(|it| it.matches(name))
    };
    let mut literals = patterns.iter().filter(|it| !it.contains(['*', '?', '+', '[', ']', '!', '\\']));
    let literal = literals.find(|it| !is_taken_out(it));
    match literal {
        Some(name) => format!("`{option} {prefix}{name}` would pass"),
        None => format!("a name that matches {} would pass: `{option} {prefix}NAME`", quoted(patterns)),
    }
}
