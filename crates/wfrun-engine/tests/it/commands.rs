//! Workflow commands: a row for each of GitHub's rules, in its order.
use crate::driver::World;
use wfrun_journal::{Annotation, RunEventKind};

/// What the log of a step says after its name, with the end of the step last.
fn said(world: World, lines: &[&'static str]) -> Vec<String> {
    let story = world.prints("a", lines).run().story();
    let own = story.lines().skip(2).take_while(|it| it.starts_with("    ")).map(str::trim_start);
    let is_evaluation =
        |it: &&str| ["Evaluating", "Result"].iter().any(|word| it.starts_with(&format!("| ##[debug]{word}")));
    own.filter(|it| !is_evaluation(it)).map(str::to_owned).collect()
}

#[track_caller]
fn check_in(world: World, lines: &[&'static str], expected: &[&str]) {
    assert_eq!(said(world, lines), expected, "{lines:?}");
}

#[track_caller]
fn check(lines: &[&'static str], expected: &[&str]) {
    check_in(World::steps("[{run: a}]"), lines, expected);
}

const OK: &str = "success/success";
const FAILED: &str = "failure/failure";

/// Source: GitHub: execution rules E4.2, row by row.
#[test]
fn every_command() {
    // debug
    check(&["::debug::hidden"], &[OK]);
    let debug = || World::steps("[{run: a}]").var("ACTIONS_STEP_DEBUG", "true");
    check_in(debug(), &["::debug::seen%0Atwice"], &["| ##[debug]seen", "| ##[debug]twice", OK]);
    let secret = World::steps("[{run: a}]").secret("ACTIONS_STEP_DEBUG", "true");
    check_in(secret, &["::debug::seen", "true"], &["| ##[debug]seen", "| true", OK]);
    check_in(debug().var("ACTIONS_STEP_DEBUG", "1"), &["::debug::hidden"], &[OK]);
    // notice, warning, error
    check(
        &["::notice::a", "::warning::b", "::error::c", "##[error]d"],
        &["notice: a", "warning: b", "error: c", "error: d", OK],
    );
    // group, endgroup
    check(&["::group::T", "::endgroup::x"], &["| ##[group]T", "| ##[endgroup]", OK]);
    // add-mask
    check(&["::add-mask::abc", "abc"], &["| ***", OK]);
    check(&["::add-mask:: "], &["warning: Can't add secret mask for empty string in ##[add-mask] command.", OK]);
    check(&["::add-mask::alpha%0Abeta", "beta", "YWxwaGE="], &["| ***", "| ***", OK]);
    // echo
    check(
        &["::echo::ON", "::group::T", "::add-mask::abc", "::debug::d", "::notice::n", "::echo:: off ", "::group::U"],
        &["| ::group::T", "| ##[group]T", "| ::add-mask::***", "notice: n", "| ::echo:: off ", "| ##[group]U", OK],
    );
    check(
        &["::echo::maybe"],
        &[
            "error: Unable to process command '::echo::maybe' successfully.",
            "error: Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: 'maybe'.",
            FAILED,
        ],
    );
    check(
        &["::echo::"],
        &[
            "error: Unable to process command '::echo::' successfully.",
            "error: Value cannot be null. (Parameter 'value')",
            FAILED,
        ],
    );
    // internal-set-repo-path
    check(&["::internal-set-repo-path repoFullName=a/b,workspaceRepo=true::/x"], &[OK]);
}

/// Step debugging echoes commands, and the state of `echo` lasts for its step.
#[test]
fn echo_begins_anew_in_each_step() {
    let world = World::steps("[{run: a}, {run: b}]").prints("a", &["::echo::on"]).prints("b", &["::group::T"]);
    assert!(!world.run().story().contains("| ::group::T"));
    let world = World::steps("[{run: a}]").var("ACTIONS_STEP_DEBUG", "true");
    check_in(world, &["::group::T"], &["| ::group::T", "| ##[group]T", OK]);
}

/// Source: GitHub: execution rules E1.11.
#[test]
fn debugging_shows_how_conditions_are_evaluated() {
    let steps = "[{run: a}, {if: \"github.ref == 'refs/heads/main' && vars.X\", run: b}, {if: failure(), name: '${{ secrets.T }}', run: c}]";
    let world = World::steps(steps).var("ACTIONS_STEP_DEBUG", "true").secret("T", "hunter2").run();
    let many =
        World::steps("[{env: {M: \"a\\n##[error]b\"}, if: env.M, run: a}]").var("ACTIONS_STEP_DEBUG", "true").run();
    assert!(
        many.story().contains("| ##[debug]##[error]b') &&") || many.story().contains("| ##[debug]##[error]b'"),
        "{}",
        many.story()
    );
    insta::assert_snapshot!(world.story(), @r"
    j: starts
      main Run a (real)
        | ##[debug]Evaluating condition for step: 'Run a'
        | ##[debug]Evaluating: success()
        | ##[debug]Result: true
        success/success
        | ##[debug]Evaluating condition for step: 'Run b'
        | ##[debug]Evaluating: (success() && (github.ref == 'refs/heads/main') && vars.X)
        | ##[debug]Expanded: (true && ('refs/heads/main' == 'refs/heads/main') && null)
        | ##[debug]Result: null
      main Run b: skipped because vars.X is null
        | ##[debug]Evaluating condition for step: '***'
        | ##[debug]Evaluating: failure()
        | ##[debug]Result: false
      main ***: skipped because failure() is false
    j: success
    success
    ");
}

/// Source: GitHub: execution rules E1.11.
#[test]
fn debugging_reaches_steps_and_expressions() {
    let world = World::steps("[{run: 'echo ${{ runner.debug }}'}]").var("actions_step_debug", "TRUE").run();
    assert_eq!(world.scripts(), ["echo 1"]);
    assert_eq!(world.launched.first().and_then(|it| it.env.get("RUNNER_DEBUG")).map(String::as_str), Some("1"));
    let world = World::steps("[{run: 'echo ${{ runner.debug }}'}]").run();
    assert_eq!(world.scripts(), ["echo "]);
}

#[test]
fn outputs_and_state_by_command() {
    let deprecated = |it: &str| {
        format!(
            "warning: The `{it}` command is deprecated and will be disabled soon. Please upgrade to using Environment Files. For more information see: https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/"
        )
    };
    for it in ["set-output", "save-state"] {
        let line: &'static str = Box::leak(format!("::{it}::v").into_boxed_str());
        check(
            &[line],
            &[
                &deprecated(it),
                &format!("error: Unable to process command '{line}' successfully."),
                &format!("error: Required field 'name' is missing in ##[{it}] command."),
                FAILED,
            ],
        );
    }
    // Whatever the case and the indentation; the name is kept.
    let steps = "[{id: a, run: a}, {run: 'echo ${{ steps.a.outputs.x }}'}]";
    let world = World::steps(steps).prints("a", &["  ::SET-OUTPUT name=x::1"]).run();
    assert_eq!(world.scripts(), ["a", "echo 1"]);
    // A name in another case is the same output: the last value, and the first spelling.
    let steps = "[{id: a, run: a}, {run: 'echo ${{ steps.a.outputs.x }} ${{ toJSON(steps.a.outputs) }}'}]";
    let lines = ["::set-output name=X::1", "::set-output name=x::2", "::set-output name=y::3"];
    let world = World::steps(steps).prints("a", &lines).run();
    assert_eq!(world.scripts(), ["a", "echo 2 {\n  \"X\": \"2\",\n  \"y\": \"3\"\n}"]);
    let world = World::steps("[{id: a, run: a}, {run: 'echo ${{ toJSON(steps.a.outputs) }}'}]");
    assert_eq!(world.outputs("a", "B=1\nb=2\nB=3\n").run().scripts(), ["a", "echo {\n  \"B\": \"3\"\n}"]);
}

/// Source: GitHub: execution rules E4.2, below the table.
#[test]
fn disabled_commands() {
    let disabled = |it: &str| {
        format!(
            "error: The `{it}` command is disabled. Please upgrade to using Environment Files or opt into unsecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable to `true`. For more information see: https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/"
        )
    };
    let unable = |it: &str| format!("error: Unable to process command '{it}' successfully.");
    check(&["::set-env name=A::1"], &[&unable("::set-env name=A::1"), &disabled("set-env"), FAILED]);
    check(&["::add-path::/x"], &[&unable("::add-path::/x"), &disabled("add-path"), FAILED]);
    let allowed = || {
        World::new(
            "{on: push, env: {ACTIONS_ALLOW_UNSECURE_COMMANDS: True}, jobs: {j: {runs-on: ubuntu-latest, steps: [{run: a}, {run: 'echo ${{ env.A }}'}]}}}",
        )
    };
    let world = allowed().prints("a", &["::set-env name=A::1", "::add-path::/x"]).run();
    assert_eq!(world.scripts(), ["a", "echo 1"]);
    let env = world.launched.last().map(|it| it.env.clone()).unwrap_or_default();
    assert_eq!(env.get("A").map(String::as_str), Some("1"));
    assert_eq!(env.get("PATH").map(String::as_str), Some("/x:/usr/bin:/bin"));
    check_in(
        allowed(),
        &["::set-env name=node_options::--x"],
        &["error: Can't update NODE_OPTIONS environment variable using ::set-env:: command.", OK],
    );
    check_in(
        allowed(),
        &["::set-env::1", "::add-path::"],
        &[
            &unable("::set-env::1"),
            "error: Required field 'name' is missing in ##[set-env] command.",
            &unable("::add-path::"),
            "error: Value cannot be null. (Parameter 'path')",
            FAILED,
        ],
    );
    // Only `true` opts in.
    let one = World::steps("[{run: a, env: {ACTIONS_ALLOW_UNSECURE_COMMANDS: yes}}]");
    check_in(one, &["::add-path::/x"], &[&unable("::add-path::/x"), &disabled("add-path"), FAILED]);
}

/// Source: GitHub: execution rules E4.3, row by row.
#[test]
fn stop_commands() {
    let refused = "error: You cannot use a endToken that is an empty string, the string 'pause-logging', or another workflow command. For more information see: https://docs.github.com/actions/learn-github-actions/workflow-commands-for-github-actions#example-stopping-and-starting-workflow-commands or opt into insecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS` environment variable to `true`.";
    for line in ["::stop-commands::", "::stop-commands::Pause-Logging", "::stop-commands::Add-Mask"] {
        let unable = format!("error: Unable to process command '{line}' successfully.");
        check(&[line, "::notice::on"], &[&unable, refused, "notice: on", FAILED]);
    }
    let allowed = World::steps("[{run: a, env: {ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS: 1}}]");
    check_in(
        allowed,
        &["::stop-commands::notice", "::error::plain", "::notice::", "::error::e"],
        &["| ::stop-commands::notice", "| ::error::plain", "| ::notice::", "error: e", OK],
    );
    // A token of more than six characters is masked, in its own line, too.
    check(
        &["::stop-commands::tok12345", "::warning::shown", "##[tok12345]", "::notice::again"],
        &["| ::stop-commands::***", "| ::warning::shown", "| ##[***]", "notice: again", OK],
    );
    check(&["::stop-commands::tok123", "::TOK123::"], &["| ::stop-commands::tok123", "| ::TOK123::", OK]);
    // It never survives into the next step.
    let world = World::steps("[{run: a}, {run: b}]").prints("a", &["::stop-commands::t"]);
    assert!(world.prints("b", &["::notice::on"]).run().story().contains("notice: on"));
}

/// The annotations of one step.
fn annotations(lines: &[&'static str]) -> Vec<Annotation> {
    let journal = World::steps("[{run: a}]").prints("a", lines).run().journal;
    let annotation = |it: wfrun_journal::RunEvent| match it.kind {
        RunEventKind::Annotation(it) => Some(it),
        RunEventKind::RunStarted(_)
        | RunEventKind::Notice(_)
        | RunEventKind::MatrixExpanded(_)
        | RunEventKind::WorkflowCalled(_)
        | RunEventKind::JobStarted(_)
        | RunEventKind::JobSkipped(_)
        | RunEventKind::StepStarted(_)
        | RunEventKind::StepSkipped(_)
        | RunEventKind::Lines(_)
        | RunEventKind::StepSummary(_)
        | RunEventKind::Declared(_)
        | RunEventKind::StepFinished(_)
        | RunEventKind::JobFinished(_)
        | RunEventKind::ServiceCalled(_)
        | RunEventKind::ArtifactKept(_)
        | RunEventKind::ArtifactRemoved(_)
        | RunEventKind::Fault(_)
        | RunEventKind::RunFinished(_) => None,
    };
    journal.into_iter().filter_map(annotation).collect()
}

/// Source: GitHub: execution rules E4.4, row by row; line, end line, column, end column.
#[test]
fn places_of_annotations() {
    #[track_caller]
    fn check(properties: &str, expected: [u32; 4]) {
        let line: &'static str = Box::leak(format!("::error file=a.js,{properties}::x").into_boxed_str());
        let found = annotations(&[line]).remove(0);
        let found = [found.line, found.end_line, found.col, found.end_col].map(Option::unwrap_or_default);
        assert_eq!(found, expected, "{properties}");
    }
    check("line=3,endLine=3,col=5,endColumn=7", [3, 3, 5, 7]);
    // `endLine` without `line`, `endColumn` without `col`
    check("endLine=4", [4, 4, 0, 0]);
    check("line=3,endColumn=7", [3, 0, 7, 7]);
    // columns without any line
    check("col=5,endColumn=7", [0, 0, 0, 0]);
    // lines that differ, with columns
    check("line=3,endLine=4,col=5", [3, 4, 0, 0]);
    // ends before their beginnings
    check("line=3,endLine=2", [0, 0, 0, 0]);
    check("line=3,endLine=3,col=5,endColumn=4", [3, 3, 0, 0]);
    // what is no whole number
    check("line=x,endLine=1.5", [0, 0, 0, 0]);
    check("line=0x10,col= 5 ", [0, 0, 0, 0]);
    check("line= 3 ,col=5", [3, 0, 5, 0]);
}

#[test]
fn files_and_titles_of_annotations() {
    let found = annotations(&[
        "::add-mask::s3cret",
        "::warning file=/home/runner/work/demo/demo/src/a.js,title=a=b s3cret::m",
        "::warning file=src/b.js::m",
        "::warning file=/etc/x::m",
    ]);
    let file = |it: &Annotation| it.file.as_ref().map(ToString::to_string).unwrap_or_default();
    assert_eq!(found.iter().map(file).collect::<Vec<_>>(), ["src/a.js", "src/b.js", "/etc/x"]);
    assert_eq!(found[0].title.as_ref().map(ToString::to_string).as_deref(), Some("a=b ***"));
}

/// Source: GitHub: execution rules E1.9: ten of a level for a step are kept; the log has all of them.
#[test]
fn at_most_ten_annotations_of_a_level() {
    let mut lines = vec!["::error::e"; 12];
    lines.extend(["::warning::w", "::add-mask::hidden"]);
    lines.extend(["::error::hidden%0Asecond"]);
    let found = said(World::steps("[{run: a}]"), &lines);
    let mut expected = vec!["error: e"; 10];
    expected.extend(["| ##[error]e", "| ##[error]e", "warning: w", "| ##[error]***", "| second", OK]);
    assert_eq!(found, expected);
}

/// Source: GitHub: actions/runner `ExecutionContext.cs`: a message has at most 4096 characters.
#[test]
fn long_messages_are_cut() {
    let line: &'static str = Box::leak(format!("::error::{}", "ä".repeat(5000)).into_boxed_str());
    let message = annotations(&[line]).remove(0).message.to_string();
    assert_eq!(message, "ä".repeat(4096));
}

/// Source: GitHub: execution rules E1.11: the markers of composite actions cannot be forged.
#[test]
fn forged_markers() {
    check(
        &["x ##[start-action display=A;id=b]", "##[end-action id=b]"],
        &[r"| x ##[\start-action display=A;id=b]", r"| ##[\end-action id=b]", OK],
    );
}

/// Source: GitHub: execution rules E4.1: what is no command is a line, as it was.
#[test]
fn what_is_no_command_is_printed() {
    check(
        &["::foo::bar", "::warning text", "text ::error::x"],
        &["| ::foo::bar", "| ::warning text", "| text ::error::x", OK],
    );
}
