//! `wfrun test`: unit tests of workflows, and what people and programs are told of them.
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value as Json;

use crate::repo::{Ran, Repo};

const WORKFLOW: &str = "\
on:
  push: {branches: [main], paths: ['src/**']}
  pull_request:
  workflow_dispatch:
    inputs: {level: {type: choice, options: [quick, full]}}
jobs:
  build:
    runs-on: windows-latest
    outputs: {changed: '${{ steps.look.outputs.changed }}', fixed: abc}
    steps:
      - {id: look, run: look}
      - {name: only if changed, if: steps.look.outputs.changed == 'true', run: x}
      - {uses: ./tools/x}
      - {name: on windows, if: runner.os == 'Windows', run: x}
      - {name: hashed, if: \"hashFiles('x') != ''\", run: x}
      - {name: with env, if: env.MODE == 'full', run: x}
      - {name: clean up, if: always(), run: x}
      - {name: tell, if: failure(), run: x}
      - {name: forgiven, continue-on-error: true, run: x}
      - {name: both, if: failure() && steps.look.outputs.changed == 'true', run: x}
  deploy:
    needs: build
    if: needs.build.outputs.changed == 'true' && vars.DEPLOY != 'no' && github.actor != 'bot'
    runs-on: ubuntu-latest
    steps: [{run: deploy}]
  after: {needs: deploy, runs-on: ubuntu-latest, steps: [{run: after}]}
  always: {needs: deploy, if: always(), runs-on: ubuntu-latest, steps: [{run: x}]}
  full: {if: inputs.level == 'full', runs-on: ubuntu-latest, steps: [{run: x}]}
  legs:
    strategy: {matrix: {os: [a, b]}}
    runs-on: '${{ matrix.os }}'
    steps: [{run: x}, {name: on a, if: matrix.os == 'a', run: x}]
  call: {needs: legs, uses: ./.github/workflows/called.yml, with: {x: 'y'}}
  alarm: {needs: call, if: failure(), runs-on: ubuntu-latest, steps: [{run: x}]}
";

const CALLED: &str = "\
on: {workflow_call: {inputs: {x: {type: string}}}}
jobs:
  inner: {if: inputs.x == 'y', runs-on: x, steps: [{run: x}, {name: never, if: inputs.x == 'z', run: x}]}
  other: {if: inputs.x == 'z', runs-on: x, steps: [{run: x}]}
";

fn repo(tests: &str) -> Repo {
    Repo::of(&[
        (".github/workflows/w.yml", WORKFLOW),
        (".github/workflows/called.yml", CALLED),
        ("w.wftest.yml", &format!("workflow: .github/workflows/w.yml\ncases:\n{tests}")),
    ])
}

/// What is not as expected, a line each: `expectation: expected, actual: reason`.
fn failures(case: &str) -> Vec<String> {
    let ran = repo(&format!("  - {case}\n")).wfrun(&["test", "--json"]);
    assert!(ran.code <= 1, "{}\n{}", ran.stdout, ran.stderr);
    let report: Json = serde_json::from_str(&ran.stdout).expect("one object");
    let failures = report["files"][0]["cases"][0]["failures"].as_array().expect("a list").clone();
    assert_eq!(ran.code == 0, failures.is_empty(), "{report}");
    let text = |it: &Json| it.as_str().unwrap_or_default().to_owned();
    let line = |it: &Json| {
        let parts = [&it["expectation"], &it["expected"], &it["actual"], &it["reason"]].map(text);
        format!("{}: {}, {}: {}", parts[0], parts[1], parts[2], parts[3])
    };
    failures.iter().map(line).collect()
}

#[track_caller]
fn passes(case: &str) {
    assert_eq!(failures(case), Vec::<String>::new(), "{case}");
}

#[track_caller]
fn fails(case: &str, expected: &str) {
    assert_eq!(failures(case).join("\n"), expected, "{case}");
}

#[test]
fn the_example_passes() {
    let ran = Repo::example().wfrun(&["test"]).ends_with(0);
    assert!(ran.stdout.contains("deploy.wftest.yml  3 passed\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("3 cases in 1 file: 3 passed, 0 failed ("), "{}", ran.stdout);
}

#[test]
fn triggers() {
    passes("{ref: main, changed: src/a, expect: {triggered: true}}");
    passes("{ref: dev, changed: src/a, expect: {triggered: false}}");
    passes("{ref: refs/tags/v1, changed: src/a, expect: {triggered: false}}");
    passes("{changed: [README.md], expect: {triggered: false}}");
    passes("{event: pull_request, type: closed, expect: {triggered: false}}");
    passes("{changed: src/a, payload: {head_commit: {message: 'x [skip ci]'}}, expect: {triggered: false}}");
    fails(
        "{ref: dev, changed: src/a, expect: {triggered: true, jobs: {build: skipped}}}",
        "triggered: true, false: `push` of branch `dev` does not trigger `.github/workflows/w.yml`: \
         `branches` does not let `dev` through\n\
         jobs.build: skipped, not triggered: `push` of branch `dev` does not trigger `.github/workflows/w.yml`: \
         `branches` does not let `dev` through",
    );
    fails(
        "{changed: src/a, expect: {triggered: false}}",
        "triggered: false, true: the event passes all filters of the workflow",
    );
    fails(
        "{expect: {triggered: true}}",
        "triggered: true, depends: depends on the changed files, for there is a filter of paths: \
         give them under `changed`",
    );
}

#[test]
fn what_a_case_does_not_say_is_no_pass() {
    fails(
        "{changed: src/a, expect: {jobs: {deploy: skipped, after: skipped, always: runs}}}",
        "jobs.deploy: skipped, depends: depends on needs.build.outputs.changed, which the case does not say: \
         give outputs of `build` under `outputs`\n\
         jobs.after: skipped, depends: depends on job `deploy`",
    );
    fails(
        "{changed: src/a, expect: {steps: {build.only if changed: skipped, build.hashed: skipped, \
          build.with env: skipped}}}",
        "steps.build.only if changed: skipped, depends: depends on steps.look.outputs.changed, which the case does \
         not say: give outputs of step `look` under `outputs`\n\
         steps.build.hashed: skipped, depends: depends on hashFiles(), which the case does not say: \
         files are not hashed in a test\n\
         steps.build.with env: skipped, depends: depends on env.MODE, which the case does not say: \
         give `MODE` under `env`",
    );
    fails(
        "{changed: src/a, expect: {outputs: {build: {changed: ''}, build.look: {changed: ''}}}}",
        "outputs.build.changed: , depends: depends on steps.look.outputs.changed, which the case does not say\n\
         outputs.build.look.changed: , depends: depends on what the step does, which the case does not say: \
         give it under `outputs`",
    );
}

#[test]
fn outputs_reach_later_steps_and_jobs() {
    passes(
        "{changed: src/a, env: {MODE: full}, outputs: {build.look: {changed: true}}, expect: {\
          jobs: {build: success, deploy: runs, after: success, always: runs}, \
          steps: {build.only if changed: runs, build.with env: runs, build.on windows: runs, build.tell: skipped}, \
          outputs: {build: {changed: 'true', fixed: abc}, build.look: {changed: 'true'}}}}",
    );
    passes("{changed: src/a, outputs: {build: {changed: 'true'}}, expect: {jobs: {deploy: runs}}}");
    passes(
        "{changed: src/a, vars: {DEPLOY: no}, outputs: {build: {changed: 'true'}}, expect: {jobs: {deploy: skipped}}}",
    );
    fails(
        "{changed: src/a, outputs: {build: {changed: 'no'}}, expect: {jobs: {deploy: runs}, outputs: {build: {changed: 'true'}}}}",
        "jobs.deploy: runs, skipped: because needs.build.outputs.changed == 'true' is false: \
         needs.build.outputs.changed is 'no'\n\
         outputs.build.changed: true, no: ",
    );
    // What was never asked does not matter.
    passes("{changed: src/a, actor: bot, expect: {jobs: {deploy: skipped, always: runs}}}");
}

#[test]
fn forced_ends() {
    passes(
        "{changed: src/a, force: {build.look: failure}, expect: {\
          jobs: {build: failure, deploy: skipped, always: runs}, \
          steps: {build.1: failure, build.only if changed: skipped, build.tell: runs, build.clean up: runs}}}",
    );
    fails(
        "{changed: src/a, force: {build.look: failure}, expect: {jobs: {build: success, deploy: runs}, \
          steps: {build.only if changed: runs}}}",
        "jobs.build: success, failure: step `Run look` fails\n\
         jobs.deploy: runs, skipped: needs `build`, which failed\n\
         steps.build.only if changed: runs, skipped: an earlier step failed: Run look",
    );
    passes(
        "{changed: src/a, force: {build.forgiven: failure}, expect: {jobs: {build: success}, \
          steps: {build.forgiven: failure, build.tell: skipped, build.both: skipped}}}",
    );
    passes(
        "{changed: src/a, force: {build: failure, legs.1: skipped}, expect: {jobs: {build: failure, deploy: skipped}, \
          steps: {legs.1: skipped}}}",
    );
    passes(
        "{changed: src/a, force: {build: cancelled}, expect: {jobs: {build: cancelled, deploy: skipped, always: runs}, \
          steps: {build.clean up: runs, build.look: skipped, build.tell: skipped}}}",
    );
    passes(
        "{changed: src/a, force: {build: skipped}, expect: {jobs: {build: skipped, deploy: skipped, always: runs}}}",
    );
}

#[test]
fn called_workflows_and_matrices() {
    passes(
        "{changed: src/a, expect: {jobs: {legs: runs, legs (a): runs, call: runs, call / inner: runs, \
          call / other: skipped, alarm: skipped}, steps: {call / inner.never: skipped}}}",
    );
    passes("{changed: src/a, force: {call / inner: failure}, expect: {jobs: {call: failure, alarm: runs}}}");
    passes(
        "{changed: src/a, force: {call / inner.1: failure}, expect: {jobs: {call: failure, call / inner: failure, \
          alarm: runs}, steps: {call / inner.1: failure}}}",
    );
    passes(
        "{changed: src/a, force: {call: success}, expect: {jobs: {call: success, call / inner: skipped, \
          alarm: skipped}}}",
    );
    fails(
        "{changed: src/a, force: {legs: failure}, expect: {jobs: {call: runs, call / inner: runs}}}",
        "jobs.call: runs, skipped: needs `legs`, which failed\n\
         jobs.call / inner: runs, skipped: `call`, which calls its workflow, is skipped",
    );
}

/// Steps of different legs are told apart; without a leg's name all of them are meant.
#[test]
fn steps_of_legs() {
    passes(
        "{changed: src/a, expect: {steps: {legs (a).on a: runs, legs (b).on a: skipped, legs.1: runs}, \
          jobs: {legs (b): success}}}",
    );
    fails(
        "{changed: src/a, expect: {steps: {legs.on a: skipped}}}",
        "steps.legs.on a: skipped, differs: `legs (a)`: success (because success() && matrix.os == 'a' is true); \
         `legs (b)`: skipped (because matrix.os == 'a' is false: matrix.os is 'b')",
    );
    passes(
        "{changed: src/a, force: {legs (b).1: failure}, expect: {jobs: {legs (b): failure, legs: failure, \
          call: skipped}, steps: {legs (b).1: failure}}}",
    );
}

/// One leg fails and cancels the other, in which the step did not come to its end.
#[test]
fn steps_of_legs_that_fail_fast() {
    let workflow = "on: push
jobs:
  test:
    strategy: {matrix: {v: [1, 2]}}
    runs-on: x
    steps: [{id: unit, run: x}, {name: Report, if: failure(), run: x}]
";
    let tests = "workflow: w.yml\ncases:\n  - {force: {test.unit: failure}, expect: {jobs: {test: failure}, steps: \
                 {test.Report: runs, test.unit: failure}}}\n";
    Repo::of(&[("w.yml", workflow), ("w.wftest.yml", tests)]).wfrun(&["test"]).ends_with(0);
}

/// What a job is made of in a workflow that a matrix calls.
#[test]
fn called_by_a_matrix() {
    let workflow = "on: push
jobs:
  find: {runs-on: x, outputs: {v: '${{ steps.s.outputs.v }}'}, steps: [{id: s, run: x}]}
  call: {needs: find, strategy: {matrix: {x: [y, z]}}, uses: ./.github/workflows/c.yml, with: {x: '${{ matrix.x }}', v: '${{ needs.find.outputs.v }}'}}
  last: {needs: call, if: needs.call.outputs.said == 'hi', runs-on: x, steps: [{run: x}]}
";
    let called = "on: {workflow_call: {inputs: {x: {type: string}, v: {type: string}}, outputs: {said: {value: '${{ jobs.a.outputs.said }}'}}}}
jobs:
  a: {if: inputs.x == 'y', runs-on: x, outputs: {said: '${{ steps.s.outputs.said }}'}, steps: [{id: s, run: x}]}
  b: {if: inputs.v == '1', runs-on: x, steps: [{run: x}]}
";
    let report = |case: &str| {
        let tests = format!("workflow: w.yml\ncases: [{{{case}}}]\n");
        let repo = Repo::of(&[("w.yml", workflow), (".github/workflows/c.yml", called), ("w.wftest.yml", &tests)]);
        let ran = repo.wfrun(&["test"]);
        (ran.code, ran.stdout + &ran.stderr)
    };
    let ok = |case: &str| {
        let (code, said) = report(case);
        assert_eq!(code, 0, "{said}");
    };
    ok("expect: {jobs: {call (y) / a: runs, call (z) / a: skipped}}");
    ok("outputs: {find: {v: '1'}}, expect: {jobs: {call / b: runs, call (z) / b: success}}");
    ok("outputs: {find: {v: '2'}}, expect: {jobs: {call / b: skipped}}");
    ok(
        "outputs: {find: {v: '2'}, call (y) / a.s: {said: hi}}, expect: {jobs: {last: runs}, outputs: {call: {said: hi}}}",
    );
    ok("outputs: {find: {v: '2'}, call / a: {said: no}}, expect: {jobs: {last: skipped}}");
    for (case, expected) in [
        ("expect: {jobs: {call / a: runs}}", "differs"),
        ("expect: {jobs: {call / b: skipped}}", "depends on inputs.v"),
        ("expect: {jobs: {last: skipped}}", "depends on needs.call.outputs.said"),
        ("expect: {jobs: {call (w) / a: runs}}", "its jobs are: `call (y) / a`, `call (z) / a`"),
    ] {
        let (code, said) = report(case);
        assert!(code == 1 && said.contains(expected), "{case}: {said}");
    }
}

/// A `}}` within quotes ends no expression: what stands behind it counts, too.
#[test]
fn outputs_of_texts_with_braces() {
    let workflow = r#"on: push
jobs:
  a: {runs-on: x, outputs: {v: '${{ format(''{{"a":"{0}"}}'', steps.s.outputs.y) }}'}, steps: [{id: s, run: x}]}
  b: {needs: a, if: "fromJSON(needs.a.outputs.v).a == 'z'", runs-on: x, steps: [{run: x}]}
"#;
    let tests = "workflow: w.yml\ncases: [{expect: {jobs: {b: skipped}}}]\n";
    let ran = Repo::of(&[("w.yml", workflow), ("w.wftest.yml", tests)]).wfrun(&["test"]).ends_with(1);
    assert!(ran.stdout.contains("depends on needs.a.outputs.v"), "{}", ran.stdout);
}

/// A matrix that a job puts out is known once a case says what that is.
#[test]
fn legs_of_matrices() {
    let workflow = "on: push
jobs:
  find: {runs-on: x, outputs: {list: '${{ steps.s.outputs.list }}'}, steps: [{id: s, run: x}]}
  each:
    needs: find
    strategy: {matrix: {app: '${{ fromJSON(needs.find.outputs.list) }}'}}
    runs-on: x
    steps: [{run: x}]
";
    let report = |case: &str| {
        let tests = format!("workflow: w.yml\ncases: [{case}]\n");
        let ran = Repo::of(&[("w.yml", workflow), ("w.wftest.yml", &tests)]).wfrun(&["test"]);
        (ran.code, ran.stdout)
    };
    let outputs = r#"outputs: {find: {list: '["web", "api"]'}}"#;
    let (code, said) = report(&format!("{{{outputs}, expect: {{jobs: {{each (web): runs, each (api): success}}}}}}"));
    assert_eq!(code, 0, "{said}");
    let (code, said) = report(&format!("{{{outputs}, expect: {{jobs: {{each (db): runs}}}}}}"));
    assert!(code == 1 && said.contains("its jobs are: `each (web)`, `each (api)`"), "{said}");
    let (code, said) = report("{expect: {jobs: {each (web): runs}}}");
    assert!(code == 1 && said.contains("`needs.find.outputs.list`: give it under `outputs`"), "{said}");
}

#[test]
fn inputs_events_and_diagnostics() {
    passes("{event: workflow_dispatch, inputs: {level: full}, expect: {jobs: {full: runs}}}");
    passes("{event: workflow_dispatch, expect: {jobs: {full: skipped}}}");
    passes("{event: pull_request, head: f, base: main, pr: 7, expect: {triggered: true, diagnostics: []}}");
    fails(
        "{expect: {diagnostics: [if/never]}}",
        "diagnostics: if/never, none: `wfrun check .github/workflows/w.yml` says so",
    );
}

#[test]
fn json_and_junit() {
    let repo = repo(
        "  - {name: good, changed: src/a, expect: {triggered: true}}\n  - {name: 'a <b> & c', ref: dev, expect: {triggered: true}}\n",
    );
    let ran = repo.wfrun(&["test", "w.wftest.yml", "--json", "--junit", "out.xml"]).ends_with(1);
    let report: Json = serde_json::from_str(&ran.stdout).expect("one object");
    assert_eq!((&report["passed"], &report["failed"]), (&Json::from(1), &Json::from(1)));
    assert_eq!(report["files"][0]["path"], "w.wftest.yml");
    assert_eq!(report["files"][0]["workflow"], ".github/workflows/w.yml");
    assert_eq!(report["files"][0]["cases"][0]["passed"], true);
    let xml = repo.read("out.xml");
    assert!(xml.contains("name=\"a &lt;b&gt; &amp; c\""), "{xml}");
    assert!(xml.contains("tests=\"2\" failures=\"1\""), "{xml}");
    repo.wfrun(&["test", "--junit", "none/out.xml"]).ends_with(3);
}

#[track_caller]
fn invalid(ran: &Ran, expected: &str) {
    assert_eq!(ran.code, 2, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
}

#[test]
fn invalid_files() {
    for (case, place, message) in [
        ("{nam: x}", "3:6", "a case has no key `nam`"),
        ("{expect: {jobs: {biuld: runs}}}", "3:22", "did you mean `build`?"),
        ("{expect: {steps: {build.nope: runs}}}", "3:23", "job `build` has no step `nope`"),
        ("{expect: {steps: {build: runs}}}", "3:23", "`build` names a job, and a step is wanted"),
        ("{expect: {jobs: {build: maybe}}}", "3:29", "write one of: runs, skipped, success, failure, cancelled"),
        (
            "{force: {build.look: cancelled}, expect: {triggered: true}}",
            "3:26",
            "write one of: success, failure, skipped",
        ),
        ("{outputs: {build: {chnged: x}}, expect: {triggered: true}}", "3:24", "did you mean `changed`?"),
        ("{expect: {triggered: maybe}}", "3:26", "should be `true` or `false`"),
        ("{changed: {a: b}, expect: {triggered: true}}", "3:15", "should be a text"),
        ("{job: nope, expect: {triggered: true}}", "3:6", "the workflow has no job `nope`"),
        ("{inputs: {level: all}, expect: {triggered: true}}", "3:6", "the event `push` has no inputs"),
        (
            "{event: workflow_dispatch, inputs: {level: all}, expect: {triggered: true}}",
            "3:32",
            "its options are: quick, full",
        ),
        ("{event: psuh, expect: {triggered: true}}", "3:6", "did you mean `push`?"),
        ("x", "3:5", "a case is a string, and should be a mapping"),
    ] {
        let ran = repo(&format!("  - {case}\n")).wfrun(&["test"]);
        invalid(&ran, message);
        assert!(ran.stderr.contains(&format!("w.wftest.yml:{place}\n")), "{case}: {}", ran.stderr);
    }
}

#[test]
fn a_broken_workflow_makes_the_file_invalid_unless_that_is_expected() {
    let workflow = "on: push\njobs: {a: {runs-on: x, steps: [{run: x}], need: b}}\n";
    let tests = |expect: &str| format!("workflow: w.yml\ncases: [{{expect: {{{expect}}}}}]\n");
    let run = |expect: &str| Repo::of(&[("a/w.yml", workflow), ("a/w.wftest.yaml", &tests(expect))]).wfrun(&["test"]);
    invalid(&run("jobs: {a: runs}"), "error[workflow/unknown-key]");
    run("diagnostics: [workflow/unknown-key]").ends_with(0);
    run("diagnostics: []").ends_with(1);
}

#[test]
fn other_good_files_are_run_and_shown() {
    let repo = repo("  - {name: x, changed: src/a, expect: {triggered: true}}\n");
    repo.write("bad.wftest.yml", "workflow: none.yml\ncases: []\n");
    let ran = repo.wfrun(&["test"]);
    invalid(&ran, "there is no workflow `none.yml`");
    assert!(ran.stdout.contains("w.wftest.yml  1 passed"), "{}", ran.stdout);
    let ran = repo.wfrun(&["test", "x.wftest.yml"]);
    invalid(&ran, "did you mean `w.wftest.yml`?");
}

#[test]
fn jobs_that_are_not_asked_for_are_skipped() {
    passes("{changed: src/a, job: full, expect: {jobs: {full: skipped, legs: skipped}}}");
    fails(
        "{event: pull_request, job: legs, expect: {jobs: {legs: runs, build: runs}}}",
        "jobs.build: runs, skipped: other jobs were asked for",
    );
    passes("{event: pull_request, job: after, no-needs: true, expect: {jobs: {after: runs, build: skipped}}}");
}

#[test]
fn watching_runs_again_at_a_change() {
    let repo = repo("  - {name: x, changed: src/a, expect: {triggered: true}}\n");
    let mut command = repo.command(&["test", "--watch"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("wfrun starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let mut summary = || lines.find(|it| it.contains(" in 1 file: ")).expect("a summary");
    assert!(summary().contains("1 passed, 0 failed"));
    repo.change(".github/workflows/w.yml", "branches: [main]", "branches: [trunk]");
    assert!(summary().contains("0 passed, 1 failed"));
    repo.change("w.wftest.yml", "triggered: true", "triggered: false");
    assert!(summary().contains("1 passed, 0 failed"));
    child.kill().expect("it ends");
    child.wait().expect("it ended");
}

#[test]
fn a_called_workflow_is_tested_by_itself() {
    let workflow = "on: {workflow_call: {inputs: {full: {type: boolean}, level: {type: number, default: 3}}}}\n\
                    jobs:\n  a: {if: inputs.full && inputs.level > 2, runs-on: x, steps: [{run: x}]}\n";
    let tests = "workflow: w.yml\ncases:\n  - {inputs: {full: true}, expect: {jobs: {a: runs}}}\n  \
                 - {inputs: {full: true, level: 1}, expect: {jobs: {a: skipped}}}\n  - {expect: {jobs: {a: skipped}}}\n";
    Repo::of(&[("w.yml", workflow), ("w.wftest.yml", tests)]).wfrun(&["test"]).ends_with(0);
}
