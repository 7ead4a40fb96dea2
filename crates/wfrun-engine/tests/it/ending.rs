//! What steps leave behind: outputs, environment, state, post steps.
use insta::assert_snapshot;
use wfrun_engine::StepFiles;

use crate::driver::{Does, World};

fn files(files: StepFiles) -> Does {
    Does { files, ..Does::default() }
}

#[test]
fn outputs_reach_steps_and_jobs() {
    let workflow = "
on: push
jobs:
  a:
    runs-on: linux
    outputs: {image: '${{ steps.build.outputs.image }}', none: '${{ steps.build.outputs.none }}'}
    steps: [{id: build, run: build}, {run: 'echo ${{ steps.build.outputs.image }}'}]
  b: {needs: a, runs-on: linux, steps: [{run: 'echo ${{ needs.a.outputs.image }} ${{ toJSON(needs.a.outputs) }}'}]}
";
    assert_snapshot!(World::new(workflow).outputs("build", "image=web:1\n").run().story(), @r"
    a: starts
      main Run build (real)
        success/success image=web:1
      main Run echo web:1 (real)
        success/success
    a: success image=web:1
    b: starts
      main Run echo web:1 { (real)
        success/success
    b: success
    success
    ");
}

/// Source: GitHub: execution rules E1.9.
#[test]
fn outputs_with_secrets_are_dropped() {
    let workflow = "
on: push
jobs: {a: {runs-on: linux, outputs: {o: '${{ steps.s.outputs.o }}'}, steps: [{id: s, run: s}]}}
";
    let world = World::new(workflow).secret("TOKEN", "hunter2").outputs("s", "o=is hunter2\n");
    assert_snapshot!(world.run().story(), @r"
    a: starts
      main Run s (real)
        success/success o=is ***
        warning: Skip output 'o' since it may contain secret.
    a: success
    success
    ");
}

#[test]
fn environment_and_path_hold_for_later_steps() {
    let left = StepFiles { env: "A=1\nB=from file\n".to_owned(), path: "/x\n/y\n".to_owned(), ..StepFiles::default() };
    let steps = "[{run: first}, {env: {B: own}, run: second}]";
    let world = World::steps(steps).when("first", files(left)).run();
    let env = &world.launched[1].env;
    let shown: Vec<_> = ["A", "B", "PATH", "CI", "GITHUB_ACTIONS", "GITHUB_REF_NAME", "RUNNER_OS", "HOME", "LANG"]
        .iter()
        .map(|it| format!("{it}={}", env.get(*it).map_or("(unset)", String::as_str)))
        .collect();
    assert_snapshot!(shown.join("\n"), @r"
    A=1
    B=own
    PATH=/y:/x:/usr/bin:/bin
    CI=true
    GITHUB_ACTIONS=true
    GITHUB_REF_NAME=main
    RUNNER_OS=Linux
    HOME=/home/runner
    LANG=C.UTF-8
    ");
}

#[test]
fn malformed_files_fail_the_step_and_keep_what_stood_before() {
    let steps =
        "[{id: a, continue-on-error: true, run: a}, {run: 'echo ${{ steps.a.outcome }} ${{ steps.a.outputs.x }}'}]";
    assert_snapshot!(World::steps(steps).outputs("a", "x=1\njunk\n").run().story(), @r"
    j: starts
      main Run a (real)
        error: Unable to process file command 'output' successfully.
        error: Invalid format 'junk'
        failure/success x=1
      main Run echo failure 1 (real)
        success/success
    j: success
    success
    ");
}

#[test]
fn actions_get_inputs_and_run_their_post_part_last() {
    let steps = "[{uses: octo/a@v1, with: {greeting: hi, odd: 1}}, {uses: octo/b@v2}, {run: last}]";
    let saved = StepFiles { state: "KEY=kept\n".to_owned(), ..StepFiles::default() };
    let world = World::steps(steps).when("main octo/a@v1", files(saved)).run();
    assert_snapshot!(world.story(), @r"
    j: starts
      main Run octo/a@v1 (stand-in)
        warning: Unexpected input(s) 'odd', valid inputs are ['greeting', 'token']
        stand-in: octo/a@v1
        success/success
      main Run octo/b@v2 (stand-in)
        stand-in: octo/b@v2
        success/success
      main Run last (real)
        success/success
      post Post Run octo/b@v2 (stand-in)
        | Post job cleanup.
        success/success
      post Post Run octo/a@v1 (stand-in)
        | Post job cleanup.
        success/success
    j: success
    success
    ");
    let main = &world.launched[0].env;
    let post = &world.launched[4].env;
    assert_eq!(main.get("INPUT_GREETING").map(String::as_str), Some("hi"));
    assert_eq!(world.launched[1].env.get("INPUT_GREETING").map(String::as_str), Some("hello"));
    assert_eq!(main.get("INPUT_TOKEN").map(String::as_str), Some("ghs_token"));
    assert_eq!(main.get("ACTIONS_RUNTIME_TOKEN").map(String::as_str), Some("runtime-token"));
    assert_eq!(world.launched[2].env.get("ACTIONS_RUNTIME_TOKEN"), None, "run steps do not get it");
    assert_eq!(post.get("STATE_KEY").map(String::as_str), Some("kept"));
    assert_eq!(world.launched[3].env.get("STATE_KEY"), None, "another step's state");
}

/// Source: GitHub: execution rules E1.7: `post-if: success()` is asked when its turn comes.
#[test]
fn a_post_condition_is_asked_late() {
    assert_snapshot!(World::steps("[{uses: octo/a@v1}, {run: bad}]").fails("bad").run().story(), @r"
    j: starts
      main Run octo/a@v1 (stand-in)
        stand-in: octo/a@v1
        success/success
      main Run bad (real)
        error: Process completed with exit code 1.
        failure/failure
      post Post Run octo/a@v1: skipped because success() is false
    j: failure
    failure
    ");
}

#[test]
fn strict_makes_stand_ins_incomplete() {
    assert_snapshot!(World::steps("[{uses: octo/a@v1}]").strict().run().story(), @r"
    j: starts
      main Run octo/a@v1 (stand-in)
        stand-in: octo/a@v1
        success/success
      post Post Run octo/a@v1 (stand-in)
        | Post job cleanup.
        success/success
    j: success
    incomplete
    ");
}

#[test]
fn files_are_hashed_when_the_expression_needs_them() {
    let steps = "[{uses: octo/a@v1, with: {greeting: \"k-${{ hashFiles('**/x', 'y') }}\"}}, {if: hashFiles('z') != '', run: a}]";
    let world = World::steps(steps).run();
    assert_eq!(world.launched[0].env.get("INPUT_GREETING").map(String::as_str), Some("k-hash of **/x y"));
    assert_eq!(world.launched.len(), 3);
}
