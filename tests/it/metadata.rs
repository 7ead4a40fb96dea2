//! While AWS is emulated, no step asks this machine's metadata, and each that tries is told why it cannot.
use std::path::Path;

use crate::docker::{IMAGE, has_docker, left};
use crate::repo::{Ran, Repo, can_sandbox};
use crate::unprivileged::{self, User};

/// Two tries in a step, one in a container action where there is an engine; AWS itself is reached.
const STEPS: &str = r#"
    steps:
    - uses: aws-actions/configure-aws-credentials@v4
      with:
        aws-access-key-id: ${{ secrets.AWS_ACCESS_KEY_ID }}
        aws-secret-access-key: ${{ secrets.AWS_SECRET_ACCESS_KEY }}
        aws-region: eu-west-1
    - name: Asks
      shell: bash
      run: |
        for i in 1 2; do { : < /dev/tcp/169.254.169.254/80; } 2>/dev/null || echo "not reached"; done
    - run: aws sts get-caller-identity --query Account --output text
"#;
const JOB: &str = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest";
const ARGUMENTS: [&str; 7] =
    ["w.yml", "--json", "-s", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "-s", "AWS_SECRET_ACCESS_KEY=key", "--backend"];

/// Of each step that asked: its name and what it was told.
fn told(ran: &Ran) -> Vec<String> {
    let is_meant = |it: &&serde_json::Value| it["message"].to_string().contains("where clouds tell");
    let annotations = ran.of_type("annotation");
    let told = annotations.iter().filter(is_meant).map(|it| {
        assert_eq!(it["level"], "warning", "{it}");
        let message = it["message"].as_str().unwrap_or_default();
        format!("{} {}", it["step"].as_str().unwrap_or_default(), message.split(',').next().unwrap_or_default())
    });
    told.collect()
}

const ONCE: &str = "2 `bash` asked 169.254.169.254";

#[track_caller]
fn check(ran: &Ran) {
    let lines = ran.lines();
    assert_eq!(lines.iter().filter(|it| *it == "not reached").count(), 2, "{lines:#?}");
    assert!(lines.iter().any(|it| it == "123456789012" || it == "***"), "{lines:#?}");
    assert!(ran.of_type("notice").iter().all(|it| !it["message"].to_string().contains("metadata")), "{}", ran.stdout);
}

#[test]
fn a_step_in_the_sandbox() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(&format!("{JOB}{STEPS}"), &[]);
    let ran = repo.wfrun(&[&ARGUMENTS[..], &["sandbox"]].concat()).ends_with(0);
    check(&ran);
    assert_eq!(told(&ran), [ONCE]);
}

/// The control: with the real AWS, the machine's own credentials are meant.
#[test]
fn with_the_real_aws_nothing_is_cut_off() {
    if !can_sandbox() {
        return;
    }
    let steps = "steps: [run: 'echo \"filters $(grep Seccomp_filters /proc/self/status | tr -dc 0-9)\" # aws']";
    let repo = Repo::new(&format!("{JOB}\n    {steps}"), &[]);
    let count = |arguments: &[&str]| {
        let ran = repo.sandbox(arguments).ends_with(0);
        let lines = ran.lines();
        let found = lines.iter().find_map(|it| it.strip_prefix("filters ")?.parse::<u32>().ok());
        found.unwrap_or_else(|| panic!("{lines:#?}"))
    };
    assert_eq!(count(&[]), count(&["--aws", "off"]) + 1);
}

/// The sandbox of a user who is not root, and this machine as it is, where `sudo` would not work any more.
#[test]
fn a_step_of_a_user_without_rights() {
    let Some(user) = User::new().filter(unprivileged::can_sandbox) else { return };
    let repo = User::repo(&format!("{JOB}{STEPS}"));
    let run = |backend: &str| {
        let arguments = [&ARGUMENTS[..], &[backend]].concat();
        Ran::of(&user.command(&repo.root(), &arguments).output().expect("wfrun starts"))
    };
    let ran = run("sandbox").ends_with(0);
    check(&ran);
    assert_eq!(told(&ran), [ONCE]);
    // The host has no `aws` of its own, and its metadata is not asked here.
    repo.change(".github/workflows/w.yml", "- run: aws", "- run: true");
    repo.change(".github/workflows/w.yml", "169.254.169.254", "127.0.0.1");
    repo.commit("harmless");
    let ran = run("host").ends_with(0);
    let notices: Vec<String> = ran.of_type("notice").iter().map(ToString::to_string).collect();
    let names = "on the `host` backend AWS's names are not blocked";
    assert!(notices.iter().any(|it| it.contains(names)), "{notices:?}");
    let open = notices.iter().find(|it| it.contains("metadata of this machine, if it has any"));
    let has_sudo = ["/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo"].iter().any(|it| Path::new(it).exists());
    assert_eq!(open.is_some(), has_sudo, "{notices:?}");
    assert!(open.is_none_or(|it| it.contains("\"level\":\"warning\"") && it.contains("`sudo`")), "{notices:?}");
}

/// Steps in the machine's network, in a container of the job's, and container actions beside both.
#[test]
fn a_step_and_a_container_action_on_docker() {
    if !has_docker() {
        return;
    }
    let action = format!(
        "    - uses: docker://{IMAGE}\n      with: {{entrypoint: bash, args: '-c \": < /dev/tcp/169.254.169.254/80 || echo not \
         reached either\"'}}\n"
    );
    for container in [String::new(), format!("\n    container: {IMAGE}")] {
        let repo = Repo::new(&format!("{JOB}{container}{STEPS}{action}"), &[]);
        let ran = repo.wfrun(&[&ARGUMENTS[..], &["docker"]].concat()).ends_with(0);
        check(&ran);
        assert!(ran.lines().iter().any(|it| it == "not reached either"), "{:#?}", ran.lines());
        assert_eq!(told(&ran), [ONCE, &ONCE.replacen('2', "4", 1)], "{container}");
        assert_eq!(left(&ran), "");
    }
}
