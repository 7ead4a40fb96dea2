//! The way out of what the reader finds. `what` is how messages call the place: `` `env` ``, `a step`.
use wfrun_syntax::{Node, NodeKind, closest};

use crate::report::CONTEXTS;
use crate::schema::{Def, MappingDef, Text};

/// More words than this are not listed.
const MOST_WORDS: usize = 30;

/// Words of other systems, by what they are keys of, and GitHub's.
const SYNONYMS: &[(&str, &str, &str)] = &[
    ("a job", "depends-on", "needs"),
    ("a job", "depends_on", "needs"),
    ("a job", "dependencies", "needs"),
    ("a job", "os", "runs-on"),
    ("a job", "pool", "runs-on"),
    ("a job", "runner", "runs-on"),
    ("a job", "script", "steps"),
    ("a job", "timeout", "timeout-minutes"),
    ("a step", "action", "uses"),
    ("a step", "command", "run"),
    ("a step", "cwd", "working-directory"),
    ("a step", "script", "run"),
    ("a step", "timeout", "timeout-minutes"),
    ("the workflow", "trigger", "on"),
    ("the workflow", "triggers", "on"),
];

/// Keys where people write them, and where they belong or what is meant.
const MISPLACED: &[(&str, &str, &str)] = &[
    ("a job", "fail-fast", "it belongs below `strategy:`"),
    ("a job", "image", "name it in `container:`, or a runner in `runs-on:`"),
    ("a job", "matrix", "it belongs below `strategy:`"),
    ("a job", "max-parallel", "it belongs below `strategy:`"),
    ("a job", "run", "it belongs to a step: `steps:` with an item `- run: …`"),
    ("a job", "shell", "it belongs below `defaults:`, `run:`"),
    ("a job", "working-directory", "it belongs below `defaults:`, `run:`"),
    ("a step", "args", "an action's inputs stand below `with:`"),
    ("a step", "environment", "variables stand below `env:`"),
    ("a step", "inputs", "an action's inputs stand below `with:`"),
    ("a step", "needs", "steps run one after the other; `needs` belongs to a job"),
    ("a step", "runs-on", "it belongs to the job"),
    ("the workflow", "runs-on", "it belongs to a job"),
    ("the workflow", "shell", "it belongs below `defaults:`, `run:`"),
    ("the workflow", "steps", "they belong to a job: `jobs:`, its id, `steps:`"),
    ("`on`", "branches", "it belongs below an event: `push:`, then `branches:`"),
    ("`on`", "cron", "it belongs below `schedule:`, as an item: `- cron: …`"),
    ("`on`", "inputs", "it belongs below `workflow_dispatch:` or `workflow_call:`"),
    ("`on`", "paths", "it belongs below an event: `push:`, then `paths:`"),
    ("`on`", "tags", "it belongs below an event: `push:`, then `tags:`"),
    ("`on`", "types", "it belongs below an event: `pull_request:`, then `types:`"),
];

/// For a sequence where none belongs.
pub(super) fn instead_of_sequence(def: &Def, what: &str) -> String {
    if let Some(help) = id_missing(def, what) {
        return help;
    }
    if what == "`run`" {
        return "a script is one text: write its lines below `run: |`, without dashes".to_owned();
    }
    if def.mappings.is_empty() {
        return format!("{what} is a single value, without brackets or dashes");
    }
    format!("{what} is a mapping: write `key: value` lines below it, without dashes")
}

/// For a mapping where none belongs.
pub(super) fn instead_of_mapping(def: &Def, what: &str) -> String {
    match def.sequence {
        Some(_) => format!("{what} is a list: begin each item with `- `"),
        None => format!("{what} is a single value; quote it if it holds a colon"),
    }
}

/// For a scalar that does not fit: the code and the way out.
pub(super) fn wrong_scalar(def: &Def, what: &str, node: &Node, text: &str) -> (&'static str, String) {
    if let Text::OneOf(words) | Text::OneOfInAnyCase(words) = def.text
        && !text.is_empty()
    {
        let near = closest(text, words.iter().copied());
        let help = near.map_or_else(|| one_of(def, what, words), |word| format!("did you mean `{word}`?"));
        return (def.code.unwrap_or("workflow/wrong-value"), help);
    }
    if text.is_empty() {
        return ("workflow/missing-value", expected(def, what));
    }
    let is_quoted = matches!(&*node.kind, NodeKind::String(_));
    let help = if is_bare_expression(text) {
        format!("expressions stand in `${{{{ }}}}`: `${{{{ {text} }}}}`")
    } else if def.number && is_quoted && text.parse::<f64>().is_ok() {
        format!("{what} is a number: write {text} without quotes")
    } else if def.boolean && is_quoted && matches!(text, "true" | "false") {
        format!("{what} is a boolean: write {text} without quotes")
    } else {
        expected(def, what)
    };
    ("workflow/wrong-type", help)
}

/// Tells whether a text begins as an expression does: `matrix.x`.
fn is_bare_expression(text: &str) -> bool {
    let root = text.split_once('.').map(|(root, _)| root);
    root.is_some_and(|it| CONTEXTS.contains(&it)) || text.starts_with("fromJSON(")
}

/// Says what belongs at a place.
fn expected(def: &Def, what: &str) -> String {
    if let Some(help) = id_missing(def, what) {
        return help;
    }
    match def.what {
        "`on`" | "an event" => return "name an event: `push`".to_owned(),
        "`jobs`" => return "write a job below it: `test:` with `runs-on: ubuntu-latest` and `steps:`".to_owned(),
        "`steps`" => return "`steps` is a list: write steps below it, `- run: command` or `- uses: action`".to_owned(),
        "a step" => return "a step is a mapping: `- run: command` or `- uses: action`".to_owned(),
        _ => {}
    }
    match (def.sequence, def.text) {
        (_, Text::No) if !def.mappings.is_empty() => {
            format!("{what} is a mapping: write `key: value` lines below it, indented")
        }
        (Some(item), Text::No) if !item.mappings.is_empty() && item.text == Text::No => {
            format!("{what} is a list: write its items below it, each begins with `- `")
        }
        (Some(_), Text::No) => format!("{what} is a list: `[a, b]`, or lines below it that begin with `- `"),
        (_, Text::OneOf(words) | Text::OneOfInAnyCase(words)) => one_of(def, what, words),
        (_, Text::No) if def.null => format!("{what} takes no value"),
        (_, Text::No) if def.number => format!("{what} is a number, or an expression `${{{{ … }}}}` that gives one"),
        (_, Text::No) if def.boolean => format!("{what} is `true` or `false`, without quotes"),
        (_, Text::No | Text::Any | Text::NonEmpty) => format!("write a value: {what} may not be empty"),
    }
}

/// For a key of a job where a job's id belongs; `what` is "job" and the id.
fn id_missing(def: &Def, what: &str) -> Option<String> {
    let key = what.strip_prefix("job `")?.strip_suffix('`')?;
    is_known_elsewhere(key, def)
        .then(|| format!("`{key}` belongs to a job: write the job's id above, and indent what belongs to it"))
}

fn one_of(def: &Def, what: &str, words: &[&str]) -> String {
    if words.len() > MOST_WORDS {
        return "GitHub has no such event; among those it has are push, pull_request, schedule, workflow_dispatch"
            .to_owned();
    }
    let or_mapping = if def.mappings.is_empty() { "" } else { ", or a mapping" };
    format!("{what} is one of: {}{or_mapping}", words.join(", "))
}

/// For a key that does not belong: a likely spelling, the kind it belongs to, or all that belong.
pub(super) fn unknown_key(
    key: &str,
    def: &Def,
    what: &str,
    candidates: &[&'static MappingDef],
    seen: &[String],
) -> String {
    if is_known_elsewhere(key, def) {
        let kinds_with = |names: &[&str]| {
            let has = |mapping: &&MappingDef| names.iter().all(|it| mapping.property(it).is_some());
            def.mappings.iter().copied().filter(has).count()
        };
        let apart = seen.iter().find(|it| kinds_with(&[it, key]) == 0);
        let decided = apart.or_else(|| seen.iter().find(|it| kinds_with(&[it]) < def.mappings.len()));
        return match decided {
            Some(other) => format!("`{key}` and `{other}` do not go together in {what}"),
            None => format!("`{key}` does not belong to this kind of {what}"),
        };
    }
    if key == "<<" {
        return "GitHub has no merge keys: write the keys out, or repeat a whole value by an alias".to_owned();
    }
    if let Some(name) = synonym(def, key) {
        return format!("GitHub's word is `{name}`");
    }
    if let Some((_, _, help)) = MISPLACED.iter().find(|it| it.0 == def.what && it.1 == key) {
        return (*help).to_owned();
    }
    let names = names(candidates);
    let all = self::names(def.mappings);
    match closest(key, names.iter().copied()).or_else(|| closest(key, all.iter().copied())) {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.is_empty() => format!("{what} takes no keys"),
        None if names.len() > MOST_WORDS => one_of(def, what, &names),
        None => format!("keys of {what}: {}", names.join(", ")),
    }
}

/// What a word of another system is called here.
fn synonym(def: &Def, key: &str) -> Option<&'static str> {
    SYNONYMS.iter().find(|it| it.0 == def.what && it.1 == key).map(|it| it.2)
}

/// For an unknown key that stands in the place of a missing one: what should be done with it.
pub(super) fn meant(key: &str, is_mapping: bool, missing: &[&'static str], def: &Def) -> Option<String> {
    if let Some(name) = closest(key, missing.iter().copied()) {
        return Some(format!("did you mean `{name}`?"));
    }
    if let Some(name) = synonym(def, key).filter(|it| missing.contains(it)) {
        return Some(format!("GitHub's word is `{name}`"));
    }
    (missing == ["jobs"] && is_mapping).then(|| format!("if `{key}` is a job, put it below `jobs:`, indented"))
}

/// Tells whether another kind of the same mapping has the key.
pub(super) fn is_known_elsewhere(key: &str, def: &Def) -> bool {
    def.mappings.iter().any(|it| it.property(key).is_some())
}

/// For keys that are missing.
pub(super) fn missing(keys: &[&'static str], def: &Def, what: &str) -> String {
    let example = match (def.what, keys) {
        (_, ["on"]) => "say when it runs: `on: push`",
        (_, ["jobs"]) => "say what it does: `jobs:` with at least one job",
        (_, ["runs-on"]) => "say where the job runs: `runs-on: ubuntu-latest`",
        (_, ["runs"]) => "say what it runs: `runs:` with `using: node24`, `using: composite` or `using: docker`",
        (_, ["cron"]) => "say when: `- cron: '30 5 * * 1'`",
        (_, ["group"]) => "name a group: `group: ${{ github.workflow }}-${{ github.ref }}`",
        (_, ["type"]) => "say what it takes: `type: string`, `type: boolean` or `type: number`",
        (_, ["value"]) => "say what it is: `value: ${{ jobs.JOB.outputs.NAME }}`",
        ("a step", [_, _, ..]) => "a step needs `run:` or `uses:`",
        ("a job", [_, _, ..]) => "a job needs `runs-on:` with `steps:`, or `uses:`",
        ("`runs`", [_, _, ..]) => "a JavaScript action has `main:`, a composite one `steps:`, a container `image:`",
        (_, ["uses"]) => "name what is used: `uses: owner/repository@ref`",
        (_, ["run"]) => "say what is run: `run: command`",
        (_, ["shell"]) => "steps of an action name their shell: `shell: bash`",
        (_, [key]) => return format!("add `{key}:` to {what}"),
        (_, _) => return format!("add a key that tells which kind of {what} it is"),
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
