//! `actions/checkout` beyond the run's own commit: submodules, other repositories, files of Git LFS.
use std::fs;

use crate::actions::Mirror;
use crate::repo::{Ran, Repo, can_sandbox};

/// A repository with a submodule that has one in turn, both fetched as `git submodule update` does.
fn with_submodules(mirror: &Mirror, steps: &str) -> Repo {
    mirror.commit("octo/inner", "v1", &[("inner.txt", "of the inner\n")]);
    let address = |name: &str| format!("file://{}/octo/{name}.git", mirror.path().display());
    let outer = Repo::of(&[("outer.txt", "of the outer\n")]);
    let add = |repo: &Repo, name: &str, path: &str| {
        repo.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &address(name), path]);
        // As it is in repositories of github.com; where it was fetched from is in no commit.
        repo.git(&["config", "--file", ".gitmodules", &format!("submodule.{path}.url"), &format!("../{name}.git")]);
        repo.commit(path);
    };
    add(&outer, "inner", "deep");
    let bare = mirror.path().join("octo/outer.git");
    outer.git(&["clone", "--quiet", "--bare", ".", &bare.display().to_string()]);
    let workflow = format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}");
    let repo = Repo::new(&workflow, &[]);
    add(&repo, "outer", "lib");
    repo.git(&["-C", "lib", "config", "submodule.deep.url", &address("inner")]);
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive"]);
    repo
}

fn declared(ran: &Ran) -> Vec<String> {
    let all = ran.of_type("declared");
    let not_run = all.iter().filter(|it| it["how"] == "not run");
    not_run.filter_map(|it| it["subject"].as_str().map(str::to_owned)).collect()
}

/// Source: `actions/checkout`: `submodules`.
#[test]
fn submodules_of_the_clone_that_wfrun_runs_in() {
    if !can_sandbox() {
        return;
    }
    let mirror = Mirror::new();
    let steps = "    - {uses: actions/checkout@v4, with: {submodules: MODE}}
    - run: cat lib/outer.txt lib/deep/inner.txt; git submodule status --recursive; git status --porcelain
";
    let repo = with_submodules(&mirror, &steps.replace("MODE", "recursive"));
    let ran = repo.sandbox(&["--repository", "octo/news", "--offline"]).ends_with(0);
    let lines = ran.lines();
    for line in ["of the outer", "of the inner"] {
        assert!(lines.iter().any(|it| it == line), "{lines:?}");
    }
    let status: Vec<_> = lines.iter().filter(|it| it.starts_with(' ') && it.contains(" lib")).collect();
    assert_eq!(status.len(), 2, "both are at their commits: {lines:?}");
    assert_eq!(declared(&ran), [] as [&str; 0]);
    // One level only.
    repo.change(".github/workflows/w.yml", "submodules: recursive", "submodules: true");
    repo.change(".github/workflows/w.yml", "lib/deep/inner.txt", "; ls -A lib/deep");
    repo.commit("one level");
    let ran = repo.sandbox(&["--repository", "octo/news"]).ends_with(0);
    let lines = ran.lines();
    assert!(lines.iter().any(|it| it == "of the outer") && !lines.iter().any(|it| it == "inner.txt"), "{lines:?}");
    // What was never fetched is not run, and says so.
    fs::remove_dir_all(repo.root().join(".git/modules/lib")).expect("it goes");
    repo.git(&["submodule", "--quiet", "deinit", "--force", "lib"]);
    repo.change(
        ".github/workflows/w.yml",
        "cat lib/outer.txt ; ls -A lib/deep; git submodule status --recursive; ",
        "",
    );
    repo.commit("nothing of it");
    let ran = repo.sandbox(&["--repository", "octo/news"]).ends_with(5);
    assert_eq!(declared(&ran), ["actions/checkout submodule lib"]);
}

/// Source: `actions/checkout`: `repository`, `ref`, `path`, `fetch-depth`.
#[test]
fn another_repository_that_is_on_this_machine() {
    if !can_sandbox() {
        return;
    }
    let mirror = Mirror::new();
    mirror.commit("octo/tools", "v1", &[("tool", "the first\n")]);
    let second = mirror.commit("octo/tools", "v2", &[("tool", "the second\n")]);
    let here = Repo::of(&[("tool", "of a clone\n")]);
    let steps = format!(
        "    - {{id: a, uses: actions/checkout@v4, with: {{repository: octo/tools, path: a}}}}
    - {{id: b, uses: actions/checkout@v4, with: {{repository: octo/tools, path: b, ref: v1, fetch-depth: 0}}}}
    - {{id: c, uses: actions/checkout@v4, with: {{repository: octo/tools, path: c, ref: {second}}}}}
    - {{uses: actions/checkout@v4, with: {{repository: octo/local, path: d}}}}
    - run: cat a/tool b/tool c/tool d/tool; git -C a branch --show-current; git -C b tag; git -C a rev-list --count HEAD
    - run: echo '${{{{ steps.a.outputs.ref }}}} ${{{{ steps.a.outputs.commit == steps.c.outputs.commit }}}} ${{{{ steps.b.outputs.ref }}}}'
    - {{uses: actions/checkout@v4, with: {{repository: octo/none, path: e}}}}
"
    );
    let workflow = format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}");
    let repo = Repo::new(&workflow, &[]);
    let (mirrored, local) = (mirror.path().display().to_string(), format!("octo/local={}", here.root().display()));
    let ran = repo.sandbox(&["--mirror", &mirrored, "--local-repository", &local, "--offline"]).ends_with(1);
    let lines = ran.lines();
    let begins = |it: &str| ["the ", "of a ", "main", "v", "refs/"].iter().any(|begin| it.starts_with(begin));
    // A commit's id may begin with any digit.
    let own = |it: &&String| begins(it) || *it == "1";
    let own: Vec<&str> = lines.iter().filter(own).map(String::as_str).collect();
    let expected = ["the second", "the first", "the second", "of a clone", "main", "v1", "v2", "1"];
    assert_eq!(own[..8], expected, "{lines:?}");
    assert!(lines.contains(&"refs/heads/main true v1".to_owned()), "{lines:?}");
    let messages: Vec<String> = ran.of_type("annotation").iter().map(|it| it["message"].to_string()).collect();
    assert!(messages.concat().contains("`octo/none`, which is not on this machine,"), "{messages:?}");
}

/// Source: `actions/checkout`: `lfs`; the Git LFS specification.
#[test]
fn files_of_git_lfs_that_the_clone_has() {
    if !can_sandbox() {
        return;
    }
    let content = "large, they say\n";
    let id = "730e7752777e8fb09970011f498d5cdc592e05e5aa9748409c5429bd96b7bebd";
    let pointer =
        |id: &str| format!("version https://git-lfs.github.com/spec/v1\noid sha256:{id}\nsize {}\n", content.len());
    let workflow = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:
    - {uses: actions/checkout@v4, with: {lfs: true}}
    - run: cat here.bin plain.txt
";
    let files = [(".gitattributes", "*.bin filter=lfs -text\n"), ("plain.txt", "plain\n"), ("here.bin", &pointer(id))];
    let repo = Repo::new(workflow, &files);
    let object = format!(".git/lfs/objects/{}/{}/{id}", &id[..2], &id[2..4]);
    repo.write(&object, content);
    let ran = repo.sandbox(&[]).ends_with(0);
    let lines = ran.lines();
    assert!(["large, they say", "plain"].iter().all(|it| lines.iter().any(|line| line == it)), "{lines:?}");
    assert_eq!(declared(&ran), [] as [&str; 0]);
    repo.write("gone.bin", &pointer(&"0".repeat(64)));
    repo.commit("more");
    let ran = repo.sandbox(&[]).ends_with(5);
    assert_eq!(declared(&ran), ["actions/checkout lfs"]);
}
