//! Matrices, called workflows and background steps, run for real.
use serde_json::{Value as Json, json};

use crate::repo::Repo;

const WORKFLOW: &str = r#"on: push
jobs:
  list:
    runs-on: ubuntu-latest
    outputs: {all: '${{ steps.l.outputs.all }}'}
    steps: [{id: l, run: 'echo "all=[\"a\",\"b\"]" >> $GITHUB_OUTPUT'}]
  each:
    needs: list
    strategy: {max-parallel: 1, matrix: {part: '${{ fromJSON(needs.list.outputs.all) }}'}}
    runs-on: ubuntu-latest
    outputs: {last: '${{ steps.x.outputs.last }}'}
    steps:
      - {id: x, run: 'echo last=${{ matrix.part }} >> $GITHUB_OUTPUT'}
      - {if: matrix.part == 'b', run: test "$GITHUB_JOB" = each}
  call:
    needs: each
    uses: ./.github/workflows/called.yml
    with: {who: '${{ needs.each.outputs.last }}'}
    secrets: inherit
  after: {needs: call, runs-on: ubuntu-latest, steps: [{run: 'test "${{ needs.call.outputs.said }}" = "hello b from 8"'}]}
"#;

const CALLED: &str = r#"on: {workflow_call: {inputs: {who: {type: string}}, outputs: {said: {value: '${{ jobs.say.outputs.said }}'}}}}
jobs:
  say:
    runs-on: ubuntu-latest
    outputs: {said: '${{ steps.s.outputs.said }}'}
    steps: [{id: s, env: {S: '${{ secrets.S }}'}, run: 'echo "said=hello ${{ inputs.who }} from ${#S}" >> $GITHUB_OUTPUT'}]
"#;

fn repo() -> Repo {
    Repo::new(WORKFLOW, &[(".github/workflows/called.yml", CALLED)])
}

/// The events of a type.
fn of_type(stdout: &str, name: &str) -> Vec<Json> {
    let events = stdout.lines().map(|it| serde_json::from_str::<Json>(it).expect("JSON"));
    events.filter(|it| it["type"] == name).collect()
}

#[test]
fn a_matrix_that_a_job_puts_out_and_a_workflow_that_is_called() {
    let options = ["w.yml", "--backend", "host", "--json", "--secret", "S=12345678", "--expect", "each=success"];
    let ran = repo().wfrun(&[&options[..], &["--expect", "call / say=success"]].concat()).ends_with(0);
    let finished = of_type(&ran.stdout, "run-finished");
    let keys = ["list", "each (a)", "each (b)", "call", "call / say", "after"];
    let results: serde_json::Map<_, _> = keys.iter().map(|it| ((*it).to_owned(), json!("success"))).collect();
    assert_eq!(finished[0]["jobs"], Json::Object(results));
    let started = of_type(&ran.stdout, "job-started");
    let matrices: Vec<&Json> = started.iter().filter(|it| it["id"] == "each").map(|it| &it["matrix"]).collect();
    assert_eq!(matrices, [&json!({"part": "a"}), &json!({"part": "b"})]);
    let expanded = &of_type(&ran.stdout, "matrix-expanded")[0];
    assert_eq!((&expanded["job"], expanded["legs"].as_array().map(Vec::len)), (&json!("each"), Some(2)));
    let called = &of_type(&ran.stdout, "workflow-called")[0];
    assert_eq!(called["workflow"], ".github/workflows/called.yml");
}

#[test]
fn what_is_asked_for() {
    let results = |options: &[&str]| {
        let all = [&["w.yml", "--backend", "host", "--json", "--secret", "S=12345678"], options].concat();
        let ran = repo().wfrun(&all);
        let jobs = of_type(&ran.stdout, "run-finished")[0]["jobs"].clone();
        let ran = jobs.as_object().expect("jobs").iter().filter(|(_, it)| *it == "success");
        ran.map(|(key, _)| key.clone()).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(results(&["--job", "each", "--matrix", "part:B"]), "list, each (b)");
    assert_eq!(results(&["--job", "call / say", "--no-needs"]), "call, call / say");
    assert_eq!(results(&["--job", "list"]), "list");
    let options = ["w.yml", "--backend", "host", "--job", "each", "--matrix", "part:z"];
    let ran = repo().wfrun(&options).ends_with(5);
    assert!(ran.stdout.contains("no leg of its matrix has the values that were chosen"), "{}", ran.stdout);
    let ran = repo().wfrun(&["w.yml", "--backend", "host", "--job", "call / sya"]).ends_with(2);
    assert!(ran.stderr.contains("the workflow has no job `call / sya`"), "{}", ran.stderr);
}

#[test]
fn forced_steps_do_not_run_and_are_declared() {
    let options = ["w.yml", "--backend", "host", "--json", "--force", "each (b).x=failure", "--expect", "each=failure"];
    let ran = repo().wfrun(&options).ends_with(0);
    let started = of_type(&ran.stdout, "step-started");
    let forced = started.iter().find(|it| it["job"] == "each (b)" && it["id"] == "x").expect("the step");
    assert_eq!(forced["how"], "simulated");
    let declared = of_type(&ran.stdout, "declared");
    assert!(declared.iter().any(|it| it["detail"] == "it did not run: failure was forced"), "{declared:?}");
    let strict =
        ["w.yml", "--backend", "host", "--quiet", "--secret", "S=12345678", "--strict", "--force", "call=success"];
    repo().wfrun(&strict).ends_with(1);
    let ran = repo().wfrun(&["w.yml", "--force", "each.z=failure"]).ends_with(2);
    assert!(ran.stderr.contains("job `each` has no step `z`"), "{}", ran.stderr);
}

#[test]
fn a_called_workflow_that_is_not_here_is_refused_before_anything_runs() {
    let workflow = "on: push\njobs: {call: {uses: octo/tools/.github/workflows/x.yml@v1}}\n";
    let ran = Repo::new(workflow, &[]).wfrun(&["w.yml", "--backend", "host", "--offline"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("--local-repository octo/tools@v1=DIR"), "{}", ran.stderr);
}

#[test]
fn background_steps_run_beside_others() {
    let workflow = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
      - {id: b, background: true, run: 'for i in $(seq 1200); do test -e go && break; sleep 0.05; done; test -e go; echo x=1 >> $GITHUB_OUTPUT'}
      - {run: 'test -z \"${{ steps.b.outputs.x }}\"; touch go'}
      - {wait: b}
      - {run: 'test \"${{ steps.b.outputs.x }}\" = 1'}
      - {parallel: [{run: 'touch p1; for i in $(seq 1200); do test -e p2 && exit 0; sleep 0.05; done; exit 1'}, {run: 'touch p2; for i in $(seq 1200); do test -e p1 && exit 0; sleep 0.05; done; exit 1'}]}
      - {id: s, background: true, run: exec sleep 60}
      - {cancel: s}
";
    Repo::new(workflow, &[]).wfrun(&["w.yml", "--backend", "sandbox"]).ends_with(0);
}

#[test]
fn a_job_that_is_to_succeed_does_not_run() {
    let workflow = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo RAN; exit 1\n";
    let repo = Repo::new(workflow, &[]);
    let ran = repo.wfrun(&["w.yml", "--backend", "host", "--force", "a=success"]).ends_with(0);
    assert!(!ran.stdout.contains("RAN"), "{}", ran.stdout);
    assert!(ran.stdout.contains("it did not run: success was forced"), "{}", ran.stdout);
}
