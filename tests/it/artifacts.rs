//! Artifacts: stand-ins and real actions, and what is left after the run.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use regex::Regex;

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
