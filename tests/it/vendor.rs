//! What workflows need, put into one folder with a lock, and runs of nothing else.
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::actions::Mirror;
use crate::repo::{Ran, Repo, can_sandbox, files_below};

const COMPOSITE: &str = "name: outer\nruns:\n  using: composite\n  steps:\n  - {uses: octo/inner/sub@v1}\n  - {shell: bash, run: \
                         'echo outer; cat $GITHUB_ACTION_PATH/data'}\n";
const INNER: &str = "name: inner\nruns: {using: composite, steps: [{shell: bash, run: echo inner}]}\n";
const CALLED: &str = "on: workflow_call\njobs: {inner: {runs-on: ubuntu-latest, steps: [{uses: octo/last@main}]}}\n";
const LAST: &str = "name: last\nruns: {using: composite, steps: [{shell: bash, run: echo last}]}\n";
const WORKFLOW: &str = "on: push
jobs:
  own:
    runs-on: ubuntu-latest
    steps:
    - uses: Octo/Outer@v1
    - uses: ./local
  call: {uses: octo/flows/.github/workflows/a.yml@v1}
";
const LOCAL: &str = "name: local\nruns: {using: composite, steps: [{uses: octo/last@main}]}\n";

type Change<'a> = &'a dyn Fn();

/// Nested composite actions and a called workflow, below one folder.
pub(crate) fn mirror() -> Mirror {
    let mirror = Mirror::new();
    mirror.commit("octo/outer", "v1", &[("action.yml", COMPOSITE), ("data", "data of outer\n")]);
    mirror.commit("octo/inner", "v1", &[("sub/action.yml", INNER)]);
    mirror.commit("octo/last", "v1", &[("action.yml", LAST)]);
    mirror.commit("octo/flows", "v1", &[(".github/workflows/a.yml", CALLED)]);
    mirror
}

pub(crate) fn repo() -> Repo {
    Repo::new(WORKFLOW, &[("local/action.yml", LOCAL), ("local/x", "")])
}

pub(crate) fn vendor(repo: &Repo, mirror: &Mirror, more: &[&str]) -> Ran {
    let mirrored = mirror.path().display().to_string();
    wfrun(repo, &[&["vendor", "w.yml", "--mirror", &mirrored, "--offline"], more].concat())
}

/// wfrun where no engine answers, so that all machines have the same images.
fn wfrun(repo: &Repo, arguments: &[&str]) -> Ran {
    Ran::of(&repo.command(arguments).env("DOCKER_HOST", "unix:///nowhere").output().expect("wfrun starts"))
}

pub(crate) fn lock(folder: &Path) -> toml::Table {
    let text = fs::read_to_string(folder.join("wfrun.lock")).expect("a lock");
    text.parse().expect("TOML")
}

/// Every file below a folder with its bytes.
fn bytes(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all: Vec<_> = files_below(folder)
        .into_iter()
        .filter(|it| it.is_file())
        .map(|it| (it.strip_prefix(folder).expect("below").to_owned(), fs::read(&it).expect("a file")))
        .collect();
    all.sort();
    all
}

/// What `wfrun actions --json` says, `name source` each; `!` behind what is missing.
pub(crate) fn sources(ran: &Ran) -> Vec<String> {
    let json: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let rows = json["workflows"][0]["dependencies"].as_array().expect("rows").clone();
    let word = |it: &Json, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|it| {
            format!("{} {}{}", word(it, "name"), word(it, "source"), if it["missing"].is_null() { "" } else { "!" })
        })
        .collect()
}

#[test]
fn where_all_that_is_used_comes_from() {
    let (mirror, repo) = (mirror(), repo());
    let mirrored = mirror.path().display().to_string();
    let expected = [
        "ubuntu-latest not looked for",
        "Octo/Outer@v1 mirror",
        "octo/inner/sub@v1 mirror",
        "local repository",
        "octo/last@main mirror",
        "octo/flows/.github/workflows/a.yml@v1 mirror",
    ];
    let ran = wfrun(&repo, &["actions", "--mirror", &mirrored, "--offline", "--json"]).ends_with(0);
    assert_eq!(sources(&ran).iter().map(|it| it.replace("./local", "local")).collect::<Vec<_>>(), expected);
    let json: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    let outer = &json["workflows"][0]["dependencies"][1];
    assert_eq!((&outer["pinned"], &outer["line"], &outer["col"]), (&false.into(), &6.into(), &13.into()));
    assert_eq!(outer["commit"].as_str().map(str::len), Some(40));
    assert_eq!(json["workflows"][0]["dependencies"][2]["used_by"], "Octo/Outer@v1");
    let text = wfrun(&repo, &["actions", "--mirror", &mirrored, "--offline"]).ends_with(0).stdout;
    assert!(text.contains("\n  ✓   octo/inner/sub@v1 ") || text.contains("\n  +   octo/inner/sub@v1 "), "{text}");
    assert!(text.contains("not pinned") && text.contains("nothing is missing"), "{text}");

    // Without it all is missing, and all is said at once.
    let ran = wfrun(&repo, &["actions", "--offline", "--json"]).ends_with(3);
    let missing =
        ["Octo/Outer@v1 missing!", "octo/last@main missing!", "octo/flows/.github/workflows/a.yml@v1 missing!"];
    for it in missing {
        assert!(sources(&ran).contains(&it.to_owned()), "{:?}", sources(&ran));
    }
    // Folders, stand-ins, and what was fetched before.
    repo.change(".github/workflows/w.yml", "Octo/Outer@v1", "actions/checkout@v4");
    repo.write("../last/action.yml", LAST);
    let config = mirror.as_github();
    let run = |arguments: &[&str]| {
        let arguments = [&["actions", "--json", "--local-repository", "octo/last=../last"], arguments].concat();
        let mut command = repo.command(&arguments);
        sources(&Ran::of(&command.env("GIT_CONFIG_GLOBAL", &config).output().expect("wfrun starts")).ends_with(0))
    };
    let first = run(&[]);
    assert!(first.contains(&"actions/checkout@v4 stand-in".to_owned()), "{first:?}");
    assert!(first.contains(&"octo/last@main folder".to_owned()), "{first:?}");
    assert!(first.contains(&"octo/flows/.github/workflows/a.yml@v1 network".to_owned()), "{first:?}");
    assert!(run(&["--offline"]).contains(&"octo/flows/.github/workflows/a.yml@v1 store".to_owned()));
}

#[test]
fn a_ref_that_has_moved_since_it_was_fetched() {
    let mirror = mirror();
    let repo = Repo::new("on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{uses: octo/last@v1}]}}\n", &[]);
    let config = mirror.as_github();
    let run = || {
        let mut command = repo.command(&["actions", "--json"]);
        let ran = Ran::of(&command.env("GIT_CONFIG_GLOBAL", &config).output().expect("wfrun starts")).ends_with(0);
        serde_json::from_str::<Json>(&ran.stdout).expect("JSON")["workflows"][0]["dependencies"][1].clone()
    };
    assert_eq!(run()["moved_to"], Json::Null);
    let second = mirror.commit("octo/last", "v1", &[("action.yml", LAST), ("more", "")]);
    let row = run();
    assert_eq!((&row["source"], &row["moved_to"]), (&"store".into(), &second.into()));
}

/// A lock is not made of what an earlier run happened to fetch.
#[test]
fn a_new_lock_has_what_refs_name_now() {
    let mirror = mirror();
    let repo = Repo::new("on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{uses: octo/last@v1}]}}\n", &[]);
    let config = mirror.as_github();
    let run = |arguments: &[&str]| {
        let mut command = repo.command(arguments);
        command.env("GIT_CONFIG_GLOBAL", &config).env("DOCKER_HOST", "unix:///nowhere");
        Ran::of(&command.output().expect("wfrun starts")).ends_with(0)
    };
    run(&["actions"]);
    let second = mirror.commit("octo/last", "v1", &[("action.yml", LAST), ("more", "")]);
    run(&["vendor"]);
    let locked = lock(&repo.root().join(".wfrun/vendor"));
    assert_eq!(locked["repository"][0]["commit"].as_str(), Some(second.as_str()));
    let third = mirror.commit("octo/last", "v1", &[("action.yml", LAST), ("still more", "")]);
    let told = run(&["vendor"]).stdout;
    assert!(told.contains(&format!("moved: names {} now", &third[..12])), "{told}");
    if can_sandbox() {
        let ran = repo.sandbox(&["--offline"]).ends_with(0);
        assert!(ran.of_type("notice").iter().any(|it| it["message"].to_string().contains(&second)), "{}", ran.stdout);
    }
}

#[test]
fn the_folder_its_lock_and_a_run_of_nothing_else() {
    if !can_sandbox() {
        return;
    }
    let (mirror, repo) = (mirror(), repo());
    let ran = vendor(&repo, &mirror, &[]).ends_with(0);
    assert!(ran.stderr.contains("holds 4 repositories"), "{}", ran.stderr);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    let folder = repo.root().join(".wfrun/vendor");
    let locked = lock(&folder);
    let names: Vec<_> = locked["repository"].as_array().expect("a list").iter().map(|it| it["name"].as_str()).collect();
    let expected = ["octo/flows", "octo/inner", "octo/last", "octo/outer"].map(Some);
    assert_eq!(names, expected);
    let files = locked["files"].as_table().expect("a table");
    assert!(files.keys().any(|it| it.ends_with("/data")), "{files}");

    // The same bytes, wherever they go.
    let first = bytes(&folder);
    assert!(vendor(&repo, &mirror, &[]).ends_with(0).stderr.contains("is up to date"));
    for output in ["../one", "../two.tar", "../three.tar"] {
        vendor(&repo, &mirror, &["--output", output]).ends_with(0);
    }
    assert_eq!(bytes(&folder), first);
    assert_eq!(bytes(&repo.root().join("../one")), first);
    let archive = |name: &str| fs::read(repo.root().join(name)).expect("an archive");
    assert_eq!(archive("../two.tar"), archive("../three.tar"));

    // By itself, by name, as an archive, as a mirror: nothing else is asked.
    drop(mirror);
    fs::remove_dir_all(repo.cache()).expect("the store goes");
    for more in [
        &[][..],
        &["--vendored", "../one"],
        &["--vendored", "../two.tar"],
        &["--vendored", "none", "--mirror", "../one"],
    ] {
        let ran = repo.sandbox(&[&["--offline"], more].concat()).ends_with(1);
        // `./local` is not there without a checkout.
        let of = |job: &str| {
            let lines = ran.of_type("line").into_iter().filter(|it| it["job"] == job);
            lines.map(|it| it["text"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of("own"), ["inner", "outer", "data of outer"], "{more:?}");
        let told = ran.of_type("notice")[0]["message"].as_str().unwrap_or_default().to_owned();
        assert!(told.starts_with("the vendored folder ") && told.contains("is as its lock says"), "{told}");
        assert_eq!(of("call / inner"), ["last"], "{more:?}");
    }
    let ran = repo.sandbox(&["--offline", "--vendored", "none"]).ends_with(3);
    assert_eq!(ran.errors(), ["workflow/call-elsewhere", "action/not-found"], "{}", ran.stderr);
}

#[test]
fn what_is_not_as_the_lock_says_stops_the_run() {
    if !can_sandbox() {
        return;
    }
    let (mirror, repo) = (mirror(), repo());
    vendor(&repo, &mirror, &[]).ends_with(0);
    let folder = repo.root().join(".wfrun/vendor");
    let data = files_below(&folder).into_iter().find(|it| it.ends_with("data")).expect("a file");
    let cases: [(Change<'_>, &str, &str); 4] = [
        (&|| fs::write(&data, "other").expect("a file"), "/data` was changed", "of `octo/outer@v1`"),
        (&|| fs::write(folder.join("octo/new"), "").expect("a file"), "`octo/new` was added", ""),
        (&|| fs::remove_file(&data).expect("removed"), "/data` is missing", "of `octo/outer@v1`"),
        (&|| fs::remove_dir_all(folder.join("octo/inner")).expect("removed"), "is missing", "of `octo/inner@v1`"),
    ];
    for (change, what, of) in cases {
        change();
        let ran = repo.sandbox(&["--offline"]).ends_with(3);
        assert!(ran.errors().contains(&"vendor/changed".to_owned()), "{}", ran.stderr);
        let flat = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(what) && flat.contains(of), "{flat}");
        assert_eq!(ran.stdout, "", "nothing ran");
        let ran = vendor(&repo, &mirror, &["--check"]).ends_with(1);
        assert!(ran.errors().contains(&"vendor/changed".to_owned()), "{}", ran.stderr);
        assert!(vendor(&repo, &mirror, &[]).ends_with(0).stderr.contains("made anew"));
        vendor(&repo, &mirror, &["--check"]).ends_with(0);
    }
    let path = folder.join("wfrun.lock");
    let text = fs::read_to_string(&path).expect("a lock");
    fs::write(&path, text.replace("version = 1", "version = 7")).expect("a lock");
    assert_eq!(repo.sandbox(&["--offline"]).ends_with(3).errors(), ["vendor/lock"]);
}

#[test]
fn everything_that_is_missing_is_listed_at_once_when_offline() {
    if !can_sandbox() {
        return;
    }
    let (mirror, repo) = (mirror(), repo());
    vendor(&repo, &mirror, &[]).ends_with(0);
    let folder = repo.root().join(".wfrun/vendor");
    // Taken out of folder and lock: the set is sound, and not complete.
    let take_out = |name: &str| {
        let mut locked = lock(&folder);
        fs::remove_dir_all(folder.join(name)).expect("removed");
        let files = locked["files"].as_table_mut().expect("a table");
        files.retain(|path, _| !path.starts_with(&format!("{name}/")));
        locked["repository"].as_array_mut().expect("a list").retain(|it| it["name"].as_str() != Some(name));
        fs::write(folder.join("wfrun.lock"), toml::to_string(&locked).expect("TOML")).expect("a lock");
        fs::remove_dir_all(repo.cache()).ok();
    };
    take_out("octo/inner");
    let ran = repo.sandbox(&["--offline"]).ends_with(3);
    assert_eq!(ran.errors(), ["action/not-found"], "{}", ran.stderr);
    assert!(ran.stderr.contains("`octo/inner/sub@v1`") && ran.stderr.contains("`wfrun vendor"), "{}", ran.stderr);
    take_out("octo/flows");
    let ran = repo.sandbox(&["--offline"]).ends_with(3);
    assert_eq!(ran.errors(), ["workflow/call-elsewhere", "action/not-found"], "{}", ran.stderr);
    assert_eq!(ran.stdout, "", "nothing ran");
}

#[test]
fn what_is_stale_and_what_has_moved() {
    let (mirror, repo) = (mirror(), repo());
    let check = |more: &[&str]| vendor(&repo, &mirror, &[&["--check"], more].concat());
    let ran = check(&[]).ends_with(1);
    assert!(ran.stderr.contains("nothing is vendored in"), "{}", ran.stderr);
    assert!(!repo.root().join(".wfrun").exists(), "nothing is written");
    vendor(&repo, &mirror, &[]).ends_with(0);
    check(&[]).ends_with(0);
    let before = bytes(&repo.root().join(".wfrun/vendor"));
    let second = mirror.commit("octo/last", "v1", &[("action.yml", LAST), ("more", "")]);
    repo.change(".github/workflows/w.yml", "Octo/Outer@v1", "octo/outer@v2");
    let ran = check(&[]).ends_with(1);
    let flat = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "`octo/outer@v2` is needed, and not vendored",
        "`octo/outer@v1` is vendored, and not needed",
        "`octo/inner@v1` is vendored, and not needed",
        &format!("and names {second} now"),
    ] {
        assert!(flat.contains(part), "{part}: {flat}");
    }
    assert_eq!(ran.errors().len(), 4, "{flat}");
    assert!(
        flat.contains("held by the lock alone, as what they name can move: ") && flat.contains("`octo/last@main`"),
        "{flat}"
    );
    let json: Json = serde_json::from_str(&check(&["--json"]).ends_with(1).stdout).expect("JSON");
    assert_eq!(json["diagnostics"].as_array().map(Vec::len), Some(4));
    assert_eq!(bytes(&repo.root().join(".wfrun/vendor")), before, "nothing is written");

    // What is locked stays, and that it has moved is said, until it is to be taken.
    repo.change(".github/workflows/w.yml", "octo/outer@v2", "octo/outer@v1");
    let ran = vendor(&repo, &mirror, &[]).ends_with(0);
    assert!(ran.stdout.contains(&format!("moved: names {} now", &second[..12])), "{}", ran.stdout);
    assert_eq!(bytes(&repo.root().join(".wfrun/vendor")), before);
    if can_sandbox() {
        // A mirror that is named says otherwise: the run does not choose.
        let mirrored = mirror.path().display().to_string();
        let ran = repo.sandbox(&["--offline", "--mirror", &mirrored]).ends_with(3);
        assert!(ran.errors().contains(&"vendor/moved".to_owned()), "{}", ran.stderr);
    }
    vendor(&repo, &mirror, &["--update"]).ends_with(0);
    check(&[]).ends_with(0);
    assert_ne!(bytes(&repo.root().join(".wfrun/vendor")), before);
}

/// What is replaced as a whole must be what was made before.
#[test]
fn nothing_else_is_replaced() {
    let (mirror, repo) = (mirror(), repo());
    repo.write("../other.tar", "a letter");
    for output in ["local", "../other.tar", ".github/workflows/w.yml"] {
        let ran = vendor(&repo, &mirror, &["--output", output]).ends_with(2);
        assert_eq!(ran.errors(), ["cli/output"], "{}", ran.stderr);
    }
    assert_eq!((repo.read("../other.tar").as_str(), repo.read("local/action.yml").as_str()), ("a letter", LOCAL));
    fs::create_dir(repo.root().join("empty")).expect("a folder");
    for output in ["empty", "empty", "../new.tar", "../new.tar"] {
        vendor(&repo, &mirror, &["--output", output]).ends_with(0);
    }
    let left: Vec<_> = files_below(&repo.root().join(".."))
        .into_iter()
        .filter(|it| it.to_string_lossy().contains(".vendor-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Who only looks sees called workflows that were vendored.
#[test]
fn plans_look_into_vendored_workflows() {
    let (mirror, repo) = (mirror(), repo());
    let keys = || wfrun(&repo, &["plan", "w.yml", "--json"]).ends_with(0).stdout.contains("call / inner");
    let is_away = || wfrun(&repo, &["check"]).stdout.contains("workflow/call-elsewhere");
    assert!(!keys() && is_away());
    vendor(&repo, &mirror, &[]).ends_with(0);
    assert!(keys() && !is_away());
}

#[test]
fn what_cannot_be_vendored_is_said_and_the_rest_is_there() {
    let (mirror, repo) = (mirror(), repo());
    repo.change(
        ".github/workflows/w.yml",
        "    - uses: ./local\n",
        "    - uses: octo/gone@v1\n    - uses: octo/last@v9\n",
    );
    let ran = vendor(&repo, &mirror, &[]).ends_with(3);
    for part in ["`octo/gone@v1` was not found", "unable to find version `v9`", "2 things are missing"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(repo.root().join(".wfrun/vendor/octo/outer").is_dir());
    let ran = vendor(&repo, &mirror, &["--check"]).ends_with(1);
    assert_eq!(ran.errors(), ["vendor/stale"; 2], "{}", ran.stderr);
    repo.write(".github/workflows/w.yml", "on: push\njobs: 1\n");
    vendor(&repo, &mirror, &[]).ends_with(2);
}

/// Source: GitHub: execution rules E9.10.
#[test]
fn tools_are_vendored_and_found_by_jobs() {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let mirror = Mirror::new();
    let look = format!(
        "name: x\ninputs: {{node-version: {{}}}}\nruns:\n  using: composite\n  steps:\n  - shell: bash\n    run: |\n      \
         cd $RUNNER_TOOL_CACHE/node/20.11.1; ls; bin={arch}/bin; cat $bin/tool; echo changed > $bin/tool\n"
    );
    mirror.commit("actions/setup-node", "v4", &[("action.yml", &look)]);
    let workflow = |version: &str| {
        format!(
            "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    strategy: {{matrix: {{n: [{version}]}}}}\n    steps:\n    \
             - {{uses: actions/setup-node@v4, with: {{node-version: '${{{{ matrix.n }}}}'}}}}\n"
        )
    };
    let repo = Repo::new(&workflow("20"), &[]);
    for version in ["18.2.0", "20.9.0", "20.11.1"] {
        repo.write(&format!("../tools/node/{version}/{arch}/bin/tool"), &format!("node {version}\n"));
        repo.write(&format!("../tools/node/{version}/{arch}.complete"), "");
    }
    let tools = ["--tool-cache", "../tools"];
    let ran = vendor(&repo, &mirror, &["--tool-cache", "../none"]).ends_with(3);
    assert!(
        ran.stdout.contains("no tool cache here has node 20") && ran.stdout.contains("--tool-cache DIR"),
        "{}",
        ran.stdout
    );
    assert_eq!(vendor(&repo, &mirror, &["--check"]).ends_with(1).errors(), ["vendor/stale"]);
    let ran = vendor(&repo, &mirror, &tools).ends_with(0);
    assert!(ran.stderr.contains("1 repository, 1 tool"), "{}", ran.stderr);
    vendor(&repo, &mirror, &["--check"]).ends_with(0);
    let folder = repo.root().join(".wfrun/vendor");
    let before = bytes(&folder);
    assert!(before.iter().any(|(path, _)| path.ends_with(format!("_tools/node/20.11.1/{arch}.complete"))));
    if can_sandbox() {
        for _ in 0..2 {
            let lines = repo.sandbox(&["--offline"]).ends_with(0).lines();
            assert_eq!(lines, [arch, &format!("{arch}.complete"), "node 20.11.1"]);
        }
        assert_eq!(bytes(&folder), before, "a job writes into its own copy");
        repo.write(".github/workflows/w.yml", &workflow("22, 'lts/*'"));
        let ran = repo.sandbox(&["--offline"]).ends_with(3);
        assert_eq!(ran.errors(), ["action/no-tool"; 2], "{}", ran.stderr);
        assert!(
            ran.stderr.contains("no tool cache here has node 22") && ran.stderr.contains("`node lts/*`"),
            "{}",
            ran.stderr
        );
    }
}
