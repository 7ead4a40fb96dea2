//! Summaries of steps: rendered in the log, and kept as a file.
use insta::assert_snapshot;
use wfrun_journal::{RunEvent, Sink as _};
use wfrun_report::{PlainView, SummaryFile, Verbosity};

use crate::fixture::{SUCCESS, Shared, UNICODE, events, feed};

fn started() -> RunEvent {
    events(SUCCESS).remove(0)
}

fn summary(job: &str, text: &str) -> RunEvent {
    let (job, text) = (serde_json::json!(job), serde_json::json!(text));
    let json = format!(r#"{{"seq":2,"at_ms":0,"type":"step-summary","job":{job},"step":"1","text":{text}}}"#);
    serde_json::from_str(&json).expect("an event")
}

fn shown(all: &[RunEvent], verbosity: Verbosity) -> String {
    let out = Shared::default();
    let mut view = PlainView::new(out.clone(), UNICODE, verbosity);
    feed(all, &mut view);
    view.flush().expect("it is written");
    out.text().lines().filter(|it| it.starts_with("[j]")).map(|it| it.to_owned() + "\n").collect()
}

#[test]
fn a_summary_is_rendered() {
    let text = "# Tests\n\n| suite | passed |\n|---|---|\n| unit | 42 |\n\n- **one** thing\n";
    let all = [started(), summary("j", text)];
    assert_snapshot!(shown(&all, Verbosity::Normal), @r"
    [j] summary:
    [j]   Tests
    [j]   ═════
    [j]
    [j]   suite  passed
    [j]   ─────  ──────
    [j]   unit   42
    [j]
    [j]   • one thing
    ");
    assert_eq!(shown(&all, Verbosity::Quiet), "");
}

#[test]
fn a_long_summary_is_cut_and_the_whole_is_named() {
    let all = [started(), summary("j", &"line\n\n".repeat(100))];
    let run = "in .wfrun/runs/";
    let normal = shown(&all, Verbosity::Normal);
    assert_eq!(normal.lines().count(), 62);
    assert!(normal.lines().last().is_some_and(|it| it.contains("139 lines more") && it.contains(run)), "{normal}");
    assert_eq!(shown(&all, Verbosity::Verbose).lines().count(), 200);
}

/// Source: GitHub: execution rules E3.3: at most 20 of a job are shown.
#[test]
fn twenty_of_a_job_are_shown() {
    let mut all = vec![started()];
    all.extend((0..25).map(|at| summary("j", &format!("number {at}"))));
    let text = shown(&all, Verbosity::Normal);
    assert!(text.contains("number 19") && !text.contains("number 20"), "{text}");
    assert_eq!(text.matches("more than 20 of a job are not shown").count(), 1);
}

#[test]
fn all_are_kept_in_a_file() {
    let folder = std::env::temp_dir().join(format!("wfrun-summaries-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("summary.md");
    let mut sink = SummaryFile::new(&path);
    feed(&[started()], &mut sink);
    assert!(!path.exists(), "no summary, no file");
    feed(&[summary("a", "one\n\n"), summary("a", "two"), summary("b", "| x |\n|---|\n")], &mut sink);
    let text = std::fs::read_to_string(&path).expect("the file");
    std::fs::remove_dir_all(&folder).expect("it goes");
    assert_snapshot!(text, @r"
    ## a summary

    one

    two

    ## b summary

    | x |
    |---|
    ");
}
