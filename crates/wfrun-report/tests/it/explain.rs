use insta::assert_snapshot;
use serde_json::{Value as Json, json};
use wfrun_expr::{Op, Reached, Trace, Value};
use wfrun_journal::{Because, Operand, SkipReason};
use wfrun_plan::JobKey;
use wfrun_report::{paragraphs, sentence};

fn leaf(expression: &str, value: Json, operands: &[(&str, Json)]) -> Because {
    let operands = operands.iter().map(|(it, value)| Operand { expression: (*it).to_owned(), value: value.clone() });
    Because { expression: expression.to_owned(), value, operands: operands.collect() }
}

fn condition(expression: &str, because: Vec<Because>, line: u32) -> SkipReason {
    let trace = Trace {
        text: expression.into(),
        range: 0..0,
        op: Op::Or,
        reached: Reached::Value(Value::Bool(false)),
        operands: Vec::new(),
    };
    SkipReason::Condition { expression: expression.to_owned(), trace, because, line }
}

#[track_caller]
fn check(because: Vec<Because>, expected: &str) {
    assert_eq!(sentence(&condition("…", because, 0)), expected);
}

#[test]
fn conditions() {
    let on_dev = leaf("github.ref == 'refs/heads/main'", json!(false), &[("github.ref", json!("refs/heads/dev"))]);
    check(vec![on_dev], "because github.ref == 'refs/heads/main' is false: github.ref is 'refs/heads/dev'");
    check(
        vec![leaf("a.x == b.y", json!(false), &[("a.x", json!(5.0)), ("b.y", json!(null))])],
        "because a.x == b.y is false: a.x is 5, b.y is null",
    );
    check(vec![leaf("inputs.deploy", json!(false), &[])], "because inputs.deploy is false");
    check(vec![leaf("inputs.name", json!(""), &[])], "because inputs.name is '', which counts as false");
    check(vec![leaf("vars.on", json!("false"), &[])], "because vars.on is 'false', which counts as true");
    check(vec![leaf("failure()", json!(false), &[])], "because failure() is false: nothing before it failed");
    check(vec![leaf("cancelled()", json!(true), &[])], "because cancelled() is true: the run was cancelled");
    check(vec![], "because … is false");
}

#[test]
fn several_things_decided() {
    let all: Vec<Because> = (1..=5).map(|it| leaf(&format!("inputs.n{it}"), json!(false), &[])).collect();
    check(all, "because inputs.n1 is false, and inputs.n2 is false, and inputs.n3 is false, and 2 more");
}

#[test]
fn values_are_literals_of_the_language() {
    let shown = |value: Json| sentence(&condition("…", vec![leaf("f(x)", json!(false), &[("x", value)])], 0));
    let cases = [
        (json!("it's"), "'it''s'"),
        (json!(true), "true"),
        (json!(0.5), "0.5"),
        (json!(-0.0), "0"),
        (json!("two\nlines"), "'two lines'"),
        (json!(["a", 1]), r#"["a",1]"#),
        (json!({"k": null}), r#"{"k":null}"#),
        (json!("***"), "'***'"),
    ];
    for (value, expected) in cases {
        assert_eq!(shown(value), format!("because f(x) is false: x is {expected}"));
    }
    let long = shown(json!("x".repeat(100)));
    assert_eq!(long, format!("because f(x) is false: x is '{}…'", "x".repeat(59)));
}

#[test]
fn other_reasons() {
    let job = JobKey::new("test");
    let cases = [
        (SkipReason::Needs { job, result: wfrun_journal::Outcome::Skipped }, "needs `test`, which was skipped"),
        (SkipReason::EarlierStep { step: Some("Run tests".to_owned()) }, "an earlier step failed: Run tests"),
        (SkipReason::EarlierStep { step: None }, "an earlier step failed"),
        (SkipReason::Cancelled, "the run was cancelled before its turn"),
        (SkipReason::NotChosen, "other jobs were asked for"),
        (SkipReason::Forced, "it was forced"),
        (
            SkipReason::Concurrency { group: "g".to_owned(), message: "Canceling since …".to_owned() },
            "Canceling since …",
        ),
        (SkipReason::FailFast { job: JobKey::new("test (20)") }, "`test (20)` failed, and `fail-fast` is on"),
        (
            SkipReason::Planning {
                key: "strategy".to_owned(),
                message: "A sequence was not expected".to_owned(),
                line: 3,
            },
            "`strategy` could not be evaluated (line 3): A sequence was not expected",
        ),
        (
            SkipReason::Machine { labels: vec!["self-hosted".to_owned(), "gpu".to_owned()] },
            "it needs a machine that is not here: runs-on self-hosted, gpu",
        ),
        (
            SkipReason::Containers {
                keys: vec!["container".to_owned(), "services".to_owned()],
                backend: "sandbox".to_owned(),
            },
            "it asks for `container` and `services`, and backend `sandbox` makes no containers",
        ),
        (
            SkipReason::ConditionError {
                expression: "fromJSON('{')".to_owned(),
                message: "the text ends too early".to_owned(),
                line: 14,
            },
            "`if: fromJSON('{')` could not be evaluated (line 14): the text ends too early",
        ),
    ];
    for (reason, expected) in cases {
        assert_eq!(sentence(&reason), expected);
        assert_eq!(paragraphs(&reason), [expected]);
    }
}

#[test]
fn at_length() {
    let because = vec![
        leaf("github.ref == 'refs/heads/main'", json!(false), &[("github.ref", json!("refs/heads/dev"))]),
        leaf("inputs.force", json!(null), &[]),
    ];
    let text = "success() && (github.ref == 'refs/heads/main' ||\n  inputs.force)";
    assert_snapshot!("paragraphs", paragraphs(&condition(text, because, 14)).join("\n"));
}
