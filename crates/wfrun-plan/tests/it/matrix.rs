//! Complete workflows: what their legs are called, and what a step that prints sees.
//!
//! Source: GitHub: planning rules P5.2, rows 29, 30, 31 and 40.
use wfrun_expr::{Called, Object, Scope, Value};
use wfrun_plan::{Combination, Expansion, JobKeys, expand, job_name};

use super::workflow;

/// The contexts of one leg, or before there are legs.
struct Contexts<'a>(Option<(&'a Expansion, &'a Combination)>);

impl Scope for Contexts<'_> {
    fn context(&self, name: &str) -> Value {
        match (name, self.0) {
            ("matrix", Some((_, leg))) => leg.matrix_context(),
            ("strategy", Some((expansion, leg))) => expansion.strategy_context(leg).into(),
            _ => Object::default().into(),
        }
    }

    fn call(&self, function: &str, _: &[Value]) -> Called {
        panic!("nothing calls `{function}`")
    }
}

/// Each leg as `key | name | what its first step runs`.
fn legs(job: &str) -> Vec<String> {
    let workflow = workflow(&format!("on: push\njobs:\n  a: {job}\n"));
    let job = workflow.job("a").expect("it is there");
    let expansion = expand(job.strategy.as_ref(), &Contexts(None)).expect("it expands");
    let mut keys = JobKeys::new();
    let mut show = |leg: &Combination| {
        let contexts = Contexts(Some((&expansion, leg)));
        let name = job_name(job, leg, &contexts).expect("it has a name");
        let wfrun_workflow::StepKind::Run(step) = &job.steps[0].kind else { panic!("the step runs") };
        let runs = step.script.template.evaluate(&contexts).expect("it has a value").value().to_text();
        format!("{} | {name} | {runs}", keys.leg(None, &job.id.value, leg))
    };
    expansion.combinations.iter().map(&mut show).collect()
}

#[test]
fn what_other_runners_get_wrong() {
    for (job, expected) in [
        (
            "{runs-on: ubuntu-latest, strategy: {matrix: {os: [linux, mac], n: [12, 14], include: [{os: LINUX, n: '12', \
             extra: y}], exclude: [{os: MAC, n: '14'}]}}, steps: [{run: 'echo ${{ matrix.os }} ${{ matrix.n }} \
             ${{ matrix.extra }}'}]}",
            &[
                "a (linux, 12) | a (linux, 12) | echo linux 12 y",
                "a (linux, 14) | a (linux, 14) | echo linux 14 ",
                "a (mac, 12) | a (mac, 12) | echo mac 12 ",
            ][..],
        ),
        (
            "{runs-on: ubuntu-latest, strategy: {matrix: {v: [{n: 1, m: 2}, {n: 3, m: 4}], exclude: [{v: {n: 1}}]}}, \
             steps: [{run: 'echo ${{ matrix.v.n }}'}]}",
            &["a (3, 4) | a (3, 4) | echo 3"],
        ),
        (
            "{runs-on: ubuntu-latest, strategy: {matrix: {v: [1], exclude: [{v: 1}]}}, \
             steps: [{run: \"echo '${{ toJSON(matrix) }}'\"}]}",
            &["a | a | echo 'null'"],
        ),
        (
            "{name: n, runs-on: ubuntu-latest, strategy: {matrix: {v: [1], w: [true]}}, steps: [{run: echo}]}",
            &["a (1, true) | n (1, true) | echo"],
        ),
    ] {
        assert_eq!(legs(job), expected, "{job}");
    }
}
