//! Status functions, and what becomes of jobs behind others, decided by the engine as in a run.
//!
//! Source: GitHub: planning rules 4.3. The column of jobs before a run is in `crates/wfrun-plan/tests/it/tables/needs.rs`;
//! a run that is cancelled is in `crates/wfrun-engine/tests/it/conditions.rs`.
use crate::repo::Repo;

/// Plays each case; the name of one that does not hold is in what is said.
#[track_caller]
fn play(workflow: &str, cases: &str) {
    let file = format!("workflow: .github/workflows/w.yml\ncases:\n{cases}");
    let repo = Repo::new(workflow, &[("w.wftest.yml", &file)]);
    let ran = repo.wfrun(&["test"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
}

fn case(name: &str, force: &str, expected: &str) -> String {
    format!("  - {{name: \"{name}\", force: {{{force}}}, expect: {{{expected}}}}}\n")
}

/// Table 1, the column of steps.
#[test]
fn of_steps() {
    let step = |condition: &str| format!("      - {{name: \"{condition}\", if: \"{condition}\", run: x}}\n");
    let conditions = ["success()", "failure()", "cancelled()", "always()", "true", "job.status == 'success'"];
    let workflow = format!(
        "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      - {{id: first, run: x}}\n      - {{id: forgiven, \
         continue-on-error: true, run: x}}\n{}",
        conditions.map(step).concat()
    );
    let expected = |words: [&str; 6]| {
        let each = conditions.iter().zip(words).map(|(it, word)| format!("\"j.{it}\": {word}"));
        format!("steps: {{{}}}", each.collect::<Vec<_>>().join(", "))
    };
    let good = expected(["runs", "skipped", "skipped", "runs", "runs", "runs"]);
    let bad = expected(["skipped", "runs", "skipped", "runs", "skipped", "skipped"]);
    let cases = [
        case("all went well so far", "", &good),
        case("a step failed", "j.first: failure", &bad),
        case("a failure that is forgiven is none", "j.forgiven: failure", &good),
        case("a step that is skipped is no failure", "j.first: skipped", &good),
    ];
    play(&workflow, &cases.concat());
}

/// Table 1, the last row: only jobs may name jobs.
#[test]
fn named_jobs_are_not_for_steps() {
    for function in ["success", "failure"] {
        let of_job = format!("needs: a, if: \"{function}('a')\", runs-on: ubuntu-latest, steps: [{{run: x}}]");
        let of_step = format!("needs: a, runs-on: ubuntu-latest, steps: [{{if: \"{function}('a')\", run: x}}]");
        for (job, code) in [(of_job, 0), (of_step, 2)] {
            let first = "a: {runs-on: ubuntu-latest, steps: [{run: x}]}";
            let repo = Repo::new(&format!("on: push\njobs:\n  {first}\n  b: {{{job}}}\n"), &[]);
            let ran = repo.wfrun(&["check", "w.yml"]).ends_with(code);
            assert_eq!(ran.stdout.contains("Too many parameters"), code == 2, "{}", ran.stdout);
        }
    }
}

/// Table 2, "Graph": a workflow for each row, with the job `a` as the row says.
#[test]
fn of_jobs() {
    let a = "a: {runs-on: ubuntu-latest, steps: [{id: s, run: x}]}";
    let skipped = "a: {if: false, runs-on: ubuntu-latest, steps: [{run: x}]}";
    let forgiven = "a: {continue-on-error: true, runs-on: ubuntu-latest, steps: [{id: s, run: x}]}";
    let telling = "a: {outputs: {x: '${{ steps.s.outputs.x }}'}, runs-on: ubuntu-latest, steps: [{id: s, run: x}, {id: t, run: x}]}";
    let job = |head: &str| format!("{head}, runs-on: ubuntu-latest, steps: [{{run: x}}]}}");
    let (b, always, c) = (job("b: {needs: a"), job("b: {needs: a, if: always()"), job("c: {needs: b"));
    let neither = job("c: {needs: b, if: '${{ !failure() && !cancelled() }}'");
    let of_result = |it: &str| job(&format!("b: {{needs: a, if: \"{it}\""));
    let failed = "a.s: failure";
    for (row, jobs, force, expected) in [
        ("b: needs a, a failed", vec![a, &b], failed, "b: skipped"),
        ("b: always(); c: needs b; a failed", vec![a, &always, &c], failed, "b: runs, c: skipped"),
        ("b: always(); c: needs b; a skipped", vec![skipped, &always, &c], "", "b: runs, c: skipped"),
        ("c: !failure() && !cancelled(), a skipped", vec![skipped, &always, &neither], "", "b: runs, c: runs"),
        ("c: !failure() && !cancelled(), a failed", vec![a, &always, &neither], failed, "b: runs, c: skipped"),
        ("a: if: false; b: needs a", vec![skipped, &b], "", "a: skipped, b: skipped"),
        ("a failed with continue-on-error", vec![forgiven, &b], failed, "b: runs"),
        (
            "a failed with continue-on-error: its result",
            vec![forgiven, &of_result("needs.a.result == 'success'")],
            failed,
            "b: runs",
        ),
        (
            "b: if: needs.a.result == 'failure', a failed",
            vec![a, &of_result("needs.a.result == 'failure'")],
            failed,
            "b: skipped",
        ),
        (
            "b: if: needs.a.result == 'failure', a is fine",
            vec![a, &of_result("needs.a.result == 'failure'")],
            "",
            "b: skipped",
        ),
    ] {
        let workflow = format!("on: push\njobs:\n  {}\n", jobs.join("\n  "));
        play(&workflow, &case(row, force, &format!("jobs: {{{expected}}}")));
    }
    let workflow = format!("on: push\njobs:\n  {telling}\n  {}\n", of_result("failure() && needs.a.outputs.x == 'y'"));
    for (value, expected) in [("y", "runs"), ("z", "skipped")] {
        let more =
            format!("force: {{a.t: failure}}, outputs: {{a.s: {{x: {value}}}}}, expect: {{jobs: {{b: {expected}}}}}");
        play(&workflow, &format!("  - {{name: \"b: failure() && an output\", {more}}}\n"));
    }
}
