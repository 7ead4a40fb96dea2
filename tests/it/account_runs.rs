//! What a run says of the account on this machine: what it did not do, what it created, what became of a deployment.
use nix::sys::signal::Signal;

use crate::cancel::interrupt_run;
use crate::repo::{Ran, Repo, can_sandbox};

/// A job of these scripts, with keys and a region.
fn workflow(scripts: &[&str]) -> String {
    let steps: Vec<String> =
        scripts.iter().map(|it| format!("    - run: |\n        {}\n", it.replace('\n', "\n        "))).collect();
    format!(
        "on: push\nenv: {{AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE, AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI, AWS_DEFAULT_REGION: us-east-1}}\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{}",
        steps.concat()
    )
}

fn run(scripts: &[&str]) -> Ran {
    Repo::new(&workflow(scripts), &[]).sandbox(&["--aws", "emulate"])
}

fn told(ran: &Ran) -> Vec<String> {
    let events = ran.of_type("notice");
    let annotations = ran.of_type("annotation");
    let message = |it: &serde_json::Value| it["message"].as_str().map(str::to_owned);
    events.iter().chain(&annotations).filter_map(message).collect()
}

/// `|| true` behind a command makes no green run of what the account does not do.
#[test]
fn what_the_account_does_not_do_is_not_run() {
    if !can_sandbox() {
        return;
    }
    // As a client asks that wfrun does not know.
    let publish = "python3 - <<'END' || true\nimport os, urllib.request\nheaders = {'Authorization': 'AWS4-HMAC-SHA256 Credential=A/20261123/us-east-1/sns/aws4_request'}\nurllib.request.urlopen(urllib.request.Request(os.environ['AWS_ENDPOINT_URL'], b'Action=Publish&Version=2010-03-31', headers))\nEND";
    let ran = run(&[publish, "echo done"]).ends_with(5);
    assert_eq!(ran.steps(), ["Run python3 - <<'END' || true: success", "Run echo done: success"]);
    let declared = ran.of_type("declared");
    let not_run: Vec<_> = declared.iter().filter(|it| it["how"] == "not run").collect();
    let [it] = not_run.as_slice() else { panic!("{declared:?}") };
    assert_eq!((&it["subject"], &it["detail"]), (&"AWS".into(), &"sns:Publish is not emulated".into()));
    assert_eq!(it["step"], "1", "{it}");
}

/// A deployment that fails is told of also where no step waits for it, and one that goes on.
#[test]
fn a_deployment_that_no_step_waits_for() {
    if !can_sandbox() {
        return;
    }
    let deploy = "aws ecs register-task-definition --family web --container-definitions '[{\"name\": \"web\", \"image\": \"'$IMAGE'\", \"memory\": 64}]'\naws ecs update-service --cluster c --service s --task-definition web";
    let of = |image: &str| deploy.replace("$IMAGE", image);
    let ran = run(&[&of("123456789012.dkr.ecr.us-east-1.amazonaws.com/web:never-pushed")]).ends_with(0);
    let said = told(&ran);
    assert!(said.iter().any(|it| it.contains("of service `s` in cluster `c` failed: tasks of web:")), "{said:#?}");
    let no_breaker = "aws ecs update-service --cluster c --service s --deployment-configuration 'deploymentCircuitBreaker={enable=false,rollback=false}'";
    let ran = run(&[no_breaker, &of("123456789012.dkr.ecr.us-east-1.amazonaws.com/web:never-pushed")]).ends_with(0);
    let said = told(&ran);
    let goes_on =
        |it: &String| it.starts_with("job `j` ends while deployment ecs-svc/") && it.contains("of service `s`");
    assert!(said.iter().any(goes_on), "{said:#?}");
    // Whoever wants the end does not wait for it.
    let failing = of("123456789012.dkr.ecr.us-east-1.amazonaws.com/web:never-pushed");
    let repo = Repo::new(&workflow(&[no_breaker, &failing]), &[]);
    let command = repo.command(&["w.yml", "--backend", "sandbox", "--json", "--aws", "emulate"]);
    let (ran, _) = interrupt_run(command, Signal::SIGINT, "\"type\":\"job-finished\"");
    let said = told(&ran);
    assert!(!said.iter().any(goes_on), "{said:#?}");
    let ran = run(&[&of("docker.io/library/nginx:1")]).ends_with(0);
    let said = told(&ran);
    assert!(!said.iter().any(|it| it.contains("goes on") || it.contains("failed:")), "{said:#?}");
}

/// Variables, secrets, matrices and variables of the shell: when a step's turn comes all of them are known.
#[test]
fn what_steps_name_by_values_that_only_a_run_knows_is_there() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
env:
  AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE
  AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI
  AWS_REGION: ${{ vars.REGION }}
  ROLE: ${{ secrets.role }}
  NUMBER: ${{ vars.ACCOUNT }}
jobs:
  j:
    runs-on: ubuntu-latest
    strategy: {matrix: {service: [api, worker]}}
    steps:
    - run: |
        cluster=${{ secrets.CLUSTER }}
        aws ecs describe-services --cluster $cluster --services ${{ matrix.service }} --query 'services[0].[status, serviceArn]' --output text
        aws ecr describe-repositories --repository-names $REPOSITORY --query 'repositories[0].repositoryUri' --output text
      env: {REPOSITORY: '${{ vars.TEAM }}/${{ matrix.service }}'}
    # <cluster> is no name.
    - run: 'true # aws ecs describe-services --cluster <cluster> --services <service>'
    - run: aws ecs describe-clusters --clusters '<cluster>' --query 'failures[0].reason' --output text
";
    let repo = Repo::new(workflow, &[]);
    let given = ["--aws", "emulate", "--var", "REGION=eu-west-1", "--var", "TEAM=web", "-s", "CLUSTER=prod-cluster"];
    let ran = repo
        .sandbox(
            &[&given[..], &["--var", "ACCOUNT=111122223333", "-s", "ROLE=arn:aws:iam::555566667777:role/x"]].concat(),
        )
        .ends_with(0);
    let lines = ran.lines();
    for service in ["api", "worker"] {
        let arn = format!("ACTIVE\tarn:aws:ecs:eu-west-1:555566667777:service/***/{service}");
        assert!(lines.contains(&arn), "{arn}: {lines:#?}");
        assert!(lines.iter().any(|it| it.ends_with(&format!("/web/{service}"))), "{lines:#?}");
    }
    let said = told(&ran);
    for notice in [
        "created cluster `***`, in eu-west-1",
        "created service `worker` in cluster `***`, running 1 task of `worker`, in eu-west-1",
        "nothing is created for a name in the workflow: `<cluster>` is not a name ECS takes for a cluster or service, in eu-west-1",
    ] {
        assert!(said.iter().any(|it| it == notice), "{notice}: {said:#?}");
    }
    assert!(!said.iter().any(|it| it.contains("`<service>`")), "{said:#?}");
}

/// A service that a step names is not found running what the run itself registered.
#[test]
fn a_broken_image_is_rolled_out_to_a_service_that_a_variable_names() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push
env: {AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE, AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI, AWS_REGION: us-east-1}
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - run: |
        aws ecs register-task-definition --family web --container-definitions '[{\"name\": \"web\", \"image\": \"123456789012.dkr.ecr.us-east-1.amazonaws.com/web:never-pushed\", \"memory\": 64}]'
    - run: aws ecs update-service --cluster c --service ${{ vars.S }} --task-definition web
    - run: aws ecs wait services-stable --cluster c --services ${{ vars.S }}
    - run: test $(aws ecs describe-services --cluster c --services ${{ vars.S }} --query 'services[0].taskDefinition' --output text) != arn:aws:ecs:us-east-1:123456789012:task-definition/web:1
    - {uses: actions/checkout@v4}
    - {uses: ./again}
";
    let action = "name: again\ndescription: d\nruns:\n  using: composite\n  steps:\n  - {shell: bash, run: aws ecr describe-repositories --repository-names mine || aws ecr create-repository --repository-name mine}\n  - {shell: bash, run: aws ecr delete-repository --repository-name mine}\n  - {shell: bash, run: '! aws ecr describe-images --repository-name mine'}\n";
    let ran = Repo::new(workflow, &[("again/action.yml", action)])
        .sandbox(&["--aws", "emulate", "--var", "S=web"])
        .ends_with(0);
    let said = told(&ran);
    assert!(said.iter().any(|it| it.contains("of service `web` in cluster `c` failed: tasks of web:1")), "{said:#?}");
    assert!(said.iter().any(|it| it.contains("running 1 task of `web-before`")), "{said:#?}");
    assert!(!said.iter().any(|it| it.contains("created repository")), "{said:#?}");
}
