//! What a file says, key by key.
use wfrun_syntax::Source;
use wfrun_workflow::{CacheMode, ReadOptions, StepKind, read_action, references};

use crate::read;

#[track_caller]
fn findings(text: &str) -> Vec<String> {
    read(text).diagnostics.iter().map(ToString::to_string).collect()
}

#[test]
fn a_whole_workflow() {
    let read = read(
        "name: W\non:\n  push: {branches: [main, 'v*']}\n  pull_request:\nenv: {A: 1, B: true}\ndefaults: {run: {shell: bash}}\njobs:\n  build:\n    runs-on: [self-hosted, x]\n    needs: []\n    outputs: {o: '${{ steps.s.outputs.x }}'}\n    steps:\n    - {id: s, run: echo, shell: sh}\n    - uses: a/b/c@v1\n      with: {n: 3.10}\n",
    );
    assert!(read.diagnostics.is_empty(), "{:?}", read.diagnostics);
    let workflow = read.value;
    assert_eq!(workflow.display_name(), "W");
    let push = workflow.on.events.values().next().expect("push");
    let patterns: Vec<_> = push.branches.iter().flat_map(|it| &it.list).map(|it| it.value.as_str()).collect();
    assert_eq!(patterns, ["main", "v*"]);
    let job = workflow.job("BUILD").expect("ids ignore case");
    assert_eq!(job.runs_on.len(), 2);
    let ids: Vec<_> = job.steps.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["s", "__a_b"]);
    let StepKind::Uses(uses) = &job.steps[1].kind else { panic!("a `uses` step") };
    // Source: GitHub: planning rules 1.2: 3.10 is a number, and prints as 3.1.
    assert_eq!(uses.with.get("n").and_then(|it| it.template.as_literal()), Some("3.1"));
}

/// Source: GitHub: the service's schema, `workflow-v1.0.json` of actions/runner, where it takes more than the editor's.
#[test]
fn what_the_service_takes_beyond_the_editor() {
    for on in ["workflow_dispatch: {inputs: }", "workflow_dispatch: {inputs: ~}"] {
        let text = format!("on: {{{on}}}\njobs: {{j: {{runs-on: x, steps: [{{run: x}}]}}}}\n");
        assert_eq!(findings(&text), [""; 0], "{text}");
    }
}

/// Source: <https://github.blog/changelog/2026-09-10-control-github-actions-cache-access-with-cache-mode>
#[test]
fn cache_modes() {
    let of = |root: &str, job: &str| {
        read(&format!(
            "on: push\n{root}\njobs:\n  j: {{runs-on: x, {job}, steps: [{{run: x}}]}}\n  c: {{uses: ./.github/workflows/c.yml, {job}}}\n"
        ))
    };
    for (word, mode) in [
        ("read", CacheMode::Read),
        ("write", CacheMode::Write),
        ("write-only", CacheMode::WriteOnly),
        ("none", CacheMode::None),
    ] {
        let found = of(&format!("cache-mode: {word}"), &format!("cache-mode: {word}"));
        assert_eq!(found.diagnostics, [], "{word}");
        assert_eq!(found.value.cache_mode, Some(mode));
        assert!(found.value.jobs.values().all(|it| it.cache_mode == Some(mode)), "{word}");
    }
    for (root, job, expected) in [
        ("cache-mode: all", "name: n", "error[workflow/wrong-value]: Unexpected value 'all' (w.yml:2:13)"),
        ("cache-mode: Read", "name: n", "error[workflow/wrong-value]: Unexpected value 'Read' (w.yml:2:13)"),
        ("cache-mode:", "name: n", "error[workflow/missing-value]: Unexpected value '' (w.yml:2:12)"),
        ("cache-mode: {}", "name: n", "error[workflow/wrong-type]: A mapping was not expected (w.yml:2:13)"),
        ("cache-mode: ${{ 'a' }}", "name: n", "error[workflow/wrong-value]: Unexpected value 'a' (w.yml:2:13)"),
    ] {
        let found: Vec<_> = of(root, job).diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(found, [expected], "{root}");
    }
}

/// One mistake gives one finding, at its place.
#[test]
fn mistakes() {
    let job = |keys: &str| format!("on: push\njobs:\n  j:\n    runs-on: x\n{keys}");
    for (text, expected) in [
        (
            job("    steps: [{run: a, uses: b/c@d}]\n"),
            "error[workflow/unknown-key]: Unexpected value 'uses' (w.yml:5:22)",
        ),
        // Source: GitHub: the place of a sequence is its first dash, also where it stands as deep as its key.
        (job("    services:\n    - a\n"), "error[workflow/wrong-type]: A sequence was not expected (w.yml:6:5)"),
        (
            job("    steps: [{name: a}]\n"),
            "error[workflow/ambiguous]: There's not enough info to determine what you meant. Add one of these properties: cancel, run, shell, uses, wait, wait-all, with, working-directory (w.yml:5:13)",
        ),
        (
            job("    steps: [{uses: checkout}]\n"),
            "error[workflow/invalid-uses]: Expected format {org}/{repo}[/path]@ref. Actual 'checkout' (w.yml:5:20)",
        ),
        (
            job("    steps: [{id: a, run: x}, {id: A, run: y}]\n"),
            "error[workflow/duplicate-id]: The identifier 'A' may not be used more than once within the same scope. (w.yml:5:35)",
        ),
        (
            job("    steps: [{id: 1a, run: x}]\n"),
            "error[workflow/invalid-id]: The identifier '1a' is invalid. IDs may only contain alphanumeric characters, '_', and '-'. IDs must start with a letter or '_' and and must be less than 100 characters. (w.yml:5:18)",
        ),
        (
            job("    timeout-minutes: '5'\n    steps: [{run: x}]\n"),
            "error[workflow/wrong-type]: Unexpected value '5' (w.yml:5:22)",
        ),
        (
            job("    steps: [{run: x, with: {a: b}}]\n"),
            "error[workflow/unknown-key]: Unexpected value 'with' (w.yml:5:22)",
        ),
        (
            job("    steps: []\n    needs: j\n  k: {runs-on: x}\n"),
            "error[workflow/needs-cycle]: Job 'j' depends on job 'j' which creates a cycle in the dependency graph. (w.yml:6:12)",
        ),
        (
            "on: push\njobs: {j: {steps: [{run: x}]}}\n".to_owned(),
            "error[workflow/missing-key]: Required property is missing: runs-on (w.yml:2:11)",
        ),
        (
            "jobs: {j: {runs-on: x, steps: [{run: x}]}}\n".to_owned(),
            "error[workflow/missing-key]: Required property is missing: on (w.yml:1:1)",
        ),
        (
            "on: {push: {branches: a, branches-ignore: b}}\njobs: {j: {runs-on: x, steps: [{run: x}]}}\n".to_owned(),
            "error[workflow/filter-pair]: `branches` and `branches-ignore` cannot both be given for one event (w.yml:1:26)",
        ),
    ] {
        assert_eq!(findings(&text), [expected], "{text}");
    }
}

/// GitHub's runner does not look at keys of `action.yml` that it does not know, at its root; elsewhere it refuses them.
///
/// Source: GitHub: `action-root` and `action-root-strict` of `action-v1.0.json`.
#[test]
fn unknown_keys_of_actions() {
    let runs = "runs: {using: node24, main: m.js}";
    for (text, expected) in [
        (
            format!("name: n\ndescription: d\nicon: x\nenv: {{A: b}}\n{runs}\n"),
            vec![
                "warning[action/unused-key]: Unexpected value 'icon' (action.yml:3:1)",
                "warning[action/unused-key]: Unexpected value 'env' (action.yml:4:1)",
            ],
        ),
        (
            "name: n\ndescription: d\nrun: {using: node24, main: m.js}\n".to_owned(),
            vec![
                "error[workflow/unknown-key]: Unexpected value 'run' (action.yml:3:1)",
                "error[workflow/missing-key]: Required property is missing: runs (action.yml:1:1)",
            ],
        ),
        (
            "name: n\ndescription: d\nruns: {using: node24, main: m.js, icon: x}\n".to_owned(),
            vec!["error[workflow/unknown-key]: Unexpected value 'icon' (action.yml:3:35)"],
        ),
    ] {
        let found = read_action(&Source::new("action.yml", text.as_str()), ReadOptions::default());
        let lines: Vec<_> = found.diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected, "{text}");
        assert_eq!(found.value.is_some(), !found.has_errors(), "{text}");
    }
}

/// Where a misspelt key leaves one out, both are said, and the cause in the help of the second.
///
/// Source: GitHub: `HandleMappingWithWellKnownProperties` of `TemplateReader` of actions/runner.
#[test]
fn a_misspelt_key_is_two_mistakes() {
    let deciding = "cancel, run, shell, uses, wait, wait-all, with, working-directory";
    for (text, expected) in [
        (
            "on: push\njobz: {j: {runs-on: x, steps: [{run: x}]}}\n".to_owned(),
            vec![
                "error[workflow/unknown-key]: Unexpected value 'jobz' (w.yml:2:1); did you mean `jobs`?".to_owned(),
                "error[workflow/missing-key]: Required property is missing: jobs (w.yml:1:1); `jobz` stands in its place: did you mean `jobs`?".to_owned(),
            ],
        ),
        (
            "on: push\njobs:\n  j:\n    runs-on: x\n    steps:\n    - name: a\n      command: b\n".to_owned(),
            vec![
                "error[workflow/unknown-key]: Unexpected value 'command' (w.yml:7:7); GitHub's word is `run`".to_owned(),
                format!("error[workflow/ambiguous]: There's not enough info to determine what you meant. Add one of these properties: {deciding} (w.yml:6:7); `command` stands in its place: GitHub's word is `run`"),
            ],
        ),
        // A key in another case counts as there.
        (
            "on: push\nJobs: {j: {runs-on: x, steps: [{run: x}]}}\n".to_owned(),
            vec!["error[workflow/unknown-key]: Unexpected value 'Jobs' (w.yml:2:1); did you mean `jobs`?".to_owned()],
        ),
    ] {
        let found = read(&text).diagnostics;
        let found: Vec<_> =
            found.iter().map(|it| format!("{it}; {}", it.help.as_deref().unwrap_or_default())).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn references_are_found_with_their_places() {
    let read = read(
        "on: push\nenv: {A: '${{ secrets.ONE }}'}\njobs:\n  j:\n    runs-on: x\n    steps:\n    - run: |\n        echo ${{ SECRETS.two }} ${{ format('{0}', secrets['three']) }}\n",
    );
    let found: Vec<_> = references(&read.value, "secrets")
        .into_iter()
        .map(|it| (it.name, read.value.source.location(it.span.start).line))
        .collect();
    assert_eq!(found, [("ONE".to_owned(), 2), ("two".to_owned(), 8), ("three".to_owned(), 8)]);
}
