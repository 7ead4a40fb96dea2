use super::{Job, Step, script, skip};

/// A Go of this version below `sdk`, and first on `PATH`, that knows its own folder.
fn install(job: &Job, version: &str) {
    let root = job.path("home/sdk").join(format!("go{version}"));
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in\nversion) echo \"go version go{version} linux/amd64\";;\n'env GOROOT') echo {root};;\n\
         'env GOPATH') echo $HOME/go;;\nenv) echo \"GOROOT='{root}'\";;\nesac\n",
        root = root.display()
    );
    script(job, "go", &text);
    std::fs::create_dir_all(root.join("bin")).expect("can create");
    std::fs::copy(job.path("bin/go"), root.join("bin/go")).expect("can copy");
}

/// A start that sees no other Go than those of [`install`], but for the system's.
fn alone<'a>(job: &'a Job, step: Step<'a>) -> Step<'a> {
    let path = std::env::join_paths([job.path("bin"), "/usr/bin".into(), "/bin".into()]).expect("no colon");
    step.env("PATH", path).input("cache", "false").input("check-latest", "false")
}

fn has_system_go() -> bool {
    let found = ["/usr/local/go/bin/go", "/usr/bin/go", "/usr/local/bin/go"]
        .into_iter()
        .find(|it| std::path::Path::new(it).exists());
    if let Some(found) = found {
        skip(&format!("this machine has a Go of its own at {found}"));
    }
    found.is_some()
}

#[test]
fn a_go_of_this_machine() {
    let job = Job::new();
    install(&job, "1.21.4");
    let outcome = alone(&job, job.step("actions/setup-go main v5").input("go-version", "1.21.4")).run();
    outcome.assert_success();
    let tool = job.path("tools/go/1.21.4");
    let link = std::fs::read_dir(&tool).expect("is there").flatten().map(|it| it.path()).find(|it| it.is_symlink());
    let link = link.expect("is a link");
    assert_eq!(std::fs::read_link(&link).expect("is a link"), job.path("home/sdk/go1.21.4"));
    assert_eq!(outcome.path, [link.join("bin").to_string_lossy(), job.path("home/go/bin").to_string_lossy()]);
    assert_eq!(outcome.output("go-version"), Some("1.21.4"));
    assert_eq!(outcome.exported("GOROOT"), None);
    assert!(outcome.declarations.is_empty(), "{outcome:#?}");
    outcome.assert_line("Successfully set up Go version 1.21.4");

    // A link that leads nowhere is made anew.
    std::fs::rename(job.path("home/sdk/go1.21.4"), job.path("home/sdk/old")).expect("can rename");
    install(&job, "1.21.4");
    let again = alone(&job, job.step("actions/setup-go main v6").input("go-version", "1.21.4")).run();
    again.assert_success();
    assert_eq!(again.exported("GOTOOLCHAIN"), Some("local"));
}

#[test]
fn another_version_is_said_and_declared() {
    if has_system_go() {
        return;
    }
    let job = Job::new();
    install(&job, "1.21.4");
    let run = |version: &str, name: &str, value: &str| {
        alone(&job, job.step("actions/setup-go main v6").input("go-version", version)).input(name, value).run()
    };
    let cases = [
        ("1.99", "cache", "false", "go 1.99", "1.21.4 used: nearest on this machine"),
        ("stable", "cache", "false", "go stable", "1.21.4 used: the newest on this machine"),
        ("1.21", "architecture", "s390x", "go for s390x", "x64 used: this machine's"),
        (
            "1.21",
            "go-download-base-url",
            "https://octo.io",
            "go 1.21 of https://octo.io",
            "this machine's used: nothing is downloaded",
        ),
    ];
    for (version, name, value, subject, detail) in cases {
        let outcome = run(version, name, value);
        outcome.assert_success();
        assert_eq!(outcome.declarations[0]["subject"], subject, "{outcome:#?}");
        if std::env::consts::ARCH == "x86_64" {
            assert_eq!(outcome.declarations[0]["detail"], detail);
        }
    }
    let latest = run("1.21", "check-latest", "true");
    assert_eq!(latest.declarations[0]["subject"], "go 1.21, check-latest");
    run("2.0", "cache", "false").assert_failure("Unable to find Go version '2.0' for platform linux");
    run("newest", "cache", "false").assert_failure("Unable to find Go version 'newest'");
}
