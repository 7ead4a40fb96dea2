//! `wfrun check` follows what a workflow names: called workflows and actions, here, in other folders, in a mirror.
use std::fs;
use std::process::Command;

use crate::repo::Repo;

const CALLER: &str = "on: push\njobs: {c: {uses: o/r/.github/workflows/called.yml@v1, with: {inptu: x}}}\n";
const CALLED: &str =
    "on: {workflow_call: {inputs: {input: {type: string}}}}\njobs: {j: {runs-on: x, steps: [{run: a}]}}\n";
const ACTION: &str = "name: n\ndescription: d\ninputs: {who: {required: true}, greeting: {default: hi}}\nruns: {using: node20, main: x.js}\n";
const USES: &str = "on: push\njobs: {j: {runs-on: x, steps: [{uses: o/r/greet@v1, with: {greting: x}}]}}\n";

/// The codes of what is found, in order.
fn codes(repo: &Repo, arguments: &[&str]) -> Vec<String> {
    let ran = repo.wfrun(&[&["check", "--json", ".github/workflows"], arguments].concat());
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let found = json["diagnostics"].as_array().expect("a list").iter();
    found.map(|it| it["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn called_workflows_are_looked_for_in_the_given_folders() {
    let files = [(".github/workflows/w.yml", CALLER), ("there/.github/workflows/called.yml", CALLED), ("empty/x", "")];
    let repo = Repo::of(&files);
    for (arguments, expected) in [
        (&[][..], "workflow/call-elsewhere"),
        (&["--local-repository", "o/r=there"], "workflow/call-input"),
        (&["--local-repository", "O/R@v1=there"], "workflow/call-input"),
        (&["--local-repository", "o/r@v2=there"], "workflow/call-elsewhere"),
        (&["--local-repository", "o/r=empty", "--local-repository", "o/r@v1=there"], "workflow/call-input"),
        (&["--local-repository", "o/r=empty"], "workflow/call-not-found"),
        (&["--mirror", "empty"], "workflow/call-elsewhere"),
    ] {
        assert_eq!(codes(&repo, arguments), [expected], "{arguments:?}");
    }
}

#[test]
fn a_mirror_holds_git_repositories_at_their_refs() {
    let repo = Repo::of(&[(".github/workflows/w.yml", CALLER)]);
    let other = Repo::of(&[(".github/workflows/called.yml", CALLED)]);
    other.git(&["tag", "v1"]);
    other.write(".github/workflows/called.yml", "on: push\n");
    other.commit("broken later");
    let mirror = repo.root().join("mirror/o");
    fs::create_dir_all(&mirror).expect("a folder");
    let bare = mirror.join("r.git");
    let cloned = Command::new("git").args(["clone", "--quiet", "--bare"]).arg(other.root()).arg(&bare).status();
    assert!(cloned.is_ok_and(|it| it.success()));
    assert_eq!(codes(&repo, &["--mirror", "mirror"]), ["workflow/call-input"], "as at v1");
    repo.change(".github/workflows/w.yml", "@v1", "@v9");
    assert_eq!(codes(&repo, &["--mirror", "mirror"]), ["workflow/call-not-found"]);
}

#[test]
fn inputs_of_actions_are_compared_with_their_manifests() {
    let files = [
        (".github/workflows/w.yml", USES),
        ("there/greet/action.yml", ACTION),
        ("local/action.yaml", ACTION),
        ("boxed/Dockerfile", "FROM scratch\n"),
    ];
    let repo = Repo::of(&files);
    assert_eq!(codes(&repo, &[]), Vec::<String>::new(), "an action that is not here is not looked at");
    let both = ["uses/missing-input", "uses/unknown-input"];
    assert_eq!(codes(&repo, &["--local-repository", "o/r=there"]), both);
    repo.change(".github/workflows/w.yml", "o/r/greet@v1", "./local");
    assert_eq!(codes(&repo, &[]), both);
    repo.change(".github/workflows/w.yml", "./local", "./boxed");
    assert_eq!(codes(&repo, &[]), Vec::<String>::new(), "a Dockerfile is an action");
    repo.change(".github/workflows/w.yml", "./boxed", "./nowhere");
    assert_eq!(codes(&repo, &[]), ["uses/not-here"]);
    repo.change(".github/workflows/w.yml", "./nowhere, with: {greting: x}", "actions/checkout@v4, with: {rfe: x}");
    assert_eq!(codes(&repo, &[]), ["uses/unknown-input"], "of what wfrun carries in itself");
}

#[test]
fn a_broken_local_action_is_found_through_the_workflow_that_uses_it() {
    let broken = "name: n\ndescription: d\nruns: {using: composite, steps: [{run: a}]}\n";
    let uses = "on: push\njobs: {j: {runs-on: x, steps: [{uses: ./a}, {uses: ./a}]}}\n";
    let repo = Repo::of(&[(".github/workflows/w.yml", uses), ("a/action.yml", broken)]);
    assert_eq!(codes(&repo, &[]), ["workflow/missing-key"], "once");
    assert_eq!(codes(&repo, &["a"]), ["workflow/missing-key"], "once, although it is named, too");
}
