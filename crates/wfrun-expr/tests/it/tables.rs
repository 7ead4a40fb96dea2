//! Our own tables of the documented rules, in `testdata/expr`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value as Json;
use wfrun_expr::EvalError;

use crate::world::World;

/// A file: contexts all rows share, and rows of expression and `toJSON` of the result, or the error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    source: String,
    #[serde(default)]
    contexts: Json,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Row {
    Value(String, Json),
    Error { expr: String, error: String },
}

#[expect(clippy::disallowed_methods, reason = "a test reads its tables")]
fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/expr").join(name);
    let text = std::fs::read_to_string(&path).expect("the table can be read");
    let table: Table = serde_json::from_str(&text).expect("the table is well-formed");
    assert!(table.source.starts_with("GitHub: "), "every table names its source");
    let world = World::new(&table.contexts);
    for row in &table.rows {
        match row {
            Row::Value(expr, expected) => {
                let found = Json::from(&world.value(expr));
                assert_eq!(&found, expected, "{name}: {expr}");
            }
            Row::Error { expr, error } => {
                let found = match world.parse(expr) {
                    Err(found) => found.to_string(),
                    Ok(_) => world.eval(expr).map_or_else(|it| it.to_string(), |it| it.value().to_string()),
                };
                assert_eq!(&found, error, "{name}: {expr}");
            }
        }
    }
}

#[test]
fn coercions() {
    check("coercions.json");
}

#[test]
fn comparisons() {
    check("comparisons.json");
}

#[test]
fn filters() {
    check("filters.json");
}

#[test]
fn functions() {
    check("functions.json");
}

#[test]
fn json() {
    check("json.json");
}

#[test]
fn syntax() {
    check("syntax.json");
}

#[test]
fn limits() {
    let world = World::empty();
    let long = format!("'{}'", "é".repeat(20_998));
    assert_eq!(world.value(&long).to_text().chars().count(), 20_998);
    let error = world.parse(&format!("{long} ")).expect_err("one unit too many");
    assert_eq!((error.to_string().as_str(), error.kind.is_lexing()), ("Exceeded max expression length 21000", true));
    // Brackets are no levels, and many of them no danger.
    assert_eq!(world.value(&format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000))).to_text(), "1");
    let error = world.parse(&format!("{}1", "!".repeat(20_999))).expect_err("too deep");
    assert_eq!((error.to_string().as_str(), error.kind.is_lexing()), ("Exceeded max expression depth 50", false));
    let error = world.parse(&"(".repeat(21_000)).expect_err("never closed");
    assert!(error.message.starts_with("Unexpected end of expression: '('. Located at position 21000 "));
    // Each level multiplies by ten.
    let tenfold = |inner: &str| format!("format('{}', {inner})", "{0}".repeat(10));
    let bomb = (0..8).fold("'0123456789'".to_owned(), |inner, _| tenfold(&inner));
    let error = world.eval(&bomb).expect_err("a gigabyte");
    assert!(matches!(error, EvalError::Memory { .. }), "{error}");
    assert!(error.to_string().starts_with(
        "The maximum allowed memory size was exceeded while evaluating the following expression: format("
    ));
}

/// Source: GitHub: `EvaluationMemory` and `MemoryCounter` of actions/runner; the limit is 1,048,576 bytes.
#[test]
fn memory_is_counted_as_github_counts_it() {
    // 26 bytes and two for each character; data of a context 24 more, as it is kept and used.
    let text = |units: usize| serde_json::json!({"a": {"b": "x".repeat(units)}});
    let exactly = (1_048_576 - 26 - 24 - 24 - 28) / 2;
    for (contexts, expr, fits, names) in [
        (text(exactly), "a.b", true, ""),
        (text(exactly + 1), "a.b", false, "a.b"),
        (text(exactly + 1), "true && a['b'] == 1", false, "(true && (a.b == 1))"),
        // What parts took is free again once a primitive was made of it.
        (text(300_000), "contains(a.b, 'y') || contains(a.b, 'z')", true, ""),
        (text(300_000), "a.b == a.b", false, "(a.b == a.b)"),
        // What a function makes while it works counts by itself, and names the call.
        (text(260_000), "1 == format('{0}{0}{0}', a.b)", false, "format('{0}{0}{0}', a.b)"),
        (text(175_000), "!toJSON(a.*)", true, ""),
        (text(500_000), "!toJSON(fromJSON(format('[\"{0}\"]', a.b)))", true, ""),
        (json_list(18_000), "join(a)", true, ""),
        (json_list(19_500), "!join(a)", false, "join(a)"),
        (json_list(15_000), "toJSON(a)", true, ""),
        (json_list(30_000), "!toJSON(a)", false, "toJSON(a)"),
        (json_list(130_000), "a.*", true, ""),
        (json_list(132_000), "!a.*", false, "a.*"),
    ] {
        let found = World::new(&contexts).eval(expr).map(|_| ()).map_err(|it| it.to_string());
        let expected = if fits {
            Ok(())
        } else {
            let what = "The maximum allowed memory size was exceeded while evaluating the following expression";
            Err(format!("{what}: {names}"))
        };
        assert_eq!(found, expected, "{expr}");
    }
}

fn json_list(len: usize) -> Json {
    serde_json::json!({"a": vec![0; len]})
}

#[test]
fn a_function_that_needs_io_is_asked_for() {
    let world = World::empty();
    let error = world.eval("false || hashFiles('a', format('{0}', 'b'))").expect_err("not known yet");
    let args = vec!["a".into(), "b".into()];
    assert_eq!(error, EvalError::NotYet { function: "hashFiles".to_owned(), args });
    assert_eq!(world.value("true || hashFiles('a')").to_text(), "true");
}

#[test]
fn identity_is_what_collections_are_compared_by() {
    let world = World::new(&serde_json::json!({"github": {"a": [1]}, "env": {}}));
    for (expr, expected) in [
        ("github == github", true),
        ("GitHub.a == github['A']", true),
        ("github != github", false),
        ("github >= github", true),
        ("github < github", false),
        ("env == github", false),
        ("fromJSON('[]') == fromJSON('[]')", false),
        ("contains(fromJSON('[[1]]'), fromJSON('[1]'))", false),
    ] {
        assert_eq!(world.value(expr).as_bool(), Some(expected), "{expr}");
    }
}

#[test]
fn the_env_context_can_distinguish_case() {
    let upper = wfrun_expr::Object::case_sensitive([("A".to_owned(), 1.0.into()), ("a".to_owned(), 2.0.into())]);
    assert_eq!(upper.get("a").map(wfrun_expr::Value::to_text).as_deref(), Some("2"));
    assert_eq!(upper.len(), 2);
    let folded: wfrun_expr::Object = [("A", 1.0.into()), ("a", 2.0.into())].into_iter().collect();
    assert_eq!(folded.iter().map(|(key, it)| (key, it.to_text())).collect::<Vec<_>>(), [("A", "2".to_owned())]);
}
