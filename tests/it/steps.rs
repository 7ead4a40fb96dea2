//! Steps in the sandbox: files, isolation, secrets, caches.
use crate::repo::{Repo, can_sandbox};

fn steps(steps: &str) -> String {
    format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}")
}

#[test]
fn outputs_env_and_path_are_live() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(
        &steps(
            "
    - id: a
      run: |
        echo \"x=1\" >> $GITHUB_OUTPUT
        echo \"E=from file\" >> $GITHUB_ENV
        mkdir -p $RUNNER_TEMP/bin && printf '#!/bin/sh\\necho tool' > $RUNNER_TEMP/bin/tool && chmod +x $RUNNER_TEMP/bin/tool
        echo $RUNNER_TEMP/bin >> $GITHUB_PATH
        echo '# Title' >> $GITHUB_STEP_SUMMARY
    - run: echo \"x=${{ steps.a.outputs.x }} E=$E $(tool) $GITHUB_WORKSPACE $HOME\"
    - run: test -f $GITHUB_EVENT_PATH && python3 -c \"import json,os;print(json.load(open(os.environ['GITHUB_EVENT_PATH']))['ref'])\"
",
        ),
        &[],
    );
    let ran = repo.sandbox(&[]).ends_with(0);
    let lines = ran.lines();
    assert!(lines.iter().any(|it| it == "x=1 E=from file tool /home/runner/work/repo/repo /home/runner"), "{lines:?}");
    assert!(lines.iter().any(|it| it == "refs/heads/main"), "{lines:?}");
    assert_eq!(ran.of_type("step-summary").len(), 1);
    assert!(repo.leftovers().is_empty(), "{:?}", repo.leftovers());
    assert_eq!(repo.git(&["status", "--porcelain"]), "", "the repository is as it was");
}

/// Source: .NET, `File.ReadAllText`; PowerShell 5 writes such files with `>` and `Out-File`.
#[test]
fn files_that_begin_with_a_byte_order_mark() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(
        &steps(
            r#"
    - id: a
      run: |
        printf '\357\273\277/marked/bin\n' > $GITHUB_PATH
        printf '\357\273\277x=1\n' > $GITHUB_OUTPUT
        printf '\377\376E\0=\0\351\0\n\0' > $GITHUB_ENV
    - id: b
      run: |
        printf '\376\377\0/\0w\0\n' > $GITHUB_PATH
        printf '\377\376y\0=\0002\0\n\0' > $GITHUB_OUTPUT
    - run: echo "x=${{ steps.a.outputs.x }} y=${{ steps.b.outputs.y }} E=$E ${PATH%%:/[!m]*}"
"#,
        ),
        &[],
    );
    let lines = repo.sandbox(&[]).ends_with(0).lines();
    assert!(lines.iter().any(|it| it == "x=1 y=2 E=é /w:/marked/bin"), "{lines:?}");
}

/// Source: GitHub: execution rules E9.11: patterns are of the workspace as steps see it.
#[test]
fn files_are_hashed_where_steps_have_them() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(
        &steps(
            "
    - run: echo a > a.txt; ln -s $GITHUB_WORKSPACE/a.txt link; ln -s /etc/passwd away
    - run: echo \"here ${{ hashFiles(format('{0}/a.txt', github.workspace)) }}\"
    - run: echo \"link ${{ hashFiles('link') }} away [${{ hashFiles('away') }}]\"
    - id: bad
      continue-on-error: true
      run: echo \"never ${{ hashFiles('../x') }}\"
    - run: echo \"bad ${{ steps.bad.outcome }}\"
",
        ),
        &[],
    );
    let ran = repo.sandbox(&[]).ends_with(1);
    let lines = ran.lines();
    // printf 'a\n' | sha256sum | xxd -r -p | sha256sum
    let digest = "225f1bbbc4b1a3d97c622a492d91ea8d6858d7e1164bbbb5953f74311d6d222e";
    for line in [format!("here {digest}"), format!("link {digest} away []")] {
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
    assert!(lines.iter().all(|it| !it.starts_with("never")), "{lines:?}");
    let said = format!("{:?}", ran.of_type("annotation"));
    assert!(said.contains("Relative pathing '.' and '..' is not allowed."), "{said}");
}

#[test]
fn the_host_never_sees_what_a_step_does() {
    if !can_sandbox() {
        return;
    }
    let name = format!("wfrun-test-{}", std::process::id());
    let script = format!("echo x > /etc/{name}; echo x > /usr/local/{name}; ls /etc/{name} /usr/local/{name}");
    let repo = Repo::new(&steps(&format!("    - run: {script:?}\n")), &[]);
    repo.sandbox(&[]).ends_with(0);
    for folder in ["/etc", "/usr/local"] {
        assert!(!std::path::Path::new(folder).join(&name).exists(), "{folder}/{name} is on the host");
    }
}

#[test]
fn checkout_gives_the_commit_and_nothing_else() {
    if !can_sandbox() {
        return;
    }
    let workflow = steps(
        "    - uses: actions/checkout@v4\n    - run: ls; git status --porcelain; git rev-parse HEAD; cat a.txt\n",
    );
    let repo = Repo::new(&workflow, &[("a.txt", "committed\n")]);
    repo.write("b.txt", "not committed\n");
    repo.write("a.txt", "changed\n");
    let ran = repo.sandbox(&[]).ends_with(0);
    let lines = ran.lines();
    assert!(!lines.contains(&"b.txt".to_owned()), "{lines:?}");
    assert!(lines.contains(&"committed".to_owned()), "{lines:?}");
    assert!(lines.contains(&repo.git(&["rev-parse", "HEAD"])), "{lines:?}");
    let dirty = repo.sandbox(&["--dirty"]).ends_with(0).lines();
    assert!(dirty.contains(&"b.txt".to_owned()) && dirty.contains(&"changed".to_owned()), "{dirty:?}");
    assert_eq!(repo.git(&["status", "--porcelain"]).lines().count(), 2, "the work tree is as it was");
}

#[test]
fn a_root_below_the_git_root_has_its_own_tree_and_the_outer_history() {
    if !can_sandbox() {
        return;
    }
    let workflow = steps(
        "    - uses: actions/checkout@v3\n    - run: ls -A; git status --porcelain; git rev-parse HEAD; echo $GITHUB_SHA\n",
    );
    let repo = Repo::below("apps/one", &workflow, &[("here.txt", "x")]);
    let ran = repo.sandbox(&[]).ends_with(0);
    let lines = ran.lines();
    let sha = repo.git(&["rev-parse", "HEAD"]);
    assert_eq!(lines.iter().filter(|it| **it == sha).count(), 3, "HEAD and github.sha are the outer commit: {lines:?}");
    assert!(lines.contains(&"here.txt".to_owned()) && !lines.contains(&"apps".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|it| it.starts_with(" D") || it.starts_with("??")), "clean: {lines:?}");
}

#[test]
fn secrets_are_masked_from_the_first_byte() {
    if !can_sandbox() {
        return;
    }
    let workflow = steps(
        "    - env: {T: '${{ secrets.TOKEN }}'}\n      run: |\n        echo \"t=$T\"; printf '%s' \"$T\" | base64; printf 'part-'; printf '%s\\n' \"$T\"\n",
    );
    let repo = Repo::new(&workflow, &[]);
    repo.write("../secrets.env", "TOKEN=hunter2secret\n");
    let ran = repo.sandbox(&["--secret-file", "../secrets.env"]).ends_with(0);
    assert!(!ran.stdout.contains("hunter2secret") && !ran.stdout.contains("aHVudGVyMnNlY3JldA"), "{}", ran.stdout);
    assert_eq!(ran.lines(), ["t=***", "***", "part-***"]);
    let journal = std::fs::read_dir(repo.root().join(".wfrun/runs")).expect("runs").flatten();
    for run in journal {
        let text = std::fs::read_to_string(run.path().join("journal.ndjson")).expect("a journal");
        assert!(!text.contains("hunter2secret"));
    }
}

#[test]
fn a_near_miss_of_a_secret_is_said() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(&steps("    - run: echo \"[${{ secrets.API_TOKEN }}]\"\n"), &[]);
    repo.write("../s.yml", "API_TOKN: x1y2z3\n");
    let ran = repo.sandbox(&["--secret-file", "../s.yml"]).ends_with(0);
    assert!(
        ran.stderr.contains("secret/not-given") && ran.stderr.contains("did you mean `API_TOKN`"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.lines(), ["[]"]);
}

#[test]
fn caches_are_kept_between_runs() {
    if !can_sandbox() {
        return;
    }
    let workflow = steps(
        "    - id: c
      uses: actions/cache@v3
      with: {path: ~/things, key: k-1, restore-keys: k-}
    - run: echo \"hit=[${{ steps.c.outputs.cache-hit }}]\"; cat ~/things/x || true; mkdir -p ~/things; echo kept > ~/things/x
",
    );
    let repo = Repo::new(&workflow, &[]);
    let first = repo.sandbox(&[]).ends_with(0);
    assert!(first.lines().contains(&"hit=[]".to_owned()), "{:?}", first.lines());
    let second = repo.sandbox(&[]).ends_with(0);
    assert!(second.lines().contains(&"hit=[true]".to_owned()), "{:?}", second.lines());
    assert!(second.lines().contains(&"kept".to_owned()), "{:?}", second.lines());
    assert!(second.of_type("service-called").iter().any(|it| it["service"] == "cache"), "calls are in the journal");
}

#[test]
fn shells_and_exit_codes() {
    if !can_sandbox() {
        return;
    }
    let workflow = steps(
        "    - {name: no pipefail, run: 'false | true'}
    - {name: pipefail, shell: bash, continue-on-error: true, run: 'false | true'}
    - {name: python, shell: python, run: 'print(6 * 7)'}
    - {name: own, shell: 'sh -eu {0}', run: 'echo $0 | grep -c _temp'}
    - {name: bad, shell: bash -x, continue-on-error: true, run: echo never}
    - {name: folder, working-directory: /tmp, run: pwd}
    - {name: seven, run: exit 7}
",
    );
    let ran = Repo::new(&workflow, &[]).sandbox(&[]).ends_with(1);
    let finished = ran.of_type("step-finished");
    let codes: Vec<String> = finished
        .iter()
        .map(|it| {
            format!(
                "{} {} {}",
                it["name"].as_str().unwrap_or_default(),
                it["outcome"].as_str().unwrap_or_default(),
                it["exit_code"]
            )
        })
        .collect();
    assert_eq!(
        codes,
        [
            "no pipefail success 0",
            "pipefail failure 1",
            "python success 0",
            "own success 0",
            "bad failure null",
            "folder success 0",
            "seven failure 7",
        ]
    );
    assert_eq!(ran.lines(), ["42", "1", "/tmp"]);
}

#[test]
fn strict_makes_a_stand_in_incomplete() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(&steps("    - uses: actions/checkout@v4\n"), &[]);
    repo.sandbox(&[]).ends_with(0);
    let ran = repo.sandbox(&["--strict"]).ends_with(5);
    assert_eq!(ran.of_type("run-finished")[0]["conclusion"], "incomplete");
    let declared = ran.of_type("declared");
    assert_eq!(
        (declared[0]["how"].as_str(), declared[0]["subject"].as_str()),
        (Some("stand-in"), Some("actions/checkout@v4"))
    );
}

#[test]
fn expectations() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(
        "on: push\njobs: {a: {runs-on: x, steps: [{run: exit 1}]}, b: {needs: a, runs-on: x, steps: [{run: 'true'}]}}",
        &[],
    );
    repo.sandbox(&[]).ends_with(1);
    repo.sandbox(&["--expect", "a=failure", "--expect", "b=skipped"]).ends_with(0);
    repo.sandbox(&["--expect", "a=failure", "--expect", "b=success"]).ends_with(1);
}

#[test]
fn jobs_are_chosen() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(
        "on: push\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}, b: {needs: a, runs-on: x, steps: [{run: 'true'}]}, c: {runs-on: x, steps: [{run: exit 1}]}}",
        &[],
    );
    let ran = repo.sandbox(&["--job", "b"]).ends_with(0);
    assert_eq!(ran.results().to_string(), r#"{"a":"success","b":"success","c":"skipped"}"#);
    let ran = repo.sandbox(&["--job", "b", "--no-needs"]).ends_with(0);
    assert_eq!(ran.results().to_string(), r#"{"a":"skipped","b":"success","c":"skipped"}"#);
}

#[test]
fn what_is_not_committed_is_said() {
    if !can_sandbox() {
        return;
    }
    let workflow = steps("    - run: 'true'\n");
    let repo = Repo::new(&workflow, &[("a.txt", "x\n")]);
    let notices = |arguments: &[&str]| {
        let told = repo.sandbox(arguments).ends_with(0).of_type("notice");
        told.iter().filter_map(|it| Some(it["message"].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(notices(&[]), [""; 0]);
    repo.write("a.txt", "changed\n");
    repo.change(".github/workflows/w.yml", "'true'", "echo other");
    let sha = repo.git(&["rev-parse", "HEAD"]);
    let workflow_differs =
        format!(".github/workflows/w.yml is not as in commit {}: the one in the work tree is run", &sha[..7]);
    let left_out = "2 uncommitted changes are not in this run: `--dirty` takes them in".to_owned();
    assert_eq!(notices(&[]), [workflow_differs, left_out]);
    repo.commit("both");
    repo.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(notices(&[]), ["no branch is checked out: the commit is taken as pushed to refs/heads/main"]);
}

#[test]
fn a_step_has_no_terminal() {
    if !can_sandbox() {
        return;
    }
    let script = "if (: > /dev/tty) 2>/dev/null; then echo has one; else echo has none; fi";
    let repo = Repo::new(&steps(&format!("    - run: {script:?}\n")), &[]);
    // `script` gives wfrun a terminal of its own, which a step must not inherit.
    let command = format!("{} w.yml --backend sandbox --json", crate::repo::WFRUN);
    let mut terminal = std::process::Command::new("script");
    terminal.args(["-qec", &command, "/dev/null"]).current_dir(repo.root()).stdin(std::process::Stdio::null());
    let Ok(output) = terminal.env("XDG_CACHE_HOME", repo.root().join("../cache")).output() else {
        println!("skipped: there is no `script` to make a terminal with");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("\"text\":\"has none\""), "{text}");
}

#[test]
fn other_users_cannot_look_into_a_run() {
    use std::os::unix::fs::PermissionsExt as _;
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(&steps("    - run: 'true'\n"), &[]);
    repo.sandbox(&[]).ends_with(0);
    let run = std::fs::read_dir(repo.root().join(".wfrun/runs")).expect("runs").flatten().next().expect("a run");
    assert_eq!(run.metadata().expect("metadata").permissions().mode() & 0o077, 0);
}

#[test]
fn what_has_no_effect_is_declared() {
    if !can_sandbox() {
        return;
    }
    let workflow = "on: push\njobs: {j: {runs-on: ubuntu-latest, environment: production, steps: [{run: 'true'}]}}\n";
    let repo = Repo::new(workflow, &[]);
    let ran = repo.sandbox(&[]).ends_with(0);
    assert_eq!(ran.of_type("declared")[0]["how"], "simulated");
    repo.sandbox(&["--strict"]).ends_with(5);
}
