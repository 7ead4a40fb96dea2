//! `wfrun why` about runs that are over: of wfrun by their journals, and GitHub's own.
use std::fs;

use serde_json::Value as Json;

use crate::repo::{Ran, Repo};

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

/// A stand-in is never shown as the real thing.
#[test]
fn what_was_not_done_as_on_github_is_declared() {
    let text = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v4}, {run: 'true'}]}}\n";
    let repo = Repo::new(text, &[]);
    repo.wfrun(&["w.yml", "--backend", "host"]).ends_with(0);
    let said = repo.wfrun(&["why", "latest", "a"]).ends_with(0).stdout;
    assert!(said.contains("Run actions/checkout@v4 succeeded  (stand-in)\n"), "{said}");
    assert!(said.contains("Run true succeeded\n"), "{said}");
    assert!(said.ends_with("\nnot as on GitHub: 1 stand-in\n"), "{said}");
    let found: Json = serde_json::from_str(&repo.wfrun(&["why", "latest", "--json"]).stdout).expect("JSON");
    assert_eq!(found["jobs"][0]["steps"][0]["how"], "stand-in");
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
    let folder = new.root().canonicalize().expect("a folder").join(".wfrun/runs");
    let none = format!("error[file/run]: there is no run in {} yet", folder.display());
    assert!(said.contains(&none) && said.contains("`-C` names another repository"), "{}", ran.stderr);
    let ran = new.wfrun(&["why", "123"]).ends_with(2);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let none = format!("would do too, but there is no run in {} yet", folder.display());
    assert!(said.contains(&none), "{}", ran.stderr);
    // The same of `download`, and where there is no repository at all.
    let ran = new.wfrun(&["download"]).ends_with(2);
    assert!(ran.stderr.contains(&format!("there is no run in {} yet", folder.display())), "{}", ran.stderr);
    let outside = new.beside("outside");
    fs::create_dir_all(&outside).expect("a folder");
    let ran = new.wfrun(&["download", "-C", &outside.display().to_string()]).ends_with(2);
    let outside = outside.canonicalize().expect("a folder");
    let none = format!("no `.github` in {} or above", outside.display());
    assert!(ran.stderr.contains(&none) && ran.stderr.contains("`-C`"), "{}", ran.stderr);
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

const ON_GITHUB: &str = "\
name: W
on: [push, pull_request, schedule]
jobs:
  build: {runs-on: x, steps: [{name: compile, run: x}, {name: tagged, if: github.ref_type == 'tag', run: x}]}
  test:
    name: Test it
    needs: build
    strategy: {matrix: {os: [a, b]}}
    runs-on: x
    steps: [{run: x}]
  notify: {needs: test, if: failure(), runs-on: x, steps: [{run: x}]}
  deploy: {needs: test, if: github.ref == 'refs/heads/main', runs-on: x, steps: [{run: x}]}
  call: {name: Lib, uses: ./.github/workflows/lib.yml}
  late: {needs: call, runs-on: x, steps: [{run: x}]}
";
const LIB: &str = "on: workflow_call\njobs: {inner: {name: Inside, runs-on: x, steps: [{run: x}]}}\n";

/// A repository with that workflow, and what `gh` says of a run of it.
fn on_github(event: &str, branch: &str, conclusion: &str, jobs: &[(&str, &str)]) -> Repo {
    let repo = Repo::new(ON_GITHUB, &[(".github/workflows/lib.yml", LIB)]);
    let jobs: Vec<Json> = jobs
        .iter()
        .map(|(name, conclusion)| serde_json::json!({"name": name, "conclusion": conclusion, "steps": []}))
        .collect();
    let run = serde_json::json!({
        "event": event, "headBranch": branch, "headSha": repo.git(&["rev-parse", "HEAD"]), "conclusion": conclusion,
        "workflowName": "W", "jobs": jobs,
    });
    repo.write("run.json", &run.to_string());
    repo
}

fn why_github(repo: &Repo, more: &[&str]) -> Json {
    let ran = repo.wfrun(&[&["why", "w.yml", "--from-github", "run.json", "--json"], more].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|err| panic!("{err}: {}{}", ran.stdout, ran.stderr))
}

fn verdict<'j>(found: &'j Json, key: &str) -> &'j Json {
    let jobs = found["jobs"].as_array().expect("jobs");
    &jobs.iter().find(|it| it["key"] == key).unwrap_or_else(|| panic!("no {key}: {found:#}"))["verdict"]
}

const WENT_WELL: [(&str, &str); 7] = [
    ("build", "success"),
    ("Test it (a)", "success"),
    ("TEST IT (B)", "success"),
    ("notify", "skipped"),
    ("deploy", "skipped"),
    ("Lib / Inside", "success"),
    ("late", "success"),
];

#[test]
fn event_and_ref_are_those_of_githubs_run_and_options_win() {
    let repo = on_github("push", "feature/x", "success", &WENT_WELL);
    let found = why_github(&repo, &[]);
    let trigger = &found["trigger"];
    assert_eq!([&trigger["event"], &trigger["ref"]], ["push", "refs/heads/feature/x"]);
    assert_eq!(verdict(&found, "deploy"), "skipped");
    assert_eq!(verdict(&found, "notify"), "skipped");
    assert_eq!(found["github"]["differences"], serde_json::json!([]), "{found:#}");
    let found = why_github(&repo, &["--ref", "main"]);
    assert_eq!(found["trigger"]["ref"], "refs/heads/main");
    assert_eq!(found["github"]["differences"][0]["message"], "deploy: GitHub skipped it, wfrun would run it");
    let found = why_github(&repo, &["--event", "pull_request"]);
    assert_eq!(found["trigger"]["event"], "pull_request");
    let scheduled = on_github("schedule", "trunk", "success", &[]);
    assert_eq!(why_github(&scheduled, &[])["trigger"]["ref"], "refs/heads/trunk");
}

#[test]
fn results_are_those_of_githubs_run_and_what_was_skipped_is_explained() {
    let mut jobs = WENT_WELL;
    (jobs[2].1, jobs[3].1, jobs[5].1, jobs[6].1) = ("failure", "success", "timed_out", "skipped");
    let repo = on_github("push", "main", "failure", &jobs);
    let found = why_github(&repo, &[]);
    assert_eq!(verdict(&found, "notify"), "runs", "a leg failed");
    assert_eq!(verdict(&found, "deploy"), "skipped");
    assert_eq!(verdict(&found, "late"), "skipped", "what `call` calls failed");
    assert_eq!(found["github"]["differences"], serde_json::json!([]), "{found:#}");
    let found = why_github(&repo, &["--force", "TEST=success", "--force", "call=success"]);
    let said: Vec<&Json> = found["github"]["differences"].as_array().expect("a list").iter().collect();
    let messages: Vec<&str> = said.iter().filter_map(|it| it["message"].as_str()).collect();
    let expected = [
        "notify: GitHub ran it (success), wfrun would skip it",
        "deploy: GitHub skipped it, wfrun would run it",
        "late: GitHub skipped it, wfrun would run it",
    ];
    assert_eq!(messages, expected);
    let only = why_github(&repo, &["late", "--force", "call=success"]);
    assert_eq!(only["github"]["differences"].as_array().map(Vec::len), Some(1), "one job was asked about");
    let forgiven = on_github("push", "main", "success", &[("build", "failure"), ("Test it (a)", "success")]);
    assert_eq!(verdict(&why_github(&forgiven, &[]), "test"), "runs", "the run forgave it");
}

#[test]
fn jobs_that_the_workflow_has_not_and_other_things_are_noted() {
    let repo =
        on_github("push", "main", "", &[("gone\u{7}", "success"), ("test (c)", "skipped"), ("lib / x", "success")]);
    repo.change("run.json", r#""W""#, r#""Other""#);
    let text = repo.read("run.json");
    let sha = repo.git(&["rev-parse", "HEAD"]);
    repo.write("run.json", &text.replace(&sha, &"0123".repeat(10)));
    let ran = repo.wfrun(&["why", "w.yml", "--from-github", "run.json"]).ends_with(0);
    for note in [
        "GitHub's run has a job `gone`, and the workflow has not\n",
        "GitHub's run is of the workflow `Other`, and this is `W`\n",
        "GitHub's run was not over\n",
        "git does not have commit `01230123",
    ] {
        assert!(ran.stderr.contains(note), "{note}: {}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("the workflow has not").count(), 1, "{}", ran.stderr);
    assert!(ran.stdout.ends_with("  test: GitHub skipped it, wfrun would run it\n"), "{}", ran.stdout);
}

#[test]
fn steps_are_compared_up_to_the_first_that_failed() {
    let repo = on_github("push", "main", "failure", &[]);
    let job = |steps: &str| format!(r#""jobs":[{{"name":"build","conclusion":"failure","steps":[{steps}]}}]"#);
    let text = repo.read("run.json");
    let step =
        |name: &str, number: u32, it: &str| format!(r#"{{"name":"{name}","number":{number},"conclusion":"{it}"}}"#);
    let steps = [step("tagged", 3, "success"), step("compile", 2, "skipped"), step("Set up job", 1, "success")];
    repo.write("run.json", &text.replace(r#""jobs":[]"#, &job(&steps.join(","))));
    let ran = repo.wfrun(&["why", "w.yml", "--from-github", "run.json"]).ends_with(0);
    let expected = "GitHub's run: push of main, failure\n  build, step compile: GitHub skipped it, wfrun would run it\n  \
                    build, step tagged: GitHub ran it (success), wfrun would skip it\n";
    assert!(ran.stdout.ends_with(expected), "{}", ran.stdout);
    let steps = [step("Set up job", 1, "failure"), step("compile", 2, "skipped")];
    repo.write("run.json", &text.replace(r#""jobs":[]"#, &job(&steps.join(","))));
    assert_eq!(why_github(&repo, &[])["github"]["differences"], serde_json::json!([]));
}

#[test]
fn a_run_that_would_not_be_triggered_here_differs_as_a_whole() {
    let repo = on_github("release", "v1", "success", &WENT_WELL);
    let ran = repo.wfrun(&["why", "w.yml", "--from-github", "run.json"]).ends_with(4);
    assert!(ran.stdout.ends_with("GitHub ran it, and what happened does not trigger it here\n"), "{}", ran.stdout);
}

#[test]
fn what_gh_did_not_make_is_refused_with_its_place() {
    let repo = on_github("push", "main", "success", &[]);
    let good = repo.read("run.json");
    let cases = [
        ("{\n  \"event\": }".to_owned(), "expected value at line 2 column 12"),
        (good.replace("headBranch", "head_branch"), "missing field `headBranch` at line 1 column"),
        (good.replace(r#""jobs":[]"#, r#""jobs":[{"name":"x"}]"#), "missing field `conclusion` at line 1 column"),
        (String::new(), "EOF while parsing a value at line 1 column 0"),
    ];
    for (text, said) in cases {
        repo.write("run.json", &text);
        let ran = repo.wfrun(&["why", "w.yml", "--from-github", "run.json"]).ends_with(2);
        assert!(ran.stderr.contains("error[file/run]") && ran.stderr.contains(said), "{}", ran.stderr);
        assert!(ran.stderr.contains("gh run view <run-id> --json"), "{}", ran.stderr);
    }
    repo.write("run.json", &good.replace(r#""conclusion":"success""#, r#""conclusion":null"#));
    repo.wfrun(&["why", "w.yml", "--from-github", "run.json"]).ends_with(0);
    repo.wfrun(&["why", "w.yml", "--from-github", "none.json"]).ends_with(2);
}

#[test]
fn names_that_several_jobs_have_are_not_compared() {
    let repo = on_github("push", "main", "success", &[("same", "skipped")]);
    let jobs = "jobs: {a: {name: Same, runs-on: x, steps: [{run: x}]}, b: {name: Same, runs-on: x, steps: [{run: x}]}}";
    repo.write(".github/workflows/two.yml", &format!("name: W\non: push\n{jobs}\n"));
    let ran = repo.wfrun(&["why", "two.yml", "--from-github", "run.json"]).ends_with(0);
    assert!(ran.stderr.contains("several jobs are called `same`"), "{}", ran.stderr);
    assert!(ran.stdout.ends_with("it went as foreseen, as far as that can be told\n"), "{}", ran.stdout);
    // One is called as the other's key is: what github.com shows decides.
    let jobs = "jobs: {a: {name: same, runs-on: x, steps: [{run: x}]}, same: {name: b, runs-on: x, steps: [{run: x}]}}";
    repo.write(".github/workflows/two.yml", &format!("name: W\non: push\n{jobs}\n"));
    let ran = repo.wfrun(&["why", "two.yml", "--from-github", "run.json"]).ends_with(0);
    assert!(ran.stdout.ends_with("success\n  a: GitHub skipped it, wfrun would run it\n"), "{}", ran.stdout);
}

#[test]
fn offered_changes_hold_with_githubs_results() {
    let repo = on_github("push", "feature/x", "success", &WENT_WELL);
    for job in ["deploy", "notify"] {
        let found = why_github(&repo, &[job]);
        let changes = found["jobs"][0]["would_run_if"].as_array().expect("changes").clone();
        assert!(!changes.is_empty(), "{job}");
        for change in changes {
            let flags: Vec<String> = serde_json::from_value(change["flags"].clone()).expect("flags");
            let more: Vec<&str> = [job].into_iter().chain(flags.iter().map(String::as_str)).collect();
            assert_eq!(why_github(&repo, &more)["jobs"][0]["verdict"], "runs", "{job} {flags:?}");
        }
    }
}

#[test]
fn a_run_on_standard_input() {
    let repo = on_github("push", "feature/x", "success", &WENT_WELL);
    let mut command = repo.command(&["why", "w.yml", "--from-github", "-"]);
    command.stdin(fs::File::open(repo.root().join("run.json")).expect("a file"));
    let piped = Ran::of(&command.output().expect("wfrun starts")).ends_with(0);
    let ran = repo.wfrun(&["why", "w.yml", "--from-github", "run.json"]).ends_with(0);
    assert_eq!(piped.stdout, ran.stdout);
    insta::assert_snapshot!(ran.stdout);
}
