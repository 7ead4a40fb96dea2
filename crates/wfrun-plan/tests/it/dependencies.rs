//! What a workflow can need from outside of its repository.
use std::collections::BTreeMap;
use std::sync::Arc;

use wfrun_expr::{Object, Value};
use wfrun_plan::{ActionPlace, Dependencies, Dockerfile, Given, LoadedAction, When, dependencies};
use wfrun_syntax::{Source, parse};
use wfrun_workflow::lower_action;

use crate::outlook::set;

/// Reads `w.yml` and what it calls; actions are texts by what is before their `@`, or by `./folder`, or what Dockerfiles need
/// by `Dockerfile of` such a name.
fn read(files: &[(&str, &str)], actions: &[(&str, &str)], given: &Given) -> Dependencies {
    let texts: BTreeMap<&str, &str> = actions.iter().copied().collect();
    let mut asked: Vec<String> = Vec::new();
    dependencies(&set(files), given, &mut |place| {
        let name = place.to_string();
        assert!(!asked.contains(&name), "{name} is asked for twice");
        asked.push(name.clone());
        let name = if matches!(place, ActionPlace::Own(_)) { name } else { name.split('@').next()?.to_owned() };
        let text = texts.get(name.as_str())?;
        let source = Source::new(name.clone(), *text);
        let manifest = Arc::new(lower_action(&source, parse(&source).value.as_ref()).value?);
        let dockerfile = texts.get(format!("Dockerfile of {name}").as_str()).map(|it| dockerfile(it));
        Some(LoadedAction { manifest, dockerfile })
    })
}

/// `images; open ones; a RUN line`
fn dockerfile(text: &str) -> Dockerfile {
    let mut parts = text.split("; ");
    let mut list = || parts.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Dockerfile { images: list(), open: list(), run: parts.next().map(str::to_owned) }
}

/// `action o/a@v1, image redis`, with `?` behind what may never be needed; `…` is what only the run can tell.
fn list(found: &Dependencies) -> String {
    let needed = found.needed.values().map(|it| {
        let late = if it.when == When::Step { "?" } else { "" };
        format!("{} {}{late}", it.dependency.kind(), it.dependency)
    });
    let open = found.not_known.iter().map(|it| format!("… {} ({})", it.what, it.parts.join(" ")));
    needed.chain(open).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn check(jobs: &str, actions: &[(&str, &str)], expected: &str) {
    let text = format!("on: push\njobs:\n{jobs}");
    assert_eq!(list(&read(&[("w.yml", &text)], actions, &Given::default())), expected, "{jobs}");
}

fn steps(steps: &str) -> String {
    format!("  j: {{runs-on: x, steps: [{steps}]}}\n")
}

const NODE: &str = "name: x\nruns: {using: node20, main: x.js}\n";

/// Source: GitHub: execution rules E7.4 to E7.6.
#[test]
fn what_steps_use() {
    let composite = "name: x\nruns: {using: composite, steps: [{uses: o/node@v1}, {uses: $/sub}, {uses: ./own}, \
                     {uses: 'docker://alpine:3'}, {uses: o/gone@v1}]}\n";
    let actions = [
        ("o/node", NODE),
        ("o/all", composite),
        ("o/all/sub", "name: x\nruns: {using: docker, image: 'docker://redis:7'}\n"),
        ("o/built", "name: x\nruns: {using: docker, image: Dockerfile}\n"),
        ("Dockerfile of o/built", "golang:1 a; $X $Y; RUN apk add x"),
        ("./own", "name: x\nruns: {using: composite, steps: [{uses: o/late@v1}, {uses: ./own/}]}\n"),
        ("./", "name: x\nruns: {using: node24, main: x.js}\n"),
        ("o/late", NODE),
    ];
    for (text, expected) in [
        ("{uses: o/node@v1}, {uses: O/Other@main}", "runner x, action o/node@v1, node node20, action O/Other@main"),
        ("{uses: 'docker://alpine'}, {uses: 'docker://'}", "runner x, image alpine?"),
        (
            "{uses: o/all@v1}",
            "runner x, action o/all@v1, image alpine:3?, action o/node@v1, node node20, action o/all/sub@v1, image redis:7, \
             action ./own?, action o/gone@v1, action o/late@v1?",
        ),
        (
            "{uses: o/built@v1}",
            "runner x, action o/built@v1, image golang:1, image a, … what `RUN` lines of the Dockerfile of action \
             `o/built@v1` fetch (the network), … Dockerfile of action `o/built@v1` ($X), … Dockerfile of \
             action `o/built@v1` ($Y)",
        ),
        (
            "{uses: ./}, {uses: $/own}",
            "runner x, action ./?, node node24?, action ./own?, action o/late@v1?, node node20?",
        ),
        // Somebody needs it sooner, and what it needs.
        ("{uses: ./own}, {uses: o/late@v1}", "runner x, action ./own?, action o/late@v1, node node20"),
        ("{parallel: [{uses: o/node@v1}]}", "runner x, action o/node@v1, node node20"),
    ] {
        check(&steps(text), &actions, expected);
    }
}

#[test]
fn actions_without_end() {
    let endless = "name: x\nruns: {using: composite, steps: [{uses: o/endless@v1}]}\n";
    let text = format!("on: push\njobs:\n{}", steps("{uses: o/endless@v1}, {uses: ./own}"));
    let own = "name: x\nruns: {using: composite, steps: [{uses: ./own}]}\n";
    let actions = [("o/endless", endless), ("./own", own)];
    let found = read(&[("w.yml", &text)], &actions, &Given::default());
    assert_eq!(list(&found), "runner x, action o/endless@v1, action ./own?");
    let names: Vec<_> = found.too_deep.iter().map(|(it, _)| it.to_string()).collect();
    assert_eq!(names, ["o/endless@v1"]);
}

/// Source: GitHub: execution rules E8.1; planning rules 4.5.
#[test]
fn images_of_jobs() {
    for (job, expected) in [
        ("container: 'docker://a:1', services: {d: {image: b}}", "image a:1, image b"),
        ("container: \"${{ '' }}\", services: {d: {image: \"${{ matrix.none }}\"}}", "runner x"),
        ("container: '${{ matrix.i }}', strategy: {matrix: {i: ['', a]}}", "runner x, image a"),
        ("container: '${{ matrix.i }}', strategy: {matrix: {i: [a, b, a]}}", "image a, image b"),
        (
            "services: {d: {image: 'postgres:${{ matrix.v }}'}}, strategy: {matrix: {v: [15], include: [{v: 16}]}}",
            "runner x, image postgres:15, image postgres:16",
        ),
        ("container: \"${{ fromJSON('{\\\"image\\\":\\\"a\\\"}') }}\"", "image a"),
        ("services: \"${{ fromJSON('{\\\"d\\\":{\\\"image\\\":\\\"a\\\"}}') }}\"", "runner x, image a"),
        ("container: '${{ vars.I }}'", "… container of job `j` (vars.I)"),
        ("container: '${{ needs.a.outputs.i }}'", "… container of job `j` (needs.a.outputs.i)"),
        (
            "container: 'a:${{ matrix.i }}', strategy: {matrix: \"${{ fromJSON(vars.M) }}\"}",
            "… container of job `j` (matrix.i)",
        ),
        (
            "container: \"${{ github.event_name == 'push' && 'a' || 'b' }}\"",
            "… container of job `j` (github.event_name)",
        ),
    ] {
        let text = format!("  j: {{runs-on: x, steps: [{{run: x}}], {job}}}\n");
        check(&text, &[], expected);
    }
    check(
        "  j: {runs-on: [self-hosted, '${{ matrix.o }}'], strategy: {matrix: {o: [x, y]}}, steps: [{run: x}]}\n",
        &[],
        "runner self-hosted, runner x, runner y",
    );
}

/// Source: GitHub: planning rules 2.7: what a called workflow is given.
#[test]
fn called_workflows() {
    let root = "on: push\njobs:\n  a:\n    strategy: {matrix: {v: [1, 2]}}\n    uses: ./.github/workflows/c.yml\n    \
                with: {image: 'redis:${{ matrix.v }}', other: '${{ vars.X }}'}\n  b: {uses: o/r/.github/workflows/c.yml@v1}\n";
    let callee = "on: {workflow_call: {inputs: {image: {type: string, default: alpine}, other: {type: string}}}}\njobs:\n  i:\n    \
                  runs-on: x\n    container: '${{ inputs.image }}'\n    services: {s: {image: '${{ inputs.other }}'}}\n    \
                  steps: [{uses: ./own}]\n";
    let files = [("w.yml", root), (".github/workflows/c.yml", callee)];
    assert_eq!(
        list(&read(&files, &[], &Given::default())),
        "workflow .github/workflows/c.yml, image redis:1, action ./own?, image redis:2, workflow \
         o/r/.github/workflows/c.yml@v1, image alpine, … service `s` of job `i` (inputs.other)"
    );
    let vars = [("X".to_owned(), Value::from("memcached"))].into_iter().collect::<Object>();
    let given = Given { vars: Some(vars), ..Given::default() };
    assert!(
        list(&read(&files, &[], &given)).contains("image memcached") && !list(&read(&files, &[], &given)).contains('…')
    );
}

/// Source: GitHub: execution rules E9.10.
#[test]
fn tools_of_set_up_actions() {
    let set_up = "name: x\nruns: {using: composite, steps: [{uses: actions/setup-node@v4, with: {node-version: 20}}, \
                  {uses: actions/setup-go@v5, with: {go-version: '${{ inputs.go }}'}}]}\n";
    let actions = [("o/set-up", set_up)];
    for (text, expected) in [
        (
            "{uses: actions/setup-python@v5, with: {python-version: '3.12'}}",
            "runner x, tool Python 3.12?, action actions/setup-python@v5",
        ),
        (
            "{uses: actions/setup-python@v5, with: {Python-Version: \"3.11\\n3.12\\n\"}}, {uses: actions/setup-python@v5}",
            "runner x, tool Python 3.11?, tool Python 3.12?, action actions/setup-python@v5",
        ),
        (
            "{uses: actions/setup-node@v4, with: {node-version: '${{ env.N }}'}, env: {N: lts/*}}",
            "runner x, tool node lts/*?, action actions/setup-node@v4",
        ),
        (
            "{uses: actions/setup-go@v5, with: {go-version: '${{ env.G }}'}}",
            "runner x, action actions/setup-go@v5, … `go-version` of step of job `j` (env.G)",
        ),
        (
            "{uses: actions/setup-node@v4, with: {node-version-file: .nvmrc}}",
            "runner x, action actions/setup-node@v4, … `node-version-file` of step of job `j` (.nvmrc)",
        ),
        (
            "{uses: actions/setup-go@v5, with: {go-version-file: go.mod, go-version: 1.22.1}}",
            "runner x, tool go 1.22.1?, action actions/setup-go@v5",
        ),
        (
            "{uses: o/set-up@v1}",
            "runner x, action o/set-up@v1, tool node 20?, action actions/setup-node@v4, action actions/setup-go@v5, \
             … `go-version` of action `o/set-up@v1` (inputs.go)",
        ),
    ] {
        check(&steps(text), &actions, expected);
    }
}

#[test]
fn what_can_move() {
    let commit = "1".repeat(40);
    let text = format!(
        "on: push\njobs:\n  j: {{runs-on: x, container: 'a@sha256:{}', services: {{s: {{image: 'b:1'}}}}, \
         steps: [{{uses: o/a@v1}}, {{uses: o/a@{commit}}}]}}\n",
        "2".repeat(64)
    );
    let found = read(&[("w.yml", &text)], &[], &Given::default());
    let moving: Vec<_> = found.needed.keys().filter(|it| it.can_move()).map(ToString::to_string).collect();
    assert_eq!(moving, ["b:1", "o/a@v1"]);
    let repositories: Vec<_> = found
        .needed
        .keys()
        .filter_map(|it| it.repository().map(|(name, git_ref)| format!("{name}@{git_ref}")))
        .collect();
    assert_eq!(repositories, ["o/a@v1".to_owned(), format!("o/a@{commit}")]);
}
