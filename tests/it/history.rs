//! `wfrun runs`, `wfrun view` and `wfrun logs`.
use std::fs;

use insta::assert_snapshot;
use serde_json::{Value as Json, json};

use crate::repo::{Ran, Repo};

const WORKFLOW: &str = r#"
name: CI
on: [push, pull_request]
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: printf 'one\n\033[31mtwo\033[0m\n'
      - name: Fail
        run: |
          echo "::warning::careful"
          echo broken >&2
          exit 3
  matrix:
    needs: build
    runs-on: ubuntu-latest
    steps: [run: echo never]
  other:
    runs-on: ubuntu-latest
    steps: [run: echo fine]
"#;

/// Two runs, of which the younger fails; gives back their ids, the younger first.
fn ran_twice() -> (Repo, [String; 2]) {
    let repo = Repo::new(
        WORKFLOW,
        &[(
            ".github/workflows/second.yml",
            "on: push\njobs:\n  only:\n    runs-on: x\n    steps: [run: echo second]\n",
        )],
    );
    let id = |ran: &Ran| ran.of_type("run-started")[0]["run_id"].as_str().expect("an id").to_owned();
    let second = repo.wfrun(&["second.yml", "--backend", "host", "--json"]).ends_with(0);
    let first = repo.wfrun(&["w.yml", "--backend", "host", "--json"]).ends_with(1);
    let ids = [id(&first), id(&second)];
    (repo, ids)
}

/// What changes from run to run, in words.
fn steady(repo: &Repo, ids: &[String], text: &str) -> String {
    let mut text = text.to_owned();
    for (id, name) in ids.iter().zip(["<id of 1st run>", "<id of 2nd run>"]) {
        text = text.replace(id.as_str(), &name[..id.len().min(name.len())]);
    }
    let sha = repo.git(&["rev-parse", "HEAD"]);
    let text = text.replace(&sha, "<sha>").replace(&sha[..7], "<sha7>");
    let text = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
        .expect("a pattern")
        .replace_all(&text, "<time>")
        .into_owned();
    regex::Regex::new(r"\d+\.\ds").expect("a pattern").replace_all(&text, "0.0s").into_owned()
}

fn json(ran: &Ran) -> Json {
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn runs_are_listed_and_chosen() {
    let (repo, ids) = ran_twice();
    let ran = repo.wfrun(&["runs"]).ends_with(0);
    assert_snapshot!(steady(&repo, &ids, &ran.stdout), @r"
      STATUS   WORKFLOW                      BRANCH  EVENT  ID                ELAPSED  AGE
    ✗ failure  CI                            main    push   <id of 1st run>  0.0s     just now
    ✓ success  .github/workflows/second.yml  main    push   <id of 2nd run>  0.0s     just now
    ");
    let chosen = |words: &[&str]| {
        let ran = repo.wfrun(&[&["runs", "--json", "databaseId"], words].concat()).ends_with(0);
        let all = json(&ran);
        all.as_array().expect("an array").iter().map(|it| it["databaseId"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&[]), ids);
    assert_eq!(chosen(&["-L", "1"]), ids[..1]);
    assert_eq!(chosen(&["--status", "failure"]), ids[..1]);
    assert_eq!(chosen(&["--status", "completed"]), ids);
    assert_eq!(chosen(&["--workflow", "CI"]), ids[..1]);
    assert_eq!(chosen(&["--workflow", "second.yml"]), ids[1..]);
    assert_eq!(
        chosen(&["--branch", "main", "--event", "push", "--commit", &repo.git(&["rev-parse", "HEAD"])[..8]]),
        ids
    );
    assert_eq!(chosen(&["--branch", "dev"]), [] as [&str; 0]);
    let said = repo.wfrun(&["runs", "--event", "release"]).ends_with(0);
    assert_eq!((said.stdout.as_str(), said.stderr.trim()), ("", "there is no such run"));
    // One that cannot be read, and one that did not come to its end, are no reason to show nothing.
    let journal = repo.read(&format!(".wfrun/runs/{}/journal.ndjson", ids[0]));
    repo.write(&format!(".wfrun/runs/{}1/journal.ndjson", ids[0]), "no journal\n");
    repo.write(&format!(".wfrun/runs/{}2/journal.ndjson", ids[0]), &journal[..journal.len() / 2]);
    let ran = repo.wfrun(&["runs"]).ends_with(0);
    assert!(ran.stderr.contains("error[file/run]"), "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 4, "{}", ran.stdout);
    assert!(ran.stdout.lines().nth(1).is_some_and(|it| it.contains("interrupted")), "{}", ran.stdout);
    // Unless the process that began it is still there, as this one is.
    fs::remove_dir_all(repo.root().join(format!(".wfrun/runs/{}2", ids[0]))).expect("it is there");
    let work = repo.cache().join(format!("work/{}", ids[0]));
    repo.write(&format!(".wfrun/runs/{}/journal.ndjson", ids[0]), &journal[..journal.len() / 2]);
    fs::create_dir_all(&work).expect("a folder");
    fs::write(work.join("owner"), wfrun_backend::owner()).expect("a file");
    assert_eq!(chosen(&["--status", "in_progress"]), ids[..1]);
    assert!(repo.wfrun(&["view", &ids[0]]).ends_with(0).stdout.contains("it goes on"));
}

/// The end of a long journal is found without the middle of it.
#[test]
fn a_long_journal_is_listed_by_its_ends() {
    let (repo, [id, _]) = ran_twice();
    let path = format!(".wfrun/runs/{id}/journal.ndjson");
    let journal = repo.read(&path);
    let line = journal.lines().find(|it| it.contains("\"line\"")).expect("a line").to_owned() + "\n";
    let (first, rest) = journal.split_once('\n').expect("lines");
    repo.write(&path, &format!("{first}\n{}{rest}", line.repeat(10_000)));
    let all = json(&repo.wfrun(&["runs", "--json", "conclusion,databaseId,workflowName", "-L", "1"]).ends_with(0));
    let whole =
        json!([{"conclusion": "failure", "databaseId": id.parse::<u64>().expect("a number"), "workflowName": "CI"}]);
    assert_eq!(all, whole);
}

#[test]
fn a_run_is_shown() {
    let (repo, ids) = ran_twice();
    let ran = repo.wfrun(&["view"]).ends_with(0);
    assert_snapshot!(steady(&repo, &ids, &ran.stdout), @r"
    CI: push of refs/heads/main, run <id of 1st run> failed
    .github/workflows/w.yml at <sha7>, on host, just now

      ✗ build   failure  0.0s  Fail: exit code 3
      – matrix  skipped        needs `build`, which failed
      ✓ other   success  0.0s

    1 error, 1 warning
      warning: build, Fail: careful
      error: build, Fail: Process completed with exit code 3.
    ✗ failure in 0.0s

    `wfrun logs <id of 1st run> --failed` shows what steps wrote, `wfrun why <id of 1st run>` why jobs ended so
    ");
    let ran = repo.wfrun(&["view", &ids[0], "--job", "build", "--exit-status"]).ends_with(1);
    assert_snapshot!(steady(&repo, &ids, &ran.stdout), @r"
    CI: push of refs/heads/main, run <id of 1st run> failed
    .github/workflows/w.yml at <sha7>, on host, just now

      ✗ build   failure  0.0s  Fail: exit code 3
      – matrix  skipped        needs `build`, which failed
      ✓ other   success  0.0s

    1 error, 1 warning
      warning: build, Fail: careful
      error: build, Fail: Process completed with exit code 3.
    ✗ failure in 0.0s

    build
      ✓ Run printf 'one\n\033[31mtwo\033[0m\n' succeeded
      ✗ Fail failed with exit code 3

    `wfrun logs <id of 1st run> --failed` shows what steps wrote, `wfrun why <id of 1st run>` why jobs ended so
    ");
    let journal = format!(".wfrun/runs/{}/journal.ndjson", ids[1]);
    let ran = repo.wfrun(&["view", &journal, "--verbose"]).ends_with(0);
    assert!(ran.stdout.contains("Run echo second succeeded"), "{}", ran.stdout);
    let ran = repo.wfrun(&["view", "--job", "bild"]).ends_with(2);
    assert!(ran.stderr.contains("did you mean `build`?"), "{}", ran.stderr);
    let ran = repo.wfrun(&["view", "17"]).ends_with(2);
    assert!(ran.stderr.contains("there is no run `17`") && ran.stderr.contains("-C"), "{}", ran.stderr);
}

/// With the names of `gh run view --json`, so that what reads those reads these: `wfrun why --from-github`, for one.
#[test]
fn what_programs_get() {
    let (repo, ids) = ran_twice();
    let fields = "event,headBranch,headSha,conclusion,workflowName,status,jobs";
    let ran = repo.wfrun(&["view", &ids[0], "--json", fields]).ends_with(0);
    assert_snapshot!(steady(&repo, &ids, &ran.stdout), @r###"
    {
      "event": "push",
      "headBranch": "main",
      "headSha": "<sha>",
      "conclusion": "failure",
      "workflowName": "CI",
      "status": "completed",
      "jobs": [
        {
          "name": "build",
          "status": "completed",
          "conclusion": "failure",
          "startedAt": "<time>",
          "completedAt": "<time>",
          "steps": [
            {
              "name": "Run printf 'one\\n\\033[31mtwo\\033[0m\\n'",
              "number": 1,
              "status": "completed",
              "conclusion": "success",
              "startedAt": "<time>",
              "completedAt": "<time>"
            },
            {
              "name": "Fail",
              "number": 2,
              "status": "completed",
              "conclusion": "failure",
              "startedAt": "<time>",
              "completedAt": "<time>"
            }
          ]
        },
        {
          "name": "matrix",
          "status": "completed",
          "conclusion": "skipped",
          "startedAt": null,
          "completedAt": null,
          "steps": []
        },
        {
          "name": "other",
          "status": "completed",
          "conclusion": "success",
          "startedAt": "<time>",
          "completedAt": "<time>",
          "steps": [
            {
              "name": "Run echo fine",
              "number": 1,
              "status": "completed",
              "conclusion": "success",
              "startedAt": "<time>",
              "completedAt": "<time>"
            }
          ]
        }
      ]
    }
    "###);
    repo.write("run.json", &ran.stdout);
    let why = repo.wfrun(&["why", "w.yml", "--from-github", "run.json"]).ends_with(0);
    assert!(why.stdout.contains("build"), "{}", why.stdout);
    let all = json(&repo.wfrun(&["view", "--json"]).ends_with(0));
    let names: Vec<&String> = all.as_object().expect("an object").keys().collect();
    assert!(
        names.len() > 15 && names.contains(&&"jobs".to_owned()) && names.contains(&&"createdAt".to_owned()),
        "{names:?}"
    );
    let listed = json(&repo.wfrun(&["runs", "--json"]).ends_with(0));
    assert!(listed[0]["jobs"].is_null() && listed[0]["workflowName"] == "CI", "{listed}");
}

#[test]
fn what_steps_wrote() {
    let (repo, ids) = ran_twice();
    let ran = repo.wfrun(&["logs"]).ends_with(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines.iter().any(|it| it.starts_with("other\tRun echo fine\t") && it.ends_with("Z fine")), "{lines:?}");
    let ran = repo.wfrun(&["logs", &ids[0], "--job", "build"]).ends_with(0);
    assert_snapshot!(steady(&repo, &ids, &ran.stdout), @r"
    build	Run printf 'one\n\033[31mtwo\033[0m\n'	<time> one
    build	Run printf 'one\n\033[31mtwo\033[0m\n'	<time> two
    build	Fail	<time> ##[warning]careful
    build	Fail	<time> broken
    build	Fail	<time> ##[error]Process completed with exit code 3.
    ");
    let failed = repo.wfrun(&["logs", "--failed"]).ends_with(0);
    assert_snapshot!(steady(&repo, &ids, &failed.stdout), @r"
    build	Fail	<time> ##[warning]careful
    build	Fail	<time> broken
    build	Fail	<time> ##[error]Process completed with exit code 3.
    ");
    assert_eq!(repo.wfrun(&["view", "--log-failed"]).ends_with(0).stdout, failed.stdout);
    assert_eq!(repo.wfrun(&["view", &ids[1], "--log"]).stdout, repo.wfrun(&["logs", &ids[1]]).stdout);
    fs::remove_dir_all(repo.root().join(".wfrun")).expect("runs");
    let ran = repo.wfrun(&["logs"]).ends_with(2);
    assert!(ran.stderr.contains("error[file/run]: there is no run in "), "{}", ran.stderr);
    assert!(repo.wfrun(&["runs"]).ends_with(0).stderr.starts_with("there is no run in "));
}
