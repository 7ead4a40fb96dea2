//! The way out of what the reader finds.
use wfrun_syntax::{Node, NodeKind, closest};

use crate::schema::{Def, MappingDef, Text};

/// For a sequence where none belongs.
pub(super) fn instead_of_sequence(def: &Def) -> Option<String> {
    Some(if def.mappings.is_empty() {
        format!("{} is a single value", def.what)
    } else {
        format!("{} is a mapping: write `key: value` lines below it, without dashes", def.what)
    })
}

/// For a mapping where none belongs.
pub(super) fn instead_of_mapping(def: &Def) -> Option<String> {
    Some(match def.sequence {
        Some(_) => format!("{} is a list: begin each item with `- `", def.what),
        None => format!("{} is a single value; quote it if it holds a colon", def.what),
    })
}

/// For a scalar that does not fit: the code and the way out.
pub(super) fn wrong_scalar(def: &Def, node: &Node, text: &str) -> (&'static str, Option<String>) {
    if let Text::OneOf(words) = def.text
        && !text.is_empty()
    {
        let help = match closest(text, words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("{} is one of: {}", def.what, words.join(", ")),
        };
        return ("workflow/wrong-value", Some(help));
    }
    if text.is_empty() {
        return ("workflow/missing-value", Some(missing_value(def)));
    }
    let help = if def.number {
        "a number belongs here, without quotes, or an expression `${{ … }}` that gives one".to_owned()
    } else if def.boolean {
        let quoted = matches!(&*node.kind, NodeKind::String(_)) && matches!(text, "true" | "false");
        if quoted {
            format!("write {text} without quotes")
        } else {
            "write `true` or `false`, without quotes".to_owned()
        }
    } else {
        missing_value(def)
    };
    ("workflow/wrong-type", Some(help))
}

fn missing_value(def: &Def) -> String {
    if !def.mappings.is_empty() {
        return format!("{} is a mapping: write `key: value` lines below it, indented", def.what);
    }
    match (def.sequence, def.text) {
        (Some(_), Text::No) => format!("{} is a list: begin each item with `- `", def.what),
        (_, Text::OneOf(words)) => format!("{} is one of: {}", def.what, words.join(", ")),
        (_, Text::No) if def.null => format!("{} takes no value", def.what),
        (_, Text::No | Text::Any | Text::NonEmpty) => "write a value".to_owned(),
    }
}

/// For a key that does not belong: a likely spelling, the kind it belongs to, or all that belong.
pub(super) fn unknown_key(key: &str, def: &Def, candidates: &[&'static MappingDef], seen: &[String]) -> String {
    if is_known_elsewhere(key, def) {
        let decided = seen.iter().find(|it| !def.mappings.iter().all(|mapping| mapping.property(it).is_some()));
        return match decided {
            Some(other) => format!("`{key}` and `{other}` do not go together in {}", def.what),
            None => format!("`{key}` does not belong to this kind of {}", def.what),
        };
    }
    let names = names(candidates);
    let all = self::names(def.mappings);
    match closest(key, names.iter().copied()).or_else(|| closest(key, all.iter().copied())) {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.is_empty() => format!("{} takes no keys", def.what),
        None => format!("keys of {}: {}", def.what, names.join(", ")),
    }
}

/// Tells whether another kind of the same mapping has the key.
pub(super) fn is_known_elsewhere(key: &str, def: &Def) -> bool {
    def.mappings.iter().any(|it| it.property(key).is_some())
}

/// For keys that are missing.
pub(super) fn missing(keys: &[&'static str], def: &Def) -> String {
    let example = match (def.what, keys) {
        (_, ["on"]) => "say when it runs: `on: push`",
        (_, ["jobs"]) => "say what it does: `jobs:` with at least one job",
        (_, ["runs-on"]) => "say where the job runs: `runs-on: ubuntu-latest`",
        ("a step", [_, _, ..]) => "a step needs `run:` or `uses:`",
        ("a job", [_, _, ..]) => "a job needs `runs-on:` with `steps:`, or `uses:`",
        (_, ["uses"]) => "name what is used: `uses: owner/repository@ref`",
        (_, ["run"]) => "say what is run: `run: command`",
        (_, ["shell"]) => "steps of an action name their shell: `shell: bash`",
        (_, [key]) => return format!("add `{key}:` to {}", def.what),
        (_, _) => return format!("add a key that tells which kind of {} it is", def.what),
    };
    example.to_owned()
}

/// The keys that only one of the candidates has, sorted: each would decide.
pub(super) fn deciding_keys(candidates: &[&'static MappingDef]) -> Vec<&'static str> {
    let all = names(candidates);
    let mut deciding: Vec<_> = all
        .into_iter()
        .filter(|name| candidates.iter().filter(|it| it.property(name).is_some()).count() == 1)
        .collect();
    deciding.sort_unstable();
    deciding
}

fn names(mappings: &[&'static MappingDef]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for name in mappings.iter().flat_map(|it| it.properties).map(|it| it.name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
