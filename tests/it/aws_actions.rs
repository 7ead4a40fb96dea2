//! The real actions of `aws-actions` on the account of this machine, unmodified, and their stand-ins beside them.
use std::path::{Path, PathBuf};

use crate::actions::{Mirror, can_run_node, has_code, real_actions};
use crate::repo::{Ran, Repo, can_sandbox};

/// Versions of `configure-aws-credentials`, `amazon-ecr-login` and `amazon-ecs-deploy-task-definition` that are used together.
type Versions = [&'static str; 3];

/// Each major of each action. Source: the AWS rules 1.0 and 7.2.
const TOGETHER: [Versions; 6] = [
    ["v1", "v1", "v1"],
    ["v2", "v1", "v1"],
    ["v3", "v2.0.1", "v1.6.0"],
    ["v4", "v2", "v2.6.1"],
    ["v5", "v2", "v2"],
    ["v6", "v2", "v2"],
];

/// Before the waiter, and after it. Source: the AWS rules 1.7; the registry's calls are left out.
const TRACE: [&str; 7] = [
    "sts:GetCallerIdentity",
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "ecs:RegisterTaskDefinition",
    "ecs:DescribeServices",
    "ecs:UpdateService",
    "ecs:DescribeServices",
];

/// What a deployment with `run-task` asks for besides.
const OF_A_TASK: [&str; 2] = ["ecs:RunTask", "ecs:DescribeTasks"];

const WORKFLOW: &str = r#"on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - run: printf 'FROM scratch\nCOPY a /a\n' > Dockerfile; echo a > a
      - uses: aws-actions/configure-aws-credentials@CONFIGURE
        with: {aws-access-key-id: "${{ secrets.AWS_ACCESS_KEY_ID }}", aws-secret-access-key: "${{ secrets.AWS_SECRET_ACCESS_KEY }}", aws-region: us-east-1}
      - run: echo "env $(env | grep ^AWS_ | sed 's/=.*//' | sort | tr '\n' ' ')"
      - {uses: aws-actions/amazon-ecr-login@LOGIN, id: login}
      - run: docker build -q -t "$IMAGE" . && docker push "$IMAGE"
        env: {IMAGE: "${{ steps.login.outputs.registry }}/news-api:TAG"}
      - run: aws ecs describe-task-definition --task-definition news-api-task --query taskDefinition > task-definition.json
      - uses: aws-actions/amazon-ecs-render-task-definition@v1
        id: render
        with: {task-definition: task-definition.json, container-name: news-api, image: "${{ steps.login.outputs.registry }}/news-api:TAG"}
      - uses: aws-actions/amazon-ecs-deploy-task-definition@DEPLOY
        with: {task-definition: "${{ steps.render.outputs.task-definition }}", service: news-api-service, cluster: news-api-cluster, wait-for-service-stability: true}
"#;

/// Lines that Node and the SDKs add to what an action says, and annotations that the stand-ins add.
const NOT_COMPARED: [&str; 5] = [
    "@aws-sdk/",
    "The `set-output` command is deprecated",
    "the deployment ecs-svc/",
    "container news-api of the task ended with",
    "amazon-ecs-deploy-task-definition@v1 takes only",
];

/// What a run did, without what differs from run to run.
#[derive(Debug, PartialEq)]
struct Told {
    code: i32,
    /// How each step of an action ended, with its outputs.
    steps: Vec<String>,
    /// What the account was asked for; a call that follows itself once.
    calls: Vec<String>,
    /// What the actions said.
    lines: Vec<String>,
    /// What the step after `configure-aws-credentials` has.
    env: Vec<String>,
}

impl Told {
    fn of(ran: &Ran) -> Self {
        let mut told =
            Self { code: ran.code, steps: Vec::new(), calls: Vec::new(), lines: Vec::new(), env: Vec::new() };
        let (mut of_action, mut of_node, mut changing) = (false, false, Vec::new());
        for event in ran.events() {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            match event["type"].as_str().unwrap_or_default() {
                "step-started" => of_action = text("name").contains("aws-actions/"),
                "step-finished" if of_action => {
                    let outputs = event["outputs"].as_object().cloned().unwrap_or_default();
                    let changes = |name: &str| {
                        name.starts_with("docker_password") || name == "task-definition" || name == "registry"
                    };
                    let changed = outputs.iter().filter(|(name, _)| changes(name));
                    changing.extend(changed.filter_map(|(name, it)| Some((it.as_str()?.to_owned(), name.clone()))));
                    told.steps.push(format!(
                        "{} {} {} {}",
                        text("phase"),
                        text("name"),
                        text("outcome"),
                        event["outputs"]
                    ));
                }
                "line" if text("text").starts_with("env ") => told.env.push(text("text")),
                "line" if of_action => {
                    let line = text("text");
                    of_node |= line.starts_with("(node:");
                    if !of_node && !line.is_empty() {
                        told.lines.push(line.clone());
                    }
                    of_node &= !line.starts_with("(Use `node");
                }
                "annotation" => told.lines.push(text("message")),
                "service-called" => {
                    let call = format!("{}:{}", text("service"), text("operation"));
                    let known = TRACE.iter().chain(&OF_A_TASK).any(|it| *it == call);
                    if known && told.calls.last() != Some(&call) {
                        told.calls.push(call);
                    }
                }
                _ => {}
            }
        }
        told.lines.retain(|it| !NOT_COMPARED.iter().any(|begin| it.starts_with(begin)));
        for line in told.steps.iter_mut().chain(&mut told.lines) {
            for (value, name) in &changing {
                *line = line.replace(value, &name.replace(char::is_numeric, ""));
                *line = line.replace(&value.replace(['.', ':'], "_"), "registry");
            }
            *line = without_ids(line);
        }
        told
    }
}

/// Deployments and tasks have new ids each time.
fn without_ids(line: &str) -> String {
    ["ecs-svc/", ":task/news-api-cluster/"].iter().fold(line.to_owned(), |line, before| {
        let mut parts = line.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, it| {
            format!("{all}{before}N{}", it.trim_start_matches(|it: char| it.is_ascii_hexdigit()))
        })
    })
}

/// The folder of the mirror, where it has all of these actions.
fn mirror([configure, login, deploy]: &Versions) -> Option<PathBuf> {
    let mirror = real_actions("aws-actions")?;
    let names = [
        ("configure-aws-credentials", *configure),
        ("amazon-ecr-login", *login),
        ("amazon-ecs-render-task-definition", "v1"),
        ("amazon-ecs-deploy-task-definition", *deploy),
    ];
    let has = |(name, version)| has_code(&mirror, &format!("aws-actions/{name}"), version, "dist/index.js");
    (names.into_iter().all(has) && can_run_node()).then_some(mirror)
}

fn workflow([configure, login, deploy]: &Versions, tag: &str) -> String {
    let named = WORKFLOW.replace("@CONFIGURE", &format!("@{configure}")).replace("@LOGIN", &format!("@{login}"));
    named.replace("@DEPLOY", &format!("@{deploy}")).replace(":TAG", &format!(":{tag}"))
}

/// The real actions, and the stand-ins, each in a repository of its own.
fn both(mirror: &Path, workflow: &str, account: &str) -> [Ran; 2] {
    ["real", "builtin"].map(|actions| {
        let account = format!("ecr: {{repositories: [news-api]}}\n{account}");
        let repo = Repo::new(workflow, &[(".wfrun/aws.yml", &account)]);
        let ran = repo.sandbox(&["--actions", actions, "--mirror", &mirror.to_string_lossy(), "--offline"]);
        let how = if actions == "real" { "javascript" } else { "builtin" };
        let started = ran.of_type("step-started");
        let of_action = started.iter().filter(|it| it["name"].as_str().is_some_and(|it| it.contains("aws-actions/")));
        assert!(of_action.clone().all(|it| it["kind"] == how) && of_action.count() > 0, "{started:?}\n{}", ran.stderr);
        ran
    })
}

#[test]
fn every_major_deploys_and_the_stand_ins_do_the_same() {
    for versions in &TOGETHER {
        let Some(mirror) = mirror(versions) else { continue };
        let [real, standin] = both(&mirror, &workflow(versions, "good"), "").map(|it| Told::of(&it));
        assert_eq!(real.code, 0, "{versions:?} {real:#?}");
        assert_eq!(real.calls, TRACE, "{versions:?}");
        let posts: Vec<_> = real.steps.iter().filter(|it| it.starts_with("post ")).collect();
        assert!(posts.len() == 2 && posts[0].contains("ecr-login") && posts[1].contains("configure"), "{posts:?}");
        assert_eq!(real, standin, "{versions:?}");
        println!("{versions:?}: {} steps do the same", real.steps.len());
    }
}

/// Source: the AWS rules 0.4: before 2.6.2 the action takes any stable service.
#[test]
fn a_rollback_is_green_before_deploy_2_6_2() {
    for (deploy, code) in [("v1", 0), ("v2.6.1", 0), ("v2", 1)] {
        let versions = ["v2", "v1", deploy];
        let Some(mirror) = mirror(&versions) else { continue };
        let ran = both(&mirror, &workflow(&versions, "broken"), "ecs: {faults: {broken: crash}}\n");
        let [real, standin] = ran.map(|it| Told::of(&it));
        assert_eq!(real.code, code, "{real:#?}");
        let said = real.lines.iter().any(|it| {
            it == "Deployment ecs-svc/N not found after stabilization. The deployment was likely rolled back by the deployment circuit breaker."
        });
        assert_eq!(said, code == 1, "{real:#?}");
        assert_eq!(real, standin);
    }
}

/// As migrations do, before the service; one that fails leaves the service as it is.
#[test]
fn a_task_runs_before_the_service() {
    const WAITS: &str = "wait-for-service-stability: true";
    let task = "run-task: true, wait-for-task-stopped: true, run-task-subnets: subnet-1, run-task-container-overrides: \
                '[{\"name\": \"news-api\", \"command\": [\"migrate\"]}]'";
    for (deploy, tag, said) in
        [("v2", "good", "All tasks have stopped."), ("v2.6.1", "broken", "Run task failed: [null]")]
    {
        let versions = ["v5", "v2", deploy];
        let Some(mirror) = mirror(&versions) else { continue };
        let text = workflow(&versions, tag).replace(WAITS, &format!("{WAITS}, {task}"));
        let ran = both(&mirror, &text, "ecs: {faults: {broken: crash}}\n");
        let [real, standin] = ran.map(|it| Told::of(&it));
        assert_eq!(real.code, i32::from(tag == "broken"), "{real:#?}");
        assert!(real.lines.iter().any(|it| it == said), "{real:#?}");
        let after = if tag == "broken" { &[][..] } else { &TRACE[4..] };
        assert_eq!(real.calls, [&TRACE[..4], &OF_A_TASK, after].concat(), "{deploy} {tag}");
        let deployed = real.steps.iter().find(|it| it.contains("run-task-arn")).expect("the task is an output");
        assert!(deployed.contains(":task/news-api-cluster/N"), "{deployed}");
        assert_eq!(real, standin, "{deploy} {tag}");
    }
}

/// Source: the AWS rules 0.3.
#[test]
fn deploy_1_refuses_what_it_does_not_know() {
    for (deploy, code) in [("v1", 1), ("v2", 0)] {
        let versions = ["v2", "v1", deploy];
        let Some(mirror) = mirror(&versions) else { continue };
        let ran = both(&mirror, &workflow(&versions, "good"), "ecs: {task_definition_era: current}\n");
        let [real, standin] = ran.map(|it| Told::of(&it));
        assert_eq!(real.code, code, "{real:#?}");
        let refusal =
            "Failed to register task definition in ECS: Unexpected key 'enableFaultInjection' found in params";
        assert_eq!(real.lines.iter().any(|it| it == refusal), code == 1, "{real:#?}");
        assert_eq!(real, standin);
    }
}

/// What fails on github.com is said at the step where the account is kinder than AWS, and not where it fails here, too.
///
/// Source: the AWS rules 0.3 and 4.8.
#[test]
fn deploy_1_is_warned_of_what_it_would_refuse() {
    if !can_sandbox() {
        return;
    }
    for (deploy, era, code, warned) in [("v1", "classic", 0, 1), ("v1", "today", 1, 0), ("v2", "classic", 0, 0)] {
        let account = "ecr: {repositories: [news-api]}\n";
        let repo = Repo::new(&workflow(&["v2", "v1", deploy], "good"), &[(".wfrun/aws.yml", account)]);
        let ran = repo.sandbox(&["--actions", "builtin", "--offline", "--aws-era", era]).ends_with(code);
        let annotations = ran.of_type("annotation");
        let found: Vec<_> = annotations
            .iter()
            .filter(|it| it["level"] == "warning" && it["message"].to_string().contains("enableFaultInjection"))
            .map(|it| it["step"].clone())
            .collect();
        assert_eq!(found.len(), warned, "{deploy} {era}: {annotations:?}");
        assert!(found.iter().all(|it| it == "8"), "{found:?}");
    }
}

/// Source: the AWS rules 1.3.
#[test]
fn a_login_that_fails_still_has_a_registry() {
    for login in ["v1", "v2"] {
        let versions = ["v2", login, "v1"];
        let Some(mirror) = mirror(&versions) else { continue };
        let text = workflow(&versions, "good");
        let (begin, _) = text.split_once("      - run: docker build").expect("the workflow builds");
        let text = format!(
            "{begin}      - if: always()\n        run: echo \"env ${{{{ steps.login.outputs.registry && 'set' }}}}\"\n"
        );
        let text = text.replace(
            "      - {uses: aws-actions/amazon-ecr-login",
            "      - run: |\n          mkdir ../bin; printf '#!/bin/sh\\necho it cannot >&2; exit 1\\n' > ../bin/docker; chmod 755 ../bin/docker\n          echo \"$PWD/../bin\" >> \"$GITHUB_PATH\"\n      - {uses: aws-actions/amazon-ecr-login",
        );
        let [real, standin] = both(&mirror, &text, "").map(|it| Told::of(&it));
        assert_eq!((real.code, real.env.last().map(String::as_str)), (1, Some("env set")), "{real:#?}");
        assert!(
            real.lines.iter().any(|it| it.trim_end() == "Could not login to registry registry: it cannot"),
            "{real:#?}"
        );
        assert_eq!(real, standin);
    }
}

/// Calls AWS as an SDK does that knows no endpoint, by both ways of loading a module.
const CALLS: &str = r#"const https = require('https');
const tell = (what) => (answer) => {
  let text = '';
  const code = () => /<Code>(\w+)/.exec(text)?.[1] ?? answer.statusCode;
  answer.on('data', (it) => (text += it)).on('end', () => console.log(`${what}: ${code()} of ${answer.req.getHeader('host')}`));
};
const headers = { 'content-type': 'application/x-www-form-urlencoded' };
const sts = { hostname: 'sts.us-east-1.amazonaws.com', method: 'POST', path: '/', headers, agent: new https.Agent({ keepAlive: true }) };
https.request(sts, tell('request')).end('Action=GetCallerIdentity&Version=2011-06-15');
import('https').then(({ get }) => get('https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/', tell('get')));
console.log(`options ${(process.env.NODE_OPTIONS ?? '').replace(/"[^"]*"/, 'FILE')}`);
"#;

#[test]
fn javascript_actions_that_call_aws_find_the_account() {
    if !can_run_node() {
        return;
    }
    let mirror = Mirror::new();
    let manifest = "name: x\nruns: {using: node20, main: main.js}\n";
    mirror.commit("octo/calls", "v1", &[("action.yml", manifest), ("main.js", CALLS)]);
    let options = "const o = process.env.NODE_OPTIONS ?? 'none'; console.log(`options ${o}`)";
    mirror.commit("octo/options", "v1", &[("action.yml", manifest), ("main.js", options)]);
    let workflow = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n    - {uses: octo/USED@v1, env: {NODE_OPTIONS: --no-deprecation}}\n    - run: 'echo \"script ${NODE_OPTIONS:-none}\"; aws --version || true'\n";
    let run = |used: &str, aws: &[&str]| {
        let repo = Repo::new(&workflow.replace("USED", used), &[]);
        let mirrored = mirror.path().display().to_string();
        repo.sandbox(&[&["--mirror", &mirrored, "--offline"], aws].concat()).ends_with(0).lines()
    };
    let mut lines = run("calls", &[]);
    lines.truncate(4);
    lines.sort();
    assert_eq!(
        lines,
        [
            "get: 401 of 123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "options --no-deprecation --require FILE",
            "request: MissingAuthenticationToken of sts.us-east-1.amazonaws.com",
            "script none",
        ]
    );
    assert_eq!(run("options", &["--aws", "off"])[..2], ["options --no-deprecation", "script none"]);
}
