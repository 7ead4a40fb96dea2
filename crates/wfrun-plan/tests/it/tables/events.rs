//! Source: GitHub: planning rules 2.2, the columns "Event" and "Types". Refs and commits are in
//! `tests/it/situations/events.rs`.
use std::collections::BTreeSet;

use wfrun_plan::{Event, trigger};
use wfrun_workflow::{EventSpec, lower};

use crate::{event, workflow};

const PULL_REQUEST: &str = "assigned unassigned labeled unlabeled opened edited closed reopened synchronize \
    converted_to_draft locked unlocked enqueued dequeued milestoned demilestoned ready_for_review review_requested \
    review_request_removed auto_merge_enabled auto_merge_disabled stacked";

/// Event, types, default types where these are not all, and the filters that it has besides `types`.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("branch_protection_rule", "created edited deleted", "", ""),
    ("check_run", "created rerequested completed requested_action", "", ""),
    ("check_suite", "completed", "", ""),
    ("create", "", "", ""),
    ("delete", "", "", ""),
    ("deployment", "", "", ""),
    ("deployment_status", "", "", ""),
    (
        "discussion",
        "created edited deleted transferred pinned unpinned labeled unlabeled locked unlocked category_changed answered \
         unanswered",
        "",
        "",
    ),
    ("discussion_comment", "created edited deleted", "", ""),
    ("fork", "", "", ""),
    ("gollum", "", "", ""),
    ("page_build", "", "", ""),
    ("public", "", "", ""),
    ("status", "", "", ""),
    ("image_version", "created ready deleted", "", "names versions"),
    ("issue_comment", "created edited deleted", "", ""),
    ("pull_request_comment", "created edited deleted", "", ""),
    (
        "issues",
        "opened edited deleted transferred pinned unpinned closed reopened assigned unassigned labeled unlabeled locked \
         unlocked milestoned demilestoned field_added field_removed typed untyped",
        "",
        "",
    ),
    ("label", "created edited deleted", "", ""),
    ("merge_group", "checks_requested", "", "branches branches-ignore"),
    ("milestone", "created closed opened edited deleted", "", ""),
    ("project", "created closed reopened edited deleted", "", ""),
    ("project_card", "created moved converted edited deleted", "", ""),
    ("project_column", "created updated moved deleted", "", ""),
    ("pull_request", PULL_REQUEST, "opened synchronize reopened", "branches branches-ignore paths paths-ignore"),
    ("pull_request_target", PULL_REQUEST, "opened synchronize reopened", "branches branches-ignore paths paths-ignore"),
    ("pull_request_review", "submitted edited dismissed", "", ""),
    ("pull_request_review_comment", "created edited deleted", "", ""),
    ("push", "", "", "branches branches-ignore tags tags-ignore paths paths-ignore"),
    ("registry_package", "published updated", "", ""),
    ("release", "published unpublished created edited deleted prereleased released", "", ""),
    ("repository_dispatch", "", "", ""),
    ("schedule", "", "", ""),
    ("watch", "started", "", ""),
    ("workflow_call", "", "", ""),
    ("workflow_dispatch", "", "", ""),
    ("workflow_run", "requested in_progress completed", "", "branches branches-ignore workflows"),
];

fn words(text: &'static str) -> BTreeSet<&'static str> {
    text.split_whitespace().collect()
}

fn set(list: &[&'static str]) -> BTreeSet<&'static str> {
    list.iter().copied().collect()
}

fn is_valid(on: &str) -> bool {
    let text = format!("on: {on}\njobs: {{j: {{runs-on: x, steps: [{{run: x}}]}}}}\n");
    let source = wfrun_syntax::Source::new("w.yml", text);
    !lower(&source, wfrun_syntax::parse(&source).value.as_ref()).has_errors()
}

/// Whether the event of this type sets off a workflow that listens so.
fn runs(on: &str, name: &str, activity: &str) -> bool {
    let workflow = workflow(&format!("on: {on}\njobs: {{j: {{runs-on: x, steps: [{{run: x}}]}}}}\n"));
    let event = Event { activity: Some(activity.to_owned()), ..event(name, "refs/heads/main") };
    trigger(&workflow, &event).is_ok()
}

#[test]
fn every_event_with_its_types() {
    let all: BTreeSet<_> = EventSpec::names().collect();
    assert_eq!(ROWS.iter().map(|it| it.0).collect::<BTreeSet<_>>(), all);
    for &(name, types, default, _) in ROWS {
        let spec = EventSpec::find(name).expect("an event");
        let default = if default.is_empty() { types } else { default };
        assert_eq!((set(spec.types), set(spec.default_types)), (words(types), words(default)), "{name}");
        for &activity in spec.types {
            assert!(is_valid(&format!("{{{name}: {{types: [{activity}]}}}}")), "{name} {activity}");
            assert_eq!(runs(name, name, activity), words(default).contains(activity), "{name} {activity}");
            assert!(runs(&format!("{{{name}: {{types: {activity}}}}}"), name, activity), "{name} {activity}");
        }
        assert!(
            !is_valid(&format!("{{{name}: {{types: [none_of_these]}}}}")) || name == "repository_dispatch",
            "{name}"
        );
        let any_case = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        assert!(!is_valid(&format!("{{{any_case}: }}")), "{name}: names are case-sensitive");
    }
    assert!(runs("{repository_dispatch: {types: [go]}}", "repository_dispatch", "go"), "free strings");
    assert!(!runs("{repository_dispatch: {types: [go]}}", "repository_dispatch", "stop"), "free strings");
    assert!(runs("repository_dispatch", "repository_dispatch", "any"), "free strings");
}

#[test]
fn every_event_with_its_filters() {
    let keys = "branches branches-ignore tags tags-ignore paths paths-ignore names versions workflows";
    for &(name, types, _, filters) in ROWS {
        for key in words(keys) {
            let is_there = words(filters).contains(key);
            assert_eq!(is_valid(&format!("{{{name}: {{{key}: [a]}}}}")), is_there, "{name} {key}");
            // A list of one may be written without its brackets.
            assert_eq!(is_valid(&format!("{{{name}: {{{key}: a}}}}")), is_there, "{name} {key}");
        }
        let has_types = !types.is_empty() || name == "repository_dispatch";
        let first = types.split_whitespace().next().unwrap_or("a");
        assert_eq!(is_valid(&format!("{{{name}: {{types: {first}}}}}")), has_types, "{name} types");
    }
}
