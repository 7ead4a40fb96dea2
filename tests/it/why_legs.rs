//! `wfrun why` where the legs of a matrix differ in their steps.
use serde_json::{Value as Json, json};

use crate::repo::Repo;

const WORKFLOW: &str = r#"name: W
on: push
jobs:
  test:
    strategy: {matrix: {os: [linux, mac, win], n: [1, 20]}}
    runs-on: x
    steps:
      - {name: "on ${{ matrix.os }}", run: x}
      - {name: package, if: "matrix.os == 'linux'", run: x}
      - {name: publish, if: "matrix.os == 'linux' && steps.a.outputs.b", run: x}
      - {name: never, if: "github.ref == 'x'", run: x}
  wide:
    strategy: {matrix: {n: [1, 2, 3, 4, 5, 6, 7, 8, 9]}}
    runs-on: x
    steps: [{run: x, if: matrix.n == 8}]
"#;

fn json(repo: &Repo, job: &str) -> Json {
    let ran = repo.wfrun(&["why", "w.yml", job, "--json"]).ends_with(0);
    serde_json::from_str::<Json>(&ran.stdout).expect("JSON")["jobs"][0].clone()
}

#[test]
fn what_differs_from_leg_to_leg_is_said() {
    let repo = Repo::new(WORKFLOW, &[]);
    insta::assert_snapshot!(repo.wfrun(&["why", "w.yml", "test"]).ends_with(0).stdout);
    let wide = repo.wfrun(&["why", "w.yml", "wide"]).ends_with(0).stdout;
    assert!(wide.contains("✓ runs in wide (8)\n"), "{wide}");
    assert!(wide.contains("– and in 6 more legs, each for its own values\n"), "{wide}");
}

#[test]
fn a_leg_that_is_asked_for_is_shown_alone() {
    let repo = Repo::new(WORKFLOW, &[]);
    let alone = repo.wfrun(&["why", "w.yml", "TEST (mac, 20)"]).ends_with(0).stdout;
    assert!(alone.contains("✓ test (mac, 20) runs\n"), "{alone}");
    assert!(alone.contains("1 of 4 steps run\n"), "{alone}");
    assert!(alone.contains("– package: is skipped because matrix.os == 'linux' is false"), "{alone}");
    assert!(!alone.contains("win"), "{alone}");
    assert_eq!(repo.wfrun(&["why", "test (mac, 20)"]).ends_with(0).stdout, alone);
    let linux = json(&repo, "test (linux, 1)");
    assert_eq!(linux["key"], "test (linux, 1)");
    assert_eq!(linux["legs"], json!(["test (linux, 1)"]));
    assert_eq!(linux["steps"][0]["name"], "on linux");
    assert_eq!(linux["steps"][1]["verdict"], "runs");
    let ran = repo.wfrun(&["why", "w.yml", "test (macs, 20)"]).ends_with(2);
    assert!(ran.stderr.contains("did you mean `test (mac, 20)`?"), "{}", ran.stderr);
}

#[test]
fn in_json_each_leg_has_its_verdict() {
    let repo = Repo::new(WORKFLOW, &[]);
    let job = json(&repo, "test");
    let step = &job["steps"][1];
    assert_eq!((&step["verdict"], &step["reason"]["kind"]), (&json!("depends"), &json!("legs")));
    let legs = step["legs"].as_array().expect("legs");
    let short: Vec<String> = legs.iter().map(|it| format!("{} {}", it["key"], it["verdict"])).collect();
    assert_eq!(short[0], r#""test (linux, 1)" "runs""#);
    assert_eq!(short[5], r#""test (win, 20)" "skipped""#);
    assert_eq!(job["steps"][0]["name"], "on ${{ matrix.os }}");
    assert_eq!(job["steps"][3]["verdict"], "skipped");
    assert_eq!(job["steps"][3]["legs"], Json::Null);
}

#[test]
fn githubs_legs_are_compared_each_with_its_own() {
    let repo = Repo::new(WORKFLOW, &[]);
    let ran = |name: &str, package: &str| {
        let step = json!({"name": "package", "number": 2, "conclusion": package});
        json!({"name": name, "conclusion": "success", "steps": [step]})
    };
    let run = json!({
        "event": "push", "headBranch": "main", "headSha": repo.git(&["rev-parse", "HEAD"]), "conclusion": "success",
        "workflowName": "W", "jobs": [ran("test (linux, 1)", "success"), ran("test (mac, 1)", "success")],
    });
    repo.write("run.json", &run.to_string());
    let said = repo.wfrun(&["why", "w.yml", "test", "--from-github", "run.json"]).ends_with(0).stdout;
    let expected = "success\n  test (mac, 1), step package: GitHub ran it (success), wfrun would skip it\n";
    assert!(said.ends_with(expected), "{said}");
    let said = repo.wfrun(&["why", "w.yml", "test (linux, 1)", "--from-github", "run.json"]).ends_with(0).stdout;
    assert!(said.ends_with("it went as foreseen, as far as that can be told\n"), "{said}");
}
