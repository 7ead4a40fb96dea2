//! Images in vendored folders.
use std::fs;
use std::path::Path;

use crate::fake_engine::FakeEngine;
use crate::repo::{Ran, Repo};

const WORKFLOW: &str = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    strategy: {matrix: {v: [15, 16]}}
    container: 'ghcr.io/o/i:1'
    services:
      cache: {image: 'redis:7'}
      db: {image: 'postgres:${{ matrix.v }}'}
      late: {image: '${{ needs.k.outputs.image }}'}
    needs: k
    steps: [{uses: 'docker://busybox:1'}, {run: 'true'}]
  k: {runs-on: ubuntu-latest, outputs: {image: x}, steps: [{run: 'true'}]}
";

const HERE: [(&str, &str); 3] =
    [("redis:7", "sha256:aa"), ("postgres:15", "sha256:bb"), ("wfrun/runner:bookworm", "sha256:cc")];
const REGISTRY: [(&str, &str); 3] =
    [("ghcr.io/o/i:1", "sha256:dd"), ("busybox:1", "sha256:ee"), ("postgres:16", "sha256:ff")];

fn wfrun(repo: &Repo, engine: &FakeEngine, arguments: &[&str]) -> Ran {
    Ran::of(&repo.command(arguments).env("DOCKER_HOST", engine.address()).output().expect("wfrun starts"))
}

/// Name, id and bytes of the images in a vendored folder.
fn vendored(folder: &Path) -> Vec<(String, String, Vec<u8>)> {
    let text = fs::read_to_string(folder.join("wfrun.lock")).expect("a lock");
    let lock: toml::Table = text.parse().expect("TOML");
    let images = lock["image"].as_array().expect("a list");
    let word = |it: &toml::Value, key: &str| it[key].as_str().expect("a text").to_owned();
    images
        .iter()
        .map(|it| (word(it, "name"), word(it, "id"), fs::read(folder.join(word(it, "file"))).expect("a file")))
        .collect()
}

#[test]
fn images_are_saved_pulled_and_said_to_be_missing() {
    let repo = Repo::new(WORKFLOW, &[]);
    let engine = FakeEngine::new(&HERE, &REGISTRY[..2]);
    let ran = wfrun(&repo, &engine, &["vendor"]).ends_with(3);
    let flat = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "image `postgres:16` could not be pulled",
        "manifest unknown",
        "`docker login`, then `docker pull postgres:16`",
        "service `late` of job `j`: `${{ needs.k.outputs.image }}` is told by the run only",
        "1 thing is missing",
    ] {
        assert!(flat.contains(part), "{part}: {flat}");
    }
    let folder = repo.root().join(".wfrun/vendor");
    let images = vendored(&folder);
    let names: Vec<_> = images.iter().map(|(name, id, _)| format!("{name} {id}")).collect();
    let expected = [
        "busybox:1 sha256:ee",
        "ghcr.io/o/i:1 sha256:dd",
        "postgres:15 sha256:bb",
        "redis:7 sha256:aa",
        "wfrun/runner:bookworm sha256:cc",
    ];
    assert_eq!(names, expected);
    assert_eq!(engine.asked("/get").len(), 5);

    // What is locked is not saved again, and a new folder has the same bytes, though the engine's archives have not.
    wfrun(&repo, &engine, &["vendor"]).ends_with(3);
    assert_eq!(engine.asked("/get").len(), 0);
    wfrun(&repo, &engine, &["vendor", "--output", "../other"]).ends_with(3);
    assert_eq!(vendored(&repo.root().join("../other")), images);
    let ran = wfrun(&repo, &engine, &["vendor", "--check", "--offline"]).ends_with(1);
    assert_eq!(ran.errors(), ["vendor/stale"], "{}", ran.stderr);
    assert!(ran.stderr.contains("`postgres:16` is needed, and not vendored"), "{}", ran.stderr);

    // Without an engine what is locked stays, and the rest is missing.
    drop(engine);
    let nobody = |arguments: &[&str]| {
        Ran::of(&repo.command(arguments).env("DOCKER_HOST", "unix:///nowhere").output().expect("wfrun starts"))
    };
    let ran = nobody(&["vendor"]).ends_with(3);
    assert!(ran.stdout.contains("no Docker engine answers at unix:///nowhere"), "{}", ran.stdout);
    assert_eq!(vendored(&folder), images);
}

#[test]
fn a_run_gives_the_engine_what_was_vendored_and_lists_what_is_missing() {
    let repo = Repo::new(WORKFLOW, &[]);
    let engine = FakeEngine::new(&HERE, &REGISTRY[..2]);
    wfrun(&repo, &engine, &["vendor"]).ends_with(3);
    let run = |engine: &FakeEngine| wfrun(&repo, engine, &["w.yml", "--backend", "docker", "--offline", "--json"]);

    // An engine that has nothing gets all that there is, and what is missing is listed before any step.
    let other = FakeEngine::new(&[], &[]);
    let ran = run(&other).ends_with(3);
    assert_eq!(ran.errors(), ["backend/no-image"], "{}", ran.stderr);
    let flat = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("no image `postgres:16`, of service `db` of job `j`"), "{flat}");
    assert!(flat.contains("`docker pull postgres:16` fetches it, and so does `wfrun vendor`"), "{flat}");
    assert!(flat.contains("warning[backend/unknown-image]") && flat.contains("`needs.k.outputs.image`"), "{flat}");
    assert_eq!(ran.stdout, "", "nothing ran");
    assert_eq!(other.images().len(), 5, "{:?}", other.images());
    assert_eq!(other.asked("/containers").len(), 0);

    // What it has is not given again.
    run(&other).ends_with(3);
    assert_eq!(other.asked("/images/load").len(), 0);

    // Taken out of the set: it is named. Without anything vendored all of them are.
    let lone = FakeEngine::new(&[], &[]);
    let ran = wfrun(&repo, &lone, &["w.yml", "--backend", "docker", "--offline", "--vendored", "none"]).ends_with(3);
    assert_eq!(ran.errors().len(), 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("warning[backend/no-image]") && ran.stderr.contains("`busybox:1`"), "{}", ran.stderr);

    // A complete set goes on to the first job.
    let full = FakeEngine::new(&HERE, &REGISTRY);
    wfrun(&repo, &full, &["vendor"]).ends_with(0);
    let ran = run(&other);
    assert!(!ran.stderr.contains("backend/no-image") && !ran.stdout.is_empty(), "{}", ran.stderr);
}

/// What was changed reaches no engine.
#[test]
fn an_archive_that_was_changed_is_not_loaded() {
    let repo = Repo::new(WORKFLOW, &[]);
    let engine = FakeEngine::new(&HERE, &REGISTRY);
    wfrun(&repo, &engine, &["vendor"]).ends_with(0);
    let images = repo.root().join(".wfrun/vendor/_images");
    let archive = fs::read_dir(images).expect("a folder").flatten().next().expect("an archive").path();
    fs::write(&archive, "changed").expect("a file");
    let other = FakeEngine::new(&[], &[]);
    let ran = wfrun(&repo, &other, &["w.yml", "--backend", "docker", "--offline"]).ends_with(3);
    assert_eq!(ran.errors()[0], "vendor/changed", "{}", ran.stderr);
    assert!(ran.stderr.contains(", the image `"), "{}", ran.stderr);
    assert_eq!(other.asked("/images/load").len(), 0);
}

/// An engine does not know such an image by the name that a workflow gives it, once it comes from an archive.
#[test]
fn an_image_that_is_named_by_its_digest() {
    let name = format!("ghcr.io/o/i@sha256:{}", "5".repeat(64));
    let workflow =
        format!("on: push\njobs:\n  j: {{runs-on: ubuntu-latest, container: '{name}', steps: [{{run: 'true'}}]}}\n");
    let repo = Repo::new(&workflow, &[]);
    let engine = FakeEngine::new(&[(&name, "sha256:dd")], &[]);
    let ran = wfrun(&repo, &engine, &["vendor"]).ends_with(0);
    assert!(!ran.stdout.contains("not pinned"), "{}", ran.stdout);
    let other = FakeEngine::new(&[], &[]);
    let ran = wfrun(&repo, &other, &["w.yml", "--backend", "docker", "--offline", "--json"]);
    // This engine makes no containers.
    assert_ne!(ran.code, 0);
    assert_eq!(other.images(), ["sha256:dd sha256:dd"]);
    assert_eq!(other.made().first().map(String::as_str), Some("sha256:dd"), "{}\n{}", ran.stdout, ran.stderr);
    wfrun(&repo, &other, &["w.yml", "--backend", "docker", "--offline", "--json"]);
    assert_eq!(other.asked("/images/load").len(), 1, "it has it by then");
}
