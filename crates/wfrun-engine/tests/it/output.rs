//! Lines and commands.
use insta::assert_snapshot;

use crate::driver::World;

#[test]
fn commands() {
    let steps = "[{id: a, run: a}, {run: 'echo ${{ steps.a.outputs.x }}'}]";
    let lines = &[
        "plain",
        "::group::Title",
        "inside",
        "::endgroup::",
        "::warning file=a.py,line=3::careful",
        "::add-mask::s3cret",
        "now s3cret",
        "::set-output name=x::1",
        "::nonsense::stays",
        "::debug::not shown",
    ];
    assert_snapshot!(World::steps(steps).prints("a", lines).run().story(), @r"
    j: starts
      main Run a (real)
        | plain
        | ##[group]Title
        | inside
        | ##[endgroup]
        warning: careful
        | now ***
        warning: The `set-output` command is deprecated and will be disabled soon. Please upgrade to using Environment Files. For more information see: https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/
        | ::nonsense::stays
        success/success x=1
      main Run echo 1 (real)
        success/success
    j: success
    success
    ");
}

/// Source: GitHub: execution rules E4.2: a command that cannot be carried out fails the step.
#[test]
fn disabled_commands_fail_the_step() {
    let world = World::steps("[{run: a}, {run: b}]").prints("a", &["::set-env name=A::1"]);
    assert_snapshot!(world.run().story(), @r"
    j: starts
      main Run a (real)
        error: Unable to process command '::set-env name=A::1' successfully.
        error: The `set-env` command is disabled. Please upgrade to using Environment Files or opt into unsecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable to `true`. For more information see: https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/
        failure/failure
      main Run b: skipped because Run a failed
    j: failure
    failure
    ");
}

#[test]
fn stopped_commands_are_lines() {
    let lines = &["::stop-commands::tok12345", "::warning::shown", "::tok12345::", "::notice::again"];
    assert_snapshot!(World::steps("[{run: a}]").prints("a", lines).run().story(), @r"
    j: starts
      main Run a (real)
        | ::stop-commands::tok12345
        | ::warning::shown
        | ::***::
        notice: again
        success/success
    j: success
    success
    ");
}

#[test]
fn secrets_never_show() {
    let steps = "[{name: 'with ${{ secrets.T }}', env: {T: '${{ secrets.T }}'}, if: env.T == 'x', run: a}, {run: 'echo ${{ secrets.T }}'}]";
    let world = World::steps(steps).secret("T", "hunter2").prints("echo hunter2", &["hunter2 aHVudGVyMg=="]).run();
    let journal: Vec<String> = world.journal.iter().map(|it| serde_json::to_string(it).expect("JSON")).collect();
    assert!(!journal.concat().contains("hunter2"), "{journal:#?}");
    assert_snapshot!(world.story(), @r"
    j: starts
      main with ***: skipped because env.T == 'x' is false
      main Run echo *** (real)
        | *** ***
        success/success
    j: success
    success
    ");
}

#[test]
fn at_most_ten_annotations_of_a_level() {
    let lines = ["::error::e"; 15];
    let world = World::steps("[{run: a}]").prints("a", &lines).run();
    assert_eq!(world.story().matches("error: e").count(), 10);
}
