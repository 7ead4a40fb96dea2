//! What steps leave in their files: a row for each of GitHub's rules, in its order.
use wfrun_engine::StepFiles;

use crate::driver::{Does, World};

const OK: &str = "success/success";
const FAILED: &str = "failure/failure";

fn files(of: impl FnOnce(&mut StepFiles)) -> Does {
    let mut files = StepFiles::default();
    of(&mut files);
    Does { files, ..Does::default() }
}

#[track_caller]
fn check(does: Does, expected: &[&str]) {
    let story = World::steps("[{run: a}]").when("a", does).run().story();
    let own = story.lines().skip(2).take_while(|it| it.starts_with("    ")).map(str::trim_start);
    assert_eq!(own.collect::<Vec<_>>(), expected);
}

/// Source: GitHub: execution rules E3.1.
#[test]
fn a_file_that_cannot_be_processed_fails_the_step_and_no_other_file() {
    let unable = |it: &str| format!("error: Unable to process file command '{it}' successfully.");
    let bad = "error: Invalid format 'bad'";
    check(
        files(|it| {
            for file in [&mut it.env, &mut it.state, &mut it.output] {
                "bad".clone_into(file);
            }
            "text".clone_into(&mut it.summary);
        }),
        &[&unable("env"), bad, "summary: text", &unable("state"), bad, &unable("output"), bad, FAILED],
    );
    check(
        files(|it| it.unreadable = vec![("path", "no access".to_owned())]),
        &[&unable("path"), "error: no access", FAILED],
    );
    // Whatever the result.
    let does = Does { code: 1, ..files(|it| "text".clone_into(&mut it.summary)) };
    check(does, &["error: Process completed with exit code 1.", "summary: text", FAILED]);
}

/// What a second step sees of what a first one left.
#[track_caller]
fn check_later(does: Does, expression: &str, expected: &str) {
    let steps = format!("[{{id: a, run: a, continue-on-error: true}}, {{run: \"echo [${{{{ {expression} }}}}]\"}}]");
    let world = World::steps(&steps).when("a", does).run();
    assert_eq!(world.scripts().last().map(String::as_str), Some(format!("echo [{expected}]").as_str()));
}

/// Source: GitHub: execution rules E3.3 and E10 1 to 9.
#[test]
fn effects() {
    let env = |text: &str| files(|it| text.clone_into(&mut it.env));
    let output = |text: &str| files(|it| text.clone_into(&mut it.output));
    // env
    check_later(env("A=1"), "env.A", "1");
    check_later(env("A=${{ github.repository }}"), "env.A", "${{ github.repository }}");
    check_later(env("GITHUB_TOKEN=x"), "env.GITHUB_TOKEN", "x");
    check_later(env("NODE_OPTIONS=--x\nB=2"), "format('{0} {1}', env.NODE_OPTIONS, env.B)", " 2");
    let blocked = "error: Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.";
    check(env("Node_Options=--x"), &[blocked, OK]);
    // output
    check_later(output("x=1\n\ny=2\n"), "steps.a.outputs.Y", "2");
    check_later(output("x=1\nbad\ny=2"), "format('{0}{1}', steps.a.outputs.x, steps.a.outputs.y)", "1");
    check_later(output("junk"), "steps.a.outcome", "failure");
    let null = "error: Value cannot be null. (Parameter 'name')";
    check(output("=v"), &["error: Unable to process file command 'output' successfully.", null, FAILED]);
    // The file wins over the command.
    let does = Does { lines: vec!["::set-output name=x::command"], ..output("x=file") };
    check_later(does, "steps.a.outputs.x", "file");
    // state
    check(files(|it| "=v".clone_into(&mut it.state)), &[OK]);
}

/// Source: GitHub: execution rules E3.3: one folder a line, `\n` and `\r\n`, empty ones skipped, the newest first.
#[test]
fn paths() {
    let does = files(|it| "/a\r\n\n/b\n/a".clone_into(&mut it.path));
    let world = World::steps("[{run: a}, {run: b}]").when("a", does).run();
    let path = world.launched.last().and_then(|it| it.env.get("PATH").cloned());
    assert_eq!(path.as_deref(), Some("/a:/b:/usr/bin:/bin"));
}

/// Source: GitHub: execution rules E3.3: up to 1 MiB, masked line by line.
#[test]
fn summaries() {
    let does = files(|it| it.summary = "x".repeat(1024 * 1024));
    let story = World::steps("[{run: a}]").when("a", does).run().story();
    assert!(story.contains("summary: xxx"));
    check(
        files(|it| it.summary = "x".repeat(1024 * 1024 + 1)),
        &[
            "error: $GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got 1024k. For more information see: https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary",
            OK,
        ],
    );
    let does = files(|it| "# Title\nalpha\nbeta\n".clone_into(&mut it.summary));
    let story = World::steps("[{run: a}]").secret("S", "alpha\nbeta").when("a", does).run().story();
    assert!(story.contains("summary: # Title\n***\n***\n"), "{story}");
}
