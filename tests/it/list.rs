//! `wfrun list`: what it lists, and that what is broken does not stop it.
use std::fs;

use serde_json::Value as Json;

use crate::repo::Repo;

const GOOD: &str =
    "name: Good\non: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'echo ${{ secrets.A }}'}]}}\n";
const BAD: &str = "on: psuh\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";

fn repo() -> Repo {
    let repo = Repo::of(&[
        (".github/workflows/bad.yml", BAD),
        (".github/workflows/good.yml", GOOD),
        (".github/workflows/notes.txt", "x"),
        ("sub/x.txt", ""),
    ]);
    fs::write(repo.root().join(".github/workflows/bytes.yml"), b"on: push\xff\n").expect("a file");
    repo
}

#[test]
fn text() {
    let ran = repo().wfrun(&["list", "-C", "sub"]).ends_with(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].ends_with(" .github/workflows/bad.yml"), "{}", ran.stdout);
    assert!(ran.stdout.contains("(.github/workflows/bad.yml:1:5)\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Good  .github/workflows/good.yml\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("A (.github/workflows/good.yml:3:60)\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("notes") && ran.stderr.is_empty(), "{}", ran.stderr);
}

#[test]
fn json() {
    let ran = repo().wfrun(&["list", "--json"]).ends_with(0);
    let all: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let brief: Vec<_> = all.as_array().expect("an array").iter().map(|it| (&it["path"], &it["valid"])).collect();
    let file = |name: &str| Json::from(format!(".github/workflows/{name}.yml"));
    assert_eq!(brief[0], (&file("bad"), &Json::from(false)));
    assert_eq!(brief[1].1, &Json::from(false));
    assert_eq!(brief[2], (&file("good"), &Json::from(true)));
    assert_eq!(all[0]["error"]["code"], "workflow/unknown-event");
    assert_eq!(all[1]["error"]["code"], "workflow/unreadable");
}

#[test]
fn what_is_declared_or_open_is_listed_too() {
    let text = "on:
  workflow_call: {secrets: {TOK: {required: true}}}
  schedule: [{cron: '0 3 * * *', timezone: Europe/Berlin}, {cron: '0 4 * * *'}]
env: {ALL: '${{ toJSON(secrets) }}', ONE: \"${{ secrets[format('{0}_KEY', github.ref_name)] }}\", V: '${{ vars.KNOWN }}'}
jobs: {j: {runs-on: x, steps: [{run: 'true'}]}}
";
    let repo = Repo::of(&[(".github/workflows/w.yml", text)]);
    let all: Json = serde_json::from_str(&repo.wfrun(&["list", "--json"]).ends_with(0).stdout).expect("JSON");
    assert_eq!(all[0]["secrets"][0]["name"], "TOK");
    assert_eq!(all[0]["open_secrets"].as_array().map(Vec::len), Some(2), "{all:#}");
    assert_eq!(all[0]["open_variables"], serde_json::json!([]));
    assert_eq!(all[0]["on"]["schedule"]["timezone"], serde_json::json!(["Europe/Berlin", "UTC"]));
    let text = repo.wfrun(&["list"]).ends_with(0).stdout;
    assert!(text.contains("0 3 * * * (Europe/Berlin), 0 4 * * *"), "{text}");
    assert!(text.contains("TOK (.github/workflows/w.yml:2:"), "{text}");
    assert!(text.contains("others, whose names only the run can tell (.github/workflows/w.yml:4:"), "{text}");
}

#[test]
fn nothing_to_list() {
    let repo = Repo::of(&[("a.txt", "")]);
    let ran = repo.wfrun(&["list"]).ends_with(2);
    assert!(ran.stderr.contains("there are no workflows"), "{}", ran.stderr);
    fs::create_dir_all(repo.root().join(".github/workflows")).expect("folders");
    let ran = repo.wfrun(&["list", "--json"]).ends_with(0);
    assert_eq!(ran.stdout, "[]\n");
    assert!(ran.stderr.contains("is empty"), "{}", ran.stderr);
}
