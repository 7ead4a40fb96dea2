use wfrun_syntax::Source;

use super::*;

fn workflow(text: &str) -> WorkflowSet {
    let source = Source::new("w.yml", text);
    let parsed = wfrun_syntax::parse(&source);
    let lowered = wfrun_workflow::lower(&source, parsed.value.as_ref());
    assert!(!lowered.has_errors(), "{:?}", lowered.diagnostics);
    WorkflowSet::alone(std::sync::Arc::new(lowered.value))
}

/// The names of a kind that are used and not created before.
fn used(set: &WorkflowSet, wanted: Kind) -> Vec<String> {
    let names = Names::of(set).wanted;
    let used = names.into_iter().filter(|((kind, _), wish)| *kind == wanted && *wish != Wish::Created);
    used.map(|((_, name), _)| name).collect()
}

/// What is there before the first step: what variables have literally.
#[test]
fn what_is_there_from_the_start() {
    let workflow = workflow(
        "on: push\nenv: {AWS_REGION: eu-west-1, ECR_REPOSITORY: shop, ECS_CLUSTER: web, ECS_SERVICE: front, ECS_TASK_DEFINITION: td.json}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    env: {ECS_CLUSTER: '${{ vars.C }}', CONTAINER_NAME: one}\n    steps:\n    - uses: aws-actions/amazon-ecs-deploy-task-definition@v1\n      with: {service: other, cluster: '${{ env.ECS_CLUSTER }}', task-definition: x.json}\n    - run: aws ecs describe-clusters --clusters more\n",
    );
    let (wanted, beforehand) = aws_names(&workflow, std::iter::empty());
    assert_eq!(wanted.region.as_deref(), Some("eu-west-1"));
    assert_eq!(wanted.repositories, ["shop"]);
    assert_eq!((wanted.clusters.len(), wanted.task_definitions.len()), (0, 0), "{wanted:?}");
    let services: Vec<_> = wanted.services.iter().map(|it| (it.cluster.as_str(), it.service.as_str())).collect();
    assert_eq!(services, [("default", "front")]);
    assert_eq!((beforehand.containers, beforehand.names_repositories), (vec!["one".to_owned()], true));
}

#[test]
fn found_everywhere() {
    let workflow = workflow(
        "on: push\nenv: {AWS_REGION: eu-west-1, C: web, ECR_REPOSITORY: shop}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n    - uses: aws-actions/amazon-ecs-deploy-task-definition@v1\n      with: {service: front, cluster: '${{ env.C }}', task-definition: x.json}\n    - run: |\n        aws ecs describe-task-definition \\\n          --task-definition \"${C}-task:3\" --query x\n        aws ecr describe-repositories --repository-names=other $UNKNOWN\n",
    );
    assert!(uses_aws(&workflow));
    assert_eq!(used(&workflow, Kind::Repository), ["shop", "other"]);
    assert_eq!(used(&workflow, Kind::Cluster), ["web"]);
    assert_eq!(used(&workflow, Kind::Service), ["front"]);
    assert_eq!(used(&workflow, Kind::Family), ["web-task"]);
}

/// Commands find what they create absent, and the rest there.
#[test]
fn what_is_created_is_not_there_before() {
    let commands = [
        "aws ecr create-repository --repository-name fresh",
        "aws ecr describe-images --repository-name fresh",
        "aws ecs create-cluster --cluster-name c",
        "aws ecs register-task-definition --family f --container-definitions x",
        "aws ecs create-service --cluster c --service-name s --task-definition f:1",
        "aws ecs wait services-stable --cluster c --services s",
        "aws ecs describe-services --cluster c --services old",
        "aws ecs create-service --cluster c --service-name old --task-definition known",
    ];
    let steps: Vec<String> = commands.iter().map(|it| format!("{{run: '{it}'}}")).collect();
    let text = format!(
        "on: push\nenv: {{ECR_REPOSITORY: fresh, ECS_CLUSTER: c}}\njobs: {{a: {{runs-on: x, steps: [{}]}}}}\n",
        steps.join(", ")
    );
    let workflow = workflow(&text);
    assert_eq!(used(&workflow, Kind::Repository), [] as [&str; 0]);
    assert_eq!(used(&workflow, Kind::Cluster), [] as [&str; 0]);
    assert_eq!(used(&workflow, Kind::Service), ["old"]);
    assert_eq!(used(&workflow, Kind::Family), ["known"]);
    // Nor from the start, though a variable has it.
    let (wanted, beforehand) = aws_names(&workflow, std::iter::empty());
    assert_eq!((wanted.repositories.len(), wanted.clusters.len()), (0, 0));
    assert!(beforehand.created.contains(&(Kind::Repository, "fresh".to_owned())), "{beforehand:?}");
}

#[test]
fn a_key_is_enough() {
    let text = "on: push\njobs: {a: {runs-on: x, steps: [{run: deploy.py, env: {K: '${{ secrets.prod_aws_access_key_id }}'}}]}}\n";
    assert!(uses_aws(&workflow(text)));
}

/// What is overlooked would meet the real AWS.
#[test]
fn also_in_a_parallel_group() {
    let step = "{parallel: [{run: aws ecs describe-clusters --cluster web}, {run: b}]}";
    let workflow = workflow(&format!("on: push\njobs: {{a: {{runs-on: x, steps: [{step}]}}}}\n"));
    assert!(uses_aws(&workflow));
    assert_eq!(used(&workflow, Kind::Cluster), ["web"]);
}

#[test]
fn nothing_to_do_with_aws() {
    let workflow = workflow("on: push\njobs: {a: {runs-on: x, steps: [{run: 'echo awsome'}]}}\n");
    assert!(!uses_aws(&workflow));
}

/// What the script of a step names, as `kind name`; `C` is a variable of the job.
fn named_by(script: &str, shell: &str) -> String {
    let script = serde_json::Value::from(script);
    let text = format!(
        "on: push\njobs: {{a: {{runs-on: x, env: {{C: web}}, steps: [{{run: {script}, shell: '{shell}'}}]}}}}\n"
    );
    let workflow = workflow(&text);
    let kinds = [
        ("cluster", Kind::Cluster),
        ("service", Kind::Service),
        ("family", Kind::Family),
        ("repository", Kind::Repository),
    ];
    let of = |(word, kind)| used(&workflow, kind).into_iter().map(move |it| format!("{word} {it}"));
    kinds.into_iter().flat_map(of).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_scripts_name() {
    for (script, expected) in [
        // Options before the service, and programs before `aws`.
        ("aws --region r ecs update-service --cluster c --service s", "cluster c, service s"),
        ("aws --debug ecs update-service --cluster=c --service 's'", "cluster c, service s"),
        ("aws $OPTIONS ecs update-service --cluster c", "cluster c"),
        ("sudo -E /usr/local/bin/aws ecs update-service --cluster c", "cluster c"),
        ("retry 3 aws ecs update-service --cluster c", "cluster c"),
        ("docker exec x sh -c 'aws ecs update-service --cluster c'", "cluster c"),
        ("retry 3 'aws ecs update-service --cluster c'", "cluster c"),
        // Where it is not clear what is a text, commands in it count.
        ("x 'y\naws ecs update-service \\\n  --cluster c", "cluster c"),
        // What is no command.
        ("# aws ecs update-service --cluster old", ""),
        ("echo \"aws ecs update-service --cluster old\"", ""),
        ("echo aws ecs update-service --cluster old", ""),
        ("cat <<END\naws ecs update-service --cluster old\nEND\necho", ""),
        // Several commands, each for itself.
        ("aws ecr describe-images --repository-name r; aws ecs update-service --cluster c", "cluster c, repository r"),
        ("aws ecs list-tasks --cluster c | aws logs tail --cluster d", "cluster c"),
        (
            "X=$(aws ecs list-tasks --cluster c)\nif [ \"$(aws ecs list-tasks --cluster d)\" ]; then a; fi",
            "cluster c, cluster d",
        ),
        ("timeout 9 bash -c 'until aws ecs list-tasks --cluster c; do sleep 1; done'", "cluster c"),
        ("bash <<'END'\naws ecs list-tasks --cluster c\nEND", "cluster c"),
        (
            "if a; then\n  aws ecs wait services-stable --cluster c \\\n    --services s t\nfi",
            "cluster c, service s, service t",
        ),
        // Variables.
        ("C=test; aws ecs update-service --cluster $C", "cluster test"),
        ("C=${C:-test}; aws ecs update-service --cluster \"$C-x\"", "cluster web-x"),
        ("A='--cluster c --service s'; aws ecs update-service $A", "cluster c, service s"),
        ("A=\"aws ecs update-service --cluster c\"\n$A", "cluster c"),
        ("aws ecs update-service --cluster ${{ env.C }}-${{ 'x' }}", "cluster web-x"),
        ("aws ecs update-service --cluster ${{ github.ref_name }} --service $S ${{ env.C }}", ""),
        ("if a; then C=test; fi; aws ecs update-service --cluster $C --service s", "service s"),
    ] {
        assert_eq!(named_by(script, "bash"), expected, "{script}");
    }
    for (script, shell, expected) in [
        ("aws ecs update-service `\n  --cluster c `\n  --service s\n", "pwsh", "cluster c, service s"),
        ("import os\nos.system('aws ecs update-service --cluster c')\n", "python", "cluster c"),
        ("aws ecs update-service --cluster c", "bash -ex {0}", "cluster c"),
    ] {
        assert_eq!(named_by(script, shell), expected, "{script}");
    }
}
