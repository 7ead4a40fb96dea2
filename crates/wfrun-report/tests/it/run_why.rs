//! Why a run that is over ended as it did.
use insta::assert_snapshot;
use wfrun_journal::{Fault, RunEventKind, RunRecord};
use wfrun_report::{RunWhy, Style, read_journal, run_why_json, run_why_text};

use crate::fixture::{ALL, CANCELLED, INCOMPLETE, PUSH_FAILURE, UNICODE};

fn with_why<T>(journal: &str, at_length: bool, show: impl Fn(&RunWhy<'_>) -> T) -> T {
    let mut record = RunRecord::default();
    let mut faults: Vec<Fault> = Vec::new();
    for event in read_journal(journal.as_bytes()).expect("a journal") {
        record.apply(&event);
        if let RunEventKind::Fault(it) = event.kind {
            faults.push(it);
        }
    }
    let jobs = record.jobs.iter().collect();
    show(&RunWhy { id: "1", record: &record, faults: faults.iter().collect(), jobs, at_length })
}

fn text(journal: &str, at_length: bool, style: Style) -> String {
    with_why(journal, at_length, |why| run_why_text(why, &style))
}

#[test]
fn what_failed_was_forgiven_cancelled_and_could_not_be_done() {
    assert_snapshot!("run_why_incomplete", text(INCOMPLETE, false, UNICODE));
    assert_snapshot!("run_why_cancelled", text(CANCELLED, false, UNICODE));
    assert_snapshot!("run_why_push_failure", text(PUSH_FAILURE, true, UNICODE));
}

#[test]
fn every_journal_gives_text_and_json_of_all_its_jobs() {
    for (name, journal) in ALL {
        with_why(journal, false, |why| {
            let found = run_why_json(why);
            assert_eq!(found["jobs"].as_array().map(Vec::len), Some(why.jobs.len()), "{name}");
            let failed = why.jobs.iter().filter(|(_, it)| it.skipped.is_some()).count();
            let told = found["jobs"].as_array().expect("jobs").iter().filter(|it| it["reason"]["message"].is_string());
            assert_eq!(told.count(), failed, "{name}");
        });
    }
}

#[test]
fn control_characters_stay_out_and_long_lines_are_broken() {
    let evil = r"\u001b]0;title\u0007x\nnext";
    let journal = PUSH_FAILURE.replace("refs/heads/", evil);
    let shown = text(&journal, true, Style::plain(40));
    assert!(!shown.contains(|it: char| it.is_control() && it != '\n'), "{shown:?}");
    let reasons = text(INCOMPLETE, false, Style::plain(40));
    let broken = reasons.lines().filter(|it| it.starts_with("        ")).count();
    assert!(broken > 1, "{reasons}");
}
