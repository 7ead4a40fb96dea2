//! What a trace tells, and how it is written.

use serde_json::json;
use wfrun_expr::{Op, Trace, github_trace};

use crate::world::World;

fn world() -> World {
    World::new(&json!({"github": {"ref": "refs/heads/dev", "event_name": "push", "list": ["a", "b"]}}))
}

fn because(text: &str) -> Vec<String> {
    let trace = world().eval(text).expect("it has a value");
    trace.because().into_iter().map(|it| it.text.to_string()).collect()
}

#[test]
fn because_names_what_decided() {
    for (text, expected) in [
        ("success() && github.ref == 'refs/heads/main'", vec!["github.ref == 'refs/heads/main'"]),
        ("failure() && github.ref == 'refs/heads/main'", vec!["failure()"]),
        ("success() && github.ref", vec!["success()", "github.ref"]),
        ("failure() || cancelled()", vec!["failure()", "cancelled()"]),
        ("failure() || github.event_name == 'push' || always()", vec!["github.event_name == 'push'"]),
        ("!(failure() || always())", vec!["always()"]),
        ("!cancelled() && (failure() || github.nope)", vec!["failure()", "github.nope"]),
        ("contains(github.list, 'c')", vec!["contains(github.list, 'c')"]),
        ("github.list && ''", vec!["''"]),
    ] {
        assert_eq!(because(text), expected, "{text}");
    }
}

#[test]
fn a_comparison_carries_its_values() {
    let text = "success() && github.ref == 'refs/heads/main'";
    let trace = world().eval(text).expect("it has a value");
    let leaf = trace.because()[0];
    assert_eq!(leaf.op, Op::Compare);
    assert_eq!(&text[leaf.range.start as usize..leaf.range.end as usize], "github.ref == 'refs/heads/main'");
    assert_eq!(leaf.operands[0].text, "github.ref");
    assert_eq!(leaf.operands[0].value().to_string(), "'refs/heads/dev'");
    assert!(leaf.operands[0].operands.is_empty(), "a fixed path is one thing");
}

#[test]
fn what_was_not_reached_is_marked() {
    let trace =
        world().eval("case(false, github.a, format('{1}', 1, 2)) && github['list'][contains(1, 1)]").expect("a value");
    let unreached: Vec<_> = trace.walk().filter(|it| !it.is_reached()).map(|it| it.text.as_str()).collect();
    assert_eq!(unreached, ["github.a", "1"]);
}

#[test]
fn parts_stand_where_they_were_written() {
    let text = " ( github.ref ) == format( 'é{0}' , (1) ) ";
    let trace = world().eval(text).expect("a value");
    let parts: Vec<_> = trace.walk().map(|it| &text[it.range.start as usize..it.range.end as usize]).collect();
    assert_eq!(
        parts,
        ["( github.ref ) == format( 'é{0}' , (1) )", "github.ref", "format( 'é{0}' , (1) )", "'é{0}'", "1"]
    );
}

#[test]
fn a_trace_is_written_as_json_and_read_back() {
    let trace = world().eval("github.nope || github.ref == 'x' && always()").expect("a value");
    let written = serde_json::to_value(&trace).expect("it can be written");
    assert_eq!(
        written,
        json!({
            "text": "github.nope || github.ref == 'x' && always()", "range": {"start": 0, "end": 44}, "op": "or", "value": false,
            "operands": [
                {"text": "github.nope", "range": {"start": 0, "end": 11}, "op": "path", "value": null},
                {
                    "text": "github.ref == 'x' && always()", "range": {"start": 15, "end": 44}, "op": "and", "value": false,
                    "operands": [
                        {
                            "text": "github.ref == 'x'", "range": {"start": 15, "end": 32}, "op": "compare", "value": false,
                            "operands": [
                                {"text": "github.ref", "range": {"start": 15, "end": 25}, "op": "path", "value": "refs/heads/dev"},
                                {"text": "'x'", "range": {"start": 29, "end": 32}, "op": "literal", "value": "x"},
                            ],
                        },
                        {"text": "always()", "range": {"start": 36, "end": 44}, "op": "call", "reached": "no"},
                    ],
                },
            ],
        })
    );
    let read: Trace = serde_json::from_value(written).expect("it can be read");
    assert_eq!(read, trace);
    let exact: wfrun_expr::Value = serde_json::from_str("123456789012345680000").expect("it can be read");
    assert_eq!(exact.as_number(), Some(123_456_789_012_345_680_000.0), "numbers are read exactly");
    let nan = serde_json::to_value(world().value("NaN")).expect("it can be written");
    assert_eq!(nan, json!("NaN"));
}

/// Source: actions/runner `ExpressionNode.cs`.
#[test]
fn as_a_runner_s_log_has_it() {
    let lines = |text: &str| {
        let world = world();
        github_trace(&world.parse(text).expect("an expression"), &world.eval(text).expect("a value"))
    };
    for (text, expanded, result) in [
        ("success()", "", "true"),
        ("github.ref == 'refs/heads/dev'", "('refs/heads/dev' == 'refs/heads/dev')", "true"),
        ("failure() && github.ref", "(false && github.ref)", "false"),
        ("contains(github['list'], 'c') || !github.nope", "(contains(Array, 'c') || !null)", "true"),
        ("format('{0}''s', 1)", "", "'1''s'"),
        ("github", "", "Object"),
    ] {
        let lines = lines(text);
        let (first, rest) = lines.split_first().expect("lines");
        assert!(first.starts_with("Evaluating: "), "{first}");
        let expanded = (!expanded.is_empty()).then(|| format!("Expanded: {expanded}"));
        let expected: Vec<String> = expanded.into_iter().chain([format!("Result: {result}")]).collect();
        assert_eq!(rest, expected, "{text}");
    }
    assert_eq!(
        lines("github['b c'] != github['ref'] && (1 < 2 || always())")[0],
        "Evaluating: ((github['b c'] != github.ref) && ((1 < 2) || always()))"
    );
}
