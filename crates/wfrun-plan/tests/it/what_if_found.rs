//! What is offered first, and what has to be among it.
use wfrun_plan::{Change, Prospect, World, candidates, directed, outlook};

use crate::outlook::{set, world};

fn offered(text: &str, world: &World, key: &str, given_type: Option<&str>) -> Vec<String> {
    let set = set(&[("w.yml", text)]);
    let found = outlook(&set, world).expect("a plan");
    let job = found.job(key).expect("a job");
    assert_ne!(job.verdict, Prospect::Fails);
    let all = candidates(&found, job, &set.root, world, given_type);
    all.iter().map(|it| it.flags().join(" ")).collect()
}

fn text(on: &str, condition: &str) -> String {
    format!(
        "on: {on}\njobs:\n  z: {{runs-on: x, steps: [{{run: x}}]}}\n  a: {{needs: z, if: \"{condition}\", runs-on: x, steps: [{{run: x}}]}}\n"
    )
}

#[test]
fn what_a_condition_asks_for_is_tried() {
    for (condition, wanted) in [
        ("github.event.schedule == '30 5 1 * 1'", "--schedule 30 5 1 * 1"),
        ("endsWith(github.ref, '-rc')", "--ref x-rc"),
        ("endsWith(github.ref, '/main')", "--ref main"),
        ("endsWith(github.ref_name, '-rc')", "--ref x-rc"),
        ("contains(github.ref, 'refs/heads/release/')", "--ref release/x"),
        ("contains(github.ref, 'hotfix')", "--ref hotfix"),
        ("!startsWith(github.ref, 'refs/heads/')", "--ref refs/tags/v1.0.0"),
        ("startsWith(github.ref, 'refs/heads/release/')", "--ref release/x"),
        ("github.ref_name == vars.BR", "--ref stable"),
        ("vars.BR == github.ref_name", "--ref stable"),
        ("vars.DEPLOY", "--var DEPLOY=true"),
        ("!vars.DEPLOY", "--var DEPLOY="),
        ("always() && contains(needs.*.result, 'failure')", "--force z=failure"),
        ("always() && needs.z.result == 'failure'", "--force z=failure"),
    ] {
        let mut world = world("push", "refs/heads/dev");
        world.vars = [("BR", wfrun_expr::Value::from("stable"))].into_iter().collect();
        let all = offered(
            &text("[push, schedule]", condition)
                .replace("[push, schedule]", "{push: , schedule: [{cron: '30 5 1 * 1'}, {cron: '0 0 * * *'}]}"),
            &world,
            "a",
            None,
        );
        assert!(all.iter().any(|it| it == wanted), "{condition}: {all:?}");
        // `false` as a text is true.
        assert!(!all.iter().any(|it| it == "--var DEPLOY=false"), "{all:?}");
        assert!(!all.iter().any(|it| it.contains(" -")), "{all:?}");
    }
}

#[test]
fn three_inputs_together_are_found_among_many_candidates() {
    let inputs: Vec<String> = (0..12).map(|it| format!("i{it}: {{}}")).collect();
    let on = format!(
        "{{push: {{branches: [a, b, c], paths: [d, e]}}, workflow_dispatch: {{inputs: {{{}}}}}, release: }}",
        inputs.join(", ")
    );
    let others: Vec<String> = (0..12).map(|it| format!("inputs.i{it} == 'v{it}'")).collect();
    let condition = format!(
        "inputs.i3 == 'v3' && (inputs.i5 == 'v5' || false) && inputs.i9 == 'v9' && !({} && false)",
        others.join(" && ")
    );
    let set = set(&[("w.yml", &text(&on, &condition))]);
    let world = world("workflow_dispatch", "refs/heads/main");
    let found = outlook(&set, &world).expect("a plan");
    let job = found.job("a").expect("a job");
    let sets = directed(&found, job, &set.root, &world, None);
    let three: Vec<Change> =
        [3, 5, 9].iter().map(|it| Change::Input { name: format!("i{it}"), value: format!("v{it}") }).collect();
    assert!(sets.iter().any(|set| three.iter().all(|it| set.contains(it))), "{sets:?}");
    // Of another event the event goes with them.
    let world = crate::outlook::world("push", "refs/heads/main");
    let sets = directed(&found, job, &set.root, &world, None);
    let by_hand = Change::Event { event: "workflow_dispatch".to_owned(), drops_type: false };
    assert!(sets.iter().any(|set| set.contains(&by_hand) && three.iter().all(|it| set.contains(it))), "{sets:?}");
}

#[test]
fn the_nearest_comes_first() {
    let on = "{check_run: , create: , push: {paths: [src/a]}, pull_request: {types: [labeled]}, workflow_dispatch: {inputs: {i: {}}}}";
    let all = offered(
        &text(on, "inputs.i == 'x' && vars.V == 'y' && failure()"),
        &world("pull_request", "refs/heads/dev"),
        "a",
        None,
    );
    let kinds: Vec<&str> = all.iter().filter_map(|it| it.split(' ').next()).collect();
    let mut each = kinds.clone();
    each.dedup();
    assert_eq!(each, ["--type", "--changed", "--ref", "--base", "--input", "--var", "--force", "--event"], "{all:?}");
}

/// An event that does not have the type of the command line takes it back.
#[test]
fn a_type_that_an_event_does_not_have_is_taken_back() {
    let on = "{push: , pull_request: {types: [labeled]}, pull_request_target: , release: , repository_dispatch: {types: [go]}}";
    let mut world = world("pull_request", "refs/heads/dev");
    world.event.activity = Some("opened".to_owned());
    let text = text(on, "true");
    let set = set(&[("w.yml", &text)]);
    let found = outlook(&set, &world).expect("a plan");
    let all = candidates(&found, found.job("a").expect("a job"), &set.root, &world, Some("opened"));
    let drops = |name: &str| {
        let of = |it: &Change| {
            if let Change::Event { event, drops_type } = it { (event == name).then_some(*drops_type) } else { None }
        };
        all.iter().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(drops("push"), [true, false]);
    assert_eq!(drops("release"), [true, false]);
    assert_eq!(drops("repository_dispatch"), [false, true]);
    assert_eq!(drops("pull_request_target"), [false]);
    assert!(drops("pull_request").is_empty(), "it is the event already");
}
