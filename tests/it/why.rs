//! `wfrun why`: what it explains, and that every change it offers holds.
use serde_json::Value as Json;

use crate::repo::Repo;

const WORKFLOW: &str = r#"on:
  push: {branches: ['release/**', '!release/old'], paths: ['src/**']}
  workflow_dispatch: {inputs: {deploy: {type: boolean}, env: {type: choice, options: [dev, prod]}}}
  pull_request: {types: [labeled]}
jobs:
  dispatched: {runs-on: x, if: "inputs.deploy && inputs.env == 'prod'", steps: [{run: x}]}
  failed: {runs-on: x, needs: open, if: failure(), steps: [{run: x}]}
  open: {runs-on: x, steps: [{run: x}]}
  tagged: {runs-on: x, if: "startsWith(github.ref, 'refs/tags/v')", steps: [{run: x}]}
  by-bob: {runs-on: x, if: "contains(fromJSON('[\"bob\"]'), github.actor)", steps: [{run: x}]}
  labeled: {runs-on: x, if: "vars.GO == 'yes' && github.event.action == 'labeled'", steps: [{run: x}]}
  of-acme: {runs-on: x, if: "github.repository_owner == 'acme' && github.event_name != 'push'", steps: [{run: x}]}
  never: {runs-on: x, if: false, steps: [{run: x}]}
"#;

fn why(repo: &Repo, job: Option<&str>, more: &[String]) -> Json {
    let more = more.iter().map(String::as_str);
    let arguments: Vec<&str> = ["why", "w.yml"].into_iter().chain(job).chain(["--json"]).chain(more).collect();
    let ran = repo.wfrun(&arguments);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|err| panic!("{err}: {}{}", ran.stdout, ran.stderr))
}

fn texts(given: &[&str]) -> Vec<String> {
    given.iter().map(|it| (*it).to_owned()).collect()
}

fn verdicts(found: &Json) -> Vec<(String, String)> {
    let jobs = found["jobs"].as_array().expect("jobs").iter();
    jobs.map(|it| (it["key"].as_str().unwrap_or("").to_owned(), it["verdict"].as_str().unwrap_or("").to_owned()))
        .collect()
}

#[test]
fn every_offered_change_holds_when_its_options_are_added() {
    let repo = Repo::new(WORKFLOW, &[("README.md", "x")]);
    let mut offered = 0;
    for given in [
        texts(&["--event", "push", "--ref", "release/1", "--changed", "README.md"]),
        texts(&["--event", "workflow_dispatch"]),
        texts(&["--event", "schedule"]),
    ] {
        for (key, verdict) in verdicts(&why(&repo, None, &given)) {
            let found = why(&repo, Some(&key), &given);
            let changes = found["jobs"][0]["would_run_if"].as_array().expect("changes").clone();
            assert_eq!(changes.is_empty(), verdict == "runs" || key == "never", "{given:?} {key}: {changes:?}");
            assert!(changes.len() <= 5);
            for change in &changes {
                let flags: Vec<String> = serde_json::from_value(change["flags"].clone()).expect("flags");
                let again = why(&repo, Some(&key), &[given.clone(), flags.clone()].concat());
                assert_eq!(again["triggered"], true, "{given:?} + {flags:?}");
                assert_eq!(again["jobs"][0]["verdict"], "runs", "{given:?} + {flags:?}: {key}");
                offered += 1;
            }
        }
    }
    assert!(offered > 20, "{offered}");
}

/// Whatever stands on the line, the options are added to just that.
#[test]
fn offered_changes_hold_whatever_is_on_the_line() {
    let on = "{push: {paths-ignore: ['docs/**']}, pull_request: {types: [labeled]}, pull_request_target: , release: , check_run: , \
              create: , workflow_dispatch: {inputs: {env: {type: choice, options: [dev, prod]}}}, \
              repository_dispatch: {types: [go]}, schedule: [{cron: '0 0 * * *'}, {cron: '30 5 1 * 1'}]}";
    let jobs = "  a: {runs-on: x, steps: [{run: x}]}
  b: {runs-on: x, needs: a, if: \"contains(needs.*.result, 'failure')\", steps: [{run: x}]}
  timed: {runs-on: x, if: \"github.event.schedule == '30 5 1 * 1'\", steps: [{run: x}]}
  rc: {runs-on: x, if: \"endsWith(github.ref, '-rc') || inputs.env == 'prod'\", steps: [{run: x}]}
";
    let repo = Repo::new(&format!("on: {on}\njobs:\n{jobs}"), &[("docs/a.md", "x")]);
    repo.write("event.json", r#"{"action": "opened", "ref": "refs/heads/dev"}"#);
    let mut offered = 0;
    for given in [
        texts(&["-e", "pull_request", "--type", "opened"]),
        texts(&["-e", "repository_dispatch", "--type", "other"]),
        texts(&["-e", "pull_request", "--event-path", "event.json", "--head", "x", "--base", "main"]),
        texts(&["-e", "schedule", "--schedule", "0 0 * * *"]),
        texts(&["-e", "workflow_dispatch", "-i", "env=dev", "--force", "A=success"]),
    ] {
        for key in ["a", "b", "timed", "rc"] {
            for (until, name, goal) in
                [(&[][..], "would_run_if", "runs"), (&["--until-skipped"], "would_be_skipped_if", "skipped")]
            {
                let given = [given.clone(), texts(until)].concat();
                // Each costs a start: the reverse is looked at for one job.
                if !until.is_empty() && key != "a" {
                    continue;
                }
                let found = why(&repo, Some(key), &given);
                for change in found["jobs"][0][name].as_array().expect("changes") {
                    let flags: Vec<String> = serde_json::from_value(change["flags"].clone()).expect("flags");
                    let again = why(&repo, Some(key), &[given.clone(), flags.clone()].concat());
                    assert_eq!(again["jobs"][0]["verdict"], goal, "{given:?} + {flags:?}: {key}");
                    offered += 1;
                }
            }
        }
    }
    assert!(offered > 30, "{offered}");
}

fn flags_of(found: &Json) -> Vec<String> {
    let changes = found["jobs"][0]["would_run_if"].as_array().expect("changes").iter();
    let joined = |it: &Json| {
        let flags: Vec<String> = serde_json::from_value(it["flags"].clone()).expect("flags");
        flags.join(" ")
    };
    changes.map(joined).collect()
}

#[test]
fn the_nearest_change_is_offered_first() {
    let on = "{check_run: , create: , delete: , fork: , gollum: , pull_request: {types: [labeled]}}";
    let repo = Repo::new(&format!("on: {on}\njobs: {{a: {{runs-on: x, steps: [{{run: x}}]}}}}\n"), &[]);
    let offered = flags_of(&why(&repo, Some("a"), &texts(&["-e", "pull_request", "--type", "opened"])));
    assert_eq!(offered.len(), 5, "{offered:?}");
    assert_eq!(offered[..2], ["--type labeled".to_owned(), "--event check_run".to_owned() + " --type "], "{offered:?}");
    let on = "{push: {paths-ignore: ['docs/**']}, pull_request: , release: , workflow_dispatch: }";
    let repo = Repo::new(&format!("on: {on}\njobs: {{a: {{runs-on: x, steps: [{{run: x}}]}}}}\n"), &[]);
    let short = why(&repo, None, &texts(&["--ref", "main", "--changed", "docs/a.md"]));
    assert_eq!(flags_of(&short), ["--changed src/x"]);
}

/// Source: GitHub: planning rules 4.2.
#[test]
fn what_fails_before_it_begins_is_said_with_its_place() {
    let jobs = "  a:\n    runs-on: x\n    if: fromJSON(vars.CFG).deploy\n    steps: [{run: x}]
  b: {needs: a, if: failure(), runs-on: x, steps: [{run: x}]}
  c: {runs-on: \"${{ fromJSON('x') }}\", steps: [{run: x}]}
";
    let repo = Repo::new(&format!("on: push\njobs:\n{jobs}"), &[]);
    let found = why(&repo, None, &[]);
    let expected = [("a", "fails"), ("b", "runs"), ("c", "fails")].map(|(key, word)| (key.to_owned(), word.to_owned()));
    assert_eq!(verdicts(&found), expected);
    assert_eq!(found["jobs"][0]["reason"]["line"], 5);
    assert_eq!(found["jobs"][2]["reason"]["kind"], "planning");
    let text = repo.wfrun(&["why", "w.yml", "a"]).ends_with(0).stdout;
    assert!(
        text.contains("✗ a fails") && text.contains("at  w.yml:5:9") && text.contains("cannot be evaluated"),
        "{text}"
    );
    for (arguments, said) in [
        (&["plan", "w.yml"][..], "fails: `runs-on: ${{ fromJSON('x') }}` cannot be evaluated"),
        (&["graph", "w.yml"], "2 fail before they begin"),
        (&["table", "w.yml"], "fails"),
    ] {
        let ran = repo.wfrun(arguments).ends_with(0);
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
    }
}

/// A leg that was asked for and is not there.
#[test]
fn that_no_leg_is_left_is_said() {
    let jobs = "{a: {strategy: {matrix: {v: [1, 2]}}, runs-on: 'l-${{ matrix.v }}', steps: [{run: x}]}}";
    let repo = Repo::new(&format!("on: push\njobs: {jobs}\n"), &[]);
    let ran = repo.wfrun(&["plan", "w.yml", "--matrix", "v:9"]).ends_with(0);
    assert!(ran.stderr.contains("nothing is left of `a`"), "{}", ran.stderr);
    let ran = repo.wfrun(&["plan", "w.yml"]).ends_with(0);
    assert!(ran.stdout.contains("on l-1 | l-2"), "{}", ran.stdout);
}

/// Path filters and a clone that does not have the commit before.
#[test]
fn what_is_changed_may_be_unknown() {
    let repo =
        Repo::new("on: {push: {paths: [src/a]}}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n", &[("a.md", "x")]);
    repo.write("a.md", "more");
    repo.commit("more");
    let shallow = repo.root().join("shallow");
    let from = format!("file://{}", repo.root().display());
    repo.git(&["clone", "-q", "--depth", "1", &from, &shallow.display().to_string()]);
    let within = ["-C", &shallow.display().to_string()].map(str::to_owned);
    let found = why(&repo, Some("a"), &within);
    assert_eq!(found["jobs"][0]["verdict"], "depends");
    assert_eq!(found["jobs"][0]["reason"]["kind"], "trigger");
    assert_eq!(flags_of(&found)[0], "--changed src/a");
    for command in ["why", "plan", "table"] {
        let ran = repo.wfrun(&[command, "w.yml", "-C", &within[1]]).ends_with(0);
        assert!(ran.stdout.contains("what is changed is not known"), "{command}: {}", ran.stdout);
    }
}

#[test]
fn the_example_says_what_decided_and_offers_the_way_out() {
    let repo = Repo::example();
    let given =
        ["why", "deploy", "build-and-deploy", "--event", "pull_request", "--ref", "feature/x", "--base", "main"];
    let ran = repo.wfrun(&given).ends_with(0);
    assert!(ran.stdout.lines().count() <= 24, "one screen:\n{}", ran.stdout);
    assert!(ran.stdout.contains("because github.event_name == 'push'  is false: github.event_name is 'pull_request'"));
    assert!(ran.stdout.contains("would run with\n      --event push --ref main\n"), "{}", ran.stdout);
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn a_workflow_that_is_not_triggered_ends_with_4_and_says_where() {
    let repo = Repo::new(WORKFLOW, &[]);
    let ran = repo.wfrun(&["why", "w.yml", "--ref", "main"]).ends_with(4);
    assert!(ran.stdout.contains("`main` matches no pattern of `branches`"), "{}", ran.stdout);
    let found = why(&repo, None, &texts(&["--ref", "main"]));
    assert_eq!(found["triggered"], false);
    assert_eq!(found["jobs"][0]["reason"]["kind"], "not-triggered");
    assert_eq!(found["trigger"]["gates"][1]["line"], 2);
}

#[test]
fn the_workflow_of_a_job_need_not_be_named() {
    let repo = Repo::example();
    let given = ["--event", "pull_request", "--ref", "feature/x", "--base", "main"];
    let short = repo.wfrun(&[&["why", "build-and-deploy"], &given[..]].concat()).ends_with(0);
    let long = repo.wfrun(&[&["why", "deploy", "build-and-deploy"], &given[..]].concat()).ends_with(0);
    assert_eq!(short.stdout, long.stdout);
    repo.write(".github/workflows/other.yml", "on: push\njobs: {test: {runs-on: x, steps: [{run: x}]}}\n");
    let ran = repo.wfrun(&["why", "test"]).ends_with(2);
    assert!(ran.stderr.contains("several workflows have a job `test`: deploy.yml, other.yml"), "{}", ran.stderr);
}

#[test]
fn that_nothing_was_found_is_said() {
    let repo = Repo::new(WORKFLOW, &[]);
    let ran = repo.wfrun(&["why", "w.yml", "never", "--event", "workflow_dispatch"]).ends_with(0);
    assert!(ran.stdout.contains("no change that was tried makes it run for sure"), "{}", ran.stdout);
    let ran = repo.wfrun(&["why", "w.yml", "open", "--event", "workflow_dispatch"]).ends_with(0);
    assert!(!ran.stdout.contains("no change"), "{}", ran.stdout);
    let all = repo.wfrun(&["why", "w.yml", "--event", "workflow_dispatch"]).ends_with(0).stdout;
    assert_eq!(all.matches("nothing that was tried makes it run\n").count(), 1, "{all}");
    let line = all.lines().position(|it| it.contains("– never")).and_then(|it| all.lines().nth(it + 1));
    assert_eq!(line.map(str::trim), Some("nothing that was tried makes it run"), "{all}");
}

#[test]
fn until_skipped_is_the_reverse() {
    let repo = Repo::example();
    let ran = repo.wfrun(&["why", "deploy", "build-and-deploy", "--until-skipped", "--json"]).ends_with(0);
    let found: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let offered = found["jobs"][0]["would_be_skipped_if"].as_array().expect("changes");
    let first: Vec<&str> = offered.iter().filter_map(|it| it["flags"][0].as_str()).collect();
    assert_eq!(first[..3], ["--ref", "--force", "--event"]);
}

#[test]
fn misspelt_jobs_and_results_are_refused() {
    let repo = Repo::new(WORKFLOW, &[]);
    for (arguments, said) in [
        (&["why", "w.yml", "opn"][..], "did you mean `open`?"),
        (&["why", "w.yml", "--force", "opn=failure"], "did you mean `open`?"),
        (&["why", "w.yml", "--force", "open=bad"], "results are: success, failure, cancelled, skipped"),
        (&["why", "w.yml", "--force", "open=failur"], "did you mean `failure`?"),
        (&["why", "w.yml", "--force", "open.1=cancelled"], "results are: success, failure, skipped"),
        (&["why", "w.yml", "--force", "opn.1=failure"], "did you mean `open`?"),
        (&["why", "w.yml", "--force", "open.Run y=failure"], "did you mean `Run x`?"),
        (&["why", "w.yml", "--force", "open.2=failure"], "job `open` has no step `2`"),
        (&["why", "w.yml", "--force", "open (1)=failure"], "the workflow has no job `open (1)`"),
        (&["why", "w.yml", "--force", "=failure"], "write JOB=RESULT or JOB.STEP=RESULT"),
    ] {
        let ran = repo.wfrun(arguments).ends_with(2);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn with_colour_the_text_of_each_gate_is_underlined() {
    let repo = Repo::example();
    let ran = repo.wfrun(&["why", "deploy", "--ref", "main", "--color", "always"]).ends_with(0);
    assert!(ran.stdout.contains("\u{1b}[4mmain\u{1b}[0m"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("~~~~"), "{}", ran.stdout);
}

#[test]
fn without_colour_it_has_a_line_below() {
    let repo = Repo::example();
    let ran = repo.wfrun(&["why", "deploy", "--ref", "main"]).ends_with(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let at = lines.iter().position(|it| it.contains("✓ branch")).expect("the gate");
    assert!(lines[at].ends_with("  main"), "{}", ran.stdout);
    assert_eq!(lines[at + 1].find("~~~~"), lines[at].rfind("main").map(|it| it - "✓".len() + 1), "{}", ran.stdout);
}
