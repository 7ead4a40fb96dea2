//! Each wrong input gives one clear finding with its place and the way out.
use insta::assert_snapshot;

use crate::repo::Repo;

/// Runs a workflow that cannot be run; gives back what is said and the exit code.
fn said(workflow: &str, arguments: &[&str]) -> String {
    let repo = Repo::new(workflow, &[("broken.env", "A=1\nnonsense\n")]);
    told(&repo, arguments)
}

fn told(repo: &Repo, arguments: &[&str]) -> String {
    let ran = repo.wfrun(arguments);
    let root = repo.root().display().to_string();
    format!("{}{}exit code {}", ran.stdout, ran.stderr, ran.code).replace(&root, "ROOT")
}

const GOOD: &str = "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";

#[test]
fn missing_file() {
    assert_snapshot!(said(GOOD, &["x.yml"]), @r"
    error[workflow/not-found]: there is no workflow `x.yml`
     |
     = help: did you mean `w.yml`?
    exit code 2
    ");
}

#[test]
fn not_yaml() {
    assert_snapshot!(said("just some text\n", &["w.yml"]), @r"
    error[yaml/not-a-mapping]: a mapping was expected, but the file is text without keys
     --> .github/workflows/w.yml:1:1
      |
    1 | just some text
      | ^^^^^^^^^^^^^^
      |
      = help: the file must consist of `key: value` lines
    exit code 2
    ");
}

#[test]
fn tab_indentation() {
    assert_snapshot!(said("on: push\njobs:\n\tj:\n\t\truns-on: x\n", &["w.yml"]), @r"
    error[yaml/tab-indentation]: a tab is used for indentation
     --> .github/workflows/w.yml:3:1
      |
    3 |     j:
      | ^^^^
      |
      = help: YAML forbids tabs there; use spaces
    exit code 2
    ");
}

#[test]
fn unclosed_bracket() {
    assert_snapshot!(said("on: [push\njobs: {}\n", &["w.yml"]), @r"
    error[yaml/unclosed-bracket]: a bracket is not closed, or a comma is missing
     --> .github/workflows/w.yml:2:5
      |
    2 | jobs: {}
      |     ^
      |
      = help: check the `[` or `{` before this place; quote values that contain brackets
    exit code 2
    ");
}

#[test]
fn unknown_key() {
    assert_snapshot!(said("on: push\njobs:\n  j:\n    run-on: ubuntu-latest\n    runs-on: x\n    steps: [{run: a}]\n", &["w.yml"]), @r"
    error[workflow/unknown-key]: Unexpected value 'run-on'
     --> .github/workflows/w.yml:4:5
      |
    4 |     run-on: ubuntu-latest
      |     ^^^^^^
      |
      = help: did you mean `runs-on`?
    exit code 2
    ");
}

#[test]
fn unknown_needs() {
    assert_snapshot!(said("on: push\njobs:\n  test: {runs-on: x, steps: [{run: a}]}\n  b: {needs: tset, runs-on: x, steps: [{run: a}]}\n", &["w.yml"]), @r"
    error[workflow/unknown-job]: Job 'b' depends on unknown job 'tset'.
     --> .github/workflows/w.yml:4:14
      |
    4 |   b: {needs: tset, runs-on: x, steps: [{run: a}]}
      |              ^^^^
      |
      = help: did you mean `test`?
    exit code 2
    ");
}

#[test]
fn cycle() {
    assert_snapshot!(said("on: push\njobs:\n  a: {needs: c, runs-on: x, steps: [{run: a}]}\n  b: {needs: a, runs-on: x, steps: [{run: a}]}\n  c: {needs: b, runs-on: x, steps: [{run: a}]}\n", &["w.yml"]), @r"
    error[workflow/no-start]: The workflow must contain at least one job with no dependencies.
     --> .github/workflows/w.yml:3:3
      |
    3 |   a: {needs: c, runs-on: x, steps: [{run: a}]}
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: each job waits for another: `a` needs `c` needs `b` needs `a`
    exit code 2
    ");
}

#[test]
fn unknown_action() {
    assert_snapshot!(said("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n    - uses: octo/launch@v1\n", &["w.yml", "--offline"]), @r"
    error[action/not-found]: action `octo/launch@v1` was not found: looked in what wfrun carries in itself and the store of fetched actions
     --> .github/workflows/w.yml:6:13
      |
    6 |     - uses: octo/launch@v1
      |             ^^^^^^^^^^^^^^
      |
      = help: give it by `--mirror DIR` or `--local-repository octo/launch=DIR`, or let it be
              fetched: `wfrun vendor` does, or a run without `--offline`
    exit code 3
    ");
}

#[test]
fn misspelt_action() {
    assert_snapshot!(said("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n    - uses: action/checkout@v4\n", &["w.yml", "--offline"]), @r"
    error[action/not-found]: action `action/checkout@v4` was not found: looked in what wfrun carries in itself and the store of fetched actions
     --> .github/workflows/w.yml:6:13
      |
    6 |     - uses: action/checkout@v4
      |             ^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `actions/checkout`?
    exit code 3
    ");
}

#[test]
fn empty_jobs() {
    assert_snapshot!(said("on: push\njobs:\n", &["w.yml"]), @r"
    error[workflow/missing-value]: Unexpected value ''
     --> .github/workflows/w.yml:2:6
      |
    2 | jobs:
      |      ^
      |
      = help: write a job below it: `test:` with `runs-on: ubuntu-latest` and `steps:`
    exit code 2
    ");
}

#[test]
fn empty_file() {
    assert_snapshot!(said("", &["w.yml"]), @r"
    error[workflow/empty]: the file is empty
     --> .github/workflows/w.yml:1:1
      |
    1 |
      | ^
      |
      = help: a workflow needs at least `on:` and `jobs:`
    exit code 2
    ");
}

#[test]
fn broken_secrets_file() {
    assert_snapshot!(said(GOOD, &["w.yml", "--secret-file", "broken.env"]), @r"
    error[file/broken-line]: broken.env:2:1: the line cannot be read: expected NAME=VALUE
     |
     = help: write NAME=VALUE, one a line; `#` begins a comment
    exit code 2
    ");
}

#[test]
fn missing_secrets_file() {
    assert_snapshot!(said(GOOD, &["w.yml", "--secret-file", "none.env"]), @r"
    error[file/unreadable]: failed to read none.env: No such file or directory (os error 2)
     |
     = help: give the path of a dotenv or YAML file, relative to where wfrun is started
    exit code 2
    ");
}

#[test]
fn unknown_backend() {
    assert_snapshot!(said(GOOD, &["w.yml", "--backend", "podman"]), @r"
    error: invalid value 'podman' for '--backend <NAME>'
      [possible values: auto, docker, sandbox, host]

    For more information, try '--help'.
    exit code 2
    ");
}

#[test]
fn no_engine() {
    let repo = Repo::new(GOOD, &[]);
    let output =
        repo.command(&["w.yml", "--backend", "docker"]).env("DOCKER_HOST", "unix:///nowhere/docker.sock").output();
    let ran = crate::repo::Ran::of(&output.expect("wfrun starts"));
    assert_snapshot!(format!("{}{}exit code {}", ran.stdout, ran.stderr, ran.code), @r"
    error[backend/unavailable]: no Docker engine answers at unix:///nowhere/docker.sock (Socket not found: /nowhere/docker.sock)
     |
     = help: start it (`sudo systemctl start docker`, or `sudo dockerd`), set DOCKER_HOST, or use
             `--backend sandbox`
    exit code 3
    ");
}

#[test]
fn bad_condition() {
    assert_snapshot!(said("on: push\njobs:\n  j:\n    if: secrets.TOKEN != ''\n    runs-on: x\n    steps: [{run: a}]\n", &["w.yml"]), @r"
    error[expr/unavailable-context]: Unrecognized named-value: 'secrets'. Located at position 1 within expression: secrets.TOKEN != ''
     --> .github/workflows/w.yml:4:9
      |
    4 |     if: secrets.TOKEN != ''
      |         ^^^^^^^
      |
      = help: `secrets` does not exist here; put it into `env` of a step and test that there;
              available here: github, inputs, vars, needs
    exit code 2
    ");
}

#[test]
fn bad_expression() {
    assert_snapshot!(said("on: push\njobs:\n  j:\n    runs-on: x\n    steps: [{run: 'echo ${{ github.reff == \"x\" }}'}]\n", &["w.yml"]), @r#"
    error[expr/syntax]: Unexpected symbol: '"x"'. Located at position 16 within expression: github.reff == "x"
     --> .github/workflows/w.yml:5:44
      |
    5 |     steps: [{run: 'echo ${{ github.reff == "x" }}'}]
      |                                            ^^^
      |
      = help: texts stand in single quotes: `'text'`
    exit code 2
    "#);
}

#[test]
fn unknown_event() {
    assert_snapshot!(said("on: [push, pull_requests]\njobs: {j: {runs-on: x, steps: [{run: a}]}}\n", &["w.yml"]), @r"
    error[workflow/unknown-event]: Unexpected value 'pull_requests'
     --> .github/workflows/w.yml:1:12
      |
    1 | on: [push, pull_requests]
      |            ^^^^^^^^^^^^^
      |
      = help: did you mean `pull_request`?
    exit code 2
    ");
}

#[test]
fn not_listened_to() {
    assert_snapshot!(said(GOOD, &["w.yml", "--event", "pull_request"]), @r"
    note[trigger/event]: `pull_request` (synchronize) into `main` does not trigger `.github/workflows/w.yml`: it does not listen to `pull_request`
     --> .github/workflows/w.yml:1:1
      |
    1 | on: push
      | ^^ listens to `push`
      |
      = help: it listens to `--event push`
    exit code 4
    ");
}

#[test]
fn not_built_yet() {
    assert_snapshot!(said("on: push\njobs:\n  j:\n    snapshot: image\n    runs-on: x\n    steps: [{uses: ./here}]\n", &["w.yml"]), @r"
    error[wfrun/not-supported-yet]: `snapshot` of job `j` is not supported by wfrun yet
     --> .github/workflows/w.yml:4:15
      |
    4 |     snapshot: image
      |               ^^^^^
      |
      = help: GitHub accepts it, wfrun does not run it in part: README.md says what is built
    exit code 3
    ");
}

#[test]
fn subcommand_not_built_yet() {
    assert_snapshot!(said(GOOD, &["shell", "w.yml"]), @r"
    error[wfrun/not-supported-yet]: `wfrun shell` is not built yet
     |
     = help: what is there now: `wfrun run`, `wfrun plan`, `wfrun why`, `wfrun table`,
             `wfrun graph`, `wfrun list`, `wfrun check`, `wfrun test`, `wfrun actions`,
             `wfrun vendor`, `wfrun eval`, `wfrun services`, `wfrun cache`, `wfrun runs`,
             `wfrun view`, `wfrun logs`, `wfrun download`, `wfrun clean`, `wfrun doctor`,
             `wfrun completions`, `wfrun man`; see `wfrun run --help`
    exit code 3
    ");
}

#[test]
fn unknown_job() {
    assert_snapshot!(said(GOOD, &["w.yml", "--job", "jj"]), @r"
    error[plan/failed]: the workflow has no job `jj`
     |
     = help: did you mean `j`?
    exit code 2
    ");
}

#[test]
fn bad_ref() {
    assert_snapshot!(said(GOOD, &["w.yml", "--ref", "bad ref..x"]), @r"
    error[git/bad-ref]: `bad ref..x` cannot be the name of a branch or tag
     |
     = help: a name like `main`, `feature/x`, `v1.2` or `refs/heads/main`; see
             `git help check-ref-format`
    exit code 2
    ");
}

#[test]
fn missing_folder() {
    assert_snapshot!(said(GOOD, &["w.yml", "-C", "nowhere"]), @r"
    error[cli/directory]: there is no folder nowhere
     |
     = help: give a folder that is there
    exit code 2
    ");
}
