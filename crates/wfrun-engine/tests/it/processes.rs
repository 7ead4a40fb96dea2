//! What is started for a step, and with which variables: a row for each of GitHub's rules, in its order.
use indexmap::IndexMap;
use wfrun_engine::{Launch, Program, StepFiles};
use wfrun_journal::RunEventKind;
use wfrun_workflow::contexts::GITHUB_MEMBERS;

use crate::driver::{Does, World};

/// The command line of a script.
fn argv(launch: &Launch) -> String {
    match &launch.program {
        Program::Script { command, arguments, .. } => {
            let shell = command.strip_prefix("/usr/bin/").expect("a whole path");
            format!("{shell}|{}", arguments.join("|"))
        }
        Program::StandIn { .. } | Program::Node { .. } | Program::Container { .. } => panic!("no script"),
    }
}

/// Source: GitHub: execution rules E2.1: step before job before workflow, and `working-directory` alike.
#[test]
fn defaults() {
    let bash = "bash|-e|{0}";
    for (workflow, job, step, shell, folder) in [
        ("", "", "", bash, "/home/runner/work/demo/demo"),
        ("{shell: sh, working-directory: w}", "", "", "sh|-e|{0}", "/home/runner/work/demo/demo/w"),
        ("{shell: sh}", "{shell: python, working-directory: /j}", "", "python|{0}", "/j"),
        ("{shell: sh}", "{shell: python}", "shell: 'bash -x {0}'", "bash|-x|{0}", "/home/runner/work/demo/demo"),
        // A folder that is there and empty is the workspace; a default that is empty is none.
        ("{shell: sh, working-directory: w}", "", "working-directory: ''", "sh|-e|{0}", "/home/runner/work/demo/demo"),
        ("", "{shell: '${{ vars.NO }}', working-directory: '${{ vars.NO }}'}", "", bash, "/home/runner/work/demo/demo"),
        // Expressions, and what is not expanded.
        ("", "{shell: '${{ env.S }}'}", "env: {S: python}", "sh|-e|{0}", "/home/runner/work/demo/demo"),
        ("", "", "working-directory: '${{ github.job }}/~/$HOME'", bash, "/home/runner/work/demo/demo/j/~/$HOME"),
    ] {
        let defaults = |it: &str| if it.is_empty() { "{}".to_owned() } else { format!("{{run: {it}}}") };
        let (workflow, job) = (defaults(workflow), defaults(job));
        let of = |key: &str, it: &str| if it == "{}" { String::new() } else { format!("{key}: {it}") };
        let step = if step.is_empty() { String::new() } else { format!(", {step}") };
        let text = format!(
            "on: push\nenv: {{S: sh}}\n{}\njobs:\n  j:\n    runs-on: linux\n    {}\n    steps:\n    - {{run: a{step}}}\n",
            of("defaults", &workflow),
            of("defaults", &job),
        );
        let world = World::new(&text).run();
        let launch = world.launched.first().unwrap_or_else(|| panic!("{text}: {}", world.story()));
        assert_eq!((argv(launch).as_str(), launch.cwd.as_str()), (shell, folder), "{text}");
    }
    // Not in composite actions.
    let text = "on: push\ndefaults: {run: {shell: sh, working-directory: w}}\njobs: {j: {runs-on: linux, steps: [{uses: o/c@v1}]}}";
    let action = "runs: {using: composite, steps: [{shell: \"${{ 'python' }}\", run: a}]}";
    let world = World::new(text).action("o/c@v1", action).run();
    let launch = &world.launched[0];
    assert_eq!((argv(launch).as_str(), launch.cwd.as_str()), ("python|{0}", "/home/runner/work/demo/demo"));
}

/// Source: GitHub: execution rules E2.1, "Lookup": what `GITHUB_PATH` added comes first, `env` is not asked; the whole path
/// is started and shown.
#[test]
fn where_shells_are_looked_for() {
    let files = StepFiles { path: "/added".to_owned(), ..StepFiles::default() };
    let world = World::steps(
        "[{run: z}, {run: a}, {run: b, shell: 'perl {0}', env: {PATH: /env}}, {run: c, shell: 'missing {0}'}]",
    );
    let world = world.when("a", Does { files, ..Does::default() }).run();
    let searches: Vec<String> = world.searches.iter().map(|it| format!("{} in {}", it.command, it.path)).collect();
    assert_eq!(
        searches,
        [
            "bash in /usr/bin:/bin",
            "bash in /usr/bin:/bin",
            "perl in /added:/usr/bin:/bin",
            "missing in /added:/usr/bin:/bin"
        ],
        "each step looks anew"
    );
    let commands = world.launched.iter().filter_map(|it| match &it.program {
        Program::Script { command, .. } => Some(command.as_str()),
        Program::StandIn { .. } | Program::Node { .. } | Program::Container { .. } => None,
    });
    assert_eq!(commands.collect::<Vec<_>>(), ["/usr/bin/bash", "/usr/bin/bash", "/usr/bin/perl", "missing"]);
    let headers = world.journal.iter().filter_map(|it| {
        let RunEventKind::StepStarted(it) = &it.kind else { return None };
        it.header.iter().map(ToString::to_string).find(|line| line.starts_with("shell: "))
    });
    let bash = "shell: /usr/bin/bash -e {0}";
    let expected = [bash, bash, "shell: /usr/bin/perl {0}", "shell: missing {0}"];
    assert_eq!(headers.collect::<Vec<_>>(), expected);
}

/// As bots pin actions: a stand-in behaves as the release that the comment behind a commit says, and that is declared.
#[test]
fn a_stand_in_is_of_the_release_that_a_comment_says() {
    let commit = "df9643053eda01f169e64a0e60233aacca83799a";
    for (git_ref, release, says) in [
        ("v2", "v2", ""),
        (commit, commit, ""),
        (&*format!("{commit} # v1.4.11"), "v1.4.11", ", as v1.4.11, which a comment says is this commit"),
    ] {
        let text = format!("on: push\njobs:\n  j:\n    runs-on: linux\n    steps:\n    - uses: octo/a@{git_ref}\n");
        let world = World::new(&text).run();
        let programs = world.launched.iter().map(|it| &it.program);
        let releases: Vec<&str> = programs
            .filter_map(|it| if let Program::StandIn { action, .. } = it { Some(action.release()) } else { None })
            .collect();
        assert_eq!(releases, [release; 2], "its main and its post part: {git_ref}");
        let declared: Vec<String> = world.record().declared.iter().map(|it| it.detail.to_string()).collect();
        assert_eq!(declared, [format!("wfrun's own program with the action's inputs, outputs and files{says}")]);
    }
}

/// Source: GitHub: execution rules E2.2: the text as it is expanded, and nothing more; a file of its own.
#[test]
fn scripts() {
    let text = "[{run: \"  a ${{ github.job }}\\n\\tb\\n\"}, {run: \"${{ '' }}\"}, {shell: pwsh, run: c}]";
    let world = World::steps(text).run();
    let pwsh = "$ErrorActionPreference = 'stop'\nc\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }";
    assert_eq!(world.scripts(), ["  a j\n\tb\n", "", pwsh]);
    let path = |it: &Launch| match &it.program {
        Program::Script { path, .. } => path.clone(),
        Program::StandIn { .. } | Program::Node { .. } | Program::Container { .. } => String::new(),
    };
    let paths: Vec<String> = world.launched.iter().map(path).collect();
    let extensions: Vec<_> = paths.iter().map(|it| it.rsplit_once('.').map(|(_, it)| it)).collect();
    assert_eq!(extensions, [Some("sh"), Some("sh"), Some("ps1")]);
    assert!(paths[0].starts_with("/home/runner/work/_temp/") && paths[0] != paths[1], "{paths:?}");
}

fn files(env: &str, state: &str) -> Does {
    let files =
        StepFiles { env: env.to_owned(), state: state.to_owned(), path: "/added\n".to_owned(), ..StepFiles::default() };
    Does { files, ..Does::default() }
}

const NODE: &str = "inputs: {who: {default: me}}\nruns: {using: node20, main: main.js, post: post.js}";

/// Source: GitHub: execution rules E2.6, layer by layer, and E2.7.
#[test]
fn layers() {
    let text = "
on: push
env: {W: workflow, J: workflow, S: workflow, F: workflow, LANG: of mine, GITHUB_SHA: mine, RUNNER_OS: mine, GITHUB_X: mine, NOTHING: null, N: 42, T: true}
jobs:
  j:
    runs-on: linux
    env: {J: job, S: job, F: job}
    steps:
      - {run: set}
      - {env: {S: step, F: step, CI: '', GITHUB_ACTIONS: 'no'}, run: script}
      - {env: {PATH: /mine}, uses: o/n@v1}
      - {uses: 'docker://alpine'}
      - {run: after}
";
    let set = files("F=file\nS=file\nJ=file\nHOME=/else\nGITHUB_REF=mine\nRUNNER_MINE=1\n", "x=1");
    let world = World::new(text).action("o/n@v1", NODE).when("set", set).run();
    let [first, script, node, container, after] = [0, 1, 2, 3, 4].map(|it| &world.launched[it].env);
    let check = |of: &IndexMap<String, String>, expected: &[(&str, Option<&str>)]| {
        for (name, value) in expected {
            assert_eq!(of.get(*name).map(String::as_str), *value, "{name}");
        }
    };
    check(
        first,
        &[
            ("LANG", Some("of mine")),
            ("W", Some("workflow")),
            ("J", Some("job")),
            ("HOME", Some("/home/runner")),
            ("NOTHING", Some("")),
            ("N", Some("42")),
            ("T", Some("true")),
            ("PATH", Some("/usr/bin:/bin")),
            ("GITHUB_SHA", Some("1111111111111111111111111111111111111111")),
            ("RUNNER_OS", Some("Linux")),
            ("GITHUB_X", Some("mine")),
            ("GITHUB_TOKEN", None),
            ("GITHUB_HEAD_REF", Some("")),
            ("GITHUB_ACTION_REF", Some("")),
            ("GITHUB_ACTION_PATH", None),
            ("GITHUB_ACTIONS", Some("true")),
            ("CI", Some("true")),
            ("RUNNER_DEBUG", None),
            ("ACTIONS_RUNTIME_TOKEN", None),
        ],
    );
    check(
        script,
        &[
            ("J", Some("file")),
            ("F", Some("step")),
            ("S", Some("step")),
            ("HOME", Some("/else")),
            ("GITHUB_REF", Some("refs/heads/main")),
            ("RUNNER_MINE", Some("1")),
            ("CI", Some("")),
            ("GITHUB_ACTIONS", Some("true")),
            ("PATH", Some("/added:/usr/bin:/bin")),
            ("STATE_x", None),
            ("INPUT_WHO", None),
            ("ACTIONS_RUNTIME_TOKEN", None),
            ("ACTIONS_CACHE_SERVICE_V2", None),
        ],
    );
    check(
        node,
        &[
            ("F", Some("file")),
            ("PATH", Some("/added:/mine")),
            ("INPUT_WHO", Some("me")),
            ("ACTIONS_RUNTIME_TOKEN", Some("runtime-token")),
            ("ACTIONS_CACHE_SERVICE_V2", Some("True")),
            ("GITHUB_ACTION_REPOSITORY", Some("o/n")),
            ("GITHUB_ACTION_REF", Some("v1")),
            ("CI", Some("true")),
        ],
    );
    check(
        container,
        &[("PATH", None), ("ACTIONS_RUNTIME_TOKEN", Some("runtime-token")), ("ACTIONS_CACHE_SERVICE_V2", None)],
    );
    check(after, &[("S", Some("file")), ("CI", Some("true")), ("PATH", Some("/added:/usr/bin:/bin"))]);
}

/// Source: GitHub: execution rules E2.6, 4: of this action's instance only.
#[test]
fn state_is_of_one_instance() {
    let save = Does { files: StepFiles { state: "x=1\n".to_owned(), ..StepFiles::default() }, ..Does::default() };
    let world = World::steps("[{uses: o/n@v1}, {uses: o/n@v2}]").action("o/n@v1", NODE).action("o/n@v2", NODE);
    let world = world.when("/actions/o/n/v1/main.js", save).run();
    let state: Vec<_> = world.launched.iter().map(|it| it.env.get("STATE_x").cloned()).collect();
    assert_eq!(state, [None, None, None, Some("1".to_owned())]);
}

/// Source: GitHub: execution rules E6.1 and E6.2: every variable, with its value.
#[test]
fn every_variable() {
    let world = World::steps("[{run: a}]").run();
    let mut told: Vec<String> = world.launched[0]
        .env
        .iter()
        .filter(|(name, _)| name.starts_with("GITHUB_") || name.starts_with("RUNNER_"))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    told.sort();
    insta::assert_snapshot!(told.join("\n"));
}

/// Source: GitHub: execution rules E6.3: the shapes of contexts.
#[test]
fn shapes() {
    let workflow = "on: push\njobs: {j: {runs-on: linux, steps: [{run: '${{ toJSON(job) }}'}, {run: '${{ toJSON(strategy) }}'}, \
                    {run: '${{ toJSON(matrix) }}'}, {run: '${{ toJSON(runner) }}'}, {run: '${{ toJSON(needs) }}'}, \
                    {run: '${{ toJSON(vars) }}'}, {run: '${{ toJSON(secrets) }}'}, {run: '${{ github.nope }}${{ env.nope }}'}]}}";
    let world = World::new(workflow).var("V", "1").secret("S", "hidden").run();
    insta::assert_snapshot!(world.scripts().join("\n"));
    let workflow = "on: push\njobs: {j: {runs-on: linux, strategy: {fail-fast: false, max-parallel: 3, matrix: {a: [1, true], \
                    b: [x]}}, steps: [{run: '${{ toJSON(matrix) }} ${{ toJSON(strategy) }}'}]}}";
    insta::assert_snapshot!(World::new(workflow).run().scripts().join("\n"));
}

/// What a run gives and what `context/no-member` knows are the same.
#[test]
fn members_of_the_github_context() {
    let script = World::steps("[{run: '${{ toJSON(github) }}'}]").run().scripts().join("\n");
    let given: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&script).expect("an object");
    let known: Vec<&str> = GITHUB_MEMBERS.iter().map(|(name, _)| *name).collect();
    let unknown: Vec<&String> = given.keys().filter(|it| !known.contains(&it.as_str())).collect();
    assert_eq!(unknown, [] as [&String; 0]);
    let absent: Vec<&str> = known.into_iter().filter(|it| !given.contains_key(*it)).collect();
    // Only steps of composite actions have them.
    assert_eq!(absent, ["action_path", "action_status"]);
}

/// Source: GitHub: execution rules E6.1: what is in `github` and no variable; E6.4: what a composite action's steps see.
#[test]
fn the_github_context() {
    insta::assert_snapshot!(World::steps("[{run: '${{ toJSON(github) }}'}]").run().scripts().join("\n"));
    let action = "
inputs: {n: {default: 5}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {R: '${{ github.action_repository }}', REF: '${{ github.action_ref }}'}
      run: '${{ toJSON(inputs) }} ${{ github.action_path }} ${{ github.token }} ${{ secrets }}${{ needs }}${{ vars }}'
";
    let action = action.replace(" ${{ secrets }}${{ needs }}${{ vars }}", "");
    let world = World::steps("[{id: outer, uses: o/c/sub@v1, with: {n: 7}}]").action("o/c/sub@v1", &action).run();
    let env = &world.launched[0].env;
    let told = ["GITHUB_ACTION", "GITHUB_ACTION_PATH", "GITHUB_ACTION_REPOSITORY", "GITHUB_ACTION_REF", "R", "REF"];
    let values: Vec<&str> = told.iter().map(|it| env[*it].as_str()).collect();
    assert_eq!(values, ["outer", "/actions/o/c/sub/v1", "", "", "o/c", "v1"]);
    assert!(!env.contains_key("INPUT_N"));
    assert_eq!(world.scripts(), ["{\n  \"n\": \"7\"\n} /actions/o/c/sub/v1 ghs_token"]);
}
