//! `wfrun cache`: what is in the cache of a repository, and what goes.
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wfrun_report::{ago, bytes, columns};
use wfrun_services::{CacheEntry, CacheFolder};

use crate::cli::{CacheArgs, CacheCommand, CacheLsArgs, CachePlaceArgs, CachePruneArgs, CacheRmArgs};
use crate::exit::Exit;
use crate::find;
use crate::output::{Help, Output};

/// What GitHub gives a repository.
const DEFAULT_LIMIT: u64 = 10_000_000_000;

/// Carries out one of its subcommands.
pub(crate) fn cache(args: &CacheArgs) -> anyhow::Result<Exit> {
    match &args.command {
        CacheCommand::Ls(it) => list(it),
        CacheCommand::Rm(it) => remove(it),
        CacheCommand::Prune(it) => prune(it),
    }
}

fn list(args: &CacheLsArgs) -> anyhow::Result<Exit> {
    let folder = folder(&args.place)?;
    let entries: Vec<_> = CacheFolder::open(&folder)?.entries()?;
    let is_empty = entries.is_empty();
    let is_wanted = |it: &CacheEntry| it.key.starts_with(&args.key) && is_of(&args.place, it);
    let entries: Vec<_> = entries.into_iter().filter(is_wanted).collect();
    if args.place.json {
        let all: Vec<_> = entries.iter().map(of_entry).collect();
        let total: u64 = entries.iter().map(|it| it.size).sum();
        Output::data(&format!("{:#}\n", json!({"entries": all, "size": total})));
    } else if is_empty {
        Output::note(&format!("the cache is empty: {}; `-C` names another repository", folder.display()));
    } else if entries.is_empty() {
        Output::note("the cache has no such entries");
    } else {
        Output::data(&table(&entries, Timestamp::now()));
    }
    Ok(Exit::Success)
}

fn remove(args: &CacheRmArgs) -> anyhow::Result<Exit> {
    let folder = open(&args.place)?;
    let entries: Vec<_> = folder.entries()?.into_iter().filter(|it| is_of(&args.place, it)).collect();
    let named = |it: &CacheEntry, name: &String| it.key == *name || it.id.to_string() == *name;
    // Nothing goes if a name is wrong: the others may be, too.
    if let Some(unknown) = args.entries.iter().find(|name| !entries.iter().any(|it| named(it, name))) {
        let keys = entries.iter().map(|it| it.key.as_str());
        let help = match wfrun_syntax::closest(unknown, keys) {
            Some(near) => format!("did you mean `{near}`? `wfrun cache ls` shows all"),
            None => "`wfrun cache ls` shows all".to_owned(),
        };
        return Err(Help::error("cache/unknown-entry", format!("the cache has no entry `{unknown}`"), help));
    }
    let goes = |it: &&CacheEntry| args.all || args.entries.iter().any(|name| named(it, name));
    let ids: Vec<u64> = entries.iter().filter(goes).map(|it| it.id).collect();
    tell(&folder.remove(&ids)?, 0, args.place.json);
    Ok(Exit::Success)
}

fn prune(args: &CachePruneArgs) -> anyhow::Result<Exit> {
    let days = SignedDuration::from_hours(24 * i64::from(args.unused));
    // A limit is for all refs together.
    let limit = args.limit.unwrap_or(if args.place.git_ref.is_some() { u64::MAX } else { DEFAULT_LIMIT });
    let (gone, freed) = open(&args.place)?.prune(limit, Timestamp::now() - days, |it| is_of(&args.place, it))?;
    tell(&gone, freed, args.place.json);
    Ok(Exit::Success)
}

fn open(place: &CachePlaceArgs) -> anyhow::Result<CacheFolder> {
    Ok(CacheFolder::open(&folder(place)?)?)
}

fn folder(place: &CachePlaceArgs) -> anyhow::Result<PathBuf> {
    let from = find::directory(place.directory.as_deref())?;
    Ok(find::root_around(&from).join(".wfrun/cache"))
}

/// Whether an entry is of the ref that was asked for, if one was.
fn is_of(place: &CachePlaceArgs, it: &CacheEntry) -> bool {
    let is_same = |wanted: &String| {
        let short = ["refs/heads/", "refs/tags/", "refs/"].iter().find_map(|prefix| it.git_ref.strip_prefix(prefix));
        it.git_ref == *wanted || short == Some(wanted.as_str())
    };
    place.git_ref.as_ref().is_none_or(is_same)
}

/// What went. `freed` bytes were of archives that no entry had.
fn tell(gone: &[CacheEntry], freed: u64, as_json: bool) {
    let sum = gone.iter().map(|it| it.size).sum::<u64>() + freed;
    if as_json {
        let all: Vec<_> = gone.iter().map(of_entry).collect();
        return Output::data(&format!("{:#}\n", json!({"removed": all, "size": sum})));
    }
    for it in gone {
        Output::data(&format!("removed {} of {} ({})\n", it.key, short(&it.git_ref), bytes(it.size)));
    }
    let entries = if gone.len() == 1 { "entry" } else { "entries" };
    Output::note(&format!("removed {} {entries}, {}", gone.len(), bytes(sum)));
}

fn of_entry(it: &CacheEntry) -> Value {
    json!({
        "id": it.id,
        "key": it.key,
        "version": it.version,
        "ref": it.git_ref,
        "size": it.size,
        "created_at": it.created_at,
        "last_used_at": it.used_at,
        "hits": it.hits,
        "whole": it.is_whole,
    })
}

fn table(entries: &[CacheEntry], now: Timestamp) -> String {
    let head = ["KEY", "REF", "SIZE", "HITS", "CREATED", "USED", "ID"].map(str::to_owned);
    let row = |it: &CacheEntry| {
        let used = if it.hits == 0 { "never".to_owned() } else { ago(it.used_at, now) };
        let key = if it.is_whole { it.key.clone() } else { format!("{} (broken)", it.key) };
        [key, short(&it.git_ref), bytes(it.size), it.hits.to_string(), ago(it.created_at, now), used, it.id.to_string()]
    };
    let rows: Vec<_> = std::iter::once(head).chain(entries.iter().map(row)).collect();
    let text: String = columns(&rows, 2..4).into_iter().map(|it| it + "\n").collect();
    let sum = entries.iter().map(|it| it.size).sum();
    let (count, hits) = (entries.len(), entries.iter().map(|it| it.hits).sum::<u64>());
    let (entries, used) = (if count == 1 { "entry" } else { "entries" }, if hits == 1 { "hit" } else { "hits" });
    text + &format!("{count} {entries}, {}, {hits} {used}\n", bytes(sum))
}

/// A ref as people write it.
fn short(git_ref: &str) -> String {
    git_ref.strip_prefix("refs/heads/").unwrap_or(git_ref).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, hits: u64, size: u64) -> CacheEntry {
        let time = |text: &str| text.parse().expect("a time");
        CacheEntry {
            id: 4_503_599_627_370_495,
            key: key.to_owned(),
            version: "v".to_owned(),
            git_ref: "refs/heads/main".to_owned(),
            size,
            created_at: time("2026-01-01T00:00:00Z"),
            used_at: time("2026-01-02T00:00:00Z"),
            hits,
            is_whole: key != "broken",
        }
    }

    #[test]
    fn a_table_for_people() {
        let entries = [entry("Linux-pip-1", 12, 1_234_567), entry("ä", 0, 999), entry("broken", 1, 10_000_000_000)];
        let now = "2026-01-02T01:59:00Z".parse().expect("a time");
        insta::assert_snapshot!(table(&entries, now));
    }
}
