//! `wfrun test` and keys that can fail: what is evaluated in a run is evaluated in a test.
//!
//! Source: GitHub: planning rules 4.2, 4.4 and 4.7.
use serde_json::Value as Json;

use crate::repo::Repo;

/// What is not as expected, a line each; the run on this machine comes to the same results where `results` has them.
fn failures(workflow: &str, more: &[(&str, &str)], case: &str) -> String {
    let tests = format!("workflow: .github/workflows/w.yml\ncases:\n  - {case}\n");
    let mut files = vec![("w.wftest.yml", tests.as_str())];
    files.extend(more);
    let ran = Repo::new(workflow, &files).wfrun(&["test", "--json"]);
    assert!(ran.code <= 1, "{}\n{}", ran.stdout, ran.stderr);
    let report: Json = serde_json::from_str(&ran.stdout).expect("one object");
    let failures = report["files"][0]["cases"][0]["failures"].as_array().expect("a list").clone();
    let text = |it: &Json| it.as_str().unwrap_or_default().to_owned();
    let line = |it: &Json| format!("{}: {}: {}", text(&it["expectation"]), text(&it["actual"]), text(&it["reason"]));
    failures.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn passes(workflow: &str, case: &str) {
    assert_eq!(failures(workflow, &[], case), "", "{case}");
}

const KEYS: &str = "
on: push
jobs:
  nm: {name: \"${{ fromJSON('x') }}\", runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  cg: {concurrency: \"${{ vars.EMPTY }}\", runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  en: {environment: \"${{ fromJSON('x') }}\", runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  url: {environment: {name: x, url: \"${{ fromJSON('x') }}\"}, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  tm: {timeout-minutes: \"${{ fromJSON('x') }}\", runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  ok: {timeout-minutes: \"${{ vars.NOPE }}\", container: '${{ vars.EMPTY }}', runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  ct: {container: \"${{ fromJSON('x') }}\", runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  sv: {services: {db: {image: \"${{ fromJSON('x') }}\"}}, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  ro: {runs-on: \"${{ fromJSON(vars.EMPTY) }}\", steps: [{run: 'true'}]}
  df: {defaults: {run: {shell: \"${{ fromJSON('x') }}\"}}, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  rn: {runs-on: ubuntu-latest, steps: [{id: it, run: \"echo ${{ fromJSON('x') }}\"}, {run: 'true', if: failure()}]}
  wi: {runs-on: ubuntu-latest, steps: [{uses: actions/upload-artifact@v4, with: {name: \"${{ fromJSON('x') }}\"}}]}
  tell: {needs: cg, if: failure(), runs-on: ubuntu-latest, steps: [{run: 'true'}]}
";

#[test]
fn keys_that_cannot_be_evaluated_fail_as_in_a_run() {
    let failing = ["nm", "cg", "en", "url", "tm", "ct", "sv", "ro", "df", "rn", "wi"];
    let all = failing.map(|it| format!("{it}: failure")).join(", ");
    let expect = format!("jobs: {{{all}, ok: success, tell: success}}, steps: {{rn.it: failure, rn.2: runs}}");
    passes(KEYS, &format!("{{vars: {{EMPTY: ''}}, expect: {{{expect}}}}}"));
    let ran = Repo::new(KEYS, &[]).wfrun(&["run", "w.yml", "--backend", "host", "--json", "--var", "EMPTY="]);
    let results = ran.results();
    for job in failing {
        assert_eq!(results[job], "failure", "{job}: {results}");
    }
    assert_eq!((&results["ok"], &results["tell"]), (&"success".into(), &"success".into()), "{results}");
    // And why is said.
    let failures = failures(KEYS, &[], "{expect: {jobs: {nm: success, cg: success, url: success, rn: success}}}");
    for (job, why) in [
        ("nm", "`name` could not be evaluated (line 4): "),
        ("cg", "`concurrency` could not be evaluated (line 5): Concurrency group name cannot be empty"),
        ("url", ""),
        ("rn", "step `it`"),
    ] {
        let line = failures.lines().find(|it| it.starts_with(&format!("jobs.{job}: failure: ")));
        let line = line.unwrap_or_else(|| panic!("{job}: {failures}"));
        assert!(line.contains(why) || line.contains("fromJSON"), "{line}");
    }
}

/// What fails only because the case does not say what a step puts out is open, or is taken to go well.
#[test]
fn what_a_case_does_not_say_fails_nothing() {
    let workflow = "
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    outputs: {t: '${{ steps.s.outputs.t }}', j: '${{ fromJSON(steps.s.outputs.j).x }}'}
    steps:
      - {id: s, run: x}
      - {run: 'echo ${{ fromJSON(steps.s.outputs.j).x }}'}
      - {id: u, uses: octo/x@v1, with: {a: '${{ fromJSON(steps.s.outputs.j).x }}', b: '${{ github.ref }}'}}
      - {run: 'echo ${{ fromJSON(steps.u.outputs.k) }}', env: {K: '${{ fromJSON(steps.u.outputs.k) }}'}}
  b:
    needs: a
    runs-on: ubuntu-latest
    timeout-minutes: ${{ fromJSON(needs.a.outputs.t) }}
    steps: [{run: x}]
  c: {needs: a, concurrency: '${{ needs.a.outputs.t }}', runs-on: ubuntu-latest, steps: [{run: x}]}
  d: {needs: a, runs-on: ubuntu-latest, env: {J: '${{ fromJSON(needs.a.outputs.j) }}'}, steps: [{run: x}]}
  after: {needs: b, runs-on: ubuntu-latest, steps: [{run: x}]}
  anyway: {needs: b, if: always(), runs-on: ubuntu-latest, steps: [{run: x}]}
  e: {runs-on: ubuntu-latest, steps: [{id: s, run: x}, {if: fromJSON(steps.s.outputs.j).y, run: x}]}
";
    passes(workflow, "{expect: {jobs: {a: success, d: success}, steps: {a.s: runs, a.2: success, a.4: runs}}}");
    assert_eq!(
        failures(
            workflow,
            &[],
            "{expect: {jobs: {b: runs, c: runs, after: skipped, anyway: runs, e: success}, outputs: {a: {j: ''}}}}"
        ),
        "jobs.b: depends: depends on needs.a.outputs.t, which the case does not say: give outputs of `a` under \
         `outputs`\n\
         jobs.c: depends: depends on needs.a.outputs.t, which the case does not say: give outputs of `a` under \
         `outputs`\n\
         jobs.after: depends: depends on job `b`\n\
         jobs.e: depends: depends on steps.s.outputs.j, which the case does not say: give outputs of step `s` under \
         `outputs`\n\
         outputs.a.j: depends: depends on steps.s.outputs.j, which the case does not say"
    );
    passes(
        workflow,
        "{outputs: {a.s: {t: '3', j: '{\"x\": 5}'}, a.u: {k: '1'}, e.s: {j: '{\"y\": 1}'}}, expect: {jobs: {a: success, \
          b: success, c: success, e: success}, outputs: {a: {j: '5'}}}}",
    );
    // What the case does say can fail.
    passes(
        workflow,
        "{outputs: {a.s: {t: x, j: '{'}, e.s: {j: '{'}}, expect: {jobs: {a: failure, b: skipped, e: failure}, \
          steps: {a.2: failure, a.u: skipped}}}",
    );
    passes(workflow, "{outputs: {a: {t: x, j: '5'}}, expect: {jobs: {b: failure, c: success}}}");
}

#[test]
fn groups_go_one_after_another_and_deadlocks_are_found() {
    let job = |keys: &str| format!("{{{keys}, runs-on: ubuntu-latest, steps: [{{run: 'true'}}]}}");
    let (deploy, other) = (job("concurrency: Deploy"), job("needs: a, if: always()"));
    let workflow = format!("on: push\nconcurrency: deploy\njobs:\n  a: {deploy}\n  b: {other}\n");
    passes(&workflow, "{expect: {jobs: {a: cancelled, b: runs}}}");
    let ran = Repo::new(&workflow, &[]).wfrun(&["run", "w.yml", "--backend", "host", "--json"]);
    assert_eq!(ran.results(), serde_json::json!({"a": "cancelled", "b": "success"}));
    assert_eq!(
        failures(&workflow, &[], "{expect: {jobs: {a: success}}}"),
        "jobs.a: cancelled: Canceling since a deadlock for concurrency group 'Deploy' was detected between 'top level \
         workflow' and 'a'"
    );
    let called = format!("on: workflow_call\nconcurrency: deploy\njobs:\n  x: {}\n", job("name: x"));
    let caller = "on: push\nconcurrency: deploy\njobs: {a: {uses: ./.github/workflows/c.yml}}\n";
    let more = [(".github/workflows/c.yml", called.as_str())];
    assert_eq!(failures(caller, &more, "{expect: {jobs: {a: cancelled, a / x: skipped}}}"), "");
    // The newest takes the place of who waits.
    let three = format!("on: push\njobs:\n  a: {0}\n  b: {0}\n  c: {0}\n", job("concurrency: g"));
    passes(&three, "{expect: {jobs: {a: success, b: cancelled, c: success}}}");
    let all = format!("on: push\njobs:\n  a: {0}\n  b: {0}\n  c: {0}\n", job("concurrency: {group: g, queue: max}"));
    passes(&all, "{expect: {jobs: {a: success, b: success, c: success}}}");
    // Whether they meet at all is a matter of time, unless one needs the other.
    let group = job("concurrency: g");
    let late = |need: &str| job(&format!("needs: {need}, concurrency: g"));
    let (x, b, c, d) = (job("name: x"), late("x"), late("y"), late("b"));
    let apart = format!("on: push\njobs:\n  x: {x}\n  y: {x}\n  a: {group}\n  b: {b}\n  c: {c}\n  last: {d}\n");
    let found = failures(&apart, &[], "{expect: {jobs: {x: success, a: runs, b: success, last: runs}}}");
    let why =
        "depends: depends on who meets whom in the concurrency group `g`, which is a matter of how long jobs take";
    assert_eq!(found, format!("jobs.a: {why}\njobs.b: {why}\njobs.last: depends: depends on job `b`"));
    let chain = format!("on: push\njobs:\n  a: {group}\n  b: {}\n  last: {d}\n", late("a"));
    passes(&chain, "{expect: {jobs: {a: success, b: success, last: success}}}");
    let nameless = "on: push\nconcurrency: '${{ vars.EMPTY }}'\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n";
    assert_eq!(
        failures(nameless, &[], "{expect: {jobs: {a: success}}}"),
        "jobs.a: cancelled: `concurrency` of the workflow: Concurrency group name cannot be empty"
    );
}

/// Background steps count where they are waited for, as in a run.
#[test]
fn background_steps() {
    let workflow = "
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - {id: bg, run: x, background: true}
      - {id: between, run: x}
      - {id: wait, wait: bg}
      - {id: after, run: x}
      - parallel: [{run: x}, {uses: octo/x@v1}]
";
    passes(workflow, "{expect: {jobs: {a: success}, steps: {a.bg: runs, a.after: runs, a.5: success}}}");
    passes(
        workflow,
        "{force: {a.bg: failure}, expect: {jobs: {a: failure}, steps: {a.between: success, a.wait: failure, a.after: skipped}}}",
    );
}

/// Outputs of a step reach the matrix that is made of them.
#[test]
fn a_matrix_of_what_a_step_puts_out() {
    let workflow = "
on: push
jobs:
  gen: {runs-on: ubuntu-latest, outputs: {m: '${{ steps.g.outputs.m }}'}, steps: [{id: g, run: x}]}
  t:
    needs: gen
    strategy: {matrix: {v: '${{ fromJSON(needs.gen.outputs.m) }}'}}
    runs-on: ubuntu-latest
    steps: [{run: x}, {name: one, if: matrix.v == 1, run: x}]
  c: {needs: gen, strategy: {matrix: {v: '${{ fromJSON(needs.gen.outputs.m) }}'}}, uses: ./.github/workflows/c.yml, with: {v: '${{ matrix.v }}'}}
  last: {needs: c, if: needs.c.outputs.o == 'hi', runs-on: ubuntu-latest, steps: [{run: x}]}
";
    let called = "on: {workflow_call: {inputs: {v: {type: string}}, outputs: {o: {value: '${{ jobs.i.outputs.o }}'}}}}\n\
                  jobs:\n  i: {if: inputs.v == '2', runs-on: x, outputs: {o: '${{ steps.s.outputs.o }}'}, steps: [{id: s, run: x}]}\n";
    let more = [(".github/workflows/c.yml", called)];
    let failures = |case: &str| failures(workflow, &more, case);
    for outputs in ["gen.g", "gen"] {
        let given = format!("outputs: {{{outputs}: {{m: '[1,2]'}}}}");
        let expect = "jobs: {t: runs, t (1): success, t (2): runs, c (1) / i: skipped, c (2) / i: success}, \
                      steps: {t (1).one: runs, t (2).one: skipped}";
        assert_eq!(failures(&format!("{{{given}, expect: {{{expect}}}}}")), "");
        let found = failures(&format!("{{{given}, expect: {{jobs: {{t (3): runs, last: skipped}}}}}}"));
        assert!(found.contains("its jobs are: `t (1)`, `t (2)`"), "{found}");
        assert!(found.contains("jobs.last: depends: depends on needs.c.outputs.o"), "{found}");
    }
    let found = failures("{expect: {jobs: {t: runs, c (1) / i: runs}}}");
    assert!(found.contains("jobs.t: depends: depends on `needs.gen.outputs.m`: give it under `outputs`"), "{found}");
    assert_eq!(failures("{outputs: {gen.g: {m: '[2]'}, c / i.s: {o: hi}}, expect: {jobs: {last: runs}}}"), "");
}

/// The group of a called workflow sees its own inputs: what they are made of may be open.
#[test]
fn a_group_of_what_a_call_is_given() {
    let workflow = "
on: push
jobs:
  a: {runs-on: ubuntu-latest, outputs: {g: '${{ steps.s.outputs.g }}'}, steps: [{id: s, run: x}]}
  b: {needs: a, uses: ./.github/workflows/c.yml, with: {g: '${{ needs.a.outputs.g }}'}}
  e: {needs: a, uses: ./.github/workflows/c.yml}
";
    let called = "on: {workflow_call: {inputs: {g: {type: string}}}}\nconcurrency: '${{ inputs.g }}'\n\
                  jobs: {x: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n";
    let more = [(".github/workflows/c.yml", called)];
    assert_eq!(
        failures(workflow, &more, "{expect: {jobs: {b: success, e: success}}}"),
        "jobs.b: depends: depends on needs.a.outputs.g, which the case does not say: give outputs of `a` under \
         `outputs`\n\
         jobs.e: failure: `concurrency` could not be evaluated (line 6): Concurrency group name cannot be empty"
    );
    assert_eq!(failures(workflow, &more, "{outputs: {a.s: {g: h}}, expect: {jobs: {b: success, e: failure}}}"), "");
    assert_eq!(failures(workflow, &more, "{outputs: {a.s: {g: ''}}, expect: {jobs: {b: failure}}}"), "");
}

/// Outputs of a job that calls are those of a case.
#[test]
fn outputs_of_calls() {
    let workflow = "
on: push
jobs:
  ok: {uses: ./.github/workflows/c.yml}
  after: {needs: ok, if: needs.ok.outputs.o == 'v', runs-on: ubuntu-latest, steps: [{run: x}]}
  never: {needs: ok, if: needs.ok.outputs.o != 'v', runs-on: ubuntu-latest, steps: [{run: x}]}
";
    let called = "on: {workflow_call: {outputs: {o: {value: '${{ jobs.i.outputs.o }}'}}}}\n\
                  jobs: {i: {runs-on: x, outputs: {o: '${{ steps.s.outputs.o }}'}, steps: [{id: s, run: x}]}}\n";
    let more = [(".github/workflows/c.yml", called)];
    for outputs in ["ok: {o: v}", "ok / i: {o: v}", "ok / i.s: {o: v}"] {
        let case = format!(
            "{{outputs: {{{outputs}}}, expect: {{jobs: {{after: runs, never: skipped}}, outputs: {{ok: {{o: v}}}}}}}}"
        );
        assert_eq!(failures(workflow, &more, &case), "");
    }
    let found = failures(workflow, &more, "{expect: {jobs: {after: skipped}}}");
    assert!(found.contains("depends on needs.ok.outputs.o"), "{found}");
    let tests = "workflow: .github/workflows/w.yml\ncases: [{outputs: {ok: {oo: v}}, expect: {triggered: true}}]\n";
    let ran = Repo::new(workflow, &[more[0], ("w.wftest.yml", tests)]).wfrun(&["test"]).ends_with(2);
    assert!(ran.stderr.contains("did you mean `o`?"), "{}", ran.stderr);
}
