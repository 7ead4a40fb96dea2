//! Processes of `run` steps, for real: shells, streams, folders, exit codes, what stays behind.
//!
//! Source: GitHub: execution rules E2; the tables of shells and variables are the engine's `processes`.
use std::time::Instant;

use crate::repo::{Ran, Repo, can_sandbox};

fn run(backend: &str, steps: &str) -> Ran {
    let repo = Repo::new(&format!("on: push\njobs: {{j: {{runs-on: ubuntu-latest, steps: {steps}}}}}\n"), &[]);
    repo.wfrun(&["w.yml", "--backend", backend, "--json", "--repository", "octo/demo"])
}

fn messages(ran: &Ran) -> Vec<String> {
    let annotations = ran.of_type("annotation");
    annotations.iter().map(|it| it["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Source: GitHub: execution rules E2.1, E2.3 and E2.5: what cannot be started, and how scripts end.
#[test]
fn ends() {
    for (step, lines, message) in [
        ("shell: Bash, run: echo", &[][..], "Bash: command not found"),
        ("shell: 'no-such-shell {0}', run: echo", &[], "no-such-shell: command not found"),
        ("shell: 'pwsh-is-not-here {0}', run: echo", &[], "pwsh-is-not-here: command not found"),
        (
            "shell: 'bash {1} {0}', run: echo",
            &[],
            "Index (zero based) must be greater than or equal to zero and less than the size of the argument list.",
        ),
        ("run: 'false | true; exit 4'", &[], "Process completed with exit code 4."),
        ("shell: bash, run: 'false | true; exit 4'", &[], "Process completed with exit code 1."),
        ("run: 'echo a; false; echo b'", &["a"], "Process completed with exit code 1."),
        ("shell: 'bash {0}', run: 'false; echo b; exit 2'", &["b"], "Process completed with exit code 2."),
        ("run: 'kill -TERM $$'", &[], "Process completed with exit code 143."),
        ("run: 'kill -KILL $$'", &[], "Process completed with exit code 137."),
        ("run: 'kill -SEGV $$'", &[], "Process completed with exit code 139."),
        (
            "run: no-such-command",
            &["/home/SCRIPT: line 1: no-such-command: command not found"],
            "Process completed with exit code 127.",
        ),
        (
            "working-directory: not/there, run: echo",
            &[],
            "An error occurred trying to start process 'SHELL' with working directory 'WORKSPACE/not/there'. No such file or directory",
        ),
    ] {
        let ran =
            run("host", &format!("[{{{step}}}, {{if: always(), run: 'echo \"$GITHUB_WORKSPACE\"; command -v bash'}}]"))
                .ends_with(1);
        let mut all = ran.lines();
        let shell = all.pop().unwrap_or_default();
        let workspace = all.pop().unwrap_or_default();
        let expected = message.replace("WORKSPACE", &workspace).replace("SHELL", &shell);
        assert_eq!(messages(&ran), [expected], "{step}");
        let is = |found: &String, expected: &str| {
            found == expected || expected.strip_prefix("/home/SCRIPT").is_some_and(|it| found.ends_with(it))
        };
        assert!(
            all.len() == lines.len() && all.iter().zip(lines).all(|(it, expected)| is(it, expected)),
            "{step}: {all:?}"
        );
    }
}

/// Source: GitHub: execution rules E2.2 and E2.4.
#[test]
fn scripts_and_streams() {
    let steps = r#"[
        {run: 'echo $LINENO; case $0 in $RUNNER_TEMP/*.sh) echo own;; esac; test -x $0 || echo not executable'},
        {shell: 'cat {0}', run: "  as it\n\tis\n\n"},
        {run: "${{ '' }}"},
        {run: 'cat; echo end; for it in 0 1 2; do test -t $it && echo tty; done; true'},
        {run: "printf 'a\rb\r\nc\\377d'"},
        {shell: python, run: 'import sys; print(len(sys.argv), file=sys.stderr)'},
    ]"#;
    let ran = run("host", steps).ends_with(0);
    let expected = ["1", "own", "not executable", "  as it", "\tis", "", "end", "a", "b", "c\u{fffd}d", "1"];
    assert_eq!(ran.lines(), expected);
    let last = ran.of_type("line").pop().unwrap_or_default();
    assert_eq!(last["stream"], "stderr");
}

/// Source: GitHub: execution rules E3.1: what is at a file's place at the end counts; links are followed.
#[test]
fn files_that_steps_replace() {
    let steps = r#"[
        {run: 'rm $GITHUB_OUTPUT $GITHUB_ENV $GITHUB_PATH $GITHUB_STATE $GITHUB_STEP_SUMMARY'},
        {id: a, run: 'cd ${GITHUB_OUTPUT%/*}; echo x=1 > other; ln -sf other $(basename $GITHUB_OUTPUT)'},
        {id: b, run: 'echo x=2 > t; mv t $GITHUB_OUTPUT; exit 1', continue-on-error: true},
        {run: "echo ${{ steps.a.outputs.x }} ${{ steps.b.outputs.x }}"},
    ]"#;
    let ran = run("host", steps).ends_with(0);
    assert_eq!(ran.lines(), ["1 2"]);
    assert_eq!(messages(&ran), ["Process completed with exit code 1."]);
}

/// Source: GitHub: execution rules E1.8, "After exit" and "Orphans": what a step leaves running ends with the job, and holds
/// no step up for long.
#[test]
fn what_stays_behind() {
    if !can_sandbox() {
        return;
    }
    let steps = "[{run: 'echo \"${RUNNER_TRACKING_ID%%_*}\"; sleep 300 & echo $! > pid'}, {run: 'kill -0 $(cat pid) && echo lives'}]";
    for backend in ["host", "sandbox"] {
        let start = Instant::now();
        let ran = run(backend, steps).ends_with(0);
        assert_eq!(ran.lines(), ["github", "lives"], "{backend}");
        assert!(start.elapsed().as_secs() < 60, "{backend}: {:?}", start.elapsed());
    }
}

/// Source: GitHub: execution rules E2.1, "Lookup": each step looks for itself.
#[test]
fn a_shell_that_comes_and_goes() {
    if !can_sandbox() {
        return;
    }
    let come =
        r"mkdir -p /usr/local/bin; printf '#!/bin/sh\necho mine' > /usr/local/bin/mine; chmod +x /usr/local/bin/mine";
    let uses = "{continue-on-error: true, shell: 'mine {0}', run: x}";
    let steps =
        format!("[{uses}, {{run: '{}'}}, {uses}, {{run: rm /usr/local/bin/mine}}, {uses}]", come.replace('\'', "''"));
    let ran = run("sandbox", &steps).ends_with(0);
    assert_eq!(ran.lines(), ["mine"]);
    let messages: Vec<_> = ran.of_type("annotation").iter().map(|it| it["message"].clone()).collect();
    assert_eq!(messages, ["mine: command not found", "mine: command not found"]);
}

/// Source: GitHub: execution rules E2.1, "Lookup", and E2.7: a shell that an earlier step brought.
#[test]
fn a_shell_from_the_added_paths() {
    let bring = r"mkdir $RUNNER_TEMP/b; printf '#!/bin/sh\necho mine $1' > $RUNNER_TEMP/b/python; chmod +x $RUNNER_TEMP/b/python; echo $RUNNER_TEMP/b >> $GITHUB_PATH";
    let steps = format!(
        "[{{run: '{}'}}, {{shell: python, run: x}}, {{shell: bash, run: 'echo ${{PATH%%:*}}; echo $RUNNER_TEMP/b'}}]",
        bring.replace('\'', "''")
    );
    let lines = run("host", &steps).ends_with(0).lines();
    assert!(lines[0].starts_with("mine /"), "{lines:?}");
    assert_eq!(lines[1], lines[2], "the newest comes first");
    let elsewhere = run("host", "[{env: {PATH: /nowhere}, shell: sh, run: 'echo $PATH'}]").ends_with(0);
    assert_eq!(elsewhere.lines(), ["/nowhere"], "`PATH` of `env:` is not asked for the shell");
}
