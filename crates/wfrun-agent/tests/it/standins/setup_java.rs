use super::{Job, Step};

/// A JDK below `~/.jdks` with this version and vendor.
fn install(job: &Job, name: &str, runtime: &str, vendor: &str) {
    job.write(&format!("home/.jdks/{name}/bin/javac"), "");
    let release = format!("IMPLEMENTOR=\"{vendor}\"\nJAVA_RUNTIME_VERSION=\"{runtime}\"\n");
    job.write(&format!("home/.jdks/{name}/release"), &release);
}

fn step<'a>(job: &'a Job, distribution: &str, version: &str) -> Step<'a> {
    let step = job.step("actions/setup-java main v5").env("PATH", "/nowhere");
    step.input("distribution", distribution).input("java-version", version).input("java-package", "jdk")
}

#[test]
fn a_jdk_of_this_machine() {
    let job = Job::new();
    // No distribution of a system has these versions.
    install(&job, "a", "97.0.2+9-LTS", "Eclipse Adoptium");
    install(&job, "b", "97.0.3+1", "Debian");
    let folder = job.path("home/.jdks/a").canonicalize().expect("is there").to_string_lossy().into_owned();
    let outcome = step(&job, "temurin", "97").run();
    outcome.assert_success();
    assert_eq!(outcome.exported("JAVA_HOME"), Some(folder.as_str()), "the vendor counts before the version");
    assert_eq!(outcome.path, [format!("{folder}/bin")]);
    assert_eq!(outcome.output("version"), Some("97.0.2+9"));
    assert_eq!(outcome.output("distribution"), Some("Temurin-Hotspot"));
    assert!(outcome.env.iter().any(|(name, value)| name.starts_with("JAVA_HOME_97_") && *value == folder));
    assert!(outcome.declarations.is_empty(), "{outcome:#?}");
}

#[test]
fn another_vendor_or_version_is_declared() {
    let job = Job::new();
    install(&job, "a", "97.0.2+9-LTS", "Eclipse Adoptium");
    let cases = [
        ("zulu", "97", "java 97 of zulu", "97.0.2+9 of Eclipse Adoptium used: another vendor's or build"),
        ("temurin", "98", "java 98", "97.0.2+9 of Eclipse Adoptium used: nearest on this machine"),
        (
            "temurin",
            "97.0.2+8",
            "java 97.0.2+8 of temurin",
            "97.0.2+9 of Eclipse Adoptium used: another vendor's or build",
        ),
    ];
    for (distribution, version, subject, detail) in cases {
        let outcome = step(&job, distribution, version).run();
        outcome.assert_success();
        assert!(
            outcome.lines.iter().any(|it| it.starts_with("::warning title=Another version of Java::")),
            "{outcome:#?}"
        );
        let [declaration] = outcome.declarations.as_slice() else { panic!("{outcome:#?}") };
        assert_eq!((declaration["subject"].as_str(), declaration["detail"].as_str()), (Some(subject), Some(detail)));
    }
    let latest = step(&job, "temurin", "97").input("check-latest", "true").run();
    assert_eq!(latest.declarations[0]["subject"], "java 97, check-latest");
    let other = step(&job, "temurin", "97").input("architecture", "s390x").run();
    assert_eq!(other.declarations[0]["subject"], "java for s390x");
    let signed = step(&job, "temurin", "97").input("verify-signature", "true").run();
    assert_eq!(signed.declarations[0]["subject"], "java 97, verify-signature");
}

#[test]
fn a_jdk_from_an_archive() {
    let job = Job::new();
    job.write("work/repo/jdk-9/bin/javac", "");
    let packed = std::process::Command::new("tar")
        .args(["-czf", "jdk.tar.gz", "jdk-9"])
        .current_dir(job.workspace())
        .status()
        .expect("tar starts");
    assert!(packed.success());
    let run = |file: &str| step(&job, "jdkfile", "9.0.4+1").env("PATH", "/usr/bin:/bin").input("jdk-file", file).run();
    run("nowhere.tar.gz").assert_failure("JDK file was not found in path");
    run("").assert_failure("'jdkFile' is not specified");
    let outcome = run("jdk.tar.gz");
    outcome.assert_success();
    assert!(outcome.path[0].contains("/Java_jdkfile_jdk/9.0.4-1/"), "{outcome:#?}");
    assert!(std::path::Path::new(&outcome.path[0]).join("javac").exists());
    let again = run("nowhere.tar.gz");
    again.assert_line("Resolved Java 9.0.4+1 from tool-cache");
}

#[test]
fn comments_in_maven_files_are_said() {
    let job = Job::new();
    install(&job, "a", "97.0.2+9-LTS", "Eclipse Adoptium");
    job.write("home/.m2/toolchains.xml", "<toolchains><!-- mine --></toolchains>");
    step(&job, "temurin", "97").run().assert_failure("with comments or other text between its elements");
}
