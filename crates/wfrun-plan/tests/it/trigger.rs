//! The gates of an event: which there are, in which order, and what each says. GitHub's own tables are in `tables/`.
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use wfrun_plan::{ChangedPaths, Event, Gate, gates, trigger};
use wfrun_workflow::{EventSpec, Workflow};

use crate::{event, workflow};

fn listening(on: &str) -> std::sync::Arc<Workflow> {
    workflow(&format!("on: {on}\njobs: {{j: {{runs-on: x, steps: [{{run: x}}]}}}}\n"))
}

/// The gates in order, `!` before the kind of those that do not pass.
fn told(on: &str, event: &Event) -> String {
    let workflow = listening(on);
    let gates = gates(&workflow, event);
    let all_pass = gates.iter().all(|it| it.passed);
    assert_eq!(trigger(&workflow, event).is_ok(), all_pass, "{on}");
    gates.iter().map(|it| format!("{}{}", if it.passed { "" } else { "!" }, kind(it))).collect::<Vec<_>>().join(" ")
}

fn kind(gate: &Gate) -> String {
    serde_json::to_value(gate).expect("JSON")["kind"].as_str().expect("a kind").to_owned()
}

fn changing(files: &[&str], event: Event) -> Event {
    Event { changed: ChangedPaths::Known(files.iter().map(|it| (*it).to_owned()).collect()), ..event }
}

fn push(git_ref: &str, files: &[&str]) -> Event {
    changing(files, event("push", git_ref))
}

fn of_type(name: &str, activity: &str) -> Event {
    Event { activity: Some(activity.to_owned()), ..event(name, "refs/heads/main") }
}

fn about(name: &str, payload: Json) -> Event {
    Event { payload, ..event(name, "refs/heads/main") }
}

/// Every kind of filter against a branch and a tag.
#[test]
fn branches_tags_and_paths() {
    let (main, dev, tag, old) = ("refs/heads/main", "refs/heads/dev", "refs/tags/v1", "refs/tags/old");
    for (filters, git_ref, files, expected) in [
        ("", main, &["a"][..], "event"),
        ("", tag, &["a"], "event"),
        ("branches: [main]", main, &["a"], "event ref"),
        ("branches: [main]", dev, &["a"], "event !ref"),
        ("branches: [main]", tag, &["a"], "event !ref"),
        ("branches-ignore: [dev]", main, &["a"], "event ref"),
        ("branches-ignore: [dev]", dev, &["a"], "event !ref"),
        ("branches-ignore: [dev]", tag, &["a"], "event !ref"),
        ("tags: ['v*']", main, &["a"], "event !ref"),
        ("tags: ['v*']", tag, &["a"], "event ref"),
        ("tags: ['v*']", old, &["a"], "event !ref"),
        ("tags-ignore: [old]", main, &["a"], "event !ref"),
        ("tags-ignore: [old]", tag, &["a"], "event ref"),
        ("tags-ignore: [old]", old, &["a"], "event !ref"),
        ("branches: [main], tags: ['v*']", main, &["a"], "event ref"),
        ("branches: [main], tags: ['v*']", dev, &["a"], "event !ref"),
        ("branches: [main], tags: ['v*']", tag, &["a"], "event ref"),
        ("branches: [main], tags: ['v*']", old, &["a"], "event !ref"),
        ("branches: [main], tags-ignore: [old]", old, &["a"], "event !ref"),
        ("paths: ['src/**']", main, &["src/a"], "event paths"),
        ("paths: ['src/**']", main, &["docs/a"], "event !paths"),
        ("paths: ['src/**']", tag, &["docs/a"], "event paths"),
        ("paths-ignore: ['docs/**']", tag, &["docs/a"], "event paths"),
        ("branches: [main], paths: ['src/**']", main, &["src/a"], "event ref paths"),
        ("branches: [main], paths: ['src/**']", main, &["docs/a"], "event ref !paths"),
        ("branches: [main], paths: ['src/**']", dev, &["src/a"], "event !ref paths"),
        ("branches: [main], paths: ['src/**']", tag, &["src/a"], "event !ref paths"),
        ("tags: ['v*'], paths: ['src/**']", main, &["src/a"], "event !ref paths"),
        ("tags: ['v*'], paths: ['src/**']", tag, &["docs/a"], "event ref paths"),
        ("tags: ['v*'], paths: ['src/**']", old, &["src/a"], "event !ref paths"),
    ] {
        assert_eq!(told(&format!("{{push: {{{filters}}}}}"), &push(git_ref, files)), expected, "{filters} {git_ref}");
    }
    assert_eq!(told("{push: }", &push(tag, &[])), "event");
}

/// Which gates there are, and what GitHub does not look at.
///
/// Source: GitHub: planning rules 2.4.
#[test]
fn order_and_mixed_commits() {
    let many: Vec<String> = (0..300).map(|it| format!("docs/{it}")).chain(["src/a".to_owned()]).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (releases, readme) =
        ("branches: ['releases/**', '!releases/**-alpha']", "paths: ['*.md', '!README.md', 'README*']");
    for (filters, name, files, expected) in [
        (releases, "releases/10", &["a"][..], "event ref"),
        (releases, "releases/beta/3-alpha", &["a"], "event !ref"),
        ("branches: ['!x', '**']", "x", &["a"], "event ref"),
        ("branches: ['!x']", "y", &["a"], "event !ref"),
        ("branches: Main", "main", &["a"], "event !ref"),
        ("branches: []", "main", &["a"], "event !ref"),
        (readme, "x", &["README.md"], "event paths"),
        (readme, "x", &["hello.md"], "event paths"),
        (readme, "x", &["README.doc"], "event paths"),
        ("paths: ['sub/**', '!sub/docs/**']", "x", &["sub/docs/a.md"], "event !paths"),
        ("paths: ['sub/**', '!sub/docs/**']", "x", &["sub/docs/a.md", "sub/a.c"], "event paths"),
        ("paths-ignore: ['docs/**']", "x", &["docs/a", "src/b"], "event paths"),
        ("paths-ignore: ['docs/**']", "x", &["docs/a"], "event !paths"),
        ("paths-ignore: ['docs/**', '!docs/b']", "x", &["docs/b"], "event paths"),
        // An empty commit passes neither.
        ("paths: ['**']", "x", &[], "event !paths"),
        ("paths-ignore: ['docs/**']", "x", &[], "event !paths"),
        // GitHub looks at the first 300 files only.
        ("paths: ['src/**']", "x", &many, "event !paths"),
        ("paths: ['docs/299']", "x", &many, "event paths"),
    ] {
        let event = push(&format!("refs/heads/{name}"), files);
        assert_eq!(told(&format!("{{push: {{{filters}}}}}"), &event), expected, "{filters} {name} {files:?}");
    }
    let unknown =
        Event { changed: ChangedPaths::Unknown { why: "1200 commits".to_owned() }, ..push("refs/heads/x", &[]) };
    assert_eq!(told("{push: {paths: [a]}}", &unknown), "event paths");
}

/// Source: GitHub: planning rules 2.4: which ref is tested.
#[test]
fn which_branch_is_tested() {
    let pull = |name: &str, base: &str| Event {
        base_ref: Some(base.to_owned()),
        head_ref: Some("feature".to_owned()),
        ..event(name, "refs/pull/1/merge")
    };
    let group = |base: &str| about("merge_group", json!({"merge_group": {"base_ref": format!("refs/heads/{base}")}}));
    let run = |branch: &str, name: &str| {
        about("workflow_run", json!({"workflow_run": {"head_branch": branch, "name": name}}))
    };
    for (on, event, expected) in [
        ("{pull_request: {branches: [main]}}", pull("pull_request", "main"), "event type ref"),
        ("{pull_request: {branches: [feature]}}", pull("pull_request", "main"), "event type !ref"),
        ("{pull_request: {branches-ignore: ['dev/*']}}", pull("pull_request", "dev/x"), "event type !ref"),
        ("{pull_request_target: {branches: [dev]}}", pull("pull_request_target", "dev"), "event type ref"),
        ("{pull_request_target: {branches: [dev]}}", pull("pull_request_target", "main"), "event type !ref"),
        ("{merge_group: {branches: [main]}}", group("main"), "event type ref"),
        ("{merge_group: {branches: [main]}}", group("dev"), "event type !ref"),
        ("{workflow_run: {workflows: [Build], branches: [dev]}}", run("dev", "Build"), "event type name ref"),
        ("{workflow_run: {workflows: [Build], branches: [dev]}}", run("main", "Build"), "event type name !ref"),
        ("{workflow_run: {workflows: [Test, Build]}}", run("main", "Build"), "event type name"),
        ("{workflow_run: {workflows: [Test]}}", run("main", "test"), "event type !name"),
        ("{workflow_run: {workflows: [Test]}}", about("workflow_run", Json::Null), "event type name"),
        (
            "{image_version: {names: ['web-*'], versions: ['1.*']}}",
            about("image_version", json!({"image_version": {"image_name": "web-a", "version": "2.0"}})),
            "event type name !name",
        ),
    ] {
        assert_eq!(told(on, &event), expected, "{on}");
    }
}

/// Source: GitHub: planning rules 2.2: the default is every type, but for pull requests.
#[test]
fn types() {
    for name in EventSpec::names() {
        let spec = EventSpec::find(name).expect("an event");
        if matches!(name, "schedule") {
            continue;
        }
        for activity in spec.types {
            let expected = if spec.default_types.contains(activity) { "event type" } else { "event !type" };
            assert_eq!(told(name, &of_type(name, activity)), expected, "{name} {activity}");
            let own = format!("{{{name}: {{types: {activity}}}}}");
            assert_eq!(told(&own, &of_type(name, activity)), "event type", "{own}");
            for other in spec.types.iter().filter(|it| it != &activity).take(2) {
                assert_eq!(told(&own, &of_type(name, other)), "event !type", "{own} {other}");
            }
        }
        if spec.types.is_empty() {
            assert_eq!(told(name, &event(name, "refs/heads/main")), "event", "{name}");
        }
        assert_eq!(told("workflow_call", &event("push", "refs/heads/main")), "!event");
    }
    let wanted = ["opened", "synchronize", "reopened"];
    let pull = EventSpec::find("pull_request").expect("an event");
    assert_eq!((pull.default_types, pull.types.len()), (&wanted[..], 22));
    assert_eq!(told("{repository_dispatch: {types: [go]}}", &of_type("repository_dispatch", "go")), "event type");
    assert_eq!(told("{repository_dispatch: {types: [go]}}", &of_type("repository_dispatch", "stop")), "event !type");
    assert_eq!(told("repository_dispatch", &of_type("repository_dispatch", "stop")), "event");
}

#[test]
fn states_that_start_nothing() {
    let draft = |activity: &str, draft: bool| Event {
        payload: json!({"release": {"draft": draft}}),
        ..of_type("release", activity)
    };
    assert_eq!(told("release", &draft("created", true)), "event type !state");
    assert_eq!(told("release", &draft("created", false)), "event type state");
    assert_eq!(told("release", &draft("published", true)), "event type");
    let pull = |mergeable: Json| Event {
        payload: json!({"pull_request": {"mergeable": mergeable}}),
        ..of_type("pull_request", "opened")
    };
    assert_eq!(told("pull_request", &pull(json!(false))), "event type !state");
    assert_eq!(told("pull_request", &pull(json!(true))), "event type state");
    assert_eq!(told("pull_request", &pull(Json::Null)), "event type");
    let status = |state: &str| about("deployment_status", json!({"deployment_status": {"state": state}}));
    assert_eq!(told("deployment_status", &status("inactive")), "event !state");
    assert_eq!(told("deployment_status", &status("success")), "event state");
}

/// Source: GitHub: planning rules 2.5.
#[test]
fn skip_markers() {
    let marked = |event: Event| Event { head_message: Some("x [skip ci]".to_owned()), ..event };
    for (name, expected) in [
        ("push", "event !skip-marker"),
        ("pull_request", "event type !skip-marker"),
        ("pull_request_target", "event type"),
        ("workflow_dispatch", "event"),
    ] {
        assert_eq!(told(name, &marked(event(name, "refs/heads/main"))), expected, "{name}");
    }
    let plain = Event { head_message: Some("x".to_owned()), ..event("push", "refs/heads/main") };
    assert_eq!(told("push", &plain), "event skip-marker");
    let cron = "{schedule: [{cron: '0 0 * * *'}]}";
    assert_eq!(told(cron, &marked(event("schedule", "refs/heads/main"))), "event");
}

/// What decided is data, with its place, at gates that pass, too.
#[test]
fn gates_as_data() {
    let workflow = workflow(
        "on:\n  push:\n    branches: ['**', '!dev/**', dev/ok]\n    paths: [src/**, '!src/x']\njobs: {j: {runs-on: x, steps: [{run: x}]}}\n",
    );
    let event = push("refs/heads/dev/ok", &["docs/a", "src/x", "src/y"]);
    let shown: Vec<_> = gates(&workflow, &event)
        .iter()
        .map(|it| {
            let data = serde_json::to_value(it).expect("JSON");
            let underlined = it.span.map(|it| workflow.source.slice(it).to_owned());
            let steps = data["filtered"]["patterns"].as_array().cloned().unwrap_or_default();
            let steps: Vec<_> = steps.iter().map(|it| it["matched"].clone()).collect();
            json!([
                data["kind"],
                data["passed"],
                underlined,
                data["filtered"]["name"],
                data["filtered"]["verdict"]["pattern"],
                steps
            ])
        })
        .collect();
    assert_eq!(
        Json::from(shown),
        json!([
            ["event", true, "push", null, null, []],
            ["ref", true, "dev/ok", "dev/ok", "dev/ok", [true, false, true]],
            ["paths", true, "src/**", "src/y", "src/**", [true, true]],
        ])
    );
}

fn names() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["main", "dev", "a/b", "v1", "src/a", "docs/a", "x.md"]).prop_map(str::to_owned)
}

fn lists(key: &'static str) -> impl Strategy<Value = Option<String>> {
    let pattern = prop::sample::select(vec!["main", "**", "!dev", "a/*", "v[0-9]", "!**", "src/**", "*.md"]);
    let list =
        prop::collection::vec(pattern, 0..3).prop_map(|it| it.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>());
    let ignore = prop::sample::select(vec!["", "-ignore"]);
    prop::option::of((list, ignore))
        .prop_map(move |it| it.map(|(list, ignore)| format!("{key}{ignore}: [{}]", list.join(", "))))
}

proptest! {
    /// `trigger` says yes exactly if all gates pass, else what the first that does not says; every span is in the file.
    #[test]
    fn trigger_is_all_gates(
        (branches, tags, paths) in (lists("branches"), lists("tags"), lists("paths")),
        (name, tag, files) in (names(), any::<bool>(), prop::collection::vec(names(), 0..4)),
        marked in any::<bool>(),
    ) {
        let filters: Vec<_> = [branches, tags, paths].into_iter().flatten().collect();
        let workflow = listening(&format!("{{push: {{{}}}}}", filters.join(", ")));
        let git_ref = format!("refs/{}/{name}", if tag { "tags" } else { "heads" });
        let head_message = Some(if marked { "[skip ci]" } else { "x" }.to_owned());
        let event = Event { changed: ChangedPaths::Known(files), head_message, ..event("push", &git_ref) };
        let gates = gates(&workflow, &event);
        for span in gates.iter().filter_map(|it| it.span) {
            prop_assert!(span.end as usize <= workflow.source.text().len() && span.start < span.end);
        }
        prop_assert!(gates.iter().all(|it| it.passed == it.clone().refusal().is_none()));
        let first = gates.into_iter().find(|it| !it.passed).and_then(Gate::refusal);
        prop_assert_eq!(trigger(&workflow, &event).err(), first);
    }
}
