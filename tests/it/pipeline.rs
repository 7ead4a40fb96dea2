//! The example of the README: test, build, push, deploy.
use crate::repo::{Ran, Repo, can_sandbox};

const WORKFLOW: &str = ".github/workflows/deploy.yml";

/// Whether packages can be had; the example installs some.
fn has_packages() -> bool {
    if std::env::var_os("WFRUN_OFFLINE_TESTS").is_some() {
        println!("skipped: WFRUN_OFFLINE_TESTS is set, and the example installs packages");
        return false;
    }
    can_sandbox()
}

fn run(repo: &Repo, arguments: &[&str]) -> Ran {
    let mut all = vec![WORKFLOW, "--backend", "sandbox", "--json"];
    all.extend(arguments);
    repo.wfrun(&all)
}

#[test]
fn a_push_to_main_deploys() {
    if !has_packages() {
        return;
    }
    let repo = Repo::example();
    let ran = run(&repo, &["--event", "push", "--ref", "main"]).ends_with(0);
    assert_eq!(ran.results().to_string(), r#"{"test":"success","build-and-deploy":"success"}"#);
    let steps = ran.steps();
    assert!(steps.contains(&"Deployment success notification: success".to_owned()), "{steps:?}");
    assert!(steps.contains(&"Deployment failure notification: skipped".to_owned()), "{steps:?}");
    for it in ran.of_type("step-finished") {
        assert!(it["outcome"].is_string() && it["duration_ms"].is_u64() && it["how"].is_string(), "{it}");
    }
    let sha = repo.git(&["rev-parse", "HEAD"]);
    assert_eq!(deployed_image(&repo).rsplit(':').next(), Some(sha.as_str()), "the service runs the new image");
    let operations: Vec<String> =
        ran.of_type("service-called").iter().filter_map(|it| Some(it["operation"].as_str()?.to_owned())).collect();
    for wanted in [
        "GetCallerIdentity",
        "GetAuthorizationToken",
        "DescribeTaskDefinition",
        "RegisterTaskDefinition",
        "UpdateService",
    ] {
        assert!(operations.iter().any(|it| it == wanted), "{wanted} in {operations:?}");
    }
    let how: Vec<_> =
        ran.of_type("declared").iter().map(|it| it["subject"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(how.iter().any(|it| it.starts_with("docker build")), "the stand-in for docker is declared: {how:?}");
    let warned = ran.of_type("annotation");
    let warned =
        warned.iter().filter(|it| it["message"].to_string().contains("with `enableFaultInjection`, which AWS puts"));
    assert_eq!(warned.count(), 1, "its version of the deploy action would refuse AWS's task definition");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
}

/// The image of the task definition that the service runs, read with the account's own command.
fn deployed_image(repo: &Repo) -> String {
    let text = find_state(&repo.root().join(".wfrun/aws"));
    let state: serde_json::Value = serde_json::from_str(&text).expect("the account's state is JSON");
    let flat = state.to_string();
    let images: Vec<&str> = flat.split("\"image\":\"").skip(1).filter_map(|it| it.split('"').next()).collect();
    let newest = images.iter().rev().find(|it| it.contains("news-api:") && !it.ends_with(":latest"));
    (*newest.expect("an image of news-api")).to_owned()
}

/// The biggest JSON file of the account.
fn find_state(folder: &std::path::Path) -> String {
    let files = std::fs::read_dir(folder).expect("the account's folder").flatten().map(|it| it.path());
    let json = files.filter(|it| it.extension().is_some_and(|it| it == "json"));
    let biggest = json.max_by_key(|it| it.metadata().map_or(0, |it| it.len())).expect("a state file");
    std::fs::read_to_string(biggest).expect("a text")
}

#[test]
fn a_pull_request_only_tests() {
    if !has_packages() {
        return;
    }
    let repo = Repo::example();
    let ran = run(&repo, &["--event", "pull_request", "--ref", "feature/x", "--base", "main"]).ends_with(0);
    let skipped = ran.of_type("job-skipped");
    assert_eq!(skipped.len(), 1);
    let because = &skipped[0]["reason"]["because"];
    assert_eq!(because[0]["expression"], "github.event_name == 'push'");
    assert_eq!(because[0]["operands"][0]["value"], "pull_request");
    assert_eq!(ran.results().to_string(), r#"{"test":"success","build-and-deploy":"skipped"}"#);
}

#[test]
fn a_push_to_another_branch_triggers_nothing() {
    let ran = run(&Repo::example(), &["--event", "push", "--ref", "feature/x"]).ends_with(4);
    assert!(ran.stderr.contains("deploy.yml:5:15") && ran.stderr.contains("`--ref main` would pass"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_failing_test_stops_the_deployment() {
    if !has_packages() {
        return;
    }
    let repo = Repo::example();
    repo.write("tests/test_broken.py", "def test_broken():\n    assert 1 == 2\n");
    repo.commit("break it");
    let ran = run(&repo, &["--event", "push", "--ref", "main"]).ends_with(1);
    let skipped = ran.of_type("job-skipped");
    assert_eq!(
        (skipped[0]["reason"]["kind"].as_str(), skipped[0]["reason"]["job"].as_str()),
        (Some("needs"), Some("test"))
    );
}

#[test]
fn a_failing_push_runs_the_failure_notice() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::example();
    // The first job is not what this is about.
    repo.change(
        WORKFLOW,
        "docker push $ECR_REGISTRY/$ECR_REPOSITORY:$IMAGE_TAG",
        "docker push $ECR_REGISTRY/nowhere:$IMAGE_TAG",
    );
    repo.change(WORKFLOW, "-t $ECR_REGISTRY/$ECR_REPOSITORY:latest", "-t $ECR_REGISTRY/nowhere:$IMAGE_TAG");
    repo.commit("push elsewhere");
    let arguments = ["--event", "push", "--ref", "main", "--job", "build-and-deploy", "--no-needs"];
    let ran = run(&repo, &arguments).ends_with(1);
    let steps = ran.steps();
    assert!(steps.contains(&"Build, tag and push the image: failure".to_owned()), "{steps:?}");
    assert!(steps.contains(&"Deployment success notification: skipped".to_owned()), "{steps:?}");
    assert!(
        steps.iter().any(|it| it.starts_with("Deployment failure notification: ") && !it.ends_with("skipped")),
        "{steps:?}"
    );
    assert!(ran.lines().iter().any(|it| it.contains("name unknown")), "{:?}", ran.lines());
    // What the registry says does not say what to do.
    let notices = ran.of_type("notice");
    let way_out = "aws ecr create-repository --repository-name nowhere";
    assert_eq!(notices.iter().filter(|it| it["message"].to_string().contains(way_out)).count(), 1, "{notices:?}");
}

/// The only way to the real AWS, and it says so.
#[test]
fn aws_off_is_real_and_says_so() {
    if !can_sandbox() {
        return;
    }
    let workflow = r#"on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
      - run: echo "key ${K%REAL*} endpoint ${AWS_ENDPOINT_URL:-none} guard $(grep -c 127.77.0.53 /etc/resolv.conf)"
        env: {K: "${{ secrets.AWS_ACCESS_KEY_ID }}"}
      - run: aws --version
        continue-on-error: true
"#;
    let repo = Repo::new(workflow, &[]);
    let arguments = ["w.yml", "--backend", "sandbox", "--json", "--secret", "AWS_ACCESS_KEY_ID=AKIAREALREALREAL0001"];
    let ran = repo.wfrun(&[&arguments[..], &["--aws", "off"]].concat());
    assert!(ran.lines().contains(&"key AKIAREALREAL endpoint none guard 0".to_owned()), "{:?}", ran.lines());
    let said = "--aws off: steps reach the real AWS, with the keys that they are given; what they do there is real";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(ran.of_type("notice").iter().any(|it| it["message"] == said));
    let ran = repo.wfrun(&arguments);
    assert!(!ran.lines().iter().any(|it| it.contains("AKIAREAL")), "{:?}", ran.lines());
    assert!(!ran.stderr.contains("--aws off"), "{}", ran.stderr);
}

#[test]
fn real_keys_never_reach_a_step() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::example();
    repo.write(
        "../real.env",
        "AWS_ACCESS_KEY_ID=AKIAREALREALREAL0001\nAWS_SECRET_ACCESS_KEY=real/secret+key0123456789\n",
    );
    repo.change(WORKFLOW, "          docker build -t", "          env | sed s/^/env:/\n          docker build -t");
    repo.commit("show the environment");
    let arguments = ["--event", "push", "--job", "build-and-deploy", "--no-needs", "--secret-file", "../real.env"];
    let ran = run(&repo, &arguments).ends_with(0);
    assert!(!ran.stdout.contains("AKIAREAL") && !ran.stdout.contains("real/secret"), "{}", ran.stdout);
    assert!(ran.lines().iter().any(|it| it == "env:AWS_ACCESS_KEY_ID=***"), "a minted key is there, masked");
    let notices = ran.of_type("notice");
    assert!(
        notices.iter().any(|it| it["message"].as_str().is_some_and(|it| it.contains("real AWS keys stay here"))),
        "{notices:?}"
    );
}

#[test]
fn the_account_file_says_it_otherwise() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::example();
    repo.write(
        ".wfrun/aws.yml",
        "account: \"210987654321\"\necs:\n  clusters:\n    news-api-cluster:\n      services:\n        news-api-service: { task_definition: news-api-task, desired_count: 3 }\n",
    );
    let ran = run(&repo, &["--event", "push", "--job", "build-and-deploy", "--no-needs"]).ends_with(0);
    assert!(ran.lines().iter().any(|it| it == "|  3      |  3        |  ACTIVE  |"), "{:?}", ran.lines());
}
