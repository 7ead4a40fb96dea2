//! Laws that hold for all expressions.

use proptest::prelude::*;
use serde_json::json;
use wfrun_expr::{CompareOp, Expr, ExprKind, Index, Trace, Value, evaluate, format_number, parse, parse_number};

use crate::{
    checks::{ALL, evaluated, parsed},
    world::World,
};

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, range: 0..0 }
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-9i32..9).prop_map(|it| Value::from(f64::from(it))),
        "[a-z'{}é 0-9]{0,6}".prop_map(Value::from),
    ]
}

fn compare_op() -> impl Strategy<Value = CompareOp> {
    prop::sample::select(vec![
        CompareOp::Equal,
        CompareOp::NotEqual,
        CompareOp::Less,
        CompareOp::LessOrEqual,
        CompareOp::Greater,
        CompareOp::GreaterOrEqual,
    ])
}

/// Any expression in normal form: no `&&` directly below `&&`.
fn any_expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        literal().prop_map(|it| expr(ExprKind::Literal(it))),
        prop::sample::select(vec!["a", "b", "github"]).prop_map(|it| expr(ExprKind::Context(it.to_owned()))),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.clone().prop_map(|it| expr(ExprKind::Not(Box::new(it)))),
            (compare_op(), inner.clone(), inner.clone()).prop_map(|(op, left, right)| {
                expr(ExprKind::Compare { op, left: Box::new(left), right: Box::new(right) })
            }),
            many.clone().prop_map(|it| expr(ExprKind::And(flat(it, true)))),
            many.prop_map(|it| expr(ExprKind::Or(flat(it, false)))),
            (inner.clone(), "[a-z_][a-z0-9-]{0,3}").prop_map(|(target, name)| index(target, Index::Property(name))),
            (inner.clone(), inner.clone()).prop_map(|(target, it)| index(target, Index::Expr(Box::new(it)))),
            inner.clone().prop_map(|target| index(target, Index::Wildcard)),
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|args| expr(ExprKind::Call { function: "format".to_owned(), args })),
            inner.prop_map(|it| expr(ExprKind::Call { function: "toJSON".to_owned(), args: vec![it] })),
        ]
    })
}

fn index(target: Expr, index: Index) -> Expr {
    expr(ExprKind::Index { target: Box::new(target), index })
}

fn flat(operands: Vec<Expr>, and: bool) -> Vec<Expr> {
    let mut all = Vec::new();
    for operand in operands {
        if let (ExprKind::And(inner), true) | (ExprKind::Or(inner), false) = (&operand.kind, and) {
            all.extend(inner.iter().cloned());
        } else {
            all.push(operand);
        }
    }
    all
}

/// A condition over four booleans; each leaf is a call, a comparison, a look-up or a constant.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a.v",
        "b.v",
        "c.v",
        "d.v",
        "a.v == b.v",
        "c.v != true",
        "contains(d.v, 'tru')",
        "true",
        "0",
        "format('{0}', a.v) == 'true'",
        "startsWith(b.v, 't')",
        "(a.v && c.v) == d.v",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|it| format!("!({it})")),
            prop::collection::vec(inner.clone(), 2..5).prop_map(|it| format!("({})", it.join(" && "))),
            prop::collection::vec(inner, 2..5).prop_map(|it| format!("({})", it.join(" || "))),
        ]
    })
}

fn worlds() -> Vec<World> {
    let bit = |world: u8, at: u8| world >> at & 1 == 1;
    (0..16u8)
        .map(|it| {
            let v = |at| json!({"v": bit(it, at)});
            World::new(&json!({"a": v(0), "b": v(1), "c": v(2), "d": v(3)}))
        })
        .collect()
}

/// Finds the part of an expression a trace is about.
fn part<'e>(whole: &'e Expr, trace: &Trace) -> &'e Expr {
    whole.walk().find(|it| it.range == trace.range && it.to_string() == trace.text).expect("a trace is about a part")
}

fn truth(expr: &Expr, world: &World) -> bool {
    evaluate(expr, world).expect("conditions have values").value().is_truthy()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_and_parsing_gives_the_same(expr in any_expr()) {
        let printed = expr.to_string();
        let parsed = parse(&printed, &ALL).map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
        prop_assert_eq!(&parsed, &expr, "{}", printed);
        prop_assert_eq!(parsed.to_string(), printed);
    }

    #[test]
    fn because_is_enough(text in condition()) {
        let expr = parse(&text, &ALL).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let worlds = worlds();
        for world in &worlds {
            let trace = evaluate(&expr, world).expect("conditions have values");
            let verdict = trace.value().is_truthy();
            let reasons: Vec<_> = trace.because().into_iter().map(|it| (part(&expr, it), it.value().is_truthy())).collect();
            prop_assert!(!reasons.is_empty());
            for other in &worlds {
                if reasons.iter().all(|(part, truthy)| truth(part, other) == *truthy) {
                    prop_assert_eq!(truth(&expr, other), verdict, "{}", text);
                }
            }
        }
    }

    #[test]
    fn json_comes_back(value in json_value()) {
        let value = Value::from(value);
        let text = value.to_json();
        let world = World::new(&json!({"a": null}));
        let again = world.value(&format!("fromJSON('{}')", text.replace('\'', "''")));
        prop_assert_eq!(again, value);
    }

    #[test]
    fn numbers_are_read_as_they_are_written(number in any::<f64>()) {
        let once = parse_number(&format_number(number));
        prop_assert_eq!(format_number(once), format_number(number));
    }

    #[test]
    fn equality_is_symmetric(a in literal(), b in literal()) {
        prop_assert_eq!(a.loosely_equals(&b), b.loosely_equals(&a));
    }
}

proptest! {
    // Each case is some ten evaluations; the fuzz targets run far more.
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        try_everything(&text);
    }

    #[test]
    fn no_expression_like_text_panics(pieces in prop::collection::vec(prop::sample::select(vec![
        "a", "github", ".", "x", "[", "]", "(", ")", "*", "'", "''", "'s'", ",", " ", "!", "=", "==", "!=", "<", ">=", "&&", "||", "&",
        "1", "-1", ".5", "0x1F", "1e400", "NaN", "null", "true", "case(", "format(", "fromJSON(", "join(", "contains(", "success()",
        "'{0}'", "'{0:x}{1}'", "'[1,{\"a\":2}]'", "${{", "}}", "é", "😀", "\u{85}", "insert", "hashFiles(",
    ]), 0..24)) {
        try_everything(&pieces.concat());
    }

    #[test]
    fn no_nearly_valid_expression_panics(expr in any_expr(), cut in any::<prop::sample::Index>(), piece in "[()\\[\\].,*!=&|'x0 -]{0,2}", length in 0usize..3) {
        // Something is put in the place of a character or two.
        let printed = expr.to_string();
        let places: Vec<usize> = printed.char_indices().map(|(at, _)| at).chain([printed.len()]).collect();
        let start = cut.index(places.len());
        let end = (start + length).min(places.len() - 1);
        try_everything(&format!("{}{piece}{}", &printed[..places[start]], &printed[places[end]..]));
    }

    #[test]
    fn no_json_like_text_panics(pieces in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ":", ",", "\"", "'", "a", "\"k\"", "1", "-", "0x", "017", "e", ".", "true", "tru", "null", "n", "NaN", "-I",
        "Infinity", "undefined", "//", "/*", "*/", "\n", "\r", "\\", "\\u", "\\ud83d", "00e9", "\0", "é", "😀", "\u{85}", " ", ")", "new",
    ]), 0..24)) {
        evaluated(&pieces.concat());
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|it| json!(it)),
        (-100_000i32..100_000).prop_map(|it| json!(it)),
        any::<String>().prop_map(|it| json!(it)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|it| json!(it)),
            prop::collection::vec(("[a-zé\"\\\\]{0,4}", inner), 0..4)
                .prop_map(|it| serde_json::Value::Object(it.into_iter().collect())),
        ]
    })
}

fn try_everything(text: &str) {
    parsed(text);
    evaluated(text);
}
