//! Source: GitHub: planning rules P1.4.
use wfrun_expr::Called;
use wfrun_syntax::Source;
use wfrun_workflow::lower;

use super::*;

/// `vars.M` is the JSON of a case, and `vars.T` a text.
struct Vars(&'static str);

impl Scope for Vars {
    fn context(&self, _: &str) -> Value {
        let members = [("M", Value::from(self.0)), ("T", Value::from("text"))];
        Value::from(members.into_iter().collect::<Object>())
    }

    fn call(&self, _: &str, _: &[Value]) -> Called {
        Called::NotYet
    }
}

/// Any value may stand in a vector's item, so one is read from there.
fn value_of(item: &str, vars: &'static str) -> Result<String, (String, String)> {
    let text =
        format!("on: push\njobs: {{j: {{strategy: {{matrix: {{v: {item}}}}}, runs-on: x, steps: [{{run: x}}]}}}}\n");
    let source = Source::new("w.yml", text);
    let lowered = lower(&source, wfrun_syntax::parse(&source).value.as_ref());
    let strategy = lowered.value.job("j").and_then(|it| it.strategy.as_ref()).expect("it is there");
    let token = strategy.matrix.as_ref().and_then(|it| it.get("v")).expect("it is there");
    let json = |it: Value| it.to_json().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    token_value(token, &Vars(vars)).map(json).map_err(|it| (source.slice(it.span).to_owned(), it.to_string()))
}

const M: &str = "${{ fromJSON(vars.M) }}";

#[test]
fn values() {
    for (item, vars, expected) in [
        ("[null, ~, true, 1.10, 0x10, '1', x]".to_owned(), "", r#"[ null, null, true, 1.1, 16, "1", "x" ]"#),
        (format!("['{M}']"), "null", "[ null ]"),
        (format!("['{M}', '{M}']"), "1.5", "[ 1.5, 1.5 ]"),
        (format!("['{M}']"), "true", "[ true ]"),
        (format!("['a {M}']"), "1.50", r#"[ "a 1.5" ]"#),
        (format!("'{M}'"), "[1]", "[ 1 ]"),
        (format!("[0, '{M}', 3]"), "[1, 2]", "[ 0, 1, 2, 3 ]"),
        (format!("['{M}']"), "[]", "[]"),
        // What is spliced is not spliced once more.
        (format!("['{M}']"), "[[1], 2]", "[ [ 1 ], 2 ]"),
        (format!("[['{M}'], {{a: '{M}'}}]"), "[1]", r#"[ [ 1 ], { "a": [ 1 ] } ]"#),
        ("[{'${{ vars.T }}': 1, b: 2}]".to_owned(), "", r#"[ { "text": 1, "b": 2 } ]"#),
        (format!("[{{'{M}': 1}}]"), "1.50", r#"[ { "1.5": 1 } ]"#),
        (format!("[{{'{M}': 1}}]"), "null", r#"[ { "": 1 } ]"#),
        (
            format!("[{{a: 1, '${{{{ insert }}}}': '{M}', z: 2}}]"),
            r#"{"b": [3]}"#,
            r#"[ { "a": 1, "b": [ 3 ], "z": 2 } ]"#,
        ),
        (format!("[{{'${{{{ insert }}}}': {{b: '{M}'}}, z: 2}}]"), "4", r#"[ { "b": 4, "z": 2 } ]"#),
        (format!("[{{'${{{{ insert }}}}': '{M}'}}]"), "{}", "[ {} ]"),
    ] {
        assert_eq!(value_of(&item, vars), Ok(expected.to_owned()), "{item} with {vars}");
    }
}

#[test]
fn errors_have_their_places() {
    for (item, vars, place, expected) in [
        (format!("[{{'{M}': 1}}]"), "[]", format!("'{M}'"), "Expected a string"),
        (format!("[{{a: 1, '{M}': 2}}]"), "\"A\"", format!("'{M}'"), "'A' is already defined"),
        (format!("[{{'${{{{ insert }}}}': '{M}'}}]"), "[]", format!("'{M}'"), "Expected a mapping"),
        (format!("[{{a: 1, '${{{{ insert }}}}': '{M}'}}]"), r#"{"A": 1}"#, format!("'{M}'"), "'A' is already defined"),
        (
            "['${{ format(vars.M) }}']".to_owned(),
            "{0",
            "'${{ format(vars.M) }}'".to_owned(),
            "The following format string is invalid: {0",
        ),
    ] {
        assert_eq!(value_of(&item, vars), Err((place, expected.to_owned())), "{item} with {vars}");
    }
}

#[test]
fn depth_is_bounded() {
    // The expression is a level, too.
    for (levels, fits) in [(48, true), (49, false)] {
        let json: &'static str = format!("{}1{}", "[".repeat(levels), "]".repeat(levels)).leak();
        let found = value_of(&format!("'{M}'"), json);
        let err = found.as_ref().err().map(|(_, text)| text.as_str());
        assert_eq!(err, (!fits).then_some("Maximum object depth exceeded"), "{levels} levels");
    }
}

#[test]
fn size_is_bounded() {
    let json: &'static str = format!("[{}]", vec!["1"; 100_000].join(",")).leak();
    let found = value_of(&format!("[{}]", vec![format!("'{M}'"); 1_000].join(",")), json);
    assert_eq!(found.map_err(|(_, text)| text), Err("Maximum object size exceeded".to_owned()));
}
