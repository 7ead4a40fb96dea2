//! The example deployed for real: what was pushed runs as containers behind a load balancer.
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::cancel::interrupt_run;
use crate::docker::{IMAGE, has_docker, left};
use crate::repo::{Ran, Repo};

const WORKFLOW: &str = ".github/workflows/deploy.yml";

/// Asks the service through its load balancer, whatever became of the deployment.
const ASK: &str = "      - name: Ask
        if: always()
        run: |
          address=$(aws elbv2 describe-load-balancers --names news-api-alb --query 'LoadBalancers[0].DNSName' --output text)
          curl --silent --show-error --fail --dump-header - http://$address/health

      - name: Deployment success notification
";

/// The example as version `one`; its deployment fails where the service was rolled back.
fn example() -> Repo {
    let repo = Repo::example();
    repo.change(WORKFLOW, "      - name: Deployment success notification\n", ASK);
    repo.change(WORKFLOW, "amazon-ecs-deploy-task-definition@v1", "amazon-ecs-deploy-task-definition@v2");
    repo.change("Dockerfile", "ENV PYTHONUNBUFFERED=1", "ENV APP_VERSION=one PYTHONUNBUFFERED=1");
    repo.commit("one");
    repo
}

fn arguments() -> Vec<&'static str> {
    let only = ["--job", "build-and-deploy", "--no-needs", "--aws-account", "aws/docker.yml"];
    [&[WORKFLOW, "--backend", "docker", "--json", "--event", "push", "--ref", "main"][..], &only].concat()
}

/// What the service answered, and who.
#[track_caller]
fn answered(ran: &Ran, version: &str) {
    let lines = ran.lines();
    assert!(lines.contains(&"server: uvicorn".to_owned()), "{lines:?}");
    assert!(lines.contains(&format!("{{\"status\":\"ok\",\"version\":\"{version}\"}}")), "{version}: {lines:?}");
}

#[track_caller]
fn conclusion<'a>(ran: &'a [String], step: &str) -> &'a str {
    let found = ran.iter().find_map(|it| it.strip_prefix(step)?.strip_prefix(": "));
    found.unwrap_or_else(|| panic!("no step {step}: {ran:?}"))
}

#[test]
fn a_new_version_answers_and_a_broken_one_is_rolled_back() {
    if !has_docker() {
        return;
    }
    let repo = example();
    let ran = repo.wfrun(&arguments()).ends_with(0);
    answered(&ran, "one");
    assert_eq!(left(&ran), "");

    // The next one takes its place.
    repo.change("Dockerfile", "APP_VERSION=one", "APP_VERSION=two");
    repo.commit("two");
    let ran = repo.wfrun(&arguments()).ends_with(0);
    answered(&ran, "two");

    // One that does not start, and one that listens elsewhere.
    for (from, to, reason, line) in [
        (
            "\"app.main:app\"",
            "\"app.main:nothing\"",
            "Essential container in task exited (exit code 3)",
            "Error loading ASGI app. Attribute \"nothing\" not found in module \"app.main\".",
        ),
        (
            "\"8000\"",
            "\"8001\"",
            "Task failed ELB health checks in (target-group ",
            "Uvicorn running on http://0.0.0.0:8001",
        ),
    ] {
        repo.change("Dockerfile", from, to);
        repo.commit("broken");
        let ran = repo.wfrun(&arguments()).ends_with(1);
        let steps = ran.steps();
        assert_eq!(conclusion(&steps, "Deploy the task definition"), "failure", "{steps:?}");
        assert_eq!(conclusion(&steps, "Deployment failure notification"), "failure", "{steps:?}");
        answered(&ran, "two");
        let told = warnings(&ran);
        assert!(told.len() == 1 && told[0].contains(reason) && told[0].contains(line), "{reason}: {told:?}");
        assert_eq!(left(&ran), "");
        repo.change("Dockerfile", to, from);
    }
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
}

/// The warnings of a run that are no step's.
fn warnings(ran: &Ran) -> Vec<String> {
    let notices = ran.of_type("notice");
    let warnings = notices.iter().filter(|it| it["level"] == "warning");
    warnings.filter_map(|it| it["message"].as_str().map(str::to_owned)).collect()
}

/// Python has no handler for SIGTERM: as the first process of its container it does not end for 30 seconds, and the run is over then.
#[test]
fn a_task_that_does_not_stop_is_told_of_before_the_run_ends() {
    if !has_docker() {
        return;
    }
    let repo = example();
    // Something to go back to: what the account begins with runs `latest`, which the broken one is, too.
    repo.wfrun(&arguments()).ends_with(0);
    let serve = r#"CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", "8000"]"#;
    repo.change("Dockerfile", serve, r#"CMD ["python", "-u", "-m", "http.server", "8001"]"#);
    repo.commit("broken");
    let ran = repo.wfrun(&arguments()).ends_with(1);
    let told = warnings(&ran);
    assert!(told.len() == 1 && told[0].contains("Task failed ELB health checks in (target-group "), "{told:?}");
    assert!(told[0].contains("\n  | Serving HTTP on 0.0.0.0 port 8001"), "{told:?}");
    assert_eq!(left(&ran), "");
}

/// Its loopback is another one; the targets are nobody's.
#[test]
fn a_job_container_reaches_load_balancers() {
    if !has_docker() {
        return;
    }
    let ask = "curl --silent --output /dev/null --write-out '%{http_code}' http://$(aws elbv2 describe-load-balancers --query \
               'LoadBalancers[0].DNSName' --output text)/";
    let keys = "{AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE, AWS_SECRET_ACCESS_KEY: x, AWS_DEFAULT_REGION: us-east-1}";
    let job = format!("{{runs-on: x, container: {IMAGE}, env: {keys}, steps: [{{run: {ask:?}}}]}}");
    let workflow = format!("on: push\njobs: {{j: {job}}}\n");
    let repo = Repo::new(&workflow, &[(".wfrun/aws.yml", "elbv2: {load_balancers: [alb]}\n")]);
    let ran = repo.wfrun(&["w.yml", "--backend", "docker", "--json"]).ends_with(0);
    assert!(ran.lines().contains(&"503".to_owned()), "{:?}", ran.lines());
}

/// Interrupts a run while a step goes on after the service has answered.
fn interrupted(repo: &Repo, with: Signal) -> Ran {
    repo.change(WORKFLOW, "http://$address/health\n", "http://$address/health; sleep 987\n");
    let (ran, seconds) = interrupt_run(repo.command(&arguments()), with, "server: uvicorn");
    println!("ended after {seconds:.2} s");
    ran
}

#[test]
fn ctrl_c_takes_the_tasks_away() {
    if !has_docker() {
        return;
    }
    let repo = example();
    let ran = interrupted(&repo, Signal::SIGINT).ends_with(130);
    assert_eq!(conclusion(&ran.steps(), "Ask"), "cancelled");
    assert_eq!(left(&ran), "");
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
}

/// Nobody is left to take the tasks away, but who watched over the run.
#[test]
fn a_killed_run_s_tasks_go() {
    if !has_docker() {
        return;
    }
    let repo = example();
    let killed = interrupted(&repo, Signal::SIGKILL);
    let since = Instant::now();
    while !left(&killed).is_empty() {
        assert!(since.elapsed() < Duration::from_mins(1), "{}", left(&killed));
        std::thread::sleep(Duration::from_millis(100));
    }
}
