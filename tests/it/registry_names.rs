//! The account's registry by Amazon's name: who asks it by that name in a run, and who must not.
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cancel::interrupt;
use crate::docker::{has_docker, left};
use crate::repo::{Ran, Repo, can_sandbox};

/// Logs in, builds, pushes, pulls, deploys; the next job runs in that image where there is an engine.
const WORKFLOW: &str = r#"on: push
env: {AWS_REGION: eu-west-1, ECR_REPOSITORY: team/shop, ECS_CLUSTER: c, ECS_SERVICE: s, ECS_TASK_DEFINITION: t, CONTAINER_NAME: shop}
jobs:
  build:
    runs-on: ubuntu-latest
    outputs:
      image: ${{ steps.image.outputs.image }}
      digest: ${{ steps.image.outputs.digest }}
      password: ${{ steps.password.outputs.password }}
    steps:
    - uses: actions/checkout@v4
    - uses: aws-actions/configure-aws-credentials@v4
      with:
        aws-access-key-id: ${{ secrets.AWS_ACCESS_KEY_ID }}
        aws-secret-access-key: ${{ secrets.AWS_SECRET_ACCESS_KEY }}
        aws-region: ${{ env.AWS_REGION }}
    - {id: login, uses: aws-actions/amazon-ecr-login@v2, with: {mask-password: 'false'}}
    - id: image
      shell: bash
      env: {REGISTRY: '${{ steps.login.outputs.registry }}'}
      run: |
        mkdir -p root && tar -chf - /bin/bash $(ldd /bin/bash | grep -o '/lib[^ ]*') 2>/dev/null | tar -xf - -C root
        cp root/bin/bash root/bin/sh
        image=$REGISTRY/$ECR_REPOSITORY:$GITHUB_SHA
        docker build -t $image .
        docker push $image
        docker rmi $image
        docker pull $image
        docker tag $image $REGISTRY/$ECR_REPOSITORY:latest
        docker push $REGISTRY/$ECR_REPOSITORY:latest
        docker rmi $image $REGISTRY/$ECR_REPOSITORY:latest
        mkdir child && printf 'ARG FROM\nFROM $FROM/team/shop:latest\nUSER x\n' > child/Dockerfile
        docker build -t child --build-arg FROM=$REGISTRY child
        digest=$(aws ecr describe-images --repository-name $ECR_REPOSITORY --query 'imageDetails[0].imageDigest' --output text)
        printf '%s\n' "image=$image" "digest=$REGISTRY/$ECR_REPOSITORY@$digest" >> $GITHUB_OUTPUT
        aws ecr describe-images --repository-name $ECR_REPOSITORY --query 'sort(imageDetails[0].imageTags)' --output text
        aws ecr describe-repositories --query 'repositories[0].repositoryUri' --output text
    - id: password
      shell: bash
      run: |
        password=$(aws ecr get-login-password)
        docker login --username AWS --password-stdin ${{ steps.login.outputs.registry }} <<< "$password"
        echo "password=$password" >> $GITHUB_OUTPUT
    - run: 'echo "{\"family\":\"t\",\"containerDefinitions\":[{\"name\":\"shop\",\"image\":\"x\",\"essential\":true,\"memory\":64}]}" > td.json'
    - id: definition
      uses: aws-actions/amazon-ecs-render-task-definition@v1
      with: {task-definition: td.json, container-name: shop, image: '${{ steps.image.outputs.image }}'}
    - uses: aws-actions/amazon-ecs-deploy-task-definition@v1
      with: {task-definition: '${{ steps.definition.outputs.task-definition }}', cluster: c, service: s, wait-for-service-stability: true}
    - shell: bash
      run: |
        name=$(aws ecs describe-services --cluster c --services s --query 'services[0].taskDefinition' --output text)
        image=$(aws ecs describe-task-definition --task-definition $name --query 'taskDefinition.containerDefinitions[0].image' --output text)
        echo "deployed: $image"
    # Of another account's registry nothing is known here, and Amazon is not asked.
    - shell: bash
      run: |
        other=210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop:1
        docker tag child $other
        docker push $other && exit 1
        docker rmi $other
        echo "not pushed elsewhere"
"#;

/// Jobs in the images that the one before them pushed: by an output, and by a name that `--offline` looks at before the run.
const IN_IMAGE: &str = r#"  use:
    needs: build
    runs-on: ubuntu-latest
    container: {image: '${{ needs.build.outputs.image }}', credentials: {username: AWS, password: '${{ needs.build.outputs.password }}'}}
    steps:
    - shell: bash
      run: read -r text < /a.txt && echo "in the image there is $text"
  latest:
    needs: build
    runs-on: ubuntu-latest
    container: {image: '100000000011.dkr.ecr.eu-west-1.amazonaws.com/team/shop', credentials: {username: AWS, password: '${{ needs.build.outputs.password }}'}}
    steps:
    - shell: bash
      run: read -r text < /a.txt && echo "in the latest image there is $text"
  more:
    needs: build
    runs-on: ubuntu-latest
    env: {DIGEST: '${{ needs.build.outputs.digest }}', RUNNER: wfrun/runner:bookworm, SOCKET: /var/run/docker.sock}
    steps:
    - run: docker login --username AWS --password '${{ needs.build.outputs.password }}' ${DIGEST%%/*}
    - run: docker pull $DIGEST && docker run --rm --entrypoint /bin/sh $DIGEST -c 'echo this runs by its digest'
    - run: |
        mkdir onbuild && printf 'FROM %s/team/shop:latest\nONBUILD USER y\n' ${DIGEST%%/*} > onbuild/Dockerfile
        docker build --pull -t wfrun-onbuild onbuild && docker rmi wfrun-onbuild && echo built with ONBUILD
    - run: docker run --rm --volume $SOCKET:$SOCKET --entrypoint docker $RUNNER pull 210987654321.dkr.ecr.eu-west-1.amazonaws.com/in-there:1 || true
"#;

fn repo(account: &str, mode: &str, more: &str) -> Repo {
    let file = format!("account: \"{account}\"\necr:\n  host_mode: {mode}\n  repositories: [team/shop]\n");
    let files = [("Dockerfile", "FROM scratch\nCOPY root a.txt /\n"), ("a.txt", "a file\n"), (".wfrun/aws.yml", &file)];
    Repo::new(&format!("{WORKFLOW}{more}"), &files)
}

const SECRETS: [&str; 4] =
    ["-s", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "-s", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG"];

fn wfrun(repo: &Repo, backend: &str) -> Ran {
    repo.wfrun(&[&["w.yml", "--backend", backend, "--json"], &SECRETS[..]].concat())
}

fn notices(ran: &Ran) -> Vec<String> {
    ran.of_type("notice").iter().filter_map(|it| Some(it["message"].as_str()?.to_owned())).collect()
}

/// Names of images that an engine has of these accounts' registries. Other tests have others there meanwhile.
fn in_engine(accounts: &[&str]) -> Vec<String> {
    let output =
        Command::new("docker").args(["images", "--format", "{{.Repository}}:{{.Tag}}"]).output().expect("docker");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter(|line| accounts.iter().any(|it| line.starts_with(it))).map(str::to_owned).collect()
}

#[track_caller]
fn deploys_by_amazons_name(repo: &Repo, ran: &Ran, account: &str) {
    let registry = format!("{account}.dkr.ecr.eu-west-1.amazonaws.com");
    let (lines, sha) = (ran.lines(), repo.git(&["rev-parse", "HEAD"]));
    for line in [
        format!("{sha}\tlatest"),
        format!("{registry}/team/shop"),
        format!("deployed: {registry}/team/shop:{sha}"),
        "Login Succeeded".to_owned(),
        "not pushed elsewhere".to_owned(),
    ] {
        assert!(lines.contains(&line), "{line}: {lines:#?}");
    }
    let told = format!("images of the account's registry are called by Amazon's name in this run, {registry}");
    assert!(notices(ran).contains(&told), "{:?}", notices(ran));
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
}

#[test]
fn a_run_on_an_engine() {
    const ACCOUNT: &str = "100000000011";
    if !has_docker() {
        return;
    }
    let repo = repo(ACCOUNT, "proxy", IN_IMAGE);
    let ran =
        repo.wfrun(&[&["w.yml", "--backend", "docker", "--offline", "--json"], &SECRETS[..]].concat()).ends_with(0);
    deploys_by_amazons_name(&repo, &ran, ACCOUNT);
    let lines = ran.lines();
    for line in [
        "in the image there is a file",
        "in the latest image there is a file",
        "this runs by its digest",
        "built with ONBUILD",
    ] {
        assert!(lines.iter().any(|it| it == line), "{line}: {lines:#?}");
    }
    let refused =
        "210987654321.dkr.ecr.eu-west-1.amazonaws.com is not the registry of the emulated account 100000000011";
    let is_refused = |it: &&String| it.contains(refused);
    assert_eq!(lines.iter().filter(is_refused).count(), 2, "by the job, and by a container of it: {lines:#?}");
    let declared = ran.of_type("declared");
    assert!(
        !declared.iter().any(|it| it["subject"].as_str().is_some_and(|it| it.starts_with("docker"))),
        "{declared:?}"
    );
    assert_eq!(left(&ran), "", "containers, networks and volumes are gone");
    assert!(in_engine(&[ACCOUNT, "210987654321."]).is_empty(), "{:?}", in_engine(&[ACCOUNT]));
}

#[test]
fn a_run_in_a_sandbox() {
    const ACCOUNT: &str = "100000000012";
    if !can_sandbox() {
        return;
    }
    for mode in ["auto", "proxy"] {
        let repo = repo(ACCOUNT, mode, "");
        // Green but for the push to another account's registry, which is not here.
        let ran = wfrun(&repo, "sandbox").ends_with(5);
        deploys_by_amazons_name(&repo, &ran, ACCOUNT);
        let declared = ran.of_type("declared");
        let not_run: Vec<_> = declared.iter().filter(|it| it["how"] == "not run").map(|it| &it["subject"]).collect();
        assert_eq!(not_run, ["docker registry 210987654321.dkr.ecr.eu-west-1.amazonaws.com"]);
        let refused = "`210987654321.dkr.ecr.eu-west-1.amazonaws.com` is not on this machine";
        assert!(ran.lines().iter().any(|it| it.contains(refused)), "{:#?}", ran.lines());
    }
}

/// Whoever had a name of the registry before has it again, and neither Ctrl-C nor a kill leaves any.
#[test]
fn names_go_back_however_a_run_ends() {
    if !has_docker() {
        return;
    }
    for (account, mode, signal) in [
        ("100000000013", "proxy", Signal::SIGINT),
        ("100000000016", "proxy", Signal::SIGKILL),
        ("100000000017", "loopback", Signal::SIGKILL),
    ] {
        names_go_back_after(account, mode, signal);
    }
}

fn names_go_back_after(account: &str, mode: &str, signal: Signal) {
    const WORKFLOW: &str = "on: push
env: {AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE, AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI, AWS_REGION: us-east-1}
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - {uses: aws-actions/amazon-ecr-login@v2, id: login}
    - env: {registry: '${{ steps.login.outputs.registry }}'}
      run: |
        printf 'FROM scratch\\nLABEL a=b\\n' | docker build -t $registry/mine:1 -t $registry/mine:2 -
        echo registry: $registry
        docker images --quiet $registry/mine:1
        echo started
        sleep 987
";
    let docker = |arguments: &[&str]| {
        let output = Command::new("docker").args(arguments).output().expect("docker");
        assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let mine = format!("{account}.dkr.ecr.us-east-1.amazonaws.com/mine:1");
    docker(&["tag", crate::docker::IMAGE, &mine]);
    let id = docker(&["image", "inspect", "--format", "{{.Id}}", &mine]);
    let file = format!("account: \"{account}\"\necr: {{host_mode: {mode}}}\n");
    let repo = Repo::new(WORKFLOW, &[(".wfrun/aws.yml", &file)]);
    let (ran, _) = interrupt(&repo, "docker", signal);
    let lines = ran.lines();
    let registry = lines.iter().find_map(|it| it.strip_prefix("registry: ")).expect("the registry's name");
    let names = || in_engine(&[account, registry]);
    // Whoever takes away what a killed run left begins when it is dead.
    let is_killed = signal == Signal::SIGKILL;
    for _ in 0..if is_killed { 1200 } else { 0 } {
        let is_given_back =
            names() == [mine.as_str()] && docker(&["image", "inspect", "--format", "{{.Id}}", &mine]) == id;
        if is_given_back && left(&ran).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let (after, names) = (docker(&["image", "inspect", "--format", "{{.Id}}", &mine]), names());
    docker(&["rmi", &mine]);
    let short = id.trim_start_matches("sha256:").get(..12).expect("an id");
    assert!(!lines.iter().any(|it| it == short), "the step built another image of that name: {lines:?}");
    assert_eq!((after, names), (id, vec![mine]), "{mode}, {signal}");
    assert_eq!(left(&ran), "");
    if !is_killed {
        ran.ends_with(130);
        assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
    }
}

#[test]
fn the_address_where_it_is_wanted_or_where_the_name_would_not_do() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push\nenv: {AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE, AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI, AWS_DEFAULT_REGION: us-east-1}\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'aws ecr describe-repositories --query repositories[0].repositoryUri --output text'}, {run: 'MORE'}]}}\n";
    let is_address = |ran: &Ran| ran.lines().iter().any(|it| it.starts_with("127.0.0.1:") && it.ends_with("/shop"));
    let crane = "because it is missing, crane fails: crane push a || true";
    let said = "not by Amazon's name: the workflow names `crane`, which asks registries by itself";
    for (mode, more, is_by_address, reason) in [
        ("loopback", "echo", true, None),
        ("auto", crane, true, Some(said)),
        ("proxy", crane, false, Some("called by Amazon's name in this run")),
        ("auto", "echo", false, Some("called by Amazon's name in this run")),
    ] {
        let file = format!("ecr: {{host_mode: {mode}, repositories: [shop]}}\n");
        let repo = Repo::new(&workflow.replace("MORE", &format!("# {more}")), &[(".wfrun/aws.yml", &file)]);
        let ran = repo.sandbox(&[]).ends_with(0);
        assert_eq!(is_address(&ran), is_by_address, "{mode} {more}: {:?}", ran.lines());
        let told: Vec<String> = notices(&ran).into_iter().filter(|it| it.contains("Amazon's name")).collect();
        assert_eq!(told.len(), usize::from(reason.is_some()), "{told:?}");
        assert!(told.iter().all(|it| it.contains(reason.unwrap_or_default())), "{told:?}");
    }
}

/// What asks by itself finds nothing, and the run says why: it is no registry of Amazon's that answers.
#[test]
fn a_program_that_looks_the_name_up() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push\nenv: {AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE, AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI, AWS_DEFAULT_REGION: us-east-1}\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'aws sts get-caller-identity'}, {run: 'getent hosts 123456789012.dkr.ecr.us-east-1.amazonaws.com || echo not found; sleep 1'}]}}\n";
    let repo = Repo::new(workflow, &[]);
    for _ in 0..20 {
        let ran = repo.sandbox(&[]).ends_with(0);
        let is_found = !ran.lines().iter().any(|it| it == "not found");
        // Another test may have the port of the name server.
        if notices(&ran).iter().any(|it| it.contains("AWS's names are blocked by a list")) {
            assert!(is_found && ran.lines().iter().any(|it| it.starts_with("0.0.0.0 ")), "{:?}", ran.lines());
            continue;
        }
        assert!(!is_found, "{:?}", ran.lines());
        let said = "a step looked 123456789012.dkr.ecr.us-east-1.amazonaws.com up by itself";
        assert!(notices(&ran).iter().any(|it| it.starts_with(said)), "{:?}", notices(&ran));
        return;
    }
    println!("skipped: other programs have port 53 of 127.77.0.53");
}

/// As on GitHub: a job that masks the account's number has no outputs that hold it, and the registry's name does.
#[test]
fn an_output_with_a_masked_number_is_empty() {
    if !can_sandbox() {
        return;
    }
    for (version, got) in [("v2", ""), ("v4", "123456789012.dkr.ecr.us-east-1.amazonaws.com")] {
        let workflow = format!(
            r#"on: push
jobs:
  a:
    runs-on: ubuntu-latest
    outputs: {{registry: '${{{{ steps.login.outputs.registry }}}}'}}
    steps:
    - uses: aws-actions/configure-aws-credentials@{version}
      with: {{aws-region: us-east-1, aws-access-key-id: '${{{{ secrets.AWS_ACCESS_KEY_ID }}}}', aws-secret-access-key: '${{{{ secrets.AWS_SECRET_ACCESS_KEY }}}}'}}
    - {{id: login, uses: aws-actions/amazon-ecr-login@v2}}
    - run: test "${{{{ steps.login.outputs.registry }}}}" = 123456789012.dkr.ecr.us-east-1.amazonaws.com
  b:
    needs: a
    runs-on: ubuntu-latest
    steps: [{{run: 'echo "got: ${{{{ needs.a.outputs.registry }}}}"'}}]
"#
        );
        let repo = Repo::new(&workflow, &[]);
        let ran = repo.sandbox(&SECRETS).ends_with(0);
        assert!(
            ran.lines().iter().any(|it| it.trim_end() == format!("got: {got}").trim_end()),
            "{version}: {:?}",
            ran.lines()
        );
    }
}

/// Names of images are the engine's, so that one run at a time can have those of an account.
#[test]
fn a_name_that_another_run_has() {
    const ACCOUNT: &str = "100000000014";
    if !has_docker() {
        return;
    }
    let describe = "aws ecr describe-repositories --query repositories[0].repositoryUri --output text";
    let start = |mode: &str, more: &str| {
        let workflow = format!(
            "on: push\nenv: {{AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE, AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI, AWS_DEFAULT_REGION: us-east-1}}\njobs: {{j: {{runs-on: ubuntu-latest, steps: [{{run: '{describe}'}}, {{run: echo started; {more}}}]}}}}\n"
        );
        let file = format!("account: \"{ACCOUNT}\"\necr: {{host_mode: {mode}, repositories: [shop]}}\n");
        let repo = Repo::new(&workflow, &[(".wfrun/aws.yml", &file)]);
        let mut command = repo.command(&["w.yml", "--backend", "docker", "--json"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("wfrun starts");
        (repo, child)
    };
    let run = |mode: &str| {
        let (_repo, child) = start(mode, "true");
        Ran::of(&child.wait_with_output().expect("its end"))
    };
    let (repo, mut first) = start("auto", "sleep 987");
    let lines = BufReader::new(first.stdout.as_mut().expect("a pipe")).lines();
    let begun = lines.map_while(Result::ok).any(|it| it.contains(r#""text":"started""#));
    let (auto, asked) = (run("auto"), run("proxy"));
    kill(Pid::from_raw(i32::try_from(first.id()).expect("a process id")), Signal::SIGINT).expect("a signal");
    first.wait().expect("its end");
    assert!(begun, "the first run has begun");
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
    let (auto, asked) = (auto.ends_with(0), asked.ends_with(3));
    let said = "not by Amazon's name: another run uses that name on this engine now";
    assert!(notices(&auto).iter().any(|it| it.contains(said)), "{:?}", notices(&auto));
    assert!(auto.lines().iter().any(|it| it.starts_with("127.0.0.1:")), "{:?}", auto.lines());
    for part in ["`ecr.host_mode: proxy`", "another run uses that name", "write `ecr.host_mode: auto`"] {
        assert!(asked.stderr.contains(part), "{part}: {}", asked.stderr);
    }
    assert!(run("proxy").ends_with(0).lines().iter().any(|it| it.starts_with(ACCOUNT)));
}

/// On this machine itself steps find the engine by a variable, where the account file asks for it.
#[test]
fn a_run_on_the_host() {
    const ACCOUNT: &str = "100000000015";
    if !has_docker() {
        return;
    }
    let workflow = r#"on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - uses: aws-actions/configure-aws-credentials@v4
      with:
        aws-access-key-id: ${{ secrets.AWS_ACCESS_KEY_ID }}
        aws-secret-access-key: ${{ secrets.AWS_SECRET_ACCESS_KEY }}
        aws-region: us-east-1
    - {id: login, uses: aws-actions/amazon-ecr-login@v2}
    - run: |
        docker build -t $IMAGE . && docker push $IMAGE && docker rmi $IMAGE
        docker pull $IMAGE && echo "pulled $IMAGE"
      env: {IMAGE: '${{ steps.login.outputs.registry }}/shop:1'}
"#;
    let run = |mode: &str| {
        let file = format!("account: \"{ACCOUNT}\"\necr: {{host_mode: {mode}, repositories: [shop]}}\n");
        let files = [("Dockerfile", "FROM scratch\nLABEL on=host\n"), (".wfrun/aws.yml", &file)];
        let repo = Repo::new(workflow, &files);
        let ran = wfrun(&repo, "host").ends_with(0);
        assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
        ran
    };
    let ran = run("proxy");
    let pulled = format!("pulled {ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/shop:1");
    assert!(ran.lines().contains(&pulled), "{:?}", ran.lines());
    assert!(in_engine(&[ACCOUNT]).is_empty(), "{:?}", in_engine(&[ACCOUNT]));
    let ran = run("auto");
    let lines = ran.lines();
    let address = lines.iter().find_map(|it| it.strip_prefix("pulled ")).expect("the image's name");
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert!(in_engine(&[address]).is_empty(), "{:?}", in_engine(&[address]));
    let said = "on the `host` backend nothing keeps that name from the real AWS";
    assert!(notices(&ran).iter().any(|it| it.ends_with(said)), "{:?}", notices(&ran));
}
