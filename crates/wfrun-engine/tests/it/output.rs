//! Lines and commands.
use insta::assert_snapshot;

use crate::driver::{Does, World};

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

/// Source: `actions/runner`, `JobExtension.cs`.
#[test]
fn env_and_outputs_of_a_job_see_the_workspace() {
    let world = World::new(
        "
on: push
env: {A: '${{ github.workspace }}/a'}
jobs:
  j:
    runs-on: ubuntu-latest
    env: {B: '${{ github.workspace }}/b'}
    outputs: {w: '${{ github.workspace }}'}
    steps: [{run: 'echo ${{ env.A }} $B'}]
  k: {needs: j, runs-on: ubuntu-latest, steps: [{run: 'echo ${{ needs.j.outputs.w }}'}]}
",
    )
    .run();
    assert_eq!(world.scripts(), ["echo /home/runner/work/demo/demo/a $B", "echo /home/runner/work/demo/demo"]);
    assert_eq!(world.launched[0].env.get("B").map(String::as_str), Some("/home/runner/work/demo/demo/b"));
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

/// A line that is too long to come as a whole: no part of a secret shows where it is cut, and nothing is lost.
#[test]
fn long_lines_come_in_pieces() {
    const DOTS: &str =
        "....................................................................................................";
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let does = Does {
        lines: vec!["first", leak(format!("begin{DOTS}hunt"))],
        then: vec![(leak(format!("er2{DOTS}hun")), true), ("ter2 end", false), ("last", false)],
        ..Does::default()
    };
    let story = World::steps("[{run: a}]").secret("S", "hunter2").when("a", does).run().story();
    let lines: Vec<&str> = story.lines().filter_map(|it| it.strip_prefix("    | ")).collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert_eq!(lines.concat(), format!("firstbegin{DOTS}***{DOTS}*** endlast"));
}

/// A command that does not come as a whole is not carried out in part, and says so.
#[test]
fn a_command_that_is_too_long_fails_the_step() {
    let does = Does { lines: vec!["::set-output name=x::aa"], then: vec![("bb", true)], ..Does::default() };
    assert_snapshot!(World::steps("[{id: a, run: a}]").when("a", does).run().story(), @r"
    j: starts
      main Run a (real)
        error: Unable to process command 'set-output' successfully.
        error: The command `set-output` is longer than 1 MiB and was not carried out.
        | ::set-output name=x::aabb
        failure/failure
    j: failure
    failure
    ");
}
