//! Legs of a matrix: which there are, how they end, what is left of them for others.
use insta::assert_snapshot;
use wfrun_engine::{Forced, ForcedStep};
use wfrun_journal::Outcome;
use wfrun_plan::JobKey;

use crate::driver::World;

/// Source: GitHub: planning rules 4.4 and 4.6; execution rules E10.32.
#[test]
fn legs_run_and_the_last_output_wins() {
    let world = World::new(
        "
on: push
jobs:
  a:
    strategy: {max-parallel: 1, matrix: {n: [1, 2]}}
    runs-on: linux
    outputs: {v: '${{ steps.s.outputs.v }}'}
    steps: [{id: s, run: 'n${{ matrix.n }} of ${{ strategy.job-total }}'}]
  b: {needs: a, runs-on: linux, steps: [{run: 'got ${{ needs.a.outputs.v }} ${{ needs.a.result }}'}]}
",
    );
    let world = world.outputs("n1 of 2", "v=1\n").outputs("n2 of 2", "v=2\n").run();
    assert_snapshot!(world.story());
}

/// Source: GitHub: planning rules 4.6; execution rules E10.34.
#[test]
fn a_leg_that_fails_cancels_the_others() {
    let workflow = "
on: push
jobs:
  a:
    strategy: {max-parallel: 2, matrix: {n: [1, 2, 3]}}
    runs-on: linux
    steps: [{run: 'n${{ matrix.n }}'}, {if: always(), run: 'clean ${{ matrix.n }}'}]
  b: {needs: a, if: always(), runs-on: linux, steps: [{run: 'a is ${{ needs.a.result }}'}]}
";
    let world = World::new(workflow).fails("n1").endless("n2").run();
    assert_snapshot!(world.story());
}

/// Source: GitHub: planning rules 4.6.
#[test]
fn what_does_not_fail_fast() {
    let of = |strategy: &str, job: &str| {
        let workflow = format!(
            "
on: push
jobs:
  a:
    strategy: {{{strategy}matrix: {{n: [1, 2]}}}}
    {job}runs-on: linux
    steps: [{{run: 'n${{{{ matrix.n }}}}'}}]
  b: {{needs: a, if: always(), runs-on: linux, steps: [{{run: 'a is ${{{{ needs.a.result }}}}'}}]}}
"
        );
        let world = World::new(&workflow).fails("n1").run();
        let results = world.results();
        format!("{results}; {}", world.scripts().last().cloned().unwrap_or_default())
    };
    assert_eq!(
        of("fail-fast: false, ", ""),
        "a (1) failure, a (2) success, b success: failure; a is failure",
        "switched off"
    );
    assert_eq!(
        of("", "continue-on-error: '${{ matrix.n == 1 }}'\n    "),
        "a (1) failure, a (2) success, b success: success; a is success",
        "a forgiven leg cancels nothing"
    );
    assert_eq!(
        of("", "continue-on-error: '${{ matrix.n == 2 }}'\n    "),
        "a (1) failure, a (2) cancelled, b success: failure; a is failure",
        "a leg that would be forgiven is cancelled like any other"
    );
}

/// Source: GitHub: planning rules 4.2: a matrix of a need's outputs.
#[test]
fn a_matrix_that_a_job_puts_out() {
    let workflow = "
on: push
jobs:
  list: {runs-on: linux, outputs: {all: '${{ steps.l.outputs.all }}'}, steps: [{id: l, run: list}]}
  each:
    needs: list
    strategy: {matrix: {part: '${{ fromJSON(needs.list.outputs.all) }}'}}
    runs-on: linux
    steps: [{run: 'do ${{ matrix.part }}'}]
  last: {needs: each, runs-on: linux, steps: [{run: end}]}
";
    let world = World::new(workflow).outputs("list", "all=[\"web\",\"api\"]\n").run();
    assert_eq!(
        world.results(),
        "list success, each (web) success, each (api) success, last success: success",
        "legs of an output"
    );
    let world = World::new(workflow).outputs("list", "all=[]\n").run();
    assert_snapshot!(world.story());
}

/// Source: GitHub: planning rules 4.2: the condition comes before the matrix.
#[test]
fn a_skipped_job_has_no_legs() {
    let workflow = "
on: push
jobs: {a: {if: false, strategy: {matrix: {n: [1, 2]}}, runs-on: linux, steps: [{run: ls}]}}
";
    assert_eq!(World::new(workflow).run().results(), "a skipped: skipped");
}

#[test]
fn at_most_so_many_at_once() {
    let workflow = |most: &str| {
        format!(
            "
on: push
jobs:
  a: {{strategy: {{{most}matrix: {{n: [1, 2, 3, 4]}}}}, runs-on: linux, steps: [{{run: 'n${{{{ matrix.n }}}}'}}]}}
"
        )
    };
    assert_eq!(World::new(&workflow("")).run().most_at_once(), 4);
    assert_eq!(World::new(&workflow("max-parallel: 2, ")).run().most_at_once(), 2);
    assert_eq!(World::new(&workflow("max-parallel: 0, ")).run().most_at_once(), 4);
    assert_eq!(World::new(&workflow("")).at_most(3).run().most_at_once(), 3);
}

#[test]
fn what_is_forced_does_not_run() {
    let workflow = "
on: push
jobs:
  a:
    runs-on: linux
    outputs: {x: '${{ steps.s.outputs.x }}'}
    steps: [{id: s, run: one}, {run: two}, {if: failure(), run: three}]
  b: {needs: a, if: always(), runs-on: linux, steps: [{run: 'x=${{ needs.a.outputs.x }}'}]}
  c: {needs: b, if: always(), runs-on: linux, steps: [{run: four}]}
  d: {needs: c, if: always(), runs-on: linux, steps: [{run: 'c is ${{ needs.c.result }}'}]}
";
    let step = |index, outcome, output: &str| ForcedStep {
        job: JobKey::new("A"),
        index,
        outcome,
        outputs: [("x".to_owned(), output.to_owned())].into(),
    };
    let forced = Forced {
        jobs: vec![(JobKey::new("c"), Outcome::Failure)],
        job_outputs: Vec::new(),
        steps: vec![step(0, Outcome::Success, "7"), step(1, Outcome::Failure, "")],
    };
    assert_snapshot!(World::new(workflow).forced(forced).run().story());
}
