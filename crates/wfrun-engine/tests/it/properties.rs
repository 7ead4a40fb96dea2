//! What holds for every run.
use std::collections::HashSet;

use proptest::prelude::*;
use wfrun_journal::{RunEventKind, RunRecord, StepKey};

use crate::driver::{Does, World};

/// A workflow of up to five jobs, some with a matrix, each needing some of those before it, with steps that may fail.
fn workflows() -> impl Strategy<Value = (String, Vec<String>)> {
    let conditions = prop::sample::select(vec!["", "always()", "failure()", "!cancelled()", "success()", "false"]);
    let step = (conditions.clone(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2));
    let strategy = prop::sample::select(vec![
        "",
        "",
        "services: {db: pg}, ",
        "strategy: {matrix: {n: [1, 2, 3]}}, ",
        "strategy: {fail-fast: false, max-parallel: 1, matrix: {n: [1, 2]}}, ",
    ]);
    let needs = prop::collection::vec(any::<bool>(), 5);
    let job = (needs, conditions, prop::collection::vec(step, 1..4), any::<bool>(), strategy);
    prop::collection::vec(job, 1..6).prop_map(|jobs| {
        let mut text = String::from("on: push\njobs:\n");
        let mut failing = Vec::new();
        for (index, (needs, condition, steps, forgiven, strategy)) in jobs.iter().enumerate() {
            let needs: Vec<String> = (0..index).filter(|it| needs[*it]).map(|it| format!("j{it}")).collect();
            let head = format!(
                "  j{index}: {{needs: [{}], if: '{condition}', continue-on-error: {forgiven}, {strategy}runs-on: linux, steps: [",
                needs.join(", ")
            );
            text.push_str(&head);
            for (number, (condition, fails, forgiven, background)) in steps.iter().enumerate() {
                let step = (condition, forgiven, background, index, number);
                text.push_str(&step_text(step));
                if *fails {
                    failing.push(format!("s{index}-{number}"));
                }
            }
            text.push_str("]}\n");
        }
        (text, failing)
    })
}

fn step_text((condition, forgiven, background, job, step): (&&str, &bool, &bool, usize, usize)) -> String {
    format!("{{if: '{condition}', continue-on-error: {forgiven}, background: {background}, run: s{job}-{step}}}, ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_run_is_orderly((text, failing) in workflows(), cancelled in prop::option::of(0usize..3)) {
        let mut world = World::new(&text);
        for script in &failing {
            world = world.fails(script);
        }
        if let Some(number) = cancelled {
            world = world.cancelled_in(["s0-0", "s1-0", "s2-1"][number]);
        }
        let world = world.run();
        let mut record = RunRecord::default();
        let mut open = HashSet::new();
        let mut next = 1;
        for event in &world.journal {
            prop_assert_eq!(event.seq, next, "no gap in the sequence");
            next += event.positions();
            match &event.kind {
                RunEventKind::JobStarted(it) => {
                    for need in &record.jobs[&it.job].needs {
                        prop_assert!(
                            record.result_for_dependents(need).is_some(),
                            "{} began before {} had ended", it.job, need
                        );
                    }
                }
                RunEventKind::StepStarted(it) => {
                    open.insert((it.job.clone(), StepKey { phase: it.phase, step: it.step.clone() }));
                }
                RunEventKind::StepFinished(it) => {
                    let key = (it.job.clone(), StepKey { phase: it.phase, step: it.step.clone() });
                    prop_assert!(open.remove(&key), "{} ended before it began", it.name);
                }
                RunEventKind::RunStarted(_)
                | RunEventKind::JobSkipped(_)
                | RunEventKind::JobFinished(_)
                | RunEventKind::MatrixExpanded(_)
                | RunEventKind::WorkflowCalled(_)
                | RunEventKind::Notice(_)
                | RunEventKind::StepSkipped(_)
                | RunEventKind::Lines(_)
                | RunEventKind::Annotation(_)
                | RunEventKind::StepSummary(_)
                | RunEventKind::Declared(_)
                | RunEventKind::ServiceCalled(_)
                | RunEventKind::ArtifactKept(_)
                | RunEventKind::ArtifactRemoved(_)
                | RunEventKind::Fault(_)
                | RunEventKind::RunFinished(_) => {}
            }
            record.apply(event);
        }
        prop_assert!(open.is_empty(), "every step that began has ended");
        for (key, job) in &record.jobs {
            prop_assert!(job.result.is_some(), "{} has an end", key);
        }
    }
}

const LINES: [&str; 13] = [
    "plain",
    "",
    "a hunter2 b",
    "::add-mask::plain",
    "::warning::careful",
    "  ::error file=a.c,line=3::broken",
    "::stop-commands::token",
    "::token::",
    "::group::Group",
    "std::string",
    "##[endgroup]",
    "::add-matcher::m.json",
    "a.c:3: wrong",
];
const MATCHER: &str = r#"{"problemMatcher": [{"owner": "m", "pattern": [{"regexp": "^(.*):(\\d+): (.*)$", "file": 1, "line": 2, "message": 3}]}]}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Lines that come together are taken as if each came alone.
    #[test]
    fn blocks_are_nothing_but_lines(lines in prop::collection::vec(prop::sample::select(LINES.to_vec()), 1..10)) {
        let story = |does: Does| {
            let world = World::steps("[{run: a}]").secret("T", "hunter2").file("/home/runner/work/demo/demo/m.json", MATCHER);
            world.when("a", does).run().story()
        };
        let one_by_one = lines.iter().map(|it| (*it, false)).collect();
        let alone = story(Does { then: one_by_one, ..Does::default() });
        prop_assert_eq!(story(Does { lines, ..Does::default() }), alone);
    }
}
