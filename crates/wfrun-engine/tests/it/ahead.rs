//! Whose environments are asked for ahead of time.
use crate::driver::{Does, World};

#[track_caller]
fn check(jobs: &str, expected: &[&str]) {
    let world = World::new(&format!("on: push\njobs:\n{jobs}")).at_most(2).run();
    assert_eq!(world.ahead, expected);
}

#[test]
fn the_next_of_a_chain_is_made_while_one_runs() {
    check(
        "  a: {runs-on: ubuntu-latest, steps: [{run: a}]}
  b: {needs: a, runs-on: '${{ github.ref_name }}', steps: [{run: b}]}
  c: {needs: b, runs-on: ubuntu-latest, steps: [{run: c}]}
",
        &["b on main", "c on ubuntu-latest"],
    );
}

#[test]
fn legs_that_wait_for_a_place_and_no_more_than_run_at_once() {
    let matrix = "{matrix: {n: [1, 2, 3, 4, 5]}}";
    let expected = ["j (3) on ubuntu-latest", "j (4) on ubuntu-latest", "j (5) on ubuntu-latest"];
    check(&format!("  j: {{strategy: {matrix}, runs-on: ubuntu-latest, steps: [{{run: a}}]}}\n"), &expected);
    let world = World::new(&format!("on: push\njobs: {{j: {{strategy: {matrix}, runs-on: x, steps: [{{run: a}}]}}}}"));
    let world = world.at_most(2).when("a", Does { code: 1, ..Does::default() }).run();
    let expected = ["j (3) on x", "j (4) on x", "no j (3)", "no j (4)"];
    assert_eq!(world.ahead, expected, "the first that fails ends it all");
}

/// What is not known yet, would not run, or does more than to wait when it is made is left to its time.
#[test]
fn others_are_left_to_their_time() {
    for rest in [
        "if: github.ref == 'refs/heads/other', runs-on: ubuntu-latest",
        "if: needs.a.outputs.x == 'y', runs-on: ubuntu-latest",
        "if: failure(), runs-on: ubuntu-latest",
        "runs-on: '${{ fromJSON(needs.a.outputs.x) }}'",
        "runs-on: windows-latest",
        "strategy: {matrix: {n: [1]}}, runs-on: ubuntu-latest",
    ] {
        let a = "  a: {runs-on: ubuntu-latest, outputs: {x: '[\"z\"]'}, steps: [{run: a}]}\n";
        check(&format!("{a}  b: {{needs: a, {rest}, steps: [{{run: b}}]}}\n"), &[]);
    }
}

#[test]
fn of_a_job_with_containers_the_network_is_made() {
    for containers in ["container: alpine", "services: {db: {image: pg}}"] {
        let b = format!("  b: {{needs: a, {containers}, runs-on: ubuntu-latest, steps: [{{run: b}}]}}\n");
        check(
            &format!("  a: {{runs-on: ubuntu-latest, steps: [{{run: a}}]}}\n{b}"),
            &["network of b on ubuntu-latest"],
        );
    }
}

/// A job that needs several waits for the last of them to begin.
#[test]
fn all_needs_have_begun() {
    check(
        "  a: {runs-on: ubuntu-latest, steps: [{run: a}]}
  b: {needs: a, runs-on: ubuntu-latest, steps: [{run: b}]}
  c: {needs: [a, b], if: always(), runs-on: ubuntu-latest, steps: [{run: c}]}
",
        &["b on ubuntu-latest", "c on ubuntu-latest"],
    );
}

/// Where an environment is there at once.
#[test]
fn nothing_is_made_ahead_where_that_gains_nothing() {
    let chain = "on: push
jobs:
  a: {runs-on: ubuntu-latest, steps: [{run: a}]}
  b: {needs: a, runs-on: ubuntu-latest, steps: [{run: b}]}
";
    assert_eq!(World::new(chain).at_most(2).run().ahead, ["b on ubuntu-latest"]);
    assert_eq!(World::new(chain).at_most(2).without_containers().run().ahead, [] as [&str; 0]);
}
