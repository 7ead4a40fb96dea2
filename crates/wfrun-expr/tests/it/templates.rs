//! Values with `${{ }}` in them, and `if`.

use serde_json::json;
use wfrun_expr::{Availability, Condition, FunctionSpec, ParseErrorKind, Template};

use crate::world::World;

const HERE: Availability = Availability {
    contexts: &["github", "env"],
    functions: &[
        FunctionSpec { name: "success", min: 0, max: 0 },
        FunctionSpec { name: "failure", min: 0, max: 0 },
        FunctionSpec { name: "always", min: 0, max: 0 },
        FunctionSpec { name: "cancelled", min: 0, max: 0 },
    ],
};

fn world() -> World {
    World::new(&json!({"github": {"ref": "refs/heads/main", "n": 5, "list": [1]}, "env": {"a": "x"}}))
}

#[test]
fn values_are_literal_expression_or_text_with_expressions() {
    for (text, printed, value) in [
        ("plain", None, json!("plain")),
        ("", None, json!("")),
        ("a }} b", None, json!("a }} b")),
        ("${{ 'it''s' }}", None, json!("it's")),
        ("${{ '${{' }}", None, json!("${{")),
        ("${{ '}}' }}", None, json!("}}")),
        ("${{'a' == 'b'}}", Some("'a' == 'b'"), json!(false)),
        ("${{ github.n }}", Some("github.n"), json!(5)),
        ("${{ github.list }}", Some("github.list"), json!([1])),
        (" ${{ github.n }}", Some("format(' {0}', github.n)"), json!(" 5")),
        ("${{ github.n }}\n", Some("format('{0}\n', github.n)"), json!("5\n")),
        ("a${{ env.a }}${{env.b||'c'}}", Some("format('a{0}{1}', env.a, env.b || 'c')"), json!("axc")),
        ("{it's} ${{ 1 }} }", Some("format('{{it''s}} {0} }}', 1)"), json!("{it's} 1 }")),
        ("${{ format('}}{0}', 1) }}", Some("format('}}{0}', 1)"), json!("}1")),
        ("é${{ env.a }}😀", Some("format('é{0}😀', env.a)"), json!("éx😀")),
    ] {
        let template = Template::parse(text, &HERE).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(template.expr().map(ToString::to_string).as_deref(), printed, "{text}");
        assert_eq!(template.is_literal(), printed.is_none());
        let trace = template.evaluate(&world()).expect("it has a value");
        assert_eq!(serde_json::Value::from(trace.value()), value, "{text}");
    }
}

#[test]
fn errors_point_into_the_value() {
    for (text, kind, message, pointed) in [
        (
            "a ${{ secrets.X }}",
            ParseErrorKind::UnrecognizedNamedValue,
            "Unrecognized named-value: 'secrets'. Located at position 1 within expression: secrets.X",
            "secrets",
        ),
        (
            "é ${{ env.a }} ${{  env.a == \"x\" }}",
            ParseErrorKind::IllegalToken,
            "Unexpected symbol: '\"x\"'. Located at position 10 within expression: env.a == \"x\"",
            "\"x\"",
        ),
        (
            "${{ nope() }}",
            ParseErrorKind::UnrecognizedFunction,
            "Unrecognized function: 'nope'. Located at position 1 within expression: nope()",
            "nope",
        ),
        ("a ${{ }}", ParseErrorKind::Empty, "An expression was expected", "${{ }}"),
        ("${{}}", ParseErrorKind::Empty, "An expression was expected", "${{}}"),
        (
            "a ${{ env.a",
            ParseErrorKind::NotClosed,
            "The expression is not closed. An unescaped ${{ sequence was found, but the closing }} sequence was not found.",
            "${{ env.a",
        ),
        (
            "${{ 'x }}",
            ParseErrorKind::NotClosed,
            "The expression is not closed. An unescaped ${{ sequence was found, but the closing }} sequence was not found.",
            "${{ 'x }}",
        ),
        (
            "${{ insert }}",
            ParseErrorKind::Directive,
            "The directive 'insert' is not allowed in this context",
            "${{ insert }}",
        ),
    ] {
        let error = Template::parse(text, &HERE).expect_err(text);
        assert_eq!((error.kind, error.to_string().as_str()), (kind, message), "{text}");
        assert_eq!(&text[error.range.start as usize..error.range.end as usize], pointed, "{text}");
    }
    assert!(Template::is_insert("${{ insert }}") && Template::is_insert("${{insert}}"));
    assert!(!Template::is_insert("a ${{ insert }}") && !Template::is_insert("insert"));
}

#[test]
fn a_text_with_expressions_counts_as_one_expression() {
    let text = |len: usize| format!("{}${{{{ 1 }}}}", "x".repeat(len));
    // `format('…{0}', 1)` around it.
    assert!(Template::parse(&text(21_000 - "format('{0}', 1)".len()), &HERE).is_ok());
    let error = Template::parse(&text(21_001 - "format('{0}', 1)".len()), &HERE).expect_err("one too many");
    assert_eq!(error.to_string(), "Exceeded max expression length 21000");
    assert!(Template::parse(&"x".repeat(100_000), &HERE).is_ok(), "without expression there is no limit");
    let error = Template::parse(&"${{ 1 }}".repeat(255), &HERE).expect_err("too many arguments");
    assert_eq!(error.kind, ParseErrorKind::TooManyParameters);
    let error = Template::parse(&format!("a${{{{ {}1 }}}}", "!".repeat(49)), &HERE).expect_err("one level too many");
    assert_eq!(error.kind, ParseErrorKind::TooDeep);
}

#[test]
fn contexts_are_listed_once() {
    let template = Template::parse("${{ github.ref }}${{ ENV.a || Github['n'] }}", &HERE).expect("it is well-formed");
    assert_eq!(template.contexts_used(), ["github", "env"]);
    let path = |text: &str| Template::parse(text, &HERE).ok()?.expr()?.path().map(|it| it.join("/"));
    assert_eq!(path("${{ github['event'].x }}").as_deref(), Some("github/event/x"));
    assert_eq!(path("${{ github[env.a] }}"), None);
}

#[test]
fn conditions_get_success_unless_they_ask_for_a_status() {
    for (text, printed, holds, literal_text) in [
        (None, "success()", true, false),
        (Some(""), "success()", true, false),
        (Some("  "), "success()", true, false),
        (Some("${{ '' }}"), "success()", true, false),
        (Some("false"), "success() && false", false, false),
        (Some("${{ 'false' }}"), "success() && false", false, false),
        (Some("'false'"), "success() && 'false'", true, false),
        (Some("${{ false }} == false"), "success() && format('{0} == false', false)", true, true),
        (Some("${{ 1 == 1 }} == false"), "success() && format('{0} == false', 1 == 1)", true, true),
        (Some("github.n == 5 || env.a"), "success() && (github.n == 5 || env.a)", true, false),
        (Some("${{ github.n == 5 && env.b }}"), "success() && github.n == 5 && env.b", false, false),
        (Some("always() && github.n == 6"), "always() && github.n == 6", false, false),
        (Some("!(FAILURE() || false)"), "!(FAILURE() || false)", true, false),
        (Some("contains('always()', 'x')"), "success() && contains('always()', 'x')", false, false),
    ] {
        let condition = Condition::parse(text, &HERE).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(condition.expr.to_string(), printed, "{text:?}");
        assert_eq!(condition.text, text.unwrap_or_default());
        let implied = printed.starts_with("success()");
        assert_eq!(condition.implicit_success, implied, "{text:?}");
        assert_eq!(condition.is_literal_text(), literal_text, "{text:?}");
        assert_eq!(condition.evaluate(&world()).expect("a value").value().is_truthy(), holds, "{text:?}");
        let mut failing = world();
        failing.success = false;
        let fails = condition.evaluate(&failing).expect("a value").value().is_truthy();
        assert!(!(implied && fails), "{text:?} would run after a failure");
    }
}

#[test]
fn errors_of_conditions_count_in_the_text_of_the_user() {
    let text = "github.n == 5 && secrets.X";
    let error = Condition::parse(Some(text), &HERE).expect_err("no secrets here");
    assert_eq!(error.position, Some(18));
    assert_eq!(&text[error.range.start as usize..error.range.end as usize], "secrets");
    let text = "${{ 'nope == 1' }}";
    let error = Condition::parse(Some(text), &HERE).expect_err("no such context");
    assert_eq!(&text[error.range.start as usize..error.range.end as usize], "nope");
    let text = format!("{}1", "!".repeat(49));
    let error = Condition::parse(Some(&text), &HERE).expect_err("success() is one level more");
    assert_eq!(error.kind, ParseErrorKind::TooDeep);
}
