use std::sync::Arc;

use indexmap::IndexMap;
use insta::{assert_json_snapshot, assert_snapshot};
use wfrun_expr::{Object, Value};
use wfrun_plan::{ChangedPaths, Event, Outlook, RunIdentity, World, outlook, trigger};
use wfrun_report::{PlanView, Style, not_triggered, not_triggered_json, plan_json, plan_text, render_diagnostics};
use wfrun_syntax::{Source, parse};
use wfrun_workflow::{FileRef, Loaded, SetOptions, Workflow, lower, read_set};

const DEPLOY: &str = "\
name: Deploy
on:
  push:
    branches: [main, 'releases/**', '!releases/**-alpha']
    paths-ignore: ['docs/**']
  pull_request:
    branches: [main]
jobs:
  lint:
    name: Lint the sources
    runs-on: ubuntu-latest
    steps: [{run: ruff}]
  test:
    runs-on: ubuntu-latest
    steps: [{run: pytest}, {run: coverage}]
  build-and-deploy:
    needs: [lint, test]
    if: github.event_name == 'push' && github.ref == 'refs/heads/main'
    runs-on: ${{ vars.RUNNER }}
    steps: [{run: docker build}]
";

fn workflow(text: &str) -> Arc<Workflow> {
    let source = Source::new(".github/workflows/deploy.yml", text);
    let checked = lower(&source, parse(&source).value.as_ref());
    assert!(!checked.has_errors(), "{:?}", checked.diagnostics);
    Arc::new(checked.value)
}

fn push(git_ref: &str, changed: &[&str]) -> Event {
    Event {
        name: "push".to_owned(),
        activity: None,
        git_ref: git_ref.to_owned(),
        sha: "1f3c5d7e9b0a2c4e6f8091a2b3c4d5e6f7089abc".to_owned(),
        base_ref: None,
        head_ref: None,
        head_message: None,
        changed: ChangedPaths::Known(changed.iter().map(|it| (*it).to_owned()).collect()),
        repository: "octo/news-api".to_owned(),
        actor: "octocat".to_owned(),
        default_branch: "main".to_owned(),
        payload: serde_json::json!({}),
    }
}

fn look(text: &str, event: &Event) -> (Arc<Workflow>, Outlook) {
    look_into(text, &[], event)
}

/// The same with workflows that it can call, by path.
fn look_into(text: &str, files: &[(&str, &str)], event: &Event) -> (Arc<Workflow>, Outlook) {
    let source = Source::new(".github/workflows/deploy.yml", text);
    let mut load = |wanted: &FileRef| {
        let found = files.iter().find(|(path, _)| wanted.repository.is_none() && *path == wanted.path);
        found.map_or(Loaded::Elsewhere, |(path, text)| Loaded::Source(Source::new(*path, *text)))
    };
    let read = read_set(&source, SetOptions::default(), &mut load);
    assert!(!read.has_errors(), "{:?}", read.diagnostics);
    let set = read.value;
    let identity = RunIdentity {
        run_id: String::new(),
        run_number: 1,
        run_attempt: 1,
        token: String::new(),
        workflow_sha: event.sha.clone(),
        api: wfrun_plan::ApiUrls::default(),
    };
    let (inputs, vars) = (Value::Object(Object::default()), Object::default());
    let world = World {
        event: event.clone(),
        identity,
        inputs,
        vars,
        results: IndexMap::new(),
        skips: Vec::new(),
        outputs: IndexMap::new(),
        steps: Vec::new(),
    };
    let found = outlook(&set, &world).expect("a plan");
    (set.root, found)
}

#[test]
fn jobs_by_stage() {
    let event = push("refs/heads/dev", &["app.py"]);
    let (workflow, all) = look(DEPLOY, &event);
    let chosen = all.chosen(&[], false).expect("all");
    let view = PlanView { workflow: &workflow, event: &event, outlook: &all, chosen: &chosen };
    assert_snapshot!("plan-100", plan_text(&view, &Style::plain(100)));
    assert_snapshot!("plan-40", plan_text(&view, &Style::plain(40)));
    let json: serde_json::Value = serde_json::from_str(&plan_json(&view).expect("JSON")).expect("JSON");
    assert_json_snapshot!("plan-json", json);
    let one = all.chosen(&["TEST".to_owned()], false).expect("one");
    assert_snapshot!("plan-chosen", plan_text(&PlanView { chosen: &one, ..view }, &Style::plain(100)));
}

#[test]
fn legs_are_folded_and_what_is_deferred_is_said() {
    let text = "on: push
jobs:
  test:
    strategy: {matrix: {os: [a, b, c], n: [1, 2, 3, 4, 5]}}
    runs-on: ${{ matrix.os }}
    environment: staging
    steps: [{run: x}]
  later:
    needs: test
    strategy: {matrix: \"${{ fromJSON(needs.test.outputs.m) }}\"}
    runs-on: ${{ matrix.os }}
    concurrency: deploy-${{ github.ref_name }}
    timeout-minutes: 5
    steps: [{run: x}]
";
    let event = push("refs/heads/main", &[]);
    let (workflow, all) = look(text, &event);
    let chosen = all.chosen(&[], false).expect("all");
    let view = PlanView { workflow: &workflow, event: &event, outlook: &all, chosen: &chosen };
    assert_snapshot!("plan-legs", plan_text(&view, &Style::plain(100)));
    let json: serde_json::Value = serde_json::from_str(&plan_json(&view).expect("JSON")).expect("JSON");
    assert_json_snapshot!("plan-legs-json", [&json["jobs"][0], &json["jobs"][15]]);
    assert_eq!(json["jobs"].as_array().map(Vec::len), Some(16));
}

#[test]
fn why_not_and_what_would() {
    let pull_request = |base: &str| Event {
        name: "pull_request".to_owned(),
        activity: Some("opened".to_owned()),
        base_ref: Some(base.to_owned()),
        head_ref: Some("feature/x".to_owned()),
        ..push("refs/pull/7/merge", &[])
    };
    let tags = "on: {push: {tags: [v*]}}\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n";
    let ignored = "on: {push: {branches-ignore: [main]}}\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n";
    let docs: Vec<String> = (1..8).map(|it| format!("docs/{it}.md")).collect();
    let docs: Vec<&str> = docs.iter().map(String::as_str).collect();
    let cases = [
        (DEPLOY, push("refs/heads/feature/x", &["app.py"])),
        (DEPLOY, push("refs/heads/releases/3-alpha", &["app.py"])),
        (DEPLOY, push("refs/tags/v1", &["app.py"])),
        (DEPLOY, push("refs/heads/main", &docs)),
        (DEPLOY, Event { name: "release".to_owned(), ..push("refs/tags/v1", &[]) }),
        (DEPLOY, pull_request("dev")),
        (DEPLOY, Event { activity: Some("labeled".to_owned()), ..pull_request("main") }),
        (DEPLOY, Event { head_message: Some("wip [skip ci]".to_owned()), ..push("refs/heads/main", &["a"]) }),
        (tags, push("refs/heads/main", &[])),
        (ignored, push("refs/heads/main", &[])),
    ];
    let mut all = Vec::new();
    for (text, event) in cases {
        let workflow = workflow(text);
        match trigger(&workflow, &event) {
            Err(reason) => all.push(not_triggered(&reason, &workflow, &event)),
            Ok(()) => panic!("{event:?} triggers"),
        }
    }
    assert_snapshot!("not-triggered", render_diagnostics(&all, &Style::plain(120)));
}

#[test]
fn not_triggered_as_json() {
    let Err(reason) = trigger(&workflow(DEPLOY), &push("refs/heads/x", &[])) else { panic!("the branch passes") };
    assert_json_snapshot!("not-triggered-json", not_triggered_json(&reason));
}

const CALLS: &str = r#"name: Release
on: push
permissions: {contents: read, id-token: write}
defaults: {run: {shell: bash, working-directory: app}}
concurrency: {group: "release-${{ github.ref }}", cancel-in-progress: true}
jobs:
  build:
    runs-on: ubuntu-latest
    outputs: {tag: "${{ steps.x.outputs.t }}"}
    steps: [{run: make}]
  lint:
    runs-on: ubuntu-latest
    permissions: {}
    defaults: {run: {working-directory: docs}}
    steps: [{run: make}]
  deploy:
    needs: build
    strategy: {matrix: {env: [dev, staging, prod, eu, us]}}
    uses: ./.github/workflows/lib.yml
    with: {environment: "${{ matrix.env }}", tag: "${{ needs.build.outputs.tag }}", dry: false}
    secrets: {TOKEN: "${{ secrets.TOKEN }}", KEY: x}
  notify:
    needs: deploy
    uses: ./.github/workflows/note.yml
    secrets: inherit
    permissions: {contents: read}
  other:
    uses: octo/other/.github/workflows/x.yml@v1
    with: {a: 1, b: "${{ github.ref_name }}"}
"#;
const LIB: &str = r#"on:
  workflow_call:
    inputs: {environment: {type: string}, tag: {type: string}, dry: {type: boolean}, level: {type: string, default: info}}
    secrets: {TOKEN: {required: true}, KEY: {}}
    outputs: {url: {value: "${{ jobs.go.outputs.url }}"}, version: {value: x}}
concurrency: "lib-${{ inputs.environment }}"
jobs:
  go:
    runs-on: ubuntu-latest
    environment: "${{ inputs.environment }}"
    permissions: {id-token: write}
    timeout-minutes: 10
    outputs: {url: x}
    steps: [{run: "deploy ${{ inputs.tag }}"}]
  check: {runs-on: ubuntu-latest, steps: [{run: x}]}
"#;
const NOTE: &str = "on: workflow_call
jobs:
  say: {runs-on: ubuntu-latest, steps: [{run: x}]}
";

/// Source: GitHub: planning rules 2.7, 4.7, 4.8 and 4.9.
#[test]
fn what_calls_get_and_what_holds_for_jobs() {
    let event = push("refs/heads/main", &[]);
    let files = [(".github/workflows/lib.yml", LIB), (".github/workflows/note.yml", NOTE)];
    let (workflow, all) = look_into(CALLS, &files, &event);
    let chosen = all.chosen(&[], false).expect("all");
    let view = PlanView { workflow: &workflow, event: &event, outlook: &all, chosen: &chosen };
    assert_snapshot!("plan-calls", plan_text(&view, &Style::plain(100)));
    let json: serde_json::Value = serde_json::from_str(&plan_json(&view).expect("JSON")).expect("JSON");
    let jobs = json["jobs"].as_array().expect("jobs");
    let of = |key: &str| jobs.iter().find(|it| it["key"] == key).expect("the job");
    let parts = |key: &str| {
        let job = of(key);
        serde_json::json!({
            "permissions": job["permissions"], "defaults": job["defaults"], "call": job["call"],
            "concurrency": job["concurrency"], "concurrency_groups": job["concurrency_groups"],
        })
    };
    assert_json_snapshot!(
        "plan-calls-json",
        serde_json::json!({
            "concurrency": json["concurrency"], "build": parts("build"), "lint": parts("lint"),
            "deploy (prod)": parts("deploy (prod)"), "deploy (prod) / go": parts("deploy (prod) / go"),
            "notify": parts("notify"), "other": parts("other"),
        })
    );
}
