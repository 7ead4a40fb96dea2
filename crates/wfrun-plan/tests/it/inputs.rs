//! The inputs of a run by hand.
use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use wfrun_plan::{call_inputs, dispatch_inputs};

use crate::workflow;

/// `inputs` and `github.event.inputs`, or what is wrong.
fn check(event: &str, specs: &str, given: &[(&str, &str)]) -> Json {
    let workflow = workflow(&format!(
        "on: {{{event}: {{inputs: {{{specs}}}}}}}\njobs: {{j: {{runs-on: x, steps: [{{run: x}}]}}}}\n"
    ));
    let given: IndexMap<String, String> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let specs = &workflow.on.event(event).expect("the event").inputs;
    let made = if event == "workflow_call" { call_inputs(specs, &given) } else { dispatch_inputs(specs, &given) };
    match made {
        Ok(made) => json!([made.context, made.event]),
        Err(err) => json!(err.to_string()),
    }
}

/// Source: GitHub: planning rules 2.6, and the difference 39.
#[test]
fn by_hand() {
    let all = "s: , b: {type: boolean}, n: {type: number}, c: {type: choice, options: [p, q]}, e: {type: environment}";
    let absent = json!([
        {"s": "", "b": false, "n": "", "c": "p", "e": ""},
        {"s": "", "b": "false", "n": "", "c": "p", "e": ""},
    ]);
    let given = json!([
        {"s": "x", "b": true, "n": "0x1F", "c": "q", "e": "prod"},
        {"s": "x", "b": "true", "n": "0x1F", "c": "q", "e": "prod"},
    ]);
    let words = [("S", "x"), ("b", "true"), ("n", "0x1F"), ("c", "q"), ("e", "prod")];
    let defaults = "s: {default: a}, b: {type: boolean, default: true}, n: {type: number, default: 1.50}, r: {required: true, default: z}";
    for (specs, values, expected) in [
        (all, &[][..], absent),
        (all, &words[..], given),
        (
            defaults,
            &[],
            json!([{"s": "a", "b": true, "n": "1.5", "r": "z"}, {"s": "a", "b": "true", "n": "1.5", "r": "z"}]),
        ),
        (all, &[("x", "1")], json!("the workflow has no input `x`")),
        (all, &[("b", "yes")], json!("input `b` is `yes`")),
        (all, &[("b", "")], json!("input `b` is ``")),
        (all, &[("n", "many")], json!("input `n` is `many`")),
        (all, &[("c", "zzz")], json!("input `c` is `zzz`")),
        ("n: {type: number, required: true}", &[], json!("input `n` is required")),
    ] {
        assert_eq!(check("workflow_dispatch", specs, values), expected, "{specs} {values:?}");
    }
}

/// Source: GitHub: planning rules 2.7.
#[test]
fn by_a_call() {
    let all = "s: {type: string}, b: {type: boolean}, n: {type: number}";
    let context = |values: &[(&str, &str)]| check("workflow_call", all, values)[0].clone();
    assert_eq!(context(&[]), json!({"s": "", "b": false, "n": 0}));
    assert_eq!(context(&[("n", "7"), ("b", "true")]), json!({"s": "", "b": true, "n": 7}));
}
