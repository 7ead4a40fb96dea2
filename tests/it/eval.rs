//! `wfrun eval`: one expression for a person, many for a program.
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::repo::{Repo, WFRUN};

const GOOD: &str = "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";

/// What `wfrun eval` says in a folder: standard output, standard error, exit code.
fn said(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    let output = Command::new(WFRUN)
        .arg("eval")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("USER", "mona")
        .stdin(Stdio::null())
        .output()
        .expect("wfrun starts");
    let text = |it: Vec<u8>| String::from_utf8(it).expect("text");
    (text(output.stdout), text(output.stderr), output.status.code().unwrap_or(-1))
}

#[test]
fn outside_of_a_repository() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("place.json"), r#"{"github": {"workspace": "/elsewhere"}}"#).expect("a file");
    std::fs::write(folder.path().join("c.json"), r#"{"needs": {"a": {"result": "failure"}}, "vars": {"v": 1e21}}"#)
        .expect("a file");
    std::fs::write(folder.path().join("bad.json"), "[1]").expect("a file");
    std::fs::write(folder.path().join("broken.env"), "A=1\nnonsense\n").expect("a file");
    for (arguments, stdout, code, stderr) in [
        (vec!["1 == 1"], "true\n", 0, "1 == 1  true\n"),
        (vec!["${{ format('{0}', 'a') }}"], "\"a\"\n", 0, "format('{0}', 'a')  'a'\n"),
        (vec!["-1 < 0"], "true\n", 0, "-1 < 0  true"),
        (
            vec!["--json", "-Infinity"],
            "{\"kind\":\"Number\",\"value\":\"-Infinity\",\"trace\":{\"text\":\"-Infinity\",\"range\":{\"start\":0,\"end\":9},\"op\":\"literal\",\"value\":\"-Infinity\"}}\n",
            0,
            "",
        ),
        (vec!["1", "--jsn"], "", 2, "--jsn"),
        (vec!["0 / 0"], "", 2, "Unexpected symbol: '/'"),
        (vec!["NaN"], "\"NaN\"\n", 0, "NaN"),
        (vec!["success() && always() && !failure() && !cancelled('x')"], "", 2, "Too many parameters supplied"),
        (vec!["success('a') && always() && !failure() && !cancelled()"], "true\n", 0, "failure()"),
        (vec!["needs.a.result"], "", 2, "`needs` exists within a job only: give it by `--context FILE`"),
        (vec!["needs.A.RESULT", "--context", "c.json"], "\"failure\"\n", 0, "needs.A.RESULT  'failure'"),
        (vec!["nedes.A", "--context", "c.json"], "", 2, "did you mean `needs`?"),
        (vec!["vars.v", "--context", "c.json", "--var", "v=2"], "1e+21\n", 0, "1E+21"),
        (vec!["vars.V", "--var", "v=2"], "\"2\"\n", 0, "'2'"),
        (vec!["env.a", "--env", "a=1", "--env", "A=2"], "\"1\"\n", 0, "'1'"),
        (vec!["inputs.x", "--input", "x=y"], "\"y\"\n", 0, "'y'"),
        (vec!["secrets.key", "--secret", "KEY=hush"], "\"***\"\n", 0, "'***'"),
        (vec!["github.event_name", "--event", "issues"], "\"issues\"\n", 0, "not in a git repository: `github` has no"),
        (vec!["github.ref", "--ref", "dev"], "\"refs/heads/dev\"\n", 0, "made up"),
        (vec!["hashFiles('*.json') != ''"], "true\n", 0, "hashFiles('*.json')"),
        (vec!["hashFiles('bad.json', 'c.json') != hashFiles('c.json', 'bad.json')"], "true\n", 0, ""),
        (vec!["hashFiles('../c.json')"], "", 2, "Relative pathing '.' and '..' is not allowed"),
        (vec!["hashFiles('--x', 'c.json')"], "", 2, "Invalid glob option --x"),
        (vec!["hashFiles('/elsewhere/c.json') != ''", "--context", "place.json"], "true\n", 0, ""),
        (vec!["join(1,2,3)"], "", 2, "Too many parameters supplied: '('. Located at position 5"),
        (vec!["fromJSON('[')"], "", 2, "error[expr/no-value]: Error reading JArray from JsonReader."),
        (vec!["env.A", "--env-file", "broken.env"], "", 2, "broken.env"),
        (vec!["a.b", "--context", "bad.json"], "", 2, "failed to read bad.json: it holds Array"),
        (vec!["a.b", "--context", "none.json"], "", 2, "failed to read none.json"),
        (vec!["x ${{ 1 }}"], "", 2, "others are given by"),
        (vec!["1 ${{ 1 }}"], "", 2, "without `${{ }}` or with it around the whole"),
        (vec!["1", "--batch"], "", 2, "cannot be used with"),
        (vec!["--batch", "--event", "push"], "", 2, "cannot be used with"),
        (
            vec!["--json", "1 <"],
            "{\"error\":{\"kind\":\"parsing\",\"message\":\"Unexpected end of expression: '<'. Located at position 3 within expression: 1 <\"}}\n",
            2,
            "",
        ),
        (
            vec!["--json", "\"a\""],
            "{\"error\":{\"kind\":\"lexing\",\"message\":\"Unexpected symbol: '\\\"a\\\"'. Located at position 1 within expression: \\\"a\\\"\"}}\n",
            2,
            "",
        ),
        (
            vec!["--json", "case(1, 2, 3)"],
            "{\"error\":{\"kind\":\"evaluation\",\"message\":\"case predicate must evaluate to a boolean value\"}}\n",
            2,
            "",
        ),
        (
            vec!["--json", "!vars.x"],
            "{\"kind\":\"Boolean\",\"value\":true,\"trace\":{\"text\":\"!vars.x\",\"range\":{\"start\":0,\"end\":7},\"op\":\"not\",\"value\":true,\
             \"operands\":[{\"text\":\"vars.x\",\"range\":{\"start\":1,\"end\":7},\"op\":\"path\",\"value\":null}]}}\n",
            0,
            "",
        ),
    ] {
        let (out, err, exit) = said(folder.path(), &arguments);
        assert_eq!((out.as_str(), exit), (stdout, code), "{arguments:?}: {err}");
        assert!(err.contains(stderr), "{arguments:?}: {err}");
    }
}

#[test]
fn of_a_repository() {
    let repo = Repo::new(GOOD, &[]);
    repo.git(&["branch", "dev"]);
    let sha = repo.git(&["rev-parse", "HEAD"]).trim().to_owned();
    for (expression, arguments, expected) in [
        ("github.sha", vec![], sha.as_str()),
        ("github.ref", vec![], "refs/heads/main"),
        ("github.ref_name", vec!["--ref", "dev"], "dev"),
        ("github.event.head_commit.message", vec![], "start"),
        ("github.event.pull_request.head.ref", vec!["--event", "pull_request", "--head", "dev"], "dev"),
        ("github.event.inputs.x", vec!["--event", "workflow_dispatch", "--input", "x=1"], "1"),
        ("github.actor", vec!["--actor", "octocat"], "octocat"),
    ] {
        let (stdout, stderr, code) = said(&repo.root(), &[vec![expression], arguments].concat());
        assert_eq!((stdout, code), (format!("\"{expected}\"\n"), 0), "{expression}: {stderr}");
    }
}

#[test]
fn an_error_points_at_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, stderr, _) = said(folder.path(), &["${{ github.ref == 'é' && env.x == contians(1, 2) }}"]);
    insta::assert_snapshot!(stderr, @r#"
    error[expr/unknown-function]: Unrecognized function: 'contians'. Located at position 31 within expression: github.ref == 'é' && env.x == contians(1, 2)
     --> <expression>:1:35
      |
    1 | ${{ github.ref == 'é' && env.x == contians(1, 2) }}
      |                                   ^^^^^^^^
      |
      = help: did you mean `contains`?
    "#);
}

#[test]
fn a_batch_answers_while_it_is_asked() {
    let mut child = Command::new(WFRUN)
        .args(["eval", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("wfrun starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    for (line, answer) in [
        ("{\"id\":1,\"expr\":\"a.b\",\"contexts\":{\"a\":{\"b\":2}}}", "{\"id\":1,\"kind\":\"Number\",\"value\":2}"),
        (
            "{\"id\":2,\"expr\":\"a.b\"}",
            "{\"id\":2,\"error\":{\"kind\":\"parsing\",\"message\":\"Unrecognized named-value: 'a'. Located at position 1 within expression: a.b\"}}",
        ),
    ] {
        writeln!(stdin, "{line}").expect("it reads");
        assert_eq!(lines.next().expect("an answer").expect("text"), answer);
    }
    writeln!(stdin, "no JSON").expect("it reads");
    drop(stdin);
    assert!(lines.next().expect("an answer").expect("text").contains("\"kind\":\"input\""));
    assert_eq!(child.wait().expect("it ends").code(), Some(2));
}
