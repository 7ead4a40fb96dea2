//! The real Docker engine, over loopback (mode a): build, login, push, pull, and what the command says when it cannot.
//!
//! Skipped, visibly, where no engine answers; with `WFRUN_REQUIRE_DOCKER` set that is a failure.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use wfrun_aws::Clock;

use crate::clients::skipped;
use crate::support::World;

/// What a command printed, and whether it succeeded.
struct Said {
    good: bool,
    text: String,
}

/// `docker` with a configuration of its own, so that logins stay in the test.
struct Docker<'a> {
    home: &'a Path,
    host: String,
}

impl Docker<'_> {
    async fn run(&self, line: &str, input: &str) -> Said {
        let mut command = Command::new("docker");
        command.env("DOCKER_CONFIG", self.home).env("DOCKER_BUILDKIT", "0").args(line.split(' '));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("docker starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).await.expect("docker reads");
        drop(stdin);
        let output = child.wait_with_output().await.expect("docker ends");
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        Said { good: output.status.success(), text }
    }

    async fn ok(&self, line: &str) -> String {
        let said = self.run(line, "").await;
        assert!(said.good, "docker {line}: {}", said.text);
        said.text
    }

    #[track_caller]
    fn refused(line: &str, said: &Said, want: &str) {
        assert!(!said.good && said.text.contains(want), "docker {line}: {}", said.text);
    }

    /// As `aws ecr get-login-password | docker login --username AWS --password-stdin HOST`.
    async fn login(&self, world: &World) -> Said {
        let answer = world.ok("ecr", "GetAuthorizationToken", &json!({})).await;
        let token = answer["authorizationData"][0]["authorizationToken"].as_str().expect("a token");
        let pair = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, token).expect("base64");
        let pair = String::from_utf8(pair).expect("text");
        let password = pair.strip_prefix("AWS:").expect("the user is AWS");
        self.run(&format!("login --username AWS --password-stdin {}", self.host), password).await
    }

    /// An image of one file, with a name that begins as all of these tests' do.
    async fn build(&self, name: &str, content: &str) {
        let folder = self.home.join("context");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("Dockerfile"), "FROM scratch\nCOPY file /file\n").expect("written");
        std::fs::write(folder.join("file"), content).expect("written");
        self.ok(&format!("build --quiet --tag {name} {}", folder.display())).await;
    }

    /// Removes images, whatever became of them.
    async fn forget(&self, names: &[String]) {
        for name in names {
            self.run(&format!("rmi --force {name}"), "").await;
        }
    }
}

async fn engine_answers() -> bool {
    let asked = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output().await;
    let missing = match asked {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(err) => err.to_string(),
    };
    assert!(std::env::var_os("WFRUN_REQUIRE_DOCKER").is_none(), "docker is required here: {missing}");
    skipped(&format!("no Docker engine: {missing}"));
    false
}

/// T7 and T8: log in, build, push two tags, push again, remove, pull.
#[tokio::test]
async fn push_and_pull() {
    if !engine_answers().await {
        return;
    }
    let (world, _folder) = World::new().await;
    let home = tempfile::tempdir().unwrap();
    let docker = Docker { home: home.path(), host: world.host() };
    let image = |tag: &str| format!("{}/news-api:{tag}", world.host());
    let local = format!("wfrun-ecr-test-push:{}", std::process::id());
    let names = [local.clone(), image("one"), image("latest")];

    let said = docker.login(&world).await;
    assert!(said.good && said.text.contains("Login Succeeded"), "{}", said.text);
    docker.build(&local, &format!("first {local}")).await;
    for name in &names[1..] {
        docker.ok(&format!("tag {local} {name}")).await;
        docker.ok(&format!("push {name}")).await;
    }
    let describe = async || {
        let answer = world.ok("ecr", "DescribeImages", &json!({ "repositoryName": "news-api" })).await;
        answer["imageDetails"].clone()
    };
    let details = describe().await;
    assert_eq!(details[0]["imageTags"], json!(["one", "latest"]));
    let first = details[0]["imageDigest"].as_str().unwrap().to_owned();

    docker.build(&local, &format!("second {local}")).await;
    docker.ok(&format!("tag {local} {}", image("latest"))).await;
    let pushed = docker.ok(&format!("push {}", image("latest"))).await;
    let details = describe().await;
    assert_eq!(
        (&details[0]["imageTags"], &details[1]["imageTags"]),
        (&json!(["one"]), &json!(["latest"])),
        "the tag moved"
    );
    let second = details[1]["imageDigest"].as_str().unwrap();
    assert!(pushed.contains(&format!("digest: {second}")), "{pushed}");

    docker.forget(&names).await;
    for (tag, digest) in [("one", first.as_str()), ("latest", second)] {
        let pulled = docker.ok(&format!("pull {}", image(tag))).await;
        assert!(pulled.contains(&format!("Digest: {digest}")), "{pulled}");
    }
    let by_digest = format!("{}/news-api@{first}", world.host());
    docker.ok(&format!("pull {by_digest}")).await;
    docker.forget(&[by_digest]).await;
    docker.forget(&names).await;
    let out = docker.ok(&format!("logout {}", world.host())).await;
    assert!(out.contains("Removing login credentials"), "{out}");
}

/// T6 to T8 as people type them: the AWS CLI makes the repository and hands the password to `docker login`.
#[tokio::test]
async fn the_aws_cli_logs_docker_in() {
    if !engine_answers().await {
        return;
    }
    let asked = Command::new("aws").arg("--version").output().await;
    if !asked.is_ok_and(|output| output.status.success()) {
        return skipped("the AWS CLI is not installed");
    }
    let (world, _folder) = World::new().await;
    let home = tempfile::tempdir().unwrap();
    let aws = async |line: &str| {
        let output =
            crate::clients::command("aws", &world).args(line.split(' ')).output().await.expect("the CLI starts");
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        Said { good: output.status.success(), text: text.trim().to_owned() }
    };
    let create = "ecr create-repository --repository-name team/cli --query repository.repositoryUri --output text";
    let uri = aws(create).await;
    assert!(uri.good && uri.text == format!("{}/team/cli", world.host()), "{}", uri.text);
    let again = aws(create).await;
    assert!(!again.good && again.text.contains("(RepositoryAlreadyExistsException)"), "{}", again.text);
    let password = aws("ecr get-login-password").await;
    let docker = Docker { home: home.path(), host: world.host() };
    let login = docker.run(&format!("login --username AWS --password-stdin {}", world.host()), &password.text).await;
    assert!(login.good && login.text.contains("Login Succeeded"), "{}", login.text);
    let names = [format!("{}:abc", uri.text), format!("{}:latest", uri.text)];
    docker.build(&names[0], &format!("cli {}", names[0])).await;
    docker.ok(&format!("tag {} {}", names[0], names[1])).await;
    for name in &names {
        docker.ok(&format!("push {name}")).await;
    }
    let tags =
        aws("ecr describe-images --repository-name team/cli --query imageDetails[0].imageTags --output json").await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&tags.text).unwrap(), json!(["abc", "latest"]));
    let kept = aws("ecr delete-repository --repository-name team/cli").await;
    assert!(!kept.good && kept.text.contains("(RepositoryNotEmptyException)"), "{}", kept.text);
    let gone = aws("ecr delete-repository --repository-name team/cli --force").await;
    assert!(gone.good, "{}", gone.text);
    docker.forget(&names).await;
}

/// T9: the command's own words.
///
/// Source: the AWS rules 3.4, "CLI-visible failures verified".
#[tokio::test]
async fn what_docker_says_when_it_cannot() {
    if !engine_answers().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = "ecr: { repositories: [{ name: immut, imageTagMutability: IMMUTABLE }] }";
    let now_ms = Arc::new(AtomicU64::new(1_795_425_600_000));
    let read = Arc::clone(&now_ms);
    let world = World::open(folder.path(), file, Clock::from_fn(move || read.load(Ordering::Relaxed))).await;
    let home = tempfile::tempdir().unwrap();
    let docker = Docker { home: home.path(), host: world.host() };
    let image = |name: &str| format!("{}/{name}", world.host());
    let local = format!("wfrun-ecr-test-refused:{}", std::process::id());
    let mut names = vec![local.clone(), image("nope:v1"), image("immut:v1"), image("news-api:v1")];
    docker.build(&local, &format!("first {local}")).await;
    for name in &names[1..] {
        docker.ok(&format!("tag {local} {name}")).await;
    }
    // Its tags move on, its digest stays.
    names.push(docker.ok(&format!("inspect --format {{{{.Id}}}} {local}")).await.trim().to_owned());
    let push = async |name: &str, want: &str| {
        let line = format!("push {}", image(name));
        let said = docker.run(&line, "").await;
        Docker::refused(&line, &said, want);
    };
    push("news-api:v1", "no basic auth credentials").await;
    let line = format!("login --username AWS --password-stdin {}", world.host());
    let wrong = docker.run(&line, "wrong").await;
    Docker::refused(
        &line,
        &wrong,
        &format!("login attempt to http://{}/v2/ failed with status: 401 Unauthorized", world.host()),
    );
    assert!(docker.login(&world).await.good);
    let missing = "name unknown: The repository with name 'nope' does not exist in the registry with id '123456789012'";
    push("nope:v1", missing).await;
    docker.ok(&format!("push {}", image("immut:v1"))).await;
    docker.ok(&format!("push {}", image("immut:v1"))).await;
    docker.build(&local, &format!("second {local}")).await;
    docker.ok(&format!("tag {local} {}", image("immut:v1"))).await;
    let taken = "tag invalid: The image tag 'v1' already exists in the 'immut' repository and cannot be overwritten because the tag is immutable.";
    push("immut:v1", taken).await;
    let line = format!("pull {}", image("news-api:v9"));
    let said = docker.run(&line, "").await;
    let absent =
        format!("manifest for {} not found: manifest unknown: Requested image not found", image("news-api:v9"));
    Docker::refused(&line, &said, &absent);
    now_ms.fetch_add(12 * 3_600_000, Ordering::Relaxed);
    push("news-api:v1", "denied: Your authorization token has expired. Reauthenticate and try again.").await;
    docker.forget(&names).await;
}
