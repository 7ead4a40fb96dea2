//! What is known of jobs and steps before a run.
use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use wfrun_expr::{Object, Value};
use wfrun_plan::{JobKey, Outlook, Prospect, Reason, RunIdentity, World, outlook};
use wfrun_syntax::Source;
use wfrun_workflow::{FileRef, Loaded, SetOptions, WorkflowSet, read_set};

use crate::event;

/// Reads `w.yml` and what it calls, from texts by path.
pub(crate) fn set(files: &[(&str, &str)]) -> WorkflowSet {
    let texts: BTreeMap<&str, &str> = files.iter().copied().collect();
    let source = |path: &str| texts.get(path).map(|text| Source::new(path, *text));
    let mut load = |file: &FileRef| source(&file.path).map_or(Loaded::Missing, Loaded::Source);
    let root: Arc<Source> = source("w.yml").expect("a root");
    let read = read_set(&root, SetOptions::default(), &mut load);
    assert!(!read.has_errors(), "{:?}", read.diagnostics);
    read.value
}

pub(crate) fn world(name: &str, git_ref: &str) -> World {
    let identity = RunIdentity {
        run_id: "1".to_owned(),
        run_number: 1,
        run_attempt: 1,
        token: String::new(),
        workflow_sha: "1".repeat(40),
        api: wfrun_plan::ApiUrls::default(),
    };
    let inputs = Value::Object(Object::default());
    World {
        event: event(name, git_ref),
        identity,
        inputs,
        vars: Object::default(),
        results: IndexMap::new(),
        skips: Vec::new(),
        outputs: IndexMap::new(),
        steps: Vec::new(),
    }
}

fn push(jobs: &str) -> WorkflowSet {
    let indented = jobs.lines().map(|it| format!("  {it}\n")).collect::<Vec<_>>().concat();
    set(&[("w.yml", &format!("on: [push, pull_request]\njobs:\n{indented}"))])
}

pub(crate) const fn word(verdict: Prospect) -> &'static str {
    match verdict {
        Prospect::Runs => "runs",
        Prospect::Skipped => "skipped",
        Prospect::Depends => "depends",
        Prospect::Fails => "fails",
    }
}

/// `a runs, b skipped`
pub(crate) fn verdicts(outlook: &Outlook) -> String {
    let each = outlook.jobs.iter().map(|it| format!("{} {}", it.key, word(it.verdict)));
    each.collect::<Vec<_>>().join(", ")
}

const BODY: &str = "runs-on: x, steps: [{run: x}]";

/// Source: GitHub: planning rules 4.2 and 4.3.
#[test]
fn needs_and_conditions_settle_jobs() {
    for (second, third, expected) in [
        // The implicit success() behind a job that runs, and behind one that is skipped.
        ("true", "success()", "a runs, b runs, c runs"),
        ("false", "success()", "a runs, b skipped, c skipped"),
        // Conditions without a status function are skipped, too; ones with it are asked.
        ("false", "true", "a runs, b skipped, c skipped"),
        ("false", "always()", "a runs, b skipped, c runs"),
        ("false", "!cancelled()", "a runs, b skipped, c runs"),
        ("false", "failure()", "a runs, b skipped, c depends"),
        ("false", "always() && needs.b.result == 'skipped'", "a runs, b skipped, c runs"),
        // What a job puts out, or whether it fails, only the run can tell.
        ("needs.a.outputs.x == '1'", "success()", "a runs, b depends, c depends"),
        ("failure()", "success()", "a runs, b depends, c depends"),
        ("needs.a.outputs.x == '1'", "always()", "a runs, b depends, c runs"),
        ("needs.a.outputs.x == '1' && github.ref == 'no'", "success()", "a runs, b skipped, c skipped"),
        ("needs.a.outputs.x == '1' || github.event_name == 'push'", "success()", "a runs, b runs, c runs"),
    ] {
        let (second, third) = (format!("if: \"{second}\""), format!("if: \"{third}\""));
        let jobs = format!("a: {{{BODY}}}\nb: {{needs: a, {second}, {BODY}}}\nc: {{needs: [b], {third}, {BODY}}}");
        let found = outlook(&push(&jobs), &world("push", "refs/heads/main")).expect("a plan");
        assert_eq!(verdicts(&found), expected, "{second} | {third}");
    }
}

#[test]
fn a_skipped_job_names_the_part_that_decided() {
    let set = push(&format!(
        "a: {{if: github.event_name == 'push' && github.ref == 'refs/heads/main', {BODY}}}\nb: {{needs: a, {BODY}}}"
    ));
    let found = outlook(&set, &world("push", "refs/heads/dev")).expect("a plan");
    let reasons: Vec<Json> = found.jobs.iter().map(|it| serde_json::to_value(&it.reason).expect("JSON")).collect();
    let because = json!([{
        "expression": "github.ref == 'refs/heads/main'", "value": false,
        "operands": [{"expression": "github.ref", "value": "refs/heads/dev"}],
    }]);
    assert_eq!(reasons[0]["kind"], json!("condition"));
    assert_eq!(reasons[0]["because"], because);
    assert_eq!(reasons[1], json!({"kind": "needs", "job": "a", "result": "skipped"}));
}

#[test]
fn stated_results_are_taken() {
    let set = push(&format!("a: {{{BODY}}}\nb: {{needs: a, if: failure(), {BODY}}}\nc: {{needs: a, {BODY}}}"));
    let mut world = world("push", "refs/heads/main");
    world.results.insert("a".to_owned(), "failure".to_owned());
    let found = outlook(&set, &world).expect("a plan");
    assert_eq!(verdicts(&found), "a runs, b runs, c skipped");
    let Some(Reason::Needs { result, .. }) = &found.jobs[2].reason else { panic!("{:?}", found.jobs[2].reason) };
    assert_eq!(result, "failure");
}

#[test]
fn stated_outputs_are_taken() {
    let if_b = "if: needs.a.outputs.x == '1'";
    let if_c = "if: needs.a.outputs.other";
    let set = push(&format!("a: {{{BODY}}}\nb: {{needs: a, {if_b}, {BODY}}}\nc: {{needs: a, {if_c}, {BODY}}}"));
    let mut world = world("push", "refs/heads/main");
    world.outputs.insert("a".to_owned(), [("x".to_owned(), "1".to_owned())].into_iter().collect());
    let found = outlook(&set, &world).expect("a plan");
    assert_eq!(verdicts(&found), "a runs, b runs, c depends");
}

/// Source: GitHub: planning rules 4.9.
#[test]
fn called_workflows_are_looked_into() {
    let root = "on: push\njobs:\n  call:\n    uses: ./called.yml\n    with: {env: prod, flag: true}\n  not:\n    if: false\n    uses: ./called.yml\n    with: {env: x, flag: false}\n";
    let called = "on: {workflow_call: {inputs: {env: {type: string}, flag: {type: boolean}, more: {type: string, default: d}}}}\njobs:\n  one: {if: inputs.env == 'prod', runs-on: x, steps: [{run: x}]}\n  two: {if: '!inputs.flag', runs-on: x, steps: [{run: x}]}\n  three: {if: inputs.more == 'd', needs: one, runs-on: x, steps: [{run: x}]}\n";
    let root = root.replace("./called.yml", "./.github/workflows/called.yml");
    let set = set(&[("w.yml", &root), (".github/workflows/called.yml", called)]);
    let found = outlook(&set, &world("push", "refs/heads/main")).expect("a plan");
    assert_eq!(verdicts(&found), "call runs, call / one runs, call / two skipped, call / three runs, not skipped");
    assert_eq!(found.uncalled.len(), 3);
    let Some(Reason::Caller { job }) = &found.job("not / one").expect("a job").reason else { panic!() };
    assert_eq!(job.as_str(), "not");
    assert_eq!(found.job("CALL / three").map(|it| it.needs[0].to_string()), Some("call / one".to_owned()));
}

#[test]
fn steps_run_or_are_skipped_or_depend() {
    let set = push(
        "a:
  runs-on: x
  env: {MODE: fast}
  steps:
    - {name: one, run: x}
    - {name: two, if: \"github.ref == 'refs/heads/dev'\", run: x}
    - {name: three, if: failure(), run: x}
    - {id: four, name: four, if: \"steps.three.outputs.y == '1'\", run: x}
    - {name: five, if: \"env.MODE == 'slow'\", run: x}
    - {name: six, if: always(), run: x}
    - {name: \"on ${{ github.ref_name }}\", run: x}",
    );
    let found = outlook(&set, &world("push", "refs/heads/main")).expect("a plan");
    let steps = found.jobs[0].steps().iter().map(|it| format!("{} {}", it.name, word(it.verdict)));
    assert_eq!(
        steps.collect::<Vec<_>>(),
        ["one runs", "two skipped", "three depends", "four depends", "five skipped", "six runs", "on main runs"]
    );
}

/// Source: GitHub: planning rules 4.5 and 4.6.
#[test]
fn matrices_become_legs_and_legs_call() {
    let root = "on: push
jobs:
  test:
    strategy: {matrix: {os: [a, b], n: [1, 2], exclude: [{os: a, n: 1}]}}
    runs-on: ['${{ matrix.os }}']
    steps: [{name: 'on ${{ matrix.os }}', run: x}, {if: \"matrix.n == 3\", run: x}]
  later:
    needs: test
    strategy: {matrix: \"${{ fromJSON(needs.test.outputs.m) }}\"}
    runs-on: ['${{ matrix.os }}', x]
    steps: [{run: x}]
  call:
    strategy: {matrix: {env: [dev, prod]}}
    uses: ./.github/workflows/called.yml
    with: {env: '${{ matrix.env }}'}
  bad:
    strategy: {matrix: \"${{ fromJSON('[]') }}\"}
    runs-on: x
    steps: [{run: x}]
  after-bad: {needs: bad, runs-on: x, steps: [{run: x}]}
";
    let called = "on: {workflow_call: {inputs: {env: {type: string}}}}
jobs: {one: {if: \"inputs.env == 'prod'\", runs-on: x, steps: [{run: x}]}}
";
    let set = set(&[("w.yml", root), (".github/workflows/called.yml", called)]);
    let found = outlook(&set, &world("push", "refs/heads/main")).expect("a plan");
    let legs = |key: &str| {
        let legs = found.job(key).expect("a job").legs.iter();
        legs.map(|it| format!("{} on {}", it.key, it.runs_on.join("+"))).collect::<Vec<_>>()
    };
    assert_eq!(legs("test"), ["test (a, 2) on a", "test (b, 1) on b", "test (b, 2) on b"]);
    assert_eq!(found.job("test").map(|it| it.steps()[0].name.as_str()), Some("on a"));
    assert_eq!(found.job("test").map(|it| it.steps()[1].verdict), Some(Prospect::Skipped));
    assert_eq!(legs("later"), ["later on ${{ matrix.os }}+x"]);
    assert_eq!(found.job("later").map(|it| it.deferred.clone()), Some(vec!["needs.test.outputs.m".to_owned()]));
    assert_eq!(found.job("call (dev) / one").map(|it| it.verdict), Some(Prospect::Skipped));
    assert_eq!(found.job("call (prod) / one").map(|it| it.verdict), Some(Prospect::Runs));
    let Some(Reason::Strategy { message, .. }) = &found.job("bad").expect("a job").reason else { panic!() };
    assert!(message.contains("not expected"), "{message}");
    let Some(Reason::Needs { result, .. }) = &found.job("after-bad").expect("a job").reason else { panic!() };
    assert_eq!(result, "failure");
}

#[test]
fn what_is_called_can_do_no_more_than_its_caller() {
    let root = "on: push
jobs:
  first: {runs-on: x, steps: [{run: x}]}
  call: {needs: first, if: needs.first.outputs.a, uses: ./.github/workflows/called.yml}
";
    let called = "on: workflow_call
jobs: {one: {runs-on: x, steps: [{run: x}]}, two: {if: false, runs-on: x, steps: [{run: x}]}}
";
    let set = set(&[("w.yml", root), (".github/workflows/called.yml", called)]);
    let found = outlook(&set, &world("push", "refs/heads/main")).expect("a plan");
    assert_eq!(verdicts(&found), "first runs, call depends, call / one depends, call / two skipped");
    assert_eq!(
        found.job("call / one").and_then(|it| it.reason.clone()),
        Some(Reason::Caller { job: JobKey::new("call") })
    );
}

#[test]
fn legs_that_are_left_out_call_nothing() {
    let call = "{strategy: {matrix: {env: [dev, prod]}}, uses: ./.github/workflows/called.yml}";
    let root = format!("on: push\njobs: {{call: {call}, alone: {{{BODY}}}}}\n");
    let called = format!("on: workflow_call\njobs: {{one: {{{BODY}}}}}\n");
    let set = set(&[("w.yml", &root), (".github/workflows/called.yml", &called)]);
    let mut found = outlook(&set, &world("push", "refs/heads/main")).expect("a plan");
    found.keep_legs(&[("ENV".to_owned(), "Prod".to_owned())]);
    assert_eq!(verdicts(&found), "call runs, call (prod) / one runs, alone runs");
}
