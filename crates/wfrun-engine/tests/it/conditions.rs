//! Which jobs and steps run.
use insta::assert_snapshot;
use wfrun_journal::{Outcome, RunEventKind};

use crate::driver::{Does, World};

const DEPLOY: &str = "
on: push
jobs:
  test: {runs-on: ubuntu-latest, steps: [{run: pytest}]}
  deploy:
    needs: test
    if: github.event_name == 'push' && github.ref == 'refs/heads/main'
    runs-on: ubuntu-latest
    steps: [{run: ship}, {name: good, if: success(), run: tell}, {name: bad, if: failure(), run: cry}]
";

#[test]
fn the_whole_way() {
    assert_snapshot!(World::new(DEPLOY).run().story(), @r"
    test: starts
      main Run pytest (real)
        success/success
    test: success
    deploy: starts
      main Run ship (real)
        success/success
      main good (real)
        success/success
      main bad: skipped because failure() is false
    deploy: success
    success
    ");
}

#[test]
fn a_false_condition_names_its_operand() {
    assert_snapshot!(World::new(DEPLOY).on("refs/heads/dev").run().story(), @r"
    test: starts
      main Run pytest (real)
        success/success
    test: success
    deploy: skipped because github.ref == 'refs/heads/main' is false
    success
    ");
}

#[test]
fn a_failed_need_is_the_reason() {
    assert_snapshot!(World::new(DEPLOY).fails("pytest").run().story(), @r"
    test: starts
      main Run pytest (real)
        error: Process completed with exit code 1.
        failure/failure
    test: failure
    deploy: skipped because test ended with failure
    failure
    ");
}

#[test]
fn a_failed_step_lets_only_failure_steps_run() {
    assert_snapshot!(World::new(DEPLOY).fails("ship").run().story(), @r"
    test: starts
      main Run pytest (real)
        success/success
    test: success
    deploy: starts
      main Run ship (real)
        error: Process completed with exit code 1.
        failure/failure
      main good: skipped because success() is false
      main bad (real)
        success/success
    deploy: failure
    failure
    ");
}

/// Source: GitHub: planning rules 4.3: `success()` looks at all ancestors.
#[test]
fn skipped_ancestors_count() {
    let workflow = "
on: push
jobs:
  a: {if: false, runs-on: linux, steps: [{run: a}]}
  b: {needs: a, if: always(), runs-on: linux, steps: [{run: b}]}
  c: {needs: b, runs-on: linux, steps: [{run: c}]}
  d: {needs: b, if: '!failure() && !cancelled()', runs-on: linux, steps: [{run: d}]}
";
    assert_snapshot!(World::new(workflow).run().story(), @r"
    a: skipped because false is false
    b: starts
      main Run b (real)
        success/success
    b: success
    c: skipped because a ended with skipped
    d: starts
      main Run d (real)
        success/success
    d: success
    success
    ");
}

#[test]
fn continue_on_error_at_both_levels() {
    let workflow = "
on: push
jobs:
  a:
    runs-on: linux
    continue-on-error: true
    steps: [{id: s, continue-on-error: true, run: one}, {run: 'echo ${{ steps.s.outcome }} ${{ steps.s.conclusion }}'}, {run: two}]
  b: {needs: a, runs-on: linux, steps: [{run: 'echo ${{ needs.a.result }}'}]}
";
    assert_snapshot!(World::new(workflow).fails("one").fails("two").run().story(), @r"
    a: starts
      main Run one (real)
        error: Process completed with exit code 1.
        failure/success
      main Run echo failure success (real)
        success/success
      main Run two (real)
        error: Process completed with exit code 1.
        failure/failure
    a: failure
    b: starts
      main Run echo success (real)
        success/success
    b: success
    success
    ");
}

#[test]
fn a_condition_that_cannot_be_evaluated_fails() {
    let steps = "[{name: s, if: \"fromJSON('{')\", continue-on-error: true, run: a}, {run: b}]";
    assert_snapshot!(World::steps(steps).run().story(), @r"
    j: starts
      main s (real)
        error: Error reading JObject from JsonReader. Path '', line 1, position 1.
        failure/failure
      main Run b: skipped because s failed
    j: failure
    failure
    ");
}

#[test]
fn another_kind_of_machine_is_never_green() {
    let workflow =
        "on: push\njobs: {w: {runs-on: windows-latest, steps: [{run: dir}]}, l: {runs-on: linux, steps: [{run: ls}]}}";
    assert_snapshot!(World::new(workflow).run().story(), @r"
        not run: job w
    w: skipped because of the machine windows-latest
    l: starts
      main Run ls (real)
        success/success
    l: success
    incomplete
    ");
}

#[test]
fn cancellation_ends_steps_and_runs_what_wants_to_run() {
    let steps = "[{run: long}, {name: never, run: next}, {name: clean, if: always(), run: clean}]";
    let endless = Does { endless: true, ..Does::default() };
    assert_snapshot!(World::steps(steps).when("long", endless).cancelled_in("long").run().story(), @r"
    j: starts
      main Run long (real)
        error: The operation was canceled.
        cancelled/cancelled
      main never: skipped because of the cancellation
      main clean (real)
        success/success
    j: cancelled
    cancelled
    ");
}

/// However slow the machine is, and whatever a step does about its signals: what cleans up behind it has its time.
#[test]
fn what_cleans_up_has_its_time_behind_a_step_that_is_slow_to_end() {
    let steps = "[{run: long}, {if: always(), run: cleans}, {if: always(), run: cleans more}]";
    // When SIGKILL ends the step, how long each step behind it takes; what runs, and when the run ends.
    let cases: [(Option<u64>, u64, &[&str], u64); 6] = [
        // It heeds SIGTERM, at 0.8 s.
        (None, 500, &["long", "cleans", "cleans more"], 1_800),
        (None, 900, &["long", "cleans", "cleans more"], 2_100),
        // SIGKILL is at 1.4 s.
        (Some(0), 600, &["long", "cleans", "cleans more"], 2_600),
        (Some(0), 5_000, &["long", "cleans"], 2_700),
        // Behind the deadline.
        (Some(3_000), 600, &["long", "cleans", "cleans more"], 5_600),
        (Some(3_000), 5_000, &["long", "cleans"], 5_700),
    ];
    for (dies_in_ms, takes_ms, scripts, end_ms) in cases {
        let case = format!("{dies_in_ms:?}, {takes_ms}");
        let long = Does { endless: true, dies_in_ms, ..Does::default() };
        let cleans = Does { takes_ms, ..Does::default() };
        let world = World::steps(steps).when("long", long).when("cleans", cleans.clone()).when("cleans more", cleans);
        let world = world.cancelled_in("long").run();
        assert_eq!(world.scripts(), scripts, "{case}");
        let end = world.journal.last().map(|it| it.at_ms).unwrap_or_default();
        assert!((end_ms..end_ms + 20).contains(&end), "{case}: {end}");
    }
}

/// One job's slow step gives another's steps no more time.
#[test]
fn each_job_has_a_deadline_of_its_own() {
    let workflow = "
on: push
jobs:
  a: {runs-on: linux, steps: [{run: long}, {if: always(), run: cleans}]}
  b: {runs-on: linux, steps: [{if: always(), run: runs on}]}
";
    let long = Does { endless: true, dies_in_ms: Some(1_000), ..Does::default() };
    let world = World::new(workflow)
        .when("long", long)
        .endless("runs on")
        .when("cleans", Does { takes_ms: 1_200, ..Does::default() });
    let world = world.cancelled_in("long").run();
    let ends = world.journal.iter().filter_map(|it| {
        let RunEventKind::StepFinished(step) = &it.kind else { return None };
        Some((step.name.to_string(), step.conclusion, it.at_ms / 10 * 10))
    });
    let name = |it: &str| format!("Run {it}");
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [
            (name("runs on"), Outcome::Cancelled, 2_000),
            (name("long"), Outcome::Cancelled, 2_400),
            (name("cleans"), Outcome::Success, 3_600),
        ]
    );
}

#[test]
fn a_step_times_out() {
    let steps = "[{name: slow, timeout-minutes: 2, run: slow}, {if: failure(), run: cry}]";
    let endless = Does { endless: true, ..Does::default() };
    assert_snapshot!(World::steps(steps).when("slow", endless).run().story(), @r"
    j: starts
      main slow (real)
        error: The action 'slow' has timed out after 2 minutes.
        failure/failure
      main Run cry (real)
        success/success
    j: failure
    failure
    ");
}

#[test]
fn a_label_that_asks_for_more_is_declared() {
    let workflow = "on: push\njobs: {j: {runs-on: [self-hosted, gpu], steps: [{run: ls}]}}";
    assert_snapshot!(World::new(workflow).run().story(), @r"
        stand-in: runs-on: gpu
    j: starts
      main Run ls (real)
        success/success
    j: success
    success
    ");
}

#[test]
fn another_processor_is_never_green() {
    let label = if cfg!(target_arch = "aarch64") { "x64" } else { "ubuntu-24.04-arm" };
    let workflow = format!("on: push\njobs: {{j: {{runs-on: [{label}], steps: [{{run: ls}}]}}}}");
    let story = World::new(&workflow).run().story();
    assert!(story.starts_with("    not run: job j\n") && story.ends_with("\nincomplete"), "{story}");
}

/// Source: GitHub: execution rules E1.8 and planning rules 5.2, row 35: a time limit counts as a cancellation.
#[test]
fn a_job_times_out() {
    let workflow = "
on: push
jobs:
  a:
    runs-on: linux
    timeout-minutes: 1
    steps: [{run: forever}, {run: never}, {if: failure(), run: no}, {if: cancelled(), run: clean}]
  b: {needs: a, if: always(), runs-on: linux, steps: [{run: 'a is ${{ needs.a.result }}'}]}
";
    let world = World::new(workflow).endless("forever").run();
    assert_eq!(world.scripts(), ["forever", "clean", "a is cancelled"]);
    let said = "The job running on runner wfrun has exceeded the maximum execution time of 1 minutes.";
    assert!(world.story().contains(said), "{}", world.story());
}

/// Source: GitHub: planning rules 4.6: what runs on after a cancellation has `cancel-timeout-minutes`.
#[test]
fn a_cancelled_job_has_so_long_to_clean_up() {
    let workflow = "
on: push
jobs:
  a:
    runs-on: linux
    timeout-minutes: 1
    cancel-timeout-minutes: 2
    steps: [{run: forever}, {if: always(), run: cleans forever}, {if: always(), run: never}]
";
    let world = World::new(workflow).endless("forever").endless("cleans forever").run();
    assert_eq!((world.scripts().len(), world.results()), (2, "a cancelled: cancelled".to_owned()));
    let end = world.journal.last().map(|it| it.at_ms).unwrap_or_default();
    assert!((180_000..181_000).contains(&end), "{end}");
}
