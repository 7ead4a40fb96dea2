use std::fs;
use std::process::Command;

use super::{Job, Outcome, has, skip};

/// Sets up a Python; `None`, and said, where this machine has none that can make environments.
fn set_up(job: &Job, version: &str) -> Option<Outcome> {
    if !has("python3") {
        return None;
    }
    let outcome = job.step("actions/setup-python main v4").input("python-version", version).run();
    if outcome.lines.iter().any(|line| line.contains("install Python 3 with its `venv` module")) {
        skip("the machine's Python cannot make virtual environments with pip");
        return None;
    }
    Some(outcome)
}

#[test]
fn a_python_into_which_pip_installs() {
    let job = Job::new();
    let Some(outcome) = set_up(&job, "3.x") else { return };
    outcome.assert_success();
    let version = outcome.output("python-version").expect("is set").to_owned();
    let parent = job.path("tools/Python").join(&version);
    let folder = fs::read_dir(&parent)
        .expect("is there")
        .map(|entry| entry.expect("is there").path())
        .find(|path| path.is_dir())
        .expect("has a folder for the processor");
    let complete = format!("{}.complete", folder.display());
    assert!(fs::exists(&complete).expect("can look"), "{complete}");
    let location = folder.to_str().expect("is text");
    let names: Vec<&str> = outcome.env.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "pythonLocation",
        "PKG_CONFIG_PATH",
        "Python_ROOT_DIR",
        "Python2_ROOT_DIR",
        "Python3_ROOT_DIR",
        "LD_LIBRARY_PATH",
    ];
    assert_eq!(names, expected);
    assert_eq!(outcome.exported("pythonLocation"), Some(location));
    assert_eq!(outcome.exported("LD_LIBRARY_PATH"), Some(format!("{location}/lib").as_str()));
    assert_eq!(outcome.path, [location.to_owned(), format!("{location}/bin")]);
    assert_eq!(outcome.output("python-path"), Some(format!("{location}/bin/python").as_str()));
    outcome.assert_line(&format!("Successfully set up CPython ({version})"));
    assert!(outcome.declarations.is_empty(), "a version that satisfies is nothing to declare: {outcome:#?}");
    let matcher = outcome.lines.iter().find_map(|line| line.strip_prefix("##[add-matcher]")).expect("is added");
    let matcher: serde_json::Value = serde_json::from_slice(&fs::read(matcher).expect("is there")).expect("is JSON");
    assert_eq!(matcher["problemMatcher"][0]["owner"], "python");

    // pip is there under all its names, in the environment, and can take packages out again and put them in.
    job.write("package/thing/__init__.py", "");
    job.write("package/thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n");
    job.write("package/thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
    job.write(
        "package/thing-1.0.dist-info/RECORD",
        "thing/__init__.py,,\nthing-1.0.dist-info/METADATA,,\nthing-1.0.dist-info/WHEEL,,\nthing-1.0.dist-info/RECORD,,\n",
    );
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(folder.join("bin").join(program));
        command.args(arguments).current_dir(job.path("package")).env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        let output = command.env_remove("PYTHONPATH").output().expect("starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {text}");
        text
    };
    run("python", &["-m", "zipfile", "-c", "thing-1.0-py3-none-any.whl", "thing", "thing-1.0.dist-info"]);
    run("pip", &["install", "--no-index", "--root-user-action=ignore", "./thing-1.0-py3-none-any.whl"]);
    assert!(run("pip3", &["list"]).contains("thing"));
    run("python3", &["-c", "import sys, thing; assert sys.prefix != sys.base_prefix"]);
    let minor = version.rsplit_once('.').expect("has a patch").0;
    run(&format!("pip{minor}"), &["show", "pip"]);

    // The second time, what is in the tool cache is taken as it is.
    let made = fs::metadata(folder.join("pyvenv.cfg")).and_then(|it| it.modified()).expect("has a time");
    let again = set_up(&job, &version).expect("is there");
    assert_eq!(again.output("python-version"), Some(version.as_str()));
    assert_eq!(fs::metadata(folder.join("pyvenv.cfg")).and_then(|it| it.modified()).expect("has a time"), made);
}

#[test]
fn another_version_is_said_and_declared() {
    let job = Job::new();
    let Some(outcome) = set_up(&job, "3.99") else { return };
    outcome.assert_success();
    let used = outcome.output("python-version").expect("is set");
    let warning =
        format!("::warning title=Another version of Python::Python 3.99 is not on this machine: {used} is used");
    assert!(outcome.lines.iter().any(|line| line.starts_with(&warning)), "{warning}: {outcome:#?}");
    let [declaration] = outcome.declarations.as_slice() else { panic!("{outcome:#?}") };
    assert_eq!(declaration["how"], "stand-in");
    assert_eq!(declaration["subject"], "python 3.99");
    assert_eq!(declaration["detail"], format!("{used} used: nearest on this machine"));
}

#[test]
fn what_cannot_be_done_is_said() {
    let job = Job::new();
    let step = || job.step("actions/setup-python main v4");
    let outcome = step().input("python-version", "pypy3.9").run();
    outcome.assert_failure("`python-version: pypy3.9` is not supported yet");
    outcome
        .assert_failure("or take the real action by `--actions real`, from a mirror (`--mirror DIR`) or the network");
    assert_eq!(outcome.declarations.last().expect("it is declared")["how"], "not run");
    step().input("python-version", "newest").run().assert_failure("`newest` is not a version");
    step()
        .input("python-version-file", "none.txt")
        .run()
        .assert_failure("python version file at: none.txt doesn't exist");
    step().input("python-version", "2.99").env("PATH", "").run().assert_failure("'2.99'");
    let outcome = step().run();
    outcome.assert_success();
    outcome.assert_line(
        "::warning::The `python-version` input is not set.  The version of Python currently in `PATH` will be used.",
    );
}

#[test]
fn files_and_lists_of_versions() {
    let job = Job::new();
    job.write("work/repo/.python-version", "3\n");
    if set_up(&job, "3").is_none() {
        return;
    }
    let outcome = job.step("actions/setup-python main v5").env("LD_LIBRARY_PATH", "/opt/lib").run();
    outcome.assert_success();
    assert!(outcome.exported("LD_LIBRARY_PATH").is_some_and(|it| it.ends_with("/lib:/opt/lib")), "{outcome:#?}");
    let step = job.step("actions/setup-python main v5").input("python-version", "3.x\n>=3.0");
    let outcome = step.input("update-environment", "false").input("cache", "pip").run();
    outcome.assert_success();
    assert!(outcome.env.is_empty() && outcome.path.is_empty(), "{outcome:#?}");
    assert_eq!(outcome.outputs.iter().filter(|(name, _)| name == "python-version").count(), 2);
    // The job of this test has no cache service.
    outcome.assert_line("::warning::The runner was not able to contact the cache service. Caching will be skipped");
    assert_eq!(outcome.declarations[0]["subject"], "setup-python cache");
    assert_eq!(outcome.declarations[0]["how"], "not run");
}

#[test]
fn what_is_not_the_same_as_asked_is_declared() {
    let job = Job::new();
    let Some(python) = set_up(&job, "3").and_then(|it| it.output("python-version").map(str::to_owned)) else { return };
    let step = || job.step("actions/setup-python main v5").input("python-version", &python);
    let latest = step().input("check-latest", "true").run();
    latest.assert_success();
    assert_eq!(latest.declarations[0]["subject"], format!("python {python}, check-latest"));
    let other = step().input("architecture", "s390x").run();
    other.assert_success();
    assert_eq!(other.declarations[0]["subject"], "python for s390x");
    step().input("freethreaded", "true").run().assert_failure("a free-threaded Python");
    step().input("freethreaded", "maybe").run().assert_failure("Input does not meet YAML 1.2");
    job.step("actions/setup-python main v5")
        .input("python-version", "3.99t")
        .run()
        .assert_failure("a free-threaded Python");
}

#[test]
fn what_the_tool_cache_holds_is_taken() {
    let job = Job::new();
    for (version, architecture) in
        [("3.9.1", "x64"), ("3.9.10", "x64"), ("3.13.0", "x64-freethreaded"), ("3.9.11", "s390x")]
    {
        job.write(&format!("tools/Python/{version}/{architecture}/bin/python"), "");
        job.write(&format!("tools/Python/{version}/{architecture}.complete"), "");
    }
    if wfrun_architecture() != "x64" {
        return skip("the tools of this test are for x64");
    }
    for (version, architecture, expected) in
        [("3.9", "", "3.9.10"), ("3.9.1", "", "3.9.1"), ("3.9", "s390x", "3.9.11"), ("3.13t", "", "3.13.0t")]
    {
        let step = job.step("actions/setup-python main v5").input("python-version", version);
        let outcome = step.input("architecture", architecture).env("PATH", "").run();
        outcome.assert_success();
        assert_eq!(outcome.output("python-version"), Some(expected), "{version}");
        assert!(outcome.declarations.is_empty(), "{outcome:#?}");
    }
    let old = job.step("actions/setup-python main v2").input("python-version", "3.9").run();
    old.assert_success();
    old.assert_line("Successfully setup CPython (3.9.10)");
    let names: Vec<&str> = old.env.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["pythonLocation", "LD_LIBRARY_PATH"]);
    assert_eq!(old.output("python-path"), None);
}

/// As the tool cache names this machine's processor.
fn wfrun_architecture() -> &'static str {
    if std::env::consts::ARCH == "x86_64" { "x64" } else { std::env::consts::ARCH }
}
