//! Which jobs may ask for ID tokens, and what these say.
use insta::assert_snapshot;

use crate::driver::World;

/// The subjects of the jobs that were opened, in order.
fn subjects(world: World) -> Vec<Option<String>> {
    world.run().id_tokens.into_iter().map(|it| it?.get("sub").cloned()).collect()
}

fn has_token(permissions: &str, of_job: &str) -> bool {
    let job = format!("{{runs-on: linux, {of_job} steps: [{{run: a}}]}}");
    let found = subjects(World::new(&format!("on: push\n{permissions}\njobs: {{j: {job}}}\n")));
    assert_eq!(found.len(), 1);
    found[0].is_some()
}

/// Source: GitHub: execution rules E9.8, planning rules 1.7: the default of a repository never has `id-token`.
#[test]
fn it_takes_the_permission() {
    let rows = [
        ("", "", false),
        ("permissions: {id-token: write}", "", true),
        ("permissions: {id-token: none}", "", false),
        ("permissions: write-all", "", true),
        ("permissions: read-all", "", false),
        ("permissions: {}", "", false),
        ("permissions: {contents: write}", "", false),
        // A job's own replace the workflow's as a whole.
        ("permissions: {id-token: write}", "permissions: {contents: read},", false),
        ("permissions: {contents: read}", "permissions: {id-token: write},", true),
    ];
    for (workflow, job, expected) in rows {
        assert_eq!(has_token(workflow, job), expected, "{workflow} {job}");
    }
}

/// Source: GitHub: planning rules 4.9: a call can only take permissions away, and what is not said is the caller's.
#[test]
fn calls_narrow_it() {
    let callee = "on: workflow_call\njobs:\n  none: {runs-on: linux, permissions: {contents: read}, steps: [{run: a}]}\n  \
                  all: {runs-on: linux, steps: [{run: a}]}\n";
    let middle = "on: workflow_call\njobs: {deep: {uses: ./.github/workflows/callee.yml}}\n";
    let called = |permissions: &str| {
        let workflow = format!("on: push\njobs: {{c: {{{permissions} uses: ./.github/workflows/middle.yml}}}}\n");
        let world = World::new(&workflow).with("middle.yml", middle).with("callee.yml", callee);
        subjects(world).iter().map(Option::is_some).collect::<Vec<_>>()
    };
    assert_eq!(called("permissions: {id-token: write, contents: read},"), [false, true]);
    assert_eq!(called("permissions: {contents: read},"), [false, false]);
    assert_eq!(called(""), [false, false]);
}

/// A job's `cache-mode` replaces its workflow's, and a call never gets more than its caller.
///
/// Source: <https://github.blog/changelog/2026-09-10-control-github-actions-cache-access-with-cache-mode>
#[test]
fn cache_modes() {
    let callee = "on: workflow_call\njobs:\n  all: {runs-on: linux, steps: [{run: a}]}\n  \
                  write: {runs-on: linux, cache-mode: write, steps: [{run: a}]}\n";
    let middle = "on: workflow_call\njobs: {deep: {uses: ./.github/workflows/callee.yml}}\n";
    let modes = |workflow: &str| {
        let world = World::new(workflow).with("middle.yml", middle).with("callee.yml", callee);
        let modes = world.run().cache_modes.into_iter().map(|it| it.map_or("-".to_owned(), |it| it.to_string()));
        modes.collect::<Vec<_>>().join(" ")
    };
    let steps = "runs-on: linux, steps: [{run: a}]";
    let call = "uses: ./.github/workflows/middle.yml";
    for (root, job, expected) in [
        ("", steps.to_owned(), "-"),
        ("cache-mode: read", steps.to_owned(), "read"),
        ("", format!("cache-mode: none, {steps}"), "none"),
        ("cache-mode: none", format!("cache-mode: write, {steps}"), "write"),
        ("", call.to_owned(), "- write"),
        ("cache-mode: read", call.to_owned(), "read read"),
        ("cache-mode: read", format!("cache-mode: write-only, {call}"), "write-only write-only"),
        ("", format!("cache-mode: none, {call}"), "none none"),
    ] {
        assert_eq!(modes(&format!("on: push\n{root}\njobs: {{j: {{{job}}}}}\n")), expected, "{root} {job}");
    }
}

/// Source: GitHub: execution rules E9.8.
#[test]
fn claims_of_a_called_job_with_an_environment() {
    let callee = "on: {workflow_call: {inputs: {to: {type: string}}}}\njobs: {d: {runs-on: linux, \
                  environment: '${{ inputs.to }}', steps: [{run: a}]}}\n";
    let workflow = "name: Release\non: push\njobs: {c: {permissions: {id-token: write}, \
                    uses: ./.github/workflows/callee.yml, with: {to: 'eu: 1'}}}\n";
    let world = World::new(workflow).with("callee.yml", callee).on("refs/tags/v1").run();
    let claims = world.id_tokens[0].as_ref().expect("claims");
    let lines: Vec<String> = claims.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_environment_that_is_empty_is_none() {
    let of = |environment: &str| {
        let job = format!("{{runs-on: linux, environment: {environment}, steps: [{{run: a}}]}}");
        subjects(World::new(&format!("on: push\npermissions: write-all\njobs: {{j: {job}}}\n")))[0].clone()
    };
    assert_eq!(of("{name: prod, url: 'https://example.com'}").as_deref(), Some("repo:octo/demo:environment:prod"));
    assert_eq!(of("'${{ vars.none }}'").as_deref(), Some("repo:octo/demo:ref:refs/heads/main"));
}

#[test]
fn an_environment_that_cannot_be_evaluated_fails_the_job() {
    let job = "{runs-on: linux, environment: '${{ fromJSON(github.actor) }}', steps: [{run: a}]}";
    let world = World::new(&format!("on: push\npermissions: write-all\njobs: {{j: {job}}}\n")).run();
    assert_eq!(world.results(), "j failure: failure");
    assert!(world.id_tokens.is_empty());
}
