use super::{Job, Step, script, skip};

fn install(job: &Job, versions: &[&str]) {
    script(job, "dotnet", "#!/bin/sh\nexit 0\n");
    for version in versions {
        job.write(&format!("bin/sdk/{version}/dotnet.dll"), "");
    }
}

fn step<'a>(job: &'a Job, version: &str) -> Step<'a> {
    job.step("actions/setup-dotnet main v5")
        .env("PATH", job.path("bin"))
        .input("dotnet-version", version)
        .input("cache", "false")
}

#[test]
fn an_sdk_of_this_machine() {
    let job = Job::new();
    install(&job, &["97.0.100", "97.0.204"]);
    let outcome = step(&job, "97.0.x\n97.0.1xx").run();
    outcome.assert_success();
    let folder = job.path("bin").canonicalize().expect("is there").to_string_lossy().into_owned();
    assert_eq!(outcome.path, std::slice::from_ref(&folder));
    assert_eq!(outcome.exported("DOTNET_ROOT"), Some(folder.as_str()));
    assert_eq!(outcome.output("dotnet-version"), Some("97.0.204"));
    assert!(outcome.declarations.is_empty(), "{outcome:#?}");
    outcome.assert_line(&format!(".NET SDK 97.0.100 found on this machine @ {folder}"));
}

#[test]
fn what_is_not_the_same_as_asked_is_declared() {
    if ["/usr/share/dotnet", "/usr/lib/dotnet"].iter().any(|it| std::path::Path::new(it).exists()) {
        return skip("this machine has a .NET of its own");
    }
    let job = Job::new();
    install(&job, &["97.0.100"]);
    let cases = [
        ("98.0", "dotnet-quality", "", ".net 98.0", "97.0.100 used: nearest on this machine"),
        ("97.0.200", "dotnet-quality", "", ".net 97.0.200", "97.0.100 used: nearest on this machine"),
        ("latest", "dotnet-quality", "", ".net latest", "97.0.100 used: the newest on this machine"),
        ("97.0", "dotnet-quality", "preview", ".net 97.0, quality preview", "what this machine has used"),
    ];
    for (version, name, value, subject, detail) in cases {
        let outcome = step(&job, version).input(name, value).run();
        outcome.assert_success();
        let [declaration] = outcome.declarations.as_slice() else { panic!("{outcome:#?}") };
        assert_eq!((declaration["subject"].as_str(), declaration["detail"].as_str()), (Some(subject), Some(detail)));
    }
    let other = step(&job, "97.0").input("architecture", "s390x").run();
    assert_eq!(other.declarations[0]["subject"], ".net for s390x");
    let none = Job::new();
    step(&none, "97.0").env("PATH", "").run().assert_failure("There is no .NET SDK on this machine");
    job.write("work/repo/global.json", "{ sdk: {} }");
    let outcome = job.step("actions/setup-dotnet main v5").env("PATH", job.path("bin")).input("cache", "false").run();
    outcome.assert_failure("the way `global.json` is written");
}
