//! `wfrun why` about runs that are over: of wfrun by their journals, and GitHub's own.
use std::fs;

use serde_json::Value as Json;

use crate::repo::Repo;

const WORKFLOW: &str = "\
name: W
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo hi
      - name: breaks
        run: exit 3
      - run: echo never
      - name: notify
        if: always() && github.ref == 'refs/heads/x'
        run: echo no
  after: {needs: build, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  deploy:
    if: github.ref == 'refs/heads/x'
    runs-on: ubuntu-latest
    steps: [{run: 'true'}]
";

/// The repository with one run, and the run's id.
fn ran_once() -> (Repo, String) {
    let repo = Repo::new(WORKFLOW, &[("sub/x", "")]);
    repo.wfrun(&["w.yml", "--backend", "host"]).ends_with(1);
    let runs = fs::read_dir(repo.root().join(".wfrun/runs")).expect("runs");
    let id = runs.flatten().next().expect("a run").file_name().to_string_lossy().into_owned();
    (repo, id)
}

#[test]
fn a_run_is_explained_from_its_journal() {
    let (repo, id) = ran_once();
    let latest = repo.wfrun(&["why", "latest"]).ends_with(0);
    let text = latest.stdout.replace(&id, "ID").replace(&repo.git(&["rev-parse", "HEAD"])[..7], "SHA");
    insta::assert_snapshot!(text);
    let journal = format!(".wfrun/runs/{id}/journal.ndjson");
    let folder = format!(".wfrun/runs/{id}");
    for same in [vec!["why", &id], vec!["why", &journal], vec!["why", &folder], vec!["why", &id, "-C", "sub"]] {
        assert_eq!(repo.wfrun(&same).ends_with(0).stdout, latest.stdout, "{same:?}");
    }
    assert_eq!(fs::read_dir(repo.root().join(".wfrun/runs")).expect("runs").count(), 1, "nothing was run");
}

#[test]
fn one_job_of_a_run_is_shown_with_all_its_steps() {
    let (repo, _) = ran_once();
    let ran = repo.wfrun(&["why", "latest", "BUILD"]).ends_with(0);
    assert!(ran.stdout.contains("Run echo hi succeeded\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("breaks failed with exit code 3\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("deploy"), "{}", ran.stdout);
    let same = repo.wfrun(&["why", "latest", "--job", "build"]).ends_with(0);
    assert_eq!(same.stdout, ran.stdout);
    let ran = repo.wfrun(&["why", "latest", "biuld"]).ends_with(2);
    assert!(ran.stderr.contains("did you mean `build`?"), "{}", ran.stderr);
}

#[test]
fn json_of_a_run() {
    let (repo, id) = ran_once();
    let ran = repo.wfrun(&["why", "latest", "--json"]).ends_with(0);
    let found: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let run = &found["run"];
    assert_eq!(run["id"], id);
    assert_eq!([&run["workflow"], &run["event"], &run["ref"]], ["W", "push", "refs/heads/main"]);
    assert_eq!(run["conclusion"], "failure");
    let [build, after, deploy] = &found["jobs"].as_array().expect("jobs")[..] else { panic!("{found:#}") };
    assert_eq!([&build["key"], &build["id"], &build["result"]], ["build", "build", "failure"]);
    assert_eq!(build["reason"], Json::Null);
    let steps = build["steps"].as_array().expect("steps");
    let conclusions: Vec<&Json> = steps.iter().map(|it| &it["conclusion"]).collect();
    assert_eq!(conclusions, ["success", "failure", "skipped", "skipped"]);
    assert_eq!((&steps[1]["step"], &steps[1]["exit_code"]), (&"2".into(), &3.into()));
    assert_eq!(steps[2]["reason"]["kind"], "earlier-step");
    assert_eq!(after["reason"]["message"], "needs `build`, which failed");
    assert_eq!(deploy["reason"]["because"][0]["operands"][0]["value"], "refs/heads/main");
}

#[test]
fn a_workflow_wins_over_a_run_and_where_there_is_neither_it_is_said() {
    let (repo, id) = ran_once();
    let ran = repo.wfrun(&["why", "123"]).ends_with(2);
    assert!(ran.stderr.contains("error[workflow/not-found]: there is no workflow `123`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("a run's id, or `latest`, would do too"), "{}", ran.stderr);
    repo.wfrun(&["why", "../runs"]).ends_with(2);
    repo.write(&format!(".github/workflows/{id}.yml"), "name: latest\non: push\njobs: {}\n");
    repo.change(&format!(".github/workflows/{id}.yml"), "jobs: {}", "jobs: {only: {runs-on: x, steps: [{run: x}]}}");
    for wanted in [id.as_str(), "latest"] {
        let ran = repo.wfrun(&["why", wanted]).ends_with(0);
        assert!(ran.stdout.contains("only  runs"), "{}", ran.stdout);
    }
    let new = Repo::new(WORKFLOW, &[]);
    let ran = new.wfrun(&["why", "latest"]).ends_with(2);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("there is no run here yet"), "{}", ran.stderr);
}

#[test]
fn latest_is_the_youngest_run_by_number() {
    let (repo, id) = ran_once();
    let journal = repo.read(&format!(".wfrun/runs/{id}/journal.ndjson"));
    let younger = format!("1{id}");
    repo.write(&format!(".wfrun/runs/{younger}/journal.ndjson"), &journal.replace(&id, &younger));
    repo.write(".wfrun/runs/notes/journal.ndjson", "");
    fs::create_dir_all(repo.root().join(format!(".wfrun/runs/2{id}"))).expect("a run that left nothing");
    let ran = repo.wfrun(&["why", "latest"]).ends_with(0);
    assert!(ran.stdout.contains(&format!("run {younger} failed")), "{}", ran.stdout);
}

#[test]
fn journals_that_end_early_or_are_none() {
    let (repo, id) = ran_once();
    let journal = repo.read(&format!(".wfrun/runs/{id}/journal.ndjson"));
    let first: String = journal.lines().take(5).map(|it| it.to_owned() + "\n").collect();
    repo.write("cut.ndjson", &first);
    let ran = repo.wfrun(&["why", "cut.ndjson", "--event", "push"]).ends_with(0);
    assert!(ran.stdout.contains("did not come to its end"), "{}", ran.stdout);
    assert!(ran.stdout.contains("after  did not begin"), "{}", ran.stdout);
    assert!(ran.stderr.contains("`--event` has no effect"), "{}", ran.stderr);
    for (text, said) in [("", "it does not say which run it is of"), ("{\"seq\":1}\n", "line 1 of the journal")] {
        repo.write("none.ndjson", text);
        let ran = repo.wfrun(&["why", "none.ndjson"]).ends_with(2);
        assert!(ran.stderr.contains("error[file/run]") && ran.stderr.contains(said), "{}", ran.stderr);
    }
}
