//! Source: GitHub: planning rules P4.5; its rows and examples one by one are in `tests/it/tables/matrix.rs`.
use std::sync::Arc;

use wfrun_expr::{Called, EvalError, Template};
use wfrun_syntax::{Node, NodeKind, Source, Span};
use wfrun_workflow::{Entry, EntryKey, Token, TokenKind, lower};

use super::*;
use crate::TokenErrorKind;

/// Knows `vars.M`, which is JSON in most cases.
pub(super) struct Vars(pub(super) String);

impl Scope for Vars {
    fn context(&self, name: &str) -> Value {
        if name == "vars" {
            Value::from([("M", Value::from(self.0.as_str()))].into_iter().collect::<Object>())
        } else {
            Value::Null
        }
    }

    fn call(&self, _: &str, _: &[Value]) -> Called {
        Called::NotYet
    }
}

pub(super) fn read(strategy: &str) -> (Arc<Source>, Option<Strategy>) {
    let text = format!("on: push\njobs:\n  j:\n    strategy: {strategy}\n    runs-on: x\n    steps: [{{run: x}}]\n");
    let source = Source::new("w.yml", text);
    let mut workflow = lower(&source, wfrun_syntax::parse(&source).value.as_ref()).value;
    (source, workflow.jobs.swap_remove_index(0).and_then(|(_, job)| job.strategy))
}

fn expanded(strategy: &str, vars: &str) -> Result<Expansion, String> {
    let (source, strategy) = read(strategy);
    expand(strategy.as_ref(), &Vars(vars.to_owned())).map_err(|err| err.github_text("j", &source).unwrap_or_default())
}

/// Each leg as `labels | matrix`.
fn legs(matrix: &str, vars: &str) -> Vec<String> {
    let expansion = expanded(&format!("{{matrix: {matrix}}}"), vars).expect("it expands");
    let total = expansion.combinations.len();
    let show = |(at, leg): (usize, &Combination)| {
        assert_eq!((leg.index, leg.total), (at, total), "{matrix}");
        let json: Vec<&str> = leg.matrix_context().to_json().leak().lines().map(str::trim).collect();
        format!("{} | {}", leg.labels.join(", "), json.join(""))
    };
    expansion.combinations.iter().enumerate().map(show).collect()
}

#[track_caller]
fn check(matrix: &str, expected: &[&str]) {
    assert_eq!(legs(matrix, ""), expected, "{matrix}");
}

#[test]
fn order_and_include() {
    let product = |axes: &[&str]| axes.iter().map(|it| format!("{it} | ")).collect::<Vec<_>>();
    let order: Vec<String> = legs("{a: [1, 2], b: [x, y], c: [true, false]}", "")
        .iter()
        .map(|it| it.split('{').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        order,
        product(&[
            "1, x, true",
            "1, x, false",
            "1, y, true",
            "1, y, false",
            "2, x, true",
            "2, x, false",
            "2, y, true",
            "2, y, false",
        ])
    );
    check("{include: [{a: 1}, {b: 2}]}", &[r#"1 | {"a": 1}"#, r#"2 | {"b": 2}"#]);
    // The first spelling of an added key stays, the last value wins.
    check("{a: [1], include: [{x: 1}, {X: 2}]}", &[r#"1 | {"a": 1,"x": 2}"#]);
    // What is excluded is not offered to `include`, and what is left over comes with the spelling of the item.
    check("{a: [1, 2], exclude: [{a: 2}], include: [{A: 2, x: 1}]}", &[r#"1 | {"a": 1}"#, r#"2, 1 | {"A": 2,"x": 1}"#]);
    // Keys of vectors come before others in what is left over.
    check("{a: [1], include: [{x: 9, a: 3}]}", &[r#"1 | {"a": 1}"#, r#"3, 9 | {"a": 3,"x": 9}"#]);
    // An item that gives no vector adds to all.
    check("{a: [1], include: [{x: 1}], exclude: []}", &[r#"1 | {"a": 1,"x": 1}"#]);
    // `Include` is a vector: case counts in GitHub's words.
    check("{Include: [1]}", &[r#"1 | {"Include": 1}"#]);
}

/// Which of the values of a vector an `exclude` leaves.
#[test]
fn filters_compare_loosely() {
    let left = |values: &str, filter: &str| -> String {
        let shown = legs(&format!("{{v: [{values}, keep], exclude: [{{v: {filter}}}]}}"), "");
        shown.iter().map(|it| it.split(" | ").next().unwrap()).collect::<Vec<_>>().join(" ")
    };
    for (values, filter, expected) in [
        ("14", "'14'", "keep"),
        ("'14'", "14", "keep"),
        ("'0x0E'", "14", "keep"),
        ("linux", "LINUX", "keep"),
        ("0", "''", "keep"),
        ("false", "''", "keep"),
        ("null", "''", "keep"),
        ("0", "null", "keep"),
        ("1", "true", "keep"),
        ("'true'", "true", "true keep"),
        ("2", "true", "2 keep"),
        ("{n: 1, m: 2}", "{n: 1}", "keep"),
        ("{n: 1, m: 2}", "{N: 1}", "keep"),
        ("{n: 1, m: 2}", "{n: 2}", "1, 2 keep"),
        ("{n: {o: [a, b]}}", "{n: {o: [A]}}", "keep"),
        ("{n: {o: [a, b]}}", "{n: {o: [b]}}", "a, b keep"),
        ("[1, 2]", "[1]", "keep"),
        ("[1, 2]", "[1, 2, 3]", "1, 2 keep"),
        ("[1, 2]", "{'0': 1}", "keep"),
        ("{'0': 1}", "[1]", "keep"),
        // What does not exist is null, which equals null, nothing and 0. So even `keep` is left out.
        ("{n: 1}", "{x: null}", ""),
        ("{n: 1}", "{x: 0}", ""),
        // No leaf, no test.
        ("1", "{}", ""),
        ("1", "[]", ""),
        // A collection equals no scalar.
        ("{n: 1}", "1", "1 keep"),
        // GitHub writes 15 digits into the test.
        ("0.1234567890123456", "0.1234567890123456", "0.123456789012346 keep"),
    ] {
        assert_eq!(left(values, filter), expected, "{values} without {filter}");
    }
}

#[test]
fn expressions_in_any_part() {
    let m = "${{ fromJSON(vars.M) }}";
    for (matrix, vars, expected) in [
        (format!("'{m}'"), r#"{"a": [1, "x"], "include": [{"b": true}]}"#, "1, x"),
        (format!("{{a: '{m}'}}"), r#"["p", 2]"#, "p, 2"),
        (format!("{{a: [0, '{m}', 9]}}"), "[1, [2, 3]]", "0, 1, 2, 3, 9"),
        (format!("{{a: ['{m}']}}"), r#"{"x": 5}"#, "5"),
        (format!("{{a: [{{b: '{m}'}}]}}"), "[6, 7]", "6, 7"),
        (format!("{{include: '{m}'}}"), r#"[{"a": 1}, {"a": 2}]"#, "1, 2"),
        (format!("{{a: [1, 2], exclude: ['{m}']}}"), r#"[{"A": 1}]"#, "2"),
        (format!("{{a: [1, 2], exclude: [{{a: '{m}'}}]}}"), "2", "1"),
        ("{a: ['v${{ vars.M }}']}".to_owned(), "1", "v1"),
        ("{'${{ vars.M }}': [3]}".to_owned(), "a", "3"),
        (format!("{{'${{{{ insert }}}}': '{m}', b: [2]}}"), r#"{"a": [1]}"#, "1, 2"),
    ] {
        let labels: Vec<String> =
            legs(&matrix, vars).iter().map(|it| it.split(" | ").next().unwrap().to_owned()).collect();
        assert_eq!(labels.join(", "), expected, "{matrix} with {vars}");
    }
    let whole = expanded("'${{ fromJSON(vars.M) }}'", r#"{"matrix": {"a": [1, 2]}, "fail-fast": false}"#);
    assert_eq!(whole.map(|it| (it.combinations.len(), it.fail_fast)), Ok((2, false)));
    let inserted = expanded("{'${{ insert }}': '${{ fromJSON(vars.M) }}'}", r#"{"matrix": {"a": [1, 2]}}"#);
    assert_eq!(inserted.map(|it| it.combinations.len()), Ok(2));
    let named = expanded("{'${{ vars.M }}': {a: [1, 2, 3]}}", "matrix");
    assert_eq!(named.map(|it| it.combinations.len()), Ok(3));
}

#[test]
fn the_strategy_context() {
    let context = |strategy: &str| -> Vec<String> {
        let expansion = expanded(strategy, "3").expect("it expands");
        let show = |it| expansion.strategy_context(it).values().map(Value::to_text).collect::<Vec<_>>().join(" ");
        expansion.combinations.iter().map(show).collect()
    };
    for (strategy, expected) in [
        ("{}", &["true 0 1 1"][..]),
        ("{fail-fast: false, max-parallel: 7}", &["false 0 1 1"]),
        ("{matrix: {a: [1, 2]}}", &["true 0 2 2", "true 1 2 2"]),
        ("{matrix: {a: [1, 2]}, max-parallel: 1, fail-fast: false}", &["false 0 2 1", "false 1 2 1"]),
        ("{matrix: {a: [1, 2]}, max-parallel: 0}", &["true 0 2 2", "true 1 2 2"]),
        ("{matrix: {a: [1, 2]}, max-parallel: -4}", &["true 0 2 2", "true 1 2 2"]),
        ("{matrix: {a: [1]}, max-parallel: 2.9}", &["true 0 1 2"]),
        ("{matrix: {a: [1]}, max-parallel: '${{ fromJSON(vars.M) }}'}", &["true 0 1 3"]),
        ("{matrix: {a: [1], exclude: [{a: 1}]}, fail-fast: false, max-parallel: 9}", &["false 0 1 1"]),
        ("{matrix: {a: [1, 2, 3], exclude: [{a: 1}], include: [{a: 8}]}}", &["true 0 3 3", "true 1 3 3", "true 2 3 3"]),
    ] {
        assert_eq!(context(strategy), expected, "{strategy}");
    }
    assert_eq!(expand(None, &Vars(String::new())), Ok(Expansion::single()));
    assert_eq!(Expansion::single().combinations[0].matrix_context(), Value::Null);
}

#[test]
fn what_is_wrong_has_its_place() {
    let m = "${{ fromJSON(vars.M) }}";
    for (strategy, vars, expected) in [
        (format!("{{matrix: '{m}'}}"), "{}", &[(24, "Matrix must define at least one vector")][..]),
        (format!("{{matrix: {{include: '{m}'}}}}"), "[]", &[(24, "Matrix must define at least one vector")]),
        (format!("{{matrix: {{a: '{m}'}}}}"), "[]", &[(28, "Matrix vector 'a' does not contain any values")]),
        (format!("{{matrix: {{a: '{m}'}}}}"), "1", &[(28, "Unexpected value '1'")]),
        (format!("{{matrix: {{a: '{m}'}}}}"), "{}", &[(28, "A mapping was not expected")]),
        (format!("{{matrix: '{m}'}}"), "[1]", &[(24, "A sequence was not expected")]),
        (format!("{{matrix: '{m}'}}"), "null", &[(24, "Unexpected value ''")]),
        (format!("{{matrix: {{a: [1], include: ['{m}']}}}}"), "3", &[(43, "Unexpected value '3'")]),
        (
            format!("{{matrix: {{a: [1], include: ['{m}']}}}}"),
            "{}",
            &[(43, "Matrix include mapping does not contain any values")],
        ),
        (
            format!("{{matrix: {{a: [1], exclude: ['{m}']}}}}"),
            "[{}]",
            &[(43, "Matrix exclude filter must not be empty")],
        ),
        (
            format!("{{matrix: {{a: '{m}', exclude: [{{b: 1}}, {{A: 1, c: 1}}]}}}}"),
            "[1]",
            &[
                (66, "Matrix exclude key 'b' does not match any key within the matrix"),
                (80, "Matrix exclude key 'c' does not match any key within the matrix"),
            ],
        ),
        (format!("{{fail-fast: '{m}', matrix: {{a: [1]}}}}"), "\"true\"", &[(27, "Unexpected value 'true'")]),
        (format!("{{max-parallel: '{m}'}}"), "\"1\"", &[(30, "Unexpected value '1'")]),
        (format!("'{m}'"), r#"{"parallel": 1}"#, &[(15, "Unexpected value 'parallel'")]),
        (format!("{{matrix: '{m}'}}"), r#"{"": [1]}"#, &[(24, "Unexpected value ''")]),
        ("{matrix: {a: [1], '${{ vars.M }}': [2]}}".to_owned(), "A", &[(33, "'A' is already defined")]),
    ] {
        let texts: Vec<String> =
            expected.iter().map(|(col, text)| format!("w.yml (Line: 4, Col: {col}): {text}")).collect();
        let text = format!("Error when evaluating 'strategy' for job 'j'. {}", texts.join(","));
        assert_eq!(expanded(&strategy, vars), Err(text), "{strategy} with {vars}");
    }
    // As github.com shows it where an output that was never set is taken for a matrix.
    let at = "w.yml (Line: 4, Col: 24): ";
    let text = format!(
        "Error when evaluating 'strategy' for job 'j'. {at}Error parsing fromJson,{at}Error reading JToken from \
         JsonReader. Path '', line 0, position 0.,{at}Unexpected value ''"
    );
    assert_eq!(expanded(&format!("{{matrix: '{m}'}}"), ""), Err(text));
    // In a sequence nothing takes the place of an item that has no value.
    let text = expanded(&format!("{{matrix: {{a: ['{m}', 1]}}}}"), "{").expect_err("it is no JSON");
    assert!(!text.contains("Unexpected value"), "{text}");
    let text = expanded(&format!("{{matrix: '{m}'}}"), &format!("\"{}\"", "x".repeat(600))).expect_err("no mapping");
    assert!(text.ends_with("xxx[...]"), "{text}");
    let many = expanded(&format!("{{matrix: {{a: [1], include: '{m}'}}}}"), &format!("[{}]", ["1"; 30].join(",")));
    assert_eq!(many.expect_err("no mappings").matches("Unexpected value '1'").count(), 10);
}

#[test]
fn more_than_256_legs() {
    let values = |count: usize| (0..count).map(|it| it.to_string()).collect::<Vec<_>>().join(", ");
    let of = |a: usize, b: usize, more: &str| {
        expanded(&format!("{{matrix: {{a: [{}], b: [{}]{more}}}}}", values(a), values(b)), "")
    };
    assert_eq!(of(16, 16, "").map(|it| it.combinations.len()), Ok(256));
    assert_eq!(of(4, 72, ", exclude: [{a: 0}]").map(|it| it.combinations.len()), Ok(216));
    let too_many = |legs: &str| {
        Err(format!(
            "w.yml (Line: 4, Col: 15): Strategy for job 'j' produced {legs} configurations which exceeds the maximum of \
             256 configurations"
        ))
    };
    assert_eq!(of(4, 72, ""), too_many("288"));
    assert_eq!(of(16, 16, ", include: [{a: 99}]"), too_many("257"));
    assert_eq!(of(16, 17, ", include: [{a: 99}]"), too_many("273"));
    assert_eq!(of(16, 18, ", exclude: [{a: 0, b: 0}]"), too_many("287"));
    let power = |axes: usize, more: &str| {
        let axes: Vec<String> = (0..axes).map(|it| format!("a{it}: [{}]", values(256))).collect();
        let (_, strategy) = read(&format!("{{matrix: {{{}{more}}}}}", axes.join(", ")));
        expand(strategy.as_ref(), &Vars(String::new()))
    };
    assert!(matches!(power(40, ""), Err(ExpandError::TooManyLegs { legs, at_least: true, .. }) if legs > 256));
    assert!(matches!(power(4, ", exclude: [{a0: {}}]"), Err(ExpandError::TooMuchWork { .. })));
}

#[test]
fn size_is_bounded() {
    let long = "x".repeat(100_000);
    let (source, strategy) = read(&format!("{{matrix: {{a: [{long}], b: [{}]}}}}", ["y"; 200].join(", ")));
    let err = expand(strategy.as_ref(), &Vars(String::new())).expect_err("200 times 200 kB");
    let text = err.github_text("j", &source).expect("it is wrong");
    assert!(text.ends_with("Maximum object size exceeded"), "{text}");
}

#[test]
fn what_is_not_known_yet_is_said_so() {
    let availability = wfrun_workflow::contexts::STRATEGY;
    assert!(Template::parse("${{ hashFiles('x') }}", &availability).is_err(), "no function may be asked here");
    let functions = &[wfrun_expr::FunctionSpec { name: "hashFiles", min: 1, max: 1 }];
    let asks = wfrun_expr::Availability { contexts: &[], functions };
    let template = Template::parse("${{ hashFiles('x') }}", &asks).expect("it parses");
    let node = || Node::synthetic(NodeKind::Null, Span::new(3, 4));
    let entry = |key: &str, value| Entry {
        key: EntryKey::Text(wfrun_syntax::Spanned::new(key.to_owned(), Span::default())),
        value,
    };
    let vector = Token { kind: TokenKind::Expression(template), node: node() };
    let bad = Token { kind: TokenKind::Null, node: node() };
    let matrix = Token { kind: TokenKind::Mapping(vec![entry("b", bad), entry("a", vector)]), node: node() };
    let token = Token { kind: TokenKind::Mapping(vec![entry("matrix", matrix)]), node: node() };
    let (_, strategy) = read("{matrix: {a: [1]}}");
    let strategy = Strategy { token, ..strategy.expect("there is one") };
    let Err(ExpandError::NotYet(err)) = expand(Some(&strategy), &Vars(String::new())) else { panic!("it is known") };
    assert_eq!(err.span, Span::new(3, 4));
    let TokenErrorKind::Eval(EvalError::NotYet { function, .. }) = err.kind else { panic!("{err}") };
    assert_eq!(function, "hashFiles");
}
