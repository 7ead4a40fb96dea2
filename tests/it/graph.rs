//! `wfrun graph`: what it draws of which situation, and how it ends.
use crate::repo::Repo;

const WORKFLOW: &str = "\
name: Release
on: {push: {branches: [main]}, pull_request: }
jobs:
  test:
    strategy: {matrix: {os: [a, b]}}
    runs-on: ubuntu-latest
    steps: [{run: 'true'}]
  lint: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  publish: {needs: test, if: github.event_name == 'push', uses: ./.github/workflows/called.yml}
";
const CALLED: &str = "on: workflow_call\njobs: {upload: {runs-on: x, steps: [{run: 'true'}]}}\n";

fn repo() -> Repo {
    Repo::new(WORKFLOW, &[(".github/workflows/called.yml", CALLED)])
}

#[test]
fn situations_are_drawn_even_of_what_cannot_run_yet() {
    let push = repo().wfrun(&["graph", "w.yml"]).ends_with(0);
    assert_eq!(push.stderr, "");
    assert!(push.stdout.contains(" upload ") && push.stdout.ends_with("\n4 jobs: 4 run\n"), "{}", push.stdout);
    let request = repo().wfrun(&["graph", "w.yml", "-e", "pull_request"]).ends_with(0).stdout;
    assert!(request.contains("skipped: github.event_name is") && request.contains("'pull_request'"), "{request}");
    assert!(!request.contains("upload"), "{request}");
}

#[test]
fn formats() {
    for (format, begin) in
        [("mermaid", "---\ntitle: \"Release\"\n---\nflowchart LR\n"), ("dot", "digraph workflow {\n"), ("svg", "<svg ")]
    {
        let drawn = repo().wfrun(&["graph", "w.yml", "--format", format]).ends_with(0).stdout;
        assert!(drawn.starts_with(begin) && drawn.contains("upload"), "{drawn}");
    }
    repo().wfrun(&["graph", "w.yml", "--format", "png"]).ends_with(2);
}

#[test]
fn chosen_jobs() {
    let drawn = repo().wfrun(&["graph", "w.yml", "--job", "publish"]).ends_with(0).stdout;
    assert!(drawn.contains("test") && drawn.contains("upload") && !drawn.contains("lint"), "{drawn}");
    let drawn = repo().wfrun(&["graph", "w.yml", "--job", "publish", "--no-needs"]).ends_with(0).stdout;
    assert!(!drawn.contains("test") && drawn.contains("upload"), "{drawn}");
    let ran = repo().wfrun(&["graph", "w.yml", "--job", "pubish"]).ends_with(2);
    assert!(ran.stderr.contains("did you mean `publish`?"), "{}", ran.stderr);
}

#[test]
fn what_does_not_trigger_is_said_as_plan_says_it() {
    let repo = repo();
    repo.git(&["branch", "dev"]);
    let said = |command: &str| repo.wfrun(&[command, "w.yml", "--ref", "dev"]);
    let graph = said("graph").ends_with(4);
    assert_eq!(graph.stdout, "");
    assert!(graph.stderr.contains("branches: [main]"), "{}", graph.stderr);
    repo.change(".github/workflows/w.yml", "    strategy: {matrix: {os: [a, b]}}\n", "");
    repo.change(".github/workflows/w.yml", "uses: ./.github/workflows/called.yml", "runs-on: x, steps: [{run: x}]");
    assert_eq!(said("graph").ends_with(4).stderr, said("plan").ends_with(4).stderr);
}

#[test]
fn an_invalid_workflow_is_not_drawn() {
    let repo = repo();
    repo.change(".github/workflows/w.yml", "called.yml", "caled.yml");
    let ran = repo.wfrun(&["graph", "w.yml"]).ends_with(2);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("workflow/call-not-found"), "{}", ran.stderr);
}

#[test]
fn legs_can_be_chosen() {
    let workflow = "on: push\njobs:\n  a: {strategy: {matrix: {os: [x, Y], n: [1, 2]}}, runs-on: x, steps: [{run: x}]}\n  \
                    b: {runs-on: x, steps: [{run: x}]}\n";
    let repo = Repo::new(workflow, &[]);
    let keys = |matrix: &[&str]| {
        let ran = repo.wfrun(&[&["plan", "w.yml", "--json"], matrix].concat()).ends_with(0);
        let found: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let jobs = found["jobs"].as_array().expect("jobs").iter();
        jobs.map(|it| it["key"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>().join(" | ")
    };
    assert_eq!(keys(&["--matrix", "os:y"]), "a (Y, 1) | a (Y, 2) | b");
    assert_eq!(keys(&["--matrix", "os:x", "--matrix", "n:2"]), "a (x, 2) | b");
    assert_eq!(keys(&["--matrix", "os:x", "--matrix", "OS:y", "--matrix", "n:1"]), "a (x, 1) | a (Y, 1) | b");
    assert_eq!(keys(&["--matrix", "os:z"]), "b");
    assert!(repo.wfrun(&["plan", "w.yml", "--matrix", "os"]).ends_with(2).stderr.contains("write KEY:VALUE"));
}
