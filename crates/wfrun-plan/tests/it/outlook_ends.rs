//! What follows for later steps and jobs if steps end as is stated.
use wfrun_plan::{Outlook, Prospect, StepEnd, outlook};

use crate::outlook::{set, word, world};

fn look(root: &str, files: &[(&str, &str)], ends: &[(&str, usize, &str)]) -> Outlook {
    let root = format!("on: push\njobs:\n{root}");
    let mut world = world("push", "refs/heads/main");
    let end = |(job, index, outcome): &(&str, usize, &str)| StepEnd {
        job: (*job).to_owned(),
        index: *index,
        outcome: (*outcome).to_owned(),
    };
    world.steps = ends.iter().map(end).collect();
    let files: Vec<(&str, &str)> = [("w.yml", root.as_str())].iter().chain(files).copied().collect();
    outlook(&set(&files), &world).expect("a plan")
}

/// Source: GitHub: planning rules 4.3, "Step level", `outcome` and `conclusion`.
#[test]
fn later_steps_see_how_a_step_ends() {
    for (outcome, forgives, condition, expected) in [
        // Nothing is stated: success is assumed, failure is open.
        ("", "", "success()", "runs"),
        ("", "", "failure()", "depends"),
        ("", "", "steps.a.outcome == 'failure'", "depends"),
        ("", "continue-on-error: true, ", "failure()", "skipped"),
        ("failure", "", "success()", "skipped"),
        ("failure", "", "github.ref", "skipped"),
        ("failure", "", "failure()", "runs"),
        ("failure", "", "always()", "runs"),
        ("failure", "", "!cancelled()", "runs"),
        ("failure", "", "cancelled()", "skipped"),
        ("failure", "", "failure() && steps.a.outcome == 'failure'", "runs"),
        ("failure", "", "always() && steps.A.conclusion == 'failure'", "runs"),
        ("failure", "", "always() && job.status == 'failure'", "runs"),
        ("failure", "", "always() && steps.a.outputs.x", "depends"),
        // Forgiven, or perhaps.
        ("failure", "continue-on-error: true, ", "success()", "runs"),
        ("failure", "continue-on-error: true, ", "failure()", "skipped"),
        ("failure", "continue-on-error: true, ", "steps.a.outcome == 'failure'", "runs"),
        ("failure", "continue-on-error: true, ", "steps.a.conclusion == 'success'", "runs"),
        ("failure", "continue-on-error: \"${{ github.ref != '' }}\", ", "success()", "runs"),
        ("failure", "continue-on-error: false, ", "failure()", "runs"),
        ("failure", "continue-on-error: \"${{ steps.z.outputs.y == '1' }}\", ", "success()", "depends"),
        ("failure", "continue-on-error: \"${{ steps.z.outputs.y == '1' }}\", ", "failure()", "depends"),
        (
            "failure",
            "continue-on-error: \"${{ steps.z.outputs.y == '1' }}\", ",
            "always() && job.status == 'x'",
            "depends",
        ),
        (
            "failure",
            "continue-on-error: \"${{ steps.z.outputs.y == '1' }}\", ",
            "always() && steps.a.conclusion",
            "depends",
        ),
        ("success", "", "failure()", "skipped"),
        ("success", "", "steps.a.conclusion == 'success'", "runs"),
        ("skipped", "", "failure()", "skipped"),
        ("skipped", "", "steps.a.outcome == 'skipped' && !steps.a.outputs.x", "runs"),
        // What its condition skips does not fail.
        ("failure", "if: github.ref == 'no', ", "success()", "runs"),
        ("failure", "if: github.ref == 'no', ", "steps.a.outcome == 'skipped'", "runs"),
        ("", "if: github.ref == 'no', ", "failure()", "skipped"),
        ("", "if: fromJSON('x'), ", "failure()", "runs"),
    ] {
        let ends = [("j", 0, outcome)];
        let ends = if outcome.is_empty() { &[][..] } else { &ends[..] };
        let job =
            format!("  j: {{runs-on: x, steps: [{{id: a, {forgives}run: x}}, {{if: \"{condition}\", run: x}}]}}\n");
        let found = look(&job, &[], ends);
        assert_eq!(word(found.jobs[0].steps()[1].verdict), expected, "{outcome} {forgives}| {condition}");
    }
}

#[test]
fn a_step_without_a_condition_says_why_it_is_skipped() {
    let found = look("  j: {runs-on: x, steps: [{run: x}, {run: x}]}\n", &[], &[("j", 0, "failure")]);
    let last = &found.jobs[0].steps()[1];
    assert_eq!((last.verdict, last.reason.is_some()), (Prospect::Skipped, true));
}

/// Source: GitHub: planning rules 4.3 and 4.6.
#[test]
fn jobs_see_that_a_step_fails() {
    for (own, condition, stated, expected) in [
        ("", "success()", "", "skipped"),
        ("", "failure()", "", "runs"),
        ("", "always() && needs.j.result == 'failure'", "", "runs"),
        ("continue-on-error: true, ", "success()", "", "runs"),
        ("continue-on-error: \"${{ needs.z.outputs.y == '1' }}\", ", "success()", "", "depends"),
        (
            "continue-on-error: \"${{ needs.z.outputs.y == '1' }}\", ",
            "always() && needs.j.result == 'x'",
            "",
            "depends",
        ),
        ("if: github.ref == 'no', ", "always() && needs.j.result == 'skipped'", "", "runs"),
        // What is said of the job counts more.
        ("", "success()", "success", "runs"),
        ("", "always() && needs.j.result == 'cancelled'", "cancelled", "runs"),
    ] {
        let root = format!(
            "on: push\njobs:\n  z: {{runs-on: x, outputs: {{y: x}}, steps: [{{run: x}}]}}\n  j: {{needs: z, {own}runs-on: x, steps: [{{run: x}}, {{run: x}}]}}\n  k: {{needs: j, if: \"{condition}\", runs-on: x, steps: [{{run: x}}]}}\n"
        );
        let mut world = world("push", "refs/heads/main");
        world.steps = vec![StepEnd { job: "J".to_owned(), index: 1, outcome: "failure".to_owned() }];
        if !stated.is_empty() {
            world.results.insert("j".to_owned(), stated.to_owned());
        }
        let found = outlook(&set(&[("w.yml", &root)]), &world).expect("a plan");
        assert_eq!(word(found.jobs[2].verdict), expected, "{own} {condition} {stated}");
    }
}

#[test]
fn one_leg_is_enough() {
    let root = "  test:
    strategy: {matrix: {v: ['1.20', '2']}}
    continue-on-error: ${{ matrix.v == '2' }}
    runs-on: x
    steps: [{run: x}, {if: failure(), run: x}]
  after: {needs: test, runs-on: x, steps: [{run: x}]}
";
    for (job, first, second, after) in [
        ("test", "runs", "runs", "skipped"),
        ("test (1.20)", "runs", "depends", "skipped"),
        ("test (2)", "depends", "runs", "runs"),
    ] {
        let found = look(root, &[], &[(job, 0, "failure")]);
        let of = |key: &str| word(found.job("test").and_then(|it| it.leg(key)).expect("a leg").steps[1].verdict);
        assert_eq!([of("test (1.20)"), of("test (2)")], [first, second], "{job}");
        assert_eq!(word(found.job("after").expect("it").verdict), after, "{job}");
    }
    let mut world = world("push", "refs/heads/main");
    world.results.insert("TEST (2)".to_owned(), "failure".to_owned());
    let found = outlook(&set(&[("w.yml", &format!("on: push\njobs:\n{root}"))]), &world).expect("a plan");
    assert_eq!(word(found.job("after").expect("it").verdict), "skipped", "a leg is stated to count as failed");
}

/// Source: GitHub: planning rules 4.9 (a caller fails if a called job does).
#[test]
fn a_caller_fails_with_what_it_calls() {
    let root = "  call: {strategy: {matrix: {e: [dev, prod]}}, uses: ./.github/workflows/called.yml}
  after: {needs: call, runs-on: x, steps: [{run: x}]}
";
    let called = "on: workflow_call\njobs:\n  one: {runs-on: x, steps: [{run: x}]}\n  two: {needs: one, runs-on: x, steps: [{run: x}]}\n";
    let files = [(".github/workflows/called.yml", called)];
    for (job, dev, after) in [
        ("call (dev) / one", "skipped", "skipped"),
        ("call (prod) / one", "runs", "skipped"),
        ("call / one", "skipped", "skipped"),
        ("call / none", "runs", "runs"),
    ] {
        let found = look(root, &files, &[(job, 0, "failure")]);
        let of = |key: &str| word(found.job(key).expect("a job").verdict);
        assert_eq!([of("call (dev) / two"), of("after")], [dev, after], "{job}");
    }
}
