//! Where GitHub and other local runners part: GitHub's answer, row by row.
//!
//! Source: GitHub: planning rules 5.1 and 5.2; the numbers are theirs.
use nix::sys::signal::Signal;
use serde_json::{Value as Json, json};

use crate::cancel::interrupt_run;
use crate::repo::{Ran, Repo};

const PLAIN: &str = "on: [push, pull_request]\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: echo ran}]}}\n";

/// Rows 1 to 19, and those of 23 that need no runner.
#[test]
fn expressions() {
    let repo = Repo::new(PLAIN, &[]);
    for (row, expression, expected) in [
        (1, "'a' < '_'", json!(true)),
        (2, "null != null", json!(false)),
        (2, "null < null", json!(false)),
        (3, "'  ' == 0", json!(true)),
        (4, "'1 && 2' == 2", json!(false)),
        (5, "1 < 2 < 3", json!(true)),
        (6, "startsWith(fromJSON('[1]'), 'Arr')", json!(false)),
        (7, "join(fromJSON('{}'), '-')", json!("")),
        (8, r#"join(fromJSON('[{"a":1},{"b":2}]').*.a, '|')"#, json!("1")),
        (9, r#"join(fromJSON('{"p":1,"q":2}').*, '|')"#, json!("1|2")),
        (10, r#"fromJSON('["a","b"]')[fromJSON('1')]"#, json!("b")),
        (11, r#"fromJSON('["a","b"]')['1']"#, json!("b")),
        (12, r#"toJSON(fromJSON('{"b":"<&>","a":1}'))"#, json!("{\n  \"b\": \"<&>\",\n  \"a\": 1\n}")),
        (13, "toJSON(1e21)", json!("1E+21")),
        (14, "case(true, 1, 2)", json!(1)),
        (15, "+1 == 1", json!(true)),
        (15, "0o17 == 15", json!(true)),
        (15, ".5 == 0.5", json!(true)),
        (16, "1000000000000000 > 1", json!(true)),
        (17, "fromJSON('[1]') == fromJSON('[1]')", json!(false)),
        (18, r#"fromJSON('{"A":1,"a":2}').a"#, json!(2)),
        (19, "toJSON(github.nope)", json!("null")),
        (23, "github.ref_protected", json!(false)),
    ] {
        let ran = repo.wfrun(&["eval", expression]).ends_with(0);
        let found: Json = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(found, expected, "row {row}: {expression}");
    }
    let of_request = ["eval", "github.ref_type", "--event", "pull_request", "--base", "main"];
    assert_eq!(repo.wfrun(&of_request).ends_with(0).stdout.trim(), "\"branch\"", "row 23");
}

/// The lines that the steps of a job print, on the host.
fn printed(workflow: &str) -> Vec<String> {
    let repo = Repo::new(workflow, &[]);
    let ran = repo.wfrun(&["w.yml", "--backend", "host", "--json"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    let events = ran.stdout.lines().filter_map(|it| serde_json::from_str::<Json>(it).ok());
    let lines = events.filter(|it| it["type"] == "line").filter_map(|it| it["text"].as_str().map(str::to_owned));
    lines.filter(|it| !it.starts_with('$')).collect()
}

fn job(more: &str, script: &str) -> String {
    format!("on: push\n{more}jobs: {{a: {{runs-on: ubuntu-latest, steps: [{{run: '{script}'}}]}}}}\n")
}

/// Rows 20 to 22, 25, 26, 42.
#[test]
fn what_steps_see() {
    let strategy = "echo ${{ strategy.job-index }} ${{ strategy.job-total }} ${{ strategy.max-parallel }}";
    for (row, workflow, expected) in [
        (20, job("", strategy), "0 1 1"),
        (21, job("", "echo ${{ github.action }} ${{ github.workflow }}"), "__run .github/workflows/w.yml"),
        (22, job("", "echo \"${{ toJSON(steps) }}\""), "{}"),
        (25, job("env: {A: 0755, B: 1.10, C: 1e3, D: 0x1F, E: True}\n", "echo $A $B $C $D $E"), "755 1.1 1000 31 true"),
        (26, job("env: {Foo: x}\n", "echo \"[${{ env.FOO }}]\""), "[]"),
        (
            42,
            "on: push\ndefaults: {run: {shell: sh}}\njobs: {a: {runs-on: ubuntu-latest, defaults: {run: \
             {working-directory: /}}, steps: [{run: 'echo \"bash=${BASH_VERSION:+yes}\"'}]}}\n"
                .to_owned(),
            "bash=yes",
        ),
    ] {
        let lines = printed(&workflow);
        assert!(lines.iter().any(|it| it == expected), "row {row}: {lines:?}");
    }
}

/// Rows 27, 28 and 41: what is refused, and what is not.
#[test]
fn what_is_valid() {
    let a = |rest: &str| format!("on: push\njobs: {{a: {{runs-on: ubuntu-latest, steps: [{rest}]}}}}\n");
    for (row, workflow, said) in [
        (27, format!("{}env: {{A: 1, a: 2}}\n", a("{run: echo}")), Some("'a' is already defined")),
        (
            28,
            a("{id: s, run: echo 1}, {id: S, run: echo 2}"),
            Some("The identifier 'S' may not be used more than once"),
        ),
        (41, a("{parallel: [{run: echo p1}, {run: echo p2}]}"), None),
    ] {
        let ran = Repo::new(&workflow, &[]).wfrun(&["check", "w.yml"]);
        match said {
            Some(said) => assert!(ran.code == 2 && ran.stdout.contains(said), "row {row}: {}", ran.stdout),
            None => assert_eq!(ran.code, 0, "row {row}: {}", ran.stdout),
        }
    }
}

/// However little memory is free.
const ALL_AT_ONCE: [&str; 6] = ["w.yml", "--backend", "sandbox", "--json", "--max-jobs", "4"];

/// When events of a type came, by job, in milliseconds; and how each job ended.
fn times(workflow: &str) -> impl Fn(&str, &str) -> (u64, String) {
    of_jobs_in(&Repo::new(workflow, &[]).wfrun(&ALL_AT_ONCE))
}

fn of_jobs_in(ran: &Ran) -> impl Fn(&str, &str) -> (u64, String) + use<> {
    let events: Vec<Json> = ran.stdout.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect();
    move |name, job| {
        let event = events.iter().find(|it| it["type"] == name && it["job"] == job);
        let event = event.unwrap_or_else(|| panic!("{name} of {job}"));
        (event["at_ms"].as_u64().expect("a time"), event["result"].as_str().unwrap_or_default().to_owned())
    }
}

/// Row 34: the leg that goes on is cancelled. `exec`, so that it heeds the first signal.
#[test]
fn legs_fail_fast() {
    let workflow = "on: push
jobs:
  a:
    runs-on: ubuntu-latest
    strategy: {matrix: {v: [1, 2]}}
    steps: [{run: 'test ${{ matrix.v }} = 1 && exit 1; exec sleep 60'}]
";
    let at = times(workflow);
    assert_eq!(at("job-finished", "a (1)").1, "failure");
    assert_eq!(at("job-finished", "a (2)").1, "cancelled");
}

/// Row 35, with a clock of the test's own: `conditions::a_job_times_out` of the engine. Row 36: two jobs of a group.
#[test]
fn jobs_of_a_group_do_not_overlap() {
    let workflow = "on: push
jobs:
  a: {runs-on: ubuntu-latest, concurrency: g, steps: [{run: sleep 0.3}]}
  b: {runs-on: ubuntu-latest, concurrency: g, steps: [{run: sleep 0.3}]}
";
    let at = times(workflow);
    let (first, second) = if at("job-started", "a").0 < at("job-started", "b").0 { ("a", "b") } else { ("b", "a") };
    assert!(at("job-finished", first).0 <= at("job-started", second).0);
}

/// Row 37: a job starts as soon as what it needs has ended.
#[test]
fn no_job_waits_for_others_than_it_needs() {
    let workflow = "on: push
jobs:
  a: {runs-on: ubuntu-latest, steps: [{run: exec sleep 600}]}
  b: {runs-on: ubuntu-latest, steps: [{run: echo b}]}
  c: {needs: b, runs-on: ubuntu-latest, steps: [{run: echo c}]}
";
    let repo = Repo::new(workflow, &[]);
    // It never ends by itself.
    let part = r#""type":"job-finished","job":"c""#;
    let (ran, _) = interrupt_run(repo.command(&ALL_AT_ONCE), Signal::SIGINT, part);
    let at = of_jobs_in(&ran.ends_with(130));
    assert_eq!(at("job-finished", "a").1, "cancelled");
    assert_eq!(at("job-finished", "c").1, "success");
    assert!(at("job-finished", "c").0 < at("job-finished", "a").0);
}

fn plan(workflow: &str, more: &[&str]) -> Json {
    let ran = Repo::new(workflow, &[]).wfrun(&[&["plan", "w.yml", "--json"], more].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|err| panic!("{err}: {}", ran.stderr))
}

fn of_jobs(plan: &Json, member: &str) -> Vec<Json> {
    plan["jobs"].as_array().expect("jobs").iter().map(|it| it[member].clone()).collect()
}

/// Rows 24, 29 to 31, 33 and 40.
#[test]
fn what_is_planned() {
    let steps = "runs-on: ubuntu-latest, steps: [{run: echo}]";
    let filtered = format!("on: {{push: {{branches: [main], paths: ['docs/**']}}}}\njobs: {{a: {{{steps}}}}}\n");
    assert_eq!(plan(&filtered, &["--ref", "dev", "--changed", "docs/x"])["triggered"], false, "row 24: branch");
    assert_eq!(plan(&filtered, &["--ref", "main", "--changed", "src/x"])["triggered"], false, "row 24: paths");
    assert_eq!(plan(&filtered, &["--ref", "main", "--changed", "docs/x"])["triggered"], true, "row 24");

    let matrix = |it: &str| plan(&format!("on: push\njobs: {{a: {{strategy: {{matrix: {it}}}, {steps}}}}}\n"), &[]);
    let loose = matrix(
        "{os: [linux, mac], n: [12, 14], include: [{os: LINUX, n: '12', extra: y}], exclude: [{os: MAC, n: '14'}]}",
    );
    let extra = json!({"os": "linux", "n": 12, "extra": "y"});
    assert_eq!(of_jobs(&loose, "matrix")[0], extra, "row 29");
    assert_eq!(of_jobs(&loose, "key").len(), 3, "row 29");
    let nested = matrix("{v: [{n: 1, m: 2}, {n: 3, m: 4}], exclude: [{v: {n: 1}}]}");
    assert_eq!(of_jobs(&nested, "matrix"), [json!({"v": {"n": 3, "m": 4}})], "row 30");
    assert_eq!(of_jobs(&matrix("{v: [1], exclude: [{v: 1}]}"), "key"), ["a"], "row 31");

    let cases = format!("on: push\njobs: {{a: {{{steps}}}, b: {{needs: A, {steps}}}}}\n");
    assert_eq!(of_jobs(&plan(&cases, &[]), "needs"), [json!([]), json!(["a"])], "row 33");
    let named = format!("on: push\njobs: {{a: {{name: n, strategy: {{matrix: {{v: [1], w: [true]}}}}, {steps}}}}}\n");
    assert_eq!(of_jobs(&plan(&named, &[]), "name"), ["n (1, true)"], "row 40");
}

/// Row 38.
#[test]
fn a_text_is_no_false() {
    let text = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{if: \"${{ 'false' }}\", run: echo no}, \
                {if: \"\", run: echo yes}]}}\n";
    assert_eq!(printed(text), ["yes"], "row 38");
}

/// Row 39.
#[test]
fn inputs_are_checked() {
    let text = "on: {workflow_dispatch: {inputs: {n: {type: number, required: true}, c: {type: choice, options: \
                [p, q]}}}}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n";
    let repo = Repo::new(text, &[]);
    for (inputs, said) in [(&[][..], "input `n` is required"), (&["-i", "n=1", "-i", "c=zzz"], "its options are: p, q")]
    {
        let ran = repo.wfrun(&[&["plan", "w.yml"], inputs].concat()).ends_with(2);
        assert!(ran.stderr.contains(said), "row 39: {}", ran.stderr);
    }
    repo.wfrun(&["plan", "w.yml", "-i", "n=1"]).ends_with(0);
}

/// Row 43.
#[test]
fn skip_markers() {
    let repo = Repo::new(PLAIN, &[]);
    repo.commit("x [skip ci]");
    repo.wfrun(&["plan", "w.yml"]).ends_with(4);
}

/// Row 32: a job that may fail. The run goes on and is green, and what needs it sees success.
#[test]
fn a_job_may_fail() {
    let text = "on: push\njobs:\n  a: {runs-on: ubuntu-latest, continue-on-error: true, steps: [{run: exit 1}]}\n  \
                b: {needs: a, runs-on: ubuntu-latest, steps: [{run: 'echo ${{ needs.a.result }}'}]}\n";
    assert!(printed(text).contains(&"success".to_owned()), "row 32");
}

/// Row 44: an output that holds a secret stays behind.
#[test]
fn secrets_stay_out_of_outputs() {
    let text = "on: push\njobs:\n  a: {runs-on: ubuntu-latest, outputs: {o: '${{ secrets.S }}'}, steps: [{run: 'true'}]}\n  \
                b: {needs: a, runs-on: ubuntu-latest, steps: [{run: 'echo \"[${{ needs.a.outputs.o }}]\"'}]}\n";
    let repo = Repo::new(text, &[]);
    let ran = repo.wfrun(&["w.yml", "--backend", "host", "--secret", "S=hidden-value"]).ends_with(0);
    assert!(ran.stdout.contains("[]") && !ran.stdout.contains("hidden-value"), "row 44: {}", ran.stdout);
}
