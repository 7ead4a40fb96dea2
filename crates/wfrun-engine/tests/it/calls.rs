//! Workflows that jobs call.
use indexmap::IndexMap;
use insta::assert_snapshot;
use wfrun_engine::Forced;
use wfrun_plan::JobKey;

use crate::driver::World;

const CALLEE: &str = "
on:
  workflow_call:
    inputs: {who: {type: string, required: true}, times: {type: number, default: 2}, loud: {type: boolean}}
    secrets: {TOKEN: {required: false}}
    outputs: {said: {value: '${{ jobs.say.outputs.said }}'}, all: {value: '${{ jobs.say.result }}'}}
env: {OF: callee}
jobs:
  say:
    runs-on: linux
    outputs: {said: '${{ steps.s.outputs.said }}'}
    steps:
      - id: s
        run: 'say ${{ inputs.who }} ${{ inputs.times }} ${{ inputs.loud }} ${{ github.event_name }} [${{ secrets.TOKEN }}] [${{ env.CALLER }}]'
  after: {needs: say, runs-on: linux, steps: [{run: after}]}
";

/// Source: GitHub: planning rules 2.7 and 4.9.
#[test]
fn a_called_workflow_runs_and_puts_out() {
    let workflow = "
on: push
env: {CALLER: env}
jobs:
  call:
    uses: ./.github/workflows/callee.yml
    with: {who: '${{ github.actor }}', loud: true}
  b: {needs: call, runs-on: linux, steps: [{run: 'got ${{ needs.call.outputs.said }} ${{ needs.call.outputs.all }}'}]}
";
    let world = World::new(workflow).with("callee.yml", CALLEE);
    let world = world.outputs("say octocat 2 true push [] []", "said=hi\n").run();
    assert_snapshot!(world.story());
}

/// Source: GitHub: planning rules 2.7: what is not passed is not there, and what is empty is not passed.
#[test]
fn secrets_are_passed_by_name_or_all() {
    let said = |secrets: &str| {
        let workflow = format!(
            "
on: push
jobs: {{call: {{uses: ./.github/workflows/callee.yml, with: {{who: x}}, secrets: {secrets}}}}}
"
        );
        let world =
            World::new(&workflow).with("callee.yml", CALLEE).secret("TOKEN", "s3cret-1").secret("OTHER", "s3cret-2");
        let world = world.run();
        let shown = world.story();
        assert!(!shown.contains("s3cret"), "{shown}");
        world.scripts().first().cloned().unwrap_or_default()
    };
    assert_eq!(said("inherit"), "say x 2 false push [s3cret-1] []");
    assert_eq!(said("{TOKEN: '${{ secrets.OTHER }}'}"), "say x 2 false push [s3cret-2] []");
    // Also one that was none before it was passed.
    assert_eq!(said("{TOKEN: s3cret-3}"), "say x 2 false push [s3cret-3] []");
    assert_eq!(said("{}"), "say x 2 false push [] []");
    assert_eq!(said("{TOKEN: '${{ secrets.NONE }}'}"), "say x 2 false push [] []");
}

/// Source: GitHub: planning rules 4.6 and 4.9: a matrix of whole workflows.
#[test]
fn a_matrix_of_calls_fails_fast() {
    let workflow = "
on: push
jobs:
  call:
    strategy: {max-parallel: 1, matrix: {who: [a, b]}}
    uses: ./.github/workflows/callee.yml
    with: {who: '${{ matrix.who }}'}
  b: {needs: call, if: failure(), runs-on: linux, steps: [{run: notice}]}
";
    let world = World::new(workflow).with("callee.yml", CALLEE).fails("say a 2 false push [] []").run();
    assert_snapshot!(world.story());
}

/// Source: GitHub: planning rules 4.9: calls nest.
#[test]
fn calls_nest() {
    let middle = "
on: workflow_call
jobs: {inner: {uses: ./.github/workflows/callee.yml, with: {who: deep}}}
";
    let workflow = "on: push\njobs: {outer: {uses: ./.github/workflows/middle.yml}}\n";
    let world = World::new(workflow).with("middle.yml", middle).with("callee.yml", CALLEE).run();
    assert_eq!(
        world.results(),
        "outer success, outer / inner success, outer / inner / say success, outer / inner / after success: success"
    );
}

/// Source: GitHub: planning rules 2.7: a value of an expression is checked when it is known.
#[test]
fn an_input_of_another_type_fails_the_call() {
    let workflow = "
on: push
jobs:
  call: {uses: ./.github/workflows/callee.yml, with: {who: x, loud: '${{ github.actor }}'}}
  b: {needs: call, if: always(), runs-on: linux, steps: [{run: 'call is ${{ needs.call.result }}'}]}
";
    assert_snapshot!(World::new(workflow).with("callee.yml", CALLEE).run().story());
}

#[test]
fn a_cancelled_run_starts_nothing_further_in_a_call() {
    let workflow = "
on: push
jobs:
  call: {uses: ./.github/workflows/callee.yml, with: {who: x}}
  b: {needs: call, runs-on: linux, steps: [{run: b}]}
";
    let world = World::new(workflow).with("callee.yml", CALLEE).cancelled_in("say x 2 false push [] []").run();
    assert_eq!(world.results(), "call cancelled, call / say cancelled, call / after cancelled, b cancelled: cancelled");
}

#[test]
fn outputs_of_a_call_can_be_forced() {
    let workflow = "
on: push
jobs:
  call: {uses: ./.github/workflows/c.yml}
  b: {needs: call, if: \"needs.call.outputs.o == 'v'\", runs-on: linux, steps: [{run: b}]}
";
    let forced = || Forced {
        job_outputs: vec![(JobKey::new("call"), IndexMap::from([("o".to_owned(), "v".to_owned())]))],
        ..Forced::default()
    };
    let results = |job: &str| {
        let callee = format!(
            "on: {{workflow_call: {{outputs: {{o: {{value: '${{{{ jobs.a.outputs.o }}}}'}}}}}}}}\njobs: {{a: {{{job}runs-on: linux, steps: [{{run: x}}]}}}}\n"
        );
        World::new(workflow).with("c.yml", &callee).forced(forced()).run().results()
    };
    assert_eq!(results(""), "call success, call / a success, b success: success");
    // What does not run puts out nothing.
    assert_eq!(results("if: false, "), "call skipped, call / a skipped, b skipped: skipped");
}

#[test]
fn an_output_of_a_call_that_cannot_be_evaluated_fails_it() {
    let callee = "on: {workflow_call: {outputs: {o: {value: '${{ fromJSON(github.ref) }}'}}}}\njobs: {a: {runs-on: linux, steps: [{run: x}]}}\n";
    let workflow = "on: push\njobs: {call: {uses: ./.github/workflows/c.yml}}\n";
    let world = World::new(workflow).with("c.yml", callee).run();
    assert_eq!(world.results(), "call failure, call / a success: failure");
}
