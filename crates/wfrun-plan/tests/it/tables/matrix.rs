//! Source: GitHub: planning rules 4.5. How values are compared, and expressions in every part, are in
//! `src/matrix/tests.rs`; more of names in `src/job_name/tests.rs`.
use wfrun_expr::{Called, Object, Scope, Value};
use wfrun_plan::{Combination, ExpandError, Expansion, called_name, expand, job_name};
use wfrun_workflow::{Job, Workflow, lower};

/// The contexts of one leg, or before there are legs; `vars.M` is what stands in a row.
struct Contexts<'a> {
    vars: &'a str,
    leg: Option<(&'a Expansion, &'a Combination)>,
}

impl Scope for Contexts<'_> {
    fn context(&self, name: &str) -> Value {
        match (name, self.leg) {
            ("matrix", Some((_, leg))) => leg.matrix_context(),
            ("strategy", Some((expansion, leg))) => expansion.strategy_context(leg).into(),
            ("vars", _) => Value::from([("M", Value::from(self.vars))].into_iter().collect::<Object>()),
            _ => Object::default().into(),
        }
    }

    fn call(&self, _: &str, _: &[Value]) -> Called {
        Called::NotYet
    }
}

fn text(more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!("    {more}\n") };
    format!("on: push\njobs:\n  j:\n{more}    runs-on: x\n    steps: [{{run: x}}]\n")
}

fn workflow(more: &str) -> Workflow {
    let source = wfrun_syntax::Source::new("w.yml", text(more));
    let lowered = lower(&source, wfrun_syntax::parse(&source).value.as_ref());
    assert!(!lowered.has_errors(), "{more}: {:?}", lowered.diagnostics);
    lowered.value
}

fn job(workflow: &Workflow) -> &Job {
    workflow.job("j").expect("it is there")
}

fn try_expand(more: &str, vars: &str) -> Result<Expansion, String> {
    let workflow = workflow(more);
    let expansion = expand(job(&workflow).strategy.as_ref(), &Contexts { vars, leg: None });
    expansion.map_err(|err: ExpandError| err.github_text("j", &workflow.source).unwrap_or_default())
}

fn one_line(value: &Value) -> String {
    let lines: Vec<String> = value.to_json().lines().map(|it| it.trim().to_owned()).collect();
    lines.join(" ").replace("{ ", "{").replace(" }", "}")
}

/// Each leg as `display name | matrix`; `more` is what else is below the job.
fn legs_of(more: &str) -> Vec<String> {
    let workflow = workflow(more);
    let job = job(&workflow);
    let expansion = expand(job.strategy.as_ref(), &Contexts { vars: "", leg: None }).expect("it expands");
    let show = |leg: &Combination| {
        let name = job_name(job, leg, &Contexts { vars: "", leg: Some((&expansion, leg)) }).expect("a name");
        format!("{name} | {}", one_line(&leg.matrix_context()))
    };
    expansion.combinations.iter().map(show).collect()
}

#[track_caller]
fn check(row: &str, matrix: &str, expected: &[&str]) {
    assert_eq!(legs_of(&format!("strategy: {{matrix: {matrix}}}")), expected, "{row}: {matrix}");
}

/// The lines of the pseudo-code, one after the other.
#[test]
fn the_steps_of_the_expansion() {
    for (line, matrix, expected) in [
        (
            "product: first-declared vector varies slowest, last fastest",
            "{b: [1, 2], a: [x, y]}",
            &[
                r#"j (1, x) | {"b": 1, "a": "x"}"#,
                r#"j (1, y) | {"b": 1, "a": "y"}"#,
                r#"j (2, x) | {"b": 2, "a": "x"}"#,
                r#"j (2, y) | {"b": 2, "a": "y"}"#,
            ][..],
        ),
        (
            "V: keys other than exactly `include`, `exclude`",
            "{Include: [1], EXCLUDE: [2]}",
            &[r#"j (1, 2) | {"Include": 1, "EXCLUDE": 2}"#],
        ),
        (
            "if any exclude filter matches combo: drop",
            "{a: [1, 2, 3], exclude: [{a: 9}, {a: 2}]}",
            &[r#"j (1) | {"a": 1}"#, r#"j (3) | {"a": 3}"#],
        ),
        ("key lookup ignores case", "{a: [1, 2], exclude: [{A: 2}]}", &[r#"j (1) | {"a": 1}"#]),
        (
            "excluded combos are never offered to include",
            "{a: [1, 2], exclude: [{a: 2}], include: [{a: 2, x: 0}]}",
            &[r#"j (1) | {"a": 1}"#, r#"j (2, 0) | {"a": 2, "x": 0}"#],
        ),
        (
            "for inc in include (in order)",
            "{a: [1], include: [{x: p}, {y: q}]}",
            &[r#"j (1) | {"a": 1, "x": "p", "y": "q"}"#],
        ),
        (
            "if all leaf tests of filter(inc) hold",
            "{a: [1], b: [1, 2], include: [{a: 1, b: 2, x: p}]}",
            &[r#"j (1, 1) | {"a": 1, "b": 1}"#, r#"j (1, 2) | {"a": 1, "b": 2, "x": "p"}"#],
        ),
        (
            "on the ORIGINAL combo",
            "{a: [1], include: [{x: p}, {a: 1, x: q}, {x: r, y: s}]}",
            &[r#"j (1) | {"a": 1, "x": "r", "y": "s"}"#],
        ),
        (
            "empty filter holds always",
            "{a: [1, 2], include: [{x: p}]}",
            &[r#"j (1) | {"a": 1, "x": "p"}"#, r#"j (2) | {"a": 2, "x": "p"}"#],
        ),
        (
            "a later include may overwrite an earlier include's extras",
            "{a: [1], include: [{x: p}, {x: q}]}",
            &[r#"j (1) | {"a": 1, "x": "q"}"#],
        ),
        ("job name from combo values only", "{a: [1], include: [{a: 1, x: p}]}", &[r#"j (1) | {"a": 1, "x": "p"}"#]),
        (
            "unused includes: appended in order, after all combos",
            "{a: [1], include: [{a: 3}, {a: 1, x: p}, {a: 2}]}",
            &[r#"j (1) | {"a": 1, "x": "p"}"#, r#"j (3) | {"a": 3}"#, r#"j (2) | {"a": 2}"#],
        ),
        (
            "matrix = filter(inc) keys, then extras(inc) keys",
            "{a: [1], b: [1], include: [{x: p, b: 3, y: q, a: 2}]}",
            &[r#"j (1, 1) | {"a": 1, "b": 1}"#, r#"j (3, 2, p, q) | {"b": 3, "a": 2, "x": "p", "y": "q"}"#],
        ),
        (
            "not merged with each other",
            "{a: [1], include: [{a: 2}, {a: 2, x: p}]}",
            &[r#"j (1) | {"a": 1}"#, r#"j (2) | {"a": 2}"#, r#"j (2, p) | {"a": 2, "x": "p"}"#],
        ),
    ] {
        check(line, matrix, expected);
    }
}

/// "Filter test", sentence by sentence.
#[test]
fn filters() {
    for (sentence, matrix, expected) in [
        (
            "partial on nested maps",
            "{v: [{n: 1, m: 2}, {n: 2}], exclude: [{v: {n: 1}}]}",
            &[r#"j (2) | {"v": {"n": 2}}"#][..],
        ),
        ("prefix on sequences", "{v: [[1, 2], [2, 1]], exclude: [{v: [1]}]}", &[r#"j (2, 1) | {"v": [ 2, 1 ]}"#]),
        ("'14' equals 14", "{v: [14, 15], exclude: [{v: '14'}]}", &[r#"j (15) | {"v": 15}"#]),
        ("LINUX equals linux", "{v: [linux, mac], exclude: [{v: LINUX}]}", &[r#"j (mac) | {"v": "mac"}"#]),
        ("'' equals 0, false and null", "{v: [0, false, null, 1], exclude: [{v: ''}]}", &[r#"j (1) | {"v": 1}"#]),
        ("a filter with no leaves: {v: {}}", "{v: [1, 2], exclude: [{v: {}}]}", &["j | null"]),
        ("a filter with no leaves: {v: []}", "{v: [1, 2], exclude: [{v: []}]}", &["j | null"]),
        (
            "original vector values are never overwritten",
            "{v: [14], include: [{v: '14', x: p}]}",
            &[r#"j (14) | {"v": 14, "x": "p"}"#],
        ),
    ] {
        check(sentence, matrix, expected);
    }
}

/// Table 1, "Error", what is found before the run: the message and the text that it points at.
#[test]
fn errors_of_literals() {
    for (error, matrix, at) in [
        ("Matrix must define at least one vector", "{}", "{}"),
        ("Matrix must define at least one vector", "{include: []}", "{include: []}"),
        ("Matrix vector 'x' does not contain any values", "{x: []}", "[]"),
        ("Matrix exclude key 'k' does not match any key within the matrix", "{a: [1], exclude: [{k: 1}]}", "k"),
        ("Matrix exclude filter must not be empty", "{a: [1], exclude: [{}]}", "{}"),
        ("Matrix include mapping does not contain any values", "{a: [1], include: [{}]}", "{}"),
        ("Unexpected value '1'", "{a: 1}", "1"),
        ("A mapping was not expected", "{a: {b: 1}}", "{b: 1}"),
    ] {
        let source = wfrun_syntax::Source::new("w.yml", text(&format!("strategy: {{matrix: {matrix}}}")));
        let lowered = lower(&source, wfrun_syntax::parse(&source).value.as_ref());
        let found = lowered.diagnostics.iter().filter(|it| it.is_error());
        let found: Vec<_> = found
            .map(|it| (it.message.as_str(), it.place.as_ref().map_or("", |place| source.slice(place.span))))
            .collect();
        assert_eq!(found, [(error, at)], "{matrix}");
    }
}

/// Table 1, "Error", what the run finds in what an expression gives.
#[test]
fn errors_of_expressions() {
    let m = "'${{ fromJSON(vars.M) }}'";
    for (error, matrix, vars, column) in [
        ("Matrix must define at least one vector", m, "{}", 24),
        ("Matrix must define at least one vector", m, r#"{"include": []}"#, 24),
        ("Matrix vector 'x' does not contain any values", "{x: M}", "[]", 28),
        ("Matrix exclude key 'k' does not match any key within the matrix", "{a: M, exclude: [{k: 1}]}", "[1]", 66),
        ("Matrix exclude filter must not be empty", "{a: [1], exclude: [M]}", "[{}]", 43),
        ("Matrix include mapping does not contain any values", "{a: [1], include: [M]}", "[{}]", 43),
        ("Unexpected value '1'", "{a: M}", "1", 28),
        ("A mapping was not expected", "{a: M}", "{}", 28),
    ] {
        let strategy =
            format!("strategy: {{matrix: {}}}", if matrix == m { m.to_owned() } else { matrix.replace('M', m) });
        let expected = format!("Error when evaluating 'strategy' for job 'j'. w.yml (Line: 4, Col: {column}): {error}");
        assert_eq!(try_expand(&strategy, vars), Err(expected), "{strategy} with {vars}");
    }
}

/// Table 2, "Case".
#[test]
fn cases() {
    let context = |more: &str| -> Vec<String> {
        let expansion = try_expand(more, "").expect("it expands");
        expansion.combinations.iter().map(|it| one_line(&expansion.strategy_context(it).into())).collect()
    };
    let strategy = |at: usize, total: usize, parallel: usize| {
        format!(r#"{{"fail-fast": true, "job-index": {at}, "job-total": {total}, "max-parallel": {parallel}}}"#)
    };
    for more in ["", "strategy: {}"] {
        assert_eq!(legs_of(more), ["j | null"], "no strategy / no matrix");
        assert_eq!(context(more), [strategy(0, 1, 1)], "no strategy / no matrix");
    }
    check("all combos excluded, no include", "{a: [1, 2], exclude: [{a: 1}, {a: 2}]}", &["j | null"]);
    check("only include", "{include: [{a: 1}, {a: 2}]}", &[r#"j (1) | {"a": 1}"#, r#"j (2) | {"a": 2}"#]);
    let values = |count: usize| (0..count).map(|it| it.to_string()).collect::<Vec<_>>().join(", ");
    let many = |count: usize| try_expand(&format!("strategy: {{matrix: {{a: [{}]}}}}", values(count)), "");
    assert_eq!(many(256).map(|it| it.combinations.len()), Ok(256), "> 256 jobs");
    assert!(many(257).is_err_and(|it| it.contains("exceeds the maximum of 256")), "> 256 jobs");
    for limit in ["", ", max-parallel: 0", ", max-parallel: -1"] {
        let more = format!("strategy: {{matrix: {{a: [1, 2, 3]}}{limit}}}");
        let expected = [strategy(0, 3, 3), strategy(1, 3, 3), strategy(2, 3, 3)];
        assert_eq!(context(&more), expected, "max-parallel <= 0 or absent: {more}");
    }
    let more = "strategy: {matrix: {a: [1, 2, 3], exclude: [{a: 1}], include: [{a: 9}]}}";
    assert_eq!(legs_of(more), [r#"j (2) | {"a": 2}"#, r#"j (3) | {"a": 3}"#, r#"j (9) | {"a": 9}"#]);
    let expected = [strategy(0, 3, 3), strategy(1, 3, 3), strategy(2, 3, 3)];
    assert_eq!(context(more), expected, "job-index / job-total");
}

/// Worked example 1, a row each.
#[test]
fn worked_example_1() {
    check(
        "example 1",
        "{fruit: [apple, pear], animal: [cat, dog], include: [{color: green}, {color: pink, animal: cat}, \
         {fruit: apple, shape: circle}, {fruit: banana}, {fruit: banana, animal: cat}]}",
        &[
            r#"j (apple, cat) | {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"}"#,
            r#"j (apple, dog) | {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"}"#,
            r#"j (pear, cat) | {"fruit": "pear", "animal": "cat", "color": "pink"}"#,
            r#"j (pear, dog) | {"fruit": "pear", "animal": "dog", "color": "green"}"#,
            r#"j (banana) | {"fruit": "banana"}"#,
            r#"j (banana, cat) | {"fruit": "banana", "animal": "cat"}"#,
        ],
    );
}

/// Worked examples 2 to 6.
#[test]
fn worked_examples() {
    for (row, matrix, expected) in [
        (
            "example 2",
            "{os: [linux, mac], n: [12, 14], include: [{os: LINUX, n: '12', extra: y}], exclude: [{os: MAC, n: '14'}]}",
            &[
                r#"j (linux, 12) | {"os": "linux", "n": 12, "extra": "y"}"#,
                r#"j (linux, 14) | {"os": "linux", "n": 14}"#,
                r#"j (mac, 12) | {"os": "mac", "n": 12}"#,
            ][..],
        ),
        (
            "example 3",
            "{v: [{n: 1, m: 2}, {n: 3, m: 4}], exclude: [{v: {n: 1}}]}",
            &[r#"j (3, 4) | {"v": {"n": 3, "m": 4}}"#],
        ),
        ("example 4", "{a: [1], exclude: [{a: 1}], include: [{a: 1, b: 2}]}", &[r#"j (1, 2) | {"a": 1, "b": 2}"#]),
        (
            "example 5",
            "{a: [1, 2], include: [{b: x}, {b: y}]}",
            &[r#"j (1) | {"a": 1, "b": "y"}"#, r#"j (2) | {"a": 2, "b": "y"}"#],
        ),
        ("example 6", "{a: [1], include: [{A: 1, c: z}]}", &[r#"j (1) | {"a": 1, "c": "z"}"#]),
    ] {
        check(row, matrix, expected);
    }
}

/// "Job display name", sentence by sentence.
#[test]
fn display_names() {
    let x = |count: usize| "x".repeat(count);
    let long = format!("name: {}", x(101));
    let cut = format!("{}...", x(97));
    for (sentence, more, expected) in [
        ("base = job `name` if it is a literal", "name: n", &["n"][..]),
        ("else the id", "", &["j"]),
        (
            "suffix of all scalar leaves, depth-first",
            "strategy: {matrix: {v: [{a: 1, b: [2, {c: 3}]}], w: [4]}}",
            &["j (1, 2, 3, 4)"],
        ),
        (
            "for unmatched includes: all values",
            "strategy: {matrix: {a: [1], include: [{a: 2, b: 3}]}}",
            &["j (1)", "j (2, 3)"],
        ),
        ("null and empty skipped", "strategy: {matrix: {a: [null, '', 1], b: [x]}}", &["j (x)", "j (x)", "j (1, x)"]),
        ("bool lower-case", "strategy: {matrix: {a: [True, FALSE]}}", &["j (true)", "j (false)"]),
        (
            "numbers G15",
            "strategy: {matrix: {a: [1.50, 1e20, 0.1234567890123456]}}",
            &["j (1.5)", "j (1E+20)", "j (0.123456789012346)"],
        ),
        ("over 100 chars: first 97 + ...", &long, &[&cut]),
        (
            "an expression: evaluated with `matrix`, no suffix",
            "name: 'n ${{ matrix.a }}', strategy: x",
            &["n 1", "n 2"],
        ),
        ("empty result: the default", "name: '${{ matrix.b }}', strategy: x", &["j (1)", "j (2)"]),
    ] {
        let more = more.replace(", strategy: x", "\n    strategy: {matrix: {a: [1, 2]}}");
        let names = legs_of(&more);
        let names: Vec<&str> = names.iter().map(|it| it.split(" | ").next().unwrap_or_default()).collect();
        assert_eq!(names, expected, "{sentence}: {more}");
    }
    assert_eq!(called_name("caller", "callee"), "caller / callee", "called workflows");
    assert_eq!(called_name(&called_name("a", "b"), "c"), "a / b / c", "nested");
}
