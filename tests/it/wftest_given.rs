//! What a case of `wfrun test` can say of its situation: all that `wfrun why` takes as options.
use serde_json::Value as Json;

use crate::repo::{Ran, Repo};

const WORKFLOW: &str = "
on:
  push: {paths: ['src/**']}
  pull_request: {types: [opened, synchronize, labeled]}
  repository_dispatch:
  schedule: [{cron: '0 1 * * *'}, {cron: '30 5 * * *'}]
  workflow_dispatch: {inputs: {level: {type: choice, options: [quick, full]}}}
jobs:
  early: {if: github.event.schedule == '30 5 * * *', runs-on: x, steps: [{run: x}]}
  full: {if: inputs.level == 'full', runs-on: x, steps: [{run: x}]}
  told: {if: github.event.client_payload.who == 'me', runs-on: x, steps: [{run: x}]}
  labeled: {if: github.event.action == 'labeled' && github.base_ref == 'v1', runs-on: x, steps: [{run: x}]}
  vars: {if: vars.A == '1' && vars.B == '2', runs-on: x, steps: [{name: env, if: env.C == '3', run: x}, {run: '${{ fromJSON(secrets.S) }}'}]}
  legs: {strategy: {matrix: {os: [a, b]}}, runs-on: x, steps: [{run: x}]}
";

fn repo(cases: &str) -> Repo {
    Repo::of(&[
        (".github/workflows/w.yml", WORKFLOW),
        ("tests/w.wftest.yml", &format!("workflow: .github/workflows/w.yml\ncases:\n{cases}")),
        ("tests/event.json", "{\"client_payload\": {\"who\": \"me\"}, \"x\": 1}"),
        ("tests/list.json", "[]"),
        ("tests/pull.json", "{\"action\": \"labeled\", \"pull_request\": {\"base\": {\"ref\": \"v1\"}}}"),
        ("tests/inputs.yml", "level: full\n"),
        ("tests/vars.env", "A=1\nB=1\n"),
        ("tests/broken.env", "A\n"),
        ("tests/secrets.env", "s={}\n"),
        ("tests/env.yml", "C: 3\n"),
    ])
}

#[track_caller]
fn passes(case: &str) {
    let ran = repo(&format!("  - {case}\n")).wfrun(&["test"]);
    assert_eq!(ran.code, 0, "{case}\n{}{}", ran.stdout, ran.stderr);
}

#[track_caller]
fn invalid(case: &str, place: &str, message: &str) {
    let ran = repo(&format!("  - {case}\n")).wfrun(&["test"]);
    assert_eq!(ran.code, 2, "{case}\n{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(message) && ran.stderr.contains(place), "{case}: {}", ran.stderr);
}

#[test]
fn legs_and_entries_of_a_schedule() {
    let dispatch = "event: workflow_dispatch";
    passes(&format!("{{{dispatch}, matrix: {{os: a}}, expect: {{jobs: {{legs (a): runs, legs (b): skipped}}}}}}"));
    passes(&format!("{{{dispatch}, matrix: ['OS:b'], expect: {{jobs: {{legs (a): skipped, legs (b): runs}}}}}}"));
    passes("{event: schedule, expect: {triggered: true, jobs: {early: skipped}}}");
    passes("{event: schedule, schedule: '30 5 * * *', expect: {jobs: {early: runs}}}");
    passes("{event: schedule, payload: {schedule: '30 5 * * *'}, expect: {jobs: {early: runs}}}");
    invalid("{event: schedule, schedule: '1 1 1 1 1'}", ":3:23\n", "its entries are: `0 1 * * *`, `30 5 * * *`");
    invalid("{event: push, schedule: '0 1 * * *'}", ":3:19\n", "the event `push` has no `schedule`");
    invalid("{event: push, matrix: x}", ":3:27\n", "write KEY:VALUE");
}

/// Source: interface, section 5: paths are the file's.
#[test]
fn files_of_values() {
    passes("{event: repository_dispatch, type: x, event-path: event.json, expect: {jobs: {told: runs}}}");
    // What the case itself says wins, wherever it stands.
    passes(
        "{payload: {client_payload: {who: you}}, event: repository_dispatch, event-path: event.json, \
          expect: {jobs: {told: skipped}}}",
    );
    passes("{event: pull_request, event-path: pull.json, expect: {jobs: {labeled: runs}}}");
    passes("{event: pull_request, type: opened, event-path: pull.json, expect: {jobs: {labeled: skipped}}}");
    passes("{event: workflow_dispatch, input-file: inputs.yml, expect: {jobs: {full: runs}}}");
    passes(
        "{event: workflow_dispatch, inputs: {level: quick}, input-file: inputs.yml, expect: {jobs: {full: skipped}}}",
    );
    passes(
        "{event: pull_request, vars: {B: '2'}, var-file: [vars.env], env-file: env.yml, secret-file: secrets.env, \
          expect: {jobs: {vars: success}, steps: {vars.env: runs}}}",
    );
    passes("{event: pull_request, vars: {A: '1', B: '2'}, secrets: {S: '{'}, expect: {jobs: {vars: failure}}}");
    invalid("{event: push, event-path: none.json}", ":3:31\n", "error[wftest/unreadable]: failed to read");
    invalid("{event: push, event-path: list.json}", ":3:31\n", "it holds a list, and a payload is an object");
    invalid("{event: push, var-file: none.env}", ":3:29\n", "relative to the test file");
    invalid("{event: push, var-file: broken.env}", "broken.env:1:1\n", "error[file/broken-line]");
}

#[test]
fn files_that_were_changed_since() {
    let repo = repo("  - {since: HEAD~1, expect: {triggered: true}}\n");
    repo.write("src/a", "new");
    repo.commit("a source");
    repo.wfrun(&["test"]).ends_with(0);
    repo.write("README.md", "new");
    repo.commit("a text");
    repo.wfrun(&["test"]).ends_with(1);
    repo.change("tests/w.wftest.yml", "HEAD~1", "HEAD~2");
    repo.wfrun(&["test"]).ends_with(0);
    repo.change("tests/w.wftest.yml", "HEAD~2", "nowhere");
    let ran = repo.wfrun(&["test"]).ends_with(2);
    assert!(
        ran.stderr.contains("error[wftest/bad-revision]: git does not know the commit `nowhere`"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("w.wftest.yml:3:6\n"), "{}", ran.stderr);
}

#[test]
fn activity_types_that_an_event_does_not_have() {
    invalid("{event: pull_request, type: opend, expect: {triggered: false}}", ":3:27\n", "did you mean `opened`?");
    invalid("{event: push, type: opened, expect: {triggered: false}}", ":3:19\n", "leave `type` out");
    passes("{event: pull_request, type: closed, expect: {triggered: false}}");
    passes("{event: repository_dispatch, type: whatever, expect: {triggered: true}}");
}

/// A workflow with errors has findings that can be expected, beside cases that it cannot have.
#[test]
fn findings_of_an_invalid_workflow() {
    let workflow = "on: push\njobs: {a: {runs-on: x, steps: [{run: x}], need: b}}\n";
    let tests = "workflow: w.yml\ncases:\n  - {name: found, expect: {diagnostics: [workflow/unknown-key]}}\n  \
                 - {name: good, expect: {diagnostics: []}}\n  \
                 - {name: more, force: {b: failure}, expect: {jobs: {b: runs}, diagnostics: [workflow/unknown-key]}}\n";
    let repo = Repo::of(&[("w.yml", workflow), ("w.wftest.yml", tests)]);
    let ran = repo.wfrun(&["test", "--json"]).ends_with(2);
    assert!(ran.stderr.contains("error[workflow/unknown-key]"), "{}", ran.stderr);
    let report: Json = serde_json::from_str(&ran.stdout).expect("one object");
    let file = &report["files"][0];
    let passed: Vec<&Json> = file["cases"].as_array().expect("a list").iter().map(|it| &it["passed"]).collect();
    assert_eq!(passed, [true, false, false]);
    assert_eq!(file["cases"][2]["failures"][0]["expectation"], "workflow");
    assert_eq!(file["cases"][2]["failures"][0]["actual"], "invalid");
    assert_eq!(file["diagnostics"][0]["code"], "workflow/unknown-key");
    assert_eq!((&report["passed"], &report["failed"], &report["invalid"]), (&1.into(), &2.into(), &1.into()));
}

#[test]
fn invalid_files_are_reported() {
    let repo = repo("  - {name: good, event: pull_request, expect: {triggered: true}}\n");
    repo.write("tests/bad.wftest.yml", "workflow: none.yml\ncases: []\n");
    let ran: Ran = repo.wfrun(&["test", "--json", "--junit", "out.xml"]).ends_with(2);
    let report: Json = serde_json::from_str(&ran.stdout).expect("one object");
    let bad = &report["files"][0];
    assert_eq!(bad["path"], "tests/bad.wftest.yml");
    assert_eq!((&bad["workflow"], &bad["cases"]), (&Json::Null, &Json::Array(vec![])));
    assert_eq!(bad["diagnostics"][0]["code"], "wftest/no-workflow");
    assert_eq!((&report["passed"], &report["failed"], &report["invalid"]), (&1.into(), &0.into(), &1.into()));
    let xml = repo.read("out.xml");
    assert!(xml.contains("tests=\"2\" failures=\"0\" errors=\"1\""), "{xml}");
    assert!(xml.contains("<error message=\"there is no workflow `none.yml`\" type=\"wftest/no-workflow\">"), "{xml}");
    let ran = repo.wfrun(&["test"]).ends_with(2);
    assert!(ran.stdout.contains("tests/bad.wftest.yml  invalid\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 passed, 0 failed, 1 invalid file ("), "{}", ran.stdout);
}
