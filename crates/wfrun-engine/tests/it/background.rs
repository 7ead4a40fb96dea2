//! Steps that run beside others.
//!
//! Source: GitHub: execution rules E1.10.
use insta::assert_snapshot;

use crate::driver::World;

#[test]
fn what_a_background_step_did_is_seen_once_it_is_waited_for() {
    let world = World::steps(
        "[{id: b, background: true, run: slow}, {run: 'before [${{ steps.b.outputs.x }}] [${{ env.E }}]'}, {wait: b}, {run: 'after [${{ steps.b.outputs.x }}] [${{ env.E }}] ${{ steps.b.outcome }}'}]",
    );
    let files = wfrun_engine::StepFiles { output: "x=1\n".to_owned(), env: "E=2\n".to_owned(), ..Default::default() };
    let slow = crate::driver::Does { files, ..Default::default() };
    let world = world.when("slow", slow).run();
    assert_snapshot!(world.story());
    assert_eq!(world.scripts(), ["slow", "before [] []", "after [1] [2] success"]);
}

#[test]
fn a_failure_counts_where_it_is_waited_for() {
    let world = World::steps("[{id: b, background: true, run: bad}, {run: goes on}, {wait: [b]}, {run: never}]");
    assert_snapshot!(world.fails("bad").run().story());
    // Without a step that waits the job waits at its end.
    let world = World::steps("[{background: true, run: bad}, {run: goes on}]").fails("bad").run();
    assert_eq!((world.scripts().len(), world.results()), (2, "j failure: failure".to_owned()));
}

#[test]
fn parallel_steps() {
    let world = World::steps("[{parallel: [{id: a, run: p1}, {run: p2}]}, {run: 'then ${{ steps.a.outputs.x }}'}]");
    assert_snapshot!(world.outputs("p1", "x=1\n").run().story());
}

/// What a group's steps use is found, begins early and is named as what the job's own steps use.
#[test]
fn actions_of_a_group() {
    let action = "runs: {using: node20, pre: pre.js, main: main.js, post: post.js}\n";
    let world = World::steps(
        "[{run: 'own ${{ github.action }}'}, {parallel: [{uses: o/a@v1}, {id: b, run: 'in ${{ github.action }}'}]}]",
    );
    let world = world.action("o/a@v1", action).run();
    let files = ["pre.js", "main.js", "post.js"].map(|it| format!("/actions/o/a/v1/{it}"));
    assert_eq!(world.nodes(), files, "{}", world.story());
    assert_eq!(world.scripts(), ["own __run", "in b"]);
    assert_eq!(world.results(), "j success: success");
}

#[test]
fn a_step_that_is_cancelled_is_no_failure() {
    let world =
        World::steps("[{id: server, background: true, run: serve}, {run: test}, {cancel: server}, {run: last}]");
    assert_snapshot!(world.endless("serve").run().story());
}

#[test]
fn all_are_waited_for_before_posts_begin() {
    let post = "runs: {using: node20, main: main.js, post: post.js}\n";
    let world =
        World::steps("[{uses: o/a@v1}, {background: true, run: b1}, {background: true, run: b2}, {wait-all: }]");
    assert_snapshot!(world.action("o/a@v1", post).run().story());
}

#[test]
fn ten_at_once() {
    let steps: Vec<String> = (0..12).map(|it| format!("{{background: true, run: b{it}}}")).collect();
    let world = World::steps(&format!("[{}]", steps.join(", "))).run();
    let (mut now, mut most) = (0_usize, 0);
    for event in &world.journal {
        now += usize::from(matches!(event.kind, wfrun_journal::RunEventKind::StepStarted(_)));
        now -= usize::from(matches!(event.kind, wfrun_journal::RunEventKind::StepFinished(_)));
        most = most.max(now);
    }
    assert_eq!((most, world.scripts().len()), (10, 12));
}

#[test]
fn background_steps_end_with_their_job() {
    let world = World::steps("[{background: true, if: always(), run: serve}, {run: work}, {wait-all: }]");
    let world = world.endless("serve").endless("work").cancelled_in("work").run();
    assert_snapshot!(world.story());
}
