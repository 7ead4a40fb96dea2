//! Artifacts: stand-ins and real actions, and what is left after the run.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use regex::Regex;

use crate::docker::{IMAGE, has_docker};
use crate::repo::{Ran, Repo, can_sandbox};

/// Where the real actions are, as for `--mirror`: git repositories `actions/upload-artifact` and `actions/download-artifact`.
const MIRROR: &str = "WFRUN_TEST_MIRROR";

/// Files for every rule of `path`.
const TREE: &str = "mkdir -p out/sub out/.hid many
echo a > out/a.txt; echo b > out/sub/b.log; echo h > out/.hidden; echo g > out/.hid/g
echo x > 'bad:name'; for i in 1 2 3; do echo $i > many/$i.txt; done
ln -s ../out/a.txt many/link; ln -s nowhere many/broken
head -c 20000000 /dev/urandom > big
";

/// Steps that upload: how each is called, and its inputs.
const UPLOADS: &[(&str, &str)] = &[
    ("a folder", "{name: folder, path: out}"),
    ("several", "{name: several, path: \"out\\n!out/sub\\nmany/*.txt\"}"),
    ("one file", "{name: one, path: out/a.txt}"),
    ("a pattern", "{name: pattern, path: 'many/**'}"),
    ("hidden files", "{name: hidden, path: out, include-hidden-files: true}"),
    ("large", "{name: large, path: big, compression-level: 0}"),
    ("no name", "{path: out/a.txt}"),
    ("not found", "{name: none, path: nothing}"),
    ("not found, an error", "{name: none, path: nothing, if-no-files-found: error}"),
    ("not found, ignored", "{name: none, path: nothing, if-no-files-found: ignore}"),
    ("not found, in no known way", "{name: none, path: nothing, if-no-files-found: shout}"),
    ("found, in no known way", "{name: shout, path: out/a.txt, if-no-files-found: shout}"),
    ("twice", "{name: one, path: out/a.txt}"),
    ("once more", "{name: one, path: out/sub/b.log, overwrite: true}"),
    ("overwritten for the first time", "{name: first, path: out/a.txt, overwrite: true}"),
    ("kept long", "{name: long, path: out/a.txt, retention-days: 400}"),
    ("kept for no number", "{name: nan, path: out/a.txt, retention-days: soon}"),
    ("kept as always", "{name: zero, path: out/a.txt, retention-days: 0}"),
    ("packed for no number", "{name: level, path: out/a.txt, compression-level: best}"),
    ("a bad name", "{name: 'a/b', path: out/a.txt}"),
    ("a bad path", "{name: badpath, path: 'bad*'}"),
    ("no boolean", "{name: bool, path: out/a.txt, overwrite: maybe}"),
    ("out of the folder", "{name: dots, path: ../x}"),
    ("an unknown input", "{name: unknown, path: out/a.txt, nonsense: 1}"),
    ("no path", "{name: nopath}"),
];

const UPLOADS_OF_V7: &[(&str, &str)] = &[
    ("as it is", "{name: ignored, path: out/a.txt, archive: false}"),
    ("as it is, twice", "{path: out/a.txt, archive: false}"),
    ("as they are", "{name: ignored, path: out, archive: false}"),
];

const DOWNLOADS: &[(&str, &str)] = &[
    ("by name", "{name: folder, path: d/name}"),
    ("into the workspace", "{name: one}"),
    ("all", "{path: d/all}"),
    ("all together", "{path: d/together, merge-multiple: true, pattern: '{folder,several}'}"),
    ("by pattern", "{path: d/pattern, pattern: 'h*'}"),
    ("by another pattern", "{path: d/not, pattern: '!{large,folder}'}"),
    ("by a pattern of none", "{path: d/none, pattern: 'x*'}"),
    ("by number", "{path: d/ids, artifact-ids: '${{ needs.up.outputs.folder }}, 1'}"),
    ("by no number", "{path: d/nan, artifact-ids: one}"),
    ("by numbers of none", "{path: d/noids, artifact-ids: '1,2'}"),
    ("by name and number", "{name: one, artifact-ids: '1'}"),
    ("what is not there", "{name: nobody}"),
    ("to the home folder", "{name: one, path: '~/home'}"),
    ("in no known way", "{name: one, path: d/bool, merge-multiple: perhaps}"),
    ("to a folder above", "{name: one, path: d/../d/up}"),
];

const DOWNLOADS_OF_V8: &[(&str, &str)] = &[
    ("as it is", "{name: a.txt, path: d/raw}"),
    ("packed", "{name: folder, path: d/packed, skip-decompress: true}"),
    ("with no known way out", "{name: one, path: d/way, digest-mismatch: shrug}"),
];

fn workflow(upload: &str, uploads: &[&(&str, &str)], download: &str, downloads: &[&(&str, &str)]) -> String {
    let tree: String = TREE.lines().fold(String::new(), |text, line| text + "          " + line + "\n");
    let files = "find . ~/home -type f -not -path './.git/*' | grep -v packed/ | sort | xargs -d '\\n' sha256sum";
    format!(
        "on: push
jobs:
  up:
    runs-on: ubuntu-latest
    outputs: {{folder: '${{{{ steps.u0.outputs.artifact-id }}}}'}}
    steps:
      - run: |
{tree}{}
  down:
    needs: up
    runs-on: ubuntu-latest
    steps:
{}
      - {{name: files, run: \"{files}\"}}
",
        steps(upload, 'u', uploads),
        steps(download, 'd', downloads)
    )
}

fn steps(uses: &str, letter: char, all: &[&(&str, &str)]) -> String {
    let step = |(index, (name, with)): (usize, &&(&str, &str))| {
        format!(
            "      - {{name: {name:?}, id: {letter}{index}, uses: '{uses}', continue-on-error: true, with: {with}}}"
        )
    };
    all.iter().enumerate().map(step).collect::<Vec<_>>().join("\n")
}

/// What a run did, with what differs from run to run made equal: for each step, how it ended and what it said.
fn told(ran: &Ran) -> BTreeMap<String, Vec<String>> {
    let same = [
        (r"\b\d{16}\b", "ID"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"127\.0\.0\.1:\d+", "ORIGIN"),
        // Two programs that pack the same files do not make the same archive.
        (r"(Uploaded bytes|Final size is|Size:) \d+", "$1 SIZE"),
    ];
    let same = same.map(|(pattern, text)| (Regex::new(pattern).expect("a pattern"), text));
    let plain =
        |text: &str| same.iter().fold(text.to_owned(), |it, (from, to)| from.replace_all(&it, *to).into_owned());
    let mut steps: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in ran.events() {
        let key =
            format!("{} {}", event["job"].as_str().unwrap_or_default(), event["step"].as_str().unwrap_or_default());
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let line = match event["type"].as_str().unwrap_or_default() {
            "step-started" => format!(" name {}", text("name")),
            // The kernel picks the file's content, and Node warns of itself.
            "line" if text("text").ends_with("/big") || text("text").contains("ode") && text("stream") == "stderr" => {
                continue;
            }
            "line" => text("text"),
            "annotation" => format!("{}: {}", text("level"), text("message")),
            "step-finished" => format!("~{} {} {}", text("outcome"), text("conclusion"), event["outputs"]),
            _ => continue,
        };
        // A file's digest is what is compared; an archive's is not.
        let line = if line.contains("  ./") || line.contains("  /") { line } else { plain(&line) };
        steps.entry(key).or_default().push(line);
    }
    // Real downloads are under way at the same time.
    steps.iter_mut().filter(|(key, _)| key.starts_with("down")).for_each(|(_, lines)| lines.sort());
    steps
}

/// The real actions, or why they are not here.
fn real_actions() -> Result<PathBuf, String> {
    let Some(mirror) = std::env::var_os(MIRROR).map(PathBuf::from) else {
        return Err(format!(
            "{MIRROR} names no folder with the git repositories of actions/upload-artifact and actions/download-artifact"
        ));
    };
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    node.map_err(|_| "`node` is not on the search path".to_owned())?;
    Ok(mirror)
}

#[track_caller]
fn check_against_real(upload: &str, uploads: &[&(&str, &str)], download: &str, downloads: &[&(&str, &str)]) {
    let mirror = match real_actions() {
        Ok(mirror) => mirror,
        Err(why) => return println!("skipped: {why}"),
    };
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(&workflow(upload, uploads, download, downloads), &[]);
    let ours = repo.sandbox(&["--actions", "builtin"]).ends_with(0);
    let theirs = repo.sandbox(&["--actions", "real", "--mirror", &mirror.to_string_lossy()]).ends_with(0);
    let (ours, theirs) = (told(&ours), told(&theirs));
    let mut differences = String::new();
    for (step, lines) in theirs.iter().filter(|(step, lines)| ours[*step] != **lines) {
        let ours = &ours[step];
        writeln!(differences, "{step}\n  stand-in {ours:#?}\n  real     {lines:#?}").expect("a String takes any text");
    }
    assert!(differences.is_empty(), "{differences}");
    println!("{upload} and {download}: {} steps do the same", theirs.len());
}

#[test]
fn stand_ins_do_what_the_real_v4_does() {
    let (uploads, downloads): (Vec<_>, Vec<_>) = (UPLOADS.iter().collect(), DOWNLOADS.iter().collect());
    check_against_real("actions/upload-artifact@v4", &uploads, "actions/download-artifact@v4", &downloads);
}

#[test]
fn stand_ins_do_what_the_newest_does() {
    let uploads: Vec<_> = UPLOADS.iter().chain(UPLOADS_OF_V7).collect();
    let downloads: Vec<_> = DOWNLOADS.iter().chain(DOWNLOADS_OF_V8).collect();
    check_against_real("actions/upload-artifact@v7", &uploads, "actions/download-artifact@v8", &downloads);
}

/// Two jobs that upload, one that takes all, and what is removed again.
const RUN: &str = "on: push
jobs:
  build:
    strategy: {matrix: {os: [a, b]}}
    runs-on: ubuntu-latest
    steps:
      - run: mkdir d; echo ${{ matrix.os }} > d/f; printf '#!/bin/sh\\n' > d/tool; chmod 755 d/tool
      - {uses: actions/upload-artifact@v7, with: {name: 'bin-${{ matrix.os }}', path: d, nonsense: 1}}
  all:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - {uses: actions/download-artifact@v8, with: {path: in}}
      - run: cat in/bin-a/f in/bin-b/f && test ! -x in/bin-a/tool
      - {uses: actions/upload-artifact@v7, with: {name: both, path: in}}
      - {uses: actions/upload-artifact@v7, with: {name: both, path: in/bin-b/f, overwrite: true}}
      - {uses: actions/upload-artifact@v7, with: {path: in/bin-a/f, archive: false}}
";

fn ran() -> Option<(Repo, Ran)> {
    if !can_sandbox() {
        return None;
    }
    let repo = Repo::new(RUN, &[]);
    let ran = repo.sandbox(&[]).ends_with(0);
    Some((repo, ran))
}

#[test]
fn artifacts_go_from_job_to_job_and_are_on_record() {
    let Some((repo, ran)) = ran() else { return };
    assert!(ran.lines().windows(2).any(|it| it == ["a", "b"]), "{:?}", ran.lines());
    let warned: Vec<_> = ran.of_type("annotation").iter().map(|it| it["message"].to_string()).collect();
    assert_eq!(warned.len(), 2, "one in each leg: {warned:?}");
    assert!(warned.iter().all(|it| it.contains("Unexpected input(s) 'nonsense'")), "{warned:?}");

    let calls = ran.of_type("service-called");
    let called: Vec<_> =
        calls.iter().map(|it| format!("{} {} {}", it["service"], it["operation"], it["status"])).collect();
    for call in [
        "CreateArtifact\" 200",
        "Put Blob\" 201",
        "FinalizeArtifact\" 200",
        "ListArtifacts\" 200",
        "Get Blob\" 200",
        "DeleteArtifact\" 200",
    ] {
        assert!(called.contains(&format!("\"artifact\" \"{call}")), "{call}: {called:?}");
    }
    let mut kept: Vec<_> =
        ran.of_type("artifact-kept").iter().map(|it| format!("{} {}", it["job"], it["name"])).collect();
    kept.sort();
    assert_eq!(
        kept,
        ["\"all\" \"both\"", "\"all\" \"both\"", "\"all\" \"f\"", "\"build (a)\" \"bin-a\"", "\"build (b)\" \"bin-b\""]
    );
    assert_eq!(ran.of_type("artifact-removed").len(), 1);

    // As people see it, also later and from the journal alone.
    let seen = repo.wfrun(&["w.yml", "--backend", "sandbox", "--verbose"]).ends_with(0);
    assert!(seen.stdout.contains("artifacts: 4, "), "{}", seen.stdout);
    assert!(seen.stdout.contains("\n  f      2 B\n"), "{}", seen.stdout);
    assert!(seen.stdout.contains("[all] artifact f: 2 B"), "{}", seen.stdout);
    let run = seen.stdout.split("`wfrun download ").nth(1).and_then(|it| it.split('`').next()).expect("the way on");
    repo.wfrun(&["download", run, "-D", "again"]).ends_with(0);
    assert_eq!(repo.read("again/bin-b/f"), "b\n");
    assert_eq!(repo.git(&["status", "--porcelain"]), "?? again/");
}

#[test]
fn a_run_s_artifacts_are_unpacked() {
    let Some((repo, _)) = ran() else { return };
    let done = repo.wfrun(&["download"]).ends_with(0);
    assert_eq!(done.stdout, "");
    for line in ["bin-a: 2 files in ./bin-a", "both: 1 file in ./both", "f: 1 file in ./f"] {
        assert!(done.stderr.lines().any(|it| it == line), "{line}: {}", done.stderr);
    }
    assert_eq!(
        (repo.read("bin-a/f"), repo.read("both/f"), repo.read("f/f")),
        ("a\n".into(), "b\n".into(), "a\n".into())
    );
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(repo.root().join(path)).expect("a file").permissions().mode() & 0o777
    };
    assert_eq!((mode("bin-a/tool"), mode("bin-a/f")), (0o755, 0o644));

    // One that is named is laid into the folder itself; nothing is written over.
    repo.wfrun(&["download", "latest", "-n", "bin-b", "-D", "one"]).ends_with(0);
    assert_eq!(repo.read("one/f"), "b\n");
    let again = repo.wfrun(&["download", "-n", "bin-a", "-D", "one"]).ends_with(2);
    assert!(again.stderr.contains("one/f is there already"), "{}", again.stderr);
    assert_eq!(repo.read("one/f"), "b\n");
    repo.wfrun(&["download", "-n", "bin-b", "-n", "f", "-D", "two"]).ends_with(0);
    assert_eq!((repo.read("two/bin-b/f"), repo.read("two/f/f")), ("b\n".into(), "a\n".into()));

    for (arguments, words) in [
        (&["download", "-n", "bin-c"][..], "has no artifact `bin-c`"),
        (&["download", "17"], "there is no run `17`"),
        (&["download", "-D", "three", "-n", "both", "-n", "nothing"], "has no artifact `nothing`"),
    ] {
        let refused = repo.wfrun(arguments).ends_with(2);
        assert!(refused.stderr.contains(words), "{arguments:?}: {}", refused.stderr);
    }
    assert!(!repo.root().join("three").exists(), "nothing is written where a part is missing");
}

#[test]
fn what_was_tampered_with_or_expired_is_not_unpacked() {
    let Some((repo, ran)) = ran() else { return };
    let run = ran.of_type("run-started")[0]["run_id"].as_str().expect("an id").to_owned();
    let folder = repo.root().join(".wfrun/runs").join(run).join("artifacts");
    let id = |name: &str| {
        let all = ran.of_type("artifact-kept");
        let last = all.iter().rev().find(|it| it["name"] == name).expect("made");
        last["id"].as_str().expect("text").to_owned()
    };
    std::fs::write(folder.join(format!("{}.content", id("f"))), "x\n").expect("a file");
    let refused = repo.wfrun(&["download", "-n", "f", "-D", "out"]).ends_with(2);
    assert!(refused.stderr.contains("its digest is another"), "{}", refused.stderr);

    let entry = folder.join(format!("{}.json", id("both")));
    let mut facts: serde_json::Value = serde_json::from_slice(&std::fs::read(&entry).expect("a file")).expect("JSON");
    facts["expires_at"] = serde_json::json!("2020-01-01T00:00:00Z");
    std::fs::write(&entry, facts.to_string()).expect("a file");
    let refused = repo.wfrun(&["download", "-n", "both", "-D", "out"]).ends_with(2);
    assert!(refused.stderr.contains("`both` has expired on 2020-01-01"), "{}", refused.stderr);
    assert!(!repo.root().join("out").exists());
}

/// Steps that upload what is large and what is small, packed in two ways and as it is; then all of it comes back.
const HAND_OVER: &str = "
    - {run: 'echo \"uploads at [$WFRUN_UPLOADS]\"'}
    - {run: 'head -c 20000000 /dev/urandom > large; echo small > small; sha256sum large small > sums'}
    - {uses: actions/upload-artifact@v7, with: {name: stored, path: \"large\\nsmall\"}}
    - {uses: actions/upload-artifact@v7, with: {name: packed, path: \"large\\nsmall\", compression-level: 1}}
    - {uses: actions/upload-artifact@v7, with: {path: large, archive: false}}
    - {run: rm large small}
    - {uses: actions/download-artifact@v8, with: {name: stored}}
    - {run: sha256sum -c sums && rm large small}
    - {uses: actions/download-artifact@v8, with: {name: packed}}
    - {run: sha256sum -c sums && rm large}
    - {uses: actions/download-artifact@v8, with: {name: large}}
    - {run: sha256sum -c sums}
";

#[track_caller]
fn check_hand_over(ran: &Ran, job: &str) {
    let calls = ran.of_type("service-called");
    let puts: Vec<_> =
        calls.iter().filter(|it| it["operation"].as_str().is_some_and(|it| it.starts_with("Put"))).collect();
    assert_eq!(puts.len(), 3, "{puts:?}");
    assert!(puts.iter().all(|it| it["operation"] == "Put Blob" && it["status"] == 201 && it["job"] == job), "{puts:?}");
    assert!(ran.lines().contains(&"uploads at []".to_owned()), "scripts have no use for it: {:?}", ran.lines());
}

#[test]
fn files_are_handed_over_on_every_backend() {
    let repo = Repo::new(&format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:{HAND_OVER}"), &[]);
    check_hand_over(&repo.wfrun(&["w.yml", "--backend", "host", "--json"]).ends_with(0), "j");
    // A path that is too long for a socket.
    let folder = repo.beside(&"x".repeat(120));
    std::fs::create_dir(&folder).expect("a folder");
    let mut command = repo.command(&["w.yml", "--backend", "host", "--json"]);
    check_hand_over(&Ran::of(&command.env("XDG_CACHE_HOME", folder).output().expect("wfrun starts")).ends_with(0), "j");
    if can_sandbox() {
        check_hand_over(&repo.sandbox(&[]).ends_with(0), "j");
    }
}

/// Also for a container's user who is nobody here.
#[test]
fn files_are_handed_over_from_containers() {
    if !has_docker() {
        return;
    }
    let own = format!("container: {{image: '{IMAGE}', options: --user 1001}}");
    for container in ["", &own] {
        let workflow =
            format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    {container}\n    steps:{HAND_OVER}");
        let repo = Repo::new(&workflow, &[]);
        let ran = repo.wfrun(&["w.yml", "--backend", "docker", "--json", "--offline"]).ends_with(0);
        check_hand_over(&ran, "j");
    }
}

#[test]
fn a_killed_run_leaves_no_half_artifact() {
    if !can_sandbox() {
        return;
    }
    // What takes seconds to compress is not over before it is killed.
    let steps = "- run: head -c 300000000 /dev/urandom > f\n      - {uses: actions/upload-artifact@v7, with: {path: f, compression-level: 9}}";
    let repo =
        Repo::new(&format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      {steps}\n"), &[]);
    let mut child = repo
        .command(&["w.yml", "--backend", "sandbox", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("wfrun starts");
    let events = BufReader::new(child.stdout.take().expect("a pipe"));
    let is_under_way = events.lines().map_while(Result::ok).any(|it| it.contains("Uploaded bytes 8388608"));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(is_under_way, "the upload had begun");

    let refused = repo.wfrun(&["download"]).ends_with(2);
    assert!(refused.stderr.contains("has no artifacts"), "{}", refused.stderr);
    let uploads = repo.root().join(".wfrun/cache/uploads");
    let unfinished = || std::fs::read_dir(&uploads).expect("a folder").count();
    assert_eq!(unfinished(), 1, "what was uploaded is there until somebody looks");
    repo.write(".github/workflows/w.yml", "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n");
    repo.wfrun(&["w.yml", "--backend", "sandbox"]).ends_with(0);
    assert_eq!(unfinished(), 0);
}
