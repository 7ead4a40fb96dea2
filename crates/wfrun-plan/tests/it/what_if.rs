//! Changes that turn a verdict round hold when planned again, are the smallest, and what is named as the cause suffices.
use proptest::prelude::*;
use serde_json::Value as Json;
use wfrun_expr::{Object, Value};
use wfrun_plan::{Change, Outlook, Prospect, Reason, World, candidates, directed, outlook, search, trigger};
use wfrun_workflow::WorkflowSet;

use crate::outlook::{set, world};

const EVENTS: [&str; 3] = ["push", "workflow_dispatch", "schedule"];
const REFS: [&str; 3] = ["refs/heads/main", "refs/heads/feature/x", "refs/tags/v1"];
const VALUES: [&str; 3] = ["yes", "no", ""];

/// A situation in few words.
#[derive(Debug, Clone)]
struct Situation {
    event: usize,
    git_ref: usize,
    input: usize,
    var: usize,
}

impl Situation {
    fn world(&self) -> World {
        let mut world = world(EVENTS[self.event], REFS[self.git_ref]);
        let object = |name: &str, value: &str| [(name, Value::from(value))].into_iter().collect::<Object>();
        world.inputs = Value::Object(object("a", VALUES[self.input]));
        world.vars = object("V", VALUES[self.var]);
        world
    }
}

fn situation() -> impl Strategy<Value = Situation> {
    (0..3_usize, 0..3_usize, 0..3_usize, 0..3_usize).prop_map(|(event, git_ref, input, var)| Situation {
        event,
        git_ref,
        input,
        var,
    })
}

fn atom() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("github.event_name == 'push'".to_owned()),
        Just("github.event_name != 'schedule'".to_owned()),
        Just("github.ref == 'refs/heads/main'".to_owned()),
        Just("startsWith(github.ref, 'refs/tags/')".to_owned()),
        Just("inputs.a == 'yes'".to_owned()),
        Just("vars.V".to_owned()),
        Just("vars.V != 'no'".to_owned()),
        Just("false".to_owned()),
        Just("contains(fromJSON('[\"me\", \"bob\"]'), github.actor)".to_owned()),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    atom().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|it| format!("!({it})")),
        ]
    })
}

fn workflow(first: &str, second: &str) -> WorkflowSet {
    let quoted = |it: &str| Json::from(format!("${{{{ {it} }}}}")).to_string();
    let (first, second) = (quoted(first), quoted(second));
    let on = "{push: {branches: ['**']}, workflow_dispatch: {inputs: {a: {}}}, schedule: [{cron: '0 0 * * *'}]}";
    let text = format!(
        "on: {on}\njobs:\n  one: {{if: {first}, runs-on: x, steps: [{{run: x}}]}}\n  \
         two: {{needs: one, if: {second}, runs-on: x, steps: [{{run: x}}]}}\n"
    );
    set(&[("w.yml", &text)])
}

/// Makes a change without git: the rest of the situation stays as it is. What no condition here asks for changes nothing.
fn apply(world: &mut World, change: &Change) {
    let with = |object: &Object, name: &str, value: &str| {
        let others = object.iter().filter(|(it, _)| !it.eq_ignore_ascii_case(name));
        let others = others.map(|(name, value)| (name.to_owned(), value.clone()));
        others.chain([(name.to_owned(), Value::from(value))]).collect::<Object>()
    };
    match change {
        Change::Event { event, .. } => world.event.name.clone_from(event),
        Change::Ref { git_ref } => world.event.git_ref.clone_from(git_ref),
        Change::Actor { actor } => world.event.actor.clone_from(actor),
        Change::Input { name, value } => {
            let inputs = world.inputs.as_object().cloned().unwrap_or_default();
            world.inputs = Value::Object(with(&inputs, name, value));
        }
        Change::Var { name, value } => world.vars = with(&world.vars, name, value),
        Change::Result { job, result } => {
            world.results.insert(job.clone(), result.clone());
        }
        Change::Base { .. }
        | Change::Type { .. }
        | Change::Changed { .. }
        | Change::Head { .. }
        | Change::Schedule { .. }
        | Change::Repository { .. } => {}
    }
}

fn runs(set: &WorkflowSet, world: &World, job: &str) -> bool {
    let found: Outlook = outlook(set, world).expect("a plan");
    trigger(&set.root, &world.event).is_ok() && found.job(job).is_some_and(|it| it.verdict == Prospect::Runs)
}

fn changed(world: &World, changes: &[Change]) -> World {
    let mut world = world.clone();
    for it in changes {
        apply(&mut world, it);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn changes_hold_and_are_the_smallest(first in condition(), second in condition(), now in situation()) {
        let set = workflow(&first, &second);
        let world = now.world();
        let found = outlook(&set, &world).expect("a plan");
        for key in ["one", "two"] {
            if runs(&set, &world, key) {
                continue;
            }
            let job = found.job(key).expect("a job");
            let all = candidates(&found, job, &set.root, &world, None);
            let sets = directed(&found, job, &set.root, &world, None);
            for changes in search(&all, &sets, 5, 400, &mut |it| runs(&set, &changed(&world, it), key)) {
                prop_assert!(runs(&set, &changed(&world, &changes), key), "{changes:?}");
                for left_out in 0..changes.len() {
                    let mut fewer = changes.clone();
                    fewer.remove(left_out);
                    prop_assert!(!runs(&set, &changed(&world, &fewer), key), "{changes:?} without {left_out}");
                }
            }
        }
    }

    /// Whatever can be reached by another situation of this kind is found.
    #[test]
    fn what_can_run_is_found(first in condition(), now in situation(), other in situation()) {
        let set = workflow(&first, "true");
        let world = now.world();
        if runs(&set, &world, "one") || !runs(&set, &other.world(), "one") {
            return Ok(());
        }
        let found = outlook(&set, &world).expect("a plan");
        let all = candidates(&found, found.job("one").expect("a job"), &set.root, &world, None);
        let ways = search(&all, &[], 5, 5000, &mut |it| runs(&set, &changed(&world, it), "one"));
        prop_assert!(!ways.is_empty(), "{all:?}");
    }

    /// With what is named as the cause held, nothing else turns the verdict round.
    #[test]
    fn because_suffices(first in condition(), now in situation(), other in situation()) {
        let set = workflow(&first, "true");
        let verdict = |world: &World| {
            let found = outlook(&set, world).expect("a plan");
            let job = found.job("one").expect("a job").clone();
            (job.verdict, job.reason)
        };
        let (before, reason) = verdict(&now.world());
        let Some(Reason::Condition { because, .. }) = reason else { return Ok(()) };
        let named = |path: &str| {
            because.iter().any(|it| it.expression.contains(path) || it.operands.iter().any(|it| it.expression.contains(path)))
        };
        let mut next = other;
        if named("github.event_name") { next.event = now.event; }
        if named("github.ref") { next.git_ref = now.git_ref; }
        if named("inputs.a") { next.input = now.input; }
        if named("vars.V") { next.var = now.var; }
        prop_assert_eq!(verdict(&next.world()).0, before, "{:?} {:?}", because, next);
    }
}
