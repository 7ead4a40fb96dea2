//! Keys of a job that cannot be evaluated fail it, and who needs it sees that.
//!
//! Source: GitHub: planning rules 4.2.
use crate::driver::World;

/// The job `j` with these keys, one that says how that went, and one that needs it.
fn world(keys: &str) -> World {
    World::new(&format!(
        "on: push\njobs:\n  j:\n    runs-on: linux\n{keys}    steps: [{{run: x}}]\n  \
         tell: {{needs: j, if: failure(), runs-on: linux, steps: [{{run: tell}}]}}\n"
    ))
}

const THROWS: &str = "${{ fromJSON(github.job) }}";

#[test]
fn what_cannot_be_evaluated_fails_the_job() {
    for (key, keys) in [
        ("name", format!("name: {THROWS}")),
        ("name", format!("name: a job {THROWS}")),
        ("concurrency", format!("concurrency: {THROWS}")),
        ("concurrency", format!("concurrency: {{group: g, cancel-in-progress: '{THROWS}'}}")),
        ("environment", format!("environment: {THROWS}")),
        ("environment", format!("environment: {{name: '{THROWS}', url: x}}")),
        ("environment", format!("environment: {{name: x, deployment: '{THROWS}'}}")),
        ("timeout-minutes", format!("timeout-minutes: {THROWS}")),
        ("cancel-timeout-minutes", format!("cancel-timeout-minutes: {THROWS}")),
        ("continue-on-error", format!("continue-on-error: {THROWS}")),
        ("container", format!("container: {THROWS}")),
        ("services", format!("services: {{db: {{image: '{THROWS}'}}}}")),
        ("strategy", format!("strategy: {{matrix: {{v: '{THROWS}'}}}}")),
    ] {
        let world = world(&format!("    {keys}\n")).run();
        let expected = format!("Error when evaluating '{key}' for job 'j'");
        assert!(world.story().contains(&expected), "{keys}: {}", world.story());
        assert_eq!(world.results(), "j failure, tell success: failure", "{keys}");
        assert_eq!(world.scripts(), ["tell"], "{keys}");
    }
    let runs_on = "on: push\njobs: {j: {runs-on: '${{ fromJSON(github.job) }}', steps: [{run: x}]}}\n";
    assert_eq!(World::new(runs_on).run().results(), "j failure: failure");
    let group = "on: push\njobs: {j: {runs-on: {group: '${{ fromJSON(github.job) }}'}, steps: [{run: x}]}}\n";
    assert_eq!(World::new(group).run().results(), "j failure: failure");
    let call = "on: push\njobs: {j: {name: '${{ fromJSON(github.job) }}', uses: ./.github/workflows/c.yml}}\n";
    let callee = "on: workflow_call\njobs: {b: {runs-on: linux, steps: [{run: x}]}}\n";
    assert_eq!(World::new(call).with("c.yml", callee).run().results(), "j failure: failure");
}

#[test]
fn a_leg_without_a_name_cancels_the_others() {
    let name = "    name: \"${{ matrix.v == 2 && fromJSON('x') || matrix.v }}\"\n";
    let results =
        |more: &str| world(&format!("{name}    strategy: {{{more}matrix: {{v: [1, 2, 3]}}}}\n")).run().results();
    assert_eq!(results(""), "j (1) cancelled, j (2) failure, j (3) cancelled, tell success: failure");
    assert_eq!(results("fail-fast: false, "), "j (1) success, j (2) failure, j (3) success, tell success: failure");
}

/// Source: GitHub: execution rules E1.9 (`FinalizeJob` of actions/runner).
#[test]
fn the_url_of_an_environment_is_evaluated_at_the_end() {
    let url = |url: &str| {
        let workflow = format!(
            "on: push\njobs: {{j: {{runs-on: linux, environment: {{name: x, url: \"{url}\"}}, \
             steps: [{{id: s, run: x}}, {{run: post, if: always()}}]}}}}\n"
        );
        World::new(&workflow).outputs("x", "at=https://x\n").secret("T", "hush").run()
    };
    let world = url("${{ fromJSON(steps.s.outputs.at) }}");
    assert_eq!(world.results(), "j failure: failure");
    assert!(world.story().contains("Failed to evaluate environment url"), "{}", world.story());
    assert_eq!(world.scripts(), ["x", "post"]);
    assert_eq!(url("${{ steps.s.outputs.at }}").results(), "j success: success");
    let world = url("https://${{ format('h{0}', 'ush') }}");
    assert_eq!(world.results(), "j success: success");
    assert!(world.story().contains("Skip setting environment url as environment 'x' may"), "{}", world.story());
}
