//! `wfrun table`: jobs and situations in one screen.
use serde_json::Value as Json;

use crate::repo::Repo;

#[test]
fn the_example_in_its_situations() {
    let repo = Repo::example();
    let events = "push:main,push:feature/x,pull_request:main,push:refs/tags/v1";
    insta::assert_snapshot!(repo.wfrun(&["table", "deploy", "--events", events]).ends_with(0).stdout);
    insta::assert_snapshot!(repo.wfrun(&["table", "deploy", "--events", events, "--markdown"]).ends_with(0).stdout);
    let ran = repo.wfrun(&["table", "deploy", "--events", events, "--json"]).ends_with(0);
    let found: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let verdicts = |job: usize| {
        let cells = found["jobs"][job]["cells"].as_array().expect("cells").iter();
        cells.map(|it| it["verdict"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(0), ["runs", "not-triggered", "runs", "not-triggered"]);
    assert_eq!(verdicts(1), ["runs", "not-triggered", "skipped", "not-triggered"]);
}

#[test]
fn without_events_all_that_the_workflow_listens_to() {
    let workflow = "on: {push: {}, pull_request: {}, workflow_dispatch: {}, workflow_call: {}}\njobs: {j: {runs-on: x, steps: [{run: x}]}}\n";
    let repo = Repo::new(workflow, &[]);
    let ran = repo.wfrun(&["table", "w.yml", "--json"]).ends_with(0);
    let found: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let names: Vec<&str> =
        found["situations"].as_array().expect("situations").iter().filter_map(|it| it["name"].as_str()).collect();
    let expected = ["push:main", "push:feature/x", "push:refs/tags/v1.0.0", "pull_request:main", "workflow_dispatch"];
    assert_eq!(names, expected);
}

#[test]
fn what_is_made_up_is_said_once() {
    let repo = Repo::example();
    let ran = repo.wfrun(&["table", "deploy", "--events", "push:main,push:feature/x,push:feature/x"]).ends_with(0);
    assert_eq!(ran.stderr, "git does not know `feature/x`: it is taken as a branch about to be pushed from HEAD\n");
}

#[test]
fn a_situation_without_an_event_is_refused() {
    let repo = Repo::example();
    let ran = repo.wfrun(&["table", "deploy", "--events", "push:main,:x"]).ends_with(2);
    assert!(ran.stderr.contains("write EVENT or EVENT:REF"), "{}", ran.stderr);
}
