//! Concurrency groups.
//!
//! Source: GitHub: planning rules 4.7.
use insta::assert_snapshot;
use wfrun_journal::{JobSkipped, RunEventKind, SkipReason};

use crate::driver::World;

#[test]
fn jobs_of_one_group_go_one_after_another() {
    let workflow = "
on: push
jobs:
  a: {concurrency: g, runs-on: linux, steps: [{run: a}]}
  b: {concurrency: '${{ format(''{0}'', ''G'') }}', runs-on: linux, steps: [{run: b}]}
  c: {concurrency: other, runs-on: linux, steps: [{run: c}]}
";
    let world = World::new(workflow).run();
    assert_eq!(world.results(), "a success, b success, c success: success");
    assert_eq!(world.most_at_once(), 2, "c does not wait");
    assert_snapshot!(world.story());
}

#[test]
fn legs_have_groups_of_their_own() {
    let workflow = "
on: push
jobs:
  a: {strategy: {matrix: {n: [1, 2]}}, concurrency: 'g-${{ matrix.n }}', runs-on: linux, steps: [{run: x}]}
";
    assert_eq!(World::new(workflow).run().most_at_once(), 2);
}

#[test]
fn who_comes_later_may_cancel_who_runs() {
    let workflow = "
on: push
jobs:
  a: {concurrency: g, runs-on: linux, steps: [{run: serve}]}
  b: {concurrency: {group: g, cancel-in-progress: true}, runs-on: linux, steps: [{run: b}]}
";
    assert_snapshot!(World::new(workflow).endless("serve").run().story());
}

#[test]
fn groups_that_wait_for_themselves() {
    let workflow = "
on: push
concurrency: deploy
jobs: {a: {concurrency: Deploy, runs-on: linux, steps: [{run: x}]}}
";
    let world = World::new(workflow).run();
    assert!(world.story().contains("Canceling since a deadlock for concurrency group 'Deploy'"), "{}", world.story());
    assert_eq!(world.results(), "a cancelled: cancelled");
    // Groups are the same in any case, of any letters.
    let workflow = workflow.replace("deploy", "größe").replace("Deploy", "GRÖßE");
    assert_eq!(World::new(&workflow).run().results(), "a cancelled: cancelled");
    let callee = "on: workflow_call\nconcurrency: deploy\njobs: {b: {runs-on: linux, steps: [{run: x}]}}\n";
    let workflow = "on: push\nconcurrency: deploy\njobs: {a: {uses: ./.github/workflows/c.yml}}\n";
    assert_eq!(World::new(workflow).with("c.yml", callee).run().results(), "a cancelled: cancelled");
    let workflow = "on: push\njobs: {a: {uses: ./.github/workflows/c.yml}}\n";
    assert_eq!(World::new(workflow).with("c.yml", callee).run().results(), "a success, a / b success: success");
    // The called workflow's group sees its own inputs.
    let callee = "on: {workflow_call: {inputs: {to: {type: string}}}}\nconcurrency: deploy-${{ inputs.to }}\n\
                  jobs: {b: {runs-on: linux, steps: [{run: x}]}}\n";
    for (to, expected) in [("here", "a cancelled: cancelled"), ("there", "a success, a / b success: success")] {
        let workflow = format!(
            "on: push\nconcurrency: deploy-here\njobs: {{a: {{uses: ./.github/workflows/c.yml, with: {{to: {to}}}}}}}\n"
        );
        assert_eq!(World::new(&workflow).with("c.yml", callee).run().results(), expected, "{to}");
    }
}

#[test]
fn names_that_cannot_be() {
    let result = |group: &str| {
        let workflow =
            format!("on: push\njobs: {{a: {{concurrency: {group}, runs-on: linux, steps: [{{run: x}}]}}}}\n");
        World::new(&workflow).run().story()
    };
    assert!(result("'${{ github.nothing }}'").contains("`concurrency`: Concurrency group name cannot be empty"));
    let long = format!("'${{{{ format(''{{0}}{}'', ''x'') }}}}'", "y".repeat(400));
    assert!(result(&long).contains("must be less than 400 characters"), "{}", result(&long));
    // Of a called workflow's group, the line of the call.
    let callee = "on: {workflow_call: {inputs: {to: {type: string}}}}\n\n\n\nconcurrency: ${{ inputs.to }}\n\
                  jobs: {b: {runs-on: linux, steps: [{run: x}]}}\n";
    let workflow = "on: push\njobs: {a: {uses: ./.github/workflows/c.yml}}\n";
    let world = World::new(workflow).with("c.yml", callee).run();
    assert!(world.story().contains("`concurrency`: Concurrency group name cannot be empty"), "{}", world.story());
    assert_eq!(world.results(), "a failure: failure");
    let line = world.journal.iter().find_map(|it| {
        let RunEventKind::JobSkipped(JobSkipped { reason: SkipReason::Planning { line, .. }, .. }) = &it.kind else {
            return None;
        };
        Some(*line)
    });
    assert_eq!(line, Some(2));
}
