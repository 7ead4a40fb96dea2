//! What is known of calls, permissions, defaults and concurrency before a run.
use wfrun_expr::Value;
use wfrun_plan::{HandedSecrets, JobOutlook, Leg, Outlook, outlook};
use wfrun_workflow::{Level, Permissions};

use crate::outlook::{set, world};

const CALLED: &str = ".github/workflows/called.yml";

fn look(root: &str, called: &str) -> Outlook {
    let root = format!("on: push\n{}", root.replace("CALLED", &format!("./{CALLED}")));
    outlook(&set(&[("w.yml", &root), (CALLED, called)]), &world("push", "refs/heads/main")).expect("a plan")
}

fn leg<'a>(found: &'a Outlook, key: &str) -> &'a Leg {
    found.jobs.iter().find_map(|it| it.leg(key)).unwrap_or_else(|| panic!("no {key}"))
}

fn job<'a>(found: &'a Outlook, key: &str) -> &'a JobOutlook {
    found.job(key).unwrap_or_else(|| panic!("no {key}"))
}

/// Source: GitHub: planning rules 2.7.
#[test]
fn inputs_have_values_or_what_they_depend_on() {
    let inputs = "{s: {type: string}, n: {type: number, default: 3}, b: {type: boolean}, t: {type: string}, o: {type: string}, d: {type: string, default: '${{ github.ref_name }}'}}";
    let called = format!(
        "on: {{workflow_call: {{inputs: {inputs}, outputs: {{u: {{value: x}}}}, secrets: {{K: {{}}}}}}}}\njobs: {{one: {{if: inputs.t == '5', runs-on: x, steps: [{{run: x}}]}}}}\n"
    );
    let root = "jobs:
  a: {runs-on: x, outputs: {o: x}, steps: [{run: x}]}
  call:
    needs: a
    uses: CALLED
    with: {S: 'v-${{ github.ref_name }}', t: 5, o: 'x${{ needs.a.outputs.o }}'}
    secrets: {K: 'secret value'}
";
    let found = look(root, &called);
    let shown: Vec<String> = leg(&found, "call")
        .inputs
        .iter()
        .map(|it| {
            let value = it.value.as_ref().map_or_else(|| it.depends_on.join(","), |it| format!("{it:?}"));
            format!("{} {} {value}", it.name, if it.is_given { "given" } else { "default" })
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#"s given String("v-main")"#,
            "n default Number(3.0)",
            "b default Bool(false)",
            r#"t given String("5")"#,
            "o given needs.a.outputs.o",
            r#"d default String("main")"#,
        ]
    );
    let call = job(&found, "call").call.as_ref().expect("a call");
    assert_eq!((call.is_here, call.outputs.join(",")), (true, "u".to_owned()));
    assert_eq!(call.secrets, HandedSecrets::Named(vec!["K".to_owned()]));
    assert!(!format!("{call:?}").contains("secret value"));
    assert_eq!(found.jobs.iter().filter(|it| it.call.is_some()).count(), 1);
}

#[test]
fn inputs_are_of_the_leg() {
    let called = "on: {workflow_call: {inputs: {e: {type: string}}}}\njobs: {one: {runs-on: x, steps: [{run: x}]}}\n";
    let found = look(
        "jobs: {call: {strategy: {matrix: {e: [dev, prod]}}, uses: CALLED, with: {e: '${{ matrix.e }}'}, secrets: inherit}}",
        called,
    );
    let of = |key: &str| leg(&found, key).inputs[0].value.clone();
    assert_eq!([of("call (dev)"), of("call (prod)")], [Some(Value::from("dev")), Some(Value::from("prod"))]);
    assert_eq!(job(&found, "call").call.as_ref().map(|it| &it.secrets), Some(&HandedSecrets::Inherit));
}

/// Source: GitHub: planning rules 4.9.
#[test]
fn permissions_are_asked_for_inherited_and_narrowed() {
    let scopes = |all: &[(&'static str, Level)]| Some(Permissions::Scopes(all.iter().copied().collect()));
    let contents = |level| scopes(&[("contents", level)]);
    let (read, write) = ("permissions: {contents: read}", "permissions: write-all");
    for (root, caller, callee, inner, expected) in [
        ("", "", "", "", None),
        (read, "", "", "", contents(Level::Read)),
        (write, read, "", "", contents(Level::Read)),
        ("", write, read, "", contents(Level::Read)),
        (write, "", read, "permissions: {}", scopes(&[])),
        ("", "", "", read, contents(Level::Read)),
        (write, "", "permissions: {id-token: write}", "", scopes(&[("id-token", Level::Write)])),
    ] {
        let line = |text: &str| if text.is_empty() { String::new() } else { format!("{text}, ") };
        let called =
            format!("on: workflow_call\n{callee}\njobs: {{one: {{{}runs-on: x, steps: [{{run: x}}]}}}}\n", line(inner));
        let found = look(&format!("{root}\njobs: {{call: {{{}uses: CALLED}}}}\n", line(caller)), &called);
        assert_eq!(job(&found, "call / one").permissions, expected, "{root} | {caller} | {callee} | {inner}");
    }
}

/// Source: GitHub: planning rules 4.8.
#[test]
fn defaults_of_a_job_take_the_place_of_all_the_workflows() {
    let root = "defaults: {run: {shell: bash, working-directory: app}}
jobs:
  plain: {runs-on: x, steps: [{run: x}]}
  own: {runs-on: x, defaults: {run: {working-directory: 'sub/${{ matrix.d }}'}}, strategy: {matrix: {d: [a]}}, steps: [{run: x}]}
  call: {uses: CALLED}
";
    let found = look(root, "on: workflow_call\njobs: {one: {runs-on: x, steps: [{run: x}]}}\n");
    let of = |key: &str| {
        let defaults = &leg(&found, key).defaults;
        [defaults.shell.clone(), defaults.working_directory.clone()].map(Option::unwrap_or_default)
    };
    assert_eq!(of("plain"), ["bash", "app"]);
    assert_eq!(of("own (a)"), ["", "sub/a"]);
    assert_eq!(of("call / one"), ["", ""]);
    assert!(leg(&found, "call").defaults.is_empty());
}

/// Source: GitHub: planning rules 4.7.
#[test]
fn groups_of_workflow_job_and_callee() {
    let root = "concurrency: 'all-${{ github.ref_name }}'
jobs:
  first: {runs-on: x, outputs: {o: x}, steps: [{run: x}]}
  call: {needs: first, concurrency: {group: 'own-${{ needs.first.outputs.o }}', cancel-in-progress: true}, uses: CALLED, with: {e: dev}}
";
    let called = "on: {workflow_call: {inputs: {e: {type: string}}}}\nconcurrency: 'lib-${{ inputs.e }}'\njobs: {one: {runs-on: x, steps: [{run: x}]}}\n";
    let found = look(root, called);
    assert_eq!(found.concurrency.as_ref().map(|it| it.name.as_str()), Some("all-main"));
    let groups: Vec<&str> = leg(&found, "call").concurrency.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(groups, ["own-${{ needs.first.outputs.o }}", "lib-dev"]);
    assert_eq!(leg(&found, "call").concurrency[0].cancel_in_progress.as_deref(), Some("true"));
}
