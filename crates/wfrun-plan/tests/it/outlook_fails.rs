//! Jobs that never begin: what is evaluated first has no value, or their group is held around them; and jobs whose end
//! follows from what they call or from what is stated.
use wfrun_plan::{Outlook, Reason, outlook};

use crate::outlook::{set, verdicts, world};

const CALLED: &str = ".github/workflows/called.yml";

fn look(text: &str, called: &str, results: &[(&str, &str)]) -> Outlook {
    let mut world = world("push", "refs/heads/main");
    world.results.extend(results.iter().map(|(job, result)| ((*job).to_owned(), (*result).to_owned())));
    let text = text.replace("CALLED", &format!("./{CALLED}"));
    let files = [("w.yml", text.as_str()), (CALLED, called)];
    outlook(&set(if called.is_empty() { &files[..1] } else { &files }), &world).expect("a plan")
}

const AFTER: &str = "  ok: {needs: j, runs-on: x, steps: [{run: x}]}
  bad: {needs: j, if: failure(), runs-on: x, steps: [{run: x}]}
";

/// Source: GitHub: planning rules 4.2: a planning expression that throws fails the job, and dependents see `failure`.
#[test]
fn what_cannot_be_evaluated_fails_the_job() {
    for (job, key, written) in [
        ("{if: fromJSON(vars.CFG).deploy, runs-on: x, steps: [{run: x}]}", "if", "fromJSON(vars.CFG).deploy"),
        ("{strategy: {matrix: {v: \"${{ fromJSON(vars.CFG) }}\"}}, runs-on: x, steps: [{run: x}]}", "strategy", ""),
        ("{name: \"${{ fromJSON('x') }}\", runs-on: x, steps: [{run: x}]}", "name", "${{ fromJSON('x') }}"),
        ("{runs-on: \"${{ fromJSON('x') }}\", steps: [{run: x}]}", "runs-on", "${{ fromJSON('x') }}"),
        (
            "{environment: \"${{ fromJSON('x') }}\", runs-on: x, steps: [{run: x}]}",
            "environment",
            "${{ fromJSON('x') }}",
        ),
        ("{concurrency: \"${{ vars.EMPTY }}\", runs-on: x, steps: [{run: x}]}", "concurrency", "${{ vars.EMPTY }}"),
        (
            "{timeout-minutes: \"${{ fromJSON('x') }}\", runs-on: x, steps: [{run: x}]}",
            "timeout-minutes",
            "${{ fromJSON('x') }}",
        ),
        (
            "{continue-on-error: \"${{ fromJSON('x') }}\", runs-on: x, steps: [{run: x}]}",
            "continue-on-error",
            "${{ fromJSON('x') }}",
        ),
        ("{container: \"${{ fromJSON('x') }}\", runs-on: x, steps: [{run: x}]}", "container", "${{ fromJSON('x') }}"),
        (
            "{services: {s: {image: \"${{ fromJSON('x') }}\"}}, runs-on: x, steps: [{run: x}]}",
            "services",
            "${{ fromJSON('x') }}",
        ),
        (
            "{environment: {name: e, deployment: \"${{ fromJSON('x') }}\"}, runs-on: x, steps: [{run: x}]}",
            "environment",
            "${{ fromJSON('x') }}",
        ),
        (
            "{runs-on: {group: \"${{ fromJSON('g') }}\", labels: \"${{ fromJSON('l') }}\"}, steps: [{run: x}]}",
            "runs-on",
            "${{ fromJSON('g') }}",
        ),
        (
            "{container: {image: i, env: {E: \"${{ fromJSON('x') }}\"}, credentials: {username: u, password: \"${{ fromJSON('p') }}\"}}, runs-on: x, steps: [{run: x}]}",
            "credentials",
            "${{ fromJSON('p') }}",
        ),
    ] {
        let found = look(&format!("on: push\njobs:\n  j: {job}\n{AFTER}"), "", &[]);
        assert_eq!(verdicts(&found), "j fails, ok skipped, bad runs", "{job}");
        let reason = found.jobs[0].reason.clone().expect("a reason");
        let (said, text, span) = if let Reason::ConditionError { expression, span, .. } = reason {
            ("if".to_owned(), expression, span)
        } else if let Reason::Strategy { span, .. } = reason {
            ("strategy".to_owned(), String::new(), span)
        } else if let Reason::Planning { key, expression, span, .. } = reason {
            (key, expression, span)
        } else {
            panic!("{reason:?}")
        };
        assert_eq!((said.as_str(), text.as_str()), (key, written), "{job}");
        assert_eq!(found.jobs[0].workflow.source.location(span.expect("a place").start).line, 3, "{job}");
    }
}

/// Source: GitHub: planning rules 2.7, the types of `with`.
#[test]
fn an_input_of_another_type_fails_the_call() {
    let root = "on: push
jobs:
  j: {uses: CALLED, with: {b: \"${{ github.ref }}\"}}
"
    .to_owned()
        + AFTER;
    let called = "on: {workflow_call: {inputs: {b: {type: boolean}}}}\njobs: {one: {runs-on: x, steps: [{run: x}]}}\n";
    let found = look(&root, called, &[]);
    assert_eq!(verdicts(&found), "j fails, ok skipped, bad runs");
    let Some(Reason::Planning { key, message, .. }) = &found.jobs[0].reason else {
        panic!("{:?}", found.jobs[0].reason)
    };
    assert_eq!((key.as_str(), message.as_str()), ("with", "Unexpected value 'refs/heads/main'"));
    assert_eq!(found.uncalled.len(), 1);
}

/// The group of a called workflow is the calling job's: planning rules 4.7.
#[test]
fn what_a_call_says_fails_the_job() {
    let called = "on: {workflow_call: {inputs: {g: {type: string}}, secrets: {s: {}}}}
concurrency: ${{ inputs.g }}
jobs: {one: {runs-on: x, steps: [{run: x}]}}
";
    let long = "x".repeat(400);
    for (keys, expected) in [
        ("with: {g: h}", ""),
        ("concurrency: own", ""),
        ("", "concurrency: ${{ inputs.g }}: Concurrency group name cannot be empty"),
        (
            &format!("with: {{g: {long}}}"),
            "concurrency: ${{ inputs.g }}: Concurrency group name must be less than 400 characters",
        ),
        (
            "concurrency: own, secrets: {s: \"${{ fromJSON(vars.NOT) }}\"}",
            "secrets: ${{ fromJSON(vars.NOT) }}: Error reading JToken",
        ),
    ] {
        let found = look(&format!("on: push\njobs:\n  j: {{uses: CALLED, {keys}}}\n{AFTER}"), called, &[]);
        let reason = found.jobs[0].reason.clone();
        let said = if let Some(Reason::Planning { key, expression, message, span }) = reason {
            assert_eq!(found.jobs[0].workflow.source.location(span.expect("a place").start).line, 3, "{keys}");
            format!("{key}: {expression}: {message}")
        } else {
            String::new()
        };
        assert!(said.starts_with(expected) && said.is_empty() == expected.is_empty(), "{keys}: {said}");
    }
}

/// As in the engine: a name is evaluated before a group is entered, and that before a forced end counts; the rest after.
#[test]
fn what_is_evaluated_first_fails_first() {
    let broken = "\"${{ fromJSON('x') }}\"";
    for (keys, results, expected) in [
        (format!("name: {broken}, concurrency: G"), &[][..], "j fails"),
        (format!("timeout-minutes: {broken}, concurrency: G"), &[], "j skipped"),
        (format!("name: {broken}"), &[("j", "success")], "j fails"),
        (format!("concurrency: {broken}"), &[("j", "success")], "j fails"),
        (format!("timeout-minutes: {broken}"), &[("j", "success")], "j runs"),
        // Without an image nothing of a container is evaluated.
        (format!("container: {{image: '${{{{ vars.NOT }}}}', options: {broken}}}"), &[], "j runs"),
    ] {
        let text = format!("on: push\nconcurrency: g\njobs:\n  j: {{{keys}, runs-on: x, steps: [{{run: x}}]}}\n");
        assert_eq!(verdicts(&look(&text, "", results)), expected, "{keys}");
    }
}

#[test]
fn what_only_the_run_can_tell_fails_nothing() {
    let job = "{needs: a, runs-on: \"${{ fromJSON(needs.a.outputs.x) }}\", steps: [{run: x}]}";
    let found = look(&format!("on: push\njobs:\n  a: {{runs-on: x, steps: [{{run: x}}]}}\n  j: {job}\n"), "", &[]);
    assert_eq!(verdicts(&found), "a runs, j runs");
}

/// One leg that fails makes the job a failure, though others may begin.
#[test]
fn a_leg_alone_can_fail() {
    let job = "{strategy: {matrix: {v: ['1', 'x']}}, runs-on: \"${{ fromJSON(matrix.v) }}\", steps: [{run: x}]}";
    let found = look(&format!("on: push\njobs:\n  j: {job}\n{AFTER}"), "", &[]);
    assert_eq!(verdicts(&found), "j runs, ok skipped, bad runs");
    let hindered: Vec<bool> = found.jobs[0].legs.iter().map(|it| it.hindrance.is_some()).collect();
    assert_eq!(hindered, [false, true]);
}

/// Source: GitHub: planning rules 4.5: more than 256 legs.
#[test]
fn too_many_legs_fail_the_job() {
    let list: Vec<String> = (0..257).map(|it| it.to_string()).collect();
    let job = format!("{{strategy: {{matrix: {{v: [{}]}}}}, runs-on: x, steps: [{{run: x}}]}}", list.join(", "));
    let found = look(&format!("on: push\njobs:\n  j: {job}\n{AFTER}"), "", &[]);
    assert_eq!(verdicts(&found), "j fails, ok skipped, bad runs");
}

/// A step whose condition throws fails, and so does its job.
#[test]
fn a_step_whose_condition_throws_fails() {
    let steps = "[{if: fromJSON(vars.CFG).x, run: x}, {run: x}, {if: failure(), run: x}]";
    let found = look(&format!("on: push\njobs:\n  j: {{runs-on: x, steps: {steps}}}\n{AFTER}"), "", &[]);
    assert_eq!(verdicts(&found), "j runs, ok skipped, bad runs");
    let steps: Vec<&str> = found.jobs[0].steps().iter().map(|it| crate::outlook::word(it.verdict)).collect();
    assert_eq!(steps, ["fails", "skipped", "runs"]);
}

/// Source: GitHub: planning rules 4.7: such a job can never proceed and is cancelled.
#[test]
fn a_group_that_is_held_around_is_a_deadlock() {
    let called = "on: workflow_call\nconcurrency: g\njobs: {one: {concurrency: h, runs-on: x, steps: [{run: x}]}}\n";
    for (root, expected) in [
        (
            "concurrency: G\njobs:\n  j: {concurrency: g, runs-on: x, steps: [{run: x}]}\n",
            "j skipped, ok skipped, bad skipped",
        ),
        (
            "concurrency: other\njobs:\n  j: {concurrency: g, runs-on: x, steps: [{run: x}]}\n",
            "j runs, ok runs, bad depends",
        ),
        ("concurrency: g\njobs:\n  j: {uses: CALLED}\n", "j skipped, ok skipped, bad skipped"),
        ("jobs:\n  j: {uses: CALLED, concurrency: h}\n", "j runs, j / one skipped, ok skipped, bad skipped"),
        ("jobs:\n  j: {uses: CALLED}\n", "j runs, j / one runs, ok runs, bad depends"),
    ] {
        let found = look(&format!("on: push\n{root}{AFTER}"), called, &[]);
        assert_eq!(verdicts(&found), expected, "{root}");
        if expected.starts_with("j skipped") {
            assert!(matches!(found.jobs[0].reason, Some(Reason::Deadlock { .. })), "{:?}", found.jobs[0].reason);
        }
    }
}

/// Source: GitHub: planning rules 4.9: the result of a calling job is that of the jobs together.
#[test]
fn a_call_of_nothing_but_skipped_jobs_is_skipped() {
    let root = "on: push\njobs:\n  a: {runs-on: x, steps: [{run: x}]}\n  j: {needs: a, uses: CALLED, with: {x: \"${{ needs.a.outputs.x }}\"}}\n"
        .to_owned()
        + AFTER;
    for (jobs, expected) in [
        (
            "{one: {if: false, STEPS}, two: {needs: one, STEPS}}",
            "a runs, j skipped, j / one skipped, j / two skipped, ok skipped, bad depends",
        ),
        (
            "{one: {if: false, STEPS}, two: {STEPS}}",
            "a runs, j runs, j / one skipped, j / two runs, ok runs, bad depends",
        ),
        ("{one: {if: inputs.x == '1', STEPS}}", "a runs, j depends, j / one depends, ok depends, bad depends"),
    ] {
        let jobs = jobs.replace("STEPS", "runs-on: x, steps: [{run: x}]");
        let called = format!("on: {{workflow_call: {{inputs: {{x: {{type: string}}}}}}}}\njobs: {jobs}\n");
        assert_eq!(verdicts(&look(&root, &called, &[])), expected, "{jobs}");
    }
}

/// As the engine has it: what is forced counts before the condition.
#[test]
fn a_job_that_is_stated_to_be_skipped_is() {
    let root = format!("on: push\njobs:\n  j: {{if: always(), runs-on: x, steps: [{{run: x}}]}}\n{AFTER}");
    let mut stated = world("push", "refs/heads/main");
    stated.skips.push("J".to_owned());
    let found = outlook(&set(&[("w.yml", root.as_str())]), &stated).expect("a plan");
    assert_eq!(verdicts(&found), "j skipped, ok skipped, bad skipped");
    assert!(matches!(&found.jobs[0].reason, Some(Reason::Stated { result }) if result == "skipped"));
}

/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions>, object filters.
#[test]
fn results_of_all_needs_are_known_as_far_as_they_are_stated() {
    let body = "runs-on: x, steps: [{run: x}]";
    let text = |condition: &str| {
        format!(
            "on: push\njobs:\n  a: {{{body}}}\n  b: {{{body}}}\n  g: {{needs: [a, b], if: \"{condition}\", {body}}}\n"
        )
    };
    let fails = "always() && contains(needs.*.result, 'failure')";
    for (condition, results, expected) in [
        (fails, &[][..], "depends"),
        (fails, &[("a", "failure"), ("b", "success")], "runs"),
        (fails, &[("b", "failure")], "runs"),
        (fails, &[("a", "success"), ("b", "success")], "skipped"),
        (fails, &[("a", "success")], "depends"),
        ("!contains(needs.*.result, 'failure')", &[("a", "success"), ("b", "success")], "runs"),
        ("!contains(needs.*.result, 'failure') && always()", &[("a", "failure")], "skipped"),
        ("always() && join(needs.*.result, ',') == 'success,failure'", &[("a", "success"), ("b", "failure")], "runs"),
        ("always() && contains(needs.*.outputs.x, '1')", &[("a", "success"), ("b", "failure")], "depends"),
    ] {
        let found = look(&text(condition), "", results);
        assert_eq!(verdicts(&found), format!("a runs, b runs, g {expected}"), "{condition} {results:?}");
    }
}

#[test]
fn the_named_job_is_the_reason() {
    let body = "runs-on: x, steps: [{run: x}]";
    let text = format!(
        "on: push\njobs:\n  c: {{if: false, {body}}}\n  d: {{if: false, {body}}}\n  e: {{needs: [c, d], if: \"success('d')\", {body}}}\n"
    );
    let found = look(&text, "", &[]);
    let Some(Reason::Needs { job, .. }) = &found.jobs[2].reason else { panic!("{:?}", found.jobs[2].reason) };
    assert_eq!(job.as_str(), "d");
}
