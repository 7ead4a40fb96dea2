use std::fs;
use std::process::Command;

use super::{Job, Outcome, Step, has, in_front, script, skip};

/// The version of this machine's Node.js; `None`, and said, where it has none with npm.
fn own_version() -> Option<String> {
    if !(has("node") && has("npm")) {
        return None;
    }
    let told = Command::new("node").arg("--version").output().expect("node starts");
    Some(String::from_utf8_lossy(&told.stdout).trim().trim_start_matches('v').to_owned())
}

/// A Node.js of a version, as a program that prints it; with an npm.
fn install(job: &Job, version: &str) {
    script(job, "node", &format!("#!/bin/sh\necho v{version}\n"));
    job.write("lib/node_modules/npm/package.json", "{}");
    job.write("lib/node_modules/npm/bin/npm-cli.js", "#!/bin/sh\necho 10.0.0\n");
}

/// A start that sees no other Node.js than the one of [`install`].
fn alone<'a>(job: &'a Job, step: Step<'a>) -> Step<'a> {
    step.env("PATH", job.path("bin")).env("NVM_DIR", job.path("none"))
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[test]
fn a_node_with_an_npm_of_its_own() {
    let Some(version) = own_version() else { return };
    let job = Job::new();
    let major = version.split('.').next().expect("has a major");
    let outcome = job.step("actions/setup-node main v4").input("node-version", major).run();
    outcome.assert_success();
    let folder = job.path("tools/node").join(&version).join(architecture());
    assert_eq!(outcome.path, [folder.join("bin").to_string_lossy()]);
    assert_eq!(outcome.output("node-version"), Some(format!("v{version}").as_str()));
    assert!(outcome.declarations.is_empty(), "a version that satisfies is nothing to declare: {outcome:#?}");
    let matchers: Vec<&str> = outcome.lines.iter().filter_map(|it| it.strip_prefix("##[add-matcher]")).collect();
    let owners = matchers.iter().map(|file| {
        let text: serde_json::Value = serde_json::from_slice(&fs::read(file).expect("is there")).expect("is JSON");
        text["problemMatcher"][0]["owner"].as_str().expect("is text").to_owned()
    });
    assert_eq!(owners.collect::<Vec<_>>(), ["tsc", "eslint-stylish", "eslint-compact"]);

    // What is installed for all goes into the tool cache, not to this machine's.
    let mut npm = Command::new(folder.join("bin/npm"));
    npm.args(["prefix", "--global"]).env("PATH", in_front(&folder.join("bin"))).current_dir(job.workspace());
    let told = npm.env("HOME", job.path("home")).output().expect("npm starts");
    assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), folder.to_string_lossy(), "{told:?}");

    // The second time it is found.
    let again = job.step("actions/setup-node main v4").input("node-version", &version).env("PATH", "").run();
    again.assert_line(&format!("Found in cache @ {}", folder.display()));
}

#[test]
fn another_version_is_said_and_declared() {
    let job = Job::new();
    install(&job, "20.2.0");
    let run = |version: &str| -> Outcome {
        alone(&job, job.step("actions/setup-node main v4").input("node-version", version)).run()
    };
    if run("20.2.0").lines.iter().any(|it| it.contains("/usr/")) {
        return skip("the system's own Node.js is of the version of this test");
    }
    let outcome = run("9999");
    outcome.assert_success();
    let used = outcome.output("node-version").expect("is set").trim_start_matches('v').to_owned();
    let warning =
        format!("::warning title=Another version of Node.js::Node.js 9999 is not on this machine: {used} is used");
    assert!(outcome.lines.iter().any(|line| line.starts_with(&warning)), "{warning}: {outcome:#?}");
    let [declaration] = outcome.declarations.as_slice() else { panic!("{outcome:#?}") };
    assert_eq!(declaration["subject"], "node.js 9999");
    assert_eq!(declaration["detail"], format!("{used} used: nearest on this machine"));

    for (asked, subject) in [("latest", "node.js latest"), ("node", "node.js node")] {
        let outcome = run(asked);
        outcome.assert_success();
        outcome.assert_line("getting latest node version...");
        assert_eq!(outcome.declarations[0]["subject"], subject);
    }
    let latest = job.step("actions/setup-node main v4").input("node-version", "20.2.0").input("check-latest", "true");
    assert_eq!(alone(&job, latest).run().declarations[0]["subject"], "node.js 20.2.0, check-latest");
    let other = job.step("actions/setup-node main v4").input("node-version", "20.2.0").input("architecture", "s390x");
    assert_eq!(alone(&job, other).run().declarations[0]["subject"], "node.js for s390x");
    run("newest").assert_failure("Unable to find Node version 'newest' for platform linux");
    run("lts/nobody").assert_failure("Unable to find LTS release 'nobody' for Node version 'lts/nobody'.");
}

#[test]
fn a_node_without_npm_is_said() {
    let job = Job::new();
    script(&job, "node", "#!/bin/sh\necho v20.2.1\n");
    let outcome = alone(&job, job.step("actions/setup-node main v4").input("node-version", "20.2.1")).run();
    outcome.assert_success();
    assert_eq!(outcome.declarations[0]["subject"], "npm of node 20.2.1");
    assert_eq!(outcome.declarations[0]["how"], "not run");
}

#[test]
fn without_a_service_nothing_is_cached() {
    let job = Job::new();
    job.write("work/repo/package-lock.json", "{}");
    let outcome = job.step("actions/setup-node main v4").input("cache", "npm").run();
    outcome.assert_success();
    outcome.assert_line("::warning::The runner was not able to contact the cache service. Caching will be skipped");
    assert_eq!(outcome.declarations[0]["subject"], "setup-node cache");
    let post = job.step("actions/setup-node post v4").input("cache", "npm").run();
    post.assert_success();
}
