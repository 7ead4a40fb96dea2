//! Composite actions, and the pre and post parts of actions.
use insta::assert_snapshot;

use crate::driver::World;

const PRE_AND_POST: &str = "runs: {using: node20, pre: pre.js, main: main.js, post: post.js}\n";
const POST_ONLY: &str = "runs: {using: node20, main: main.js, post: post.js}\n";

/// Source: GitHub: execution rules E7.5: status, scope, outputs.
#[test]
fn a_composite_action_has_a_world_of_its_own() {
    let action = "
inputs: {who: {default: nobody}, how: {default: loudly}}
outputs: {said: {value: '${{ steps.s.outputs.said }}'}, none: {value: '${{ steps.x.outputs.y }}'}}
runs:
  using: composite
  steps:
    - {id: s, shell: bash, run: 'say ${{ inputs.who }} ${{ inputs.how }}'}
    - {shell: bash, run: 'outer=[${{ steps.outer.outcome }}] path=${{ github.action_path }}'}
    - {shell: bash, if: \"steps.s.outputs.said == 'no'\", run: never}
";
    let world = World::steps(
        "[{id: outer, run: first}, {id: c, uses: o/c@v1, with: {who: me}}, {run: 'got ${{ steps.c.outputs.said }} ${{ toJSON(steps.c.outputs) }} ${{ steps.s.outcome }}'}]",
    );
    let world = world.action("o/c@v1", action).outputs("say me loudly", "said=hi\ninner=leak\n");
    assert_snapshot!(world.run().story());
}

/// In an action of a repository `$/…` is that repository's, at the same version, however deep.
#[test]
fn an_action_uses_its_own_repository() {
    let outer = "runs: {using: composite, steps: [{uses: $/in/ner}]}";
    let inner = "
runs:
  using: composite
  steps:
    - {shell: bash, run: '${{ github.action_repository }}@${{ github.action_ref }} ${{ github.action_path }}'}
    - {uses: $/js}
";
    let world = World::steps("[{uses: o/c@v1}, {uses: $/in/ner}]").action("o/c@v1", outer);
    let world = world.action("o/c/in/ner@v1", inner).action("o/c/js@v1", PRE_AND_POST);
    let own = "runs: {using: composite, steps: [{shell: bash, run: 'the workflow''s own'}]}";
    let world = world.action("$/in/ner", own).run();
    assert_eq!(world.scripts(), ["o/c@v1 /actions/o/c/in/ner/v1", "the workflow's own"]);
    let js = |it: &str| format!("/actions/o/c/js/v1/{it}.js");
    assert_eq!(world.nodes(), [js("pre"), js("main"), js("post")]);
}

/// Source: GitHub: execution rules E7.5 and E10.29.
#[test]
fn a_step_that_fails_inside() {
    let action = "
runs:
  using: composite
  steps:
    - {shell: bash, run: bad}
    - {shell: bash, run: never}
    - {shell: bash, if: failure(), run: 'job is ${{ job.status }}, action is ${{ github.action_status }}'}
    - {shell: bash, if: always(), run: clean}
";
    let world = World::steps("[{uses: o/c@v1}, {run: no}, {if: failure(), run: tell}]");
    assert_snapshot!(world.action("o/c@v1", action).fails("bad").run().story());
    // It starts with a success of its own, whatever went before.
    let action = "runs: {using: composite, steps: [{shell: bash, run: fresh}]}";
    let world = World::steps("[{run: bad}, {if: always(), uses: o/c@v1}]");
    assert_eq!(world.action("o/c@v1", action).fails("bad").run().scripts(), ["bad", "fresh"]);
    // And `continue-on-error` forgives it, inside and outside.
    let action =
        "runs: {using: composite, steps: [{shell: bash, continue-on-error: true, run: bad}, {shell: bash, run: more}]}";
    let world = World::steps("[{uses: o/c@v1}]").action("o/c@v1", action).fails("bad").run();
    assert_eq!(
        (world.scripts(), world.results()),
        (vec!["bad".to_owned(), "more".to_owned()], "j success: success".to_owned())
    );
    let action = "runs: {using: composite, steps: [{shell: bash, run: bad}]}";
    let world = World::steps(
        "[{id: c, continue-on-error: true, uses: o/c@v1}, {run: '${{ steps.c.outcome }} ${{ steps.c.conclusion }}'}]",
    );
    let world = world.action("o/c@v1", action).fails("bad").run();
    assert_eq!(world.scripts(), ["bad", "failure success"]);
}

/// Source: GitHub: execution rules E7.5, "env".
#[test]
fn environment_of_inner_steps() {
    let action = "
runs:
  using: composite
  steps:
    - {shell: bash, run: set}
    - {shell: bash, env: {C: inner}, run: 'A=${{ env.A }} B=${{ env.B }} C=${{ env.C }} D=${{ env.D }}'}
";
    let workflow = "
on: push
env: {A: workflow, B: workflow}
jobs:
  j:
    runs-on: linux
    steps:
      - {uses: o/c@v1, env: {B: outer, C: outer}}
      - {run: 'A=${{ env.A }} B=${{ env.B }} C=${{ env.C }} D=${{ env.D }}'}
";
    let files = wfrun_engine::StepFiles { env: "A=file\nB=file\nD=file\n".to_owned(), ..Default::default() };
    let set = crate::driver::Does { files, ..Default::default() };
    let world = World::new(workflow).action("o/c@v1", action).when("set", set).run();
    assert_eq!(world.scripts()[1..], ["A=file B=outer C=inner D=file", "A=file B=file C= D=file"]);
    let variable = |launch: usize, name: &str| world.launched[launch].env.get(name).cloned();
    assert_eq!(variable(0, "GITHUB_ACTION"), Some("__o_c".to_owned()), "the outer step's");
    assert_eq!(variable(0, "GITHUB_ACTION_PATH"), Some("/actions/o/c/v1".to_owned()));
    assert_eq!(variable(0, "GITHUB_ACTION_REPOSITORY"), Some(String::new()));
    assert_eq!(variable(2, "GITHUB_ACTION_PATH"), None);
}

/// Source: GitHub: execution rules E1.7, the table of cases.
#[test]
fn posts_come_in_the_reverse_order_of_beginning() {
    let world = World::steps("[{uses: o/a@v1}, {uses: o/b@v1}, {uses: o/c@v1}]");
    let world = world.action("o/a@v1", POST_ONLY).action("o/b@v1", PRE_AND_POST).action("o/c@v1", POST_ONLY);
    assert_snapshot!(world.run().story());
}

/// Source: GitHub: execution rules E1.7 and E10.37.
#[test]
fn a_main_part_that_is_skipped() {
    let world = World::steps("[{uses: o/a@v1, if: false}, {uses: o/b@v1, if: false}]");
    let world = world.action("o/a@v1", POST_ONLY).action("o/b@v1", PRE_AND_POST).run();
    assert_eq!(world.nodes(), ["/actions/o/b/v1/pre.js", "/actions/o/b/v1/post.js"]);
}

/// Source: GitHub: execution rules E1.7 and E10.38 to 40.
#[test]
fn a_pre_part_that_fails() {
    let conditional = "runs: {using: node20, pre: pre.js, pre-if: runner.os == 'Linux', main: main.js}\n";
    let world = World::steps("[{uses: o/a@v1}, {uses: o/b@v1}, {run: never}, {if: always(), run: cleanup}]");
    let world = world.action("o/a@v1", PRE_AND_POST).action("o/b@v1", conditional);
    let world = world.fails("/actions/o/a/v1/pre.js").run();
    assert_eq!(world.nodes(), ["/actions/o/a/v1/pre.js", "/actions/o/b/v1/pre.js", "/actions/o/a/v1/post.js"]);
    assert_eq!(world.scripts(), ["cleanup"]);
}

/// Source: GitHub: execution rules E7.5: pre and post parts of what a composite action uses.
#[test]
fn nested_actions() {
    let outer = "
inputs: {x: {default: '1'}}
runs: {using: composite, steps: [{uses: o/inner@v1, with: {x: '${{ inputs.x }}'}}, {shell: bash, run: between}, {uses: o/b@v1}]}
";
    let inner = "
inputs: {x: {}}
runs: {using: composite, steps: [{uses: o/b@v1, with: {y: '${{ inputs.x }}'}}]}
";
    let leaf = "inputs: {y: {}}\nruns: {using: node20, pre: pre.js, main: main.js, post: post.js}\n";
    let world = World::steps("[{uses: o/outer@v1, with: {x: 7}}, {run: last}]");
    let world = world.action("o/outer@v1", outer).action("o/inner@v1", inner).action("o/b@v1", leaf).run();
    assert_snapshot!(world.story());
    assert_eq!(world.launched[0].env.get("INPUT_Y").map(String::as_str), Some("7"));
}

/// Source: GitHub: execution rules E1.2 and E7.6.
#[test]
fn local_actions_are_found_when_their_step_begins() {
    let action = "runs: {using: composite, steps: [{shell: bash, run: inside}, {uses: ./other}]}\n";
    let world = World::steps("[{run: checkout}, {uses: ./here}, {uses: ./missing}, {run: never}]");
    let world = world.action("./here", action).action("./other", PRE_AND_POST).run();
    assert_snapshot!(world.story());
}

/// Source: GitHub: execution rules E7.5, "Depth".
#[test]
fn an_action_that_uses_itself() {
    let action = "runs: {using: composite, steps: [{uses: ./loop}]}\n";
    let world = World::steps("[{uses: ./loop}]").action("./loop", action).run();
    assert!(world.story().contains("error: Composite action depth exceeded max depth 9"), "{}", world.story());
}

/// Source: GitHub: execution rules E1.8: the outer limit covers all.
#[test]
fn a_composite_action_times_out() {
    let action =
        "runs: {using: composite, steps: [{shell: bash, run: forever}, {shell: bash, if: always(), run: never}]}";
    let world = World::steps("[{timeout-minutes: 2, uses: o/c@v1}, {if: failure(), run: tell}]");
    assert_snapshot!(world.action("o/c@v1", action).endless("forever").run().story());
}

/// Source: GitHub: execution rules E7.4 and E10.41.
#[test]
fn container_actions() {
    let action = "
inputs: {who: {default: me}}
runs:
  using: docker
  image: Dockerfile
  args: [echo, 'hello ${{ inputs.who }}', '']
  env: {A: manifest, B: manifest}
";
    let workflow = "
on: push
env: {A: workflow}
jobs:
  j:
    runs-on: linux
    steps:
      - {uses: o/d@v1, with: {args: from with}}
      - {uses: 'docker://alpine:3', with: {entrypoint: /bin/sh, args: '-c \"echo hi\"'}}
";
    let world = World::new(workflow).action("o/d@v1", action).run();
    let program = |it: usize| format!("{:?}", world.launched[it].program);
    assert_eq!(
        program(0),
        "Container { image: Built { dockerfile: \"/actions/o/d/v1/Dockerfile\" }, entrypoint: None, \
         arguments: [\"echo\", \"hello me\", \"\"] }"
    );
    assert_eq!(
        program(1),
        "Container { image: Named(\"alpine:3\"), entrypoint: Some(\"/bin/sh\"), arguments: [\"-c\", \"echo hi\"] }"
    );
    let env = &world.launched[0].env;
    assert_eq!((env["A"].as_str(), env["B"].as_str(), env.get("PATH")), ("workflow", "manifest", None));
    assert!(world.story().contains("main Run alpine:3 (real)"), "{}", world.story());
}

/// A composite action that uses two others, the first without a pre part.
const TWO: &str = "runs: {using: composite, steps: [{uses: o/a@v1}, {uses: o/b@v1}]}";

fn two(step: &str) -> World {
    let world = World::steps(&format!("[{step}, {{if: always(), run: '${{{{ job.status }}}}'}}]"));
    world.action("o/two@v1", TWO).action("o/a@v1", POST_ONLY).action("o/b@v1", PRE_AND_POST)
}

/// Not in the order in which they began, as for steps of a job.
#[test]
fn post_parts_inside_come_in_the_reverse_order_of_the_steps() {
    let nodes = two("{uses: o/two@v1}").run().nodes();
    let of = |part: &str| nodes.iter().filter(|it| it.ends_with(part)).cloned().collect::<Vec<_>>();
    assert_eq!(of("pre.js"), ["/actions/o/b/v1/pre.js"]);
    assert_eq!(of("post.js"), ["/actions/o/b/v1/post.js", "/actions/o/a/v1/post.js"]);
}

/// Source: GitHub: execution rules E1.7 and E7.5: `continue-on-error` and the time limit are the outer step's.
#[test]
fn the_outer_step_covers_its_pre_and_post_parts() {
    let (pre, post) = ("/actions/o/b/v1/pre.js", "/actions/o/b/v1/post.js");
    let table = [
        // (the step, what fails in which part, what a later step sees, the job's end)
        ("{uses: o/two@v1}", pre, "failure", "j failure: failure"),
        ("{continue-on-error: true, uses: o/two@v1}", pre, "success", "j success: success"),
        ("{uses: o/two@v1}", post, "success", "j failure: failure"),
        ("{continue-on-error: true, uses: o/two@v1}", post, "success", "j success: success"),
    ];
    for (step, fails, status, end) in table {
        let world = two(step).fails(fails).run();
        assert_eq!((world.scripts(), world.results()), (vec![status.to_owned()], end.to_owned()), "{step}, {fails}");
        let others_post = world.nodes().contains(&"/actions/o/a/v1/post.js".to_owned());
        assert_eq!(
            others_post,
            status == "success",
            "those that began, whatever becomes of each other: {step}, {fails}"
        );
    }
    let world = two("{timeout-minutes: 2, uses: o/two@v1}").endless(post).run();
    assert_snapshot!(world.story());
}

/// Source: GitHub: execution rules E7.5, "Status": as for its steps themselves.
#[test]
fn conditions_and_outputs_in_pre_and_post_parts() {
    let broken = "runs: {using: node20, pre: pre.js, pre-if: fromJSON('x'), main: main.js}\n";
    let outer = "runs: {using: composite, steps: [{uses: o/broken@v1}, {uses: o/b@v1}]}";
    let world = World::steps("[{uses: o/two@v1}]").action("o/two@v1", outer);
    let world = world.action("o/broken@v1", broken).action("o/b@v1", PRE_AND_POST).run();
    assert_eq!((world.nodes(), world.results()), (vec![], "j failure: failure".to_owned()), "it ends the part");
    // Outputs are evaluated once more after the post part, when there is nothing in `steps`.
    let outer = "
outputs: {x: {value: '${{ fromJSON(steps.s.outputs.json) }}'}}
runs: {using: composite, steps: [{id: s, uses: o/a@v1}]}
";
    let world = World::steps("[{id: c, uses: o/two@v1}, {run: 'got ${{ steps.c.outputs.x }}'}]");
    let world = world.action("o/two@v1", outer).action("o/a@v1", POST_ONLY);
    let world = world.outputs("/actions/o/a/v1/main.js", "json=\"hi\"\n").run();
    assert_eq!((world.scripts(), world.results()), (vec!["got hi".to_owned()], "j failure: failure".to_owned()));
}

/// Source: GitHub: execution rules E1.7, the table of cases.
#[test]
fn a_local_action_has_no_pre_part_inside_either() {
    let world = World::steps("[{uses: ./two}]").action("./two", TWO);
    let world = world.action("o/a@v1", POST_ONLY).action("o/b@v1", PRE_AND_POST).run();
    assert!(!world.nodes().contains(&"/actions/o/b/v1/pre.js".to_owned()));
    let warning = "warning: `pre` execution is not supported for local action from './two'";
    assert!(world.story().contains(warning), "{}", world.story());
}
