//! The cache as GitHub's own client uses it.
use crate::actions::can_run_node;
use crate::npm::packages;
use crate::repo::{Repo, copy};

const ACTION: &str =
    "name: c\ninputs: {do: {}, with: {}, key: {}, restore: {}}\nruns: {using: node20, main: main.mjs}\n";

/// Saves or restores with one generation of the client; `v1` is its first protocol.
const MAIN: &str = "const input = (name) => process.env[`INPUT_${name.toUpperCase()}`];
const [client, protocol] = input('with').split(':');
if (protocol === 'v1') delete process.env.ACTIONS_CACHE_SERVICE_V2;
const cache = await import(`cache-${client}`);
const { saveCache, restoreCache } = cache.saveCache ? cache : cache.default;
const restore = input('restore') ? [input('restore')] : [];
if (input('do') === 'save') console.log(`saved: ${await saveCache(['data'], input('key')) > 0}`);
else console.log(`restored: ${await restoreCache(['data'], input('key'), restore)}`);
";

fn step(what: &str, with: &str, key: &str, restore: &str) -> String {
    format!("    - uses: ./c\n      with: {{do: {what}, with: '{with}', key: '{key}', restore: '{restore}'}}\n")
}

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
    // Each with its own protocol, and one of the middle with the first.
    let clients = ["new:v2", "back:v2", "back:v1", "old:v1"];
    let checkout = "    runs-on: ubuntu-latest\n    steps:\n    - uses: actions/checkout@v4\n";
    let mut saves = String::new();
    let mut restores = String::new();
    for client in clients {
        let name = client.replace(':', "-");
        saves += "    - run: mkdir -p data && echo ";
        saves += &name;
        saves += " > data/file\n";
        saves += &step("save", client, &format!("{name}-1"), "");
        saves += &step("save", client, &format!("{name}-1"), "");
        // What one protocol saves the other restores, by the beginning of the key.
        let other = if client.ends_with("v2") { "old:v1" } else { "new:v2" };
        for reader in [client, other] {
            restores += "    - run: rm -rf data\n";
            restores += &step("restore", reader, &format!("{name}-2"), &format!("{name}-"));
            restores += "    - run: cat data/file\n";
        }
    }
    restores += &step("restore", "new:v2", "nothing", "");
    restores += &step("restore", "old:v1", "nothing", "");
    let workflow =
        format!("on: push\njobs:\n  save:\n{checkout}{saves}  restore:\n    needs: save\n{checkout}{restores}");
    let repo = Repo::new(&workflow, &[("c/action.yml", ACTION), ("c/main.mjs", MAIN)]);
    copy(&installed.join("node_modules"), &repo.root().join("c/node_modules"));
    repo.commit("packages");
    let ran = repo.sandbox(&[]).ends_with(0);
    let lines = ran.lines();
    let of = |beginning: &str| lines.iter().filter(|it| it.starts_with(beginning)).cloned().collect::<Vec<_>>();
    let pairs = ["saved: true", "saved: false"].map(str::to_owned);
    assert_eq!(of("saved: "), [&pairs[..], &pairs, &pairs, &pairs].concat(), "an entry is written once: {lines:#?}");
    let mut expected: Vec<String> =
        clients.iter().flat_map(|it| vec![format!("restored: {}-1", it.replace(':', "-")); 2]).collect();
    expected.extend(vec!["restored: undefined".to_owned(); 2]);
    assert_eq!(of("restored: "), expected, "{lines:#?}");
    for client in clients {
        let name = client.replace(':', "-");
        assert_eq!(lines.iter().filter(|it| **it == name).count(), 2, "{name}: {lines:#?}");
    }
    let calls = ran.of_type("service-called");
    let operations: Vec<_> = calls.iter().filter_map(|it| it["operation"].as_str()).collect();
    for operation in ["CreateCacheEntry", "GetCacheEntryDownloadURL", "ReserveCache", "UploadChunk", "CommitCache"] {
        assert!(operations.contains(&operation), "{operation}: {operations:?}");
    }
}
