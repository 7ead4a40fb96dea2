//! The cache as GitHub's own client uses it, and as a person looks at it.
use serde_json::Value as Json;

use crate::actions::can_run_node;
use crate::npm::packages;
use crate::repo::{Repo, can_sandbox};

const ACTION: &str = "name: c\ninputs: {do: {}}\nruns: {using: node20, main: main.mjs}\n";

/// Saves or restores with all generations of the client; `v1` is their first protocol. One process does all, as each takes
/// most of a second to start.
const MAIN: &str = "import fs from 'fs';
const both = process.env.ACTIONS_CACHE_SERVICE_V2;
const use = async (client) => {
  const [name, protocol] = client.split('-');
  if (protocol === 'v1') delete process.env.ACTIONS_CACHE_SERVICE_V2;
  else process.env.ACTIONS_CACHE_SERVICE_V2 = both;
  const cache = await import(`cache-${name}`);
  return cache.saveCache ? cache : cache.default;
};
const save = async (client) => {
  fs.mkdirSync('data', { recursive: true });
  fs.writeFileSync('data/file', client);
  console.log(`saved: ${(await (await use(client)).saveCache(['data'], `${client}-1`)) > 0}`);
};
const restore = async (client, key, prefix) => {
  fs.rmSync('data', { recursive: true, force: true });
  const found = await (await use(client)).restoreCache(['data'], key, prefix ? [prefix] : []);
  console.log(`restored: ${found} with ${found && fs.readFileSync('data/file', 'utf8')}`);
};
const clients = ['new-v2', 'back-v2', 'back-v1', 'old-v1'];
for (const client of clients) {
  if (process.env.INPUT_DO === 'save') {
    await save(client);
    await save(client);
    continue;
  }
  // What one protocol saves the other restores, by the beginning of the key.
  for (const reader of [client, client.endsWith('v2') ? 'old-v1' : 'new-v2']) await restore(reader, `${client}-2`, `${client}-`);
}
if (process.env.INPUT_DO === 'restore') for (const client of ['new-v2', 'old-v1']) await restore(client, 'nothing');
";

/// Source: GitHub: execution rules E9.2, E9.3 and E9.4.
#[test]
fn the_client_of_the_actions_saves_and_restores() {
    if !can_run_node() {
        return;
    }
    let wanted = [
        "cache-new@npm:@actions/cache@6.3.0",
        "cache-back@npm:@actions/cache@5.3.0",
        "cache-old@npm:@actions/cache@3.3.0",
    ];
    let Some(installed) = packages("cache", &wanted) else { return };
    let job = |what: &str| {
        let link = "ln -s \"${{ vars.PACKAGES }}\" c/node_modules";
        format!(
            "runs-on: ubuntu-latest, steps: [{{uses: actions/checkout@v4}}, {{run: '{link}'}}, \
             {{uses: ./c, with: {{do: {what}}}}}]"
        )
    };
    let workflow =
        format!("on: push\njobs: {{save: {{{}}}, restore: {{needs: save, {}}}}}\n", job("save"), job("restore"));
    let repo = Repo::new(&workflow, &[("c/action.yml", ACTION), ("c/main.mjs", MAIN)]);
    // They are many files: seen where they are, as the sandbox sees this machine's root.
    let var = format!("PACKAGES={}", installed.join("node_modules").display());
    let ran = repo.sandbox(&["--var", &var]).ends_with(0);
    let lines = ran.lines();
    let of = |beginning: &str| lines.iter().filter(|it| it.starts_with(beginning)).cloned().collect::<Vec<_>>();
    let pairs = ["saved: true", "saved: false"].map(str::to_owned);
    assert_eq!(of("saved: "), [&pairs[..], &pairs, &pairs, &pairs].concat(), "an entry is written once: {lines:#?}");
    let twice = |client: &str| vec![format!("restored: {client}-1 with {client}"); 2];
    let mut expected = ["new-v2", "back-v2", "back-v1", "old-v1"].map(twice).concat();
    expected.extend(vec!["restored: undefined with undefined".to_owned(); 2]);
    assert_eq!(of("restored: "), expected, "{lines:#?}");
    let calls = ran.of_type("service-called");
    let operations: Vec<_> = calls.iter().filter_map(|it| it["operation"].as_str()).collect();
    for operation in ["CreateCacheEntry", "GetCacheEntryDownloadURL", "ReserveCache", "UploadChunk", "CommitCache"] {
        assert!(operations.contains(&operation), "{operation}: {operations:?}");
    }
    let hits = calls.iter().filter(|it| it["hit"] == true).count();
    let misses = calls.iter().filter(|it| it["hit"] == false).count();
    assert_eq!((hits, misses), (8, 2));
}

const SAVES: &str = "on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
    - run: mkdir -p data && echo text > data/file
    - uses: actions/cache@v4
      with: {path: data, key: 'data-${{ vars.N }}', restore-keys: data-}
";

#[test]
fn the_summary_says_what_became_of_the_cache() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(SAVES, &[]);
    let said = |number: &str| {
        let ran = repo.wfrun(&["w.yml", "--backend", "sandbox", "--var", &format!("N={number}")]).ends_with(0);
        let line = ran.stdout.lines().find(|it| it.trim_start().starts_with("cache: ")).map(|it| it.trim().to_owned());
        line.expect("a line about the cache")
    };
    assert_eq!(said("1"), "cache: 1 miss, 1 entry saved");
    assert_eq!(said("1"), "cache: 1 hit");
    assert_eq!(said("2"), "cache: 1 hit, 1 entry saved");
}

#[test]
fn entries_are_listed_and_removed() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(SAVES, &[]);
    let cache = |arguments: &[&str]| repo.wfrun(&[&["cache"], arguments].concat());
    let empty = "the cache is empty: ./.wfrun/cache; `-C` names another repository\n";
    assert_eq!(cache(&["ls"]).ends_with(0).stderr, empty);
    assert!(!repo.root().join(".wfrun").exists(), "a look makes nothing");
    for number in ["N=1", "N=1", "N=2"] {
        repo.sandbox(&["--var", number]).ends_with(0);
    }
    let listed = |arguments: &[&str]| -> Json {
        let all = [&["ls", "--json"], arguments].concat();
        serde_json::from_str(&cache(&all).ends_with(0).stdout).expect("JSON")
    };
    let all = listed(&[]);
    let entries: Vec<_> =
        all["entries"].as_array().expect("a list").iter().map(|it| (it["key"].clone(), it["hits"].clone())).collect();
    assert_eq!(entries.len(), 2, "{all}");
    assert!(entries.contains(&("data-1".into(), 2.into())) && entries.contains(&("data-2".into(), 0.into())), "{all}");
    assert_eq!(all["entries"][0]["ref"], "refs/heads/main");
    assert_eq!(listed(&["--ref", "other"])["entries"], Json::Array(Vec::new()));
    assert_eq!(cache(&["ls", "--ref", "other"]).ends_with(0).stderr, "the cache has no such entries\n");
    assert_eq!(listed(&["--ref", "main", "--key", "data-2"])["entries"][0]["key"], "data-2");
    let table = cache(&["ls"]).ends_with(0).stdout;
    assert!(table.starts_with("KEY     REF   ") && table.trim_end().ends_with("2 hits"), "{table}");

    let wrong = cache(&["rm", "data-1", "data-9"]).ends_with(2);
    assert!(wrong.stderr.contains("the cache has no entry `data-9`") && wrong.stderr.contains("did you mean `data-"));
    assert_eq!(listed(&[])["entries"].as_array().map(Vec::len), Some(2), "nothing went");
    let id = listed(&["--key", "data-1"])["entries"][0]["id"].to_string();
    let removed = cache(&["rm", &id]).ends_with(0);
    assert!(removed.stdout.starts_with("removed data-1 of main ("), "{}", removed.stdout);
    assert_eq!(cache(&["prune"]).ends_with(0).stderr, "removed 0 entries, 0 B\n", "it was used just now");
    let pruned = cache(&["prune", "--limit", "10B", "--json"]).ends_with(0).stdout;
    let pruned: Json = serde_json::from_str(&pruned).expect("JSON");
    assert_eq!(pruned["removed"][0]["key"], "data-2");
    assert_eq!(cache(&["ls"]).ends_with(0).stderr, empty);
    cache(&["prune", "--limit", "ten"]).ends_with(2);
    cache(&["rm"]).ends_with(2);
}

/// The limit of a run, and an archive that something has changed: the next run misses and saves it anew.
#[test]
fn a_limit_and_a_changed_archive() {
    if !can_sandbox() {
        return;
    }
    let repo = Repo::new(SAVES, &[]);
    let hits = |arguments: &[&str]| {
        let ran = repo.sandbox(arguments).ends_with(0);
        ran.of_type("service-called").iter().filter(|it| it["hit"] == true).count()
    };
    assert_eq!(hits(&["--var", "N=1", "--cache-limit", "10B"]), 0);
    assert_eq!(hits(&["--var", "N=1"]), 0, "it was too large");
    assert_eq!(hits(&["--var", "N=1"]), 1);
    let blobs = repo.root().join(".wfrun/cache/blobs");
    let folder = std::fs::read_dir(blobs).expect("a folder").flatten().next().expect("a folder").path();
    let blob = std::fs::read_dir(folder).expect("a folder").flatten().next().expect("an archive").path();
    let mut bytes = std::fs::read(&blob).expect("an archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&blob, bytes).expect("room");
    let ran = repo.sandbox(&["--var", "N=1"]).ends_with(0);
    assert!(ran.of_type("service-called").iter().all(|it| it["hit"] != true), "never restored");
    let told: Vec<_> = ran.of_type("notice").iter().map(|it| it["message"].to_string()).collect();
    let words = "cache entry `data-1` of refs/heads/main is not what was saved on ";
    assert!(told.iter().any(|it| it.contains(words)), "{told:?}");
    assert_eq!(hits(&["--var", "N=1"]), 1, "saved anew");
}
