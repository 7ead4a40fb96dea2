//! Output of real steps: matchers whose files are read outside, long lines, summaries.
use crate::repo::{Ran, Repo, can_sandbox};

fn steps(steps: &str) -> String {
    format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}")
}

/// Files of the workspace, of the rest of the sandbox, and none.
#[test]
fn matchers_are_read_as_the_step_sees_them() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(
        &steps(
            r###"
    - run: |
        mkdir .github
        for at in .github /tmp; do
          echo '{"problemMatcher":[{"owner":"'$at'","pattern":[{"regexp":"^'$at': (.*)$","message":1}]}]}' > $at/m.json
        done
        echo "::add-matcher::.github/m.json"
        echo ".github: first"
        echo "##[add-matcher]/tmp/m.json"
        echo "/tmp: second"
    - run: |
        echo ".github: third"
        echo "::remove-matcher owner=/tmp::"
        echo "/tmp: no more"
    - run: echo "::add-matcher::/dev/zero"; mkfifo /tmp/pipe; echo "::add-matcher::/tmp/pipe"; echo "behind them"
      continue-on-error: true
    - run: echo "::add-matcher::none.json"
      continue-on-error: true
"###,
        ),
        &[],
    );
    let ran = repo.sandbox(&[]).ends_with(0);
    let messages: Vec<_> = ran.of_type("annotation").iter().map(|it| it["message"].to_string()).collect();
    assert_eq!(messages.get(..3), Some(["\"first\"", "\"second\"", "\"third\""].map(str::to_owned).as_slice()));
    let said = |it: &str| messages.iter().any(|message| message.contains(it));
    assert!(said("The file '/dev/zero' is larger than 1 MiB."), "{messages:?}");
    assert!(said("The file '/tmp/pipe' could not be read in 5 seconds."), "{messages:?}");
    assert!(messages.last().is_some_and(|it| it.starts_with("\"Could not find file '")), "{messages:?}");
    let lines = ran.lines();
    assert!(lines.contains(&"##[error].github: first".to_owned()), "{lines:?}");
    assert_eq!(lines.iter().filter(|it| *it == "behind them").count(), 1, "{lines:?}");
    assert!(lines.contains(&"/tmp: no more".to_owned()), "{lines:?}");
}

/// On a machine that takes seconds to start a program, a file is read all the same.
#[test]
fn a_file_is_read_however_slow_the_machine_is() {
    if !can_sandbox() {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: without root the sandbox's `head` cannot be made slow");
        return;
    }
    let repo = Repo::new(
        &steps(
            r#"
    - run: |
        printf '#!/bin/sh\nsleep 6; exec /usr/bin/head "$@"\n' > /usr/local/bin/head; chmod +x /usr/local/bin/head
        echo '{"problemMatcher":[{"owner":"slow","pattern":[{"regexp":"^(slow.*)$","message":1}]}]}' > /tmp/m.json
        echo "::add-matcher::/tmp/m.json"
        echo "slow but sure"
"#,
        ),
        &[],
    );
    let ran = repo.sandbox(&[]).ends_with(0);
    let messages: Vec<_> = ran.of_type("annotation").iter().map(|it| it["message"].to_string()).collect();
    assert_eq!(messages, ["\"slow but sure\""]);
}

/// All of a line of 3 MB comes, whatever it is cut into, and nothing of a secret.
#[test]
fn long_lines_are_whole_and_masked() {
    if !can_sandbox() {
        return;
    }
    let script = r#"python3 -c "import os,sys; [sys.stdout.write('x' * 9973 + os.environ['S']) for _ in range(300)]; print('end')""#;
    let repo = Repo::new(&steps(&format!("    - env: {{S: '${{{{ secrets.S }}}}'}}\n      run: {script}\n")), &[]);
    let ran = repo.sandbox(&["--secret", "S=hunter2secret"]).ends_with(0);
    let lines = ran.lines();
    assert!(!ran.stdout.contains("hunter2") && !ran.stdout.contains("2secret"), "a part of the secret shows");
    let text = lines.concat();
    assert_eq!(text.matches('x').count(), 300 * 9973);
    assert!(text.ends_with("***end"));
    // Where a line is cut in a secret, both sides say so.
    let masks = text.matches("***").count();
    assert!((300..310).contains(&masks), "{masks}");
}

#[test]
fn summaries_are_kept() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(&steps("    - run: 'echo \"# Title\" >> $GITHUB_STEP_SUMMARY'\n"), &[]);
    let ran = repo.sandbox(&[]).ends_with(0);
    let run_id = ran.of_type("run-started")[0]["run_id"].as_str().expect("an id").to_owned();
    assert_eq!(repo.read(&format!(".wfrun/runs/{run_id}/summary.md")), "## j summary\n\n# Title\n");
}

#[test]
fn a_run_that_cannot_be_put_on_record_is_no_success() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(&steps("    - run: echo hello\n"), &[]);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
    let output = repo.command(&["w.yml", "--backend", "sandbox", "--json"]).stdout(full).output().expect("wfrun");
    let ran = Ran::of(&output).ends_with(3);
    assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
}

#[test]
fn a_full_disk_fails_the_step_that_meets_it() {
    if !can_sandbox() || !nix::unistd::geteuid().is_root() {
        return;
    }
    let repo = Repo::new(&steps("    - run: 'head -c 9000000 /dev/zero > big'\n    - run: echo never\n"), &[]);
    let cache = repo.cache();
    std::fs::create_dir_all(&cache).expect("a folder");
    let size = Some("size=4m");
    nix::mount::mount(Some("small"), &cache, Some("tmpfs"), nix::mount::MsFlags::empty(), size).expect("a small disk");
    let ran = repo.sandbox(&[]);
    let left = repo.leftovers();
    nix::mount::umount(&cache).expect("it goes");
    let ran = ran.ends_with(1);
    assert!(ran.lines().iter().any(|it| it.contains("No space left on device")), "{}", ran.stdout);
    assert_eq!(ran.steps()[1..], ["Run echo never: skipped"]);
    assert!(left.is_empty(), "{left:?}");
}
