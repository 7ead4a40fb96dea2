//! GitHub's own workflows: what GitHub takes is taken, and what it refuses is refused at the same places.
#![expect(clippy::disallowed_methods, reason = "a test reads its data")]
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;
use wfrun_syntax::{Diagnostic, Source};
use wfrun_workflow::{FileRef, Limits, Loaded, PermissionsPolicy, ReadOptions, SetOptions, read_set};

/// Cases that are not followed, each with the reason. At most 12 are allowed.
const SKIPPED: &[(&str, &str)] = &[
    ("errors-anchor-tag.yml", "from before September 2025, when GitHub began to take anchors"),
    (
        "on-workflow_dispatch-unknown-keys-ignored.yml",
        "contradicts events-single-invalid.yml, where the same key is an error; github.com refuses it",
    ),
];

/// One file of the collection.
struct Case {
    name: String,
    /// Whether the service's own parsers do not run it: what the editor alone takes is not GitHub's behaviour.
    is_editors: bool,
    options: BTreeMap<String, String>,
    workflow: String,
    files: BTreeMap<String, String>,
    expected: Expected,
}

enum Expected {
    Accepted,
    /// File, line and column of each error; none where GitHub names no place.
    Refused(BTreeSet<Option<(String, u32, u32)>>),
}

fn cases() -> Option<Vec<Case>> {
    // Another folder, such as one with all of GitHub's cases.
    let given = std::env::var_os("WFRUN_TEST_CONFORMANCE").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"));
    let folder = folder.join("workflows");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: GitHub's own workflows are not at {}", folder.display());
        return None;
    };
    let mut paths: Vec<_> = entries.flatten().map(|it| it.path()).collect();
    paths.sort();
    Some(paths.iter().filter(|it| it.extension().is_some_and(|it| it == "yml")).map(|it| load(it)).collect())
}

/// Documents stand between lines `---`: options, the workflow, pairs of reference and content, the result.
fn load(path: &std::path::Path) -> Case {
    let text = std::fs::read_to_string(path).expect("a text");
    let mut documents: Vec<String> = vec![String::new()];
    for line in text.lines() {
        if line == "---" {
            documents.push(String::new());
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    // A file may begin with `---`.
    documents.retain(|it| !it.trim().is_empty());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let result = documents.pop().expect("a result");
    let result: Json = serde_json::from_str(&result).unwrap_or_else(|err| panic!("{name}: {err}"));
    let options = documents.remove(0);
    let workflow = documents.remove(0);
    let files = documents.chunks(2).filter_map(|it| match it {
        [reference, content] => Some((reference.trim().to_owned(), content.clone())),
        _ => None,
    });
    let skips = |parser: &str| options.lines().any(|it| it.trim().strip_prefix("- ") == Some(parser));
    let is_editors = skips("C#") && skips("Go");
    let pairs = options.lines().filter_map(|line| line.split_once(':'));
    let options = pairs.map(|(key, value)| {
        let value = value.split('#').next().unwrap_or_default();
        (key.trim().to_owned(), value.trim().to_owned())
    });
    Case { is_editors, options: options.collect(), workflow, files: files.collect(), expected: expected(&result), name }
}

fn expected(result: &Json) -> Expected {
    let Some(errors) = result.get("errors").and_then(Json::as_array) else { return Expected::Accepted };
    Expected::Refused(errors.iter().map(|it| place(it["Message"].as_str().unwrap_or_default())).collect())
}

/// `file (Line: 1, Col: 2): …`
fn place(message: &str) -> Option<(String, u32, u32)> {
    // `In file (Line: 1, Col: 2): Error from called workflow …`
    let message = message.strip_prefix("In ").unwrap_or(message);
    let (file, rest) = message.split_once(" (Line: ")?;
    let (line, rest) = rest.split_once(", Col: ")?;
    let (col, _) = rest.split_once(')')?;
    Some((file.to_owned(), line.parse().ok()?, col.parse().ok()?))
}

impl Case {
    fn options(&self) -> SetOptions {
        let number = |key: &str| self.options.get(key).and_then(|it| it.parse::<usize>().ok());
        let default = Limits::default();
        let limits = Limits {
            length: number("max-file-size").unwrap_or(default.length),
            depth: number("max-depth").unwrap_or(default.depth),
            size: number("max-result-size").unwrap_or(default.size),
            jobs: number("max-job-limit"),
            nesting: number("max-nested-reusable-workflows-depth").unwrap_or(default.nesting),
            files: default.files,
        };
        let policy = match self.options.get("permissions-policy").map(String::as_str) {
            Some("LimitedRead") => PermissionsPolicy::LimitedRead,
            _ => PermissionsPolicy::Write,
        };
        SetOptions { read: ReadOptions { limits, ..ReadOptions::default() }, policy }
    }

    fn errors(&self) -> Vec<Diagnostic> {
        let source = Source::new(format!(".github/workflows/{}", self.name), self.workflow.as_str());
        let mut load = |file: &FileRef| match self.files.get(&file.to_string()) {
            Some(text) => Loaded::Source(Source::new(file.to_string(), text.as_str())),
            None if self.options.contains_key("skip-reusable-workflows") => Loaded::Elsewhere,
            None => Loaded::Missing,
        };
        let found = read_set(&source, self.options(), &mut load).diagnostics;
        found.into_iter().filter(Diagnostic::is_error).collect()
    }

    /// What is wrong with our answer.
    fn check(&self) -> Result<(), String> {
        let errors = self.errors();
        let lines = || errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n    ");
        match &self.expected {
            Expected::Accepted if errors.is_empty() => Ok(()),
            Expected::Accepted => Err(format!("GitHub takes it:\n    {}", lines())),
            Expected::Refused(_) if errors.is_empty() => Err("GitHub refuses it".to_owned()),
            Expected::Refused(places) => {
                let ours: BTreeSet<_> = errors.iter().filter_map(found_at).collect();
                let theirs: BTreeSet<_> = places.iter().flatten().cloned().collect();
                // Where GitHub names no place, any will do.
                if theirs == ours || theirs.is_empty() {
                    return Ok(());
                }
                Err(format!("GitHub: {theirs:?}\n    {}", lines()))
            }
        }
    }
}

fn found_at(found: &Diagnostic) -> Option<(String, u32, u32)> {
    let place = found.place.as_ref()?;
    let start = place.start();
    Some((Arc::clone(&place.source).path().to_owned(), start.line, start.col))
}

#[test]
fn githubs_workflows_are_read_as_on_github() {
    let Some(cases) = cases() else { return };
    let mut failed = Vec::new();
    let mut skipped = 0;
    let total = cases.len();
    for case in cases {
        if SKIPPED.iter().any(|(name, _)| *name == case.name) {
            skipped += 1;
        } else if let Err(why) = case.check() {
            if case.is_editors {
                println!("not followed, the service's parsers skip it: {}: {why}", case.name);
                skipped += 1;
                continue;
            }
            failed.push(format!("{}: {why}", case.name));
        }
    }
    println!("conformance, workflows: {}/{total} ({skipped} skipped)", total - skipped - failed.len());
    assert!(failed.is_empty(), "{} of {total}:\n{}", failed.len(), failed.join("\n"));
    assert!(total > 100 && skipped <= 12, "{total} cases, {skipped} skipped");
}
