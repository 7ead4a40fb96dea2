//! Source: GitHub: planning rules 4.3. Before a run: how jobs end is stated, as `--force` states it; what nobody
//! states succeeds if it runs. Steps, and results that the run makes, are in `tests/it/status_functions.rs`.
use wfrun_plan::{JobOutlook, Prospect, outlook};
use wfrun_workflow::WorkflowSet;

use crate::outlook::{set, world};

const BODY: &str = "runs-on: x, steps: [{run: x}]";

/// Jobs as `id | what else is below it`.
fn jobs(list: &[&str]) -> WorkflowSet {
    let job = |it: &&str| {
        let (id, more) = it.split_once('|').unwrap_or((*it, ""));
        let more = more.trim();
        let comma = if more.is_empty() { "" } else { ", " };
        format!("  {}: {{{more}{comma}{BODY}}}\n", id.trim())
    };
    set(&[("w.yml", &format!("on: push\njobs:\n{}", list.iter().map(job).collect::<String>()))])
}

/// Which jobs run, are skipped or depend, the jobs in `results` having ended as stated: `a runs, b skipped`.
fn told(list: &[&str], results: &[(&str, &str)], outputs: &[(&str, &str, &str)]) -> String {
    let mut world = world("push", "refs/heads/main");
    world.results = results.iter().map(|(job, result)| ((*job).to_owned(), (*result).to_owned())).collect();
    for (job, name, value) in outputs {
        world.outputs.entry((*job).to_owned()).or_default().insert((*name).to_owned(), (*value).to_owned());
    }
    let found = outlook(&jobs(list), &world).expect("a plan");
    let word = |it: &JobOutlook| match it.verdict {
        Prospect::Runs => "runs",
        Prospect::Skipped => "skipped",
        Prospect::Depends => "depends",
        Prospect::Fails => "fails",
    };
    found.jobs.iter().map(|it| format!("{} {}", it.key, word(it))).collect::<Vec<_>>().join(", ")
}

/// What comes of `c`, which needs `b`, which needs `a` and runs always, and asks for `condition`.
fn asked(condition: &str, a: &str, b: &str) -> String {
    let own = format!("c | needs: b, if: \"{condition}\"");
    let results: &[(&str, &str)] = if a == "skipped" { &[("b", b)] } else { &[("a", a), ("b", b)] };
    // A job is skipped by its condition and by nothing else.
    let first = if a == "skipped" { "a | if: false" } else { "a" };
    let second = if b == "skipped" { "b | needs: a, if: false" } else { "b | needs: a, if: always()" };
    let all = told(&[first, second, &own], results, &[]);
    all.rsplit(' ').next().unwrap_or_default().to_owned()
}

/// Table 1, "Function", the column of jobs.
#[test]
fn status_functions() {
    for (row, condition, a, b, expected) in [
        ("success()", "success()", "success", "success", "runs"),
        ("success(): an ancestor failed", "success()", "failure", "success", "skipped"),
        ("success(): an ancestor is skipped", "success()", "skipped", "success", "skipped"),
        ("success(): an ancestor is cancelled", "success()", "cancelled", "success", "skipped"),
        ("success(): the need failed", "success()", "success", "failure", "skipped"),
        ("success(): the need is skipped", "success()", "success", "skipped", "skipped"),
        ("success(): the need is cancelled", "success()", "success", "cancelled", "skipped"),
        ("failure()", "failure()", "success", "success", "skipped"),
        ("failure(): an ancestor failed", "failure()", "failure", "success", "runs"),
        ("failure(): the need failed", "failure()", "success", "failure", "runs"),
        ("failure(): skipped is not failed", "failure()", "skipped", "skipped", "skipped"),
        ("failure(): cancelled is not failed", "failure()", "cancelled", "cancelled", "skipped"),
        ("cancelled(): of the run, not of a job", "cancelled()", "cancelled", "cancelled", "skipped"),
        ("always()", "always()", "success", "success", "runs"),
        ("always()", "always()", "failure", "failure", "runs"),
        ("always()", "always()", "skipped", "skipped", "runs"),
        ("always()", "always()", "cancelled", "cancelled", "runs"),
        ("success('b')", "success('b')", "failure", "success", "runs"),
        ("success('b')", "success('b')", "success", "failure", "skipped"),
        ("success('a', 'b')", "success('a', 'b')", "success", "success", "runs"),
        ("success('a', 'b')", "success('a', 'b')", "failure", "success", "skipped"),
        ("success('a', 'b')", "success('A', 'B')", "success", "skipped", "skipped"),
        ("failure('a')", "failure('a')", "failure", "success", "runs"),
        ("failure('a')", "failure('a')", "success", "failure", "skipped"),
    ] {
        assert_eq!(asked(condition, a, b), expected, "{row}, a: {a}, b: {b}");
    }
    for (condition, expected) in [
        ("success()", "runs"),
        ("failure()", "skipped"),
        ("cancelled()", "skipped"),
        ("always()", "runs"),
        ("true", "runs"),
    ] {
        let own = format!("a | if: {condition}");
        assert_eq!(told(&[&own], &[], &[]), format!("a {expected}"), "no needs: {condition}");
    }
}

/// Table 2, "Graph".
#[test]
fn graphs() {
    let always = ["a", "b | needs: a, if: always()", "c | needs: b"];
    let skipped = ["a | if: false", "b | needs: a, if: always()", "c | needs: b"];
    let neither = ["a | if: false", "b | needs: a, if: always()", "c | needs: b, if: '!failure() && !cancelled()'"];
    let result = ["a", "b | needs: a, if: needs.a.result == 'failure'"];
    let outputs = ["a", "b | needs: a, if: failure() && needs.a.outputs.x == 'y'"];
    for (row, jobs, results, of_a, expected) in [
        ("b: needs a, a failed", &["a", "b | needs: a"][..], &[("a", "failure")][..], None, "a runs, b skipped"),
        (
            "b: always(), c: needs b; a failed",
            &always,
            &[("a", "failure"), ("b", "success")],
            None,
            "a runs, b runs, c skipped",
        ),
        ("b: always(), c: needs b; a skipped", &skipped, &[("b", "success")], None, "a skipped, b runs, c skipped"),
        ("c: !failure() && !cancelled()", &neither, &[("b", "success")], None, "a skipped, b runs, c runs"),
        ("a: if false; b: needs a", &["a | if: false", "b | needs: a"], &[], None, "a skipped, b skipped"),
        (
            "a: continue-on-error, its result is success",
            &["a | continue-on-error: true", "b | needs: a", "c | needs: a, if: needs.a.result == 'success'"],
            &[("a", "success")],
            None,
            "a runs, b runs, c runs",
        ),
        ("b: needs.a.result == 'failure'; a failed", &result, &[("a", "failure")], None, "a runs, b skipped"),
        ("b: needs.a.result == 'failure'; a succeeded", &result, &[("a", "success")], None, "a runs, b skipped"),
        ("b: failure() && an output", &outputs, &[("a", "failure")], Some("y"), "a runs, b runs"),
        ("b: failure() && an output", &outputs, &[("a", "failure")], Some("z"), "a runs, b skipped"),
        ("b: failure() && an output", &outputs, &[("a", "success")], Some("y"), "a runs, b skipped"),
        ("b: failure() && an output", &outputs, &[], Some("y"), "a runs, b depends"),
    ] {
        let of_a: Vec<_> = of_a.map(|value| ("a", "x", value)).into_iter().collect();
        assert_eq!(told(jobs, results, &of_a), expected, "{row}");
    }
}

/// "`needs.<id>.result` ∈ success, failure, cancelled, skipped", and "skipped job → outputs empty".
#[test]
fn what_needs_holds() {
    for result in ["success", "failure", "cancelled", "skipped"] {
        let first = if result == "skipped" { "a | if: false" } else { "a" };
        let own = format!("b | needs: a, if: always() && needs.a.result == '{result}'");
        let stated: &[(&str, &str)] = if result == "skipped" { &[] } else { &[("a", result)] };
        assert!(told(&[first, &own], stated, &[]).ends_with("b runs"), "{result}");
    }
    let empty = ["a | if: false", "b | needs: a, if: always() && needs.a.outputs.x == ''"];
    assert_eq!(told(&empty, &[], &[]), "a skipped, b runs");
}
