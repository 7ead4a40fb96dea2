//! How steps come, are decided and end: a row for each of GitHub's rules, in its order.
use wfrun_engine::StepFiles;

use crate::driver::{Does, World};

/// A step that prints an expression, and what it printed.
#[track_caller]
fn printed(world: World, expected: &[&str]) {
    assert_eq!(world.run().scripts(), expected);
}

/// Source: GitHub: execution rules E1.2: an error at set-up, and no step runs.
#[test]
fn an_error_at_set_up_runs_no_step() {
    let bad = "\"${{ fromJSON('{') }}\"";
    for (workflow, job) in [
        (format!("env: {{A: {bad}}}"), String::new()),
        (String::new(), format!("env: {{A: {bad}}},")),
        (String::new(), format!("defaults: {{run: {{shell: {bad}}}}},")),
        (String::new(), format!("defaults: {{run: {{working-directory: {bad}}}}},")),
    ] {
        let steps = "[{uses: o/both@v1}, {run: a, continue-on-error: true}, {if: always(), run: b}]";
        let text = format!("on: push\n{workflow}\njobs: {{j: {{runs-on: linux, {job} steps: {steps}}}}}");
        let both = "runs: {using: node20, pre: pre.js, main: main.js, post: post.js}";
        let world = World::new(&text).action("o/both@v1", both).run();
        assert_eq!((world.launched.len(), world.results().as_str()), (0, "j failure: failure"), "{text}");
        assert!(world.story().contains("error: "), "{}", world.story());
    }
}

/// Source: GitHub: execution rules E1.3, "Step ids" and "Display names".
#[test]
fn ids_and_names() {
    let steps = "[{run: a}, {run: \"\\n  b\\nc\"}, {uses: o/r/p@v1}, {uses: 'docker://alpine:3'}, {uses: o/r@v2}, \
                 {id: mine, run: d}, {name: 'is ${{ github.job }}', run: e}, {name: \"${{ fromJSON('{') }}\", run: f}, \
                 {uses: ./x}, {name: \"multi\\nline\", run: g}, {name: \" \\t\\n lead x\", run: h}, \
                 {run: \"echo 4\\recho 5\"}, {name: \"${{ '\\u00a0' }}x\", run: i}]";
    let node = "runs: {using: node20, main: main.js}";
    let world = World::steps(steps).action("o/r/p@v1", node).action("o/r@v2", node).action("./x", node).run();
    let ids: Vec<&str> = world.launched.iter().map(|it| it.env["GITHUB_ACTION"].as_str()).collect();
    assert_eq!(
        ids,
        [
            "__run",
            "__run_2",
            "__o_r",
            "__alpine_3",
            "__o_r_2",
            "mine",
            "__run_3",
            "__run_4",
            "__self",
            "__run_5",
            "__run_6",
            "__run_7",
            "__run_8"
        ]
    );
    let story = world.story();
    let names = story.lines().filter_map(|it| it.trim_start().strip_prefix("main ")).collect::<Vec<_>>();
    let expected = [
        "Run a (real)",
        "Run b (real)",
        "Run o/r/p@v1 (real)",
        "Run alpine:3 (real)",
        "Run o/r@v2 (real)",
        "Run d (real)",
        "is j (real)",
        "${{ fromJSON('{') }} (real)",
        "Run ./x (real)",
        "multi (real)",
        "lead x (real)",
        "Run echo 4 (real)",
        "\u{a0}x (real)",
    ];
    assert_eq!(names, expected);
}

/// Source: GitHub: execution rules E1.3: what `steps` has, and when.
#[test]
fn the_steps_context() {
    let show = "{run: '${{ toJSON(steps) }}'}";
    let world = World::steps(&format!("[{show}, {{run: a}}, {{id: s, if: false, run: b}}, {show}]")).run();
    let skipped =
        "{\n  \"s\": {\n    \"outputs\": {},\n    \"outcome\": \"skipped\",\n    \"conclusion\": \"skipped\"\n  }\n}";
    assert_eq!(world.scripts(), ["{}", "a", skipped]);
    // What a post part puts out is dropped, and it has no entry.
    let both = "runs: {using: node20, main: main.js, post: post.js}";
    let files = StepFiles { output: "x=1\n".to_owned(), ..StepFiles::default() };
    let does = Does { files, ..Does::default() };
    let workflow = "on: push\njobs: {j: {runs-on: linux, outputs: {x: '${{ steps.a.outputs.x }}'}, \
                    steps: [{id: a, uses: o/a@v1}]}}";
    let world = World::new(workflow).action("o/a@v1", both).when("/actions/o/a/v1/post.js", does).run();
    assert!(world.story().contains("j: success\n"), "{}", world.story());
}

/// Source: GitHub: execution rules E1.4, 1 to 3 and 6.
#[test]
fn env_of_a_step() {
    let workflow = |step: &str| {
        format!("on: push\nenv: {{A: w, C: w}}\njobs: {{j: {{runs-on: linux, env: {{A: j, B: w}}, steps: [{step}]}}}}")
    };
    let show = "run: '${{ env.A }} ${{ env.B }} ${{ env.C }}'";
    printed(World::new(&workflow(&format!("{{{show}}}"))), &["j w w"]);
    // Entries of one map do not see each other, and none leaks.
    let step = format!("{{env: {{A: s, B: '${{{{ env.A }}}}'}}, {show}}}, {{{show}}}");
    printed(World::new(&workflow(&step)), &["s j w", "j w w"]);
    // The condition sees the step's own.
    printed(World::new(&workflow("{env: {A: s}, if: env.A == 's', run: a}")), &["a"]);
}

/// Source: GitHub: execution rules E1.4, 3, 6, 7 and 11.
#[test]
fn what_cannot_be_evaluated() {
    let bad = "\"${{ fromJSON('{') }}\"";
    let why = "error: Error reading JObject from JsonReader. Path '', line 1, position 1.";
    let timeout = "error: An error occurred when attempting to determine the step timeout.";
    let forgiving =
        "error: The step failed and an error occurred when attempting to determine whether to continue on error.";
    let exit = "error: Process completed with exit code 1.";
    for (keys, code, expected) in [
        (format!("env: {{A: {bad}}}, continue-on-error: true"), 0, &[why, "failure/failure"][..]),
        ("if: \"fromJSON('{')\", continue-on-error: true".to_owned(), 0, &[why, "failure/failure"]),
        (format!("timeout-minutes: {bad}"), 0, &[timeout, why, "success/success"]),
        (format!("continue-on-error: {bad}"), 0, &["success/success"]),
        (format!("continue-on-error: {bad}"), 1, &[exit, forgiving, why, "failure/failure"]),
        (format!("working-directory: {bad}, continue-on-error: true"), 0, &[why, "failure/success"]),
    ] {
        let world = World::steps(&format!("[{{run: a, {keys}}}]")).when("a", Does { code, ..Does::default() });
        let story = world.run().story();
        let own = story.lines().skip(2).take_while(|it| it.starts_with("    ")).map(str::trim_start);
        assert_eq!(own.collect::<Vec<_>>(), expected, "{keys}");
    }
}

/// Source: GitHub: execution rules E1.4, 7: whole minutes; none for 0, null and what is not there.
#[test]
fn time_limits() {
    for (limit, ends) in [("2.9", "after 2 minutes"), ("\"${{ fromJSON('1') }}\"", "after 1 minutes")] {
        let world = World::steps(&format!("[{{name: s, timeout-minutes: {limit}, run: a}}]")).endless("a").run();
        assert!(world.story().contains(&format!("error: The action 's' has timed out {ends}.")), "{limit}");
    }
    for limit in ["\"${{ fromJSON('0') }}\"", "\"${{ null }}\"", "\"${{ fromJSON('0.5') }}\""] {
        let world = World::steps(&format!("[{{name: s, timeout-minutes: {limit}, run: a}}]")).endless("a").run();
        assert_eq!(world.results(), "j cancelled: cancelled", "{limit}: the job's own limit ends it");
    }
}

/// Source: GitHub: execution rules E1.5: does a step run, after steps that succeeded and after one that failed.
#[test]
fn conditions() {
    for (condition, after_success, after_failure) in [
        ("", true, false),
        ("if: ''", true, false),
        ("if: '  '", true, false),
        ("if: null", true, false),
        ("if: true", true, false),
        ("if: success()", true, false),
        ("if: failure()", false, true),
        ("if: always()", true, true),
        ("if: cancelled()", false, false),
        ("if: '!cancelled()'", true, true),
        ("if: ALWAYS()", true, true),
        // A mention in a text or as a member is no call; a call that is never made is one.
        ("if: \"contains('always()', 'always')\"", true, false),
        ("if: \"github.always == null\"", true, false),
        ("if: \"true || always()\"", true, true),
        ("if: \"false && always() || true\"", true, true),
        // Truthiness.
        ("if: \"''\"", false, false),
        ("if: 0", false, false),
        ("if: \"${{ -0 }}\"", false, false),
        ("if: \"'false'\"", true, false),
        ("if: \"fromJSON('[]')\"", true, false),
        ("if: \"fromJSON('{}')\"", true, false),
        ("if: 2", true, false),
        // Text around `${{ }}` makes a text of it, which is true.
        ("if: '${{ false }} == 1'", true, false),
        ("if: '${{ always() }} x'", true, true),
        // Either way of writing it.
        ("if: \"${{ github.job == 'j' }}\"", true, false),
        ("if: \"github.job == 'j'\"", true, false),
    ] {
        let step = if condition.is_empty() { "{run: b}".to_owned() } else { format!("{{{condition}, run: b}}") };
        let ran = |fails: bool| {
            let world = World::steps(&format!("[{{run: a}}, {step}]"));
            let world = if fails { world.fails("a") } else { world };
            world.run().scripts().contains(&"b".to_owned())
        };
        assert_eq!((ran(false), ran(true)), (after_success, after_failure), "{condition}");
    }
}

/// Source: GitHub: execution rules E1.5, "Status functions", and E6.4: a composite action begins anew.
#[test]
fn status_inside_of_a_composite_action() {
    let action = "
runs:
  using: composite
  steps:
    - {shell: bash, run: one}
    - {shell: bash, if: success(), run: 'two ${{ job.status }} ${{ github.action_status }}'}
    - {shell: bash, if: failure(), run: never}
";
    let world = World::steps("[{run: a}, {if: always(), uses: o/c@v1}]").action("o/c@v1", action).fails("a").run();
    assert_eq!(world.scripts(), ["a", "one", "two failure success"]);
}

/// Source: GitHub: execution rules E1.6.
#[test]
fn the_status_of_a_job() {
    let status = "{if: always(), run: '${{ job.status }}'}";
    for (steps, expected, result) in [
        (format!("[{{run: a}}, {status}]"), "success", "success"),
        (format!("[{{run: bad}}, {status}]"), "failure", "failure"),
        (format!("[{{run: bad, continue-on-error: true}}, {status}]"), "success", "success"),
        (format!("[{{run: bad}}, {{run: a}}, {{if: always(), run: a}}, {status}]"), "failure", "failure"),
        (format!("[{{if: false, run: a}}, {status}]"), "success", "success"),
    ] {
        let world = World::steps(&steps).fails("bad").run();
        assert_eq!(world.scripts().last().map(String::as_str), Some(expected), "{steps}");
        assert_eq!(world.results(), format!("j {result}: {result}"), "{steps}");
    }
    assert_eq!(World::steps("[{if: false, run: a}]").run().results(), "j success: success");
    // A step that fails after the cancellation does not turn it into a failure.
    let world = World::steps(&format!("[{{run: long}}, {{if: always(), run: bad}}, {status}]"));
    let world = world.fails("bad").endless("long").cancelled_in("long").run();
    assert_eq!(world.scripts(), ["long", "bad", "cancelled"]);
    assert_eq!(world.results(), "j cancelled: cancelled");
}

/// Source: GitHub: execution rules E1.9.
#[test]
fn outputs_of_a_job() {
    let job = |outputs: &str, steps: &str| {
        format!(
            "on: push\njobs: {{a: {{runs-on: linux, outputs: {outputs}, steps: {steps}}}, \
             b: {{needs: a, if: always(), runs-on: linux, steps: [{{run: '${{{{ toJSON(needs.a) }}}}'}}]}}}}"
        )
    };
    let of = |outputs: &str| format!("{{\n  \"result\": \"failure\",\n  \"outputs\": {outputs}\n}}");
    // Also where the job failed; what is empty is left out.
    let both = "{x: '${{ steps.s.outputs.x }}', y: '${{ steps.s.outputs.y }}', z: ''}";
    let world = World::new(&job(both, "[{id: s, run: s}, {run: bad}]")).outputs("s", "x=1\ny=").fails("bad").run();
    assert_eq!(world.scripts()[2], of("{\n    \"x\": \"1\"\n  }"));
    // One that cannot be evaluated fails the job.
    let world = World::new(&job("{x: \"${{ fromJSON('{') }}\"}", "[{run: s}]")).run();
    assert_eq!(world.results(), "a failure, b success: failure");
    assert!(world.story().contains("error: "), "{}", world.story());
    // One that holds a secret is left out, and this is said.
    let world =
        World::new(&job("{x: 'a hidden-value'}", "[{run: bad}]")).secret("S", "hidden-value").fails("bad").run();
    assert_eq!(world.scripts()[1], of("{}"));
    assert!(world.story().contains("warning: Skip output 'x' since it may contain secret."), "{}", world.story());
}

const PRE_AND_POST: &str = "runs: {using: node20, pre: pre.js, main: main.js, post: post.js}";

/// Source: GitHub: execution rules E1.7, the table of situations; what is started, and how the job ends.
#[test]
fn post_parts() {
    let post_if = |it: &str| format!("runs: {{using: node20, main: main.js, post: post.js, post-if: {it}}}");
    let asked = post_if("success()");
    let post_only = "runs: {using: node20, main: main.js, post: post.js}";
    let (a, b) = ("/actions/o/a/v1", "/actions/o/b/v1");
    for (steps, manifest, fails, expected, result) in [
        ("{uses: o/a@v1, if: false}", post_only, "", &[][..], "success"),
        ("{uses: o/a@v1, if: false}", PRE_AND_POST, "", &["a pre", "a post"], "success"),
        ("{uses: o/a@v1}", post_only, "a/v1/main.js", &["a main", "a post"], "failure"),
        (
            "{uses: o/b@v1}, {uses: o/a@v1}",
            post_only,
            "a/v1/post.js",
            &["b main", "a main", "a post", "b post"],
            "failure",
        ),
        ("{uses: o/a@v1}, {uses: o/b@v1}", &asked, "b/v1/post.js", &["a main", "b main", "b post"], "failure"),
        (
            "{uses: o/a@v1}, {uses: o/b@v1, continue-on-error: true}",
            &asked,
            "b/v1/post.js",
            &["a main", "b main", "b post", "a post"],
            "success",
        ),
        ("{uses: o/a@v1}, {uses: o/a@v1}", post_only, "", &["a main", "a main", "a post", "a post"], "success"),
        ("{uses: o/a@v1}", PRE_AND_POST, "a/v1/pre.js", &["a pre", "a post"], "failure"),
        ("{uses: o/a@v1, if: failure()}", PRE_AND_POST, "a/v1/pre.js", &["a pre", "a main", "a post"], "failure"),
    ] {
        let world = World::steps(&format!("[{steps}]")).action("o/a@v1", manifest).action("o/b@v1", post_only);
        let world = world.fails(&format!("/actions/o/{fails}")).run();
        let part = |it: &String| it.replace(a, "a").replace(b, "b").replace('/', " ").replace(".js", "");
        assert_eq!(world.nodes().iter().map(part).collect::<Vec<_>>(), expected, "{steps} {manifest}");
        assert_eq!(world.results(), format!("j {result}: {result}"), "{steps} {manifest}");
    }
}

/// Source: GitHub: execution rules E1.7: inputs, variables and the time limit of a post part.
#[test]
fn a_post_part_is_evaluated_anew() {
    let manifest = "inputs: {x: {}}\nruns: {using: node20, main: main.js, post: post.js}";
    let steps = "[{uses: o/a@v1, timeout-minutes: 1, with: {x: '${{ steps.s.outputs.v }}'}, env: {E: '${{ steps.s.outputs.v }}'}}, \
                 {id: s, run: s}]";
    let world = World::steps(steps).action("o/a@v1", manifest).outputs("s", "v=late");
    let world = world.endless("/actions/o/a/v1/post.js").run();
    let seen = |it: usize| (world.launched[it].env["INPUT_X"].clone(), world.launched[it].env["E"].clone());
    assert_eq!((seen(0), seen(2)), ((String::new(), String::new()), ("late".to_owned(), "late".to_owned())));
    assert!(
        world.story().contains("error: The action 'Post Run o/a@v1' has timed out after 1 minutes."),
        "{}",
        world.story()
    );
}

/// Source: GitHub: execution rules E1.7: the pre part of a local action never runs, and this is said; its post part does.
#[test]
fn a_local_action_has_no_pre_part() {
    let world = World::steps("[{uses: ./x}]").action("./x", PRE_AND_POST).run();
    assert_eq!(world.nodes(), ["/actions/x/main.js", "/actions/x/post.js"]);
    let said = "warning: `pre` execution is not supported for local action from './x'";
    assert!(world.story().contains(said), "{}", world.story());
}

/// Source: GitHub: execution rules E7.5, "Status": what cannot be evaluated inside of a composite action.
#[test]
fn errors_inside_of_a_composite_action() {
    for (first, expected) in [
        ("if: \"fromJSON('{')\", run: a", &["after"][..]),
        ("env: {A: \"${{ fromJSON('{') }}\"}, run: a", &["a", "b", "after"]),
    ] {
        let action = format!(
            "runs: {{using: composite, steps: [{{shell: bash, {first}}}, {{shell: bash, if: always(), run: b}}]}}"
        );
        let world = World::steps("[{id: c, uses: o/c@v1}, {if: always(), run: after}]").action("o/c@v1", &action).run();
        assert_eq!(world.scripts(), expected, "{first}");
        assert_eq!(world.results(), "j failure: failure", "{first}");
    }
}
