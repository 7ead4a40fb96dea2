use serde_json::Value;

use super::docker::{install, with_docker};
use super::{Job, Step};

/// A start with the manifest's defaults.
pub(crate) fn step<'a>(job: &'a Job, version: &str) -> Step<'a> {
    let step = with_docker(job, job.step(&format!("docker/setup-buildx-action main {version}")));
    let step = step.input("driver", "docker-container").input("use", "true").input("install", "false");
    step.input("cleanup", "true").input("keep-state", "false")
}

fn platform() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "linux/amd64",
        "aarch64" => "linux/arm64",
        other => other,
    }
}

#[test]
fn names_the_engines_own_builder() {
    for version in ["v1", "v2", "v3", "v4"] {
        let job = Job::new();
        install(&job);
        let outcome = step(&job, version).run();
        outcome.assert_success();
        let name = outcome.output("name").expect("is set");
        assert!(name.starts_with("builder-") && name.len() == 8 + 36, "{name}");
        assert_eq!(outcome.output("driver"), Some("docker"));
        assert_eq!(outcome.output("platforms"), Some(platform()));
        let nodes: Option<Value> = outcome.output("nodes").map(|it| serde_json::from_str(it).expect("is JSON"));
        assert_eq!(nodes.is_some(), version != "v1");
        assert!(nodes.is_none_or(|nodes| nodes[0]["status"] == "running"));
        let deprecated = ["endpoint", "status", "flags"].map(|it| outcome.output(it));
        let want = if version == "v4" { [None; 3] } else { [Some("default"), Some("running"), Some("")] };
        assert_eq!(deprecated, want, "{version}");
        let own = outcome.declarations.iter().find(|it| it["subject"] == "docker/setup-buildx-action");
        assert!(own.is_some_and(|it| it["how"] == "stand-in"), "{outcome:#?}");

        let mut post = job.step(&format!("docker/setup-buildx-action post {version}"));
        for (name, value) in &outcome.state {
            post = post.env(&format!("STATE_{name}"), value);
        }
        post.run().assert_line(&format!("{name} removed"));
    }
}

#[test]
fn names_that_are_asked_for() {
    let job = Job::new();
    install(&job);
    assert_eq!(step(&job, "v3").input("name", "mine").run().output("name"), Some("mine"));
    step(&job, "v3").input("name", "mine").run().assert_line("Builder mine already exists, skipping creation");
    assert_eq!(step(&job, "v3").input("driver", "docker").run().output("name"), Some("default"));
}

#[test]
fn what_has_no_effect_is_declared() {
    let job = Job::new();
    install(&job);
    job.write("work/repo/buildkitd.toml", "");
    let declared = |name: &str, value: &str| -> Vec<String> {
        let outcome = step(&job, "v3").input(name, value).run();
        outcome.assert_success();
        let subjects = outcome.declarations.iter().filter_map(|it| it["subject"].as_str());
        subjects.filter(|it| it.starts_with("setup-buildx ")).map(str::to_owned).collect()
    };
    for (name, value) in [
        ("version", "latest"),
        ("driver-opts", "network=host"),
        ("buildkitd-flags", "--debug"),
        ("buildkitd-config", "buildkitd.toml"),
        ("buildkitd-config-inline", "[registry]"),
        ("install", "true"),
        ("platforms", "linux/s390x"),
    ] {
        assert_eq!(declared(name, value), [format!("setup-buildx {name}")]);
    }
    assert!(declared("platforms", platform()).is_empty());
    assert!(declared("endpoint", "default").is_empty());
}

#[test]
fn what_builds_elsewhere_fails() {
    let job = Job::new();
    install(&job);
    for (name, value, text) in [
        ("driver", "remote", "`driver: remote` is not supported yet"),
        ("driver", "kubernetes", "`driver: kubernetes` is not supported yet"),
        ("endpoint", "tcp://10.0.0.1:2376", "`endpoint: tcp://10.0.0.1:2376` is not supported yet"),
        ("append", "- endpoint: ssh://a", "`append` is not supported yet"),
        ("buildkitd-config", "no.toml", "config file no.toml not found"),
        ("use", "yes", "Input does not meet YAML 1.2"),
    ] {
        step(&job, "v3").input(name, value).run().assert_failure(text);
    }
    let kept = step(&job, "v3").input("driver", "docker").input("keep-state", "true").run();
    kept.assert_failure("Cannot use keep-state with docker driver");
}
