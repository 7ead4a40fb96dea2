//! Drawings of what would happen.
use std::collections::BTreeMap;

use indexmap::IndexMap;
use insta::assert_snapshot;
use serde_json::json;
use wfrun_expr::{Object, Value};
use wfrun_plan::{ChangedPaths, Event, JobKey, Leg, Outlook, Prospect, Reason, RunIdentity, World, outlook};
use wfrun_report::{Style, graph_dot, graph_mermaid, graph_svg, graph_text};
use wfrun_syntax::Source;
use wfrun_workflow::{FileRef, JobId, Loaded, SetOptions, read_set};

const UNICODE: Style = Style { color: false, width: 100, unicode: true };

/// Too narrow for a box with a long name.
const LANES_ONLY: usize = 20;

/// A diamond with a job that depends on another's output, a call, a skipped job and one that runs all the same.
const RELEASE: &str = "\
name: Release \"big\" <one> & ]]>
on: [push, pull_request]
jobs:
  lint: {runs-on: x, steps: [{run: x}]}
  test: {runs-on: x, steps: [{run: x}]}
  end: {needs: [lint, test], runs-on: x, steps: [{run: x}]}
  docs: {needs: lint, runs-on: x, steps: [{run: x}]}
  e2e: {needs: end, if: needs.end.outputs.go == '1', runs-on: x, steps: [{run: x}]}
  publish:
    needs: [end, e2e]
    uses: ./.github/workflows/called.yml
    with: {env: prod, flag: true}
  announce: {needs: [publish, docs, lint], if: github.ref == 'refs/heads/main', runs-on: x, steps: [{run: x}]}
  tidy: {needs: announce, if: always(), runs-on: x, steps: [{run: x}]}
";

const CALLED: &str = "\
on: {workflow_call: {inputs: {env: {type: string}, flag: {type: boolean}}}}
jobs:
  image: {if: inputs.env == 'prod', runs-on: x, steps: [{run: x}]}
  sign: {if: '!inputs.flag', runs-on: x, steps: [{run: x}]}
  push: {needs: [image, sign], if: always(), runs-on: x, steps: [{run: x}]}
";

fn world() -> World {
    let event = Event {
        name: "push".to_owned(),
        activity: None,
        git_ref: "refs/heads/dev".to_owned(),
        sha: "1f3c5d7e9b0a2c4e6f8091a2b3c4d5e6f7089abc".to_owned(),
        base_ref: None,
        head_ref: None,
        head_message: None,
        changed: ChangedPaths::Known(Vec::new()),
        repository: "octo/news-api".to_owned(),
        actor: "octocat".to_owned(),
        default_branch: "main".to_owned(),
        payload: json!({}),
    };
    let identity = RunIdentity {
        run_id: "1".to_owned(),
        run_number: 1,
        run_attempt: 1,
        token: String::new(),
        workflow_sha: event.sha.clone(),
        api: wfrun_plan::ApiUrls::default(),
    };
    let inputs = Value::Object(Object::default());
    World {
        event,
        identity,
        inputs,
        vars: Object::default(),
        results: IndexMap::new(),
        skips: Vec::new(),
        outputs: IndexMap::new(),
        steps: Vec::new(),
    }
}

/// Looks at `w.yml`, which may call `called.yml`.
pub(crate) fn look(workflow: &str, called: &str) -> Outlook {
    let files = BTreeMap::from([("w.yml", workflow), (".github/workflows/called.yml", called)]);
    let source = |path: &str| files.get(path).map(|text| Source::new(path, *text));
    let mut load = |file: &FileRef| source(&file.path).map_or(Loaded::Missing, Loaded::Source);
    let read = read_set(&source("w.yml").expect("a root"), SetOptions::default(), &mut load);
    assert!(!read.has_errors(), "{:?}", read.diagnostics);
    outlook(&read.value, &world()).expect("an outlook")
}

/// Gives a job as many legs.
fn with_legs(outlook: &mut Outlook, job: &str, legs: usize) {
    let job = outlook.jobs.iter_mut().find(|it| it.key.as_str() == job).expect("the job");
    let leg = |number: usize| {
        let key = JobKey::new(format!("{} ({number})", job.key));
        Leg { runs_on: vec!["x".to_owned()], ..Leg::new(key.clone(), key.to_string()) }
    };
    job.legs = (1..=legs).map(leg).collect();
}

fn release() -> Outlook {
    let mut outlook = look(RELEASE, CALLED);
    with_legs(&mut outlook, "test", 6);
    outlook
}

/// Two legs call the same; in the second, nothing signs.
fn called_by_legs(alike: bool) -> Outlook {
    let text =
        "on: push\njobs:\n  call:\n    uses: ./.github/workflows/called.yml\n    with: {env: prod, flag: false}\n";
    let mut outlook = look(text, CALLED);
    with_legs(&mut outlook, "call", 2);
    let mut jobs = Vec::new();
    for leg in ["call (1)", "call (2)"] {
        for job in outlook.jobs.iter().filter(|it| it.caller.is_some()) {
            let within = |key: &JobKey| JobKey::new(key.as_str().replacen("call", leg, 1));
            let mut job = job.clone();
            job.caller = Some(JobKey::new(leg));
            job.key = within(&job.key);
            job.needs = job.needs.iter().map(within).collect();
            if !alike && leg == "call (2)" && job.id.as_str() == "sign" {
                (job.verdict, job.reason) = (Prospect::Skipped, None);
            }
            jobs.push(job);
        }
    }
    outlook.jobs.retain(|it| it.caller.is_none());
    outlook.jobs.extend(jobs);
    outlook
}

#[test]
fn text() {
    let wide = Style { width: 160, ..UNICODE };
    assert_snapshot!("graph-text-wide", graph_text(&release(), &wide));
    assert_snapshot!("graph-text-wide-ascii", graph_text(&release(), &Style::plain(160)));
    assert_snapshot!("graph-text", graph_text(&release(), &UNICODE));
    assert_snapshot!("graph-text-ascii", graph_text(&release(), &Style::plain(100)));
    let narrow = graph_text(&release(), &Style { width: 30, ..UNICODE });
    assert_snapshot!("graph-text-narrow", narrow);
    assert!(narrow.lines().all(|it| console::measure_text_width(it) <= 30), "{narrow}");
    for style in [UNICODE, wide] {
        let colored = graph_text(&release(), &Style { color: true, ..style });
        assert!(colored.contains('\u{1b}'));
        assert_eq!(console::strip_ansi_codes(&colored), graph_text(&release(), &style));
    }
}

#[test]
fn mermaid_and_dot() {
    assert_snapshot!("graph-mermaid", graph_mermaid(&release()));
    assert_snapshot!("graph-dot", graph_dot(&release()));
}

#[test]
fn svg() {
    let svg = graph_svg(&release());
    assert_snapshot!("graph-svg", svg);
    assert!(svg.contains("prefers-color-scheme:dark"));
    for outside in ["<script", "@import", "href", "url(http", "src="] {
        assert!(!svg.contains(outside), "{outside}");
    }
    assert!(svg.contains("Release &quot;big&quot; &lt;one&gt; &amp; ]]&gt;"));
}

#[test]
fn legs_that_call_the_same_are_drawn_once() {
    let alike = called_by_legs(true);
    assert_snapshot!("graph-call-alike", graph_text(&alike, &UNICODE));
    assert_eq!(graph_mermaid(&alike).matches("image").count(), 1);
    assert_eq!(graph_dot(&alike).matches("image").count(), 1);
    let unlike = called_by_legs(false);
    assert_snapshot!("graph-call-unlike", graph_text(&unlike, &UNICODE));
    assert_snapshot!("graph-call-unlike-mermaid", graph_mermaid(&unlike));
    assert_eq!(graph_dot(&unlike).matches("image").count(), 2);
    assert_eq!(graph_svg(&unlike).matches(">image</text>").count(), 2);
}

#[test]
fn what_only_the_run_can_tell_is_marked() {
    let mut outlook = look("on: push\njobs:\n  a: {runs-on: x, steps: [{run: x}]}\n", CALLED);
    outlook.jobs[0].deferred = vec!["fromJSON(needs.b.outputs.c)".to_owned()];
    let drawn = graph_text(&outlook, &UNICODE);
    assert!(drawn.contains("● a ×?") && drawn.contains("legs depend on"), "{drawn}");
    assert!(graph_svg(&outlook).contains("a ×?"));
}

/// In lanes, jobs right below each other are strangers; a lane between them says that one waits. Boxes are drawn where
/// there is room for them and no line can be misread.
#[test]
fn shapes() {
    let job = |id: &str, needs: &str| format!("  {id}: {{needs: [{needs}], runs-on: x, steps: [{{run: x}}]}}\n");
    let cases = [
        ("strangers", vec![("a", ""), ("b", "")]),
        ("chain", vec![("a", ""), ("b", "a"), ("c", "b")]),
        ("fan-out", vec![("a", ""), ("b", "a"), ("c", "a"), ("d", "a")]),
        ("fan-in", vec![("a", ""), ("b", ""), ("c", ""), ("d", "a, c"), ("e", "b, d")]),
        ("said twice", vec![("a", ""), ("b", "a"), ("c", "a, b")]),
        ("two by two", vec![("a", ""), ("b", ""), ("c", "a, b"), ("d", "a, b")]),
        ("crossing", vec![("a", ""), ("b", ""), ("c", "b"), ("d", "a"), ("e", "a, c")]),
        ("one and both", vec![("a", ""), ("b", ""), ("c", "a"), ("d", "a, b")]),
        ("both and one", vec![("a", ""), ("b", ""), ("c", "a, b"), ("d", "a"), ("e", "b")]),
        ("swapped", vec![("a", ""), ("b", ""), ("c", "b"), ("d", "a")]),
        ("over a stage", vec![("a", ""), ("b", "a"), ("c", "b"), ("d", ""), ("e", "c, d"), ("f", "d")]),
        // From `b`, shared lines lead two ways: what `a` gives would seem to go both.
        ("not clear in boxes", vec![("a", ""), ("b", ""), ("c", ""), ("d", "a, b"), ("e", "b, c")]),
    ];
    let (mut lanes, mut boxes) = (String::new(), String::new());
    for (name, jobs) in cases {
        let jobs: String = jobs.iter().map(|(id, needs)| job(id, needs)).collect();
        let outlook = look(&format!("name: {name}\non: push\njobs:\n{jobs}"), CALLED);
        let mut long = outlook.clone();
        for job in &mut long.jobs {
            job.id = JobId::new(format!("{}-has-a-long-name", job.id));
        }
        lanes += &(graph_text(&long, &Style { width: LANES_ONLY, ..UNICODE }) + "\n");
        boxes += &(graph_text(&outlook, &UNICODE) + "\n");
    }
    assert_snapshot!("graph-lanes", lanes);
    assert_snapshot!("graph-boxes", boxes);
}

#[test]
fn a_list_where_lanes_leave_no_room() {
    let job = |number: usize| {
        let needs = if number < 8 { String::new() } else { format!("job-{}, job-{}", number - 8, number - 7) };
        format!("  job-{number}: {{needs: [{needs}], runs-on: x, steps: [{{run: x}}]}}\n")
    };
    let jobs: String = (0..12).map(job).collect();
    let outlook = look(&format!("on: push\njobs:\n{jobs}"), CALLED);
    assert_snapshot!("graph-list", graph_text(&outlook, &Style { width: 16, ..UNICODE }));
}

#[test]
fn values_cannot_speak_to_the_terminal() {
    let mut outlook = release();
    for job in &mut outlook.jobs {
        job.id = JobId::new(format!("{}\u{1b}[2J\u{7}", job.id));
        if let Some(Reason::Condition { because, .. }) = &mut job.reason {
            because
                .iter_mut()
                .flat_map(|it| &mut it.operands)
                .for_each(|it| it.value = json!("x\u{1b}]0;y\u{7}\n<&\""));
        }
    }
    for drawn in [graph_text(&outlook, &UNICODE), graph_svg(&outlook), graph_dot(&outlook), graph_mermaid(&outlook)] {
        assert!(!drawn.contains(|it: char| it.is_control() && it != '\n'), "{drawn:?}");
        assert!(drawn.contains("skipped: github.ref is"), "{drawn}");
    }
    assert!(graph_svg(&outlook).contains("]0;y &lt;&amp;&quot;"));
}

/// Sixty rows of boxes are too many to see.
#[test]
fn many_jobs_are_no_boxes() {
    for (jobs, boxes) in [(20, true), (21, false)] {
        let job = |number: usize| format!("  job-{number}: {{runs-on: x, steps: [{{run: x}}]}}\n");
        let jobs: String = (0..jobs).map(job).collect();
        let drawn = graph_text(&look(&format!("on: push\njobs:\n{jobs}"), CALLED), &UNICODE);
        assert_eq!(drawn.contains('╭'), boxes, "{drawn}");
    }
}

#[test]
fn nothing_to_draw() {
    let empty = Outlook { jobs: Vec::new(), uncalled: Vec::new(), concurrency: None };
    assert_eq!(graph_text(&empty, &UNICODE), "\n\n\n0 jobs: 0 run\n");
    assert!(graph_svg(&empty).ends_with("</svg>\n"));
    assert!(graph_dot(&empty).ends_with("}\n"));
    assert!(graph_mermaid(&empty).contains("flowchart LR\n"));
}
