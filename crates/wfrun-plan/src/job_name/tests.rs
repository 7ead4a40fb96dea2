//! Source: GitHub: planning rules P4.5, what display names are made of; P5.2, row 40.
use wfrun_expr::{Called, Object};
use wfrun_syntax::Source;
use wfrun_workflow::{Workflow, lower};

use super::*;
use crate::{Expansion, expand};

/// Knows the contexts of one leg.
struct OfLeg<'a>(&'a Expansion, &'a Combination);

impl Scope for OfLeg<'_> {
    fn context(&self, name: &str) -> Value {
        match name {
            "matrix" => self.1.matrix_context(),
            "strategy" => self.0.strategy_context(self.1).into(),
            _ => Value::from(Object::default()),
        }
    }

    fn call(&self, _: &str, _: &[Value]) -> Called {
        Called::NotYet
    }
}

fn workflow(name: &str, matrix: &str) -> Workflow {
    let line = |key: &str, value: &str| if value.is_empty() { String::new() } else { format!("    {key}: {value}\n") };
    let matrix = if matrix.is_empty() { String::new() } else { format!("{{matrix: {matrix}}}") };
    let lines = [line("name", name), line("strategy", &matrix)].concat();
    let text = format!("on: push\njobs:\n  j:\n{lines}    runs-on: x\n    steps: [{{run: x}}]\n");
    let source = Source::new("w.yml", text);
    let lowered = lower(&source, wfrun_syntax::parse(&source).value.as_ref());
    assert!(!lowered.has_errors(), "{:?}", lowered.diagnostics);
    lowered.value
}

fn names(name: &str, matrix: &str) -> Vec<String> {
    let workflow = workflow(name, matrix);
    let job = workflow.job("j").expect("it is there");
    let expansion = expand(job.strategy.as_ref(), &OfLeg(&Expansion::single(), &Combination::default())).unwrap();
    let name = |leg| job_name(job, leg, &OfLeg(&expansion, leg)).unwrap_or_else(|err| format!("error: {err}"));
    expansion.combinations.iter().map(name).collect()
}

#[test]
fn names_of_legs() {
    for (name, matrix, expected) in [
        ("", "", &["j"][..]),
        ("n", "", &["n"]),
        ("n", "{v: [1], w: [true]}", &["n (1, true)"]),
        ("''", "{v: [1]}", &["j (1)"]),
        ("${{ 'n' }}", "{v: [1]}", &["n (1)"]),
        ("", "{os: [ubuntu-latest], node: [20]}", &["j (ubuntu-latest, 20)"]),
        ("", "{v: [null, '', ' ', x]}", &["j", "j", "j ( )", "j (x)"]),
        (
            "",
            "{v: [1.10, 0x1F, 1e21, -0.0, 0.1234567890123456, .nan, 1e-5]}",
            &["j (1.1)", "j (31)", "j (1E+21)", "j (0)", "j (0.123456789012346)", "j (NaN)", "j (1E-05)"],
        ),
        ("", "{v: [True, 'True']}", &["j (true)", "j (True)"]),
        ("", "{v: [{a: {b: 1, c: [2, null, 3]}, d: ''}], w: [[4, [5]]]}", &["j (1, 2, 3, 4, 5)"]),
        ("", "{v: [{}, []]}", &["j", "j"]),
        ("", "{a: [1], include: [{b: 2}, {a: 3, b: 4}]}", &["j (1)", "j (3, 4)"]),
        ("", "{a: [1], exclude: [{a: 1}]}", &["j"]),
        ("'${{ matrix.a }} of ${{ strategy.job-total }}'", "{a: [1, 2]}", &["1 of 2", "2 of 2"]),
        ("'${{ matrix.b }}'", "{a: [1]}", &["j (1)"]),
        (
            "'${{ matrix.a }}'",
            "{a: [[1], {b: 1}]}",
            &["error: A sequence was not expected", "error: A mapping was not expected"],
        ),
        ("'${{ matrix.a }}'", "{a: [true, 1.50]}", &["true", "1.5"]),
        ("'${{ fromJSON(matrix.a) }}'", "{a: ['7']}", &["7"]),
    ] {
        assert_eq!(names(name, matrix), expected, "{name} {matrix}");
    }
}

#[test]
fn long_names_are_cut() {
    let x = |count: usize| "x".repeat(count);
    assert_eq!(names("", &format!("{{v: [{}]}}", x(96))), [format!("j ({})", x(96))], "100 units stay");
    assert_eq!(names("", &format!("{{v: [{}]}}", x(97))), [format!("j ({}...", x(94))]);
    assert_eq!(names(&x(101), ""), [format!("{}...", x(97))]);
    let name = names(&format!("${{{{ '{}' }}}}${{{{ 1 }}}}", x(101)), "");
    assert_eq!(name, [format!("{}1", x(101))], "what an expression gives stays whole");
    // U+1D11E has two units, and the cut falls between them.
    assert_eq!(names(&format!("{}\u{1d11e}{}", x(96), x(9)), ""), [format!("{}\u{fffd}...", x(96))]);
    assert_eq!(names(&format!("{}\u{e9}{}", x(96), x(3)), ""), [format!("{}\u{e9}xxx", x(96))]);
}

#[test]
fn called_workflows() {
    assert_eq!(called_name("deploy (eu)", "build"), "deploy (eu) / build");
    assert_eq!(called_name(&called_name("a", "b"), "c"), "a / b / c");
}

#[test]
fn keys() {
    let leg = |labels: &[&str]| Combination {
        labels: labels.iter().map(|it| (*it).to_owned()).collect(),
        ..Combination::default()
    };
    let mut keys = JobKeys::new();
    let mut key = |id: &str, labels: &[&str]| keys.leg(None, &JobId::new(id), &leg(labels)).to_string();
    assert_eq!(key("test", &[]), "test");
    assert_eq!(key("t", &["ubuntu-latest", "20"]), "t (ubuntu-latest, 20)");
    assert_eq!(key("t", &["a", "b"]), "t (a, b)");
    assert_eq!(key("t", &["a, b"]), "t (a, b) #2");
    assert_eq!(key("t", &["a", "b"]), "t (a, b) #3");
    assert_eq!(key("t", &["A", "b"]), "t (A, b)");
    let long = "x".repeat(200);
    let first = key("t", &[&long, "1"]);
    assert_eq!(key("t", &[&long, "2"]), format!("{first} #2"));
    let caller = JobKey::new("call (eu)");
    let mut called = |labels: &[&str]| keys.leg(Some(&caller), &JobId::new("build"), &leg(labels)).to_string();
    assert_eq!(called(&[]), "call (eu) / build");
    assert_eq!(called(&["1"]), "call (eu) / build (1)");
    assert_eq!(called(&["1"]), "call (eu) / build (1) #2");
}
