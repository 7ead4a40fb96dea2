//! Problem matchers: their files, their lives, and what they make of lines.
use crate::driver::World;

const FILE: &str = r#"{"problemMatcher": [{"owner": "demo", "pattern": [
    {"regexp": "^(warning|error|fatal|notice)?:? ?(\\S+):(\\d+): (.*)$", "severity": 1, "file": 2, "line": 3, "message": 4}]}]}"#;
/// The same owner in another case, and another form.
const OTHER: &str = r#"{"problemMatcher": [{"owner": "DEMO", "severity": "warning", "pattern": [
    {"regexp": "^! (.*)$", "message": 1}]}]}"#;

fn world(steps: &str) -> World {
    World::steps(steps)
        .file("/home/runner/work/demo/demo/.github/demo.json", FILE)
        .file("/opt/other.json", OTHER)
        .file("/opt/bad.json", r#"{"problemMatcher": [{"owner": "bad", "pattern": []}]}"#)
        .file(
            "/opt/regexp.json",
            r#"{"problemMatcher": [{"owner": "bad", "pattern": [{"regexp": "(", "message": 0}]}]}"#,
        )
}

#[track_caller]
fn check(lines: &[&'static str], expected: &[&str]) {
    let story = world("[{run: a}]").prints("a", lines).run().story();
    let own = story.lines().skip(2).take_while(|it| it.starts_with("    ")).map(str::trim_start);
    assert_eq!(own.collect::<Vec<_>>(), expected, "{lines:?}");
}

const OK: &str = "success/success";
const FAILED: &str = "failure/failure";

/// The lines behind the command see the matcher, although its file is read outside.
#[test]
fn a_matcher_holds_from_its_command_on() {
    check(
        &["error: a.js:1: early", "::add-matcher::.github/demo.json", "error: a.js:2: late", "plain"],
        &["| error: a.js:1: early", "| ##[error]error: a.js:2: late", "error: late", "| plain", OK],
    );
    // As setup actions write it, and with an absolute path.
    check(&["##[add-matcher]/opt/other.json", "! careful"], &["| ##[warning]! careful", "warning: careful", OK]);
}

#[test]
fn several_files_in_a_row_are_read_in_order() {
    check(
        &["::add-matcher::.github/demo.json", "a.js:1: x", "::add-matcher::/opt/other.json", "a.js:2: y", "! z"],
        &["| ##[error]a.js:1: x", "error: x", "| a.js:2: y", "| ##[warning]! z", "warning: z", OK],
    );
}

/// Source: GitHub: execution rules E4.5: the rest of the job, posts too.
#[test]
fn a_matcher_holds_for_the_rest_of_the_job() {
    let world = world("[{run: a}, {run: b}]").prints("a", &["::add-matcher::.github/demo.json"]);
    let story = world.prints("b", &["notice: a.js:1: seen"]).run().story();
    assert!(story.contains("    | ##[notice]notice: a.js:1: seen\n    notice: seen"), "{story}");
}

#[test]
fn matchers_are_removed() {
    let add = "::add-matcher::.github/demo.json";
    let kept = ["| ##[error]a:1: x", "error: x", OK];
    let gone = ["| a:1: x", OK];
    check(&[add, "::remove-matcher owner=Demo::", "a:1: x"], &gone);
    check(&[add, "::remove-matcher owner=else::", "a:1: x"], &kept);
    check(&[add, "::remove-matcher::/opt/other.json", "a:1: x"], &gone);
    let both = "warning: Either specify an owner name or a file path in ##[remove-matcher] command. Both values cannot be set.";
    check(&[add, "::remove-matcher owner=demo::x", "a:1: x"], &[&[both], &kept[..]].concat());
    let neither = "warning: Either an owner name or a file path must be specified in ##[remove-matcher] command.";
    check(&["::remove-matcher::"], &[neither, OK]);
}

#[test]
fn what_cannot_be_read_fails_the_step() {
    let unable = |it: &str| format!("error: Unable to process command '{it}' successfully.");
    check(
        &["::add-matcher::none.json", "plain"],
        &[
            &unable("::add-matcher::none.json"),
            "error: Could not find file '/home/runner/work/demo/demo/none.json'.",
            "| plain",
            FAILED,
        ],
    );
    check(
        &["::add-matcher::/opt/bad.json"],
        &[&unable("::add-matcher::/opt/bad.json"), "error: Matcher 'bad' does not contain any patterns", FAILED],
    );
    let story = world("[{run: a}]").prints("a", &["::add-matcher::/opt/regexp.json"]).run().story();
    assert!(story.contains("error: Invalid pattern '('. "), "{story}");
    check(&["::add-matcher::"], &["warning: File path must be specified.", OK]);
}

/// Source: GitHub: execution rules E4.5, runtime 6: no issue, and the line is a line.
#[test]
fn matches_that_are_no_problems() {
    let add = "::add-matcher::.github/demo.json";
    check(&[add, "fatal: a:1: x"], &["| fatal: a:1: x", OK]);
    check(&[add, "error: a:1:  "], &["| error: a:1:  ", OK]);
}

/// Source: GitHub: execution rules E4.3: matchers keep working while commands are stopped.
#[test]
fn stopped_commands_stop_no_matcher() {
    check(
        &["::add-matcher::/opt/other.json", "::stop-commands::t", "! a", "::error::b"],
        &["| ::stop-commands::t", "| ##[warning]! a", "warning: a", "| ::error::b", OK],
    );
}

/// Source: GitHub: execution rules E4.1: a command is no line for matchers.
#[test]
fn commands_come_before_matchers() {
    check(&["::add-matcher::.github/demo.json", "::error::a:1: x"], &["error: a:1: x", OK]);
}

#[test]
fn problems_are_masked_and_counted() {
    let mut lines = vec!["::add-matcher::.github/demo.json", "::add-mask::hidden"];
    lines.extend(["a:1: hidden"; 11]);
    let mut expected = ["| ##[error]a:1: ***", "error: ***"].repeat(10);
    expected.extend(["| ##[error]a:1: ***", OK]);
    check(&lines, &expected);
}
