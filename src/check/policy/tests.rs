use std::path::Path;

use proptest::prelude::*;
use wfrun_aws::IdentityPolicy;
use wfrun_syntax::{Diagnostic, Severity, Source};
use wfrun_workflow::{Loaded, SetOptions, read_set};

use super::check;
use crate::check::CheckSettings;

/// What allows nothing of AWS's.
const NOTHING: &str = r#"{"Statement": {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}}"#;
const EVERYTHING: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

fn found(workflow: &str, policy: &str, root: &Path) -> Vec<Diagnostic> {
    let source = Source::new("w.yml", workflow);
    let set = read_set(&source, SetOptions::default(), &mut |_| Loaded::Elsewhere);
    assert!(!set.has_errors(), "{:#?}\n{workflow}", set.diagnostics);
    let policy = IdentityPolicy::parse("p.json", policy).expect("a policy");
    check(&set.value, root, &CheckSettings { policies: vec![policy], ..CheckSettings::default() })
}

/// A workflow with these steps and variables.
fn steps(steps: &str) -> String {
    format!(
        "on: push\nenv: {{AWS_REGION: eu-west-1, CLUSTER: news, OTHER: '${{{{ vars.OTHER }}}}'}}\njobs:\n  j:\n    \
         runs-on: ubuntu-latest\n    steps:\n{steps}"
    )
}

/// A step with a script.
fn run(script: &str) -> String {
    let lines: Vec<String> = script.lines().map(|it| format!("        {it}\n")).collect();
    steps(&format!("    - run: |\n{}", lines.concat()))
}

/// All that the steps need: "action resource" of each, and what is not known behind `?`.
#[track_caller]
fn needs(workflow: &str, want: &[&str]) {
    let told: Vec<String> = found(workflow, NOTHING, Path::new("/nowhere")).iter().map(told).collect();
    assert_eq!(told, want, "{workflow}");
}

fn told(found: &Diagnostic) -> String {
    let quoted: Vec<&str> = found.message.split('`').skip(1).step_by(2).collect();
    match found.severity {
        Severity::Warning => format!("{} {}", quoted[1], quoted[2]),
        Severity::Error | Severity::Note => {
            format!("? {}", found.message.split(" cannot be told").next().unwrap_or_default())
        }
    }
}

#[test]
fn commands_of_the_aws_cli() {
    let ecs = "arn:aws:ecs:eu-west-1:*:";
    for (script, want) in [
        ("aws sts get-caller-identity\naws configure set region x\naws --version", vec![]),
        (
            "aws ecs describe-services --cluster $CLUSTER --services api web | jq .",
            vec![
                format!("ecs:DescribeServices {ecs}service/news/api"),
                format!("ecs:DescribeServices {ecs}service/news/web"),
            ],
        ),
        (
            "X=$(aws ecs describe-clusters --clusters \"$CLUSTER\" --output text)",
            vec![format!("ecs:DescribeClusters {ecs}cluster/news")],
        ),
        (
            "if true; then\n  aws --region us-east-2 ecs update-service --service=api \\\n    --force-new-deployment\nfi",
            vec!["ecs:UpdateService arn:aws:ecs:us-east-2:*:service/default/api".to_owned()],
        ),
        (
            "aws ecs wait services-stable --cluster $OTHER --services api",
            vec![format!("ecs:DescribeServices {ecs}service/*/api")],
        ),
        (
            "sudo -E aws ecs list-tasks; ls | xargs aws ecs stop-task --task",
            vec!["ecs:ListTasks *".to_owned(), format!("ecs:StopTask {ecs}task/default/*")],
        ),
        (
            "aws ecs run-task --cluster news --task-definition migrate --tags key=a,value=b",
            vec![
                format!("ecs:RunTask {ecs}task-definition/migrate:*"),
                format!("ecs:TagResource {ecs}task-definition/migrate:*"),
                "iam:PassRole arn:aws:iam::*:role/*".to_owned(),
            ],
        ),
        (
            "aws ecs register-task-definition --family f --execution-role-arn exec --task-role-arn arn:aws:iam::1:role/task",
            vec![
                "ecs:RegisterTaskDefinition *".to_owned(),
                "iam:PassRole arn:aws:iam::*:role/exec".to_owned(),
                "iam:PassRole arn:aws:iam::1:role/task".to_owned(),
            ],
        ),
        (
            "aws ecr get-login-password | docker login -u AWS --password-stdin x",
            vec!["ecr:GetAuthorizationToken *".to_owned()],
        ),
        (
            "aws ecr-public get-login-password",
            vec!["ecr-public:GetAuthorizationToken *".to_owned(), "sts:GetServiceBearerToken *".to_owned()],
        ),
        (
            "aws ecr describe-images --repository-name news --image-ids imageTag=x",
            vec!["ecr:DescribeImages arn:aws:ecr:eu-west-1:*:repository/news".to_owned()],
        ),
        (
            "aws logs tail /ecs/news --since 1h",
            vec!["logs:FilterLogEvents arn:aws:logs:eu-west-1:*:log-group:/ecs/news".to_owned()],
        ),
        (
            "aws elbv2 describe-load-balancers --names a",
            vec!["elasticloadbalancing:DescribeLoadBalancers *".to_owned()],
        ),
        ("aws iam get-role --role-name r", vec!["iam:GetRole arn:aws:iam::*:role/r".to_owned()]),
        (
            "aws sts assume-role --role-arn arn:aws:iam::1:role/r --role-session-name s",
            vec!["sts:AssumeRole arn:aws:iam::1:role/r".to_owned()],
        ),
        ("echo aws ecs list-tasks\ncat <<END\naws ecs list-tasks\nEND\n# aws ecs list-tasks", vec![]),
    ] {
        needs(&run(script), &want.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn what_cannot_be_told_is_said() {
    for (script, want) in [
        ("aws s3 sync a s3://b", "? what `aws s3 sync` asks of AWS"),
        ("aws ecs make-tea", "? what `aws ecs make-tea` asks of AWS"),
        ("aws ecs", "? what `aws ecs` asks of AWS"),
        ("aws ecs --cluster news", "? what `aws ecs news` asks of AWS"),
        ("aws ecs wait", "? what `aws ecs wait` asks of AWS"),
        ("aws $OTHER", "? what `aws …` asks of AWS"),
        ("aws $OTHER list", "? what `aws … list` asks of AWS"),
        ("aws ecs list-tasks --profile other", "? what `aws ecs list-tasks` with another profile asks of AWS"),
        ("docker push $OTHER/news", "? to which registry `docker push` pushes, and what that asks of AWS"),
        (
            "docker compose ps\ndocker compose -f a.yml up -d",
            "? which images `docker compose -f` pushes or pulls, and what that asks of AWS",
        ),
        ("docker compose push", "? which images `docker compose push` pushes or pulls, and what that asks of AWS"),
        ("AWS_PROFILE=x\n./deploy.sh prod", "? what `./deploy.sh` asks of AWS"),
        ("terraform apply", "? what `terraform apply` asks of AWS"),
        ("bash scripts/deploy.sh", "? what `bash scripts/deploy.sh` asks of AWS"),
        ("make", "? what `make` asks of AWS"),
        ("aws ecs list-tasks \"", "? what a part of this script, which does not end as it begins, asks of AWS"),
    ] {
        let workflow = run(script).replace("CLUSTER: news", "CLUSTER: news, AWS_ACCESS_KEY_ID: x");
        let all: Vec<String> = found(&workflow, EVERYTHING, Path::new("/nowhere")).iter().map(told).collect();
        assert_eq!(all, [want], "{script}");
    }
    // Without keys nothing but AWS's own is looked at.
    needs(&run("docker push $OTHER/news\ndocker compose -f a.yml up\ndocker compose ps"), &[]);
    needs(&run("./build.sh\nmake\nterraform apply"), &[]);
    let shell = "    - {run: 'aws ecs list-tasks', shell: pwsh}\n";
    needs(&steps(shell), &["? what this script, which is not for bash or sh, asks of AWS"]);
    needs(
        &steps(&format!("{CONFIGURE}    - uses: ./deploy\n    - uses: some/action@v1\n    - uses: actions/cache@v4\n")),
        &["? what `./deploy` asks of AWS", "? what `some/action@v1` asks of AWS"],
    );
}

const CONFIGURE: &str = "    - {uses: aws-actions/configure-aws-credentials@v4, with: {aws-region: us-west-2}}\n";

#[test]
fn images() {
    let repository = "arn:aws:ecr:us-west-2:*:repository/news";
    let push: Vec<String> =
        ["BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"]
            .map(|it| format!("ecr:{it} {repository}"))
            .to_vec();
    let login = "    - {id: Login, uses: aws-actions/amazon-ecr-login@v2}\n";
    let token = "ecr:GetAuthorizationToken *".to_owned();
    let with = |rest: &[String]| [std::slice::from_ref(&token), rest].concat();
    let pull = ["BatchGetImage", "GetDownloadUrlForLayer"].map(|it| format!("ecr:{it} {repository}"));
    let registry = "${{ steps.login.outputs.registry }}";
    for (step, want) in [
        (format!("{{run: 'docker push $R/news:$T', env: {{R: '{registry}'}}}}"), with(&push)),
        (format!("{{run: 'docker push --quiet {registry}/news'}}"), with(&push)),
        (format!("{{run: 'docker buildx build . --push -t \"{registry}/news:${{{{ github.sha }}}}\"'}}"), with(&push)),
        (format!("{{run: 'docker build -t {registry}/news .'}}"), with(&[])),
        (format!("{{run: 'docker run --rm {registry}/news:x test'}}"), with(&pull)),
        ("{run: docker push ghcr.io/a/news:1}".to_owned(), with(&[])),
        (
            format!("{{uses: docker/build-push-action@v6, with: {{push: true, tags: '{registry}/news:a, x/y'}}}}"),
            with(&push),
        ),
        (
            format!(
                "{{uses: docker/build-push-action@v6, with: {{push: '${{{{ github.ref_name == ''main'' }}}}', tags: '{registry}/news'}}}}"
            ),
            with(&push),
        ),
        (format!("{{uses: docker/build-push-action@v6, with: {{push: false, tags: '{registry}/news'}}}}"), with(&[])),
        (
            "{uses: docker/login-action@v3, with: {registry: 123456789012.dkr.ecr.us-west-2.amazonaws.com}}".to_owned(),
            with(&[]),
        ),
    ] {
        let want: Vec<&str> = want.iter().map(String::as_str).collect();
        needs(&steps(&format!("{CONFIGURE}{login}    - {step}\n")), &want);
    }
    let meta = format!(
        "{CONFIGURE}{login}    - {{id: meta, uses: docker/metadata-action@v5, with: {{images: '{registry}/news'}}}}\n    - {{uses: \
         docker/build-push-action@v6, with: {{push: true, tags: '${{{{ steps.meta.outputs.tags }}}}'}}}}\n"
    );
    let want = with(&push);
    needs(&steps(&meta), &want.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn roles_and_deployments() {
    let configure = |with: &str| {
        let with = if with.is_empty() { String::new() } else { format!(", {with}") };
        steps(&format!("    - {{uses: aws-actions/configure-aws-credentials@v4, with: {{aws-region: r{with}}}}}\n"))
    };
    let role = "role-to-assume: 'arn:aws:iam::123456789012:role/deploy'";
    let assume = [
        "sts:AssumeRole arn:aws:iam::123456789012:role/deploy",
        "sts:TagSession arn:aws:iam::123456789012:role/deploy",
    ];
    needs(&configure(role), &[]);
    needs(&configure(&format!("aws-access-key-id: x, {role}")), &assume);
    needs(&configure(&format!("role-chaining: true, role-skip-session-tagging: true, {role}")), &assume[..1]);
    needs(
        &configure("aws-access-key-id: x, role-skip-session-tagging: true, role-to-assume: deploy"),
        &["sts:AssumeRole arn:aws:iam::*:role/deploy"],
    );
    let keys = configure(role).replace("CLUSTER: news", "AWS_ACCESS_KEY_ID: x");
    needs(&keys, &["? whether `aws-actions/configure-aws-credentials@v4` assumes the role with keys"]);
    let deploy = |with: &str| {
        steps(&format!(
            "    - {{uses: aws-actions/amazon-ecs-deploy-task-definition@v2, with: {{task-definition: task.json, {with}}}}}\n"
        ))
    };
    let register = ["ecs:RegisterTaskDefinition *", "iam:PassRole arn:aws:iam::*:role/*"];
    let service = [
        "ecs:DescribeServices arn:aws:ecs:eu-west-1:*:service/news/api",
        "ecs:UpdateService arn:aws:ecs:eu-west-1:*:service/news/api",
    ];
    needs(&deploy("desired-count: 1"), &register);
    needs(&deploy("service: api, cluster: '${{ env.CLUSTER }}'"), &[register, service].concat());
    needs(
        &deploy("service: api, cluster: news, codedeploy-appspec: a.yml"),
        &[
            register[0],
            register[1],
            service[0],
            "? what `aws-actions/amazon-ecs-deploy-task-definition@v2` asks of CodeDeploy",
        ],
    );
    needs(
        &deploy("run-task: true, wait-for-task-stopped: true"),
        &[
            register[0],
            register[1],
            "ecs:RunTask arn:aws:ecs:eu-west-1:*:task-definition/*:*",
            "ecs:DescribeTasks arn:aws:ecs:eu-west-1:*:task/default/*",
        ],
    );
}

/// The roles of a task definition are those of its file, as long as no command writes it.
#[test]
fn task_definitions_of_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let definition = r#"{"family": "news", "executionRoleArn": "arn:aws:iam::1:role/exec", "taskRoleArn": "$ROLE"}"#;
    std::fs::write(folder.path().join("task.json"), definition).expect("a file");
    let roles = |steps_before: &str, last: &str| {
        let all = found(&steps(&format!("{steps_before}    - {last}\n")), NOTHING, folder.path());
        let roles = all.iter().map(told).filter(|it| it.starts_with("iam:")).map(|it| it.replace("iam:PassRole ", ""));
        roles.collect::<Vec<_>>()
    };
    let any = "arn:aws:iam::*:role/*";
    let deploy = |file: &str| {
        format!("{{uses: aws-actions/amazon-ecs-deploy-task-definition@v2, with: {{task-definition: '{file}'}}}}")
    };
    let render = |with: &str| {
        format!(
            "    - {{id: r, uses: aws-actions/amazon-ecs-render-task-definition@v1, with: {{container-name: c, image: i, {with}}}}}\n"
        )
    };
    let rendered = deploy("${{ steps.r.outputs.task-definition }}");
    let exec = "arn:aws:iam::1:role/exec";
    assert_eq!(roles("", &deploy("task.json")), [exec, any]);
    assert_eq!(roles("", &deploy("./task.json")), [exec, any]);
    assert_eq!(roles("", &deploy("other.json")), [any]);
    assert_eq!(roles("", &deploy("../task.json")), [any]);
    assert_eq!(roles("    - run: jq . a > task.json\n", &deploy("task.json")), [any]);
    assert_eq!(roles("    - run: sed -i s/a/b/ ./task.json\n", &deploy("task.json")), [any]);
    assert_eq!(roles("    - run: cd x && jq . a > task.json\n", &deploy("task.json")), [any]);
    assert_eq!(roles("    - {run: jq . a > b.json, working-directory: x}\n", &deploy("task.json")), [any]);
    assert_eq!(roles("    - run: jq . task.json\n", &deploy("task.json")), [exec, any]);
    assert_eq!(roles(&render("task-definition: task.json"), &rendered), [exec, any]);
    assert_eq!(
        roles(&render("task-definition: task.json, task-role-arn: 'arn:aws:iam::1:role/task'"), &rendered),
        [exec, "arn:aws:iam::1:role/task"]
    );
    assert_eq!(roles(&render("task-definition-family: news"), &rendered), [any]);
    assert_eq!(roles("", "{run: 'aws ecs register-task-definition --cli-input-json file://task.json'}"), [exec, any]);
}

#[test]
fn findings_say_where_why_and_what_to_do() {
    let workflow = run("echo\naws ecs list-tasks --cluster x");
    let all = found(&workflow, NOTHING, Path::new("/nowhere"));
    let [gap] = all.as_slice() else { panic!("{all:#?}") };
    assert_eq!(gap.exact().expect("a place").text(), "aws ecs list-tasks");
    assert_eq!(gap.message, "`aws ecs list-tasks` needs `ecs:ListTasks` on `*`, which `p.json` does not allow");
    assert_eq!(
        gap.help.as_deref(),
        Some(r#"add the statement {"Effect":"Allow","Action":"ecs:ListTasks","Resource":"*"}"#)
    );
    let denies = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "No", "Effect": "Deny", "Action": "ecs:*", "Resource": "*"}]}"#;
    let all = found(&workflow, denies, Path::new("/nowhere"));
    assert_eq!(all[0].message, "`aws ecs list-tasks` needs `ecs:ListTasks` on `*`, which `p.json` denies");
    assert_eq!(
        all[0].help.as_deref(),
        Some("leave it out of Statement[1] (`No`): no other statement outweighs a `Deny`")
    );
    let one =
        r#"{"Statement": {"Effect": "Allow", "Action": "ecs:*", "Resource": "arn:aws:ecs:*:*:service/news/api"}}"#;
    let describe = |service: &str| {
        found(
            &run(&format!("aws ecs describe-services --cluster news --services {service}")),
            one,
            Path::new("/nowhere"),
        )
    };
    assert!(describe("api").is_empty());
    assert_eq!(describe("web")[0].code.as_str(), "aws/policy-gap");
    let open = describe("$OTHER");
    assert_eq!(open[0].code.as_str(), "aws/policy-not-known");
    assert_eq!(
        open[0].message,
        "whether `p.json` allows `ecs:DescribeServices` on `arn:aws:ecs:eu-west-1:*:service/news/*`, which `aws ecs \
         describe-services` needs, depends on what only a run can tell"
    );
}

/// What a variable is may change on the way.
#[test]
fn variables() {
    let cluster = |workflow: String| {
        let all = found(&workflow, NOTHING, Path::new("/nowhere"));
        all.iter().map(|it| told(it).rsplit('/').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let describe = "aws ecs describe-clusters --clusters $CLUSTER";
    assert_eq!(cluster(run(describe)), ["news"]);
    assert_eq!(cluster(run(&format!("CLUSTER=own\n{describe}"))), ["own"]);
    let own = steps(&format!("    - {{run: {describe}, env: {{CLUSTER: own}}}}\n"));
    assert_eq!(cluster(own), ["own"]);
    let written = "    - run: echo \"CLUSTER=x\" >> $GITHUB_ENV\n";
    assert_eq!(cluster(steps(&format!("{written}    - run: {describe}\n"))), ["*"]);
    assert_eq!(cluster(steps(&format!("    - run: {describe}\n")).replace("news", "'${{ vars.X }}'")), ["*"]);
    let region = steps(&format!("{CONFIGURE}    - run: {describe}\n"));
    assert!(told(&found(&region, NOTHING, Path::new("/nowhere"))[0]).contains(":us-west-2:"));
}

/// The steps of composite actions ask for the same as a job's own, and are told where they stand.
#[test]
fn composite_actions() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write(
        "deploy/action.yml",
        "name: d\ninputs: {Service: {}, cluster: {default: main}}\noutputs: {registry: {value: '${{ steps.l.outputs.registry }}'}}\nruns:\n  \
         using: composite\n  steps:\n  - {uses: aws-actions/configure-aws-credentials@v4, with: {aws-region: us-west-2}}\n  - {id: l, uses: \
         aws-actions/amazon-ecr-login@v2}\n  - {run: 'aws ecs update-service --service ${{ inputs.service }} --cluster $C', shell: bash, \
         env: {C: '${{ inputs.cluster }}'}}\n  - uses: ./more\n",
    );
    write(
        "more/action.yaml",
        "name: m\nruns: {using: composite, steps: [{run: aws ecs list-tasks, shell: bash}, {uses: ./more}]}\n",
    );
    write("js/action.yml", "name: j\nruns: {using: node20, main: a.js}\n");
    let workflow = steps(
        "    - {id: d, uses: ./deploy, with: {service: '${{ env.CLUSTER }}-api'}}\n    - run: docker pull ${{ \
         steps.d.outputs.registry }}/news\n    - run: aws ecs describe-clusters --clusters $CLUSTER\n    - uses: ./js\n",
    );
    let all = found(&workflow, NOTHING, folder.path());
    assert_eq!(
        all.iter().map(told).collect::<Vec<_>>(),
        [
            "ecr:GetAuthorizationToken *",
            "ecs:UpdateService arn:aws:ecs:us-west-2:*:service/main/news-api",
            "ecs:ListTasks *",
            "? what `./more` asks of AWS",
            "ecr:BatchGetImage arn:aws:ecr:us-west-2:*:repository/news",
            "ecr:GetDownloadUrlForLayer arn:aws:ecr:us-west-2:*:repository/news",
            "ecs:DescribeClusters arn:aws:ecs:us-west-2:*:cluster/news",
            "? what `./js` asks of AWS",
        ]
    );
    let place = all[1].exact().expect("a place");
    assert_eq!((place.source.path().ends_with("deploy/action.yml"), place.text()), (true, "aws ecs update-service"));
}

proptest! {
    /// Whatever stands behind these programs, it is a text that somebody may have written.
    #[test]
    fn no_command_breaks_it(words in prop::collection::vec(prop::sample::select(WORDS), 0..8)) {
        found(&run(&words.join(" ")), NOTHING, Path::new("/nowhere"));
    }
}

const WORDS: &[&str] = &[
    "aws",
    "docker",
    "sudo",
    "ecs",
    "logs",
    "iam",
    "wait",
    "tail",
    "run-task",
    "push",
    "image",
    "buildx",
    "compose",
    "build",
    "-t",
    "--tags",
    "--tags=a",
    "--",
    "--region",
    "--no-",
    "--cli-input-json",
    "[1",
    "{}",
    "file://x",
    "''",
    "$OTHER",
    "=",
    ";",
    "|",
    ">",
    "x",
    "a.dkr.ecr.",
    "1.dkr.ecr.x.amazonaws.com/a:b@c",
    "--platform",
    "make",
    "./x",
];

/// Source: AWS: rules A3.4.
#[test]
fn tags_of_a_repository_that_takes_them_once() {
    let account = "ecr: { repositories: [{ name: web, imageTagMutability: IMMUTABLE }, other] }\n";
    let ecr = wfrun_aws::AccountFile::parse(account).expect("an account file").ecr.repositories;
    let settings = CheckSettings { ecr, ..CheckSettings::default() };
    let registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    for (script, want) in [
        (format!("docker push {registry}/web:latest"), vec!["latest"]),
        (format!("R={registry}\ndocker push $R/web"), vec!["latest"]),
        (format!("docker buildx build --push -t {registry}/web:v1 -t {registry}/web:$GITHUB_SHA ."), vec!["v1"]),
        (format!("docker push {registry}/web:latest\ndocker push {registry}/web:latest"), vec!["latest"]),
        (format!("docker push {registry}/web:$GITHUB_SHA"), vec![]),
        (format!("docker push --all-tags {registry}/web"), vec![]),
        (format!("docker push {registry}/other:latest"), vec![]),
        ("docker push ghcr.io/web:latest".to_owned(), vec![]),
        (format!("docker pull {registry}/web:latest\naws ecs list-clusters"), vec![]),
    ] {
        let source = Source::new("w.yml", run(&script));
        let set = read_set(&source, SetOptions::default(), &mut |_| Loaded::Elsewhere);
        let found = check(&set.value, Path::new("/nowhere"), &settings);
        assert!(found.iter().all(|it| it.code.as_str() == "aws/immutable-tag"), "{found:?}");
        let tags: Vec<_> = found.iter().filter_map(|it| it.message.split('`').nth(3)).collect();
        assert_eq!(tags, want, "{script}");
    }
}
