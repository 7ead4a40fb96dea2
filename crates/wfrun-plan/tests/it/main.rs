//! What an event sets off, and in which order.
mod dependencies;
mod inputs;
mod matrix;
mod outlook;
mod outlook_calls;
mod outlook_ends;
mod outlook_fails;
mod outlook_steps;
mod tables;
mod trigger;
mod what_if;
mod what_if_found;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use wfrun_plan::{ChangedPaths, Event, JobKey, NotTriggered, Selection, needs, trigger};
use wfrun_syntax::Source;
use wfrun_workflow::{Workflow, lower};

fn workflow(text: &str) -> Arc<Workflow> {
    let source = Source::new("w.yml", text);
    let parsed = wfrun_syntax::parse(&source);
    let lowered = lower(&source, parsed.value.as_ref());
    assert!(!lowered.has_errors(), "{:?}", lowered.diagnostics);
    Arc::new(lowered.value)
}

fn event(name: &str, git_ref: &str) -> Event {
    Event {
        name: name.to_owned(),
        activity: None,
        git_ref: git_ref.to_owned(),
        sha: "1".repeat(40),
        base_ref: None,
        head_ref: None,
        head_message: None,
        changed: ChangedPaths::Unknown { why: "a test".to_owned() },
        repository: "o/r".to_owned(),
        actor: "me".to_owned(),
        default_branch: "main".to_owned(),
        payload: Json::Null,
    }
}

/// What kept the event from setting it off: the kind and the filter, or nothing.
fn refused(on: &str, event: &Event) -> Option<Json> {
    let workflow = workflow(&format!("on: {on}\njobs: {{j: {{runs-on: x, steps: [{{run: x}}]}}}}\n"));
    match trigger(&workflow, event) {
        Ok(()) => None,
        Err(reason) => {
            let data = serde_json::to_value(&reason).expect("JSON");
            Some(json!([data["kind"], data.get("filter").cloned().unwrap_or(Json::Null)]))
        }
    }
}

/// Source: GitHub: planning rules 2.4, the table of pushes.
#[test]
fn branch_tag_and_path_filters() {
    let files = |files: &[&str]| ChangedPaths::Known(files.iter().map(|it| (*it).to_owned()).collect());
    let push = |git_ref: &str, changed: &[&str]| Event { changed: files(changed), ..event("push", git_ref) };
    let (main, dev, tag) = ("refs/heads/main", "refs/heads/dev", "refs/tags/v1");
    for (on, event, expected) in [
        ("push", push(dev, &[]), None),
        ("push", push(tag, &[]), None),
        ("{push: {branches: [main]}}", push(main, &[]), None),
        ("{push: {branches: [main]}}", push(dev, &[]), Some(json!(["ref", "branches"]))),
        ("{push: {branches: [main]}}", push(tag, &[]), Some(json!(["ref-kind", "branches"]))),
        ("{push: {tags: ['v*']}}", push(tag, &[]), None),
        ("{push: {tags: ['v*']}}", push(main, &[]), Some(json!(["ref-kind", "tags"]))),
        ("{push: {branches-ignore: [main]}}", push(main, &[]), Some(json!(["ref", "branches-ignore"]))),
        ("{push: {paths: ['src/**']}}", push(main, &["src/a"]), None),
        ("{push: {paths: ['src/**']}}", push(main, &["docs/a"]), Some(json!(["paths", "paths"]))),
        ("{push: {paths: ['src/**']}}", push(tag, &["docs/a"]), None),
        ("{push: {paths-ignore: ['docs/**']}}", push(main, &["docs/a", "src/b"]), None),
        ("{push: {paths-ignore: ['docs/**']}}", push(main, &["docs/a"]), Some(json!(["paths", "paths-ignore"]))),
        ("{push: {branches: [main], paths: ['src/**']}}", push(main, &["docs/a"]), Some(json!(["paths", "paths"]))),
        ("pull_request", push(main, &[]), Some(json!(["event", null]))),
    ] {
        assert_eq!(refused(on, &event), expected, "{on} {}", event.git_ref);
    }
}

#[test]
fn pull_requests_look_at_the_base_and_the_type() {
    let pull = |base: &str, activity: &str| Event {
        base_ref: Some(base.to_owned()),
        activity: Some(activity.to_owned()),
        ..event("pull_request", "refs/pull/1/merge")
    };
    assert_eq!(refused("{pull_request: {branches: [main]}}", &pull("main", "opened")), None);
    assert_eq!(refused("{pull_request: {branches: [main]}}", &pull("dev", "opened")), Some(json!(["ref", "branches"])));
    assert_eq!(refused("pull_request", &pull("main", "labeled")), Some(json!(["activity", null])));
    assert_eq!(refused("{pull_request: {types: [labeled]}}", &pull("main", "labeled")), None);
}

#[test]
fn skip_markers_count_for_pushes_only() {
    let marked = |name: &str| Event { head_message: Some("x [skip ci]".to_owned()), ..event(name, "refs/heads/main") };
    assert_eq!(refused("push", &marked("push")), Some(json!(["skip-marker", null])));
    assert_eq!(refused("workflow_dispatch", &marked("workflow_dispatch")), None);
}

#[test]
fn what_decided_has_its_place() {
    let workflow = workflow("on:\n  push:\n    branches: ['**', '!dev']\njobs: {j: {runs-on: x, steps: [{run: x}]}}\n");
    let err = trigger(&workflow, &event("push", "refs/heads/dev")).expect_err("it is left out");
    let NotTriggered::Ref { verdict, .. } = err else { panic!("{err:?}") };
    assert_eq!(verdict.pattern.as_deref(), Some("!dev"));
    assert_eq!(workflow.source.slice(verdict.span), "'!dev'");
}

#[test]
fn needs_and_all_before() {
    let workflow = workflow(
        "on: push\njobs:\n  c: {needs: [B], runs-on: x, steps: [{run: x}]}\n  b: {needs: a, runs-on: x, steps: [{run: x}]}\n  a: {runs-on: x, steps: [{run: x}]}\n  d: {needs: [a, c, A], runs-on: x, steps: [{run: x}]}\n",
    );
    let names = |all: &[wfrun_workflow::JobId]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let shown: Vec<String> = needs(&workflow)
        .expect("no circle")
        .iter()
        .map(|(id, it)| format!("{id} needs [{}] after [{}]", names(&it.direct), names(&it.all)))
        .collect();
    let expected =
        ["c needs [b] after [b a]", "b needs [a] after [a]", "a needs [] after []", "d needs [a c] after [c b a]"];
    assert_eq!(shown, expected);
}

#[test]
fn what_is_asked_for() {
    let set = outlook::set(&[
        (
            "w.yml",
            "on: push
jobs:
  first: {runs-on: x, steps: [{run: x}]}
  call: {needs: first, uses: ./.github/workflows/c.yml, strategy: {matrix: {n: [1, 2]}}}
  other: {runs-on: x, steps: [{run: x}]}
  last: {needs: [call, other], runs-on: x, steps: [{run: x}]}
",
        ),
        (
            ".github/workflows/c.yml",
            "on: workflow_call
jobs:
  one: {runs-on: x, steps: [{run: x}]}
  two: {needs: one, runs-on: x, steps: [{run: x}]}
  three: {runs-on: x, steps: [{run: x}]}
",
        ),
    ]);
    let all = ["first", "call", "call / one", "call / two", "call / three", "other", "last"];
    let chosen = |ids: &[&str], without_needs: bool| {
        let ids: Vec<String> = ids.iter().map(|it| (*it).to_owned()).collect();
        let selection = Selection::of(&set, &ids, without_needs, Vec::new()).map_err(|err| err.to_string())?;
        let found = all.iter().filter(|it| selection.has(&JobKey::new(**it)));
        Ok::<_, String>(found.copied().collect::<Vec<_>>().join(", "))
    };
    for (ids, without_needs, expected) in [
        (&[][..], false, "first, call, call / one, call / two, call / three, other, last"),
        (&["First"], false, "first"),
        (&["call"], false, "first, call, call / one, call / two, call / three"),
        (&["call"], true, "call, call / one, call / two, call / three"),
        (&["call / two"], false, "first, call, call / one, call / two"),
        (&["call (1) / two"], true, "call, call / two"),
        (&["last"], false, "first, call, call / one, call / two, call / three, other, last"),
        (&["last", "first"], true, "first, last"),
    ] {
        assert_eq!(chosen(ids, without_needs), Ok(expected.to_owned()), "{ids:?} {without_needs}");
    }
    assert_eq!(chosen(&["call / four"], false), Err("the workflow has no job `call / four`".to_owned()));
    assert_eq!(chosen(&["first / x"], false), Err("the workflow has no job `first / x`".to_owned()));
}
