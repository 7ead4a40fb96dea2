//! What is known of steps before a run, leg by leg.
use std::sync::Arc;

use wfrun_plan::{JobOutlook, Outlook, Prospect, outlook};

use crate::outlook::{set, world};

fn look(job: &str) -> Outlook {
    let root =
        format!("on: push\njobs:\n  first: {{runs-on: x, steps: [{{run: x}}]}}\n  test:\n    needs: first\n{job}");
    outlook(&set(&[("w.yml", &root)]), &world("push", "refs/heads/main")).expect("a plan")
}

fn test(found: &Outlook) -> &JobOutlook {
    found.job("test").expect("the job")
}

/// `runs`, `skipped` or `depends`, of each leg's last step.
fn last(job: &JobOutlook) -> Vec<Prospect> {
    job.legs.iter().filter_map(|it| it.steps.last()).map(|it| it.verdict).collect()
}

#[test]
fn each_leg_has_its_own_steps_where_they_can_see_the_matrix() {
    use Prospect::{Depends, Runs, Skipped};
    for (env, step, expected, shared) in [
        ("{}", "{if: matrix.os == 'a', run: x}", [Runs, Skipped], false),
        ("{}", "{if: strategy.job-index == 1, run: x}", [Skipped, Runs], false),
        ("{}", "{if: \"matrix['os'] == 'a' || steps.x.outputs.y\", run: x}", [Runs, Depends], false),
        ("{}", "{if: toJSON(matrix) == '', run: x}", [Skipped, Skipped], false),
        ("{OS: '${{ matrix.os }}'}", "{if: env.OS == 'a', run: x}", [Runs, Skipped], false),
        ("{}", "{env: {OS: '${{ matrix.os }}'}, if: env.OS == 'a', run: x}", [Runs, Skipped], false),
        ("{}", "{name: 'on ${{ matrix.os }}', run: x}", [Runs, Runs], false),
        ("{}", "{run: 'echo ${{ matrix.os }}'}", [Runs, Runs], false),
        ("{}", "{name: named, run: 'echo ${{ matrix.os }}'}", [Runs, Runs], true),
        ("{OS: '${{ github.ref }}'}", "{if: env.OS == 'a', run: x}", [Skipped, Skipped], true),
        ("{}", "{if: github.ref == 'no', uses: a/b@v1, with: {os: '${{ matrix.os }}'}}", [Skipped, Skipped], true),
    ] {
        let found = look(&format!(
            "    strategy: {{matrix: {{os: [a, b]}}}}\n    env: {env}\n    runs-on: x\n    steps:\n      - {{run: x}}\n      - {step}\n"
        ));
        let job = test(&found);
        assert_eq!(last(job), expected, "{env} {step}");
        assert_eq!(Arc::ptr_eq(&job.legs[0].steps, &job.legs[1].steps), shared, "{env} {step}");
    }
}

#[test]
fn names_are_of_the_leg() {
    let found = look(
        "    strategy: {matrix: {os: [a, b]}}\n    runs-on: x\n    steps: [{name: 'on ${{ matrix.os }}', run: x}]\n",
    );
    let names: Vec<&str> = test(&found).legs.iter().map(|it| it.steps[0].name.as_str()).collect();
    assert_eq!(names, ["on a", "on b"]);
    assert_eq!(test(&found).leg("TEST (b)").map(|it| it.steps[0].name.as_str()), Some("on b"));
    assert_eq!(test(&found).steps()[0].name, "on a");
}

/// A matrix that only the run can tell leaves open what its steps make of it.
#[test]
fn steps_of_a_deferred_matrix_depend_on_it() {
    let found = look(
        "    strategy: {matrix: '${{ fromJSON(needs.first.outputs.m) }}'}\n    runs-on: x\n    steps: [{run: x}, {if: matrix.os == 'a', run: x}]\n",
    );
    assert_eq!(last(test(&found)), [Prospect::Depends]);
}
