//! What a workflow may do in its AWS account, enforced and told.
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value as Json, json};

use crate::repo::{Ran, Repo, can_sandbox};

const POLICY: &str = "github-actions-policy.json";
const WORKFLOW: &str = ".github/workflows/deploy.yml";

fn deploy(repo: &Repo, more: &[&str]) -> Ran {
    let mut all = vec![WORKFLOW, "--backend", "sandbox", "--json", "--event", "push"];
    all.extend(["--ref", "main", "--job", "build-and-deploy", "--no-needs"]);
    all.extend(more);
    repo.wfrun(&all)
}

/// What is kept of the youngest run.
fn report(repo: &Repo) -> Json {
    let runs = std::fs::read_dir(repo.root().join(".wfrun/runs")).expect("runs");
    let youngest = runs.map(|it| it.expect("a run").path()).max().expect("a run");
    let path = youngest.join("permissions.json");
    let mode = path.metadata().expect("a report").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "names in it may be secrets");
    let text = std::fs::read_to_string(path).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

fn denied(report: &Json) -> Vec<&str> {
    report["denied"].as_array().expect("a list").iter().filter_map(|it| it["action"].as_str()).collect()
}

/// What `wfrun check` says that a policy lacks: the action, and the step's name.
fn gaps(repo: &Repo, policy: &str) -> Vec<(String, String)> {
    let ran = repo.wfrun(&["check", WORKFLOW, "--iam-policy", policy, "--json"]).ends_with(0);
    let report: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let all = report["diagnostics"].as_array().expect("a list").iter();
    let workflow = repo.read(WORKFLOW);
    let gap = |it: &Json| {
        let message = it["message"].as_str().expect("a text");
        let action = message.split("` needs `").nth(1)?.split('`').next()?;
        let line = usize::try_from(it["line"].as_u64()?).ok()?;
        let before = workflow.lines().take(line).collect::<Vec<_>>();
        let step = before.iter().rev().find_map(|it| it.trim().strip_prefix("- name: "))?;
        Some((action.to_owned(), step.to_owned()))
    };
    all.filter(|it| it["code"] == "aws/policy-gap").map(|it| gap(it).expect("a gap")).collect()
}

#[test]
fn the_deploy_policy_is_enough_and_each_of_its_actions_is_needed() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::example();
    let policy: Json = serde_json::from_str(&repo.read(POLICY)).expect("JSON");
    let ran = deploy(&repo, &["--iam-policy", POLICY]).ends_with(0);
    assert!(ran.stderr.contains("0 denied, 0 allowed and not used"), "{}", ran.stderr);
    assert_eq!(gaps(&repo, POLICY), []);
    // Who asked first is known to the step: one job runs.
    let of_deploy = report(&repo);
    let needed = of_deploy["needed"].as_array().expect("a list");
    assert!(needed.iter().all(|it| it["first"]["job"] == "build-and-deploy"), "{needed:?}");
    let update = needed.iter().find(|it| it["action"] == "ecs:UpdateService").expect("it is needed");
    assert_eq!(update["first"]["name"], "Deploy the task definition");
    // What is proposed is enough, too, and does not grow.
    let smallest = report(&repo)["smallest"][0]["policy"].clone();
    repo.write("smallest.json", &smallest.to_string());
    deploy(&repo, &["--iam-policy", "smallest.json"]).ends_with(0);
    assert_eq!(report(&repo)["smallest"][0]["policy"], smallest);
    assert_eq!(gaps(&repo, "smallest.json"), []);
    let mut count = 0;
    for (place, statement) in policy["Statement"].as_array().expect("statements").iter().enumerate() {
        let written = &statement["Action"];
        let actions = written.as_array().cloned().unwrap_or_else(|| vec![written.clone()]);
        for action in &actions {
            let mut less = policy.clone();
            let rest: Vec<&Json> = actions.iter().filter(|it| *it != action).collect();
            if rest.is_empty() {
                less["Statement"].as_array_mut().expect("statements").remove(place);
            } else {
                less["Statement"][place]["Action"] = json!(rest);
            }
            repo.write("less.json", &less.to_string());
            let action = action.as_str().expect("a text");
            let ran = deploy(&repo, &["--iam-policy", "less.json"]).ends_with(1);
            let line = format!("missing: {{\"Effect\":\"Allow\",\"Action\":\"{action}\",");
            assert!(ran.stderr.contains(&line), "{line}: {}", ran.stderr);
            assert_eq!(denied(&report(&repo))[0], action);
            // In the log, too, in AWS's words: but for a HEAD, which has no body.
            let words = format!("is not authorized to perform: {action} on resource: ");
            // Not by what the journal says of the call.
            let annotations = ran.of_type("annotation");
            let said =
                annotations.iter().filter_map(|it| it["message"].as_str().filter(|it| !it.starts_with("AWS denied")));
            let log = [ran.lines().join("\n").as_str(), said.collect::<Vec<_>>().join("\n").as_str()].concat();
            let is_said = log.contains(&words) && log.contains(&format!("policy allows the {action} action"));
            assert_eq!(is_said, action != "ecr:BatchCheckLayerAvailability", "{action}: {:?}", ran.lines());
            // Where the command cannot say it, the annotation does, at the step that failed.
            let pointed_out = format!("AWS denied {action} on ");
            let failed =
                ran.of_type("step-finished").into_iter().find(|it| it["conclusion"] == "failure").expect("one");
            let found =
                ran.of_type("annotation").into_iter().find(|it| it["message"].to_string().contains(&pointed_out));
            let found = found.unwrap_or_else(|| panic!("{action}: {:?}", ran.of_type("annotation")));
            assert_eq!((&found["step"], found["level"].as_str()), (&failed["step"], Some("error")), "{action}");
            assert!(found["message"].to_string().contains("the policies lack {"), "{action}: {found}");
            let unread = "error parsing HTTP 403 response body: unexpected end of JSON input: \"\"";
            assert_eq!(log.contains(unread), !is_said, "{action}: {:?}", ran.lines());
            assert!(ran.steps().contains(&"Deployment failure notification: failure".to_owned()), "{:?}", ran.steps());
            // It was to be seen before the run, at the step at which that fails, and nothing else.
            let failed = ran.steps().into_iter().find_map(|it| it.strip_suffix(": failure").map(ToOwned::to_owned));
            let gaps = gaps(&repo, "less.json");
            assert_eq!(gaps, [(action.to_owned(), failed.expect("a step"))]);
            count += 1;
        }
    }
    assert_eq!(count, 11);
}

#[test]
fn a_role_with_a_path_and_a_mode_that_only_reports() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::example();
    let other = repo.read(POLICY).replace("role/ecsTaskExecutionRole", "role/service-role/ecsTaskExecutionRole");
    repo.write("other.json", &other);
    let ran = deploy(&repo, &["--iam-policy", "other.json"]).ends_with(1);
    assert!(
        ran.stderr.contains("denied: iam:PassRole on arn:aws:iam::123456789012:role/ecsTaskExecutionRole"),
        "{}",
        ran.stderr
    );
    repo.write(".wfrun/aws.yml", "iam:\n  mode: report\n");
    let ran = deploy(&repo, &["--iam-policy", "other.json"]).ends_with(0);
    assert!(ran.stderr.contains("which happened all the same") && ran.stderr.contains("1 denied"), "{}", ran.stderr);
    assert_eq!(denied(&report(&repo)), ["iam:PassRole"]);
    // Without a policy nothing is enforced, and what was needed is told.
    repo.write(".wfrun/aws.yml", "");
    let ran = deploy(&repo, &[]).ends_with(0);
    assert!(ran.stderr.contains("AWS: ") && ran.stderr.contains("the smallest policy that would do"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("denied"), "{}", ran.stderr);
}

/// A person's mistake: told with its place, and before anything is started.
#[test]
fn a_policy_that_is_none() {
    let repo = Repo::example();
    repo.write("broken.json", "{\n  \"Statement\": {\"Effect\": \"Allowed\"}\n}\n");
    repo.write("no-json.json", "{\n  \"Statement\": ,\n}\n");
    let run = ["run", WORKFLOW, "--backend", "host", "--event", "push", "--ref", "main"];
    for (file, place) in [("broken.json", "broken.json:2:27"), ("no-json.json", "no-json.json:2:16")] {
        let check = repo.wfrun(&["check", "--iam-policy", file]).ends_with(2);
        let ran = repo.wfrun(&[&run[..], &["--iam-policy", file]].concat()).ends_with(2);
        let served = repo.wfrun(&["services", "--aws", "--iam-policy", file, "--", "true"]).ends_with(2);
        for said in [check.stdout, ran.stderr, served.stderr] {
            assert!(said.contains("error[aws/policy-file]: Syntax errors in policy. ("), "{said}");
            assert!(said.contains(&format!("--> {place}\n")) && said.contains("= help: "), "{said}");
        }
        assert!(!repo.root().join(".wfrun/runs").exists(), "nothing is begun");
    }
    let ran = repo.wfrun(&[&run[..], &["--iam-policy", "none.json"]].concat()).ends_with(2);
    assert!(ran.stderr.contains("error[aws/policy-file]: failed to read none.json: "), "{}", ran.stderr);
    // Those that the account file names.
    repo.write(".wfrun/aws.yml", "iam: {users: {ann: {policies: [../broken.json]}}}\n");
    let served = repo.wfrun(&["services", "--aws", "--", "true"]).ends_with(2);
    let place = "broken.json:2:27)";
    assert!(served.stderr.contains("error[aws/policy-file]: ") && served.stderr.contains(place), "{}", served.stderr);
}

#[test]
fn what_is_injected_takes_the_workflow_s_failure_path() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::example();
    for (fault, said) in [
        ("iam:deny=ecs:UpdateService", "is not authorized to perform: ecs:UpdateService on resource: arn:aws:ecs:"),
        ("sts:expired", "The security token included in the request is expired"),
    ] {
        let ran = deploy(&repo, &["--inject", fault]).ends_with(1);
        assert!(ran.stdout.contains(said), "{fault}: {:?}", ran.lines());
        assert!(
            ran.steps().contains(&"Deployment failure notification: failure".to_owned()),
            "{fault}: {:?}",
            ran.steps()
        );
        let notices = ran.of_type("notice");
        assert!(notices.iter().any(|it| it["message"].to_string().contains(&format!("`{fault}`"))), "{notices:?}");
    }
    // Clients try again.
    deploy(&repo, &["--inject", "ecr:throttle"]).ends_with(0);
    let ran = deploy(&repo, &["--inject", "ecs:melt"]).ends_with(2);
    assert!(ran.stderr.contains("error[cli/inject]: `--inject ecs:melt`: there is no such fault"), "{}", ran.stderr);
}
