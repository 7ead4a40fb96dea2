//! `--force` of steps and legs, in every view.
use serde_json::Value as Json;

use crate::repo::Repo;

const MATRIX: &str = r"on: push
jobs:
  test:
    strategy: {matrix: {v: ['1.20', '2']}}
    runs-on: x
    steps:
      - {name: get a=b, run: x}
      - {id: build, run: x}
      - {name: Tell, if: failure(), run: x}
  deploy: {needs: test, runs-on: x, steps: [{run: x}]}
  notify: {needs: deploy, if: failure(), runs-on: x, steps: [{run: x}]}
";

/// `runs`, `skipped` or `depends`, of a job.
fn verdict(repo: &Repo, force: &str, job: &str) -> String {
    let ran = repo.wfrun(&["why", "w.yml", "--force", force, "--json"]).ends_with(0);
    let found: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let jobs = found["jobs"].as_array().expect("jobs");
    let job = jobs.iter().find(|it| it["key"] == job).expect("the job");
    job["verdict"].as_str().expect("a word").to_owned()
}

#[test]
fn a_step_of_the_example_fails() {
    let repo = Repo::example();
    let given = ["why", "deploy", "build-and-deploy", "--ref", "main", "--force"];
    let ran = repo.wfrun(&[&given[..], &["build-and-deploy.build-image=failure"]].concat()).ends_with(0);
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn steps_are_named_by_id_name_and_number_and_legs_alone() {
    let repo = Repo::new(MATRIX, &[]);
    for force in [
        "test=failure",
        "TEST.BUILD=failure",
        "test.2=failure",
        "test.get a=b=failure",
        "test (1.20).build=failure",
        "test (1.20).1=failure",
        "test (2)=failure",
    ] {
        assert_eq!(verdict(&repo, force, "deploy"), "skipped", "{force}");
        assert_eq!(verdict(&repo, force, "notify"), "runs", "{force}");
    }
    for force in ["test.build=success", "test.build=skipped", "test (2)=success", "test.Tell=success"] {
        assert_eq!(verdict(&repo, force, "deploy"), "runs", "{force}");
    }
    let ran = repo.wfrun(&["why", "w.yml", "test", "--force", "test (2).build=failure"]).ends_with(0);
    for said in [
        "✓ runs in test (2), and is taken to end with failure\n",
        "✓ runs in test (1.20)\n",
        "Tell\n        ✓ runs in test (2)\n        ! depends on whether something before it fails in test (1.20) (w.yml:",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
}

#[test]
fn every_view_takes_it() {
    let repo = Repo::new(MATRIX, &[]);
    for command in [&["plan", "w.yml"][..], &["graph", "w.yml"], &["table", "w.yml", "--events", "push:main"]] {
        let ran = repo.wfrun(&[command, &["--force", "test.build=failure"]].concat()).ends_with(0);
        assert!(
            ran.stdout.contains("which fails") || ran.stdout.contains("test is failure"),
            "{command:?}: {}",
            ran.stdout
        );
        repo.wfrun(&[command, &["--force", "test.biuld=failure"]].concat()).ends_with(2);
    }
}

/// What is skipped has no legs: naming one is no mistake then.
#[test]
fn a_leg_of_a_job_that_is_skipped_may_be_named() {
    let text =
        MATRIX.replace("runs-on: x\n    steps:\n", "if: github.ref == 'refs/heads/x'\n    runs-on: x\n    steps:\n");
    let repo = Repo::new(&text, &[]);
    assert_eq!(verdict(&repo, "test (2).build=failure", "test"), "skipped");
    repo.wfrun(&["why", "w.yml", "--ref", "x", "--force", "test (3).build=failure"]).ends_with(2);
}
