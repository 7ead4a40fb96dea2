//! The workspace: a view of a tree that is checked out once, of which each job has its own.
use serde_json::Value as Json;

use crate::repo::{Ran, Repo, can_sandbox};

pub(crate) const STEPS: &str = r#"
      - {id: c, uses: actions/checkout@v4}
      - run: |
          set -x
          test -z "$(git status --porcelain)"
          test "$(git rev-parse HEAD)" = "${{ steps.c.outputs.commit }}"
          test "$(git symbolic-ref --short HEAD)" = main
          test "$(cat kept)" = kept
          test -x tool
          test "$(readlink link)" = kept
          git log -1 --format=%s | grep -x start
          echo more >> kept
          rm gone
          echo new > new
          git status --porcelain | sort | tr '\n' '|' | grep -F ' D gone| M kept|?? new|'
"#;

/// A repository with the two jobs `a` and `b`, one after the other.
pub(crate) fn repo(steps: &str) -> Repo {
    let workflow = format!(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:{steps}\n  b:\n    needs: a\n    runs-on: ubuntu-latest\n    steps:{steps}\n"
    );
    let repo = Repo::new(&workflow, &[("kept", "kept\n"), ("gone", "gone\n"), ("tool", "#!/bin/sh\n")]);
    repo.git(&["update-index", "--chmod=+x", "tool"]);
    std::os::unix::fs::symlink("kept", repo.root().join("link")).expect("a link");
    repo.git(&["add", "link"]);
    repo.git(&["commit", "--quiet", "--amend", "--no-edit"]);
    repo
}

/// How the workspaces of the jobs were made.
pub(crate) fn workspaces(ran: &Ran) -> Vec<String> {
    let events = ran.stdout.lines().map(|it| serde_json::from_str::<Json>(it).expect("JSON"));
    let started = events.filter(|it| it["type"] == "job-started");
    started.map(|it| it["workspace"].as_str().unwrap_or_default().to_owned()).collect()
}

fn mounted(repo: &Repo) -> bool {
    let cache = repo.cache().display().to_string();
    std::fs::read_to_string("/proc/self/mountinfo").expect("a table").contains(&cache)
}

#[test]
fn each_job_has_a_view_of_its_own() {
    if !can_sandbox() {
        return;
    }
    let repo = repo(STEPS);
    for _ in 0..2 {
        let ran = repo.wfrun(&["w.yml", "--backend", "sandbox", "--json"]).ends_with(0);
        if nix::unistd::geteuid().is_root() {
            assert_eq!(workspaces(&ran), ["overlay", "overlay"]);
        }
        assert!(!mounted(&repo), "nothing stays mounted");
    }
    assert_eq!(repo.read("kept"), "kept\n");
    // Another commit is another tree.
    repo.write("kept", "kept again\n");
    repo.commit("start");
    repo.change(".github/workflows/w.yml", "= kept", "= \"kept again\"");
    repo.commit("start");
    repo.wfrun(&["w.yml", "--backend", "sandbox", "--quiet"]).ends_with(1);
}

#[test]
fn a_second_checkout_cleans() {
    if !can_sandbox() {
        return;
    }
    let twice = "
      - {uses: actions/checkout@v4}
      - {run: 'echo more >> kept; rm gone; echo new > new'}
      - {uses: actions/checkout@v4}
      - {run: 'test -z \"$(git status --porcelain --ignored)\" && test -e gone && test ! -e new'}
";
    repo(twice).wfrun(&["w.yml", "--backend", "sandbox", "--quiet"]).ends_with(0);
}

/// Where a step comes first, or the inputs ask for more, the files are written as the step runs.
#[test]
fn nothing_is_there_before_the_checkout() {
    if !can_sandbox() {
        return;
    }
    let later = "
      - {run: 'test -z \"$(ls -A)\"'}
      - {uses: actions/checkout@v4}
      - {run: test -e kept}
";
    let ran = repo(later).wfrun(&["w.yml", "--backend", "sandbox", "--json"]).ends_with(0);
    assert_eq!(workspaces(&ran), ["files", "files"]);
    for with in ["path: sub", "fetch-depth: 0", "ref: main", "sparse-checkout: kept"] {
        let steps = format!("\n      - {{uses: actions/checkout@v4, with: {{{with}}}}}\n");
        let ran = repo(&steps).wfrun(&["w.yml", "--backend", "sandbox", "--json"]).ends_with(0);
        assert_eq!(workspaces(&ran), ["files", "files"], "{with}");
    }
}

/// A run that is killed leaves its view behind; the next one takes it away.
#[test]
fn a_killed_run_leaves_nothing_for_long() {
    if !can_sandbox() {
        return;
    }
    let steps = "\n      - {uses: actions/checkout@v4}\n      - {run: 'echo here; sleep 60'}\n";
    let repo = repo(steps);
    let mut command = repo.command(&["w.yml", "--backend", "sandbox", "--json"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("wfrun starts");
    let lines = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let said = std::io::BufRead::lines(lines).map_while(Result::ok).any(|it| it.contains("\"text\":\"here\""));
    assert!(said, "the step runs");
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    let ran = repo.wfrun(&["clean"]).ends_with(0);
    assert!(!mounted(&repo), "{}{}", ran.stdout, ran.stderr);
    let work = repo.cache().join("work");
    let left = std::fs::read_dir(&work).map(Iterator::count).unwrap_or_default();
    assert_eq!(left, 0, "{}", work.display());
}

#[test]
fn a_workspace_is_kept_with_its_changes() {
    if !can_sandbox() {
        return;
    }
    let steps = "
      - {uses: actions/checkout@v4}
      - {run: 'echo more >> kept; rm gone; echo new > new'}
      - run: |
          git config core.fsmonitor 'touch /tmp/wfrun-was-here'
          git config filter.f.clean 'touch /tmp/wfrun-was-here'
          echo '* filter=f' > .gitattributes
          git init --quiet nested
          cp .git/config nested/.git/config
          echo inner > nested/inner
";
    let repo = repo(steps);
    let ran = repo.wfrun(&["w.yml", "--backend", "sandbox", "--keep-workspace"]).ends_with(0);
    let runs = std::fs::read_dir(repo.root().join(".wfrun/runs")).expect("runs");
    let folder = runs.flatten().next().expect("a run").path().join("workspaces");
    for job in ["a", "b"] {
        let kept = folder.join(job);
        assert_eq!(std::fs::read_to_string(kept.join("kept")).expect("a file"), "kept\nmore\n");
        assert!(kept.join("new").exists() && !kept.join("gone").exists() && !kept.join(".git").exists());
        let diff = std::fs::read_to_string(folder.join(format!("{job}.diff"))).expect("a diff");
        for part in ["+more", "deleted file mode", "+++ b/new", "+new", "+++ b/nested/inner"] {
            assert!(diff.contains(part), "{part}: {diff}");
        }
        let said = format!("the workspace of job `{job}` is kept as {}; 5 files differ", kept.display());
        assert!(ran.stderr.contains(&said) || ran.stdout.contains(&said), "{}{}", ran.stdout, ran.stderr);
    }
    assert!(!std::path::Path::new("/tmp/wfrun-was-here").exists(), "nothing of the job's settings runs here");
}
