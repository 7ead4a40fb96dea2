use std::fs;
use std::process::Command;

use serde_json::Value;

use super::docker::{install, tags, with_docker};
use super::{Job, Outcome, Step, docker_setup_buildx, has};
use crate::cli::docker::registry::Registry;

const DOCKERFILE: &str = "FROM scratch\nARG V=1\nCOPY a.txt /\nLABEL v=$V\n";

/// A start with the manifest's defaults.
fn step<'a>(job: &'a Job, version: &str) -> Step<'a> {
    let step = with_docker(job, job.step(&format!("docker/build-push-action main {version}")));
    let step = step.input("push", "false").input("load", "false").input("pull", "false");
    step.input("no-cache", "false").input("context", ".").env("SOURCE_DATE_EPOCH", "1700000000")
}

fn job() -> Job {
    let job = Job::new();
    install(&job);
    job.write("work/repo/Dockerfile", DOCKERFILE);
    job.write("work/repo/a.txt", "a");
    job
}

/// A login that later steps of the job have.
fn log_in(job: &Job, registry: &str) {
    let auth = serde_json::json!({ "auths": { registry: { "auth": "QVdTOnNlY3JldA==" } } });
    job.write("home/.docker/config.json", &auth.to_string());
}

fn subjects(outcome: &Outcome) -> Vec<&str> {
    outcome.declarations.iter().filter_map(|it| it["subject"].as_str()).collect()
}

#[test]
fn builds_and_pushes_every_tag() {
    let registry = Registry::start();
    let address = registry.address();
    for version in ["v2", "v3", "v4", "v5", "v6", "v7"] {
        let job = job();
        log_in(&job, &address);
        docker_setup_buildx::step(&job, "v3").run().assert_success();
        let names = format!("{address}/news-api:{version},{address}/news-api:x\n{address}/news-api:y");
        let outcome = step(&job, version).input("push", "true").input("tags", &names).run();
        outcome.assert_success();
        let (digest, size) = registry.manifest("news-api", version).expect("was pushed");
        assert_eq!(outcome.output("digest"), Some(digest.as_str()));
        assert!(["x", "y"].iter().all(|tag| registry.manifest("news-api", tag).is_some_and(|it| it.0 == digest)));
        let metadata: Value = serde_json::from_str(outcome.output("metadata").expect("is set")).expect("is JSON");
        assert_eq!(metadata["containerimage.config.digest"], outcome.output("imageid").expect("is set"));
        assert_eq!(metadata["containerimage.digest"], digest);
        assert_eq!(metadata["containerimage.descriptor"]["size"], size);
        assert_eq!(metadata["image.name"], names.replace('\n', ","));
        assert!(tags(&job).is_empty(), "a builder of its own keeps its images apart: {:?}", tags(&job));
        let provenance = subjects(&outcome).contains(&"build-push-action provenance");
        assert_eq!(provenance, !["v2", "v3"].contains(&version), "{outcome:#?}");
        assert_eq!(subjects(&outcome).contains(&"build-push-action summary"), ["v6", "v7"].contains(&version));

        let folder = outcome.saved("tmpDir").expect("is kept").to_owned();
        assert!(fs::exists(&folder).expect("can look"));
        let post = job.step(&format!("docker/build-push-action post {version}")).env("STATE_tmpDir", &folder).run();
        post.assert_line(&format!("::group::Removing temp folder {folder}"));
        assert!(!fs::exists(&folder).expect("can look"));
    }
}

#[test]
fn an_image_is_where_the_builder_puts_it() {
    // The builder's driver, an input, whether the engine has the image, and whether there is an id.
    for (driver, input, stays, has_id) in [
        ("docker", ("file", ""), true, true),
        ("docker", ("outputs", "type=cacheonly"), false, false),
        ("docker-container", ("file", ""), false, false),
        ("docker-container", ("load", "true"), true, true),
        ("docker-container", ("outputs", "type=docker"), true, true),
        ("docker-container", ("outputs", "type=image"), false, true),
    ] {
        let job = job();
        docker_setup_buildx::step(&job, "v3").input("driver", driver).run().assert_success();
        let outcome = step(&job, "v6").input("tags", "app:1").input(input.0, input.1).run();
        outcome.assert_success();
        let case = format!("{driver} {input:?}");
        assert_eq!(tags(&job), if stays { vec!["app:1"] } else { vec![] }, "{case}");
        assert_eq!(outcome.output("imageid").is_some(), has_id, "{case}");
        let digest = if driver == "docker" { outcome.output("imageid") } else { None };
        assert_eq!(outcome.output("digest"), digest, "{case}");
        let warned =
            outcome.lines.iter().any(|it| it.starts_with("WARNING: No output specified with docker-container"));
        assert_eq!(warned, driver != "docker" && !has_id, "{case}");
    }
}

#[test]
fn a_name_that_an_image_had_before_stays_its_own() {
    let registry = Registry::start();
    let name = format!("{}/news-api:1", registry.address());
    let job = job();
    log_in(&job, &registry.address());
    let first = step(&job, "v6").input("tags", &name).run();
    let id = first.output("imageid").expect("is set");
    docker_setup_buildx::step(&job, "v3").run().assert_success();
    let second = step(&job, "v6").input("tags", &name).input("push", "true").input("build-args", "V=2").run();
    second.assert_success();
    assert_ne!(second.output("imageid"), Some(id));
    let mut inspect = Command::new(job.path("bin/docker"));
    let told =
        inspect.args(["inspect", "-f", "{{.Id}}", &name]).env("HOME", job.path("home")).output().expect("starts");
    assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), id, "{told:?}");
}

#[test]
fn options_reach_docker() {
    let job = job();
    job.write("work/repo/other/Dockerfile.prod", "FROM scratch AS one\nCOPY a.txt /\nFROM one AS two\n");
    let build = step(&job, "v6").input("file", "other/Dockerfile.prod").input("target", "one").input("pull", "true");
    let build = build.input("labels", "a=b,c\nd=e").input("build-args", "X=1,2\nY=3").input("no-cache-filters", "one");
    let build = build.input("add-hosts", "a:10.0.0.1,b=10.0.0.2").input("network", "host").input("shm-size", "1g");
    let build = build.input("ulimit", "nofile=1:2").input("cgroup-parent", "/x").input("tags", "app:1, app:2");
    let outcome = build.run();
    outcome.assert_success();
    let line = outcome.lines.iter().find(|it| it.contains("docker build ")).expect("is shown");
    let (_, words) = line.split_once("docker build ").expect("is a build");
    let want = "--add-host a:10.0.0.1 --add-host b:10.0.0.2 --build-arg X=1,2 --build-arg Y=3 --cgroup-parent /x --label a=b,c \
                --label d=e --network host --no-cache --pull --shm-size 1g --target one --ulimit nofile=1:2 --iidfile ";
    assert!(words.starts_with(want), "{words}");
    assert!(words.ends_with(" --tag app:1 --tag app:2 --file other/Dockerfile.prod ."), "{words}");
}

#[test]
fn a_git_context_is_the_commit_and_not_the_workspace() {
    if !has("git") {
        return;
    }
    let job = Job::new();
    install(&job);
    job.write("clone/Dockerfile", DOCKERFILE);
    job.write("clone/a.txt", "a");
    job.write("clone/app/Containerfile", "FROM scratch\nCOPY b.txt /\n");
    job.write("clone/app/b.txt", "b");
    let git = |words: &str| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(words.split(' ')).current_dir(job.path("clone"));
        let told = git.output().expect("git starts");
        assert!(told.status.success(), "{words}: {told:?}");
        String::from_utf8_lossy(&told.stdout).trim().to_owned()
    };
    for words in ["init -q -b main", "add .", "commit -q -m one", "tag v1"] {
        git(words);
    }
    let sha = git("rev-parse HEAD");
    git("update-ref refs/remotes/origin/main HEAD");
    // The workspace has no Dockerfile.
    job.write("work/repo/a.txt", "changed");
    let run = |context: &str, file: &str| {
        let build = step(&job, "v6").env("WFRUN_REPOSITORY", job.path("clone/.git")).env("GITHUB_SHA", &sha);
        build.input("context", context).input("file", file).run()
    };
    let built = run("", "");
    built.assert_success();
    built.assert_line(&format!("The build context is the repository at {sha}, not the workspace"));
    for context in [
        "{{defaultContext}}",
        "https://github.com/octo/news.git#main",
        "https://github.com/octo/news.git#v1",
        "https://github.com/octo/news.git?ref=refs/heads/main",
        "https://github.com/octo/news.git",
    ] {
        let same = run(context, "");
        same.assert_success();
        same.assert_line(&format!("The build context is the repository at {sha}, not the workspace"));
    }
    for (context, file) in [("{{defaultContext}}:app", "Containerfile"), ("", "./Dockerfile")] {
        run(context, file).assert_success();
    }
    assert_eq!(git("status --porcelain"), "", "the repository is as it was");
    for (context, file, text) in [
        ("", "no", "failed to read dockerfile: open no: no such file or directory"),
        ("", "../Dockerfile", "failed to read dockerfile: open ../Dockerfile"),
        ("{{defaultContext}}:no", "", "subdir no does not exist in the repository"),
        ("{{defaultContext}}:../x", "", "invalid subdir ../x"),
        (
            "https://github.com/octo/news.git#gone",
            "",
            "the context at `gone`, which this machine's repository does not have",
        ),
        ("https://github.com/octo/other.git", "", "`context: https://github.com/octo/other.git` is not supported yet"),
    ] {
        run(context, file).assert_failure(text);
    }
    git(&format!("update-index --add --cacheinfo 160000,{sha},lib"));
    git("commit -q -m two");
    let sha = git("rev-parse HEAD");
    let build = step(&job, "v6").env("WFRUN_REPOSITORY", job.path("clone/.git")).env("GITHUB_SHA", &sha);
    build.input("context", "").run().assert_failure("the submodule `lib` in a Git context is not supported yet");
}

#[test]
fn the_accounts_registry_takes_what_is_pushed_to_amazons() {
    let registry = Registry::start();
    let job = job();
    log_in(&job, &registry.address());
    let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
    let url = format!("http://{}", registry.address());
    let name = format!("{host}/news-api:1");
    let push = step(&job, "v6").env("AWS_ENDPOINT_URL", url).input("tags", &name).input("push", "true");
    let outcome = push.run();
    outcome.assert_success();
    let (digest, _) = registry.manifest("news-api", "1").expect("was pushed");
    assert_eq!(outcome.output("digest"), Some(digest.as_str()));
    assert!(outcome.output("metadata").is_some_and(|it| it.contains(&name)));
    assert!(subjects(&outcome).contains(&host), "{outcome:#?}");
    assert_eq!(tags(&job), [name], "the name on this machine is taken away again");
}

#[test]
fn a_login_of_a_scope_is_for_its_repository() {
    let registry = Registry::start();
    let (address, job) = (registry.address(), job());
    let push = |job: &Job| step(job, "v6").input("tags", &format!("{address}/news-api:1")).input("push", "true").run();
    let failed = push(&job);
    failed.assert_failure(&format!("failed to push {address}/news-api:1: no basic auth credentials"));
    let auth = serde_json::json!({ "auths": { &address: { "auth": "QVdTOnNlY3JldA==" } } }).to_string();
    job.write(&format!("home/.docker/buildx/config/{address}/other@push/config.json"), &auth);
    push(&job).assert_failure("no basic auth credentials");
    job.write(&format!("home/.docker/buildx/config/{address}/news-api@push/config.json"), &auth);
    push(&job).assert_success();
}

#[test]
fn what_cannot_be_done_fails_by_its_name() {
    let job = job();
    for (name, value, text) in [
        ("secrets", "a=b", "`secrets` is not supported yet"),
        ("secret-envs", "a=B", "`secret-envs` is not supported yet"),
        ("secret-files", "a=./b", "`secret-files` is not supported yet"),
        ("ssh", "default", "`ssh` is not supported yet"),
        ("build-contexts", "a=docker-image://b", "`build-contexts` is not supported yet"),
        ("annotations", "a=b", "`annotations` is not supported yet"),
        ("call", "check", "`call: check` is not supported yet"),
        ("provenance", "mode=max", "`provenance: mode=max` is not supported yet"),
        ("provenance", "true", "`provenance: true` is not supported yet"),
        ("sbom", "true", "`sbom: true` is not supported yet"),
        ("attests", "type=sbom", "`attests: type=sbom` is not supported yet"),
        ("platforms", "linux/s390x", "`platforms` with linux/s390x is not supported yet"),
        ("outputs", "type=oci,dest=a.tar", "`type=oci` of `outputs: type=oci,dest=a.tar` is not supported yet"),
        ("context", "https://example.com/a.tar.gz", "`context: https://example.com/a.tar.gz` is not supported yet"),
        ("builder", "nobodys", "no builder \"nobodys\" found"),
        ("tags", "app:1,APP", "buildx failed with: ERROR: invalid tag \"APP\": invalid reference format"),
        ("push", "true", "buildx failed with: ERROR: tag is needed when pushing to registry"),
        ("context", "nowhere", "buildx failed with: unable to prepare context: path \"nowhere\" not found"),
        ("push", "yes", "Input does not meet YAML 1.2"),
    ] {
        let outcome = step(&job, "v6").input(name, value).run();
        outcome.assert_failure(text);
        assert_eq!(outcome.output("imageid"), None, "{name}");
    }
    job.write("work/repo/Dockerfile", "FROM scratch\nCOPY none.txt /\n");
    step(&job, "v6").run().assert_failure("buildx failed with: ");
}

#[test]
fn what_leaves_the_image_the_same_is_declared() {
    let job = job();
    let build = step(&job, "v6").input("cache-from", "type=gha").input("cache-to", "type=gha,mode=max");
    let build = build.input("allow", "network.host").input("provenance", "false").input("sbom", "false");
    let outcome = build.env("DOCKER_BUILD_SUMMARY", "false").input("attests", "type=sbom,disabled=true").run();
    outcome.assert_success();
    outcome.assert_line("Build summary disabled");
    let want = [
        "docker/build-push-action",
        "build-push-action cache-from, cache-to",
        "build-push-action allow",
        "docker build",
    ];
    assert_eq!(subjects(&outcome), want);
    let hows: Vec<&Value> = outcome.declarations.iter().map(|it| &it["how"]).collect();
    assert!(hows.iter().all(|how| **how == "stand-in"), "the image is whole, and so is the run: {outcome:#?}");
}

#[test]
fn what_buildkit_knows_of_a_dockerfile() {
    let job = job();
    job.write(
        "work/repo/Dockerfile",
        "FROM scratch\nARG TARGETARCH\nARG TARGETOS=none\nLABEL on=$TARGETOS/$TARGETARCH\n",
    );
    let outcome = step(&job, "v6").run();
    outcome.assert_success();
    let built = outcome.lines.iter().find(|it| it.contains("docker build ")).expect("is shown");
    let architecture = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    assert!(built.contains(&format!(" --build-arg TARGETARCH={architecture} --iidfile ")), "{built}");

    // A build that names no platform is for this machine's; to the builder of an older engine the variable is empty.
    job.write("work/repo/Dockerfile", "FROM --platform=$BUILDPLATFORM scratch\nCOPY a.txt /\n");
    let outcome = step(&job, "v6").run();
    outcome.assert_success();
    outcome.assert_line("Step 1/2 : FROM scratch");

    job.write("work/repo/Dockerfile.dockerignore", "*.txt\n");
    step(&job, "v6").run().assert_failure("buildx failed with: ");
    job.write("work/repo/Dockerfile", DOCKERFILE);
    let ignored = step(&job, "v6").run();
    ignored.assert_failure("buildx failed with: ");
    // The builder of an older engine does not read that file.
    let old = step(&job, "v6").env("DOCKER_BUILDKIT", "0").run();
    old.assert_failure("`./Dockerfile.dockerignore` by this engine's `docker build` is not supported yet");
}
