//! Cases: what GitHub's runner does, rule by rule, as folders below `testdata/cases`.
//!
//! Each is run on the scripted backend, where no process starts; those about processes and containers also with real ones. The
//! same journal must come of all. `testdata/cases/README.md` says how to add one.
mod actions;
mod case;
mod place;
mod process;
mod real;
mod rules;
mod story;
mod world;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use self::case::{Case, Real, cases_folder};
use crate::docker::has_docker;
use crate::repo::can_sandbox;

fn all() -> Vec<Case> {
    Case::all().unwrap_or_else(|err| panic!("{err}"))
}

/// Where two texts part: the lines between their common beginning and their common end.
fn difference(expected: &str, told: &str) -> String {
    let (expected, told): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), told.lines().collect());
    let before = expected.iter().zip(&told).take_while(|(one, other)| one == other).count();
    let rest = expected.len().min(told.len()) - before;
    let after = expected.iter().rev().zip(told.iter().rev()).take_while(|(one, other)| one == other).count().min(rest);
    let marked = |mark: &str, lines: &[&str]| -> String {
        let lines: Vec<String> = lines[before..lines.len() - after].iter().map(|it| format!("{mark} {it}\n")).collect();
        lines.concat()
    };
    let begin = before.checked_sub(1).map_or_else(String::new, |it| format!("  {}\n", expected[it]));
    format!("{begin}{}{}", marked("-", &expected), marked("+", &told))
}

#[test]
fn scripted() {
    let mut faults = Vec::new();
    let cases = all();
    for case in &cases {
        match world::run(case) {
            Ok(events) => {
                let story = story::story(&events);
                let check = AssertUnwindSafe(|| {
                    insta::with_settings!({
                        snapshot_path => case.folder.clone(), prepend_module_to_snapshot => false, omit_expression => true
                    }, {
                        insta::assert_snapshot!("journal", story);
                    });
                });
                if catch_unwind(check).is_err() {
                    faults.push(format!("{}: the journal is another", case.name));
                }
            }
            Err(fault) => faults.push(format!("{}: {fault}", case.name)),
        }
    }
    println!("{} cases", cases.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn on_the_sandbox() {
    if can_sandbox() {
        let differences = real::differences(&all(), Real::Sandbox);
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}

#[test]
fn on_docker() {
    if has_docker() {
        let differences = real::differences(&all(), Real::Docker);
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}

#[test]
fn every_rule_has_a_case() {
    rules::check(&all());
}

/// A case that says what does not happen, or leaves out what does, fails.
#[test]
fn a_case_can_fail() {
    let steps = |steps: &str| format!("on: push\njobs: {{j: {{runs-on: ubuntu-latest, steps: {steps}}}}}\n");
    for (workflow, script, expected) in [
        (steps("[{run: a}]"), "[process]\n1 = {}", ""),
        (steps("[{run: a}]"), "", "main of [\"Run a\", \"1\"] in job `j` was started, and the script does not say"),
        (steps("[{run: a}]"), "[process]\n1 = {}\n2 = {}", "entries that no process was started for: 2"),
        (steps("[{id: a, run: a}]"), "[process]\n1 = {}\na = {}", "has two entries: \"1\" and \"a\""),
        (steps("[{run: a}]"), "[process]\n1 = {exitt = 1}", "unknown field `exitt`"),
        (steps("[{run: a}]"), "colour = 1\n[process]\n1 = {}", "unknown field `colour`"),
        (steps("[{run: a}]"), "[process]\n1 = {command = 'sh {0}'}", "and not as\n  sh {0}"),
        (steps("[{run: a}]"), "cancel = 'x'\n[process]\n1 = {}", "cancelled at the line \"x\", which nothing printed"),
        (steps("[{rnu: a}]"), "[process]\n1 = {}", "the workflow is invalid"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("workflow.yml"), workflow).expect("a file");
        fs::write(dir.path().join("script.toml"), format!("rules = ['x']\nabout = 'y'\n{script}")).expect("a file");
        let fault = Case::read(dir.path()).and_then(|it| world::run(&it)).err().unwrap_or_default();
        assert_eq!(fault.is_empty(), expected.is_empty(), "{script}: {fault}");
        assert!(fault.contains(expected), "{script}: {fault}");
    }
}

/// What is in a case's folder, and nothing else: a misspelt name would be passed over.
#[test]
fn folders_have_what_cases_have() {
    for case in all() {
        for entry in fs::read_dir(&case.folder).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // A new journal waits as `.new` for its review.
            let name = name.trim_end_matches(".new");
            let known = ["workflow.yml", "script.toml", "event.json", "repository", "actions", "journal.snap"];
            assert!(known.contains(&name), "{}: what is `{name}`?", case.name);
        }
    }
    assert!(cases_folder().join("README.md").exists());
}
