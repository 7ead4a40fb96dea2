//! `wfrun check`: what it looks at, how it ends, what it prints; and what it says about broken files.
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::repo::{Ran, Repo, WFRUN};

const GOOD: &str = "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";
const BAD: &str = "on: psuh\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";
/// A warning with `--secret OTHER`.
const WARNED: &str = "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'echo ${{ secrets.A }}'}]}}\n";
const ACTION: &str = "name: x\ndescription: y\nruns: {using: node20, main: x.js}\n";

#[test]
fn what_is_checked_and_how_it_ends() {
    let files = [
        (".github/workflows/a.yml", GOOD),
        (".github/workflows/b.yaml", WARNED),
        (".github/workflows/notes.txt", "x"),
        ("tools/greet/action.yml", ACTION),
        ("node_modules/x/action.yml", "- broken"),
        ("other/bad.yml", BAD),
    ];
    let repo = Repo::of(&files);
    for (arguments, code, summary) in [
        (&["check"][..], 0, "checked 2 workflows and 1 action: no findings"),
        (&["check", ".", "a.yml"], 0, "checked 2 workflows and 1 action: no findings"),
        (&["check", "-C", "tools/greet"], 0, "checked 2 workflows and 1 action: no findings"),
        (&["check", "a"], 0, "checked 1 workflow: no findings"),
        (&["check", "tools"], 0, "checked 1 action: no findings"),
        (&["check", "--secret", "OTHER"], 0, "checked 2 workflows and 1 action: 1 warning"),
        (&["check", "--secret", "OTHER", "--strict"], 2, "checked 2 workflows and 1 action: 1 error"),
        (&["check", "other"], 2, "checked 1 workflow: 1 error"),
        (&["check", "none.yml", "other/bad.yml"], 3, "checked 1 workflow: 2 errors"),
        (&["check", "none.yml"], 3, "checked nothing: 1 error"),
    ] {
        let ran = repo.wfrun(arguments).ends_with(code);
        assert_eq!(ran.stderr.trim(), summary, "{arguments:?}\n{}", ran.stdout);
    }
    assert!(repo.wfrun(&["check", "node_modules/.."]).ends_with(0).stderr.contains("2 workflows"));
}

#[test]
fn formats() {
    let repo = Repo::of(&[(".github/workflows/a.yml", BAD), ("sub/x.txt", "")]);
    let said = |arguments: &[&str]| repo.wfrun(&[&["check", "-C", "sub"], arguments].concat()).ends_with(2).stdout;
    assert!(said(&[]).contains("--> .github/workflows/a.yml:1:5\n"), "{}", said(&[]));
    let json: Json = serde_json::from_str(&said(&["--json"])).expect("JSON");
    assert_eq!(json["diagnostics"][0]["code"], "workflow/unknown-event");
    let sarif: Json = serde_json::from_str(&said(&["--format", "sarif"])).expect("JSON");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(place, ".github/workflows/a.yml", "from the root");
    assert!(said(&["--format", "github"]).starts_with("::error file=.github/workflows/a.yml,line=1,col=5,"));
}

#[test]
fn findings_are_in_order_of_file_and_place() {
    let two = "on: push\nenv: {A: 1, a: 2}\njobs: {j: {runs-on: x, steps: [{run: 'true'}], runs-On: x}}\n";
    let repo = Repo::of(&[(".github/workflows/b.yml", two), (".github/workflows/a.yml", BAD)]);
    let said = repo.wfrun(&["check", "b.yml", "a.yml"]).stdout;
    let places: Vec<_> = said.lines().filter_map(|it| it.trim_start().strip_prefix("--> ")).collect();
    let path = |it: &str| format!(".github/workflows/{it}");
    assert_eq!(places, [path("a.yml:1:5"), path("b.yml:2:13"), path("b.yml:3:48")]);
}

#[test]
fn standard_input() {
    let mut command = Command::new(WFRUN);
    command.args(["check", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("wfrun starts");
    child.stdin.take().expect("a pipe").write_all(BAD.as_bytes()).expect("wfrun reads");
    let ran = Ran::of(&child.wait_with_output().expect("wfrun ends")).ends_with(2);
    assert!(ran.stdout.contains("--> <stdin>:1:5"), "{}", ran.stdout);
}

#[test]
fn comments_silence_warnings_of_check_and_run() {
    let silent = format!("# wfrun: allow secret/not-given -- it is optional\n{WARNED}");
    let repo = Repo::of(&[(".github/workflows/w.yml", &silent)]);
    let ran = repo.wfrun(&["check", "--secret", "OTHER", "--strict"]).ends_with(0);
    assert_eq!(ran.stdout, "");
    // Without options nobody can tell which secrets there are.
    let ran = repo.wfrun(&["check"]).ends_with(0);
    assert!(ran.stdout.starts_with("note[check/unused-allow]: "), "{}", ran.stdout);
    let ran = repo.wfrun(&["w.yml", "--backend", "host"]).ends_with(0);
    assert!(!ran.stderr.contains("secret/not-given") && !ran.stderr.contains("check/unused-allow"), "{}", ran.stderr);
}

/// What is looked for beyond GitHub's own checks, only in files without errors, and silenced as any warning.
#[test]
fn lints() {
    let text = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      - run: 'true'\n        if: ${{ github.sha }} == 'x'\n      # wfrun: allow run/untrusted-text -- only maintainers push here\n      - run: |\n          echo\n          echo ${{ github.event.head_commit.message }}\n";
    let repo = Repo::of(&[(".github/workflows/w.yml", text)]);
    let ran = repo.wfrun(&["check"]).ends_with(0);
    assert!(ran.stdout.starts_with("warning[if/always-true]: "), "{}", ran.stdout);
    assert_eq!(ran.stderr.trim(), "checked 1 workflow: 1 warning");
    repo.wfrun(&["check", "--strict"]).ends_with(2);
    let broken = Repo::of(&[(".github/workflows/w.yml", &format!("{text}newer: 1\n"))]);
    let ran = broken.wfrun(&["check"]).ends_with(2);
    assert_eq!(ran.stderr.trim(), "checked 1 workflow: 1 error", "{}", ran.stdout);
}

#[test]
fn keys_that_may_be_newer() {
    let repo = Repo::of(&[(".github/workflows/w.yml", &format!("newer: 1\n{GOOD}"))]);
    repo.wfrun(&["check"]).ends_with(2);
    let ran = repo.wfrun(&["check", "--allow-unknown"]).ends_with(0);
    assert!(ran.stdout.starts_with("warning[workflow/allowed-unknown-key]: "), "{}", ran.stdout);
    // What leaves out a key that is needed is no newer key.
    let misspelt = Repo::of(&[(".github/workflows/w.yml", &GOOD.replace("runs-on", "run-on"))]);
    let ran = misspelt.wfrun(&["check", "--allow-unknown"]).ends_with(2);
    assert!(ran.stdout.contains("error[workflow/unknown-key]: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("  = help: did you mean `runs-on`?"), "{}", ran.stdout);
}

#[test]
fn broken_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/diagnostics");
    let entries = fs::read_dir(&folder).expect("the folder").flatten().map(|it| it.path());
    let mut files: Vec<_> = entries.filter(|it| it.is_dir() || it.extension().is_some_and(|it| it == "yml")).collect();
    files.sort();
    assert!(files.len() >= 120, "{} files", files.len());
    let mut surprises = Vec::new();
    for path in files {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        // A folder holds an action, or a workflow with what it calls.
        let (from, file) = if path.join("action.yml").exists() {
            (folder.clone(), format!("{name}/action.yml"))
        } else if path.is_dir() {
            (path, "caller.yml".to_owned())
        } else {
            (folder.clone(), format!("{name}.yml"))
        };
        let output = Command::new(WFRUN).args(["check", &file]).current_dir(&from).env("NO_COLOR", "1").output();
        let ran = Ran::of(&output.expect("wfrun starts"));
        let is_finding = |it: &&str| ["error[", "warning[", "note["].iter().any(|mark| it.starts_with(mark));
        // GitHub has a second error where a misspelt key leaves one out.
        let same = ran.stdout.matches(" stands in its place: ").count();
        let found = ran.stdout.lines().filter(is_finding).count() - same;
        if found != 1 {
            surprises.push(format!("{name}: {found} findings, not one\n{}", ran.stdout));
        }
        insta::with_settings!({
            snapshot_path => folder.clone(), prepend_module_to_snapshot => false, omit_expression => true
        }, {
            insta::assert_snapshot!(name, ran.stdout);
        });
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
