//! Actions of repositories: where they come from, and JavaScript actions that run for real.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::repo::{Ran, Repo, can_sandbox};

/// A JavaScript action with all that an action can do without a package.
const MANIFEST: &str = "name: hello\ninputs: {who: {default: World}, foo.bar: {}}\noutputs: {greeting: {}}\n\
                        runs: {using: node20, main: dist/main.js, post: dist/post.js}\n";
const MAIN: &str = "const fs = require('fs');
const text = `Hello, ${process.env.INPUT_WHO}${process.env['INPUT_FOO.BAR']}`;
console.log(`${text} in ${__dirname}, at ${process.cwd()}`);
fs.writeFileSync(`${__dirname}/own`, 'an action may write into its own folder');
fs.appendFileSync(process.env.GITHUB_OUTPUT, `greeting=${text}\\n`);
fs.appendFileSync(process.env.GITHUB_STATE, 'said=yes\\n');
";
const POST: &str = "console.log(`post: said=${process.env.STATE_said}, ${process.env.INPUT_WHO}`);\n";

/// Repositories of actions below one folder: `OWNER/NAME.git`, bare.
pub(crate) struct Mirror(TempDir);

impl Mirror {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A commit with these files and no others, tagged; gives back its id.
    pub(crate) fn commit(&self, name: &str, tag: &str, files: &[(&str, &str)]) -> String {
        let bare = self.path().join(format!("{name}.git"));
        let work = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = work.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, text).expect("a file");
        }
        let git = |arguments: &[&str]| git(&bare, work.path(), arguments);
        if !bare.exists() {
            fs::create_dir_all(&bare).expect("folders");
            git(&["init", "--quiet", "--bare", "--initial-branch=main"]);
        }
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--allow-empty", "-m", tag]);
        git(&["tag", "--force", tag]);
        git(&["rev-parse", "HEAD"])
    }

    /// Settings of git with which github.com is this folder.
    pub(crate) fn as_github(&self) -> PathBuf {
        let config = self.path().join("gitconfig");
        let text = format!("[url \"file://{}/\"]\n\tinsteadOf = https://github.com/\n", self.path().display());
        fs::write(&config, text).expect("a file");
        config
    }

    fn hello(&self, tag: &str, main: &str) -> String {
        self.commit("octo/hello", tag, &[("action.yml", MANIFEST), ("dist/main.js", main), ("dist/post.js", POST)])
    }
}

/// Where the real actions are, as for `--mirror`.
const MIRROR: &str = "WFRUN_TEST_MIRROR";

/// The folder with the git repositories of real actions, if somebody named it; says so where not.
pub(crate) fn real_actions(of: &str) -> Option<PathBuf> {
    let mirror = std::env::var_os(MIRROR).map(PathBuf::from);
    if mirror.is_none() {
        println!("skipped: {MIRROR} names no folder with the git repositories of {of}");
    }
    mirror
}

/// Whether a version of an action has the code that it runs in such a folder; says so where not.
pub(crate) fn has_code(mirror: &Path, action: &str, version: &str, code: &str) -> bool {
    let shows = |place: PathBuf| {
        let mut git = Command::new("git");
        git.args(["-c", "safe.directory=*", "-C"]).arg(place).args(["cat-file", "-e", &format!("{version}:{code}")]);
        git.output().is_ok_and(|it| it.status.success())
    };
    let has = [action.to_owned(), format!("{action}.git")].into_iter().any(|it| shows(mirror.join(it)));
    if !has {
        println!("skipped: {} has no code of {action}@{version}", mirror.display());
    }
    has
}

fn git(bare: &Path, work: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]);
    git.arg("--git-dir").arg(bare);
    if arguments.first() != Some(&"init") {
        git.arg("--work-tree").arg(work);
    }
    let output = git.args(arguments).current_dir(work).output().expect("git");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn steps(steps: &str) -> String {
    format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}")
}

/// Whether JavaScript actions can run here; says so where not.
pub(crate) fn can_run_node() -> bool {
    let version = Command::new("node").arg("--version").output();
    let text = version.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
    let major = text.trim_start_matches('v').split('.').next().and_then(|it| it.parse::<u32>().ok());
    if major.is_none_or(|it| it < 20) {
        println!("skipped: there is no Node 20 or newer");
        return false;
    }
    // A user's sandbox shows nothing of `/home` but their own, and in tests that is another one.
    let place = Command::new("sh").args(["-c", "readlink -f \"$(command -v node)\""]).output().expect("a shell");
    let place = String::from_utf8_lossy(&place.stdout).into_owned();
    if !nix::unistd::geteuid().is_root() && place.starts_with("/home/") {
        println!("skipped: Node is at {place}, which the sandbox of a test does not show");
        return false;
    }
    can_sandbox()
}

fn notices(ran: &Ran) -> Vec<String> {
    ran.of_type("notice").iter().map(|it| it["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The codes of what a run was refused for, and the whole text.
fn refused(repo: &Repo, arguments: &[&str], exit: i32) -> (Vec<String>, String) {
    let ran = repo.sandbox(arguments).ends_with(exit);
    (ran.errors(), ran.stderr)
}

#[test]
fn a_javascript_action_runs_as_on_github() {
    if !can_run_node() {
        return;
    }
    let mirror = Mirror::new();
    let commit = mirror.hello("releases/v1", MAIN);
    let workflow = steps(
        "    - id: a
      uses: Octo/Hello@releases/v1
      with: {who: you, foo.bar: '!'}
    - run: echo '[${{ steps.a.outputs.greeting }}]'
    - uses: Octo/Hello@releases/v1
",
    );
    let repo = Repo::new(&workflow, &[]);
    let mirrored = mirror.path().display().to_string();
    let ran = repo.sandbox(&["--mirror", &mirrored, "--offline"]).ends_with(0);
    let (folder, workspace) = ("/home/runner/work/_actions/Octo/Hello/releases/v1/dist", "/home/runner/work/repo/repo");
    assert_eq!(
        ran.lines(),
        [
            format!("Hello, you! in {folder}, at {workspace}"),
            "[Hello, you!]".to_owned(),
            format!("Hello, World in {folder}, at {workspace}"),
            "post: said=yes, World".to_owned(),
            "post: said=yes, you".to_owned(),
        ]
    );
    let started = ran.of_type("step-started");
    assert_eq!((&started[0]["kind"], &started[0]["how"]), (&"javascript".into(), &"real".into()));
    let told = format!("action `Octo/Hello@releases/v1` is commit {commit} of the mirror {mirrored}/octo/hello.git");
    assert_eq!(notices(&ran)[0], told);
    assert_eq!(notices(&ran).iter().filter(|it| it.contains("Hello")).count(), 1, "told once");
    let kept = repo.root().join("../cache/wfrun/actions/octo/hello").join(&commit);
    assert!(kept.join("dist/main.js").is_file() && !kept.join("dist/own").exists(), "the store is not written to");
}

#[test]
fn the_order_of_places() {
    if !can_run_node() {
        return;
    }
    let workflow = steps("    - uses: actions/checkout@v4\n");
    let manifest = "name: x\nruns: {using: node24, main: x.js}\n";
    let repo = Repo::new(&workflow, &[]);
    repo.write("../folder/action.yml", manifest);
    repo.write("../folder/x.js", "console.log('from the folder')");
    let mirror = Mirror::new();
    mirror.commit("actions/checkout", "v4", &[("action.yaml", manifest), ("x.js", "console.log('from the mirror')")]);
    mirror.commit("other/thing", "v1", &[("action.yaml", manifest)]);
    let mirrored = mirror.path().display().to_string();
    let all = ["--local-repository", "actions/checkout=../folder", "--mirror", &mirrored, "--offline"];
    let first = |arguments: &[&str]| repo.sandbox(arguments).ends_with(0).lines().first().cloned().unwrap_or_default();
    assert_eq!(first(&all), "from the folder");
    assert_eq!(
        first(&["--local-repository", "actions/checkout@v3=../folder", "--mirror", &mirrored]),
        "from the mirror"
    );
    assert_eq!(first(&["--actions", "real", "--mirror", &mirrored, "--offline"]), "from the mirror");
    assert_eq!(first(&["--offline"]), "Syncing repository: local/repo", "the stand-in");
    assert_eq!(first(&[&all[..], &["--actions", "builtin"]].concat()), first(&["--offline"]));
    let (codes, text) = refused(&repo, &["--actions", "real", "--offline"], 3);
    assert_eq!(codes, ["action/not-found"], "{text}");
    repo.change(".github/workflows/w.yml", "actions/checkout@v4", "actions/checkout@v9");
    let (codes, text) = refused(&repo, &["--mirror", &mirrored, "--offline"], 3);
    assert_eq!(codes, ["action/no-version"], "a mirror that has the repository is asked for its versions: {text}");
}

#[test]
fn everything_missing_is_listed_at_once() {
    if !can_sandbox() {
        return;
    }
    let mirror = Mirror::new();
    let composite = |uses: &str| format!("name: x\nruns: {{using: composite, steps: [{uses}]}}\n");
    let nested = composite("{uses: octo/gone@v1}, {uses: octo/loop@v1}, {uses: ./x}, {uses: 'docker://alpine'}");
    mirror.commit("octo/nested", "v1", &[("sub/action.yml", &nested)]);
    mirror.commit(
        "octo/loop",
        "v1",
        &[("action.yml", &composite("{uses: $/other}")), ("other/action.yml", &composite(""))],
    );
    mirror.commit("octo/endless", "v1", &[("action.yml", &composite("{uses: octo/endless@v1}"))]);
    mirror.commit("octo/bad", "v1", &[("action.yml", "name: x\nruns: {using: node20, main: a.js, b: 1}\n")]);
    let commit = mirror.commit("octo/empty", "v1", &[("x", "")]);
    let short = &commit[..7];
    let workflow = steps(&format!(
        "    - uses: octo/nested/sub@v1\n    - uses: octo/Nested/Sub@v1\n    - uses: octo/endless@v1\n    - uses: octo/bad@v1\n    \
         - uses: octo/empty@v1\n    - uses: octo/empty@{short}\n    - uses: octo/empty@v2\n    - uses: octo/away@v1\n"
    ));
    let repo = Repo::new(&workflow, &[]);
    let mirrored = mirror.path().display().to_string();
    let (codes, text) = refused(&repo, &["--mirror", &mirrored, "--offline"], 2);
    let expected = [
        "action/not-found",
        "action/no-manifest",
        "action/too-deep",
        "action/bad-manifest",
        "action/no-manifest",
        "action/short-sha",
        "action/no-version",
        "action/not-found",
    ];
    assert_eq!(codes, expected, "{text}");
    for part in [
        "action `octo/gone@v1` was not found",
        "(`octo/nested/sub@v1` needs it)",
        "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action 'octo/Nested/Sub@v1'.",
        "Composite action depth exceeded max depth 9",
        &format!(
            "Unable to resolve action `octo/empty@{short}`, the provided ref `{short}` is the shortened version of a commit \
             SHA, which is not supported. Please use the full commit SHA `{commit}` instead."
        ),
        "Unable to resolve action `octo/empty@v2`, unable to find version `v2`",
        "--local-repository octo/away=DIR",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // What GitHub takes no better is a fault of the text; what is not here is not.
    for (uses, exit) in [("octo/bad@v1", 2), (&format!("octo/empty@{short}"), 2), ("octo/away@v1", 3)] {
        let repo = Repo::new(&steps(&format!("    - uses: {uses}\n")), &[]);
        assert_eq!(refused(&repo, &["--mirror", &mirrored, "--offline"], exit).0.len(), 1, "{uses}");
    }
}

#[test]
fn what_was_fetched_is_kept_and_stays_the_same() {
    if !can_run_node() {
        return;
    }
    let mirror = Mirror::new();
    let say = |text: &str| format!("console.log('{text}')");
    let first = mirror.hello("v1", &say("first"));
    let repo = Repo::new(&steps("    - uses: octo/hello@v1\n"), &[]);
    let config = mirror.as_github();
    let run = |arguments: &[&str]| {
        let arguments = [&["w.yml", "--backend", "sandbox", "--json"], arguments].concat();
        let mut command = repo.command(&arguments);
        Ran::of(&command.env("GIT_CONFIG_GLOBAL", &config).output().expect("wfrun starts"))
    };
    let line = |ran: &Ran| ran.lines().first().cloned().unwrap_or_default();
    run(&["--offline"]).ends_with(3);
    run(&["--actions", "builtin"]).ends_with(3);
    run(&["--event", "release"]).ends_with(4);
    assert!(!repo.root().join("../cache/wfrun/actions").exists(), "nothing is fetched for what triggers nothing");
    let ran = run(&[]).ends_with(0);
    assert_eq!(line(&ran), "first");
    assert_eq!(notices(&ran)[0], format!("action `octo/hello@v1` is commit {first} of https://github.com/octo/hello"));
    let second = mirror.hello("v1", &say("second"));
    assert_eq!(line(&run(&[]).ends_with(0)), "first", "the tag has moved, the store has not");
    assert_eq!(line(&run(&["--offline"]).ends_with(0)), "first");
    assert_eq!(line(&run(&["--action-store", "../other"]).ends_with(0)), "second");
    run(&["--action-store", "../third", "--offline"]).ends_with(3);
    let url = format!("file://{}/", mirror.path().display());
    assert_eq!(line(&run(&["--mirror", &url, "--offline"]).ends_with(0)), "second", "each server has its own refs");
    repo.change(".github/workflows/w.yml", "@v1", &format!("@{second}"));
    assert_eq!(line(&run(&[]).ends_with(0)), "second");
    repo.change(".github/workflows/w.yml", &second, "v7");
    assert!(run(&[]).ends_with(3).stderr.contains("unable to find version `v7`"));
    repo.change(".github/workflows/w.yml", "hello@v7", "none@v1");
    assert!(run(&[]).ends_with(3).stderr.contains("error[action/not-found]"));
}

#[test]
fn a_script_that_is_not_there() {
    if !can_run_node() {
        return;
    }
    let mirror = Mirror::new();
    mirror.commit("octo/hello", "v1", &[("action.yml", MANIFEST)]);
    let repo = Repo::new(&steps("    - uses: octo/hello@v1\n"), &[]);
    let ran = repo.sandbox(&["--mirror", &mirror.path().display().to_string()]).ends_with(1);
    let messages: Vec<_> = ran.of_type("annotation").iter().map(|it| it["message"].clone()).collect();
    assert!(
        messages.contains(&"File not found: '/home/runner/work/_actions/octo/hello/v1/dist/main.js'".into()),
        "{messages:?}"
    );
}

/// Source: GitHub: execution rules E9.9.
#[test]
fn git_in_an_action_fetches_the_repository_from_the_snapshot() {
    if !can_run_node() {
        return;
    }
    let script = "const { execSync } = require('child_process');
const { GITHUB_REPOSITORY: name, GITHUB_SHA: sha, GITHUB_SERVER_URL: server } = process.env;
const git = it => execSync(`git ${it}`, { encoding: 'utf8' }).trim();
git('init --quiet --initial-branch=x .');
git(`remote add origin ${server}/${name}`);
git(`-c protocol.version=2 fetch --quiet --depth=1 origin +${sha}:refs/remotes/origin/main`);
git('checkout --quiet -B main refs/remotes/origin/main');
console.log(git('log --format=%s'), git('ls-files'), git('config remote.origin.url'));
try { git('push origin HEAD:main'); } catch (err) { console.log(/wfrun-pushes-nothing-to-github/.test(err.message)); }
console.log(git('ls-remote --heads origin').split('\\t')[1], git(`-c protocol.version=0 fetch origin ${sha}`));
";
    let mirror = Mirror::new();
    let manifest = "name: x\nruns: {using: node20, main: x.js}\n";
    mirror.commit("octo/checkout", "v1", &[("action.yml", manifest), ("x.js", script)]);
    let workflow = steps(
        "    - uses: octo/checkout@v1\n    - run: git status --porcelain; cat a.txt; echo \"[$GIT_CONFIG_SYSTEM]\"\n",
    );
    let repo = Repo::new(&workflow, &[("a.txt", "committed\n")]);
    let ran = repo.sandbox(&["--mirror", &mirror.path().display().to_string(), "--repository", "me/mine"]).ends_with(0);
    let lines = ran.of_type("line");
    let stdout: Vec<_> =
        lines.iter().filter(|it| it["stream"] == "stdout").filter_map(|it| it["text"].as_str()).collect();
    let expected = [
        "start .github/workflows/w.yml",
        "a.txt https://github.com/me/mine",
        "true",
        "refs/heads/main ",
        "committed",
        "[]",
    ];
    assert_eq!(stdout, expected);
}

#[test]
fn that_git_in_an_action_finds_more_than_the_root_is_said() {
    if !can_run_node() {
        return;
    }
    let mirror = Mirror::new();
    mirror.hello("v1", MAIN);
    let repo = Repo::below("apps/one", &steps("    - uses: octo/hello@v1\n"), &[]);
    let ran = repo.sandbox(&["--mirror", &mirror.path().display().to_string()]).ends_with(0);
    assert!(
        notices(&ran).contains(&"git in actions finds the whole repository, of which `apps/one` is a part".to_owned())
    );
}

#[test]
fn what_a_local_action_lacks_is_a_warning() {
    if !can_sandbox() {
        return;
    }
    let uses = "name: x\nruns: {using: composite, steps: [{uses: octo/gone@v1}, {uses: ./two}]}\n";
    let two = "name: x\nruns: {using: composite, steps: [{uses: octo/away@v1}, {uses: ./one}]}\n";
    let files = [("one/action.yml", uses), ("two/action.yaml", two)];
    let repo = Repo::new(&steps("    - run: echo ran\n    - {uses: ./one, if: false}\n"), &files);
    let ran = repo.sandbox(&["--offline"]).ends_with(0);
    for missing in ["octo/gone@v1", "octo/away@v1"] {
        let told = format!("warning[action/not-found]: action `{missing}` was not found");
        assert!(ran.stderr.contains(&told) && ran.stderr.contains("(`./one` needs it)"), "{}", ran.stderr);
    }
}

/// Source: GitHub: execution rules E1.7, E7.3 and E7.5.
#[test]
fn composite_and_local_actions_with_all_their_parts() {
    if !can_run_node() {
        return;
    }
    let say = |part: &str| format!("console.log('{part} of', process.env.INPUT_NAME)");
    let manifest =
        "name: parts\ninputs: {name: {}}\nruns: {using: node20, pre: pre.js, main: main.js, post: post.js}\n";
    let mirror = Mirror::new();
    let (pre, main, post) = (say("pre"), say("main"), say("post"));
    let parts = [("action.yml", manifest), ("pre.js", &pre), ("main.js", &main), ("post.js", &post)];
    mirror.commit("octo/parts", "v1", &parts);
    let nested = "name: nested
inputs: {who: {default: nobody}}
outputs: {where: {value: '${{ steps.here.outputs.where }}'}}
runs:
  using: composite
  steps:
  - {uses: octo/parts@v1, with: {name: '${{ inputs.who }}'}}
  - {id: here, shell: bash, run: 'echo \"where=${{ github.action_path }}\" >> $GITHUB_OUTPUT; cat $GITHUB_ACTION_PATH/data'}
";
    mirror.commit("octo/nested", "v1", &[("deep/action.yml", nested), ("deep/data", "its own file\n")]);
    let local =
        "name: local\nruns: {using: composite, steps: [{uses: octo/nested/deep@v1, with: {who: a local one}}]}\n";
    let js = "name: js\nruns: {using: node20, main: js.js}\n";
    let workflow = steps(
        "    - {id: n, uses: octo/nested/deep@v1, with: {who: the first}}
    - run: echo '${{ steps.n.outputs.where }}'
    - {uses: ./local, continue-on-error: true}
    - uses: actions/checkout@v4
    - uses: ./local
    - uses: ./js
    - uses: $/js
",
    );
    let files = [
        ("local/action.yml", local),
        ("js/action.yml", js),
        ("js/js.js", "console.log(__dirname.split('/').slice(3).join('/'))"),
    ];
    let repo = Repo::new(&workflow, &files);
    let arguments = ["--mirror", &mirror.path().display().to_string(), "--offline", "--repository", "me/mine"];
    let ran = repo.sandbox(&arguments).ends_with(0);
    let lines = ran.of_type("line");
    let of_others = lines.iter().filter(|it| it["step"] != "4").filter_map(|it| it["text"].as_str());
    let sha = repo.git(&["rev-parse", "HEAD"]);
    let expected = [
        "pre of the first",
        "main of the first",
        "its own file",
        "/home/runner/work/_actions/octo/nested/v1/deep",
        "main of a local one",
        "its own file",
        "work/mine/mine/js",
        &format!("work/_actions/me/mine/{sha}/js"),
        // Each composite action has a part of its own around those of what it uses.
        "Post job cleanup.",
        "Post job cleanup.",
        "Post job cleanup.",
        "post of a local one",
        "Post job cleanup.",
        "Post job cleanup.",
        "post of the first",
    ];
    assert_eq!(of_others.collect::<Vec<_>>(), expected);
    let messages: Vec<_> = ran.of_type("annotation").iter().map(|it| it["message"].clone()).collect();
    let not_there = "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '/home/runner/work/mine/mine/local'. \
                     Did you forget to run actions/checkout before running your local action?";
    let no_pre = "`pre` execution is not supported for local action from './local'";
    assert_eq!(messages, [not_there, no_pre]);
    assert!(ran.steps().contains(&"Run ./local: success".to_owned()), "it is forgiven: {:?}", ran.steps());
}

#[test]
fn called_workflows_come_from_the_same_places() {
    if !can_sandbox() {
        return;
    }
    let mirror = Mirror::new();
    let called = "on: workflow_call\njobs: {inner: {runs-on: ubuntu-latest, steps: [{run: echo called}]}}\n";
    mirror.commit("octo/flows", "v1", &[(".github/workflows/a.yml", called)]);
    let config = mirror.as_github();
    let repo = Repo::new("on: push\njobs: {c: {uses: octo/flows/.github/workflows/a.yml@v1}}\n", &[]);
    let run = |arguments: &[&str]| {
        let mut command = repo.command(&[&["w.yml", "--backend", "sandbox", "--json"], arguments].concat());
        Ran::of(&command.env("GIT_CONFIG_GLOBAL", &config).output().expect("wfrun starts"))
    };
    assert!(run(&["--offline"]).ends_with(3).stderr.contains("error[workflow/call-elsewhere]"));
    assert_eq!(run(&[]).ends_with(0).lines(), ["called"]);
    assert_eq!(run(&["--offline"]).ends_with(0).lines(), ["called"], "it was kept");
    repo.change(".github/workflows/w.yml", "@v1", "@v2");
    assert!(run(&[]).ends_with(3).stderr.contains("unable to find version `v2`"));
    repo.change(".github/workflows/w.yml", "a.yml@v2", "b.yml@v1");
    assert!(run(&[]).ends_with(2).stderr.contains("error[workflow/call-not-found]"));
}

/// Where another local runner parts from GitHub: rows 37 to 40.
///
/// Source: GitHub: execution rules E10, 37 to 40 (E1.7 and E7.3).
#[test]
fn pre_and_post_parts_as_on_github() {
    if !can_run_node() {
        return;
    }
    let mirror = Mirror::new();
    let action = |name: &str, runs: &str| {
        let manifest = format!("name: x\nruns: {{using: node20, {runs}}}\n");
        let say = |part: &str| format!("console.log('{part} {name}')");
        let (pre, main, post) = (say("pre"), say("main"), say("post"));
        let fails = "process.exit(3)";
        let files = [
            ("action.yml", manifest.as_str()),
            ("pre.js", &pre),
            ("main.js", &main),
            ("post.js", &post),
            ("fail.js", fails),
        ];
        mirror.commit(&format!("o/{name}"), "v1", &files);
    };
    action("both", "pre: pre.js, main: main.js, post: post.js");
    action("post-only", "main: main.js, post: post.js");
    action("pre-fails", "pre: fail.js, main: main.js");
    action("conditional", "pre: pre.js, pre-if: \"runner.os == 'Linux'\", main: main.js");
    action(
        "never",
        "pre: pre.js, pre-if: \"runner.os == 'Windows'\", main: main.js, post: post.js, post-if: failure()",
    );
    let mirrored = mirror.path().display().to_string();
    for (row, uses, code, expected) in [
        (37, "[{uses: o/both@v1, if: false}, {run: echo ran}]", 0, &["pre both", "ran", "post both"][..]),
        (38, "[{uses: o/pre-fails@v1}, {if: always(), run: echo cleanup}]", 1, &["cleanup"]),
        (
            39,
            "[{uses: o/post-only@v1}, {uses: o/both@v1}]",
            0,
            &["pre both", "main post-only", "main both", "post post-only", "post both"],
        ),
        (40, "[{uses: o/pre-fails@v1}, {uses: o/conditional@v1}]", 1, &["pre conditional"]),
        (40, "[{uses: o/never@v1}]", 0, &["main never"]),
    ] {
        let repo = Repo::new(&format!("on: push\njobs: {{j: {{runs-on: ubuntu-latest, steps: {uses}}}}}\n"), &[]);
        let ran = repo.sandbox(&["--mirror", &mirrored, "--offline"]).ends_with(code);
        assert_eq!(ran.lines(), expected, "row {row}: {uses}");
    }
}
